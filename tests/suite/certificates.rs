//! Certificates that no fixture is: with any name and validity, made by OpenSSL.

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder};

/// A push certificate for `uid`, valid from one day to another (such as "20261124"), in PEM.
pub fn push(uid: &str, name: &str, from: &str, until: &str) -> Vec<u8> {
    make(uid, name, from, until, &["1.2.840.113635.100.6.3.1", "1.2.840.113635.100.6.3.2"]).to_pem().unwrap()
}

/// A certificate for production alone, likewise.
pub fn production(uid: &str, from: &str, until: &str) -> Vec<u8> {
    make(uid, "Apple Production IOS Push Services: a", from, until, &["1.2.840.113635.100.6.3.2"]).to_pem().unwrap()
}

/// An MDM certificate, likewise.
pub fn mdm(uid: &str, from: &str, until: &str) -> Vec<u8> {
    make(uid, "APSP:5f1b0c52", from, until, &["1.2.840.113635.100.6.3.2"]).to_pem().unwrap()
}

/// A certificate of a server, and its key, in PEM.
pub struct Server {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// Makes a certificate for hosts that signs itself, with a key of its own.
pub fn server(hosts: &[&str], from: &str, until: &str) -> Server {
    let key = ec_key();
    let certificate = server_with(&key, "server", hosts, from, until, false);
    Server { certificate, key: key.private_key_to_pem_pkcs8().unwrap() }
}

/// Makes a key.
pub fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// Makes a certificate for hosts that signs itself; `is_ca` as `openssl req -x509` does.
pub fn server_with(key: &PKey<Private>, name: &str, hosts: &[&str], from: &str, until: &str, is_ca: bool) -> Vec<u8> {
    server_of(key, [name, name], hosts, from, until, is_ca)
}

/// Makes one with the names of its subject and of its issuer, though it signs itself.
pub fn server_of(
    key: &PKey<Private>,
    names: [&str; 2],
    hosts: &[&str],
    from: &str,
    until: &str,
    is_ca: bool,
) -> Vec<u8> {
    let [subject, issuer] = names.map(|name| {
        let mut builder = X509NameBuilder::new().unwrap();
        builder.append_entry_by_text("CN", name).unwrap();
        builder.build()
    });
    let day = |day: &str| Asn1Time::from_str(&format!("{day}000000Z")).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&day(from)).unwrap();
    builder.set_not_after(&day(until)).unwrap();
    if is_ca {
        builder.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
    }
    if !hosts.is_empty() {
        let mut names = SubjectAlternativeName::new();
        for host in hosts {
            names.dns(host);
        }
        let names = names.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(names).unwrap();
    }
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

fn make(uid: &str, name: &str, from: &str, until: &str, extensions: &[&str]) -> X509 {
    let key = std::fs::read(super::common::fixture("key/push.pem")).unwrap();
    let key = PKey::private_key_from_pem(&key).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("UID", uid).unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let day = |day: &str| Asn1Time::from_str(&format!("{day}000000Z")).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&day(from)).unwrap();
    builder.set_not_after(&day(until)).unwrap();
    for oid in extensions {
        let (oid, null) = (Asn1Object::from_str(oid).unwrap(), Asn1OctetString::new_from_bytes(&[5, 0]).unwrap());
        builder.append_extension(X509Extension::new_from_der(&oid, false, &null).unwrap()).unwrap();
    }
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}
