//! `pushcert gateway`, as other programs see it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Request, Response};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream};
use serde_json::Value;
use tokio_openssl::SslStream as AsyncStream;

use super::common::Test;

/// A gateway in a process of its own.
pub(crate) struct Process {
    child: Child,
    ready: Value,
    stderr: Option<std::thread::JoinHandle<String>>,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_by(Test::new(), arguments)
    }

    /// Starts it by a command that becomes it.
    pub(crate) fn start_by(starter: Test, arguments: &[&str]) -> Self {
        let mut command = starter.arg("gateway").args(arguments).into_command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?} is not one line of JSON"));
        Self { child, ready, stderr: Some(stderr) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.ready["address"].as_str().unwrap().parse().unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    pub(crate) fn process_id(&self) -> String {
        self.child.id().to_string()
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn context(&self, shows_certificate: bool) -> SslContext {
        let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
        context.set_ca_file(self.file("ca_file")).unwrap();
        context.set_alpn_protos(b"\x02h2").unwrap();
        if shows_certificate {
            let pem = self.file("client_file");
            context.set_certificate_chain_file(pem).unwrap();
            context.set_private_key_file(pem, openssl::ssl::SslFiletype::PEM).unwrap();
        }
        context.build()
    }

    /// A TLS connection without anything on it.
    pub(crate) fn connect(&self) -> SslStream<TcpStream> {
        self.connect_showing(true)
    }

    pub(crate) fn connect_showing(&self, shows_certificate: bool) -> SslStream<TcpStream> {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Ssl::new(&self.context(shows_certificate)).unwrap().connect(stream).unwrap()
    }

    pub(crate) async fn client(&self) -> SendRequest<Bytes> {
        self.client_showing(true).await
    }

    pub(crate) async fn client_showing(&self, shows_certificate: bool) -> SendRequest<Bytes> {
        let stream = tokio::net::TcpStream::connect(self.address()).await.unwrap();
        let mut stream = AsyncStream::new(Ssl::new(&self.context(shows_certificate)).unwrap(), stream).unwrap();
        Pin::new(&mut stream).connect().await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        client
    }

    pub(crate) fn signal(mut self, name: &str) -> (Option<i32>, String) {
        let kill = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let end = Instant::now() + Duration::from_secs(30);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > end => panic!("the gateway does not end on {name}"),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        (status.code(), self.stderr.take().unwrap().join().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A gateway that is killed outright leaves its folder behind.
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        }
        let _ = self.child.wait();
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

pub(crate) async fn post(
    client: &SendRequest<Bytes>,
    token: &str,
    headers: &[(&str, &str)],
    payload: Vec<u8>,
) -> Response<Value> {
    let mut client = client.clone().ready().await.unwrap();
    let mut request = Request::post(format!("https://localhost/3/device/{token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(payload.into(), true).unwrap();
    let (parts, mut body) = response.await.unwrap().into_parts();
    let mut text = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        let _ = body.flow_control().release_capacity(data.len());
        text.extend(data);
    }
    let body = if text.is_empty() { Value::Null } else { serde_json::from_slice(&text).unwrap() };
    Response::from_parts(parts, body)
}

pub(crate) fn devices(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

pub(crate) const TOPIC: (&str, &str) = ("apns-topic", "com.example.MyApp");

#[test]
fn a_provider_gets_apns_answers() {
    let list = devices(&format!("{TOKEN}\naa unregistered 1700000000000 # gone\n"));
    let gateway = Process::start(&["--environment", "sandbox", "--tokens", list.path().to_str().unwrap()]);
    block_on(async {
        let client = gateway.client().await;
        let id = ("apns-id", "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11");
        let taken = post(&client, TOKEN, &[TOPIC, id], b"{}".to_vec()).await;
        assert_eq!((taken.status().as_u16(), taken.body()), (200, &Value::Null));
        assert_eq!(taken.headers()["apns-id"], id.1);
        assert!(taken.headers().contains_key("apns-unique-id"), "the sandbox gives one");
        let gone = post(&client, "aa", &[TOPIC], b"{}".to_vec()).await;
        assert_eq!(gone.status().as_u16(), 410);
        let body = serde_json::json!({ "reason": "Unregistered", "timestamp": 1_700_000_000_000_u64 });
        assert_eq!(*gone.body(), body);
        assert!(!gone.headers().contains_key("apns-unique-id"));
        for (token, headers, size, status, reason) in [
            (TOKEN, &[TOPIC][..], 4096, 200, None),
            (TOKEN, &[TOPIC], 4097, 413, Some("PayloadTooLarge")),
            (TOKEN, &[TOPIC], 60_000, 413, Some("PayloadTooLarge")),
            (TOKEN, &[], 2, 400, Some("MissingTopic")),
            (TOKEN, &[("apns-topic", "com.example.Other")], 2, 400, Some("TopicDisallowed")),
            ("bb", &[TOPIC], 2, 400, Some("BadDeviceToken")),
        ] {
            let answer = post(&client, token, headers, vec![b'x'; size]).await;
            assert_eq!(answer.status().as_u16(), status, "{reason:?}");
            assert_eq!(answer.body()["reason"].as_str(), reason);
        }
    });
}

/// Starts a gateway that is not under nohup, whatever the tests are started by.
pub(crate) const WITH_HANGUP: &str = r#"exec perl -e '$SIG{HUP} = "DEFAULT"; exec @ARGV' "$0" "$@""#;

#[test]
fn it_stops_on_a_signal_and_leaves_nothing_behind() {
    for signal in ["-TERM", "-INT", "-HUP", "-QUIT"] {
        let gateway = Process::start_by(Test::shell(WITH_HANGUP), &[]);
        let idle = gateway.connect();
        let address = gateway.address();
        let folder = Path::new(gateway.file("ca_file")).parent().unwrap().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(gateway.file("client_file")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let start = Instant::now();
        let (code, stderr) = gateway.signal(signal);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(!folder.exists());
        assert!(TcpStream::connect(address).is_err());
        drop(idle);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn under_nohup_a_hangup_does_not_end_it() {
    let gateway = Process::start_by(Test::shell("exec nohup \"$0\" \"$@\""), &[]);
    let pid = gateway.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, "aa", &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 400);
    });
    let folder = Path::new(gateway.file("ca_file")).parent().unwrap().to_owned();
    assert_eq!(gateway.signal("-TERM").0, Some(0));
    assert!(!folder.exists());
}

#[test]
fn no_key_stays_where_the_start_fails() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    // The port is in use; nobody reads what is announced.
    for arguments in [&["--listen", &taken][..], &[]] {
        let folder = tempfile::tempdir().unwrap();
        let test = Test::new().arg("gateway").args(arguments).env("TMPDIR", folder.path());
        assert_ne!(test.closed_stdout().any_status().run().code, Some(0), "{arguments:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn it_logs_a_line_a_request_and_no_device() {
    let gateway = Process::start(&["-v"]);
    block_on(async {
        let client = gateway.client().await;
        post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await;
        post(&client, "aa", &[], b"{}".to_vec()).await;
        for path in [format!("{TOKEN}/"), format!("{TOKEN}/x"), format!("/{TOKEN}"), format!("x/{TOKEN}/{TOKEN}")] {
            post(&client, &path, &[TOPIC], b"{}".to_vec()).await;
        }
    });
    let (code, log) = gateway.signal("-TERM");
    assert_eq!(code, Some(0));
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 6, "{log}");
    assert!(!log.contains(TOKEN), "{log}");
    assert!(lines[3].starts_with("POST /3/device/00fc13ad…/x com.example.MyApp 400 "), "{log}");
    assert!(lines[0].starts_with("POST /3/device/00fc13ad… com.example.MyApp 400 BadDeviceToken "), "{log}");
    assert!(lines[1].starts_with("POST /3/device/aa - 400 MissingTopic "), "{log}");
}

#[cfg(unix)]
#[test]
fn nobody_waits_for_the_reader_of_the_request_lines() {
    let mut command = Test::new().args(["gateway", "-v"]).into_command();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let unread = child.stderr.take();
    let gateway = Process { child, ready: serde_json::from_str(&line).unwrap(), stderr: None };
    // More than a pipe holds.
    let path = "x/".repeat(100);
    block_on(async {
        let client = gateway.client().await;
        for _ in 0..700 {
            let answer = tokio::time::timeout(Duration::from_secs(20), post(&client, &path, &[TOPIC], b"{}".to_vec()));
            assert_eq!(answer.await.expect("an answer").status().as_u16(), 400);
        }
    });
    assert!(Command::new("kill").arg(gateway.process_id()).status().unwrap().success());
    drop(gateway);
    drop(unread);
}

/// Makes a pipe with a name.
#[cfg(unix)]
pub(crate) fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn tokens_from_a_pipe_are_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("tokens");
    make_pipe(&pipe);
    let name = pipe.clone();
    let writer = std::thread::spawn(move || std::fs::write(name, TOKEN).unwrap());
    let gateway = Process::start_by(Test::shell(WITH_HANGUP), &["--tokens", pipe.to_str().unwrap()]);
    writer.join().unwrap();
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
    let key = gateway.file("client_file").to_owned();
    // As with standard input: there is nothing to read again.
    assert_eq!(gateway.signal("-HUP").0, Some(0));
    assert!(!Path::new(&key).exists());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_tokens_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, TOKEN).unwrap();
    let gateway = Process::start_by(Test::shell(WITH_HANGUP), &["--tokens", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    make_pipe(&path);
    assert!(Command::new("kill").args(["-HUP", &gateway.process_id()]).status().unwrap().success());
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
    let (code, said) = gateway.signal("-TERM");
    assert_eq!(code, Some(0));
    assert!(said.contains("it is not a regular file any more; the tokens are as before"), "{said}");
}

#[cfg(unix)]
#[test]
fn few_descriptors_leave_no_folder_behind_and_are_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let mut is_named = false;
    for limit in 3..20 {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
        let test = Test::shell(&script).args(["gateway", "--listen", &taken]).env("TMPDIR", folder.path());
        let run = test.any_status().run();
        assert_ne!(run.code, Some(0));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{limit}: {}", run.stderr);
        if run.stderr.starts_with("error: ") && run.stderr.contains("Too many open files") {
            assert!(run.stderr.contains("ulimit -n"), "{limit}: {}", run.stderr);
            is_named = true;
        }
    }
    assert!(is_named);
}

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The headers of a POST, in HPACK without a table (RFC 7541 appendix A: 3 is POST, 7 is https).
pub(crate) fn headers() -> Vec<u8> {
    let mut block = vec![0x83, 0x87, 0x01, 9];
    block.extend(b"localhost");
    block.extend([0x04, 12]);
    block.extend(b"/3/device/aa");
    block
}

#[test]
fn localhost_is_an_address_to_listen_on() {
    for name in ["localhost:0", "LocalHost:0", "localhost.:0", "apns.localhost:0"] {
        let gateway = Process::start(&["--listen", name]);
        assert!(gateway.address().ip().is_loopback() && gateway.address().port() > 0, "{name}");
    }
    for name in ["localhost:", "localhost:x", "localhost:65536", ":0", ".localhost:0", "localhost.example.com:0"] {
        let run = Test::new().args(["gateway", "--listen", name]).status(2).run();
        assert!(run.stderr.contains("such as 127.0.0.1:2197, localhost:2197 or [::1]:0"), "{name}: {}", run.stderr);
    }
}

/// Writes until the gateway has had enough of it.
pub(crate) fn abuse(gateway: &Process, pieces: impl Iterator<Item = Vec<u8>>) {
    let mut stream = gateway.connect();
    let greeting = [PREFACE, &frame(4, 0, 0, &[])].concat();
    let _ = stream.write_all(&greeting);
    for piece in pieces {
        if stream.write_all(&piece).is_err() {
            return;
        }
    }
    // It closes, answers or resets; it does not hang.
    let _ = stream.read(&mut [0; 4096]);
}

#[test]
fn hostile_clients_are_survived_without_growing() {
    let gateway = Process::start(&[]);
    let mut half_open: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(gateway.address()).unwrap()).collect();
    for (index, stream) in half_open.iter_mut().enumerate() {
        // Some say nothing, some the beginning of a ClientHello.
        stream.write_all(&[0x16, 3, 1, 2, 0][..index % 6]).unwrap();
    }
    abuse(&gateway, std::iter::once(b"GET / HTTP/1.1\r\n\r\n".to_vec()));
    let round = |gateway: &Process| {
        // Frames that are none, of unknown types, and larger than allowed.
        abuse(gateway, std::iter::repeat_n(frame(0xff, 0xff, 0, &[0; 16_384]), 50));
        abuse(gateway, std::iter::once(frame(0, 0, 0, &[0; 100])));
        abuse(gateway, std::iter::once(frame(1, 4, 1, &[0xff; 1000])));
        abuse(gateway, std::iter::once([&[0xff, 0xff, 0xff][..], &[0; 100]].concat()));
        // Rapid reset (CVE-2023-44487), and streams that are opened and left.
        let opened = |stream: u32| frame(1, 4, stream, &headers());
        abuse(gateway, (0..5000).map(|n| [opened(2 * n + 1), frame(3, 0, 2 * n + 1, &[0, 0, 0, 8])].concat()));
        abuse(gateway, (0..5000).map(|n| opened(2 * n + 1)));
        // CONTINUATION without an end (CVE-2024-27316), and giant headers.
        let endless = std::iter::once(frame(1, 0, 1, &headers()));
        abuse(gateway, endless.chain(std::iter::repeat_n(frame(9, 0, 1, &[0x82; 16_000]), 500)));
        // PING and SETTINGS floods whose answers are not read.
        abuse(gateway, std::iter::repeat_n(frame(6, 0, 0, &[0; 8]).repeat(100), 200));
        abuse(gateway, std::iter::repeat_n(frame(4, 0, 0, &[]).repeat(100), 200));
        // DATA beyond the window.
        abuse(gateway, std::iter::once(opened(1)).chain(std::iter::repeat_n(frame(0, 0, 1, &[0; 16_384]), 200)));
    };
    round(&gateway);
    let before = gateway.memory();
    for _ in 0..4 {
        round(&gateway);
    }
    let after = gateway.memory();
    assert!(after < before + 8 * 1024, "{before} KiB became {after} KiB");
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, "aa", &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 400);
    });
    drop(half_open);
    let (code, stderr) = gateway.signal("-TERM");
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "it did not panic");
}

/// Sends this many requests, 100 at a time on each of four connections.
fn load(gateway: &Process, requests: usize) {
    block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let client = gateway.client().await;
            let per_task = requests / 4 / 100;
            for _ in 0..100 {
                let client = client.clone();
                tasks.spawn(async move {
                    for _ in 0..per_task {
                        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 400);
                    }
                });
            }
        }
        while let Some(result) = tasks.join_next().await {
            result.unwrap();
        }
    });
}

fn growth(requests: usize) {
    let gateway = Process::start(&[]);
    load(&gateway, 10_000);
    let before = gateway.memory();
    let start = Instant::now();
    load(&gateway, requests);
    let after = gateway.memory();
    let rate = requests as f64 / start.elapsed().as_secs_f64();
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{before} KiB after 10000 requests, {after} KiB after {requests} more, {rate:.0} a second")
        .unwrap();
    assert!(after <= before + 1024, "{before} KiB became {after} KiB");
}

#[test]
fn memory_is_flat_over_twenty_thousand_requests() {
    growth(20_000);
}

#[test]
#[ignore = "takes a minute in a release build"]
fn memory_is_flat_over_a_million_requests() {
    growth(1_000_000);
}
