//! Colour where it is wanted, and text from files made harmless for a terminal.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// Paints, or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    has_color: bool,
}

impl Paint {
    /// With or without colour.
    pub(crate) fn new(has_color: bool) -> Self {
        Self { has_color }
    }

    fn paint(self, style: Style, text: impl Display) -> String {
        if self.has_color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// For what people look for first.
    pub(crate) fn strong(self, text: impl Display) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// For labels.
    pub(crate) fn faint(self, text: impl Display) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// For what went wrong.
    pub(crate) fn bad(self, text: impl Display) -> String {
        self.paint(AnsiColor::Red.on_default().bold(), text)
    }

    /// For what may go wrong.
    pub(crate) fn careful(self, text: impl Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }
}
