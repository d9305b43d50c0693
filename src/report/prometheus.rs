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
