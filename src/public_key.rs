//! Public keys, which pair a certificate with its private key.

use std::sync::atomic::{AtomicU32, Ordering};

use openssl::asn1::Asn1Object;
use openssl::bn::BigNumContext;
use openssl::ec::PointConversionForm;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use serde::Serialize;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::asn1::{Value, oid_text};
use crate::crypto::digest::{sha1, sha256_hex};
use crate::limits;
use crate::rsa::trimmed;

/// The most points that OpenSSL converts in one run: it takes up to a millisecond for one, and hardly any certificate
/// needs it. Those beyond are compared as they are encoded.
static CONVERSIONS_LEFT: AtomicU32 = AtomicU32::new(2_000);

/// A named curve over a prime field (SEC 2, RFC 5480, RFC 5639).
struct Curve {
    oid: Oid<'static>,
    name: &'static str,
    bits: usize,
}

static CURVES: [Curve; 11] = [
    Curve { oid: oid!(1.2.840.10045.3.1.7), name: "P-256", bits: 256 },
    Curve { oid: oid!(1.3.132.0.34), name: "P-384", bits: 384 },
    Curve { oid: oid!(1.3.132.0.35), name: "P-521", bits: 521 },
    Curve { oid: oid!(1.3.132.0.10), name: "secp256k1", bits: 256 },
    Curve { oid: oid!(1.3.132.0.33), name: "P-224", bits: 224 },
    Curve { oid: oid!(1.2.840.10045.3.1.1), name: "P-192", bits: 192 },
    Curve { oid: oid!(1.3.36.3.3.2.8.1.1.5), name: "brainpoolP224r1", bits: 224 },
    Curve { oid: oid!(1.3.36.3.3.2.8.1.1.7), name: "brainpoolP256r1", bits: 256 },
    Curve { oid: oid!(1.3.36.3.3.2.8.1.1.9), name: "brainpoolP320r1", bits: 320 },
    Curve { oid: oid!(1.3.36.3.3.2.8.1.1.11), name: "brainpoolP384r1", bits: 384 },
    Curve { oid: oid!(1.3.36.3.3.2.8.1.1.13), name: "brainpoolP512r1", bits: 512 },
];

/// A kind of key that is known by its object identifier alone.
struct Algorithm {
    oid: Oid<'static>,
    name: &'static str,
    /// The size of its keys in bits; 0 where that depends on the key.
    bits: usize,
}

impl Algorithm {
    const fn new(name: &'static str, bits: usize, oid: Oid<'static>) -> Self {
        Self { oid, name, bits }
    }
}

/// Sources: RFC 8410, RFC 3279, RFC 9881, RFC 9814.
static ALGORITHMS: [Algorithm; 10] = [
    Algorithm::new("Ed25519", 256, oid!(1.3.101.112)),
    Algorithm::new("Ed448", 456, oid!(1.3.101.113)),
    Algorithm::new("X25519", 253, oid!(1.3.101.110)),
    Algorithm::new("X448", 448, oid!(1.3.101.111)),
    Algorithm::new("DSA", 0, DSA),
    Algorithm::new("DH", 0, DH),
    Algorithm::new("X9.42 DH", 0, X942_DH),
    Algorithm::new("ML-DSA-44", 0, oid!(2.16.840.1.101.3.4.3.17)),
    Algorithm::new("ML-DSA-65", 0, oid!(2.16.840.1.101.3.4.3.18)),
    Algorithm::new("ML-DSA-87", 0, oid!(2.16.840.1.101.3.4.3.19)),
];

pub(crate) const RSA: Oid<'static> = oid!(1.2.840.113549.1.1.1);
pub(crate) const RSA_PSS: Oid<'static> = oid!(1.2.840.113549.1.1.10);
pub(crate) const EC: Oid<'static> = oid!(1.2.840.10045.2.1);
pub(crate) const DSA: Oid<'static> = oid!(1.2.840.10040.4.1);
const DH: Oid<'static> = oid!(1.2.840.113549.1.3.1);
const X942_DH: Oid<'static> = oid!(1.2.840.10046.2.1);

/// The kinds whose keys agree on a secret and sign nothing, and whose public halves take as long to compute as the
/// file likes.
pub(crate) const AGREEMENTS: [Oid<'static>; 2] = [DH, X942_DH];

/// The most bits of an RSA modulus that OpenSSL verifies with, and of one whose exponent may be long
/// (OPENSSL_RSA_MAX_MODULUS_BITS, OPENSSL_RSA_SMALL_MODULUS_BITS, OPENSSL_RSA_MAX_PUBEXP_BITS).
const MAX_RSA_BITS: u64 = 16_384;
const SMALL_RSA_BITS: u64 = 3_072;
const MAX_EXPONENT_BITS: u64 = 64;

/// A public key.
#[derive(Debug, Clone)]
pub struct PublicKey {
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// "RSA", "RSA-PSS", "EC", another name, or an object identifier.
    pub algorithm: String,
    /// RSA: of the modulus; EC: of the field. 0 where unknown.
    pub bits: usize,
    /// The name of the curve of an EC key, where the key names one that is known.
    pub(crate) curve: Option<&'static str>,
    identity: KeyIdentity,
    /// The second coordinate of a point, where it is there.
    y: Option<Vec<u8>>,
}

/// The key itself: equal for all encodings of one key. (Points off their curve, which no private key has, can share
/// it: [`PublicKey::is_same_key`] decides.)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum KeyIdentity {
    /// Big-endian, without leading zeros. A key that is restricted to RSA-PSS is another: TLS does not take the one
    /// for the other.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8>, is_restricted: bool },
    /// A point of a named curve, by its first coordinate and one bit of the second.
    Point { curve: Vec<u8>, x: Vec<u8>, is_y_odd: bool },
    /// Everything else: the encoding.
    Encoded { algorithm: Vec<u8>, key: Vec<u8> },
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
        let curve = if info.algorithm.algorithm == EC { curve_name(&info) } else { None };
        let Facts { algorithm, bits, identity, y } = Facts::of(&info);
        Some(Self { spki, algorithm, bits, curve, identity, y })
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
        match SubjectPublicKeyInfo::from_der(&self.spki) {
            Ok((_, info)) => sha1(&info.subject_public_key.data),
            // Never happens: what was parsed once parses again.
            Err(_) => vec![],
        }
    }

    /// Returns the arithmetic of verifying a signature of this key over so many bytes, which are parsed for it.
    pub(crate) fn verification_work(&self, signed: usize) -> u64 {
        let bits = self.bits as u64;
        let work = match &self.identity {
            KeyIdentity::Rsa { exponent, .. } if bits <= MAX_RSA_BITS => {
                let longest = if bits > SMALL_RSA_BITS { MAX_EXPONENT_BITS } else { bits };
                limits::exponentiation(bits, longest.min(bit_length(exponent) as u64))
            }
            // It verifies nothing.
            KeyIdentity::Rsa { .. } => 0,
            // A curve, or two powers of 256 bits in DSA.
            KeyIdentity::Point { .. } => limits::curve_work(bits),
            KeyIdentity::Encoded { .. } if self.algorithm == "DSA" => limits::exponentiation(bits.min(10_000), 512),
            KeyIdentity::Encoded { .. } => limits::curve_work(bits.min(1_000)),
        };
        1 + work + (signed >> 14) as u64
    }

    /// Returns what is equal for all encodings of this key.
    pub(crate) fn identity(&self) -> &KeyIdentity {
        &self.identity
    }

    /// Returns whether both are the same key, however they are encoded.
    pub fn is_same_key(&self, other: &Self) -> bool {
        let is_other_point = match (&self.y, &other.y) {
            (Some(y), Some(other)) => y != other,
            _ => false,
        };
        self.identity == other.identity && !is_other_point
    }
}

/// The facts in a SubjectPublicKeyInfo.
struct Facts {
    algorithm: String,
    bits: usize,
    identity: KeyIdentity,
    y: Option<Vec<u8>>,
}

impl Facts {
    fn of(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let oid = &info.algorithm.algorithm;
        let known = match oid {
            oid if *oid == RSA => Self::of_rsa("RSA", info),
            oid if *oid == RSA_PSS => Self::of_rsa("RSA-PSS", info),
            oid if *oid == EC => Some(Self::of_ec(info)),
            _ => None,
        };
        known.unwrap_or_else(|| Self::of_other(info))
    }

    /// Reads RSAPublicKey.
    fn of_rsa(name: &str, info: &SubjectPublicKeyInfo<'_>) -> Option<Self> {
        let (key, _) = Value::parse_prefix(&info.subject_public_key.data)?;
        let mut numbers = key.reader("RSA public key");
        let modulus = trimmed(numbers.expect(Tag::Integer, "the modulus").ok()?.content());
        let exponent = trimmed(numbers.expect(Tag::Integer, "the exponent").ok()?.content());
        let is_restricted = info.algorithm.algorithm == RSA_PSS;
        let identity = KeyIdentity::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec(), is_restricted };
        Some(Self { algorithm: name.to_owned(), bits: bit_length(modulus), identity, y: None })
    }

    /// Reads a point. Curves over a prime field are read here; the rest asks OpenSSL.
    fn of_ec(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let curve = named_curve(info);
        let point = &info.subject_public_key.data;
        if let Some(known) = curve.as_ref().and_then(|oid| CURVES.iter().find(|known| known.oid == *oid))
            && let Some(facts) = Self::of_point(known.oid.as_bytes(), known.bits, point)
        {
            return facts;
        }
        match (curve, &point[..]) {
            // Nothing to convert.
            (Some(oid), [4, ..]) => Self::of_encoded_point(oid.as_bytes(), (point.len() / 2) * 8, point),
            _ if !may_convert() => Self::of_unknown_point(info),
            _ => match Self::of_openssl(info.raw) {
                Ok(Some(facts)) => facts,
                Ok(None) | Err(_) => Self::of_unknown_point(info),
            },
        }
    }

    /// Splits a point of a curve over a prime field (SEC 1 section 2.3.3): uncompressed, compressed or hybrid.
    fn of_point(curve: &[u8], bits: usize, point: &[u8]) -> Option<Self> {
        let (form, coordinates) = point.split_first()?;
        let length = bits.div_ceil(8);
        let (x, y) = coordinates.split_at_checked(length)?;
        let is_y_odd = match (form, y) {
            (2 | 3, []) => *form == 3,
            (4, [.., last]) if y.len() == length => last % 2 == 1,
            (6 | 7, [.., last]) if y.len() == length && last % 2 == form % 2 => last % 2 == 1,
            _ => return None,
        };
        let identity = KeyIdentity::Point { curve: curve.to_vec(), x: x.to_vec(), is_y_odd };
        let y = if y.is_empty() { None } else { Some(y.to_vec()) };
        Some(Self { algorithm: "EC".to_owned(), bits, identity, y })
    }

    fn of_encoded_point(curve: &[u8], bits: usize, point: &[u8]) -> Self {
        let identity = KeyIdentity::Encoded { algorithm: curve.to_vec(), key: point.to_vec() };
        Self { algorithm: "EC".to_owned(), bits, identity, y: None }
    }

    /// Reads a point with OpenSSL, which knows all named curves, by their explicit parameters too.
    fn of_openssl(spki: &[u8]) -> Result<Option<Self>, ErrorStack> {
        let key = PKey::public_key_from_der(spki)?.ec_key()?;
        let (group, mut context) = (key.group(), BigNumContext::new()?);
        let point = key.public_key().to_bytes(group, PointConversionForm::UNCOMPRESSED, &mut context)?;
        let Some(curve) = group.curve_name() else { return Ok(None) };
        let curve = Asn1Object::from_str(curve.short_name()?)?;
        let bits = group.degree() as usize;
        if is_prime_curve(curve.as_slice())
            && let Some(facts) = Self::of_point(curve.as_slice(), bits, &point)
        {
            return Ok(Some(facts));
        }
        Ok(Some(Self::of_encoded_point(curve.as_slice(), bits, &point)))
    }

    /// Takes a point of a curve that is not known, whose parameters are part of the key.
    fn of_unknown_point(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let identity = KeyIdentity::Encoded { algorithm: EC.as_bytes().to_vec(), key: info.raw.to_vec() };
        let bits = (info.subject_public_key.data.len() / 2) * 8;
        Self { algorithm: "EC".to_owned(), bits, identity, y: None }
    }

    fn of_other(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let oid = &info.algorithm.algorithm;
        let (algorithm, bits) = match ALGORITHMS.iter().find(|known| known.oid == *oid) {
            Some(known) if known.name == "DSA" => (known.name.to_owned(), dsa_bits(info).unwrap_or(0)),
            Some(known) => (known.name.to_owned(), known.bits),
            None => (oid_text(oid), 0),
        };
        let key = info.subject_public_key.data.to_vec();
        let identity = KeyIdentity::Encoded { algorithm: oid.as_bytes().to_vec(), key };
        Self { algorithm, bits, identity, y: None }
    }
}

/// Returns whether a curve is one of [`CURVES`], by the content of its object identifier.
pub(crate) fn is_prime_curve(oid: &[u8]) -> bool {
    prime_curve_bits(oid).is_some()
}

/// Returns the bits of a curve that is one of [`CURVES`].
pub(crate) fn prime_curve_bits(oid: &[u8]) -> Option<usize> {
    let known = CURVES.iter().find(|known| known.oid.as_bytes() == oid)?;
    Some(known.bits)
}

fn may_convert() -> bool {
    CONVERSIONS_LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

fn named_curve<'a>(info: &'a SubjectPublicKeyInfo<'_>) -> Option<Oid<'a>> {
    let parameters = info.algorithm.parameters.as_ref()?;
    if parameters.header.tag() == Tag::Oid { parameters.as_oid().ok() } else { None }
}

/// Returns the name of the curve that a key names; `None` for one that is not known, and for parameters of its own.
fn curve_name(info: &SubjectPublicKeyInfo<'_>) -> Option<&'static str> {
    let oid = named_curve(info)?;
    let known = CURVES.iter().find(|known| known.oid == oid)?;
    Some(known.name)
}

/// Returns the size of the prime p of Dss-Parms (RFC 3279 section 2.3.2).
fn dsa_bits(info: &SubjectPublicKeyInfo<'_>) -> Option<usize> {
    let parameters = info.algorithm.parameters.as_ref()?;
    let (prime, _) = Value::parse_prefix(parameters.data)?;
    Some(bit_length(trimmed(prime.content())))
}

/// Returns the name of a kind of key; an object identifier where it is not known.
pub(crate) fn algorithm_name(oid: &Oid<'_>) -> String {
    match ALGORITHMS.iter().find(|known| known.oid == *oid) {
        Some(known) => known.name.to_owned(),
        None => oid_text(oid),
    }
}

/// Returns whether OpenSSL reads keys of a kind, where they need no curve.
pub(crate) fn is_known_to_openssl(oid: &Oid<'_>) -> bool {
    ALGORITHMS.iter().any(|known| known.oid == *oid)
}

/// Returns the number of bits of a big-endian integer without leading zeros.
fn bit_length(integer: &[u8]) -> usize {
    let Some(first) = integer.first() else { return 0 };
    integer.len() * 8 - first.leading_zeros() as usize
}
