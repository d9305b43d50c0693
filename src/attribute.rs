//! Attributes of PKCS#12 bags and of private keys (PKCS#9, RFC 2985).

use x509_parser::asn1_rs::{Oid, Tag};

use crate::asn1::{Malformed, Value};

/// An attribute of a bag or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub oid: Oid<'static>,
    pub values: Vec<AttributeValue>,
}

/// One value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeValue {
    /// Its universal tag.
    pub tag: u32,
    /// Its content; the pieces of a constructed string are joined.
    pub content: Vec<u8>,
}

impl AttributeValue {
    /// Returns the text of a string, whatever its type.
    pub(crate) fn text(&self) -> String {
        if self.tag != Tag::BmpString.0 {
            return String::from_utf8_lossy(&self.content).into_owned();
        }
        let mut units = Vec::new();
        for unit in self.content.chunks_exact(2) {
            units.push(u16::from_be_bytes([unit[0], unit[1]]));
        }
        String::from_utf16_lossy(&units)
    }
}

/// The most attributes of a bag or a key, values included; real writers make five.
const MAX_ATTRIBUTES: usize = 64;

/// Reads a SET OF Attribute. Only an attribute that is not even a sequence is an error: what it holds
/// may be anything.
pub(crate) fn parse_attributes(set: &Value<'_>) -> Result<Vec<Attribute>, Malformed> {
    let mut attributes = Vec::new();
    let mut left = MAX_ATTRIBUTES;
    let mut list = set.reader("attributes");
    while let Some(attribute) = list.try_next()? {
        attributes.push(parse_attribute(&attribute, &mut left)?);
    }
    Ok(attributes)
}

fn parse_attribute(attribute: &Value<'_>, left: &mut usize) -> Result<Attribute, Malformed> {
    charge(left)?;
    let mut fields = attribute.reader("attribute");
    let oid = fields.required("its type")?.oid()?;
    let mut values = Vec::new();
    if let Some(set) = fields.try_next()? {
        let mut list = set.reader("attribute");
        while let Some(value) = list.try_next()? {
            charge(left)?;
            values.push(attribute_value(&value));
        }
    }
    Ok(Attribute { oid, values })
}

/// Counts an attribute or a value.
fn charge(left: &mut usize) -> Result<(), Malformed> {
    let Some(rest) = left.checked_sub(1) else { return Err(Malformed::limit("attributes", "are too many")) };
    *left = rest;
    Ok(())
}

pub(crate) fn attribute_value(value: &Value<'_>) -> AttributeValue {
    let is_string = !value.is(Tag::Sequence) && !value.is(Tag::Set);
    let content = match value.octets() {
        Ok(octets) if is_string => octets.into_owned(),
        _ => value.content().to_vec(),
    };
    AttributeValue { tag: value.tag_number(), content }
}
