//! Text from outside, made printable, and lists of words, durations.

use std::time::Duration;

/// The text with every control character, and every character that reorders others, escaped: names in
/// certificates are other people's words.
pub(crate) fn printable(text: &str) -> String {
    let is_harmless = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_harmless(&c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

/// "a, b and c"; "none" where there is nothing.
pub(crate) fn text_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.collect();
    match items.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// Formats a time limit: "10 s", "1.5 s".
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn names_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[31m\r\n\u{9b}\u{202e}株"), "a\\u{1b}[31m\\r\\n\\u{9b}\\u{202e}株");
    }
}
