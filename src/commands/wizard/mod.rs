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
use crate::commands::shared::opening::Opener;
use crate::commands::{check, convert, csr, pack, unanswered};
use crate::container::{Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::inspect::{FileReport, InspectReport};
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::report::human;
use crate::report::shell::shell_word;
use crate::report::style::Paint;
use crate::request;
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::{self, Location};
use crate::world::terminal::InputCheck;

const BEGINNINGS: [&str; 3] = [
    "Nothing yet: make a key and the request for Apple's portal",
    "A .p12, exported from Keychain Access",
    "A .cer, downloaded from Apple's portal",
];

/// What comes of it: the choice, the command with its options, the name of the file.
const ENDS: [(&str, &[&str], &str); 4] = [
    ("A PEM file for a push server: the certificate, then its key", &["convert"], "push.pem"),
    ("A .p12 that a Mac imports", &["pack", "--for", "keychain"], "push.p12"),
    ("A .p12 for OpenSSL 3 and its like", &["pack", "--for", "modern"], "push.p12"),
    ("A .p12 for Java", &["pack", "--for", "java"], "push.p12"),
];

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Error> {
    if !context.is_interactive {
        return Err(Error::new(ExitKind::Usage, "the wizard is a conversation, and there is no terminal to talk at")
            .hint("in a script: pushcert csr, then pushcert convert or pushcert pack; each has --help"));
    }
    match context.terminal.select("What do you have?", &BEGINNINGS).map_err(unanswered)? {
        0 => make_request(context).map(|()| 0),
        1 => prepare(None, context),
        _ => prepare(Some("aps.cer"), context),
    }
}

/// A command line in the making.
struct Line(Vec<String>);

impl Line {
    fn new(words: &[&str]) -> Self {
        Self(std::iter::once("pushcert").chain(words.iter().copied()).map(str::to_owned).collect())
    }

    fn option(&mut self, name: &str, value: &str) {
        if value.starts_with('-') {
            self.0.push(format!("{name}={value}"));
        } else {
            self.0.extend([name.to_owned(), value.to_owned()]);
        }
    }

    /// Prints it, and parses it.
    fn say(&self, context: &mut Context<'_>) -> Result<Command, Error> {
        let words: Vec<String> = self.0.iter().map(|word| shell_word(word)).collect();
        let paint = Paint::new(context.stderr_has_color);
        writeln!(context.stderr, "\n{}\n", paint.strong(format_args!("$ {}", words.join(" "))))?;
        let cli = Cli::try_parse_from(&self.0);
        Ok(cli
            .map_err(|error| Error::new(ExitKind::Bug, format!("the wizard's own command is wrong: {error}")))?
            .command)
    }
}

fn make_request(context: &mut Context<'_>) -> Result<(), Error> {
    let terminal = &mut *context.terminal;
    let mut ask = |question: &str, default: Option<&str>, check: &dyn Fn(&str) -> InputCheck| {
        terminal.input(question, default, check).map_err(unanswered)
    };
    let mut line = Line::new(&["csr"]);
    line.option("--email", &ask("E-mail address", None, &request::check_email)?);
    line.option("--name", &ask("Name (yours, or the company's)", None, &request::check_name)?);
    line.option("--country", &ask("Country (two capital letters)", None, &request::check_country)?);
    let key = ask("Where to write the private key?", Some(DEFAULT_KEY), &check_free)?;
    if key != DEFAULT_KEY {
        line.option("--key-out", &key);
    }
    let other_than_key = |text: &str| match check_free(text) {
        Ok(()) if Location::Path(text.into()).is_same_output(&Location::Path(key.as_str().into())) => {
            Err("another name than that of the key is expected".to_owned())
        }
        checked => checked,
    };
    let request = ask("Where to write the request?", Some(DEFAULT_REQUEST), &other_than_key)?;
    if request != DEFAULT_REQUEST {
        line.option("-o", &request);
    }
    if context.terminal.confirm("Protect the key with a password?", false).map_err(unanswered)? {
        line.0.push("--encrypt".to_owned());
    }
    match line.say(context)? {
        Command::Csr(arguments) => csr::run(&arguments, context),
        _ => Err(Error::new(ExitKind::Bug, "the wizard's own command is another")),
    }
}

/// What the conversation comes to know of a certificate.
struct WizardInput {
    contents: Contents,
    input: Location,
    key: Option<Location>,
    select: Option<String>,
}

fn prepare(default: Option<&str>, context: &mut Context<'_>) -> Result<u8, Error> {
    let found = loop {
        let found = match find(default, context) {
            Ok(found) => found,
            // What a file is not is told, and another is asked for; that nobody answers is the end.
            Err(Refusal::File(error)) => {
                human::error(context.stderr, &error, Paint::new(context.stderr_has_color))?;
                continue;
            }
            Err(Refusal::End(error)) => return Err(error),
        };
        if context.terminal.confirm("Is this what you wanted?", true).map_err(unanswered)? {
            break found;
        }
    };
    let choices = ENDS.map(|(choice, ..)| choice);
    let chosen = context.terminal.select("What is it to become?", &choices).map_err(unanswered)?;
    let (_, words, name) = ENDS[chosen];
    let output = context.terminal.input("Where to write it?", Some(name), &check_free).map_err(unanswered)?;

    let mut line = Line::new(words);
    found.name_in(&mut line);
    line.option("-o", &output);
    let is_pem = match line.say(context)? {
        Command::Convert(arguments) => convert::convert(&arguments, &found.contents, context).map(|()| true),
        Command::Pack(arguments) => pack::pack(&arguments, &found.contents, context).map(|()| false),
        _ => Err(Error::new(ExitKind::Bug, "the wizard's own command is another")),
    }?;
    if !context.terminal.confirm("Ask APNs now whether it accepts the certificate?", false).map_err(unanswered)? {
        return Ok(0);
    }
    let mut line = Line::new(&["check"]);
    if is_pem {
        line.0.push(output);
    } else {
        // What went in is as good as what came out, and has the password that was used last or none.
        found.name_in(&mut line);
    }
    match line.say(context)? {
        Command::Check(arguments) => check::run(&arguments, context),
        _ => Err(Error::new(ExitKind::Bug, "the wizard's own command is another")),
    }
}

impl WizardInput {
    /// Names it on a command line.
    fn name_in(&self, line: &mut Line) {
        line.0.push(self.input.to_string());
        if let Some(key) = &self.key {
            line.option("--key", &key.to_string());
        }
        if let Some(select) = &self.select {
            line.option("--select", select);
        }
    }
}

/// Why a file was not found.
enum Refusal {
    /// It will not do; another may.
    File(Error),
    /// There is nobody to ask.
    End(Error),
}

/// Asks where it lies, says what it is, asks for what is missing.
fn find(default: Option<&str>, context: &mut Context<'_>) -> Result<WizardInput, Refusal> {
    let input = ask_file("Where is it?", default, context)?;
    let mut line = Line::new(&["inspect"]);
    line.0.push(input.to_string());
    line.say(context).map_err(Refusal::End)?;
    let contents = open(&input, context)?;
    convert::refuse_request(&input, &contents).map_err(Refusal::File)?;
    let report = InspectReport {
        schema_version: SCHEMA_VERSION,
        files: vec![FileReport::of(input.to_string(), &contents, context.now)],
    };
    let paint = Paint::new(context.stderr_has_color);
    human::inspect::inspect(context.stderr, &report, paint).map_err(|error| Refusal::End(error.into()))?;
    let described = |error| Refusal::File(Error::in_file(&input.to_string(), &error));
    // Without a certificate no key is of use.
    Collection::new(&contents.certificates, &contents.keys).identities(None, false).map_err(described)?;
    let (contents, key) = if contents.keys.is_empty() {
        let key = ask_file("Its private key is elsewhere. Where?", Some(DEFAULT_KEY), context)?;
        let keys = open(&key, context)?.keys;
        (Contents { keys, ..contents }, Some(key))
    } else {
        (contents, None)
    };
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let identities = collection.identities(None, true).map_err(described)?;
    let select = match &identities[..] {
        [_] => None,
        several => {
            let title = |entry: &&Entry<Certificate>| {
                printable(&format!("{}, until {}", entry.item.title(), entry.item.not_after.date()))
            };
            let titles: Vec<String> = several.iter().map(title).collect();
            let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
            let chosen = context.terminal.select("There are several. Which one?", &titles);
            let chosen = chosen.map_err(|error| Refusal::End(unanswered(error)))?;
            // Enough of the fingerprint to tell them apart, as the hint of the subcommands has it.
            Some(several[chosen].item.sha256()[..16].to_owned())
        }
    };
    Ok(WizardInput { contents, input, key, select })
}

fn open(location: &Location, context: &mut Context<'_>) -> Result<Contents, Refusal> {
    let opening = OpeningArgs { passin: None, max_iterations: DEFAULT_MAX_ITERATIONS };
    let opener = Opener::new(&opening, &[location], context).map_err(Refusal::End)?;
    opener.open(location, context).map_err(|failure| Refusal::File(failure.error))
}

fn ask_file(question: &str, default: Option<&str>, context: &mut Context<'_>) -> Result<Location, Refusal> {
    let home = (context.variable)("HOME").map(PathBuf::from);
    let default = default.filter(|name| Path::new(name).is_file());
    let check = |text: &str| match typed_path(text, home.as_deref()) {
        path if path.is_file() => Ok(()),
        path => Err(format!("there is no file {}", printable(&path.display().to_string()))),
    };
    let answer = context.terminal.input(question, default, &check);
    let answer = answer.map_err(|error| Refusal::End(unanswered(error)))?;
    Ok(Location::Path(typed_path(&answer, home.as_deref())))
}

/// The path that was typed, or dropped on the terminal, which quotes it as for a shell.
fn typed_path(text: &str, home: Option<&Path>) -> PathBuf {
    let quoted = ['\'', '"'].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let text = match quoted {
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

/// A name for a new file.
fn check_free(text: &str) -> InputCheck {
    if text == "-" {
        return Err("the name of a file is expected".to_owned());
    }
    files::check_free(Path::new(text)).map_err(|error| format!("{}: {error}", printable(text)))
}

#[cfg(test)]
mod tests;
