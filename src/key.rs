//! Private keys in every coat: PKCS#8 (RFC 5208, 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915), and
//! OpenSSL's encrypted PEM.

use std::fmt;

use openssl::pkey::{Id, PKey, Private};
use pkcs1::UintRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{PrivateKeyInfo, pkcs5};
use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use crate::asn1::Value;
use crate::attribute::Attribute;
use crate::public_key::PublicKey;
use crate::secret::Password;

/// Iterations of PBKDF2 with HMAC-SHA-256 for keys that are written encrypted: OpenSSL's default is
/// 2048; this is what OWASP's Password Storage Cheat Sheet asks for.
pub(crate) const ENCRYPT_ITERATIONS: u32 = 600_000;

/// A key that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the private key cannot be used ({0})")]
pub struct BadKey(String);

impl BadKey {
    /// In OpenSSL's words.
    pub(crate) fn of(error: &openssl::error::ErrorStack) -> Self {
        Self(error.errors().first().and_then(|e| e.reason()).unwrap_or("OpenSSL cannot read it").to_owned())
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
    ///
    /// # Errors
    /// When neither this nor OpenSSL can make a key of it.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, BadKey> {
        let key = match PrivateKeyInfo::from_der(der) {
            Ok(info) if info.algorithm.oid == pkcs1::ALGORITHM_OID => Self::from_pkcs1(info.private_key),
            _ => openssl_key(PKey::private_key_from_pkcs8(der)),
        };
        key.map(|key| Self { attributes: attributes(der), ..key })
    }

    /// Reads RSAPrivateKey.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, BadKey> {
        // What this strict reader takes is canonical and needs no OpenSSL (whose start takes longer
        // than a whole conversion); for anything odd, OpenSSL is asked.
        let Ok(rsa) = pkcs1::RsaPrivateKey::from_der(der) else {
            return openssl_key(PKey::private_key_from_der(der));
        };
        let info = PrivateKeyInfo::new(pkcs1::ALGORITHM_ID, der);
        let pkcs8 = info.to_der().map_err(|e| BadKey(e.to_string()))?;
        let spki = rsa_spki(rsa.modulus, rsa.public_exponent).map_err(|e| BadKey(e.to_string()))?;
        Self::with_spki(pkcs8, spki)
    }

    /// Reads ECPrivateKey, with its curve.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_sec1(der: &[u8]) -> Result<Self, BadKey> {
        openssl_key(PKey::private_key_from_der(der))
    }

    /// Reads a PEM block in OpenSSL's old encryption (the header DEK-Info); `None` when the password
    /// does not fit.
    pub fn from_encrypted_pem(pem: &str, password: &Password) -> Option<Self> {
        openssl_key(PKey::private_key_from_pem_passphrase(pem.as_bytes(), password.as_bytes())).ok()
    }

    fn with_spki(pkcs8: Vec<u8>, spki: Vec<u8>) -> Result<Self, BadKey> {
        let pkcs8 = Zeroizing::new(pkcs8);
        let public = PublicKey::parse(spki).ok_or_else(|| BadKey("its public half is damaged".to_owned()))?;
        Ok(Self { pkcs8, public, attributes: None })
    }

    /// PrivateKeyInfo, unencrypted, without attributes.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The attributes inside the PrivateKeyInfo it was read from.
    pub fn attributes(&self) -> Option<&[Attribute]> {
        self.attributes.as_deref()
    }

    /// Whether it is of the kind that APNs' token signing keys are: EC on P-256.
    pub fn may_sign_tokens(&self) -> bool {
        self.public.algorithm == "EC" && self.public.bits == 256
    }

    /// The key as an unencrypted PEM block in PKCS#8.
    pub fn to_pem(&self) -> Zeroizing<String> {
        crate::pem::encode("PRIVATE KEY", &self.pkcs8)
    }

    /// The key as an unencrypted PEM block in its own form: "RSA PRIVATE KEY" or "EC PRIVATE KEY".
    ///
    /// # Errors
    /// When it has no such form.
    pub fn to_traditional_pem(&self) -> Result<Zeroizing<String>, BadKey> {
        match self.public.algorithm.as_str() {
            "RSA" => {
                let info = PrivateKeyInfo::from_der(&self.pkcs8).map_err(|e| BadKey(e.to_string()))?;
                Ok(super::pem::encode("RSA PRIVATE KEY", info.private_key))
            }
            "EC" => {
                let key = PKey::private_key_from_pkcs8(&self.pkcs8).and_then(|key| key.ec_key());
                let der = key.and_then(|key| key.private_key_to_der()).map_err(|e| BadKey(e.to_string()))?;
                Ok(super::pem::encode("EC PRIVATE KEY", &Zeroizing::new(der)))
            }
            other => Err(BadKey(format!("a key of the kind {other} has no traditional form"))),
        }
    }

    /// The key as an encrypted PEM block: PKCS#8 with PBES2, PBKDF2 with HMAC-SHA-256 and AES-256-CBC
    /// (RFC 8018).
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn to_encrypted_pem(&self, password: &Password) -> Result<Zeroizing<String>, BadKey> {
        let problem = |e: &dyn fmt::Display| BadKey(e.to_string());
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        getrandom::getrandom(&mut salt).map_err(|e| problem(&e))?;
        getrandom::getrandom(&mut iv).map_err(|e| problem(&e))?;
        let scheme = pkcs5::pbes2::Parameters::pbkdf2_sha256_aes256cbc(ENCRYPT_ITERATIONS, &salt, &iv)
            .map_err(|e| problem(&e))?;
        let info = PrivateKeyInfo::from_der(&self.pkcs8).map_err(|e| problem(&e))?;
        let encrypted = info.encrypt_with_params(scheme, password.as_bytes()).map_err(|e| problem(&e))?;
        Ok(super::pem::encode("ENCRYPTED PRIVATE KEY", encrypted.as_bytes()))
    }
}

fn rsa_spki(modulus: UintRef<'_>, public_exponent: UintRef<'_>) -> pkcs8::der::Result<Vec<u8>> {
    let public = pkcs1::RsaPublicKey { modulus, public_exponent }.to_der()?;
    let subject_public_key = pkcs8::der::asn1::BitStringRef::from_bytes(&public)?;
    let algorithm: AlgorithmIdentifierRef<'_> = pkcs1::ALGORITHM_ID;
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der()
}

fn openssl_key(key: Result<PKey<Private>, openssl::error::ErrorStack>) -> Result<PrivateKey, BadKey> {
    let convert = |key: PKey<Private>| {
        // OpenSSL keeps an EC key's form as it was read; what is written has its public half.
        if key.id() == Id::EC {
            key.ec_key()?.check_key()?;
        }
        Ok((key.private_key_to_pkcs8()?, key.public_key_to_der()?))
    };
    let (pkcs8, spki) = key.and_then(convert).map_err(|error| BadKey::of(&error))?;
    PrivateKey::with_spki(pkcs8, spki)
}

/// The attributes `[0]` of PrivateKeyInfo.
fn attributes(pkcs8: &[u8]) -> Option<Vec<Attribute>> {
    let (info, _) = Value::parse_prefix(pkcs8)?;
    let mut fields = info.reader("private key");
    while let Some(field) = fields.try_next().ok()? {
        if field.is_context(0) {
            return crate::attribute::parse_attributes(&field).ok();
        }
    }
    None
}

/// What a DER private key outside PKCS#8 is, told by its first fields.
pub(crate) fn traditional_kind(fields: &[Value<'_>]) -> Option<TraditionalKind> {
    match fields {
        [version, integer, ..] if version.is(Tag::Integer) && integer.is(Tag::Integer) && fields.len() >= 9 => {
            Some(TraditionalKind::Pkcs1)
        }
        [version, octets, ..] if version.unsigned() == Ok(1) && octets.is(Tag::OctetString) => {
            Some(TraditionalKind::Sec1)
        }
        _ => None,
    }
}

/// The two older structures of private keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TraditionalKind {
    Pkcs1,
    Sec1,
}
