//! Standard extensions as text: names and values (RFC 5280 section 4.2.1).

use openssl::asn1::Asn1Object;
use openssl::nid::Nid;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{
    AccessDescription, AuthorityKeyIdentifier, BasicConstraints, CRLDistributionPoint, DistributionPointName,
    ExtendedKeyUsage, GeneralSubtree, KeyUsage, ParsedExtension, PolicyInformation, SignedCertificateTimestamp,
    X509Extension,
};
use x509_parser::prelude::FromDer;

use crate::asn1::Value;
use crate::certificate::general_name::{describe_name, describe_names};

/// The most extensions of a certificate or a request.
pub(crate) const MAX_EXTENSIONS: usize = 100;

/// The most values of extensions that are shown of a file: each takes many times its size.
pub(crate) const MAX_FILE_VALUES: usize = 200_000;

/// The most that are shown of a request, of which a file may have thousands.
pub(crate) const MAX_REQUEST_VALUES: usize = 1_000;

/// The bytes of a value that is not decoded that are shown.
const SHOWN_BYTES: usize = 64;

/// An extension, as a report shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtensionReport {
    /// As OpenSSL's configuration spells it, or Apple's or OpenSSL's name for others; null where there is none.
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

/// Apple's, by its certification practice statements.
static APPLE_NAMES: [KnownExtension; 8] = [
    KnownExtension { oid: oid!(1.2.840.113635.100.6.1.16), name: "Apple Pass Type ID" },
    KnownExtension { oid: oid!(1.2.840.113635.100.6.1.17), name: "Apple Website Push ID" },
    KnownExtension { oid: oid!(1.2.840.113635.100.6.2.1), name: "Apple WWDR intermediate" },
    KnownExtension { oid: oid!(1.2.840.113635.100.6.3.1), name: "Apple Push Services, sandbox" },
    KnownExtension { oid: oid!(1.2.840.113635.100.6.3.2), name: "Apple Push Services, production" },
    KnownExtension { oid: oid!(1.2.840.113635.100.6.3.3), name: "Apple VoIP Push Services" },
    KnownExtension { oid: oid!(1.2.840.113635.100.6.3.6), name: "Apple Push Services, topics" },
    KnownExtension { oid: oid!(1.2.840.113635.100.5.1), name: "Apple certificate policy" },
];

/// Reports on all extensions of a certificate, in its order, with as many values as are left.
pub(crate) fn report(der: &[u8], left: &mut usize) -> Vec<ExtensionReport> {
    let mut reports = Vec::new();
    // A certificate that was read before parses again.
    if let Ok((_, x509)) = X509Certificate::from_der(der) {
        for extension in x509.extensions() {
            reports.push(ExtensionReport::of(extension, left));
        }
    }
    reports
}

impl ExtensionReport {
    /// Reports on an extension, with as many values as are `left`.
    pub(crate) fn of(extension: &X509Extension<'_>, left: &mut usize) -> Self {
        let mut values = values_of(extension);
        let count = values.len();
        if count > *left {
            values.truncate(*left);
            values.shrink_to_fit();
            values.push(format!("… and {} more", count - *left));
        }
        *left = left.saturating_sub(count);
        Self {
            name: find_name(&extension.oid),
            oid: extension.oid.to_id_string(),
            critical: extension.critical,
            values,
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

/// Returns whether OpenSSL reads an extension of every certificate that it checks for a use.
pub(super) fn is_read_by_openssl(oid: &Oid<'_>) -> bool {
    const NAMES: [&str; 8] = [
        "basicConstraints",
        "keyUsage",
        "extendedKeyUsage",
        "subjectKeyIdentifier",
        "authorityKeyIdentifier",
        "subjectAltName",
        "nameConstraints",
        "crlDistributionPoints",
    ];
    name_of(oid).is_some_and(|name| NAMES.contains(&name))
}

/// A fault of an extension for which OpenSSL marks a certificate as invalid (EXFLAG_INVALID).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExtensionFault {
    /// It stands there twice (RFC 5280 section 4.2).
    Repeated,
    /// It does not decode.
    Damaged,
}

impl ExtensionFault {
    /// Describes it for people.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Repeated => "has an extension twice",
            Self::Damaged => "has an extension that does not decode",
        }
    }
}

/// Netscape's certificate type (nsCertType), which OpenSSL and Java hold a certificate to that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NetscapeType {
    pub(crate) is_server: bool,
    pub(crate) is_client: bool,
}

/// The policies of the CA/Browser Forum, one of which each certificate of a public authority for servers names (Baseline
/// Requirements section 7.1.6).
const PUBLIC_POLICIES: Oid<'static> = oid!(2.23.140.1);

pub(super) fn is_public_policy(policy: &Oid<'_>) -> bool {
    policy.starts_with(&PUBLIC_POLICIES)
}

/// The TLS extensions that a server must answer (RFC 7633).
const TLS_FEATURES: Oid<'static> = oid!(1.3.6.1.5.5.7.1.24);

/// The TLS extension `status_request`, and its second version (RFC 6066, RFC 6961).
const STATUS_REQUESTS: [u64; 2] = [5, 17];

/// Returns whether an extension says that the server must staple the answer of the authority's OCSP responder.
pub(super) fn must_staple(oid: &Oid<'_>, value: &[u8]) -> bool {
    if *oid != TLS_FEATURES {
        return false;
    }
    let Some((features, _)) = Value::parse_prefix(value) else { return false };
    let mut features = features.reader("TLS features");
    while let Ok(Some(feature)) = features.try_next() {
        if feature.unsigned().is_ok_and(|number| STATUS_REQUESTS.contains(&number)) {
            return true;
        }
    }
    false
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

/// Returns the name of an OID, understood or not.
fn find_name(oid: &Oid<'_>) -> Option<&'static str> {
    for known in &APPLE_NAMES {
        if known.oid == *oid {
            return Some(known.name);
        }
    }
    if let Some(name) = name_of(oid) {
        return Some(name);
    }
    let nid = Asn1Object::from_str(&oid.to_id_string()).ok()?.nid();
    if nid == Nid::UNDEF { None } else { nid.long_name().ok() }
}

/// Returns the name of an OID, or the OID itself.
fn named(oid: &Oid<'_>) -> String {
    match find_name(oid) {
        Some(name) => name.to_owned(),
        None => oid.to_id_string(),
    }
}

fn values_of(extension: &X509Extension<'_>) -> Vec<String> {
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => describe_names(&names.general_names),
        ParsedExtension::IssuerAlternativeName(names) => describe_names(&names.general_names),
        ParsedExtension::KeyUsage(usage) => key_usages(usage),
        ParsedExtension::ExtendedKeyUsage(usage) => extended_key_usages(usage),
        ParsedExtension::BasicConstraints(constraints) => basic_constraints(constraints),
        ParsedExtension::SubjectKeyIdentifier(id) => vec![colon_hex(id.0)],
        ParsedExtension::AuthorityKeyIdentifier(id) => authority_key_id(id),
        ParsedExtension::CertificatePolicies(policies) => policies.iter().map(policy).collect(),
        ParsedExtension::CRLDistributionPoints(list) => crl_addresses(&list.points),
        ParsedExtension::AuthorityInfoAccess(access) => access.accessdescs.iter().map(access_address).collect(),
        ParsedExtension::SubjectInfoAccess(access) => access.accessdescs.iter().map(access_address).collect(),
        ParsedExtension::NameConstraints(constraints) => [
            subtrees("permitted", constraints.permitted_subtrees.as_deref()),
            subtrees("excluded", constraints.excluded_subtrees.as_deref()),
        ]
        .concat(),
        ParsedExtension::InhibitAnyPolicy(inhibit) => vec![format!("skip {}", inhibit.skip_certs)],
        ParsedExtension::NsCertComment(comment) => vec![(*comment).to_owned()],
        ParsedExtension::SCT(timestamps) => timestamps.iter().map(timestamp).collect(),
        _ => vec![dump(extension.value)],
    }
}

fn basic_constraints(constraints: &BasicConstraints) -> Vec<String> {
    let mut values = vec![if constraints.ca { "CA:TRUE" } else { "CA:FALSE" }.to_owned()];
    if let Some(length) = constraints.path_len_constraint {
        values.push(format!("pathlen:{length}"));
    }
    values
}

/// Returns the value in hexadecimal digits, cut if it is long.
pub(super) fn dump(encoded: &[u8]) -> String {
    match encoded.get(..SHOWN_BYTES) {
        Some(shown) if shown.len() < encoded.len() => {
            format!("#{}… ({} bytes)", data_encoding::HEXUPPER.encode(shown), encoded.len())
        }
        _ => format!("#{}", data_encoding::HEXUPPER.encode(encoded)),
    }
}

/// Reads a string of a type that is for people; `None` if it is of another type.
pub(super) fn display_text(encoded: &[u8]) -> Option<String> {
    let (value, _) = Value::parse_prefix(encoded)?;
    let octets = value.octets().ok()?;
    let is_text = [Tag::Utf8String, Tag::Ia5String, Tag::PrintableString, Tag::VisibleString];
    if is_text.into_iter().any(|tag| value.is(tag)) {
        return Some(String::from_utf8_lossy(&octets).into_owned());
    }
    if !value.is(Tag::BmpString) {
        return None;
    }
    let mut units = Vec::with_capacity(octets.len() / 2);
    for pair in octets.chunks_exact(2) {
        units.push(u16::from_be_bytes([pair[0], pair[1]]));
    }
    Some(String::from_utf16_lossy(&units))
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

pub(super) fn extended_key_usages(usage: &ExtendedKeyUsage<'_>) -> Vec<String> {
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
        names.push(named(oid));
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

fn authority_key_id(id: &AuthorityKeyIdentifier<'_>) -> Vec<String> {
    let mut values = Vec::new();
    if let Some(key) = &id.key_identifier {
        values.push(colon_hex(key.0));
    }
    for issuer in id.authority_cert_issuer.iter().flatten() {
        values.push(describe_name(issuer));
    }
    if let Some(serial) = id.authority_cert_serial {
        values.push(format!("serial {}", colon_hex(serial)));
    }
    values
}

fn policy(policy: &PolicyInformation<'_>) -> String {
    let mut text = named(&policy.policy_id);
    for qualifier in policy.policy_qualifiers.iter().flatten() {
        // A CPS is an address in IA5String (RFC 5280 section 4.2.1.4).
        match display_text(qualifier.qualifier) {
            Some(address) => text.push_str(&format!(" {address}")),
            None => text.push_str(&user_notice(qualifier.qualifier)),
        }
    }
    text
}

/// Describes a UserNotice: an optional reference (organization, numbers), an optional text.
fn user_notice(encoded: &[u8]) -> String {
    let mut text = " with a notice".to_owned();
    let Some((notice, _)) = Value::parse_prefix(encoded) else { return format!("{text} {}", dump(encoded)) };
    let mut fields = notice.reader("notice");
    while let Ok(Some(field)) = fields.try_next() {
        if let Some(words) = display_text(field.encoded()) {
            text.push_str(&format!(" \"{words}\""));
        } else if let Some(reference) = notice_reference(&field) {
            text.push_str(&reference);
        } else {
            text.push_str(&format!(" {}", dump(field.encoded())));
        }
    }
    text
}

/// Describes a NoticeReference: " of ORGANIZATION, 1, 2".
fn notice_reference(field: &Value<'_>) -> Option<String> {
    let mut parts = field.reader("notice");
    let organization = parts.try_next().ok()??;
    let mut text = format!(" of {}", display_text(organization.encoded())?);
    let mut numbers = parts.try_next().ok()??.reader("notice");
    while let Ok(Some(number)) = numbers.try_next() {
        text.push_str(&format!(", {}", number.unsigned().ok()?));
    }
    Some(text)
}

fn crl_addresses(points: &[CRLDistributionPoint<'_>]) -> Vec<String> {
    let mut values = Vec::new();
    for point in points {
        match &point.distribution_point {
            Some(DistributionPointName::FullName(names)) => values.extend(describe_names(names)),
            Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => values.push("a name at the issuer".to_owned()),
            None => values.extend(describe_names(point.crl_issuer.as_deref().unwrap_or_default())),
        }
    }
    values
}

fn access_address(access: &AccessDescription<'_>) -> String {
    format!("{} {}", named(&access.access_method), describe_name(&access.access_location))
}

fn subtrees(word: &str, subtrees: Option<&[GeneralSubtree<'_>]>) -> Vec<String> {
    let mut values = Vec::new();
    for subtree in subtrees.unwrap_or_default() {
        values.push(format!("{word} {}", describe_name(&subtree.base)));
    }
    values
}

/// Returns when a log of Certificate Transparency promised to list the certificate, and which log.
fn timestamp(timestamp: &SignedCertificateTimestamp<'_>) -> String {
    let log = data_encoding::HEXLOWER.encode(timestamp.id.key_id);
    match OffsetDateTime::from_unix_timestamp_nanos(i128::from(timestamp.timestamp) * 1_000_000) {
        Ok(time) => format!("{} by the log {log}", time.format(&Rfc3339).unwrap_or_default()),
        Err(_) => format!("by the log {log}"),
    }
}

/// Returns upper-case digits with colons, as OpenSSL writes key IDs.
fn colon_hex(bytes: &[u8]) -> String {
    let mut digits = Vec::new();
    for byte in bytes.iter().take(SHOWN_BYTES) {
        digits.push(format!("{byte:02X}"));
    }
    digits.join(":")
}

#[cfg(test)]
mod tests {
    use openssl::asn1::{Asn1Object, Asn1OctetString};
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::x509::{X509, X509Extension};

    use super::*;
    use crate::test_support::fixture;

    /// Returns a certificate with extensions, each as OpenSSL's configuration has it.
    fn with_extensions(settings: &[(Nid, &str)], others: &[(&str, &[u8])]) -> Vec<u8> {
        let key = PKey::private_key_from_pem(&fixture("key/push.pem")).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
        builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(1).unwrap()).unwrap();
        for (nid, value) in settings {
            #[expect(deprecated, reason = "the builders do not make all of these")]
            builder.append_extension(X509Extension::new_nid(None, None, *nid, value).expect(value)).unwrap();
        }
        for (oid, der) in others {
            let oid = Asn1Object::from_str(oid).unwrap();
            let contents = Asn1OctetString::new_from_bytes(der).unwrap();
            builder.append_extension(X509Extension::new_from_der(&oid, false, &contents).unwrap()).unwrap();
        }
        builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
        builder.build().to_der().unwrap()
    }

    fn shown(der: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for extension in report(der, &mut 100) {
            let critical = if extension.critical { " (critical)" } else { "" };
            let name = extension.name.unwrap_or(&extension.oid);
            lines.push(format!("{name}{critical}: {}", extension.values.join(", ")));
        }
        lines
    }

    #[test]
    fn every_standard_extension_is_in_words() {
        let der = with_extensions(
            &[
                (Nid::BASIC_CONSTRAINTS, "critical,CA:TRUE,pathlen:1"),
                (Nid::KEY_USAGE, "digitalSignature,keyCertSign"),
                (Nid::EXT_KEY_USAGE, "clientAuth,1.2.3.4"),
                (
                    Nid::SUBJECT_ALT_NAME,
                    "DNS:a.example,email:x@a.example,IP:192.0.2.1,IP:2001:db8::1,URI:https://a.example",
                ),
                (Nid::CRL_DISTRIBUTION_POINTS, "URI:http://crl.example/a.crl"),
                (Nid::INFO_ACCESS, "OCSP;URI:http://ocsp.example"),
                (Nid::NAME_CONSTRAINTS, "permitted;DNS:.example,excluded;IP:10.0.0.0/255.0.0.0"),
            ],
            &[("2.5.29.32", b"\x30\x07\x30\x05\x06\x03\x2a\x03\x05")],
        );
        let expected = [
            "basicConstraints (critical): CA:TRUE, pathlen:1",
            "keyUsage: digitalSignature, keyCertSign",
            "extendedKeyUsage: clientAuth, 1.2.3.4",
            "subjectAltName: DNS:a.example, email:x@a.example, IP:192.0.2.1, \
             IP:2001:db8::1, URI:https://a.example",
            "crlDistributionPoints: URI:http://crl.example/a.crl",
            "authorityInfoAccess: OCSP URI:http://ocsp.example",
            "nameConstraints: permitted DNS:.example, excluded IP:10.0.0.0/255.0.0.0",
            "certificatePolicies: 1.2.3.5",
        ];
        assert_eq!(shown(&der), expected);
    }

    #[test]
    fn what_is_not_known_is_shown_by_its_number_and_bounded() {
        let der = with_extensions(&[], &[("1.2.3.4.5", &[0xab; 200]), ("2.5.29.17", b"\x30\x05\x82\x01")]);
        let lines = shown(&der);
        assert_eq!(lines[0], format!("1.2.3.4.5: #{}… (200 bytes)", "AB".repeat(SHOWN_BYTES)));
        assert_eq!(lines[1], "subjectAltName: #30058201");
    }

    /// Encodes a short value.
    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }

    #[test]
    fn names_of_other_kinds_have_their_values() {
        let name = "otherName:1.3.6.1.4.1.311.20.2.3;UTF8:jo@example.com,otherName:1.2.3;INTEGER:5,DNS:a.example";
        let der = with_extensions(&[(Nid::SUBJECT_ALT_NAME, name)], &[]);
        let expected = "subjectAltName: othername:1.3.6.1.4.1.311.20.2.3:jo@example.com, othername:1.2.3:#020105, \
                        DNS:a.example";
        assert_eq!(shown(&der), [expected]);
        let party = value(0x30, &value(0xa5, &value(0xa1, &value(0x0c, b"Jo"))));
        let lines = shown(&with_extensions(&[], &[("2.5.29.17", &party)]));
        assert_eq!(lines, ["subjectAltName: EdiPartyName:#A1040C024A6F"]);
    }

    #[test]
    fn the_text_of_a_policys_notice_is_shown() {
        const CPS: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 2, 1];
        const NOTICE: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 2, 2];
        let organization = [value(0x0c, b"Example"), value(0x30, &[2, 1, 1, 2, 1, 7])].concat();
        let text = value(0x1e, &[0, b'h', 0, b'i', 0x68, 0x2a]);
        let notices = [
            value(0x30, &[CPS, &value(0x16, b"https://a.example")].concat()),
            value(0x30, &[NOTICE, &value(0x30, &[value(0x30, &organization), text].concat())].concat()),
            value(0x30, &[NOTICE, &value(0x30, &[5, 0])].concat()),
        ];
        let policy = [value(6, &[0x2a, 3, 5]), value(0x30, &notices.concat())].concat();
        let list = value(0x30, &value(0x30, &policy));
        let lines = shown(&with_extensions(&[], &[("2.5.29.32", &list)]));
        let expected = "certificatePolicies: 1.2.3.5 https://a.example with a notice of Example, 1, 7 \"hi\u{682a}\" \
                        with a notice #0500";
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn timestamps_of_transparency_logs_are_shown() {
        // One timestamp (RFC 6962 section 3.2): version, log, time, no extensions, a signature of one byte.
        let mut list = vec![0x04, 0x34, 0x00, 0x32, 0x00, 0x30, 0x00];
        list.extend([0x11; 32]);
        list.extend(1_700_000_000_000_u64.to_be_bytes());
        list.extend([0, 0, 4, 3, 0, 1, 0xff]);
        let lines = shown(&with_extensions(&[], &[("1.3.6.1.4.1.11129.2.4.2", &list)]));
        assert_eq!(lines, [format!("CT Precertificate SCTs: 2023-11-14T22:13:20Z by the log {}", "11".repeat(32))]);
    }

    #[test]
    fn apples_extensions_have_names() {
        let lines = shown(&fixture("der/universal.cer"));
        assert!(lines.iter().any(|line| line.starts_with("Apple Push Services, topics: #30")), "{lines:?}");
    }
}
