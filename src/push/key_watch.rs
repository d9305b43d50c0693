//! Lines of an input that are parts of a key or a certificate: those of PEM could be device tokens in Base64, and would be
//! sent.

use std::collections::VecDeque;

use data_encoding::{BASE64, BASE64_NOPAD};
use memchr::memmem;

use crate::asn1;

/// The fewest characters of a full line of a longer text in Base64: a token of 32 bytes has fewer, or ends with `=`.
const MIN_WIDTH: usize = 48;
/// The characters of Base64 that tell what begins with them.
const START: usize = 64;
/// The bytes of DER that tell what begins with them.
const HEADER: usize = 24;
/// The characters of a full line of an OpenSSH key, which are no whole groups of four.
const OPENSSH_WIDTH: usize = 70;
/// The beginning of an OpenSSH key.
const OPENSSH_START: &[u8] = b"b3BlbnNzaC1rZXktdjE";
/// The fewest characters of a token in Base64: 32 bytes without `=`.
const MIN_TOKEN: usize = 43;
/// The most full lines of a key or a keystore. Tokens of one length are as wide, and more.
const MAX_LINES: usize = 1000;
/// The fewest full lines of a longer text that tell it, and the fewest in a list whose tokens differ in their lengths.
const FULL_LINES: usize = 2;
const FULL_LINES_IN_MIXED: usize = 8;
/// The number of changes of the length that tell such a list.
const MIXED: usize = 2;
/// The fewest bytes of a value of DER at the end of a text that tells a key: a number of a small one.
const MIN_VALUE: usize = 32;

/// What a line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Clear,
    /// It may be a line of a longer text: the next ones tell.
    Doubtful,
    Key,
}

/// Watches the lines of an input.
#[derive(Debug, Default)]
pub(super) struct KeyWatch {
    /// The first bytes: those of DER may have line ends among them.
    start: Vec<u8>,
    /// The width of the lines before that may be full lines of a longer text; 0 if there are none.
    width: usize,
    /// Their number, and the last of them.
    full_lines: usize,
    last_full: VecDeque<Vec<u8>>,
    /// True if lines without a text stand between them.
    is_spaced: bool,
    /// True if a shorter line has followed them, as at the end of such a text.
    has_last_line: bool,
    /// How often a shorter line that followed was not the end of such a text.
    changes: usize,
}

impl KeyWatch {
    /// Looks at the next line.
    pub(super) fn look(&mut self, line: &[u8]) -> Sight {
        if self.start.len() < HEADER {
            self.start.extend(line.iter().take(HEADER));
            self.start.push(b'\n');
            if begins_as_key(&self.start) {
                return Sight::Key;
            }
        }
        let line = line.trim_ascii();
        if is_key_part(line) {
            return Sight::Key;
        }
        let line = unquoted(line);
        if line.is_empty() {
            return self.look_at_blank_line();
        }
        // The lines of a text that has lost its line ends are words.
        let mut sight = Sight::Clear;
        for word in line.split(u8::is_ascii_whitespace) {
            if !word.is_empty() && sight != Sight::Key {
                sight = self.look_at_word(unquoted(word));
            }
        }
        sight
    }

    /// Returns whether the lines at the end of the input are a longer text.
    pub(super) fn is_key_at_end(&self) -> bool {
        self.has_last_line
    }

    fn look_at_blank_line(&mut self) -> Sight {
        if self.has_last_line && !self.is_spaced {
            return Sight::Key;
        }
        if self.full_lines == 1 {
            self.is_spaced = true;
        } else if !self.is_spaced {
            self.restart(None);
        }
        self.sight()
    }

    fn look_at_word(&mut self, line: &[u8]) -> Sight {
        let is_base64 = is_base64(line);
        if self.has_last_line && !is_base64 {
            return Sight::Key;
        }
        let is_whole = line.len().is_multiple_of(4) || line.len() == OPENSSH_WIDTH;
        let full = (is_base64 && line.len() >= MIN_WIDTH && is_whole && !line.ends_with(b"=")).then_some(line);
        let is_shorter = line.len() < self.width || line.ends_with(b"=");
        if self.has_last_line {
            self.changes += 1;
            self.restart(full);
        } else if !is_base64 || line.len() > self.width {
            self.restart(full);
        } else if !is_shorter {
            self.add_full(line);
        } else if self.is_last(line) {
            self.has_last_line = true;
        } else {
            self.changes += 1;
            self.restart(full);
        }
        self.sight()
    }

    /// Begins anew with what may be the first full line.
    fn restart(&mut self, full: Option<&[u8]>) {
        self.width = full.map_or(0, <[u8]>::len);
        self.full_lines = 0;
        self.last_full.clear();
        self.is_spaced = false;
        self.has_last_line = false;
        if let Some(line) = full {
            self.add_full(line);
        }
    }

    fn add_full(&mut self, line: &[u8]) {
        self.full_lines += 1;
        if self.last_full.len() == FULL_LINES_IN_MIXED {
            self.last_full.pop_front();
        }
        self.last_full.push_back(line.to_vec());
    }

    /// Returns whether a shorter line is the last of the longer text, and no token of another length.
    fn is_last(&self, line: &[u8]) -> bool {
        let enough = if self.changes < MIXED { FULL_LINES } else { FULL_LINES_IN_MIXED };
        self.full_lines <= MAX_LINES && (line.len() < MIN_TOKEN || self.full_lines >= enough || self.ends_in_der(line))
    }

    /// Returns whether a value of DER ends exactly where the line does: in two tokens none does but by chance.
    fn ends_in_der(&self, line: &[u8]) -> bool {
        let mut text = Vec::new();
        for part in self.last_full.iter().map(Vec::as_slice).chain([line]) {
            text.extend_from_slice(part);
        }
        let Some(bytes) = decoded(&text) else { return false };
        for start in 0..bytes.len().saturating_sub(MIN_VALUE) {
            let value = &bytes[start..];
            // A number, a string of bits, a string of bytes, a sequence.
            let is_value = matches!(value[0], 0x02 | 0x03 | 0x04 | 0x30);
            if is_value && asn1::claimed_length(value) == Some(value.len()) {
                return true;
            }
        }
        false
    }

    fn sight(&self) -> Sight {
        if self.width > 0 && self.full_lines <= MAX_LINES { Sight::Doubtful } else { Sight::Clear }
    }
}

/// Returns a text without the marks that programs and tables put around it.
fn unquoted(mut text: &[u8]) -> &[u8] {
    loop {
        let inner = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let inner = inner.strip_suffix(b"\\n").unwrap_or(inner);
        let inner = match inner {
            [b'"' | b'\'' | b'`' | b',' | b';', rest @ ..] | [rest @ .., b'"' | b'\'' | b'`' | b',' | b';'] => rest,
            _ => inner,
        };
        let inner = inner.trim_ascii();
        if inner.len() == text.len() {
            return text;
        }
        text = inner;
    }
}

/// The words in the labels of keys and certificates: people write other lines of dashes between their tokens.
const LABEL_WORDS: [&[u8]; 6] = [b"KEY", b"CERTIFICATE", b"PKCS", b"CMS", b"PARAMETERS", b"X509"];

/// Returns whether a text is a marker line of PEM, or the beginning of a key or a certificate, in DER or in Base64.
pub(super) fn is_key_part(text: &[u8]) -> bool {
    if let Some(dashes) = memmem::find(text, b"----") {
        let label = text[dashes..].trim_ascii_start();
        let label = &label[label.iter().take_while(|byte| matches!(byte, b'-' | b' ')).count()..];
        let is_marker = label.starts_with(b"BEGIN ") || label.starts_with(b"END ");
        if is_marker && LABEL_WORDS.iter().any(|word| memmem::find(label, word).is_some()) {
            return true;
        }
    }
    begins_as_key(text) || text.starts_with(b"PuTTY-User-Key-File") || is_key_in_base64(unquoted(text))
}

/// Returns whether a text is the beginning of a key or a certificate in Base64.
fn is_key_in_base64(text: &[u8]) -> bool {
    if text.starts_with(OPENSSH_START) {
        return true;
    }
    // So a sequence begins in Base64, and no token in hexadecimal does.
    if !text.starts_with(b"M") {
        return false;
    }
    let length = text.iter().take(START).take_while(|byte| is_base64_digit(**byte)).count();
    decoded(&text[..length]).is_some_and(|bytes| begins_as_key(&bytes))
}

/// Decodes the whole groups of a text in Base64, that of URLs too.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(text.len());
    for byte in text {
        digits.push(match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        });
    }
    let padded = digits.len().is_multiple_of(4);
    if padded { BASE64.decode(&digits).ok() } else { BASE64_NOPAD.decode(&digits[..digits.len() / 4 * 4]).ok() }
}

/// Returns whether bytes are the beginning of a key, a certificate, a request or a container of them in DER.
fn begins_as_key(bytes: &[u8]) -> bool {
    let Some(content) = asn1::sequence_content(bytes) else { return false };
    match content {
        // The version of PKCS#8, PKCS#1, SEC 1 or PKCS#12; the type of PKCS#7.
        [0x02, 0x01, 0..=3, ..] | [0x06, 0x09, 0x2a, 0x86, ..] => true,
        _ => match asn1::sequence_content(content) {
            // An algorithm (of an encrypted or a public key), the version or the serial number of a certificate.
            Some([0x06, 5..=11, 0x2a | 0x2b | 0x60, ..] | [0xa0, 0x03, 0x02, 0x01, ..] | [0x02, 1..=20, ..]) => true,
            Some(_) | None => false,
        },
    }
}

fn is_base64_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Returns whether a line has nothing but Base64, and is not hexadecimal.
fn is_base64(line: &[u8]) -> bool {
    if line.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-') {
        return false;
    }
    let digits = line.iter().take_while(|byte| is_base64_digit(**byte)).count();
    let rest = &line[digits..];
    digits > 0 && rest.len() <= 2 && rest.iter().all(|byte| *byte == b'=')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn is_found(text: &[u8]) -> bool {
        let mut watch = KeyWatch::default();
        text.split(|byte| *byte == b'\n').any(|line| watch.look(line) == Sight::Key) || watch.is_key_at_end()
    }

    /// The files of a folder of fixtures.
    fn fixtures(folder: &str) -> Vec<Vec<u8>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)).unwrap() {
            files.push(fs::read(entry.unwrap().path()).unwrap());
        }
        files
    }

    /// The lines of Base64 in a text that has one block of PEM.
    fn body(pem: &str) -> Option<Vec<&str>> {
        let lines: Vec<&str> = pem.lines().collect();
        let is_plain = lines.len() > 2 && lines[1..lines.len() - 1].iter().all(|line| is_base64(line.as_bytes()));
        is_plain.then(|| lines[1..lines.len() - 1].to_vec())
    }

    #[test]
    fn keys_are_found_with_and_without_their_markers() {
        let mut bodies = 0;
        for file in fixtures("key") {
            let Ok(text) = std::str::from_utf8(&file) else { continue };
            let Some(lines) = body(text) else { continue };
            bodies += 1;
            assert!(is_found(text.as_bytes()) && is_found(lines.join("\n").as_bytes()), "{text}");
            assert!(is_key_part(lines[0].as_bytes()), "{text}");
            let tail = lines[1..].join("\n");
            assert!(lines.len() < 3 || is_found(tail.as_bytes()), "{text}");
            assert!(lines.len() < 3 || is_found(format!("{tail}\n\n{}\n", "ab".repeat(32)).as_bytes()), "{text}");
        }
        assert!(bodies > 3);
        for der in fixtures("der").into_iter().chain(fixtures("p12")).filter(|bytes| bytes.starts_with(&[0x30])) {
            let base64 = BASE64.encode(&der);
            assert!(is_found(&der) && is_found(base64.as_bytes()) && is_found(format!("\"{base64}\"").as_bytes()));
            let mut wrapped = String::new();
            for line in base64.as_bytes().chunks(76) {
                wrapped += &format!("{}\r\n", String::from_utf8_lossy(line));
            }
            assert!(is_found(wrapped.as_bytes()));
        }
    }

    /// As programs and people hand them on, without BEGIN and without the first line.
    #[test]
    fn lines_of_keys_are_found_however_they_are_quoted_or_separated() {
        let mut texts = Vec::new();
        for file in fixtures("key") {
            texts.extend(String::from_utf8(file));
        }
        let random: Vec<u8> = (0..150).flat_map(|number| bytes(number, 12)).collect();
        let openssh = [b"openssh-key-v1\0\0\0\0\x04none\0\0\0\x04none", &random[..]].concat();
        let mut bodies: Vec<Vec<String>> = vec![wrapped(&BASE64.encode(&openssh), 70)];
        assert!(is_found(bodies[0][0].as_bytes()), "the first line alone");
        for text in &texts {
            bodies.extend(body(text).map(|lines| lines.into_iter().map(str::to_owned).collect()));
        }
        let mut tails = 0;
        for lines in bodies.iter().filter(|lines| lines.len() > 2) {
            tails += 1;
            for form in [
                "\"L\"\n",
                "'L',\n",
                "\"L\\n\"\n",
                "  \"L\" , \n",
                "`L`;\r\n",
                "\u{feff}L\n",
                "L ",
                "L\t",
                "L\n\n",
                "\"L\"\n \n",
                "L\r\n\r\n",
            ] {
                for line_of in [str::to_owned as fn(&str) -> String, |line| line.replace('+', "-").replace('/', "_")] {
                    let tail: String = lines[1..].iter().map(|line| form.replace('L', &line_of(line))).collect();
                    assert!(is_found(tail.as_bytes()), "{form:?}: {tail}");
                    let token = "ab".repeat(32);
                    assert!(is_found(format!("{token}\n{tail}\n{token}\n").as_bytes()), "{form:?}: {tail}");
                    let start = form.replace('L', &line_of(&lines[0]));
                    assert!(is_found(start.as_bytes()), "{form:?}: {start}");
                }
            }
        }
        assert!(tails > 3);
    }

    #[test]
    fn lists_of_tokens_of_several_lengths_are_none() {
        let list = |lengths: &[usize]| -> String {
            let tokens = lengths.iter().zip(11..);
            tokens.map(|(length, number)| BASE64.encode(&bytes(number * 31, *length)) + "\n").collect()
        };
        for lengths in [
            &[48, 32][..],
            &[96, 36],
            &[48, 48, 32, 32, 48, 32, 48, 36, 48, 48, 36],
            &[57, 48, 57, 48, 57, 57, 57, 48],
            &(32..=100).collect::<Vec<usize>>(),
            &(32..=100).rev().collect::<Vec<usize>>(),
        ] {
            for text in [list(lengths), list(lengths).replace('\n', "\r\n\r\n"), list(lengths).replace('\n', "\",\n\"")]
            {
                let hex = "ab".repeat(32);
                assert!(!is_found(text.as_bytes()) && !is_found(format!("{text}{hex}\n").as_bytes()), "{lengths:?}");
            }
        }
        let long = [vec![48; MAX_LINES + 1], vec![32]].concat();
        assert!(!is_found(list(&long).as_bytes()));
    }

    /// Bytes without an order.
    fn bytes(number: u64, length: usize) -> Vec<u8> {
        let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn lists_of_tokens_are_none() {
        for length in [32, 36, 48, 57, 64, 96, 100] {
            let mut lists = vec![String::new(), String::new(), String::new()];
            for number in 0..2000 {
                let token = bytes(number, length);
                lists[0] += &format!("{}\n", data_encoding::HEXLOWER.encode(&token));
                lists[1] += &format!("{}\n", BASE64.encode(&token));
                lists[2] += &format!("{}\n", data_encoding::BASE64_NOPAD.encode(&token));
            }
            for list in &lists {
                assert!(!is_found(list.as_bytes()), "{length}: {}", &list[..200]);
            }
        }
        for line in ["", "AA-BB-CC", "<aabb ccdd>", "Mi", "MIIB", "{\"token\":\"aabb\"}", "--", "a----b"] {
            assert!(!is_found(line.as_bytes()), "{line}");
        }
    }
}
