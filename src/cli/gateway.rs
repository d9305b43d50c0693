//! Arguments of `pushcert gateway`.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::apns::notification::is_topic;
use crate::apns::provider_token::is_id;
use crate::certificate::apple::Environment;
use crate::cli::password::os_string;
use crate::cli::values;
use crate::gateway;
use crate::gateway::acceptor::TlsVersions;
use crate::gateway::course::COURSE_USAGE;
use crate::gateway::fault::{self, PlannedFault};
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(crate) struct GatewayArgs {
    /// The address to listen on, or localhost, which is 127.0.0.1; with port 0 the system chooses a port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = parse_address)]
    pub(crate) listen: SocketAddr,

    /// A further host name or address of the server's certificate, for compose and Kubernetes; repeatable.
    /// It always has localhost, 127.0.0.1, ::1 and Apple's hosts
    #[arg(long, value_name = "HOST", value_parser = parse_name)]
    pub(crate) name: Vec<String>,

    /// The environment; certificates for the other one are refused
    #[arg(long, value_enum, default_value = "production")]
    pub(crate) environment: GatewayEnvironment,

    /// Accept client certificates from the authorities in this file, or the certificates in it themselves
    /// [default: from a throwaway authority, which issues one]
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Option<Location>,

    /// The topics of the certificate that the throwaway authority issues; the first is its bundle ID
    /// [default: com.example.MyApp, and its .voip and .complication]
    #[arg(long, value_name = "TOPIC", conflicts_with = "client_ca", value_parser = parse_topic)]
    pub(crate) topic: Vec<String>,

    /// Accept provider tokens that are signed with this key (a .p8 file, or its public half in PEM or DER); repeatable.
    /// Their team may send to the topics of --topic, with the suffix of any push type
    #[arg(long, value_name = "KEYID:TEAMID:FILE", value_parser = OsStringValueParser::new().try_map(parse_team_key))]
    pub(crate) p8_key: Vec<TeamKeyFile>,

    /// The known device tokens, one on each line, followed by known, topic=TOPIC, unregistered or expired (both with a
    /// time in milliseconds, else the 410 has the time at which the file was read), by production or sandbox for the
    /// environment that it belongs to, and by limit=N for 429 after N notifications in a minute. Other tokens are
    /// answered with BadDeviceToken. SIGHUP reads the file again, but not a pipe
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<Location>,

    /// Write ca_file and client_file to this folder [default: a temporary one], which is made if it is not there. The
    /// simulated devices are kept in it for the next gateway, in devices.ndjson
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,

    /// Let simulated devices (pushcert device) connect although the address is not of this machine alone
    #[arg(long)]
    pub(crate) devices: bool,

    /// Refuse what Apple documents as an error although APNs may accept it: a background notification with priority 10
    #[arg(long)]
    pub(crate) strict: bool,

    /// The versions of TLS to speak
    #[arg(long, value_enum, default_value = "both")]
    pub(crate) tls: GatewayTls,

    /// Fail in this way, always or on the course after @ (see the list below); repeatable: of the faults
    /// that strike, the first is played
    #[arg(long, value_name = "NAME[:ARGUMENT][@COURSE]", value_parser = faults(), hide_possible_values = true)]
    pub(crate) fault: Vec<PlannedFault>,

    /// The number of streams that a client may open at a time
    #[arg(long, value_name = "N", default_value_t = gateway::DEFAULT_MAX_STREAMS, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) max_streams: u32,

    /// Log each request, and what never became one, as a line of JSON (see the README); - is standard
    /// output, after the line that announces the gateway. Device tokens are in it: only the owner can
    /// read the file
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<Location>,

    /// Empty the file of --log if it exists and is an earlier log
    #[arg(long, requires = "log")]
    pub(crate) force: bool,

    /// Log each request as one line on standard error
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

/// A token signing key, and its names.
#[derive(Debug, Clone)]
pub(crate) struct TeamKeyFile {
    pub(crate) key_id: String,
    pub(crate) team_id: String,
    pub(crate) file: Location,
}

fn after_help() -> String {
    format!(
        "\
When it is ready it prints one line of JSON: address, ca_file (the authority that clients must
trust) and client_file (a push certificate with its key). SIGINT, SIGTERM, SIGQUIT and SIGHUP stop
it and remove both files. At a terminal it prints the commands that go on from there: a simulated
device, and a push to it. With a regular file of --tokens SIGHUP reads that again instead, unless the
terminal that it was started at is gone.

Faults:{}

The course of a fault ({COURSE_USAGE}):
  after=N        N occasions pass without it; an occasion is a request, and a
                 connection for the faults that come before HTTP/2 (to
                 self-signed) and before requests (to goaway). All connections
                 are counted together, and so are all requests
  every=N        it strikes every Nth of the occasions that follow
  times=N        it strikes at most N times
  connections=N  it strikes only the first N connections
  rate=P%        it strikes this share of the occasions; seed=N chooses which,
                 the same in every run (0 if it is left out)
  for=TIME       limit-streams alone: the limit rises again after this time,
                 such as 500ms or 2s

Examples:
  pushcert gateway -v
  pushcert gateway --listen 127.0.0.1:2197 --environment sandbox --tokens devices.txt
  pushcert gateway --fault goaway:BadCertificateEnvironment
  pushcert gateway --fault goaway:Shutdown@after=100,times=1 --fault answer:TooManyRequests@rate=1%",
        fault::list()
    )
}

/// The choices of `--environment`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GatewayEnvironment {
    Production,
    Sandbox,
}

impl From<GatewayEnvironment> for Environment {
    fn from(choice: GatewayEnvironment) -> Self {
        match choice {
            GatewayEnvironment::Production => Self::Production,
            GatewayEnvironment::Sandbox => Self::Sandbox,
        }
    }
}

/// The choices of `--tls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GatewayTls {
    #[value(name = "1.2")]
    V12,
    #[value(name = "1.3")]
    V13,
    Both,
}

impl From<GatewayTls> for TlsVersions {
    fn from(choice: GatewayTls) -> Self {
        match choice {
            GatewayTls::V12 => Self::V12,
            GatewayTls::V13 => Self::V13,
            GatewayTls::Both => Self::Both,
        }
    }
}

/// Parses an address and a port. Of host names, localhost and those below it lead to this machine everywhere (RFC 6761
/// section 6.3); another may lead elsewhere tomorrow.
fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some((host, port)) = text.split_once(':')
        && is_localhost(host)
        && let Ok(port) = port.parse()
    {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    Err("an address, or localhost, and a port are expected, such as 127.0.0.1:2197, localhost:2197 or [::1]:0"
        .to_owned())
}

fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.strip_suffix(".localhost").is_some_and(is_host)
}

fn parse_name(text: &str) -> Result<String, String> {
    if is_host(text) || text.parse::<IpAddr>().is_ok() {
        return Ok(text.to_owned());
    }
    Err("a host name or an address without a port is expected, such as apns.test.svc".to_owned())
}

/// Returns whether a text is a host name, the first label of which may be an asterisk.
fn is_host(text: &str) -> bool {
    let rest = text.strip_prefix("*.").unwrap_or(text);
    (1..=253).contains(&text.len()) && rest.split('.').all(is_host_label)
}

/// RFC 1123 section 2.1, and underscores, which names in compose have.
fn is_host_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Returns what follows a beginning in ASCII.
fn tail(argument: &OsStr, start: usize) -> Option<OsString> {
    match argument.to_str() {
        Some(text) => Some(text[start..].into()),
        None => os_string(&argument.as_encoded_bytes()[start..]),
    }
}

fn parse_team_key(argument: OsString) -> Result<TeamKeyFile, String> {
    // The name of the file need not be UTF-8.
    let text = argument.to_string_lossy();
    let mut parts = text.splitn(3, ':');
    if let (Some(key_id), Some(team_id), Some(_)) = (parts.next(), parts.next(), parts.next())
        && is_id(key_id)
        && is_id(team_id)
        && let Some(file) = tail(&argument, key_id.len() + team_id.len() + 2)
    {
        return Ok(TeamKeyFile {
            key_id: key_id.to_owned(),
            team_id: team_id.to_owned(),
            file: Location::parse(file)?,
        });
    }
    Err("a key ID, a Team ID (ten capital letters and digits each) and a file are expected, such as \
         ABC123DEFG:TEAMID1234:AuthKey_ABC123DEFG.p8"
        .to_owned())
}

pub(super) fn parse_topic(text: &str) -> Result<String, String> {
    if is_topic(text) { Ok(text.to_owned()) } else { Err("a topic such as com.example.MyApp is expected".to_owned()) }
}

fn faults() -> values::Begun<PlannedFault> {
    values::Begun::new(fault::FAULTS.iter().map(|entry| entry.name), str::parse)
}
