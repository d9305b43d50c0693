//! The way to the gateway: names, proxies, trust, round trips.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{Stage, check, read};
use crate::common::{Test, fixture};
use pushcert::testing::{GatewayOptions, RunningGateway, ThrowawayCa};

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

/// What a proxy was asked for.
type Asked = Arc<Mutex<Vec<String>>>;

/// Copies both ways until both sides are closed.
fn relay(client: TcpStream, server: TcpStream) {
    let copy = move |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    };
    let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || copy(client, server));
    thread::spawn(move || copy(server_too, client_too));
}

/// Lets the two speak by turns, as a long line does: each says all that it has to say without an answer.
/// Counts the server's turns; the client's last word ends it.
fn take_turns(mut client: TcpStream, mut server: TcpStream, turns: &AtomicUsize) {
    for side in [&client, &server] {
        side.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    }
    while say_all(&mut client, &mut server) {
        turns.fetch_add(1, Ordering::SeqCst);
        say_all(&mut server, &mut client);
    }
}

/// Copies until there is a pause; false at the end.
fn say_all(from: &mut TcpStream, to: &mut TcpStream) -> bool {
    let mut space = [0; 65536];
    loop {
        match from.read(&mut space) {
            Ok(0) => return false,
            Ok(length) => to.write_all(&space[..length]).unwrap(),
            Err(_) => return true,
        }
    }
}

fn accept_all(act: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let act = Arc::new(act);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (act, stream) = (Arc::clone(&act), stream.unwrap());
            thread::spawn(move || act(stream));
        }
    });
    address
}

/// Reads a request: a client takes no answer that comes before it.
fn read_head(stream: &TcpStream) {
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 2 {
        line.clear();
    }
}

/// A proxy for CONNECT that leads everything to `target`; with `password`, it asks for Basic credentials.
fn http_proxy(target: SocketAddr, password: Option<&'static str>, asked: Asked) -> SocketAddr {
    accept_all(move |mut stream| {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        let request = String::from_utf8(request).unwrap();
        asked.lock().unwrap().push(request.lines().next().unwrap().to_owned());
        let is_admitted = password.is_none_or(|expected| {
            request.lines().any(|line| line.eq_ignore_ascii_case(&format!("proxy-authorization: Basic {expected}")))
        });
        if is_admitted {
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            relay(stream, TcpStream::connect(target).unwrap());
        } else {
            let page = "<html><title>Cache Access Denied</title></html>";
            let head = "HTTP/1.1 407 Show Your Papers\r\nProxy-Authenticate: Basic realm=\"here\"\r\n";
            write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len()).unwrap();
        }
    })
}

/// SOCKS5 (RFC 1928, 1929): with `credentials`, or else without authentication.
fn socks_proxy(target: SocketAddr, credentials: Option<(&'static str, &'static str)>, asked: Asked) -> SocketAddr {
    accept_all(move |mut stream| {
        let mut take = |length: usize| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        let count = take(2)[1];
        let methods = take(count.into());
        let method = if credentials.is_some() { 2 } else { 0 };
        if !methods.contains(&method) {
            stream.write_all(&[5, 0xff]).unwrap();
            return;
        }
        stream.write_all(&[5, method]).unwrap();
        let mut take = |length: usize| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        if let Some((user, password)) = credentials {
            let length = take(2)[1];
            let given_user = take(length.into());
            let length = take(1)[0];
            let given = (given_user, take(length.into()));
            let is_right = given == (user.as_bytes().to_vec(), password.as_bytes().to_vec());
            stream.write_all(&[1, u8::from(!is_right)]).unwrap();
            if !is_right {
                return;
            }
        }
        let mut take = |length: usize| {
            let mut bytes = vec![0; length];
            stream.read_exact(&mut bytes).unwrap();
            bytes
        };
        assert_eq!(take(4), [5, 1, 0, 3], "CONNECT to a name, which the proxy resolves");
        let length = take(1)[0];
        let name = String::from_utf8(take(length.into())).unwrap();
        let port = take(2);
        asked.lock().unwrap().push(format!("{name}:{}", u16::from_be_bytes([port[0], port[1]])));
        stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).unwrap();
        relay(stream, TcpStream::connect(target).unwrap());
    })
}

/// base64 of `user:p@ss`.
const CREDENTIALS: &str = "dXNlcjpwQHNz";

#[test]
fn proxies_lead_to_apples_gateways_by_name() {
    let stage = Stage::new(GatewayOptions::default());
    let target = stage.gateway.ready.address;
    let asked = Asked::default();
    let ca = stage.file("ca.pem");
    for (url, expected) in [
        (format!("http://{}", http_proxy(target, None, asked.clone())), "CONNECT api.push.apple.com:2197 HTTP/1.1"),
        (
            format!("http://user:p%40ss@{}", http_proxy(target, Some(CREDENTIALS), asked.clone())),
            "CONNECT api.push.apple.com:2197 HTTP/1.1",
        ),
        (format!("socks5://{}", socks_proxy(target, None, asked.clone())), "api.push.apple.com:2197"),
        (
            format!("socks5h://user:p%40ss@{}", socks_proxy(target, Some(("user", "p@ss")), asked.clone())),
            "api.push.apple.com:2197",
        ),
    ] {
        let arguments = ["--environment", "production", "--port", "2197", "--ca-file", ca.to_str().unwrap()];
        let by_flag = check(&stage.file("client.pem"), &[&arguments[..], &["--proxy", &url]].concat());
        let test = Test::new().arg("check").arg(stage.file("client.pem")).args(arguments).arg("--json");
        for checked in [by_flag, read(test.env("HTTPS_PROXY", &url))] {
            assert_eq!((checked.code, checked.text("/verdict")), (0, "accepted"), "{url} {:#}", checked.first());
            assert!(!checked.report.to_string().contains("p@ss"), "the password stays out of the report");
            assert!(checked.detail("proxy").contains("://127.0.0.1:"), "{}", checked.detail("proxy"));
            assert_eq!(asked.lock().unwrap().pop().as_deref(), Some(expected));
        }
    }
}

#[test]
fn a_proxys_refusal_is_quoted() {
    let stage = Stage::new(GatewayOptions::default());
    let asked = Asked::default();
    let http = http_proxy(stage.gateway.ready.address, Some(CREDENTIALS), asked.clone());
    let socks = socks_proxy(stage.gateway.ready.address, Some(("user", "p@ss")), asked);
    for (url, reason, expected) in [
        (
            format!("http://{http}"),
            "proxy-credentials",
            "\"407 Show Your Papers\" and asks for Basic realm=\"here\" (Cache Access Denied)",
        ),
        (format!("http://user:wrong@{http}"), "proxy-credentials", "407 Show Your Papers"),
        (format!("socks5://{socks}"), "proxy-credentials", "No acceptable auth methods"),
        (format!("socks5://user:wrong@{socks}"), "proxy-credentials", "Password auth failure"),
        (format!("socks5://{}", stage.gateway.ready.address), "proxy-timeout", "the proxy"),
    ] {
        let checked = stage.check(&["--proxy", &url]);
        assert_eq!((checked.code, checked.end(), checked.text("/reason")), (5, ("proxy", "failed"), reason), "{url}");
        assert!(checked.detail("proxy").contains(expected), "{url}: {}", checked.detail("proxy"));
        if reason == "proxy-credentials" {
            let advice = checked.text("/advice");
            let start = if url.contains('@') { "check user and password" } else { "put user and password" };
            assert!(advice.starts_with(start) && !advice.contains("http://"), "{url}: {advice}");
        }
        assert!(!checked.report.to_string().contains("wrong"), "the password stays out of the report");
    }
}

#[test]
fn a_refusal_counts_although_its_page_stalls() {
    let proxy = accept_all(|mut stream| {
        read_head(&stream);
        let head = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5000\r\n\r\n<title>Gone</title>";
        stream.write_all(head.as_bytes()).unwrap();
        // Until the client goes.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let arguments = ["--proxy", &format!("http://{proxy}"), "--environment", "sandbox", "--timeout", "20s"];
    let checked = check(&fixture("p12/keychain-password.p12"), &arguments);
    assert_eq!((checked.code, checked.text("/reason")), (5, "proxy-server"), "{:#}", checked.first());
    assert!(checked.detail("proxy").contains("\"502 Bad Gateway\" (Gone)"), "{}", checked.detail("proxy"));
    assert!(checked.took < Duration::from_secs(10), "{:?}", checked.took);
}

#[test]
fn a_password_that_a_page_repeats_in_its_escapes_is_hidden() {
    let proxy = accept_all(|mut stream| {
        read_head(&stream);
        let title = "<title>bad login jo:hunter&amp;secret&lt;pass jo%3Ahunter%26secret%3Cpass</title>";
        let head = format!("HTTP/1.1 407 No\r\nContent-Length: {}\r\n\r\n{title}", title.len());
        stream.write_all(head.as_bytes()).unwrap();
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let url = format!("http://jo:hunter%26secret%3Cpass@{proxy}");
    let checked = check(&fixture("p12/keychain-password.p12"), &["--proxy", &url, "--environment", "sandbox"]);
    assert_eq!(checked.text("/reason"), "proxy-credentials");
    assert!(checked.detail("proxy").contains("bad login jo:(not shown)"), "{}", checked.detail("proxy"));
    assert!(!checked.report.to_string().contains("hunter"), "{:#}", checked.report);
}

#[cfg(unix)]
#[test]
fn too_few_descriptors_are_named_and_nothing_else_is_blamed() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // How many are enough differs between machines; where they are, the closed port is the cause.
    let mut reasons = Vec::new();
    for limit in 7..=20 {
        for host in ["localhost", "127.0.0.1"] {
            let script = format!("exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-; ulimit -n {limit}; exec \"$0\" \"$@\"");
            let test = Test::shell(&script).arg("check").arg(fixture("p12/keychain-password.p12"));
            let test = test.args(["--passin", "env:PASSWORD", "--gateway", &format!("{host}:{closed}")]);
            let run = test.env("PASSWORD", super::PASSWORD).any_status().run();
            assert_eq!(run.code, Some(5), "{limit} {host}: {}", run.stderr);
            let shown = format!("{}{}", String::from_utf8_lossy(&run.stdout), run.stderr).to_lowercase();
            let is_named = shown.contains("too many open files") && shown.contains("ulimit -n");
            let is_refused = shown.contains("connection refused") && !shown.contains("too many open files");
            assert!(is_named != is_refused, "{limit} {host}: {shown}");
            reasons.push(is_named);
        }
    }
    assert!(reasons[0] && !reasons[reasons.len() - 1], "7 are too few and 20 enough: {reasons:?}");
    assert!(reasons.is_sorted_by(|before, after| before >= after), "more are never worse: {reasons:?}");
}

#[test]
fn the_variables_are_heeded_and_the_loopback_is_exempt() {
    let dead = "http://127.0.0.1:9";
    let run = |gateway: &str, variables: &[(&str, &str)]| {
        let mut test = Test::new().arg("check").arg(fixture("p12/keychain-password.p12")).arg("--json");
        test = test.args(["--passin", "env:PASSWORD", "--gateway", gateway]).env("PASSWORD", super::PASSWORD);
        for (name, value) in variables {
            test = test.env(name, value);
        }
        read(test)
    };
    let name = "gateway.invalid:443";
    for (variables, reason) in [
        (&[("HTTPS_PROXY", dead)][..], "proxy-unreachable"),
        (&[("https_proxy", dead)], "proxy-unreachable"),
        (&[("ALL_PROXY", dead)], "proxy-unreachable"),
        (&[("all_proxy", dead)], "proxy-unreachable"),
        (&[("HTTPS_PROXY", ""), ("ALL_PROXY", dead)], "proxy-unreachable"),
        (&[("HTTP_PROXY", dead)], "dns"),
        (&[("HTTPS_PROXY", "http://proxy.invalid:1"), ("https_proxy", dead)], "proxy-name"),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", "example.com, invalid")], "dns"),
        (&[("ALL_PROXY", dead), ("no_proxy", "*")], "dns"),
        (&[("HTTPS_PROXY", dead), ("NO_PROXY", "example.com")], "proxy-unreachable"),
    ] {
        assert_eq!(run(name, variables).text("/reason"), reason, "{variables:?}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let checked = run(&format!("{host}:{}", closed.port()), &[("HTTPS_PROXY", "http://proxy.invalid:1")]);
        assert_eq!(checked.text("/reason"), "connection-refused", "{:#}", checked.first());
    }
}

#[test]
fn a_server_that_is_not_apples_is_named() {
    let stage = Stage::new(GatewayOptions::default());
    let proxy = format!("http://{}", http_proxy(stage.gateway.ready.address, None, Asked::default()));
    let run = |store: Option<&str>| {
        let test = Test::new().arg("check").arg(stage.file("client.pem")).args(["--environment", "sandbox", "--json"]);
        let test = test.args(["--proxy", &proxy]);
        match store {
            Some(store) => read(test.env("SSL_CERT_FILE", stage.file(store))),
            None => read(test),
        }
    };
    let stranger = run(None);
    let expected = (5, ("tls", "failed"), "unreachable", "tls-interception");
    assert_eq!((stranger.code, stranger.end(), stranger.text("/verdict"), stranger.text("/reason")), expected);
    assert!(
        stranger.detail("tls").contains("issued by CN=pushcert gateway throwaway CA"),
        "{}",
        stranger.detail("tls")
    );
    // Who names the roots does not expect Apple's.
    let other = stage.file("other.pem");
    let strange = ThrowawayCa::new().unwrap();
    std::fs::write(&other, strange.certificate().to_pem().unwrap()).unwrap();
    let given = check(
        &stage.file("client.pem"),
        &["--environment", "sandbox", "--proxy", &proxy, "--ca-file", other.to_str().unwrap()],
    );
    assert_eq!((given.code, given.text("/reason")), (5, "unknown-authority"), "{:#}", given.first());
    assert!(given.text("/advice").contains("--ca-file are trusted here"), "{}", given.text("/advice"));
    // As in a company whose machines trust its proxy.
    let known = run(Some("ca.pem"));
    assert_eq!((known.code, known.text("/reason")), (5, "tls-interception"));
    assert!(known.detail("tls").contains("only this machine's store trusts it"), "{}", known.detail("tls"));
    assert_eq!(known.first()["tls"]["trusted_by"], serde_json::json!({ "system": true, "embedded": false }));
    assert_eq!(stage.gateway.ready.observer.requests(), 0);
}

#[test]
fn another_server_may_be_vouched_for_by_this_machines_store() {
    let stage = Stage::new(GatewayOptions::default());
    let test = Test::new().arg("check").arg(stage.file("client.pem")).args(["--gateway", &stage.address(), "--json"]);
    let checked = read(test.env("SSL_CERT_FILE", stage.file("ca.pem")));
    assert_eq!((checked.code, checked.text("/verdict")), (0, "accepted"), "{:#}", checked.first());
    assert_eq!(checked.first()["tls"]["trusted_by"], serde_json::json!({ "system": true, "embedded": false }));
}

#[test]
fn no_more_round_trips_than_tls_1_3_and_one_request() {
    let stage = Stage::new(GatewayOptions::default());
    let target = stage.gateway.ready.address;
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let line = accept_all(move |stream| take_turns(stream, TcpStream::connect(target).unwrap(), &counted));
    let ca = stage.file("ca.pem");
    let address = format!("localhost:{}", line.port());
    let checked = check(&stage.file("client.pem"), &["--gateway", &address, "--ca-file", ca.to_str().unwrap()]);
    assert_eq!(checked.code, 0, "{:#}", checked.first());
    // One for the TLS handshake, one for SETTINGS and the answer.
    assert_eq!(turns.load(Ordering::SeqCst), 2);
}

#[test]
fn environments_and_ports_run_side_by_side() {
    let stalled = accept_all(|stream| {
        thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let proxy = format!("http://{stalled}");
    let arguments = ["--environment", "both", "--port", "both", "--proxy", &proxy];
    let checked = check(&fixture("p12/keychain-password.p12"), &arguments);
    let checks = checked.report["checks"].as_array().unwrap();
    let gateways: Vec<_> = checks.iter().map(|check| check["gateway"].as_str().unwrap()).collect();
    let expected = [
        "api.push.apple.com:443",
        "api.push.apple.com:2197",
        "api.sandbox.push.apple.com:443",
        "api.sandbox.push.apple.com:2197",
    ];
    assert_eq!(gateways, expected);
    assert!(checks.iter().all(|check| check["reason"] == "proxy-timeout"), "{:#}", checked.report);
    assert!(checked.took < Duration::from_millis(2 * super::TIMEOUT), "one after the other: {:?}", checked.took);
    assert_eq!(checked.code, 5);
}

#[test]
fn the_certificate_chooses_the_environments() {
    let environments = |file: &str| {
        let checked = check(&fixture(file), &["--proxy", "http://127.0.0.1:9"]);
        let list = checked.report["checks"].as_array().unwrap().clone();
        list.iter().map(|check| check["environment"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(environments("p12/sandbox.p12"), ["sandbox"]);
    assert_eq!(environments("p12/production.p12"), ["production"]);
    assert_eq!(environments("p12/keychain-password.p12"), ["production", "sandbox"]);
}

#[test]
fn ipv6_is_spoken() {
    let Ok(gateway) =
        RunningGateway::start(GatewayOptions { listen: "[::1]:0".parse().unwrap(), ..GatewayOptions::default() })
    else {
        // Without IPv6 on the loopback there is nothing to speak it with.
        assert!(TcpListener::bind("[::1]:0").is_err());
        return;
    };
    let address = gateway.ready.address.to_string();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, gateway.ready.authority.to_pem().unwrap()).unwrap();
    let arguments = ["--gateway", &address, "--ca-file", ca.to_str().unwrap()];
    let checked = check(&fixture("p12/keychain-password.p12"), &arguments);
    assert_eq!(checked.text("/reason"), "unknown_ca", "{:#}", checked.first());
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_may_open_nothing_more_says_that_it_cannot_use_the_network() {
    let test = Test::shell("ulimit -n 5; exec \"$0\" \"$@\"").arg("check").arg(fixture("p12/keychain-password.p12"));
    let test = test.args(["--passin", "pass:push", "--gateway", "localhost:1"]);
    test.status(5).stderr_contains("the network cannot be used: ").run();
}
