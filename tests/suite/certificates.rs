//! Certificates that no fixture is: with any name and validity, made by OpenSSL.

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder};

/// A push certificate for `uid`, valid from one day to another (such as "20261124"), in PEM.
pub fn push(uid: &str, name: &str, from: &str, until: &str) -> Vec<u8> {
    make(uid, name, from, until, &["1.2.840.113635.100.6.3.1", "1.2.840.113635.100.6.3.2"]).to_pem().unwrap()
}

/// A certificate for production alone, likewise.
pub fn production(uid: &str, from: &str, until: &str) -> Vec<u8> {
    make(uid, "Apple Production IOS Push Services: a", from, until, &["1.2.840.113635.100.6.3.2"]).to_pem().unwrap()
}

/// A VoIP certificate, likewise.
pub fn voip(uid: &str, from: &str, until: &str) -> Vec<u8> {
    let extensions = ["1.2.840.113635.100.6.3.1", "1.2.840.113635.100.6.3.2", "1.2.840.113635.100.6.3.3"];
    make(uid, "VoIP Services: com.example.MyApp", from, until, &extensions).to_pem().unwrap()
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
    let [subject, issuer] = names;
    shaped(key, &Shape { subject, issuer, hosts, from, until, is_ca, ..Shape::default() })
}

/// What a certificate says.
#[derive(Clone, Copy)]
pub struct Shape<'a> {
    pub subject: &'a str,
    pub issuer: &'a str,
    pub hosts: &'a [&'a str],
    pub uris: &'a [&'a str],
    pub from: &'a str,
    pub until: &'a str,
    pub is_ca: bool,
    /// The extended ones.
    pub usages: &'a [&'a str],
    pub key_usages: &'a [&'a str],
    pub has_unknown_critical: bool,
    /// A policy of the CA/Browser Forum, as public authorities name it.
    pub is_public: bool,
    pub must_staple: bool,
    /// nsCertType, as bits.
    pub netscape_type: Option<u8>,
    /// The most authorities below it.
    pub path_length: Option<u32>,
    /// Addresses among the DNS names.
    pub addresses: &'a [&'a str],
    pub extensions: &'a [Extension<'a>],
}

/// An extension as it is encoded.
#[derive(Clone, Copy)]
pub struct Extension<'a> {
    pub oid: &'a str,
    pub is_critical: bool,
    pub value: &'a [u8],
}

impl Default for Shape<'_> {
    fn default() -> Self {
        Self {
            subject: "server",
            issuer: "server",
            hosts: &[],
            uris: &[],
            from: "20260101",
            until: "20271231",
            is_ca: false,
            usages: &[],
            key_usages: &[],
            has_unknown_critical: false,
            is_public: false,
            must_staple: false,
            netscape_type: None,
            path_length: None,
            addresses: &[],
            extensions: &[],
        }
    }
}

/// Makes a certificate of a shape, signed with its own key, in PEM. An empty subject has no name.
pub fn shaped(key: &PKey<Private>, shape: &Shape<'_>) -> Vec<u8> {
    shaped_by(key, key, shape)
}

/// Makes a certificate of a shape, signed with the key of its issuer, in PEM.
pub fn shaped_by(issuer_key: &PKey<Private>, key: &PKey<Private>, shape: &Shape<'_>) -> Vec<u8> {
    let [subject, issuer] = [shape.subject, shape.issuer].map(|name| {
        let mut builder = X509NameBuilder::new().unwrap();
        if !name.is_empty() {
            builder.append_entry_by_text("CN", name).unwrap();
        }
        builder.build()
    });
    let day = |day: &str| Asn1Time::from_str(&format!("{day}000000Z")).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&day(shape.from)).unwrap();
    builder.set_not_after(&day(shape.until)).unwrap();
    if shape.is_ca {
        let mut constraints = BasicConstraints::new();
        constraints.ca();
        if let Some(length) = shape.path_length {
            constraints.pathlen(length);
        }
        builder.append_extension(constraints.build().unwrap()).unwrap();
    }
    if !shape.hosts.is_empty() || !shape.uris.is_empty() || !shape.addresses.is_empty() {
        let mut names = SubjectAlternativeName::new();
        for host in shape.hosts {
            names.dns(host);
        }
        for uri in shape.uris {
            names.uri(uri);
        }
        for address in shape.addresses {
            names.ip(address);
        }
        let names = names.build(&builder.x509v3_context(None, None)).unwrap();
        builder.append_extension(names).unwrap();
    }
    append_usages(&mut builder, shape);
    append_others(&mut builder, shape);
    builder.sign(issuer_key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

fn append_usages(builder: &mut X509Builder, shape: &Shape<'_>) {
    if !shape.usages.is_empty() {
        let mut usages = ExtendedKeyUsage::new();
        for usage in shape.usages {
            usages.other(usage);
        }
        builder.append_extension(usages.build().unwrap()).unwrap();
    }
    if !shape.key_usages.is_empty() {
        let mut bits = 0_u8;
        for usage in shape.key_usages {
            bits |= match *usage {
                "digitalSignature" => 0x80,
                "keyEncipherment" => 0x20,
                "keyCertSign" => 0x04,
                "cRLSign" => 0x02,
                other => panic!("{other} has no bit here"),
            };
        }
        append(builder, "2.5.29.15", true, &[3, 2, bits.trailing_zeros() as u8, bits]);
    }
}

fn append_others(builder: &mut X509Builder, shape: &Shape<'_>) {
    if shape.has_unknown_critical {
        append(builder, "1.3.6.1.4.1.99999.1", true, &[5, 0]);
    }
    if shape.is_public {
        // certificatePolicies with 2.23.140.1.2.1.
        append(builder, "2.5.29.32", false, &[0x30, 10, 0x30, 8, 6, 6, 0x67, 0x81, 0x0c, 1, 2, 1]);
    }
    if shape.must_staple {
        append(builder, "1.3.6.1.5.5.7.1.24", false, &[0x30, 3, 2, 1, 5]);
    }
    for extension in shape.extensions {
        append(builder, extension.oid, extension.is_critical, extension.value);
    }
    if let Some(bits) = shape.netscape_type {
        append(builder, "2.16.840.1.113730.1.1", false, &[3, 2, bits.trailing_zeros().min(7) as u8, bits]);
    }
}

fn append(builder: &mut X509Builder, oid: &str, is_critical: bool, value: &[u8]) {
    let (oid, value) = (Asn1Object::from_str(oid).unwrap(), Asn1OctetString::new_from_bytes(value).unwrap());
    builder.append_extension(X509Extension::new_from_der(&oid, is_critical, &value).unwrap()).unwrap();
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
        append(&mut builder, oid, false, &[5, 0]);
    }
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build()
}
