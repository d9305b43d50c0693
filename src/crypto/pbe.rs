//! Password-based encryption: what an AlgorithmIdentifier asks for, and doing it.
//!
//! One table of schemes serves PKCS#12 (RFC 7292 appendix C) and encrypted PKCS#8 (RFC 8018). The
//! ciphers and key derivations themselves come from RustCrypto.

use std::fmt;

use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::crypto::cipher::Cipher;
use crate::crypto::kdf::DerivedFor;
pub(crate) use crate::crypto::kdf::{Kdf, Pbkdf2};
use crate::limits::{LimitError, Limits};
use crate::secret::Encodings;

const PBES2: Oid<'static> = oid!(1.2.840.113549.1.5.13);

/// The schemes of RFC 7292 appendix C: SHA-1, the KDF of appendix B, and a cipher.
static PKCS12_SCHEMES: [(Oid<'static>, &str, Cipher); 6] = [
    (oid!(1.2.840.113549.1.12.1.1), "pbeWithSHAAnd128BitRC4", Cipher::Rc4Bits128),
    (oid!(1.2.840.113549.1.12.1.2), "pbeWithSHAAnd40BitRC4", Cipher::Rc4Bits40),
    (oid!(1.2.840.113549.1.12.1.3), "pbeWithSHAAnd3-KeyTripleDES-CBC", Cipher::TripleDes3),
    (oid!(1.2.840.113549.1.12.1.4), "pbeWithSHAAnd2-KeyTripleDES-CBC", Cipher::TripleDes2),
    (oid!(1.2.840.113549.1.12.1.5), "pbeWithSHAAnd128BitRC2-CBC", Cipher::Rc2Bits128),
    (oid!(1.2.840.113549.1.12.1.6), "pbeWithSHAAnd40BitRC2-CBC", Cipher::Rc2Bits40),
];

/// The ciphers that PBES2 names (RFC 8018 appendix B.2, RFC 3565).
static PBES2_CIPHERS: [(Oid<'static>, Cipher); 5] = [
    (oid!(2.16.840.1.101.3.4.1.2), Cipher::Aes128),
    (oid!(2.16.840.1.101.3.4.1.22), Cipher::Aes192),
    (oid!(2.16.840.1.101.3.4.1.42), Cipher::Aes256),
    (oid!(1.2.840.113549.3.7), Cipher::TripleDes3),
    (oid!(1.3.14.3.2.7), Cipher::Des),
];

/// Names of algorithms that are recognised but not supported, for error messages.
static UNSUPPORTED: [(Oid<'static>, &str); 22] = [
    (oid!(1.2.840.113549.1.5.1), "pbeWithMD2AndDES-CBC"),
    (oid!(1.2.840.113549.1.5.3), "pbeWithMD5AndDES-CBC"),
    (oid!(1.2.840.113549.1.5.4), "pbeWithMD2AndRC2-CBC"),
    (oid!(1.2.840.113549.1.5.6), "pbeWithMD5AndRC2-CBC"),
    (oid!(1.2.840.113549.1.5.10), "pbeWithSHA1AndDES-CBC"),
    (oid!(1.2.840.113549.1.5.11), "pbeWithSHA1AndRC2-CBC"),
    (oid!(1.2.840.113549.3.2), "RC2-CBC"),
    (oid!(2.16.840.1.101.3.4.1.6), "AES-128-GCM"),
    (oid!(2.16.840.1.101.3.4.1.46), "AES-256-GCM"),
    (oid!(1.2.392.200011.61.1.1.1.2), "Camellia-128-CBC"),
    (oid!(1.2.392.200011.61.1.1.1.3), "Camellia-192-CBC"),
    (oid!(1.2.392.200011.61.1.1.1.4), "Camellia-256-CBC"),
    (oid!(1.2.410.200046.1.1.2), "ARIA-128-CBC"),
    (oid!(1.2.410.200046.1.1.12), "ARIA-256-CBC"),
    (oid!(1.2.410.200004.1.4), "SEED-CBC"),
    (oid!(1.2.643.2.2.21), "GOST 28147-89"),
    (oid!(1.2.840.113549.2.5), "MD5"),
    (oid!(1.3.36.3.2.1), "RIPEMD-160"),
    (oid!(2.16.840.1.101.3.4.2.6), "SHA-512/256"),
    (oid!(2.16.840.1.101.3.4.2.8), "SHA3-256"),
    (oid!(1.2.643.7.1.1.2.2), "GOST R 34.11-2012"),
    (oid!(1.3.6.1.4.1.11591.4.11), "scrypt"),
];

/// Why an AlgorithmIdentifier cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchemeError {
    /// It is not what its object identifier says.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It asks for an algorithm that is not implemented.
    #[error("{name} ({oid})")]
    Unsupported {
        /// The algorithm's usual name, or "unknown algorithm".
        name: &'static str,
        /// Its object identifier, dotted.
        oid: String,
    },
}

impl SchemeError {
    /// `oid` is not supported; its name is looked up.
    pub(crate) fn unsupported(oid: &Oid<'_>) -> Self {
        let name = UNSUPPORTED.iter().find(|(known, _)| known == oid);
        Self::Unsupported { name: name.map_or("unknown algorithm", |(_, name)| name), oid: oid.to_id_string() }
    }
}

/// A password-based encryption scheme with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scheme {
    kdf: Kdf,
    cipher: Cipher,
    /// `None` where the KDF makes it.
    iv: Option<Vec<u8>>,
    name: &'static str,
}

impl Scheme {
    /// Reads an AlgorithmIdentifier of an encryption.
    ///
    /// # Errors
    /// When it is malformed, or asks for what is not supported.
    pub(crate) fn parse(algorithm: &Value<'_>) -> Result<Self, SchemeError> {
        let mut fields = algorithm.reader("encryption algorithm");
        let oid = fields.required("its identifier")?.oid()?;
        if let Some((_, name, cipher)) = PKCS12_SCHEMES.iter().find(|(known, ..)| *known == oid) {
            let parameters = fields.required("its parameters")?;
            let p12::Pkcs12PbeParams { salt, iterations } =
                yasna::parse_ber(parameters.encoded(), p12::Pkcs12PbeParams::parse)
                    .map_err(|_| fields.malformed("its parameters are not a salt and a count"))?;
            return Ok(Self { kdf: Kdf::Pkcs12 { salt, iterations }, cipher: *cipher, iv: None, name });
        }
        if oid != PBES2 {
            return Err(SchemeError::unsupported(&oid));
        }
        let mut parts = fields.expect(Tag::Sequence, "its parameters")?.reader("PBES2 parameters");
        let kdf = Kdf::parse(&parts.expect(Tag::Sequence, "the key derivation")?)?;
        let mut encryption = parts.expect(Tag::Sequence, "the cipher")?.reader("PBES2 cipher");
        let oid = encryption.required("its identifier")?.oid()?;
        let (_, cipher) =
            PBES2_CIPHERS.iter().find(|(known, _)| *known == oid).ok_or_else(|| SchemeError::unsupported(&oid))?;
        let iv = encryption.expect(Tag::OctetString, "its initialization vector")?.octets()?.into_owned();
        if iv.len() != cipher.lengths().1 {
            return Err(encryption.malformed("its initialization vector has the wrong length").into());
        }
        Ok(Self { kdf, cipher: *cipher, iv: Some(iv), name: "PBES2" })
    }

    /// The iteration count of its key derivation.
    pub(crate) fn iterations(&self) -> u64 {
        self.kdf.iterations()
    }

    /// Decrypts with each encoding of the password until `accept` likes what comes out (a wrong
    /// password passes for right padding once in 256 times); `None` when none fits.
    ///
    /// # Errors
    /// When the derivations would exceed the limits.
    pub(crate) fn decrypt<T>(
        &self,
        password: &Encodings,
        ciphertext: &[u8],
        limits: &Limits,
        accept: impl Fn(Zeroizing<Vec<u8>>) -> Option<T>,
    ) -> Result<Option<T>, LimitError> {
        let encodings = match self.kdf {
            Kdf::Pkcs12 { .. } => &password.wide,
            Kdf::Pbkdf2(_) | Kdf::Scrypt { .. } => &password.narrow,
        };
        for encoding in encodings {
            let plain = self.decrypt_with(encoding, ciphertext, limits)?;
            if let Some(accepted) = plain.and_then(&accept) {
                return Ok(Some(accepted));
            }
        }
        Ok(None)
    }

    fn decrypt_with(
        &self,
        password: &[u8],
        ciphertext: &[u8],
        limits: &Limits,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LimitError> {
        let (key_length, iv_length) = self.cipher.lengths();
        let derive = |purpose, length| {
            limits.charge(self.kdf.work(), self.kdf.memory())?;
            Ok(self.kdf.derive(password, purpose, length))
        };
        let Some(key) = derive(DerivedFor::Key, key_length)? else { return Ok(None) };
        let iv = match &self.iv {
            Some(iv) => Some(Zeroizing::new(iv.clone())),
            None if iv_length == 0 => Some(Zeroizing::default()),
            None => derive(DerivedFor::Iv, iv_length)?,
        };
        Ok(iv.and_then(|iv| self.cipher.decrypt(&key, &iv, ciphertext)))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kdf {
            Kdf::Pkcs12 { .. } => f.write_str(self.name),
            kdf => write!(f, "{} ({kdf}, {})", self.name, self.cipher.name()),
        }
    }
}
