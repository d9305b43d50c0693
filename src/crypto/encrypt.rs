//! The encryptions that are written, each as its readers expect it.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockEncryptMut, KeyIvInit};
use pkcs8::der::Encode;
use pkcs8::pkcs5::pbes2;
use yasna::models::ObjectIdentifier;

use crate::crypto::cipher::Cipher;
use crate::crypto::kdf::{DerivedFor, Kdf};
use crate::secret::Encodings;

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

/// Something encrypted, with the algorithm and its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Encrypted {
    /// How it was encrypted.
    pub(crate) algorithm: p12::AlgorithmIdentifier,
    /// The encrypted bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Why something cannot be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be encrypted ({0})")]
pub(crate) struct EncryptError(String);

impl EncryptError {
    /// `why` in the words of the library that says so.
    pub(crate) fn new(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}

impl Encryption {
    /// Encrypts `plain` with a fresh salt, deriving the key with `iterations`.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn encrypt(
        self,
        password: &Encodings,
        iterations: u32,
        plain: &[u8],
    ) -> Result<Encrypted, EncryptError> {
        match self {
            Self::TripleDes => triple_des(password, iterations, plain),
            Self::Aes256 => aes256(password, iterations, plain),
        }
    }
}

/// Fresh random bytes.
///
/// # Errors
/// When the system has none to give.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], EncryptError> {
    let mut bytes = [0; N];
    getrandom::getrandom(&mut bytes).map_err(EncryptError::new)?;
    Ok(bytes)
}

fn triple_des(password: &Encodings, iterations: u32, plain: &[u8]) -> Result<Encrypted, EncryptError> {
    // The length that Keychain and OpenSSL use.
    let salt = random::<8>()?.to_vec();
    let password = password.wide.first().ok_or_else(|| EncryptError::new("no password"))?;
    let kdf = Kdf::Pkcs12 { salt: salt.clone(), iterations: iterations.into() };
    let derive =
        |purpose, length| kdf.derive(password, purpose, length).ok_or_else(|| EncryptError::new("too many iterations"));
    let (key_length, iv_length) = Cipher::TripleDes3.lengths();
    let (key, iv) = (derive(DerivedFor::Key, key_length)?, derive(DerivedFor::Iv, iv_length)?);
    let cipher = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &iv).map_err(EncryptError::new)?;
    let parameters = p12::Pkcs12PbeParams { salt, iterations: iterations.into() };
    Ok(Encrypted {
        algorithm: p12::AlgorithmIdentifier::PbeWithSHAAnd3KeyTripleDESCBC(parameters),
        bytes: cipher.encrypt_padded_vec_mut::<Pkcs7>(plain),
    })
}

fn aes256(password: &Encodings, iterations: u32, plain: &[u8]) -> Result<Encrypted, EncryptError> {
    let (salt, iv) = (random::<16>()?, random::<16>()?);
    let password = password.narrow.first().ok_or_else(|| EncryptError::new("no password"))?;
    let parameters = pbes2::Parameters::pbkdf2_sha256_aes256cbc(iterations, &salt, &iv).map_err(EncryptError::new)?;
    Ok(Encrypted {
        algorithm: p12::AlgorithmIdentifier::OtherAlg(p12::OtherAlgorithmIdentifier {
            algorithm_type: ObjectIdentifier::from_slice(&PBES2),
            params: Some(parameters.to_der().map_err(EncryptError::new)?),
        }),
        bytes: parameters.encrypt(password.as_slice(), plain).map_err(EncryptError::new)?,
    })
}
