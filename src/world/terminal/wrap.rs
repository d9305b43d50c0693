//! Breaks lines at words, so that a narrow terminal does not break them elsewhere. A command line stays whole: it is
//! copied.

use std::io::{self, Write};

use console::{measure_text_width, strip_ansi_codes};

/// The columns by which a line goes on further in, where it is set in.
const HANG: usize = 2;

/// Breaks each line that is longer than the terminal. A word that is longer than that stays whole.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        wrap_line(line, columns, &mut lines);
    }
    lines.join("\n")
}

fn wrap_line(line: &str, columns: usize, lines: &mut Vec<String>) {
    if measure_text_width(line) < columns || is_command(line) {
        return lines.push(line.to_owned());
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let is_item = line.trim_start().starts_with("- ");
    let hang = if indent > 0 || is_item { indent + HANG } else { 0 };
    if let Some((text, command)) = line.split_once(COMMAND_IN_TEXT) {
        wrap_line(&format!("{text}:"), columns, lines);
        let start = COMMAND_IN_TEXT.trim_start_matches([':', ' ']);
        return lines.push(format!("{}{start}{command}", " ".repeat(hang)));
    }
    let mut current = String::new();
    for word in line.trim_end().split_inclusive(' ') {
        let is_full = measure_text_width(&current) + measure_text_width(word.trim_end()) >= columns;
        if is_full && !current.trim().is_empty() {
            lines.push(current.trim_end().to_owned());
            current = " ".repeat(hang);
        }
        current.push_str(word);
    }
    lines.push(current.trim_end().to_owned());
}

/// What stands between a text and the command that ends it.
const COMMAND_IN_TEXT: &str = ": pushcert ";

/// What stands before a command on a line of its own.
const SIGNS: [&str; 3] = ["$ ", "next: ", "then: "];

/// The programs of the commands that are printed.
const PROGRAMS: [&str; 2] = ["pushcert ", "security "];

/// Returns whether a line is a command, with or without a sign before it.
fn is_command(line: &str) -> bool {
    let plain = strip_ansi_codes(line);
    let mut text = plain.trim_start();
    for sign in SIGNS {
        text = text.strip_prefix(sign).unwrap_or(text);
    }
    PROGRAMS.iter().any(|program| text.starts_with(program))
}

/// Breaks the lines that are written to it.
pub(crate) struct WrappedLines<'a> {
    out: &'a mut dyn Write,
    /// Without them nothing is broken.
    columns: Option<usize>,
    /// What is not a whole line yet.
    rest: Vec<u8>,
}

impl<'a> WrappedLines<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, columns: Option<usize>) -> Self {
        Self { out, columns, rest: Vec::new() }
    }
}

impl Write for WrappedLines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(columns) = self.columns else { return self.out.write(bytes) };
        self.rest.extend_from_slice(bytes);
        if let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.rest.split_off(end + 1);
            let lines = std::mem::replace(&mut self.rest, rest);
            self.out.write_all(wrapped(&String::from_utf8_lossy(&lines), columns).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&std::mem::take(&mut self.rest))?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{WrappedLines, wrapped};

    #[test]
    fn commands_stay_whole() {
        for line in [
            "pushcert convert a.p12 -o push.pem",
            "     pushcert convert a.p12 -o push.pem",
            "next: pushcert check push.pem",
            "$ pushcert check push.pem",
            "  \u{1b}[1m$ pushcert check push.pem\u{1b}[0m",
            "  security import push.p12 -f pkcs12",
        ] {
            assert_eq!(wrapped(line, 9), line);
        }
        let hint = "  hint: type it so: pushcert convert a.p12 -o b.pem";
        assert_eq!(wrapped(hint, 13), "  hint: type\n    it so:\n    pushcert convert a.p12 -o b.pem");
        assert_eq!(wrapped("what pushcert csr writes", 9), "what\npushcert\ncsr\nwrites");
    }

    #[test]
    fn lines_are_broken_while_they_are_written() {
        let mut written = Vec::new();
        let mut lines = WrappedLines::new(&mut written, Some(9));
        write!(lines, "one two ").unwrap();
        write!(lines, "three\nfour five six\nse").unwrap();
        write!(lines, "ven").unwrap();
        lines.flush().unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "one two\nthree\nfour\nfive six\nseven");
    }

    #[test]
    fn lines_are_broken_at_words() {
        for (text, expected) in [
            ("one two three four", "one two\nthree\nfour"),
            ("  one two three", "  one\n    two\n    three"),
            ("- one two", "- one\n  two"),
            ("short\n\none two three", "short\n\none two\nthree"),
            ("averylongword and", "averylongword\nand"),
            ("两个字 两个字", "两个字\n两个字"),
        ] {
            assert_eq!(wrapped(text, 9), expected);
        }
    }
}
