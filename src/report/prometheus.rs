//! Prometheus' text format, for the textfile collector of the node exporter. Every metric is a gauge.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::crypto::digest::sha256_hex;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::Level;
use crate::schema::text;
use crate::text::printable;

/// Writes the report.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    let mut per_certificate = |name: &str, help: &str, value: fn(&CheckedCertificate) -> i64| {
        head(out, name, help)?;
        // A series may stand in the file only once; a certificate may stand in a bundle twice.
        let mut seen = HashSet::new();
        for certificate in &report.certificates {
            let labels = labels(certificate);
            if seen.insert(sha256_hex(labels.as_bytes())) {
                writeln!(out, "{name}{{{labels}}} {}", value(certificate))?;
            }
        }
        Ok::<(), io::Error>(())
    };
    per_certificate(
        "pushcert_certificate_not_after_timestamp_seconds",
        "The end of the certificate's validity.",
        |one| one.not_after.unix_timestamp(),
    )?;
    per_certificate(
        "pushcert_certificate_not_before_timestamp_seconds",
        "The beginning of the certificate's validity.",
        |one| one.not_before.unix_timestamp(),
    )?;
    per_certificate("pushcert_certificate_verdict", "0 ok, 1 warning, 2 failure.", |one| number(one.verdict))?;

    let name = "pushcert_file_unreadable";
    head(out, name, "1 for a file that cannot be opened.")?;
    let mut seen = HashSet::new();
    for file in report.unreadable.iter().filter(|file| seen.insert(&file.file)) {
        writeln!(out, "{name}{{file=\"{}\",reason=\"{}\"}} 1", label(&file.file), text(&file.error.kind))?;
    }
    let summary = &report.summary;
    let counts = [
        ("pushcert_certificates", "Certificates looked at.", summary.certificates),
        ("pushcert_files", "Files looked at.", summary.files),
        ("pushcert_files_unreadable", "Files that cannot be opened.", summary.unreadable),
        ("pushcert_files_without_certificates", "Files without certificates.", summary.without_certificates),
    ];
    for (name, help, value) in counts {
        head(out, name, help)?;
        writeln!(out, "{name} {value}")?;
    }
    head(out, "pushcert_run_verdict", "0 ok, 1 warning, 2 failure: the worst of all.")?;
    writeln!(out, "pushcert_run_verdict {}", number(report.verdict))?;
    head(out, "pushcert_run_timestamp_seconds", "The time for which all this was judged.")?;
    writeln!(out, "pushcert_run_timestamp_seconds {}", report.at.unix_timestamp())
}

/// Writes what a metric is.
///
/// # Errors
/// When it cannot be written.
pub(super) fn head(out: &mut dyn Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

fn labels(one: &CheckedCertificate) -> String {
    let topic = one.topics.first().map(String::as_str).unwrap_or_default();
    let team = one.team_id.as_deref().unwrap_or_default();
    let (kind, role) = (text(&one.kind), one.role.name());
    let labels = [
        ("file", one.file.as_str()),
        ("name", &one.name),
        ("role", role),
        ("kind", &kind),
        ("topic", topic),
        ("team_id", team),
        ("sha256", &one.sha256),
    ];
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
    labels.join(",")
}

/// The escapes of a label's value; control characters are seen to before.
pub(super) fn label(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

const fn number(verdict: Level) -> i64 {
    match verdict {
        Level::Ok => 0,
        Level::Warning => 1,
        Level::Failure => 2,
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::printed_expiry;

    #[test]
    fn an_expired_and_a_damaged_file_as_they_are_printed() {
        assert_data_eq!(
            printed_expiry("prometheus"),
            str![[r##"
# HELP pushcert_certificate_not_after_timestamp_seconds The end of the certificate's validity.
# TYPE pushcert_certificate_not_after_timestamp_seconds gauge
pushcert_certificate_not_after_timestamp_seconds{file="fixtures/der/expired.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="0613dfe3fda02462d2f77ea0d7f7f2b67663fcc09bd05af70a317418c1f682d3"} 1706659200
pushcert_certificate_not_after_timestamp_seconds{file="fixtures/der/universal.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1"} 4102358400
# HELP pushcert_certificate_not_before_timestamp_seconds The beginning of the certificate's validity.
# TYPE pushcert_certificate_not_before_timestamp_seconds gauge
pushcert_certificate_not_before_timestamp_seconds{file="fixtures/der/expired.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="0613dfe3fda02462d2f77ea0d7f7f2b67663fcc09bd05af70a317418c1f682d3"} 1672531200
pushcert_certificate_not_before_timestamp_seconds{file="fixtures/der/universal.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1"} 1767225600
# HELP pushcert_certificate_verdict 0 ok, 1 warning, 2 failure.
# TYPE pushcert_certificate_verdict gauge
pushcert_certificate_verdict{file="fixtures/der/expired.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="0613dfe3fda02462d2f77ea0d7f7f2b67663fcc09bd05af70a317418c1f682d3"} 2
pushcert_certificate_verdict{file="fixtures/der/universal.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1"} 0
# HELP pushcert_file_unreadable 1 for a file that cannot be opened.
# TYPE pushcert_file_unreadable gauge
pushcert_file_unreadable{file="fixtures/p12/truncated.p12",reason="input"} 1
# HELP pushcert_certificates Certificates looked at.
# TYPE pushcert_certificates gauge
pushcert_certificates 2
# HELP pushcert_files Files looked at.
# TYPE pushcert_files gauge
pushcert_files 3
# HELP pushcert_files_unreadable Files that cannot be opened.
# TYPE pushcert_files_unreadable gauge
pushcert_files_unreadable 1
# HELP pushcert_files_without_certificates Files without certificates.
# TYPE pushcert_files_without_certificates gauge
pushcert_files_without_certificates 0
# HELP pushcert_run_verdict 0 ok, 1 warning, 2 failure: the worst of all.
# TYPE pushcert_run_verdict gauge
pushcert_run_verdict 2
# HELP pushcert_run_timestamp_seconds The time for which all this was judged.
# TYPE pushcert_run_timestamp_seconds gauge
pushcert_run_timestamp_seconds 1795478400

"##]]
        );
    }
}
