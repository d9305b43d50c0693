//! Hashes, chosen at run time, and HMAC and PBKDF2 with them. They come from RustCrypto.

use std::fmt;

use hmac::digest::Digest;
use hmac::{Hmac, Mac};
use x509_parser::asn1_rs::{Oid, oid};
use zeroize::Zeroizing;

use crate::secret;

/// A hash of the SHA family (FIPS 180-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

struct HashFacts {
    hash: Hash,
    oid: Oid<'static>,
    /// HMAC with this hash (RFC 8018 appendix B.1).
    hmac: Oid<'static>,
    name: &'static str,
}

/// In the order of [`enum@Hash`].
static HASHES: [HashFacts; 5] = [
    HashFacts { hash: Hash::Sha1, oid: oid!(1.3.14.3.2.26), hmac: oid!(1.2.840.113549.2.7), name: "SHA1" },
    HashFacts { hash: Hash::Sha224, oid: oid!(2.16.840.1.101.3.4.2.4), hmac: oid!(1.2.840.113549.2.8), name: "SHA224" },
    HashFacts { hash: Hash::Sha256, oid: oid!(2.16.840.1.101.3.4.2.1), hmac: oid!(1.2.840.113549.2.9), name: "SHA256" },
    HashFacts {
        hash: Hash::Sha384,
        oid: oid!(2.16.840.1.101.3.4.2.2),
        hmac: oid!(1.2.840.113549.2.10),
        name: "SHA384",
    },
    HashFacts {
        hash: Hash::Sha512,
        oid: oid!(2.16.840.1.101.3.4.2.3),
        hmac: oid!(1.2.840.113549.2.11),
        name: "SHA512",
    },
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
pub(super) use with_hash;

impl Hash {
    /// Finds the hash with this object identifier.
    pub(crate) fn from_oid(oid: &Oid<'_>) -> Option<Self> {
        let facts = HASHES.iter().find(|facts| facts.oid == *oid)?;
        Some(facts.hash)
    }

    /// Finds the hash whose HMAC has this object identifier.
    pub(crate) fn from_hmac_oid(oid: &Oid<'_>) -> Option<Self> {
        let facts = HASHES.iter().find(|facts| facts.hmac == *oid)?;
        Some(facts.hash)
    }

    fn facts(self) -> &'static HashFacts {
        &HASHES[self as usize]
    }

    /// Returns the length of the output in bytes.
    pub(crate) fn length(self) -> usize {
        with_hash!(self, D => <D as Digest>::output_size())
    }

    /// Returns HMAC(key, data) (RFC 2104).
    pub(crate) fn hmac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        with_hash!(self, D => match Hmac::<D>::new_from_slice(key) {
            Ok(mac) => mac.chain_update(data).finalize().into_bytes().to_vec(),
            // Never happens: HMAC takes keys of any length.
            Err(_) => Vec::new(),
        })
    }

    /// Compares HMAC(key, data) with `tag` in constant time.
    pub(crate) fn hmac_verifies(self, key: &[u8], data: &[u8], tag: &[u8]) -> bool {
        with_hash!(self, D => match Hmac::<D>::new_from_slice(key) {
            Ok(mac) => mac.chain_update(data).verify_slice(tag).is_ok(),
            Err(_) => false,
        })
    }

    /// Derives a key with PBKDF2 (RFC 8018 section 5.2) and the HMAC of this hash.
    pub(crate) fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::new(vec![0; length]);
        with_hash!(self, D => pbkdf2::pbkdf2_hmac::<D>(password, salt, iterations, &mut key));
        secret::wipe_stack();
        key
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)
    }
}

/// Returns SHA-256 in lower-case hex.
pub(crate) fn sha256_hex(data: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(data))
}

/// Returns SHA-1, for key identifiers.
pub(crate) fn sha1(data: &[u8]) -> Vec<u8> {
    sha1::Sha1::digest(data).to_vec()
}

/// Returns SHA-1 in lower-case hex: for fingerprints that people compare, not for security.
pub(crate) fn sha1_hex(data: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&sha1(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (index, facts) in HASHES.iter().enumerate() {
            assert_eq!(facts.hash as usize, index);
        }
    }
}
