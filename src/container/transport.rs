//! Undoes what transport does to files: other encodings of text, Base64 around a file or inside one. Names line ends
//! that were put into bytes.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::asn1;
use crate::container::attributes::WithoutNames;
use crate::container::lookalike::Lookalike;
use crate::container::{attributes, der, detect, dump, escape, registry};
use crate::pem;

/// The number of times that a file may be encoded over and over.
const MAX_LAYERS: usize = 5;

/// The fewest characters of Base64 that may be a file: no key or certificate is shorter.
const MIN_ENCODED: usize = 120;

/// The most bytes in which lost pluses are looked for: what is posted in a form is a key or a certificate.
const MAX_POSTED: usize = 2 << 20;

/// A file of which the transport is undone.
pub(super) struct Undone {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// A name that was left out may be a key.
    pub(super) may_hide_key: bool,
}

/// Undoes what was done to a file as a whole: UTF-16, Base64 (CI secrets), and Base64 of that again. Leaves out names that
/// stand beside PEM blocks: they may be anything.
pub(super) fn undo(bytes: &[u8]) -> Option<Undone> {
    // Nothing was done to a file that is as long as its first bytes say.
    if begins_as_der(bytes) && asn1::claimed_length(bytes) == Some(bytes.len()) {
        return None;
    }
    let mut undone = without_names(bytes);
    for _ in 0..MAX_LAYERS {
        let current = undone.as_ref().map_or(bytes, |undone| undone.bytes.as_slice());
        let Some(next) = undo_layer(current) else { break };
        let may_hide_key = undone.is_some_and(|undone| undone.may_hide_key);
        undone = Some(match without_names(&next) {
            Some(other) => Undone { may_hide_key: may_hide_key || other.may_hide_key, ..other },
            None => Undone { bytes: next, may_hide_key },
        });
    }
    undone
}

fn without_names(bytes: &[u8]) -> Option<Undone> {
    let WithoutNames { text, may_hide_key } = attributes::without_names(bytes)?;
    Some(Undone { bytes: text, may_hide_key })
}

/// Decodes UTF-16, or leaves out a byte order mark.
pub(super) fn as_utf8(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if let Some(text) = from_utf16(bytes) {
        return Some(as_utf8(&text).unwrap_or(text));
    }
    let rest = without_mark(bytes);
    (rest.len() < bytes.len()).then(|| Zeroizing::new(rest.to_vec()))
}

/// Returns a text without a byte order mark.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

fn undo_layer(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if let Some(text) = from_utf32(bytes) {
        return Some(text);
    }
    if let Some(certificate) = registry::certificate(bytes) {
        return Some(Zeroizing::new(certificate.to_vec()));
    }
    let is_mixed = memchr::memmem::find(bytes, b"-BEGIN ").is_some();
    if !is_mixed
        && let Some(text) = from_utf16(bytes)
        && !has_other_bytes(bytes, &text)
    {
        return Some(text);
    }
    if begins_as_der(bytes) {
        return from_mixed(bytes);
    }
    if let Some(plain) = from_code_page(without_mark(bytes)) {
        return Some(plain);
    }
    // What is left of it is told by what it became.
    if begins_reencoded(bytes) {
        return None;
    }
    if let Some(text) = from_mixed(bytes) {
        return Some(text);
    }
    for undo in [escape::without_invisible, escape::unescape, escape::restore_escaped_dashes, escape::restore_dashes] {
        if let Some(text) = undo(bytes) {
            return Some(text);
        }
    }
    if let Some(decoded) = decode_base64(bytes)
        && is_worth_reading(&decoded)
    {
        return Some(decoded);
    }
    dump::decode_hex(bytes)
}

/// Decodes a text in UTF-16, which PowerShell makes of what a command prints. Its byte order mark shows it, or the
/// zeros between its first letters, or the first bytes of DER that was taken for a text.
fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decode_unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] | [0x21..=0x7e, 0, 0x20..=0x7e, 0, 0x20..=0x7e, 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, 0x21..=0x7e, 0, 0x20..=0x7e, 0, 0x20..=0x7e, ..] => u16::from_be_bytes,
        [0x30, 0, low, high, ..] if is_length(u16::from_le_bytes([*low, *high])) => u16::from_le_bytes,
        [0, 0x30, high, low, ..] if is_length(u16::from_be_bytes([*high, *low])) => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes.chunks_exact(2).map(|pair| decode_unit([pair[0], pair[1]]));
    // A unit takes three bytes at most, and a vector that does not grow leaves no copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() / 2 * 3));
    for character in char::decode_utf16(units) {
        text.extend_from_slice(character.ok()?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(text)
}

/// Decodes a text in UTF-32. Its byte order mark shows it, or the zeros between its first letters.
fn from_utf32(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decode_unit: fn([u8; 4]) -> u32 = match bytes {
        [0xff, 0xfe, 0, 0, _, 0, 0, 0, ..] | [0x21..=0x7e, 0, 0, 0, 0x20..=0x7e, 0, 0, 0, ..] => u32::from_le_bytes,
        [0, 0, 0xfe, 0xff, 0, 0, 0, _, ..] | [0, 0, 0, 0x21..=0x7e, 0, 0, 0, 0x20..=0x7e, ..] => u32::from_be_bytes,
        _ => return None,
    };
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    for unit in bytes.chunks_exact(4) {
        let character = char::from_u32(decode_unit([unit[0], unit[1], unit[2], unit[3]]))?;
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(text)
}

/// The fewest characters in a row that show that bytes of something else were taken for UTF-16. Each comes from two bytes.
const MIN_MISREAD: usize = 16;

/// Returns whether bytes that were decoded as UTF-16 go on as something else: DER, bytes that no text has, or letters
/// of ASCII of which two were taken for one, which make a run of rare characters.
fn has_other_bytes(bytes: &[u8], text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return true };
    let mut previous = 0;
    let mut misread = 0;
    for character in text.chars() {
        if is_no_character(character) {
            return true;
        }
        match u16::try_from(u32::from(character)).map(u16::to_be_bytes) {
            // The letters of one script, and the signs of a frame, have one first byte.
            Ok([high, low]) if is_letter(high) && (low == 0 || is_letter(low)) => {
                misread += usize::from(high != previous);
                previous = high;
            }
            _ => misread = 0,
        }
        if misread == MIN_MISREAD {
            return true;
        }
    }
    detect::find_value(bytes).is_some()
}

/// Returns whether no text has a character: it is reserved, or for private use. Apple's sign is for private use too.
fn is_no_character(character: char) -> bool {
    let number = u32::from(character);
    let is_private = matches!(number, 0xe000..=0xf8fe | 0xf_0000..);
    is_private || matches!(number, 0xfdd0..=0xfdef) || number & 0xfffe == 0xfffe
}

/// Returns whether a byte is one of ASCII that texts have.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// "BEGIN " in UTF-16, in the midst of other bytes: PowerShell appends so to a file in ASCII, and bash puts line ends of
/// one byte between files of PowerShell.
const WIDE_BEGINS: [&[u8]; 2] = [b"B\0E\0G\0I\0N\0 ", b"\0B\0E\0G\0I\0N\0 "];

/// The fewest letters in UTF-16 that may be a file in the midst of other bytes: half a line of a long value.
const MIN_WIDE_FILE: usize = 60;

/// The fewest letters in UTF-16 that are one of the parts of a file that has such a part.
const MIN_WIDE: usize = 8;

/// Writes the parts of a file that are ASCII in UTF-16 as ASCII. All other bytes stay, and so do the names in DER.
fn from_mixed(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_begun = WIDE_BEGINS.iter().any(|begin| memchr::memmem::find(bytes, begin).is_some());
    if !is_begun && !has_wide_file(bytes) {
        return None;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut rest = bytes;
    while let Some(value) = detect::find_value(rest) {
        let after = der::after_value(value);
        push_narrow(&mut plain, &rest[..rest.len() - value.len()]);
        plain.extend_from_slice(&value[..value.len() - after.len()]);
        rest = after;
    }
    push_narrow(&mut plain, rest);
    (plain.len() < bytes.len()).then_some(plain)
}

/// Returns whether Base64 in UTF-16 stands in the midst of other bytes, as long as a file: each so many bytes one of its
/// letters is looked for, since programs hold much text in UTF-16, and are searched too.
fn has_wide_file(bytes: &[u8]) -> bool {
    let length = 2 * MIN_WIDE_FILE;
    (0..bytes.len()).step_by(MIN_WIDE_FILE).any(|place| {
        let is_of_file = |byte: u8| is_base64(byte) || matches!(byte, b'\r' | b'\n');
        let begins = matches!(bytes[place..], [letter, 0, ..] | [0, letter, ..] if is_of_file(letter));
        let window = &bytes[place.saturating_sub(length)..bytes.len().min(place + length + 2)];
        begins && next_wide(window, 0, MIN_WIDE_FILE, is_of_file).is_some()
    })
}

/// Adds bytes without the zeros of what is ASCII in UTF-16, and without the byte order mark before it.
fn push_narrow(plain: &mut Vec<u8>, bytes: &[u8]) {
    let mut position = 0;
    while let Some(wide) = next_wide(bytes, position, MIN_WIDE, is_letter) {
        let before = &bytes[position..wide.start];
        let marked = before.strip_suffix(b"\xff\xfe").or(before.strip_suffix(b"\xfe\xff"));
        plain.extend_from_slice(marked.unwrap_or(before));
        plain.extend(bytes[wide.clone()].iter().filter(|byte| **byte != 0));
        position = wide.end;
    }
    plain.extend_from_slice(&bytes[position..]);
}

/// Returns the next run of at least so many letters in UTF-16, in either order.
fn next_wide(bytes: &[u8], from: usize, fewest: usize, is_letter: fn(u8) -> bool) -> Option<Range<usize>> {
    let mut position = from;
    loop {
        let zero = position + memchr::memchr(0, &bytes[position..])?;
        let mut longest: usize = 0;
        // A letter stands before its zero, or after it.
        for start in [zero.saturating_sub(1).max(position), zero] {
            let count = count_wide(&bytes[start..], is_letter);
            if count >= fewest {
                return Some(start..start + 2 * count);
            }
            longest = longest.max(count);
        }
        // A longer run may begin at the end of this one alone.
        position = zero + 1 + 2 * longest.saturating_sub(2);
    }
}

/// Counts the letters in UTF-16 that bytes begin with.
fn count_wide(bytes: &[u8], is_letter: fn(u8) -> bool) -> usize {
    let little = bytes.chunks_exact(2).take_while(|unit| is_letter(unit[0]) && unit[1] == 0).count();
    let big = bytes.chunks_exact(2).take_while(|unit| is_letter(unit[1]) && unit[0] == 0).count();
    little.max(big)
}

/// Decodes a text that is Base64 as a whole.
fn decode_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_text = |byte: &u8| is_base64(*byte) || byte.is_ascii_whitespace() || b"=\"'\\".contains(byte);
    if !bytes[..bytes.len().min(MIN_ENCODED)].iter().all(is_text) {
        return None;
    }
    match pem::decode_text(bytes) {
        Some(decoded) if !is_short(&decoded) => Some(decoded),
        decoded => with_pluses(bytes).or(decoded),
    }
}

/// Returns whether bytes are fewer than they say.
fn is_short(bytes: &[u8]) -> bool {
    begins_as_der(bytes) && asn1::claimed_length(bytes).is_some_and(|claimed| claimed > bytes.len())
}

/// Decodes a text of Base64 whose `+` became blanks, as a form that is sent without escaping makes them: without them
/// it is not Base64, or the file is shorter than it says.
fn with_pluses(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.len() > MAX_POSTED || !bytes.contains(&b' ') {
        return None;
    }
    let mut text = Zeroizing::new(bytes.trim_ascii().to_vec());
    for byte in text.iter_mut().filter(|byte| **byte == b' ') {
        *byte = b'+';
    }
    let whole = pem::decode_text(&text)?;
    (begins_as_der(&whole) && asn1::claimed_length(&whole) == Some(whole.len())).then_some(whole)
}

/// Returns whether decoded bytes are something: random letters are Base64 too.
fn is_worth_reading(bytes: &[u8]) -> bool {
    begins_as_der(bytes) || Lookalike::of_binary(bytes).is_some() || is_file(bytes, MAX_LAYERS)
}

/// Returns whether bytes are a file that somebody encoded. Among other text only what is for keys counts: an archive may be
/// anything.
fn is_file(bytes: &[u8], layers: usize) -> bool {
    is_der_file(bytes)
        || registry::certificate(bytes).is_some()
        || matches!(
            Lookalike::of(bytes),
            Some(
                Lookalike::Jks
                    | Lookalike::Jceks
                    | Lookalike::BouncyCastle
                    | Lookalike::StoreOfWindows
                    | Lookalike::PassphraseFile
                    | Lookalike::MatchFile
                    | Lookalike::AgeFile
                    | Lookalike::GitCrypt
                    | Lookalike::KeyBlob
                    | Lookalike::PvkKey
                    | Lookalike::OpensshKey
            )
        )
        || pem::looks_like_pem(bytes)
        || from_utf16(bytes).is_some()
        || (layers > 0 && decode_base64(bytes).is_some_and(|decoded| is_file(&decoded, layers - 1)))
}

/// Returns whether bytes begin with a DER value that fills them, or was cut.
fn is_der_file(bytes: &[u8]) -> bool {
    if detect::is_set_of_certificates(bytes) {
        return true;
    }
    let Some(claimed) = asn1::claimed_length(bytes) else { return matches!(bytes, [0x30, 0x80, 0x02 | 0x06, ..]) };
    if !begins_as_der(bytes) && !begins_as_short_key(bytes) {
        return false;
    }
    match bytes.get(claimed..) {
        Some(rest) => matches!(rest.trim_ascii(), [] | [0x30 | 0, ..]),
        None => bytes.starts_with(b"\x30\x82") && claimed < bytes.len() * 16,
    }
}

/// Returns whether bytes begin as a key of an elliptic curve that takes less than 128 bytes: a version, then the key of
/// SEC1 or the algorithm of PKCS#8.
pub(super) fn begins_as_short_key(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x20..=0x7f, 2, 1, 0 | 1, 0x04 | 0x30, ..])
}

/// Returns whether bytes begin as a sequence of more than 127 bytes: every key and certificate is that long.
pub(super) fn begins_as_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0x84, ..])
}

/// No certificate and no container of one is shorter.
const SHORTEST_FILE: usize = 100;

/// Returns whether bytes begin as DER does and are as long as a certificate, or have in their outermost structure what
/// certificates, requests, keys and containers begin with: a structure, a small version, an object identifier. Random
/// bytes, as a password has in Base64, begin as DER does once in 13,000.
pub(super) fn begins_as_file(bytes: &[u8]) -> bool {
    if !begins_as_der(bytes) || bytes.len() >= SHORTEST_FILE {
        return begins_as_der(bytes);
    }
    let length_bytes = usize::from(bytes[1] & 0x7f);
    let inner = bytes.get(2 + length_bytes..).unwrap_or_default();
    begins_as_der(inner) || matches!(inner, [0x02, 1, 0..=3, ..] | [0x06, 3..=16, 0x2a | 0x2b | 0x60, ..])
}

/// A part of a text that is a file in Base64 or in numbers, such as a value in JSON, YAML or a .env file.
pub(super) struct EncodedPart {
    /// Its place in the text.
    pub(super) span: Range<usize>,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// Returns whether there is such a part, or a dump that is named.
pub(super) fn has_encoded_part(text: &[u8]) -> bool {
    if (EncodedParts { text, position: 0 }).next().is_some() {
        return true;
    }
    let mut lists = dump::lists(text);
    lists.has_dump() || lists.next().is_some()
}

/// Returns all such parts.
pub(super) fn encoded_parts(text: &[u8]) -> EncodedParts<'_> {
    EncodedParts { text, position: 0 }
}

/// The parts of a text that are files in Base64, one after the other.
pub(super) struct EncodedParts<'a> {
    text: &'a [u8],
    position: usize,
}

impl Iterator for EncodedParts<'_> {
    type Item = EncodedPart;

    fn next(&mut self) -> Option<EncodedPart> {
        loop {
            let word = next_word(self.text, self.position)?;
            if let Some(bytes) = decode_hex(&self.text[word.clone()]) {
                self.position = word.end;
                return Some(EncodedPart { span: word, bytes });
            }
            if let Some(part) = self.read(&word, word.end) {
                return Some(part);
            }
            let run = Run::of(self.text, &word);
            // All lines, and all but the last, which may be another word.
            for end in [run.end, run.before_last] {
                if end > word.end
                    && let Some(part) = self.read(&word, end)
                {
                    return Some(part);
                }
            }
            // What is no file here holds none in its middle, but a first line that is shorter may be another word.
            self.position = if run.is_uneven { word.end } else { run.end };
        }
    }
}

impl EncodedParts<'_> {
    /// Decodes what begins with a word and ends at `end`, if that is a file.
    fn read(&mut self, word: &Range<usize>, end: usize) -> Option<EncodedPart> {
        if end - word.start < MIN_ENCODED {
            return None;
        }
        let text = &self.text[word.start..end];
        let joined = without_soft_breaks(text);
        let bytes = pem::decode_cut_text(joined.as_deref().map_or(text, Vec::as_slice))?;
        if !is_file(&bytes, 2) {
            return None;
        }
        self.position = end;
        Some(EncodedPart { span: word.start..end, bytes })
    }
}

/// Joins lines that quoted-printable broke, and writes its equals signs (RFC 2045 section 6.7). Returns `None` where there
/// is neither.
fn without_soft_breaks(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_quoted = |position: usize| matches!(text[position..], [b'=', b'\r' | b'\n', ..] | [b'=', b'3', b'D', ..]);
    if !memchr::memchr_iter(b'=', text).any(is_quoted) {
        return None;
    }
    let mut joined = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = match rest {
            [b'=', b'3', b'D', after @ ..] => {
                joined.push(b'=');
                after
            }
            [b'=', b'\r', b'\n', after @ ..] | [b'=', b'\n' | b'\r', after @ ..] => after,
            _ => {
                joined.push(*byte);
                after
            }
        };
    }
    Some(joined)
}

/// Decodes a word of hexadecimal digits that is a file, as configurations and databases have it.
fn decode_hex(word: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let digits = word.strip_prefix(b"0x").or(word.strip_prefix(b"x")).unwrap_or(word);
    if digits.len() < MIN_ENCODED || !matches!(digits, [b'3', b'0', b'8', ..] | [b'2', b'd' | b'D', b'2', ..]) {
        return None;
    }
    let bytes = Zeroizing::new(data_encoding::HEXLOWER_PERMISSIVE.decode(digits).ok()?);
    (bytes.starts_with(b"-----BEGIN") || detect::detect_der(&bytes).is_ok()).then_some(bytes)
}

/// Words of Base64 that belong together: lines of the same length, and a shorter one at the end. The first may be shorter
/// too: the name of the value stands before it.
struct Run {
    end: usize,
    /// The end of all but the last.
    before_last: usize,
    /// The first line is shorter than the second.
    is_uneven: bool,
}

/// The fewest characters of a line of Base64.
const MIN_LINE: usize = 16;

impl Run {
    fn of(text: &[u8], first: &Range<usize>) -> Self {
        let mut run = Self { end: first.end, before_last: first.end, is_uneven: false };
        let head = &text[first.clone()];
        if head.len() < MIN_LINE && !head.starts_with(b"MI") && !head.starts_with(b"LS0") {
            return run;
        }
        let mut length = head.len();
        let mut line = first.clone();
        while let Some(next) = line_after(text, &line) {
            if line.start == first.start && next.len() > length && next.len() >= MIN_LINE {
                length = next.len();
                run.is_uneven = true;
            } else if line.len() < length.max(MIN_LINE) && line.start != first.start || next.len() > length {
                break;
            }
            run = Self { end: next.end, before_last: run.end, ..run };
            line = next;
        }
        run
    }
}

/// Returns the next line of Base64 where nothing else stands between. Padding ends a value, but a single sign at the end
/// of a line may be one of quoted-printable.
fn line_after(text: &[u8], line: &Range<usize>) -> Option<Range<usize>> {
    let start = match (&text[line.clone()], &text[line.end..]) {
        ([.., b'=', b'='], _) => return None,
        ([.., b'='], [b'\r', b'\n', ..]) => line.end + 2,
        ([.., b'='], [b'\n', ..]) => line.end + 1,
        ([.., b'='], _) => return None,
        _ => skip_wrapping(text, line.end),
    };
    let next = next_word(text, start)?;
    (next.start == start && start > line.end).then_some(next)
}

/// Returns where what stands between two lines of Base64 ends: white space, quotes, commas, written line ends.
fn skip_wrapping(text: &[u8], from: usize) -> usize {
    let mut position = from;
    loop {
        position += match &text[position..] {
            [b'\\', b'n' | b'r' | b't', ..] => 2,
            [b'\\' | b'"' | b'\'' | b',' | 0x0b, ..] => 1,
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            _ => return position,
        };
    }
}

/// Returns the next word of Base64.
fn next_word(text: &[u8], from: usize) -> Option<Range<usize>> {
    let mut start = next_base64(text, from)?;
    // The letter of `\n` is none of the word.
    while start > 0 && text[start - 1] == b'\\' && matches!(text[start], b'n' | b'r' | b't') {
        start = next_base64(text, start + 1)?;
    }
    let is_end = |byte: &u8| !is_base64(*byte) && !matches!(byte, b'-' | b'_');
    let length = text[start..].iter().position(is_end).unwrap_or(text.len() - start);
    let mut end = start + length;
    // Padding may stand at the end alone, and "=" before a value.
    for _ in 0..2 {
        end += match &text[end..] {
            [b'=', b'3', b'D', ..] => 3,
            [b'=', ..] => 1,
            _ => 0,
        };
    }
    Some(start..end)
}

fn next_base64(text: &[u8], from: usize) -> Option<usize> {
    let found = text.get(from..)?.iter().position(|byte| is_base64(*byte))?;
    Some(from + found)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// The damage that a transfer in text mode does to a binary file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextModeDamage {
    /// CR LF stands in the place of every LF.
    LineEndsAdded,
    /// Bytes that are no UTF-8 were replaced.
    Reencoded,
}

/// The fewest line ends that show what was done to them.
const MIN_LINE_ENDS: usize = 2;

/// Returns what a transfer in text mode did to a file in DER, if it shows.
pub(super) fn text_mode_damage(bytes: &[u8]) -> Option<TextModeDamage> {
    if begins_reencoded(bytes) {
        return Some(TextModeDamage::Reencoded);
    }
    // A text may begin with "0". The length of a sequence is no UTF-8, and is replaced.
    if !begins_as_der(bytes) && !without_mark(bytes).starts_with(b"\x30\xef\xbf\xbd") {
        return None;
    }
    if memchr::memmem::find_iter(bytes, b"\xef\xbf\xbd").take(MIN_LINE_ENDS).count() == MIN_LINE_ENDS {
        return Some(TextModeDamage::Reencoded);
    }
    let mut added = 0;
    for position in memchr::memchr_iter(b'\n', bytes) {
        if position == 0 || bytes[position - 1] != b'\r' {
            return None;
        }
        added += 1;
    }
    let claimed = asn1::claimed_length(bytes);
    let is_exact = added > 0 && claimed.is_some_and(|claimed| claimed + added == bytes.len());
    (is_exact || added > MIN_LINE_ENDS).then_some(TextModeDamage::LineEndsAdded)
}

/// Returns whether bytes are DER that was taken for a text, and of which every byte above 127 is another character: a
/// "?", that of U+FFFD, or one of another code page. The version that DER begins with tells it from a text.
fn begins_reencoded(bytes: &[u8]) -> bool {
    let text = without_mark(bytes);
    let head = &text[..text.len().min(MAX_HEAD)];
    matches!(head, [0x30, b'?' | 0xc2..=0xef, ..])
        && memchr::memmem::find(head, b"\x02\x01").is_some()
        && std::str::from_utf8(text).is_ok()
}

/// The bytes in which a version stands: the tags and lengths before it may take four each.
const MAX_HEAD: usize = 40;

/// The characters from 0x80 to 0x9F in Windows' code page 1252. Five are not defined, and stay.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Returns whether a character stands for the second byte of DER, which tells how long the length is.
fn is_length(character: u16) -> bool {
    matches!(character, 0x80..=0x84) || WINDOWS_1252[..5].iter().any(|known| *known as u32 == u32::from(character))
}

/// The number of times that DER may be taken for a text.
const MAX_REENCODED: usize = 3;

/// The bytes in which the first tags of DER stand: each has a length of up to five bytes.
const MAX_TAGS: usize = 16;

/// How much longer than what is there a value may say it is: it may have been cut.
const MAX_CUT: usize = 4;

/// Returns whether bytes begin as a sequence with a sequence, an integer or an object identifier in it. A text may begin as
/// a sequence does ("0€", "0‚", "0ƒ"), but has neither control character among its first ones.
fn begins_as_structure(bytes: &[u8]) -> bool {
    let [0x30, length @ 0x80..=0x84, ..] = bytes else { return false };
    let head = &bytes[..bytes.len().min(MAX_TAGS)];
    let second = head.get(2 + usize::from(length - 0x80));
    matches!(second, Some(0x02 | 0x06 | 0x30))
        && memchr::memchr2(0x02, 0x06, &head[2..]).is_some()
        && asn1::claimed_length(bytes).is_none_or(|claimed| claimed / MAX_CUT <= bytes.len())
}

/// Returns the DER that was taken for a text in Latin-1, or in Windows' code page, and written as UTF-8, once or more
/// often.
fn from_code_page(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !matches!(bytes, [0x30, 0xc2..=0xe2, 0x80..=0xbf, ..]) {
        return None;
    }
    let mut plain = from_latin1(bytes)?;
    for _ in 1..MAX_REENCODED {
        if begins_as_der(&plain) {
            break;
        }
        plain = from_latin1(without_mark(&plain))?;
    }
    begins_as_structure(&plain).then_some(plain)
}

fn from_latin1(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    for character in text.chars() {
        let number = match WINDOWS_1252.iter().position(|known| *known == character) {
            Some(index) => 0x80 + index,
            None => character as usize,
        };
        plain.push(u8::try_from(number).ok()?);
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::fixture;

    #[test]
    fn files_are_unpacked_from_what_they_were_sent_in() {
        let der = fixture("der/universal.cer");
        let pem = fixture("pem/identity.pem");
        let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes).into_bytes();
        let utf16 = |bytes: &[u8]| bytes.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
        for file in [&der, &pem] {
            for sent in [
                base64(file),
                base64(&base64(file)),
                [b"\xef\xbb\xbf", &base64(file)[..]].concat(),
                [b"\xff\xfe", &utf16(&base64(file))[..]].concat(),
                utf16(&base64(file)),
                format!("\"{}\\n\"", String::from_utf8(base64(file)).unwrap()).into_bytes(),
            ] {
                assert!(undo(&sent).unwrap().bytes.as_slice() == file.as_slice());
            }
        }
        assert!(undo(&utf16(&pem)).unwrap().bytes.as_slice() == pem.as_slice());
        for plain in [
            &der[..],
            &pem,
            b"README",
            b"",
            b"TWVycnkgQ2hyaXN0bWFz",
            &base64(b"not a certificate at all, whatever its length is"),
        ] {
            assert!(undo(plain).is_none());
        }
    }

    #[test]
    fn the_blanks_of_a_form_are_pluses() {
        let p12 = fixture("p12/keychain.p12");
        let base64 = data_encoding::BASE64.encode(&p12);
        assert!(base64.contains('+'));
        for text in
            [base64.clone(), base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n")]
        {
            let sent = text.replace('+', " ");
            assert!(undo(sent.as_bytes()).unwrap().bytes.as_slice() == p12, "{sent}");
        }
        // Without the blanks that are left it is not Base64.
        for name in
            ["p12/ec.p12", "p12/expired.p12", "p12/mdm.p12", "p12/sandbox.p12", "p12/voip.p12", "der/universal.cer"]
        {
            let file = fixture(name);
            let sent = data_encoding::BASE64.encode(&file).replace('+', " ") + "\n";
            assert!(undo(sent.as_bytes()).is_some_and(|undone| undone.bytes.as_slice() == file), "{name}");
        }
        // What is longer than a form holds is what it says.
        let long = [b"\x30\x83\x20\0\0".as_slice(), &vec![0xfb; 0x20_0000]].concat();
        let sent = data_encoding::BASE64.encode(&long).replace('+', " ");
        assert!(sent.len() > MAX_POSTED && with_pluses(sent.as_bytes()).is_none());
        let short = [b"\x30\x82\x20\0".as_slice(), &[0xfb; 0x2000]].concat();
        let sent = data_encoding::BASE64.encode(&short).replace('+', " ");
        assert!(with_pluses(sent.as_bytes()).is_some_and(|whole| whole.as_slice() == short));
        // Blanks that are only blanks change nothing.
        let spaced = base64.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
        assert!(undo(spaced.as_bytes()).unwrap().bytes.as_slice() == p12);
    }

    #[test]
    fn comments_in_any_language_are_a_text() {
        let pem = String::from_utf8(fixture("pem/identity.pem")).unwrap();
        for comment in [
            "证书由苹果公司签发，用于推送通知服务。请勿将私钥泄露给他人；到期之前请及时更新，并通知运维团队。",
            "このファイルにはあいてむのしょうめいしょがはいっています。たいせつにしてください",
            "Сертификат для уведомлений",
            "شهادة الإشعارات",
            "푸시 인증서와 개인 키",
            "════════════════════════════ ──────────────────────────── …………………………",
            "\u{f8ff} Apple \u{1f512}",
        ] {
            let text = format!("{comment}\r\n{pem}{comment}");
            for decode in [u16::to_le_bytes, u16::to_be_bytes] {
                let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(decode).collect();
                let read = undo_layer(&wide).unwrap();
                assert_eq!(std::str::from_utf8(&read).unwrap().trim_start_matches('\u{feff}'), text);
            }
        }
    }

    #[test]
    fn names_in_der_beside_utf_16_stay() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let pem = String::from_utf8(fixture("pem/certificate-only.pem")).unwrap();
        let p12 = fixture("p12/keychain.p12");
        let names = "\0A".repeat(100).into_bytes();
        assert!(from_mixed(&p12).is_none());
        assert!(from_mixed(&[&p12[..], &names].concat()).is_some());
        let expected = [pem.as_bytes(), &p12].concat();
        assert!(undo_layer(&[&b"\xff\xfe"[..], &wide(&pem), &p12].concat()).unwrap().as_slice() == expected);
    }

    #[test]
    fn values_in_a_text_are_found() {
        let der = fixture("der/universal.cer");
        let pem = fixture("pem/identity.pem");
        let of_der = data_encoding::BASE64.encode(&der);
        let of_pem = data_encoding::BASE64.encode(&pem);
        let wrapped = of_pem
            .as_bytes()
            .chunks(76)
            .map(|line| format!("    {}\n", str::from_utf8(line).unwrap()))
            .collect::<String>();
        let text = format!("A={of_der}\nb: \"{of_pem}\"\nc: |\n{wrapped}d: 1\nkind: Secret\n");
        let found: Vec<_> = encoded_parts(text.as_bytes()).map(|part| part.bytes.to_vec()).collect();
        assert!(found == [der, pem.clone(), pem], "{} parts", found.len());
        assert!(!has_encoded_part(b"MIT License"));
        let short = data_encoding::BASE64.encode(&fixture("key/sec1.der"));
        assert!(has_encoded_part(format!("KEY={short}\n").as_bytes()));
        let hex = data_encoding::HEXUPPER.encode(&fixture("der/universal.cer"));
        for text in [format!("KEY={hex}"), format!("{{\"key\":\"{}\"}}", hex.to_lowercase()), format!("0x{hex}")] {
            assert!(has_encoded_part(text.as_bytes()), "{text}");
        }
        assert!(!has_encoded_part(&hex.as_bytes()[..400]));
        let noise = data_encoding::BASE64.encode(&(0..9_000u32).flat_map(u32::to_be_bytes).collect::<Vec<_>>());
        assert!(!has_encoded_part(noise.as_bytes()));
        for text in [
            format!("APNS={}\nEMPTY\n", of_der.trim_end_matches('=')),
            format!("base64 -d <<EOF\n{wrapped}EOF\n"),
            format!("[\n{}\"\"]", wrapped.lines().map(|line| format!("\"{}\",\n", line.trim())).collect::<String>()),
            wrapped.lines().map(|line| format!("{} \\\n", line.trim())).collect(),
            format!("x {}\n", wrapped.replace('\n', "\\n").replace(' ', "")),
        ] {
            assert!(has_encoded_part(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn text_mode_shows() {
        let p12 = fixture("p12/keychain.p12");
        assert_eq!(text_mode_damage(&p12), None);
        let mut sent = Vec::new();
        for byte in &p12 {
            if *byte == b'\n' {
                sent.push(b'\r');
            }
            sent.push(*byte);
        }
        assert_eq!(text_mode_damage(&sent), Some(TextModeDamage::LineEndsAdded));
        let lossy = String::from_utf8_lossy(&p12).into_owned();
        assert_eq!(text_mode_damage(lossy.as_bytes()), Some(TextModeDamage::Reencoded));
    }

    #[test]
    fn der_that_was_taken_for_a_text_is_read_or_named() {
        let latin1 = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
        let windows = |bytes: &[u8]| {
            let character = |byte: &u8| match byte {
                0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
                _ => char::from(*byte),
            };
            bytes.iter().map(character).collect::<String>()
        };
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        for file in [fixture("der/universal.cer"), fixture("p12/keychain.p12")] {
            for text in [latin1(&file), windows(&file)] {
                let marked = format!("\u{feff}{text}");
                let twice = latin1(text.as_bytes());
                for sent in [
                    text.clone().into_bytes(),
                    marked.clone().into_bytes(),
                    little(&marked),
                    big(&marked),
                    little(&text),
                    big(&text),
                    twice.clone().into_bytes(),
                    little(&format!("\u{feff}{twice}")),
                ] {
                    assert!(undo(&sent).unwrap().bytes.as_slice() == file, "{}", sent[..12].escape_ascii());
                }
                // As another code page, and with characters that were not known.
                let other = windows(&file).replace(['\u{81}', '\u{8d}', '\u{8f}', '\u{90}', '\u{9d}'], "\u{fffd}");
                let mac = latin1(&file).replace('\u{82}', "Ç");
                for sent in [other.replace('‚', "é"), mac.clone(), format!("\u{feff}{mac}")] {
                    let plain = undo(sent.as_bytes());
                    let plain = plain.as_ref().map_or(sent.as_bytes(), |undone| undone.bytes.as_slice());
                    assert_eq!(text_mode_damage(plain), Some(TextModeDamage::Reencoded), "{}", sent.escape_debug());
                }
            }
        }
        for text in ["0° is cold\n", "0\u{a0}first\n", "0?\x02 no"] {
            assert_eq!(text_mode_damage(text.as_bytes()), None, "{text}");
        }
        for text in ["0€ Gebühr", "0€0€0€", "0‚5 l 0‚7 l 0‚9 l", "0ƒ(x) = 0", "0\u{82}ab0", "0\u{20ac}0 \u{20ac}", "0€"]
        {
            assert!(undo(text.as_bytes()).is_none(), "{text}");
            assert_eq!(text_mode_damage(text.as_bytes()), None, "{text}");
        }
        for structure in [&b"\x30\x80\x06\x09"[..], b"\x30\x80\x30\x82\x01\x00\x06", b"\x30\x82\x00\x09\x02\x01\x03"] {
            assert!(undo(latin1(structure).as_bytes()).unwrap().bytes.as_slice() == structure);
        }
    }

    #[test]
    fn what_fastlane_writes_is_named_in_base64() {
        for file in [
            [&b"match_encrypted_v2__"[..], &[7; 300]].concat(),
            [&b"Salted__"[..], &[7; 300]].concat(),
            [&b"\x1f\x8b\x08"[..], &[7; 300]].concat(),
            [&b"SQLite format 3\0"[..], &[7; 300]].concat(),
            [&b"\0GITCRYPT\0"[..], &[7; 300]].concat(),
        ] {
            let mut lines = String::new();
            for line in data_encoding::BASE64.encode(&file).as_bytes().chunks(60) {
                lines += str::from_utf8(line).unwrap();
                lines.push('\n');
            }
            assert!(undo(lines.as_bytes()).unwrap().bytes.as_slice() == file);
        }
        let archive = data_encoding::BASE64.encode(&[&b"\x1f\x8b\x08"[..], &[7; 300]].concat());
        assert!(!has_encoded_part(format!("release: {archive}\n").as_bytes()));
        let encrypted = data_encoding::BASE64.encode(&[&b"match_encrypted_v2__"[..], &[7; 300]].concat());
        assert!(has_encoded_part(format!("certificate: {encrypted}\n").as_bytes()));
    }
}
