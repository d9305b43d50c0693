//! Standard extensions as text: names and values (RFC 5280 section 4.2.1).

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::extensions::{ExtendedKeyUsage, GeneralName, KeyUsage, ParsedExtension, X509Extension};

use crate::certificate::name::{self, NameStyle};

/// An extension, as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtensionReport {
    /// As OpenSSL's configuration spells it; null where it is not known.
    pub name: Option<&'static str>,
    pub oid: String,
    pub critical: bool,
    /// Such as "DNS:www.example.com" or "digitalSignature"; what is not known is "#" and hex.
    pub values: Vec<String>,
}

struct KnownExtension {
    oid: Oid<'static>,
    name: &'static str,
}

/// The extensions that have a name here.
static EXTENSIONS: [KnownExtension; 13] = [
    KnownExtension { oid: oid!(2.5.29.14), name: "subjectKeyIdentifier" },
    KnownExtension { oid: oid!(2.5.29.15), name: "keyUsage" },
    KnownExtension { oid: oid!(2.5.29.17), name: "subjectAltName" },
    KnownExtension { oid: oid!(2.5.29.18), name: "issuerAltName" },
    KnownExtension { oid: oid!(2.5.29.19), name: "basicConstraints" },
    KnownExtension { oid: oid!(2.5.29.30), name: "nameConstraints" },
    KnownExtension { oid: oid!(2.5.29.31), name: "crlDistributionPoints" },
    KnownExtension { oid: oid!(2.5.29.32), name: "certificatePolicies" },
    KnownExtension { oid: oid!(2.5.29.35), name: "authorityKeyIdentifier" },
    KnownExtension { oid: oid!(2.5.29.36), name: "policyConstraints" },
    KnownExtension { oid: oid!(2.5.29.37), name: "extendedKeyUsage" },
    KnownExtension { oid: oid!(2.5.29.54), name: "inhibitAnyPolicy" },
    KnownExtension { oid: oid!(1.3.6.1.5.5.7.1.1), name: "authorityInfoAccess" },
];

impl ExtensionReport {
    pub(crate) fn of(extension: &X509Extension<'_>) -> Self {
        Self {
            name: name_of(&extension.oid),
            oid: extension.oid.to_id_string(),
            critical: extension.critical,
            values: values(extension),
        }
    }
}

/// Returns whether an extension restricts nothing that is left out of account here.
pub(super) fn is_understood(oid: &Oid<'_>) -> bool {
    match name_of(oid) {
        Some(name) => !matches!(name, "nameConstraints" | "policyConstraints" | "inhibitAnyPolicy"),
        None => false,
    }
}

/// Returns the name of an extension.
fn name_of(oid: &Oid<'_>) -> Option<&'static str> {
    for known in &EXTENSIONS {
        if known.oid == *oid {
            return Some(known.name);
        }
    }
    None
}

fn values(extension: &X509Extension<'_>) -> Vec<String> {
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => {
            let mut values = Vec::new();
            for name in &names.general_names {
                values.push(describe_name(name));
            }
            values
        }
        ParsedExtension::KeyUsage(usage) => key_usages(usage),
        ParsedExtension::ExtendedKeyUsage(usage) => extended_key_usages(usage),
        ParsedExtension::BasicConstraints(constraints) => {
            let mut values = vec![if constraints.ca { "CA:TRUE" } else { "CA:FALSE" }.to_owned()];
            if let Some(length) = constraints.path_len_constraint {
                values.push(format!("pathlen:{length}"));
            }
            values
        }
        _ => vec![dump(extension.value)],
    }
}

fn dump(encoded: &[u8]) -> String {
    format!("#{}", data_encoding::HEXUPPER.encode(encoded))
}

/// Describes a name as OpenSSL does.
fn describe_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => format!("DNS:{name}"),
        GeneralName::RFC822Name(address) => format!("email:{address}"),
        GeneralName::URI(address) => format!("URI:{address}"),
        GeneralName::IPAddress(address) => format!("IP:{}", describe_address(address)),
        GeneralName::DirectoryName(name) => format!("DirName:{}", name::format(name, NameStyle::Compact)),
        GeneralName::RegisteredID(oid) => format!("RID:{}", oid.to_id_string()),
        GeneralName::OtherName(oid, _) => format!("othername:{}", oid.to_id_string()),
        GeneralName::X400Address(_) => "X400Name".to_owned(),
        GeneralName::EDIPartyName(_) => "EdiPartyName".to_owned(),
        GeneralName::Invalid(_, bytes) => dump(bytes),
    }
}

fn describe_address(address: &[u8]) -> String {
    if let Ok(address) = <[u8; 4]>::try_from(address) {
        return Ipv4Addr::from(address).to_string();
    }
    match <[u8; 16]>::try_from(address) {
        Ok(address) => Ipv6Addr::from(address).to_string(),
        Err(_) => dump(address),
    }
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

fn key_usages(usage: &KeyUsage) -> Vec<String> {
    names_of(&[
        (usage.digital_signature(), "digitalSignature"),
        (usage.non_repudiation(), "nonRepudiation"),
        (usage.key_encipherment(), "keyEncipherment"),
        (usage.data_encipherment(), "dataEncipherment"),
        (usage.key_agreement(), "keyAgreement"),
        (usage.key_cert_sign(), "keyCertSign"),
        (usage.crl_sign(), "cRLSign"),
        (usage.encipher_only(), "encipherOnly"),
        (usage.decipher_only(), "decipherOnly"),
    ])
}

fn extended_key_usages(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
    let mut names = names_of(&[
        (usage.any, "anyExtendedKeyUsage"),
        (usage.server_auth, "serverAuth"),
        (usage.client_auth, "clientAuth"),
        (usage.code_signing, "codeSigning"),
        (usage.email_protection, "emailProtection"),
        (usage.time_stamping, "timeStamping"),
        (usage.ocsp_signing, "OCSPSigning"),
    ]);
    for oid in &usage.other {
        names.push(oid.to_id_string());
    }
    names
}

fn names_of(flags: &[(bool, &str)]) -> Vec<String> {
    let mut names = Vec::new();
    for (is_set, name) in flags {
        if *is_set {
            names.push((*name).to_owned());
        }
    }
    names
}
