//! Arguments of `pushcert completions`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pushcert completions bash > /etc/bash_completion.d/pushcert")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
