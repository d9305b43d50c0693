//! Private key formats: PKCS#8 (RFC 5208, 5958), PKCS#1 (RFC 8017), SEC1 (RFC 5915), and OpenSSL's encrypted PEM.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value, encode_der};
use crate::attribute::{Attribute, parse_attributes};
use crate::crypto::encrypt::{EncryptError, Encryption};
use crate::pem;
use crate::public_key::PublicKey;
use crate::secret::{Password, PasswordEncodings};

/// Iterations of PBKDF2 with HMAC-SHA-256 for keys that are written encrypted: OpenSSL's default is
/// 2048; this is what OWASP's Password Storage Cheat Sheet asks for.
pub(crate) const ENCRYPT_ITERATIONS: u32 = 600_000;

/// rsaEncryption (RFC 8017 appendix A.1), as AlgorithmIdentifier with its NULL.
const RSA: Oid<'static> = oid!(1.2.840.113549.1.1.1);
const RSA_ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];

/// The tags that are written.
const INTEGER: u8 = 2;
const BIT_STRING: u8 = 3;
const OCTET_STRING: u8 = 4;
const SEQUENCE: u8 = 0x30;

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
        let key = match rsa_private_key(der) {
            Some(rsa) => Self::from_pkcs1(rsa)?,
            None => Self::from_openssl(&PKey::private_key_from_pkcs8(der)?)?,
        };
        Ok(Self { attributes: parse_key_attributes(der), ..key })
    }

    /// Reads RSAPrivateKey.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        // A canonical key needs no OpenSSL, whose start takes longer than a whole conversion.
        match CanonicalRsaKey::parse(der) {
            Some(key) => Self::from_parts(key.to_pkcs8(), key.to_spki()),
            None => Self::from_openssl(&PKey::private_key_from_der(der)?),
        }
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
            "RSA" => match rsa_private_key(&self.pkcs8) {
                Some(rsa) => Ok(pem::encode("RSA PRIVATE KEY", rsa)),
                None => Err(KeyError("it is not in PKCS#8".to_owned())),
            },
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

/// An RSAPrivateKey (RFC 8017 appendix A.1.2) of two primes, encoded as OpenSSL would encode it again.
struct CanonicalRsaKey<'a> {
    encoded: &'a [u8],
    modulus: &'a [u8],
    public_exponent: &'a [u8],
}

impl<'a> CanonicalRsaKey<'a> {
    fn parse(der: &'a [u8]) -> Option<Self> {
        let (key, rest) = Value::parse_prefix(der)?;
        let mut fields = key.reader("private key");
        let mut integers = Vec::new();
        while let Some(field) = fields.try_next().ok()? {
            if !is_canonical_unsigned(&field) {
                return None;
            }
            integers.push(field);
        }
        let [version, modulus, public_exponent, _, _, _, _, _, _] = integers[..] else { return None };
        let is_canonical = rest.is_empty() && key.has_der_header(SEQUENCE) && version.content() == [0];
        is_canonical.then_some(Self {
            encoded: der,
            modulus: modulus.encoded(),
            public_exponent: public_exponent.encoded(),
        })
    }

    /// Encodes PrivateKeyInfo (RFC 5208 section 5).
    fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let version = encode_der(INTEGER, &[&[0]]);
        encode_der(SEQUENCE, &[&version, &RSA_ALGORITHM, &encode_der(OCTET_STRING, &[self.encoded])])
    }

    /// Encodes SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
    fn to_spki(&self) -> Vec<u8> {
        let public_key = encode_der(SEQUENCE, &[self.modulus, self.public_exponent]);
        let unused_bits = [0];
        encode_der(SEQUENCE, &[&RSA_ALGORITHM, &encode_der(BIT_STRING, &[&unused_bits, &public_key])]).to_vec()
    }
}

/// Returns whether this is a non-negative INTEGER in DER.
fn is_canonical_unsigned(value: &Value<'_>) -> bool {
    let is_shortest = match value.content() {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [first, ..] => first & 0x80 == 0,
    };
    value.has_der_header(INTEGER) && is_shortest
}

/// Returns the RSAPrivateKey in a PrivateKeyInfo, if it is encoded in DER.
fn rsa_private_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (info, _) = Value::parse_prefix(pkcs8)?;
    let mut fields = info.reader("private key");
    let version = fields.required("the version").ok()?.unsigned().ok()?;
    let algorithm = fields.expect(Tag::Sequence, "the algorithm").ok()?;
    let key = fields.expect(Tag::OctetString, "the key").ok()?;
    let oid = algorithm.reader("algorithm").required("its identifier").ok()?.oid().ok()?;
    (version <= 1 && oid == RSA && key.has_der_header(OCTET_STRING)).then_some(key.content())
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
