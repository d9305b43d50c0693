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
pub(crate) mod script;
pub(crate) mod values;

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand};

use crate::cli::format::ReportFormat;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use password::PasswordSource;

/// Prepares certificates for Apple push notifications (APNs).
#[derive(Debug, Parser)]
#[command(version, about, after_help = crate::exit::HELP, arg_required_else_help = true, max_term_width = 80)]
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
    use std::path::{Path, PathBuf};

    use clap::{Command, CommandFactory, Parser};

    use super::Cli;

    /// Returns the README and the manual.
    fn documents() -> Vec<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut documents = vec![root.join("README.md")];
        for entry in std::fs::read_dir(root.join("src/docs")).unwrap() {
            documents.push(entry.unwrap().path());
        }
        documents
    }

    /// Returns the commands in a document's text and tables, between backticks, and in its blocks.
    fn commands(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (index, part) in text.split("```").enumerate() {
            if index % 2 == 1 {
                found.extend(command_lines(part));
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

    /// Returns the lines that are commands, as they stand or after a prompt or a key of YAML.
    fn command_lines(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for line in text.replace("\\\n", " ").lines() {
            let mut line = line.trim_start();
            for sign in ["- ", "run: ", "$ "] {
                line = line.strip_prefix(sign).unwrap_or(line);
            }
            if line.starts_with("pushcert ") && !line.contains('…') {
                found.push(line.to_owned());
            }
        }
        found
    }

    /// Where the command line of one program ends.
    const ENDS: [&str; 7] = ["|", "||", "&", "&&", ";", ">", "<"];

    /// Splits a line as a shell does that expands nothing; a comment, a pipe and their like end it.
    fn words(line: &str) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (index, part) in line.split('\'').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
                continue;
            }
            let command = part.split(" #").next().unwrap_or_default();
            for word in command.split_whitespace() {
                if ENDS.contains(&word) {
                    return words;
                }
                words.push(word.trim_matches('"').to_owned());
            }
        }
        words
    }

    /// Returns what is wrong with a command line.
    fn objection(command: &str) -> Option<String> {
        match Cli::try_parse_from(words(&command.replace("TOKEN", "abcd"))) {
            Err(error) if error.use_stderr() => Some(format!("{command}: {error}")),
            _ => None,
        }
    }

    #[test]
    fn every_command_in_the_documents_can_be_typed() {
        let (mut count, mut wrong) = (0, Vec::new());
        for document in documents() {
            let text = std::fs::read_to_string(&document).unwrap();
            for command in commands(&text) {
                // A name alone is no command line.
                if command.split(' ').count() == 2 {
                    continue;
                }
                count += 1;
                wrong.extend(objection(&command).map(|objection| format!("{}: {objection}", document.display())));
            }
        }
        assert!(count >= 100, "only {count} commands were found");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Collects the examples and recipes of a command's help and its subcommands': they are set in.
    fn collect_examples(command: &Command, found: &mut Vec<String>) {
        for text in [command.get_after_help(), command.get_after_long_help()].into_iter().flatten() {
            let text = text.to_string().replace("\\\n", " ");
            for line in text.lines().filter(|line| line.starts_with("  ")) {
                found.extend(command_lines(line));
            }
        }
        for subcommand in command.get_subcommands() {
            collect_examples(subcommand, found);
        }
    }

    #[test]
    fn every_command_in_the_help_can_be_typed() {
        let mut root = Cli::command();
        root.build();
        let mut found = Vec::new();
        collect_examples(&root, &mut found);
        assert!(found.len() >= 60, "only {} commands were found", found.len());
        let wrong: Vec<String> = found.iter().filter_map(|command| objection(command)).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_flag_that_does_not_exist_is_found_in_any_line() {
        for text in [
            "```console\n$ pushcert csr --no-such-flag\n```",
            "```sh\npushcert expiry certs \\\n    --no-such-flag\n```",
            "```yaml\n    - run: pushcert expiry certs --no-such-flag\n```",
            "`pushcert csr --no-such-flag`",
        ] {
            let found = commands(text);
            assert!(found.len() == 1 && objection(&found[0]).is_some(), "{text}: {found:?}");
        }
        assert!(objection("pushcert example php > push.php").is_none());
    }
}
