//! JSON, indented, with a line end.

use std::io::{self, Write};

use serde::Serialize;

use crate::error::Error;
use crate::schema::SCHEMA_VERSION;
use crate::text::is_seen;

/// Writes a report.
pub(crate) fn write(out: &mut dyn Write, report: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    writeln!(out, "{}", ascii_escapes(&text))
}

/// Escapes the characters of strings that act on a terminal or are not seen; their value stays the same. Outside of
/// strings there are none.
fn ascii_escapes(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_seen(c) {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

/// The document of an error.
#[derive(Serialize)]
struct ErrorDocument<'a> {
    schema_version: u32,
    error: &'a Error,
}

/// Writes an error.
pub(crate) fn write_error(out: &mut dyn Write, error: &Error) -> io::Result<()> {
    write(out, &ErrorDocument { schema_version: SCHEMA_VERSION, error })
}

/// Writes an error as one line, where the documents before it are lines.
pub(crate) fn write_error_line(out: &mut dyn Write, error: &Error) -> io::Result<()> {
    let text = serde_json::to_string(&ErrorDocument { schema_version: SCHEMA_VERSION, error })?;
    writeln!(out, "{}", ascii_escapes(&text))
}

#[cfg(test)]
mod tests {
    #[test]
    fn strings_keep_their_value_and_act_on_nothing() {
        let value = "a\u{7f}\u{9b}\u{202e}\u{200d}\n\u{1b}\u{e0041}株\"";
        let mut out = Vec::new();
        super::write(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "\"a\\u007f\\u009b\\u202e\\u200d\\n\\u001b\\udb40\\udc41株\\\"\"\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), value);
    }
}
