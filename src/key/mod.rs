//! Private key formats: PKCS#8 (RFC 5208, 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915).

mod structure;

use std::fmt;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use pkcs8::PrivateKeyInfo;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode, Encode, Error as DerError};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use x509_parser::asn1_rs::Oid;
use zeroize::Zeroizing;

use crate::asn1::{Malformed, oid_text};
use crate::attribute::Attribute;
use crate::crypto::encrypt::{EncryptError, Encryption};
use crate::key::structure::{OwnForm, Pkcs8, charge_curve, lacks_curve, sec1_curve};
use crate::limits::LimitError;
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
    /// It was not checked.
    #[error("a private key was not checked: the file {0}")]
    Limit(LimitError),
}

impl From<LimitError> for KeyError {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
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
            RsaError::Limit(limit) => Self::Limit(limit),
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
            None => {
                info.charge()?;
                match PKey::private_key_from_pkcs8(der) {
                    Ok(key) => Self::from_openssl(&key)?,
                    Err(_) => return Err(unread(&info.algorithm, info.curve.as_ref())),
                }
            }
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
        match Self::from_own_form(der) {
            Err(KeyError::Unusable(_)) => Err(malformed.into()),
            read => read,
        }
    }

    /// Reads ECPrivateKey, with its curve. As OpenSSL does, reads another form of key too that stands in its place.
    pub fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        match Self::from_own_form(der) {
            Err(KeyError::Unusable(_)) if sec1_curve(der).is_some_and(|curve| is_prime_curve(curve.as_bytes())) => {
                Err(KeyError::Damaged)
            }
            Err(KeyError::Unusable(_)) if lacks_curve(der) => Err(KeyError::Unsupported(WITHOUT_CURVE.to_owned())),
            read => read,
        }
    }

    /// Reads a key in PKCS#8, a DSA key, or an EC key: each is known by its outline before OpenSSL computes with it.
    fn from_own_form(der: &[u8]) -> Result<Self, KeyError> {
        match OwnForm::of(der) {
            OwnForm::Pkcs8 => Self::from_pkcs8(der),
            OwnForm::Dsa(size) => {
                size.charge()?;
                Self::from_openssl(&PKey::private_key_from_der(der)?)
            }
            OwnForm::Ec => {
                charge_curve(sec1_curve(der).as_ref())?;
                Self::from_ec(&EcKey::private_key_from_der(der)?)
            }
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

const WITHOUT_CURVE: &str = "EC that does not say its curve";

/// Explains why OpenSSL does not read a key of this kind. What it knows is damaged.
fn unread(algorithm: &Oid<'_>, curve: Option<&Oid<'_>>) -> KeyError {
    let is_known = match curve {
        Some(curve) => is_prime_curve(curve.as_bytes()),
        None => public_key::is_known_to_openssl(algorithm),
    };
    match curve {
        _ if is_known => KeyError::Damaged,
        Some(curve) => KeyError::Unsupported(format!("EC on the curve {}", oid_text(curve))),
        None if *algorithm == public_key::EC => KeyError::Unsupported(WITHOUT_CURVE.to_owned()),
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

#[cfg(test)]
mod tests;
