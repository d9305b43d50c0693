//! Describes stages in words.

use tokio::time::Instant;

use crate::check::ground::Ground;
use crate::check::outcome::{Evidence, Outcome};
use crate::check::probe::{Conversation, ProbeAnswer};
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::verdict::Conclusion;
use crate::net::alert;
use crate::net::http2::tap::ObservedFrames;
use crate::net::tls::{TlsError, TlsReport};
use crate::net::trust::{TrustPolicy, TrustedBy};

/// Describes a handshake that succeeded.
pub(crate) fn tls_stage(watch: Stopwatch, report: &TlsReport) -> Stage {
    let root = report.root.as_ref().map_or("a given CA certificate", |root| &root.subject);
    let parameters = match (&report.version, &report.cipher) {
        (Some(version), Some(cipher)) => format!("{version} {cipher}"),
        (Some(known), None) | (None, Some(known)) => known.clone(),
        (None, None) => String::new(),
    };
    let facts = format!("{parameters}, trusted through {root}");
    if let Some(TrustedBy { embedded: true, system: false }) = report.trusted_by {
        let warning = "this machine's store does not trust the gateway's root; providers here will fail";
        return watch.stop(Status::Warning, format!("{facts}; {warning}"));
    }
    if report.is_certificate_requested() {
        watch.stop(Status::Ok, facts)
    } else {
        watch.stop(Status::Warning, format!("{facts}; the server did not request a certificate"))
    }
}

/// Describes why a handshake failed, and whose certificate was not trusted.
pub(crate) fn tls_failure(error: &TlsError, report: &TlsReport) -> String {
    match (error, report.server_chain.first()) {
        (TlsError::Untrusted(_), Some(leaf)) => {
            format!("{error}; it is for {}, issued by {}", leaf.subject, leaf.issuer)
        }
        _ => error.to_string(),
    }
}

/// Concludes from a failed handshake.
pub(crate) fn tls_conclusion(error: &TlsError, report: &TlsReport, policy: TrustPolicy) -> Conclusion {
    let is_requested = report.is_certificate_requested();
    let is_from_apple = report.server_chain.first().is_some_and(|leaf| leaf.issuer.contains("Apple"));
    let ground = match error {
        TlsError::Alert(number) => return Conclusion::from_alert(*number, is_requested),
        TlsError::Untrusted(_) if policy == TrustPolicy::PublicRoot && !is_from_apple => Ground::TlsInterception,
        TlsError::Untrusted(_) => Ground::UntrustedServer,
        TlsError::NotTls => Ground::NotTls,
        // With TLS 1.2, some servers close the connection when they refuse the certificate.
        TlsError::Closed if is_requested => return Conclusion::from_ground(Evidence::NoAnswer, Ground::Closed),
        TlsError::Closed => Ground::Closed,
        TlsError::Timeout(_) => Ground::Timeout,
        TlsError::NoHttp2(_) => Ground::NoHttp2,
        TlsError::Other(_) => Ground::Tls,
    };
    Conclusion::from_ground(Evidence::NotReached, ground)
}

/// The progress of a conversation.
enum ConversationProgress {
    /// SETTINGS did not arrive.
    NoSettings,
    /// The conversation ended between SETTINGS and what was to follow.
    EndedAfterSettings,
    /// SETTINGS arrived, and no notification was to be sent.
    Settings(Instant),
    /// SETTINGS arrived, and a notification was sent.
    Probe(Instant),
}

fn progress_of(conversation: &Conversation, wants_probe: bool) -> ConversationProgress {
    let Some(settings_at) = conversation.frames.settings_at else { return ConversationProgress::NoSettings };
    if conversation.frames.goaway.is_some() && conversation.answer.is_none() {
        return ConversationProgress::EndedAfterSettings;
    }
    match &conversation.ended_by {
        _ if wants_probe => ConversationProgress::Probe(settings_at),
        Some(_) => ConversationProgress::EndedAfterSettings,
        None => ConversationProgress::Settings(settings_at),
    }
}

/// Describes the conversation in two stages: until SETTINGS, and until the answer.
pub(crate) fn conversation_stages(
    watch: Stopwatch,
    conversation: &Conversation,
    verdict: Outcome,
    wants_probe: bool,
) -> Vec<Stage> {
    let settings = settings_text(&conversation.frames);
    match progress_of(conversation, wants_probe) {
        ConversationProgress::NoSettings => vec![watch.stop(Status::Failed, end_text(conversation))],
        ConversationProgress::EndedAfterSettings => {
            vec![watch.stop(Status::Failed, format!("{settings}, then {}", end_text(conversation)))]
        }
        ConversationProgress::Settings(at) => vec![watch.stop_at(at, Status::Ok, settings)],
        ConversationProgress::Probe(at) => {
            let status = if verdict == Outcome::Accepted { Status::Ok } else { Status::Failed };
            let probe = Stopwatch::start_at(StageName::Probe, at).stop(status, answer_text(conversation));
            vec![watch.stop_at(at, Status::Ok, settings), probe]
        }
    }
}

fn settings_text(frames: &ObservedFrames) -> String {
    match frames.settings.iter().flatten().find(|(name, _)| *name == "max_concurrent_streams") {
        Some((_, streams)) => format!("SETTINGS received, {streams} streams at once"),
        None => "SETTINGS received".to_owned(),
    }
}

fn answer_text(conversation: &Conversation) -> String {
    match &conversation.answer {
        Some(ProbeAnswer { status, reason: Some(reason), .. }) => format!("{status} {reason}"),
        Some(ProbeAnswer { status, is_json: true, .. }) => format!("{status}"),
        Some(ProbeAnswer { status, .. }) => format!("{status}, with a body that is not JSON"),
        None => end_text(conversation),
    }
}

/// Describes what ended the conversation.
fn end_text(conversation: &Conversation) -> String {
    let mut parts = Vec::new();
    if let Some(goaway) = &conversation.frames.goaway {
        let debug = if goaway.debug_data.is_empty() { "no debug data" } else { &goaway.debug_data };
        parts.push(format!("GOAWAY {}, {debug}", goaway.code));
    }
    if let Some(number) = conversation.frames.alert {
        let name = alert::name(number);
        parts.push(format!("the server sent the TLS alert {name} ({number}) after the handshake, as TLS 1.3 allows"));
    }
    match &conversation.ended_by {
        Some(ended_by) if parts.is_empty() => ended_by.to_string(),
        _ => parts.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_this_machine_does_not_trust_is_a_line_in_the_report() {
        for (system, embedded, is_requested, status, expected) in [
            (true, true, true, Status::Ok, "trusted through"),
            (
                false,
                true,
                true,
                Status::Warning,
                "this machine's store does not trust the gateway's root; providers here will fail",
            ),
            (true, true, false, Status::Warning, "the server did not request a certificate"),
            (false, false, true, Status::Ok, "trusted through a given CA certificate"),
        ] {
            let report = TlsReport {
                trusted_by: Some(TrustedBy { system, embedded }),
                requested_cas: is_requested.then(Vec::new),
                ..TlsReport::default()
            };
            let stage = tls_stage(Stopwatch::start(StageName::Tls), &report);
            assert_eq!(stage.status, status);
            assert!(stage.detail.contains(expected), "{}", stage.detail);
        }
    }
}
