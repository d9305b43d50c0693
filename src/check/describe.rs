//! What was seen, told stage by stage.

use crate::check::probe::{Conversation, ProbeAnswer};
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::verdict::{Conclusion, Outcome};
use crate::net::alert;
use crate::net::tls::{TlsError, TlsReport};

/// The stage of a handshake that ended well.
pub(crate) fn tls_stage(watch: Stopwatch, report: &TlsReport) -> Stage {
    let root = report.root.as_ref().map_or("a given CA certificate", |root| &root.subject);
    let known = [report.version.as_deref(), report.cipher.as_deref()];
    let facts = format!("{}, trusted through {root}", known.into_iter().flatten().collect::<Vec<_>>().join(" "));
    let system_fails = report.trusted_by.is_some_and(|by| by.embedded && !by.system);
    if system_fails {
        let warning = "this machine's store does not trust the gateway's root; providers here will fail";
        return watch.stop(Status::Warning, format!("{facts}; {warning}"));
    }
    if report.is_certificate_requested() {
        watch.stop(Status::Ok, facts)
    } else {
        watch.stop(Status::Warning, format!("{facts}; the server did not request a certificate"))
    }
}

/// Why a handshake failed, and with whom.
pub(crate) fn tls_failure(error: &TlsError, report: &TlsReport) -> String {
    match (error, report.server_chain.first()) {
        (TlsError::Untrusted(_), Some(leaf)) => {
            format!("{error}; it is for {}, issued by {}", leaf.subject, leaf.issuer)
        }
        _ => error.to_string(),
    }
}

/// What a handshake that failed says of the certificate.
pub(crate) fn tls_conclusion(error: &TlsError, report: &TlsReport, is_apple: bool) -> Conclusion {
    let is_requested = report.is_certificate_requested();
    let is_apples = report.server_chain.first().is_some_and(|leaf| leaf.issuer.contains("Apple"));
    let ground = match error {
        TlsError::Alert(number) => return Conclusion::of_alert(*number, is_requested),
        TlsError::Untrusted(_) if is_apple && !is_apples => "tls-interception",
        TlsError::Untrusted(_) => "untrusted-server",
        TlsError::NotTls => "not-tls",
        // Under TLS 1.2 some servers close so on a certificate that they refuse.
        TlsError::Closed if is_requested => return Conclusion::on(Outcome::Unproven, "closed"),
        TlsError::Closed => "closed",
        TlsError::Timeout(_) => "timeout",
        TlsError::NoHttp2(_) => "no-http2",
        TlsError::Other(_) => "tls",
    };
    Conclusion::on(Outcome::Unreachable, ground)
}

/// The conversation in two stages: up to SETTINGS, and up to the answer.
pub(crate) fn conversation_stages(
    watch: Stopwatch,
    conversation: &Conversation,
    conclusion: &Conclusion,
    wants_probe: bool,
) -> Vec<Stage> {
    let seen = &conversation.seen;
    let end = || {
        let mut parts = Vec::new();
        if let Some(goaway) = &seen.goaway {
            let debug = if goaway.debug_data.is_empty() { "no debug data" } else { &goaway.debug_data };
            parts.push(format!("GOAWAY {}, {debug}", goaway.code));
        }
        if let Some(number) = seen.alert {
            let when = "after the handshake, as TLS 1.3 has it";
            parts.push(format!("the server sent the TLS alert {} ({number}) {when}", alert::name(number)));
        }
        if let (Some(ended_by), true) = (&conversation.ended_by, parts.is_empty()) {
            parts.push(ended_by.to_string());
        }
        parts.join("; ")
    };
    let Some(settings_at) = seen.settings_at else { return vec![watch.stop(Status::Failed, end())] };
    let is_over_early = seen.goaway.is_some() && conversation.answer.is_none();
    let settings = match seen.settings.as_ref().and_then(|settings| settings.get("max_concurrent_streams")) {
        Some(streams) => format!("SETTINGS received, {streams} streams at once"),
        None => "SETTINGS received".to_owned(),
    };
    if is_over_early || (!wants_probe && conversation.ended_by.is_some()) {
        return vec![watch.stop(Status::Failed, format!("{settings}, then {}", end()))];
    }
    let mut stages = vec![watch.stop_at(settings_at, Status::Ok, settings)];
    if wants_probe {
        let watch = Stopwatch::start_at(StageName::Probe, settings_at);
        let status = match conclusion.verdict {
            Outcome::Accepted => Status::Ok,
            _ => Status::Failed,
        };
        let detail = match &conversation.answer {
            Some(ProbeAnswer { status, reason: Some(reason), .. }) => format!("{status} {reason}"),
            Some(ProbeAnswer { status, is_json: true, .. }) => format!("{status}"),
            Some(ProbeAnswer { status, .. }) => format!("{status}, with a body that is not JSON"),
            None => end(),
        };
        stages.push(watch.stop(status, detail));
    }
    stages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::trust::TrustedBy;

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
