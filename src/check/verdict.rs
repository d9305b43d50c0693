//! From the observations to a verdict. A finished TLS 1.3 handshake proves nothing: the server judges the certificate
//! after it (RFC 8446 section 4.4.2.4, and APNs has been seen to do so). Proof is an answer that only a server gives
//! that has accepted the client.

use serde::Serialize;

use crate::apns::alert;
use crate::apns::reason::{self, Reason, ReasonSubject};
use crate::check::ground::Ground;
use crate::check::probe::{Break, Conversation, ProbeAnswer};
use crate::net;
use crate::net::http2::frames::GoAway;

/// The answer to "does APNs accept this certificate?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Yes.
    Accepted,
    /// The certificate was accepted, the topic or the device token was not.
    Refused,
    /// No.
    Rejected,
    /// The gateway was reached, but gave no proof either way.
    Unproven,
    /// The gateway was not reached.
    Unreachable,
}

/// The device token of the notification that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeToken {
    /// No notification was sent.
    None,
    /// A random token, which belongs to no device.
    Random,
    /// The token that the user named.
    Named,
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
}

/// A verdict and its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) verdict: Outcome,
    /// A reason of APNs, the name of an alert, or the name of a [`Ground`].
    pub(crate) reason: Option<String>,
    /// The meaning of the reason.
    pub(crate) meaning: String,
    pub(crate) advice: Option<Advice>,
    pub(crate) topic: TopicStatus,
    /// True if another attempt may succeed.
    pub(crate) is_retryable: bool,
    /// The seconds that the server asks to wait before another attempt.
    pub(crate) retry_after: Option<u64>,
}

impl Conclusion {
    fn new(verdict: Outcome, reason: &str, meaning: &str, advice: &'static str) -> Self {
        Self {
            verdict,
            reason: Some(reason.to_owned()),
            meaning: meaning.to_owned(),
            advice: if advice.is_empty() { None } else { Some(Advice::Text(advice)) },
            topic: TopicStatus::Unknown,
            is_retryable: false,
            retry_after: None,
        }
    }

    /// Concludes from a ground.
    pub(crate) fn from_ground(verdict: Outcome, ground: Ground) -> Self {
        let explanation = ground.explanation();
        Self {
            advice: Some(Advice::Ground(ground)),
            is_retryable: explanation.is_retryable,
            ..Self::new(verdict, explanation.name, explanation.meaning, "")
        }
    }

    /// Concludes from a reason that the server gave; it may be one that APNs does not document.
    fn from_reason(verdict: Outcome, name: &str) -> Self {
        match reason::find(name) {
            Some(known) => Self::new(verdict, name, known.meaning, known.advice),
            None => Self::new(verdict, name, "pushcert does not know this reason", ""),
        }
    }

    /// Concludes from an alert. One that comes before the server has requested a certificate is not about it.
    pub(crate) fn from_alert(number: u8, is_requested: bool) -> Self {
        let name = net::alert::name(number);
        match alert::find(number) {
            Some(known) if known.is_about_certificate && is_requested => {
                Self::new(Outcome::Rejected, &name, known.meaning, known.advice)
            }
            Some(known) if !known.is_about_certificate => {
                Self::new(Outcome::Unreachable, &name, known.meaning, known.advice)
            }
            _ => Self::new(
                Outcome::Unreachable,
                &name,
                "the server ended the handshake before it requested a certificate",
                "check the address, and the TLS versions that the server supports",
            ),
        }
    }

    /// Concludes that the certificate is good, and that the topic or the device token (`what`) is not.
    fn refused(reason: &Reason, what: &str, topic: TopicStatus) -> Self {
        let meaning = format!("the certificate was judged good, the {what} was not: {}", reason.meaning);
        Self { topic, ..Self::new(Outcome::Refused, reason.name, &meaning, reason.advice) }
    }

    fn accepted(topic: TopicStatus) -> Self {
        Self { reason: None, topic, ..Self::new(Outcome::Accepted, "", "the gateway accepts the certificate", "") }
    }

    /// Adds that another attempt may succeed, after the delay that the answer asks for.
    fn retryable_after(self, answer: &ProbeAnswer) -> Self {
        let retry_after = match &answer.retry_after {
            Some(text) => text.parse().ok(),
            None => None,
        };
        Self { is_retryable: true, retry_after, ..self }
    }
}

/// Judges a conversation after the TLS handshake; `is_requested` says whether the server requested a certificate.
pub(crate) fn judge(conversation: &Conversation, is_requested: bool, token: ProbeToken) -> Conclusion {
    let frames = &conversation.frames;
    let goaway_reason = match &frames.goaway {
        Some(GoAway { reason: Some(reason), .. }) => Some(reason.as_str()),
        _ => None,
    };
    if let Some(name) = goaway_reason
        && let Some(Reason { subject: ReasonSubject::Provider, .. }) = reason::find(name)
    {
        return Conclusion::from_reason(Outcome::Rejected, name);
    }
    if let Some(answer) = &conversation.answer {
        return judge_answer(answer, is_requested, token);
    }
    if let Some(name) = goaway_reason {
        return Conclusion { is_retryable: true, ..Conclusion::from_reason(Outcome::Unproven, name) };
    }
    if let Some(number) = frames.alert {
        return judge_late_alert(number, is_requested);
    }
    let ground = match &conversation.ended_by {
        Some(Break::Timeout(_)) => Ground::Timeout,
        Some(Break::Closed) => Ground::Closed,
        Some(Break::Reset(_)) => Ground::Reset,
        Some(Break::Http1 | Break::Protocol(_)) => Ground::NotHttp2,
        None if !is_requested => Ground::NoCertificateRequested,
        None if token == ProbeToken::None && frames.settings.is_some() && conversation.is_alive => Ground::NotProbed,
        None => Ground::Closed,
    };
    Conclusion::from_ground(Outcome::Unproven, ground)
}

/// Judges an alert after the handshake: the server was reached.
fn judge_late_alert(number: u8, is_requested: bool) -> Conclusion {
    let mut conclusion = Conclusion::from_alert(number, is_requested);
    if conclusion.verdict == Outcome::Unreachable {
        conclusion.verdict = Outcome::Unproven;
    }
    conclusion
}

fn judge_answer(answer: &ProbeAnswer, is_requested: bool, token: ProbeToken) -> Conclusion {
    let Some(name) = answer.reason.as_deref() else { return judge_status(answer, is_requested) };
    match (answer.status, reason::find(name)) {
        (403, _) => Conclusion::from_reason(Outcome::Rejected, name),
        (429 | 500..=599, _) | (_, Some(Reason { subject: ReasonSubject::Server, .. })) => {
            Conclusion::from_reason(Outcome::Unproven, name).retryable_after(answer)
        }
        (_, Some(known)) => judge_reason(known, is_requested, token),
        (_, None) => Conclusion::from_reason(Outcome::Unproven, name),
    }
}

/// Judges an answer without a reason.
fn judge_status(answer: &ProbeAnswer, is_requested: bool) -> Conclusion {
    match answer.status {
        429 | 500..=599 => {
            Conclusion::from_ground(Outcome::Unproven, Ground::ServerUnavailable).retryable_after(answer)
        }
        200 if answer.apns_id.is_none() || !answer.is_json => {
            Conclusion::from_ground(Outcome::Unproven, Ground::NotApns)
        }
        200 if !is_requested => Conclusion::from_ground(Outcome::Unproven, Ground::NoCertificateRequested),
        200 => Conclusion::accepted(TopicStatus::Supported),
        _ => Conclusion::from_ground(Outcome::Unproven, Ground::NotApns),
    }
}

fn judge_reason(reason: &Reason, is_requested: bool, token: ProbeToken) -> Conclusion {
    match reason.subject {
        ReasonSubject::Provider => Conclusion::from_reason(Outcome::Rejected, reason.name),
        _ if !is_requested => Conclusion::from_ground(Outcome::Unproven, Ground::NoCertificateRequested),
        ReasonSubject::Topic => Conclusion::refused(reason, "topic", TopicStatus::Refuted),
        ReasonSubject::Device if token == ProbeToken::Named => {
            Conclusion::refused(reason, "device token", topic_behind(reason))
        }
        ReasonSubject::Device if matches!(reason.name, "BadDeviceToken" | "DeviceTokenNotForTopic") => {
            Conclusion { reason: Some(reason.name.to_owned()), ..Conclusion::accepted(topic_behind(reason)) }
        }
        ReasonSubject::Device | ReasonSubject::Request | ReasonSubject::Server => {
            Conclusion::from_reason(Outcome::Unproven, reason.name)
        }
    }
}

/// Returns what a reason about the device token shows of the topic. The gateway first looks for the token in its
/// environment, then at the topic, then whether they belong together.
fn topic_behind(reason: &Reason) -> TopicStatus {
    if reason.name == "DeviceTokenNotForTopic" { TopicStatus::Supported } else { TopicStatus::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apns::reason::REASONS;
    use crate::net::http2::tap::ObservedFrames;

    fn answered(status: u16, reason: Option<&str>, is_requested: bool) -> Conclusion {
        answered_to(ProbeToken::Random, status, reason, is_requested)
    }

    fn answered_to(token: ProbeToken, status: u16, reason: Option<&str>, is_requested: bool) -> Conclusion {
        let answer = ProbeAnswer {
            status,
            reason: reason.map(str::to_owned),
            apns_id: Some(String::new()),
            is_json: true,
            retry_after: None,
        };
        let frames = ObservedFrames { settings: Some(Default::default()), ..ObservedFrames::default() };
        judge(&Conversation { frames, answer: Some(answer), is_alive: true, ended_by: None }, is_requested, token)
    }

    #[test]
    fn each_reason_has_its_verdict() {
        for reason in REASONS {
            let is_known_token = matches!(reason.name, "ExpiredToken" | "Unregistered");
            for (token, device) in [
                (ProbeToken::Random, if is_known_token { Outcome::Unproven } else { Outcome::Accepted }),
                (ProbeToken::Named, Outcome::Refused),
            ] {
                let expected = match reason.subject {
                    ReasonSubject::Provider => Outcome::Rejected,
                    ReasonSubject::Server | ReasonSubject::Request => Outcome::Unproven,
                    ReasonSubject::Topic => Outcome::Refused,
                    ReasonSubject::Device => device,
                };
                let conclusion = answered_to(token, reason.status, Some(reason.name), true);
                assert_eq!(conclusion.verdict, expected, "{} {token:?}", reason.name);
                assert_eq!(conclusion.reason.as_deref(), Some(reason.name));
                let unasked = answered_to(token, reason.status, Some(reason.name), false);
                assert!(!matches!(unasked.verdict, Outcome::Accepted | Outcome::Refused), "{}", reason.name);
            }
        }
    }

    #[test]
    fn what_an_answer_shows_of_the_topic() {
        for reason in REASONS {
            let expected = match reason.name {
                "TopicDisallowed" | "BadTopic" | "MissingTopic" => TopicStatus::Refuted,
                "DeviceTokenNotForTopic" => TopicStatus::Supported,
                _ => TopicStatus::Unknown,
            };
            for token in [ProbeToken::Random, ProbeToken::Named] {
                let conclusion = answered_to(token, reason.status, Some(reason.name), true);
                assert_eq!(conclusion.topic, expected, "{}", reason.name);
            }
        }
        assert_eq!(answered(200, None, true).topic, TopicStatus::Supported);
    }

    #[test]
    fn without_a_notification_nothing_is_proven() {
        let frames = ObservedFrames { settings: Some(Default::default()), ..ObservedFrames::default() };
        let conversation = Conversation { frames, answer: None, is_alive: true, ended_by: None };
        let conclusion = judge(&conversation, true, ProbeToken::None);
        assert_eq!((conclusion.verdict, conclusion.reason.as_deref()), (Outcome::Unproven, Some("not-probed")));
    }

    #[test]
    fn what_is_not_known_proves_nothing() {
        assert_eq!(answered(400, Some("Novel"), true).verdict, Outcome::Unproven);
        assert_eq!(answered(403, Some("Novel"), true).verdict, Outcome::Rejected);
        assert_eq!(answered(404, None, true).reason.as_deref(), Some("not-apns"));
        assert_eq!(answered(403, None, true).verdict, Outcome::Unproven, "a proxy may say that too");
        assert_eq!(answered(200, None, true).verdict, Outcome::Accepted);
        assert_eq!(answered(200, None, false).verdict, Outcome::Unproven);
    }

    #[test]
    fn an_alert_before_the_certificate_was_asked_for_is_not_about_it() {
        assert_eq!(Conclusion::from_alert(40, false).verdict, Outcome::Unreachable);
        assert_eq!(Conclusion::from_alert(40, true).verdict, Outcome::Rejected);
        assert_eq!(Conclusion::from_alert(70, true).verdict, Outcome::Unreachable);
    }

    #[test]
    fn a_ground_has_its_name_and_its_advice() {
        let conclusion = Conclusion::from_ground(Outcome::Unproven, Ground::Timeout);
        assert_eq!(conclusion.reason.as_deref(), Some("timeout"));
        assert_eq!(conclusion.advice, Some(Advice::Ground(Ground::Timeout)));
        assert!(conclusion.is_retryable);
        assert!(!Conclusion::from_ground(Outcome::Unproven, Ground::NotApns).is_retryable);
    }
}
