//! The output of `openssl pkcs12 -nodes -clcerts`, attribute by attribute.
//!
//! Two things are otherwise on purpose: control characters in an attribute are escaped, so that a name
//! cannot pass for a PEM block, and a certificate that has a key is written even where its localKeyID
//! is missing.

use openssl::asn1::Asn1Object;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::attribute::{Attribute, AttributeValue};
use crate::certificate::Certificate;
use crate::certificate::name::{self, NameStyle};
use crate::cli::convert::{Certs, ConvertArgs, OpensslStyle};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::identity::Collection;
use crate::key::PrivateKey;
use crate::pem;
use crate::pkcs12::{Bag, BagContent};

/// Long names, as OpenSSL has them; all others are looked up there.
static LONG_NAMES: [(Oid<'static>, &str); 2] =
    [(oid!(1.2.840.113549.1.9.20), "friendlyName"), (oid!(1.2.840.113549.1.9.21), "localKeyID")];

pub(super) fn render(arguments: &ConvertArgs, contents: &Contents) -> Result<Zeroizing<Vec<u8>>, Error> {
    crate::commands::convert::require_bags(arguments, contents)?;
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let selected = collection.identities(arguments.select.as_deref(), !arguments.no_key);
    let selected = selected.map_err(|error| Error::in_file(&arguments.input.to_string(), &error))?;
    let style = arguments.bag_attributes.unwrap_or(OpensslStyle::V30);
    let mut out = Zeroizing::new(Vec::new());
    for bag in &contents.bags {
        match &bag.content {
            BagContent::Certificate(der) => {
                // What opened once opens again; a repeated certificate is written for each of its bags.
                let Ok(item) = Certificate::parse(der) else { continue };
                if !is_wanted(arguments, bag, &item, &selected) {
                    continue;
                }
                attributes(&mut out, "Bag Attributes", bag.attributes.as_deref(), style);
                certificate(&mut out, &item, style);
            }
            BagContent::Key(der) => {
                let Ok(key) = PrivateKey::from_pkcs8(der) else { continue };
                let is_selected = || selected.iter().any(|leaf| leaf.item.public_key.is_same_key(key.public()));
                if arguments.no_key || (arguments.select.is_some() && !is_selected()) {
                    continue;
                }
                attributes(&mut out, "Bag Attributes", bag.attributes.as_deref(), style);
                attributes(&mut out, "Key Attributes", key.attributes(), style);
                out.extend_from_slice(key.to_pem().as_bytes());
            }
            BagContent::Safe => attributes(&mut out, "Bag Attributes", bag.attributes.as_deref(), style),
            BagContent::Secret(secret) => {
                attributes(&mut out, "Bag Attributes", bag.attributes.as_deref(), style);
                if let Some(secret) = secret {
                    value(&mut out, secret, style);
                }
            }
            BagContent::Other => {}
        }
    }
    Ok(out)
}

/// OpenSSL goes by the presence of a localKeyID; here a key counts as well.
fn is_wanted(arguments: &ConvertArgs, bag: &Bag, certificate: &Certificate, selected: &[&Entry<Certificate>]) -> bool {
    let is_selected = selected.iter().any(|leaf| leaf.item.der == certificate.der);
    let is_client = is_selected || (arguments.select.is_none() && bag.has_local_key_id());
    match arguments.certs {
        Certs::Leaf => is_client,
        Certs::Ca => certificate.is_ca && !is_client,
        Certs::All => is_client || certificate.is_ca || arguments.select.is_none(),
        Certs::None => false,
    }
}

fn attributes(out: &mut Vec<u8>, title: &str, list: Option<&[Attribute]>, style: OpensslStyle) {
    match list {
        None => out.extend_from_slice(format!("{title}: <No Attributes>\n").as_bytes()),
        Some([]) => out.extend_from_slice(format!("{title}: <Empty Attributes>\n").as_bytes()),
        Some(list) => {
            out.extend_from_slice(format!("{title}\n").as_bytes());
            for attribute in list {
                out.extend_from_slice(format!("    {}: ", long_name(&attribute.oid)).as_bytes());
                if attribute.values.is_empty() {
                    out.extend_from_slice(b"<No Values>\n");
                }
                attribute.values.iter().for_each(|item| value(out, item, style));
            }
        }
    }
}

fn long_name(oid: &Oid<'_>) -> String {
    if let Some((_, name)) = LONG_NAMES.iter().find(|(known, _)| known == oid) {
        return (*name).to_owned();
    }
    let dotted = oid.to_id_string();
    let known = Asn1Object::from_str(&dotted).ok().filter(|object| object.nid() != openssl::nid::Nid::UNDEF);
    known.and_then(|object| object.nid().long_name().ok().map(str::to_owned)).unwrap_or(dotted)
}

fn value(out: &mut Vec<u8>, value: &AttributeValue, style: OpensslStyle) {
    let hex = |out: &mut Vec<u8>, bytes: &[u8]| {
        bytes.iter().for_each(|byte| out.extend_from_slice(format!("{byte:02X} ").as_bytes()));
    };
    match Tag(value.tag) {
        // OpenSSL takes the low byte of each character for the character.
        Tag::BmpString => value.content.chunks_exact(2).for_each(|unit| push_escaped(out, unit[1])),
        Tag::Utf8String => value.content.iter().for_each(|byte| push_escaped(out, *byte)),
        Tag::OctetString => hex(out, &value.content),
        Tag::BitString => hex(out, value.content.get(1..).unwrap_or_default()),
        Tag::Oid if style == OpensslStyle::V32 => {
            let oid = Oid::new(value.content.clone().into());
            let name = long_name(&oid);
            let dotted = oid.to_id_string();
            let name = if name == dotted { "undefined" } else { &name };
            out.extend_from_slice(format!("{name} ({dotted})").as_bytes());
        }
        tag => out.extend_from_slice(format!("<Unsupported tag {}>", tag.0).as_bytes()),
    }
    out.push(b'\n');
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    if byte.is_ascii_control() {
        let mut escaped = String::new();
        name::escape_byte(&mut escaped, byte);
        out.extend_from_slice(escaped.as_bytes());
    } else {
        out.push(byte);
    }
}

fn certificate(out: &mut Vec<u8>, certificate: &Certificate, style: OpensslStyle) {
    let style = if style == OpensslStyle::V30 { NameStyle::Spaced } else { NameStyle::Compact };
    let (subject, issuer) = certificate.names(style);
    out.extend_from_slice(format!("subject={subject}\nissuer={issuer}\n").as_bytes());
    out.extend_from_slice(pem::encode("CERTIFICATE", &certificate.der).as_bytes());
}
