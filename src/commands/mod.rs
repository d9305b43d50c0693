//! One file a subcommand: arguments, then the domain, then a report.

mod check;
mod completions;
mod convert;
mod gateway;
mod inspect;
mod opening;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Kind;

/// Runs a command; `Some` is an end that was already reported.
///
/// # Errors
/// What the user is to be told.
pub fn run(cli: &Cli, context: &mut Context<'_>) -> Result<Option<Kind>, Error> {
    match &cli.command {
        Command::Convert(arguments) => convert::run(arguments, context).map(|()| None),
        Command::Inspect(arguments) => inspect::run(arguments, context),
        Command::Check(arguments) => check::run(arguments, context),
        Command::Gateway(arguments) => gateway::run(arguments, context).map(|()| None),
        Command::Completions(arguments) => completions::run(arguments, context).map(|()| None),
    }
}
