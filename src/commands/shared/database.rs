//! The database that the command line names.

use std::ffi::OsStr;
use std::path::Path;

use crate::cli::values::DatabaseUrl;
use crate::commands::shared::advice;
use crate::database::address::{AddressError, DatabaseAddress};
#[cfg(feature = "postgres")]
use crate::database::problem::NO_TLS;
use crate::database::problem::{DatabaseError, DatabaseProblem};
use crate::database::{Access, Database};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::shell::shell_path;
use crate::text::{home_hint, is_variable_name, printable};
use crate::world::context::Context;

/// The prefix of a variable's name.
const VARIABLE_PREFIX: &str = "env:";

/// Finds the database of a URL, or of a variable that has it. `option` is what the user calls it.
///
/// # Errors
/// When it is not the URL of a database.
pub(crate) fn find(given: &DatabaseUrl, option: &str, context: &mut Context<'_>) -> Result<DatabaseAddress, Error> {
    let address = resolve(given, option, context)?;
    if let Some(file) = address.file_open_to_all() {
        let name = printable(&file.display().to_string());
        writeln!(
            context.stderr,
            "warning: {name}: every user of this machine can read or change the tokens in it: chmod o= {}",
            shell_path(file)
        )?;
    }
    if address.is_exposed() {
        writeln!(context.stderr, "warning: {option}: sslmode=disable: others in the network can read the tokens")?;
    }
    Ok(address)
}

fn resolve(given: &DatabaseUrl, option: &str, context: &mut Context<'_>) -> Result<DatabaseAddress, Error> {
    let given = match given {
        DatabaseUrl::Text(text) => text,
        DatabaseUrl::NotUtf8(url) => return parse(url, option, context),
    };
    let Some(name) = given.strip_prefix(VARIABLE_PREFIX) else {
        let address = parse(given.trim().as_ref(), option, context)?;
        if address.has_password() {
            let note = "process lists show the password in the URL: use env:NAME, PGPASSWORD or PGPASSFILE";
            writeln!(context.stderr, "warning: {option}: {note}")?;
        }
        return Ok(address);
    };
    match (context.variable)(name) {
        Some(value) => {
            let url = value.to_str().map_or(&*value, |text| text.trim().as_ref());
            parse(url, &format!("{option}: the variable {name}"), context)
        }
        None if is_variable_name(name) => {
            Err(Error::new(ExitKind::Usage, format!("{option}: the variable {name} is not set"))
                .hint(format!("export {name} first")))
        }
        None => Err(Error::new(ExitKind::Usage, format!("{option}: the variable is not set"))
            .hint("export it first, and write its name, such as env:DATABASE_URL, without $")),
    }
}

fn parse(url: &OsStr, option: &str, context: &Context<'_>) -> Result<DatabaseAddress, Error> {
    let error = match DatabaseAddress::parse(url, context.variable) {
        Ok(address) => return Ok(address),
        Err(error) => error,
    };
    let failure = Error::new(ExitKind::Usage, format!("{option}: {error}"));
    Err(match error {
        #[cfg(not(feature = "postgres"))]
        AddressError::NoPostgres => failure.hint(
            "released binaries can; from source: cargo install --locked --path . --features postgres; or use sqlite:FILE",
        ),
        AddressError::Scheme => match hint_at_scheme(url) {
            Some(hint) => failure.hint(hint),
            None => failure,
        },
        AddressError::SqliteFile => failure.hint("such as sqlite:tokens.db, or sqlite:/srv/tokens.db"),
        _ => failure,
    })
}

/// Says what was meant by a URL of neither kind, where that can be told without repeating what may be a password.
fn hint_at_scheme(url: &OsStr) -> Option<String> {
    let text = url.to_str()?;
    if let Some(hint) = hint_at_file(text) {
        return Some(hint);
    }
    if !text.is_empty() && !text.contains(':') {
        return Some("a file is named with sqlite: before it, such as sqlite:tokens.db".to_owned());
    }
    for scheme in ["mysql:", "mariadb:"] {
        if text.starts_with(scheme) {
            return Some(format!("{OTHER_PROGRAM}: mysql -N -e '{QUERY}' DATABASE | {PUSH}"));
        }
    }
    None
}

/// The endings of SQLite's files.
const ENDINGS: [&str; 5] = ["db", "db3", "sqlite", "sqlite3", "sqlitedb"];

/// Says how the file of a database is named, where a word without a scheme is that of one, which need not be there yet.
pub(crate) fn hint_at_file(text: &str) -> Option<String> {
    let path = Path::new(text);
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let is_named_like_one = ENDINGS.contains(&&*ending) && !text.contains([':', '@']);
    if !is_named_like_one && !path.is_file() {
        return None;
    }
    Some(format!("a file is named with sqlite: before it: sqlite:{}", shell_path(path)))
}

const OTHER_PROGRAM: &str = "the tokens in another program's database are sent to so";
const QUERY: &str = "select device_token from users";
const PUSH: &str = "pushcert push … --tokens -";

/// Opens a database.
///
/// # Errors
/// When it cannot be used.
pub(crate) fn open(address: &DatabaseAddress, access: Access) -> Result<Database, Error> {
    match Database::open(address, access) {
        Ok(database) => Ok(database),
        Err(error) => Err(explain(&error)),
    }
}

/// Returns the error for the user.
pub(crate) fn explain(error: &DatabaseError) -> Error {
    // What follows a colon may be a password.
    let name = advice::without_password(&error.database);
    let failure = Error::new(error.exit_kind(), error.to_string().replacen(&error.database, &name, 1));
    if let DatabaseProblem::Missing | DatabaseProblem::NoFolder = error.problem
        && let Some(hint) = home_hint(&error.database)
    {
        return failure.hint(hint.replacen("give \"", "give sqlite:\"", 1));
    }
    if let DatabaseProblem::Foreign(_) = error.problem {
        let hint = hint(&error.problem).unwrap_or_default();
        let file = Path::new(error.database.strip_prefix("sqlite:").unwrap_or(&error.database));
        let command = format!("sqlite3 {} '{QUERY}' | {PUSH}", shell_path(file));
        return failure.hint(format!("{hint}; {OTHER_PROGRAM}: {command}"));
    }
    match hint(&error.problem) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint(problem: &DatabaseProblem) -> Option<&'static str> {
    Some(match problem {
        DatabaseProblem::Missing => "pushcert database add and import create it",
        DatabaseProblem::NoDatabase => "pushcert database import takes lists of tokens into a database",
        DatabaseProblem::Foreign(_) => "name another file: pushcert database add and import create it",
        DatabaseProblem::Changed(_) => {
            "name another database: pushcert database add and import create their tables in it"
        }
        DatabaseProblem::NoFolder => "make the folder first",
        DatabaseProblem::NoFile => "name a file: sqlite:FILE",
        DatabaseProblem::Closed(_) => "check its path, and the rights to the file and its folder",
        DatabaseProblem::Newer(_) => "use the newer pushcert",
        DatabaseProblem::Damaged(_) => "restore it from a backup; sqlite3 FILE .dump writes what can be read, as SQL",
        DatabaseProblem::Locked(_) => "run the command again when the other process has ended its transaction",
        DatabaseProblem::Full(_) => "make room on the disk, and run the command again",
        DatabaseProblem::NeedsFiles => "copy it to a folder in which you may write, or set its journal mode to delete",
        DatabaseProblem::ReadOnly => "the file and its folder must be writable",
        #[cfg(feature = "postgres")]
        DatabaseProblem::ReadOnlyServer => {
            "name the primary server: this one is a standby, or default_transaction_read_only is on"
        }
        #[cfg(feature = "postgres")]
        DatabaseProblem::Forbidden(_) => {
            "GRANT SELECT, INSERT, UPDATE, DELETE ON pushcert_token and SELECT ON pushcert_schema to the role; the role that \
             creates the tables needs CREATE ON SCHEMA"
        }
        #[cfg(feature = "postgres")]
        DatabaseProblem::NotLocal(_) => "name the machine by its own name or address, so that TLS proves it",
        #[cfg(feature = "postgres")]
        DatabaseProblem::NoTables => "pushcert database add and import create them",
        #[cfg(feature = "postgres")]
        DatabaseProblem::Password(_) => {
            "give it in PGPASSWORD, in the file that PGPASSFILE names, or in ~/.pgpass, which only you may read"
        }
        #[cfg(feature = "postgres")]
        DatabaseProblem::Untrusted(words) if words == NO_TLS => {
            "set ssl = on in the server's postgresql.conf; without it the password and the tokens would go in the clear"
        }
        #[cfg(feature = "postgres")]
        DatabaseProblem::Untrusted(_) => {
            "the URL's sslrootcert=FILE, or PGSSLROOTCERT, names the CA certificate of the server; its name must be that of the \
             URL; a server on this machine needs no proof with sslmode=require"
        }
        #[cfg(feature = "postgres")]
        DatabaseProblem::Refused(words) if words.contains("no encryption") => {
            "add sslmode=verify-full to the URL, or sslmode=require for a server on this machine"
        }
        #[cfg(feature = "postgres")]
        DatabaseProblem::Unreachable(_) => "start the server, or correct the host and the port in the URL",
        #[cfg(feature = "postgres")]
        DatabaseProblem::Silent(_) => "look whether a firewall stands before the server, and run the command again",
        _ => return None,
    })
}
