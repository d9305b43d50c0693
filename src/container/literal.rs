//! Bytes that a program writes as a text of its own: `"\x30\x82…"` in C, `b'0\x82…'` in Python, `\060\202` in octal,
//! `0%82` in URLs.

use zeroize::Zeroizing;

use crate::container::{detect, transport};

/// A literal in a text.
pub(super) struct Literal {
    pub(super) start: usize,
    pub(super) end: usize,
    /// `None` where it is no file.
    pub(super) hexadecimal: Option<Zeroizing<String>>,
}

/// The fewest bytes of a file.
const MIN_BYTES: usize = 100;

/// The most bytes between two parts of a literal.
const MAX_JOINT: usize = 64;

/// Reads the literal of which the first or the second byte is escaped at `position`: it begins as DER.
pub(super) fn at(text: &[u8], position: usize) -> Option<Literal> {
    let first = escape_at(&text[position..])?;
    let start = if first.is_length() {
        position.checked_sub(1).filter(|before| text[*before] == b'0')?
    } else if first.byte == 0x30 && escape_at(&text[position + first.length..])?.is_length() {
        position
    } else {
        return None;
    };
    // What was read of it as text is no more than what was written.
    let mut reader = LiteralReader { text, position: start, quote: quote_before(text, start), sign: text[position] };
    let mut bytes = Zeroizing::new(Vec::with_capacity(reader.count()));
    reader.position = start;
    while let Some(byte) = reader.next_byte() {
        bytes.push(byte);
    }
    let end = reader.position;
    // The text that takes the place of it is no longer than it is.
    let is_file = bytes.len() >= MIN_BYTES
        && 2 * bytes.len() <= end - start
        && transport::begins_as_der(&bytes)
        && detect::detect_der(&bytes).is_ok();
    let hexadecimal = is_file.then(|| Zeroizing::new(data_encoding::HEXLOWER.encode(&bytes)));
    Some(Literal { start, end, hexadecimal })
}

struct LiteralReader<'a> {
    text: &'a [u8],
    position: usize,
    /// The sign that the literal stands in, if any.
    quote: Option<u8>,
    /// The sign before an escaped byte.
    sign: u8,
}

impl LiteralReader<'_> {
    /// Counts the bytes from here on, so that a vector for them does not grow.
    fn count(&mut self) -> usize {
        let mut count = 0;
        while self.next_byte().is_some() {
            count += 1;
        }
        count
    }

    fn next_byte(&mut self) -> Option<u8> {
        loop {
            let rest = self.text.get(self.position..)?;
            match rest {
                [sign, ..] if *sign == self.sign => {
                    let Escaped { byte, length } = escape_at(rest)?;
                    self.position += length;
                    return Some(byte);
                }
                [quote @ (b'"' | b'\''), ..] if self.quote.is_none_or(|own| own == *quote) => {
                    self.position = self.after_joint()?;
                }
                [b'&' | b' ', ..] if self.sign == b'%' => return None,
                [byte @ b' '..=b'~', ..] => {
                    self.position += 1;
                    return Some(*byte);
                }
                _ => return None,
            }
        }
    }

    /// Returns where the literal goes on after a quote: in C, two in a row are one.
    fn after_joint(&self) -> Option<usize> {
        let after = &self.text[self.position + 1..];
        let head = &after[..after.len().min(MAX_JOINT)];
        let is_joint = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'+' | b'\\' | b'b');
        let length = head.iter().take_while(|byte| is_joint(byte)).count();
        let is_quote = length > 0 && head.get(length) == self.text.get(self.position);
        is_quote.then_some(self.position + length + 2)
    }
}

fn quote_before(text: &[u8], start: usize) -> Option<u8> {
    match text[..start] {
        [.., quote @ (b'"' | b'\'')] => Some(quote),
        _ => None,
    }
}

struct Escaped {
    byte: u8,
    length: usize,
}

impl Escaped {
    /// Returns whether it is the length of a sequence of more than 127 bytes.
    fn is_length(&self) -> bool {
        matches!(self.byte, 0x80..=0x84)
    }
}

fn escape_at(text: &[u8]) -> Option<Escaped> {
    match text {
        [b'%', high, low, ..] | [b'\\', b'x', high, low, ..] => {
            let length = if text[0] == b'%' { 3 } else { 4 };
            Some(Escaped { byte: number(&[*high, *low], 16)?, length })
        }
        [b'\\', b'0'..=b'7', ..] => {
            let digits = text[1..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            Some(Escaped { byte: number(&text[1..=digits], 8)?, length: 1 + digits })
        }
        [b'\\', letter, ..] => Some(Escaped { byte: control(*letter)?, length: 2 }),
        _ => None,
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

/// Returns the byte that a letter stands for after a backslash.
fn control(letter: u8) -> Option<u8> {
    Some(match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'\\' | b'\'' | b'"' | b'?' => letter,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::fixture;

    /// Writes bytes as a literal: those that are printed as they are in `is_plain` are not escaped.
    fn written(bytes: &[u8], is_plain: fn(u8) -> bool, escape: fn(u8) -> String) -> String {
        let mut text = String::new();
        for byte in bytes {
            if is_plain(*byte) { text.push(char::from(*byte)) } else { text += &escape(*byte) }
        }
        text
    }

    #[test]
    fn literals_of_programs_are_read() {
        let der = fixture("der/universal.cer");
        let none: fn(u8) -> bool = |_| false;
        let printable: fn(u8) -> bool = |byte| matches!(byte, b' '..=b'~') && !b"\\\"'".contains(&byte);
        let unreserved: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric();
        for (is_plain, escape) in [
            (none, (|byte| format!("\\x{byte:02x}")) as fn(u8) -> String),
            (printable, |byte| format!("\\x{byte:02x}")),
            (none, |byte| format!("\\{byte:03o}")),
            (unreserved, |byte| format!("%{byte:02X}")),
        ] {
            let text = format!("\"{}\"", written(&der, is_plain, escape));
            let position = text.find(['\\', '%']).unwrap();
            let literal = at(text.as_bytes(), position).unwrap();
            assert_eq!((literal.start, literal.end), (1, text.len() - 1), "{}", &text[..40]);
            assert_eq!(*literal.hexadecimal.unwrap(), data_encoding::HEXLOWER.encode(&der));
        }
    }
}
