//! BEGIN and END lines, whole or damaged, wherever in a text they stand.

use std::ops::Range;

use crate::pem::{begins_label, known_label};

/// The dashes on both sides of a marker (RFC 7468 section 2).
const DASHES: usize = 5;

/// The most bytes that are looked at for a label.
const MAX_LABEL: usize = 64;

/// The most bytes that are looked at for the beginning of a line: a file may be one line.
const MAX_LOOK_BACK: usize = 256;

/// The most bytes after a BEGIN that are looked at for Base64.
const MAX_DATA: usize = 4096;

/// The fewest characters of Base64 that make a key or a certificate of a damaged BEGIN line.
const MIN_DATA: usize = 48;

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

/// Returns how many characters of Base64 follow a BEGIN that are a file: DER, OpenSSH's form, or anything under the
/// headers of an encrypted key. A text that only speaks of PEM has none there.
pub(super) fn data_after(text: &[u8], end: usize) -> usize {
    let window = &text[end..text.len().min(end + MAX_DATA)];
    let region = &window[..memchr::memmem::find(window, b"--").unwrap_or(window.len())];
    let is_encrypted = memchr::memmem::find(region, b"Proc-Type:").is_some();
    let mut base64 = Vec::with_capacity(region.len());
    let mut others = 0;
    for byte in unescaped(region) {
        if is_base64(byte) {
            base64.push(byte);
        } else if !byte.is_ascii_whitespace() && !b"\"'`,>|#\0".contains(&byte) {
            others += 1;
        }
    }
    // The first letters of every DER sequence, but for the shortest.
    let is_file = is_encrypted || base64.starts_with(b"b3BlbnNza") || matches!(&base64[..], [b'M', b'A'..=b'P', ..]);
    if is_file && others * 8 < base64.len() { base64.len() } else { 0 }
}

/// Leaves out the line ends that are written as `\n`, and the backslashes before other letters.
fn unescaped(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut is_escaped = false;
    text.iter().copied().filter(move |byte| {
        let is_letter = is_escaped && matches!(byte, b'n' | b'r' | b't');
        is_escaped = *byte == b'\\';
        !is_letter && !is_escaped
    })
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
            let marker = Marker { word, span, text: trimmed(raw), label: Some(label), is_whole: false };
            return marker.is_meant(text, run).then_some(marker);
        }
    }
    None
}

impl Marker<'_> {
    /// Returns whether a damaged marker was meant as one: Base64 follows, or the text ends in it.
    fn is_meant(&self, text: &[u8], run: &Run) -> bool {
        if self.is_whole || self.word == Word::End {
            return true;
        }
        let is_cut = text[self.span.end..].trim_ascii().is_empty() && begins_label(self.text);
        let has_dashes = self.label.is_some() || is_full(run);
        has_dashes && (is_cut || data_after(text, self.span.end) >= MIN_DATA)
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
/// Where the line ends were lost, Base64 follows on the same line.
fn is_explanation(text: &[u8], position: usize) -> bool {
    let Some(start) = line_start(text, 0, position) else { return false };
    let line = text[start..position].trim_ascii_start();
    let is_name = [&b"friendlyName:"[..], b"subject=", b"issuer="].iter().any(|start| line.starts_with(start));
    let after = &text[position..text.len().min(position + MAX_DATA)];
    let line_end = memchr::memchr2(b'\n', b'\r', after).unwrap_or(after.len());
    is_name && line_end < MIN_DATA + 2 * MAX_LABEL
}

/// Returns where the line of a position begins, or `None` if that is far away.
fn line_start(text: &[u8], from: usize, position: usize) -> Option<usize> {
    let window_start = position.saturating_sub(MAX_LOOK_BACK).max(from);
    match memchr::memrchr2(b'\n', b'\r', &text[window_start..position]) {
        Some(end) => Some(window_start + end + 1),
        None => (window_start == from).then_some(from),
    }
}
