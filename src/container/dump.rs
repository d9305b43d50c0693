//! Files that are written as numbers: in hexadecimal, as the bytes of a program or of JSON.

use zeroize::Zeroizing;

use crate::container::addressed::{self, FoundDump};
use crate::container::transport::{self, EncodedPart};
use crate::container::{detect, registry};

/// The fewest bytes of a file.
const MIN_BYTES: usize = 100;

/// Decodes a text that is hexadecimal digits as a whole, with colons or white space between them.
pub(super) fn decode_hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_hex = |byte: &u8| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace() || *byte == b':';
    if !text[..text.len().min(2 * MIN_BYTES)].iter().all(is_hex) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    let mut high = None;
    for byte in text {
        match (hex_digit(*byte), high) {
            (Some(digit), None) => high = Some(digit),
            (Some(digit), Some(first)) => {
                bytes.push(first << 4 | digit);
                high = None;
            }
            (None, None) if is_hex(byte) => {}
            (None, _) => return None,
        }
    }
    is_file(&bytes).then_some(bytes)
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// The beginnings of a file, as the first number of a list: of DER, or the dashes of PEM.
const FIRST_BYTES: [u8; 2] = [0x30, b'-'];

/// Returns the lists of numbers in a text that are files, one after the other.
pub(super) fn lists(text: &[u8]) -> Lists<'_> {
    Lists { text, position: 0, dump: addressed::find(text, 0) }
}

/// Lists of numbers in a text.
pub(super) struct Lists<'a> {
    text: &'a [u8],
    position: usize,
    /// The next dump, which is named and not read.
    dump: Option<FoundDump>,
}

impl Lists<'_> {
    /// Returns whether a dump comes that is named and not read.
    pub(super) fn has_dump(&self) -> bool {
        self.dump.is_some()
    }
}

impl Iterator for Lists<'_> {
    type Item = EncodedPart;

    fn next(&mut self) -> Option<EncodedPart> {
        loop {
            let rest = self.text.get(self.position..)?;
            let may_begin = |byte: &u8| matches!(byte, b'[' | b'{' | b'0' | b'2' | b'3');
            let start = self.position + rest.iter().position(may_begin)?;
            self.position = start + 1;
            if let Some(FoundDump { span, .. }) = self.dump.take_if(|dump| dump.span.start <= start) {
                self.position = start.max(span.end);
                self.dump = addressed::find(self.text, span.end);
                continue;
            }
            let part = match self.text[start] {
                b'2' | b'3' => self.pairs_at(start),
                _ => self.list_at(start),
            };
            if part.is_some() {
                return part;
            }
        }
    }
}

impl Lists<'_> {
    fn list_at(&mut self, start: usize) -> Option<EncodedPart> {
        let first = start + usize::from(self.text[start] != b'0');
        let head = &self.text[first..self.text.len().min(first + MIN_BYTES)];
        // The list begins later, but a comment may have a bracket.
        if memchr::memchr2(b'[', b'{', head).is_some() && !head.contains(&b'/') {
            return None;
        }
        let numbers = Numbers::new(&self.text[first..]);
        if !begins_file(&numbers) {
            return None;
        }
        let mut counted = numbers.clone();
        let count = counted.by_ref().count();
        // No list begins in the middle of another.
        self.position = self.text.len() - counted.text.len();
        if count < MIN_BYTES {
            return None;
        }
        // A vector that does not grow leaves no copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(count));
        bytes.extend(numbers);
        is_whole_file(&bytes).then_some(EncodedPart { span: start..self.position, bytes })
    }

    /// Reads pairs of hexadecimal digits with something between them. One word is read elsewhere.
    fn pairs_at(&mut self, start: usize) -> Option<EncodedPart> {
        let is_middle = start > 0 && self.text[start - 1].is_ascii_alphanumeric();
        let pairs = Pairs { text: &self.text[start..], gaps: 0 };
        let mut head = pairs.clone();
        if is_middle
            || !matches!((head.next(), head.next()), (Some(0x30), Some(0x80..=0x84)) | (Some(b'-'), Some(b'-')))
        {
            return None;
        }
        let mut counted = pairs.clone();
        let count = counted.by_ref().count();
        self.position = self.text.len() - counted.text.len();
        if counted.gaps == 0 {
            return None;
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(count));
        bytes.extend(pairs);
        is_whole_file(&bytes).then_some(EncodedPart { span: start..self.position, bytes })
    }
}

fn begins_file(numbers: &Numbers<'_>) -> bool {
    let first = numbers.clone().next();
    first.is_some_and(|first| FIRST_BYTES.contains(&first))
}

fn is_whole_file(bytes: &[u8]) -> bool {
    is_file(bytes) && (bytes.starts_with(b"-") || detect::detect_der(bytes).is_ok())
}

/// The most bytes between two pairs: a registry file breaks lines with `,\` and spaces.
const MAX_GAP: usize = 16;

/// Pairs of hexadecimal digits, as dumps write bytes: `30 82`, `30:82`, `30,82`, and lines of them.
#[derive(Clone)]
struct Pairs<'a> {
    text: &'a [u8],
    /// How often something stood between two pairs.
    gaps: usize,
}

impl Iterator for Pairs<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let is_gap = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b':' | b',' | b'-' | b'\\');
        let gap = self.text.iter().take(MAX_GAP).take_while(|byte| is_gap(byte)).count();
        let [high, low, rest @ ..] = &self.text[gap..] else { return None };
        let byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        self.text = rest;
        self.gaps += usize::from(gap > 0);
        Some(byte)
    }
}

/// The numbers of a list, as programs write bytes: `0x30`, `48`, `48u8`, `-126`, `(byte)0x82`, `060` in octal, `0x30820543`
/// in words, with comments between them.
#[derive(Clone)]
struct Numbers<'a> {
    text: &'a [u8],
    is_octal: bool,
    /// The digits of a word; 0 where each number is a byte.
    width: usize,
    /// The digits of the last word that were not read.
    word: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// Tells by the first number how the others are written.
    fn new(text: &'a [u8]) -> Self {
        let first = after_gap(text);
        let is_octal = matches!(first, [b'0', b'6', b'0', ..] | [b'0', b'5', b'5', ..]);
        let digits = match first {
            [b'0', b'x' | b'X', digits @ ..] => {
                digits.iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count()
            }
            _ => 0,
        };
        let begins_word = matches!(first.get(2..4), Some(b"30" | b"2d" | b"2D"));
        let width = if begins_word && matches!(digits, 4 | 8 | 16) { digits } else { 0 };
        Self { text, is_octal, width, word: b"" }
    }

    /// Reads the digits of the next word.
    fn next_word(&mut self) -> Option<()> {
        let digits = self.text.strip_prefix(b"0x").or(self.text.strip_prefix(b"0X"))?;
        let length = digits.iter().take(self.width).take_while(|byte| byte.is_ascii_hexdigit()).count();
        (self.word, self.text) = digits.split_at(length);
        Some(())
    }
}

impl Iterator for Numbers<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if self.width > 0 {
            if self.word.is_empty() {
                self.text = after_gap(self.text);
                self.next_word()?;
            }
            let [high, low, rest @ ..] = self.word else { return None };
            self.word = rest;
            return Some(hex_digit(*high)? << 4 | hex_digit(*low)?);
        }
        self.text = after_gap(self.text);
        let text = self.text.strip_prefix(b"(byte)").unwrap_or(self.text).trim_ascii_start();
        let (number, length) = if self.is_octal { octal_at(text)? } else { number_at(text)? };
        let rest = &text[length..];
        let rest = rest.strip_prefix(b"_").unwrap_or(rest);
        self.text = rest.strip_prefix(b"u8").unwrap_or(rest);
        Some(number)
    }
}

/// Returns the octal number that a text begins with, and the length of it.
fn octal_at(text: &[u8]) -> Option<(u8, usize)> {
    let length = text.iter().take(4).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let digits = std::str::from_utf8(&text[..length]).ok()?;
    Some((u8::from_str_radix(digits, 8).ok()?, length))
}

/// The longest comment in a list, in bytes.
const MAX_COMMENT: usize = 128;

/// The most comments between two numbers.
const MAX_COMMENTS: usize = 2;

/// Leaves out what stands between two numbers.
fn after_gap(text: &[u8]) -> &[u8] {
    let mut rest = text;
    let mut comments = 0;
    loop {
        let head = &rest[..rest.len().min(MAX_COMMENT)];
        let length = match rest {
            [b',' | b' ' | b'\n' | b'\r' | b'\t', ..] => Some(1),
            [b'/', b'*' | b'/', ..] if comments == MAX_COMMENTS => None,
            [b'/', b'*', ..] => memchr::memmem::find(head, b"*/").map(|end| end + 2),
            [b'/', b'/', ..] => memchr::memchr(b'\n', head),
            _ => None,
        };
        comments += usize::from(rest.starts_with(b"/"));
        let Some(length) = length else { return rest };
        rest = &rest[length..];
    }
}

/// Returns the number that a text begins with, and the length of it. Java writes the bytes from 128 on below 0.
fn number_at(text: &[u8]) -> Option<(u8, usize)> {
    let (prefix, radix) = match text {
        [b'0', b'x' | b'X', ..] => (2, 16),
        [b'-', ..] => (1, 10),
        _ => (0, 10),
    };
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let length = prefix + text[prefix..].iter().take(4).take_while(is_digit).count();
    let digits = std::str::from_utf8(&text[prefix..length]).ok()?;
    let number = match prefix {
        1 => 256u16.checked_sub(digits.parse().ok()?)?,
        _ => u16::from_str_radix(digits, radix).ok()?,
    };
    Some((u8::try_from(number).ok()?, length))
}

fn is_file(bytes: &[u8]) -> bool {
    let is_known = transport::begins_as_der(bytes)
        || bytes.starts_with(b"-----BEGIN")
        || detect::is_set_of_certificates(bytes)
        || registry::certificate(bytes).is_some();
    bytes.len() >= MIN_BYTES && is_known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::fixture;

    #[test]
    fn numbers_are_read() {
        let der = fixture("der/universal.cer");
        let pem = fixture("pem/identity.pem");
        let join =
            |file: &[u8], sign: &str, number: fn(&u8) -> String| file.iter().map(number).collect::<Vec<_>>().join(sign);
        for file in [&der, &pem] {
            let plain = join(file, "", |byte| format!("{byte:02x}"));
            for text in [plain.clone(), plain.to_uppercase() + "\n", join(file, ":", |byte| format!("{byte:02X}"))] {
                assert!(decode_hex(text.as_bytes()).unwrap().as_slice() == file.as_slice());
            }
        }
        for text in ["", "48", "deadbeef", &"30 ".repeat(200)] {
            assert_eq!(decode_hex(text.as_bytes()), None);
        }
    }

    #[test]
    fn lists_of_numbers_are_read() {
        let der = fixture("der/universal.cer");
        let pem = fixture("pem/identity.pem");
        let join = |file: &[u8], number: fn(&u8) -> String| file.iter().map(number).collect::<Vec<_>>().join(", ");
        let signed = |byte: &u8| i8::from_be_bytes([*byte]).to_string();
        for file in [&der, &pem] {
            for text in [
                format!("unsigned char a[] = {{\n  {}\n}};", join(file, |byte| format!("0x{byte:02x}"))),
                format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", join(file, u8::to_string).replace(' ', "")),
                format!("{{\"data\": [\n  {}]}}", join(file, u8::to_string).replace(' ', "\n  ")),
                format!("[]byte{{{}}}", join(file, u8::to_string)),
                format!("let key = [{}];", join(file, |byte| format!("{byte}u8"))),
                format!("byte[] key = {{{}}};", join(file, |byte| format!("(byte)0x{byte:02X} /* {byte} */"))),
                format!("[{}]", join(file, signed)),
                format!("[[1, 2], [{}]]", join(file, u8::to_string)),
                format!("{{ /* key[0] */ {} }}", join(file, u8::to_string)),
            ] {
                let found: Vec<_> = lists(text.as_bytes()).map(|part| part.bytes.to_vec()).collect();
                assert!(found == [file.clone()], "{}", &text[..40]);
            }
        }
        let bare = join(&der, |byte| format!("0x{byte:02X}"));
        assert!(lists(bare.as_bytes()).next().unwrap().bytes.as_slice() == der);
        let numbers: Vec<_> = (0..200).map(|number| number.to_string()).collect();
        for text in ["0x30, 0x82", "[48,130,1", "[]{}0", &format!("{{0x30, 0x82, {}}}", numbers.join(", "))] {
            assert!(lists(text.as_bytes()).next().is_none(), "{text}");
        }
    }

    #[test]
    fn a_dump_is_no_list_of_numbers() {
        for file in [fixture("der/universal.cer"), fixture("pem/identity.pem")] {
            let mut dump = String::new();
            for (index, line) in file.chunks(16).enumerate() {
                dump += &format!("{:06x}", index * 16);
                for byte in line {
                    dump += &format!(" {byte:02x}");
                }
                dump += "\n";
            }
            assert!(lists(dump.as_bytes()).next().is_none());
            let list = file.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
            assert_eq!(lists(format!("{dump}\n{list}\n").as_bytes()).count(), 1);
        }
    }
}
