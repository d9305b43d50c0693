//! Lists of a token or an object of JSON each line.

use std::io::{self, BufRead};

use memchr::memmem;
use serde_json::Value;

use crate::apns::document::doubled_keys;
use crate::push::recipient::{self, BYTE_ORDER_MARK, InvalidToken};
use crate::push::source::{Batcher, MAX_RECORD, NO_SUCH_KEY, SourceError, not_a_token};

/// The lines of a text, whichever end they have: LF, CR LF, or CR alone.
pub(super) struct Lines<R> {
    reader: R,
    pub(super) line: Vec<u8>,
    /// The number of the line.
    pub(super) number: u64,
    /// True if the line before ended with CR: an LF that follows belongs to it.
    is_after_cr: bool,
}

/// The part of a line that a buffer has.
struct LinePart {
    length: usize,
    end: Option<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), number: 0, is_after_cr: false }
    }

    /// Reads the next line, without its end; returns false at the end of the input.
    pub(super) fn advance(&mut self) -> Result<bool, SourceError> {
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
pub(super) fn fill(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = reader.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // It is filled.
    reader.fill_buf()
}

pub(super) fn read_lines(reader: impl BufRead, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
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

pub(super) fn read_ndjson(reader: impl BufRead, key: &str, batcher: &mut Batcher<'_>) -> Result<bool, SourceError> {
    let mut lines = Lines::new(reader);
    while lines.advance()? {
        let (number, line) = (lines.number, &lines.line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        // Other values of an object may be keys: those of its user.
        let text = text_of_object(line, key);
        match &text {
            Ok(text) => batcher.look(number, text.as_bytes())?,
            Err(_) if line.trim_ascii_start().starts_with(b"{") => {}
            Err(_) => batcher.look(number, line)?,
        }
        // A line without a token is invalid, and does not stop the others.
        if !batcher.add_entry(number, text.and_then(|text| recipient::parse(&text))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the text that an object has under the key.
fn text_of_object(line: &[u8], key: &str) -> Result<String, InvalidToken> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Err(not_a_token(&String::from_utf8_lossy(line), "the line is not UTF-8"));
    };
    // The second of two files that were joined may begin with it.
    let text = text.trim_start_matches(BYTE_ORDER_MARK);
    let mut members = match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(not_a_token(text, "the line is not a JSON object")),
        Err(_) => return Err(not_a_token(text, "the line cannot be read as JSON")),
    };
    match members.remove(key) {
        None => Err(not_a_token("", NO_SUCH_KEY)),
        Some(Value::String(token)) if has_key_twice(line, key) => {
            Err(not_a_token(&token, "the object has the key more than once"))
        }
        Some(Value::String(token)) => Ok(token),
        Some(other) => Err(not_a_token(&other.to_string(), "the value is not text")),
    }
}

fn has_key_twice(line: &[u8], key: &str) -> bool {
    // Most lines need not be parsed again: the word stands in them once, and without an escape that may hide it.
    let is_plain = memmem::find_iter(line, key).count() < 2 && memchr::memchr(b'\\', line).is_none();
    !is_plain && doubled_keys(line).iter().any(|doubled| doubled == key)
}
