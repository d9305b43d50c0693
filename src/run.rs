//! A run of the binary: parse, build the context, run, turn the end into an exit code.

use std::io::{self, BufWriter, IsTerminal, LineWriter, Write};
use std::process::ExitCode;

use crate::cli::Cli;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::style::Paint;
use crate::report::{human, json, nagios};
use crate::world::context::Context;
use crate::world::terminal::ControllingTerminal;
use anstream::{AutoStream, ColorChoice};
use clap::Parser;

/// Runs the command line: parses it, builds the context, runs the command, and returns the exit code.
pub fn main() -> ExitCode {
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let message = "error: this is a bug in pushcert; please report it, without the certificate's key";
        let _ = writeln!(io::stderr(), "{message}");
        if wants_nagios() {
            let error = Error::new(ExitKind::Bug, "a bug in pushcert");
            let _ = nagios::write_error(&mut io::stdout(), "PUSHCERT", &error);
            return ExitCode::from(nagios::UNKNOWN);
        }
        ExitCode::from(ExitKind::Bug.code())
    })
}

/// Returns whether the command line asks for Nagios' format, which has exit codes of its own, even where
/// the rest of it is wrong.
fn wants_nagios() -> bool {
    let arguments: Vec<_> = std::env::args_os().collect();
    arguments.iter().any(|argument| argument == "--format=nagios")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "nagios")
}

/// Prints help, the version, or what is wrong with the command line: as JSON or for Nagios, where that was
/// asked for.
fn refuse(refused: &clap::Error) -> ExitCode {
    if !refused.use_stderr() {
        let _ = refused.print();
        return ExitCode::SUCCESS;
    }
    let text = refused.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let error = Error::new(ExitKind::Usage, message);
    if wants_nagios() {
        let _ = nagios::write_error(&mut io::stdout(), "PUSHCERT", &error);
        return ExitCode::from(nagios::UNKNOWN);
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let _ = json::write_error(&mut io::stdout(), &error);
    } else {
        let _ = refused.print();
    }
    ExitCode::from(error.exit_code)
}

fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refused) => return refuse(&refused),
    };
    let has_color = |choice| choice != ColorChoice::Never;
    let mut stdout = BufWriter::new(io::stdout().lock());
    let mut stderr = LineWriter::new(io::stderr());
    let stderr_has_color = has_color(AutoStream::choice(&io::stderr()));
    let mut context = Context {
        stdin: &mut io::stdin(),
        stdout: &mut stdout,
        stderr: &mut stderr,
        now: time::OffsetDateTime::now_utc(),
        terminal: &mut ControllingTerminal,
        is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
        stdout_is_terminal: io::stdout().is_terminal(),
        stdout_has_color: has_color(AutoStream::choice(&io::stdout())),
        stderr_is_terminal: io::stderr().is_terminal(),
        stderr_has_color,
        variable: &|name| std::env::var_os(name),
    };
    let result = crate::commands::run(&cli, &mut context).and_then(|code| {
        match context.stdout.flush() {
            // The reader of the output has gone; the answer is still the answer.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(code),
            flushed => flushed.map(|()| code).map_err(Error::from),
        }
    });
    match result {
        Ok(code) => ExitCode::from(code),
        // The reader of the output has gone: there is nobody left to tell.
        Err(Error { is_closed_pipe: true, .. }) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = if cli.command.wants_json() {
                json::write_error(context.stdout, &error).and_then(|()| context.stdout.flush())
            } else {
                human::error(context.stderr, &error, Paint::new(stderr_has_color))
            };
            // What cannot be printed cannot be known.
            ExitCode::from(if wants_nagios() { nagios::UNKNOWN } else { error.exit_code })
        }
    }
}
