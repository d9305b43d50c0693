//! Dumps with an address before each line, as xxd, hexdump, od, PowerShell and debuggers write them. They are named, not
//! read: the order of the bytes in their words depends on the machine.

use std::ops::Range;

use crate::container::lookalike::Lookalike;

/// A dump in a text, of a file that has certificates or keys in it.
pub(super) struct FoundDump {
    pub(super) span: Range<usize>,
    pub(super) kind: Lookalike,
}

/// The fewest characters of a dump in the midst of a text: documents show the first lines of one.
const MIN_DUMP: usize = 250;

/// The most characters of a line that tell what it is.
const MAX_LINE: usize = 160;

/// Returns the kind of the dump that a text begins with.
pub(super) fn sniff(text: &[u8]) -> Option<Lookalike> {
    let dump = dump_at(text)?;
    Some(dump.kind)
}

/// Returns the first dump in a text from a place on that is the beginning of a line.
pub(super) fn find(text: &[u8], from: usize) -> Option<FoundDump> {
    let mut start = from;
    while start < text.len() {
        let rest = &text[start..];
        let may_begin = rest[0].is_ascii_hexdigit() || rest[0] == b' ';
        let dump = if may_begin { dump_at(rest) } else { None };
        if let Some(FoundDump { span, kind }) = dump
            && span.end >= MIN_DUMP
        {
            return Some(FoundDump { span: start..start + span.end, kind });
        }
        start += memchr::memchr(b'\n', rest)? + 1;
    }
    None
}

fn dump_at(text: &[u8]) -> Option<FoundDump> {
    let first = Line::parse(text)?;
    let kind = first.kind()?;
    let mut end = next_line(text, 0);
    let mut last = first.address;
    let mut lines = 1;
    while let Some(line) = Line::parse(&text[end..]) {
        let goes_on = match (last, line.address) {
            (Some(last), Some(address)) => address >= last && address - last <= MAX_STEP,
            (None, None) => line.width == first.width,
            _ => false,
        };
        if !goes_on {
            break;
        }
        last = line.address;
        lines += 1;
        end = next_line(text, end);
        while text[end..].starts_with(b"*") {
            end = next_line(text, end);
        }
    }
    // The first line alone tells where nothing follows it, and its address is one that a file begins with.
    let is_dump = lines > 1 || first.address == Some(0);
    is_dump.then_some(FoundDump { span: 0..end, kind })
}

/// The most bytes of a line, and of equal lines of which one is shown, by their addresses.
const MAX_STEP: u64 = 1 << 20;

fn next_line(text: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |length| from + length + 1)
}

/// A line of a dump.
struct Line<'a> {
    /// `None` where the line begins with a blank, as od writes them on wish.
    address: Option<u64>,
    /// The sign after the address.
    separator: u8,
    values: &'a str,
    /// The characters of the line.
    width: usize,
}

impl<'a> Line<'a> {
    /// Reads the address of a line. There need not be values after it: od ends with an address alone.
    fn parse(text: &'a [u8]) -> Option<Self> {
        let head = &text[..text.len().min(MAX_LINE)];
        let line = &head[..memchr::memchr2(b'\n', b'\r', head).unwrap_or(head.len())];
        let width = line.len();
        // The letters beside the values may be anything.
        let ascii = line.iter().position(|byte| !byte.is_ascii()).unwrap_or(width);
        let line = std::str::from_utf8(&line[..ascii]).ok()?;
        if line.starts_with(' ') {
            return Some(Self { address: None, separator: b' ', values: line, width });
        }
        let digits = line.strip_prefix("0x").unwrap_or(line);
        let end = digits.bytes().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(digits.len());
        let (digits, rest) = digits.split_at(end);
        if !(4..=16).contains(&digits.len()) {
            return None;
        }
        let address = Some(u64::from_str_radix(digits, 16).ok()?);
        // A debugger shows the name of the place.
        let (separator, values) = match rest.strip_prefix(" <").and_then(|symbol| symbol.split_once(">:")) {
            Some((_, values)) => (b':', values),
            None => (rest.bytes().next().unwrap_or(b' '), rest.get(1..).unwrap_or_default()),
        };
        matches!(separator, b':' | b' ' | b'\t').then_some(Self { address, separator, values, width })
    }

    /// Tells how the values are written, where they begin as a file does.
    fn kind(&self) -> Option<Lookalike> {
        let mut values = self.values.split_ascii_whitespace();
        let (first, second) = (values.next()?, values.next()?);
        if self.separator == b':' {
            return self.kind_of_bytes().or_else(|| kind_after_colon(first, second));
        }
        if self.address.is_some()
            && let Some(kind) = self.kind_of_bytes()
        {
            return Some(kind);
        }
        kind_of_words(first, second).or_else(|| kind_of_characters(self.values))
    }

    /// Tells bytes in hexadecimal, in their order. What stands after them tells who wrote them.
    fn kind_of_bytes(&self) -> Option<Lookalike> {
        if !begins_file_in_hex(self.values) {
            return None;
        }
        let words: Vec<&str> = self.values.split_ascii_whitespace().take(MAX_BYTES + 1).collect();
        if words.iter().skip(1).any(|word| word.starts_with("0x")) {
            return None;
        }
        if self.separator == b':' {
            return Some(Lookalike::HexDump);
        }
        let letters = words.iter().find(|word| !is_byte(word));
        match (words.first().map(|word| word.len()), self.separator, letters) {
            (Some(2), b'\t', _) => Some(Lookalike::CertutilDump),
            (Some(2), _, Some(letters)) if !letters.starts_with(['|', '>']) => Some(Lookalike::FormatHex),
            (Some(2), _, _) => Some(Lookalike::ByteDump),
            _ => None,
        }
    }
}

/// The bytes of a line, as nearly all programs write it.
const MAX_BYTES: usize = 16;

/// Returns whether digits in hexadecimal begin as DER or PEM does. A file may have a million lines.
fn begins_file_in_hex(values: &str) -> bool {
    let mut first = [0; 10];
    let digits = values.bytes().filter(|byte| *byte != b' ');
    for (place, digit) in first.iter_mut().zip(digits) {
        *place = digit;
    }
    matches!(first, [b'3', b'0', b'8', b'0'..=b'4', ..]) || first.eq_ignore_ascii_case(b"2d2d2d2d2d")
}

fn is_byte(word: &str) -> bool {
    word.len() == 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Tells what stands after an address and a colon: bits, words of xxd -e, the numbers of a debugger.
fn kind_after_colon(first: &str, second: &str) -> Option<Lookalike> {
    if let (Some(word), Some(next)) = (first.strip_prefix("0x"), second.strip_prefix("0x")) {
        let is_byte = word.len() == 2 && begins_file(number(word, 16), number(next, 16));
        return (is_byte || is_word_in_hex(word)).then_some(Lookalike::DebuggerDump);
    }
    if first.len() == 8 && begins_file(number(first, 2), number(second, 2)) {
        return Some(Lookalike::BitDump);
    }
    if is_word_in_hex(first) {
        return Some(Lookalike::LittleEndianDump);
    }
    begins_file(number(first, 10), number(second, 10)).then_some(Lookalike::DecimalDump)
}

/// Tells what od and hexdump write: words, and bytes in octal or decimal.
fn kind_of_words(first: &str, second: &str) -> Option<Lookalike> {
    if is_word_in_hex(first) {
        return Some(Lookalike::WordDump);
    }
    match first.len() {
        3 if begins_file(number(first, 8), number(second, 8)) => return Some(Lookalike::OctalDump),
        6 | 11 | 22 if is_first_word(number(first, 8)) => return Some(Lookalike::OctalWordDump),
        _ => {}
    }
    if begins_file(number(first, 10), number(second, 10)) {
        return Some(Lookalike::DecimalDump);
    }
    let is_word = first.len() >= 5 && is_first_word(number(first, 10));
    is_word.then_some(Lookalike::DecimalWordDump)
}

/// Tells the characters of od -c, and the names of od -a, which has no eighth bit.
fn kind_of_characters(values: &str) -> Option<Lookalike> {
    if !values.trim_start().starts_with(['0', '-']) {
        return None;
    }
    let words: Vec<&str> = values.split_ascii_whitespace().collect();
    match words[..] {
        ["0", "nul" | "soh" | "stx" | "etx" | "eot", ..] => Some(Lookalike::NamedCharacters),
        ["0", "200" | "201" | "202" | "203" | "204", ..] => Some(Lookalike::CharacterDump),
        ["-", "-", "-", "-", "-", "B", ..] if words.contains(&"sp") => Some(Lookalike::NamedCharacters),
        ["-", "-", "-", "-", "-", "B", ..] => Some(Lookalike::CharacterDump),
        _ => None,
    }
}

/// Returns a number as unsigned: od writes bytes and words from the middle of their range on below 0 on wish.
fn number(word: &str, radix: u32) -> Option<u64> {
    match word.strip_prefix('-') {
        Some(digits) => Some(u64::from_str_radix(digits, radix).ok()?.wrapping_neg()),
        None => u64::from_str_radix(word, radix).ok(),
    }
}

/// Returns whether two bytes are the first of DER, or of PEM.
fn begins_file(first: Option<u64>, second: Option<u64>) -> bool {
    match (first, second) {
        (Some(0x30), Some(second)) => matches!(second.cast_signed(), 0x80..=0x84 | -128..=-124),
        (Some(first), Some(second)) => (first, second) == (0x2d, 0x2d),
        _ => false,
    }
}

/// Returns whether a word in hexadecimal, of two, four or eight bytes, has the first bytes of a file at its end.
fn is_word_in_hex(word: &str) -> bool {
    matches!(word.len(), 4 | 8 | 16) && is_first_word(number(word, 16))
}

fn is_first_word(word: Option<u64>) -> bool {
    word.is_some_and(|word| matches!(word & 0xffff, 0x8030 | 0x8130 | 0x8230 | 0x8330 | 0x8430 | 0x2d2d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{OpenError, Passwords, open};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    /// Returns the lines of a dump of words of so many bytes.
    fn dump(file: &[u8], first: usize, address: fn(usize) -> String, size: usize, word: fn(&[u8]) -> String) -> String {
        let mut text = String::new();
        for (index, line) in file.chunks(16).enumerate() {
            text += &address(first + index * 16);
            for bytes in line.chunks(size) {
                text += &word(bytes);
            }
            text += "\n";
        }
        text
    }

    fn dumps_of(file: &[u8]) -> Vec<(String, Lookalike)> {
        let colon = |place: usize| format!("{place:08x}:");
        let octal = |place: usize| format!("{place:07o}");
        let none = |_: usize| String::new();
        let gdb = |place: usize| format!("0x{:x} <cert+{place}>:", 0x4020 + place);
        vec![
            (dump(file, 0, colon, 1, |byte| format!(" {:08b}", byte[0])), Lookalike::BitDump),
            (dump(file, 16, colon, 1, |byte| format!(" {:02x}", byte[0])), Lookalike::HexDump),
            (dump(file, 0, colon, 4, |word| format!(" {}", little_hex(word))), Lookalike::LittleEndianDump),
            (dump(file, 0, octal, 4, |word| format!(" {}", little_hex(word))), Lookalike::WordDump),
            (dump(file, 0, octal, 8, |word| format!(" {}", little_hex(word))), Lookalike::WordDump),
            (dump(file, 0, none, 2, |word| format!(" {}", little_hex(word))), Lookalike::WordDump),
            (dump(file, 0, octal, 1, |byte| format!(" {:>3}", byte[0])), Lookalike::DecimalDump),
            (dump(file, 0, octal, 1, |byte| format!(" {:>4}", byte[0].cast_signed())), Lookalike::DecimalDump),
            (dump(file, 0, none, 1, |byte| format!(" {:>3}", byte[0])), Lookalike::DecimalDump),
            (dump(file, 0, octal, 2, |word| format!(" {:>5}", little_value(word))), Lookalike::DecimalWordDump),
            (dump(file, 0, octal, 4, |word| format!(" {:011o}", little_value(word))), Lookalike::OctalWordDump),
            (dump(file, 0, octal, 1, |byte| format!(" {:>3}", character(byte[0]))), Lookalike::CharacterDump),
            (dump(file, 0, gdb, 1, |byte| format!("\t0x{:02x}", byte[0])), Lookalike::DebuggerDump),
            (dump(file, 0, gdb, 4, |word| format!("\t0x{}", little_hex(word))), Lookalike::DebuggerDump),
        ]
    }

    fn little_hex(word: &[u8]) -> String {
        word.iter().rev().map(|byte| format!("{byte:02x}")).collect()
    }

    fn little_value(word: &[u8]) -> u64 {
        word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn character(byte: u8) -> String {
        match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            b'\n' => "\\n".to_owned(),
            _ => format!("{byte:03o}"),
        }
    }

    fn named_in(text: &str) -> Vec<Lookalike> {
        let opened = open(text.as_bytes(), &mut Passwords::None, DEFAULT_MAX_ITERATIONS);
        let errors = match opened {
            Ok(contents) => contents.unread.into_iter().map(|unread| unread.error).collect(),
            Err(error) => vec![error],
        };
        let mut kinds = Vec::new();
        for error in errors {
            match error {
                OpenError::Lookalike(kind) => kinds.push(kind),
                other => panic!("{other}"),
            }
        }
        kinds
    }

    #[test]
    fn a_dump_is_named() {
        for (text, kind) in [
            ("00000000: 3082 0bf1 0201 0330 820b b706 092a 8648  0......0.....*.H", Lookalike::HexDump),
            ("00000000: 30 82 0b f1 02 01 03 30 82 0b b7 06 09 2a 86 48  0......0.....*.H", Lookalike::HexDump),
            ("0000\t30 82 0b f1 02 01 03 30  82 0b b7 06 09 2a 86 48   0......0.....*.H", Lookalike::CertutilDump),
            ("00000000  2d 2d 2d 2d 2d 42 45 47  49 4e 20 43 45 52 54 49  |-----BEGIN CERTI|", Lookalike::ByteDump),
            ("000000 30 82 05 43 30 82 04 2b a0 03 02 01 02 02 08 7d", Lookalike::ByteDump),
            ("0000000 30 82 05 43 30 82 04 2b a0 03 02 01 02 02 08 7d  >0..C<", Lookalike::ByteDump),
            ("0000000 8230 4505 8230 2d04 03a0 0102 0202 5408", Lookalike::WordDump),
            ("0000000 2d2d 2d2d 422d 4745 4e49 4320 5245 4954", Lookalike::WordDump),
            ("0000000 101060 042405 101060 026404 001640 000402 001002 052010", Lookalike::OctalWordDump),
            ("0000000 026455 026455 041055 043505 047111", Lookalike::OctalWordDump),
            ("0000000 060 202 005 105 060 202 004 055 240 003", Lookalike::OctalDump),
        ] {
            assert_eq!(sniff(text.as_bytes()), Some(kind), "{text}");
        }
        for text in
            ["0 hello\r\n1 world\r\n", "00000000: 7f45 4c46", "0000", "0000-00-00 30 82", "0000000 000060 101060"]
        {
            assert_eq!(sniff(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn dumps_are_named_wherever_they_stand() {
        let pem = String::from_utf8(fixture("pem/certificate-only.pem")).unwrap();
        for file in [fixture("der/universal.cer"), fixture("key/push.pem")] {
            for (text, kind) in dumps_of(&file) {
                assert_eq!(sniff(text.as_bytes()), Some(kind), "{}", &text[..80]);
                assert_eq!(named_in(&text), [kind], "{}", &text[..80]);
                assert_eq!(named_in(&format!("# push\n{text}")), [kind], "{}", &text[..80]);
                assert_eq!(named_in(&format!("{pem}{text}")), [kind], "{}", &text[..80]);
                assert_eq!(named_in(&format!("{pem}{text}\n{text}")), [kind, kind], "{}", &text[..80]);
            }
        }
    }

    #[test]
    fn lines_of_one_address_are_one_dump() {
        let line = "0001000 060 202 013 376 002 001 003 060 202 013 310 006 011 052 206 110\n";
        assert_eq!(named_in(&line.repeat(2_000)), [Lookalike::OctalDump]);
    }

    #[test]
    fn a_dump_before_a_list_of_numbers_is_named() {
        let (first, second) = (fixture("der/universal.cer"), fixture("der/ec.cer"));
        let list: String = second.iter().map(|byte| format!(" {byte:02x}")).collect();
        for (text, kind) in dumps_of(&first) {
            let both = format!("{text}\n{list}\n");
            assert_eq!(named_in(&both), [kind], "{}", &text[..80]);
            let contents = open(both.as_bytes(), &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap();
            assert_eq!(contents.certificates.len(), 1);
        }
    }

    #[test]
    fn a_dump_of_powershell_is_named() {
        let file = fixture("der/universal.cer");
        let lines = dump(&file, 0, |place| format!("{place:08X}  "), 1, |byte| format!(" {:02X}", byte[0]));
        let head =
            "\n\n           Path: C:\\push.cer\n\n           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\n";
        let text = head.to_owned() + &lines.replace('\n', "  0..E0..-.....\n");
        assert_eq!(named_in(&text), [Lookalike::FormatHex]);
    }

    #[test]
    fn tables_are_no_dumps() {
        for text in [
            "2020 48 130 5 69\n2019 48 130 5 69\n",
            "0000: 7f45 4c46 0201",
            "2020 45 45 45 45 45 66\n",
            " 8230 4505\n 1\n",
            "00000000: 00110000 00000000",
            "0000 hello\n0010 world\n",
        ] {
            assert_eq!(sniff(text.as_bytes()), None, "{text}");
        }
        let shown = "See:\n00000000: 3082 0545 3082 042d a003 0201 0202 0854\n00000010: fe83 c2b1 2105 1330\n";
        assert!(find(shown.as_bytes(), 0).is_none());
    }
}
