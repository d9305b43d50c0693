//! The observer: counts requests and keeps the last ones. Its memory does not grow.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

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
    /// A fault of the request that APNs may accept.
    pub warning: Option<&'static str>,
    /// The apns-id of the response.
    pub apns_id: String,
}

/// A function that is called for each request.
pub(crate) type RequestLog = Box<dyn Fn(&RequestEvent) + Send + Sync>;

/// Counts, keeps and logs requests.
pub struct Observer {
    requests: AtomicU64,
    /// The last requests, if they are kept.
    recent: Option<Mutex<VecDeque<RequestEvent>>>,
    log: Option<RequestLog>,
}

impl Observer {
    pub(super) fn new(log: Option<RequestLog>, keeps_requests: bool) -> Self {
        Self { requests: AtomicU64::new(0), recent: keeps_requests.then(Mutex::default), log }
    }

    /// Counts a request. Describes it only where it is logged or kept.
    pub(super) fn record(&self, describe: impl FnOnce() -> RequestEvent) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.log.is_none() && self.recent.is_none() {
            return;
        }
        let event = describe();
        if let Some(log) = &self.log {
            log(&event);
        }
        if let Some(recent) = &self.recent {
            keep(&mut recent.lock().unwrap_or_else(PoisonError::into_inner), event);
        }
    }

    /// Returns the number of requests so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Returns the last requests, the oldest first.
    pub fn recent(&self) -> Vec<RequestEvent> {
        let Some(recent) = &self.recent else { return Vec::new() };
        recent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

fn keep(recent: &mut VecDeque<RequestEvent>, event: RequestEvent) {
    if recent.len() == HISTORY_LENGTH {
        recent.pop_front();
    }
    recent.push_back(event);
}
