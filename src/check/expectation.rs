//! The outcome that the user expects, for tests that a certificate is refused.

use std::str::FromStr;

use crate::apns::alert::{self, AlertCause};
use crate::apns::reason::{REASONS, ReasonSubject};
use crate::check::ground::Ground;
use crate::check::outcome::Outcome;
use crate::net::alert::ALERTS;

/// An expected outcome, with its reason if that matters. Outcomes without proof cannot be expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expectation {
    outcome: Outcome,
    reason: Option<String>,
}

impl Expectation {
    /// The outcomes that can be expected: those that prove something.
    pub(crate) const OUTCOMES: [Outcome; 3] = [Outcome::Accepted, Outcome::Refused, Outcome::Rejected];

    /// Returns all expectations with a reason, as they are written.
    pub(crate) fn texts() -> Vec<String> {
        let mut texts = Vec::new();
        for outcome in Self::OUTCOMES {
            for reason in reasons_of(outcome) {
                texts.push(format!("{}:{reason}", outcome.word()));
            }
        }
        texts
    }

    /// Returns whether an outcome is the expected one.
    pub(crate) fn is_met(&self, outcome: Outcome, reason: Option<&str>) -> bool {
        outcome == self.outcome && (self.reason.is_none() || self.reason.as_deref() == reason)
    }

    /// Returns the expectation in words. The word "accepted" is kept for what was accepted.
    pub(crate) fn description(&self) -> String {
        let word = match self.outcome {
            Outcome::Accepted => "acceptance",
            other => other.word(),
        };
        match &self.reason {
            Some(reason) => format!("{word}:{reason}"),
            None => word.to_owned(),
        }
    }
}

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, reason) = match text.split_once(':') {
            Some((word, reason)) => (word, Some(reason)),
            None => (text, None),
        };
        let Some(outcome) = Self::OUTCOMES.into_iter().find(|outcome| outcome.word() == word) else {
            return Err(
                "accepted, refused or rejected is expected, if need be with a reason: rejected:certificate_revoked"
                    .to_owned(),
            );
        };
        let reasons = reasons_of(outcome);
        match reason {
            Some(name) if !reasons.contains(&name) => Err(format!("the reasons of {word} are {}", reasons.join(", "))),
            _ => Ok(Self { outcome, reason: reason.map(str::to_owned) }),
        }
    }
}

/// Returns the reasons that can stand beside an outcome. Only a reason of a table proves something.
fn reasons_of(outcome: Outcome) -> Vec<&'static str> {
    use ReasonSubject::{Certificate, Device, ProviderToken, Topic};
    let subjects: &[ReasonSubject] = match outcome {
        Outcome::Rejected => &[Certificate, ProviderToken],
        Outcome::Refused => &[Topic, Device],
        _ => &[],
    };
    let mut names = match outcome {
        Outcome::Accepted => vec!["BadDeviceToken", "DeviceTokenNotForTopic"],
        Outcome::Rejected => vec![Ground::Revoked.explanation().name],
        _ => Vec::new(),
    };
    if outcome == Outcome::Rejected {
        for alert in &ALERTS {
            if alert::find(alert.number).is_some_and(|meaning| meaning.cause == AlertCause::Certificate) {
                names.push(alert.name);
            }
        }
    }
    for reason in &REASONS {
        // A gateway that saw no provider token has judged none.
        if subjects.contains(&reason.subject) && reason.name != "MissingProviderToken" {
            names.push(reason.name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_expected_outcome_and_reason_meet_an_expectation() {
        let parse = |text: &str| text.parse::<Expectation>().unwrap();
        for (text, outcome, reason, is_met) in [
            ("rejected", Outcome::Rejected, Some("certificate_revoked"), true),
            ("rejected:certificate_revoked", Outcome::Rejected, Some("certificate_revoked"), true),
            ("rejected:certificate_revoked", Outcome::Rejected, Some("certificate_expired"), false),
            ("rejected:certificate_revoked", Outcome::Unproven, Some("certificate_revoked"), false),
            ("rejected:certificate_revoked", Outcome::Rejected, None, false),
            ("accepted", Outcome::Accepted, None, true),
            ("refused", Outcome::Refused, Some("TopicDisallowed"), true),
        ] {
            assert_eq!(parse(text).is_met(outcome, reason), is_met, "{text} {outcome:?} {reason:?}");
        }
        for text in ["accepted", "refused", "rejected"] {
            for outcome in [Outcome::Unproven, Outcome::Unreachable] {
                assert!(!parse(text).is_met(outcome, None), "{text}");
            }
        }
        for wrong in [
            "",
            "unproven",
            "unreachable",
            "rejected:",
            "Rejected",
            "yes",
            "rejected:certificate-revoked",
            "rejected:internal_error",
            "rejected:MissingProviderToken",
            "rejected:TopicDisallowed",
            "refused:BadCertificate",
            "accepted:Unregistered",
        ] {
            assert!(wrong.parse::<Expectation>().is_err(), "{wrong}");
        }
        assert_eq!(parse("accepted").description(), "acceptance");
        assert_eq!(parse("rejected:unknown_ca").description(), "rejected:unknown_ca");
    }
}
