//! A certificate and the facts in it, read once.

pub(crate) mod apple;
pub(crate) mod chain;
pub(crate) mod name;
pub(crate) mod renewal;
pub(crate) mod warning;

use time::OffsetDateTime;
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::asn1::{Malformed, Value};
use crate::crypto::digest::{sha1_hex, sha256_hex};
use crate::public_key::PublicKey;
use apple::{CertificateKind, Environment, Extensions, Topic};
use name::NameStyle;

/// A signature algorithm.
struct SignatureAlgorithm {
    oid: Oid<'static>,
    name: &'static str,
    is_weak: bool,
}

impl SignatureAlgorithm {
    const fn weak(name: &'static str, oid: Oid<'static>) -> Self {
        Self { oid, name, is_weak: true }
    }

    const fn strong(name: &'static str, oid: Oid<'static>) -> Self {
        Self { oid, name, is_weak: false }
    }
}

static SIGNATURE_ALGORITHMS: [SignatureAlgorithm; 10] = [
    SignatureAlgorithm::weak("MD5 with RSA", oid!(1.2.840.113549.1.1.4)),
    SignatureAlgorithm::weak("SHA-1 with RSA", oid!(1.2.840.113549.1.1.5)),
    SignatureAlgorithm::strong("SHA-256 with RSA", oid!(1.2.840.113549.1.1.11)),
    SignatureAlgorithm::strong("SHA-384 with RSA", oid!(1.2.840.113549.1.1.12)),
    SignatureAlgorithm::strong("SHA-512 with RSA", oid!(1.2.840.113549.1.1.13)),
    SignatureAlgorithm::weak("SHA-1 with ECDSA", oid!(1.2.840.10045.4.1)),
    SignatureAlgorithm::strong("SHA-256 with ECDSA", oid!(1.2.840.10045.4.3.2)),
    SignatureAlgorithm::strong("SHA-384 with ECDSA", oid!(1.2.840.10045.4.3.3)),
    SignatureAlgorithm::strong("SHA-512 with ECDSA", oid!(1.2.840.10045.4.3.4)),
    SignatureAlgorithm::strong("Ed25519", oid!(1.3.101.112)),
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
    /// The signature uses SHA-1 or older.
    pub has_weak_signature: bool,
    /// basicConstraints make it a CA.
    pub is_ca: bool,
    pub kind: CertificateKind,
    /// The UID of the subject where that is an app's or service's identifier (not for MDM).
    pub bundle_id: Option<String>,
    /// The UID of the subject.
    pub uid: Option<String>,
    /// The topics it may send to.
    pub topics: Vec<Topic>,
    /// The reason why the list of topics does not decode.
    pub topics_problem: Option<Malformed>,
    /// The environments it may be used in.
    pub environments: Vec<Environment>,
    /// The Team ID (OU of Apple's leaf certificates).
    pub team_id: Option<String>,
    /// The organization (O).
    pub organization: Option<String>,
    pub(crate) subject_key_id: Option<Vec<u8>>,
    pub(crate) authority_key_id: Option<Vec<u8>>,
    /// The subject as encoded.
    pub(crate) raw_subject: Vec<u8>,
    /// The issuer as encoded.
    pub(crate) raw_issuer: Vec<u8>,
}

impl Certificate {
    /// Reads a certificate; what follows it in `bytes` (a "TRUSTED CERTIFICATE" has OpenSSL's settings
    /// there) is left out.
    ///
    /// # Errors
    /// When it is not a certificate.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (rest, x509) = match X509Certificate::from_der(bytes) {
            Ok(parsed) => parsed,
            Err(_) if Value::parse_prefix(bytes).is_none() => {
                return Err(Malformed::new("certificate", "is cut short"));
            }
            Err(error) => {
                return Err(Malformed::new("certificate", format!("does not parse ({})", describe(&error))));
            }
        };
        let Some(public_key) = PublicKey::parse(x509.public_key().raw.to_vec()) else {
            return Err(Malformed::new("certificate", "has an unreadable public key"));
        };
        let extensions = Extensions::read(&x509);
        let subject = x509.subject();
        let uid = name::first(subject, "UID");
        let kind = extensions.kind(uid.as_deref());
        let (topics, topics_problem) = extensions.topics(uid.as_deref());
        let (signature, has_weak_signature) = describe_signature(&x509.signature_algorithm.algorithm);
        let has_team = !extensions.is_ca && !matches!(kind, CertificateKind::Other | CertificateKind::Mdm);
        Ok(Self {
            der: bytes[..bytes.len() - rest.len()].to_vec(),
            subject: name::format(subject, NameStyle::Compact),
            issuer: name::format(x509.issuer(), NameStyle::Compact),
            common_name: name::first(subject, "CN"),
            serial: data_encoding::HEXUPPER.encode(x509.raw_serial()),
            not_before: x509.validity().not_before.to_datetime(),
            not_after: x509.validity().not_after.to_datetime(),
            public_key,
            signature,
            has_weak_signature,
            is_ca: extensions.is_ca,
            kind,
            bundle_id: if kind == CertificateKind::Mdm { None } else { uid.clone() },
            uid,
            topics,
            topics_problem,
            environments: extensions.environments(),
            team_id: if has_team { name::first(subject, "OU") } else { None },
            organization: name::first(subject, "O"),
            subject_key_id: extensions.subject_key_id,
            authority_key_id: extensions.authority_key_id,
            raw_subject: subject.as_raw().to_vec(),
            raw_issuer: x509.issuer().as_raw().to_vec(),
        })
    }

    /// Returns subject and issuer in another style.
    pub fn names(&self, style: NameStyle) -> (String, String) {
        match X509Certificate::from_der(&self.der) {
            Ok((_, x509)) => (name::format(x509.subject(), style), name::format(x509.issuer(), style)),
            Err(_) => (self.subject.clone(), self.issuer.clone()),
        }
    }

    /// Returns the whole days from `now` to the end of its validity; negative once it has expired.
    pub fn days_left(&self, now: OffsetDateTime) -> i64 {
        (self.not_after - now).whole_seconds().div_euclid(86_400)
    }

    /// Returns whether `now` is after the end of its validity.
    pub fn is_expired(&self, now: OffsetDateTime) -> bool {
        now > self.not_after
    }

    /// Returns whether `now` is before its validity.
    pub fn is_not_yet_valid(&self, now: OffsetDateTime) -> bool {
        now < self.not_before
    }

    /// Returns whether subject and issuer are the same name (RFC 5280 section 3.2).
    pub fn is_self_issued(&self) -> bool {
        self.raw_subject == self.raw_issuer
    }

    /// Returns the SHA-1 of the encoding, lower-case hex.
    pub fn sha1(&self) -> String {
        sha1_hex(&self.der)
    }

    /// Returns the SHA-256 of the encoding, lower-case hex.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.der)
    }

    /// Returns the common name, or else the subject.
    pub fn title(&self) -> &str {
        match &self.common_name {
            Some(name) if !name.is_empty() => name,
            _ => &self.subject,
        }
    }

    /// Returns the first topic.
    pub fn main_topic(&self) -> Option<&str> {
        self.topics.first().map(|topic| topic.topic.as_str())
    }
}

/// Returns the name of a signature algorithm, and whether it is weak.
fn describe_signature(oid: &Oid<'_>) -> (String, bool) {
    for known in &SIGNATURE_ALGORITHMS {
        if known.oid == *oid {
            return (known.name.to_owned(), known.is_weak);
        }
    }
    (oid.to_id_string(), false)
}

fn describe(error: &x509_parser::nom::Err<x509_parser::error::X509Error>) -> String {
    match error {
        x509_parser::nom::Err::Incomplete(_) => "a value is cut short".to_owned(),
        x509_parser::nom::Err::Error(e) | x509_parser::nom::Err::Failure(e) => e.to_string(),
    }
}
