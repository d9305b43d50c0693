//! The report on a file: what it holds, and what there is to say about each certificate, key and request.

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment, Topic};
use crate::certificate::chain::{APPLE, AppleChain};
use crate::certificate::warning::{self, KeyState};
use crate::container::{Container, Contents, Entry};
use crate::error::Error;
use crate::finding::FindingCode;
use crate::identity::Collection;
use crate::pkcs12::Pkcs12Info;
use crate::public_key::KeyKind;

/// What `inspect` reports.
#[derive(Debug, Serialize)]
pub(crate) struct InspectReport {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// One for each file given.
    pub(crate) files: Vec<FileReport>,
}

/// One file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// The file as it was named, or "-".
    pub file: String,
    /// What it is; null where that cannot be told.
    pub container: Option<Container>,
    /// The algorithms of a PKCS#12 file.
    pub pkcs12: Option<Pkcs12Info>,
    /// The certificates, in the file's order.
    pub certificates: Vec<CertificateReport>,
    /// The private keys.
    pub keys: Vec<KeyReport>,
    /// The certificate signing requests.
    pub requests: Vec<RequestReport>,
    /// What is wrong, or soon will be.
    pub warnings: Vec<FileWarning>,
    /// Why it could not be read.
    pub error: Option<Error>,
}

/// A warning on a certificate of a file.
#[derive(Debug, Serialize)]
pub struct FileWarning {
    /// For machines.
    pub code: FindingCode,
    /// For people.
    pub message: String,
    /// The SHA-256 of the certificate it is about.
    pub certificate: String,
}

/// What a certificate is in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// It belongs to a key.
    Leaf,
    /// It signs others.
    Ca,
}

/// One certificate.
#[derive(Debug, Serialize)]
pub struct CertificateReport {
    pub role: FileRole,
    pub kind: CertificateKind,
    pub bundle_id: Option<String>,
    pub topics: Vec<Topic>,
    pub environments: Vec<Environment>,
    pub team_id: Option<String>,
    pub organization: Option<String>,
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    pub days_left: i64,
    pub expired: bool,
    pub signature: String,
    pub key: KeyFacts,
    pub apple_chain: AppleChain,
    pub sha1: String,
    pub sha256: String,
    pub spki_sha256: String,
    pub friendly_name: Option<String>,
    pub local_key_id: Option<String>,
    /// What people call it.
    #[serde(skip)]
    pub title: String,
}

/// The key of a certificate.
#[derive(Debug, Serialize)]
pub struct KeyFacts {
    /// "RSA", "EC", …
    pub algorithm: String,
    /// Its size.
    pub bits: usize,
    /// Whether a private key stands beside the certificate that no other certificate claims.
    pub present: bool,
    /// Whether that is the key of this certificate; null where there is none.
    pub matches: Option<bool>,
}

/// One private key.
#[derive(Debug, Serialize)]
pub struct KeyReport {
    /// Algorithm and size.
    #[serde(flatten)]
    pub kind: KeyKind,
    /// SHA-256 of the public half.
    pub spki_sha256: String,
    /// Whether a certificate for it is in the file.
    pub has_certificate: bool,
    /// Whether it may be an APNs token signing key (`AuthKey_….p8`): EC P-256, without a certificate.
    pub may_sign_tokens: bool,
    /// friendlyName.
    pub friendly_name: Option<String>,
    /// localKeyID, lower-case hex.
    pub local_key_id: Option<String>,
}

/// One certificate signing request.
#[derive(Debug, Serialize)]
pub struct RequestReport {
    /// The subject asked for.
    pub subject: String,
    /// Algorithm and size of its key.
    pub key: KeyKind,
    /// SHA-256 of its public key.
    pub spki_sha256: String,
    /// Whether it is signed by that key.
    pub signature_valid: bool,
}

impl FileReport {
    /// A file that could not be read.
    pub fn failed(file: String, error: Error) -> Self {
        Self {
            file,
            container: None,
            pkcs12: None,
            certificates: vec![],
            keys: vec![],
            requests: vec![],
            warnings: vec![],
            error: Some(error),
        }
    }

    /// All that there is to say about a file, at the time `now`.
    pub fn of(file: String, contents: &Contents, now: OffsetDateTime) -> Self {
        let collection = Collection::new(&contents.certificates, &contents.keys);
        let others: Vec<&Certificate> = contents.certificates.iter().map(|entry| &entry.item).collect();
        let mut warnings = Vec::new();
        let certificate = |entry: &Entry<Certificate>| {
            let facts = &entry.item;
            let is_leaf = collection.is_leaf(facts);
            // A certificate alone, as Apple's portal gives it, misses no key.
            let key_state = collection.key_state(facts);
            let judged = Some(key_state).filter(|_| is_leaf);
            let chain = APPLE.judge(facts, &others, now);
            let own = warning::judge(facts, &chain, judged, now);
            warnings.extend(own.into_iter().map(|warning| FileWarning {
                code: warning.code,
                message: warning.message,
                certificate: facts.sha256(),
            }));
            CertificateReport::of(entry, if is_leaf { FileRole::Leaf } else { FileRole::Ca }, key_state, chain, now)
        };
        let certificates = contents.certificates.iter().map(certificate).collect();
        let keys = contents.keys.iter().map(|entry| {
            let has_certificate =
                contents.certificates.iter().any(|c| c.item.public_key.is_same_key(entry.item.public()));
            KeyReport {
                kind: entry.item.public().kind(),
                spki_sha256: entry.item.public().spki_sha256(),
                has_certificate,
                may_sign_tokens: !has_certificate && entry.item.may_sign_tokens(),
                friendly_name: entry.friendly_name.clone(),
                local_key_id: entry.local_key_id.as_deref().map(hex),
            }
        });
        let requests = contents.requests.iter().map(|request| RequestReport {
            subject: request.subject.clone(),
            key: request.public_key.kind(),
            spki_sha256: request.public_key.spki_sha256(),
            signature_valid: request.is_signature_valid,
        });
        Self {
            file,
            container: Some(contents.container),
            pkcs12: contents.pkcs12.clone(),
            certificates,
            keys: keys.collect(),
            requests: requests.collect(),
            warnings,
            error: None,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

impl CertificateReport {
    pub(crate) fn of(
        entry: &Entry<Certificate>,
        role: FileRole,
        key: KeyState,
        apple_chain: AppleChain,
        now: OffsetDateTime,
    ) -> Self {
        let facts = &entry.item;
        Self {
            role,
            kind: facts.kind,
            bundle_id: facts.bundle_id.clone(),
            topics: facts.topics.clone(),
            environments: facts.environments.clone(),
            team_id: facts.team_id.clone(),
            organization: facts.organization.clone(),
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            serial: facts.serial.clone(),
            not_before: facts.not_before,
            not_after: facts.not_after,
            days_left: facts.days_left(now),
            expired: facts.is_expired(now),
            signature: facts.signature.clone(),
            key: KeyFacts {
                algorithm: facts.public_key.algorithm.clone(),
                bits: facts.public_key.bits,
                present: role == FileRole::Leaf && key != KeyState::Missing,
                matches: (role == FileRole::Leaf && key != KeyState::Missing).then_some(key == KeyState::Matches),
            },
            apple_chain,
            sha1: facts.sha1(),
            sha256: facts.sha256(),
            spki_sha256: facts.public_key.spki_sha256(),
            friendly_name: entry.friendly_name.clone(),
            local_key_id: entry.local_key_id.as_deref().map(hex),
            title: facts.title().to_owned(),
        }
    }
}
