//! Renderers for people, one file a command; errors.

pub mod check;
pub mod compare;
pub mod convert;
pub mod csr;
pub mod expiry;
pub mod inspect;
pub mod pack;

use std::io::{self, Write};

use crate::error::Error;
use crate::report::style::Paint;
use crate::text::printable;

/// Writes an error with its hint.
///
/// # Errors
/// When it cannot be written.
pub fn error(out: &mut dyn Write, error: &Error, paint: Paint) -> io::Result<()> {
    writeln!(out, "{} {}", paint.bad("error:"), lines(&error.message))?;
    if let Some(hint) = &error.hint {
        writeln!(out, "  {} {}", paint.faint("hint:"), lines(hint))?;
    }
    Ok(())
}

/// Printable, but for the line ends that the message itself has.
fn lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}
