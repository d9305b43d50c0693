//! Lines of an input that are parts of a key or a certificate: those of PEM could be device tokens in Base64, and would be
//! sent.

use data_encoding::BASE64_NOPAD;
use memchr::memmem;

use crate::asn1;

/// The fewest characters of a full line of a longer text in Base64: a token of 32 bytes has fewer, or ends with `=`.
const MIN_WIDTH: usize = 48;
/// The characters of Base64 that tell what begins with them.
const START: usize = 64;
/// The bytes of DER that tell what begins with them.
const HEADER: usize = 24;

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
    /// True if a shorter line has followed them, as at the end of such a text.
    has_last_line: bool,
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
        let is_base64 = !line.iter().all(u8::is_ascii_hexdigit) && is_base64(line);
        if self.has_last_line && !is_base64 {
            return Sight::Key;
        }
        let is_full = is_base64 && line.len() >= MIN_WIDTH && line.len().is_multiple_of(4) && !line.ends_with(b"=");
        if self.has_last_line || !is_base64 || line.len() > self.width {
            self.width = if is_full { line.len() } else { 0 };
            self.has_last_line = false;
        } else if line.len() < self.width || line.ends_with(b"=") {
            self.has_last_line = true;
        }
        if self.width > 0 { Sight::Doubtful } else { Sight::Clear }
    }

    /// Returns whether the lines at the end of the input are a longer text.
    pub(super) fn is_key_at_end(&self) -> bool {
        self.has_last_line
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
    begins_as_key(text) || text.starts_with(b"PuTTY-User-Key-File") || is_key_in_base64(text)
}

/// Returns whether a text is the beginning of a key or a certificate in Base64.
fn is_key_in_base64(text: &[u8]) -> bool {
    let start = text.iter().take_while(|byte| matches!(byte, b'"' | b'\'')).count();
    let text = &text[start..];
    // So a sequence begins in Base64, and no token in hexadecimal does.
    if !text.starts_with(b"M") {
        return false;
    }
    let length = text.iter().take(START).take_while(|byte| is_base64_digit(**byte)).count();
    match BASE64_NOPAD.decode(&text[..length / 4 * 4]) {
        Ok(bytes) => begins_as_key(&bytes),
        Err(_) => false,
    }
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
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// Returns whether a line has nothing but Base64.
fn is_base64(line: &[u8]) -> bool {
    let digits = line.iter().take_while(|byte| is_base64_digit(**byte)).count();
    let rest = &line[digits..];
    digits > 0 && rest.len() <= 2 && rest.iter().all(|byte| *byte == b'=')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use data_encoding::BASE64;

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

    #[test]
    fn lists_of_tokens_are_none() {
        let bytes = |number: u64, length: usize| -> Vec<u8> {
            (0..length as u64).map(|index| (number * 7919 + index * 104_729 + (number ^ index) * 31) as u8).collect()
        };
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
