//! Device tokens in PostgreSQL. Nothing is prepared, so that poolers of connections can stand before the server; each
//! operation has a limit, and is repeated after a connection that broke: all of them may be done twice.

mod bounded;
mod passwords;
mod server;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::config::{SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type, WrongType};
use tokio_postgres::{Client, Config, NoTls, Row, Socket, Transaction};
use uuid::Uuid;

use crate::database::postgres::bounded::BoundedClear;
use crate::database::postgres::server::{cause, has_socket};
use crate::database::postgres::tls::PostgresTls;
use crate::database::problem::{DatabaseError, DatabaseProblem, NO_TLS};
use crate::database::{
    Access, KeptToken, Mark, Marked, Registration, RegistrationTime, Removed, Selection, StoredToken, TokenGroup,
    VERSION, WaitReporter, signed, unsigned,
};
use crate::net::descriptors;
use crate::net::tls::TlsError;
use crate::net::trust::{StoreReader, TrustPolicy};
use crate::text::{printable, seconds};

pub(crate) use server::PostgresServer;

/// The limit of each operation.
const LIMIT: Duration = Duration::from_secs(30);
/// The limit of the request to end a query whose answer nobody waits for any more.
const CANCEL_LIMIT: Duration = Duration::from_secs(3);
/// The limits of a transaction, on the server's side. A pooler keeps them from the next client, as it would not keep those
/// of a session.
const TRANSACTION_LIMITS: &str = "SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '25s'";
/// The same limit for people.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The delays before the attempts to reach a server again that was reached before: a restart, and another server that
/// takes the place of one, take their time.
const RECONNECT_DELAYS: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(5),
];

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
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
    NOT has_table_privilege('pushcert_token', 'UPDATE')";

/// Rows are locked in one order, so that processes seldom wait for each other. `$5` says that the devices register now.
/// The counts are those of [`RegistrationTime::effect_on`].
const UPDATE: &str = "
WITH locked AS (
    SELECT id, registered, unregistered FROM pushcert_token
    WHERE app = $1 AND environment = $2 AND token = ANY ($3) ORDER BY token FOR UPDATE
), updated AS (
    UPDATE pushcert_token AS t SET
        unregistered = CASE WHEN $5 OR t.unregistered < $4 THEN NULL ELSE t.unregistered END,
        registered = CASE WHEN $5 THEN $4 ELSE greatest(t.registered, $4) END
    FROM locked WHERE t.id = locked.id
)
SELECT count(*),
    count(*) FILTER (WHERE NOT $5 AND unregistered >= $4),
    count(*) FILTER (WHERE NOT $5 AND unregistered IS NULL AND registered >= $4)
FROM locked";
/// What another process has added meanwhile is updated.
const INSERT: &str = "
INSERT INTO pushcert_token AS t (app, environment, token, registered)
SELECT $1, $2, given.token, $4 FROM unnest($3) AS given (token) WHERE NOT EXISTS (
    SELECT FROM pushcert_token AS other WHERE other.app = $1 AND other.environment = $2 AND other.token = given.token
)
ON CONFLICT (app, environment, token) DO UPDATE SET
    unregistered = CASE WHEN $5 OR t.unregistered < $4 THEN NULL ELSE t.unregistered END,
    registered = CASE WHEN $5 THEN $4 ELSE greatest(t.registered, $4) END";
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
const DELETE_UNREGISTERED: &str = "
WITH locked AS (
    SELECT t.id FROM pushcert_token AS t JOIN unnest($3, $4) AS given (token, since) USING (token)
    WHERE t.app = $1 AND t.environment = $2 AND t.registered < given.since
    ORDER BY t.token FOR UPDATE OF t
)
DELETE FROM pushcert_token AS t USING locked WHERE t.id = locked.id";
const LAST_REGISTERED: &str = "
SELECT t.token, given.since, t.registered
FROM pushcert_token AS t JOIN unnest($3, $4) AS given (token, since) USING (token)
WHERE t.app = $1 AND t.environment = $2 ORDER BY t.id";
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
    connection: Connection,
    server: PostgresServer,
    access: Access,
    identity: String,
    /// Takes the sentence about a wait.
    on_wait: Option<WaitReporter>,
}

/// What protects a connection.
enum Security {
    Tls(PostgresTls),
    /// The server is this machine, or the user wants it so.
    Clear,
    /// A socket: what protects it is its folder.
    Socket,
}

/// A connection.
struct Connection {
    client: Client,
    security: Security,
}

impl Connection {
    /// Starts what was connected.
    fn start<T>(
        connected: Result<(Client, tokio_postgres::Connection<Socket, T>), PgError>,
        security: Security,
    ) -> Result<Self, DatabaseProblem>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        match connected {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                Ok(Self { client, security })
            }
            Err(error) => Err(problem_of(&error)),
        }
    }

    /// Asks the server, over a second connection, to end the query that runs. It would wait on, for a lock or a disk, and
    /// keep its place.
    async fn cancel(&self) {
        let token = self.client.cancel_token();
        // The error is the answer that did not come.
        let _ = match &self.security {
            Security::Tls(tls) => timeout(CANCEL_LIMIT, token.cancel_query(tls.clone())).await,
            Security::Clear => timeout(CANCEL_LIMIT, token.cancel_query(BoundedClear)).await,
            Security::Socket => timeout(CANCEL_LIMIT, token.cancel_query(NoTls)).await,
        };
    }
}

impl PostgresStore {
    /// Connects, and checks what is there.
    pub(super) fn open(server: &PostgresServer, access: Access) -> Result<Self, DatabaseError> {
        let failure = |problem| DatabaseError { database: server.to_string(), problem, access };
        let runtime = match descriptors::build_runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Err(failure(DatabaseProblem::Unreachable(error.to_string()))),
        };
        let connection = runtime.block_on(connect(server)).map_err(failure)?;
        let mut store =
            Self { runtime, connection, server: server.clone(), access, identity: String::new(), on_wait: None };
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
            return Err(self.error(DatabaseProblem::ReadOnlyServer));
        }
        if self.access != Access::Read && schema.is_forbidden {
            return Err(self.error(DatabaseProblem::Forbidden("no right to change pushcert_token".to_owned())));
        }
        self.identity = identity;
        Ok(())
    }

    /// Tells people of waits.
    pub(super) fn report_waits(&mut self, report: WaitReporter) {
        self.on_wait = Some(report);
    }

    /// Performs an operation within its limit. It is repeated over a new connection, if the old one has broken, and after
    /// a deadlock, which the server has ended.
    fn call<T>(&mut self, act: impl AsyncFn(&mut Client) -> Result<T, PgError>) -> Result<T, DatabaseError> {
        let mut deadlocks = 0;
        let mut delays = RECONNECT_DELAYS.into_iter();
        loop {
            match self.try_call(&act) {
                Ok(value) => return Ok(value),
                Err(problem @ DatabaseProblem::Unreachable(_)) => {
                    let connection = reconnect(&mut delays, problem, |wait| self.attempt(wait));
                    self.connection = connection.map_err(|problem| self.error(problem))?;
                }
                Err(DatabaseProblem::Deadlock) if deadlocks < MAX_DEADLOCKS => deadlocks += 1,
                Err(problem) => return Err(self.error(problem)),
            }
        }
    }

    /// Connects after a wait, of which people are told.
    fn attempt(&self, Wait { delay, problem, is_first }: &Wait<'_>) -> Result<Connection, DatabaseProblem> {
        if let Some(report) = &self.on_wait
            && *is_first
        {
            let limit = seconds(RECONNECT_DELAYS.iter().sum());
            report(format!("{}: {problem}; it is tried again for {limit}", self.server));
        }
        std::thread::sleep(*delay);
        self.runtime.block_on(connect(&self.server))
    }

    fn try_call<T>(&mut self, act: &impl AsyncFn(&mut Client) -> Result<T, PgError>) -> Result<T, DatabaseProblem> {
        let connection = &mut self.connection;
        self.runtime.block_on(async {
            match timeout(LIMIT, act(&mut connection.client)).await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(error)) => Err(problem_of(&error)),
                Err(_) => {
                    connection.cancel().await;
                    Err(DatabaseProblem::Silent(seconds(LIMIT)))
                }
            }
        })
    }

    /// Registers tokens.
    pub(super) fn register(
        &mut self,
        group: &TokenGroup,
        tokens: &[String],
        time: RegistrationTime,
    ) -> Result<Registration, DatabaseError> {
        let (environment, is_now) = (group.environment.name(), matches!(time, RegistrationTime::Now(_)));
        let time = signed(time.milliseconds());
        self.call(async |client| {
            let parameters: [Parameter<'_>; 5] = [
                (&group.app, Type::TEXT),
                (&environment, Type::TEXT),
                (&tokens, Type::TEXT_ARRAY),
                (&time, Type::INT8),
                (&is_now, Type::BOOL),
            ];
            let transaction = begin(client).await?;
            let counts = transaction.query_typed_one(UPDATE, &parameters).await?;
            let added = transaction.execute_typed(INSERT, &parameters).await?;
            transaction.commit().await?;
            let (known, still_unregistered, unchanged) =
                (unsigned(counts.try_get(0)?), unsigned(counts.try_get(1)?), unsigned(counts.try_get(2)?));
            Ok(Registration { added, renewed: known - still_unregistered - unchanged, unchanged, still_unregistered })
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
            let transaction = begin(client).await?;
            let mut page = Vec::with_capacity(limit);
            for row in transaction.query_typed(&query, &parameters).await? {
                page.push(stored_token(&row)?);
            }
            transaction.commit().await?;
            Ok(page)
        })
    }

    /// Marks tokens as unregistered.
    pub(super) fn mark_unregistered(&mut self, group: &TokenGroup, marks: &[Mark]) -> Result<Marked, DatabaseError> {
        let (marked, kept) = self.change(group, marks, MARK, KEPT)?;
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
            let changed = transaction.execute_typed(change, &parameters).await?;
            let mut kept = Vec::new();
            for row in transaction.query_typed(select, &parameters).await? {
                let since = unsigned(row.try_get(1)?);
                kept.push(KeptToken { token: row.try_get(0)?, since, registered: unsigned(row.try_get(2)?) });
            }
            transaction.commit().await?;
            Ok((changed, kept))
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

/// A wait before a connection.
struct Wait<'a> {
    delay: Duration,
    problem: &'a DatabaseProblem,
    /// The first that has a length.
    is_first: bool,
}

/// Connects again after a problem, until the delays are at their end. Only a server that is not reached is waited for: what
/// it refuses, it refuses again.
fn reconnect<T>(
    delays: &mut impl Iterator<Item = Duration>,
    mut problem: DatabaseProblem,
    mut connect: impl FnMut(&Wait<'_>) -> Result<T, DatabaseProblem>,
) -> Result<T, DatabaseProblem> {
    for delay in delays {
        let is_first = delay == RECONNECT_DELAYS[1];
        match connect(&Wait { delay, problem: &problem, is_first }) {
            Err(found @ DatabaseProblem::Unreachable(_)) => problem = found,
            connected => return connected,
        }
    }
    Err(problem)
}

/// Connects within the limits of the server.
async fn connect(server: &PostgresServer) -> Result<Connection, DatabaseProblem> {
    let mut tls = None;
    if server.has_tls {
        let stores = StoreReader::new(server.roots.clone()).stores().await;
        let policy = if server.is_proved { TrustPolicy::AnyRoot } else { TrustPolicy::NoProof };
        tls = Some(PostgresTls { stores, policy });
    }
    let connected = match tls {
        Some(tls) if server.is_proved => timeout(LIMIT, connect_verified(&server.config, tls)).await,
        tls => timeout(LIMIT, connect_unproved(server, tls)).await,
    };
    match connected {
        Ok(connected) => connected,
        Err(_) => Err(DatabaseProblem::Silent(seconds(LIMIT))),
    }
}

async fn connect_by(config: &Config, tls: Option<PostgresTls>) -> Result<Connection, DatabaseProblem> {
    match tls {
        Some(tls) => connect_verified(config, tls).await,
        None => connect_in_clear(config).await,
    }
}

async fn connect_verified(config: &Config, tls: PostgresTls) -> Result<Connection, DatabaseProblem> {
    Connection::start(config.connect(tls.clone()).await, Security::Tls(tls))
}

/// Connects by TLS that takes any certificate, or without it. A name that stands for this machine is followed to this
/// machine only.
async fn connect_unproved(server: &PostgresServer, tls: Option<PostgresTls>) -> Result<Connection, DatabaseProblem> {
    let Some(port) = server.port_of_local_name() else { return connect_by(&server.config, tls).await };
    let found = match tokio::net::lookup_host(("localhost", port)).await {
        Ok(found) => found,
        Err(error) => return Err(DatabaseProblem::Unreachable(printable(&error.to_string()))),
    };
    let mut problem = DatabaseProblem::Unreachable("localhost has no address".to_owned());
    for address in loopback_addresses(found)? {
        let mut config = server.config.clone();
        config.hostaddr(address);
        problem = match connect_by(&config, tls.clone()).await {
            Err(problem @ DatabaseProblem::Unreachable(_)) => problem,
            connected => return connected,
        };
    }
    Err(problem)
}

/// Returns the addresses of this machine. A file of hosts, or a resolver, may send localhost elsewhere.
fn loopback_addresses(found: impl Iterator<Item = SocketAddr>) -> Result<Vec<IpAddr>, DatabaseProblem> {
    let (mut local, mut elsewhere) = (Vec::new(), None);
    for address in found {
        if address.ip().is_loopback() {
            local.push(address.ip());
        } else {
            elsewhere = Some(address.ip());
        }
    }
    match elsewhere {
        Some(address) if local.is_empty() => Err(DatabaseProblem::NotLocal(address)),
        _ => Ok(local),
    }
}

async fn connect_in_clear(config: &Config) -> Result<Connection, DatabaseProblem> {
    if has_socket(config) {
        return Connection::start(config.connect(NoTls).await, Security::Socket);
    }
    let mut bounded = config.clone();
    // The driver hands the connection to the connector at once, without a word about TLS to the server.
    bounded.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    Connection::start(bounded.connect(BoundedClear).await, Security::Clear)
}

/// Begins a transaction that waits for others within limits.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, PgError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(TRANSACTION_LIMITS).await?;
    Ok(transaction)
}

async fn has_tables(client: &mut Client) -> Result<bool, PgError> {
    let transaction = begin(client).await?;
    let has_tables = transaction.query_typed_one(HAS_TABLES, &[]).await?.try_get(0)?;
    transaction.commit().await?;
    Ok(has_tables)
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
    /// The server takes no changes.
    is_read_only: bool,
    /// The role may not change the tokens.
    is_forbidden: bool,
}

async fn read_schema(client: &mut Client) -> Result<Schema, PgError> {
    let transaction = begin(client).await?;
    let row = transaction.query_typed_opt("SELECT version, identity FROM pushcert_schema", &[]).await?;
    let state = transaction.query_typed_one(IS_READ_ONLY, &[]).await?;
    transaction.commit().await?;
    let (is_read_only, is_forbidden) = (state.try_get(0)?, state.try_get(1)?);
    match row {
        Some(row) => Ok(Schema { version: row.try_get(0)?, identity: row.try_get(1)?, is_read_only, is_forbidden }),
        None => Ok(Schema { version: VERSION, identity: None, is_read_only, is_forbidden }),
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
    if let Some(source) = std::error::Error::source(error) {
        if source.is::<TlsError>() {
            return DatabaseProblem::Untrusted(printable(&source.to_string()));
        }
        if source.is::<WrongType>() {
            return DatabaseProblem::Changed("a column has another type".to_owned());
        }
    }
    let words = printable(&cause(error));
    match words.as_str() {
        // The driver's own words.
        "password missing" => DatabaseProblem::Password("it wants one, and none was given".to_owned()),
        "server does not support TLS" => DatabaseProblem::Untrusted(NO_TLS.to_owned()),
        _ => DatabaseProblem::Unreachable(words),
    }
}

fn problem_of_code(code: &SqlState, words: String) -> DatabaseProblem {
    match *code {
        SqlState::INVALID_PASSWORD => DatabaseProblem::Password(words),
        SqlState::LOCK_NOT_AVAILABLE => DatabaseProblem::Locked(seconds(LOCK_TIMEOUT)),
        SqlState::INSUFFICIENT_PRIVILEGE => DatabaseProblem::Forbidden(words),
        SqlState::UNDEFINED_COLUMN
        | SqlState::UNDEFINED_TABLE
        | SqlState::UNDEFINED_FUNCTION
        | SqlState::DATATYPE_MISMATCH
        | SqlState::WRONG_OBJECT_TYPE
        | SqlState::INVALID_COLUMN_REFERENCE
        | SqlState::NOT_NULL_VIOLATION
        | SqlState::CHECK_VIOLATION => DatabaseProblem::Changed(words),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_leads_to_this_machine_or_nowhere() {
        let found = |addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            loopback_addresses(addresses.into_iter())
        };
        assert!(matches!(found(&["192.0.2.2:5432"]), Err(DatabaseProblem::NotLocal(_))));
        let local = found(&["[::1]:5432", "192.0.2.2:5432", "127.0.0.1:5432"]).unwrap();
        assert_eq!(local, ["::1".parse::<IpAddr>().unwrap(), "127.0.0.1".parse().unwrap()], "and not elsewhere");
        assert!(found(&[]).unwrap().is_empty());
    }

    // A server that was away for a second ended the run.
    #[test]
    fn a_server_that_was_reached_is_waited_for_within_bounds() {
        let away = || DatabaseProblem::Unreachable("connection refused".to_owned());
        let mut delays = RECONNECT_DELAYS.into_iter();
        let mut answers = vec![Ok(7), Err(away()), Err(away())];
        assert!(matches!(reconnect(&mut delays, away(), |_| answers.pop().unwrap()), Ok(7)));
        assert_eq!(delays.len(), RECONNECT_DELAYS.len() - 3, "an operation has them once");
        let mut waited = Duration::ZERO;
        let lost: Result<(), _> = reconnect(&mut RECONNECT_DELAYS.into_iter(), away(), |wait| {
            waited += wait.delay;
            Err(away())
        });
        assert!(matches!(lost, Err(DatabaseProblem::Unreachable(_))));
        assert!((10..15).contains(&waited.as_secs()), "{waited:?}");
        let mut attempts = 0;
        let refused: Result<(), _> = reconnect(&mut RECONNECT_DELAYS.into_iter(), away(), |_| {
            attempts += 1;
            Err(DatabaseProblem::Password("wrong".to_owned()))
        });
        assert!(matches!(refused, Err(DatabaseProblem::Password(_))) && attempts == 1);
    }

    #[test]
    fn refusals_are_told_apart() {
        let problem = |code: SqlState| problem_of_code(&code, "words".to_owned());
        for code in [SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_FUNCTION] {
            assert!(matches!(problem(code), DatabaseProblem::Changed(_)));
        }
        assert!(matches!(problem(SqlState::INSUFFICIENT_PRIVILEGE), DatabaseProblem::Forbidden(_)));
        assert!(matches!(problem(SqlState::LOCK_NOT_AVAILABLE), DatabaseProblem::Locked(_)));
        // Not a lock: a limit of the server, or an administrator.
        assert!(matches!(problem(SqlState::QUERY_CANCELED), DatabaseProblem::Failed(_)));
    }
}
