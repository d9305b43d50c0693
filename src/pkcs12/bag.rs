//! Safe bags (RFC 7292 section 4.2) and their attributes.

use std::borrow::Cow;

use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::attribute::{Attribute, AttributeValue, attribute_value, parse_attributes};
use crate::crypto::pbe::Scheme;
use crate::crypto::pkcs8::{is_pkcs8, parse_encrypted_key};
use crate::limits::Limits;
use crate::pkcs12::{Pkcs12Error, unsupported};
use crate::secret::Encodings;

const KEY_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.1);
const SHROUDED_KEY_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.2);
const CERT_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.3);
const SECRET_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.5);
const SAFE_CONTENTS_BAG: Oid<'static> = oid!(1.2.840.113549.1.12.10.1.6);
const X509_CERTIFICATE: Oid<'static> = oid!(1.2.840.113549.1.9.22.1);
const FRIENDLY_NAME: Oid<'static> = oid!(1.2.840.113549.1.9.20);
const LOCAL_KEY_ID: Oid<'static> = oid!(1.2.840.113549.1.9.21);

/// How deep safe contents may nest; RFC 7292 allows any depth, and nobody writes two.
const MAX_NESTING: usize = 16;

/// One bag, opened.
#[derive(Debug, Clone)]
pub struct Bag {
    /// What it holds.
    pub content: BagContent,
    /// Its attributes in the file's order; `None` where the field is absent.
    pub attributes: Option<Vec<Attribute>>,
}

/// What a bag holds.
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
    /// A CRL, a certificate of another kind, or a bag of unknown type.
    Other,
}

impl std::fmt::Debug for BagContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Certificate(_) => "Certificate(…)",
            Self::Key(_) => "Key(…)",
            Self::Safe => "Safe",
            Self::Secret(_) => "Secret(…)",
            Self::Other => "Other",
        })
    }
}

impl Bag {
    /// The friendlyName, whatever string type it was written in.
    pub fn friendly_name(&self) -> Option<String> {
        let value = self.attribute(&FRIENDLY_NAME)?;
        Some(if value.tag == Tag::BmpString.0 {
            let units: Vec<u16> = value.content.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect();
            String::from_utf16_lossy(&units)
        } else {
            String::from_utf8_lossy(&value.content).into_owned()
        })
    }

    /// The localKeyID, which ties a certificate to its key.
    pub fn local_key_id(&self) -> Option<Vec<u8>> {
        self.attribute(&LOCAL_KEY_ID).map(|value| value.content.clone())
    }

    /// Whether the attribute is there at all, whatever it holds.
    pub fn has_local_key_id(&self) -> bool {
        self.attributes.iter().flatten().any(|attribute| attribute.oid == LOCAL_KEY_ID)
    }

    fn attribute(&self, oid: &Oid<'_>) -> Option<&AttributeValue> {
        self.attributes.iter().flatten().find(|attribute| attribute.oid == *oid)?.values.first()
    }
}

/// One bag as it stands in the file.
pub(super) struct RawBag<'a> {
    content: RawContent<'a>,
    attributes: Option<Vec<Attribute>>,
}

enum RawContent<'a> {
    Shrouded(Scheme, Cow<'a, [u8]>),
    Open(BagContent),
}

impl RawBag<'_> {
    /// How the bag itself is encrypted.
    pub(super) fn scheme(&self) -> Option<&Scheme> {
        match &self.content {
            RawContent::Shrouded(scheme, _) => Some(scheme),
            RawContent::Open(_) => None,
        }
    }

    /// Decrypts it if need be; `None` when the password does not fit.
    pub(super) fn open(self, password: &Encodings, limits: &Limits) -> Result<Option<Bag>, Pkcs12Error> {
        let content = match self.content {
            RawContent::Open(content) => content,
            RawContent::Shrouded(scheme, ciphertext) => {
                let key = scheme.decrypt(password, &ciphertext, limits, |plain| is_pkcs8(&plain).then_some(plain))?;
                let Some(key) = key else { return Ok(None) };
                BagContent::Key(key)
            }
        };
        Ok(Some(Bag { content, attributes: self.attributes }))
    }
}

/// Reads SafeContents; what a nested safe holds follows it.
pub(super) fn parse_all(safe_contents: &[u8]) -> Result<Vec<RawBag<'_>>, Pkcs12Error> {
    let mut bags = Vec::new();
    collect(&Value::parse(safe_contents, "safe contents")?.0, &mut bags, MAX_NESTING)?;
    Ok(bags)
}

fn collect<'a>(safe: &Value<'a>, bags: &mut Vec<RawBag<'a>>, depth: usize) -> Result<(), Pkcs12Error> {
    let mut list = safe.reader("safe contents");
    while let Some(value) = list.try_next()? {
        let mut fields = value.reader("safe bag");
        let kind = fields.required("its type")?.oid()?;
        let wrapped = fields.expect_context(0, "its content")?;
        let attributes = fields.try_next()?.map(|set| parse_attributes(&set)).transpose()?;
        if kind == SAFE_CONTENTS_BAG {
            let inner = wrapped.reader("nested safe").required("its content")?;
            let depth = depth.checked_sub(1).ok_or_else(|| Malformed::new("nested safe", "is nested too deeply"))?;
            bags.push(RawBag { content: RawContent::Open(BagContent::Safe), attributes });
            collect(&inner, bags, depth)?;
            continue;
        }
        bags.push(RawBag { content: parse_content(&kind, &wrapped)?, attributes });
    }
    Ok(())
}

fn parse_content<'a>(kind: &Oid<'_>, wrapped: &Value<'a>) -> Result<RawContent<'a>, Pkcs12Error> {
    if *kind == SHROUDED_KEY_BAG {
        let (scheme, ciphertext) = parse_encrypted_key(&wrapped.reader("key bag").required("its content")?)
            .map_err(unsupported("encryption of the private key"))?;
        return Ok(RawContent::Shrouded(scheme, ciphertext));
    }
    Ok(RawContent::Open(if *kind == KEY_BAG {
        let key = wrapped.reader("key bag").expect(Tag::Sequence, "the private key")?;
        BagContent::Key(Zeroizing::new(key.encoded().to_vec()))
    } else if *kind == CERT_BAG {
        let bag = wrapped.reader("certificate bag").expect(Tag::Sequence, "its content")?;
        let mut bag = bag.reader("certificate bag");
        let certificate_type = bag.required("the type of certificate")?.oid()?;
        if certificate_type == X509_CERTIFICATE {
            BagContent::Certificate(super::wrapped_octets(&mut bag)?.into_owned())
        } else {
            BagContent::Other
        }
    } else if *kind == SECRET_BAG {
        BagContent::Secret(secret_value(wrapped).ok())
    } else {
        BagContent::Other
    }))
}

/// The value in a SecretBag, for those who print it.
fn secret_value(wrapped: &Value<'_>) -> Result<AttributeValue, Malformed> {
    let mut secret = wrapped.reader("secret bag").expect(Tag::Sequence, "its content")?.reader("secret bag");
    secret.required("its type")?.oid()?;
    let value = secret.expect_context(0, "its value")?.reader("secret bag").required("its value")?;
    Ok(attribute_value(&value))
}
