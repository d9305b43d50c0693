//! The findings of a run of `expiry`, for the formats that it shares with `check`.

use std::cmp::Reverse;
use std::time::Duration;

use crate::certificate::threshold::Threshold;
use crate::expiry::report::{CheckedCertificate, DumpName, ExpiryReport, Source, UnreadableFile};
use crate::finding::{Case, Finding, FindingsReport, Level, Measure};
use crate::schema::text;

/// The first word of the line of a Nagios plugin.
pub(crate) const SERVICE: &str = "PUSHCERT";

/// The seconds after its end from which a certificate is old news: 90 days. It fails the run all the same.
const OLD_NEWS: i64 = 90 * 86_400;

impl ExpiryReport {
    /// Returns the findings, the most urgent first: GitHub shows ten. What expired long ago is no surprise: it comes last, and
    /// of that what expired last comes first.
    pub(crate) fn findings_report(&self) -> FindingsReport {
        let mut cases = Vec::with_capacity(self.certificates.len());
        for finding in &self.findings {
            cases.push(Case {
                name: "the run as a whole".to_owned(),
                title: "pushcert expiry".to_owned(),
                group: None,
                path: None,
                duration: Duration::ZERO,
                findings: vec![finding.clone()],
            });
        }
        let (mut old_news, news): (Vec<_>, Vec<_>) =
            self.certificates.iter().partition(|certificate| certificate.seconds_left < -OLD_NEWS);
        for certificate in news {
            cases.push(certificate.case());
        }
        for file in &self.unreadable {
            cases.push(file.case());
        }
        old_news.sort_by_key(|certificate| Reverse(certificate.not_after));
        for certificate in old_news {
            cases.push(certificate.case());
        }
        FindingsReport {
            title: "pushcert expiry",
            service: SERVICE,
            at: self.at,
            headline: format!("Certificate expiry: {}", self.headline()),
            summary: self.summary_line(),
            notes: [self.skipped_lines(), self.opened_lines()].concat(),
            ending: self.ending,
            measures: self.measures(),
            cases,
        }
    }

    fn measures(&self) -> Vec<Measure> {
        let mut measures = Vec::new();
        // Thresholds may be shares of the lifetime of the first to expire.
        // What is renewed needs nothing: its days would be critical beside OK.
        let mut remaining = self.certificates.iter().filter(|certificate| certificate.renewed_by.is_none());
        if let Some(first) = remaining.next() {
            let policy = &self.policy.policy;
            measures.push(Measure {
                warn_below: Some(days(policy.warn, first)),
                fail_below: Some(days(policy.fail, first)),
                ..Measure::new("days_left", in_days(first.seconds_left))
            });
        }
        let summary = &self.summary;
        for (name, count) in [
            ("certificates", summary.certificates),
            ("ok", summary.ok),
            ("warnings", summary.warnings),
            ("failures", summary.failures),
            ("unreadable", summary.unreadable),
            ("passed_over", summary.passed_over),
        ] {
            measures.push(Measure { min: Some(0), ..Measure::new(name, count) });
        }
        measures
    }
}

/// Returns a threshold in days. Three digits are a minute and a half.
fn days(threshold: Threshold, certificate: &CheckedCertificate) -> String {
    let lifetime = certificate.not_after - certificate.not_before;
    in_days(threshold.of(lifetime).whole_seconds())
}

/// Returns seconds in days, rounded down: what has expired is below 0.
fn in_days(seconds: i64) -> String {
    let thousandths = (seconds * 1000).div_euclid(86_400);
    let sign = if thousandths < 0 { "-" } else { "" };
    let (days, rest) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
    format!("{sign}{days}.{rest:03}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl CheckedCertificate {
    fn case(&self) -> Case {
        let mut findings = Vec::new();
        for finding in &self.findings {
            let (subject, file) = (Some(self.label()), Some(self.shown_place().into_owned()));
            findings.push(Finding { subject, file, ..finding.clone() });
        }
        Case {
            name: format!("{} ({}, {})", self.label(), self.role.name(), &self.sha256[..16]),
            title: self.label(),
            group: Some(self.shown_place().into_owned()),
            path: path(self.source, &self.file, &self.dump),
            duration: Duration::ZERO,
            findings,
        }
    }
}

impl UnreadableFile {
    fn case(&self) -> Case {
        // The message names the file.
        let finding = Finding::new(self.level, self.code, &self.error.message);
        let hint = if self.level == Level::Failure { self.error.hint.clone() } else { None };
        Case {
            name: "open the file".to_owned(),
            title: "cannot be opened".to_owned(),
            group: Some(self.shown_place().into_owned()),
            path: path(self.source, &self.file, &self.dump),
            duration: Duration::ZERO,
            findings: vec![Finding { reason: Some(text(&self.error.kind)), hint, ..finding }],
        }
    }
}

/// Returns the file in which something is: that of the dump, for an entry of a Secret.
fn path(source: Source, file: &str, dump: &DumpName) -> Option<String> {
    match source {
        Source::File => Some(file.to_owned()),
        Source::Secret => dump.file().map(str::to_owned),
        Source::Stdin => None,
    }
}
