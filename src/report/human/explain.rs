//! The report of `explain`, as data and for people.

use std::io::{self, Write};

use serde::Serialize;

use crate::explain::Explanation;
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;

/// The report of `explain`.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainReport {
    /// [`SCHEMA_VERSION`].
    schema_version: u32,
    messages: Vec<Explanation>,
}

impl ExplainReport {
    pub(crate) fn new(messages: Vec<Explanation>) -> Self {
        Self { schema_version: SCHEMA_VERSION, messages }
    }
}

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &ExplainReport, paint: Paint) -> io::Result<()> {
    for (number, Explanation { from, text, meaning, commands }) in report.messages.iter().enumerate() {
        if number > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}  {}", paint.strong(text), paint.faint(from))?;
        writeln!(out, "  {meaning}")?;
        for command in *commands {
            writeln!(out, "  {} {command}", paint.faint("next:"))?;
        }
    }
    Ok(())
}
