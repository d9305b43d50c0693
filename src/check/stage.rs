//! The stages of a check, with their durations.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// The stages in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StageName {
    Identity,
    Revocation,
    Dns,
    Tcp,
    Proxy,
    Tls,
    Http2,
    Probe,
}

/// The result of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// It succeeded.
    Ok,
    /// It succeeded, with a warning.
    Warning,
    /// The check ended here.
    Failed,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stage {
    pub(crate) stage: StageName,
    pub(crate) status: Status,
    /// Its duration in milliseconds.
    pub(crate) ms: f64,
    pub(crate) detail: String,
}

/// A running stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    stage: StageName,
    start: Instant,
}

impl Stopwatch {
    /// Starts a stage.
    pub(crate) fn start(stage: StageName) -> Self {
        Self { stage, start: Instant::now() }
    }

    /// Starts a stage at an earlier time.
    pub(crate) fn start_at(stage: StageName, start: Instant) -> Self {
        Self { stage, start }
    }

    /// Ends the stage.
    pub(crate) fn stop(self, status: Status, detail: impl Into<String>) -> Stage {
        self.stop_at(Instant::now(), status, detail)
    }

    /// Ends the stage at an earlier time.
    pub(crate) fn stop_at(self, end: Instant, status: Status, detail: impl Into<String>) -> Stage {
        Stage { stage: self.stage, status, ms: milliseconds(end - self.start), detail: detail.into() }
    }
}

/// Returns a duration in milliseconds, with two decimals.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}
