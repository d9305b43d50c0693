//! Annotations of GitHub Actions: a line a gateway.

use std::io::{self, Write};

use crate::check::verdict::Outcome;
use crate::finding::Level;
use crate::report::check::{CheckReport, place, sentence, topic, word};
use crate::report::github::annotate;

/// Writes the report; `file` is the certificate's.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &CheckReport, file: &str) -> io::Result<()> {
    for check in &report.checks {
        let level = match check.verdict {
            Outcome::Accepted => Level::Ok,
            Outcome::Unproven => Level::Warning,
            Outcome::Refused | Outcome::Rejected | Outcome::Unreachable => Level::Failure,
        };
        let topic = topic(check);
        let more = [topic.as_deref(), check.advice.as_deref()].into_iter().flatten();
        let more: String = more.map(|sentence| format!("; {sentence}")).collect();
        let message = format!("{}: {}{more}", place(check), sentence(check));
        annotate(out, level, Some(file), &format!("APNs: {}", word(check.verdict)), &message)?;
    }
    Ok(())
}
