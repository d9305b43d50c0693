//! One file a subcommand: arguments, then the domain, then a report.

mod candidates;
mod compare;
mod completions;
mod convert;
mod expiry;
mod inspect;
mod opening;
mod survey;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Kind;

/// Runs a command, and ends with the exit code where everything was reported.
///
/// # Errors
/// What the user is to be told.
pub fn run(cli: &Cli, context: &mut Context<'_>) -> Result<u8, Error> {
    let end = match &cli.command {
        Command::Convert(arguments) => convert::run(arguments, context).map(|()| None),
        Command::Inspect(arguments) => inspect::run(arguments, context),
        // A format may have exit codes of its own.
        Command::Expiry(arguments) => return expiry::run(arguments, context),
        Command::Compare(arguments) => compare::run(arguments, context),
        Command::Completions(arguments) => completions::run(arguments, context).map(|()| None),
    }?;
    Ok(end.map_or(0, Kind::code))
}
