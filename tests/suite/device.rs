//! `pushcert device`: the app on a simulated device, with a gateway in a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::check::servers;
use super::common::{Run, Test, entries, in_parallel};
use super::gateway::{Process, block_on, post};

const TOPIC: &str = "com.example.MyApp";
const PAYLOAD: &str =
    r#"{"aps":{"alert":{"title":"Game Request","body":"Bob wants to play"},"badge":9},"gameID":"12"}"#;

/// A command that talks to a gateway.
fn device(gateway: &Process, arguments: &[&str]) -> Test {
    let address = gateway.address().to_string();
    Test::new().arg("device").args(["--gateway", &address, "--ca-file", gateway.file("ca_file")]).args(arguments)
}

/// An app that runs.
struct RunningDevice {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl RunningDevice {
    fn start(gateway: &Process, arguments: &[&str]) -> Self {
        let mut command = device(gateway, arguments).arg("--json").into_command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Waits for the next line.
    fn event(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?} is not one line of JSON"))
    }

    /// Waits for its token.
    fn token(&mut self) -> String {
        self.event()["token"].as_str().unwrap().to_owned()
    }

    fn end(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Sends a notification, and returns the status and the answer.
fn push(gateway: &Process, token: &str, headers: &[(&str, &str)], payload: &str) -> (u16, Value) {
    block_on(async {
        let client = gateway.client().await;
        let mut all = vec![("apns-topic", TOPIC)];
        all.extend(headers);
        let answer = post(&client, token, &all, payload.as_bytes().to_vec()).await;
        (answer.status().as_u16(), answer.into_body())
    })
}

fn run_json(test: Test) -> (Run, Vec<Value>) {
    let run = test.arg("--json").any_status().run();
    let events = run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (run, events)
}

#[test]
fn an_app_registers_and_shows_what_arrives() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("log");
    let gateway = Process::start(&["--log", log.to_str().unwrap()]);
    let mut app = RunningDevice::start(&gateway, &["--count", "2", "--wait", "20s"]);
    let registered = app.event();
    assert_eq!(registered["event"], "registered");
    assert_eq!((&registered["simulated"], &registered["environment"]), (&json!(true), &json!("production")));
    let token = registered["token"].as_str().unwrap();
    assert_eq!(token.len(), 64);
    let headers =
        [("apns-push-type", "alert"), ("apns-id", "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11"), ("apns-collapse-id", "c")];
    assert_eq!(push(&gateway, token, &headers, PAYLOAD).0, 200);
    assert_eq!(push(&gateway, &token.to_uppercase(), &[], "no JSON").0, 200);
    let message = app.event();
    assert_eq!(message["event"], "message");
    assert_eq!(message["payload"]["aps"]["alert"]["title"], "Game Request");
    assert_eq!((&message["apns_id"], &message["push_type"]), (&json!(headers[1].1), &json!("alert")));
    assert_eq!((&message["collapse_id"], &message["topic"]), (&json!("c"), &json!(TOPIC)));
    let other = app.event();
    assert_eq!((&other["payload"], &other["payload_text"]), (&Value::Null, &json!("no JSON")));
    assert_eq!(app.event()["end"], "all_received");
    assert_eq!(app.end(), Some(0));
    gateway.signal("-TERM");
    let events: Vec<Value> =
        std::fs::read_to_string(&log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names[0], "device_registered");
    assert_eq!(names.iter().filter(|name| **name == "device_received").count(), 2, "{names:?}");
    assert!(events.iter().all(|event| event.get("secret").is_none()));
}

#[test]
fn people_see_the_alert() {
    let gateway = Process::start(&["--environment", "sandbox"]);
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("phone.json");
    let state = state.to_str().unwrap();
    let mut app = RunningDevice::start(&gateway, &["--state", state]);
    let token = app.token();
    app.kill();
    let forged = PAYLOAD.replace("Bob", "Bob\\n\\u001b[31mnotification 7");
    for payload in [&forged, r#"{"aps":{"content-available":1}}"#, "[]"] {
        let headers = [("apns-priority", "5")];
        assert_eq!(push(&gateway, &token, &headers, payload).0, 200);
    }
    let run = device(&gateway, &["--state", state, "--count", "3"]).status(0).run();
    let shown = run.text();
    for expected in [
        &*token,
        "com.example.MyApp (sandbox; simulated)",
        "notification 1 (no push type)",
        "title        Game Request",
        "badge        9",
        "gameID       12",
        "notification 2 (silent)",
        "content-available 1",
        "notification 3 (not JSON: a device ignores it)",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains('\u{1b}') && !shown.lines().any(|line| line.starts_with("notification 7")), "{shown}");
}

#[test]
fn the_state_is_the_owners_alone_and_keeps_the_app() {
    let gateway = Process::start(&[]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("phone.json");
    let state = path.to_str().unwrap();
    let mut app = RunningDevice::start(&gateway, &["--state", state]);
    let token = app.token();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let secret = kept["credentials"]["secret"].as_str().unwrap().to_owned();
    // A second start takes the connection over.
    let mut second = RunningDevice::start(&gateway, &["--state", state]);
    let receiving = second.event();
    assert_eq!((&receiving["event"], receiving["token"].as_str()), (&json!("receiving"), Some(&*token)));
    assert_eq!(app.event()["end"], "replaced");
    assert_eq!(app.end(), Some(1));
    // Another app, or a stranger with a wrong secret, gets nothing.
    let other_app = device(&gateway, &["--state", state, "--app", "com.example.Other"]);
    other_app.status(2).hides(&secret).stderr_contains("take another file for another app").run();
    let stolen = std::fs::read_to_string(&path).unwrap().replace(&secret, &"0".repeat(64));
    let other = folder.path().join("stolen.json");
    std::fs::write(&other, stolen).unwrap();
    let run = device(&gateway, &["--state", other.to_str().unwrap()]).status(1).hides(&secret).run();
    assert!(run.stderr.contains("it does not know this token with this secret"), "{}", run.stderr);
    device(&gateway, &["--state", other.to_str().unwrap(), "--uninstall"]).status(1).run();
    assert_eq!(push(&gateway, &token, &[], PAYLOAD).0, 200);
    assert_eq!(second.event()["event"], "message");
    second.kill();
}

#[test]
fn a_removed_app_is_unregistered() {
    let gateway = Process::start(&[]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("phone.json");
    let state = path.to_str().unwrap();
    let mut app = RunningDevice::start(&gateway, &["--state", state]);
    let token = app.token();
    let (run, events) = run_json(device(&gateway, &["--state", state, "--uninstall"]));
    assert_eq!((run.code, &events[0]["event"]), (Some(0), &json!("uninstalled")), "{}", run.stderr);
    assert_eq!(app.event()["end"], "uninstalled");
    assert_eq!(app.end(), Some(1));
    let (status, answer) = push(&gateway, &token, &[], PAYLOAD);
    assert_eq!((status, &answer["reason"], &answer["timestamp"]), (410, &json!("Unregistered"), &events[0]["since"]));
    let run = device(&gateway, &["--state", state]).status(1).run();
    assert!(run.stderr.contains("the app was removed") && run.stderr.contains("rm "), "{}", run.stderr);
    let missing = folder.path().join("missing.json");
    let no_app = "the file of --state is not there: no app is known that could be removed";
    device(&gateway, &["--state", missing.to_str().unwrap(), "--uninstall"]).status(3).stderr_contains(no_app).run();
}

#[test]
fn time_that_is_over_is_no_success() {
    let gateway = Process::start(&[]);
    let (run, events) = run_json(device(&gateway, &["--count", "1", "--wait", "100ms"]));
    assert_eq!((run.code, &events[1]["end"]), (Some(1), &json!("time_over")));
    device(&gateway, &["--wait", "1s"]).status(2).run();
}

#[test]
fn only_the_topic_of_the_app_reaches_it() {
    let gateway = Process::start(&[]);
    let mut app = RunningDevice::start(&gateway, &["--app", "com.example.MyApp.voip"]);
    let token = app.token();
    let (status, answer) = push(&gateway, &token, &[], PAYLOAD);
    assert_eq!((status, &answer["reason"]), (400, &json!("DeviceTokenNotForTopic")));
    app.kill();
}

/// A provider in place of a server: answers one POST with this head, and returns the request.
fn provider(head: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tokens?a=b", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.ends_with(b"}") {
            let count = stream.read(&mut buffer).unwrap();
            assert!(count > 0, "{}", String::from_utf8_lossy(&request));
            request.extend(&buffer[..count]);
        }
        stream.write_all(head.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, thread)
}

#[test]
fn the_provider_gets_the_token() {
    let gateway = Process::start(&[]);
    let (url, request) = provider("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    let mut app = RunningDevice::start(&gateway, &["--register-with", &url]);
    let token = app.token();
    let handed = app.event();
    assert_eq!((&handed["event"], &handed["status"]), (&json!("handed_over"), &json!(201)));
    app.kill();
    let request = request.join().unwrap();
    assert!(request.starts_with("POST /tokens?a=b HTTP/1.1\r\n"), "{request}");
    let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body, json!({ "app": TOPIC, "environment": "production", "token": token }));
}

#[test]
fn a_provider_that_does_not_take_the_token_is_named() {
    let gateway = Process::start(&[]);
    for (head, code, expected) in [
        ("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 1, "it answered 500"),
        ("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", 0, ""),
        ("HTTP/1.1 499 \r\nContent-Length: 0\r\n\r\n", 1, "it answered 499, and"),
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 1, "it answered 302"),
        ("no HTTP at all\r\n\r\n", 5, "has not taken the token"),
    ] {
        let (url, request) = provider(head);
        let run = device(&gateway, &["--register-with", &url, "--count", "0"]).status(code).hides("unknown").run();
        assert!(run.stderr.contains(expected), "{}", run.stderr);
        request.join().unwrap();
    }
    device(&gateway, &["--register-with", "http://example.com/"]).status(2).stderr_contains("use https").run();
}

#[test]
fn a_database_gets_the_token_and_keeps_it() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tokens.db");
    let (url, state) = (format!("sqlite:{}", file.display()), folder.path().join("phone.json"));
    let state = state.to_str().unwrap();
    let gateway = Process::start(&["--environment", "sandbox"]);
    let mut app = RunningDevice::start(&gateway, &["--register-with", &url, "--state", state]);
    let token = app.token();
    let handed = app.event();
    assert_eq!((&handed["event"], &handed["provider"]), (&json!("handed_over"), &json!(file)));
    assert!(handed.get("status").is_none());
    app.kill();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let list = || Test::new().args(["database", "list", &url, "--json"]).run().json();
    let row = list();
    assert_eq!((&row["token"], &row["app"], &row["environment"]), (&json!(token), &json!(TOPIC), &json!("sandbox")));
    device(&gateway, &["--state", state, "--uninstall"]).run();
    assert_eq!(list(), row, "only a push learns of it");
    let run = device(&gateway, &["--register-with", &format!("sqlite:{state}")]).status(3).run();
    assert!(run.stderr.contains("it is not an SQLite database"), "{}", run.stderr);
    let wrong = device(&gateway, &["--register-with", "env:NO_SUCH_VARIABLE"]).status(2);
    wrong.stderr_contains("the variable NO_SUCH_VARIABLE is not set").run();
}

#[test]
fn https_providers_are_judged() {
    // The gateway itself speaks TLS, and no HTTP/1.1 in ALPN.
    let gateway = Process::start(&[]);
    let url = format!("https://localhost:{}/", gateway.address().port());
    let run = device(&gateway, &["--register-with", &url]).status(5).run();
    assert!(run.stderr.contains("has not taken the token"), "{}", run.stderr);
}

#[test]
fn a_provider_is_trusted_by_this_machines_authorities_beside_those_of_the_gateway() {
    let (gateway, folder) = (Process::start(&[]), TempDir::new().unwrap());
    let root = servers::authority("root", None, (-1, 30));
    let context = servers::context(&servers::server(&root, (-1, 30)), &[], false);
    let port = servers::serve_tls(context, |stream| servers::say(stream, b"HTTP/1.1 204 No Content\r\n\r\n"));
    let url = format!("https://localhost:{port}/");
    let hand_over = || device(&gateway, &["--register-with", &url, "--count", "0"]);
    let stranger = hand_over().status(5).run();
    assert!(stranger.stderr.contains("has not taken the token"), "{}", stranger.stderr);
    // The roots of this machine.
    let public = folder.path().join("public.pem");
    let pem = root.certificate.to_pem().unwrap();
    std::fs::write(&public, &pem).unwrap();
    hand_over().env("SSL_CERT_FILE", public.to_str().unwrap()).run();
    // Those of --ca-file.
    let both = folder.path().join("both.pem");
    std::fs::write(&both, [pem, std::fs::read(gateway.file("ca_file")).unwrap()].concat()).unwrap();
    let address = gateway.address().to_string();
    let test = Test::new().args(["device", "--gateway", &address, "--ca-file", both.to_str().unwrap()]);
    test.args(["--register-with", &url, "--count", "0"]).stdout_contains("204 No Content").run();
}

#[test]
fn a_state_that_is_no_plain_file_or_not_of_this_version_is_refused() {
    let gateway = Process::start(&[]);
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    for path in [at("pipe"), at("")] {
        let run = device(&gateway, &["--state", &path, "--count", "0"]).status(3).hides("expiry").run();
        assert!(run.stderr.contains("is not a plain file"), "{}", run.stderr);
        assert!(run.stderr.contains("name a file that is not there yet"), "{}", run.stderr);
    }
    let start = |name: &str| device(&gateway, &["--state", &at(name), "--count", "0"]);
    start("phone.json").stderr("").run();
    let state = std::fs::read_to_string(at("phone.json")).unwrap();
    std::fs::write(at("newer.json"), state.replace("\"schema_version\":1", "\"schema_version\":99")).unwrap();
    let newer = "a newer pushcert has written it (version 99 of its form; this one knows 1)\n";
    let hint = "hint: use the newer pushcert, or name another file\n";
    start("newer.json").status(3).stderr_contains(newer).stderr_contains(hint).run();
    std::fs::write(at("notes.json"), "my notes").unwrap();
    start("notes.json").status(3).stderr_contains("notes.json: this is not a file that --state has written\n").run();
    assert_eq!(std::fs::read_to_string(at("notes.json")).unwrap(), "my notes");
    for (mode, is_warned) in [(0o600, false), (0o644, true), (0o640, true)] {
        std::fs::set_permissions(at("phone.json"), std::fs::Permissions::from_mode(mode)).unwrap();
        let run = start("phone.json").run();
        assert_eq!(
            run.stderr.contains("others can read the secret of the app in it: chmod 600"),
            is_warned,
            "{mode:o}"
        );
    }
}

#[test]
fn what_is_no_gateway_is_named() {
    let folder = TempDir::new().unwrap();
    let gateway = Process::start(&[]);
    let address = gateway.address().to_string();
    let without_ca = Test::new().arg("device").args(["--gateway", &address]).status(5).run();
    assert!(without_ca.stderr.contains("--ca-file"), "{}", without_ca.stderr);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    Test::new().arg("device").args(["--gateway", &closed.to_string()]).status(5).stderr_contains("refused").run();
    let once = Test::new().arg("device").args(["--gateway", &closed.to_string()]).status(5).run();
    assert_eq!(once.stderr.matches(&closed.to_string()).count(), 1, "{}", once.stderr);
    let not_state = folder.path().join("notes.txt");
    std::fs::write(&not_state, "mine").unwrap();
    let run = device(&gateway, &["--state", not_state.to_str().unwrap()]).status(3).run();
    assert!(run.stderr.contains("this is not a file that --state has written"), "{}", run.stderr);
    assert_eq!(std::fs::read(&not_state).unwrap(), b"mine");
    device(&gateway, &["--state", "-"])
        .status(2)
        .stderr_contains("--state takes a file that stays, not a stream")
        .run();
    let nowhere: PathBuf = folder.path().join("missing/phone.json");
    device(&gateway, &["--state", nowhere.to_str().unwrap()]).status(6).run();
    assert!(!Path::new(&nowhere).exists());
}

pub(crate) fn a_gateway_that_lets_wait_is_told_before_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    in_parallel([&[][..], &["--json"]], |arguments| {
        let test = Test::new().args(["device", "--gateway", &address]).args(arguments).folder(folder.path());
        let run = test.status(5).stderr_contains("waiting for the gateway's answer, ").run();
        assert!(!run.text().contains("waiting"), "{}", run.text());
    });
}

#[test]
fn what_is_kept_comes_one_by_one() {
    let gateway = Process::start(&[]);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("phone.json");
    let state = path.to_str().unwrap();
    let mut app = RunningDevice::start(&gateway, &["--state", state]);
    let token = app.token();
    app.kill();
    for badge in 1..=4 {
        assert_eq!(push(&gateway, &token, &[], &format!("{{\"aps\":{{\"badge\":{badge}}}}}")).0, 200);
    }
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let request = format!("{{\"receive\":{}}}\n", kept["credentials"]);
    // What was not confirmed comes again.
    for _ in 0..3 {
        let mut stream = connect(&gateway);
        stream.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut message = String::new();
        for _ in 0..2 {
            message.clear();
            lines.read_line(&mut message).unwrap();
        }
        assert!(message.contains("{\\\"badge\\\":1}"), "{message}");
    }
    for badge in 1..=4 {
        let (run, events) = run_json(device(&gateway, &["--state", state, "--count", "1", "--wait", "20s"]));
        assert_eq!((run.code, events.len()), (Some(0), 3), "{}", run.text());
        assert_eq!(events[1]["payload"]["aps"]["badge"], badge);
    }
    let (run, _) = run_json(device(&gateway, &["--state", state, "--count", "1", "--wait", "100ms"]));
    assert_eq!(run.code, Some(1));
    let unseen = device(&gateway, &["--state", state, "--count", "0", "--json"]).closed_stdout();
    unseen.status(1).stderr("").run();
}

/// Connects as a device.
fn connect(gateway: &Process) -> SslStream<std::net::TcpStream> {
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_ca_file(gateway.file("ca_file")).unwrap();
    context.set_alpn_protos(b"\x11pushcert-device/1").unwrap();
    let stream = std::net::TcpStream::connect(gateway.address()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
    Ssl::new(&context.build()).unwrap().connect(stream).unwrap()
}

/// Speaks the device protocol as a program would that was not written for it.
fn speak(gateway: &Process, line: &[u8]) -> String {
    let mut stream = connect(gateway);
    // The gateway may have closed before all is written.
    let _ = stream.write_all(line);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn hostile_lines_are_refused() {
    let gateway = Process::start(&[]);
    let deep = format!("{}\n", "[".repeat(60_000));
    for line in [
        "{}\n",
        "\n",
        "GET / HTTP/1.1\r\n\r\n",
        "{\"register\":{\"topic\":\"a\",\"more\":1}}\n",
        "{\"receive\":{\"token\":\"aa\"}}\n",
        &deep,
        &"x".repeat(200_000),
    ] {
        let answer = speak(&gateway, line.as_bytes());
        let start: String = line.chars().take(40).collect();
        assert!(answer.is_empty() || answer.contains("not_understood"), "{start}: {answer}");
    }
    assert!(speak(&gateway, b"{\"register\":{\"topic\":\"a b\"}}\n").contains("no_topic"));
    assert!(speak(&gateway, b"{\"receive\":{\"token\":\"aa\",\"secret\":\"\"}}\n").contains("unknown"));
    assert!(gateway.memory() < 64 << 10, "{} KiB", gateway.memory());
}

#[test]
fn beyond_this_machine_devices_need_an_option() {
    for (arguments, code) in [(&["--listen", "0.0.0.0:0"][..], 5), (&["--listen", "0.0.0.0:0", "--devices"], 1)] {
        let gateway = Process::start(arguments);
        let address = format!("127.0.0.1:{}", gateway.address().port());
        let arguments = ["--gateway", &address, "--ca-file", gateway.file("ca_file"), "--count", "1", "--wait", "50ms"];
        let run = Test::new().arg("device").args(arguments).status(code).run();
        assert_eq!(run.stderr.contains("needs --devices"), code == 5, "{}", run.stderr);
    }
}

#[test]
fn a_gateway_that_ends_is_named() {
    let gateway = Process::start(&[]);
    let mut app = RunningDevice::start(&gateway, &[]);
    app.token();
    gateway.signal("-TERM");
    assert_eq!(app.end(), Some(5));
}

#[test]
fn a_gateway_that_was_killed_leaves_its_folder_to_the_next() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().to_str().unwrap();
    let killed = Process::start(&["--folder", kept]);
    let key = std::fs::read(killed.file("client_file")).unwrap();
    assert_eq!(killed.signal("-KILL").0, None);
    let next = Process::start(&["--folder", kept]);
    assert_ne!(std::fs::read(next.file("client_file")).unwrap(), key);
    assert_eq!(next.signal("-TERM").0, Some(0));
    assert_eq!(entries(folder.path()), ["devices.ndjson"]);
    // What no gateway has written stays.
    let killed = Process::start(&["--folder", kept]);
    assert_eq!(killed.signal("-KILL").0, None);
    for name in ["ca.pem", "client.pem"] {
        let mine = std::fs::read(crate::common::fixture("pem/identity.pem")).unwrap();
        std::fs::write(folder.path().join(name), &mine).unwrap();
        let foreign = Test::new().args(["gateway", "--folder", kept]);
        foreign.status(6).stderr_contains(&format!("{name}: the file exists, and is not of a gateway")).run();
        assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), mine);
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
}

#[test]
fn a_gateway_changes_and_removes_only_what_gateways_have_written() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().to_str().unwrap();
    let devices = folder.path().join("devices.ndjson");
    let refused = |code: i32, words: &str| {
        Test::new().args(["gateway", "--folder", kept]).status(code).stderr_contains(words).run();
    };
    for notes in ["my notes", "{\"registered\" is a word\n", "{\"a\":1}"] {
        std::fs::write(&devices, notes).unwrap();
        refused(3, "line 1 is not one that pushcert gateway has written");
        assert_eq!(std::fs::read_to_string(&devices).unwrap(), notes);
    }
    std::fs::remove_file(&devices).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&devices).status().unwrap().success());
    refused(6, "it is no regular file");
    std::fs::remove_file(&devices).unwrap();
    // What is put into the folder while a gateway runs is not its own.
    let gateway =
        Process::start(&["--folder", kept, "--client-ca", crate::common::fixture("ca/root.pem").to_str().unwrap()]);
    let mine = folder.path().join("client.pem");
    std::fs::copy(crate::common::fixture("pem/identity.pem"), &mine).unwrap();
    let second = Test::new().args(["gateway", "--folder", kept]);
    second.status(6).stderr_contains("another gateway uses the folder").run();
    assert_eq!(gateway.signal("-TERM").0, Some(0));
    assert_eq!(entries(folder.path()), ["client.pem", "devices.ndjson"]);
    let input = mine.to_str().unwrap();
    let own = Test::new().args(["gateway", "--folder", kept, "--client-ca", input]);
    own.status(2).stderr_contains("the gateway writes this file of --folder itself").run();
    assert_eq!(entries(folder.path()), ["client.pem", "devices.ndjson"]);
}

#[test]
fn the_next_gateway_in_a_folder_knows_the_devices() {
    let folder = TempDir::new().unwrap();
    let kept = folder.path().join("gateway");
    let state = folder.path().join("phone.json");
    let (kept, state) = (kept.to_str().unwrap(), state.to_str().unwrap());
    let first = Process::start(&["--folder", kept]);
    assert_eq!(first.file("ca_file"), format!("{kept}/ca.pem"));
    // With 0 the app ends once it is registered.
    let run = device(&first, &["--state", state, "--count", "0"]).arg("--json").run();
    let token = serde_json::from_str::<Value>(run.text().lines().next().unwrap()).unwrap()["token"].clone();
    let second = Test::new().args(["gateway", "--folder", kept]);
    second.status(6).stdout("").stderr_contains("another gateway uses the folder").run();
    assert_eq!(Path::new(kept).metadata().unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(first.signal("-TERM").0, Some(0));
    assert_eq!(entries(Path::new(kept)), ["devices.ndjson"]);
    let next = Process::start(&["--folder", kept]);
    assert_eq!(push(&next, token.as_str().unwrap(), &[], PAYLOAD).0, 200);
    device(&next, &["--state", state, "--count", "1", "--wait", "20s"]).stdout_contains("Bob wants to play").run();
    device(&next, &["--state", state, "--uninstall"]).run();
    assert_eq!(next.signal("-INT").0, Some(0));
    let last = Process::start(&["--folder", kept]);
    assert_eq!(push(&last, token.as_str().unwrap(), &[], PAYLOAD).0, 410);
    assert_eq!(last.signal("-TERM").0, Some(0));
    std::fs::write(Path::new(kept).join("devices.ndjson"), "another file\n").unwrap();
    let foreign = Test::new().args(["gateway", "--folder", kept]);
    foreign.status(3).stderr_contains("line 1 is not one that pushcert gateway has written").run();
    assert_eq!(entries(Path::new(kept)), ["devices.ndjson"]);
}
