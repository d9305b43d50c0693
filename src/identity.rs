//! A leaf certificate with its key, paired by the public key and by nothing else.

use crate::certificate::Certificate;
use crate::certificate::warning::KeyState;
use crate::container::Entry;
use crate::key::PrivateKey;

/// What certificates and keys there are, and which belong together.
#[derive(Debug, Clone, Copy)]
pub struct Collection<'a> {
    certificates: &'a [Entry<Certificate>],
    keys: &'a [Entry<PrivateKey>],
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

/// Why there is no identity to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No certificate at all.
    #[error("{}", no_certificate(*.has_key, *.may_sign_tokens))]
    NoCertificate {
        /// Whether there is a key.
        has_key: bool,
        /// Whether the key may be an APNs token signing key.
        may_sign_tokens: bool,
    },
    /// A certificate without a key.
    #[error("there is no private key in it, only the certificate \"{0}\"")]
    NoKey(String),
    /// A certificate and a key of another.
    #[error("the private key does not match the certificate \"{0}\"")]
    Mismatch(String),
    /// More than one.
    #[error("there are {} identities in it", .0.len())]
    Several(Vec<Choice>),
    /// None that was asked for.
    #[error("no certificate in it is \"{0}\"")]
    NotFound(String, Vec<Choice>),
}

fn no_certificate(has_key: bool, may_sign_tokens: bool) -> &'static str {
    match (has_key, may_sign_tokens) {
        (_, true) => "this looks like an APNs token signing key, not a certificate",
        (true, false) => "there is no certificate in it, only a private key",
        (false, false) => "there is no certificate in it",
    }
}

impl<'a> Collection<'a> {
    /// Looks at these certificates and keys.
    pub fn new(certificates: &'a [Entry<Certificate>], keys: &'a [Entry<PrivateKey>]) -> Self {
        Self { certificates, keys }
    }

    /// The key of a certificate.
    pub fn key_of(&self, certificate: &Certificate) -> Option<&'a Entry<PrivateKey>> {
        self.keys.iter().find(|key| key.item.public().is_same_key(&certificate.public_key))
    }

    /// Whether a certificate is a leaf: no authority, or one whose key is there (self-made
    /// certificates often call themselves authorities).
    pub fn is_leaf(&self, certificate: &Certificate) -> bool {
        !certificate.is_ca || self.key_of(certificate).is_some()
    }

    /// What is known of a leaf's key.
    pub fn key_state(&self, certificate: &Certificate) -> KeyState {
        if self.key_of(certificate).is_some() {
            KeyState::Matches
        } else if self.keys.iter().any(|key| self.certificate_of(&key.item).is_none()) {
            KeyState::Mismatch
        } else {
            KeyState::Missing
        }
    }

    fn certificate_of(&self, key: &PrivateKey) -> Option<&'a Entry<Certificate>> {
        self.certificates.iter().find(|entry| entry.item.public_key.is_same_key(key.public()))
    }

    /// The leaf certificates.
    pub fn leaves(&self) -> Vec<&'a Entry<Certificate>> {
        self.certificates.iter().filter(|entry| self.is_leaf(&entry.item)).collect()
    }

    /// The authorities.
    pub fn authorities(&self) -> Vec<&'a Entry<Certificate>> {
        self.certificates.iter().filter(|entry| !self.is_leaf(&entry.item)).collect()
    }

    /// The leaves that have their key, or all leaves where no key is wanted. `wanted` is a topic, a
    /// bundle ID, or a SHA-256 (with or without colons, or its first eight digits or more).
    ///
    /// # Errors
    /// When there is none.
    pub fn identities(
        &self,
        wanted: Option<&str>,
        needs_key: bool,
    ) -> Result<Vec<&'a Entry<Certificate>>, SelectError> {
        let mut leaves = self.leaves();
        if leaves.is_empty() {
            // Authorities alone are what the file is about then.
            leaves = self.certificates.iter().collect();
        }
        if leaves.is_empty() {
            let may_sign_tokens = self.keys.iter().any(|key| key.item.may_sign_tokens());
            return Err(SelectError::NoCertificate { has_key: !self.keys.is_empty(), may_sign_tokens });
        }
        if let Some(wanted) = wanted {
            let found: Vec<_> = leaves.iter().copied().filter(|entry| is_called(&entry.item, wanted)).collect();
            if found.is_empty() {
                return Err(SelectError::NotFound(wanted.to_owned(), choices(&leaves)));
            }
            leaves = found;
        }
        if !needs_key {
            return Ok(leaves);
        }
        let identities: Vec<_> = leaves.iter().copied().filter(|entry| self.key_of(&entry.item).is_some()).collect();
        match (identities.is_empty(), self.keys.is_empty(), leaves.first()) {
            (true, true, Some(first)) => Err(SelectError::NoKey(first.item.title().to_owned())),
            (true, false, Some(first)) => Err(SelectError::Mismatch(first.item.title().to_owned())),
            _ => Ok(identities),
        }
    }

    /// The one identity.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn select(&self, wanted: Option<&str>, needs_key: bool) -> Result<&'a Entry<Certificate>, SelectError> {
        match self.identities(wanted, needs_key)?[..] {
            [only] => Ok(only),
            ref several => Err(SelectError::Several(choices(several))),
        }
    }
}

fn is_called(certificate: &Certificate, wanted: &str) -> bool {
    let digits: String = wanted.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
    let is_fingerprint = digits.len() >= 8 && certificate.sha256().starts_with(&digits);
    is_fingerprint
        || certificate.bundle_id.as_deref() == Some(wanted)
        || certificate.topics.iter().any(|topic| topic.topic == wanted)
}

fn choices(entries: &[&Entry<Certificate>]) -> Vec<Choice> {
    let choice = |entry: &&Entry<Certificate>| Choice {
        title: entry.item.title().to_owned(),
        topic: entry.item.main_topic().map(str::to_owned),
        not_after: entry.item.not_after.date().to_string(),
        sha256: entry.item.sha256(),
    };
    entries.iter().map(choice).collect()
}
