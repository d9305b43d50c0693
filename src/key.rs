//! Private key formats: PKCS#8 (RFC 5208, 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915), and OpenSSL's encrypted PEM.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use pkcs1::RsaPrivateKey;
use pkcs8::PrivateKeyInfo;
use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::{Decode, Encode, Error as DerError};
use pkcs8::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::attribute::{Attribute, parse_attributes};
use crate::crypto::encrypt::{EncryptError, Encryption};
use crate::pem;
use crate::public_key::PublicKey;
use crate::secret::{Password, PasswordEncodings};

/// Iterations of PBKDF2 with HMAC-SHA-256 for keys that are written encrypted: OpenSSL's default is
/// 2048; this is what OWASP's Password Storage Cheat Sheet asks for.
pub(crate) const ENCRYPT_ITERATIONS: u32 = 600_000;

/// The private key could not be parsed, or not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the private key cannot be used ({0})")]
pub struct KeyError(String);

impl From<ErrorStack> for KeyError {
    fn from(error: ErrorStack) -> Self {
        let reason = match error.errors().first() {
            Some(first) => first.reason(),
            None => None,
        };
        Self(reason.unwrap_or("OpenSSL cannot read it").to_owned())
    }
}

impl From<DerError> for KeyError {
    fn from(error: DerError) -> Self {
        Self(error.to_string())
    }
}

impl From<EncryptError> for KeyError {
    fn from(error: EncryptError) -> Self {
        Self(error.to_string())
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
        let key = match PrivateKeyInfo::from_der(der) {
            Ok(info) if info.algorithm.oid == pkcs1::ALGORITHM_OID => Self::from_pkcs1(info.private_key)?,
            _ => Self::from_openssl(&PKey::private_key_from_pkcs8(der)?)?,
        };
        Ok(Self { attributes: parse_key_attributes(der), ..key })
    }

    /// Reads RSAPrivateKey.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        // A key in DER needs no OpenSSL, whose start takes longer than a whole conversion.
        let Ok(key) = RsaPrivateKey::from_der(der) else {
            return Self::from_openssl(&PKey::private_key_from_der(der)?);
        };
        let pkcs8 = Zeroizing::new(PrivateKeyInfo::new(pkcs1::ALGORITHM_ID, der).to_der()?);
        Self::from_parts(pkcs8, rsa_spki(&key)?)
    }

    /// Reads ECPrivateKey, with its curve.
    pub fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_openssl(&PKey::private_key_from_der(der)?)
    }

    /// Reads a PEM block in OpenSSL's old encryption (the header DEK-Info), or returns `None` if the password
    /// does not fit.
    pub fn from_encrypted_pem(block: &str, password: &Password) -> Option<Self> {
        let key = PKey::private_key_from_pem_passphrase(block.as_bytes(), password.as_bytes()).ok()?;
        Self::from_openssl(&key).ok()
    }

    fn from_openssl(key: &PKey<Private>) -> Result<Self, KeyError> {
        // OpenSSL keeps an EC key's form as it was read; what is written has its public half.
        if key.id() == Id::EC {
            key.ec_key()?.check_key()?;
        }
        let pkcs8 = Zeroizing::new(key.private_key_to_pkcs8()?);
        Self::from_parts(pkcs8, key.public_key_to_der()?)
    }

    fn from_parts(pkcs8: Zeroizing<Vec<u8>>, spki: Vec<u8>) -> Result<Self, KeyError> {
        match PublicKey::parse(spki) {
            Some(public) => Ok(Self { pkcs8, public, attributes: None }),
            None => Err(KeyError("its public half is damaged".to_owned())),
        }
    }

    /// Returns the PrivateKeyInfo, unencrypted, without attributes.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Returns the public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
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
            other => Err(KeyError(format!("a key of the kind {other} has no traditional form"))),
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

/// Encodes the public half as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
fn rsa_spki(key: &RsaPrivateKey<'_>) -> Result<Vec<u8>, DerError> {
    let public_key = key.public_key().to_der()?;
    let subject_public_key = BitStringRef::from_bytes(&public_key)?;
    SubjectPublicKeyInfoRef { algorithm: pkcs1::ALGORITHM_ID, subject_public_key }.to_der()
}

/// Reads the attributes `[0]` of PrivateKeyInfo. Damaged ones are none.
fn parse_key_attributes(pkcs8: &[u8]) -> Option<Vec<Attribute>> {
    let (info, _) = Value::parse_prefix(pkcs8)?;
    find_attributes(&info).unwrap_or(None)
}

fn find_attributes(info: &Value<'_>) -> Result<Option<Vec<Attribute>>, Malformed> {
    let mut fields = info.reader("private key");
    while let Some(field) = fields.try_next()? {
        if field.is_context(0) {
            return Ok(Some(parse_attributes(&field)?));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::fixture;

    #[test]
    fn rsa_keys_are_written_as_openssl_writes_them_however_they_are_encoded() {
        let canonical = fixture("key/pkcs1.der");
        let [0x30, 0x82, rest @ ..] = &canonical[..] else { panic!("the length takes two bytes") };
        let long_length = [&[0x30, 0x83, 0][..], rest].concat();
        let indefinite = [&[0x30, 0x80][..], &rest[2..], &[0, 0]].concat();
        let openssl = PKey::private_key_from_der(&canonical).unwrap();
        assert!(RsaPrivateKey::from_der(&canonical).is_ok());
        for encoded in [&canonical, &long_length, &indefinite] {
            let key = PrivateKey::from_pkcs1(encoded).unwrap();
            assert_eq!(key.pkcs8(), openssl.private_key_to_pkcs8().unwrap());
            assert_eq!(key.public().spki, openssl.public_key_to_der().unwrap());
        }
        for encoded in [&long_length, &indefinite] {
            assert!(RsaPrivateKey::from_der(encoded).is_err());
        }
    }
}
