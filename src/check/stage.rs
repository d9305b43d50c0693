//! The stages of a check, each timed.

use serde::Serialize;
use tokio::time::Instant;

/// A stage, in the order in which they come.
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

/// How a stage went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// As it should.
    Ok,
    /// It went on, but something is worth knowing.
    Warning,
    /// The check ended here.
    Failed,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stage {
    /// Which.
    pub(crate) stage: StageName,
    /// How it went.
    pub(crate) status: Status,
    /// How long it took, in milliseconds.
    pub(crate) ms: f64,
    /// What was found.
    pub(crate) detail: String,
}

/// Measures a stage from its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch {
    stage: StageName,
    start: Instant,
}

impl Stopwatch {
    /// The stage begins.
    pub(crate) fn start(stage: StageName) -> Self {
        Self { stage, start: Instant::now() }
    }

    /// The stage began then.
    pub(crate) fn start_at(stage: StageName, start: Instant) -> Self {
        Self { stage, start }
    }

    /// The stage ends.
    pub(crate) fn stop(self, status: Status, detail: impl Into<String>) -> Stage {
        self.stop_at(Instant::now(), status, detail)
    }

    /// The stage ended then.
    pub(crate) fn stop_at(self, end: Instant, status: Status, detail: impl Into<String>) -> Stage {
        let ms = ((end - self.start).as_secs_f64() * 1e5).round() / 100.0;
        Stage { stage: self.stage, status, ms, detail: detail.into() }
    }
}
