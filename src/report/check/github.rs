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

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_check;

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("github"),
            str![[r#"
::warning file=fixtures/der/universal.cer,title=APNs%3A unproven::api.push.apple.com:443 (production): key-missing: there is no private key to the certificate; export the certificate together with its key, or give the key with --key FILE

"#]]
        );
    }
}
