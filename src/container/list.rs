//! Reads certificates in lists that have no name of their own: Java's PkiPath (RFC 6066 section 10.1), CertificatePair and
//! CertificationPath (X.509 section 7), a set.

use x509_parser::asn1_rs::Tag;

use crate::asn1::Value;
use crate::certificate::Certificate;
use crate::container::detect::{self, Format};
use crate::container::passwords::Unlocker;
use crate::container::{Container, Contents, OpenError, Unread, der};
use crate::limits::LimitError;
use crate::pkcs12::Holds;

/// The depth to which lists nest: a pair stands in a list of pairs in a path.
const MAX_DEPTH: usize = 4;

const PART: &str = "list of certificates";

/// Returns whether the first thing in a list, or in the lists that it begins with, is a certificate.
pub(super) fn is_list(list: &Value<'_>) -> bool {
    begins_with_certificate(list, MAX_DEPTH)
}

fn begins_with_certificate(list: &Value<'_>, depth: usize) -> bool {
    let may_be_list = list.is(Tag::Sequence) || list.is(Tag::Set) || list.is_context(0) || list.is_context(1);
    if !may_be_list || depth == 0 {
        return false;
    }
    match list.reader(PART).try_next() {
        Ok(Some(first)) => is_certificate(&first) || begins_with_certificate(&first, depth - 1),
        Ok(None) | Err(_) => false,
    }
}

/// Returns whether a value has the fields of a certificate (RFC 5280 section 4.1), and what is signed begins as in one.
fn is_certificate(value: &Value<'_>) -> bool {
    let mut fields = value.reader(PART);
    match (fields.try_next(), fields.try_next(), fields.try_next(), fields.try_next()) {
        (Ok(Some(signed)), Ok(Some(algorithm)), Ok(Some(signature)), Ok(None)) => {
            value.is(Tag::Sequence)
                && signed.is(Tag::Sequence)
                && algorithm.is(Tag::Sequence)
                && signature.is(Tag::BitString)
                && begins_as_signed(&signed)
        }
        _ => false,
    }
}

/// Returns whether a value begins with a version and a serial number, or the latter alone, and has a name after an algorithm.
fn begins_as_signed(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader(PART);
    let mut next = fields.try_next();
    if let Ok(Some(version)) = next
        && version.is_context(0)
    {
        next = fields.try_next();
    }
    match (next, fields.try_next(), fields.try_next()) {
        (Ok(Some(serial)), Ok(Some(algorithm)), Ok(Some(name))) => {
            serial.is(Tag::Integer) && algorithm.is(Tag::Sequence) && name.is(Tag::Sequence)
        }
        _ => false,
    }
}

/// Reads all certificates. One that cannot be read takes no other with it.
pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let (list, _) = Value::parse(bytes, PART)?;
    let mut contents = Contents::new(Container::Der);
    let Some(()) = unlocker.enter() else { return Err(LimitError::Search.into()) };
    let added = contents.add_list(&list, MAX_DEPTH, unlocker);
    unlocker.leave();
    added?;
    Ok(contents)
}

impl Contents {
    fn add_list(&mut self, list: &Value<'_>, depth: usize, unlocker: &mut Unlocker<'_, '_>) -> Result<(), OpenError> {
        let mut items = list.reader(PART);
        while let Some(item) = items.try_next()? {
            match begins_with_certificate(&item, depth) {
                true => self.add_list(&item, depth - 1, unlocker)?,
                false => self.add_item(&item, unlocker)?,
            }
        }
        Ok(())
    }

    /// Adds an item of a list of certificates. One that is something else is read as what it is, or named.
    pub(super) fn add_item(&mut self, item: &Value<'_>, unlocker: &mut Unlocker<'_, '_>) -> Result<(), OpenError> {
        let place = format!("certificate {}", self.certificates.len() + self.unread.len() + 1);
        match Certificate::parse(item.encoded()) {
            Ok(read) => self.certificates.push(read.into()),
            Err(error) => match detect::detect_der(item.encoded()) {
                Ok(Format::Certificate) | Err(OpenError::Unrecognized) => {
                    self.unread.push(Unread::new(place, Holds::Certificate, error.into()));
                }
                _ => {
                    let place = "among the certificates".to_owned();
                    let read = der::read_first(item.encoded(), unlocker).and_then(Contents::check_anything);
                    return self.add_part(&place, || der::held_by(item.encoded()), read);
                }
            },
        }
        self.check_bounds()
    }
}
