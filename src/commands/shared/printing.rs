//! Printing a report.

use std::io;

use crate::cli::format::ReportFormat;
use crate::error::Error;
use crate::report::Report;
use crate::report::medium::Medium;
use crate::world::context::Context;

/// Prints a report. A closed pipe is no error: it does not change the verdict.
pub(crate) fn print(report: Report<'_>, format: ReportFormat, context: &mut Context<'_>) -> Result<(), Error> {
    let medium = Medium::stdout(context);
    match report.write(format, context.stdout, &medium) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
