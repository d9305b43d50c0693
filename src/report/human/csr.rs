//! What `csr` made, and what to do with it.

use std::io::{self, Write};

use serde::Serialize;

use crate::public_key::KeyKind;
use crate::report::shell::shell_word;
use crate::report::style::Paint;
use crate::request::{self, RequestSubject};
use crate::text::printable;

/// What `csr` reports.
#[derive(Debug, Serialize)]
pub(crate) struct CsrReport {
    /// [`crate::schema::SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// Where the request was written, or "-".
    pub(crate) request: String,
    /// The key that it is for.
    pub(crate) key: CsrKeyReport,
    /// SHA-256 of the public key (SubjectPublicKeyInfo), lower-case hex.
    pub(crate) spki_sha256: String,
    /// The subject as OpenSSL prints it.
    pub(crate) subject: String,
    /// Its emailAddress.
    pub(crate) email: String,
    /// Its CN.
    pub(crate) name: String,
    /// Its C.
    pub(crate) country: String,
}

/// The key of a request.
#[derive(Debug, Serialize)]
pub(crate) struct CsrKeyReport {
    /// Where it is.
    pub(crate) file: String,
    /// Whether it was made just now.
    pub(crate) created: bool,
    /// Whether it was written encrypted; null where it was there before.
    pub(crate) encrypted: Option<bool>,
    /// Algorithm and size.
    #[serde(flatten)]
    pub(crate) kind: KeyKind,
}

impl CsrReport {
    /// The report on a request with `subject`.
    pub(crate) fn new(request: String, key: CsrKeyReport, spki_sha256: String, subject: &RequestSubject) -> Self {
        Self {
            schema_version: crate::schema::SCHEMA_VERSION,
            request,
            key,
            spki_sha256,
            subject: subject.to_string(),
            email: subject.email.clone(),
            name: subject.name.clone(),
            country: subject.country.clone(),
        }
    }
}

/// Writes it for people: what was written, then the way to the certificate.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn human(out: &mut dyn Write, report: &CsrReport, paint: Paint) -> io::Result<()> {
    let key = &report.key;
    if key.created {
        let encrypted = if key.encrypted == Some(true) { "encrypted " } else { "" };
        let file = paint.strong(printable(&key.file));
        writeln!(out, "wrote the {encrypted}private key to {file}; keep it: no other fits the certificate to come")?;
    }
    let file = if report.request == "-" { "standard output" } else { &report.request };
    writeln!(
        out,
        "wrote the certificate signing request to {} ({})",
        paint.strong(printable(file)),
        printable(&report.subject)
    )?;
    if !request::is_for_portal(&key.kind) {
        return writeln!(out, "Apple's developer portal refuses it: the portal takes RSA keys of 2048 bits only");
    }
    let upload = if report.request == "-" { "the request".to_owned() } else { printable(&report.request) };
    writeln!(
        out,
        "next, in Apple's developer portal, https://developer.apple.com/account/resources (Certificates, Identifiers & Profiles):
  1. Identifiers: your app needs an explicit App ID, such as com.example.MyApp; a wildcard (com.example.*) cannot receive pushes
  2. Certificates, +, Apple Push Notification service SSL (Sandbox & Production): choose the App ID and upload {upload}
  3. download aps.cer, and run
     pushcert convert aps.cer --key {} -o push.pem",
        shell_word(&key.file)
    )
}
