//! What `pack` wrote, and how it is taken in.

use std::io::{self, Write};

use serde::Serialize;

use crate::certificate::warning::Warning;
use crate::inspect::CertificateReport;
use crate::pkcs12::Pkcs12Info;
use crate::pkcs12::write::Profile;
use crate::report::human::convert::sentence;
use crate::report::shell::shell_word;
use crate::report::style::Paint;
use crate::text::printable;

/// What `pack` reports.
#[derive(Debug, Serialize)]
pub struct PackReport {
    /// [`crate::schema::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The input as it was named.
    pub input: String,
    /// The file that was written, or "-".
    pub output: String,
    /// Who is to read it.
    #[serde(rename = "for")]
    pub recipe: Profile,
    /// Its algorithms.
    pub pkcs12: Pkcs12Info,
    /// How many certificates are in it.
    pub certificates: usize,
    /// The friendlyName of the certificate.
    pub friendly_name: String,
    /// The friendlyName of the key.
    pub key_friendly_name: String,
    /// The localKeyID of both, lower-case hex.
    pub local_key_id: String,
    /// The certificate.
    pub certificate: CertificateReport,
    /// What is worth knowing about it.
    pub warnings: Vec<Warning>,
    /// The command that takes it in; null where it went to standard output.
    pub import: Option<String>,
}

/// The command with which its reader takes in `file`. None names a password: they all ask for it.
pub fn import(recipe: Profile, file: &str) -> String {
    let file = shell_word(file);
    match recipe {
        Profile::Keychain => format!("security import {file} -f pkcs12 -k ~/Library/Keychains/login.keychain-db"),
        Profile::Modern => format!("openssl pkcs12 -in {file} -nodes"),
        Profile::Java => format!("keytool -list -v -storetype PKCS12 -keystore {file}"),
    }
}

/// Writes it for people.
///
/// # Errors
/// When it cannot be written.
pub fn human(out: &mut dyn Write, report: &PackReport, paint: Paint) -> io::Result<()> {
    let file = if report.output == "-" { "standard output" } else { &report.output };
    let others = match report.certificates {
        1 => "the certificate and its private key".to_owned(),
        2 => "the certificate, its private key and its issuer".to_owned(),
        n => format!("the certificate, its private key and {} more certificates", n - 1),
    };
    writeln!(out, "wrote {others} to {}", paint.strong(printable(file)))?;
    writeln!(out, "{}", sentence(&report.certificate))?;
    let encryption = report.pkcs12.key_encryption.as_deref().unwrap_or("none");
    let mac = report.pkcs12.mac.as_deref().unwrap_or("none");
    let names = if report.friendly_name == report.key_friendly_name {
        format!("\"{}\"", report.friendly_name)
    } else {
        format!("\"{}\", its key \"{}\"", report.friendly_name, report.key_friendly_name)
    };
    writeln!(out, "{}", printable(&format!("it is called {names}; {encryption}, MAC {mac}")))?;
    if let Some(import) = &report.import {
        let what = match report.recipe {
            Profile::Keychain => "on a Mac",
            Profile::Modern => "to read it",
            Profile::Java => "to see it",
        };
        writeln!(out, "next, {what} (it asks for the password):\n  {import}")?;
    }
    if report.recipe != Profile::Keychain {
        writeln!(out, "macOS may refuse it (\"MAC verification failed\"): for a Mac use --for keychain")?;
    }
    Ok(())
}
