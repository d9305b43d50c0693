//! What `convert` and `pack` say of certificates that no fixture has.

use std::fs;

use super::certificates::{self, Extension, Shape};
use super::common::Test;

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
