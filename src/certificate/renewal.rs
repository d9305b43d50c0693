//! Compares a new certificate with the old one that it is to replace.

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::CertificateKind;
use crate::certificate::time_left::TimeLeft;
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable_name, text_list};

/// A certificate, and what is known of its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    /// The certificate.
    pub(crate) certificate: &'a Certificate,
    pub(crate) key: KeyState,
}

/// The result of a comparison.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    /// The new certificate can take the place of the old one.
    pub(crate) drop_in: bool,
    /// Both have the same key.
    pub(crate) key_reused: bool,
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
    }
    serializer.collect_seq(differences.iter().map(|finding| Difference {
        breaks: finding.level == Level::Failure,
        code: finding.code,
        message: &finding.message,
    }))
}

/// Compares them at the time `now`.
pub(crate) fn compare(old: Side<'_>, new: Side<'_>, now: OffsetDateTime) -> Comparison {
    let mut differences = Vec::new();
    compare_purpose(old.certificate, new.certificate, &mut differences);
    compare_environments(old.certificate, new.certificate, &mut differences);
    compare_teams(old.certificate, new.certificate, &mut differences);
    compare_validity(old.certificate, new.certificate, now, &mut differences);
    compare_keys(old.key, new.key, &mut differences);
    let overlap = overlap(old.certificate, new.certificate);
    Comparison {
        drop_in: Level::worst(&differences) != Level::Failure,
        key_reused: old.certificate.public_key.is_same_key(&new.certificate.public_key),
        overlap_days: overlap.days(),
        overlap_seconds: overlap.seconds(),
        differences,
    }
}

fn overlap(old: &Certificate, new: &Certificate) -> TimeLeft {
    TimeLeft::until(old.not_after.min(new.not_after), old.not_before.max(new.not_before))
}

fn compare_purpose(old: &Certificate, new: &Certificate, differences: &mut Vec<Finding>) {
    if old.kind != new.kind {
        let message = format!("the kind has changed from {} to {}", old.kind.describe(), new.kind.describe());
        differences.push(Finding::failure(FindingCode::OtherKind, message));
    }
    // Devices are enrolled for the UID, which is the topic: the topics would say the same again.
    if old.kind == CertificateKind::Mdm && old.uid != new.uid {
        let message = format!(
            "the UID has changed from {} to {}: every enrolled device falls silent, and each must be enrolled again",
            or_none(&old.uid),
            or_none(&new.uid)
        );
        differences.push(Finding::failure(FindingCode::OtherMdmUid, message));
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

fn compare_keys(old: KeyState, new: KeyState, differences: &mut Vec<Finding>) {
    match new {
        KeyState::Missing if old == KeyState::Matches => {
            let message = "the new file has no private key, the old one has";
            differences.push(Finding::failure(FindingCode::KeyMissing, message));
        }
        KeyState::Mismatch => {
            let message = "the private key in the new file is not that of its certificate";
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

    const NOW: OffsetDateTime = datetime!(2026-12-01 0:00 UTC);

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
        let side = |certificate, key| Side { certificate, key };
        let comparison = compare(side(old, keys.0), side(new, keys.1), NOW);
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
