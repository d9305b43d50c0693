//! A certificate and the facts in it, read once.

pub(crate) mod apple;
pub(crate) mod chain;
pub(crate) mod name;
pub(crate) mod renewal;
pub(crate) mod warning;

use time::OffsetDateTime;
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use crate::asn1::{Malformed, Value};
use crate::crypto::digest::{sha1_hex, sha256_hex};
use crate::public_key::PublicKey;
use apple::{CertificateKind, Environment, Extensions, Topic};
use name::NameStyle;

/// Signature algorithms by name; those with SHA-1 or older are weak.
static SIGNATURES: [(Oid<'static>, &str, bool); 10] = [
    (oid!(1.2.840.113549.1.1.4), "MD5 with RSA", true),
    (oid!(1.2.840.113549.1.1.5), "SHA-1 with RSA", true),
    (oid!(1.2.840.113549.1.1.11), "SHA-256 with RSA", false),
    (oid!(1.2.840.113549.1.1.12), "SHA-384 with RSA", false),
    (oid!(1.2.840.113549.1.1.13), "SHA-512 with RSA", false),
    (oid!(1.2.840.10045.4.1), "SHA-1 with ECDSA", true),
    (oid!(1.2.840.10045.4.3.2), "SHA-256 with ECDSA", false),
    (oid!(1.2.840.10045.4.3.3), "SHA-384 with ECDSA", false),
    (oid!(1.2.840.10045.4.3.4), "SHA-512 with ECDSA", false),
    (oid!(1.3.101.112), "Ed25519", false),
];

/// An X.509 certificate (RFC 5280) with its facts.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate as encoded.
    pub der: Vec<u8>,
    /// The subject, in the certificate's order.
    pub subject: String,
    /// The issuer, likewise.
    pub issuer: String,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// The serial number, upper-case hex as OpenSSL prints it.
    pub serial: String,
    /// The beginning of its validity.
    pub not_before: OffsetDateTime,
    /// The end of its validity.
    pub not_after: OffsetDateTime,
    /// The public key.
    pub public_key: PublicKey,
    /// The algorithm of the signature on it.
    pub signature: String,
    /// Whether that algorithm is SHA-1 or older.
    pub has_weak_signature: bool,
    /// Whether basicConstraints make it an authority.
    pub is_ca: bool,
    /// What it is for.
    pub kind: CertificateKind,
    /// The UID of the subject where that is an app's or service's identifier (not for MDM).
    pub bundle_id: Option<String>,
    /// The UID of the subject.
    pub uid: Option<String>,
    /// The topics it may send to.
    pub topics: Vec<Topic>,
    /// Why the list of topics does not decode.
    pub topics_problem: Option<Malformed>,
    /// The environments it may be used in.
    pub environments: Vec<Environment>,
    /// The Team ID (OU of Apple's leaf certificates).
    pub team_id: Option<String>,
    /// The organization (O).
    pub organization: Option<String>,
    pub(crate) subject_key_id: Option<Vec<u8>>,
    pub(crate) authority_key_id: Option<Vec<u8>>,
    /// The encoded names, for comparing.
    pub(crate) raw_names: (Vec<u8>, Vec<u8>),
}

impl Certificate {
    /// Reads a certificate; what follows it in `bytes` (a "TRUSTED CERTIFICATE" has OpenSSL's settings
    /// there) is left out.
    ///
    /// # Errors
    /// When it is not a certificate.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (rest, x509) = X509Certificate::from_der(bytes).map_err(|error| {
            let cut = Value::parse_prefix(bytes).is_none();
            let problem =
                if cut { "is cut short".to_owned() } else { format!("does not parse ({})", describe(&error)) };
            Malformed::new("certificate", problem)
        })?;
        let der = bytes[..bytes.len() - rest.len()].to_vec();
        let malformed = |problem: &'static str| Malformed::new("certificate", problem);

        let mut apple = Extensions::default();
        let (mut subject_key_id, mut authority_key_id, mut is_ca) = (None, None, false);
        for extension in x509.extensions() {
            apple.note(&extension.oid, extension.value);
            match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => subject_key_id = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                ParsedExtension::BasicConstraints(constraints) => is_ca = constraints.ca,
                ParsedExtension::CertificatePolicies(policies)
                    if policies.iter().any(|p| p.policy_id == apple::POLICY) =>
                {
                    apple.note_policy();
                }
                _ => {}
            }
        }
        let subject = x509.subject();
        let uid = name::first(subject, "UID");
        let kind = apple.kind(uid.as_deref());
        let (topics, topics_problem) = apple.topics(uid.as_deref());
        let signature = &x509.signature_algorithm.algorithm;
        let known = SIGNATURES.iter().find(|(oid, ..)| oid == signature);
        Ok(Self {
            subject: name::format(subject, NameStyle::Compact),
            issuer: name::format(x509.issuer(), NameStyle::Compact),
            common_name: name::first(subject, "CN"),
            serial: data_encoding::HEXUPPER.encode(x509.raw_serial()),
            not_before: x509.validity().not_before.to_datetime(),
            not_after: x509.validity().not_after.to_datetime(),
            public_key: PublicKey::parse(x509.public_key().raw.to_vec())
                .ok_or(malformed("has an unreadable public key"))?,
            signature: known.map_or_else(|| signature.to_id_string(), |(_, name, _)| (*name).to_owned()),
            has_weak_signature: known.is_some_and(|(.., weak)| *weak),
            is_ca,
            kind,
            bundle_id: uid.clone().filter(|_| kind != CertificateKind::Mdm),
            topics,
            topics_problem,
            environments: apple.environments(),
            team_id: name::first(subject, "OU")
                .filter(|_| !is_ca && !matches!(kind, CertificateKind::Other | CertificateKind::Mdm)),
            organization: name::first(subject, "O"),
            uid,
            subject_key_id,
            authority_key_id,
            raw_names: (subject.as_raw().to_vec(), x509.issuer().as_raw().to_vec()),
            der,
        })
    }

    /// Subject and issuer in another style.
    pub fn names(&self, style: NameStyle) -> (String, String) {
        X509Certificate::from_der(&self.der).map_or_else(
            |_| (self.subject.clone(), self.issuer.clone()),
            |(_, x509)| (name::format(x509.subject(), style), name::format(x509.issuer(), style)),
        )
    }

    /// Whole days from `now` to the end of its validity; negative once it has expired.
    pub fn days_left(&self, now: OffsetDateTime) -> i64 {
        (self.not_after - now).whole_seconds().div_euclid(86_400)
    }

    /// Whether `now` is after the end of its validity.
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        now > self.not_after
    }

    /// Whether `now` is before its validity.
    pub fn is_not_yet_valid(&self, now: OffsetDateTime) -> bool {
        now < self.not_before
    }

    /// Whether subject and issuer are the same name (RFC 5280 section 3.2).
    pub fn is_self_issued(&self) -> bool {
        self.raw_names.0 == self.raw_names.1
    }

    /// SHA-1 of the encoding, lower-case hex.
    pub fn sha1(&self) -> String {
        sha1_hex(&self.der)
    }

    /// SHA-256 of the encoding, lower-case hex.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.der)
    }

    /// What people call it: the common name, or else the subject.
    pub fn title(&self) -> &str {
        self.common_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.subject)
    }

    /// What it sends to, in a word: its first topic.
    pub fn main_topic(&self) -> Option<&str> {
        self.topics.first().map(|topic| topic.topic.as_str())
    }
}

fn describe(error: &x509_parser::nom::Err<x509_parser::error::X509Error>) -> String {
    match error {
        x509_parser::nom::Err::Incomplete(_) => "a value is cut short".to_owned(),
        x509_parser::nom::Err::Error(e) | x509_parser::nom::Err::Failure(e) => e.to_string(),
    }
}
