//! The shapes of PKCS#8 (RFC 5208): PrivateKeyInfo and EncryptedPrivateKeyInfo.

use std::borrow::Cow;

use x509_parser::asn1_rs::Tag;

use crate::asn1::Value;
use crate::crypto::pbe::{Scheme, SchemeError};

/// Whether it has the shape of PrivateKeyInfo (RFC 5208 section 5) and nothing follows it.
pub(crate) fn is_pkcs8(bytes: &[u8]) -> bool {
    let shape = || -> Option<bool> {
        let (info, rest) = Value::parse_prefix(bytes)?;
        let mut fields = info.reader("private key");
        let tags = [Tag::Integer, Tag::Sequence, Tag::OctetString];
        let fits = tags.iter().all(|tag| fields.try_next().ok().flatten().is_some_and(|value| value.is(*tag)));
        Some(info.is(Tag::Sequence) && rest.is_empty() && fits)
    };
    shape().unwrap_or(false)
}

/// EncryptedPrivateKeyInfo (RFC 5208 section 6): the scheme and the encrypted bytes.
pub(crate) fn parse_encrypted_key<'a>(info: &Value<'a>) -> Result<(Scheme, Cow<'a, [u8]>), SchemeError> {
    let mut fields = info.reader("encrypted private key");
    let algorithm = fields.expect(Tag::Sequence, "the algorithm")?;
    let ciphertext = fields.expect(Tag::OctetString, "the encrypted bytes")?.octets()?;
    Ok((Scheme::parse(&algorithm)?, ciphertext))
}
