//! Detects the file type from its contents, never from its name.

use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use crate::asn1::{self, Value};
use crate::container::{Container, OpenError};
use crate::crypto::pkcs8;
use crate::limits::MAX_FILE_SIZE;
use crate::pem;
use crate::pkcs12;

/// The file types that have a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Pem,
    Pkcs12,
    Certificate,
    Pkcs7,
    Request,
    Pkcs8Key,
    EncryptedKey,
    Pkcs1Key,
    Sec1Key,
}

impl Format {
    pub(super) fn container(self) -> Container {
        match self {
            Self::Pem => Container::Pem,
            Self::Pkcs12 => Container::Pkcs12,
            Self::Certificate => Container::Der,
            Self::Pkcs7 => Container::Pkcs7,
            Self::Request => Container::Csr,
            Self::Pkcs8Key | Self::EncryptedKey | Self::Pkcs1Key | Self::Sec1Key => Container::Key,
        }
    }
}

/// A file type that is often taken for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookalike {
    Jks,
    Jceks,
    Zip,
    Gzip,
    PropertyList,
    Xml,
    WebPage,
    SshPublicKey,
}

struct LookalikeRow {
    kind: Lookalike,
    /// The first bytes of such files.
    starts: &'static [&'static [u8]],
    name: &'static str,
    hint: Option<&'static str>,
}

const KEYTOOL: &str = "make a PKCS#12 file of it with: keytool -importkeystore -srckeystore FILE -destkeystore cert.p12 -deststoretype PKCS12";
const UNPACK: &str = "unpack it first";
const SIGN_IN: &str = "sign in and download the certificate again";

/// In the order of [`Lookalike`].
static LOOKALIKES: [LookalikeRow; 8] = [
    LookalikeRow {
        kind: Lookalike::Jks,
        starts: &[b"\xfe\xed\xfe\xed"],
        name: "a Java keystore (JKS)",
        hint: Some(KEYTOOL),
    },
    LookalikeRow {
        kind: Lookalike::Jceks,
        starts: &[b"\xce\xce\xce\xce"],
        name: "a Java keystore (JCEKS)",
        hint: Some(KEYTOOL),
    },
    LookalikeRow { kind: Lookalike::Zip, starts: &[b"PK\x03\x04"], name: "a ZIP archive", hint: Some(UNPACK) },
    LookalikeRow { kind: Lookalike::Gzip, starts: &[b"\x1f\x8b"], name: "a gzip archive", hint: Some(UNPACK) },
    LookalikeRow { kind: Lookalike::PropertyList, starts: &[b"bplist"], name: "a property list", hint: None },
    LookalikeRow { kind: Lookalike::Xml, starts: &[b"<?xml"], name: "an XML document", hint: None },
    LookalikeRow {
        kind: Lookalike::WebPage,
        starts: &[b"<!DOCTYPE", b"<html"],
        name: "a web page",
        hint: Some(SIGN_IN),
    },
    LookalikeRow { kind: Lookalike::SshPublicKey, starts: &[b"ssh-"], name: "an SSH public key", hint: None },
];

impl Lookalike {
    fn of(bytes: &[u8]) -> Option<Self> {
        for facts in &LOOKALIKES {
            if facts.starts.iter().any(|start| bytes.starts_with(start)) {
                return Some(facts.kind);
            }
        }
        None
    }

    fn facts(self) -> &'static LookalikeRow {
        &LOOKALIKES[self as usize]
    }

    /// Returns the name of the file type, with its article.
    pub(crate) fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns what to do with such a file, if there is more to say than what is expected instead.
    pub(crate) fn hint(self) -> Option<&'static str> {
        self.facts().hint
    }
}

/// Decodes a file that is UTF-16 or Base64 as a whole: PowerShell writes the one, secrets in CI systems are the other.
pub(super) fn decode(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let Some(text) = pem::from_utf16(bytes) else { return pem::bare_base64(bytes) };
    Some(pem::bare_base64(&text).unwrap_or(text))
}

/// Detects what `bytes`, which are decoded, are.
pub(super) fn detect(bytes: &[u8]) -> Result<Format, OpenError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(OpenError::Empty);
    }
    if pem::looks_like_pem(bytes) {
        return Ok(Format::Pem);
    }
    if let Some(lookalike) = Lookalike::of(bytes) {
        return Err(OpenError::Lookalike(lookalike));
    }
    if !bytes.starts_with(b"\x30") {
        return Err(OpenError::Unrecognized);
    }
    check_length(bytes)?;
    if pkcs12::looks_like_pfx(bytes) {
        return Ok(Format::Pkcs12);
    }
    detect_der(bytes)
}

/// Compares the length of a file with the one that its outermost header claims.
fn check_length(bytes: &[u8]) -> Result<(), OpenError> {
    let found = bytes.len();
    match asn1::claimed_length(bytes) {
        // What claims to be longer than any file is rather no DER at all.
        Some(claimed) if claimed as u64 > MAX_FILE_SIZE && claimed > found => Err(OpenError::Unrecognized),
        Some(claimed) if claimed > found => Err(OpenError::Truncated { claimed, found }),
        _ => Ok(()),
    }
}

/// Tells DER structures apart by their first fields.
fn detect_der(bytes: &[u8]) -> Result<Format, OpenError> {
    let (outer, _) = Value::parse(bytes, "its outermost structure")?;
    if pkcs8::looks_like_private_key(outer.encoded()) {
        return Ok(Format::Pkcs8Key);
    }
    let mut reader = outer.reader("its outermost structure");
    let mut fields = Vec::new();
    while let Ok(Some(field)) = reader.try_next() {
        fields.push(field);
    }
    match &fields[..] {
        [version, integer, ..] if version.is(Tag::Integer) && integer.is(Tag::Integer) && fields.len() >= 9 => {
            Ok(Format::Pkcs1Key)
        }
        [version, octets, ..] if version.unsigned() == Ok(1) && octets.is(Tag::OctetString) => Ok(Format::Sec1Key),
        [oid, ..] if oid.is(Tag::Oid) => Ok(Format::Pkcs7),
        [algorithm, octets] if algorithm.is(Tag::Sequence) && octets.is(Tag::OctetString) => Ok(Format::EncryptedKey),
        [signed, algorithm, signature]
            if signed.is(Tag::Sequence) && algorithm.is(Tag::Sequence) && signature.is(Tag::BitString) =>
        {
            Ok(if is_request(signed) { Format::Request } else { Format::Certificate })
        }
        _ => Err(OpenError::Unrecognized),
    }
}

/// Returns whether a signed structure begins as a request does: version, then a name (a sequence of sets),
/// where a certificate has an algorithm (a sequence that begins with an object identifier).
fn is_request(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader("file");
    match (fields.try_next(), fields.try_next(), fields.try_next()) {
        (Ok(Some(version)), Ok(Some(name)), Ok(Some(key))) => {
            version.is(Tag::Integer) && name.is(Tag::Sequence) && begins_with_set(&name) && key.is(Tag::Sequence)
        }
        _ => false,
    }
}

/// Returns whether a name begins with a set, or is empty.
fn begins_with_set(name: &Value<'_>) -> bool {
    match name.reader("file").try_next() {
        Ok(Some(first)) => first.is(Tag::Set),
        Ok(None) | Err(_) => true,
    }
}

/// Returns whether nothing but white space follows the first value.
pub(super) fn is_one_value(der: &[u8]) -> bool {
    let Some(length) = asn1::claimed_length(der) else { return false };
    match der.get(length..) {
        Some(rest) => rest.iter().all(u8::is_ascii_whitespace),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookalike_is_named() {
        let message = |start: &[u8]| detect(&[start, b" and more"].concat()).unwrap_err().to_string();
        for (start, name) in [
            (&b"\xfe\xed\xfe\xed"[..], "a Java keystore (JKS)"),
            (b"\xce\xce\xce\xce", "a Java keystore (JCEKS)"),
            (b"PK\x03\x04", "a ZIP archive"),
            (b"\x1f\x8b", "a gzip archive"),
            (b"bplist00", "a property list"),
            (b"<?xml", "an XML document"),
            (b"<!DOCTYPE html>", "a web page"),
            (b"<html>", "a web page"),
            (b"ssh-rsa", "an SSH public key"),
        ] {
            assert_eq!(message(start), format!("this is {name}, not a certificate"));
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, facts) in LOOKALIKES.iter().enumerate() {
            assert_eq!(facts.kind as usize, index);
        }
    }
}
