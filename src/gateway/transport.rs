//! Connections: TCP and TLS.

use std::future::poll_fn;
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
use crate::gateway::event_log::{Caller, CertificateId, Event, EventLog, HandshakeEntry};
use crate::gateway::fault::{TcpFault, TlsFault};
use crate::gateway::fault_stream::ClientStream;
use crate::gateway::observer::Observer;
use crate::gateway::policy::RequestPolicy;
use crate::gateway::raw_http2::{discard_input, refuse_client};
use crate::gateway::responder::ClientSession;
use crate::gateway::running_faults::Faults;
use crate::gateway::slots::{ConnectionState, Slot, Slots};
use crate::gateway::throttle::ThrottledStream;
use crate::gateway::{connection, device_session, frame_faults, request_faults};
use crate::net::device_lines::DEVICE_PROTOCOL;

/// Time limit for a TLS handshake, and for an HTTP/2 one.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a connection without requests; APNs keeps them for about an hour.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(3600);
/// Time limit for a connection that makes room to answer what is open, and to end.
const GOODBYE_TIMEOUT: Duration = Duration::from_millis(500);
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
    pub(super) event_log: Option<EventLog>,
    /// The number of requests that could be struck by a fault so far.
    pub(super) requests: AtomicU64,
    /// The limit for concurrent streams of a connection.
    pub(super) max_streams: u32,
    /// Turns true when the gateway stops.
    pub(super) stop: watch::Receiver<bool>,
}

impl SharedState {
    /// Logs an event. It is described only where there is a log.
    pub(super) fn log(&self, caller: &Caller, describe: impl FnOnce() -> Event) {
        if let Some(log) = &self.event_log {
            log.write_broken_rules(caller);
            log.write(caller, &describe());
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

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
            let accepted = listener.accept().await;
            // Others may have become busy meanwhile.
            slots.wait_for_room().await;
            accepted
        };
        tokio::select! {
            accepted = accepted => if let Ok((stream, address)) = accepted {
                number += 1;
                let caller = Caller { connection: number, address, certificate: None };
                connections.spawn(serve_in_slot(stream, caller, slots.take(), Arc::clone(&shared)));
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

/// Serves a connection until it ends, or must make room for another: then it ends with GOAWAY, after the answers.
async fn serve_in_slot(stream: TcpStream, caller: Caller, slot: Slot, shared: Arc<SharedState>) {
    let mut serving = pin!(serve_tcp(stream, caller.clone(), &slot, &shared));
    tokio::select! {
        () = &mut serving => {}
        () = slot.evicted() => {
            shared.log(&caller, || Event::ConnectionEvicted);
            if slot.say_goodbye() {
                let _ = timeout(GOODBYE_TIMEOUT, serving).await;
            }
        }
    }
}

async fn serve_tcp(mut stream: TcpStream, caller: Caller, slot: &Slot, shared: &Arc<SharedState>) {
    let _ = stream.set_nodelay(true);
    let Some((fault, text)) = shared.faults.tcp(caller.connection) else {
        return serve_tls(ThrottledStream::at_full_speed(stream), caller, HANDSHAKE_TIMEOUT, slot, shared).await;
    };
    shared.log(&caller, || Event::fault(text, None));
    match fault {
        TcpFault::Close => {}
        TcpFault::StallTls => discard_input(&mut stream, IDLE_TIMEOUT).await,
        TcpFault::Slow => serve_tls(ThrottledStream::slowed(stream), caller, IDLE_TIMEOUT, slot, shared).await,
    }
}

async fn serve_tls(
    stream: ThrottledStream<TcpStream>,
    mut caller: Caller,
    time_limit: Duration,
    slot: &Slot,
    shared: &Arc<SharedState>,
) {
    let struck = shared.faults.tls(caller.connection);
    let fault = struck.map(|(fault, _)| fault);
    if let Some((_, text)) = struck {
        shared.log(&caller, || Event::fault(text, None));
    }
    let Ok(ssl) = Ssl::new(shared.tls.with_fault(fault)) else { return };
    let Ok(mut stream) = SslStream::new(ssl, stream) else { return };
    match timeout(time_limit, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let sent_alert = stream.get_ref().sent_alert();
            shared.log(&caller, || Event::HandshakeRefused(HandshakeEntry::new(&error, stream.ssl(), sent_alert)));
            // The alert was sent. The client must be able to read it before the connection is reset.
            return discard_input(stream.get_mut(), CLOSE_TIMEOUT).await;
        }
        Err(_) => return shared.log(&caller, || Event::HandshakeRefused(HandshakeEntry::timed_out())),
    }
    slot.enter(ConnectionState::Anonymous);
    let client = client_certificate(stream.ssl());
    if shared.event_log.is_some() {
        caller.certificate = client.as_ref().map(CertificateId::new);
    }
    if stream.ssl().selected_alpn_protocol() == Some(DEVICE_PROTOCOL) {
        return device_session::serve(stream, &caller, slot, shared).await;
    }
    if stream.ssl().selected_alpn_protocol() != Some(b"h2") {
        shared.log(&caller, || Event::NoH2);
        // Others are served without ALPN, as APNs does: older Pushy and aioapns never use it.
        if fault == Some(TlsFault::NoAlpn) {
            return discard_input(&mut stream, CLOSE_TIMEOUT).await;
        }
    }
    serve_client(stream, caller, client, slot, shared).await;
}

async fn serve_client(
    stream: ClientStream,
    caller: Caller,
    client: Option<Certificate>,
    slot: &Slot,
    shared: &Arc<SharedState>,
) {
    if let Some((fault, text)) = shared.faults.frame(caller.connection) {
        shared.log(&caller, || Event::fault(text, None));
        return frame_faults::run(fault, stream).await;
    }
    match client {
        Some(client) if !shared.policy.admits(&client) => {
            let reason = "BadCertificateEnvironment";
            shared.log(&caller, || Event::ConnectionRefused { reason });
            refuse_client(stream, reason).await;
        }
        client => {
            let session = ClientSession::new(client, caller.clone());
            let serving = pin!(serve_requests(stream, session, slot, shared));
            log_broken_rules(serving, &caller, shared).await;
        }
    }
}

async fn serve_requests(stream: ClientStream, session: ClientSession, slot: &Slot, shared: &Arc<SharedState>) {
    if session.is_authenticated() {
        slot.enter(ConnectionState::Idle);
    }
    if shared.faults.concern_requests() {
        request_faults::serve(stream, session, slot, shared).await;
    } else {
        connection::serve(stream, session, slot, shared).await;
    }
}

/// Runs the task of a connection, and logs what `h2` says meanwhile of malformed headers.
async fn log_broken_rules(mut serving: Pin<&mut impl Future<Output = ()>>, caller: &Caller, shared: &SharedState) {
    let Some(log) = &shared.event_log else { return serving.await };
    poll_fn(|cx| {
        let end = serving.as_mut().poll(cx);
        log.write_broken_rules(caller);
        end
    })
    .await;
}

fn client_certificate(ssl: &SslRef) -> Option<Certificate> {
    let der = ssl.peer_certificate()?.to_der().ok()?;
    Certificate::parse(&der).ok()
}
