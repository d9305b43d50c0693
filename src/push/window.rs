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

/// The window of one connection.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    /// True until a first good answer where requests go one at a time until then.
    is_probing: bool,
    /// The number of pauses in a row.
    pauses: u32,
    /// The number of answers of trouble since the last good one.
    troubles: u32,
    paused_until: Option<Instant>,
    paused_at: Option<Instant>,
}

impl Window {
    /// `is_probing` lets one request through until there is a good answer.
    pub(super) fn new(is_probing: bool) -> Self {
        Self { size: FIRST_WINDOW, is_probing, pauses: 0, troubles: 0, paused_until: None, paused_at: None }
    }

    /// Returns how many requests may be open, with this limit of the server.
    pub(super) fn limit(&self, server_limit: usize) -> usize {
        if self.is_probing { 1 } else { self.size.min(server_limit) }
    }

    /// Returns the end of the pause, if there is one.
    pub(super) fn pause(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Counts an answer that shows the server in order.
    pub(super) fn count_good(&mut self) {
        self.is_probing = false;
        self.size = (self.size + 1).min(MAX_WINDOW);
        self.troubles = 0;
        self.pauses = 0;
    }

    /// Counts an answer that shows trouble, to a request that was sent at this time: each halves the window, and several
    /// in a row pause the connection, for longer each time.
    pub(super) fn count_trouble(&mut self, sent: Instant, open: usize, retry_after: Option<Duration>) {
        self.size = self.size.min(open.max(2)) / 2;
        self.size = self.size.max(1);
        self.troubles += 1;
        // What was sent before the pause began says nothing new.
        let is_news = self.paused_at.is_none_or(|at| sent >= at);
        if self.troubles < 2 || !is_news {
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
        let mut window = Window::new(true);
        assert_eq!(window.limit(1000), 1);
        window.count_good();
        assert_eq!(window.limit(1000), FIRST_WINDOW + 1);
        assert_eq!(window.limit(1), 1);
        for _ in 0..3000 {
            window.count_good();
        }
        assert_eq!(window.limit(usize::MAX), MAX_WINDOW);
    }

    #[test]
    fn trouble_halves_it_and_good_answers_restore_it() {
        let mut window = Window::new(false);
        let now = Instant::now();
        window.count_trouble(now, 100, None);
        assert_eq!(window.limit(1000), 50);
        assert!(window.pause(now).is_none(), "one alone does not pause");
        for _ in 0..30 {
            window.count_good();
        }
        assert_eq!(window.limit(1000), 80);
        for _ in 0..20 {
            window.count_trouble(now, 1, None);
        }
        assert_eq!(window.limit(1000), 1);
    }

    #[test]
    fn pauses_grow_and_count_once_a_round() {
        let mut window = Window::new(false);
        let sent = Instant::now();
        window.count_trouble(sent, 100, None);
        window.count_trouble(sent, 100, None);
        let first = window.pause(sent).unwrap();
        window.count_trouble(sent, 100, None);
        assert_eq!(window.pause(sent), Some(first), "the same round");
        window.count_trouble(first, 100, Some(Duration::from_secs(7)));
        let second = window.pause(sent).unwrap();
        assert!(second - sent >= Duration::from_secs(7));
    }
}
