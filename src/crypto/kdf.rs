//! Key derivations, with the parameters that a file gives them.

use std::fmt;

use pkcs12::kdf::Pkcs12KeyType;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::Value;
use crate::crypto::digest::Hash;
use crate::crypto::pbe::SchemeError;

const PBKDF2: Oid<'static> = oid!(1.2.840.113549.1.5.12);
const SCRYPT: Oid<'static> = oid!(1.3.6.1.4.1.11591.4.11);

/// A key derivation with its parameters; iterations are counted per derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kdf {
    /// RFC 7292 appendix B, with SHA-1.
    Pkcs12 {
        /// The salt.
        salt: Vec<u8>,
        /// The iteration count.
        iterations: u64,
    },
    /// RFC 8018 section 5.2.
    Pbkdf2(Pbkdf2),
    /// RFC 7914; the cost N is 2 to the power of `log_n`.
    Scrypt {
        /// The salt.
        salt: Vec<u8>,
        /// The logarithm of the cost.
        log_n: u8,
        /// The block size.
        r: u32,
        /// The parallelization.
        p: u32,
    },
}

/// The parameters of PBKDF2 (RFC 8018 appendix A.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pbkdf2 {
    salt: Vec<u8>,
    /// The iteration count.
    pub(crate) iterations: u64,
    /// The length of the key in bytes, where it is said.
    pub(crate) key_length: Option<u64>,
    /// The hash of the HMAC.
    pub(crate) prf: Hash,
}

/// What derived bytes are for (the ID of RFC 7292 appendix B.3).
#[derive(Debug, Clone, Copy)]
pub(crate) enum DerivedFor {
    Key,
    Iv,
}

impl Kdf {
    /// Reads the AlgorithmIdentifier of a key derivation for PBES2 or PBMAC1.
    pub(crate) fn parse(algorithm: &Value<'_>) -> Result<Self, SchemeError> {
        let mut fields = algorithm.reader("key derivation");
        let oid = fields.required("its identifier")?.oid()?;
        if oid == PBKDF2 {
            return Ok(Self::Pbkdf2(Pbkdf2::parse_parameters(&fields.expect(Tag::Sequence, "its parameters")?)?));
        }
        if oid != SCRYPT {
            return Err(SchemeError::unsupported(&oid));
        }
        let mut fields = fields.expect(Tag::Sequence, "its parameters")?.reader("scrypt parameters");
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let n = fields.required("the cost")?.unsigned()?;
        let r = u32::try_from(fields.required("the block size")?.unsigned()?).unwrap_or(u32::MAX);
        let p = u32::try_from(fields.required("the parallelization")?.unsigned()?).unwrap_or(u32::MAX);
        if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
            return Err(fields.malformed("the cost is not a power of two, or a factor is zero").into());
        }
        let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
        Ok(Self::Scrypt { salt, log_n, r, p })
    }

    /// How often its inner function is repeated; for scrypt the calls of its block function.
    pub(crate) fn iterations(&self) -> u64 {
        match self {
            Self::Pkcs12 { iterations, .. } | Self::Pbkdf2(Pbkdf2 { iterations, .. }) => *iterations,
            Self::Scrypt { log_n, r, p, .. } => {
                (1u64 << (*log_n).min(63)).saturating_mul(u64::from(*r)).saturating_mul(u64::from(*p))
            }
        }
    }

    /// How often a hash is called, or scrypt's block function: what [`Limits`](crate::limits::Limits)
    /// are charged. Each iteration of PBKDF2 calls its hash twice, for HMAC does.
    pub(crate) fn work(&self) -> u64 {
        match self {
            Self::Pbkdf2(pbkdf2) => pbkdf2.work(),
            Self::Pkcs12 { .. } | Self::Scrypt { .. } => self.iterations(),
        }
    }

    /// The memory it needs, in bytes, beyond a few blocks (RFC 7914 section 2).
    pub(crate) fn memory(&self) -> u64 {
        match self {
            Self::Scrypt { log_n, r, p, .. } => {
                let blocks = (1u64 << (*log_n).min(63)).saturating_add(u64::from(*p));
                blocks.saturating_mul(u64::from(*r)).saturating_mul(128)
            }
            Self::Pkcs12 { .. } | Self::Pbkdf2(_) => 0,
        }
    }

    /// Derives `length` bytes, or `None` where the parameters do not allow it.
    pub(crate) fn derive(&self, password: &[u8], purpose: DerivedFor, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Pkcs12 { salt, iterations } => {
                let id = match purpose {
                    DerivedFor::Key => Pkcs12KeyType::EncryptionKey,
                    DerivedFor::Iv => Pkcs12KeyType::Iv,
                };
                Hash::Sha1.pkcs12_kdf(password, salt, id, *iterations, length)
            }
            Self::Pbkdf2(pbkdf2) => pbkdf2.derive(password, length),
            Self::Scrypt { salt, log_n, r, p } => {
                let parameters = scrypt::Params::new(*log_n, *r, *p, length).ok()?;
                let mut key = Zeroizing::new(vec![0; length]);
                scrypt::scrypt(password, salt, &parameters, &mut key).ok()?;
                Some(key)
            }
        }
    }
}

impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pkcs12 { .. } => f.write_str("PKCS#12 KDF with SHA-1"),
            Self::Pbkdf2(Pbkdf2 { prf, .. }) => write!(f, "PBKDF2 with HMAC-{prf}"),
            Self::Scrypt { log_n, r, p, .. } => write!(f, "scrypt N=2^{log_n} r={r} p={p}"),
        }
    }
}

impl Pbkdf2 {
    /// Reads the AlgorithmIdentifier of PBKDF2, the only derivation that PBMAC1 may use (RFC 9579).
    ///
    /// # Errors
    /// When it is another derivation, or malformed.
    pub(crate) fn parse(algorithm: &Value<'_>) -> Result<Self, SchemeError> {
        match Kdf::parse(algorithm)? {
            Kdf::Pbkdf2(pbkdf2) => Ok(pbkdf2),
            Kdf::Pkcs12 { .. } | Kdf::Scrypt { .. } => Err(SchemeError::unsupported(&SCRYPT)),
        }
    }

    /// As [`Kdf::work`].
    pub(crate) fn work(&self) -> u64 {
        self.iterations.saturating_mul(2)
    }

    fn parse_parameters(parameters: &Value<'_>) -> Result<Self, SchemeError> {
        let mut fields = parameters.reader("PBKDF2 parameters");
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let iterations = fields.required("the iteration count")?.unsigned()?;
        let mut next = fields.try_next()?;
        let mut key_length = None;
        if let Some(length) = next.filter(|value| value.is(Tag::Integer)) {
            key_length = Some(length.unsigned()?);
            next = fields.try_next()?;
        }
        let prf = match next {
            None => Hash::Sha1,
            Some(algorithm) => {
                let oid = algorithm.reader("PBKDF2 hash").required("its identifier")?.oid()?;
                Hash::of_hmac(&oid).ok_or_else(|| SchemeError::unsupported(&oid))?
            }
        };
        Ok(Self { salt, iterations, key_length, prf })
    }

    /// Derives `length` bytes; `None` where the parameters say otherwise or the count does not fit.
    pub(crate) fn derive(&self, password: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        if self.key_length.is_some_and(|said| usize::try_from(said) != Ok(length)) {
            return None;
        }
        self.prf.pbkdf2(password, &self.salt, self.iterations, length)
    }
}
