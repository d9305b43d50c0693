//! The output of a monitoring plugin (Nagios Plugin Development Guidelines): a line with the state, `|`
//! and performance data, then lines with more.

use std::io::{self, Write};

use crate::error::Error;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::expiry::threshold::Threshold;
use crate::finding::Level;
use crate::text::printable;

/// The exit codes.
pub(super) const OK: u8 = 0;
pub(super) const WARNING: u8 = 1;
pub(super) const CRITICAL: u8 = 2;
/// The exit code of a check that could not be made.
pub(crate) const UNKNOWN: u8 = 3;

/// The exit code of a report: what is known to be bad comes before what could not be looked at.
pub(crate) fn exit_code(report: &ExpiryReport) -> u8 {
    let failed_to_open = report.unreadable.iter().any(|file| file.verdict == Level::Failure);
    match report.verdict {
        _ if report.answer_is_no() => CRITICAL,
        _ if failed_to_open => UNKNOWN,
        Level::Ok => OK,
        Level::Warning | Level::Failure => WARNING,
    }
}

/// The word for a state.
pub(super) const fn state(exit_code: u8) -> &'static str {
    match exit_code {
        OK => "OK",
        WARNING => "WARNING",
        CRITICAL => "CRITICAL",
        _ => "UNKNOWN",
    }
}

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    write!(out, "PUSHCERT {} - {}", state(exit_code(report)), report.summary_line())?;
    let summary = &report.summary;
    // Thresholds may be shares of the first one's lifetime.
    let first = match report.certificates.first() {
        Some(certificate) => days_left(certificate, report),
        None => String::new(),
    };
    writeln!(
        out,
        " | {first}certificates={};;;0 ok={};;;0 warnings={};;;0 failures={};;;0 unreadable={};;;0",
        summary.certificates, summary.ok, summary.warnings, summary.failures, summary.unreadable
    )?;
    for finding in &report.findings {
        writeln!(out, "{}", plain(&finding.message))?;
    }
    for certificate in &report.certificates {
        for finding in &certificate.findings {
            let message = format!("{}: {} {}", certificate.file, certificate.name, finding.message);
            writeln!(out, "{}", plain(&message))?;
        }
    }
    for file in &report.unreadable {
        writeln!(out, "{}", plain(&file.error.message))?;
    }
    Ok(())
}

/// Writes that there is no report; `service` is the first word of the line.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_error(out: &mut dyn Write, service: &str, error: &Error) -> io::Result<()> {
    writeln!(out, "{service} {} - {}", state(UNKNOWN), plain(&error.message))
}

/// The days of the first to expire, with the ranges outside of which it is a warning or a failure.
fn days_left(first: &CheckedCertificate, report: &ExpiryReport) -> String {
    let days = |threshold: Threshold| {
        let days = threshold.of(first.not_after - first.not_before).as_seconds_f64() / 86_400.0;
        // Three digits are a minute and a half.
        format!("{days:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let policy = &report.policy.policy;
    format!("days_left={};{}:;{}: ", first.days_left, days(policy.warn), days(policy.fail))
}

/// A bar would begin performance data.
pub(super) fn plain(text: &str) -> String {
    printable(text).replace('|', "/")
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("nagios"),
            str![[r#"
PUSHCERT CRITICAL - 2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable | days_left=-1028;30:;7: certificates=2;;;0 ok=1;;;0 warnings=0;;;0 failures=1;;;0 unreadable=1;;;0
fixtures/der/expired.cer: Apple Push Services: com.example.MyApp expired on 2024-01-31 (1028 days ago)
fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)

"#]]
        );
    }
}
