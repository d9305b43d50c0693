//! What `check` reports, and its renderers.

pub(crate) mod github;
pub(crate) mod junit;
pub(crate) mod nagios;
pub(crate) mod prometheus;

use serde::Serialize;

use crate::check::GatewayCheck;
use crate::check::verdict::{Outcome, TopicStatus};
use crate::schema::SCHEMA_VERSION;

/// What `check` reports.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport {
    /// [`SCHEMA_VERSION`].
    pub(crate) schema_version: u32,
    /// One for each gateway.
    pub(crate) checks: Vec<GatewayCheck>,
}

impl CheckReport {
    /// Of these checks.
    pub(crate) fn new(checks: Vec<GatewayCheck>) -> Self {
        Self { schema_version: SCHEMA_VERSION, checks }
    }
}

/// The word for a verdict.
pub(super) const fn word(verdict: Outcome) -> &'static str {
    match verdict {
        Outcome::Accepted => "accepted",
        Outcome::Refused => "refused",
        Outcome::Rejected => "rejected",
        Outcome::Unproven => "unproven",
        Outcome::Unreachable => "unreachable",
    }
}

/// The verdict in a sentence, without what to do.
pub(super) fn sentence(check: &GatewayCheck) -> String {
    match (check.verdict, &check.reason) {
        (Outcome::Accepted, _) => check.meaning.clone(),
        (_, Some(reason)) => format!("{reason}: {}", check.meaning),
        (_, None) => check.meaning.clone(),
    }
}

/// What is known of the topic, in a sentence; `None` where the gateway did not get as far as the topic.
pub(super) fn topic(check: &GatewayCheck) -> Option<String> {
    if !matches!(check.verdict, Outcome::Accepted | Outcome::Refused) {
        return None;
    }
    let name = check.topic.topic.as_deref()?;
    Some(match check.topic.status {
        TopicStatus::Supported => format!("{name} is supported"),
        TopicStatus::Refuted => format!("{name} is REFUSED"),
        TopicStatus::Unknown => format!("{name} was not judged"),
    })
}

/// Which gateway, in words.
pub(super) fn place(check: &GatewayCheck) -> String {
    match check.environment {
        Some(environment) => format!("{} ({})", check.gateway, environment.name()),
        None => check.gateway.clone(),
    }
}
