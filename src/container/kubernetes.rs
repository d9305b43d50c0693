//! Kubernetes secrets, as `kubectl get secrets -o json` prints them: a list of secrets, or one, each with
//! entries in Base64.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::asn1::Malformed;

/// One secret.
#[derive(Debug)]
pub(crate) struct Secret {
    /// "namespace/name".
    pub(crate) name: String,
    /// Its entries, by key.
    pub(crate) entries: BTreeMap<String, Zeroizing<Vec<u8>>>,
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

/// Whether it is JSON: no certificate file begins so.
pub(crate) fn is_it(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// All secrets; other objects in the list are passed over.
///
/// # Errors
/// When it is JSON of another kind, or an entry is not in Base64.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Secret>, Malformed> {
    // What serde says would repeat what it read, and that may be a secret: only the place is told.
    let object: Object = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Malformed::new("JSON", format!("is not that of `kubectl get secrets -o json` ({place})"))
    })?;
    let items = match object.items {
        Some(items) => items,
        None if object.kind == "Secret" => vec![object],
        None => return Err(Malformed::new("JSON", format!("holds no secrets, but {}", other_kind(&object.kind)))),
    };
    items.into_iter().filter(|item| item.kind == "Secret").map(secret).collect()
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

fn secret(object: Object) -> Result<Secret, Malformed> {
    let name: Vec<String> = [object.metadata.namespace, object.metadata.name].into_iter().flatten().collect();
    let name = name.join("/");
    let decode = |(key, text): (String, Zeroizing<String>)| match Base64::decode_vec(&text) {
        Ok(bytes) => Ok((key, Zeroizing::new(bytes))),
        Err(_) => Err(Malformed::new(format!("secret {name}/{key}"), "is not valid Base64")),
    };
    let entries = object.data.unwrap_or_default().into_iter().map(decode).collect::<Result<_, _>>()?;
    Ok(Secret { name, entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_a_single_secret() {
        let one = r#"{"kind":"Secret","metadata":{"namespace":"a","name":"b"},"data":{"k":"AAEC","l":""}}"#;
        let list = format!(r#" {{"kind":"List","items":[{one},{{"kind":"ConfigMap","data":{{"x":"%"}}}}]}}"#);
        for text in [one, &list] {
            assert!(is_it(text.as_bytes()));
            let secrets = parse(text.as_bytes()).unwrap();
            assert_eq!((secrets.len(), secrets[0].name.as_str()), (1, "a/b"));
            assert_eq!(*secrets[0].entries["k"], [0, 1, 2]);
            assert!(secrets[0].entries["l"].is_empty());
        }
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
