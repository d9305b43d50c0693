//! Reads objects of Kubernetes, as `kubectl get … -o json` and the API print them: one or a list, one document or
//! several.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::asn1::Malformed;
use crate::limits::MAX_PARTS;
use crate::pem::clear_unused_bits;
use crate::text::{NOT_SHOWN, may_be_key, name_unless_key};

/// One object with its entries.
#[derive(Debug, Default)]
pub struct Secret {
    /// "namespace/name".
    pub name: String,
    /// Its entries, by key, or why one is not read.
    pub entries: BTreeMap<String, Result<Zeroizing<Vec<u8>>, Malformed>>,
}

impl Secret {
    /// Returns whether it is an object of another kind, read as a text.
    pub(crate) fn is_other_kind(&self) -> bool {
        self.entries.contains_key(OTHER_KIND)
    }
}

/// A document: an object, or a list of them. The items of a list from the API have no kind.
#[derive(Deserialize)]
struct Document<'a> {
    kind: Option<String>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// A Secret or a ConfigMap (v1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Object {
    kind: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    data: Option<BTreeMap<String, Option<Zeroizing<String>>>>,
    string_data: Option<BTreeMap<String, Option<Zeroizing<String>>>>,
    binary_data: Option<BTreeMap<String, Option<Zeroizing<String>>>>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    namespace: Option<String>,
    name: Option<String>,
}

impl Metadata {
    /// Returns "namespace/name", without what may be a key.
    fn name(&self) -> String {
        match (&self.namespace, &self.name) {
            (Some(namespace), Some(name)) => format!("{}/{}", name_unless_key(namespace), name_unless_key(name)),
            (Some(only), None) | (None, Some(only)) => name_unless_key(only).to_owned(),
            (None, None) => String::new(),
        }
    }
}

/// The key under which an object of another kind is read as a text.
const OTHER_KIND: &str = "(object of another kind)";

/// Returns whether it is JSON: no certificate file begins so.
pub(crate) fn looks_like_json(bytes: &[u8]) -> bool {
    matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// The most keys in a document: each may take memory.
const MAX_KEYS: usize = 1_000_000;

/// Reads all objects. What a Secret or a ConfigMap holds are entries; another object is one entry, its text.
///
/// # Errors
/// When it is JSON of another kind. The text of the error repeats nothing of what was read: that may be a secret.
pub fn parse(bytes: &[u8]) -> Result<Vec<Secret>, Malformed> {
    // A colon in a string is counted too; Base64 has none.
    if memchr::memchr_iter(b':', bytes).count() > MAX_KEYS {
        return Err(Malformed::new("JSON", format!("has more than {MAX_KEYS} keys")));
    }
    let mut secrets = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>() {
        if secrets.len() > MAX_PARTS {
            return Err(Malformed::new("JSON", format!("has more than {MAX_PARTS} objects")));
        }
        match document {
            Ok(document) => add_document(document.get(), &mut secrets)?,
            Err(error) if secrets.is_empty() => return Err(foreign(&error)),
            Err(error) => {
                let entries = BTreeMap::from([("(next document)".to_owned(), Err(foreign(&error)))]);
                secrets.push(Secret { name: String::new(), entries });
                break;
            }
        }
    }
    Ok(secrets)
}

fn foreign(error: &serde_json::Error) -> Malformed {
    let place = format!("line {} column {}", error.line(), error.column());
    Malformed::new("JSON", format!("is not that of `kubectl get secrets -o json` ({place})"))
}

fn add_document(text: &str, secrets: &mut Vec<Secret>) -> Result<(), Malformed> {
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) {
        for item in list {
            add_document(item.get(), secrets)?;
        }
        return Ok(());
    }
    let document: Document<'_> = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return Err(foreign(&error)),
    };
    match (document.items, document.kind) {
        (Some(items), _) => {
            for item in items {
                secrets.push(parse_object(item.get()));
            }
        }
        (None, Some(_)) => secrets.push(parse_object(text)),
        (None, None) => return Err(Malformed::new("JSON", "is not that of `kubectl get secrets -o json`")),
    }
    Ok(())
}

fn parse_object(text: &str) -> Secret {
    let Ok(object) = serde_json::from_str::<Object>(text) else { return as_text(String::new(), text) };
    let name = object.metadata.name();
    let is_encoded = match object.kind.as_deref() {
        Some("Secret") => true,
        Some("ConfigMap") => false,
        // An item of a list from the API.
        None if object.data.is_some() => true,
        _ => return as_text(name, text),
    };
    let mut secret = Secret { name, entries: BTreeMap::new() };
    let all = [(object.data, is_encoded), (object.string_data, false), (object.binary_data, true)];
    for (entries, encoded) in all {
        for (key, value) in entries.into_iter().flatten() {
            let key = entry_name(key, secret.entries.len() + 1);
            if secret.entries.len() > MAX_PARTS {
                let problem = format!("has more than {MAX_PARTS} entries");
                secret.entries.insert(key, Err(Malformed::new(format!("secret {}", secret.name), problem)));
                return secret;
            }
            let bytes = decode(&value.unwrap_or_default(), encoded, &secret.name, &key);
            secret.entries.insert(key, bytes);
        }
    }
    secret
}

fn as_text(name: String, text: &str) -> Secret {
    let bytes = Zeroizing::new(text.as_bytes().to_vec());
    Secret { name, entries: BTreeMap::from([(OTHER_KIND.to_owned(), Ok(bytes))]) }
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

fn decode(text: &str, is_encoded: bool, name: &str, key: &str) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    if !is_encoded {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    let mut text = Zeroizing::new(text.to_owned().into_bytes());
    clear_unused_bits(&mut text);
    match Base64::decode_vec(std::str::from_utf8(&text).unwrap_or_default()) {
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
        Err(_) => Err(Malformed::new(format!("secret {name}/{key}"), "is not valid Base64")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str =
        r#"{"kind":"Secret","metadata":{"namespace":"a","name":"b"},"data":{"k":"AAEC","l":"","m":null}}"#;

    #[test]
    fn all_forms_of_lists() {
        let item = SECRET.replace(r#""kind":"Secret","#, "");
        for text in [
            SECRET.to_owned(),
            format!(r#" {{"kind":"List","items":[{SECRET}]}}"#),
            format!(r#"{{"kind":"SecretList","items":[{item}]}}"#),
            format!(r#"[{SECRET}]"#),
        ] {
            assert!(looks_like_json(text.as_bytes()));
            let secrets = parse(text.as_bytes()).unwrap();
            assert_eq!((secrets.len(), secrets[0].name.as_str()), (1, "a/b"), "{text}");
            assert_eq!(**secrets[0].entries["k"].as_ref().unwrap(), [0, 1, 2]);
            assert!(secrets[0].entries["l"].as_ref().unwrap().is_empty());
        }
        assert_eq!(parse(format!("{SECRET}\n{SECRET}").as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn one_entry_takes_no_other_with_it() {
        let text =
            r#"{"kind":"Secret","metadata":{"name":"b"},"data":{"k":"hunter2!","l":"AAEC"},"stringData":{"s":"x"}}"#;
        let secrets = parse(text.as_bytes()).unwrap();
        let problem = secrets[0].entries["k"].as_ref().unwrap_err().to_string();
        assert_eq!(problem, "secret b/k: is not valid Base64");
        assert_eq!(secrets[0].entries["l"].as_ref().unwrap().len(), 3);
        let unused = r#"{"kind":"Secret","metadata":{"name":"b"},"data":{"k":"AAF="}}"#;
        assert_eq!(parse(unused.as_bytes()).unwrap()[0].entries["k"].as_ref().unwrap().as_slice(), [0, 1]);
        assert_eq!(secrets[0].entries["s"].as_ref().unwrap().as_slice(), b"x");
        let secrets = parse(format!("{text} {{").as_bytes()).unwrap();
        assert_eq!(secrets.len(), 2);
        assert!(secrets[1].entries.values().all(Result::is_err));
    }

    #[test]
    fn other_objects_are_texts() {
        let text = r#"{"kind":"List","items":[{"kind":"ConfigMap","data":{"k":"x"}},{"kind":"Pod","data":[1]},{"kind":"Job"}]}"#;
        let secrets = parse(text.as_bytes()).unwrap();
        assert_eq!(secrets[0].entries["k"].as_ref().unwrap().as_slice(), b"x");
        assert_eq!(secrets[1].entries[OTHER_KIND].as_ref().unwrap().as_slice(), br#"{"kind":"Pod","data":[1]}"#);
        assert!(secrets[2].entries.contains_key(OTHER_KIND));
    }

    #[test]
    fn errors_do_not_repeat_what_they_read() {
        for wrong in [r#"{"hunter2":["hunter2"]}"#, r#"{"kind":["hunter2"]}"#, r#"{"hunter2"#] {
            let message = parse(wrong.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("is not that of") && !message.contains("hunter2"), "{message}");
        }
    }
}
