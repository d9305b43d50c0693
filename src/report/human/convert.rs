//! The report of `convert`, as data and for people.

use std::io::{self, Write};

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::AppleChain;
use crate::certificate::time_left::TimeLeft;
use crate::certificate::warning::KeyState;
use crate::container::Entry;
use crate::finding::{Finding, serialize_warnings};
use crate::inspect::{CertificateReport, FileRole};
use crate::report::human::output_name;
use crate::report::human::renewal::way_from_expired;
use crate::report::style::Paint;
use crate::schema::text;
use crate::text::printable;

/// The report of `convert`.
#[derive(Debug, Serialize)]
pub(crate) struct ConvertReport {
    /// [`SCHEMA_VERSION`](crate::schema::SCHEMA_VERSION).
    pub(crate) schema_version: u32,
    /// The name of the input as given.
    pub(crate) input: String,
    /// The file of --key that the private key is from; null where the input has it, or none was written.
    pub(crate) key_file: Option<String>,
    pub(crate) outputs: Vec<OutputReport>,
    /// The leaf certificate; null where none was written or asked for.
    pub(crate) certificate: Option<CertificateReport>,
    /// The leaves of other identities that were written too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) other_leaves: Vec<CertificateReport>,
    #[serde(serialize_with = "serialize_warnings")]
    pub(crate) warnings: Vec<Finding>,
}

/// One output of `convert`.
#[derive(Debug, Serialize)]
pub(crate) struct OutputReport {
    /// The file, or "-".
    pub(crate) file: String,
    /// The number of certificates in it.
    pub(crate) certificates: usize,
    /// A private key is in it.
    pub(crate) private_key: bool,
    /// The number of private keys in it.
    #[serde(rename = "private_keys")]
    pub(crate) keys: usize,
    /// That key is encrypted.
    pub(crate) encrypted: bool,
    /// The file as a word for a shell; `None` of what is no file, and so keeps nothing.
    #[serde(skip)]
    pub(crate) word: Option<String>,
}

impl ConvertReport {
    /// Returns the report on a leaf certificate.
    pub(crate) fn certificate(
        entry: &Entry<Certificate>,
        key: KeyState,
        apple_chain: AppleChain,
        now: OffsetDateTime,
    ) -> CertificateReport {
        CertificateReport::of(entry, FileRole::Leaf, key, apple_chain, now)
    }

    /// Returns the first file for which a condition holds, as a word for a shell.
    fn file_with(&self, condition: impl Fn(&OutputReport) -> bool) -> Option<String> {
        for output in &self.outputs {
            if condition(output) {
                return output.word.clone();
            }
        }
        None
    }
}

/// Writes what was written, what it is good for, and what to do next.
pub(crate) fn write(out: &mut dyn Write, report: &ConvertReport, paint: Paint) -> io::Result<()> {
    for output in &report.outputs {
        let file = paint.strong(printable(output_name(&output.file)));
        writeln!(out, "wrote {} to {file}", contents_of(output))?;
    }
    for certificate in report.certificate.iter().chain(&report.other_leaves) {
        writeln!(out, "{}", sentence(certificate))?;
    }
    if let Some(way) = report.certificate.as_ref().and_then(way_from_expired) {
        writeln!(out, "{way}")?;
    } else if let Some(next) = next_command(report) {
        writeln!(out, "next: {next}")?;
    }
    Ok(())
}

fn contents_of(output: &OutputReport) -> String {
    let mut parts = Vec::new();
    match output.certificates {
        0 => {}
        1 => parts.push("the certificate".to_owned()),
        n => parts.push(format!("{n} certificates")),
    }
    match output.keys {
        0 => {}
        1 if output.encrypted => parts.push("the encrypted private key".to_owned()),
        1 => parts.push("the private key".to_owned()),
        n => parts.push(format!("{n} private keys")),
    }
    parts.join(" and ")
}

/// Returns the next command: `check` where certificate and key are in files, otherwise `inspect`.
fn next_command(report: &ConvertReport) -> Option<String> {
    let certificate = report.file_with(|output| output.certificates > 0)?;
    let is_push = report.certificate.as_ref().is_some_and(|certificate| certificate.kind.is_push());
    match report.file_with(|output| output.private_key) {
        Some(key) if is_push && key == certificate => Some(format!("pushcert check {certificate}{}", choice(report))),
        Some(key) if is_push => Some(format!("pushcert check {certificate} --key {key}")),
        _ => Some(format!("pushcert inspect {certificate}")),
    }
}

/// The digits of a SHA-256 that tell certificates apart.
const SHA256_DIGITS: usize = 16;

/// Returns the option that chooses the first of several identities in one file.
fn choice(report: &ConvertReport) -> String {
    match &report.certificate {
        Some(first) if !report.other_leaves.is_empty() => format!(" --select {}", &first.sha256[..SHA256_DIGITS]),
        Some(_) | None => String::new(),
    }
}

/// Returns what a certificate is good for, and until when.
pub(crate) fn sentence(certificate: &CertificateReport) -> String {
    let mut line = certificate.kind.describe().to_owned();
    if let Some(topic) = certificate.topics.first() {
        line.push_str(&format!(", topic {}", topic.topic));
    }
    if !certificate.environments.is_empty() {
        let environments: Vec<String> = certificate.environments.iter().map(text).collect();
        line.push_str(&format!(", {}", environments.join(" and ")));
    }
    let (day, left) = (certificate.not_after.date(), TimeLeft::from_seconds(certificate.seconds_left));
    let expires = if left.is_over() { "expired" } else { "expires" };
    line.push_str(&format!(", {expires} on {day}, {}", left.relative()));
    printable(&line)
}
