//! Prometheus' text format, for the textfile collector of the node exporter. Every metric is a gauge.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::check::GatewayCheck;
use crate::check::report::CheckReport;
use crate::expiry::report::{CheckedCertificate, ExpiryReport};
use crate::finding::Level;
use crate::schema::text;
use crate::text::printable;

/// A metric of a certificate.
struct CertificateMetric {
    name: &'static str,
    help: &'static str,
    value: fn(&CheckedCertificate) -> i64,
}

const CERTIFICATE_METRICS: [CertificateMetric; 4] = [
    CertificateMetric {
        name: "pushcert_certificate_not_after_timestamp_seconds",
        help: "The end of the certificate's validity.",
        value: |certificate| certificate.not_after.unix_timestamp(),
    },
    CertificateMetric {
        name: "pushcert_certificate_not_before_timestamp_seconds",
        help: "The beginning of the certificate's validity.",
        value: |certificate| certificate.not_before.unix_timestamp(),
    },
    CertificateMetric {
        name: "pushcert_certificate_verdict",
        help: "0 ok, 1 warning, 2 failure.",
        value: |certificate| number(certificate.level),
    },
    CertificateMetric {
        name: "pushcert_certificate_renewed",
        help: "1 for a certificate that ends soon and is renewed.",
        value: |certificate| i64::from(certificate.renewed_by.is_some()),
    },
];

/// Writes the report of `expiry`.
pub(crate) fn write_expiry(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    write_certificates(out, report)?;
    let name = "pushcert_file_unreadable";
    write_head(out, name, "1 for a file that cannot be opened.")?;
    let mut seen = HashSet::new();
    for file in &report.unreadable {
        // Two names may look the same once they are printable.
        let label = escape(&file.place());
        if file.level != Level::Ok && seen.insert(label.clone()) {
            writeln!(out, "{name}{{file=\"{label}\",reason=\"{}\"}} 1", text(&file.error.kind))?;
        }
    }
    let summary = &report.summary;
    for (name, help, value) in [
        ("pushcert_certificates", "Certificates looked at.", summary.certificates),
        ("pushcert_files", "Files looked at.", summary.files),
        ("pushcert_files_unreadable", "Files that cannot be opened.", summary.unreadable),
        ("pushcert_files_without_certificates", "Files without certificates.", summary.without_certificates),
        ("pushcert_certificates_renewed", "Certificates that end soon and are renewed.", summary.renewed),
    ] {
        write_head(out, name, help)?;
        writeln!(out, "{name} {value}")?;
    }
    let name = "pushcert_files_passed_over";
    write_head(out, name, "Files and objects that were passed over, by what they are.")?;
    let mut kinds = HashSet::new();
    for (kind, count) in &summary.passed_over_kinds {
        let label = escape(kind);
        if kinds.insert(label.clone()) {
            writeln!(out, "{name}{{kind=\"{label}\"}} {count}")?;
        }
    }
    write_skipped(out, report)?;
    write_head(out, "pushcert_run_verdict", "0 ok, 1 warning, 2 failure: the worst of all.")?;
    writeln!(out, "pushcert_run_verdict {}", number(report.level))?;
    write_head(out, "pushcert_run_timestamp_seconds", "The time for which all this was judged.")?;
    writeln!(out, "pushcert_run_timestamp_seconds {}", report.at.unix_timestamp())
}

/// Names what was not judged: what is named in every report, or all with --list-skipped.
fn write_skipped(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    if report.skipped.is_empty() {
        return Ok(());
    }
    let name = "pushcert_file_passed_over";
    write_head(out, name, "1 for a file or an object that was passed over, with what it is.")?;
    let mut seen = HashSet::new();
    for skipped in &report.skipped {
        let labels =
            format!("file=\"{}\",what=\"{}\"", escape(&skipped.dump.place(&skipped.file)), escape(&skipped.what));
        if seen.insert(labels.clone()) {
            writeln!(out, "{name}{{{labels}}} 1")?;
        }
    }
    Ok(())
}

fn write_certificates(out: &mut dyn Write, report: &ExpiryReport) -> io::Result<()> {
    // A series may stand in the file only once; a certificate may stand in a bundle twice.
    let mut seen = HashSet::new();
    let mut series = Vec::new();
    for certificate in &report.certificates {
        let labels = certificate_labels(certificate);
        if seen.insert(labels.clone()) {
            series.push((labels, certificate));
        }
    }
    for metric in &CERTIFICATE_METRICS {
        write_head(out, metric.name, metric.help)?;
        for (labels, certificate) in &series {
            writeln!(out, "{}{{{labels}}} {}", metric.name, (metric.value)(certificate))?;
        }
    }
    Ok(())
}

/// Writes the report of `check`.
pub(crate) fn write_check(out: &mut dyn Write, report: &CheckReport) -> io::Result<()> {
    write_head(out, "pushcert_check_verdict", "1, with what came of the check as a label.")?;
    for check in &report.checks {
        let labels = gateway_labels(check);
        writeln!(out, "pushcert_check_verdict{{{labels},verdict=\"{}\"}} 1", check.verdict.word())?;
    }
    write_head(out, "pushcert_check_stage_seconds", "How long a stage of the check took.")?;
    for check in &report.checks {
        let labels = gateway_labels(check);
        for stage in &check.stages {
            let (name, seconds) = (text(&stage.stage), stage.ms / 1000.0);
            writeln!(out, "pushcert_check_stage_seconds{{{labels},stage=\"{name}\"}} {seconds:.6}")?;
        }
    }
    Ok(())
}

fn write_head(out: &mut dyn Write, name: &str, help: &str) -> io::Result<()> {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")
}

fn certificate_labels(certificate: &CheckedCertificate) -> String {
    let topic = certificate.topics.first().map(String::as_str).unwrap_or_default();
    let alias = match certificate.alias() {
        Some(alias) => format!(",friendly_name=\"{}\"", escape(alias)),
        None => String::new(),
    };
    format!(
        "file=\"{}\",name=\"{}\",role=\"{}\",kind=\"{}\",topic=\"{}\",team_id=\"{}\",sha256=\"{}\"{alias}",
        escape(&certificate.place()),
        escape(&certificate.name),
        certificate.role.name(),
        text(&certificate.kind),
        escape(topic),
        escape(certificate.team_id.as_deref().unwrap_or_default()),
        certificate.sha256,
    )
}

fn gateway_labels(check: &GatewayCheck) -> String {
    let environment = match check.environment {
        Some(environment) => environment.name(),
        None => "",
    };
    let topic = check.topic.topic.as_deref().unwrap_or_default();
    let address = match check.address {
        Some(address) => format!(",address=\"{}\"", address.ip()),
        None => String::new(),
    };
    let gateway = escape(&check.gateway);
    format!("gateway=\"{gateway}\",environment=\"{environment}\",topic=\"{}\"{address}", escape(topic))
}

/// Escapes the value of a label. `printable` has escaped all control characters before.
fn escape(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}

const fn number(level: Level) -> i64 {
    match level {
        Level::Ok => 0,
        Level::Warning => 1,
        Level::Failure => 2,
    }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use crate::test_support::{printed_check, printed_expiry};

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
# HELP pushcert_certificate_renewed 1 for a certificate that ends soon and is renewed.
# TYPE pushcert_certificate_renewed gauge
pushcert_certificate_renewed{file="fixtures/der/expired.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="0613dfe3fda02462d2f77ea0d7f7f2b67663fcc09bd05af70a317418c1f682d3"} 0
pushcert_certificate_renewed{file="fixtures/der/universal.cer",name="Apple Push Services: com.example.MyApp",role="leaf",kind="apns",topic="com.example.MyApp",team_id="TEAMID1234",sha256="d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1"} 0
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
# HELP pushcert_certificates_renewed Certificates that end soon and are renewed.
# TYPE pushcert_certificates_renewed gauge
pushcert_certificates_renewed 0
# HELP pushcert_files_passed_over Files and objects that were passed over, by what they are.
# TYPE pushcert_files_passed_over gauge
# HELP pushcert_run_verdict 0 ok, 1 warning, 2 failure: the worst of all.
# TYPE pushcert_run_verdict gauge
pushcert_run_verdict 2
# HELP pushcert_run_timestamp_seconds The time for which all this was judged.
# TYPE pushcert_run_timestamp_seconds gauge
pushcert_run_timestamp_seconds 1795478400

"##]]
        );
    }

    #[test]
    fn a_missing_key_as_it_is_printed() {
        assert_data_eq!(
            printed_check("prometheus"),
            str![[r##"
# HELP pushcert_check_verdict 1, with what came of the check as a label.
# TYPE pushcert_check_verdict gauge
pushcert_check_verdict{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",verdict="unproven"} 1
# HELP pushcert_check_stage_seconds How long a stage of the check took.
# TYPE pushcert_check_stage_seconds gauge
pushcert_check_stage_seconds{gateway="api.push.apple.com:443",environment="production",topic="com.example.MyApp",stage="identity"} [..]

"##]]
        );
    }
}
