//! Checks the quotation marks of CSV while it is read. The parser takes any text: a mark that is not closed makes one field
//! of all rows that follow, and they would be lost without a word.

use std::io::{self, Read};

use crate::push::source::MAX_RECORD;

/// A place in CSV that no reader understands with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CsvFlaw {
    #[error("line {0}: a quotation mark is opened there and not closed")]
    OpenQuote(u64),
    #[error("line {0}: text follows a quoted field; a quotation mark in such a field is written twice")]
    TextAfterQuote(u64),
    #[error("line {0}: a record of more than 64 KiB begins there; is a quotation mark not closed?")]
    LongRecord(u64),
}

/// What a character belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Unquoted,
    Quoted,
    /// After a mark in a quoted field: its end, or the first of two.
    AfterQuote,
    /// Among the blanks between a quoted field and the delimiter.
    AfterField,
}

/// A reader that hands on what is good, and then fails.
pub(super) struct QuoteChecker<R> {
    inner: R,
    delimiter: u8,
    place: Place,
    line: u64,
    /// True if the line before ended with CR: an LF that follows belongs to it.
    is_after_cr: bool,
    /// The line of the last mark that opened a field.
    opened_at: u64,
    /// The line at which the record begins, and the number of its bytes.
    record_line: u64,
    record_length: usize,
    flaw: Option<CsvFlaw>,
}

impl<R: Read> QuoteChecker<R> {
    /// `line` is the number of the first line.
    pub(super) fn new(inner: R, delimiter: u8, line: u64) -> Self {
        Self {
            inner,
            delimiter,
            place: Place::FieldStart,
            line,
            is_after_cr: false,
            opened_at: line,
            record_line: line,
            record_length: 0,
            flaw: None,
        }
    }

    /// Returns the flaw that ended the input.
    pub(super) fn flaw(&self) -> Option<CsvFlaw> {
        self.flaw
    }

    /// Returns how many bytes are good.
    fn check(&mut self, bytes: &[u8]) -> usize {
        let mut index = 0;
        while index < bytes.len() {
            let skipped = self.skip(&bytes[index..]);
            self.record_length += skipped;
            self.is_after_cr &= skipped == 0;
            index += skipped;
            if self.record_length > MAX_RECORD {
                self.flaw = Some(CsvFlaw::LongRecord(self.record_line));
                break;
            }
            let Some(byte) = bytes.get(index) else { break };
            self.step(*byte);
            if self.flaw.is_some() {
                break;
            }
            index += 1;
        }
        index
    }

    /// Returns the number of bytes up to the next that means anything.
    fn skip(&self, bytes: &[u8]) -> usize {
        let found = match self.place {
            Place::Unquoted => memchr::memchr3(self.delimiter, b'\n', b'\r', bytes),
            Place::Quoted => memchr::memchr3(b'"', b'\n', b'\r', bytes),
            Place::FieldStart | Place::AfterQuote | Place::AfterField => Some(0),
        };
        found.unwrap_or(bytes.len())
    }

    fn step(&mut self, byte: u8) {
        self.record_length += 1;
        self.place = match (self.place, byte) {
            (Place::Quoted, b'"') => Place::AfterQuote,
            (Place::AfterQuote, b'"') | (Place::Quoted, _) => Place::Quoted,
            (_, b'\n' | b'\r') => Place::FieldStart,
            (_, byte) if byte == self.delimiter => Place::FieldStart,
            (Place::FieldStart, b'"') => {
                self.opened_at = self.line;
                Place::Quoted
            }
            (Place::AfterQuote | Place::AfterField, b' ' | b'\t') => Place::AfterField,
            (Place::AfterQuote | Place::AfterField, _) => {
                self.flaw = Some(CsvFlaw::TextAfterQuote(self.line));
                self.place
            }
            (Place::FieldStart | Place::Unquoted, _) => Place::Unquoted,
        };
        if matches!(byte, b'\n' | b'\r') {
            self.count_line(byte);
        }
        self.is_after_cr = byte == b'\r';
    }

    fn count_line(&mut self, end: u8) {
        if end == b'\r' || !self.is_after_cr {
            self.line += 1;
        }
        if self.place == Place::FieldStart {
            self.record_line = self.line;
            self.record_length = 0;
        }
    }

    /// Returns the error of the reader, if there is one.
    fn result(&self) -> io::Result<()> {
        match self.flaw {
            Some(flaw) => Err(io::Error::other(flaw)),
            None => Ok(()),
        }
    }
}

impl<R: Read> Read for QuoteChecker<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.result()?;
        let count = self.inner.read(buffer)?;
        if count == 0 && self.place == Place::Quoted {
            self.flaw = Some(CsvFlaw::OpenQuote(self.opened_at));
        }
        let good = self.check(&buffer[..count]);
        if good == 0 {
            self.result()?;
        }
        Ok(good)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a text in pieces of so many bytes; returns what is handed on, and the flaw.
    fn read(text: &str, size: usize) -> (String, Option<CsvFlaw>) {
        let mut checker = QuoteChecker::new(text.as_bytes(), b',', 1);
        let (mut all, mut buffer) = (Vec::new(), vec![0; size]);
        while let Ok(count) = checker.read(&mut buffer) {
            if count == 0 {
                break;
            }
            all.extend_from_slice(&buffer[..count]);
        }
        (String::from_utf8(all).unwrap(), checker.flaw())
    }

    #[test]
    fn good_csv_passes() {
        for text in [
            "",
            "a,b\n1,2\n",
            "\"a\",\"b\"\r\n\"1\"\"2\",\"\"\r\n",
            "\"a\nb\",\"\r\n\"\n",
            "\"a\" ,\"b\"\t\n",
            "a\"b,6\" pipe,\"\"\n\n",
            "\"last\"",
        ] {
            for size in [1, 2, 100] {
                assert_eq!(read(text, size), (text.to_owned(), None));
            }
        }
    }

    #[test]
    fn a_flaw_ends_the_input_where_it_stands() {
        for (text, good, flaw) in [
            ("a\n\"b\nc\nd", "a\n\"b\nc\nd", CsvFlaw::OpenQuote(2)),
            ("a\r\nb\r\n\"", "a\r\nb\r\n\"", CsvFlaw::OpenQuote(3)),
            ("\"a\rb\nc\"\r\"d\r\n", "\"a\rb\nc\"\r\"d\r\n", CsvFlaw::OpenQuote(4)),
            ("a\rb\r\"c\"\"", "a\rb\r\"c\"\"", CsvFlaw::OpenQuote(3)),
            ("a\n1,\"b,c\n2,\"d\",e\n", "a\n1,\"b,c\n2,\"", CsvFlaw::TextAfterQuote(3)),
            ("\"a\" \"b\"", "\"a\" ", CsvFlaw::TextAfterQuote(1)),
            ("\"a\\\"b\"", "\"a\\\"", CsvFlaw::TextAfterQuote(1)),
        ] {
            for size in [1, 3, 100] {
                assert_eq!(read(text, size), (good.to_owned(), Some(flaw)), "{size}");
            }
        }
        let long = format!("a\nb\n\"{}", "c\n".repeat(MAX_RECORD));
        assert_eq!(read(&long, 4096).1, Some(CsvFlaw::LongRecord(3)));
    }
}
