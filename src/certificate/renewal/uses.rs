//! Compares what certificates and their keys may be used for.

use crate::certificate::renewal::{Comparable, Pair, missing, texts};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable, text_list};

/// Compares what the certificates may be used for. Push certificates have topics and environments for that.
pub(super) fn compare_uses(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (texts(&old.traits.usages), texts(&new.traits.usages));
    let may_all = |usages: &[&str]| usages.is_empty() || usages.contains(&"anyExtendedKeyUsage");
    if !may_all(&is) {
        let lost = if may_all(&was) { vec!["anything else"] } else { missing(&was, &is) };
        if !lost.is_empty() {
            differences.push(describe_lost_uses(old, &is, &lost));
        }
    }
    let gained = missing(&is, &was);
    if !may_all(&was) && !gained.is_empty() {
        let message = format!("the new one may also be used for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::UsageGained, message));
    }
}

/// Describes lost uses. Public authorities leave clientAuth out of servers' certificates since 2026, and hardly a server
/// misses it.
fn describe_lost_uses(old: &Comparable<'_>, is: &[&str], lost: &[&str]) -> Finding {
    let is_server_still = !old.hosts.is_empty() && is.contains(&"serverAuth") && lost == ["clientAuth"];
    let message = format!(
        "the new one may be used for {} only, and not for {}",
        printable(&text_list(is.iter().copied())),
        printable(&text_list(lost.iter().copied()))
    );
    if is_server_still {
        let message = format!("{message}: enough for a server, unless it uses the certificate as a client too");
        return Finding::new(Level::Ok, FindingCode::UsageLost, message);
    }
    Finding::failure(FindingCode::UsageLost, message)
}

/// Compares what the keys may be used for: a signature is what TLS asks of every certificate.
pub(super) fn compare_key_usages(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (old.traits.key_usage, new.traits.key_usage);
    let is_for_mail = old.traits.has_usage("emailProtection");
    let message = if old.is_authority() {
        let is_lost = was.may_sign_certificates && !is.may_sign_certificates && new.traits.is_ca;
        is_lost.then_some("the key usage of the new one lacks keyCertSign: it may not issue certificates")
    } else if was.may_sign && !is.may_sign && !new.traits.is_ca {
        Some("the key usage of the new one lacks digitalSignature, which servers and clients need")
    } else if is_for_mail && was.may_encrypt && !is.may_encrypt {
        Some("the key usage of the new one lacks keyEncipherment and keyAgreement: mail cannot be encrypted for it")
    } else {
        None
    };
    if let Some(message) = message {
        differences.push(Finding::failure(FindingCode::UsageLost, message));
    }
}

/// Compares whether they are authorities'.
pub(super) fn compare_authorities(pair: &Pair<'_>, differences: &mut Vec<Finding>) {
    let (old, new) = (&pair.old, &pair.new);
    if new.traits.is_ca && !old.traits.is_ca {
        let message = "the new one is that of an authority (CA:TRUE), which clients may refuse from a server";
        differences.push(Finding::failure(FindingCode::BecameAuthority, message));
    } else if old.is_authority() && !new.traits.is_ca {
        let message =
            "the new one is not that of an authority (CA:TRUE), as the old one is: it cannot issue certificates";
        differences.push(Finding::failure(FindingCode::AuthorityLost, message));
    } else if old.is_authority() && !pair.has_same_key {
        let message = "the new one is an authority with a new key: what the old one has issued does not verify with it, \
                       and whoever trusts the old one must be given the new one";
        differences.push(Finding::warning(FindingCode::OtherAuthorityKey, message));
    }
}

pub(super) fn compare_critical_extensions(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // An authority's may be such that only paths are judged by.
    if new.traits.has_unknown_critical && !old.traits.has_unknown_critical && !new.traits.is_ca {
        let message = "the new one has a critical extension that is not known here: programs must refuse a certificate with \
                       one that they do not know";
        differences.push(Finding::failure(FindingCode::UnknownCritical, message));
    }
}
