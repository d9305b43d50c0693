//! Private key formats: PKCS#8 (RFC 5208, 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915).

use std::fmt;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use pkcs8::PrivateKeyInfo;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode, Encode, Error as DerError};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use x509_parser::asn1_rs::{Oid, Tag};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value, oid_text};
use crate::attribute::{Attribute, parse_attributes};
use crate::crypto::encrypt::{EncryptError, Encryption};
use crate::pem;
use crate::public_key::{self, PublicKey, algorithm_name, is_prime_curve};
use crate::rsa::{RsaError, RsaKey};
use crate::secret::{Password, PasswordEncodings};

/// Iterations of PBKDF2 with HMAC-SHA-256 for keys that are written encrypted: OpenSSL's default is
/// 2048; this is what OWASP's Password Storage Cheat Sheet asks for.
pub(crate) const ENCRYPT_ITERATIONS: u32 = 600_000;

/// The reasons why a private key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It could not be parsed, or not written.
    #[error("the private key cannot be used ({0})")]
    Unusable(String),
    /// It was parsed, and is not a key.
    #[error("a private key's parts do not fit together: the key is damaged")]
    Damaged,
    /// An RSA key that cannot be completed.
    #[error("the RSA private key has no primes, and they do not follow from its exponents")]
    NoPrimes,
    /// A kind that is not supported.
    #[error("a private key of the kind {0} is not supported; Apple accepts RSA and EC keys")]
    Unsupported(String),
}

impl From<ErrorStack> for KeyError {
    /// Leaves out OpenSSL's own words, which are about its code, such as "too small buffer".
    fn from(_: ErrorStack) -> Self {
        Self::Unusable("OpenSSL cannot read it".to_owned())
    }
}

impl From<DerError> for KeyError {
    fn from(error: DerError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<Malformed> for KeyError {
    fn from(error: Malformed) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<EncryptError> for KeyError {
    fn from(error: EncryptError) -> Self {
        Self::Unusable(error.to_string())
    }
}

impl From<RsaError> for KeyError {
    fn from(error: RsaError) -> Self {
        match error {
            RsaError::Malformed(malformed) => malformed.into(),
            RsaError::Inconsistent => Self::Damaged,
            RsaError::NoPrimes => Self::NoPrimes,
            RsaError::ManyPrimes => Self::Unsupported("RSA with more than two primes".to_owned()),
            RsaError::TooLarge => Self::Unsupported("RSA with more than 16384 bits".to_owned()),
        }
    }
}

/// A private key with its public half. It is wiped when dropped, and Debug does not show it.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
    attributes: Option<Vec<Attribute>>,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public.algorithm).finish()
    }
}

impl PrivateKey {
    /// Reads PrivateKeyInfo, or OneAsymmetricKey, in DER or BER.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = Pkcs8::parse(der)?;
        let key = match info.rsa_algorithm()? {
            Some(algorithm) => Self::from_rsa(&RsaKey::parse(&info.private_key)?, algorithm)?,
            None => match PKey::private_key_from_pkcs8(der) {
                Ok(key) => Self::from_openssl(&key)?,
                Err(_) => return Err(unread(&info.algorithm, info.curve.as_ref())),
            },
        };
        if let Some(point) = &info.public_key
            && !key.has_public_half(point)?
        {
            return Err(KeyError::Damaged);
        }
        Ok(Self { attributes: info.attributes, ..key })
    }

    /// Reads RSAPrivateKey. As OpenSSL does, reads another form of key too that stands in its place.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let malformed = match RsaKey::parse(der) {
            Ok(key) => return Self::from_rsa(&key, pkcs1::ALGORITHM_ID),
            Err(RsaError::Malformed(malformed)) => malformed,
            Err(error) => return Err(error.into()),
        };
        match PKey::private_key_from_der(der) {
            Ok(key) => Self::from_openssl(&key),
            Err(_) => Err(malformed.into()),
        }
    }

    /// Reads ECPrivateKey, with its curve.
    pub fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        match PKey::private_key_from_der(der) {
            Ok(key) => Self::from_openssl(&key),
            Err(_) if sec1_curve(der).is_some_and(|curve| is_prime_curve(curve.as_bytes())) => Err(KeyError::Damaged),
            Err(error) => Err(error.into()),
        }
    }

    fn from_rsa(key: &RsaKey, algorithm: AlgorithmIdentifierRef<'_>) -> Result<Self, KeyError> {
        let pkcs8 = Zeroizing::new(PrivateKeyInfo::new(algorithm, &key.to_der()?).to_der()?);
        Self::from_parts(pkcs8, spki(algorithm, &key.public_key()?)?)
    }

    fn from_openssl(key: &PKey<Private>) -> Result<Self, KeyError> {
        match key.id() {
            Id::RSA => {
                let der = Zeroizing::new(key.rsa()?.private_key_to_der()?);
                return Self::from_rsa(&RsaKey::parse(&der)?, pkcs1::ALGORITHM_ID);
            }
            Id::EC => {
                // OpenSSL fails to convert a number that is longer than the order of the curve.
                let Ok(key) = key.ec_key() else { return Err(KeyError::Damaged) };
                return Self::from_ec(&key);
            }
            Id::DSA if !is_dsa_key(key)? => return Err(KeyError::Damaged),
            _ => {}
        }
        let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8()?);
        Self::from_parts(pkcs8, key.public_key_to_der()?)
    }

    /// Takes an EC key, in the one form that every reader knows: a named curve, an uncompressed point.
    fn from_ec(key: &EcKey<Private>) -> Result<Self, KeyError> {
        if key.check_key().is_err() {
            return Err(KeyError::Damaged);
        }
        let Some(curve) = key.group().curve_name() else {
            return Err(KeyError::Unsupported("EC on a curve without a name".to_owned()));
        };
        let (group, mut context) = (EcGroup::from_curve_name(curve)?, BigNumContext::new()?);
        let mut order = BigNum::new()?;
        group.order(&mut order, &mut context)?;
        // The same multiple of the generator, which no encoding has room for (RFC 5915 section 3).
        if key.private_key() >= &*order {
            return Err(KeyError::Damaged);
        }
        let point = key.public_key().to_bytes(key.group(), PointConversionForm::UNCOMPRESSED, &mut context)?;
        let point = EcPoint::from_bytes(&group, &point, &mut context)?;
        let key = PKey::from_ec_key(EcKey::from_private_components(&group, key.private_key(), &point)?)?;
        let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8()?);
        Self::from_parts(pkcs8, key.public_key_to_der()?)
    }

    fn from_parts(pkcs8: Zeroizing<Vec<u8>>, spki: Vec<u8>) -> Result<Self, KeyError> {
        match PublicKey::parse(spki) {
            Some(public) => Ok(Self { pkcs8, public, attributes: None }),
            None => Err(KeyError::Damaged),
        }
    }

    /// Returns whether a subjectPublicKey is of this key.
    fn has_public_half(&self, subject_public_key: &[u8]) -> Result<bool, KeyError> {
        let own = SubjectPublicKeyInfoRef::from_der(&self.public.spki)?;
        let Some(other) = PublicKey::parse(spki(own.algorithm, subject_public_key)?) else { return Ok(false) };
        Ok(other.is_same_key(&self.public))
    }

    /// Returns the PrivateKeyInfo, unencrypted, without attributes.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Returns the public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Returns whether both are the same key, however they were encoded.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.public.is_same_key(&other.public)
    }

    /// Returns the attributes of the PrivateKeyInfo that it was read from.
    pub fn attributes(&self) -> Option<&[Attribute]> {
        self.attributes.as_deref()
    }

    /// Returns whether it is of the kind that APNs' token signing keys are: EC on P-256.
    pub fn may_sign_tokens(&self) -> bool {
        self.public.algorithm == "EC" && self.public.bits == 256
    }

    /// Encodes the key as an unencrypted PEM block in PKCS#8.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.pkcs8)
    }

    /// Encodes the key as an unencrypted PEM block in its own form: "RSA PRIVATE KEY" or "EC PRIVATE KEY".
    ///
    /// # Errors
    /// When it has no such form.
    pub fn to_traditional_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        match self.public.algorithm.as_str() {
            "RSA" => Ok(pem::encode("RSA PRIVATE KEY", PrivateKeyInfo::from_der(&self.pkcs8)?.private_key)),
            "EC" => {
                let der = PKey::private_key_from_pkcs8(&self.pkcs8)?.ec_key()?.private_key_to_der()?;
                Ok(pem::encode("EC PRIVATE KEY", &Zeroizing::new(der)))
            }
            other => Err(KeyError::Unusable(format!("a key of the kind {other} has no traditional form"))),
        }
    }

    /// Encodes the key as an encrypted PEM block: PKCS#8 with PBES2, PBKDF2 with HMAC-SHA-256 and AES-256-CBC
    /// (RFC 8018).
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn to_encrypted_pem(&self, password: &Password) -> Result<Zeroizing<String>, KeyError> {
        let password = PasswordEncodings::of(Some(password));
        let encrypted = Encryption::Aes256.encrypt(&password, ENCRYPT_ITERATIONS, &self.pkcs8)?;
        let info = p12::EncryptedPrivateKeyInfo::from(encrypted);
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", &yasna::construct_der(|writer| info.write(writer))))
    }
}

/// Encodes SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
fn spki(algorithm: AlgorithmIdentifierRef<'_>, subject_public_key: &[u8]) -> Result<Vec<u8>, DerError> {
    let subject_public_key = BitStringRef::from_bytes(subject_public_key)?;
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der()
}

/// Explains why OpenSSL does not read a key of this kind. What it knows is damaged.
fn unread(algorithm: &Oid<'_>, curve: Option<&Oid<'_>>) -> KeyError {
    let is_known = match curve {
        Some(curve) => is_prime_curve(curve.as_bytes()),
        None => public_key::is_known_to_openssl(algorithm),
    };
    match curve {
        _ if is_known => KeyError::Damaged,
        Some(curve) => KeyError::Unsupported(format!("EC on the curve {}", oid_text(curve))),
        None => KeyError::Unsupported(algorithm_name(algorithm)),
    }
}

/// Returns whether the public half of a DSA key follows from its private half: y = g^x mod p.
fn is_dsa_key(key: &PKey<Private>) -> Result<bool, ErrorStack> {
    let dsa = key.dsa()?;
    let (mut y, mut context) = (BigNum::new()?, BigNumContext::new()?);
    y.mod_exp(dsa.g(), dsa.priv_key(), dsa.p(), &mut context)?;
    Ok(y == *dsa.pub_key())
}

/// The fields of PrivateKeyInfo (RFC 5208), or OneAsymmetricKey (RFC 5958).
struct Pkcs8<'a> {
    algorithm: Oid<'static>,
    /// The AlgorithmIdentifier as encoded.
    encoded_algorithm: &'a [u8],
    /// The parameter of an algorithm that is one: a named curve.
    curve: Option<Oid<'static>>,
    private_key: Zeroizing<Vec<u8>>,
    /// Damaged ones are none.
    attributes: Option<Vec<Attribute>>,
    public_key: Option<Vec<u8>>,
}

impl<'a> Pkcs8<'a> {
    fn parse(encoded: &'a [u8]) -> Result<Self, Malformed> {
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
    fn rsa_algorithm(&self) -> Result<Option<AlgorithmIdentifierRef<'a>>, DerError> {
        match &self.algorithm {
            oid if *oid == public_key::RSA => Ok(Some(pkcs1::ALGORITHM_ID)),
            oid if *oid == public_key::RSA_PSS => AlgorithmIdentifierRef::from_der(self.encoded_algorithm).map(Some),
            _ => Ok(None),
        }
    }
}

/// Returns the curve of an ECPrivateKey (RFC 5915), if it is a named one.
fn sec1_curve(der: &[u8]) -> Option<Oid<'static>> {
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

#[cfg(test)]
mod tests {
    use openssl::dsa::Dsa;
    use openssl::ec::Asn1Flag;
    use openssl::nid::Nid;
    use openssl::rsa::Rsa;

    use super::*;
    use crate::test_support::fixture;

    /// Returns the numbers of an RSAPrivateKey after its version.
    fn numbers(pkcs1: &[u8]) -> Vec<Vec<u8>> {
        let (key, _) = Value::parse(pkcs1, "test").unwrap();
        let mut fields = key.reader("test");
        fields.required("version").unwrap();
        let mut numbers = Vec::new();
        while let Some(field) = fields.try_next().unwrap() {
            numbers.push(field.content().to_vec());
        }
        numbers
    }

    /// Encodes an RSAPrivateKey with these numbers as they are.
    fn rsa_key(numbers: &[Vec<u8>]) -> Vec<u8> {
        let mut content = vec![2, 1, 0];
        for number in numbers {
            content.extend(value(2, number));
        }
        value(0x30, &content)
    }

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    #[test]
    fn rsa_keys_are_written_as_openssl_writes_them_however_they_are_encoded() {
        let canonical = fixture("key/pkcs1.der");
        let [0x30, 0x82, rest @ ..] = &canonical[..] else { panic!("the length takes two bytes") };
        let long_length = [&[0x30, 0x83, 0][..], rest].concat();
        let indefinite = [&[0x30, 0x80][..], &rest[2..], &[0, 0]].concat();
        let mut padded = numbers(&canonical);
        for number in &mut padded {
            number.insert(0, 0);
        }
        let openssl = PKey::private_key_from_der(&canonical).unwrap();
        for encoded in [&canonical, &long_length, &indefinite, &rsa_key(&padded)] {
            let key = PrivateKey::from_pkcs1(encoded).unwrap();
            assert_eq!(key.pkcs8(), openssl.private_key_to_pkcs8().unwrap());
            assert_eq!(key.public().spki, openssl.public_key_to_der().unwrap());
        }
    }

    #[test]
    fn an_rsa_key_without_primes_is_completed() {
        for exponent in [3, 17, 65_537] {
            let exponent = BigNum::from_u32(exponent).unwrap();
            let rsa = Rsa::generate_with_e(1024, &exponent).unwrap();
            let complete = rsa.private_key_to_der().unwrap();
            let all = numbers(&complete);
            let zero = vec![0];
            for kept in [3, 5] {
                let absent = rsa_key(&all[..kept]);
                let zeros = rsa_key(&[&all[..kept], &vec![zero.clone(); 8 - kept][..]].concat());
                for incomplete in [absent, zeros] {
                    let key = PrivateKey::from_pkcs1(&incomplete).unwrap();
                    let written = PKey::private_key_from_pkcs8(key.pkcs8()).unwrap().rsa().unwrap();
                    assert!(written.check_key().unwrap());
                    assert_eq!(key.public().spki, rsa.public_key_to_der().unwrap());
                }
            }
        }
    }

    #[test]
    fn the_private_exponent_may_be_of_either_group() {
        // OpenSSL 3 takes the inverse modulo lcm(p-1, q-1), others modulo (p-1)(q-1).
        let rsa = Rsa::generate(1024).unwrap();
        let (p, q) = (rsa.p().unwrap(), rsa.q().unwrap());
        let (mut context, mut order, mut d) =
            (BigNumContext::new().unwrap(), BigNum::new().unwrap(), BigNum::new().unwrap());
        let one = BigNum::from_u32(1).unwrap();
        order.checked_mul(&(p - &one), &(q - &one), &mut context).unwrap();
        d.mod_inverse(rsa.e(), &order, &mut context).unwrap();
        let mut all = numbers(&rsa.private_key_to_der().unwrap());
        all[2] = [&[0][..], &d.to_vec()].concat();
        let complete = PrivateKey::from_pkcs1(&rsa_key(&all)).unwrap();
        let completed = PrivateKey::from_pkcs1(&rsa_key(&all[..3])).unwrap();
        assert!(complete.is_same_key(&completed));
    }

    #[test]
    fn an_rsa_key_whose_primes_do_not_follow_is_refused() {
        let mut all = numbers(&fixture("key/pkcs1.der"));
        all[2][9] ^= 1;
        assert_eq!(PrivateKey::from_pkcs1(&rsa_key(&all[..3])).unwrap_err(), KeyError::NoPrimes);
    }

    #[test]
    fn no_bit_of_an_rsa_key_can_flip() {
        let rsa = Rsa::generate(512).unwrap().private_key_to_der().unwrap();
        let expected = PrivateKey::from_pkcs1(&rsa).unwrap();
        for place in 0..rsa.len() * 8 {
            let mut damaged = rsa.clone();
            damaged[place / 8] ^= 1 << (place % 8);
            if let Ok(key) = PrivateKey::from_pkcs1(&damaged) {
                // A bit of a tag or of a length may say nothing.
                assert_eq!(key.pkcs8(), expected.pkcs8(), "bit {place}");
            }
        }
        let mut all = numbers(&rsa);
        for number in 0..all.len() {
            let last = all[number].len() - 1;
            all[number][last] ^= 4;
            assert_eq!(PrivateKey::from_pkcs1(&rsa_key(&all)).unwrap_err(), KeyError::Damaged, "{number}");
            all[number][last] ^= 4;
        }
    }

    #[test]
    fn no_bit_of_an_ec_key_can_flip() {
        let sec1 = fixture("key/sec1.der");
        PrivateKey::from_sec1(&sec1).unwrap();
        let (scalar, point) = (7, sec1.len() - 64);
        for place in (scalar..scalar + 32).chain(point..sec1.len()) {
            for bit in 0..8 {
                let mut damaged = sec1.clone();
                damaged[place] ^= 1 << bit;
                assert_eq!(PrivateKey::from_sec1(&damaged).unwrap_err(), KeyError::Damaged, "byte {place}");
            }
        }
    }

    #[test]
    fn a_scalar_beyond_the_order_is_damage() {
        let sec1 = fixture("key/sec1.der");
        let (mut order, mut context) = (BigNum::new().unwrap(), BigNumContext::new().unwrap());
        EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap().order(&mut order, &mut context).unwrap();
        let scalar = &BigNum::from_slice(&sec1[7..39]).unwrap() + &order;
        // One more than the order has no more octets than the order.
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let one = BigNum::from_u32(1).unwrap();
        let of_one =
            EcKey::from_private_components(&group, &one, &group.generator_opt().unwrap().to_owned(&group).unwrap())
                .unwrap();
        let of_one = of_one.private_key_to_der().unwrap();
        PrivateKey::from_sec1(&of_one).unwrap();
        for (sec1, scalar) in [(&sec1, scalar), (&of_one, &order + &one)] {
            let fields = [&[2, 1, 1][..], &value(4, &scalar.to_vec()), &sec1[39..]].concat();
            let larger = value(0x30, &fields);
            let algorithm =
                [0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
            let pkcs8 = value(0x30, &[&[2, 1, 0], &algorithm[..], &value(4, &larger)].concat());
            assert_eq!(PrivateKey::from_sec1(&larger).unwrap_err(), KeyError::Damaged);
            assert_eq!(PrivateKey::from_pkcs8(&pkcs8).unwrap_err(), KeyError::Damaged);
        }
    }

    #[test]
    fn the_public_half_in_a_key_is_that_key() {
        for key in [PKey::generate_ed25519().unwrap(), PKey::generate_ed448().unwrap()] {
            let pkcs8 = key.private_key_to_pkcs8().unwrap();
            let mut fields = pkcs8[5..].to_vec();
            let public = key.raw_public_key().unwrap();
            fields.extend([0x81, u8::try_from(public.len()).unwrap() + 1, 0]);
            fields.extend(&public);
            let with_public = |fields: &[u8]| value(0x30, &[&[2, 1, 1][..], fields].concat());
            let read = PrivateKey::from_pkcs8(&with_public(&fields)).unwrap();
            assert_eq!(read.public().spki, key.public_key_to_der().unwrap());
            *fields.last_mut().unwrap() ^= 1;
            assert_eq!(PrivateKey::from_pkcs8(&with_public(&fields)).unwrap_err(), KeyError::Damaged);
        }
    }

    #[test]
    fn an_ec_key_is_the_same_in_every_form() {
        let prime = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1, Nid::SECP256K1, Nid::BRAINPOOL_P256R1];
        for curve in [&prime[..], &[Nid::SECT283R1, Nid::SECP160R1]].concat() {
            let mut group = EcGroup::from_curve_name(curve).unwrap();
            let key = EcKey::generate(&group).unwrap();
            let plain = PKey::from_ec_key(key.clone()).unwrap();
            let expected = PrivateKey::from_pkcs8(&plain.private_key_to_pkcs8().unwrap()).unwrap();
            assert_eq!(expected.pkcs8(), plain.private_key_to_pkcs8().unwrap());
            let mut context = BigNumContext::new().unwrap();
            let algorithm = SubjectPublicKeyInfoRef::from_der(&expected.public().spki).unwrap().algorithm;
            let mut forms = Vec::new();
            for form in [PointConversionForm::COMPRESSED, PointConversionForm::HYBRID] {
                let point = key.public_key().to_bytes(&group, form, &mut context).unwrap();
                forms.push(PublicKey::parse(spki(algorithm, &point).unwrap()).unwrap());
            }
            group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
            let explicit = EcKey::from_private_components(&group, key.private_key(), key.public_key()).unwrap();
            let explicit = PKey::from_ec_key(explicit).unwrap();
            forms.push(PublicKey::parse(explicit.public_key_to_der().unwrap()).unwrap());
            for form in forms {
                assert_ne!(form.spki, expected.public().spki);
                assert_eq!(form.identity(), expected.public().identity());
                assert!(form.is_same_key(expected.public()));
                assert_eq!(form.algorithm, expected.public().algorithm);
            }
            let read = PrivateKey::from_pkcs8(&explicit.private_key_to_pkcs8().unwrap()).unwrap();
            assert_eq!(read.pkcs8(), expected.pkcs8());
        }
    }

    #[test]
    fn a_point_off_its_curve_is_not_the_key() {
        let key = PrivateKey::from_sec1(&fixture("key/sec1.der")).unwrap();
        let mut spki = key.public().spki.clone();
        let middle = spki.len() - 9;
        spki[middle] ^= 1;
        assert!(!PublicKey::parse(spki).unwrap().is_same_key(key.public()));
    }

    #[test]
    fn another_generator_is_another_curve() {
        // The parameters of P-256 but for the generator, which is the point itself: then 1 is its private key.
        let (named, mut context) =
            (EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap(), BigNumContext::new().unwrap());
        let victim = EcKey::generate(&named).unwrap();
        let (mut p, mut a, mut b) = (BigNum::new().unwrap(), BigNum::new().unwrap(), BigNum::new().unwrap());
        named.components_gfp(&mut p, &mut a, &mut b, &mut context).unwrap();
        let (mut order, one) = (BigNum::new().unwrap(), BigNum::from_u32(1).unwrap());
        named.order(&mut order, &mut context).unwrap();
        let mut group = EcGroup::from_components(p, a, b, &mut context).unwrap();
        let point = victim.public_key().to_bytes(&named, PointConversionForm::UNCOMPRESSED, &mut context).unwrap();
        let point = EcPoint::from_bytes(&group, &point, &mut context).unwrap();
        let generator = point.to_owned(&group).unwrap();
        group.set_generator(generator, order, one.to_owned().unwrap()).unwrap();
        group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
        let forged = PKey::from_ec_key(EcKey::from_private_components(&group, &one, &point).unwrap()).unwrap();
        let forged_public = PublicKey::parse(forged.public_key_to_der().unwrap()).unwrap();
        let victim = PKey::from_ec_key(victim).unwrap();
        let victim = PrivateKey::from_pkcs8(&victim.private_key_to_pkcs8().unwrap()).unwrap();
        assert!(!forged_public.is_same_key(victim.public()));
        let error = PrivateKey::from_pkcs8(&forged.private_key_to_pkcs8().unwrap()).unwrap_err();
        assert!(matches!(error, KeyError::Unsupported(_)), "{error}");
    }

    #[test]
    fn an_rsa_key_restricted_to_pss_is_another_key() {
        const PSS: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 10, 0x30, 0];
        let pkcs1 = fixture("key/pkcs1.der");
        let plain = PrivateKey::from_pkcs1(&pkcs1).unwrap();
        for algorithm in [&PSS[..], &[&[0x30, 11], &PSS[2..13]].concat()] {
            let pkcs8 = value(0x30, &[&[2, 1, 0], algorithm, &value(4, &pkcs1)].concat());
            let key = PrivateKey::from_pkcs8(&pkcs8).unwrap();
            assert_eq!(key.public().kind().algorithm, "RSA-PSS");
            assert!(!key.is_same_key(&plain));
            assert_eq!(PKey::private_key_from_pkcs8(key.pkcs8()).unwrap().id(), Id::RSA_PSS);
            assert_eq!(key.public().bits, 2048);
        }
        let other = value(0x30, &[&plain.public().spki[4..4 + 13], &plain.public().spki[4 + 15..]].concat());
        let without_null = PublicKey::parse([&other[..4], &[0x30, 11], &other[6..]].concat()).unwrap();
        assert_ne!(without_null.spki, plain.public().spki);
        assert!(without_null.is_same_key(plain.public()));
    }

    #[test]
    fn an_inverse_that_is_not_reduced_is_damage() {
        let rsa = openssl::rsa::Rsa::private_key_from_der(&fixture("key/pkcs1.der")).unwrap();
        let part = |number: &openssl::bn::BigNumRef| value(2, &[&[0][..], &number.to_vec()].concat());
        let mut numbers = vec![value(2, &[0]), part(rsa.n()), part(rsa.e()), part(rsa.d())];
        for number in [rsa.p(), rsa.q(), rsa.dmp1(), rsa.dmq1()] {
            numbers.push(part(number.unwrap()));
        }
        let inverse = rsa.iqmp().unwrap();
        let good = value(0x30, &[numbers.concat(), part(inverse)].concat());
        assert!(PrivateKey::from_pkcs1(&good).is_ok());
        let sum = inverse + rsa.p().unwrap();
        let error = PrivateKey::from_pkcs1(&value(0x30, &[numbers.concat(), part(&sum)].concat())).unwrap_err();
        assert!(matches!(error, KeyError::Damaged), "{error}");
    }

    #[test]
    fn a_dsa_key_is_read_and_checked() {
        let dsa = PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap();
        let key = PrivateKey::from_pkcs8(&dsa.private_key_to_pkcs8().unwrap()).unwrap();
        assert_eq!((key.public().algorithm.as_str(), key.public().bits), ("DSA", 1024));
    }

    #[test]
    fn a_kind_that_is_not_supported_is_named() {
        let pkcs8 = |algorithm: &[u8]| value(0x30, &[&[2, 1, 0], algorithm, &[4, 2, 4, 0]].concat());
        let gost = pkcs8(&[0x30, 10, 6, 8, 0x2a, 0x85, 3, 7, 1, 1, 1, 1]);
        assert_eq!(PrivateKey::from_pkcs8(&gost).unwrap_err(), KeyError::Unsupported("1.2.643.7.1.1.1.1".to_owned()));
        let ed25519 = pkcs8(&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70]);
        assert_eq!(PrivateKey::from_pkcs8(&ed25519).unwrap_err(), KeyError::Damaged);
    }
}
