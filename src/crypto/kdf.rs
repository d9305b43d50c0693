//! Key derivations, with the parameters that a file gives them.

use std::fmt;
use std::num::TryFromIntError;

use pkcs12::kdf::derive_key;
// The use of derived bytes (the ID of RFC 7292 appendix B.3).
pub(crate) use pkcs12::kdf::Pkcs12KeyType as DerivedFor;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{BerReader, Malformed, Value};
use crate::crypto::DecodeError;
use crate::crypto::digest::{Hash, with_hash};
use crate::limits::work_over;
use crate::secret::{self, PasswordEncodings};

const PBKDF2: Oid<'static> = oid!(1.2.840.113549.1.5.12);
const SCRYPT: Oid<'static> = oid!(1.3.6.1.4.1.11591.4.11);

/// A key derivation with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kdf {
    Pkcs12(Pkcs12Kdf),
    Pbkdf1(Pbkdf1),
    Pbkdf2(Pbkdf2),
    Scrypt(Scrypt),
}

/// The derivation of RFC 7292 appendix B, with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pkcs12Kdf {
    pub(crate) hash: Hash,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u64,
}

/// PBKDF1 as PBES1 has it: it derives 16 bytes, the key and then the vector (RFC 8018 sections 5.1 and 6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pbkdf1 {
    pub(crate) hash: Hash,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u64,
}

/// The parameters of PBKDF2 (RFC 8018 appendix A.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pbkdf2 {
    salt: Vec<u8>,
    iterations: u64,
    /// Of the key, in bytes, where the file says it.
    pub(crate) key_length: Option<u64>,
    /// The hash of the HMAC.
    prf: Hash,
}

/// The parameters of scrypt (RFC 7914).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scrypt {
    salt: Vec<u8>,
    /// The logarithm of the cost N to the base 2.
    log_n: u8,
    /// The block size.
    r: u32,
    /// The parallelization.
    p: u32,
    /// Of the key, in bytes, where the file says it.
    key_length: Option<u64>,
}

/// The longest derived key that is believed, in bytes. No cipher and no HMAC needs more.
pub(crate) const MAX_KEY_LENGTH: u64 = 1024;

impl Kdf {
    /// Reads the AlgorithmIdentifier of a key derivation; `part` is what uses it.
    pub(crate) fn parse(algorithm: &Value<'_>, part: &'static str) -> Result<Self, DecodeError> {
        let mut fields = algorithm.reader("key derivation");
        let identifier = fields.required("its identifier")?.oid()?;
        if identifier == PBKDF2 {
            let parameters = fields.expect(Tag::Sequence, "its parameters")?;
            return Ok(Self::Pbkdf2(Pbkdf2::parse_parameters(&parameters, part)?));
        }
        if identifier == SCRYPT {
            let parameters = fields.expect(Tag::Sequence, "its parameters")?;
            return Ok(Self::Scrypt(Scrypt::parse_parameters(&parameters)?));
        }
        Err(DecodeError::unsupported(part, &identifier))
    }

    /// Reads the AlgorithmIdentifier of the key derivation of PBMAC1, which is always PBKDF2 (RFC 9579).
    pub(crate) fn parse_for_mac(algorithm: &Value<'_>, part: &'static str) -> Result<Pbkdf2, DecodeError> {
        match Self::parse(algorithm, part)? {
            Self::Pbkdf2(pbkdf2) => Ok(pbkdf2),
            Self::Pkcs12(_) | Self::Pbkdf1(_) | Self::Scrypt(_) => Err(DecodeError::unsupported(part, &SCRYPT)),
        }
    }

    /// Returns the length of the key, in bytes, where the file says it.
    pub(crate) fn key_length(&self) -> Option<u64> {
        match self {
            Self::Pkcs12(_) | Self::Pbkdf1(_) => None,
            Self::Pbkdf2(kdf) => kdf.key_length,
            Self::Scrypt(kdf) => kdf.key_length,
        }
    }

    /// Returns how often the inner function is repeated; for scrypt the calls of its block function.
    pub(crate) fn iterations(&self) -> u64 {
        match self {
            Self::Pkcs12(kdf) => kdf.iterations,
            Self::Pbkdf1(kdf) => kdf.iterations,
            Self::Pbkdf2(kdf) => kdf.iterations,
            Self::Scrypt(kdf) => kdf.cost().saturating_mul(kdf.r.into()).saturating_mul(kdf.p.into()),
        }
    }

    /// Returns how often a hash, or scrypt's block function, is called to derive `length` bytes: what
    /// [`Limits`](crate::limits::Limits) are charged. Each block of output repeats all iterations, and an iteration
    /// of PBKDF2 calls its hash twice, for HMAC does.
    pub(crate) fn work(&self, length: usize) -> u64 {
        let (iterations, blocks) = match self {
            Self::Pkcs12(kdf) => (kdf.iterations, length.div_ceil(kdf.hash.length())),
            Self::Pbkdf2(kdf) => (kdf.iterations.saturating_mul(2), length.div_ceil(kdf.prf.length())),
            Self::Pbkdf1(_) | Self::Scrypt(_) => (self.iterations(), 1),
        };
        let blocks = u64::try_from(blocks).unwrap_or(u64::MAX);
        iterations.saturating_add(work_over(self.salt().len())).saturating_mul(blocks)
    }

    fn salt(&self) -> &[u8] {
        match self {
            Self::Pkcs12(kdf) => &kdf.salt,
            Self::Pbkdf1(kdf) => &kdf.salt,
            Self::Pbkdf2(kdf) => &kdf.salt,
            Self::Scrypt(kdf) => &kdf.salt,
        }
    }

    /// Returns the memory that it needs, in bytes, beyond a few blocks (RFC 7914 section 2).
    pub(crate) fn memory(&self) -> u64 {
        match self {
            Self::Scrypt(kdf) => {
                kdf.cost().saturating_add(kdf.p.into()).saturating_mul(kdf.r.into()).saturating_mul(128)
            }
            Self::Pkcs12(_) | Self::Pbkdf1(_) | Self::Pbkdf2(_) => 0,
        }
    }

    /// Returns the encodings of a password that this derivation may take.
    pub(crate) fn encodings<'a>(&self, password: &'a PasswordEncodings) -> &'a [Zeroizing<Vec<u8>>] {
        match self {
            Self::Pkcs12(_) => &password.bmp,
            Self::Pbkdf1(_) | Self::Pbkdf2(_) | Self::Scrypt(_) => &password.raw,
        }
    }

    /// Derives `length` bytes, or returns `None` where the parameters do not allow it.
    pub(crate) fn derive(&self, password: &[u8], purpose: DerivedFor, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Pkcs12(kdf) => kdf.derive(password, purpose, length).ok(),
            Self::Pbkdf1(kdf) => kdf.derive(password, length),
            Self::Pbkdf2(kdf) => kdf.derive(password, length),
            Self::Scrypt(kdf) => kdf.derive(password, length),
        }
    }
}

impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pkcs12(kdf) => write!(f, "PKCS#12 KDF with {}", kdf.hash),
            Self::Pbkdf1(kdf) => write!(f, "PBKDF1 with {}", kdf.hash),
            Self::Pbkdf2(kdf) => write!(f, "PBKDF2 with HMAC-{}", kdf.prf),
            Self::Scrypt(kdf) => write!(f, "scrypt N=2^{} r={} p={}", kdf.log_n, kdf.r, kdf.p),
        }
    }
}

impl Pkcs12Kdf {
    /// Derives `length` bytes.
    ///
    /// # Errors
    /// When there are more iterations than an `i32` can count.
    pub(crate) fn derive(
        &self,
        password: &[u8],
        purpose: DerivedFor,
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, TryFromIntError> {
        let rounds = i32::try_from(self.iterations)?;
        let key = with_hash!(self.hash, D => derive_key::<D>(password, &self.salt, purpose, rounds, length));
        secret::wipe_stack();
        Ok(Zeroizing::new(key))
    }
}

impl Pbkdf1 {
    /// Derives all bytes that there are.
    pub(crate) fn digest(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        self.hash.pbkdf1(password, &self.salt, self.iterations)
    }

    /// Derives a key of this length.
    fn derive(&self, password: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let mut derived = self.digest(password);
        derived.truncate(length);
        (derived.len() == length).then_some(derived)
    }

    /// Returns the vectors that may follow the key in the derived bytes: those after its 8, and the last, which NSS takes
    /// (`nsspkcs5_ComputeKeyAndIV`). Of MD5 they are the same.
    pub(crate) fn vectors<'a>(&self, digest: &'a [u8], length: usize) -> Vec<&'a [u8]> {
        let mut vectors = Vec::new();
        vectors.extend(digest.get(8..8 + length));
        if self.hash == Hash::Sha1 {
            vectors.extend(digest.last_chunk::<8>().map(|last| &last[..]));
        }
        vectors
    }
}

impl Pbkdf2 {
    fn parse_parameters(parameters: &Value<'_>, part: &'static str) -> Result<Self, DecodeError> {
        let mut fields = parameters.reader("PBKDF2 parameters");
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let iterations = fields.required("the iteration count")?.unsigned()?;
        let mut next = fields.try_next()?;
        let mut key_length = None;
        if let Some(length) = next
            && length.is(Tag::Integer)
        {
            key_length = Some(length.unsigned()?);
            next = fields.try_next()?;
        }
        let prf = match next {
            None => Hash::Sha1,
            Some(algorithm) => parse_hmac(&mut algorithm.reader("PBKDF2 hash"), part)?,
        };
        Ok(Self { salt, iterations, key_length, prf })
    }

    fn derive(&self, password: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let iterations = u32::try_from(self.iterations).ok()?;
        Some(self.prf.pbkdf2(password, &self.salt, iterations, length))
    }
}

/// Reads the identifier of an HMAC, which `part` uses.
pub(crate) fn parse_hmac(algorithm: &mut BerReader<'_>, part: &'static str) -> Result<Hash, DecodeError> {
    let identifier = algorithm.required("its identifier")?.oid()?;
    match Hash::from_hmac_oid(&identifier) {
        Some(hash) => Ok(hash),
        None => Err(DecodeError::unsupported(part, &identifier)),
    }
}

impl Scrypt {
    fn parse_parameters(parameters: &Value<'_>) -> Result<Self, Malformed> {
        let mut fields = parameters.reader("scrypt parameters");
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let n = fields.required("the cost")?.unsigned()?;
        let r = u32::try_from(fields.required("the block size")?.unsigned()?).unwrap_or(u32::MAX);
        let p = u32::try_from(fields.required("the parallelization")?.unsigned()?).unwrap_or(u32::MAX);
        if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
            return Err(fields.malformed("the cost is not a power of two, or a factor is zero"));
        }
        let key_length = match fields.try_next()? {
            Some(length) => Some(length.unsigned()?),
            None => None,
        };
        let log_n = u8::try_from(n.trailing_zeros()).unwrap_or(u8::MAX);
        Ok(Self { salt, log_n, r, p, key_length })
    }

    fn cost(&self) -> u64 {
        1u64 << self.log_n.min(63)
    }

    fn derive(&self, password: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let parameters = scrypt::Params::new(self.log_n, self.r, self.p, length).ok()?;
        let mut key = Zeroizing::new(vec![0; length]);
        scrypt::scrypt(password, &self.salt, &parameters, &mut key).ok()?;
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of OpenSSL's `PKCS12_key_gen_utf8`.
    #[test]
    fn nss_takes_the_vector_from_the_end_of_the_digest() {
        let kdf = Pbkdf1 { hash: Hash::Sha1, salt: b"saltsalt".to_vec(), iterations: 1 };
        // sha1sum of "changeitsaltsalt".
        let expected = data_encoding::HEXLOWER.decode(b"096d36029b1038f1eae78aafb2e859e395361e6a").unwrap();
        let digest = kdf.digest(b"changeit");
        assert_eq!(*digest, expected);
        assert_eq!(kdf.vectors(&digest, 8), [&expected[8..16], &expected[12..]]);
        let md5 = Pbkdf1 { hash: Hash::Md5, salt: b"saltsalt".to_vec(), iterations: 1 };
        assert_eq!(md5.vectors(&md5.digest(b"changeit"), 8).len(), 1);
    }

    #[test]
    fn the_kdf_of_pkcs12_derives_what_openssl_derives() {
        use DerivedFor::{EncryptionKey as Key, Iv, Mac};
        let password = crate::secret::Password::new("ge@äheim".into());
        let password = &PasswordEncodings::of(Some(&password)).bmp[0];
        let long = "2b95a0569b63f641fae1efca32e84db3699ab74540628ba66283b58cf5400527d8d0ebe2ccbf768c51c4d8fbd1bb156be06c\
                    1c59cbb69e44052ffc37376fdb47b2de7f9e543de9d096d8e5474b220410ff1c5d8bb7e5bc0f61baeaa12fd0da1d7a970172";
        for (hash, iterations, purpose, expected) in [
            (Hash::Sha256, 100, Key, "fae4d4957a3cc781e1180b9d4fb79c1e0c8579b746a3177e5b0768a3118bf863"),
            (Hash::Sha256, 100, Iv, "e5ff813bc6547de5155b14d2fada85b3201a9773"),
            (Hash::Sha256, 1000, Mac, "3f9113f05c30a996c4a516409bdac9d065f44296ccd52bb75de3fcfdbe2bf130"),
            (Hash::Sha256, 1000, Key, long),
            (Hash::Sha512, 100, Key, "b14a9f01bfd9dce4c9d66d2fe9937e5fd9f1afa59e370a6fa4fc81c1cc8ec8ee"),
            (Hash::Md5, 100, Key, "4765c09ce1d809fa8317e8c53ad6f619b2292463b9974231ecb1326a7bb7ee9e95477f3ed92c962d"),
            (
                Hash::Sha3_256,
                100,
                Key,
                "94e9b0e2d426673cc5c4d9f6676c63d1d94b995c28b1db074cd26319e2b0d604fce913b662115cb3",
            ),
            (
                Hash::Sha3_512,
                100,
                Key,
                "7970b8e10c2926ae6732e02e66a802c553ce7fe5298324a8cac344495e7542c6d504e8047517c63f",
            ),
            (
                Hash::Sha512_224,
                100,
                Key,
                "7acea0dfcce50f99c3892cee3288b35a15f18c8d719e37185ec56ee771e0c5747b90becfd482f6c3",
            ),
        ] {
            let kdf = Pkcs12Kdf { hash, salt: (1..=8).collect(), iterations };
            let key = kdf.derive(password, purpose, expected.len() / 2).unwrap();
            assert_eq!(data_encoding::HEXLOWER.encode(&key), expected);
        }
    }

    #[test]
    fn the_work_grows_with_the_output_and_the_salt() {
        let pbkdf2 = |salt: usize| {
            Kdf::Pbkdf2(Pbkdf2 { salt: vec![0; salt], iterations: 1000, key_length: None, prf: Hash::Sha1 })
        };
        assert_eq!(pbkdf2(8).work(20), 2000);
        assert_eq!(pbkdf2(8).work(32), 4000);
        assert_eq!(pbkdf2(8).work(1024), 104_000);
        assert_eq!(pbkdf2(1 << 20).work(20), 2000 + (1 << 14));
        let pkcs12 = Kdf::Pkcs12(Pkcs12Kdf { hash: Hash::Sha1, salt: vec![0; 8], iterations: 1000 });
        assert_eq!(pkcs12.work(24), 2000);
    }
}
