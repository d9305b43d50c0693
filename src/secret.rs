//! Passwords, and the byte strings that writers of PKCS#12 have made of them.

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

    /// The bytes as given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the password is the empty one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The encodings of one password, the proper one first, each to be tried in turn.
#[derive(Clone)]
pub(crate) struct Encodings {
    /// For the KDF of RFC 7292 appendix B: BMPString with its two closing zero bytes. An absent
    /// password is no bytes at all, an empty one is the two zeros.
    pub(crate) wide: Vec<Zeroizing<Vec<u8>>>,
    /// For PBKDF2 and scrypt (RFC 8018, RFC 9579): the bytes themselves, in UTF-8.
    pub(crate) narrow: Vec<Zeroizing<Vec<u8>>>,
}

impl Encodings {
    /// The encodings of `password`; `None` and the empty password both stand for "there is none",
    /// which writers encode in two ways (RFC 7292 appendix B.1), so both are tried.
    pub(crate) fn of(password: Option<&Password>) -> Self {
        let bytes = password.map_or(&[][..], Password::as_bytes);
        if bytes.is_empty() {
            return Self { wide: vec![wide(""), Zeroizing::default()], narrow: vec![Zeroizing::default()] };
        }
        // Each byte taken for a character: how old OpenSSL widened UTF-8, and Latin-1 always.
        let by_byte = Zeroizing::new(bytes.iter().copied().map(char::from).collect::<String>());
        let narrow = |b: &[u8]| Zeroizing::new(b.to_vec());
        let mut all = match std::str::from_utf8(bytes) {
            Ok(text) => Self {
                wide: vec![wide(text), wide(&by_byte)],
                narrow: [Some(narrow(bytes)), latin1(text), Some(wide(text))].into_iter().flatten().collect(),
            },
            Err(_) => Self { wide: vec![wide(&by_byte)], narrow: vec![narrow(bytes), narrow(by_byte.as_bytes())] },
        };
        all.wide.dedup();
        all.narrow.dedup();
        all
    }
}

fn wide(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect())
}

fn latin1(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Encodings {
        Encodings::of(Some(&Password::new(bytes.to_vec())))
    }

    #[test]
    fn ascii_has_one_wide_encoding() {
        let e = of(b"ab");
        assert_eq!(e.wide, [Zeroizing::new(vec![0, b'a', 0, b'b', 0, 0])]);
        assert_eq!(*e.narrow[0], b"ab");
    }

    #[test]
    fn absent_and_empty_are_both_tried() {
        let e = Encodings::of(None);
        assert_eq!(e.wide, [Zeroizing::new(vec![0, 0]), Zeroizing::new(vec![])]);
    }

    #[test]
    fn non_ascii_is_tried_proper_then_widened() {
        let e = of("ä€".as_bytes());
        assert_eq!(*e.wide[0], [0, 0xe4, 0x20, 0xac, 0, 0]);
        assert_eq!(*e.wide[1], [0, 0xc3, 0, 0xa4, 0, 0xe2, 0, 0x82, 0, 0xac, 0, 0]);
        assert_eq!(of("ä".as_bytes()).narrow[1].as_slice(), [0xe4]);
        assert_eq!(*of(&[0xe4]).wide[0], [0, 0xe4, 0, 0], "Latin-1 bytes, widened");
    }

    #[test]
    fn debug_hides_it() {
        assert!(!format!("{:?}", Password::new(b"hunter2".to_vec())).contains("hunter2"));
    }
}
