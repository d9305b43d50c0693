//! What `convert` and `pack` say of certificates that no fixture has.

use std::fs;

use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::stack::Stack;
use openssl::x509::X509;

use super::certificates::{self, Extension, Shape};
use super::common::{Test, fixture};

/// An extension of Apple's push certificates.
const PRODUCTION: Extension<'_> = Extension { oid: "1.2.840.113635.100.6.3.2", is_critical: false, value: &[5, 0] };

#[test]
fn a_leaf_that_calls_itself_an_authority_is_judged_as_a_leaf() {
    let folder = tempfile::tempdir().unwrap();
    let key = certificates::ec_key();
    let key_pem = key.private_key_to_pem_pkcs8().unwrap();
    // As `openssl req -x509` makes it.
    let server = certificates::shaped(&key, &Shape { is_ca: true, ..Shape::default() });
    let push = certificates::shaped(&key, &Shape { is_ca: true, extensions: &[PRODUCTION], ..Shape::default() });
    for (name, certificate, message) in [
        ("server", &server, Some("\"server\" is not an Apple push certificate: APNs will refuse it")),
        ("push", &push, None),
    ] {
        let refusal = message.unwrap_or("\"server\" was not issued by Apple");
        let (both, alone) = (format!("{name}.pem"), format!("{name}.crt"));
        fs::write(folder.path().join("k.pem"), &key_pem).unwrap();
        fs::write(folder.path().join(&alone), certificate).unwrap();
        fs::write(folder.path().join(&both), [&certificate[..], &key_pem].concat()).unwrap();
        for arguments in [
            &["convert", &both][..],
            &["convert", &alone, "--key", "k.pem"],
            &["convert", &alone, "--no-key"],
            &["convert", &both, "--no-key"],
            &["pack", &both, "--passout", "env:P"],
        ] {
            let test = || {
                let _ = fs::remove_file(folder.path().join("out"));
                let output = ["--at", "2026-06-01", "-o", "out"];
                Test::new().args(arguments).args(output).folder(folder.path()).env("P", "geheim99")
            };
            // Nobody shows an authority without its key to APNs.
            let message = if arguments == ["convert", &alone, "--no-key"] { None } else { message };
            let told = test().run().stderr;
            assert_eq!(told.contains("warning:"), message.is_some(), "{arguments:?} {told}");
            assert!(told.contains(message.unwrap_or_default()), "{arguments:?} {told}");
            test().arg("--strict").status(1).stderr_contains(refusal).run();
        }
    }
}

/// A .p12 with a certificate, its key and others, and its password is "geheim99".
fn pkcs12(key: &PKey<Private>, certificate: &[u8], others: &[&[u8]]) -> Vec<u8> {
    let mut stack = Stack::new().unwrap();
    for other in others {
        stack.push(X509::from_pem(other).unwrap()).unwrap();
    }
    let certificate = X509::from_pem(certificate).unwrap();
    let built = Pkcs12::builder().name("first").pkey(key).cert(&certificate).ca(stack).build2("geheim99").unwrap();
    built.to_der().unwrap()
}

#[test]
fn every_leaf_that_bag_attributes_write_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let convert = |file: &std::path::Path, options: &[&str]| {
        let start = ["--bag-attributes", "--passin", "env:P", "-o", "out", "--force"];
        Test::new().arg("convert").arg(file).args(start).args(options).folder(folder.path())
    };
    // Two identities of one key.
    let key = PKey::private_key_from_pem(&fs::read(fixture("key/push.pem")).unwrap()).unwrap();
    let good = certificates::push("com.example.Good", "Good", "20260101", "20991231");
    let bad = certificates::push("com.example.Bad", "Bad", "20250101", "20251231");
    for (options, is_judged) in [
        (&[][..], true),
        (&["--certs", "all"], true),
        (&["--no-key"], true),
        (&["--certs", "none"], true),
        (&["--select", "com.example.Good"], false),
    ] {
        let path = folder.path().join("two.p12");
        fs::write(&path, pkcs12(&key, &good, &[&bad])).unwrap();
        let test = || convert(&path, options).args(["--at", "2026-06-01"]).env("P", "geheim99");
        let said = "\"Bad\" expired on 2025-12-31";
        let told = test().run().stderr;
        assert_eq!(told.contains(said), is_judged, "{options:?} {told}");
        let report = test().arg("--json").run().json();
        assert_eq!(report["certificate"]["bundle_id"], "com.example.Good");
        let expired: Vec<&serde_json::Value> =
            report["warnings"].as_array().unwrap().iter().filter(|one| one["code"] == "expired").collect();
        assert_eq!(expired.len(), usize::from(is_judged), "{report}");
        if let [warning] = expired[..] {
            assert!(warning["message"].as_str().unwrap().starts_with(said), "{report}");
        }
    }
}

#[test]
fn an_authority_that_is_written_and_proves_nothing_is_warned_of() {
    let [root_key, middle_key, other_key, key] = [(); 4].map(|()| certificates::ec_key());
    let authority =
        |subject, issuer, from, until| Shape { subject, issuer, from, until, is_ca: true, ..Shape::default() };
    let root = certificates::shaped(&root_key, &authority("root", "root", "20200101", "20991231"));
    let middle =
        |from, until| certificates::shaped_by(&root_key, &middle_key, &authority("middle", "root", from, until));
    let leaf = Shape { issuer: "middle", extensions: &[PRODUCTION], ..Shape::default() };
    let good = certificates::shaped_by(&middle_key, &key, &leaf);
    let foreign = certificates::shaped_by(&other_key, &key, &leaf);
    let false_middle =
        certificates::shaped_by(&other_key, &middle_key, &authority("middle", "root", "20200101", "20991231"));
    let folder = tempfile::tempdir().unwrap();
    for (leaf, middle, code, said) in [
        (&good, middle("20200101", "20991231"), None, ""),
        (
            &good,
            middle("20200101", "20250101"),
            Some("intermediate-expired"),
            "the authority \"middle\" expired on 2025-01-01",
        ),
        (
            &good,
            middle("20300101", "20991231"),
            Some("not-yet-valid"),
            "the authority \"middle\" is not valid before 2030-01-01",
        ),
        (
            &foreign,
            middle("20200101", "20991231"),
            Some("chain-invalid"),
            "\"server\" names the authority \"middle\" as its issuer, whose key did not sign it",
        ),
        (
            &good,
            false_middle,
            Some("chain-invalid"),
            "\"middle\" names the authority \"root\" as its issuer, whose key did not sign it",
        ),
    ] {
        let pem = [&leaf[..], &key.private_key_to_pem_pkcs8().unwrap(), &middle, &root].concat();
        fs::write(folder.path().join("in.pem"), pem).unwrap();
        let test = |arguments: &str| {
            let test =
                Test::new().args(arguments.split(' ')).args(["in.pem", "--at", "2026-06-01", "-o", "out", "--force"]);
            test.env("P", "geheim99").folder(folder.path())
        };
        for arguments in ["convert --certs all", "pack --passout env:P", "convert --certs ca --no-key"] {
            let told = test(arguments).run().stderr;
            let is_told = code.is_some() && !(arguments.contains("ca") && said.contains("server"));
            assert_eq!(told.contains("warning: in.pem: "), is_told, "{arguments}: {told}");
            assert!(!is_told || told.contains(said), "{arguments}: {told}");
            let report = test(arguments).arg("--json").run().json();
            let codes: Vec<&str> =
                report["warnings"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
            assert_eq!(codes.iter().any(|one| Some(*one) == code), is_told, "{arguments}: {report}");
        }
        let told = test("convert").run().stderr;
        assert!(!told.contains("authority"), "{told}");
    }
}

#[test]
fn the_report_counts_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let report = Test::new()
        .args(["convert", "--bag-attributes", "--json", "-o", "out.pem"])
        .arg(fixture("p12/two-identities.p12"))
        .args(["--passin", "env:P"])
        .env("P", "push")
        .folder(folder.path())
        .run()
        .json();
    let text = fs::read_to_string(folder.path().join("out.pem")).unwrap();
    let output = &report["outputs"][0];
    assert_eq!(output["private_keys"], text.matches("BEGIN PRIVATE KEY").count(), "{report}");
    assert_eq!(output["certificates"], text.matches("BEGIN CERTIFICATE").count(), "{report}");
    assert_eq!(output["private_keys"], 2, "{report}");
}

#[test]
fn the_alias_of_a_trusted_certificate_is_a_friendly_name() {
    let folder = tempfile::tempdir().unwrap();
    let key = certificates::ec_key();
    let pem = certificates::shaped(&key, &Shape { extensions: &[PRODUCTION], ..Shape::default() });
    // As `openssl x509 -setalias` writes it.
    let settings = b"\x30\x0a\x0c\x08My alias";
    let der = [&X509::from_pem(&pem).unwrap().to_der().unwrap()[..], settings].concat();
    let trusted = format!(
        "-----BEGIN TRUSTED CERTIFICATE-----\n{}\n-----END TRUSTED CERTIFICATE-----\n",
        data_encoding::BASE64.encode(&der)
    );
    fs::write(folder.path().join("in.pem"), [trusted.as_bytes(), &key.private_key_to_pem_pkcs8().unwrap()].concat())
        .unwrap();
    let report = Test::new()
        .args(["pack", "in.pem", "--at", "2026-06-01", "--passout", "env:P", "-o", "out.p12", "--json"])
        .env("P", "geheim99")
        .folder(folder.path())
        .run()
        .json();
    assert_eq!(report["friendly_name"], "My alias", "{report}");
}

const NEWER: &str = "left out \"server\" (until 2028-12-31), whose private key is not here";
const HINT: &str = "it is newer than the one that is taken: give its private key with --key FILE";

/// A folder with a renewed certificate, whose key is in new.key, beside the old one and its key, in several forms.
fn renewal(old_until: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (old_key, new_key) = (certificates::ec_key(), certificates::ec_key());
    let shape = Shape { extensions: &[PRODUCTION], from: "20250101", until: old_until, ..Shape::default() };
    let old = certificates::shaped(&old_key, &shape);
    let new = certificates::shaped(&new_key, &Shape { until: "20281231", ..shape });
    let same_key = certificates::shaped(&old_key, &Shape { until: "20281231", ..shape });
    let other = certificates::shaped(&new_key, &Shape { subject: "other", issuer: "other", ..shape });
    let old_pem = old_key.private_key_to_pem_pkcs8().unwrap();
    for (name, bytes) in [
        ("renew.pem", [&new[..], &old, &old_pem].concat()),
        ("behind.pem", [&old_pem[..], &old, &new].concat()),
        ("renew.p12", pkcs12(&old_key, &old, &[&new])),
        ("apart.pem", [&new[..], &old].concat()),
        ("older.pem", [&new[..], &new_key.private_key_to_pem_pkcs8().unwrap(), &old].concat()),
        ("other.pem", [&old[..], &old_pem, &other].concat()),
        ("same-key.pem", [&old[..], &old_pem, &same_key].concat()),
        ("old.key", old_pem.clone()),
        ("new.key", new_key.private_key_to_pem_pkcs8().unwrap()),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn a_leaf_without_its_key_is_not_left_out_in_silence() {
    for old_until in ["20261231", "20251231"] {
        let folder = renewal(old_until);
        let test = |arguments: &str| {
            let _ = fs::remove_file(folder.path().join("out"));
            let _ = fs::remove_file(folder.path().join("out.key"));
            let test = Test::new().args(arguments.split(' ')).args(["--at", "2026-06-01"]);
            test.env("P", "geheim99").folder(folder.path())
        };
        let old = format!("left out \"server\" (until {}-12-31), whose", &old_until[..4]);
        let other = old.replace("server", "other");
        for (arguments, said, is_newer) in [
            ("convert renew.pem -o out", NEWER, true),
            ("convert renew.pem -o out --certs all", NEWER, true),
            ("convert renew.pem -o out --certs none", NEWER, true),
            ("convert renew.pem --cert-out out --key-out out.key", NEWER, true),
            ("convert behind.pem -o out", NEWER, true),
            ("convert renew.p12 --passin env:P -o out", NEWER, true),
            ("convert renew.p12 --passin env:P --bag-attributes -o out", NEWER, true),
            ("convert apart.pem --key old.key -o out", NEWER, true),
            ("convert older.pem -o out", &old, false),
            ("convert other.pem -o out", &other, false),
            ("pack renew.pem --passout env:P -o out", NEWER, true),
            ("pack renew.p12 --passin env:P --passout env:P -o out", NEWER, true),
            ("pack other.pem --passout env:P -o out", &other, false),
        ] {
            let told = test(arguments).run().stderr;
            let file = arguments.split(' ').nth(1).unwrap();
            assert!(told.contains(&format!("warning: {file}: {said}")), "{arguments} {told}");
            assert_eq!(told.contains(HINT), is_newer, "{arguments} {told}");
            let report = test(arguments).arg("--json").stderr("").run().json();
            let warning = &report["warnings"][0];
            assert_eq!(warning["code"], "left-out", "{arguments} {report}");
            assert!(warning["message"].as_str().unwrap().starts_with(said), "{arguments} {report}");
            assert_eq!(warning["hint"] == HINT, is_newer, "{arguments} {report}");
            test(arguments).arg("--strict").status(1).stderr_contains(&format!("error: {file}: {said}")).run();
        }
        for arguments in [
            // The other was chosen.
            "convert other.pem -o out --select SHA256",
            "pack other.pem --passout env:P -o out --select SHA256",
            // The old one's key was replaced.
            "convert renew.pem --key new.key -o out",
            // They are written.
            "convert renew.p12 --passin env:P --bag-attributes --certs all -o out",
            "convert renew.pem --no-key --certs ca -o out",
            // No leaf is asked for.
            "convert other.pem -o out --certs none",
        ] {
            let sha256 = Test::new().args(["convert", "other.pem", "--json", "-o", "sha"]).folder(folder.path()).run();
            fs::remove_file(folder.path().join("sha")).unwrap();
            let sha256 = sha256.json()["certificate"]["sha256"].as_str().unwrap().to_owned();
            let told = test(&arguments.replace("SHA256", &sha256)).any_status().run().stderr;
            assert!(!told.contains("left out"), "{arguments} {told}");
        }
    }
    // check takes the old one as well.
    let folder = renewal("20261231");
    let check = ["--gateway", "127.0.0.1:1", "--timeout", "1s"];
    for (file, is_told) in [("renew.pem", true), ("older.pem", false), ("other.pem", false)] {
        let run = Test::new().args(["check", file]).args(check).folder(folder.path()).any_status().run();
        assert_eq!(run.text().contains(&format!("{NEWER}; {HINT}")), is_told, "{}{}", run.text(), run.stderr);
    }
}

#[test]
fn a_certificate_that_a_replaced_input_loses_is_told() {
    let lost = "has lost the certificate \"server\" (until 2028-12-31)";
    for (arguments, is_lost) in [
        ("convert renew.pem -o renew.pem", true),
        ("convert renew.pem -o ./renew.pem --certs all", true),
        ("convert renew.p12 --passin env:P -o renew.p12", true),
        ("convert renew.p12 --passin env:P --bag-attributes -o renew.p12", true),
        ("convert same-key.pem -o same-key.pem --select SHA256", true),
        ("convert - -o renew.pem", true),
        ("pack renew.pem --passout env:P -o renew.pem", true),
        ("pack same-key.pem --passout env:P -o same-key.pem --select SHA256", true),
        ("convert renew.pem -o out", false),
        ("convert renew.p12 --passin env:P --bag-attributes --certs all -o renew.p12", false),
        ("pack renew.pem --passout env:P -o out", false),
    ] {
        let folder = renewal("20261231");
        let sha256 = Test::new().args(["convert", "other.pem", "--json", "-o", "sha"]).folder(folder.path()).run();
        let sha256 = sha256.json()["certificate"]["sha256"].as_str().unwrap().to_owned();
        let script = format!("\"$0\" {arguments} --force < renew.pem").replace("SHA256", &sha256);
        let told = Test::shell(&script).env("P", "geheim99").folder(folder.path()).run().stderr;
        assert_eq!(told.contains(lost), is_lost, "{arguments} {told}");
    }
}

#[test]
fn the_report_names_the_file_that_the_key_is_from() {
    let folder = renewal("20261231");
    fs::create_dir(folder.path().join("keys")).unwrap();
    fs::rename(folder.path().join("new.key"), folder.path().join("keys/new.key")).unwrap();
    let convert = |arguments: &[&str]| {
        let _ = fs::remove_file(folder.path().join("out"));
        let end = ["-o", "out", "--json"];
        Test::new().args(["convert"]).args(arguments).args(end).folder(folder.path()).run().json()["key_file"].clone()
    };
    assert_eq!(convert(&["apart.pem", "--key", "keys"]), "keys/new.key");
    assert_eq!(convert(&["apart.pem", "--key", "old.key"]), "old.key");
    assert!(convert(&["renew.pem"]).is_null());
}

#[test]
fn an_issuer_that_does_not_call_itself_an_authority_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let (root_key, middle_key, key) = (certificates::ec_key(), certificates::ec_key(), certificates::ec_key());
    // As of version 1, or made without extensions.
    let root = certificates::shaped(&root_key, &Shape { subject: "root", issuer: "root", ..Shape::default() });
    let by_root = Shape { subject: "middle", issuer: "root", ..Shape::default() };
    let middle = certificates::shaped_by(&root_key, &middle_key, &by_root);
    let leaf = certificates::shaped_by(&middle_key, &key, &Shape { issuer: "middle", ..Shape::default() });
    let file = [&leaf[..], &root, &middle, &key.private_key_to_pem_pkcs8().unwrap()].concat();
    fs::write(folder.path().join("full.pem"), file).unwrap();
    let run = |arguments: &str| {
        let run = Test::new().args(arguments.split(' ')).env("P", "geheim99").folder(folder.path()).run();
        assert!(!run.stderr.contains("left out"), "{arguments}: {}", run.stderr);
        assert_eq!(run.code, Some(0), "{arguments}: {}", run.stderr);
    };
    let certificates_in = |name: &str| X509::stack_from_pem(&fs::read(folder.path().join(name)).unwrap()).unwrap();
    let expected = X509::stack_from_pem(&[&leaf[..], &middle, &root].concat()).unwrap();
    run("convert full.pem -o leaf.pem");
    assert_eq!(certificates_in("leaf.pem"), expected[..1]);
    run("convert full.pem --certs all -o all.pem");
    run("convert full.pem --certs all --no-key -o bare.pem");
    run("pack full.pem --passout env:P -o full.p12");
    run("convert full.p12 --passin env:P --certs all -o back.pem");
    for name in ["all.pem", "bare.pem", "back.pem"] {
        assert_eq!(certificates_in(name), expected, "{name}");
    }
    run("convert full.pem --certs ca --no-key -o ca.pem");
    run("convert full.p12 --passin env:P --bag-attributes --certs ca --no-key -o bags.pem");
    for name in ["ca.pem", "bags.pem"] {
        assert_eq!(certificates_in(name), expected[1..], "{name}");
    }
}

#[test]
fn two_identities_with_their_attributes_are_told_and_one_is_chosen_for_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let fixture = fixture("p12/two-identities.p12");
        let test = Test::new().folder(folder.path()).arg("convert").arg(fixture).args(["--passin", "pass:push"]);
        test.args(["--bag-attributes", "--at", "2026-11-24", "--force", "-o", "two.pem"]).args(arguments).run()
    };
    let told = run(&[]).stderr;
    assert!(told.contains("wrote 2 certificates and 2 private keys to two.pem"), "{told}");
    assert!(told.contains("topic com.example.MyApp,") && told.contains("topic com.example.Other,"), "{told}");
    let (_, choice) = told.split_once("next: pushcert check two.pem --select ").unwrap();
    let chosen = Test::new().folder(folder.path()).args(["convert", "two.pem", "--select", choice.trim()]).run();
    assert_eq!(chosen.text().matches("BEGIN PRIVATE KEY").count(), 1);
    let report = run(&["--json"]).json();
    assert_eq!(report["other_leaves"].as_array().unwrap().len(), 1);
    assert_eq!(report["outputs"][0]["certificates"], 2);
    let one = run(&["--select", "com.example.Other"]).stderr;
    assert!(one.contains("wrote the certificate and the private key to two.pem"), "{one}");
    assert!(one.contains("next: pushcert check two.pem\n"), "{one}");
}

#[test]
fn an_extension_that_openssl_takes_for_invalid_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let key = certificates::ec_key();
    let of = |oid: &'static str, value: &'static [u8]| Extension { oid, is_critical: false, value };
    // A DNS name, a key id, and a policy.
    let (name, id) = (of("2.5.29.17", b"\x30\x03\x82\x01a"), of("2.5.29.14", b"\x04\x01a"));
    let policy = of("2.5.29.32", b"\x30\x04\x30\x02\x06\x00");
    for (extensions, message) in [
        (vec![name, id, PRODUCTION], None),
        (vec![PRODUCTION, PRODUCTION], None),
        (vec![policy], None),
        (vec![name, name], Some("has an extension twice")),
        (vec![id, name, id], Some("has an extension twice")),
        (vec![of("2.5.29.17", b"\x30\x05\x82\x01a")], Some("has an extension that does not decode")),
        (vec![of("2.5.29.15", b"\x05\x00")], Some("has an extension that does not decode")),
    ] {
        let certificate = certificates::shaped(&key, &Shape { extensions: &extensions, ..Shape::default() });
        let file = [certificate, key.private_key_to_pem_pkcs8().unwrap()].concat();
        fs::write(folder.path().join("push.pem"), file).unwrap();
        let inspect = Test::new().args(["inspect", "push.pem"]).folder(folder.path()).run();
        let convert = Test::new().args(["convert", "push.pem", "--force", "-o", "out.pem"]).folder(folder.path()).run();
        let said = "programs that use OpenSSL may refuse it, as Python does";
        for text in [inspect.text(), &convert.stderr] {
            assert_eq!(text.contains(said), message.is_some(), "{message:?}: {text}");
            assert!(text.contains(message.unwrap_or_default()), "{message:?}: {text}");
        }
    }
}
