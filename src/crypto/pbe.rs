//! Password-based encryption schemes: those of PKCS#12 (RFC 7292 appendix C), PBES1 and PBES2 (RFC 8018).

use std::fmt;

use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::crypto::DecodeError;
use crate::crypto::cipher::{Cipher, Rc2Key};
use crate::crypto::digest::Hash;
use crate::crypto::kdf::{DerivedFor, Kdf, Pbkdf1, Pkcs12Kdf};
use crate::limits::{LimitError, Limits, work_over};
use crate::secret::PasswordEncodings;

const PBES2: Oid<'static> = oid!(1.2.840.113549.1.5.13);

/// A scheme with a name of its own: hash, key derivation and cipher are fixed.
struct NamedScheme {
    oid: Oid<'static>,
    name: &'static str,
    family: Family,
    hash: Hash,
    cipher: Cipher,
}

/// The key derivation of a scheme that has a name of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    /// RFC 7292 appendix C.
    Pkcs12,
    /// RFC 8018 appendix A.3.
    Pbes1,
}

macro_rules! schemes {
    ($($family:ident $hash:ident $name:literal $oid:expr => $cipher:expr;)*) => {
        [$(NamedScheme { oid: $oid, name: $name, family: Family::$family, hash: Hash::$hash, cipher: $cipher }),*]
    };
}

static NAMED_SCHEMES: [NamedScheme; 10] = schemes! {
    Pkcs12 Sha1 "pbeWithSHAAnd128BitRC4" oid!(1.2.840.113549.1.12.1.1) => Cipher::Rc4Bits128;
    Pkcs12 Sha1 "pbeWithSHAAnd40BitRC4" oid!(1.2.840.113549.1.12.1.2) => Cipher::Rc4Bits40;
    Pkcs12 Sha1 "pbeWithSHAAnd3-KeyTripleDES-CBC" oid!(1.2.840.113549.1.12.1.3) => Cipher::TripleDes3;
    Pkcs12 Sha1 "pbeWithSHAAnd2-KeyTripleDES-CBC" oid!(1.2.840.113549.1.12.1.4) => Cipher::TripleDes2;
    Pkcs12 Sha1 "pbeWithSHAAnd128BitRC2-CBC" oid!(1.2.840.113549.1.12.1.5) => Cipher::RC2_BITS_128;
    Pkcs12 Sha1 "pbeWithSHAAnd40BitRC2-CBC" oid!(1.2.840.113549.1.12.1.6) => Cipher::RC2_BITS_40;
    Pbes1 Md5 "pbeWithMD5AndDES-CBC" oid!(1.2.840.113549.1.5.3) => Cipher::Des;
    Pbes1 Md5 "pbeWithMD5AndRC2-CBC" oid!(1.2.840.113549.1.5.6) => Cipher::RC2_BITS_64;
    Pbes1 Sha1 "pbeWithSHA1AndDES-CBC" oid!(1.2.840.113549.1.5.10) => Cipher::Des;
    Pbes1 Sha1 "pbeWithSHA1AndRC2-CBC" oid!(1.2.840.113549.1.5.11) => Cipher::RC2_BITS_64;
};

/// A cipher that PBES2 names (RFC 8018 appendix B.2, RFC 3565, RFC 3657).
struct Pbes2Cipher {
    oid: Oid<'static>,
    cipher: Cipher,
}

static PBES2_CIPHERS: [Pbes2Cipher; 8] = [
    Pbes2Cipher { oid: oid!(2.16.840.1.101.3.4.1.2), cipher: Cipher::Aes128 },
    Pbes2Cipher { oid: oid!(2.16.840.1.101.3.4.1.22), cipher: Cipher::Aes192 },
    Pbes2Cipher { oid: oid!(2.16.840.1.101.3.4.1.42), cipher: Cipher::Aes256 },
    Pbes2Cipher { oid: oid!(1.2.840.113549.3.7), cipher: Cipher::TripleDes3 },
    Pbes2Cipher { oid: oid!(1.3.14.3.2.7), cipher: Cipher::Des },
    Pbes2Cipher { oid: oid!(1.2.392.200011.61.1.1.1.2), cipher: Cipher::Camellia128 },
    Pbes2Cipher { oid: oid!(1.2.392.200011.61.1.1.1.3), cipher: Cipher::Camellia192 },
    Pbes2Cipher { oid: oid!(1.2.392.200011.61.1.1.1.4), cipher: Cipher::Camellia256 },
];

/// RC2 in PBES2, whose parameters say how much of the key counts.
const RC2_CBC: Oid<'static> = oid!(1.2.840.113549.3.2);

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
        if let Some(scheme) = NAMED_SCHEMES.iter().find(|scheme| scheme.oid == identifier) {
            let Ok(kdf) = scheme.parse_parameters(&fields.required("its parameters")?) else {
                return Err(fields.malformed("its parameters are not a salt and a count").into());
            };
            return Ok(Self { kdf, cipher: scheme.cipher, iv: None, name: scheme.name });
        }
        if identifier != PBES2 {
            return Err(DecodeError::unsupported(part, &identifier));
        }
        Self::parse_pbes2(&fields.expect(Tag::Sequence, "its parameters")?, part)
    }

    fn parse_pbes2(parameters: &Value<'_>, part: &'static str) -> Result<Self, DecodeError> {
        let mut fields = parameters.reader("PBES2 parameters");
        let kdf = Kdf::parse(&fields.expect(Tag::Sequence, "the key derivation")?, part)?;
        let mut encryption = fields.expect(Tag::Sequence, "the cipher")?.reader("PBES2 cipher");
        let identifier = encryption.required("its identifier")?.oid()?;
        if identifier == RC2_CBC {
            return Self::parse_rc2(kdf, &encryption.required("its parameters")?);
        }
        let Some(Pbes2Cipher { cipher, .. }) = PBES2_CIPHERS.iter().find(|cipher| cipher.oid == identifier) else {
            return Err(DecodeError::unsupported(part, &identifier));
        };
        let iv = encryption.expect(Tag::OctetString, "its initialization vector")?.octets()?.into_owned();
        Ok(Self::with_cipher(kdf, *cipher, iv)?)
    }

    /// Reads the parameters of RC2 (RFC 8018 appendix B.2.3): a version, which stands for the bits of the key that
    /// count, and the initialization vector. Without a version 32 bits count.
    fn parse_rc2(kdf: Kdf, parameters: &Value<'_>) -> Result<Self, DecodeError> {
        let mut fields = parameters.reader("RC2 parameters");
        let mut iv = fields.required("the initialization vector")?;
        let mut effective_bits = 32;
        if iv.is(Tag::Integer) {
            effective_bits = match iv.unsigned()? {
                160 => 40,
                120 => 64,
                58 => 128,
                bits @ 256.. => bits,
                _ => return Err(fields.malformed("the version is unknown").into()),
            };
            iv = fields.required("the initialization vector")?;
        }
        let length = kdf.key_length().unwrap_or(effective_bits / 8);
        let Some(key) = Rc2Key::new(length, effective_bits) else {
            return Err(fields.malformed("the key length is impossible").into());
        };
        Ok(Self::with_cipher(kdf, Cipher::Rc2(key), iv.octets()?.into_owned())?)
    }

    /// Checks that the parameters of PBES2 fit the cipher.
    fn with_cipher(kdf: Kdf, cipher: Cipher, iv: Vec<u8>) -> Result<Self, Malformed> {
        if iv.len() != cipher.facts().iv_length {
            return Err(Malformed::new("PBES2 cipher", "its initialization vector has the wrong length"));
        }
        let fitting = match kdf.key_length() {
            Some(length) => cipher.with_key_length(length),
            None => Some(cipher),
        };
        match fitting {
            Some(cipher) => Ok(Self { kdf, cipher, iv: Some(iv), name: "PBES2" }),
            None => Err(Malformed::new("PBES2 parameters", "the key length does not fit the cipher")),
        }
    }

    /// Returns an error where no password could decrypt `ciphertext`, since it is cut short.
    pub(crate) fn check_length(&self, ciphertext: &[u8], part: &'static str) -> Result<(), Malformed> {
        if self.cipher.has_whole_blocks(ciphertext.len()) {
            return Ok(());
        }
        Err(Malformed::new(part, "the encrypted bytes are not whole blocks"))
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
            let attempt = limits.attempt();
            let plain = match &self.kdf {
                Kdf::Pbkdf1(kdf) => {
                    limits.charge(2 * work_over(ciphertext.len()), 0)?;
                    limits.charge(self.kdf.work(self.cipher.facts().key_length), self.kdf.memory())?;
                    self.decrypt_with_pbes1(kdf, encoding, ciphertext, is_right)
                }
                _ => self.decrypt_with(encoding, ciphertext, limits)?,
            };
            if let Some(plain) = plain
                && is_right(&plain)
            {
                return Ok(Some(plain));
            }
            limits.record_failure(attempt);
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
        limits.charge(work_over(ciphertext.len()), 0)?;
        let Some(key) = self.derive(password, DerivedFor::EncryptionKey, facts.key_length, limits)? else {
            return Ok(None);
        };
        if let Some(iv) = &self.iv {
            return Ok(self.cipher.decrypt(&key, iv, ciphertext));
        }
        if facts.iv_length == 0 {
            return Ok(self.cipher.decrypt(&key, &[], ciphertext));
        }
        let Some(iv) = self.derive(password, DerivedFor::Iv, facts.iv_length, limits)? else { return Ok(None) };
        Ok(self.cipher.decrypt(&key, &iv, ciphertext))
    }

    /// Decrypts with PBES1, whose one derivation gives the key and the vector: as RFC 8018 has it, then as NSS does.
    fn decrypt_with_pbes1(
        &self,
        kdf: &Pbkdf1,
        password: &[u8],
        ciphertext: &[u8],
        is_right: fn(&[u8]) -> bool,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let facts = self.cipher.facts();
        let digest = kdf.digest(password);
        let key = digest.get(..facts.key_length)?;
        for iv in kdf.vectors(&digest, facts.iv_length) {
            if let Some(plain) = self.cipher.decrypt(key, iv, ciphertext)
                && is_right(&plain)
            {
                return Some(plain);
            }
        }
        None
    }

    fn derive(
        &self,
        password: &[u8],
        purpose: DerivedFor,
        length: usize,
        limits: &Limits,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LimitError> {
        limits.charge(self.kdf.work(length), self.kdf.memory())?;
        Ok(self.kdf.derive(password, purpose, length))
    }
}

impl NamedScheme {
    /// Reads pkcs-12PbeParams (RFC 7292 appendix C) or PBEParameter (RFC 8018 appendix A.3), which are the same.
    fn parse_parameters(&self, parameters: &Value<'_>) -> Result<Kdf, Malformed> {
        let mut fields = parameters.reader("encryption algorithm");
        let salt = fields.expect(Tag::OctetString, "the salt")?.octets()?.into_owned();
        let iterations = fields.required("the iteration count")?.unsigned()?;
        let hash = self.hash;
        Ok(match self.family {
            Family::Pkcs12 => Kdf::Pkcs12(Pkcs12Kdf { hash, salt, iterations }),
            Family::Pbes1 => Kdf::Pbkdf1(Pbkdf1 { hash, salt, iterations }),
        })
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kdf {
            Kdf::Pkcs12(_) | Kdf::Pbkdf1(_) => f.write_str(self.name),
            kdf => write!(f, "{} ({kdf}, {})", self.name, self.cipher.facts().name),
        }
    }
}
