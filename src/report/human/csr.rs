//! The report of `csr`, as data and for people.

use std::io::{self, Write};

use serde::Serialize;

use crate::public_key::KeyKind;
use crate::report::human::output_name;
use crate::report::style::Paint;
use crate::request::{self, RequestSubject};
use crate::text::printable;

/// The report of `csr`.
#[derive(Debug, Serialize)]
pub(crate) struct CsrReport {
    /// [`crate::schema::SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// The file of the request, or "-".
    pub(crate) request: String,
    /// The request is in a file, which can be uploaded.
    #[serde(skip)]
    pub(crate) is_kept: bool,
    /// A free name for the certificate to come, with its key: one that is in use has the other.
    #[serde(skip)]
    pub(crate) free_output: String,
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
    pub(crate) file: String,
    /// As a word for a shell.
    #[serde(skip)]
    pub(crate) word: String,
    /// The key is new.
    pub(crate) created: bool,
    /// It was written encrypted; null where it is not new.
    pub(crate) encrypted: Option<bool>,
    /// Algorithm and size.
    #[serde(flatten)]
    pub(crate) kind: KeyKind,
}

impl CsrReport {
    /// Returns the report on a request for `subject`.
    pub(crate) fn new(request: String, key: CsrKeyReport, spki_sha256: String, subject: &RequestSubject) -> Self {
        Self {
            schema_version: crate::schema::SCHEMA_VERSION,
            request,
            is_kept: true,
            free_output: "push.pem".to_owned(),
            key,
            spki_sha256,
            subject: subject.to_string(),
            email: subject.email.clone(),
            name: subject.name.clone(),
            country: subject.country.clone(),
        }
    }
}

/// Writes what was written, then the way to the certificate.
pub(crate) fn write(out: &mut dyn Write, report: &CsrReport, paint: Paint) -> io::Result<()> {
    let key = &report.key;
    if key.created {
        let encrypted = if key.encrypted == Some(true) { "encrypted " } else { "" };
        let file = paint.strong(printable(&key.file));
        writeln!(out, "wrote the {encrypted}private key to {file}; keep it: no other fits the certificate to come")?;
    }
    writeln!(
        out,
        "wrote the certificate signing request to {} ({})",
        paint.strong(printable(output_name(&report.request))),
        printable(&report.subject)
    )?;
    if !request::is_for_portal(&key.kind) {
        return writeln!(out, "Apple's developer portal refuses it: the portal takes RSA keys of 2048 bits only");
    }
    let upload = if report.is_kept { printable(&report.request) } else { "the request".to_owned() };
    writeln!(
        out,
        "next, in Apple's developer portal, https://developer.apple.com/account/resources (Certificates, Identifiers & Profiles):
  1. Identifiers: your app needs an explicit App ID, such as com.example.MyApp; a wildcard (com.example.*) cannot receive pushes
  2. Certificates, +, Apple Push Notification service SSL (Sandbox & Production): choose the App ID and upload {upload}
  3. download aps.cer, and run
     pushcert convert aps.cer --key {} -o {}
for MDM instead: let the MDM's vendor sign {upload}, and give what it returns to https://identity.apple.com/pushcert",
        key.word, report.free_output
    )
}
