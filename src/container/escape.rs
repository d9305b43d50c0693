//! Undoes what JSON, HTML, URLs, Markdown and programs write in the place of a character: escapes, characters that are
//! not seen, and other signs for the dashes of a BEGIN.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::container::literal;
use crate::pem;

/// A character that is written in another way.
struct Escape {
    /// In small letters.
    written: &'static [u8],
    character: char,
}

const fn escape(written: &'static str, character: char) -> Escape {
    Escape { written: written.as_bytes(), character }
}

/// Escapes of programs and of Markdown.
static BACKSLASHES: [Escape; 7] = [
    escape("\\/", '/'),
    escape("\\-", '-'),
    escape("\\+", '+'),
    escape("\\=", '='),
    escape("\\ ", ' '),
    escape("\\012", '\n'),
    escape("\\015", '\r'),
];

/// The line ends of HTML.
static BREAKS: [Escape; 3] = [escape("<br>", '\n'), escape("<br/>", '\n'), escape("<br />", '\n')];

/// The names of characters in HTML, of those in <https://html.spec.whatwg.org/entities.json> that stand in PEM.
static ENTITIES: [Escape; 21] = [
    escape("&amp;", '&'),
    escape("&apos;", '\''),
    escape("&colon;", ':'),
    escape("&comma;", ','),
    escape("&dash;", '\u{2010}'),
    escape("&equals;", '='),
    escape("&gt;", '>'),
    escape("&horbar;", '\u{2015}'),
    escape("&hyphen;", '\u{2010}'),
    escape("&lt;", '<'),
    escape("&mdash;", '\u{2014}'),
    escape("&minus;", '\u{2212}'),
    escape("&nbsp;", ' '),
    escape("&ndash;", '\u{2013}'),
    escape("&newline;", '\n'),
    escape("&num;", '#'),
    escape("&plus;", '+'),
    escape("&quot;", '"'),
    escape("&shy;", '\u{ad}'),
    escape("&sol;", '/'),
    escape("&tab;", '\t'),
];

/// The most bytes of a number in an escape of HTML, with its signs.
const MAX_ENTITY: usize = 10;

/// An escape in a text.
struct Escaped {
    length: usize,
    character: char,
}

/// Writes escaped characters as themselves, and bytes that a program escaped in hexadecimal. Returns `None` where there is none.
pub(super) fn unescape(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if is_binary(bytes) {
        return None;
    }
    let mut text = Zeroizing::new(Vec::new());
    let mut copied = 0;
    let mut position = 0;
    let mut literal_end = 0;
    let mut signs = Signs::new(bytes);
    while let Some(next) = signs.next(position) {
        position = next + 1;
        // No literal begins in the middle of another.
        if next >= literal_end
            && let Some(literal) = literal::at(bytes, next)
        {
            literal_end = literal.end;
            if let Some(hexadecimal) = literal.hexadecimal
                && literal.start >= copied
            {
                text.reserve_exact(if copied == 0 { bytes.len() } else { 0 });
                text.extend_from_slice(&bytes[copied..literal.start]);
                text.extend_from_slice(hexadecimal.as_bytes());
                position = literal.end;
                copied = position;
                continue;
            }
        }
        let Some(escaped) = escaped_at(&bytes[next..]) else { continue };
        // A vector that does not grow leaves no copies behind; no character takes more bytes than its escape.
        text.reserve_exact(if copied == 0 { bytes.len() } else { 0 });
        text.extend_from_slice(&bytes[copied..next]);
        text.extend_from_slice(escaped.character.encode_utf8(&mut [0; 4]).as_bytes());
        position = next + escaped.length;
        copied = position;
    }
    if copied == 0 {
        return None;
    }
    text.extend_from_slice(&bytes[copied..]);
    Some(text)
}

/// Returns whether there is DER among the bytes: the beginning of a sequence, which no text in UTF-8 has, and tags that
/// hardly any text has.
fn is_binary(bytes: &[u8]) -> bool {
    let begins_value = |position| matches!(bytes[position..], [0x30, 0x80..=0x84, ..]);
    memchr::memchr3(1, 2, 3, bytes).is_some() && memchr::memchr_iter(0x30, bytes).any(begins_value)
}

/// The next characters that may begin an escape. What was found once is not searched again.
struct Signs<'a> {
    bytes: &'a [u8],
    percent: usize,
    other: usize,
}

impl<'a> Signs<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut signs = Self { bytes, percent: 0, other: 0 };
        signs.search(0, true, true);
        signs
    }

    fn search(&mut self, from: usize, wants_percent: bool, wants_other: bool) {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let place = |found: Option<usize>| from + found.unwrap_or(rest.len());
        if wants_percent {
            self.percent = place(memchr::memchr(b'%', rest));
        }
        if wants_other {
            self.other = place(memchr::memchr3(b'\\', b'&', b'<', rest));
        }
    }

    /// Returns the place of the first one at `from` or after it.
    fn next(&mut self, from: usize) -> Option<usize> {
        self.search(from, self.percent < from, self.other < from);
        let next = self.percent.min(self.other);
        (next < self.bytes.len()).then_some(next)
    }
}

fn escaped_at(bytes: &[u8]) -> Option<Escaped> {
    match bytes {
        // A database writes all bytes after one `\x`.
        [b'\\', b'x' | b'X', digits @ ..] if begins_hex_word(digits) => None,
        [b'%', high, low, ..] => escaped(3, ascii(&[*high, *low])?),
        [b'\\', b'x' | b'X', high, low, ..] => escaped(4, ascii(&[*high, *low])?),
        [b'\\', b'u' | b'U', digits @ ..] => escaped(6, readable(digits.get(..4)?, 16)?),
        [b'&', b'#', ..] => numbered_entity(bytes),
        // A file may be all backslashes.
        [b'\\', b'/' | b'-' | b'+' | b'=' | b' ', ..] | [b'\\', b'0', b'1', ..] => named(&BACKSLASHES, bytes),
        [b'<', b'b' | b'B', b'r' | b'R', ..] => named(&BREAKS, bytes),
        [b'&', ..] => {
            let end = bytes.iter().take(MAX_ENTITY).position(|byte| *byte == b';')?;
            entity(&bytes[..=end])
        }
        _ => None,
    }
}

/// The fewest digits of a word in hexadecimal.
const MIN_HEX_WORD: usize = 40;

fn begins_hex_word(text: &[u8]) -> bool {
    text.len() >= MIN_HEX_WORD && text[..MIN_HEX_WORD].iter().all(u8::is_ascii_hexdigit)
}

fn escaped(length: usize, character: char) -> Option<Escaped> {
    Some(Escaped { length, character })
}

fn named(escapes: &[Escape], bytes: &[u8]) -> Option<Escaped> {
    for Escape { written, character } in escapes {
        if let Some(head) = bytes.get(..written.len())
            && head.eq_ignore_ascii_case(written)
        {
            return escaped(written.len(), *character);
        }
    }
    None
}

/// Reads `&sol;`: all of the bytes.
fn entity(bytes: &[u8]) -> Option<Escaped> {
    for Escape { written, character } in &ENTITIES {
        // A file may be all entities: most are told by their length.
        if written.len() == bytes.len() && written.eq_ignore_ascii_case(bytes) {
            return escaped(bytes.len(), *character);
        }
    }
    None
}

/// Reads `&#45;` and `&#x2d;`.
fn numbered_entity(bytes: &[u8]) -> Option<Escaped> {
    let end = bytes.iter().take(MAX_ENTITY).position(|byte| *byte == b';')?;
    let character = match &bytes[2..end] {
        [b'x' | b'X', digits @ ..] => readable(digits, 16)?,
        digits => readable(digits, 10)?,
    };
    escaped(end + 1, character)
}

/// Returns the character with a number, where it is one of ASCII.
fn ascii(digits: &[u8]) -> Option<char> {
    let character = readable(digits, 16)?;
    character.is_ascii().then_some(character)
}

/// Returns the character with a number, where a text may have it.
fn readable(digits: &[u8], radix: u32) -> Option<char> {
    let mut number = 0;
    for digit in digits {
        number = number * radix + char::from(*digit).to_digit(radix)?;
    }
    let character = char::from_u32(number)?;
    let is_text = !character.is_control() || matches!(character, '\n' | '\r' | '\t' | '\u{85}');
    is_text.then_some(character)
}

/// Returns what a character is replaced with that is not seen, or that is one of Unicode's spaces and line ends.
fn replacement(character: char) -> Option<&'static str> {
    Some(match character {
        // Soft hyphens, marks of direction, joiners, variation selectors, byte order marks.
        '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => "",
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        '\u{85}' | '\u{2028}' | '\u{2029}' => "\n",
        _ => return None,
    })
}

/// Removes what is not seen from a text, and writes Unicode's spaces and line ends as those of ASCII. Returns `None`
/// where there is none.
pub(super) fn without_invisible(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.is_ascii() {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (first, _) = text.char_indices().find(|(_, character)| replacement(*character).is_some())?;
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    plain.extend_from_slice(&bytes[..first]);
    for character in text[first..].chars() {
        match replacement(character) {
            Some(other) => plain.extend_from_slice(other.as_bytes()),
            None => plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Some(plain)
}

const DASHES: &[u8] = b"-----";

/// Writes the dashes of a line that quoted-printable escapes (RFC 2045 section 6.7): the first, so that no mail program
/// takes the line for a boundary, or all. Returns `None` where there is none.
pub(super) fn restore_escaped_dashes(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = bytes;
    let mut text = Zeroizing::new(Vec::new());
    while let Some(start) = memchr::memmem::find(rest, ESCAPED_DASH) {
        let (before, escaped) = rest.split_at(start);
        let is_first = text.is_empty();
        text.reserve_exact(if is_first { bytes.len() } else { 0 });
        text.extend_from_slice(before);
        match after_escaped_dashes(escaped) {
            Some(after) => {
                text.extend_from_slice(DASHES);
                rest = after;
            }
            None => {
                text.extend_from_slice(ESCAPED_DASH);
                rest = &escaped[ESCAPED_DASH.len()..];
            }
        }
    }
    if text.is_empty() {
        return None;
    }
    text.extend_from_slice(rest);
    Some(text)
}

const ESCAPED_DASH: &[u8] = b"=2D";

/// Returns what follows five dashes, of which any may be escaped.
fn after_escaped_dashes(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    for _ in DASHES {
        rest = rest.strip_prefix(ESCAPED_DASH).or(rest.strip_prefix(b"-"))?;
    }
    Some(rest)
}

/// Signs that stand for the dashes of a BEGIN, five on each side.
const SIGNS: [&str; 16] = [
    "=", "*", "_", "~", "#", "\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2014}", "\u{2015}", "\u{2212}",
    "\u{2500}", "\u{fe58}", "\u{fe63}", "\u{ff0d}",
];

/// The most bytes of a known label, with a space before it.
const MAX_LABEL: usize = 32;

/// The places of a text where dashes belong.
#[derive(Default)]
struct Places {
    spans: Vec<Range<usize>>,
}

/// Writes the dashes of BEGIN and END lines where five other signs stand for them, or where such a line has none at all.
/// Returns `None` where there is no such line.
pub(super) fn restore_dashes(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut places = Places::default();
    for position in memchr::memmem::find_iter(bytes, b"BEGIN ") {
        places.add(bytes, position, position + 5);
    }
    if places.spans.is_empty() {
        return None;
    }
    for position in memchr::memmem::find_iter(bytes, b"END ") {
        places.add(bytes, position, position + 3);
    }
    places.spans.sort_unstable_by_key(|span| span.start);
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() + places.spans.len() * DASHES.len()));
    let mut copied = 0;
    for span in places.spans {
        // The end of a BEGIN may be the beginning of its END.
        if span.start < copied {
            continue;
        }
        text.extend_from_slice(&bytes[copied..span.start]);
        text.extend_from_slice(DASHES);
        copied = span.end;
    }
    text.extend_from_slice(&bytes[copied..]);
    Some(text)
}

impl Places {
    /// Adds both sides of a BEGIN or END, from `start` to `end`, if a label follows with the same signs after it.
    fn add(&mut self, text: &[u8], start: usize, end: usize) {
        let Some(sign) = signs_before(&text[..start]) else { return };
        let after = &text[end..text.len().min(end + MAX_LABEL + sign.len() * DASHES.len())];
        let length = if sign.is_empty() {
            after.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(after.len())
        } else {
            let Some(length) = memchr::memmem::find(after, sign) else { return };
            length
        };
        let label_end = end + length;
        let closing = label_end..label_end + sign.len() * DASHES.len();
        let has_label = pem::is_known_label(text[end..label_end].trim_ascii());
        let has_signs = match text.get(closing.clone()) {
            Some(signs) => is_five(signs, sign),
            None => false,
        };
        if has_label && has_signs && (!sign.is_empty() || end == start + 3 || has_body(&text[label_end..])) {
            self.spans.push(start - closing.len()..start);
            self.spans.push(closing);
        }
    }
}

/// Returns the sign that stands five times at the end of a text; an empty one at the beginning of a line.
fn signs_before(text: &[u8]) -> Option<&'static [u8]> {
    if matches!(text, [] | [.., b'\n' | b'\r']) {
        return Some(b"");
    }
    for sign in SIGNS {
        let five = text.len().checked_sub(sign.len() * DASHES.len());
        // A text may have millions of such places.
        if text.last() == sign.as_bytes().last()
            && let Some(start) = five
            && is_five(&text[start..], sign.as_bytes())
        {
            return Some(sign.as_bytes());
        }
    }
    None
}

/// Returns whether the lines of a block follow, so that "BEGIN" without dashes is none of a sentence.
fn has_body(text: &[u8]) -> bool {
    let text = text[..text.len().min(128)].trim_ascii_start();
    let head = &text[..text.len().min(40)];
    text.starts_with(b"Proc-Type:") || (head.len() == 40 && head.iter().all(|byte| pem::is_base64(*byte)))
}

fn is_five(text: &[u8], sign: &[u8]) -> bool {
    sign.is_empty() || text.chunks(sign.len()).all(|chunk| chunk == sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape_is_undone_in_small_and_capital_letters() {
        for Escape { written, character } in BACKSLASHES.iter().chain(&BREAKS).chain(&ENTITIES) {
            for written in [written.to_vec(), written.to_ascii_uppercase()] {
                let text = [b"a", &written[..], b"b"].concat();
                let plain = format!("a{character}b");
                assert_eq!(unescape(&text).unwrap().as_slice(), plain.as_bytes(), "{}", text.escape_ascii());
            }
        }
        let numbers = "%2B%2f%20&#43;&#x2F;&#8212;\\x0a\\u002B\\u2014%0D";
        assert_eq!(unescape(numbers.as_bytes()).unwrap().as_slice(), "+/ +/\u{2014}\n+\u{2014}\r".as_bytes());
        assert_eq!(unescape(b"\\\\n & < % \\n <a> %ff %00 &amp &#0; &#xd800; \\ud800 \\xzz %+1"), None);
        assert_eq!(unescape(b"\x30\x82\x02\x01%2b"), None);
        assert_eq!(unescape(b"\x02 0%2b").unwrap().as_slice(), b"\x02 0+");
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        let text = "\u{200e}a\u{202a}\u{202e}b\u{2028}c\u{85}d\u{3000}e\u{202f}f\u{a0}\u{ad}ü";
        assert_eq!(without_invisible(text.as_bytes()).unwrap().as_slice(), "ab\nc\nd e f ü".as_bytes());
        assert_eq!(without_invisible("für".as_bytes()), None);
    }

    #[test]
    fn dashes_are_restored_on_both_sides_of_a_label() {
        let plain = "x\n-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0123456789abcdefABCDEFGHIJKL\n-----END RSA PRIVATE KEY-----";
        for sign in SIGNS.into_iter().chain([""]) {
            let text = plain.replace('-', sign);
            assert_eq!(restore_dashes(text.as_bytes()).unwrap().as_slice(), plain.as_bytes(), "{sign}");
        }
        for text in [
            plain,
            "=====BEGIN LOG=====",
            "BEGIN CERTIFICATE and so on",
            "a BEGIN CERTIFICATE",
            "BEGIN CERTIFICATE\nand so on",
            "==BEGIN CMS==",
        ] {
            assert_eq!(restore_dashes(text.as_bytes()), None, "{text}");
        }
    }
}
