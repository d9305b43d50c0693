//! Streams, clock, terminal and environment, replaceable in tests.

use std::ffi::OsString;
use std::io::{Read, Write};

use time::OffsetDateTime;

use crate::world::terminal::Terminal;

/// The world outside of the arguments and files.
pub(crate) struct Context<'a> {
    pub(crate) stdin: &'a mut dyn Read,
    /// The result, and nothing else.
    pub(crate) stdout: &'a mut dyn Write,
    /// Everything but the result.
    pub(crate) stderr: &'a mut dyn Write,
    pub(crate) now: OffsetDateTime,
    pub(crate) terminal: &'a mut dyn Terminal,
    pub(crate) stdin_is_terminal: bool,
    /// Someone can be asked: standard input and standard error are terminals.
    pub(crate) is_interactive: bool,
    /// Someone can be asked for a password at the terminal, wherever standard input comes from.
    pub(crate) asks_for_passwords: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stdout_has_color: bool,
    /// The columns of the terminal at standard output.
    pub(crate) stdout_columns: Option<usize>,
    pub(crate) stderr_is_terminal: bool,
    pub(crate) stderr_has_color: bool,
    /// Reads an environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
}
