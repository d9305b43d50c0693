//! The stages of a check, each timed.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// A stage, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum StageName {
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
pub enum Status {
    /// As it should.
    Ok,
    /// It went on, but something is worth knowing.
    Warning,
    /// The check ended here.
    Failed,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Which.
    pub stage: StageName,
    /// How it went.
    pub status: Status,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// What was found.
    pub detail: String,
}

/// Measures a stage from its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    stage: StageName,
    start: Instant,
}

impl Stopwatch {
    /// The stage begins.
    pub fn start(stage: StageName) -> Self {
        Self { stage, start: Instant::now() }
    }

    /// The stage began then.
    pub fn start_at(stage: StageName, start: Instant) -> Self {
        Self { stage, start }
    }

    /// The stage ends.
    pub fn stop(self, status: Status, detail: impl Into<String>) -> Stage {
        self.stop_at(Instant::now(), status, detail)
    }

    /// The stage ended then.
    pub fn stop_at(self, end: Instant, status: Status, detail: impl Into<String>) -> Stage {
        let ms = ((end - self.start).as_secs_f64() * 1e5).round() / 100.0;
        Stage { stage: self.stage, status, ms, detail: detail.into() }
    }
}

/// A time limit in words: "10 s", "1.5 s".
pub fn seconds(duration: Duration) -> String {
    format!("{} s", (duration.as_secs_f64() * 1000.0).round() / 1000.0)
}
