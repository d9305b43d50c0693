//! How a BEGIN without data stands in a text: as a block that was blanked or cut, or in words about PEM.

use std::ops::Range;

use crate::pem::marker::{self, Word, is_base64};

/// The place of a BEGIN in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Among words.
    Words,
    /// On a line of its own, without an END.
    Line,
    /// On a line of its own with an END on another, and dots in the place of what is left out: documents show such blocks.
    Dots,
    /// On a line of its own with an END on another, or with nothing but Base64 up to the end of the text.
    Block,
}

/// The marks of what is left out; one character in UTF-8 is one, and so is its name in HTML.
const DOTS: [&[u8]; 3] = [b"...", "\u{2026}".as_bytes(), b"&hellip;"];

/// The most bytes after a BEGIN without an END that are looked at.
const MAX_CUT: usize = 4096;

/// Returns how the BEGIN at the start of a part of a text stands in it.
pub(crate) fn frame(text: &[u8], span: Range<usize>) -> Frame {
    let text = &text[..span.end];
    let Some(begin) = marker::find(text, span.start) else { return Frame::Words };
    if let Some(end) = marker::find(text, begin.span.end)
        && end.word == Word::End
    {
        let body = &text[begin.span.end..end.span.start];
        let is_block = body.trim_ascii().is_empty() || (begins_with_line_end(body) && ends_with_line_end(body));
        return match is_block {
            false => Frame::Words,
            true if DOTS.iter().any(|dots| memchr::memmem::find(body, dots).is_some()) => Frame::Dots,
            true => Frame::Block,
        };
    }
    let body = &text[begin.span.end..];
    if !is_line_start(&text[..begin.span.start]) || !(body.trim_ascii().is_empty() || begins_with_line_end(body)) {
        Frame::Words
    } else if body.len() <= MAX_CUT && body.split(|byte| *byte == b'\n').all(is_bare) {
        Frame::Block
    } else {
        Frame::Line
    }
}

/// Returns whether a text begins with a line end, which may be written as `\n`.
fn begins_with_line_end(text: &[u8]) -> bool {
    let mut rest = text;
    while let [b' ' | b'\t', after @ ..] = rest {
        rest = after;
    }
    matches!(rest, [b'\n' | b'\r', ..] | [b'\\', b'n' | b'r', ..])
}

fn ends_with_line_end(text: &[u8]) -> bool {
    is_line_start(text) && !text.is_empty()
}

/// Returns whether what follows a text is at the start of a line, but for blanks and quotes.
fn is_line_start(text: &[u8]) -> bool {
    let mut rest = text;
    while let [before @ .., b' ' | b'\t' | b'"' | b'\''] = rest {
        rest = before;
    }
    matches!(rest, [] | [.., b'\n' | b'\r'] | [.., b'\\', b'n' | b'r'])
}

/// Returns whether a line is one word of Base64, or nothing.
fn is_bare(line: &[u8]) -> bool {
    line.trim_ascii().iter().all(|byte| is_base64(*byte))
}
