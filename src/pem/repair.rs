//! The lines of a block, without what was written around each of them: numbers, names of files, times, comments, tags,
//! commands, signs of mails. What is found by guessing counts only where a whole value is in it.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::pem::body::Decoded;
use crate::pem::marker::{MAX_LOOK_BACK, line_start};

/// The place of a block in a text.
pub(super) struct BlockText<'a> {
    pub(super) text: &'a [u8],
    pub(super) begin: Range<usize>,
    /// Where END begins.
    pub(super) end: usize,
}

/// A shorter text holds no key and no certificate.
const MIN_TEXT: usize = 100;

impl BlockText<'_> {
    /// Decodes the block as it is, or without what stands around its lines.
    pub(super) fn decode(&self, is_secret: bool) -> Decoded {
        let text = self.body();
        if let Some(lines) = self.without_frame() {
            let decoded = Decoded::parse(&lines, is_secret);
            if decoded.is_whole() {
                return decoded;
            }
        }
        let decoded = Decoded::parse(text, is_secret);
        if decoded.is_whole() || text.len() < MIN_TEXT {
            return decoded;
        }
        for repair in [without_tags, with_pluses, without_utf7] {
            if let Some(lines) = repair(text) {
                let repaired = Decoded::parse(&lines, is_secret);
                if repaired.is_whole() {
                    return repaired;
                }
            }
        }
        decoded
    }

    /// Returns the text between BEGIN and END, without the "- " that a signed mail has before both (RFC 4880 section 7.1).
    fn body(&self) -> &[u8] {
        let text = &self.text[self.begin.end..self.end];
        match self.before() {
            Some(before @ b"- ") => text.strip_suffix(before).unwrap_or(text),
            Some(_) | None => text,
        }
    }

    /// Returns the beginning of the line of BEGIN.
    fn before(&self) -> Option<&[u8]> {
        let from = self.begin.start.saturating_sub(MAX_LOOK_BACK);
        let start = line_start(self.text, from, self.begin.start)?;
        Some(&self.text[start..self.begin.start])
    }

    /// Removes what stands before BEGIN and after it, where it stands before and after every line, but for digits and
    /// white space.
    fn without_frame(&self) -> Option<Zeroizing<Vec<u8>>> {
        let before = self.before()?;
        let text = &self.text[self.begin.end..self.end];
        let (after, rest) = split_line(text)?;
        if (before.trim_ascii().is_empty() && after.is_empty()) || ends_in_digit(before) {
            return None;
        }
        let mut lines = Zeroizing::new(Vec::with_capacity(rest.len()));
        let mut rest = rest;
        while let Some((line, following)) = split_line(rest) {
            let line = strip_shape(line, before)?;
            lines.extend_from_slice(strip_end(line, after)?);
            lines.push(b'\n');
            rest = following;
        }
        Some(lines)
    }
}

/// Splits a text after its first line end, and leaves that and the white space before it out.
fn split_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr2(b'\n', b'\r', text)?;
    let rest = &text[end + 1..];
    let rest = if text[end] == b'\r' { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
    Some((text[..end].trim_ascii_end(), rest))
}

fn ends_in_digit(text: &[u8]) -> bool {
    matches!(text, [.., b'0'..=b'9'])
}

/// Removes the beginning of a line, if it has the shape of another: other digits may stand in it, and more white space.
fn strip_shape<'a>(line: &'a [u8], shape: &[u8]) -> Option<&'a [u8]> {
    let (mut line, mut shape) = (line, shape);
    while let [sign, after @ ..] = shape {
        if sign.is_ascii_digit() {
            let digits = count(line, u8::is_ascii_digit);
            if digits == 0 {
                return None;
            }
            line = &line[digits..];
            shape = &shape[count(shape, u8::is_ascii_digit)..];
        } else if sign.is_ascii_whitespace() {
            line = line.trim_ascii_start();
            shape = after.trim_ascii_start();
        } else {
            line = line.strip_prefix(&[*sign])?;
            shape = after;
        }
    }
    Some(line)
}

fn count(text: &[u8], is_counted: fn(&u8) -> bool) -> usize {
    text.iter().take_while(|byte| is_counted(byte)).count()
}

/// Removes the end of a line, if it has the shape of another. The white space at the end of both is left out.
fn strip_end<'a>(line: &'a [u8], shape: &[u8]) -> Option<&'a [u8]> {
    let shape = shape.trim_ascii();
    if let Some(content) = line.strip_suffix(shape) {
        return Some(content);
    }
    let start = memchr::memchr(*shape.first()?, line)?;
    strip_shape(&line[start..], shape)?.is_empty().then_some(&line[..start])
}

/// The most bytes of a tag, or of a sequence of a terminal.
const MAX_TAG: usize = 256;

/// Writes line ends in the place of tags, of RTF's and Excel's line ends and of PowerShell's; removes the colours of a
/// terminal, and undoes quoted-printable (RFC 2045 section 6.7). Returns `None` where there is none of them.
fn without_tags(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    let mut is_changed = false;
    while let [byte, after @ ..] = rest {
        match tag_at(rest) {
            Some(Tag { length, character }) => {
                plain.extend(character);
                rest = &rest[length..];
                is_changed = true;
            }
            None => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    is_changed.then_some(plain)
}

/// A sign of another language among Base64.
struct Tag {
    length: usize,
    /// The character that it stands for.
    character: Option<u8>,
}

fn tag_at(text: &[u8]) -> Option<Tag> {
    let tag = |length, character| Some(Tag { length, character });
    match text {
        [b'<', after @ ..] => {
            let head = &after[..after.len().min(MAX_TAG)];
            let end = memchr::memchr2(b'<', b'>', head)?;
            if head[end] == b'>' { tag(end + 2, Some(b'\n')) } else { None }
        }
        [0x1b, b'[', after @ ..] => tag(2 + end_of_sequence(after)?, None),
        [b'`', b'n' | b'r', ..] => tag(2, Some(b'\n')),
        [b'_', b'x', b'0', b'0', b'0', b'D' | b'A' | b'd' | b'a', b'_', ..] => tag(7, Some(b'\n')),
        [b'\\', b'p', b'a', b'r', b'd', ..] => tag(5, Some(b'\n')),
        [b'\\', b'p', b'a', b'r', ..] => tag(4, Some(b'\n')),
        [b'\\', b'l', b'i', b'n', b'e', ..] => tag(5, Some(b'\n')),
        [b'=', b'\r', b'\n', ..] => tag(3, None),
        [b'=', b'\n', ..] => tag(2, None),
        [b'=', high, low, ..] => {
            let digits = [*high, *low];
            let character = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
            if character.is_ascii() { tag(3, Some(character)) } else { None }
        }
        _ => None,
    }
}

/// Returns where a sequence of a terminal ends: parameters, then a letter (ECMA-48 section 5.4).
fn end_of_sequence(text: &[u8]) -> Option<usize> {
    let head = &text[..text.len().min(MAX_TAG)];
    let parameters = count(head, |byte| matches!(byte, b'0'..=b'9' | b';' | b'?'));
    head.get(parameters)?.is_ascii_alphabetic().then_some(parameters + 1)
}

/// Writes "+" in the place of each space in the lines of Base64: reading a form twice takes it away.
fn with_pluses(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !text.contains(&b' ') {
        return None;
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let is_header = line.contains(&b':');
        for byte in line {
            plain.push(if *byte == b' ' && !is_header { b'+' } else { *byte });
        }
    }
    Some(plain)
}

/// Writes "+" and "=" as themselves, which UTF-7 writes as "+-" and "+AD0-" (RFC 2152).
fn without_utf7(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    let mut is_changed = false;
    while let [byte, after @ ..] = rest {
        let (character, following) = match rest {
            [b'+', b'-', following @ ..] => (b'+', following),
            [b'+', b'A', b'D', b'0', b'-', following @ ..] => (b'=', following),
            _ => (*byte, after),
        };
        is_changed |= following.len() != after.len();
        plain.push(character);
        rest = following;
    }
    is_changed.then_some(plain)
}
