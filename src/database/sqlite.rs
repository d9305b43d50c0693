//! Device tokens in an SQLite file. It has a rollback journal, SQLite's default: one file, which can be copied.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use tempfile::Builder;
use uuid::Uuid;

use crate::database::problem::{DatabaseError, DatabaseProblem};
use crate::database::{
    Access, KeptToken, Mark, Marked, Registration, RegistrationTime, Removed, Selection, StoredToken, TokenGroup,
    VERSION, signed, unsigned,
};
use crate::text;
#[cfg(unix)]
use crate::world::signals;

/// The limit of the wait for other processes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// What makes an SQLite file one of pushcert: "push" in ASCII.
const APPLICATION_ID: i64 = 0x7075_7368;

/// The schema. The checks refuse a token that would be a second one for the same device, and times in seconds.
const SCHEMA: &str = "
CREATE TABLE pushcert_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    app TEXT NOT NULL CHECK (app <> ''),
    environment TEXT NOT NULL CHECK (environment IN ('production', 'sandbox')),
    token TEXT NOT NULL CHECK (token <> '' AND token NOT GLOB '*[^0-9a-f]*' AND length(token) % 2 = 0),
    registered INTEGER NOT NULL CHECK (typeof(registered) = 'integer' AND registered >= 100000000000),
    unregistered INTEGER CHECK (typeof(unregistered) IN ('integer', 'null')),
    UNIQUE (app, environment, token)
);
CREATE INDEX pushcert_token_registered ON pushcert_token (app, environment) WHERE unregistered IS NULL;
CREATE TABLE pushcert_schema (version INTEGER NOT NULL, identity TEXT NOT NULL);
";

const KNOWN: &str =
    "SELECT id, registered, unregistered FROM pushcert_token WHERE app = ?1 AND environment = ?2 AND token = ?3";
/// `?3` says that the device registers now.
const UPDATE: &str = "
UPDATE pushcert_token SET
    unregistered = CASE WHEN ?3 OR unregistered < ?2 THEN NULL ELSE unregistered END,
    registered = CASE WHEN ?3 THEN ?2 ELSE max(registered, ?2) END
WHERE id = ?1";
const INSERT: &str = "INSERT INTO pushcert_token (app, environment, token, registered) VALUES (?1, ?2, ?3, ?4)";
const MARK: &str = "
UPDATE pushcert_token SET unregistered = ?4
WHERE app = ?1 AND environment = ?2 AND token = ?3 AND unregistered IS NULL AND registered < ?4";
const REGISTERED: &str = "
SELECT registered FROM pushcert_token
WHERE app = ?1 AND environment = ?2 AND token = ?3 AND unregistered IS NULL";
const DELETE_UNREGISTERED: &str = "
DELETE FROM pushcert_token WHERE app = ?1 AND environment = ?2 AND token = ?3 AND registered < ?4";
const LAST_REGISTERED: &str = "
SELECT registered FROM pushcert_token WHERE app = ?1 AND environment = ?2 AND token = ?3";
const DELETE: &str = "DELETE FROM pushcert_token WHERE app = ?1 AND environment = ?2 AND token = ?3";

/// An open file.
pub(crate) struct SqliteStore {
    connection: Connection,
    file: SqliteFile,
    identity: String,
}

/// A file, for messages.
struct SqliteFile {
    path: PathBuf,
    access: Access,
    busy_timeout: Duration,
}

impl SqliteFile {
    fn error(&self, problem: DatabaseProblem) -> DatabaseError {
        DatabaseError { database: self.path.display().to_string(), problem, access: self.access }
    }

    fn explain(&self, error: &rusqlite::Error) -> DatabaseError {
        self.error(self.problem_of(error))
    }

    fn problem_of(&self, error: &rusqlite::Error) -> DatabaseProblem {
        let words = words_of(error);
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                DatabaseProblem::Locked(text::seconds(self.busy_timeout))
            }
            Some(ErrorCode::DiskFull) => DatabaseProblem::Full(words),
            Some(ErrorCode::ReadOnly) if self.access == Access::Read => DatabaseProblem::NeedsFiles,
            Some(ErrorCode::ReadOnly) => DatabaseProblem::ReadOnly,
            Some(ErrorCode::NotADatabase) => DatabaseProblem::NoDatabase,
            Some(ErrorCode::DatabaseCorrupt) => DatabaseProblem::Damaged(words),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => DatabaseProblem::Closed(words),
            _ if is_of_other_tables(error) => DatabaseProblem::Changed(words),
            _ => DatabaseProblem::Failed(words),
        }
    }
}

/// Returns the words of SQLite, without the query, and without the path under which a file is opened.
fn words_of(error: &rusqlite::Error) -> String {
    let words = match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::SqliteFailure(failure, _) if failure.code == ErrorCode::CannotOpen => failure.to_string(),
        _ => error.to_string(),
    };
    text::printable(&words)
}

/// Returns whether a query does not fit the tables.
fn is_of_other_tables(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    matches!(error, E::SqlInputError { .. } | E::InvalidColumnType(..) | E::FromSqlConversionFailure(..))
}

/// The row of the second table.
struct Schema {
    version: i64,
    identity: String,
}

fn read_schema(connection: &Connection) -> rusqlite::Result<Option<Schema>> {
    let query = "SELECT version, identity FROM pushcert_schema";
    connection.query_row(query, [], |row| Ok(Schema { version: row.get(0)?, identity: row.get(1)? })).optional()
}

impl SqliteStore {
    /// Opens a file.
    pub(super) fn open(path: &Path, access: Access) -> Result<Self, DatabaseError> {
        Self::open_within(path, access, BUSY_TIMEOUT)
    }

    fn open_within(path: &Path, access: Access, busy_timeout: Duration) -> Result<Self, DatabaseError> {
        let file = SqliteFile { path: path.to_owned(), access, busy_timeout };
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => return Err(file.error(DatabaseProblem::NoFile)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match access {
                Access::Create if !has_folder(path) => return Err(file.error(DatabaseProblem::NoFolder)),
                Access::Create => create(&file)?,
                Access::Read | Access::Write => return Err(file.error(DatabaseProblem::Missing)),
            },
            Err(error) => return Err(file.error(DatabaseProblem::Closed(error.to_string()))),
        }
        match connect(path, busy_timeout) {
            Ok(connection) => Self::check(connection, file),
            Err(error) => Err(file.explain(&error)),
        }
    }

    /// Checks that the file is a database of pushcert, in a version that is known.
    fn check(mut connection: Connection, file: SqliteFile) -> Result<Self, DatabaseError> {
        let mut found = Contents::read(&connection).map_err(|error| file.explain(&error))?;
        if found.is_empty() && file.access == Access::Create {
            // An empty file of another may be for all to read.
            #[cfg(unix)]
            make_private(&file.path).map_err(|error| file.error(DatabaseProblem::Closed(error.to_string())))?;
            found = initialize(&mut connection).map_err(|error| file.explain(&error))?;
        }
        if let Some(problem) = found.problem() {
            return Err(file.error(problem));
        }
        let is_read_only = connection.is_readonly(rusqlite::MAIN_DB).map_err(|error| file.explain(&error))?;
        if is_read_only && file.access != Access::Read {
            return Err(file.error(DatabaseProblem::ReadOnly));
        }
        let identity = match read_schema(&connection) {
            Ok(Some(schema)) if schema.version > VERSION => {
                return Err(file.error(DatabaseProblem::Newer(schema.version)));
            }
            Ok(Some(schema)) => schema.identity,
            Ok(None) => return Err(file.error(DatabaseProblem::Foreign("it has no identity"))),
            Err(error) => return Err(file.explain(&error)),
        };
        if found.is_restored() && file.access != Access::Read {
            in_transaction(&mut connection, sign).map_err(|error| file.explain(&error))?;
        }
        Ok(Self { connection, file, identity })
    }

    /// Returns the random identity.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Does what `act` does in a transaction that may write from its beginning: it waits then, and cannot fail later
    /// because of another one.
    fn transact<T>(&mut self, act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, DatabaseError> {
        let result = in_transaction(&mut self.connection, act);
        result.map_err(|error| self.file.explain(&error))
    }

    /// Registers tokens.
    pub(super) fn register(
        &mut self,
        group: &TokenGroup,
        tokens: &[String],
        time: RegistrationTime,
    ) -> Result<Registration, DatabaseError> {
        self.transact(|transaction| {
            let (mut known, mut update) = (transaction.prepare(KNOWN)?, transaction.prepare(UPDATE)?);
            let mut insert = transaction.prepare(INSERT)?;
            let (environment, milliseconds) = (group.environment.name(), signed(time.milliseconds()));
            let is_now = matches!(time, RegistrationTime::Now(_));
            let mut registration = Registration::default();
            for token in tokens {
                // Not an upsert, which uses up an ID even where the token is there.
                match known.query_row(params![group.app, environment, token], known_token).optional()? {
                    Some(Known { id, registered, unregistered }) => {
                        update.execute(params![id, milliseconds, is_now])?;
                        registration.count(time.effect_on(registered, unregistered));
                    }
                    None => {
                        insert.execute(params![group.app, environment, token, milliseconds])?;
                        registration.added += 1;
                    }
                }
            }
            Ok(registration)
        })
    }

    /// Reads a page.
    pub(super) fn read_page(
        &mut self,
        selection: &Selection,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredToken>, DatabaseError> {
        query_page(&self.connection, selection, after, limit).map_err(|error| self.file.explain(&error))
    }

    /// Marks tokens as unregistered.
    pub(super) fn mark_unregistered(&mut self, group: &TokenGroup, marks: &[Mark]) -> Result<Marked, DatabaseError> {
        let (marked, kept) = self.change(group, marks, MARK, REGISTERED)?;
        Ok(Marked { marked, kept })
    }

    /// Removes tokens that are unregistered.
    pub(super) fn remove_unregistered(&mut self, group: &TokenGroup, marks: &[Mark]) -> Result<Removed, DatabaseError> {
        let (removed, kept) = self.change(group, marks, DELETE_UNREGISTERED, LAST_REGISTERED)?;
        Ok(Removed { removed, kept })
    }

    /// Changes the tokens that have not registered since, and reads those that stay; returns how many were changed.
    fn change(
        &mut self,
        group: &TokenGroup,
        marks: &[Mark],
        change: &str,
        select: &str,
    ) -> Result<(u64, Vec<KeptToken>), DatabaseError> {
        self.transact(|transaction| {
            let (mut change, mut select) = (transaction.prepare(change)?, transaction.prepare(select)?);
            let (mut changed, mut kept) = (0, Vec::new());
            for Mark { token, since } in marks {
                let environment = group.environment.name();
                if change.execute(params![group.app, environment, token, signed(*since)])? > 0 {
                    changed += 1;
                    continue;
                }
                let registered =
                    select.query_row(params![group.app, environment, token], |row| row.get(0)).optional()?;
                if let Some(registered) = registered {
                    kept.push(KeptToken { token: token.clone(), since: *since, registered: unsigned(registered) });
                }
            }
            Ok((changed, kept))
        })
    }

    /// Removes tokens.
    pub(super) fn remove(&mut self, group: &TokenGroup, tokens: &[String]) -> Result<u64, DatabaseError> {
        self.transact(|transaction| {
            let mut delete = transaction.prepare(DELETE)?;
            let mut count = 0;
            for token in tokens {
                count += delete.execute(params![group.app, group.environment.name(), token])? as u64;
            }
            Ok(count)
        })
    }
}

/// A token that is there.
struct Known {
    id: i64,
    registered: u64,
    unregistered: Option<u64>,
}

fn known_token(row: &Row<'_>) -> rusqlite::Result<Known> {
    let unregistered: Option<i64> = row.get(2)?;
    Ok(Known { id: row.get(0)?, registered: unsigned(row.get(1)?), unregistered: unregistered.map(unsigned) })
}

#[cfg(unix)]
fn make_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

fn has_folder(path: &Path) -> bool {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.is_dir(),
        _ => true,
    }
}

/// Opens a connection. It may write even where nothing is to be written: only so it can undo what a process has left
/// that was killed.
fn connect(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    // SQLite takes a name that begins with "file:" for a URL.
    let name = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(name, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Creates a file that only its owner can read. It is there whole or not at all, and takes the place of no other.
fn create(file: &SqliteFile) -> Result<(), DatabaseError> {
    let failure = |error: &dyn std::fmt::Display| file.error(DatabaseProblem::Closed(error.to_string()));
    let folder = match file.path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // Signals wait until it has its name: SQLite keeps a journal beside it meanwhile.
    #[cfg(unix)]
    let _held = signals::hold();
    let temporary = match Builder::new().prefix(".pushcert-").suffix(".db").tempfile_in(folder) {
        Ok(temporary) => temporary.into_temp_path(),
        // Not the path of the temporary file, which the error names.
        Err(error) => return Err(failure(&io::Error::from(error.kind()))),
    };
    let mut connection = connect(&temporary, file.busy_timeout).map_err(|error| file.explain(&error))?;
    initialize(&mut connection).map_err(|error| file.explain(&error))?;
    if let Err((_, error)) = connection.close() {
        return Err(file.explain(&error));
    }
    match temporary.persist_noclobber(&file.path) {
        Ok(()) => Ok(()),
        // Another process was faster.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failure(&error.error)),
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    act: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = act(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

/// Creates the tables, unless another process has done so.
fn initialize(connection: &mut Connection) -> rusqlite::Result<Contents> {
    in_transaction(connection, |transaction| {
        if Contents::read(transaction)?.is_empty() {
            transaction.execute_batch(SCHEMA)?;
            let identity = Uuid::new_v4().to_string();
            transaction.execute("INSERT INTO pushcert_schema VALUES (?1, ?2)", params![VERSION, identity])?;
            sign(transaction)?;
        }
        Contents::read(transaction)
    })
}

/// Says in the file that it is one of pushcert.
fn sign(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)
}

/// What a file says of itself.
struct Contents {
    application: i64,
    version: i64,
    tables: i64,
    own_tables: i64,
}

impl Contents {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let number = |query: &str| connection.query_row(query, [], |row| row.get(0));
        Ok(Self {
            application: number("PRAGMA application_id")?,
            version: number("PRAGMA user_version")?,
            tables: number("SELECT count(*) FROM sqlite_master")?,
            own_tables: number(
                "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('pushcert_token', 'pushcert_schema')",
            )?,
        })
    }

    fn is_empty(&self) -> bool {
        self.application == 0 && self.version == 0 && self.tables == 0
    }

    /// Returns whether it has the tables, and nothing that a dump in SQL does not have.
    fn is_restored(&self) -> bool {
        self.application == 0 && self.version == 0 && self.own_tables == 2
    }

    fn problem(&self) -> Option<DatabaseProblem> {
        if self.is_empty() {
            Some(DatabaseProblem::Foreign("it is empty"))
        } else if self.is_restored() {
            None
        } else if self.application != APPLICATION_ID {
            Some(DatabaseProblem::Foreign("another program has made it"))
        } else if self.version > VERSION {
            Some(DatabaseProblem::Newer(self.version))
        } else if self.version != VERSION || self.own_tables != 2 {
            Some(DatabaseProblem::Foreign("its tables are missing"))
        } else {
            None
        }
    }
}

fn query_page(
    connection: &Connection,
    selection: &Selection,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<StoredToken>> {
    let mut values = vec![Value::from(signed(after))];
    let mut query =
        String::from("SELECT id, app, environment, token, registered, unregistered FROM pushcert_token WHERE id > ?");
    if let Some(app) = &selection.app {
        query.push_str(" AND app = ?");
        values.push(Value::from(app.clone()));
    }
    if let Some(environment) = selection.environment {
        query.push_str(" AND environment = ?");
        values.push(Value::from(environment.name().to_owned()));
    }
    query.push_str(selection.state.condition());
    query.push_str(&format!(" ORDER BY id LIMIT {limit}"));
    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut page = Vec::with_capacity(limit);
    while let Some(row) = rows.next()? {
        page.push(stored_token(row)?);
    }
    Ok(page)
}

fn stored_token(row: &Row<'_>) -> rusqlite::Result<StoredToken> {
    let unregistered: Option<i64> = row.get(5)?;
    Ok(StoredToken {
        id: unsigned(row.get(0)?),
        app: row.get(1)?,
        environment: row.get(2)?,
        token: row.get(3)?,
        registered: unsigned(row.get(4)?),
        unregistered: unregistered.map(unsigned),
    })
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tempfile::TempDir;

    use super::*;
    use crate::certificate::apple::Environment;
    use crate::database::StateFilter;
    use crate::exit::ExitKind;

    const TIME: u64 = 1_700_000_000_000;
    const SHORT: Duration = Duration::from_millis(50);

    fn group() -> TokenGroup {
        TokenGroup { app: "com.example.MyApp".to_owned(), environment: Environment::Production }
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    fn open(path: &Path, access: Access) -> Result<SqliteStore, DatabaseError> {
        SqliteStore::open_within(path, access, SHORT)
    }

    /// A folder, and a database in it with two tokens.
    fn filled() -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tokens.db");
        let mut store = open(&path, Access::Create).unwrap();
        store.register(&group(), &texts(&["aa", "bb"]), RegistrationTime::Past(TIME)).unwrap();
        (folder, path)
    }

    fn all(store: &mut SqliteStore) -> Vec<StoredToken> {
        let selection = Selection { state: StateFilter::Any, ..Selection::default() };
        store.read_page(&selection, 0, 100).unwrap()
    }

    /// The end of an attempt to open a file, and what it says.
    #[track_caller]
    fn refusal(path: &Path, access: Access) -> (ExitKind, String) {
        let error = open(path, access).err().unwrap();
        let text = error.to_string();
        assert!(text.starts_with(&format!("{}: ", path.display())), "{text}");
        (error.exit_kind(), text)
    }

    #[test]
    fn a_database_that_is_only_read_may_need_files_beside_it() {
        let read_only = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY), None);
        for (access, words) in [(Access::Read, "in the WAL mode"), (Access::Write, "it is read-only")] {
            let file = SqliteFile { path: "tokens.db".into(), access, busy_timeout: BUSY_TIMEOUT };
            let error = file.explain(&read_only);
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.exit_kind() == ExitKind::Input, access == Access::Read);
        }
    }

    #[test]
    fn the_last_registration_counts_in_whatever_order_they_come() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        let registered = store.register(&group(), &texts(&["bb", "cc"]), RegistrationTime::Past(TIME + 5)).unwrap();
        assert_eq!(registered, Registration { added: 1, renewed: 1, ..Registration::default() });
        store.register(&group(), &texts(&["bb"]), RegistrationTime::Past(TIME - 5)).unwrap();
        let marks = [Mark { token: "bb".to_owned(), since: TIME + 7 }];
        assert_eq!(store.mark_unregistered(&group(), &marks).unwrap().marked, 1);
        store.register(&group(), &texts(&["bb"]), RegistrationTime::Past(TIME + 6)).unwrap();
        let rows = all(&mut store);
        let found: Vec<_> = rows.iter().map(|row| (row.id, &*row.token, row.registered, row.unregistered)).collect();
        assert_eq!(
            found,
            [(1, "aa", TIME, None), (2, "bb", TIME + 6, Some(TIME + 7)), (3, "cc", TIME + 5, None)],
            "no ID is used up by what was there"
        );
        store.register(&group(), &texts(&["bb"]), RegistrationTime::Past(TIME + 8)).unwrap();
        assert_eq!(all(&mut store)[1].unregistered, None, "it is back");
    }

    #[test]
    fn a_registration_says_what_it_has_changed() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        let marks = [Mark { token: "bb".to_owned(), since: TIME + 9 }];
        store.mark_unregistered(&group(), &marks).unwrap();
        let mut register = |time| store.register(&group(), &texts(&["aa", "bb", "cc"]), time).unwrap();
        let none = Registration::default();
        let earlier = register(RegistrationTime::Past(TIME - 1));
        assert_eq!(earlier, Registration { added: 1, unchanged: 1, still_unregistered: 1, ..none });
        let same = register(RegistrationTime::Past(TIME));
        assert_eq!(same, Registration { renewed: 1, unchanged: 1, still_unregistered: 1, ..none });
        // Of a clock that is ahead of this machine's: a device that registers now is there all the same.
        assert_eq!(register(RegistrationTime::Now(TIME + 2)), Registration { renewed: 3, ..none });
        for row in all(&mut store) {
            assert_eq!((row.registered, row.unregistered), (TIME + 2, None), "{row:?}");
        }
    }

    #[test]
    fn other_columns_are_told_without_the_query() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        for change in ["ALTER TABLE pushcert_token RENAME COLUMN registered TO since", "DROP TABLE pushcert_schema"] {
            store.connection.execute_batch(change).unwrap();
            let error = match open(&path, Access::Read) {
                Ok(_) => store.read_page(&Selection::default(), 0, 9).unwrap_err(),
                Err(error) => error,
            };
            let text = error.to_string();
            assert!(text.contains("not a database of pushcert") && !text.contains("SELECT"), "{text}");
        }
    }

    #[test]
    fn a_mark_is_for_what_has_not_registered_since() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        let mark = |token: &str, since: u64| Mark { token: token.to_owned(), since };
        let marks = [mark("aa", TIME), mark("bb", TIME + 1), mark("dd", TIME + 1)];
        let marked = store.mark_unregistered(&group(), &marks).unwrap();
        let kept = KeptToken { token: "aa".to_owned(), since: TIME, registered: TIME };
        assert_eq!(marked, Marked { marked: 1, kept: vec![kept] });
        let again = store.mark_unregistered(&group(), &[mark("bb", TIME + 9)]).unwrap();
        assert_eq!(again, Marked::default(), "it was marked before");
        let other = TokenGroup { environment: Environment::Sandbox, ..group() };
        assert_eq!(store.mark_unregistered(&other, &[mark("aa", TIME + 9)]).unwrap(), Marked::default());
        assert_eq!(store.remove(&group(), &texts(&["aa", "zz"])).unwrap(), 1);
        store.register(&group(), &texts(&["aa"]), RegistrationTime::Past(TIME)).unwrap();
        let ids: Vec<u64> = all(&mut store).iter().map(|row| row.id).collect();
        assert_eq!(ids, [2, 3], "an ID is never used twice");
    }

    #[test]
    fn pages_follow_the_key_and_an_index() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        let other = TokenGroup { app: "com.example.Other".to_owned(), ..group() };
        store.register(&other, &texts(&["aa"]), RegistrationTime::Past(TIME)).unwrap();
        store.register(&group(), &texts(&["0c"]), RegistrationTime::Past(TIME)).unwrap();
        let selection = Selection::registered(&group());
        let mut seen = Vec::new();
        let mut last = 0;
        while let Some(row) = store.read_page(&selection, last, 1).unwrap().pop() {
            last = row.id;
            seen.push(row.token);
        }
        assert_eq!(seen, ["aa", "bb", "0c"]);
        let plan = "EXPLAIN QUERY PLAN SELECT id, token FROM pushcert_token \
                    WHERE id > 5 AND app = 'a' AND environment = 'sandbox' AND unregistered IS NULL ORDER BY id LIMIT 9";
        let steps: Vec<String> =
            store.connection.prepare(plan).unwrap().query_map([], |row| row.get(3)).unwrap().flatten().collect();
        assert_eq!(steps.len(), 1, "nothing is sorted: {steps:?}");
        assert!(steps[0].contains("pushcert_token_registered (app=? AND environment=? AND rowid>?)"), "{steps:?}");
    }

    #[test]
    fn two_forms_of_one_token_and_times_in_seconds_are_refused() {
        let (_folder, path) = filled();
        let store = open(&path, Access::Write).unwrap();
        for wrong in ["('a', 'sandbox', 'AA', 1700000000000)", "('a', 'sandbox', 'aab', 1700000000000)"] {
            insert_refused(&store, wrong);
        }
        insert_refused(&store, "('a', 'sandbox', 'aa', 1700000000)");
        insert_refused(&store, "('a', 'Sandbox', 'aa', 1700000000000)");
        insert_refused(&store, "('com.example.MyApp', 'production', 'aa', 1700000000000)");
    }

    fn insert_refused(store: &SqliteStore, row: &str) {
        let insert = format!("INSERT INTO pushcert_token (app, environment, token, registered) VALUES {row}");
        let error = store.connection.execute(&insert, []).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::ConstraintViolation), "{row}");
    }

    #[test]
    fn what_is_not_ours_is_left_as_it_is() {
        let (folder, path) = filled();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(refusal(&at("missing"), Access::Write).0, ExitKind::Input);
        assert!(!at("missing").exists(), "only add and import create it");
        assert!(refusal(folder.path(), Access::Create).1.contains("not a file"));
        fs::write(at("text"), "aabb\n".repeat(1000)).unwrap();
        assert!(refusal(&at("text"), Access::Create).1.contains("not an SQLite database"));
        assert_eq!(fs::read(at("text")).unwrap(), "aabb\n".repeat(1000).as_bytes());
        fs::write(at("empty"), "").unwrap();
        assert!(refusal(&at("empty"), Access::Write).1.contains("it is empty"));
        let foreign = Connection::open(at("foreign")).unwrap();
        foreign.execute_batch("CREATE TABLE device (token TEXT)").unwrap();
        assert!(refusal(&at("foreign"), Access::Create).1.contains("another program"));
        let store = open(&path, Access::Write).unwrap();
        store.connection.pragma_update(None, "user_version", 2).unwrap();
        assert!(refusal(&path, Access::Create).1.contains("a newer pushcert has written it (version 2"));
        store.connection.pragma_update(None, "user_version", 1).unwrap();
        store.connection.execute("UPDATE pushcert_schema SET version = 3", []).unwrap();
        assert!(refusal(&path, Access::Read).1.contains("a newer pushcert has written it (version 3"));
        store.connection.execute("UPDATE pushcert_schema SET version = 1", []).unwrap();
        store.connection.execute_batch("DROP TABLE pushcert_token").unwrap();
        assert!(refusal(&path, Access::Create).1.contains("its tables are missing"));
    }

    // A dump in SQL has neither of the two numbers in a file's head: what was restored from one was refused for good.
    #[test]
    fn what_was_restored_from_a_dump_is_ours() {
        let (_folder, path) = filled();
        let other = Connection::open(&path).unwrap();
        let numbers = || {
            let number = |name| other.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
            [number("application_id"), number("user_version")]
        };
        let ours = numbers();
        other.execute_batch("PRAGMA application_id = 0; PRAGMA user_version = 0").unwrap();
        let identity = open(&path, Access::Read).unwrap().identity;
        assert_eq!(numbers(), [0, 0], "what is only read stays as it is");
        assert_eq!(open(&path, Access::Write).unwrap().identity, identity);
        assert_eq!(numbers(), ours);
        for (change, words) in [
            ("DROP TABLE pushcert_token", "another program has made it"),
            ("UPDATE pushcert_schema SET version = 2", "a newer pushcert"),
            ("DELETE FROM pushcert_schema", "it has no identity"),
        ] {
            let (_folder, path) = filled();
            let other = Connection::open(&path).unwrap();
            other.execute_batch("PRAGMA application_id = 0; PRAGMA user_version = 0").unwrap();
            other.execute_batch(change).unwrap();
            assert!(refusal(&path, Access::Create).1.contains(words), "{change}");
        }
    }

    #[test]
    fn damage_is_named() {
        let (_folder, path) = filled();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let (kind, text) = refusal(&path, Access::Write);
        assert!(kind == ExitKind::Input && text.contains("damaged"), "{text}");
        // The pages of the tables, not the first one, which has the schema.
        let mut damaged = whole.clone();
        damaged[4096..].fill(0x5a);
        fs::write(&path, damaged).unwrap();
        let mut store = match open(&path, Access::Write) {
            Ok(store) => store,
            Err(error) => return assert!(matches!(error.problem, DatabaseProblem::Damaged(_)), "{error}"),
        };
        let error = store.read_page(&Selection::default(), 0, 10).err().unwrap();
        assert!(matches!(error.problem, DatabaseProblem::Damaged(_)), "{error}");
    }

    #[test]
    fn what_cannot_be_written_can_be_read() {
        let (_folder, path) = filled();
        let mut bytes = fs::read(&path).unwrap();
        // A version of the format for writers that SQLite does not know: as a file without permission, for root too.
        bytes[18] = 3;
        fs::write(&path, bytes).unwrap();
        let (kind, text) = refusal(&path, Access::Write);
        assert!(kind == ExitKind::Write && text.contains("read-only"), "{text}");
        assert_eq!(all(&mut open(&path, Access::Read).unwrap()).len(), 2);
    }

    #[test]
    fn a_locked_database_is_waited_for_and_loses_nothing() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        let mut other = Connection::open(&path).unwrap();
        let transaction = other.transaction_with_behavior(TransactionBehavior::Exclusive).unwrap();
        let error = store.register(&group(), &texts(&["cc"]), RegistrationTime::Past(TIME)).unwrap_err();
        assert_eq!(error.exit_kind(), ExitKind::Write);
        assert!(error.to_string().contains("another process has locked it, and did not release it within 0.05 s"));
        let (kind, text) = refusal(&path, Access::Read);
        assert!(kind == ExitKind::Input && text.contains("locked"), "{text}");
        drop(transaction);
        assert_eq!(all(&mut store).len(), 2);
        store.register(&group(), &texts(&["cc"]), RegistrationTime::Past(TIME)).unwrap();
        assert_eq!(all(&mut store).len(), 3, "it goes on after an error");
    }

    #[test]
    fn a_full_database_takes_all_tokens_or_none() {
        let (_folder, path) = filled();
        let mut store = open(&path, Access::Write).unwrap();
        let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.connection.pragma_update(None, "max_page_count", pages).unwrap();
        let many: Vec<String> = (0..5000).map(|number| format!("{number:064x}")).collect();
        let error = store.register(&group(), &many, RegistrationTime::Past(TIME)).unwrap_err();
        assert!(matches!(error.problem, DatabaseProblem::Full(_)), "{error}");
        assert_eq!((error.exit_kind(), all(&mut store).len()), (ExitKind::Write, 2));
    }

    #[test]
    fn many_may_create_it_at_once() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tokens.db");
        let path = path.as_path();
        thread::scope(|scope| {
            for number in 0..8 {
                scope.spawn(move || {
                    let mut store = SqliteStore::open(path, Access::Create).unwrap();
                    store.register(&group(), &[format!("{number:02x}")], RegistrationTime::Past(TIME)).unwrap();
                });
            }
        });
        assert_eq!(all(&mut open(path, Access::Read).unwrap()).len(), 8);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn pages_hold_no_lock() {
        let (_folder, path) = filled();
        let mut reader = open(&path, Access::Read).unwrap();
        let page = reader.read_page(&Selection::default(), 0, 1).unwrap();
        let mut writer = open(&path, Access::Write).unwrap();
        writer.register(&group(), &texts(&["cc"]), RegistrationTime::Past(TIME)).unwrap();
        assert_eq!(reader.read_page(&Selection::default(), page[0].id, 9).unwrap().len(), 2);
    }
}
