//! One file a subcommand: arguments, then the domain, then a report.

mod check;
mod compare;
mod convert;
mod csr;
mod database;
mod device;
mod example;
mod expiry;
mod explain;
mod gateway;
mod generate;
mod inspect;
mod pack;
mod push;
mod rehearse;
pub(crate) mod shared;
mod wizard;

use std::ffi::OsString;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::world::context::Context;

/// A question that was not answered: there is no terminal any more.
fn unanswered(error: std::io::Error) -> Error {
    Error::new(ExitKind::Usage, format!("a question was not answered: {error}")).hint("give the answers as flags")
}

/// Runs a command, and returns the exit code where everything was reported.
///
/// # Errors
/// When the command could not be carried out.
pub(crate) fn run(cli: &Cli, context: &mut Context<'_>) -> Result<u8, Error> {
    let exit = match &cli.command {
        Command::Inspect(arguments) => inspect::run(arguments, context)?,
        Command::Compare(arguments) => compare::run(arguments, context)?,
        // A format may have exit codes of its own.
        Command::Expiry(arguments) => return expiry::run(arguments, context),
        Command::Check(arguments) => return check::run(arguments, context),
        Command::Database(arguments) => database::run(arguments, context)?,
        Command::Device(arguments) => device::run(arguments, context)?,
        Command::Push(arguments) => push::run(arguments, context)?,
        Command::Rehearse(arguments) => return rehearse::run(arguments, context),
        Command::Wizard => return wizard::run(context),
        Command::Csr(arguments) => done(csr::run(arguments, context))?,
        Command::Convert(arguments) => done(convert::run(arguments, context))?,
        Command::Pack(arguments) => done(pack::run(arguments, context))?,
        Command::Gateway(arguments) => done(gateway::run(arguments, context))?,
        Command::Example(arguments) => done(example::run(arguments, context))?,
        Command::Explain(arguments) => done(explain::run(arguments, context))?,
        Command::Generate(arguments) => done(generate::run(arguments, context))?,
    };
    Ok(exit.map_or(0, ExitKind::code))
}

/// Refuses what the arguments alone show to be wrong, though the parser takes them. The commands do so themselves.
///
/// # Errors
/// When they are.
pub(crate) fn refuse_early(cli: &Cli) -> Result<(), Error> {
    match &cli.command {
        Command::Check(arguments) => check::refuse_early(arguments),
        Command::Expiry(arguments) => expiry::refuse_early(arguments),
        Command::Push(arguments) => push::refuse_early(arguments),
        _ => Ok(()),
    }
}

/// Refuses the file that was given to `explain` in the place of a text, where the parser of the command line did not take its
/// name, which is not UTF-8.
pub(crate) fn refuse_text(typed: &[OsString]) -> Option<Error> {
    match typed {
        [name, words @ .., last] if name == "explain" && last == "--json" => explain::refuse_file(words),
        [name, words @ ..] if name == "explain" => explain::refuse_file(words),
        _ => None,
    }
}

/// Gives a command that either succeeds or fails the result of those that also answer no.
fn done(result: Result<(), Error>) -> Result<Option<ExitKind>, Error> {
    result?;
    Ok(None)
}
