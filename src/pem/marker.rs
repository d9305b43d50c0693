//! BEGIN and END lines, whole or damaged, wherever in a text they stand.

use std::ops::Range;

use crate::limits::{self, SEARCH_STEP};
use crate::pem::{begins_label, known_label, label_before};

/// The dashes on both sides of a marker (RFC 7468 section 2).
const DASHES: usize = 5;

/// The most bytes that are looked at for a label.
pub(super) const MAX_LABEL: usize = 64;

/// The most bytes of a label that nobody knows.
const MAX_UNKNOWN_LABEL: usize = 1024;

/// The most bytes that are looked at for the beginning of a line: a file may be one line.
pub(super) const MAX_LOOK_BACK: usize = 256;

/// The most bytes after a BEGIN that are looked at for Base64.
const MAX_DATA: usize = 4096;

/// The fewest characters of Base64 that make a key or a certificate of a damaged BEGIN line.
const MIN_DATA: usize = 48;

/// The same of a BEGIN without dashes: the word stands in texts of any kind.
const MIN_BARE_DATA: usize = 100;

/// The bytes that a look at a place where a marker might be counts for: a text may have millions of them.
const PLACE_WORK: usize = 4 * SEARCH_STEP;

/// A BEGIN or END, with the dashes around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker<'a> {
    pub(super) word: Word,
    /// From its first dash to its last.
    pub(super) span: Range<usize>,
    /// The text between the word and the dashes: foreign, and perhaps a key.
    pub(super) text: &'a [u8],
    pub(super) label: Option<&'static str>,
    /// It is written as RFC 7468 has it: capitals, one space, five dashes on both sides. A proxy may have written the
    /// space as "+", and a mail program may have broken the line there.
    pub(super) is_whole: bool,
    /// Five dashes stand on both sides.
    pub(super) has_dashes: bool,
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
    // What follows the next BEGIN is of that one, and is not searched for both.
    let window = &window[..memchr::memmem::find(window, b"BEGIN").unwrap_or(window.len())];
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
    if is_file && others * 8 < base64.len() {
        return base64.len();
    }
    let region = &window[..memchr::memmem::find(window, b"-----").unwrap_or(window.len())];
    dense_data(region, is_encrypted)
}

/// The characters of Base64 by which a certificate is told from a key: 12 bytes.
const HEAD: usize = 16;

/// Returns the first characters of the Base64 in a text, and how many bytes all of it stands for.
pub(super) fn head_of_data(text: &[u8]) -> (Vec<u8>, usize) {
    let mut head = Vec::with_capacity(HEAD);
    let mut count = 0;
    for byte in unescaped(text) {
        if is_base64(byte) && byte != b'=' {
            count += 1;
            if head.len() < HEAD {
                head.push(byte);
            }
        }
    }
    (head, count / 4 * 3)
}

/// The fewest characters of a word that is told from a word of a text.
const MIN_WORD: usize = 16;

/// Counts the characters of all words that are Base64 rather than text. The first of them begins a file, wherever in it:
/// what a log or a web page writes before each line may be Base64 too.
fn dense_data(text: &[u8], is_encrypted: bool) -> usize {
    let mut count = 0;
    for word in text.split(|byte| !is_base64(*byte)) {
        if !is_dense(word) {
            continue;
        }
        if count == 0 && !is_encrypted && !has_file_start(&word[..word.len().min(2 * MIN_WORD)]) {
            return 0;
        }
        count += word.len();
    }
    count
}

/// Returns whether a word has capitals, small letters and digits, as Base64 of so many bytes has.
fn is_dense(word: &[u8]) -> bool {
    word.len() >= MIN_WORD
        && word.iter().any(u8::is_ascii_uppercase)
        && word.iter().any(u8::is_ascii_lowercase)
        && word.iter().any(u8::is_ascii_digit)
}

/// Returns whether a sequence of more than 127 bytes begins in Base64, or a key of OpenSSH.
fn has_file_start(head: &[u8]) -> bool {
    head.windows(3).any(|letters| matches!(letters, [b'M', b'I', b'A'..=b'T']))
        || memchr::memmem::find(head, b"b3BlbnNz").is_some()
}

/// The header of a key in OpenSSL's old encryption, which no other text has with an initialization vector in it.
const DEK_INFO: &[u8] = b"DEK-Info";

/// The fewest characters of Base64 of an encrypted key: an EC key has so many.
const MIN_KEY: usize = 100;

/// Finds the next header of an encrypted key with the key after it.
pub(super) fn find_dek_info(text: &[u8], from: usize) -> Option<usize> {
    let mut position = from;
    loop {
        let start = position + memchr::memmem::find(text.get(position..)?, DEK_INFO)?;
        position = start + DEK_INFO.len();
        let window = &text[position..text.len().min(position + MAX_DATA)];
        let window = &window[..memchr::memmem::find(window, DEK_INFO).unwrap_or(window.len())];
        let window = &window[..memchr::memmem::find(window, b"-----").unwrap_or(window.len())];
        if has_vector(window) && dense_data(window, true) >= MIN_KEY {
            return Some(start);
        }
    }
}

/// Returns whether the value of DEK-Info follows: an algorithm, a comma, and eight bytes or more in hexadecimal.
fn has_vector(value: &[u8]) -> bool {
    let head = &value[..value.len().min(2 * MAX_LABEL)];
    let Some(comma) = memchr::memchr(b',', head) else { return false };
    let vector = head[comma + 1..].trim_ascii_start();
    vector.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() >= 16
}

/// The bytes before an END that are looked at for Base64.
const MAX_DATA_BEFORE: usize = 1024;

/// The fewest characters of a line of a key or a certificate. No word of a text is so long and so mixed.
const MIN_LINE: usize = 40;

/// The fewest characters of Base64 before an END that has no BEGIN.
const MIN_DATA_BEFORE: usize = 100;

/// Returns whether a text ends in lines of Base64.
pub(super) fn ends_in_data(text: &[u8]) -> bool {
    let tail = &text[text.len().saturating_sub(MAX_DATA_BEFORE)..];
    let mut count = 0;
    for word in tail.split(|byte| !is_base64(*byte)) {
        if word.len() >= MIN_LINE && is_dense(word) {
            count += word.len();
        }
    }
    count >= MIN_DATA_BEFORE
}

/// Finds the next BEGIN that has no dashes before it and a known label after it, with the Base64 of a file.
pub(super) fn find_bare_begin(text: &[u8], from: usize) -> Option<usize> {
    for found in memchr::memmem::find_iter(text.get(from..)?, b"BEGIN") {
        let start = from + found;
        let label_start = start + b"BEGIN".len();
        let length = label_before(&text[label_start..text.len().min(label_start + MAX_LABEL)]);
        if length > 0
            && !has_dash_before(&text[..start])
            && limits::charge_search(PLACE_WORK).is_ok()
            && data_after(text, label_start + length) >= MIN_BARE_DATA
            && !is_explanation(text, start)
        {
            return Some(start);
        }
    }
    None
}

/// A BEGIN without dashes.
pub(super) struct BareBegin {
    /// The end of its label.
    pub(super) end: usize,
    pub(super) label: Option<&'static str>,
}

/// Returns the BEGIN that [`find_bare_begin`] found.
pub(super) fn bare_begin_at(text: &[u8], start: usize) -> BareBegin {
    let label_start = start + b"BEGIN".len();
    let label_end = label_start + label_before(&text[label_start..text.len().min(label_start + MAX_LABEL)]);
    BareBegin { end: label_end, label: label_of(&text[label_start..label_end]) }
}

/// Returns whether a text ends in a dash and spaces: with that, a marker begins.
fn has_dash_before(text: &[u8]) -> bool {
    let mut rest = text;
    while let [before @ .., b' '] = rest {
        rest = before;
    }
    match rest {
        [.., b'-'] => true,
        [.., first, second, third] => dash_length(&[*first, *second, *third]) == 3,
        _ => false,
    }
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

pub(crate) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn next_run(text: &[u8], from: usize) -> Option<Run> {
    let mut position = from;
    loop {
        let start = position + memchr::memchr3(b'-', 0xe2, 0xef, text.get(position..)?)?;
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
        match dash_length(&text[run.span.end..]) {
            0 => return run,
            1 => run.span.end += 1,
            length => {
                run.span.end += length;
                run.is_ascii = false;
            }
        }
    }
}

/// Returns the length of the dash that a text begins with; 0 if there is none.
fn dash_length(text: &[u8]) -> usize {
    match text {
        [b'-', ..] => 1,
        // U+2010 to U+2015, U+2043, U+2212, and lines of boxes: U+2500 and U+2501.
        [0xe2, 0x80, 0x90..=0x95, ..]
        | [0xe2, 0x81, 0x83, ..]
        | [0xe2, 0x88, 0x92, ..]
        | [0xe2, 0x94, 0x80 | 0x81, ..]
        // The dashes of East Asian texts: U+FE58, U+FE63, U+FF0D.
        | [0xef, 0xb9, 0x98 | 0xa3, ..]
        | [0xef, 0xbc, 0x8d, ..] => 3,
        _ => 0,
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
    if !rest.eq_ignore_ascii_case(word.text()) {
        return None;
    }
    limits::charge_search(PLACE_WORK).ok()?;
    if is_explanation(text, run.span.start) {
        return None;
    }
    let label_start = run.span.end + spaces + word.text().len();
    let label_end = end_of_any_label(text, label_start, word);
    let raw = &text[label_start..label_end];
    let closing = run_at(text, label_end);
    let label = label_of(raw);
    let has_dashes = is_full(run) && is_full(&closing);
    let is_whole = spaces == 0
        && rest == word.text()
        && has_dashes
        && match raw {
            [b'\r', b'\n', ..] => label.is_some(),
            [first, second, ..] => is_blank(*first) && !is_blank(*second),
            _ => false,
        };
    // Glued to the line before it, a marker has the dashes of both; glued to the next, it leaves it five.
    let start = if run.span.len() == 2 * DASHES { run.span.start + DASHES } else { run.span.start };
    let end = if closing.span.len() == 2 * DASHES { closing.span.start + DASHES } else { closing.span.end };
    let marker = Marker { word, span: start..end, text: trimmed(raw), label, is_whole, has_dashes };
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
            let text_of_label = trimmed(raw);
            let marker =
                Marker { word, span, text: text_of_label, label: Some(label), is_whole: false, has_dashes: false };
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
    let is_end = |byte: &u8| matches!(byte, b'-' | b'\n' | b'\r' | 0xe2 | 0xef);
    let window = &text[..text.len().min(MAX_LABEL)];
    window.iter().position(is_end).unwrap_or(window.len())
}

/// Returns where the label ends that begins at `start`. A mail program may have broken it over two lines.
fn end_of_label(text: &[u8], start: usize) -> usize {
    let end = start + label_length(&text[start..]);
    if let Some(b'\n' | b'\r') = text.get(end) {
        let next_line = end + text[end..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).take(2).count();
        let longer = next_line + label_length(&text[next_line..]);
        // The dashes of the next marker close none.
        let closing = run_at(text, longer);
        if longer == next_line && text.get(closing.span.end).is_some_and(u8::is_ascii_alphabetic) {
            return end;
        }
        if longer - start <= MAX_LABEL && label_of(&text[start..longer]).is_some() && is_full(&closing) {
            return longer;
        }
    }
    end
}

/// As [`end_of_label`]. Where no dashes follow, a label ends before the Base64 that is glued to it: at the end of one
/// that is known, or before its first letter. One that is long ends at its dashes.
fn end_of_any_label(text: &[u8], start: usize, word: Word) -> usize {
    let end = end_of_label(text, start);
    if is_full(&run_at(text, end)) || label_of(&text[start..end]).is_some() {
        return end;
    }
    let known = start + label_before(&text[start..text.len().min(start + MAX_LABEL)]);
    let is_glued = match word {
        Word::Begin => data_after(text, known) >= MIN_DATA,
        Word::End => known > start,
    };
    if is_glued {
        return known;
    }
    let window = &text[end..text.len().min(start + MAX_UNKNOWN_LABEL)];
    let line = &window[..memchr::memchr2(b'\n', b'\r', window).unwrap_or(window.len())];
    match memchr::memmem::find(line, b"-----") {
        Some(dashes) if is_full(&run_at(text, end + dashes)) => end + dashes,
        Some(_) | None => end,
    }
}

/// Returns the known label that a text is, in capitals and with single spaces.
fn label_of(raw: &[u8]) -> Option<&'static str> {
    let mut label = Vec::with_capacity(raw.len());
    for word in raw.split(|byte| is_blank(*byte)) {
        if !word.is_empty() && !label.is_empty() {
            label.push(b' ');
        }
        label.extend_from_slice(word);
    }
    label.make_ascii_uppercase();
    known_label(std::str::from_utf8(&label).ok()?)
}

/// Returns whether a byte stands for a space: forms write "+", and 0xA0 is the no-break space of Windows.
pub(super) fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'+' | 0xa0)
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
pub(super) fn line_start(text: &[u8], from: usize, position: usize) -> Option<usize> {
    let window_start = position.saturating_sub(MAX_LOOK_BACK).max(from);
    match memchr::memrchr2(b'\n', b'\r', &text[window_start..position]) {
        Some(end) => Some(window_start + end + 1),
        None => (window_start == from).then_some(from),
    }
}
