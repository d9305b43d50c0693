//! The ciphers that password-based encryption uses, as one table over RustCrypto's.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::consts::{U5, U16};
use cbc::cipher::{BlockCipher, BlockDecryptMut, InnerIvInit, KeyInit, KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

/// A cipher, with its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    Rc4Bits128,
    Rc4Bits40,
    Rc2Bits128,
    Rc2Bits40,
    TripleDes3,
    TripleDes2,
    Des,
    Aes128,
    Aes192,
    Aes256,
}

impl Cipher {
    /// Key and IV length in bytes.
    pub(crate) const fn lengths(self) -> (usize, usize) {
        match self {
            Self::Rc4Bits128 => (16, 0),
            Self::Rc4Bits40 => (5, 0),
            Self::Rc2Bits128 => (16, 8),
            Self::Rc2Bits40 => (5, 8),
            Self::TripleDes3 => (24, 8),
            Self::TripleDes2 => (16, 8),
            Self::Des => (8, 8),
            Self::Aes128 => (16, 16),
            Self::Aes192 => (24, 16),
            Self::Aes256 => (32, 16),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rc4Bits128 => "RC4-128",
            Self::Rc4Bits40 => "RC4-40",
            Self::Rc2Bits128 => "RC2-128-CBC",
            Self::Rc2Bits40 => "RC2-40-CBC",
            Self::TripleDes3 => "3DES-CBC",
            Self::TripleDes2 => "2-key 3DES-CBC",
            Self::Des => "DES-CBC",
            Self::Aes128 => "AES-128-CBC",
            Self::Aes192 => "AES-192-CBC",
            Self::Aes256 => "AES-256-CBC",
        }
    }

    /// The plain text, or `None` where the padding (or a length) is wrong.
    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = match self {
            Self::Rc4Bits128 => stream(rc4::Rc4::<U16>::new_from_slice(key).ok()?, &mut buffer),
            Self::Rc4Bits40 => stream(rc4::Rc4::<U5>::new_from_slice(key).ok()?, &mut buffer),
            Self::Rc2Bits128 | Self::Rc2Bits40 => {
                let block = rc2::Rc2::new_with_eff_key_len(key, key.len() * 8);
                let iv: [u8; 8] = iv.try_into().ok()?;
                unpad(cbc::Decryptor::inner_iv_init(block, &iv.into()), &mut buffer)?
            }
            Self::TripleDes3 => unpad(keyed::<des::TdesEde3>(key, iv)?, &mut buffer)?,
            Self::TripleDes2 => unpad(keyed::<des::TdesEde2>(key, iv)?, &mut buffer)?,
            Self::Des => unpad(keyed::<des::Des>(key, iv)?, &mut buffer)?,
            Self::Aes128 => unpad(keyed::<aes::Aes128>(key, iv)?, &mut buffer)?,
            Self::Aes192 => unpad(keyed::<aes::Aes192>(key, iv)?, &mut buffer)?,
            Self::Aes256 => unpad(keyed::<aes::Aes256>(key, iv)?, &mut buffer)?,
        };
        buffer.truncate(length);
        Some(buffer)
    }
}

fn keyed<C: BlockCipher + BlockDecryptMut + KeyInit>(key: &[u8], iv: &[u8]) -> Option<cbc::Decryptor<C>> {
    cbc::Decryptor::new_from_slices(key, iv).ok()
}

/// Decrypts in place and returns how much of the buffer is plain text.
fn unpad(decryptor: impl BlockDecryptMut, buffer: &mut [u8]) -> Option<usize> {
    decryptor.decrypt_padded_mut::<Pkcs7>(buffer).ok().map(<[u8]>::len)
}

fn stream(mut cipher: impl StreamCipher, buffer: &mut [u8]) -> usize {
    cipher.apply_keystream(buffer);
    buffer.len()
}
