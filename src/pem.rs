//! PEM (RFC 7468, and the older RFC 1421 with its headers): blocks in any order, between any text.

use base64ct::{Base64, Encoding};
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use crate::asn1::Malformed;

/// One block.
pub struct Block<'a> {
    /// The text after BEGIN, such as "CERTIFICATE"; `None` if it is not in [`LABELS`].
    pub label: Option<&'static str>,
    /// The line of BEGIN, from 1.
    pub line: usize,
    /// The RFC 1421 headers, such as ("DEK-Info", "DES-EDE3-CBC,…").
    pub headers: Vec<(&'a str, &'a str)>,
    pub der: Zeroizing<Vec<u8>>,
    /// The block as it stands in the file, BEGIN and END lines included.
    pub text: Zeroizing<String>,
}

/// The labels that OpenSSL and other common tools write. No other text of a BEGIN or END line may enter a message: a
/// private key that was flattened to one line stands there as a whole.
const LABELS: [&str; 37] = [
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "ATTRIBUTE CERTIFICATE",
    "CERTIFICATE PAIR",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "X509 CRL",
    "PKCS7",
    "PKCS #7 SIGNED DATA",
    "CMS",
    "PKCS12",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "ANY PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "SSH2 ENCRYPTED PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "DSA PUBLIC KEY",
    "SSH2 PUBLIC KEY",
    "PARAMETERS",
    "DH PARAMETERS",
    "X9.42 DH PARAMETERS",
    "DSA PARAMETERS",
    "EC PARAMETERS",
    "SSL SESSION PARAMETERS",
    "PGP PRIVATE KEY BLOCK",
    "PGP PUBLIC KEY BLOCK",
    "PGP MESSAGE",
    "PGP SIGNED MESSAGE",
    "PGP SIGNATURE",
    "AGE ENCRYPTED FILE",
    "TSS2 PRIVATE KEY",
];

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// In UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns whether there is a block at all.
pub(crate) fn looks_like_pem(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN.as_bytes())
}

/// Decodes a file in UTF-16, which PowerShell makes of what a command prints; its byte order mark shows it.
pub(crate) fn from_utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let decode_unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| decode_unit([pair[0], pair[1]]));
    // A unit takes three bytes at most, and a vector that does not grow leaves no copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() / 2 * 3));
    for character in char::decode_utf16(units) {
        text.extend_from_slice(character.ok()?.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(text)
}

/// Decodes a file that is Base64 as a whole and holds DER: secrets in CI systems are kept so.
pub(crate) fn bare_base64(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
    // Every DER sequence begins so.
    if *first != b'M' {
        return None;
    }
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    text.extend(bytes.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let text = std::str::from_utf8(&text).ok()?;
    Some(Zeroizing::new(Base64::decode_vec(text).ok()?))
}

/// Reads all blocks. A block that is not whole is an error: to skip it would be to lose a certificate.
///
/// # Errors
/// Names the line of the block that is damaged, and its label if that is known.
pub fn parse(bytes: &[u8]) -> Result<Vec<Block<'_>>, Malformed> {
    let mut lines = Lines { rest: bytes, number: 0 };
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        // A BEGIN line stands alone; a name in the text that contains one does not begin a block.
        if let Some(label) = label_in(line, BEGIN) {
            blocks.push(read_block(label, &mut lines)?);
        }
    }
    Ok(blocks)
}

/// Returns whether anything stands outside of the blocks.
pub(super) fn has_other_text(bytes: &[u8], blocks: &[Block<'_>]) -> bool {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut in_blocks = 0;
    for block in blocks {
        in_blocks += count_visible(block.text.as_bytes());
    }
    count_visible(bytes) != in_blocks
}

/// Counts the bytes that are not white space.
fn count_visible(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).count()
}

impl Block<'_> {
    /// Returns the name of the block for messages.
    pub(super) fn name(&self) -> String {
        block_name(self.label, self.line)
    }

    /// Returns whether it is in OpenSSL's old encryption (the header DEK-Info).
    pub(super) fn is_encrypted(&self) -> bool {
        self.headers.iter().any(|(name, _)| *name == "DEK-Info")
    }
}

fn block_name(label: Option<&str>, line: usize) -> String {
    match label {
        Some(label) => format!("PEM block \"{label}\" at line {line}"),
        None => format!("PEM block with an unknown label at line {line}"),
    }
}

/// Returns the label of a BEGIN or END line.
fn label_in<'a>(line: &'a str, keyword: &str) -> Option<&'a str> {
    line.strip_prefix(keyword)?.strip_suffix(DASHES)
}

fn known_label(text: &str) -> Option<&'static str> {
    LABELS.into_iter().find(|label| *label == text)
}

/// Reads a block up to its END line; its BEGIN line was read last.
fn read_block<'a>(begin: &'a str, lines: &mut Lines<'a>) -> Result<Block<'a>, Malformed> {
    let (label, line) = (known_label(begin), lines.number);
    let malformed = |problem: String| Malformed::new(block_name(label, line), problem);
    let mut headers = Vec::new();
    // Most blocks are no longer, and a string that does not grow leaves no copies behind.
    let room = lines.rest.len().min(4 << 10) + 64;
    let mut base64 = Zeroizing::new(String::with_capacity(room));
    let mut text = Zeroizing::new(String::with_capacity(room));
    for part in [BEGIN, begin, DASHES, "\n"] {
        text.push_str(part);
    }
    loop {
        let Some(next) = lines.next() else {
            return Err(malformed("has no END line: the file is cut short".to_owned()));
        };
        text.push_str(next);
        text.push('\n');
        if let Some(end) = label_in(next, END) {
            if end == begin {
                break;
            }
            return Err(malformed(wrong_end(end, lines.number)));
        }
        if next.starts_with(BEGIN) {
            return Err(malformed(format!("has no END line before the next block at line {}", lines.number)));
        }
        match next.split_once(':') {
            Some((name, value)) => headers.push((name.trim(), value.trim())),
            None => base64.extend(next.split_ascii_whitespace()),
        }
    }
    if base64.is_empty() {
        return Err(malformed("is empty".to_owned()));
    }
    let Some(der) = decode_base64(&base64, begin.ends_with("PRIVATE KEY")) else {
        return Err(malformed("is not valid Base64".to_owned()));
    };
    Ok(Block { label, line, headers, der, text })
}

fn wrong_end(label: &str, line: usize) -> String {
    match known_label(label) {
        Some(label) => format!("ends as \"{label}\""),
        None => format!("ends with an unknown label at line {line}"),
    }
}

/// Decodes secrets in constant time. A certificate is no secret, and there may be very many.
fn decode_base64(text: &str, is_secret: bool) -> Option<Zeroizing<Vec<u8>>> {
    let der =
        if is_secret { Base64::decode_vec(text).ok()? } else { data_encoding::BASE64.decode(text.as_bytes()).ok()? };
    Some(Zeroizing::new(der))
}

/// The lines of a file with any line ends, trimmed. A line that is no text is empty: it may stand between
/// blocks, never in one.
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
        let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = match rest {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => &[],
        };
        self.number += 1;
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        Some(std::str::from_utf8(line).unwrap_or_default().trim())
    }
}

/// Writes one block: lines of 64 characters, each ended by a line feed.
pub fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Only a label that is not printable ASCII is refused, and all labels are constants.
    Zeroizing::new(pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_headers_and_line_ends_do_not_matter() {
        let text = "\u{feff}-----BEGIN CMS-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: X,00\r\n\r\nAA\r\nEC\r\n-----END CMS-----\r\n\
                    friendlyName: -----BEGIN B-----x\n  -----BEGIN C----- \rAw==\r-----END C-----";
        let blocks = parse(text.as_bytes()).unwrap();
        assert_eq!(blocks.iter().map(|b| (b.label, b.line)).collect::<Vec<_>>(), [(Some("CMS"), 1), (None, 9)]);
        assert_eq!(blocks[0].headers, [("Proc-Type", "4,ENCRYPTED"), ("DEK-Info", "X,00")]);
        assert_eq!(*blocks[0].der, [0, 1, 2]);
        assert_eq!(*blocks[1].der, [3]);
    }

    fn problem(text: &str) -> String {
        parse(text.as_bytes()).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_damaged_block_is_an_error_that_names_its_line() {
        assert_eq!(
            problem("x\n-----BEGIN CMS-----\nAAEC\n"),
            "PEM block \"CMS\" at line 2: has no END line: the file is cut short"
        );
        assert!(problem("-----BEGIN CMS-----\n-----END PKCS7-----").ends_with("ends as \"PKCS7\""));
        assert!(problem("-----BEGIN CMS-----\n-----END CMS-----").ends_with("is empty"));
        assert!(problem("-----BEGIN CMS-----\nA\n-----END CMS-----").ends_with("not valid Base64"));
        assert!(problem("-----BEGIN CMS-----\nAAEC\n-----BEGIN CMS-----").ends_with("next block at line 3"));
    }

    #[test]
    fn a_key_on_a_begin_or_end_line_does_not_enter_a_message() {
        for (text, expected) in [
            (
                "-----BEGIN PRIVATE KEY-----MIIEvQ==-----END PRIVATE KEY-----",
                "PEM block with an unknown label at line 1: has no END line: the file is cut short",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY----- MIIEvQ== -----\n-----END RSA PRIVATE KEY-----",
                "PEM block with an unknown label at line 1: ends as \"RSA PRIVATE KEY\"",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY MIIEvQ==-----",
                "PEM block \"PRIVATE KEY\" at line 1: ends with an unknown label at line 2",
            ),
        ] {
            assert_eq!(problem(text), expected);
        }
    }

    #[test]
    fn lines_are_64_wide() {
        let pem = encode("A", &[0; 60]);
        assert_eq!(pem.lines().map(str::len).collect::<Vec<_>>(), [17, 64, 16, 15]);
        assert!(pem.ends_with("-----END A-----\n"));
    }
}
