//! A list of device tokens that the command line names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::cli::push::TokensFormat;
use crate::commands::shared::advice;
use crate::container::lookalike::Lookalike;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::lengths::JoinedTokens;
use crate::push::recipient::{self, InvalidToken};
use crate::push::source::{self, Input, InputFormat, NO_SUCH_KEY, SourceError};
use crate::report::shell::shell_word;
use crate::text::{printable, printable_name};
use crate::world::files::{Location, open_standard_input};

/// The name of the column where none is given.
const DEFAULT_COLUMN: &str = "token";

/// A file, or standard input.
pub(crate) struct TokenList {
    pub(crate) location: Location,
    pub(crate) format: InputFormat,
    column: String,
    /// True if it is a file that stays as it is when it is read.
    pub(crate) is_file: bool,
}

impl TokenList {
    /// Finds out in what form the tokens are.
    ///
    /// # Errors
    /// When the options contradict each other, or the file is not there.
    pub(crate) fn new(location: &Location, format: Option<TokensFormat>, column: Option<&str>) -> Result<Self, Error> {
        let format = match format {
            Some(format) => format.into(),
            None => format_by_name(location, column.is_some()),
        };
        if format == InputFormat::Lines && column.is_some() {
            let message = "--column: a list of lines has no columns";
            return Err(Error::new(ExitKind::Usage, message).hint("leave it out, or say --tokens-format csv"));
        }
        let is_file = match location {
            Location::Path(path) => match path.metadata() {
                Ok(metadata) if metadata.is_dir() => {
                    return Err(advice::unreadable(&location.to_string(), &io::ErrorKind::IsADirectory.into()));
                }
                Ok(metadata) => metadata.is_file(),
                Err(_) if is_token(path) => {
                    let message = "a list of device tokens is expected, and a device token stands there";
                    return Err(Error::new(ExitKind::Usage, message)
                        .hint("one token is given with --token, or added with pushcert database add; for a list name its file, or - for \
                               standard input"));
                }
                Err(error) => return Err(advice::unreadable(&location.to_string(), &error)),
            },
            Location::Standard => false,
        };
        let column = column.unwrap_or(DEFAULT_COLUMN).to_owned();
        let list = Self { location: location.clone(), format, column, is_file };
        if is_file {
            list.refuse_other_files()?;
        }
        Ok(list)
    }

    /// Refuses a key, a certificate and a JSON document before any line is taken for a token.
    fn refuse_other_files(&self) -> Result<(), Error> {
        match source::has_tokens_in_fields(self.reader()?, self.format, &self.column) {
            Ok(true) => return Ok(()),
            Err(error @ (SourceError::Key(_) | SourceError::JsonDocument { .. })) => return Err(self.explain(&error)),
            Ok(false) | Err(_) => {}
        }
        match source::refuse_keys(self.reader()?) {
            Err(error @ SourceError::Key(_)) => Err(self.explain(&error)),
            // What else is wrong is found when it is read.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns the error of a list that cannot be read further.
    pub(crate) fn explain(&self, error: &SourceError) -> Error {
        let failure = Error::new(error.exit_kind(), format!("{}: {error}", self.location.input_name()));
        match error {
            SourceError::Key(_) => {
                failure.hint("give a list of device tokens here, and the certificate and its key in their own place")
            }
            SourceError::JsonDocument { .. } => {
                failure.hint(hint_at_filter(error.json_filter().unwrap_or_default()))
            }
            SourceError::NoColumn { name, found } => {
                let alike = found.iter().find(|column| column.trim().eq_ignore_ascii_case(name));
                failure.hint(match alike {
                    Some(column) => format!("name the column as it is written: --column {}", shell_word(column)),
                    None => "name the column that has the tokens: --column NAME".to_owned(),
                })
            }
            SourceError::NoHeader => failure.hint("add a line with the names before it; a list that has tokens alone is read without --column, from a file that is not called .csv"),
            _ => failure,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open(&self) -> Result<Input, Error> {
        let reader = self.reader()?;
        Ok(Input::Stream { reader, format: self.format, column: self.column.clone(), is_endless: !self.is_file })
    }

    fn reader(&self) -> Result<Box<dyn Read + Send>, Error> {
        match &self.location {
            Location::Standard => Ok(open_standard_input()),
            Location::Path(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(advice::unreadable(&self.location.to_string(), &error)),
            },
        }
    }

    /// Tells why texts of it are no tokens.
    pub(crate) fn invalid_texts(&self) -> InvalidTexts {
        InvalidTexts { column: self.column.clone(), ..InvalidTexts::new(self.location.input_name(), self.place()) }
    }

    /// Returns what its positions count.
    pub(crate) fn place(&self) -> &'static str {
        match self.format {
            InputFormat::Lines | InputFormat::Ndjson => "line",
            InputFormat::Csv => "record",
        }
    }

    /// Adds what to do where there is no token in it.
    pub(crate) fn hint_at_form(&self, failure: Error) -> Error {
        if let Some(found) = self.lookalike() {
            return failure.hint(match found {
                Lookalike::Zip => {
                    "it is a ZIP archive, as spreadsheets are (.xlsx, .ods, .numbers): save it as CSV".to_owned()
                }
                other => format!("it begins as {} does: save the tokens as text, one a line, or as CSV", other.name()),
            });
        }
        match self.format {
            InputFormat::Lines => {
                failure.hint("a device token each line is expected; for CSV or NDJSON say --column NAME")
            }
            InputFormat::Csv => failure.hint("name the column that has the tokens: --column NAME"),
            InputFormat::Ndjson => failure.hint("name the key that has the tokens: --column NAME"),
        }
    }

    /// Returns what the file is, if it is one of another kind.
    fn lookalike(&self) -> Option<Lookalike> {
        if !self.is_file {
            return None;
        }
        let mut start = Vec::new();
        self.reader().ok()?.take(START).read_to_end(&mut start).ok()?;
        Lookalike::of(&start)
    }
}

/// Returns whether a name is a device token, of 64 digits or more, and so hardly that of a file.
fn is_token(path: &Path) -> bool {
    let Some(text) = path.to_str() else { return false };
    text.len() >= 64 && recipient::parse(text).is_ok()
}

/// Says how lines are made of a JSON document.
pub(crate) fn hint_at_filter(filter: &str) -> String {
    format!("make lines of it: jq -rc {filter} FILE > tokens.txt")
}

/// The bytes by which a file is told.
const START: u64 = 4096;

/// The most texts that are named because they are no tokens.
const MAX_NAMED: u64 = 5;

/// Says why texts of an input are no tokens: of a few of them. The texts are not repeated: they may be parts of tokens.
pub(crate) struct InvalidTexts {
    input: String,
    /// What positions count: lines, records.
    place: &'static str,
    /// The key of an object that has its token.
    column: String,
    pub(crate) count: u64,
}

impl InvalidTexts {
    pub(crate) fn new(input: String, place: &'static str) -> Self {
        Self { input, place, column: String::new(), count: 0 }
    }

    /// Counts a text, and returns the line about it, or about those that follow.
    pub(crate) fn next(&mut self, position: u64, invalid: &InvalidToken) -> Option<String> {
        self.count += 1;
        let (input, place) = (printable(&self.input), self.place);
        let problem = match invalid.problem {
            NO_SUCH_KEY => {
                format!("the object has no key {} (--column NAME names another)", printable_name(&self.column))
            }
            other => other.to_owned(),
        };
        match self.count {
            1..=MAX_NAMED => Some(format!("{input}: {place} {position} is no device token: {problem}")),
            count if count == MAX_NAMED + 1 => Some(format!("{input}: further texts are no device tokens")),
            _ => None,
        }
    }
}

/// Returns the warning of tokens that look like two that were joined. `place` is what positions count: lines, records.
pub(crate) fn joined_warning(input: &str, place: &str, joined: JoinedTokens) -> String {
    let JoinedTokens { count, first } = joined;
    let tokens = match count {
        1 => format!("{place} {first}: its token is exactly twice as long as all others"),
        _ => format!("{place} {first}, and {} more: their tokens are exactly twice as long as all others", count - 1),
    };
    format!("{input}: {tokens}; were two lists joined, the first of them without a line end?")
}

/// Returns the form of a file from the end of its name.
fn format_by_name(location: &Location, has_column: bool) -> InputFormat {
    let extension = match location {
        Location::Path(path) => path.extension().and_then(|extension| extension.to_str()).unwrap_or_default(),
        Location::Standard => "",
    };
    match extension.to_ascii_lowercase().as_str() {
        "csv" | "tsv" => InputFormat::Csv,
        "ndjson" | "jsonl" => InputFormat::Ndjson,
        _ if has_column => InputFormat::Csv,
        _ => InputFormat::Lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_kind_is_called_so() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes, expected) in [
            ("devices.xlsx", &b"PK\x03\x04\x14\0"[..], "save it as CSV"),
            ("devices.gz", b"\x1f\x8b\x08\0", "a gzip archive"),
            ("devices.html", b"<html><table><tr><td>aabb</td></tr>", "a web page"),
            ("devices.txt", b"none\n", "a device token each line is expected"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let list = TokenList::new(&Location::Path(path), None, None).unwrap();
            let hint = list.hint_at_form(Error::new(ExitKind::Input, "none")).hint.unwrap().to_string();
            assert!(hint.contains(expected), "{name}: {hint}");
        }
    }
}
