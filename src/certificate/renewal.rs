//! Whether a new certificate can take the place of an old one.

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::warning::{KeyState, days_ago};
use crate::text::text_list;

/// A certificate, and what is known of its key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    /// The certificate.
    pub(crate) certificate: &'a Certificate,
    /// What is known of its key.
    pub(crate) key: KeyState,
}

/// What is found, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DifferenceCode {
    /// The new one ends no later than the old one.
    NotRenewed,
    /// It is for another purpose.
    OtherKind,
    /// The UID of an MDM certificate has changed.
    OtherMdmUid,
    /// A topic has gone.
    TopicLost,
    /// A topic has come.
    TopicGained,
    /// An environment has gone.
    EnvironmentLost,
    /// An environment has come.
    EnvironmentGained,
    /// It belongs to another team.
    OtherTeam,
    /// The old one had its key beside it, the new one has not.
    KeyMissing,
    /// The key beside the new one belongs to another.
    KeyMismatch,
    /// The new one has expired.
    Expired,
    /// The new one is not valid yet.
    NotYetValid,
    /// Between the two there is a time when neither is valid.
    Gap,
}

/// One thing in which they differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// Whether the new one can therefore not take the place of the old one.
    pub(crate) breaks: bool,
    /// For machines.
    pub(crate) code: DifferenceCode,
    /// For people.
    pub(crate) message: String,
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
    pub(crate) differences: Vec<Difference>,
}

/// Compares them at the time `now`.
pub(crate) fn compare(old: Side<'_>, new: Side<'_>, now: OffsetDateTime) -> Comparison {
    let mut differences = Vec::new();
    let mut note = |breaks, code, message: String| differences.push(Difference { breaks, code, message });
    identity(old.certificate, new.certificate, &mut note);
    validity(old.certificate, new.certificate, now, &mut note);
    match new.key {
        KeyState::Missing if old.key == KeyState::Matches => {
            note(true, DifferenceCode::KeyMissing, "the new file has no private key, the old one has".to_owned());
        }
        KeyState::Mismatch => {
            let message = "the private key in the new file is not that of its certificate";
            note(true, DifferenceCode::KeyMismatch, message.to_owned());
        }
        KeyState::Missing | KeyState::Matches => {}
    }
    Comparison {
        drop_in: !differences.iter().any(|difference| difference.breaks),
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
fn identity(old: &Certificate, new: &Certificate, note: &mut impl FnMut(bool, DifferenceCode, String)) {
    if old.kind != new.kind {
        let message = format!("the kind has changed from {} to {}", old.kind.describe(), new.kind.describe());
        note(true, DifferenceCode::OtherKind, message);
    }
    // Devices are enrolled for the UID, which is the topic: that says it all.
    if old.kind == CertificateKind::Mdm && old.uid != new.uid {
        let uid = |certificate: &Certificate| certificate.uid.clone().unwrap_or_else(|| "none".to_owned());
        let message = format!(
            "the UID has changed from {} to {}: every enrolled device falls silent, and each must be enrolled again",
            uid(old),
            uid(new)
        );
        note(true, DifferenceCode::OtherMdmUid, message);
    } else {
        let topics = |of: &Certificate, without: &Certificate| {
            let is_there = |topic: &str| without.topics.iter().any(|other| other.topic == topic);
            let names = of.topics.iter().map(|topic| topic.topic.as_str()).filter(|topic| !is_there(topic));
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        for lost in topics(old, new) {
            note(true, DifferenceCode::TopicLost, format!("the new one may not send to the topic {lost}"));
        }
        for gained in topics(new, old) {
            note(false, DifferenceCode::TopicGained, format!("the new one may also send to the topic {gained}"));
        }
    }
    let environments = |of: &Certificate, without: &Certificate| {
        let others: Vec<Environment> =
            of.environments.iter().copied().filter(|one| !without.environments.contains(one)).collect();
        (!others.is_empty()).then(|| text_list(others.iter().map(|environment| environment.name())))
    };
    if let Some(lost) = environments(old, new) {
        note(true, DifferenceCode::EnvironmentLost, format!("the new one may not be used in {lost}"));
    }
    if let Some(gained) = environments(new, old) {
        note(false, DifferenceCode::EnvironmentGained, format!("the new one may also be used in {gained}"));
    }
    if old.team_id != new.team_id {
        let team = |team: &Option<String>| team.clone().unwrap_or_else(|| "none".to_owned());
        let message = format!("the team has changed from {} to {}", team(&old.team_id), team(&new.team_id));
        note(true, DifferenceCode::OtherTeam, message);
    }
}

fn validity(
    old: &Certificate,
    new: &Certificate,
    now: OffsetDateTime,
    note: &mut impl FnMut(bool, DifferenceCode, String),
) {
    if old.der == new.der {
        note(true, DifferenceCode::NotRenewed, "both are the same certificate".to_owned());
    } else if new.not_after <= old.not_after {
        let (old, new) = (old.not_after.date(), new.not_after.date());
        let message = format!("the new one ends on {new}, no later than the old one ({old}): are they swapped?");
        note(true, DifferenceCode::NotRenewed, message);
    }
    if new.is_expired(now) {
        let message = format!("the new one expired on {} ({})", new.not_after.date(), days_ago(new.days_left(now)));
        note(true, DifferenceCode::Expired, message);
    }
    if new.is_not_yet_valid(now) {
        let message = format!("the new one is not valid before {}", new.not_before.date());
        note(true, DifferenceCode::NotYetValid, message);
    }
    if new.not_before > old.not_after {
        let (old, new) = (old.not_after.date(), new.not_before.date());
        let message = format!("neither is valid between {old} and {new}");
        note(false, DifferenceCode::Gap, message);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-12-01 0:00 UTC);

    fn fixture(name: &str, from: OffsetDateTime, until: OffsetDateTime) -> Certificate {
        let path = format!("{}/fixtures/der/{name}.cer", env!("CARGO_MANIFEST_DIR"));
        let certificate = Certificate::parse(&std::fs::read(path).unwrap()).unwrap();
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

    fn codes(old: &Certificate, new: &Certificate, keys: (KeyState, KeyState)) -> Vec<(bool, DifferenceCode)> {
        let side = |certificate, key| Side { certificate, key };
        let comparison = compare(side(old, keys.0), side(new, keys.1), NOW);
        let breaks = comparison.differences.iter().any(|difference| difference.breaks);
        assert_eq!(comparison.drop_in, !breaks);
        comparison.differences.into_iter().map(|difference| (difference.breaks, difference.code)).collect()
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
        use DifferenceCode::*;
        let universal = old("universal");
        assert_eq!(codes(&universal, &universal, KEYS), [(true, NotRenewed)]);
        assert_eq!(codes(&new("universal"), &universal, KEYS), [(true, NotRenewed)]);
        assert_eq!(codes(&universal, &new("universal"), (KeyState::Matches, KeyState::Missing)), [(true, KeyMissing)]);
        let mismatch = (KeyState::Missing, KeyState::Mismatch);
        assert_eq!(codes(&universal, &new("universal"), mismatch), [(true, KeyMismatch)]);
        let team = Certificate { team_id: None, ..new("universal") };
        assert_eq!(codes(&universal, &team, KEYS), [(true, OtherTeam)]);
        let fewer = Certificate { topics: universal.topics[..1].to_vec(), ..new("universal") };
        assert_eq!(codes(&universal, &fewer, KEYS), [(true, TopicLost), (true, TopicLost)]);
        assert_eq!(codes(&fewer, &universal, KEYS)[..2], [(false, TopicGained), (false, TopicGained)]);
        let sandbox = Certificate { environments: vec![Environment::Sandbox], ..new("universal") };
        assert_eq!(codes(&universal, &sandbox, KEYS), [(true, EnvironmentLost)]);
        let kind = Certificate { kind: CertificateKind::ApnsSandbox, ..new("universal") };
        assert_eq!(codes(&universal, &kind, KEYS), [(true, OtherKind)]);
    }

    #[test]
    fn an_mdm_certificate_keeps_its_uid() {
        let new = Certificate { uid: Some("com.apple.mgmt.External.other".into()), topics: vec![], ..new("mdm") };
        assert_eq!(codes(&old("mdm"), &new, KEYS), [(true, DifferenceCode::OtherMdmUid)]);
    }

    #[test]
    fn a_gap_is_told_and_the_future_does_not_serve_today() {
        let (from, until) = (datetime!(2027-01-30 0:00 UTC), datetime!(2028-01-30 0:00 UTC));
        let late = fixture("universal", from, until);
        let expected = [(true, DifferenceCode::NotYetValid), (false, DifferenceCode::Gap)];
        assert_eq!(codes(&old("universal"), &late, KEYS), expected);
        assert_eq!(overlap_days(&old("universal"), &late), -30);
    }
}
