//! The MAC over a PKCS#12 file: RFC 7292 section 4 and PBMAC1 (RFC 9579).

use std::fmt;

use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{BerReader, Malformed, Value};
use crate::crypto::DecodeError;
use crate::crypto::digest::Hash;
use crate::crypto::kdf::{DerivedFor, Kdf, MAX_KEY_LENGTH, Pkcs12Kdf, parse_hmac};
use crate::limits::{LimitError, Limits, work_over};
use crate::secret::PasswordEncodings;

const PBMAC1: Oid<'static> = oid!(1.2.840.113549.1.5.14);

/// The name of the MAC in messages.
const PART: &str = "MAC";

/// MacData: how the key is derived, and the value to compare with.
pub(super) struct Mac {
    kdf: Kdf,
    /// Of the key, in bytes.
    key_length: usize,
    hash: Hash,
    value: Vec<u8>,
}

impl Mac {
    /// Reads MacData. The iteration count is 1 where it is absent, as Keychain may write it.
    pub(super) fn parse(mac_data: &Value<'_>) -> Result<Self, DecodeError> {
        let mut fields = mac_data.reader(PART);
        let mut digest_info = fields.expect(Tag::Sequence, "the digest")?.reader(PART);
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let iterations = match fields.try_next()? {
            Some(count) => count.unsigned()?,
            None => 1,
        };
        let mut algorithm = digest_info.expect(Tag::Sequence, "the algorithm")?.reader("MAC algorithm");
        let value = digest_info.expect(Tag::OctetString, "the value")?.octets()?.into_owned();
        let identifier = algorithm.required("its identifier")?.oid()?;
        if identifier == PBMAC1 {
            return Self::parse_pbmac1(&mut algorithm, value);
        }
        let Some(hash) = Hash::from_oid(&identifier) else {
            return Err(DecodeError::unsupported(PART, &identifier));
        };
        Self::new(Kdf::Pkcs12(Pkcs12Kdf { hash, salt, iterations }), hash.length(), hash, value)
    }

    /// Reads the parameters of PBMAC1, which stand in the place of those of RFC 7292.
    fn parse_pbmac1(algorithm: &mut BerReader<'_>, value: Vec<u8>) -> Result<Self, DecodeError> {
        let mut parameters = algorithm.expect(Tag::Sequence, "its parameters")?.reader("PBMAC1 parameters");
        let pbkdf2 = Kdf::parse_for_mac(&parameters.expect(Tag::Sequence, "the key derivation")?, PART)?;
        let scheme = parameters.expect(Tag::Sequence, "the message authentication")?;
        let hash = parse_hmac(&mut scheme.reader("PBMAC1 parameters"), PART)?;
        // RFC 9579 sections 4 and 9 ask for it, and for 20 bytes at least.
        let Some(key_length) = pbkdf2.key_length else {
            return Err(parameters.malformed("the key length is missing").into());
        };
        match usize::try_from(key_length) {
            Ok(length) if (20..=MAX_KEY_LENGTH).contains(&key_length) => {
                Self::new(Kdf::Pbkdf2(pbkdf2), length, hash, value)
            }
            _ => {
                let problem = format!("the key length is not between 20 and {MAX_KEY_LENGTH} bytes");
                Err(parameters.malformed(problem).into())
            }
        }
    }

    fn new(kdf: Kdf, key_length: usize, hash: Hash, value: Vec<u8>) -> Result<Self, DecodeError> {
        if value.len() != hash.length() {
            return Err(Malformed::new(PART, "its value has the wrong length").into());
        }
        Ok(Self { kdf, key_length, hash, value })
    }

    pub(super) fn iterations(&self) -> u64 {
        self.kdf.iterations()
    }

    /// Finds the encoding of the password that the MAC was made with, and returns the encodings that
    /// are left to try for what it covers, or `None` if no encoding fits.
    pub(super) fn verify(
        &self,
        content: &[u8],
        password: &PasswordEncodings,
        limits: &Limits,
    ) -> Result<Option<PasswordEncodings>, LimitError> {
        for encoding in self.kdf.encodings(password) {
            let attempt = limits.attempt();
            limits.charge(self.kdf.work(self.key_length), self.kdf.memory())?;
            limits.charge(work_over(content.len()), 0)?;
            if self.verifies(content, encoding) {
                let fitting = vec![encoding.clone()];
                return Ok(Some(match self.kdf {
                    Kdf::Pkcs12(_) => PasswordEncodings { bmp: fitting, raw: password.raw.clone() },
                    Kdf::Pbkdf1(_) | Kdf::Pbkdf2(_) | Kdf::Scrypt(_) => {
                        PasswordEncodings { bmp: password.bmp.clone(), raw: fitting }
                    }
                }));
            }
            limits.record_failure(attempt);
        }
        Ok(None)
    }

    fn verifies(&self, content: &[u8], password: &Zeroizing<Vec<u8>>) -> bool {
        match self.kdf.derive(password, DerivedFor::Mac, self.key_length) {
            Some(key) => self.hash.hmac_verifies(&key, content, &self.value),
            None => false,
        }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kdf {
            Kdf::Pkcs12(_) => write!(f, "HMAC-{}", self.hash),
            kdf => write!(f, "PBMAC1 ({kdf}, HMAC-{})", self.hash),
        }
    }
}
