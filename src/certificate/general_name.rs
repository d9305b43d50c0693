//! The names in subjectAltName and the like (RFC 5280 section 4.2.1.6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::extensions::GeneralName;

use crate::asn1::Value;
use crate::certificate::extension::{display_text, dump};
use crate::certificate::name::{self, NameStyle};

pub(super) fn describe_names(names: &[GeneralName<'_>]) -> Vec<String> {
    names.iter().map(describe_name).collect()
}

/// Describes a name as OpenSSL does.
pub(super) fn describe_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::RFC822Name(address) => format!("email:{address}"),
        GeneralName::URI(address) => format!("URI:{address}"),
        GeneralName::IPAddress(address) => format!("IP:{}", describe_address(address)),
        GeneralName::DirectoryName(name) => format!("DirName:{}", name::format(name, NameStyle::Escaped)),
        GeneralName::RegisteredID(oid) => format!("RID:{}", oid.to_id_string()),
        GeneralName::OtherName(oid, value) => format!("othername:{}:{}", oid.to_id_string(), other_name(value)),
        GeneralName::X400Address(value) => format!("X400Name:{}", dump(value.data)),
        GeneralName::EDIPartyName(value) => format!("EdiPartyName:{}", dump(value.data)),
        GeneralName::Invalid(_, bytes) => dump(bytes),
    }
}

/// Returns the value of an otherName, which is in `[0] EXPLICIT` (RFC 5280 section 4.2.1.6): a text, or hexadecimal
/// digits.
fn other_name(encoded: &[u8]) -> String {
    let inner = match Value::parse_prefix(encoded) {
        Some((value, _)) if value.is_context(0) => value.content(),
        _ => encoded,
    };
    display_text(inner).unwrap_or_else(|| dump(inner))
}

fn describe_address(address: &[u8]) -> String {
    if let Ok(address) = <[u8; 4]>::try_from(address) {
        return Ipv4Addr::from(address).to_string();
    }
    if let Ok(address) = <[u8; 16]>::try_from(address) {
        return Ipv6Addr::from(address).to_string();
    }
    match address.len() {
        // A constraint is an address and a mask (RFC 5280 section 4.2.1.10).
        8 | 32 => {
            let (network, mask) = address.split_at(address.len() / 2);
            format!("{}/{}", describe_address(network), describe_address(mask))
        }
        _ => dump(address),
    }
}

/// The most names of hosts of a certificate that are kept; authorities allow 100.
const MAX_HOST_NAMES: usize = 1_000;

/// Returns the names and addresses of hosts in subjectAltName, in small letters and in order, each once. A blank is a part
/// of a name: programs find no host by one.
pub(super) fn host_names(names: &[GeneralName<'_>]) -> Vec<String> {
    let mut hosts = Vec::new();
    for name in names.iter().take(MAX_HOST_NAMES) {
        match name {
            GeneralName::DNSName(name) => hosts.push(name.to_ascii_lowercase()),
            GeneralName::IPAddress(address) => hosts.push(describe_address(address)),
            _ => {}
        }
    }
    hosts.retain(|host| !host.trim().is_empty());
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Returns the addresses that stand among the DNS names alone. Programs look for an address among the addresses.
pub(super) fn misplaced_addresses(names: &[GeneralName<'_>]) -> Vec<String> {
    let (mut misplaced, mut addresses) = (Vec::new(), Vec::new());
    for name in names.iter().take(MAX_HOST_NAMES) {
        match name {
            GeneralName::DNSName(name) if name.parse::<IpAddr>().is_ok() => {
                misplaced.push(name.to_ascii_lowercase());
            }
            GeneralName::IPAddress(address) => addresses.push(describe_address(address)),
            _ => {}
        }
    }
    misplaced.retain(|name| !addresses.contains(name));
    misplaced
}

/// Returns the other names in subjectAltName, such as mail addresses and URIs, in order, each once.
pub(super) fn other_names(names: &[GeneralName<'_>]) -> Vec<String> {
    let mut others = Vec::new();
    for name in names.iter().take(MAX_HOST_NAMES) {
        match name {
            GeneralName::DNSName(_) | GeneralName::IPAddress(_) => {}
            // Hosts of mail addresses have no case (RFC 5321 section 2.4), and hardly anyone tells the rest apart.
            GeneralName::RFC822Name(address) => others.push(format!("email:{}", address.trim().to_ascii_lowercase())),
            name => others.push(describe_name(name)),
        }
    }
    others.sort_unstable();
    others.dedup();
    others
}

/// Returns the name to call a certificate without a subject by: its first DNS name, or else its first address.
pub(super) fn first_name(names: &[GeneralName<'_>]) -> Option<String> {
    for name in names {
        if let GeneralName::DNSName(name) = name
            && !name.trim().is_empty()
        {
            return Some((*name).to_owned());
        }
    }
    for name in names {
        match name {
            GeneralName::IPAddress(address) => return Some(describe_address(address)),
            GeneralName::RFC822Name(address) | GeneralName::URI(address) if !address.trim().is_empty() => {
                return Some((*address).to_owned());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_is_a_part_of_a_name() {
        let names = ["B.example", " b.example", "b.example", "a.example\t", " ", ""].map(GeneralName::DNSName);
        assert_eq!(host_names(&names), [" b.example", "a.example\t", "b.example"]);
        let addresses = ["192.0.2.1", " 192.0.2.2"].map(GeneralName::DNSName);
        assert_eq!(misplaced_addresses(&addresses), ["192.0.2.1"]);
    }
}
