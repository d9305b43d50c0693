//! Judges a certificate: its facts, the time and a policy make findings.

use serde::Serialize;
use time::{Duration, OffsetDateTime};

use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::certificate::chain::{AppleChain, ChainStatus};
use crate::certificate::threshold::Threshold;
use crate::certificate::time_left::TimeLeft;
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{Printable, printable, printable_name, text_list};

/// The policy for every certificate.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ExpiryPolicy {
    /// Less time than this is a warning.
    pub(crate) warn: Threshold,
    /// Less time than this is a failure.
    pub(crate) fail: Threshold,
    pub(crate) expect: Expectations,
}

/// The expectations of every leaf.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Expectations {
    /// It may send to each of these.
    pub(crate) topics: Vec<String>,
    /// It may be used in each of these.
    pub(crate) environments: Vec<Environment>,
    /// It belongs to this team.
    pub(crate) team_id: Option<String>,
    /// Its key is there.
    pub(crate) key: bool,
    /// Its chain leads to Apple's root.
    pub(crate) apple: bool,
}

/// The role of a certificate in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CertificateRole {
    /// It belongs to a key.
    Leaf,
    /// An authority that another authority issued.
    Intermediate,
    /// An authority that issued itself.
    Root,
    /// A provisioning profile, which has an end of its own.
    Profile,
    /// The certificate of a developer in a provisioning profile.
    Developer,
}

impl CertificateRole {
    /// Returns the role of a certificate.
    pub(crate) fn of(certificate: &Certificate, is_leaf: bool) -> Self {
        match is_leaf {
            true => Self::Leaf,
            false if certificate.is_self_issued() => Self::Root,
            false => Self::Intermediate,
        }
    }

    /// Returns what a list adds to the name of a certificate: nothing for a leaf.
    pub(crate) const fn note(self) -> &'static str {
        match self {
            Self::Leaf => "",
            Self::Intermediate => " (intermediate)",
            Self::Root => " (root)",
            Self::Profile => " (profile)",
            Self::Developer => " (developer)",
        }
    }

    /// Returns its word, which JSON has too.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Leaf => "leaf",
            Self::Intermediate => "intermediate",
            Self::Root => "root",
            Self::Profile => "profile",
            Self::Developer => "developer",
        }
    }
}

/// The facts that are judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) certificate: &'a Certificate,
    pub(crate) role: CertificateRole,
    pub(crate) key: KeyState,
    /// Its chain, which only [`Expectations::apple`] asks for.
    pub(crate) chain: Option<&'a AppleChain>,
}

/// Holds a certificate to the policy at the time `now`. Exactly as much time as a threshold asks for is
/// enough; expectations are for leaves.
pub(crate) fn judge(facts: &Facts<'_>, policy: &ExpiryPolicy, now: OffsetDateTime) -> Vec<Finding> {
    let Certificate { not_before, not_after, .. } = *facts.certificate;
    let mut findings = judge_validity(Validity { not_before, not_after }, policy, now);
    if facts.role == CertificateRole::Leaf {
        findings.append(&mut judge_expectations(facts, &policy.expect));
    }
    findings
}

/// The beginning and the end of a validity.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Validity {
    pub(crate) not_before: OffsetDateTime,
    pub(crate) not_after: OffsetDateTime,
}

/// Holds a validity to the policy.
pub(crate) fn judge_validity(validity: Validity, policy: &ExpiryPolicy, now: OffsetDateTime) -> Vec<Finding> {
    let mut findings: Vec<Finding> = time_left(validity, policy, now).into_iter().collect();
    if now < validity.not_before {
        let mut message = format!("is not valid before {}", validity.not_before.date());
        let wait = TimeLeft::until(validity.not_before, now);
        if wait.days() == 0 {
            message.push_str(&format!(", {}", wait.relative()));
        }
        findings.push(Finding::failure(FindingCode::NotYetValid, message));
    }
    findings
}

/// Holds a leaf to the expectations alone, whatever its validity is.
pub(crate) fn judge_expectations(facts: &Facts<'_>, expect: &Expectations) -> Vec<Finding> {
    let mut findings = Vec::new();
    expect_topics(facts.certificate, &expect.topics, &mut findings);
    expect_environments(facts.certificate, &expect.environments, &mut findings);
    if let Some(team) = &expect.team_id {
        expect_team(facts.certificate, team, &mut findings);
    }
    if expect.key {
        expect_key(facts.key, &mut findings);
    }
    if expect.apple {
        expect_apple(facts.chain, &mut findings);
    }
    findings
}

fn time_left(validity: Validity, policy: &ExpiryPolicy, now: OffsetDateTime) -> Option<Finding> {
    let Validity { not_before, not_after } = validity;
    let (left, lifetime) = (not_after - now, not_after - not_before);
    let (relative, date) = (TimeLeft::until(not_after, now).relative(), not_after.date());
    if now > not_after {
        let message = format!("expired on {date} ({relative})");
        return Some(Finding::failure(FindingCode::Expired, message));
    }
    for (level, threshold) in [(Level::Failure, policy.fail), (Level::Warning, policy.warn)] {
        if left < threshold.of(lifetime) {
            let message = format!("expires on {date} ({relative}), sooner than {threshold}");
            let hint = advise_share(threshold, lifetime);
            return Some(Finding { hint, ..Finding::new(level, FindingCode::ExpiresSoon, message) });
        }
    }
    None
}

/// Advises a share of the lifetime where that is so short that the threshold is never met.
fn advise_share(threshold: Threshold, lifetime: Duration) -> Option<Printable> {
    if threshold.is_share() || threshold.of(lifetime) < lifetime {
        return None;
    }
    let whole = TimeLeft::from_seconds(lifetime.whole_seconds()).amount();
    Some(
        format!("its whole lifetime ({whole}) is no longer than {threshold}: a share of it, such as 10%, is met")
            .into(),
    )
}

fn expect_topics(certificate: &Certificate, expected: &[String], findings: &mut Vec<Finding>) {
    let topics: Vec<&str> = certificate.topics.iter().map(|topic| topic.topic.as_str()).collect();
    for topic in expected {
        if !topics.contains(&topic.as_str()) {
            let wanted = printable_name(topic);
            let message = match &topics[..] {
                [] => format!("may send to no topic, not to {wanted} either"),
                _ => format!(
                    "may not send to the topic {wanted}, only to {}",
                    printable(&text_list(topics.iter().copied()))
                ),
            };
            findings.push(Finding::failure(FindingCode::TopicMissing, message));
        }
    }
}

fn expect_environments(certificate: &Certificate, expected: &[Environment], findings: &mut Vec<Finding>) {
    for environment in expected {
        if !certificate.environments.contains(environment) {
            let others = text_list(certificate.environments.iter().map(|other| other.name()));
            let wanted = environment.name();
            let message = match &certificate.environments[..] {
                [] => format!("may be used in no environment of APNs, not in {wanted} either"),
                _ => format!("may not be used in {wanted}, only in {others}"),
            };
            findings.push(Finding::failure(FindingCode::EnvironmentMissing, message));
        }
    }
}

fn expect_team(certificate: &Certificate, expected: &str, findings: &mut Vec<Finding>) {
    let message = match &certificate.team_id {
        Some(team) if team == expected => return,
        Some(team) => format!("belongs to the team {team}, not to {expected}"),
        None => format!("names no team, and {expected} is expected"),
    };
    findings.push(Finding::failure(FindingCode::OtherTeam, message));
}

fn expect_key(key: KeyState, findings: &mut Vec<Finding>) {
    findings.push(match key {
        KeyState::Matches => return,
        KeyState::Missing => Finding::failure(FindingCode::KeyMissing, "has no private key beside it"),
        KeyState::Mismatch => Finding::failure(FindingCode::KeyMismatch, "does not match the private key beside it"),
        // The file is reported.
        KeyState::Unread => return,
    });
}

fn expect_apple(chain: Option<&AppleChain>, findings: &mut Vec<Finding>) {
    let message = match chain.map(|chain| chain.status) {
        Some(ChainStatus::Trusted) => return,
        Some(ChainStatus::Expired) => "leads to Apple's root, but an authority on the way has expired",
        Some(ChainStatus::Invalid) => "leads to Apple's root, but breaks a rule for paths",
        Some(ChainStatus::Incomplete) => "cannot be followed to Apple's root: its issuer is not known here",
        Some(ChainStatus::NotApple) | None => "was not issued by Apple",
    };
    findings.push(Finding::failure(FindingCode::NotApple, message));
}

/// Judges a run as a whole: a run that checked nothing must not pass.
pub(crate) fn judge_run(certificates: u64, leaves: u64, min_certificates: u64, expect: &Expectations) -> Vec<Finding> {
    let mut findings = Vec::new();
    if certificates < min_certificates {
        let found = match certificates {
            0 => "no certificate was found".to_owned(),
            1 => "1 certificate was found".to_owned(),
            n => format!("{n} certificates were found"),
        };
        let message = format!("{found}, {min_certificates} or more are expected");
        findings.push(Finding::failure(FindingCode::TooFewCertificates, message));
    }
    if *expect != Expectations::default() && leaves == 0 {
        let message = "there is no leaf certificate that could be what is expected";
        findings.push(Finding::failure(FindingCode::NoLeaf, message));
    }
    findings
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::test_support::certificate;

    fn universal() -> Certificate {
        // A year of 365 days, which Apple's certificates nearly have.
        Certificate {
            not_before: datetime!(2026-01-01 0:00 UTC),
            not_after: datetime!(2027-01-01 0:00 UTC),
            ..certificate("der/universal.cer")
        }
    }

    fn policy(warn: &str, fail: &str) -> ExpiryPolicy {
        ExpiryPolicy { warn: warn.parse().unwrap(), fail: fail.parse().unwrap(), expect: Expectations::default() }
    }

    fn verdicts(policy: &ExpiryPolicy, now: OffsetDateTime) -> Vec<(Level, FindingCode)> {
        let certificate = universal();
        let facts =
            Facts { certificate: &certificate, role: CertificateRole::Leaf, key: KeyState::Missing, chain: None };
        judge(&facts, policy, now).into_iter().map(|finding| (finding.level, finding.code)).collect()
    }

    #[test]
    fn the_boundaries_belong_to_the_better_side() {
        use FindingCode::{Expired, ExpiresSoon, NotYetValid};
        use Level::{Failure, Warning};
        let at = |now| verdicts(&policy("30d", "7d"), now);
        assert_eq!(at(datetime!(2026-12-02 0:00 UTC)), []);
        assert_eq!(at(datetime!(2026-12-02 0:00:01 UTC)), [(Warning, ExpiresSoon)]);
        assert_eq!(at(datetime!(2026-12-25 0:00 UTC)), [(Warning, ExpiresSoon)]);
        assert_eq!(at(datetime!(2026-12-25 0:00:01 UTC)), [(Failure, ExpiresSoon)]);
        assert_eq!(at(datetime!(2027-01-01 0:00 UTC)), [(Failure, ExpiresSoon)]);
        assert_eq!(at(datetime!(2027-01-01 0:00:01 UTC)), [(Failure, Expired)]);
        assert_eq!(at(datetime!(2026-01-01 0:00 UTC)), []);
        assert_eq!(at(datetime!(2025-12-31 23:59:59 UTC)), [(Failure, NotYetValid)]);
    }

    #[test]
    fn a_share_counts_from_the_lifetime() {
        let at = |now| verdicts(&policy("20%", "0d"), now).len();
        assert_eq!((at(datetime!(2026-10-20 0:00 UTC)), at(datetime!(2026-10-20 0:00:01 UTC))), (0, 1));
    }

    #[test]
    fn only_a_chain_that_is_whole_and_valid_is_apples() {
        let certificate = universal();
        let expect = Expectations { apple: true, ..Expectations::default() };
        let policy = ExpiryPolicy { expect, ..policy("30d", "7d") };
        let codes = |role, chain: Option<ChainStatus>| {
            let chain = chain.map(|status| AppleChain { status, intermediate: None, problem: None, is_forged: false });
            let facts = Facts { certificate: &certificate, role, key: KeyState::Missing, chain: chain.as_ref() };
            let findings = judge(&facts, &policy, datetime!(2026-06-01 0:00 UTC));
            findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(CertificateRole::Leaf, Some(ChainStatus::Trusted)), []);
        assert_eq!(codes(CertificateRole::Intermediate, None), []);
        for status in [ChainStatus::Expired, ChainStatus::Invalid, ChainStatus::Incomplete, ChainStatus::NotApple] {
            assert_eq!(codes(CertificateRole::Leaf, Some(status)), [FindingCode::NotApple]);
        }
        assert_eq!(codes(CertificateRole::Leaf, None), [FindingCode::NotApple]);
    }

    #[test]
    fn an_empty_run_meets_no_expectation() {
        let codes = |certificates, leaves, min, expect: &Expectations| {
            let findings = judge_run(certificates, leaves, min, expect);
            findings.into_iter().map(|finding| finding.code).collect::<Vec<_>>()
        };
        let nothing = Expectations::default();
        let key = Expectations { key: true, ..Expectations::default() };
        assert_eq!(codes(0, 0, 1, &nothing), [FindingCode::TooFewCertificates]);
        assert_eq!(codes(0, 0, 0, &nothing), []);
        assert_eq!(codes(2, 1, 3, &key), [FindingCode::TooFewCertificates]);
        assert_eq!(codes(2, 0, 1, &key), [FindingCode::NoLeaf]);
        assert_eq!(codes(2, 1, 2, &key), []);
    }
}
