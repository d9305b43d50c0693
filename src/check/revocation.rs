//! Asks the issuer whether it has revoked the certificate: OCSP (RFC 6960) and CRL (RFC 5280 section 5), at the
//! addresses in the certificate. No answer means `unknown`, never `good`.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header;
use http::uri::{InvalidUri, PathAndQuery, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ocsp::{OcspCertId, OcspCertStatus, OcspFlag, OcspRequest, OcspResponse, OcspResponseStatus};
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{CrlStatus, X509, X509Crl};

use crate::check::stage::Status;
use crate::net::dial::{self, DialError};
use crate::net::endpoint::Endpoint;
use crate::text::seconds;

/// The limit of an answer; Apple's CRLs have a few megabytes.
const MAX_BODY: usize = 64 << 20;
/// For a connection that is limited elsewhere.
const NO_LIMIT: Duration = Duration::from_secs(86_400);
/// The accepted difference between clocks, in seconds.
const CLOCK_SKEW: u32 = 300;

/// A certificate and its issuer.
pub(crate) struct Revocation {
    pub(crate) leaf: X509,
    /// The issuer, if it is known.
    pub(crate) issuer: Option<X509>,
}

/// The answer of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RevocationAnswer {
    Good,
    Revoked,
    Unknown,
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

/// The result of asking one source.
#[derive(Debug)]
struct SourceResult {
    kind: SourceKind,
    url: String,
    answer: Result<RevocationAnswer, SourceError>,
}

/// The reason why a source gave no valid answer.
#[derive(Debug, thiserror::Error)]
enum SourceError {
    #[error("no answer within {}", seconds(*.0))]
    Timeout(Duration),
    #[error(transparent)]
    Url(#[from] InvalidUri),
    #[error("{0} is not supported, only http")]
    Scheme(String),
    #[error("the address has no host")]
    NoHost,
    #[error(transparent)]
    Resolve(#[from] io::Error),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Body(#[from] Box<dyn std::error::Error + Send + Sync>),
    #[error("the answer is {0}")]
    Status(StatusCode),
    #[error(transparent)]
    OpenSsl(#[from] ErrorStack),
    #[error("the answer is not {0}")]
    Malformed(&'static str),
    #[error("the responder refused the request")]
    RequestRefused,
    #[error("the {}'s signature does not verify", .0.document())]
    Signature(SourceKind),
    #[error("the answer is about another certificate")]
    OtherCertificate,
    #[error("the {} is out of date", .0.document())]
    Outdated(SourceKind),
}

impl Revocation {
    /// Asks every source that the certificate names, each for at most `limit`; OCSP responders and CRLs side by side.
    pub(crate) async fn ask(&self, limit: Duration) -> (Status, String) {
        let responders = self.ocsp_addresses();
        let lists = self.crl_addresses();
        if responders.is_empty() && lists.is_empty() {
            return (Status::Warning, "unknown: the certificate names no OCSP responder and no CRL".to_owned());
        }
        let Some(issuer) = &self.issuer else {
            return (Status::Warning, "unknown: the issuer's certificate is not known here".to_owned());
        };
        let (mut results, list_results) = tokio::join!(
            self.ask_each(SourceKind::Ocsp, responders, issuer, limit),
            self.ask_each(SourceKind::Crl, lists, issuer, limit),
        );
        results.extend(list_results);
        conclude(&results)
    }

    async fn ask_each(&self, kind: SourceKind, urls: Vec<String>, issuer: &X509, limit: Duration) -> Vec<SourceResult> {
        let mut results = Vec::new();
        for url in urls {
            let answer = match kind {
                SourceKind::Ocsp => tokio::time::timeout(limit, self.ask_ocsp(issuer, &url)).await,
                SourceKind::Crl => tokio::time::timeout(limit, self.ask_crl(issuer, &url)).await,
            };
            let answer = answer.unwrap_or(Err(SourceError::Timeout(limit)));
            results.push(SourceResult { kind, url, answer });
        }
        results
    }

    fn ocsp_addresses(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for url in self.leaf.ocsp_responders().iter().flatten() {
            addresses.push(url.to_string());
        }
        addresses
    }

    fn crl_addresses(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for point in self.leaf.crl_distribution_points().iter().flatten() {
            let Some(name) = point.distpoint() else { continue };
            for name in name.fullname().into_iter().flatten() {
                if let Some(url) = name.uri() {
                    addresses.push(url.to_owned());
                }
            }
        }
        addresses
    }

    async fn ask_ocsp(&self, issuer: &X509, url: &str) -> Result<RevocationAnswer, SourceError> {
        let mut request = OcspRequest::new()?;
        request.add_id(self.ocsp_id(issuer)?)?;
        let body = fetch(url, Some(request.to_der()?)).await?;
        let Ok(response) = OcspResponse::from_der(&body) else {
            return Err(SourceError::Malformed("an OCSP response"));
        };
        if response.status() != OcspResponseStatus::SUCCESSFUL {
            return Err(SourceError::RequestRefused);
        }
        let basic = response.basic()?;
        let mut others = Stack::new()?;
        others.push(issuer.clone())?;
        let store = store_of(issuer)?;
        if basic.verify(&others, &store, OcspFlag::empty()).is_err() {
            return Err(SourceError::Signature(SourceKind::Ocsp));
        }
        let id = self.ocsp_id(issuer)?;
        let Some(status) = basic.find_status(&id) else { return Err(SourceError::OtherCertificate) };
        if status.check_validity(CLOCK_SKEW, None).is_err() {
            return Err(SourceError::Outdated(SourceKind::Ocsp));
        }
        Ok(match status.status {
            OcspCertStatus::GOOD => RevocationAnswer::Good,
            OcspCertStatus::REVOKED => RevocationAnswer::Revoked,
            _ => RevocationAnswer::Unknown,
        })
    }

    fn ocsp_id(&self, issuer: &X509) -> Result<OcspCertId, ErrorStack> {
        OcspCertId::from_cert(MessageDigest::sha1(), &self.leaf, issuer)
    }

    async fn ask_crl(&self, issuer: &X509, url: &str) -> Result<RevocationAnswer, SourceError> {
        let body = fetch(url, None).await?;
        let Ok(crl) = X509Crl::from_der(&body).or_else(|_| X509Crl::from_pem(&body)) else {
            return Err(SourceError::Malformed("a CRL"));
        };
        let key = issuer.public_key()?;
        if !crl.verify(&key).unwrap_or(false) {
            return Err(SourceError::Signature(SourceKind::Crl));
        }
        let now = Asn1Time::days_from_now(0)?;
        if crl.next_update().is_none_or(|next| *next < *now) {
            return Err(SourceError::Outdated(SourceKind::Crl));
        }
        Ok(match crl.get_by_cert(&self.leaf) {
            CrlStatus::Revoked(_) => RevocationAnswer::Revoked,
            CrlStatus::NotRevoked | CrlStatus::RemoveFromCrl(_) => RevocationAnswer::Good,
        })
    }
}

/// Creates a store that trusts the issuer alone.
fn store_of(issuer: &X509) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(issuer.clone())?;
    store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    Ok(store.build())
}

/// Concludes from all answers: one "revoked" decides; otherwise one "good" does.
fn conclude(results: &[SourceResult]) -> (Status, String) {
    if let Some(SourceResult { kind, url, .. }) = first_with(results, RevocationAnswer::Revoked) {
        return (Status::Failed, format!("revoked, says the issuer's {kind} at {url}"));
    }
    if let Some(SourceResult { kind, url, .. }) = first_with(results, RevocationAnswer::Good) {
        return (Status::Ok, format!("good, says the issuer's {kind} at {url}"));
    }
    let mut lines = Vec::new();
    for SourceResult { kind, url, answer } in results {
        lines.push(match answer {
            Err(error) => format!("{kind} at {url}: {error}"),
            Ok(_) => format!("{kind} at {url} does not know the certificate"),
        });
    }
    (Status::Warning, format!("unknown: {}", lines.join("; ")))
}

fn first_with(results: &[SourceResult], wanted: RevocationAnswer) -> Option<&SourceResult> {
    results.iter().find(|result| matches!(result.answer, Ok(answer) if answer == wanted))
}

/// Sends one request over HTTP/1.1; with `ocsp_request`, a POST. The answers are signed, so no TLS is needed
/// (RFC 6960 appendix A).
async fn fetch(url: &str, ocsp_request: Option<Vec<u8>>) -> Result<Bytes, SourceError> {
    let url: Uri = url.parse()?;
    if url.scheme_str() != Some("http") {
        let scheme = url.scheme_str().unwrap_or("an address without a scheme");
        return Err(SourceError::Scheme(scheme.to_owned()));
    }
    let Some(authority) = url.authority() else { return Err(SourceError::NoHost) };
    let Some(endpoint) = Endpoint::from_authority(authority, 80) else { return Err(SourceError::NoHost) };
    let addresses = dial::resolve(&endpoint).await?;
    // The caller has the time limit.
    let (stream, _) = dial::connect(&addresses, NO_LIMIT).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", PathAndQuery::as_str);
    let builder = http::Request::builder().uri(path).header(header::HOST, endpoint.to_string());
    let request = match ocsp_request {
        Some(body) => builder
            .method("POST")
            .header(header::CONTENT_TYPE, "application/ocsp-request")
            .body(Full::new(Bytes::from(body)))?,
        None => builder.body(Full::default())?,
    };
    let response = sender.send_request(request).await?;
    if response.status() != StatusCode::OK {
        return Err(SourceError::Status(response.status()));
    }
    Ok(Limited::new(response.into_body(), MAX_BODY).collect().await?.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_of(answers: Vec<Result<RevocationAnswer, SourceError>>) -> (Status, String) {
        let mut results = Vec::new();
        for answer in answers {
            results.push(SourceResult { kind: SourceKind::Ocsp, url: "http://a".to_owned(), answer });
        }
        conclude(&results)
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_asked_is_refused() {
        for (url, refusal) in [
            ("https://a/", "https is not supported, only http"),
            ("/list.crl", "an address without a scheme is not supported, only http"),
            ("http://[::1/", "invalid authority"),
            ("http://:80/", "the address has no host"),
        ] {
            assert_eq!(fetch(url, None).await.unwrap_err().to_string(), refusal, "{url}");
        }
    }

    #[test]
    fn no_answer_is_unknown_and_revoked_decides() {
        let silence = || Err(SourceError::Timeout(Duration::from_secs(1)));
        assert_eq!(status_of(vec![silence(), silence()]).0, Status::Warning);
        assert!(status_of(vec![silence()]).1.starts_with("unknown: OCSP at http://a: no answer within 1 s"));
        assert_eq!(status_of(vec![Ok(RevocationAnswer::Unknown)]).0, Status::Warning);
        assert_eq!(status_of(vec![silence(), Ok(RevocationAnswer::Good)]).0, Status::Ok);
        assert_eq!(status_of(vec![Ok(RevocationAnswer::Good), Ok(RevocationAnswer::Revoked)]).0, Status::Failed);
    }
}
