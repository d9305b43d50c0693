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
