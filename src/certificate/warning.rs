//! What is worth a warning on a certificate.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::chain::{AppleChain, ChainStatus};
use crate::finding::{Finding, FindingCode};

/// A certificate that has fewer days left is worth a warning.
pub(crate) const EXPIRES_SOON_DAYS: i64 = 30;

/// Returns whether a conversion warns of it. Who issued a certificate and whether its chain is complete do
/// not change what a PEM file is worth.
pub(crate) fn concerns_conversion(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::Expired
            | FindingCode::NotYetValid
            | FindingCode::NotPush
            | FindingCode::Forged
            | FindingCode::TopicsUnreadable
    )
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
) -> Vec<Finding> {
    let mut warnings = Vec::new();
    let mut warn = |code, message: String| warnings.push(Finding::warning(code, message));
    let days = certificate.days_left(now);
    if certificate.is_expired(now) {
        warn(FindingCode::Expired, format!("expired on {} ({})", certificate.not_after.date(), days_ago(days)));
    } else if days < EXPIRES_SOON_DAYS {
        warn(FindingCode::ExpiresSoon, format!("expires on {} ({})", certificate.not_after.date(), in_days(days)));
    }
    if certificate.is_not_yet_valid(now) {
        warn(FindingCode::NotYetValid, format!("is not valid before {}", certificate.not_before.date()));
    }
    if certificate.is_ca && key.is_none() {
        return warnings;
    }
    match key {
        Some(KeyState::Missing) => warn(FindingCode::KeyMissing, "has no private key beside it".to_owned()),
        Some(KeyState::Mismatch) => {
            warn(FindingCode::KeyMismatch, "does not match the private key beside it".to_owned());
        }
        Some(KeyState::Matches) | None => {}
    }
    if !certificate.kind.is_push() {
        let what = if certificate.kind == CertificateKind::AppleOther {
            "is Apple's, but not for push"
        } else {
            "is no Apple push certificate"
        };
        warn(FindingCode::NotPush, format!("{what}: APNs will refuse it"));
    }
    if certificate.environments == [Environment::Sandbox] {
        warn(FindingCode::SandboxOnly, "is for the sandbox only: production will refuse it".to_owned());
    }
    if let Some(problem) = &certificate.topics_problem {
        warn(FindingCode::TopicsUnreadable, format!("its list of topics does not decode ({problem})"));
    }
    if certificate.has_weak_signature {
        warn(FindingCode::Sha1Signature, format!("is signed with {}", certificate.signature));
    }
    let key = &certificate.public_key;
    if key.algorithm == "RSA" && key.bits < 2048 {
        warn(FindingCode::WeakKey, format!("its key has {} bits; 2048 are the least", key.bits));
    }
    match chain.status {
        _ if chain.is_forged => {
            warn(FindingCode::Forged, "names an authority of Apple's as its issuer, which did not sign it".to_owned());
        }
        ChainStatus::Expired => {
            let name = chain.intermediate.as_deref().unwrap_or("an authority");
            warn(FindingCode::IntermediateExpired, format!("{name}, which issued it, has expired"));
        }
        ChainStatus::Incomplete => {
            warn(FindingCode::ChainIncomplete, "its issuer calls itself Apple's, but is not known here".to_owned());
        }
        ChainStatus::NotApple if certificate.kind.is_push() => {
            warn(FindingCode::NotApple, "was not issued by Apple".to_owned());
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
