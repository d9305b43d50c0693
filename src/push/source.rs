//! The tokens of the input, one after the other: a list, CSV, NDJSON, or the provider's database. The memory that this
//! takes does not depend on the length of the input.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::Value;

use crate::apns::notification::DEVICE_PATH;
use crate::database::problem::DatabaseError;
use crate::database::{Database, Selection, TokenGroup};
use crate::exit::ExitKind;
use crate::push::recipient::{self, DeviceToken, InvalidToken};
use crate::push::shard::Shard;

/// The most bytes of a line, or of a record.
const MAX_RECORD: usize = 64 << 10;
/// The number of tokens that go on together.
const MAX_BATCH: usize = 128;
/// The number of tokens that are read from a database together.
const PAGE: usize = 1000;
/// UTF-8's byte order mark, which Excel writes.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A record of the input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The line, the record of CSV, whose first has the names, the number of the option, or the ID in the database.
    pub(crate) position: u64,
    pub(crate) token: Result<DeviceToken, InvalidToken>,
}

/// Several records, or the reason why there are no more.
pub(super) type Batch = Result<Vec<Entry>, SourceError>;

/// The reason why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("record {record}: it is not CSV: {problem}")]
    Csv { record: u64, problem: String },
    #[error("there is no column {name:?}: its first line names {}", list(.found))]
    NoColumn { name: String, found: Vec<String> },
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
            Self::Io(_) | Self::Csv { .. } | Self::NoColumn { .. } | Self::LongRecord(_) => ExitKind::Input,
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
    ///
    /// # Errors
    /// When the input cannot be read, or is not in the form that it should have.
    pub(crate) fn read(
        self,
        shard: Option<Shard>,
        take: &mut dyn FnMut(Vec<Entry>) -> bool,
    ) -> Result<(), SourceError> {
        let mut batcher = Batcher { entries: Vec::new(), limit: 1, shard, take };
        let result = match self {
            Self::Options(texts) => Ok(read_options(&texts, &mut batcher)),
            Self::Stream { reader, format, column, .. } => read_stream(reader, format, &column, &mut batcher),
            Self::Database { database, group } => read_database(database, &group, &mut batcher),
        };
        // What was read before an error counts.
        if !matches!(result, Ok(false)) {
            batcher.flush();
        }
        result.map(drop)
    }
}

fn read_options(texts: &[String], batcher: &mut Batcher<'_>) -> bool {
    for (index, text) in texts.iter().enumerate() {
        if !batcher.add(index as u64 + 1, text) {
            return false;
        }
    }
    true
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
    let reader = without_bom(reader)?;
    match format {
        InputFormat::Lines => read_lines(reader, batcher),
        InputFormat::Ndjson => read_ndjson(reader, column, batcher),
        InputFormat::Csv => read_csv(reader, column, batcher),
    }
}

/// The number of tokens of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct InputCounts {
    pub(crate) valid: u64,
    pub(crate) invalid: u64,
}

/// An input that was read to its end.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    pub(crate) counts: InputCounts,
    /// The path of the first token's request.
    pub(crate) first: Option<String>,
    /// The position of the first token.
    pub(crate) position: u64,
}

impl Input {
    /// Reads all, and counts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn preview(self, shard: Option<Shard>) -> Result<Preview, SourceError> {
        let mut preview = Preview::default();
        self.read(shard, &mut |entries| {
            for Entry { position, token } in entries {
                match token {
                    Ok(token) => {
                        preview.counts.valid += 1;
                        if preview.first.is_none() {
                            preview.first = Some(format!("{DEVICE_PATH}{}", token.digits()));
                            preview.position = position;
                        }
                    }
                    Err(_) => preview.counts.invalid += 1,
                }
            }
            true
        })?;
        Ok(preview)
    }
}

/// Collects entries; the first batches are small, so that a short or a slow input does not wait.
struct Batcher<'a> {
    entries: Vec<Entry>,
    limit: usize,
    shard: Option<Shard>,
    take: &'a mut dyn FnMut(Vec<Entry>) -> bool,
}

impl Batcher<'_> {
    /// Adds a token; returns false if no more are wanted.
    fn add(&mut self, position: u64, text: &str) -> bool {
        let token = recipient::parse(text);
        if let Some(shard) = self.shard {
            let is_own = match &token {
                Ok(token) => shard.has(token.digits()),
                Err(invalid) => shard.has(&invalid.text),
            };
            if !is_own {
                return true;
            }
        }
        self.entries.push(Entry { position, token });
        if self.entries.len() < self.limit {
            return true;
        }
        self.limit = (self.limit * 2).min(MAX_BATCH);
        self.flush()
    }

    fn flush(&mut self) -> bool {
        self.entries.is_empty() || (self.take)(std::mem::take(&mut self.entries))
    }
}

fn without_bom(reader: Box<dyn Read + Send>) -> io::Result<impl BufRead> {
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    // What begins with fewer bytes has no mark.
    if reader.fill_buf()?.starts_with(BOM) {
        reader.consume(BOM.len());
    }
    Ok(reader)
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
        let text = String::from_utf8_lossy(lines.line.trim_ascii());
        if !text.is_empty() && !batcher.add(lines.number, &text) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_ndjson(reader: impl BufRead, key: &str, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let mut lines = Lines::new(reader);
    while lines.advance()? {
        if !lines.line.trim_ascii().is_empty() {
            let value = serde_json::from_slice(&lines.line).unwrap_or(Value::Null);
            // A line without such a key is invalid, and does not stop the others.
            let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
            if !batcher.add(lines.number, text) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A reader that refuses a record without an end, which a quotation mark that is not closed makes of all that follows.
struct BoundedReader<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for BoundedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("a record has more than 64 KiB; is a quotation mark not closed?")),
        }
        Ok(count)
    }
}

/// The buffer of the parser, whose content counts for the next record.
const CSV_BUFFER: usize = 16 << 10;

fn read_csv(mut reader: impl BufRead, column: &str, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let delimiter = delimiter_of(reader.fill_buf()?);
    let bounded = BoundedReader { inner: reader, left: MAX_RECORD };
    let mut csv =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).buffer_capacity(CSV_BUFFER).from_reader(bounded);
    let headers = match csv.byte_headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(csv_error(&error, 1)),
    };
    let Some(index) = headers.iter().position(|name| name.trim_ascii() == column.as_bytes()) else {
        let mut found = Vec::new();
        for name in headers.iter().take(20) {
            found.push(crate::text::printable_name(&String::from_utf8_lossy(name)));
        }
        return Err(SourceError::NoColumn { name: column.to_owned(), found });
    };
    let mut record = csv::ByteRecord::new();
    // Records are counted here: the parser counts only the lines that end with LF.
    let mut number = 1;
    loop {
        csv.get_mut().left = MAX_RECORD + CSV_BUFFER;
        number += 1;
        match csv.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(true),
            Err(error) => return Err(csv_error(&error, number)),
        }
        let text = String::from_utf8_lossy(record.get(index).unwrap_or_default());
        if !batcher.add(number, &text) {
            return Ok(false);
        }
    }
}

fn csv_error(error: &csv::Error, record: u64) -> SourceError {
    let problem = match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    };
    SourceError::Csv { record, problem }
}

/// Returns the character between the columns: a comma, or what some spreadsheets write in its place.
fn delimiter_of(start: &[u8]) -> u8 {
    let first = start.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    for delimiter in [b',', b';', b'\t'] {
        if first.contains(&delimiter) {
            return delimiter;
        }
    }
    b','
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: InputFormat, column: &str) -> Result<Vec<Entry>, SourceError> {
        let reader = Box::new(io::Cursor::new(text.as_bytes().to_vec()));
        let input = Input::Stream { reader, format, column: column.to_owned(), is_endless: false };
        let mut all = Vec::new();
        input.read(None, &mut |mut entries| {
            assert!(entries.len() <= MAX_BATCH);
            all.append(&mut entries);
            true
        })?;
        Ok(all)
    }

    fn shape(entries: &[Entry]) -> Vec<(u64, String)> {
        let mut list = Vec::new();
        for Entry { position, token } in entries {
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
        assert!(matches!(read(&unclosed, InputFormat::Csv, "token"), Err(SourceError::Csv { .. })));
        let many = format!("token\n{}", "aabb\n".repeat(50_000));
        assert_eq!(read(&many, InputFormat::Csv, "token").unwrap().len(), 50_000);
    }

    #[test]
    fn ndjson_with_a_named_key() {
        let text = "{\"token\":\"AABB\"}\n\n{\"other\":1}\nnot JSON\n{\"token\":\"ccdd\",\"x\":[1]}";
        let found = read(text, InputFormat::Ndjson, "token").unwrap();
        assert_eq!(shape(&found), pairs(&[(1, "aabb"), (3, "? "), (4, "? "), (5, "ccdd")]));
    }

    #[test]
    fn options_and_shards() {
        let texts: Vec<String> = (0..100).map(|number| format!("{number:04x}")).collect();
        let mut all = Vec::new();
        for index in 0..3 {
            let input = Input::Options(texts.clone());
            let shard = Shard::new(index, 3);
            input
                .read(shard, &mut |entries| {
                    all.extend(entries.iter().map(|entry| entry.position));
                    true
                })
                .unwrap();
        }
        all.sort_unstable();
        assert_eq!(all, (1..=100).collect::<Vec<u64>>());
    }
}
