//! The ways in which the gateway can be made to fail.

use std::str::FromStr;

use crate::apns::alert;

/// One way to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    RefuseTcp,
    StallTcp,
    CloseTcp,
    StallTls,
    Slow,
    Alert(u8),
    NoAlpn,
    NoRequest,
    WrongHost,
    ExpiredServer,
    SelfSigned,
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
    StallBody,
    HugeHeaders,
    NotJson,
    Answer(String),
}

type Make = fn(&str) -> Option<Fault>;

/// Name, what the argument is (empty: there is none), how it is made, and what it does.
pub const FAULTS: [(&str, &str, Make, &str); 25] = [
    ("refuse-tcp", "", |_| Some(Fault::RefuseTcp), "nobody listens"),
    ("stall-tcp", "", |_| Some(Fault::StallTcp), "connections are not answered (Linux)"),
    ("close-tcp", "", |_| Some(Fault::CloseTcp), "connections are closed at once"),
    ("stall-tls", "", |_| Some(Fault::StallTls), "the TLS handshake is not answered"),
    ("slow", "", |_| Some(Fault::Slow), "a byte every 100 ms"),
    ("alert", "NAME", parse_alert, "the client's certificate is refused with this TLS alert"),
    ("no-alpn", "", |_| Some(Fault::NoAlpn), "no protocol is chosen"),
    ("no-request", "", |_| Some(Fault::NoRequest), "no certificate is asked for"),
    ("wrong-host", "", |_| Some(Fault::WrongHost), "the server's certificate is for another host"),
    ("expired-server", "", |_| Some(Fault::ExpiredServer), "the server's certificate has expired"),
    ("self-signed", "", |_| Some(Fault::SelfSigned), "the server's certificate is signed by itself"),
    ("close-tls", "", |_| Some(Fault::CloseTls), "connections are closed after the TLS handshake"),
    ("stall-settings", "", |_| Some(Fault::StallSettings), "nothing is said in HTTP/2"),
    ("no-settings", "", |_| Some(Fault::NoSettings), "HTTP/2 begins with another frame than SETTINGS"),
    ("garbage", "", |_| Some(Fault::Garbage), "after SETTINGS come frames that are none"),
    ("http1", "", |_| Some(Fault::Http1), "the answer is in HTTP/1.1"),
    ("goaway", "REASON", |reason| Some(Fault::GoAway(reason.to_owned())), "GOAWAY with this reason after SETTINGS"),
    (
        "goaway-midway",
        "REASON",
        |reason| Some(Fault::GoAwayMidway(reason.to_owned())),
        "GOAWAY with this reason instead of an answer",
    ),
    ("close-midway", "", |_| Some(Fault::CloseMidway), "connections are closed instead of an answer"),
    ("reset", "", |_| Some(Fault::Reset), "requests are reset (RST_STREAM)"),
    ("stall-answer", "", |_| Some(Fault::StallAnswer), "requests are not answered"),
    ("stall-body", "", |_| Some(Fault::StallBody), "answers have no end"),
    ("huge-headers", "", |_| Some(Fault::HugeHeaders), "answers have a megabyte of headers"),
    ("not-json", "", |_| Some(Fault::NotJson), "bodies are not JSON"),
    (
        "answer",
        "REASON",
        |reason| Some(Fault::Answer(reason.to_owned())),
        "this reason, known or not; with status 429 and 503 comes Retry-After",
    ),
];

fn parse_alert(name: &str) -> Option<Fault> {
    // Only what a verdict on a certificate can bring about, see `acceptor`.
    const POSSIBLE: [u8; 7] = [40, 42, 44, 45, 46, 48, 80];
    let name = name.replace('-', "_");
    let alert = alert::ALERTS.iter().find(|alert| alert.name == name)?;
    POSSIBLE.contains(&alert.number).then_some(Fault::Alert(alert.number))
}

impl FromStr for Fault {
    type Err = String;

    /// `NAME`, or `NAME:ARGUMENT`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        let found = FAULTS.iter().find(|(known, takes, ..)| *known == name && takes.is_empty() == argument.is_empty());
        found.and_then(|(_, _, make, _)| make(argument)).ok_or_else(|| format!("one of these is expected:{}", list()))
    }
}

/// The table as the help shows it.
pub(crate) fn list() -> String {
    let line = |(name, takes, _, does): &(&str, &str, Make, &str)| {
        let name = if takes.is_empty() { (*name).to_owned() } else { format!("{name}:{takes}") };
        format!("\n  {name:<22} {does}")
    };
    FAULTS.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!("stall-tls".parse(), Ok(Fault::StallTls));
        assert_eq!("alert:certificate-expired".parse(), Ok(Fault::Alert(45)));
        assert_eq!("goaway:BadCertificate".parse(), Ok(Fault::GoAway("BadCertificate".to_owned())));
        for wrong in ["", "stall", "alert", "alert:nonsense", "alert:close_notify", "reset:now", "goaway:"] {
            assert!(wrong.parse::<Fault>().unwrap_err().contains("stall-tls"), "{wrong}");
        }
    }
}
