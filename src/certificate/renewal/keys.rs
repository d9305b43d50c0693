//! Compares keys: of which kind and how strong they are, and whether the private ones can be used.

use std::borrow::Cow;

use crate::certificate::renewal::traits::LEAST_RSA_BITS;
use crate::certificate::renewal::{Comparable, PrivateKeyFacts};
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::public_key::PublicKey;
use crate::text::printable_name;

/// The programs that take a kind of key in TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Reach {
    #[default]
    Everywhere,
    /// Programs that are not browsers: Chrome and Safari refuse it.
    NoBrowser,
    /// TLS 1.3 has no signature for it, or hardly any program does.
    Nowhere,
}

/// A kind of key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyType {
    algorithm: &'static str,
    curve: Option<&'static str>,
    pub(super) name: &'static str,
    pub(super) reach: Reach,
}

impl KeyType {
    const fn new(algorithm: &'static str, reach: Reach) -> Self {
        Self { algorithm, curve: None, name: algorithm, reach }
    }

    const fn on_curve(curve: &'static str, name: &'static str, reach: Reach) -> Self {
        Self { algorithm: "EC", curve: Some(curve), name, reach }
    }
}

/// The kinds that TLS 1.3 has a signature for (RFC 8446 section 4.2.3). Browsers take those of the Baseline Requirements
/// (section 6.1.5), and Chrome no P-521.
static KEY_TYPES: [KeyType; 6] = [
    KeyType::new("RSA", Reach::Everywhere),
    KeyType::on_curve("P-256", "EC (P-256)", Reach::Everywhere),
    KeyType::on_curve("P-384", "EC (P-384)", Reach::Everywhere),
    KeyType::on_curve("P-521", "EC (P-521)", Reach::NoBrowser),
    KeyType::new("Ed25519", Reach::NoBrowser),
    KeyType::new("Ed448", Reach::NoBrowser),
];

/// All other kinds: secp256k1, brainpool and smaller curves, parameters in the place of a curve's name, RSA-PSS (which Go,
/// rustls and browsers do not read), DSA, and what agrees on keys.
static OTHER_TYPE: KeyType = KeyType::new("", Reach::Nowhere);

impl KeyType {
    pub(super) fn of(key: &PublicKey) -> &'static Self {
        for known in &KEY_TYPES {
            if known.algorithm == key.algorithm && known.curve == key.curve {
                return known;
            }
        }
        &OTHER_TYPE
    }
}

/// Names the kind of a key for people.
pub(super) fn name_of(key: &PublicKey) -> Cow<'static, str> {
    match (KeyType::of(key).name, key.curve) {
        ("", Some(curve)) => format!("EC ({curve})").into(),
        ("", None) if key.algorithm == "EC" => "EC (another curve, or parameters in the place of its name)".into(),
        ("", None) => printable_name(&key.algorithm).into(),
        (name, _) => name.into(),
    }
}

/// Compares the kinds of keys. What is as before works where that did.
pub(super) fn compare_key_types(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (&old.traits.key, &new.traits.key);
    if was.name == is.name && is.reach != Reach::Nowhere {
        return;
    }
    let level = match (was.reach, is.reach) {
        (_, Reach::Nowhere) if was.name == is.name => Level::Ok,
        (_, Reach::Nowhere) => Level::Failure,
        (Reach::Everywhere, Reach::NoBrowser) => Level::Warning,
        (_, Reach::NoBrowser | Reach::Everywhere) => Level::Ok,
    };
    let (code, message) = match is.reach {
        Reach::Nowhere => {
            let message = format!("the key of the new one is {}, which TLS 1.3 and most programs refuse", is.name);
            (FindingCode::UnusableKey, message)
        }
        Reach::NoBrowser if was.reach == Reach::Everywhere => {
            let message = format!("the key of the new one is {}, which browsers such as Chrome refuse", is.name);
            (FindingCode::UnusableKey, message)
        }
        Reach::NoBrowser | Reach::Everywhere => {
            let message = format!(
                "the key of the new one is {}, that of the old one {}: programs that are set up for one kind refuse the other",
                is.name, was.name
            );
            (FindingCode::OtherKeyType, message)
        }
    };
    differences.push(Finding::new(level, code, message));
}

/// Compares the strength of keys and signatures. What is as weak as before works where that did.
pub(super) fn compare_strength(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (old.traits.weakness, new.traits.weakness);
    let level = |was_weak: bool| if was_weak { Level::Ok } else { Level::Failure };
    if let Some(bits) = is.key {
        let message = format!("the RSA key of the new one has {bits} bits; programs expect {LEAST_RSA_BITS} or more");
        let is_as_before = was.key.is_some_and(|before| before <= bits);
        differences.push(Finding::new(level(is_as_before), FindingCode::WeakKey, message));
    }
    if new.traits.has_weak_signature() {
        let message =
            format!("the new one is signed with {}, which programs refuse", printable_name(new.texts.signature));
        differences.push(Finding::new(level(old.traits.has_weak_signature()), FindingCode::Sha1Signature, message));
    }
}

/// The form of a private key in its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum KeyForm {
    #[default]
    Clear,
    /// It has a password of its own.
    Encrypted,
    /// It is in PKCS#12, whose password is the file's.
    Packed,
}

/// Compares whether the private keys are there, and can be read.
pub(super) fn compare_private_keys(
    old: PrivateKeyFacts,
    new: PrivateKeyFacts,
    is_same_request: bool,
    differences: &mut Vec<Finding>,
) {
    let had_key = matches!(old.state, KeyState::Matches | KeyState::Unread);
    let is_locked_now = old.form == KeyForm::Clear && new.form == KeyForm::Encrypted;
    let finding = match new.state {
        KeyState::Missing if had_key && is_same_request => Finding::failure(
            FindingCode::KeyMissing,
            "the new file has no private key: it was renewed with the same request, and its key is that of the old one",
        ),
        KeyState::Missing if had_key => {
            Finding::failure(FindingCode::KeyMissing, "the new file has no private key, the old one has")
        }
        KeyState::Mismatch => {
            Finding::failure(FindingCode::KeyMismatch, "the private key is not that of the new certificate")
        }
        KeyState::Unread if old.state == KeyState::Matches => Finding::failure(
            FindingCode::KeyLocked,
            "the private key in the new file was not read, that of the old one was: nothing says that it belongs to the \
             new certificate",
        ),
        KeyState::Unread => Finding::warning(
            FindingCode::KeyLocked,
            "the private key in the new file was not read: nothing says that it belongs to the new certificate",
        ),
        KeyState::Matches if old.state == KeyState::Matches && is_locked_now => Finding::failure(
            FindingCode::KeyLocked,
            "the private key of the new one is encrypted, that of the old one is not: programs that have no password for \
             it do not start",
        ),
        KeyState::Matches if new.is_behind => {
            let message = "another private key stands before that of the new certificate: programs take the first one, and \
                           say that it does not match";
            let level = if old.is_behind { Level::Ok } else { Level::Failure };
            Finding::new(level, FindingCode::KeyNotFirst, message)
        }
        KeyState::Missing | KeyState::Matches => return,
    };
    differences.push(finding);
}
