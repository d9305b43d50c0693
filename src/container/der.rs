//! Reads DER values: certificates, requests, private keys, containers, one after the other; and a key in OpenSSL's
//! encrypted PEM.

use zeroize::Zeroizing;

use crate::asn1::Value;
use crate::certificate::Certificate;
use crate::container::detect::{self, Format};
use crate::container::passwords::{PasswordTarget, Unlocker};
use crate::container::{Container, Contents, OpenError, Unread, pkcs7, pkcs12};
use crate::crypto::dek::DekInfo;
use crate::crypto::pkcs8::EncryptedKey;
use crate::key::PrivateKey;
use crate::pkcs12::Holds;
use crate::request::CertificateRequest;
use crate::secret::PasswordEncodings;

/// Reads all values of a file. What follows them and is no value is passed over.
pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let first = detect::detect_der(bytes).and_then(|format| read_value(format, bytes, unlocker));
    let mut rest = after_value(bytes);
    if !rest.starts_with(b"\x30") {
        let mut contents = first?;
        contents.is_read_whole &= rest.is_empty();
        return Ok(contents);
    }
    let mut contents = Contents { is_read_whole: true, ..Contents::new(Container::Der) };
    contents.add_part("byte 0", first)?;
    while rest.starts_with(b"\x30") {
        let place = format!("byte {}", bytes.len() - rest.len());
        let part = detect::detect_der(rest).and_then(|format| read_value(format, rest, unlocker));
        contents.add_part(&place, part)?;
        rest = after_value(rest);
    }
    contents.is_read_whole &= rest.is_empty();
    Ok(contents)
}

/// Returns what follows the first value, without white space; nothing where the value is not whole.
fn after_value(bytes: &[u8]) -> &[u8] {
    match Value::parse_prefix(bytes) {
        Some((_, rest)) => rest.trim_ascii(),
        None => &[],
    }
}

impl Contents {
    /// Adds one of several values of a file.
    fn add_part(&mut self, place: &str, read: Result<Self, OpenError>) -> Result<(), OpenError> {
        match read {
            Ok(contents) => return self.add(contents),
            Err(OpenError::Lookalike(kind)) => self.add_other(kind, place),
            Err(error) => self.unread.push(Unread::new(place.to_owned(), Holds::Anything, error)),
        }
        self.check_bounds()
    }
}

/// Reads the first value of `bytes`.
pub(super) fn read_value(format: Format, bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let container = format.container();
    let contents = match format {
        Format::Certificate => {
            Contents { certificates: vec![Certificate::parse(bytes)?.into()], ..Contents::new(container) }
        }
        Format::Request => Contents { requests: vec![CertificateRequest::parse(bytes)?], ..Contents::new(container) },
        Format::Pkcs12 => return pkcs12::read(bytes, unlocker),
        // A text is read before.
        Format::Pkcs7 | Format::Pem => return pkcs7::read(bytes),
        Format::Pkcs8Key => one_key(PrivateKey::from_pkcs8(bytes)?),
        Format::Pkcs1Key => one_key(PrivateKey::from_pkcs1(bytes)?),
        Format::Sec1Key | Format::DsaKey => one_key(PrivateKey::from_sec1(bytes)?),
        Format::EncryptedKey => one_key(read_encrypted_key(bytes, unlocker)?),
    };
    Ok(Contents { is_read_whole: true, ..contents })
}

fn read_encrypted_key(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<PrivateKey, OpenError> {
    let (info, _) = Value::parse(bytes, "encrypted private key")?;
    let key = EncryptedKey::parse(&info)?;
    let der = unlocker.unlock(PasswordTarget::Key, false, |password, limits| {
        Ok(key.decrypt(&PasswordEncodings::for_key(password), limits)?)
    })?;
    Ok(PrivateKey::from_pkcs8(&der)?)
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
