//! `pushcert gateway` under the load and the habits of real providers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;
use openssl::pkey::Private;
use openssl::sha::sha256;
use openssl::ssl::{Ssl, SslStream, SslVerifyMode};
use serde_json::json;

use crate::common::Test;
use crate::gateway::{PREFACE, Process, TOKEN, TOPIC, WITH_HANGUP, abuse, block_on, devices, frame, headers, post};

/// Sends a notification whose payload is cut into frames of this size, and whose end comes in an empty frame of its
/// own, as Node.js sends it.
async fn start_post(client: &SendRequest<Bytes>, payload: &[u8], frame_size: usize) -> ResponseFuture {
    let mut client = client.clone().ready().await.unwrap();
    let request = Request::post(format!("https://localhost/3/device/{TOKEN}")).header(TOPIC.0, TOPIC.1);
    let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    for piece in payload.chunks(frame_size) {
        body.send_data(Bytes::copy_from_slice(piece), false).unwrap();
    }
    body.send_data(Bytes::new(), true).unwrap();
    response
}

/// A gateway that knows [`TOKEN`].
fn gateway_with_token() -> (Process, tempfile::NamedTempFile) {
    let list = devices(TOKEN);
    (Process::start(&["--tokens", list.path().to_str().unwrap()]), list)
}

#[test]
fn notifications_whose_end_comes_in_a_frame_of_its_own_are_all_answered() {
    let (gateway, _list) = gateway_with_token();
    block_on(async {
        for (connections, frame_size) in [(1, 64), (1, 8), (3, 64)] {
            let mut clients = Vec::new();
            for _ in 0..connections {
                clients.push(gateway.client().await);
            }
            let mut responses = Vec::new();
            for number in 0..1800 {
                responses.push(start_post(&clients[number % connections], &[b'x'; 32], frame_size).await);
            }
            for response in responses {
                assert_eq!(response.await.unwrap().status().as_u16(), 200, "in frames of {frame_size} bytes");
            }
        }
    });
}

#[test]
fn small_frames_are_no_flood_whatever_the_number_of_streams_is() {
    let list = devices(TOKEN);
    let gateway = Process::start(&["--tokens", list.path().to_str().unwrap(), "--max-streams", "1"]);
    block_on(async {
        let client = gateway.client().await;
        for (size, frame_size) in [(100, 20), (300, 50), (4096, 16), (4096, 1)] {
            for _ in 0..5 {
                let response = start_post(&client, &vec![b'x'; size], frame_size).await.await.unwrap();
                assert_eq!(response.status().as_u16(), 200, "{size} bytes in frames of {frame_size}");
            }
        }
    });
}

#[test]
fn an_answer_to_head_has_no_body() {
    let gateway = Process::start(&[]);
    block_on(async {
        let mut client = gateway.client().await.ready().await.unwrap();
        let request = Request::head(format!("https://localhost/3/device/{TOKEN}")).body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(response.status().as_u16(), 405);
        assert!(response.body().is_end_stream(), "the headers end the stream");
    });
}

#[test]
fn an_app_whose_bundle_id_ends_as_a_suffix_does_receives_alerts() {
    for bundle_id in ["com.acme.voip", "com.acme.complication", "com.acme.my.voip-ptt"] {
        let list = devices(TOKEN);
        let gateway = Process::start(&["--tokens", list.path().to_str().unwrap(), "--topic", bundle_id]);
        block_on(async {
            let client = gateway.client().await;
            for (push_type, expected) in [("alert", 200), ("voip", 400), ("complication", 400)] {
                let headers = [("apns-topic", bundle_id), ("apns-push-type", push_type)];
                let answer = post(&client, TOKEN, &headers, b"{}".to_vec()).await;
                assert_eq!(answer.status().as_u16(), expected, "{bundle_id} {push_type}");
            }
        });
    }
}

#[test]
fn what_it_cannot_write_ends_it_with_6() {
    Test::shell("exec \"$0\" gateway >&-").status(6).stderr_contains("cannot write").run();
    if cfg!(target_os = "linux") {
        Test::shell("exec \"$0\" gateway >/dev/full").status(6).stderr_contains("cannot write").run();
    }
}

#[test]
fn names_that_no_host_has_are_refused() {
    for name in ["-x", "a..b", ".", "a.-b", "a-.b", "x*.test", ""] {
        let refused = Test::new().args(["gateway", &format!("--name={name}")]);
        refused.status(2).stderr_contains("a host name or an address without a port is expected").run();
    }
}

#[test]
fn an_encrypted_signing_key_is_refused_with_the_way_to_decrypt_it() {
    let key = openssl::pkey::PKey::from_ec_key(TeamKey::new().0).unwrap();
    let cipher = openssl::symm::Cipher::aes_256_cbc();
    let pem = key.private_key_to_pem_pkcs8_passphrase(cipher, b"secret").unwrap();
    let file = devices(&String::from_utf8(pem).unwrap());
    let refused =
        Test::new().args(["gateway", "--p8-key", &format!("ABC123DEFG:TEAMID1234:{}", file.path().display())]);
    refused.status(4).stderr_contains("openssl pkey -in ").hides("--passin").run();
}

#[test]
fn two_provider_tokens_in_one_request_are_refused() {
    let key = TeamKey::new();
    let file = key.private_file();
    let gateway = Process::start(&["--p8-key", &format!("ABC123DEFG:TEAMID1234:{}", file.path().display())]);
    let bearer = key.bearer("ABC123DEFG", "TEAMID1234", 0);
    block_on(async {
        for shows_certificate in [false, true] {
            let client = gateway.client_showing(shows_certificate).await;
            for tokens in [[bearer.as_str(), "bearer x"], ["bearer x", bearer.as_str()]] {
                let headers = [TOPIC, ("authorization", tokens[0]), ("authorization", tokens[1])];
                let answer = post(&client, TOKEN, &headers, b"{}".to_vec()).await;
                assert_eq!(answer.body()["reason"], "DuplicateHeaders");
            }
        }
    });
}

#[test]
fn floods_of_small_frames_are_still_cut_off() {
    let (gateway, _list) = gateway_with_token();
    let opened = frame(1, 4, 1, &headers());
    // Empty frames that end nothing: h2 allows 100 of them.
    let mut stream = gateway.connect();
    let empty = frame(0, 0, 1, &[]).repeat(200);
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &opened, &empty].concat()).unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    // GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 section 7).
    let calm = said.windows(17).any(|bytes| bytes[3] == 7 && bytes[13..17] == [0, 0, 0, 11]);
    assert!(calm, "{said:?}");
    let before = gateway.memory();
    for _ in 0..5 {
        let flood = std::iter::repeat_n(frame(0, 0, 1, b"x").repeat(1000), 65);
        abuse(&gateway, std::iter::once(opened.clone()).chain(flood));
        // One small frame on each of many streams that never end.
        let streams = (0..1000).map(|n| [frame(1, 4, 2 * n + 1, &headers()), frame(0, 0, 2 * n + 1, b"x")].concat());
        abuse(&gateway, streams);
    }
    let after = gateway.memory();
    assert!(after < before + 16 * 1024, "{before} KiB became {after} KiB");
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
}

#[test]
fn a_payload_of_any_size_gets_its_answer() {
    let (gateway, _list) = gateway_with_token();
    block_on(async {
        let client = gateway.client().await;
        for size in [4097, 65_535, 65_536, 1 << 20, 4 << 20, 6 << 20] {
            let mut client = client.clone().ready().await.unwrap();
            let request = Request::post(format!("https://localhost/3/device/{TOKEN}")).header(TOPIC.0, TOPIC.1);
            let (response, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
            body.send_data(vec![b'x'; size].into(), true).unwrap();
            let response = response.await.unwrap();
            assert_eq!(response.status().as_u16(), 413, "{size} bytes");
            // Up to 4 MiB the stream ends regularly, which curl and httpx need.
            let ended = std::future::poll_fn(|cx| body.poll_reset(cx));
            let reset = tokio::time::timeout(Duration::from_millis(20), ended).await;
            if size <= 4 << 20 {
                assert!(!matches!(reset, Ok(Ok(_))), "{size} bytes: {reset:?}");
            }
        }
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
}

#[test]
fn max_streams_is_what_the_client_is_told() {
    let gateway = Process::start(&["--max-streams", "7"]);
    let mut stream = gateway.connect();
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
    let mut settings = [0; 64];
    stream.read_exact(&mut settings[..9 + 30]).unwrap();
    let entry = settings[9..39].chunks(6).find(|entry| entry[1] == 3).unwrap();
    assert_eq!(entry[2..], 7_u32.to_be_bytes());
}

/// A token signing key.
pub(crate) struct TeamKey(EcKey<Private>);

impl TeamKey {
    pub(crate) fn new() -> Self {
        Self(EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap())
    }

    /// The value of `authorization` with a token that was issued so many seconds ago.
    fn bearer(&self, key_id: &str, team_id: &str, age: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let encode = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let header = encode(json!({ "alg": "ES256", "kid": key_id }));
        let claims = encode(json!({ "iss": team_id, "iat": i64::try_from(now).unwrap() - age }));
        let signed = format!("{header}.{claims}");
        let signature = EcdsaSig::sign(&sha256(signed.as_bytes()), &self.0).unwrap();
        let numbers = [signature.r(), signature.s()].map(|number| number.to_vec_padded(32).unwrap()).concat();
        format!("bearer {signed}.{}", BASE64URL_NOPAD.encode(&numbers))
    }

    pub(crate) fn private_file(&self) -> tempfile::NamedTempFile {
        let key = openssl::pkey::PKey::from_ec_key(self.0.clone()).unwrap();
        devices(&String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap())
    }

    fn public_file(&self) -> tempfile::NamedTempFile {
        devices(&String::from_utf8(self.0.public_key_to_pem().unwrap()).unwrap())
    }
}

#[test]
fn a_client_without_a_certificate_needs_a_provider_token() {
    let (first, second, stranger) = (TeamKey::new(), TeamKey::new(), TeamKey::new());
    let (private, public, list) = (first.private_file(), second.public_file(), devices(TOKEN));
    let keys = [("ABC123DEFG", &private), ("HIJ456KLMN", &public)];
    let keys = keys.map(|(key_id, file)| format!("{key_id}:TEAMID1234:{}", file.path().display()));
    let list = list.path().to_str().unwrap();
    let gateway = Process::start(&["--tokens", list, "--p8-key", &keys[0], "--p8-key", &keys[1]]);
    block_on(async {
        let ask = async |client: &SendRequest<Bytes>, bearer: Option<&str>| {
            let mut headers = vec![TOPIC];
            headers.extend(bearer.map(|value| ("authorization", value)));
            let answer = post(client, TOKEN, &headers, b"{}".to_vec()).await;
            (answer.status().as_u16(), answer.body()["reason"].as_str().unwrap_or_default().to_owned())
        };
        let is = |status: u16, reason: &str| (status, reason.to_owned());
        let client = gateway.client_showing(false).await;
        assert_eq!(ask(&client, None).await, is(403, "MissingProviderToken"));
        for (bearer, reason) in [
            ("bearer nonsense".to_owned(), "InvalidProviderToken"),
            (stranger.bearer("ABC123DEFG", "TEAMID1234", 0), "InvalidProviderToken"),
            (first.bearer("HIJ456KLMN", "TEAMID1234", 0), "InvalidProviderToken"),
            (first.bearer("TEAMID1234", "ABC123DEFG", 0), "InvalidProviderToken"),
            (first.bearer("ABC123DEFG", "TEAMID1234", 3700), "ExpiredProviderToken"),
        ] {
            assert_eq!(ask(&client, Some(&bearer)).await, is(403, reason));
        }
        let used = first.bearer("ABC123DEFG", "TEAMID1234", 60);
        assert_eq!(ask(&client, Some(&used)).await, is(200, ""));
        let early = first.bearer("ABC123DEFG", "TEAMID1234", 30);
        assert_eq!(ask(&client, Some(&early)).await, is(429, "TooManyProviderTokenUpdates"));
        let other = second.bearer("HIJ456KLMN", "TEAMID1234", 0);
        assert_eq!(ask(&client, Some(&other)).await, is(403, "UnrelatedKeyIdInToken"));
        assert_eq!(ask(&client, Some(&used)).await, is(200, ""));
        assert_eq!(ask(&client, None).await, is(403, "MissingProviderToken"));
        let client = gateway.client_showing(false).await;
        assert_eq!(ask(&client, Some(&other)).await, is(200, ""));
        let elsewhere = [("apns-topic", "com.example.Other"), ("authorization", &other)];
        let answer = post(&client, TOKEN, &elsewhere, b"{}".to_vec()).await;
        assert_eq!(answer.body()["reason"], "TopicDisallowed");
        // A certificate needs no token.
        assert_eq!(ask(&gateway.client().await, None).await, is(200, ""));
    });
}

#[test]
fn one_stream_may_be_open_until_a_valid_token_was_seen() {
    let key = TeamKey::new();
    let file = key.private_file();
    let gateway = Process::start(&["--p8-key", &format!("ABC123DEFG:TEAMID1234:{}", file.path().display())]);
    block_on(async {
        let client = gateway.client_showing(false).await;
        post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await;
        assert_eq!(client.current_max_send_streams(), 1);
        let bearer = key.bearer("ABC123DEFG", "TEAMID1234", 0);
        let headers = [TOPIC, ("authorization", &bearer)];
        assert_eq!(post(&client, TOKEN, &headers, b"{}".to_vec()).await.status().as_u16(), 400);
        let raised = async {
            while client.current_max_send_streams() == 1 {
                post(&client, TOKEN, &headers, b"{}".to_vec()).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), raised).await.unwrap();
        assert_eq!(client.current_max_send_streams(), 1000);
        post(&client, TOKEN, &headers, b"{}".to_vec()).await;
        let client = gateway.client().await;
        post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await;
        assert_eq!(client.current_max_send_streams(), 1000, "a certificate is enough");
    });
    // What a client sends before it can know the limit is answered.
    block_on(async {
        let client = gateway.client_showing(false).await;
        let bearer = key.bearer("ABC123DEFG", "TEAMID1234", 0);
        let mut early = Vec::new();
        for _ in 0..90 {
            let request = Request::post(format!("https://localhost/3/device/{TOKEN}")).header(TOPIC.0, TOPIC.1);
            let request = request.header("authorization", &bearer).body(()).unwrap();
            early.push(client.clone().send_request(request, false).unwrap());
        }
        for (response, mut body) in early {
            body.send_data(Bytes::from_static(b"{}"), true).unwrap();
            assert_eq!(response.await.unwrap().status().as_u16(), 400);
        }
    });
    // A client that knows the limit and does not keep to it: its second stream is refused (REFUSED_STREAM is 7).
    let mut stream = gateway.connect_showing(false);
    let first = frame(1, 5, 1, &headers());
    stream.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &first].concat()).unwrap();
    let opened = [frame(1, 4, 3, &headers()), frame(1, 4, 5, &headers())].concat();
    let refused = frame(3, 0, 5, &[0, 0, 0, 7]);
    let answer_ends = frame(0, 1, 1, br#"{"reason":"MissingProviderToken"}"#);
    wait_for_bytes(&mut stream, &answer_ends);
    stream.write_all(&opened).unwrap();
    wait_for_bytes(&mut stream, &refused);
}

/// Reads until these bytes have come.
fn wait_for_bytes(stream: &mut SslStream<TcpStream>, wanted: &[u8]) {
    let mut said = Vec::new();
    while !said.windows(wanted.len()).any(|bytes| bytes == wanted) {
        let mut piece = [0; 4096];
        let length = stream.read(&mut piece).unwrap();
        assert_ne!(length, 0, "{said:?}");
        said.extend_from_slice(&piece[..length]);
    }
}

#[test]
fn a_background_notification_of_high_priority_is_warned_of_and_refused_only_if_strict() {
    let (list, push_type) = (devices(TOKEN), ("apns-push-type", "background"));
    for (arguments, expected) in [(&["-v"][..], 200), (&["-v", "--strict"], 400)] {
        let gateway = Process::start(&[arguments, &["--tokens", list.path().to_str().unwrap()]].concat());
        block_on(async {
            let client = gateway.client().await;
            let headers = [TOPIC, push_type, ("apns-priority", "10")];
            assert_eq!(post(&client, TOKEN, &headers, b"{}".to_vec()).await.status().as_u16(), expected);
            let headers = [TOPIC, push_type, ("apns-priority", "5")];
            assert_eq!(post(&client, TOKEN, &headers, b"{}".to_vec()).await.status().as_u16(), 200);
        });
        let (_, log) = gateway.signal("-TERM");
        let warnings: Vec<_> = log.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(warnings.len(), 1, "{log}");
        assert!(warnings[0].contains("priority 10"), "{log}");
    }
}

#[test]
fn an_identifier_in_capital_letters_is_accepted_and_a_new_one_has_them() {
    let (gateway, _list) = gateway_with_token();
    block_on(async {
        let client = gateway.client().await;
        for given in ["5F1B0C52-7A63-4F0E-9D5C-0D6F5F0C7A11", "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11"] {
            let answer = post(&client, TOKEN, &[TOPIC, ("apns-id", given)], b"{}".to_vec()).await;
            assert_eq!((answer.status().as_u16(), answer.headers()["apns-id"].to_str().unwrap()), (200, given));
        }
        let answer = post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await;
        let made = answer.headers()["apns-id"].to_str().unwrap();
        assert!(made.len() == 36 && made == made.to_uppercase(), "{made}");
    });
}

#[test]
fn silent_and_nameless_connections_lock_nobody_out() {
    let gateway = Process::start(&[]);
    let mut silent: Vec<TcpStream> = Vec::new();
    for _ in 0..600 {
        silent.push(TcpStream::connect(gateway.address()).unwrap());
    }
    // These have no certificate: they are the next to go.
    let nameless: Vec<_> = (0..30).map(|_| gateway.connect_showing(false)).collect();
    block_on(async {
        let start = Instant::now();
        let client = gateway.client().await;
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 400);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        // It stays while others come and go.
        for _ in 0..600 {
            silent.push(TcpStream::connect(gateway.address()).unwrap());
            silent.remove(0);
        }
        assert_eq!(post(&client, TOKEN, &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 400);
    });
    drop(nameless);
}

#[cfg(unix)]
#[test]
fn a_hangup_reads_the_tokens_again() {
    let list = devices("aa");
    let gateway = Process::start_by(Test::shell(WITH_HANGUP), &["--tokens", list.path().to_str().unwrap()]);
    let pid = gateway.process_id();
    let reload = |text: &str| {
        std::fs::write(list.path(), text).unwrap();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    };
    block_on(async {
        let client = gateway.client().await;
        let status = async |token: &str| post(&client, token, &[TOPIC], b"{}".to_vec()).await.status().as_u16();
        assert_eq!((status("aa").await, status("bb").await), (200, 400));
        reload("bb");
        let end = Instant::now() + Duration::from_secs(20);
        while status("bb").await == 400 {
            assert!(Instant::now() < end, "the list is not read again");
        }
        assert_eq!(status("aa").await, 400, "and the connection is the same");
        reload("not a token");
    });
    // What is wrong is said, and the tokens stay.
    block_on(async {
        let client = gateway.client().await;
        assert_eq!(post(&client, "bb", &[TOPIC], b"{}".to_vec()).await.status().as_u16(), 200);
    });
    let folder = Path::new(gateway.file("ca_file")).parent().unwrap().to_owned();
    let (code, said) = gateway.signal("-TERM");
    assert_eq!(code, Some(0));
    assert!(said.contains("read again, 1 device tokens"), "{said}");
    assert!(said.contains("warning: ") && said.contains("line 1: a device token is expected"), "{said}");
    assert!(!folder.exists());
}

/// Starts a gateway at a terminal of its own, which is there as long as `script` is.
const AT_A_TERMINAL: &str = r#"exec perl -e '$SIG{HUP} = "DEFAULT"; exec @ARGV' script -qec "exec $0 $*" /dev/null"#;

#[cfg(target_os = "linux")]
#[test]
fn it_ends_when_its_terminal_is_closed() {
    let list = devices("aa");
    let gateway = Process::start_by(Test::shell(AT_A_TERMINAL), &["--tokens", list.path().to_str().unwrap()]);
    let folder = Path::new(gateway.file("ca_file")).parent().unwrap().to_owned();
    assert!(folder.exists());
    // The kernel closes the terminal, and sends SIGHUP.
    assert!(Command::new("kill").args(["-KILL", &gateway.process_id()]).status().unwrap().success());
    let end = Instant::now() + Duration::from_secs(20);
    while folder.exists() {
        assert!(Instant::now() < end, "its folder stays");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn its_certificate_has_further_names() {
    let gateway = Process::start(&["--name", "apns.test.svc", "--name", "10.0.0.7"]);
    let verify = |name: &str| {
        let mut ssl = Ssl::new(&gateway.context(true)).unwrap();
        ssl.set_verify(SslVerifyMode::PEER);
        match name.parse() {
            Ok(address) => ssl.param_mut().set_ip(address).unwrap(),
            Err(_) => ssl.param_mut().set_host(name).unwrap(),
        }
        ssl.connect(TcpStream::connect(gateway.address()).unwrap()).is_ok()
    };
    for name in ["apns.test.svc", "10.0.0.7", "localhost", "127.0.0.1", "api.push.apple.com"] {
        assert!(verify(name), "{name}");
    }
    assert!(!verify("other.test.svc") && !verify("10.0.0.8"));
}

#[test]
fn a_token_has_an_environment_a_limit_and_a_time() {
    let list = devices("aa sandbox\nbb production limit=1\ncc unregistered\ndd expired 1700000000000\n");
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let gateway = Process::start(&["--tokens", list.path().to_str().unwrap()]);
    block_on(async {
        let client = gateway.client().await;
        let ask = async |token: &str| post(&client, token, &[TOPIC], b"{}".to_vec()).await;
        assert_eq!(ask("aa").await.body()["reason"], "BadDeviceToken");
        assert_eq!(ask("bb").await.status().as_u16(), 200);
        let busy = ask("bb").await;
        assert_eq!((busy.status().as_u16(), &busy.body()["reason"]), (429, &json!("TooManyRequests")));
        assert!(busy.headers().contains_key("retry-after"));
        let gone = ask("cc").await;
        let since = u128::from(gone.body()["timestamp"].as_u64().unwrap());
        assert!((before..=before + 600_000).contains(&since), "{since}");
        assert_eq!(ask("dd").await.body()["timestamp"], 1_700_000_000_000_u64);
    });
}

#[cfg(unix)]
#[test]
fn what_a_killed_gateway_leaves_is_removed_by_the_next() {
    let temporary = tempfile::tempdir().unwrap();
    let start = || Process::start_by(Test::new().env("TMPDIR", temporary.path()), &[]);
    let folder = |gateway: &Process| Path::new(gateway.file("ca_file")).parent().unwrap().to_owned();
    let (killed, living) = (start(), start());
    let (left, kept) = (folder(&killed), folder(&living));
    assert!(left.starts_with(temporary.path()));
    assert!(Command::new("kill").args(["-KILL", &killed.process_id()]).status().unwrap().success());
    drop(killed);
    assert!(left.exists());
    // Of another program, and of another shape.
    let others = ["pushcert-gateway-without-lock", "other"].map(|name| temporary.path().join(name));
    for other in &others {
        std::fs::create_dir(other).unwrap();
    }
    let next = start();
    assert!(!left.exists());
    assert!(kept.join("client.pem").exists() && folder(&next).join("client.pem").exists());
    assert!(others.iter().all(|other| other.exists()));
}
