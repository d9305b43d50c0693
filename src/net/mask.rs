//! Hides this side's own secrets in the words of others: a server or a proxy may repeat what it was sent.

use zeroize::Zeroizing;

/// Stands for a secret, or for a part of one.
const HIDDEN: &str = "(not shown)";

/// The shortest part of a secret that is hidden: messages are shortened, and a peer may cut. A shorter secret is hidden
/// whole.
const SHORTEST_PART: usize = 12;

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

    /// Hides every secret in a text, and every part of one that is long enough to tell something.
    pub(crate) fn apply(&self, text: &mut String) {
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
        assert_eq!(masked(&["abc"], "abc"), "abc");
        assert_eq!(masked(&[], "abc"), "abc");
    }
}
