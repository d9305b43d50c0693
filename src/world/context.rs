//! The world, injected: streams, clock, terminal, environment.

use std::ffi::OsString;
use std::io::{Read, Write};

use time::OffsetDateTime;

use crate::world::terminal::Terminal;

/// What a command may touch of the world outside its arguments and files.
pub(crate) struct Context<'a> {
    /// Standard input.
    pub(crate) stdin: &'a mut dyn Read,
    /// Standard output: the result, and nothing else.
    pub(crate) stdout: &'a mut dyn Write,
    /// Standard error: all else.
    pub(crate) stderr: &'a mut dyn Write,
    /// The time.
    pub(crate) now: OffsetDateTime,
    /// The terminal.
    pub(crate) terminal: &'a mut dyn Terminal,
    /// Whether a person is there to be asked: standard input and error are terminals.
    pub(crate) is_interactive: bool,
    /// Whether standard output is a terminal.
    pub(crate) stdout_is_terminal: bool,
    /// Whether standard output takes colour.
    pub(crate) stdout_has_color: bool,
    /// Whether standard error is a terminal.
    pub(crate) stderr_is_terminal: bool,
    /// Whether standard error takes colour.
    pub(crate) stderr_has_color: bool,
    /// Reads an environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
}
