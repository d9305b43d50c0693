//! Arguments of `pushcert gateway`.

use std::net::SocketAddr;

use clap::{Args, ValueEnum};

use crate::apns::notification::is_topic;
use crate::certificate::apple::Environment;
use crate::gateway::acceptor::TlsVersions;
use crate::gateway::fault::{self, Fault};
use crate::world::files::Location;

/// Arguments of `pushcert gateway`.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct GatewayArgs {
    /// Where to listen; with port 0 the system chooses
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    /// The environment to stand for: certificates of the other are refused
    #[arg(long, value_enum, default_value = "production")]
    pub(crate) environment: Served,

    /// Take client certificates from the authorities in this file [default: from a throwaway authority,
    /// which issues one]
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Option<Location>,

    /// The topics of the certificate that the throwaway authority issues; the first is its bundle ID
    /// [default: com.example.MyApp, and its .voip and .complication]
    #[arg(long, value_name = "TOPIC", conflicts_with = "client_ca", value_parser = parse_topic)]
    pub(crate) topic: Vec<String>,

    /// The devices: a token a line, then known, topic=TOPIC, unregistered or expired. Others are answered
    /// with BadDeviceToken
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<Location>,

    /// The versions of TLS to speak
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) tls: Tls,

    /// Fail in this way (see the list below)
    #[arg(long, value_name = "NAME[:ARGUMENT]")]
    pub(crate) fault: Option<Fault>,

    /// Log a line a request on standard error
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

fn after_help() -> String {
    format!(
        "\
When it is ready it prints one line of JSON: address, ca_file (whom clients are to trust) and
client_file (a push certificate with its key). Both files are gone when it stops, on SIGINT or
SIGTERM.

Faults:{}

Examples:
  pushcert gateway -v
  pushcert gateway --listen 127.0.0.1:2197 --environment sandbox --tokens devices.txt
  pushcert gateway --fault goaway:BadCertificateEnvironment",
        fault::list()
    )
}

/// The environment served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Served {
    Production,
    Sandbox,
}

impl From<Served> for Environment {
    fn from(served: Served) -> Self {
        match served {
            Served::Production => Self::Production,
            Served::Sandbox => Self::Sandbox,
        }
    }
}

/// The versions of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tls {
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
    Both,
}

impl From<Tls> for TlsVersions {
    fn from(tls: Tls) -> Self {
        match tls {
            Tls::V12 => Self::V12,
            Tls::V13 => Self::V13,
            Tls::Both => Self::Both,
        }
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "an address and a port are expected, such as 127.0.0.1:2197 or [::1]:0".to_owned())
}

fn parse_topic(text: &str) -> Result<String, String> {
    if is_topic(text) { Ok(text.to_owned()) } else { Err("a topic such as com.example.MyApp is expected".to_owned()) }
}
