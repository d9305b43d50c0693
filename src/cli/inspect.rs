//! Arguments of `pushcert inspect`.

use clap::{Args, ValueEnum};
use time::OffsetDateTime;

use crate::cli::{OpeningArgs, values};
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
It ends with 3 if a part of a file was not read, with 4 if only passwords are missing. With --field only
what it asks for counts.

Examples:
  pushcert inspect push.pem
  pushcert inspect --field topic push.pem
  pushcert inspect --full push.pem
  pushcert inspect aps.cer --key ~/keys
  pushcert inspect aps.cer --key ~/keys --field key_file
  pushcert inspect --json *.p12 | jq '.files[].certificates[].days_left'")]
pub(crate) struct InspectArgs {
    /// The files to look at, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<Location>,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Print as JSON
    #[arg(long, conflicts_with = "field")]
    pub(crate) json: bool,

    /// Show all extensions of each certificate too: names, usages, policies, addresses, and the others
    #[arg(long, conflicts_with = "field")]
    pub(crate) full: bool,

    /// Which of these keys belongs to each certificate or request? Tries every key in these files and folders
    /// (repeatable; not those in .git, .hg, .svn and node_modules), and ends with 1 if none fits, with 3 or 4 if one
    /// was not read; --field key_file prints where it is
    #[arg(long, value_name = "FILE|FOLDER")]
    pub(crate) key: Vec<Location>,

    /// Print only this, one value a line, of every leaf certificate (of every certificate in a file
    /// that has none). A certificate without it prints nothing; a file without certificates prints it of
    /// its requests or keys, or ends with 3
    #[arg(long, value_name = "NAME", value_enum)]
    pub(crate) field: Option<Field>,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) at: Option<OffsetDateTime>,
}

/// A fact that `inspect --field` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Field {
    Role,
    Kind,
    BundleId,
    #[value(alias = "topics")]
    Topic,
    #[value(alias = "environments")]
    Environment,
    #[value(alias = "team")]
    TeamId,
    Organization,
    Subject,
    Issuer,
    Serial,
    NotBefore,
    #[value(alias = "valid")]
    NotAfter,
    DaysLeft,
    SecondsLeft,
    Expired,
    KeyAlgorithm,
    KeyBits,
    KeyPresent,
    KeyMatches,
    KeyFile,
    #[value(alias = "chain")]
    AppleChain,
    Intermediate,
    #[value(alias = "sha-1")]
    Sha1,
    #[value(alias = "sha-256", alias = "fingerprint")]
    Sha256,
    #[value(alias = "spki")]
    SpkiSha256,
    #[value(alias = "friendlyName")]
    FriendlyName,
    #[value(alias = "localKeyID")]
    LocalKeyId,
    #[value(alias = "warnings")]
    Warning,
}

impl Field {
    /// Returns the name as it is typed.
    pub(crate) fn name(self) -> String {
        match self.to_possible_value() {
            Some(value) => value.get_name().to_owned(),
            None => String::new(),
        }
    }

    /// Returns whether the private keys of a file decide on it.
    pub(crate) fn needs_key(self) -> bool {
        matches!(self, Self::KeyPresent | Self::KeyMatches | Self::Role | Self::Warning)
    }
}
