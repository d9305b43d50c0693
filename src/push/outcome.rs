//! The end of one device token: six outcomes, one of which each token of the input gets.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use crate::push::recipient::{DeviceToken, InvalidToken};

/// The outcome of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// APNs took the notification, which does not mean that it was delivered.
    Accepted,
    /// APNs refused it.
    Refused,
    /// The device token is no longer active: status 410.
    Unregistered,
    /// It is no device token.
    Invalid,
    /// It was not sent, or APNs has certainly not processed it.
    NotSent,
    /// It was sent, and no answer came.
    Unknown,
}

/// All outcomes, in the order of the summary.
pub(crate) const OUTCOMES: [Outcome; 6] =
    [Outcome::Accepted, Outcome::Refused, Outcome::Unregistered, Outcome::Invalid, Outcome::NotSent, Outcome::Unknown];

/// The answer of APNs, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted {
        status: u16,
        unique_id: Option<String>,
    },
    Refused {
        status: u16,
        reason: Option<Cow<'static, str>>,
    },
    Unregistered {
        status: u16,
        reason: Option<Cow<'static, str>>,
        /// The time in milliseconds since 1970.
        since: Option<u64>,
    },
    Invalid(InvalidToken),
    NotSent {
        cause: Cow<'static, str>,
    },
    /// It was answered, and certainly not processed: it is as one that was not sent.
    Unprocessed {
        status: u16,
        reason: Option<Cow<'static, str>>,
        cause: Cow<'static, str>,
    },
    Unknown {
        cause: Cow<'static, str>,
    },
}

impl Verdict {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Accepted { .. } => Outcome::Accepted,
            Self::Refused { .. } => Outcome::Refused,
            Self::Unregistered { .. } => Outcome::Unregistered,
            Self::Invalid(_) => Outcome::Invalid,
            Self::NotSent { .. } | Self::Unprocessed { .. } => Outcome::NotSent,
            Self::Unknown { .. } => Outcome::Unknown,
        }
    }

    /// Returns the status of the answer.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Accepted { status, .. }
            | Self::Refused { status, .. }
            | Self::Unregistered { status, .. }
            | Self::Unprocessed { status, .. } => Some(*status),
            Self::Invalid(_) | Self::NotSent { .. } | Self::Unknown { .. } => None,
        }
    }

    /// Returns APNs' own name for the reason.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused { reason, .. } | Self::Unregistered { reason, .. } | Self::Unprocessed { reason, .. } => {
                reason.as_deref()
            }
            _ => None,
        }
    }

    /// Returns the verdict on a token whose refusal means that it was not processed.
    pub(super) fn unprocessed(self, cause: &str) -> Self {
        let answer = self.answer_text();
        match self {
            Self::Refused { status, reason } => {
                let cause = Cow::Owned(format!("{cause}; before, it was answered with {answer}"));
                Self::Unprocessed { status, reason, cause }
            }
            other => other,
        }
    }

    /// Returns status and reason of an answer, for people.
    pub(super) fn answer_text(&self) -> String {
        match (self.status(), self.reason()) {
            (Some(status), Some(reason)) => format!("{status} {reason}"),
            (Some(status), None) => status.to_string(),
            (None, _) => self.detail().unwrap_or_default().to_owned(),
        }
    }

    /// Returns what happened, where APNs gives no reason.
    pub(crate) fn detail(&self) -> Option<&str> {
        match self {
            Self::Invalid(invalid) => Some(invalid.problem),
            Self::NotSent { cause } | Self::Unprocessed { cause, .. } | Self::Unknown { cause } => Some(cause),
            _ => None,
        }
    }
}

/// A token that has its outcome.
#[derive(Debug)]
pub(crate) struct Settled {
    /// The line of the input, the number of the option, or the ID in the database.
    pub(crate) position: u64,
    /// The position under which it was sent first.
    pub(crate) origin: u64,
    /// `None` if it is invalid.
    pub(crate) token: Option<DeviceToken>,
    pub(crate) verdict: Verdict,
    pub(crate) apns_id: Option<Uuid>,
    /// The number of requests.
    pub(crate) attempts: u32,
    /// True if it was sent again although an earlier request may have been accepted.
    pub(crate) may_be_duplicate: bool,
    /// The time from the first request to the answer.
    pub(crate) elapsed: Duration,
}

impl Settled {
    /// Makes the outcome of a text that is no token.
    pub(super) fn invalid(position: u64, invalid: InvalidToken) -> Self {
        Self {
            position,
            origin: position,
            token: None,
            verdict: Verdict::Invalid(invalid),
            apns_id: None,
            attempts: 0,
            may_be_duplicate: false,
            elapsed: Duration::ZERO,
        }
    }
}
