//! Password-based encryption schemes: those of PKCS#12 (RFC 7292 appendix C) and PBES2 (RFC 8018).

use std::fmt;

use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::crypto::DecodeError;
use crate::crypto::cipher::Cipher;
use crate::crypto::digest::Hash;
use crate::crypto::kdf::{DerivedFor, Kdf, Pkcs12Kdf};
use crate::limits::{LimitError, Limits};
use crate::secret::PasswordEncodings;

const PBES2: Oid<'static> = oid!(1.2.840.113549.1.5.13);

/// A scheme of RFC 7292 appendix C: SHA-1, the key derivation of appendix B, and a cipher.
struct Pkcs12Pbe {
    oid: Oid<'static>,
    name: &'static str,
    cipher: Cipher,
}

static PKCS12_SCHEMES: [Pkcs12Pbe; 6] = [
    Pkcs12Pbe { oid: oid!(1.2.840.113549.1.12.1.1), name: "pbeWithSHAAnd128BitRC4", cipher: Cipher::Rc4Bits128 },
    Pkcs12Pbe { oid: oid!(1.2.840.113549.1.12.1.2), name: "pbeWithSHAAnd40BitRC4", cipher: Cipher::Rc4Bits40 },
    Pkcs12Pbe {
        oid: oid!(1.2.840.113549.1.12.1.3),
        name: "pbeWithSHAAnd3-KeyTripleDES-CBC",
        cipher: Cipher::TripleDes3,
    },
    Pkcs12Pbe {
        oid: oid!(1.2.840.113549.1.12.1.4),
        name: "pbeWithSHAAnd2-KeyTripleDES-CBC",
        cipher: Cipher::TripleDes2,
    },
    Pkcs12Pbe { oid: oid!(1.2.840.113549.1.12.1.5), name: "pbeWithSHAAnd128BitRC2-CBC", cipher: Cipher::RC2_BITS_128 },
    Pkcs12Pbe { oid: oid!(1.2.840.113549.1.12.1.6), name: "pbeWithSHAAnd40BitRC2-CBC", cipher: Cipher::RC2_BITS_40 },
];

/// A cipher that PBES2 names (RFC 8018 appendix B.2, RFC 3565).
struct Pbes2Cipher {
    oid: Oid<'static>,
    cipher: Cipher,
}

static PBES2_CIPHERS: [Pbes2Cipher; 5] = [
    Pbes2Cipher { oid: oid!(2.16.840.1.101.3.4.1.2), cipher: Cipher::Aes128 },
    Pbes2Cipher { oid: oid!(2.16.840.1.101.3.4.1.22), cipher: Cipher::Aes192 },
    Pbes2Cipher { oid: oid!(2.16.840.1.101.3.4.1.42), cipher: Cipher::Aes256 },
    Pbes2Cipher { oid: oid!(1.2.840.113549.3.7), cipher: Cipher::TripleDes3 },
    Pbes2Cipher { oid: oid!(1.3.14.3.2.7), cipher: Cipher::Des },
];

/// A password-based encryption scheme with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scheme {
    kdf: Kdf,
    cipher: Cipher,
    /// `None` where the key derivation makes it.
    iv: Option<Vec<u8>>,
    name: &'static str,
}

impl Scheme {
    /// Reads the AlgorithmIdentifier of an encryption; `part` is what uses it.
    pub(crate) fn parse(algorithm: &Value<'_>, part: &'static str) -> Result<Self, DecodeError> {
        let mut fields = algorithm.reader("encryption algorithm");
        let identifier = fields.required("its identifier")?.oid()?;
        if let Some(scheme) = PKCS12_SCHEMES.iter().find(|scheme| scheme.oid == identifier) {
            let Ok(kdf) = pkcs12_parameters(&fields.required("its parameters")?) else {
                return Err(fields.malformed("its parameters are not a salt and a count").into());
            };
            return Ok(Self { kdf: Kdf::Pkcs12(kdf), cipher: scheme.cipher, iv: None, name: scheme.name });
        }
        if identifier != PBES2 {
            return Err(DecodeError::unsupported(part, &identifier));
        }
        let mut parameters = fields.expect(Tag::Sequence, "its parameters")?.reader("PBES2 parameters");
        let kdf = Kdf::parse(&parameters.expect(Tag::Sequence, "the key derivation")?, part)?;
        let mut encryption = parameters.expect(Tag::Sequence, "the cipher")?.reader("PBES2 cipher");
        let identifier = encryption.required("its identifier")?.oid()?;
        let Some(Pbes2Cipher { cipher, .. }) = PBES2_CIPHERS.iter().find(|cipher| cipher.oid == identifier) else {
            return Err(DecodeError::unsupported(part, &identifier));
        };
        let iv = encryption.expect(Tag::OctetString, "its initialization vector")?.octets()?.into_owned();
        if iv.len() != cipher.facts().iv_length {
            return Err(encryption.malformed("its initialization vector has the wrong length").into());
        }
        Ok(Self { kdf, cipher: *cipher, iv: Some(iv), name: "PBES2" })
    }

    /// Returns the iteration count of the key derivation.
    pub(crate) fn iterations(&self) -> u64 {
        self.kdf.iterations()
    }

    /// Decrypts with each encoding of the password until `is_right` accepts the plain text (a wrong password
    /// passes for right padding once in 256 times). Returns `None` if no encoding fits.
    ///
    /// # Errors
    /// When the derivations would exceed the limits.
    pub(crate) fn decrypt(
        &self,
        password: &PasswordEncodings,
        ciphertext: &[u8],
        limits: &Limits,
        is_right: fn(&[u8]) -> bool,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LimitError> {
        for encoding in self.kdf.encodings(password) {
            if let Some(plain) = self.decrypt_with(encoding, ciphertext, limits)?
                && is_right(&plain)
            {
                return Ok(Some(plain));
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
        let facts = self.cipher.facts();
        limits.charge(self.kdf.work(), self.kdf.memory())?;
        let Some(key) = self.kdf.derive(password, DerivedFor::EncryptionKey, facts.key_length) else { return Ok(None) };
        if let Some(iv) = &self.iv {
            return Ok(self.cipher.decrypt(&key, iv, ciphertext));
        }
        if facts.iv_length == 0 {
            return Ok(self.cipher.decrypt(&key, &[], ciphertext));
        }
        limits.charge(self.kdf.work(), self.kdf.memory())?;
        let Some(iv) = self.kdf.derive(password, DerivedFor::Iv, facts.iv_length) else { return Ok(None) };
        Ok(self.cipher.decrypt(&key, &iv, ciphertext))
    }
}

/// Reads pkcs-12PbeParams (RFC 7292 appendix C).
fn pkcs12_parameters(parameters: &Value<'_>) -> Result<Pkcs12Kdf, Malformed> {
    let mut fields = parameters.reader("encryption algorithm");
    let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
    let iterations = fields.required("the iteration count")?.unsigned()?;
    Ok(Pkcs12Kdf { hash: Hash::Sha1, salt, iterations })
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kdf {
            Kdf::Pkcs12(_) => f.write_str(self.name),
            kdf => write!(f, "{} ({kdf}, {})", self.name, self.cipher.facts().name),
        }
    }
}
