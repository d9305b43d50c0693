//! Compares a new certificate with the old one that it is to replace.

use std::collections::HashSet;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::CertificateKind;
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
        code: FindingCode,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<&'a str>,
    }
    serializer.collect_seq(differences.iter().map(|finding| Difference {
        breaks: finding.level == Level::Failure,
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
}

/// Compares them.
pub(crate) fn compare(old: Side<'_>, new: Side<'_>, rules: Rules) -> Comparison {
    let mut differences = Vec::new();
    let possible_successor = is_possible_successor(old.certificate, new.certificate);
    if old.certificate.kind != new.certificate.kind {
        let is_accepted = possible_successor && rules.allows_kind_change;
        differences.push(describe_kinds(old.certificate, new.certificate, possible_successor, is_accepted));
    }
    compare_purpose(old.certificate, new.certificate, &mut differences);
    compare_names(old.certificate, new.certificate, &mut differences);
    if !old.certificate.kind.is_push() {
        compare_uses(old.certificate, new.certificate, &mut differences);
    }
    compare_issuers(old, new, &mut differences);
    compare_environments(old.certificate, new.certificate, &mut differences);
    compare_teams(old.certificate, new.certificate, &mut differences);
    compare_validity(old.certificate, new.certificate, rules.now, &mut differences);
    let key_reused = old.certificate.public_key.is_same_key(&new.certificate.public_key);
    let is_same_request = key_reused && old.certificate.der != new.certificate.der;
    compare_keys(old.key, new.key, is_same_request, &mut differences);
    let overlap = overlap(old.certificate, new.certificate);
    Comparison {
        drop_in: Level::worst(&differences) != Level::Failure,
        key_reused,
        possible_successor,
        overlap_days: overlap.days(),
        overlap_seconds: overlap.seconds(),
        differences,
    }
}

fn overlap(old: &Certificate, new: &Certificate) -> TimeLeft {
    TimeLeft::until(old.not_after.min(new.not_after), old.not_before.max(new.not_before))
}

fn compare_purpose(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
    // Devices are enrolled for the UID, which is the topic: the topics would say the same again.
    if old.kind == CertificateKind::Mdm && old.uid != new.uid {
        let message = format!(
            "the UID has changed from {} to {}: every enrolled device falls silent, and each must be enrolled again",
            or_none(&old.uid),
            or_none(&new.uid)
        );
        let finding = Finding::failure(FindingCode::OtherMdmUid, message);
        differences.push(Finding { hint: Some(RENEW_MDM.to_owned().into()), ..finding });
        return;
    }
    for topic in missing(&topics(old), &topics(new)) {
        let message = format!("the new one may not send to the topic {}", printable_name(topic));
        differences.push(Finding::failure(FindingCode::TopicLost, message));
    }
    for topic in missing(&topics(new), &topics(old)) {
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
fn is_possible_successor(old: &Certificate, new: &Certificate) -> bool {
    let has_all = |old: &[&str], new: &[&str]| !old.is_empty() && missing(old, new).is_empty();
    old.kind != new.kind
        && old.kind.is_push()
        && new.kind.is_push()
        && has_all(&topics(old), &topics(new))
        && has_all(&environments(old), &environments(new))
}

fn describe_kinds(old: &Certificate, new: &Certificate, is_successor: bool, is_accepted: bool) -> Finding {
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
fn compare_names(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
    let lost = hosts_without(&old.dns_names, &new.dns_names);
    if !lost.is_empty() {
        let message = format!("the new one is not for {}", printable(&text_list(lost.into_iter())));
        differences.push(Finding::failure(FindingCode::HostLost, message));
    }
    let gained = hosts_without(&new.dns_names, &old.dns_names);
    if !gained.is_empty() {
        let message = format!("the new one is also for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::HostGained, message));
    }
    let lost = missing(&texts(&old.other_names), &texts(&new.other_names));
    if !lost.is_empty() {
        let message = format!("the new one is not for {}", printable(&text_list(lost.into_iter())));
        differences.push(Finding::failure(FindingCode::NameLost, message));
    }
    let gained = missing(&texts(&new.other_names), &texts(&old.other_names));
    if !gained.is_empty() {
        let message = format!("the new one is also for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::NameGained, message));
    }
    // Where a topic is lost, or a UID of MDM, the names say the same again.
    let is_said = |finding: &Finding| matches!(finding.code, FindingCode::TopicLost | FindingCode::OtherMdmUid);
    if differences.iter().any(is_said) {
        return;
    }
    if old.uid != new.uid {
        let level = if old.uid.is_some() { Level::Failure } else { Level::Ok };
        let message = format!("the UID has changed from {} to {}", or_none(&old.uid), or_none(&new.uid));
        differences.push(Finding::new(level, FindingCode::OtherUid, message));
    }
    compare_titles(old, new, differences);
}

/// Compares the subjects. Topics and other names decide where there are any; otherwise the whole subject does:
/// Kubernetes takes groups from its organizations.
fn compare_titles(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
    // Kinds have names of their own: "Apple Push Services: …".
    if old.kind != new.kind && old.kind.is_push() && new.kind.is_push() {
        return;
    }
    let is_told_otherwise = !old.topics.is_empty() || !old.dns_names.is_empty() || !old.other_names.is_empty();
    if !is_told_otherwise && old.subject.is_empty() && new.subject.is_empty() {
        let message = "neither has a name: nothing says that the two are for the same";
        differences.push(Finding::failure(FindingCode::Nameless, message));
        return;
    }
    let is_name_kept = subject_name(old) == subject_name(new);
    let is_kept = match is_told_otherwise {
        true => is_name_kept && old.organization == new.organization,
        false => is_name_kept && name::is_same(&old.raw_subject, &new.raw_subject),
    };
    if is_kept {
        return;
    }
    let (part, was, is) = match is_name_kept {
        false => ("name", subject_name(old), subject_name(new)),
        true => ("subject", old.subject.as_str(), new.subject.as_str()),
    };
    let message = format!("the {part} has changed from {} to {}", printable_name(was), printable_name(is));
    let level = if is_told_otherwise { Level::Ok } else { Level::Failure };
    differences.push(Finding::new(level, FindingCode::OtherName, message));
}

/// Compares what the certificates may be used for. Push certificates have topics and environments for that.
fn compare_uses(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
    let (was, is) = (texts(&old.usages), texts(&new.usages));
    let may_all = |usages: &[&str]| usages.is_empty() || usages.contains(&"anyExtendedKeyUsage");
    if !may_all(&is) {
        let lost = if may_all(&was) { vec!["anything else"] } else { missing(&was, &is) };
        if !lost.is_empty() {
            let message = format!(
                "the new one may be used for {} only, and not for {}",
                printable(&text_list(is.iter().copied())),
                printable(&text_list(lost.into_iter()))
            );
            differences.push(Finding::failure(FindingCode::UsageLost, message));
        }
    }
    let gained = missing(&is, &was);
    if !may_all(&was) && !gained.is_empty() {
        let message = format!("the new one may also be used for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::UsageGained, message));
    }
    if new.is_ca && !old.is_ca {
        let message = "the new one is that of an authority (CA:TRUE), which clients may refuse from a server";
        differences.push(Finding::failure(FindingCode::BecameAuthority, message));
    }
}

/// Compares who issued them. Apple issues push certificates with one intermediate after the other.
fn compare_issuers(old: Side<'_>, new: Side<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (old.certificate, new.certificate);
    if is.is_self_issued() && !was.is_self_issued() {
        let level = if was.kind.is_push() { Level::Failure } else { Level::Ok };
        let message = format!("the new one is issued by itself, the old one by {}", printable_name(&was.issuer));
        differences.push(Finding::new(level, FindingCode::OtherIssuer, message));
    } else if was.kind.is_push() && old.is_apples && !new.is_apples {
        let message = "the chain of the new one does not lead to Apple's root, that of the old one does";
        differences.push(Finding::failure(FindingCode::OtherIssuer, message));
    } else if !was.kind.is_push() && !name::is_same(&was.raw_issuer, &is.raw_issuer) {
        let (was, is) = (printable_name(&was.issuer), printable_name(&is.issuer));
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
        let wildcard = host.split_once('.').map(|(_, domain)| format!("*.{domain}"));
        if !known.contains(host.as_str()) && !wildcard.is_some_and(|wildcard| known.contains(wildcard.as_str())) {
            lost.push(host.as_str());
        }
    }
    lost
}

fn compare_environments(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
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

fn compare_teams(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
    if old.team_id != new.team_id {
        let message = format!("the team has changed from {} to {}", or_none(&old.team_id), or_none(&new.team_id));
        differences.push(Finding::failure(FindingCode::OtherTeam, message));
    }
}

fn compare_validity(old: &Certificate, new: &Certificate, now: OffsetDateTime, differences: &mut Vec<Finding>) {
    let (old_end, new_end) = (old.not_after.date(), new.not_after.date());
    if old.der == new.der {
        differences.push(Finding::failure(FindingCode::NotRenewed, "both are the same certificate"));
    } else if new.not_after <= old.not_after {
        let message =
            format!("the new one ends on {new_end}, no later than the old one ({old_end}): are they swapped?");
        differences.push(Finding::failure(FindingCode::NotRenewed, message));
    }
    if new.is_expired(now) {
        let message = format!("the new one expired on {new_end} ({})", new.time_left(now).relative());
        differences.push(Finding::failure(FindingCode::Expired, message));
    }
    let new_start = new.not_before.date();
    if new.is_not_yet_valid(now) {
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

fn environments(certificate: &Certificate) -> Vec<&'static str> {
    certificate.environments.iter().map(|environment| environment.name()).collect()
}

/// Returns those of `wanted` that are not in `present`.
fn missing<'a>(wanted: &[&'a str], present: &[&str]) -> Vec<&'a str> {
    let mut names = wanted.to_vec();
    names.retain(|name| !present.contains(name));
    names
}

fn or_none(text: &Option<String>) -> String {
    printable_name(text.as_deref().unwrap_or("none"))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::certificate::apple::Environment;
    use crate::test_support;

    const RULES: Rules = Rules { now: datetime!(2026-12-01 0:00 UTC), allows_kind_change: false };

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
        assert_eq!(codes(&by(server, b"0\x02a"), &itself(renewed), KEYS), [(Level::Ok, OtherIssuer)]);
        let (push, renewed) = (by(old("universal"), b"0\x02a"), new("universal"));
        assert_eq!(codes(&push, &by(renewed.clone(), b"0\x02b"), KEYS), []);
        assert_eq!(codes(&push, &itself(renewed.clone()), KEYS), [(Level::Failure, OtherIssuer)]);
        let side = |certificate, is_apples| Side { certificate, key: KeyState::Matches, is_apples };
        let comparison = compare(side(&push, true), side(&renewed, false), RULES);
        assert_eq!((comparison.drop_in, comparison.differences[0].code), (false, OtherIssuer));
        assert!(compare(side(&push, true), side(&renewed, true), RULES).drop_in);
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
