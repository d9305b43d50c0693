//! The encoding of an input: UTF-8, with or without a byte order mark, or UTF-16, which PowerShell makes of what a command
//! prints. UTF-16 becomes UTF-8 while it is read.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// The bytes of a buffer.
const BUFFER: usize = 64 << 10;
/// The number of bytes that tell UTF-16 without a mark: three letters.
const LETTERS: usize = 6;

/// A reader with the bytes that were read to find out its encoding.
type Started<R> = Chain<Cursor<Vec<u8>>, R>;

/// Returns a reader of the text, in UTF-8 and without a byte order mark.
///
/// # Errors
/// When its first bytes cannot be read.
pub(crate) fn open(mut reader: Box<dyn Read + Send>) -> io::Result<Box<dyn BufRead + Send>> {
    let mut start = Vec::new();
    let encoding = loop {
        match sniff(&start) {
            Some(encoding) => break encoding,
            None if !read_byte(&mut reader, &mut start)? => break Encoding::Utf8 { mark: 0 },
            None => {}
        }
    };
    let rest = start.split_off(encoding.mark());
    let started = Cursor::new(rest).chain(reader);
    Ok(match encoding {
        Encoding::Utf8 { .. } => Box::new(BufReader::with_capacity(BUFFER, started)),
        Encoding::Utf16 { order, .. } => Box::new(BufReader::with_capacity(BUFFER, Utf16Reader::new(started, order))),
    })
}

/// Reads a byte more; returns false at the end.
fn read_byte(reader: &mut dyn Read, start: &mut Vec<u8>) -> io::Result<bool> {
    let mut byte = [0];
    loop {
        match reader.read(&mut byte) {
            Ok(0) => return Ok(false),
            Ok(_) => {
                start.push(byte[0]);
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The order of the bytes in UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn unit(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }
}

/// An encoding, and the length of the byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8 { mark: usize },
    Utf16 { order: ByteOrder, mark: usize },
}

impl Encoding {
    fn mark(self) -> usize {
        match self {
            Self::Utf8 { mark } | Self::Utf16 { mark, .. } => mark,
        }
    }
}

/// Returns the encoding that the first bytes show; `None` if more of them must be read. A plain text shows at its second
/// byte that it is one, so that a slow input does not wait.
fn sniff(start: &[u8]) -> Option<Encoding> {
    match start {
        [] | [0xef] | [0xef, 0xbb] | [0xff | 0xfe | 0 | 0x21..=0x7e] => None,
        [0xef, 0xbb, 0xbf, ..] => Some(Encoding::Utf8 { mark: 3 }),
        [0xff, 0xfe, ..] => Some(Encoding::Utf16 { order: ByteOrder::Little, mark: 2 }),
        [0xfe, 0xff, ..] => Some(Encoding::Utf16 { order: ByteOrder::Big, mark: 2 }),
        _ => match order_of_letters(start) {
            Some(_) if start.len() < LETTERS => None,
            Some(order) => Some(Encoding::Utf16 { order, mark: 0 }),
            None => Some(Encoding::Utf8 { mark: 0 }),
        },
    }
}

/// Returns the byte order of letters of ASCII in UTF-16; `None` if they are not.
fn order_of_letters(start: &[u8]) -> Option<ByteOrder> {
    let order = if start[0] == 0 { ByteOrder::Big } else { ByteOrder::Little };
    for pair in start.chunks_exact(2) {
        let unit = order.unit([pair[0], pair[1]]);
        let is_letter = (0x20..=0x7e).contains(&unit) || unit == u16::from(b'\r') || unit == u16::from(b'\n');
        if !is_letter {
            return None;
        }
    }
    Some(order)
}

/// A reader that turns UTF-16 into UTF-8. What is no character becomes U+FFFD.
struct Utf16Reader<R> {
    inner: BufReader<Started<R>>,
    order: ByteOrder,
    /// The first byte of a unit.
    byte: Option<u8>,
    /// The first unit of a pair.
    high: Option<u16>,
    text: Vec<u8>,
    /// The number of bytes of the text that were handed out.
    taken: usize,
}

impl<R: Read> Utf16Reader<R> {
    fn new(started: Started<R>, order: ByteOrder) -> Self {
        let inner = BufReader::with_capacity(BUFFER, started);
        Self { inner, order, byte: None, high: None, text: Vec::new(), taken: 0 }
    }

    /// Decodes what comes next; nothing is there at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.taken = 0;
        while self.text.is_empty() {
            let block = self.inner.fill_buf()?.to_vec();
            if block.is_empty() {
                let (byte, high) = (self.byte.take(), self.high.take());
                if byte.is_some() || high.is_some() {
                    self.push(char::REPLACEMENT_CHARACTER);
                }
                return Ok(());
            }
            for byte in &block {
                match self.byte.take() {
                    None => self.byte = Some(*byte),
                    Some(first) => self.decode(self.order.unit([first, *byte])),
                }
            }
            self.inner.consume(block.len());
        }
        Ok(())
    }

    fn decode(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if let Some(Ok(character)) = char::decode_utf16([high, unit]).next() {
                return self.push(character);
            }
            self.push(char::REPLACEMENT_CHARACTER);
        }
        match char::decode_utf16([unit]).next() {
            Some(Ok(character)) => self.push(character),
            _ if (0xd800..0xdc00).contains(&unit) => self.high = Some(unit),
            _ => self.push(char::REPLACEMENT_CHARACTER),
        }
    }

    fn push(&mut self, character: char) {
        self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() {
            self.fill()?;
        }
        let count = (&self.text[self.taken..]).read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn decoded(bytes: &[u8]) -> String {
        let mut texts = Vec::new();
        let readers: [Box<dyn Read + Send>; 2] =
            [Box::new(Cursor::new(bytes.to_vec())), Box::new(Slow(Cursor::new(bytes.to_vec())))];
        for reader in readers {
            let mut text = String::new();
            open(reader).unwrap().read_to_string(&mut text).unwrap();
            texts.push(text);
        }
        assert_eq!(texts[0], texts[1]);
        texts.swap_remove(0)
    }

    #[test]
    fn utf_16_becomes_utf_8() {
        let text = "aabb\r\n株😀\n".repeat(20_000);
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let mut bytes = Vec::new();
            for unit in text.encode_utf16() {
                bytes.extend(if order == ByteOrder::Little { unit.to_le_bytes() } else { unit.to_be_bytes() });
            }
            assert!(decoded(&bytes) == text, "{order:?} without a mark");
            let mark: [u8; 2] = if order == ByteOrder::Little { [0xff, 0xfe] } else { [0xfe, 0xff] };
            assert!(decoded(&[&mark, &bytes[..]].concat()) == text, "{order:?}");
        }
        assert_eq!(decoded(b"\xff\xfe\x00\xd8a\0\x00\xdc\x00\xd8b"), "\u{fffd}a\u{fffd}\u{fffd}");
    }

    #[test]
    fn utf_8_stays() {
        for text in ["", "a", "ab", "\n", "aabb\nccdd", "é", "\0", "a\0", "a\0b\0"] {
            assert_eq!(decoded(text.as_bytes()), text);
        }
        assert_eq!(decoded(b"\xef\xbb\xbfab"), "ab");
        for start in ["a\n", "aabb", "é"] {
            assert_eq!(sniff(&start.as_bytes()[..2]), Some(Encoding::Utf8 { mark: 0 }), "nothing more is waited for");
        }
    }
}
