//! Compares a new certificate with the old one that it is to replace.

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::name;
use crate::certificate::time_left::TimeLeft;
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable, printable_name, text_list};

/// A certificate, and what is known of its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    /// The certificate.
    pub(crate) certificate: &'a Certificate,
    pub(crate) key: KeyState,
    /// Its chain leads to one of Apple's roots.
    pub(crate) is_apples: bool,
}

/// What a comparison looks at in a certificate beside what a report has anyway. It is kept small: a run of `expiry` has
/// very many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traits {
    uid: Option<String>,
    other_names: Vec<String>,
    usages: Vec<String>,
    /// As encoded. Whether it is the issuer takes long to tell, and is asked of few.
    subject: Vec<u8>,
    issuer: Vec<u8>,
    key_usage: KeyUsage,
    weakness: Weakness,
    is_ca: bool,
    has_unknown_critical: bool,
}

/// What the key may be used for. A certificate that does not say it allows all.
#[derive(Debug, Clone, Copy, Default)]
struct KeyUsage {
    may_sign: bool,
    may_encrypt: bool,
    may_sign_certificates: bool,
}

/// What makes programs refuse a certificate for being too weak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Weakness {
    /// The bits of an RSA key, where they are too few.
    key: Option<usize>,
    has_signature: bool,
}

impl Traits {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let key = &certificate.public_key;
        let is_weak_key = key.algorithm == "RSA" && key.bits < LEAST_RSA_BITS;
        Self {
            uid: certificate.uid.clone(),
            other_names: certificate.other_names.clone(),
            usages: certificate.usages.clone(),
            subject: certificate.raw_subject.clone(),
            issuer: certificate.raw_issuer.clone(),
            key_usage: KeyUsage {
                may_sign: certificate.may_sign,
                may_encrypt: certificate.may_encrypt,
                may_sign_certificates: certificate.may_sign_certificates,
            },
            weakness: Weakness {
                key: if is_weak_key { Some(key.bits) } else { None },
                has_signature: certificate.has_weak_signature,
            },
            is_ca: certificate.is_ca,
            has_unknown_critical: certificate.has_unknown_critical,
        }
    }

    pub(crate) fn other_names(&self) -> &[String] {
        &self.other_names
    }

    /// Returns the subject as encoded.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    fn is_self_issued(&self) -> bool {
        name::is_same(&self.subject, &self.issuer)
    }

    /// Returns whether its signature is weak. Nobody verifies that on a root.
    fn has_weak_signature(&self) -> bool {
        self.weakness.has_signature && !self.is_self_issued()
    }

    fn has_usage(&self, usage: &str) -> bool {
        self.usages.iter().any(|one| one == usage)
    }
}

/// The least bits of an RSA key that programs take (NIST SP 800-131A).
const LEAST_RSA_BITS: usize = 2048;

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
    fn of(side: Side<'a>, traits: &'a Traits) -> Self {
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
        old: Comparable::of(old, &old_traits),
        new: Comparable::of(new, &new_traits),
        is_same: old.certificate.der == new.certificate.der,
        has_same_key: old.certificate.public_key.is_same_key(&new.certificate.public_key),
    };
    let mut differences = find_differences(&pair, rules);
    compare_keys(old.key, new.key, pair.has_same_key && !pair.is_same, &mut differences);
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

/// Returns all differences but those of private keys: a failure is one for which the new certificate cannot take the
/// place of the old one. `compare` and `expiry` both decide by them.
pub(crate) fn find_differences(pair: &Pair<'_>, rules: Rules) -> Vec<Finding> {
    let (old, new) = (&pair.old, &pair.new);
    let mut differences = Vec::new();
    if old.kind != new.kind {
        let is_successor = is_possible_successor(old, new);
        differences.push(describe_kinds(old, new, is_successor, is_successor && rules.allows_kind_change));
    }
    compare_purpose(old, new, &mut differences);
    compare_names(old, new, &mut differences);
    if !old.kind.is_push() {
        compare_uses(old, new, &mut differences);
        compare_key_usages(old, new, &mut differences);
        compare_authorities(pair, &mut differences);
        compare_critical_extensions(old, new, &mut differences);
    }
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

fn compare_purpose(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // Devices are enrolled for the UID, which is the topic: the topics would say the same again.
    if old.kind == CertificateKind::Mdm && old.traits.uid != new.traits.uid {
        let message = format!(
            "the UID has changed from {} to {}: every enrolled device falls silent, and each must be enrolled again",
            or_none(old.traits.uid.as_deref()),
            or_none(new.traits.uid.as_deref())
        );
        let finding = Finding::failure(FindingCode::OtherMdmUid, message);
        differences.push(Finding { hint: Some(RENEW_MDM.to_owned().into()), ..finding });
        return;
    }
    for topic in missing(&old.topics, &new.topics) {
        let message = format!("the new one may not send to the topic {}", printable_name(topic));
        differences.push(Finding::failure(FindingCode::TopicLost, message));
    }
    for topic in missing(&new.topics, &old.topics) {
        let message = format!("the new one may also send to the topic {}", printable_name(topic));
        differences.push(Finding::new(Level::Ok, FindingCode::TopicGained, message));
    }
}

/// What keeps the UID of an MDM certificate.
const RENEW_MDM: &str = "keep the old one, and renew it at identity.apple.com/pushcert with Renew on its own line, not with Create a \
                         Certificate, signed in with the Apple Account that made it: a renewal keeps the UID. Who has lost that \
                         account asks Apple to move the certificate to another";

/// Returns whether a push certificate of another kind can do all that the old one can: send to its topics in its
/// environments.
fn is_possible_successor(old: &Comparable<'_>, new: &Comparable<'_>) -> bool {
    let has_all = |old: &[&str], new: &[&str]| !old.is_empty() && missing(old, new).is_empty();
    old.kind != new.kind
        && old.kind.is_push()
        && new.kind.is_push()
        && has_all(&old.topics, &new.topics)
        && has_all(&environments(old), &environments(new))
}

fn describe_kinds(old: &Comparable<'_>, new: &Comparable<'_>, is_successor: bool, is_accepted: bool) -> Finding {
    let mut message = format!("the kind has changed from {} to {}", old.kind.describe(), new.kind.describe());
    if is_successor {
        message.push_str(", which can send to the same topics");
    }
    if is_successor && old.topics.len() == 1 && new.topics.len() > 1 {
        message.push_str(": with several topics, the header apns-topic is mandatory in each notification");
    }
    let level = if is_accepted { Level::Ok } else { Level::Failure };
    Finding::new(level, FindingCode::OtherKind, message)
}

/// Compares the names of hosts, the UID and the subject's name.
fn compare_names(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let lost = hosts_without(old.hosts, new.hosts);
    if !lost.is_empty() {
        let message = format!("the new one is not for {}", printable(&text_list(lost.into_iter())));
        differences.push(Finding::failure(FindingCode::HostLost, message));
    }
    let gained = hosts_without(new.hosts, old.hosts);
    if !gained.is_empty() {
        let message = format!("the new one is also for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::HostGained, message));
    }
    let lost = missing(&texts(&old.traits.other_names), &texts(&new.traits.other_names));
    if !lost.is_empty() {
        let message = format!("the new one is not for {}", printable(&text_list(lost.into_iter())));
        differences.push(Finding::failure(FindingCode::NameLost, message));
    }
    let gained = missing(&texts(&new.traits.other_names), &texts(&old.traits.other_names));
    if !gained.is_empty() {
        let message = format!("the new one is also for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::NameGained, message));
    }
    // Where a topic is lost, or a UID of MDM, the names say the same again.
    let is_said = |finding: &Finding| matches!(finding.code, FindingCode::TopicLost | FindingCode::OtherMdmUid);
    if differences.iter().any(is_said) {
        return;
    }
    if old.traits.uid != new.traits.uid {
        let level = if old.traits.uid.is_some() { Level::Failure } else { Level::Ok };
        let message = format!(
            "the UID has changed from {} to {}",
            or_none(old.traits.uid.as_deref()),
            or_none(new.traits.uid.as_deref())
        );
        differences.push(Finding::new(level, FindingCode::OtherUid, message));
    }
    compare_titles(old, new, differences);
}

/// Compares the subjects. Topics and other names decide where there are any; otherwise the whole subject does:
/// Kubernetes takes groups from its organizations.
fn compare_titles(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // Kinds have names of their own: "Apple Push Services: …".
    if old.kind != new.kind && old.kind.is_push() && new.kind.is_push() {
        return;
    }
    let (was, is) = (&old.texts, &new.texts);
    let is_told_otherwise = old.has_other_names();
    if !is_told_otherwise && is_nameless(old) && is_nameless(new) {
        let message = "neither has a name: nothing says that the two are for the same";
        differences.push(Finding::failure(FindingCode::Nameless, message));
        return;
    }
    let is_name_kept = was.name == is.name;
    let is_kept = match is_told_otherwise {
        true => is_name_kept && was.organization == is.organization,
        false => is_name_kept && name::is_same(&old.traits.subject, &new.traits.subject),
    };
    if is_kept {
        return;
    }
    let (part, was, is) = match is_name_kept {
        false => ("name", was.name, is.name),
        true => ("subject", was.subject, is.subject),
    };
    let message = format!("the {part} has changed from {} to {}", printable_name(was), printable_name(is));
    let level = if is_told_otherwise { Level::Ok } else { Level::Failure };
    differences.push(Finding::new(level, FindingCode::OtherName, message));
}

/// The subject without an attribute, as encoded.
const EMPTY_NAME: &[u8] = b"\x30\x00";

fn is_nameless(one: &Comparable<'_>) -> bool {
    one.traits.subject == EMPTY_NAME
}

/// Compares what the certificates may be used for. Push certificates have topics and environments for that.
fn compare_uses(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (texts(&old.traits.usages), texts(&new.traits.usages));
    let may_all = |usages: &[&str]| usages.is_empty() || usages.contains(&"anyExtendedKeyUsage");
    if !may_all(&is) {
        let lost = if may_all(&was) { vec!["anything else"] } else { missing(&was, &is) };
        if !lost.is_empty() {
            differences.push(describe_lost_uses(old, &is, &lost));
        }
    }
    let gained = missing(&is, &was);
    if !may_all(&was) && !gained.is_empty() {
        let message = format!("the new one may also be used for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::UsageGained, message));
    }
}

/// Describes lost uses. Public authorities leave clientAuth out of servers' certificates since 2026, and hardly a server
/// misses it.
fn describe_lost_uses(old: &Comparable<'_>, is: &[&str], lost: &[&str]) -> Finding {
    let is_server_still = !old.hosts.is_empty() && is.contains(&"serverAuth") && lost == ["clientAuth"];
    let message = format!(
        "the new one may be used for {} only, and not for {}",
        printable(&text_list(is.iter().copied())),
        printable(&text_list(lost.iter().copied()))
    );
    if is_server_still {
        let message = format!("{message}: enough for a server, unless it uses the certificate as a client too");
        return Finding::new(Level::Ok, FindingCode::UsageLost, message);
    }
    Finding::failure(FindingCode::UsageLost, message)
}

/// Compares what the keys may be used for: a signature is what TLS asks of every certificate.
fn compare_key_usages(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (old.traits.key_usage, new.traits.key_usage);
    let is_for_mail = old.traits.has_usage("emailProtection");
    let message = if old.is_authority() {
        let is_lost = was.may_sign_certificates && !is.may_sign_certificates && new.traits.is_ca;
        is_lost.then_some("the key usage of the new one lacks keyCertSign: it may not issue certificates")
    } else if was.may_sign && !is.may_sign && !new.traits.is_ca {
        Some("the key usage of the new one lacks digitalSignature, which servers and clients need")
    } else if is_for_mail && was.may_encrypt && !is.may_encrypt {
        Some("the key usage of the new one lacks keyEncipherment and keyAgreement: mail cannot be encrypted for it")
    } else {
        None
    };
    if let Some(message) = message {
        differences.push(Finding::failure(FindingCode::UsageLost, message));
    }
}

/// Compares whether they are authorities'.
fn compare_authorities(pair: &Pair<'_>, differences: &mut Vec<Finding>) {
    let (old, new) = (&pair.old, &pair.new);
    if new.traits.is_ca && !old.traits.is_ca {
        let message = "the new one is that of an authority (CA:TRUE), which clients may refuse from a server";
        differences.push(Finding::failure(FindingCode::BecameAuthority, message));
    } else if old.is_authority() && !new.traits.is_ca {
        let message =
            "the new one is not that of an authority (CA:TRUE), as the old one is: it cannot issue certificates";
        differences.push(Finding::failure(FindingCode::AuthorityLost, message));
    } else if old.is_authority() && !pair.has_same_key {
        let message = "the new one is an authority with a new key: what the old one has issued does not verify with it, \
                       and whoever trusts the old one must be given the new one";
        differences.push(Finding::warning(FindingCode::OtherAuthorityKey, message));
    }
}

fn compare_critical_extensions(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // An authority's may be such that only paths are judged by.
    if new.traits.has_unknown_critical && !old.traits.has_unknown_critical && !new.traits.is_ca {
        let message = "the new one has a critical extension that is not known here: programs must refuse a certificate with \
                       one that they do not know";
        differences.push(Finding::failure(FindingCode::UnknownCritical, message));
    }
}

/// Compares the strength of keys and signatures. What is as weak as before works where that did.
fn compare_strength(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (old.traits.weakness, new.traits.weakness);
    let level = |was_weak: bool| if was_weak { Level::Ok } else { Level::Failure };
    if let Some(bits) = is.key {
        let message = format!("the RSA key of the new one has {bits} bits; programs expect {LEAST_RSA_BITS} or more");
        let is_as_before = was.key.is_some_and(|before| before <= bits);
        differences.push(Finding::new(level(is_as_before), FindingCode::WeakKey, message));
    }
    if new.traits.has_weak_signature() {
        let message =
            format!("the new one is signed with {}, which programs refuse", printable_name(new.texts.signature));
        differences.push(Finding::new(level(old.traits.has_weak_signature()), FindingCode::Sha1Signature, message));
    }
}

/// Compares who issued them. Apple issues push certificates with one intermediate after the other.
fn compare_issuers(pair: &Pair<'_>, rules: Rules, differences: &mut Vec<Finding>) {
    let (old, new) = (&pair.old, &pair.new);
    let (was, is) = (&old.texts, &new.texts);
    if new.traits.is_self_issued() && !old.traits.is_self_issued() {
        let is_allowed = rules.allows_self_issued && !old.kind.is_push();
        let message = format!("the new one is issued by itself, the old one by {}", printable_name(was.issuer));
        let level = if is_allowed { Level::Ok } else { Level::Failure };
        differences.push(Finding::new(level, FindingCode::OtherIssuer, message));
    } else if old.kind.is_push() && old.is_apples && !new.is_apples {
        let message = "the chain of the new one does not lead to Apple's root, that of the old one does";
        differences.push(Finding::failure(FindingCode::OtherIssuer, message));
    } else if new.traits.is_self_issued() && !pair.has_same_key && !old.kind.is_push() && !old.is_authority() {
        let message = "the new one is issued by itself, with a new key: whoever trusts the old one must be given it";
        differences.push(Finding::new(Level::Ok, FindingCode::OtherIssuer, message));
    } else if !old.kind.is_push() && !name::is_same(&old.traits.issuer, &new.traits.issuer) {
        let (was, is) = (printable_name(was.issuer), printable_name(is.issuer));
        let message = format!("the issuer has changed from {was} to {is}");
        differences.push(Finding::new(Level::Ok, FindingCode::OtherIssuer, message));
    }
}

fn texts(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn subject_name(certificate: &Certificate) -> &str {
    certificate.common_name.as_deref().unwrap_or(&certificate.subject)
}

/// Returns those of `hosts` that no name of `others` covers.
fn hosts_without<'a>(hosts: &'a [String], others: &[String]) -> Vec<&'a str> {
    let known: HashSet<&str> = others.iter().map(String::as_str).collect();
    let mut lost = Vec::new();
    for host in hosts {
        let is_covered = wildcard_for(host).is_some_and(|wildcard| known.contains(wildcard.as_str()));
        if !known.contains(host.as_str()) && !is_covered {
            lost.push(host.as_str());
        }
    }
    lost
}

/// Returns the wildcard that covers a host (RFC 9525 section 6.3): for one label, and no top-level domain, for which
/// programs take none. Addresses have none.
pub(crate) fn wildcard_for(host: &str) -> Option<String> {
    let (label, domain) = host.split_once('.')?;
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let is_covered = !is_address && !label.is_empty() && label != "*" && domain.trim_end_matches('.').contains('.');
    is_covered.then(|| format!("*.{domain}"))
}

fn compare_environments(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let lost = missing(&environments(old), &environments(new));
    if !lost.is_empty() {
        let message = format!("the new one may not be used in {}", text_list(lost.into_iter()));
        differences.push(Finding::failure(FindingCode::EnvironmentLost, message));
    }
    let gained = missing(&environments(new), &environments(old));
    if !gained.is_empty() {
        let message = format!("the new one may also be used in {}", text_list(gained.into_iter()));
        differences.push(Finding::new(Level::Ok, FindingCode::EnvironmentGained, message));
    }
}

fn compare_teams(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    if old.team_id != new.team_id {
        let message = format!("the team has changed from {} to {}", or_none(old.team_id), or_none(new.team_id));
        differences.push(Finding::failure(FindingCode::OtherTeam, message));
    }
}

fn compare_validity(pair: &Pair<'_>, now: OffsetDateTime, differences: &mut Vec<Finding>) {
    let (old, new) = (&pair.old, &pair.new);
    let (old_end, new_end) = (old.not_after.date(), new.not_after.date());
    if pair.is_same {
        differences.push(Finding::failure(FindingCode::NotRenewed, "both are the same certificate"));
    } else if new.not_after <= old.not_after {
        let message =
            format!("the new one ends on {new_end}, no later than the old one ({old_end}): are they swapped?");
        differences.push(Finding::failure(FindingCode::NotRenewed, message));
    }
    if now > new.not_after {
        let message = format!("the new one expired on {new_end} ({})", TimeLeft::until(new.not_after, now).relative());
        differences.push(Finding::failure(FindingCode::Expired, message));
    }
    let new_start = new.not_before.date();
    if now < new.not_before {
        let message = format!("the new one is not valid before {new_start}");
        differences.push(Finding::failure(FindingCode::NotYetValid, message));
    }
    if new.not_before > old.not_after {
        let message = format!("neither is valid between {old_end} and {new_start}");
        differences.push(Finding::new(Level::Ok, FindingCode::Gap, message));
    }
}

fn compare_keys(old: KeyState, new: KeyState, is_same_request: bool, differences: &mut Vec<Finding>) {
    match new {
        KeyState::Missing if old == KeyState::Matches && is_same_request => {
            let message = "the new file has no private key: it was renewed with the same request, and its key is that of the old one";
            differences.push(Finding::failure(FindingCode::KeyMissing, message));
        }
        KeyState::Missing if old == KeyState::Matches => {
            let message = "the new file has no private key, the old one has";
            differences.push(Finding::failure(FindingCode::KeyMissing, message));
        }
        KeyState::Mismatch => {
            let message = "the private key is not that of the new certificate";
            differences.push(Finding::failure(FindingCode::KeyMismatch, message));
        }
        KeyState::Missing | KeyState::Matches | KeyState::Unread => {}
    }
}

fn topics(certificate: &Certificate) -> Vec<&str> {
    certificate.topics.iter().map(|topic| topic.topic.as_str()).collect()
}

fn environments(one: &Comparable<'_>) -> Vec<&'static str> {
    one.environments.iter().map(|environment| environment.name()).collect()
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

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::certificate::apple::Environment;
    use crate::public_key::PublicKey;
    use crate::test_support;

    const RULES: Rules =
        Rules { now: datetime!(2026-12-01 0:00 UTC), allows_kind_change: false, allows_self_issued: false };

    fn fixture(name: &str, from: OffsetDateTime, until: OffsetDateTime) -> Certificate {
        let certificate = test_support::certificate(&format!("der/{name}.cer"));
        // Two certificates are never the same bytes, unless they are the same.
        let der = [certificate.der, from.unix_timestamp().to_be_bytes().to_vec()].concat();
        Certificate { der, not_before: from, not_after: until, ..certificate }
    }

    fn old(name: &str) -> Certificate {
        fixture(name, datetime!(2025-12-01 0:00 UTC), datetime!(2026-12-31 0:00 UTC))
    }

    fn new(name: &str) -> Certificate {
        fixture(name, datetime!(2026-11-30 0:00 UTC), datetime!(2027-12-30 0:00 UTC))
    }

    fn codes(old: &Certificate, new: &Certificate, keys: (KeyState, KeyState)) -> Vec<(Level, FindingCode)> {
        let side = |certificate, key| Side { certificate, key, is_apples: false };
        let comparison = compare(side(old, keys.0), side(new, keys.1), RULES);
        let breaks = comparison.differences.iter().any(|difference| difference.level == Level::Failure);
        assert_eq!(comparison.drop_in, !breaks);
        comparison.differences.into_iter().map(|difference| (difference.level, difference.code)).collect()
    }

    const KEYS: (KeyState, KeyState) = (KeyState::Matches, KeyState::Matches);

    #[test]
    fn a_renewal_overlaps() {
        let (old, new) = (old("universal"), new("universal"));
        assert_eq!(codes(&old, &new, KEYS), []);
        assert_eq!(overlap(&old, &new).days(), 31);
        assert_eq!(codes(&old, &new, (KeyState::Missing, KeyState::Missing)), []);
    }

    #[test]
    fn what_breaks() {
        use FindingCode::*;
        let universal = old("universal");
        assert_eq!(codes(&universal, &universal, KEYS), [(Level::Failure, NotRenewed)]);
        assert_eq!(codes(&new("universal"), &universal, KEYS), [(Level::Failure, NotRenewed)]);
        assert_eq!(
            codes(&universal, &new("universal"), (KeyState::Matches, KeyState::Missing)),
            [(Level::Failure, KeyMissing)]
        );
        let mismatch = (KeyState::Missing, KeyState::Mismatch);
        assert_eq!(codes(&universal, &new("universal"), mismatch), [(Level::Failure, KeyMismatch)]);
        let team = Certificate { team_id: None, ..new("universal") };
        assert_eq!(codes(&universal, &team, KEYS), [(Level::Failure, OtherTeam)]);
        let fewer = Certificate { topics: universal.topics[..1].to_vec(), ..new("universal") };
        assert_eq!(codes(&universal, &fewer, KEYS), [(Level::Failure, TopicLost), (Level::Failure, TopicLost)]);
        assert_eq!(codes(&fewer, &universal, KEYS)[..2], [(Level::Ok, TopicGained), (Level::Ok, TopicGained)]);
        let sandbox = Certificate { environments: vec![Environment::Sandbox], ..new("universal") };
        assert_eq!(codes(&universal, &sandbox, KEYS), [(Level::Failure, EnvironmentLost)]);
        let kind = Certificate { kind: CertificateKind::ApnsSandbox, ..new("universal") };
        assert_eq!(codes(&universal, &kind, KEYS), [(Level::Failure, OtherKind)]);
    }

    #[test]
    fn names_are_compared_for_every_kind() {
        use FindingCode::*;
        let server = |hosts: &[&str]| {
            let dns_names = hosts.iter().map(|host| (*host).to_owned()).collect();
            Certificate { dns_names, ..old("not-push") }
        };
        let renewed = |hosts: &[&str]| Certificate { dns_names: server(hosts).dns_names, ..new("not-push") };
        let named = |name: &str| Certificate { common_name: Some(name.to_owned()), ..renewed(&[]) };
        assert_eq!(codes(&server(&["a.example", "b.example"]), &renewed(&["a.example", "b.example"]), KEYS), []);
        assert_eq!(
            codes(&server(&["a.example", "b.example"]), &renewed(&["b.example", "c.example"]), KEYS),
            [(Level::Failure, HostLost), (Level::Ok, HostGained)]
        );
        assert_eq!(codes(&server(&["a.b.example"]), &renewed(&["*.b.example"]), KEYS), [(Level::Ok, HostGained)]);
        assert_eq!(codes(&server(&["*.b.example"]), &renewed(&["a.b.example"]), KEYS)[0], (Level::Failure, HostLost));
        // Without hosts the name decides.
        assert_eq!(codes(&server(&[]), &named("other"), KEYS), [(Level::Failure, OtherName)]);
        let uid = Certificate { uid: Some("a".to_owned()), ..server(&[]) };
        assert_eq!(codes(&uid, &renewed(&[]), KEYS), [(Level::Failure, OtherUid)]);
        let (old, new) = (old("universal"), new("universal"));
        let other = Certificate { common_name: Some("other".to_owned()), ..new.clone() };
        assert_eq!(codes(&old, &other, KEYS), [(Level::Ok, OtherName)]);
        let other = Certificate { uid: Some("other".to_owned()), ..new };
        assert_eq!(codes(&old, &other, KEYS), [(Level::Failure, OtherUid)]);
    }

    #[test]
    fn what_certificates_that_are_not_apples_are_for_is_compared() {
        use FindingCode::*;
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let server = |certificate| Certificate { dns_names: texts(&["a.example"]), ..certificate };
        let (old, new) = (server(old("not-push")), server(new("not-push")));
        let with = |certificate: &Certificate, usages: &[&str], names: &[&str]| Certificate {
            usages: texts(usages),
            other_names: texts(names),
            ..certificate.clone()
        };
        let (both, one) = (["serverAuth", "clientAuth"], ["clientAuth"]);
        let of = |old_usages: &[&str], new_usages: &[&str], old_names: &[&str], new_names: &[&str]| {
            codes(&with(&old, old_usages, old_names), &with(&new, new_usages, new_names), KEYS)
        };
        assert_eq!(of(&both, &both, &["email:a@b"], &["email:a@b"]), []);
        assert_eq!(of(&both, &one, &[], &[]), [(Level::Failure, UsageLost)]);
        assert_eq!(of(&both, &["serverAuth"], &[], &[]), [(Level::Ok, UsageLost)]);
        assert_eq!(of(&[], &["serverAuth"], &[], &[]), [(Level::Failure, UsageLost)]);
        assert_eq!(of(&[], &one, &[], &[]), [(Level::Failure, UsageLost)]);
        assert_eq!(of(&one, &both, &[], &[]), [(Level::Ok, UsageGained)]);
        assert_eq!(of(&one, &[], &[], &[]), []);
        assert_eq!(of(&[], &[], &["email:a@b"], &["email:b@b"]), [(Level::Failure, NameLost), (Level::Ok, NameGained)]);
        let authority = Certificate { is_ca: true, ..new.clone() };
        assert_eq!(codes(&old, &authority, KEYS), [(Level::Failure, BecameAuthority)]);
        // Without other names the whole subject decides, and with them it is told.
        let viewers = Certificate { organization: Some("viewers".into()), raw_subject: vec![], ..new.clone() };
        assert_eq!(codes(&old, &viewers, KEYS), [(Level::Ok, OtherName)]);
        let hostless = |certificate: &Certificate| Certificate { dns_names: vec![], ..certificate.clone() };
        assert_eq!(codes(&hostless(&old), &hostless(&viewers), KEYS), [(Level::Failure, OtherName)]);
        let nameless = |certificate: &Certificate| Certificate {
            subject: String::new(),
            raw_subject: EMPTY_NAME.to_vec(),
            common_name: None,
            ..hostless(certificate)
        };
        assert_eq!(codes(&nameless(&old), &nameless(&new), KEYS), [(Level::Failure, Nameless)]);
    }

    #[test]
    fn who_issued_a_certificate_is_compared() {
        use FindingCode::*;
        let by = |certificate: Certificate, issuer: &[u8]| Certificate { raw_issuer: issuer.to_vec(), ..certificate };
        let itself =
            |certificate: Certificate| Certificate { raw_issuer: certificate.raw_subject.clone(), ..certificate };
        let (server, renewed) = (old("not-push"), new("not-push"));
        assert_eq!(
            codes(&by(server.clone(), b"0\x02a"), &by(renewed.clone(), b"0\x02b"), KEYS),
            [(Level::Ok, OtherIssuer)]
        );
        assert_eq!(
            codes(&by(server.clone(), b"0\x02a"), &itself(renewed.clone()), KEYS),
            [(Level::Failure, OtherIssuer)]
        );
        let rules = Rules { allows_self_issued: true, ..RULES };
        let side = |certificate| Side { certificate, key: KeyState::Matches, is_apples: false };
        let (by_other, by_itself) = (by(server, b"0\x02a"), itself(renewed));
        assert!(compare(side(&by_other), side(&by_itself), rules).drop_in);
        let (push, renewed) = (by(old("universal"), b"0\x02a"), new("universal"));
        assert!(!compare(side(&push), side(&itself(renewed.clone())), rules).drop_in);
        assert_eq!(codes(&push, &by(renewed.clone(), b"0\x02b"), KEYS), []);
        assert_eq!(codes(&push, &itself(renewed.clone()), KEYS), [(Level::Failure, OtherIssuer)]);
        let side = |certificate, is_apples| Side { certificate, key: KeyState::Matches, is_apples };
        let comparison = compare(side(&push, true), side(&renewed, false), RULES);
        assert_eq!((comparison.drop_in, comparison.differences[0].code), (false, OtherIssuer));
        assert!(compare(side(&push, true), side(&renewed, true), RULES).drop_in);
    }

    #[test]
    fn a_wildcard_covers_one_label_and_no_top_level_domain() {
        for (host, wildcard) in [
            ("a.b.example", Some("*.b.example")),
            ("b.example", None),
            ("b.example.", None),
            ("localhost", None),
            ("*.b.example", None),
            ("10.0.0.1", None),
            ("2001:db8::1.2.3.4", None),
        ] {
            assert_eq!(wildcard_for(host).as_deref(), wildcard, "{host}");
        }
    }

    #[test]
    fn an_authority_stays_one_and_a_new_key_of_it_is_warned_of() {
        use FindingCode::*;
        let usages = |usages: &[&str]| usages.iter().map(|usage| (*usage).to_owned()).collect::<Vec<_>>();
        let authority = |certificate: Certificate| Certificate {
            dns_names: vec![],
            usages: vec![],
            raw_subject: certificate.raw_issuer.clone(),
            is_ca: true,
            may_sign_certificates: true,
            ..certificate
        };
        let (old, new) = (authority(old("not-push")), authority(new("not-push")));
        assert_eq!(codes(&old, &new, KEYS), []);
        let leaf = Certificate { is_ca: false, ..new.clone() };
        assert_eq!(codes(&old, &leaf, KEYS), [(Level::Failure, AuthorityLost)]);
        let mute = Certificate { may_sign_certificates: false, ..new.clone() };
        assert_eq!(codes(&old, &mute, KEYS), [(Level::Failure, UsageLost)]);
        let key = openssl::pkey::PKey::generate_ed25519().unwrap();
        let public_key = PublicKey::parse(key.public_key_to_der().unwrap()).unwrap();
        let other = Certificate { public_key, ..new.clone() };
        assert_eq!(codes(&old, &other, KEYS), [(Level::Warning, OtherAuthorityKey)]);
        // A server's that calls itself one.
        let server = |certificate: &Certificate| Certificate { usages: usages(&["serverAuth"]), ..certificate.clone() };
        assert_eq!(codes(&server(&old), &server(&leaf), KEYS), []);
        assert_eq!(codes(&server(&old), &server(&other), KEYS), [(Level::Ok, OtherIssuer)]);
    }

    #[test]
    fn what_programs_refuse_takes_the_place_of_nothing() {
        use FindingCode::*;
        let (old, new) = (old("not-push"), new("not-push"));
        let unsigned = Certificate { may_sign: false, ..new.clone() };
        assert_eq!(codes(&old, &unsigned, KEYS), [(Level::Failure, UsageLost)]);
        assert_eq!(codes(&Certificate { may_sign: false, ..old.clone() }, &unsigned, KEYS), []);
        let closed = Certificate { may_encrypt: false, ..new.clone() };
        assert_eq!(codes(&old, &closed, KEYS), []);
        let mail = |certificate: &Certificate| Certificate {
            usages: vec!["emailProtection".to_owned()],
            ..certificate.clone()
        };
        assert_eq!(codes(&mail(&old), &mail(&closed), KEYS), [(Level::Failure, UsageLost)]);
        let unknown = Certificate { has_unknown_critical: true, ..new.clone() };
        assert_eq!(codes(&old, &unknown, KEYS), [(Level::Failure, UnknownCritical)]);
        assert_eq!(codes(&Certificate { has_unknown_critical: true, ..old.clone() }, &unknown, KEYS), []);
        let sha1 = |certificate: &Certificate| Certificate { has_weak_signature: true, ..certificate.clone() };
        assert_eq!(codes(&old, &sha1(&new), KEYS), [(Level::Failure, Sha1Signature)]);
        assert_eq!(codes(&sha1(&old), &sha1(&new), KEYS), [(Level::Ok, Sha1Signature)]);
        let short = |certificate: &Certificate, bits| {
            let mut certificate = certificate.clone();
            certificate.public_key.algorithm = "RSA".into();
            certificate.public_key.bits = bits;
            certificate
        };
        assert_eq!(codes(&short(&old, 2048), &short(&new, 1024), KEYS), [(Level::Failure, WeakKey)]);
        assert_eq!(codes(&short(&old, 1024), &short(&new, 1024), KEYS), [(Level::Ok, WeakKey)]);
        assert_eq!(codes(&short(&old, 1024), &short(&new, 768), KEYS), [(Level::Failure, WeakKey)]);
    }

    #[test]
    fn a_kind_that_can_do_the_same_is_accepted_where_that_is_allowed() {
        use FindingCode::*;
        let topic = old("universal").topics[..1].to_vec();
        let production = Certificate {
            kind: CertificateKind::ApnsProduction,
            topics: topic,
            environments: vec![Environment::Production],
            ..old("universal")
        };
        let universal = new("universal");
        let side = |certificate| Side { certificate, key: KeyState::Matches, is_apples: false };
        for (allows_kind_change, level) in [(false, Level::Failure), (true, Level::Ok)] {
            let comparison = compare(side(&production), side(&universal), Rules { allows_kind_change, ..RULES });
            assert_eq!((comparison.possible_successor, comparison.drop_in), (true, allows_kind_change));
            let first = &comparison.differences[0];
            assert_eq!((first.level, first.code), (level, OtherKind));
            assert!(first.message.contains("apns-topic is mandatory"), "{}", first.message);
        }
        // Not the other way round.
        let back = Certificate { not_after: universal.not_after + time::Duration::days(1), ..production.clone() };
        let comparison = compare(side(&universal), side(&back), Rules { allows_kind_change: true, ..RULES });
        assert!(!comparison.possible_successor && !comparison.drop_in);
        assert_eq!(comparison.differences[0].level, Level::Failure);
    }

    #[test]
    fn a_renewal_with_the_same_request_has_the_key_of_the_old_one() {
        let (old, new) = (old("universal"), new("universal"));
        let side = |certificate, key| Side { certificate, key, is_apples: false };
        let comparison = compare(side(&old, KeyState::Matches), side(&new, KeyState::Missing), RULES);
        assert!(comparison.key_reused && !comparison.drop_in);
        assert!(comparison.differences[0].message.contains("its key is that of the old one"));
    }

    #[test]
    fn an_mdm_certificate_keeps_its_uid() {
        let new = Certificate { uid: Some("com.apple.mgmt.External.other".into()), topics: vec![], ..new("mdm") };
        assert_eq!(codes(&old("mdm"), &new, KEYS), [(Level::Failure, FindingCode::OtherMdmUid)]);
    }

    #[test]
    fn a_gap_is_reported_and_the_future_does_not_serve_today() {
        let (from, until) = (datetime!(2027-01-30 0:00 UTC), datetime!(2028-01-30 0:00 UTC));
        let late = fixture("universal", from, until);
        let expected = [(Level::Failure, FindingCode::NotYetValid), (Level::Ok, FindingCode::Gap)];
        assert_eq!(codes(&old("universal"), &late, KEYS), expected);
        assert_eq!(overlap(&old("universal"), &late).days(), -30);
    }
}
