//! The ground and the advice for what a server, a proxy or the network does: one row each.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::servers::{self, Issued, Spec, authority, context, frame, serve_tcp, serve_tls, server};
use super::{Checked, Stage, check};
use crate::common::{fixture, in_parallel};
use pushcert::testing::GatewayOptions;

const VALID: (i64, i64) = (-1, 30);
const PAST: (i64, i64) = (-30, -1);
const FUTURE: (i64, i64) = (1, 30);
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

/// Returns the first bytes of a handshake record that is announced longer.
const HALF_A_RECORD: &[u8] = &[22, 3, 3, 0, 100, 2, 0];

struct FaultRow {
    fault: &'static str,
    arguments: &'static [&'static str],
    reason: &'static str,
    advice: &'static str,
}

const fn row(fault: &'static str, reason: &'static str, advice: &'static str) -> FaultRow {
    FaultRow { fault, arguments: &["--timeout", "700ms"], reason, advice }
}

/// The grounds that a fault of the gateway leads to; the gateway is named, and its CA is given.
const FAULTS: &[FaultRow] = &[
    row("refuse-tcp", "connection-refused", "check host and port, and that the server runs"),
    row("stall-tcp", "connection-timeout", "longer --timeout"),
    row("close-tcp", "hello-hang-up", "look into the server's log"),
    row("stall-tls", "hello-timeout", "look into the server's log"),
    row("slow", "tls-timeout", "look into the server's log"),
    row("no-alpn", "no-http2", "check the address"),
    row("wrong-host", "server-name-mismatch", "connect by a name that the certificate is for"),
    row("expired-server", "server-expired", "renew the server's certificate"),
    row("self-signed", "unknown-authority", "give the CA certificate that issued the server's"),
    row("stall-settings", "settings-timeout", "no firewall drops the packets"),
    row("stall-answer", "answer-timeout", "slow"),
    row("close-tls", "closed", "when they refused the certificate"),
    row("http1", "not-http2", "check the address"),
    FaultRow { fault: "no-request", arguments: &["--no-probe"], reason: "no-certificate-requested", advice: "APNs" },
];

#[test]
fn each_fault_has_its_ground_and_its_advice() {
    in_parallel(FAULTS, |row| {
        let faults = vec![row.fault.parse().unwrap()];
        let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
        let checked = stage.check(row.arguments);
        assert_eq!(checked.text("/reason"), row.reason, "{:#}", checked.first());
        assert!(checked.text("/advice").contains(row.advice), "{}: {}", row.fault, checked.text("/advice"));
        for useless in ["--ca-file", "--port", "17.0.0.0"] {
            assert!(!checked.text("/advice").contains(useless), "{}: {}", row.fault, checked.text("/advice"));
        }
    });
}

/// Checks a server at this port, with a CA certificate if one is given.
fn check_port(port: u16, roots: Option<&Issued>, arguments: &[&str]) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let address = format!("localhost:{port}");
    let mut all = vec!["--gateway", &address];
    if let Some(root) = roots {
        std::fs::write(&file, root.certificate.to_pem().unwrap()).unwrap();
        all.extend(["--ca-file", file.to_str().unwrap()]);
    }
    all.extend(arguments);
    check(&fixture("p12/keychain-password.p12"), &all)
}

#[test]
fn a_hang_up_says_how_far_tls_came() {
    for (bytes, reason) in [(&[][..], "hello-hang-up"), (HALF_A_RECORD, "tls-closed"), (b"SSH-2.0-x\r\n", "not-tls")] {
        let port = serve_tcp(move |mut stream| {
            let mut space = [0; 4096];
            let _ = stream.read(&mut space);
            let _ = stream.write_all(bytes);
        });
        let checked = check_port(port, None, &[]);
        assert_eq!((checked.text("/reason"), checked.code), (reason, 5), "{:#}", checked.first());
    }
}

#[cfg(unix)]
#[test]
fn a_reset_within_the_handshake_is_told_from_an_end() {
    let port = serve_tcp(|mut stream: TcpStream| {
        // What is not read when the socket is closed makes a reset of the end.
        let _ = stream.read(&mut [0; 8]);
        let _ = stream.write_all(HALF_A_RECORD);
    });
    let checked = check_port(port, None, &[]);
    assert!(matches!(checked.text("/reason"), "tls-reset" | "hello-hang-up"), "{:#}", checked.first());
}

#[test]
fn a_wrong_clock_is_suspected_where_it_is_the_likely_cause() {
    let root = authority("root", None, (-60, 60));
    let old = authority("intermediate", Some(&root), PAST);
    let current = authority("intermediate", Some(&root), VALID);
    let old_root = authority("old root", None, PAST);
    for (leaf, chain, roots, reason, advice, detail) in [
        (
            server(&root, FUTURE),
            vec![],
            &root,
            "server-not-yet-valid",
            "set this machine's clock",
            "this machine's clock says",
        ),
        (server(&old_root, PAST), vec![], &old_root, "clock", "set this machine's clock", "this machine's clock says"),
        (server(&old, VALID), vec![&old], &root, "server-expired", "renew the server's certificate", "CN=intermediate"),
        (server(&current, PAST), vec![&current], &root, "server-expired", "renew", "certificate has expired"),
    ] {
        let port = serve_tls(context(&leaf, &chain, true), |_| {});
        let checked = check_port(port, Some(roots), &[]);
        assert_eq!((checked.text("/reason"), checked.code), (reason, 5), "{:#}", checked.first());
        assert!(checked.text("/advice").contains(advice), "{}", checked.text("/advice"));
        assert!(checked.detail("tls").contains(detail), "{}", checked.detail("tls"));
    }
}

#[test]
fn a_name_mismatch_shows_the_names() {
    let root = authority("root", None, VALID);
    let spec = Spec { name: "else", host: Some("push.example.com"), issuer: Some(&root), days: VALID };
    let port = serve_tls(context(&servers::issue(&spec), &[], true), |_| {});
    let checked = check_port(port, Some(&root), &[]);
    assert_eq!(checked.text("/reason"), "server-name-mismatch");
    assert!(checked.detail("tls").contains("it is for CN=else (push.example.com)"), "{}", checked.detail("tls"));
    assert_eq!(checked.first()["tls"]["is_certificate_sent"], false);
}

#[test]
fn an_authority_is_asked_for_only_where_none_was_given() {
    let (root, other) = (authority("root", None, VALID), authority("other", None, VALID));
    let leaf = server(&root, VALID);
    let port = serve_tls(context(&leaf, &[], true), |_| {});
    let without = check_port(port, None, &[]);
    assert_eq!(without.text("/reason"), "unknown-authority");
    assert!(without.text("/advice").contains("--ca-file"), "{}", without.text("/advice"));
    let given = check_port(port, Some(&other), &[]);
    assert_eq!(given.text("/reason"), "unknown-authority");
    assert!(!given.text("/advice").contains("--ca-file"), "{}", given.text("/advice"));
    assert!(given.detail("tls").contains("CN=root, which the server did not send"), "{}", given.detail("tls"));
}

/// Returns the flaws, and the numbers of certificates sent and in the path.
fn chain_of(checked: &Checked) -> (String, usize, usize) {
    let tls = &checked.first()["tls"];
    let count = |name: &str| tls[name].as_array().map_or(0, Vec::len);
    (tls["chain_flaws"].to_string(), count("server_chain"), count("server_path"))
}

#[test]
fn the_chain_is_shown_as_it_was_sent_beside_the_path() {
    let root = authority("root", None, VALID);
    let upper = authority("upper", Some(&root), VALID);
    let lower = authority("lower", Some(&upper), VALID);
    let other = authority("other", None, VALID);
    let leaf = server(&lower, VALID);
    for (chain, trusted, flaws, sent, path, words) in [
        (vec![&lower, &upper], &root, "[]", 3, 4, "trusted through CN=root"),
        (vec![&lower, &upper, &root], &root, "[]", 4, 4, "trusted through CN=root"),
        (vec![&upper, &lower], &root, r#"["misordered"]"#, 3, 4, "in the wrong order"),
        (vec![&lower, &upper, &other], &root, r#"["unrelated"]"#, 4, 4, "not part of its chain"),
        (vec![&lower], &upper, r#"["missing-intermediate"]"#, 2, 3, "does not send an intermediate"),
    ] {
        let port = serve_tls(context(&leaf, &chain, true), |stream| servers::say(stream, &frame(SETTINGS, &[])));
        let checked = check_port(port, Some(trusted), &["--timeout", "300ms"]);
        assert_eq!(chain_of(&checked), (flaws.to_owned(), sent, path), "{:#}", checked.first());
        assert!(checked.detail("tls").contains(words), "{}", checked.detail("tls"));
    }
    // Without the intermediate there is no path, and the chain is shown all the same.
    let port = serve_tls(context(&leaf, &[], true), |_| {});
    let checked = check_port(port, Some(&root), &[]);
    assert_eq!(chain_of(&checked), ("[]".to_owned(), 1, 1));
    assert!(checked.detail("tls").contains("CN=lower, which the server did not send"), "{}", checked.detail("tls"));
}

/// Returns a server that sends these frames, and a CA certificate to trust it by.
fn framed(frames: Vec<u8>, is_requesting: bool) -> (u16, Issued) {
    let root = authority("root", None, VALID);
    let leaf = server(&root, VALID);
    (serve_tls(context(&leaf, &[], is_requesting), move |stream| servers::say(stream, &frames)), root)
}

#[test]
fn a_goaway_with_a_sentence_is_quoted() {
    let long = format!("go away\u{1b}[31m, {}", "x".repeat(2000));
    for (debug, expected) in [
        ("Connection limit reached for your address", "GOAWAY NO_ERROR, \"Connection limit reached for your address\""),
        ("", "GOAWAY NO_ERROR, no debug data"),
        (&long, "GOAWAY NO_ERROR, \"go away\\u{1b}[31m, xxx"),
    ] {
        let goaway = frame(GOAWAY, &[&[0; 8], debug.as_bytes()].concat());
        let (port, root) = framed([frame(SETTINGS, &[]), goaway].concat(), true);
        let checked = check_port(port, Some(&root), &[]);
        assert_eq!(
            (checked.text("/verdict"), checked.text("/reason")),
            ("unproven", "goaway"),
            "{:#}",
            checked.first()
        );
        let detail = checked.detail("http2");
        assert!(detail.contains(expected) && detail.len() < 400, "{detail}");
        assert_eq!(checked.first()["tls"]["is_certificate_sent"], true);
    }
}

#[test]
fn a_driver_that_fails_ends_the_wait() {
    // A frame of 16 MiB, which no HTTP/2 client takes; its payload never comes.
    let (port, root) = framed(vec![0xff, 0xff, 0xff, SETTINGS, 0, 0, 0, 0, 0, 0], true);
    let checked = check_port(port, Some(&root), &["--timeout", "20s"]);
    assert_eq!(checked.text("/reason"), "not-http2", "{:#}", checked.first());
    assert!(checked.detail("http2").contains("FRAME_SIZE_ERROR"), "{}", checked.detail("http2"));
    assert!(checked.took < Duration::from_secs(10), "{:?}", checked.took);
}

#[test]
fn a_certificate_that_was_not_sent_is_not_suspected() {
    let root = authority("root", None, VALID);
    let leaf = server(&root, VALID);
    for is_requesting in [true, false] {
        let port = serve_tls(context(&leaf, &[], is_requesting), |stream| drop(stream.shutdown()));
        let checked = check_port(port, Some(&root), &[]);
        assert_eq!(checked.text("/reason"), "closed", "{:#}", checked.first());
        let suspects = checked.text("/advice").contains("refused the certificate");
        assert_eq!(suspects, is_requesting, "{}", checked.text("/advice"));
    }
}

#[test]
fn a_proxy_without_a_way_says_which() {
    for (answer, reason, advice) in [
        ("HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n", "proxy-dns", "own resolver"),
        ("HTTP/1.1 502 Bad Gateway\r\nProxy-Status: p; error=dns_timeout\r\n", "proxy-dns", "own resolver"),
        ("HTTP/1.1 502 Bad Gateway\r\n", "proxy-server", "the proxy itself must be able"),
        ("HTTP/1.1 403 Forbidden\r\n", "proxy", "must allow CONNECT"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "not-proxy", "port and scheme"),
    ] {
        let port = serve_tcp(move |mut stream| {
            servers::say(&mut stream, format!("{answer}Content-Length: 0\r\n\r\n").as_bytes())
        });
        let proxy = format!("http://127.0.0.1:{port}");
        let arguments = ["--proxy", &proxy, "--environment", "sandbox"];
        let checked = check(&fixture("p12/keychain-password.p12"), &arguments);
        assert_eq!((checked.text("/reason"), checked.code), (reason, 5), "{answer}: {:#}", checked.first());
        assert!(checked.text("/advice").contains(advice), "{}", checked.text("/advice"));
    }
    // "Host unreachable", which proxies also send for a name without addresses.
    let port = serve_tcp(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(&[5, 0]);
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]);
    });
    let checked = check(&fixture("p12/keychain-password.p12"), &["--proxy", &format!("socks5://127.0.0.1:{port}")]);
    assert_eq!(checked.text("/reason"), "proxy-server", "{:#}", checked.first());
    let nameless = check(&fixture("p12/keychain-password.p12"), &["--proxy", "http://proxy.invalid:3128"]);
    assert_eq!(nameless.text("/reason"), "proxy-name", "{:#}", nameless.first());
    let closed = check(&fixture("p12/keychain-password.p12"), &["--proxy", "http://127.0.0.1:9"]);
    assert_eq!(closed.text("/reason"), "proxy-unreachable", "{:#}", closed.first());
}

#[test]
fn topics_that_take_tokens_alone_are_named() {
    let stage = Stage::new(GatewayOptions::default());
    for suffix in [".push-type.liveactivity", ".location-query"] {
        let checked = stage.check(&["--topic", &format!("com.example.MyApp{suffix}")]);
        assert_eq!(checked.text("/reason"), "TopicDisallowed");
        assert!(checked.text("/advice").contains("needs a provider token (.p8)"), "{}", checked.text("/advice"));
        assert!(checked.detail("identity").contains("needs a provider token (.p8)"), "{}", checked.detail("identity"));
    }
}
