//! Payloads as JSON documents: the keys that stand twice in an object, and why a text is no JSON that all devices read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

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

/// Writes a document without blanks, and with characters in the place of the escapes that JSON does not demand. Numbers,
/// the order, and keys that stand twice stay as they are. The document was read before: it has no more levels than a reader
/// takes.
///
/// # Errors
/// When it is not JSON, or has halves of surrogate pairs.
pub(crate) fn shorten(document: &[u8]) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Short(serde_json::from_slice(document)?))
}

/// A value that is written in short.
struct Short<'a>(&'a RawValue);

impl Serialize for Short<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.get();
        match text.as_bytes().first() {
            Some(b'{') => {
                let RawMembers(members) = parse_part(text)?;
                serializer.collect_map(members.into_iter().map(|(key, value)| (key, Short(value))))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = parse_part(text)?;
                serializer.collect_seq(items.into_iter().map(Short))
            }
            Some(b'"') => serializer.serialize_str(&parse_part::<String, _>(text)?),
            _ => self.0.serialize(serializer),
        }
    }
}

fn parse_part<'a, T: Deserialize<'a>, E: ser::Error>(text: &'a str) -> Result<T, E> {
    serde_json::from_str(text).map_err(E::custom)
}

/// The members of an object, as they are written.
struct RawMembers<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for RawMembers<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawMembersVisitor)
    }
}

struct RawMembersVisitor;

impl<'de> Visitor<'de> for RawMembersVisitor {
    type Value = RawMembers<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<RawMembers<'de>, A::Error> {
        let mut found = Vec::new();
        while let Some(member) = members.next_entry()? {
            found.push(member);
        }
        Ok(RawMembers(found))
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
    fn a_document_is_shortened_and_means_the_same() {
        for (document, expected) in [
            (r#" { "aps" : { "alert" : "\u4f60\u597d" } } "#, r#"{"aps":{"alert":"你好"}}"#),
            (
                r#"{"b":1.50,"a":1E5,"n":123456789012345678901234567890,"z":-0.0}"#,
                r#"{"b":1.50,"a":1E5,"n":123456789012345678901234567890,"z":-0.0}"#,
            ),
            (r#"{"\u00e4":["\ud83d\ude00", null ,true]}"#, r#"{"ä":["😀",null,true]}"#),
            (r#"{"a":"\u0000\u001f\u0022\u005c\/\n"}"#, r#"{"a":"\u0000\u001f\"\\/\n"}"#),
            (r#"{"a":1,"a":2,"":[[ ],{ }]}"#, r#"{"a":1,"a":2,"":[[],{}]}"#),
        ] {
            let short = shorten(document.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(short.clone()).unwrap(), expected);
            let [long, short] =
                [document.as_bytes(), &short].map(|text| serde_json::from_slice::<Value>(text).unwrap());
            assert_eq!(long, short);
        }
        for wrong in [r#"{"a":"\ud800"}"#, "{", ""] {
            assert!(shorten(wrong.as_bytes()).is_err(), "{wrong}");
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
