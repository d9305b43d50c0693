//! Hashes, chosen at run time, and HMAC and PBKDF2 with them. They come from RustCrypto.

use std::fmt;

use hmac::digest::Digest;
use hmac::{Hmac, Mac};
use x509_parser::asn1_rs::{Oid, oid};
use zeroize::Zeroizing;

use crate::secret;

/// A hash of the SHA families (FIPS 180-4, FIPS 202), or MD5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512_224,
    Sha512_256,
    Sha3_224,
    Sha3_256,
    Sha3_384,
    Sha3_512,
}

struct HashFacts {
    hash: Hash,
    oid: Oid<'static>,
    name: &'static str,
}

/// In the order of [`enum@Hash`].
static HASHES: [HashFacts; 12] = [
    HashFacts { hash: Hash::Md5, oid: oid!(1.2.840.113549.2.5), name: "MD5" },
    HashFacts { hash: Hash::Sha1, oid: oid!(1.3.14.3.2.26), name: "SHA1" },
    HashFacts { hash: Hash::Sha224, oid: oid!(2.16.840.1.101.3.4.2.4), name: "SHA224" },
    HashFacts { hash: Hash::Sha256, oid: oid!(2.16.840.1.101.3.4.2.1), name: "SHA256" },
    HashFacts { hash: Hash::Sha384, oid: oid!(2.16.840.1.101.3.4.2.2), name: "SHA384" },
    HashFacts { hash: Hash::Sha512, oid: oid!(2.16.840.1.101.3.4.2.3), name: "SHA512" },
    HashFacts { hash: Hash::Sha512_224, oid: oid!(2.16.840.1.101.3.4.2.5), name: "SHA512-224" },
    HashFacts { hash: Hash::Sha512_256, oid: oid!(2.16.840.1.101.3.4.2.6), name: "SHA512-256" },
    HashFacts { hash: Hash::Sha3_224, oid: oid!(2.16.840.1.101.3.4.2.7), name: "SHA3-224" },
    HashFacts { hash: Hash::Sha3_256, oid: oid!(2.16.840.1.101.3.4.2.8), name: "SHA3-256" },
    HashFacts { hash: Hash::Sha3_384, oid: oid!(2.16.840.1.101.3.4.2.9), name: "SHA3-384" },
    HashFacts { hash: Hash::Sha3_512, oid: oid!(2.16.840.1.101.3.4.2.10), name: "SHA3-512" },
];

struct HmacFacts {
    oid: Oid<'static>,
    hash: Hash,
}

/// HMAC with each hash: RFC 8018 appendix B.1, RFC 8619 for SHA-3, and the older names of RFC 1305 that OpenSSL takes.
static HMACS: [HmacFacts; 14] = [
    HmacFacts { oid: oid!(1.2.840.113549.2.6), hash: Hash::Md5 },
    HmacFacts { oid: oid!(1.3.6.1.5.5.8.1.1), hash: Hash::Md5 },
    HmacFacts { oid: oid!(1.2.840.113549.2.7), hash: Hash::Sha1 },
    HmacFacts { oid: oid!(1.3.6.1.5.5.8.1.2), hash: Hash::Sha1 },
    HmacFacts { oid: oid!(1.2.840.113549.2.8), hash: Hash::Sha224 },
    HmacFacts { oid: oid!(1.2.840.113549.2.9), hash: Hash::Sha256 },
    HmacFacts { oid: oid!(1.2.840.113549.2.10), hash: Hash::Sha384 },
    HmacFacts { oid: oid!(1.2.840.113549.2.11), hash: Hash::Sha512 },
    HmacFacts { oid: oid!(1.2.840.113549.2.12), hash: Hash::Sha512_224 },
    HmacFacts { oid: oid!(1.2.840.113549.2.13), hash: Hash::Sha512_256 },
    HmacFacts { oid: oid!(2.16.840.1.101.3.4.2.13), hash: Hash::Sha3_224 },
    HmacFacts { oid: oid!(2.16.840.1.101.3.4.2.14), hash: Hash::Sha3_256 },
    HmacFacts { oid: oid!(2.16.840.1.101.3.4.2.15), hash: Hash::Sha3_384 },
    HmacFacts { oid: oid!(2.16.840.1.101.3.4.2.16), hash: Hash::Sha3_512 },
];

/// Evaluates `$body` with `$D` standing for the hash type.
macro_rules! with_hash {
    ($hash:expr, $D:ident => $body:expr) => {
        with_hash!(@match $hash, $D => $body;
            Md5 md5::Md5, Sha1 sha1::Sha1, Sha224 sha2::Sha224, Sha256 sha2::Sha256, Sha384 sha2::Sha384,
            Sha512 sha2::Sha512, Sha512_224 sha2::Sha512_224, Sha512_256 sha2::Sha512_256, Sha3_224 sha3::Sha3_224,
            Sha3_256 sha3::Sha3_256, Sha3_384 sha3::Sha3_384, Sha3_512 sha3::Sha3_512)
    };
    (@match $hash:expr, $D:ident => $body:expr; $($variant:ident $digest:ty),*) => {
        match $hash {
            $(Hash::$variant => {
                type $D = $digest;
                $body
            })*
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
        let facts = HMACS.iter().find(|facts| facts.oid == *oid)?;
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

    /// Derives as many bytes as the hash has with PBKDF1 (RFC 8018 section 5.1).
    pub(crate) fn pbkdf1(self, password: &[u8], salt: &[u8], iterations: u64) -> Zeroizing<Vec<u8>> {
        let mut block = Zeroizing::new(vec![0; self.length()]);
        with_hash!(self, D => {
            <D as Digest>::new().chain_update(password).chain_update(salt).finalize_into(block.as_mut_slice().into());
            for _ in 1..iterations {
                let hash = <D as Digest>::new().chain_update(&*block);
                hash.finalize_into(block.as_mut_slice().into());
            }
        });
        secret::wipe_stack();
        block
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

/// Returns SHA-256 in lower-case hex. OpenSSL's has asked already what the processor can, which in a virtual machine takes
/// longer than the hash.
pub(crate) fn sha256_hex(data: &[u8]) -> String {
    let mut hash = openssl::sha::Sha256::new();
    hash.update(data);
    data_encoding::HEXLOWER.encode(&hash.finish())
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
            assert!(HMACS.iter().any(|hmac| hmac.hash == facts.hash), "{}", facts.name);
        }
    }
}
