//! Damage of every kind: whatever a byte of any fixture becomes, and wherever the file ends, there is
//! an answer and no panic. Debug assertions are on, those of the dependencies too.

use std::sync::LazyLock;

use proptest::prelude::*;
use time::OffsetDateTime;

use crate::common::{Test, root};
use pushcert::testing::{Collection, DEFAULT_MAX_ITERATIONS, FileReport, Password, Passwords, open};

/// Every fixture that is read by the container readers, with its bytes.
static FIXTURES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut fixtures = Vec::new();
    for folder in ["ca", "csr", "der", "key", "p12", "p7b", "pem"] {
        let Ok(entries) = std::fs::read_dir(crate::common::fixture(folder)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            fixtures.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    fixtures.sort();
    assert!(fixtures.len() > 60, "the fixtures are not where they should be");
    fixtures
});

/// Iterations that take a few milliseconds. Few writers ask for more; their files have tests of their own below.
const FEW_ITERATIONS: u64 = 250_000;

/// The fixtures that open, but not with few iterations.
static COSTLY: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut costly = Vec::new();
    for (_, bytes) in &*FIXTURES {
        let opens = |limit| open(bytes, &mut Passwords::Given(Password::new(b"push".to_vec())), limit).is_ok();
        if !opens(FEW_ITERATIONS) && opens(DEFAULT_MAX_ITERATIONS) {
            costly.push(bytes.clone());
        }
    }
    assert!(!costly.is_empty(), "no fixture asks for many iterations");
    costly
});

/// Opens it with the password of most fixtures and without one, and reports what is there.
fn read_all(bytes: &[u8]) {
    read_within(bytes, FEW_ITERATIONS);
}

fn read_within(bytes: &[u8], iterations: u64) {
    for mut passwords in [Passwords::Given(Password::new(b"push".to_vec())), Passwords::None] {
        if let Ok(contents) = open(bytes, &mut passwords, iterations) {
            FileReport::of("file".to_owned(), &contents, OffsetDateTime::UNIX_EPOCH);
            // Whether there is an identity is not the question.
            let _ = Collection::new(&contents.certificates, &contents.keys).select(None, true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_single_byte_may_change(file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), byte: u8) {
        let (_, bytes) = file.get(&FIXTURES);
        if !bytes.is_empty() {
            let mut bytes = bytes.clone();
            *place.get_mut(&mut bytes) = byte;
            read_all(&bytes);
        }
    }

    #[test]
    fn a_file_may_end_anywhere(file in any::<prop::sample::Index>(), end in any::<prop::sample::Index>()) {
        let (_, bytes) = file.get(&FIXTURES);
        read_all(&bytes[..end.index(bytes.len() + 1)]);
    }

    #[test]
    fn any_bytes_may_come(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn structure_may_be_repeated_or_lost(file in any::<prop::sample::Index>(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let (_, bytes) = file.get(&FIXTURES);
        let (a, b) = (a.index(bytes.len() + 1), b.index(bytes.len() + 1));
        read_all(&[&bytes[..a], &bytes[b..]].concat());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_single_byte_of_a_costly_file_may_change(file in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = file.get(&COSTLY).clone();
        *place.get_mut(&mut bytes) = byte;
        read_within(&bytes, DEFAULT_MAX_ITERATIONS);
    }

    #[test]
    fn a_costly_file_may_lose_any_part(file in any::<prop::sample::Index>(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let bytes = file.get(&COSTLY);
        let (a, b) = (a.index(bytes.len() + 1), b.index(bytes.len() + 1));
        read_within(&bytes[..a], DEFAULT_MAX_ITERATIONS);
        read_within(&[&bytes[..a], &bytes[b..]].concat(), DEFAULT_MAX_ITERATIONS);
    }
}

/// The first hundred bytes hold the outer structure of every format: every value of each is tried.
#[test]
fn the_head_of_a_keychain_export_may_be_anything() {
    let bytes = std::fs::read(crate::common::fixture("p12/keychain.p12")).unwrap();
    for place in 0..100 {
        for byte in 0..=255 {
            let mut bytes = bytes.clone();
            bytes[place] = byte;
            read_all(&bytes);
        }
    }
}

/// A private key on a BEGIN or END line, and in places that only look like labels.
const FLATTENED_KEYS: [&str; 5] = [
    "-----BEGIN PRIVATE KEY-----MIIEvSECRET-----END PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY----- MIIEvSECRET -----\n-----END RSA PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PRIVATE KEY-----MIIEvSECRET-----\n",
    "-----BEGIN MIIEvSECRET-----\nAAEC\n-----END MIIEvSECRET-----\n",
    r#"{"kind":"MIIEvSECRET"}"#,
];

#[test]
fn a_key_that_was_flattened_to_one_line_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("push.pem");
    let name = file.to_str().unwrap();
    let mut runs: Vec<Vec<&str>> = vec![
        vec!["convert", name],
        vec!["convert", name, "--json", "-o", "/dev/null"],
        vec!["convert", "fixtures/pem/certificate-only.pem", "--key", name],
        vec!["pack", name, "--passout", "pass:push"],
        vec!["inspect", name],
        vec!["inspect", "--json", name],
        vec!["compare", name, name],
        vec!["check", name],
        vec!["check", "--json", name],
        vec!["check", "--ca-file", name, "fixtures/pem/identity.pem"],
        vec!["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "DE", "--key", name, "-o", "-"],
    ];
    for format in ["human", "json", "junit", "github", "markdown", "nagios", "prometheus", "ics", "html"] {
        runs.push(vec!["expiry", "--format", format, name]);
    }
    for key in FLATTENED_KEYS {
        std::fs::write(&file, key).unwrap();
        for arguments in &runs {
            let run = Test::new().args(arguments).folder(root()).any_status().hides("SECRET").run();
            let printed = format!("{}{}", run.text(), run.stderr);
            assert!(matches!(run.code, Some(2 | 3)), "{arguments:?}: {:?} {printed}", run.code);
            assert!(printed.len() > 10, "{arguments:?}: {printed}");
        }
    }
}
