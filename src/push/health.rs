//! What the answers tell of the server: whether it refuses everything, and how long it has had trouble.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

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
    trouble: Option<Trouble>,
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

    /// Notes an answer that is about one token alone.
    pub(super) fn note_good(&self) {
        *self.lock() = State { has_good: true, refusals: 0, trouble: None };
    }

    /// Notes a refusal that would be that of all requests; returns whether it is believed.
    pub(super) fn note_refusal(&self) -> bool {
        let mut state = self.lock();
        state.trouble = None;
        state.refusals += 1;
        !state.has_good || state.refusals >= MAX_REFUSALS
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
    use super::*;

    #[test]
    fn one_refusal_among_good_answers_is_not_believed() {
        let health = Health::default();
        assert!(health.note_refusal(), "there was no good answer");
        health.note_good();
        for _ in 0..10 {
            assert_eq!([health.note_refusal(), health.note_refusal()], [false, false]);
            health.note_good();
        }
        assert_eq!([(); 3].map(|()| health.note_refusal()), [false, false, true]);
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
        health.note_good();
        assert_eq!(health.outage(limit, after(700)), None);
        health.note_trouble("503".to_owned(), after(700));
        health.forget_trouble();
        assert_eq!(health.outage(limit, after(9999)), None);
    }
}
