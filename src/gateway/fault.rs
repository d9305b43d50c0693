//! The faults: the ways in which the gateway can be made to fail.
//!
//! To add one, add a row to [`FAULTS`] and a variant to the enum of the layer that plays it. Each of these enums is
//! matched in one place, which the compiler then points to.

use std::str::FromStr;

use crate::apns::reason::REASONS;
use crate::gateway::course::{Course, Misspelling};
use crate::net::alert;

/// A fault and the occasions on which it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFault {
    /// The fault as it was written.
    pub(super) text: String,
    pub(super) fault: Fault,
    pub(super) course: Course,
}

/// A fault, by the layer that plays it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Clients get no TCP connection (`listener.rs`).
    Listen(ListenFault),
    /// TCP connections misbehave (`transport.rs`).
    Tcp(TcpFault),
    /// TLS handshakes go wrong (`acceptor.rs`).
    Tls(TlsFault),
    /// HTTP/2 connections misbehave after the TLS handshake (`frame_faults.rs`).
    Frame(FrameFault),
    /// The connection of a request, or its stream, goes wrong (`request_faults.rs`).
    Request(RequestFault),
    /// Responses to requests are wrong (`responder.rs`).
    Response(ResponseFault),
}

/// A fault of the listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListenFault {
    Refuse,
    Stall,
}

/// A fault of TCP connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TcpFault {
    Close,
    StallTls,
    Slow,
}

/// A fault of TLS handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsFault {
    Alert(RefusalAlert),
    NoAlpn,
    NoRequest,
    WrongHost,
    ExpiredServer,
    SelfSigned,
}

/// An alert that OpenSSL can send for a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalAlert {
    HandshakeFailure,
    BadCertificate,
    CertificateRevoked,
    CertificateExpired,
    CertificateUnknown,
    UnknownCa,
    InternalError,
}

/// A fault of HTTP/2 connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FrameFault {
    CloseTls,
    StallSettings,
    NoSettings,
    Garbage,
    Http1,
    GoAway(String),
}

/// A fault that comes with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestFault {
    /// GOAWAY whose last stream is the one before the request.
    GoAway(GoAway),
    /// GOAWAY whose last stream is the request's; the request gets no answer.
    GoAwayMidway(String),
    Close,
    ResetTcp,
    Silence,
    Reset,
    RefuseStream,
    StallAnswer,
    /// MAX_CONCURRENT_STREAMS falls to this number.
    LimitStreams(u32),
}

/// A GOAWAY, and what becomes of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GoAway {
    pub(super) reason: String,
    pub(super) stays_open: bool,
}

/// A fault of responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResponseFault {
    StallBody,
    HugeHeaders,
    NotJson,
    Answer(String),
}

/// A row of [`FAULTS`].
pub struct FaultEntry {
    /// The name on the command line.
    pub name: &'static str,
    argument: FaultArgument,
    /// The effect, for the help.
    effect: &'static str,
}

/// The argument that follows the name of a fault, and the fault that they make.
enum FaultArgument {
    Nothing(Fault),
    Alert,
    Reason(fn(String) -> Fault),
    StreamLimit,
}

const fn plain(name: &'static str, fault: Fault, effect: &'static str) -> FaultEntry {
    FaultEntry { name, argument: FaultArgument::Nothing(fault), effect }
}

const fn with_reason(name: &'static str, make: fn(String) -> Fault, effect: &'static str) -> FaultEntry {
    FaultEntry { name, argument: FaultArgument::Reason(make), effect }
}

/// The largest argument of `limit-streams`.
const MAX_STREAM_LIMIT: u32 = 1000;

/// All faults, in the order of the layers.
pub static FAULTS: [FaultEntry; 30] = [
    plain("refuse-tcp", Fault::Listen(ListenFault::Refuse), "nobody listens"),
    plain("stall-tcp", Fault::Listen(ListenFault::Stall), "connections are not answered (Linux)"),
    plain("close-tcp", Fault::Tcp(TcpFault::Close), "connections are closed at once"),
    plain("stall-tls", Fault::Tcp(TcpFault::StallTls), "the TLS handshake is not answered"),
    plain("slow", Fault::Tcp(TcpFault::Slow), "a byte every 100 ms"),
    FaultEntry {
        name: "alert",
        argument: FaultArgument::Alert,
        effect: "the client's certificate is refused with this TLS alert",
    },
    plain("no-alpn", Fault::Tls(TlsFault::NoAlpn), "no protocol is chosen"),
    plain("no-request", Fault::Tls(TlsFault::NoRequest), "no certificate is asked for"),
    plain("wrong-host", Fault::Tls(TlsFault::WrongHost), "the server's certificate is for another host"),
    plain("expired-server", Fault::Tls(TlsFault::ExpiredServer), "the server's certificate has expired"),
    plain("self-signed", Fault::Tls(TlsFault::SelfSigned), "the server's certificate is signed by itself"),
    plain("close-tls", Fault::Frame(FrameFault::CloseTls), "connections are closed after the TLS handshake"),
    plain("stall-settings", Fault::Frame(FrameFault::StallSettings), "nothing is said in HTTP/2"),
    plain("no-settings", Fault::Frame(FrameFault::NoSettings), "HTTP/2 begins with another frame than SETTINGS"),
    plain("garbage", Fault::Frame(FrameFault::Garbage), "after SETTINGS come frames that are none"),
    plain("http1", Fault::Frame(FrameFault::Http1), "the answer is in HTTP/1.1"),
    with_reason(
        "goaway",
        |reason| Fault::Frame(FrameFault::GoAway(reason)),
        "GOAWAY with this reason after SETTINGS; with after, every or rate: at \
         a request, which is not processed, while those before it are answered",
    ),
    with_reason(
        "goaway-open",
        |reason| Fault::Request(RequestFault::GoAway(GoAway { reason, stays_open: true })),
        "GOAWAY with this reason at a request, which is not processed; the connection stays open",
    ),
    with_reason(
        "goaway-midway",
        |reason| Fault::Request(RequestFault::GoAwayMidway(reason)),
        "GOAWAY with this reason instead of an answer to a request that counts as processed",
    ),
    plain("close-midway", Fault::Request(RequestFault::Close), "connections are closed instead of an answer"),
    plain("reset-tcp", Fault::Request(RequestFault::ResetTcp), "connections are reset (RST) instead of an answer"),
    plain(
        "silence",
        Fault::Request(RequestFault::Silence),
        "connections stay open and say nothing more, not even to PING",
    ),
    plain("reset", Fault::Request(RequestFault::Reset), "requests are reset (RST_STREAM with INTERNAL_ERROR)"),
    plain(
        "refuse-stream",
        Fault::Request(RequestFault::RefuseStream),
        "requests are not processed (RST_STREAM with REFUSED_STREAM)",
    ),
    plain("stall-answer", Fault::Request(RequestFault::StallAnswer), "requests are not answered"),
    FaultEntry {
        name: "limit-streams",
        argument: FaultArgument::StreamLimit,
        effect: "MAX_CONCURRENT_STREAMS falls to N on the open connection, and rises \
         again after for=TIME; streams beyond it are refused (REFUSED_STREAM)",
    },
    plain("stall-body", Fault::Response(ResponseFault::StallBody), "answers have no end"),
    plain("huge-headers", Fault::Response(ResponseFault::HugeHeaders), "answers have a megabyte of headers"),
    plain("not-json", Fault::Response(ResponseFault::NotJson), "bodies are not JSON"),
    with_reason(
        "answer",
        |reason| Fault::Response(ResponseFault::Answer(reason)),
        "this reason, known or not; with status 429 and 503 comes Retry-After",
    ),
];

impl PlannedFault {
    /// Returns the fault as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the number of streams to which it lowers the limit.
    pub(crate) fn stream_limit(&self) -> Option<u32> {
        match self.fault {
            Fault::Request(RequestFault::LimitStreams(limit)) => Some(limit),
            _ => None,
        }
    }
}

impl FaultEntry {
    /// Makes the fault from the argument, which stands at `offset`.
    fn parse(&self, argument: &str, offset: usize) -> Result<Fault, Misspelling> {
        match &self.argument {
            FaultArgument::Nothing(fault) if argument.is_empty() => Ok(fault.clone()),
            FaultArgument::Nothing(_) => Err(Misspelling::new(offset, format!("{} takes no argument", self.name))),
            FaultArgument::Reason(make) if !argument.is_empty() => Ok(make(argument.to_owned())),
            FaultArgument::Reason(_) => Err(Misspelling::new(offset, list_reasons())),
            FaultArgument::Alert => match RefusalAlert::parse(argument) {
                Some(alert) => Ok(Fault::Tls(TlsFault::Alert(alert))),
                None => Err(Misspelling::new(offset, list_alerts())),
            },
            FaultArgument::StreamLimit => match argument.parse() {
                Ok(limit) if limit <= MAX_STREAM_LIMIT => Ok(Fault::Request(RequestFault::LimitStreams(limit))),
                Ok(_) | Err(_) => {
                    Err(Misspelling::new(offset, format!("a number from 0 to {MAX_STREAM_LIMIT} is expected")))
                }
            },
        }
    }

    /// Returns how the fault is written on the command line.
    fn usage(&self) -> String {
        match self.argument {
            FaultArgument::Nothing(_) => self.name.to_owned(),
            FaultArgument::Alert => format!("{}:NAME", self.name),
            FaultArgument::Reason(_) => format!("{}:REASON", self.name),
            FaultArgument::StreamLimit => format!("{}:N", self.name),
        }
    }
}

/// Returns all faults with an argument that is a name, as they are written.
pub(crate) fn texts() -> Vec<String> {
    let mut texts = Vec::new();
    for entry in &FAULTS {
        let names = match entry.argument {
            FaultArgument::Alert => REFUSALS.map(|refusal| alert::name(refusal.number)).to_vec(),
            FaultArgument::Reason(_) => REASONS.map(|reason| reason.name.to_owned()).to_vec(),
            FaultArgument::Nothing(_) | FaultArgument::StreamLimit => Vec::new(),
        };
        for name in names {
            texts.push(format!("{}:{name}", entry.name));
        }
    }
    texts
}

/// An alert and its number.
struct RefusalEntry {
    number: u8,
    alert: RefusalAlert,
}

const fn refusal(number: u8, alert: RefusalAlert) -> RefusalEntry {
    RefusalEntry { number, alert }
}

const REFUSALS: [RefusalEntry; 7] = [
    refusal(40, RefusalAlert::HandshakeFailure),
    refusal(42, RefusalAlert::BadCertificate),
    refusal(44, RefusalAlert::CertificateRevoked),
    refusal(45, RefusalAlert::CertificateExpired),
    refusal(46, RefusalAlert::CertificateUnknown),
    refusal(48, RefusalAlert::UnknownCa),
    refusal(80, RefusalAlert::InternalError),
];

impl RefusalAlert {
    fn parse(name: &str) -> Option<Self> {
        let number = alert::number(&name.replace('-', "_"))?;
        for entry in REFUSALS {
            if entry.number == number {
                return Some(entry.alert);
            }
        }
        None
    }
}

fn list_alerts() -> String {
    let names = REFUSALS.map(|entry| alert::name(entry.number));
    format!("one of these alerts is expected: {}", names.join(", "))
}

fn list_reasons() -> String {
    let names = REASONS.map(|reason| reason.name);
    format!("a reason is expected, one of these or any other: {}", names.join(", "))
}

impl FromStr for PlannedFault {
    type Err = String;

    /// Parses `NAME`, `NAME:ARGUMENT`, and either with a course after `@`.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|wrong| {
            // People count characters, from 1.
            let position = text[..wrong.offset.min(text.len())].chars().count() + 1;
            format!("at character {position}: {}", wrong.expected)
        })
    }
}

impl PlannedFault {
    fn parse(text: &str) -> Result<Self, Misspelling> {
        let (what, course) = match text.split_once('@') {
            Some((what, course)) => (what, Some(course)),
            None => (text, None),
        };
        let (name, argument) = what.split_once(':').unwrap_or((what, ""));
        let Some(entry) = FAULTS.iter().find(|entry| entry.name == name) else {
            return Err(Misspelling::new(0, format!("one of these is expected:{}", list())));
        };
        let fault = entry.parse(argument, name.len() + 1)?;
        match course {
            None => Ok(Self { text: text.to_owned(), fault, course: Course::default() }),
            Some(course) => {
                let (fault, course) = with_course(fault, course, what.len() + 1)?;
                Ok(Self { text: text.to_owned(), fault, course })
            }
        }
    }
}

/// Parses the course of a fault, which begins at `offset`.
fn with_course(fault: Fault, course: &str, offset: usize) -> Result<(Fault, Course), Misspelling> {
    if matches!(fault, Fault::Listen(_)) {
        return Err(Misspelling::new(offset, "this fault has no course: it is there from the start to the end"));
    }
    let course = Course::parse(course, offset)?;
    if course.lasting.is_some() && !matches!(fault, Fault::Request(RequestFault::LimitStreams(_))) {
        return Err(Misspelling::new(offset, "only limit-streams takes for=TIME"));
    }
    let fault = match fault {
        Fault::Frame(FrameFault::GoAway(reason)) if course.counts_occasions() => {
            Fault::Request(RequestFault::GoAway(GoAway { reason, stays_open: false }))
        }
        fault => fault,
    };
    Ok((fault, course))
}

/// Formats the table for the help.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for entry in &FAULTS {
        let effect = broken(entry.effect).join(&format!("\n{:<25}", ""));
        text += &format!("\n  {:<22} {effect}", entry.usage());
    }
    text
}

/// Breaks a text into lines that fit beside the names, in 80 columns.
fn broken(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if !line.is_empty() && line.len() + word.len() < 55 => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if line.is_empty() => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns the fault that keeps clients from connecting.
pub(super) fn find_listen(planned: &[PlannedFault]) -> Option<ListenFault> {
    for PlannedFault { fault, .. } in planned {
        if let Fault::Listen(fault) = fault {
            return Some(*fault);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Fault {
        text.parse::<PlannedFault>().unwrap().fault
    }

    #[test]
    fn names() {
        assert_eq!(parse("stall-tls"), Fault::Tcp(TcpFault::StallTls));
        let alert = TlsFault::Alert(RefusalAlert::CertificateExpired);
        assert_eq!(parse("alert:certificate-expired"), Fault::Tls(alert));
        assert_eq!(parse("goaway:BadCertificate"), Fault::Frame(FrameFault::GoAway("BadCertificate".to_owned())));
        assert_eq!(parse("limit-streams:0"), Fault::Request(RequestFault::LimitStreams(0)));
    }

    #[test]
    fn a_goaway_comes_with_a_request_if_its_course_counts_them() {
        let at_request = Fault::Request(RequestFault::GoAway(GoAway { reason: "x".to_owned(), stays_open: false }));
        let at_start = Fault::Frame(FrameFault::GoAway("x".to_owned()));
        for (course, expected) in
            [("after=1", &at_request), ("every=2", &at_request), ("rate=1%", &at_request), ("times=1", &at_start)]
        {
            assert_eq!(parse(&format!("goaway:x@{course}")), *expected, "{course}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_place_and_the_names() {
        for (wrong, position, named) in [
            ("", 1, "stall-tls"),
            ("stall", 1, "stall-tls"),
            ("stall@after=1", 1, "stall-tls"),
            ("alert", 6, "certificate_expired"),
            ("alert:nonsense", 7, "certificate_expired"),
            ("alert:close_notify", 7, "certificate_expired"),
            ("reset:now", 7, "no argument"),
            ("goaway", 7, "Shutdown"),
            ("goaway:", 8, "Shutdown"),
            ("goaway:@after=1", 8, "Shutdown"),
            ("limit-streams:1001", 15, "from 0 to 1000"),
            ("reset@afer=1", 7, "after=N"),
            ("answer:É@after=1,x=1", 18, "after=N"),
            ("refuse-tcp@after=1", 12, "no course"),
            ("reset@for=1s", 7, "limit-streams"),
        ] {
            let message = wrong.parse::<PlannedFault>().unwrap_err();
            assert!(message.starts_with(&format!("at character {position}: ")), "{wrong}: {message}");
            assert!(message.contains(named), "{wrong}: {message}");
        }
    }
}
