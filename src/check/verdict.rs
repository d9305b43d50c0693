//! From what was seen to a verdict. A finished TLS 1.3 handshake proves nothing: the server judges the
//! certificate after it (RFC 8446 section 4.4.2.4, and what was seen of APNs). Proof is an answer that
//! only a server gives who has let the client in.

use serde::Serialize;

use crate::apns::alert;
use crate::apns::reason::{self, Reason, ReasonSubject};
use crate::check::probe::{Break, Conversation, ProbeAnswer};
use crate::net;

/// The answer to "does APNs accept this certificate?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// Yes.
    Accepted,
    /// The certificate was judged good, the topic or the device token was not.
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

/// What is known of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TopicStatus {
    /// The gateway allows it: it looks at the topic before it looks for the device among the topic's.
    Supported,
    /// The gateway refused it.
    Refuted,
    /// Nothing was said of it.
    Unknown,
}

/// The verdict with its grounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// The verdict.
    pub(crate) verdict: Outcome,
    /// Why: a reason of APNs, an alert, or a word of [`GROUNDS`].
    pub(crate) reason: Option<String>,
    /// What that means.
    pub(crate) meaning: String,
    /// What to do.
    pub(crate) advice: Option<String>,
    /// What is known of the topic.
    pub(crate) topic: TopicStatus,
    /// Whether trying again may help.
    pub(crate) is_passing: bool,
    /// How many seconds the server asks to wait before that.
    pub(crate) retry_after: Option<u64>,
}

/// Grounds that are no words of the server: name, meaning, advice, whether trying again may help.
pub(crate) const GROUNDS: [(&str, &str, &str, bool); 20] = [
    (
        "key-missing",
        "there is no private key to the certificate",
        "export the certificate together with its key, or give the key with --key FILE",
        false,
    ),
    (
        "key-mismatch",
        "the private key belongs to another certificate",
        "a certificate works only with the key that its request was made with: look for that key, or make a new request",
        false,
    ),
    ("dns", "the gateway's name has no address", "check the name, and this machine's resolver", true),
    (
        "connection-refused",
        "nothing listens there, or a firewall refuses",
        "check the address; a firewall must let TCP port 443 or 2197 through",
        true,
    ),
    ("network", "there is no way to the gateway", "check the network; behind a proxy, name it with --proxy", true),
    (
        "timeout",
        "the server kept silent",
        "a firewall may drop the packets: try --port 2197, or a longer --timeout",
        true,
    ),
    (
        "proxy",
        "the proxy does not lead to the gateway",
        "the proxy must allow CONNECT to the gateway; credentials go into its URL",
        false,
    ),
    (
        "tls-interception",
        "the server's certificate is not Apple's",
        "something on the way opens TLS connections: it must let the gateway's pass, client certificates do not survive it",
        false,
    ),
    (
        "untrusted-server",
        "the server's certificate is not trusted",
        "name its authority with --ca-file, if you trust it",
        false,
    ),
    (
        "not-tls",
        "what answered does not speak TLS",
        "check the address; something on the way may answer in the server's place",
        false,
    ),
    (
        "no-http2",
        "the server does not offer HTTP/2",
        "check the address; something on the way may answer in the server's place",
        false,
    ),
    (
        "tls",
        "the TLS handshake failed",
        "check the address; something on the way may answer in the server's place",
        false,
    ),
    (
        "closed",
        "the server closed the connection",
        "try again; closing without a word was also seen for certificates that are refused",
        true,
    ),
    ("reset", "the server reset the request", "try again later", true),
    (
        "not-http2",
        "the server does not keep to HTTP/2",
        "check the address; something on the way may answer in the server's place",
        false,
    ),
    (
        "no-certificate-requested",
        "the server did not ask for a certificate, so that its answer says nothing of one",
        "check the address: APNs asks for one",
        false,
    ),
    (
        "not-probed",
        "no notification was sent, so the gateway did not show its judgement of the certificate",
        "leave out --no-probe",
        false,
    ),
    (
        "not-apns",
        "the answer is not one of APNs",
        "check the address; something on the way may answer in the server's place",
        false,
    ),
    ("server-unavailable", "the server has trouble of its own", "try again later, with growing delays", true),
    ("bug", "this machine could not be made to try", "please report it, without the certificate's key", false),
];

impl Conclusion {
    fn new(verdict: Outcome, reason: &str, meaning: &str, advice: &str) -> Self {
        Self {
            verdict,
            reason: Some(reason.to_owned()),
            meaning: meaning.to_owned(),
            advice: (!advice.is_empty()).then(|| advice.to_owned()),
            topic: TopicStatus::Unknown,
            is_passing: false,
            retry_after: None,
        }
    }

    /// A verdict on one of [`GROUNDS`].
    pub(crate) fn on(verdict: Outcome, ground: &'static str) -> Self {
        let found = GROUNDS.iter().find(|(name, ..)| *name == ground);
        let (name, meaning, advice, is_passing) = found.copied().unwrap_or(GROUNDS[GROUNDS.len() - 1]);
        Self { is_passing, ..Self::new(verdict, name, meaning, advice) }
    }

    /// What an alert means; one that comes before the server has asked for a certificate is not about it.
    pub(crate) fn of_alert(number: u8, is_requested: bool) -> Self {
        let name = net::alert::name(number);
        match alert::find(number) {
            Some(known) if known.is_about_certificate && is_requested => {
                Self::new(Outcome::Rejected, &name, known.meaning, known.advice)
            }
            known => {
                let (meaning, advice) = match known {
                    Some(known) if !known.is_about_certificate => (known.meaning, known.advice),
                    _ => (
                        "the server broke off before it asked for a certificate",
                        "check the address, and the versions of TLS that it speaks",
                    ),
                };
                Self::new(Outcome::Unreachable, &name, meaning, advice)
            }
        }
    }

    /// Concludes that the certificate is good, and that the topic or the device token (`what`) is not.
    fn refused(reason: &Reason, what: &str, topic: TopicStatus) -> Self {
        let meaning = format!("the certificate was judged good, the {what} was not: {}", reason.meaning);
        Self { topic, ..Self::new(Outcome::Refused, reason.name, &meaning, reason.advice) }
    }

    fn accepted(topic: TopicStatus) -> Self {
        Self {
            verdict: Outcome::Accepted,
            reason: None,
            meaning: "the gateway accepts the certificate".to_owned(),
            advice: None,
            topic,
            is_passing: false,
            retry_after: None,
        }
    }
}

/// Judges what was said after the TLS handshake; `is_requested`: whether the server asked for a
/// certificate.
pub(crate) fn judge(conversation: &Conversation, is_requested: Option<bool>, token: ProbeToken) -> Conclusion {
    let seen = &conversation.seen;
    let unasked = || Conclusion::on(Outcome::Unproven, "no-certificate-requested");
    let refused_by = |name: &str| reason::find(name).filter(|reason| reason.subject == ReasonSubject::Provider);
    let farewell = seen.goaway.as_ref().and_then(|goaway| goaway.reason.as_deref());
    if let Some(known) = farewell.and_then(refused_by) {
        return Conclusion::new(Outcome::Rejected, known.name, known.meaning, known.advice);
    }
    if let Some(answer) = &conversation.answer {
        return judge_answer(answer, is_requested, token);
    }
    if let Some(name) = farewell {
        let (meaning, advice) = reason::find(name)
            .map_or(("the server gave a reason that is not known here", ""), |known| (known.meaning, known.advice));
        return Conclusion { is_passing: true, ..Conclusion::new(Outcome::Unproven, name, meaning, advice) };
    }
    if let Some(number) = seen.alert {
        let about = Conclusion::of_alert(number, is_requested == Some(true));
        // The handshake was over: the server was reached.
        let verdict = if about.verdict == Outcome::Unreachable { Outcome::Unproven } else { about.verdict };
        return Conclusion { verdict, ..about };
    }
    match &conversation.ended_by {
        Some(Break::Timeout(_)) => Conclusion::on(Outcome::Unproven, "timeout"),
        Some(Break::Closed) => Conclusion::on(Outcome::Unproven, "closed"),
        Some(Break::Reset(_)) => Conclusion::on(Outcome::Unproven, "reset"),
        Some(Break::Http1 | Break::Protocol(_)) => Conclusion::on(Outcome::Unproven, "not-http2"),
        None if is_requested != Some(true) => unasked(),
        None if token == ProbeToken::None && seen.settings.is_some() && conversation.is_alive => {
            Conclusion::on(Outcome::Unproven, "not-probed")
        }
        None => Conclusion::on(Outcome::Unproven, "closed"),
    }
}

fn judge_answer(answer: &ProbeAnswer, is_requested: Option<bool>, token: ProbeToken) -> Conclusion {
    let name = answer.reason.as_deref();
    let known = name.and_then(reason::find);
    let retry_after = answer.retry_after.as_deref().and_then(|text| text.parse().ok());
    let told = |verdict| {
        let status = format!("status-{}", answer.status);
        let (meaning, advice) =
            known.map_or(("the reason is not known here", ""), |known| (known.meaning, known.advice));
        Conclusion::new(verdict, name.unwrap_or(&status), meaning, advice)
    };
    match (answer.status, known) {
        (403, Some(_)) => told(Outcome::Rejected),
        (403, None) if name.is_some() => told(Outcome::Rejected),
        (429 | 500..=599, _) => {
            let base = if name.is_some() {
                told(Outcome::Unproven)
            } else {
                Conclusion::on(Outcome::Unproven, "server-unavailable")
            };
            Conclusion { is_passing: true, retry_after, ..base }
        }
        (_, Some(known)) if known.subject == ReasonSubject::Server => {
            Conclusion { is_passing: true, retry_after, ..told(Outcome::Unproven) }
        }
        (_, Some(known)) if known.subject == ReasonSubject::Provider => told(Outcome::Rejected),
        _ if name.is_some() && known.is_none() => told(Outcome::Unproven),
        (200, None) if answer.apns_id.is_none() || !answer.is_json => Conclusion::on(Outcome::Unproven, "not-apns"),
        (200, None) | (_, Some(_)) if is_requested != Some(true) => {
            Conclusion::on(Outcome::Unproven, "no-certificate-requested")
        }
        (200, None) => Conclusion::accepted(TopicStatus::Supported),
        (_, Some(known)) => match known.subject {
            ReasonSubject::Topic => Conclusion::refused(known, "topic", TopicStatus::Refuted),
            ReasonSubject::Device if token == ProbeToken::Named => {
                Conclusion::refused(known, "device token", topic_behind(known))
            }
            ReasonSubject::Device if matches!(known.name, "BadDeviceToken" | "DeviceTokenNotForTopic") => {
                Conclusion { reason: Some(known.name.to_owned()), ..Conclusion::accepted(topic_behind(known)) }
            }
            _ => told(Outcome::Unproven),
        },
        (_, None) => Conclusion::on(Outcome::Unproven, "not-apns"),
    }
}

/// Returns what a reason about the device token shows of the topic. The gateway first looks for the
/// token in its environment, then at the topic, then whether they belong together.
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
        let seen = ObservedFrames { settings: Some(Default::default()), ..ObservedFrames::default() };
        judge(&Conversation { seen, answer: Some(answer), is_alive: true, ended_by: None }, Some(is_requested), token)
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
        let seen = ObservedFrames { settings: Some(Default::default()), ..ObservedFrames::default() };
        let conversation = Conversation { seen, answer: None, is_alive: true, ended_by: None };
        let conclusion = judge(&conversation, Some(true), ProbeToken::None);
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
        assert_eq!(Conclusion::of_alert(40, false).verdict, Outcome::Unreachable);
        assert_eq!(Conclusion::of_alert(40, true).verdict, Outcome::Rejected);
        assert_eq!(Conclusion::of_alert(70, true).verdict, Outcome::Unreachable);
    }

    #[test]
    fn every_ground_is_there_once() {
        for (index, (name, ..)) in GROUNDS.iter().enumerate() {
            assert!(GROUNDS[..index].iter().all(|(other, ..)| other != name), "{name}");
            assert_eq!(Conclusion::on(Outcome::Unproven, name).reason.as_deref(), Some(*name));
        }
    }
}
