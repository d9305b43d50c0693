//! The structures that hold a private key, as far as OpenSSL does not tell what is in them.

use pkcs8::der::{Decode, Error as DerError};
use pkcs8::spki::AlgorithmIdentifierRef;
use x509_parser::asn1_rs::{Oid, Tag};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::attribute::{Attribute, parse_attributes};
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

    /// Returns the algorithm of an RSA key as it is to be written.
    pub(super) fn rsa_algorithm(&self) -> Result<Option<AlgorithmIdentifierRef<'a>>, DerError> {
        match &self.algorithm {
            oid if *oid == public_key::RSA => Ok(Some(pkcs1::ALGORITHM_ID)),
            oid if *oid == public_key::RSA_PSS => AlgorithmIdentifierRef::from_der(self.encoded_algorithm).map(Some),
            _ => Ok(None),
        }
    }
}

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

fn curve_in(parameters: &Value<'_>) -> Result<Oid<'static>, Malformed> {
    parameters.reader("EC private key").required("the curve")?.oid()
}
