//! Annotations of a GitHub workflow: lines that the runner reads from the log ("workflow commands").

use std::io::{self, Write};

use crate::finding::{Finding, FindingsReport, Level};
use crate::text::{escaped, printable};

/// Writes an annotation for each finding, then the summary.
pub(crate) fn write(out: &mut dyn Write, report: &FindingsReport) -> io::Result<()> {
    for case in &report.cases {
        for finding in &case.findings {
            annotate(out, finding, case.path.as_deref(), &case.title)?;
        }
    }
    // Lines of the log, which must not be commands whatever is in them.
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    writeln!(out, "{}", report.summary)
}

fn annotate(out: &mut dyn Write, finding: &Finding, path: Option<&str>, title: &str) -> io::Result<()> {
    let command = match finding.level {
        Level::Failure => "error",
        Level::Warning => "warning",
        Level::Ok => "notice",
    };
    write!(out, "::{command} ")?;
    if let Some(path) = path {
        write!(out, "file={},", escape_property(path))?;
    }
    let message = finding.with_hint(&finding.sentence());
    writeln!(out, "title={}::{}", escape_property(title), escape_message(&message))
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
::error file=fixtures/der/expired.cer,title=Apple Push Services%3A com.example.MyApp::fixtures/der/expired.cer: Apple Push Services: com.example.MyApp expired on 2024-01-31 (1028 days ago)
::error file=fixtures/p12/truncated.p12,title=cannot be opened::fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)
2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable

"#]]
        );
    }

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("github"),
            str![[r#"
::error file=fixtures/der/universal.cer,title=APNs%3A unproven::api.push.apple.com:443 (production) unproven: key-missing: there is no private key for the certificate; export the certificate together with its key, or give the key with --key FILE
0 of 1 gateways good

"#]]
        );
    }
}
