//! The way from a certificate to Apple's root: by key identifier and signature, never by name alone.

use std::sync::{LazyLock, OnceLock};

use openssl::error::ErrorStack;
use openssl::x509::X509;
use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;

/// No chain of Apple's is longer than three.
const MAX_LENGTH: usize = 6;

/// The organization that Apple's authorities name.
const APPLE_ORGANIZATION: &str = "Apple Inc.";

/// An authority whose certificate is built in. It is parsed when it is first needed: most runs need one or
/// none of them.
pub(crate) struct KnownCa {
    /// A short name, such as "WWDR G4".
    pub(crate) name: &'static str,
    der: &'static [u8],
    parsed: OnceLock<Option<Certificate>>,
}

impl KnownCa {
    /// Takes the certificate in DER.
    pub(crate) const fn new(name: &'static str, der: &'static [u8]) -> Self {
        Self { name, der, parsed: OnceLock::new() }
    }

    /// Returns its certificate; `None` if that is damaged.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.parsed.get_or_init(|| Certificate::parse(self.der).ok()).as_ref()
    }

    /// Returns whether it may be the issuer of `certificate`. Looks, without parsing, for the key identifier
    /// that an issuer must have, or for its name if `certificate` names no key identifier.
    fn may_have_issued(&self, certificate: &Certificate) -> bool {
        let wanted = certificate.authority_key_id.as_ref().unwrap_or(&certificate.raw_issuer);
        memchr::memmem::find(self.der, wanted).is_some()
    }
}

/// The built-in authorities that chains are built from.
pub(crate) struct KnownCas {
    /// Trusted by themselves.
    pub(crate) roots: Vec<KnownCa>,
    /// Issued by a root.
    pub(crate) intermediates: Vec<KnownCa>,
}

macro_rules! embedded {
    ($($name:literal: $file:literal),* $(,)?) => {
        vec![$(KnownCa::new($name, include_bytes!(concat!("apple-ca/", $file, ".cer")))),*]
    };
}

/// Apple's authorities, from www.apple.com/certificateauthority.
pub(crate) static APPLE: LazyLock<KnownCas> = LazyLock::new(|| KnownCas {
    roots: embedded! {
        "Apple Root CA": "apple-root-ca",
        "Apple Root CA - G2": "apple-root-ca-g2",
        "Apple Root CA - G3": "apple-root-ca-g3",
    },
    intermediates: embedded! {
        "WWDR G4": "wwdr-g4",
        "Application Integration 2": "application-integration-2",
        "WWDR G3": "wwdr-g3",
        "WWDR G6": "wwdr-g6",
        "WWDR G5": "wwdr-g5",
        "WWDR G2": "wwdr-g2",
        "WWDR G1": "wwdr-g1-expired-2023",
    },
});

/// The result of following the signatures to Apple's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainStatus {
    /// Every signature up to one of Apple's roots verifies, and every authority is in its validity.
    Trusted,
    /// Every signature verifies, but an authority on the way has expired.
    Expired,
    /// Issued by somebody else.
    NotApple,
    /// The issuer calls itself Apple's, but it is not known here.
    Incomplete,
}

/// The chain of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppleChain {
    pub status: ChainStatus,
    /// The intermediate that issued the certificate, by its short name or else its subject.
    pub intermediate: Option<String>,
    /// The certificate names an authority of Apple's by its key identifier that did not sign it.
    #[serde(skip)]
    pub is_forged: bool,
}

impl KnownCas {
    /// Returns the known authority that signed `certificate`, with its certificate.
    pub(crate) fn issuer_of(&self, certificate: &Certificate) -> Option<(&KnownCa, &Certificate)> {
        self.named_by(certificate).into_iter().find(|(_, issuer)| is_issuer(issuer, certificate))
    }

    /// Returns the known authorities that `certificate` names as its issuer.
    fn named_by(&self, certificate: &Certificate) -> Vec<(&KnownCa, &Certificate)> {
        let mut named = Vec::new();
        for authority in self.intermediates.iter().chain(&self.roots) {
            if authority.may_have_issued(certificate)
                && let Some(issuer) = authority.certificate()
                && names_as_issuer(issuer, certificate)
            {
                named.push((authority, issuer));
            }
        }
        named
    }

    fn is_root(&self, certificate: &Certificate) -> bool {
        self.roots.iter().any(|root| root.der == certificate.der)
    }

    /// Follows the signatures from `certificate` to a root, through the known authorities and those in
    /// `others` (the certificates of the same file).
    pub(crate) fn judge(&self, certificate: &Certificate, others: &[&Certificate], now: OffsetDateTime) -> AppleChain {
        let mut intermediate = None;
        let mut has_expired = false;
        let mut current = certificate;
        for _ in 0..MAX_LENGTH {
            if self.is_root(current) {
                let status = if has_expired { ChainStatus::Expired } else { ChainStatus::Trusted };
                return AppleChain { status, intermediate, is_forged: false };
            }
            let Some((name, issuer)) = self.issuer_among(others, current) else { break };
            if std::ptr::eq(current, certificate) && !self.is_root(issuer) {
                intermediate = Some(name.to_owned());
            }
            has_expired |= issuer.is_expired(now);
            current = issuer;
        }
        let is_forged = !self.named_by(current).is_empty();
        let claims_apple = current.issuer.split(", ").any(|part| part.strip_prefix("O=") == Some(APPLE_ORGANIZATION));
        let status = if claims_apple && !is_forged { ChainStatus::Incomplete } else { ChainStatus::NotApple };
        AppleChain { status, intermediate: None, is_forged }
    }

    /// Returns the issuer of `certificate` with its name: a known authority, or else one of `others`.
    fn issuer_among<'a>(
        &'a self,
        others: &[&'a Certificate],
        certificate: &Certificate,
    ) -> Option<(&'a str, &'a Certificate)> {
        if let Some((authority, issuer)) = self.issuer_of(certificate) {
            return Some((authority.name, issuer));
        }
        for other in others {
            if other.is_ca && is_issuer(other, certificate) {
                let is_self_signed = other.der == certificate.der;
                return if is_self_signed { None } else { Some((other.title(), other)) };
            }
        }
        None
    }
}

/// Returns whether `certificate` names `authority` as its issuer: by key identifier, or by name if it has
/// none.
fn names_as_issuer(authority: &Certificate, certificate: &Certificate) -> bool {
    match (&certificate.authority_key_id, &authority.subject_key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => certificate.raw_issuer == authority.raw_subject,
    }
}

/// Returns whether `authority` signed `certificate`. OpenSSL is started only for a certificate that names
/// `authority`.
fn is_issuer(authority: &Certificate, certificate: &Certificate) -> bool {
    names_as_issuer(authority, certificate) && verifies(authority, certificate).unwrap_or(false)
}

fn verifies(authority: &Certificate, certificate: &Certificate) -> Result<bool, ErrorStack> {
    let key = X509::from_der(&authority.der)?.public_key()?;
    let is_signed = X509::from_der(&certificate.der)?.verify(&key)?;
    // OpenSSL keeps the reason why a signature does not verify; the next error would be taken for it.
    drop(ErrorStack::get());
    Ok(is_signed)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::test_support::certificate as fixture;

    const NOW: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

    /// The fixtures' authorities in the place of Apple's.
    fn fixture_authorities() -> KnownCas {
        let authority = |name, path| KnownCa::new(name, Box::leak(fixture(path).der.into_boxed_slice()));
        KnownCas {
            roots: vec![authority("root", "ca/root.pem")],
            intermediates: vec![
                authority("G4", "ca/intermediate.pem"),
                authority("AAI", "ca/application-integration.pem"),
            ],
        }
    }

    #[test]
    fn the_embedded_certificates_are_the_published_ones() {
        // SHA-256 as in apple-ca/README.md, which was compared with Apple's page.
        let readme = include_str!("apple-ca/README.md");
        assert_eq!(APPLE.intermediates.len() + APPLE.roots.len(), readme.matches(".cer | ").count());
        for authority in APPLE.intermediates.iter().chain(&APPLE.roots) {
            assert!(readme.contains(&authority.certificate().unwrap().sha256()), "{}", authority.name);
        }
    }

    #[test]
    fn every_embedded_intermediate_leads_to_a_root() {
        for authority in &APPLE.intermediates {
            let chain = APPLE.judge(authority.certificate().unwrap(), &[], NOW);
            assert_eq!(chain.status, ChainStatus::Trusted, "{}", authority.name);
        }
    }

    #[test]
    fn a_leaf_leads_to_the_root_by_signature() {
        let authorities = fixture_authorities();
        let chain = authorities.judge(&fixture("der/universal.cer"), &[], NOW);
        assert_eq!((chain.status, chain.intermediate.as_deref()), (ChainStatus::Trusted, Some("G4")));
        let mdm = authorities.judge(&fixture("der/mdm.cer"), &[], NOW);
        assert_eq!((mdm.status, mdm.intermediate.as_deref()), (ChainStatus::Trusted, Some("AAI")));
        // On the day after the authorities expire.
        let late = authorities.judge(&fixture("der/universal.cer"), &[], datetime!(2100-01-01 0:00 UTC));
        assert_eq!(late.status, ChainStatus::Expired);
    }

    #[test]
    fn an_intermediate_from_the_file_serves() {
        let authorities = KnownCas { intermediates: vec![], ..fixture_authorities() };
        let leaf = fixture("der/universal.cer");
        assert_eq!(authorities.judge(&leaf, &[], NOW).status, ChainStatus::NotApple);
        let chain = authorities.judge(&leaf, &[&fixture("ca/intermediate.pem")], NOW);
        assert_eq!(chain.status, ChainStatus::Trusted);
        assert!(chain.intermediate.unwrap().starts_with("Fixture Worldwide"));
    }

    #[test]
    fn the_fixtures_are_not_apples() {
        assert_eq!(APPLE.judge(&fixture("der/universal.cer"), &[], NOW).status, ChainStatus::NotApple);
        let forged = APPLE.judge(&fixture("der/forged.cer"), &[], NOW);
        assert_eq!((forged.status, forged.is_forged), (ChainStatus::NotApple, true));
    }

    #[test]
    fn an_authority_that_is_not_known_is_said_to_be_so() {
        let mut leaf = fixture("der/forged.cer");
        leaf.authority_key_id = Some(vec![7; 20]);
        assert_eq!(APPLE.judge(&leaf, &[], NOW).status, ChainStatus::Incomplete);
    }
}
