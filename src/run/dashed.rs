//! Names of files that begin with a dash: they are read as options, unless `./` stands before them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory};

use crate::cli::Cli;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::shell::shell_path;
use crate::run::stray;
use crate::text::printable_name;

/// The values of options that are files or folders.
const FILE_VALUES: [&str; 4] = ["FILE", "FOLDER", "PATH", "FILE|FOLDER"];

/// Explains a wrong command line, or one that asks for help, by the name of a file that was read as an option. A word is
/// one if there is such a file, or if it stands behind an option that takes a file.
pub(super) fn explain(error: &clap::Error, typed: &[OsString]) -> Option<Error> {
    for (index, word) in typed.iter().take_while(|word| *word != "--").enumerate() {
        if index == 0 || !is_dashed(word) || !may_be_meant(error, word) {
            continue;
        }
        let is_value = takes_file(typed, &typed[index - 1]);
        let is_there = Path::new(word).symlink_metadata().is_ok();
        if (is_there || is_value) && stray::is_file(word) {
            let name = printable_name(&word.to_string_lossy());
            let problem = format!("{name} begins with a dash, as an option does");
            let hint = format!("a file of that name is given as {}", shell_path(Path::new(word)));
            return Some(Error::new(ExitKind::Usage, problem).hint(hint));
        }
        // Without the ending of a file it may be a password.
        if is_value && error.kind() == ErrorKind::UnknownArgument {
            let problem = format!("{} is followed by a word that begins with a dash", typed[index - 1].display());
            let hint = "a file whose name begins with a dash is given with ./ before it";
            return Some(Error::new(ExitKind::Usage, problem).hint(hint));
        }
    }
    None
}

/// Returns whether a word begins as an option does. `-v` and its like are options.
fn is_dashed(word: &OsStr) -> bool {
    word.len() > 2 && word.as_encoded_bytes().starts_with(b"-")
}

/// Returns whether an error may come of this word.
fn may_be_meant(error: &clap::Error, word: &OsStr) -> bool {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        // Of a word with one dash it names the first letter.
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) => {
            word.to_string_lossy().starts_with(argument.as_str())
        }
        // An option lacks its value, or its letters were read as options that there are.
        (ErrorKind::InvalidValue, _) => {
            matches!(error.get(ContextKind::InvalidValue), Some(ContextValue::String(value)) if value.is_empty())
        }
        (ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => {
            Path::new(word).symlink_metadata().is_ok()
        }
        _ => false,
    }
}

/// Returns whether a word is an option of the subcommand that was typed, and its value is the name of a file.
fn takes_file(typed: &[OsString], word: &OsStr) -> bool {
    if !word.as_encoded_bytes().starts_with(b"-") {
        return false;
    }
    let mut root = Cli::command();
    root.build();
    let mut command: &Command = &root;
    for name in typed {
        match command.find_subcommand(name) {
            Some(found) => command = found,
            None => break,
        }
    }
    let word = word.to_string_lossy();
    command.get_arguments().any(|argument| {
        let is_it = match word.strip_prefix("--") {
            Some(long) => argument.get_long() == Some(long),
            None => argument.get_short().is_some_and(|short| word == format!("-{short}")),
        };
        let names = argument.get_value_names().unwrap_or_default();
        is_it && names.iter().any(|name| FILE_VALUES.contains(&name.as_str()))
    })
}
