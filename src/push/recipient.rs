//! A device token of the input, in whatever form people paste it.

use bytes::Bytes;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, Encoding, HEXLOWER};

use crate::apns::notification::{DEVICE_PATH, is_several_tokens, is_shortened_token, parse_token};
use crate::text::printable_name;

/// The lengths of a token that comes in Base64, in bytes. Apple's have 32 so far, and may become longer.
const BASE64_LENGTHS: std::ops::RangeInclusive<usize> = 32..=100;

/// The most digits of a token: more than twice those of the longest that is known of, and few enough for any server's
/// limit of headers.
const MAX_DIGITS: usize = 512;

/// The mark at the beginning of a text, which is no part of it.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// A device token in the form of a request's path, which is the only place where it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeviceToken(Bytes);

impl DeviceToken {
    fn from_hex(digits: &str) -> Self {
        Self(Bytes::from(format!("{DEVICE_PATH}{digits}")))
    }

    /// Returns the path of its requests.
    pub(super) fn path(&self) -> Bytes {
        self.0.clone()
    }

    /// Returns its digits, in lower case.
    pub(crate) fn digits(&self) -> &str {
        std::str::from_utf8(&self.0[DEVICE_PATH.len()..]).unwrap_or_default()
    }
}

/// A text of the input that is no device token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidToken {
    /// The text, printable and shortened.
    pub(crate) text: String,
    pub(crate) problem: &'static str,
}

/// Parses a device token: hexadecimal digits as they are pasted, or Base64 where it cannot be hexadecimal.
pub(crate) fn parse(text: &str) -> Result<DeviceToken, InvalidToken> {
    // The second of two files that were joined may begin with it.
    let text = text.trim_start_matches(BYTE_ORDER_MARK).trim();
    let invalid = |problem| Err(InvalidToken { text: printable_name(text), problem });
    // A spreadsheet puts one quote before what shall stay a text.
    let bare = text.trim_matches(['"', '\'']);
    if let Some(digits) = parse_token(text).or_else(|| parse_token(bare)) {
        if digits.len() > MAX_DIGITS {
            return invalid("it has more than 512 hexadecimal digits");
        }
        return Ok(DeviceToken::from_hex(&digits));
    }
    if !is_nearly_hex(bare)
        && let Some(bytes) = decode_base64(bare)
    {
        if bytes.iter().all(u8::is_ascii_hexdigit) {
            return invalid("it is Base64 of hexadecimal digits, not of the token");
        }
        return Ok(DeviceToken::from_hex(&HEXLOWER.encode(&bytes)));
    }
    invalid(problem_of(text))
}

/// Returns whether all characters are hexadecimal digits but two at most: what was mistyped or cut, and could be Base64 of
/// another token. Base64 of a token has some dozen other characters.
fn is_nearly_hex(text: &str) -> bool {
    text.chars().filter(|c| !c.is_ascii_hexdigit()).count() <= 2
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let encodings: [&Encoding; 4] = [&BASE64, &BASE64URL, &BASE64_NOPAD, &BASE64URL_NOPAD];
    for encoding in encodings {
        if let Ok(bytes) = encoding.decode(text.as_bytes())
            && BASE64_LENGTHS.contains(&bytes.len())
        {
            return Some(bytes);
        }
    }
    None
}

fn problem_of(text: &str) -> &'static str {
    let is_hex = text.chars().all(|c| c.is_ascii_hexdigit() || c.is_whitespace() || matches!(c, '"' | '\''));
    if text.trim().is_empty() {
        "it is empty"
    } else if is_shortened_token(text) {
        "the description of NSData leaves out the middle of the token"
    } else if parse_token(text.trim_end_matches([',', ';'])).is_some() {
        "a comma or a semicolon stands behind the token"
    } else if is_several_tokens(text) {
        "several tokens, or a token and more, stand where one is expected"
    } else if is_hex {
        "it has an odd number of hexadecimal digits"
    } else if is_nearly_hex(text) {
        "it is hexadecimal but for a character or two"
    } else {
        "it is neither hexadecimal nor Base64 of 32 to 100 bytes"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "cd9201" /* 3 bytes */;

    #[test]
    fn hexadecimal_as_it_is_pasted() {
        for text in ["cd9201", " <CD 92 01> ", "\u{feff}cd9201", "CD-92-01", "0xcd9201", "\"cd9201\""] {
            assert_eq!(parse(text).unwrap().digits(), HEX, "{text}");
        }
        let long = "ab".repeat(80);
        assert_eq!(parse(&long).unwrap().path(), format!("/3/device/{long}"));
    }

    #[test]
    fn base64_only_where_it_is_no_hexadecimal() {
        let text = "zZIBc7H0ml1I+/F+V3VuGgsMXRJAB2y0fVgqpXn/UbM=";
        let digits = "cd920173b1f49a5d48fbf17e57756e1a0b0c5d1240076cb47d582aa579ff51b3";
        for text in [text, text.trim_end_matches('='), &text.replace('+', "-").replace('/', "_")] {
            assert_eq!(parse(text).unwrap().digits(), digits, "{text}");
        }
        let hex = "ab".repeat(32);
        assert_eq!(parse(&hex).unwrap().digits(), hex, "64 digits are Base64 of 48 bytes too");
        let short = BASE64.encode(&[0xff; 31]);
        assert!(parse(&short).is_err(), "{short}");
        assert!(parse(&BASE64.encode(&[0xff; 101])).is_err());
    }

    /// Each could be Base64 of another token.
    #[test]
    fn damaged_hexadecimal_is_no_base64() {
        let token = "cd920173b1f49a5d48fbf17e57756e1a0b0c5d1240076cb47d582aa579ff51b3";
        for text in ["'T", "\"T", "T\"", "\"\"T\"\"", "'\"T\"", "'T'"] {
            assert_eq!(parse(&text.replace('T', token)).unwrap().digits(), token, "{text}");
        }
        for (text, problem) in [
            (token[..43].to_owned(), "an odd number of hexadecimal digits"),
            (format!("'{}", &token[..63]), "an odd number of hexadecimal digits"),
            (token.replace("57eg", "57e").replacen('f', "g", 1), "hexadecimal but for a character"),
            (format!("{}O", &token[..63]), "hexadecimal but for a character"),
            (format!("{token}=="), "hexadecimal but for a character"),
            (BASE64.encode(token.as_bytes()), "Base64 of hexadecimal digits"),
        ] {
            let found = parse(&text);
            assert!(found.as_ref().is_err_and(|invalid| invalid.problem.contains(problem)), "{text}: {found:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_told() {
        for (text, problem) in [
            ("", "empty"),
            ("abc", "odd number"),
            ("{length = 32, bytes = 0x3f1a ... 9c1d }", "leaves out"),
            ("hello world", "neither"),
            (&format!("{},", "ab".repeat(32)), "a comma"),
            (&format!("{0} {0}", "ab".repeat(32)), "several tokens"),
            (&format!("{0},{0}", "ab".repeat(32)), "several tokens"),
        ] {
            assert!(parse(text).unwrap_err().problem.contains(problem), "{text}");
        }
        let longest = "ab".repeat(256);
        assert_eq!(parse(&longest).unwrap().digits(), longest);
        let invalid = parse(&format!("{longest}00")).unwrap_err();
        assert!(invalid.problem.contains("512") && invalid.text.len() < 300, "{invalid:?}");
        assert!(!parse("\u{1b}[2J").unwrap_err().text.contains('\u{1b}'));
    }
}
