//! What is fuzzed: functions that take any bytes and panic where a promise is broken. `tests/suite/corpus.rs` replays the
//! kept corpus through them with stable Rust.

use std::collections::HashSet;

use pushcert::testing::{
    Collection, Contents, FileReport, OpenError, Password, Passwords, encode_pem, open, parse_pem, parse_secrets,
    parse_topics,
};
use time::OffsetDateTime;

/// A function, by the name of its corpus.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
}

pub const TARGETS: [Target; 5] = [
    Target { name: "container", run: container },
    Target { name: "locked_container", run: locked_container },
    Target { name: "pem", run: pem },
    Target { name: "kubernetes", run: kubernetes },
    Target { name: "topics", run: topics },
];

/// Few iterations: the readers are tried, not the key derivations.
const MAX_ITERATIONS: u64 = 3_000;

/// The password of the fixtures.
const PASSWORD: &[u8] = b"push";

/// Reads a file without a password.
pub fn container(bytes: &[u8]) {
    check_container(bytes, || Passwords::None);
}

/// Reads a file with the password of the fixtures.
pub fn locked_container(bytes: &[u8]) {
    check_container(bytes, || Passwords::Given(Password::new(PASSWORD.to_vec())));
}

fn check_container(bytes: &[u8], passwords: fn() -> Passwords<'static>) {
    let read = |bytes: &[u8]| open(bytes, &mut passwords(), MAX_ITERATIONS);
    let opened = read(bytes);
    check_silence(bytes, &open_messages(&opened), |bytes| open_messages(&read(bytes)));
    if let Ok(contents) = &opened {
        check_contents(bytes, contents);
    }
    let left_over = openssl::error::ErrorStack::get();
    assert!(left_over.errors().is_empty(), "OpenSSL kept errors: {left_over}");
}

fn open_messages(opened: &Result<Contents, OpenError>) -> Vec<String> {
    match opened {
        Ok(contents) => contents.unread.iter().map(ToString::to_string).chain(contents.others.clone()).collect(),
        Err(error) => vec![error.to_string()],
    }
}

/// What is read is no larger than the file, and there is something; each certificate and key is there once; the report and
/// the choice of an identity hold.
fn check_contents(bytes: &[u8], contents: &Contents) {
    let mut size = 0;
    let mut certificates = HashSet::new();
    for entry in &contents.certificates {
        size += entry.item.der.len();
        assert!(certificates.insert(&entry.item.der), "a certificate is there twice");
    }
    let mut keys = HashSet::new();
    for entry in &contents.keys {
        assert!(keys.insert(entry.item.pkcs8()), "a key is there twice");
    }
    // A text in UTF-16 may grow by half in UTF-8.
    assert!(size <= bytes.len() * 3 / 2, "{size} bytes of certificates in a file of {}", bytes.len());
    let parts = keys.len() + contents.requests.len() + contents.unread.len() + contents.others.len();
    assert!(parts <= bytes.len(), "{parts} parts in a file of {} bytes", bytes.len());
    let report = FileReport::of("file".to_owned(), contents, OffsetDateTime::UNIX_EPOCH);
    assert_eq!(report.certificates.len(), certificates.len());
    assert_eq!(report.keys.len(), keys.len());
    serde_json::to_string(&report).expect("a report is JSON");
    let collection = Collection::new(&contents.certificates, &contents.keys);
    for needs_key in [false, true] {
        if let Ok(chosen) = collection.select(None, needs_key) {
            assert!(!needs_key || collection.key_of(&chosen.item).is_some(), "an identity has no key");
        }
    }
}

/// Reads PEM blocks. What is written of them is read as the same.
pub fn pem(bytes: &[u8]) {
    let Ok(blocks) = parse_pem(bytes) else { return check_silence(bytes, &pem_messages(bytes), pem_messages) };
    let mut written = Vec::new();
    let mut text = String::new();
    let mut line = 0;
    for block in &blocks {
        assert!(block.line >= line && block.line <= bytes.len() + 1, "a block is at line {} after {line}", block.line);
        line = block.line;
        if let Some(label) = block.label {
            text += &encode_pem(label, &block.der);
            written.push(block);
        }
    }
    let again = parse_pem(text.as_bytes()).expect("what was written is read");
    assert_eq!(again.len(), written.len());
    for (block, original) in again.iter().zip(written) {
        assert_eq!(block.label, original.label);
        assert!(block.der == original.der, "a block of {:?} is read as another", original.label);
        assert!(block.headers.is_empty());
    }
}

fn pem_messages(bytes: &[u8]) -> Vec<String> {
    match parse_pem(bytes) {
        Ok(_) => vec![],
        Err(error) => vec![error.to_string()],
    }
}

/// Reads Kubernetes secrets, and the files in them.
pub fn kubernetes(bytes: &[u8]) {
    let Ok(secrets) = parse_secrets(bytes) else {
        return check_silence(bytes, &secrets_messages(bytes), secrets_messages);
    };
    let mut size = 0;
    for secret in &secrets {
        for entry in secret.entries.values() {
            let Ok(entry) = entry else { continue };
            size += entry.len();
            let opened = open(entry, &mut Passwords::None, MAX_ITERATIONS);
            if let Ok(contents) = &opened {
                check_contents(entry, contents);
            }
        }
    }
    assert!(size <= bytes.len(), "{size} bytes of entries in a file of {}", bytes.len());
    check_secrets_by_serde(bytes, secrets.len());
}

fn secrets_messages(bytes: &[u8]) -> Vec<String> {
    let Err(error) = parse_secrets(bytes) else { return vec![] };
    let mut message = error.to_string();
    for name in names_in_json(bytes) {
        message = message.replace(&name, "…");
    }
    vec![message]
}

/// Returns the names of secrets and entries, which messages have.
fn names_in_json(bytes: &[u8]) -> Vec<String> {
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(bytes) else { return Vec::new() };
    let mut names = Vec::new();
    let items = document["items"].as_array().cloned().unwrap_or_default();
    for object in items.iter().chain([&document]) {
        for name in ["namespace", "name"] {
            names.extend(object["metadata"][name].as_str().map(str::to_owned));
        }
        for key in object["data"].as_object().iter().flat_map(|data| data.keys()) {
            names.push(key.clone());
        }
    }
    names.retain(|name| !name.is_empty());
    // A short name may be a part of a longer one.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names
}

/// Counts the secrets in another way.
fn check_secrets_by_serde(bytes: &[u8], found: usize) {
    // What is passed over may be no UTF-8.
    let Ok(document) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    let is_secret = |object: &serde_json::Value| object["kind"] == "Secret";
    let counted = match document["items"].as_array() {
        Some(items) => items.iter().filter(|item| is_secret(item)).count(),
        None => usize::from(is_secret(&document)),
    };
    assert!(found >= counted, "{found} of {counted} secrets");
}

/// Reads Apple's list of topics.
pub fn topics(bytes: &[u8]) {
    match parse_topics(bytes) {
        Ok(topics) => {
            let mut size = 0;
            for topic in &topics {
                size += topic.topic.len() + topic.kind.len();
            }
            assert!(size + 4 * topics.len() <= bytes.len(), "{} topics in {} bytes", topics.len(), bytes.len());
        }
        Err(_) => check_silence(bytes, &topics_messages(bytes), topics_messages),
    }
}

fn topics_messages(bytes: &[u8]) -> Vec<String> {
    match parse_topics(bytes) {
        Ok(_) => vec![],
        Err(error) => vec![error.to_string()],
    }
}

/// The longest part of a file that a message may repeat, in characters.
const MAX_REPEATED: usize = 16;

/// The parts of a file that are looked at: a file has few, or very many of a kind.
const MESSAGES: usize = 20;

/// Checks that no message repeats a part of the file. Words of our own may be in a file by chance, and labels are: so
/// the letters of such a part are changed in the file, and the message must not change with them.
fn check_silence(bytes: &[u8], messages: &[String], read_again: impl Fn(&[u8]) -> Vec<String>) {
    for message in messages.iter().take(MESSAGES) {
        for part in message.as_bytes().windows(MAX_REPEATED + 1) {
            let places = places_of(part, bytes);
            if places.is_empty() {
                continue;
            }
            let changed_part: Vec<u8> = part.iter().map(|byte| next_letter(*byte)).collect();
            let mut changed = bytes.to_vec();
            for place in places {
                changed[place..place + part.len()].copy_from_slice(&changed_part);
            }
            for again in read_again(&changed) {
                let is_repeated = changed_part != part && !places_of(&changed_part, again.as_bytes()).is_empty();
                assert!(!is_repeated, "a message repeats the file: {message}");
            }
        }
    }
}

fn places_of(part: &[u8], bytes: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(bytes, part).collect()
}

/// Returns another letter or digit in the place of one: Base64 and names stay what they are.
fn next_letter(byte: u8) -> u8 {
    match byte {
        b'z' => b'a',
        b'Z' => b'A',
        b'9' => b'0',
        _ if byte.is_ascii_alphanumeric() => byte + 1,
        _ => byte,
    }
}
