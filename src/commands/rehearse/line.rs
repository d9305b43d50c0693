//! The command lines of a rehearsal: as they are shown, for the folder of the rehearsal, and as they are carried out,
//! from where the rehearsal was started.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::commands::shared::advice;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::shell::{shell_os_word, shell_path, shell_word};
use crate::world::files::Location;

/// A command line, word by word.
pub(super) struct CommandLine {
    folder: PathBuf,
    shown: Vec<String>,
    words: Vec<OsString>,
}

impl CommandLine {
    pub(super) fn new(folder: &Path, command: &str) -> Self {
        let mut line =
            Self { folder: folder.to_owned(), shown: vec!["pushcert".to_owned()], words: vec!["pushcert".into()] };
        line.add(&[command]);
        line
    }

    /// Adds words that are the same everywhere.
    pub(super) fn add(&mut self, words: &[&str]) {
        for word in words {
            self.shown.push(shell_word(word));
            self.words.push(word.into());
        }
    }

    /// Adds an option whose value may begin with a dash.
    pub(super) fn option(&mut self, name: &str, value: &str) {
        if value.starts_with('-') {
            self.add(&[&format!("{name}={value}")]);
        } else {
            self.add(&[name, value]);
        }
    }

    /// Adds a file of the folder.
    pub(super) fn file(&mut self, name: &str) {
        self.prefixed_file("", name);
    }

    /// Adds a file of the folder after a prefix, such as `sqlite:`.
    pub(super) fn prefixed_file(&mut self, prefix: &str, name: &str) {
        self.shown.push(shell_word(&format!("{prefix}{name}")));
        let mut word = OsString::from(prefix);
        word.push(self.folder.join(name));
        self.words.push(word);
    }

    /// Adds a file of the folder that the option names by default, so that it is not shown.
    pub(super) fn default_file(&mut self, option: &str, name: &str) {
        self.words.push(option.into());
        self.words.push(self.folder.join(name).into());
    }

    /// Adds a file of the user's, by a name that leads to it from everywhere.
    pub(super) fn own_file(&mut self, location: &Location) {
        match location {
            Location::Standard => self.add(&["-"]),
            Location::Path(path) => {
                let path = absolute(path);
                let name = path.display().to_string();
                let masked = advice::without_password(&name);
                self.shown.push(if masked == name { shell_path(&path) } else { shell_word(&masked) });
                self.words.push(path.into());
            }
        }
    }

    /// Adds an option that is shown and not carried out.
    pub(super) fn show_only(&mut self, option: &str, value: &OsStr) {
        self.shown.extend([option.to_owned(), shell_os_word(value)]);
    }

    /// Shows words of the shell before the line.
    pub(super) fn show_before(&mut self, words: &str) {
        self.shown.insert(0, words.to_owned());
    }

    /// Shows words of the shell after the line.
    pub(super) fn show_after(&mut self, words: &str) {
        self.shown.push(words.to_owned());
    }

    /// Returns the line for a shell.
    pub(super) fn text(&self) -> String {
        self.shown.join(" ")
    }

    /// Parses the line.
    ///
    /// # Errors
    /// When it is wrong, which is a bug or comes from an argument that no command takes.
    pub(super) fn parse(&self) -> Result<Command, Error> {
        match Cli::try_parse_from(&self.words) {
            Ok(cli) => Ok(cli.command),
            Err(error) => Err(Error::new(ExitKind::Bug, format!("the rehearsal's own command is wrong: {error}"))),
        }
    }
}

/// Returns a path that leads to the same file from everywhere.
pub(super) fn absolute(path: &Path) -> PathBuf {
    match std::path::absolute(path) {
        Ok(absolute) => absolute,
        Err(_) => path.to_owned(),
    }
}
