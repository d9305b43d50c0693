//! Whether a new certificate can take the place of an old one.

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::warning::{KeyState, days_ago};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::text_list;

/// A certificate, and what is known of its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    /// The certificate.
    pub(crate) certificate: &'a Certificate,
    /// What is known of its key.
    pub(crate) key: KeyState,
}

/// Both compared.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    /// Whether the new one can take the place of the old one.
    pub(crate) drop_in: bool,
    /// Whether both have the same key.
    pub(crate) key_reused: bool,
    /// The days during which both are valid; negative where there is a gap.
    pub(crate) overlap_days: i64,
    /// In what they differ.
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
    let mut note = |level, code, message: String| differences.push(Finding::new(level, code, message));
    identity(old.certificate, new.certificate, &mut note);
    validity(old.certificate, new.certificate, now, &mut note);
    match new.key {
        KeyState::Missing if old.key == KeyState::Matches => {
            note(
                Level::Failure,
                FindingCode::KeyMissing,
                "the new file has no private key, the old one has".to_owned(),
            );
        }
        KeyState::Mismatch => {
            let message = "the private key in the new file is not that of its certificate";
            note(Level::Failure, FindingCode::KeyMismatch, message.to_owned());
        }
        KeyState::Missing | KeyState::Matches => {}
    }
    Comparison {
        drop_in: Level::worst(&differences) != Level::Failure,
        key_reused: old.certificate.public_key.is_same_key(&new.certificate.public_key),
        overlap_days: overlap_days(old.certificate, new.certificate),
        differences,
    }
}

fn overlap_days(old: &Certificate, new: &Certificate) -> i64 {
    let overlap = old.not_after.min(new.not_after) - old.not_before.max(new.not_before);
    overlap.whole_seconds().div_euclid(86_400)
}

/// What it is for and whose it is.
fn identity(old: &Certificate, new: &Certificate, note: &mut impl FnMut(Level, FindingCode, String)) {
    if old.kind != new.kind {
        let message = format!("the kind has changed from {} to {}", old.kind.describe(), new.kind.describe());
        note(Level::Failure, FindingCode::OtherKind, message);
    }
    // Devices are enrolled for the UID, which is the topic: that says it all.
    if old.kind == CertificateKind::Mdm && old.uid != new.uid {
        let uid = |certificate: &Certificate| certificate.uid.clone().unwrap_or_else(|| "none".to_owned());
        let message = format!(
            "the UID has changed from {} to {}: every enrolled device falls silent, and each must be enrolled again",
            uid(old),
            uid(new)
        );
        note(Level::Failure, FindingCode::OtherMdmUid, message);
    } else {
        let topics = |of: &Certificate, without: &Certificate| {
            let is_there = |topic: &str| without.topics.iter().any(|other| other.topic == topic);
            let names = of.topics.iter().map(|topic| topic.topic.as_str()).filter(|topic| !is_there(topic));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        for lost in topics(old, new) {
            note(Level::Failure, FindingCode::TopicLost, format!("the new one may not send to the topic {lost}"));
        }
        for gained in topics(new, old) {
            note(Level::Ok, FindingCode::TopicGained, format!("the new one may also send to the topic {gained}"));
        }
    }
    let environments = |of: &Certificate, without: &Certificate| {
        let others: Vec<Environment> =
            of.environments.iter().copied().filter(|one| !without.environments.contains(one)).collect();
        (!others.is_empty()).then(|| text_list(others.iter().map(|environment| environment.name())))
    };
    if let Some(lost) = environments(old, new) {
        note(Level::Failure, FindingCode::EnvironmentLost, format!("the new one may not be used in {lost}"));
    }
    if let Some(gained) = environments(new, old) {
        note(Level::Ok, FindingCode::EnvironmentGained, format!("the new one may also be used in {gained}"));
    }
    if old.team_id != new.team_id {
        let team = |team: &Option<String>| team.clone().unwrap_or_else(|| "none".to_owned());
        let message = format!("the team has changed from {} to {}", team(&old.team_id), team(&new.team_id));
        note(Level::Failure, FindingCode::OtherTeam, message);
    }
}

fn validity(
    old: &Certificate,
    new: &Certificate,
    now: OffsetDateTime,
    note: &mut impl FnMut(Level, FindingCode, String),
) {
    if old.der == new.der {
        note(Level::Failure, FindingCode::NotRenewed, "both are the same certificate".to_owned());
    } else if new.not_after <= old.not_after {
        let (old, new) = (old.not_after.date(), new.not_after.date());
        let message = format!("the new one ends on {new}, no later than the old one ({old}): are they swapped?");
        note(Level::Failure, FindingCode::NotRenewed, message);
    }
    if new.is_expired(now) {
        let message = format!("the new one expired on {} ({})", new.not_after.date(), days_ago(new.days_left(now)));
        note(Level::Failure, FindingCode::Expired, message);
    }
    if new.is_not_yet_valid(now) {
        let message = format!("the new one is not valid before {}", new.not_before.date());
        note(Level::Failure, FindingCode::NotYetValid, message);
    }
    if new.not_before > old.not_after {
        let (old, new) = (old.not_after.date(), new.not_before.date());
        let message = format!("neither is valid between {old} and {new}");
        note(Level::Ok, FindingCode::Gap, message);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
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
        assert_eq!(overlap_days(&old, &new), 31);
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
    fn a_gap_is_told_and_the_future_does_not_serve_today() {
        let (from, until) = (datetime!(2027-01-30 0:00 UTC), datetime!(2028-01-30 0:00 UTC));
        let late = fixture("universal", from, until);
        let expected = [(Level::Failure, FindingCode::NotYetValid), (Level::Ok, FindingCode::Gap)];
        assert_eq!(codes(&old("universal"), &late, KEYS), expected);
        assert_eq!(overlap_days(&old("universal"), &late), -30);
    }
}
