//! Reads DER values: certificates, requests, private keys, containers, one after the other; and a key in OpenSSL's
//! encrypted PEM.

use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::certificate::Certificate;
use crate::container::detect::{self, Format};
use crate::container::lookalike::Lookalike;
use crate::container::passwords::{PasswordTarget, Unlocker};
use crate::container::{
    Container, Contents, Entry, MAX_UNREAD, OpenError, Unread, has_text_parts, hidden, list, pem, pkcs7, pkcs12,
};
use crate::crypto::dek::DekInfo;
use crate::crypto::pkcs8::{self, EncryptedKey};
use crate::key::PrivateKey;
use crate::limits::LimitError;
use crate::pkcs12::Holds;
use crate::request::CertificateRequest;
use crate::secret::PasswordEncodings;

/// Reads all values of a file, and the text after them. What is neither is passed over.
pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let start = detect::trim_start(bytes);
    let first = read_first(start, unlocker);
    let mut rest = after_value(start);
    let is_followed = rest.starts_with(b"\x30");
    if !is_followed && !has_parts(rest) {
        let mut contents = first?;
        contents.is_read_whole &= rest.is_empty();
        contents.may_hide_key |= hidden::may_hide_key_behind(rest);
        return Ok(contents);
    }
    let mut contents = Contents { is_read_whole: true, ..Contents::new(Container::Der) };
    let first = first.and_then(Contents::check_anything);
    let mut container = container_of(&first);
    contents.add_part("byte 0", || held_by(start), first)?;
    while rest.starts_with(b"\x30") {
        let place = format!("byte {}", bytes.len() - rest.len());
        let part = read_first(rest, unlocker).and_then(Contents::check_anything);
        if container_of(&part) != container {
            container = None;
        }
        contents.add_part(&place, || held_by(rest), part)?;
        rest = after_value(rest);
    }
    if !is_followed || has_parts(rest) {
        contents.add(pem::read(rest, unlocker)?)?;
    } else {
        contents.container = container.unwrap_or(Container::Der);
        contents.may_hide_key |= hidden::may_hide_key_behind(rest);
    }
    contents.is_read_whole &= rest.is_empty();
    Ok(contents)
}

fn container_of(part: &Result<Contents, OpenError>) -> Option<Container> {
    match part {
        Ok(contents) => Some(contents.container),
        Err(_) => None,
    }
}

/// Returns whether bytes begin with a value, and another value or a text with values follows it. Behind a short value a
/// text was looked for before.
pub(super) fn is_followed(bytes: &[u8]) -> bool {
    match bytes {
        _ if detect::begins_with_value(bytes) => has_parts(after_value(bytes)),
        [0x30, ..] => detect::find_value(after_value(bytes)).is_some(),
        _ => false,
    }
}

/// Returns whether there is something to read in what follows a value.
fn has_parts(rest: &[u8]) -> bool {
    !rest.is_empty() && (has_text_parts(rest) || detect::find_value(rest).is_some())
}

/// Reads the first value alone.
pub(super) fn read_first(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    read_value(detect::detect_der(bytes)?, bytes, unlocker)
}

/// Returns what follows the first value, without white space and zeros; nothing where the value is not whole. OpenSSL's
/// settings for a certificate are a part of it.
pub(super) fn after_value(bytes: &[u8]) -> &[u8] {
    let Some((_, mut rest)) = Value::parse_prefix(bytes) else { return &[] };
    if let Some(after) = detect::after_trust_settings(rest)
        && matches!(detect::detect_der(bytes), Ok(Format::Certificate))
    {
        rest = after;
    }
    while let [0 | b' ' | b'\n' | b'\r' | b'\t', after @ ..] = rest {
        rest = after;
    }
    rest
}

/// Returns what a value holds, as far as that can be told.
pub(super) fn held_by(bytes: &[u8]) -> Holds {
    match detect::detect_der(detect::trim_start(bytes)) {
        Ok(format) => format.holds(),
        Err(_) => Holds::Anything,
    }
}

const STRAY_VALUE: &str = "there is a value that is not read";

impl Contents {
    /// Adds what stands after the only value that belongs into a place: other programs pass over it.
    pub(super) fn add_rest(
        &mut self,
        place: &str,
        rest: &[u8],
        unlocker: &mut Unlocker<'_, '_>,
    ) -> Result<(), OpenError> {
        let Some(()) = unlocker.enter() else { return Err(LimitError::Search.into()) };
        let added = self.add_stray_values(place, rest, unlocker);
        unlocker.leave();
        added
    }

    fn add_stray_values(
        &mut self,
        place: &str,
        mut rest: &[u8],
        unlocker: &mut Unlocker<'_, '_>,
    ) -> Result<(), OpenError> {
        if has_text_parts(rest) {
            return self.add(pem::read(rest, unlocker)?);
        }
        while let Some(value) = detect::find_value(rest) {
            let read = match read_first(value, unlocker).and_then(Contents::check_anything) {
                Err(error) if !matches!(error, OpenError::Lookalike(_)) && !error.is_locked() => {
                    Err(Malformed::new(place.to_owned(), STRAY_VALUE).into())
                }
                read => read,
            };
            self.add_part(place, || held_by(value), read)?;
            rest = after_value(value);
        }
        self.may_hide_key |= hidden::may_hide_key_behind(rest);
        if !rest.is_empty() && self.others.len() < MAX_UNREAD {
            self.others.push(format!("{} bytes of no meaning ({place})", rest.len()));
        }
        Ok(())
    }

    /// Adds one of several parts of a file. What a part holds is asked for where it was not read.
    pub(super) fn add_part(
        &mut self,
        place: &str,
        holds: impl FnOnce() -> Holds,
        read: Result<Self, OpenError>,
    ) -> Result<(), OpenError> {
        match read {
            Ok(contents) => return self.add(contents),
            Err(OpenError::Lookalike(kind)) => self.add_other(kind, place),
            Err(OpenError::Profile(_)) => self.add_other(Lookalike::ProvisioningProfile, place),
            Err(error) => self.unread.push(Unread::new(place.to_owned(), holds(), error)),
        }
        self.check_bounds()
    }
}

/// Reads the first value of `bytes`.
pub(super) fn read_value(format: Format, bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let container = format.container();
    let contents = match format {
        Format::Certificate => {
            let item = Certificate::parse(bytes)?;
            let friendly_name = trusted_name(bytes);
            let entry = Entry { item, friendly_name, local_key_id: None };
            Contents { certificates: vec![entry], ..Contents::new(container) }
        }
        Format::CertificateList => list::read(bytes, unlocker)?,
        Format::Request => Contents { requests: vec![CertificateRequest::parse(bytes)?], ..Contents::new(container) },
        Format::Pkcs12 => return pkcs12::read(bytes, unlocker),
        // A text is read before.
        Format::Pkcs7 | Format::Pem => return pkcs7::read(bytes, unlocker),
        Format::Pkcs8Key => read_pkcs8_key(bytes, unlocker)?,
        Format::Pkcs1Key => one_key(PrivateKey::from_pkcs1(bytes)?),
        Format::Sec1Key | Format::DsaKey => one_key(PrivateKey::from_sec1(bytes)?),
        Format::EncryptedKey => read_encrypted_key(bytes, unlocker)?,
    };
    Ok(Contents { is_read_whole: true, ..contents })
}

/// Returns the name among OpenSSL's settings behind a certificate (`openssl x509 -setalias`), which its PKCS12_create takes
/// for friendlyName; `openssl pkcs12 -export` leaves it out.
fn trusted_name(bytes: &[u8]) -> Option<String> {
    let (_, rest) = Value::parse_prefix(bytes)?;
    detect::after_trust_settings(rest)?;
    let (settings, _) = Value::parse_prefix(rest)?;
    let mut fields = settings.reader("file");
    while let Some(field) = fields.try_next().ok()? {
        if field.is(Tag::Utf8String) {
            return std::str::from_utf8(field.content()).ok().map(str::to_owned);
        }
    }
    None
}

fn read_encrypted_key(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let (info, _) = Value::parse(bytes, "encrypted private key")?;
    let (key, after_key) = EncryptedKey::parse(&info)?;
    let unlocked = unlocker.unlock(PasswordTarget::Key, false, |password, limits| {
        Ok(key.decrypt(&PasswordEncodings::for_key(password), limits)?)
    });
    let mut contents = match unlocked {
        Ok(der) => {
            let mut contents = read_pkcs8_key(&der, unlocker)?;
            if let Some((_, rest)) = Value::parse_prefix(&der)
                && !rest.is_empty()
            {
                contents.add_rest("after the decrypted key", rest, unlocker)?;
            }
            contents
        }
        // What follows it is read all the same.
        Err(error) if error.is_locked() && !after_key.is_empty() => {
            let key = Unread::new("the encrypted key".to_owned(), Holds::Key, error);
            Contents { unread: vec![key], ..Contents::new(Container::Key) }
        }
        Err(error) => return Err(error),
    };
    if !after_key.is_empty() {
        contents.add_rest("after the encrypted key", after_key, unlocker)?;
    }
    Ok(Contents { has_encrypted_key: true, ..contents })
}

fn read_pkcs8_key(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let mut contents = one_key(PrivateKey::from_pkcs8(bytes)?);
    let Some((info, _)) = Value::parse_prefix(bytes) else { return Ok(contents) };
    for stray in pkcs8::strays_in(&info) {
        contents.add_rest("inside the private key", &stray, unlocker)?;
    }
    Ok(contents)
}

/// Decrypts a PEM block with the header DEK-Info.
pub(super) fn decrypt_block(
    dek_info: &str,
    ciphertext: &[u8],
    unlocker: &mut Unlocker<'_, '_>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let dek_info = DekInfo::parse(dek_info)?;
    dek_info.check_length(ciphertext)?;
    unlocker.unlock(PasswordTarget::Key, false, |password, limits| {
        Ok(dek_info.decrypt(&PasswordEncodings::for_key(password), ciphertext, limits)?)
    })
}

fn one_key(key: PrivateKey) -> Contents {
    Contents { keys: vec![key.into()], ..Contents::new(Container::Key) }
}
