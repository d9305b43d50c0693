//! Safe bags (RFC 7292 section 4.2) and their attributes.

use std::fmt;

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::attribute::{Attribute, AttributeValue, attribute_value, parse_attributes};
use crate::crypto::DecodeError;
use crate::crypto::pbe::Scheme;
use crate::crypto::pkcs8::{self, EncryptedKey};
use crate::limits::{LimitError, Limits, MAX_PARTS};
use crate::pkcs12::{Rests, keep_rest, wrapped_octets};
use crate::secret::PasswordEncodings;

const KEY_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.1);
const SHROUDED_KEY_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.2);
const CERT_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.3);
const CRL_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.4);
const SECRET_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.5);
const SAFE_CONTENTS_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.6);
const X509_CERTIFICATE: Oid<'static> = oid!(1.2.840.113549.1.9.22.1);
const FRIENDLY_NAME: Oid<'static> = oid!(1.2.840.113549.1.9.20);
/// trustedKeyUsage of Oracle.
const TRUSTED_KEY_USAGE: Oid<'static> = oid!(2.16.840.1.113894.746875.1.1);
const LOCAL_KEY_ID: Oid<'static> = oid!(1.2.840.113549.1.9.21);

/// The depth to which safe contents may nest. RFC 7292 allows any depth, nobody writes two, and OpenSSL reads six.
const MAX_NESTING: usize = 16;

/// One bag, opened.
#[derive(Debug, Clone)]
pub struct Bag {
    /// Its number in the file, from 1.
    pub number: usize,
    pub content: BagContent,
    /// In the file's order; `None` where the field is absent.
    pub attributes: Option<Vec<Attribute>>,
}

/// The content of a bag.
#[derive(Clone)]
pub enum BagContent {
    /// An X.509 certificate, as encoded.
    Certificate(Vec<u8>),
    /// A private key: PrivateKeyInfo (PKCS#8), as encoded.
    Key(Zeroizing<Vec<u8>>),
    /// A nested safe; the bags it holds follow.
    Safe,
    /// A secret of another application.
    Secret(Option<AttributeValue>),
    /// A CRL, or a certificate that is not X.509.
    Other(OtherBag),
}

/// The kind of a bag that holds neither an X.509 certificate nor a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherBag {
    RevocationList,
    /// An SDSI certificate, which nobody writes.
    ForeignCertificate,
}

impl fmt::Debug for BagContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate(_) => "Certificate(…)",
            Self::Key(_) => "Key(…)",
            Self::Safe => "Safe",
            Self::Secret(_) => "Secret(…)",
            Self::Other(_) => "Other",
        })
    }
}

impl Bag {
    /// Returns its place in the file, for messages.
    pub(crate) fn place(&self) -> String {
        format!("bag {}", self.number)
    }

    /// Returns the friendlyName, whatever string type it was written in, without the NUL that Windows puts at its end.
    /// An empty one is none.
    pub fn friendly_name(&self) -> Option<String> {
        let mut name = self.attribute(&FRIENDLY_NAME)?.text();
        name.truncate(name.trim_end_matches('\0').len());
        if name.is_empty() { None } else { Some(name) }
    }

    /// Returns the localKeyID, which ties a certificate to its key.
    pub fn local_key_id(&self) -> Option<Vec<u8>> {
        let value = self.attribute(&LOCAL_KEY_ID)?;
        Some(value.content.clone())
    }

    /// Returns whether there is a localKeyID at all, whatever it holds.
    pub fn has_local_key_id(&self) -> bool {
        self.attributes.iter().flatten().any(|attribute| attribute.oid == LOCAL_KEY_ID)
    }

    /// Returns whether Java trusts what is in it by itself.
    pub(crate) fn is_trusted(&self) -> bool {
        self.attributes.iter().flatten().any(|attribute| attribute.oid == TRUSTED_KEY_USAGE)
    }

    fn attribute(&self, oid: &Oid<'_>) -> Option<&AttributeValue> {
        let attributes = self.attributes.as_ref()?;
        attributes.iter().find(|attribute| attribute.oid == *oid)?.values.first()
    }
}

/// One bag as it stands in the file.
pub(super) struct RawBag {
    content: RawContent,
    attributes: Option<Vec<Attribute>>,
    /// What follows its content, and does not belong there.
    pub(super) rests: Rests,
}

enum RawContent {
    Encrypted(EncryptedKey<'static>),
    Plain(BagContent),
    Unread { holds: Holds, error: DecodeError },
}

/// The kind of thing that a part of a file holds, as far as that is known of a part that was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    Certificate,
    Key,
    /// A MAC, which shows that nothing was changed.
    Mac,
    /// Neither a certificate nor a key.
    Other,
    /// Perhaps certificates and keys.
    Anything,
}

/// A bag that was opened, or the reason why it was not.
pub(super) enum OpenedBag {
    Bag(Bag),
    /// The password does not fit.
    Locked,
    Unread {
        holds: Holds,
        error: DecodeError,
    },
}

impl RawBag {
    /// Returns the encryption of the bag itself.
    pub(super) fn scheme(&self) -> Option<&Scheme> {
        match &self.content {
            RawContent::Encrypted(key) => Some(&key.scheme),
            RawContent::Plain(_) | RawContent::Unread { .. } => None,
        }
    }

    /// Returns whether it is a key that is not encrypted.
    pub(super) fn is_plain_key(&self) -> bool {
        matches!(self.content, RawContent::Plain(BagContent::Key(_)))
    }

    /// Decrypts the bag if it is encrypted.
    pub(super) fn open(&self, password: &PasswordEncodings, limits: &Limits) -> OpenedBag {
        let RawContent::Encrypted(key) = &self.content else { return self.open_plain() };
        match key.decrypt(password, limits) {
            Ok(Some(key)) => self.with_content(BagContent::Key(key)),
            Ok(None) => OpenedBag::Locked,
            Err(error) => OpenedBag::Unread { holds: Holds::Key, error: error.into() },
        }
    }

    /// Returns the bag if it is not encrypted.
    pub(super) fn open_plain(&self) -> OpenedBag {
        match &self.content {
            RawContent::Plain(content) => self.with_content(content.clone()),
            RawContent::Encrypted(_) => OpenedBag::Locked,
            RawContent::Unread { holds, error } => OpenedBag::Unread { holds: *holds, error: error.clone() },
        }
    }

    fn with_content(&self, content: BagContent) -> OpenedBag {
        OpenedBag::Bag(Bag { number: 0, content, attributes: self.attributes.clone() })
    }
}

/// The bags of SafeContents.
#[derive(Default)]
pub(super) struct RawBags {
    pub(super) bags: Vec<RawBag>,
    /// What follows them.
    pub(super) rests: Rests,
}

/// Reads SafeContents. What a nested safe holds follows it. A bag that cannot be read takes no other with it.
pub(super) fn parse_all(safe_contents: &[u8]) -> Result<RawBags, DecodeError> {
    let (safe, rest) = Value::parse(safe_contents, "safe contents")?;
    let mut bags = Vec::new();
    collect_bags(&safe, &mut bags, MAX_NESTING);
    if bags.len() > MAX_PARTS {
        return Err(LimitError::Parts { limit: MAX_PARTS }.into());
    }
    let mut rests = Rests::new();
    keep_rest(&mut rests, rest);
    Ok(RawBags { bags, rests })
}

/// Returns whether decrypted bytes are SafeContents. OpenSSL passes over what follows them; to tell them from what a
/// wrong password yields, they must then begin as a bag does.
pub(super) fn looks_like_safe_contents(plain: &[u8]) -> bool {
    match Value::parse_prefix(plain) {
        Some((safe, rest)) => safe.is(Tag::Sequence) && (rest.is_empty() || begins_with_bag(&safe).unwrap_or(false)),
        None => false,
    }
}

fn begins_with_bag(safe: &Value<'_>) -> Result<bool, Malformed> {
    let bag = safe.reader("safe contents").expect(Tag::Sequence, "a bag")?;
    let mut fields = bag.reader("safe bag");
    fields.required("its type")?.oid()?;
    Ok(fields.required("its content")?.is_context(0))
}

fn collect_bags(safe: &Value<'_>, bags: &mut Vec<RawBag>, depth: usize) {
    let mut list = safe.reader("safe contents");
    // Too many are refused by the caller.
    while bags.len() <= MAX_PARTS {
        match list.try_next() {
            Ok(None) => return,
            Ok(Some(value)) => collect_bag(&value, bags, depth),
            // Where the next bag begins is not known.
            Err(error) => return bags.push(unread_bag(Holds::Anything, error.into())),
        }
    }
}

/// Adds a bag, and what it holds if it is a safe.
fn collect_bag(value: &Value<'_>, bags: &mut Vec<RawBag>, depth: usize) {
    let BagParts { kind, wrapped, attributes, mut rests } = match parse_bag_parts(value) {
        Ok(parts) => parts,
        Err(error) => return bags.push(unread_bag(Holds::Anything, error.into())),
    };
    if kind != SAFE_CONTENTS_BAG {
        let content = match parse_content(&kind, &wrapped, &mut rests) {
            Ok(content) => content,
            Err(error) => RawContent::Unread { holds: holds(&kind), error },
        };
        return bags.push(RawBag { content, attributes, rests });
    }
    if depth == 0 {
        let error = LimitError::Nesting { limit: MAX_NESTING };
        return bags.push(unread_bag(Holds::Anything, error.into()));
    }
    let mut content = wrapped.reader("nested safe");
    match content.required("its content") {
        Ok(nested) => {
            keep_rest(&mut rests, content.rest());
            bags.push(RawBag { content: RawContent::Plain(BagContent::Safe), attributes, rests });
            collect_bags(&nested, bags, depth - 1);
        }
        Err(error) => bags.push(unread_bag(Holds::Anything, error.into())),
    }
}

/// The fields of a SafeBag.
struct BagParts<'a> {
    kind: Oid<'static>,
    wrapped: Value<'a>,
    attributes: Option<Vec<Attribute>>,
    rests: Rests,
}

fn parse_bag_parts<'a>(value: &Value<'a>) -> Result<BagParts<'a>, Malformed> {
    let mut fields = value.reader("safe bag");
    let kind = fields.required("its type")?.oid()?;
    let wrapped = fields.expect_context(0, "its content")?;
    let attributes = match fields.try_next()? {
        Some(set) => Some(parse_attributes(&set)?),
        None => None,
    };
    let mut rests = Rests::new();
    keep_rest(&mut rests, fields.rest());
    Ok(BagParts { kind, wrapped, attributes, rests })
}

fn unread_bag(holds: Holds, error: DecodeError) -> RawBag {
    RawBag { content: RawContent::Unread { holds, error }, attributes: None, rests: vec![] }
}

fn holds(kind: &Oid<'_>) -> Holds {
    if *kind == SHROUDED_KEY_BAG || *kind == KEY_BAG {
        Holds::Key
    } else if *kind == CERT_BAG {
        Holds::Certificate
    } else {
        Holds::Anything
    }
}

fn parse_content(kind: &Oid<'_>, wrapped: &Value<'_>, rests: &mut Rests) -> Result<RawContent, DecodeError> {
    if *kind == SHROUDED_KEY_BAG || *kind == KEY_BAG {
        return parse_key(kind, wrapped, rests);
    }
    let content = if *kind == CERT_BAG {
        parse_certificate(wrapped, rests)?
    } else if *kind == SECRET_BAG {
        BagContent::Secret(parse_secret(wrapped).ok())
    } else if *kind == CRL_BAG {
        BagContent::Other(OtherBag::RevocationList)
    } else {
        return Err(DecodeError::unknown_type("bag", kind));
    };
    Ok(RawContent::Plain(content))
}

/// Reads a key by its content. GnuTLS puts one that is not encrypted into the bag for encrypted ones where the password
/// is empty.
fn parse_key(kind: &Oid<'_>, wrapped: &Value<'_>, rests: &mut Rests) -> Result<RawContent, DecodeError> {
    let mut content = wrapped.reader("key bag");
    let key = content.expect(Tag::Sequence, "the private key")?;
    keep_rest(rests, content.rest());
    let is_encrypted = match *kind == KEY_BAG {
        true => pkcs8::looks_like_encrypted_key(&key),
        false => !pkcs8::looks_like_private_key(&key),
    };
    if is_encrypted {
        let (key, rest) = EncryptedKey::parse(&key)?;
        keep_rest(rests, rest);
        return Ok(RawContent::Encrypted(key.into_owned()));
    }
    Ok(RawContent::Plain(BagContent::Key(Zeroizing::new(key.encoded().to_vec()))))
}

fn parse_certificate(wrapped: &Value<'_>, rests: &mut Rests) -> Result<BagContent, Malformed> {
    let mut content = wrapped.reader("certificate bag");
    let mut fields = content.expect(Tag::Sequence, "its content")?.reader("certificate bag");
    keep_rest(rests, content.rest());
    let kind = fields.required("the type of certificate")?.oid()?;
    if kind != X509_CERTIFICATE {
        return Ok(BagContent::Other(OtherBag::ForeignCertificate));
    }
    let octets = wrapped_octets(&mut fields, rests)?;
    let Some((certificate, rest)) = Value::parse_prefix(&octets).filter(|(value, _)| value.is(Tag::Sequence)) else {
        return Ok(BagContent::Certificate(octets.into_owned()));
    };
    keep_rest(rests, rest);
    Ok(BagContent::Certificate(certificate.encoded().to_vec()))
}

fn parse_secret(wrapped: &Value<'_>) -> Result<AttributeValue, Malformed> {
    let mut secret = wrapped.reader("secret bag").expect(Tag::Sequence, "its content")?.reader("secret bag");
    secret.required("its type")?.oid()?;
    let value = secret.expect_context(0, "its value")?.reader("secret bag").required("its value")?;
    Ok(attribute_value(&value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Reading, ReadingWork};

    fn name(tag: Tag, content: &[u8]) -> Option<String> {
        let values = vec![AttributeValue { tag: tag.0, content: content.to_vec() }];
        let attributes = Some(vec![Attribute { oid: FRIENDLY_NAME, values }]);
        Bag { number: 1, content: BagContent::Safe, attributes }.friendly_name()
    }

    /// Returns safes in one another, around one secret of so many bytes.
    fn nested(depth: usize, length: usize) -> Vec<u8> {
        let indefinite = |kind: u8, content: &[u8]| {
            let oid = [0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, kind];
            [b"\x30\x80\x30\x80", &oid[..], b"\xa0\x80", content, b"\0\0\0\0\0\0"].concat()
        };
        let length_octets = u32::try_from(length).unwrap().to_be_bytes();
        let secret = [b"\x04\x84", &length_octets[..], &vec![0; length]].concat();
        let mut safe = indefinite(5, &secret);
        for _ in 0..depth {
            safe = indefinite(6, &safe);
        }
        safe
    }

    /// Returns why the last bag of safes in one another is not read, where 64 KiB may be searched.
    fn refusal(depth: usize, length: usize) -> String {
        let _reading = Reading::begin(ReadingWork::new(64 << 10, 0));
        let bags = parse_all(&nested(depth, length)).unwrap().bags;
        match &bags.last().unwrap().content {
            RawContent::Unread { error, .. } => error.to_string(),
            RawContent::Plain(_) | RawContent::Encrypted(_) => String::new(),
        }
    }

    #[test]
    fn safes_in_one_another_share_the_search_for_their_ends() {
        for (depth, length) in [(0, 8 << 10), (1, 8 << 10), (2, 4 << 10), (12, 1 << 10)] {
            assert_eq!(refusal(depth, length), "", "{depth}");
        }
        for (depth, length) in [(3, 8 << 10), (6, 4 << 10), (12, 2 << 10)] {
            assert!(refusal(depth, length).contains("takes too long to search"), "{depth}: {}", refusal(depth, length));
        }
    }

    #[test]
    fn a_friendly_name_ends_before_the_nul_of_windows() {
        assert_eq!(name(Tag::BmpString, b"\0a\0b\0\0").as_deref(), Some("ab"));
        assert_eq!(name(Tag::BmpString, b"\0a\0\0\0b").as_deref(), Some("a\0b"));
        assert_eq!(name(Tag::Utf8String, b"ab\0\0").as_deref(), Some("ab"));
        assert_eq!(name(Tag::BmpString, b"\0\0"), None);
        assert_eq!(name(Tag::BmpString, b""), None);
    }
}
