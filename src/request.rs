//! A private key, and the request to certify it (PKCS#10, RFC 2986), as Keychain Access makes them.

use std::fmt;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey};
use openssl::rsa::Rsa;
use openssl::x509::{X509Name, X509Req};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;
use zeroize::Zeroizing;

use crate::asn1::Malformed;
use crate::certificate::name::{self, NameStyle};
use crate::key::{KeyError, PrivateKey};
use crate::public_key::{KeyKind, PublicKey};

/// The size of the keys that Apple's portal takes, in bits.
pub(crate) const PORTAL_KEY_BITS: u32 = 2048;

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
    /// As OpenSSL 3.2 and later print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.replace('\\', "\\\\");
        write!(f, "emailAddress={}, CN={name}, C={}", self.email, self.country)
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

/// Checks a country (ISO 3166-1 alpha-2).
///
/// # Errors
/// As [`check_email`].
pub(crate) fn check_country(text: &str) -> Result<(), String> {
    let is_code = text.len() == 2 && text.chars().all(|c| c.is_ascii_alphabetic());
    let capitals = text.to_ascii_uppercase();
    if is_code && text == capitals {
        return Ok(());
    }
    let example = if is_code { &capitals } else { "DE" };
    Err(format!("two capital letters are expected, such as {example} (ISO 3166)"))
}

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
    /// The request is signed by that key.
    pub is_signature_valid: bool,
}

impl CertificateRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(der: &[u8]) -> Result<Self, Malformed> {
        let malformed = |problem: &'static str| Malformed::new("certificate signing request", problem);
        let (_, request) = X509CertificationRequest::from_der(der).map_err(|_| malformed("does not parse"))?;
        let info = &request.certification_request_info;
        let public_key = PublicKey::parse(info.subject_pki.raw.to_vec());
        Ok(Self {
            subject: name::format(&info.subject, NameStyle::Compact),
            public_key: public_key.ok_or(malformed("has an unreadable public key"))?,
            is_signature_valid: verifies(der).unwrap_or(false),
        })
    }
}

/// Returns whether a request is signed by the key in it.
fn verifies(der: &[u8]) -> Result<bool, ErrorStack> {
    let request = X509Req::from_der(der)?;
    let is_signed = request.verify(&*request.public_key()?)?;
    // OpenSSL keeps the reason why a signature does not verify; the next error would be taken for it.
    drop(ErrorStack::get());
    Ok(is_signed)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(check_country("us").unwrap_err().contains("such as US"));
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
        assert!(request.is_signature_valid);
        assert!(request.public_key.is_same_key(key.public()));
    }
}
