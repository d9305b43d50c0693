//! The output of `openssl pkcs12 -nodes -clcerts`, attribute by attribute.
//!
//! Three things are otherwise on purpose: control characters and runs of dashes in an attribute are escaped, so that a name
//! cannot pass for a PEM block, a name that may be a key is not written, and a certificate that has a key is written even
//! where its localKeyID is missing.

use std::collections::HashSet;

use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::attribute::{Attribute, AttributeValue};
use crate::certificate::Certificate;
use crate::certificate::name::{self, NameStyle};
use crate::cli::convert::{Certs, ConvertArgs, OpensslStyle};
use crate::container::{Container, Contents, Entry};
use crate::crypto::names;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::key::PrivateKey;
use crate::pem;
use crate::pkcs12::{Bag, BagContent};
use crate::text::{NOT_SHOWN, is_seen, may_be_key, name_unless_key};

/// The long name of an attribute type, as OpenSSL has it.
struct LongName {
    oid: Oid<'static>,
    name: &'static str,
}

/// The attributes of everyday files; all others are looked up in OpenSSL.
static LONG_NAMES: [LongName; 2] = [
    LongName { oid: oid!(1.2.840.113549.1.9.20), name: "friendlyName" },
    LongName { oid: oid!(1.2.840.113549.1.9.21), name: "localKeyID" },
];

/// Renders the bags that are wanted, beside `identities`, which are written anyway.
pub(super) fn render(
    arguments: &ConvertArgs,
    contents: &Contents,
    identities: &[&Entry<Certificate>],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if contents.container != Container::Pkcs12 {
        let message = format!("{}: --bag-attributes: only PKCS#12 files have bags", arguments.input);
        return Err(Error::new(ExitKind::Usage, message));
    }
    let style = arguments.bag_attributes.unwrap_or(OpensslStyle::V30);
    let wanted = Wanted::new(arguments, contents, identities);
    let mut out = Zeroizing::new(Vec::new());
    for bag in &contents.bags {
        render_bag(&mut out, bag, &wanted, style);
    }
    Ok(out)
}

/// Returns the certificates that are written, each once.
pub(super) fn certificates<'a>(
    arguments: &ConvertArgs,
    contents: &'a Contents,
    identities: &[&Entry<Certificate>],
) -> Vec<&'a Certificate> {
    let wanted = Wanted::new(arguments, contents, identities);
    let mut written = HashSet::new();
    for bag in &contents.bags {
        if let BagContent::Certificate(der) = &bag.content
            && wanted.has(bag, der)
        {
            written.insert(der.as_slice());
        }
    }
    let mut certificates = Vec::new();
    for entry in &contents.certificates {
        if written.contains(entry.item.der.as_slice()) {
            certificates.push(&entry.item);
        }
    }
    certificates
}

/// Returns the number of private keys that are written, each counted once.
pub(super) fn count_keys(arguments: &ConvertArgs, contents: &Contents, identities: &[&Entry<Certificate>]) -> usize {
    let wanted = Wanted::new(arguments, contents, identities);
    contents.keys.iter().filter(|entry| wanted.has_key(&entry.item)).count()
}

fn render_bag(out: &mut Zeroizing<Vec<u8>>, bag: &Bag, wanted: &Wanted<'_>, style: OpensslStyle) {
    let attributes = bag.attributes.as_deref();
    match &bag.content {
        BagContent::Certificate(der) => {
            // What opened once opens again; a repeated certificate is written for each of its bags.
            let Ok(certificate) = Certificate::parse(der) else { return };
            if wanted.has(bag, der) {
                render_attributes(out, "Bag Attributes", attributes, style);
                render_certificate(out, &certificate, style);
            }
        }
        BagContent::Key(der) => {
            let Ok(key) = PrivateKey::from_pkcs8(der) else { return };
            if wanted.has_key(&key) {
                render_attributes(out, "Bag Attributes", attributes, style);
                render_attributes(out, "Key Attributes", key.attributes(), style);
                out.extend_from_slice(key.to_pem().as_bytes());
            }
        }
        BagContent::Safe => render_attributes(out, "Bag Attributes", attributes, style),
        BagContent::Secret(secret) => {
            render_attributes(out, "Bag Attributes", attributes, style);
            if let Some(secret) = secret {
                render_value(out, secret, style);
            }
        }
        BagContent::Other(_) => {}
    }
}

/// The bags that are written.
struct Wanted<'a> {
    arguments: &'a ConvertArgs,
    selected: &'a [&'a Entry<Certificate>],
    /// The certificates of authorities, in DER.
    authorities: HashSet<&'a [u8]>,
}

impl<'a> Wanted<'a> {
    fn new(arguments: &'a ConvertArgs, contents: &'a Contents, selected: &'a [&'a Entry<Certificate>]) -> Self {
        let authorities = Collection::new(&contents.certificates, &contents.keys).authorities();
        let authorities = authorities.into_iter().map(|entry| entry.item.der.as_slice()).collect();
        Self { arguments, selected, authorities }
    }

    fn has_key(&self, key: &PrivateKey) -> bool {
        if self.arguments.no_key || self.arguments.select.is_none() {
            return !self.arguments.no_key;
        }
        self.selected.iter().any(|leaf| leaf.item.public_key.is_same_key(key.public()))
    }

    /// OpenSSL goes by the presence of a localKeyID; here a key counts as well.
    fn has(&self, bag: &Bag, certificate: &[u8]) -> bool {
        let is_selected = self.selected.iter().any(|leaf| leaf.item.der == certificate);
        let is_client = is_selected || (self.arguments.select.is_none() && bag.has_local_key_id());
        let is_authority = self.authorities.contains(certificate);
        match self.arguments.certs {
            Certs::Leaf => is_client,
            Certs::Ca => is_authority && !is_client,
            Certs::All => is_client || is_authority || self.arguments.select.is_none(),
            Certs::None => false,
        }
    }
}

fn render_attributes(out: &mut Vec<u8>, title: &str, attributes: Option<&[Attribute]>, style: OpensslStyle) {
    let Some(attributes) = attributes else { return push(out, &format!("{title}: <No Attributes>\n")) };
    if attributes.is_empty() {
        return push(out, &format!("{title}: <Empty Attributes>\n"));
    }
    push(out, &format!("{title}\n"));
    for attribute in attributes {
        push(out, &format!("    {}: ", long_name(&attribute.oid, style)));
        if attribute.values.is_empty() {
            push(out, "<No Values>\n");
        }
        for value in &attribute.values {
            render_value(out, value, style);
        }
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Returns the name that the OpenSSL of this style has for an object, or its dotted number.
fn long_name(oid: &Oid<'_>, style: OpensslStyle) -> String {
    if let Some(known) = LONG_NAMES.iter().find(|known| known.oid == *oid) {
        return known.name.to_owned();
    }
    let dotted = oid.to_id_string();
    let name = match style {
        OpensslStyle::V30 => names::long_name_up_to(names::LAST_OF_OPENSSL_3_0, &dotted),
        OpensslStyle::V32 => names::long_name(&dotted),
    };
    match name {
        Some(name) => name.to_owned(),
        None => dotted,
    }
}

fn render_value(out: &mut Vec<u8>, value: &AttributeValue, style: OpensslStyle) {
    match Tag(value.tag) {
        // OpenSSL takes the low byte of each character for the character, and ends at the NUL that Windows writes.
        Tag::BmpString => {
            let units = value.content.strip_suffix(&[0, 0]).unwrap_or(&value.content);
            let mut name = Zeroizing::new(Vec::with_capacity(units.len() / 2));
            for unit in units.chunks_exact(2) {
                name.push(unit[1]);
            }
            push_bytes(out, &name);
        }
        Tag::Utf8String => match std::str::from_utf8(&value.content) {
            Ok(text) => push_name(out, text),
            Err(_) => push_bytes(out, &value.content),
        },
        Tag::OctetString => push_hex(out, &value.content),
        Tag::BitString => push_hex(out, value.content.get(1..).unwrap_or_default()),
        Tag::Oid if style == OpensslStyle::V32 => {
            let oid = Oid::new(value.content.clone().into());
            let name = long_name(&oid, style);
            let dotted = oid.to_id_string();
            let name = if name == dotted { "undefined" } else { &name };
            push(out, &format!("{name} ({dotted})"));
        }
        tag => push(out, &format!("<Unsupported tag {}>", tag.0)),
    }
    out.push(b'\n');
}

fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        push(out, &format!("{byte:02X} "));
    }
}

/// Adds a name of which each byte stands for a character of Latin-1.
fn push_bytes(out: &mut Vec<u8>, name: &[u8]) {
    if may_be_key(&String::from_utf8_lossy(name)) {
        return push(out, NOT_SHOWN);
    }
    for (position, byte) in name.iter().enumerate() {
        if char::from(*byte).is_control() || name[position..].starts_with(DASHES.as_bytes()) {
            push_byte_escape(out, *byte);
        } else {
            out.push(*byte);
        }
    }
}

/// The dashes of a PEM block.
const DASHES: &str = "-----";

fn push_byte_escape(out: &mut Vec<u8>, byte: u8) {
    let mut escaped = String::new();
    name::escape_byte(&mut escaped, byte);
    push(out, &escaped);
}

/// Adds a name, unless it may be a key.
fn push_name(out: &mut Vec<u8>, name: &str) {
    push_printable(out, name_unless_key(name));
}

/// Adds a text with the escapes of names for what acts on a terminal or is not seen, and for the first of five dashes.
fn push_printable(out: &mut Vec<u8>, text: &str) {
    for (position, c) in text.char_indices() {
        let bytes = c.to_string().into_bytes();
        if is_seen(c) && !text[position..].starts_with(DASHES) {
            out.extend_from_slice(&bytes);
            continue;
        }
        for byte in bytes {
            push_byte_escape(out, byte);
        }
    }
}

fn render_certificate(out: &mut Vec<u8>, certificate: &Certificate, style: OpensslStyle) {
    let style = if style == OpensslStyle::V30 { NameStyle::Spaced } else { NameStyle::Compact };
    let (subject, issuer) = certificate.names(style);
    for (label, name) in [("subject", subject), ("issuer", issuer)] {
        push(out, &format!("{label}="));
        push_printable(out, &name);
        out.push(b'\n');
    }
    push(out, &pem::encode("CERTIFICATE", &certificate.der));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_that_openssl_3_0_does_not_know_are_numbers_in_its_style() {
        for (oid, name) in [
            (oid!(1.2.840.113549.1.9.16.1.48), "id-ct-signedChecklist"),
            (oid!(1.3.6.1.4.1.311.17.1), "Microsoft CSP Name"),
            (oid!(1.2.840.113549.1.9.20), "friendlyName"),
        ] {
            for style in [OpensslStyle::V30, OpensslStyle::V32] {
                assert_eq!(long_name(&oid, style), name);
            }
        }
        for oid in [
            oid!(1.2.840.113549.1.9.16.1.49),
            oid!(1.2.156.10197.1.104.8),
            oid!(2.16.840.1.113894.746875.1.1),
            oid!(2.16.840.1.101.3.4.3.17),
            oid!(2.5.29.70),
            oid!(2.23.133.8.1),
        ] {
            let dotted = oid.to_id_string();
            assert_eq!(long_name(&oid, OpensslStyle::V30), dotted);
            assert_eq!(long_name(&oid, OpensslStyle::V32), names::long_name(&dotted).unwrap_or(&dotted));
        }
    }
}
