//! The report on a file: its certificates, keys and requests, with warnings.

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment, Topic};
use crate::certificate::chain::{APPLE, AppleChain};
use crate::certificate::extension::{self, ExtensionReport};
use crate::certificate::warning::{self, KeyState, MAX_ASKED};
use crate::container::{Container, Contents, Entry};
use crate::error::Error;
use crate::finding::{Finding, FindingCode, Level};
use crate::identity::Collection;
use crate::key::PrivateKey;
use crate::pkcs12::{Holds, Pkcs12Info};
use crate::public_key::{KeyKind, PublicKey};
use crate::request::CertificateRequest;
use crate::text::{NOT_SHOWN, name_unless_key};

/// The most bytes of a localKeyID that is shown; real ones have 20.
const MAX_KEY_ID: usize = 64;

/// The report of `inspect`.
#[derive(Debug, Serialize)]
pub(crate) struct InspectReport {
    /// [`SCHEMA_VERSION`](crate::schema::SCHEMA_VERSION).
    pub(crate) schema_version: u32,
    pub(crate) files: Vec<FileReport>,
    /// Why files that may hold the key were not read, where keys are tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unread_keys: Vec<Error>,
}

impl InspectReport {
    /// Notes of each certificate and request which other file has its key, and of that key whose it is.
    pub(crate) fn find_keys_among_files(&mut self) {
        let mut keys = Vec::new();
        let mut certificates = Vec::new();
        for (place, file) in self.files.iter().enumerate() {
            for key in &file.keys {
                keys.push(Half { place, file: file.file.clone(), key: key.public_key.clone() });
            }
            for certificate in &file.certificates {
                certificates.push(Half { place, file: file.file.clone(), key: certificate.public_key.clone() });
            }
        }
        for (place, file) in self.files.iter_mut().enumerate() {
            file.note_keys(place, &keys);
            for key in &mut file.keys {
                if !key.has_certificate
                    && let Some(found) = Half::find(&certificates, place, &key.public_key)
                {
                    key.may_sign_tokens = false;
                    key.certificate_file = Some(found.file.clone());
                }
            }
        }
    }

    /// Returns whether keys were tried for a certificate or a request at least, and one fits each.
    pub(crate) fn has_every_key(&self) -> bool {
        let mut has_any = false;
        for file in &self.files {
            for trial in file.key_trials() {
                if trial.file.is_none() {
                    return false;
                }
                has_any = true;
            }
        }
        has_any
    }
}

/// The public half of a key or a certificate, and the file that it was found in.
struct Half {
    /// The number of the file: one may be named twice.
    place: usize,
    file: String,
    key: PublicKey,
}

impl Half {
    /// Returns the first in another file than that at `place`.
    fn find<'a>(halves: &'a [Self], place: usize, key: &PublicKey) -> Option<&'a Self> {
        halves.iter().find(|half| half.place != place && half.key.is_same_key(key))
    }
}

/// The keys that were tried for a certificate or a request.
#[derive(Debug, Serialize)]
pub struct KeyTrial {
    /// The number of keys.
    pub tried: usize,
    /// The file with the key that fits; null where none does.
    pub file: Option<String>,
}

/// Returns the sentence for keys none of which fits.
pub(crate) fn none_fits(count: usize) -> String {
    match count {
        0 => "there is no key to try".to_owned(),
        1 => "the one key that was tried does not fit".to_owned(),
        count => format!("none of {count} keys fits"),
    }
}

/// The report on one file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// The name of the file as given, or "-".
    pub file: String,
    /// The file type; null where it is not known.
    pub container: Option<Container>,
    /// The algorithms of a PKCS#12 file.
    pub pkcs12: Option<Pkcs12Info>,
    /// In the order of the file.
    pub certificates: Vec<CertificateReport>,
    pub keys: Vec<KeyReport>,
    pub requests: Vec<RequestReport>,
    /// The parts that were not read.
    pub unread: Vec<UnreadReport>,
    /// What is there and is neither a certificate nor a key.
    pub others: Vec<String>,
    pub warnings: Vec<FileWarning>,
    /// Set where the file could not be read, or holds nothing of what was asked about.
    pub error: Option<Error>,
}

/// A part of a file that was not read.
#[derive(Debug, Serialize)]
pub struct UnreadReport {
    /// Where it stands.
    pub place: String,
    /// What it holds, as far as that is known.
    pub holds: Holds,
    pub error: Error,
}

/// A warning on a certificate of a file.
#[derive(Debug, Serialize)]
pub struct FileWarning {
    /// For machines.
    pub code: FindingCode,
    /// For people.
    pub message: crate::text::Printable,
    /// SHA-256 of the certificate.
    pub certificate: String,
}

/// The role of a certificate in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// It belongs to a key.
    Leaf,
    /// It signs others.
    Ca,
}

/// The report on one certificate.
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
    /// Rounded down: negative once it has expired.
    pub days_left: i64,
    /// Likewise.
    pub seconds_left: i64,
    pub expired: bool,
    pub signature: String,
    pub key: KeyFacts,
    pub apple_chain: AppleChain,
    pub sha1: String,
    pub sha256: String,
    pub spki_sha256: String,
    pub friendly_name: Option<String>,
    pub local_key_id: Option<String>,
    /// All extensions, where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<ExtensionReport>>,
    /// The keys that were tried, where that is asked for, or its key is in another file of those that are inspected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_trial: Option<KeyTrial>,
    /// A key that was not read, which may be its own.
    #[serde(skip)]
    pub unread_key: Option<UnreadKey>,
    #[serde(skip)]
    pub public_key: PublicKey,
    /// The name for people.
    #[serde(skip)]
    pub title: String,
}

/// A key among what was not read of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadKey {
    /// What was not read is a key.
    Certain,
    /// What was not read may be anything.
    Possible,
}

impl UnreadKey {
    fn of(contents: &Contents) -> Option<Self> {
        if contents.unread.iter().any(|unread| unread.holds == Holds::Key) {
            return Some(Self::Certain);
        }
        contents.may_have_unread_key().then_some(Self::Possible)
    }
}

/// The key of a certificate.
#[derive(Debug, Serialize)]
pub struct KeyFacts {
    /// "RSA", "EC", …
    pub algorithm: String,
    pub bits: usize,
    /// There is a private key in the file that no other certificate claims; false too where a key was not read.
    pub present: bool,
    /// That key belongs to this certificate; null where there is none.
    pub matches: Option<bool>,
}

/// The report on one private key.
#[derive(Debug, Serialize)]
pub struct KeyReport {
    /// Algorithm and size.
    #[serde(flatten)]
    pub kind: KeyKind,
    /// SHA-256 of the public half.
    pub spki_sha256: String,
    /// Its certificate is in the file.
    pub has_certificate: bool,
    /// The other file of those that are inspected in which its certificate is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<String>,
    #[serde(skip)]
    pub public_key: PublicKey,
    /// It may be an APNs token signing key (`AuthKey_….p8`): EC P-256, without a certificate.
    pub may_sign_tokens: bool,
    pub friendly_name: Option<String>,
    /// Lower-case hex.
    pub local_key_id: Option<String>,
}

/// The report on one certificate signing request.
#[derive(Debug, Serialize)]
pub struct RequestReport {
    pub subject: String,
    /// Algorithm and size of its key.
    pub key: KeyKind,
    /// SHA-256 of its public key.
    pub spki_sha256: String,
    /// The request is signed by that key; null where that is not known.
    pub signature_valid: Option<bool>,
    /// The algorithm of the signature.
    #[serde(skip)]
    pub(crate) signature: String,
    /// The extensions that it asks for.
    pub extensions: Vec<ExtensionReport>,
    /// The keys that were tried, where that is asked for, or its key is in another file of those that are inspected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_trial: Option<KeyTrial>,
    #[serde(skip)]
    pub public_key: PublicKey,
}

impl FileReport {
    /// Returns the report on a file that could not be read.
    pub fn failed(file: String, error: Error) -> Self {
        Self { error: Some(error), ..Self::empty(file) }
    }

    fn empty(file: String) -> Self {
        Self {
            file,
            container: None,
            pkcs12: None,
            certificates: vec![],
            keys: vec![],
            requests: vec![],
            unread: vec![],
            others: vec![],
            warnings: vec![],
            error: None,
        }
    }

    /// Returns the report on a file, at the time `now`.
    pub fn of(file: String, contents: &Contents, now: OffsetDateTime) -> Self {
        let mut report = Self {
            container: Some(contents.container),
            pkcs12: contents.pkcs12.clone(),
            others: contents.others.clone(),
            ..Self::empty(file)
        };
        let collection = Collection::new(&contents.certificates, &contents.keys);
        let cas = contents.authorities();
        let unread_key = UnreadKey::of(contents);
        for (index, entry) in contents.certificates.iter().enumerate() {
            let certificate = &entry.item;
            let key = contents.key_state(&collection, certificate);
            let role = if collection.is_leaf(certificate) { FileRole::Leaf } else { FileRole::Ca };
            let chain = APPLE.judge(certificate, &cas, now);
            let findings = match role {
                FileRole::Leaf => warning::judge_leaf(certificate, &chain, Some(key), now),
                FileRole::Ca => warning::judge_authority(certificate, now),
            };
            for finding in findings {
                report.warnings.push(FileWarning::new(certificate, finding));
            }
            if index < MAX_ASKED
                && let Some(finding) = warning::judge_encoding(certificate, Level::Warning)
            {
                report.warnings.push(FileWarning::new(certificate, finding));
            }
            let unread_key = match key {
                KeyState::Unread if role == FileRole::Leaf => unread_key,
                _ => None,
            };
            let facts = CertificateReport::of(entry, role, key, chain, now);
            report.certificates.push(CertificateReport { unread_key, ..facts });
        }
        for entry in &contents.keys {
            report.keys.push(KeyReport::of(entry, collection.has_certificate(&entry.item)));
        }
        for request in &contents.requests {
            report.requests.push(RequestReport::of(request));
        }
        report
    }
}

impl FileReport {
    /// Adds the keys that were tried for the requests and the leaves, or for all certificates where there is no leaf.
    pub(crate) fn add_key_trials(&mut self, contents: &Contents, try_keys: impl Fn(&PublicKey) -> KeyTrial) {
        let has_leaf = self.certificates.iter().any(|certificate| certificate.role == FileRole::Leaf);
        for (report, entry) in self.certificates.iter_mut().zip(&contents.certificates) {
            if report.role == FileRole::Leaf || !has_leaf {
                let trial = try_keys(&entry.item.public_key);
                if trial.file.is_some() {
                    forget_missing_key(&mut self.warnings, &report.sha256);
                }
                report.key_trial = Some(trial);
            }
        }
        for (report, request) in self.requests.iter_mut().zip(&contents.requests) {
            report.key_trial = Some(try_keys(&request.public_key));
        }
    }

    /// Notes the keys of other files that belong to a leaf or a request of this one, whose own key is not here.
    fn note_keys(&mut self, place: usize, keys: &[Half]) {
        for report in &mut self.certificates {
            if report.role == FileRole::Leaf
                && report.key.matches != Some(true)
                && let Some(found) = Half::find(keys, place, &report.public_key)
            {
                forget_missing_key(&mut self.warnings, &report.sha256);
                report.key_trial = Some(KeyTrial { tried: keys.len(), file: Some(found.file.clone()) });
            }
        }
        for report in &mut self.requests {
            if let Some(found) = Half::find(keys, place, &report.public_key) {
                report.key_trial = Some(KeyTrial { tried: keys.len(), file: Some(found.file.clone()) });
            }
        }
    }

    /// Returns what was tried for each certificate and request.
    pub(crate) fn key_trials(&self) -> Vec<&KeyTrial> {
        let mut trials = Vec::new();
        for certificate in &self.certificates {
            trials.extend(&certificate.key_trial);
        }
        for request in &self.requests {
            trials.extend(&request.key_trial);
        }
        trials
    }

    /// Says what there is, for an error about what there is not.
    pub(crate) fn describe_contents(&self) -> &'static str {
        match (&self.certificates[..], &self.requests[..], &self.keys[..]) {
            ([], [], []) => "nothing",
            ([], [], _) => "only a private key",
            ([], _, []) => "only a certificate signing request",
            ([], _, _) => "only a certificate signing request and a private key",
            _ => "a certificate",
        }
    }

    /// Adds all extensions of the certificates; `contents` are those that it reports on.
    pub(crate) fn add_extensions(&mut self, contents: &Contents) {
        let mut left = extension::MAX_FILE_VALUES;
        for (report, entry) in self.certificates.iter_mut().zip(&contents.certificates) {
            report.extensions = Some(extension::report(&entry.item.der, &mut left));
        }
    }
}

/// Takes back that the key of a certificate is missing: it is elsewhere.
fn forget_missing_key(warnings: &mut Vec<FileWarning>, sha256: &str) {
    warnings.retain(|one| one.code != FindingCode::KeyMissing || one.certificate != *sha256);
}

impl FileWarning {
    fn new(certificate: &Certificate, finding: Finding) -> Self {
        Self { code: finding.code, message: finding.message, certificate: certificate.sha256() }
    }
}

impl KeyReport {
    fn of(entry: &Entry<PrivateKey>, has_certificate: bool) -> Self {
        let key = &entry.item;
        Self {
            kind: key.public().kind(),
            spki_sha256: key.public().spki_sha256(),
            has_certificate,
            certificate_file: None,
            public_key: key.public().clone(),
            may_sign_tokens: !has_certificate && key.may_sign_tokens(),
            friendly_name: shown_name(entry.friendly_name.as_deref()),
            local_key_id: entry.local_key_id.as_deref().map(shown_id),
        }
    }
}

impl RequestReport {
    fn of(request: &CertificateRequest) -> Self {
        Self {
            subject: request.subject.clone(),
            key: request.public_key.kind(),
            spki_sha256: request.public_key.spki_sha256(),
            signature_valid: request.is_signature_valid,
            signature: request.signature.clone(),
            extensions: request.extensions.clone(),
            key_trial: None,
            public_key: request.public_key.clone(),
        }
    }
}

fn shown_name(name: Option<&str>) -> Option<String> {
    Some(name_unless_key(name?).to_owned())
}

/// Formats a localKeyID: a hash, or a short text.
fn shown_id(id: &[u8]) -> String {
    if id.len() > MAX_KEY_ID { NOT_SHOWN.to_owned() } else { hex(id) }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

impl CertificateReport {
    /// Returns the report on one certificate.
    pub(crate) fn of(
        entry: &Entry<Certificate>,
        role: FileRole,
        key: KeyState,
        apple_chain: AppleChain,
        now: OffsetDateTime,
    ) -> Self {
        let facts = &entry.item;
        let left = facts.time_left(now);
        let matches = match key {
            KeyState::Matches if role == FileRole::Leaf => Some(true),
            KeyState::Mismatch if role == FileRole::Leaf => Some(false),
            _ => None,
        };
        Self {
            public_key: facts.public_key.clone(),
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
            days_left: left.days(),
            seconds_left: left.seconds(),
            expired: facts.is_expired(now),
            signature: facts.signature.clone(),
            key: KeyFacts {
                algorithm: facts.public_key.algorithm.clone(),
                bits: facts.public_key.bits,
                present: matches.is_some(),
                matches,
            },
            apple_chain,
            sha1: facts.sha1(),
            sha256: facts.sha256(),
            spki_sha256: facts.public_key.spki_sha256(),
            friendly_name: shown_name(entry.friendly_name.as_deref()),
            local_key_id: entry.local_key_id.as_deref().map(shown_id),
            extensions: None,
            key_trial: None,
            unread_key: None,
            title: facts.title().to_owned(),
        }
    }
}
