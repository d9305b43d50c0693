//! The tokens of the input, one after the other: a list, CSV, NDJSON, or the provider's database. The memory that this
//! takes does not depend on the length of the input.

use std::io::{self, BufRead, Cursor, Read};

use memchr::memmem;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::apns::notification::{DEVICE_PATH, TOKEN_DIGITS};
use crate::apns::payload::doubled_keys;
use crate::database::problem::DatabaseError;
use crate::database::{Database, Selection, TokenGroup};
use crate::exit::ExitKind;
use crate::push::encoding;
use crate::push::key_watch::{KeyWatch, Sight, is_key_part};
use crate::push::lengths::{JoinedTokens, Lengths};
use crate::push::quotes::{CsvFlaw, QuoteChecker};
use crate::push::recipient::{self, BYTE_ORDER_MARK, DeviceToken, InvalidToken};
use crate::push::repeats::Repeats;
use crate::push::results::UNREGISTERED_HEADER;
use crate::push::shard::Shard;
use crate::text::{name_unless_key, printable_name};

/// The most bytes of a line, or of a record.
pub(super) const MAX_RECORD: usize = 64 << 10;
/// The number of tokens that go on together.
const MAX_BATCH: usize = 128;
/// The number of texts that are no tokens and are kept for people.
const MAX_SHOWN: usize = 10;
/// The number of tokens that are read from a database together.
const PAGE: usize = 1000;

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

/// Refuses a list in which no line may be taken for a token: a key, a certificate, a JSON document.
///
/// # Errors
/// When it is one, or cannot be read.
pub(crate) fn refuse_other_files(reader: Box<dyn Read + Send>) -> Result<(), SourceError> {
    let mut reader = encoding::open(reader)?;
    format_by_content(&mut reader)?;
    let mut lines = Lines::new(reader);
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

/// The lines of a text, whichever end they have: LF, CR LF, or CR alone.
struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    /// The number of the line.
    number: u64,
    /// True if the line before ended with CR: an LF that follows belongs to it.
    is_after_cr: bool,
}

/// The part of a line that a buffer has.
struct LinePart {
    length: usize,
    end: Option<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), number: 0, is_after_cr: false }
    }

    /// Reads the next line, without its end; returns false at the end of the input.
    fn advance(&mut self) -> Result<bool, SourceError> {
        self.line.clear();
        self.number += 1;
        loop {
            let Some(part) = self.read_part()? else { return Ok(!self.line.is_empty()) };
            self.reader.consume(part.length + usize::from(part.end.is_some()));
            if self.line.len() > MAX_RECORD {
                return Err(SourceError::LongRecord(self.number));
            }
            if let Some(end) = part.end {
                self.is_after_cr = end == b'\r';
                return Ok(true);
            }
        }
    }

    /// Appends what the buffer has of the line; `None` at the end of the input.
    fn read_part(&mut self) -> io::Result<Option<LinePart>> {
        if self.is_after_cr {
            if fill(&mut self.reader)?.first() == Some(&b'\n') {
                self.reader.consume(1);
            }
            self.is_after_cr = false;
        }
        let buffer = fill(&mut self.reader)?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let found = memchr::memchr2(b'\n', b'\r', buffer);
        let length = found.unwrap_or(buffer.len());
        self.line.extend_from_slice(&buffer[..length]);
        Ok(Some(LinePart { length, end: buffer.get(length).copied() }))
    }
}

/// Fills an empty buffer, however often a signal interrupts it.
fn fill(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = reader.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // It is filled.
    reader.fill_buf()
}

fn read_lines(reader: impl BufRead, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let mut lines = Lines::new(reader);
    while lines.advance()? {
        let text = lines.line.trim_ascii();
        batcher.look(lines.number, &lines.line)?;
        if !text.is_empty() && !batcher.add_bytes(lines.number, text) {
            return Ok(false);
        }
    }
    batcher.look_at_end(lines.number - 1)?;
    Ok(true)
}

fn read_ndjson(reader: impl BufRead, key: &str, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let mut lines = Lines::new(reader);
    while lines.advance()? {
        batcher.look(lines.number, &lines.line)?;
        // A line without a token is invalid, and does not stop the others.
        if !lines.line.trim_ascii().is_empty() && !batcher.add_entry(lines.number, token_of_object(&lines.line, key)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the token that an object has under the key.
fn token_of_object(line: &[u8], key: &str) -> Result<DeviceToken, InvalidToken> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Err(not_a_token(&String::from_utf8_lossy(line), "the line is not UTF-8"));
    };
    // The second of two files that were joined may begin with it.
    let text = text.trim_start_matches(BYTE_ORDER_MARK);
    let members = match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(not_a_token(text, "the line is not a JSON object")),
        Err(_) => return Err(not_a_token(text, "the line cannot be read as JSON")),
    };
    match members.get(key) {
        None => Err(not_a_token("", "the object has no such key")),
        Some(Value::String(token)) if has_key_twice(line, key) => {
            Err(not_a_token(token, "the object has the key more than once"))
        }
        Some(Value::String(token)) => recipient::parse(token),
        Some(other) => Err(not_a_token(&other.to_string(), "the value is not text")),
    }
}

fn has_key_twice(line: &[u8], key: &str) -> bool {
    // Most lines need not be parsed again: the word stands in them once, and without an escape that may hide it.
    let is_plain = memmem::find_iter(line, key).count() < 2 && memchr::memchr(b'\\', line).is_none();
    !is_plain && doubled_keys(line).iter().any(|doubled| doubled == key)
}

/// The first record of CSV, which tells the delimiter.
#[derive(Debug, Default)]
struct FirstRecord {
    bytes: Vec<u8>,
    /// Which of [`DELIMITERS`] stand outside of quotation marks.
    found: [bool; DELIMITERS.len()],
    is_quoted: bool,
    /// The byte before.
    last: Option<u8>,
}

/// The characters between the columns: a comma, or what some spreadsheets write in its place.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

impl FirstRecord {
    /// Reads it, however slowly it comes, with all lines of a field in quotation marks; a long one only in part.
    fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut record = Self::default();
        while record.bytes.len() < MAX_RECORD {
            let buffer = fill(reader)?;
            if buffer.is_empty() {
                break;
            }
            let end = memchr::memchr2(b'\n', b'\r', buffer);
            let length = end.map_or(buffer.len(), |index| index + 1);
            for byte in &buffer[..length] {
                record.step(*byte);
            }
            record.bytes.extend_from_slice(&buffer[..length]);
            reader.consume(length);
            if end.is_some() && !record.is_quoted {
                break;
            }
        }
        Ok(record)
    }

    fn step(&mut self, byte: u8) {
        let place = DELIMITERS.iter().position(|delimiter| *delimiter == byte);
        if byte == b'"' {
            // It opens a field, closes it, or is the second of two in it.
            let opens = self.last.is_none_or(|last| last == b'"' || DELIMITERS.contains(&last));
            self.is_quoted = !self.is_quoted && opens;
        } else if let (Some(place), false) = (place, self.is_quoted) {
            self.found[place] = true;
        }
        self.last = Some(byte);
    }

    fn delimiter(&self) -> u8 {
        let mut all = DELIMITERS.iter().zip(self.found);
        all.find(|(_, is_found)| *is_found).map_or(b',', |(delimiter, _)| *delimiter)
    }
}

/// Returns the delimiter that a line names in the way of Excel (`sep=;`), which is none of the table; `None` if it is
/// another line.
///
/// # Errors
/// When it names something else.
fn named_delimiter(line: &[u8]) -> Result<Option<u8>, SourceError> {
    let bare = line.strip_suffix(b"\n").unwrap_or(line);
    let bare = bare.strip_suffix(b"\r").unwrap_or(bare);
    let bare = bare.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(bare);
    let Some((name, value)) = bare.split_at_checked(4) else { return Ok(None) };
    if !name.eq_ignore_ascii_case(b"sep=") {
        return Ok(None);
    }
    match value {
        b"\\t" => Ok(Some(b'\t')),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(Some(*byte)),
        _ => Err(SourceError::Delimiter(printable_name(&String::from_utf8_lossy(bare)))),
    }
}

fn read_csv(mut reader: impl BufRead, column: &str, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let mut first = FirstRecord::read(&mut reader)?;
    // Records are counted here: the parser counts only the lines that end with LF.
    let mut number = 1;
    let delimiter = match named_delimiter(&first.bytes)? {
        Some(delimiter) => {
            if first.bytes.ends_with(b"\r") && fill(&mut reader)?.first() == Some(&b'\n') {
                reader.consume(1);
            }
            first.bytes.clear();
            number += 1;
            delimiter
        }
        None => first.delimiter(),
    };
    let checker = QuoteChecker::new(Cursor::new(first.bytes).chain(reader), delimiter, number);
    let mut csv = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(checker);
    let names = match csv.byte_headers() {
        Ok(names) => names.clone(),
        Err(error) => return Err(csv_error(error, csv.get_ref())),
    };
    if names.iter().any(is_key_part) {
        return Err(SourceError::Key(1));
    }
    let table = CsvTable { delimiter, width: names.len(), index: find_column(&names, column)? };
    let own_names: Vec<&[u8]> = UNREGISTERED_HEADER.split(',').map(str::as_bytes).collect();
    batcher.counts.is_unregistered_list = names.iter().eq(own_names);
    let mut record = csv::ByteRecord::new();
    loop {
        number += 1;
        match csv.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => {
                batcher.look_at_end(number - 1)?;
                return Ok(true);
            }
            Err(error) => return Err(csv_error(error, csv.get_ref())),
        }
        if table.hides_row(&record) {
            return Err(SourceError::HiddenRow(number));
        }
        batcher.look(number, record.get(table.index).unwrap_or_default())?;
        if batcher.counts.is_unregistered_list {
            batcher.since = unregistered_since(record.get(1).unwrap_or_default());
        }
        if !batcher.add_entry(number, table.token(&record)) {
            return Ok(false);
        }
    }
}

/// Returns the index of the column that has this name.
fn find_column(names: &csv::ByteRecord, column: &str) -> Result<usize, SourceError> {
    let mut indices = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if name.trim_ascii() == column.as_bytes() {
            indices.push(index);
        }
    }
    if indices.len() > 1 {
        return Err(SourceError::DoubledColumn(column.to_owned()));
    }
    let Some(index) = indices.pop() else {
        if names.iter().any(|name| has_token(name, b',')) {
            return Err(SourceError::NoHeader);
        }
        let mut found = Vec::new();
        for name in names.iter().take(20) {
            found.push(printable_name(name_unless_key(&String::from_utf8_lossy(name))));
        }
        return Err(SourceError::NoColumn { name: column.to_owned(), found });
    };
    Ok(index)
}

/// Parses the second column of a list of tokens that are no longer active.
fn unregistered_since(field: &[u8]) -> UnregisteredSince {
    let text = std::str::from_utf8(field).unwrap_or_default().trim();
    let time = match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(time) => u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok(),
        Err(_) => text.parse().ok(),
    };
    time.map_or(UnregisteredSince::NotKnown, UnregisteredSince::Time)
}

/// What the first line of CSV tells.
struct CsvTable {
    delimiter: u8,
    /// The number of columns.
    width: usize,
    /// The index of the column that has the tokens.
    index: usize,
}

impl CsvTable {
    /// Returns the token of a record. Where a record has more fields than columns, none is certainly in its column.
    fn token(&self, record: &csv::ByteRecord) -> Result<DeviceToken, InvalidToken> {
        let Some(field) = record.get(self.index) else {
            return Err(not_a_token("", "the record has no such column"));
        };
        let Ok(text) = std::str::from_utf8(field) else {
            return Err(not_a_token(&String::from_utf8_lossy(field), "it is not UTF-8"));
        };
        if record.iter().skip(self.width).any(|field| !field.trim_ascii().is_empty()) {
            return Err(not_a_token(text, "the record has more fields than the first line"));
        }
        recipient::parse(text)
    }

    /// Returns whether a field of several lines has a device token in it, which a quotation mark that is not closed has
    /// taken from another row. The column of the tokens is judged by itself.
    fn hides_row(&self, record: &csv::ByteRecord) -> bool {
        if memchr::memchr2(b'\n', b'\r', record.as_slice()).is_none() {
            return false;
        }
        for (index, field) in record.iter().enumerate() {
            let has_lines = memchr::memchr2(b'\n', b'\r', field).is_some();
            if index != self.index && has_lines && has_token(field, self.delimiter) {
                return true;
            }
        }
        false
    }
}

/// Returns whether a text has a whole device token between delimiters and line ends, in any form that is taken.
fn has_token(text: &[u8], delimiter: u8) -> bool {
    for part in text.split(|byte| *byte == delimiter || matches!(byte, b'\n' | b'\r' | b'|')) {
        if let Ok(part) = std::str::from_utf8(part)
            && let Ok(token) = recipient::parse(part)
            && token.digits().len() >= TOKEN_DIGITS
        {
            return true;
        }
    }
    false
}

fn csv_error<R: Read>(error: csv::Error, checker: &QuoteChecker<R>) -> SourceError {
    match checker.flaw() {
        Some(flaw) => SourceError::Csv(flaw),
        None => SourceError::Io(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: impl AsRef<[u8]>, format: InputFormat, column: &str) -> Result<Vec<Entry>, SourceError> {
        let reader = Box::new(Cursor::new(text.as_ref().to_vec()));
        let input = Input::Stream { reader, format, column: column.to_owned(), is_endless: false };
        let mut all = Vec::new();
        let end = input.read(None, &mut |mut entries| {
            assert!(entries.len() <= MAX_BATCH);
            all.append(&mut entries);
            true
        });
        assert_eq!(end.counts.valid + end.counts.invalid, all.len() as u64);
        match end.error {
            Some(error) => Err(error),
            None => Ok(all),
        }
    }

    fn shape(entries: &[Entry]) -> Vec<(u64, String)> {
        let mut list = Vec::new();
        for Entry { position, token, .. } in entries {
            let text = match token {
                Ok(token) => token.digits().to_owned(),
                Err(invalid) => format!("? {}", invalid.text),
            };
            list.push((*position, text));
        }
        list
    }

    fn pairs(list: &[(u64, &str)]) -> Vec<(u64, String)> {
        list.iter().map(|(position, text)| (*position, (*text).to_owned())).collect()
    }

    #[test]
    fn lists() {
        let found = read("\u{feff}AA BB\r\n\n<ccdd>\nxyz\nee11", InputFormat::Lines, "").unwrap();
        assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "ccdd"), (4, "? xyz"), (5, "ee11")]));
        let long = format!("aabb\n{}", "a".repeat(100_000));
        assert!(matches!(read(&long, InputFormat::Lines, ""), Err(SourceError::LongRecord(2))));
    }

    #[test]
    fn positions_grow_whatever_ends_the_lines() {
        for ends in
            [["\n"; 3], ["\r\n"; 3], ["\r"; 3], ["\n", "\r", "\r\n"], ["\r\n", "\n", "\r"], ["\r", "\r\n", "\n"]]
        {
            let text = |lines: [&str; 4]| {
                format!("{}{}{}{}{}{}{}", lines[0], ends[0], lines[1], ends[1], lines[2], ends[2], lines[3])
            };
            let csv = text(["id;token", "1;aabb", "2;ccdd", "3;ee11"]);
            let expected = pairs(&[(2, "aabb"), (3, "ccdd"), (4, "ee11")]);
            assert_eq!(shape(&read(&csv, InputFormat::Csv, "token").unwrap()), expected, "{csv:?}");
            let list = text(["xyz", "aabb", "ccdd", "ee11"]);
            let found = shape(&read(&list, InputFormat::Lines, "").unwrap());
            assert_eq!(found[1..], expected, "{list:?}");
            let ndjson = text(["0", r#"{"token":"aabb"}"#, r#"{"token":"ccdd"}"#, r#"{"token":"ee11"}"#]);
            let found = shape(&read(&ndjson, InputFormat::Ndjson, "token").unwrap());
            assert_eq!(found[1..], expected, "{ndjson:?}");
        }
        let found = read("aabb\r\n\r\nccdd\r\ree11\r", InputFormat::Lines, "").unwrap();
        assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "ccdd"), (5, "ee11")]));
        let many = "aabb\r".repeat(50_000);
        assert_eq!(read(&many, InputFormat::Lines, "").unwrap().last().unwrap().position, 50_000);
    }

    #[test]
    fn csv_with_a_named_column() {
        let text = "\u{feff}id,token\n1,AABB\n2,\"cc\ndd\"\n3\n4,ee11\n";
        let expected = pairs(&[(2, "aabb"), (3, "ccdd"), (4, "? "), (5, "ee11")]);
        assert_eq!(shape(&read(text, InputFormat::Csv, "token").unwrap()), expected);
        for delimiter in [";", "\t"] {
            let text = text.replace(',', delimiter);
            assert_eq!(shape(&read(&text, InputFormat::Csv, "token").unwrap()), expected);
        }
        let error = read(text, InputFormat::Csv, "device").unwrap_err().to_string();
        assert_eq!(error, "there is no column \"device\": its first line names id, token");
        let unclosed = format!("token\naabb\n\"{}", "aabb\n".repeat(50_000));
        let found = read(&unclosed, InputFormat::Csv, "token");
        assert!(matches!(found, Err(SourceError::Csv(CsvFlaw::LongRecord(3)))), "{found:?}");
        let many = format!("token\n{}", "aabb\n".repeat(50_000));
        assert_eq!(read(&many, InputFormat::Csv, "token").unwrap().len(), 50_000);
    }

    #[test]
    fn a_first_line_may_name_the_delimiter() {
        let found = pairs(&[(3, "aabb"), (4, "ccdd")]);
        for (line, delimiter) in [
            ("sep=;", ";"),
            ("sep=,", ","),
            ("SEP=|", "|"),
            ("\"sep=;\"", ";"),
            ("\"sep=,\"", ","),
            ("sep=\t", "\t"),
            ("sep=\\t", "\t"),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let rows = ["id,x:token", "1:aabb", "2:ccdd"].map(|row| row.replace(':', delimiter)).join(end);
                let text = format!("{line}{end}{rows}{end}");
                let table = if delimiter == "," { text.replace("id,x", "id") } else { text };
                assert_eq!(shape(&read(&table, InputFormat::Csv, "token").unwrap()), found, "{table:?}");
                let utf_16 = wide(&format!("\u{feff}{table}"), u16::to_le_bytes);
                assert_eq!(shape(&read(utf_16, InputFormat::Csv, "token").unwrap()), found, "{table:?}");
            }
        }
        for line in ["sep=", "sep=;;;", "sep=ab", "sep=a", "sep=\u{a6}", "sep=\""] {
            let error = read(format!("{line}\nid;token\n1;aabb\n"), InputFormat::Csv, "token").unwrap_err();
            assert!(matches!(error, SourceError::Delimiter(_)), "{line}: {error}");
            assert!(error.to_string().contains("one character is expected"), "{error}");
        }
        let flawed = "sep=;\nid;token\n1;\"aabb\n";
        assert!(
            read(flawed, InputFormat::Csv, "token").unwrap_err().to_string().starts_with("line 3: a quotation mark")
        );
    }

    #[test]
    fn names_in_quotation_marks_may_have_lines_and_delimiters() {
        for (names, row) in [
            ("\"id; or\nnumber\";token", "1;aabb"),
            ("\"a, b\r\n\"\"c\"\";\"\ttoken", "1\taabb"),
            ("\"a;\n;\",token", "1,aabb"),
            ("6\" pipe;token", "1;aabb"),
        ] {
            let found = read(format!("{names}\n{row}\n"), InputFormat::Csv, "token").unwrap();
            assert_eq!(shape(&found), pairs(&[(2, "aabb")]), "{names}");
        }
        let reader = Box::new(Cursor::new(format!("\"{}", "a\n".repeat(100_000))));
        let input = Input::Stream { reader, format: InputFormat::Csv, column: "a".to_owned(), is_endless: false };
        assert!(input.read(None, &mut |_| true).error.is_some());
    }

    #[test]
    fn ndjson_with_a_named_key() {
        let text = "{\"token\":\"AABB\"}\n\n{\"other\":1}\nnot JSON\n{\"token\":\"ccdd\",\"x\":[1]}";
        let found = read(text, InputFormat::Ndjson, "token").unwrap();
        assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "? "), (4, "? not JSON"), (5, "ccdd")]));
    }

    #[test]
    fn what_is_no_token_has_a_cause_of_its_own() {
        let problem = |text: &[u8], format| match read(text, format, "token").unwrap().pop().unwrap().token {
            Err(invalid) => (invalid.text, invalid.problem),
            Ok(token) => (token.digits().to_owned(), ""),
        };
        for (line, text, words) in [
            (&b"{\"token\":\"aabb\""[..], "{\"token\":\"aabb\"", "the line cannot be read as JSON"),
            (
                b"{\"token\":\"aabb\",\"a\":\"\xff\"}",
                "{\"token\":\"aabb\",\"a\":\"\u{fffd}\"}",
                "the line is not UTF-8",
            ),
            (b"[\"aabb\"]", "[\"aabb\"]", "the line is not a JSON object"),
            (b"{\"Token\":\"aabb\"}", "", "the object has no such key"),
            (b"{\"token\":1234}", "1234", "the value is not text"),
            (b"{\"token\":null}", "null", "the value is not text"),
            (b"{\"token\":\"aabb\",\"tok\\u0065n\":\"ccdd\"}", "ccdd", "the object has the key more than once"),
            (b"{\"token\":\"\"}", "", "it is empty"),
            (b"{\"token\":\"aabb\",\"name\":\"token\"}", "aabb", ""),
        ] {
            assert_eq!(problem(line, InputFormat::Ndjson), (text.to_owned(), words));
        }
        assert_eq!(problem(b"aa\xffbb", InputFormat::Lines).1, "it is not UTF-8");
        assert_eq!(problem(b"id,token\n1,a\xff", InputFormat::Csv).1, "it is not UTF-8");
        assert_eq!(problem(b"id,token\n1", InputFormat::Csv).1, "the record has no such column");
        let doubled = read("token,id,token\naabb,1,ccdd\n", InputFormat::Csv, "token").unwrap_err().to_string();
        assert_eq!(doubled, "its first line has the column \"token\" more than once");
        assert_eq!(shape(&read("token,id,id\naabb,1,2\n", InputFormat::Csv, "token").unwrap()), pairs(&[(2, "aabb")]));
    }

    /// What becomes of a list.
    #[derive(Debug, PartialEq, Eq)]
    enum Fate {
        /// So many tokens, and so many other texts that are named as invalid.
        Read { valid: usize, invalid: usize },
        /// It is refused with these words.
        Refused(&'static str),
    }

    struct ListCase {
        name: &'static str,
        format: InputFormat,
        text: Vec<u8>,
        fate: Fate,
    }

    fn list_case(name: &'static str, format: InputFormat, text: impl AsRef<[u8]>, fate: Fate) -> ListCase {
        ListCase { name, format, text: text.as_ref().to_vec(), fate }
    }

    fn wide(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(encode).collect()
    }

    #[track_caller]
    fn assert_fates(cases: &[ListCase]) {
        for ListCase { name, format, text, fate } in cases {
            let found = read(text, *format, "token");
            match (&found, fate) {
                (Ok(entries), Fate::Read { valid, invalid }) => {
                    let tokens = entries.iter().filter(|entry| entry.token.is_ok()).count();
                    assert_eq!((tokens, entries.len() - tokens), (*valid, *invalid), "{name}: {found:?}");
                    let whole = |entry: &Entry| entry.token.as_ref().is_ok_and(|token| token.digits().len() == 64);
                    assert_eq!(entries.iter().filter(|entry| whole(entry)).count(), *valid, "{name}: {found:?}");
                }
                (Err(error), Fate::Refused(words)) => assert!(error.to_string().contains(words), "{name}: {error}"),
                _ => panic!("{name}: {found:?}"),
            }
        }
    }

    /// Three tokens.
    fn three() -> [String; 3] {
        ["aa", "bb", "cc"].map(|byte| byte.repeat(32))
    }

    #[test]
    fn no_line_of_a_list_vanishes() {
        use Fate::Read;
        use InputFormat::{Lines, Ndjson};
        let [a, b, c] = three();
        let json = |token: &str| format!("{{\"token\":\"{token}\"}}");
        let mut cases = vec![
            list_case("joined files", Lines, format!("\u{feff}{a}\n\u{feff}{b}\n"), Read { valid: 2, invalid: 0 }),
            list_case("marks twice", Lines, format!("\u{feff}\u{feff}{a}\n{b}"), Read { valid: 2, invalid: 0 }),
            list_case("a mark within", Lines, format!("{a}\u{feff}{b}\n{c}"), Read { valid: 1, invalid: 1 }),
            list_case("CR alone", Lines, format!("{a}\r{b}\r{c}\r"), Read { valid: 3, invalid: 0 }),
            list_case("NUL at the end", Lines, format!("{a}\n{b}\0\n\0\0\0"), Read { valid: 1, invalid: 2 }),
            list_case("a first line", Lines, format!("token\n{a}\n"), Read { valid: 1, invalid: 1 }),
            list_case("UTF-16", Lines, wide(&format!("{a}\r\n{b}"), u16::to_le_bytes), Read { valid: 2, invalid: 0 }),
            list_case(
                "UTF-16 after UTF-8",
                Lines,
                [format!("{a}\n").into_bytes(), wide(&b, u16::to_be_bytes)].concat(),
                Read { valid: 1, invalid: 1 },
            ),
            list_case(
                "UTF-8 after UTF-16",
                Lines,
                [wide(&format!("\u{feff}{a}\n"), u16::to_le_bytes), b.clone().into_bytes()].concat(),
                Read { valid: 1, invalid: 1 },
            ),
            list_case(
                "half a unit",
                Lines,
                &wide(&format!("\u{feff}{a}\n{b}"), u16::to_le_bytes)[..259],
                Read { valid: 1, invalid: 1 },
            ),
            list_case(
                "UTF-32",
                Lines,
                format!("\u{feff}{a}\n").chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<u8>>(),
                Read { valid: 0, invalid: 2 },
            ),
            list_case("torn NDJSON", Ndjson, format!("{}\n{{\"token\":\"{b}", json(&a)), Read { valid: 1, invalid: 1 }),
            list_case(
                "two objects",
                Ndjson,
                format!("{}{}\n{}", json(&a), json(&b), json(&c)),
                Read { valid: 1, invalid: 1 },
            ),
            list_case(
                "joined NDJSON",
                Ndjson,
                format!("\u{feff}{}\n\u{feff}{}", json(&a), json(&b)),
                Read { valid: 2, invalid: 0 },
            ),
            list_case("two in a value", Ndjson, json(&format!("{a} {b}")), Read { valid: 0, invalid: 1 }),
            list_case("an array", Ndjson, format!("[{},{}]", json(&a), json(&b)), Read { valid: 0, invalid: 1 }),
        ];
        for between in
            [" ", "\t", "\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{2028}", "\u{2029}", ",", ";", "|", "-", ":"]
        {
            let text = format!("{a}{between}{b}\n{c}\n");
            cases.push(list_case("two on a line", Lines, text, Read { valid: 1, invalid: 1 }));
        }
        assert_fates(&cases);
    }

    #[test]
    fn no_record_of_csv_vanishes() {
        use Fate::{Read, Refused};
        let [a, b, c] = three();
        let csv = |name, text: String, fate| list_case(name, InputFormat::Csv, text, fate);
        assert_fates(&[
            csv(
                "open to the end",
                format!("id,token\n1,{a}\n\"2,{b}\n3,{c}\n"),
                Refused("line 3: a quotation mark is opened"),
            ),
            csv("two open", format!("id,name,token\n1,\"B,{a}\n2,A,{b}\n3,\"E,{c}\n"), Refused("line 4: text follows")),
            csv("escaped as in C", format!("name,token\n\"a \\\"b\\\"\",{a}\n"), Refused("line 2: text follows")),
            csv(
                "closed in another row",
                format!("name,token\nB,{a}\n\"A,{b}\nC\",{c}\n"),
                Refused("record 3: a field of several lines"),
            ),
            csv(
                "the same in the column",
                format!("token,name\n\"{a}\n{b}\",C\n{c},D\n"),
                Read { valid: 1, invalid: 1 },
            ),
            csv("in the first line", format!("\"id,token\n1,{a}\n"), Refused("line 1: a quotation mark is opened")),
            csv(
                "notes of several lines",
                format!("note,token\n\"a\nb, c\",{a}\n,{b}\n"),
                Read { valid: 2, invalid: 0 },
            ),
            csv("inches", format!("note,token\n6\" pipe,{a}\n\"x\" ,{b}\n"), Read { valid: 2, invalid: 0 }),
            csv("a comma more", format!("name,old,token\nSmith, Bob,{a},{b}\n"), Read { valid: 0, invalid: 1 }),
            csv("empty fields more", format!("token,name\n{a},B,,\n{b}\n"), Read { valid: 2, invalid: 0 }),
            csv("too few fields", format!("name,token\n{a}\nB,{b}\n"), Read { valid: 1, invalid: 1 }),
            csv(
                "joined files",
                format!("\u{feff}token,id\n{a},1\n\u{feff}token,id\n{b},2\n"),
                Read { valid: 2, invalid: 1 },
            ),
            csv(
                "a mark and quotes",
                format!("\u{feff}\"token\",\"id\"\r\n\"{a}\",1\r\n"),
                Read { valid: 1, invalid: 0 },
            ),
            csv("blanks in the first line", format!("id, token \n1, {a}\n"), Read { valid: 1, invalid: 0 }),
            csv("another case", format!("id,Token\n1,{a}\n"), Refused("its first line names id, Token")),
            csv("semicolons", format!("id;token\n1;{a}\n2;{b}\n"), Read { valid: 2, invalid: 0 }),
            csv("a comma in a name", format!("\"a,b\";token\n1;{a}\n"), Read { valid: 1, invalid: 0 }),
            csv("tabs", format!("id\ttoken\n1\t{a}\n2\t{b}\n"), Read { valid: 2, invalid: 0 }),
            csv("another delimiter", format!("id,token\n1;{a}\n2,{b}\n"), Read { valid: 1, invalid: 1 }),
            csv("bars", format!("id|token\n1|{a}\n"), Refused("there is no column")),
            csv("NUL", format!("id,token\n1,{a}\0\n2,{b}\n"), Read { valid: 1, invalid: 1 }),
        ]);
        let utf_16 = wide(&format!("\u{feff}id,token\n1,\"{a}\n"), u16::to_le_bytes);
        let cases = [list_case("UTF-16", InputFormat::Csv, utf_16, Refused("line 2: a quotation mark is opened"))];
        assert_fates(&cases);
    }

    #[test]
    fn a_row_within_quotes_is_found_in_every_form_of_a_token() {
        let [a, b, c] = three();
        let base64 = "zZIBc7H0ml1I+/F+V3VuGgsMXRJAB2y0fVgqpXn/UbM=";
        let forms = [
            b.to_uppercase(),
            format!("0x{b}"),
            format!("<{} {}>", &b[..32], &b[32..]),
            format!("{} {}", &b[..32], &b[32..]),
            format!("'{b}'"),
            format!("\"\"{b}\"\""),
            format!("x|{b}"),
            base64.to_owned(),
            base64.trim_end_matches('=').to_owned(),
        ];
        for form in forms {
            let text = format!("name,token\nB,{a}\n\"A,{form}\nC\",{c}\n");
            let refused = Fate::Refused("record 3: a field of several lines");
            assert_fates(&[list_case("closed in another row", InputFormat::Csv, text, refused)]);
        }
    }

    #[test]
    fn what_stands_before_a_flaw_is_read() {
        let [a, b, c] = three();
        let text = format!("id,token\n1,{a}\n2,{b}\n3,\"{c}\n");
        let reader = Box::new(Cursor::new(text.into_bytes()));
        let input = Input::Stream { reader, format: InputFormat::Csv, column: "token".to_owned(), is_endless: false };
        let mut count = 0;
        let end = input.read(None, &mut |entries| {
            count += entries.len();
            true
        });
        assert!(end.error.is_some());
        assert_eq!((count, end.counts.valid), (2, 2));
    }

    #[test]
    fn utf_16_is_read() {
        for (text, format) in [
            ("aabb\r\nccdd\r\n", InputFormat::Lines),
            ("id;token\r\n1;aabb\r\n2;ccdd\r\n", InputFormat::Csv),
            ("{\"token\":\"aabb\"}\n{\"token\":\"ccdd\",\"name\":\"😀\"}\n", InputFormat::Ndjson),
        ] {
            let mut bytes = vec![0xff, 0xfe];
            for unit in text.encode_utf16() {
                bytes.extend(unit.to_le_bytes());
            }
            let found = read(&bytes, format, "token").unwrap();
            assert_eq!(shape(&found), shape(&read(text, format, "token").unwrap()), "{text}");
            assert_eq!(found.len(), 2);
        }
    }

    #[test]
    fn repetitions_and_other_shards_are_counted() {
        let texts = ["aabb", "AA BB", "ccdd", "xyz", "xyz", "aabb"].map(str::to_owned).to_vec();
        let counts = |shard| Input::Options(texts.clone()).read(shard, &mut |_| true).counts;
        let all = counts(None);
        assert_eq!((all.valid, all.invalid, all.repeated, all.of_other_shards), (4, 2, 2, 0));
        let parts = [0, 1, 2, 3].map(|index| counts(Shard::new(index, 4)));
        let sum = |part: fn(&InputCounts) -> u64| parts.iter().map(part).sum::<u64>();
        assert_eq!((sum(|part| part.valid), sum(|part| part.repeated)), (4, 2));
        assert_eq!(sum(|part| part.of_other_shards), 3 * 4);
        assert!(parts.iter().any(InputCounts::is_nothing_for_shard) && !all.is_nothing_for_shard());
        // A list without a token has nothing for any part, which is no success.
        for index in 0..4 {
            let counts = Input::Options(vec!["xyz".to_owned()]).read(Shard::new(index, 4), &mut |_| true).counts;
            assert!(!counts.is_nothing_for_shard());
        }
    }

    #[test]
    fn options_and_shards() {
        let texts: Vec<String> = (0..100).map(|number| format!("{number:04x}")).collect();
        let mut all = Vec::new();
        for index in 0..3 {
            let input = Input::Options(texts.clone());
            let shard = Shard::new(index, 3);
            let end = input.read(shard, &mut |entries| {
                all.extend(entries.iter().map(|entry| entry.position));
                true
            });
            assert!(end.error.is_none());
        }
        all.sort_unstable();
        assert_eq!(all, (1..=100).collect::<Vec<u64>>());
    }
}
