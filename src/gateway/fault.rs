//! The faults: the ways in which the gateway can be made to fail.
//!
//! To add one, add a row to [`FAULTS`] and a variant to the enum of the layer that plays it. Each of these enums is
//! matched in one place, which the compiler then points to.

use std::str::FromStr;

use crate::net::alert;

/// A fault, by the layer that plays it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Clients get no TCP connection (`listener.rs`).
    Listen(ListenFault),
    /// TCP connections misbehave (`transport.rs`).
    Tcp(TcpFault),
    /// TLS handshakes go wrong (`acceptor.rs`).
    Tls(TlsFault),
    /// HTTP/2 connections misbehave after the TLS handshake (`frame_faults.rs`).
    Frame(FrameFault),
    /// Responses to requests are wrong (`responder.rs`).
    Response(ResponseFault),
}

/// A fault of the listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenFault {
    Refuse,
    Stall,
}

/// A fault of TCP connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpFault {
    Close,
    StallTls,
    Slow,
}

/// A fault of TLS handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsFault {
    Alert(RefusalAlert),
    NoAlpn,
    NoRequest,
    WrongHost,
    ExpiredServer,
    SelfSigned,
}

/// An alert that OpenSSL can send for a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalAlert {
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
pub enum FrameFault {
    CloseTls,
    StallSettings,
    NoSettings,
    Garbage,
    Http1,
    GoAway(String),
    GoAwayMidway(String),
    CloseMidway,
    Reset,
    StallAnswer,
}

/// A fault of responses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseFault {
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
    effect: &'static str,
}

/// The argument that follows the name of a fault, and the fault that they make.
enum FaultArgument {
    Nothing(Fault),
    Alert,
    Reason(fn(String) -> Fault),
}

const fn plain(name: &'static str, fault: Fault, effect: &'static str) -> FaultEntry {
    FaultEntry { name, argument: FaultArgument::Nothing(fault), effect }
}

const fn with_reason(name: &'static str, make: fn(String) -> Fault, effect: &'static str) -> FaultEntry {
    FaultEntry { name, argument: FaultArgument::Reason(make), effect }
}

/// All faults, in the order of the layers.
pub static FAULTS: [FaultEntry; 25] = [
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
    with_reason("goaway", |reason| Fault::Frame(FrameFault::GoAway(reason)), "GOAWAY with this reason after SETTINGS"),
    with_reason(
        "goaway-midway",
        |reason| Fault::Frame(FrameFault::GoAwayMidway(reason)),
        "GOAWAY with this reason instead of an answer",
    ),
    plain("close-midway", Fault::Frame(FrameFault::CloseMidway), "connections are closed instead of an answer"),
    plain("reset", Fault::Frame(FrameFault::Reset), "requests are reset (RST_STREAM)"),
    plain("stall-answer", Fault::Frame(FrameFault::StallAnswer), "requests are not answered"),
    plain("stall-body", Fault::Response(ResponseFault::StallBody), "answers have no end"),
    plain("huge-headers", Fault::Response(ResponseFault::HugeHeaders), "answers have a megabyte of headers"),
    plain("not-json", Fault::Response(ResponseFault::NotJson), "bodies are not JSON"),
    with_reason(
        "answer",
        |reason| Fault::Response(ResponseFault::Answer(reason)),
        "this reason, known or not; with status 429 and 503 comes Retry-After",
    ),
];

impl FaultEntry {
    /// Makes the fault; returns `None` if the argument does not fit.
    fn parse(&self, argument: &str) -> Option<Fault> {
        match &self.argument {
            FaultArgument::Nothing(fault) if argument.is_empty() => Some(fault.clone()),
            FaultArgument::Reason(make) if !argument.is_empty() => Some(make(argument.to_owned())),
            FaultArgument::Alert => Some(Fault::Tls(TlsFault::Alert(RefusalAlert::parse(argument)?))),
            FaultArgument::Nothing(_) | FaultArgument::Reason(_) => None,
        }
    }

    /// Returns how the fault is written on the command line.
    fn usage(&self) -> String {
        match self.argument {
            FaultArgument::Nothing(_) => self.name.to_owned(),
            FaultArgument::Alert => format!("{}:NAME", self.name),
            FaultArgument::Reason(_) => format!("{}:REASON", self.name),
        }
    }
}

impl RefusalAlert {
    fn parse(name: &str) -> Option<Self> {
        match alert::number(&name.replace('-', "_"))? {
            40 => Some(Self::HandshakeFailure),
            42 => Some(Self::BadCertificate),
            44 => Some(Self::CertificateRevoked),
            45 => Some(Self::CertificateExpired),
            46 => Some(Self::CertificateUnknown),
            48 => Some(Self::UnknownCa),
            80 => Some(Self::InternalError),
            _ => None,
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    /// Parses `NAME` or `NAME:ARGUMENT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        for entry in &FAULTS {
            if entry.name == name
                && let Some(fault) = entry.parse(argument)
            {
                return Ok(fault);
            }
        }
        Err(format!("one of these is expected:{}", list()))
    }
}

/// Formats the table for the help.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for entry in &FAULTS {
        text += &format!("\n  {:<22} {}", entry.usage(), entry.effect);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!("stall-tls".parse(), Ok(Fault::Tcp(TcpFault::StallTls)));
        let alert = TlsFault::Alert(RefusalAlert::CertificateExpired);
        assert_eq!("alert:certificate-expired".parse(), Ok(Fault::Tls(alert)));
        let goaway = FrameFault::GoAway("BadCertificate".to_owned());
        assert_eq!("goaway:BadCertificate".parse(), Ok(Fault::Frame(goaway)));
        for wrong in ["", "stall", "alert", "alert:nonsense", "alert:close_notify", "reset:now", "goaway:"] {
            assert!(wrong.parse::<Fault>().unwrap_err().contains("stall-tls"), "{wrong}");
        }
    }
}
