//! `pushcert wizard`: the whole road as a conversation.
//!
//! Each step is a command line, printed before it is carried out. It is parsed as any other and goes
//! the way of the subcommand, so that what is printed is what is done; only the input, which is asked
//! about several times, is opened once.

use std::path::{Path, PathBuf};

use clap::Parser;

use crate::certificate::Certificate;
use crate::cli::csr::{DEFAULT_KEY, DEFAULT_REQUEST};
use crate::cli::{Cli, Command, OpeningArgs};
use crate::commands::inspect;
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::unread;
use crate::commands::{check, convert, csr, pack, unanswered};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::inspect::InspectReport;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::report::human;
use crate::report::shell::shell_word;
use crate::report::style::Paint;
use crate::request;
use crate::schema::SCHEMA_VERSION;
use crate::text::{printable, printable_name};
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::place;
use crate::world::terminal::InputCheck;

const STARTS: [&str; 3] = [
    "Nothing yet: make a key and the request for Apple's portal",
    "A .p12, exported from Keychain Access",
    "A .cer, downloaded from Apple's portal",
];

/// A result that the wizard can make.
struct Goal {
    choice: &'static str,
    /// The command with its options.
    command: &'static [&'static str],
    /// The default name of the output.
    file: &'static str,
}

const GOALS: [Goal; 4] = [
    Goal {
        choice: "A PEM file for a push server: the certificate, then its key",
        command: &["convert"],
        file: "push.pem",
    },
    Goal { choice: "A .p12 that a Mac imports", command: &["pack", "--for", "keychain"], file: "push.p12" },
    Goal { choice: "A .p12 for OpenSSL 3 and its like", command: &["pack", "--for", "modern"], file: "push.p12" },
    Goal { choice: "A .p12 for Java", command: &["pack", "--for", "java"], file: "push.p12" },
];

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Error> {
    if !context.is_interactive {
        return Err(Error::new(ExitKind::Usage, "the wizard is a conversation, and there is no terminal to talk at")
            .hint("in a script: pushcert csr, then pushcert convert or pushcert pack; each has --help"));
    }
    match select("What do you have?", &STARTS, context)? {
        0 => {
            make_request(context)?;
            Ok(0)
        }
        1 => prepare(None, context),
        _ => prepare(Some("aps.cer"), context),
    }
}

fn select(question: &str, choices: &[&str], context: &mut Context<'_>) -> Result<usize, Error> {
    context.terminal.select(question, choices).map_err(unanswered)
}

fn confirm(question: &str, default: bool, context: &mut Context<'_>) -> Result<bool, Error> {
    context.terminal.confirm(question, default).map_err(unanswered)
}

fn ask(
    question: &str,
    default: Option<&str>,
    check: &dyn Fn(&str) -> InputCheck,
    context: &mut Context<'_>,
) -> Result<String, Error> {
    context.terminal.input(question, default, check).map_err(unanswered)
}

/// A command line that the wizard writes, word by word.
struct CommandLine(Vec<String>);

impl CommandLine {
    fn new(words: &[&str]) -> Self {
        let mut line = vec!["pushcert".to_owned()];
        for word in words {
            line.push((*word).to_owned());
        }
        Self(line)
    }

    fn push(&mut self, word: String) {
        self.0.push(word);
    }

    /// Adds a file as an argument: one that begins with `-` is no option.
    fn file(&mut self, name: &str) {
        self.push(if name.starts_with('-') { format!("./{name}") } else { name.to_owned() });
    }

    fn option(&mut self, name: &str, value: &str) {
        if value.starts_with('-') {
            self.push(format!("{name}={value}"));
        } else {
            self.push(name.to_owned());
            self.push(value.to_owned());
        }
    }

    /// Prints the line, and parses it.
    fn show(&self, context: &mut Context<'_>) -> Result<Command, Error> {
        let words: Vec<String> = self.0.iter().map(|word| shell_word(word)).collect();
        let paint = Paint::new(context.stderr_has_color);
        writeln!(context.stderr, "\n{}\n", paint.strong(format_args!("$ {}", words.join(" "))))?;
        match Cli::try_parse_from(&self.0) {
            Ok(cli) => Ok(cli.command),
            Err(error) => Err(Error::new(ExitKind::Bug, format!("the wizard's own command is wrong: {error}"))),
        }
    }
}

fn unexpected_command() -> Error {
    Error::new(ExitKind::Bug, "the wizard's own command is another")
}

fn make_request(context: &mut Context<'_>) -> Result<(), Error> {
    let mut line = CommandLine::new(&["csr"]);
    line.option("--email", &ask("E-mail address", None, &request::check_email, context)?);
    line.option("--name", &ask("Name (yours, or the company's)", None, &request::check_name, context)?);
    line.option("--country", &ask("Country (two capital letters)", None, &request::check_country, context)?);
    let key = ask("Where to write the private key?", Some(DEFAULT_KEY), &check_free, context)?;
    if key != DEFAULT_KEY {
        line.option("--key-out", &key);
    }
    let key_location = Location::Path(key.into());
    let other_than_key = |text: &str| {
        check_free(text)?;
        if Location::Path(text.into()).is_same_output(&key_location) {
            return Err("another name than that of the key is expected".to_owned());
        }
        Ok(())
    };
    let request = ask("Where to write the request?", Some(DEFAULT_REQUEST), &other_than_key, context)?;
    if request != DEFAULT_REQUEST {
        line.option("-o", &request);
    }
    if confirm("Protect the key with a password?", false, context)? {
        line.push("--encrypt".to_owned());
    }
    match line.show(context)? {
        Command::Csr(arguments) => csr::run(&arguments, context),
        _ => Err(unexpected_command()),
    }
}

/// The certificate that the wizard was given, with its key.
struct WizardInput {
    contents: Contents,
    file: Location,
    key_file: Option<Location>,
    select: Option<String>,
}

impl WizardInput {
    /// Adds the input to a command line.
    fn add_to(&self, line: &mut CommandLine) {
        line.file(&self.file.to_string());
        if let Some(key) = &self.key_file {
            line.option("--key", &key.to_string());
        }
        if let Some(select) = &self.select {
            line.option("--select", select);
        }
    }
}

fn prepare(default: Option<&str>, context: &mut Context<'_>) -> Result<u8, Error> {
    let input = find_wanted(default, context)?;
    let choices = GOALS.map(|goal| goal.choice);
    let goal = &GOALS[select("What is it to become?", &choices, context)?];
    let output = ask("Where to write it?", Some(goal.file), &check_free, context)?;

    let mut line = CommandLine::new(goal.command);
    input.add_to(&mut line);
    line.option("-o", &output);
    let mut check_line = CommandLine::new(&["check"]);
    match line.show(context)? {
        Command::Convert(arguments) => {
            convert::convert(&arguments, &input.contents, arguments.key.first(), context)?;
            check_line.file(&output);
        }
        Command::Pack(arguments) => {
            pack::pack(&arguments, &input.contents, context)?;
            // The input needs no new password, and holds the same certificate and key.
            input.add_to(&mut check_line);
        }
        _ => return Err(unexpected_command()),
    }
    if !confirm("Ask APNs now whether it accepts the certificate?", false, context)? {
        return Ok(0);
    }
    match check_line.show(context)? {
        Command::Check(arguments) => check::run(&arguments, context),
        _ => Err(unexpected_command()),
    }
}

/// Asks for files until one holds what was wanted.
fn find_wanted(default: Option<&str>, context: &mut Context<'_>) -> Result<WizardInput, Error> {
    loop {
        match find(default, context) {
            Ok(input) => {
                if confirm("Is this what you wanted?", true, context)? {
                    return Ok(input);
                }
            }
            Err(Refusal::File(error)) => {
                human::error(context.stderr, &error, Paint::new(context.stderr_has_color))?;
            }
            Err(Refusal::End(error)) => return Err(error),
        }
    }
}

/// The reasons why the wizard cannot go on with a file.
enum Refusal {
    /// The file does not serve; another may.
    File(Error),
    /// Nobody answers.
    End(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

/// Asks where the file is, shows what it holds, and asks for what is missing.
fn find(default: Option<&str>, context: &mut Context<'_>) -> Result<WizardInput, Refusal> {
    let file = ask_file("Where is it?", default, context)?;
    let mut line = CommandLine::new(&["inspect"]);
    line.file(&file.to_string());
    line.show(context)?;
    let mut contents = open(&file, context)?;
    refuse_request(&file, &contents, false).map_err(Refusal::File)?;
    show(&file, &contents, context)?;
    // Without a certificate no key is of use.
    identities(&file, &contents, false)?;
    let mut key_file = None;
    if contents.keys.is_empty() && !contents.may_have_unread_key() {
        let key = ask_file("Its private key is elsewhere. Where?", Some(DEFAULT_KEY), context)?;
        contents.keys = open(&key, context)?.keys;
        key_file = Some(key);
    }
    let selected = select_identity(&identities(&file, &contents, true)?, context)?;
    Ok(WizardInput { contents, file, key_file, select: selected })
}

fn show(file: &Location, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    let files = vec![inspect::report(file, contents, context.now)];
    let report = InspectReport { schema_version: SCHEMA_VERSION, files, unread_keys: vec![] };
    Ok(human::inspect::write(context.stderr, &report, Paint::new(context.stderr_has_color))?)
}

fn identities<'a>(
    file: &Location,
    contents: &'a Contents,
    needs_key: bool,
) -> Result<Vec<&'a Entry<Certificate>>, Refusal> {
    match Collection::new(&contents.certificates, &contents.keys).identities(None, needs_key) {
        Ok(identities) => Ok(identities),
        Err(error) => Err(Refusal::File(unread::explain_selection(file, contents, &error))),
    }
}

/// Returns the argument of `--select` where there is a choice.
fn select_identity(identities: &[&Entry<Certificate>], context: &mut Context<'_>) -> Result<Option<String>, Error> {
    if identities.len() == 1 {
        return Ok(None);
    }
    let mut titles = Vec::new();
    for entry in identities {
        titles.push(printable(&format!("{}, until {}", entry.item.title(), entry.item.not_after.date())));
    }
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let chosen = select("There are several. Which one?", &titles, context)?;
    // As many digits as the hints of the subcommands show.
    Ok(Some(identities[chosen].item.sha256()[..16].to_owned()))
}

fn open(location: &Location, context: &mut Context<'_>) -> Result<Contents, Refusal> {
    let opening = OpeningArgs { passin: None, max_iterations: DEFAULT_MAX_ITERATIONS };
    let opener = Opener::new(&opening, &[location], context)?;
    opener.open(location, context).map_err(Refusal::File)
}

fn ask_file(question: &str, default: Option<&str>, context: &mut Context<'_>) -> Result<Location, Error> {
    let home = (context.variable)("HOME").map(PathBuf::from);
    let default = default.filter(|name| Path::new(name).is_file());
    let check = |text: &str| {
        let path = typed_path(text, home.as_deref());
        if path.is_file() {
            return Ok(());
        }
        Err(format!("there is no file {}", printable_name(&path.display().to_string())))
    };
    let answer = ask(question, default, &check, context)?;
    Ok(Location::Path(typed_path(&answer, home.as_deref())))
}

/// Returns the path that was typed, or dropped on the terminal, which quotes it as for a shell.
fn typed_path(text: &str, home: Option<&Path>) -> PathBuf {
    let text = match unquoted(text) {
        Some(inside) => inside.to_owned(),
        None if Path::new(text).exists() => text.to_owned(),
        None => text.replace('\\', ""),
    };
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        // A name that looks like an option is given as one in this folder.
        _ if text.starts_with('-') => Path::new(".").join(text),
        _ => text.into(),
    }
}

fn unquoted(text: &str) -> Option<&str> {
    for quote in ['\'', '"'] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.strip_suffix(quote);
        }
    }
    None
}

/// Accepts the name of a new file.
fn check_free(text: &str) -> InputCheck {
    if text == "-" {
        return Err("the name of a file is expected".to_owned());
    }
    place::check_free(Path::new(text)).map_err(|error| printable(&format!("{}: {error}", printable_name(text))))
}

#[cfg(test)]
mod tests;
