//! A run of the binary: parse, build the context, run, return the exit code.

mod dashed;
mod habits;
mod stray;
mod tips;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, LineWriter, Write};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::builder::StyledStr;
use clap::error::ContextValue;
use clap::{CommandFactory, Parser};

use crate::cli::format::ReportFormat;
use crate::cli::help;
use crate::cli::{self, Cli};
use crate::commands;
use crate::error::Error;
use crate::exit::{ExitKind, NagiosState};
use crate::expiry::findings::SERVICE;
use crate::report::style::Paint;
use crate::report::{human, json, nagios};
use crate::run::habits::Screen;
use crate::text::{printable, printable_name};
use crate::world::context::Context;
#[cfg(unix)]
use crate::world::descriptors::{self, ClosedStream};
use crate::world::files;
use crate::world::memory;
#[cfg(unix)]
use crate::world::signals;
use crate::world::terminal::{self, ControllingTerminal};

/// Runs the command line and returns the exit code. A panic ends with the exit code of a bug.
pub fn main() -> ExitCode {
    memory::hide();
    #[cfg(unix)]
    signals::outlive_size_limit();
    match std::panic::catch_unwind(run) {
        Ok(code) => code,
        Err(_) => {
            let message = bug_report(env!("CARGO_PKG_REPOSITORY"));
            let _ = writeln!(io::stderr(), "error: {message}");
            let error = Error::new(ExitKind::Bug, message);
            if wants_nagios() {
                // There is no more to be said of a bug, whatever becomes of the line.
                let _ = nagios::write_error(&mut io::stdout(), SERVICE, &error);
                return ExitCode::from(NagiosState::Unknown.code());
            }
            ExitCode::from(error.exit_code)
        }
    }
}

/// Says what a panic is, and where to report it once the crate has an address.
fn bug_report(repository: &str) -> String {
    let crate_and_version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let address = if repository.is_empty() { String::new() } else { format!(" at {repository}/issues") };
    format!("this is a bug in {crate_and_version}; please report it{address}, without the certificate's key")
}

/// Returns whether the command line asks for Nagios' format, which has exit codes of its own.
fn wants_nagios() -> bool {
    wants_format("nagios")
}

fn wants_json() -> bool {
    wants_format("json") || std::env::args_os().any(|argument| argument == "--json")
}

/// Returns whether the command line asks for a format, even where the rest of it is wrong.
fn wants_format(name: &str) -> bool {
    let joined = OsString::from(format!("--format={name}"));
    let mut before = OsString::new();
    for argument in std::env::args_os() {
        if argument == joined || (before == "--format" && argument == name) {
            return true;
        }
        before = argument;
    }
    false
}

fn run() -> ExitCode {
    let arguments = cli::arguments();
    let typed = arguments.get(1..).unwrap_or_default();
    if let Some(suggestion) = habits::refuse_swallowed(typed, screen()) {
        return end_wrong_line(&suggestion.to_error(), typed, None);
    }
    if let Some(suggestion) = habits::refuse_typography(typed, screen()) {
        return end_wrong_line(&suggestion.to_error(), typed, None);
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return print_clap_error(error),
    };
    let mut stdin = files::open_standard_input();
    let mut stdout = BufWriter::new(standard_output());
    let mut stderr = LineWriter::new(io::stderr());
    let mut context = Context {
        stdin: &mut *stdin,
        stdout: &mut stdout,
        stderr: &mut stderr,
        now: time::OffsetDateTime::now_utc(),
        terminal: &mut ControllingTerminal,
        stdin_is_terminal: io::stdin().is_terminal(),
        is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        asks_for_passwords: io::stderr().is_terminal() && terminal::answers(),
        stdout_is_terminal: io::stdout().is_terminal(),
        stdout_has_color: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        stdout_columns: terminal::stdout_columns(),
        stderr_is_terminal: io::stderr().is_terminal(),
        stderr_has_color: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        variable: &|name| std::env::var_os(name),
    };
    match run_command(&cli, &mut context) {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.is_closed_pipe => ExitCode::SUCCESS,
        Err(error) => {
            let printed = print_error(&cli, &mut context, &error);
            let code = code_of_error(&error, cli.command.format());
            end_after(printed, code, Some(&error))
        }
    }
}

/// Returns the exit code of an error. Nagios has its own, but for an output that cannot be written: nothing came to it.
const fn code_of_error(error: &Error, format: ReportFormat) -> u8 {
    match (format, error.kind) {
        (ReportFormat::Nagios, ExitKind::Write) => error.exit_code,
        (ReportFormat::Nagios, _) => NagiosState::Unknown.code(),
        _ => error.exit_code,
    }
}

/// Ends a run after its last output, which may have failed. A closed pipe is no failure, but the error that was not told
/// is told on standard error.
fn end_after(printed: io::Result<()>, code: u8, untold: Option<&Error>) -> ExitCode {
    let Err(failure) = printed else { return ExitCode::from(code) };
    let paint = Paint::new(AutoStream::choice(&io::stderr()) != ColorChoice::Never);
    // There is no other place to report that the report of an error failed.
    if let Some(error) = untold {
        let _ = human::error(&mut io::stderr(), error, paint);
    }
    let failure = Error::from(failure);
    if failure.is_closed_pipe {
        return ExitCode::from(code);
    }
    let is_told = matches!(untold, Some(error) if error.message == failure.message);
    if !is_told {
        let _ = human::error(&mut io::stderr(), &failure, paint);
    }
    ExitCode::from(failure.exit_code)
}

/// Returns standard output. What was closed at the start takes nothing: the runtime put the null device in its place.
fn standard_output() -> Box<dyn Write> {
    #[cfg(unix)]
    if descriptors::was_closed(descriptors::OUTPUT) {
        return Box::new(ClosedStream);
    }
    Box::new(io::stdout().lock())
}

fn run_command(cli: &Cli, context: &mut Context<'_>) -> Result<u8, Error> {
    let code = commands::run(cli, context)?;
    match context.stdout.flush() {
        // A closed pipe does not change the answer.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(code),
    }
}

fn print_error(cli: &Cli, context: &mut Context<'_>, error: &Error) -> io::Result<()> {
    match cli.command.format() {
        ReportFormat::Json if cli.command.has_lines() => json::write_error_line(context.stdout, error)?,
        ReportFormat::Json => json::write_error(context.stdout, error)?,
        ReportFormat::Nagios => nagios::write_error(context.stdout, cli.command.service(), error)?,
        _ => {
            human::error(context.stderr, error, Paint::new(context.stderr_has_color))?;
            // The error is told: that standard output takes nothing more changes nothing.
            let _ = context.stdout.flush();
            return Ok(());
        }
    }
    context.stdout.flush()
}

const MISSING: clap::error::ErrorKind = clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;

/// The words of Rust for a text that is no whole number.
const NO_NUMBER: &str = "invalid digit found in string";

/// Prints help, the version, or what is wrong with the command line: as JSON or for Nagios, where that was
/// asked for.
fn print_clap_error(mut clap_error: clap::Error) -> ExitCode {
    let arguments = cli::arguments();
    let mut typed = arguments.get(1..).unwrap_or_default();
    if let Some(error) = dashed::explain(&clap_error, typed) {
        return end_wrong_line(&error, typed, None);
    }
    if !clap_error.use_stderr() {
        return end_after(print_help(&help_text(&clap_error)), 0, None);
    }
    // clap suggests nothing for what stands behind "help".
    if let [help, rest @ ..] = typed
        && let [word, ..] = rest
        && help == "help"
        && !word.as_encoded_bytes().starts_with(b"-")
        && clap_error.kind() == clap::error::ErrorKind::InvalidSubcommand
        && let Err(error) = Cli::try_parse_from([&arguments[0], word])
    {
        clap_error = error;
        typed = rest;
    }
    stray::hide(&mut clap_error, typed, takes_password(typed));
    tips::mend(&mut clap_error, typed);
    make_printable(&mut clap_error);
    let is_not_utf8 = clap_error.kind() == clap::error::ErrorKind::InvalidUtf8;
    let suggestion = if is_misunderstood(&clap_error) { habits::understand(typed, screen()) } else { None };
    let error = match &suggestion {
        Some(suggestion) => suggestion.to_error(),
        None if is_not_utf8 => match commands::refuse_text(typed) {
            Some(refused) => refused,
            None => tips::not_utf8(typed),
        },
        None => usage_error(&clap_error),
    };
    let is_no_number = error.message.ends_with(NO_NUMBER);
    let error = if is_no_number {
        Error::new(ExitKind::Usage, error.message.replacen(NO_NUMBER, "a whole number is expected", 1))
    } else {
        error
    };
    let is_of_clap = suggestion.is_none() && !is_not_utf8 && !is_no_number;
    end_wrong_line(&error, typed, is_of_clap.then_some(&clap_error))
}

/// Prints what is wrong with the command line, as JSON or for Nagios where that was asked for, and for people as clap
/// does if it is its error.
fn end_wrong_line(error: &Error, typed: &[OsString], clap_error: Option<&clap::Error>) -> ExitCode {
    if wants_nagios() {
        let printed = nagios::write_error(&mut standard_output(), SERVICE, error);
        return end_after(printed, NagiosState::Unknown.code(), Some(error));
    }
    if wants_json() {
        let mut out = standard_output();
        let printed =
            if has_lines(typed) { json::write_error_line(&mut out, error) } else { json::write_error(&mut out, error) };
        return end_after(printed, error.exit_code, Some(error));
    }
    // There is no other place to report that the report of an error failed.
    let _ = match clap_error {
        Some(clap_error) if typed.is_empty() && clap_error.kind() == MISSING => {
            let text = help::asked(typed, terminal::stdout_columns());
            let text = if has_color(&io::stderr()) { text.ansi().to_string() } else { text.to_string() };
            write!(io::stderr(), "{}", help::printed(&text))
        }
        Some(clap_error) => clap_error.print(),
        None => human::error(&mut io::stderr(), error, Paint::new(has_color(&io::stderr()))),
    };
    ExitCode::from(error.exit_code)
}

/// Returns whether the JSON of a command line, which is wrong, would be one document a line.
fn has_lines(arguments: &[OsString]) -> bool {
    match arguments {
        [first, ..] if first == "push" || first == "device" => true,
        [first, second, ..] => first == "database" && second == "list",
        _ => false,
    }
}

/// Returns whether the subcommand that was typed reads protected files.
fn takes_password(typed: &[OsString]) -> bool {
    let root = Cli::command();
    let [name, ..] = typed else { return false };
    let Some(command) = root.find_subcommand(name) else { return false };
    let mut command = command.clone();
    command.build();
    command.get_arguments().any(|argument| argument.get_long() == Some("passin"))
}

fn has_color(stream: &impl anstream::stream::RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}

fn screen() -> Screen {
    if io::stdout().is_terminal() { Screen::Terminal } else { Screen::Other }
}

/// Returns whether a command line may have been one for another program.
fn is_misunderstood(error: &clap::Error) -> bool {
    use clap::error::ErrorKind as K;
    matches!(
        error.kind(),
        K::UnknownArgument | K::InvalidSubcommand | K::MissingRequiredArgument | K::InvalidValue | K::ArgumentConflict
    )
}

/// Returns what is wrong with the command line, in one line, and what is suggested.
fn usage_error(error: &clap::Error) -> Error {
    let text = error.to_string();
    let mut message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    if message.ends_with(':') {
        message += &listed_below(&text);
    }
    let error = Error::new(ExitKind::Usage, message);
    for line in text.lines() {
        if let Some(tip) = line.strip_prefix("  tip: ") {
            return error.hint(tip);
        }
    }
    error
}

/// Returns what is listed after the first line of an error, such as the arguments that are missing.
fn listed_below(text: &str) -> String {
    let mut list = String::new();
    for line in text.lines().skip(1) {
        if line.trim().is_empty() {
            break;
        }
        list += if list.is_empty() { " " } else { ", " };
        list += line.trim();
    }
    list
}

/// Returns the help that was asked for, or the version.
fn help_text(error: &clap::Error) -> StyledStr {
    if error.kind() != clap::error::ErrorKind::DisplayHelp {
        return error.render();
    }
    help::asked(cli::arguments().get(1..).unwrap_or_default(), terminal::stdout_columns())
}

/// Prints help or the version, in colour where there is any.
fn print_help(text: &StyledStr) -> io::Result<()> {
    let text = if has_color(&io::stdout()) { text.ansi().to_string() } else { text.to_string() };
    let mut stdout = standard_output();
    write!(stdout, "{}", help::printed(&text))?;
    stdout.flush()
}

/// Escapes what an error of the command line repeats of the arguments.
fn make_printable(error: &mut clap::Error) {
    let mut replaced = Vec::new();
    for (kind, value) in error.context() {
        if let Some(value) = printable_context(value) {
            replaced.push((kind, value));
        }
    }
    for (kind, value) in replaced {
        error.insert(kind, value);
    }
}

fn printable_context(value: &ContextValue) -> Option<ContextValue> {
    Some(match value {
        ContextValue::String(text) => ContextValue::String(printable_name(text)),
        ContextValue::Strings(texts) => ContextValue::Strings(texts.iter().map(|text| printable_name(text)).collect()),
        ContextValue::StyledStrs(texts) => ContextValue::StyledStrs(texts.iter().map(printable_style).collect()),
        ContextValue::StyledStr(text) => ContextValue::StyledStr(printable_style(text)),
        _ => return None,
    })
}

/// Keeps the style of a text where there is nothing to escape.
fn printable_style(text: &StyledStr) -> StyledStr {
    let plain = text.to_string();
    let escaped = printable(&plain);
    if escaped == plain { text.clone() } else { escaped.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_names_crate_version_and_address() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("this is a bug in pushcert {version}; please report it, without the certificate's key");
        assert_eq!(bug_report(""), expected);
        assert!(
            bug_report("https://example.com/pushcert").contains("report it at https://example.com/pushcert/issues,")
        );
    }
}
