//! Keys in a text that are of no form which is read: whether there may be one, and the texts of keys that were read.

use crate::container::lookalike::Lookalike;
use crate::container::{Contents, MAX_UNREAD};
use crate::pem::{MIN_KEY, is_base64};
use crate::public_key::KeyIdentity;
use crate::text;

/// The beginnings of lines that OpenSSL writes beside PEM blocks, in small letters.
const COMMENTS: [&[u8]; 14] = [
    b"bag attributes",
    b"key attributes",
    b"friendlyname:",
    b"localkeyid:",
    b"microsoft csp name:",
    b"microsoft local key set:",
    b"subject=",
    b"issuer=",
    b"serial=",
    b"notbefore=",
    b"notafter=",
    b"sha1 fingerprint=",
    b"sha256 fingerprint=",
    b"mac: ",
];

/// Those of [`COMMENTS`] that a name follows which somebody gave.
const NAMES: [&[u8]; 2] = [b"friendlyname:", b"microsoft csp name:"];

/// The fewest digits of a key: half of the 64 signs of 32 bytes in hexadecimal, and fewer than in other numbers.
const MIN_DIGITS: usize = 32;

/// The fewest characters of a key in Base64: 32 bytes take 43.
const MIN_WORD: usize = 40;

/// The fewest characters of a part of such a key, where it is broken over lines.
const MIN_PART: usize = 16;

/// The fewest bytes of a key that are no text: of 32 that are random, half are on average.
const MIN_BYTES: usize = 8;

/// Returns whether a text may hold a key in a form that is not read: many digits, words in which capitals, small
/// letters and digits are mixed, long ones of one case and digits, or bytes that are no text.
pub(super) fn may_hide_key(text: &[u8]) -> bool {
    let (mut digits, mut mixed, mut bytes) = (0, 0, 0);
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = line.trim_ascii();
        if let Some(start) = COMMENTS.iter().find(|start| begins_with(line, start)) {
            if NAMES.contains(start) && is_key_name(&line[start.len()..]) {
                return true;
            }
            continue;
        }
        digits += line.iter().filter(|byte| byte.is_ascii_digit()).count();
        bytes += count_bytes(line);
        for word in line.split(|byte| !is_base64(*byte) && !matches!(byte, b'-' | b'_')) {
            if word.len() >= MIN_PART && is_mixed(word) {
                mixed += word.len();
            } else if word.split(|byte| !byte.is_ascii_alphanumeric()).any(is_one_case_key) {
                return true;
            }
        }
    }
    digits >= MIN_DIGITS || mixed >= MIN_WORD || bytes >= MIN_BYTES
}

/// Returns whether what follows a value may be a key: a text with one in it, or as many other bytes.
pub(super) fn may_hide_key_behind(rest: &[u8]) -> bool {
    let is_text = std::str::from_utf8(rest)
        .is_ok_and(|text| text.chars().all(|character| !character.is_control() || character.is_ascii_whitespace()));
    rest.len() >= MIN_KEY && (!is_text || may_hide_key(rest))
}

/// Counts the bytes of a line that are no text: neither UTF-8 nor letters of Latin-1 that stand alone among those of ASCII.
fn count_bytes(line: &[u8]) -> usize {
    let (mut count, mut position) = (0, 0);
    for chunk in line.utf8_chunks() {
        let start = position + chunk.valid().len();
        position = start + chunk.invalid().len();
        let is_letter = matches!(chunk.invalid(), [FIRST_LETTER..=u8::MAX])
            && line[..start].last().is_none_or(is_of_words)
            && line[position..].first().is_none_or(is_of_words);
        if !is_letter {
            count += chunk.invalid().len();
        }
    }
    count
}

/// The first letter of Latin-1 beyond ASCII. Nearly all after it are letters.
const FIRST_LETTER: u8 = 0xc0;

/// Returns whether a byte stands beside letters in a text.
fn is_of_words(byte: &u8) -> bool {
    byte.is_ascii_alphabetic()
        || matches!(byte, b' ' | b'\t' | b'.' | b',' | b':' | b';' | b'-' | b'(' | b')' | b'"' | b'\'')
}

/// The beginning of a PEM block.
const BEGIN: &[u8] = b"-BEGIN ";

/// Returns whether a name that stands beside a PEM block may be a key, or has a block in it.
pub(super) fn is_key_name(name: &[u8]) -> bool {
    name.len() > text::LONGEST_NAME
        || memchr::memmem::find(name, BEGIN).is_some()
        || text::may_be_key(&String::from_utf8_lossy(name))
}

fn begins_with(line: &[u8], start: &[u8]) -> bool {
    line.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn is_mixed(word: &[u8]) -> bool {
    word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().any(u8::is_ascii_digit)
}

/// Returns whether a word is a key in Base32 or Bech32, as those of age are: letters of one case, and digits. Fingerprints
/// are in hexadecimal, and age1 begins a public key.
fn is_one_case_key(word: &[u8]) -> bool {
    word.len() >= MIN_WORD
        && word.iter().any(u8::is_ascii_digit)
        && !word.iter().all(u8::is_ascii_hexdigit)
        && !word.starts_with(b"age1")
        && (word.iter().all(|byte| !byte.is_ascii_lowercase()) || word.iter().all(|byte| !byte.is_ascii_uppercase()))
}

/// The most texts of keys that are compared with the keys of a file.
const MAX_COMPARED: usize = 8;

/// The most bytes of such a text.
const MAX_KEY_TEXT: usize = 32 << 10;

/// The texts of keys (openssl -text) in a file.
#[derive(Default)]
pub(super) struct KeyTexts<'a>(Vec<KeyText<'a>>);

struct KeyText<'a> {
    place: String,
    text: &'a [u8],
}

impl<'a> KeyTexts<'a> {
    pub(super) fn push(&mut self, place: String, text: &'a [u8]) {
        if self.0.len() <= MAX_UNREAD {
            self.0.push(KeyText { place, text: &text[..text.len().min(MAX_KEY_TEXT)] });
        }
    }

    /// Names the texts of keys that the file does not have as well.
    pub(super) fn add_to(self, contents: &mut Contents) {
        for (index, KeyText { place, text }) in self.0.into_iter().enumerate() {
            if index >= MAX_COMPARED || !is_of_a_key(text, contents) {
                contents.add_other(Lookalike::KeyText, &place);
            }
        }
    }
}

/// Returns whether a text is one of a key that was read: the number that its public half begins with is in it.
fn is_of_a_key(text: &[u8], contents: &Contents) -> bool {
    let mut digits = Vec::with_capacity(text.len());
    for byte in text {
        if byte.is_ascii_hexdigit() {
            digits.push(byte.to_ascii_lowercase());
        }
    }
    for key in &contents.keys {
        let number = match key.item.public().identity() {
            KeyIdentity::Rsa { modulus, .. } => modulus,
            KeyIdentity::Point { x, .. } => x,
            KeyIdentity::Encoded { key, .. } => key,
        };
        let number = data_encoding::HEXLOWER.encode(number);
        if number.len() >= MIN_DIGITS && memchr::memmem::find(&digits, number.as_bytes()).is_some() {
            return true;
        }
    }
    false
}
