//! Who vouches for a server: the roots of this machine, the roots that Mozilla trusts (embedded), and
//! those that the user names. Each is judged on its own.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use openssl::error::ErrorStack;
use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509PurposeId, X509Ref, X509StoreContext};
use serde::Serialize;
use time::OffsetDateTime;

use crate::certificate::Certificate;

/// Which stores lead the server's chain to a root of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct TrustedBy {
    /// This machine's.
    pub(crate) system: bool,
    /// The embedded one of Mozilla.
    pub(crate) embedded: bool,
}

/// A certificate of the server's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ServerCertificate {
    /// Its subject.
    pub(crate) subject: String,
    /// Its issuer.
    pub(crate) issuer: String,
    /// The beginning of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_before: OffsetDateTime,
    /// The end of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) not_after: OffsetDateTime,
    /// SHA-256 of its encoding.
    pub(crate) sha256: String,
}

impl ServerCertificate {
    fn of(x509: &X509Ref) -> Option<Self> {
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

/// What became of a server's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The chain as the server sent it, the leaf first.
    pub(crate) chain: Vec<ServerCertificate>,
    /// The root that ended it, where one did.
    pub(crate) root: Option<ServerCertificate>,
    /// Which stores it leads to.
    pub(crate) trusted_by: TrustedBy,
    /// Why it is not trusted; `None` where it is.
    pub(crate) problem: Option<String>,
}

/// A store: certificates, and folders in which OpenSSL looks one up by the hash of its name.
#[derive(Debug, Default)]
pub(crate) struct Store {
    certificates: Vec<Vec<u8>>,
    folders: Vec<PathBuf>,
}

impl Store {
    /// This machine's, as its own programs see it.
    #[cfg(any(windows, target_vendor = "apple"))]
    fn of_this_machine() -> Self {
        let certificates = rustls_native_certs::load_native_certs().certs;
        Self { certificates: certificates.iter().map(|der| der.to_vec()).collect(), folders: vec![] }
    }

    /// This machine's, as its own programs see it: the bundle is read, of the folder only what is needed.
    #[cfg(not(any(windows, target_vendor = "apple")))]
    fn of_this_machine() -> Self {
        let found = openssl_probe::probe();
        let certificates = rustls_native_certs::load_certs_from_paths(found.cert_file.as_deref(), None).certs;
        Self { certificates: certificates.iter().map(|der| der.to_vec()).collect(), folders: found.cert_dir }
    }

    fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.certificates.iter().map(Vec::as_slice)
    }
}

/// The stores.
#[derive(Default)]
pub(crate) struct Stores {
    system: OnceLock<Store>,
    custom: Option<Vec<Vec<u8>>>,
}

impl Stores {
    /// With the certificates of `--ca-file` (DER), which then alone are trusted.
    pub(crate) fn new(custom: Option<Vec<Vec<u8>>>) -> Self {
        Self { system: OnceLock::new(), custom }
    }

    /// Loads this machine's roots, once; where that fails there are none.
    pub(crate) fn system(&self) -> &Store {
        self.system.get_or_init(Store::of_this_machine)
    }

    /// Judges a chain, the leaf first. The server must prove to be `host`. A gateway of Apple's must
    /// lead to a public root, unless the user names others: what only this machine trusts is how a
    /// proxy that opens TLS connections looks.
    pub(crate) fn judge(&self, chain: &[X509], host: &str, is_apple: bool) -> Judgement {
        let issuers: Vec<Vec<u8>> = chain.iter().filter_map(|x509| x509.issuer_name().to_der().ok()).collect();
        let embedded = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(AsRef::as_ref);
        let system = self.system();
        let verify = |roots: &mut dyn Iterator<Item = &[u8]>, folders: &[PathBuf], host: Option<&str>| {
            let is_candidate = |root: &&[u8]| issuers.iter().any(|name| contains(root, name));
            verify(chain, roots.filter(is_candidate), folders, host).unwrap_or_else(|error| Err(error.to_string()))
        };
        let by_custom = self.custom.as_ref().map(|roots| verify(&mut roots.iter().map(Vec::as_slice), &[], None));
        let by_embedded = verify(&mut embedded.clone(), &[], None);
        let by_system = verify(&mut system.certificates(), &system.folders, None);
        let trusted_by = TrustedBy { system: by_system.is_ok(), embedded: by_embedded.is_ok() };
        let problem = match (&by_custom, &by_embedded, &by_system) {
            (Some(Err(error)), ..) => Some(format!("{error} (with --ca-file)")),
            (None, Err(error), Err(_)) => Some(error.clone()),
            (None, Err(_), Ok(root)) if is_apple => {
                let root = root.as_ref().map_or("an unnamed root", |root| &root.subject);
                Some(format!("only this machine's store vouches for it ({root}), no public root does"))
            }
            (Some(Ok(_)), ..) | (None, Ok(_), _) | (None, _, Ok(_)) => None,
        };
        let problem = problem.or_else(|| match &self.custom {
            Some(roots) => verify(&mut roots.iter().map(Vec::as_slice), &[], Some(host)).err(),
            None => verify(&mut embedded.chain(system.certificates()), &system.folders, Some(host)).err(),
        });
        let root = [by_custom.unwrap_or_else(|| Err(String::new())), by_embedded, by_system];
        Judgement {
            chain: chain.iter().filter_map(|x509| ServerCertificate::of(x509)).collect(),
            root: root.into_iter().flatten().next().flatten(),
            trusted_by,
            problem,
        }
    }
}

/// Whether the encoding of a name stands somewhere in a certificate: few of the many roots need then be
/// parsed.
fn contains(der: &[u8], name: &[u8]) -> bool {
    der.windows(name.len().max(1)).any(|window| window == name)
}

type Verified = Result<Option<ServerCertificate>, String>;

/// Follows the chain to one of `roots` (RFC 5280 section 6); with `host`, the leaf must be for it
/// (RFC 9525).
fn verify<'a>(
    chain: &[X509],
    roots: impl Iterator<Item = &'a [u8]>,
    folders: &[PathBuf],
    host: Option<&str>,
) -> Result<Verified, ErrorStack> {
    let Some((leaf, rest)) = chain.split_first() else { return Ok(Err("the server sent no certificate".to_owned())) };
    let mut store = X509StoreBuilder::new()?;
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_purpose(X509PurposeId::SSL_SERVER)?;
    // A --ca-file may name an intermediate, or the server's own certificate.
    parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST)?;
    // What OpenSSL's security level 1 asks for: no SHA-1, no RSA below 1024 bits.
    parameters.set_auth_level(1);
    match host.map(|host| (host, host.parse::<IpAddr>())) {
        Some((_, Ok(address))) => parameters.set_ip(address)?,
        Some((host, Err(_))) => parameters.set_host(host)?,
        None => {}
    }
    store.set_param(&parameters)?;
    for root in roots {
        store.add_cert(X509::from_der(root)?)?;
    }
    if !folders.is_empty() {
        let lookup = store.add_lookup(X509Lookup::hash_dir())?;
        for folder in folders.iter().filter_map(|folder| folder.to_str()) {
            lookup.add_dir(folder, SslFiletype::PEM)?;
        }
    }
    let mut others = Stack::new()?;
    for x509 in rest {
        others.push(x509.clone())?;
    }
    let mut context = X509StoreContext::new()?;
    context.init(&store.build(), leaf, &others, |context| {
        Ok(if context.verify_cert()? {
            let end = context.chain().and_then(|chain| chain.iter().last()).and_then(ServerCertificate::of);
            Ok(end)
        } else {
            Err(context.error().error_string().to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_named_for_apple_are_embedded() {
        // USERTrust RSA, at the end of Apple's chain since 2025.
        let wanted = "e793c9b02fd8aa13e21c31228accb08119643b749c898964b1746d46c3d4cbd2";
        let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        assert!(roots.any(|der| crate::crypto::digest::sha256_hex(der) == wanted));
    }

    #[test]
    fn a_root_vouches_for_itself_and_for_no_host() {
        let root = X509::from_der(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[0]).unwrap();
        let stores = Stores::new(None);
        let judgement = stores.judge(&[root], "api.push.apple.com", true);
        assert!(judgement.trusted_by.embedded);
        assert!(judgement.root.is_some());
        assert!(judgement.problem.is_some_and(|problem| problem.contains("hostname mismatch")));
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
            let stores = Stores { system: OnceLock::from(store(folders)), custom: None };
            assert_eq!(stores.judge(std::slice::from_ref(&root), "a", true).trusted_by.system, expected);
        }
    }

    #[test]
    fn a_stranger_is_vouched_for_only_by_whoever_is_named() {
        let read = |name: &str| std::fs::read(format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let root = X509::from_pem(&read("ca/root.pem")).unwrap();
        let leaf = X509::from_der(&read("der/not-push.cer")).unwrap();
        let nobody = TrustedBy { system: false, embedded: false };
        let stranger = Stores::new(None).judge(std::slice::from_ref(&leaf), "www.example.com", false);
        assert_eq!((stranger.trusted_by, stranger.root), (nobody, None));
        assert!(stranger.problem.is_some());
        let stores = Stores::new(Some(vec![root.to_der().unwrap()]));
        let named = stores.judge(std::slice::from_ref(&leaf), "www.example.com", false);
        assert_eq!((named.trusted_by, named.problem), (nobody, None));
        assert!(named.root.is_some_and(|root| root.subject.contains("Fixture Root CA")));
        let elsewhere = stores.judge(&[leaf], "example.com", false).problem;
        assert!(elsewhere.is_some_and(|problem| problem.contains("hostname mismatch")));
    }
}
