//! Reads files of one DER value: a certificate, a request, or a private key; and a key in OpenSSL's encrypted PEM.

use crate::asn1::Value;
use crate::certificate::Certificate;
use crate::container::detect::is_one_value;
use crate::container::passwords::{PasswordTarget, Unlocker};
use crate::container::{Container, Contents, OpenError};
use crate::crypto::pkcs8::EncryptedKey;
use crate::key::PrivateKey;
use crate::request::CertificateRequest;
use crate::secret::{Password, PasswordEncodings};

pub(super) fn read_certificate(bytes: &[u8], _: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let certificates = vec![Certificate::parse(bytes)?.into()];
    Ok(Contents { certificates, is_read_whole: is_one_value(bytes), ..Contents::new(Container::Der) })
}

pub(super) fn read_request(bytes: &[u8], _: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let requests = vec![CertificateRequest::parse(bytes)?];
    Ok(Contents { requests, is_read_whole: is_one_value(bytes), ..Contents::new(Container::Csr) })
}

pub(super) fn read_pkcs8_key(bytes: &[u8], _: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    Ok(one_key(PrivateKey::from_pkcs8(bytes)?, bytes))
}

pub(super) fn read_pkcs1_key(bytes: &[u8], _: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    Ok(one_key(PrivateKey::from_pkcs1(bytes)?, bytes))
}

pub(super) fn read_sec1_key(bytes: &[u8], _: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    Ok(one_key(PrivateKey::from_sec1(bytes)?, bytes))
}

pub(super) fn read_encrypted_key(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let (info, _) = Value::parse(bytes, "encrypted private key")?;
    let key = EncryptedKey::parse(&info)?;
    let der = unlocker.unlock(PasswordTarget::Key, false, |password, limits| {
        Ok(key.decrypt(&PasswordEncodings::of(password), limits)?)
    })?;
    Ok(one_key(PrivateKey::from_pkcs8(&der)?, bytes))
}

/// Reads a PEM block with the header DEK-Info.
pub(super) fn read_encrypted_pem_key(block: &str, unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let none = Password::new(vec![]);
    let key = unlocker.unlock(PasswordTarget::Key, false, |password, _| {
        Ok(PrivateKey::from_encrypted_pem(block, password.unwrap_or(&none)))
    })?;
    Ok(one_key(key, &[]))
}

fn one_key(key: PrivateKey, bytes: &[u8]) -> Contents {
    Contents { keys: vec![key.into()], is_read_whole: is_one_value(bytes), ..Contents::new(Container::Key) }
}
