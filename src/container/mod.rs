//! What a file is, and what it holds. Told by content, never by the file's name.

pub(crate) mod kubernetes;
mod passwords;
mod pkcs7;

use std::collections::HashMap;
use std::io;

use serde::Serialize;
use x509_parser::asn1_rs::Tag;

use crate::asn1::{self, Malformed, Value};
use crate::certificate::Certificate;
use crate::crypto::pbe::SchemeError;
use crate::crypto::pkcs8;
use crate::key::{self, BadKey, PrivateKey, TraditionalKind};
use crate::limits::{LimitError, Limits};
use crate::pem;
use crate::pkcs12::{Bag, BagContent, Pfx, Pkcs12Error, Pkcs12Info};
use crate::request::CertificateRequest;
use crate::secret::Password;
pub(crate) use passwords::PasswordTarget;
pub use passwords::Passwords;
use passwords::with_password;

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
    /// What the file is.
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
    /// The bags of a PKCS#12 file as they are there: what the file holds twice has two.
    pub bags: Vec<Bag>,
    /// Whether all that the file holds was read. `false` where that is not known: a PKCS#7 or PKCS#12 file may hold
    /// more than is read of it.
    pub is_read_whole: bool,
}

/// Something in a file, with the names it has there.
#[derive(Debug, Clone)]
pub struct Entry<T> {
    /// The thing itself.
    pub item: T,
    /// friendlyName (PKCS#9).
    pub friendly_name: Option<String>,
    /// localKeyID (PKCS#9).
    pub local_key_id: Option<Vec<u8>>,
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

/// Why a file does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is something else.
    #[error("{}", match .0 { Some(what) => format!("this is {what}, not a certificate"), None => "this is not a certificate, a key or a PKCS#12 file".to_owned() })]
    Unrecognized(Option<&'static str>),
    /// It is PEM, and no block is of use.
    #[error("this is not a certificate: the PEM file holds only {0}")]
    UnknownBlocks(String),
    /// It says that it is longer than it is.
    #[error("the file is damaged: it is cut short ({found} bytes are there, {claimed} should be)")]
    Truncated {
        /// The length by the outermost header.
        claimed: usize,
        /// The length of the file.
        found: usize,
    },
    /// It is not what its format says.
    #[error("the file is damaged: {0}")]
    Malformed(#[from] Malformed),
    /// It uses what is not implemented.
    #[error("unsupported algorithm: the {part} uses {name} ({oid})")]
    Unsupported {
        /// What uses it.
        part: &'static str,
        /// The algorithm's name.
        name: &'static str,
        /// Its object identifier.
        oid: String,
    },
    /// It asks for too much work.
    #[error("the file {0}")]
    Limit(#[from] LimitError),
    /// A password is needed, and there is none.
    #[error("the {0} needs a password")]
    PasswordNeeded(PasswordTarget),
    /// The password is wrong.
    #[error("{}", wrong_password(*.protected, *.mac))]
    WrongPassword {
        /// What it was for.
        protected: PasswordTarget,
        /// Whether a MAC said so.
        mac: bool,
        /// Whether the file opens without a password.
        opens_without: bool,
    },
    /// The file and the key in it have different passwords.
    #[error("the password opens the PKCS#12 file, but the private key in it has another password")]
    KeyPassword,
    /// A private key cannot be read.
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// Asking for a password failed.
    #[error("no password was entered: {0}")]
    Ask(io::Error),
}

fn wrong_password(protected: PasswordTarget, mac: bool) -> String {
    if mac {
        format!("wrong password for the {protected}: its MAC does not verify (its algorithms are all supported)")
    } else {
        format!("wrong password for the {protected}, or the file is damaged (it has no MAC that could tell)")
    }
}

impl From<Pkcs12Error> for OpenError {
    fn from(error: Pkcs12Error) -> Self {
        match error {
            Pkcs12Error::Malformed(malformed) => Self::Malformed(malformed),
            Pkcs12Error::Unsupported { part, name, oid } => Self::Unsupported { part, name, oid },
            Pkcs12Error::Limit(limit) => Self::Limit(limit),
            Pkcs12Error::WrongPassword { mac } => wrong(PasswordTarget::Pkcs12, mac),
            Pkcs12Error::KeyPassword => Self::KeyPassword,
        }
    }
}

fn wrong(protected: PasswordTarget, mac: bool) -> OpenError {
    OpenError::WrongPassword { protected, mac, opens_without: false }
}

/// A file that does not open, and what can be said of it all the same.
#[derive(Debug)]
pub struct OpenFailure {
    /// Why.
    pub error: OpenError,
    /// What it is, where that is known.
    pub container: Option<Container>,
    /// The algorithms of a PKCS#12 file.
    pub pkcs12: Option<Box<Pkcs12Info>>,
}

impl<E: Into<OpenError>> From<E> for OpenFailure {
    fn from(error: E) -> Self {
        Self { error: error.into(), container: None, pkcs12: None }
    }
}

/// Reads everything in a file. `max_iterations` bounds the work that one try of a password may cost.
///
/// # Errors
/// When anything in it cannot be read: a part that is passed over in silence is a part that is lost.
pub fn open(bytes: &[u8], passwords: &mut Passwords<'_>, max_iterations: u64) -> Result<Contents, OpenFailure> {
    Ok(open_with_repeats(bytes, passwords, max_iterations)?.without_repeats())
}

fn open_with_repeats(
    bytes: &[u8],
    passwords: &mut Passwords<'_>,
    max_iterations: u64,
) -> Result<Contents, OpenFailure> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(OpenError::Empty.into());
    }
    let utf8 = pem::from_utf16(bytes);
    let bytes = utf8.as_ref().map_or(bytes, |text| text.as_bytes());
    if pem::is_it(bytes) {
        let contents = open_pem(bytes, passwords, max_iterations);
        return contents.map_err(|error| OpenFailure { error, container: Some(Container::Pem), pkcs12: None });
    }
    let decoded = pem::bare_base64(bytes);
    let der = decoded.as_deref().unwrap_or(bytes);
    if let Some(error) = lookalike(der) {
        return Err(error.into());
    }
    if Pfx::is_it(der) {
        return open_pkcs12(der, passwords, max_iterations);
    }
    let (container, contents) = open_der(der, passwords, max_iterations)?;
    match contents {
        Ok(contents) => Ok(Contents { is_read_whole: container != Container::Pkcs7 && is_one_value(der), ..contents }),
        Err(error) => Err(OpenFailure { error, container: Some(container), pkcs12: None }),
    }
}

/// Returns whether nothing but white space follows the first value.
fn is_one_value(der: &[u8]) -> bool {
    let Some(rest) = asn1::claimed_length(der).and_then(|length| der.get(length..)) else { return false };
    rest.iter().all(u8::is_ascii_whitespace)
}

/// Files that are often taken for certificates, by how they begin.
const LOOKALIKES: [(&[u8], &str); 9] = [
    (b"\xfe\xed\xfe\xed", "a Java keystore (JKS)"),
    (b"\xce\xce\xce\xce", "a Java keystore (JCEKS)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"bplist", "a property list"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"ssh-", "an SSH public key"),
];

fn lookalike(bytes: &[u8]) -> Option<OpenError> {
    let known = LOOKALIKES.iter().find(|(magic, _)| bytes.starts_with(magic));
    if let Some((_, what)) = known {
        return Some(OpenError::Unrecognized(Some(what)));
    }
    if !bytes.starts_with(b"\x30") {
        return Some(OpenError::Unrecognized(None));
    }
    let claimed = asn1::claimed_length(bytes).filter(|claimed| *claimed > bytes.len())?;
    // What claims to be longer than any file is rather no DER at all.
    Some(if claimed as u64 > crate::limits::MAX_FILE_SIZE {
        OpenError::Unrecognized(None)
    } else {
        OpenError::Truncated { claimed, found: bytes.len() }
    })
}

fn open_pkcs12(der: &[u8], passwords: &mut Passwords<'_>, max_iterations: u64) -> Result<Contents, OpenFailure> {
    let outside = |info: Option<&Pkcs12Info>| {
        let pkcs12 = info.cloned().map(Box::new);
        move |error: OpenError| OpenFailure { error, container: Some(Container::Pkcs12), pkcs12 }
    };
    let pfx = Pfx::parse(der).map_err(|error| outside(None)(error.into()))?;
    let info = pfx.info().map_err(|error| outside(None)(error.into()))?;
    let bags = with_password(passwords, PasswordTarget::Pkcs12, max_iterations, |password, limit| {
        pfx.open(password, &Limits::new(limit)).map_err(|error| outside(Some(&info))(error.into()))
    })?;
    let mut contents = Contents::new(Container::Pkcs12);
    for bag in &bags {
        let (friendly_name, local_key_id) = (bag.friendly_name(), bag.local_key_id());
        match &bag.content {
            BagContent::Certificate(der) => {
                let item = Certificate::parse(der).map_err(|error| outside(Some(&info))(error.into()))?;
                contents.certificates.push(Entry { item, friendly_name, local_key_id });
            }
            BagContent::Key(der) => {
                let item = PrivateKey::from_pkcs8(der).map_err(|error| outside(Some(&info))(error.into()))?;
                contents.keys.push(Entry { item, friendly_name, local_key_id });
            }
            BagContent::Safe | BagContent::Secret(_) | BagContent::Other => {}
        }
    }
    Ok(Contents { pkcs12: Some(info), bags, ..contents })
}

type Opened = Result<Contents, OpenError>;

/// Tells DER structures apart by their first fields.
fn open_der(der: &[u8], passwords: &mut Passwords<'_>, max_iterations: u64) -> Result<(Container, Opened), OpenError> {
    let (outer, _) = Value::parse(der, "its outermost structure")?;
    let mut reader = outer.reader("its outermost structure");
    let mut fields = Vec::new();
    while let Ok(Some(field)) = reader.try_next() {
        fields.push(field);
    }
    let key = |key: Result<PrivateKey, OpenError>| {
        let contents = key.map(|key| Contents { keys: vec![key.into()], ..Contents::new(Container::Key) });
        Ok((Container::Key, contents))
    };
    if pkcs8::is_pkcs8(outer.encoded()) {
        return key(PrivateKey::from_pkcs8(outer.encoded()).map_err(Into::into));
    }
    match key::traditional_kind(&fields) {
        Some(TraditionalKind::Pkcs1) => return key(PrivateKey::from_pkcs1(outer.encoded()).map_err(Into::into)),
        Some(TraditionalKind::Sec1) => return key(PrivateKey::from_sec1(outer.encoded()).map_err(Into::into)),
        None => {}
    }
    match &fields[..] {
        [oid, ..] if oid.is(Tag::Oid) => {
            let certificates = pkcs7::certificates(&outer).map_err(OpenError::from).and_then(|list| parse_all(&list));
            let certificates =
                certificates.map(|certificates| Contents { certificates, ..Contents::new(Container::Pkcs7) });
            Ok((Container::Pkcs7, certificates))
        }
        [algorithm, octets] if algorithm.is(Tag::Sequence) && octets.is(Tag::OctetString) => {
            key(encrypted_key(&outer, passwords, max_iterations))
        }
        [signed, algorithm, signature]
            if signed.is(Tag::Sequence) && algorithm.is(Tag::Sequence) && signature.is(Tag::BitString) =>
        {
            if is_request(signed) {
                let request = CertificateRequest::parse(outer.encoded()).map_err(OpenError::from);
                let contents =
                    request.map(|request| Contents { requests: vec![request], ..Contents::new(Container::Csr) });
                return Ok((Container::Csr, contents));
            }
            let certificates = parse_all(&[outer.encoded()]);
            let contents = certificates.map(|certificates| Contents { certificates, ..Contents::new(Container::Der) });
            Ok((Container::Der, contents))
        }
        _ => Err(OpenError::Unrecognized(None)),
    }
}

/// Whether the first field of a signed structure is that of a request: version, then a name (a sequence
/// of sets), where a certificate has an algorithm (a sequence that begins with an object identifier).
fn is_request(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader("file");
    let mut next = || fields.try_next().ok().flatten();
    let (Some(version), Some(name), Some(key)) = (next(), next(), next()) else { return false };
    let first = name.reader("file").try_next().ok().flatten();
    version.is(Tag::Integer)
        && name.is(Tag::Sequence)
        && first.is_none_or(|rdn| rdn.is(Tag::Set))
        && key.is(Tag::Sequence)
}

fn parse_all(list: &[&[u8]]) -> Result<Vec<Entry<Certificate>>, OpenError> {
    list.iter().map(|der| Ok(Certificate::parse(der)?.into())).collect()
}

fn encrypted_key(
    info: &Value<'_>,
    passwords: &mut Passwords<'_>,
    max_iterations: u64,
) -> Result<PrivateKey, OpenError> {
    let (scheme, ciphertext) = pkcs8::parse_encrypted_key(info).map_err(|error| match error {
        SchemeError::Malformed(malformed) => OpenError::Malformed(malformed),
        SchemeError::Unsupported { name, oid } => {
            OpenError::Unsupported { part: "encryption of the private key", name, oid }
        }
    })?;
    let der = with_password(passwords, PasswordTarget::Key, max_iterations, |password, limit| {
        let encodings = crate::secret::Encodings::of(password);
        let limits = Limits::new(limit);
        let plain = scheme.decrypt(&encodings, &ciphertext, &limits, |plain| pkcs8::is_pkcs8(&plain).then_some(plain));
        plain.map_err(OpenError::from)?.ok_or_else(|| wrong(PasswordTarget::Key, false))
    });
    Ok(PrivateKey::from_pkcs8(&der.map_err(|unopened| unopened.error)?)?)
}

fn open_pem(bytes: &[u8], passwords: &mut Passwords<'_>, max_iterations: u64) -> Opened {
    let mut contents = Contents::new(Container::Pem);
    let mut others: Vec<String> = Vec::new();
    let blocks = pem::parse(bytes)?;
    contents.is_read_whole = !pem::has_other_text(bytes, &blocks);
    for block in blocks {
        let within = |error: OpenError| match error {
            OpenError::Malformed(Malformed { part, problem }) => {
                OpenError::Malformed(Malformed::new(block.name(), format!("{part} {problem}")))
            }
            error => error,
        };
        contents.is_read_whole &= block.headers.is_empty() && is_one_value(&block.der);
        match block.label {
            Some("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") => {
                let certificate = Certificate::parse(&block.der).map_err(|error| within(error.into()))?;
                contents.certificates.push(certificate.into());
            }
            Some("PKCS7" | "CMS") => {
                contents.is_read_whole = false;
                let list = Value::parse(&block.der, "PKCS#7").and_then(|(outer, _)| pkcs7::certificates(&outer));
                contents
                    .certificates
                    .extend(list.map_err(Into::into).and_then(|list| parse_all(&list)).map_err(within)?);
            }
            Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => {
                let request = CertificateRequest::parse(&block.der).map_err(|error| within(error.into()))?;
                contents.requests.push(request);
            }
            Some("PRIVATE KEY") => contents.keys.push(PrivateKey::from_pkcs8(&block.der)?.into()),
            Some("ENCRYPTED PRIVATE KEY") => {
                let (info, _) =
                    Value::parse(&block.der, "encrypted private key").map_err(|error| within(error.into()))?;
                let key = encrypted_key(&info, passwords, max_iterations).map_err(within)?;
                contents.keys.push(key.into());
            }
            Some("RSA PRIVATE KEY" | "EC PRIVATE KEY") => {
                contents.keys.push(traditional_key(&block, passwords)?.into());
            }
            Some(label) => others.push(label.to_owned()),
            None => others.push(format!("a block with an unknown label at line {}", block.line)),
        }
    }
    contents.is_read_whole &= others.is_empty();
    if contents.certificates.is_empty()
        && contents.keys.is_empty()
        && contents.requests.is_empty()
        && !others.is_empty()
    {
        others.dedup();
        return Err(OpenError::UnknownBlocks(others.join(", ")));
    }
    Ok(contents)
}

fn traditional_key(block: &pem::Block<'_>, passwords: &mut Passwords<'_>) -> Result<PrivateKey, OpenError> {
    if block.headers.iter().any(|(name, _)| *name == "DEK-Info") {
        let key = with_password(passwords, PasswordTarget::Key, 0, |password, _| {
            let empty = Password::new(vec![]);
            let key = PrivateKey::from_encrypted_pem(&block.text, password.unwrap_or(&empty));
            key.ok_or_else(|| wrong(PasswordTarget::Key, false))
        });
        return key.map_err(|unopened| unopened.error);
    }
    Ok(match block.label {
        Some("RSA PRIVATE KEY") => PrivateKey::from_pkcs1(&block.der)?,
        _ => PrivateKey::from_sec1(&block.der)?,
    })
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
