//! A throwaway authority: made when the gateway starts, forgotten when it ends.

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
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

/// The names that the gateway answers to: its own, and Apple's, for whom it stands in.
const LOCAL: [&str; 1] = ["localhost"];
const ADDRESSES: [&str; 2] = ["127.0.0.1", "::1"];

/// A certificate with its key.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: X509,
    /// The key.
    pub key: PKey<Private>,
}

/// The authority.
pub struct ThrowawayCa {
    own: Issued,
}

/// Which server certificate is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerKind {
    /// A good one.
    Good,
    /// For another host.
    WrongHost,
    /// Expired.
    Expired,
    /// Signed by itself.
    SelfSigned,
}

fn elliptic_key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_ec_key(EcKey::generate(&*EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?)?)
}

fn name(parts: &[(&str, &str)]) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    for (kind, value) in parts {
        name.append_entry_by_text(kind, value)?;
    }
    Ok(name.build())
}

/// Days from now; the past is written as seconds since 1970.
fn day(days: i64) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix((time::OffsetDateTime::now_utc() + time::Duration::days(days)).unix_timestamp())
}

fn builder(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    days: (i64, i64),
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509::builder()?;
    let mut serial = BigNum::new()?;
    serial.rand(126, MsbOption::ONE, false)?;
    builder.set_version(2)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*day(days.0)?)?;
    builder.set_not_after(&*day(days.1)?)?;
    Ok(builder)
}

/// An extension with this value.
fn extension(oid: &Oid<'_>, value: &[u8]) -> Result<X509Extension, ErrorStack> {
    let oid = Asn1Object::from_str(&oid.to_id_string())?;
    X509Extension::new_from_der(&oid, false, &*Asn1OctetString::new_from_bytes(value)?)
}

impl ThrowawayCa {
    /// Makes one.
    ///
    /// # Errors
    /// When OpenSSL cannot.
    pub fn new() -> Result<Self, ErrorStack> {
        let key = elliptic_key()?;
        let subject = name(&[("CN", "pushcert gateway throwaway CA"), ("O", "pushcert gateway")])?;
        let mut builder = builder(&subject, &subject, &key, (-1, 365))?;
        builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(key_id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { own: Issued { certificate: builder.build(), key } })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &X509 {
        &self.own.certificate
    }

    /// Makes a server certificate.
    ///
    /// # Errors
    /// When OpenSSL cannot.
    pub fn server(&self, kind: ServerKind) -> Result<Issued, ErrorStack> {
        let key = elliptic_key()?;
        let subject = name(&[("CN", if kind == ServerKind::WrongHost { "elsewhere.invalid" } else { "localhost" })])?;
        let days = if kind == ServerKind::Expired { (-30, -1) } else { (-1, 365) };
        let is_own = kind == ServerKind::SelfSigned;
        let issuer = if is_own { subject.as_ref() } else { self.certificate().subject_name() };
        let mut builder = builder(&subject, issuer, &key, days)?;
        let mut alternatives = SubjectAlternativeName::new();
        if kind == ServerKind::WrongHost {
            alternatives.dns("elsewhere.invalid");
        } else {
            let apples = [Environment::Production, Environment::Sandbox].into_iter().flat_map(endpoint::hosts);
            LOCAL.iter().chain(apples).for_each(|host| {
                alternatives.dns(host);
            });
            ADDRESSES.iter().for_each(|address| {
                alternatives.ip(address);
            });
        }
        let alternatives = alternatives.build(&builder.x509v3_context(Some(self.certificate()), None))?;
        builder.append_extension(alternatives)?;
        if !is_own {
            self.name_issuer(&mut builder)?;
        }
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        builder.sign(if is_own { &key } else { &self.own.key }, MessageDigest::sha256())?;
        Ok(Issued { certificate: builder.build(), key })
    }

    /// Makes a push certificate, as Apple's universal ones are, for these topics; the first is its UID.
    ///
    /// # Errors
    /// When OpenSSL cannot.
    pub fn client(&self, topics: &[String]) -> Result<Issued, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(2048)?)?;
        let main = topics.first().map_or("com.example.MyApp", String::as_str);
        let common_name: String = format!("Apple Push Services: {main}").chars().take(64).collect();
        let subject =
            name(&[("UID", main), ("CN", &common_name), ("OU", "TEAMID1234"), ("O", "Throwaway"), ("C", "US")])?;
        let mut builder = builder(&subject, self.certificate().subject_name(), &key, (-1, 395))?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().critical().client_auth().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        self.name_issuer(&mut builder)?;
        let null = yasna::construct_der(|writer| writer.write_null());
        builder.append_extension(extension(&apple::SANDBOX, &null)?)?;
        builder.append_extension(extension(&apple::PRODUCTION, &null)?)?;
        builder.append_extension(extension(&apple::TOPICS, &encode_topics(topics))?)?;
        builder.sign(&self.own.key, MessageDigest::sha256())?;
        Ok(Issued { certificate: builder.build(), key })
    }

    fn name_issuer(&self, builder: &mut X509Builder) -> Result<(), ErrorStack> {
        let context = builder.x509v3_context(Some(self.certificate()), None);
        let key_id = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(key_id)
    }

    /// A list of revoked certificates with this one in it.
    ///
    /// # Errors
    /// When OpenSSL cannot.
    pub fn revoke(&self, certificate: &X509) -> Result<X509Crl, ErrorStack> {
        let mut revoked = X509RevokedBuilder::new()?;
        revoked.set_serial_number(certificate.serial_number())?;
        revoked.set_revocation_date(&*day(-1)?)?;
        let mut list = X509CrlBuilder::new()?;
        list.set_issuer_name(self.certificate().subject_name())?;
        list.set_last_update(&*day(-1)?)?;
        list.set_next_update(&*day(1)?)?;
        list.add_revoked(revoked.build())?;
        // AuthorityKeyIdentifier and CRLNumber (RFC 5280 section 5.2), which have no builders for lists.
        let key_id = self.certificate().subject_key_id().map(|id| id.as_slice().to_vec()).unwrap_or_default();
        let authority = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_tagged_implicit(yasna::Tag::context(0), |writer| writer.write_bytes(&key_id));
            });
        });
        list.append_extension(extension(&oid!(2.5.29.35), &authority)?)?;
        list.append_extension(extension(&oid!(2.5.29.20), &yasna::construct_der(|writer| writer.write_u8(1)))?)?;
        list.sign(&self.own.key, MessageDigest::sha256())?;
        list.build()
    }
}

/// The list of topics, as [`apple::TOPICS`] has it: topic, label, topic, label, ….
fn encode_topics(topics: &[String]) -> Vec<u8> {
    let main = topics.first().map_or("", String::as_str);
    yasna::construct_der(|writer| {
        writer.write_sequence(|writer| {
            for topic in topics {
                let label = topic.strip_prefix(main).and_then(|rest| rest.strip_prefix('.')).unwrap_or("topic");
                writer.next().write_utf8_string(topic);
                writer.next().write_sequence(|writer| writer.next().write_utf8_string(label));
            }
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;

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
