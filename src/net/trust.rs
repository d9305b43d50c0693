//! Whether a server's certificate is trusted: by the roots of this machine, by Mozilla's roots (embedded), or by
//! roots that the user gives. Each set is tried on its own.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::net::server_chain::{ChainFlaw, ServerCertificate, flaws_of};

/// The stores that contain a root of the server's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct TrustedBy {
    /// This machine's store.
    pub(crate) system: bool,
    /// Mozilla's store, which is embedded.
    pub(crate) embedded: bool,
}

/// The result of judging a server's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The chain as the server sent it, the leaf first.
    pub(crate) sent: Vec<ServerCertificate>,
    /// The path that was built, from the leaf to a root, or as far as it leads.
    pub(crate) path: Vec<ServerCertificate>,
    /// What is wrong with the chain that was sent, although a path was built.
    pub(crate) flaws: Vec<ChainFlaw>,
    /// The root of the path, if one was found.
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
    /// Any certificate: the server is on this machine.
    #[cfg(feature = "postgres")]
    NoProof,
}

impl TrustPolicy {
    #[cfg(feature = "postgres")]
    fn wants_proof(self) -> bool {
        self != Self::NoProof
    }

    #[cfg(not(feature = "postgres"))]
    fn wants_proof(self) -> bool {
        true
    }
}

/// The kind of a failure, as far as an advice depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainFault {
    /// The leaf is not for the host.
    NameMismatch,
    /// A certificate has expired, others have not.
    Expired,
    /// Every certificate has expired, more than one.
    AllExpired,
    NotYetValid,
    /// The path leads to no root of the stores.
    UnknownAuthority,
    Other,
}

/// The errors of OpenSSL that have a meaning of their own (x509_vfy.h).
struct KnownError {
    code: i32,
    fault: ChainFault,
}

const fn known(code: i32, fault: ChainFault) -> KnownError {
    KnownError { code, fault }
}

/// In the order of `X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT`, `CERT_NOT_YET_VALID`, `CERT_HAS_EXPIRED`,
/// `DEPTH_ZERO_SELF_SIGNED_CERT`, `SELF_SIGNED_CERT_IN_CHAIN`, `UNABLE_TO_GET_ISSUER_CERT_LOCALLY`,
/// `UNABLE_TO_VERIFY_LEAF_SIGNATURE`, `HOSTNAME_MISMATCH`, `IP_ADDRESS_MISMATCH`.
const KNOWN_ERRORS: [KnownError; 9] = [
    known(2, ChainFault::UnknownAuthority),
    known(9, ChainFault::NotYetValid),
    known(10, ChainFault::Expired),
    known(18, ChainFault::UnknownAuthority),
    known(19, ChainFault::UnknownAuthority),
    known(20, ChainFault::UnknownAuthority),
    known(21, ChainFault::UnknownAuthority),
    known(62, ChainFault::NameMismatch),
    known(64, ChainFault::NameMismatch),
];

fn fault_of(error: X509VerifyResult) -> ChainFault {
    for known in &KNOWN_ERRORS {
        if known.code == error.as_raw() {
            return known.fault;
        }
    }
    ChainFault::Other
}

/// A chain that is not valid, or leads to no root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChainFailure {
    pub(crate) fault: ChainFault,
    /// OpenSSL's words, and which certificate it means.
    text: String,
}

impl ChainFailure {
    fn other(text: String) -> Self {
        Self { fault: ChainFault::Other, text }
    }

    fn observe(context: &X509StoreContextRef) -> Self {
        let error = context.error();
        let fault = fault_of(error);
        let mut text = error.error_string().to_owned();
        let Some(certificate) = context.current_cert().and_then(ServerCertificate::parse) else {
            return Self { fault, text };
        };
        if context.error_depth() > 0 {
            text.push_str(&format!(": {}", certificate.subject));
        }
        match fault {
            ChainFault::Expired => text.push_str(&format!(" ({})", certificate.not_after.date())),
            ChainFault::NotYetValid => text.push_str(&format!(" (from {})", certificate.not_before.date())),
            ChainFault::UnknownAuthority if certificate.subject != certificate.issuer => {
                text.push_str(&format!(" ({}, which the server did not send)", certificate.issuer));
            }
            _ => {}
        }
        Self { fault, text }
    }

    /// Tells whether not one certificate but all have expired, which is the sign of a wrong clock.
    fn with_all_expired(mut self, path: &[ServerCertificate], now: OffsetDateTime) -> Self {
        let is_everywhere = path.len() > 1 && path.iter().all(|certificate| certificate.not_after < now);
        if self.fault == ChainFault::Expired && is_everywhere {
            self.fault = ChainFault::AllExpired;
        }
        self
    }
}

impl fmt::Display for ChainFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The reason why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrustProblem {
    /// It is not valid, or leads to no root of the stores.
    Invalid(ChainFailure),
    /// The same with the roots that the user gave, when no others count.
    InvalidForGivenRoots(ChainFailure),
    /// Only this machine's store trusts it, where a public root is required. The text is the root's subject.
    OnlyThisMachine(Option<String>),
}

impl TrustProblem {
    /// Returns the kind of the failure.
    pub(crate) fn fault(&self) -> ChainFault {
        match self {
            Self::Invalid(failure) | Self::InvalidForGivenRoots(failure) => failure.fault,
            Self::OnlyThisMachine(_) => ChainFault::UnknownAuthority,
        }
    }
}

impl fmt::Display for TrustProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(failure) => failure.fmt(f),
            Self::InvalidForGivenRoots(failure) => write!(f, "{failure} (only the given CA certificates are trusted)"),
            Self::OnlyThisMachine(root) => {
                let root = root.as_deref().unwrap_or("an unnamed root");
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

/// Reads the stores of roots on a thread of its own, while the connection is made.
#[derive(Default)]
pub(crate) struct StoreReader {
    given: Option<Vec<Vec<u8>>>,
    /// The given certificates are trusted beside the stores, and not alone.
    are_added: bool,
    stores: OnceCell<Arc<Stores>>,
}

impl StoreReader {
    /// Creates a reader. If `given` has certificates (DER), they alone are trusted.
    pub(crate) fn new(given: Option<Vec<Vec<u8>>>) -> Self {
        Self { given, are_added: false, stores: OnceCell::new() }
    }

    /// Creates a reader. The certificates (DER) of `added` are trusted beside those of this machine and of the public.
    pub(crate) fn with_added(added: Option<Vec<Vec<u8>>>) -> Self {
        Self { given: added, are_added: true, stores: OnceCell::new() }
    }

    /// Returns whether the user gave the roots to trust.
    pub(crate) fn has_given_roots(&self) -> bool {
        self.given.is_some()
    }

    /// Returns the stores, which are read once.
    pub(crate) async fn stores(&self) -> Arc<Stores> {
        let stores = self.stores.get_or_init(|| self.read()).await;
        Arc::clone(stores)
    }

    async fn read(&self) -> Arc<Stores> {
        let system = tokio::task::spawn_blocking(Store::of_this_machine).await;
        // If this machine's store cannot be read, it is empty.
        let given_set = if self.are_added { RootSet::Added } else { RootSet::Given };
        Arc::new(Stores { system: system.unwrap_or_default(), given: self.given.clone(), given_set })
    }
}

/// The stores of roots.
#[derive(Default)]
pub(crate) struct Stores {
    system: Store,
    given: Option<Vec<Vec<u8>>>,
    given_set: RootSet,
}

/// A set of roots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum RootSet {
    /// The user's, which alone are trusted.
    #[default]
    Given,
    /// The user's, beside the others.
    Added,
    Embedded,
    System,
}

/// A path, and the reason why it is not valid.
#[derive(Debug, Default)]
struct Verified {
    path: Vec<ServerCertificate>,
    failure: Option<ChainFailure>,
}

/// The result of one set.
struct Trial {
    set: RootSet,
    verified: Verified,
}

impl Stores {
    /// Returns whether the user gave the roots to trust.
    pub(crate) fn has_given_roots(&self) -> bool {
        self.given.is_some()
    }

    /// Judges a chain as the server sent it, the leaf first. The leaf must be for `host`.
    pub(crate) fn judge(&self, chain: &[X509], host: &str, policy: TrustPolicy) -> Judgement {
        let trials = self.try_sets(chain);
        let mut trusted_by = TrustedBy { system: false, embedded: false };
        for Trial { set, verified } in &trials {
            let is_trusted = verified.failure.is_none();
            trusted_by.system |= *set == RootSet::System && is_trusted;
            trusted_by.embedded |= *set == RootSet::Embedded && is_trusted;
        }
        let mut problem = match accepted_set(&trials, policy) {
            Ok(set) => self.verify_with(set, chain, Some(host)).failure.map(TrustProblem::Invalid),
            Err(problem) => Some(problem),
        };
        if !policy.wants_proof() {
            problem = None;
        }
        let mut sent = Vec::new();
        for x509 in chain {
            sent.extend(ServerCertificate::parse(x509));
        }
        let mut judgement = Judgement { sent, path: Vec::new(), flaws: Vec::new(), root: None, trusted_by, problem };
        judgement.take_path(trials);
        judgement
    }

    fn try_sets(&self, chain: &[X509]) -> Vec<Trial> {
        let mut sets = vec![RootSet::Embedded, RootSet::System];
        if self.given.is_some() {
            sets.insert(0, self.given_set);
        }
        let mut trials = Vec::new();
        for set in sets {
            trials.push(Trial { set, verified: self.verify_with(set, chain, None) });
        }
        trials
    }

    fn verify_with(&self, set: RootSet, chain: &[X509], host: Option<&str>) -> Verified {
        let (roots, folders): (Vec<&[u8]>, &[PathBuf]) = match set {
            RootSet::Given | RootSet::Added => (slices(self.given.as_deref().unwrap_or_default()), &[]),
            RootSet::Embedded => {
                let mut roots: Vec<&[u8]> = Vec::new();
                for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
                    roots.push(root);
                }
                (roots, &[])
            }
            RootSet::System => (slices(&self.system.certificates), &self.system.folders),
        };
        match verify(chain, &roots, folders, host) {
            Ok(verified) => verified,
            Err(error) => Verified { path: Vec::new(), failure: Some(ChainFailure::other(error.to_string())) },
        }
    }
}

fn slices(certificates: &[Vec<u8>]) -> Vec<&[u8]> {
    let mut slices = Vec::new();
    for certificate in certificates {
        slices.push(certificate.as_slice());
    }
    slices
}

impl Judgement {
    /// Takes the first path that leads to a root, or else the longest.
    fn take_path(&mut self, trials: Vec<Trial>) {
        for Trial { verified, .. } in trials {
            if verified.failure.is_none() {
                self.flaws = flaws_of(&self.sent, &verified.path);
                self.root = verified.path.last().cloned();
                self.path = verified.path;
                return;
            }
            if verified.path.len() > self.path.len() {
                self.path = verified.path;
            }
        }
    }
}

/// Returns the first set that verified the chain and that counts under the policy.
fn accepted_set(trials: &[Trial], policy: TrustPolicy) -> Result<RootSet, TrustProblem> {
    for Trial { set, verified } in trials {
        match (set, &verified.failure) {
            (RootSet::Given, Some(failure)) => return Err(TrustProblem::InvalidForGivenRoots(failure.clone())),
            (RootSet::System, None) if policy == TrustPolicy::PublicRoot => {
                let root = verified.path.last();
                return Err(TrustProblem::OnlyThisMachine(root.map(|root| root.subject.clone())));
            }
            (set, None) => return Ok(*set),
            (_, Some(_)) => {}
        }
    }
    Err(TrustProblem::Invalid(most_telling_failure(trials)))
}

/// Returns the failure of a set that knows the authority, or else the first.
fn most_telling_failure(trials: &[Trial]) -> ChainFailure {
    let mut first = None;
    for Trial { verified, .. } in trials {
        let Some(failure) = &verified.failure else { continue };
        if failure.fault != ChainFault::UnknownAuthority {
            return failure.clone();
        }
        first.get_or_insert(failure);
    }
    match first {
        Some(failure) => failure.clone(),
        None => ChainFailure::other("there are no roots".to_owned()),
    }
}

/// Follows the chain to one of `roots` (RFC 5280 section 6); with `host`, the leaf must be for it (RFC 9525).
fn verify(chain: &[X509], roots: &[&[u8]], folders: &[PathBuf], host: Option<&str>) -> Result<Verified, ErrorStack> {
    let Some((leaf, rest)) = chain.split_first() else {
        let failure = ChainFailure::other("the server sent no certificate".to_owned());
        return Ok(Verified { path: Vec::new(), failure: Some(failure) });
    };
    // OpenSSL compares nothing with an empty name, and any subdomain with one that begins with a dot.
    if host.is_some_and(|host| host.is_empty() || host.starts_with('.')) {
        let failure = ChainFailure { fault: ChainFault::NameMismatch, text: "the host has no name".to_owned() };
        return Ok(Verified { path: Vec::new(), failure: Some(failure) });
    }
    let mut others = Stack::new()?;
    for x509 in rest {
        others.push(x509.clone())?;
    }
    let store = build_store(&candidates(roots, chain)?, folders, host)?;
    let mut context = X509StoreContext::new()?;
    context.init(&store, leaf, &others, |context| {
        let is_valid = context.verify_cert()?;
        let mut verified = Verified::default();
        for certificate in context.chain().into_iter().flatten() {
            verified.path.extend(ServerCertificate::parse(certificate));
        }
        if !is_valid {
            let failure = ChainFailure::observe(context);
            verified.failure = Some(failure.with_all_expired(&verified.path, OffsetDateTime::now_utc()));
        }
        Ok(verified)
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

    fn stores(given: Option<Vec<Vec<u8>>>) -> Stores {
        Stores { system: Store::of_this_machine(), given, given_set: RootSet::Given }
    }

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
        let judgement = stores(None).judge(&[root], "api.push.apple.com", TrustPolicy::PublicRoot);
        assert!(judgement.trusted_by.embedded);
        assert!(judgement.root.is_some());
        assert!(judgement.problem.is_some_and(|problem| problem.to_string().contains("hostname mismatch")));
    }

    #[test]
    fn a_certificate_is_for_no_host_without_a_name() {
        let root = X509::from_der(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]).unwrap();
        for host in ["", ".example.com"] {
            let judgement = stores(None).judge(std::slice::from_ref(&root), host, TrustPolicy::AnyRoot);
            assert_eq!(judgement.problem.map(|problem| problem.fault()), Some(ChainFault::NameMismatch), "{host:?}");
        }
    }

    #[test]
    fn roots_that_are_added_are_trusted_beside_the_others() {
        let public = X509::from_der(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]).unwrap();
        let own = X509::from_pem(&fixture("ca/root.pem")).unwrap();
        // Where the root is trusted, what is left is the name of the host.
        for (given_set, fault) in
            [(RootSet::Given, ChainFault::UnknownAuthority), (RootSet::Added, ChainFault::NameMismatch)]
        {
            let stores = Stores { system: Store::default(), given: Some(vec![own.to_der().unwrap()]), given_set };
            let judgement = stores.judge(std::slice::from_ref(&public), "a.example", TrustPolicy::AnyRoot);
            assert_eq!(judgement.problem.map(|problem| problem.fault()), Some(fault), "{given_set:?}");
        }
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
            let stores = Stores { system: store(folders), ..Stores::default() };
            let judgement = stores.judge(std::slice::from_ref(&root), "a", TrustPolicy::PublicRoot);
            assert_eq!(judgement.trusted_by.system, expected);
        }
    }

    #[test]
    fn a_certificate_is_trusted_only_through_its_own_root() {
        let root = X509::from_pem(&fixture("ca/root.pem")).unwrap();
        let leaf = X509::from_der(&fixture("der/not-push.cer")).unwrap();
        let nobody = TrustedBy { system: false, embedded: false };
        let stranger = stores(None).judge(std::slice::from_ref(&leaf), "www.example.com", TrustPolicy::AnyRoot);
        assert_eq!((stranger.trusted_by, stranger.root), (nobody, None));
        assert!(stranger.problem.is_some_and(|problem| !problem.to_string().contains("given")));
        let other = stores(Some(vec![webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].to_vec()]));
        let problem = other.judge(std::slice::from_ref(&leaf), "www.example.com", TrustPolicy::AnyRoot).problem;
        assert!(problem.is_some_and(|problem| problem.to_string().contains("only the given CA certificates")));
        let with_root = stores(Some(vec![root.to_der().unwrap()]));
        let named = with_root.judge(std::slice::from_ref(&leaf), "www.example.com", TrustPolicy::AnyRoot);
        assert_eq!((named.trusted_by, named.problem), (nobody, None));
        assert!(named.root.is_some_and(|root| root.subject.contains("Fixture Root CA")));
        let elsewhere = with_root.judge(&[leaf], "example.com", TrustPolicy::AnyRoot).problem;
        assert!(elsewhere.is_some_and(|problem| problem.to_string().contains("hostname mismatch")));
    }
}
