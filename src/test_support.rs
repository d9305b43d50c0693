//! What the unit tests share: fixtures and a world of their own.

use std::ffi::OsString;
use std::io;

use clap::Parser;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::certificate::Certificate;
use crate::cli::Cli;
use crate::commands;
use crate::pem;
use crate::world::context::Context;
use crate::world::terminal::scripted::Scripted;

/// Returns the path of a file under fixtures/.
pub(crate) fn fixture_path(path: &str) -> String {
    format!("{}/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))
}

/// Reads a file under fixtures/.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(fixture_path(path)).unwrap()
}

/// Parses the first certificate of a file under fixtures/, in PEM or DER.
pub(crate) fn certificate(path: &str) -> Certificate {
    let bytes = fixture(path);
    let blocks = pem::parse(&bytes).unwrap();
    Certificate::parse(blocks.first().map_or(&bytes[..], |block| &block.der)).unwrap()
}

/// Runs a command in the root of the repository, in a world where nobody is asked; returns what it printed.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let cli = Cli::try_parse_from([&["pushcert"], arguments].concat()).unwrap();
    let mut world = TestWorld::new();
    world.run(|context| commands::run(&cli, context)).unwrap();
    String::from_utf8(world.stdout).unwrap()
}

/// Returns what `expiry` prints about a good, an expired and a damaged file.
pub(crate) fn printed_expiry(format: &str) -> String {
    let files = ["fixtures/der/universal.cer", "fixtures/der/expired.cer", "fixtures/p12/truncated.p12"];
    printed(&[&["expiry", "--format", format], &files[..]].concat())
}

/// Returns what `check` prints about a certificate whose key is missing: it asks no gateway.
pub(crate) fn printed_check(format: &str) -> String {
    printed(&["check", "fixtures/der/universal.cer", "--environment", "production", "--format", format])
}

/// Streams in memory, a terminal that answers from a list, a clock that stands still.
pub(crate) struct TestWorld {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) now: OffsetDateTime,
    pub(crate) terminal: Scripted,
    pub(crate) is_interactive: bool,
    pub(crate) stdout_is_terminal: bool,
    pub(crate) variable: fn(&str) -> Option<OsString>,
}

impl TestWorld {
    /// Makes a world where nobody is asked, and no variable is set but the locale.
    pub(crate) fn new() -> Self {
        Self {
            stdout: vec![],
            stderr: vec![],
            now: datetime!(2026-11-24 0:00 UTC),
            terminal: Scripted::default(),
            is_interactive: false,
            stdout_is_terminal: false,
            variable: |name| (name == "LC_ALL").then(|| "C.UTF-8".into()),
        }
    }

    /// Makes a world where somebody at a terminal gives these answers.
    pub(crate) fn interactive(answers: &[&str]) -> Self {
        Self { terminal: Scripted::new(answers), is_interactive: true, stdout_is_terminal: true, ..Self::new() }
    }

    /// Calls `act` in this world.
    pub(crate) fn run<T>(&mut self, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
        act(&mut Context {
            stdin: &mut io::empty(),
            stdout: &mut self.stdout,
            stderr: &mut self.stderr,
            now: self.now,
            terminal: &mut self.terminal,
            stdin_is_terminal: self.is_interactive,
            is_interactive: self.is_interactive,
            asks_for_passwords: self.is_interactive,
            stdout_is_terminal: self.stdout_is_terminal,
            stdout_has_color: false,
            stdout_columns: None,
            stderr_is_terminal: false,
            stderr_has_color: false,
            variable: &self.variable,
        })
    }
}
