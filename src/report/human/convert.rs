//! What `convert` reports, as data and for people.

use std::io::{self, Write};

use serde::Serialize;
use time::{Date, OffsetDateTime};

use crate::certificate::Certificate;
use crate::certificate::chain::AppleChain;
use crate::certificate::warning::{KeyState, days_ago, in_days};
use crate::container::Entry;
use crate::finding::{Finding, serialize_warnings};
use crate::inspect::{CertificateReport, FileRole};
use crate::report::shell::shell_word;
use crate::report::style::Paint;
use crate::schema::text;
use crate::text::printable;

/// What `convert` reports.
#[derive(Debug, Serialize)]
pub(crate) struct ConvertReport {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The input as it was named.
    pub(crate) input: String,
    /// What was written where.
    pub(crate) outputs: Vec<OutputReport>,
    /// The leaf certificate; null where none was written or asked for.
    pub(crate) certificate: Option<CertificateReport>,
    /// What is worth knowing about it.
    #[serde(serialize_with = "serialize_warnings")]
    pub(crate) warnings: Vec<Finding>,
}

/// One output of `convert`.
#[derive(Debug, Serialize)]
pub(crate) struct OutputReport {
    /// The file, or "-".
    pub(crate) file: String,
    /// How many certificates are in it.
    pub(crate) certificates: usize,
    /// Whether the private key is in it.
    pub(crate) private_key: bool,
    /// Whether the key is encrypted.
    pub(crate) encrypted: bool,
}

impl ConvertReport {
    /// The report of a certificate on its own.
    pub(crate) fn certificate(
        entry: &Entry<Certificate>,
        key: KeyState,
        apple_chain: AppleChain,
        now: OffsetDateTime,
    ) -> CertificateReport {
        CertificateReport::of(entry, FileRole::Leaf, key, apple_chain, now)
    }
}
/// Writes what `convert` did: what was written, what it is good for, what to do next.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn convert(out: &mut dyn Write, report: &ConvertReport, paint: Paint) -> io::Result<()> {
    for output in &report.outputs {
        let certificates = match output.certificates {
            0 => None,
            1 => Some("the certificate".to_owned()),
            n => Some(format!("{n} certificates")),
        };
        let key = output
            .private_key
            .then(|| if output.encrypted { "the encrypted private key" } else { "the private key" }.to_owned());
        let parts: Vec<String> = certificates.into_iter().chain(key).collect();
        let file = if output.file == "-" { "standard output" } else { &output.file };
        writeln!(out, "wrote {} to {}", parts.join(" and "), paint.strong(printable(file)))?;
    }
    if let Some(certificate) = &report.certificate {
        writeln!(out, "{}", sentence(certificate))?;
    }
    if let Some(next) = next_command(report) {
        writeln!(out, "next: {next}")?;
    }
    Ok(())
}

/// The next step on the road: the gateway where there is all that it takes, or else a closer look.
fn next_command(report: &ConvertReport) -> Option<String> {
    let file_with = |wanted: &dyn Fn(&OutputReport) -> bool| {
        report.outputs.iter().find(|output| output.file != "-" && wanted(output)).map(|output| shell_word(&output.file))
    };
    let certificate = file_with(&|output| output.certificates > 0)?;
    let is_push = report.certificate.as_ref().is_some_and(|certificate| certificate.kind.is_push());
    match file_with(&|output| output.private_key) {
        Some(key) if is_push && key == certificate => Some(format!("pushcert check {certificate}")),
        Some(key) if is_push => Some(format!("pushcert check {certificate} --key {key}")),
        _ => Some(format!("pushcert inspect {certificate}")),
    }
}

/// What a certificate is good for, and until when.
pub(crate) fn sentence(certificate: &CertificateReport) -> String {
    let topic = certificate.topics.first().map(|topic| format!(", topic {}", topic.topic)).unwrap_or_default();
    let environments: Vec<String> = certificate.environments.iter().map(text).collect();
    let environments =
        if environments.is_empty() { String::new() } else { format!(", {}", environments.join(" and ")) };
    let expiry = expiry_sentence(certificate.not_after.date(), certificate.days_left, certificate.expired);
    printable(&format!("{}{topic}{environments}, {expiry}", certificate.kind.describe()))
}

/// "expires on DAY, in N days".
fn expiry_sentence(day: Date, days_left: i64, expired: bool) -> String {
    if expired {
        format!("expired on {day}, {}", days_ago(days_left))
    } else {
        format!("expires on {day}, {}", in_days(days_left))
    }
}
