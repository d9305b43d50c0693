//! Quoting for a shell.

use crate::text::printable;

/// Quotes a word where a shell needs it.
pub(crate) fn shell_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", printable(word).replace('\'', "'\\''"))
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./,:@%+=".contains(c)
}
