//! The log of the gateway: what a test of a provider can assert on, and that it tells no secret.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode};
use serde_json::{Value, json};

use super::common::{Test, fixture};
use super::gateway::{PREFACE, Process, TOKEN, TOPIC, block_on, frame, headers, post};

/// A gateway that logs to a file.
struct Logged {
    gateway: Process,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Logged {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let gateway = Process::start(&[&["--log", path.to_str().unwrap()], arguments].concat());
        Self { gateway, path, _folder: folder }
    }

    /// Waits until this many lines are there, and returns them.
    fn lines(&self, count: usize) -> Vec<Value> {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let text = std::fs::read_to_string(&self.path).unwrap();
            let lines: Vec<_> = text.lines().collect();
            if text.ends_with('\n') && lines.len() >= count {
                assert_eq!(lines.len(), count, "{text}");
                return lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect();
            }
            assert!(Instant::now() < end, "{count} lines are expected: {text}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn line(&self) -> Value {
        self.lines(1).remove(0)
    }

    fn connect(&self, context: &SslContext) -> Result<openssl::ssl::SslStream<TcpStream>, String> {
        let stream = TcpStream::connect(self.gateway.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Ssl::new(context).unwrap().connect(stream).map_err(|error| error.to_string())
    }
}

fn client(change: impl FnOnce(&mut SslContextBuilder)) -> SslContext {
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    change(&mut context);
    context.build()
}

fn use_identity(context: &mut SslContextBuilder, pem: &Path) {
    context.set_certificate_chain_file(pem).unwrap();
    context.set_private_key_file(pem, openssl::ssl::SslFiletype::PEM).unwrap();
}

#[test]
fn a_request_is_logged_whole_with_its_answer() {
    let log = Logged::start(&["--environment", "sandbox"]);
    let id = "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11";
    let extra = [
        TOPIC,
        ("apns-id", id),
        ("apns-priority", "5"),
        ("apns-push-type", "alert"),
        ("apns-new", "x"),
        ("cookie", "c"),
    ];
    block_on(async {
        let client = log.gateway.client().await;
        post(&client, TOKEN, &extra, br#"{"aps":{"alert":"hi"},"sound":"default"}"#.to_vec()).await;
    });
    let line = log.line();
    assert_eq!(line["schema_version"], 1);
    assert_eq!(line["event"], "request");
    assert_eq!((&line["connection"], &line["stream"]), (&json!(1), &json!(1)));
    assert_eq!((&line["method"], &line["token"]), (&json!("POST"), &json!(TOKEN)));
    let shown = json!({
        "apns-topic": "com.example.MyApp", "apns-id": id, "apns-priority": "5", "apns-push-type": "alert", "apns-new": "x",
    });
    assert_eq!(line["headers"], shown);
    assert_eq!(line["malformed"], json!([]));
    // By sha256sum.
    let hash = "d32be82fb338fec52f30d9c474e531773391387c3ec642fefb248286e18a27b7";
    assert_eq!(line["payload"], json!({ "size": 40, "sha256": hash }));
    assert_eq!(line["warnings"][0]["code"], "key_outside_aps");
    assert_eq!(line["answer"], json!({ "status": 400, "reason": "BadDeviceToken", "timestamp": null, "apns_id": id }));
    assert_eq!(line["fault"], Value::Null);
    assert!(line["client"].as_str().unwrap().starts_with("127.0.0.1:"));
    let pem = std::fs::read(log.gateway.file("client_file")).unwrap();
    let certificate = openssl::x509::X509::from_pem(&pem).unwrap();
    let serial = certificate.serial_number().to_bn().unwrap().to_hex_str().unwrap().to_string();
    assert_eq!(line["certificate"]["serial"], serial);
    let digest = certificate.digest(openssl::hash::MessageDigest::sha256()).unwrap();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(line["certificate"]["sha256"], digest);
}

#[test]
fn the_hash_is_of_the_whole_payload() {
    let log = Logged::start(&[]);
    let payload = vec![b'x'; 100_000];
    let expected: String = openssl::sha::sha256(&payload).iter().map(|byte| format!("{byte:02x}")).collect();
    block_on(async {
        let client = log.gateway.client().await;
        post(&client, TOKEN, &[TOPIC], payload).await;
    });
    let line = log.line();
    assert_eq!(line["payload"], json!({ "size": 100_000, "sha256": expected }));
    assert_eq!(line["answer"]["reason"], "PayloadTooLarge");
}

#[test]
fn what_is_malformed_or_secret_is_named_and_not_shown() {
    let log = Logged::start(&[]);
    block_on(async {
        let client = log.gateway.client().await;
        for extra in [("authorization", "bearer eyJhbGciOi.c2VjcmV0.c2VjcmV0"), ("apns-priority", "c2VjcmV0")] {
            post(&client, TOKEN, &[TOPIC, extra], b"{}".to_vec()).await;
        }
    });
    let lines = log.lines(2);
    assert!(lines[0]["headers"]["authorization"].as_str().unwrap().starts_with("malformed: "), "{}", lines[0]);
    assert_eq!(lines[1]["malformed"], json!([{ "header": "apns-priority", "rule": "it is 10, 5 or 1" }]));
    assert_eq!(lines[1]["headers"], json!({ "apns-topic": "com.example.MyApp" }));
    let text = std::fs::read_to_string(&log.path).unwrap();
    assert!(!text.contains("c2VjcmV0"), "{text}");
}

#[test]
fn a_fault_is_named_where_it_strikes() {
    let log = Logged::start(&["--fault", "answer:Shutdown@times=1", "--fault", "refuse-stream@after=1,times=1"]);
    block_on(async {
        let client = log.gateway.client().await;
        post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await;
        let request = http::Request::post("https://localhost/3/device/aa").body(()).unwrap();
        let (answer, _body) = client.clone().ready().await.unwrap().send_request(request, false).unwrap();
        answer.await.unwrap_err();
    });
    let lines = log.lines(2);
    assert_eq!((&lines[0]["fault"], &lines[0]["answer"]["status"]), (&json!("answer:Shutdown@times=1"), &json!(503)));
    assert_eq!((&lines[1]["event"], &lines[1]["stream"]), (&json!("fault"), &json!(3)));
    assert_eq!(lines[1]["fault"], "refuse-stream@after=1,times=1");
}

#[test]
fn every_fault_of_tls_is_named() {
    for fault in ["wrong-host", "expired-server", "self-signed", "no-request", "no-alpn", "alert:unknown_ca"] {
        let log = Logged::start(&["--fault", fault]);
        let _ = log.connect(&log.gateway.context(true));
        let end = Instant::now() + Duration::from_secs(10);
        let text = loop {
            let text = std::fs::read_to_string(&log.path).unwrap();
            if text.contains('\n') {
                break text;
            }
            assert!(Instant::now() < end, "{fault}");
            std::thread::sleep(Duration::from_millis(5));
        };
        let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!((&line["event"], &line["fault"]), (&json!("fault"), &json!(fault)), "{line}");
    }
}

#[test]
fn a_refused_handshake_is_logged_with_its_alert() {
    let alerts = [
        "handshake_failure",
        "bad_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
        "internal_error",
    ];
    for name in alerts {
        for tls in ["1.2", "1.3"] {
            let log = Logged::start(&["--tls", tls, "--fault", &format!("alert:{name}")]);
            let seen = match log.connect(&log.gateway.context(true)) {
                Ok(mut stream) => stream.read(&mut [0; 16]).unwrap_err().to_string(),
                Err(error) => error,
            };
            let line = log.lines(2).remove(1);
            assert_eq!((&line["event"], &line["alert"]), (&json!("handshake_refused"), &json!(name)), "{line}");
            // The same alert as the client saw.
            assert!(seen.replace(' ', "_").contains(name.trim_start_matches("certificate_")), "{name}: {seen}");
        }
    }
}

#[test]
fn other_handshakes_that_fail_are_logged() {
    let log = Logged::start(&[]);
    let pem = PathBuf::from(log.gateway.file("client_file"));
    let ca = PathBuf::from(log.gateway.file("ca_file"));
    // A client that speaks another protocol.
    let other = client(|context| {
        use_identity(context, &pem);
        context.set_alpn_protos(b"\x08http/1.1").unwrap();
    });
    assert!(log.connect(&other).is_err());
    let line = log.lines(1).pop().unwrap();
    assert_eq!((&line["event"], &line["alert"]), (&json!("handshake_refused"), &json!("no_application_protocol")));
    // A client that offers none.
    let none = client(|context| use_identity(context, &pem));
    log.connect(&none).unwrap();
    let line = log.lines(2).pop().unwrap();
    assert_eq!((&line["event"], &line["certificate"]["serial"].is_string()), (&json!("no_h2"), &true), "{line}");
    // A client that does not trust the gateway.
    let distrustful = client(|context| {
        context.set_verify(SslVerifyMode::PEER);
        context.set_alpn_protos(b"\x02h2").unwrap();
    });
    assert!(log.connect(&distrustful).is_err());
    let line = log.lines(3).pop().unwrap();
    assert_eq!((&line["alert"], &line["received_alert"]), (&Value::Null, &json!("unknown_ca")), "{line}");
    // No TLS at all, and a client that goes away.
    TcpStream::connect(log.gateway.address()).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(log.lines(4)[3]["problem"], "http request");
    drop(TcpStream::connect(log.gateway.address()).unwrap());
    assert_eq!(log.lines(5)[4]["problem"], "the client closed the connection");
    // A certificate of another authority.
    let foreign = Logged::start(&[]);
    let stranger = client(|context| {
        context.set_ca_file(&ca).unwrap();
        use_identity(context, &pem);
        context.set_alpn_protos(b"\x02h2").unwrap();
    });
    let _ = foreign.connect(&stranger).map(|mut stream| stream.read(&mut [0; 16]).is_err());
    let line = foreign.line();
    assert_eq!((&line["event"], &line["alert"]), (&json!("handshake_refused"), &json!("unknown_ca")), "{line}");
}

/// Header fields in HPACK without a table and without Huffman codes.
fn literal(name: &str, value: &str) -> Vec<u8> {
    [&[0, name.len() as u8], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

#[test]
fn malformed_headers_are_logged_with_the_rule_that_they_break() {
    let pseudo = headers();
    for (block, rule) in [
        ([pseudo.clone(), literal("connection", "close")].concat(), "no connection-specific header fields"),
        ([pseudo.clone(), literal("te", "gzip")].concat(), "te has no other value"),
        ([literal("apns-topic", "a.b"), pseudo.clone()].concat(), "pseudo-header fields come before"),
        ([pseudo.clone(), vec![0x83]].concat(), "a pseudo-header field is given once"),
        ([pseudo.clone(), literal("APNS-Topic", "a.b")].concat(), "names are in lower case"),
        ([vec![0x87, 0x01, 9], b"localhost".to_vec()].concat(), ":method is given"),
        ([vec![0x83, 0x87, 0x01, 9], b"localhost".to_vec()].concat(), ":path is given"),
        (vec![0x83, 0x87], ":path is given"),
        ([pseudo, literal("x", &"v".repeat(100)).repeat(100)].concat(), "the header list is not larger"),
    ] {
        let log = Logged::start(&[]);
        let mut stream = log.gateway.connect();
        stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &frame(1, 5, 1, &block)].concat()).unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        let line = loop {
            let text = std::fs::read_to_string(&log.path).unwrap();
            match text.lines().next() {
                Some(line) if text.contains('\n') => break serde_json::from_str::<Value>(line).unwrap(),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
            assert!(Instant::now() < end, "{rule}");
        };
        assert_eq!((&line["event"], &line["connection"]), (&json!("malformed_request"), &json!(1)), "{rule}");
        assert!(line["rule"].as_str().unwrap().starts_with(rule), "{rule}: {line}");
    }
}

#[test]
fn a_connection_that_breaks_the_protocol_is_logged() {
    let log = Logged::start(&[]);
    let mut stream = log.gateway.connect();
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &frame(0, 0, 0, &[0; 10])].concat()).unwrap();
    let line = log.line();
    assert_eq!(line["event"], "connection_failed");
    assert!(line["problem"].as_str().unwrap().contains("protocol"), "{line}");
}

#[test]
fn what_is_no_http2_is_logged() {
    let log = Logged::start(&[]);
    let mut stream = log.gateway.connect();
    stream.write_all(b"POST /3/device/aa HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert_eq!(log.line()["event"], "connection_failed");
}

#[test]
fn a_request_without_its_end_is_logged() {
    // The static table of HPACK: :method POST, :scheme https; :path and :authority in letters.
    let literal = |index: u8, value: &[u8]| [&[index, u8::try_from(value.len()).unwrap()], value].concat();
    let block = [vec![0x83, 0x87], literal(0x04, b"/3/device/aa"), literal(0x01, b"localhost")].concat();
    let with_length = [&block[..], &[0x0f, 0x0d, 1, b'9']].concat();
    let reset = frame(3, 0, 1, &8u32.to_be_bytes());
    for (arguments, block, next, problem) in [
        (&[][..], &block, &reset, "the client broke it off"),
        (&[], &with_length, &frame(0, 1, 1, b"{}"), "its payload breaks a rule of HTTP/2, such as its content-length"),
        (&["--fault", "answer:Shutdown@after=9"], &block, &reset, "the client broke it off"),
    ] {
        let log = Logged::start(arguments);
        let mut stream = log.gateway.connect();
        let start = [PREFACE, &frame(4, 0, 0, &[]), &frame(1, 4, 1, block)].concat();
        stream.write_all(&start).unwrap();
        stream.write_all(next).unwrap();
        let line = log.line();
        assert_eq!((&line["event"], &line["stream"]), (&json!("request_unfinished"), &json!(1)), "{problem}: {line}");
        assert_eq!(line["problem"], problem);
    }
}

/// A whole request, and one whose end does not come.
fn whole(stream: u32) -> Vec<u8> {
    [frame(1, 4, stream, &headers()), frame(0, 1, stream, b"{}")].concat()
}

fn open(stream: u32) -> Vec<u8> {
    [frame(1, 4, stream, &headers()), frame(0, 0, stream, b"{")].concat()
}

/// A fault that never strikes, but is looked for at each request.
const NO_STRIKE: [&str; 2] = ["--fault", "answer:Shutdown@after=1000000"];

#[test]
fn requests_before_the_end_of_the_connection_are_answered_and_logged() {
    for arguments in [&[][..], &NO_STRIKE] {
        let log = Logged::start(arguments);
        let mut stream = log.gateway.connect();
        let mut sent = [PREFACE, &frame(4, 0, 0, &[])].concat();
        for number in 0..100 {
            sent.extend(whole(2 * number + 1));
        }
        stream.write_all(&sent).unwrap();
        stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
        for line in log.lines(100) {
            assert_eq!((&line["event"], &line["answer"]["status"]), (&json!("request"), &json!(400)), "{line}");
        }
        // Whoever still reads gets the answers.
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        assert!(answers.len() > 100 * 20, "{} bytes", answers.len());
    }
}

#[test]
fn a_request_that_is_open_when_the_client_leaves_is_logged() {
    for arguments in [&[][..], &NO_STRIKE] {
        let log = Logged::start(arguments);
        let mut stream = log.gateway.connect();
        stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &open(1), &open(3)].concat()).unwrap();
        stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
        let mut streams = Vec::new();
        for line in log.lines(2) {
            assert_eq!((&line["event"], &line["connection"]), (&json!("request_unfinished"), &json!(1)), "{line}");
            assert_eq!(line["problem"], "the connection ended before it did");
            streams.push(line["stream"].as_u64().unwrap());
        }
        streams.sort_unstable();
        assert_eq!(streams, [1, 3]);
    }
}

#[test]
fn a_request_that_is_open_when_the_gateway_stops_is_logged() {
    for arguments in [&[][..], &NO_STRIKE] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let gateway = Process::start(&[&["--log", path.to_str().unwrap()], arguments].concat());
        let mut stream = gateway.connect();
        stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &open(1), &frame(6, 0, 0, &[0; 8])].concat()).unwrap();
        let mut frames = [0; 1];
        // The answer to PING comes after the request was taken.
        while frames[0] != 6 {
            let mut header = [0; 9];
            stream.read_exact(&mut header).unwrap();
            frames[0] = header[3];
            stream.read_exact(&mut vec![0; usize::from(header[2])]).unwrap();
        }
        assert_eq!(gateway.signal("-TERM").0, Some(0));
        let text = std::fs::read_to_string(&path).unwrap();
        let line: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("one line: {text}"));
        assert_eq!((&line["event"], &line["stream"]), (&json!("request_unfinished"), &json!(1)), "{line}");
        assert_eq!(line["problem"], "the gateway stopped before it ended");
    }
}

#[test]
fn a_stream_beyond_the_limit_is_logged() {
    for arguments in [&[][..], &NO_STRIKE] {
        let log = Logged::start(&[&["--max-streams", "2"], arguments].concat());
        let mut stream = log.gateway.connect();
        let requests = [open(1), open(3), frame(1, 4, 5, &headers()), frame(1, 4, 7, &headers())].concat();
        stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &requests].concat()).unwrap();
        for (line, id) in log.lines(2).into_iter().zip([5, 7]) {
            assert_eq!((&line["event"], &line["stream"]), (&json!("request_unfinished"), &json!(id)), "{line}");
            assert!(line["problem"].as_str().unwrap().ends_with("REFUSED_STREAM"), "{line}");
        }
    }
}

#[test]
fn a_certificate_itself_may_be_what_a_gateway_accepts() {
    let path = fixture("pem/doubled.pem");
    let gateway = Process::start(&["--client-ca", path.to_str().unwrap()]);
    let address = format!("localhost:{}", gateway.address().port());
    let ca = gateway.file("ca_file").to_owned();
    for (certificate, code) in [("pem/doubled.pem", 0), ("p12/mdm.p12", 1)] {
        let checked =
            Test::new().arg("check").arg(fixture(certificate)).args(["--gateway", &address, "--ca-file", &ca]);
        checked.args(["--passin", "pass:push"]).status(code).run();
    }
}

#[test]
fn a_certificate_for_the_other_environment_is_logged() {
    let authorities = tempfile::NamedTempFile::new().unwrap();
    let mut pem = Vec::new();
    for name in ["ca/intermediate.pem", "ca/root.pem"] {
        pem.extend(std::fs::read(fixture(name)).unwrap());
    }
    std::fs::write(authorities.path(), pem).unwrap();
    let log = Logged::start(&["--client-ca", authorities.path().to_str().unwrap()]);
    let address = format!("localhost:{}", log.gateway.address().port());
    let ca = log.gateway.file("ca_file").to_owned();
    let checked =
        Test::new().arg("check").arg(fixture("p12/sandbox.p12")).args(["--gateway", &address, "--ca-file", &ca]);
    checked.args(["--passin", "pass:push"]).status(1).run();
    let line = log.line();
    assert_eq!((&line["event"], &line["reason"]), (&json!("connection_refused"), &json!("BadCertificateEnvironment")));
    assert!(line["certificate"]["sha256"].is_string());
}

/// A line of an earlier log.
const EARLIER_LINE: &str = "{\"schema_version\":1,\"time\":\"t\",\"connection\":1,\"client\":\"c\",\"certificate\":null,\"event\":\"no_h2\"}\n";

#[test]
fn only_an_earlier_log_is_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let key = std::fs::read(fixture("key/push.pem")).unwrap();
    let grown = [EARLIER_LINE.as_bytes(), &key].concat();
    for bytes in [&key[..], TOKEN.as_bytes(), b"{\"schema_version\":1}\n", &grown] {
        std::fs::write(&path, bytes).unwrap();
        let refused = Test::new().arg("gateway").arg("--log").arg(&path).arg("--force");
        refused.status(6).stderr_contains("is no earlier log").run();
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    for text in ["", EARLIER_LINE, &EARLIER_LINE[..40]] {
        std::fs::write(&path, text).unwrap();
        let gateway = Process::start(&["--log", path.to_str().unwrap(), "--force"]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        assert_eq!(gateway.signal("-TERM").0, Some(0));
    }
}

#[test]
fn an_input_is_no_log() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokens"), "").unwrap();
    std::fs::copy(fixture("ca/root.pem"), folder.path().join("ca.pem")).unwrap();
    std::fs::copy(fixture("key/push.pem"), folder.path().join("key.p8")).unwrap();
    for (option, value, log) in [
        ("--tokens", "tokens", "./tokens"),
        ("--client-ca", "ca.pem", "ca.pem"),
        ("--p8-key", "ABC123DEFG:TEAMID1234:key.p8", "key.p8"),
    ] {
        let before = std::fs::read(folder.path().join(log)).unwrap();
        let refused = Test::new().folder(folder.path()).arg("gateway").args([option, value, "--log", log, "--force"]);
        let run = refused.any_status().run();
        assert!(matches!(run.code, Some(2 | 3)), "{option}: {:?} {}", run.code, run.stderr);
        assert_eq!(std::fs::read(folder.path().join(log)).unwrap(), before, "{option}");
        if option != "--p8-key" {
            assert!(run.stderr.contains("the file of --log is an input too"), "{}", run.stderr);
        }
    }
}

#[test]
fn a_file_of_the_folder_is_no_log() {
    for is_there in [false, true] {
        for name in ["devices.ndjson", "ca.pem", "client.pem"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("gateway").join(name);
            if is_there {
                std::fs::create_dir(folder.path().join("gateway")).unwrap();
                std::fs::write(&path, "").unwrap();
            }
            let test = Test::new().folder(folder.path()).args(["gateway", "--folder", "gateway", "--force", "--log"]);
            let run = test.arg(&path).status(2).stderr_contains("the file of --log is one of --folder's own").run();
            assert_eq!(path.exists(), is_there, "{}", run.stderr);
        }
    }
}

#[test]
fn a_start_that_fails_neither_empties_nor_leaves_a_log() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let start = |arguments: &[&str]| {
        let test = Test::new().arg("gateway").arg("--log").arg(&path).args(arguments);
        assert_ne!(test.closed_stdout().any_status().run().code, Some(0), "{arguments:?}");
    };
    // The port is in use; nobody reads what is announced.
    start(&["--listen", &taken]);
    start(&[]);
    assert!(!path.exists());
    std::fs::write(&path, EARLIER_LINE).unwrap();
    start(&["--listen", &taken, "--force"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), EARLIER_LINE);
}

#[cfg(target_os = "linux")]
#[test]
fn the_log_of_another_gateway_stays() {
    let log = Logged::start(&[]);
    drop(TcpStream::connect(log.gateway.address()).unwrap());
    log.line();
    let second = Test::new().arg("gateway").arg("--log").arg(&log.path).arg("--force");
    second.status(6).stderr_contains("another process writes a log to it").run();
    log.line();
}

#[test]
fn a_token_is_logged_whole() {
    let log = Logged::start(&[]);
    let (token, value) = ("ab".repeat(1000), "x".repeat(2000));
    block_on(async {
        let client = log.gateway.client().await;
        post(&client, &token, &[("apns-new", &value)], b"{}".to_vec()).await;
    });
    let line = log.line();
    assert_eq!((&line["token"], &line["headers"]["apns-new"]), (&json!(token), &json!(value)));
    assert_eq!(line["path"], format!("/3/device/{token}"));
}

#[test]
fn an_alert_that_is_not_encrypted_is_seen_on_its_way() {
    let log = Logged::start(&[]);
    let mut stream = TcpStream::connect(log.gateway.address()).unwrap();
    // A record of a handshake with a message that there is not.
    stream.write_all(&[22, 3, 1, 0, 5, 99, 0, 0, 1, 0]).unwrap();
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..2], [21, 3], "an alert");
    let line = log.line();
    assert_eq!((&line["event"], &line["alert"]), (&json!("handshake_refused"), &json!("unexpected_message")), "{line}");
    assert_eq!(answer[6], 10);
}

#[cfg(unix)]
#[test]
fn the_file_is_the_owners_alone_and_is_not_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    std::fs::write(&path, EARLIER_LINE).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Test::new().arg("gateway").arg("--log").arg(&path);
    refused.status(6).stderr_contains("the file exists").stderr_contains("--force").run();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), EARLIER_LINE);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    let gateway = Process::start(&["--log", path.to_str().unwrap(), "--force"]);
    assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), mode()), ("", 0o600));
    assert_eq!(gateway.signal("-TERM").0, Some(0));
    std::fs::remove_file(&path).unwrap();
    let gateway = Process::start(&["--log", path.to_str().unwrap()]);
    assert_eq!((mode(), gateway.signal("-TERM").0), (0o600, Some(0)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_the_gateway_goes_on() {
    let gateway = Process::start(&["--log", "/dev/full", "--force"]);
    block_on(async {
        let client = gateway.client().await;
        for _ in 0..50 {
            assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 400);
        }
    });
    let (code, stderr) = gateway.signal("-TERM");
    assert_eq!(code, Some(6));
    assert!(stderr.contains("warning: /dev/full: the log ends here"), "{stderr}");
    assert!(stderr.contains("error: /dev/full: the log is not complete"), "{stderr}");
}

#[test]
fn with_a_dash_the_log_follows_the_ready_line() {
    let mut command = Test::new().arg("gateway").args(["--log", "-"]).into_command();
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    TcpStream::connect(ready["address"].as_str().unwrap()).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(line["event"], "handshake_refused");
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_client_without_alpn_is_served_and_logged() {
    let log = Logged::start(&[]);
    let pem = PathBuf::from(log.gateway.file("client_file"));
    let mut stream = log.connect(&client(|context| use_identity(context, &pem))).unwrap();
    let request = [frame(1, 4, 1, &headers()), frame(0, 1, 1, b"{}")].concat();
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &request].concat()).unwrap();
    let lines = log.lines(2);
    assert_eq!((&lines[0]["event"], &lines[1]["event"]), (&json!("no_h2"), &json!("request")));
    assert_eq!(lines[1]["answer"]["status"], 400);
}

/// Both the log and the lines of -v go to one file.
#[cfg(unix)]
#[test]
fn a_log_in_the_file_of_standard_error_overwrites_nothing() {
    for name in ["/dev/stderr", "shared"] {
        let folder = tempfile::tempdir().unwrap();
        let starter = Test::shell("exec \"$0\" \"$@\" 2> shared").folder(folder.path());
        let gateway = Process::start_by(starter, &["--log", name, "--force", "-v"]);
        let address = format!("localhost:{}", gateway.address().port());
        for _ in 0..3 {
            let test = Test::new().arg("check").arg(gateway.file("client_file")).args(["--gateway", &address]);
            test.arg("--ca-file").arg(gateway.file("ca_file")).run();
        }
        assert_eq!(gateway.signal("-TERM").0, Some(0));
        let text = std::fs::read_to_string(folder.path().join("shared")).unwrap();
        let (mut entries, mut shown) = (0, 0);
        for line in text.lines() {
            match serde_json::from_str::<Value>(line) {
                Ok(entry) => entries += usize::from(entry["event"] == "request"),
                Err(_) => shown += usize::from(line.starts_with("POST /3/device/")),
            }
        }
        assert_eq!((entries, shown, text.lines().count()), (3, 3, 6), "{name}: {text}");
    }
}
