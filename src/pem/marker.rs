//! BEGIN and END lines, whole or damaged, wherever in a text they stand.

use std::ops::Range;

use crate::pem::{begins_label, known_label};

/// The dashes on both sides of a marker (RFC 7468 section 2).
const DASHES: usize = 5;

/// The most bytes that are looked at for a label.
const MAX_LABEL: usize = 64;

/// The most bytes that are looked at for the beginning of a line: a file may be one line.
const MAX_LOOK_BACK: usize = 256;

/// A word of so many letters is Base64, and no word of a language. A shorter one is if it begins as DER does.
const MIN_DATA: usize = 24;

/// A BEGIN or END, with the dashes around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker<'a> {
    pub(super) word: Word,
    /// From its first dash to its last.
    pub(super) span: Range<usize>,
    /// The text between the word and the dashes: foreign, and perhaps a key.
    pub(super) text: &'a [u8],
    pub(super) label: Option<&'static str>,
    /// It is written as RFC 7468 has it: capitals, one space, five dashes on both sides.
    pub(super) is_whole: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Begin,
    End,
}

impl Word {
    fn text(self) -> &'static [u8] {
        match self {
            Self::Begin => b"BEGIN",
            Self::End => b"END",
        }
    }
}

/// A run of dashes. Word processors write other dashes than "-".
struct Run {
    span: Range<usize>,
    /// None of them is another kind of dash.
    is_ascii: bool,
}

/// Finds the next marker in `text` at `from` or after it.
pub(super) fn find(text: &[u8], from: usize) -> Option<Marker<'_>> {
    let mut position = from;
    while let Some(run) = next_run(text, position) {
        if let Some(marker) = marker_at(text, &run, from) {
            return Some(marker);
        }
        position = run.span.end;
    }
    None
}

/// Returns whether the bytes after a BEGIN look like Base64: a text that only speaks of it has none there.
pub(super) fn precedes_data(text: &[u8], end: usize) -> bool {
    let window = &text[end..text.len().min(end + 400)];
    for word in window.split(|byte| !is_base64(*byte)) {
        if word.len() >= MIN_DATA || (word.len() >= 4 && word.starts_with(b"MI")) {
            return true;
        }
    }
    false
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn next_run(text: &[u8], from: usize) -> Option<Run> {
    let mut position = from;
    loop {
        let start = position + memchr::memchr2(b'-', 0xe2, text.get(position..)?)?;
        let run = run_at(text, start);
        if !run.span.is_empty() {
            return Some(run);
        }
        position = start + 1;
    }
}

fn run_at(text: &[u8], start: usize) -> Run {
    let mut run = Run { span: start..start, is_ascii: true };
    loop {
        match &text[run.span.end..] {
            [b'-', ..] => run.span.end += 1,
            // U+2010 to U+2015, and U+2212.
            [0xe2, 0x80, 0x90..=0x95, ..] | [0xe2, 0x88, 0x92, ..] => {
                run.span.end += 3;
                run.is_ascii = false;
            }
            _ => return run,
        }
    }
}

/// Returns the marker that a run of dashes begins, or ends where its first dashes are missing.
fn marker_at<'a>(text: &'a [u8], run: &Run, from: usize) -> Option<Marker<'a>> {
    for word in [Word::Begin, Word::End] {
        if let Some(marker) = marker_after(text, run, word) {
            return Some(marker);
        }
    }
    marker_before(text, run, from)
}

fn marker_after<'a>(text: &'a [u8], run: &Run, word: Word) -> Option<Marker<'a>> {
    let after = &text[run.span.end..];
    let spaces = after.iter().take_while(|byte| **byte == b' ').count();
    let rest = after.get(spaces..spaces + word.text().len())?;
    if !rest.eq_ignore_ascii_case(word.text()) || is_explanation(text, run.span.start) {
        return None;
    }
    let label_start = run.span.end + spaces + word.text().len();
    let label_end = label_start + label_length(&text[label_start..]);
    let raw = &text[label_start..label_end];
    let closing = run_at(text, label_end);
    let label = label_of(raw);
    let is_whole = spaces == 0
        && rest == word.text()
        && is_full(run)
        && is_full(&closing)
        && matches!(raw, [b' ', first, ..] if !first.is_ascii_whitespace());
    // Glued to the line before it, a marker has the dashes of both; glued to the next, it leaves it five.
    let start = if run.span.len() == 2 * DASHES { run.span.start + DASHES } else { run.span.start };
    let end = if closing.span.len() == 2 * DASHES { closing.span.start + DASHES } else { closing.span.end };
    let marker = Marker { word, span: start..end, text: trimmed(raw), label, is_whole };
    marker.is_meant(text, run).then_some(marker)
}

/// Finds a marker that has lost its first dashes: it begins its line.
fn marker_before<'a>(text: &'a [u8], run: &Run, from: usize) -> Option<Marker<'a>> {
    let start = line_start(text, from, run.span.start)?;
    let line = trimmed(&text[start..run.span.start]);
    for word in [Word::Begin, Word::End] {
        if let Some(raw) = line.strip_prefix(word.text())
            && let Some(label) = label_of(raw)
        {
            let span = start..run.span.end;
            return Some(Marker { word, span, text: trimmed(raw), label: Some(label), is_whole: false });
        }
    }
    None
}

impl Marker<'_> {
    /// Returns whether a damaged marker was meant as one: it has a known label, or the beginning of one, or five
    /// dashes and Base64 after it.
    fn is_meant(&self, text: &[u8], run: &Run) -> bool {
        if self.is_whole || self.label.is_some() || self.word == Word::End {
            return true;
        }
        let is_cut = self.span.end >= text.len() && begins_label(self.text);
        is_full(run) && (is_cut || precedes_data(text, self.span.end))
    }
}

fn is_full(run: &Run) -> bool {
    run.is_ascii && (run.span.len() == DASHES || run.span.len() == 2 * DASHES)
}

fn label_length(text: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b'-' | b'\n' | b'\r' | 0xe2);
    let window = &text[..text.len().min(MAX_LABEL)];
    window.iter().position(is_end).unwrap_or(window.len())
}

/// Returns the known label that a text is, in capitals and with single spaces.
fn label_of(raw: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(raw).ok()?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    known_label(&words.join(" ").to_ascii_uppercase())
}

fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// Returns whether a position is in a line that OpenSSL writes beside blocks: a name in it is somebody else's text.
fn is_explanation(text: &[u8], position: usize) -> bool {
    let Some(start) = line_start(text, 0, position) else { return false };
    let line = text[start..position].trim_ascii_start();
    [&b"friendlyName:"[..], b"subject=", b"issuer="].iter().any(|start| line.starts_with(start))
}

/// Returns where the line of a position begins, or `None` if that is far away.
fn line_start(text: &[u8], from: usize, position: usize) -> Option<usize> {
    let window_start = position.saturating_sub(MAX_LOOK_BACK).max(from);
    match memchr::memrchr2(b'\n', b'\r', &text[window_start..position]) {
        Some(end) => Some(window_start + end + 1),
        None => (window_start == from).then_some(from),
    }
}
