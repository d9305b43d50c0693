//! The ciphers that password-based encryption uses. They come from RustCrypto.

use cbc::cipher::block_padding::{Pkcs7, RawPadding};
use cbc::cipher::consts::{U5, U16};
use cbc::cipher::{Block, BlockCipher, BlockDecryptMut, InnerIvInit, KeyInit, KeyIvInit, StreamCipher};
use zeroize::Zeroizing;

/// A cipher, with its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cipher {
    Rc4Bits128,
    Rc4Bits40,
    Rc2(Rc2Key),
    TripleDes3,
    TripleDes2,
    Des,
    Aes128,
    Aes192,
    Aes256,
    Camellia128,
    Camellia192,
    Camellia256,
}

/// The two lengths of a key of RC2 (RFC 2268), which says apart from its length how much of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rc2Key {
    /// In bytes.
    length: usize,
    effective_bits: usize,
}

/// The name of a cipher and the lengths that it takes, in bytes.
pub(crate) struct CipherFacts {
    pub(crate) name: &'static str,
    pub(crate) key_length: usize,
    /// That of a block too; 0 for a stream cipher.
    pub(crate) iv_length: usize,
}

impl Rc2Key {
    /// Returns `None` for lengths that RC2 does not have (RFC 2268 section 2).
    pub(crate) fn new(length: u64, effective_bits: u64) -> Option<Self> {
        if !(1..=128).contains(&length) || !(1..=1024).contains(&effective_bits) {
            return None;
        }
        Some(Self { length: usize::try_from(length).ok()?, effective_bits: usize::try_from(effective_bits).ok()? })
    }
}

impl Cipher {
    pub(crate) const RC2_BITS_128: Self = Self::Rc2(Rc2Key { length: 16, effective_bits: 128 });
    pub(crate) const RC2_BITS_64: Self = Self::Rc2(Rc2Key { length: 8, effective_bits: 64 });
    pub(crate) const RC2_BITS_40: Self = Self::Rc2(Rc2Key { length: 5, effective_bits: 40 });

    pub(crate) const fn facts(self) -> CipherFacts {
        match self {
            Self::Rc4Bits128 => CipherFacts { name: "RC4-128", key_length: 16, iv_length: 0 },
            Self::Rc4Bits40 => CipherFacts { name: "RC4-40", key_length: 5, iv_length: 0 },
            Self::Rc2(key) => CipherFacts { name: key.name(), key_length: key.length, iv_length: 8 },
            Self::TripleDes3 => CipherFacts { name: "3DES-CBC", key_length: 24, iv_length: 8 },
            Self::TripleDes2 => CipherFacts { name: "2-key 3DES-CBC", key_length: 16, iv_length: 8 },
            Self::Des => CipherFacts { name: "DES-CBC", key_length: 8, iv_length: 8 },
            Self::Aes128 => CipherFacts { name: "AES-128-CBC", key_length: 16, iv_length: 16 },
            Self::Aes192 => CipherFacts { name: "AES-192-CBC", key_length: 24, iv_length: 16 },
            Self::Aes256 => CipherFacts { name: "AES-256-CBC", key_length: 32, iv_length: 16 },
            Self::Camellia128 => CipherFacts { name: "Camellia-128-CBC", key_length: 16, iv_length: 16 },
            Self::Camellia192 => CipherFacts { name: "Camellia-192-CBC", key_length: 24, iv_length: 16 },
            Self::Camellia256 => CipherFacts { name: "Camellia-256-CBC", key_length: 32, iv_length: 16 },
        }
    }

    /// Returns the cipher that takes a key of `length` bytes, where a file names this one. NSS 3.21 encrypted with AES-256
    /// or Camellia-256 and named the shorter ones; the length was right.
    pub(crate) fn with_key_length(self, length: u64) -> Option<Self> {
        let family = match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => &[Self::Aes128, Self::Aes192, Self::Aes256][..],
            Self::Camellia128 | Self::Camellia192 | Self::Camellia256 => {
                &[Self::Camellia128, Self::Camellia192, Self::Camellia256]
            }
            _ => &[self],
        };
        let length = usize::try_from(length).ok()?;
        family.iter().copied().find(|cipher| cipher.facts().key_length == length)
    }

    /// Returns whether a ciphertext may have this length: whole blocks, and one at least.
    pub(crate) fn has_whole_blocks(self, length: usize) -> bool {
        match self.facts().iv_length {
            0 => true,
            block => length > 0 && length.is_multiple_of(block),
        }
    }

    /// Returns the plain text, or `None` where the padding (or a length) is wrong.
    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = match self {
            Self::Rc4Bits128 => apply_stream(rc4::Rc4::<U16>::new_from_slice(key).ok()?, &mut buffer),
            Self::Rc4Bits40 => apply_stream(rc4::Rc4::<U5>::new_from_slice(key).ok()?, &mut buffer),
            Self::Rc2(lengths) => unpad(lengths.decryptor(key, iv)?, &mut buffer)?,
            Self::TripleDes3 => unpad(cbc_decryptor::<des::TdesEde3>(key, iv)?, &mut buffer)?,
            Self::TripleDes2 => unpad(cbc_decryptor::<des::TdesEde2>(key, iv)?, &mut buffer)?,
            Self::Des => unpad(cbc_decryptor::<des::Des>(key, iv)?, &mut buffer)?,
            Self::Aes128 => unpad(cbc_decryptor::<aes::Aes128>(key, iv)?, &mut buffer)?,
            Self::Aes192 => unpad(cbc_decryptor::<aes::Aes192>(key, iv)?, &mut buffer)?,
            Self::Aes256 => unpad(cbc_decryptor::<aes::Aes256>(key, iv)?, &mut buffer)?,
            Self::Camellia128 => unpad(cbc_decryptor::<camellia::Camellia128>(key, iv)?, &mut buffer)?,
            Self::Camellia192 => unpad(cbc_decryptor::<camellia::Camellia192>(key, iv)?, &mut buffer)?,
            Self::Camellia256 => unpad(cbc_decryptor::<camellia::Camellia256>(key, iv)?, &mut buffer)?,
        };
        buffer.truncate(length);
        Some(buffer)
    }
}

impl Rc2Key {
    const fn name(self) -> &'static str {
        match self.effective_bits {
            128 => "RC2-128-CBC",
            64 => "RC2-64-CBC",
            40 => "RC2-40-CBC",
            _ => "RC2-CBC",
        }
    }

    fn decryptor(self, key: &[u8], iv: &[u8]) -> Option<cbc::Decryptor<rc2::Rc2>> {
        if key.len() != self.length {
            return None;
        }
        let block = rc2::Rc2::new_with_eff_key_len(key, self.effective_bits);
        let iv: [u8; 8] = iv.try_into().ok()?;
        Some(cbc::Decryptor::inner_iv_init(block, &iv.into()))
    }
}

fn cbc_decryptor<C: BlockCipher + BlockDecryptMut + KeyInit>(key: &[u8], iv: &[u8]) -> Option<cbc::Decryptor<C>> {
    cbc::Decryptor::new_from_slices(key, iv).ok()
}

/// Decrypts in place and returns how much of the buffer is plain text. It goes block by block: the several blocks
/// that AES decrypts at once would stay on the stack.
fn unpad<C: BlockDecryptMut>(mut decryptor: C, buffer: &mut [u8]) -> Option<usize> {
    let size = C::block_size();
    if !buffer.len().is_multiple_of(size) {
        return None;
    }
    for block in buffer.chunks_exact_mut(size) {
        decryptor.decrypt_block_mut(Block::<C>::from_mut_slice(block));
    }
    let before = buffer.len().checked_sub(size)?;
    let last = Pkcs7::raw_unpad(&buffer[before..]).ok()?;
    Some(before + last.len())
}

fn apply_stream(mut cipher: impl StreamCipher, buffer: &mut [u8]) -> usize {
    cipher.apply_keystream(buffer);
    buffer.len()
}
