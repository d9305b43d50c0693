//! One request over HTTP/1.1, directly or through a proxy: for a document that is signed, so that no TLS is needed (RFC
//! 6960 appendix A), or with one that is handed over.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue, InvalidHeaderValue};
use http::uri::{InvalidUri, Scheme, Uri};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use crate::net::descriptors::is_out_of_descriptors;
use crate::net::dial::{self, DialError, Stream};
use crate::net::endpoint::Endpoint;
use crate::net::proxy::{Proxy, ProxyChoice, ProxyError};
use crate::net::tls::{self, Application, ExpectedServer, TlsError};
use crate::net::trust::{StoreReader, TrustPolicy};

/// The limit of an answer; Apple's CRLs have a few megabytes.
const MAX_BODY: usize = 64 << 20;
/// For a connection that is limited elsewhere.
const NO_LIMIT: Duration = Duration::from_secs(86_400);

/// The reason why a document was not fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error(transparent)]
    Url(#[from] InvalidUri),
    #[error("{0} is not supported, only http")]
    Scheme(String),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the address has no host")]
    NoHost,
    #[error(transparent)]
    Resolve(#[from] io::Error),
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("the credentials do not fit into a header: {0}")]
    Header(#[from] InvalidHeaderValue),
    #[error(transparent)]
    Request(#[from] http::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error(transparent)]
    Body(#[from] Box<dyn std::error::Error + Send + Sync>),
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// The proxy may have said it, not the server behind it.
    #[error("the answer, perhaps the proxy's own, is {0}")]
    ProxyStatus(StatusCode),
}

impl FetchError {
    /// Returns whether the cause is that there are no file descriptors left.
    pub(crate) fn lacks_descriptors(&self) -> bool {
        match self {
            Self::Resolve(error) => is_out_of_descriptors(error),
            Self::Dial(error) => error.lacks_descriptors(),
            _ => false,
        }
    }
}

/// The body of a POST.
pub(crate) struct Post {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

/// A connection for one request.
struct Route {
    stream: Box<dyn Stream>,
    /// The URL as this connection wants it (RFC 9112 section 3.2): whole for an HTTP proxy, else without the host.
    url: Uri,
    authorization: Option<HeaderValue>,
    /// The proxy sends the request on itself.
    is_forwarded: bool,
}

/// Sends one request; with `post`, a POST. The caller limits the time.
///
/// # Errors
/// If there is no answer, or another status than 200.
pub(crate) async fn fetch(url: &str, post: Option<Post>, proxies: &ProxyChoice) -> Result<Bytes, FetchError> {
    let url: Uri = url.parse()?;
    if url.scheme_str() != Some("http") {
        let scheme = url.scheme_str().unwrap_or("an address without a scheme");
        return Err(FetchError::Scheme(scheme.to_owned()));
    }
    let Some(authority) = url.authority() else { return Err(FetchError::NoHost) };
    let Some(endpoint) = Endpoint::from_authority(authority, 80) else { return Err(FetchError::NoHost) };
    let route = find_route(url, &endpoint, proxies.for_host(&endpoint.host)).await?;
    let is_forwarded = route.is_forwarded;
    let mut builder = Request::builder().uri(route.url).header(header::HOST, endpoint.to_string());
    if let Some(authorization) = route.authorization {
        builder = builder.header(header::PROXY_AUTHORIZATION, authorization);
    }
    let request = match post {
        Some(Post { content_type, body }) => {
            builder.method("POST").header(header::CONTENT_TYPE, content_type).body(Full::new(Bytes::from(body)))?
        }
        None => builder.body(Full::default())?,
    };
    let response = send(route.stream, request).await?;
    match response.status() {
        StatusCode::OK => {}
        status if is_forwarded && may_be_of_proxy(status) => return Err(FetchError::ProxyStatus(status)),
        status => return Err(FetchError::Status(status)),
    }
    Ok(Limited::new(response.into_body(), MAX_BODY).collect().await?.to_bytes())
}

/// Sends a document over http or https, without a proxy, and returns the status of the answer; a redirection is not
/// followed. The caller limits the time.
///
/// # Errors
/// If there is no answer.
pub(crate) async fn post(url: &Uri, post: Post, stores: &StoreReader) -> Result<StatusCode, FetchError> {
    let Some(authority) = url.authority() else { return Err(FetchError::NoHost) };
    let is_tls = url.scheme() == Some(&Scheme::HTTPS);
    let Some(endpoint) = Endpoint::from_authority(authority, if is_tls { 443 } else { 80 }) else {
        return Err(FetchError::NoHost);
    };
    let stream: Box<dyn Stream> = Box::new(dial(&endpoint).await?);
    let stream = if is_tls { encrypt(stream, &endpoint, stores).await? } else { stream };
    let request = Request::builder()
        .method("POST")
        .uri(without_host(url)?)
        .header(header::HOST, endpoint.to_string())
        .header(header::CONTENT_TYPE, post.content_type)
        .body(Full::new(Bytes::from(post.body)))?;
    Ok(send(stream, request).await?.status())
}

async fn encrypt(
    stream: Box<dyn Stream>,
    endpoint: &Endpoint,
    stores: &StoreReader,
) -> Result<Box<dyn Stream>, FetchError> {
    let server = ExpectedServer {
        host: endpoint.host.clone(),
        application: Application::Http1,
        policy: TrustPolicy::AnyRoot,
        stores: stores.stores().await,
    };
    Ok(Box::new(tls::connect(stream, None, &server, NO_LIMIT).await.result?))
}

async fn send(stream: Box<dyn Stream>, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    sender.send_request(request).await
}

async fn find_route(url: Uri, endpoint: &Endpoint, proxy: Option<Proxy>) -> Result<Route, FetchError> {
    let Some(proxy) = proxy else {
        let stream = Box::new(dial(endpoint).await?);
        return Ok(Route { stream, url: without_host(&url)?, authorization: None, is_forwarded: false });
    };
    let stream = dial(&proxy.endpoint).await?;
    if proxy.takes_requests() {
        let authorization = proxy.authorization()?;
        return Ok(Route { stream: Box::new(stream), url, authorization, is_forwarded: true });
    }
    let stream = proxy.tunnel(stream, endpoint, NO_LIMIT).await?;
    Ok(Route { stream, url: without_host(&url)?, authorization: None, is_forwarded: false })
}

/// Returns whether proxies answer so in their own name: for want of credentials, by a rule, or without the server.
fn may_be_of_proxy(status: StatusCode) -> bool {
    use StatusCode as S;
    matches!(status, S::UNAUTHORIZED | S::PROXY_AUTHENTICATION_REQUIRED | S::FORBIDDEN) || status.is_server_error()
}

async fn dial(endpoint: &Endpoint) -> Result<tokio::net::TcpStream, FetchError> {
    let addresses = dial::resolve(endpoint).await?;
    let (stream, _) = dial::connect(&addresses, NO_LIMIT).await?;
    Ok(stream)
}

fn without_host(url: &Uri) -> Result<Uri, InvalidUri> {
    let Some(target) = url.path_and_query() else { return "/".parse() };
    match target.query() {
        // A query may stand without a path.
        Some(query) => format!("{}?{query}", target.path()).parse(),
        None => target.path().parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_stand_without_a_path() {
        for (url, target) in [
            ("http://a", "/"),
            ("http://a?q=1", "/?q=1"),
            ("http://a/?q=1", "/?q=1"),
            ("http://a/b?q", "/b?q"),
            ("http://a/b", "/b"),
        ] {
            assert_eq!(without_host(&url.parse().unwrap()).unwrap().to_string(), target, "{url}");
        }
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_asked_is_refused() {
        for (url, refusal) in [
            ("https://a/", "https is not supported, only http"),
            ("/list.crl", "an address without a scheme is not supported, only http"),
            ("http://[::1/", "invalid authority"),
            ("http://:80/", "the address has no host"),
        ] {
            let error = fetch(url, None, &ProxyChoice::default()).await.unwrap_err();
            assert_eq!(error.to_string(), refusal, "{url}");
        }
    }
}
