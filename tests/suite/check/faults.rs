//! Every way to fail, and what the report makes of it.

use std::sync::Mutex;
use std::time::Duration;

use super::{Checked, Stage, TIMEOUT};
use crate::common::in_parallel;
use pushcert::testing::TlsVersions::{self, Both, V12, V13};
use pushcert::testing::{Environment, GatewayOptions, REASONS, ReasonSubject};

/// Fault, TLS, last stage, its status, verdict, reason, exit code.
pub(super) type Row = (&'static str, TlsVersions, &'static str, &'static str, &'static str, &'static str, i32);

pub(super) const FAULTS: &[Row] = &[
    ("refuse-tcp", Both, "tcp", "failed", "unreachable", "connection-refused", 5),
    ("stall-tcp", Both, "tcp", "failed", "unreachable", "connection-timeout", 5),
    ("close-tcp", Both, "tls", "failed", "unreachable", "hello-hang-up", 5),
    ("stall-tls", Both, "tls", "failed", "unreachable", "hello-timeout", 5),
    ("slow", Both, "tls", "failed", "unreachable", "tls-timeout", 5),
    ("alert:handshake_failure", V12, "tls", "failed", "unproven", "handshake_failure", 1),
    ("alert:handshake_failure", V13, "http2", "failed", "unproven", "handshake_failure", 1),
    ("alert:bad_certificate", V12, "tls", "failed", "rejected", "bad_certificate", 1),
    ("alert:bad_certificate", V13, "http2", "failed", "rejected", "bad_certificate", 1),
    ("alert:certificate_revoked", V12, "tls", "failed", "rejected", "certificate_revoked", 1),
    ("alert:certificate_revoked", V13, "http2", "failed", "rejected", "certificate_revoked", 1),
    ("alert:certificate_expired", V12, "tls", "failed", "rejected", "certificate_expired", 1),
    ("alert:certificate_expired", V13, "http2", "failed", "rejected", "certificate_expired", 1),
    ("alert:certificate_unknown", V12, "tls", "failed", "rejected", "certificate_unknown", 1),
    ("alert:certificate_unknown", V13, "http2", "failed", "rejected", "certificate_unknown", 1),
    ("alert:unknown_ca", V12, "tls", "failed", "rejected", "unknown_ca", 1),
    ("alert:unknown_ca", V13, "http2", "failed", "rejected", "unknown_ca", 1),
    ("alert:internal_error", V12, "tls", "failed", "unproven", "internal_error", 1),
    ("alert:internal_error", V13, "http2", "failed", "unproven", "internal_error", 1),
    ("no-alpn", V12, "tls", "failed", "unreachable", "no-http2", 5),
    ("no-alpn", V13, "tls", "failed", "unreachable", "no-http2", 5),
    ("no-request", V12, "probe", "failed", "unproven", "MissingProviderToken", 1),
    ("no-request", V13, "probe", "failed", "unproven", "MissingProviderToken", 1),
    ("wrong-host", Both, "tls", "failed", "unreachable", "server-name-mismatch", 5),
    ("expired-server", Both, "tls", "failed", "unreachable", "server-expired", 5),
    ("self-signed", Both, "tls", "failed", "unreachable", "unknown-authority", 5),
    ("close-tls", V12, "http2", "failed", "unproven", "closed", 1),
    ("close-tls", V13, "http2", "failed", "unproven", "closed", 1),
    ("stall-settings", V12, "http2", "failed", "unproven", "settings-timeout", 1),
    ("stall-settings", V13, "http2", "failed", "unproven", "settings-timeout", 1),
    ("no-settings", Both, "http2", "failed", "unproven", "not-http2", 1),
    ("garbage", Both, "probe", "failed", "unproven", "not-http2", 1),
    ("http1", Both, "http2", "failed", "unproven", "not-http2", 1),
    ("goaway-open:NeverHeardOfIt", Both, "http2", "failed", "unproven", "NeverHeardOfIt", 1),
    ("reset-tcp", Both, "probe", "failed", "unproven", "closed", 1),
    ("silence", Both, "probe", "failed", "unproven", "answer-timeout", 1),
    ("refuse-stream", Both, "probe", "failed", "unproven", "reset", 1),
    ("limit-streams:0", Both, "probe", "ok", "accepted", "BadDeviceToken", 0),
    ("close-midway", Both, "probe", "failed", "unproven", "closed", 1),
    ("reset", Both, "probe", "failed", "unproven", "reset", 1),
    ("stall-answer", Both, "probe", "failed", "unproven", "answer-timeout", 1),
    ("stall-body", Both, "probe", "failed", "unproven", "answer-timeout", 1),
    ("huge-headers", Both, "probe", "failed", "unproven", "not-http2", 1),
    ("not-json", Both, "probe", "failed", "unproven", "not-apns", 1),
    ("answer:NeverHeardOfIt", Both, "probe", "failed", "unproven", "NeverHeardOfIt", 1),
    ("goaway:NeverHeardOfIt", Both, "http2", "failed", "unproven", "NeverHeardOfIt", 1),
];

/// What each reason in an answer comes to: verdict, exit code.
fn expected_of_answer(reason: &str) -> (&'static str, i32) {
    match reason {
        "BadDeviceToken" | "DeviceTokenNotForTopic" => ("accepted", 0),
        "TopicDisallowed" | "BadTopic" | "MissingTopic" => ("refused", 1),
        "BadCertificate" | "BadCertificateEnvironment" | "Forbidden" => ("rejected", 1),
        _ => ("unproven", 1),
    }
}

/// Asks a gateway that has this fault. Only where a timeout is expected are the limits short: on a machine that is
/// busy any answer may be late.
fn put_to(fault: &str, tls: TlsVersions, environment: Environment, reason: &str) -> Checked {
    let faults = vec![fault.parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, tls, environment, ..GatewayOptions::default() });
    let checked = stage.check(if reason.ends_with("timeout") { &[] } else { &["--timeout", "20s"] });
    let limit = Duration::from_millis(2 * TIMEOUT + 4000);
    assert!(checked.took < limit, "hung for {:?}", checked.took);
    checked
}

#[test]
fn every_fault_is_told_for_what_it_is() {
    // All that the gateway can do is in the table.
    for entry in &pushcert::testing::FAULTS {
        let name = entry.name;
        let is_there = FAULTS.iter().any(|row| row.0.split(':').next() == Some(name));
        assert!(is_there || name == "goaway-midway", "{name} is not in the table");
    }
    let wrong = Mutex::new(Vec::new());
    in_parallel(FAULTS, |(fault, tls, stage, status, verdict, reason, code)| {
        let checked = put_to(fault, *tls, Environment::Production, reason);
        let found = (checked.end(), checked.text("/verdict"), checked.text("/reason"), checked.code);
        let expected = ((*stage, *status), *verdict, *reason, *code);
        if found != expected {
            let stages = &checked.first()["stages"];
            wrong.lock().unwrap().push(format!("{fault} {tls:?}: {found:?} instead of {expected:?}, {stages:#}"));
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_first_frame_is_named() {
    let checked = put_to("no-settings", Both, Environment::Production, "not-http2");
    let detail = checked.detail("http2");
    assert!(detail.contains("it began with a frame other than SETTINGS"), "{detail}");
}

#[test]
fn every_reason_in_an_answer_has_its_verdict() {
    in_parallel(&REASONS, |reason| {
        let checked = put_to(&format!("answer:{}", reason.name), Both, Environment::Production, reason.name);
        let (verdict, code) = expected_of_answer(reason.name);
        let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
        assert_eq!(found, (verdict, reason.name, code), "{:#}", checked.first());
        let status = if verdict == "accepted" { "ok" } else { "failed" };
        assert_eq!(checked.end(), ("probe", status), "{}", reason.name);
        let has_advice = checked.first()["advice"].is_string();
        assert_eq!(has_advice, verdict != "accepted" && !reason.advice.is_empty(), "{}", reason.name);
    });
}

#[test]
fn every_reason_in_a_goaway_reaches_the_report_and_none_is_acceptance() {
    let ways = ["goaway", "goaway-midway"];
    let work = ways.iter().flat_map(|way| REASONS.iter().map(move |reason| (way, reason)));
    in_parallel(work, |(way, reason)| {
        let checked = put_to(&format!("{way}:{}", reason.name), Both, Environment::Production, reason.name);
        let verdict = if reason.subject == ReasonSubject::Certificate { "rejected" } else { "unproven" };
        let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
        assert_eq!(found, (verdict, reason.name, 1), "{way} {:#}", checked.first());
        assert_eq!(checked.text("/http2/goaway/reason"), reason.name);
        assert_eq!(checked.text("/http2/goaway/code"), "NO_ERROR");
    });
}
