//! JUnit XML: a test case a gateway. "rejected" fails, "unproven" and "unreachable" are errors.

use std::io::{self, Write};

use super::{CheckReport, place, sentence, word};
use crate::apns::verdict::Verdict;

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let count = |verdicts: &[Verdict]| report.checks.iter().filter(|check| verdicts.contains(&check.verdict)).count();
    let (failures, errors) = (count(&[Verdict::Rejected]), count(&[Verdict::Unproven, Verdict::Unreachable]));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let tests = report.checks.len();
    writeln!(out, "<testsuite name=\"pushcert check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">")?;
    for check in &report.checks {
        let seconds = check.stages.iter().map(|stage| stage.ms).sum::<f64>() / 1000.0;
        let name = escape(&place(check));
        write!(out, "  <testcase classname=\"pushcert.check\" name=\"{name}\" time=\"{seconds:.3}\"")?;
        let element = match check.verdict {
            Verdict::Accepted => {
                writeln!(out, "/>")?;
                continue;
            }
            Verdict::Rejected => "failure",
            Verdict::Unproven | Verdict::Unreachable => "error",
        };
        writeln!(out, ">")?;
        let kind = escape(check.reason.as_deref().unwrap_or_default());
        let message = escape(&format!("{}: {}", word(check.verdict), sentence(check)));
        let advice = escape(check.advice.as_deref().unwrap_or_default());
        writeln!(out, "    <{element} type=\"{kind}\" message=\"{message}\">{advice}</{element}>")?;
        writeln!(out, "  </testcase>")?;
    }
    writeln!(out, "</testsuite>")
}

/// Text in XML 1.0, where most control characters cannot stand at all.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
