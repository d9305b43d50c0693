//! PEM (RFC 7468, and the older RFC 1421 with its headers): blocks in any order, between any text.

mod body;
mod frame;
mod marker;
mod repair;

use std::borrow::Cow;
use std::ops::Range;

use data_encoding::BASE64_NOPAD;
use pem_rfc7468::LineEnding;
use zeroize::Zeroizing;

use crate::asn1::Malformed;
use body::Header;
use body::{Content, Decoded, Missing};
pub(crate) use body::{MIN_KEY, clear_unused_bits, decode_cut_text, decode_text, may_be_key};
pub(crate) use frame::{Frame, frame};
pub(crate) use marker::is_base64;
use marker::{MAX_LABEL, Marker, Word};
use repair::BlockText;

/// One block.
pub struct Block {
    /// The text after BEGIN, such as "CERTIFICATE"; `None` if it is not in [`LABELS`].
    pub label: Option<&'static str>,
    pub(crate) sense: LabelSense,
    /// The line of BEGIN, from 1.
    pub line: usize,
    /// The RFC 1421 headers.
    pub headers: Vec<Header>,
    pub der: Zeroizing<Vec<u8>>,
}

/// A BEGIN that was not read as a block.
#[derive(Debug)]
pub(crate) struct UnreadBlock {
    /// As [`Block::label`].
    pub label: Option<&'static str>,
    pub sense: LabelSense,
    /// As [`Block::line`].
    pub line: usize,
    pub problem: Cow<'static, str>,
    pub kind: UnreadKind,
    /// So much Base64 follows as a certificate has: it is no text that only speaks of PEM.
    pub has_data: bool,
    /// It may be a key, whatever its BEGIN says: its END says so, or its Base64 is that of nothing else.
    pub may_be_key: bool,
}

/// The kind of thing that the words of a label promise, whoever writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LabelSense {
    Certificate,
    /// A key that is not called public.
    Key,
    Other,
}

impl LabelSense {
    fn of(label: &[u8]) -> Self {
        // What is longer may be all of a file.
        if label.len() > MAX_LABEL {
            return Self::Other;
        }
        let label = label.to_ascii_uppercase();
        let says = |word: &[u8]| memchr::memmem::find(&label, word).is_some();
        if says(b"CERT") && !says(b"REQUEST") {
            Self::Certificate
        } else if says(b"KEY") && !says(b"PUBLIC") {
            Self::Key
        } else {
            Self::Other
        }
    }
}

/// The thing that a part of a text was found by which was not read as a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnreadKind {
    /// A BEGIN.
    Begin,
    /// A BEGIN without dashes. What follows may be read as a value of the text.
    BareBegin,
    /// The header DEK-Info of an encrypted key that has no BEGIN.
    DekInfo,
    /// An END that has no BEGIN.
    End,
}

/// A part of a text that begins with a BEGIN, or with what shows that one was lost.
pub(crate) struct Piece {
    /// The bytes of it.
    pub(crate) span: Range<usize>,
    pub(crate) read: Result<Block, UnreadBlock>,
}

/// The labels that OpenSSL and other common tools write. No other text of a BEGIN or END line may enter a message: a
/// private key that was flattened to one line stands there as a whole.
const LABELS: [&str; 37] = [
    "CERTIFICATE",
    "X509 CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "ATTRIBUTE CERTIFICATE",
    "CERTIFICATE PAIR",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "X509 CRL",
    "PKCS7",
    "PKCS #7 SIGNED DATA",
    "CMS",
    "PKCS12",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "ANY PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "SSH2 ENCRYPTED PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "DSA PUBLIC KEY",
    "SSH2 PUBLIC KEY",
    "PARAMETERS",
    "DH PARAMETERS",
    "X9.42 DH PARAMETERS",
    "DSA PARAMETERS",
    "EC PARAMETERS",
    "SSL SESSION PARAMETERS",
    "PGP PRIVATE KEY BLOCK",
    "PGP PUBLIC KEY BLOCK",
    "PGP MESSAGE",
    "PGP SIGNED MESSAGE",
    "PGP SIGNATURE",
    "AGE ENCRYPTED FILE",
    "TSS2 PRIVATE KEY",
];

/// Labels of what is no DER: it is named, and not decoded.
const OPAQUE_LABELS: [&str; 9] = [
    "SSH2 ENCRYPTED PRIVATE KEY",
    "SSH2 PUBLIC KEY",
    "PGP PRIVATE KEY BLOCK",
    "PGP PUBLIC KEY BLOCK",
    "PGP MESSAGE",
    "PGP SIGNED MESSAGE",
    "PGP SIGNATURE",
    "AGE ENCRYPTED FILE",
    "SSL SESSION PARAMETERS",
];

/// The most bytes of a BEGIN line without dashes, and of the header after it.
const MAX_BEGIN_LINE: usize = 128;

/// So much Base64 after a BEGIN is a key or a certificate. Examples in documents are shorter.
const MIN_DATA: usize = 150;

/// The pieces of a text, one after the other.
pub(crate) struct Pieces<'a> {
    text: &'a [u8],
    position: usize,
    lines: LineCounter<'a>,
    dek_info: NextBare,
    bare_begin: NextBare,
    marker: NextMarker<'a>,
}

/// The next sign of a block that has no BEGIN line, so that no part of a text is searched twice.
#[derive(Clone, Copy)]
enum NextBare {
    NotSearched,
    At(usize),
    None,
}

/// The marker that the last piece ended before, likewise.
enum NextMarker<'a> {
    NotSearched,
    Found(Option<Marker<'a>>),
}

/// The beginning of a piece.
enum Sign<'a> {
    /// A BEGIN without dashes, or an encrypted key without any, and the marker after it.
    Bare {
        start: usize,
        kind: UnreadKind,
        next: Option<Marker<'a>>,
    },
    Begin(Marker<'a>),
    /// An END with Base64 before it, and no BEGIN.
    End(Marker<'a>),
}

/// Returns the pieces of a text. What is no BEGIN is passed over; no BEGIN is.
pub(crate) fn pieces(text: &[u8]) -> Pieces<'_> {
    Pieces {
        text,
        position: 0,
        lines: LineCounter::new(text),
        dek_info: NextBare::NotSearched,
        bare_begin: NextBare::NotSearched,
        marker: NextMarker::NotSearched,
    }
}

/// Returns whether there is a BEGIN, whole or damaged, or a block that has lost it.
pub(crate) fn looks_like_pem(text: &[u8]) -> bool {
    pieces(text).next_sign().is_some()
}

/// Returns whether a text ends in lines of Base64, as before an END.
pub(crate) fn ends_in_data(text: &[u8]) -> bool {
    marker::ends_in_data(text)
}

/// Reads all blocks.
///
/// # Errors
/// Names the line of the first block that is damaged, and its label if that is known.
pub fn parse(text: &[u8]) -> Result<Vec<Block>, Malformed> {
    let mut blocks = Vec::new();
    for piece in pieces(text) {
        match piece.read {
            Ok(block) => blocks.push(block),
            Err(unread) => return Err(Malformed::new(unread.name(), unread.problem)),
        }
    }
    Ok(blocks)
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        Some(match self.next_sign()? {
            Sign::Begin(begin) => self.block(&begin),
            Sign::Bare { start, kind, next } => self.bare_block(start, kind, next),
            Sign::End(end) => self.lone_end(&end),
        })
    }
}

impl NextBare {
    /// Returns the next one at `from` or after it.
    fn search(self, text: &[u8], from: usize, find: fn(&[u8], usize) -> Option<usize>) -> Self {
        match self {
            Self::None => Self::None,
            Self::At(start) if start >= from => self,
            Self::At(_) | Self::NotSearched => match find(text, from) {
                Some(start) => Self::At(start),
                None => Self::None,
            },
        }
    }

    /// Returns where it is, if that is before `limit`.
    fn before(self, limit: usize) -> Option<usize> {
        match self {
            Self::At(start) if start < limit => Some(start),
            Self::At(_) | Self::NotSearched | Self::None => None,
        }
    }
}

impl<'a> Pieces<'a> {
    fn next_sign(&mut self) -> Option<Sign<'a>> {
        loop {
            let marker = match std::mem::replace(&mut self.marker, NextMarker::NotSearched) {
                NextMarker::Found(marker) => marker,
                NextMarker::NotSearched => marker::find(self.text, self.position),
            };
            let limit = marker.as_ref().map_or(self.text.len(), |marker| marker.span.start);
            self.dek_info = self.dek_info.search(self.text, self.position, marker::find_dek_info);
            self.bare_begin = self.bare_begin.search(self.text, self.position, marker::find_bare_begin);
            match (self.dek_info.before(limit), self.bare_begin.before(limit)) {
                // The header tells what the block is.
                (Some(start), begin) if begin.is_none_or(|begin| start < begin + MAX_BEGIN_LINE) => {
                    return Some(Sign::Bare { start, kind: UnreadKind::DekInfo, next: marker });
                }
                (_, Some(start)) => return Some(Sign::Bare { start, kind: UnreadKind::BareBegin, next: marker }),
                (_, None) => {}
            }
            let marker = marker?;
            match marker.word {
                Word::Begin => return Some(Sign::Begin(marker)),
                Word::End if ends_in_data(&self.text[self.position..marker.span.start]) => {
                    return Some(Sign::End(marker));
                }
                Word::End => self.position = marker.span.end,
            }
        }
    }

    /// Ends a piece at the next marker, or after it where that is its END.
    fn end_before(&mut self, next: Option<Marker<'a>>) {
        (self.position, self.marker) = match next {
            Some(end) if end.word == Word::End => (end.span.end, NextMarker::NotSearched),
            Some(begin) => (begin.span.start, NextMarker::Found(Some(begin))),
            None => (self.text.len(), NextMarker::Found(None)),
        };
    }

    /// Reads the block that begins with a marker.
    fn block(&mut self, begin: &Marker<'a>) -> Piece {
        let line = self.lines.line_of(begin.span.start);
        let next = marker::find(self.text, begin.span.end);
        let read = match self.read(begin, next.as_ref(), line) {
            Ok(block) => Ok(block),
            Err(problem) => Err(UnreadBlock {
                label: begin.label,
                sense: LabelSense::of(begin.text),
                line,
                problem,
                kind: UnreadKind::Begin,
                has_data: marker::data_after(self.text, begin.span.end) >= MIN_DATA,
                may_be_key: self.may_be_key(begin, next.as_ref()),
            }),
        };
        self.end_before(next);
        Piece { span: begin.span.start..self.position, read }
    }

    /// Returns whether a block that was not read may be a key.
    fn may_be_key(&self, begin: &Marker<'a>, next: Option<&Marker<'a>>) -> bool {
        let ends_as_key =
            matches!(next, Some(end) if end.word == Word::End && LabelSense::of(end.text) == LabelSense::Key);
        let end = next.map_or(self.text.len(), |next| next.span.start);
        let text = &self.text[begin.span.end..end];
        if ends_as_key || memchr::memmem::find(text, b"DEK-Info").is_some() {
            return true;
        }
        let (head, length) = marker::head_of_data(text);
        match BASE64_NOPAD.decode(&head) {
            Ok(bytes) => body::may_be_key(&bytes, length),
            Err(_) => true,
        }
    }

    /// Names a block without a BEGIN line, or with one that has no dashes.
    fn bare_block(&mut self, start: usize, kind: UnreadKind, next: Option<Marker<'a>>) -> Piece {
        let line = self.lines.line_of(start);
        let (label, problem) = if kind == UnreadKind::DekInfo {
            self.end_before(next);
            (
                None,
                "has no BEGIN line that can be read: \"-----BEGIN RSA PRIVATE KEY-----\", or EC or DSA in the place of \
                 RSA, belongs before its headers",
            )
        } else {
            let begin = marker::bare_begin_at(self.text, start);
            self.position = begin.end;
            self.marker = NextMarker::Found(next);
            (begin.label, DAMAGED_DASHES)
        };
        let sense = LabelSense::of(label.unwrap_or_default().as_bytes());
        // What follows is read as a text.
        let unread =
            UnreadBlock { label, sense, line, problem: problem.into(), kind, has_data: true, may_be_key: false };
        Piece { span: start..self.position, read: Err(unread) }
    }

    /// Names a block of which the END alone is left.
    fn lone_end(&mut self, end: &Marker<'_>) -> Piece {
        let line = self.lines.line_of(end.span.start);
        let sense = LabelSense::of(end.text);
        self.position = end.span.end;
        // Its BEGIN has four dashes (RFC 4716).
        if end.label.is_some_and(|label| label.starts_with("SSH2 ")) {
            let block = Block { label: end.label, sense, line, headers: Vec::new(), der: Zeroizing::default() };
            return Piece { span: end.span.clone(), read: Ok(block) };
        }
        let problem = "ends there, and has no BEGIN line that can be read".into();
        // What stands before it is read as a text.
        let unread = UnreadBlock {
            label: end.label,
            sense,
            line,
            problem,
            kind: UnreadKind::End,
            has_data: true,
            may_be_key: false,
        };
        Piece { span: end.span.clone(), read: Err(unread) }
    }

    fn read(&mut self, begin: &Marker<'_>, next: Option<&Marker<'_>>, line: usize) -> Result<Block, Cow<'static, str>> {
        if !begin.is_whole {
            return Err(damaged_marker(begin).into());
        }
        let (label, sense) = (begin.label, LabelSense::of(begin.text));
        let is_opaque = label.is_some_and(is_opaque_label);
        if is_opaque && !matches!(next, Some(marker) if marker.word == Word::End) {
            return Ok(Block { label, sense, line, headers: Vec::new(), der: Zeroizing::default() });
        }
        let end = self.check_end(begin, next)?;
        let block_text = BlockText { text: self.text, begin: begin.span.clone(), end: end.span.start };
        let decoded = block_text.decode(begin.text.ends_with(b"KEY"));
        if let Some(missing) = decoded.missing_length() {
            let Missing { claimed, found } = missing;
            return Err(format!(
                "is not valid Base64 of a whole file: characters of it were lost or changed \
                 ({found} bytes are there, {claimed} should be)"
            )
            .into());
        }
        let Decoded { headers, content } = decoded;
        match content {
            Content::Bytes(der) => Ok(Block { label, sense, line, headers, der }),
            Content::Empty | Content::NotBase64 if is_opaque => {
                Ok(Block { label, sense, line, headers, der: Zeroizing::default() })
            }
            Content::Empty => Err("is empty".into()),
            Content::NotBase64 => Err("is not valid Base64".into()),
        }
    }

    /// Returns the END of a block.
    fn check_end<'m, 't>(
        &mut self,
        begin: &Marker<'_>,
        next: Option<&'m Marker<'t>>,
    ) -> Result<&'m Marker<'t>, Cow<'static, str>> {
        let Some(next) = next else { return Err("has no END line: the file is cut short".into()) };
        match next.word {
            Word::Begin => {
                let line = self.lines.line_of(next.span.start);
                Err(format!("has no END line before the next block at line {line}").into())
            }
            Word::End if !is_same_label(begin, next) => Err(match next.label {
                Some(label) => format!("ends as \"{label}\"").into(),
                None => format!("ends with an unknown label at line {}", self.lines.line_of(next.span.start)).into(),
            }),
            Word::End if !next.is_whole => Err(damaged_marker(next).into()),
            Word::End => Ok(next),
        }
    }
}

fn is_same_label(begin: &Marker<'_>, end: &Marker<'_>) -> bool {
    match (begin.label, end.label) {
        (Some(label), Some(other)) => label == other,
        (None, None) => begin.text == end.text,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

const DAMAGED_DASHES: &str = "its BEGIN line is damaged: five dashes belong on both sides of \"BEGIN\" and its label";

/// Says what is wrong with a BEGIN or END.
fn damaged_marker(marker: &Marker<'_>) -> &'static str {
    match (marker.word, marker.has_dashes) {
        (Word::Begin, false) => DAMAGED_DASHES,
        (Word::Begin, true) => "its BEGIN line is damaged: \"BEGIN\", one space and a label in capitals belong there",
        (Word::End, false) => "its END line is damaged: five dashes belong on both sides of \"END\" and its label",
        (Word::End, true) => "its END line is damaged: \"END\", one space and a label in capitals belong there",
    }
}

/// Counts the lines of a text, in its order.
pub(crate) struct LineCounter<'a> {
    text: &'a [u8],
    counted: usize,
    /// The line of `counted`, from 1.
    line: usize,
}

impl<'a> LineCounter<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, counted: 0, line: 1 }
    }

    /// Returns the line of a position that is not before the last one that was asked for.
    pub(crate) fn line_of(&mut self, position: usize) -> usize {
        if position > self.counted {
            self.line += count_line_ends(&self.text[self.counted..position]);
            self.counted = position;
        }
        self.line
    }
}

/// Counts line ends of any kind: CR LF is one.
fn count_line_ends(text: &[u8]) -> usize {
    let mut count = 0;
    for position in memchr::memchr2_iter(b'\n', b'\r', text) {
        let is_second = text[position] == b'\n' && position > 0 && text[position - 1] == b'\r';
        count += usize::from(!is_second);
    }
    count
}

impl Block {
    /// Returns the name of the block for messages.
    pub(super) fn name(&self) -> String {
        block_name(self.label, self.line)
    }

    /// Returns the value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|header| header.name == name)?;
        Some(&header.value)
    }

    /// Returns the value of the header DEK-Info if the block is in OpenSSL's old encryption; it is empty where the
    /// header is missing.
    pub(super) fn dek_info(&self) -> Option<&str> {
        match (self.header("DEK-Info"), self.header("Proc-Type")) {
            (Some(value), _) => Some(value),
            (None, Some(kind)) if kind.ends_with("ENCRYPTED") => Some(""),
            (None, _) => None,
        }
    }
}

impl UnreadBlock {
    /// As [`Block::name`].
    pub(super) fn name(&self) -> String {
        if self.kind == UnreadKind::DekInfo {
            return format!("encrypted private key (DEK-Info) at line {}", self.line);
        }
        block_name(self.label, self.line)
    }
}

fn block_name(label: Option<&str>, line: usize) -> String {
    match label {
        Some(label) => format!("PEM block \"{label}\" at line {line}"),
        None => format!("PEM block with an unknown label at line {line}"),
    }
}

/// Returns whether a label is that of what is no DER.
pub(crate) fn is_opaque_label(label: &str) -> bool {
    OPAQUE_LABELS.contains(&label)
}

/// Returns whether a text is the beginning of a known label.
fn begins_label(text: &[u8]) -> bool {
    !text.is_empty() && LABELS.into_iter().any(|label| label.as_bytes().starts_with(text))
}

/// Returns whether a text is a label that common tools write.
pub(crate) fn is_known_label(text: &[u8]) -> bool {
    LABELS.into_iter().any(|label| label.as_bytes() == text)
}

/// Returns where the longest known label ends that a text begins with, after blanks; 0 if there is none. Small letters
/// are as good.
fn label_before(text: &[u8]) -> usize {
    let start = text.iter().take_while(|byte| marker::is_blank(**byte)).count();
    let Some(first) = text.get(start).map(u8::to_ascii_uppercase) else { return 0 };
    let mut end = 0;
    for label in LABELS {
        // A text may have millions of such places.
        if label.as_bytes()[0] != first {
            continue;
        }
        let head = text.get(start..start + label.len()).unwrap_or_default();
        if head.eq_ignore_ascii_case(label.as_bytes()) {
            end = end.max(start + label.len());
        }
    }
    end
}

fn known_label(text: &str) -> Option<&'static str> {
    LABELS.into_iter().find(|label| *label == text)
}

/// Writes one block: lines of 64 characters, each ended by a line feed.
pub fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Only a label that is not printable ASCII is refused, and all labels are constants.
    Zeroizing::new(pem_rfc7468::encode_string(label, LineEnding::LF, der).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_headers_and_line_ends_do_not_matter() {
        let text = "\u{feff}-----BEGIN CMS-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: X,00\r\n\r\nAA\r\nEC\r\n-----END CMS-----\r\n\
                    friendlyName: -----BEGIN B-----x\n  -----BEGIN C----- \rAw==\r-----END C-----";
        let blocks = parse(text.as_bytes()).unwrap();
        assert_eq!(blocks.iter().map(|b| (b.label, b.line)).collect::<Vec<_>>(), [(Some("CMS"), 1), (None, 9)]);
        assert_eq!(blocks[0].header("Proc-Type"), Some("4,ENCRYPTED"));
        assert_eq!(blocks[0].header("DEK-Info"), Some("X,00"));
        assert_eq!(*blocks[0].der, [0, 1, 2]);
        assert_eq!(*blocks[1].der, [3]);
    }

    #[test]
    fn a_block_is_encrypted_by_either_header() {
        let text = "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAEC\n-----END A-----\n\
                    -----BEGIN B-----\nDEK-Info: X,00\n\nAAEC\n-----END B-----\n\
                    -----BEGIN C-----\nProc-Type: 4,CLEAR\n\nAAEC\n-----END C-----\n";
        let blocks = parse(text.as_bytes()).unwrap();
        assert_eq!(blocks.iter().map(Block::dek_info).collect::<Vec<_>>(), [Some(""), Some("X,00"), None]);
    }

    /// Base64 of the head of a certificate, 48 bytes long.
    const DATA: &str = "MC4BAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKiss";

    fn data() -> Vec<u8> {
        data_encoding::BASE64.decode(DATA.as_bytes()).unwrap()
    }

    #[test]
    fn what_transport_does_to_a_block_is_undone() {
        let (first, second) = DATA.split_at(32);
        let begin = "-----BEGIN CMS-----";
        let end = "-----END CMS-----";
        for text in [
            format!("{begin}{DATA}{end}"),
            format!("{begin} {first} {second} {end}"),
            format!("CERT={begin}\\n{first}\\n{second}\\n{end}\\n"),
            format!("CERT='{begin}\\\\n{first}\\\\r\\\\n{second}\\\\n{end}'"),
            format!("{{\"cert\":\"{begin}\\u000a{first}\\n{second}\\n{end}\\n\"}}"),
            format!("[\"{begin}\",\n \"{first}\",\n \"{second}\",\n \"{end}\"]"),
            format!("[\"{begin}\",\"{first}\",\"{second}\",\"{end}\"]"),
            format!("x = \"{begin}\\n\" +\n  \"{first}\\n\" +\n  \"{second}\\n\" +\n  \"{end}\\n\";"),
            format!(
                "x = \"{begin}\" & vbCrLf & _\r\n  \"{first}\" & vbCrLf & _\r\n  \"{second}\" & vbCrLf & _\r\n  \"{end}\"\r\n"
            ),
            format!("$x = '{begin}' . PHP_EOL .\n  '{first}' . PHP_EOL .\n  '{second}' . PHP_EOL\n  . '{end}';\n"),
            format!("$x = \"{begin}\\n\" .\n \"{first}\\n\" .\n \"{second}\\n\" .\n \"{end}\\n\";"),
            format!(
                "x = \"{begin}\"\n + Environment.NewLine + \"{first}\"\n + Environment.NewLine + \"{second}\" +\n\"{end}\""
            ),
            format!("x = '{begin}\\n' +\n  '{first}\\n' +\n  '{second}\\n' +\n  '{end}\\n';"),
            format!("'{begin}' || chr(10) ||\n'{first}' ||\n'{second}' ||\n'{end}'").replace(" || chr(10)", ""),
            format!("@@ -0,0 +1,4 @@\n+{begin}\n+{first}\n+{second}\n+{end}\n"),
            format!("+{begin}\r\n+{first}\r\n+{second}\r\n+{end}\r\n"),
            format!("key: |\n    {begin}\n    {first}\n    {second}\n    {end}\n"),
            format!("> {begin}\n> {first}\n> {second}\n> {end}\n"),
            format!("{begin}\n{first}\x0b\n{second}\0\n{end}\n"),
            format!("\0\0\0{begin}\n{DATA}\n{end}"),
            format!("friendlyName: x {begin}{}{DATA}{end}", " ".repeat(200)),
        ] {
            let blocks = parse(text.as_bytes()).unwrap();
            assert_eq!(blocks.len(), 1, "{text}");
            assert_eq!(*blocks[0].der, data(), "{text}");
        }
        let glued = format!("{begin}\n{DATA}\n{end}{begin}\n{DATA}\n{end}");
        assert_eq!(parse(glued.as_bytes()).unwrap().len(), 2);
        let flat = format!("{begin} Proc-Type: 4,ENCRYPTED DEK-Info: AES-128-CBC,00FF {first} {second} {end}");
        let block = &parse(flat.as_bytes()).unwrap()[0];
        assert_eq!((block.header("DEK-Info"), block.der.len()), (Some("AES-128-CBC,00FF"), 48));
        let slashes = "-----BEGIN CMS-----\\n\\/\\/\\/\\/\\n-----END CMS-----";
        assert_eq!(*parse(slashes.as_bytes()).unwrap()[0].der, [255, 255, 255]);
        let diff = "+-----BEGIN CMS-----\n+Proc-Type: 4,ENCRYPTED\n+DEK-Info: X,00\n+\n+AA\n++/\n+-----END CMS-----\n";
        let block = &parse(diff.as_bytes()).unwrap()[0];
        assert_eq!((block.dek_info(), &**block.der), (Some("X,00"), &[0, 15, 191][..]));
        let plus = "-----BEGIN CMS-----\n+AAE\n+AAE\n-----END CMS-----";
        assert_eq!(parse(plus.as_bytes()).unwrap()[0].der.len(), 6, "no diff");
        let url_safe = "-----BEGIN CMS-----\n____\n-----END CMS-----";
        assert_eq!(*parse(url_safe.as_bytes()).unwrap()[0].der, [255, 255, 255]);
    }

    #[test]
    fn bits_that_stand_for_nothing_may_be_set() {
        for label in ["CMS", "PRIVATE KEY"] {
            for (base64, expected) in [("AAECAw==", &[0, 1, 2, 3][..]), ("AAECAz==", &[0, 1, 2, 3]), ("AAF=", &[0, 1])]
            {
                let text = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
                assert_eq!(**parse(text.as_bytes()).unwrap()[0].der, *expected, "{label} {base64}");
            }
        }
    }

    #[test]
    fn no_begin_with_data_is_passed_over() {
        for begin in [
            "----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY----",
            "BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY",
            "------BEGIN PRIVATE KEY-----",
            "-----begin private key-----",
            "-----BEGIN  PRIVATE KEY-----",
            "----- BEGIN PRIVATE KEY -----",
            "\u{2014}BEGIN PRIVATE KEY\u{2014}",
            "\u{ff0d}\u{ff0d}BEGIN PRIVATE KEY\u{2500}",
            "-----BEGIN%20PRIVATE%20KEY-----",
        ] {
            for body in [DATA.repeat(4), format!("\n{}{}", " ".repeat(500), DATA.repeat(4))] {
                let text = format!("text\n{begin}\n{body}\n-----END PRIVATE KEY-----\n");
                let pieces: Vec<Piece> = pieces(text.as_bytes()).collect();
                assert_eq!(pieces.len(), 1, "{begin}");
                let unread = pieces[0].read.as_ref().err().unwrap();
                assert!(unread.has_data && unread.line == 2 && unread.problem.contains("BEGIN line"), "{unread:?}");
                assert_eq!(unread.label, (!begin.contains('%')).then_some("PRIVATE KEY"));
                assert_eq!(pieces[0].span.end, text.len() - 1);
            }
        }
    }

    #[test]
    fn a_text_that_speaks_of_pem_has_no_data() {
        for text in [
            "Copy all from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
            "Copy all from -----BEGIN CERTIFICATE----- to the end of the file, and save it in a file of your own.",
            "if line.startswith('-----BEGIN CERTIFICATE'):",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n...\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMICROSOFT 0123456789abcdef0123456789abcdef\n-----END CERTIFICATE-----",
            "begin = \"-----BEGIN CERTIFICATE-----\"; path = \"/usr/share/ca-certificates/mozilla/certificates/authority\"",
            "-----BEGIN CERTI",
        ] {
            for piece in pieces(text.as_bytes()) {
                assert!(!piece.read.err().unwrap().has_data, "{text}");
            }
        }
        assert!(looks_like_pem(b"-----BEGIN CERTI"));
        for text in [
            "----- BEGIN LOG -----",
            "BEGIN CERTIFICATE",
            "-- BEGIN",
            "----------",
            "------ END -----",
            "-----BEGIN\nx",
        ] {
            assert!(!looks_like_pem(text.as_bytes()), "{text}");
        }
    }

    fn problem(text: &str) -> String {
        parse(text.as_bytes()).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn an_end_without_its_last_dashes_takes_none_of_the_next_begin() {
        let body = format!("{DATA}\n");
        for lost in ["-----END CERTIFICATE", "-----END CERTIFICATE  ", "-----END CERTIFICATE\r"] {
            let text = format!(
                "-----BEGIN CERTIFICATE-----\n{body}{lost}\n-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n"
            );
            let read: Vec<Piece> = pieces(text.as_bytes()).collect();
            let [first, second] = &read[..] else { panic!("{lost}: {} pieces", read.len()) };
            let (Err(unread), Ok(block)) = (&first.read, &second.read) else { panic!("{lost}") };
            assert!(unread.line == 1 && unread.problem.starts_with("its END line is damaged"), "{}", unread.problem);
            assert_eq!(*block.der, data(), "{lost}");
        }
        // A line that a mail program broke before its dashes.
        let text = format!("-----BEGIN CERTIFICATE\n-----\n{body}-----END CERTIFICATE\n-----\n");
        assert_eq!(parse(text.as_bytes()).unwrap().len(), 1);
    }

    #[test]
    fn a_damaged_block_is_an_error_that_names_its_line() {
        assert_eq!(
            problem("x\n-----BEGIN CMS-----\nAAEC\n"),
            "PEM block \"CMS\" at line 2: has no END line: the file is cut short"
        );
        assert!(problem("-----BEGIN CMS-----\n-----END PKCS7-----").ends_with("ends as \"PKCS7\""));
        assert!(problem("-----BEGIN CMS-----\n-----END CMS-----").ends_with("is empty"));
        assert!(problem("-----BEGIN CMS-----\nA\n-----END CMS-----").ends_with("not valid Base64"));
        assert!(problem("-----BEGIN CMS-----\nAAEC\n-----BEGIN CMS-----").ends_with("next block at line 3"));
        assert!(problem("-----BEGIN CMS-----\nAAEC\n----END CMS-----").contains("its END line is damaged"));
    }

    #[test]
    fn a_key_on_a_begin_or_end_line_does_not_enter_a_message() {
        for text in [
            "-----BEGIN PRIVATE KEY-----MIIEvQ",
            "-----BEGIN RSA PRIVATE KEY----- MIIEvQ== -----\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY MIIEvQ==-----",
            "-----BEGIN PRIVATE KEY MIIEvQ== -----\n-----END PRIVATE KEY-----",
        ] {
            assert!(!problem(text).contains("MIIEvQ"), "{text}");
        }
    }

    #[test]
    fn lines_are_64_wide() {
        let pem = encode("A", &[0; 60]);
        assert_eq!(pem.lines().map(str::len).collect::<Vec<_>>(), [17, 64, 16, 15]);
        assert!(pem.ends_with("-----END A-----\n"));
    }
}
