//! What people are told while nothing happens: why a run waits, and for how long.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::net::endpoint::Endpoint;
use crate::push::outcome::Verdict;
use crate::text::seconds;

/// The time without an outcome after which people are told why.
const SILENCE: Duration = Duration::from_secs(5);
/// The time between two such notices at least.
const DISTANCE: Duration = Duration::from_secs(15);

/// What the task of a connection waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LaneWait {
    /// For answers, or for something to send.
    Work,
    /// For a connection.
    Connection,
    /// For the next attempt to connect, after this problem.
    NextAttempt { problem: String, until: Instant },
    /// For the end of a pause.
    Pause { until: Instant },
    /// For the server, which allows no request.
    Permission,
}

/// The queue, as far as it tells why nothing happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct QueueState {
    /// The time since which no token has got its outcome although there were some to send.
    pub(super) quiet_since: Instant,
    /// The number of requests without an answer, and the time since which none of them has got one.
    pub(super) in_flight: usize,
    pub(super) unanswered_since: Instant,
    /// The time at which a token is sent again, where no other can be sent before.
    pub(super) next_due: Option<Instant>,
    /// True if there are tokens to send.
    pub(super) has_work: bool,
}

/// What a run waits for.
#[derive(Debug)]
pub(super) struct Silence {
    lanes: Mutex<Vec<LaneWait>>,
    /// The last answer, or problem, after which a token is sent again.
    trouble: Mutex<Option<String>>,
    told_at: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Silence {
    pub(super) fn new(lanes: usize) -> Self {
        Self { lanes: Mutex::new(vec![LaneWait::Work; lanes]), trouble: Mutex::new(None), told_at: Mutex::new(None) }
    }

    /// Notes what a connection waits for.
    pub(super) fn set_lane(&self, number: usize, wait: LaneWait) {
        if let Some(lane) = lock(&self.lanes).get_mut(number) {
            *lane = wait;
        }
    }

    /// Notes why a token is sent again.
    pub(super) fn note_trouble(&self, verdict: &Verdict) {
        let text = match (verdict.status(), verdict.reason()) {
            (Some(status), Some(reason)) => format!("the last answer is {status} {reason}"),
            (Some(status), None) => format!("the last answer is {status}"),
            (None, _) => verdict.detail().unwrap_or_default().to_owned(),
        };
        *lock(&self.trouble) = Some(text);
    }

    /// Returns the sentence that is due now, if there is one.
    pub(super) fn notice(
        &self,
        queue: QueueState,
        endpoint: &Endpoint,
        limit: Duration,
        now: Instant,
    ) -> Option<String> {
        let quiet = now.saturating_duration_since(queue.quiet_since);
        let mut told_at = lock(&self.told_at);
        if !queue.has_work || quiet < SILENCE || told_at.is_some_and(|at| now.saturating_duration_since(at) < DISTANCE)
        {
            return None;
        }
        let reason = self.reason(queue, quiet, limit, now)?;
        *told_at = Some(now);
        let reason = reason.trim_start_matches(&format!("{endpoint}: "));
        Some(format!("{endpoint}: {reason}; Ctrl-C ends the run"))
    }

    fn reason(&self, queue: QueueState, quiet: Duration, limit: Duration, now: Instant) -> Option<String> {
        let (quiet, limit) = (whole_seconds(quiet), seconds(limit));
        if queue.in_flight > 0 {
            let unanswered = now.saturating_duration_since(queue.unanswered_since);
            if unanswered < SILENCE {
                return None;
            }
            let requests = match queue.in_flight {
                1 => "one request".to_owned(),
                count => format!("{count} requests"),
            };
            let unanswered = whole_seconds(unanswered);
            return Some(format!("no answer to {requests} for {unanswered}; each has up to {limit}"));
        }
        let mut is_connecting = false;
        let mut is_shut = false;
        let mut pause = None;
        for lane in lock(&self.lanes).iter() {
            match lane {
                LaneWait::Work => {}
                LaneWait::Connection => is_connecting = true,
                LaneWait::NextAttempt { problem, until } => {
                    let wait = whole_seconds(until.saturating_duration_since(now));
                    return Some(format!("{problem}; the next attempt to connect is in {wait}"));
                }
                LaneWait::Pause { until } if *until > now => pause = pause.max(Some(*until)),
                LaneWait::Pause { .. } => {}
                LaneWait::Permission => is_shut = true,
            }
        }
        if pause.is_none() && is_connecting {
            return Some(format!("no connection for {quiet}; each step of it has up to {limit}"));
        }
        if pause.is_none() && is_shut {
            return Some(format!("the server has allowed no request for {quiet}"));
        }
        let until = pause.max(queue.next_due)?;
        let wait = whole_seconds(until.saturating_duration_since(now));
        let trouble = lock(&self.trouble).clone().unwrap_or_else(|| "there was no good answer".to_owned());
        Some(format!("{trouble}; the next request is in {wait}"))
    }
}

/// Returns a duration in seconds, the last of which may have begun.
fn whole_seconds(duration: Duration) -> String {
    format!("{} s", duration.as_millis().div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    #[test]
    fn the_reason_of_a_silence_is_told_after_5_s_and_not_again_before_15_s_more() {
        let endpoint: Endpoint = "localhost:1".parse().unwrap();
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let silence = Silence::new(2);
        let refused = Verdict::Refused { status: 500, reason: Some(Cow::Borrowed("InternalServerError")) };
        silence.note_trouble(&refused);
        silence.set_lane(0, LaneWait::Pause { until: start + second * 40 });
        let queue = QueueState {
            quiet_since: start,
            in_flight: 0,
            unanswered_since: start,
            next_due: Some(start + second * 20),
            has_work: true,
        };
        let notice = |queue, at: u32| silence.notice(queue, &endpoint, second * 30, start + second * at);
        assert_eq!(notice(queue, 4), None);
        assert_eq!(notice(QueueState { has_work: false, ..queue }, 60), None);
        assert_eq!(
            notice(queue, 5).unwrap(),
            "localhost:1: the last answer is 500 InternalServerError; the next request is in 35 s; Ctrl-C ends the run"
        );
        assert_eq!(notice(queue, 19), None);
        let later = notice(QueueState { in_flight: 2, ..queue }, 20).unwrap();
        assert!(later.contains("no answer to 2 requests for 20 s; each has up to 30 s"), "{later}");
        let fresh = QueueState { in_flight: 1, unanswered_since: start + second * 36, ..queue };
        assert_eq!(notice(fresh, 40), None, "it was sent just now");
        silence.set_lane(1, LaneWait::Connection);
        assert!(notice(queue, 39).unwrap().contains("the next request is in 1 s"));
        assert!(notice(queue, 60).unwrap().contains("no connection for 60 s; each step of it has up to 30 s"));
        let problem = "localhost:1: it refuses".to_owned();
        silence.set_lane(1, LaneWait::NextAttempt { problem, until: start + second * 83 });
        assert!(notice(queue, 80).unwrap().contains("localhost:1: it refuses; the next attempt to connect is in 3 s"));
        silence.set_lane(1, LaneWait::Permission);
        assert!(notice(queue, 100).unwrap().contains("the server has allowed no request for 100 s"));
    }
}
