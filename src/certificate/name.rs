//! Distinguished names as text, in the forms that OpenSSL's command line prints.

use std::fmt::Write as _;

use x509_parser::asn1_rs::{Any, Oid, Tag, ToDer, oid};
use x509_parser::x509::X509Name;

/// Short names of attribute types (X.520, RFC 4519, RFC 2985), as OpenSSL spells them.
static SHORT_NAMES: [(Oid<'static>, &str); 19] = [
    (oid!(0.9.2342.19200300.100.1.1), "UID"),
    (oid!(0.9.2342.19200300.100.1.25), "DC"),
    (oid!(1.2.840.113549.1.9.1), "emailAddress"),
    (oid!(1.2.840.113549.1.9.2), "unstructuredName"),
    (oid!(2.5.4.3), "CN"),
    (oid!(2.5.4.4), "SN"),
    (oid!(2.5.4.5), "serialNumber"),
    (oid!(2.5.4.6), "C"),
    (oid!(2.5.4.7), "L"),
    (oid!(2.5.4.8), "ST"),
    (oid!(2.5.4.9), "street"),
    (oid!(2.5.4.10), "O"),
    (oid!(2.5.4.11), "OU"),
    (oid!(2.5.4.12), "title"),
    (oid!(2.5.4.13), "description"),
    (oid!(2.5.4.42), "GN"),
    (oid!(2.5.4.43), "initials"),
    (oid!(2.5.4.46), "dnQualifier"),
    (oid!(2.5.4.97), "organizationIdentifier"),
];

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStyle {
    /// As OpenSSL 3.0 and 3.1: `UID = a, CN = "b, c"`, bytes beyond ASCII escaped.
    Spaced,
    /// As OpenSSL 3.2 and later: `UID=a, CN=b, c`, in UTF-8.
    Compact,
}

/// The name in the certificate's order. Control characters are always escaped.
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
            match SHORT_NAMES.iter().find(|(known, _)| known == oid) {
                Some((_, short)) => text.push_str(short),
                None => text.push_str(&oid.to_id_string()),
            }
            text.push_str(equals);
            match characters(attribute.attr_value()) {
                Some(value) if is_spaced => quoted(&mut text, &value),
                Some(value) => value.chars().for_each(|c| escaped(&mut text, c)),
                None => text.push_str(&dump(attribute.attr_value())),
            }
        }
    }
    text
}

/// The first value of an attribute type, in UTF-8.
pub(super) fn first(name: &X509Name<'_>, short: &str) -> Option<String> {
    let (oid, _) = SHORT_NAMES.iter().find(|(_, known)| *known == short)?;
    let attribute = name.iter().flat_map(|rdn| rdn.iter()).find(|attribute| attribute.attr_type() == oid)?;
    characters(attribute.attr_value())
}

/// The characters of a string value; `None` for what is no string.
fn characters(value: &Any<'_>) -> Option<String> {
    let wide = |width: usize| -> Option<String> {
        let units = value.data.chunks(width).map(|unit| unit.iter().fold(0, |n, b| n << 8 | u32::from(*b)));
        Some(units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    };
    match value.header.tag() {
        Tag::Utf8String => Some(String::from_utf8_lossy(value.data).into_owned()),
        Tag::NumericString | Tag::PrintableString | Tag::T61String | Tag::Ia5String | Tag::VisibleString => wide(1),
        Tag::UtcTime | Tag::GeneralizedTime => wide(1),
        Tag::BmpString => wide(2),
        Tag::UniversalString => wide(4),
        _ => None,
    }
}

/// `#` and the encoding in hex (RFC 4514 section 2.4).
fn dump(value: &Any<'_>) -> String {
    let encoded = value.to_der_vec_raw().unwrap_or_default();
    format!("#{}", data_encoding::HEXUPPER.encode(&encoded))
}

/// Backslash and control characters escaped, nothing else.
fn escaped(text: &mut String, c: char) {
    match c {
        '\\' => text.push_str("\\\\"),
        c if c.is_ascii_control() => escape_byte(text, c as u8),
        c => text.push(c),
    }
}

/// RFC 2253 escapes for each byte beyond ASCII, and quotes where a special character asks for them.
fn quoted(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    let is_special = |(index, c): (usize, char)| match c {
        '+' | ',' | ';' | '<' | '>' => true,
        ' ' => index == 0 || index == last,
        '#' => index == 0 && last > 0,
        _ => false,
    };
    let quote = if value.chars().enumerate().any(is_special) { "\"" } else { "" };
    text.push_str(quote);
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii() && !c.is_ascii_control() => text.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| escape_byte(text, byte)),
        }
    }
    text.push_str(quote);
}

/// `\0A`: how both styles write a byte that is not to be printed.
pub(crate) fn escape_byte(text: &mut String, byte: u8) {
    let _ = write!(text, "\\{byte:02X}");
}
