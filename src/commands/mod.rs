//! One file a subcommand: arguments, then the domain, then a report.

mod check;
mod compare;
mod completions;
mod convert;
mod csr;
mod expiry;
mod gateway;
mod inspect;
mod pack;
pub(crate) mod shared;
mod wizard;

use crate::cli::{Cli, Command};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::world::context::Context;

/// A question that was not answered: there is no terminal any more.
fn unanswered(error: std::io::Error) -> Error {
    Error::new(ExitKind::Usage, format!("a question was not answered: {error}")).hint("give the answers as flags")
}

/// Runs a command, and ends with the exit code where everything was reported.
///
/// # Errors
/// What the user is to be told.
pub(crate) fn run(cli: &Cli, context: &mut Context<'_>) -> Result<u8, Error> {
    let end = match &cli.command {
        Command::Convert(arguments) => convert::run(arguments, context).map(|()| None),
        Command::Inspect(arguments) => inspect::run(arguments, context),
        Command::Csr(arguments) => csr::run(arguments, context).map(|()| None),
        Command::Pack(arguments) => pack::run(arguments, context).map(|()| None),
        Command::Wizard => return wizard::run(context),
        // A format may have exit codes of its own.
        Command::Expiry(arguments) => return expiry::run(arguments, context),
        Command::Compare(arguments) => compare::run(arguments, context),
        Command::Check(arguments) => return check::run(arguments, context),
        Command::Gateway(arguments) => gateway::run(arguments, context).map(|()| None),
        Command::Completions(arguments) => completions::run(arguments, context).map(|()| None),
    }?;
    Ok(end.map_or(0, ExitKind::code))
}
