//! Annotations of GitHub Actions ("Workflow commands for GitHub Actions"): a line a gateway.

use std::io::{self, Write};

use super::{CheckReport, place, sentence, topic, word};
use crate::apns::verdict::{TopicStatus, Verdict};

/// Writes the report; `file` is the certificate's.
///
/// # Errors
/// When it cannot be written.
pub fn write(out: &mut dyn Write, report: &CheckReport, file: &str) -> io::Result<()> {
    for check in &report.checks {
        let level = match check.verdict {
            Verdict::Accepted if check.topic.status == TopicStatus::Refuted => "warning",
            Verdict::Accepted => "notice",
            Verdict::Unproven => "warning",
            Verdict::Rejected | Verdict::Unreachable => "error",
        };
        let mut message = format!("{}: {}", place(check), sentence(check));
        if let (Verdict::Accepted, Some(topic)) = (check.verdict, topic(check)) {
            message.push_str(&format!("; {topic}"));
        }
        if let Some(advice) = &check.advice {
            message.push_str(&format!("\n{advice}"));
        }
        let title = format!("APNs: {}", word(check.verdict));
        writeln!(out, "::{level} file={},title={}::{}", property(file), property(&title), data(&message))?;
    }
    Ok(())
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
