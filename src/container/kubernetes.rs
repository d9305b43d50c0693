//! Reads Kubernetes secrets, as `kubectl get secrets -o json` prints them: one secret or a list, with entries in
//! Base64.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::asn1::Malformed;
use crate::limits::MAX_PARTS;
use crate::text::{NOT_SHOWN, may_be_key, name_unless_key};

/// One secret.
#[derive(Debug)]
pub struct Secret {
    /// "namespace/name".
    pub name: String,
    /// Its entries, by key.
    pub entries: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

/// An object of the API (v1 Secret, or v1 List of them).
#[derive(Deserialize)]
struct Object {
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    data: Option<BTreeMap<String, Zeroizing<String>>>,
    items: Option<Vec<Object>>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
}

/// Returns whether it is JSON: no certificate file begins so.
pub(crate) fn looks_like_json(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// The most keys in a document: each may take memory.
const MAX_KEYS: usize = 1_000_000;

/// Reads all secrets. Other objects in the list are passed over.
///
/// # Errors
/// When it is JSON of another kind, or an entry is not in Base64.
pub fn parse(bytes: &[u8]) -> Result<Vec<Secret>, Malformed> {
    // A colon in a string is counted too; Base64 has none.
    if memchr::memchr_iter(b':', bytes).count() > MAX_KEYS {
        return Err(Malformed::new("JSON", format!("has more than {MAX_KEYS} keys")));
    }
    let object: Object = match serde_json::from_slice(bytes) {
        Ok(object) => object,
        Err(error) => {
            // The text of the error repeats what was read, and that may be a secret: only the place is shown.
            let place = format!("line {} column {}", error.line(), error.column());
            return Err(Malformed::new("JSON", format!("is not that of `kubectl get secrets -o json` ({place})")));
        }
    };
    let objects = match object.items {
        Some(items) => items,
        None if object.kind == "Secret" => vec![object],
        None => return Err(Malformed::new("JSON", format!("holds no secrets, but {}", other_kind(&object.kind)))),
    };
    let mut secrets = Vec::new();
    for object in objects {
        if object.kind == "Secret" {
            secrets.push(parse_secret(object)?);
        }
    }
    Ok(secrets)
}

/// The kinds that are mistaken for secrets. No other text of the file may enter a message.
const KINDS: [&str; 9] = [
    "CertificateRequest",
    "ClusterSecretStore",
    "ConfigMap",
    "Deployment",
    "Job",
    "Pod",
    "SealedSecret",
    "SecretStore",
    "Service",
];

/// Describes the kind of an object that is not a secret.
fn other_kind(kind: &str) -> String {
    if KINDS.contains(&kind) { format!("a {kind}") } else { "an object of another kind".to_owned() }
}

fn parse_secret(object: Object) -> Result<Secret, Malformed> {
    let name = match (&object.metadata.namespace, &object.metadata.name) {
        (Some(namespace), Some(name)) => format!("{}/{}", name_unless_key(namespace), name_unless_key(name)),
        (namespace, name) => {
            name_unless_key(namespace.as_ref().or(name.as_ref()).map_or("", String::as_str)).to_owned()
        }
    };
    let data = object.data.unwrap_or_default();
    if data.len() > MAX_PARTS {
        return Err(Malformed::new(format!("secret {name}"), format!("has more than {MAX_PARTS} entries")));
    }
    let mut entries = BTreeMap::new();
    for (number, (key, text)) in (1..).zip(data) {
        let key = entry_name(key, number);
        let Ok(bytes) = Base64::decode_vec(&text) else {
            return Err(Malformed::new(format!("secret {name}/{key}"), "is not valid Base64"));
        };
        entries.insert(key, Zeroizing::new(bytes));
    }
    Ok(Secret { name, entries })
}

/// Returns the name of an entry, or its number if the name may be a key. The extension tells what the entry holds.
fn entry_name(key: String, number: usize) -> String {
    if !may_be_key(&key) {
        return key;
    }
    match key.rsplit_once('.') {
        Some((_, extension)) if !may_be_key(extension) => format!("entry {number} {NOT_SHOWN}.{extension}"),
        _ => format!("entry {number} {NOT_SHOWN}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_single_secret() {
        let one = r#"{"kind":"Secret","metadata":{"namespace":"a","name":"b"},"data":{"k":"AAEC","l":""}}"#;
        let list = format!(r#" {{"kind":"List","items":[{one},{{"kind":"ConfigMap","data":{{"x":"%"}}}}]}}"#);
        for text in [one, &list] {
            assert!(looks_like_json(text.as_bytes()));
            let secrets = parse(text.as_bytes()).unwrap();
            assert_eq!((secrets.len(), secrets[0].name.as_str()), (1, "a/b"));
            assert_eq!(*secrets[0].entries["k"], [0, 1, 2]);
            assert!(secrets[0].entries["l"].is_empty());
        }
    }

    #[test]
    fn a_name_that_may_be_a_key_is_not_kept() {
        let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCe0Dn".repeat(9);
        let json = format!(
            r#"{{"kind":"Secret","metadata":{{"name":"{key}"}},"data":{{"a":"","{key}.pem":"AAEC","{key}":"AAEC"}}}}"#
        );
        let secrets = parse(json.as_bytes()).unwrap();
        assert_eq!(secrets[0].name, NOT_SHOWN);
        let names: Vec<&String> = secrets[0].entries.keys().collect();
        assert_eq!(names, ["a", &format!("entry 1 {NOT_SHOWN}"), &format!("entry 2 {NOT_SHOWN}.pem")]);
    }

    #[test]
    fn errors_do_not_repeat_what_they_read() {
        let wrong = r#"{"kind":"Secret","metadata":{"name":"b"},"data":{"k":"hunter2!"}}"#;
        assert_eq!(parse(wrong.as_bytes()).unwrap_err().to_string(), "secret b/k: is not valid Base64");
        let wrong = r#"{"kind":"Secret","data":["hunter2"]}"#;
        let message = parse(wrong.as_bytes()).unwrap_err().to_string();
        assert!(message.contains("line 1 column") && !message.contains("hunter2"), "{message}");
        let wrong = r#"{"kind":"-----BEGIN PRIVATE KEY-----hunter2"}"#;
        assert_eq!(
            parse(wrong.as_bytes()).unwrap_err().to_string(),
            "JSON: holds no secrets, but an object of another kind"
        );
        assert!(parse(br#"{"kind":"Pod"}"#).unwrap_err().to_string().contains("a Pod"));
    }
}
