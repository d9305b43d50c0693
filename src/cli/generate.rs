//! Arguments of `pushcert generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::completions::CompletionsArgs;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert generate man | man -l -
  pushcert generate man --folder ~/.local/share/man/man1
  mkdir -p ~/.local/share/bash-completion/completions
  mkdir -p ~/.zfunc ~/.config/fish/completions
  pushcert generate completions bash \\
      > ~/.local/share/bash-completion/completions/pushcert
  # for zsh, fpath+=(~/.zfunc) stands before compinit in ~/.zshrc
  pushcert generate completions zsh > ~/.zfunc/_pushcert
  pushcert generate completions fish > ~/.config/fish/completions/pushcert.fish")]
pub(crate) struct GenerateArgs {
    #[command(subcommand)]
    pub(crate) what: Generated,
}

// What is made from the command line's own description. A doc comment would become the help of the subcommand.
#[derive(Debug, Subcommand)]
pub(crate) enum Generated {
    /// Print a manual page, or write those of all subcommands to a folder
    Man(ManArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert generate man convert | man -l -
  pushcert generate man --folder man1")]
pub(crate) struct ManArgs {
    /// The subcommand that the page is about (convert, database add, …), instead of pushcert as a whole
    #[arg(conflicts_with = "folder")]
    pub(crate) subcommand: Vec<String>,

    /// Write the pages of pushcert and of all subcommands to this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,

    /// Overwrite existing pages
    #[arg(long, requires = "folder")]
    pub(crate) force: bool,
}
