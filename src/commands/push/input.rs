//! The tokens that the command line names.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::cli::push::PushArgs;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::push::shard::Shard;
use crate::push::source::{Input, InputFormat, Preview};
use crate::world::files::{Location, open_standard_input};

/// The name of the column where none is given.
const DEFAULT_COLUMN: &str = "token";

/// The input, which can be opened more than once if it is a file.
pub(super) struct GivenInput {
    texts: Vec<String>,
    location: Option<Location>,
    format: InputFormat,
    column: String,
    /// True if it is a file that stays as it is when it is read.
    is_file: bool,
}

impl fmt::Display for GivenInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => location.fmt(f),
            None => f.write_str("--token"),
        }
    }
}

impl GivenInput {
    /// Finds out where the tokens are, and in what form.
    pub(super) fn new(arguments: &PushArgs) -> Result<Self, Error> {
        let format = match (arguments.tokens_format, &arguments.tokens) {
            (Some(format), _) => format.into(),
            (None, Some(location)) => format_by_name(location, arguments.column.is_some()),
            (None, None) => InputFormat::Lines,
        };
        if format == InputFormat::Lines && arguments.column.is_some() {
            let message = "--column: a list of lines has no columns";
            return Err(Error::new(ExitKind::Usage, message).hint("leave it out, or say --tokens-format csv"));
        }
        let is_file = match &arguments.tokens {
            Some(Location::Path(path)) => match path.metadata() {
                Ok(metadata) => metadata.is_file(),
                Err(error) => return Err(unreadable(&path.display().to_string(), &error)),
            },
            Some(Location::Standard) => false,
            None => true,
        };
        Ok(Self {
            texts: arguments.token.clone(),
            location: arguments.tokens.clone(),
            format,
            column: arguments.column.clone().unwrap_or_else(|| DEFAULT_COLUMN.to_owned()),
            is_file,
        })
    }

    /// Opens the input.
    pub(super) fn open(&self) -> Result<Input, Error> {
        let reader: Box<dyn Read + Send> = match &self.location {
            None => return Ok(Input::Options(self.texts.clone())),
            Some(Location::Standard) => open_standard_input(),
            Some(Location::Path(path)) => match File::open(path) {
                Ok(file) => Box::new(file),
                Err(error) => return Err(unreadable(&path.display().to_string(), &error)),
            },
        };
        Ok(Input::Stream { reader, format: self.format, column: self.column.clone(), is_endless: !self.is_file })
    }

    /// Reads the input to its end, if it can be read twice; else its first token is not known.
    pub(super) fn preview(&self, shard: Option<Shard>) -> Result<Preview, Error> {
        match self.open()?.preview(shard) {
            Ok(preview) => Ok(preview),
            Err(error) => Err(Error::new(ExitKind::Input, format!("{self}: {error}"))),
        }
    }

    /// Returns the number of tokens for a progress bar, if it can be had.
    pub(super) fn count_for_progress(&self, shard: Option<Shard>) -> Option<u64> {
        if !self.is_file {
            return None;
        }
        let counts = self.preview(shard).ok()?.counts;
        Some(counts.valid + counts.invalid)
    }

    /// Returns whether the input has but one token. What comes from a pipe may have more.
    pub(super) fn has_one_token(&self, shard: Option<Shard>) -> Result<bool, Error> {
        if !self.is_file {
            return Ok(false);
        }
        let counts = self.preview(shard)?.counts;
        Ok(counts.valid + counts.invalid <= 1)
    }

    /// Returns the SHA-256 of the input, if it is wanted and can be had before the input is read.
    pub(super) fn sha256(&self, is_wanted: bool) -> Result<Option<String>, Error> {
        if !is_wanted || !self.is_file {
            return Ok(None);
        }
        let digest = match &self.location {
            Some(Location::Path(path)) => match hash_file(path) {
                Ok(digest) => digest,
                Err(error) => return Err(unreadable(&path.display().to_string(), &error)),
            },
            _ => Sha256::digest(self.texts.join("\n")).to_vec(),
        };
        Ok(Some(data_encoding::HEXLOWER.encode(&digest)))
    }

    /// Explains that there was nothing to send to.
    pub(super) fn no_token(&self, invalid: u64) -> Error {
        let message = match invalid {
            0 => format!("{self}: there is no device token in it"),
            1 => format!("{self}: there is no device token in it, and one text that is none"),
            count => format!("{self}: there is no device token in it, and {count} texts that are none"),
        };
        let failure = Error::new(ExitKind::Input, message);
        match self.format {
            InputFormat::Lines if self.location.is_none() => {
                failure.hint("a device token has hexadecimal digits, 64 as a rule")
            }
            InputFormat::Lines => {
                failure.hint("a device token each line is expected; for CSV or NDJSON say --column NAME")
            }
            InputFormat::Csv | InputFormat::Ndjson => {
                failure.hint("name the column that has the tokens: --column NAME")
            }
        }
    }
}

fn unreadable(name: &str, error: &std::io::Error) -> Error {
    Error::new(ExitKind::Input, format!("{name}: cannot read it: {error}"))
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

fn hash_file(path: &Path) -> std::io::Result<Vec<u8>> {
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
