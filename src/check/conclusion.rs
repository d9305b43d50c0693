//! The conclusion of a check: a verdict, its reason, and what to do.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::apns::alert::{self, AlertCause, AlertMeaning};
use crate::apns::reason::{self, Reason};
use crate::check::describe::goaway_text;
use crate::check::ground::Ground;
use crate::check::outcome::{Evidence, Outcome};
use crate::check::probe::ProbeAnswer;
use crate::check::revocation::RevocationVerdict;
use crate::check::stage::Status;
use crate::finding::{Finding, Level};
use crate::net;
use crate::net::http2::frames::GoAway;
use crate::net::retry;
use crate::schema::text;

/// The device token of the notification that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeToken {
    /// No notification was sent.
    None,
    /// A random token, which belongs to no device.
    Random,
    /// The token that the user named, and the number of its digits.
    Named { digits: usize },
}

/// The gateway's judgement of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TopicStatus {
    /// The gateway allows it: it checks the topic before it looks for the device among the topic's.
    Supported,
    /// The gateway refused it.
    Refuted,
    /// The gateway did not judge it.
    Unknown,
}

/// The advice after a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// The advice of a table.
    Text(&'static str),
    /// The advice for a ground. It names flags, which only the command line knows.
    Ground(Ground),
    /// The advice after an alert, which depends on whose server sent it.
    Alert(&'static AlertMeaning),
}

/// The advice after an answer about the probe's own token that APNs does not give.
pub(super) const RANDOM_TOKEN: &str =
    "APNs does not answer so to a random device token: check the address; something on the way may answer in its place";

/// The advice after a reason of APNs with a status that APNs does not give with it.
pub(super) const OTHER_STATUS: &str = "check the address: something on the way may answer in APNs' place";

/// How far a handshake came with the client certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateProgress {
    /// The server has not requested one.
    NotRequested,
    /// The server has requested one, and has not seen it.
    Requested,
    /// It was sent, so that the server may have judged it.
    Sent,
}

/// A verdict and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// What the verdict follows from.
    pub(super) evidence: Evidence,
    pub(crate) verdict: Outcome,
    /// A reason of APNs, the name of an alert, or the name of a [`Ground`].
    pub(crate) reason: Option<String>,
    /// The meaning of the reason.
    pub(crate) meaning: String,
    pub(crate) advice: Option<Advice>,
    pub(crate) topic: TopicStatus,
    /// True if another attempt may succeed.
    pub(crate) is_retryable: bool,
    /// True if the issuer says that it has revoked the certificate, whatever else there is to say.
    pub(crate) is_revoked: bool,
    /// The time that the server asks to wait before another attempt.
    pub(crate) retry_after: Option<Duration>,
}

impl Conclusion {
    pub(super) fn new(evidence: Evidence, reason: &str, meaning: &str, advice: &'static str) -> Self {
        Self {
            evidence,
            verdict: evidence.outcome(),
            reason: Some(reason.to_owned()),
            meaning: meaning.to_owned(),
            advice: if advice.is_empty() { None } else { Some(Advice::Text(advice)) },
            topic: TopicStatus::Unknown,
            is_retryable: false,
            is_revoked: false,
            retry_after: None,
        }
    }

    /// Concludes from a ground.
    pub(crate) fn from_ground(evidence: Evidence, ground: Ground) -> Self {
        let explanation = ground.explanation();
        Self {
            advice: Some(Advice::Ground(ground)),
            is_retryable: explanation.is_retryable,
            ..Self::new(evidence, explanation.name, explanation.meaning, "")
        }
    }

    /// Concludes that nothing can be proven, because the certificate was not sent.
    pub(crate) fn withheld() -> Self {
        Self::from_ground(Evidence::NotSent, Ground::CertificateWithheld)
    }

    /// Concludes from a GOAWAY whose debug data is not a reason, in the server's own words.
    pub(super) fn from_goaway(goaway: &GoAway) -> Self {
        let conclusion = Self::from_ground(Evidence::NoAnswer, Ground::GoAway);
        Self { meaning: format!("{}: {}", conclusion.meaning, goaway_text(goaway)), ..conclusion }
    }

    /// Concludes from a reason that the server gave; it may be one that APNs does not document.
    pub(super) fn from_reason(evidence: Evidence, name: &str) -> Self {
        match reason::find(name) {
            Some(known) => Self::new(evidence, name, known.meaning, known.advice),
            None => Self::new(evidence, name, "pushcert does not know this reason", ""),
        }
    }

    fn from_known_alert(evidence: Evidence, name: &str, known: &'static AlertMeaning) -> Self {
        Self { advice: Some(Advice::Alert(known)), ..Self::new(evidence, name, known.meaning, "") }
    }

    /// Concludes from an alert during the handshake. One that comes before the certificate was sent is not about it.
    pub(crate) fn from_alert(number: u8, progress: CertificateProgress) -> Self {
        if progress != CertificateProgress::Sent {
            // What names another cause than the certificate is a connection that was never made.
            let is_connection = alert::find(number).is_some_and(|known| known.cause == AlertCause::Connection);
            let evidence = if is_connection { Evidence::NotReached } else { Evidence::OtherAlert };
            return Self::early_alert(evidence, number, progress);
        }
        let name = net::alert::name(number);
        match alert::find(number) {
            Some(known) if known.cause == AlertCause::Certificate => {
                Self::from_known_alert(Evidence::CertificateRefused, &name, known)
            }
            Some(known) => Self::from_known_alert(Evidence::OtherAlert, &name, known),
            None => Self::new(Evidence::OtherAlert, &name, "pushcert does not know this alert", ""),
        }
    }

    /// Concludes from an alert of a server that has not seen the certificate.
    pub(super) fn early_alert(evidence: Evidence, number: u8, progress: CertificateProgress) -> Self {
        let name = net::alert::name(number);
        match alert::find(number) {
            Some(known) if known.cause == AlertCause::Connection => Self::from_known_alert(evidence, &name, known),
            _ if progress == CertificateProgress::Requested => Self::new(
                evidence,
                &name,
                "the server requested a certificate, and ended the connection before the certificate was sent",
                "the certificate under test is not the cause: look into the server's log, and check the server's own \
                 certificate and key",
            ),
            _ => Self::new(
                evidence,
                &name,
                "the server ended the connection before it requested a certificate",
                "check the address, and the TLS versions that the server supports",
            ),
        }
    }

    /// Concludes from a reason with a status that APNs does not give with it.
    pub(super) fn other_status(reason: &Reason, status: u16) -> Self {
        let meaning = format!("APNs gives this reason with the status {}, and not with {status}", reason.status);
        Self::new(Evidence::OtherStatus, reason.name, &meaning, OTHER_STATUS)
    }

    /// Takes back the advice about a device token that nobody chose.
    pub(super) fn unlike_apns(self) -> Self {
        Self { advice: Some(Advice::Text(RANDOM_TOKEN)), ..self }
    }

    /// Concludes that the certificate is good, and that the topic or the device token (`what`) is not.
    pub(super) fn refused(evidence: Evidence, reason: &Reason, what: &str, topic: TopicStatus) -> Self {
        let meaning = format!("the certificate was judged good, the {what} was not: {}", reason.meaning);
        Self { topic, ..Self::new(evidence, reason.name, &meaning, reason.advice) }
    }

    pub(super) fn accepted(evidence: Evidence, reason: Option<&str>, topic: TopicStatus) -> Self {
        let conclusion = Self::new(evidence, "", "the gateway accepts the certificate", "");
        Self { reason: reason.map(str::to_owned), topic, ..conclusion }
    }

    /// Adds that another attempt may succeed, after the delay that the answer asks for.
    pub(super) fn retryable_after(self, answer: &ProbeAnswer) -> Self {
        let retry_after = match &answer.retry_after {
            Some(text) => retry::parse_retry_after(text, OffsetDateTime::now_utc()),
            None => None,
        };
        Self { is_retryable: true, retry_after, ..self }
    }

    /// Takes the findings of the policy into account: a certificate that the gateway judges good may still fail the run.
    pub(crate) fn with_policy(self, findings: &[Finding]) -> Self {
        let mut failures = Vec::new();
        for finding in findings {
            if finding.level == Level::Failure {
                failures.push(finding);
            }
        }
        match failures.first() {
            Some(first) if self.verdict == Outcome::Accepted => {
                let messages: Vec<&str> = failures.iter().map(|finding| &*finding.message).collect();
                let meaning = format!("the certificate was judged good, but it {}", messages.join("; it "));
                let topic = self.topic;
                Self { topic, ..Self::new(Evidence::PolicyViolated, &text(&first.code), &meaning, "") }
            }
            _ => self,
        }
    }

    /// Takes the result of the question about revocation into account: a signed "revoked" decides where the gateway was
    /// asked, and without an answer nothing is proven.
    pub(crate) fn with_revocation(self, found: &RevocationVerdict) -> Self {
        let ground = found.ground.unwrap_or(Ground::RevocationUnknown);
        match (found.status, self.verdict) {
            (Status::Failed, Outcome::Rejected) => Self { is_revoked: true, ..self },
            (Status::Failed, _) if matches!(self.evidence, Evidence::NotReached | Evidence::NotPresented) => {
                let meaning = format!("{}; {}", self.meaning, Ground::Revoked.explanation().meaning);
                Self { meaning, is_retryable: false, ..self }
            }
            (Status::Failed, _) => Self::from_ground(Evidence::Revoked, Ground::Revoked),
            (Status::Warning, Outcome::Accepted) => {
                let topic = self.topic;
                Self { topic, ..Self::from_ground(Evidence::RevocationUnknown, ground) }
            }
            // It was refused for another cause, which is shown; whether the certificate is good is open all the same.
            (Status::Warning, Outcome::Refused) => {
                let unknown = Self::from_ground(Evidence::RevocationUnknown, ground);
                let first = self.reason.as_deref().unwrap_or_default();
                let meaning = format!("{}; {first}: {}", unknown.meaning, self.meaning);
                Self { topic: self.topic, meaning, ..unknown }
            }
            (Status::Ok | Status::Warning, _) => self,
        }
    }
}
