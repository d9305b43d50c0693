//! From the observations to a verdict. A finished TLS 1.3 handshake proves nothing: the server judges the certificate
//! after it (RFC 8446 section 4.4.2.4, and APNs has been seen to do so). Proof is an answer that only a server gives
//! that has accepted the client.

use crate::apns::notification::TOKEN_DIGITS;
use crate::apns::reason::{self, Reason, ReasonSubject};
use crate::check::conclusion::{CertificateProgress, Conclusion, ProbeToken, TopicStatus};
use crate::check::ground::Ground;
use crate::check::outcome::Evidence;
use crate::check::probe::{BodyForm, Break, Conversation, ProbeAnswer};
use crate::net::http2::frames::GoAway;

/// Judges a conversation after the TLS handshake; `is_requested` says whether the server requested a certificate.
pub(crate) fn judge(conversation: &Conversation, is_requested: bool, token: ProbeToken) -> Conclusion {
    let frames = &conversation.frames;
    let goaway_reason = match &frames.goaway {
        Some(GoAway { reason: Some(reason), .. }) => Some(reason.as_str()),
        _ => None,
    };
    if let Some(name) = goaway_reason
        && let Some(Reason { subject: ReasonSubject::Certificate, .. }) = reason::find(name)
    {
        return about_certificate(name, is_requested);
    }
    if let Some(answer) = &conversation.answer {
        return judge_answer(answer, is_requested, token);
    }
    if let Some(name) = goaway_reason {
        let conclusion = Conclusion { is_retryable: true, ..Conclusion::from_reason(Evidence::NoAnswer, name) };
        let is_chosen = token != ProbeToken::Random || !is_about_device(name);
        return if is_chosen { conclusion } else { conclusion.unlike_apns() };
    }
    if let Some(number) = frames.alert {
        return judge_late_alert(number, is_requested);
    }
    if let Some(goaway) = &frames.goaway {
        return Conclusion::from_goaway(goaway);
    }
    let ground = match &conversation.ended_by {
        Some(Break::Timeout(_)) if frames.settings.is_none() => Ground::SettingsTimeout,
        Some(Break::Timeout(_)) => Ground::AnswerTimeout,
        Some(Break::Closed) => Ground::Closed,
        Some(Break::Reset(_)) => Ground::Reset,
        Some(Break::Http1 | Break::Protocol(_)) => Ground::NotHttp2,
        None if !is_requested => return not_requested(),
        None if token == ProbeToken::None && frames.settings.is_some() && conversation.is_alive => {
            return Conclusion::from_ground(Evidence::NotProbed, Ground::NotProbed);
        }
        None => Ground::Closed,
    };
    Conclusion::from_ground(Evidence::NoAnswer, ground)
}

/// Judges a reason about the certificate. A server that requested none has none to judge, whatever it says.
fn about_certificate(name: &str, is_requested: bool) -> Conclusion {
    if is_requested { Conclusion::from_reason(Evidence::CertificateRefused, name) } else { not_requested() }
}

fn not_requested() -> Conclusion {
    Conclusion::from_ground(Evidence::NotRequested, Ground::NoCertificateRequested)
}

fn not_apns() -> Conclusion {
    Conclusion::from_ground(Evidence::OtherAnswer, Ground::NotApns)
}

/// Judges an alert after the handshake: the server was reached.
fn judge_late_alert(number: u8, is_requested: bool) -> Conclusion {
    if is_requested {
        Conclusion::from_alert(number, CertificateProgress::Sent)
    } else {
        Conclusion::early_alert(Evidence::NotRequested, number, CertificateProgress::NotRequested)
    }
}

fn judge_answer(answer: &ProbeAnswer, is_requested: bool, token: ProbeToken) -> Conclusion {
    let Some(name) = answer.reason.as_deref() else { return judge_status(answer, is_requested) };
    match (answer.status, reason::find(name)) {
        // APNs has one status for each reason.
        (429 | 500..=599, Some(known)) if known.status != answer.status => {
            Conclusion::other_status(known, answer.status).retryable_after(answer)
        }
        (429 | 500..=599, _) | (400..=499, Some(Reason { subject: ReasonSubject::Server, .. })) => {
            let conclusion = Conclusion::from_reason(Evidence::ServerTrouble, name).retryable_after(answer);
            if token != ProbeToken::Random || !is_about_device(name) { conclusion } else { conclusion.unlike_apns() }
        }
        // What looks like a reason of APNs in another form than APNs' is another server's.
        (400..=499, Some(_)) if answer.body != BodyForm::Refusal => not_apns(),
        (400..=499, Some(known)) if known.status != answer.status => Conclusion::other_status(known, answer.status),
        (400..=499, Some(known)) => judge_reason(known, is_requested, token),
        (400..=499, None) => Conclusion::from_reason(Evidence::OtherAnswer, name),
        // APNs gives a reason only for a refusal.
        _ => not_apns(),
    }
}

/// Judges an answer without a reason.
fn judge_status(answer: &ProbeAnswer, is_requested: bool) -> Conclusion {
    match answer.status {
        429 => Conclusion::from_ground(Evidence::ServerTrouble, Ground::TooManyRequests).retryable_after(answer),
        500..=599 => {
            Conclusion::from_ground(Evidence::ServerTrouble, Ground::ServerUnavailable).retryable_after(answer)
        }
        200 if !answer.is_delivery() => not_apns(),
        200 if !is_requested => not_requested(),
        200 => Conclusion::accepted(Evidence::Delivered, None, TopicStatus::Supported),
        _ => not_apns(),
    }
}

/// Judges a known reason in an answer with its status.
fn judge_reason(reason: &Reason, is_requested: bool, token: ProbeToken) -> Conclusion {
    match reason.subject {
        ReasonSubject::Certificate => about_certificate(reason.name, is_requested),
        ReasonSubject::ProviderToken => Conclusion::from_reason(Evidence::OtherAnswer, reason.name),
        _ if !is_requested => not_requested(),
        ReasonSubject::Topic => Conclusion::refused(Evidence::TopicRefused, reason, "topic", TopicStatus::Refuted),
        ReasonSubject::Device => judge_token(reason, token),
        ReasonSubject::Request | ReasonSubject::Server => Conclusion::from_reason(Evidence::OtherAnswer, reason.name),
    }
}

/// Judges a reason about the device token.
fn judge_token(reason: &Reason, token: ProbeToken) -> Conclusion {
    let topic = topic_behind(reason);
    match token {
        ProbeToken::Named { digits } => {
            let mut conclusion = Conclusion::refused(Evidence::NamedTokenRefused, reason, "device token", topic);
            if digits < TOKEN_DIGITS {
                conclusion.meaning.push_str(&format!("; it has {digits} digits, and {TOKEN_DIGITS} or more are usual"));
            }
            conclusion
        }
        _ if is_expected_of_random_token(reason) => {
            Conclusion::accepted(Evidence::RandomTokenUnknown, Some(reason.name), topic)
        }
        ProbeToken::Random | ProbeToken::None => {
            Conclusion::from_reason(Evidence::OtherAnswer, reason.name).unlike_apns()
        }
    }
}

fn is_about_device(name: &str) -> bool {
    matches!(reason::find(name), Some(Reason { subject: ReasonSubject::Device, .. }))
}

/// Returns whether APNs says this of a token that belongs to no device.
fn is_expected_of_random_token(reason: &Reason) -> bool {
    matches!(reason.name, "BadDeviceToken" | "DeviceTokenNotForTopic")
}

/// Returns what a reason about the device token shows of the topic. The gateway first looks for the token in its
/// environment, then at the topic, then whether they belong together.
fn topic_behind(reason: &Reason) -> TopicStatus {
    if reason.name == "DeviceTokenNotForTopic" { TopicStatus::Supported } else { TopicStatus::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apns::alert::{self, AlertCause};
    use crate::apns::reason::REASONS;
    use crate::check::conclusion::{Advice, OTHER_STATUS, RANDOM_TOKEN};
    use crate::check::expectation::Expectation;
    use crate::check::outcome::Outcome;
    use crate::check::revocation::RevocationVerdict;
    use crate::check::stage::Status;
    use crate::net::http2::tap::ObservedFrames;

    fn answered(status: u16, reason: Option<&str>, is_requested: bool) -> Conclusion {
        answered_to(ProbeToken::Random, status, reason, is_requested)
    }

    fn answered_to(token: ProbeToken, status: u16, reason: Option<&str>, is_requested: bool) -> Conclusion {
        let answer = ProbeAnswer {
            status,
            reason: reason.map(str::to_owned),
            apns_id: Some("5F1B0C52-7a63-4f0e-9d5c-0d6f5f0c7a11".to_owned()),
            body: if reason.is_some() { BodyForm::Refusal } else { BodyForm::Empty },
            retry_after: None,
        };
        let frames = ObservedFrames { settings: Some(Default::default()), ..ObservedFrames::default() };
        judge(&Conversation { frames, answer: Some(answer), is_alive: true, ended_by: None }, is_requested, token)
    }

    /// The outcome of a reason about the probe's own token, and about a token that the user named.
    fn expected_outcomes(name: &str) -> (Outcome, Outcome) {
        match name {
            "BadDeviceToken" | "DeviceTokenNotForTopic" => (Outcome::Accepted, Outcome::Refused),
            "ExpiredToken" | "Unregistered" => (Outcome::Unproven, Outcome::Refused),
            "TopicDisallowed" | "BadTopic" | "MissingTopic" => (Outcome::Refused, Outcome::Refused),
            "BadCertificate" | "BadCertificateEnvironment" | "Forbidden" => (Outcome::Rejected, Outcome::Rejected),
            _ => (Outcome::Unproven, Outcome::Unproven),
        }
    }

    #[test]
    fn each_reason_has_its_verdict() {
        for reason in REASONS {
            let (random, named) = expected_outcomes(reason.name);
            for (token, expected) in [(ProbeToken::Random, random), (ProbeToken::Named { digits: 64 }, named)] {
                let conclusion = answered_to(token, reason.status, Some(reason.name), true);
                assert_eq!(conclusion.verdict, expected, "{} {token:?}", reason.name);
                assert_eq!(conclusion.reason.as_deref(), Some(reason.name));
                let unasked = answered_to(token, reason.status, Some(reason.name), false);
                assert_eq!(unasked.verdict, Outcome::Unproven, "{} without a request", reason.name);
            }
        }
    }

    #[test]
    fn acceptance_needs_the_status_that_belongs_to_the_reason() {
        for status in (100..600).filter(|status| *status != 400) {
            for reason in ["BadDeviceToken", "DeviceTokenNotForTopic"] {
                let verdict = answered(status, Some(reason), true).verdict;
                assert_eq!(verdict, Outcome::Unproven, "{status} {reason}");
            }
            let expected = if status == 200 { Outcome::Accepted } else { Outcome::Unproven };
            assert_eq!(answered(status, None, true).verdict, expected, "{status}");
        }
    }

    #[test]
    fn each_alert_has_its_verdict() {
        for number in 0..=255 {
            let is_about_certificate = matches!(number, 42..=46 | 48 | 49);
            let expected = if is_about_certificate { Outcome::Rejected } else { Outcome::Unproven };
            assert_eq!(Conclusion::from_alert(number, CertificateProgress::Sent).verdict, expected, "{number}");
            assert_eq!(judge_late_alert(number, true).verdict, expected, "{number} late");
            // Before the server has seen a certificate, no alert is about one.
            for progress in [CertificateProgress::NotRequested, CertificateProgress::Requested] {
                let conclusion = Conclusion::from_alert(number, progress);
                let is_connection = alert::find(number).is_some_and(|known| known.cause == AlertCause::Connection);
                let expected = if is_connection { Outcome::Unreachable } else { Outcome::Unproven };
                assert_eq!(conclusion.verdict, expected, "{number}");
                let denies = conclusion.meaning.contains("before it requested a certificate");
                assert!(progress == CertificateProgress::NotRequested || !denies, "{number}: {}", conclusion.meaning);
                assert!(!conclusion.meaning.contains("the certificate may be the cause"), "{number}");
            }
            assert_eq!(judge_late_alert(number, false).verdict, Outcome::Unproven, "{number} late");
        }
    }

    #[test]
    fn a_revocation_decides_and_without_an_answer_nothing_is_proven() {
        let accepted = || answered(200, None, true);
        let refused = || answered(400, Some("TopicDisallowed"), true);
        let rejected = || answered(403, Some("Forbidden"), true);
        let unreachable = || Conclusion::from_ground(Evidence::NotReached, Ground::Dns);
        for (conclusion, status, verdict, reason) in [
            (accepted(), Status::Ok, Outcome::Accepted, None),
            (accepted(), Status::Warning, Outcome::Unproven, Some("revocation-unknown")),
            (accepted(), Status::Failed, Outcome::Rejected, Some("revoked")),
            (refused(), Status::Warning, Outcome::Unproven, Some("revocation-unknown")),
            (refused(), Status::Failed, Outcome::Rejected, Some("revoked")),
            (rejected(), Status::Failed, Outcome::Rejected, Some("Forbidden")),
            (unreachable(), Status::Warning, Outcome::Unreachable, Some("dns")),
            (unreachable(), Status::Failed, Outcome::Unreachable, Some("dns")),
        ] {
            let ground = (status == Status::Warning).then_some(Ground::RevocationUnknown);
            let found = RevocationVerdict { status, detail: String::new(), ground };
            let judged = conclusion.with_revocation(&found);
            assert_eq!((judged.verdict, judged.reason.as_deref()), (verdict, reason));
            let is_both = status == Status::Failed && reason == Some("Forbidden");
            assert_eq!(judged.is_revoked, is_both, "{reason:?}");
        }
    }

    #[test]
    fn a_revoked_certificate_that_was_not_shown_is_not_rejected() {
        let revoked =
            RevocationVerdict { status: Status::Failed, detail: String::new(), ground: Some(Ground::Revoked) };
        for ground in [Ground::KeyMissing, Ground::KeyMismatch, Ground::KeyUnusable] {
            let judged = Conclusion::from_ground(Evidence::NotPresented, ground).with_revocation(&revoked);
            assert_eq!(
                (judged.verdict, judged.reason.as_deref()),
                (Outcome::Unproven, Some(ground.explanation().name))
            );
            assert!(judged.meaning.ends_with("; the certificate's issuer has revoked it"), "{}", judged.meaning);
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
            for token in [ProbeToken::Random, ProbeToken::Named { digits: 64 }] {
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

    /// Asserts that a reason that stands beside an outcome of proof can be expected with it.
    fn assert_can_be_expected(conclusion: &Conclusion) {
        let Some(reason) = &conclusion.reason else { return };
        if conclusion.verdict.is_proof() {
            let text = format!("{}:{reason}", conclusion.verdict.word());
            assert!(text.parse::<Expectation>().is_ok(), "{text}");
        }
    }

    #[test]
    fn each_reason_that_is_given_can_be_expected() {
        for reason in REASONS {
            for token in [ProbeToken::Random, ProbeToken::Named { digits: 64 }] {
                assert_can_be_expected(&answered_to(token, reason.status, Some(reason.name), true));
            }
        }
        for number in 0..=u8::MAX {
            assert_can_be_expected(&Conclusion::from_alert(number, CertificateProgress::Sent));
        }
        assert_can_be_expected(&Conclusion::from_ground(Evidence::Revoked, Ground::Revoked));
    }

    #[test]
    fn a_reason_with_a_status_that_apns_does_not_give_with_it_proves_nothing() {
        for reason in REASONS {
            for token in [ProbeToken::Random, ProbeToken::Named { digits: 64 }] {
                for status in (400..600).filter(|status| *status != reason.status) {
                    let conclusion = answered_to(token, status, Some(reason.name), true);
                    assert_eq!(conclusion.verdict, Outcome::Unproven, "{status} {} {token:?}", reason.name);
                    let is_server = reason.subject == ReasonSubject::Server && status < 500 && status != 429;
                    let is_odd = conclusion.advice == Some(Advice::Text(OTHER_STATUS));
                    assert!(is_odd || is_server, "{status} {} {conclusion:?}", reason.name);
                }
            }
        }
        let odd = answered_to(ProbeToken::Named { digits: 64 }, 413, Some("BadDeviceToken"), true);
        assert_eq!(odd.advice, Some(Advice::Text(OTHER_STATUS)));
        assert_eq!(answered(403, Some("TopicDisallowed"), true).advice, Some(Advice::Text(OTHER_STATUS)));
    }

    #[test]
    fn what_is_not_known_proves_nothing() {
        assert_eq!(answered(400, Some("Novel"), true).verdict, Outcome::Unproven);
        assert_eq!(answered(403, Some("Novel"), true).verdict, Outcome::Unproven);
        assert_eq!(answered(404, None, true).reason.as_deref(), Some("not-apns"));
        assert_eq!(answered(403, None, true).verdict, Outcome::Unproven, "a proxy may say that too");
        assert_eq!(answered(200, None, true).verdict, Outcome::Accepted);
        assert_eq!(answered(200, None, false).verdict, Outcome::Unproven);
    }

    #[test]
    fn a_ground_has_its_name_and_its_advice() {
        let conclusion = Conclusion::from_ground(Evidence::NoAnswer, Ground::AnswerTimeout);
        assert_eq!(conclusion.reason.as_deref(), Some("answer-timeout"));
        assert_eq!(conclusion.advice, Some(Advice::Ground(Ground::AnswerTimeout)));
        assert!(conclusion.is_retryable);
        assert!(!Conclusion::from_ground(Evidence::OtherAnswer, Ground::NotApns).is_retryable);
    }

    #[test]
    fn no_advice_is_about_a_token_that_nobody_chose() {
        for reason in REASONS {
            for status in [400, 401, 410, 429, 500, 503] {
                let conclusion = answered(status, Some(reason.name), true);
                if reason.subject == ReasonSubject::Device && conclusion.verdict != Outcome::Accepted {
                    let expected = if status == reason.status { RANDOM_TOKEN } else { OTHER_STATUS };
                    assert_eq!(conclusion.advice, Some(Advice::Text(expected)), "{status} {}", reason.name);
                }
            }
        }
        let named = answered_to(ProbeToken::Named { digits: 64 }, 410, Some("Unregistered"), true);
        assert_eq!(named.advice, Some(Advice::Text("stop sending to it")));
    }
}
