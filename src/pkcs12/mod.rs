//! Reading PKCS#12 (RFC 7292), bag by bag, whoever wrote it; [`mod@write`] makes such files.
//!
//! [`Pfx::parse`] looks at the structure, which needs no password; [`Pfx::open`] checks the MAC,
//! decrypts, and returns every bag in the file's order.

mod bag;
mod mac;
pub(crate) mod write;

use std::borrow::Cow;

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, Tag, oid};

use bag::RawBag;
pub(crate) use bag::{Bag, BagContent};
use mac::Mac;

use crate::asn1::{BerReader, Malformed, Value};
use crate::crypto::pbe::{Scheme, SchemeError};
use crate::limits::{LimitError, Limits};
use crate::secret::{Encodings, Password};

const DATA: Oid<'static> = oid!(1.2.840.113549.1.7.1);
const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);
const ENVELOPED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.3);
const ENCRYPTED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.6);

/// Why a PKCS#12 file does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// It is not what RFC 7292 says.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// An algorithm is not implemented.
    #[error("the {part} uses {name} ({oid}), which is not supported")]
    Unsupported {
        /// What uses it, such as "MAC".
        part: &'static str,
        /// The algorithm's name.
        name: &'static str,
        /// Its object identifier, dotted.
        oid: String,
    },
    /// It asks for more work than is allowed.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The password is not the right one.
    #[error("wrong password")]
    WrongPassword {
        /// Whether a MAC said so; without one, damage looks the same.
        mac: bool,
    },
    /// The password opens the file, but a key in it has another one.
    #[error("the private key has another password than the file around it")]
    KeyPassword,
}

fn unsupported(part: &'static str) -> impl Fn(SchemeError) -> Pkcs12Error {
    move |error| match error {
        SchemeError::Malformed(malformed) => malformed.into(),
        SchemeError::Unsupported { name, oid } => Pkcs12Error::Unsupported { part, name, oid },
    }
}

/// What can be said of a file without its password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pkcs12Info {
    /// How the certificates are encrypted; `None` if they are not, or if there are none.
    pub certificate_encryption: Option<String>,
    /// How the keys are encrypted; `None` if they are not, are inside an encrypted part, or absent.
    pub key_encryption: Option<String>,
    /// The algorithm of the MAC.
    pub mac: Option<String>,
    /// The iteration count of the MAC; 1 where the field is absent (RFC 7292 section 4).
    pub mac_iterations: Option<u64>,
    /// The highest iteration count of the encryptions.
    pub iterations: Option<u64>,
}

/// One part of the authenticated safe.
enum Safe<'a> {
    Plain(Cow<'a, [u8]>),
    Encrypted(Scheme, Cow<'a, [u8]>),
}

/// A PKCS#12 file, parsed as far as it goes without a password.
pub(crate) struct Pfx<'a> {
    auth_safe: Cow<'a, [u8]>,
    mac: Option<Mac>,
}

impl<'a> Pfx<'a> {
    /// Whether `bytes` begin as a PFX does: a sequence whose first value is the version, 3.
    pub(crate) fn is_it(bytes: &[u8]) -> bool {
        let version = |content| -> Option<(Value<'_>, Value<'_>)> {
            let mut fields = BerReader::new(content, "PKCS#12");
            Some((fields.try_next().ok()??, fields.try_next().ok()??))
        };
        Value::parse_prefix(bytes)
            .filter(|(value, _)| value.is(Tag::Sequence))
            .and_then(|(value, _)| version(value.content()))
            .is_some_and(|(version, safe)| version.unsigned() == Ok(3) && safe.is(Tag::Sequence))
    }

    /// Reads the outer structure. Bytes after it are ignored.
    ///
    /// # Errors
    /// [`Pkcs12Error::Malformed`], or [`Pkcs12Error::Unsupported`] for another integrity than a MAC.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Pkcs12Error> {
        let (pfx, _) = Value::parse(bytes, "PKCS#12 file")?;
        let mut fields = pfx.reader("PKCS#12 file");
        fields.expect(Tag::Integer, "the version")?;
        let content = fields.expect(Tag::Sequence, "the authenticated safe")?;
        let mut content = content.reader("authenticated safe");
        let kind = content.required("its type")?.oid()?;
        if kind == SIGNED_DATA {
            let name = "a digital signature (signedData)";
            return Err(Pkcs12Error::Unsupported { part: "integrity protection", name, oid: kind.to_id_string() });
        }
        if kind != DATA {
            return Err(content.malformed("its content is not data").into());
        }
        let auth_safe = wrapped_octets(&mut content)?;
        let mac = fields.try_next()?.filter(|value| value.is(Tag::Sequence));
        let mac = mac.map(|value| Mac::parse(&value)).transpose().map_err(unsupported("MAC"))?;
        Ok(Self { auth_safe, mac })
    }

    fn safes(&self) -> Result<Vec<Safe<'_>>, Pkcs12Error> {
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
                return Err(Pkcs12Error::Unsupported { part: "encryption", name, oid: kind.to_id_string() });
            } else {
                return Err(content.malformed(format!("its type {kind} is unknown")).into());
            }
        }
        Ok(safes)
    }

    /// The algorithms, as far as they can be seen without the password.
    ///
    /// # Errors
    /// As [`Pfx::open`], but for the passwords.
    pub(crate) fn info(&self) -> Result<Pkcs12Info, Pkcs12Error> {
        let mut info = Pkcs12Info {
            mac: self.mac.as_ref().map(ToString::to_string),
            mac_iterations: self.mac.as_ref().map(Mac::iterations),
            ..Pkcs12Info::default()
        };
        for safe in self.safes()? {
            match safe {
                Safe::Encrypted(scheme, _) => {
                    info.iterations = info.iterations.max(Some(scheme.iterations()));
                    info.certificate_encryption.get_or_insert_with(|| scheme.to_string());
                }
                Safe::Plain(content) => {
                    for scheme in bag::parse_all(&content)?.iter().filter_map(RawBag::scheme) {
                        info.iterations = info.iterations.max(Some(scheme.iterations()));
                        info.key_encryption.get_or_insert_with(|| scheme.to_string());
                    }
                }
            }
        }
        Ok(info)
    }

    /// Checks the MAC and decrypts: all bags in the file's order, a nested safe before what it holds.
    ///
    /// `None` and the empty password are the same question: both encodings of "none" are tried.
    ///
    /// # Errors
    /// [`Pkcs12Error::WrongPassword`] and all the others.
    pub(crate) fn open(&self, password: Option<&Password>, limits: &Limits) -> Result<Vec<Bag>, Pkcs12Error> {
        // All that can be said to be unsupported or malformed is said before any password is judged.
        let safes = self.safes()?;
        self.info()?;
        let mut encodings = Encodings::of(password);
        if let Some(mac) = &self.mac {
            let fitting = mac.verify(&self.auth_safe, encodings, limits)?;
            encodings = fitting.ok_or(Pkcs12Error::WrongPassword { mac: true })?;
        }
        let wrong = Pkcs12Error::WrongPassword { mac: false };
        // Without a MAC, a part that decrypts is the proof that the password is right.
        let mut is_proven = self.mac.is_some();
        let mut bags = Vec::new();
        for safe in safes {
            let content = match safe {
                Safe::Plain(content) => zeroize::Zeroizing::new(content.into_owned()),
                Safe::Encrypted(scheme, ciphertext) => {
                    let plain = scheme.decrypt(&encodings, &ciphertext, limits, |plain| {
                        let (value, rest) = Value::parse(&plain, "safe").ok()?;
                        (value.is(Tag::Sequence) && rest.is_empty()).then_some(())?;
                        Some(plain)
                    })?;
                    is_proven |= plain.is_some();
                    plain.ok_or_else(|| self.undecryptable(&wrong))?
                }
            };
            for raw in bag::parse_all(&content)? {
                let key_error = if is_proven { &Pkcs12Error::KeyPassword } else { &wrong };
                bags.push(raw.open(&encodings, limits)?.ok_or_else(|| key_error.clone())?);
            }
        }
        Ok(bags)
    }

    fn undecryptable(&self, wrong: &Pkcs12Error) -> Pkcs12Error {
        match self.mac {
            Some(_) => Malformed::new("encrypted part", "does not decrypt although the password is right").into(),
            None => wrong.clone(),
        }
    }
}

/// The octets in `[0] EXPLICIT OCTET STRING`, the next value of `content`.
fn wrapped_octets<'a>(content: &mut BerReader<'a>) -> Result<Cow<'a, [u8]>, Malformed> {
    let wrapped = content.expect_context(0, "its content")?;
    wrapped.reader("content").expect(Tag::OctetString, "the octet string")?.octets()
}

/// EncryptedData (RFC 2315 section 13).
fn encrypted_safe<'a>(content: &mut BerReader<'a>) -> Result<Safe<'a>, Pkcs12Error> {
    let wrapped = content.expect_context(0, "its content")?;
    let data = wrapped.reader("encrypted safe").expect(Tag::Sequence, "the encrypted data")?;
    let mut data = data.reader("encrypted safe");
    data.expect(Tag::Integer, "the version")?;
    let mut info = data.expect(Tag::Sequence, "the encrypted content")?.reader("encrypted safe");
    info.required("the content type")?.oid()?;
    let algorithm = info.expect(Tag::Sequence, "the algorithm")?;
    let scheme = Scheme::parse(&algorithm).map_err(unsupported("encryption of the certificates"))?;
    let ciphertext = info.expect_context(0, "the encrypted bytes")?.octets()?;
    Ok(Safe::Encrypted(scheme, ciphertext))
}
