//! Annotations of a GitHub workflow: lines that the runner reads from the log ("workflow commands").
//!
//! GitHub shows the first ten errors and the first ten warnings of a step, so the worst come first, one annotation for each
//! certificate, file or gateway; a notice at the end has the counts and takes no place from them.

use std::io::{self, Write};

use crate::finding::{Case, FindingsReport, Level};
use crate::text::{escaped, printable};
use crate::world::workspace::Workspace;

/// The most annotations of a level that GitHub shows of a step (`_maxIssueCount` of its runner).
const MAX_SHOWN: usize = 10;

/// The findings of one level about one thing.
struct Annotation<'a> {
    level: Level,
    case: &'a Case,
    message: String,
}

/// Writes the annotations, the worst first, then the summary: as a notice where anything is wrong. It comes before the notes,
/// of which GitHub shows ten too.
pub(crate) fn write(out: &mut dyn Write, report: &FindingsReport, workspace: &Workspace) -> io::Result<()> {
    let errors = annotations(report, Level::Failure);
    let warnings = annotations(report, Level::Warning);
    let notices = annotations(report, Level::Ok);
    for annotation in errors.iter().chain(&warnings) {
        annotation.write(out, workspace)?;
    }
    // Lines of the log, which must not be commands whatever is in them.
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    let is_wrong = !errors.is_empty() || !warnings.is_empty();
    if is_wrong {
        let (title, summary) = (escape_property(&report.headline), escape_message(&report.summary));
        writeln!(out, "::notice title={title}::{summary}{}", hidden(errors.len(), warnings.len()))?;
    }
    for notice in &notices {
        notice.write(out, workspace)?;
    }
    if is_wrong && notices.is_empty() { Ok(()) } else { writeln!(out, "{}", report.summary) }
}

/// Returns the annotations of a level, in order of urgency.
fn annotations(report: &FindingsReport, level: Level) -> Vec<Annotation<'_>> {
    let mut list = Vec::new();
    for case in &report.cases {
        if let Some(message) = joined(case, level) {
            list.push(Annotation { level, case, message });
        }
    }
    list
}

/// Joins the findings of a level to one message; `None` where there are none.
fn joined(case: &Case, level: Level) -> Option<String> {
    let mut message = String::new();
    let mut before = None;
    for finding in &case.findings {
        if finding.level != level {
            continue;
        }
        let about = (&finding.file, &finding.subject);
        match before.replace(about) {
            None => message = finding.with_hint(&finding.sentence()),
            Some(same) if same == about => message = format!("{message}; {}", finding.with_hint(&finding.message)),
            Some(_) => message = format!("{message}; {}", finding.with_hint(&finding.sentence())),
        }
    }
    before.map(|_| message)
}

impl Annotation<'_> {
    fn write(&self, out: &mut dyn Write, workspace: &Workspace) -> io::Result<()> {
        let command = match self.level {
            Level::Failure => "error",
            Level::Warning => "warning",
            Level::Ok => "notice",
        };
        write!(out, "::{command} ")?;
        if let Some(path) = &self.case.path {
            write!(out, "file={},", escape_property(&workspace.name_of(path)))?;
        }
        writeln!(out, "title={}::{}", escape_property(&self.case.title), escape_message(&self.message))
    }
}

/// Returns what GitHub does not show of a step.
fn hidden(errors: usize, warnings: usize) -> String {
    let mut shown = Vec::new();
    for (count, noun) in [(errors, "errors"), (warnings, "warnings")] {
        if count > MAX_SHOWN {
            shown.push(format!("{MAX_SHOWN} of {count} {noun}"));
        }
    }
    if shown.is_empty() { String::new() } else { format!("; GitHub shows {}, the log has all", shown.join(" and ")) }
}

/// Escapes a message as the runner expects it.
fn escape_message(text: &str) -> String {
    escaped(text).replace('%', "%25")
}

fn escape_property(text: &str) -> String {
    escape_message(&printable(text)).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::{printed_check, printed_expiry};

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("github"),
            str![[r#"
::error file=fixtures/p12/truncated.p12,title=cannot be opened::fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be); the end is missing: copy, download or export it again
::error file=fixtures/der/expired.cer,title=Apple Push Services%3A com.example.MyApp::fixtures/der/expired.cer: Apple Push Services: com.example.MyApp expired on 2024-01-31 (1028 days ago)
::notice title=Certificate expiry%3A 1 expired%2C 1 file not readable::2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable

"#]]
        );
    }

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("github"),
            str![[r#"
::error file=fixtures/der/universal.cer,title=APNs%3A unproven::api.push.apple.com:443 (production) unproven: key-missing: there is no private key for the certificate; give the key with --key FILE, or export the certificate together with its key
::notice title=APNs check%3A 0 of 1 gateways good::0 of 1 gateways good

"#]]
        );
    }
}
