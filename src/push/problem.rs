//! What ends a run before all tokens are sent.

use std::fmt;

use serde::Serialize;

use crate::apns::reason::{self, Reason};
use crate::exit::ExitKind;
use crate::push::source::SourceError;

/// The problem that has stopped a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Problem {
    /// A signal: Ctrl-C, or that of a process manager.
    Interrupted,
    /// There is no connection to the gateway.
    Unreachable { detail: String },
    /// The gateway refuses the certificate, the provider token or the topic, and so every notification.
    Rejected { reason: String, meaning: String, advice: Option<String> },
    /// Nobody would know what was sent.
    ResultsLost,
    /// The input cannot be read.
    Input {
        detail: String,
        /// The end of a run that has sent nothing before.
        #[serde(skip)]
        kind: ExitKind,
        /// As in [`SourceError::json_filter`].
        #[serde(skip)]
        json_filter: Option<&'static str>,
    },
}

impl Problem {
    /// Makes the problem of a reason, for a provider with tokens or with a certificate.
    pub(super) fn of_reason(name: &str, known: Option<&Reason>, has_tokens: bool) -> Self {
        if has_tokens && let Some(found) = reason::find_for_tokens(name) {
            let (meaning, advice) = (found.meaning.to_owned(), Some(found.advice.to_owned()));
            return Self::Rejected { reason: name.to_owned(), meaning, advice };
        }
        let (meaning, advice) = match known {
            Some(reason) if reason.advice.is_empty() => (reason.meaning, None),
            Some(reason) => (reason.meaning, Some(reason.advice.to_owned())),
            None => ("the gateway does not say more", None),
        };
        Self::Rejected { reason: name.to_owned(), meaning: meaning.to_owned(), advice }
    }

    /// Makes the problem of an input.
    pub(super) fn of_input(error: &SourceError) -> Self {
        Self::Input { detail: error.to_string(), kind: error.exit_kind(), json_filter: error.json_filter() }
    }

    /// Says of which input it is.
    #[must_use]
    pub(crate) fn about(self, input: &impl fmt::Display) -> Self {
        match self {
            Self::Input { detail, kind, json_filter } => {
                Self::Input { detail: format!("{input}: {detail}"), kind, json_filter }
            }
            other => other,
        }
    }

    /// Returns the cause for which a token was not sent.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::Interrupted => "the run was interrupted".to_owned(),
            Self::Unreachable { detail } => detail.clone(),
            Self::Rejected { reason, .. } => format!("the gateway had refused with {reason}"),
            Self::ResultsLost => "the results could not be written".to_owned(),
            Self::Input { .. } => "the input could not be read further".to_owned(),
        }
    }

    /// Returns the sentence for people.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Interrupted => "interrupted".to_owned(),
            Self::Unreachable { detail } => detail.clone(),
            Self::Rejected { reason, meaning, .. } => format!("{reason}: {meaning}"),
            Self::ResultsLost => "the results cannot be written".to_owned(),
            Self::Input { detail, .. } => detail.clone(),
        }
    }
}
