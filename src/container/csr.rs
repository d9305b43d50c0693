//! Certificate signing requests (PKCS#10, RFC 2986).

use x509_parser::asn1_rs::Tag;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use crate::asn1::{Malformed, Value};
use crate::certificate::name::{self, NameStyle};
use crate::certificate::public_key::PublicKey;

/// A request.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// The subject asked for.
    pub subject: String,
    /// The key to be certified.
    pub public_key: PublicKey,
    /// Whether the request is signed by that key.
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
            is_signature_valid: request.verify_signature().is_ok(),
        })
    }
}

/// Whether the first field of a signed structure is that of a request: version, then a name (a sequence
/// of sets), where a certificate has an algorithm (a sequence that begins with an object identifier).
pub(super) fn is_it(signed: &Value<'_>) -> bool {
    let mut fields = signed.reader("file");
    let mut next = || fields.try_next().ok().flatten();
    let (Some(version), Some(name), Some(key)) = (next(), next(), next()) else { return false };
    let first = name.reader("file").try_next().ok().flatten();
    version.is(Tag::Integer)
        && name.is(Tag::Sequence)
        && first.is_none_or(|rdn| rdn.is(Tag::Set))
        && key.is(Tag::Sequence)
}
