//! The structures of PKCS#8 (RFC 5208): PrivateKeyInfo and EncryptedPrivateKeyInfo.

use std::borrow::Cow;

use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::attribute::parse_attributes;
use crate::crypto::DecodeError;
use crate::crypto::pbe::Scheme;
use crate::limits::{LimitError, Limits};
use crate::secret::PasswordEncodings;

/// Returns whether a value has the fields of PrivateKeyInfo (RFC 5208 section 5).
pub(crate) fn looks_like_private_key(info: &Value<'_>) -> bool {
    info.is(Tag::Sequence) && has_private_key_fields(info).unwrap_or(false)
}

/// Returns whether a structure has the fields of EncryptedPrivateKeyInfo (RFC 5208 section 6).
pub(crate) fn looks_like_encrypted_key(info: &Value<'_>) -> bool {
    let mut fields = info.reader("private key");
    match (fields.try_next(), fields.try_next()) {
        (Ok(Some(algorithm)), Ok(Some(octets))) => algorithm.is(Tag::Sequence) && octets.is(Tag::OctetString),
        _ => false,
    }
}

/// Returns whether decrypted bytes are PrivateKeyInfo. OpenSSL passes over what follows it; to tell it from what a wrong
/// password yields, its algorithm must then be one.
fn is_decrypted_key(plain: &[u8]) -> bool {
    match Value::parse_prefix(plain) {
        Some((info, rest)) => {
            looks_like_private_key(&info) && (rest.is_empty() || has_algorithm(&info).unwrap_or(false))
        }
        None => false,
    }
}

fn has_algorithm(info: &Value<'_>) -> Result<bool, Malformed> {
    let mut fields = info.reader("private key");
    let version = fields.required("the version")?.unsigned()?;
    fields.expect(Tag::Sequence, "the algorithm")?.reader("private key").required("the algorithm")?.oid()?;
    Ok(version <= 1)
}

fn has_private_key_fields(info: &Value<'_>) -> Result<bool, Malformed> {
    let mut fields = info.reader("private key");
    for tag in [Tag::Integer, Tag::Sequence, Tag::OctetString] {
        if !fields.required("a field")?.is(tag) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns what PrivateKeyInfo holds beside its fields: other programs pass over it. The fields are those of RFC 5208
/// section 5, and the public key of RFC 5958 section 2.
pub(crate) fn strays_in(info: &Value<'_>) -> Vec<Zeroizing<Vec<u8>>> {
    let mut strays = Vec::new();
    // What is damaged is not read as a key, and an error says so.
    let _ = collect_strays(info, &mut strays);
    strays
}

fn collect_strays(info: &Value<'_>, strays: &mut Vec<Zeroizing<Vec<u8>>>) -> Result<(), Malformed> {
    let mut fields = info.reader("private key");
    fields.required("the version")?;
    let mut algorithm = fields.required("the algorithm")?.reader("private key");
    algorithm.required("the algorithm")?;
    algorithm.try_next()?;
    keep_stray(strays, algorithm.rest());
    let octets = Zeroizing::new(fields.required("the key")?.octets()?.into_owned());
    if let Some((_, rest)) = Value::parse_prefix(&octets) {
        keep_stray(strays, rest);
    }
    let mut next = ATTRIBUTES;
    while let Some(field) = fields.try_next()? {
        let is_own = match field.tag_number() {
            ATTRIBUTES => parse_attributes(&field).is_ok(),
            number => number == PUBLIC_KEY,
        };
        if is_own && field.is_context(field.tag_number()) && field.tag_number() >= next {
            next = field.tag_number() + 1;
        } else {
            keep_stray(strays, field.encoded());
        }
    }
    Ok(())
}

/// The tags of what may follow the key.
const ATTRIBUTES: u32 = 0;
const PUBLIC_KEY: u32 = 1;

fn keep_stray(strays: &mut Vec<Zeroizing<Vec<u8>>>, bytes: &[u8]) {
    if !bytes.is_empty() {
        strays.push(Zeroizing::new(bytes.to_vec()));
    }
}

/// An encrypted private key: EncryptedPrivateKeyInfo (RFC 5208 section 6).
pub(crate) struct EncryptedKey<'a> {
    pub(crate) scheme: Scheme,
    ciphertext: Cow<'a, [u8]>,
}

impl<'a> EncryptedKey<'a> {
    /// Reads the fields, and returns what follows them too.
    pub(crate) fn parse(info: &Value<'a>) -> Result<(Self, &'a [u8]), DecodeError> {
        let mut fields = info.reader("encrypted private key");
        let algorithm = fields.expect(Tag::Sequence, "the algorithm")?;
        let ciphertext = fields.expect(Tag::OctetString, "the encrypted bytes")?.octets()?;
        let scheme = Scheme::parse(&algorithm, "encryption of the private key")?;
        scheme.check_length(&ciphertext, "encrypted private key")?;
        Ok((Self { scheme, ciphertext }, fields.rest()))
    }

    /// Returns the same, on its own.
    pub(crate) fn into_owned(self) -> EncryptedKey<'static> {
        EncryptedKey { scheme: self.scheme, ciphertext: Cow::Owned(self.ciphertext.into_owned()) }
    }

    /// Returns the PrivateKeyInfo, or `None` if the password does not fit.
    pub(crate) fn decrypt(
        &self,
        password: &PasswordEncodings,
        limits: &Limits,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LimitError> {
        self.scheme.decrypt(password, &self.ciphertext, limits, is_decrypted_key)
    }
}
