//! Whether the issuer has revoked the certificate: OCSP (RFC 6960) and CRL (RFC 5280 section 5), from the
//! addresses in the certificate. Silence is `unknown`, never `good`.

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use openssl::hash::MessageDigest;
use openssl::ocsp::{OcspCertId, OcspCertStatus, OcspFlag, OcspRequest, OcspResponse, OcspResponseStatus};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{CrlStatus, X509, X509Crl};

use crate::check::stage::Status;
use crate::net::dial;
use crate::net::endpoint::Endpoint;
use crate::text::seconds;

/// The most that is read of a CRL; Apple's have a few megabytes.
const MAX_BODY: usize = 64 << 20;
/// For what has its limit elsewhere.
const NO_LIMIT: Duration = Duration::from_secs(86_400);
/// How far clocks may differ, in seconds.
const CLOCK_SKEW: u32 = 300;

/// A certificate and who issued it.
pub(crate) struct Revocation {
    /// The certificate.
    pub(crate) leaf: X509,
    /// Its issuer, where it is known.
    pub(crate) issuer: Option<X509>,
}

/// One source's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RevocationAnswer {
    Good,
    Revoked,
    Unknown,
}

type SourceResult = Result<RevocationAnswer, String>;

impl Revocation {
    /// Asks every source that the certificate names, each for at most `timeout`, side by side.
    pub(crate) async fn ask(&self, timeout: Duration) -> (Status, String) {
        let ocsp = self.ocsp_addresses();
        let crls = self.crl_addresses();
        if ocsp.is_empty() && crls.is_empty() {
            return (Status::Warning, "unknown: the certificate names no OCSP responder and no CRL".to_owned());
        }
        let Some(issuer) = &self.issuer else {
            return (Status::Warning, "unknown: the issuer's certificate is not known here".to_owned());
        };
        let limit = |name: &'static str, url: String, told: Result<SourceResult, tokio::time::error::Elapsed>| {
            let told = told.unwrap_or_else(|_| Err(format!("no answer within {}", seconds(timeout))));
            (name, url, told)
        };
        let ask_ocsp = async {
            let mut told = Vec::new();
            for url in ocsp {
                let answer = tokio::time::timeout(timeout, self.ask_ocsp(issuer, &url)).await;
                told.push(limit("OCSP", url, answer));
            }
            told
        };
        let ask_crls = async {
            let mut told = Vec::new();
            for url in crls {
                let answer = tokio::time::timeout(timeout, self.ask_crl(issuer, &url)).await;
                told.push(limit("CRL", url, answer));
            }
            told
        };
        let (mut told, more) = tokio::join!(ask_ocsp, ask_crls);
        told.extend(more);
        conclude(&told)
    }

    fn ocsp_addresses(&self) -> Vec<String> {
        let found = self.leaf.ocsp_responders().ok();
        found.into_iter().flat_map(|list| list.iter().map(|url| url.to_string()).collect::<Vec<_>>()).collect()
    }

    fn crl_addresses(&self) -> Vec<String> {
        let mut found = Vec::new();
        for point in self.leaf.crl_distribution_points().iter().flatten() {
            let names = point.distpoint().and_then(|name| name.fullname());
            found.extend(names.into_iter().flatten().filter_map(|name| name.uri().map(str::to_owned)));
        }
        found
    }

    async fn ask_ocsp(&self, issuer: &X509, url: &str) -> SourceResult {
        let text = |error: openssl::error::ErrorStack| error.to_string();
        let id = || OcspCertId::from_cert(MessageDigest::sha1(), &self.leaf, issuer).map_err(text);
        let mut request = OcspRequest::new().map_err(text)?;
        request.add_id(id()?).map_err(text)?;
        let request = request.to_der().map_err(text)?;
        let body = fetch(url, Some(("application/ocsp-request", request))).await?;
        let response = OcspResponse::from_der(&body).map_err(|_| "the answer is not one of OCSP".to_owned())?;
        if response.status() != OcspResponseStatus::SUCCESSFUL {
            return Err("the responder does not answer this".to_owned());
        }
        let basic = response.basic().map_err(text)?;
        let mut store = X509StoreBuilder::new().map_err(text)?;
        store.add_cert(issuer.clone()).map_err(text)?;
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(text)?;
        let mut others = Stack::new().map_err(text)?;
        others.push(issuer.clone()).map_err(text)?;
        basic
            .verify(&others, &store.build(), OcspFlag::empty())
            .map_err(|_| "the answer's signature does not verify".to_owned())?;
        let id = id()?;
        let status = basic.find_status(&id).ok_or("the answer is about another certificate")?;
        status.check_validity(CLOCK_SKEW, None).map_err(|_| "the answer is out of date".to_owned())?;
        Ok(match status.status {
            OcspCertStatus::GOOD => RevocationAnswer::Good,
            OcspCertStatus::REVOKED => RevocationAnswer::Revoked,
            _ => RevocationAnswer::Unknown,
        })
    }

    async fn ask_crl(&self, issuer: &X509, url: &str) -> SourceResult {
        let body = fetch(url, None).await?;
        let crl = X509Crl::from_der(&body).or_else(|_| X509Crl::from_pem(&body));
        let crl = crl.map_err(|_| "the answer is no CRL".to_owned())?;
        let key = issuer.public_key().map_err(|error| error.to_string())?;
        if !crl.verify(&key).unwrap_or(false) {
            return Err("the CRL's signature does not verify".to_owned());
        }
        let now = openssl::asn1::Asn1Time::days_from_now(0).map_err(|error| error.to_string())?;
        if crl.next_update().is_none_or(|next| *next < *now) {
            return Err("the CRL is out of date".to_owned());
        }
        Ok(match crl.get_by_cert(&self.leaf) {
            CrlStatus::Revoked(_) => RevocationAnswer::Revoked,
            CrlStatus::NotRevoked | CrlStatus::RemoveFromCrl(_) => RevocationAnswer::Good,
        })
    }
}

/// One "revoked" decides; otherwise one "good" does.
fn conclude(told: &[(&'static str, String, SourceResult)]) -> (Status, String) {
    let of = |wanted: RevocationAnswer| told.iter().find(|(_, _, told)| *told == Ok(wanted));
    if let Some((name, url, _)) = of(RevocationAnswer::Revoked) {
        return (Status::Failed, format!("revoked, says the issuer's {name} at {url}"));
    }
    if let Some((name, url, _)) = of(RevocationAnswer::Good) {
        return (Status::Ok, format!("good, says the issuer's {name} at {url}"));
    }
    let line = |(name, url, told): &(&str, String, SourceResult)| match told {
        Err(error) => format!("{name} at {url}: {error}"),
        Ok(_) => format!("{name} at {url} does not know it"),
    };
    (Status::Warning, format!("unknown: {}", told.iter().map(line).collect::<Vec<_>>().join("; ")))
}

/// One request over HTTP/1.1; the answers are signed, so that no TLS is needed (RFC 6960 appendix A).
async fn fetch(url: &str, post: Option<(&str, Vec<u8>)>) -> Result<Bytes, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let url: Uri = url.parse().map_err(|error| text(&error))?;
    if url.scheme_str() != Some("http") {
        return Err(format!(
            "{} is not supported, only http",
            url.scheme_str().unwrap_or("an address without a scheme")
        ));
    }
    let endpoint = url.authority().and_then(|authority| Endpoint::from_authority(authority, 80));
    let endpoint = endpoint.ok_or_else(|| "the address names no host".to_owned())?;
    let addresses = dial::resolve(&endpoint).await.map_err(|error| text(&error))?;
    // The caller has the time limit.
    let (stream, _) = dial::connect(&addresses, NO_LIMIT).await.map_err(|error| text(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
    tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let request = http::Request::builder().uri(path).header(http::header::HOST, endpoint.to_string());
    let request = match post {
        Some((kind, body)) => {
            request.method("POST").header(http::header::CONTENT_TYPE, kind).body(Full::new(Bytes::from(body)))
        }
        None => request.body(Full::default()),
    };
    let response = sender.send_request(request.map_err(|e| text(&e))?).await.map_err(|error| text(&error))?;
    if response.status() != http::StatusCode::OK {
        return Err(format!("the answer is {}", response.status()));
    }
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await.map_err(|error| text(&error))?;
    Ok(body.to_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_unknown_and_revoked_decides() {
        let told = |answers: &[SourceResult]| {
            let told: Vec<_> = answers.iter().map(|told| ("OCSP", "http://a".to_owned(), told.clone())).collect();
            conclude(&told)
        };
        let silence = || Err("no answer".to_owned());
        assert_eq!(told(&[silence(), silence()]).0, Status::Warning);
        assert!(told(&[silence()]).1.starts_with("unknown: "));
        assert_eq!(told(&[Ok(RevocationAnswer::Unknown)]).0, Status::Warning);
        assert_eq!(told(&[silence(), Ok(RevocationAnswer::Good)]).0, Status::Ok);
        assert_eq!(told(&[Ok(RevocationAnswer::Good), Ok(RevocationAnswer::Revoked)]).0, Status::Failed);
    }
}
