//! Reads objects of Kubernetes, as `kubectl get … -o json` or `-o yaml` and the API print them: one or a list, one
//! document or several.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::asn1::Malformed;
use crate::container::yaml;
use crate::limits::MAX_PARTS;
use crate::pem::clear_unused_bits;
use crate::text::{NOT_SHOWN, may_be_key, name_unless_key};

/// One object with its entries.
#[derive(Debug)]
pub struct KubernetesObject {
    /// "namespace/name".
    pub name: String,
    pub kind: ObjectKind,
    /// Its entries, by key, or why one is not read. Only Secrets and ConfigMaps have any.
    pub entries: BTreeMap<String, Result<Zeroizing<Vec<u8>>, Malformed>>,
}

/// The kind of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectKind {
    Secret,
    ConfigMap,
    /// Another, by its name.
    Other(String),
}

/// A document: an object, or a list of them. The items of a list from the API have no kind.
#[derive(Deserialize)]
struct Document<'a> {
    kind: Option<String>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// The beginning of any object.
#[derive(Deserialize, Default)]
struct Head {
    kind: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

/// The entries of a Secret or a ConfigMap (v1).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
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

/// The end of the name of a list's kind: "SecretList".
const LIST: &str = "List";

/// Returns whether it is JSON: no certificate file begins so.
pub(crate) fn looks_like_json(bytes: &[u8]) -> bool {
    matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['))
}

/// The words that stand in JSON of Secrets and ConfigMaps, even where it is cut.
const DUMP_WORDS: [&[u8]; 5] = [b"\"Secret\"", b"\"SecretList\"", b"\"ConfigMap\"", b"\"ConfigMapList\"", b"\"items\""];

/// Returns whether JSON that does not parse was one of Kubernetes' with entries in it.
pub(crate) fn looks_like_dump(json: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(json, word).is_some();
    looks_like_json(json) && has(b"\"apiVersion\"") && DUMP_WORDS.iter().any(|word| has(word))
}

/// The most keys in a document: each may take memory.
const MAX_KEYS: usize = 1_000_000;

/// Reads the objects of a text in YAML; `None` if it is no YAML of Kubernetes'.
pub(crate) fn parse_yaml(bytes: &[u8]) -> Option<Vec<KubernetesObject>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if bytes.starts_with(b"-----") || !text.contains("apiVersion:") || !text.contains("kind:") {
        return None;
    }
    let mut objects = Vec::new();
    for document in yaml::to_json(text)? {
        add_document(&document, &mut objects).ok()?;
    }
    if objects.is_empty() { None } else { Some(objects) }
}

/// Reads all objects of a text in JSON.
///
/// # Errors
/// When it is JSON of another kind. The text of the error repeats nothing of what was read: that may be a secret.
pub fn parse(bytes: &[u8]) -> Result<Vec<KubernetesObject>, Malformed> {
    // A colon in a string is counted too; Base64 has none.
    if memchr::memchr_iter(b':', bytes).count() > MAX_KEYS {
        return Err(Malformed::new("JSON", format!("has more than {MAX_KEYS} keys")));
    }
    let mut objects = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>() {
        if objects.len() > MAX_PARTS {
            return Err(Malformed::new("JSON", format!("has more than {MAX_PARTS} objects")));
        }
        match document {
            Ok(document) => add_document(document.get(), &mut objects)?,
            Err(error) if objects.is_empty() => return Err(foreign(&error)),
            Err(error) => {
                objects.push(unreadable(String::new(), "(next document)", foreign(&error)));
                break;
            }
        }
    }
    Ok(objects)
}

fn foreign(error: &serde_json::Error) -> Malformed {
    let place = format!("line {} column {}", error.line(), error.column());
    Malformed::new("JSON", format!("is not that of `kubectl get secrets -o json` ({place})"))
}

/// Returns a Secret of one entry that cannot be read.
fn unreadable(name: String, key: &str, error: Malformed) -> KubernetesObject {
    KubernetesObject { name, kind: ObjectKind::Secret, entries: BTreeMap::from([(key.to_owned(), Err(error))]) }
}

fn add_document(text: &str, objects: &mut Vec<KubernetesObject>) -> Result<(), Malformed> {
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) {
        for item in list {
            add_document(item.get(), objects)?;
        }
        return Ok(());
    }
    let document: Document<'_> = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return Err(foreign(&error)),
    };
    match (document.items, document.kind) {
        (Some(items), kind) => {
            let item_kind = kind.as_deref().and_then(|kind| kind.strip_suffix(LIST)).unwrap_or_default();
            for item in items {
                objects.push(parse_object(item.get(), item_kind));
            }
        }
        // The API writes an empty list so.
        (None, Some(kind)) if kind.ends_with(LIST) => {}
        (None, Some(_)) => objects.push(parse_object(text, "")),
        (None, None) => return Err(Malformed::new("JSON", "is not that of `kubectl get secrets -o json`")),
    }
    Ok(())
}

/// Reads an object; `item_kind` is the kind of a list's items that do not name it, or empty.
fn parse_object(text: &str, item_kind: &str) -> KubernetesObject {
    let Head { kind, metadata } = serde_json::from_str(text).unwrap_or_default();
    let name = metadata.name();
    let data = serde_json::from_str::<Data>(text);
    let has_data = matches!(&data, Ok(Data { data: Some(_), .. }));
    let kind = match kind.as_deref().unwrap_or(item_kind) {
        "Secret" => ObjectKind::Secret,
        "ConfigMap" => ObjectKind::ConfigMap,
        "" if has_data => ObjectKind::Secret,
        "" => return other(name, "object without a kind"),
        kind => return other(name, name_unless_key(kind)),
    };
    match data {
        Ok(data) => KubernetesObject { entries: entries(data, &name, &kind), name, kind },
        Err(error) => unreadable(name, "(data)", foreign(&error)),
    }
}

fn other(name: String, kind: &str) -> KubernetesObject {
    KubernetesObject { name, kind: ObjectKind::Other(kind.to_owned()), entries: BTreeMap::new() }
}

/// Decodes the entries of a Secret or a ConfigMap.
fn entries(data: Data, name: &str, kind: &ObjectKind) -> BTreeMap<String, Result<Zeroizing<Vec<u8>>, Malformed>> {
    let mut entries = BTreeMap::new();
    let is_encoded = *kind == ObjectKind::Secret;
    for (values, encoded) in [(data.data, is_encoded), (data.string_data, false), (data.binary_data, true)] {
        for (key, value) in values.into_iter().flatten() {
            let key = entry_name(key, entries.len() + 1);
            if entries.len() > MAX_PARTS {
                let problem = format!("has more than {MAX_PARTS} entries");
                entries.insert(key, Err(Malformed::new(format!("secret {name}"), problem)));
                return entries;
            }
            let bytes = decode(&value.unwrap_or_default(), encoded, name, &key);
            entries.insert(key, bytes);
        }
    }
    entries
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
    // A file of SOPS keeps the form of the object, and encrypts the values.
    if !is_encoded || text.starts_with("ENC[") {
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
    fn other_objects_have_their_kind_alone() {
        let text = r#"{"kind":"List","items":[{"kind":"ConfigMap","data":{"k":"x"}},{"kind":"Pod","data":[1]},{"kind":"Job"},
            {"kind":"Secret","metadata":{"name":"b"},"data":[1]}]}"#;
        let objects = parse(text.as_bytes()).unwrap();
        assert_eq!(objects[0].entries["k"].as_ref().unwrap().as_slice(), b"x");
        assert_eq!(objects[1].kind, ObjectKind::Other("Pod".to_owned()));
        assert_eq!(objects[2].kind, ObjectKind::Other("Job".to_owned()));
        // A Secret is never passed over.
        assert!(objects[3].entries["(data)"].is_err());
    }

    #[test]
    fn the_items_of_a_list_are_of_its_kind() {
        let kinds = |text: &str| {
            let objects = parse(text.as_bytes()).unwrap();
            objects.into_iter().map(|object| object.kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(r#"{"kind":"SecretList","items":null}"#), []);
        assert_eq!(kinds(r#"{"kind":"PodList","items":[{"spec":{}}]}"#), [ObjectKind::Other("Pod".to_owned())]);
        let map = r#"{"kind":"ConfigMapList","items":[{"metadata":{"name":"b"},"data":{"k":"-----BEGIN"}}]}"#;
        assert_eq!(kinds(map), [ObjectKind::ConfigMap]);
        assert_eq!(**parse(map.as_bytes()).unwrap()[0].entries["k"].as_ref().unwrap(), *b"-----BEGIN");
    }

    #[test]
    fn yaml_is_read_as_json_is() {
        let item = "apiVersion: v1\ndata:\n  k: AAEC\nkind: Secret\nmetadata:\n  name: b\n  namespace: a\n";
        let list =
            format!("apiVersion: v1\nitems:\n- {}kind: List\n", item.replace('\n', "\n  ").trim_end_matches(' '));
        for (text, count) in [(item.to_owned(), 1), (list, 1), (format!("---\n{item}---\n{item}..."), 2)] {
            let objects = parse_yaml(text.as_bytes()).unwrap();
            assert_eq!((objects.len(), objects[0].name.as_str()), (count, "a/b"), "{text}");
            assert_eq!(**objects[0].entries["k"].as_ref().unwrap(), [0, 1, 2]);
        }
        let block = "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: |\n    -----BEGIN\n    x\n  l: 1\n";
        let objects = parse_yaml(block.as_bytes()).unwrap();
        assert_eq!(objects[0].entries["k"].as_ref().unwrap().as_slice(), b"-----BEGIN\nx\n");
        for other in ["a: b", "apiVersion: v1\nkind: {{ .Values.kind }}\n", "apiVersion: &a v1\nkind: *a\n"] {
            assert!(parse_yaml(other.as_bytes()).is_none(), "{other}");
        }
    }

    #[test]
    fn errors_do_not_repeat_what_they_read() {
        for wrong in [r#"{"hunter2":["hunter2"]}"#, r#"{"kind":["hunter2"]}"#, r#"{"hunter2"#] {
            let message = parse(wrong.as_bytes()).unwrap_err().to_string();
            assert!(message.contains("is not that of") && !message.contains("hunter2"), "{message}");
        }
    }
}
