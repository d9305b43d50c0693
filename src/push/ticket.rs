//! A token on its way. A ticket reports one outcome, when it is dropped: whoever loses it has settled it.

use std::borrow::Cow;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use uuid::Uuid;

use crate::push::event::Event;
use crate::push::outcome::{Settled, Verdict};
use crate::push::recipient::DeviceToken;

/// What a token that waits is settled as.
const NEVER_SENT: Verdict = Verdict::NotSent { cause: Cow::Borrowed("the run ended before it was sent") };
/// What a token in flight is settled as.
const LOST: Verdict = Verdict::Unknown { cause: Cow::Borrowed("the run ended before its answer") };

/// A token that has no outcome yet.
#[derive(Debug)]
pub(super) struct Ticket {
    position: u64,
    /// The position under which it was sent first.
    origin: u64,
    pub(super) token: DeviceToken,
    pub(super) apns_id: Uuid,
    pub(super) attempts: u32,
    /// The number of requests that the server has certainly not processed.
    pub(super) resends: u32,
    /// True if an earlier request may have been accepted.
    pub(super) may_be_duplicate: bool,
    first_sent: Option<Instant>,
    /// The verdict when it is dropped.
    verdict: Verdict,
    events: UnboundedSender<Event>,
}

impl Ticket {
    pub(super) fn new(position: u64, token: DeviceToken, apns_id: Uuid, events: UnboundedSender<Event>) -> Self {
        Self {
            position,
            origin: position,
            token,
            apns_id,
            attempts: 0,
            resends: 0,
            may_be_duplicate: false,
            first_sent: None,
            verdict: NEVER_SENT,
            events,
        }
    }

    /// Says under which position it was sent first.
    pub(super) fn with_origin(mut self, origin: u64) -> Self {
        self.origin = origin;
        self
    }

    /// Gives the token its outcome.
    pub(super) fn settle(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    /// Gives it up: it was not sent, for this cause. APNs has not processed what was to be sent again after a refusal.
    pub(super) fn abandon(mut self, cause: String) {
        if self.attempts == 0 {
            self.verdict = Verdict::NotSent { cause: Cow::Owned(cause) };
        } else {
            self.verdict = std::mem::replace(&mut self.verdict, NEVER_SENT).unprocessed(&cause);
        }
    }

    /// Marks it as sent: from now on its outcome is unknown.
    pub(super) fn depart(&mut self) {
        self.attempts += 1;
        if self.first_sent.is_none() {
            self.first_sent = Some(Instant::now());
        }
        self.verdict = LOST;
    }

    /// Takes it back to be sent again; `verdict` is its outcome if it is not.
    pub(super) fn come_back(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let verdict = match std::mem::replace(&mut self.verdict, NEVER_SENT) {
            // What may have been accepted before stays unknown until there is an answer.
            Verdict::NotSent { cause } | Verdict::Unprocessed { cause, .. } if self.may_be_duplicate => {
                Verdict::Unknown { cause }
            }
            verdict => verdict,
        };
        let elapsed = self.first_sent.map_or(Duration::ZERO, |sent| sent.elapsed());
        let settled = Settled {
            position: self.position,
            origin: self.origin,
            token: Some(self.token.clone()),
            verdict,
            apns_id: Some(self.apns_id),
            attempts: self.attempts,
            may_be_duplicate: self.may_be_duplicate && self.attempts > 0,
            elapsed,
        };
        // Nobody listens once the results cannot be written.
        let _ = self.events.send(Event::Settled(Box::new(settled)));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::push::outcome::Outcome;
    use crate::push::recipient;

    fn outcomes(act: impl FnOnce(Ticket)) -> Vec<Outcome> {
        let (events, mut received) = mpsc::unbounded_channel();
        act(Ticket::new(1, recipient::parse("abcd").unwrap(), Uuid::nil(), events));
        let mut outcomes = Vec::new();
        while let Ok(Event::Settled(settled)) = received.try_recv() {
            outcomes.push(settled.verdict.outcome());
        }
        outcomes
    }

    #[test]
    fn a_ticket_has_one_outcome_whatever_becomes_of_it() {
        let refused = || Verdict::Refused { status: 429, reason: None };
        assert_eq!(outcomes(drop), [Outcome::NotSent]);
        assert_eq!(outcomes(|ticket| ticket.settle(refused())), [Outcome::Refused]);
        assert_eq!(
            outcomes(|mut ticket| {
                ticket.depart();
                drop(ticket);
            }),
            [Outcome::Unknown]
        );
        assert_eq!(
            outcomes(|mut ticket| {
                ticket.depart();
                ticket.come_back(refused());
            }),
            [Outcome::Refused]
        );
        assert_eq!(
            outcomes(|mut ticket| {
                ticket.depart();
                ticket.may_be_duplicate = true;
                ticket.come_back(NEVER_SENT);
            }),
            [Outcome::Unknown]
        );
        // What APNs has answered with 503, or with a word about the credentials, was not processed, and is sent by the next
        // run.
        for status in [503, 403] {
            assert_eq!(
                outcomes(|mut ticket| {
                    ticket.depart();
                    ticket.come_back(Verdict::Refused { status, reason: None });
                    ticket.abandon("interrupted".to_owned());
                }),
                [Outcome::NotSent]
            );
        }
        // A run that was to send again what is unknown, and was stopped before.
        assert_eq!(
            outcomes(|mut ticket| {
                ticket.may_be_duplicate = true;
                ticket.abandon("interrupted".to_owned());
            }),
            [Outcome::Unknown]
        );
    }
}
