//! What `check` reports, and its findings.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::check::GatewayCheck;
use crate::check::outcome::Outcome;
use crate::check::verdict::TopicStatus;
use crate::finding::{Case, Ending, Finding, FindingsReport, Measure};
use crate::schema::SCHEMA_VERSION;
use crate::text::Printable;

/// The first word of the line of a Nagios plugin.
pub(crate) const SERVICE: &str = "APNS";

/// The report of a run.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) schema_version: u32,
    /// One for each gateway.
    pub(crate) checks: Vec<GatewayCheck>,
    /// The file of the certificate; `None` where it is standard input.
    #[serde(skip)]
    pub(crate) path: Option<String>,
    /// The time of the run.
    #[serde(skip)]
    pub(crate) at: OffsetDateTime,
}

impl CheckReport {
    pub(crate) fn new(checks: Vec<GatewayCheck>, path: Option<String>, at: OffsetDateTime) -> Self {
        Self { schema_version: SCHEMA_VERSION, checks, path, at }
    }

    pub(crate) fn ending(&self) -> Ending {
        let mut ending = Ending::default();
        for check in &self.checks {
            ending.add(check.verdict.level(), check.verdict.code());
        }
        ending
    }

    pub(crate) fn findings_report(&self) -> FindingsReport {
        let total = self.checks.len();
        let mut accepted = 0;
        let mut times = Vec::new();
        let mut cases = Vec::new();
        for (index, check) in self.checks.iter().enumerate() {
            accepted += u64::from(check.verdict == Outcome::Accepted);
            times.push(Measure::new(format!("time{index}"), format_args!("{:.3}s", check.duration().as_secs_f64())));
            cases.push(Case {
                name: check.place(),
                title: format!("APNs: {}", check.verdict.word()),
                group: Some("pushcert.check".to_owned()),
                path: self.path.clone(),
                duration: check.duration(),
                findings: vec![check.finding()],
            });
        }
        let mut measures = vec![Measure { min: Some(0), max: Some(total), ..Measure::new("good", accepted) }];
        measures.append(&mut times);
        FindingsReport {
            title: "pushcert check",
            service: SERVICE,
            at: self.at,
            summary: format!("{accepted} of {total} gateways good"),
            ending: self.ending(),
            measures,
            cases,
        }
    }
}

impl GatewayCheck {
    /// Returns the gateway and its environment, in words.
    pub(crate) fn place(&self) -> String {
        match self.environment {
            Some(environment) => format!("{} ({})", self.gateway, environment.name()),
            None => self.gateway.clone(),
        }
    }

    /// Returns the reason and its meaning.
    pub(crate) fn sentence(&self) -> String {
        match &self.reason {
            Some(reason) if self.verdict != Outcome::Accepted => format!("{reason}: {}", self.meaning),
            _ => self.meaning.clone(),
        }
    }

    /// Returns what is known of the topic; `None` where the gateway did not get as far as the topic.
    pub(crate) fn topic_sentence(&self) -> Option<String> {
        if !matches!(self.verdict, Outcome::Accepted | Outcome::Refused) {
            return None;
        }
        let name = self.topic.topic.as_deref()?;
        Some(match self.topic.status {
            TopicStatus::Supported => format!("{name} is allowed"),
            TopicStatus::Refuted => format!("{name} is REFUSED"),
            TopicStatus::Unknown => format!("{name} was not judged"),
        })
    }

    fn duration(&self) -> Duration {
        let mut milliseconds = 0.0;
        for stage in &self.stages {
            milliseconds += stage.ms;
        }
        Duration::from_secs_f64(milliseconds / 1000.0)
    }

    fn finding(&self) -> Finding {
        let mut message = format!("{}: {}", self.verdict.word(), self.sentence());
        if let Some(topic) = self.topic_sentence() {
            message.push_str("; ");
            message.push_str(&topic);
        }
        Finding {
            subject: Some(self.place()),
            reason: self.reason.clone(),
            hint: self.advice.as_ref().map(Printable::from),
            ..Finding::new(self.verdict.level(), self.verdict.code(), message)
        }
    }
}
