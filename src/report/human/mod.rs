//! Renderers for people, one file a command; errors.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod csr;
pub(crate) mod expiry;
pub(crate) mod inspect;
pub(crate) mod pack;

use std::io::{self, Write};

use crate::error::Error;
use crate::report::style::Paint;
use crate::text::printable;

/// Writes an error with its hint.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn error(out: &mut dyn Write, error: &Error, paint: Paint) -> io::Result<()> {
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
