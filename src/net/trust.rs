//! Whether a server's certificate is trusted: by the roots of this machine, by Mozilla's roots (embedded), or by
//! roots that the user gives. Each set is tried on its own.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext};
use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;

/// The stores that contain a root of the server's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct TrustedBy {
    /// This machine's store.
    pub(crate) system: bool,
    /// Mozilla's store, which is embedded.
    pub(crate) embedded: bool,
}

/// A certificate of the server's chain.
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
}

impl ServerCertificate {
    fn parse(x509: &X509Ref) -> Option<Self> {
        let facts = Certificate::parse(&x509.to_der().ok()?).ok()?;
        Some(Self {
            sha256: facts.sha256(),
            subject: facts.subject,
            issuer: facts.issuer,
            not_before: facts.not_before,
            not_after: facts.not_after,
        })
    }
}

/// The result of judging a server's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The chain as the server sent it, the leaf first.
    pub(crate) chain: Vec<ServerCertificate>,
    /// The root of the chain, if one was found.
    pub(crate) root: Option<ServerCertificate>,
    pub(crate) trusted_by: TrustedBy,
    /// The reason why the chain is not trusted.
    pub(crate) problem: Option<TrustProblem>,
}

/// The roots that are good enough for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrustPolicy {
    /// A root of any store.
    AnyRoot,
    /// A public root, unless the user gives roots: a root that only this machine trusts is the sign of a proxy that
    /// intercepts TLS connections.
    PublicRoot,
}

/// The reason why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrustProblem {
    /// It is not valid, or leads to no root of the stores. The text is OpenSSL's.
    Invalid(String),
    /// The same with the roots that the user gave, when no others count.
    InvalidForGivenRoots(String),
    /// Only this machine's store trusts it, where a public root is required.
    OnlyThisMachine(Option<ServerCertificate>),
}

impl fmt::Display for TrustProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(text) => f.write_str(text),
            Self::InvalidForGivenRoots(text) => write!(f, "{text} (only the given CA certificates are trusted)"),
            Self::OnlyThisMachine(root) => {
                let root = root.as_ref().map_or("an unnamed root", |root| &root.subject);
                write!(f, "only this machine's store trusts it ({root}), no public root does")
            }
        }
    }
}

/// A store: certificates, and folders in which OpenSSL finds a certificate by the hash of its name.
#[derive(Debug, Default)]
pub(crate) struct Store {
    certificates: Vec<Vec<u8>>,
    folders: Vec<PathBuf>,
}

impl Store {
    /// Reads this machine's store, which its other programs use too.
    #[cfg(any(windows, target_vendor = "apple"))]
    fn of_this_machine() -> Self {
        let certificates = rustls_native_certs::load_native_certs().certs;
        Self { certificates: certificates.iter().map(|der| der.to_vec()).collect(), folders: vec![] }
    }

    /// Reads the bundle of this machine's store, which its other programs use too. Its folder is searched later, for
    /// one certificate at a time.
    #[cfg(not(any(windows, target_vendor = "apple")))]
    fn of_this_machine() -> Self {
        let found = openssl_probe::probe();
        let certificates = rustls_native_certs::load_certs_from_paths(found.cert_file.as_deref(), None).certs;
        Self { certificates: certificates.iter().map(|der| der.to_vec()).collect(), folders: found.cert_dir }
    }
}

/// The stores of roots.
#[derive(Default)]
pub(crate) struct Stores {
    system: OnceLock<Store>,
    given: Option<Vec<Vec<u8>>>,
}

/// A set of roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RootSet {
    Given,
    Embedded,
    System,
}

/// The root that ends a chain, or OpenSSL's reason why there is none.
type Verified = Result<Option<ServerCertificate>, String>;

/// The result of one set.
struct Trial {
    set: RootSet,
    verified: Verified,
}

impl Stores {
    /// Creates the stores. If `given` has certificates (DER), they alone are trusted.
    pub(crate) fn new(given: Option<Vec<Vec<u8>>>) -> Self {
        Self { system: OnceLock::new(), given }
    }

    /// Reads this machine's store, once; if that fails, it is empty.
    pub(crate) fn system(&self) -> &Store {
        self.system.get_or_init(Store::of_this_machine)
    }

    /// Judges a chain, the leaf first. The leaf must be for `host`.
    pub(crate) fn judge(&self, chain: &[X509], host: &str, policy: TrustPolicy) -> Judgement {
        let mut trials = Vec::new();
        if self.given.is_some() {
            trials.push(self.try_set(RootSet::Given, chain));
        }
        trials.push(self.try_set(RootSet::Embedded, chain));
        trials.push(self.try_set(RootSet::System, chain));

        let mut trusted_by = TrustedBy { system: false, embedded: false };
        let mut root = None;
        for Trial { set, verified } in &trials {
            let Ok(end) = verified else { continue };
            trusted_by.system |= *set == RootSet::System;
            trusted_by.embedded |= *set == RootSet::Embedded;
            if root.is_none() {
                root.clone_from(end);
            }
        }
        let problem = match accepted_set(&trials, policy) {
            Ok(set) => self.verify_with(set, chain, Some(host)).err().map(TrustProblem::Invalid),
            Err(problem) => Some(problem),
        };
        let mut facts = Vec::new();
        for x509 in chain {
            facts.extend(ServerCertificate::parse(x509));
        }
        Judgement { chain: facts, root, trusted_by, problem }
    }

    fn try_set(&self, set: RootSet, chain: &[X509]) -> Trial {
        Trial { set, verified: self.verify_with(set, chain, None) }
    }

    fn verify_with(&self, set: RootSet, chain: &[X509], host: Option<&str>) -> Verified {
        let (roots, folders): (Vec<&[u8]>, &[PathBuf]) = match set {
            RootSet::Given => (self.given.iter().flatten().map(Vec::as_slice).collect(), &[]),
            RootSet::Embedded => (webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref).collect(), &[]),
            RootSet::System => {
                let store = self.system();
                (store.certificates.iter().map(Vec::as_slice).collect(), &store.folders)
            }
        };
        match verify(chain, &roots, folders, host) {
            Ok(verified) => verified,
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Returns the first set that verified the chain and that counts under the policy.
fn accepted_set(trials: &[Trial], policy: TrustPolicy) -> Result<RootSet, TrustProblem> {
    for Trial { set, verified } in trials {
        match (set, verified) {
            (RootSet::Given, Err(error)) => return Err(TrustProblem::InvalidForGivenRoots(error.clone())),
            (RootSet::System, Ok(root)) if policy == TrustPolicy::PublicRoot => {
                return Err(TrustProblem::OnlyThisMachine(root.clone()));
            }
            (set, Ok(_)) => return Ok(*set),
            (_, Err(_)) => {}
        }
    }
    // The sets have failed for the same chain; the reason of the first is as good as another's.
    match trials {
        [Trial { verified: Err(error), .. }, ..] => Err(TrustProblem::Invalid(error.clone())),
        _ => Err(TrustProblem::Invalid("there are no roots".to_owned())),
    }
}

/// Follows the chain to one of `roots` (RFC 5280 section 6); with `host`, the leaf must be for it (RFC 9525).
fn verify(chain: &[X509], roots: &[&[u8]], folders: &[PathBuf], host: Option<&str>) -> Result<Verified, ErrorStack> {
    let Some((leaf, rest)) = chain.split_first() else { return Ok(Err("the server sent no certificate".to_owned())) };
    let mut others = Stack::new()?;
    for x509 in rest {
        others.push(x509.clone())?;
    }
    let store = build_store(&candidates(roots, chain)?, folders, host)?;
    let mut context = X509StoreContext::new()?;
    context.init(&store, leaf, &others, |context| {
        if !context.verify_cert()? {
            return Ok(Err(context.error().error_string().to_owned()));
        }
        let end = context.chain().into_iter().flatten().last();
        Ok(Ok(end.and_then(ServerCertificate::parse)))
    })
}

/// Returns the roots that contain the name of an issuer of the chain, so that few of the many must be parsed.
fn candidates<'a>(roots: &[&'a [u8]], chain: &[X509]) -> Result<Vec<&'a [u8]>, ErrorStack> {
    let mut issuers = Vec::new();
    for x509 in chain {
        issuers.push(x509.issuer_name().to_der()?);
    }
    let mut matching = roots.to_vec();
    matching.retain(|root| issuers.iter().any(|name| contains(root, name)));
    Ok(matching)
}

fn contains(der: &[u8], name: &[u8]) -> bool {
    memchr::memmem::find(der, name).is_some()
}

fn build_store(roots: &[&[u8]], folders: &[PathBuf], host: Option<&str>) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    let parameters = verification(host)?;
    store.set_param(&parameters)?;
    for root in roots {
        store.add_cert(X509::from_der(root)?)?;
    }
    if !folders.is_empty() {
        let lookup = store.add_lookup(X509Lookup::hash_dir())?;
        for folder in folders {
            if let Some(path) = folder.to_str() {
                lookup.add_dir(path, SslFiletype::PEM)?;
            }
        }
    }
    Ok(store.build())
}

fn verification(host: Option<&str>) -> Result<X509VerifyParam, ErrorStack> {
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_purpose(X509PurposeId::SSL_SERVER)?;
    // The user may give an intermediate, or the server's own certificate.
    parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST)?;
    // OpenSSL's security level 1: no SHA-1, no RSA below 1024 bits.
    parameters.set_auth_level(1);
    if let Some(host) = host {
        match host.parse::<IpAddr>() {
            Ok(address) => parameters.set_ip(address)?,
            Err(_) => parameters.set_host(host)?,
        }
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::fixture;

    #[test]
    fn roots_named_for_apple_are_embedded() {
        // USERTrust RSA, at the end of Apple's chain since 2025.
        let wanted = "e793c9b02fd8aa13e21c31228accb08119643b749c898964b1746d46c3d4cbd2";
        let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        assert!(roots.any(|der| crate::crypto::digest::sha256_hex(der) == wanted));
    }

    #[test]
    fn a_root_is_trusted_and_is_for_no_host() {
        let root = X509::from_der(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]).unwrap();
        let stores = Stores::new(None);
        let judgement = stores.judge(&[root], "api.push.apple.com", TrustPolicy::PublicRoot);
        assert!(judgement.trusted_by.embedded);
        assert!(judgement.root.is_some());
        assert!(judgement.problem.is_some_and(|problem| problem.to_string().contains("hostname mismatch")));
    }

    #[cfg(not(any(windows, target_vendor = "apple")))]
    #[test]
    fn a_folder_of_roots_is_searched_by_hash() {
        let root = X509::from_der(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let name = format!("{:08x}.0", root.subject_name_hash());
        std::fs::write(folder.path().join(name), root.to_pem().unwrap()).unwrap();
        let store = |folders| Store { certificates: vec![], folders };
        for (folders, expected) in [(vec![folder.path().to_owned()], true), (vec![], false)] {
            let stores = Stores { system: OnceLock::from(store(folders)), given: None };
            assert_eq!(
                stores.judge(std::slice::from_ref(&root), "a", TrustPolicy::PublicRoot).trusted_by.system,
                expected
            );
        }
    }

    #[test]
    fn a_certificate_is_trusted_only_through_its_own_root() {
        let root = X509::from_pem(&fixture("ca/root.pem")).unwrap();
        let leaf = X509::from_der(&fixture("der/not-push.cer")).unwrap();
        let nobody = TrustedBy { system: false, embedded: false };
        let stranger = Stores::new(None).judge(std::slice::from_ref(&leaf), "www.example.com", TrustPolicy::AnyRoot);
        assert_eq!((stranger.trusted_by, stranger.root), (nobody, None));
        assert!(stranger.problem.is_some_and(|problem| !problem.to_string().contains("given")));
        let other = Stores::new(Some(vec![webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].to_vec()]));
        let problem = other.judge(std::slice::from_ref(&leaf), "www.example.com", TrustPolicy::AnyRoot).problem;
        assert!(problem.is_some_and(|problem| problem.to_string().contains("only the given CA certificates")));
        let stores = Stores::new(Some(vec![root.to_der().unwrap()]));
        let named = stores.judge(std::slice::from_ref(&leaf), "www.example.com", TrustPolicy::AnyRoot);
        assert_eq!((named.trusted_by, named.problem), (nobody, None));
        assert!(named.root.is_some_and(|root| root.subject.contains("Fixture Root CA")));
        let elsewhere = stores.judge(&[leaf], "example.com", TrustPolicy::AnyRoot).problem;
        assert!(elsewhere.is_some_and(|problem| problem.to_string().contains("hostname mismatch")));
    }
}
