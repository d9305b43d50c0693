//! The tokens that the command line names.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cli::push::PushArgs;
use crate::commands::shared::token_list::{InvalidTexts, TokenList, hint_at_filter, joined_warning};
use crate::commands::shared::{advice, database};
use crate::database::address::DatabaseAddress;
use crate::database::{Access, Database, TokenGroup};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::recipient;
use crate::push::shard::Shard;
use crate::push::source::{Input, InputCounts, InputFormat, Preview};
use crate::report::shell::shell_path;
use crate::text::{printable, printable_name};
use crate::world::context::Context;
use crate::world::files::Location;

/// The input, which can be opened more than once if it is a file or a database.
pub(super) struct GivenInput {
    tokens: GivenTokens,
}

enum GivenTokens {
    /// Those of the command line.
    Options(Vec<String>),
    List(TokenList),
    Database {
        address: DatabaseAddress,
        group: TokenGroup,
    },
}

impl fmt::Display for GivenInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tokens {
            GivenTokens::Options(_) => f.write_str("--token"),
            GivenTokens::List(list) => f.write_str(&list.location.input_name()),
            GivenTokens::Database { address, .. } => address.fmt(f),
        }
    }
}

impl GivenInput {
    /// Finds out where the tokens are; `group` says whose, if they are in a database.
    pub(super) fn new(
        arguments: &PushArgs,
        group: Option<TokenGroup>,
        context: &mut Context<'_>,
    ) -> Result<Self, Error> {
        let tokens = match (&arguments.tokens, &arguments.database, group) {
            (Some(location), _, _) => {
                let column = arguments.column.as_deref();
                GivenTokens::List(TokenList::new(location, arguments.tokens_format, column)?)
            }
            (None, Some(url), Some(group)) => {
                GivenTokens::Database { address: database::find(url, "--database", context)?, group }
            }
            _ => {
                refuse_list(&arguments.token)?;
                GivenTokens::Options(arguments.token.clone())
            }
        };
        Ok(Self { tokens })
    }

    /// Opens the input.
    pub(super) fn open(&self) -> Result<Input, Error> {
        match &self.tokens {
            GivenTokens::Options(texts) => Ok(Input::Options(texts.clone())),
            GivenTokens::List(list) => list.open(),
            GivenTokens::Database { address, group } => {
                Ok(Input::Database { database: database::open(address, Access::Read)?, group: group.clone() })
            }
        }
    }

    /// Tells why texts of it are no tokens.
    pub(super) fn invalid_texts(&self) -> InvalidTexts {
        let place = match &self.tokens {
            GivenTokens::List(list) => return list.invalid_texts(),
            GivenTokens::Options(_) => "token",
            GivenTokens::Database { .. } => "row",
        };
        InvalidTexts::new(self.to_string(), place)
    }

    /// Opens the database, if the tokens are in one, and says whose they are.
    pub(super) fn open_database(&self, access: Access) -> Result<Option<(Database, TokenGroup)>, Error> {
        match &self.tokens {
            GivenTokens::Database { address, group } => Ok(Some((database::open(address, access)?, group.clone()))),
            GivenTokens::Options(_) | GivenTokens::List(_) => Ok(None),
        }
    }

    /// Returns whether the input can be read twice.
    pub(super) fn stays(&self) -> bool {
        match &self.tokens {
            GivenTokens::Options(_) | GivenTokens::Database { .. } => true,
            GivenTokens::List(list) => list.is_file,
        }
    }

    /// Reads the input to its end, if it can be read twice; else its first token is not known.
    pub(super) fn preview(&self, shard: Option<Shard>) -> Result<Preview, Error> {
        match self.open()?.preview(shard) {
            Ok(preview) => Ok(preview),
            Err(error) => Err(match &self.tokens {
                GivenTokens::List(list) => list.explain(&error),
                _ => Error::new(error.exit_kind(), format!("{self}: {error}")),
            }),
        }
    }

    /// Reads CSV in a file to its end: a quotation mark that is not closed is found before anything is sent.
    pub(super) fn check_form(&self) -> Result<(), Error> {
        match &self.tokens {
            GivenTokens::List(list) if list.is_file && list.format == InputFormat::Csv => {
                self.preview(None)?;
                Ok(())
            }
            GivenTokens::List(_) | GivenTokens::Options(_) | GivenTokens::Database { .. } => Ok(()),
        }
    }

    /// Returns the number of tokens for a progress bar, if it can be had.
    pub(super) fn count_for_progress(&self, shard: Option<Shard>) -> Option<u64> {
        if !self.stays() {
            return None;
        }
        let counts = self.preview(shard).ok()?.counts;
        Some(counts.valid + counts.invalid)
    }

    /// Returns whether the input has but one token. What comes from a pipe may have more.
    pub(super) fn has_one_token(&self, shard: Option<Shard>) -> Result<bool, Error> {
        if !self.stays() {
            return Ok(false);
        }
        let counts = self.preview(shard)?.counts;
        Ok(counts.valid + counts.invalid <= 1)
    }

    /// Returns the SHA-256 of the input, if it is wanted and can be had before the input is read. A database is known by
    /// its identity: what registers in it later belongs to the same input.
    pub(super) fn sha256(&self, is_wanted: bool) -> Result<Option<String>, Error> {
        if !is_wanted || !self.stays() {
            return Ok(None);
        }
        let digest = match &self.tokens {
            GivenTokens::Options(texts) => Sha256::digest(texts.join("\n")).to_vec(),
            GivenTokens::Database { address, .. } => {
                Sha256::digest(database::open(address, Access::Read)?.identity()).to_vec()
            }
            GivenTokens::List(list) => match hash_file(&list.location) {
                Ok(digest) => digest,
                Err(error) => return Err(advice::unreadable(&list.location.to_string(), &error)),
            },
        };
        Ok(Some(data_encoding::HEXLOWER.encode(&digest)))
    }

    /// Warns of tokens that look like two that were joined.
    pub(super) fn warn_of_joined(&self, counts: &InputCounts, context: &mut Context<'_>) -> Result<(), Error> {
        let Some(joined) = counts.joined else { return Ok(()) };
        let place = match &self.tokens {
            GivenTokens::Options(_) => "number",
            GivenTokens::List(list) => list.place(),
            GivenTokens::Database { .. } => "ID",
        };
        let warning = joined_warning(&self.to_string(), place, joined);
        Ok(writeln!(context.stderr, "warning: {}", printable(&warning))?)
    }

    /// Explains why nothing more of it can be read.
    pub(super) fn cannot_be_read(&self, kind: ExitKind, detail: String, json_filter: Option<&str>) -> Error {
        let failure = Error::new(kind, detail);
        match json_filter {
            Some(filter) => failure.hint(hint_at_filter(filter)),
            None => failure,
        }
    }

    /// Explains that there was nothing to send to.
    pub(super) fn no_token(&self, invalid: u64) -> Error {
        if let GivenTokens::Database { group, .. } = &self.tokens {
            return self.none_registered(group);
        }
        let message = match invalid {
            0 => format!("{self}: there is no device token in it"),
            1 => format!("{self}: there is no device token in it, and one text that is none"),
            count => format!("{self}: there is no device token in it, and {count} texts that are none"),
        };
        let failure = Error::new(ExitKind::Input, message);
        match &self.tokens {
            GivenTokens::Options(_) => failure.hint("a device token has hexadecimal digits, 64 as a rule"),
            GivenTokens::List(list) => list.hint_at_form(failure),
            GivenTokens::Database { .. } => failure,
        }
    }

    /// Explains that the database has no token.
    fn none_registered(&self, group: &TokenGroup) -> Error {
        let TokenGroup { app, environment } = group;
        let name = environment.name();
        let message = format!("{self}: no device token of {app} is registered in it for the {name} environment");
        Error::new(ExitKind::Input, message).hint("pushcert database list shows what is registered")
    }
}

/// Refuses what is no device token, but a list of them: a file, or tokens with commas between them.
fn refuse_list(texts: &[String]) -> Result<(), Error> {
    for text in texts {
        if recipient::parse(text).is_ok() {
            continue;
        }
        if Path::new(text).is_file() {
            let message = format!("--token takes a device token, and {} is a file", printable_name(text));
            let hint = format!("a list of tokens is given with --tokens {}", shell_path(Path::new(text)));
            return Err(Error::new(ExitKind::Usage, message).hint(hint));
        }
        if text.contains(',') && text.split(',').all(|part| recipient::parse(part).is_ok()) {
            let message = "--token takes one device token, and several stand there, with commas between them";
            return Err(Error::new(ExitKind::Usage, message).hint("repeat the option for each: --token A --token B"));
        }
    }
    Ok(())
}

fn hash_file(location: &Location) -> std::io::Result<Vec<u8>> {
    let Location::Path(path) = location else { return Err(std::io::ErrorKind::NotSeekable.into()) };
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.finalize().to_vec()),
            count => hash.update(&buffer[..count]),
        }
    }
}
