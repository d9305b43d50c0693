//! The counts of a run: by outcome, and by APNs' reasons.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::exit::ExitKind;
use crate::push::outcome::{OUTCOMES, Outcome, Settled, Verdict};

/// The most different reasons that are counted apart; Apple has about forty.
const MAX_REASONS: usize = 200;
/// The digits of a device token, as a rule.
const TOKEN_DIGITS: usize = 64;
/// The name of all others.
const OTHER_REASONS: &str = "(others)";

/// The counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    accepted: u64,
    refused: u64,
    unregistered: u64,
    invalid: u64,
    not_sent: u64,
    unknown: u64,
    /// The refusals by reason, those that APNs has not processed too; those without one by `status 404` and the like.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// The reason why the first of the tokens was not sent that have one of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_not_sent: Option<String>,
    /// The tokens of another length than those that Apple has given out so far.
    #[serde(skip)]
    odd_lengths: u64,
    /// The tokens that were sent again although an earlier request may have been accepted.
    pub(crate) resent_in_doubt: u64,
    /// The requests.
    pub(crate) requests: u64,
}

impl Summary {
    fn slot(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Accepted => &mut self.accepted,
            Outcome::Refused => &mut self.refused,
            Outcome::Unregistered => &mut self.unregistered,
            Outcome::Invalid => &mut self.invalid,
            Outcome::NotSent => &mut self.not_sent,
            Outcome::Unknown => &mut self.unknown,
        }
    }

    /// Returns the count of an outcome.
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Accepted => self.accepted,
            Outcome::Refused => self.refused,
            Outcome::Unregistered => self.unregistered,
            Outcome::Invalid => self.invalid,
            Outcome::NotSent => self.not_sent,
            Outcome::Unknown => self.unknown,
        }
    }

    /// Counts an outcome.
    pub(super) fn count(&mut self, outcome: Outcome, reason: Option<&str>) {
        *self.slot(outcome) += 1;
        if let Some(reason) = reason {
            self.count_reason(reason);
        }
    }

    /// Counts an answer of APNs, which has a status if it is no good one.
    pub(super) fn count_answer(&mut self, outcome: Outcome, status: Option<u16>, reason: Option<&str>) {
        match (outcome, status, reason) {
            (Outcome::Refused | Outcome::NotSent, Some(status), None) => {
                self.count(outcome, Some(&format!("status {status}")))
            }
            _ => self.count(outcome, reason),
        }
    }

    fn count_reason(&mut self, reason: &str) {
        if let Some(count) = self.reasons.get_mut(reason) {
            *count += 1;
            return;
        }
        let name = if self.reasons.len() < MAX_REASONS { reason } else { OTHER_REASONS };
        *self.reasons.entry(name.to_owned()).or_default() += 1;
    }

    /// Counts a token of this run.
    pub(super) fn count_settled(&mut self, settled: &Settled) {
        let verdict = &settled.verdict;
        self.count_answer(verdict.outcome(), verdict.status(), verdict.reason());
        if let Verdict::NotSent { cause } | Verdict::Unprocessed { cause, .. } = verdict
            && settled.attempts > 0
            && self.first_not_sent.is_none()
        {
            self.first_not_sent = Some(cause.to_string());
        }
        if let Some(token) = &settled.token {
            self.odd_lengths += u64::from(token.digits().len() != TOKEN_DIGITS);
        }
        self.requests += u64::from(settled.attempts);
        self.resent_in_doubt += u64::from(settled.may_be_duplicate);
    }

    /// Takes back so many whose outcome is unknown: they get another one.
    pub(super) fn discount_unknown(&mut self, count: u64) {
        self.unknown = self.unknown.saturating_sub(count);
    }

    /// Counts tokens whose outcome is unknown, and of which no more is known.
    pub(super) fn count_vanished(&mut self, count: u64) {
        self.unknown += count;
    }

    /// Returns the number of tokens.
    pub(crate) fn total(&self) -> u64 {
        let mut total = 0;
        for outcome in OUTCOMES {
            total += self.of(outcome);
        }
        total
    }

    /// Returns whether every token that could be sent was refused as one of another environment.
    pub(crate) fn is_other_environment(&self) -> bool {
        let sent = self.total() - self.invalid;
        sent > 0 && self.reasons.get("BadDeviceToken") == Some(&sent)
    }

    /// Returns whether no token has the usual length.
    pub(crate) fn has_odd_lengths_alone(&self) -> bool {
        self.odd_lengths == self.total() - self.invalid
    }

    /// Returns whether APNs has processed a notification, or may have.
    pub(super) fn has_sent(&self) -> bool {
        self.accepted + self.refused + self.unregistered + self.unknown > 0
    }

    /// Returns whether APNs has answered at all.
    pub(super) fn has_answers(&self) -> bool {
        self.has_sent() || !self.reasons.is_empty()
    }

    /// Returns the end of the run: good only if every token was accepted.
    pub(super) fn ending(&self) -> Option<ExitKind> {
        let is_all_accepted = self.accepted > 0 && self.accepted == self.total();
        if is_all_accepted {
            None
        } else if !self.has_sent() && self.not_sent > 0 {
            Some(ExitKind::Network)
        } else {
            Some(ExitKind::CheckFailed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::recipient::{self, InvalidToken};

    fn summary(outcomes: &[Outcome]) -> Summary {
        let mut summary = Summary::default();
        for outcome in outcomes {
            summary.count(*outcome, None);
        }
        summary
    }

    #[test]
    fn the_exit_code_is_zero_only_if_all_were_accepted() {
        use Outcome::{Accepted, Invalid, NotSent, Refused, Unknown, Unregistered};
        for (outcomes, expected) in [
            (&[Accepted, Accepted][..], None),
            (&[Accepted, Refused], Some(ExitKind::CheckFailed)),
            (&[Accepted, Unregistered], Some(ExitKind::CheckFailed)),
            (&[Accepted, Invalid], Some(ExitKind::CheckFailed)),
            (&[Accepted, NotSent], Some(ExitKind::CheckFailed)),
            (&[Accepted, Unknown], Some(ExitKind::CheckFailed)),
            (&[Unknown, NotSent], Some(ExitKind::CheckFailed)),
            (&[NotSent], Some(ExitKind::Network)),
            (&[NotSent, Invalid], Some(ExitKind::Network)),
            (&[Invalid], Some(ExitKind::CheckFailed)),
            (&[], Some(ExitKind::CheckFailed)),
        ] {
            assert_eq!(summary(outcomes).ending(), expected, "{outcomes:?}");
        }
    }

    #[test]
    fn refusals_without_a_reason_are_told_by_their_status() {
        let mut summary = Summary::default();
        summary.count_answer(Outcome::Refused, Some(404), None);
        summary.count_answer(Outcome::Refused, Some(400), Some("BadDeviceToken"));
        summary.count_answer(Outcome::Accepted, Some(200), None);
        assert_eq!(summary.reasons.into_keys().collect::<Vec<_>>(), ["BadDeviceToken", "status 404"]);
    }

    #[test]
    fn tokens_of_another_length_are_told() {
        let usual = "ab".repeat(32);
        for (tokens, expected) in [(["aabb", "ccdd"], true), (["aabb", usual.as_str()], false)] {
            let mut counts = Summary::default();
            for digits in tokens {
                let verdict = Verdict::Refused { status: 400, reason: Some("BadDeviceToken".into()) };
                let token = Some(recipient::parse(digits).unwrap());
                let invalid = InvalidToken { text: String::new(), problem: "" };
                counts.count_settled(&Settled { token, verdict, ..Settled::invalid(1, invalid) });
            }
            assert_eq!((counts.is_other_environment(), counts.has_odd_lengths_alone()), (true, expected));
        }
        assert!(!summary(&[Outcome::Refused]).has_odd_lengths_alone(), "those of an earlier run are not known");
    }

    #[test]
    fn reasons_are_bounded() {
        let mut summary = Summary::default();
        for number in 0..1000 {
            summary.count(Outcome::Refused, Some(&format!("R{number}")));
        }
        assert_eq!(summary.reasons.len(), MAX_REASONS + 1);
        assert_eq!(summary.reasons.values().sum::<u64>(), 1000);
        assert!(!summary.is_other_environment());
    }
}
