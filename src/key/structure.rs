//! The structures that hold a private key, as far as OpenSSL does not tell what is in them.

use pkcs8::der::{Decode, Error as DerError};
use pkcs8::spki::AlgorithmIdentifierRef;
use x509_parser::asn1_rs::{Oid, Tag};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::attribute::{Attribute, parse_attributes};
use crate::crypto::pkcs8::looks_like_private_key;
use crate::key::KeyError;
use crate::limits;
use crate::public_key;

/// The fields of PrivateKeyInfo (RFC 5208), or OneAsymmetricKey (RFC 5958).
pub(super) struct Pkcs8<'a> {
    pub(super) algorithm: Oid<'static>,
    /// The AlgorithmIdentifier as encoded.
    encoded_algorithm: &'a [u8],
    /// The parameter of an algorithm that is one: a named curve.
    pub(super) curve: Option<Oid<'static>>,
    pub(super) private_key: Zeroizing<Vec<u8>>,
    /// Damaged ones are none.
    pub(super) attributes: Option<Vec<Attribute>>,
    pub(super) public_key: Option<Vec<u8>>,
}

impl<'a> Pkcs8<'a> {
    pub(super) fn parse(encoded: &'a [u8]) -> Result<Self, Malformed> {
        const PART: &str = "private key";
        let (info, _) = Value::parse(encoded, PART)?;
        let mut fields = info.reader(PART);
        fields.expect(Tag::Integer, "the version")?;
        let algorithm = fields.expect(Tag::Sequence, "the algorithm")?;
        let mut names = algorithm.reader(PART);
        let oid = names.required("the algorithm")?.oid()?;
        let curve = match names.try_next()? {
            Some(parameter) if parameter.is(Tag::Oid) => Some(parameter.oid()?),
            _ => None,
        };
        let private_key = Zeroizing::new(fields.expect(Tag::OctetString, "the key")?.octets()?.into_owned());
        let (mut attributes, mut public_key) = (None, None);
        while let Some(field) = fields.try_next()? {
            match field.tag_number() {
                0 => attributes = parse_attributes(&field).ok(),
                // A BIT STRING begins with the number of bits that are left over.
                1 => public_key = field.content().get(1..).map(<[u8]>::to_vec),
                _ => {}
            }
        }
        let encoded_algorithm = algorithm.encoded();
        Ok(Self { algorithm: oid, encoded_algorithm, curve, private_key, attributes, public_key })
    }

    /// Counts the arithmetic that OpenSSL does when it reads the key: it computes the public half, whatever the size. A
    /// kind that nobody signs with is refused.
    pub(super) fn charge(&self) -> Result<(), KeyError> {
        match &self.algorithm {
            oid if *oid == public_key::EC => charge_curve(self.curve.as_ref()),
            oid if *oid == public_key::DSA => DsaSize::of_pkcs8(self.encoded_algorithm, &self.private_key).charge(),
            oid if public_key::AGREEMENTS.contains(oid) => Err(KeyError::Unsupported(public_key::algorithm_name(oid))),
            oid if public_key::is_known_to_openssl(oid) => Ok(limits::charge_arithmetic(1)?),
            _ => Ok(limits::charge_arithmetic(UNKNOWN_KIND)?),
        }
    }

    /// Returns the algorithm of an RSA key as it is to be written.
    pub(super) fn rsa_algorithm(&self) -> Result<Option<AlgorithmIdentifierRef<'a>>, DerError> {
        match &self.algorithm {
            oid if *oid == public_key::RSA => Ok(Some(pkcs1::ALGORITHM_ID)),
            oid if *oid == public_key::RSA_PSS => AlgorithmIdentifierRef::from_der(self.encoded_algorithm).map(Some),
            _ => Ok(None),
        }
    }
}

/// The arithmetic with a key on a curve of 571 bits, or of a kind that is not known.
const UNKNOWN_KIND: u64 = 5;

/// Counts the arithmetic with a key on a curve.
pub(super) fn charge_curve(curve: Option<&Oid<'_>>) -> Result<(), KeyError> {
    let units = match curve.and_then(|oid| public_key::prime_curve_bits(oid.as_bytes())) {
        Some(..=256) => 1,
        Some(..=384) => 2,
        Some(_) => 3,
        None => UNKNOWN_KIND,
    };
    Ok(limits::charge_arithmetic(units)?)
}

/// The most bits of the prime of a DSA key that OpenSSL signs with (OPENSSL_DSA_MAX_MODULUS_BITS).
const MAX_DSA_BITS: u64 = 10_000;

/// The sizes of the numbers of a DSA key, in bits.
pub(super) struct DsaSize {
    prime: u64,
    private: u64,
}

impl DsaSize {
    /// Takes those of Dss-Parms (RFC 3279 section 2.3.2) and of the INTEGER in the key.
    fn of_pkcs8(algorithm: &[u8], private_key: &[u8]) -> Self {
        // What cannot be read, OpenSSL does not read either.
        let prime = match Value::parse_prefix(algorithm) {
            Some((algorithm, _)) => prime_in(&algorithm).unwrap_or_default(),
            None => &[],
        };
        Self { prime: bits(prime), private: bits(private_key) }
    }

    /// Counts the arithmetic with it. It goes beyond the bits of the exponent a little.
    pub(super) fn charge(&self) -> Result<(), KeyError> {
        if self.prime > MAX_DSA_BITS {
            return Err(KeyError::Unsupported(format!("DSA with more than {MAX_DSA_BITS} bits")));
        }
        // The public half is computed, and computed again to be compared.
        let work = 2 * limits::exponentiation(self.prime, self.private);
        Ok(limits::charge_arithmetic(1 + work)?)
    }
}

fn bits(number: &[u8]) -> u64 {
    number.len() as u64 * 8
}

/// Returns the first number of the parameters of an algorithm.
fn prime_in<'a>(algorithm: &Value<'a>) -> Result<&'a [u8], Malformed> {
    let mut fields = algorithm.reader("DSA private key");
    fields.required("the algorithm")?;
    let parameters = fields.required("the parameters")?;
    Ok(parameters.reader("DSA private key").required("the prime")?.content())
}

/// The form of a key that stands by itself.
pub(super) enum OwnForm {
    Pkcs8,
    Dsa(DsaSize),
    /// ECPrivateKey, or nothing that OpenSSL reads.
    Ec,
}

impl OwnForm {
    /// Tells by the first fields.
    pub(super) fn of(der: &[u8]) -> Self {
        let Some((outer, _)) = Value::parse_prefix(der) else { return Self::Ec };
        if looks_like_private_key(&outer) {
            return Self::Pkcs8;
        }
        let mut fields = outer.reader("private key");
        let mut numbers = Vec::new();
        while let Ok(Some(field)) = fields.try_next()
            && field.is(Tag::Integer)
            && numbers.len() < DSA_NUMBERS
        {
            numbers.push(field.content());
        }
        match &numbers[..] {
            [_, prime, _, _, _, private] => Self::Dsa(DsaSize { prime: bits(prime), private: bits(private) }),
            _ => Self::Ec,
        }
    }
}

/// The numbers of a DSA key: version, p, q, g, and its two halves.
const DSA_NUMBERS: usize = 6;

/// Returns the curve of an ECPrivateKey (RFC 5915), if it is a named one.
pub(super) fn sec1_curve(der: &[u8]) -> Option<Oid<'static>> {
    let (key, _) = Value::parse_prefix(der)?;
    let mut fields = key.reader("EC private key");
    while let Some(field) = fields.try_next().ok()? {
        if field.is_context(0) {
            return curve_in(&field).ok();
        }
    }
    None
}

/// Returns whether a value is an ECPrivateKey as a whole, without the curve, which is optional there.
pub(super) fn lacks_curve(der: &[u8]) -> bool {
    let Some((key, _)) = Value::parse_prefix(der) else { return false };
    let mut fields = key.reader("EC private key");
    let begins_as_key = matches!(fields.try_next(), Ok(Some(version)) if version.unsigned() == Ok(1))
        && matches!(fields.try_next(), Ok(Some(number)) if number.is(Tag::OctetString));
    let is_over = match fields.try_next() {
        Ok(None) => true,
        Ok(Some(point)) => point.is_context(1) && fields.rest().is_empty(),
        Err(_) => false,
    };
    begins_as_key && is_over
}

fn curve_in(parameters: &Value<'_>) -> Result<Oid<'static>, Malformed> {
    parameters.reader("EC private key").required("the curve")?.oid()
}
