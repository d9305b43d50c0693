//! Files that are written as numbers: in hexadecimal, as the bytes of a program or of JSON. Dumps with an address before
//! each line are named, not read.

use zeroize::Zeroizing;

use crate::container::detect;
use crate::container::lookalike::Lookalike;
use crate::container::transport::{self, EncodedPart};

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

/// Returns the lists of numbers in a text that are files, one after the other.
pub(super) fn lists(text: &[u8]) -> Lists<'_> {
    Lists { text, position: 0 }
}

/// Lists of numbers in a text.
pub(super) struct Lists<'a> {
    text: &'a [u8],
    position: usize,
}

impl Iterator for Lists<'_> {
    type Item = EncodedPart;

    fn next(&mut self) -> Option<EncodedPart> {
        loop {
            let rest = self.text.get(self.position..)?;
            let may_begin = |byte: &u8| matches!(byte, b'0' | b'2' | b'3' | b'4' | b'$' | b'&');
            let start = self.position + rest.iter().position(may_begin)?;
            self.position = start + 1;
            // The first number stands for itself.
            if start > 0 && self.text[start - 1].is_ascii_alphanumeric() {
                continue;
            }
            let part = match self.text[start] {
                b'2' | b'3' => self.pairs_at(start),
                _ => None,
            };
            if let Some(part) = part.or_else(|| self.list_at(start)) {
                return Some(part);
            }
        }
    }
}

impl Lists<'_> {
    fn list_at(&mut self, start: usize) -> Option<EncodedPart> {
        let numbers = Numbers::new(&self.text[start..])?;
        let mut head = numbers.clone();
        if !begins_file(head.next()?, head.next()?) {
            return None;
        }
        let mut counted = numbers.clone();
        let count = counted.by_ref().count();
        // No list begins in the middle of another.
        self.position = self.position.max(self.text.len() - counted.text.len());
        // A vector that does not grow leaves no copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(count));
        bytes.extend(numbers);
        is_whole_file(&bytes).then_some(EncodedPart { span: start..self.position, bytes })
    }

    /// Reads pairs of hexadecimal digits with something between them. One word is read elsewhere.
    fn pairs_at(&mut self, start: usize) -> Option<EncodedPart> {
        let pairs = Pairs { text: &self.text[start..], gaps: 0 };
        let mut head = pairs.clone();
        if !begins_file(head.next()?, head.next()?) {
            return None;
        }
        let mut counted = pairs.clone();
        let count = counted.by_ref().count();
        if counted.gaps == 0 {
            return None;
        }
        let end = self.text.len() - counted.text.len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(count));
        bytes.extend(pairs);
        if !is_whole_file(&bytes) {
            // What these digits are of a number is told by what follows.
            if count > MIN_BYTES {
                self.position = end;
            }
            return None;
        }
        self.position = end;
        Some(EncodedPart { span: start..end, bytes })
    }
}

/// Returns whether two bytes are the first of a file: of DER, of a key that is so short that one byte is its length, or
/// the dashes of PEM.
fn begins_file(first: u8, second: u8) -> bool {
    matches!((first, second), (0x30, 0x62..=0x84) | (b'-', b'-'))
}

fn is_whole_file(bytes: &[u8]) -> bool {
    let is_pem = bytes.starts_with(b"-----BEGIN");
    bytes.len() >= MIN_BYTES && (is_pem || (bytes.starts_with(b"\x30") && detect::detect_der(bytes).is_ok()))
}

/// The most bytes between two pairs: a registry file breaks lines with `,\` and spaces.
const MAX_GAP: usize = 16;

/// Pairs of hexadecimal digits, as dumps write bytes: `30 82`, `30:82`, `30,82`, `30;82`, and lines of them, quoted or not.
#[derive(Clone)]
struct Pairs<'a> {
    text: &'a [u8],
    /// How often something stood between two pairs.
    gaps: usize,
}

impl Iterator for Pairs<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let is_gap = |byte: &u8| byte.is_ascii_whitespace() || b":,-\\;|\"'+.&".contains(byte);
        let gap = self.text.iter().take(MAX_GAP).take_while(|byte| is_gap(byte)).count();
        let [high, low, rest @ ..] = &self.text[gap..] else { return None };
        let byte = hex_digit(*high)? << 4 | hex_digit(*low)?;
        self.text = rest;
        self.gaps += usize::from(gap > 0);
        Some(byte)
    }
}

/// How the numbers of a list are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// `48`, `-126`, and `0x30` among them.
    Plain,
    /// `060`.
    Octal,
    /// `030h`.
    Suffixed,
    /// `0x30820543`, as so many digits.
    Words(usize),
}

/// The first number of a file in some notation.
struct FirstNumber {
    written: &'static [u8],
    notation: Notation,
}

const fn first(written: &'static str, notation: Notation) -> FirstNumber {
    FirstNumber { written: written.as_bytes(), notation }
}

/// In small letters; a longer one that begins as another stands before it.
static FIRST_NUMBERS: [FirstNumber; 16] = [
    first("030h", Notation::Suffixed),
    first("02dh", Notation::Suffixed),
    first("30h", Notation::Suffixed),
    first("2dh", Notation::Suffixed),
    first("0x30", Notation::Plain),
    first("0x2d", Notation::Plain),
    first("060", Notation::Octal),
    first("055", Notation::Octal),
    first("048", Notation::Plain),
    first("045", Notation::Plain),
    first("48", Notation::Plain),
    first("45", Notation::Plain),
    first("&h30", Notation::Plain),
    first("&h2d", Notation::Plain),
    first("$30", Notation::Plain),
    first("$2d", Notation::Plain),
];

impl Notation {
    /// Tells by the first number of a list how the others are written.
    fn of(text: &[u8]) -> Option<Self> {
        let begins_so = |number: &&FirstNumber| match text.get(..number.written.len()) {
            Some(head) => head.eq_ignore_ascii_case(number.written),
            None => false,
        };
        let FirstNumber { written, notation } = FIRST_NUMBERS.iter().find(begins_so)?;
        let is_digit = |byte: &&u8| byte.is_ascii_hexdigit();
        let more = text[written.len()..].iter().take(13).take_while(is_digit).count();
        match (notation, more) {
            (Self::Plain, 2 | 6 | 14) if written.starts_with(b"0x") => Some(Self::Words(more + 2)),
            (notation, 0) => Some(*notation),
            (_, _) => None,
        }
    }
}

/// The numbers of a list, as programs write bytes, with signs, words for their type and comments between them.
#[derive(Clone)]
struct Numbers<'a> {
    text: &'a [u8],
    notation: Notation,
    /// The digits of the last word that were not read.
    word: &'a [u8],
}

impl<'a> Numbers<'a> {
    /// Returns the numbers from the first on; `None` where no file begins so.
    fn new(text: &'a [u8]) -> Option<Self> {
        Some(Self { text, notation: Notation::of(text)?, word: b"" })
    }

    /// Reads the digits of the next word.
    fn next_word(&mut self, width: usize) -> Option<()> {
        let digits = self.text.strip_prefix(b"0x").or(self.text.strip_prefix(b"0X"))?;
        let length = digits.iter().take(width).take_while(|byte| byte.is_ascii_hexdigit()).count();
        (self.word, self.text) = digits.split_at(length);
        Some(())
    }
}

impl Iterator for Numbers<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let Notation::Words(width) = self.notation {
            if self.word.is_empty() {
                self.text = after_gap(self.text);
                self.next_word(width)?;
            }
            let [high, low, rest @ ..] = self.word else { return None };
            self.word = rest;
            return Some(hex_digit(*high)? << 4 | hex_digit(*low)?);
        }
        let text = after_gap(self.text);
        let (number, length) = match self.notation {
            Notation::Octal => octal_at(text)?,
            Notation::Suffixed => suffixed_at(text)?,
            Notation::Plain | Notation::Words(_) => number_at(text)?,
        };
        let rest = &text[length..];
        let rest = rest.strip_prefix(b"_").unwrap_or(rest);
        self.text = rest.strip_prefix(b"u8").unwrap_or(rest);
        Some(number)
    }
}

/// Returns the number with an "h" after it that a text begins with, and the length of it.
fn suffixed_at(text: &[u8]) -> Option<(u8, usize)> {
    let length = text.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
    if !matches!(text.get(length), Some(b'h' | b'H')) {
        return None;
    }
    let digits = std::str::from_utf8(&text[..length]).ok()?;
    Some((u8::from_str_radix(digits, 16).ok()?, length + 1))
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

/// The most bytes between two numbers that are no comment.
const MAX_SIGNS: usize = 64;

/// The words that stand between two numbers: their type, the directives of assemblers, the elements of XML.
const WORDS: [&str; 18] = [
    "b", "byte", "c", "db", "data", "dc", "h", "i", "int", "integer", "int8", "item", "sbyte", "td", "u8", "uint8",
    "ub", "value",
];

/// The most letters and digits of such a word.
const MAX_WORD: usize = 8;

/// Leaves out what stands between two numbers.
fn after_gap(text: &[u8]) -> &[u8] {
    let mut rest = text;
    let mut comments = 0;
    let mut signs = 0;
    while signs < MAX_SIGNS {
        let head = &rest[..rest.len().min(MAX_COMMENT)];
        let length = match rest {
            [b'/', b'*' | b'/', ..] if comments == MAX_COMMENTS => None,
            [b'/', b'*', ..] => memchr::memmem::find(head, b"*/").map(|end| end + 2),
            [b'/', b'/', ..] => memchr::memchr(b'\n', head),
            // The signs of numbers.
            [b'-', b'0'..=b'9', ..] | [b'&', b'h' | b'H', ..] | [b'$', ..] | [b'0'..=b'9', ..] => None,
            [byte, ..] if byte.is_ascii_alphabetic() => word_at(head),
            [byte, ..] if byte.is_ascii() && *byte != 0 => Some(1),
            _ => None,
        };
        if rest.starts_with(b"//") || rest.starts_with(b"/*") {
            comments += 1;
        } else {
            signs += length.unwrap_or_default();
        }
        let Some(length) = length else { return rest };
        rest = &rest[length..];
    }
    rest
}

/// Returns the length of the word that a text begins with, if it is one of those between numbers.
fn word_at(text: &[u8]) -> Option<usize> {
    let length = text.iter().take(MAX_WORD + 1).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let word = std::str::from_utf8(&text[..length]).ok()?;
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)).then_some(length)
}

/// Returns the number that a text begins with, and the length of it. Java writes the bytes from 128 on below 0.
fn number_at(text: &[u8]) -> Option<(u8, usize)> {
    let (prefix, radix) = match text {
        [b'0', b'x' | b'X', ..] | [b'&', b'h' | b'H', ..] => (2, 16),
        [b'$', ..] => (1, 16),
        [b'-', ..] => (1, 10),
        _ => (0, 10),
    };
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let length = prefix + text[prefix..].iter().take(4).take_while(is_digit).count();
    let digits = std::str::from_utf8(&text[prefix..length]).ok()?;
    let number = match text {
        [b'-', ..] => 256u16.checked_sub(digits.parse().ok()?)?,
        _ => u16::from_str_radix(digits, radix).ok()?,
    };
    Some((u8::try_from(number).ok()?, length))
}

fn is_file(bytes: &[u8]) -> bool {
    bytes.len() >= MIN_BYTES && (transport::begins_as_der(bytes) || bytes.starts_with(b"-----BEGIN"))
}

/// Returns whether a text begins as a dump with an address before each line, of a file that has certificates or keys in
/// it.
pub(super) fn sniff(text: &[u8]) -> Option<Lookalike> {
    let line = DumpLine::parse(text)?;
    (line.begins_file() && (line.address == 0 || begins_dump(text))).then_some(Lookalike::HexDump)
}

/// The fewest lines of a dump that stands among other text: the example of a document is shorter.
const MIN_LINES: usize = 6;

/// The most bytes of a line, and of what a dump has in one.
const MAX_LINE: usize = 256;

/// Returns where a dump begins in a text, as [`sniff`].
pub(super) fn find_dump(text: &[u8]) -> Option<usize> {
    let mut start = 0;
    while start < text.len() {
        if begins_dump(&text[start..]) {
            return Some(start);
        }
        start += memchr::memchr2(b'\n', b'\r', &text[start..])? + 1;
    }
    None
}

/// Returns whether a text begins with the first lines of a dump: the addresses grow by the same number.
pub(super) fn begins_dump(text: &[u8]) -> bool {
    let Some(first) = DumpLine::parse(text) else { return false };
    if !first.begins_file() {
        return false;
    }
    let mut addresses = [first.address; MIN_LINES];
    let mut in_octal = [first.in_octal; MIN_LINES];
    let mut rest = text;
    for index in 1..MIN_LINES {
        let Some(end) = memchr::memchr(b'\n', &rest[..rest.len().min(MAX_LINE)]) else { return false };
        rest = &rest[end + 1..];
        let Some(line) = DumpLine::parse(rest) else { return false };
        addresses[index] = line.address;
        in_octal[index] = line.in_octal;
    }
    grow_evenly(&addresses) || grow_evenly(&in_octal)
}

fn grow_evenly(addresses: &[u64]) -> bool {
    let step = addresses[1].wrapping_sub(addresses[0]);
    (4..=64).contains(&step) && addresses.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == step)
}

/// A line of a dump.
struct DumpLine<'a> {
    address: u64,
    /// Its digits as an octal number, which od writes; 0 where they are none.
    in_octal: u64,
    /// What stands after it.
    data: &'a [u8],
}

/// The most blanks before an address.
const MAX_INDENT: usize = 64;

/// The most bytes before the data of a line: an address, and in debuggers the name of a symbol.
const MAX_ADDRESS: usize = 64;

impl<'a> DumpLine<'a> {
    /// Reads the first line of a text.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let start = text.iter().take(MAX_INDENT).take_while(is_blank).count();
        // Most lines are told by their first letter.
        if !text.get(start)?.is_ascii_hexdigit() {
            return None;
        }
        let head = &text[start..text.len().min(start + MAX_LINE)];
        let line = &head[..memchr::memchr2(b'\n', b'\r', head).unwrap_or(head.len())];
        let digits = line.strip_prefix(b"0x").unwrap_or(line);
        let length = digits.iter().take(18).take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'`').count();
        let mut after = &digits[length..];
        if let [b' ', b'<', ..] | [b'<', ..] = after {
            let symbol = &after[..after.len().min(MAX_ADDRESS)];
            after = &after[memchr::memchr(b'>', symbol)? + 1..];
        }
        let [b':' | b' ' | b'\t', data @ ..] = after else { return None };
        if !(4..=17).contains(&length) {
            return None;
        }
        let address = std::str::from_utf8(&digits[..length]).ok()?.replace('`', "");
        let in_octal = u64::from_str_radix(&address, 8).unwrap_or_default();
        Some(Self { address: u64::from_str_radix(&address, 16).ok()?, in_octal, data })
    }

    /// Returns whether a file begins with the line: DER or PEM, in bytes, in words of either order, or in octal words.
    fn begins_file(&self) -> bool {
        let mut digits = Vec::with_capacity(10);
        let mut first_length = 0;
        for word in self.data.split(|byte| !byte.is_ascii_alphanumeric()) {
            let word = word.strip_prefix(b"0x").unwrap_or(word);
            if word.is_empty() {
                continue;
            }
            if digits.len() >= 10 || !word.iter().all(u8::is_ascii_hexdigit) {
                break;
            }
            first_length = if digits.is_empty() { word.len() } else { first_length };
            digits.extend(word.to_ascii_lowercase());
        }
        let swapped = match (first_length, &digits[..]) {
            (4, [c, d, a, b, ..]) => [*a, *b, *c, *d],
            (8, [_, _, _, _, c, d, a, b, ..]) => [*a, *b, *c, *d],
            _ => [0; 4],
        };
        let is_octal = first_length == 6 && OCTAL_STARTS.iter().any(|start| digits.starts_with(start));
        is_octal || swapped == *b"2d2d" || is_der(&swapped) || is_der(&digits) || digits.starts_with(b"2d2d2d2d2d")
    }
}

/// 0x8030 to 0x8430, and two dashes, as od writes words.
const OCTAL_STARTS: [&[u8]; 6] = [b"100060", b"100460", b"101060", b"101460", b"102060", b"026455"];

fn is_der(digits: &[u8]) -> bool {
    matches!(digits, [b'3', b'0', b'8', b'0'..=b'4', ..])
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

    /// Writes bytes as a list.
    fn list(file: &[u8], sign: &str, number: fn(&u8) -> String) -> String {
        file.iter().map(number).collect::<Vec<_>>().join(sign)
    }

    /// Writes so many bytes a line.
    fn lines(file: &[u8], width: usize, line: impl Fn(usize, &[u8]) -> String) -> String {
        file.chunks(width).enumerate().map(|(index, bytes)| line(index * width, bytes)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn lists_of_numbers_are_read_whatever_stands_around_them() {
        let der = fixture("der/universal.cer");
        let decimal: fn(&u8) -> String = u8::to_string;
        let signed: fn(&u8) -> String = |byte| i8::from_be_bytes([*byte]).to_string();
        let wide: fn(&u8) -> String = |byte| format!("{byte:3}");
        let hex: fn(&u8) -> String = |byte| format!("{byte:02x}");
        let digits = list(&der, "", hex);
        let quoted = |joint: &str| {
            let lines: Vec<String> =
                digits.as_bytes().chunks(64).map(|line| format!("\"{}\"", str::from_utf8(line).unwrap())).collect();
            lines.join(joint)
        };
        for text in [
            format!("CERT = bytes(({}))", list(&der, ", ", decimal)),
            format!("val c = byteArrayOf({})", list(&der, ", ", signed)),
            format!("$c = array({});", list(&der, ", ", decimal)),
            format!("C = <<{}>>.", list(&der, ",", decimal)),
            format!("[byte[]]$c = @({})", list(&der, ",", decimal)),
            format!("c <- as.raw(c({}))", list(&der, ", ", decimal)),
            format!("$c = pack(\"C*\", {});", list(&der, ",", decimal)),
            format!("(setq c #({}))", list(&der, " ", decimal)),
            list(&der, ",", decimal),
            list(&der, "\n", decimal),
            lines(&der, 16, |_, bytes| format!(" {}", list(bytes, " ", wide))),
            format!("cert:\n- {}\n", list(&der, "\n- ", decimal)),
            format!("<b>{}</b>", list(&der, "</b><b>", decimal)),
            format!("c = [UInt8({})]", list(&der, "), UInt8(", decimal)),
            format!("Dim c() As Byte = {{{}}}", list(&der, ", ", |byte| format!("&H{byte:02X}"))),
            format!("c: array of Byte = ({});", list(&der, ", ", |byte| format!("${byte:02X}"))),
            lines(&der, 8, |_, bytes| format!("  db {}", list(bytes, ", ", |byte| format!("0{byte:02X}h")))),
            lines(&der, 8, |_, bytes| format!("  .byte {}", list(bytes, ", ", |byte| format!("0x{byte:02x}")))),
            list(&der, ";", hex),
            list(&der, "|", hex),
            quoted("\n"),
            quoted(" +\n"),
            quoted(", "),
        ] {
            let found: Vec<_> = lists(text.as_bytes()).map(|part| part.bytes.to_vec()).collect();
            assert!(found == [der.clone()], "{}", &text[..60]);
        }
        let short = fixture("key/sec1.der");
        assert!(short.len() < 130, "{}", short.len());
        assert!(lists(list(&short, ",", decimal).as_bytes()).next().unwrap().bytes.as_slice() == short);
    }

    #[test]
    fn a_dump_is_found_behind_other_lines() {
        let der = fixture("der/universal.cer");
        let hex = |bytes: &[u8], sign: &str| list(bytes, sign, |byte| format!("{byte:02x}"));
        let swapped = |bytes: &[u8], width: usize| {
            let word = |word: &[u8]| word.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
            bytes.chunks(width).map(word).collect::<Vec<_>>().join(" ")
        };
        let octal = |bytes: &[u8]| {
            let word = |pair: &[u8]| format!("{:06o}", u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
            bytes.chunks(2).map(word).collect::<Vec<_>>().join(" ")
        };
        for dump in [
            lines(&der, 16, |address, bytes| format!("{address:08x}: {}  0...", hex(bytes, " "))),
            lines(&der, 16, |address, bytes| format!("{address:08x}  {}  |0...|", hex(bytes, " "))),
            lines(&der, 16, |address, bytes| format!("{address:07x} {}", swapped(bytes, 2))),
            lines(&der, 16, |address, bytes| format!("{address:08x}: {}  ..0.", swapped(bytes, 4))),
            lines(&der, 16, |address, bytes| format!("{address:07o} {}", octal(bytes))),
            lines(&der, 16, |address, bytes| {
                format!(" {:04x} {} 0...", address + 0x4000, hex(bytes, "")[..16].to_owned())
            }),
            lines(&der, 8, |address, bytes| format!("0x7fff{address:04x}:\t0x{}", hex(bytes, "\t0x"))),
            lines(&der, 8, |address, bytes| format!("0x7fff{address:04x} <cert+{address}>:\t0x{}", hex(bytes, "\t0x"))),
        ] {
            let text = format!("received:\n{dump}\n");
            assert_eq!(find_dump(text.as_bytes()), Some(10), "{}", &dump[..80]);
        }
        for text in ["0000: 30 82 01\n0010: 01 02\n", "x\n00000000: 3082 0543\n", "1000 3082\n1001 3082\n"] {
            assert_eq!(find_dump(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_dump_is_named() {
        for text in [
            "00000000: 3082 0bf1 0201 0330 820b b706 092a 8648  0......0.....*.H",
            "0000\t30 82 0b f1 02 01 03 30  82 0b b7 06 09 2a 86 48   0......0.....*.H",
            "00000000  2d 2d 2d 2d 2d 42 45 47  49 4e 20 43 45 52 54 49  |-----BEGIN CERTI|",
        ] {
            assert_eq!(sniff(text.as_bytes()), Some(Lookalike::HexDump), "{text}");
        }
        for text in ["0 hello\r\n1 world\r\n", "00000000: 7f45 4c46", "0000", "0000-00-00 30 82"] {
            assert_eq!(sniff(text.as_bytes()), None, "{text}");
        }
    }
}
