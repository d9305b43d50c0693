//! The number of requests that a connection may have open: up to the server's limit, fewer while it has trouble.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::retry;

/// The most requests that are open at a time, whatever the server allows.
const MAX_WINDOW: usize = 2000;
/// The number of requests that a new connection may have open; each good answer adds one. Whatever a connection that ends
/// at once has not processed is sent again.
const FIRST_WINDOW: usize = 100;
/// The longest pause after answers of trouble.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The number of answers of trouble in a row that pause the connection. A server that fails now and then has seldom so
/// many.
const TROUBLES_BEFORE_PAUSE: u32 = 3;

/// The number of pauses in a row after which a new connection takes the place of this one: what answers it may have failed
/// for good, while others answer well.
const PAUSES_BEFORE_REPLACEMENT: u32 = 3;

/// The window of one connection. It halves after trouble, at most once in the time of a request and its answer, and doubles
/// in the same time while all is good: rare failures leave it large, frequent ones make it small.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    /// The server's limit.
    server_limit: usize,
    /// True until a first good answer where requests go one at a time until then.
    is_probing: bool,
    /// The number of pauses in a row, and how many of them a connection before has made.
    pauses: u32,
    earlier_pauses: u32,
    /// The number of answers of trouble since the last good one.
    troubles: u32,
    /// The time when it was halved last: what was sent before says nothing about its size now.
    halved_at: Option<Instant>,
    paused_until: Option<Instant>,
    paused_at: Option<Instant>,
}

impl Window {
    /// `is_probing` lets one request through until there is a good answer. `earlier_pauses` are those in a row of the
    /// connection whose place this one takes: then the first answer of trouble pauses it, for longer than the last time.
    pub(super) fn new(is_probing: bool, earlier_pauses: u32) -> Self {
        let has_paused = earlier_pauses > 0;
        Self {
            size: FIRST_WINDOW,
            server_limit: MAX_WINDOW,
            is_probing: is_probing || has_paused,
            pauses: earlier_pauses,
            earlier_pauses,
            troubles: if has_paused { TROUBLES_BEFORE_PAUSE - 1 } else { 0 },
            halved_at: None,
            paused_until: None,
            paused_at: None,
        }
    }

    /// Returns how many requests may be open, with this limit of the server.
    pub(super) fn limit(&mut self, server_limit: usize) -> usize {
        self.server_limit = server_limit;
        if self.is_probing { server_limit.min(1) } else { self.size.min(server_limit) }
    }

    /// Returns the end of the pause, if there is one.
    pub(super) fn pause(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Returns the number of pauses since the last good answer.
    pub(super) fn pauses(&self) -> u32 {
        self.pauses
    }

    /// Returns whether a new connection is to take the place of this one, once its pause is over.
    pub(super) fn is_worn_out(&self) -> bool {
        self.pauses >= PAUSES_BEFORE_REPLACEMENT && self.pauses > self.earlier_pauses
    }

    /// Returns whether the answer to a request that was sent at this time tells about the present size.
    fn is_about_this_size(&self, sent: Instant) -> bool {
        self.halved_at.is_none_or(|at| sent >= at)
    }

    /// Counts an answer that shows the server in order, to a request that was sent at this time.
    pub(super) fn count_good(&mut self, sent: Instant) {
        self.is_probing = false;
        if self.is_about_this_size(sent) {
            self.size = (self.size + 1).min(MAX_WINDOW);
        }
        self.troubles = 0;
        self.pauses = 0;
    }

    /// Counts an answer that shows trouble, to a request that was sent at this time. Several in a row pause the connection,
    /// for longer each time.
    pub(super) fn count_trouble(&mut self, sent: Instant, retry_after: Option<Duration>) {
        if self.is_about_this_size(sent) {
            self.size = (self.size.min(self.server_limit) / 2).max(1);
            self.halved_at = Some(Instant::now());
        }
        self.troubles += 1;
        // What was sent before the pause began says nothing new.
        let is_news = self.paused_at.is_none_or(|at| sent >= at);
        if self.troubles < TROUBLES_BEFORE_PAUSE || !is_news {
            return;
        }
        let now = Instant::now();
        let delay = retry::delay_before(self.pauses, retry_after, MAX_PAUSE, retry::jitter()).unwrap_or(MAX_PAUSE);
        self.pauses += 1;
        self.paused_at = Some(now);
        self.paused_until = Some(now + delay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_until_the_first_good_answer() {
        let mut window = Window::new(true, 0);
        assert_eq!(window.limit(1000), 1);
        assert_eq!(window.limit(0), 0, "not even that one where the server allows none");
        window.count_good(Instant::now());
        assert_eq!(window.limit(1000), FIRST_WINDOW + 1);
        assert_eq!(window.limit(1), 1);
        for _ in 0..3000 {
            window.count_good(Instant::now());
        }
        assert_eq!(window.limit(usize::MAX), MAX_WINDOW);
    }

    #[test]
    fn trouble_halves_it_once_a_round_and_good_answers_restore_it() {
        let mut window = Window::new(false, 0);
        let sent = Instant::now();
        window.count_trouble(sent, None);
        assert_eq!(window.limit(1000), 50);
        window.count_trouble(sent, None);
        assert_eq!(window.limit(1000), 50, "the same round");
        assert!(window.pause(sent).is_none(), "two do not pause");
        window.count_good(sent);
        assert_eq!(window.limit(1000), 50, "of the round before");
        for _ in 0..50 {
            window.count_good(Instant::now());
        }
        assert_eq!(window.limit(1000), 100, "doubled in a round");
        assert_eq!(window.limit(10), 10);
        window.count_trouble(Instant::now(), None);
        assert_eq!(window.limit(1000), 5, "half of what was allowed");
        for _ in 0..20 {
            window.count_trouble(Instant::now(), None);
        }
        assert_eq!(window.limit(1000), 1);
    }

    /// Plays rounds in which each answer is one of trouble where `is_trouble` says so; returns the mean of the limits.
    fn mean_limit(rounds: usize, mut is_trouble: impl FnMut() -> bool) -> usize {
        let mut window = Window::new(false, 0);
        let mut sum = 0;
        for _ in 0..rounds {
            let (size, sent) = (window.limit(1000), Instant::now());
            sum += size;
            for _ in 0..size {
                if is_trouble() { window.count_trouble(sent, None) } else { window.count_good(sent) }
            }
        }
        sum / rounds
    }

    #[test]
    fn rare_trouble_leaves_it_large_and_frequent_trouble_makes_it_small() {
        // A generator of Lehmer's: the same numbers in each run.
        let mut state = 1_u64;
        let mut draw = move |share: u64| {
            state = state * 48_271 % 0x7fff_ffff;
            state % 1000 < share
        };
        let rare = mean_limit(400, || draw(10));
        assert!(rare > 50, "1%: {rare}");
        let frequent = mean_limit(400, || draw(500));
        assert!(frequent < 20, "50%: {frequent}");
    }

    #[test]
    fn pauses_grow_and_count_once_a_round() {
        let mut window = Window::new(false, 0);
        let sent = Instant::now();
        for _ in 0..TROUBLES_BEFORE_PAUSE {
            window.count_trouble(sent, None);
        }
        let first = window.pause(sent).unwrap();
        window.count_trouble(sent, None);
        assert_eq!(window.pause(sent), Some(first), "the same round");
        window.count_trouble(first, Some(Duration::from_secs(7)));
        let second = window.pause(sent).unwrap();
        assert!(second - sent >= Duration::from_secs(7));
    }

    #[test]
    fn a_connection_that_has_only_trouble_is_replaced_and_the_pauses_go_on_growing() {
        let mut window = Window::new(false, 0);
        let mut sent = Instant::now();
        for _ in 0..TROUBLES_BEFORE_PAUSE - 1 {
            window.count_trouble(sent, None);
        }
        for _ in 0..PAUSES_BEFORE_REPLACEMENT {
            assert!(!window.is_worn_out());
            window.count_trouble(sent, None);
            sent = window.pause(sent).unwrap();
        }
        assert!(window.is_worn_out());
        let mut next = Window::new(false, window.pauses());
        assert!(!next.is_worn_out() && next.limit(1000) == 1, "it tries one request");
        let now = Instant::now();
        next.count_trouble(now, None);
        assert!(next.is_worn_out() && next.pause(now).unwrap() - now >= Duration::from_secs(2));
        next.count_good(Instant::now());
        assert!(!next.is_worn_out() && next.pauses() == 0);
    }
}
