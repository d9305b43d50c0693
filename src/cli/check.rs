//! Arguments of `pushcert check`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::apns::endpoint::PORTS;
use crate::apns::notification;
use crate::certificate::apple::Environment;
use crate::certificate::threshold::Threshold;
use crate::check::expectation::Expectation;
use crate::check::outcome::Outcome;
use crate::cli::format::{ReportFormat, check_formats, one_of};
use crate::cli::{OpeningArgs, values};
use crate::net::endpoint::Endpoint;
use crate::push::recipient;
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert check push.pem
  pushcert check cert.p12 --passin env:P12_PASSWORD --environment sandbox
  pushcert check push.pem --warn 30d --fail 7d --expect-topic com.example.MyApp
  pushcert check revoked.pem --expect rejected:certificate_revoked
  pushcert check push.pem --proxy http://proxy:3128 --port both
  pushcert check push.pem --gateway localhost:2197 --ca-file ca.pem --json
  pushcert check --p8 AuthKey_ABC123DEFG.p8 --team-id TEAMID1234 --topic com.example.MyApp

Outcomes: accepted stands only beside exit code 0; a good gateway of a run that ends otherwise has passed. refused, \
rejected and unproven exit with 1, unreachable with 5.

Proxies: HTTPS_PROXY, ALL_PROXY and NO_PROXY follow the rules of hyper-util, which differ from curl's. Of two spellings \
the upper case counts. NO_PROXY is divided by commas alone; an entry is a host, which stands for the hosts below it too, \
an address, a range such as 17.0.0.0/8, or *, and has no port. An HTTPS_PROXY that is not valid is an error, and \
ALL_PROXY is not tried. This machine (localhost, 127.0.0.0/8, ::1) is never reached through a proxy, but for --proxy. \
The proxy resolves names, with socks5:// too; https:// and socks4:// proxies are not supported.")]
pub(crate) struct CheckArgs {
    /// The certificate with its key (.p12, .pem, …), or - for standard input
    #[arg(value_name = "FILE", required_unless_present = "p8")]
    pub(crate) input: Option<Location>,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Take the private key from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<Location>,

    /// Authenticate with a provider token that this key signs, instead of a certificate: AuthKey_KEYID.p8, in any form
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["input", "key", "select", "revocation", "no_probe", "warn", "fail", "expect_topic",
            "expect_environment", "expect_team", "at"],
        requires_all = ["team_id", "topic"]
    )]
    pub(crate) p8: Option<Location>,

    /// Key ID of --p8 [default: the one in the file's name]
    #[arg(long, value_name = "ID", requires = "p8", value_parser = values::parse_id)]
    pub(crate) key_id: Option<String>,

    /// Team ID of --p8
    #[arg(long, value_name = "ID", requires = "p8", value_parser = values::parse_id)]
    pub(crate) team_id: Option<String>,

    /// Choose one of several identities: a topic, or the certificate's SHA-256 (its first 8 digits do)
    #[arg(long, value_name = "TOPIC|SHA256")]
    pub(crate) select: Option<String>,

    /// Environment of APNs to connect to [default: those that the certificate is for]
    #[arg(long, value_enum)]
    pub(crate) environment: Option<Environments>,

    /// Port of APNs to connect to
    #[arg(long, value_enum, default_value = "443", conflicts_with = "gateway")]
    pub(crate) port: Ports,

    /// Connect to this server instead of Apple's
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) gateway: Option<Endpoint>,

    /// Trust only these CA certificates for the server
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<Location>,

    // Not a doc comment: rustdoc would take the brackets for links.
    #[arg(
        long,
        value_name = "URL",
        help = "Go through this proxy: http://[USER:PASSWORD@]HOST:PORT or socks5://… [default: HTTPS_PROXY, or \
                else ALL_PROXY, but for what NO_PROXY names]"
    )]
    pub(crate) proxy: Option<values::ProxyUrl>,

    /// Send no notification: shows how far the connection gets and what the server refuses at once, but
    /// proves nothing: the verdict is never better than "unproven"
    #[arg(long, conflicts_with_all = ["token", "topic"])]
    pub(crate) no_probe: bool,

    /// Send the notification (an empty one) to this device: hexadecimal digits, with blanks, hyphens, colons or angle
    /// brackets as they are pasted, or Base64 [default: to one that does not exist]
    #[arg(long, value_name = "HEX", value_parser = parse_token)]
    pub(crate) token: Option<Zeroizing<String>>,

    /// Send the notification to this topic [default: the certificate's first]
    #[arg(long, value_name = "TOPIC", value_parser = values::parse_topic)]
    pub(crate) topic: Option<String>,

    /// Time limit of each stage
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::parse_timeout)]
    pub(crate) timeout: Duration,

    /// Retry this often after temporary failures (no answer, 429, 5xx), with growing delays and jitter; a
    /// server's Retry-After is obeyed up to 120 s
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) retries: u32,

    /// Ask each address of a gateway, not only the first that answers
    #[arg(long, conflicts_with = "proxy")]
    pub(crate) every_address: bool,

    /// Warn if the server's certificate has fewer days left
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(0..=100_000))]
    pub(crate) server_warn: Option<i64>,

    /// Ask the issuer too if the certificate was revoked (OCSP, CRL), through the same proxy
    #[arg(long)]
    pub(crate) revocation: bool,

    /// Expect this outcome, and exit with 0 only if every gateway gives it: accepted, refused or rejected, if need be with
    /// the reason (rejected:certificate_revoked; rejected:revoked where --revocation finds it); unproven and unreachable are
    /// never what is expected, nor is what only the policy of --warn, --fail and --expect-… refuses
    #[arg(long, value_name = "OUTCOME[:REASON]", value_parser = expectations(), hide_possible_values = true)]
    pub(crate) expect: Option<Expectation>,

    /// Warn if the certificate has less time left: 30d, 12w, 720h, or a share of the lifetime such as 10%
    #[arg(long, value_name = "TIME")]
    pub(crate) warn: Option<Threshold>,

    /// Fail if the certificate has less time left, in the same forms
    #[arg(long, value_name = "TIME")]
    pub(crate) fail: Option<Threshold>,

    /// Fail unless the certificate may send to this topic (repeatable)
    #[arg(long, value_name = "TOPIC")]
    pub(crate) expect_topic: Vec<String>,

    /// Fail unless the certificate may be used in this environment (repeatable)
    #[arg(long, value_name = "ENVIRONMENT", value_parser = values::environments())]
    pub(crate) expect_environment: Vec<Environment>,

    /// Fail unless the certificate belongs to this team
    #[arg(long, value_name = "TEAM-ID")]
    pub(crate) expect_team: Option<String>,

    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = one_of(&check_formats()))]
    pub(crate) format: ReportFormat,

    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,

    /// Write the report to a file, whole or not at all, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<Location>,

    /// Overwrite an existing report, but nothing that may hold a key
    #[arg(long, requires = "output")]
    pub(crate) force: bool,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) at: Option<OffsetDateTime>,
}

impl CheckArgs {
    /// The file under test: the certificate's, or that of the key of provider tokens.
    pub(crate) fn input(&self) -> &Location {
        match (&self.p8, &self.input) {
            (Some(file), _) | (None, Some(file)) => file,
            (None, None) => &Location::Standard,
        }
    }

    /// The format, by whichever flag.
    pub(crate) fn format(&self) -> ReportFormat {
        if self.json { ReportFormat::Json } else { self.format }
    }
}

/// A choice of environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Environments {
    Production,
    Sandbox,
    Both,
}

impl Environments {
    /// The environments chosen.
    pub(crate) fn list(self) -> &'static [Environment] {
        match self {
            Self::Production => &[Environment::Production],
            Self::Sandbox => &[Environment::Sandbox],
            Self::Both => &[Environment::Production, Environment::Sandbox],
        }
    }
}

/// A choice of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ports {
    /// The usual one.
    #[value(name = "443", help = None)]
    Https,
    /// The other one.
    #[value(name = "2197", help = None)]
    Other,
    /// Both.
    #[value(help = None)]
    Both,
}

impl Ports {
    /// The ports chosen.
    pub(crate) fn list(self) -> &'static [u16] {
        match self {
            Self::Https => &PORTS[..1],
            Self::Other => &PORTS[1..],
            Self::Both => &PORTS,
        }
    }
}

fn parse_token(text: &str) -> Result<Zeroizing<String>, String> {
    match recipient::parse(text) {
        Ok(token) => Ok(Zeroizing::new(token.digits().to_owned())),
        Err(_) if notification::is_shortened_token(text) => {
            Err("the description of NSData leaves out the middle of the token: print its bytes in hexadecimal"
                .to_owned())
        }
        Err(_) if notification::is_several_tokens(text) => {
            Err("several tokens, or a token and more, stand where one is expected".to_owned())
        }
        Err(_) => Err("hexadecimal digits are expected, an even number of them".to_owned()),
    }
}

fn expectations() -> values::Begun<Expectation> {
    values::Begun::new(Expectation::OUTCOMES.map(Outcome::word), str::parse)
}
