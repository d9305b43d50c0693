//! PEM (RFC 7468, and the older RFC 1421 with its headers): blocks in any order, between any text.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use crate::asn1::Malformed;

/// One block.
pub struct Block<'a> {
    /// What stands after BEGIN, such as "CERTIFICATE".
    pub label: &'a str,
    /// The line of BEGIN, from 1.
    pub line: usize,
    /// The RFC 1421 headers, such as ("DEK-Info", "DES-EDE3-CBC,…").
    pub headers: Vec<(&'a str, &'a str)>,
    /// The decoded bytes.
    pub der: Zeroizing<Vec<u8>>,
    /// The block as it stands in the file, BEGIN and END lines included.
    pub text: Zeroizing<String>,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Whether there is a block at all.
pub fn is_it(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// The text of a file in UTF-16, which PowerShell makes of what a command prints; told by its byte order
/// mark.
pub fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Zeroizing::new)
}

/// All blocks. A block that is not whole is an error: to skip it would be to lose a certificate.
///
/// # Errors
/// Names the line and the label of the block that is damaged.
pub fn parse(bytes: &[u8]) -> Result<Vec<Block<'_>>, Malformed> {
    let mut lines = Lines { rest: bytes, number: 0 };
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        // A BEGIN line stands alone; a name in the text that contains one does not begin a block.
        let Some(label) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(DASHES)) else { continue };
        blocks.push(block(label, &mut lines)?);
    }
    Ok(blocks)
}

fn block<'a>(label: &'a str, lines: &mut Lines<'a>) -> Result<Block<'a>, Malformed> {
    let line = lines.number;
    let malformed = |problem: String| Malformed::new(format!("PEM block \"{label}\" at line {line}"), problem);
    let mut headers = Vec::new();
    // Most blocks are no longer, and a string that does not grow leaves no copies behind.
    let room = lines.rest.len().min(4 << 10) + 64;
    let (mut base64, mut text) =
        (Zeroizing::new(String::with_capacity(room)), Zeroizing::new(String::with_capacity(room)));
    for part in [BEGIN, label, DASHES, "\n"] {
        text.push_str(part);
    }
    loop {
        let next = lines.next().ok_or_else(|| malformed("has no END line: the file is cut short".to_owned()))?;
        text.push_str(next);
        text.push('\n');
        if let Some(end) = next.strip_prefix(END).and_then(|rest| rest.strip_suffix(DASHES)) {
            if end != label {
                return Err(malformed(format!("ends as \"{end}\"")));
            }
            break;
        }
        if next.starts_with(BEGIN) {
            return Err(malformed(format!("has no END line before the next block at line {}", lines.number)));
        }
        match next.split_once(':') {
            Some((name, value)) => headers.push((name.trim(), value.trim())),
            None => next.split_ascii_whitespace().for_each(|part| base64.push_str(part)),
        }
    }
    if base64.is_empty() {
        return Err(malformed("is empty".to_owned()));
    }
    // Constant time is for secrets. A certificate is none, and there may be very many.
    let der = if label.ends_with("PRIVATE KEY") {
        Base64::decode_vec(&base64).ok()
    } else {
        data_encoding::BASE64.decode(base64.as_bytes()).ok()
    };
    let der = der.ok_or_else(|| malformed("is not valid Base64".to_owned()))?;
    Ok(Block { label, line, headers, der: Zeroizing::new(der), text })
}

/// Lines with any line end, without it and without what surrounds them; bytes that are no text are
/// passed over as empty lines (they may stand between blocks, never in one).
struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b"\r\n").or_else(|| rest.get(1..)).unwrap_or_default();
        self.number += 1;
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        Some(std::str::from_utf8(line).unwrap_or_default().trim())
    }
}

/// Writes one block: lines of 64 characters, each ended by a line feed.
pub fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Only a label that is not printable ASCII is refused, and all labels are constants.
    Zeroizing::new(pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap_or_default())
}

/// The bytes of a file that is Base64 through and through, as secrets in CI systems are kept.
pub fn bare_base64(bytes: &[u8]) -> Option<Cow<'static, [u8]>> {
    let text: Zeroizing<String> =
        Zeroizing::new(std::str::from_utf8(bytes).ok()?.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    // "M" is the beginning of every DER sequence.
    if !text.starts_with('M') {
        return None;
    }
    Base64::decode_vec(&text).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_headers_and_line_ends_do_not_matter() {
        let text = "\u{feff}-----BEGIN A-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: X,00\r\n\r\nAA\r\nEC\r\n-----END A-----\r\n\
                    friendlyName: -----BEGIN B-----x\n  -----BEGIN C----- \rAw==\r-----END C-----";
        let blocks = parse(text.as_bytes()).unwrap();
        assert_eq!(blocks.iter().map(|b| (b.label, b.line)).collect::<Vec<_>>(), [("A", 1), ("C", 9)]);
        assert_eq!(blocks[0].headers, [("Proc-Type", "4,ENCRYPTED"), ("DEK-Info", "X,00")]);
        assert_eq!(*blocks[0].der, [0, 1, 2]);
        assert_eq!(*blocks[1].der, [3]);
    }

    #[test]
    fn a_damaged_block_is_an_error_that_names_its_line() {
        let problem = |text: &str| parse(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            problem("x\n-----BEGIN A-----\nAAEC\n"),
            "PEM block \"A\" at line 2: has no END line: the file is cut short"
        );
        assert!(problem("-----BEGIN A-----\n-----END B-----").ends_with("ends as \"B\""));
        assert!(problem("-----BEGIN A-----\n-----END A-----").ends_with("is empty"));
        assert!(problem("-----BEGIN A-----\nA\n-----END A-----").ends_with("not valid Base64"));
        assert!(problem("-----BEGIN A-----\nAAEC\n-----BEGIN A-----").ends_with("next block at line 3"));
    }

    #[test]
    fn lines_are_64_wide() {
        let pem = encode("A", &[0; 60]);
        assert_eq!(pem.lines().map(str::len).collect::<Vec<_>>(), [17, 64, 16, 15]);
        assert!(pem.ends_with("-----END A-----\n"));
    }
}
