//! The way from a certificate to Apple's root: by name, key identifier and signature, and by the rules of RFC 5280
//! section 6.1.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use openssl::error::ErrorStack;
use openssl::x509::X509;
use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::name::{self, ComparableName};
use crate::limits::MAX_ARITHMETIC;

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
    /// Every signature verifies, but a rule for paths is broken.
    Invalid,
    /// Issued by somebody else.
    NotApple,
    /// The issuer calls itself Apple's, but it is not known here.
    Incomplete,
}

/// A rule of RFC 5280 section 6.1 that a path breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathProblem {
    /// An authority is not valid yet.
    NotYetValid,
    /// The key usage of an authority is not to sign certificates, or it is no authority.
    MayNotSign,
    /// There are more authorities below one than it allows.
    TooLong,
    /// A critical extension is not understood.
    UnknownExtension,
}

impl PathProblem {
    /// Describes it for people.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::NotYetValid => "an authority on the way is not valid yet",
            Self::MayNotSign => "an authority on the way may not sign certificates",
            Self::TooLong => "an authority on the way does not allow so many below it",
            Self::UnknownExtension => "a critical extension on the way is not understood",
        }
    }
}

/// The authorities that come with a certificate, by their names.
#[derive(Debug)]
pub(crate) struct FileCas<'a> {
    by_name: HashMap<ComparableName, Vec<&'a Certificate>>,
    /// The arithmetic of verifying signatures that may still be done. Real bundles need a few hundred signatures.
    work_left: Cell<u64>,
}

impl<'a> FileCas<'a> {
    /// Takes the authorities among the certificates of a file.
    pub(crate) fn new(certificates: impl IntoIterator<Item = &'a Certificate>) -> Self {
        Self::of_all(certificates.into_iter().filter(|certificate| certificate.is_ca))
    }

    /// Takes all these certificates, whatever they say of themselves.
    pub(crate) fn of_all(certificates: impl IntoIterator<Item = &'a Certificate>) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for certificate in certificates {
            by_name.entry(name::comparable(&certificate.raw_subject)).or_default().push(certificate);
        }
        Self { by_name, work_left: Cell::new(MAX_ARITHMETIC) }
    }

    /// Returns those that a certificate names as its issuer.
    pub(super) fn named_by(&self, certificate: &Certificate) -> &[&'a Certificate] {
        match self.by_name.get(&name::comparable(&certificate.raw_issuer)) {
            Some(authorities) => authorities,
            None => &[],
        }
    }

    /// Returns the authority of the file that issued a certificate; one that is good at `now` before one that is not.
    pub(crate) fn issuer_of(&self, certificate: &Certificate, now: OffsetDateTime) -> Option<&'a Certificate> {
        let mut found = None;
        for authority in self.named_by(certificate) {
            if !self.is_issuer(authority, certificate) {
                continue;
            }
            let is_valid = !authority.is_expired(now) && !authority.is_not_yet_valid(now);
            if is_valid && authority.may_sign_certificates {
                return Some(authority);
            }
            found = found.or(Some(*authority));
        }
        found
    }

    /// Returns the authorities of the file that lead up from a certificate, to a root or as far as they are there.
    pub(crate) fn path_of(&self, certificate: &Certificate, now: OffsetDateTime) -> Vec<&'a Certificate> {
        let mut path: Vec<&'a Certificate> = Vec::new();
        while path.len() < MAX_LENGTH {
            let last = path.last().copied().unwrap_or(certificate);
            if last.is_self_issued() {
                break;
            }
            let Some(issuer) = self.issuer_of(last, now) else { break };
            path.push(issuer);
        }
        path
    }

    /// Returns an authority of the file that a certificate names as its issuer, where none of that name signed it.
    pub(crate) fn false_issuer_of(&self, certificate: &Certificate) -> Option<&'a Certificate> {
        let named = self.named_by(certificate);
        if certificate.is_self_issued() || named.iter().any(|authority| self.is_issuer(authority, certificate)) {
            return None;
        }
        // Where no more signatures are verified, nothing is known.
        if self.work_left.get() > 0 { named.first().copied() } else { None }
    }

    /// Returns whether `authority` issued `certificate`: by name, key identifier and signature. OpenSSL is started only
    /// for a certificate that names `authority`.
    pub(crate) fn is_issuer(&self, authority: &Certificate, certificate: &Certificate) -> bool {
        if !has_key_id_of(authority, certificate) || !certificate.names_as_issuer(authority) {
            return false;
        }
        let work = authority.public_key.verification_work(authority.der.len() + certificate.der.len());
        let Some(left) = self.work_left.get().checked_sub(work) else {
            // From here on nothing is known.
            self.work_left.set(0);
            return false;
        };
        self.work_left.set(left);
        verifies(authority, certificate).unwrap_or(false)
    }
}

/// The chain of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppleChain {
    pub status: ChainStatus,
    /// The intermediate that issued the certificate, by its short name or else its subject.
    pub intermediate: Option<String>,
    /// The rule that makes it invalid.
    pub problem: Option<PathProblem>,
    /// The certificate names an authority of Apple's by its key identifier that did not sign it.
    #[serde(skip)]
    pub is_forged: bool,
}

impl AppleChain {
    /// Returns whether every signature up to one of Apple's roots verifies, and no rule for paths is broken.
    pub(crate) fn leads_to_apple(&self) -> bool {
        matches!(self.status, ChainStatus::Trusted | ChainStatus::Expired)
    }
}

/// Returns whether the issuer of a certificate calls itself Apple's.
pub(crate) fn claims_apple(certificate: &Certificate) -> bool {
    name::has_value(&certificate.raw_issuer, "O", APPLE_ORGANIZATION)
}

impl KnownCas {
    /// Returns the known authority that signed `certificate`, with its certificate.
    pub(crate) fn issuer_of(&self, certificate: &Certificate) -> Option<(&KnownCa, &Certificate)> {
        self.known_issuer(&FileCas::new([]), certificate)
    }

    fn known_issuer(&self, cas: &FileCas<'_>, certificate: &Certificate) -> Option<(&KnownCa, &Certificate)> {
        self.named_by(certificate).into_iter().find(|(_, issuer)| cas.is_issuer(issuer, certificate))
    }

    /// Returns the known authorities that `certificate` claims as its issuer, by key identifier or else by name.
    fn named_by(&self, certificate: &Certificate) -> Vec<(&KnownCa, &Certificate)> {
        let mut named = Vec::new();
        for authority in self.intermediates.iter().chain(&self.roots) {
            if authority.may_have_issued(certificate)
                && let Some(issuer) = authority.certificate()
                && claims_as_issuer(issuer, certificate)
            {
                named.push((authority, issuer));
            }
        }
        named
    }

    fn is_root(&self, certificate: &Certificate) -> bool {
        self.roots.iter().any(|root| root.der == certificate.der)
    }

    /// Follows the signatures from `certificate` to a root, through the known authorities and those of the same file.
    pub(crate) fn judge(&self, certificate: &Certificate, cas: &FileCas<'_>, now: OffsetDateTime) -> AppleChain {
        let mut intermediate = None;
        let mut path = Path::new(certificate, now);
        let mut current = certificate;
        for _ in 0..MAX_LENGTH {
            if self.is_root(current) {
                let status = path.status();
                return AppleChain { status, intermediate, problem: path.problem, is_forged: false };
            }
            let Some((name, issuer)) = self.issuer_among(cas, current) else { break };
            if std::ptr::eq(current, certificate) && !self.is_root(issuer) {
                intermediate = Some(name.to_owned());
            }
            path.add(issuer);
            current = issuer;
        }
        // Where no more signatures are verified, nothing is known.
        let is_forged = cas.work_left.get() > 0 && !self.named_by(current).is_empty();
        let status = if claims_apple(current) && !is_forged { ChainStatus::Incomplete } else { ChainStatus::NotApple };
        AppleChain { status, intermediate: None, problem: None, is_forged }
    }

    /// Returns the issuer of `certificate` with its name: a known authority, or else one of the same file.
    fn issuer_among<'a>(&'a self, cas: &FileCas<'a>, certificate: &Certificate) -> Option<(&'a str, &'a Certificate)> {
        if let Some((authority, issuer)) = self.known_issuer(cas, certificate) {
            return Some((authority.name, issuer));
        }
        for other in cas.named_by(certificate) {
            if cas.is_issuer(other, certificate) {
                let is_self_signed = other.der == certificate.der;
                return if is_self_signed { None } else { Some((other.title(), other)) };
            }
        }
        None
    }
}

/// The part of a path that has been followed.
struct Path {
    now: OffsetDateTime,
    /// The authorities on it that did not issue themselves.
    length: u32,
    has_expired: bool,
    problem: Option<PathProblem>,
}

impl Path {
    fn new(certificate: &Certificate, now: OffsetDateTime) -> Self {
        let problem = if certificate.has_unknown_critical { Some(PathProblem::UnknownExtension) } else { None };
        Self { now, length: 0, has_expired: false, problem }
    }

    fn add(&mut self, issuer: &Certificate) {
        self.has_expired |= issuer.is_expired(self.now);
        if self.problem.is_none() {
            self.problem = self.problem_of(issuer);
        }
        self.length += u32::from(!issuer.is_self_issued());
    }

    fn problem_of(&self, issuer: &Certificate) -> Option<PathProblem> {
        if issuer.is_not_yet_valid(self.now) {
            Some(PathProblem::NotYetValid)
        } else if !issuer.is_ca || !issuer.may_sign_certificates {
            Some(PathProblem::MayNotSign)
        } else if issuer.path_length.is_some_and(|allowed| self.length > allowed) {
            Some(PathProblem::TooLong)
        } else if issuer.has_unknown_critical {
            Some(PathProblem::UnknownExtension)
        } else {
            None
        }
    }

    fn status(&self) -> ChainStatus {
        match (self.problem, self.has_expired) {
            (Some(_), _) => ChainStatus::Invalid,
            (None, true) => ChainStatus::Expired,
            (None, false) => ChainStatus::Trusted,
        }
    }
}

/// Returns whether the key identifiers of both agree, where both have one.
fn has_key_id_of(authority: &Certificate, certificate: &Certificate) -> bool {
    match (&certificate.authority_key_id, &authority.subject_key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => true,
    }
}

/// Returns whether `certificate` claims `authority` as its issuer: by key identifier, or by name if it has none.
fn claims_as_issuer(authority: &Certificate, certificate: &Certificate) -> bool {
    match (&certificate.authority_key_id, &authority.subject_key_id) {
        (Some(wanted), Some(id)) => wanted == id,
        _ => certificate.names_as_issuer(authority),
    }
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
    use openssl::bn::BigNum;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use time::macros::datetime;

    use super::*;
    use crate::public_key::PublicKey;
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
            let chain = APPLE.judge(authority.certificate().unwrap(), &FileCas::new([]), NOW);
            assert_eq!(chain.status, ChainStatus::Trusted, "{}", authority.name);
        }
    }

    #[test]
    fn a_leaf_leads_to_the_root_by_signature() {
        let authorities = fixture_authorities();
        let chain = authorities.judge(&fixture("der/universal.cer"), &FileCas::new([]), NOW);
        assert_eq!((chain.status, chain.intermediate.as_deref()), (ChainStatus::Trusted, Some("G4")));
        let mdm = authorities.judge(&fixture("der/mdm.cer"), &FileCas::new([]), NOW);
        assert_eq!((mdm.status, mdm.intermediate.as_deref()), (ChainStatus::Trusted, Some("AAI")));
        // On the day after the authorities expire.
        let late = authorities.judge(&fixture("der/universal.cer"), &FileCas::new([]), datetime!(2100-01-01 0:00 UTC));
        assert_eq!(late.status, ChainStatus::Expired);
    }

    #[test]
    fn an_intermediate_from_the_file_serves() {
        let authorities = KnownCas { intermediates: vec![], ..fixture_authorities() };
        let leaf = fixture("der/universal.cer");
        assert_eq!(authorities.judge(&leaf, &FileCas::new([]), NOW).status, ChainStatus::NotApple);
        let chain = authorities.judge(&leaf, &FileCas::new([&fixture("ca/intermediate.pem")]), NOW);
        assert_eq!(chain.status, ChainStatus::Trusted);
        assert!(chain.intermediate.unwrap().starts_with("Fixture Worldwide"));
    }

    #[test]
    fn the_fixtures_are_not_apples() {
        assert_eq!(APPLE.judge(&fixture("der/universal.cer"), &FileCas::new([]), NOW).status, ChainStatus::NotApple);
        let forged = APPLE.judge(&fixture("der/forged.cer"), &FileCas::new([]), NOW);
        assert_eq!((forged.status, forged.is_forged), (ChainStatus::NotApple, true));
    }

    #[test]
    fn an_authority_that_is_not_known_is_said_to_be_so() {
        let mut leaf = fixture("der/forged.cer");
        leaf.authority_key_id = Some(vec![7; 20]);
        assert_eq!(APPLE.judge(&leaf, &FileCas::new([]), NOW).status, ChainStatus::Incomplete);
    }

    /// A chain of the fixtures' certificates, one of which is changed; a signature says nothing of what is changed here.
    fn judge_changed(
        leaf: impl FnOnce(&mut Certificate),
        intermediate: impl FnOnce(&mut Certificate),
        now: OffsetDateTime,
    ) -> AppleChain {
        let authorities = KnownCas { intermediates: vec![], ..fixture_authorities() };
        let (mut end, mut issuer) = (fixture("der/universal.cer"), fixture("ca/intermediate.pem"));
        leaf(&mut end);
        intermediate(&mut issuer);
        authorities.judge(&end, &FileCas::new([&issuer]), now)
    }

    #[test]
    fn the_rules_for_paths_are_kept() {
        let status = |chain: AppleChain| (chain.status, chain.problem);
        let same = |_: &mut Certificate| {};
        assert_eq!(status(judge_changed(same, same, NOW)), (ChainStatus::Trusted, None));
        let early = judge_changed(same, |ca| ca.not_before = datetime!(2027-01-01 0:00 UTC), NOW);
        assert_eq!(status(early), (ChainStatus::Invalid, Some(PathProblem::NotYetValid)));
        let usage = judge_changed(same, |ca| ca.may_sign_certificates = false, NOW);
        assert_eq!(status(usage), (ChainStatus::Invalid, Some(PathProblem::MayNotSign)));
        let unknown = (ChainStatus::Invalid, Some(PathProblem::UnknownExtension));
        assert_eq!(status(judge_changed(|leaf| leaf.has_unknown_critical = true, same, NOW)), unknown);
        assert_eq!(status(judge_changed(same, |ca| ca.has_unknown_critical = true, NOW)), unknown);
        let other_name = judge_changed(|leaf| leaf.raw_issuer.clone_from(&leaf.raw_subject), same, NOW);
        assert_eq!(status(other_name), (ChainStatus::NotApple, None));
        let no_ca = judge_changed(same, |ca| ca.is_ca = false, NOW);
        assert_eq!(status(no_ca), (ChainStatus::NotApple, None));
        let other_id = judge_changed(same, |ca| ca.subject_key_id = Some(vec![1]), NOW);
        assert_eq!(status(other_id), (ChainStatus::NotApple, None));
    }

    #[test]
    fn an_authority_counts_those_below_it() {
        let (root, intermediate) = (fixture("ca/root.pem"), fixture("ca/intermediate.pem"));
        assert_eq!((intermediate.path_length, root.path_length), (Some(0), None));
        let mut path = Path::new(&fixture("der/universal.cer"), NOW);
        path.add(&intermediate);
        path.add(&root);
        assert_eq!(path.status(), ChainStatus::Trusted);
        let mut path = Path::new(&fixture("der/universal.cer"), NOW);
        path.add(&intermediate);
        path.add(&intermediate);
        assert_eq!(path.problem, Some(PathProblem::TooLong));
    }

    #[test]
    fn a_common_name_with_a_comma_is_no_organization() {
        let mut leaf = fixture("der/forged-team.cer");
        leaf.raw_issuer.clone_from(&leaf.raw_subject);
        leaf.issuer.clone_from(&leaf.subject);
        leaf.authority_key_id = None;
        assert!(leaf.issuer.contains(", O=Apple Inc."));
        assert_eq!(APPLE.judge(&leaf, &FileCas::new([]), NOW).status, ChainStatus::NotApple);
    }

    #[test]
    fn many_authorities_of_one_name_take_no_long_time() {
        let authorities = vec![fixture("ca/intermediate.pem"); 5_000];
        let cas = FileCas::new(&authorities);
        let mut leaf = fixture("der/universal.cer");
        leaf.authority_key_id = None;
        // Another authority signed this.
        leaf.der = fixture("der/mdm.cer").der;
        for _ in 0..10 {
            assert_eq!(APPLE.judge(&leaf, &cas, NOW).status, ChainStatus::NotApple);
        }
        assert_eq!(cas.work_left.get(), 0);
    }

    #[test]
    fn a_signature_counts_by_the_size_of_its_key() {
        let leaf = fixture("der/universal.cer");
        let work = |authority: Certificate| {
            let cas = FileCas::new([&authority]);
            assert!(cas.is_issuer(&authority, &leaf));
            MAX_ARITHMETIC - cas.work_left.get()
        };
        let usual = fixture("ca/intermediate.pem");
        assert_eq!(work(usual.clone()), 1);
        let number = |bytes: usize| BigNum::from_slice(&vec![0xff; bytes]).unwrap();
        let large = |modulus, exponent| {
            let key = Rsa::from_public_components(number(modulus), number(exponent)).unwrap();
            PublicKey::parse(PKey::from_rsa(key).unwrap().public_key_to_der().unwrap()).unwrap()
        };
        assert_eq!(work(Certificate { public_key: large(384, 380), ..usual.clone() }), 8);
        // OpenSSL takes a long exponent with a small modulus only, and none with a huge one.
        assert_eq!(work(Certificate { public_key: large(2048, 380), ..usual.clone() }), 5);
        assert_eq!(work(Certificate { public_key: large(8192, 3), ..usual }), 1);
    }
}
