//! The tokens that wait to be sent, shared by all connections: those that come back go before those of the input.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use crate::push::pace::Pace;
use crate::push::problem::Problem;
use crate::push::silence::QueueState;
use crate::push::ticket::Ticket;

/// The number of tokens of the input that wait at most: what waits when a run is killed counts as unknown in the next one.
const MAX_AHEAD: usize = 128;
/// The same as a share of a second, where there is a rate.
const AHEAD_TIME: f64 = 0.05;
/// The number of tokens that wait to be sent again from which on no more are read.
const MAX_RETRIES: usize = 8192;

/// The queue.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    fresh: VecDeque<Ticket>,
    /// Tokens that are sent again at once.
    resends: VecDeque<Ticket>,
    /// Tokens that are sent again at a time.
    delayed: BinaryHeap<Reverse<Delayed>>,
    /// The number of tickets that were taken, and have neither come back nor been settled.
    in_flight: usize,
    /// The time of the last outcome, or at which there was something to send again.
    quiet_since: Instant,
    /// The time of the last answer, or at which there was one to wait for again.
    unanswered_since: Instant,
    /// The number of tokens below which more are read.
    low_water: usize,
    is_input_ended: bool,
    stopped_by: Option<Problem>,
    pace: Pace,
}

/// What a connection does next.
pub(super) enum Taken {
    Ticket(Ticket),
    /// There is nothing before this time.
    Later(Instant),
    /// There is nothing as yet.
    Nothing,
    /// There will be nothing any more.
    Finished,
}

struct Delayed {
    due: Instant,
    ticket: Ticket,
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Delayed {}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

impl State {
    fn retries(&self) -> usize {
        self.resends.len() + self.delayed.len()
    }

    fn has_work(&self) -> bool {
        self.in_flight + self.fresh.len() + self.retries() > 0
    }

    fn is_finished(&self) -> bool {
        let is_empty = self.fresh.is_empty() && self.retries() == 0;
        self.stopped_by.is_some() || (self.is_input_ended && is_empty && self.in_flight == 0)
    }

    /// Returns whether a ticket could be taken now.
    fn has_ticket(&self, now: Instant) -> bool {
        let is_due = self.delayed.peek().is_some_and(|Reverse(first)| first.due <= now);
        !self.resends.is_empty() || !self.fresh.is_empty() || is_due
    }

    fn pop(&mut self, now: Instant) -> Option<Ticket> {
        if let Some(ticket) = self.resends.pop_front() {
            return Some(ticket);
        }
        let is_due = self.delayed.peek().is_some_and(|Reverse(first)| first.due <= now);
        if is_due && let Some(Reverse(first)) = self.delayed.pop() {
            return Some(first.ticket);
        }
        self.fresh.pop_front()
    }
}

impl Queue {
    pub(super) fn new(rate: Option<f64>) -> Self {
        let low_water = match rate {
            Some(rate) => ((rate * AHEAD_TIME) as usize).clamp(1, MAX_AHEAD),
            None => MAX_AHEAD,
        };
        let state = State {
            low_water,
            fresh: VecDeque::new(),
            resends: VecDeque::new(),
            delayed: BinaryHeap::new(),
            in_flight: 0,
            quiet_since: Instant::now(),
            unanswered_since: Instant::now(),
            is_input_ended: false,
            stopped_by: None,
            pace: Pace::new(rate),
        };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a future that is over when something has changed after it was enabled.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Takes the next ticket.
    pub(super) fn take(&self) -> Taken {
        let mut state = self.lock();
        if state.is_finished() {
            return Taken::Finished;
        }
        let now = Instant::now();
        if !state.has_ticket(now) {
            return match state.delayed.peek() {
                Some(Reverse(first)) => Taken::Later(first.due),
                None => Taken::Nothing,
            };
        }
        if let Err(next) = state.pace.admit() {
            return Taken::Later(next);
        }
        match state.pop(now) {
            Some(ticket) => {
                if state.in_flight == 0 {
                    state.unanswered_since = now;
                }
                state.in_flight += 1;
                if state.fresh.len() == state.low_water - 1 || state.retries() == MAX_RETRIES - 1 {
                    self.changed.notify_waiters();
                }
                Taken::Ticket(ticket)
            }
            None => Taken::Nothing,
        }
    }

    /// Counts a ticket that was taken and is settled now.
    pub(super) fn count_settled(&self) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.quiet_since = Instant::now();
        state.unanswered_since = state.quiet_since;
        if state.in_flight == 0 {
            self.changed.notify_waiters();
        }
    }

    /// Takes back a ticket, which is sent again at this time, or at once.
    pub(super) fn give_back(&self, ticket: Ticket, due: Option<Instant>) {
        let mut state = self.lock();
        state.in_flight -= 1;
        state.unanswered_since = Instant::now();
        if let Some(problem) = &state.stopped_by {
            ticket.abandon(problem.cause());
            self.changed.notify_waiters();
            return;
        }
        match due {
            Some(due) => state.delayed.push(Reverse(Delayed { due, ticket })),
            None => state.resends.push_back(ticket),
        }
        self.changed.notify_waiters();
    }

    /// Adds tokens of the input.
    pub(super) fn load(&self, tickets: Vec<Ticket>) {
        let mut state = self.lock();
        if let Some(problem) = &state.stopped_by {
            for ticket in tickets {
                ticket.abandon(problem.cause());
            }
            return;
        }
        if !state.has_work() {
            state.quiet_since = Instant::now();
        }
        state.fresh.extend(tickets);
        self.changed.notify_waiters();
    }

    /// Returns how many tokens of the input are started together.
    pub(super) fn batch_size(&self) -> usize {
        self.lock().low_water
    }

    /// Waits until there is room for more of the input.
    pub(super) async fn wait_for_room(&self) {
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.lock();
                let has_room = state.fresh.len() < state.low_water && state.retries() < MAX_RETRIES;
                if has_room || state.stopped_by.is_some() {
                    return;
                }
            }
            changed.await;
        }
    }

    /// Says that the input has no more tokens.
    pub(super) fn end_input(&self) {
        self.lock().is_input_ended = true;
        self.changed.notify_waiters();
    }

    /// Stops the run: what waits is not sent. The first problem counts.
    pub(super) fn stop(&self, problem: Problem) {
        let mut state = self.lock();
        if state.stopped_by.is_some() {
            return;
        }
        let mut waiting: Vec<Ticket> = state.resends.drain(..).collect();
        waiting.extend(state.fresh.drain(..));
        for Reverse(delayed) in state.delayed.drain() {
            waiting.push(delayed.ticket);
        }
        for ticket in waiting {
            ticket.abandon(problem.cause());
        }
        state.stopped_by = Some(problem);
        self.changed.notify_waiters();
    }

    /// Returns what the queue knows of a silence; `None` when the run is stopped.
    pub(super) fn state(&self) -> Option<QueueState> {
        let state = self.lock();
        if state.stopped_by.is_some() {
            return None;
        }
        let next_due = match state.delayed.peek() {
            Some(Reverse(first)) if state.fresh.is_empty() && state.resends.is_empty() => Some(first.due),
            _ => None,
        };
        Some(QueueState {
            quiet_since: state.quiet_since,
            in_flight: state.in_flight,
            unanswered_since: state.unanswered_since,
            next_due,
            has_work: state.has_work(),
        })
    }

    /// Returns the problem that has stopped the run.
    pub(super) fn stopped_by(&self) -> Option<Problem> {
        self.lock().stopped_by.clone()
    }

    /// Waits until there is something to send, or, for one connection more, enough for it; returns false when the run
    /// is finished.
    pub(super) async fn wait_for_work(&self, is_further: bool) -> bool {
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let state = self.lock();
                if state.is_finished() {
                    return false;
                }
                let waiting = state.fresh.len() + state.retries();
                if waiting > usize::from(is_further) {
                    return true;
                }
            }
            changed.await;
        }
    }

    /// Waits until no ticket is in flight.
    pub(super) async fn wait_until_landed(&self) {
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().in_flight == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Returns whether nothing is left to do.
    pub(super) fn is_finished(&self) -> bool {
        self.lock().is_finished()
    }

    /// Waits until the run is stopped.
    pub(super) async fn wait_for_stop(&self) {
        loop {
            let changed = self.changed();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().stopped_by.is_some() {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;
    use uuid::Uuid;

    use super::*;
    use crate::push::recipient;

    fn tickets(count: u64) -> Vec<Ticket> {
        let (events, _) = mpsc::unbounded_channel();
        let token = recipient::parse("abcd").unwrap();
        (0..count).map(|number| Ticket::new(number, token.clone(), Uuid::nil(), events.clone())).collect()
    }

    fn take(queue: &Queue) -> Ticket {
        let Taken::Ticket(ticket) = queue.take() else { panic!("there is no ticket") };
        ticket
    }

    #[test]
    fn what_comes_back_goes_first_and_what_is_delayed_in_time() {
        let queue = Queue::new(None);
        assert!(matches!(queue.take(), Taken::Nothing));
        queue.load(tickets(3));
        queue.end_input();
        let (mut first, second) = (take(&queue), take(&queue));
        first.attempts = 7;
        queue.give_back(first, None);
        queue.give_back(second, Some(Instant::now() + Duration::from_secs(60)));
        assert_eq!(take(&queue).attempts, 7);
        assert_eq!(take(&queue).attempts, 0);
        assert!(matches!(queue.take(), Taken::Later(_)));
        queue.count_settled();
        queue.count_settled();
        assert!(!queue.is_finished());
        queue.stop(Problem::Interrupted);
        assert!(matches!(queue.take(), Taken::Finished));
    }

    #[test]
    fn it_is_finished_when_nothing_is_in_flight() {
        let queue = Queue::new(None);
        queue.load(tickets(1));
        queue.end_input();
        let ticket = take(&queue);
        assert!(matches!(queue.take(), Taken::Nothing));
        drop(ticket);
        queue.count_settled();
        assert!(matches!(queue.take(), Taken::Finished));
    }

    #[tokio::test]
    async fn retries_stop_the_input() {
        let queue = Queue::new(None);
        queue.load(tickets(MAX_RETRIES as u64));
        let mut taken = Vec::new();
        for _ in 0..MAX_RETRIES {
            taken.push(take(&queue));
        }
        queue.wait_for_room().await;
        for ticket in taken {
            queue.give_back(ticket, None);
        }
        let waited = tokio::time::timeout(Duration::from_millis(20), queue.wait_for_room()).await;
        assert!(waited.is_err());
        queue.stop(Problem::Interrupted);
        queue.wait_for_room().await;
    }
}
