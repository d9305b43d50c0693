//! A server's host and port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use http::uri::Authority;

/// The port where none is given.
const HTTPS_PORT: u16 = 443;
/// The longest host name (RFC 1035 section 2.3.4, as text).
const MAX_NAME: usize = 253;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// A name in lower case, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    /// Returns the address if the host is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Reads host and port of a URL's authority (RFC 3986 section 3.2).
    pub(crate) fn from_authority(authority: &Authority, default_port: u16) -> Option<Self> {
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let (_, after_host) = authority.as_str().rsplit_once(authority.host())?;
        let port = match after_host.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None => default_port,
        };
        let host = without_root(host);
        if host.is_empty() { None } else { Some(Self { host: host.to_ascii_lowercase(), port }) }
    }

    /// Parses `HOST:PORT`, `ADDRESS:PORT` or `[IPv6]:PORT`; the port may be missing.
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            return Some(Self { host: address.to_string(), port: HTTPS_PORT });
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            let port = if rest.is_empty() { HTTPS_PORT } else { parse_port(rest.strip_prefix(':')?)? };
            return Some(Self { host: host.to_ascii_lowercase(), port });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, parse_port(port)?),
            None => (text, HTTPS_PORT),
        };
        let host = without_root(host);
        is_host_name(host).then(|| Self { host: host.to_ascii_lowercase(), port })
    }
}

/// Returns a name without the dot for the root, which neither SNI nor certificates have (RFC 6066 section 3).
fn without_root(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn parse_port(text: &str) -> Option<u16> {
    let port: NonZeroU16 = text.parse().ok()?;
    Some(port.get())
}

fn is_host_name(host: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !host.is_empty() && host.len() <= MAX_NAME && host.chars().all(is_allowed)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Self::parse(text) {
            Some(endpoint) => Ok(endpoint),
            None => Err("HOST:PORT is expected, such as api.push.apple.com:443 or [::1]:2197".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for (text, shown) in [
            ("api.push.apple.com:2197", "api.push.apple.com:2197"),
            ("LOCALHOST", "localhost:443"),
            ("api.push.apple.com.", "api.push.apple.com:443"),
            ("localhost.:1", "localhost:1"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:2197", "[::1]:2197"),
            ("[::1]", "[::1]:443"),
            ("::1", "[::1]:443"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            ".",
            ".:1",
            ":1",
            "a:0",
            "a:65536",
            "a:",
            "a:x",
            "[a]:1",
            "[::1]x",
            "a b:1",
            "https://a",
            "u@a:1",
            "a:b:1",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }
}
