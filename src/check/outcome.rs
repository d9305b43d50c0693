//! The outcomes of a check: which observation leads to which, and what each means for the exit code.

use serde::Serialize;

use crate::exit::ExitKind;
use crate::finding::{FindingCode, Level};

/// The answer to "does APNs accept this certificate?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Yes.
    Accepted,
    /// Yes, of a gateway in a run that does not end with 0 for another cause: another gateway, the expectation.
    Passed,
    /// The certificate was judged good by the gateway; the topic, the device token or the policy of the run refuses it.
    Refused,
    /// No.
    Rejected,
    /// The gateway was reached, but gave no proof either way.
    Unproven,
    /// The gateway was not reached.
    Unreachable,
}

/// A row of [`OUTCOMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OutcomeRow {
    outcome: Outcome,
    word: &'static str,
    code: FindingCode,
    level: Level,
    /// The kind of exit; `None` is exit code 0.
    exit: Option<ExitKind>,
}

/// A row whose outcome fails the run.
const fn failure(outcome: Outcome, word: &'static str, code: FindingCode) -> OutcomeRow {
    OutcomeRow { outcome, word, code, level: Level::Failure, exit: Some(code.exit_kind()) }
}

/// All outcomes. Only proof ends a run with 0.
const OUTCOMES: [OutcomeRow; 6] = [
    OutcomeRow {
        outcome: Outcome::Accepted,
        word: "accepted",
        code: FindingCode::Accepted,
        level: Level::Ok,
        exit: None,
    },
    OutcomeRow { outcome: Outcome::Passed, word: "passed", code: FindingCode::Passed, level: Level::Ok, exit: None },
    failure(Outcome::Refused, "refused", FindingCode::Refused),
    failure(Outcome::Rejected, "rejected", FindingCode::Rejected),
    failure(Outcome::Unproven, "unproven", FindingCode::Unproven),
    failure(Outcome::Unreachable, "unreachable", FindingCode::Unreachable),
];

impl Outcome {
    /// All outcomes, in the order of [`OUTCOMES`].
    pub(crate) const ALL: [Self; OUTCOMES.len()] =
        [Self::Accepted, Self::Passed, Self::Refused, Self::Rejected, Self::Unproven, Self::Unreachable];

    const fn row(self) -> &'static OutcomeRow {
        &OUTCOMES[self as usize]
    }

    /// Returns whether the gateway accepts the certificate.
    pub(crate) const fn is_acceptance(self) -> bool {
        matches!(self, Self::Accepted | Self::Passed)
    }

    /// Returns whether the gateway has shown its judgement.
    pub(crate) const fn is_proof(self) -> bool {
        !matches!(self, Self::Unproven | Self::Unreachable)
    }

    /// Returns the outcome as a run tells it that does not end with 0.
    pub(crate) const fn in_a_run_that_fails(self) -> Self {
        match self {
            Self::Accepted => Self::Passed,
            other => other,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        self.row().word
    }

    pub(crate) const fn level(self) -> Level {
        self.row().level
    }

    pub(crate) const fn code(self) -> FindingCode {
        self.row().code
    }
}

/// What was observed of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The notification was taken: status 200.
    Delivered,
    /// BadDeviceToken or DeviceTokenNotForTopic, about the random token of the probe.
    RandomTokenUnknown,
    /// TopicDisallowed, BadTopic or MissingTopic.
    TopicRefused,
    /// A reason about the device token that the user named.
    NamedTokenRefused,
    /// The gateway judged the certificate good, the policy of the run did not.
    PolicyViolated,
    /// BadCertificate, BadCertificateEnvironment, Forbidden, or an alert that names the certificate.
    CertificateRefused,
    /// A reason about the provider token, which was refused.
    ProviderTokenRefused,
    /// The issuer has revoked the certificate, in a signed CRL or OCSP response.
    Revoked,
    /// 429, 5xx, or a reason about the state of the server.
    ServerTrouble,
    /// A reason with a status that APNs does not give with it.
    OtherStatus,
    /// Another status, or a reason that says nothing of the certificate.
    OtherAnswer,
    /// The server requested no certificate.
    NotRequested,
    /// The server requested a certificate, and takes no signature of this one's key.
    NotSent,
    /// An alert that names no cause, or another cause than the certificate.
    OtherAlert,
    /// The connection ended, or the time was up, before there was an answer.
    NoAnswer,
    /// No notification was sent.
    NotProbed,
    /// Nothing was sent, because the certificate cannot be presented.
    NotPresented,
    /// The issuer was to be asked about a revocation, and gave no valid answer.
    RevocationUnknown,
    /// There is no connection to the gateway.
    NotReached,
}

impl Evidence {
    /// Returns the outcome. This is the only place that decides it.
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            Self::Delivered | Self::RandomTokenUnknown => Outcome::Accepted,
            Self::TopicRefused | Self::NamedTokenRefused | Self::PolicyViolated => Outcome::Refused,
            Self::CertificateRefused | Self::ProviderTokenRefused | Self::Revoked => Outcome::Rejected,
            Self::ServerTrouble
            | Self::OtherStatus
            | Self::OtherAnswer
            | Self::NotRequested
            | Self::NotSent
            | Self::OtherAlert
            | Self::NoAnswer
            | Self::NotProbed
            | Self::NotPresented
            | Self::RevocationUnknown => Outcome::Unproven,
            Self::NotReached => Outcome::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Ending;

    #[test]
    fn each_outcome_has_its_row_and_only_acceptance_ends_with_0() {
        for (outcome, row) in Outcome::ALL.into_iter().zip(&OUTCOMES) {
            assert_eq!((row.outcome, outcome.row()), (outcome, row));
            let mut ending = Ending::default();
            ending.add(outcome.level(), outcome.code());
            assert_eq!(ending.exit, row.exit, "{}", row.word);
            let is_good = matches!(outcome, Outcome::Accepted | Outcome::Passed);
            assert_eq!(row.exit.is_none(), is_good, "{}", row.word);
        }
    }

    #[test]
    fn the_exit_codes_are_those_of_the_help() {
        let codes = OUTCOMES.map(|row| row.exit.map_or(0, ExitKind::code));
        assert_eq!(codes, [0, 0, 1, 1, 1, 5]);
    }
}
