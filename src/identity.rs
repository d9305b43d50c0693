//! A leaf certificate with its key, paired by the public key and by nothing else.

use std::collections::{HashMap, HashSet};

use time::OffsetDateTime;

use crate::certificate::chain::FileCas;
use crate::certificate::warning::KeyState;
use crate::certificate::{Certificate, OpensslRefusal};
use crate::container::{Contents, Entry};
use crate::key::PrivateKey;
use crate::public_key::KeyIdentity;
use crate::text::printable_name;

/// Certificates and keys, paired by their public keys.
#[derive(Debug, Clone)]
pub struct Collection<'a> {
    certificates: &'a [Entry<Certificate>],
    keys: &'a [Entry<PrivateKey>],
    keys_by_identity: HashMap<&'a KeyIdentity, &'a Entry<PrivateKey>>,
    /// The keys whose certificate is there.
    paired: HashSet<&'a KeyIdentity>,
    /// The authorities that do not call themselves so, in DER.
    silent_authorities: HashSet<&'a [u8]>,
}

/// One choice among several identities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The certificate's name.
    pub title: String,
    /// Its first topic.
    pub topic: Option<String>,
    /// The day its validity ends.
    pub not_after: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// The reasons why there is no identity to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No certificate at all.
    #[error("{}", no_certificate(*.has_key, *.may_sign_tokens))]
    NoCertificate {
        has_key: bool,
        /// The key may be an APNs token signing key.
        may_sign_tokens: bool,
    },
    /// A certificate without a key.
    #[error("there is no private key in it, only the certificate \"{}\"", printable_name(.0))]
    NoKey(String),
    /// A certificate without its key, beside others with theirs.
    #[error("the private key of the certificate \"{}\" is missing; the keys that are there belong to others", printable_name(.0))]
    KeyMissing(String),
    /// A certificate and a key of another.
    #[error("the private key does not match the certificate \"{}\"", printable_name(.0))]
    Mismatch(String),
    /// A certificate that OpenSSL does not read, and why.
    #[error("the certificate \"{}\" is damaged: OpenSSL does not read it ({})", printable_name(.title), .problem)]
    Damaged { title: String, problem: &'static str },
    /// More than one.
    #[error("there are {} identities in it", .0.len())]
    Several(Vec<Choice>),
    /// None that was asked for but an authority's.
    #[error("\"{}\" is the certificate of an authority, \"{}\"", printable_name(.wanted), printable_name(.title))]
    Authority { wanted: String, title: String },
    /// None that was asked for.
    #[error("no certificate in it is \"{}\"", printable_name(.0))]
    NotFound(String, Vec<Choice>),
}

fn no_certificate(has_key: bool, may_sign_tokens: bool) -> &'static str {
    match (has_key, may_sign_tokens) {
        (_, true) => "this looks like an APNs token signing key, not a certificate",
        (true, false) => "there is no certificate in it, only a private key",
        (false, false) => "there is no certificate in it",
    }
}

impl Contents {
    /// Returns the authorities among the certificates, which chains are built from.
    pub(crate) fn authorities(&self) -> FileCas<'_> {
        FileCas::new(self.certificates.iter().map(|entry| &entry.item))
    }

    /// Returns the authorities as TLS sends them (RFC 5246 section 7.4.2): each certifies the one before it, from the
    /// leaf on. Those that do not lead up from it follow, in the file's order. Where no leaf is given, it is the only one.
    pub(crate) fn sorted_authorities(
        &self,
        leaf: Option<&Certificate>,
        now: OffsetDateTime,
    ) -> Vec<&Entry<Certificate>> {
        let collection = Collection::new(&self.certificates, &self.keys);
        let mut authorities = collection.authorities();
        let leaf = match (leaf, &collection.leaves()[..]) {
            (Some(leaf), _) => leaf,
            (None, [only]) => &only.item,
            (None, _) => return authorities,
        };
        let path = FileCas::of_all(authorities.iter().map(|entry| &entry.item)).path_of(leaf, now);
        authorities.sort_by_key(|entry| {
            let place = path.iter().position(|issuer| issuer.der == entry.item.der);
            place.unwrap_or(path.len())
        });
        authorities
    }

    /// Returns what is known of a leaf's key, in view of what was not read. `collection` is that of these contents.
    pub(crate) fn key_state(&self, collection: &Collection<'_>, certificate: &Certificate) -> KeyState {
        match collection.key_state(certificate) {
            KeyState::Missing | KeyState::Mismatch if self.may_have_unread_key() => KeyState::Unread,
            state => state,
        }
    }
}

impl<'a> Collection<'a> {
    /// Pairs these certificates and keys.
    pub fn new(certificates: &'a [Entry<Certificate>], keys: &'a [Entry<PrivateKey>]) -> Self {
        let mut keys_by_identity = HashMap::with_capacity(keys.len());
        for key in keys {
            keys_by_identity.entry(key.item.public().identity()).or_insert(key);
        }
        let silent_authorities = silent_authorities(certificates);
        let mut collection = Self { certificates, keys, keys_by_identity, paired: HashSet::new(), silent_authorities };
        for certificate in certificates {
            if collection.key_of(&certificate.item).is_some() {
                collection.paired.insert(certificate.item.public_key.identity());
            }
        }
        collection
    }

    /// Returns the key of a certificate.
    pub fn key_of(&self, certificate: &Certificate) -> Option<&'a Entry<PrivateKey>> {
        let key = *self.keys_by_identity.get(certificate.public_key.identity())?;
        if key.item.public().is_same_key(&certificate.public_key) { Some(key) } else { None }
    }

    /// Returns whether a certificate is a leaf: no authority, or one whose key is there (self-made certificates often
    /// call themselves CAs).
    pub(crate) fn is_leaf(&self, certificate: &Certificate) -> bool {
        !self.is_authority(certificate) || self.key_of(certificate).is_some()
    }

    /// Returns whether a certificate is that of an authority.
    fn is_authority(&self, certificate: &Certificate) -> bool {
        certificate.is_ca || self.silent_authorities.contains(certificate.der.as_slice())
    }

    /// Returns what is known of a leaf's key.
    pub(crate) fn key_state(&self, certificate: &Certificate) -> KeyState {
        if self.key_of(certificate).is_some() {
            KeyState::Matches
        } else if self.has_spare_key() {
            KeyState::Mismatch
        } else {
            KeyState::Missing
        }
    }

    /// Returns whether a certificate for this key is there.
    pub(crate) fn has_certificate(&self, key: &PrivateKey) -> bool {
        self.paired.contains(key.public().identity())
    }

    /// Returns whether there is a key whose certificate is not there.
    fn has_spare_key(&self) -> bool {
        self.paired.len() < self.keys_by_identity.len()
    }

    /// Returns the leaf certificates.
    pub(crate) fn leaves(&self) -> Vec<&'a Entry<Certificate>> {
        self.certificates.iter().filter(|entry| self.is_leaf(&entry.item)).collect()
    }

    /// Returns the certificates of authorities.
    pub(crate) fn authorities(&self) -> Vec<&'a Entry<Certificate>> {
        self.certificates.iter().filter(|entry| !self.is_leaf(&entry.item)).collect()
    }

    /// Returns the leaves that have their key, or all leaves where no key is needed. `wanted` is a topic, a
    /// bundle ID, or a SHA-256 (with or without colons, or its first eight digits or more).
    ///
    /// # Errors
    /// When there is none, or one that OpenSSL does not read.
    pub(crate) fn identities(
        &self,
        wanted: Option<&str>,
        needs_key: bool,
    ) -> Result<Vec<&'a Entry<Certificate>>, SelectError> {
        let identities = self.candidates(wanted, needs_key)?;
        check_for_openssl(identities.iter().map(|entry| &entry.item))?;
        Ok(identities)
    }

    fn candidates(&self, wanted: Option<&str>, needs_key: bool) -> Result<Vec<&'a Entry<Certificate>>, SelectError> {
        let mut leaves = self.leaves_or_authorities()?;
        if let Some(name) = wanted {
            leaves = match (choose(leaves, name), self.authority_called(name)) {
                (Err(SelectError::NotFound(wanted, _)), Some(title)) => {
                    return Err(SelectError::Authority { wanted, title });
                }
                (chosen, _) => chosen?,
            };
        }
        if needs_key { self.with_key(leaves) } else { Ok(leaves) }
    }

    fn authority_called(&self, wanted: &str) -> Option<String> {
        let authorities = self.authorities();
        let found = authorities.iter().find(|entry| is_called(&entry.item, wanted))?;
        Some(found.item.title().to_owned())
    }

    /// Returns the leaves; a file that holds only CA certificates is about those.
    fn leaves_or_authorities(&self) -> Result<Vec<&'a Entry<Certificate>>, SelectError> {
        if self.certificates.is_empty() {
            let may_sign_tokens = self.keys.iter().any(|key| key.item.may_sign_tokens());
            return Err(SelectError::NoCertificate { has_key: !self.keys.is_empty(), may_sign_tokens });
        }
        let leaves = self.leaves();
        if leaves.is_empty() { Ok(self.certificates.iter().collect()) } else { Ok(leaves) }
    }

    fn with_key(&self, leaves: Vec<&'a Entry<Certificate>>) -> Result<Vec<&'a Entry<Certificate>>, SelectError> {
        let title = leaves[0].item.title().to_owned();
        let mut identities = leaves;
        identities.retain(|entry| self.key_of(&entry.item).is_some());
        if !identities.is_empty() {
            Ok(identities)
        } else if self.keys.is_empty() {
            Err(SelectError::NoKey(title))
        } else if self.has_spare_key() {
            Err(SelectError::Mismatch(title))
        } else {
            Err(SelectError::KeyMissing(title))
        }
    }

    /// Returns the one identity.
    ///
    /// # Errors
    /// When there is none, or more than one, or one that OpenSSL does not read.
    pub fn select(&self, wanted: Option<&str>, needs_key: bool) -> Result<&'a Entry<Certificate>, SelectError> {
        let only = self.pick(wanted, needs_key)?;
        check_for_openssl([&only.item])?;
        Ok(only)
    }

    /// Returns the one identity, whose certificate is not to be written: OpenSSL need not read it.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub(crate) fn pick(&self, wanted: Option<&str>, needs_key: bool) -> Result<&'a Entry<Certificate>, SelectError> {
        match self.candidates(wanted, needs_key)?[..] {
            [only] => Ok(only),
            ref several => Err(SelectError::Several(list_choices(several))),
        }
    }
}

/// Returns the certificates that say nothing of their use, as those of version 1 and many self-made ones do, and whose key
/// signed another certificate. One that is for hosts, or says that it is no authority, is none.
fn silent_authorities(certificates: &[Entry<Certificate>]) -> HashSet<&[u8]> {
    let mut silent = Vec::new();
    for entry in certificates {
        if entry.item.is_silent() {
            silent.push(&entry.item);
        }
    }
    let mut found = HashSet::new();
    if silent.is_empty() {
        return found;
    }
    let mut by_issuer: HashMap<&[u8], Vec<&Certificate>> = HashMap::new();
    for entry in certificates {
        if !entry.item.is_self_issued() {
            by_issuer.entry(&entry.item.raw_issuer).or_default().push(&entry.item);
        }
    }
    // It counts the work of all signatures.
    let signatures = FileCas::of_all([]);
    for authority in silent {
        let named = by_issuer.get(authority.raw_subject.as_slice()).map_or(&[][..], Vec::as_slice);
        if named.iter().any(|certificate| signatures.is_issuer(authority, certificate)) {
            found.insert(authority.der.as_slice());
        }
    }
    found
}

/// Refuses certificates that OpenSSL does not read: nor do curl, node, PHP and most servers.
///
/// # Errors
/// When there is one.
pub(crate) fn check_for_openssl<'a>(
    certificates: impl IntoIterator<Item = &'a Certificate>,
) -> Result<(), SelectError> {
    for certificate in certificates {
        if let Some(OpensslRefusal { reason, is_new: false }) = certificate.openssl_refusal() {
            return Err(SelectError::Damaged { title: certificate.title().to_owned(), problem: reason });
        }
    }
    Ok(())
}

/// Keeps the certificates that are called `wanted`; never none.
fn choose<'a>(leaves: Vec<&'a Entry<Certificate>>, wanted: &str) -> Result<Vec<&'a Entry<Certificate>>, SelectError> {
    let mut chosen = leaves.clone();
    chosen.retain(|entry| is_called(&entry.item, wanted));
    if chosen.is_empty() { Err(SelectError::NotFound(wanted.to_owned(), list_choices(&leaves))) } else { Ok(chosen) }
}

pub(crate) fn is_called(certificate: &Certificate, wanted: &str) -> bool {
    let digits = wanted.replace(':', "").to_ascii_lowercase();
    let is_fingerprint = digits.len() >= 8 && certificate.sha256().starts_with(&digits);
    is_fingerprint
        || certificate.bundle_id.as_deref() == Some(wanted)
        || certificate.topics.iter().any(|topic| topic.topic == wanted)
}

fn list_choices(entries: &[&Entry<Certificate>]) -> Vec<Choice> {
    let mut choices = Vec::new();
    for entry in entries {
        let certificate = &entry.item;
        choices.push(Choice {
            title: certificate.title().to_owned(),
            topic: certificate.main_topic().map(str::to_owned),
            not_after: certificate.not_after.date().to_string(),
            sha256: certificate.sha256(),
        });
    }
    choices
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::test_support::{certificate, fixture};

    fn key(path: &str) -> PrivateKey {
        PrivateKey::from_pkcs1(&fixture(path)).unwrap()
    }

    #[test]
    fn a_key_that_belongs_to_another_certificate_is_no_mismatch() {
        let certificates = [certificate("der/universal.cer").into(), certificate("der/other.cer").into()];
        let keys = [key("key/pkcs1.der").into()];
        let both = Collection::new(&certificates, &keys);
        assert!(matches!(both.select(Some("com.example.Other"), true), Err(SelectError::KeyMissing(_))));
        assert_eq!(both.key_state(&certificates[1].item), KeyState::Missing);
        let other = Collection::new(&certificates[1..], &keys);
        assert!(matches!(other.select(None, true), Err(SelectError::Mismatch(_))));
        assert_eq!(other.key_state(&certificates[1].item), KeyState::Mismatch);
        let none = Collection::new(&certificates, &[]);
        assert!(matches!(none.select(Some("com.example.Other"), true), Err(SelectError::NoKey(_))));
    }

    #[test]
    fn many_certificates_without_their_keys_take_no_long_time() {
        let mut certificates = Vec::new();
        for _ in 0..20_000 {
            certificates.push(certificate("der/other.cer").into());
        }
        let keys = [key("key/pkcs1.der").into()];
        let start = Instant::now();
        let collection = Collection::new(&certificates, &keys);
        for entry in &certificates {
            assert_eq!(collection.key_state(&entry.item), KeyState::Mismatch);
            assert!(collection.is_leaf(&entry.item));
        }
        // Quadratic time is minutes.
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    }
}
