//! Breaks lines at words, so that a narrow terminal does not break them elsewhere.

use console::measure_text_width;

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
    if measure_text_width(line) < columns {
        return lines.push(line.to_owned());
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    let is_item = line.trim_start().starts_with("- ");
    let hang = if indent > 0 || is_item { indent + HANG } else { 0 };
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

#[cfg(test)]
mod tests {
    use super::wrapped;

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
