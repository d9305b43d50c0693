//! The MAC over a PKCS#12 file: RFC 7292 section 4 and PBMAC1 (RFC 9579).

use std::fmt;

use pkcs12::kdf::Pkcs12KeyType;
use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::Value;
use crate::crypto::digest::Hash;
use crate::crypto::pbe::{Pbkdf2, SchemeError};
use crate::limits::Limits;
use crate::pkcs12::Pkcs12Error;
use crate::secret::Encodings;

const PBMAC1: Oid<'static> = oid!(1.2.840.113549.1.5.14);

/// MacData: how the key is derived, and the value to compare with.
pub(super) struct Mac {
    derivation: Derivation,
    hash: Hash,
    value: Vec<u8>,
}

enum Derivation {
    Pkcs12 { salt: Vec<u8>, iterations: u64 },
    Pbmac1(Pbkdf2),
}

impl Mac {
    /// Reads MacData; the iteration count is 1 where it is absent, as Keychain may write it.
    pub(super) fn parse(mac_data: &Value<'_>) -> Result<Self, SchemeError> {
        let mut fields = mac_data.reader("MAC");
        let mut digest_info = fields.expect(Tag::Sequence, "the digest")?.reader("MAC");
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let iterations = fields.try_next()?.map_or(Ok(1), |value| value.unsigned())?;
        let mut algorithm = digest_info.expect(Tag::Sequence, "the algorithm")?.reader("MAC algorithm");
        let value = digest_info.expect(Tag::OctetString, "the value")?.octets()?.into_owned();
        let oid = algorithm.required("its identifier")?.oid()?;
        if oid == PBMAC1 {
            let mut parameters = algorithm.expect(Tag::Sequence, "its parameters")?.reader("PBMAC1 parameters");
            let pbkdf2 = Pbkdf2::parse(&parameters.expect(Tag::Sequence, "the key derivation")?)?;
            let scheme = parameters.expect(Tag::Sequence, "the message authentication")?;
            let hmac = scheme.reader("PBMAC1 parameters").required("its identifier")?.oid()?;
            let hash = Hash::of_hmac(&hmac).ok_or_else(|| SchemeError::unsupported(&hmac))?;
            return Ok(Self { derivation: Derivation::Pbmac1(pbkdf2), hash, value });
        }
        let hash = Hash::of_digest(&oid).ok_or_else(|| SchemeError::unsupported(&oid))?;
        Ok(Self { derivation: Derivation::Pkcs12 { salt, iterations }, hash, value })
    }

    pub(super) fn iterations(&self) -> u64 {
        match &self.derivation {
            Derivation::Pkcs12 { iterations, .. } => *iterations,
            Derivation::Pbmac1(pbkdf2) => pbkdf2.iterations,
        }
    }

    /// As [`Kdf::work`](crate::crypto::pbe::Kdf::work).
    fn work(&self) -> u64 {
        match &self.derivation {
            Derivation::Pkcs12 { iterations, .. } => *iterations,
            Derivation::Pbmac1(pbkdf2) => pbkdf2.work(),
        }
    }

    /// Finds the encoding of the password that the MAC was made with, and returns the encodings that
    /// are left to try for what it covers; `None` when no encoding fits.
    pub(super) fn verify(
        &self,
        content: &[u8],
        mut encodings: Encodings,
        limits: &Limits,
    ) -> Result<Option<Encodings>, Pkcs12Error> {
        let candidates = match self.derivation {
            Derivation::Pkcs12 { .. } => &mut encodings.wide,
            Derivation::Pbmac1(_) => &mut encodings.narrow,
        };
        for (index, candidate) in candidates.iter().enumerate() {
            limits.charge(self.work(), 0)?;
            let key = match &self.derivation {
                Derivation::Pkcs12 { salt, iterations } => {
                    self.hash.pkcs12_kdf(candidate, salt, Pkcs12KeyType::Mac, *iterations, self.hash.length())
                }
                Derivation::Pbmac1(pbkdf2) => {
                    let length = pbkdf2.key_length.map_or(self.hash.length(), |n| usize::try_from(n).unwrap_or(0));
                    // RFC 9579 section 5 asks for at least 20; no hash needs more than its block.
                    if (20..=128).contains(&length) { pbkdf2.derive(candidate, length) } else { None }
                }
            };
            if key.is_some_and(|key| self.hash.hmac_verifies(&key, content, &self.value)) {
                candidates.swap(0, index);
                candidates.truncate(1);
                return Ok(Some(encodings));
            }
        }
        Ok(None)
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.derivation {
            Derivation::Pkcs12 { .. } => write!(f, "HMAC-{}", self.hash),
            Derivation::Pbmac1(pbkdf2) => write!(f, "PBMAC1 (PBKDF2 with HMAC-{}, HMAC-{})", pbkdf2.prf, self.hash),
        }
    }
}
