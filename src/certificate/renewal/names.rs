//! Compares names: of hosts and addresses, other ones, the UID and the subject.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use crate::certificate::name;
use crate::certificate::renewal::uses::{SERVER, made_for};
use crate::certificate::renewal::{Comparable, missing, or_none, texts};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable, printable_name, text_list, with_visible_ends};

/// Compares the names of hosts, the UID and the subject's name.
pub(super) fn compare_names(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    compare_lost_hosts(old, new, differences);
    let gained = hosts_without(new.hosts, old.hosts);
    if !gained.is_empty() {
        let message = format!("the new one is also for {}", host_list(&gained));
        differences.push(Finding::new(Level::Ok, FindingCode::HostGained, message));
    }
    let lost = missing(&texts(&old.traits.other_names), &texts(&new.traits.other_names));
    if !lost.is_empty() {
        let message = format!("the new one is not for {}", printable(&text_list(lost.into_iter())));
        differences.push(Finding::failure(FindingCode::NameLost, message));
    }
    let gained = missing(&texts(&new.traits.other_names), &texts(&old.traits.other_names));
    if !gained.is_empty() {
        let message = format!("the new one is also for {}", printable(&text_list(gained.into_iter())));
        differences.push(Finding::new(Level::Ok, FindingCode::NameGained, message));
    }
    // Where a topic is lost, or a UID of MDM, the names say the same again.
    let is_said = |finding: &Finding| matches!(finding.code, FindingCode::TopicLost | FindingCode::OtherMdmUid);
    if differences.iter().any(is_said) {
        return;
    }
    if old.traits.uid != new.traits.uid && !is_uid_of_app(old, new) {
        let level = if old.traits.uid.is_some() { Level::Failure } else { Level::Ok };
        let message = format!(
            "the UID has changed from {} to {}",
            or_none(old.traits.uid.as_deref()),
            or_none(new.traits.uid.as_deref())
        );
        differences.push(Finding::new(level, FindingCode::OtherUid, message));
    }
    compare_titles(old, new, differences);
}

/// The ends of the topics that certificates of an earlier kind were for alone, which may stand in their UID too.
const KIND_SUFFIXES: [&str; 2] = [".voip", ".complication"];

/// Returns whether the UID of the new one is that of the same app, without the suffix of the old one's kind.
fn is_uid_of_app(old: &Comparable<'_>, new: &Comparable<'_>) -> bool {
    let (Some(was), Some(is)) = (&old.traits.uid, &new.traits.uid) else { return false };
    let suffix = was.strip_prefix(is.as_str()).unwrap_or_default();
    old.kind != new.kind && old.kind.is_push() && new.kind.is_push() && KIND_SUFFIXES.contains(&suffix)
}

/// What to do about a name that programs take for no host.
const NO_DOT: &str = "ask for the name without a dot at its end: OpenSSL finds no host by a name with one";
const AS_NAME: &str = "ask for one with it among the DNS names (subjectAltName)";
const NO_FIRST_DOT: &str = "ask for the name without a dot at its beginning, or for one with a star before it: programs find no \
                            host by a name that begins with a dot";
const AS_ADDRESS: &str =
    "ask for it as an address (IP), not as a DNS name: programs look for an address among the addresses alone";

fn compare_lost_hosts(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let mut lost = hosts_without(old.hosts, new.hosts);
    let mut hint = dot_hint(&lost, new.hosts);
    for address in &new.traits.misplaced_addresses {
        if old.hosts.contains(address) && !old.traits.misplaced_addresses.contains(address) {
            lost.push(address);
            hint = Some(AS_ADDRESS);
        }
    }
    if !lost.is_empty() {
        let message = format!("the new one is not for {}", host_list(&lost));
        let hint = hint.map(|hint| hint.to_owned().into());
        differences.push(Finding { hint, ..Finding::failure(FindingCode::HostLost, message) });
    }
}

/// Returns what to do where a dot keeps the names of a certificate from standing for a host.
fn dot_hint(lost: &[&str], names: &[String]) -> Option<&'static str> {
    for host in lost {
        let wildcard = wildcard_for(host);
        for name in names {
            let stem = name.strip_suffix('.');
            if stem == Some(*host) || (stem.is_some() && stem == wildcard.as_deref()) {
                return Some(NO_DOT);
            }
            if name.strip_prefix('.').is_some_and(|rest| rest == *host || host.ends_with(name)) {
                return Some(NO_FIRST_DOT);
            }
        }
    }
    None
}

/// Compares the common name of an old certificate without DNS names, which programs take for one: not beside DNS names.
pub(super) fn compare_common_names(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let host = old.texts.name.to_lowercase();
    let is_by_name = made_for(old).contains(&SERVER) && !has_dns_names(old) && is_host(&host);
    let is_name = |code| matches!(code, FindingCode::OtherName | FindingCode::HostLost);
    let is_told = differences.iter().any(|one| is_name(one.code) && one.level == Level::Failure);
    let hosts = [host];
    let lost = hosts_without(&hosts, new.hosts);
    if !is_by_name || is_told || lost.is_empty() || !has_dns_names(new) {
        return;
    }
    let message = format!(
        "the new one is not for {}: the old one is by its common name, which programs pass over beside DNS names",
        printable(&text_list(lost.iter().copied()))
    );
    let hint = Some(dot_hint(&lost, new.hosts).unwrap_or(AS_NAME).to_owned().into());
    differences.push(Finding { hint, ..Finding::failure(FindingCode::HostLost, message) });
}

fn has_dns_names(one: &Comparable<'_>) -> bool {
    let is_name = |host: &String| host.parse::<IpAddr>().is_err();
    one.hosts.iter().any(is_name) || !one.traits.misplaced_addresses.is_empty()
}

/// Returns whether a common name may be that of a host, which is no address.
fn is_host(name: &str) -> bool {
    let is_dns = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'*'));
    is_dns && name.parse::<IpAddr>().is_err() && (name.contains('.') || name == "localhost")
}

fn host_list(hosts: &[&str]) -> String {
    let shown: Vec<Cow<'_, str>> = hosts.iter().map(|host| with_visible_ends(host)).collect();
    printable(&text_list(shown.iter().map(|host| &**host)))
}

/// Compares the subjects. Topics and other names decide where there are any; otherwise the whole subject does:
/// Kubernetes takes groups from its organizations.
fn compare_titles(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // Kinds have names of their own: "Apple Push Services: …".
    if old.kind != new.kind && old.kind.is_push() && new.kind.is_push() {
        return;
    }
    let (was, is) = (&old.texts, &new.texts);
    let is_told_otherwise = old.has_other_names();
    if !is_told_otherwise && is_nameless(old) && is_nameless(new) {
        let message = "neither has a name: nothing says that the two are for the same";
        differences.push(Finding::failure(FindingCode::Nameless, message));
        return;
    }
    let is_name_kept = was.name == is.name;
    let is_kept = match is_told_otherwise {
        true => is_name_kept && was.organization == is.organization,
        false => is_name_kept && name::is_same(&old.traits.subject, &new.traits.subject),
    };
    if is_kept {
        return;
    }
    let (part, was, is) = match is_name_kept {
        false => ("name", was.name, is.name),
        true => ("subject", was.subject, is.subject),
    };
    let message = format!("the {part} has changed from {} to {}", printable_name(was), printable_name(is));
    let level = if is_told_otherwise { Level::Ok } else { Level::Failure };
    differences.push(Finding::new(level, FindingCode::OtherName, message));
}

/// The subject without an attribute, as encoded.
pub(super) const EMPTY_NAME: &[u8] = b"\x30\x00";

fn is_nameless(one: &Comparable<'_>) -> bool {
    one.traits.subject == EMPTY_NAME
}

/// Returns those of `hosts` that no name of `others` covers.
fn hosts_without<'a>(hosts: &'a [String], others: &[String]) -> Vec<&'a str> {
    let known: HashSet<&str> = others.iter().map(String::as_str).collect();
    let mut lost = Vec::new();
    for host in hosts {
        let is_covered = wildcard_for(host).is_some_and(|wildcard| known.contains(wildcard.as_str()));
        if !known.contains(host.as_str()) && !known.contains(host.trim_end_matches('.')) && !is_covered {
            lost.push(host.as_str());
        }
    }
    lost
}

/// Returns the wildcard that covers a host (RFC 9525 section 6.3): for one label, and no top-level domain, for which
/// programs take none. Addresses have none.
pub(crate) fn wildcard_for(host: &str) -> Option<String> {
    let (label, domain) = host.split_once('.')?;
    let is_address = host.parse::<IpAddr>().is_ok();
    let is_covered = !is_address && !label.is_empty() && label != "*" && domain.trim_end_matches('.').contains('.');
    is_covered.then(|| format!("*.{domain}"))
}
