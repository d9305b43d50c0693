//! The URL of a database, without the credentials in what is shown of it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "postgres")]
use crate::database::postgres::PostgresServer;

/// A database.
#[derive(Clone)]
pub(crate) enum DatabaseAddress {
    Sqlite(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresServer>),
}

/// The reason why a URL is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("sqlite:FILE or postgres://USER@HOST/DATABASE is expected")]
    Scheme,
    #[error("sqlite: is followed by the name of a file")]
    SqliteFile,
    #[error("it is not UTF-8, and only the name of a file after sqlite: may be so")]
    NotUtf8,
    #[error("sqlite: takes no options after a question mark")]
    SqliteOptions,
    #[cfg(not(feature = "postgres"))]
    #[error("this build of pushcert cannot use PostgreSQL")]
    NoPostgres,
    #[cfg(feature = "postgres")]
    #[error("{0}")]
    Postgres(String),
}

/// Reads an environment variable.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The schemes of PostgreSQL's own tools.
const POSTGRES_SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

#[cfg(unix)]
fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = path.metadata() else { return false };
    // An empty file has no tokens: it becomes private when it gets some.
    metadata.is_file() && metadata.len() > 0 && metadata.permissions().mode() & 0o006 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> bool {
    false
}

impl DatabaseAddress {
    /// Returns whether a text is meant as the URL of a database.
    pub(crate) fn is_meant_by(text: &str) -> bool {
        text.starts_with("sqlite:") || text.starts_with("postgres:") || text.starts_with("postgresql:")
    }

    /// Returns whether there is a password in it.
    pub(crate) fn has_password(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.has_password_in_url(),
        }
    }

    /// Returns the file that every user of this machine can read or write.
    pub(crate) fn file_open_to_all(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) if is_open_to_all(path) => Some(path),
            Self::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }

    /// Returns whether others in the network can read what goes to the database.
    pub(crate) fn is_exposed(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.is_exposed(),
        }
    }

    /// Parses a URL. The variables of PostgreSQL say what it leaves open.
    ///
    /// # Errors
    /// A sentence for the user, which does not repeat the URL: there may be a password in it.
    pub(crate) fn parse(url: &OsStr, variables: Variables<'_>) -> Result<Self, AddressError> {
        let Some(text) = url.to_str() else { return parse_bytes(url) };
        if let Some(path) = text.strip_prefix("sqlite:") {
            return parse_sqlite(path);
        }
        for scheme in POSTGRES_SCHEMES {
            if text.starts_with(scheme) {
                return parse_postgres(text, variables);
            }
        }
        Err(AddressError::Scheme)
    }
}

/// Parses a URL that is not UTF-8, as the name of an SQLite file may be.
#[cfg(unix)]
fn parse_bytes(url: &OsStr) -> Result<DatabaseAddress, AddressError> {
    use std::os::unix::ffi::OsStrExt;
    let path = url.as_bytes().strip_prefix(b"sqlite:").ok_or(AddressError::NotUtf8)?;
    check_sqlite(&String::from_utf8_lossy(path))?;
    Ok(DatabaseAddress::Sqlite(OsStr::from_bytes(path.strip_prefix(b"//").unwrap_or(path)).into()))
}

#[cfg(not(unix))]
fn parse_bytes(_: &OsStr) -> Result<DatabaseAddress, AddressError> {
    Err(AddressError::NotUtf8)
}

fn parse_sqlite(path: &str) -> Result<DatabaseAddress, AddressError> {
    check_sqlite(path)?;
    Ok(DatabaseAddress::Sqlite(path.strip_prefix("//").unwrap_or(path).into()))
}

/// Checks what follows `sqlite:`. Two slashes begin a host in a URL, which a file does not have; three begin a path.
fn check_sqlite(path: &str) -> Result<(), AddressError> {
    let is_host = path.starts_with("//") && !path.starts_with("///");
    if path.is_empty() || is_host || path == ":memory:" {
        return Err(AddressError::SqliteFile);
    }
    if path.contains('?') {
        return Err(AddressError::SqliteOptions);
    }
    Ok(())
}

#[cfg(not(feature = "postgres"))]
fn parse_postgres(_: &str, _: Variables<'_>) -> Result<DatabaseAddress, AddressError> {
    Err(AddressError::NoPostgres)
}

#[cfg(feature = "postgres")]
fn parse_postgres(text: &str, variables: Variables<'_>) -> Result<DatabaseAddress, AddressError> {
    match PostgresServer::parse(text, variables) {
        Ok(server) => Ok(DatabaseAddress::Postgres(Box::new(server))),
        Err(problem) => Err(AddressError::Postgres(problem)),
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, AddressError> {
        DatabaseAddress::parse(text.as_ref(), &|_| None).map(|address| address.to_string())
    }

    #[test]
    fn files() {
        for (text, path) in [
            ("sqlite:tokens.db", "tokens.db"),
            ("sqlite:a b/tokens.db", "a b/tokens.db"),
            ("sqlite:/srv/tokens.db", "/srv/tokens.db"),
            ("sqlite:///srv/tokens.db", "/srv/tokens.db"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn what_is_no_database_is_not_repeated() {
        for (text, expected) in [
            ("", AddressError::Scheme),
            ("tokens.db", AddressError::Scheme),
            ("mysql://root:geheim@localhost/x", AddressError::Scheme),
            ("postgres:geheim", AddressError::Scheme),
            ("sqlite:", AddressError::SqliteFile),
            ("sqlite://tokens.db", AddressError::SqliteFile),
            ("sqlite::memory:", AddressError::SqliteFile),
            ("sqlite:tokens.db?mode=rwc", AddressError::SqliteOptions),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("geheim"));
        }
    }
}
