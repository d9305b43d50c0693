//! Compares a new certificate with the old one that it is to replace: each file judges one subject.

mod accept;
mod chain;
mod files;
mod issuers;
mod keys;
mod kinds;
mod names;
#[cfg(test)]
mod tests;
mod traits;
mod uses;
mod validity;
mod verify;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::time_left::TimeLeft;
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::text::printable_name;
pub(crate) use accept::Acceptable;
pub(crate) use chain::FileChain;
use chain::compare_chains;
use files::compare_files;
pub(crate) use files::{FileForm, FileKind};
use issuers::compare_issuers;
pub(crate) use keys::KeyForm;
use keys::{compare_key_types, compare_private_keys, compare_strength};
pub(crate) use kinds::RENEW_MDM;
use kinds::{compare_environments, compare_purpose, compare_teams, describe_kinds, is_possible_successor};
pub(crate) use names::wildcard_for;
use names::{compare_common_names, compare_names};
pub(crate) use traits::Traits;
use uses::{compare_authorities, compare_demands, compare_key_usages, compare_uses};
use validity::compare_validity;

/// A certificate, and what is known of its key and of its file.
#[derive(Debug)]
pub(crate) struct Side<'a> {
    /// The certificate.
    pub(crate) certificate: &'a Certificate,
    pub(crate) key: PrivateKeyFacts,
    /// Its chain leads to one of Apple's roots.
    pub(crate) is_apples: bool,
    pub(crate) chain: FileChain<'a>,
    pub(crate) file: FileForm<'a>,
}

/// What is known of the private key beside a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PrivateKeyFacts {
    pub(crate) state: KeyState,
    pub(crate) form: KeyForm,
    /// Another key stands before it in the file, where programs take the first one.
    pub(crate) is_behind: bool,
}

/// A certificate as it is compared.
#[derive(Debug, Clone)]
pub(crate) struct Comparable<'a> {
    pub(crate) kind: CertificateKind,
    pub(crate) topics: Vec<&'a str>,
    pub(crate) environments: &'a [Environment],
    pub(crate) team_id: Option<&'a str>,
    pub(crate) hosts: &'a [String],
    pub(crate) traits: &'a Traits,
    pub(crate) is_apples: bool,
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
    pub(crate) texts: Texts<'a>,
}

/// What only notes and messages are made of.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Texts<'a> {
    name: &'a str,
    subject: &'a str,
    issuer: &'a str,
    organization: Option<&'a str>,
    signature: &'a str,
}

impl<'a> Comparable<'a> {
    fn of(side: &Side<'a>, traits: &'a Traits) -> Self {
        let certificate = side.certificate;
        Self {
            kind: certificate.kind,
            topics: topics(certificate),
            environments: &certificate.environments,
            team_id: certificate.team_id.as_deref(),
            hosts: &certificate.dns_names,
            traits,
            is_apples: side.is_apples,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            texts: Texts {
                name: subject_name(certificate),
                subject: &certificate.subject,
                issuer: &certificate.issuer,
                organization: certificate.organization.as_deref(),
                signature: &certificate.signature,
            },
        }
    }

    /// Returns whether it is an authority's. `openssl req -x509` makes servers' certificates that call themselves so.
    fn is_authority(&self) -> bool {
        self.traits.is_ca && !self.is_for_tls()
    }

    /// Returns whether servers or clients are known to use it.
    fn is_for_tls(&self) -> bool {
        !self.hosts.is_empty() || self.traits.has_usage("serverAuth") || self.traits.has_usage("clientAuth")
    }

    /// Returns whether names other than the subject tell what it is for.
    fn has_other_names(&self) -> bool {
        !self.topics.is_empty() || !self.hosts.is_empty() || !self.traits.other_names.is_empty()
    }
}

/// An old certificate, and the new one that is to take its place.
#[derive(Debug, Clone)]
pub(crate) struct Pair<'a> {
    pub(crate) old: Comparable<'a>,
    pub(crate) new: Comparable<'a>,
    /// Both are the same certificate.
    pub(crate) is_same: bool,
    /// Both have the same key.
    pub(crate) has_same_key: bool,
}

/// The result of a comparison.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    /// The new certificate can take the place of the old one.
    pub(crate) drop_in: bool,
    /// Both have the same key.
    pub(crate) key_reused: bool,
    /// The kind has changed to one that can do all that the old one can.
    pub(crate) possible_successor: bool,
    /// The days during which both are valid; negative where there is a gap.
    pub(crate) overlap_days: i64,
    /// The same in seconds.
    pub(crate) overlap_seconds: i64,
    #[serde(serialize_with = "serialize_differences")]
    pub(crate) differences: Vec<Finding>,
}

/// Writes differences: a failure is one for which the new certificate cannot take the place of the old one.
fn serialize_differences<S: Serializer>(differences: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Difference<'a> {
        breaks: bool,
        verdict: Level,
        code: FindingCode,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    }
    serializer.collect_seq(differences.iter().map(|finding| Difference {
        breaks: finding.level == Level::Failure,
        verdict: finding.level,
        code: finding.code,
        message: &finding.message,
        hint: finding.hint.as_deref(),
    }))
}

/// The rules of a comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// The time at which validity is judged.
    pub(crate) now: OffsetDateTime,
    /// Another kind is accepted if it can do all that the old one can.
    pub(crate) allows_kind_change: bool,
    /// A certificate that issued itself is accepted for one that an authority issued.
    pub(crate) allows_self_issued: bool,
}

/// Compares them.
pub(crate) fn compare(old: Side<'_>, new: Side<'_>, rules: Rules) -> Comparison {
    let (old_traits, new_traits) = (Traits::of(old.certificate), Traits::of(new.certificate));
    let pair = Pair {
        old: Comparable::of(&old, &old_traits),
        new: Comparable::of(&new, &new_traits),
        is_same: old.certificate.der == new.certificate.der,
        has_same_key: old.certificate.public_key.is_same_key(&new.certificate.public_key),
    };
    let mut differences = find_differences(&pair, rules);
    compare_common_names(&pair.old, &pair.new, &mut differences);
    compare_chains(&pair, [&old.chain, &new.chain], new.certificate, rules.now, &mut differences);
    compare_private_keys(old.key, new.key, pair.has_same_key && !pair.is_same, &mut differences);
    compare_files(&old, &new, &mut differences);
    let overlap = overlap(old.certificate, new.certificate);
    Comparison {
        drop_in: Level::worst(&differences) != Level::Failure,
        key_reused: pair.has_same_key,
        possible_successor: is_possible_successor(&pair.old, &pair.new),
        overlap_days: overlap.days(),
        overlap_seconds: overlap.seconds(),
        differences,
    }
}

/// Returns all differences but those of private keys and of files: a failure is one for which the new certificate cannot take the
/// place of the old one. `compare` and `expiry` both decide by them.
pub(crate) fn find_differences(pair: &Pair<'_>, rules: Rules) -> Vec<Finding> {
    let (old, new) = (&pair.old, &pair.new);
    let mut differences = Vec::new();
    if old.kind != new.kind {
        let is_successor = is_possible_successor(old, new);
        differences.push(describe_kinds(old, new, is_successor, is_successor && rules.allows_kind_change));
    }
    compare_purpose(old, new, rules.allows_kind_change, &mut differences);
    compare_names(old, new, &mut differences);
    compare_uses(old, new, &mut differences);
    compare_key_usages(old, new, &mut differences);
    compare_authorities(pair, &mut differences);
    compare_demands(old, new, &mut differences);
    compare_key_types(old, new, &mut differences);
    compare_strength(old, new, &mut differences);
    compare_issuers(pair, rules, &mut differences);
    compare_environments(old, new, &mut differences);
    compare_teams(old, new, &mut differences);
    compare_validity(pair, rules.now, &mut differences);
    differences
}

fn overlap(old: &Certificate, new: &Certificate) -> TimeLeft {
    TimeLeft::until(old.not_after.min(new.not_after), old.not_before.max(new.not_before))
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn subject_name(certificate: &Certificate) -> &str {
    certificate.common_name.as_deref().unwrap_or(&certificate.subject)
}

fn topics(certificate: &Certificate) -> Vec<&str> {
    certificate.topics.iter().map(|topic| topic.topic.as_str()).collect()
}

/// Returns those of `wanted` that are not in `present`.
fn missing<'a>(wanted: &[&'a str], present: &[&str]) -> Vec<&'a str> {
    let mut names = wanted.to_vec();
    names.retain(|name| !present.contains(name));
    names
}

fn or_none(text: Option<&str>) -> String {
    printable_name(text.unwrap_or("none"))
}
