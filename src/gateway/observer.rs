//! The observer: counts requests and keeps the last ones. Its memory does not grow.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The number of requests that are kept.
const HISTORY_LENGTH: usize = 256;

/// A request and the reply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEvent {
    pub method: String,
    /// The path, cut to a limit.
    pub path: String,
    pub topic: Option<String>,
    pub status: u16,
    pub reason: Option<String>,
    /// The apns-id of the response.
    pub apns_id: String,
}

/// A function that is called for each request.
pub(crate) type RequestLog = Box<dyn Fn(&RequestEvent) + Send + Sync>;

/// Counts, keeps and logs requests.
#[derive(Default)]
pub struct Observer {
    history: Mutex<History>,
    log: Option<RequestLog>,
}

#[derive(Default)]
struct History {
    requests: u64,
    recent: VecDeque<RequestEvent>,
}

impl Observer {
    pub(super) fn new(log: Option<RequestLog>) -> Self {
        Self { log, ..Self::default() }
    }

    /// Counts a request, and logs it.
    pub(super) fn record(&self, event: RequestEvent) {
        if let Some(log) = &self.log {
            log(&event);
        }
        let mut history = self.history();
        history.requests += 1;
        if history.recent.len() == HISTORY_LENGTH {
            history.recent.pop_front();
        }
        history.recent.push_back(event);
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> u64 {
        self.history().requests
    }

    /// Returns the last requests, the oldest first.
    pub fn recent(&self) -> Vec<RequestEvent> {
        self.history().recent.iter().cloned().collect()
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
