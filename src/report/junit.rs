//! JUnit XML (the form that Jenkins' junit-10.xsd describes): one test case a certificate.

use std::io::{self, Write};

use junit_report::{Duration, Report, TestCase, TestSuite};

use crate::expiry::report::{CheckedCertificate, ExpiryReport, UnreadableFile};
use crate::finding::{Finding, Level};
use crate::schema::text;
use crate::text::printable;

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let mut suite = TestSuite::new("pushcert expiry");
    suite.set_timestamp(report.at);
    suite.add_testcases(report.certificates.iter().map(certificate));
    suite.add_testcases(report.unreadable.iter().map(unreadable));
    suite.add_testcases(report.findings.iter().map(|finding| failure("the run as a whole", &[finding])));
    suite.set_system_out(&report.summary_line());
    let mut document = Report::new();
    document.add_testsuite(suite);
    document.write_xml(&mut *out).map_err(io::Error::other)?;
    writeln!(out)
}

/// The name does not change from run to run: CI systems follow a test case by it.
fn certificate(one: &CheckedCertificate) -> TestCase {
    let name = xml(&format!("{} ({}, {})", one.name, one.role.name(), &one.sha256[..16]));
    let of = |verdict| one.findings.iter().filter(move |finding| finding.level == verdict).collect::<Vec<_>>();
    let failures = of(Level::Failure);
    let mut case =
        if failures.is_empty() { TestCase::success(&name, Duration::ZERO) } else { failure(&name, &failures) };
    let warnings = of(Level::Warning);
    if !warnings.is_empty() {
        case.set_system_out(&format!("warning: {}", messages(&warnings)));
    }
    case.set_classname(&xml(&one.file));
    case
}

fn failure(name: &str, findings: &[&Finding]) -> TestCase {
    let codes: Vec<String> = findings.iter().map(|finding| text(&finding.code)).collect();
    TestCase::failure(name, Duration::ZERO, &codes.join(" "), &messages(findings))
}

fn unreadable(file: &UnreadableFile) -> TestCase {
    let (kind, message) = (text(&file.error.kind), xml(&file.error.message));
    let mut case = match file.verdict {
        Level::Warning => TestCase::skipped_with_cause("open the file", &kind, &message),
        _ => TestCase::error("open the file", Duration::ZERO, &kind, &message),
    };
    case.set_classname(&xml(&file.file));
    case
}

fn messages(findings: &[&Finding]) -> String {
    let messages: Vec<String> = findings.iter().map(|finding| xml(&finding.message)).collect();
    messages.join("; ")
}

/// Without the characters that XML 1.0 has no way to write; the library escapes the others.
pub(super) fn xml(text: &str) -> String {
    printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("junit"),
            str![[r#"
<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite id="0" name="pushcert expiry" package="testsuite/pushcert expiry" tests="3" errors="1" failures="1" hostname="localhost" timestamp="2026-11-24T00:00:00Z" time="0"><testcase name="Apple Push Services: com.example.MyApp (leaf, 0613dfe3fda02462)" time="0" classname="fixtures/der/expired.cer"><failure type="expired" message="expired on 2024-01-31 (1028 days ago)"/></testcase><testcase name="Apple Push Services: com.example.MyApp (leaf, d04062fe545c6cc1)" time="0" classname="fixtures/der/universal.cer"/><testcase name="open the file" time="0" classname="fixtures/p12/truncated.p12"><error type="input" message="fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be)"/></testcase><system-out><![CDATA[2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable]]></system-out></testsuite></testsuites>

"#]]
        );
    }
}
