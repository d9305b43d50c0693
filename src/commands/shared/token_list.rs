//! A list of device tokens that the command line names.

use std::fs::File;
use std::io::Read;

use crate::cli::push::TokensFormat;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::lengths::JoinedTokens;
use crate::push::source::{Input, InputFormat};
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
                Ok(metadata) => metadata.is_file(),
                Err(error) => return Err(unreadable(location, &error)),
            },
            Location::Standard => false,
        };
        let column = column.unwrap_or(DEFAULT_COLUMN).to_owned();
        Ok(Self { location: location.clone(), format, column, is_file })
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open(&self) -> Result<Input, Error> {
        let reader: Box<dyn Read + Send> = match &self.location {
            Location::Standard => open_standard_input(),
            Location::Path(path) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(error) => return Err(unreadable(&self.location, &error)),
            },
        };
        Ok(Input::Stream { reader, format: self.format, column: self.column.clone(), is_endless: !self.is_file })
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
        match self.format {
            InputFormat::Lines => {
                failure.hint("a device token each line is expected; for CSV or NDJSON say --column NAME")
            }
            InputFormat::Csv | InputFormat::Ndjson => {
                failure.hint("name the column that has the tokens: --column NAME")
            }
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

/// Returns the error of a list that cannot be read.
pub(crate) fn unreadable(location: &Location, error: &std::io::Error) -> Error {
    Error::new(ExitKind::Input, format!("{location}: cannot read it: {error}"))
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
