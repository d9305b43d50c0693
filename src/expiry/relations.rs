//! Judges what only all files of a run tell together: whose key is in another file, and which are authorities'.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::certificate::Certificate;
use crate::certificate::policy::CertificateRole;
use crate::certificate::renewal::Traits;
use crate::expiry::report::CheckedCertificate;
use crate::finding::{FindingCode, Level};
use crate::key::PrivateKey;
use crate::public_key::PublicKey;
use crate::world::walk::Links;

/// The hasher of a run: what it hashes is compared within the run alone.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Returns the hash of a value in this run.
pub(super) fn hash(value: impl Hash) -> u64 {
    HASHER.hash_one(value)
}

/// The hash of a key, by which a run knows it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    fn of_public(key: &PublicKey) -> Self {
        Self(hash(key.identity()))
    }

    pub(crate) fn of(key: &PrivateKey) -> Self {
        Self::of_public(key.public())
    }
}

/// What other certificates and keys of the run are compared by.
#[derive(Debug)]
pub(crate) struct Identifiers {
    pub(super) key: KeyHash,
    pub(super) subject: u64,
    pub(super) issuer: u64,
    /// Of the issuer and its key.
    pub(super) authority: u64,
    /// Of the key.
    pub(super) algorithm: u64,
    /// It has names of hosts, or may be used by servers.
    is_for_servers: bool,
    /// It says that it signs certificates, as those of authorities must.
    says_that_it_signs: bool,
    /// Its chain leads to one of Apple's roots.
    pub(crate) is_apples: bool,
    pub(super) traits: Traits,
    /// The name of its issuer, for people. Nobody asks for that of Apple's.
    pub(super) issuer_name: Box<str>,
    /// The dump that it is in.
    pub(super) dump: Option<u64>,
    /// The links that lead to its file.
    pub(crate) links: Vec<Links>,
    pub(super) turn: Turn,
}

/// The place of a certificate in its file: programs take the first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turn {
    /// The same for all of a file or entry.
    pub(super) group: usize,
    pub(super) place: usize,
}

/// Returns a number that no other file or entry of the run has.
pub(super) fn next_group() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Identifiers {
    /// Takes those of a certificate, which may be in a dump.
    pub(crate) fn of(certificate: &Certificate, dump: Option<&str>) -> Self {
        let may_serve = certificate.usages.iter().any(|usage| usage == "serverAuth");
        let issuer_name = if certificate.kind.is_push() { "" } else { &certificate.issuer };
        Self {
            key: KeyHash::of_public(&certificate.public_key),
            subject: hash(&certificate.raw_subject),
            issuer: hash(&certificate.raw_issuer),
            authority: hash((&certificate.raw_issuer, &certificate.authority_key_id)),
            algorithm: hash(&certificate.public_key.algorithm),
            is_for_servers: may_serve || !certificate.dns_names.is_empty(),
            says_that_it_signs: certificate.says_that_it_signs_certificates,
            is_apples: false,
            traits: Traits::of(certificate),
            issuer_name: issuer_name.into(),
            dump: dump.map(hash),
            links: Vec::new(),
            turn: Turn::default(),
        }
    }

    /// Returns those of what has neither a key nor an issuer, by a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let own = hash(text);
        Self {
            key: KeyHash(own),
            subject: own,
            issuer: own,
            authority: own,
            algorithm: own,
            is_for_servers: false,
            says_that_it_signs: false,
            is_apples: false,
            traits: Traits::default(),
            issuer_name: "".into(),
            dump: None,
            links: Vec::new(),
            turn: Turn::default(),
        }
    }

    /// Returns whether it issued itself.
    pub(super) fn is_own_issuer(&self) -> bool {
        self.issuer == self.subject
    }
}

/// Returns those that issued another certificate of the run than their own.
fn issuers_of_others(certificates: &[CheckedCertificate]) -> HashSet<u64> {
    let mut issuers = HashSet::new();
    for one in certificates {
        if one.identifiers.issuer != one.identifiers.subject {
            issuers.insert(one.identifiers.issuer);
        }
    }
    issuers
}

/// Takes the certificates of authorities out. A server's, which issued none, stays: one that it issued itself, or that does
/// not say that it signs certificates. Of its own, one that says nothing is taken for such beside a leaf: `openssl req
/// -x509` makes CA:TRUE and says nothing. Without a leaf it is rather the authority of those that are missing.
pub(crate) fn take_authorities(certificates: &mut Vec<CheckedCertificate>) -> Vec<CheckedCertificate> {
    let issuers = issuers_of_others(certificates);
    let has_leaf = certificates.iter().any(|one| !is_of_authority(one));
    let mut authorities = Vec::new();
    for one in std::mem::take(certificates) {
        let Identifiers { issuer, subject, is_for_servers, says_that_it_signs, .. } = one.identifiers;
        let may_be_server = match issuer == subject {
            true => is_for_servers || (has_leaf && !says_that_it_signs),
            false => is_for_servers && !says_that_it_signs,
        };
        let is_server = may_be_server && !issuers.contains(&subject);
        if is_of_authority(&one) && !is_server { authorities.push(one) } else { certificates.push(one) }
    }
    authorities
}

fn is_of_authority(certificate: &CheckedCertificate) -> bool {
    matches!(certificate.role, CertificateRole::Intermediate | CertificateRole::Root)
}

/// Gives each certificate the key that another file of the run has. An authority that has one is a leaf unless it
/// issued another certificate of the run: self-made certificates often call themselves CAs.
pub(crate) fn find_keys(certificates: &mut [CheckedCertificate], keys: &HashSet<KeyHash>) {
    let issuers = issuers_of_others(certificates);
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
