//! Finds the renewals of certificates among the files of a run.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

use time::OffsetDateTime;

use crate::certificate::name::{self, ComparableName};
use crate::certificate::policy::CertificateRole;
use crate::certificate::renewal::{self, Comparable, Pair, Rules, Texts};
use crate::expiry::layout::{self, Bond, Place, Standing};
use crate::expiry::relations;
use crate::expiry::report::{CheckedCertificate, Renewal, Source};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::printable_name;
use crate::world::files::input_name;

/// A name by which the renewal of a certificate is found.
#[derive(Hash)]
enum SharedName<'a> {
    Topic(&'a str),
    Host(&'a str),
    Other(&'a str),
    /// Where there is no other name.
    Subject(ComparableName),
}

/// The most certificates that are compared in a run, shared by those that end soon.
const MAX_COMPARED: usize = 200_000;

/// The least of them for each: so many certificates of one name are compared in any run.
const MIN_COMPARED: usize = 100;

/// The most names by one of which a renewal is looked for.
const MAX_NAMES: usize = 100;

/// The indices of the certificates of a name, and of those of a wildcard that covers it.
type Indices<'a> = [Option<&'a Vec<usize>>; 2];

/// A name that each renewal of a certificate has, or the wildcard that covers it.
struct NameHashes {
    name: u64,
    wildcard: Option<u64>,
}

impl CheckedCertificate {
    /// Returns the hash of a name and of the place within which it means the same: a dump is that of a cluster, and a
    /// namespace is not renewed by another.
    fn place_of(&self, name: &SharedName<'_>) -> u64 {
        relations::hash((name, namespace(self), self.identifiers.dump))
    }

    /// Returns the names of which each renewal of it has all.
    fn names_of_renewals(&self) -> Vec<NameHashes> {
        let traits = &self.identifiers.traits;
        let mut names = Vec::new();
        if self.kind.is_push() {
            for topic in self.topics.iter().take(MAX_NAMES) {
                names.push(NameHashes { name: self.place_of(&SharedName::Topic(topic)), wildcard: None });
            }
            return names;
        }
        for host in self.dns_names.iter().take(MAX_NAMES) {
            let host = host.trim_end_matches('.');
            let wildcard = renewal::wildcard_for(host);
            names.push(NameHashes {
                name: self.place_of(&SharedName::Host(host)),
                wildcard: wildcard.map(|wildcard| self.place_of(&SharedName::Host(&wildcard))),
            });
        }
        if names.is_empty() {
            let name = match traits.other_names().first() {
                Some(name) => self.place_of(&SharedName::Other(name)),
                None => self.place_of(&SharedName::Subject(name::comparable(traits.subject()))),
            };
            names.push(NameHashes { name, wildcard: None });
        }
        names
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
            places.push(self.place_of(&SharedName::Host(host.trim_end_matches('.'))));
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

    /// Returns whether another certificate is another service's, although it has the same names.
    fn is_foreign(&self, new: &Self) -> bool {
        let (own, other) = (&self.identifiers, &new.identifiers);
        if self.kind.is_push() || own.key == other.key {
            return false;
        }
        let has_names = !self.dns_names.is_empty() || !own.traits.other_names().is_empty();
        if !has_names {
            // Each cluster of Kubernetes has an authority of the same name, and the same clients.
            return own.authority != other.authority;
        }
        own.subject != other.subject && !self.dns_names.is_empty() && self.dns_names.iter().all(|name| is_shared(name))
    }

    /// Returns what the certificates themselves tell of how they belong together.
    fn bond_to(&self, new: &Self) -> Bond {
        let (own, other) = (&self.identifiers, &new.identifiers);
        let has_namesake = own.issuer == other.issuer && own.authority != other.authority && !own.is_own_issuer();
        if self.kind.is_push() {
            Bond::Push
        } else if own.key == other.key {
            Bond::SameKey
        } else if own.algorithm != other.algorithm || has_namesake {
            Bond::Loose
        } else {
            Bond::SameNames
        }
    }

    fn layout_place(&self) -> Place<'_> {
        Place::new(&self.file, self.source, &self.identifiers.links)
    }
}

/// Returns whether many services have such a name: `localhost`, a name without a dot, and the address of a host.
fn is_shared(name: &str) -> bool {
    !name.contains('.') || name.parse::<IpAddr>().is_ok() || name == "localhost.localdomain"
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
    /// Where each lies, from the first comparison on.
    layout: Vec<OnceCell<Box<Place<'a>>>>,
    /// The most that are compared with one certificate.
    most: usize,
    rules: Rules,
}

impl<'a> Candidates<'a> {
    /// Collects those in places where a renewal is looked for.
    fn new(certificates: &'a [CheckedCertificate], now: OffsetDateTime) -> Self {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut old = 0;
        for one in certificates {
            if may_be_renewed(one) {
                old += 1;
                for NameHashes { name, wildcard } in one.names_of_renewals() {
                    places.insert(name, vec![]);
                    places.extend(wildcard.map(|wildcard| (wildcard, vec![])));
                }
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
        }
        let rules = Rules { now, allows_kind_change: false, allows_self_issued: false };
        let most = (MAX_COMPARED / old.max(1)).max(MIN_COMPARED);
        let layout = vec![OnceCell::new(); if old == 0 { 0 } else { certificates.len() }];
        Self { certificates, places, layout, most, rules }
    }

    fn layout_of(&self, index: usize) -> &Place<'a> {
        self.layout[index].get_or_init(|| Box::new(self.certificates[index].layout_place()))
    }

    /// Returns the candidates that have the rarest of the names: a renewal has all of them.
    fn candidates_for(&self, old: &CheckedCertificate) -> Indices<'_> {
        let mut rarest: Option<Indices<'_>> = None;
        for NameHashes { name, wildcard } in old.names_of_renewals() {
            let found = [self.places.get(&name), wildcard.and_then(|wildcard| self.places.get(&wildcard))];
            if rarest.as_ref().is_none_or(|least| count(&found) < count(least)) {
                rarest = Some(found);
            }
        }
        rarest.unwrap_or_default()
    }

    /// Finds the renewal of a certificate: the one that ends last of those that can take its place, as `compare` judges.
    fn successor_of(&self, old_index: usize) -> Option<Successor> {
        let old = &self.certificates[old_index];
        let mut last: Option<Renewal> = None;
        let mut objection = None;
        for indices in self.candidates_for(old).into_iter().flatten() {
            for index in indices.iter().take(self.most) {
                let new = &self.certificates[*index];
                let least = last.as_ref().map_or(old.not_after, |last| last.not_after);
                if new.not_after <= least {
                    break;
                }
                match self.judge(old_index, *index) {
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
            Some(renewal) => Some(self.objection_within_file(old_index).unwrap_or(Successor::Renewal(renewal))),
            None => self.objection_within_file(old_index).or(objection.map(Successor::Objection)),
        }
    }

    /// Returns what keeps a certificate from being renewed where its renewals stand behind it in its own file.
    fn objection_within_file(&self, old_index: usize) -> Option<Successor> {
        let old = &self.certificates[old_index];
        let own = old.identifiers.turn;
        let is_beside = |one: &&CheckedCertificate| one.identifiers.turn.group == own.group;
        let before = self.certificates[..old_index].iter().rev().take(self.most).take_while(is_beside).count();
        let after = self.certificates[old_index..].iter().take(self.most).take_while(is_beside).count();
        let mut behind = None;
        for index in old_index - before..old_index + after {
            let new = &self.certificates[index];
            let is_later = new.not_after > old.not_after && self.rules.now >= new.not_before;
            if new.role != CertificateRole::Leaf || !is_later {
                continue;
            }
            if !matches!(self.judge(old_index, index), Some(Successor::Renewal(_))) {
                continue;
            }
            if new.identifiers.turn.place < own.place {
                return None;
            }
            behind = Some(new);
        }
        behind.map(|new| {
            Successor::Objection(format!(
                "its renewal until {} stands behind it in the file, and programs that read the file as a whole take the \
                 first: put the renewal before it, or take the old one out",
                new.not_after.date()
            ))
        })
    }

    /// Judges whether a certificate is the renewal of another: nothing is lost by it.
    fn judge(&self, old_index: usize, new_index: usize) -> Option<Successor> {
        let (old, new) = (&self.certificates[old_index], &self.certificates[new_index]);
        if old.is_foreign(new) {
            return None;
        }
        let has_same_key = old.identifiers.key == new.identifiers.key;
        let pair =
            Pair { old: old.comparable(), new: new.comparable(), is_same: old.sha256 == new.sha256, has_same_key };
        let differences = renewal::find_differences(&pair, self.rules);
        if Level::worst(&differences) != Level::Ok {
            return refusal(old, new, &differences).map(Successor::Objection);
        }
        // Where both stand in one file, their order decides, and not its name.
        let standing = match old.identifiers.turn.group == new.identifiers.turn.group {
            true => Standing::Version,
            false => layout::judge(self.layout_of(old_index), self.layout_of(new_index), old.bond_to(new)),
        };
        match standing {
            Standing::Beside(evidence) => Some(Successor::Objection(evidence.objection(input_name(&new.file)))),
            Standing::Version => Some(Successor::Renewal(Renewal {
                file: new.file.clone(),
                sha256: new.sha256.clone(),
                not_after: new.not_after,
                note: note(old, new, &differences),
            })),
        }
    }
}

fn count(indices: &Indices<'_>) -> usize {
    indices.iter().flatten().map(|list| list.len()).sum()
}

/// Returns what keeps a certificate from being the renewal that it seems to be, where nothing but that does and it is
/// not seen in the report.
fn refusal(old: &CheckedCertificate, new: &CheckedCertificate, differences: &[Finding]) -> Option<String> {
    let mut reason = None;
    for difference in differences {
        match difference.code {
            _ if difference.level == Level::Ok => {}
            FindingCode::OtherIssuer if old.identifiers.is_apples && !new.identifiers.is_apples => {
                reason = Some("its chain does not lead to Apple's root, as that of this one does".to_owned());
            }
            FindingCode::TopicHeader => {
                reason = Some("it has several topics, with which the header apns-topic is mandatory".to_owned());
            }
            FindingCode::OtherUid => reason = Some(difference.message.to_string()),
            _ => return None,
        }
    }
    let file = printable_name(input_name(&new.file));
    reason.map(|reason| format!("{file} is for the same, but {reason}"))
}

/// Returns what has changed although it is a renewal: a use that hardly matters, and the issuer.
fn note(old: &CheckedCertificate, new: &CheckedCertificate, differences: &[Finding]) -> Option<String> {
    let (own, other) = (&old.identifiers, &new.identifiers);
    let mut notes = Vec::new();
    for difference in differences {
        match difference.code {
            FindingCode::UsageLost => notes.push(difference.message.to_string()),
            FindingCode::OtherIssuer if own.issuer == other.issuer || other.is_own_issuer() => {
                notes.push(difference.message.to_string());
            }
            FindingCode::OtherIssuer => {
                let (was, is) = (printable_name(&own.issuer_name), printable_name(&other.issuer_name));
                notes.push(format!("the issuer has changed from {was} to {is}"));
            }
            _ => {}
        }
    }
    if notes.is_empty() { None } else { Some(notes.join("; ")) }
}

/// Marks the certificates that end soon and whose renewal is there: valid now, with its key, and later to end. One that
/// has expired fails all the same: something may still serve it.
pub(crate) fn find_renewals(certificates: &mut [CheckedCertificate], now: OffsetDateTime) {
    let candidates = Candidates::new(certificates, now);
    let mut successors = Vec::new();
    for (index, one) in certificates.iter().enumerate() {
        if may_be_renewed(one)
            && let Some(successor) = candidates.successor_of(index)
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
            printable_name(input_name(&renewal.file)),
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

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;

    use super::*;
    use crate::certificate::policy::{Expectations, ExpiryPolicy};
    use crate::container::{Passwords, open};
    use crate::expiry::report::{Origin, check};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    const NOW: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

    /// Returns a push certificate of Apple's, or of somebody else, with so many days left.
    fn push(file: &str, days_left: i64, is_apples: bool) -> CheckedCertificate {
        let mut contents = open(&fixture("der/universal.cer"), &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap();
        contents.certificates[0].item.not_before = NOW - Duration::days(10);
        contents.certificates[0].item.not_after = NOW + Duration::days(days_left);
        let (warn, fail) = ("30d".parse().unwrap(), "7d".parse().unwrap());
        let policy = ExpiryPolicy { warn, fail, expect: Expectations::default() };
        let origin = Origin { file, source: Source::File, dump: None, opened_by: None };
        let mut one = check(origin, &contents, &policy, NOW).remove(0);
        one.key_matches = Some(true);
        one.identifiers.is_apples = is_apples;
        // No two have the same bytes.
        one.sha256.push_str(file);
        one
    }

    #[test]
    fn what_is_not_apples_renews_nothing_that_is_and_the_row_says_so() {
        for (old, new, is_renewed) in
            [(true, true, true), (false, false, true), (false, true, true), (true, false, false)]
        {
            let mut certificates = [push("old.pem", 3, old), push("new.pem", 300, new)];
            find_renewals(&mut certificates, NOW);
            let [old, _] = certificates;
            assert_eq!(old.renewed_by.is_some(), is_renewed);
            let hint = old.findings[0].hint.as_deref();
            let expected =
                "new.pem is for the same, but its chain does not lead to Apple's root, as that of this one does";
            assert_eq!(hint.is_some_and(|hint| hint == expected), !is_renewed, "{hint:?}");
        }
    }

    #[test]
    fn what_needs_a_header_that_was_not_needed_is_no_renewal_and_the_row_says_so() {
        let mut certificates = [push("old.pem", 3, true), push("new.pem", 300, true)];
        certificates[0].topics.truncate(1);
        find_renewals(&mut certificates, NOW);
        let [old, _] = certificates;
        assert!(old.renewed_by.is_none());
        let hint = old.findings[0].hint.as_deref();
        let expected =
            "new.pem is for the same, but it has several topics, with which the header apns-topic is mandatory";
        assert_eq!(hint, Some(expected));
    }
}
