//! The log: a line of JSON for each request, and for each connection or stream that never became one.
//!
//! The device token is shown whole; the value of `authorization` never.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use openssl::ssl::{Error, SslRef, SslVersion};
use serde::Serialize;
use time::OffsetDateTime;

use crate::apns::notification::{DEVICE_PATH, Headers, MAX_COLLAPSE_ID, is_topic};
use crate::apns::payload::{Notification, WarningText};
use crate::apns::provider_token::ReceivedToken;
use crate::certificate::Certificate;
use crate::gateway::http2_trace;
use crate::net::alert;
use crate::net::device_lines::DeviceRefusal;
use crate::schema::{SCHEMA_VERSION, rfc3339};
use crate::text::{escaped, printable};

/// A function that takes a line without its end.
pub(crate) type LineSink = Box<dyn Fn(&[u8]) + Send + Sync>;

/// The log of a gateway.
pub(super) struct EventLog(LineSink);

/// The client of a connection.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The number of the connection in the life of the gateway.
    pub(super) connection: u64,
    pub(super) address: SocketAddr,
    pub(super) certificate: Option<CertificateId>,
}

/// The identification of a client certificate.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CertificateId {
    serial: String,
    sha256: String,
}

impl CertificateId {
    pub(super) fn new(certificate: &Certificate) -> Self {
        Self { serial: certificate.serial.clone(), sha256: certificate.sha256() }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    schema_version: u32,
    time: String,
    connection: u64,
    client: String,
    certificate: Option<&'a CertificateId>,
    #[serde(flatten)]
    event: &'a Event,
}

/// What is logged.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    Request(Box<RequestEntry>),
    /// A fault that struck a connection, or a request that it leaves without an answer.
    Fault {
        fault: String,
        stream: Option<u32>,
    },
    HandshakeRefused(HandshakeEntry),
    /// The TLS handshake succeeded without `h2` in ALPN.
    NoH2,
    /// GOAWAY was the first answer.
    ConnectionRefused {
        reason: &'static str,
    },
    /// Headers from which `h2` makes no request.
    MalformedRequest {
        rule: &'static str,
    },
    /// A request whose end did not come, or that came too early.
    RequestUnfinished {
        stream: u32,
        problem: &'static str,
    },
    ConnectionFailed {
        problem: String,
    },
    /// A connection that made room for another one.
    ConnectionEvicted,
    /// An app on a simulated device has got a token.
    DeviceRegistered {
        token: String,
        topic: String,
    },
    /// A notification was written to the app.
    DeviceReceived {
        token: String,
        apns_id: String,
    },
    DeviceUninstalled {
        token: String,
    },
    DeviceRefused {
        reason: DeviceRefusal,
    },
}

/// A TLS handshake that failed.
#[derive(Debug, Serialize)]
pub(super) struct HandshakeEntry {
    /// The alert that the gateway sent; `None` if that is not known.
    alert: Option<String>,
    /// The alert with which the client ended the handshake.
    received_alert: Option<String>,
    problem: String,
}

/// A request and its answer.
#[derive(Debug, Serialize)]
pub(super) struct RequestEntry {
    stream: u32,
    method: String,
    path: String,
    token: Option<String>,
    headers: BTreeMap<String, String>,
    malformed: Vec<MalformedHeader>,
    payload: PayloadFacts,
    warnings: Vec<WarningText>,
    fault: Option<String>,
    pub(super) answer: Answer,
}

/// A header that breaks a rule. Its value is not shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct MalformedHeader {
    header: String,
    rule: String,
}

/// The payload of a request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PayloadFacts {
    pub(super) size: usize,
    /// `None` if the payload was not read to its end.
    pub(super) sha256: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: Option<String>,
    pub(super) timestamp: Option<u64>,
    pub(super) apns_id: String,
}

/// A request as it is logged.
pub(super) struct LoggedRequest<'a> {
    pub(super) stream: u32,
    pub(super) parts: &'a Parts,
    pub(super) payload: &'a [u8],
    pub(super) facts: PayloadFacts,
    pub(super) fault: Option<&'a str>,
}

impl EventLog {
    pub(super) fn new(sink: LineSink) -> Self {
        Self(sink)
    }

    /// Writes what `h2` has said of malformed headers since the task of this connection began to run. No other
    /// connection has run in this thread since.
    pub(super) fn write_broken_rules(&self, caller: &Caller) {
        for rule in http2_trace::take_broken_rules() {
            self.write(caller, &Event::MalformedRequest { rule });
        }
    }

    pub(super) fn write(&self, caller: &Caller, event: &Event) {
        let line = Line {
            schema_version: SCHEMA_VERSION,
            time: rfc3339(OffsetDateTime::now_utc()),
            connection: caller.connection,
            client: caller.address.to_string(),
            certificate: caller.certificate.as_ref(),
            event,
        };
        if let Ok(bytes) = serde_json::to_vec(&line) {
            (self.0)(&bytes);
        }
    }
}

impl Event {
    pub(super) fn fault(text: &str, stream: Option<u32>) -> Self {
        Self::Fault { fault: escaped(text), stream }
    }

    /// Describes the end of a connection by an error.
    pub(super) fn failure(error: &h2::Error) -> Self {
        Self::ConnectionFailed { problem: printable(&error.to_string()) }
    }

    /// Describes a client that sent no preface of HTTP/2.
    pub(super) fn silence() -> Self {
        Self::ConnectionFailed { problem: "the client did not begin HTTP/2 in time".to_owned() }
    }

    pub(super) fn request(request: LoggedRequest<'_>, answer: Answer) -> Self {
        // Nothing is cut: `h2` has bounded the headers.
        let path = escaped(request.parts.uri.path());
        let token = path.strip_prefix(DEVICE_PATH).map(str::to_owned);
        let shown = ShownHeaders::read(&request.parts.headers);
        let notification = Notification {
            topic: shown.valid("apns-topic"),
            push_type: shown.valid("apns-push-type"),
            priority: shown.valid("apns-priority"),
            expiration: shown.valid("apns-expiration"),
            payload: request.payload,
        };
        let mut warnings = Vec::new();
        for warning in notification.warnings() {
            warnings.push(warning.text());
        }
        Self::Request(Box::new(RequestEntry {
            stream: request.stream,
            method: request.parts.method.to_string(),
            path,
            token,
            warnings,
            headers: shown.values,
            malformed: shown.malformed,
            payload: request.facts,
            fault: request.fault.map(str::to_owned),
            answer,
        }))
    }
}

/// The headers that are logged.
#[derive(Default)]
struct ShownHeaders {
    values: BTreeMap<String, String>,
    malformed: Vec<MalformedHeader>,
}

impl ShownHeaders {
    fn read(headers: &HeaderMap) -> Self {
        let mut shown = Self::default();
        for name in headers.keys() {
            if *name == AUTHORIZATION {
                shown.values.insert(name.to_string(), describe_authorization(headers));
            } else if name.as_str().starts_with("apns-") {
                shown.add(headers, name);
            }
        }
        shown
    }

    fn add(&mut self, headers: &HeaderMap, name: &HeaderName) {
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return self.add_malformed(name, "it is given once".to_owned());
        };
        let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
            return self.add_malformed(name, "its value is text in UTF-8".to_owned());
        };
        match broken_rule(name.as_str(), text) {
            Some(rule) => self.add_malformed(name, rule),
            None => {
                self.values.insert(name.to_string(), escaped(text));
            }
        }
    }

    fn add_malformed(&mut self, name: &HeaderName, rule: String) {
        self.malformed.push(MalformedHeader { header: name.to_string(), rule });
    }

    fn valid(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }
}

/// Returns the rule that the value of a header breaks.
fn broken_rule(name: &str, value: &str) -> Option<String> {
    let given = Some(value);
    let none = Headers::default();
    let (headers, rule) = match name {
        "apns-id" => (Headers { id: given, ..none }, "it is a UUID".to_owned()),
        "apns-expiration" => {
            (Headers { expiration: given, ..none }, "it is a number of seconds since 1970, or 0".to_owned())
        }
        "apns-priority" => (Headers { priority: given, ..none }, "it is 10, 5 or 1".to_owned()),
        "apns-collapse-id" => (Headers { collapse_id: given, ..none }, format!("it has 1 to {MAX_COLLAPSE_ID} bytes")),
        "apns-push-type" => (Headers { push_type: given, ..none }, "it is one of Apple's push types".to_owned()),
        "apns-topic" if !is_topic(value) => return Some("it is a bundle ID, such as com.example.MyApp".to_owned()),
        _ => return None,
    };
    headers.breach().map(|_| rule)
}

/// Describes the value of `authorization` without showing it: `bearer KEYID`, or the rule that it breaks.
fn describe_authorization(headers: &HeaderMap) -> String {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return "given more than once".to_owned() };
    let Ok(text) = value.to_str() else { return "not ASCII".to_owned() };
    match ReceivedToken::parse(text) {
        Ok(token) => format!("bearer {}", token.key_id),
        Err(error) => format!("malformed: {error}"),
    }
}

impl HandshakeEntry {
    /// Describes a handshake that failed with an error of OpenSSL.
    /// `sent_alert` is the alert that was seen on its way, which an encrypted one is not.
    pub(super) fn new(error: &Error, ssl: &SslRef, sent_alert: Option<u8>) -> Self {
        let received_alert = alert::received(error).map(alert::name);
        let reason = first_reason(error);
        let (sent, problem) = match reason {
            None => (None, "the client closed the connection".to_owned()),
            Some("certificate verify failed") => {
                let verdict = ssl.verify_result();
                (Some(alert_of_verdict(verdict.as_raw())), format!("the client's certificate: {verdict}"))
            }
            Some(reason) => (alert_of_reason(reason, ssl.version2()), reason.to_owned()),
        };
        let alert = if received_alert.is_some() { None } else { sent_alert.or(sent).map(alert::name) };
        Self { alert, received_alert, problem }
    }

    /// Describes a handshake that took too long.
    pub(super) fn timed_out() -> Self {
        let problem = "the client did not finish the handshake in time".to_owned();
        Self { alert: None, received_alert: None, problem }
    }
}

fn first_reason(error: &Error) -> Option<&str> {
    error.ssl_error()?.errors().first()?.reason()
}

/// The alert that OpenSSL sends for a verdict on a certificate (its table is `ssl_x509err2alert`).
struct VerdictAlert {
    /// The X509_V_ numbers.
    verdicts: &'static [i32],
    alert: u8,
}

const VERDICT_ALERTS: [VerdictAlert; 8] = [
    VerdictAlert { verdicts: &[50], alert: 40 },
    VerdictAlert { verdicts: &[9, 13, 14, 15, 16, 27, 28, 62, 63, 64, 66, 67, 68], alert: 42 },
    VerdictAlert { verdicts: &[26], alert: 43 },
    VerdictAlert { verdicts: &[23], alert: 44 },
    VerdictAlert { verdicts: &[10, 12], alert: 45 },
    VerdictAlert { verdicts: &[2, 3, 18, 19, 20, 21, 22, 25, 33, 79], alert: 48 },
    VerdictAlert { verdicts: &[7, 8], alert: 51 },
    VerdictAlert { verdicts: &[0, 1, 17, 69, 70], alert: 80 },
];

/// The alert for all other verdicts: certificate_unknown.
const OTHER_VERDICT: u8 = 46;

fn alert_of_verdict(verdict: i32) -> u8 {
    for entry in VERDICT_ALERTS {
        if entry.verdicts.contains(&verdict) {
            return entry.alert;
        }
    }
    OTHER_VERDICT
}

/// Returns the alert that OpenSSL sends for an error of a handshake, if it is one that is known here.
fn alert_of_reason(reason: &str, version: Option<SslVersion>) -> Option<u8> {
    match reason {
        // RFC 8446 section 4.4.2.4 has an alert for it, TLS 1.2 has not.
        "peer did not return a certificate" if version == Some(SslVersion::TLS1_3) => Some(116),
        "peer did not return a certificate"
        | "no shared cipher"
        | "no suitable signature algorithm"
        | "no suitable key share" => Some(40),
        "unsupported protocol" | "version too low" => Some(70),
        "no application protocol" => Some(120),
        "decryption failed or bad record mac" => Some(20),
        "unexpected message" | "bad record type" => Some(10),
        "bad signature" | "digest check failed" => Some(51),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(headers: &[(&str, &[u8])]) -> ShownHeaders {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.to_vec().try_into().unwrap());
        }
        ShownHeaders::read(&map)
    }

    #[test]
    fn all_apns_headers_are_shown_and_no_others() {
        let headers = shown(&[("apns-topic", b"a.b"), ("apns-new", b"x"), ("cookie", b"secret")]);
        let names: Vec<_> = headers.values.keys().map(String::as_str).collect();
        assert_eq!(names, ["apns-new", "apns-topic"]);
    }

    #[test]
    fn a_malformed_header_is_named_with_its_rule_and_without_its_value() {
        for (name, value, rule) in [
            ("apns-id", &b"secret-value"[..], "UUID"),
            ("apns-expiration", b"secret-value", "seconds"),
            ("apns-priority", b"secret-value", "10, 5 or 1"),
            ("apns-push-type", b"secret-value", "push types"),
            ("apns-topic", b"secret value", "bundle ID"),
            ("apns-new", b"secret-\xff", "UTF-8"),
            ("apns-collapse-id", "é".repeat(33).as_bytes(), "64 bytes"),
            ("apns-collapse-id", [b'x'; 65].as_slice(), "64 bytes"),
        ] {
            let headers = shown(&[(name, value)]);
            assert!(headers.values.is_empty(), "{name}");
            let [malformed] = &headers.malformed[..] else { panic!("{name}") };
            assert_eq!(malformed.header, name);
            assert!(malformed.rule.contains(rule) && !malformed.rule.contains("secret"), "{malformed:?}");
        }
        let twice = shown(&[("apns-topic", b"a.b"), ("apns-topic", b"a.c")]);
        assert_eq!((twice.values.len(), twice.malformed.len()), (0, 1));
    }

    #[test]
    fn the_value_of_authorization_is_nowhere() {
        for value in [&b"bearer aaaa.bbbb.cccc"[..], b"Basic c2VjcmV0", b"aaaa", b"bearer \xff"] {
            let headers = shown(&[("authorization", value)]);
            let text = &headers.values["authorization"];
            assert!(!text.contains("aaaa") && !text.contains("c2Vj"), "{text}");
        }
    }
}
