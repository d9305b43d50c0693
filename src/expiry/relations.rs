//! Judges what only all files of a run tell together: a certificate's key in another file, and its renewal.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::certificate::policy::CertificateRole;
use crate::expiry::report::{CheckedCertificate, Renewal, Source};
use crate::finding::{Finding, FindingCode, Level};
use crate::key::PrivateKey;
use crate::public_key::PublicKey;
use crate::text::printable_name;

/// The hasher of a run: what it hashes is compared within the run alone.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The hash of a key, by which a run knows it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    fn of_public(key: &PublicKey) -> Self {
        Self(HASHER.hash_one(key.identity()))
    }

    pub(crate) fn of(key: &PrivateKey) -> Self {
        Self::of_public(key.public())
    }
}

/// What other certificates and keys of the run are compared by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identifiers {
    key: KeyHash,
    subject: u64,
    issuer: u64,
    /// A renewal with a key of another kind may stand beside it: servers have one of each.
    algorithm: u64,
    /// Of what it may be used for, and of its UID and its names other than hosts.
    purpose: u64,
}

impl Identifiers {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        Self {
            key: KeyHash::of_public(&certificate.public_key),
            subject: HASHER.hash_one(&certificate.raw_subject),
            issuer: HASHER.hash_one(&certificate.raw_issuer),
            algorithm: HASHER.hash_one(&certificate.public_key.algorithm),
            purpose: HASHER.hash_one((usages(certificate), &certificate.uid, &certificate.other_names)),
        }
    }
}

/// Returns the uses that tell certificates apart. Those of servers are alike: authorities no longer allow them to be used
/// by clients too.
fn usages(certificate: &Certificate) -> &[String] {
    let is_for_servers = certificate.usages.iter().any(|usage| usage == "serverAuth");
    if is_for_servers { &[] } else { &certificate.usages }
}

impl Identifiers {
    /// Returns those of what has neither a key nor an issuer, by a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let hash = HASHER.hash_one(text);
        Self { key: KeyHash(hash), subject: hash, issuer: hash, algorithm: hash, purpose: hash }
    }
}

/// Gives each certificate the key that another file of the run has. An authority that has one is a leaf unless it
/// issued another certificate of the run: self-made certificates often call themselves CAs.
pub(crate) fn find_keys(certificates: &mut [CheckedCertificate], keys: &HashSet<KeyHash>) {
    let mut issuers = HashSet::new();
    for one in &*certificates {
        if one.identifiers.issuer != one.identifiers.subject {
            issuers.insert(one.identifiers.issuer);
        }
    }
    for one in certificates {
        if !keys.contains(&one.identifiers.key) {
            continue;
        }
        if one.role == CertificateRole::Leaf {
            one.find_key();
        } else if !issuers.contains(&one.identifiers.subject)
            && let Some(leaf) = one.as_leaf.take()
        {
            *one = *leaf;
        }
    }
}

impl CheckedCertificate {
    fn find_key(&mut self) {
        self.findings.retain(|finding| !matches!(finding.code, FindingCode::KeyMissing | FindingCode::KeyMismatch));
        self.key_matches = Some(true);
        self.level = Level::worst(&self.findings);
    }
}

/// Returns whether a key is that of one of the certificates.
pub(crate) fn belongs(key: KeyHash, certificates: &[CheckedCertificate]) -> bool {
    certificates.iter().any(|one| one.identifiers.key == key)
}

/// What a certificate is for: its renewal is for the same.
#[derive(PartialEq, Eq, Hash)]
struct Purpose {
    kind: u8,
    topics: Vec<String>,
    environments: Vec<Environment>,
    team_id: Option<String>,
    dns_names: Vec<String>,
    /// Of the key, where topics do not tell.
    algorithm: u64,
    /// Of the subject, where no name is known beyond one machine or one network: many services are called localhost.
    subject: u64,
    /// Of what else tells servers and clients apart.
    purpose: u64,
    /// The namespace of the Secret that it is in.
    namespace: Option<String>,
    /// Nobody else has issued it.
    is_self_issued: bool,
}

impl Purpose {
    /// Returns the purpose of a certificate, if it says what it is for.
    fn of(one: &CheckedCertificate) -> Option<Self> {
        let is_push = one.kind.is_push();
        if one.role != CertificateRole::Leaf || (is_push && one.topics.is_empty()) {
            return None;
        }
        if !is_push && one.dns_names.is_empty() {
            return None;
        }
        let mut topics = one.topics.clone();
        topics.sort_unstable();
        Some(Self {
            kind: one.kind as u8,
            topics,
            environments: one.environments.clone(),
            team_id: one.team_id.clone(),
            dns_names: if is_push { vec![] } else { one.dns_names.clone() },
            algorithm: if is_push { 0 } else { one.identifiers.algorithm },
            subject: if is_push || one.dns_names.iter().any(|name| name.contains('.')) {
                0
            } else {
                one.identifiers.subject
            },
            purpose: if is_push { 0 } else { one.identifiers.purpose },
            namespace: namespace(one).map(str::to_owned),
            is_self_issued: one.identifiers.issuer == one.identifiers.subject,
        })
    }

    /// Finds the renewal that ends last. What somebody issued is not renewed by what nobody did.
    fn find_renewal(mut self, renewals: &HashMap<Self, Renewal>) -> Option<&Renewal> {
        let same = renewals.get(&self);
        if !self.is_self_issued {
            return same;
        }
        self.is_self_issued = false;
        match (same, renewals.get(&self)) {
            (Some(one), Some(other)) if one.not_after >= other.not_after => Some(one),
            (one, other) => other.or(one),
        }
    }
}

/// Returns the namespace of the Secret that a certificate is in: what is renewed in one is not in another.
fn namespace(one: &CheckedCertificate) -> Option<&str> {
    let (namespace, entry) = one.file.split_once('/')?;
    if one.source == Source::Secret && entry.contains('/') { Some(namespace) } else { None }
}

/// Marks the certificates that end soon and whose renewal is there: valid now, with its key, and later to end. One that
/// has expired fails all the same: something may still serve it.
pub(crate) fn find_renewals(certificates: &mut [CheckedCertificate], now: OffsetDateTime) {
    if !certificates.iter().any(ends_soon) {
        return;
    }
    let mut renewals: HashMap<Purpose, Renewal> = HashMap::new();
    for one in &*certificates {
        if one.key_matches != Some(true) || now < one.not_before || now > one.not_after {
            continue;
        }
        let Some(purpose) = Purpose::of(one) else { continue };
        let renewal = Renewal { file: one.file.clone(), sha256: one.sha256.clone(), not_after: one.not_after };
        match renewals.get(&purpose) {
            Some(later) if (later.not_after, &later.file) >= (renewal.not_after, &renewal.file) => {}
            _ => drop(renewals.insert(purpose, renewal)),
        }
    }
    for one in certificates {
        if ends_soon(one)
            && let Some(purpose) = Purpose::of(one)
            && let Some(renewal) = purpose.find_renewal(&renewals)
            && renewal.not_after > one.not_after
        {
            one.mark_renewed(renewal.clone());
        }
    }
}

fn ends_soon(one: &CheckedCertificate) -> bool {
    one.findings.iter().any(|finding| finding.code == FindingCode::ExpiresSoon)
}

impl CheckedCertificate {
    fn mark_renewed(&mut self, renewal: Renewal) {
        let message = format!(
            "expires on {}, and is renewed by {} until {}",
            self.not_after.date(),
            printable_name(&renewal.file),
            renewal.not_after.date()
        );
        for finding in &mut self.findings {
            if finding.code == FindingCode::ExpiresSoon {
                *finding = Finding::new(Level::Ok, FindingCode::Renewed, message.clone());
            }
        }
        self.level = Level::worst(&self.findings);
        self.renewed_by = Some(renewal);
    }
}
