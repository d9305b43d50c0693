//! The throwaway authority, and the certificates of the server and of clients that it issues.

use std::net::IpAddr;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{
    X509, X509Builder, X509Crl, X509CrlBuilder, X509Extension, X509Name, X509NameRef, X509RevokedBuilder,
};
use x509_parser::asn1_rs::{Oid, oid};

use crate::apns::endpoint;
use crate::certificate::apple::{self, Environment};
use crate::gateway::DEFAULT_TOPICS;

/// The names and addresses of the gateway itself. Its certificate has Apple's host names too.
const LOCAL_HOST: &str = "localhost";
const LOCAL_ADDRESSES: [&str; 2] = ["127.0.0.1", "::1"];

/// The host in a certificate for another host.
pub(super) const OTHER_HOST: &str = "elsewhere.invalid";

/// A certificate with its key.
#[derive(Clone)]
pub struct IssuedCertificate {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// An authority that is made when the gateway starts and forgotten when it stops.
pub struct ThrowawayCa {
    certificate: X509,
    key: PKey<Private>,
    /// Further names and addresses of the server.
    server_names: Vec<String>,
}

/// The kinds of server certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    Good,
    WrongHost,
    Expired,
    SelfSigned,
}

/// A period of validity, in days from now.
struct Validity {
    from: i64,
    until: i64,
}

impl ServerKind {
    fn common_name(self) -> &'static str {
        match self {
            Self::Good | Self::Expired | Self::SelfSigned => LOCAL_HOST,
            Self::WrongHost => OTHER_HOST,
        }
    }

    fn validity(self) -> Validity {
        match self {
            Self::Good | Self::WrongHost | Self::SelfSigned => Validity { from: -1, until: 365 },
            Self::Expired => Validity { from: -30, until: -1 },
        }
    }

    /// Returns the names in a certificate: those of every gateway, and `own`.
    fn alternative_names(self, own: &[String]) -> SubjectAlternativeName {
        let mut names = SubjectAlternativeName::new();
        if self == Self::WrongHost {
            names.dns(OTHER_HOST);
            return names;
        }
        names.dns(LOCAL_HOST);
        for environment in [Environment::Production, Environment::Sandbox] {
            for host in endpoint::hosts(environment) {
                names.dns(host);
            }
        }
        for address in LOCAL_ADDRESSES {
            names.ip(address);
        }
        for name in own {
            match name.parse::<IpAddr>() {
                Ok(_) => names.ip(name),
                Err(_) => names.dns(name),
            };
        }
        names
    }
}

fn elliptic_key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

fn distinguished_name(parts: &[(&str, &str)]) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    for (attribute, value) in parts {
        name.append_entry_by_text(attribute, value)?;
    }
    Ok(name.build())
}

/// Returns the time so many days from now; `Asn1Time` itself takes none in the past.
fn days_from_now(days: i64) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix((time::OffsetDateTime::now_utc() + time::Duration::days(days)).unix_timestamp())
}

/// Starts a certificate with a random serial number.
fn start_certificate(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<impl HasPublic>,
    validity: &Validity,
) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(126, MsbOption::ONE, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*days_from_now(validity.from)?)?;
    builder.set_not_after(&*days_from_now(validity.until)?)?;
    Ok(builder)
}

fn extension(oid: &Oid<'_>, value: &[u8]) -> Result<X509Extension, ErrorStack> {
    let oid = Asn1Object::from_str(&oid.to_id_string())?;
    X509Extension::new_from_der(&oid, false, &*Asn1OctetString::new_from_bytes(value)?)
}

/// The common name of a gateway's authority.
const GATEWAY_CA: &str = "pushcert gateway throwaway CA";

/// Returns whether a PEM text is the certificate of a gateway's authority, or one that it has issued with the key of it, and
/// nothing else.
pub(crate) fn is_of_throwaway_authority(pem: &[u8]) -> bool {
    let blocks = memchr::memmem::find_iter(pem, b"-----BEGIN ").count();
    let Ok(certificate) = X509::from_pem(pem) else { return false };
    let mut names = certificate.issuer_name().entries_by_nid(Nid::COMMONNAME);
    let is_issued = names.any(|name| name.data().as_slice() == GATEWAY_CA.as_bytes());
    let has_key = match (PKey::private_key_from_pem(pem), certificate.public_key()) {
        (Ok(key), Ok(public)) => key.public_eq(&public),
        _ => false,
    };
    is_issued && (blocks == 1 || (blocks == 2 && has_key))
}

impl ThrowawayCa {
    /// Makes the authority of a gateway.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn new() -> Result<Self, ErrorStack> {
        Self::named(GATEWAY_CA, "pushcert gateway")
    }

    /// Makes an authority with this common name and this organization.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub(crate) fn named(name: &str, organization: &str) -> Result<Self, ErrorStack> {
        let key = elliptic_key()?;
        let subject = distinguished_name(&[("CN", name), ("O", organization)])?;
        let mut builder = start_certificate(&subject, &subject, &key, &Validity { from: -1, until: 365 })?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(key_id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { certificate: builder.build(), key, server_names: Vec::new() })
    }

    /// Sets further names and addresses of the server.
    pub(super) fn with_server_names(self, server_names: Vec<String>) -> Self {
        Self { server_names, ..self }
    }

    pub fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// Makes a server certificate.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn server(&self, kind: ServerKind) -> Result<IssuedCertificate, ErrorStack> {
        let key = elliptic_key()?;
        let subject = distinguished_name(&[("CN", kind.common_name())])?;
        let is_self_signed = kind == ServerKind::SelfSigned;
        let issuer = if is_self_signed { subject.as_ref() } else { self.certificate.subject_name() };
        let mut builder = start_certificate(&subject, issuer, &key, &kind.validity())?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let alternative_names = kind.alternative_names(&self.server_names).build(&context)?;
        builder.append_extension(alternative_names)?;
        if !is_self_signed {
            self.append_authority_key_id(&mut builder)?;
        }
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        builder.sign(if is_self_signed { &key } else { &self.key }, MessageDigest::sha256())?;
        Ok(IssuedCertificate { certificate: builder.build(), key })
    }

    /// Makes a push certificate for these topics, like Apple's universal ones. The first topic is its UID.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn client(&self, topics: &[String]) -> Result<IssuedCertificate, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        Ok(IssuedCertificate { certificate: self.certify(topics, &key)?, key })
    }

    /// Certifies a key for these topics, with the subject and the extensions that Apple's portal gives.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub(crate) fn certify(&self, topics: &[String], key: &PKeyRef<impl HasPublic>) -> Result<X509, ErrorStack> {
        let subject = push_certificate_subject(topics)?;
        let validity = Validity { from: -1, until: 395 };
        let mut builder = start_certificate(&subject, self.certificate.subject_name(), key, &validity)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().critical().client_auth().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        self.append_authority_key_id(&mut builder)?;
        let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(Some(&self.certificate), None))?;
        builder.append_extension(key_id)?;
        let null = yasna::construct_der(|writer| writer.write_null());
        builder.append_extension(extension(&apple::SANDBOX, &null)?)?;
        builder.append_extension(extension(&apple::PRODUCTION, &null)?)?;
        builder.append_extension(extension(&apple::TOPICS, &encode_topics(topics))?)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }

    fn append_authority_key_id(&self, builder: &mut X509Builder) -> Result<(), ErrorStack> {
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let key_id = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(key_id)
    }

    /// Makes a revocation list with one certificate.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn revoke(&self, certificate: &X509) -> Result<X509Crl, ErrorStack> {
        let mut revoked = X509RevokedBuilder::new()?;
        revoked.set_serial_number(certificate.serial_number())?;
        revoked.set_revocation_date(&*days_from_now(-1)?)?;
        let mut list = X509CrlBuilder::new()?;
        list.set_issuer_name(self.certificate.subject_name())?;
        list.set_last_update(&*days_from_now(-1)?)?;
        list.set_next_update(&*days_from_now(1)?)?;
        list.add_revoked(revoked.build())?;
        // AuthorityKeyIdentifier and CRLNumber (RFC 5280 section 5.2), which have no builders for lists.
        let crl_number = yasna::construct_der(|writer| writer.write_u8(1));
        list.append_extension(extension(&oid!(2.5.29.35), &self.encode_authority_key_id())?)?;
        list.append_extension(extension(&oid!(2.5.29.20), &crl_number)?)?;
        list.sign(&self.key, MessageDigest::sha256())?;
        list.build()
    }

    fn encode_authority_key_id(&self) -> Vec<u8> {
        let key_id = match self.certificate.subject_key_id() {
            Some(key_id) => key_id.as_slice(),
            None => &[],
        };
        yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_tagged_implicit(yasna::Tag::context(0), |writer| writer.write_bytes(key_id));
            });
        })
    }
}

fn push_certificate_subject(topics: &[String]) -> Result<X509Name, ErrorStack> {
    let bundle_id = match topics {
        [first, ..] => first,
        [] => DEFAULT_TOPICS[0],
    };
    // X.520 allows 64 characters in a common name.
    let common_name: String = format!("Apple Push Services: {bundle_id}").chars().take(64).collect();
    distinguished_name(&[
        ("UID", bundle_id),
        ("CN", &common_name),
        ("OU", "TEAMID1234"),
        ("O", "Throwaway"),
        ("C", "US"),
    ])
}

/// Encodes the value of [`apple::TOPICS`]: topic, label, topic, label, ….
fn encode_topics(topics: &[String]) -> Vec<u8> {
    yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            for topic in topics {
                writer.next().write_utf8_string(topic);
                let label = topic_label(topic, &topics[0]);
                writer.next().write_sequence(|writer| writer.next().write_utf8_string(label));
            }
        });
    })
}

/// Returns the label that Apple gives a topic: the part after the bundle ID.
pub(super) fn topic_label<'a>(topic: &'a str, bundle_id: &str) -> &'a str {
    if let Some(rest) = topic.strip_prefix(bundle_id)
        && let Some(label) = rest.strip_prefix('.')
    {
        return label;
    }
    "topic"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;

    /// The help of --name promises them all.
    #[test]
    fn every_server_has_the_names_of_this_machine_and_of_apple() {
        let server = ThrowawayCa::new().unwrap().server(ServerKind::Good).unwrap();
        let mut names = Vec::new();
        for name in server.certificate.subject_alt_names().unwrap() {
            names.extend(name.dnsname().map(str::to_owned));
            names.extend(name.ipaddress().map(|bytes| match <[u8; 4]>::try_from(bytes) {
                Ok(bytes) => IpAddr::from(bytes).to_string(),
                Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes).unwrap()).to_string(),
            }));
        }
        for expected in [
            "localhost",
            "127.0.0.1",
            "::1",
            "api.push.apple.com",
            "api.sandbox.push.apple.com",
            "api.development.push.apple.com",
        ] {
            assert!(names.iter().any(|name| name == expected), "{expected}: {names:?}");
        }
    }

    #[test]
    fn its_push_certificates_read_as_apples() {
        let topics = ["com.example.MyApp", "com.example.MyApp.voip"].map(str::to_owned);
        let issued = ThrowawayCa::new().unwrap().client(&topics).unwrap();
        let facts = Certificate::parse(&issued.certificate.to_der().unwrap()).unwrap();
        assert_eq!(facts.kind, apple::CertificateKind::Apns);
        assert_eq!(facts.bundle_id.as_deref(), Some("com.example.MyApp"));
        let found: Vec<_> = facts.topics.into_iter().map(|topic| (topic.topic, topic.kind)).collect();
        assert_eq!(found, [(topics[0].clone(), "topic".to_owned()), (topics[1].clone(), "voip".to_owned())]);
    }
}
