//! What `check` reports, and its findings.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::check::GatewayCheck;
use crate::check::expectation::Expectation;
use crate::check::outcome::Outcome;
use crate::check::verdict::TopicStatus;
use crate::finding::{Case, Ending, Finding, FindingCode, FindingsReport, Level, Measure};
use crate::schema::SCHEMA_VERSION;
use crate::text::Printable;

/// The first word of the line of a Nagios plugin.
pub(crate) const SERVICE: &str = "APNS";
/// The group of the test cases.
const GROUP: &str = "pushcert.check";

/// The report of a run.
#[derive(Debug, Serialize)]
pub(crate) struct CheckReport {
    pub(crate) schema_version: u32,
    /// The exit code by the table.
    pub(crate) exit_code: u8,
    /// The findings of the policy about the certificate.
    pub(crate) findings: Vec<Finding>,
    /// One for each gateway.
    pub(crate) checks: Vec<GatewayCheck>,
    /// The run itself, which is no part of the JSON document.
    #[serde(skip)]
    pub(crate) run: RunFacts,
}

/// The facts of a run that are known before it.
#[derive(Debug)]
pub(crate) struct RunFacts {
    /// The file of the certificate; `None` where it is standard input.
    pub(crate) path: Option<String>,
    /// The name of the certificate.
    pub(crate) title: String,
    /// True if the certificate is held to a policy.
    pub(crate) has_policy: bool,
    /// The outcome that is expected.
    pub(crate) expectation: Option<Expectation>,
    /// The time of the run.
    pub(crate) at: OffsetDateTime,
}

impl CheckReport {
    pub(crate) fn new(checks: Vec<GatewayCheck>, findings: Vec<Finding>, run: RunFacts) -> Self {
        let mut report = Self { schema_version: SCHEMA_VERSION, exit_code: 0, findings, checks, run };
        report.exit_code = report.ending().exit_code();
        report
    }

    pub(crate) fn ending(&self) -> Ending {
        let mut ending = Ending::default();
        for finding in &self.findings {
            ending.add(finding.level, finding.code);
        }
        for check in &self.checks {
            ending.add(check.level(), check.code());
        }
        ending
    }

    /// Returns the outcome that was expected, in words, if this gateway's is another one.
    pub(crate) fn missed_expectation(&self, check: &GatewayCheck) -> Option<String> {
        match (&self.run.expectation, check.is_expected) {
            (Some(expectation), Some(false)) => Some(expectation.description()),
            _ => None,
        }
    }

    pub(crate) fn findings_report(&self) -> FindingsReport {
        let total = self.checks.len();
        let mut good = 0;
        let mut times = Vec::new();
        let mut cases = Vec::new();
        if self.run.has_policy {
            cases.push(self.certificate_case());
        }
        for (index, check) in self.checks.iter().enumerate() {
            good += u64::from(check.level() == Level::Ok);
            times.push(Measure::new(format!("time{index}"), format_args!("{:.3}s", check.duration().as_secs_f64())));
            cases.push(self.gateway_case(check));
        }
        let mut measures = vec![Measure { min: Some(0), max: Some(total), ..Measure::new("good", good) }];
        measures.append(&mut times);
        let word = if self.run.expectation.is_some() { "as expected" } else { "good" };
        FindingsReport {
            title: "pushcert check",
            service: SERVICE,
            at: self.run.at,
            summary: format!("{good} of {total} gateways {word}"),
            ending: self.ending(),
            measures,
            cases,
        }
    }

    fn certificate_case(&self) -> Case {
        let mut findings = Vec::new();
        for finding in &self.findings {
            findings.push(Finding { subject: Some(self.run.title.clone()), ..finding.clone() });
        }
        Case {
            name: "the certificate".to_owned(),
            title: self.run.title.clone(),
            group: Some(GROUP.to_owned()),
            path: self.run.path.clone(),
            duration: Duration::ZERO,
            findings,
        }
    }

    fn gateway_case(&self, check: &GatewayCheck) -> Case {
        let mut message = check.verdict_sentence();
        if let Some(topic) = check.topic_sentence() {
            message.push_str("; ");
            message.push_str(&topic);
        }
        match self.missed_expectation(check) {
            Some(expected) => message.push_str(&format!("; {expected} was expected")),
            None if check.is_expected.is_some() => message.push_str("; as expected"),
            None => {}
        }
        let finding = Finding {
            subject: Some(check.place()),
            reason: check.reason.clone(),
            hint: check.advice.as_ref().map(Printable::from),
            ..Finding::new(check.level(), check.code(), message)
        };
        Case {
            name: check.place(),
            title: format!("APNs: {}", check.heading()),
            group: Some(GROUP.to_owned()),
            path: self.run.path.clone(),
            duration: check.duration(),
            findings: vec![finding],
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

    /// Returns the level: what the user expects is good, and only a proof is, if the user expects nothing.
    pub(crate) fn level(&self) -> Level {
        match self.is_expected {
            Some(true) => Level::Ok,
            Some(false) => Level::Failure,
            None => self.verdict.level(),
        }
    }

    pub(crate) fn code(&self) -> FindingCode {
        match (self.is_expected, self.verdict) {
            (Some(false), Outcome::Accepted | Outcome::Refused | Outcome::Rejected) => FindingCode::Unexpected,
            _ => self.verdict.code(),
        }
    }

    /// Returns the word of the outcome. "accepted" stands only where the run does not fail.
    pub(crate) fn heading(&self) -> &'static str {
        match (self.is_expected, self.verdict) {
            (Some(false), Outcome::Accepted) => "not as expected",
            _ => self.verdict.word(),
        }
    }

    /// Returns the outcome, the reason and its meaning.
    pub(crate) fn verdict_sentence(&self) -> String {
        format!("{}: {}", self.heading(), self.sentence())
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
}
