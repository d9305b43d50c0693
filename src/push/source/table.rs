//! Lists in CSV: the delimiter, the column of the tokens, and rows that a quotation mark hides.

use std::io::{self, BufRead, Cursor, Read};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::apns::notification::TOKEN_DIGITS;
use crate::push::key_watch::is_key_part;
use crate::push::quotes::QuoteChecker;
use crate::push::recipient::{self, DeviceToken, InvalidToken};
use crate::push::results::UNREGISTERED_HEADER;
use crate::push::source::lines::fill;
use crate::push::source::{Batcher, MAX_RECORD, SourceError, UnregisteredSince, not_a_token};
use crate::text::{name_unless_key, printable_name};

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

pub(super) fn read_csv(mut reader: impl BufRead, column: &str, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
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
