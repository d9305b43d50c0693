//! Files that are not read, and are called what they are.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;

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

#[test]
fn stores_and_encrypted_files_are_named_with_the_way_on() {
    let algorithm = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
    let store = value(0x30, &[algorithm, &value(4, &[&[7; 300]])]);
    let check = value(0x30, &[algorithm, algorithm, &value(4, &[&[7; 64]])]);
    let header = BASE64URL_NOPAD.encode(br#"{"alg":"PBES2-HS256+A128KW","enc":"A128CBC-HS256"}"#);
    let token = value(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", &value(0xa0, &[&[5, 0]])]);
    let text =
        "X509 Certificate:\r\nVersion: 3\r\nPublic Key: UnusedBits = 0\r\n    0000  30 82 01 0a 02 82 01 01  00 d5\r\n";
    for (name, hint, file) in [
        ("a BouncyCastle keystore (BCFKS)", "-srcstoretype BCFKS", value(0x30, &[&store, &check])),
        ("a KeePass database", "keepassxc-cli", b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\x01\0\x04\0".to_vec()),
        ("encrypted with eyaml", "eyaml decrypt", b"---\npush::p12: ENC[PKCS7,MIIBiQYJKoZIhvcNAQ]\n".to_vec()),
        ("encrypted with eyaml", "eyaml decrypt", b"push::p12: >\n  ENC[GPG,hQIMA5EHnNyEe]\n".to_vec()),
        ("encrypted as JWE", "decrypt it", format!("{header}.QUJD.QUJD.QUJD.QUJD").into_bytes()),
        ("encrypted as JWE", "decrypt it", br#"{"protected":"e30","ciphertext":"QUJD"}"#.to_vec()),
        ("a time-stamp response", "a certificate is expected", value(0x30, &[b"\x30\x03\x02\x01\x00", &token])),
        ("the text of a certificate", "take the file", text.into()),
        ("the text of a certificate", "take the file", b"Certificate:\n    Data:\n        Version: 3 (0x2)\n".to_vec()),
    ] {
        let run = Test::new().args(["inspect", "-"]).stdin(file).status(3).run();
        assert!(run.stderr.contains(name) && run.stderr.contains(hint), "{name}: {}", run.stderr);
        assert!(!run.stderr.contains("damaged"), "{name}: {}", run.stderr);
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("notes.txt"), text).unwrap();
    std::fs::write(folder.path().join("good.cer"), read("der/universal.cer")).unwrap();
    let run = Test::new().args(["expiry", "--at", "2026-12-01", "."]).folder(folder.path()).run();
    assert!(run.text().contains("the text of a certificate"), "{}", run.text());
}

#[test]
fn a_key_without_its_curve_is_named() {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = EcKey::generate(&group).unwrap().private_key_to_der().unwrap();
    // A version, the number, the curve, the point.
    let bare = [&[0x30, 37, 2, 1, 1][..], &key[5..39]].concat();
    let with_point = [&[0x30, 107][..], &key[2..39], &key[51..]].concat();
    for der in [bare, with_point] {
        let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", BASE64.encode(&der));
        for file in [der, pem.into_bytes()] {
            let run = Test::new().args(["inspect", "-"]).stdin(file).status(3).run();
            assert!(run.stderr.contains("EC that does not say its curve"), "{}", run.stderr);
            assert!(run.stderr.contains("pushcert csr"), "{}", run.stderr);
        }
    }
}

/// Returns a certificate with another time as its notAfter.
fn ending(tag: u8, time: &str) -> Vec<u8> {
    let der = read("der/universal.cer");
    let old = b"\x18\x0f20991231000000Z";
    let at = der.windows(old.len()).position(|bytes| bytes == old).unwrap();
    let new = [&[tag, u8::try_from(time.len()).unwrap()], time.as_bytes()].concat();
    let mut changed = [&der[..at], &new, &der[at + old.len()..]].concat();
    let grown = i64::try_from(new.len()).unwrap() - i64::try_from(old.len()).unwrap();
    // The certificate, what is signed of it, and the validity, each with its length.
    for (place, width) in [(2, 2), (6, 2), (at - 16, 1)] {
        let mut length =
            changed[place..place + width].iter().fold(0_i64, |length, byte| length << 8 | i64::from(*byte));
        length += grown;
        for index in 0..width {
            changed[place + index] = (length >> (8 * (width - 1 - index)) & 0xff) as u8;
        }
    }
    changed
}

#[test]
fn a_date_with_an_offset_is_shown_in_utc() {
    for (tag, time, expected) in [
        (0x17, "280101003000+0200", "2027-12-31T22:30:00Z"),
        (0x17, "271231233000-0100", "2028-01-01T00:30:00Z"),
        (0x17, "2712312359Z", "2027-12-31T23:59:00Z"),
        (0x18, "20271231235900.5Z", "2027-12-31T23:59:00.5Z"),
    ] {
        let file = ending(tag, time);
        let run = |arguments: &[&str]| {
            let text =
                Test::new().args(arguments).args(["--at", "2026-12-01"]).stdin(&file[..]).run().text().to_owned();
            assert!(text.contains(expected) || text.contains(&format!("{} ", &expected[..10])), "{time}: {text}");
            text
        };
        assert_eq!(run(&["inspect", "-", "--field", "not_after"]).trim(), expected);
        assert!(run(&["inspect", "-", "--json"]).contains(expected));
        assert!(run(&["expiry", "-", "--json"]).contains(expected));
        assert!(run(&["expiry", "-"]).contains(&expected[..10]));
    }
}

#[test]
fn a_date_that_new_versions_of_openssl_refuse_is_converted_with_a_warning() {
    let warning = "has a date that OpenSSL 3";
    for (tag, time) in [(0x17, "2712312359Z"), (0x18, "202712312359Z")] {
        let certificate = ending(tag, time);
        let body = BASE64.encode(&certificate);
        let key = String::from_utf8(read("key/push.pem")).unwrap();
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n{key}");
        let on = |arguments: &[&str]| Test::new().args(arguments).args(["--at", "2026-12-01"]).stdin(pem.as_bytes());
        on(&["convert", "-"]).stderr_contains(warning).stdout_contains("PRIVATE KEY").run();
        on(&["inspect", "-"]).stdout_contains(warning).run();
        on(&["expiry", "-"]).stdout_contains(warning).run();
    }
}

#[test]
fn a_text_behind_a_file_hides_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("push.p12");
    let note = b"From Anna's Keychain, exported in November by Keychain Access\n";
    for (behind, code) in [(&note[..], 0), (&[0x93; 48], 6)] {
        for name in ["p12/keychain.p12", "p12/java-keystore.p12"] {
            if !fixture(name).exists() {
                continue;
            }
            std::fs::write(&path, [&read(name)[..], behind].concat()).unwrap();
            Test::new().arg("inspect").arg(&path).run();
            Test::new().arg("convert").arg(&path).arg("-o").arg(&path).arg("--force").status(code).run();
        }
    }
}

#[test]
fn the_algorithm_of_a_request_that_is_not_judged_is_named() {
    let mut der = read("csr/request.der");
    // sha256WithRSAEncryption becomes md4WithRSAEncryption.
    let algorithm = [0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11];
    let start = der.windows(algorithm.len()).rposition(|bytes| bytes == algorithm).unwrap();
    der[start + algorithm.len() - 1] = 3;
    let run = Test::new().args(["inspect", "-"]).stdin(der).run();
    assert!(run.text().contains("md4WithRSAEncryption"), "{}", run.text());
}
