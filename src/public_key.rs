//! SubjectPublicKeyInfo: what pairs a certificate with its key.

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::crypto::digest::{sha1, sha256_hex};

/// Named curves: object identifier, name, bits (SEC 2, RFC 5480).
static CURVES: [(Oid<'static>, &str, usize); 5] = [
    (oid!(1.2.840.10045.3.1.7), "P-256", 256),
    (oid!(1.3.132.0.34), "P-384", 384),
    (oid!(1.3.132.0.35), "P-521", 521),
    (oid!(1.3.132.0.10), "secp256k1", 256),
    (oid!(1.3.132.0.33), "P-224", 224),
];

/// Algorithms without parameters: object identifier, name, bits (RFC 8410).
static EDWARDS: [(Oid<'static>, &str, usize); 2] =
    [(oid!(1.3.101.112), "Ed25519", 256), (oid!(1.3.101.113), "Ed448", 456)];

/// A public key.
#[derive(Debug, Clone)]
pub struct PublicKey {
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// "RSA", "EC", "Ed25519", or an object identifier.
    pub algorithm: String,
    /// RSA: of the modulus; EC: of the field. 0 where unknown.
    pub bits: usize,
}

/// A key's algorithm and size, for reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyKind {
    /// As [`PublicKey::algorithm`].
    pub algorithm: String,
    /// As [`PublicKey::bits`].
    pub bits: usize,
}

impl PublicKey {
    /// Reads SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    pub fn parse(spki: Vec<u8>) -> Option<Self> {
        let (rest, info) = SubjectPublicKeyInfo::from_der(&spki).ok()?;
        rest.is_empty().then_some(())?;
        let oid = &info.algorithm.algorithm;
        let named = EDWARDS.iter().find(|(known, ..)| known == oid);
        let (algorithm, bits) = match info.parsed() {
            _ if named.is_some() => named.map(|(_, name, bits)| ((*name).to_owned(), *bits))?,
            Ok(Parsed::RSA(rsa)) => ("RSA".to_owned(), bit_length(rsa.modulus)),
            Ok(Parsed::EC(point)) => {
                let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
                let known =
                    curve.and_then(|oid| CURVES.iter().find(|(known, ..)| *known == oid).map(|(.., bits)| *bits));
                ("EC".to_owned(), known.unwrap_or_else(|| point.key_size()))
            }
            _ => (oid.to_id_string(), 0),
        };
        Some(Self { algorithm, bits, spki })
    }

    /// Algorithm and size.
    pub fn kind(&self) -> KeyKind {
        KeyKind { algorithm: self.algorithm.clone(), bits: self.bits }
    }

    /// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub fn spki_sha256(&self) -> String {
        sha256_hex(&self.spki)
    }

    /// The key identifier of RFC 5280 section 4.2.1.2 (1): the SHA-1 of the subjectPublicKey, which for
    /// RSA is the PKCS#1 public key.
    pub fn key_id(&self) -> Vec<u8> {
        // What was parsed once parses again.
        let parsed = SubjectPublicKeyInfo::from_der(&self.spki);
        parsed.map(|(_, info)| sha1(&info.subject_public_key.data)).unwrap_or_default()
    }

    /// Whether both are the same key, however the algorithm's parameters are spelt (an absent NULL).
    pub fn is_same_key(&self, other: &Self) -> bool {
        if self.spki == other.spki {
            return true;
        }
        let bits = |key: &Self| -> Option<(String, Vec<u8>)> {
            let (_, info) = SubjectPublicKeyInfo::from_der(&key.spki).ok()?;
            Some((key.algorithm.clone(), info.subject_public_key.data.to_vec()))
        };
        self.bits == other.bits && bits(self).is_some_and(|own| Some(own) == bits(other))
    }
}

/// The bits of a big-endian integer.
fn bit_length(integer: &[u8]) -> usize {
    let Some(start) = integer.iter().position(|byte| *byte != 0) else { return 0 };
    (integer.len() - start) * 8 - integer[start].leading_zeros() as usize
}
