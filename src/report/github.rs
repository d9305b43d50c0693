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

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("github"),
            str![[r#"
::error file=fixtures/der/expired.cer,title=Apple Push Services%3A com.example.MyApp::fixtures/der/expired.cer: Apple Push Services: com.example.MyApp expired on 2024-01-31 (1028 days ago)
::error file=fixtures/p12/truncated.p12,title=cannot be opened::fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)
2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable

"#]]
        );
    }
}
