//! `pushcert completions`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::cli::completions::CompletionsArgs;
use crate::error::Error;
use crate::world::context::Context;

pub(super) fn run(arguments: &CompletionsArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "pushcert", &mut script);
    Ok(context.stdout.write_all(&script)?)
}
