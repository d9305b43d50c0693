//! Quoting for a shell.

use std::ffi::OsStr;
use std::path::Path;

use crate::text::escaped;
use crate::world::files::Location;

/// Quotes a word where a shell needs it. What cannot be printed stands as an escape of `$'…'` (POSIX.1-2024), so that
/// the word still names the same file.
pub(crate) fn shell_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if escaped(word) == word {
        format!("'{}'", word.replace('\'', "'\\''"))
    } else {
        format!("$'{}'", byte_escapes(word.as_bytes()))
    }
}

/// As [`shell_word`], for the name of a file, which need not be UTF-8, and which must not pass for an option.
pub(crate) fn shell_path(path: &Path) -> String {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return shell_path(&Path::new(".").join(path));
    }
    shell_os_word(path.as_os_str())
}

/// As [`shell_path`], or the sign for a standard stream.
pub(crate) fn shell_location(location: &Location) -> String {
    match location {
        Location::Standard => "-".to_owned(),
        Location::Path(path) => shell_path(path),
    }
}

/// As [`shell_word`], for a word that need not be UTF-8.
pub(crate) fn shell_os_word(word: &OsStr) -> String {
    match word.to_str() {
        Some(word) => shell_word(word),
        None => format!("$'{}'", byte_escapes(word.as_encoded_bytes())),
    }
}

/// Escapes all but printable ASCII byte by byte, as `$'…'` reads it.
fn byte_escapes(word: &[u8]) -> String {
    let mut text = String::new();
    for &byte in word {
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
    use std::path::Path;

    use super::{shell_path, shell_word};

    #[test]
    fn no_path_passes_for_an_option() {
        for (path, word) in [("-dash.pem", "./-dash.pem"), ("-", "./-"), ("a-b", "a-b"), ("-a b", "'./-a b'")] {
            assert_eq!(shell_path(Path::new(path)), word);
        }
    }

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
