//! The encryptions that are written, each as its readers expect it.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockEncryptMut, KeyIvInit};
use yasna::models::ObjectIdentifier;

use crate::crypto::cipher::Cipher;
use crate::crypto::digest::Hash;
use crate::crypto::kdf::{DerivedFor, Pkcs12Kdf};
use crate::secret::PasswordEncodings;

/// PBES2 and PBKDF2 (RFC 8018 appendix A), as the DER writer takes them.
const PBES2: [u64; 7] = [1, 2, 840, 113_549, 1, 5, 13];
const PBKDF2: [u64; 7] = [1, 2, 840, 113_549, 1, 5, 12];
/// HMAC with SHA-256, and AES-256-CBC (RFC 8018 appendix B).
const HMAC_SHA256: [u64; 6] = [1, 2, 840, 113_549, 2, 9];
const AES256_CBC: [u64; 9] = [2, 16, 840, 1, 101, 3, 4, 1, 42];

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
        match self {
            Self::TripleDes => triple_des(&password.bmp[0], iterations, plain),
            Self::Aes256 => aes256(&password.raw[0], iterations, plain),
        }
    }
}

/// Returns fresh random bytes.
///
/// # Errors
/// When the system has none to give.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::getrandom(&mut bytes)?;
    Ok(bytes)
}

fn triple_des(password: &[u8], iterations: u32, plain: &[u8]) -> Result<Encrypted, EncryptError> {
    // The length that Keychain and OpenSSL use.
    let salt = random::<8>()?.to_vec();
    let kdf = Pkcs12Kdf { hash: Hash::Sha1, salt: salt.clone(), iterations: iterations.into() };
    let facts = Cipher::TripleDes3.facts();
    let key = kdf.derive(password, DerivedFor::Key, facts.key_length);
    let iv = kdf.derive(password, DerivedFor::Iv, facts.iv_length);
    let cipher = cbc::Encryptor::<des::TdesEde3>::new_from_slices(&key, &iv)?;
    let parameters = p12::Pkcs12PbeParams { salt, iterations: iterations.into() };
    Ok(Encrypted {
        algorithm: p12::AlgorithmIdentifier::PbeWithSHAAnd3KeyTripleDESCBC(parameters),
        bytes: cipher.encrypt_padded_vec_mut::<Pkcs7>(plain),
    })
}

fn aes256(password: &[u8], iterations: u32, plain: &[u8]) -> Result<Encrypted, EncryptError> {
    let (salt, iv) = (random::<16>()?, random::<16>()?);
    let key = Hash::Sha256.pbkdf2(password, &salt, iterations, Cipher::Aes256.facts().key_length);
    let cipher = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key, &iv)?;
    Ok(Encrypted {
        algorithm: p12::AlgorithmIdentifier::OtherAlg(p12::OtherAlgorithmIdentifier {
            algorithm_type: ObjectIdentifier::from_slice(&PBES2),
            params: Some(pbes2_parameters(&salt, iterations, &iv)),
        }),
        bytes: cipher.encrypt_padded_vec_mut::<Pkcs7>(plain),
    })
}

/// Writes PBES2-params (RFC 8018 appendix A.4).
fn pbes2_parameters(salt: &[u8], iterations: u32, iv: &[u8]) -> Vec<u8> {
    let write_oid = |writer: yasna::DERWriter<'_>, oid: &[u64]| writer.write_oid(&ObjectIdentifier::from_slice(oid));
    yasna::construct_der(|writer| {
        writer.write_sequence(|scheme| {
            scheme.next().write_sequence(|kdf| {
                write_oid(kdf.next(), &PBKDF2);
                kdf.next().write_sequence(|parameters| {
                    parameters.next().write_bytes(salt);
                    parameters.next().write_u32(iterations);
                    parameters.next().write_sequence(|prf| {
                        write_oid(prf.next(), &HMAC_SHA256);
                        prf.next().write_null();
                    });
                });
            });
            scheme.next().write_sequence(|cipher| {
                write_oid(cipher.next(), &AES256_CBC);
                cipher.next().write_bytes(iv);
            });
        });
    })
}
