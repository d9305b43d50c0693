//! The TLS handshake: presents the client certificate, judges the server's, and reports what the server requested.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslRef, SslVerifyMode, SslVersion};
use openssl::stack::StackRef;
use openssl::x509::{X509, X509StoreContext, X509StoreContextRef};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use crate::net::alert;
use crate::net::certificate_request::{has_signature_algorithm, requested_cas};
use crate::net::device_lines::DEVICE_PROTOCOL;
use crate::net::dial::Stream;
use crate::net::mask::Mask;
use crate::net::server_chain::{ChainFlaw, ServerCertificate};
use crate::net::trust::{Judgement, Stores, TrustPolicy, TrustProblem, TrustedBy};
use crate::text::seconds;

/// The protocol that is asked for in ALPN (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Application {
    /// RFC 9113 section 3.2.
    Http2,
    /// HTTP/1.1, which servers speak that choose no protocol.
    Http1,
    /// [`crate::net::device_lines`].
    Device,
    /// Servers before PostgreSQL 17 choose no protocol.
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Application {
    const fn protocol(self) -> &'static [u8] {
        match self {
            Self::Http2 => b"h2",
            Self::Http1 => b"http/1.1",
            Self::Device => DEVICE_PROTOCOL,
            #[cfg(feature = "postgres")]
            Self::Postgres => b"postgresql",
        }
    }

    /// Returns the list for ALPN: the length, then the name.
    fn offer(self) -> Vec<u8> {
        let protocol = self.protocol();
        let mut offer = vec![protocol.len() as u8];
        offer.extend(protocol);
        offer
    }

    /// Returns whether servers speak it that choose no protocol.
    fn is_default(self) -> bool {
        match self {
            Self::Http2 | Self::Device => false,
            Self::Http1 => true,
            #[cfg(feature = "postgres")]
            Self::Postgres => true,
        }
    }

    fn is_spoken(self, chosen: Option<&str>) -> bool {
        match chosen {
            Some(chosen) => chosen.as_bytes() == self.protocol(),
            None => self.is_default(),
        }
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http2 => "HTTP/2",
            Self::Http1 => "HTTP/1.1",
            Self::Device => "simulated devices",
            #[cfg(feature = "postgres")]
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// The certificate that the client presents, with the CA certificates from the same file, and its key.
pub(crate) struct ClientIdentity {
    pub(crate) leaf: X509,
    pub(crate) authorities: Vec<X509>,
    /// The private key, which OpenSSL wipes when it is dropped.
    pub(crate) key: PKey<Private>,
}

impl ClientIdentity {
    fn present(&self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        context.set_certificate(&self.leaf)?;
        for authority in &self.authorities {
            context.add_extra_chain_cert(authority.clone())?;
        }
        context.set_private_key(&self.key)
    }

    /// Presents the certificate and signs once, as a handshake does.
    ///
    /// # Errors
    /// If OpenSSL cannot use the certificate or the key, which is then no fault of a server or of the network.
    pub(crate) fn try_out(&self) -> Result<(), ErrorStack> {
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_security_level(0);
        self.present(&mut context)?;
        match self.key.id() {
            Id::ED25519 | Id::ED448 => sign(Signer::new_without_digest(&self.key)),
            _ => self.sign_with_any_digest(),
        }
    }

    /// Signs with the first digest that the key allows: one for RSA-PSS may be restricted to another than SHA-256.
    fn sign_with_any_digest(&self) -> Result<(), ErrorStack> {
        let mut result = sign(Signer::new(MessageDigest::sha256(), &self.key));
        for digest in [MessageDigest::sha384(), MessageDigest::sha512()] {
            if result.is_ok() {
                break;
            }
            result = sign(Signer::new(digest, &self.key));
        }
        result
    }
}

fn sign(signer: Result<Signer<'_>, ErrorStack>) -> Result<(), ErrorStack> {
    signer?.sign_oneshot_to_vec(b"pushcert").map(drop)
}

/// The server that a client expects, and how it must prove itself.
#[derive(Clone)]
pub(crate) struct ExpectedServer {
    pub(crate) host: String,
    pub(crate) application: Application,
    pub(crate) policy: TrustPolicy,
    pub(crate) stores: Arc<Stores>,
}

/// The facts of a TLS connection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct TlsReport {
    /// The version, as "TLSv1.3".
    pub(crate) version: Option<String>,
    /// The cipher suite.
    pub(crate) cipher: Option<String>,
    /// The protocol that the server chose.
    pub(crate) alpn: Option<String>,
    /// The server's chain as it was sent, the leaf first.
    pub(crate) server_chain: Vec<ServerCertificate>,
    /// The path that was built from it, from the leaf to a root, or as far as it leads.
    pub(crate) server_path: Vec<ServerCertificate>,
    /// What is wrong with the chain that was sent, although a path was built.
    pub(crate) chain_flaws: Vec<ChainFlaw>,
    /// The root of the path.
    pub(crate) root: Option<ServerCertificate>,
    /// The stores that trust it; null if the server sent no chain.
    pub(crate) trusted_by: Option<TrustedBy>,
    /// The names of the CAs whose client certificates the server accepts: empty if it accepts all; null if it
    /// requested no certificate, or the handshake ended before that.
    pub(crate) requested_cas: Option<Vec<String>>,
    /// True if the client certificate was sent, so that the server may have judged it.
    pub(crate) is_certificate_sent: bool,
    /// True if an empty list was sent instead, because the server takes no signature that the certificate's key can make.
    pub(crate) is_certificate_withheld: bool,
}

impl TlsReport {
    /// Returns whether the server requested a client certificate.
    pub(crate) fn is_certificate_requested(&self) -> bool {
        self.requested_cas.is_some()
    }

    /// Hides this side's own secrets in the server's words.
    pub(crate) fn mask(&mut self, mask: &Mask) {
        for certificate in self.server_chain.iter_mut().chain(&mut self.server_path).chain(&mut self.root) {
            certificate.mask(mask);
        }
        mask.apply_to(&mut self.alpn);
        for name in self.requested_cas.iter_mut().flatten() {
            mask.apply(name);
        }
    }

    fn add_server(&mut self, judgement: &Judgement) {
        self.server_chain.clone_from(&judgement.sent);
        self.server_path.clone_from(&judgement.path);
        self.chain_flaws.clone_from(&judgement.flaws);
        self.root.clone_from(&judgement.root);
        self.trusted_by = Some(judgement.trusted_by);
    }

    fn add_connection(&mut self, ssl: &SslRef) {
        self.version = Some(ssl.version_str().to_owned());
        if let Some(cipher) = ssl.current_cipher() {
            self.cipher = Some(cipher.name().to_owned());
        }
        if let Some(protocol) = ssl.selected_alpn_protocol() {
            self.alpn = Some(String::from_utf8_lossy(protocol).into_owned());
        }
        self.requested_cas = requested_cas(ssl);
    }
}

/// The reason why there is no TLS connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("the server sent the TLS alert {} ({})", alert::name(*.0), .0)]
    Alert(u8),
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(TrustProblem),
    #[error("the answer is not TLS")]
    NotTls,
    #[error("the server hung up on the ClientHello, without a word of TLS")]
    HungUp,
    #[error("the connection was closed during the TLS handshake")]
    Closed,
    #[error("the connection was reset during the TLS handshake")]
    Reset,
    #[error("the server did not answer the ClientHello within {}", seconds(*.0))]
    Silence(Duration),
    #[error("the TLS handshake did not end within {}", seconds(*.0))]
    Timeout(Duration),
    #[error("the server does not offer {0} (it chose {chosen})", chosen = .1.as_deref().unwrap_or("no protocol"))]
    NotOffered(Application, Option<String>),
    #[error("OpenSSL cannot sign with the private key: {0}")]
    Signing(String),
    #[error("the TLS handshake failed: {0}")]
    Other(String),
}

/// A TLS stream to a server.
pub(crate) type TlsStream = SslStream<FirstByteStream>;

/// A connection, or the reason why there is none, with the facts known in either case.
pub(crate) struct Handshake {
    pub(crate) result: Result<TlsStream, TlsError>,
    pub(crate) report: TlsReport,
}

/// Performs the handshake over `transport`; presents `identity`, if there is one.
pub(crate) async fn connect(
    transport: Box<dyn Stream>,
    identity: Option<&ClientIdentity>,
    server: &ExpectedServer,
    timeout: Duration,
) -> Handshake {
    let judgement = Arc::new(OnceLock::new());
    let mut report = TlsReport::default();
    let mut stream = match open(transport, identity, server, &judgement) {
        Ok(stream) => stream,
        Err(error) => return Handshake { result: Err(TlsError::Other(error.to_string())), report },
    };
    let ended = tokio::time::timeout(timeout, Pin::new(&mut stream).connect()).await;
    report.add_connection(stream.ssl());
    let is_tls = stream.get_ref().is_tls();
    if identity.is_some() && report.is_certificate_requested() && has_sent_all(&stream, &ended) {
        report.is_certificate_sent = has_signature_algorithm(stream.ssl());
        report.is_certificate_withheld = !report.is_certificate_sent;
    }
    let mut problem = None;
    if let Some(judgement) = judgement.get() {
        report.add_server(judgement);
        problem = judgement.problem.clone();
    }
    let result = match ended {
        Err(_) if is_tls.is_none() => Err(TlsError::Silence(timeout)),
        Err(_) => Err(TlsError::Timeout(timeout)),
        Ok(Ok(())) if server.application.is_spoken(report.alpn.as_deref()) => Ok(stream),
        Ok(Ok(())) => Err(TlsError::NotOffered(server.application, report.alpn.clone())),
        Ok(Err(error)) => Err(handshake_error(&error, problem, is_tls)),
    };
    if result.is_err() && report.server_chain.is_empty() && is_tls != Some(true) {
        report.version = None;
    }
    Handshake { result, report }
}

/// The end of a handshake, or none in time.
type HandshakeEnd = Result<Result<(), openssl::ssl::Error>, tokio::time::error::Elapsed>;

/// Returns whether the client has sent all its messages: with TLS 1.3 only after all of the server's, with TLS 1.2
/// before the server's last.
fn has_sent_all(stream: &TlsStream, ended: &HandshakeEnd) -> bool {
    let is_earlier = stream.ssl().version2() == Some(SslVersion::TLS1_2);
    matches!(ended, Ok(Ok(()))) || (is_earlier && stream.get_ref().has_replied)
}

fn handshake_error(error: &openssl::ssl::Error, problem: Option<TrustProblem>, is_tls: Option<bool>) -> TlsError {
    if let Some(problem) = problem {
        return TlsError::Untrusted(problem);
    }
    if is_tls == Some(false) {
        return TlsError::NotTls;
    }
    let is_reset = error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionReset);
    let closed = match is_tls {
        None => TlsError::HungUp,
        Some(_) if is_reset => TlsError::Reset,
        Some(_) => TlsError::Closed,
    };
    let Some(errors) = error.ssl_error() else { return closed };
    if let Some(number) = alert::received(error) {
        return TlsError::Alert(number);
    }
    let mut reasons = Vec::new();
    for error in errors.errors() {
        reasons.extend(error.reason());
    }
    let reasons = reasons.join(", ");
    if errors.errors().iter().any(is_about_signing) {
        return TlsError::Signing(reasons);
    }
    match reasons.as_str() {
        "" => TlsError::Other(error.to_string()),
        text if text.contains("unexpected eof") => closed,
        _ => TlsError::Other(reasons),
    }
}

/// Returns whether the error is from the function that signs for the client. OpenSSL has no reason of its own for it.
fn is_about_signing(error: &openssl::error::Error) -> bool {
    error.function().is_some_and(|function| function == "tls_construct_cert_verify")
}

fn open(
    transport: Box<dyn Stream>,
    identity: Option<&ClientIdentity>,
    server: &ExpectedServer,
    judgement: &Arc<OnceLock<Judgement>>,
) -> Result<TlsStream, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    // The server decides whether a weak client certificate is good enough, not OpenSSL.
    context.set_security_level(0);
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_alpn_protos(&server.application.offer())?;
    if let Some(identity) = identity {
        identity.present(&mut context)?;
    }
    let mut ssl = Ssl::new(&context.build())?;
    if server.host.parse::<IpAddr>().is_err() {
        ssl.set_hostname(&server.host)?;
    }
    let (server, judgement) = (server.clone(), Arc::clone(judgement));
    // OpenSSL has no roots here, so that it calls this for every chain.
    ssl.set_verify_callback(SslVerifyMode::PEER, move |is_valid, context| {
        is_valid || judgement.get_or_init(|| judge(&server, context)).problem.is_none()
    });
    SslStream::new(ssl, FirstByteStream::new(transport))
}

fn judge(server: &ExpectedServer, context: &X509StoreContextRef) -> Judgement {
    let mut chain = Vec::new();
    for certificate in sent_chain(context).into_iter().flatten() {
        chain.push(certificate.to_owned());
    }
    server.stores.judge(&chain, &server.host, server.policy)
}

/// Returns the chain as the server sent it. OpenSSL 3 knows it while it verifies; of an earlier version, this is what
/// it has built so far.
fn sent_chain(context: &X509StoreContextRef) -> Option<&StackRef<X509>> {
    let index = X509StoreContext::ssl_idx().ok()?;
    let sent = context.ex_data(index).and_then(SslRef::peer_cert_chain);
    sent.or_else(|| context.chain())
}

/// The stream below TLS, which remembers the first byte that it reads, and whether anything was written after it.
pub(crate) struct FirstByteStream {
    inner: Box<dyn Stream>,
    first: Option<u8>,
    has_replied: bool,
}

impl FirstByteStream {
    fn new(inner: Box<dyn Stream>) -> Self {
        Self { inner, first: None, has_replied: false }
    }

    /// Returns whether the answer is TLS; `None` if there is none yet.
    fn is_tls(&self) -> Option<bool> {
        // ContentType is 20 to 23 (RFC 8446 section 5.1).
        Some((20..=23).contains(&self.first?))
    }
}

impl AsyncRead for FirstByteStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        if self.first.is_none() {
            self.first = buffer.filled().get(before).copied();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FirstByteStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.has_replied |= self.first.is_some() && matches!(result, Poll::Ready(Ok(_)));
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
