//! The error that ends a run.

use std::io;

use serde::Serialize;

use crate::exit::ExitKind;
use crate::text::Printable;

/// An error as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// Decides the exit code.
    pub kind: ExitKind,
    /// The exit code.
    pub exit_code: u8,
    /// Says what was found, in which file, and what was expected.
    pub message: Printable,
    /// Says what to do next.
    pub hint: Option<Printable>,
    /// Standard output was closed; exit quietly.
    #[serde(skip)]
    pub is_closed_pipe: bool,
}

impl Error {
    /// Makes an error without a hint.
    pub fn new(kind: ExitKind, message: impl Into<Printable>) -> Self {
        Self { kind, exit_code: kind.code(), message: message.into(), hint: None, is_closed_pipe: false }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(self, hint: impl Into<Printable>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<io::Error> for Error {
    /// Converts an error of an output stream: files have errors of their own.
    fn from(error: io::Error) -> Self {
        let is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { is_closed_pipe, ..Self::new(ExitKind::Write, format!("cannot write the output: {error}")) }
    }
}
