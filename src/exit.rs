//! The one table of exit codes.

use serde::Serialize;

/// The kind of a run's end, if it is not a good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitKind {
    /// The answer is no: expired, mismatch, refused.
    #[serde(rename = "no")]
    CheckFailed,
    /// The command line is wrong, or asks for a choice that it does not make.
    Usage,
    /// The input is unreadable or unsupported.
    Input,
    /// The password is missing or wrong.
    Password,
    /// The network is in the way.
    Network,
    /// The output cannot be written.
    Write,
    /// A bug.
    Bug,
}

/// The table, as the help shows it.
pub(crate) const HELP: &str = "\
Exit codes: 0 good; 1 the answer is no (expired, mismatch, refused); 2 usage; 3 input unreadable or
unsupported; 4 password missing or wrong; 5 network; 6 cannot write; 70 a bug.";

impl ExitKind {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::CheckFailed => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::Password => 4,
            Self::Network => 5,
            Self::Write => 6,
            Self::Bug => 70,
        }
    }

    /// Returns the precedence of this kind where a run has failures of several: the greatest prevails, and says most
    /// about all the others. No two kinds share one.
    pub(crate) const fn precedence(self) -> u8 {
        match self {
            Self::Usage => 0,
            Self::Write => 1,
            Self::Network => 2,
            Self::Password => 3,
            Self::Input => 4,
            Self::CheckFailed => 5,
            Self::Bug => 6,
        }
    }
}

/// The states of a Nagios plugin; the one that prevails is the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NagiosState {
    #[default]
    Ok,
    Warning,
    /// The question could not be answered.
    Unknown,
    Critical,
}

impl NagiosState {
    /// Returns the exit code of the plugin.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    /// Returns the word that stands in the first line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}
