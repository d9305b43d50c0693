//! Faults with a course: what a provider meets after it has worked for a while, and whether it can go on.

use std::io::{Read, Write};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Error, Ping};
use http::Request;
use openssl::ssl::Ssl;
use tokio::time::timeout;

use super::gateway::{PREFACE, Process, block_on, frame, headers};

/// A bound for what must come; nothing waits for it to pass.
const LIMIT: Duration = Duration::from_secs(10);
/// The time in which nothing must come.
const QUIET: Duration = Duration::from_millis(200);

/// A client that tells how each request ended.
struct Provider {
    requests: SendRequest<Bytes>,
    connection: tokio::task::JoinHandle<Result<(), Error>>,
    ping: h2::PingPong,
}

impl Provider {
    async fn connect(gateway: &Process) -> Result<Self, String> {
        let stream = tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
        let mut stream = tokio_openssl::SslStream::new(Ssl::new(&gateway.context(true)).unwrap(), stream).unwrap();
        std::pin::Pin::new(&mut stream).connect().await.map_err(|error| error.to_string())?;
        let (requests, mut connection) = h2::client::handshake(stream).await.map_err(|error| error.to_string())?;
        let ping = connection.ping_pong().unwrap();
        Ok(Self { requests, connection: tokio::spawn(connection), ping })
    }

    /// Opens a stream; its body is left to the caller.
    async fn open(&mut self) -> Result<(ResponseFuture, h2::SendStream<Bytes>), Error> {
        let ready = self.requests.clone().ready();
        self.requests = timeout(LIMIT, ready).await.expect("a stream can be opened")?;
        self.requests.send_request(Request::post("https://localhost/3/device/aa").body(()).unwrap(), false)
    }

    /// Sends a notification and returns the status, `timeout`, or the error.
    async fn post(&mut self, limit: Duration) -> String {
        let answer = async {
            let (answer, mut body) = self.open().await?;
            body.send_data(Bytes::from_static(b"{}"), true)?;
            answer.await
        };
        match timeout(limit, answer).await {
            Err(_) => "timeout".to_owned(),
            Ok(Ok(answer)) => answer.status().as_u16().to_string(),
            Ok(Err(error)) => explain(&error),
        }
    }

    async fn posts(&mut self, count: usize) -> Vec<String> {
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(self.post(LIMIT).await);
        }
        answers
    }
}

fn explain(error: &Error) -> String {
    let layer = if error.is_go_away() {
        "GOAWAY"
    } else if error.is_reset() {
        "RST_STREAM"
    } else {
        "connection"
    };
    match (error.reason(), error.get_io()) {
        (Some(reason), _) => format!("{layer} {reason:?}"),
        (None, Some(io)) => format!("{layer} {:?}", io.kind()),
        (None, None) => format!("{layer} {error}"),
    }
}

#[test]
fn a_goaway_comes_after_good_answers_and_the_next_connection_works() {
    let gateway = Process::start(&["--fault", "goaway:Shutdown@after=3,times=1"]);
    block_on(async {
        let mut provider = Provider::connect(&gateway).await.unwrap();
        assert_eq!(provider.posts(4).await, ["400", "400", "400", "GOAWAY NO_ERROR"]);
        assert!(timeout(LIMIT, provider.connection).await.is_ok(), "the gateway closes the connection");
        let mut provider = Provider::connect(&gateway).await.unwrap();
        assert_eq!(provider.posts(5).await, ["400"; 5]);
    });
}

#[test]
fn streams_below_a_goaway_are_answered_and_those_above_are_not() {
    for (kind, is_answered) in [("goaway", true), ("goaway-midway", true)] {
        let gateway = Process::start(&["--fault", &format!("{kind}:Shutdown@after=1")]);
        block_on(async {
            let mut provider = Provider::connect(&gateway).await.unwrap();
            // The first request is not complete when the second one is struck.
            let (first, mut body) = provider.open().await.unwrap();
            let (second, _unfinished) = provider.open().await.unwrap();
            if kind == "goaway" {
                assert_eq!(explain(&timeout(LIMIT, second).await.unwrap().unwrap_err()), "GOAWAY NO_ERROR");
            }
            body.send_data(Bytes::from_static(b"{}"), true).unwrap();
            assert_eq!(timeout(LIMIT, first).await.unwrap().is_ok(), is_answered, "{kind}");
        });
    }
}

#[test]
fn after_goaway_open_the_connection_stays() {
    let gateway = Process::start(&["--fault", "goaway-open:Shutdown@after=1"]);
    let mut stream = gateway.connect();
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &request(1), &request(3)].concat()).unwrap();
    let mut reader = Frames::new(stream);
    let goaway = reader.wait_for(7);
    assert_eq!(goaway.payload[..8], [0, 0, 0, 1, 0, 0, 0, 0], "the last stream is 1, and there is no error");
    assert_eq!(goaway.payload[8..], *br#"{"reason":"Shutdown"}"#);
    // Longer than the second after which other faults close.
    reader.stream.get_ref().set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    let end = reader.read_to_quiet();
    assert!(end.contains("WouldBlock") || end.contains("timed out"), "{end}");
    // It still answers PING.
    reader.stream.write_all(&frame(6, 0, 0, &[7; 8])).unwrap();
    assert_eq!(reader.wait_for(6).payload, [7; 8]);
}

/// Sends ten requests at once, of which the sixth is struck, and returns what comes until GOAWAY.
fn answers_before_goaway(gateway: &Process) -> (Frames, Vec<u32>, RawFrame) {
    let mut stream = gateway.connect();
    let mut sent = [PREFACE, &frame(4, 0, 0, &[]), &frame(4, 1, 0, &[])].concat();
    for number in 0..10 {
        sent.extend(request(2 * number + 1));
    }
    stream.write_all(&sent).unwrap();
    let mut reader = Frames::new(stream);
    let mut answered = Vec::new();
    loop {
        let frame = reader.next().unwrap();
        match frame.kind {
            1 => answered.push(frame.stream),
            7 => return (reader, answered, frame),
            _ => {}
        }
    }
}

#[test]
fn goaway_comes_after_the_answers_before_it_even_when_they_come_at_once() {
    for (fault, last) in [("goaway", 9), ("goaway-open", 9), ("goaway-midway", 11)] {
        let gateway = Process::start(&["--fault", &format!("{fault}:Shutdown@after=5,times=1")]);
        let (_reader, mut answered, goaway) = answers_before_goaway(&gateway);
        answered.sort_unstable();
        assert_eq!(answered, [1, 3, 5, 7, 9], "{fault}");
        assert_eq!(goaway.payload[..4], u32::to_be_bytes(last), "{fault}");
    }
}

#[test]
fn the_last_stream_of_goaway_never_rises() {
    for fault in ["goaway", "goaway-open"] {
        let gateway = Process::start(&["--fault", &format!("{fault}:Shutdown@after=5,times=1")]);
        let (mut reader, _, goaway) = answers_before_goaway(&gateway);
        let last = u32::from_be_bytes(goaway.payload[..4].try_into().unwrap());
        assert_eq!(gateway.signal("-TERM").0, Some(0), "{fault}");
        while let Ok(frame) = reader.next() {
            if frame.kind == 7 {
                let later = u32::from_be_bytes(frame.payload[..4].try_into().unwrap());
                assert!(later <= last, "{fault}: {later} after {last}");
            }
        }
    }
}

#[test]
fn a_lowered_limit_is_never_higher_than_before() {
    let gateway = Process::start(&["--fault", "limit-streams:5@times=1,for=50ms"]);
    let mut stream = gateway.connect_showing(false);
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &frame(4, 1, 0, &[]), &request(1)].concat()).unwrap();
    let mut reader = Frames::new(stream);
    reader.stream.get_ref().set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut limits = Vec::new();
    while let Ok(frame) = reader.next() {
        let (parameters, _) = frame.payload.as_chunks::<6>();
        for &[a, b, c, d, e, f] in parameters {
            if frame.kind == 4 && [a, b] == [0, 3] {
                limits.push(u32::from_be_bytes([c, d, e, f]));
            }
        }
    }
    assert_eq!(limits, [1], "one stream until the first valid token");
}

/// HEADERS of a complete request but for its body.
fn request(stream: u32) -> Vec<u8> {
    [frame(1, 4, stream, &headers()), frame(0, 1, stream, b"{}")].concat()
}

struct RawFrame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// Reads frames from a connection.
struct Frames {
    stream: openssl::ssl::SslStream<std::net::TcpStream>,
}

impl Frames {
    fn new(stream: openssl::ssl::SslStream<std::net::TcpStream>) -> Self {
        Self { stream }
    }

    fn next(&mut self) -> std::io::Result<RawFrame> {
        let mut header = [0; 9];
        self.stream.read_exact(&mut header)?;
        let mut payload = vec![0; u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize];
        self.stream.read_exact(&mut payload)?;
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        Ok(RawFrame { kind: header[3], stream, payload })
    }

    fn wait_for(&mut self, kind: u8) -> RawFrame {
        loop {
            let frame = self.next().unwrap();
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// Reads until nothing more comes, and returns how that was seen.
    fn read_to_quiet(&mut self) -> String {
        loop {
            if let Err(error) = self.next() {
                return format!("{:?} {error}", error.kind());
            }
        }
    }
}

#[test]
fn a_fault_strikes_every_nth_request() {
    for (fault, struck) in [
        ("refuse-stream", "RST_STREAM REFUSED_STREAM"),
        ("reset", "RST_STREAM INTERNAL_ERROR"),
        ("answer:TooManyRequests", "429"),
        ("answer:Shutdown", "503"),
    ] {
        let gateway = Process::start(&["--fault", &format!("{fault}@every=2,times=2")]);
        block_on(async {
            let mut provider = Provider::connect(&gateway).await.unwrap();
            assert_eq!(provider.posts(6).await, ["400", struck, "400", struck, "400", "400"], "{fault}");
        });
    }
}

#[test]
fn a_connection_works_and_then_fails() {
    for (fault, struck) in [
        ("close-midway", "connection BrokenPipe"),
        ("reset-tcp", "connection ConnectionReset"),
        ("goaway-midway:Shutdown", "connection BrokenPipe"),
    ] {
        let gateway = Process::start(&["--fault", &format!("{fault}@after=2,times=1")]);
        block_on(async {
            let mut provider = Provider::connect(&gateway).await.unwrap();
            assert_eq!(provider.posts(2).await, ["400", "400"], "{fault}");
            let end = provider.post(LIMIT).await;
            assert!(end == struck || end.starts_with("connection"), "{fault}: {end}");
            let mut provider = Provider::connect(&gateway).await.unwrap();
            assert_eq!(provider.posts(3).await, ["400"; 3], "{fault}");
        });
    }
}

#[test]
fn a_connection_works_and_then_falls_silent_while_tcp_stays_open() {
    for (fault, answers_ping) in [("silence", false), ("stall-answer", true)] {
        let gateway = Process::start(&["--fault", &format!("{fault}@after=2")]);
        block_on(async {
            let mut provider = Provider::connect(&gateway).await.unwrap();
            assert_eq!(provider.posts(2).await, ["400", "400"], "{fault}");
            assert_eq!(provider.post(QUIET).await, "timeout", "{fault}");
            let limit = if answers_ping { LIMIT } else { QUIET };
            let pong = timeout(limit, provider.ping.ping(Ping::opaque())).await;
            assert_eq!(pong.is_ok(), answers_ping, "{fault}");
            assert!(!provider.connection.is_finished(), "{fault}: TCP stays open");
        });
    }
}

#[test]
fn requests_before_the_fault_are_answered_even_when_they_come_at_once() {
    for fault in ["silence", "close-midway", "reset-tcp"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text = format!("{fault}@after=5");
        let gateway = Process::start(&["--fault", &text, "--log", path.to_str().unwrap()]);
        let mut stream = gateway.connect();
        let mut sent = [PREFACE, &frame(4, 0, 0, &[])].concat();
        for number in 0..20 {
            sent.extend(request(2 * number + 1));
        }
        stream.write_all(&sent).unwrap();
        let mut reader = Frames::new(stream);
        let mut answered = Vec::new();
        while answered.len() < 5 {
            let frame = reader.next().unwrap_or_else(|_| panic!("{fault}: only {answered:?}"));
            if frame.kind == 1 {
                answered.push(frame.stream);
            }
        }
        answered.sort_unstable();
        assert_eq!(answered, [1, 3, 5, 7, 9], "{fault}");
        drop(reader);
        drop(gateway);
        let log = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
        assert_eq!((count("request"), count("fault")), (5, 15), "{fault}: {log}");
    }
}

#[test]
fn a_fault_that_never_strikes_leaves_the_stream_limit_of_clients_without_a_token() {
    let gateway = Process::start(&["--fault", "reset@after=1000000"]);
    block_on(async {
        let client = gateway.client_showing(false).await;
        super::gateway::post(&client, "aa", &[], b"{}".to_vec()).await;
        assert_eq!(client.current_max_send_streams(), 1);
    });
}

#[test]
fn the_stream_limit_falls_and_rises_again() {
    let gateway = Process::start(&["--fault", "limit-streams:1@after=1,times=1,for=300ms"]);
    block_on(async {
        let mut provider = Provider::connect(&gateway).await.unwrap();
        provider.posts(1).await;
        assert_eq!(provider.requests.current_max_send_streams(), 1000);
        assert_eq!(provider.post(LIMIT).await, "400");
        for limit in [1, 1000] {
            let reached = async {
                while provider.requests.current_max_send_streams() != limit {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(LIMIT, reached).await.unwrap_or_else(|_| panic!("the limit does not become {limit}"));
        }
        assert_eq!(provider.posts(3).await, ["400"; 3]);
    });
}

#[test]
fn a_stream_beyond_the_lowered_limit_is_refused() {
    let gateway = Process::start(&["--fault", "limit-streams:1@times=1"]);
    let mut stream = gateway.connect();
    // The first request stays open.
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &frame(1, 4, 1, &headers())].concat()).unwrap();
    let mut reader = Frames::new(stream);
    loop {
        let settings = reader.wait_for(4);
        if settings.payload == [0, 3, 0, 0, 0, 1] {
            break;
        }
    }
    // Before the acknowledgement the old limit holds.
    let ack = frame(4, 1, 0, &[]);
    reader.stream.write_all(&[request(3), ack.clone(), ack, request(5)].concat()).unwrap();
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    while answered.len() + refused.len() < 2 {
        let frame = reader.next().unwrap();
        match frame.kind {
            1 => answered.push(frame.stream),
            3 => refused.push((frame.stream, frame.payload[3])),
            _ => {}
        }
    }
    assert_eq!((answered, refused), (vec![3], vec![(5, 7)]), "7 is REFUSED_STREAM");
}

#[test]
fn only_the_first_connection_fails() {
    for fault in ["alert:unknown_ca", "close-tcp", "close-tls", "goaway:Shutdown", "reset", "no-alpn"] {
        for course in ["connections=1", "times=1"] {
            let gateway = Process::start(&["--fault", &format!("{fault}@{course}")]);
            block_on(async {
                let first = match Provider::connect(&gateway).await {
                    Ok(mut provider) => provider.post(LIMIT).await,
                    Err(error) => error,
                };
                assert_ne!(first, "400", "{fault}@{course}");
                let mut second = Provider::connect(&gateway).await.unwrap();
                assert_eq!(second.posts(2).await, ["400"; 2], "{fault}@{course}");
            });
        }
    }
}

#[test]
fn several_faults_have_their_own_courses_and_a_seed_repeats_them() {
    let run = |seed: &str| {
        let rate = format!("answer:TooManyRequests@rate=20%,seed={seed}");
        let gateway = Process::start(&["--fault", "refuse-stream@every=10", "--fault", &rate]);
        block_on(async { Provider::connect(&gateway).await.unwrap().posts(100).await })
    };
    let first = run("1");
    let count = |wanted: &str| first.iter().filter(|answer| *answer == wanted).count();
    assert_eq!(count("RST_STREAM REFUSED_STREAM"), 10);
    assert!((5..40).contains(&count("429")), "{first:?}");
    assert_eq!(first, run("1"));
    assert_ne!(first, run("2"));
}
