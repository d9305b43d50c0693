//! Asks the issuer whether it has revoked the certificate: OCSP (RFC 6960) and CRL (RFC 5280 section 5), at the
//! addresses in the certificate. No answer means `unknown`, never `good`. OpenSSL judges the answers.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ocsp::{
    OcspCertId, OcspCertStatus, OcspFlag, OcspRequest, OcspResponse, OcspResponseStatus, OcspRevokedStatus,
};
use openssl::ssl::SslFiletype;
use openssl::stack::Stack;
use openssl::x509::store::{X509Lookup, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{CrlStatus, ReasonCode, X509, X509Crl, X509CrlRef, X509StoreContext, X509VerifyResult};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::{CertificateRevocationList, FromDer, oid_registry};

use crate::check::ground::Ground;
use crate::check::stage::Status;
use crate::net::descriptors::is_out_of_descriptors;
use crate::net::fetch::{FetchError, Post, fetch};
use crate::net::proxy::ProxyChoice;
use crate::text::{printable_name, seconds};
use crate::world::temporary::TemporaryFile;

/// The accepted difference between clocks, in seconds.
const CLOCK_SKEW: u32 = 300;
/// The extensions of a CRL that OpenSSL understands; it judges whether an issuing distribution point covers the
/// certificate.
const KNOWN_EXTENSIONS: [Oid<'static>; 3] = [
    oid_registry::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
    oid_registry::OID_X509_EXT_CRL_NUMBER,
    oid_registry::OID_X509_EXT_ISSUER_DISTRIBUTION_POINT,
];
/// The reason of a revocation that may be taken back (RFC 5280 section 5.3.1).
const CERTIFICATE_HOLD: i64 = 6;
/// The most sources that are asked.
const MAX_SOURCES: usize = 8;

/// A certificate and its issuer.
#[derive(Clone)]
pub(crate) struct Revocation {
    pub(crate) leaf: X509,
    /// The issuer, if it is known.
    pub(crate) issuer: Option<X509>,
    /// The proxy for the hosts of the sources.
    pub(crate) proxies: ProxyChoice,
}

/// The answer of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RevocationAnswer {
    Good,
    Revoked,
    /// A signed "revoked", in an answer that is not current or does not say until when it is valid. What is revoked
    /// stays so, unless it is only on hold (RFC 5280 section 5.3.1).
    RevokedOutdated,
    Unknown,
}

/// What the sources say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevocationVerdict {
    pub(crate) status: Status,
    pub(crate) detail: String,
    /// The ground of what was said, or of not knowing; `None` for "good".
    pub(crate) ground: Option<Ground>,
}

impl RevocationVerdict {
    fn unknown(ground: Ground, detail: &str) -> Self {
        Self { status: Status::Warning, detail: format!("unknown: {detail}"), ground: Some(ground) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SourceKind {
    Ocsp,
    Crl,
}

impl SourceKind {
    fn document(self) -> &'static str {
        match self {
            Self::Ocsp => "OCSP response",
            Self::Crl => "CRL",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ocsp => "OCSP",
            Self::Crl => "CRL",
        })
    }
}

/// An OCSP responder, or the place of a CRL.
#[derive(Debug, Clone)]
struct Source {
    kind: SourceKind,
    url: String,
}

/// The result of asking one source.
#[derive(Debug)]
struct SourceResult {
    source: Source,
    answer: Result<RevocationAnswer, SourceError>,
}

/// The reason why a source gave no valid answer.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error("no answer within {}", seconds(*.0))]
    Timeout(Duration),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    OpenSsl(#[from] ErrorStack),
    #[error("the CRL could not be handed to OpenSSL: {0}")]
    File(#[from] io::Error),
    #[error("the answer is not {0}")]
    Malformed(&'static str),
    #[error("the responder refused the request")]
    RequestRefused,
    #[error("the {}'s signature does not verify", .0.document())]
    Signature(SourceKind),
    #[error("the answer is about another certificate")]
    OtherCertificate,
    #[error("the CRL is not one of the certificate's issuer")]
    OtherIssuer,
    #[error("the {} is out of date", .0.document())]
    Outdated(SourceKind),
    #[error("by this machine's clock, the {} is not valid yet", .0.document())]
    NotYetValid(SourceKind),
    #[error("the certificate has expired, and the CRL need not list it any more")]
    Expired,
    #[error("the {} does not say until when it is valid", .0.document())]
    NoNextUpdate(SourceKind),
    #[error("the CRL lists only what has changed since another CRL")]
    Delta,
    #[error("the CRL has a critical extension that is not known ({0})")]
    CriticalExtension(String),
    #[error("OpenSSL does not accept the CRL: {0}")]
    Refused(&'static str),
    #[error("the answer could not be judged")]
    NotJudged,
}

impl SourceError {
    /// Returns why nothing is known. What the issuer said tells more than that another source did not answer.
    fn ground(&self) -> Ground {
        match self {
            Self::Fetch(error) if error.lacks_descriptors() => Ground::OpenFiles,
            Self::File(error) if is_out_of_descriptors(error) => Ground::OpenFiles,
            Self::File(_) | Self::OpenSsl(_) | Self::NotJudged => Ground::RevocationLocal,
            Self::Fetch(FetchError::ProxyStatus(
                StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED,
            )) => Ground::RevocationProxy,
            Self::Fetch(FetchError::Status(_)) => Ground::RevocationUnknown,
            Self::NotYetValid(_) => Ground::RevocationClock,
            Self::Timeout(_) | Self::Fetch(_) => Ground::RevocationUnreachable,
            _ => Ground::RevocationUnknown,
        }
    }
}

impl Revocation {
    /// Asks every source that the certificate names, side by side, for at most `limit`.
    pub(crate) async fn ask(&self, limit: Duration) -> RevocationVerdict {
        let sources = self.sources();
        if sources.is_empty() {
            let detail = "the certificate names no OCSP responder and no CRL";
            return RevocationVerdict::unknown(Ground::RevocationNoSource, detail);
        }
        let Some(issuer) = &self.issuer else {
            return RevocationVerdict::unknown(
                Ground::RevocationNoIssuer,
                "the issuer's certificate is not known here",
            );
        };
        let pair = Arc::new(Pair { leaf: self.leaf.clone(), issuer: issuer.clone(), proxies: self.proxies.clone() });
        let end = Instant::now() + limit;
        let mut asked = JoinSet::new();
        for (index, source) in sources.iter().cloned().enumerate() {
            let pair = Arc::clone(&pair);
            asked.spawn(async move {
                let answer = timeout_at(end, ask_source(&pair, &source)).await;
                (index, answer.unwrap_or(Err(SourceError::Timeout(limit))))
            });
        }
        let mut results: Vec<SourceResult> = Vec::new();
        for source in sources {
            results.push(SourceResult { source, answer: Err(SourceError::NotJudged) });
        }
        while let Some(Ok((index, answer))) = asked.join_next().await {
            results[index].answer = answer;
        }
        conclude(&results)
    }

    /// Returns the sources that the certificate names, OCSP responders first.
    fn sources(&self) -> Vec<Source> {
        let mut sources = Vec::new();
        for url in self.leaf.ocsp_responders().iter().flatten() {
            sources.push(Source { kind: SourceKind::Ocsp, url: url.to_string() });
        }
        for point in self.leaf.crl_distribution_points().iter().flatten() {
            let Some(name) = point.distpoint() else { continue };
            for name in name.fullname().into_iter().flatten() {
                if let Some(url) = name.uri() {
                    sources.push(Source { kind: SourceKind::Crl, url: url.to_owned() });
                }
            }
        }
        sources.truncate(MAX_SOURCES);
        sources
    }
}

/// A certificate, its issuer, and the way to the issuer.
struct Pair {
    leaf: X509,
    issuer: X509,
    proxies: ProxyChoice,
}

async fn ask_source(pair: &Arc<Pair>, source: &Source) -> Result<RevocationAnswer, SourceError> {
    let post = match source.kind {
        SourceKind::Ocsp => Some(Post { content_type: "application/ocsp-request", body: pair.ocsp_request()? }),
        SourceKind::Crl => None,
    };
    let body = fetch(&source.url, post, &pair.proxies).await?;
    let (pair, kind) = (Arc::clone(pair), source.kind);
    // A CRL may be large: the connection to the gateway goes on meanwhile.
    let judged = tokio::task::spawn_blocking(move || match kind {
        SourceKind::Ocsp => pair.judge_ocsp(&body),
        SourceKind::Crl => pair.judge_crl(&body),
    });
    judged.await.unwrap_or(Err(SourceError::NotJudged))
}

impl Pair {
    fn ocsp_id(&self) -> Result<OcspCertId, ErrorStack> {
        OcspCertId::from_cert(MessageDigest::sha1(), &self.leaf, &self.issuer)
    }

    fn ocsp_request(&self) -> Result<Vec<u8>, ErrorStack> {
        let mut request = OcspRequest::new()?;
        request.add_id(self.ocsp_id()?)?;
        request.to_der()
    }

    /// Creates a store that trusts the issuer alone.
    fn store(&self) -> Result<X509StoreBuilder, ErrorStack> {
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(self.issuer.clone())?;
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        Ok(store)
    }

    fn judge_ocsp(&self, body: &[u8]) -> Result<RevocationAnswer, SourceError> {
        let Ok(response) = OcspResponse::from_der(body) else {
            return Err(SourceError::Malformed("an OCSP response"));
        };
        if response.status() != OcspResponseStatus::SUCCESSFUL {
            return Err(SourceError::RequestRefused);
        }
        let basic = response.basic()?;
        let mut others = Stack::new()?;
        others.push(self.issuer.clone())?;
        if basic.verify(&others, &self.store()?.build(), OcspFlag::empty()).is_err() {
            return Err(SourceError::Signature(SourceKind::Ocsp));
        }
        let id = self.ocsp_id()?;
        let Some(status) = basic.find_status(&id) else { return Err(SourceError::OtherCertificate) };
        let validity = status.check_validity(CLOCK_SKEW, None);
        let is_current = status.next_update().is_some() && validity.is_ok();
        if status.status == OcspCertStatus::REVOKED && is_current {
            return Ok(RevocationAnswer::Revoked);
        }
        if status.status == OcspCertStatus::REVOKED && status.reason != OcspRevokedStatus::STATUS_CERTIFICATE_HOLD {
            return Ok(RevocationAnswer::RevokedOutdated);
        }
        // Without nextUpdate nothing says how old an answer may be (RFC 6960 section 4.2.2.1), so that it may be replayed.
        if status.next_update().is_none() {
            return Err(SourceError::NoNextUpdate(SourceKind::Ocsp));
        }
        if let Err(errors) = validity {
            return Err(if is_not_yet_valid(&errors) {
                SourceError::NotYetValid(SourceKind::Ocsp)
            } else {
                SourceError::Outdated(SourceKind::Ocsp)
            });
        }
        Ok(match status.status {
            OcspCertStatus::GOOD => RevocationAnswer::Good,
            _ => RevocationAnswer::Unknown,
        })
    }

    /// Judges the certificate by a CRL: what it says, and whether it still says so.
    fn judge_crl(&self, body: &[u8]) -> Result<RevocationAnswer, SourceError> {
        let crl = parse_crl(body)?;
        let der = crl.to_der()?;
        check_extensions(&der)?;
        let answer = match crl.next_update() {
            Some(_) => self.look_up(&der, X509VerifyFlags::empty()),
            None => Err(SourceError::NoNextUpdate(SourceKind::Crl)),
        };
        let is_current = !matches!(
            &answer,
            Err(SourceError::Outdated(_) | SourceError::NotYetValid(_) | SourceError::NoNextUpdate(_))
        );
        if !is_current
            && !is_on_hold(&crl, &self.leaf)
            && let Ok(RevocationAnswer::Revoked) = self.look_up(&der, X509VerifyFlags::NO_CHECK_TIME)
        {
            return Ok(RevocationAnswer::RevokedOutdated);
        }
        answer
    }

    /// Lets OpenSSL verify the certificate with the CRL: signature, issuer, scope and critical extensions, and dates
    /// unless the flags leave them out.
    fn look_up(&self, crl: &[u8], flags: X509VerifyFlags) -> Result<RevocationAnswer, SourceError> {
        // The openssl crate takes a CRL from a file alone, whose name is UTF-8.
        let file = TemporaryFile::with(crl)?;
        let Some(path) = file.path().to_str() else {
            return Err(io::Error::other("the folder for temporary files has no name in UTF-8").into());
        };
        let mut store = self.store()?;
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::CRL_CHECK | flags)?;
        store.add_lookup(X509Lookup::file())?.load_crl_file(path, SslFiletype::ASN1)?;
        let no_others = Stack::new()?;
        let mut context = X509StoreContext::new()?;
        let found = context.init(&store.build(), &self.leaf, &no_others, |context| {
            let is_valid = context.verify_cert()?;
            let error = if is_valid { X509VerifyResult::OK } else { context.error() };
            Ok(Found { error, depth: context.error_depth() })
        })?;
        answer_of(&found)
    }
}

/// Returns whether a CRL lists a certificate with the reason certificateHold, which may be taken back.
fn is_on_hold(crl: &X509CrlRef, leaf: &X509) -> bool {
    let CrlStatus::Revoked(entry) = crl.get_by_serial(leaf.serial_number()) else { return false };
    let Ok(Some((_, reason))) = entry.extension::<ReasonCode>() else { return false };
    reason.get_i64().is_ok_and(|number| number == CERTIFICATE_HOLD)
}

/// Returns whether OpenSSL finds that an answer is from the future (ocsperr.h).
fn is_not_yet_valid(errors: &ErrorStack) -> bool {
    const STATUS_NOT_YET_VALID: i32 = 126;
    errors.errors().iter().any(|error| error.reason_code() == STATUS_NOT_YET_VALID)
}

fn parse_crl(body: &[u8]) -> Result<X509Crl, SourceError> {
    if let Ok(crl) = X509Crl::from_der(body) {
        return Ok(crl);
    }
    match X509Crl::from_pem(body) {
        Ok(crl) => Ok(crl),
        Err(_) => Err(SourceError::Malformed("a CRL")),
    }
}

/// Refuses a CRL that does not list all that is revoked (RFC 5280 section 5.2.4), or that says what is not understood.
/// OpenSSL takes a delta CRL for a whole one.
fn check_extensions(der: &[u8]) -> Result<(), SourceError> {
    let Ok((_, crl)) = CertificateRevocationList::from_der(der) else { return Err(SourceError::Malformed("a CRL")) };
    for extension in crl.extensions() {
        if extension.oid == oid_registry::OID_X509_EXT_DELTA_CRL_INDICATOR {
            return Err(SourceError::Delta);
        }
        if extension.critical && !KNOWN_EXTENSIONS.contains(&extension.oid) {
            return Err(SourceError::CriticalExtension(extension.oid.to_id_string()));
        }
    }
    Ok(())
}

/// OpenSSL's result, and the certificate that it means: 0 is the leaf.
struct Found {
    error: X509VerifyResult,
    depth: u32,
}

/// Interprets OpenSSL's result (x509_vfy.h). It looks at the CRL before it looks at the dates of the certificates, so
/// that an expired leaf has passed the CRL.
fn answer_of(found: &Found) -> Result<RevocationAnswer, SourceError> {
    const UNABLE_TO_GET_CRL: i32 = 3;
    const CRL_SIGNATURE_FAILURE: i32 = 8;
    const CERT_NOT_YET_VALID: i32 = 9;
    const CERT_HAS_EXPIRED: i32 = 10;
    const CRL_NOT_YET_VALID: i32 = 11;
    const CRL_HAS_EXPIRED: i32 = 12;
    const CERT_REVOKED: i32 = 23;
    const UNABLE_TO_GET_CRL_ISSUER: i32 = 33;
    match found.error.as_raw() {
        0 => Ok(RevocationAnswer::Good),
        CERT_NOT_YET_VALID if found.depth == 0 => Ok(RevocationAnswer::Good),
        // RFC 5280 section 3.3: an entry goes with the first CRL after the certificate has expired.
        CERT_HAS_EXPIRED if found.depth == 0 => Err(SourceError::Expired),
        CERT_REVOKED => Ok(RevocationAnswer::Revoked),
        UNABLE_TO_GET_CRL | UNABLE_TO_GET_CRL_ISSUER => Err(SourceError::OtherIssuer),
        CRL_SIGNATURE_FAILURE => Err(SourceError::Signature(SourceKind::Crl)),
        CRL_NOT_YET_VALID => Err(SourceError::NotYetValid(SourceKind::Crl)),
        CRL_HAS_EXPIRED => Err(SourceError::Outdated(SourceKind::Crl)),
        _ => Err(SourceError::Refused(found.error.error_string())),
    }
}

/// Concludes from all answers: one "revoked" decides, even if it is old; otherwise one "good" does.
fn conclude(results: &[SourceResult]) -> RevocationVerdict {
    if let Some(Source { kind, url }) = first_with(results, RevocationAnswer::Revoked) {
        let detail = format!("revoked, says the issuer's {kind} at {}", printable_name(url));
        return RevocationVerdict { status: Status::Failed, detail, ground: Some(Ground::Revoked) };
    }
    if let Some(Source { kind, url }) = first_with(results, RevocationAnswer::RevokedOutdated) {
        let url = printable_name(url);
        let detail =
            format!("revoked, says the issuer's {kind} at {url}, which is not current; what is revoked stays so");
        return RevocationVerdict { status: Status::Failed, detail, ground: Some(Ground::Revoked) };
    }
    if let Some(Source { kind, url }) = first_with(results, RevocationAnswer::Good) {
        let detail = format!("good, says the issuer's {kind} at {}", printable_name(url));
        return RevocationVerdict { status: Status::Ok, detail, ground: None };
    }
    let mut ground = Ground::RevocationUnreachable;
    let mut lines = Vec::new();
    for SourceResult { source: Source { kind, url }, answer } in results {
        let url = printable_name(url);
        let found = answer.as_ref().map_or_else(SourceError::ground, |_| Ground::RevocationUnknown);
        ground = more_telling(ground, found);
        lines.push(match answer {
            Err(error) => format!("{kind} at {url}: {error}"),
            Ok(_) => format!("{kind} at {url} does not know the certificate"),
        });
    }
    RevocationVerdict::unknown(ground, &lines.join("; "))
}

/// Returns the ground that tells more: a fault of this machine, then an answer of the issuer, then silence.
fn more_telling(one: Ground, other: Ground) -> Ground {
    for ground in [
        Ground::OpenFiles,
        Ground::RevocationLocal,
        Ground::RevocationProxy,
        Ground::RevocationClock,
        Ground::RevocationUnknown,
    ] {
        if one == ground || other == ground {
            return ground;
        }
    }
    one
}

fn first_with(results: &[SourceResult], wanted: RevocationAnswer) -> Option<&Source> {
    for result in results {
        if matches!(result.answer, Ok(answer) if answer == wanted) {
            return Some(&result.source);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(answers: Vec<Result<RevocationAnswer, SourceError>>) -> RevocationVerdict {
        let mut results = Vec::new();
        for answer in answers {
            let source = Source { kind: SourceKind::Ocsp, url: "http://a".to_owned() };
            results.push(SourceResult { source, answer });
        }
        conclude(&results)
    }

    #[test]
    fn no_answer_is_unknown_and_revoked_decides() {
        let silence = || Err(SourceError::Timeout(Duration::from_secs(1)));
        assert_eq!(status_of(vec![silence(), silence()]).status, Status::Warning);
        assert!(status_of(vec![silence()]).detail.starts_with("unknown: OCSP at http://a: no answer within 1 s"));
        assert_eq!(status_of(vec![Ok(RevocationAnswer::Unknown)]).status, Status::Warning);
        assert_eq!(status_of(vec![silence(), Ok(RevocationAnswer::Good)]).status, Status::Ok);
        assert_eq!(status_of(vec![Ok(RevocationAnswer::Good), Ok(RevocationAnswer::Revoked)]).status, Status::Failed);
    }

    #[test]
    fn the_ground_of_not_knowing_is_the_most_telling() {
        let silence = || Err(SourceError::Timeout(Duration::from_secs(1)));
        let no_folder = || Err(SourceError::File(io::Error::other("no folder")));
        let ground_of = |answers| status_of(answers).ground;
        assert_eq!(ground_of(vec![silence(), silence()]), Some(Ground::RevocationUnreachable));
        assert_eq!(ground_of(vec![silence(), Ok(RevocationAnswer::Unknown)]), Some(Ground::RevocationUnknown));
        assert_eq!(ground_of(vec![Err(SourceError::RequestRefused), silence()]), Some(Ground::RevocationUnknown));
        let not_found = FetchError::Status(http::StatusCode::NOT_FOUND);
        assert_eq!(ground_of(vec![silence(), Err(not_found.into())]), Some(Ground::RevocationUnknown));
        for (status, expected) in [
            (http::StatusCode::PROXY_AUTHENTICATION_REQUIRED, Ground::RevocationProxy),
            (http::StatusCode::FORBIDDEN, Ground::RevocationUnreachable),
            (http::StatusCode::BAD_GATEWAY, Ground::RevocationUnreachable),
        ] {
            assert_eq!(ground_of(vec![Err(FetchError::ProxyStatus(status).into())]), Some(expected), "{status}");
        }
        assert_eq!(ground_of(vec![no_folder(), Ok(RevocationAnswer::Unknown)]), Some(Ground::RevocationLocal));
        assert_eq!(ground_of(vec![silence(), Ok(RevocationAnswer::Good)]), None);
    }

    #[test]
    fn an_old_revocation_weighs_more_than_a_good_answer() {
        let found = status_of(vec![Ok(RevocationAnswer::Good), Ok(RevocationAnswer::RevokedOutdated)]);
        assert_eq!((found.status, found.ground), (Status::Failed, Some(Ground::Revoked)));
        assert!(found.detail.ends_with("which is not current; what is revoked stays so"), "{}", found.detail);
    }
}
