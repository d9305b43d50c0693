//! JSON, indented, with a line end.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::Error;
use crate::schema::SCHEMA_VERSION;

/// Writes a report.
pub(crate) fn write(out: &mut dyn Write, report: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

/// Writes an error.
pub(crate) fn write_error(out: &mut dyn Write, error: &Error) -> io::Result<()> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema_version: u32,
        error: &'a Error,
    }
    write(out, &Document { schema_version: SCHEMA_VERSION, error })
}
