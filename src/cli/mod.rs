//! The command line.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod csr;
pub(crate) mod expiry;
pub(crate) mod format;
pub(crate) mod gateway;
pub(crate) mod inspect;
pub(crate) mod pack;
pub(crate) mod password;
pub(crate) mod values;

use clap::{Args, Parser, Subcommand};

use crate::limits::DEFAULT_MAX_ITERATIONS;
use password::PasswordSource;

/// Prepares certificates for Apple push notifications (APNs).
#[derive(Debug, Parser)]
#[command(version, about, after_help = crate::exit::HELP, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One step of the road.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a private key and the request that Apple's portal asks for
    Csr(csr::CsrArgs),
    /// Turn an export into a clean PEM file: the certificate, then its key
    Convert(convert::ConvertArgs),
    /// Put a certificate and its key into a .p12 that a Mac, OpenSSL or Java reads
    Pack(pack::PackArgs),
    /// Say what is in a file: kind, topics, environments, expiry, key, chain
    Inspect(inspect::InspectArgs),
    /// Say whether a renewed certificate can take the place of the old one
    Compare(Box<compare::CompareArgs>),
    /// Check the expiry of every certificate in files, folders and Kubernetes secrets
    Expiry(Box<expiry::ExpiryArgs>),
    /// Ask APNs whether it accepts a certificate
    Check(Box<check::CheckArgs>),
    /// Stand in for APNs, for tests
    Gateway(Box<gateway::GatewayArgs>),
    /// Be led along the whole road, question by question; every step is shown as a command
    Wizard,
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// How a protected input is opened.
#[derive(Debug, Args)]
pub(crate) struct OpeningArgs {
    /// Where the password comes from: env:VAR, file:PATH (first line), fd:N, stdin, prompt, or
    /// pass:SECRET (which process lists show). Without it absent and empty are tried, then you are asked
    #[arg(long, value_name = "SOURCE")]
    pub(crate) passin: Option<PasswordSource>,

    /// Refuse a file that asks for more key derivation than this, in iterations (those of PBKDF2 count
    /// double)
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_ITERATIONS)]
    pub(crate) max_iterations: u64,
}

impl Command {
    /// Whether its result, errors included, is wanted as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Convert(convert) => convert.json,
            Self::Inspect(inspect) => inspect.json,
            Self::Csr(csr) => csr.json,
            Self::Pack(pack) => pack.json,
            Self::Expiry(expiry) => expiry.format() == format::ReportFormat::Json,
            Self::Compare(compare) => compare.json,
            Self::Check(check) => check.format() == check::CheckFormat::Json,
            Self::Gateway(_) | Self::Wizard | Self::Completions(_) => false,
        }
    }
}
