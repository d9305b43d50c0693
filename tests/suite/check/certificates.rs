//! What a gateway that works makes of certificates.

use std::net::TcpListener;
use std::time::Duration;

use super::{Checked, Stage, check, fixture_gateway, read, servers};
use crate::common::{Test, fixture};
use pushcert::testing::TlsVersions::{V12, V13};
use pushcert::testing::{Environment, GatewayOptions, TokenState};

#[test]
fn acceptance_is_proven_by_an_answer() {
    for tls in [V12, V13] {
        let stage = Stage::new(GatewayOptions { tls, ..GatewayOptions::default() });
        let checked = stage.check(&[]);
        let expected = (("probe", "ok"), "accepted", "BadDeviceToken", 0);
        assert_eq!((checked.end(), checked.text("/verdict"), checked.text("/reason"), checked.code), expected);
        assert_eq!(checked.text("/topic/topic"), "com.example.MyApp");
        assert_eq!(checked.text("/topic/status"), "unknown", "the token is looked for first");
        assert_eq!(checked.text("/tls/alpn"), "h2");
        let version = if tls == V12 { "TLSv1.2" } else { "TLSv1.3" };
        assert_eq!(checked.text("/tls/version"), version);
        let check = checked.first();
        assert_eq!(check["tls"]["trusted_by"], serde_json::json!({ "system": false, "embedded": false }));
        let authority = "CN=pushcert gateway throwaway CA, O=pushcert gateway";
        assert_eq!(check["tls"]["requested_cas"], serde_json::json!([authority]), "{version}");
        assert_eq!(check["tls"]["root"]["subject"], authority);
        assert_eq!(check["tls"]["server_chain"][0]["subject"], "CN=localhost");
        let settings = serde_json::json!({
            "header_table_size": 4096, "max_concurrent_streams": 1000, "initial_window_size": 65535,
            "max_frame_size": 16384, "max_header_list_size": 8000,
        });
        assert_eq!(check["http2"]["settings"], settings);
        assert_eq!(check["probe"]["status"], 400);
        assert_eq!(check["probe"]["apns_id"].as_str().map(str::len), Some(36));
        assert_eq!(checked.report["schema_version"], 1);
    }
}

#[test]
fn a_server_that_is_not_apples_is_told_to_trust_the_issuer() {
    let stage = Stage::new(GatewayOptions::default());
    let checked = stage.check_file(&fixture("pem/doubled.pem"), &["--environment", "production"]);
    assert_eq!((checked.text("/verdict"), checked.text("/reason"), checked.code), ("rejected", "unknown_ca", 1));
    let advice = checked.text("/advice");
    assert!(advice.starts_with("this server is not Apple's") && advice.contains("--client-ca FILE"), "{advice}");
}

#[test]
fn an_identity_that_is_there_twice_is_one() {
    let stage = fixture_gateway(Environment::Production);
    for name in ["p12/keychain-doubled.p12", "pem/doubled.pem"] {
        let checked = stage.check_file(&fixture(name), &["--environment", "production"]);
        assert_eq!((checked.end(), checked.text("/verdict"), checked.code), (("probe", "ok"), "accepted", 0), "{name}");
    }
}

#[test]
fn a_device_or_topic_that_the_user_named_is_reached_or_refused() {
    let stage = Stage::new(GatewayOptions::default());
    stage.gateway.tokens.set("00ff", TokenState::Active(None));
    stage.gateway.tokens.set("11ff", TokenState::Unregistered(1));
    let reached = stage.check(&["--token", "00FF"]);
    assert_eq!((reached.code, reached.text("/topic/status"), reached.text("/reason")), (0, "supported", "-"));
    let gone = stage.check(&["--token", "11ff"]);
    assert_eq!((gone.code, gone.text("/verdict"), gone.text("/reason")), (1, "refused", "Unregistered"));
    assert_eq!(gone.end(), ("probe", "failed"));
    let unknown = stage.check(&["--token", "22ff"]);
    let found = (unknown.code, unknown.text("/verdict"), unknown.text("/reason"), unknown.text("/topic/status"));
    assert_eq!(found, (1, "refused", "BadDeviceToken", "unknown"));
    let disallowed = stage.check(&["--topic", "com.example.Other"]);
    let expected = (1, "refused", "TopicDisallowed", "refuted");
    let found =
        (disallowed.code, disallowed.text("/verdict"), disallowed.text("/reason"), disallowed.text("/topic/status"));
    assert_eq!(found, expected);
    let voip = stage.check(&["--topic", "com.example.MyApp.voip"]);
    assert_eq!((voip.code, voip.text("/reason")), (0, "BadDeviceToken"));
    assert_eq!(stage.gateway.ready.observer.requests(), 5);
    let paths: Vec<_> = stage.gateway.ready.observer.recent().into_iter().map(|event| event.path).collect();
    assert_eq!(paths[0], "/3/device/00ff");
    assert_eq!(paths[3].len(), "/3/device/".len() + 64);
}

#[test]
fn a_token_is_taken_as_it_is_pasted_and_its_refusal_is_explained() {
    let digits = "AB".repeat(32);
    let pasted = format!("<{} {}>", &digits[..8], &digits[8..]);
    let stage = Stage::new(GatewayOptions::default());
    stage.gateway.tokens.set(&digits.to_ascii_lowercase(), TokenState::Active(None));
    let reached = stage.check(&["--token", &pasted]);
    assert_eq!((reached.code, reached.text("/verdict")), (0, "accepted"));
    let sentence = |checked: &Checked| {
        checked.detail("probe").to_owned() + "; " + checked.text("/meaning") + "; " + checked.text("/advice")
    };
    let whole = stage.check(&["--token", &"cd".repeat(32)]);
    assert_eq!(whole.text("/reason"), "BadDeviceToken");
    assert!(sentence(&whole).contains("the gateway of the other environment"), "{}", sentence(&whole));
    assert!(!sentence(&whole).contains("digits"), "{}", sentence(&whole));
    let cut = stage.check(&["--token", "<aabb ccdd>"]);
    assert!(sentence(&cut).contains("it has 8 digits, and 64 or more are usual"), "{}", sentence(&cut));
    let faults = vec!["answer:DeviceTokenNotForTopic".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    let other = stage.check(&["--token", &digits]);
    assert_eq!((other.code, other.text("/verdict"), other.text("/topic/status")), (1, "refused", "supported"));
    assert!(sentence(&other).contains("the topic of a VoIP token ends in .voip"), "{}", sentence(&other));
}

#[test]
fn without_a_probe_nothing_is_proven() {
    let stage = Stage::new(GatewayOptions::default());
    let checked = stage.check(&["--no-probe"]);
    assert_eq!((checked.text("/verdict"), checked.text("/reason")), ("unproven", "not-probed"));
    assert_eq!((checked.code, checked.end(), checked.text("/topic/status")), (1, ("http2", "ok"), "unknown"));
    assert_eq!(stage.gateway.ready.observer.requests(), 0);
    for (fault, verdict) in [
        ("goaway:BadCertificateEnvironment", "rejected"),
        ("alert:certificate_expired", "rejected"),
        ("stall-settings", "unproven"),
        ("no-request", "unproven"),
        ("garbage", "unproven"),
    ] {
        let stage = Stage::new(GatewayOptions { faults: vec![fault.parse().unwrap()], ..GatewayOptions::default() });
        let checked = stage.check(&["--no-probe"]);
        assert_eq!((checked.text("/verdict"), checked.code), (verdict, 1), "{fault}");
    }
}

#[test]
fn the_fixtures_fare_as_apns_would_have_them() {
    let production = fixture_gateway(Environment::Production);
    let sandbox = fixture_gateway(Environment::Sandbox);
    for (file, stage, verdict, reason) in [
        ("p12/keychain-password.p12", &production, "accepted", "BadDeviceToken"),
        ("p12/keychain-password.p12", &sandbox, "accepted", "BadDeviceToken"),
        ("p12/mdm.p12", &production, "accepted", "BadDeviceToken"),
        ("p12/mdm.p12", &sandbox, "rejected", "BadCertificateEnvironment"),
        ("p12/sandbox.p12", &production, "rejected", "BadCertificateEnvironment"),
        ("p12/sandbox.p12", &sandbox, "accepted", "BadDeviceToken"),
        ("p12/expired.p12", &production, "rejected", "certificate_expired"),
        ("p12/ec.p12", &production, "accepted", "BadDeviceToken"),
        ("p12/voip.p12", &production, "accepted", "BadDeviceToken"),
    ] {
        let checked = stage.check_file(&fixture(file), &["--environment", "production"]);
        assert_eq!(
            (checked.text("/verdict"), checked.text("/reason")),
            (verdict, reason),
            "{file} {:#}",
            checked.first()
        );
    }
    let wrong = sandbox.check_file(&fixture("p12/production.p12"), &[]);
    assert_eq!(wrong.text("/http2/goaway/debug_data"), r#"{"reason":"BadCertificateEnvironment"}"#);
    assert!(wrong.detail("http2").contains("SETTINGS received"), "{}", wrong.detail("http2"));
}

#[test]
fn without_its_key_a_certificate_is_not_put_to_anyone() {
    let stage = Stage::new(GatewayOptions::default());
    let missing = stage.check_file(&fixture("der/universal.cer"), &[]);
    assert_eq!((missing.code, missing.end(), missing.text("/reason")), (1, ("identity", "failed"), "key-missing"));
    let key = fixture("key/other.pem");
    let foreign = stage.check_file(&fixture("der/universal.cer"), &["--key", key.to_str().unwrap()]);
    assert_eq!((foreign.code, foreign.end(), foreign.text("/reason")), (1, ("identity", "failed"), "key-mismatch"));
    assert!(foreign.first()["tls"].is_null());
}

#[test]
fn what_is_wrong_offline_is_said_and_put_to_the_gateway_all_the_same() {
    let stage = fixture_gateway(Environment::Production);
    let checked =
        stage.check_file(&fixture("p12/keychain-password.p12"), &["--environment", "sandbox", "--at", "2100-01-01"]);
    let identity = checked.detail("identity");
    assert!(identity.contains("expired on") && identity.contains("not issued by Apple"), "{identity}");
    assert_eq!(checked.text("/verdict"), "accepted");
    let sandbox = stage.check_file(&fixture("p12/sandbox.p12"), &["--environment", "production"]);
    assert!(
        sandbox.detail("identity").contains("not for the production environment"),
        "{}",
        sandbox.detail("identity")
    );
}

#[test]
fn what_may_pass_is_tried_again() {
    let faults = vec!["answer:ServiceUnavailable".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    stage.check(&["--retries", "1"]);
    assert_eq!(stage.gateway.ready.observer.requests(), 2);
    let rejected =
        Stage::new(GatewayOptions { faults: vec!["answer:Forbidden".parse().unwrap()], ..GatewayOptions::default() });
    rejected.check(&["--retries", "3"]);
    assert_eq!(rejected.gateway.ready.observer.requests(), 1, "a no is a no");
}

#[test]
fn every_attempt_is_in_the_report_and_retry_after_is_obeyed() {
    let faults = vec!["answer:TooManyRequests@times=1".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    let checked = stage.check(&["--retries", "3", "--timeout", "20s"]);
    assert_eq!((checked.code, checked.text("/verdict")), (0, "accepted"), "{:#}", checked.first());
    let attempts = checked.first()["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!((attempts[0]["verdict"].as_str(), attempts[0]["retry_after"].as_u64()), (Some("unproven"), Some(2)));
    let pause = attempts[0]["pause_ms"].as_f64().unwrap();
    assert!((2000.0..=2200.0).contains(&pause), "{pause}");
    assert!(checked.took >= Duration::from_secs(2), "{:?}", checked.took);
    assert_eq!((attempts[1]["verdict"].as_str(), attempts[1]["pause_ms"].is_null()), (Some("accepted"), true));
}

#[test]
fn a_pause_that_is_too_long_is_said_and_not_waited_for() {
    let port = servers::serve_h2(|_| http::Response::builder().status(503).header("retry-after", "3600"), "{}");
    let file = fixture("p12/keychain-password.p12");
    let run = |format: &str| {
        let test =
            Test::new().arg("check").arg(&file).args(["--passin", "env:PASSWORD"]).env("PASSWORD", super::PASSWORD);
        let address = format!("localhost:{}", port.port);
        let test = test.args(["--gateway", &address, "--retries", "2", "--format", format, "--ca-file"]).arg(port.ca());
        test.status(1).run().text().to_owned()
    };
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    let attempts = json["checks"][0]["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["is_wait_too_long"]), (1, &serde_json::json!(true)));
    let text = run("human");
    let expected =
        "unproven: server-unavailable; the server asks for a pause of 3600 s, and no more than 120 s are waited";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn every_address_is_asked() {
    let stage = Stage::new(GatewayOptions::default());
    let checked = stage.check(&["--every-address"]);
    let checks = checked.report["checks"].as_array().unwrap();
    let here = checks.iter().find(|check| check["address"].as_str().unwrap().starts_with("127.0.0.1:")).unwrap();
    // Other addresses of localhost, if there are any, refuse; "accepted" stands only beside exit code 0.
    let others = checks.iter().filter(|check| check["address"] != here["address"]);
    let expected = if others.count() == 0 { ("accepted", 0) } else { ("passed", 5) };
    assert_eq!((here["verdict"].as_str().unwrap(), checked.code), expected, "{here:#}");
    let test = Test::new().arg("check").arg(stage.file("client.pem")).args(["--gateway", "gateway.invalid:443"]);
    let nameless = read(test.args(["--every-address", "--json"]));
    assert_eq!((nameless.code, nameless.text("/reason")), (5, "dns"));
}

#[test]
fn the_servers_certificate_has_days_left() {
    let stage = Stage::new(GatewayOptions::default());
    let days = stage.check(&[]).first()["server_days_left"].as_i64().unwrap();
    assert!((1..1000).contains(&days), "{days}");
    let more = (days + 1).to_string();
    for (limit, is_soon) in [(more.as_str(), true), ("1", false)] {
        let checked = stage.check(&["--server-warn", limit]);
        assert_eq!((checked.code, checked.text("/verdict")), (0, "accepted"));
        assert_eq!(checked.first()["server_expires_soon"], is_soon);
    }
}

#[test]
fn many_retries_do_not_overflow_the_delay() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let arguments = ["--gateway", &closed, "--retries", "80", "--timeout", "1ms"];
    let checked = check(&fixture("p12/keychain-password.p12"), &arguments);
    assert_eq!((checked.code, checked.text("/verdict")), (5, "unreachable"));
}
