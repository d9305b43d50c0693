//! Reads PKCS#12 (RFC 7292), bag by bag, whoever wrote it; [`mod@write`] writes it.
//!
//! [`Pfx::parse`] reads the structure, which needs no password. [`Pfx::open`] checks the MAC, decrypts, and
//! returns every bag in the file's order.

mod bag;
mod mac;
pub(crate) mod write;

use std::borrow::Cow;

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

pub(crate) use bag::{Bag, BagContent};
use mac::Mac;

use crate::asn1::{BerReader, Malformed, Value};
use crate::crypto::DecodeError;
use crate::crypto::pbe::Scheme;
use crate::limits::Limits;
use crate::secret::{Password, PasswordEncodings};

const DATA: Oid<'static> = oid!(1.2.840.113549.1.7.1);
const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);
const ENVELOPED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.3);
const ENCRYPTED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.6);

/// The algorithms of a file, as far as they can be seen without its password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pkcs12Info {
    /// The encryption of the certificates; `None` if they are not encrypted, or if there are none.
    pub certificate_encryption: Option<String>,
    /// The encryption of the keys; `None` if they are not encrypted, are inside an encrypted part, or absent.
    pub key_encryption: Option<String>,
    pub mac: Option<String>,
    /// The iteration count of the MAC; 1 where the field is absent (RFC 7292 section 4).
    pub mac_iterations: Option<u64>,
    /// The highest iteration count of the encryptions.
    pub iterations: Option<u64>,
}

/// The outcome of one password.
pub(crate) enum Unlocked {
    /// All bags in the file's order, a nested safe before what it holds.
    Bags(Vec<Bag>),
    WrongPassword,
    /// The password opens the file, but a key in it has another one.
    OtherKeyPassword,
}

/// One part of the authenticated safe.
enum Safe<'a> {
    Plain(Cow<'a, [u8]>),
    Encrypted { scheme: Scheme, ciphertext: Cow<'a, [u8]> },
}

/// A PKCS#12 file, parsed as far as it goes without a password.
pub(crate) struct Pfx<'a> {
    auth_safe: Cow<'a, [u8]>,
    mac: Option<Mac>,
}

/// Returns whether `bytes` begin as a PFX does: a sequence whose first value is the version, 3.
pub(crate) fn looks_like_pfx(bytes: &[u8]) -> bool {
    let Some((pfx, _)) = Value::parse_prefix(bytes) else { return false };
    let mut fields = pfx.reader("PKCS#12");
    match (fields.try_next(), fields.try_next()) {
        (Ok(Some(version)), Ok(Some(content))) => {
            pfx.is(Tag::Sequence) && version.unsigned() == Ok(3) && content.is(Tag::Sequence)
        }
        _ => false,
    }
}

impl<'a> Pfx<'a> {
    /// Reads the outer structure. Bytes after it are ignored.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (pfx, _) = Value::parse(bytes, "PKCS#12 file")?;
        let mut fields = pfx.reader("PKCS#12 file");
        fields.expect(Tag::Integer, "the version")?;
        let content = fields.expect(Tag::Sequence, "the authenticated safe")?;
        let mut content = content.reader("authenticated safe");
        let kind = content.required("its type")?.oid()?;
        if kind == SIGNED_DATA {
            let name = "a digital signature (signedData)";
            return Err(DecodeError::Unsupported { part: "integrity protection", name, oid: kind.to_id_string() });
        }
        if kind != DATA {
            return Err(content.malformed("its content is not data").into());
        }
        let auth_safe = wrapped_octets(&mut content)?;
        let mac = match fields.try_next()? {
            Some(mac_data) if mac_data.is(Tag::Sequence) => Some(Mac::parse(&mac_data)?),
            _ => None,
        };
        Ok(Self { auth_safe, mac })
    }

    /// Returns whether a MAC can tell a wrong password from damage.
    pub(crate) fn has_mac(&self) -> bool {
        self.mac.is_some()
    }

    fn safes(&self) -> Result<Vec<Safe<'_>>, DecodeError> {
        let (list, _) = Value::parse(&self.auth_safe, "authenticated safe")?;
        let mut safes = Vec::new();
        let mut list = list.reader("authenticated safe");
        while let Some(content) = list.try_next()? {
            let mut content = content.reader("safe");
            let kind = content.required("its type")?.oid()?;
            if kind == DATA {
                safes.push(Safe::Plain(wrapped_octets(&mut content)?));
            } else if kind == ENCRYPTED_DATA {
                safes.push(encrypted_safe(&mut content)?);
            } else if kind == ENVELOPED_DATA {
                let name = "a recipient's public key (envelopedData)";
                return Err(DecodeError::Unsupported { part: "encryption", name, oid: kind.to_id_string() });
            } else {
                return Err(content.malformed(format!("its type {kind} is unknown")).into());
            }
        }
        Ok(safes)
    }

    /// Returns the algorithms, as far as they can be seen without the password.
    pub(crate) fn info(&self) -> Result<Pkcs12Info, DecodeError> {
        let mut info = Pkcs12Info::default();
        if let Some(mac) = &self.mac {
            info.mac = Some(mac.to_string());
            info.mac_iterations = Some(mac.iterations());
        }
        for safe in self.safes()? {
            match safe {
                Safe::Encrypted { scheme, .. } => {
                    info.iterations = info.iterations.max(Some(scheme.iterations()));
                    info.certificate_encryption.get_or_insert_with(|| scheme.to_string());
                }
                Safe::Plain(content) => {
                    for bag in bag::parse_all(&content)? {
                        let Some(scheme) = bag.scheme() else { continue };
                        info.iterations = info.iterations.max(Some(scheme.iterations()));
                        info.key_encryption.get_or_insert_with(|| scheme.to_string());
                    }
                }
            }
        }
        Ok(info)
    }

    /// Checks the MAC and decrypts.
    ///
    /// `None` and the empty password are the same question: both encodings of "none" are tried.
    pub(crate) fn open(&self, password: Option<&Password>, limits: &Limits) -> Result<Unlocked, DecodeError> {
        // All that is unsupported or malformed is reported before any password is judged.
        let safes = self.safes()?;
        self.info()?;
        let mut encodings = PasswordEncodings::of(password);
        if let Some(mac) = &self.mac {
            match mac.verify(&self.auth_safe, &encodings, limits)? {
                Some(fitting) => encodings = fitting,
                None => return Ok(Unlocked::WrongPassword),
            }
        }
        // Without a MAC, a part that decrypts is the proof that the password is right.
        let mut is_proven = self.has_mac();
        let mut bags = Vec::new();
        for safe in safes {
            let content = match safe {
                Safe::Plain(content) => Zeroizing::new(content.into_owned()),
                Safe::Encrypted { scheme, ciphertext } => {
                    match scheme.decrypt(&encodings, &ciphertext, limits, is_one_sequence)? {
                        Some(plain) => {
                            is_proven = true;
                            plain
                        }
                        None if self.has_mac() => return Err(undecryptable().into()),
                        None => return Ok(Unlocked::WrongPassword),
                    }
                }
            };
            for bag in bag::parse_all(&content)? {
                match bag.open(&encodings, limits)? {
                    Some(bag) => bags.push(bag),
                    None if is_proven => return Ok(Unlocked::OtherKeyPassword),
                    None => return Ok(Unlocked::WrongPassword),
                }
            }
        }
        Ok(Unlocked::Bags(bags))
    }
}

fn is_one_sequence(plain: &[u8]) -> bool {
    match Value::parse_prefix(plain) {
        Some((value, [])) => value.is(Tag::Sequence),
        _ => false,
    }
}

fn undecryptable() -> Malformed {
    Malformed::new("encrypted part", "does not decrypt although the password is right")
}

/// Reads the octets in `[0] EXPLICIT OCTET STRING`, the next value of `content`.
fn wrapped_octets<'a>(content: &mut BerReader<'a>) -> Result<Cow<'a, [u8]>, Malformed> {
    let wrapped = content.expect_context(0, "its content")?;
    wrapped.reader("content").expect(Tag::OctetString, "the octet string")?.octets()
}

/// Reads EncryptedData (RFC 2315 section 13).
fn encrypted_safe<'a>(content: &mut BerReader<'a>) -> Result<Safe<'a>, DecodeError> {
    let wrapped = content.expect_context(0, "its content")?;
    let data = wrapped.reader("encrypted safe").expect(Tag::Sequence, "the encrypted data")?;
    let mut data = data.reader("encrypted safe");
    data.expect(Tag::Integer, "the version")?;
    let mut info = data.expect(Tag::Sequence, "the encrypted content")?.reader("encrypted safe");
    info.required("the content type")?.oid()?;
    let algorithm = info.expect(Tag::Sequence, "the algorithm")?;
    let scheme = Scheme::parse(&algorithm, "encryption of the certificates")?;
    let ciphertext = info.expect_context(0, "the encrypted bytes")?.octets()?;
    Ok(Safe::Encrypted { scheme, ciphertext })
}
