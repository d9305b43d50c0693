//! Public keys, which pair a certificate with its private key.

use std::borrow::Cow;

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::crypto::digest::{sha1, sha256_hex};

/// A named curve (SEC 2, RFC 5480).
struct Curve {
    oid: Oid<'static>,
    bits: usize,
}

static CURVES: [Curve; 5] = [
    // P-256
    Curve { oid: oid!(1.2.840.10045.3.1.7), bits: 256 },
    // P-384
    Curve { oid: oid!(1.3.132.0.34), bits: 384 },
    // P-521
    Curve { oid: oid!(1.3.132.0.35), bits: 521 },
    // secp256k1
    Curve { oid: oid!(1.3.132.0.10), bits: 256 },
    // P-224
    Curve { oid: oid!(1.3.132.0.33), bits: 224 },
];

/// An algorithm without parameters (RFC 8410).
struct EdwardsCurve {
    oid: Oid<'static>,
    name: &'static str,
    bits: usize,
}

static EDWARDS: [EdwardsCurve; 2] = [
    EdwardsCurve { oid: oid!(1.3.101.112), name: "Ed25519", bits: 256 },
    EdwardsCurve { oid: oid!(1.3.101.113), name: "Ed448", bits: 456 },
];

/// A public key.
#[derive(Debug, Clone)]
pub struct PublicKey {
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// "RSA", "EC", "Ed25519", "Ed448", or an object identifier.
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
        if !rest.is_empty() {
            return None;
        }
        let KeyKind { algorithm, bits } = key_kind(&info);
        Some(Self { algorithm, bits, spki })
    }

    /// Returns algorithm and size.
    pub fn kind(&self) -> KeyKind {
        KeyKind { algorithm: self.algorithm.clone(), bits: self.bits }
    }

    /// Returns the SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
    pub fn spki_sha256(&self) -> String {
        sha256_hex(&self.spki)
    }

    /// Returns the key identifier of RFC 5280 section 4.2.1.2 (1): the SHA-1 of the subjectPublicKey, which for
    /// RSA is the PKCS#1 public key.
    pub fn key_id(&self) -> Vec<u8> {
        sha1(&self.subject_public_key())
    }

    /// Returns whether both are the same key, however the algorithm's parameters are spelt (an absent NULL).
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.spki == other.spki
            || (self.bits == other.bits
                && self.algorithm == other.algorithm
                && self.subject_public_key() == other.subject_public_key())
    }

    fn subject_public_key(&self) -> Cow<'_, [u8]> {
        match SubjectPublicKeyInfo::from_der(&self.spki) {
            Ok((_, info)) => info.subject_public_key.data,
            // Never happens: what was parsed once parses again.
            Err(_) => Cow::default(),
        }
    }
}

fn key_kind(info: &SubjectPublicKeyInfo<'_>) -> KeyKind {
    let oid = &info.algorithm.algorithm;
    if let Some(curve) = EDWARDS.iter().find(|curve| curve.oid == *oid) {
        return KeyKind { algorithm: curve.name.to_owned(), bits: curve.bits };
    }
    match info.parsed() {
        Ok(Parsed::RSA(rsa)) => KeyKind { algorithm: "RSA".to_owned(), bits: bit_length(rsa.modulus) },
        Ok(Parsed::EC(point)) => {
            let bits = curve_bits(info).unwrap_or_else(|| point.key_size());
            KeyKind { algorithm: "EC".to_owned(), bits }
        }
        _ => KeyKind { algorithm: oid.to_id_string(), bits: 0 },
    }
}

/// Returns the size of the field, if the curve is a known one.
fn curve_bits(info: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    let oid = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let curve = CURVES.iter().find(|curve| curve.oid == oid)?;
    Some(curve.bits)
}

/// Returns the number of bits of a big-endian integer.
fn bit_length(integer: &[u8]) -> usize {
    let Some(start) = integer.iter().position(|byte| *byte != 0) else { return 0 };
    (integer.len() - start) * 8 - integer[start].leading_zeros() as usize
}
