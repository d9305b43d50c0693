//! For people: a few lines to a certificate, what they look for first.

use std::io::{self, Write};

use time::Date;

use super::style::{Paint, printable};
use super::{CertificateReport, ConvertReport, FileReport, InspectReport, OutputReport, Role, text};
use crate::certificate::chain::ChainStatus;
use crate::certificate::warning::{days_ago, in_days};
use crate::container::Container;
use crate::error::Error;
use crate::pkcs12::Pkcs12Info;

/// Writes what `inspect` found.
///
/// # Errors
/// When it cannot be written.
pub fn inspect(out: &mut dyn Write, report: &InspectReport, paint: Paint) -> io::Result<()> {
    for (index, file) in report.files.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_file(out, file, paint)?;
    }
    Ok(())
}

fn write_file(out: &mut dyn Write, file: &FileReport, paint: Paint) -> io::Result<()> {
    let what = match file.container {
        Some(Container::Pkcs12) => "PKCS#12",
        Some(Container::Pem) => "PEM",
        Some(Container::Der) => "certificate in DER",
        Some(Container::Pkcs7) => "PKCS#7",
        Some(Container::Csr) => "certificate signing request in DER",
        Some(Container::Key) => "private key in DER",
        None => "unreadable",
    };
    writeln!(out, "{}: {what}", paint.strong(printable(&file.file)))?;
    if let Some(pkcs12) = &file.pkcs12 {
        write_pkcs12(out, pkcs12, paint)?;
    }
    for certificate in &file.certificates {
        writeln!(out)?;
        write_certificate(out, certificate, paint)?;
        for warning in file.warnings.iter().filter(|warning| warning.certificate == certificate.sha256) {
            writeln!(out, "  {} {}", paint.careful("warning:"), printable(&warning.message))?;
        }
    }
    for key in file.keys.iter().filter(|key| !key.has_certificate) {
        writeln!(out)?;
        let what = if key.may_sign_tokens {
            "  may be an APNs token signing key (AuthKey_….p8): not a certificate, needs no conversion\n"
        } else {
            ""
        };
        writeln!(
            out,
            "{}\n{what}  without a certificate",
            paint.strong(format!("private key, {} {}", key.kind.algorithm, key.kind.bits))
        )?;
        row(out, paint, "SPKI", &format!("{} (SHA-256)", key.spki_sha256))?;
    }
    for request in &file.requests {
        writeln!(out)?;
        writeln!(out, "{}", paint.strong("certificate signing request"))?;
        row(out, paint, "Subject", &request.subject)?;
        let signature = if request.signature_valid { "signed by it" } else { "NOT signed by it" };
        row(out, paint, "Key", &format!("{} {}, {signature}", request.key.algorithm, request.key.bits))?;
        row(out, paint, "SPKI", &format!("{} (SHA-256)", request.spki_sha256))?;
    }
    if file.error.is_none() && file.certificates.is_empty() && file.keys.is_empty() && file.requests.is_empty() {
        writeln!(out, "  holds no certificates and no keys")?;
    }
    Ok(())
}

fn row(out: &mut dyn Write, paint: Paint, label: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {} {}", paint.faint(format_args!("{label:<12}")), printable(value))
}

fn write_pkcs12(out: &mut dyn Write, info: &Pkcs12Info, paint: Paint) -> io::Result<()> {
    let none = || "none".to_owned();
    let encryption = info.certificate_encryption.clone().unwrap_or_else(none);
    row(out, paint, "Certificates", &encryption)?;
    // Where keys lie within an encrypted part, that part's algorithm is theirs.
    row(out, paint, "Keys", info.key_encryption.as_deref().unwrap_or(&encryption))?;
    if let Some(iterations) = info.iterations {
        row(out, paint, "Iterations", &iterations.to_string())?;
    }
    let mac = match (&info.mac, info.mac_iterations) {
        (Some(mac), Some(1)) => format!("{mac}, 1 iteration"),
        (Some(mac), Some(iterations)) => format!("{mac}, {iterations} iterations"),
        _ => none(),
    };
    row(out, paint, "MAC", &mac)
}

fn write_certificate(out: &mut dyn Write, c: &CertificateReport, paint: Paint) -> io::Result<()> {
    let days = expiry(c.days_left, c.expired);
    let validity = format!("{} to {}, {days}", c.not_before.date(), c.not_after.date());
    writeln!(out, "{}", paint.strong(printable(&c.title)))?;
    if c.role == Role::Ca {
        row(out, paint, "Kind", "certificate authority")?;
        row(out, paint, "Valid", &validity)?;
        row(out, paint, "Chain", &chain(c))?;
        return row(out, paint, "SHA-256", &c.sha256);
    }
    row(out, paint, "Kind", c.kind.describe())?;
    for (index, topic) in c.topics.iter().enumerate() {
        row(out, paint, if index == 0 { "Topics" } else { "" }, &format!("{} ({})", topic.topic, topic.kind))?;
    }
    if !c.environments.is_empty() {
        let environments: Vec<String> = c.environments.iter().map(text).collect();
        row(out, paint, "Environments", &environments.join(", "))?;
    }
    row(out, paint, "Valid", &validity)?;
    let presence = match c.key.matches {
        Some(true) => "the private key is here and matches",
        Some(false) => "the private key here is ANOTHER",
        None => "the private key is not here",
    };
    row(out, paint, "Key", &format!("{} {}, {presence}", c.key.algorithm, c.key.bits))?;
    if let Some(team) = &c.team_id {
        row(
            out,
            paint,
            "Team",
            &[Some(team.clone()), c.organization.clone()].into_iter().flatten().collect::<Vec<_>>().join(", "),
        )?;
    }
    if let Some(bundle_id) = &c.bundle_id {
        row(out, paint, "Bundle ID", bundle_id)?;
    }
    row(out, paint, "Chain", &chain(c))?;
    row(out, paint, "Subject", &c.subject)?;
    row(out, paint, "Issuer", &c.issuer)?;
    row(out, paint, "Serial", &c.serial)?;
    row(out, paint, "Signature", &c.signature)?;
    row(out, paint, "SHA-1", &c.sha1)?;
    row(out, paint, "SHA-256", &c.sha256)?;
    row(out, paint, "SPKI", &format!("{} (SHA-256)", c.spki_sha256))?;
    if let Some(name) = &c.friendly_name {
        row(out, paint, "friendlyName", name)?;
    }
    if let Some(id) = &c.local_key_id {
        row(out, paint, "localKeyID", id)?;
    }
    Ok(())
}

fn chain(c: &CertificateReport) -> String {
    let by = c.apple_chain.intermediate.as_ref().map(|name| format!(" through {name}")).unwrap_or_default();
    match c.apple_chain.status {
        ChainStatus::Trusted => format!("verified up to Apple's root{by}"),
        ChainStatus::Expired => format!("leads to Apple's root{by}, but an authority on the way has expired"),
        ChainStatus::NotApple => "not issued by Apple".to_owned(),
        ChainStatus::Incomplete => "its issuer calls itself Apple's, but is not known here".to_owned(),
    }
}

/// "expires in 12 days" in the words of a list.
fn expiry(days_left: i64, expired: bool) -> String {
    if expired { format!("expired {}", days_ago(days_left)) } else { format!("{days_left} days left") }
}

/// Writes what `convert` did: what was written, what it is good for, what to do next.
///
/// # Errors
/// When it cannot be written.
pub fn convert(out: &mut dyn Write, report: &ConvertReport, paint: Paint) -> io::Result<()> {
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
pub fn sentence(certificate: &CertificateReport) -> String {
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

/// A word as a shell takes it.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", printable(word).replace('\'', "'\\''"))
    }
}

/// Writes an error with its hint.
///
/// # Errors
/// When it cannot be written.
pub fn error(out: &mut dyn Write, error: &Error, paint: Paint) -> io::Result<()> {
    writeln!(out, "{} {}", paint.bad("error:"), lines(&error.message))?;
    if let Some(hint) = &error.hint {
        writeln!(out, "  {} {}", paint.faint("hint:"), lines(hint))?;
    }
    Ok(())
}

/// Printable, but for the line ends that the message itself has.
fn lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}
