//! Device tokens in PostgreSQL. Nothing is prepared, so that poolers of connections can stand before the server; each
//! operation has a limit, and is repeated once after a connection that broke: all of them may be done twice.

mod passwords;
mod server;
mod tls;

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row, Transaction};
use uuid::Uuid;

use crate::database::postgres::server::cause;
use crate::database::postgres::tls::VerifiedTls;
use crate::database::problem::{DatabaseError, DatabaseProblem};
use crate::database::{
    Access, KeptToken, Mark, Marked, Registration, Selection, StoredToken, TokenGroup, VERSION, signed, unsigned,
};
use crate::net::descriptors;
use crate::net::tls::TlsError;
use crate::net::trust::StoreReader;
use crate::text::{printable, seconds};

pub(crate) use server::PostgresServer;

/// The limit of each operation.
const LIMIT: Duration = Duration::from_secs(30);
/// The limits of a transaction, on the server's side.
const TRANSACTION_LIMITS: &str = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '25s'";
/// The same limit for people.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of deadlocks after which an operation is repeated.
const MAX_DEADLOCKS: u32 = 5;

/// The schema, with the checks of SQLite's. The lock lets one process at a time create it. A question whether the tables
/// are there would be answered from before the lock.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS pushcert_token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app text NOT NULL CHECK (app <> ''),
    environment text NOT NULL CHECK (environment IN ('production', 'sandbox')),
    token text NOT NULL CHECK (token ~ '^([0-9a-f][0-9a-f])+$'),
    registered bigint NOT NULL CHECK (registered >= 100000000000),
    unregistered bigint,
    UNIQUE (app, environment, token)
);
CREATE INDEX IF NOT EXISTS pushcert_token_registered ON pushcert_token (app, environment, id) WHERE unregistered IS NULL;
CREATE TABLE IF NOT EXISTS pushcert_schema (version bigint NOT NULL, identity text NOT NULL);
";
const IDENTIFY: &str = "INSERT INTO pushcert_schema SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM pushcert_schema)";
const SCHEMA_LOCK: &str = "SELECT pg_advisory_xact_lock(8103520194567)";
const HAS_TABLES: &str =
    "SELECT to_regclass('pushcert_schema') IS NOT NULL AND to_regclass('pushcert_token') IS NOT NULL";
const IS_READ_ONLY: &str = "
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
    OR NOT has_table_privilege('pushcert_token', 'UPDATE')";

/// Rows are locked in one order, so that processes seldom wait for each other.
const UPDATE: &str = "
WITH locked AS (
    SELECT id FROM pushcert_token WHERE app = $1 AND environment = $2 AND token = ANY ($3) ORDER BY token FOR UPDATE
)
UPDATE pushcert_token AS t SET
    unregistered = CASE WHEN t.unregistered < $4 THEN NULL ELSE t.unregistered END,
    registered = greatest(t.registered, $4)
FROM locked WHERE t.id = locked.id";
/// What another process has added meanwhile is updated.
const INSERT: &str = "
INSERT INTO pushcert_token AS t (app, environment, token, registered)
SELECT $1, $2, given.token, $4 FROM unnest($3) AS given (token) WHERE NOT EXISTS (
    SELECT FROM pushcert_token AS other WHERE other.app = $1 AND other.environment = $2 AND other.token = given.token
)
ON CONFLICT (app, environment, token) DO UPDATE SET
    unregistered = CASE WHEN t.unregistered < $4 THEN NULL ELSE t.unregistered END,
    registered = greatest(t.registered, $4)";
const MARK: &str = "
WITH locked AS (
    SELECT t.id, given.since FROM pushcert_token AS t JOIN unnest($3, $4) AS given (token, since) USING (token)
    WHERE t.app = $1 AND t.environment = $2 AND t.unregistered IS NULL AND t.registered < given.since
    ORDER BY t.token FOR UPDATE OF t
)
UPDATE pushcert_token AS t SET unregistered = locked.since FROM locked WHERE t.id = locked.id";
const KEPT: &str = "
SELECT t.token, given.since, t.registered
FROM pushcert_token AS t JOIN unnest($3, $4) AS given (token, since) USING (token)
WHERE t.app = $1 AND t.environment = $2 AND t.unregistered IS NULL ORDER BY t.id";
const DELETE: &str = "
WITH locked AS (
    SELECT id FROM pushcert_token WHERE app = $1 AND environment = $2 AND token = ANY ($3) ORDER BY token FOR UPDATE
)
DELETE FROM pushcert_token AS t USING locked WHERE t.id = locked.id";

/// The error of the driver.
type PgError = tokio_postgres::Error;
/// A parameter and its type.
type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// An open database.
pub(crate) struct PostgresStore {
    runtime: Runtime,
    client: Client,
    server: PostgresServer,
    access: Access,
    identity: String,
}

impl PostgresStore {
    /// Connects, and checks what is there.
    pub(super) fn open(server: &PostgresServer, access: Access) -> Result<Self, DatabaseError> {
        let failure = |problem| DatabaseError { database: server.to_string(), problem, access };
        let runtime = match descriptors::build_runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Err(failure(DatabaseProblem::Unreachable(error.to_string()))),
        };
        let client = runtime.block_on(connect(server)).map_err(failure)?;
        let mut store = Self { runtime, client, server: server.clone(), access, identity: String::new() };
        store.check()?;
        Ok(store)
    }

    /// Returns the random identity.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    fn error(&self, problem: DatabaseProblem) -> DatabaseError {
        DatabaseError { database: self.server.to_string(), problem, access: self.access }
    }

    /// Checks that the tables are there, in a version that is known; creates them if that is wanted.
    fn check(&mut self) -> Result<(), DatabaseError> {
        if !self.call(has_tables)? {
            if self.access != Access::Create {
                return Err(self.error(DatabaseProblem::NoTables));
            }
            self.call(create_tables)?;
        }
        let schema = self.call(read_schema)?;
        if schema.version > VERSION {
            return Err(self.error(DatabaseProblem::Newer(schema.version)));
        }
        let Some(identity) = schema.identity else {
            return Err(self.error(DatabaseProblem::Foreign("it has no identity")));
        };
        if self.access != Access::Read && schema.is_read_only {
            return Err(self.error(DatabaseProblem::ReadOnly));
        }
        self.identity = identity;
        Ok(())
    }

    /// Performs an operation within its limit. It is repeated over a new connection, if the old one has broken, and after
    /// a deadlock, which the server has ended.
    fn call<T>(&mut self, act: impl AsyncFn(&mut Client) -> Result<T, PgError>) -> Result<T, DatabaseError> {
        let mut deadlocks = 0;
        let mut has_reconnected = false;
        loop {
            match self.try_call(&act) {
                Ok(value) => return Ok(value),
                Err(DatabaseProblem::Unreachable(_)) if !has_reconnected => {
                    has_reconnected = true;
                    self.reconnect()?;
                }
                Err(DatabaseProblem::Deadlock) if deadlocks < MAX_DEADLOCKS => deadlocks += 1,
                Err(problem) => return Err(self.error(problem)),
            }
        }
    }

    fn reconnect(&mut self) -> Result<(), DatabaseError> {
        self.client = match self.runtime.block_on(connect(&self.server)) {
            Ok(client) => client,
            Err(problem) => return Err(self.error(problem)),
        };
        Ok(())
    }

    fn try_call<T>(&mut self, act: &impl AsyncFn(&mut Client) -> Result<T, PgError>) -> Result<T, DatabaseProblem> {
        let client = &mut self.client;
        match self.runtime.block_on(async { timeout(LIMIT, act(client)).await }) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(problem_of(&error)),
            Err(_) => Err(DatabaseProblem::Silent(seconds(LIMIT))),
        }
    }

    /// Registers tokens.
    pub(super) fn register(
        &mut self,
        group: &TokenGroup,
        tokens: &[String],
        time: u64,
    ) -> Result<Registration, DatabaseError> {
        let (environment, time) = (group.environment.name(), signed(time));
        self.call(async |client| {
            let parameters: [Parameter<'_>; 4] = [
                (&group.app, Type::TEXT),
                (&environment, Type::TEXT),
                (&tokens, Type::TEXT_ARRAY),
                (&time, Type::INT8),
            ];
            let transaction = begin(client).await?;
            let renewed = transaction.execute_typed(UPDATE, &parameters).await?;
            let added = transaction.execute_typed(INSERT, &parameters).await?;
            transaction.commit().await?;
            Ok(Registration { added, renewed })
        })
    }

    /// Reads a page.
    pub(super) fn read_page(
        &mut self,
        selection: &Selection,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredToken>, DatabaseError> {
        let after = signed(after);
        let environment = selection.environment.map(|environment| environment.name());
        let query = page_query(selection, limit);
        self.call(async |client| {
            let mut parameters: Vec<Parameter<'_>> = vec![(&after, Type::INT8)];
            if let Some(app) = &selection.app {
                parameters.push((app, Type::TEXT));
            }
            if let Some(environment) = &environment {
                parameters.push((environment, Type::TEXT));
            }
            let mut page = Vec::with_capacity(limit);
            for row in client.query_typed(&query, &parameters).await? {
                page.push(stored_token(&row)?);
            }
            Ok(page)
        })
    }

    /// Marks tokens as unregistered.
    pub(super) fn mark_unregistered(&mut self, group: &TokenGroup, marks: &[Mark]) -> Result<Marked, DatabaseError> {
        let environment = group.environment.name();
        let (mut tokens, mut times) = (Vec::new(), Vec::new());
        for Mark { token, since } in marks {
            tokens.push(token.as_str());
            times.push(signed(*since));
        }
        self.call(async |client| {
            let parameters: [Parameter<'_>; 4] = [
                (&group.app, Type::TEXT),
                (&environment, Type::TEXT),
                (&tokens, Type::TEXT_ARRAY),
                (&times, Type::INT8_ARRAY),
            ];
            let transaction = begin(client).await?;
            let marked = transaction.execute_typed(MARK, &parameters).await?;
            let mut kept = Vec::new();
            for row in transaction.query_typed(KEPT, &parameters).await? {
                let since = unsigned(row.try_get(1)?);
                kept.push(KeptToken { token: row.try_get(0)?, since, registered: unsigned(row.try_get(2)?) });
            }
            transaction.commit().await?;
            Ok(Marked { marked, kept })
        })
    }

    /// Removes tokens.
    pub(super) fn remove(&mut self, group: &TokenGroup, tokens: &[String]) -> Result<u64, DatabaseError> {
        let environment = group.environment.name();
        self.call(async |client| {
            let parameters: [Parameter<'_>; 3] =
                [(&group.app, Type::TEXT), (&environment, Type::TEXT), (&tokens, Type::TEXT_ARRAY)];
            let transaction = begin(client).await?;
            let count = transaction.execute_typed(DELETE, &parameters).await?;
            transaction.commit().await?;
            Ok(count)
        })
    }
}

/// Connects within the limits of the server.
async fn connect(server: &PostgresServer) -> Result<Client, DatabaseProblem> {
    let connected = if server.has_tls {
        let stores = StoreReader::new(server.roots.clone()).stores().await;
        timeout(LIMIT, connect_verified(server, VerifiedTls { stores })).await
    } else {
        timeout(LIMIT, connect_plain(server)).await
    };
    match connected {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(problem_of(&error)),
        Err(_) => Err(DatabaseProblem::Silent(seconds(LIMIT))),
    }
}

async fn connect_verified(server: &PostgresServer, tls: VerifiedTls) -> Result<Client, PgError> {
    let (client, connection) = server.config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn connect_plain(server: &PostgresServer) -> Result<Client, PgError> {
    let (client, connection) = server.config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Begins a transaction that waits for others within limits.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, PgError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(TRANSACTION_LIMITS).await?;
    Ok(transaction)
}

async fn has_tables(client: &mut Client) -> Result<bool, PgError> {
    client.query_typed_one(HAS_TABLES, &[]).await?.try_get(0)
}

async fn create_tables(client: &mut Client) -> Result<(), PgError> {
    let transaction = begin(client).await?;
    transaction.batch_execute(SCHEMA_LOCK).await?;
    transaction.batch_execute(SCHEMA).await?;
    let identity = Uuid::new_v4().to_string();
    transaction.execute_typed(IDENTIFY, &[(&VERSION, Type::INT8), (&identity, Type::TEXT)]).await?;
    transaction.commit().await
}

/// What the database says of itself.
struct Schema {
    version: i64,
    identity: Option<String>,
    is_read_only: bool,
}

async fn read_schema(client: &mut Client) -> Result<Schema, PgError> {
    let row = client.query_typed_opt("SELECT version, identity FROM pushcert_schema", &[]).await?;
    let is_read_only = client.query_typed_one(IS_READ_ONLY, &[]).await?.try_get(0)?;
    match row {
        Some(row) => Ok(Schema { version: row.try_get(0)?, identity: row.try_get(1)?, is_read_only }),
        None => Ok(Schema { version: VERSION, identity: None, is_read_only }),
    }
}

fn page_query(selection: &Selection, limit: usize) -> String {
    let mut query =
        String::from("SELECT id, app, environment, token, registered, unregistered FROM pushcert_token WHERE id > $1");
    let mut number = 1;
    for (column, is_wanted) in [("app", selection.app.is_some()), ("environment", selection.environment.is_some())] {
        if is_wanted {
            number += 1;
            query.push_str(&format!(" AND {column} = ${number}"));
        }
    }
    query.push_str(selection.state.condition());
    query.push_str(&format!(" ORDER BY id LIMIT {limit}"));
    query
}

fn stored_token(row: &Row) -> Result<StoredToken, PgError> {
    let unregistered: Option<i64> = row.try_get(5)?;
    Ok(StoredToken {
        id: unsigned(row.try_get(0)?),
        app: row.try_get(1)?,
        environment: row.try_get(2)?,
        token: row.try_get(3)?,
        registered: unsigned(row.try_get(4)?),
        unregistered: unregistered.map(unsigned),
    })
}

/// Returns the problem behind an error. The server's words are foreign text.
fn problem_of(error: &PgError) -> DatabaseProblem {
    if let Some(refusal) = error.as_db_error() {
        return problem_of_code(refusal.code(), printable(refusal.message()));
    }
    if let Some(source) = std::error::Error::source(error)
        && source.downcast_ref::<TlsError>().is_some()
    {
        return DatabaseProblem::Untrusted(printable(&source.to_string()));
    }
    let words = printable(&cause(error));
    match words.as_str() {
        // The driver's own words.
        "password missing" => DatabaseProblem::Password("it wants one, and none was given".to_owned()),
        "server does not support TLS" => DatabaseProblem::Untrusted("the server does not offer TLS".to_owned()),
        _ => DatabaseProblem::Unreachable(words),
    }
}

fn problem_of_code(code: &SqlState, words: String) -> DatabaseProblem {
    match *code {
        SqlState::INVALID_PASSWORD => DatabaseProblem::Password(words),
        SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => DatabaseProblem::Locked(seconds(LOCK_TIMEOUT)),
        SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => DatabaseProblem::Deadlock,
        SqlState::DISK_FULL | SqlState::CONFIGURATION_LIMIT_EXCEEDED => DatabaseProblem::Full(words),
        SqlState::READ_ONLY_SQL_TRANSACTION => DatabaseProblem::ReadOnly,
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => DatabaseProblem::Damaged(words),
        SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => {
            DatabaseProblem::Unreachable(words)
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        | SqlState::INVALID_CATALOG_NAME
        | SqlState::TOO_MANY_CONNECTIONS => DatabaseProblem::Refused(words),
        _ => DatabaseProblem::Failed(words),
    }
}
