//! JUnit XML (the form that Jenkins' junit-10.xsd describes): a test case for each certificate, file or gateway.
//!
//! Written here and not with the library that writes JUnit: its CDATA sections end at a `]]>` in a name.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::finding::{Case, Finding, FindingsReport, Level};
use crate::report::escape::{xml, xml_characters};
use crate::schema::text;
use crate::text::printable;

/// The element that says how a test case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Failure,
    Error,
    Skipped,
}

impl Element {
    /// Returns the element of a test case; `None` where it passed. A question that could not be answered is
    /// an error, or skipped where that is only a warning.
    fn of(findings: &[Finding]) -> Option<Self> {
        let mut element = None;
        for finding in findings {
            match (finding.level, finding.code.is_answer()) {
                (Level::Failure, true) => return Some(Self::Failure),
                (Level::Failure, false) => element = Some(Self::Error),
                (Level::Warning, false) if element.is_none() => element = Some(Self::Skipped),
                (Level::Warning | Level::Ok, _) => {}
            }
        }
        element
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }

    const fn level(self) -> Level {
        match self {
            Self::Failure | Self::Error => Level::Failure,
            Self::Skipped => Level::Warning,
        }
    }
}

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &FindingsReport) -> io::Result<()> {
    let (mut failures, mut errors, mut duration) = (0, 0, Duration::ZERO);
    for case in &report.cases {
        duration += case.duration;
        match Element::of(&case.findings) {
            Some(Element::Failure) => failures += 1,
            Some(Element::Error) => errors += 1,
            Some(Element::Skipped) | None => {}
        }
    }
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites><testsuite id=\"0\" name=\"{title}\" \
         package=\"testsuite/{title}\" tests=\"{tests}\" errors=\"{errors}\" failures=\"{failures}\" \
         hostname=\"localhost\" timestamp=\"{at}\" time=\"{seconds:.3}\">",
        title = report.title,
        tests = report.cases.len(),
        at = moment(report.at),
        seconds = duration.as_secs_f64(),
    )?;
    let mut names = Names::default();
    for case in &report.cases {
        write_case(out, case, &names.distinct(case))?;
    }
    let mut output = report.notes.clone();
    output.push(report.summary.clone());
    write_output(out, &output.join("\n"))?;
    writeln!(out, "</testsuite></testsuites>")
}

/// Returns a time as Ant writes it: in UTC, without a word of that.
fn moment(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    time.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// The names that were given. GitLab keeps one of all test cases with the same class and name.
#[derive(Default)]
struct Names(HashMap<(String, String), usize>);

impl Names {
    /// Returns the name of a test case, with a number where another one has it.
    fn distinct(&mut self, case: &Case) -> String {
        let name = printable(&case.name);
        let group = case.group.as_deref().map(printable).unwrap_or_default();
        let count = self.0.entry((group, name.clone())).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name} ({count})") }
    }
}

fn write_case(out: &mut dyn Write, case: &Case, name: &str) -> io::Result<()> {
    write!(out, "<testcase name=\"{}\" time=\"{:.3}\"", xml(name), case.duration.as_secs_f64())?;
    if let Some(group) = &case.group {
        write!(out, " classname=\"{}\"", xml(&printable(group)))?;
    }
    let element = Element::of(&case.findings);
    let warnings = match element {
        Some(Element::Skipped) => vec![],
        _ => messages(&case.findings, Level::Warning),
    };
    let mut output = messages(&case.findings, Level::Ok);
    if !warnings.is_empty() {
        output.push(format!("warning: {}", warnings.join("; ")));
    }
    if element.is_none() && output.is_empty() {
        return write!(out, "/>");
    }
    write!(out, ">")?;
    if let Some(element) = element {
        let kind = kinds(&case.findings, element.level()).join(" ");
        let message = messages(&case.findings, element.level()).join("; ");
        write!(out, "<{} type=\"{}\" message=\"{}\"/>", element.name(), xml(&printable(&kind)), xml(&message))?;
    }
    if !output.is_empty() {
        write_output(out, &output.join("\n"))?;
    }
    write!(out, "</testcase>")
}

/// Returns why the findings of a level were made: the server's word, or else the code.
fn kinds(findings: &[Finding], level: Level) -> Vec<String> {
    let mut list = Vec::new();
    for finding in findings {
        if finding.level == level {
            list.push(finding.reason.clone().unwrap_or_else(|| text(&finding.code)));
        }
    }
    list
}

fn messages(findings: &[Finding], level: Level) -> Vec<String> {
    let mut list = Vec::new();
    for finding in findings {
        if finding.level == level {
            list.push(finding.with_hint(&finding.message));
        }
    }
    list
}

fn write_output(out: &mut dyn Write, text: &str) -> io::Result<()> {
    // A section ends where its end stands, so that it is written in two.
    let text = xml_characters(text).replace("]]>", "]]]]><![CDATA[>");
    write!(out, "<system-out><![CDATA[{text}]]></system-out>")
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::{printed_check, printed_expiry};

    #[test]
    fn an_output_cannot_end_its_section() {
        let mut out = Vec::new();
        super::write_output(&mut out, "a]]>b<c").unwrap();
        let expected = "<system-out><![CDATA[a]]]]><![CDATA[>b<c]]></system-out>";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("junit"),
            str![[r#"
<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite id="0" name="pushcert expiry" package="testsuite/pushcert expiry" tests="3" errors="1" failures="1" hostname="localhost" timestamp="2026-11-24T00:00:00" time="0.000"><testcase name="Apple Push Services: com.example.MyApp (leaf, d04062fe545c6cc1)" time="0.000" classname="fixtures/der/universal.cer"/><testcase name="open the file" time="0.000" classname="fixtures/p12/truncated.p12"><error type="input" message="fixtures/p12/truncated.p12: the file is damaged: it is cut short (1537 bytes are there, 3074 should be); the end is missing: copy, download or export it again"/></testcase><testcase name="Apple Push Services: com.example.MyApp (leaf, 0613dfe3fda02462)" time="0.000" classname="fixtures/der/expired.cer"><failure type="expired" message="expired on 2024-01-31 (1028 days ago)"/></testcase><system-out><![CDATA[2 certificates in 3 files: 1 failure, 0 warnings, 1 ok; 1 file not readable]]></system-out></testsuite></testsuites>

"#]]
        );
    }

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("junit"),
            str![[r#"
<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite id="0" name="pushcert check" package="testsuite/pushcert check" tests="1" errors="1" failures="0" hostname="localhost" timestamp="[..]" time="[..]"><testcase name="api.push.apple.com:443 (production)" time="[..]" classname="pushcert.check"><error type="key-missing" message="unproven: key-missing: there is no private key for the certificate; give the key with --key FILE, or export the certificate together with its key"/></testcase><system-out><![CDATA[0 of 1 gateways good]]></system-out></testsuite></testsuites>

"#]]
        );
    }
}
