//! Proxies: HTTP CONNECT (RFC 9110 section 9.3.6) with Basic authentication, and SOCKS5 (RFC 1928, 1929). The proxy
//! resolves the server's name.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str::{FromStr, Utf8Error};
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use http::header::{self, HeaderValue};
use http::uri::{InvalidUri, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

use crate::net::dial::Stream;
use crate::net::endpoint::Endpoint;
use crate::net::mask::Mask;
use crate::text::seconds;

/// The longest wait for a refusal's body, which says no more than why.
const PAGE_WAIT: Duration = Duration::from_millis(500);
/// The limit of a refusal's body.
const MAX_BODY: usize = 64 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProxyProtocol {
    Http,
    Socks5,
}

#[derive(Clone)]
struct Credentials {
    user: String,
    password: Zeroizing<String>,
}

/// A proxy with its credentials, which Debug and Display leave out.
#[derive(Clone)]
pub(crate) struct Proxy {
    protocol: ProxyProtocol,
    pub(crate) endpoint: Endpoint,
    credentials: Option<Credentials>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            ProxyProtocol::Http => "http",
            ProxyProtocol::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", self.endpoint)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The reason why a text is not the URL of a proxy. The text is not part of it: it may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProxyUrlError {
    #[error("http://[USER:PASSWORD@]HOST:PORT or socks5://… is expected")]
    Malformed,
    #[error("https:// proxies are not supported; http:// or socks5:// is expected")]
    Https,
}

impl From<InvalidUri> for ProxyUrlError {
    fn from(_: InvalidUri) -> Self {
        Self::Malformed
    }
}

impl From<Utf8Error> for ProxyUrlError {
    fn from(_: Utf8Error) -> Self {
        Self::Malformed
    }
}

impl FromStr for Proxy {
    type Err = ProxyUrlError;

    /// Parses `http://[USER:PASSWORD@]HOST[:PORT]`, `socks5://…` or `socks5h://…`; without a scheme, http.
    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        let url: Uri = if text.contains("://") { text.parse()? } else { format!("http://{text}").parse()? };
        let (protocol, port) = match url.scheme_str() {
            Some("http") => (ProxyProtocol::Http, 80),
            Some("socks5" | "socks5h") => (ProxyProtocol::Socks5, 1080),
            Some("https") => return Err(ProxyUrlError::Https),
            _ => return Err(ProxyUrlError::Malformed),
        };
        let Some(authority) = url.authority() else { return Err(ProxyUrlError::Malformed) };
        let Some(endpoint) = Endpoint::from_authority(authority, port) else { return Err(ProxyUrlError::Malformed) };
        let credentials = match authority.as_str().rsplit_once('@') {
            Some((pair, _)) => Some(parse_credentials(pair)?),
            None => None,
        };
        Ok(Self { protocol, endpoint, credentials })
    }
}

/// Parses `USER:PASSWORD`, each percent-encoded.
fn parse_credentials(pair: &str) -> Result<Credentials, Utf8Error> {
    let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
    Ok(Credentials {
        user: percent_decode_str(user).decode_utf8()?.into_owned(),
        password: Zeroizing::new(percent_decode_str(password).decode_utf8()?.into_owned()),
    })
}

/// The proxy that was chosen, and the hosts that need none.
#[derive(Clone, Default)]
pub(crate) struct ProxyChoice {
    proxy: Option<Proxy>,
    /// Decides which hosts go through the proxy; `None` if all do.
    matcher: Option<Arc<Matcher>>,
}

impl ProxyChoice {
    /// Chooses a proxy for every host.
    pub(crate) fn always(proxy: Proxy) -> Self {
        Self { proxy: Some(proxy), matcher: None }
    }

    /// Chooses a proxy for every host but the loopback and those that `no_proxy` names, by the rules of hyper-util.
    pub(crate) fn unless_exempt(proxy: Proxy, no_proxy: &str) -> Self {
        // The matcher never sees the real URL, which may contain a password.
        let matcher = Matcher::builder().all("http://proxy").no(no_proxy).build();
        Self { proxy: Some(proxy), matcher: Some(Arc::new(matcher)) }
    }

    /// Adds what no message may repeat: the password, and how it is sent.
    pub(crate) fn add_secrets(&self, mask: &mut Mask) {
        if let Some(Proxy { credentials: Some(Credentials { user, password }), .. }) = &self.proxy {
            let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
            mask.add(password);
            mask.add(&Zeroizing::new(Base64::encode_string(password.as_bytes())));
            mask.add(&Zeroizing::new(Base64::encode_string(pair.as_bytes())));
        }
    }

    /// Returns the proxy for this host.
    pub(crate) fn for_host(&self, host: &str) -> Option<Proxy> {
        match &self.matcher {
            Some(matcher) if is_loopback(host) || !takes(matcher, host) => None,
            _ => self.proxy.clone(),
        }
    }
}

/// Returns whether the host goes through the proxy of the matcher.
fn takes(matcher: &Matcher, host: &str) -> bool {
    let endpoint = Endpoint { host: host.to_owned(), port: 443 };
    match format!("https://{endpoint}/").parse() {
        Ok(url) => matcher.intercept(&url).is_some(),
        Err(_) => true,
    }
}

/// Returns whether the host is this machine, which a proxy would take for itself (RFC 6761 section 6.3).
fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

/// The cause of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefusalCause {
    /// The proxy wants credentials, or others.
    Credentials,
    /// The proxy found no address for the server's name.
    Dns,
    /// The proxy could not reach the server, for whatever reason.
    Server,
    /// The proxy does not allow it.
    Rule,
}

/// The reason why a proxy opened no tunnel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    #[error("the proxy answered {text}")]
    Refused { cause: RefusalCause, text: String },
    #[error("the proxy does not answer CONNECT: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request to the proxy is not valid: {0}")]
    Request(#[from] http::Error),
    #[error("the credentials do not fit into a header: {0}")]
    Header(#[from] header::InvalidHeaderValue),
    #[error("the proxy closed the connection: {0}")]
    Closed(io::Error),
    #[error("the proxy does not speak SOCKS5")]
    NotSocks5,
    #[error("the proxy did not answer within {}", seconds(*.0))]
    Timeout(Duration),
}

impl From<tokio_socks::Error> for ProxyError {
    fn from(error: tokio_socks::Error) -> Self {
        match error {
            tokio_socks::Error::Io(error) => Self::Closed(error),
            tokio_socks::Error::InvalidResponseVersion => Self::NotSocks5,
            error => Self::Refused { cause: socks_cause(&error), text: format!("\"{error}\"") },
        }
    }
}

/// Returns the cause of a refusal. SOCKS5 has no code for a name without addresses (RFC 1928 section 6): proxies
/// send "host unreachable" or "general failure" for it.
fn socks_cause(error: &tokio_socks::Error) -> RefusalCause {
    use tokio_socks::Error;
    match error {
        Error::NoAcceptableAuthMethods | Error::PasswordAuthFailure(_) => RefusalCause::Credentials,
        Error::GeneralSocksServerFailure
        | Error::NetworkUnreachable
        | Error::HostUnreachable
        | Error::ConnectionRefused
        | Error::TtlExpired => RefusalCause::Server,
        _ => RefusalCause::Rule,
    }
}

impl Credentials {
    /// Returns the value of Proxy-Authorization (RFC 7617).
    fn to_header(&self) -> Result<HeaderValue, header::InvalidHeaderValue> {
        let pair = Zeroizing::new(format!("{}:{}", self.user, self.password.as_str()));
        let mut value = HeaderValue::try_from(format!("Basic {}", Base64::encode_string(pair.as_bytes())))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Proxy {
    /// Returns whether the proxy's URL has a user and a password.
    pub(crate) fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// Returns whether the proxy takes requests for plain HTTP themselves, not only tunnels (RFC 9112 section 3.2.2).
    pub(crate) fn takes_requests(&self) -> bool {
        self.protocol == ProxyProtocol::Http
    }

    /// Returns the value of Proxy-Authorization for such a request.
    ///
    /// # Errors
    /// If the credentials do not fit into a header.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, header::InvalidHeaderValue> {
        match &self.credentials {
            Some(credentials) => Ok(Some(credentials.to_header()?)),
            None => Ok(None),
        }
    }

    /// Opens a tunnel to `target`.
    ///
    /// # Errors
    /// If the proxy refuses or does not answer within `timeout`.
    pub(crate) async fn tunnel(
        &self,
        stream: TcpStream,
        target: &Endpoint,
        timeout: Duration,
    ) -> Result<Box<dyn Stream>, ProxyError> {
        if self.protocol == ProxyProtocol::Socks5 {
            return within(timeout, self.socks(stream, target)).await;
        }
        let response = within(timeout, self.connect(stream, target)).await?;
        if response.status().is_success() {
            return Ok(Box::new(TokioIo::new(hyper::upgrade::on(response).await?)));
        }
        Err(refusal(response).await)
    }

    async fn connect(&self, stream: TcpStream, target: &Endpoint) -> Result<Answer, ProxyError> {
        let mut builder = http::Request::connect(target.to_string()).header(header::HOST, target.to_string());
        if let Some(authorization) = self.authorization()? {
            builder = builder.header(header::PROXY_AUTHORIZATION, authorization);
        }
        let request = builder.body(Empty::<bytes::Bytes>::new())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender.send_request(request).await?)
    }

    async fn socks(&self, stream: TcpStream, target: &Endpoint) -> Result<Box<dyn Stream>, ProxyError> {
        let address = (target.host.as_str(), target.port);
        let tunnel = match &self.credentials {
            Some(Credentials { user, password }) => {
                Socks5Stream::connect_with_password_and_socket(stream, address, user, password).await?
            }
            None => Socks5Stream::connect_with_socket(stream, address).await?,
        };
        Ok(Box::new(tunnel))
    }
}

/// A proxy's answer to CONNECT.
type Answer = http::Response<hyper::body::Incoming>;

/// Waits for a proxy for this time.
async fn within<T>(limit: Duration, step: impl Future<Output = Result<T, ProxyError>>) -> Result<T, ProxyError> {
    match tokio::time::timeout(limit, step).await {
        Ok(result) => result,
        Err(_) => Err(ProxyError::Timeout(limit)),
    }
}

/// Reads a page, or what has come of it when the wait is over.
async fn read_page(body: hyper::body::Incoming) -> String {
    let mut body = Limited::new(body, MAX_BODY);
    let mut bytes = Vec::new();
    let end = tokio::time::Instant::now() + PAGE_WAIT;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(end, body.frame()).await {
        bytes.extend_from_slice(frame.data_ref().map_or(&[], bytes::Bytes::as_ref));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads a refusal: status line, requested authentication, title of the page.
async fn refusal(response: Answer) -> ProxyError {
    let mut text = format!("\"{}\"", status_line(&response));
    let mut schemes = Vec::new();
    for value in response.headers().get_all(header::PROXY_AUTHENTICATE) {
        schemes.extend(value.to_str());
    }
    if !schemes.is_empty() {
        text.push_str(&format!(" and asks for {}", schemes.join(", ")));
    }
    let (head, body) = response.into_parts();
    let page = read_page(body).await;
    if let Some(title) = title_in(&page)
        && !text.contains(title)
    {
        text.push_str(&format!(" ({title})"));
    }
    ProxyError::Refused { cause: http_cause(&head, &page), text }
}

/// Words on the page of a proxy that found no address: Squid, Apache, mitmproxy and Privoxy, HAProxy and others.
const DNS_WORDS: [&str; 6] = [
    "unable to determine ip address",
    "dns lookup failure",
    "could not be resolved",
    "could not resolve",
    "name or service not known",
    "no such domain",
];

/// Returns the cause of a refusal: from the status, from Squid's header or that of RFC 9209, or from the page.
fn http_cause(head: &http::response::Parts, page: &str) -> RefusalCause {
    // 401 is what tinyproxy answers.
    if matches!(head.status.as_u16(), 401 | 407) {
        return RefusalCause::Credentials;
    }
    for (name, word) in [("x-squid-error", "ERR_DNS_FAIL"), ("proxy-status", "error=dns_")] {
        let value = head.headers.get(name).map_or(&[][..], HeaderValue::as_bytes);
        if memchr::memmem::find(value, word.as_bytes()).is_some() {
            return RefusalCause::Dns;
        }
    }
    let page = page.to_ascii_lowercase();
    if head.status.is_server_error() && DNS_WORDS.iter().any(|words| page.contains(words)) {
        return RefusalCause::Dns;
    }
    if head.status.is_server_error() { RefusalCause::Server } else { RefusalCause::Rule }
}

fn status_line(response: &Answer) -> String {
    let status = response.status();
    match (response.extensions().get::<hyper::ext::ReasonPhrase>(), status.canonical_reason()) {
        (Some(phrase), _) => format!("{} {}", status.as_u16(), String::from_utf8_lossy(phrase.as_bytes())),
        (None, Some(phrase)) => format!("{} {phrase}", status.as_u16()),
        (None, None) => format!("{} ", status.as_u16()),
    }
}

/// Returns the title of an HTML page.
fn title_in(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<title>")?;
    let (title, _) = rest.split_once("</title>")?;
    Some(title.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let shape = |text: &str| text.parse::<Proxy>().map(|proxy| (proxy.to_string(), proxy.credentials.is_some()));
        assert_eq!(shape("http://proxy:3128"), Ok(("http://proxy:3128".to_owned(), false)));
        assert_eq!(shape("proxy:3128"), Ok(("http://proxy:3128".to_owned(), false)));
        assert_eq!(shape("socks5h://u:p%40q@[::1]"), Ok(("socks5://[::1]:1080".to_owned(), true)));
        let proxy: Proxy = "http://u%3A:hunter%402@proxy".parse().unwrap();
        assert_eq!(
            proxy.credentials.as_ref().map(|known| (known.user.as_str(), known.password.as_str())),
            Some(("u:", "hunter@2"))
        );
        assert!(!format!("{proxy:?}{proxy}").contains("hunter"));
        for wrong in ["ftp://a", "http://", "https://u:hunter2@a", "http://a:x", "http://u:hunter2%ff@a"] {
            let error = wrong.parse::<Proxy>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn exemptions_by_the_rules_of_hyper_util_and_the_loopback() {
        for (list, host, expected) in [
            ("*", "api.push.apple.com", true),
            ("a, *", "api.push.apple.com", true),
            ("localhost, .apple.com", "api.push.apple.com", true),
            ("apple.com", "api.push.apple.com", true),
            ("APPLE.com", "api.push.apple.com", true),
            ("pple.com", "api.push.apple.com", false),
            ("api.push.apple.com:443", "api.push.apple.com", false),
            ("a.example api.push.apple.com", "api.push.apple.com", false),
            ("*.apple.com", "api.push.apple.com", false),
            ("17.0.0.0/8", "17.188.1.2", true),
            ("17.0.0.0/8", "18.188.1.2", false),
            ("2620:149:a44::/48", "2620:149:a44::1", true),
            ("", "192.0.2.1", false),
            ("", "127.0.0.1", true),
            ("", "127.9.9.9", true),
            ("", "::1", true),
            ("", "::ffff:127.0.0.1", true),
            ("", "localhost", true),
            ("", "gateway.localhost", true),
            ("", "localhost.example.com", false),
        ] {
            let choice = ProxyChoice::unless_exempt("http://proxy:3128".parse().unwrap(), list);
            assert_eq!(choice.for_host(host).is_none(), expected, "{list} {host}");
        }
        let always = ProxyChoice::always("http://proxy:3128".parse().unwrap());
        assert!(always.for_host("localhost").is_some());
        assert!(ProxyChoice::default().for_host("a").is_none());
    }
}
