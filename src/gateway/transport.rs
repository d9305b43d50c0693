//! Connections: TCP, TLS and HTTP/2, down to single requests.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::Connection;
use openssl::ssl::{Ssl, SslContext, SslRef};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_openssl::SslStream;

use crate::certificate::Certificate;
use crate::gateway::fault::{Fault, TcpFault};
use crate::gateway::observer::Observer;
use crate::gateway::policy::RequestPolicy;
use crate::gateway::raw_http2::{SETTINGS, discard_input, refuse_client};
use crate::gateway::throttle::ThrottledStream;
use crate::gateway::{frame_faults, responder};

/// Limit for the connections that are open at the same time.
const MAX_CONNECTIONS: usize = 512;
/// Time limit for a TLS handshake, and for an HTTP/2 one.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a connection without requests; APNs keeps them for about an hour.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
/// Time limit for a connection to end after it was refused or the gateway stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after a connection could not be accepted, for instance because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The data that all connections share.
pub(super) struct SharedState {
    pub(super) tls: SslContext,
    pub(super) policy: RequestPolicy,
    pub(super) observer: Arc<Observer>,
    pub(super) fault: Option<Fault>,
    /// Turns true when the gateway stops.
    pub(super) stop: watch::Receiver<bool>,
}

impl SharedState {
    /// Waits until the gateway stops.
    pub(super) async fn stopped(&self) {
        let _ = self.stop.clone().wait_for(|is_stopping| *is_stopping).await;
    }
}

/// Serves connections until the gateway stops.
pub(super) async fn serve(listener: &TcpListener, shared: Arc<SharedState>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // Beyond the limit, connections wait in the kernel's queue.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        tokio::select! {
            (slot, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        serve_tcp(stream, &shared).await;
                        drop(slot);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            () = shared.stopped() => break,
        }
    }
    let _ = timeout(CLOSE_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await;
}

async fn serve_tcp(mut stream: TcpStream, shared: &Arc<SharedState>) {
    let _ = stream.set_nodelay(true);
    let Some(Fault::Tcp(fault)) = &shared.fault else {
        return serve_tls(ThrottledStream::at_full_speed(stream), HANDSHAKE_TIMEOUT, shared).await;
    };
    match fault {
        TcpFault::Close => {}
        TcpFault::StallTls => discard_input(&mut stream, IDLE_TIMEOUT).await,
        TcpFault::Slow => serve_tls(ThrottledStream::slowed(stream), IDLE_TIMEOUT, shared).await,
    }
}

async fn serve_tls(stream: ThrottledStream<TcpStream>, time_limit: Duration, shared: &Arc<SharedState>) {
    let Ok(ssl) = Ssl::new(&shared.tls) else { return };
    let Ok(mut stream) = SslStream::new(ssl, stream) else { return };
    match timeout(time_limit, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        // The alert was sent. The client must be able to read it before the connection is reset.
        Ok(Err(_)) => return discard_input(stream.get_mut(), CLOSE_TIMEOUT).await,
        Err(_) => return,
    }
    if let Some(Fault::Frame(fault)) = &shared.fault {
        return frame_faults::run(fault, stream).await;
    }
    if stream.ssl().selected_alpn_protocol() != Some(b"h2") {
        return discard_input(&mut stream, CLOSE_TIMEOUT).await;
    }
    match client_certificate(stream.ssl()) {
        Some(client) if !shared.policy.admits(&client) => refuse_client(stream, "BadCertificateEnvironment").await,
        Some(client) => serve_http2(stream, Some(Arc::new(client)), shared).await,
        None => serve_http2(stream, None, shared).await,
    }
}

fn client_certificate(ssl: &SslRef) -> Option<Certificate> {
    let der = ssl.peer_certificate()?.to_der().ok()?;
    Certificate::parse(&der).ok()
}

/// Answers requests until the client closes, sends none for too long, or the gateway stops.
async fn serve_http2<S>(stream: S, client: Option<Arc<Certificate>>, shared: &Arc<SharedState>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = h2::server::Builder::new();
    builder
        .header_table_size(SETTINGS.header_table_size)
        .max_concurrent_streams(SETTINGS.max_concurrent_streams)
        .initial_window_size(SETTINGS.initial_window_size)
        .max_frame_size(SETTINGS.max_frame_size)
        .max_header_list_size(SETTINGS.max_header_list_size);
    let Ok(Ok(mut connection)) = timeout(HANDSHAKE_TIMEOUT, builder.handshake(stream)).await else { return };
    let mut requests = JoinSet::new();
    let mut idle_until = Instant::now() + IDLE_TIMEOUT;
    let mut is_stopping = false;
    loop {
        tokio::select! {
            request = connection.accept() => match request {
                Some(Ok((request, sender))) => {
                    idle_until = Instant::now() + IDLE_TIMEOUT;
                    let (shared, client) = (Arc::clone(shared), client.clone());
                    requests.spawn(async move { responder::respond(request, sender, client.as_deref(), &shared).await });
                }
                Some(Err(_)) | None => return,
            },
            Some(_) = requests.join_next() => {}
            () = sleep_until(idle_until) => return close_http2(connection).await,
            () = shared.stopped(), if !is_stopping => {
                is_stopping = true;
                connection.graceful_shutdown();
            }
        }
    }
}

async fn close_http2<S: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<S, Bytes>) {
    connection.graceful_shutdown();
    let _ = timeout(CLOSE_TIMEOUT, async { while connection.accept().await.is_some() {} }).await;
}
