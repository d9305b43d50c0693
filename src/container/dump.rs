//! Files that are written as numbers: in hexadecimal, as the bytes of a program or of JSON. Dumps with an address before
//! each line are named, not read.

use zeroize::Zeroizing;

use crate::container::lookalike::Lookalike;
use crate::container::transport;

/// The fewest bytes of a file.
const MIN_BYTES: usize = 100;

/// Reads a text that is numbers alone, or lists of them that begin as a file does.
pub(super) fn undo(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    match decode_hex(text) {
        Some(bytes) => Some(bytes),
        None => decode_lists(text),
    }
}

/// Decodes a text of hexadecimal digits, with colons or white space between them.
fn decode_hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
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

/// The first numbers of a list that is a file: of DER, or the dashes of PEM.
const LISTS: [&[u8]; 5] = [b"0x30", b"0X30", b"[48,", b"[45,45,45,45,45,", b"[45, 45, 45, 45, 45,"];

/// Decodes all lists of numbers in a text that begin as a file does.
fn decode_lists(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    let mut list_end = 0;
    for start in memchr::memchr2_iter(b'0', b'[', text) {
        let list = &text[start..];
        if start < list_end || !LISTS.iter().any(|first| list.starts_with(first)) {
            continue;
        }
        // A vector that does not grow leaves no copies behind; a number takes two characters at least.
        if bytes.capacity() == 0 {
            bytes.reserve_exact(text.len() / 2 + 1);
        }
        let before = bytes.len();
        list_end = start + add_list(list, &mut bytes);
        if bytes.len() - before < MIN_BYTES {
            bytes.truncate(before);
        } else {
            bytes.push(b'\n');
        }
    }
    is_file(&bytes).then_some(bytes)
}

/// Adds the numbers of a list, and returns the length of its text.
fn add_list(text: &[u8], bytes: &mut Zeroizing<Vec<u8>>) -> usize {
    let mut position = usize::from(text.starts_with(b"["));
    while let Some(byte) = text.get(position) {
        if *byte == b',' || byte.is_ascii_whitespace() {
            position += 1;
        } else if let Some(number) = number_at(&text[position..]) {
            bytes.push(number.value);
            position += number.length;
        } else {
            break;
        }
    }
    position
}

struct Number {
    value: u8,
    length: usize,
}

fn number_at(text: &[u8]) -> Option<Number> {
    let (prefix, radix) = match text {
        [b'0', b'x' | b'X', ..] => (2, 16),
        _ => (0, 10),
    };
    let digits = text[prefix..].iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let word = std::str::from_utf8(&text[prefix..prefix + digits]).ok()?;
    Some(Number { value: u8::from_str_radix(word, radix).ok()?, length: prefix + digits })
}

fn is_file(bytes: &[u8]) -> bool {
    bytes.len() >= MIN_BYTES && (transport::begins_as_der(bytes) || bytes.starts_with(b"-----BEGIN"))
}

/// Returns whether a text is a dump with an address before each line, of a file that has certificates or keys in it.
pub(super) fn sniff(text: &[u8]) -> Option<Lookalike> {
    let line = text[..text.len().min(128)].trim_ascii_start();
    let zeros = line.iter().take_while(|byte| **byte == b'0').count();
    let after = line.get(zeros..)?;
    if !(4..=16).contains(&zeros) || !matches!(after, [b':' | b' ' | b'\t', ..]) {
        return None;
    }
    let mut digits = Vec::with_capacity(10);
    for byte in &after[1..] {
        if byte.is_ascii_hexdigit() {
            digits.push(byte.to_ascii_lowercase());
        } else if *byte != b' ' || digits.len() == digits.capacity() {
            break;
        }
    }
    let is_file = matches!(digits[..], [b'3', b'0', b'8', b'0'..=b'4', ..]) || digits.starts_with(b"2d2d2d2d2d");
    is_file.then_some(Lookalike::HexDump)
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
                assert!(undo(text.as_bytes()).unwrap().as_slice() == file.as_slice());
            }
        }
        let array = format!("unsigned char a[] = {{\n  {}\n}};", join(&der, ", ", |byte| format!("0x{byte:02x}")));
        assert!(undo(array.as_bytes()).unwrap().strip_suffix(b"\n") == Some(&der[..]));
        for file in [&der, &pem] {
            let buffer = format!("{{\"type\":\"Buffer\",\"data\":[{}]}}", join(file, ",", u8::to_string));
            assert!(undo(buffer.as_bytes()).unwrap().strip_suffix(b"\n") == Some(&file[..]));
        }
        for text in ["", "48", "0x30, 0x82", "[48,130,1", "deadbeef", &"30 ".repeat(200)] {
            assert_eq!(undo(text.as_bytes()), None);
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
