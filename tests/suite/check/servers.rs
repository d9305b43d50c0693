//! Servers that are not the gateway: TLS with any chain, and any bytes after the handshake.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: X509,
    pub(crate) key: PKey<Private>,
}

/// The certificate to make: of an authority, unless it is for a host. Valid for a range of days from now.
pub(super) struct Spec<'a> {
    pub(super) name: &'a str,
    pub(super) host: Option<&'a str>,
    pub(super) issuer: Option<&'a Issued>,
    pub(super) days: (i64, i64),
}

/// Returns a certificate for localhost.
pub(crate) fn server(issuer: &Issued, days: (i64, i64)) -> Issued {
    issue(&Spec { name: "localhost", host: Some("localhost"), issuer: Some(issuer), days })
}

/// Returns an authority, which signed itself unless it has an issuer.
pub(crate) fn authority(name: &str, issuer: Option<&Issued>, days: (i64, i64)) -> Issued {
    issue(&Spec { name, host: None, issuer, days })
}

pub(super) fn issue(spec: &Spec<'_>) -> Issued {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", spec.name).unwrap();
    let name = name.build();
    let at = |days: i64| Asn1Time::from_unix(time::OffsetDateTime::now_utc().unix_timestamp() + days * 86400).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(spec.issuer.map_or(&*name, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&at(spec.days.0)).unwrap();
    builder.set_not_after(&at(spec.days.1)).unwrap();
    let mut constraints = BasicConstraints::new();
    match spec.host {
        None => drop(constraints.ca()),
        Some(host) => {
            let context = builder.x509v3_context(None, None);
            let names = SubjectAlternativeName::new().dns(host).build(&context).unwrap();
            builder.append_extension(names).unwrap();
        }
    }
    builder.append_extension(constraints.critical().build().unwrap()).unwrap();
    builder.sign(spec.issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Issued { certificate: builder.build(), key }
}

/// A context of a server that sends this chain after its certificate, and requests a certificate of the client.
pub(crate) fn context(server: &Issued, chain: &[&Issued], is_requesting: bool) -> SslContext {
    context_builder(server, chain, is_requesting).build()
}

fn context_builder(server: &Issued, chain: &[&Issued], is_requesting: bool) -> SslContextBuilder {
    let mut context: SslContextBuilder = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_certificate(&server.certificate).unwrap();
    context.set_private_key(&server.key).unwrap();
    for issued in chain {
        context.add_extra_chain_cert(issued.certificate.clone()).unwrap();
    }
    if is_requesting {
        context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    }
    context.set_alpn_select_callback(|_, offered| {
        openssl::ssl::select_next_proto(b"\x02h2", offered).ok_or(AlpnError::NOACK)
    });
    context
}

/// A context of a server that lets nobody in without a certificate.
pub(super) fn strict_context(server: &Issued) -> SslContext {
    let mut context: SslContextBuilder = SslContext::builder(SslMethod::tls_server()).unwrap();
    context.set_certificate(&server.certificate).unwrap();
    context.set_private_key(&server.key).unwrap();
    context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    context.set_alpn_select_callback(|_, offered| {
        openssl::ssl::select_next_proto(b"\x02h2", offered).ok_or(AlpnError::NOACK)
    });
    context.build()
}

/// Lets the act play on each connection; returns the port.
pub(super) fn serve_tcp(act: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let act = Arc::new(act);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (act, stream) = (Arc::clone(&act), stream.unwrap());
            thread::spawn(move || act(stream));
        }
    });
    port
}

/// Lets the act play on each connection after its handshake, if there is one; returns the port.
pub(crate) fn serve_tls(context: SslContext, act: impl Fn(&mut SslStream<TcpStream>) + Send + Sync + 'static) -> u16 {
    serve_tcp(move |stream| {
        let Ok(mut stream) = SslStream::new(Ssl::new(&context).unwrap(), stream) else { return };
        if stream.accept().is_ok() {
            act(&mut stream);
        }
    })
}

/// Sends these bytes after the client's first, and then reads until the client is gone.
pub(crate) fn say(stream: &mut (impl Read + Write), bytes: &[u8]) {
    let mut space = [0; 4096];
    let _ = stream.read(&mut space);
    let _ = stream.write_all(bytes);
    while matches!(stream.read(&mut space), Ok(1..)) {}
}

/// Returns an HTTP/2 frame of stream 0.
pub(super) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, 0, 0, 0, 0, 0], payload].concat()
}

/// An HTTP/2 server, and the CA that issued its certificate.
pub(crate) struct H2Server {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
}

impl H2Server {
    /// Returns the file of its CA certificate.
    pub(crate) fn ca(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// Answers every request with what `answer` makes of it, and a body.
pub(crate) fn serve_h2(
    answer: impl Fn(&http::Request<h2::RecvStream>) -> http::response::Builder + Send + Sync + 'static,
    body: &'static str,
) -> H2Server {
    serve_answers(|_| {}, move |request| Answer { head: answer(request), body: body.to_owned(), trailers: None })
}

/// An answer of an HTTP/2 server.
pub(super) struct Answer {
    pub(super) head: http::response::Builder,
    pub(super) body: String,
    pub(super) trailers: Option<http::HeaderMap>,
}

/// Answers every request with what `answer` makes of it, with what `adjust` makes of the context.
pub(super) fn serve_answers(
    adjust: impl Fn(&mut SslContextBuilder),
    answer: impl Fn(&http::Request<h2::RecvStream>) -> Answer + Send + Sync + 'static,
) -> H2Server {
    let root = authority("root", None, (-1, 30));
    let leaf = server(&root, (-1, 30));
    let mut builder = context_builder(&leaf, &[], true);
    adjust(&mut builder);
    let tls = builder.build();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), root.certificate.to_pem().unwrap()).unwrap();
    let answer = Arc::new(answer);
    let port = serve_tcp(move |stream| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        stream.set_nonblocking(true).unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let mut stream = tokio_openssl::SslStream::new(Ssl::new(&tls).unwrap(), stream).unwrap();
            if std::pin::Pin::new(&mut stream).accept().await.is_err() {
                return;
            }
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                let Answer { head, body, trailers } = answer(&request);
                let mut stream = respond.send_response(head.body(()).unwrap(), false).unwrap();
                stream.send_data(bytes::Bytes::from(body), trailers.is_none()).unwrap();
                if let Some(trailers) = trailers {
                    stream.send_trailers(trailers).unwrap();
                }
            }
        });
    });
    H2Server { port, folder }
}
