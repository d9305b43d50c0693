//! The certificates of a server, as it sent them, and what a stricter client would not forgive in them.

use std::net::IpAddr;

use openssl::x509::X509Ref;
use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::net::mask::Mask;

/// A certificate of a server, or of an issuer on the way to a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ServerCertificate {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_before: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_after: OffsetDateTime,
    /// SHA-256 of its encoding.
    pub(crate) sha256: String,
    /// The host names and addresses that it is for.
    pub(crate) names: Vec<String>,
}

impl ServerCertificate {
    /// Hides this side's own secrets in the names, which may be a proxy's words.
    pub(crate) fn mask(&mut self, mask: &Mask) {
        mask.apply(&mut self.subject);
        mask.apply(&mut self.issuer);
        for name in &mut self.names {
            mask.apply(name);
        }
    }

    pub(super) fn parse(x509: &X509Ref) -> Option<Self> {
        let facts = Certificate::parse(&x509.to_der().ok()?).ok()?;
        Some(Self {
            sha256: facts.sha256(),
            subject: facts.subject,
            issuer: facts.issuer,
            not_before: facts.not_before,
            not_after: facts.not_after,
            names: host_names(x509),
        })
    }
}

/// Returns the names and addresses of a certificate's subjectAltName.
fn host_names(x509: &X509Ref) -> Vec<String> {
    let mut names = Vec::new();
    for name in x509.subject_alt_names().into_iter().flatten() {
        if let Some(host) = name.dnsname() {
            names.push(host.to_owned());
        } else if let Some(bytes) = name.ipaddress() {
            names.extend(address_text(bytes));
        }
    }
    names
}

fn address_text(bytes: &[u8]) -> Option<String> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(octets).to_string());
    }
    let octets = <[u8; 16]>::try_from(bytes).ok()?;
    Some(IpAddr::from(octets).to_string())
}

/// A flaw of a chain that a stricter client would not forgive (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChainFlaw {
    /// The server did not send an intermediate, which this machine happens to have.
    MissingIntermediate,
    /// A certificate does not follow the one that it issued.
    Misordered,
    /// A certificate has nothing to do with the path.
    Unrelated,
}

impl ChainFlaw {
    /// Returns the flaw in words.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::MissingIntermediate => "the server does not send an intermediate that this machine happens to have",
            Self::Misordered => "the server sends its chain in the wrong order",
            Self::Unrelated => "the server sends a certificate that is not part of its chain",
        }
    }
}

/// Compares a chain as it was sent with the path that was built to a root.
pub(super) fn flaws_of(sent: &[ServerCertificate], path: &[ServerCertificate]) -> Vec<ChainFlaw> {
    let mut flaws = Vec::new();
    // A root, which is its own issuer, need not be sent.
    if path.iter().any(|certificate| certificate.subject != certificate.issuer && !sent.contains(certificate)) {
        flaws.push(ChainFlaw::MissingIntermediate);
    }
    let mut places = Vec::new();
    for certificate in sent {
        places.extend(path.iter().position(|known| known == certificate));
    }
    if !places.is_sorted() {
        flaws.push(ChainFlaw::Misordered);
    }
    if places.len() < sent.len() {
        flaws.push(ChainFlaw::Unrelated);
    }
    flaws
}
