//! The reasons why a database cannot be used. None of them names credentials.

#[cfg(feature = "postgres")]
use std::net::IpAddr;

use crate::database::Access;
use crate::exit::ExitKind;

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{database}: {problem}")]
pub(crate) struct DatabaseError {
    /// Its name, without credentials.
    pub(crate) database: String,
    pub(crate) problem: DatabaseProblem,
    /// What it was opened for.
    pub(crate) access: Access,
}

/// The words of a server that is not on this machine, and has no TLS.
#[cfg(feature = "postgres")]
pub(crate) const NO_TLS: &str = "the server does not offer TLS";

/// The reason.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseProblem {
    #[error("there is no such file")]
    Missing,
    #[error("its folder is not there")]
    NoFolder,
    #[error("it is not a file")]
    NoFile,
    #[error("it is not an SQLite database")]
    NoDatabase,
    #[error("it is not a database of pushcert: {0}")]
    Foreign(&'static str),
    #[error("it is not a database of pushcert, or its tables were changed: {0}")]
    Changed(String),
    #[error("a newer pushcert has written it (version {0} of its schema; this one knows {known})", known = super::VERSION)]
    Newer(i64),
    #[error("the database is damaged: {0}")]
    Damaged(String),
    #[error("another process has locked it, and did not release it within {0}")]
    Locked(String),
    #[error("there is no room left: {0}")]
    Full(String),
    #[error("it is read-only, and must be written")]
    ReadOnly,
    #[error("it is in the WAL mode of SQLite, which writes files beside it also where it is only read")]
    NeedsFiles,
    #[error("it cannot be opened: {0}")]
    Closed(String),
    #[error("it failed: {0}")]
    Failed(String),
    #[cfg(feature = "postgres")]
    #[error("the server is read-only, and must take changes")]
    ReadOnlyServer,
    #[cfg(feature = "postgres")]
    #[error("its role is not allowed to do that: {0}")]
    Forbidden(String),
    #[cfg(feature = "postgres")]
    #[error("localhost is {0} here, which is another machine")]
    NotLocal(IpAddr),
    #[cfg(feature = "postgres")]
    #[error("it has no tables of pushcert")]
    NoTables,
    #[cfg(feature = "postgres")]
    #[error("other processes change the same tokens all the time")]
    Deadlock,
    #[cfg(feature = "postgres")]
    #[error("it did not answer within {0}")]
    Silent(String),
    #[cfg(feature = "postgres")]
    #[error("it is not reached: {0}")]
    Unreachable(String),
    #[cfg(feature = "postgres")]
    #[error("{0}")]
    Untrusted(String),
    #[cfg(feature = "postgres")]
    #[error("it refuses the password: {0}")]
    Password(String),
    #[cfg(feature = "postgres")]
    #[error("it refuses the connection: {0}")]
    Refused(String),
}

impl DatabaseError {
    /// Returns how a run ends that needs the database.
    pub(crate) fn exit_kind(&self) -> ExitKind {
        match &self.problem {
            #[cfg(feature = "postgres")]
            DatabaseProblem::Silent(_)
            | DatabaseProblem::Unreachable(_)
            | DatabaseProblem::Untrusted(_)
            | DatabaseProblem::NotLocal(_)
            | DatabaseProblem::Refused(_) => ExitKind::Network,
            #[cfg(feature = "postgres")]
            DatabaseProblem::NoTables => ExitKind::Input,
            #[cfg(feature = "postgres")]
            DatabaseProblem::Forbidden(_) if self.access == Access::Read => ExitKind::Input,
            #[cfg(feature = "postgres")]
            DatabaseProblem::Deadlock | DatabaseProblem::ReadOnlyServer | DatabaseProblem::Forbidden(_) => {
                ExitKind::Write
            }
            #[cfg(feature = "postgres")]
            DatabaseProblem::Password(_) => ExitKind::Password,
            DatabaseProblem::Locked(_) | DatabaseProblem::Failed(_) if self.access == Access::Read => ExitKind::Input,
            DatabaseProblem::Locked(_)
            | DatabaseProblem::Failed(_)
            | DatabaseProblem::Full(_)
            | DatabaseProblem::NoFolder
            | DatabaseProblem::ReadOnly => ExitKind::Write,
            DatabaseProblem::Missing
            | DatabaseProblem::NoFile
            | DatabaseProblem::NoDatabase
            | DatabaseProblem::Foreign(_)
            | DatabaseProblem::Changed(_)
            | DatabaseProblem::Newer(_)
            | DatabaseProblem::Damaged(_)
            | DatabaseProblem::NeedsFiles
            | DatabaseProblem::Closed(_) => ExitKind::Input,
        }
    }
}
