//! The command line.

pub mod check;
pub mod compare;
pub mod csr;
pub mod expiry;
pub mod format;
pub mod gateway;
pub mod pack;
pub mod password;
pub mod values;

use clap::{Args, Parser, Subcommand, ValueEnum};
use time::OffsetDateTime;

use crate::files::Location;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::report::Field;
use password::PasswordSource;

/// Prepares certificates for Apple push notifications (APNs).
#[derive(Debug, Parser)]
#[command(version, about, after_help = crate::exit::HELP, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[expect(missing_docs, reason = "its variants say it")]
    #[command(subcommand)]
    pub command: Command,
}

/// One step of the road.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a private key and the request that Apple's portal asks for
    Csr(csr::Csr),
    /// Turn an export into a clean PEM file: the certificate, then its key
    Convert(Convert),
    /// Put a certificate and its key into a .p12 that a Mac, OpenSSL or Java reads
    Pack(pack::Pack),
    /// Say what is in a file: kind, topics, environments, expiry, key, chain
    Inspect(Inspect),
    /// Say whether a renewed certificate can take the place of the old one
    Compare(Box<compare::Compare>),
    /// Check the expiry of every certificate in files, folders and Kubernetes secrets
    Expiry(Box<expiry::Expiry>),
    /// Ask APNs whether it accepts a certificate
    Check(Box<check::Check>),
    /// Stand in for APNs, for tests
    Gateway(Box<gateway::Gateway>),
    /// Be led along the whole road, question by question; every step is shown as a command
    Wizard,
    /// Print a completion script for a shell
    Completions(Completions),
}

/// How a protected input is opened.
#[derive(Debug, Args)]
pub struct Opening {
    /// Where the password comes from: env:VAR, file:PATH (first line), fd:N, stdin, prompt, or
    /// pass:SECRET (which process lists show). Without it absent and empty are tried, then you are asked
    #[arg(long, value_name = "SOURCE")]
    pub passin: Option<PasswordSource>,

    /// Refuse a file that asks for more key derivation than this, in iterations (those of PBKDF2 count
    /// double)
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_ITERATIONS)]
    pub max_iterations: u64,
}

/// Arguments of `pushcert convert`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert convert cert.p12 -o push.pem
  pushcert convert cert.p12 --passin env:P12_PASSWORD -o push.pem
  pushcert convert aps.cer --key push.key -o push.pem
  pushcert convert cert.p12 --cert-out push.crt --key-out push.key")]
pub struct Convert {
    /// The file to convert (.p12, .pem, .cer, .p7b, whatever its name), or - for standard input
    pub input: Location,

    /// Where to write the PEM file, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<Location>,

    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub opening: Opening,

    /// Which certificates to write
    #[arg(long, value_enum, default_value_t)]
    pub certs: Certs,

    /// Leave out the private key
    #[arg(long)]
    pub no_key: bool,

    /// Add Apple's intermediate, chosen by key identifier and signature
    #[arg(long, conflicts_with = "bag_attributes")]
    pub chain: bool,

    /// The form of an unencrypted key
    #[arg(long, value_enum, default_value_t, value_name = "FORM", conflicts_with_all = ["encrypt", "bag_attributes"])]
    pub key_format: KeyForm,

    /// Encrypt the key (PKCS#8, PBES2 with AES-256)
    #[arg(long, conflicts_with_all = ["no_key", "bag_attributes"])]
    pub encrypt: bool,

    /// Where the password for the encrypted key comes from, as for --passin
    #[arg(long, value_name = "SOURCE", requires = "encrypt")]
    pub passout: Option<PasswordSource>,

    /// Write the certificates to a file of their own
    #[arg(long, value_name = "FILE", conflicts_with = "bag_attributes")]
    pub cert_out: Option<Location>,

    /// Write the private key to a file of its own
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bag_attributes", "no_key"])]
    pub key_out: Option<Location>,

    /// Take the private key from this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bag_attributes", "no_key"])]
    pub key: Option<Location>,

    /// Choose one of several identities: a topic, or the certificate's SHA-256 (its first 8 digits do)
    #[arg(long, value_name = "TOPIC|SHA256")]
    pub select: Option<String>,

    /// Write the attributes of PKCS#12 bags as `openssl pkcs12 -nodes -clcerts` does, in the style of
    /// OpenSSL 3.0 and 3.1, or with =3.2 of 3.2 and later; all identities are written unless --select
    /// chooses one
    #[arg(long, value_name = "STYLE", num_args = 0..=1, require_equals = true, default_missing_value = "3.0")]
    pub bag_attributes: Option<OpensslStyle>,

    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,

    /// Fail (exit 1) where there would be a warning: expired, not yet valid, no push certificate
    #[arg(long)]
    pub strict: bool,

    /// Report what was written as JSON on standard output (the PEM must go to a file)
    #[arg(long)]
    pub json: bool,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub at: Option<OffsetDateTime>,
}

/// Which certificates are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Certs {
    /// The certificate that belongs to the key
    #[default]
    Leaf,
    /// The authorities in the file
    Ca,
    /// Both
    All,
    /// None
    None,
}

/// How an unencrypted key is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum KeyForm {
    /// PKCS#8: PRIVATE KEY
    #[default]
    Pkcs8,
    /// PKCS#1 or SEC1: RSA PRIVATE KEY, EC PRIVATE KEY
    Traditional,
}

/// The two ways in which OpenSSL 3 writes names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OpensslStyle {
    /// OpenSSL 3.0 and 3.1: subject=UID = com.example.MyApp
    #[value(name = "3.0")]
    V30,
    /// OpenSSL 3.2 and later: subject=UID=com.example.MyApp
    #[value(name = "3.2")]
    V32,
}

/// Arguments of `pushcert inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert inspect push.pem
  pushcert inspect --field topic push.pem
  pushcert inspect --json *.p12 | jq '.files[].certificates[].days_left'")]
pub struct Inspect {
    /// The files to look at, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<Location>,

    #[expect(missing_docs, reason = "flattened")]
    #[command(flatten)]
    pub opening: Opening,

    /// Print as JSON
    #[arg(long, conflicts_with = "field")]
    pub json: bool,

    /// Print only this, one value a line, of every leaf certificate (of every certificate in a file
    /// that has none)
    #[arg(long, value_name = "NAME", value_enum)]
    pub field: Option<Field>,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub at: Option<OffsetDateTime>,
}

/// Arguments of `pushcert completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pushcert completions bash > /etc/bash_completion.d/pushcert")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

impl Command {
    /// Whether its result, errors included, is wanted as JSON.
    pub fn wants_json(&self) -> bool {
        match self {
            Self::Convert(convert) => convert.json,
            Self::Inspect(inspect) => inspect.json,
            Self::Csr(csr) => csr.json,
            Self::Pack(pack) => pack.json,
            Self::Expiry(expiry) => expiry.format() == format::Format::Json,
            Self::Compare(compare) => compare.json,
            Self::Check(check) => check.format() == check::Format::Json,
            Self::Gateway(_) | Self::Wizard | Self::Completions(_) => false,
        }
    }
}
