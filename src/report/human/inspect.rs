//! `inspect` for people: a few lines for each certificate, the most important first.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::certificate::chain::{ChainStatus, PathProblem};
use crate::certificate::time_left::TimeLeft;
use crate::container::Container;
use crate::inspect::{
    CertificateReport, FileReport, FileRole, InspectReport, KeyReport, KeyTrial, RequestReport, UnreadKey, none_fits,
};
use crate::pkcs12::Pkcs12Info;
use crate::report::human::input_name;
use crate::report::style::Paint;
use crate::schema::text;
use crate::text::{printable, with_visible_ends};

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &InspectReport, paint: Paint) -> io::Result<()> {
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
        Some(Container::Der) if file.certificates.is_empty() => "DER",
        Some(Container::Der) => "certificate in DER",
        Some(Container::Pkcs7) => "PKCS#7",
        Some(Container::Csr) => "certificate signing request in DER",
        Some(Container::Key) => "private key in DER",
        None => "unreadable",
    };
    writeln!(out, "{}: {what}", paint.strong(printable(input_name(&file.file))))?;
    if let Some(pkcs12) = &file.pkcs12 {
        write_pkcs12(out, pkcs12, paint)?;
    }
    for certificate in &file.certificates {
        writeln!(out)?;
        write_certificate(out, certificate, paint)?;
        write_extensions(out, certificate, paint)?;
        for warning in &file.warnings {
            if warning.certificate == certificate.sha256 {
                writeln!(out, "  {} {}", paint.warning("warning:"), warning.message)?;
            }
        }
    }
    for key in &file.keys {
        if !key.has_certificate {
            write_key(out, key, paint)?;
        }
    }
    for request in &file.requests {
        write_request(out, request, paint)?;
    }
    write_unread(out, file, paint)?;
    if file.error.is_none()
        && file.unread.is_empty()
        && file.certificates.is_empty()
        && file.keys.is_empty()
        && file.requests.is_empty()
    {
        writeln!(out, "  holds no certificates and no keys")?;
    }
    Ok(())
}

/// Writes what decides whether a file is the one that was meant: of each leaf its kind, topics, environments, validity and
/// key, and the warnings.
pub(crate) fn write_brief(out: &mut dyn Write, file: &FileReport, paint: Paint) -> io::Result<()> {
    let mut count = 0;
    for certificate in &file.certificates {
        if certificate.role == FileRole::Ca {
            continue;
        }
        count += 1;
        writeln!(out, "{}", paint.strong(printable(&certificate.title)))?;
        write_purpose(out, certificate, paint)?;
        for warning in &file.warnings {
            if warning.certificate == certificate.sha256 {
                writeln!(out, "  {} {}", paint.warning("warning:"), warning.message)?;
            }
        }
    }
    if count == 0 { write_file(out, file, paint) } else { write_unread(out, file, paint) }
}

/// The most parts that are listed as not read.
const MAX_UNREAD: usize = 10;

fn write_unread(out: &mut dyn Write, file: &FileReport, paint: Paint) -> io::Result<()> {
    if file.unread.is_empty() && file.others.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    for other in &file.others {
        row(out, paint, "also here", other)?;
    }
    let prefix = format!("{}: ", file.file);
    for unread in file.unread.iter().take(MAX_UNREAD) {
        let message = &unread.error.message;
        let sentence = printable(message.strip_prefix(&prefix).unwrap_or(message));
        writeln!(out, "  {} {sentence}", paint.warning("not read:"))?;
    }
    if let Some(more @ 1..) = file.unread.len().checked_sub(MAX_UNREAD) {
        writeln!(out, "  {} {more} more", paint.warning("not read:"))?;
    }
    Ok(())
}

fn write_key(out: &mut dyn Write, key: &KeyReport, paint: Paint) -> io::Result<()> {
    let title = format!("private key, {} {}", key.kind.algorithm, key.kind.bits);
    writeln!(out, "\n{}", paint.strong(title))?;
    if key.may_sign_tokens {
        writeln!(out, "  may be an APNs token signing key (AuthKey_….p8): not a certificate, needs no conversion")?;
    }
    match &key.certificate_file {
        Some(file) => writeln!(out, "  the key of {}", printable(input_name(file)))?,
        None => writeln!(out, "  without a certificate")?,
    }
    row(out, paint, "SPKI", &format!("{} (SHA-256)", key.spki_sha256))
}

fn write_request(out: &mut dyn Write, request: &RequestReport, paint: Paint) -> io::Result<()> {
    writeln!(out, "\n{}", paint.strong("certificate signing request"))?;
    row(out, paint, "Subject", or_none(&request.subject))?;
    let signature = match request.signature_valid {
        Some(true) => "signed by it".to_owned(),
        Some(false) => "NOT signed by it".to_owned(),
        None => format!(
            "signature not judged: its algorithm, {}, is not known here (pushcert csr --key FILE makes a request that is taken)",
            printable(&request.signature)
        ),
    };
    row(out, paint, "Key", &format!("{} {}, {signature}", request.key.algorithm, request.key.bits))?;
    for (index, extension) in request.extensions.iter().enumerate() {
        let name = extension.name.unwrap_or(&extension.oid);
        let values: Vec<Cow<'_, str>> = extension.values.iter().map(|value| shown_value(value)).collect();
        row(out, paint, if index == 0 { "Asks for" } else { "" }, &format!("{name}: {}", values.join(", ")))?;
    }
    row(out, paint, "SPKI", &format!("{} (SHA-256)", request.spki_sha256))?;
    write_key_trial(out, request.key_trial.as_ref(), paint)
}

fn or_none(name: &str) -> &str {
    if name.is_empty() { "(none)" } else { name }
}

fn row(out: &mut dyn Write, paint: Paint, label: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {} {}", paint.faint(format_args!("{label:<12}")), printable(value))
}

fn write_pkcs12(out: &mut dyn Write, info: &Pkcs12Info, paint: Paint) -> io::Result<()> {
    let encryption = info.certificate_encryption.as_deref().unwrap_or("none");
    row(out, paint, "Certificates", encryption)?;
    // Where keys lie within an encrypted part, that part's algorithm is theirs.
    let keys = match (info.key_unprotected, &info.key_encryption) {
        (true, None) => "none: the key is not protected".to_owned(),
        (true, Some(other)) => format!("none: a key is not protected; {other}"),
        (false, Some(own)) => own.clone(),
        (false, None) => encryption.to_owned(),
    };
    row(out, paint, "Keys", &keys)?;
    if let Some(iterations) = info.iterations {
        row(out, paint, "Iterations", &iterations.to_string())?;
    }
    let mac = match (&info.mac, info.mac_iterations) {
        (Some(mac), Some(1)) => format!("{mac}, 1 iteration"),
        (Some(mac), Some(iterations)) => format!("{mac}, {iterations} iterations"),
        _ => "none".to_owned(),
    };
    row(out, paint, "MAC", &mac)
}

fn write_certificate(out: &mut dyn Write, c: &CertificateReport, paint: Paint) -> io::Result<()> {
    let left = expiry(TimeLeft::from_seconds(c.seconds_left));
    let validity = format!("{} to {}, {left}", c.not_before.date(), c.not_after.date());
    writeln!(out, "{}", paint.strong(printable(&c.title)))?;
    if c.role == FileRole::Ca {
        row(out, paint, "Kind", "certificate authority")?;
        row(out, paint, "Valid", &validity)?;
        row(out, paint, "Chain", &chain(c))?;
        return row(out, paint, "SHA-256", &c.sha256);
    }
    write_purpose(out, c, paint)?;
    match (&c.team_id, &c.organization) {
        (Some(team), Some(organization)) => row(out, paint, "Team", &format!("{team}, {organization}"))?,
        (Some(team), None) => row(out, paint, "Team", team)?,
        (None, _) => {}
    }
    if let Some(bundle_id) = &c.bundle_id {
        row(out, paint, "Bundle ID", bundle_id)?;
    }
    row(out, paint, "Chain", &chain(c))?;
    row(out, paint, "Subject", or_none(&c.subject))?;
    row(out, paint, "Issuer", or_none(&c.issuer))?;
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

/// Writes what a certificate is for, until when, and where its key is.
fn write_purpose(out: &mut dyn Write, c: &CertificateReport, paint: Paint) -> io::Result<()> {
    let left = expiry(TimeLeft::from_seconds(c.seconds_left));
    row(out, paint, "Kind", c.kind.describe())?;
    for (index, topic) in c.topics.iter().enumerate() {
        row(out, paint, if index == 0 { "Topics" } else { "" }, &format!("{} ({})", topic.topic, topic.kind))?;
    }
    if !c.environments.is_empty() {
        let environments: Vec<String> = c.environments.iter().map(text).collect();
        row(out, paint, "Environments", &environments.join(", "))?;
    }
    row(out, paint, "Valid", &format!("{} to {}, {left}", c.not_before.date(), c.not_after.date()))?;
    row(out, paint, "Key", &format!("{} {}, {}", c.key.algorithm, c.key.bits, key_place(c)))
}

/// Says where the private key of a certificate is.
fn key_place(c: &CertificateReport) -> String {
    let here = match c.key.matches {
        Some(true) => "the private key is here and matches",
        Some(false) => "the private key here belongs to a different certificate",
        None => match c.unread_key {
            Some(UnreadKey::Certain) => "a private key is here, and was not read",
            Some(UnreadKey::Possible) => "a private key may be here: something was not read",
            None => "the private key is not here",
        },
    };
    match &c.key_trial {
        None => here.to_owned(),
        Some(KeyTrial { file: Some(file), .. }) => format!("the private key is in {file}"),
        Some(KeyTrial { file: None, tried }) => format!("{here}; {}", none_fits(*tried)),
    }
}

fn write_key_trial(out: &mut dyn Write, trial: Option<&KeyTrial>, paint: Paint) -> io::Result<()> {
    match trial {
        None => Ok(()),
        Some(KeyTrial { file: Some(file), .. }) => row(out, paint, "Its key", &format!("is in {file}")),
        Some(KeyTrial { file: None, tried }) => row(out, paint, "Its key", &none_fits(*tried)),
    }
}

/// The most values of one extension that are shown to people.
const MAX_VALUES: usize = 100;

fn write_extensions(out: &mut dyn Write, c: &CertificateReport, paint: Paint) -> io::Result<()> {
    for extension in c.extensions.iter().flatten() {
        let name = extension.name.unwrap_or("unknown extension");
        let critical = if extension.critical { ", critical" } else { "" };
        row(out, paint, "Extension", &format!("{name} ({}){critical}", extension.oid))?;
        for value in extension.values.iter().take(MAX_VALUES) {
            row(out, paint, "", &format!("  {}", shown_value(value)))?;
        }
        if let Some(more @ 1..) = extension.values.len().checked_sub(MAX_VALUES) {
            row(out, paint, "", &format!("  and {more} more"))?;
        }
    }
    Ok(())
}

/// Returns a value of an extension as people see it, with the blanks at the ends of a DNS name.
fn shown_value(value: &str) -> Cow<'_, str> {
    match value.strip_prefix(DNS) {
        Some(name) if name.trim().len() < name.len() => Cow::Owned(format!("{DNS}{}", with_visible_ends(name))),
        Some(_) | None => Cow::Borrowed(value),
    }
}

const DNS: &str = "DNS:";

fn chain(c: &CertificateReport) -> String {
    let by = match &c.apple_chain.intermediate {
        Some(name) => format!(" through {name}"),
        None => String::new(),
    };
    match c.apple_chain.status {
        ChainStatus::Trusted => format!("verified up to Apple's root{by}"),
        ChainStatus::Expired => format!("leads to Apple's root{by}, but an authority on the way has expired"),
        ChainStatus::Invalid => {
            let problem = c.apple_chain.problem.map_or("a rule is broken", PathProblem::describe);
            format!("leads to Apple's root{by}, but {problem}")
        }
        ChainStatus::NotApple => "not issued by Apple".to_owned(),
        ChainStatus::Incomplete => "its issuer calls itself Apple's, but is not known here".to_owned(),
    }
}

/// Returns "12 days left" or "expired 12 days ago".
fn expiry(left: TimeLeft) -> String {
    if left.is_over() { format!("expired {}", left.relative()) } else { format!("{} left", left.amount()) }
}

#[cfg(test)]
mod tests {
    use snapbox::{assert_data_eq, str};

    use super::shown_value;
    use crate::test_support::printed;

    #[test]
    fn blanks_at_the_ends_of_a_dns_name_are_seen() {
        for (value, shown) in [
            ("DNS:a.example ", "DNS:\"a.example \""),
            ("DNS:\ta.example", "DNS:\"\ta.example\""),
            ("DNS:a.example", "DNS:a.example"),
            ("URI:http://a.example/ ", "URI:http://a.example/ "),
        ] {
            assert_eq!(shown_value(value), shown);
        }
    }

    #[test]
    fn a_keychain_export_as_it_is_printed() {
        assert_data_eq!(
            printed(&["inspect", "fixtures/p12/keychain.p12"]),
            str![[r#"
fixtures/p12/keychain.p12: PKCS#12
  Certificates pbeWithSHAAnd40BitRC2-CBC
  Keys         pbeWithSHAAnd3-KeyTripleDES-CBC
  Iterations   2048
  MAC          HMAC-SHA1, 1 iteration

Apple Push Services: com.example.MyApp
  Kind         Apple Push Services certificate (universal)
  Topics       com.example.MyApp (topic)
               com.example.MyApp.voip (voip)
               com.example.MyApp.complication (complication)
  Environments sandbox, production
  Valid        2026-01-01 to 2099-12-31, 26700 days left
  Key          RSA 2048, the private key is here and matches
  Team         TEAMID1234, Example Team
  Bundle ID    com.example.MyApp
  Chain        not issued by Apple
  Subject      UID=com.example.MyApp, CN=Apple Push Services: com.example.MyApp, OU=TEAMID1234, O=Example Team, C=US
  Issuer       CN=Fixture Worldwide Developer Relations Certification Authority, OU=G4, O=Fixture Inc., C=US
  Serial       54FE83C2B1210513
  Signature    SHA-256 with RSA
  SHA-1        af4c4a88da08550c008d31780c2d9172f83473a3
  SHA-256      d04062fe545c6cc129cf62ee4db2de9f21353bc227a6ee4d8c80aaae064d93f1
  SPKI         fdbc8e511161fe15ef6b0c771526a70c449f942a3dea68f4f4c80afe2e08e794 (SHA-256)
  friendlyName Apple Push Services: com.example.MyApp
  localKeyID   da12624cceac5ae75fdc1ecef2a18012bbe2b980
  warning: was not issued by Apple

"#]]
        );
    }
}
