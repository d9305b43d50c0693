//! The hashes that key derivations and MACs are built on, chosen at run time.

use std::fmt;

use hmac::{Hmac, Mac};
use pkcs12::kdf::Pkcs12KeyType;
use x509_parser::asn1_rs::{Oid, oid};
use zeroize::Zeroizing;

/// A hash of the SHA family (FIPS 180-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// Hash, its own object identifier, that of HMAC with it (RFC 8018 appendix B.1), name, output bytes.
static HASHES: [(Hash, Oid<'static>, Oid<'static>, &str, usize); 5] = [
    (Hash::Sha1, oid!(1.3.14.3.2.26), oid!(1.2.840.113549.2.7), "SHA1", 20),
    (Hash::Sha224, oid!(2.16.840.1.101.3.4.2.4), oid!(1.2.840.113549.2.8), "SHA224", 28),
    (Hash::Sha256, oid!(2.16.840.1.101.3.4.2.1), oid!(1.2.840.113549.2.9), "SHA256", 32),
    (Hash::Sha384, oid!(2.16.840.1.101.3.4.2.2), oid!(1.2.840.113549.2.10), "SHA384", 48),
    (Hash::Sha512, oid!(2.16.840.1.101.3.4.2.3), oid!(1.2.840.113549.2.11), "SHA512", 64),
];

/// Evaluates `$body` with `$D` standing for the hash type.
macro_rules! with_hash {
    ($hash:expr, $D:ident => $body:expr) => {
        match $hash {
            Hash::Sha1 => {
                type $D = sha1::Sha1;
                $body
            }
            Hash::Sha224 => {
                type $D = sha2::Sha224;
                $body
            }
            Hash::Sha256 => {
                type $D = sha2::Sha256;
                $body
            }
            Hash::Sha384 => {
                type $D = sha2::Sha384;
                $body
            }
            Hash::Sha512 => {
                type $D = sha2::Sha512;
                $body
            }
        }
    };
}

impl Hash {
    /// The hash with this object identifier.
    pub(crate) fn of_digest(oid: &Oid<'_>) -> Option<Self> {
        HASHES.iter().find(|(_, digest, ..)| digest == oid).map(|(hash, ..)| *hash)
    }

    /// The hash of the HMAC with this object identifier.
    pub(crate) fn of_hmac(oid: &Oid<'_>) -> Option<Self> {
        HASHES.iter().find(|(_, _, hmac, ..)| hmac == oid).map(|(hash, ..)| *hash)
    }

    /// The length of its output in bytes.
    pub(crate) fn length(self) -> usize {
        HASHES.iter().find(|(hash, ..)| *hash == self).map_or(0, |(.., length)| *length)
    }

    /// HMAC(key, data) (RFC 2104).
    pub(crate) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length: there is no error to come.
        with_hash!(self, D => {
            Hmac::<D>::new_from_slice(key)
                .map(|mac| mac.chain_update(data).finalize().into_bytes().to_vec())
                .unwrap_or_default()
        })
    }

    /// Compares HMAC(key, data) with `tag` in constant time.
    pub(crate) fn hmac_verifies(self, key: &[u8], data: &[u8], tag: &[u8]) -> bool {
        with_hash!(self, D => {
            Hmac::<D>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(data).verify_slice(tag).is_ok())
        })
    }

    /// The KDF of RFC 7292 appendix B. `None` where the count does not fit an `i32`.
    pub(crate) fn pkcs12_kdf(
        self,
        password: &[u8],
        salt: &[u8],
        id: Pkcs12KeyType,
        iterations: u64,
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let rounds = i32::try_from(iterations).ok()?;
        Some(Zeroizing::new(with_hash!(self, D => pkcs12::kdf::derive_key::<D>(password, salt, id, rounds, length))))
    }

    /// PBKDF2 (RFC 8018 section 5.2) with HMAC of this hash. `None` where the count does not fit.
    pub(crate) fn pbkdf2(
        self,
        password: &[u8],
        salt: &[u8],
        iterations: u64,
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let rounds = u32::try_from(iterations).ok()?;
        let mut key = Zeroizing::new(vec![0; length]);
        with_hash!(self, D => pbkdf2::pbkdf2_hmac::<D>(password, salt, rounds, &mut key));
        Some(key)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HASHES.iter().find(|(hash, ..)| hash == self).map_or("", |(.., name, _)| name))
    }
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(data: &[u8]) -> String {
    use sha2::Digest;
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(data))
}

/// SHA-1, for key identifiers.
pub(crate) fn sha1(data: &[u8]) -> Vec<u8> {
    use sha1::Digest;
    sha1::Sha1::digest(data).to_vec()
}

/// SHA-1 in lower-case hex: for fingerprints that people compare, not for security.
pub(crate) fn sha1_hex(data: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&sha1(data))
}
