//! What is no proof, although it looks like one: a certificate that was never sent, an answer that APNs does not give.
//! And what a peer repeats of this side's secrets.

use std::io::{Read, Write};

use http::response::Builder;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{SslContextBuilder, SslVerifyMode, SslVersion};

use super::servers::{Answer, H2Server, serve_answers, serve_tcp};
use super::{Checked, Stage, check};
use crate::common::{Test, fixture};
use pushcert::testing::GatewayOptions;

const ID: &str = "5F1B0C52-7a63-4f0e-9d5c-0d6f5f0c7a11";
const BAD_TOKEN: &str = r#"{"reason":"BadDeviceToken"}"#;

fn bad_device_token() -> Answer {
    Answer { head: Builder::new().status(400).header("apns-id", ID), body: BAD_TOKEN.to_owned(), trailers: None }
}

fn check_server(server: &H2Server, arguments: &[&str]) -> Checked {
    let (address, ca) = (format!("localhost:{}", server.port), server.ca());
    let all = [&["--gateway", &address, "--ca-file", ca.to_str().unwrap()], arguments].concat();
    check(&fixture("p12/keychain-password.p12"), &all)
}

fn only_ecdsa(context: &mut SslContextBuilder, version: SslVersion) {
    context.set_min_proto_version(Some(version)).unwrap();
    context.set_max_proto_version(Some(version)).unwrap();
    context.set_sigalgs_list("ECDSA+SHA256").unwrap();
}

#[test]
fn a_certificate_that_was_not_sent_is_not_accepted_and_not_blamed() {
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let asking = serve_answers(|context| only_ecdsa(context, version), |_| bad_device_token());
        let requiring = serve_answers(
            |context| {
                only_ecdsa(context, version);
                context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
            },
            |_| bad_device_token(),
        );
        for server in [asking, requiring] {
            let checked = check_server(&server, &[]);
            let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
            assert_eq!(found, ("unproven", "certificate-not-sent", 1), "{:#}", checked.first());
            let tls = &checked.first()["tls"];
            assert_eq!(tls["is_certificate_sent"], false);
            assert_eq!(tls["is_certificate_withheld"], true);
            assert!(checked.text("/advice").contains("signature algorithms"), "{}", checked.text("/advice"));
        }
        // The same server proves something of a certificate whose key it takes.
        let server = serve_answers(|context| only_ecdsa(context, version), |_| bad_device_token());
        let (address, ca) = (format!("localhost:{}", server.port), server.ca());
        let arguments = ["--gateway", &address, "--ca-file", ca.to_str().unwrap()];
        let checked = check(&fixture("p12/ec.p12"), &arguments);
        assert_eq!((checked.text("/verdict"), checked.code), ("accepted", 0), "{:#}", checked.first());
        assert_eq!(checked.first()["tls"]["is_certificate_sent"], true);
    }
}

/// An answer: status, headers, body, and whether there are trailers.
struct Row(u16, &'static [(&'static str, &'static str)], &'static str, bool, &'static str);

const ANSWERS: &[Row] = &[
    Row(200, &[("apns-id", ID)], "", false, "accepted"),
    Row(200, &[("apns-id", "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11")], "", false, "accepted"),
    Row(200, &[], "", false, "unproven"),
    Row(200, &[("apns-id", "")], "", false, "unproven"),
    Row(200, &[("apns-id", "1")], "", false, "unproven"),
    Row(200, &[("apns-id", "5f1b0c527a634f0e9d5c0d6f5f0c7a11")], "", false, "unproven"),
    Row(200, &[("apns-id", ID)], r#"{"error":"not authorised"}"#, false, "unproven"),
    Row(200, &[("apns-id", ID)], r#""no""#, false, "unproven"),
    Row(200, &[("apns-id", ID)], "{}", false, "unproven"),
    Row(200, &[("apns-id", ID)], "<html></html>", false, "unproven"),
    Row(200, &[("apns-id", ID)], "", true, "unproven"),
    Row(200, &[("apns-id", ID), ("content-type", "text/html")], "", false, "unproven"),
    Row(400, &[("apns-id", ID)], BAD_TOKEN, false, "accepted"),
    Row(400, &[("content-type", "application/json; charset=utf-8")], BAD_TOKEN, false, "accepted"),
    Row(400, &[("content-type", "text/html")], BAD_TOKEN, false, "unproven"),
    Row(400, &[("apns-id", ID)], BAD_TOKEN, true, "unproven"),
    Row(400, &[], r#"{"reason":"BadDeviceToken","reason":"BadDeviceToken"}"#, false, "unproven"),
    Row(400, &[], r#"{"reason":"Forbidden","reason":"BadDeviceToken"}"#, false, "unproven"),
    Row(400, &[], r#"["BadDeviceToken"]"#, false, "unproven"),
    Row(400, &[], r#"{"error":{"reason":"BadDeviceToken"}}"#, false, "unproven"),
    Row(403, &[("content-type", "text/html")], r#"{"reason":"Forbidden"}"#, false, "unproven"),
    Row(403, &[], r#"{"reason":"Forbidden"}"#, false, "rejected"),
];

#[test]
fn only_an_answer_in_the_form_of_apns_proves_something() {
    for Row(status, headers, body, has_trailers, verdict) in ANSWERS {
        let server = serve_answers(
            |_| {},
            |_| {
                let mut head = Builder::new().status(*status);
                for (name, value) in *headers {
                    head = head.header(*name, *value);
                }
                let mut trailers = http::HeaderMap::new();
                trailers.insert("x-more", "1".parse().unwrap());
                Answer { head, body: (*body).to_owned(), trailers: has_trailers.then_some(trailers) }
            },
        );
        let checked = check_server(&server, &[]);
        let what = format!("{status} {headers:?} {body} {has_trailers}: {:#}", checked.first());
        assert_eq!(checked.text("/verdict"), *verdict, "{what}");
        assert_eq!(checked.code, i32::from(*verdict != "accepted"), "{what}");
        assert!(*verdict != "unproven" || checked.text("/reason") == "not-apns", "{what}");
    }
}

const FORMATS: [&str; 7] = ["human", "json", "junit", "github", "markdown", "nagios", "prometheus"];

#[test]
fn a_provider_token_that_the_server_repeats_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let file = folder.path().join("AuthKey_ABC123DEFG.p8");
    std::fs::write(&file, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    for part in 0..4 {
        let server = serve_answers(
            |_| {},
            move |request| {
                let token = request.headers()["authorization"].to_str().unwrap();
                let segments: Vec<&str> = token.trim_start_matches("bearer ").split('.').collect();
                let echo = segments.get(part).copied().unwrap_or(token);
                let body = format!("{{\"reason\":\"no key for {echo}\"}}");
                Answer { head: Builder::new().status(403).header("apns-id", echo), body, trailers: None }
            },
        );
        for format in FORMATS {
            let test = Test::new().arg("check").arg("--p8").arg(&file).args(["--format", format, "--ca-file"]);
            let test = test.arg(server.ca()).args(["--gateway", &format!("localhost:{}", server.port)]);
            let run = test.args(["--team-id", "TEAMID1234", "--topic", "com.example.MyApp"]).any_status().run();
            let text = run.text();
            assert!(!text.contains("eyJ"), "{part} {format}: {text}");
            assert!(text.contains("(not shown)") || format == "prometheus", "{part} {format}: {text}");
            // The third segment, the signature, has no beginning that is known.
            let is_long = |word: &str| word.len() >= 60;
            let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            let long: Vec<&str> =
                words.filter(|word| is_long(word) && !word.bytes().all(|b| b.is_ascii_hexdigit())).collect();
            assert!(long.is_empty(), "{part} {format}: {long:?}");
        }
    }
}

/// Reads a request head.
fn read_head(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read_exact(&mut byte).is_err() {
            break;
        }
        request.extend(byte);
    }
    String::from_utf8(request).unwrap()
}

#[test]
fn a_proxys_credentials_that_it_repeats_are_not_shown() {
    let port = serve_tcp(|mut stream| {
        let request = read_head(&mut stream);
        let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization")).unwrap();
        let page = format!("<title>wrong: {line}, secret-of-mine</title>");
        let head = format!("HTTP/1.1 403 Forbidden {line}\r\nContent-Length: {}\r\n\r\n", page.len());
        stream.write_all((head + &page).as_bytes()).unwrap();
    });
    let stage = Stage::new(GatewayOptions::default());
    let proxy = format!("http://user:secret-of-mine@127.0.0.1:{port}");
    for format in FORMATS {
        let test = Test::new().arg("check").arg(stage.file("client.pem")).args(["--proxy", &proxy]);
        let test = test.args(["--gateway", "gateway.example:443", "--format", format]);
        let run = test.hides("secret-of-mine").hides("dXNlcjpzZWNyZXQtb2YtbWluZQ").any_status().run();
        assert!(run.text().contains("(not shown)") || !matches!(format, "human" | "json"), "{}", run.text());
    }
}
