//! The TLS handshake: the certificate shown, the server judged, what it asked for taken note of.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslRef, SslVerifyMode, SslVersion};
use openssl::x509::{X509, X509StoreContextRef};
use serde::Serialize;
use tokio_openssl::SslStream;

use crate::net::proxy::Stream;
use crate::net::requested::{Flight, Requested, Wire};
use crate::net::tap::alert_received;
use crate::net::trust::{Judgement, ServerCertificate, Stores, TrustedBy};

/// The protocol that is offered, as ALPN has it (RFC 7301, RFC 9113 section 3.2).
const ALPN: &[u8] = b"\x02h2";

/// What a client shows: the certificate, its authorities from the same file, and the key.
pub(crate) struct ClientIdentity {
    /// The certificate.
    pub(crate) leaf: X509,
    /// The authorities.
    pub(crate) authorities: Vec<X509>,
    /// The private key, which OpenSSL wipes when it is dropped.
    pub(crate) key: PKey<Private>,
}

/// What is known of a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct TlsReport {
    /// The version, as "TLSv1.3".
    pub(crate) version: Option<String>,
    /// The cipher suite.
    pub(crate) cipher: Option<String>,
    /// The protocol that the server chose.
    pub(crate) alpn: Option<String>,
    /// The server's chain, the leaf first.
    pub(crate) server_chain: Vec<ServerCertificate>,
    /// The root that ended it.
    pub(crate) root: Option<ServerCertificate>,
    /// Which stores trust it; null where no chain was seen.
    pub(crate) trusted_by: Option<TrustedBy>,
    /// The authorities that the server takes client certificates from: null where it asked for no
    /// certificate (or that could not be told), empty where it takes all.
    pub(crate) requested_cas: Option<Vec<String>>,
}

impl TlsReport {
    fn note_server(&mut self, judgement: Judgement) {
        self.server_chain = judgement.chain;
        self.root = judgement.root;
        self.trusted_by = Some(judgement.trusted_by);
    }

    fn note_connection(&mut self, ssl: &SslRef) {
        self.version = Some(ssl.version_str().to_owned());
        self.cipher = ssl.current_cipher().map(|cipher| cipher.name().to_owned());
        self.alpn = ssl.selected_alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
    }
}

/// Why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The server sent an alert.
    #[error("the server sent the TLS alert {} ({})", crate::apns::alert::name(*.0), .0)]
    Alert(u8),
    /// The server is not who it should be.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(String),
    /// It answered, but not in TLS.
    #[error("what answered does not speak TLS")]
    NotTls,
    /// The connection was closed.
    #[error("the connection was closed during the TLS handshake")]
    Closed,
    /// The server kept silent.
    #[error("the TLS handshake did not end within {}", crate::check::stage::seconds(*.0))]
    Timeout(Duration),
    /// It does not offer HTTP/2.
    #[error("the server does not offer HTTP/2 (it chose {})", .0.as_deref().unwrap_or("no protocol"))]
    NoHttp2(Option<String>),
    /// Anything else.
    #[error("the TLS handshake failed: {0}")]
    Other(String),
}

/// A connection, or why there is none, with what was learnt of the server in either case.
pub(crate) struct Handshake {
    /// The connection.
    pub(crate) result: Result<SslStream<Wire<Box<dyn Stream>>>, TlsError>,
    /// What was learnt.
    pub(crate) report: TlsReport,
    /// Whether the server asked for a certificate; `None` where it did not get that far.
    pub(crate) is_requested: Option<bool>,
}

/// Shakes hands over `transport`.
pub(crate) async fn connect(
    transport: Box<dyn Stream>,
    identity: &ClientIdentity,
    host: &str,
    is_apple: bool,
    stores: &Arc<Stores>,
    timeout: Duration,
) -> Handshake {
    let flight = Flight::default();
    let judgement = Arc::new(OnceLock::new());
    let mut report = TlsReport::default();
    let mut is_requested = None;
    let prepared = prepare(identity, host, is_apple, stores, &flight, &judgement);
    let stream = prepared.and_then(|ssl| SslStream::new(ssl, Wire::new(transport, flight.clone())));
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => return Handshake { result: Err(TlsError::Other(error.to_string())), report, is_requested },
    };
    let ended = tokio::time::timeout(timeout, Pin::new(&mut stream).connect()).await;
    report.note_connection(stream.ssl());
    let is_tls = flight.is_tls();
    if let Some(Requested { is_requested: requested, authorities }) = flight.finish(report.cipher.as_deref()) {
        is_requested = Some(requested);
        report.requested_cas = requested.then_some(authorities);
    }
    let judgement = judgement.get().cloned();
    let problem = judgement.as_ref().and_then(|judgement: &Judgement| judgement.problem.clone());
    if let Some(judgement) = judgement {
        report.note_server(judgement);
    }
    let result = match ended {
        Err(_) => Err(TlsError::Timeout(timeout)),
        Ok(Ok(())) if report.alpn.as_deref() == Some("h2") => Ok(stream),
        Ok(Ok(())) => Err(TlsError::NoHttp2(report.alpn.clone())),
        Ok(Err(_)) if problem.is_some() => Err(TlsError::Untrusted(problem.unwrap_or_default())),
        Ok(Err(_)) if is_tls == Some(false) => Err(TlsError::NotTls),
        Ok(Err(error)) => Err(match alert_received(&error) {
            Some(alert) => TlsError::Alert(alert),
            None if error.ssl_error().is_none() => TlsError::Closed,
            None => TlsError::Other(describe(&error)),
        }),
    };
    if result.is_err() && report.server_chain.is_empty() && is_tls != Some(true) {
        report.version = None;
    }
    Handshake { result, report, is_requested }
}

fn describe(error: &openssl::ssl::Error) -> String {
    let reasons = error.ssl_error().into_iter().flat_map(|stack| stack.errors());
    let reasons: Vec<_> = reasons.filter_map(openssl::error::Error::reason).collect();
    if reasons.iter().any(|reason| reason.contains("unexpected eof")) {
        return TlsError::Closed.to_string();
    }
    if reasons.is_empty() { error.to_string() } else { reasons.join(", ") }
}

fn prepare(
    identity: &ClientIdentity,
    host: &str,
    is_apple: bool,
    stores: &Arc<Stores>,
    flight: &Flight,
    judgement: &Arc<OnceLock<Judgement>>,
) -> Result<Ssl, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    // Whether a weak certificate is good enough is for the gateway to say, not for OpenSSL.
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_alpn_protos(ALPN)?;
    context.set_certificate(&identity.leaf)?;
    for authority in &identity.authorities {
        context.add_extra_chain_cert(authority.clone())?;
    }
    context.set_private_key(&identity.key)?;
    let log = flight.clone();
    context.set_keylog_callback(move |_, line| log.note_key(line));
    let mut ssl = Ssl::new(&context.build())?;
    if host.parse::<std::net::IpAddr>().is_err() {
        ssl.set_hostname(host)?;
    }
    // OpenSSL is given no roots, so that it asks here about every chain.
    let (stores, judgement, host) = (Arc::clone(stores), Arc::clone(judgement), host.to_owned());
    let verify = move |is_fine: bool, context: &mut X509StoreContextRef| {
        let judge = || {
            let chain = context.chain().map(|chain| chain.iter().map(ToOwned::to_owned).collect::<Vec<X509>>());
            stores.judge(&chain.unwrap_or_default(), &host, is_apple)
        };
        is_fine || judgement.get_or_init(judge).problem.is_none()
    };
    ssl.set_verify_callback(SslVerifyMode::PEER, verify);
    Ok(ssl)
}
