//! Distinguished names as text, in the forms that OpenSSL's command line prints.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Oid, Tag, ToDer, oid};
use x509_parser::x509::X509Name;

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
}

/// Writes a name in the certificate's order. Control characters are always escaped.
pub(crate) fn format(name: &X509Name<'_>, style: NameStyle) -> String {
    let (equals, is_spaced) = if style == NameStyle::Spaced { (" = ", true) } else { ("=", false) };
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
            match characters(attribute.attr_value()) {
                Some(value) if is_spaced => quoted(&mut text, &value),
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
                return characters(attribute.attr_value());
            }
        }
    }
    None
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
