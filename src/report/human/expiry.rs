//! `expiry` for people: the most urgent first, the summary last.

use std::io::{self, Write};

use crate::certificate::policy::CertificateRole;
use crate::certificate::time_left::TimeLeft;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::{FindingCode, Level};
use crate::report::human;
use crate::report::style::Paint;
use crate::text::printable;

/// The number of cells in the bar that shows how much of the lifetime is left.
const BAR: usize = 10;

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport, paint: Paint) -> io::Result<()> {
    let mut width = 0;
    for certificate in &report.certificates {
        width = width.max(left(certificate).len());
    }
    for certificate in &report.certificates {
        write_certificate(out, certificate, width, paint)?;
    }
    write_rest(out, report, paint)
}

/// Writes only warnings and failures, and the summary.
pub(crate) fn write_brief(out: &mut dyn Write, report: &ExpiryReport, paint: Paint) -> io::Result<()> {
    for certificate in &report.certificates {
        if certificate.level != Level::Ok {
            write_certificate(out, certificate, 0, paint)?;
        }
    }
    write_rest(out, report, paint)
}

fn write_rest(out: &mut dyn Write, report: &ExpiryReport, paint: Paint) -> io::Result<()> {
    for file in &report.unreadable {
        match file.level {
            Level::Failure => human::error(out, &file.error, paint)?,
            Level::Warning => writeln!(out, "{} {}", paint.warning("warning:"), file.error.message)?,
            Level::Ok => writeln!(out, "{} {}", paint.faint("note:"), file.error.message)?,
        }
    }
    for finding in &report.findings {
        writeln!(out, "{} {}", paint.bad("error:"), finding.message)?;
    }
    for line in report.skipped_lines() {
        writeln!(out, "{} {line}", paint.faint("note:"))?;
    }
    let summary = report.summary_line();
    writeln!(out, "{}", if report.level == Level::Failure { paint.bad(summary) } else { paint.strong(summary) })
}

fn write_certificate(out: &mut dyn Write, one: &CheckedCertificate, width: usize, paint: Paint) -> io::Result<()> {
    let word = match one.level {
        Level::Ok => "ok  ".to_owned(),
        Level::Warning => paint.warning("warn"),
        Level::Failure => paint.bad("FAIL"),
    };
    let role = if one.role == CertificateRole::Leaf { String::new() } else { format!(" ({})", one.role.name()) };
    let (name, file) = (printable(&one.name), paint.faint(printable(&one.file)));
    let date = one.not_after.date();
    writeln!(out, "{word}  {:>width$}  {}  {date}  {name}{role}  {file}", left(one), bar(one))?;
    if let Some(entry) = &one.opened_by {
        writeln!(out, "      opened with {}", printable(entry))?;
    }
    for finding in &one.findings {
        // The row itself says when it expires.
        if !matches!(finding.code, FindingCode::Expired | FindingCode::ExpiresSoon) {
            writeln!(out, "      {}", finding.message)?;
        }
    }
    Ok(())
}

fn left(one: &CheckedCertificate) -> String {
    TimeLeft::from_seconds(one.seconds_left).amount_or_ago()
}

/// Returns the bar; it is not empty before the last moment.
fn bar(one: &CheckedCertificate) -> String {
    let full = usize::from(one.lifetime_left_percent).div_ceil(100 / BAR).min(BAR);
    format!("{}{}", "█".repeat(full), "░".repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("human"),
            str![[r#"
FAIL  1028 days ago  ░░░░░░░░░░  2024-01-31  Apple Push Services: com.example.MyApp  fixtures/der/expired.cer
ok       26700 days  ██████████  2099-12-31  Apple Push Services: com.example.MyApp  fixtures/der/universal.cer
error: fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)
  hint: the end is missing: copy, download or export it again
2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable

"#]]
        );
    }
}
