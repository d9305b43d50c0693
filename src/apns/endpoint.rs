//! Gateways: where APNs listens, and where it once did.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::certificate::apple::Environment;

/// The ports of APNs: the second for networks that keep the first to themselves (Apple, "Sending
/// notification requests to APNs").
pub(crate) const PORTS: [u16; 2] = [443, 2197];

/// The hosts of an environment; the first is the one to use.
pub(crate) const fn hosts(environment: Environment) -> &'static [&'static str] {
    match environment {
        Environment::Production => &["api.push.apple.com"],
        Environment::Sandbox => &["api.sandbox.push.apple.com", "api.development.push.apple.com"],
    }
}

/// The hosts of the binary protocol, gone since 2021-03-31.
const RETIRED: [(&str, Environment); 4] = [
    ("gateway.push.apple.com", Environment::Production),
    ("gateway.sandbox.push.apple.com", Environment::Sandbox),
    ("feedback.push.apple.com", Environment::Production),
    ("feedback.sandbox.push.apple.com", Environment::Sandbox),
];

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl Endpoint {
    /// Apple's gateway for an environment.
    pub(crate) fn of(environment: Environment, port: u16) -> Self {
        Self { host: hosts(environment)[0].to_owned(), port }
    }

    /// The address, where the host is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The environment that this gateway of Apple's serves.
    pub(crate) fn environment(&self) -> Option<Environment> {
        let is_host = |environment: &Environment| hosts(*environment).contains(&self.host.as_str());
        [Environment::Production, Environment::Sandbox].into_iter().find(is_host)
    }

    /// Whether it is a gateway of the retired binary protocol, and of which environment.
    pub(crate) fn retired(&self) -> Option<Environment> {
        RETIRED.iter().find(|(host, _)| *host == self.host).map(|(_, environment)| *environment)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    /// `HOST:PORT`, `ADDRESS:PORT`, `[IPv6]:PORT`; without a port, 443.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "HOST:PORT is expected, such as api.push.apple.com:443 or [::1]:2197".to_owned();
        if text.contains('/') || text.contains('@') {
            return Err(expected());
        }
        let (host, port) = if let Ok(address) = text.parse::<IpAddr>() {
            (address.to_string(), None)
        } else if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(expected)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| expected())?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(expected)?) };
            (host.to_owned(), port)
        } else {
            match text.rsplit_once(':') {
                Some((host, port)) => (host.to_owned(), Some(port)),
                None => (text.to_owned(), None),
            }
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if host.is_empty() || (!host.contains(':') && !host.chars().all(is_name)) || host.len() > 253 {
            return Err(expected());
        }
        if host.contains(':') && host.parse::<IpAddr>().is_err() {
            return Err(expected());
        }
        let port = match port {
            None => PORTS[0],
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or_else(expected)?,
        };
        Ok(Self { host: host.to_ascii_lowercase(), port })
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
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:2197", "[::1]:2197"),
            ("[::1]", "[::1]:443"),
            ("::1", "[::1]:443"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), shown);
        }
        for wrong in
            ["", ":1", "a:0", "a:65536", "a:", "a:x", "[a]:1", "[::1]x", "a b:1", "https://a", "u@a:1", "a:b:1"]
        {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn retired_gateways_are_known() {
        let retired = |text: &str| text.parse::<Endpoint>().unwrap().retired();
        assert_eq!(retired("gateway.sandbox.push.apple.com:2195"), Some(Environment::Sandbox));
        assert_eq!(retired("feedback.push.apple.com:2196"), Some(Environment::Production));
        assert_eq!(retired("api.push.apple.com:443"), None);
        assert_eq!(Endpoint::of(Environment::Sandbox, 443).environment(), Some(Environment::Sandbox));
    }
}
