//! The command lines that the wizard writes.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::commands::wizard::Talk;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::shell::shell_os_word;
use crate::report::style::Paint;

/// A command line, word by word.
pub(super) struct CommandLine(Vec<OsString>);

impl CommandLine {
    pub(super) fn new(words: &[&str]) -> Self {
        let mut line = vec!["pushcert".into()];
        for word in words {
            line.push(word.into());
        }
        Self(line)
    }

    pub(super) fn flag(&mut self, name: &str) {
        self.0.push(name.into());
    }

    /// Adds a file as an argument: one that begins with `-` is no option.
    pub(super) fn file(&mut self, path: &Path) {
        self.0.push(if looks_like_option(path.as_os_str()) { Path::new(".").join(path).into() } else { path.into() });
    }

    pub(super) fn option(&mut self, name: &str, value: impl AsRef<OsStr>) {
        let value = value.as_ref();
        if looks_like_option(value) {
            let mut word = OsString::from(format!("{name}="));
            word.push(value);
            self.0.push(word);
        } else {
            self.0.push(name.into());
            self.0.push(value.to_owned());
        }
    }

    /// Returns the line as it is typed.
    pub(super) fn text(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| shell_os_word(word)).collect();
        words.join(" ")
    }

    /// Prints the line, and parses it.
    pub(super) fn show(&self, talk: &mut Talk<'_, '_>) -> Result<Command, Error> {
        let paint = Paint::new(talk.context.stderr_has_color);
        writeln!(talk.context.stderr, "\n{}\n", paint.strong(format_args!("$ {}", self.text())))?;
        match Cli::try_parse_from(&self.0) {
            Ok(cli) => Ok(cli.command),
            Err(error) => Err(Error::new(ExitKind::Bug, format!("the wizard's own command is wrong: {error}"))),
        }
    }
}

fn looks_like_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

pub(super) fn unexpected_command() -> Error {
    Error::new(ExitKind::Bug, "the wizard's own command is another")
}
