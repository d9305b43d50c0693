//! Describes stages in words.

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::check::conclusion::{CertificateProgress, Conclusion};
use crate::check::ground::Ground;
use crate::check::outcome::{Evidence, Outcome};
use crate::check::probe::{BodyForm, Conversation, ProbeAnswer};
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::net::alert;
use crate::net::http2::frames::GoAway;
use crate::net::http2::tap::ObservedFrames;
use crate::net::tls::{ExpectedServer, TlsError, TlsReport};
use crate::net::trust::{ChainFault, TrustPolicy, TrustProblem, TrustedBy};
use crate::text::printable_name;

/// Describes a handshake that succeeded; a client with a certificate wants it to be requested.
pub(crate) fn tls_stage(watch: Stopwatch, report: &TlsReport, has_certificate: bool) -> Stage {
    let root = report.root.as_ref().map_or("a given CA certificate", |root| &root.subject);
    let parameters = match (&report.version, &report.cipher) {
        (Some(version), Some(cipher)) => format!("{version} {cipher}"),
        (Some(known), None) | (None, Some(known)) => known.clone(),
        (None, None) => String::new(),
    };
    let mut warnings = Vec::new();
    if let Some(TrustedBy { embedded: true, system: false }) = report.trusted_by {
        warnings.push("this machine's store does not trust the gateway's root; providers here will fail");
    } else if has_certificate && !report.is_certificate_requested() {
        warnings.push("the server did not request a certificate");
    }
    if report.is_certificate_withheld {
        warnings.push("the server takes no signature of the certificate's key, so it was not sent");
    }
    for flaw in &report.chain_flaws {
        warnings.push(flaw.text());
    }
    let mut facts = format!("{parameters}, trusted through {root}");
    for warning in &warnings {
        facts.push_str("; ");
        facts.push_str(warning);
    }
    watch.stop(if warnings.is_empty() { Status::Ok } else { Status::Warning }, facts)
}

/// Describes why a handshake failed, and whose certificate was not trusted.
pub(crate) fn tls_failure(error: &TlsError, report: &TlsReport) -> String {
    let (TlsError::Untrusted(problem), Some(leaf)) = (error, report.server_chain.first()) else {
        return error.to_string();
    };
    let names = if leaf.names.is_empty() { String::new() } else { format!(" ({})", word_list(&leaf.names)) };
    let mut text = format!("{error}; it is for {}{names}, issued by {}", leaf.subject, leaf.issuer);
    if matches!(problem.fault(), ChainFault::NotYetValid | ChainFault::Expired | ChainFault::AllExpired) {
        let clock = OffsetDateTime::now_utc().date();
        text.push_str(&format!(
            ", valid from {} to {}; this machine's clock says {clock}",
            leaf.not_before.date(),
            leaf.not_after.date()
        ));
    }
    text
}

/// Lists the first names, and says how many more there are.
fn word_list(names: &[String]) -> String {
    const MAX_NAMES: usize = 5;
    let shown = names[..names.len().min(MAX_NAMES)].join(", ");
    match names.len().checked_sub(MAX_NAMES) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// Returns how far the handshake came with the client certificate.
fn progress_of_certificate(report: &TlsReport) -> CertificateProgress {
    if report.is_certificate_sent {
        CertificateProgress::Sent
    } else if report.is_certificate_requested() {
        CertificateProgress::Requested
    } else {
        CertificateProgress::NotRequested
    }
}

/// Concludes from a failed handshake with this server.
pub(crate) fn tls_conclusion(error: &TlsError, report: &TlsReport, server: &ExpectedServer) -> Conclusion {
    let is_sent = report.is_certificate_sent;
    let ground = match error {
        TlsError::Alert(_) | TlsError::Closed | TlsError::Reset if report.is_certificate_withheld => {
            return Conclusion::withheld();
        }
        TlsError::Alert(number) => return Conclusion::from_alert(*number, progress_of_certificate(report)),
        TlsError::Untrusted(problem) => trust_ground(problem, report, server),
        TlsError::Signing(_) => return Conclusion::from_ground(Evidence::NotPresented, Ground::KeyUnusable),
        TlsError::NotTls => Ground::NotTls,
        // With TLS 1.2, some servers close the connection when they refuse the certificate.
        TlsError::Closed | TlsError::Reset if is_sent => {
            return Conclusion::from_ground(Evidence::NoAnswer, Ground::Closed);
        }
        TlsError::HungUp => Ground::HelloHangUp,
        TlsError::Closed => Ground::TlsClosed,
        TlsError::Reset => Ground::TlsReset,
        TlsError::Silence(_) => Ground::HelloTimeout,
        TlsError::Timeout(_) => Ground::TlsTimeout,
        TlsError::NotOffered(..) => Ground::NoHttp2,
        TlsError::Other(_) => Ground::Tls,
    };
    Conclusion::from_ground(Evidence::NotReached, ground)
}

/// Returns why a server's certificate is not trusted. Who names the roots expects a server that is not Apple's.
fn trust_ground(problem: &TrustProblem, report: &TlsReport, server: &ExpectedServer) -> Ground {
    let is_from_apple = report.server_chain.first().is_some_and(|leaf| leaf.issuer.contains("Apple"));
    let expects_apple = server.policy == TrustPolicy::PublicRoot && !server.stores.has_given_roots();
    if expects_apple && !is_from_apple {
        return Ground::TlsInterception;
    }
    match problem.fault() {
        ChainFault::NameMismatch => Ground::ServerName,
        ChainFault::Expired => Ground::ServerExpired,
        ChainFault::AllExpired => Ground::Clock,
        ChainFault::NotYetValid => Ground::ServerNotYetValid,
        ChainFault::UnknownAuthority => Ground::UnknownAuthority,
        ChainFault::Other => Ground::UntrustedServer,
    }
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
        Some((_, 1)) => "SETTINGS received, one stream at a time".to_owned(),
        Some((_, streams)) => format!("SETTINGS received, {streams} streams at once"),
        None => "SETTINGS received".to_owned(),
    }
}

fn answer_text(conversation: &Conversation) -> String {
    match &conversation.answer {
        Some(ProbeAnswer { status, reason: Some(reason), .. }) => format!("{status} {reason}"),
        Some(ProbeAnswer { status, body: BodyForm::NotJson, .. }) => format!("{status}, with a body that is not JSON"),
        Some(ProbeAnswer { status, body: BodyForm::TooLong, .. }) => {
            format!("{status}, with a longer body than APNs sends")
        }
        Some(ProbeAnswer { status, .. }) => format!("{status}"),
        None => end_text(conversation),
    }
}

/// Describes a GOAWAY frame, with the server's own words in quotation marks.
pub(crate) fn goaway_text(goaway: &GoAway) -> String {
    if goaway.debug_data.is_empty() {
        return format!("GOAWAY {}, no debug data", goaway.code);
    }
    format!("GOAWAY {}, \"{}\"", goaway.code, printable_name(&goaway.debug_data))
}

/// Describes what ended the conversation.
fn end_text(conversation: &Conversation) -> String {
    let mut parts = Vec::new();
    if let Some(goaway) = &conversation.frames.goaway {
        parts.push(goaway_text(goaway));
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
    use crate::net::tls::Application;

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
            let stage = tls_stage(Stopwatch::start(StageName::Tls), &report, true);
            assert_eq!(stage.status, status);
            assert!(stage.detail.contains(expected), "{}", stage.detail);
        }
    }

    #[test]
    fn a_request_that_was_seen_is_not_denied() {
        let stores = std::sync::Arc::default();
        let server = ExpectedServer {
            host: "a".to_owned(),
            application: Application::Http2,
            policy: TrustPolicy::AnyRoot,
            stores,
        };
        for (requested_cas, is_certificate_sent, expected) in [
            (None, false, "before it requested a certificate"),
            (Some(vec![]), false, "before the certificate was sent"),
            (Some(vec![]), true, "the certificate may be the cause"),
        ] {
            let report = TlsReport { requested_cas, is_certificate_sent, ..TlsReport::default() };
            let conclusion = tls_conclusion(&TlsError::Alert(40), &report, &server);
            assert!(conclusion.meaning.contains(expected), "{}", conclusion.meaning);
        }
    }
}
