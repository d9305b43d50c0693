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
