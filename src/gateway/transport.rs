//! Connections: TCP and TLS.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use openssl::ssl::{Ssl, SslContext, SslRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use crate::certificate::Certificate;
use crate::gateway::fault::{Fault, TcpFault};
use crate::gateway::observer::Observer;
use crate::gateway::policy::RequestPolicy;
use crate::gateway::raw_http2::{discard_input, refuse_client};
use crate::gateway::throttle::ThrottledStream;
use crate::gateway::{connection, frame_faults};

/// Limit for the connections that are open at the same time.
const MAX_CONNECTIONS: usize = 512;
/// Time limit for a TLS handshake, and for an HTTP/2 one.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a connection without requests; APNs keeps them for about an hour.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
/// Time limit for a connection to end after it was refused or the gateway stops.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause after a connection could not be accepted, for instance because no file descriptor is left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The data that all connections share.
pub(super) struct SharedState {
    pub(super) tls: SslContext,
    pub(super) policy: RequestPolicy,
    pub(super) observer: Arc<Observer>,
    pub(super) fault: Option<Fault>,
    /// The limit for concurrent streams of a connection.
    pub(super) max_streams: u32,
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
        client => connection::serve(stream, client.as_ref(), shared).await,
    }
}

fn client_certificate(ssl: &SslRef) -> Option<Certificate> {
    let der = ssl.peer_certificate()?.to_der().ok()?;
    Certificate::parse(&der).ok()
}
