//! Opens a file: detects what it is, and calls the reader of its format.

mod addressed;
mod attributes;
mod der;
mod detect;
mod dump;
mod error;
mod escape;
mod hidden;
pub(crate) mod kubernetes;
mod list;
mod literal;
pub(crate) mod lookalike;
mod passwords;
mod pem;
mod pkcs12;
mod pkcs7;
mod plain;
pub(crate) mod profile;
mod registry;
mod transport;
mod yaml;

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::crypto::DecodeError;
use crate::key::PrivateKey;
use crate::limits::{LimitError, MAX_PARTS, Reading, ReadingWork};
use crate::pkcs12::{Bag, BagContent, Holds, Pfx, Pkcs12Info};
use crate::request::CertificateRequest;
use detect::Format;
pub use error::OpenError;
use lookalike::Lookalike;
pub(crate) use passwords::PasswordTarget;
pub use passwords::Passwords;
use passwords::Unlocker;
pub(crate) use plain::is_dump;

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
    /// The file itself may hold a key that was not read, where `keys` are those of another.
    pub(crate) replaced_unread_key: bool,
    /// The file of `keys` may hold another that was not read.
    pub(crate) key_file_unread: bool,
    /// The file of `keys` is another, which by its name and its keys has one that signs tokens.
    pub(crate) has_token_key: bool,
    /// The certificate signing requests, likewise.
    pub requests: Vec<CertificateRequest>,
    /// The algorithms of a PKCS#12 file.
    pub pkcs12: Option<Pkcs12Info>,
    /// All bags of a PKCS#12 file: what the file holds twice has two.
    pub bags: Vec<Bag>,
    /// The parts that could not be read, in the file's order.
    pub unread: Vec<Unread>,
    /// The parts that are neither a certificate nor a key, such as "a public key (PEM block … at line 3)".
    pub others: Vec<String>,
    /// What those of `others` are that are told by their kind.
    pub(crate) other_kinds: Vec<Lookalike>,
    /// True if nothing stands in the file beside what was read. A PKCS#7 or PKCS#12 file may hold more than is read
    /// of it.
    pub is_read_whole: bool,
    /// True if what was not read beside it may hold a key, in a form that is not known.
    pub(crate) may_hide_key: bool,
    /// True if a key that was read is encrypted, outside of PKCS#12.
    pub(crate) has_encrypted_key: bool,
}

/// A part of a file that was not read.
#[derive(Debug, Clone)]
pub struct Unread {
    /// Its place in the file.
    pub place: String,
    /// The kind of thing that it holds, as far as that is known.
    pub holds: Holds,
    pub error: OpenError,
    pub substance: Substance,
}

/// The thing that stands in the place of a part's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Substance {
    /// Data, or what is left of it.
    Data,
    /// Nothing, in a block that should hold a certificate: it was blanked or cut.
    Blanked,
    /// Dots, in such a block between words: documents show one.
    Dots,
    /// Words: the text only speaks of a BEGIN.
    MereText,
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
    /// It begins as a sequence of more than 127 bytes, or of unknown length: every certificate is that long.
    pub(crate) begins_as_der: bool,
}

/// The most parts of one file that cannot be read, and of those that are something else.
const MAX_UNREAD: usize = 1_000;

/// Reads what can be read in a file, and lists what cannot. `max_iterations` bounds the work that all its parts and
/// all tries of passwords together may cost.
///
/// # Errors
/// When nothing in it can be read.
pub fn open(bytes: &[u8], passwords: &mut Passwords<'_>, max_iterations: u64) -> Result<Contents, OpenError> {
    open_within(ReadingWork::MAX, bytes, &mut Unlocker::new(passwords, max_iterations))
}

/// As [`open`], where reading may take so much work.
fn open_within(work: ReadingWork, bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let reading = Reading::begin(work);
    let undone = transport::undo(bytes);
    let plain = match &undone {
        Some(undone) => &undone.bytes,
        None => bytes,
    };
    let mut read = read_layer(plain, unlocker).and_then(Contents::check_anything);
    if let (Ok(contents), Some(undone)) = (&mut read, &undone) {
        contents.may_hide_key |= undone.may_hide_key;
    }
    match read {
        Ok(contents) if reading.is_search_over() => Ok(contents.with_unsearched().without_repeats()),
        Err(_) if reading.is_search_over() => Err(LimitError::Search.into()),
        Ok(contents) => Ok(contents.without_repeats()),
        Err(error) => Err(match transport::text_mode_damage(plain) {
            Some(damage) => OpenError::TextMode(damage),
            None => error,
        }),
    }
}

/// Reads a file whose transport is undone.
fn read_layer(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let bytes = detect::trim_start(bytes);
    match detect::detect(bytes) {
        Ok(Format::Pem) => pem::read(bytes, unlocker),
        Ok(_) => der::read(bytes, unlocker),
        // A list of revoked certificates, or what nobody knows, may stand before a certificate.
        Err(_) if der::is_followed(bytes) => der::read(bytes, unlocker),
        Err(error) => match detect::after_headers(bytes) {
            Some(value) => Ok(Contents { is_read_whole: false, ..der::read(value, unlocker)? }),
            None => Err(error),
        },
    }
}

/// Reads a file inside another.
fn open_inner(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    match transport::undo(bytes) {
        Some(undone) => read_layer(&undone.bytes, unlocker),
        None => read_layer(bytes, unlocker),
    }
}

/// Returns a text without what transport put around its characters: UTF-16, a byte order mark.
pub(crate) fn as_utf8(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    transport::as_utf8(text)
}

/// Returns whether a text has PEM blocks in it, or values that are files in Base64.
pub(crate) fn has_text_parts(text: &[u8]) -> bool {
    crate::pem::looks_like_pem(text) || transport::has_encoded_part(text)
}

/// Returns whether a file that is of no known type may hold a key.
pub(crate) fn may_hide_key(bytes: &[u8]) -> bool {
    hidden::may_hide_key(bytes)
}

/// The most bytes of a text that is told by its beginning.
const MAX_BEGINNING: usize = 1 << 20;

/// As [`describe`], by the beginning of a text alone: what stands in it was searched for before.
pub(crate) fn describe_beginning(bytes: &[u8]) -> FileFacts {
    match transport::begins_as_der(bytes) {
        true => describe(bytes),
        false => describe(&bytes[..bytes.len().min(MAX_BEGINNING)]),
    }
}

/// Returns what can be said of a file that does not open.
pub(crate) fn describe(bytes: &[u8]) -> FileFacts {
    let _reading = Reading::begin(ReadingWork::MAX.quarter());
    let undone = transport::undo(bytes);
    let bytes = match &undone {
        Some(undone) => &undone.bytes,
        None => bytes,
    };
    let begins_as_der = transport::begins_as_file(bytes);
    let Ok(format) = detect::detect(bytes) else { return FileFacts { begins_as_der, ..FileFacts::default() } };
    let pkcs12 = match format {
        Format::Pkcs12 => Pfx::parse(bytes).and_then(|pfx| pfx.info()).ok(),
        _ => None,
    };
    FileFacts { container: Some(format.container()), pkcs12, begins_as_der }
}

/// Returns whether a file is a PKCS#12 file without a key outside of its encrypted parts, where all usual writers put it,
/// itself encrypted.
pub(crate) fn shows_no_key(bytes: &[u8]) -> bool {
    match describe(bytes).pkcs12 {
        Some(info) => info.certificate_encryption.is_some() && info.key_encryption.is_none(),
        None => false,
    }
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
            replaced_unread_key: false,
            key_file_unread: false,
            has_token_key: false,
            requests: vec![],
            pkcs12: None,
            bags: vec![],
            unread: vec![],
            others: vec![],
            other_kinds: vec![],
            is_read_whole: false,
            may_hide_key: false,
            has_encrypted_key: false,
        }
    }

    /// Returns these contents with the keys of another file in the place of their own.
    pub(crate) fn with_keys(self, keys: Vec<Entry<PrivateKey>>) -> Self {
        let replaced_unread_key = self.may_have_unread_key();
        let mut unread = self.unread;
        unread.retain(|unread| unread.holds != Holds::Key);
        Self { keys, replaced_keys: self.keys, replaced_unread_key, unread, ..self }
    }

    /// Returns whether there is neither a certificate nor a key nor a request.
    pub(crate) fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.keys.is_empty() && self.requests.is_empty()
    }

    /// Adds what a part of the file holds.
    fn add(&mut self, part: Self) -> Result<(), OpenError> {
        self.certificates.extend(part.certificates);
        self.keys.extend(part.keys);
        self.requests.extend(part.requests);
        self.bags.extend(part.bags);
        self.unread.extend(part.unread);
        self.others.extend(part.others);
        self.other_kinds.extend(part.other_kinds);
        self.is_read_whole &= part.is_read_whole;
        self.may_hide_key |= part.may_hide_key;
        self.has_encrypted_key |= part.has_encrypted_key;
        if self.pkcs12.is_none() {
            self.pkcs12 = part.pkcs12;
        }
        self.check_bounds()
    }

    /// Refuses a file of too many parts. One that is not checked for want of time stands for all that follow it.
    fn check_bounds(&mut self) -> Result<(), OpenError> {
        let parts = self.certificates.len() + self.keys.len() + self.requests.len();
        if parts.max(self.bags.len()) > MAX_PARTS {
            return Err(LimitError::Parts { limit: MAX_PARTS }.into());
        }
        if self.unread.len() > MAX_UNREAD {
            self.unread.dedup_by(|next, kept| next.error.is_unchecked() && kept.error.is_unchecked());
        }
        if self.unread.len() > MAX_UNREAD {
            return Err(LimitError::UnreadParts { limit: MAX_UNREAD }.into());
        }
        Ok(())
    }

    /// Records that something was not searched, which may hold anything.
    fn with_unsearched(mut self) -> Self {
        let place = "the rest of the file".to_owned();
        self.unread.push(Unread::new(place, Holds::Anything, LimitError::Search.into()));
        self
    }

    /// Adds something that is no certificate. A key of a kind that is not read is missed; parameters are not.
    fn add_other(&mut self, kind: Lookalike, place: &str) {
        self.is_read_whole = false;
        if kind.holds() == Holds::Other && self.others.len() >= MAX_UNREAD {
            // So many of them are of no interest to anyone.
        } else if kind.holds() == Holds::Other {
            self.others.push(format!("{} ({place})", kind.name()));
            self.other_kinds.push(kind);
        } else {
            self.unread.push(Unread::new(place.to_owned(), kind.holds(), OpenError::Lookalike(kind)));
        }
    }

    /// Returns why nothing was read where that is so.
    fn check_anything(self) -> Result<Self, OpenError> {
        if !self.is_empty() {
            return Ok(self);
        }
        let first = self.unread.iter().min_by_key(|unread| unread.rank());
        if self.unread.iter().all(|unread| unread.substance == Substance::MereText)
            && let Some(Unread { error: OpenError::Decode(DecodeError::Malformed(problem)), .. }) = first
        {
            return Err(OpenError::MereText(problem.clone()));
        }
        if let Some(unread) = first {
            return Err(pem::at_place(unread.error.clone(), &unread.place));
        }
        if self.others.is_empty() {
            return Ok(self);
        }
        let are_all_known = self.other_kinds.len() == self.others.len();
        let kinds = if are_all_known { self.other_kinds } else { vec![] };
        Err(OpenError::OnlyOthers { list: self.others.join(", "), kinds })
    }

    /// Returns whether a key may be among what was not read.
    pub(crate) fn may_have_unread_key(&self) -> bool {
        self.unread.iter().any(Unread::may_be_key)
    }

    /// Returns the bags with secrets of other applications: symmetric keys and passwords in a keystore of Java.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Bag> {
        self.bags.iter().filter(|bag| matches!(bag.content, BagContent::Secret(_)))
    }

    /// Returns whether a key may be lost with the file that is not among its keys.
    pub(crate) fn may_lose_key(&self) -> bool {
        self.may_hide_key || self.may_have_unread_key()
    }

    /// Leaves each certificate and each key once: Keychain Access exports both twice when both are selected.
    fn without_repeats(self) -> Self {
        Self {
            certificates: each_once(self.certificates, |certificate| &certificate.der[..]),
            keys: each_once(self.keys, |key| key.public().identity()),
            ..self
        }
    }
}

impl fmt::Display for Unread {
    /// Says what was not read, and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, error, .. } = self;
        match error {
            // The sentence has the place.
            OpenError::Decode(DecodeError::Malformed(_)) => pem::at_place(error.clone(), place).fmt(f),
            OpenError::Lookalike(kind) => write!(f, "{place} is {}, which is not read here", kind.name()),
            _ => write!(f, "{place}: {error}"),
        }
    }
}

impl Unread {
    fn new(place: String, holds: Holds, error: OpenError) -> Self {
        Self { place, holds, error, substance: Substance::Data }
    }

    /// Returns which of several parts tells the most: damage before a lock, and a locked certificate before a key.
    fn rank(&self) -> u8 {
        match (self.error.is_locked(), self.holds) {
            (false, _) => 0,
            (true, Holds::Certificate | Holds::Anything) => 1,
            (true, Holds::Key | Holds::Mac | Holds::Other) => 2,
        }
    }

    pub(crate) fn may_be_certificate(&self) -> bool {
        matches!(self.holds, Holds::Certificate | Holds::Anything)
    }

    pub(crate) fn may_be_key(&self) -> bool {
        matches!(self.holds, Holds::Key | Holds::Anything)
    }
}

/// Returns the first of all entries with the same identity, with the names of all.
fn each_once<T, I: Hash + Eq + ?Sized>(entries: Vec<Entry<T>>, identity: fn(&T) -> &I) -> Vec<Entry<T>> {
    let mut places = Vec::with_capacity(entries.len());
    let mut known = HashMap::new();
    for entry in &entries {
        let next = known.len();
        places.push(*known.entry(identity(&entry.item)).or_insert(next));
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
    use crate::secret::Password;
    use crate::test_support::fixture;

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

    fn open_with(work: ReadingWork, bytes: &[u8]) -> Result<Contents, OpenError> {
        open_within(work, bytes, &mut Unlocker::new(&mut Passwords::None, 1))
    }

    /// Ten bytes each, which begin as a sequence of 64 KiB, whose first field has no length and no end.
    const ENDLESS: &[u8] = b"\x04\x08\x30\x82\xff\xff\x30\x80\x05\x00";

    #[test]
    fn what_a_file_may_ask_to_be_searched_is_bounded_and_said() {
        let certificate = fixture("der/universal.cer");
        let endless = ENDLESS.repeat(8_000);
        for file in [
            [&pem_of(&certificate), &endless[..], &fixture("der/ec.cer")].concat(),
            [&certificate[..], b"x", &endless].concat(),
            [&pem_of(&certificate), &endless[..]].concat(),
            [&pem_of(&certificate), &b"----BEGIN A".repeat(20_000)[..], &pem_of(&fixture("der/ec.cer"))].concat(),
            [&b"-----BEGIN X-----\n-----END X-----\n".repeat(20_000)[..], &pem_of(&certificate)].concat(),
        ] {
            let contents = open_with(ReadingWork::new(1 << 20, 100), &file);
            let said = match &contents {
                Ok(contents) => contents.unread.last().unwrap().to_string(),
                Err(error) => error.to_string(),
            };
            assert!(said.contains("takes too long to search"), "{said}");
        }
    }

    fn pem_of(der: &[u8]) -> Vec<u8> {
        crate::pem::encode("CERTIFICATE", der).as_bytes().to_vec()
    }

    #[test]
    fn what_stands_behind_many_zeros_is_found() {
        let certificate = fixture("der/universal.cer");
        let file = [&pem_of(&certificate), &b"0".repeat(300_000)[..], &fixture("der/ec.cer")].concat();
        assert_eq!(open_with(ReadingWork::new(1 << 10, 100), &file).unwrap().certificates.len(), 2);
    }

    #[test]
    fn a_pkcs12_file_is_parsed_once_however_many_passwords_are_tried() {
        let data = |content: &[u8]| {
            let kind = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
            value(0x30, &[kind, &value(0xa0, &value(0x04, content))[..]].concat())
        };
        // A bag of an unknown type and of no length, which is unread with every password; there is no MAC.
        let bag = [b"\x30\x80\x06\x01\x2a\xa0\x80", &value(0x04, &[0; 4096])[..], b"\0\0\0\0"].concat();
        let safes = value(0x30, &data(&value(0x30, &bag)));
        let file = value(0x30, &[b"\x02\x01\x03", &data(&safes)[..]].concat());
        let passwords: Vec<Password> = (0..50).map(|number| Password::new(vec![number])).collect();
        let said = |searched| {
            let mut passwords = Passwords::AnyOf(&passwords);
            let mut unlocker = Unlocker::new(&mut passwords, 1_000);
            open_within(ReadingWork::new(searched, 100), &file, &mut unlocker).unwrap_err().to_string()
        };
        assert!(said(4 * file.len()).contains("a bag of the type 1.2,"), "{}", said(4 * file.len()));
        assert!(said(file.len() / 2).contains("takes too long to search"), "{}", said(file.len() / 2));
    }

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    #[test]
    fn what_is_not_checked_for_want_of_time_takes_no_certificate_away() {
        let text = |name| String::from_utf8(crate::test_support::fixture(name)).unwrap();
        let file = text("key/ec.pem").repeat(MAX_UNREAD + 100) + &text("pem/certificate-only.pem");
        let mut passwords = Passwords::None;
        let mut unlocker = Unlocker::new(&mut passwords, 1);
        let read = open_within(ReadingWork::new(1 << 20, 2), file.as_bytes(), &mut unlocker).unwrap();
        assert_eq!((read.certificates.len(), read.keys.len()), (1, 1));
        assert!(read.unread.len() <= MAX_UNREAD && !read.unread.is_empty(), "{}", read.unread.len());
        assert!(read.unread[0].error.to_string().contains("takes too long to check"), "{}", read.unread[0].error);
    }
}
