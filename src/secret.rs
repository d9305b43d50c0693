//! Passwords, and the byte strings that writers of PKCS#12 make of them.

use std::fmt;

use zeroize::Zeroizing;

/// A password as the user gave it: bytes, wiped when dropped, never shown.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// Takes the bytes of a password, usually UTF-8.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes as given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns whether it is the empty password.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Returns the first line without its end.
pub(crate) fn first_line(bytes: &[u8]) -> &[u8] {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]),
        None => bytes,
    }
}

/// Overwrites the stack below the caller, where a library may have left a copy of a secret.
#[inline(never)]
pub(crate) fn wipe_stack() {
    // 16 KiB are more than a derivation or a cipher uses.
    std::hint::black_box(&mut [0_u8; 16 << 10]);
}

/// The encodings that writers have given one password, to be tried in turn. None of the lists is empty, and each
/// begins with the proper encoding.
#[derive(Clone)]
pub(crate) struct PasswordEncodings {
    /// For the KDF of RFC 7292 appendix B: BMPString with its two closing zero bytes. An absent
    /// password is no bytes at all, an empty one is the two zeros.
    pub(crate) bmp: Vec<Zeroizing<Vec<u8>>>,
    /// For PBKDF2 and scrypt (RFC 8018, RFC 9579): the bytes themselves, in UTF-8.
    pub(crate) raw: Vec<Zeroizing<Vec<u8>>>,
}

impl PasswordEncodings {
    /// Returns the encodings of `password`. `None` and the empty password both mean that there is none,
    /// which writers encode in two ways (RFC 7292 appendix B.1), so both are tried.
    pub(crate) fn of(password: Option<&Password>) -> Self {
        match password {
            Some(password) if !password.is_empty() => Self::of_bytes(password.as_bytes()),
            _ => Self { bmp: vec![bmp_string(""), Zeroizing::default()], raw: vec![Zeroizing::default()] },
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let given = Zeroizing::new(bytes.to_vec());
        // Each byte taken for a character: how old OpenSSL widened UTF-8, and Latin-1 always.
        let widened = latin1_to_utf8(bytes);
        let mut encodings = match std::str::from_utf8(bytes) {
            Ok(text) => {
                let mut raw = vec![given];
                raw.extend(utf8_to_latin1(text));
                raw.push(bmp_string(text));
                Self { bmp: vec![bmp_string(text), bmp_string(&widened)], raw }
            }
            Err(_) => {
                Self { bmp: vec![bmp_string(&widened)], raw: vec![given, Zeroizing::new(widened.as_bytes().to_vec())] }
            }
        };
        encodings.bmp.dedup();
        encodings.raw.dedup();
        encodings
    }
}

// Each of the following gets its full capacity at once: a vector that grows leaves copies behind.

/// Encodes text as BMPString (UTF-16, big-endian) with two closing zero bytes.
fn bmp_string(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_be_bytes());
    }
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

fn latin1_to_utf8(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for byte in bytes {
        text.push(char::from(*byte));
    }
    text
}

/// Returns `None` if a character is not in Latin-1.
fn utf8_to_latin1(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for character in text.chars() {
        bytes.push(u8::try_from(u32::from(character)).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> PasswordEncodings {
        PasswordEncodings::of(Some(&Password::new(bytes.to_vec())))
    }

    #[test]
    fn ascii_has_one_bmp_encoding() {
        let encodings = of(b"ab");
        assert_eq!(encodings.bmp, [Zeroizing::new(vec![0, b'a', 0, b'b', 0, 0])]);
        assert_eq!(*encodings.raw[0], b"ab");
    }

    #[test]
    fn absent_and_empty_are_both_tried() {
        let encodings = PasswordEncodings::of(None);
        assert_eq!(encodings.bmp, [Zeroizing::new(vec![0, 0]), Zeroizing::new(vec![])]);
    }

    #[test]
    fn non_ascii_is_tried_proper_then_widened() {
        let encodings = of("ä€".as_bytes());
        assert_eq!(*encodings.bmp[0], [0, 0xe4, 0x20, 0xac, 0, 0]);
        assert_eq!(*encodings.bmp[1], [0, 0xc3, 0, 0xa4, 0, 0xe2, 0, 0x82, 0, 0xac, 0, 0]);
        assert_eq!(of("ä".as_bytes()).raw[1].as_slice(), [0xe4]);
        assert_eq!(*of(&[0xe4]).bmp[0], [0, 0xe4, 0, 0], "Latin-1 bytes, widened");
    }

    #[test]
    fn a_line_loses_only_its_end() {
        assert_eq!(first_line(b"a b \r\nc"), b"a b ");
        assert_eq!(first_line(b" x"), b" x");
        assert_eq!(first_line(b"x\r"), b"x\r");
        assert_eq!(first_line(b""), b"");
    }

    #[test]
    fn debug_hides_it() {
        assert!(!format!("{:?}", Password::new(b"hunter2".to_vec())).contains("hunter2"));
    }
}
