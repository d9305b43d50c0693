//! Proxies: HTTP CONNECT (RFC 9110 section 9.3.6) with Basic authentication, and SOCKS5 (RFC 1928, 1929).
//! The proxy resolves the gateway's name.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding};
use http::Uri;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_socks::tcp::Socks5Stream;
use zeroize::Zeroizing;

use crate::apns::endpoint::Endpoint;

/// What is read of a refusal's body.
const MAX_BODY: usize = 64 << 10;

/// A stream to the gateway, whatever lies beneath.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The kinds of proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProxyKind {
    Http,
    Socks5,
}

/// A proxy with its credentials, which Debug and Display leave out.
#[derive(Clone)]
pub(crate) struct Proxy {
    kind: ProxyKind,
    /// Where it listens.
    pub(crate) endpoint: Endpoint,
    credentials: Option<(String, Zeroizing<String>)>,
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.kind {
            ProxyKind::Http => "http",
            ProxyKind::Socks5 => "socks5",
        };
        write!(f, "{scheme}://{}", self.endpoint)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl FromStr for Proxy {
    type Err = String;

    /// `http://[USER:PASSWORD@]HOST[:PORT]`, or `socks5://…` or `socks5h://…`; without a scheme, http.
    fn from_str(text: &str) -> Result<Self, String> {
        // The value is not repeated in messages: there may be a password in it.
        let expected = || "http://[USER:PASSWORD@]HOST:PORT or socks5://… is expected".to_owned();
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url: Uri = text.parse().map_err(|_| expected())?;
        let (kind, port) = match url.scheme_str() {
            Some("http") => (ProxyKind::Http, 80),
            Some("socks5" | "socks5h") => (ProxyKind::Socks5, 1080),
            Some("https") => {
                return Err(
                    "a proxy that is itself reached by TLS is not supported; http:// or socks5:// is".to_owned()
                );
            }
            _ => return Err(expected()),
        };
        let authority = url.authority().ok_or_else(expected)?;
        let endpoint = endpoint_of(authority, port).ok_or_else(expected)?;
        let decode = |text: &str| -> Result<String, String> {
            percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| expected())
        };
        let credentials = match authority.as_str().rsplit_once('@') {
            None => None,
            Some((pair, _)) => {
                let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
                Some((decode(user)?, Zeroizing::new(decode(password)?)))
            }
        };
        Ok(Self { kind, endpoint, credentials })
    }
}

/// Host and port of a URL's authority (RFC 3986 section 3.2).
pub(crate) fn endpoint_of(authority: &http::uri::Authority, default_port: u16) -> Option<Endpoint> {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let after_host = authority.as_str().rsplit_once(authority.host()).map_or("", |(_, rest)| rest);
    let port = match after_host.strip_prefix(':') {
        Some(port) => port.parse().ok()?,
        None => default_port,
    };
    (!host.is_empty() && port != 0).then(|| Endpoint { host: host.to_ascii_lowercase(), port })
}

/// Whether `NO_PROXY` names the host: `*`, an address, a name, or a domain (with or without its dot).
pub(crate) fn is_exempt(no_proxy: &str, host: &str) -> bool {
    let is_named = |entry: &str| {
        let entry = entry.trim().trim_start_matches('.').to_ascii_lowercase();
        let name = entry.parse::<Endpoint>().map_or(entry.clone(), |endpoint| endpoint.host);
        let ends_in = || host.strip_suffix(&name).is_some_and(|rest| rest.ends_with('.'));
        entry == "*" || (!name.is_empty() && (name == host || ends_in()))
    };
    no_proxy.split(',').any(is_named)
}

/// Why a proxy does not lead on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// It said no.
    #[error("the proxy answered {0}")]
    Refused(String),
    /// It does not speak the protocol, or broke off.
    #[error("{0}")]
    Failed(String),
}

impl Proxy {
    /// Asks for a tunnel to `target`.
    ///
    /// # Errors
    /// When the proxy refuses, in its own words.
    pub(crate) async fn tunnel(&self, stream: TcpStream, target: &Endpoint) -> Result<Box<dyn Stream>, ProxyError> {
        match self.kind {
            ProxyKind::Http => self.connect(stream, target).await,
            ProxyKind::Socks5 => self.socks(stream, target).await,
        }
    }

    async fn connect(&self, stream: TcpStream, target: &Endpoint) -> Result<Box<dyn Stream>, ProxyError> {
        let failed =
            |error: &dyn fmt::Display| ProxyError::Failed(format!("the proxy does not answer CONNECT: {error}"));
        let mut request = http::Request::connect(target.to_string()).header(http::header::HOST, target.to_string());
        if let Some((user, password)) = &self.credentials {
            let pair = Zeroizing::new(format!("{user}:{}", password.as_str()));
            let mut value = http::HeaderValue::try_from(format!("Basic {}", Base64::encode_string(pair.as_bytes())))
                .map_err(|error| failed(&error))?;
            value.set_sensitive(true);
            request = request.header(http::header::PROXY_AUTHORIZATION, value);
        }
        let request = request.body(Empty::<bytes::Bytes>::new()).map_err(|error| failed(&error))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        tokio::spawn(connection.with_upgrades());
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        if response.status().is_success() {
            let upgraded = hyper::upgrade::on(response).await.map_err(|error| failed(&error))?;
            return Ok(Box::new(TokioIo::new(upgraded)));
        }
        Err(ProxyError::Refused(quote(response).await))
    }

    async fn socks(&self, stream: TcpStream, target: &Endpoint) -> Result<Box<dyn Stream>, ProxyError> {
        let address = (target.host.as_str(), target.port);
        let result = match &self.credentials {
            Some((user, password)) => {
                Socks5Stream::connect_with_password_and_socket(stream, address, user, password).await
            }
            None => Socks5Stream::connect_with_socket(stream, address).await,
        };
        match result {
            Ok(stream) => Ok(Box::new(stream)),
            Err(tokio_socks::Error::Io(error)) => Err(ProxyError::Failed(format!("the proxy broke off: {error}"))),
            Err(tokio_socks::Error::InvalidResponseVersion) => {
                Err(ProxyError::Failed("the proxy does not speak SOCKS5".to_owned()))
            }
            Err(error) => Err(ProxyError::Refused(format!("\"{error}\""))),
        }
    }
}

/// A refusal in the proxy's own words: status line, what authentication it wants, the page's title.
async fn quote(response: http::Response<hyper::body::Incoming>) -> String {
    let status = response.status();
    let phrase = response.extensions().get::<hyper::ext::ReasonPhrase>();
    let phrase = phrase.map(|phrase| String::from_utf8_lossy(phrase.as_bytes()).into_owned());
    let phrase = phrase.or_else(|| status.canonical_reason().map(str::to_owned)).unwrap_or_default();
    let mut text = format!("\"{} {phrase}\"", status.as_u16());
    let wanted = response.headers().get_all(http::header::PROXY_AUTHENTICATE).iter();
    let wanted: Vec<_> = wanted.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
    if !wanted.is_empty() {
        text.push_str(&format!(" and asks for {}", wanted.join(", ")));
    }
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default();
    let title = body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    if let Some((title, _)) = title {
        text.push_str(&format!(" ({})", title.trim()));
    }
    text
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
        assert_eq!(proxy.credentials.as_ref().map(|(u, p)| (u.as_str(), p.as_str())), Some(("u:", "hunter@2")));
        assert!(!format!("{proxy:?}{proxy}").contains("hunter"));
        for wrong in ["ftp://a", "http://", "https://u:hunter2@a", "http://a:x", "http://u:hunter2%ff@a"] {
            let error = wrong.parse::<Proxy>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn exemptions() {
        for (list, host, expected) in [
            ("*", "api.push.apple.com", true),
            ("localhost, .apple.com", "api.push.apple.com", true),
            ("apple.com", "api.push.apple.com", true),
            ("pple.com", "api.push.apple.com", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("", "a", false),
            ("a:443", "a", true),
        ] {
            assert_eq!(is_exempt(list, host), expected, "{list} {host}");
        }
    }
}
