//! Compares what certificates and their keys may be used for.

use crate::certificate::renewal::traits::Traits;
use crate::certificate::renewal::{Comparable, Pair, missing, texts};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable, text_list};

pub(super) const SERVER: &str = "serverAuth";
pub(super) const CLIENT: &str = "clientAuth";
const MAIL: &str = "emailProtection";
pub(super) const ANY_USE: &str = "anyExtendedKeyUsage";

/// Returns the uses that a certificate was made for. A push certificate is a client's. One that restricts nothing (no
/// extended key usage, or any) may be used for all, and its names tell what it is used for: names of hosts for a server,
/// mail addresses for mail, others for either side of TLS.
pub(super) fn made_for<'a>(one: &Comparable<'a>) -> Vec<&'a str> {
    let mut uses = texts(&one.traits.usages);
    uses.retain(|usage| *usage != ANY_USE);
    if one.kind.is_push() {
        uses = vec![CLIENT];
    } else if uses.is_empty() {
        uses = uses_by_names(one);
    }
    uses.retain(|usage| one.traits.fits_netscape_type(usage));
    uses
}

fn uses_by_names(one: &Comparable<'_>) -> Vec<&'static str> {
    let names = one.traits.other_names();
    let is_for_mail = !names.is_empty() && names.iter().all(|name| name.starts_with("email:"));
    match (one.hosts.is_empty(), is_for_mail) {
        (false, _) => vec![SERVER],
        (true, true) => vec![MAIL],
        (true, false) => vec![SERVER, CLIENT],
    }
}

/// The extended key usage of a certificate, as programs judge it.
enum Restriction {
    /// There is none.
    None,
    /// Any use is allowed. Java takes that for TLS too, OpenSSL does not.
    Any,
    /// Those that are listed are allowed.
    Listed,
}

impl Restriction {
    fn of(traits: &Traits) -> Self {
        match (traits.usages.is_empty(), traits.has_usage(ANY_USE)) {
            (true, _) => Self::None,
            (false, true) => Self::Any,
            (false, false) => Self::Listed,
        }
    }

    fn is_open(&self) -> bool {
        !matches!(self, Self::Listed)
    }
}

/// Returns whether programs take a certificate for a use, once they took `old` for it.
fn is_taken(old: &Traits, new: &Traits, usage: &str) -> bool {
    match Restriction::of(new) {
        Restriction::None => true,
        _ if new.has_usage(usage) => true,
        // OpenSSL did not take the old one either.
        Restriction::Any => {
            !matches!(usage, SERVER | CLIENT)
                || (matches!(Restriction::of(old), Restriction::Any) && !old.has_usage(usage))
        }
        Restriction::Listed => false,
    }
}

/// Compares what the certificates may be used for.
pub(super) fn compare_uses(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    if old.is_authority() {
        return compare_uses_below(old, new, differences);
    }
    let (mut lost, mut mistyped) = (Vec::new(), Vec::new());
    for usage in made_for(old) {
        let was_taken = !old.kind.is_push() || is_taken(old.traits, old.traits, usage);
        if was_taken && !is_taken(old.traits, new.traits, usage) {
            lost.push(usage);
        } else if !new.traits.fits_netscape_type(usage) {
            mistyped.push(usage);
        }
    }
    if !lost.is_empty() {
        differences.push(describe_lost_uses(old, new, &lost));
    }
    if !mistyped.is_empty() {
        differences.push(describe_mistyped_uses(old, new, &mistyped));
    }
    if !old.kind.is_push() {
        note_other_uses(old, new, lost.is_empty(), differences);
    }
}

/// Notes uses that are gained, and that a certificate for anything became one for what is listed.
fn note_other_uses(old: &Comparable<'_>, new: &Comparable<'_>, is_all_kept: bool, differences: &mut Vec<Finding>) {
    let (was, is) = (texts(&old.traits.usages), texts(&new.traits.usages));
    let is_open = Restriction::of(new.traits).is_open();
    if Restriction::of(old.traits).is_open() {
        if is_all_kept && !is_open {
            let list = printable(&text_list(is.iter().copied()));
            let message = format!("the new one may be used for {list} only, the old one for anything");
            differences.push(Finding::new(Level::Ok, FindingCode::UsageLost, message));
        }
        return;
    }
    let gained = missing(&is, &was);
    if !gained.is_empty() {
        let message = format!("the new one may also be used for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::UsageGained, message));
    }
}

/// Compares the uses that authorities allow below them.
fn compare_uses_below(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (texts(&old.traits.usages), texts(&new.traits.usages));
    if Restriction::of(new.traits).is_open() {
        return;
    }
    let is_open = Restriction::of(old.traits).is_open();
    let lost = if is_open { vec!["anything else"] } else { missing(&was, &is) };
    if !lost.is_empty() {
        differences.push(Finding::failure(FindingCode::UsageLost, tell_lost_uses(&is, &lost)));
    }
}

fn tell_lost_uses(is: &[&str], lost: &[&str]) -> String {
    format!(
        "the new one may be used for {} only, and not for {}",
        printable(&text_list(is.iter().copied())),
        printable(&text_list(lost.iter().copied()))
    )
}

/// Returns whether all that a certificate lost is to be a client's, and a public authority made it for a server. Those leave
/// clientAuth out since 2026, and hardly a server misses it. Who has an authority of his own made peers with it.
fn is_public_server_still(old: &Comparable<'_>, new: &Comparable<'_>, lost: &[&str]) -> bool {
    is_server_still(old, new, lost) && new.traits.is_public
}

fn is_server_still(old: &Comparable<'_>, new: &Comparable<'_>, lost: &[&str]) -> bool {
    let is_server = is_taken(old.traits, new.traits, SERVER) && new.traits.fits_netscape_type(SERVER);
    !old.hosts.is_empty() && is_server && lost == [CLIENT]
}

fn describe_lost_uses(old: &Comparable<'_>, new: &Comparable<'_>, lost: &[&str]) -> Finding {
    let message = tell_lost_uses(&texts(&new.traits.usages), lost);
    if is_public_server_still(old, new, lost) {
        let message = format!("{message}: enough for a server, unless it uses the certificate as a client too");
        return Finding::new(Level::Ok, FindingCode::UsageLost, message);
    }
    let reason = if old.kind.is_push() {
        ": APNs takes clients alone"
    } else if new.traits.has_usage(ANY_USE) {
        ": OpenSSL does not take the one for the other"
    } else if is_server_still(old, new, lost) {
        ": a server that connects to others with it (mTLS, peers of etcd) is refused"
    } else {
        ""
    };
    Finding::failure(FindingCode::UsageLost, format!("{message}{reason}"))
}

fn describe_mistyped_uses(old: &Comparable<'_>, new: &Comparable<'_>, lost: &[&str]) -> Finding {
    let list = printable(&text_list(lost.iter().copied()));
    let message =
        format!("the Netscape type (nsCertType) of the new one leaves out {list}: OpenSSL and Java refuse it");
    let level = if is_public_server_still(old, new, lost) { Level::Ok } else { Level::Failure };
    Finding::new(level, FindingCode::UsageLost, message)
}

/// Compares what the keys may be used for: a signature is what TLS asks of every certificate.
pub(super) fn compare_key_usages(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let (was, is) = (old.traits.key_usage, new.traits.key_usage);
    let is_for_mail = made_for(old).contains(&MAIL);
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
        let message = match old.kind.is_push() {
            true => "the new one is that of an authority (CA:TRUE), which no push certificate of Apple's is",
            false => "the new one is that of an authority (CA:TRUE), which clients may refuse from a server",
        };
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

/// Compares what the extensions ask of programs.
pub(super) fn compare_demands(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // An authority's may be such that only paths are judged by.
    if new.traits.has_unknown_critical && !old.traits.has_unknown_critical && !new.traits.is_ca {
        let message = "the new one has a critical extension that is not known here: programs must refuse a certificate with \
                       one that they do not know";
        differences.push(Finding::failure(FindingCode::UnknownCritical, message));
    }
    if new.traits.must_staple && !old.traits.must_staple {
        let message = "the new one asks its server to staple an answer of OCSP (must-staple): Firefox refuses one that \
                       does not";
        differences.push(Finding::warning(FindingCode::MustStaple, message));
    }
}
