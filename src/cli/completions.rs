//! Arguments of `pushcert completions`.

use clap::Args;

/// Arguments of `pushcert completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pushcert completions bash > /etc/bash_completion.d/pushcert")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
