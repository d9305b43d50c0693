//! What a comparison looks at in a certificate beside what a report has anyway.

use std::borrow::Cow;

use crate::certificate::extension::NetscapeType;
use crate::certificate::renewal::keys::{self, KeyType, Reach};
use crate::certificate::renewal::uses::{CLIENT, SERVER};
use crate::certificate::{Certificate, name};

/// What a comparison looks at in a certificate beside what a report has anyway. It is kept small: a run of `expiry` has
/// very many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traits {
    pub(super) uid: Option<String>,
    pub(super) other_names: Vec<String>,
    pub(super) misplaced_addresses: Vec<String>,
    pub(super) usages: Vec<String>,
    /// As encoded. Whether it is the issuer takes long to tell, and is asked of few.
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) key_usage: KeyUsage,
    pub(super) weakness: Weakness,
    pub(super) is_ca: bool,
    pub(super) has_unknown_critical: bool,
    pub(super) must_staple: bool,
    /// A public authority issued it.
    pub(super) is_public: bool,
    pub(super) netscape_type: Option<NetscapeType>,
    pub(super) key: KeyTraits,
}

/// The kind of a key.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyTraits {
    pub(super) name: Cow<'static, str>,
    pub(super) reach: Reach,
}

/// What the key may be used for. A certificate that does not say it allows all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyUsage {
    pub(super) may_sign: bool,
    pub(super) may_encrypt: bool,
    pub(super) may_sign_certificates: bool,
}

/// What makes programs refuse a certificate for being too weak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weakness {
    /// The bits of an RSA key, where they are too few.
    pub(super) key: Option<usize>,
    pub(super) has_signature: bool,
}

impl Traits {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let key = &certificate.public_key;
        let is_weak_key = key.algorithm == "RSA" && key.bits < LEAST_RSA_BITS;
        Self {
            uid: certificate.uid.clone(),
            other_names: certificate.other_names.clone(),
            misplaced_addresses: certificate.misplaced_addresses.clone(),
            usages: certificate.usages.clone(),
            subject: certificate.raw_subject.clone(),
            issuer: certificate.raw_issuer.clone(),
            key_usage: KeyUsage {
                may_sign: certificate.may_sign,
                may_encrypt: certificate.may_encrypt,
                may_sign_certificates: certificate.may_sign_certificates,
            },
            weakness: Weakness {
                key: if is_weak_key { Some(key.bits) } else { None },
                has_signature: certificate.has_weak_signature,
            },
            is_ca: certificate.is_ca,
            has_unknown_critical: certificate.has_unknown_critical,
            must_staple: certificate.must_staple,
            is_public: certificate.is_public,
            netscape_type: certificate.netscape_type,
            key: KeyTraits { name: keys::name_of(key), reach: KeyType::of(key).reach },
        }
    }

    pub(crate) fn other_names(&self) -> &[String] {
        &self.other_names
    }

    /// Returns the subject as encoded.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn is_self_issued(&self) -> bool {
        name::is_same(&self.subject, &self.issuer)
    }

    /// Returns whether its signature is weak. Nobody verifies that on a root.
    pub(super) fn has_weak_signature(&self) -> bool {
        self.weakness.has_signature && !self.is_self_issued()
    }

    /// Returns whether Netscape's type of the certificate, if it has one, allows a use.
    pub(super) fn fits_netscape_type(&self, usage: &str) -> bool {
        match (self.netscape_type, usage) {
            (Some(kind), SERVER) => kind.is_server,
            (Some(kind), CLIENT) => kind.is_client,
            (Some(_) | None, _) => true,
        }
    }

    pub(super) fn has_usage(&self, usage: &str) -> bool {
        self.usages.iter().any(|one| one == usage)
    }
}

/// The least bits of an RSA key that programs take (NIST SP 800-131A).
pub(super) const LEAST_RSA_BITS: usize = 2048;
