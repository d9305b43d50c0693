//! What the answers tell of the server: whether it refuses everything, and how long it has had trouble.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::push::outcome::Verdict;
use crate::push::ticket::Ticket;
use crate::text::seconds;

/// The number of refusals in a row that stop a run whose answers were good before: APNs refuses a single request now and
/// then, for a reason that would be true of all.
const MAX_REFUSALS: u32 = 3;

/// The health of a server.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// True once an answer has shown that the server takes requests.
    has_good: bool,
    /// The number of refusals since the last good answer.
    refusals: u32,
    /// The refusals that no good answer to a later request has shown to be odd ones.
    doubtful: Vec<Refusal>,
    trouble: Option<Trouble>,
}

/// A refusal that would be that of all requests.
#[derive(Debug)]
struct Refusal {
    ticket: Ticket,
    sent: Instant,
    verdict: Verdict,
}

/// Trouble of the server: nothing else came since then.
#[derive(Debug)]
struct Trouble {
    since: Instant,
    last: String,
}

impl Health {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an answer that is about one token alone, to a request of this time.
    pub(super) fn note_good(&self, sent: Instant) {
        let mut state = self.lock();
        (state.has_good, state.refusals, state.trouble) = (true, 0, None);
        for odd in state.doubtful.extract_if(.., |refusal| refusal.sent < sent) {
            odd.ticket.settle(odd.verdict);
        }
    }

    /// Notes a refusal that would be that of all requests; returns whether it is believed. Its token has its outcome when it
    /// is known what the refusal means.
    pub(super) fn note_refusal(&self, mut ticket: Ticket, sent: Instant, verdict: Verdict) -> bool {
        ticket.come_back(verdict.clone().unprocessed("the run ended without a good answer after that"));
        let mut state = self.lock();
        state.doubtful.push(Refusal { ticket, sent, verdict });
        state.trouble = None;
        state.refusals += 1;
        !state.has_good || state.refusals >= MAX_REFUSALS
    }

    /// Gives up the tokens whose refusals were no odd ones: APNs has not processed them.
    pub(super) fn abandon_refused(&self, cause: &str) {
        for Refusal { mut ticket, verdict, .. } in self.lock().doubtful.drain(..) {
            ticket.come_back(verdict);
            ticket.abandon(cause.to_owned());
        }
    }

    /// Notes an answer, or a failure to connect, that shows trouble.
    pub(super) fn note_trouble(&self, what: String, now: Instant) {
        let mut state = self.lock();
        let since = state.trouble.as_ref().map_or(now, |trouble| trouble.since);
        state.trouble = Some(Trouble { since, last: what });
    }

    /// Forgets the trouble: the server has answered one token with 429, or nothing is to be sent, so that nothing tells how
    /// long it lasts.
    pub(super) fn forget_trouble(&self) {
        self.lock().trouble = None;
    }

    /// Returns the sentence about trouble that has lasted so long.
    pub(super) fn outage(&self, limit: Duration, now: Instant) -> Option<String> {
        let state = self.lock();
        let trouble = state.trouble.as_ref()?;
        if now.saturating_duration_since(trouble.since) < limit {
            return None;
        }
        Some(format!("nothing but trouble for {}; the last: {}", seconds(limit), trouble.last))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
    use uuid::Uuid;

    use super::*;
    use crate::push::event::Event;
    use crate::push::outcome::Outcome;
    use crate::push::recipient;

    /// Tickets, and what becomes of them.
    struct Tickets {
        start: Instant,
        events: UnboundedSender<Event>,
        settled: UnboundedReceiver<Event>,
    }

    impl Tickets {
        fn new() -> Self {
            let (events, settled) = mpsc::unbounded_channel();
            Self { start: Instant::now(), events, settled }
        }

        fn time(&self, millisecond: u64) -> Instant {
            self.start + Duration::from_millis(millisecond)
        }

        /// Notes that the request of this time was refused.
        fn refuse(&self, health: &Health, millisecond: u64) -> bool {
            let token = recipient::parse("abcd").unwrap();
            let mut ticket = Ticket::new(millisecond, token, Uuid::nil(), self.events.clone());
            ticket.depart();
            let verdict = Verdict::Refused { status: 403, reason: Some(Cow::Borrowed("Forbidden")) };
            health.note_refusal(ticket, self.time(millisecond), verdict)
        }

        /// The outcomes since the last call, by the times of the requests.
        fn outcomes(&mut self) -> Vec<(u64, Outcome)> {
            let mut outcomes = Vec::new();
            while let Ok(Event::Settled(settled)) = self.settled.try_recv() {
                assert_eq!(settled.verdict.answer_text(), "403 Forbidden");
                outcomes.push((settled.position, settled.verdict.outcome()));
            }
            outcomes.sort_unstable();
            outcomes
        }
    }

    #[test]
    fn one_refusal_among_good_answers_is_not_believed() {
        let (health, tickets) = (Health::default(), Tickets::new());
        assert!(tickets.refuse(&health, 0), "there was no good answer");
        health.note_good(tickets.time(1));
        for _ in 0..10 {
            assert_eq!([2, 3].map(|time| tickets.refuse(&health, time)), [false, false]);
            health.note_good(tickets.time(1));
        }
        assert_eq!([2, 3, 4].map(|time| tickets.refuse(&health, time)), [false, false, true]);
    }

    // What was refused before the run ended for it was refused for good: no later run sent it.
    #[test]
    fn a_refusal_is_one_of_its_token_alone_where_a_later_request_was_good() {
        let (health, mut tickets) = (Health::default(), Tickets::new());
        for time in [2, 4, 6] {
            health.note_good(tickets.time(1));
            tickets.refuse(&health, time);
        }
        assert_eq!(tickets.outcomes(), [], "the good answer may be older than the cause");
        health.note_good(tickets.time(5));
        assert_eq!(tickets.outcomes(), [(2, Outcome::Refused), (4, Outcome::Refused)]);
        health.abandon_refused("the gateway had refused");
        assert_eq!(tickets.outcomes(), [(6, Outcome::NotSent)]);
        tickets.refuse(&health, 7);
        drop(health);
        assert_eq!(tickets.outcomes(), [(7, Outcome::NotSent)]);
    }

    #[test]
    fn trouble_counts_from_its_first_sign() {
        let (health, start) = (Health::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        let limit = Duration::from_secs(600);
        health.note_trouble("503".to_owned(), start);
        health.note_trouble("cannot connect".to_owned(), after(599));
        assert_eq!(health.outage(limit, after(599)), None);
        let sentence = health.outage(limit, after(600)).unwrap();
        assert_eq!(sentence, "nothing but trouble for 600 s; the last: cannot connect");
        health.note_good(after(600));
        assert_eq!(health.outage(limit, after(700)), None);
        health.note_trouble("503".to_owned(), after(700));
        health.forget_trouble();
        assert_eq!(health.outage(limit, after(9999)), None);
    }
}
