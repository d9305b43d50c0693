//! Opens a file: detects what it is, and calls the reader of its format.

mod der;
mod detect;
mod error;
pub(crate) mod kubernetes;
mod passwords;
mod pem;
mod pkcs12;
mod pkcs7;

use std::collections::HashMap;

use serde::Serialize;

use crate::certificate::Certificate;
use crate::key::PrivateKey;
use crate::pkcs12::{Bag, Pfx, Pkcs12Info};
use crate::request::CertificateRequest;
use detect::Format;
pub use error::OpenError;
pub(crate) use passwords::PasswordTarget;
pub use passwords::Passwords;
use passwords::Unlocker;

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// PKCS#12 (.p12, .pfx).
    Pkcs12,
    /// PEM, whatever the blocks are.
    Pem,
    /// One certificate in DER (.cer, .crt).
    Der,
    /// PKCS#7 certificates (.p7b), in DER.
    Pkcs7,
    /// A certificate signing request in DER.
    Csr,
    /// A private key in DER.
    Key,
}

/// Everything in a file.
#[derive(Debug)]
pub struct Contents {
    pub container: Container,
    /// The certificates, in the file's order, each once.
    pub certificates: Vec<Entry<Certificate>>,
    /// The private keys, likewise.
    pub keys: Vec<Entry<PrivateKey>>,
    /// The private keys of the file itself where `keys` are those of another.
    pub(crate) replaced_keys: Vec<Entry<PrivateKey>>,
    /// The certificate signing requests, likewise.
    pub requests: Vec<CertificateRequest>,
    /// The algorithms of a PKCS#12 file.
    pub pkcs12: Option<Pkcs12Info>,
    /// All bags of a PKCS#12 file: what the file holds twice has two.
    pub bags: Vec<Bag>,
    /// True if all that the file holds was read. A PKCS#7 or PKCS#12 file may hold more than is read of it.
    pub is_read_whole: bool,
}

/// Something in a file, with the names it has there.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    pub item: T,
    /// friendlyName (PKCS#9).
    pub friendly_name: Option<String>,
    /// localKeyID (PKCS#9).
    pub local_key_id: Option<Vec<u8>>,
}

/// The facts about a file that need no password.
#[derive(Debug, Default)]
pub(crate) struct FileFacts {
    /// `None` if the file is of no known type.
    pub(crate) container: Option<Container>,
    /// The algorithms of a PKCS#12 file.
    pub(crate) pkcs12: Option<Pkcs12Info>,
}

type Reader = fn(&[u8], &mut Unlocker<'_, '_>) -> Result<Contents, OpenError>;

/// Reads everything in a file. `max_iterations` bounds the work that one try of a password may cost.
///
/// # Errors
/// When anything in it cannot be read: a part that is passed over in silence is a part that is lost.
pub fn open(bytes: &[u8], passwords: &mut Passwords<'_>, max_iterations: u64) -> Result<Contents, OpenError> {
    let decoded = detect::decode(bytes);
    let bytes = decoded.as_deref().map_or(bytes, Vec::as_slice);
    let read: Reader = match detect::detect(bytes)? {
        Format::Pem => pem::read,
        Format::Pkcs12 => pkcs12::read,
        Format::Certificate => der::read_certificate,
        Format::Pkcs7 => pkcs7::read,
        Format::Request => der::read_request,
        Format::Pkcs8Key => der::read_pkcs8_key,
        Format::EncryptedKey => der::read_encrypted_key,
        Format::Pkcs1Key => der::read_pkcs1_key,
        Format::Sec1Key => der::read_sec1_key,
    };
    let contents = read(bytes, &mut Unlocker { passwords, max_iterations })?;
    Ok(contents.without_repeats())
}

/// Returns what can be said of a file that does not open.
pub(crate) fn describe(bytes: &[u8]) -> FileFacts {
    let decoded = detect::decode(bytes);
    let bytes = decoded.as_deref().map_or(bytes, Vec::as_slice);
    let Ok(format) = detect::detect(bytes) else { return FileFacts::default() };
    let pkcs12 = match format {
        Format::Pkcs12 => Pfx::parse(bytes).and_then(|pfx| pfx.info()).ok(),
        _ => None,
    };
    FileFacts { container: Some(format.container()), pkcs12 }
}

impl<T> From<T> for Entry<T> {
    fn from(item: T) -> Self {
        Self { item, friendly_name: None, local_key_id: None }
    }
}

impl<T> Entry<T> {
    /// Takes the names of the same item elsewhere in the file where it has none here.
    fn add_names(&mut self, other: Self) {
        if self.friendly_name.is_none() {
            self.friendly_name = other.friendly_name;
        }
        if self.local_key_id.is_none() {
            self.local_key_id = other.local_key_id;
        }
    }
}

impl Contents {
    fn new(container: Container) -> Self {
        Self {
            container,
            certificates: vec![],
            keys: vec![],
            replaced_keys: vec![],
            requests: vec![],
            pkcs12: None,
            bags: vec![],
            is_read_whole: false,
        }
    }

    /// Returns whether there is neither a certificate nor a key nor a request.
    pub(crate) fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.keys.is_empty() && self.requests.is_empty()
    }

    /// Adds what a part of the file holds.
    fn add(&mut self, part: Self) {
        self.certificates.extend(part.certificates);
        self.keys.extend(part.keys);
        self.requests.extend(part.requests);
        self.is_read_whole &= part.is_read_whole;
    }

    /// Leaves each certificate and each key once: Keychain Access exports both twice when both are selected.
    fn without_repeats(self) -> Self {
        Self {
            certificates: each_once(self.certificates, |certificate| &certificate.der),
            keys: each_once(self.keys, PrivateKey::pkcs8),
            ..self
        }
    }
}

/// Returns the first of all entries with the same encoding, with the names of all.
fn each_once<T>(entries: Vec<Entry<T>>, encoding: fn(&T) -> &[u8]) -> Vec<Entry<T>> {
    let mut places = Vec::with_capacity(entries.len());
    let mut known = HashMap::new();
    for entry in &entries {
        let next = known.len();
        places.push(*known.entry(encoding(&entry.item)).or_insert(next));
    }
    let mut kept: Vec<Entry<T>> = Vec::with_capacity(known.len());
    for (entry, place) in entries.into_iter().zip(places) {
        match kept.get_mut(place) {
            Some(first) => first.add_names(entry),
            None => kept.push(entry),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_there_twice_has_the_names_of_both() {
        let entry = |bytes: &[u8], name: Option<&str>, id: Option<u8>| Entry {
            item: bytes.to_vec(),
            friendly_name: name.map(str::to_owned),
            local_key_id: id.map(|id| vec![id]),
        };
        let entries = vec![
            entry(b"a", None, Some(1)),
            entry(b"b", Some("b"), None),
            entry(b"a", Some("a"), Some(2)),
            entry(b"c", None, None),
            entry(b"b", Some("other"), None),
        ];
        let mut once = Vec::new();
        for Entry { item, friendly_name, local_key_id } in each_once(entries, Vec::as_slice) {
            once.push((item, friendly_name, local_key_id));
        }
        let (a, b) = (Some("a".to_owned()), Some("b".to_owned()));
        assert_eq!(once, [(b"a".to_vec(), a, Some(vec![1])), (b"b".to_vec(), b, None), (b"c".to_vec(), None, None)]);
    }
}
