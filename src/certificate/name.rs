//! Distinguished names as text, in the forms that OpenSSL's command line prints.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Oid, Tag, ToDer, oid};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

use crate::text::{NOT_SHOWN, has_private_key_label};

/// A type of attributes in a name (X.520, RFC 4519, RFC 2985).
struct AttributeType {
    oid: Oid<'static>,
    /// As OpenSSL spells it.
    short_name: &'static str,
}

static ATTRIBUTE_TYPES: [AttributeType; 19] = [
    AttributeType { oid: oid!(0.9.2342.19200300.100.1.1), short_name: "UID" },
    AttributeType { oid: oid!(0.9.2342.19200300.100.1.25), short_name: "DC" },
    AttributeType { oid: oid!(1.2.840.113549.1.9.1), short_name: "emailAddress" },
    AttributeType { oid: oid!(1.2.840.113549.1.9.2), short_name: "unstructuredName" },
    AttributeType { oid: oid!(2.5.4.3), short_name: "CN" },
    AttributeType { oid: oid!(2.5.4.4), short_name: "SN" },
    AttributeType { oid: oid!(2.5.4.5), short_name: "serialNumber" },
    AttributeType { oid: oid!(2.5.4.6), short_name: "C" },
    AttributeType { oid: oid!(2.5.4.7), short_name: "L" },
    AttributeType { oid: oid!(2.5.4.8), short_name: "ST" },
    AttributeType { oid: oid!(2.5.4.9), short_name: "street" },
    AttributeType { oid: oid!(2.5.4.10), short_name: "O" },
    AttributeType { oid: oid!(2.5.4.11), short_name: "OU" },
    AttributeType { oid: oid!(2.5.4.12), short_name: "title" },
    AttributeType { oid: oid!(2.5.4.13), short_name: "description" },
    AttributeType { oid: oid!(2.5.4.42), short_name: "GN" },
    AttributeType { oid: oid!(2.5.4.43), short_name: "initials" },
    AttributeType { oid: oid!(2.5.4.46), short_name: "dnQualifier" },
    AttributeType { oid: oid!(2.5.4.97), short_name: "organizationIdentifier" },
];

/// The style of a name as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStyle {
    /// As OpenSSL 3.0 and 3.1: `UID = a, CN = "b, c"`, bytes beyond ASCII escaped.
    Spaced,
    /// As OpenSSL 3.2 and later: `UID=a, CN=b, c`, in UTF-8.
    Compact,
    /// As [`NameStyle::Compact`], with the escapes of RFC 4514 section 2.4, so that no value passes for two attributes:
    /// `UID=a, CN=b\\, c`.
    Escaped,
}

/// Writes a name in the certificate's order. Control characters are always escaped.
pub(crate) fn format(name: &X509Name<'_>, style: NameStyle) -> String {
    let equals = if style == NameStyle::Spaced { " = " } else { "=" };
    let mut text = String::new();
    for (n, rdn) in name.iter().enumerate() {
        for (m, attribute) in rdn.iter().enumerate() {
            text.push_str(if m > 0 {
                " + "
            } else if n > 0 {
                ", "
            } else {
                ""
            });
            let oid = attribute.attr_type();
            match ATTRIBUTE_TYPES.iter().find(|known| known.oid == *oid) {
                Some(known) => text.push_str(known.short_name),
                None => text.push_str(&oid.to_id_string()),
            }
            text.push_str(equals);
            match shortened(attribute.attr_value()) {
                Some(value) if style == NameStyle::Spaced => quoted(&mut text, &value),
                Some(value) if style == NameStyle::Escaped => text.push_str(&escaped_value(&value)),
                Some(value) => escaped(&mut text, &value),
                None => text.push_str(&dump(attribute.attr_value())),
            }
        }
    }
    text
}

/// Returns the first value of an attribute type, in UTF-8.
pub(super) fn first(name: &X509Name<'_>, short_name: &str) -> Option<String> {
    let wanted = ATTRIBUTE_TYPES.iter().find(|known| known.short_name == short_name)?;
    for rdn in name.iter() {
        for attribute in rdn.iter() {
            if *attribute.attr_type() == wanted.oid {
                return shortened(attribute.attr_value());
            }
        }
    }
    None
}

/// A name as RFC 5280 section 7.1 compares it: without regard to case, white space and the types of strings.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum ComparableName {
    /// Sets of attributes, each sorted.
    Attributes(Vec<Vec<ComparableAttribute>>),
    /// What does not parse.
    Encoded(Vec<u8>),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ComparableAttribute {
    oid: Vec<u8>,
    value: String,
}

/// Returns a name, in DER, as it is compared.
pub(crate) fn comparable(encoded: &[u8]) -> ComparableName {
    let Ok((_, name)) = X509Name::from_der(encoded) else { return ComparableName::Encoded(encoded.to_vec()) };
    let mut sets = Vec::new();
    for rdn in name.iter() {
        let mut set = Vec::new();
        for attribute in rdn.iter() {
            let value = match characters(attribute.attr_value()) {
                Some(text) => text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" "),
                None => dump(attribute.attr_value()),
            };
            set.push(ComparableAttribute { oid: attribute.attr_type().as_bytes().to_vec(), value });
        }
        set.sort();
        sets.push(set);
    }
    ComparableName::Attributes(sets)
}

/// Returns whether two names, in DER, are the same (RFC 5280 section 7.1).
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a == b || comparable(a) == comparable(b)
}

/// Returns whether an attribute of a name, in DER, has this value.
pub(super) fn has_value(encoded: &[u8], short_name: &str, value: &str) -> bool {
    let Ok((_, name)) = X509Name::from_der(encoded) else { return false };
    let Some(wanted) = ATTRIBUTE_TYPES.iter().find(|known| known.short_name == short_name) else { return false };
    for rdn in name.iter() {
        for attribute in rdn.iter() {
            if *attribute.attr_type() == wanted.oid && characters(attribute.attr_value()).as_deref() == Some(value) {
                return true;
            }
        }
    }
    false
}

/// The most characters of a value that are shown. The longest that a standard allows has 32,768 (RFC 5280 appendix A), and
/// the longest of a CN 64.
const MAX_SHOWN: usize = 4096;

/// Returns the characters of a string value, the first of a long one with the number of all; `None` if it is not a string.
/// One with the label of a private key in it is not shown.
fn shortened(value: &Any<'_>) -> Option<String> {
    let mut text = characters(value)?;
    if has_private_key_label(&text) {
        return Some(NOT_SHOWN.to_owned());
    }
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
        let length = text.chars().count();
        text.truncate(end);
        let _ = write!(text, "… ({length} characters)");
        text.shrink_to_fit();
    }
    Some(text)
}

/// Returns the characters of a string value; `None` if it is not a string.
fn characters(value: &Any<'_>) -> Option<String> {
    let width = match value.header.tag() {
        Tag::Utf8String => return Some(String::from_utf8_lossy(value.data).into_owned()),
        Tag::NumericString | Tag::PrintableString | Tag::T61String | Tag::Ia5String | Tag::VisibleString => 1,
        Tag::UtcTime | Tag::GeneralizedTime => 1,
        Tag::BmpString => 2,
        Tag::UniversalString => 4,
        _ => return None,
    };
    let mut text = String::new();
    for unit in value.data.chunks(width) {
        let mut number = 0;
        for byte in unit {
            number = number << 8 | u32::from(*byte);
        }
        text.push(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    Some(text)
}

/// Writes `#` and the encoding in hex (RFC 4514 section 2.4).
fn dump(value: &Any<'_>) -> String {
    let encoded = value.to_der_vec_raw().unwrap_or_default();
    format!("#{}", data_encoding::HEXUPPER.encode(&encoded))
}

/// Adds `value` with backslash and control characters escaped, nothing else.
fn escaped(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            c if c.is_ascii_control() => escape_byte(text, c as u8),
            c => text.push(c),
        }
    }
}

/// Returns `value` with the escapes of RFC 4514 section 2.4.
pub(crate) fn escaped_value(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => text.extend(['\\', c]),
            ' ' if index == 0 || index == last => text.push_str("\\ "),
            '#' if index == 0 => text.push_str("\\#"),
            c if c.is_ascii_control() => escape_byte(&mut text, c as u8),
            c => text.push(c),
        }
    }
    text
}

/// Adds `value` with RFC 2253 escapes for each byte beyond ASCII, in quotes if a special character needs them.
fn quoted(text: &mut String, value: &str) {
    let quote = if needs_quotes(value) { "\"" } else { "" };
    text.push_str(quote);
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii() && !c.is_ascii_control() => text.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    escape_byte(text, byte);
                }
            }
        }
    }
    text.push_str(quote);
}

fn needs_quotes(value: &str) -> bool {
    let is_hash = value.starts_with('#') && value.len() > 1;
    is_hash || value.starts_with(' ') || value.ends_with(' ') || value.contains(['+', ',', ';', '<', '>'])
}

/// Adds `\0A`: how both styles write a byte that is not to be printed.
pub(crate) fn escape_byte(text: &mut String, byte: u8) {
    let _ = write!(text, "\\{byte:02X}");
}

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Type;
    use openssl::x509::X509NameBuilder;

    use super::*;

    fn encoded(attributes: &[(&str, &str, Asn1Type)]) -> Vec<u8> {
        let mut builder = X509NameBuilder::new().unwrap();
        for (field, value, kind) in attributes {
            builder.append_entry_by_text_with_type(field, value, *kind).unwrap();
        }
        builder.build().to_der().unwrap()
    }

    #[test]
    fn a_private_key_is_no_value() {
        let mut name = openssl::x509::X509Name::builder().unwrap();
        name.append_entry_by_text("O", "-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkq").unwrap();
        name.append_entry_by_text("CN", "a").unwrap();
        let der = name.build().to_der().unwrap();
        let (_, name) = X509Name::from_der(&der).unwrap();
        assert_eq!(format(&name, NameStyle::Compact), "O=(not shown: it may be a key), CN=a");
        assert_eq!(first(&name, "O").as_deref(), Some(NOT_SHOWN));
    }

    #[test]
    fn no_value_passes_for_two_attributes() {
        for (value, escaped) in [
            ("a, O=Evil", "a\\, O=Evil"),
            ("a + CN=b", "a \\+ CN=b"),
            ("\"a\" <b>;c\\", "\\\"a\\\" \\<b\\>\\;c\\\\"),
            (" a ", "\\ a\\ "),
            (" ", "\\ "),
            ("#a#", "\\#a#"),
            ("a\nb", "a\\0Ab"),
            ("", ""),
        ] {
            assert_eq!(escaped_value(value), escaped);
            let name = encoded(&[("CN", value, Asn1Type::UTF8STRING), ("O", "c", Asn1Type::UTF8STRING)]);
            let (_, name) = X509Name::from_der(&name).unwrap();
            assert_eq!(format(&name, NameStyle::Escaped), format!("CN={escaped}, O=c"));
        }
    }

    #[test]
    fn names_are_compared_by_what_they_say() {
        let name = encoded(&[("O", "Apple Inc.", Asn1Type::UTF8STRING), ("CN", "G4", Asn1Type::UTF8STRING)]);
        let printable = encoded(&[("O", "apple  inc.", Asn1Type::PRINTABLESTRING), ("CN", "g4 ", Asn1Type::T61STRING)]);
        let other_order = encoded(&[("CN", "G4", Asn1Type::UTF8STRING), ("O", "Apple Inc.", Asn1Type::UTF8STRING)]);
        let one = encoded(&[("O", "Apple Inc., CN=G4", Asn1Type::UTF8STRING)]);
        assert_ne!(name, printable);
        assert!(is_same(&name, &printable));
        assert!(!is_same(&name, &other_order));
        assert!(!is_same(&name, &one));
        assert!(has_value(&name, "O", "Apple Inc."));
        assert!(!has_value(&one, "O", "Apple Inc.") && !has_value(&one, "CN", "G4"));
    }
}
