//! Hides this side's own secrets in the words of others: a server or a proxy may repeat what it was sent.

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// Stands for a secret, or for a part of one.
const HIDDEN: &str = "(not shown)";

/// The shortest part of a secret that is hidden: messages are shortened, and a peer may cut. A shorter secret is hidden
/// whole.
const SHORTEST_PART: usize = 12;

/// The number of times that a peer may have escaped a secret.
const MAX_ESCAPED: usize = 3;

/// A shorter secret is none, and to hide it would spell it out, letter by letter.
const SHORTEST_SECRET: usize = 4;

/// The secrets of a run, wiped when they are dropped.
#[derive(Clone, Default)]
pub(crate) struct Mask {
    secrets: Vec<Zeroizing<String>>,
}

impl Mask {
    /// Adds a secret.
    pub(crate) fn add(&mut self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            self.secrets.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// Hides every secret in a text, and every part of one that is long enough to tell something. A text that repeats one
    /// with the escapes of a URL, of HTML or of JSON is shown without these.
    pub(crate) fn apply(&self, text: &mut String) {
        let mut plain = text.clone();
        for _ in 0..MAX_ESCAPED {
            plain = without_escapes(&plain);
            let mut hidden = plain.clone();
            self.hide(&mut hidden);
            if hidden != plain {
                *text = hidden;
                return;
            }
        }
        self.hide(text);
    }

    fn hide(&self, text: &mut String) {
        let mut shown = String::new();
        let mut rest = text.as_str();
        let mut has_hidden = false;
        while let Some(next) = rest.chars().next() {
            match self.secret_at(rest) {
                0 => {
                    shown.push(next);
                    rest = &rest[next.len_utf8()..];
                }
                length => {
                    shown.push_str(HIDDEN);
                    rest = &rest[length..];
                    has_hidden = true;
                }
            }
        }
        if has_hidden {
            *text = shown;
        }
    }

    /// Hides every secret in a text that may not be there.
    pub(crate) fn apply_to(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.apply(text);
        }
    }

    /// Returns the length of the longest secret, or part of one, that the text begins with.
    fn secret_at(&self, text: &str) -> usize {
        let mut longest = 0;
        for secret in &self.secrets {
            let least = secret.len().min(SHORTEST_PART);
            for (start, _) in secret.char_indices() {
                let length = common_length(&secret[start..], text);
                if length >= least {
                    longest = longest.max(length);
                }
            }
        }
        longest
    }
}

/// Undoes the escapes of URLs (RFC 3986 section 2.1), of HTML (those that HTML itself needs, and numbers) and of JSON once.
fn without_escapes(text: &str) -> String {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    let mut plain = String::new();
    let mut rest = &*decoded;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        match reference(after) {
            Some((character, length)) => {
                plain.push(character);
                rest = &after[length..];
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    without_backslashes(&plain)
}

/// Undoes the escapes of JSON (RFC 8259 section 7) that stand for one character which is printed.
fn without_backslashes(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let (character, length) = escaped(after).unwrap_or(('\\', 0));
        plain.push(character);
        rest = &after[length..];
    }
    plain + rest
}

/// Returns the character of an escape, and the length of what follows its backslash.
fn escaped(text: &str) -> Option<(char, usize)> {
    match text.chars().next()? {
        mark @ ('"' | '\\' | '/') => Some((mark, 1)),
        'u' => {
            let number = u32::from_str_radix(text.get(1..5)?, 16).ok()?;
            Some((char::from_u32(number)?, 5))
        }
        _ => None,
    }
}

/// Returns the character of a reference, and the length of its name with the semicolon.
fn reference(text: &str) -> Option<(char, usize)> {
    let (name, _) = text.split_once(';')?;
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => digits.parse(),
            };
            char::from_u32(number.ok()?)?
        }
    };
    Some((character, name.len() + 1))
}

/// Returns the length of the beginning that two texts have in common. Peers may change the case.
fn common_length(one: &str, other: &str) -> usize {
    let mut length = 0;
    for (a, b) in one.chars().zip(other.chars()) {
        if !a.eq_ignore_ascii_case(&b) {
            break;
        }
        length += b.len_utf8();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(secrets: &[&str], text: &str) -> String {
        let mut mask = Mask::default();
        for secret in secrets {
            mask.add(secret);
        }
        let mut text = text.to_owned();
        mask.apply(&mut text);
        text
    }

    #[test]
    fn secrets_and_their_parts_are_hidden() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNSUQxMjM0In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        for (text, expected) in [
            (format!("no: bearer {token}!"), "no: bearer (not shown)!"),
            (format!("{token} {token}"), "(not shown) (not shown)"),
            (format!("a {}…", &token[..30]), "a (not shown)…"),
            (format!("…{}", &token[40..]), "…(not shown)"),
            (format!("x{}y", token.to_uppercase()), "x(not shown)y"),
            ("eyJhbGciO is no part that tells".to_owned(), "eyJhbGciO is no part that tells"),
            ("日本 InvalidProviderToken".to_owned(), "日本 InvalidProviderToken"),
        ] {
            assert_eq!(masked(&[token], &text), expected);
        }
        for segment in token.split('.') {
            assert_eq!(masked(&[token], segment), "(not shown)");
        }
        let pair = ["hunter2", "dXNlcjpodW50ZXIy", "pässwört"];
        assert_eq!(masked(&pair, "403 Basic dXNlcjpodW50ZXIy"), "403 Basic (not shown)");
        assert_eq!(masked(&pair, "(user:hunter2, hunter, pässwört)"), "(user:(not shown), hunter, (not shown))");
        let escaped = ["hunter&secret<pass"];
        for text in [
            "hunter&secret<pass",
            "hunter&amp;secret&lt;pass",
            "hunter%26secret%3Cpass",
            "%68unter%26secret%3cpass",
            "hunter&#38;secret&#x3C;pass",
            "hunter%2526secret%253Cpass",
            r"hunter\u0026secret\u003cpass",
            r"hunter\\u0026secret\\u003Cpass",
        ] {
            assert_eq!(masked(&escaped, &format!("bad login jo:{text}!")), "bad login jo:(not shown)!", "{text}");
        }
        assert_eq!(masked(&escaped, "Tom &amp; Jerry, 100%25"), "Tom &amp; Jerry, 100%25");
        assert_eq!(masked(&escaped, r"C:\Users\u12 \ud83d \"), r"C:\Users\u12 \ud83d \");
        assert_eq!(masked(&[r#"a"b\c/d"#], r#"no a\"b\\c\/d"#), "no (not shown)");
        assert_eq!(masked(&["abc"], "abc"), "abc");
        assert_eq!(masked(&[], "abc"), "abc");
    }
}
