//! Payloads as JSON documents: the keys that stand twice in an object, and why a text is no JSON that all devices read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Returns the keys that stand more than once in an object of the document: readers differ in which one they take.
pub(crate) fn doubled_keys(document: &[u8]) -> Vec<String> {
    match serde_json::from_slice::<DoubledKeys>(document) {
        Ok(DoubledKeys(found)) => found,
        Err(_) => Vec::new(),
    }
}

/// Explains why a text is not JSON, or why it is JSON that not every reader takes: numbers that are too large, halves of
/// surrogate pairs, too many levels.
pub(crate) fn explain_json(text: &[u8]) -> String {
    if let Err(error) = std::str::from_utf8(text) {
        let name = match text {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, ..] | [0, ..] => "it is UTF-16",
            _ => "it is not UTF-8",
        };
        return format!("the payload is not JSON: {name}, from byte {} on", error.valid_up_to() + 1);
    }
    if text.starts_with("\u{feff}".as_bytes()) {
        return "the payload is not JSON: it begins with a byte order mark".to_owned();
    }
    match (serde_json::from_slice::<IgnoredAny>(text), serde_json::from_slice::<Value>(text)) {
        (Ok(_), Err(error)) => format!("the payload is JSON that not every device can read: {error}"),
        (Err(error), _) => format!("the payload is not JSON: {error}"),
        (Ok(_), Ok(_)) => "the payload is JSON".to_owned(),
    }
}

/// The keys that stand more than once in an object.
struct DoubledKeys(Vec<String>);

impl<'de> Deserialize<'de> for DoubledKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DoubledKeysVisitor)
    }
}

struct DoubledKeysVisitor;

impl<'de> Visitor<'de> for DoubledKeysVisitor {
    type Value = DoubledKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<DoubledKeys, E> {
        Ok(DoubledKeys(Vec::new()))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<DoubledKeys, E> {
        Ok(DoubledKeys(Vec::new()))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<DoubledKeys, E> {
        Ok(DoubledKeys(Vec::new()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<DoubledKeys, E> {
        Ok(DoubledKeys(Vec::new()))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<DoubledKeys, E> {
        Ok(DoubledKeys(Vec::new()))
    }

    fn visit_unit<E: Error>(self) -> Result<DoubledKeys, E> {
        Ok(DoubledKeys(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<DoubledKeys, A::Error> {
        let mut found = Vec::new();
        while let Some(DoubledKeys(inner)) = items.next_element()? {
            found.extend(inner);
        }
        Ok(DoubledKeys(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<DoubledKeys, A::Error> {
        let (mut keys, mut found) = (HashSet::new(), Vec::new());
        while let Some(key) = members.next_key::<String>()? {
            let DoubledKeys(inner) = members.next_value()?;
            found.extend(inner);
            if keys.contains(&key) {
                found.push(key);
            } else {
                keys.insert(key);
            }
        }
        Ok(DoubledKeys(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_keys_are_found() {
        for (document, expected) in [
            (r#"{"aps":{"alert":"a"},"aps":{}}"#, &["aps"][..]),
            (r#"{"aps":{"alert":"a","badge":1,"\u0061lert":[true,null,1.5,-1]}}"#, &["alert"]),
            (r#"{"a":[{"b":1},{"b":2,"b":3}],"c":{"a":1}}"#, &["b"]),
            (r#"{"aps":{"alert":"aps"}}"#, &[]),
            ("not JSON", &[]),
        ] {
            assert_eq!(doubled_keys(document.as_bytes()), expected, "{document}");
        }
    }

    #[test]
    fn what_is_no_json_is_named() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        for (text, expected) in [
            (&b"{\"aps\":"[..], "not JSON: EOF"),
            (b"\xef\xbb\xbf{}", "not JSON: it begins with a byte order mark"),
            (b"\xff\xfe{\0}\0", "not JSON: it is UTF-16"),
            (b"{\"a\":\"\xff\"}", "not JSON: it is not UTF-8, from byte 7 on"),
            (b"{\"a\":1e999}", "JSON that not every device can read: number out of range"),
            (br#"{"a":"\ud800"}"#, "JSON that not every device can read"),
            (deep.as_bytes(), "JSON that not every device can read: recursion limit exceeded"),
        ] {
            let sentence = explain_json(text);
            assert!(sentence.contains(expected), "{sentence}");
        }
    }
}
