//! What `check` reports, and its findings.

use std::cmp::Reverse;
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::check::conclusion::TopicStatus;
use crate::check::expectation::Expectation;
use crate::check::outcome::Outcome;
use crate::check::{AttemptReport, GatewayCheck};
use crate::finding::{Case, Ending, Finding, FindingCode, FindingsReport, Level, Measure};
use crate::net::retry;
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
    /// True if a warning has an exit code of its own, as Nagios wants it.
    pub(crate) warnings_count: bool,
    /// The time of the run.
    pub(crate) at: OffsetDateTime,
}

impl CheckReport {
    pub(crate) fn new(checks: Vec<GatewayCheck>, findings: Vec<Finding>, run: RunFacts) -> Self {
        let mut report = Self { schema_version: SCHEMA_VERSION, exit_code: 0, findings, checks, run };
        let ending = report.ending();
        report.exit_code = ending.exit_code();
        if report.exit_code != 0 || (report.run.warnings_count && ending.level != Level::Ok) {
            report.withhold_acceptance();
        }
        report
    }

    /// Replaces the word "accepted", which stands only beside exit code 0.
    fn withhold_acceptance(&mut self) {
        for check in &mut self.checks {
            check.verdict = check.verdict.in_a_run_that_fails();
            for attempt in &mut check.attempts {
                attempt.verdict = attempt.verdict.in_a_run_that_fails();
            }
        }
    }

    pub(crate) fn ending(&self) -> Ending {
        let mut ending = Ending::default();
        for finding in &self.findings {
            ending.add(finding.level, finding.code);
        }
        for check in &self.checks {
            ending.add(check.level(), check.code());
            if check.server_expires_soon {
                ending.add(Level::Warning, FindingCode::ExpiresSoon);
            }
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
        cases.sort_by_key(|case| Reverse(Level::worst(&case.findings)));
        let mut measures = vec![Measure { min: Some(0), max: Some(total), ..Measure::new("good", good) }];
        measures.append(&mut times);
        let word = if self.run.expectation.is_some() { "as expected" } else { "good" };
        FindingsReport {
            title: "pushcert check",
            service: SERVICE,
            at: self.run.at,
            headline: format!("APNs check: {good} of {total} gateways {word}"),
            summary: self.summary(good, word),
            notes: vec![],
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
        let mut findings = vec![finding];
        findings.extend(check.server_finding());
        Case {
            name: check.place(),
            title: format!("APNs: {}", check.heading()),
            group: Some(GROUP.to_owned()),
            path: self.run.path.clone(),
            duration: check.duration(),
            findings,
        }
    }
}

impl CheckReport {
    fn summary(&self, good: u64, word: &str) -> String {
        let mut summary = format!("{good} of {} gateways {word}", self.checks.len());
        match Level::worst(&self.findings) {
            Level::Ok => {}
            Level::Warning => summary.push_str("; the certificate has warnings"),
            Level::Failure => summary.push_str("; the certificate does not meet the policy"),
        }
        for line in self.address_lines() {
            summary.push_str("; ");
            summary.push_str(&line);
        }
        summary
    }

    /// Tells for each gateway of which every address was asked how many there are, and which are not good.
    pub(crate) fn address_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for group in self.checks.chunk_by(|one, next| one.gateway == next.gateway) {
            if group.iter().all(|check| check.address.is_some()) {
                lines.push(format!("{}: {}", group[0].gateway, address_line(group)));
            }
        }
        lines
    }
}

/// Counts the addresses by outcome, and lists those that are not good.
fn address_line(group: &[GatewayCheck]) -> String {
    let total = group.len();
    let mut parts = Vec::new();
    for outcome in Outcome::ALL {
        let mut addresses = Vec::new();
        for check in group {
            if check.verdict == outcome {
                addresses.extend(check.address.map(|address| address.ip().to_string()));
            }
        }
        let count = addresses.len();
        match outcome {
            _ if count == 0 => {}
            Outcome::Accepted | Outcome::Passed => parts.push(format!("{count} of {total} addresses good")),
            _ => parts.push(format!("{count} of {total} {}, at {}", outcome.word(), addresses.join(", "))),
        }
    }
    parts.join("; ")
}

impl AttemptReport {
    /// Tells how the attempt ended, and what followed.
    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.verdict.word().to_owned();
        if let Some(reason) = &self.reason {
            sentence.push_str(&format!(": {reason}"));
        }
        let asked = match self.retry_after {
            Some(asked) => format!("; the server asks for a pause of {asked} s"),
            None => String::new(),
        };
        sentence.push_str(&asked);
        if let Some(pause) = self.pause_ms {
            sentence.push_str(&format!("; tried again after {:.1} s", pause / 1000.0));
        }
        if self.is_wait_too_long {
            sentence.push_str(&format!(", and no more than {} s are waited", retry::MAX_RETRY_AFTER.as_secs()));
        }
        sentence
    }
}

impl GatewayCheck {
    /// Returns the gateway, its environment and its address, in words.
    pub(crate) fn place(&self) -> String {
        let mut place = self.gateway.clone();
        if let Some(environment) = self.environment {
            place.push_str(&format!(" ({})", environment.name()));
        }
        if let Some(address) = self.address {
            place.push_str(&format!(" at {}", address.ip()));
        }
        place
    }

    /// Returns the sentences on the attempts that another one followed, or should have followed.
    pub(crate) fn attempt_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for attempt in &self.attempts {
            if attempt.pause_ms.is_some() || attempt.is_wait_too_long {
                lines.push(attempt.sentence());
            }
        }
        lines
    }

    /// Tells how long the server's certificate is valid, if that is less than the user wants.
    pub(crate) fn server_warning(&self) -> Option<String> {
        if !self.server_expires_soon {
            return None;
        }
        let days = self.server_days_left?;
        Some(format!("the server's certificate has {days} {} left", if days == 1 { "day" } else { "days" }))
    }

    fn server_finding(&self) -> Option<Finding> {
        let found = Finding::new(Level::Warning, FindingCode::ExpiresSoon, self.server_warning()?);
        Some(Finding { subject: Some(self.place()), ..found })
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
            (Some(false), verdict) if verdict.is_proof() => FindingCode::Unexpected,
            _ => self.verdict.code(),
        }
    }

    /// Returns the word of the outcome.
    pub(crate) fn heading(&self) -> &'static str {
        self.verdict.word()
    }

    /// Returns the outcome, the reason and its meaning.
    pub(crate) fn verdict_sentence(&self) -> String {
        format!("{}: {}", self.heading(), self.sentence())
    }

    /// Returns the reason and its meaning.
    pub(crate) fn sentence(&self) -> String {
        match &self.reason {
            Some(reason) if !self.verdict.is_acceptance() => format!("{reason}: {}", self.meaning),
            _ => self.meaning.clone(),
        }
    }

    /// Returns what is known of the topic; `None` where the gateway did not get as far as the topic.
    pub(crate) fn topic_sentence(&self) -> Option<String> {
        if !self.verdict.is_acceptance() && self.verdict != Outcome::Refused {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Authentication, TopicReport};

    fn check(gateway: &str, address: Option<&str>, verdict: Outcome) -> GatewayCheck {
        GatewayCheck {
            environment: None,
            gateway: gateway.to_owned(),
            address: address.map(|text| text.parse().unwrap()),
            authentication: Authentication::Certificate,
            verdict,
            reason: None,
            is_expected: None,
            advice: None,
            topic: TopicReport { topic: None, status: TopicStatus::Unknown },
            stages: vec![],
            attempts: vec![],
            server_days_left: None,
            server_expires_soon: false,
            tls: None,
            http2: None,
            probe: None,
            meaning: String::new(),
        }
    }

    fn report_on(checks: Vec<GatewayCheck>) -> CheckReport {
        let run = RunFacts {
            path: None,
            title: String::new(),
            has_policy: false,
            expectation: None,
            warnings_count: false,
            at: OffsetDateTime::UNIX_EPOCH,
        };
        CheckReport::new(checks, vec![], run)
    }

    #[test]
    fn addresses_are_counted_for_each_gateway() {
        let checks = vec![
            check("a:443", Some("17.0.0.1:443"), Outcome::Accepted),
            check("a:443", Some("17.0.0.2:443"), Outcome::Unreachable),
            check("a:443", Some("[2620:149:a44::1]:443"), Outcome::Unreachable),
            check("b:443", Some("17.0.0.3:443"), Outcome::Accepted),
            check("c:443", None, Outcome::Rejected),
        ];
        let report = report_on(checks);
        let expected = [
            "a:443: 1 of 3 addresses good; 2 of 3 unreachable, at 17.0.0.2, 2620:149:a44::1",
            "b:443: 1 of 1 addresses good",
        ];
        assert_eq!(report.address_lines(), expected);
        assert_eq!(report.checks[0].place(), "a:443 at 17.0.0.1");
    }

    #[test]
    fn a_good_gateway_has_passed_where_another_fails_the_run() {
        let good = || check("a:443", Some("17.0.0.1:443"), Outcome::Accepted);
        assert_eq!(report_on(vec![good(), good()]).checks[1].verdict, Outcome::Accepted);
        for other in [Outcome::Refused, Outcome::Rejected, Outcome::Unproven, Outcome::Unreachable] {
            let report = report_on(vec![good(), check("a:443", Some("17.0.0.2:443"), other), good()]);
            let verdicts = [0, 1, 2].map(|index| report.checks[index].verdict);
            assert_eq!(verdicts, [Outcome::Passed, other, Outcome::Passed]);
            assert_ne!(report.exit_code, 0);
            let shown = [
                format!("{:?}", report.findings_report()),
                report.address_lines().join(""),
                serde_json::to_string(&report).unwrap(),
            ];
            assert!(!shown.join("").contains("accepted"), "{shown:?}");
        }
    }

    #[test]
    fn a_certificate_of_the_server_that_ends_soon_is_a_warning() {
        let mut checked = check("a:443", None, Outcome::Accepted);
        checked.server_days_left = Some(1);
        checked.server_expires_soon = true;
        let report = report_on(vec![checked]);
        assert_eq!(report.ending().level, Level::Warning);
        assert_eq!(report.ending().exit, None);
        let found = &report.findings_report().cases[0].findings[1];
        assert_eq!(found.message, "the server's certificate has 1 day left");
    }
}
