//! The report of `pack`, as data and for people.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use crate::finding::{Finding, serialize_warnings};
use crate::inspect::CertificateReport;
use crate::pkcs12::Pkcs12Info;
use crate::pkcs12::write::Profile;
use crate::report::human::convert::sentence;
use crate::report::human::output_name;
use crate::report::human::renewal::way_from_expired;
use crate::report::shell::shell_path;
use crate::report::style::Paint;
use crate::text::printable;

/// The report of `pack`.
#[derive(Debug, Serialize)]
pub(crate) struct PackReport {
    /// [`crate::schema::SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The name of the input as given.
    pub(crate) input: String,
    /// The file that was written, or "-".
    pub(crate) output: String,
    /// The software that is to read it.
    #[serde(rename = "for")]
    pub(crate) profile: Profile,
    pub(crate) pkcs12: Pkcs12Info,
    /// The number of certificates in it.
    pub(crate) certificates: usize,
    /// There are two, and the second is the issuer of the first.
    #[serde(skip)]
    pub(crate) has_only_issuer: bool,
    /// The friendlyName of the certificate.
    pub(crate) friendly_name: String,
    /// The friendlyName of the key.
    pub(crate) key_friendly_name: String,
    /// The localKeyID of both, lower-case hex.
    pub(crate) local_key_id: String,
    pub(crate) certificate: CertificateReport,
    #[serde(serialize_with = "serialize_warnings")]
    pub(crate) warnings: Vec<Finding>,
    /// The command that imports it; null where no file keeps it.
    pub(crate) import: Option<String>,
}

/// Returns the command that imports `file`. It names no password: all these commands ask for it.
pub(crate) fn import(profile: Profile, file: &Path) -> String {
    let file = shell_path(file);
    match profile {
        Profile::Keychain => format!("security import {file} -f pkcs12 -k ~/Library/Keychains/login.keychain-db"),
        Profile::Modern => format!("openssl pkcs12 -in {file} -nodes"),
        Profile::Java => format!("keytool -list -v -storetype PKCS12 -keystore {file}"),
    }
}

/// Writes the report.
pub(crate) fn write(out: &mut dyn Write, report: &PackReport, paint: Paint) -> io::Result<()> {
    let others = match report.certificates {
        1 => "the certificate and its private key".to_owned(),
        2 if report.has_only_issuer => "the certificate, its private key and its issuer".to_owned(),
        2 => "the certificate, its private key and 1 more certificate".to_owned(),
        n => format!("the certificate, its private key and {} more certificates", n - 1),
    };
    writeln!(out, "wrote {others} to {}", paint.strong(printable(output_name(&report.output))))?;
    writeln!(out, "{}", sentence(&report.certificate))?;
    if let Some(way) = way_from_expired(&report.certificate) {
        writeln!(out, "{way}")?;
    }
    let encryption = report.pkcs12.key_encryption.as_deref().unwrap_or("none");
    let mac = report.pkcs12.mac.as_deref().unwrap_or("none");
    let names = if report.friendly_name == report.key_friendly_name {
        format!("\"{}\"", report.friendly_name)
    } else {
        format!("\"{}\", its key \"{}\"", report.friendly_name, report.key_friendly_name)
    };
    writeln!(out, "{}", printable(&format!("it is called {names}; {encryption}, MAC {mac}")))?;
    if let Some(import) = &report.import {
        let what = match report.profile {
            Profile::Keychain => "to import it on a Mac",
            Profile::Modern => "to read it",
            Profile::Java => "to see it",
        };
        writeln!(out, "{what} (it asks for the password):\n  {import}")?;
    }
    if report.profile != Profile::Keychain {
        writeln!(out, "macOS may refuse it (\"MAC verification failed\"): for a Mac use --for keychain")?;
    }
    Ok(())
}
