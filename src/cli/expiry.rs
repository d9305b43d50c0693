//! Arguments of `pushcert expiry`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use time::OffsetDateTime;

use crate::certificate::apple::Environment;
use crate::certificate::threshold::Threshold;
use crate::cli::format::ReportFormat;
use crate::cli::{OpeningArgs, values};
use crate::world::files::Location;

const EXAMPLES: &str = "\
Examples:
  pushcert expiry certs
  pushcert expiry --warn 20% --fail 14d --expect-key push.pem
  pushcert expiry certs --passwords passwords.txt --format html -o expiry.html
  pushcert expiry --help      (with recipes for CI systems, cron and Kubernetes)";

/// What --warn is where it is not given.
pub(crate) const DEFAULT_WARN: Threshold = Threshold::Days(30);

/// Everything that [`EXAMPLES`] says, and the recipes.
const RECIPES: &str = include_str!("recipes.txt");

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = RECIPES)]
pub(crate) struct ExpiryArgs {
    /// Files and folders (with all below them), or - for standard input: a certificate file, or what
    /// `kubectl get secrets -o json` prints
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<Location>,

    /// In folders and Kubernetes secrets, check only files and entries that match: a name such as *.pem, or a path with
    /// a slash (server/** for what is in a folder, NAMESPACE/NAME/KEY of an entry)
    #[arg(long, value_name = "GLOB")]
    pub(crate) include: Vec<OsString>,

    /// In folders and Kubernetes secrets, skip files, folders and entries that match
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<OsString>,

    /// Warn if less time is left: 30d, 12w, 720h, or a share of the lifetime such as 10% [default: 30d]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) warn: Option<Threshold>,

    /// Fail if less time is left, in the same forms
    #[arg(long, value_name = "TIME", default_value = "7d", allow_hyphen_values = true)]
    pub(crate) fail: Threshold,

    /// Judge validity at this time instead of now: RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) at: Option<OffsetDateTime>,

    /// Check leaf certificates only; one that signed itself is one too if it is for servers or, beside a leaf, does not
    /// say that it signs others
    #[arg(long)]
    pub(crate) leaf_only: bool,

    /// Fail unless every leaf may send to this topic (repeatable)
    #[arg(long, value_name = "TOPIC")]
    pub(crate) expect_topic: Vec<String>,

    /// Fail unless every leaf may be used in this environment (repeatable)
    #[arg(long, value_name = "ENVIRONMENT", value_parser = values::environments())]
    pub(crate) expect_environment: Vec<Environment>,

    /// Fail unless every leaf belongs to this team
    #[arg(long, value_name = "TEAM-ID")]
    pub(crate) expect_team: Option<String>,

    /// Fail unless every leaf has its private key beside it
    #[arg(long)]
    pub(crate) expect_key: bool,

    /// Fail unless the chain of every leaf leads to Apple's root
    #[arg(long)]
    pub(crate) expect_apple: bool,

    /// Fail if fewer than N certificates are found
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = values::parse_count, allow_hyphen_values = true)]
    pub(crate) min_certificates: u64,
    #[command(flatten)]
    pub(crate) opening: OpeningArgs,

    /// Try the passwords in this file, one a line; a line "GLOB = SOURCE" is for the files that fit (by name, by path as
    /// printed or from the root, or NAMESPACE/NAME/KEY), with a source as for --passin (env:, file:, fd: or
    /// pass:, not cmd:); a line that begins with # is a comment
    #[arg(long, value_name = "FILE")]
    pub(crate) passwords: Option<PathBuf>,

    /// Hold a certificate that ends soon to the policy even if its renewal (what compare accepts without a warning,
    /// whatever its chain) is among the files
    #[arg(long)]
    pub(crate) no_renewals: bool,

    /// Name every file and entry that was not judged, and what it is
    #[arg(long)]
    pub(crate) list_skipped: bool,

    /// Warn about files that cannot be opened, instead of failing
    #[arg(long)]
    pub(crate) skip_unreadable: bool,

    /// Exit with 0 whatever the verdict
    #[arg(long)]
    pub(crate) exit_zero: bool,

    /// The format of the report
    #[arg(long, value_enum, default_value = "human", value_name = "FORMAT", conflicts_with = "json")]
    pub(crate) format: ReportFormat,

    /// Short for --format json
    #[arg(long)]
    pub(crate) json: bool,

    /// Write the report to a file, whole or not at all, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<Location>,

    /// Overwrite an existing report, but nothing that may hold a key
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

impl ExpiryArgs {
    /// Returns the format, from either option.
    pub(crate) fn format(&self) -> ReportFormat {
        if self.json { ReportFormat::Json } else { self.format }
    }
}
