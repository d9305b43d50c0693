//! The text between BEGIN and END: headers and Base64, and what transport wrapped around the lines.

use base64ct::{Base64Unpadded, Encoding};
use data_encoding::BASE64_NOPAD;
use zeroize::Zeroizing;

use crate::asn1;
use crate::pem::marker::is_base64;

/// A header of RFC 1421, such as DEK-Info.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: String,
}

/// The most headers of a block; OpenSSL writes two.
const MAX_HEADERS: usize = 50;

/// The text of a block, taken apart.
struct Body {
    headers: Vec<Header>,
    /// `None` where something else than Base64 stands.
    base64: Option<Zeroizing<Vec<u8>>>,
}

/// The bytes between BEGIN and END, decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    NotBase64,
    Bytes(Zeroizing<Vec<u8>>),
}

/// A block, decoded.
pub(super) struct Decoded {
    pub(super) headers: Vec<Header>,
    pub(super) content: Content,
}

impl Decoded {
    /// Decodes the text of a block.
    pub(super) fn parse(text: &[u8], is_secret: bool) -> Self {
        let mut body = Body::parse(text);
        let headers = std::mem::take(&mut body.headers);
        Self { headers, content: body.decode(is_secret) }
    }

    /// Returns whether it is a whole value in DER, or in blocks of a cipher.
    pub(super) fn is_whole(&self) -> bool {
        let Content::Bytes(bytes) = &self.content else { return false };
        if self.is_encrypted() {
            return !bytes.is_empty() && bytes.len().is_multiple_of(8);
        }
        bytes.starts_with(b"\x30\x80") || asn1::claimed_length(bytes) == Some(bytes.len())
    }

    /// Returns the length that a value in DER claims to have, if more bytes than there are.
    pub(super) fn missing_length(&self) -> Option<Missing> {
        let Content::Bytes(bytes) = &self.content else { return None };
        if self.is_encrypted() || !matches!(bytes[..], [0x30, 0x81..=0x83, ..]) {
            return None;
        }
        let claimed = asn1::claimed_length(bytes)?;
        let found = bytes.len();
        (claimed > found).then_some(Missing { claimed, found })
    }

    fn is_encrypted(&self) -> bool {
        self.headers.iter().any(|header| header.name == "DEK-Info")
    }
}

/// The length of a value that lacks bytes.
pub(super) struct Missing {
    pub(super) claimed: usize,
    pub(super) found: usize,
}

impl Body {
    fn parse(text: &[u8]) -> Self {
        let unescaped = unescape(text);
        let text = unescaped.as_deref().map_or(text, Vec::as_slice);
        let added = without_plus_signs(text);
        let text = added.as_deref().map_or(text, Vec::as_slice);
        let mut body = Self { headers: Vec::new(), base64: Some(Zeroizing::new(Vec::with_capacity(text.len()))) };
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r' | 0x0b | b'"')) {
            body.add_line(line);
        }
        body
    }

    fn add_line(&mut self, line: &[u8]) {
        // Nearly all lines are Base64 and nothing else.
        if line.len() > LONGEST_JOINT && line.iter().all(|byte| is_base64(*byte)) {
            if let Some(base64) = &mut self.base64 {
                base64.extend_from_slice(line);
            }
            return;
        }
        if is_joint(line) {
            return;
        }
        if line.contains(&b':') {
            return self.add_headers(line);
        }
        self.add_base64(strip_quotes(line));
    }

    /// Adds the headers in a line. Where line ends were lost, Base64 follows them.
    fn add_headers(&mut self, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        if !line.contains("Proc-Type:") && !line.contains("DEK-Info:") {
            if let Some((name, value)) = line.split_once(':') {
                self.push_header(name.trim(), value.trim());
            }
            return;
        }
        let mut words = line.split_ascii_whitespace();
        while let Some(word) = words.next() {
            match word.split_once(':') {
                Some((name, "")) => self.add_header(name, words.next().unwrap_or_default()),
                Some((name, value)) => self.add_header(name, value),
                None => self.add_base64(strip_quotes(word.as_bytes())),
            }
        }
    }

    fn add_header(&mut self, name: &str, value: &str) {
        self.push_header(name.trim_matches(['"', '\'', ' ', '+']), value.trim_matches(['"', '\'', ',', '+']));
    }

    /// Adds a header. A text with more of them than any writer makes is no block.
    fn push_header(&mut self, name: &str, value: &str) {
        if self.headers.len() == MAX_HEADERS {
            self.base64 = None;
        } else {
            self.headers.push(Header { name: name.to_owned(), value: value.to_owned() });
        }
    }

    fn add_base64(&mut self, line: &[u8]) {
        let Some(base64) = &mut self.base64 else { return };
        let mut rest = line;
        loop {
            let count = rest.iter().take_while(|byte| is_base64(**byte)).count();
            base64.extend_from_slice(&rest[..count]);
            let [other, after @ ..] = &rest[count..] else { return };
            match other {
                // The alphabet for URLs (RFC 4648 section 5).
                b'-' => base64.push(b'+'),
                b'_' => base64.push(b'/'),
                other if is_wrapping(*other) => {}
                _ => {
                    self.base64 = None;
                    return;
                }
            }
            rest = after;
        }
    }

    /// Decodes it. A secret is decoded in constant time; of certificates there may be very many.
    fn decode(self, is_secret: bool) -> Content {
        let Some(mut base64) = self.base64 else { return Content::NotBase64 };
        clear_unused_bits(&mut base64);
        let text = without_padding(&base64);
        if text.is_empty() {
            return Content::Empty;
        }
        let bytes = if is_secret {
            let Ok(text) = std::str::from_utf8(text) else { return Content::NotBase64 };
            Base64Unpadded::decode_vec(text).ok()
        } else {
            BASE64_NOPAD.decode(text).ok()
        };
        match bytes {
            Some(bytes) => Content::Bytes(Zeroizing::new(bytes)),
            None => Content::NotBase64,
        }
    }
}

/// The fewest bytes of a private key.
pub(crate) const MIN_KEY: usize = 32;

/// Returns whether bytes that no reader took may be a key, whatever label they have: `length` of them are there, and
/// `head` is their beginning. Certificates, requests, CRLs and PKCS#7 begin in another way than all keys; what goes on
/// after them may be one.
pub(crate) fn may_be_key(head: &[u8], length: usize) -> bool {
    if length < MIN_KEY {
        return false;
    }
    let is_other = match asn1::sequence_content(head) {
        // The algorithm of an encrypted key begins with an object identifier, and that of a public key.
        Some(content @ [0x30, ..]) => !matches!(asn1::sequence_content(content), None | Some([] | [0x06, ..])),
        Some([0x06, ..]) => true,
        Some(_) | None => false,
    };
    let claimed = asn1::claimed_length(head).unwrap_or(length);
    !is_other || length >= claimed.saturating_add(MIN_KEY)
}

/// Clears the bits of the last character before the padding that stand for nothing: some writers leave them set, and
/// OpenSSL ignores them.
pub(crate) fn clear_unused_bits(base64: &mut [u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let length = without_padding(base64).len();
    let unused = match base64.len() - length {
        2 => 0b1111,
        1 => 0b11,
        _ => return,
    };
    // A word of prose is not padded.
    if length == 0 || !base64.len().is_multiple_of(4) {
        return;
    }
    if let Some(value) = ALPHABET.iter().position(|letter| *letter == base64[length - 1]) {
        base64[length - 1] = ALPHABET[value & !unused];
    }
}

fn without_padding(base64: &[u8]) -> &[u8] {
    let padding = base64.iter().rev().take_while(|byte| **byte == b'=').count();
    &base64[..base64.len() - padding.min(2)]
}

/// Decodes Base64 that may be broken over lines, quoted, or have its line ends written as `\n`.
pub(crate) fn decode_text(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if text.contains(&b':') {
        return None;
    }
    match Body::parse(text).decode(true) {
        Content::Bytes(bytes) => Some(bytes),
        Content::Empty | Content::NotBase64 => None,
    }
}

/// As [`decode_text`], of a text that may have lost its end.
pub(crate) fn decode_cut_text(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    decode_text(text).or_else(|| decode_text(text.split_last()?.1))
}

/// Removes what JSON, YAML, shells and programs write around a line of Base64.
fn strip_quotes(line: &[u8]) -> &[u8] {
    let mut line = line.trim_ascii();
    if let Some(end) = memchr::memrchr2(b'"', b'\'', line)
        && is_joint(&line[end + 1..])
    {
        line = &line[..end];
    }
    if let Some(start) = memchr::memchr2(b'"', b'\'', line)
        && is_joint(&line[..start])
    {
        line = &line[start + 1..];
    }
    while let [first, rest @ ..] = line
        && is_wrapping(*first)
    {
        line = rest;
    }
    while let [rest @ .., last] = line
        && is_wrapping(*last)
    {
        line = rest;
    }
    line
}

/// The words with which programs join the lines of a text: `"MII…" & vbCrLf & _`.
const JOINTS: [&str; 15] = [
    "+",
    ".",
    "&",
    "_",
    "..",
    "||",
    "\\",
    "vbCrLf",
    "vbLf",
    "vbCr",
    "vbNewLine",
    "PHP_EOL",
    "os.EOL",
    "Environment.NewLine",
    "System.lineSeparator()",
];

/// The most characters of one of [`JOINTS`].
const LONGEST_JOINT: usize = "System.lineSeparator()".len();

/// Returns whether a text is one or more of [`JOINTS`].
fn is_joint(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut words = text.split_ascii_whitespace().peekable();
    words.peek().is_some() && words.all(|word| JOINTS.iter().any(|joint| word.eq_ignore_ascii_case(joint)))
}

/// Removes the "+" before each line of a block that a diff adds. Returns `None` where a line has none; the last one
/// stands before the END.
fn without_plus_signs(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.ends_with(b"\n+") {
        return None;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    for line in text.split(|byte| *byte == b'\n') {
        match line {
            [b'+', rest @ ..] => plain.extend_from_slice(rest),
            rest if rest.trim_ascii().is_empty() => {}
            _ => return None,
        }
        plain.push(b'\n');
    }
    Some(plain)
}

fn is_wrapping(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, 0 | 0x0b | 0xa0)
        || matches!(byte, b'"' | b'\'' | b'`' | b',' | b';' | b'|' | b'>' | b'#' | b'(' | b')' | b'\\')
}

/// Writes `\n`, `\r` and `\t` as what they stand for, however often they were escaped, and `\/` as "/". Returns
/// `None` where there is nothing to do.
fn unescape(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let first = memchr::memchr(b'\\', text)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    plain.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let [byte, after @ ..] = rest {
        if *byte != b'\\' {
            plain.push(*byte);
            rest = after;
            continue;
        }
        rest = match after {
            // Another backslash escapes the next.
            [b'\\', ..] => after,
            [b'n' | b'r' | b't', after @ ..] => push_line_end(&mut plain, after),
            [b'u', b'0', b'0', b'0', b'a' | b'A' | b'd' | b'D', after @ ..] => push_line_end(&mut plain, after),
            _ => after,
        };
    }
    Some(plain)
}

fn push_line_end<'a>(plain: &mut Zeroizing<Vec<u8>>, after: &'a [u8]) -> &'a [u8] {
    plain.push(b'\n');
    after
}
