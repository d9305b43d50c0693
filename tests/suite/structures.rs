//! What stands in a file beside the values that belong there: values behind one another, lists that have no name.

use data_encoding::BASE64;

use super::common::{Test, fixture};

fn read(path: &str) -> Vec<u8> {
    std::fs::read(fixture(path)).unwrap()
}

/// Returns a value in DER.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, &content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, parts)
}

fn explicit(parts: &[&[u8]]) -> Vec<u8> {
    value(0xa0, parts)
}

fn octets(parts: &[&[u8]]) -> Vec<u8> {
    value(4, parts)
}

const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
const X509_CERTIFICATE: &[u8] = b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01";

/// Returns a bag of one of the types of RFC 7292: 1 for a key, 3 for a certificate, 6 for bags.
fn bag(kind: u8, content: &[&[u8]], after: &[u8]) -> Vec<u8> {
    let oid = [&b"\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01"[..], &[kind]].concat();
    sequence(&[&oid, &explicit(content), after])
}

fn certificate_bag(certificates: &[&[u8]]) -> Vec<u8> {
    bag(3, &[&sequence(&[X509_CERTIFICATE, &explicit(&[&octets(certificates)])])], b"")
}

/// Returns a PKCS#12 file without encryption and without a MAC.
fn pkcs12(bags: &[u8]) -> Vec<u8> {
    let safe = sequence(&[DATA, &explicit(&[&octets(&[bags])])]);
    pkcs12_of(&[&sequence(&[&safe])], b"", b"")
}

fn pkcs12_of(parts: &[&[u8]], after_parts: &[u8], after_content: &[u8]) -> Vec<u8> {
    let content = sequence(&[DATA, &explicit(&[&octets(parts), after_parts])]);
    sequence(&[b"\x02\x01\x03", &content, after_content])
}

fn encoded(label: &str, bytes: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", BASE64.encode(bytes)).into_bytes()
}

fn inspect(bytes: &[u8]) -> Test {
    Test::new().args(["inspect", "-", "--at", "2026-12-01T00:00:00Z"]).stdin(bytes)
}

#[test]
fn what_follows_a_value_in_pkcs12_is_read() {
    let (first, second) = (read("der/universal.cer"), read("der/ec.cer"));
    let own = certificate_bag(&[&first]);
    let with = |bags: &[&[u8]]| pkcs12(&sequence(bags));
    let cert = |after: &[u8]| sequence(&[X509_CERTIFICATE, &explicit(&[&octets(&[&first])]), after]);
    let safe = |bags: &[&[u8]]| sequence(&[DATA, &explicit(&[&octets(&[&sequence(bags)])])]);
    for (place, file) in [
        ("octets", with(&[&certificate_bag(&[&first, &second])])),
        ("octets, zeros between", with(&[&certificate_bag(&[&first, b"\0\0", &second])])),
        (
            "second octets",
            with(&[&bag(
                3,
                &[&sequence(&[X509_CERTIFICATE, &explicit(&[&octets(&[&first]), &octets(&[&second])])])],
                b"",
            )]),
        ),
        ("after the octets", with(&[&bag(3, &[&cert(&explicit(&[&octets(&[&second])]))], b"")])),
        ("after the certificate bag", with(&[&bag(3, &[&cert(b""), &second], b"")])),
        ("after the attributes", with(&[&bag(3, &[&cert(b"")], &[b"\x31\0", &second[..]].concat())])),
        ("after nested bags", with(&[&bag(6, &[&sequence(&[&own]), &second], b"")])),
        ("after the bags", pkcs12(&[sequence(&[&own]), second.clone()].concat())),
        ("after a part", pkcs12_of(&[&sequence(&[&safe(&[&own])]), &second], b"", b"")),
        ("after the parts", pkcs12_of(&[&sequence(&[&safe(&[&own])])], &second, b"")),
        ("after the file", pkcs12_of(&[&sequence(&[&safe(&[&own])])], b"", &[b"\x05\0", &second[..]].concat())),
    ] {
        let run = inspect(&file).run();
        assert!(run.text().contains("com.example.MyApp"), "{place}: {}", run.text());
        assert_eq!(run.text().matches("\n  SHA-256 ").count(), 2, "{place}: {}", run.text());
    }
}

#[test]
fn a_key_that_follows_another_in_pkcs12_is_read() {
    let (first, second) = (read("key/pkcs8.der"), read("key/sec1.der"));
    let certificate = certificate_bag(&[&read("der/universal.cer")]);
    let file = pkcs12(&sequence(&[&certificate, &bag(1, &[&first, &second], b"")]));
    inspect(&file).stdout_contains("is here and matches").stdout_contains("private key, EC 256").run();
}

#[test]
fn what_follows_a_value_and_is_not_known_is_named() {
    let own = certificate_bag(&[&read("der/universal.cer")]);
    let other = certificate_bag(&[&read("der/ec.cer")]);
    for (place, file) in [
        ("after the bags of a part", pkcs12(&[sequence(&[&own]), sequence(&[&other])].concat())),
        ("after the content of bag 1", pkcs12(&sequence(&[&bag(6, &[&sequence(&[&own]), &sequence(&[&other])], b"")]))),
    ] {
        let run = inspect(&file).status(3).run();
        let said = format!("{place}: there is a value that is not read");
        assert!(run.text().contains(&said) || run.stderr.contains(&said), "{}{}", run.text(), run.stderr);
        Test::new().args(["expiry", "-"]).stdin(file).status(3).run();
    }
    let file = pkcs12(&sequence(&[&certificate_bag(&[&read("der/universal.cer"), b"abc"])]));
    inspect(&file).stdout_contains("3 bytes of no meaning (after the content of bag 1)").run();
}

#[test]
fn what_follows_a_value_in_pkcs7_is_read() {
    let (first, second) = (read("der/universal.cer"), read("der/ec.cer"));
    let signed = |content: &[u8], after: &[u8]| {
        let certificates = explicit(&[&first]);
        let data = sequence(&[b"\x02\x01\x01\x31\0", content, &certificates, b"\x31\0"]);
        sequence(&[SIGNED_DATA, &explicit(&[&data, after])])
    };
    let signed_with = |fields: &[u8], after: &[u8]| {
        let data = sequence(&[b"\x02\x01\x01\x31\0", &sequence(&[DATA]), &explicit(&[&first]), fields, after]);
        sequence(&[SIGNED_DATA, &explicit(&[&data])])
    };
    let plain = sequence(&[DATA]);
    let netscape: &[u8] = b"\x06\x09\x60\x86\x48\x01\x86\xf8\x42\x02\x05";
    for (place, file) in [
        ("after the signed data", signed(&plain, &second)),
        ("after the content", signed(&sequence(&[DATA, &explicit(&[&octets(&[b"x"])]), &second]), b"")),
        ("second octets", signed(&sequence(&[DATA, &explicit(&[&octets(&[b"x"]), &octets(&[&second])])]), b"")),
        ("in the place of the content", signed(&sequence(&[DATA, &second]), b"")),
        ("as the content", signed(&sequence(&[DATA, &explicit(&[&second])]), b"")),
        ("after the signers", signed_with(b"\x31\0", &second)),
        ("before the signers", signed_with(&second, b"\x31\0")),
        ("at the end", sequence(&[netscape, &explicit(&[&sequence(&[&first])]), &second])),
        ("after the sequence", sequence(&[netscape, &explicit(&[&sequence(&[&first]), &second])])),
    ] {
        let run = inspect(&file).run();
        assert_eq!(run.text().matches("\n  SHA-256 ").count(), 2, "{place}: {}", run.text());
    }
}

/// Returns the fields of EncryptedPrivateKeyInfo: the algorithm and the encrypted octets.
fn encrypted_fields(info: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let algorithm = 4 + usize::from(info[5]) + 2;
    (info[4..algorithm].to_vec(), info[algorithm..].to_vec())
}

#[test]
fn what_follows_something_encrypted_in_pkcs12_is_read() {
    const ENCRYPTED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06";
    let (first, second) = (read("der/universal.cer"), read("der/ec.cer"));
    let (algorithm, ciphertext) = encrypted_fields(&read("key/encrypted-pkcs8.der"));
    let own = certificate_bag(&[&first]);
    let shrouded = |after: &[u8]| bag(2, &[&sequence(&[&algorithm, &ciphertext, after])], b"");
    let content = |after: &[u8]| sequence(&[DATA, &algorithm, &value(0x80, &[&ciphertext[4..]]), after]);
    let encrypted = |info: &[u8], after: &[u8]| {
        let part = sequence(&[ENCRYPTED_DATA, &explicit(&[&sequence(&[b"\x02\x01\0", info, after])])]);
        let plain = sequence(&[DATA, &explicit(&[&octets(&[&sequence(&[&own])])])]);
        pkcs12_of(&[&sequence(&[&plain, &part])], b"", b"")
    };
    let attributes: &[u8] = b"\xa1\x0b\x30\x09\x06\x03\x55\x04\x03\x31\x02\x0c\0";
    for (place, file, certificates) in [
        ("after the encrypted key", pkcs12(&sequence(&[&own, &shrouded(&second)])), 2),
        ("after the encrypted content", encrypted(&content(&second), b""), 2),
        ("after the encrypted data", encrypted(&content(b""), &second), 2),
        ("after attributes", encrypted(&content(b""), &[attributes, &second[..]].concat()), 2),
        ("attributes", encrypted(&content(b""), attributes), 1),
    ] {
        let run = inspect(&file).status(4).run();
        assert_eq!(run.text().matches("\n  SHA-256 ").count(), certificates, "{place}: {}", run.text());
        assert!(!run.text().contains("no meaning"), "{place}: {}", run.text());
    }
    let file = pkcs12(&sequence(&[&own, &shrouded(&second)]));
    let run = inspect(&file).args(["--passin", "pass:push"]).run();
    assert_eq!(run.text().matches("\n  SHA-256 ").count(), 2, "{}", run.text());
}

#[test]
fn what_follows_an_encrypted_key_is_read_without_its_password() {
    let (algorithm, ciphertext) = encrypted_fields(&read("key/encrypted-pkcs8.der"));
    let key = sequence(&[&algorithm, &ciphertext, &read("der/ec.cer")]);
    let file = [encoded("CERTIFICATE", &read("der/universal.cer")), encoded("ENCRYPTED PRIVATE KEY", &key)].concat();
    for (password, status) in [(&[][..], 4), (&["--passin", "pass:push"], 0)] {
        let run = inspect(&file).args(password).status(status).run();
        assert_eq!(run.text().matches("\n  SHA-256 ").count(), 2, "{}", run.text());
    }
}

/// Makes a file with other bytes in a place of it.
type WithStray<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

#[test]
fn what_stands_inside_a_private_key_beside_its_fields_is_read() {
    let (certificate, other) = (read("der/universal.cer"), read("key/sec1.der"));
    let pkcs8 = read("key/pkcs8.der");
    // A version of three bytes, the algorithm of RSA with 15, the octets.
    let (algorithm, key) = (&pkcs8[7..22], &pkcs8[26..]);
    let info =
        |algorithm: &[u8], key: &[&[u8]], after: &[u8]| sequence(&[b"\x02\x01\0", algorithm, &octets(key), after]);
    assert_eq!(inspect(&info(algorithm, &[key], b"")).run().text(), inspect(&pkcs8).run().text());
    let attributes: &[u8] = b"\xa0\x0d\x30\x0b\x06\x03\x55\x1d\x0f\x31\x04\x03\x02\0\x10";
    assert_eq!(inspect(&info(algorithm, &[key], attributes)).run().text(), inspect(&pkcs8).run().text());
    let places: [(&str, WithStray<'_>); 5] = [
        ("after the fields", &|stray| info(algorithm, &[key], stray)),
        ("after the attributes", &|stray| info(algorithm, &[key], &[attributes, stray].concat())),
        ("in the place of attributes", &|stray| info(algorithm, &[key], &explicit(&[stray]))),
        ("in the octets", &|stray| info(algorithm, &[key, stray], b"")),
        ("in the algorithm", &|stray| info(&sequence(&[&algorithm[2..], stray]), &[key], b"")),
    ];
    for (place, with) in places {
        let (own, with_certificate, with_key) = (with(b""), with(&certificate), with(&other));
        assert!(!inspect(&own).run().text().contains("no meaning"), "{place}");
        for file in [with_certificate.clone(), encoded("PRIVATE KEY", &with_certificate)] {
            let run = inspect(&file).run();
            assert_eq!(run.text().matches("\n  SHA-256 ").count(), 1, "{place}: {}", run.text());
        }
        let bags = [certificate_bag(&[&certificate]), bag(1, &[&with_key], b"")].concat();
        let identity = [encoded("CERTIFICATE", &certificate), encoded("PRIVATE KEY", &with_key)].concat();
        for file in [pkcs12(&sequence(&[&bags])), identity] {
            inspect(&file).stdout_contains("is here and matches").stdout_contains("private key, EC 256").run();
        }
    }
    inspect(&info(algorithm, &[key, b"abc"], b""))
        .stdout_contains("3 bytes of no meaning (inside the private key)")
        .run();
}

#[test]
fn files_in_one_another_end() {
    let mut file = read("der/universal.cer");
    for _ in 0..2_000 {
        file = pkcs12_of(&[&sequence(&[])], &file, b"");
    }
    inspect(&file).status(3).stderr_contains("there is a value that is not read").run();
}

#[test]
fn lists_of_certificates_without_a_name_are_read() {
    let (first, second) = (read("der/universal.cer"), read("der/ec.cer"));
    let one = |number: u8, certificate: &[u8]| value(0xa0 + number, &[certificate]);
    let pair = sequence(&[&one(0, &first), &one(1, &second)]);
    let path = sequence(&[&first, &second]);
    let set = value(0x31, &[&first, &second]);
    let lists = [
        ("PkiPath", path.clone()),
        ("set", set.clone()),
        ("pair", pair),
        ("CertificationPath", sequence(&[&first, &sequence(&[&sequence(&[&one(0, &second)])])])),
        ("in Base64", BASE64.encode(&path).into_bytes()),
        ("in PEM", encoded("CERTIFICATE", &path)),
        ("set in PEM", encoded("PKCS7", &set)),
        ("set in Base64", BASE64.encode(&set).into_bytes()),
        ("set in JSON", format!("{{\"chain\": \"{}\"}}\n", BASE64.encode(&set)).into_bytes()),
        ("unknown label", encoded("PKIPATH", &path)),
        ("behind a certificate", [read("der/not-push.cer"), path.clone()].concat()),
    ];
    for (name, file) in &lists {
        let run = inspect(file).run();
        for digest in ["d04062fe545c6cc1", "be60f9b13dcfd313"] {
            assert!(run.text().contains(digest), "{name}: {}", run.text());
        }
    }
    for (name, file) in lists {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("chain.bin"), file).unwrap();
        let run = Test::new().args(["expiry", "--at", "2026-12-01T00:00:00Z"]).arg(folder.path()).run();
        assert!(run.text().matches("com.example.MyApp").count() >= 2, "{name}: {}", run.text());
    }
    let single = inspect(&sequence(&[&one(1, &second)])).run();
    assert!(single.text().contains("be60f9b13dcfd313"), "{}", single.text());
}

#[test]
fn what_is_damaged_in_a_list_of_certificates_is_said() {
    let (first, mut second) = (read("der/universal.cer"), read("der/ec.cer"));
    second[8] = 0xff;
    let run = inspect(&sequence(&[&first, &second])).status(3).run();
    assert!(run.text().contains("com.example.MyApp") && run.text().contains("certificate 2"), "{}", run.text());
}

#[test]
fn what_is_no_certificate_in_a_list_of_them_is_read_or_named() {
    let (first, key, store) = (read("der/universal.cer"), read("key/pkcs8.der"), read("p12/keychain.p12"));
    let list =
        value(0x30, &[&sequence(&[b"\x02\x01\x01", ALGORITHM, NAME, b"\x17\x0d261124000000Z"]), ALGORITHM, SIGNATURE]);
    let data = |items: &[&[u8]]| {
        let fields = sequence(&[b"\x02\x01\x01\x31\0", &sequence(&[DATA]), &explicit(items), b"\x31\0"]);
        sequence(&[SIGNED_DATA, &explicit(&[&fields])])
    };
    for (item, said) in
        [(&list, "a certificate revocation list (CRL)"), (&key, "the private key is here and matches"), (&store, "MAC")]
    {
        for file in [sequence(&[&first, item]), value(0x31, &[&first, item]), data(&[&first, item])] {
            let run = inspect(&file).any_status().run();
            assert!(run.text().contains("com.example.MyApp"), "{said}: {}{}", run.text(), run.stderr);
            assert!(!run.text().contains("damaged") && !run.stderr.contains("damaged"), "{said}: {}", run.stderr);
            if said != "MAC" {
                assert!(run.text().contains(said), "{said}: {}", run.text());
            }
        }
    }
}

const ALGORITHM: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\0";
const NAME: &[u8] = b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a";
const SIGNATURE: &[u8] = b"\x03\x05\0abcd";

#[test]
fn certificates_in_places_of_other_forms_are_read() {
    let (first, second) = (read("der/universal.cer"), read("der/ec.cer"));
    let path = sequence(&[&first, &second]);
    let pem = [encoded("CERTIFICATE", &first), encoded("CERTIFICATE", &second)].concat();
    let base64 = BASE64.encode(&path).into_bytes();
    let bags = |certificate: &[u8]| pkcs12(&sequence(&[&certificate_bag(&[certificate])]));
    let in_list = |items: &[&[u8]]| {
        let fields = sequence(&[b"\x02\x01\x01\x31\0", &sequence(&[DATA]), &explicit(items), b"\x31\0"]);
        sequence(&[SIGNED_DATA, &explicit(&[&fields])])
    };
    let attribute = |kind: u8, values: &[&[u8]]| sequence(&[&[6, 3, 0x55, 4, kind], &value(0x31, values)]);
    for (name, file) in [
        ("a path in a bag", bags(&path)),
        ("PEM in a bag", bags(&pem)),
        ("Base64 in a bag", bags(&base64)),
        ("PEM behind a PKCS#12 file's content", pkcs12_of(&[&sequence(&[])], b"", &pem)),
        ("Base64 behind it", pkcs12_of(&[&sequence(&[])], b"", &octets(&[&base64]))),
        ("octets in PKCS#7", in_list(&[&first, &octets(&[&second])])),
        ("PEM in PKCS#7", in_list(&[&octets(&[&pem])])),
        ("userCertificate", attribute(36, &[&first, &second])),
        ("cACertificate", attribute(37, &[&first, &second])),
        ("a bag's content", sequence(&[X509_CERTIFICATE, &explicit(&[&octets(&[&path])])])),
    ] {
        let run = inspect(&file).any_status().run();
        for digest in ["d04062fe545c6cc1", "be60f9b13dcfd313"] {
            assert!(run.text().contains(digest), "{name}: {}{}", run.text(), run.stderr);
        }
        for wrong in ["no meaning", "attribute certificate", "PKCS#7 content"] {
            assert!(!run.text().contains(wrong) && !run.stderr.contains(wrong), "{name}: {}{}", run.text(), run.stderr);
        }
    }
}

/// Returns a dump of a file with an address before each line of sixteen bytes.
fn dump(file: &[u8], line_of: impl Fn(usize, &[u8]) -> String) -> Vec<u8> {
    let mut text = String::new();
    for (index, line) in file.chunks(16).enumerate() {
        text += &line_of(index * 16, line);
        text.push('\n');
    }
    text.into_bytes()
}

#[test]
fn dumps_are_named_with_a_command_that_undoes_them() {
    let bytes = |line: &[u8]| line.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
    let words =
        |line: &[u8]| line.chunks(2).map(|two| u16::from(two[0]) | (u16::from(two[1]) << 8)).collect::<Vec<_>>();
    for path in ["der/universal.cer", "pem/identity.pem", "p12/keychain.p12"] {
        let mut file = read(path);
        file.truncate(file.len() & !1);
        for (text, command) in [
            (dump(&file, |address, line| format!("{address:08x}:{}  ....", bytes(line))), "sed 's/^[^:]*: *//"),
            (dump(&file, |address, line| format!("{address:08x} {}  |..|", bytes(line))), "sed 's/^[0-9a-f]* *//"),
            (dump(&file, |address, line| format!("{address:06x}{}", bytes(line))), "sed 's/^[0-9a-f]* *//"),
            (dump(&file, |address, line| format!("{address:07o}{}", bytes(line))), "sed 's/^[0-9a-f]* *//"),
            (
                dump(&file, |address, line| {
                    let words: String = words(line).iter().map(|word| format!(" {word:04x}")).collect();
                    format!("{address:07x}{words}")
                }),
                "map { scalar reverse pack \"H*\", $_ } split",
            ),
            (
                dump(&file, |address, line| {
                    let words: String = words(line).iter().map(|word| format!(" {word:06o}")).collect();
                    format!("{address:07o}{words}")
                }),
                ": \"v\", oct)",
            ),
            (
                dump(&file, |address, line| {
                    let bytes: String = line.iter().map(|byte| format!(" {byte:03o}")).collect();
                    format!("{address:07o}{bytes}")
                }),
                "pack(\"C*\", map { oct } split)",
            ),
        ] {
            inspect(&text).status(3).stderr_contains(" dump").stderr_contains(command).run();
            Test::new().args(["expiry", "-"]).stdin(text).status(3).run();
        }
    }
}
