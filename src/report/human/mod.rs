//! Renderers for people, one file for each command; errors.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod csr;
pub(crate) mod database;
pub(crate) mod device;
pub(crate) mod expiry;
pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod pack;
pub(crate) mod push;
pub(crate) mod rehearse;
pub(crate) mod renewal;
mod shorten;

use std::io::{self, Write};

use crate::error::Error;
use crate::report::style::Paint;

/// Writes an error with its hint.
pub(crate) fn error(out: &mut dyn Write, error: &Error, paint: Paint) -> io::Result<()> {
    writeln!(out, "{} {}", paint.bad("error:"), error.message)?;
    hint(out, error.hint.as_deref(), paint)
}

/// Writes the next step, where there is one.
fn hint(out: &mut dyn Write, hint: Option<&str>, paint: Paint) -> io::Result<()> {
    match hint {
        Some(hint) => writeln!(out, "  {} {hint}", paint.faint("hint:")),
        None => Ok(()),
    }
}

/// Returns the name of an input for people.
fn input_name(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

/// Returns the name of an output for people.
fn output_name(file: &str) -> &str {
    if file == "-" { "standard output" } else { file }
}
