//! Passwords, and the byte strings that writers of PKCS#12 make of them.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
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

    /// Returns what is there by mistake more often than on purpose.
    pub(crate) fn oddity(&self) -> Option<PasswordOddity> {
        let bytes = self.as_bytes();
        if bytes.is_empty() {
            return Some(PasswordOddity::Empty);
        }
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            return Some(PasswordOddity::Utf16);
        }
        if bytes.contains(&0) {
            return Some(if has_stray_nul(bytes) { PasswordOddity::Nul } else { PasswordOddity::Utf16 });
        }
        if bytes.starts_with("\u{feff}".as_bytes()) {
            return Some(PasswordOddity::ByteOrderMark);
        }
        if matches!(bytes, [.., b'\n' | b'\r']) {
            return Some(PasswordOddity::LineEnd);
        }
        let Ok(text) = std::str::from_utf8(bytes) else { return Some(PasswordOddity::NotUtf8) };
        let (first, last) = (text.chars().next()?, text.chars().next_back()?);
        match (first, last) {
            _ if is_blank(first) || is_blank(last) => Some(PasswordOddity::Blank),
            ('"', '"') | ('\'', '\'') | ('“', '”') if first.len_utf8() < text.len() => Some(PasswordOddity::Quotes),
            _ if text.chars().any(|character| character != ' ' && is_blank(character)) => {
                Some(PasswordOddity::Invisible)
            }
            _ if is_text_in_hex(bytes) => Some(PasswordOddity::Hexadecimal),
            _ => None,
        }
    }
}

/// Returns whether a character is a space, or takes none at all.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Returns whether a text in UTF-8 has NULs in it, rather than each letter in UTF-16.
fn has_stray_nul(bytes: &[u8]) -> bool {
    let nuls = bytes.iter().filter(|byte| **byte == 0).count();
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    std::str::from_utf8(bytes).is_ok() && (!bytes[..end].contains(&0) || 3 * nuls < bytes.len())
}

/// Returns whether bytes are the digits of a text beyond ASCII, which macOS prints so.
fn is_text_in_hex(digits: &[u8]) -> bool {
    let Ok(decoded) = data_encoding::HEXLOWER_PERMISSIVE.decode(digits) else { return false };
    let decoded = Zeroizing::new(decoded);
    !decoded.is_ascii() && std::str::from_utf8(&decoded).is_ok()
}

/// Something in a password that is there by mistake more often than on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordOddity {
    /// It is empty, as a secret is that is not set.
    Empty,
    /// It is in UTF-16, as PowerShell writes files.
    Utf16,
    /// It has a NUL in it.
    Nul,
    /// It is in an older encoding, such as GBK or Latin-1.
    NotUtf8,
    /// It begins with the byte order mark of UTF-8.
    ByteOrderMark,
    /// It ends in LF or CR.
    LineEnd,
    /// It begins or ends with a space, or with a character that takes none.
    Blank,
    /// It stands in quotes.
    Quotes,
    /// It has a character inside that looks like a space, or like nothing.
    Invisible,
    /// It is a text beyond ASCII in hexadecimal digits, as macOS's `security` prints one.
    Hexadecimal,
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

/// The encodings that writers have given one password, to be tried in turn. None of the lists is empty, each begins with
/// the proper encoding, and none holds anything twice.
#[derive(Clone)]
pub(crate) struct PasswordEncodings {
    /// For the KDF of RFC 7292 appendix B: BMPString with its two closing zero bytes. An absent
    /// password is no bytes at all, an empty one is the two zeros.
    pub(crate) bmp: Vec<Zeroizing<Vec<u8>>>,
    /// For PBKDF1, PBKDF2 and scrypt (RFC 8018, RFC 9579): the bytes themselves, in UTF-8.
    pub(crate) raw: Vec<Zeroizing<Vec<u8>>>,
}

impl PasswordEncodings {
    /// Returns the encodings of `password` for PKCS#12. `None` and the empty password both mean that there is none,
    /// which writers encode in two ways (RFC 7292 appendix B.1), so both are tried.
    pub(crate) fn of(password: Option<&Password>) -> Self {
        let mut encodings = Self::for_key(password);
        // Writers that took it for the KDF of RFC 7292.
        if let Some(password) = password
            && !password.is_empty()
            && let Ok(text) = std::str::from_utf8(password.as_bytes())
        {
            add(&mut encodings.raw, bmp_string(text));
        }
        encodings
    }

    /// Returns the encodings of `password` for a private key that stands alone.
    pub(crate) fn for_key(password: Option<&Password>) -> Self {
        match password {
            Some(password) if !password.is_empty() => Self::of_bytes(password.as_bytes()),
            _ => Self { bmp: vec![bmp_string(""), Zeroizing::default()], raw: vec![Zeroizing::default()] },
        }
    }

    /// Leaves the proper encodings alone.
    pub(crate) fn keep_proper(&mut self) {
        self.bmp.truncate(1);
        self.raw.truncate(1);
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let widened = latin1_to_utf8(bytes);
            let raw = vec![Zeroizing::new(bytes.to_vec()), Zeroizing::new(widened.as_bytes().to_vec())];
            return Self { bmp: vec![bmp_string(&widened)], raw };
        };
        let forms = Forms::of(text);
        let mut encodings = Self { bmp: vec![], raw: vec![] };
        for form in forms.all() {
            add(&mut encodings.bmp, bmp_string(form));
            add(&mut encodings.raw, Zeroizing::new(form.as_bytes().to_vec()));
        }
        for form in forms.all() {
            // Each byte taken for a character: how old OpenSSL widened UTF-8, and Latin-1 always.
            add(&mut encodings.bmp, bmp_string(&latin1_to_utf8(form.as_bytes())));
            if let Some(latin1) = utf8_to_latin1(form) {
                add(&mut encodings.raw, latin1);
            }
        }
        encodings
    }
}

/// A password as it was given and in the normal forms of Unicode: of one that looks the same, a Mac may make other bytes.
struct Forms<'a> {
    given: &'a str,
    composed: Zeroizing<String>,
    decomposed: Zeroizing<String>,
}

impl<'a> Forms<'a> {
    fn of(given: &'a str) -> Self {
        if given.is_ascii() {
            return Self { given, composed: Zeroizing::default(), decomposed: Zeroizing::default() };
        }
        Self { given, composed: collect(given.nfc(), given.len()), decomposed: collect(given.nfd(), given.len()) }
    }

    /// Returns each form once, the one that was given first.
    fn all(&self) -> Vec<&str> {
        let mut forms = vec![self.given];
        for form in [&self.composed, &self.decomposed] {
            if !form.is_empty() && !forms.contains(&form.as_str()) {
                forms.push(form);
            }
        }
        forms
    }
}

/// Adds an encoding that is not there yet.
fn add(encodings: &mut Vec<Zeroizing<Vec<u8>>>, encoding: Zeroizing<Vec<u8>>) {
    if !encodings.contains(&encoding) {
        encodings.push(encoding);
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

/// Collects a normal form of `length` bytes of text, which takes three times as many at most (UAX 15).
fn collect(characters: impl Iterator<Item = char>, length: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(3 * length));
    for character in characters {
        text.push(character);
    }
    text
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
        let widened = vec![0, 0xc3, 0, 0xa4, 0, 0xe2, 0, 0x82, 0, 0xac, 0, 0];
        assert!(encodings.bmp[1..].contains(&Zeroizing::new(widened)));
        assert!(of("ä".as_bytes()).raw[1..].contains(&Zeroizing::new(vec![0xe4])));
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
    fn every_normal_form_is_tried_after_what_was_given() {
        let (composed, decomposed) = ("é".as_bytes(), "e\u{301}".as_bytes());
        let raw = |given: &[u8]| -> Vec<Vec<u8>> { of(given).raw.iter().map(|raw| raw.to_vec()).collect() };
        assert_eq!(raw(composed)[..3], [composed, decomposed, b"\xe9"]);
        assert_eq!(raw(decomposed)[..3], [decomposed, composed, b"\xe9"]);
        assert_eq!(*of(decomposed).bmp[0], [0, b'e', 3, 1, 0, 0]);
        assert_eq!(*of(decomposed).bmp[1], [0, 0xe9, 0, 0]);
    }

    #[test]
    fn no_encoding_is_tried_twice() {
        for password in ["push", "ä€", "e\u{301}", "ŵ\u{323}", "\u{212b}"] {
            let PasswordEncodings { bmp, raw } = of(password.as_bytes());
            for list in [bmp, raw] {
                for (index, encoding) in list.iter().enumerate() {
                    assert!(!list[..index].contains(encoding), "{password}");
                }
            }
        }
        assert_eq!(PasswordEncodings::for_key(Some(&Password::new(b"push".to_vec()))).raw.len(), 1);
    }

    #[test]
    fn what_is_there_by_mistake_is_found() {
        let oddity = |bytes: &[u8]| Password::new(bytes.to_vec()).oddity();
        assert_eq!(oddity(b"push"), None);
        assert_eq!(oddity(b"pu sh\"s"), None);
        assert_eq!(oddity(b"'"), None);
        assert_eq!(oddity(b""), Some(PasswordOddity::Empty));
        assert_eq!(oddity(b"push\n"), Some(PasswordOddity::LineEnd));
        assert_eq!(oddity(b"push\r"), Some(PasswordOddity::LineEnd));
        assert_eq!(oddity(b"push\r\n"), Some(PasswordOddity::LineEnd));
        assert_eq!(oddity(b"\xef\xbb\xbfpush"), Some(PasswordOddity::ByteOrderMark));
        assert_eq!(oddity(b"\xff\xfep\0u\0"), Some(PasswordOddity::Utf16));
        assert_eq!(oddity(b"\0p\0u"), Some(PasswordOddity::Utf16));
        assert_eq!(oddity(b"p\xfcsh"), Some(PasswordOddity::NotUtf8));
        assert_eq!(oddity(b" push"), Some(PasswordOddity::Blank));
        assert_eq!(oddity("push\u{a0}".as_bytes()), Some(PasswordOddity::Blank));
        assert_eq!(oddity("push\u{200b}".as_bytes()), Some(PasswordOddity::Blank));
        assert_eq!(oddity(b"\"push\""), Some(PasswordOddity::Quotes));
        for stray in [&b"push\0"[..], b"pu\0sh", b"p\0", b"push\0\0"] {
            assert_eq!(oddity(stray), Some(PasswordOddity::Nul), "{stray:?}");
        }
        assert_eq!(oddity(b"p\0u\0s\0h\0"), Some(PasswordOddity::Utf16));
        assert_eq!(oddity(b"\xac\x20a\0"), Some(PasswordOddity::Utf16));
        for hidden in ["pu\u{200b}sh", "pu\u{a0}sh", "pu\u{feff}sh", "pu\u{ad}sh"] {
            assert_eq!(oddity(hidden.as_bytes()), Some(PasswordOddity::Invisible), "{hidden:?}");
        }
        assert_eq!(oddity(b"70c3a4"), Some(PasswordOddity::Hexadecimal));
        for plain in ["70617373", "deadbeef", "70c3a", "correct horse"] {
            assert_eq!(oddity(plain.as_bytes()), None, "{plain}");
        }
        assert_eq!(oddity("“push”".as_bytes()), Some(PasswordOddity::Quotes));
    }

    #[test]
    fn debug_hides_it() {
        assert!(!format!("{:?}", Password::new(b"hunter2".to_vec())).contains("hunter2"));
    }
}
