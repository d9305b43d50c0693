//! OpenSSL's traditional encryption of a private key in PEM: the header `DEK-Info` (RFC 1421 section 4.6.1.3).

use md5::{Digest, Md5};
use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::crypto::DecodeError;
use crate::crypto::cipher::Cipher;
use crate::limits::{LimitError, Limits, work_over};
use crate::secret::{self, PasswordEncodings};

/// The name of the header in messages.
const PART: &str = "header DEK-Info";

/// The length of the salt: the first bytes of the initialization vector.
const SALT_LENGTH: usize = 8;

/// A cipher of the header, with the names that OpenSSL reads, in any case.
struct DekCipher {
    /// The one that it writes comes first.
    names: &'static [&'static str],
    cipher: Cipher,
}

static CIPHERS: [DekCipher; 12] = [
    DekCipher { names: &["DES-CBC", "DES"], cipher: Cipher::Des },
    DekCipher { names: &["DES-EDE-CBC"], cipher: Cipher::TripleDes2 },
    DekCipher { names: &["DES-EDE3-CBC", "DES3"], cipher: Cipher::TripleDes3 },
    DekCipher { names: &["AES-128-CBC", "AES128"], cipher: Cipher::Aes128 },
    DekCipher { names: &["AES-192-CBC", "AES192"], cipher: Cipher::Aes192 },
    DekCipher { names: &["AES-256-CBC", "AES256"], cipher: Cipher::Aes256 },
    DekCipher { names: &["RC2-CBC", "RC2", "RC2-128"], cipher: Cipher::RC2_BITS_128 },
    DekCipher { names: &["RC2-64-CBC", "RC2-64"], cipher: Cipher::RC2_BITS_64 },
    DekCipher { names: &["RC2-40-CBC", "RC2-40"], cipher: Cipher::RC2_BITS_40 },
    DekCipher { names: &["CAMELLIA-128-CBC", "CAMELLIA128"], cipher: Cipher::Camellia128 },
    DekCipher { names: &["CAMELLIA-192-CBC", "CAMELLIA192"], cipher: Cipher::Camellia192 },
    DekCipher { names: &["CAMELLIA-256-CBC", "CAMELLIA256"], cipher: Cipher::Camellia256 },
];

/// The value of the header, such as `AES-256-CBC,62F0…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DekInfo {
    cipher: Cipher,
    iv: Vec<u8>,
}

impl DekInfo {
    /// Reads the value of the header. No text of it enters an error.
    pub(crate) fn parse(value: &str) -> Result<Self, DecodeError> {
        let (name, hex) = match value.split_once(',') {
            Some((name, hex)) => (name.trim(), Some(hex.trim())),
            None => (value.trim(), None),
        };
        if name.is_empty() {
            return Err(Malformed::new(PART, "its cipher is missing").into());
        }
        let Some(cipher) = find_cipher(name) else {
            return Err(DecodeError::unsupported_cipher(name));
        };
        let Some(hex) = hex else {
            return Err(Malformed::new(PART, "its initialization vector is missing").into());
        };
        let Ok(iv) = data_encoding::HEXUPPER_PERMISSIVE.decode(hex.as_bytes()) else {
            return Err(Malformed::new(PART, "its initialization vector is not hexadecimal").into());
        };
        if iv.len() != cipher.facts().iv_length {
            return Err(Malformed::new(PART, "its initialization vector has the wrong length").into());
        }
        Ok(Self { cipher, iv })
    }

    /// Returns an error where no password could decrypt `ciphertext`, since it is cut short.
    pub(crate) fn check_length(&self, ciphertext: &[u8]) -> Result<(), Malformed> {
        if self.cipher.has_whole_blocks(ciphertext.len()) {
            return Ok(());
        }
        Err(Malformed::new("encrypted private key", "the encrypted bytes are not whole blocks"))
    }

    /// Decrypts with each encoding of the password until the plain text is a DER sequence. Returns `None` if no
    /// encoding fits.
    ///
    /// # Errors
    /// When the derivations would exceed the limits.
    pub(crate) fn decrypt(
        &self,
        password: &PasswordEncodings,
        ciphertext: &[u8],
        limits: &Limits,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LimitError> {
        for encoding in &password.raw {
            let attempt = limits.attempt();
            limits.charge(1 + work_over(ciphertext.len()), 0)?;
            let key = self.derive_key(encoding);
            if let Some(plain) = self.cipher.decrypt(&key, &self.iv, ciphertext)
                && is_one_sequence(&plain)
            {
                return Ok(Some(plain));
            }
            limits.record_failure(attempt);
        }
        Ok(None)
    }

    /// Derives the key as OpenSSL's `EVP_BytesToKey` does with MD5 and one round: blocks of
    /// MD5(block before, password, salt), joined.
    fn derive_key(&self, password: &[u8]) -> Zeroizing<Vec<u8>> {
        let length = self.cipher.facts().key_length;
        let mut block = Zeroizing::new([0; 16]);
        let mut key = Zeroizing::new(Vec::with_capacity(length + block.len()));
        while key.len() < length {
            let mut hash = Md5::new();
            if !key.is_empty() {
                hash.update(*block);
            }
            hash.update(password);
            hash.update(&self.iv[..SALT_LENGTH]);
            hash.finalize_into((&mut *block).into());
            key.extend_from_slice(&*block);
        }
        secret::wipe_stack();
        key.truncate(length);
        key
    }
}

fn find_cipher(name: &str) -> Option<Cipher> {
    for row in &CIPHERS {
        if row.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Some(row.cipher);
        }
    }
    None
}

fn is_one_sequence(plain: &[u8]) -> bool {
    match Value::parse_prefix(plain) {
        Some((value, [])) => value.is(Tag::Sequence),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::names::Remedy;

    const IV8: &str = "5405962ABF4A20AE";

    fn problem(value: &str) -> String {
        DekInfo::parse(value).unwrap_err().to_string()
    }

    #[test]
    fn names_are_read_in_any_case() {
        let expected = DekInfo { cipher: Cipher::TripleDes3, iv: vec![0x54, 0x05, 0x96, 0x2a, 0xbf, 0x4a, 0x20, 0xae] };
        for name in ["DES-EDE3-CBC", "des-ede3-cbc", "DES3"] {
            assert_eq!(DekInfo::parse(&format!("{name},{IV8}")), Ok(expected.clone()));
        }
        assert_eq!(DekInfo::parse("DES-EDE3-CBC , 5405962abf4a20ae "), Ok(expected));
    }

    #[test]
    fn a_cipher_is_named_only_if_openssl_has_one_of_this_name() {
        for (value, name, remedy) in [
            ("id-aes256-GCM,62F09B7F972DCD193439F6E6", "id-aes256-GCM", Remedy::ExportAgain),
            ("IDEA-CBC,5405962ABF4A20AE", "IDEA-CBC", Remedy::OpenSsl),
            ("seed-cbc,5405962ABF4A20AE5405962ABF4A20AE", "SEED-CBC", Remedy::OpenSsl),
            ("DES-CFB", "DES-CFB", Remedy::OpenSsl),
            ("hunter2,5405962ABF4A20AE", "an unknown cipher", Remedy::ExportAgain),
        ] {
            assert_eq!(DekInfo::parse(value), Err(DecodeError::UnsupportedCipher { name, remedy }), "{value}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_damage() {
        assert_eq!(problem(""), "the file is damaged: header DEK-Info: its cipher is missing");
        let damaged = "the file is damaged: header DEK-Info: its initialization vector";
        assert_eq!(problem("DES-CBC"), format!("{damaged} is missing"));
        assert_eq!(problem("DES-CBC,hunter2"), format!("{damaged} is not hexadecimal"));
        assert_eq!(problem("DES-CBC,5405962ABF4A20"), format!("{damaged} has the wrong length"));
        assert_eq!(problem("AES-256-CBC,5405962ABF4A20AE"), format!("{damaged} has the wrong length"));
        assert_eq!(problem("DES-CBC,"), format!("{damaged} has the wrong length"));
    }
}
