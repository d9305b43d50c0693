//! Undoes what transport does to files: other encodings of text, Base64 around a file or inside one. Names line ends
//! that were put into bytes.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::asn1;
use crate::container::lookalike::Lookalike;
use crate::pem;

/// The number of times that a file may be encoded over and over.
const MAX_LAYERS: usize = 5;

/// The Base64 of "-----BEGIN ", as far as it does not depend on what follows.
const ENCODED_BEGIN: &[u8] = b"LS0tLS1CRUdJTi";

/// The fewest characters of Base64 that may be a file: no key or certificate is shorter.
const MIN_ENCODED: usize = 120;

/// The characters of Base64 that have the longest header in DER: six bytes.
const HEAD_CHARACTERS: usize = 8;

/// Undoes what was done to a file as a whole: UTF-16, Base64 (CI secrets), and Base64 of that again.
pub(super) fn undo(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut undone: Option<Zeroizing<Vec<u8>>> = None;
    for _ in 0..MAX_LAYERS {
        let current = undone.as_deref().map_or(bytes, Vec::as_slice);
        let Some(next) = undo_layer(current) else { break };
        undone = Some(next);
    }
    undone
}

fn undo_layer(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if let Some(text) = from_utf16(bytes) {
        return Some(text);
    }
    if let Some(text) = without_invisible(bytes) {
        return Some(text);
    }
    let decoded = decode_base64(bytes)?;
    is_worth_reading(&decoded).then_some(decoded)
}

/// Decodes a text in UTF-16, which PowerShell makes of what a command prints. Its byte order mark shows it, or the
/// zeros between its first letters.
fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decode_unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] | [b'-' | b'M' | b'L', 0, b'-' | b'I' | b'S', 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, b'-' | b'M' | b'L', 0, b'-' | b'I' | b'S', ..] => u16::from_be_bytes,
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

/// Characters that are not seen: zero-width ones, soft hyphens, byte order marks.
const INVISIBLE: [&[u8]; 6] =
    [b"\xe2\x80\x8b", b"\xe2\x80\x8c", b"\xe2\x80\x8d", b"\xe2\x81\xa0", b"\xef\xbb\xbf", b"\xc2\xad"];
const NO_BREAK_SPACE: &[u8] = b"\xc2\xa0";

/// Removes what is not seen from a text, and writes no-break spaces as spaces. Returns `None` where there is none.
fn without_invisible(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let first = memchr::memchr3(0xe2, 0xef, 0xc2, bytes)?;
    if bytes.starts_with(b"\x30") || std::str::from_utf8(bytes).is_err() {
        return None;
    }
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    text.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    while let [byte, after @ ..] = rest {
        if let Some(invisible) = INVISIBLE.iter().find(|invisible| rest.starts_with(invisible)) {
            rest = &rest[invisible.len()..];
        } else if rest.starts_with(NO_BREAK_SPACE) {
            text.push(b' ');
            rest = &rest[NO_BREAK_SPACE.len()..];
        } else {
            text.push(*byte);
            rest = after;
        }
    }
    (text.len() < bytes.len()).then_some(text)
}

/// Decodes a text that is Base64 as a whole.
fn decode_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_text = |byte: &u8| is_base64(*byte) || byte.is_ascii_whitespace() || b"=\"'\\".contains(byte);
    if !bytes[..bytes.len().min(MIN_ENCODED)].iter().all(is_text) {
        return None;
    }
    pem::decode_text(bytes)
}

/// Returns whether decoded bytes are something: random letters are Base64 too.
fn is_worth_reading(bytes: &[u8]) -> bool {
    begins_as_der(bytes)
        || Lookalike::of(bytes).is_some()
        || from_utf16(bytes).is_some()
        || pem::looks_like_pem(bytes)
        || (bytes.len() >= MIN_ENCODED
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte)))
}

/// Returns whether bytes begin as a sequence of more than 127 bytes: every key and certificate is that long.
fn begins_as_der(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80..=0x84, ..])
}

/// A part of a text that is a file in Base64, such as a value in JSON, YAML or a .env file.
pub(super) struct EncodedPart {
    /// Its first byte in the text.
    pub(super) start: usize,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// Returns whether there is such a part.
pub(super) fn has_encoded_part(text: &[u8]) -> bool {
    encoded_parts(text).next().is_some()
}

/// Returns all such parts.
pub(super) fn encoded_parts(text: &[u8]) -> EncodedParts<'_> {
    EncodedParts { text, position: 0, run: Run::default() }
}

/// The parts of a text that are files in Base64, one after the other.
pub(super) struct EncodedParts<'a> {
    text: &'a [u8],
    position: usize,
    run: Run,
}

/// Lines of Base64 and nothing else, from a word on. Each is measured once, however many of its words may begin a file.
#[derive(Default)]
struct Run {
    start: usize,
    end: usize,
    /// The characters of Base64 from `start` to `end`.
    characters: usize,
}

impl Iterator for EncodedParts<'_> {
    type Item = EncodedPart;

    fn next(&mut self) -> Option<EncodedPart> {
        loop {
            let word = next_word(self.text, self.position)?;
            self.position = word.end;
            let text = &self.text[word.clone()];
            let is_pem = text.starts_with(ENCODED_BEGIN);
            if !is_pem && !text.starts_with(b"MI") {
                continue;
            }
            self.move_run(&word);
            if self.run.end - word.start < MIN_ENCODED {
                continue;
            }
            let end = if is_pem { Some(self.run.end) } else { self.end_of_der(&word) };
            let Some(end) = end else { continue };
            // What is no file here holds none in its middle.
            self.position = end;
            let Some(bytes) = pem::decode_text(&self.text[word.start..end]) else { continue };
            if asn1::claimed_length(&bytes) == Some(bytes.len()) || pem::looks_like_pem(&bytes) {
                return Some(EncodedPart { start: word.start, bytes });
            }
        }
    }
}

impl EncodedParts<'_> {
    /// Lets the run begin at a word: the rest of the run that it is in, or a new one.
    fn move_run(&mut self, word: &Range<usize>) {
        if word.start < self.run.end {
            self.run.characters -= count_base64(&self.text[self.run.start..word.start]);
        } else {
            self.run.end = end_of_lines(self.text, word);
            self.run.characters = count_base64(&self.text[word.start..self.run.end]);
        }
        self.run.start = word.start;
    }

    /// Returns where a value in DER ends that a word begins: with the word, or with the run. Only its first bytes are
    /// decoded.
    fn end_of_der(&self, word: &Range<usize>) -> Option<usize> {
        let mut head = Vec::with_capacity(HEAD_CHARACTERS);
        for byte in &self.text[word.start..self.run.end] {
            if is_base64(*byte) && head.len() < HEAD_CHARACTERS {
                head.push(*byte);
            }
            if head.len() == HEAD_CHARACTERS {
                break;
            }
        }
        let claimed = asn1::claimed_length(&data_encoding::BASE64_NOPAD.decode(&head).ok()?)?;
        if decoded_length(count_base64(&self.text[word.clone()])) == claimed {
            return Some(word.end);
        }
        (decoded_length(self.run.characters) == claimed).then_some(self.run.end)
    }
}

fn count_base64(text: &[u8]) -> usize {
    text.iter().filter(|byte| is_base64(**byte)).count()
}

fn decoded_length(characters: usize) -> usize {
    characters * 3 / 4
}

/// Returns the next word of Base64.
fn next_word(text: &[u8], from: usize) -> Option<Range<usize>> {
    let start = from + text.get(from..)?.iter().position(|byte| is_base64(*byte))?;
    let length = text[start..].iter().position(|byte| !is_base64(*byte)).unwrap_or(text.len() - start);
    // Padding may stand at the end alone, and "=" before a value.
    let padding = text[start + length..].iter().take(2).take_while(|byte| **byte == b'=').count();
    Some(start..start + length + padding)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Returns where Base64 ends that goes on in the lines after a word: lines of nothing else.
fn end_of_lines(text: &[u8], word: &Range<usize>) -> usize {
    let mut end = word.end;
    while text[end - 1] != b'=' {
        let line_start = end + text[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let Some(next) = next_word(text, line_start) else { break };
        let is_alone = matches!(text.get(next.end), None | Some(b'\n' | b'\r'));
        if next.start != line_start || line_start == end || !is_alone {
            break;
        }
        end = next.end;
    }
    end
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
    if !bytes.starts_with(b"\x30") {
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
                assert!(undo(&sent).unwrap().as_slice() == file.as_slice());
            }
        }
        assert!(undo(&utf16(&pem)).unwrap().as_slice() == pem.as_slice());
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
}
