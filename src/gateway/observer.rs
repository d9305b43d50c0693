//! What the gateway saw: counts, and the last requests. Its memory does not grow.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// How many requests are remembered.
const REMEMBERED: usize = 256;

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEvent {
    /// The method.
    pub method: String,
    /// The path, cut after 256 bytes.
    pub path: String,
    /// The topic.
    pub topic: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// Its reason.
    pub reason: Option<String>,
    /// The apns-id given back.
    pub apns_id: String,
}

/// Is told of each request.
pub(crate) type Log = Box<dyn Fn(&RequestEvent) + Send + Sync>;

/// Counts, remembers and tells.
#[derive(Default)]
pub struct Observer {
    state: Mutex<State>,
    log: Option<Log>,
}

#[derive(Default)]
struct State {
    requests: u64,
    recent: VecDeque<RequestEvent>,
}

impl Observer {
    /// Tells `log` too.
    pub fn new(log: Option<Log>) -> Self {
        Self { log, ..Self::default() }
    }

    /// Counts a request, and logs it.
    pub(super) fn record(&self, event: RequestEvent) {
        if let Some(log) = &self.log {
            log(&event);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests += 1;
        if state.recent.len() == REMEMBERED {
            state.recent.pop_front();
        }
        state.recent.push_back(event);
    }

    /// How many requests there were.
    pub fn requests(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests
    }

    /// The last requests, the oldest first.
    pub fn recent(&self) -> Vec<RequestEvent> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).recent.iter().cloned().collect()
    }
}
