//! Reads PKCS#12 (RFC 7292), bag by bag, whoever wrote it; [`mod@write`] writes it.
//!
//! [`Pfx::parse`] and [`Pfx::safes`] read the structure, which needs no password. [`Safes::open`] checks the MAC,
//! decrypts, and returns every bag in the file's order.

mod bag;
mod mac;
pub(crate) mod write;

use std::borrow::Cow;

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use zeroize::Zeroizing;

pub(crate) use bag::{Bag, BagContent, Holds, OtherBag};
use bag::{OpenedBag, RawBag, RawBags, looks_like_safe_contents};
use mac::Mac;

use crate::asn1::{BerReader, Fault, Malformed, Value, oid_text};
use crate::attribute::parse_attributes;
use crate::crypto::pbe::Scheme;
use crate::crypto::{DecodeError, Remedy, pkcs8};
use crate::limits::{LimitError, Limits, MAX_PARTS};
use crate::secret::{Password, PasswordEncodings};

const DATA: Oid<'static> = oid!(1.2.840.113549.1.7.1);
const SIGNED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.2);
const ENVELOPED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.3);
const ENCRYPTED_DATA: Oid<'static> = oid!(1.2.840.113549.1.7.6);

/// The algorithms of a file, as far as they can be seen without its password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pkcs12Info {
    /// The encryption of the certificates; `None` if they are not encrypted, or if there are none.
    pub certificate_encryption: Option<String>,
    /// The encryption of the keys; `None` if they are not encrypted, are inside an encrypted part, or absent.
    pub key_encryption: Option<String>,
    /// A key is neither encrypted nor inside an encrypted part.
    pub key_unprotected: bool,
    pub mac: Option<String>,
    /// The iteration count of the MAC; 1 where the field is absent (RFC 7292 section 4).
    pub mac_iterations: Option<u64>,
    /// The highest iteration count of the encryptions.
    pub iterations: Option<u64>,
}

/// The outcome of one password.
pub(crate) enum Unlocked {
    Opened(Opened),
    WrongPassword,
    /// It opens a private key, but neither the MAC nor all other parts.
    KeyPassword,
}

/// The bags that were opened, and the parts that were not.
#[derive(Default)]
pub(crate) struct Opened {
    /// In the file's order, a nested safe before what it holds.
    pub(crate) bags: Vec<Bag>,
    pub(crate) unread: Vec<UnreadPart>,
    pub(crate) rests: Vec<Rest>,
}

/// Bytes that follow the only value that belongs into their place.
pub(crate) struct Rest {
    /// Its place, such as "after the content of bag 2".
    pub(crate) place: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// What follows the only values that belong into their places.
type Rests = Vec<Zeroizing<Vec<u8>>>;

fn keep_rest(rests: &mut Rests, rest: &[u8]) {
    if !rest.is_empty() {
        rests.push(Zeroizing::new(rest.to_vec()));
    }
}

/// A part of the file that was not read.
pub(crate) struct UnreadPart {
    /// Its place, such as "bag 2".
    pub(crate) place: String,
    pub(crate) holds: Holds,
    pub(crate) problem: PartProblem,
}

/// The reason why a part was not read.
pub(crate) enum PartProblem {
    Decode(DecodeError),
    /// No password that was tried fits.
    Locked,
    /// The password that opens other parts does not open this one.
    OtherPassword,
}

/// One part of the authenticated safe.
enum Safe<'a> {
    Plain(RawBags),
    Encrypted { scheme: Scheme, ciphertext: Cow<'a, [u8]>, rests: Rests },
    Unread(DecodeError),
}

/// The MAC of a file.
enum FileMac {
    Absent,
    Mac(Mac),
    Unread(DecodeError),
}

/// A PKCS#12 file, parsed as far as it goes without a password.
pub(crate) struct Pfx<'a> {
    auth_safe: Cow<'a, [u8]>,
    mac: FileMac,
    rests: Rests,
}

/// The only version of the format (RFC 7292 section 4).
const VERSION: u64 = 3;

/// The greatest number that is a version rather than damage: 1 was that of drafts, and there is none after 3.
const LAST_VERSION: u64 = 9;

/// The parts of a file, each parsed once, however many passwords are tried.
pub(crate) struct Safes<'a> {
    pfx: &'a Pfx<'a>,
    safes: Vec<Safe<'a>>,
    /// What follows the list of them.
    rests: Rests,
}

/// Returns whether a value begins as a PFX does: a sequence of a version and of data, plain or signed. Of version 3 the
/// data may be damaged.
pub(crate) fn looks_like_pfx(pfx: &Value<'_>) -> bool {
    let mut fields = pfx.reader("PKCS#12");
    match (fields.try_next(), fields.try_next()) {
        (Ok(Some(version)), Ok(Some(content))) => {
            let is_right = version.unsigned() == Ok(VERSION);
            let is_version = version.is(Tag::Integer);
            pfx.is(Tag::Sequence) && content.is(Tag::Sequence) && (is_right || (is_version && is_safe(&content)))
        }
        _ => false,
    }
}

/// Returns whether a value is the authenticated safe of a PFX, by its type.
fn is_safe(content: &Value<'_>) -> bool {
    match content.reader("PKCS#12").required("its type").and_then(|kind| kind.oid()) {
        Ok(kind) => kind == DATA || kind == SIGNED_DATA,
        Err(_) => false,
    }
}

impl<'a> Pfx<'a> {
    /// Reads the outer structure. Bytes after it are ignored.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (pfx, _) = Value::parse(bytes, "PKCS#12 file")?;
        let mut fields = pfx.reader("PKCS#12 file");
        let version = fields.expect(Tag::Integer, "the version")?.unsigned()?;
        if version != VERSION {
            let problem = fields.malformed(format!("its version is {version}, where {VERSION} is expected"));
            let fault = if version <= LAST_VERSION { Fault::Version } else { Fault::Damage };
            return Err(Malformed { fault, ..problem }.into());
        }
        let content = fields.expect(Tag::Sequence, "the authenticated safe")?;
        let mut content = content.reader("authenticated safe");
        let kind = content.required("its type")?.oid()?;
        if kind == SIGNED_DATA {
            let name = "a digital signature (signedData)";
            let (part, remedy) = ("integrity protection", Remedy::ExportAgain);
            return Err(DecodeError::Unsupported { part, name, oid: oid_text(&kind), remedy });
        }
        if kind != DATA {
            return Err(DecodeError::unknown_type("content", &kind));
        }
        let mut rests = Rests::new();
        let auth_safe = wrapped_octets(&mut content, &mut rests)?;
        let mut rest = fields.rest();
        let mac = match fields.try_next()? {
            Some(mac_data) if mac_data.is(Tag::Sequence) => {
                rest = fields.rest();
                match Mac::parse(&mac_data) {
                    Ok(mac) => FileMac::Mac(mac),
                    Err(error) => FileMac::Unread(error),
                }
            }
            _ => FileMac::Absent,
        };
        keep_rest(&mut rests, rest);
        Ok(Self { auth_safe, mac, rests })
    }

    /// Returns whether a MAC can tell a wrong password from damage.
    pub(crate) fn has_mac(&self) -> bool {
        matches!(self.mac, FileMac::Mac(_))
    }

    /// Returns why the MAC cannot be checked with any password.
    pub(crate) fn mac_problem(&self) -> Option<&DecodeError> {
        match &self.mac {
            FileMac::Unread(error) => Some(error),
            FileMac::Absent | FileMac::Mac(_) => None,
        }
    }

    /// Reads the parts, as far as they are not encrypted.
    pub(crate) fn safes(&self) -> Result<Safes<'_>, DecodeError> {
        let (list, rest) = Value::parse(&self.auth_safe, "authenticated safe")?;
        let mut rests = Rests::new();
        keep_rest(&mut rests, rest);
        let mut safes = Vec::new();
        let mut bags_left = MAX_PARTS;
        let mut list = list.reader("authenticated safe");
        while let Some(content) = list.try_next()? {
            if safes.len() == MAX_PARTS {
                return Err(LimitError::Parts { limit: MAX_PARTS }.into());
            }
            safes.push(match parse_safe(&content, &mut bags_left) {
                Ok(safe) => safe,
                Err(error) => Safe::Unread(error),
            });
        }
        Ok(Safes { pfx: self, safes, rests })
    }

    /// Returns the algorithms, as far as they can be seen without the password.
    pub(crate) fn info(&self) -> Result<Pkcs12Info, DecodeError> {
        Ok(self.safes()?.info())
    }
}

impl Safes<'_> {
    /// Returns the algorithms, as far as they can be seen without the password.
    pub(crate) fn info(&self) -> Pkcs12Info {
        let mut info = Pkcs12Info::default();
        if let FileMac::Mac(mac) = &self.pfx.mac {
            info.mac = Some(mac.to_string());
            info.mac_iterations = Some(mac.iterations());
        }
        for safe in &self.safes {
            match safe {
                Safe::Encrypted { scheme, .. } => {
                    info.iterations = info.iterations.max(Some(scheme.iterations()));
                    info.certificate_encryption.get_or_insert_with(|| scheme.to_string());
                }
                Safe::Plain(read) => {
                    for bag in &read.bags {
                        info.key_unprotected |= bag.is_plain_key();
                        let Some(scheme) = bag.scheme() else { continue };
                        info.iterations = info.iterations.max(Some(scheme.iterations()));
                        info.key_encryption.get_or_insert_with(|| scheme.to_string());
                    }
                }
                Safe::Unread(_) => {}
            }
        }
        info
    }

    /// Checks the MAC and decrypts.
    ///
    /// `None` and the empty password are the same question: both encodings of "none" are tried.
    ///
    /// # Errors
    /// When the structure is damaged.
    pub(crate) fn open(&self, password: Option<&Password>, limits: &Limits) -> Result<Unlocked, DecodeError> {
        let mut opener = SafeOpener { encodings: PasswordEncodings::of(password), ..SafeOpener::new(limits) };
        let mut problem = None;
        match &self.pfx.mac {
            FileMac::Absent => {}
            FileMac::Unread(error) => problem = Some(error.clone()),
            FileMac::Mac(mac) => match mac.verify(&self.pfx.auth_safe, &opener.encodings, limits) {
                Ok(Some(fitting)) => {
                    opener.encodings = fitting;
                    opener.is_proven = true;
                }
                Ok(None) if password.is_some() => {
                    problem = Some(altered().into());
                    opener.encodings.keep_proper();
                }
                Ok(None) => return Ok(Unlocked::WrongPassword),
                Err(error @ LimitError::Tries { .. }) => return Err(error.into()),
                Err(error) => {
                    problem = Some(error.clone().into());
                    opener.limit = Some(error);
                }
            },
        }
        for safe in &self.safes {
            opener.open(safe);
            // One part is enough to tell a wrong password from a MAC that was changed.
            if problem.is_some() && self.pfx.has_mac() && opener.locked > 0 && opener.decrypted == 0 {
                return Ok(Unlocked::WrongPassword);
            }
        }
        // Where the MAC and other parts do not fit, only the key has this password: Java allows that.
        if problem == Some(altered().into()) && opener.locked > 0 && opener.decrypted_safes == 0 {
            return Ok(Unlocked::KeyPassword);
        }
        // Without a MAC, a part that decrypts is the proof that the password is right. Where the MAC does not
        // verify although a part decrypts, the file was changed.
        let is_wrong = opener.locked > 0 || (self.pfx.has_mac() && opener.decrypted == 0);
        if !opener.is_proven && opener.decrypted == 0 && is_wrong {
            return match opener.limit {
                // Neither the MAC nor a part was judged.
                Some(error) if opener.locked == 0 && problem != Some(altered().into()) => Err(error.into()),
                _ => Ok(Unlocked::WrongPassword),
            };
        }
        opener.add_file_rests(self);
        Ok(Unlocked::Opened(opener.finish(problem)))
    }

    /// Returns what is not encrypted; the MAC cannot be checked.
    pub(crate) fn open_plain(&self) -> Opened {
        let limits = Limits::default();
        let mut opener = SafeOpener { is_plain: true, ..SafeOpener::new(&limits) };
        for safe in &self.safes {
            opener.open(safe);
        }
        if self.pfx.has_mac() {
            opener.add_unread("MAC".to_owned(), Holds::Mac, PartProblem::Locked);
        }
        opener.add_file_rests(self);
        opener.opened
    }
}

/// Opens the safes of a file one after the other.
struct SafeOpener<'l> {
    encodings: PasswordEncodings,
    limits: &'l Limits,
    /// No password is tried.
    is_plain: bool,
    /// The MAC has verified with the password.
    is_proven: bool,
    opened: Opened,
    /// The reason why a part was not decrypted with the password.
    limit: Option<LimitError>,
    /// The encrypted parts that the password opened, and those that it did not.
    decrypted: usize,
    locked: usize,
    /// Those of `decrypted` that are no bags.
    decrypted_safes: usize,
    bags: usize,
}

impl<'l> SafeOpener<'l> {
    fn new(limits: &'l Limits) -> Self {
        let encodings = PasswordEncodings::of(None);
        let opened = Opened::default();
        Self {
            encodings,
            limits,
            is_plain: false,
            is_proven: false,
            opened,
            limit: None,
            decrypted: 0,
            locked: 0,
            decrypted_safes: 0,
            bags: 0,
        }
    }

    fn open(&mut self, safe: &Safe<'_>) {
        match safe {
            Safe::Plain(read) => self.open_bags(read),
            Safe::Unread(error) => self.add_unread_part(PartProblem::Decode(error.clone())),
            Safe::Encrypted { rests, .. } if self.is_plain => {
                self.add_unread_part(PartProblem::Locked);
                self.add_rests(AFTER_PART, rests);
            }
            Safe::Encrypted { scheme, ciphertext, rests } => {
                self.add_rests(AFTER_PART, rests);
                match scheme.decrypt(&self.encodings, ciphertext, self.limits, looks_like_safe_contents) {
                    Ok(Some(plain)) => {
                        self.decrypted += 1;
                        self.decrypted_safes += 1;
                        match bag::parse_all(&plain) {
                            Ok(read) => self.open_bags(&read),
                            Err(error) => self.add_unread_part(PartProblem::Decode(error)),
                        }
                    }
                    Ok(None) => {
                        self.locked += 1;
                        self.add_unread_part(PartProblem::OtherPassword);
                    }
                    Err(error) => {
                        self.limit = Some(error.clone());
                        self.add_unread_part(PartProblem::Decode(error.into()));
                    }
                }
            }
        }
    }

    fn open_bags(&mut self, read: &RawBags) {
        if self.bags + read.bags.len() > MAX_PARTS {
            return self.add_unread_part(PartProblem::Decode(LimitError::Parts { limit: MAX_PARTS }.into()));
        }
        for bag in &read.bags {
            self.open_bag(bag);
        }
        self.add_rests("after the bags of a part", &read.rests);
    }

    fn open_bag(&mut self, bag: &RawBag) {
        self.bags += 1;
        let place = format!("bag {}", self.bags);
        let is_encrypted = bag.scheme().is_some();
        self.add_rests(&format!("after the content of {place}"), &bag.rests);
        let opened = if self.is_plain { bag.open_plain() } else { bag.open(&self.encodings, self.limits) };
        match opened {
            OpenedBag::Bag(bag) => {
                self.decrypted += usize::from(is_encrypted);
                if let BagContent::Key(key) = &bag.content {
                    self.add_key_rests(&place, key);
                }
                self.opened.bags.push(Bag { number: self.bags, ..bag });
            }
            OpenedBag::Locked => {
                self.locked += 1;
                let problem = if self.is_plain { PartProblem::Locked } else { PartProblem::OtherPassword };
                self.add_unread(place, Holds::Key, problem);
            }
            OpenedBag::Unread { holds, error } => {
                if let DecodeError::Limit(error) = &error {
                    self.limit = Some(error.clone());
                }
                self.add_unread(place, holds, PartProblem::Decode(error));
            }
        }
    }

    fn add_unread_part(&mut self, problem: PartProblem) {
        self.add_unread("encrypted part".to_owned(), Holds::Anything, problem);
    }

    fn add_unread(&mut self, place: String, holds: Holds, problem: PartProblem) {
        self.opened.unread.push(UnreadPart { place, holds, problem });
    }

    fn add_rests(&mut self, place: &str, rests: &Rests) {
        for bytes in rests {
            self.opened.rests.push(Rest { place: place.to_owned(), bytes: bytes.clone() });
        }
    }

    fn add_key_rests(&mut self, place: &str, key: &[u8]) {
        let Some((info, rest)) = Value::parse_prefix(key) else { return };
        self.add_rests(&format!("inside the key of {place}"), &pkcs8::strays_in(&info));
        let mut rests = Rests::new();
        keep_rest(&mut rests, rest);
        self.add_rests(&format!("after the content of {place}"), &rests);
    }

    fn add_file_rests(&mut self, safes: &Safes<'_>) {
        self.add_rests("after the parts of the file", &safes.rests);
        self.add_rests("at the end of the file", &safes.pfx.rests);
    }

    fn finish(mut self, mac_problem: Option<DecodeError>) -> Opened {
        if let Some(error) = mac_problem {
            self.add_unread("MAC".to_owned(), Holds::Mac, PartProblem::Decode(error));
        }
        self.opened
    }
}

const AFTER_PART: &str = "after the content of a part";

fn altered() -> Malformed {
    Malformed::new("MAC", "does not verify, although the password decrypts what it covers")
}

/// Reads a part of the authenticated safe. The bags of those that are not encrypted are counted down.
fn parse_safe<'a>(content: &Value<'a>, bags_left: &mut usize) -> Result<Safe<'a>, DecodeError> {
    let mut content = content.reader("safe");
    let kind = content.required("its type")?.oid()?;
    if kind == DATA {
        let mut rests = Rests::new();
        let mut read = match wrapped_octets(&mut content, &mut rests)? {
            Cow::Borrowed(bags) => bag::parse_all(bags)?,
            Cow::Owned(bags) => bag::parse_all(&Zeroizing::new(bags))?,
        };
        read.rests.extend(rests);
        *bags_left = match bags_left.checked_sub(read.bags.len()) {
            Some(left) => left,
            None => return Err(LimitError::Parts { limit: MAX_PARTS }.into()),
        };
        return Ok(Safe::Plain(read));
    }
    if kind == ENCRYPTED_DATA {
        return encrypted_safe(&mut content);
    }
    if kind == ENVELOPED_DATA {
        let name = "a recipient's public key (envelopedData)";
        let (part, remedy) = ("encryption", Remedy::ExportAgain);
        return Err(DecodeError::Unsupported { part, name, oid: oid_text(&kind), remedy });
    }
    Err(DecodeError::unknown_type("part", &kind))
}

/// Reads the octets in `[0] EXPLICIT OCTET STRING`, the last value of `content`. What follows goes to `rests`.
fn wrapped_octets<'a>(content: &mut BerReader<'a>, rests: &mut Rests) -> Result<Cow<'a, [u8]>, Malformed> {
    let mut wrapped = content.expect_context(0, "its content")?.reader("content");
    let octets = wrapped.expect(Tag::OctetString, "the octet string")?.octets()?;
    keep_rest(rests, wrapped.rest());
    keep_rest(rests, content.rest());
    Ok(octets)
}

/// Reads EncryptedData (RFC 2315 section 13, RFC 5652 section 8).
fn encrypted_safe<'a>(content: &mut BerReader<'a>) -> Result<Safe<'a>, DecodeError> {
    let mut rests = Rests::new();
    let mut wrapped = content.expect_context(0, "its content")?.reader("encrypted safe");
    let data = wrapped.expect(Tag::Sequence, "the encrypted data")?;
    keep_rest(&mut rests, wrapped.rest());
    keep_rest(&mut rests, content.rest());
    let mut data = data.reader("encrypted safe");
    data.expect(Tag::Integer, "the version")?;
    let mut info = data.expect(Tag::Sequence, "the encrypted content")?.reader("encrypted safe");
    info.required("the content type")?.oid()?;
    let algorithm = info.expect(Tag::Sequence, "the algorithm")?;
    let scheme = Scheme::parse(&algorithm, "encryption of the certificates")?;
    let ciphertext = info.expect_context(0, "the encrypted bytes")?.octets()?;
    scheme.check_length(&ciphertext, "encrypted safe")?;
    keep_rest(&mut rests, info.rest());
    let mut rest = data.rest();
    // Attributes that are not encrypted (RFC 5652 section 8).
    if let Ok(Some(field)) = data.try_next()
        && field.is_context(1)
        && parse_attributes(&field).is_ok()
    {
        rest = data.rest();
    }
    keep_rest(&mut rests, rest);
    Ok(Safe::Encrypted { scheme, ciphertext, rests })
}
