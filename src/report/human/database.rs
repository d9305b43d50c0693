//! `database`: what was changed, and the device tokens, for people and as JSON.

use std::io::{self, Write};

use serde::Serialize;

use crate::database::{Registration, StoredToken, TokenGroup};
use crate::report::style::Paint;
use crate::schema::{SCHEMA_VERSION, rfc3339_of_milliseconds};
use crate::text::printable;

/// What a command has changed.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeReport<'a> {
    schema_version: u32,
    database: String,
    app: &'a str,
    environment: &'static str,
    #[serde(flatten)]
    change: Change,
    /// The number of texts that are no tokens.
    pub(crate) invalid: u64,
}

/// The change.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Change {
    Registered { added: u64, renewed: u64, unchanged: u64, still_unregistered: u64 },
    Removed { removed: u64, missing: u64, kept: u64 },
}

impl From<Registration> for Change {
    fn from(registration: Registration) -> Self {
        let Registration { added, renewed, unchanged, still_unregistered } = registration;
        Self::Registered { added, renewed, unchanged, still_unregistered }
    }
}

impl<'a> ChangeReport<'a> {
    /// Describes a change.
    pub(crate) fn new(database: &dyn std::fmt::Display, group: &'a TokenGroup, change: Change, invalid: u64) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            database: database.to_string(),
            app: &group.app,
            environment: group.environment.name(),
            change,
            invalid,
        }
    }
}

/// Writes what was changed.
pub(crate) fn write_change(out: &mut dyn Write, report: &ChangeReport<'_>) -> io::Result<()> {
    let change = match report.change {
        Change::Registered { added, renewed, unchanged, still_unregistered } => {
            let mut text = format!("{} added", tokens(added));
            for (count, words) in [
                (renewed, "registered anew"),
                (unchanged, "unchanged (registered then, or later)"),
                (still_unregistered, "still unregistered (since then, or later)"),
            ] {
                if count > 0 {
                    text.push_str(&format!(", {count} {words}"));
                }
            }
            text
        }
        Change::Removed { removed: 0, missing: 0, kept: 0 } => "nothing to remove".to_owned(),
        Change::Removed { removed, missing, kept } => {
            let mut text = format!("{} removed", tokens(removed));
            if missing > 0 {
                text.push_str(&format!(", {missing} were not there"));
            }
            if kept > 0 {
                text.push_str(&format!(", {kept} kept"));
            }
            text
        }
    };
    let database = printable(&report.database);
    writeln!(out, "{database}: {change} ({}, {})", printable(report.app), report.environment)
}

/// Counts tokens in words.
pub(crate) fn tokens(count: u64) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
}

/// The line of a token.
#[derive(Serialize)]
struct TokenLine<'a> {
    schema_version: u32,
    id: u64,
    app: &'a str,
    environment: &'a str,
    token: &'a str,
    registered: u64,
    unregistered: Option<u64>,
}

/// Writes a token as a line of JSON.
pub(crate) fn write_token_line(out: &mut dyn Write, stored: &StoredToken) -> io::Result<()> {
    let StoredToken { id, app, environment, token, registered, unregistered } = stored;
    let line = TokenLine {
        schema_version: SCHEMA_VERSION,
        id: *id,
        app,
        environment,
        token,
        registered: *registered,
        unregistered: *unregistered,
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

/// Writes a token.
pub(crate) fn write_token(out: &mut dyn Write, stored: &StoredToken, paint: Paint) -> io::Result<()> {
    let registered = rfc3339_of_milliseconds(stored.registered);
    let (app, environment, token) = (printable(&stored.app), printable(&stored.environment), printable(&stored.token));
    write!(
        out,
        "{} {app} {} {token}",
        paint.faint(format!("{registered:<24}")),
        paint.faint(format!("{environment:<10}"))
    )?;
    if let Some(since) = stored.unregistered {
        write!(out, " {}", paint.warning(format!("unregistered since {}", rfc3339_of_milliseconds(since))))?;
    }
    writeln!(out)
}
