//! The names that OpenSSL writes beside PEM blocks: they are somebody else's text, and what looks like a file in them is
//! none.

use std::ops::Range;

use zeroize::Zeroizing;

/// The lines that begin a list of attributes.
const TITLES: [&[u8]; 2] = [b"Bag Attributes", b"Key Attributes"];

/// The beginnings of two lines in a row, with the names of a certificate.
struct NamePair {
    subject: &'static [u8],
    issuer: &'static [u8],
}

/// Those of openssl pkcs12 and x509, and those of s_client.
const NAME_PAIRS: [NamePair; 2] =
    [NamePair { subject: b"subject=", issuer: b"issuer=" }, NamePair { subject: b"s:", issuer: b"i:" }];

/// Returns a text with spaces in the place of such names, or `None` where there is none. Only the lines that OpenSSL writes
/// are taken for them: a text that lost its line ends keeps all.
pub(super) fn without_names(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if !may_have_names(text) {
        return None;
    }
    let mut plain = None;
    let mut previous = 0..0;
    let mut is_attribute = false;
    let mut start = 0;
    while start < text.len() {
        let length = memchr::memchr2(b'\n', b'\r', &text[start..]).unwrap_or(text.len() - start);
        let line = start..start + length;
        start = line.end + 1;
        if line.is_empty() {
            continue;
        }
        let content = &text[line.clone()];
        is_attribute = is_title(content) || (is_attribute && content.starts_with(b"    "));
        if is_attribute {
            if let Some(colon) = memchr::memmem::find(content, b": ") {
                blank(&mut plain, text, line.start + colon + 2..line.end);
            }
        } else if is_pair(&text[previous.clone()], content) {
            blank(&mut plain, text, previous);
            blank(&mut plain, text, line.clone());
        }
        previous = line;
    }
    plain
}

fn may_have_names(text: &[u8]) -> bool {
    let words = [TITLES[0], TITLES[1], NAME_PAIRS[0].issuer, NAME_PAIRS[1].issuer];
    memchr::memmem::find(text, b"-----BEGIN").is_some()
        && words.iter().any(|word| memchr::memmem::find(text, word).is_some())
}

fn blank(plain: &mut Option<Zeroizing<Vec<u8>>>, text: &[u8], value: Range<usize>) {
    plain.get_or_insert_with(|| Zeroizing::new(text.to_vec()))[value].fill(b' ');
}

fn is_title(line: &[u8]) -> bool {
    TITLES.iter().any(|title| match line.strip_prefix(*title) {
        Some(rest) => rest.trim_ascii().is_empty() || rest.starts_with(b": <"),
        None => false,
    })
}

/// Returns whether two lines have the subject and the issuer of a certificate.
fn is_pair(first: &[u8], second: &[u8]) -> bool {
    NAME_PAIRS.iter().any(|pair| has_name(first, pair.subject) && has_name(second, pair.issuer))
}

/// Returns whether a name follows the beginning of a line. s_client numbers its lines.
fn has_name(line: &[u8], start: &[u8]) -> bool {
    let mut rest = line;
    while let [b' ' | b'0'..=b'9', after @ ..] = rest {
        rest = after;
    }
    match rest.strip_prefix(start) {
        Some(name) => is_name(name),
        None => false,
    }
}

/// The longest type of an attribute of a name.
const MAX_TYPE: usize = 64;

/// Returns whether a text begins as a name: `CN = a`, `/CN=a`, or is an empty one.
fn is_name(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let text = text.strip_prefix(b"/").unwrap_or(text);
    let head = &text[..text.len().min(MAX_TYPE)];
    let Some(end) = memchr::memchr(b'=', head) else { return text.is_empty() };
    end > 0 && head[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_blocks_are_left_out() {
        let block = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
        let name = "-----BEGIN PRIVATE KEY-----MII-----END PRIVATE KEY-----";
        for names in [
            format!(
                "Bag Attributes\n    localKeyID: 01 \n    friendlyName: {name}\nsubject=CN = {name}\nissuer=CN={name}\n"
            ),
            format!("Bag Attributes\r\n    friendlyName: {name}\r\nKey Attributes: <No Attributes>\r\n"),
            format!("subject=/C=US/CN={name}\n\nissuer=/CN={name}\n"),
            format!(" 0 s:CN = {name}\n   i:C = US, CN = {name}\n"),
        ] {
            let text = format!("{names}{block}");
            let plain = without_names(text.as_bytes()).unwrap();
            assert_eq!(plain.len(), text.len());
            let plain = str::from_utf8(&plain).unwrap();
            assert!(plain.ends_with(block) && !plain.contains(name), "{plain}");
        }
        for text in [
            block.to_owned(),
            format!("Bag Attributes friendlyName: x subject=CN = x issuer=CN = y {name}"),
            format!("subject=CN = a issuer=CN = b {name}\nsubject=CN = c issuer=CN = d {name}\n"),
            format!("issuer=MII{}\n{block}", "A".repeat(200)),
            format!("    friendlyName: {name}\n{block}"),
        ] {
            assert_eq!(without_names(text.as_bytes()), None, "{text}");
        }
    }
}
