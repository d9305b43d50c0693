//! The command line.

pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod csr;
pub(crate) mod database;
pub(crate) mod device;
pub(crate) mod example;
pub(crate) mod expiry;
pub(crate) mod explain;
pub(crate) mod format;
pub(crate) mod gateway;
pub(crate) mod generate;
pub(crate) mod help;
pub(crate) mod inspect;
pub(crate) mod pack;
pub(crate) mod password;
pub(crate) mod push;
pub(crate) mod rehearse;
pub(crate) mod values;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

use crate::cli::format::ReportFormat;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use password::PasswordSource;

/// Prepares certificates for Apple push notifications (APNs).
#[derive(Debug, Parser)]
#[command(version, about, after_help = crate::exit::HELP, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One step of the road. The arguments of the other steps are not built: a quarter of a start.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Make a private key and the certificate signing request for Apple's portal
    Csr(csr::CsrArgs),
    /// Convert an export to a clean PEM file: the certificate, then its key
    Convert(convert::ConvertArgs),
    /// Write a certificate and its key to a .p12 for a Mac, OpenSSL or Java
    Pack(pack::PackArgs),
    /// Show what a file holds: kind, topics, environments, expiry, key, chain
    Inspect(inspect::InspectArgs),
    /// Compare a renewed certificate with the old one: can it take its place?
    Compare(Box<compare::CompareArgs>),
    /// Check the expiry of every certificate in files, folders and Kubernetes secrets
    Expiry(Box<expiry::ExpiryArgs>),
    /// Connect to APNs and show whether it accepts a certificate
    Check(Box<check::CheckArgs>),
    /// Send a notification to devices, and show what becomes of each
    Push(Box<push::PushArgs>),
    /// Keep the device tokens of a provider: add, import, list, remove
    Database(Box<database::DatabaseArgs>),
    /// Run a local stand-in for APNs, for tests
    Gateway(Box<gateway::GatewayArgs>),
    /// Run an app on a simulated device: it registers with a gateway and shows what arrives
    Device(Box<device::DeviceArgs>),
    /// Rehearse the whole road on this machine: from the key to the message on a device
    Rehearse(Box<rehearse::RehearseArgs>),
    /// Print a program that sends one notification, or the app's side of it
    Example(example::ExampleArgs),
    /// Explain an error message about certificates, of openssl, curl, a language or APNs
    Explain(explain::ExplainArgs),
    /// Interactive setup; shows each step as a command
    #[command(after_help = "Example:\n  pushcert wizard")]
    Wizard,
    /// Print manual pages, or a completion script for a shell
    Generate(generate::GenerateArgs),
}

/// Returns the arguments of the process, the name of the program first. `completions` was a subcommand of its own.
pub(crate) fn arguments() -> Vec<OsString> {
    let mut words: Vec<OsString> = std::env::args_os().collect();
    if words.get(1).is_some_and(|name| name == "completions") {
        words.insert(1, "generate".into());
    }
    words
}

// The options for protected inputs. A doc comment would become the help of every command that has them.
#[derive(Debug, Args)]
pub(crate) struct OpeningArgs {
    /// Source of the password: env:VAR, file:PATH (first line), fd:N, cmd:COMMAND (the first line that sh -c
    /// COMMAND prints within 30 s; not on Windows), stdin, prompt, or pass:SECRET (which process lists show).
    /// Without it no password and the empty one are tried, then you are asked
    #[arg(long, value_name = "SOURCE")]
    pub(crate) passin: Option<PasswordSource>,

    /// Refuse a file that asks for more key derivation than this, in iterations (those of PBKDF2 count
    /// double), all its parts and all passwords that are tried together
    #[arg(long, value_name = "N", default_value_t = DEFAULT_MAX_ITERATIONS, value_parser = values::parse_count)]
    pub(crate) max_iterations: u64,
}

impl Command {
    /// Returns the format of the result, errors included.
    pub(crate) fn format(&self) -> ReportFormat {
        let wants_json = match self {
            Self::Expiry(expiry) => return expiry.format(),
            Self::Check(check) => return check.format(),
            Self::Convert(convert) => convert.json,
            Self::Inspect(inspect) => inspect.json,
            Self::Csr(csr) => csr.json,
            Self::Pack(pack) => pack.json,
            Self::Push(push) => push.json,
            Self::Compare(compare) => compare.json,
            Self::Device(device) => device.json,
            Self::Explain(explain) => explain.is_json(),
            Self::Database(database) => database.json(),
            Self::Rehearse(rehearse) => rehearse.json,
            Self::Gateway(_) | Self::Example(_) | Self::Wizard | Self::Generate(_) => false,
        };
        if wants_json { ReportFormat::Json } else { ReportFormat::Human }
    }

    /// Returns whether its JSON is one document a line.
    pub(crate) const fn has_lines(&self) -> bool {
        match self {
            Self::Push(_) | Self::Device(_) => true,
            Self::Database(arguments) => arguments.has_lines(),
            _ => false,
        }
    }

    /// Returns the first word of the line that a Nagios plugin prints.
    pub(crate) const fn service(&self) -> &'static str {
        match self {
            Self::Check(_) => crate::check::report::SERVICE,
            _ => crate::expiry::findings::SERVICE,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::Cli;

    const DOCUMENTS: [&str; 7] = [
        "README.md",
        "src/docs/check.md",
        "src/docs/expiry.md",
        "src/docs/files.md",
        "src/docs/gateway.md",
        "src/docs/messages.md",
        "src/docs/push.md",
    ];

    /// Returns the commands in a document's text and tables, between backticks, and in its blocks for a shell.
    fn commands(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (index, part) in text.split("```").enumerate() {
            if index % 2 == 1 {
                let lines = part.strip_prefix("sh\n").unwrap_or_default().lines();
                found.extend(lines.filter(|line| line.starts_with("pushcert ")).map(str::to_owned));
                continue;
            }
            for quoted in part.split('`').skip(1).step_by(2) {
                // With an ellipsis or alternatives it is a pattern.
                if quoted.starts_with("pushcert ") && !quoted.contains(['…', '|', '\n']) {
                    found.push(quoted.to_owned());
                }
            }
        }
        found
    }

    /// Splits a line as a shell does that expands nothing; a comment ends it.
    fn words(line: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
                continue;
            }
            let part = part.split(" #").next().unwrap_or_default();
            words.extend(part.split_whitespace().map(|word| word.trim_matches('"').to_owned()));
        }
        words
    }

    #[test]
    fn every_command_in_the_documents_can_be_typed() {
        let (mut count, mut wrong) = (0, Vec::new());
        for document in DOCUMENTS {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
            for command in commands(&text) {
                // A name alone is no command line.
                if command.split(' ').count() == 2 {
                    continue;
                }
                count += 1;
                if let Err(error) = Cli::try_parse_from(words(&command.replace("TOKEN", "abcd")))
                    && error.use_stderr()
                {
                    wrong.push(format!("{document}: {command}: {error}"));
                }
            }
        }
        assert!(count >= 50, "only {count} commands were found");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
