//! Annotations of a GitHub workflow: lines that the runner reads from the log ("workflow commands").

use std::io::{self, Write};

use crate::expiry::report::{ExpiryReport, Source};
use crate::finding::Level;
use crate::text::printable;

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    for certificate in &report.certificates {
        let file = path(certificate.source, &certificate.file);
        for finding in &certificate.findings {
            let message = format!("{}: {} {}", certificate.file, certificate.name, finding.message);
            annotate(out, finding.level, file, &certificate.name, &message)?;
        }
    }
    for one in &report.unreadable {
        annotate(out, one.verdict, path(one.source, &one.file), "cannot be opened", &one.error.message)?;
    }
    for finding in &report.findings {
        annotate(out, finding.level, None, "pushcert expiry", &finding.message)?;
    }
    // A line of the log, which must not be a command whatever is in it.
    writeln!(out, "{}", report.summary_line())
}

/// Writes one annotation.
///
/// # Errors
/// When it cannot be written.
pub(super) fn annotate(
    out: &mut dyn Write,
    verdict: Level,
    file: Option<&str>,
    title: &str,
    message: &str,
) -> io::Result<()> {
    let level = match verdict {
        Level::Failure => "error",
        Level::Warning => "warning",
        Level::Ok => "notice",
    };
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    writeln!(out, "::{level} {file}title={}::{}", property(title), data(message))
}

/// The runner looks for files in the repository, and for nothing else.
fn path(source: Source, file: &str) -> Option<&str> {
    (source == Source::File).then_some(file)
}

/// The escapes of a command's message, as the runner undoes them. There are no others: `printable` has
/// seen to all control characters before.
fn data(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// The escapes of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
