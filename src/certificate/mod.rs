//! A certificate and the facts in it, read once.

pub(crate) mod apple;
pub(crate) mod chain;
pub(crate) mod extension;
mod general_name;
pub(crate) mod name;
mod plain;
pub(crate) mod policy;
pub(crate) mod renewal;
pub(crate) mod threshold;
pub(crate) mod time_left;
pub(crate) mod warning;

use time::{OffsetDateTime, UtcOffset};
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::num_bigint::{BigInt, Sign};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;
use x509_parser::x509::AttributeTypeAndValue;

use crate::asn1::{self, Malformed, Value};
use crate::crypto::digest::{sha1_hex, sha256_hex};
use crate::public_key::PublicKey;
use apple::{CertificateKind, Environment, Extensions, Topic};
use extension::{ExtensionFault, NetscapeType};
use name::NameStyle;
use time_left::TimeLeft;

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
    /// The subject is empty, or has nothing but blanks in it.
    is_subject_blank: bool,
    /// The first name of subjectAltName, or else the serial number.
    pub(crate) title_without_subject: String,
    /// The names and addresses of hosts in subjectAltName, in small letters and in order.
    pub(crate) dns_names: Vec<String>,
    /// The other names in subjectAltName, such as `email:admin@example.com`, in order.
    pub(crate) other_names: Vec<String>,
    /// Those of `dns_names` that are addresses, and are not among the addresses.
    pub(crate) misplaced_addresses: Vec<String>,
    /// Its extended key usage, such as `serverAuth`; empty where it may be used for anything.
    pub(crate) usages: Vec<String>,
    /// The serial number as OpenSSL prints it: upper-case hex, an even number of digits, "-" for a negative one.
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
    /// There are basicConstraints.
    pub(crate) has_constraints: bool,
    /// The authorities that it allows below it; `None` for any number.
    pub(crate) path_length: Option<u32>,
    /// Its key usage, if it has one, is to sign certificates.
    pub(crate) may_sign_certificates: bool,
    /// Its key usage names keyCertSign, which an authority's must (RFC 5280 section 4.2.1.3).
    pub(crate) says_that_it_signs_certificates: bool,
    /// Its key usage, if it has one, is to sign data.
    pub(crate) may_sign: bool,
    /// Its key usage, if it has one, is to encrypt keys or to agree on them.
    pub(crate) may_encrypt: bool,
    /// A critical extension is not understood.
    pub(crate) has_unknown_critical: bool,
    pub(crate) extension_fault: Option<ExtensionFault>,
    pub(crate) netscape_type: Option<NetscapeType>,
    /// It has what public authorities alone put into certificates: timestamps of certificate transparency, or a policy of
    /// the CA/Browser Forum.
    pub(crate) is_public: bool,
    /// The server must staple an answer of OCSP.
    pub(crate) must_staple: bool,
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

/// The reasons why a certificate cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It was made wrongly; nothing happened to it on the way.
    #[error(transparent)]
    BadDate(#[from] BadDate),
}

/// A date of a certificate that is none, such as the 30th of February.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its {field} {value} is no date of the form {form}")]
pub struct BadDate {
    /// "notBefore" or "notAfter".
    field: &'static str,
    value: String,
    form: &'static str,
}

impl BadDate {
    /// The longest value that is shown; dates have up to 19 characters.
    const MAX_SHOWN: usize = 32;

    /// Finds the first of the dates in a certificate that is none (RFC 5280 section 4.1.2.5).
    fn find(certificate: &[u8]) -> Option<Self> {
        let (certificate, _) = Value::parse_prefix(certificate)?;
        let signed = certificate.reader("certificate").required("the certificate").ok()?;
        let mut fields = signed.reader("certificate");
        let first = fields.required("the version").ok()?;
        // Version, serial number, algorithm and issuer; the version may be absent.
        for _ in 0..if first.is_context(0) { 3 } else { 2 } {
            fields.required("a field").ok()?;
        }
        let mut dates = fields.expect(Tag::Sequence, "the validity").ok()?.reader("certificate");
        for field in ["notBefore", "notAfter"] {
            let date = dates.required(field).ok()?;
            if ASN1Time::from_der(date.encoded()).is_err() {
                return Some(Self::new(field, &date));
            }
        }
        None
    }

    fn new(field: &'static str, date: &Value<'_>) -> Self {
        let content = date.content();
        let is_shown = content.len() <= Self::MAX_SHOWN
            && content.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'Z' | b'+' | b'-' | b'.'));
        let value = match std::str::from_utf8(content) {
            Ok(text) if is_shown => format!("\"{text}\""),
            _ => format!("({} bytes)", content.len()),
        };
        let form = if date.is(Tag::UtcTime) { "YYMMDDhhmmssZ" } else { "YYYYMMDDhhmmssZ" };
        Self { field, value, form }
    }
}

/// The head of a sequence of indefinite length.
const BER_HEAD: &[u8] = b"\x30\x80";

/// A certificate that the OpenSSL that is linked here does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpensslRefusal {
    pub(crate) reason: &'static str,
    /// OpenSSL 3.0 reads it, and what is built on it: curl, node, PHP and Python of many systems.
    pub(crate) is_new: bool,
}

/// The reasons of newer versions alone: dates without seconds.
const NEW_REASONS: [&str; 2] = ["utctime is too short", "generalizedtime is too short"];

impl Certificate {
    /// Reads a certificate; what follows it in `bytes` (a "TRUSTED CERTIFICATE" has OpenSSL's settings
    /// there) is left out.
    ///
    /// # Errors
    /// When it is not a certificate.
    pub fn parse(bytes: &[u8]) -> Result<Self, CertificateError> {
        asn1::check_size(bytes, "certificate")?;
        let (rest, x509) = match X509Certificate::from_der(bytes) {
            Ok(parsed) => parsed,
            Err(error) => return Self::parse_otherwise(bytes, &describe(&error)),
        };
        let Some(public_key) = PublicKey::parse(x509.public_key().raw.to_vec()) else {
            return Err(Malformed::new("certificate", "has an unreadable public key").into());
        };
        if x509.extensions().len() > extension::MAX_EXTENSIONS {
            let problem = format!("has more than {} extensions", extension::MAX_EXTENSIONS);
            return Err(Malformed::limit("certificate", problem).into());
        }
        let mut extensions = Extensions::read(&x509);
        let serial = format_serial(x509.raw_serial());
        let title_without_subject = match &extensions.first_name {
            Some(name) => name.clone(),
            None => format!("serial {serial}"),
        };
        let subject = x509.subject();
        let uid = name::first(subject, "UID");
        let kind = extensions.kind(uid.as_deref());
        let (topics, topics_problem) = extensions.topics(uid.as_deref());
        let (signature, has_weak_signature) = describe_signature(&x509.signature_algorithm.algorithm);
        let has_team = !extensions.is_ca && !matches!(kind, CertificateKind::Other | CertificateKind::Mdm);
        Ok(Self {
            der: bytes[..bytes.len() - rest.len()].to_vec(),
            subject: name::format(subject, NameStyle::Escaped),
            issuer: name::format(x509.issuer(), NameStyle::Escaped),
            common_name: name::first(subject, "CN"),
            is_subject_blank: subject.iter_attributes().all(is_blank),
            title_without_subject,
            dns_names: std::mem::take(&mut extensions.dns_names),
            other_names: std::mem::take(&mut extensions.other_names),
            misplaced_addresses: std::mem::take(&mut extensions.misplaced_addresses),
            usages: std::mem::take(&mut extensions.usages),
            serial,
            not_before: in_utc(x509.validity().not_before.to_datetime()),
            not_after: in_utc(x509.validity().not_after.to_datetime()),
            public_key,
            signature,
            has_weak_signature,
            is_ca: extensions.is_ca,
            has_constraints: extensions.has_constraints,
            path_length: extensions.path_length,
            may_sign_certificates: !extensions.lacks_cert_sign,
            says_that_it_signs_certificates: extensions.has_cert_sign,
            may_sign: !extensions.lacks_signature,
            may_encrypt: !extensions.lacks_encryption,
            has_unknown_critical: extensions.has_unknown_critical,
            extension_fault: extensions.fault,
            netscape_type: extensions.netscape_type,
            is_public: extensions.is_public,
            must_staple: extensions.must_staple,
            kind,
            bundle_id: if kind.is_push() && kind != CertificateKind::Mdm { uid.clone() } else { None },
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

    /// Reads what is not DER, or tells what is wrong with it.
    fn parse_otherwise(bytes: &[u8], problem: &str) -> Result<Self, CertificateError> {
        if let Some(date) = BadDate::find(bytes) {
            return Err(date.into());
        }
        if bytes.starts_with(BER_HEAD) {
            return Self::parse_ber(bytes, problem);
        }
        if Value::parse_prefix(bytes).is_none() {
            return Err(Malformed::new("certificate", "is cut short").into());
        }
        Err(Malformed::new("certificate", format!("does not parse ({problem})")).into())
    }

    /// Reads a certificate of indefinite length (X.690 section 8.1.3.6), which OpenSSL writes anew in DER.
    fn parse_ber(bytes: &[u8], problem: &str) -> Result<Self, CertificateError> {
        let malformed = || Malformed::new("certificate", format!("does not parse ({problem})"));
        let Ok(der) = openssl::x509::X509::from_der(bytes).and_then(|certificate| certificate.to_der()) else {
            return Err(malformed().into());
        };
        if der.starts_with(BER_HEAD) { Err(malformed().into()) } else { Self::parse(&der) }
    }

    /// Returns whether it says neither what it is for nor whether it is an authority's.
    pub(crate) fn is_silent(&self) -> bool {
        let is_for_something = self.kind.is_push() || !self.usages.is_empty() || !self.dns_names.is_empty();
        !is_for_something && !self.has_constraints && self.may_sign_certificates && self.netscape_type.is_none()
    }

    /// Returns why OpenSSL does not read it, if so. What reads certificates here takes texts and tags that it refuses.
    pub(crate) fn openssl_refusal(&self) -> Option<OpensslRefusal> {
        if plain::is_plain(self) {
            return None;
        }
        let error = openssl::x509::X509::from_der(&self.der).err()?;
        // The innermost comes first.
        let reason = error.errors().first().and_then(openssl::error::Error::reason).unwrap_or("no reason given");
        Some(OpensslRefusal { reason, is_new: NEW_REASONS.contains(&reason) })
    }

    /// Returns subject and issuer in another style.
    pub fn names(&self, style: NameStyle) -> (String, String) {
        match X509Certificate::from_der(&self.der) {
            Ok((_, x509)) => (name::format(x509.subject(), style), name::format(x509.issuer(), style)),
            Err(_) => (self.subject.clone(), self.issuer.clone()),
        }
    }

    /// Returns the time from `now` to the end of its validity.
    pub(crate) fn time_left(&self, now: OffsetDateTime) -> TimeLeft {
        TimeLeft::until(self.not_after, now)
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
        name::is_same(&self.raw_subject, &self.raw_issuer)
    }

    /// Returns whether it names `authority` as its issuer (RFC 5280 section 7.1).
    pub(crate) fn names_as_issuer(&self, authority: &Self) -> bool {
        name::is_same(&self.raw_issuer, &authority.raw_subject)
    }

    /// Returns the SHA-1 of the encoding, lower-case hex.
    pub fn sha1(&self) -> String {
        sha1_hex(&self.der)
    }

    /// Returns the SHA-256 of the encoding, lower-case hex.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.der)
    }

    /// Returns the name for people: the common name, or else the subject, the first name of subjectAltName, or the
    /// serial number.
    pub fn title(&self) -> &str {
        match &self.common_name {
            Some(name) if !name.trim().is_empty() => name,
            _ if !self.subject.is_empty() && !self.is_subject_blank => &self.subject,
            _ => &self.title_without_subject,
        }
    }

    /// Returns the label that the certificate gives to a topic.
    pub(crate) fn label_of(&self, topic: &str) -> Option<&str> {
        let listed = self.topics.iter().find(|listed| listed.topic == topic)?;
        Some(&listed.kind)
    }

    /// Returns the first topic.
    pub fn main_topic(&self) -> Option<&str> {
        self.topics.first().map(|topic| topic.topic.as_str())
    }
}

/// Returns whether an attribute of a name has nothing but blanks in it, of one byte or two each.
fn is_blank(attribute: &AttributeTypeAndValue<'_>) -> bool {
    attribute.attr_value().data.iter().all(|byte| *byte == 0 || byte.is_ascii_whitespace())
}

/// Returns an integer in two's complement as OpenSSL prints a serial number.
fn format_serial(integer: &[u8]) -> String {
    let (sign, magnitude) = BigInt::from_signed_bytes_be(integer).to_bytes_be();
    let sign = if sign == Sign::Minus { "-" } else { "" };
    format!("{sign}{}", data_encoding::HEXUPPER.encode(&magnitude))
}

/// Returns a time in UTC: a certificate that breaks RFC 5280 may say it with an offset.
fn in_utc(time: OffsetDateTime) -> OffsetDateTime {
    time.checked_to_offset(UtcOffset::UTC).unwrap_or(time)
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

#[cfg(test)]
mod tests {
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::x509::{X509, X509Name};

    use super::*;
    use crate::test_support::certificate;

    #[test]
    fn serial_numbers_are_printed_as_openssl_prints_them() {
        let key = PKey::generate_ed25519().unwrap();
        for serial in ["00", "05", "7F", "C90F", "0F01", "-01", "-80", "-C90F", "-7FFFFF"] {
            let mut builder = X509::builder().unwrap();
            let number = BigNum::from_hex_str(serial).unwrap();
            builder.set_serial_number(&number.to_asn1_integer().unwrap()).unwrap();
            builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
            builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
            builder.set_pubkey(&key).unwrap();
            builder.sign(&key, MessageDigest::null()).unwrap();
            let certificate = Certificate::parse(&builder.build().to_der().unwrap()).unwrap();
            assert_eq!(certificate.serial, serial);
            assert_eq!(certificate.title(), format!("serial {serial}"));
        }
    }

    #[test]
    fn a_subject_of_blanks_is_no_name() {
        let key = PKey::generate_ed25519().unwrap();
        for (common_name, organization, title) in
            [(" ", None, "serial 05"), (" ", Some("\t"), "serial 05"), (" ", Some("Example"), "CN=\\ , O=Example")]
        {
            let mut name = X509Name::builder().unwrap();
            name.append_entry_by_text("CN", common_name).unwrap();
            if let Some(organization) = organization {
                name.append_entry_by_text("O", organization).unwrap();
            }
            let mut builder = X509::builder().unwrap();
            builder.set_serial_number(&BigNum::from_u32(5).unwrap().to_asn1_integer().unwrap()).unwrap();
            builder.set_subject_name(&name.build()).unwrap();
            builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
            builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
            builder.set_pubkey(&key).unwrap();
            builder.sign(&key, MessageDigest::null()).unwrap();
            let certificate = Certificate::parse(&builder.build().to_der().unwrap()).unwrap();
            assert_eq!(certificate.title(), title);
        }
    }

    #[test]
    fn no_certificate_is_without_a_name() {
        let named = certificate("der/universal.cer");
        let without = Certificate { common_name: None, subject: String::new(), ..named.clone() };
        assert_eq!(named.title(), "Apple Push Services: com.example.MyApp");
        assert_eq!(Certificate { common_name: Some(" ".to_owned()), ..named.clone() }.title(), named.subject);
        assert_eq!(without.title(), "serial 54FE83C2B1210513");
        let other = certificate("der/not-push.cer");
        let dns = Certificate { common_name: None, subject: String::new(), ..other };
        assert_eq!(dns.title(), "www.example.com");
    }
}
