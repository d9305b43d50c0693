//! Arguments of `pushcert push`.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::apns::endpoint::PORTS;
use crate::apns::notification::{MAX_COLLAPSE_ID, PRIORITIES, PUSH_TYPES, PushType, is_uuid};
use crate::certificate::apple::Environment;
use crate::cli::{OpeningArgs, values};
use crate::net::endpoint::Endpoint;
use crate::push::shard::Shard;
use crate::push::source::InputFormat;
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("recipients").args(["token", "tokens", "database"]).required(true).multiple(true))]
#[command(after_help = "\
Examples:
  pushcert push push.pem --environment sandbox --token 00fc13ad… --alert 'Hello'
  pushcert push push.pem --environment production --tokens devices.txt --title News --alert 'Read more' \\
    --results results.ndjson --unregistered-out gone.csv
  pushcert push push.pem --environment production --tokens devices.txt --title News --alert 'Read more' \\
    --resume results.ndjson --unregistered-out gone.csv
  pushcert push --p8 AuthKey_ABC123DEFG.p8 --team-id TEAMID1234 --topic com.example.MyApp --environment sandbox \\
    --tokens devices.csv --column device_token --payload message.json
  pushcert push push.pem --environment production --database sqlite:tokens.db --title News --alert 'Read more'
  pushcert push client.pem --gateway localhost:2197 --ca-file ca.pem --tokens devices.txt --alert 'Hello' --dry-run

Outcomes: accepted (by APNs, which does not mean delivered), refused, unregistered (status 410: stop sending to it), \
invalid (no device token), not_sent, and unknown: sent, and the connection broke before the answer.

Exit codes: 0 every token was accepted; 1 one was not; 2 the options contradict each other; 3 the payload or the list \
cannot be used; 4 password; 5 none could be sent; 6 the results cannot be written. Ctrl-C, SIGTERM, SIGQUIT and SIGHUP \
end the run in order, with 1; a second one at once.")]
pub(crate) struct PushArgs {
    /// The certificate with its key (.p12, .pem, …), or - for standard input
    #[arg(value_name = "CERT", required_unless_present = "p8")]
    pub(crate) input: Option<Location>,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Take the private key from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<Location>,

    /// Choose one of several identities: a topic, or the certificate's SHA-256 (its first 8 digits do)
    #[arg(long, value_name = "TOPIC|SHA256")]
    pub(crate) select: Option<String>,

    /// Authenticate with provider tokens that this key signs, instead of a certificate: AuthKey_KEYID.p8, in any form
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "key", "select"], requires_all = ["team_id", "topic"])]
    pub(crate) p8: Option<Location>,

    /// Key ID of --p8 [default: the one in the file's name]
    #[arg(long, value_name = "ID", requires = "p8", value_parser = values::parse_id)]
    pub(crate) key_id: Option<String>,

    /// Team ID of --p8
    #[arg(long, value_name = "ID", requires = "p8", value_parser = values::parse_id)]
    pub(crate) team_id: Option<String>,

    /// Environment of APNs to send to; required where the certificate or key serves both
    #[arg(long, value_parser = values::environments())]
    pub(crate) environment: Option<Environment>,

    /// Port of APNs to connect to
    #[arg(long, value_enum, default_value = "443", conflicts_with = "gateway")]
    pub(crate) port: PushPort,

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
        help = "Go through this proxy: http://[USER:PASSWORD@]HOST:PORT or socks5://… [default: as check does]"
    )]
    pub(crate) proxy: Option<values::ProxyUrl>,

    /// Send to this device: hexadecimal digits, with blanks, hyphens, colons or angle brackets as they are pasted, or
    /// Base64; repeatable
    #[arg(long, value_name = "TOKEN", conflicts_with = "tokens")]
    pub(crate) token: Vec<String>,

    /// Send to the devices in this file, or - for standard input: a token each line, CSV or NDJSON
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<Location>,

    /// Send to the registered devices in this database: sqlite:FILE, postgres://USER@HOST/DATABASE, or env:NAME for a
    /// variable with the URL. What APNs calls unregistered since a time after the registration is marked in it
    #[arg(long, value_name = "URL", conflicts_with_all = ["token", "tokens"])]
    pub(crate) database: Option<values::DatabaseUrl>,

    /// Form of --tokens [default: by the file's name (.csv, .ndjson, .jsonl); csv with --column; else lines]
    #[arg(long, value_enum, value_name = "FORMAT", requires = "tokens", conflicts_with_all = ["token", "database"])]
    pub(crate) tokens_format: Option<TokensFormat>,

    /// The column of CSV, or the key of NDJSON, that has the tokens [default: token]
    #[arg(long, value_name = "NAME", requires = "tokens", conflicts_with_all = ["token", "database"])]
    pub(crate) column: Option<String>,

    /// Take the tokens of one part of several: those whose SHA-256 is I modulo N; I counts from 0. A part that has none of
    /// a list's tokens is done, with exit code 0
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,

    /// The same with I from the variable JOB_COMPLETION_INDEX, which a Kubernetes Indexed Job sets
    #[arg(long, value_name = "N", conflicts_with = "shard", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) shards: Option<u64>,

    /// Text of the alert
    #[arg(long, value_name = "TEXT", conflicts_with = "payload", value_parser = values::parse_text)]
    pub(crate) alert: Option<String>,

    /// Title of the alert
    #[arg(long, value_name = "TEXT", conflicts_with = "payload", value_parser = values::parse_text)]
    pub(crate) title: Option<String>,

    /// Subtitle of the alert
    #[arg(long, value_name = "TEXT", conflicts_with = "payload", value_parser = values::parse_text)]
    pub(crate) subtitle: Option<String>,

    /// Number on the app's icon; 0 removes it
    #[arg(long, value_name = "N", conflicts_with = "payload", allow_negative_numbers = true)]
    pub(crate) badge: Option<u32>,

    /// Sound, such as default
    #[arg(long, value_name = "NAME", conflicts_with = "payload", value_parser = values::parse_text)]
    pub(crate) sound: Option<String>,

    /// The whole payload: a file with JSON, or - for standard input [default for a pass in Wallet: {}]
    #[arg(long, value_name = "FILE")]
    pub(crate) payload: Option<Location>,

    /// Push type [default: background for content-available alone, mdm for an MDM payload, else that of the topic]
    #[arg(long, value_name = "TYPE", value_parser = push_types())]
    pub(crate) push_type: Option<PushType>,

    /// Topic; the suffix of the push type is added if it is missing [default: the certificate's for the push type]
    #[arg(long, value_name = "TOPIC", value_parser = values::parse_topic)]
    pub(crate) topic: Option<String>,

    /// Priority [default: 5 for background notifications; else none is sent, which counts as 10]
    #[arg(long, value_name = "N", value_parser = PossibleValuesParser::new(PRIORITIES))]
    pub(crate) priority: Option<String>,

    /// When APNs gives up: a time such as 2026-11-28T12:00:00Z, a number of UNIX seconds, or a time from now such as 30m,
    /// 12h or 7d; 0 means that it tries once [default: APNs decides]
    #[arg(long, value_name = "TIME", value_parser = parse_expiration)]
    pub(crate) expiration: Option<Expiration>,

    /// Identifier by which a later notification replaces an earlier one, 64 bytes at most
    #[arg(long, value_name = "ID", value_parser = parse_collapse_id)]
    pub(crate) collapse_id: Option<String>,

    /// apns-id of the notification, a UUID; for one token alone
    #[arg(long, value_name = "UUID", value_parser = parse_apns_id)]
    pub(crate) apns_id: Option<Uuid>,

    /// Number of connections
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) connections: u16,

    /// The most requests a second
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    pub(crate) rate: Option<f64>,

    /// Time limit of each request, and of each stage of a connection
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::parse_timeout)]
    pub(crate) timeout: Duration,

    /// End the run after this time of nothing but trouble (answers of 5xx, no connection), such as 30s, 10m or 2h; what is
    /// not sent then, --resume sends
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = parse_give_up)]
    pub(crate) give_up: Duration,

    /// Write a line of JSON for each token to this file, which only its owner can read
    #[arg(long, value_name = "FILE")]
    pub(crate) results: Option<Location>,

    /// Go on where a run has ended whose results are in this file, and append to it
    #[arg(long, value_name = "FILE", conflicts_with = "results")]
    pub(crate) resume: Option<std::path::PathBuf>,

    /// Send again where it is unknown whether APNs has accepted the notification, with the same apns-id: some devices may
    /// show it twice
    #[arg(long)]
    pub(crate) resend_unknown: bool,

    /// Write the tokens that are no longer active (status 410) to this file, as CSV with the time since when
    #[arg(long, value_name = "FILE")]
    pub(crate) unregistered_out: Option<Location>,

    /// Overwrite earlier files of --results and --unregistered-out. The list that the run which --resume continues has written
    /// is replaced without it
    #[arg(long)]
    pub(crate) force: bool,

    /// Show the request as it would go out, and connect to nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Do not ask before several devices of the production environment get a notification
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Print the results, a line of JSON for each token
    #[arg(long)]
    pub(crate) json: bool,
}

impl PushArgs {
    /// The certificate's file, or that of the key of provider tokens.
    pub(crate) fn sender_file(&self) -> &Location {
        match (&self.p8, &self.input) {
            (Some(file), _) | (None, Some(file)) => file,
            (None, None) => &Location::Standard,
        }
    }
}

/// A choice of one port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PushPort {
    #[value(name = "443")]
    Https,
    #[value(name = "2197")]
    Other,
}

impl PushPort {
    /// The port chosen.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Https => PORTS[0],
            Self::Other => PORTS[1],
        }
    }
}

/// The choices of `--tokens-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokensFormat {
    Lines,
    Csv,
    Ndjson,
}

impl From<TokensFormat> for InputFormat {
    fn from(choice: TokensFormat) -> Self {
        match choice {
            TokensFormat::Lines => Self::Lines,
            TokensFormat::Csv => Self::Csv,
            TokensFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// The time of expiration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiration {
    /// UNIX seconds.
    At(u64),
    FromNow(Duration),
}

/// The longest span of time, in seconds.
const MAX_SPAN: u64 = 1000 * 365 * 86_400;
/// Seconds since 1970 that nobody means: the year 5138.
const FAR_FUTURE: u64 = 100_000_000_000;

fn parse_expiration(text: &str) -> Result<Expiration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        if seconds > FAR_FUTURE {
            return Err("it counts seconds, not milliseconds".to_owned());
        }
        return Ok(Expiration::At(seconds));
    }
    if let Some(duration) = parse_span(text) {
        if duration.as_secs() > MAX_SPAN {
            return Err("it is a thousand years away, or more".to_owned());
        }
        return Ok(Expiration::FromNow(duration));
    }
    let time: OffsetDateTime = match values::parse_time(text) {
        Ok(time) => time,
        Err(_) => return Err("a time, UNIX seconds, or a span such as 30m, 12h or 7d is expected".to_owned()),
    };
    match u64::try_from(time.unix_timestamp()) {
        Ok(seconds) if seconds > FAR_FUTURE => Err("it is a thousand years away, or more".to_owned()),
        Ok(seconds) => Ok(Expiration::At(seconds)),
        Err(_) => Err("a time after 1970 is expected".to_owned()),
    }
}

/// Parses a span of time such as 30m.
fn parse_span(text: &str) -> Option<Duration> {
    let unit = match text.bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        _ => return None,
    };
    let number: u32 = text[..text.len() - 1].parse().ok()?;
    Some(Duration::from_secs(u64::from(number) * unit))
}

fn parse_give_up(text: &str) -> Result<Duration, String> {
    match parse_span(text) {
        Some(span) if !span.is_zero() => Ok(span),
        Some(_) | None => Err("a time such as 30s, 10m or 2h is expected".to_owned()),
    }
}

fn parse_collapse_id(text: &str) -> Result<String, String> {
    let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match text.len() {
        0 => Err("it is empty".to_owned()),
        length if length > MAX_COLLAPSE_ID => Err(format!("it has {length} bytes, and {MAX_COLLAPSE_ID} are allowed")),
        _ if !is_printable => {
            Err("it has characters that are not printable ASCII, which a header cannot have".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

fn parse_apns_id(text: &str) -> Result<Uuid, String> {
    match Uuid::try_parse(text) {
        Ok(id) if is_uuid(text) => Ok(id),
        Ok(_) | Err(_) => Err("a UUID such as 5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11 is expected".to_owned()),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1_000_000.0).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err("a number of requests a second is expected, from 0.001 to 1000000".to_owned()),
    }
}

fn push_types() -> impl TypedValueParser<Value = PushType> {
    let names = PUSH_TYPES.map(|known| known.name);
    PossibleValuesParser::new(names).map(|name| {
        let found = PUSH_TYPES.into_iter().find(|known| known.name == name);
        found.unwrap_or(PUSH_TYPES[0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_collapse_id_is_said() {
        assert_eq!(parse_collapse_id(&"a".repeat(64)), Ok("a".repeat(64)));
        for (text, words) in [
            ("a".repeat(77), "it has 77 bytes, and 64 are allowed"),
            ("é".repeat(33), "it has 66 bytes, and 64 are allowed"),
            (String::new(), "it is empty"),
            ("café".to_owned(), "not printable ASCII"),
            ("a\nb".to_owned(), "not printable ASCII"),
        ] {
            let refusal = parse_collapse_id(&text).unwrap_err();
            assert!(refusal.contains(words) && !refusal.contains("caf"), "{refusal}");
        }
    }

    #[test]
    fn expirations() {
        for (text, expected) in [
            ("0", Expiration::At(0)),
            ("1800000000", Expiration::At(1_800_000_000)),
            ("2026-11-28T12:00:00Z", Expiration::At(1_795_867_200)),
            ("30m", Expiration::FromNow(Duration::from_secs(1800))),
            ("7d", Expiration::FromNow(Duration::from_secs(604_800))),
        ] {
            assert_eq!(parse_expiration(text), Ok(expected), "{text}");
        }
        for wrong in ["", "-1", "1800000000000", "soon", "1.5h", "h", "1960-01-01", "9999999d", "9999-01-01T00:00:00Z"]
        {
            assert!(parse_expiration(wrong).is_err(), "{wrong}");
        }
    }
}
