//! Compares keys: how strong they are, and whether the private ones are there.

use crate::certificate::renewal::Comparable;
use crate::certificate::renewal::traits::LEAST_RSA_BITS;
use crate::certificate::warning::KeyState;
use crate::finding::{Finding, FindingCode, Level};
use crate::text::printable_name;

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

pub(super) fn compare_keys(old: KeyState, new: KeyState, is_same_request: bool, differences: &mut Vec<Finding>) {
    match new {
        KeyState::Missing if old == KeyState::Matches && is_same_request => {
            let message = "the new file has no private key: it was renewed with the same request, and its key is that of the old one";
            differences.push(Finding::failure(FindingCode::KeyMissing, message));
        }
        KeyState::Missing if old == KeyState::Matches => {
            let message = "the new file has no private key, the old one has";
            differences.push(Finding::failure(FindingCode::KeyMissing, message));
        }
        KeyState::Mismatch => {
            let message = "the private key is not that of the new certificate";
            differences.push(Finding::failure(FindingCode::KeyMismatch, message));
        }
        KeyState::Missing | KeyState::Matches | KeyState::Unread => {}
    }
}
