//! Names of files as a shell reads and writes them: dropped on the terminal, completed, or with characters that no key types.

use std::ffi::OsString;
use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use crate::text::has_unseen;

/// A word of a shell, without its quotes and backslashes.
#[derive(Default)]
pub(crate) struct Word {
    pub(crate) bytes: Vec<u8>,
    /// A quote is not closed, or nothing follows a backslash.
    pub(crate) is_open: bool,
}

/// Returns what a shell makes of a word; `None` where a quote is not closed.
pub(crate) fn unquoted(text: &str) -> Option<OsString> {
    let word = Word::read(text);
    if word.is_open { None } else { os_string(word.bytes) }
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(String::from_utf8(bytes).ok()?.into())
}

/// Returns a name as [`unquoted`] reads it: with backslashes, or in `$'…'` where a character is not printed, is not UTF-8,
/// or is a blank at an end.
pub(crate) fn quoted(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) if is_typed_as_it_is(text) => with_backslashes(text),
        _ => in_escapes(name),
    }
}

/// Returns a path as it is typed: quoted only where it would be read as another.
pub(crate) fn typed(path: &Path) -> String {
    match path.to_str() {
        Some(text) if is_typed_as_it_is(text) => text.to_owned(),
        _ => in_escapes(path.as_os_str().as_encoded_bytes()),
    }
}

/// Returns whether a terminal shows a name as it is: with no blank at an end, and nothing that is not seen or moves what
/// stands around it.
fn is_typed_as_it_is(name: &str) -> bool {
    name.trim() == name && !has_unseen(name)
}

fn with_backslashes(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, '\'' | '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

fn in_escapes(name: &[u8]) -> String {
    let mut quoted = "$'".to_owned();
    for &byte in name {
        match byte {
            b'\'' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\{byte:03o}")),
        }
    }
    quoted.push('\'');
    quoted
}

impl Word {
    pub(crate) fn read(text: &str) -> Self {
        let mut word = Self::default();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\'' => word.take_literal(&mut rest),
                '"' => word.take_quotation(&mut rest),
                '$' if rest.next_if_eq(&'\'').is_some() => word.take_escapes(&mut rest),
                '\\' => word.take_next(&mut rest),
                c => word.push(c),
            }
        }
        word
    }

    fn push(&mut self, c: char) {
        self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn take_next(&mut self, rest: &mut Peekable<Chars<'_>>) {
        match rest.next() {
            Some(c) => self.push(c),
            None => self.is_open = true,
        }
    }

    /// Takes what stands between single quotes.
    fn take_literal(&mut self, rest: &mut Peekable<Chars<'_>>) {
        for c in rest {
            if c == '\'' {
                return;
            }
            self.push(c);
        }
        self.is_open = true;
    }

    /// Takes what stands between double quotes.
    fn take_quotation(&mut self, rest: &mut Peekable<Chars<'_>>) {
        while let Some(c) = rest.next() {
            match (c, rest.peek()) {
                ('"', _) => return,
                ('\\', Some('"' | '\\' | '$' | '`')) => self.take_next(rest),
                _ => self.push(c),
            }
        }
        self.is_open = true;
    }

    /// Takes what stands in `$'…'` (POSIX.1-2024).
    fn take_escapes(&mut self, rest: &mut Peekable<Chars<'_>>) {
        while let Some(c) = rest.next() {
            match c {
                '\'' => return,
                '\\' => self.take_escape(rest),
                c => self.push(c),
            }
        }
        self.is_open = true;
    }

    fn take_escape(&mut self, rest: &mut Peekable<Chars<'_>>) {
        let byte = match rest.next() {
            Some('a') => 7,
            Some('b') => 8,
            Some('t') => b'\t',
            Some('n') => b'\n',
            Some('v') => 11,
            Some('f') => 12,
            Some('r') => b'\r',
            Some('e') => 27,
            Some('x') => number(rest, 16, 2, 0),
            Some(digit @ '0'..='7') => number(rest, 8, 2, digit.to_digit(8).unwrap_or_default()),
            Some(c) => return self.push(c),
            None => {
                self.is_open = true;
                return;
            }
        };
        self.bytes.push(byte);
    }
}

/// Reads as many digits as there are, up to `most`, after the first ones.
fn number(rest: &mut Peekable<Chars<'_>>, radix: u32, most: usize, first: u32) -> u8 {
    let mut number = first;
    for _ in 0..most {
        let Some(digit) = rest.peek().and_then(|c| c.to_digit(radix)) else { break };
        number = number * radix + digit;
        rest.next();
    }
    number.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_a_shell_reads_them() {
        for (text, bytes) in [
            ("a.p12", &b"a.p12"[..]),
            (r"$'caf\351.p12'", b"caf\xe9.p12"),
            (r"$'caf\xe9.p12'", b"caf\xe9.p12"),
            (r"keys/$'a\nb\t.p12'", b"keys/a\nb\t.p12"),
            (r"$'it\'s \\.p12'", b"it's \\.p12"),
            (r"a\ .p12\ ", b"a .p12 "),
            (r#""a \"b\" \c""#, br#"a "b" \c"#),
            ("$HOME.p12", b"$HOME.p12"),
        ] {
            let word = Word::read(text);
            assert!(!word.is_open, "{text}");
            assert_eq!(word.bytes, bytes, "{text}");
        }
        for text in ["'a", "\"a", "$'a", "a\\", "it's.p12"] {
            assert!(unquoted(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        for name in [
            &b"a.p12"[..],
            b"my own's.p12",
            b"a\nb.p12",
            b"caf\xe9.p12",
            b"a.p12 ",
            b" ",
            b"$'x'",
            "株.p12".as_bytes(),
            b"\\1",
            "a\u{202e}21p.p12".as_bytes(),
            "a\u{2066}b".as_bytes(),
            "a\u{200b}b".as_bytes(),
            "a\u{2028}b".as_bytes(),
            "👩\u{200d}🔧.p12".as_bytes(),
        ] {
            let quoted = quoted(name);
            assert!(!has_unseen(&quoted), "{quoted:?}");
            assert_eq!(Word::read(&quoted).bytes, name, "{quoted}");
        }
    }
}
