//! Reads BER, of which DER is a part (X.690), on top of `asn1-rs`.
//!
//! Every structure that pushcert opens itself (PKCS#12, PKCS#7, encrypted PKCS#8, Apple's topics) is read here, so
//! that indefinite lengths and constructed strings are understood at every level, and every error names its part
//! of the file.

use std::borrow::Cow;

use x509_parser::asn1_rs::{Any, Class, Err as NomErr, Error, FromBer, Header, Length, Oid, Tag};

use crate::limits;

/// The depth to which a constructed string may nest; real writers make one level. (`asn1-rs` bounds indefinite
/// lengths inside one another, at 50.)
const MAX_DEPTH: usize = 8;

/// The most bytes of an object identifier that is shown: those of all algorithms are shorter.
const MAX_SHOWN_OID: usize = 16;

/// Returns an object identifier for a message: dotted, unless it is too long to be one. A damaged file may have a key
/// in its place.
pub(crate) fn oid_text(oid: &Oid<'_>) -> String {
    let length = oid.as_bytes().len();
    if length > MAX_SHOWN_OID { format!("an object identifier of {length} bytes") } else { oid.to_id_string() }
}

/// The largest certificate, request or key, in bytes: what is read of one may take many times its size.
const MAX_STRUCTURE: usize = 1 << 20;

/// A structure that is not what its format says, or goes beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {problem}")]
pub struct Malformed {
    /// The part of the file, such as "MAC" or "certificate bag".
    pub part: Cow<'static, str>,
    pub problem: Cow<'static, str>,
    pub fault: Fault,
}

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is damaged.
    Damage,
    /// It may be whole, and goes beyond a limit.
    Limit,
    /// It is whole, and can be read in two ways.
    Ambiguity,
    /// It is whole, and has aliases in the place of values.
    Aliases,
    /// It is a page of a list, and others are elsewhere.
    Page,
    /// It is what a server said in the place of what was asked for.
    Refusal,
    /// It is plain text where Base64 belongs.
    PlainText,
    /// It is of another version of its format.
    Version,
}

impl Malformed {
    pub fn new(part: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { part: part.into(), problem: problem.into(), fault: Fault::Damage }
    }

    /// Makes an error about what goes beyond a limit.
    pub(crate) fn limit(part: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { fault: Fault::Limit, ..Self::new(part, problem) }
    }

    /// Makes an error about what programs read in different ways.
    pub(crate) fn ambiguity(part: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { fault: Fault::Ambiguity, ..Self::new(part, problem) }
    }

    /// Makes an error about values that stand elsewhere.
    pub(crate) fn aliases(part: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { fault: Fault::Aliases, ..Self::new(part, problem) }
    }

    /// Returns what it says of the file.
    pub(crate) fn verdict(&self) -> &'static str {
        match self.fault {
            Fault::Damage => "the file is damaged",
            Fault::Limit => "the file goes beyond a limit",
            Fault::Ambiguity => "the file can be read in two ways",
            Fault::Aliases => "the file is not read to its end",
            Fault::Page | Fault::Refusal => "the file is not whole",
            Fault::PlainText => "a value is not encoded",
            Fault::Version => "the file is not supported",
        }
    }
}

/// A reader of one value after the other.
#[derive(Debug, Clone)]
pub(crate) struct BerReader<'a> {
    rest: &'a [u8],
    part: &'static str,
}

impl<'a> BerReader<'a> {
    /// Returns an error about the part being read.
    pub(crate) fn malformed(&self, problem: impl Into<Cow<'static, str>>) -> Malformed {
        Malformed::new(self.part, problem)
    }

    /// Returns what was not read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads the next value, or returns `None` at the end.
    pub(crate) fn try_next(&mut self) -> Result<Option<Value<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (value, rest) = Value::parse(self.rest, self.part)?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// Reads the next value, which must be there. `what` is its name in messages.
    pub(crate) fn required(&mut self, what: &str) -> Result<Value<'a>, Malformed> {
        match self.try_next()? {
            Some(value) => Ok(value),
            None => Err(self.malformed(format!("{what} is missing"))),
        }
    }

    /// Reads the next value, which must be of the universal class with this tag.
    pub(crate) fn expect(&mut self, tag: Tag, what: &str) -> Result<Value<'a>, Malformed> {
        let value = self.required(what)?;
        if value.is(tag) { Ok(value) } else { Err(self.malformed(format!("{what} is of another type"))) }
    }

    /// Reads the next value, which must be an explicit or implicit `[number]`.
    pub(crate) fn expect_context(&mut self, number: u32, what: &str) -> Result<Value<'a>, Malformed> {
        let value = self.required(what)?;
        if value.is_context(number) { Ok(value) } else { Err(self.malformed(format!("{what} is of another type"))) }
    }
}

/// One value, borrowed from the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a> {
    class: Class,
    tag: Tag,
    constructed: bool,
    content: &'a [u8],
    encoded: &'a [u8],
    part: &'static str,
}

impl<'a> Value<'a> {
    /// Reads the first value in `bytes`, and returns what follows it too. `part` is its name in messages.
    pub(crate) fn parse(bytes: &'a [u8], part: &'static str) -> Result<(Self, &'a [u8]), Malformed> {
        let is_searched = has_indefinite_length(bytes);
        if is_searched {
            charge_search(part, 0)?;
        }
        let parsed = Any::from_ber(bytes);
        if is_searched {
            // How much it takes is known when it is done.
            let rest = if let Ok((rest, _)) = &parsed { rest.len() } else { 0 };
            charge_search(part, bytes.len() - rest)?;
        }
        let (rest, any) = match parsed {
            Ok(parsed) => parsed,
            Err(NomErr::Incomplete(_)) => return Err(Malformed::new(part, "ends in the middle of a value")),
            Err(NomErr::Error(Error::BerMaxDepth) | NomErr::Failure(Error::BerMaxDepth)) => {
                return Err(Malformed::limit(part, "is nested too deeply"));
            }
            Err(NomErr::Error(error) | NomErr::Failure(error)) => return Err(Malformed::new(part, problem(&error))),
        };
        let value = Self {
            class: any.class(),
            tag: any.tag(),
            constructed: any.header.is_constructed(),
            content: any.data,
            encoded: &bytes[..bytes.len() - rest.len()],
            part,
        };
        Ok((value, rest))
    }

    /// As [`Value::parse`], for telling formats apart.
    pub(crate) fn parse_prefix(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        Self::parse(bytes, "file").ok()
    }

    /// Returns whether this is a universal value with this tag.
    pub(crate) fn is(&self, tag: Tag) -> bool {
        self.class == Class::Universal && self.tag == tag
    }

    /// Returns whether this is the context-specific `[number]`.
    pub(crate) fn is_context(&self, number: u32) -> bool {
        self.class == Class::ContextSpecific && self.tag.0 == number
    }

    pub(crate) fn tag_number(&self) -> u32 {
        self.tag.0
    }

    pub(crate) fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Returns tag, length and content, as encoded.
    pub(crate) fn encoded(&self) -> &'a [u8] {
        self.encoded
    }

    /// Returns a reader of the values inside this one, which `part` names in messages.
    pub(crate) fn reader(&self, part: &'static str) -> BerReader<'a> {
        BerReader { rest: self.content, part }
    }

    /// Returns the octets of a string: the content, or for a constructed one those of its segments, joined.
    pub(crate) fn octets(&self) -> Result<Cow<'a, [u8]>, Malformed> {
        if !self.constructed {
            return Ok(Cow::Borrowed(self.content));
        }
        let mut joined = Vec::new();
        self.join_octets(&mut joined, MAX_DEPTH)?;
        Ok(Cow::Owned(joined))
    }

    fn join_octets(&self, joined: &mut Vec<u8>, depth: usize) -> Result<(), Malformed> {
        if !self.constructed {
            joined.extend_from_slice(self.content);
            return Ok(());
        }
        if depth == 0 {
            return Err(Malformed::limit(self.part, "is nested too deeply"));
        }
        let mut segments = self.reader(self.part);
        while let Some(segment) = segments.try_next()? {
            segment.join_octets(joined, depth - 1)?;
        }
        Ok(())
    }

    /// Reads an object identifier.
    pub(crate) fn oid(&self) -> Result<Oid<'static>, Malformed> {
        if !self.is(Tag::Oid) || self.constructed || self.content.is_empty() {
            return Err(Malformed::new(self.part, "an object identifier is expected"));
        }
        Ok(Oid::new(Cow::Owned(self.content.to_vec())))
    }

    /// Reads a non-negative integer. One beyond 64 bits is beyond every limit: it saturates, and the limit refuses it.
    pub(crate) fn unsigned(&self) -> Result<u64, Malformed> {
        if !self.is(Tag::Integer) || self.constructed || self.content.is_empty() {
            return Err(Malformed::new(self.part, "an integer is expected"));
        }
        if self.content[0] & 0x80 != 0 {
            return Err(Malformed::new(self.part, "an integer is negative"));
        }
        let mut number: u64 = 0;
        for byte in self.content {
            if number >> 56 != 0 {
                return Ok(u64::MAX);
            }
            number = number << 8 | u64::from(*byte);
        }
        Ok(number)
    }
}

/// Returns whether the first value does not say how long it is.
fn has_indefinite_length(bytes: &[u8]) -> bool {
    const CONSTRUCTED: u8 = 0x20;
    bytes.first().is_some_and(|tag| tag & CONSTRUCTED != 0)
        && matches!(Header::from_ber(bytes), Ok((_, header)) if header.length() == Length::Indefinite)
}

fn charge_search(part: &'static str, bytes: usize) -> Result<(), Malformed> {
    match limits::charge_search(bytes) {
        Ok(()) => Ok(()),
        Err(error) => Err(Malformed::limit(part, error.to_string())),
    }
}

fn problem(error: &Error) -> &'static str {
    match error {
        Error::InvalidLength => "has an impossible length",
        Error::InvalidTag => "has an impossible tag",
        _ => "is not well-formed BER",
    }
}

/// Refuses a certificate, a request or a key that is larger than any real one.
pub(crate) fn check_size(bytes: &[u8], part: &'static str) -> Result<(), Malformed> {
    if claimed_length(bytes).unwrap_or(bytes.len()) > MAX_STRUCTURE {
        return Err(Malformed::limit(part, "is larger than 1 MiB"));
    }
    Ok(())
}

/// Returns how many bytes the outermost value of a file claims to have, header included; `None` if it does
/// not say (indefinite length) or is no value at all.
pub(crate) fn claimed_length(bytes: &[u8]) -> Option<usize> {
    let (body, header) = Header::from_ber(bytes).ok()?;
    match header.length() {
        Length::Definite(length) => length.checked_add(bytes.len() - body.len()),
        Length::Indefinite => None,
    }
}

/// Returns what follows the header of a sequence, which need not be there as a whole.
pub(crate) fn sequence_content(bytes: &[u8]) -> Option<&[u8]> {
    let (body, header) = Header::from_ber(bytes).ok()?;
    let is_sequence = header.class() == Class::Universal && header.tag() == Tag::Sequence && header.is_constructed();
    is_sequence.then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_for_an_object_identifier_is_not_shown() {
        let shown = |length: usize| oid_text(&Oid::new(vec![0x2a; length].into()));
        assert_eq!(shown(16), format!("1.2{}", ".42".repeat(15)));
        assert_eq!(shown(17), "an object identifier of 17 bytes");
    }
}
