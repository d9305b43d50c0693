//! The warnings on a certificate.

use time::OffsetDateTime;

use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::chain::{AppleChain, ChainStatus, PathProblem};
use crate::certificate::{Certificate, OpensslRefusal};
use crate::finding::{Finding, FindingCode, Level};

/// Fewer days left than this are a warning.
pub(crate) const EXPIRES_SOON_DAYS: i64 = 30;

/// The most certificates of a file that OpenSSL is asked about: with some keys it takes a millisecond for one.
pub(crate) const MAX_ASKED: usize = 1_000;

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
            | FindingCode::DamagedExtension
            | FindingCode::RefusedByOpenssl
    )
}

/// Returns whether Apple is not known to have issued the certificate, which matters where that is asked for.
pub(crate) fn refutes_apple(code: FindingCode) -> bool {
    matches!(code, FindingCode::NotApple | FindingCode::ChainInvalid | FindingCode::ChainIncomplete)
}

/// The key beside a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// It is there.
    Matches,
    /// Another is there.
    Mismatch,
    /// None is there.
    Missing,
    /// A key that may be it is there, and was not read.
    Unread,
}

/// Returns all warnings on the certificate of an authority, at the time `now`: it is not what is shown to APNs.
pub(crate) fn judge_authority(certificate: &Certificate, now: OffsetDateTime) -> Vec<Finding> {
    let mut warnings = Vec::new();
    judge_validity(certificate, now, &mut warnings);
    warnings.extend(judge_extensions(certificate));
    warnings
}

/// Returns the warning on extensions that do not decode.
pub(crate) fn judge_extensions(certificate: &Certificate) -> Option<Finding> {
    let fault = certificate.extension_fault?;
    let message = format!("{}: programs that use OpenSSL may refuse it, as Python does", fault.describe());
    Some(Finding::warning(FindingCode::DamagedExtension, message))
}

/// Returns the finding on a certificate that OpenSSL does not read. Where older versions of it do, it is a warning, else of
/// this level.
pub(crate) fn judge_encoding(certificate: &Certificate, level: Level) -> Option<Finding> {
    let OpensslRefusal { reason, is_new } = certificate.openssl_refusal()?;
    if is_new {
        let version = openssl::version::version();
        let number = version.split(' ').nth(1).unwrap_or(version);
        let message = format!("has a date that OpenSSL {number} does not read ({reason}), though older versions do");
        return Some(Finding::warning(FindingCode::RefusedByOpenssl, message));
    }
    let message = format!("is damaged: OpenSSL does not read it ({reason})");
    Some(Finding::new(level, FindingCode::RefusedByOpenssl, message))
}

/// Returns all warnings on a leaf, at the time `now`; `key` is `None` where nobody asks for it. A leaf may call itself an
/// authority, as self-made certificates do.
pub(crate) fn judge_leaf(
    certificate: &Certificate,
    chain: &AppleChain,
    key: Option<KeyState>,
    now: OffsetDateTime,
) -> Vec<Finding> {
    let mut warnings = judge_authority(certificate, now);
    judge_key(key, &mut warnings);
    judge_purpose(certificate, &mut warnings);
    judge_algorithms(certificate, &mut warnings);
    judge_chain(certificate, chain, &mut warnings);
    warnings
}

fn judge_validity(certificate: &Certificate, now: OffsetDateTime, warnings: &mut Vec<Finding>) {
    let (left, end) = (certificate.time_left(now), certificate.not_after.date());
    if certificate.is_expired(now) {
        let message = format!("expired on {end} ({})", left.relative());
        warnings.push(Finding::warning(FindingCode::Expired, message));
    } else if left.days() < EXPIRES_SOON_DAYS {
        let message = format!("expires on {end} ({})", left.relative());
        warnings.push(Finding::warning(FindingCode::ExpiresSoon, message));
    }
    if certificate.is_not_yet_valid(now) {
        let message = format!("is not valid before {}", certificate.not_before.date());
        warnings.push(Finding::warning(FindingCode::NotYetValid, message));
    }
}

fn judge_key(key: Option<KeyState>, warnings: &mut Vec<Finding>) {
    match key {
        Some(KeyState::Missing) => {
            warnings.push(Finding::warning(FindingCode::KeyMissing, "has no private key beside it"));
        }
        Some(KeyState::Mismatch) => {
            warnings.push(Finding::warning(FindingCode::KeyMismatch, "does not match the private key beside it"));
        }
        Some(KeyState::Matches | KeyState::Unread) | None => {}
    }
}

fn judge_purpose(certificate: &Certificate, warnings: &mut Vec<Finding>) {
    if !certificate.kind.is_push() {
        let message = match certificate.kind {
            CertificateKind::AppleOther => "is Apple's, but not for push: APNs will refuse it",
            _ => "is not an Apple push certificate: APNs will refuse it",
        };
        warnings.push(Finding::warning(FindingCode::NotPush, message));
    }
    if certificate.environments == [Environment::Sandbox] {
        let message = "is for the sandbox only: production will refuse it";
        warnings.push(Finding::warning(FindingCode::SandboxOnly, message));
    }
    if let Some(problem) = &certificate.topics_problem {
        let message = format!("has a list of topics that does not decode ({problem})");
        warnings.push(Finding::warning(FindingCode::TopicsUnreadable, message));
    }
}

fn judge_algorithms(certificate: &Certificate, warnings: &mut Vec<Finding>) {
    if certificate.has_weak_signature {
        let message = format!("is signed with {}", certificate.signature);
        warnings.push(Finding::warning(FindingCode::Sha1Signature, message));
    }
    let key = &certificate.public_key;
    if key.algorithm == "RSA" && key.bits < 2048 {
        let message = format!("has a key of {} bits; at least 2048 bits are required", key.bits);
        warnings.push(Finding::warning(FindingCode::WeakKey, message));
    }
}

fn judge_chain(certificate: &Certificate, chain: &AppleChain, warnings: &mut Vec<Finding>) {
    warnings.push(match chain.status {
        _ if chain.is_forged => {
            let message = "names an authority of Apple's as its issuer, which did not sign it";
            Finding::warning(FindingCode::Forged, message)
        }
        ChainStatus::Expired => {
            let name = chain.intermediate.as_deref().unwrap_or("an authority");
            Finding::warning(FindingCode::IntermediateExpired, format!("was issued by {name}, which has expired"))
        }
        ChainStatus::Invalid => {
            let problem = chain.problem.map_or("a rule is broken", PathProblem::describe);
            Finding::warning(FindingCode::ChainInvalid, format!("leads to Apple's root, but {problem}"))
        }
        ChainStatus::Incomplete => {
            let message = "was issued in Apple's name, by an authority that is not known here";
            Finding::warning(FindingCode::ChainIncomplete, message)
        }
        ChainStatus::NotApple if certificate.kind.is_push() => {
            Finding::warning(FindingCode::NotApple, "was not issued by Apple")
        }
        ChainStatus::Trusted | ChainStatus::NotApple => return,
    });
}
