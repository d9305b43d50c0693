//! Arguments of `pushcert generate completions`.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  mkdir -p ~/.local/share/bash-completion/completions
  pushcert generate completions bash \\
      > ~/.local/share/bash-completion/completions/pushcert")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
