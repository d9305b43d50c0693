//! The names that OpenSSL writes beside PEM blocks: they are somebody else's text, and what looks like a file in them is
//! none.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::container::hidden;

/// The lines that begin a list of attributes.
const TITLES: [&[u8]; 2] = [b"Bag Attributes", b"Key Attributes"];

/// The names that programs give to attributes in PKCS#12, as OpenSSL writes them. Others are written as numbers.
const ATTRIBUTES: [&[u8]; 5] =
    [b"friendlyName", b"localKeyID", b"Microsoft CSP Name", b"Microsoft Local Key set", b"Trusted key usage (Oracle)"];

/// A text of which names are left out.
pub(super) struct WithoutNames {
    /// Spaces stand in their place.
    pub(super) text: Zeroizing<Vec<u8>>,
    /// One of an attribute may be a key. The names of a certificate are its issuer's text.
    pub(super) may_hide_key: bool,
}

/// The beginnings of two lines in a row, with the names of a certificate.
struct NamePair {
    subject: &'static [u8],
    issuer: &'static [u8],
}

/// Those of openssl pkcs12 and x509, and those of s_client.
const NAME_PAIRS: [NamePair; 2] =
    [NamePair { subject: b"subject=", issuer: b"issuer=" }, NamePair { subject: b"s:", issuer: b"i:" }];

/// Returns a text with spaces in the place of such names, or `None` where there is none. Only the lines that OpenSSL writes
/// are taken for them: a text that lost its line ends keeps all, and so does a line with another name.
pub(super) fn without_names(text: &[u8]) -> Option<WithoutNames> {
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
            if let Some(length) = attribute_name(content) {
                let value = line.start + length..line.end;
                let may_be_key = hidden::is_key_name(&text[value.clone()]);
                blank(&mut plain, text, value).may_hide_key |= may_be_key;
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

fn blank<'a>(plain: &'a mut Option<WithoutNames>, text: &[u8], value: Range<usize>) -> &'a mut WithoutNames {
    let whole = || WithoutNames { text: Zeroizing::new(text.to_vec()), may_hide_key: false };
    let plain = plain.get_or_insert_with(whole);
    plain.text[value].fill(b' ');
    plain
}

/// Returns the length of the name of an attribute at the beginning of a line, with the colon after it.
fn attribute_name(line: &[u8]) -> Option<usize> {
    let colon = memchr::memmem::find(line, b": ")?;
    let name = line[..colon].trim_ascii();
    let is_number = name.contains(&b'.') && name.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.'));
    (is_number || ATTRIBUTES.contains(&name)).then_some(colon + 2)
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
            assert_eq!(plain.text.len(), text.len());
            let plain = str::from_utf8(&plain.text).unwrap();
            assert!(plain.ends_with(block) && !plain.contains(name), "{plain}");
        }
        for text in [
            block.to_owned(),
            format!("Bag Attributes friendlyName: x subject=CN = x issuer=CN = y {name}"),
            format!("subject=CN = a issuer=CN = b {name}\nsubject=CN = c issuer=CN = d {name}\n"),
            format!("issuer=MII{}\n{block}", "A".repeat(200)),
            format!("    friendlyName: {name}\n{block}"),
            format!("Bag Attributes\n    app: {name}\n{block}"),
            format!("Bag Attributes\n    {}\n", block.replace('\n', "\n    app: ")),
        ] {
            assert!(without_names(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn a_name_that_may_be_a_key_is_told() {
        let block = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
        let key = data_encoding::BASE64.encode(&crate::test_support::fixture("key/pkcs8.der"));
        for (name, may_hide_key) in [
            (&key[..], true),
            (&format!("-----BEGIN PRIVATE KEY-----{key}-----END PRIVATE KEY-----"), true),
            ("-----BEGIN PRIVATE KEY----- MII", true),
            ("Apple Push Services: com.example.MyApp", false),
        ] {
            let text = format!("Bag Attributes\n    friendlyName: {name}\n{block}");
            assert_eq!(without_names(text.as_bytes()).unwrap().may_hide_key, may_hide_key, "{text}");
            let text = format!("subject=CN = {name}\nissuer=CN = x\n{block}");
            assert!(!without_names(text.as_bytes()).unwrap().may_hide_key, "{text}");
        }
    }
}
