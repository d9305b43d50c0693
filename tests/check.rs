//! `pushcert check` against the gateway: every way to fail, and what the report makes of it.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use pushcert::apns::reason::{REASONS, Subject};
use pushcert::certificate::apple::Environment;
use pushcert::gateway::acceptor::TlsVersions::{self, Both, V12, V13};
use pushcert::gateway::tokens::TokenState;
use pushcert::gateway::{Options, Running};
use serde_json::Value;

/// The limit of each stage in these tests, in milliseconds.
const TIMEOUT: u64 = 1500;

/// Of the fixtures.
const PASSWORD: &str = "push";

/// A gateway, and the files that a client of it needs.
struct Stage {
    gateway: Running,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(options: Options) -> Self {
        let gateway = Running::start(options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), gateway.ready.authority.to_pem().unwrap()).unwrap();
        if let Some(client) = &gateway.ready.client {
            let mut pem = client.certificate.to_pem().unwrap();
            pem.extend(client.key.private_key_to_pem_pkcs8().unwrap());
            std::fs::write(folder.path().join("client.pem"), pem).unwrap();
        }
        Self { gateway, folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn address(&self) -> String {
        format!("localhost:{}", self.gateway.ready.address.port())
    }

    /// Checks the throwaway certificate.
    fn check(&self, arguments: &[&str]) -> Checked {
        self.check_file(&self.file("client.pem"), arguments)
    }

    fn check_file(&self, certificate: &Path, arguments: &[&str]) -> Checked {
        let address = self.address();
        let ca = self.file("ca.pem");
        let mut all = vec!["--gateway", &address, "--ca-file", ca.to_str().unwrap()];
        all.extend(arguments);
        check(certificate, &all)
    }
}

/// A report and the exit code.
struct Checked {
    code: i32,
    report: Value,
    took: Duration,
}

impl Checked {
    fn first(&self) -> &Value {
        &self.report["checks"][0]
    }

    fn text(&self, pointer: &str) -> &str {
        self.first().pointer(pointer).and_then(Value::as_str).unwrap_or("-")
    }

    /// The last stage and how it went.
    fn end(&self) -> (&str, &str) {
        let stage = self.first()["stages"].as_array().and_then(|stages| stages.last()).unwrap();
        (stage["stage"].as_str().unwrap(), stage["status"].as_str().unwrap())
    }

    fn detail(&self, name: &str) -> &str {
        let stages = self.first()["stages"].as_array().unwrap();
        let stage = stages.iter().find(|stage| stage["stage"] == name);
        stage.and_then(|stage| stage["detail"].as_str()).unwrap_or("-")
    }
}

fn pushcert() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushcert"));
    for name in ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command
}

fn check(certificate: &Path, arguments: &[&str]) -> Checked {
    let timeout = format!("{TIMEOUT}ms");
    let mut command = pushcert();
    command.arg("check").arg(certificate).args(["--timeout", &timeout, "--json"]).args(arguments);
    command.env("PASSWORD", PASSWORD);
    if certificate.starts_with(fixture("p12")) {
        command.args(["--passin", "env:PASSWORD"]);
    }
    read(&mut command)
}

fn read(command: &mut Command) -> Checked {
    let start = Instant::now();
    let Output { status, stdout, stderr } = command.output().unwrap();
    let errors = String::from_utf8_lossy(&stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    let report = serde_json::from_slice(&stdout).unwrap_or_else(|error| {
        panic!("{error}: {} {errors}", String::from_utf8_lossy(&stdout));
    });
    Checked { code: status.code().unwrap(), report, took: start.elapsed() }
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The fixtures' authorities as the gateway's.
fn fixture_authorities() -> Option<Vec<openssl::x509::X509>> {
    let read = |name| openssl::x509::X509::from_pem(&std::fs::read(fixture(name)).unwrap()).unwrap();
    Some(["ca/intermediate.pem", "ca/application-integration.pem", "ca/root.pem"].map(read).to_vec())
}

fn fixture_gateway(environment: Environment) -> Stage {
    Stage::new(Options { environment, client_authorities: fixture_authorities(), ..Options::default() })
}

/// Fault, TLS, last stage, its status, verdict, reason, exit code.
type Row = (&'static str, TlsVersions, &'static str, &'static str, &'static str, &'static str, i32);

const FAULTS: &[Row] = &[
    ("refuse-tcp", Both, "tcp", "failed", "unreachable", "connection-refused", 5),
    ("stall-tcp", Both, "tcp", "failed", "unreachable", "timeout", 5),
    ("close-tcp", Both, "tls", "failed", "unreachable", "closed", 5),
    ("stall-tls", Both, "tls", "failed", "unreachable", "timeout", 5),
    ("slow", Both, "tls", "failed", "unreachable", "timeout", 5),
    ("alert:handshake_failure", V12, "tls", "failed", "rejected", "handshake_failure", 1),
    ("alert:handshake_failure", V13, "http2", "failed", "rejected", "handshake_failure", 1),
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
    ("alert:internal_error", V12, "tls", "failed", "rejected", "internal_error", 1),
    ("alert:internal_error", V13, "http2", "failed", "rejected", "internal_error", 1),
    ("no-alpn", V12, "tls", "failed", "unreachable", "no-http2", 5),
    ("no-alpn", V13, "tls", "failed", "unreachable", "no-http2", 5),
    ("no-request", V12, "probe", "failed", "rejected", "MissingProviderToken", 1),
    ("no-request", V13, "probe", "failed", "rejected", "MissingProviderToken", 1),
    ("wrong-host", Both, "tls", "failed", "unreachable", "untrusted-server", 5),
    ("expired-server", Both, "tls", "failed", "unreachable", "untrusted-server", 5),
    ("self-signed", Both, "tls", "failed", "unreachable", "untrusted-server", 5),
    ("close-tls", V12, "http2", "failed", "unproven", "closed", 1),
    ("close-tls", V13, "http2", "failed", "unproven", "closed", 1),
    ("stall-settings", V12, "http2", "failed", "unproven", "timeout", 1),
    ("stall-settings", V13, "http2", "failed", "unproven", "timeout", 1),
    ("no-settings", Both, "http2", "failed", "unproven", "not-http2", 1),
    ("garbage", Both, "probe", "failed", "unproven", "not-http2", 1),
    ("http1", Both, "http2", "failed", "unproven", "not-http2", 1),
    ("close-midway", Both, "probe", "failed", "unproven", "closed", 1),
    ("reset", Both, "probe", "failed", "unproven", "reset", 1),
    ("stall-answer", Both, "probe", "failed", "unproven", "timeout", 1),
    ("stall-body", Both, "probe", "failed", "unproven", "timeout", 1),
    ("huge-headers", Both, "probe", "failed", "unproven", "not-http2", 1),
    ("not-json", Both, "probe", "failed", "unproven", "not-apns", 1),
    ("answer:TooManyRequests", Both, "probe", "failed", "unproven", "TooManyRequests", 1),
    ("answer:ServiceUnavailable", Both, "probe", "failed", "unproven", "ServiceUnavailable", 1),
    ("answer:InternalServerError", Both, "probe", "failed", "unproven", "InternalServerError", 1),
    ("answer:Shutdown", Both, "probe", "failed", "unproven", "Shutdown", 1),
    ("answer:IdleTimeout", Both, "probe", "failed", "unproven", "IdleTimeout", 1),
    ("answer:Forbidden", Both, "probe", "failed", "rejected", "Forbidden", 1),
    ("answer:BadCertificate", Both, "probe", "failed", "rejected", "BadCertificate", 1),
    ("answer:NeverHeardOfIt", Both, "probe", "failed", "unproven", "NeverHeardOfIt", 1),
    ("goaway:NeverHeardOfIt", Both, "http2", "failed", "unproven", "NeverHeardOfIt", 1),
];

/// Runs the work on a few threads: most of it is waiting.
fn in_parallel<T: Send>(work: impl IntoIterator<Item = T>, act: impl Fn(T) + Sync) {
    let queue = Mutex::new(work.into_iter().collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(item) = { let item = queue.lock().unwrap().pop(); item } {
                    act(item);
                }
            });
        }
    });
}

fn put_to(fault: &str, tls: TlsVersions, environment: Environment) -> Checked {
    let fault = Some(fault.parse().unwrap());
    let stage = Stage::new(Options { fault, tls, environment, ..Options::default() });
    let checked = stage.check(&[]);
    let limit = Duration::from_millis(2 * TIMEOUT + 4000);
    assert!(checked.took < limit, "hung for {:?}", checked.took);
    checked
}

#[test]
fn every_fault_is_told_for_what_it_is() {
    // All that the gateway can do is in the table.
    for (name, ..) in pushcert::gateway::fault::FAULTS {
        let is_there = FAULTS.iter().any(|row| row.0.split(':').next() == Some(name));
        assert!(is_there || name == "goaway-midway", "{name} is not in the table");
    }
    let wrong = Mutex::new(Vec::new());
    in_parallel(FAULTS, |(fault, tls, stage, status, verdict, reason, code)| {
        let checked = put_to(fault, *tls, Environment::Production);
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
fn every_reason_in_a_goaway_reaches_the_report_and_none_is_acceptance() {
    let ways = ["goaway", "goaway-midway"];
    let work = ways.iter().flat_map(|way| REASONS.iter().map(move |reason| (way, reason)));
    in_parallel(work, |(way, reason)| {
        let checked = put_to(&format!("{way}:{}", reason.name), Both, Environment::Production);
        let verdict = if reason.subject == Subject::Provider { "rejected" } else { "unproven" };
        let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
        assert_eq!(found, (verdict, reason.name, 1), "{way} {:#}", checked.first());
        assert_eq!(checked.text("/http2/goaway/reason"), reason.name);
        assert_eq!(checked.text("/http2/goaway/code"), "NO_ERROR");
    });
}

#[test]
fn acceptance_is_proven_by_an_answer() {
    for tls in [V12, V13] {
        let stage = Stage::new(Options { tls, ..Options::default() });
        let checked = stage.check(&[]);
        let expected = (("probe", "ok"), "accepted", "BadDeviceToken", 0);
        assert_eq!((checked.end(), checked.text("/verdict"), checked.text("/reason"), checked.code), expected);
        assert_eq!(checked.text("/topic/topic"), "com.example.MyApp");
        assert_eq!(checked.text("/topic/status"), "supported");
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
fn a_device_that_is_known_is_reached() {
    let stage = Stage::new(Options::default());
    stage.gateway.tokens.set("00ff", TokenState::Active(None));
    stage.gateway.tokens.set("11ff", TokenState::Unregistered(1));
    let reached = stage.check(&["--token", "00FF"]);
    assert_eq!((reached.code, reached.text("/topic/status"), reached.text("/reason")), (0, "supported", "-"));
    let gone = stage.check(&["--token", "11ff"]);
    assert_eq!((gone.code, gone.text("/verdict"), gone.text("/reason")), (0, "accepted", "Unregistered"));
    let disallowed = stage.check(&["--topic", "com.example.Other"]);
    let expected = (0, "accepted", "TopicDisallowed", "refuted");
    let found = (disallowed.code, disallowed.text("/verdict"), disallowed.text("/reason"), disallowed.text("/topic/status"));
    assert_eq!(found, expected);
    let voip = stage.check(&["--topic", "com.example.MyApp.voip"]);
    assert_eq!((voip.code, voip.text("/reason")), (0, "BadDeviceToken"));
    assert_eq!(stage.gateway.ready.observer.requests(), 4);
    let paths: Vec<_> = stage.gateway.ready.observer.recent().into_iter().map(|event| event.path).collect();
    assert_eq!(paths[0], "/3/device/00ff");
    assert_eq!(paths[2].len(), "/3/device/".len() + 64);
}

#[test]
fn without_a_probe_settings_and_a_ping_are_the_proof() {
    let stage = Stage::new(Options::default());
    let checked = stage.check(&["--no-probe"]);
    assert_eq!((checked.code, checked.end(), checked.text("/topic/status")), (0, ("http2", "ok"), "unknown"));
    assert_eq!(stage.gateway.ready.observer.requests(), 0);
    for (fault, verdict) in [
        ("goaway:BadCertificateEnvironment", "rejected"),
        ("alert:certificate_expired", "rejected"),
        ("stall-settings", "unproven"),
        ("no-request", "unproven"),
        ("garbage", "unproven"),
    ] {
        let stage = Stage::new(Options { fault: Some(fault.parse().unwrap()), ..Options::default() });
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
        assert_eq!((checked.text("/verdict"), checked.text("/reason")), (verdict, reason), "{file} {:#}", checked.first());
    }
    let wrong = sandbox.check_file(&fixture("p12/production.p12"), &[]);
    assert_eq!(wrong.text("/http2/goaway/debug_data"), r#"{"reason":"BadCertificateEnvironment"}"#);
    assert!(wrong.detail("http2").contains("SETTINGS received"), "{}", wrong.detail("http2"));
}

#[test]
fn without_its_key_a_certificate_is_not_put_to_anyone() {
    let stage = Stage::new(Options::default());
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
    let checked = stage.check_file(&fixture("p12/keychain-password.p12"), &["--environment", "sandbox", "--at", "2100-01-01"]);
    let identity = checked.detail("identity");
    assert!(identity.contains("expired on") && identity.contains("not issued by Apple"), "{identity}");
    assert_eq!(checked.text("/verdict"), "accepted");
    let sandbox = stage.check_file(&fixture("p12/sandbox.p12"), &["--environment", "production"]);
    assert!(sandbox.detail("identity").contains("not for the production environment"), "{}", sandbox.detail("identity"));
}

#[test]
fn what_may_pass_is_tried_again() {
    let fault = Some("answer:ServiceUnavailable".parse().unwrap());
    let stage = Stage::new(Options { fault, ..Options::default() });
    stage.check(&["--retries", "1"]);
    assert_eq!(stage.gateway.ready.observer.requests(), 2);
    let rejected = Stage::new(Options { fault: Some("answer:Forbidden".parse().unwrap()), ..Options::default() });
    rejected.check(&["--retries", "3"]);
    assert_eq!(rejected.gateway.ready.observer.requests(), 1, "a no is a no");
}

#[test]
fn a_plain_server_is_no_gateway() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
    });
    let address = format!("127.0.0.1:{port}");
    let checked = check(&fixture("p12/keychain-password.p12"), &["--gateway", &address]);
    assert_eq!((checked.code, checked.end(), checked.text("/reason")), (5, ("tls", "failed"), "not-tls"));
}

#[test]
fn a_name_without_addresses_is_unreachable() {
    let checked = check(&fixture("p12/keychain-password.p12"), &["--gateway", "gateway.invalid:443"]);
    assert_eq!((checked.code, checked.end(), checked.text("/reason")), (5, ("dns", "failed"), "dns"));
}
