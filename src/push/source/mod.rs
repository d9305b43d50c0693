//! The tokens of the input, one after the other: a list, CSV, NDJSON, or the provider's database. The memory that this
//! takes does not depend on the length of the input.

mod lines;
mod table;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read};

use crate::apns::notification::DEVICE_PATH;
use crate::database::problem::DatabaseError;
use crate::database::{Database, Selection, TokenGroup, WaitReporter};
use crate::exit::ExitKind;
use crate::push::key_watch::{KeyWatch, Sight};
use crate::push::lengths::{JoinedTokens, Lengths};
use crate::push::quotes::CsvFlaw;
use crate::push::recipient::{self, DeviceToken, InvalidToken};
use crate::push::repeats::Repeats;
use crate::push::shard::Shard;
use crate::push::source::lines::{Lines, fill, read_lines, read_ndjson};
use crate::push::source::table::read_csv;
use crate::text::printable_name;
use crate::world::encoding;

/// The most bytes of a line, or of a record.
pub(super) const MAX_RECORD: usize = 64 << 10;
/// The number of tokens that go on together.
const MAX_BATCH: usize = 128;
/// The number of texts that are no tokens and are kept for people.
const MAX_SHOWN: usize = 10;
/// The number of tokens that are read from a database together.
const PAGE: usize = 1000;

/// The problem of an object without the key of the tokens.
pub(crate) const NO_SUCH_KEY: &str = "the object has no such key";

/// A record of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The line, the record of CSV, whose first has the names, the number of the option, or the ID in the database.
    pub(crate) position: u64,
    pub(crate) token: Result<DeviceToken, InvalidToken>,
    /// True if the token has come before.
    pub(crate) is_repeated: bool,
    pub(crate) since: UnregisteredSince,
}

/// The time since which a token is unregistered, where the input is a list of such tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum UnregisteredSince {
    /// The input is no such list.
    #[default]
    NotListed,
    NotKnown,
    /// Milliseconds since 1970.
    Time(u64),
}

/// Several records, or the reason why there are no more.
pub(super) type Batch = Result<Vec<Entry>, SourceError>;

/// The reason why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Csv(#[from] CsvFlaw),
    #[error("record {0}: a field of several lines has a device token in it; is a quotation mark not closed?")]
    HiddenRow(u64),
    #[error("line {0} is a part of a key or a certificate: this is no list of device tokens")]
    Key(u64),
    #[error("there is no column {name:?}: its first line names {}", list(.found))]
    NoColumn { name: String, found: Vec<String> },
    #[error("its first line has the column {0:?} more than once")]
    DoubledColumn(String),
    #[error("its first line, {0:?}, names no delimiter: one character is expected, as in \"sep=;\"")]
    Delimiter(String),
    #[error("its first line has a device token, and the names of the columns are expected there")]
    NoHeader,
    #[error("it is {}: a device token or a JSON object each line is expected", if *.is_array { "a JSON array" } else { "JSON of several lines" })]
    JsonDocument { is_array: bool },
    #[error("line {0} has more than 64 KiB: this is not such a list")]
    LongRecord(u64),
    #[error("{}", .0.problem)]
    Database(#[from] DatabaseError),
}

impl SourceError {
    /// Returns how a run ends that has no input.
    pub(crate) fn exit_kind(&self) -> ExitKind {
        match self {
            Self::Database(error) => error.exit_kind(),
            Self::Io(_)
            | Self::Csv(_)
            | Self::HiddenRow(_)
            | Self::Key(_)
            | Self::NoColumn { .. }
            | Self::DoubledColumn(_)
            | Self::Delimiter(_)
            | Self::NoHeader
            | Self::JsonDocument { .. }
            | Self::LongRecord(_) => ExitKind::Input,
        }
    }
}

impl SourceError {
    /// Returns the filter of jq that makes lines of a JSON document.
    pub(crate) fn json_filter(&self) -> Option<&'static str> {
        match self {
            Self::JsonDocument { is_array: true } => Some("'.[]'"),
            Self::JsonDocument { is_array: false } => Some("."),
            _ => None,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The form of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InputFormat {
    /// A token each line.
    Lines,
    Csv,
    /// A JSON object each line.
    Ndjson,
}

/// The tokens of a run.
pub(crate) enum Input {
    /// Those of the command line.
    Options(Vec<String>),
    Stream {
        reader: Box<dyn Read + Send>,
        format: InputFormat,
        /// The column, or the key, that has the tokens.
        column: String,
        /// True if it may have no end, and may let wait: standard input.
        is_endless: bool,
    },
    /// The registered tokens of a group.
    Database { database: Database, group: TokenGroup },
}

impl Input {
    pub(super) fn is_endless(&self) -> bool {
        matches!(self, Self::Stream { is_endless: true, .. })
    }

    /// Has people told of waits for a database.
    pub(super) fn report_waits(&mut self, report: WaitReporter) {
        if let Self::Database { database, .. } = self {
            database.report_waits(report);
        }
    }

    /// Reads all tokens of the shard; `take` gets them in batches, and says whether it wants more.
    pub(crate) fn read(self, shard: Option<Shard>, take: &mut dyn FnMut(Vec<Entry>) -> bool) -> InputEnd {
        let counts = InputCounts::default();
        let mut batcher = Batcher {
            entries: Vec::new(),
            limit: 1,
            shard,
            counts,
            repeats: Repeats::default(),
            lengths: Lengths::default(),
            watch: KeyWatch::default(),
            is_doubtful: false,
            since: UnregisteredSince::NotListed,
            take,
        };
        let result = match self {
            Self::Options(texts) => read_options(&texts, &mut batcher),
            Self::Stream { reader, format, column, .. } => read_stream(reader, format, &column, &mut batcher),
            Self::Database { database, group } => read_database(database, &group, &mut batcher),
        };
        // What was read before an error counts, unless it may be a part of a key.
        if !matches!(result, Ok(false) | Err(SourceError::Key(_))) {
            batcher.flush();
        }
        batcher.counts.joined = batcher.lengths.joined();
        InputEnd { counts: batcher.counts, error: result.err() }
    }
}

fn read_options(texts: &[String], batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    for (index, text) in texts.iter().enumerate() {
        let number = index as u64 + 1;
        batcher.look(number, text.as_bytes())?;
        if !batcher.add(number, text) {
            return Ok(false);
        }
    }
    batcher.look_at_end(texts.len() as u64)?;
    Ok(true)
}

/// Returns whether a list is a table or has objects, and tokens in them: other fields of it may be keys of its users.
///
/// # Errors
/// When it is none, or cannot be read to its end.
pub(crate) fn has_tokens_in_fields(
    reader: Box<dyn Read + Send>,
    format: InputFormat,
    column: &str,
) -> Result<bool, SourceError> {
    let mut reader = encoding::open(reader)?;
    let found = if format == InputFormat::Ndjson { None } else { format_by_content(&mut reader)? };
    let format = found.unwrap_or(format);
    if format == InputFormat::Lines {
        return Ok(false);
    }
    let input = Input::Stream { reader: Box::new(reader), format, column: column.to_owned(), is_endless: false };
    let end = input.read(None, &mut |_| true);
    end.error.map_or(Ok(end.counts.valid > 0), Err)
}

/// Refuses a list in which no line may be taken for a token: a key or a certificate.
///
/// # Errors
/// When it is one, or cannot be read.
pub(crate) fn refuse_keys(reader: Box<dyn Read + Send>) -> Result<(), SourceError> {
    let mut lines = Lines::new(encoding::open(reader)?);
    let mut watch = KeyWatch::default();
    while lines.advance()? {
        if watch.look(&lines.line) == Sight::Key {
            return Err(SourceError::Key(lines.number));
        }
    }
    if watch.is_key_at_end() { Err(SourceError::Key(lines.number - 1)) } else { Ok(()) }
}

/// Reads a database, a page at a time: between two pages others may write to it.
fn read_database(mut database: Database, group: &TokenGroup, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let selection = Selection::registered(group);
    let mut last = 0;
    loop {
        let page = database.read_page(&selection, last, PAGE)?;
        if page.is_empty() {
            return Ok(true);
        }
        for stored in page {
            last = stored.id;
            if !batcher.add(stored.id, &stored.token) {
                return Ok(false);
            }
        }
    }
}

/// Reads a stream; returns false if no more of it is wanted.
fn read_stream(
    reader: Box<dyn Read + Send>,
    format: InputFormat,
    column: &str,
    batcher: &mut Batcher<'_>,
) -> Result<bool, SourceError> {
    let mut reader = encoding::open(reader)?;
    let found = if format == InputFormat::Ndjson { None } else { format_by_content(&mut reader)? };
    match found.unwrap_or(format) {
        InputFormat::Lines => read_lines(reader, batcher),
        InputFormat::Ndjson => read_ndjson(reader, column, batcher),
        InputFormat::Csv => read_csv(reader, column, batcher),
    }
}

/// Returns the form that the first two characters show whatever the name of the file is; `None` if they show none: no token
/// and no name of a column begins as JSON does.
fn format_by_content(reader: &mut impl BufRead) -> Result<Option<InputFormat>, SourceError> {
    match fill(reader)? {
        [b'{', b'"' | b' ', ..] => Ok(Some(InputFormat::Ndjson)),
        [b'[', b'"' | b'{' | b'[' | b']' | b' ' | b'\t' | b'\r' | b'\n', ..] => {
            Err(SourceError::JsonDocument { is_array: true })
        }
        [b'{', b'\t' | b'\r' | b'\n', ..] => Err(SourceError::JsonDocument { is_array: false }),
        _ => Ok(None),
    }
}

/// The number of tokens of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InputCounts {
    pub(crate) valid: u64,
    pub(crate) invalid: u64,
    /// The valid ones that have come before.
    pub(crate) repeated: u64,
    /// The tokens and other texts that belong to other shards.
    pub(crate) of_other_shards: u64,
    /// The tokens that look like two that were joined.
    pub(crate) joined: Option<JoinedTokens>,
    /// True if it is a list of tokens that are no longer active, as a run writes it.
    pub(crate) is_unregistered_list: bool,
}

impl InputCounts {
    /// Returns whether all that the input has belongs to other shards.
    pub(crate) fn is_nothing_for_shard(&self) -> bool {
        self.valid + self.invalid == 0 && self.of_other_shards > 0
    }
}

/// The end of an input.
#[derive(Debug)]
pub(crate) struct InputEnd {
    pub(crate) counts: InputCounts,
    /// The reason why no more of it can be read.
    pub(crate) error: Option<SourceError>,
}

/// An input that was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    pub(crate) counts: InputCounts,
    /// The path of the first token's request.
    pub(crate) first: Option<String>,
    /// The position of the first token.
    pub(crate) position: u64,
    /// The first texts that are no tokens.
    pub(crate) invalid: Vec<(u64, InvalidToken)>,
}

impl Input {
    /// Reads all, and counts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn preview(self, shard: Option<Shard>) -> Result<Preview, SourceError> {
        let mut preview = Preview::default();
        let end = self.read(shard, &mut |entries| {
            for Entry { position, token, .. } in entries {
                match token {
                    Ok(token) if preview.first.is_none() => {
                        preview.first = Some(format!("{DEVICE_PATH}{}", token.digits()));
                        preview.position = position;
                    }
                    Err(invalid) if preview.invalid.len() < MAX_SHOWN => preview.invalid.push((position, invalid)),
                    Ok(_) | Err(_) => {}
                }
            }
            true
        });
        preview.counts = end.counts;
        match end.error {
            Some(error) => Err(error),
            None => Ok(preview),
        }
    }
}

/// Collects entries; the first batches are small, so that a short or a slow input does not wait.
struct Batcher<'a> {
    entries: Vec<Entry>,
    limit: usize,
    shard: Option<Shard>,
    counts: InputCounts,
    repeats: Repeats,
    lengths: Lengths,
    watch: KeyWatch,
    /// True if the last lines may be a part of a key: they are held back until the next ones tell.
    is_doubtful: bool,
    /// That of the next entry.
    since: UnregisteredSince,
    take: &'a mut dyn FnMut(Vec<Entry>) -> bool,
}

impl Batcher<'_> {
    /// Looks at a line before it is parsed; refuses a part of a key or a certificate.
    fn look(&mut self, number: u64, line: &[u8]) -> Result<(), SourceError> {
        match self.watch.look(line) {
            Sight::Key => Err(SourceError::Key(number)),
            sight => {
                self.is_doubtful = sight == Sight::Doubtful;
                Ok(())
            }
        }
    }

    fn look_at_end(&self, number: u64) -> Result<(), SourceError> {
        if self.watch.is_key_at_end() { Err(SourceError::Key(number)) } else { Ok(()) }
    }

    /// Adds what should be a token; returns false if no more are wanted.
    fn add_bytes(&mut self, position: u64, bytes: &[u8]) -> bool {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.add(position, text),
            Err(_) => self.add_entry(position, Err(not_a_token(&String::from_utf8_lossy(bytes), "it is not UTF-8"))),
        }
    }

    fn add(&mut self, position: u64, text: &str) -> bool {
        self.add_entry(position, recipient::parse(text))
    }

    fn add_entry(&mut self, position: u64, token: Result<DeviceToken, InvalidToken>) -> bool {
        if let Ok(token) = &token {
            self.lengths.count(position, token.digits().len());
        }
        if let Some(shard) = self.shard {
            let is_own = match &token {
                Ok(token) => shard.has(token.digits()),
                Err(invalid) => shard.has(&invalid.text),
            };
            if !is_own {
                self.counts.of_other_shards += u64::from(token.is_ok());
                return true;
            }
        }
        let mut is_repeated = false;
        match &token {
            Ok(token) => {
                self.counts.valid += 1;
                is_repeated = self.repeats.has_come(token.digits());
                self.counts.repeated += u64::from(is_repeated);
            }
            Err(_) => self.counts.invalid += 1,
        }
        let since = std::mem::take(&mut self.since);
        self.entries.push(Entry { position, token, is_repeated, since });
        if self.entries.len() < self.limit || (self.is_doubtful && self.entries.len() < MAX_BATCH) {
            return true;
        }
        self.limit = (self.limit * 2).min(MAX_BATCH);
        self.flush()
    }

    fn flush(&mut self) -> bool {
        self.entries.is_empty() || (self.take)(std::mem::take(&mut self.entries))
    }
}

fn not_a_token(text: &str, problem: &'static str) -> InvalidToken {
    InvalidToken { text: printable_name(text.trim()), problem }
}
