//! Reads a text: its PEM blocks, and values in it that are files in Base64 or in numbers.

use std::ops::Range;

use crate::asn1::Malformed;
use crate::container::addressed::{self, FoundDump};
use crate::container::detect::{self, Format};
use crate::container::hidden::{self, KeyTexts};
use crate::container::lookalike::{FoundKey, Lookalike};
use crate::container::passwords::Unlocker;
use crate::container::transport::EncodedPart;
use crate::container::{
    Container, Contents, MAX_UNREAD, OpenError, Substance, Unread, der, dump, read_layer, transport,
};
use crate::crypto::DecodeError;
use crate::pem::{self, Block, Frame, LabelSense, LineCounter, MIN_KEY, UnreadBlock, UnreadKind};
use crate::pkcs12::Holds;

pub(super) fn read(text: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let contents = Contents { is_read_whole: true, ..Contents::new(Container::Pem) };
    let lines = LineCounter::new(text);
    let key_texts = KeyTexts::default();
    let mut reader = TextReader {
        text,
        lines,
        contents,
        position: 0,
        value_end: 0,
        bare_begin: None,
        framed: Vec::new(),
        has_words: false,
        searched: 0,
        key_texts,
        unlocker,
    };
    for piece in pem::pieces(text) {
        reader.read_gap(piece.span.start)?;
        let was_named = reader.name_bare_begin();
        let start = reader.value_end.min(piece.span.start);
        reader.position = piece.span.end;
        match piece.read {
            Ok(block) => reader.read_block(&block, piece.span)?,
            Err(unread) if unread.kind == UnreadKind::BareBegin => reader.bare_begin = Some(unread),
            // What stands before its END was read as a value of the text.
            Err(unread)
                if unread.kind == UnreadKind::End
                    && (was_named || !pem::ends_in_data(&text[start..piece.span.start])) => {}
            Err(unread) => {
                if unread.label.is_none() && !unread.has_data {
                    reader.search(&text[piece.span.clone()]);
                }
                let known = reader.contents.unread.len();
                reader.add_unread(&unread, &text[piece.span.clone()]);
                if !unread.has_data && known < reader.contents.unread.len() {
                    reader.add_framed(unread.label, piece.span);
                }
            }
        }
        reader.contents.check_bounds()?;
    }
    reader.read_gap(text.len())?;
    reader.name_bare_begin();
    reader.settle_framed();
    let TextReader { mut contents, key_texts, .. } = reader;
    key_texts.add_to(&mut contents);
    Ok(contents)
}

/// A shorter block is a placeholder in a text: no certificate and no RSA or EC key is.
const MIN_DER: usize = 64;

struct TextReader<'t, 'u, 'p, 'a> {
    text: &'t [u8],
    lines: LineCounter<'t>,
    contents: Contents,
    /// The end of what was read.
    position: usize,
    /// The end of the last value that was read between blocks.
    value_end: usize,
    /// A BEGIN without dashes at the end of what was read.
    bare_begin: Option<UnreadBlock>,
    /// The blocks without data that should have held certificates, by their places among what was not read.
    framed: Vec<(usize, Frame)>,
    /// Something stands between blocks that is no comment.
    has_words: bool,
    /// The bytes that were searched for keys of unknown forms.
    searched: usize,
    key_texts: KeyTexts<'t>,
    unlocker: &'u mut Unlocker<'p, 'a>,
}

/// The most bytes between a BEGIN without dashes and the value that it begins.
const MAX_BEGIN_LINE: usize = 128;

/// The most bytes of a file that are searched for keys of unknown forms. What is longer may hold one.
const MAX_SEARCHED: usize = 1 << 20;

impl TextReader<'_, '_, '_, '_> {
    /// Reads what stands between blocks, up to `end`.
    fn read_gap(&mut self, end: usize) -> Result<(), OpenError> {
        let gap = &self.text[self.position..end];
        if gap.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.contents.is_read_whole = false;
        self.has_words |= !gap.split(|byte| *byte == b'\n').all(is_comment);
        self.name_key(gap);
        self.name_dumps(gap)?;
        let mut rest = gap;
        while let Some(value) = detect::find_value(rest) {
            self.read_encoded(&rest[..rest.len() - value.len()], end - rest.len())?;
            let place = format!("byte {}", end - value.len());
            let read = der::read_first(value, self.unlocker).and_then(Contents::check_anything);
            self.contents.add_part(&place, || der::held_by(value), read)?;
            rest = der::after_value(value);
            self.value_end = end - rest.len();
        }
        self.read_encoded(rest, end - rest.len())
    }

    /// Names a BEGIN without dashes, if nothing was read after it.
    fn name_bare_begin(&mut self) -> bool {
        let Some(unread) = self.bare_begin.take() else { return false };
        self.add_unread(&unread, b"");
        true
    }

    /// Names a key in a form that is not read.
    fn name_key(&mut self, gap: &[u8]) {
        let Some(FoundKey { start, kind }) = Lookalike::find_key(gap) else { return };
        let place = format!("text at line {}", self.lines.line_of(self.position + start));
        match kind {
            Lookalike::KeyText => self.key_texts.push(place, &self.text[self.position + start..]),
            kind => self.contents.add_other(kind, &place),
        }
    }

    /// Names the dumps of files, which are not read.
    fn name_dumps(&mut self, gap: &[u8]) -> Result<(), OpenError> {
        let mut from = 0;
        while let Some(FoundDump { span, kind }) = addressed::find(gap, from) {
            let place = format!("text at line {}", self.lines.line_of(self.position + span.start));
            self.contents.add_other(kind, &place);
            self.contents.check_bounds()?;
            from = span.end;
        }
        Ok(())
    }

    /// Reads the values of a text that are files in Base64 or in numbers; the text begins at `start`.
    fn read_encoded(&mut self, text: &[u8], start: usize) -> Result<(), OpenError> {
        let mut lists = dump::lists(text);
        let mut list = lists.next();
        let mut position = 0;
        for part in transport::encoded_parts(text) {
            while let Some(earlier) = list.take_if(|list| list.span.start < part.span.start) {
                self.search(&text[position.min(earlier.span.start)..earlier.span.start]);
                position = earlier.span.end;
                self.read_part("numbers", start, &earlier)?;
                list = lists.next();
            }
            self.search(&text[position.min(part.span.start)..part.span.start]);
            position = part.span.end.max(position);
            self.read_part("Base64", start, &part)?;
        }
        while let Some(part) = list {
            self.search(&text[position.min(part.span.start)..part.span.start]);
            position = part.span.end.max(position);
            self.read_part("numbers", start, &part)?;
            list = lists.next();
        }
        self.search(&text[position..]);
        Ok(())
    }

    /// Searches a text that was not read for what may be a key.
    fn search(&mut self, text: &[u8]) {
        if self.contents.may_hide_key {
            return;
        }
        self.searched += text.len();
        self.contents.may_hide_key = self.searched > MAX_SEARCHED || hidden::may_hide_key(text);
    }

    /// Reads a part of a text that begins at `start`.
    fn read_part(&mut self, kind: &str, start: usize, part: &EncodedPart) -> Result<(), OpenError> {
        let place = format!("{kind} at line {}", self.lines.line_of(start + part.span.start));
        self.value_end = start + part.span.end;
        if start + part.span.start < self.position + MAX_BEGIN_LINE {
            self.bare_begin = None;
        }
        let undone = transport::undo(&part.bytes);
        let bytes = match &undone {
            Some(undone) => {
                self.contents.may_hide_key |= undone.may_hide_key;
                &undone.bytes
            }
            None => &part.bytes,
        };
        let read = match read_layer(bytes, self.unlocker).and_then(Contents::check_anything) {
            Err(error) => Err(not_cut(error, &place)),
            read => read,
        };
        self.contents.add_part(&place, || der::held_by(bytes), read)
    }

    fn read_block(&mut self, block: &Block, span: Range<usize>) -> Result<(), OpenError> {
        self.contents.is_read_whole &= block.headers.is_empty();
        let read = open_block(block, self.unlocker).and_then(Contents::check_anything);
        let known = self.contents.unread.len();
        if let Err(OpenError::Lookalike(Lookalike::UnknownBlock)) = &read {
            self.contents.may_hide_key |= block.der.len() >= MIN_KEY;
        } else if read.is_err() && !is_told(block) {
            self.contents.may_hide_key |= pem::may_be_key(&block.der, block.der.len());
        }
        self.contents.add_part(&block.name(), || held_by(block), read)?;
        if block.der.len() < MIN_DER {
            for unread in &mut self.contents.unread[known..] {
                unread.substance = Substance::MereText;
            }
            if known < self.contents.unread.len() {
                self.add_framed(block.label, span);
            }
        }
        Ok(())
    }

    /// Remembers how the last part that was not read stands in the text, if a certificate belongs there.
    fn add_framed(&mut self, label: Option<&str>, span: Range<usize>) {
        let Some(Holds::Certificate | Holds::Anything) = label.and_then(Format::of_label).map(Format::holds) else {
            return;
        };
        match pem::frame(self.text, span) {
            Frame::Words => {}
            frame => self.framed.push((self.contents.unread.len() - 1, frame)),
        }
    }

    /// Tells a block that was blanked or cut from a text that shows one: it stands beside something that was read, or
    /// alone.
    fn settle_framed(&mut self) {
        let is_beside = !self.contents.is_empty()
            || self.contents.unread.iter().any(|unread| unread.substance != Substance::MereText);
        for (index, frame) in &self.framed {
            let is_alone = *frame == Frame::Block && !self.has_words;
            if (is_beside || is_alone)
                && let Some(unread) = self.contents.unread.get_mut(*index)
            {
                unread.substance = match frame {
                    Frame::Dots if self.has_words => Substance::Dots,
                    _ => Substance::Blanked,
                };
            }
        }
    }

    fn add_unread(&mut self, unread: &UnreadBlock, text: &[u8]) {
        // A text may speak of PEM as often as it likes.
        if !unread.has_data && self.contents.unread.len() >= MAX_UNREAD {
            return;
        }
        let may_be_key = unread.has_data || (unread.sense == LabelSense::Key && hidden::may_hide_key(text));
        if unread.label.is_none() && !may_be_key {
            return self.contents.add_other(Lookalike::UnknownBlock, &unread.name());
        }
        let kind = match unread.label.and_then(Format::of_label) {
            Some(format) => format.holds(),
            None if unread.kind == UnreadKind::DekInfo => Holds::Key,
            // Its text may be a short key all the same.
            None if !unread.has_data => match unread.label.and_then(Lookalike::of_label).map(Lookalike::holds) {
                Some(Holds::Other) if !hidden::may_hide_key(text) => Holds::Other,
                Some(_) | None => Holds::Key,
            },
            None => Holds::Anything,
        };
        // A text that only speaks of PEM has no key after a BEGIN.
        self.contents.may_hide_key |= unread.may_be_key && (unread.has_data || hidden::may_hide_key(text));
        let error = Malformed::new(unread.name(), unread.problem.clone()).into();
        let part = Unread::new(unread.name(), kind, error);
        let substance = if unread.has_data { Substance::Data } else { Substance::MereText };
        self.contents.unread.push(Unread { substance, ..part });
    }
}

/// Returns whether a line is blank, or a comment.
fn is_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii(), [] | [b'#', ..])
}

/// Returns what a block holds, by its content where that can be told, or else by its label.
fn held_by(block: &Block) -> Holds {
    match (detect::detect_der(&block.der), block.label.and_then(Format::of_label)) {
        (Ok(format), _) | (Err(_), Some(format)) => format.holds(),
        (Err(_), None) => held_by_label(block.sense),
    }
}

/// Returns whether it is known what a block is that is not read: by its content, or by a label of what is no DER.
fn is_told(block: &Block) -> bool {
    matches!(detect::detect_der(&block.der), Err(OpenError::Lookalike(_)))
        || block.label.is_some_and(pem::is_opaque_label)
}

/// Returns what a block holds whose label nobody knows.
fn held_by_label(sense: LabelSense) -> Holds {
    match sense {
        LabelSense::Certificate => Holds::Certificate,
        LabelSense::Key => Holds::Key,
        LabelSense::Other => Holds::Anything,
    }
}

/// Reads a block by its content. Its label decides where the content shows nothing.
fn open_block(block: &Block, unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    if let Some(dek_info) = block.dek_info() {
        let plain = der::decrypt_block(dek_info, &block.der, unlocker)?;
        let contents = read_content(block, &plain, unlocker)?;
        return Ok(Contents { has_encrypted_key: true, ..contents });
    }
    read_content(block, &block.der, unlocker)
}

/// Reads what a block holds, decrypted.
fn read_content(block: &Block, der: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let detected = detect::detect_der(der);
    if detected.is_err() && der::is_followed(der) {
        return der::read(der, unlocker);
    }
    match (detected, block.label.and_then(Lookalike::of_label)) {
        (Ok(_), _) => return der::read(der, unlocker),
        // Two integers may be either.
        (Err(OpenError::Lookalike(Lookalike::Parameters)), Some(Lookalike::PublicKey)) => {
            return Err(OpenError::Lookalike(Lookalike::PublicKey));
        }
        (Err(OpenError::Lookalike(Lookalike::PublicKey)), Some(Lookalike::Parameters))
            if detect::may_be_parameters(der) =>
        {
            return Err(OpenError::Lookalike(Lookalike::Parameters));
        }
        (Err(OpenError::Lookalike(kind)), _) | (Err(_), Some(kind)) => return Err(OpenError::Lookalike(kind)),
        (Err(_), None) => {}
    }
    match block.label.and_then(Format::of_label) {
        Some(format) => der::read_value(format, der, unlocker),
        None => Err(match block.sense {
            LabelSense::Certificate => OpenError::Unrecognized,
            LabelSense::Key => OpenError::Lookalike(Lookalike::UnknownKey),
            LabelSense::Other => OpenError::Lookalike(Lookalike::UnknownBlock),
        }),
    }
}

/// Returns what is wrong with a value in a text that is shorter than it should be: the text goes on after it.
fn not_cut(error: OpenError, place: &str) -> OpenError {
    match error {
        OpenError::Truncated { claimed, found } => {
            let problem = format!(
                "is not valid Base64 of a whole file: characters of it were lost or changed \
                 ({found} bytes are there, {claimed} should be)"
            );
            Malformed::new(place.to_owned(), problem).into()
        }
        other => other,
    }
}

/// Names the place in an error about a structure.
pub(super) fn at_place(error: OpenError, place: &str) -> OpenError {
    match error {
        OpenError::Decode(DecodeError::Malformed(Malformed { part, problem, fault })) if part != place => {
            let malformed = Malformed::new(place.to_owned(), format!("{part} {problem}"));
            Malformed { fault, ..malformed }.into()
        }
        other => other,
    }
}
