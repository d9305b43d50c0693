//! Colour where it is wanted, and text from files made harmless for a terminal.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Paints, or not.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    has_color: bool,
}

impl Paint {
    /// With or without colour.
    pub fn new(has_color: bool) -> Self {
        Self { has_color }
    }

    fn paint(self, style: Style, text: impl Display) -> String {
        if self.has_color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// For what people look for first.
    pub fn strong(self, text: impl Display) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// For labels.
    pub fn faint(self, text: impl Display) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// For what went wrong.
    pub fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// For what may go wrong.
    pub fn careful(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }
}

/// The text with every control character, and every character that reorders others, escaped: names in
/// certificates are other people's words.
pub fn printable(text: &str) -> String {
    let is_harmless = |c: &char| {
        !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_harmless(&c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn names_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[31m\r\n\u{9b}\u{202e}株"), "a\\u{1b}[31m\\r\\n\\u{9b}\\u{202e}株");
    }
}
