//! What is worth a warning on a certificate.

use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::chain::{AppleChain, ChainStatus};

/// A certificate that has fewer days left is worth a warning.
pub(crate) const EXPIRES_SOON_DAYS: i64 = 30;

/// What is wrong, or soon will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WarningCode {
    /// The validity has ended.
    Expired,
    /// The validity has not begun.
    NotYetValid,
    /// Fewer than [`EXPIRES_SOON_DAYS`] days are left.
    ExpiresSoon,
    /// There is no key beside the certificate.
    KeyMissing,
    /// The key beside the certificate belongs to another.
    KeyMismatch,
    /// It cannot be used in production.
    SandboxOnly,
    /// The signature uses SHA-1 or older.
    Sha1Signature,
    /// RSA below 2048 bits.
    WeakKey,
    /// An authority on the way to Apple's root has expired.
    IntermediateExpired,
    /// Apple did not issue it.
    NotApple,
    /// It says that Apple issued it, and that is not so.
    Forged,
    /// Its issuer is not known here.
    ChainIncomplete,
    /// It is not for push notifications.
    NotPush,
    /// The list of topics does not decode.
    TopicsUnreadable,
}

impl WarningCode {
    /// Whether a conversion warns of it. Who issued it and whether a chain is complete do not change
    /// what a PEM file is worth.
    pub fn concerns_conversion(self) -> bool {
        matches!(self, Self::Expired | Self::NotYetValid | Self::NotPush | Self::Forged | Self::TopicsUnreadable)
    }
}

/// One warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    /// For machines.
    pub(crate) code: WarningCode,
    /// For people.
    pub(crate) message: String,
}

/// What is known of the key of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// It is there.
    Matches,
    /// Another is there.
    Mismatch,
    /// None is there.
    Missing,
}

/// All warnings on a certificate, at the time `now`. An authority has only its validity to be warned of.
pub(crate) fn judge(
    certificate: &Certificate,
    chain: &AppleChain,
    key: Option<KeyState>,
    now: OffsetDateTime,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code, message: String| warnings.push(Warning { code, message });
    let days = certificate.days_left(now);
    if certificate.is_expired(now) {
        warn(WarningCode::Expired, format!("expired on {} ({})", certificate.not_after.date(), days_ago(days)));
    } else if days < EXPIRES_SOON_DAYS {
        warn(WarningCode::ExpiresSoon, format!("expires on {} ({})", certificate.not_after.date(), in_days(days)));
    }
    if certificate.is_not_yet_valid(now) {
        warn(WarningCode::NotYetValid, format!("is not valid before {}", certificate.not_before.date()));
    }
    if certificate.is_ca && key.is_none() {
        return warnings;
    }
    match key {
        Some(KeyState::Missing) => warn(WarningCode::KeyMissing, "has no private key beside it".to_owned()),
        Some(KeyState::Mismatch) => {
            warn(WarningCode::KeyMismatch, "does not match the private key beside it".to_owned());
        }
        Some(KeyState::Matches) | None => {}
    }
    if !certificate.kind.is_push() {
        let what = if certificate.kind == CertificateKind::AppleOther {
            "is Apple's, but not for push"
        } else {
            "is no Apple push certificate"
        };
        warn(WarningCode::NotPush, format!("{what}: APNs will refuse it"));
    }
    if certificate.environments == [Environment::Sandbox] {
        warn(WarningCode::SandboxOnly, "is for the sandbox only: production will refuse it".to_owned());
    }
    if let Some(problem) = &certificate.topics_problem {
        warn(WarningCode::TopicsUnreadable, format!("its list of topics does not decode ({problem})"));
    }
    if certificate.has_weak_signature {
        warn(WarningCode::Sha1Signature, format!("is signed with {}", certificate.signature));
    }
    let key = &certificate.public_key;
    if key.algorithm == "RSA" && key.bits < 2048 {
        warn(WarningCode::WeakKey, format!("its key has {} bits; 2048 are the least", key.bits));
    }
    match chain.status {
        _ if chain.is_forged => {
            warn(WarningCode::Forged, "names an authority of Apple's as its issuer, which did not sign it".to_owned());
        }
        ChainStatus::Expired => {
            let name = chain.intermediate.as_deref().unwrap_or("an authority");
            warn(WarningCode::IntermediateExpired, format!("{name}, which issued it, has expired"));
        }
        ChainStatus::Incomplete => {
            warn(WarningCode::ChainIncomplete, "its issuer calls itself Apple's, but is not known here".to_owned());
        }
        ChainStatus::NotApple if certificate.kind.is_push() => {
            warn(WarningCode::NotApple, "was not issued by Apple".to_owned());
        }
        ChainStatus::Trusted | ChainStatus::NotApple => {}
    }
    warnings
}

/// "in 12 days", from days left.
pub(crate) fn in_days(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "in 1 day".to_owned(),
        n => format!("in {n} days"),
    }
}

/// "12 days ago", from days left that are negative.
pub(crate) fn days_ago(days: i64) -> String {
    match -days {
        0 | 1 => "1 day ago".to_owned(),
        n => format!("{n} days ago"),
    }
}
