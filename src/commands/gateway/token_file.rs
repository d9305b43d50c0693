//! The file of `--tokens`, which SIGHUP has read again.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use crate::cli::gateway::GatewayArgs;
use crate::commands::shared::advice;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::tokens::{TokenListError, Tokens};
use crate::gateway::{AfterHangup, GatewayOptions};
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::terminal::has_controlling_terminal;

pub(super) fn read_tokens(location: &Location, context: &mut Context<'_>) -> Result<Tokens, Error> {
    let parsed = match location {
        Location::Standard => Tokens::parse(BufReader::new(&mut *context.stdin), now()),
        Location::Path(path) => read_token_file(path),
    };
    match parsed {
        Ok(tokens) => Ok(tokens),
        Err(TokenListError::Io(error)) => Err(advice::unreadable(&location.to_string(), &error)),
        Err(error) => Err(Error::new(ExitKind::Input, format!("{}: {error}", location.input_name()))),
    }
}

fn read_token_file(path: &Path) -> Result<Tokens, TokenListError> {
    Tokens::parse(BufReader::new(File::open(path)?), now())
}

/// Returns the time in milliseconds since 1970.
fn now() -> u64 {
    let milliseconds = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    u64::try_from(milliseconds).unwrap_or_default()
}

/// Reads the file of tokens again.
fn reopen_token_file(path: &Path) -> Result<Tokens, TokenListError> {
    let mut options = File::options();
    options.read(true);
    // A pipe would keep the gateway waiting for whoever writes to it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file any more").into());
    }
    Tokens::parse(BufReader::new(file), now())
}

/// The list of devices as SIGHUP finds it.
pub(super) struct TokenReload {
    tokens: Tokens,
    /// The file; `None` if there is none to read again, such as a pipe.
    file: Option<PathBuf>,
    had_terminal: bool,
}

impl TokenReload {
    pub(super) fn new(arguments: &GatewayArgs, options: &GatewayOptions) -> Self {
        let file = match &arguments.tokens {
            Some(Location::Path(path)) if path.is_file() => Some(path.clone()),
            Some(_) | None => None,
        };
        Self { tokens: options.tokens.clone(), file, had_terminal: has_controlling_terminal() }
    }

    /// Reads the list again, or ends the gateway: a terminal that is closed sends SIGHUP too. A list that cannot be read
    /// leaves the old one in force.
    pub(super) fn on_hangup(&self) -> AfterHangup {
        let Some(file) = &self.file else { return AfterHangup::Stop };
        if self.had_terminal && !has_controlling_terminal() {
            return AfterHangup::Stop;
        }
        let line = match reopen_token_file(file) {
            Ok(tokens) => {
                self.tokens.replace(tokens);
                format!("{}: read again, {} device tokens", file.display(), self.tokens.count())
            }
            Err(error) => format!("warning: {}: {error}; the tokens are as before", file.display()),
        };
        let _ = writeln!(io::stderr(), "{}", printable(&line));
        AfterHangup::Serve
    }
}
