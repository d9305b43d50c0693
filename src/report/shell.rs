//! Quoting for a shell.

use crate::text::escaped;

/// Quotes a word where a shell needs it. What cannot be printed stands as an escape of `$'…'` (POSIX.1-2024), so that
/// the word still names the same file.
pub(crate) fn shell_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if escaped(word) == word {
        format!("'{}'", word.replace('\'', "'\\''"))
    } else {
        format!("$'{}'", byte_escapes(word))
    }
}

/// Escapes all but printable ASCII byte by byte, as `$'…'` reads it.
fn byte_escapes(word: &str) -> String {
    let mut text = String::new();
    for byte in word.bytes() {
        match byte {
            b'\'' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            // Octal: a digit after it cannot become a part of it.
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./,:@%+=".contains(c)
}

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn words_of_a_shell() {
        for (word, quoted) in [
            ("push.pem", "push.pem"),
            ("", "''"),
            ("my key's.pem", "'my key'\\''s.pem'"),
            ("株.pem", "'株.pem'"),
            ("a\n$ rm 1\\'", "$'a\\012$ rm 1\\\\\\''"),
            ("a\u{202e}1", "$'a\\342\\200\\2561'"),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }
}
