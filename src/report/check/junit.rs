//! JUnit XML: a test case a gateway. "refused" and "rejected" fail, "unproven" and "unreachable" are errors.

use std::io::{self, Write};

use junit_report::{Duration, Report, TestCase, TestSuite};

use crate::check::GatewayCheck;
use crate::check::verdict::Outcome;
use crate::report::check::{CheckReport, place, sentence, word};
use crate::report::junit::xml;

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    let mut suite = TestSuite::new("pushcert check");
    suite.add_testcases(report.checks.iter().map(case));
    let mut document = Report::new();
    document.add_testsuite(suite);
    document.write_xml(&mut *out).map_err(io::Error::other)?;
    writeln!(out)
}

fn case(check: &GatewayCheck) -> TestCase {
    let name = xml(&place(check));
    let time = Duration::seconds_f64(check.stages.iter().map(|stage| stage.ms).sum::<f64>() / 1000.0);
    let kind = xml(check.reason.as_deref().unwrap_or_default());
    let advice = check.advice.as_ref().map(|advice| format!("; {advice}")).unwrap_or_default();
    let message = xml(&format!("{}: {}{advice}", word(check.verdict), sentence(check)));
    let mut case = match check.verdict {
        Outcome::Accepted => TestCase::success(&name, time),
        Outcome::Refused | Outcome::Rejected => TestCase::failure(&name, time, &kind, &message),
        Outcome::Unproven | Outcome::Unreachable => TestCase::error(&name, time, &kind, &message),
    };
    case.set_classname("pushcert.check");
    case
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_check;

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("junit"),
            str![[r#"
<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite id="0" name="pushcert check" package="testsuite/pushcert check" tests="1" errors="1" failures="0" hostname="localhost" timestamp="[..]" time="[..]"><testcase name="api.push.apple.com:443 (production)" time="[..]" classname="pushcert.check"><error type="key-missing" message="unproven: key-missing: there is no private key to the certificate; export the certificate together with its key, or give the key with --key FILE"/></testcase></testsuite></testsuites>

"#]]
        );
    }
}
