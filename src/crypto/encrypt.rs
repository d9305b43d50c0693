//! The encryptions that are written, each as its readers expect it.

use std::num::TryFromIntError;

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockEncryptMut, KeyIvInit};
use pkcs5::pbes2;
use pkcs8::der::{Encode, Error as DerError};
use yasna::models::ObjectIdentifier;

use crate::crypto::cipher::Cipher;
use crate::crypto::digest::Hash;
use crate::crypto::kdf::{DerivedFor, Pkcs12Kdf};
use crate::secret::{self, PasswordEncodings};

/// PBES2 (RFC 8018 appendix A.4), as the DER writer takes it.
const PBES2: [u64; 7] = [1, 2, 840, 113_549, 1, 5, 13];

/// The encryption of something that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    /// pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292 appendix C).
    TripleDes,
    /// PBES2 with PBKDF2, HMAC-SHA-256 and AES-256-CBC (RFC 8018).
    Aes256,
}

/// Encrypted bytes, with the algorithm and its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Encrypted {
    pub(crate) algorithm: p12::AlgorithmIdentifier,
    pub(crate) bytes: Vec<u8>,
}

impl From<Encrypted> for p12::EncryptedPrivateKeyInfo {
    fn from(encrypted: Encrypted) -> Self {
        Self { encryption_algorithm: encrypted.algorithm, encrypted_data: encrypted.bytes }
    }
}

/// The reason why something cannot be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be encrypted ({0})")]
pub(crate) struct EncryptError(String);

impl From<getrandom::Error> for EncryptError {
    fn from(error: getrandom::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<cbc::cipher::InvalidLength> for EncryptError {
    fn from(error: cbc::cipher::InvalidLength) -> Self {
        Self(error.to_string())
    }
}

impl From<DerError> for EncryptError {
    fn from(error: DerError) -> Self {
        Self(error.to_string())
    }
}

impl From<pkcs5::Error> for EncryptError {
    fn from(error: pkcs5::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<TryFromIntError> for EncryptError {
    fn from(error: TryFromIntError) -> Self {
        Self(error.to_string())
    }
}

impl Encryption {
    /// Encrypts `plain` with a fresh salt, deriving the key with `iterations`.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn encrypt(
        self,
        password: &PasswordEncodings,
        iterations: u32,
        plain: &[u8],
    ) -> Result<Encrypted, EncryptError> {
        let encrypted = match self {
            Self::TripleDes => triple_des(&password.bmp[0], iterations, plain),
            Self::Aes256 => aes256(&password.raw[0], iterations, plain),
        };
        secret::wipe_stack();
        encrypted
    }
}

/// Returns fresh random bytes.
///
/// # Errors
/// When the system has none to give.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn triple_des(password: &[u8], iterations: u32, plain: &[u8]) -> Result<Encrypted, EncryptError> {
    // The length that Keychain and OpenSSL use.
    let salt = random::<8>()?.to_vec();
    let kdf = Pkcs12Kdf { hash: Hash::Sha1, salt: salt.clone(), iterations: iterations.into() };
    let facts = Cipher::TripleDes3.facts();
    let key = kdf.derive(password, DerivedFor::EncryptionKey, facts.key_length)?;
    let iv = kdf.derive(password, DerivedFor::Iv, facts.iv_length)?;
    let cipher = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &iv)?;
    let parameters = p12::Pkcs12PbeParams { salt, iterations: iterations.into() };
    Ok(Encrypted {
        algorithm: p12::AlgorithmIdentifier::PbeWithSHAAnd3KeyTripleDESCBC(parameters),
        bytes: cipher.encrypt_padded_vec_mut::<Pkcs7>(plain),
    })
}

fn aes256(password: &[u8], iterations: u32, plain: &[u8]) -> Result<Encrypted, EncryptError> {
    let (salt, iv) = (random::<16>()?, random::<16>()?);
    let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(iterations, &salt, &iv)?;
    Ok(Encrypted {
        algorithm: p12::AlgorithmIdentifier::OtherAlg(p12::OtherAlgorithmIdentifier {
            algorithm_type: ObjectIdentifier::from_slice(&PBES2),
            params: Some(parameters.to_der()?),
        }),
        bytes: parameters.encrypt(password, plain)?,
    })
}
