//! Arguments of `pushcert database`.

use clap::{Args, Subcommand};
use time::OffsetDateTime;

use crate::certificate::apple::Environment;
use crate::cli::push::TokensFormat;
use crate::cli::values::{self, DatabaseUrl};
use crate::database::StateFilter;
use crate::world::files::Location;

#[derive(Debug, Args)]
#[command(after_help = "\
DATABASE is sqlite:FILE, postgres://USER@HOST/NAME, or env:VARIABLE for a variable with such a URL.
add and import create it; what is in it, push --database sends to.

Examples:
  pushcert database import sqlite:tokens.db devices.txt --app com.example.MyApp \\
    --environment production
  pushcert database list sqlite:tokens.db --unregistered
  pushcert push push.pem --environment production --database sqlite:tokens.db --alert 'Hello'

The password of PostgreSQL comes from PGPASSWORD, PGPASSFILE or ~/.pgpass. Unless the server is
this machine, TLS proves it: by the CA certificates of this machine, or those of sslrootcert=FILE in
the URL, or of PGSSLROOTCERT. PGSSLMODE=verify-full asks for TLS to this machine too; nothing but
sslmode=disable in the URL turns it off.

Programs of yours can write to it too. Its table:
  pushcert_token (id, app, environment, token, registered, unregistered)
app is the topic for which the token was given, environment is production or sandbox, token has
hexadecimal digits in lower case, and the times are milliseconds since 1970:
  INSERT INTO pushcert_token (app, environment, token, registered) VALUES (?, ?, ?, ?)
  ON CONFLICT (app, environment, token)
  DO UPDATE SET registered = excluded.registered, unregistered = NULL
when a device registers. That is what add does, and import without --registered.")]
pub(crate) struct DatabaseArgs {
    #[command(subcommand)]
    pub(crate) command: DatabaseCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Register device tokens
    Add(AddArgs),
    /// Register the device tokens of a list
    Import(ImportArgs),
    /// List device tokens
    List(ListArgs),
    /// Remove device tokens
    Remove(RemoveArgs),
}

impl DatabaseArgs {
    /// Returns whether its JSON is one document a line.
    pub(crate) const fn has_lines(&self) -> bool {
        matches!(self.command, DatabaseCommand::List(_))
    }

    /// Returns whether the result is JSON.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            DatabaseCommand::Add(arguments) => arguments.json,
            DatabaseCommand::Import(arguments) => arguments.json,
            DatabaseCommand::List(arguments) => arguments.json,
            DatabaseCommand::Remove(arguments) => arguments.json,
        }
    }
}

/// Whose tokens they are.
#[derive(Debug, Args)]
pub(crate) struct GroupArgs {
    /// The topic for which the tokens were given: the app's bundle ID, with the suffix where it has one (.voip, …)
    #[arg(long, value_name = "TOPIC", value_parser = values::parse_topic)]
    pub(crate) app: String,

    /// The environment of the tokens: sandbox for builds from Xcode, production for TestFlight and the App Store
    #[arg(long, value_parser = values::environments())]
    pub(crate) environment: Environment,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  pushcert database add sqlite:tokens.db --app com.example.MyApp --environment sandbox 00fc13ad…")]
pub(crate) struct AddArgs {
    /// The database: sqlite:FILE, postgres://USER@HOST/NAME, or env:VARIABLE; it is created if it is not there
    #[arg(value_name = "DATABASE")]
    pub(crate) database: DatabaseUrl,

    /// The device tokens, as they are pasted
    #[arg(value_name = "TOKEN", required = true)]
    pub(crate) tokens: Vec<String>,

    #[command(flatten)]
    pub(crate) group: GroupArgs,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A token that is there already is registered anew. Texts that are no tokens are named, and end the
command with 1; the others are imported. The time of registration decides what becomes of a token
that APNs calls unregistered: one that has registered since stays. With --registered, which is not
in the future, a token with a later registration is unchanged, and one that is unregistered since
a later time stays so; without it, all of them register now.

Examples:
  pushcert database import sqlite:tokens.db devices.txt --app com.example.MyApp \\
    --environment production
  mysql -N -e 'SELECT token FROM devices' app |
    pushcert database import sqlite:tokens.db - --app com.example.MyApp \\
    --environment production --registered 2026-11-01")]
pub(crate) struct ImportArgs {
    /// The database: sqlite:FILE, postgres://USER@HOST/NAME, or env:VARIABLE; it is created if it is not there
    #[arg(value_name = "DATABASE")]
    pub(crate) database: DatabaseUrl,

    /// The list, or - for standard input: a token each line, CSV or NDJSON
    #[arg(value_name = "FILE")]
    pub(crate) list: Location,

    #[command(flatten)]
    pub(crate) group: GroupArgs,

    /// When the tokens have registered, at the latest [default: now]
    #[arg(long, value_name = "TIME", value_parser = values::parse_time)]
    pub(crate) registered: Option<OffsetDateTime>,

    #[command(flatten)]
    pub(crate) form: ListForm,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The form of a list.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ListForm {
    /// Form of the list [default: by the file's name (.csv, .ndjson, .jsonl); csv with --column; else lines]
    #[arg(long = "tokens-format", value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<TokensFormat>,

    /// The column of CSV, or the key of NDJSON, that has the tokens [default: token]
    #[arg(long, value_name = "NAME")]
    pub(crate) column: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert database list sqlite:tokens.db
  pushcert database list sqlite:tokens.db --app com.example.MyApp --unregistered --json")]
pub(crate) struct ListArgs {
    /// The database: sqlite:FILE, postgres://USER@HOST/NAME, or env:VARIABLE
    #[arg(value_name = "DATABASE")]
    pub(crate) database: DatabaseUrl,

    /// Only those of this topic
    #[arg(long, value_name = "TOPIC", value_parser = values::parse_topic)]
    pub(crate) app: Option<String>,

    /// Only those of this environment
    #[arg(long, value_parser = values::environments())]
    pub(crate) environment: Option<Environment>,

    /// Those that are unregistered, instead of those that are registered
    #[arg(long, conflicts_with = "all")]
    pub(crate) unregistered: bool,

    /// Both
    #[arg(long)]
    pub(crate) all: bool,

    /// Print a line of JSON for each token
    #[arg(long)]
    pub(crate) json: bool,
}

impl ListArgs {
    /// Returns the tokens that are wanted.
    pub(crate) fn state(&self) -> StateFilter {
        if self.all {
            StateFilter::Any
        } else if self.unregistered {
            StateFilter::Unregistered
        } else {
            StateFilter::Registered
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pushcert database remove sqlite:tokens.db --app com.example.MyApp --environment sandbox 00fc13ad…
  pushcert database remove sqlite:tokens.db --app com.example.MyApp --environment production \\
    --tokens gone.csv")]
pub(crate) struct RemoveArgs {
    /// The database: sqlite:FILE, postgres://USER@HOST/NAME, or env:VARIABLE
    #[arg(value_name = "DATABASE")]
    pub(crate) database: DatabaseUrl,

    /// The device tokens, as they are pasted
    #[arg(value_name = "TOKEN", required_unless_present = "list", conflicts_with = "list")]
    pub(crate) tokens: Vec<String>,

    /// Those in this file, or - for standard input: a token each line, CSV or NDJSON
    #[arg(long = "tokens", value_name = "FILE")]
    pub(crate) list: Option<Location>,

    #[command(flatten)]
    pub(crate) group: GroupArgs,

    #[command(flatten)]
    pub(crate) form: ListForm,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
