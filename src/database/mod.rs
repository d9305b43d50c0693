//! The provider's database of device tokens: SQLite in a file, or PostgreSQL.
//!
//! [`address`] says which one, and [`problem`] why it cannot be used. [`sqlite`] and `postgres` keep the same table, so
//! that programs of others can write to it too:
//!
//! | column of `pushcert_token` | meaning |
//! | --- | --- |
//! | `id` | the key, never used twice; tokens are read in its order |
//! | `app` | the topic for which the token was given: the app's bundle ID, with the suffix where it has one |
//! | `environment` | `production` or `sandbox` |
//! | `token` | hexadecimal digits in lower case; unique in its app and environment |
//! | `registered` | the last registration, in milliseconds since 1970 |
//! | `unregistered` | the time since which it is not active, in milliseconds since 1970; null while it is |
//!
//! A second table, `pushcert_schema`, has one row: the version of the schema, and a random identity of the database. No
//! transaction lasts longer than a page or a batch, so that nobody waits who registers a device.

pub(crate) mod address;
#[cfg(feature = "postgres")]
mod postgres;
pub(crate) mod problem;
mod sqlite;

use crate::certificate::apple::Environment;
use crate::database::address::DatabaseAddress;
use crate::database::problem::DatabaseError;
use crate::database::sqlite::SqliteStore;

/// The version of the schema.
const VERSION: i64 = 1;
/// A time in milliseconds that is no time in seconds: in 1973, and in the year 5138.
pub(crate) const FIRST_MILLISECOND: u64 = 100_000_000_000;

/// What a database is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    /// It must be there, and must take changes.
    Write,
    /// As `Write`, and it is created if it is not there.
    Create,
}

/// Takes a sentence about a wait.
pub(crate) type WaitReporter = Box<dyn Fn(String) + Send>;

/// Whose tokens are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenGroup {
    /// The topic for which the tokens were given.
    pub(crate) app: String,
    pub(crate) environment: Environment,
}

/// Tokens by their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum StateFilter {
    #[default]
    Registered,
    Unregistered,
    Any,
}

impl StateFilter {
    /// Returns the condition in SQL, which follows another one.
    fn condition(self) -> &'static str {
        match self {
            Self::Registered => " AND unregistered IS NULL",
            Self::Unregistered => " AND unregistered IS NOT NULL",
            Self::Any => "",
        }
    }
}

/// The tokens to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) app: Option<String>,
    pub(crate) environment: Option<Environment>,
    pub(crate) state: StateFilter,
}

impl Selection {
    /// Selects the registered tokens of a group.
    pub(crate) fn registered(group: &TokenGroup) -> Self {
        Self { app: Some(group.app.clone()), environment: Some(group.environment), state: StateFilter::Registered }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredToken {
    pub(crate) id: u64,
    pub(crate) app: String,
    pub(crate) environment: String,
    pub(crate) token: String,
    /// Milliseconds since 1970.
    pub(crate) registered: u64,
    pub(crate) unregistered: Option<u64>,
}

/// When tokens register, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationTime {
    /// Their devices register now, by this machine's clock: they are registered, whatever was known of them.
    Now(u64),
    /// They have registered then, at the latest. What is known of later times stays.
    Past(u64),
}

/// What a registration means for a token that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RegistrationEffect {
    Renewed,
    Unchanged,
    StillUnregistered,
}

impl RegistrationTime {
    /// Returns the time.
    pub(crate) const fn milliseconds(self) -> u64 {
        match self {
            Self::Now(time) | Self::Past(time) => time,
        }
    }

    /// Returns what it means for a token that is there.
    fn effect_on(self, registered: u64, unregistered: Option<u64>) -> RegistrationEffect {
        match (self, unregistered) {
            (Self::Past(time), Some(since)) if since >= time => RegistrationEffect::StillUnregistered,
            (Self::Past(time), None) if registered >= time => RegistrationEffect::Unchanged,
            _ => RegistrationEffect::Renewed,
        }
    }
}

/// The counts of a registration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) added: u64,
    /// The tokens that were there before, and have registered anew.
    pub(crate) renewed: u64,
    /// The tokens whose registration was not earlier.
    pub(crate) unchanged: u64,
    /// The tokens that are unregistered since that time, or a later one.
    pub(crate) still_unregistered: u64,
}

impl Registration {
    /// Counts a token that was there.
    fn count(&mut self, effect: RegistrationEffect) {
        match effect {
            RegistrationEffect::Renewed => self.renewed += 1,
            RegistrationEffect::Unchanged => self.unchanged += 1,
            RegistrationEffect::StillUnregistered => self.still_unregistered += 1,
        }
    }

    /// Adds the counts of another one.
    pub(crate) fn add(&mut self, other: Self) {
        self.added += other.added;
        self.renewed += other.renewed;
        self.unchanged += other.unchanged;
        self.still_unregistered += other.still_unregistered;
    }
}

/// A token that APNs calls unregistered, and the time since when, in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) token: String,
    pub(crate) since: u64,
}

/// A token that stays registered: it has registered after the time of APNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptToken {
    pub(crate) token: String,
    pub(crate) since: u64,
    pub(crate) registered: u64,
}

/// What has become of marks. Tokens that were marked before, or are not there any more, count nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marked {
    pub(crate) marked: u64,
    pub(crate) kept: Vec<KeptToken>,
}

/// What has become of tokens that were to be removed. Those that are not there count nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) removed: u64,
    pub(crate) kept: Vec<KeptToken>,
}

/// An open database.
pub(crate) enum Database {
    Sqlite(SqliteStore),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::PostgresStore>),
}

impl Database {
    /// Opens a database.
    ///
    /// # Errors
    /// When it cannot be used for what it is opened for.
    pub(crate) fn open(address: &DatabaseAddress, access: Access) -> Result<Self, DatabaseError> {
        match address {
            DatabaseAddress::Sqlite(path) => Ok(Self::Sqlite(SqliteStore::open(path, access)?)),
            #[cfg(feature = "postgres")]
            DatabaseAddress::Postgres(server) => {
                Ok(Self::Postgres(Box::new(postgres::PostgresStore::open(server, access)?)))
            }
        }
    }

    /// Has people told of waits for a server that was reached before.
    pub(crate) fn report_waits(&mut self, report: WaitReporter) {
        match self {
            Self::Sqlite(_) => drop(report),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.report_waits(report),
        }
    }

    /// Returns the random identity that the database got when it was created.
    pub(crate) fn identity(&self) -> &str {
        match self {
            Self::Sqlite(store) => store.identity(),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.identity(),
        }
    }

    /// Registers tokens in lower case, all or none of them.
    pub(crate) fn register(
        &mut self,
        group: &TokenGroup,
        tokens: &[String],
        time: RegistrationTime,
    ) -> Result<Registration, DatabaseError> {
        match self {
            Self::Sqlite(store) => store.register(group, tokens, time),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.register(group, tokens, time),
        }
    }

    /// Reads the next `limit` tokens after an ID, in the order of the IDs.
    pub(crate) fn read_page(
        &mut self,
        selection: &Selection,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredToken>, DatabaseError> {
        match self {
            Self::Sqlite(store) => store.read_page(selection, after, limit),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.read_page(selection, after, limit),
        }
    }

    /// Marks tokens as unregistered, but for those that have registered since.
    pub(crate) fn mark_unregistered(&mut self, group: &TokenGroup, marks: &[Mark]) -> Result<Marked, DatabaseError> {
        match self {
            Self::Sqlite(store) => store.mark_unregistered(group, marks),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.mark_unregistered(group, marks),
        }
    }

    /// Removes tokens that APNs calls unregistered, but for those that have registered since.
    pub(crate) fn remove_unregistered(&mut self, group: &TokenGroup, marks: &[Mark]) -> Result<Removed, DatabaseError> {
        match self {
            Self::Sqlite(store) => store.remove_unregistered(group, marks),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.remove_unregistered(group, marks),
        }
    }

    /// Removes tokens; returns how many were there.
    pub(crate) fn remove(&mut self, group: &TokenGroup, tokens: &[String]) -> Result<u64, DatabaseError> {
        match self {
            Self::Sqlite(store) => store.remove(group, tokens),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.remove(group, tokens),
        }
    }
}

/// Converts a number of the database.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// Converts a number for the database.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
