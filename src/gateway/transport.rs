//! Connections: TCP and TLS.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use openssl::ssl::{Ssl, SslRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_openssl::SslStream;

use crate::certificate::Certificate;
use crate::gateway::acceptor::TlsContexts;
use crate::gateway::fault::{Faults, TcpFault};
use crate::gateway::fault_stream::ClientStream;
use crate::gateway::observer::Observer;
use crate::gateway::policy::RequestPolicy;
use crate::gateway::raw_http2::{discard_input, refuse_client};
use crate::gateway::responder::ClientSession;
use crate::gateway::slots::{ConnectionState, Slot, Slots};
use crate::gateway::throttle::ThrottledStream;
use crate::gateway::{connection, frame_faults, request_faults};

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
    pub(super) tls: TlsContexts,
    pub(super) policy: RequestPolicy,
    pub(super) observer: Arc<Observer>,
    pub(super) faults: Faults,
    /// The number of requests that could be struck by a fault so far.
    pub(super) requests: AtomicU64,
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
    let slots = Arc::new(Slots::default());
    let mut connections = JoinSet::new();
    let mut number = 0;
    let mut stop = pin!(shared.stopped());
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = async {
            // Where nobody can make room, connections wait in the kernel's queue.
            slots.wait_for_room().await;
            listener.accept().await
        };
        tokio::select! {
            accepted = accepted => if let Ok((stream, _)) = accepted {
                number += 1;
                connections.spawn(serve_in_slot(stream, number, slots.take(), Arc::clone(&shared)));
            } else {
                // No file descriptor is left, for instance.
                slots.evict();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            },
            () = &mut stop => break,
        }
    }
    let _ = timeout(CLOSE_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await;
}

/// Serves a connection until it ends, or must make room for another.
async fn serve_in_slot(stream: TcpStream, number: u64, slot: Slot, shared: Arc<SharedState>) {
    tokio::select! {
        () = serve_tcp(stream, number, &slot, &shared) => {}
        () = slot.evicted() => {}
    }
}

async fn serve_tcp(mut stream: TcpStream, number: u64, slot: &Slot, shared: &Arc<SharedState>) {
    let _ = stream.set_nodelay(true);
    match shared.faults.tcp(number) {
        None => serve_tls(ThrottledStream::at_full_speed(stream), number, HANDSHAKE_TIMEOUT, slot, shared).await,
        Some(TcpFault::Close) => {}
        Some(TcpFault::StallTls) => discard_input(&mut stream, IDLE_TIMEOUT).await,
        Some(TcpFault::Slow) => serve_tls(ThrottledStream::slowed(stream), number, IDLE_TIMEOUT, slot, shared).await,
    }
}

async fn serve_tls(
    stream: ThrottledStream<TcpStream>,
    number: u64,
    time_limit: Duration,
    slot: &Slot,
    shared: &Arc<SharedState>,
) {
    let context = shared.tls.with_fault(shared.faults.tls(number));
    let Ok(ssl) = Ssl::new(context) else { return };
    let Ok(mut stream) = SslStream::new(ssl, stream) else { return };
    match timeout(time_limit, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        // The alert was sent. The client must be able to read it before the connection is reset.
        Ok(Err(_)) => return discard_input(stream.get_mut(), CLOSE_TIMEOUT).await,
        Err(_) => return,
    }
    slot.enter(ConnectionState::Anonymous);
    if let Some(fault) = shared.faults.frame(number) {
        return frame_faults::run(fault, stream).await;
    }
    if stream.ssl().selected_alpn_protocol() != Some(b"h2") {
        return discard_input(&mut stream, CLOSE_TIMEOUT).await;
    }
    match client_certificate(stream.ssl()) {
        Some(client) if !shared.policy.admits(&client) => refuse_client(stream, "BadCertificateEnvironment").await,
        client => serve_requests(stream, number, client, slot, shared).await,
    }
}

async fn serve_requests(
    stream: ClientStream,
    number: u64,
    client: Option<Certificate>,
    slot: &Slot,
    shared: &Arc<SharedState>,
) {
    let session = ClientSession::new(client);
    if session.is_authenticated() {
        slot.enter(ConnectionState::Idle);
    }
    if shared.faults.concern_requests() {
        request_faults::serve(stream, number, session, shared).await;
    } else {
        connection::serve(stream, session, slot, shared).await;
    }
}

fn client_certificate(ssl: &SslRef) -> Option<Certificate> {
    let der = ssl.peer_certificate()?.to_der().ok()?;
    Certificate::parse(&der).ok()
}
