//! Judges what only all files of a run tell together: a certificate's key in another file, and its renewal.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::APPLE;
use crate::certificate::name::{self, ComparableName};
use crate::certificate::policy::CertificateRole;
use crate::certificate::renewal::{self, Comparable, Pair, Rules, Texts, Traits};
use crate::expiry::report::{CheckedCertificate, Renewal, Source};
use crate::expiry::versions;
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
    /// Of the issuer and its key.
    authority: u64,
    /// Of the key.
    algorithm: u64,
    /// It has names of hosts, or may be used by servers.
    is_for_servers: bool,
    /// One of Apple's authorities issued it, by its name.
    is_apples: bool,
    traits: Traits,
    /// The dump that it is in.
    dump: Option<u64>,
    /// A link leads to its file.
    pub(crate) is_linked: bool,
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
            authority: HASHER.hash_one((&certificate.raw_issuer, &certificate.authority_key_id)),
            algorithm: HASHER.hash_one(&certificate.public_key.algorithm),
            is_for_servers: may_serve || !certificate.dns_names.is_empty(),
            is_apples: certificate.kind.is_push() && is_issued_by_apple(certificate),
            traits: Traits::of(certificate),
            dump: dump.map(|dump| HASHER.hash_one(dump)),
            is_linked: false,
        }
    }

    /// Returns those of what has neither a key nor an issuer, by a text.
    pub(crate) fn of_text(text: &str) -> Self {
        let hash = HASHER.hash_one(text);
        Self {
            key: KeyHash(hash),
            subject: hash,
            issuer: hash,
            authority: hash,
            algorithm: hash,
            is_for_servers: false,
            is_apples: false,
            traits: Traits::default(),
            dump: None,
            is_linked: false,
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

/// A name by which the renewal of a certificate is found.
#[derive(Hash)]
enum SharedName<'a> {
    Topic(&'a str),
    Host(&'a str),
    Other(&'a str),
    /// Where there is no other name.
    Subject(ComparableName),
}

/// The most certificates of the same name that are compared with one that ends soon.
const MAX_COMPARED: usize = 100;

impl CheckedCertificate {
    /// Returns the hash of a name and of the place within which it means the same: a dump is that of a cluster, and a
    /// namespace is not renewed by another.
    fn place_of(&self, name: &SharedName<'_>) -> u64 {
        HASHER.hash_one((name, namespace(self), self.identifiers.dump))
    }

    /// Returns the places in which each renewal of it stands.
    fn places_of_renewals(&self) -> Vec<u64> {
        let traits = &self.identifiers.traits;
        let place = |name| self.place_of(&name);
        if self.kind.is_push() {
            return self.topics.first().map(|topic| place(SharedName::Topic(topic))).into_iter().collect();
        }
        if let Some(host) = self.dns_names.first() {
            let mut places = vec![place(SharedName::Host(host))];
            if let Some(wildcard) = renewal::wildcard_for(host) {
                places.push(place(SharedName::Host(&wildcard)));
            }
            return places;
        }
        match traits.other_names().first() {
            Some(name) => vec![place(SharedName::Other(name))],
            None => vec![place(SharedName::Subject(name::comparable(traits.subject())))],
        }
    }

    /// Returns all places in which it stands.
    fn places(&self) -> Vec<u64> {
        let traits = &self.identifiers.traits;
        let mut places = Vec::new();
        if self.kind.is_push() {
            for topic in &self.topics {
                places.push(self.place_of(&SharedName::Topic(topic)));
            }
            return places;
        }
        for host in &self.dns_names {
            places.push(self.place_of(&SharedName::Host(host)));
        }
        for name in traits.other_names() {
            places.push(self.place_of(&SharedName::Other(name)));
        }
        places.push(self.place_of(&SharedName::Subject(name::comparable(traits.subject()))));
        places
    }

    fn comparable(&self) -> Comparable<'_> {
        let mut topics = Vec::new();
        for topic in &self.topics {
            topics.push(topic.as_str());
        }
        Comparable {
            kind: self.kind,
            topics,
            environments: &self.environments,
            team_id: self.team_id.as_deref(),
            hosts: &self.dns_names,
            traits: &self.identifiers.traits,
            is_apples: self.identifiers.is_apples,
            not_before: self.not_before,
            not_after: self.not_after,
            texts: Texts::default(),
        }
    }

    /// Tells by issuer, place and name what another certificate for the same is to it.
    fn relation_to(&self, new: &Self) -> Relation {
        let (own, other) = (&self.identifiers, &new.identifiers);
        if own.is_linked && !other.is_linked {
            return Relation::NotLinked;
        }
        if self.kind.is_push() || own.key == other.key {
            return Relation::Version;
        }
        let has_names = !self.dns_names.is_empty() || !own.traits.other_names().is_empty();
        // Each cluster of Kubernetes has an authority of the same name, and the same clients.
        if !has_names && own.authority != other.authority {
            return Relation::Foreign;
        }
        // Many services are called localhost.
        let is_local = !self.dns_names.is_empty() && !self.dns_names.iter().any(|name| name.contains('.'));
        if is_local && own.subject != other.subject {
            return Relation::Foreign;
        }
        // Servers may have a certificate for each kind of key.
        let is_other_kind = own.algorithm != other.algorithm;
        let is_apart = is_other_kind || versions::are_beside_each_other(&self.file, &new.file);
        if is_apart && !versions::are_versions(&self.file, &new.file) {
            return Relation::Beside;
        }
        Relation::Version
    }
}

/// What a certificate is to an older one for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// It may be its next version.
    Version,
    /// It is another service's.
    Foreign,
    /// Both are in use.
    Beside,
    /// A link leads to the old one still, and none to the new one.
    NotLinked,
}

impl Relation {
    /// Returns why a certificate that could take the place of another is no renewal of it, where that is worth telling.
    fn objection(self, file: &str) -> Option<String> {
        let file = printable_name(file);
        match self {
            Self::Version | Self::Foreign => None,
            Self::Beside => Some(format!(
                "{file} is for the same, but seems to be in use beside it: their names differ in more than a number"
            )),
            Self::NotLinked => Some(format!("{file} is for the same, but a link leads to this one still")),
        }
    }
}

/// What was found for a certificate that ends soon.
enum Successor {
    Renewal(Renewal),
    /// It is none, for this reason.
    Objection(String),
}

/// Returns the namespace of the Secret that a certificate is in, or the name of one without: what is renewed in one is
/// not in another.
fn namespace(one: &CheckedCertificate) -> Option<&str> {
    let (namespace, _) = one.file.split_once('/')?;
    if one.source == Source::Secret { Some(namespace) } else { None }
}

/// The certificates of a run that may be renewals of others.
struct Candidates<'a> {
    certificates: &'a [CheckedCertificate],
    /// Their indices by their places, those that end last first.
    places: HashMap<u64, Vec<usize>>,
    rules: Rules,
}

impl<'a> Candidates<'a> {
    /// Collects those in places where a renewal is looked for.
    fn new(certificates: &'a [CheckedCertificate], now: OffsetDateTime) -> Self {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for one in certificates {
            if may_be_renewed(one) {
                places.extend(one.places_of_renewals().into_iter().map(|place| (place, vec![])));
            }
        }
        for (index, one) in certificates.iter().enumerate() {
            let is_usable = one.key_matches == Some(true) && now >= one.not_before && now <= one.not_after;
            if places.is_empty() || !is_usable || one.role != CertificateRole::Leaf {
                continue;
            }
            for place in one.places() {
                if let Some(indices) = places.get_mut(&place) {
                    indices.push(index);
                }
            }
        }
        for indices in places.values_mut() {
            indices.sort_by_key(|index| {
                let one = &certificates[*index];
                (Reverse(one.not_after), Reverse(&one.file))
            });
            indices.truncate(MAX_COMPARED);
        }
        let rules = Rules { now, allows_kind_change: false, allows_self_issued: false };
        Self { certificates, places, rules }
    }

    /// Finds the renewal of a certificate: the one that ends last of those that can take its place, as `compare` judges.
    fn successor_of(&self, old: &CheckedCertificate) -> Option<Successor> {
        let mut last: Option<Renewal> = None;
        let mut objection = None;
        for place in old.places_of_renewals() {
            for index in self.places.get(&place).into_iter().flatten() {
                let new = &self.certificates[*index];
                let least = last.as_ref().map_or(old.not_after, |last| last.not_after);
                if new.not_after <= least {
                    break;
                }
                match self.judge(old, new) {
                    Some(Successor::Renewal(renewal)) => {
                        last = Some(renewal);
                        break;
                    }
                    Some(Successor::Objection(text)) => objection = objection.or(Some(text)),
                    None => {}
                }
            }
        }
        match last {
            Some(renewal) => Some(Successor::Renewal(renewal)),
            None => objection.map(Successor::Objection),
        }
    }

    /// Judges whether a certificate is the renewal of another: nothing is lost by it.
    fn judge(&self, old: &CheckedCertificate, new: &CheckedCertificate) -> Option<Successor> {
        let relation = old.relation_to(new);
        if relation == Relation::Foreign {
            return None;
        }
        let has_same_key = old.identifiers.key == new.identifiers.key;
        let pair =
            Pair { old: old.comparable(), new: new.comparable(), is_same: old.sha256 == new.sha256, has_same_key };
        let differences = renewal::find_differences(&pair, self.rules);
        if Level::worst(&differences) != Level::Ok {
            return None;
        }
        if let Some(objection) = relation.objection(&new.file) {
            return Some(Successor::Objection(objection));
        }
        let lost = differences.into_iter().find(|difference| difference.code == FindingCode::UsageLost);
        Some(Successor::Renewal(Renewal {
            file: new.file.clone(),
            sha256: new.sha256.clone(),
            not_after: new.not_after,
            note: lost.map(|difference| difference.message.to_string()),
        }))
    }
}

/// Marks the certificates that end soon and whose renewal is there: valid now, with its key, and later to end. One that
/// has expired fails all the same: something may still serve it.
pub(crate) fn find_renewals(certificates: &mut [CheckedCertificate], now: OffsetDateTime) {
    let candidates = Candidates::new(certificates, now);
    let mut successors = Vec::new();
    for (index, one) in certificates.iter().enumerate() {
        if may_be_renewed(one)
            && let Some(successor) = candidates.successor_of(one)
        {
            successors.push((index, successor));
        }
    }
    for (index, successor) in successors {
        match successor {
            Successor::Renewal(renewal) => certificates[index].mark_renewed(renewal),
            Successor::Objection(objection) => certificates[index].tell_objection(objection),
        }
    }
}

fn may_be_renewed(one: &CheckedCertificate) -> bool {
    one.role == CertificateRole::Leaf && ends_soon(one)
}

fn ends_soon(one: &CheckedCertificate) -> bool {
    one.findings.iter().any(|finding| finding.code == FindingCode::ExpiresSoon)
}

impl CheckedCertificate {
    /// Tells why what could take its place does not keep it from failing.
    fn tell_objection(&mut self, objection: String) {
        for finding in &mut self.findings {
            if finding.code == FindingCode::ExpiresSoon {
                finding.hint = Some(objection.into());
                return;
            }
        }
    }

    fn mark_renewed(&mut self, renewal: Renewal) {
        let mut message = format!(
            "expires on {}, and is renewed by {} until {}",
            self.not_after.date(),
            printable_name(&renewal.file),
            renewal.not_after.date()
        );
        if let Some(note) = &renewal.note {
            message.push_str("; ");
            message.push_str(note);
        }
        for finding in &mut self.findings {
            if finding.code == FindingCode::ExpiresSoon {
                *finding = Finding::new(Level::Ok, FindingCode::Renewed, message.clone());
            }
        }
        self.level = Level::worst(&self.findings);
        self.renewed_by = Some(renewal);
    }
}
