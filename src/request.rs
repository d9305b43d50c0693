//! A private key, and the request to certify it (PKCS#10, RFC 2986), as Keychain Access makes them.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey};
use openssl::rsa::Rsa;
use openssl::x509::{X509Name, X509Req};
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::cri_attributes::ExtensionRequest;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name as ParsedName;
use zeroize::Zeroizing;

use crate::asn1::{self, Malformed, Value};
use crate::certificate::extension::{self, ExtensionReport};
use crate::certificate::name::{self, NameStyle};
use crate::crypto::names;
use crate::key::{KeyError, PrivateKey};
use crate::limits;
use crate::public_key::{KeyKind, PublicKey};

/// The size of the keys that Apple's portal takes, in bits.
pub(crate) const PORTAL_KEY_BITS: u32 = 2048;

const PART: &str = "certificate signing request";

/// The attributes that ask for extensions: of PKCS#9 (RFC 2985), and an older one of Microsoft's.
const EXTENSION_REQUESTS: [Oid<'static>; 2] = [oid!(1.2.840.113549.1.9.14), oid!(1.3.6.1.4.1.311.2.1.14)];

/// The most characters of a common name (RFC 5280 appendix A.1, ub-common-name).
const MAX_NAME: usize = 64;

/// The most characters of an e-mail address (RFC 3280 appendix A.1, ub-emailaddress-length; RFC 5280
/// made it 255, but OpenSSL stops here).
const MAX_EMAIL: usize = 128;

/// The reasons why a request cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// Apple's portal would refuse it; these are its words.
    #[error("CSR algorithm/size incorrect. Expected: RSA(2048). Found: {}({})", .0.algorithm, .0.bits)]
    NotForPortal(KeyKind),
    /// The key does not sign.
    #[error("the private key cannot sign a request ({0})")]
    CannotSign(String),
    /// The key signs, and its own public half does not verify the signature.
    #[error("the private key is damaged: its public half does not verify what it signs")]
    Damaged,
}

impl From<ErrorStack> for RequestError {
    fn from(error: ErrorStack) -> Self {
        let reason = error.errors().first().and_then(|error| error.reason());
        Self::CannotSign(reason.unwrap_or("OpenSSL does not say why").to_owned())
    }
}

/// The subject of a request. Apple replaces it by the account's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestSubject {
    /// emailAddress, an IA5String.
    pub(crate) email: String,
    /// CN, a UTF8String.
    pub(crate) name: String,
    /// C, a PrintableString of two letters.
    pub(crate) country: String,
}

impl fmt::Display for RequestSubject {
    /// As [`NameStyle::Escaped`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (email, name) = (name::escaped_value(&self.email), name::escaped_value(&self.name));
        write!(f, "emailAddress={email}, CN={name}, C={}", self.country)
    }
}

/// Checks an emailAddress.
///
/// # Errors
/// Says what is expected instead, for the one who typed it.
pub(crate) fn check_email(text: &str) -> Result<(), String> {
    let Some((mailbox, domain)) = text.split_once('@') else { return Err(expected_address()) };
    let is_domain = !domain.contains('@') && domain.split('.').all(|label| !label.is_empty());
    if mailbox.is_empty() || !is_domain || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(expected_address());
    }
    if text.len() > MAX_EMAIL {
        return Err(format!("an e-mail address of at most {MAX_EMAIL} characters is expected"));
    }
    Ok(())
}

fn expected_address() -> String {
    "an e-mail address such as jo@example.com is expected, in ASCII".to_owned()
}

/// Checks a common name.
///
/// # Errors
/// As [`check_email`].
pub(crate) fn check_name(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > MAX_NAME || text.chars().any(char::is_control) {
        return Err(format!("a name of 1 to {MAX_NAME} printable characters is expected"));
    }
    Ok(())
}

/// Checks a country (ISO 3166-1 alpha-2), in small letters or in capitals.
///
/// # Errors
/// As [`check_email`].
pub(crate) fn check_country(text: &str) -> Result<(), String> {
    if text.len() != 2 || !text.chars().all(|c| c.is_ascii_alphabetic()) {
        return Err("two letters are expected, such as DE (ISO 3166)".to_owned());
    }
    match RESERVED_CODES.iter().find(|known| text.eq_ignore_ascii_case(known.code)) {
        Some(ReservedCode { code, instead }) => Err(format!("{code} is no country in ISO 3166: {instead} is expected")),
        None => Ok(()),
    }
}

/// A code that ISO 3166-1 reserves, or that is in use elsewhere, for a country that has another.
struct ReservedCode {
    code: &'static str,
    instead: &'static str,
}

static RESERVED_CODES: [ReservedCode; 5] = [
    ReservedCode { code: "UK", instead: "GB" },
    ReservedCode { code: "EL", instead: "GR" },
    ReservedCode { code: "EU", instead: "the code of a member" },
    ReservedCode { code: "FX", instead: "FR" },
    ReservedCode { code: "SU", instead: "RU, or that of another successor," },
];

/// Makes an RSA key of [`PORTAL_KEY_BITS`] bits.
///
/// # Errors
/// When OpenSSL cannot, as where there is no randomness.
pub(crate) fn generate_key() -> Result<PrivateKey, KeyError> {
    let der = Zeroizing::new(Rsa::generate(PORTAL_KEY_BITS)?.private_key_to_der()?);
    PrivateKey::from_pkcs1(&der)
}

/// Returns whether Apple's portal takes a request for such a key.
pub(crate) fn is_for_portal(key: &KeyKind) -> bool {
    key.algorithm == "RSA" && key.bits == PORTAL_KEY_BITS as usize
}

/// Makes the request, in DER: version 1, no attributes, signed with SHA-256 (Edwards curves bring
/// their own hash).
///
/// # Errors
/// When the key does not sign.
pub(crate) fn make(subject: &RequestSubject, key: &PrivateKey) -> Result<Vec<u8>, RequestError> {
    let key = PKey::private_key_from_pkcs8(key.pkcs8())?;
    let mut name = X509Name::builder()?;
    // The string types are those of OpenSSL's table: IA5String, UTF8String, PrintableString.
    name.append_entry_by_nid(Nid::PKCS9_EMAILADDRESS, &subject.email)?;
    name.append_entry_by_nid(Nid::COMMONNAME, &subject.name)?;
    name.append_entry_by_nid(Nid::COUNTRYNAME, &subject.country)?;
    let mut request = X509Req::builder()?;
    request.set_version(0)?;
    request.set_subject_name(&name.build())?;
    request.set_pubkey(&key)?;
    let has_own_hash = matches!(key.id(), Id::ED25519 | Id::ED448);
    request.sign(&key, if has_own_hash { MessageDigest::null() } else { MessageDigest::sha256() })?;
    let request = request.build();
    if !request.verify(&key)? {
        return Err(RequestError::Damaged);
    }
    Ok(request.to_der()?)
}

/// A request.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// The subject asked for.
    pub subject: String,
    /// The key to be certified.
    pub public_key: PublicKey,
    /// The request is signed by that key; `None` where the algorithm is not known.
    pub is_signature_valid: Option<bool>,
    /// The algorithm of the signature, by OpenSSL's name or dotted.
    pub(crate) signature: String,
    /// The extensions that it asks for.
    pub extensions: Vec<ExtensionReport>,
}

impl CertificateRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        asn1::check_size(der, PART)?;
        let (request, _) = Value::parse(der, PART)?;
        let mut parts = request.reader(PART);
        let info = parts.expect(Tag::Sequence, "the information")?;
        let signature = match parts.try_next()? {
            Some(algorithm) => asn1::oid_text(&algorithm.reader(PART).required("the algorithm")?.oid()?),
            None => String::new(),
        };
        let mut fields = info.reader(PART);
        fields.expect(Tag::Integer, "the version")?;
        let Ok((_, subject)) = ParsedName::from_der(fields.required("the subject")?.encoded()) else {
            return Err(Malformed::new(PART, "has an unreadable subject"));
        };
        let Some(public_key) = PublicKey::parse(fields.required("the key")?.encoded().to_vec()) else {
            return Err(Malformed::new(PART, "has an unreadable public key"));
        };
        let extensions = match fields.try_next()? {
            Some(attributes) => requested_extensions(&attributes)?,
            None => vec![],
        };
        if let Err(error) = limits::charge_arithmetic(public_key.verification_work(request.encoded().len())) {
            return Err(Malformed::limit(PART, format!("is not checked: the file {error}")));
        }
        Ok(Self {
            subject: name::format(&subject, NameStyle::Escaped),
            public_key,
            is_signature_valid: verifies(der),
            signature: names::long_name(&signature).map_or(signature, str::to_owned),
            extensions,
        })
    }
}

/// Reads the extensions among the attributes (RFC 2985 section 5.4.2).
fn requested_extensions(attributes: &Value<'_>) -> Result<Vec<ExtensionReport>, Malformed> {
    let mut extensions = Vec::new();
    let mut list = attributes.reader(PART);
    while let Some(attribute) = list.try_next()? {
        let mut fields = attribute.reader(PART);
        let kind = fields.required("the kind of an attribute")?.oid()?;
        let mut values = fields.expect(Tag::Set, "the values of an attribute")?.reader(PART);
        if EXTENSION_REQUESTS.contains(&kind)
            && let Some(value) = values.try_next()?
        {
            add_extensions(value.encoded(), &mut extensions)?;
        }
    }
    Ok(extensions)
}

fn add_extensions(encoded: &[u8], extensions: &mut Vec<ExtensionReport>) -> Result<(), Malformed> {
    let Ok((_, request)) = ExtensionRequest::from_der(encoded) else {
        return Err(Malformed::new(PART, "asks for unreadable extensions"));
    };
    let mut left = extension::MAX_REQUEST_VALUES;
    for requested in &request.extensions {
        if extensions.len() == extension::MAX_EXTENSIONS {
            return Err(Malformed::limit(PART, format!("asks for more than {} extensions", extension::MAX_EXTENSIONS)));
        }
        extensions.push(ExtensionReport::of(requested, &mut left));
    }
    Ok(())
}

/// Returns whether a request is signed by the key in it, or `None` where OpenSSL does not know the algorithm.
fn verifies(der: &[u8]) -> Option<bool> {
    let request = X509Req::from_der(der).ok()?;
    let key = request.public_key().ok()?;
    // OpenSSL keeps the reason why a signature does not verify; the next error would be taken for it.
    let errors = match request.verify(&key) {
        Ok(true) => {
            drop(ErrorStack::get());
            return Some(true);
        }
        Ok(false) => ErrorStack::get(),
        Err(errors) => errors,
    };
    if is_unknown_algorithm(&errors) { None } else { Some(false) }
}

/// Returns whether OpenSSL says that it does not know or has not got an algorithm.
fn is_unknown_algorithm(errors: &ErrorStack) -> bool {
    for error in errors.errors() {
        if error.reason().is_some_and(|reason| reason.contains("unknown") || reason.contains("unsupported")) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use openssl::bn::BigNum;
    use openssl::dsa::Dsa;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::pkey::Private;
    use openssl::sign::Signer;
    use openssl::stack::Stack;
    use openssl::x509::extension::{KeyUsage, SubjectAlternativeName};

    use super::*;
    use crate::asn1::Fault;
    use crate::limits::{Reading, ReadingWork};

    #[test]
    fn what_is_typed_is_checked() {
        for good in ["jo@example.com", "jo+push@sub.example.com", "root@localhost"] {
            check_email(good).unwrap();
        }
        for bad in ["", "jo", "jo@", "@example.com", "jo@example..com", "a@b@c", "jo @example.com", "jö@example.com"] {
            check_email(bad).unwrap_err();
        }
        check_email(&format!("{}@b", "a".repeat(126))).unwrap();
        check_email(&format!("{}@b", "a".repeat(127))).unwrap_err();
        check_name(&"株".repeat(64)).unwrap();
        for bad in ["", " ", "a\nb", &"a".repeat(65)] {
            check_name(bad).unwrap_err();
        }
        check_country("DE").unwrap();
        for bad in ["", "D", "DEU", "D1", "ÄÖ", "Deutschland"] {
            assert!(check_country(bad).unwrap_err().contains("such as DE"), "{bad}");
        }
        for (reserved, instead) in [("UK", "GB"), ("uk", "GB"), ("EL", "GR")] {
            assert!(check_country(reserved).unwrap_err().contains(instead), "{reserved}");
        }
        check_country("us").unwrap();
    }

    #[test]
    fn a_request_is_for_its_key_and_its_subject() {
        let key = generate_key().unwrap();
        assert_eq!(key.public().kind(), KeyKind { algorithm: "RSA".to_owned(), bits: 2048 });
        let subject = RequestSubject {
            email: "jo@example.com".to_owned(),
            name: r#"Jo, 株 "\x""#.to_owned(),
            country: "DE".to_owned(),
        };
        let request = CertificateRequest::parse(&make(&subject, &key).unwrap()).unwrap();
        assert_eq!(request.subject, subject.to_string());
        assert_eq!(request.is_signature_valid, Some(true));
        assert!(request.public_key.is_same_key(key.public()));
    }

    fn request(key: &PKey<Private>, names: &[&str]) -> CertificateRequest {
        let mut builder = X509Req::builder().unwrap();
        builder.set_pubkey(key).unwrap();
        if !names.is_empty() {
            let mut alternative = SubjectAlternativeName::new();
            for name in names {
                alternative.dns(name);
            }
            let alternative = alternative.build(&builder.x509v3_context(None)).unwrap();
            let usage = KeyUsage::new().critical().digital_signature().key_encipherment().build().unwrap();
            let mut extensions = Stack::new().unwrap();
            extensions.push(alternative).unwrap();
            extensions.push(usage).unwrap();
            builder.add_extensions(&extensions).unwrap();
        }
        let has_own_hash = matches!(key.id(), Id::ED25519 | Id::ED448);
        builder.sign(key, if has_own_hash { MessageDigest::null() } else { MessageDigest::sha256() }).unwrap();
        CertificateRequest::parse(&builder.build().to_der().unwrap()).unwrap()
    }

    #[test]
    fn the_signature_is_judged_for_every_kind_of_key() {
        let ec =
            |curve| PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap();
        let rsa = Rsa::generate(1024).unwrap();
        // PrivateKeyInfo with the algorithm id-RSASSA-PSS.
        let pss = [0x30, 11, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 10];
        let plain = PKey::from_rsa(rsa).unwrap().private_key_to_pkcs8().unwrap();
        let fields = [&[2, 1, 0], &pss[..], &plain[4 + 3 + 15..]].concat();
        let length = u16::try_from(fields.len()).unwrap().to_be_bytes();
        let pss = PKey::private_key_from_pkcs8(&[&[0x30, 0x82], &length[..], &fields].concat()).unwrap();
        assert_eq!(pss.id(), Id::RSA_PSS);
        for (key, name) in [
            (PKey::private_key_from_pkcs8(&plain).unwrap(), "RSA"),
            (pss, "RSA-PSS"),
            (ec(Nid::X9_62_PRIME256V1), "EC"),
            (ec(Nid::SECP521R1), "EC"),
            (ec(Nid::BRAINPOOL_P384R1), "EC"),
            (ec(Nid::SECT233K1), "EC"),
            (PKey::generate_ed25519().unwrap(), "Ed25519"),
            (PKey::generate_ed448().unwrap(), "Ed448"),
            (PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap(), "DSA"),
        ] {
            let request = request(&key, &[]);
            assert_eq!(request.is_signature_valid, Some(true), "{name}");
            assert_eq!((request.public_key.algorithm.as_str(), request.subject.as_str()), (name, ""));
        }
    }

    #[test]
    fn a_signature_that_takes_long_to_verify_is_not_begun() {
        let signer = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let request = |modulus: usize, exponent: &[u8]| {
            let modulus = BigNum::from_slice(&vec![0xff; modulus / 8]).unwrap();
            let public = Rsa::from_public_components(modulus, BigNum::from_slice(exponent).unwrap()).unwrap();
            let mut builder = X509Req::builder().unwrap();
            builder.set_pubkey(&PKey::from_rsa(public).unwrap()).unwrap();
            builder.sign(&signer, MessageDigest::sha256()).unwrap();
            let request = CertificateRequest::parse(&builder.build().to_der().unwrap());
            request.map(|request| request.is_signature_valid)
        };
        let _reading = Reading::begin(ReadingWork::new(0, 4));
        let error = request(3072, &[0x7f; 384]).unwrap_err();
        assert!(error.fault == Fault::Limit && error.to_string().contains("takes too long to check"), "{error}");
        assert_eq!(request(2048, &[1, 0, 1]), Ok(Some(false)));
        // OpenSSL refuses these without any arithmetic.
        assert_eq!(request(4096, &[0x7f; 512]), Ok(Some(false)));
        assert_eq!(request(65_536, &[0x7f; 8]), Ok(Some(false)));
    }

    #[test]
    fn a_signature_of_an_unknown_algorithm_is_not_judged() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut builder = X509Req::builder().unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        let mut der = builder.build().to_der().unwrap();
        let judged = |der: &[u8]| CertificateRequest::parse(der).unwrap().is_signature_valid;
        assert_eq!(judged(&der), Some(true));
        let last = der.len() - 1;
        der[last] ^= 1;
        assert_eq!(judged(&der), Some(false));
        // sha256WithRSAEncryption becomes 1.2.840.113549.1.1.99.
        let algorithm = [0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 11];
        let start = memchr::memmem::rfind(&der, &algorithm).unwrap();
        der[start + algorithm.len() - 1] = 99;
        assert_eq!(judged(&der), None);
    }

    #[test]
    fn the_extensions_that_a_request_asks_for_are_named() {
        let key = PKey::generate_ed25519().unwrap();
        let request = request(&key, &["www.example.com", "example.com"]);
        let mut extensions = Vec::new();
        for extension in &request.extensions {
            extensions.push((extension.name.unwrap(), extension.critical, extension.values.join(" ")));
        }
        let expected = [
            ("subjectAltName", false, "DNS:www.example.com DNS:example.com".to_owned()),
            ("keyUsage", true, "digitalSignature keyEncipherment".to_owned()),
        ];
        assert_eq!(extensions, expected);
    }

    #[test]
    fn a_request_may_have_no_attributes_at_all() {
        let key = PKey::generate_ed25519().unwrap();
        let mut builder = X509Req::builder().unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::null()).unwrap();
        let der = builder.build().to_der().unwrap();
        let (request, _) = Value::parse(&der, "test").unwrap();
        let mut parts = request.reader("test");
        let info = parts.required("info").unwrap();
        let mut content = info.content().to_vec();
        if content.ends_with(&[0xa0, 0]) {
            content.truncate(content.len() - 2);
        }
        // Version, subject and key.
        assert_eq!(content.len(), 3 + 2 + 44);
        let info = [&[0x30, u8::try_from(content.len()).unwrap()], &content[..]].concat();
        let mut signer = Signer::new_without_digest(&key).unwrap();
        let signature = signer.sign_oneshot_to_vec(&info).unwrap();
        let bits = [&[3, u8::try_from(signature.len()).unwrap() + 1, 0], &signature[..]].concat();
        let fields = [&info[..], parts.required("algorithm").unwrap().encoded(), &bits].concat();
        let der = [&[0x30, u8::try_from(fields.len()).unwrap()], &fields[..]].concat();
        assert!(fields.len() < 128);
        let request = CertificateRequest::parse(&der).unwrap();
        assert!(request.is_signature_valid == Some(true) && request.extensions.is_empty());
    }
}
