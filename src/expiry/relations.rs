//! Judges what only all files of a run tell together: a certificate's key in another file, and its renewal.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::certificate::chain::APPLE;
use crate::certificate::name;
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
#[derive(Debug)]
pub(crate) struct Identifiers {
    key: KeyHash,
    subject: u64,
    issuer: u64,
    /// A renewal with a key of another kind may stand beside it: servers have one of each.
    algorithm: u64,
    /// Of what it may be used for, and of its UID and its names other than hosts.
    purpose: u64,
    /// It has names of hosts, or may be used by servers.
    is_for_servers: bool,
    abilities: Abilities,
    /// The dump that it is in.
    dump: Option<u64>,
}

/// What a certificate can do, all of which its renewal can do too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Abilities {
    /// Hashes of its uses; none where it may be used for anything.
    usages: Vec<u64>,
    /// Clients may refuse an authority's from a server.
    is_ca: bool,
    /// One of Apple's authorities issued it, by its name.
    is_apples: bool,
}

impl Abilities {
    fn of(certificate: &Certificate) -> Self {
        let mut usages = Vec::new();
        if !certificate.usages.iter().any(|usage| usage == "anyExtendedKeyUsage") {
            for usage in &certificate.usages {
                usages.push(HASHER.hash_one(usage));
            }
        }
        let is_apples = certificate.kind.is_push() && is_issued_by_apple(certificate);
        Self { usages, is_ca: certificate.is_ca, is_apples }
    }

    /// Returns whether what has these can take the place of what has the others, as `compare` judges.
    fn replace(&self, old: &Self) -> bool {
        let may_all = self.usages.is_empty();
        let may_the_same = !old.usages.is_empty() && old.usages.iter().all(|usage| self.usages.contains(usage));
        (may_all || may_the_same) && (old.is_ca || !self.is_ca) && (self.is_apples || !old.is_apples)
    }
}

fn is_issued_by_apple(certificate: &Certificate) -> bool {
    let known = APPLE.intermediates.iter().chain(&APPLE.roots);
    for authority in known {
        if authority.certificate().is_some_and(|one| name::is_same(&one.raw_subject, &certificate.raw_issuer)) {
            return true;
        }
    }
    false
}

impl Identifiers {
    /// Takes those of a certificate, which may be in a dump.
    pub(crate) fn of(certificate: &Certificate, dump: Option<&str>) -> Self {
        let may_serve = certificate.usages.iter().any(|usage| usage == "serverAuth");
        Self {
            key: KeyHash::of_public(&certificate.public_key),
            subject: HASHER.hash_one(&certificate.raw_subject),
            issuer: HASHER.hash_one(&certificate.raw_issuer),
            algorithm: HASHER.hash_one(&certificate.public_key.algorithm),
            purpose: HASHER.hash_one((usages(certificate), &certificate.uid, &certificate.other_names)),
            is_for_servers: may_serve || !certificate.dns_names.is_empty(),
            abilities: Abilities::of(certificate),
            dump: dump.map(|dump| HASHER.hash_one(dump)),
        }
    }
}

/// Returns the uses that tell certificates apart. Those of servers are alike: a renewal may have gained one.
fn usages(certificate: &Certificate) -> &[String] {
    let is_for_servers = certificate.usages.iter().any(|usage| usage == "serverAuth");
    if is_for_servers { &[] } else { &certificate.usages }
}

impl Identifiers {
    /// Returns those of what has neither a key nor an issuer, by a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let hash = HASHER.hash_one(text);
        Self {
            key: KeyHash(hash),
            subject: hash,
            issuer: hash,
            algorithm: hash,
            purpose: hash,
            is_for_servers: false,
            abilities: Abilities::default(),
            dump: None,
        }
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

/// Takes the certificates of authorities out. A server's own, which nobody else issued and which issued none, stays.
pub(crate) fn take_authorities(certificates: &mut Vec<CheckedCertificate>) -> Vec<CheckedCertificate> {
    let issuers = issuers_of_others(certificates);
    let mut authorities = Vec::new();
    for one in std::mem::take(certificates) {
        let is_authority = matches!(one.role, CertificateRole::Intermediate | CertificateRole::Root);
        let Identifiers { issuer, subject, is_for_servers, .. } = one.identifiers;
        let is_own_server = issuer == subject && is_for_servers && !issuers.contains(&subject);
        if is_authority && !is_own_server { authorities.push(one) } else { certificates.push(one) }
    }
    authorities
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
    /// The namespace of the Secret that it is in, or the Secret where it has none.
    namespace: Option<String>,
    /// The dump: each is that of a cluster.
    dump: Option<u64>,
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
            dump: one.identifiers.dump,
            is_self_issued: one.identifiers.issuer == one.identifiers.subject,
        })
    }

    /// Finds the renewal that ends last. What somebody issued is not renewed by what nobody did.
    fn find_renewal<'a>(mut self, old: &Abilities, renewals: &'a Renewals) -> Option<&'a Renewal> {
        let same = renewals.last(&self, old);
        if !self.is_self_issued {
            return same;
        }
        self.is_self_issued = false;
        match (same, renewals.last(&self, old)) {
            (Some(one), Some(other)) if one.not_after >= other.not_after => Some(one),
            (one, other) => other.or(one),
        }
    }
}

/// A certificate that may be the renewal of others.
struct Candidate {
    abilities: Abilities,
    renewal: Renewal,
}

/// The candidates of a run: of each purpose and each set of abilities the one that ends last.
#[derive(Default)]
struct Renewals(HashMap<Purpose, Vec<Candidate>>);

impl Renewals {
    fn add(&mut self, purpose: Purpose, new: Candidate) {
        let candidates = self.0.entry(purpose).or_default();
        for one in &mut *candidates {
            if one.abilities == new.abilities {
                let is_later = (new.renewal.not_after, &new.renewal.file) > (one.renewal.not_after, &one.renewal.file);
                if is_later {
                    *one = new;
                }
                return;
            }
        }
        candidates.push(new);
    }

    /// Returns the one that ends last of those that can take the place of the old one.
    fn last(&self, purpose: &Purpose, old: &Abilities) -> Option<&Renewal> {
        let mut last: Option<&Renewal> = None;
        for Candidate { abilities, renewal } in self.0.get(purpose)? {
            if abilities.replace(old) && last.is_none_or(|last| renewal.not_after > last.not_after) {
                last = Some(renewal);
            }
        }
        last
    }
}

/// Returns the namespace of the Secret that a certificate is in, or the name of one without: what is renewed in one is
/// not in another.
fn namespace(one: &CheckedCertificate) -> Option<&str> {
    let (namespace, _) = one.file.split_once('/')?;
    if one.source == Source::Secret { Some(namespace) } else { None }
}

/// Marks the certificates that end soon and whose renewal is there: valid now, with its key, and later to end. One that
/// has expired fails all the same: something may still serve it.
pub(crate) fn find_renewals(certificates: &mut [CheckedCertificate], now: OffsetDateTime) {
    if !certificates.iter().any(ends_soon) {
        return;
    }
    let mut renewals = Renewals::default();
    for one in &*certificates {
        if one.key_matches != Some(true) || now < one.not_before || now > one.not_after {
            continue;
        }
        let Some(purpose) = Purpose::of(one) else { continue };
        let renewal = Renewal { file: one.file.clone(), sha256: one.sha256.clone(), not_after: one.not_after };
        renewals.add(purpose, Candidate { abilities: one.identifiers.abilities.clone(), renewal });
    }
    for one in certificates {
        if ends_soon(one)
            && let Some(purpose) = Purpose::of(one)
            && let Some(renewal) = purpose.find_renewal(&one.identifiers.abilities, &renewals)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    #[test]
    fn a_renewal_can_do_all_that_the_old_one_can() {
        let with = |usages: &[&str], is_ca| {
            let usages = usages.iter().map(|usage| (*usage).to_owned()).collect();
            Abilities::of(&Certificate { usages, is_ca, ..test_support::certificate("der/not-push.cer") })
        };
        let (server, both) = (with(&["serverAuth"], false), with(&["serverAuth", "clientAuth"], false));
        let (any, all) = (with(&[], false), with(&["anyExtendedKeyUsage", "serverAuth"], false));
        for (new, old, can) in [
            (&both, &both, true),
            (&both, &server, true),
            (&server, &both, false),
            (&any, &both, true),
            (&all, &any, true),
            (&both, &any, false),
            (&both, &all, false),
            (&with(&[], true), &any, false),
            (&any, &with(&[], true), true),
        ] {
            assert_eq!(new.replace(old), can, "{new:?} for {old:?}");
        }
        let apples = Abilities { is_apples: true, ..Abilities::default() };
        assert!(!Abilities::default().replace(&apples) && apples.replace(&Abilities::default()));
        assert!(apples.replace(&apples));
    }
}
