//! TCP, TLS and HTTP/2: from a connection to requests, and from answers to the wire.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use openssl::ssl::{Ssl, SslContext};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_openssl::SslStream;

use crate::apns::notification::is_uuid;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::gateway::fault::Fault;
use crate::gateway::observer::{Event, Observer};
use crate::gateway::policy::{MAX_READ, Reply, RequestPolicy};
use crate::gateway::raw_http2::{self, Slow};
use crate::gateway::{MAX_HEADER_LIST, SETTINGS, frame_faults};

/// How many connections there may be at once.
const MAX_CONNECTIONS: usize = 512;
/// How long a handshake may take, or the body of a request.
const HANDSHAKE: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(30);
/// How long a connection may be idle; APNs keeps them for about an hour.
const IDLE: Duration = Duration::from_secs(3600);
/// How long streams may take to end once the gateway stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// What is shown of a path.
const MAX_PATH: usize = 256;

/// What all connections share.
pub(super) struct Shared {
    /// The server's side of TLS.
    pub(crate) context: SslContext,
    /// What is answered.
    pub(crate) policy: RequestPolicy,
    /// What was seen.
    pub(crate) observer: Arc<Observer>,
    /// How to fail.
    pub(crate) fault: Option<Fault>,
    /// Turns true when it is time to stop.
    pub(crate) stop: watch::Receiver<bool>,
}

async fn stopped(stop: &watch::Receiver<bool>) {
    let _ = stop.clone().wait_for(|is_over| *is_over).await;
}

/// Takes connections until it is time to stop.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // Past the limit, connections wait in the kernel's queue.
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        tokio::select! {
            (slot, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        connection(stream, &shared).await;
                        drop(slot);
                    });
                }
                // No file descriptor is left: wait for one.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&shared.stop) => break,
        }
    }
    let _ = timeout(FAREWELL, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, shared: &Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let fault = shared.fault.as_ref();
    let mut stream = Slow::new(stream, fault == Some(&Fault::Slow));
    match fault {
        Some(Fault::CloseTcp) => return,
        Some(Fault::StallTls) => return raw_http2::linger(&mut stream, IDLE).await,
        _ => {}
    }
    let Ok(ssl) = Ssl::new(&shared.context) else { return };
    let Ok(mut stream) = SslStream::new(ssl, stream) else { return };
    let limit = if fault == Some(&Fault::Slow) { IDLE } else { HANDSHAKE };
    match timeout(limit, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        // The alert has been sent: it must arrive before the connection is reset.
        Ok(Err(_)) => return raw_http2::linger(stream.get_mut(), FAREWELL).await,
        Err(_) => return,
    }
    let client = stream.ssl().peer_certificate().and_then(|x509| x509.to_der().ok());
    let client = client.and_then(|der| Certificate::parse(&der).ok());
    let speaks_http2 = stream.ssl().selected_alpn_protocol() == Some(b"h2");
    let stream = match fault {
        Some(fault) => match frame_faults::play(fault, stream).await {
            Some(stream) => stream,
            None => return,
        },
        None => stream,
    };
    let mut stream = stream;
    match client {
        _ if !speaks_http2 => raw_http2::linger(&mut stream, FAREWELL).await,
        Some(client) if !shared.policy.admits(&client) => raw_http2::dismiss(stream, "BadCertificateEnvironment").await,
        client => http2(stream, client.map(Arc::new), shared).await,
    }
}

/// Speaks HTTP/2 until the client closes, is idle for too long, or it is time to stop.
async fn http2<S>(stream: S, client: Option<Arc<Certificate>>, shared: &Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let [table, _, streams, window, frame, _] = SETTINGS.map(|value| value.unwrap_or_default());
    let mut builder = h2::server::Builder::new();
    builder
        .header_table_size(table)
        .max_concurrent_streams(streams)
        .initial_window_size(window)
        .max_frame_size(frame)
        .max_header_list_size(MAX_HEADER_LIST);
    let Ok(Ok(mut connection)) = timeout(HANDSHAKE, builder.handshake(stream)).await else { return };
    let mut requests = JoinSet::new();
    let mut idle_until = Instant::now() + IDLE;
    let mut is_stopping = false;
    loop {
        tokio::select! {
            request = connection.accept() => match request {
                Some(Ok((request, respond))) => {
                    idle_until = Instant::now() + IDLE;
                    let (shared, client) = (Arc::clone(shared), client.clone());
                    requests.spawn(async move { answer(request, respond, client.as_deref(), &shared).await });
                }
                Some(Err(_)) | None => return,
            },
            Some(_) = requests.join_next() => {}
            () = sleep_until(idle_until) => return goodbye(connection).await,
            () = stopped(&shared.stop), if !is_stopping => {
                is_stopping = true;
                connection.graceful_shutdown();
            }
        }
    }
}

async fn goodbye<S: AsyncRead + AsyncWrite + Unpin>(mut connection: Connection<S, Bytes>) {
    connection.graceful_shutdown();
    let _ = timeout(FAREWELL, async { while connection.accept().await.is_some() {} }).await;
}

/// Answers one request; a client that goes away meanwhile is let go.
async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    client: Option<&Certificate>,
    shared: &Shared,
) {
    let (parts, body) = request.into_parts();
    let Ok(Some(payload)) = timeout(BODY, read(body)).await else {
        return respond.send_reset(Reason::CANCEL);
    };
    let answer = match (&shared.fault, client) {
        (Some(Fault::Answer(reason)), _) => Reply::refused(reason),
        // Nobody who shows no certificate gets here, unless none is asked for.
        (_, None) => Reply::refused("MissingProviderToken"),
        (_, Some(client)) => shared.policy.answer(client, &parts, &payload),
    };
    let given = parts.headers.get("apns-id").and_then(|value| value.to_str().ok());
    let apns_id = given.filter(|id| is_uuid(id)).map_or_else(random_uuid, str::to_owned);
    send(&mut respond, &answer, &apns_id, shared);
    let topic = parts.headers.get("apns-topic").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    shared.observer.note(Event {
        method: parts.method.to_string(),
        path: parts.uri.path().chars().take(MAX_PATH).collect(),
        topic,
        status: answer.status,
        reason: answer.reason,
        apns_id,
    });
}

/// The payload, or as much of it as matters; `None` where the client breaks off.
async fn read(mut body: RecvStream) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.ok()?;
        body.flow_control().release_capacity(data.len()).ok()?;
        let room = MAX_READ.saturating_sub(payload.len());
        payload.extend_from_slice(&data[..room.min(data.len())]);
        if payload.len() == MAX_READ {
            break;
        }
    }
    Some(payload)
}

/// What an answer with status 429 or 503 asks for, in seconds.
const RETRY_AFTER: &str = "2";
/// The size of the huge-headers fault.
const HUGE: usize = 1 << 20;

fn send(respond: &mut SendResponse<Bytes>, answer: &Reply, apns_id: &str, shared: &Shared) {
    let mut response = Response::builder().status(answer.status).header("apns-id", apns_id);
    if shared.policy.environment == Environment::Sandbox && answer.status == 200 {
        response = response.header("apns-unique-id", random_uuid());
    }
    if matches!(answer.status, 429 | 503) {
        response = response.header("retry-after", RETRY_AFTER);
    }
    let mut body = answer.body();
    match shared.fault {
        Some(Fault::HugeHeaders) => {
            for number in 0..HUGE / 4096 {
                response = response.header(format!("x-huge-{number}"), "x".repeat(4096));
            }
        }
        Some(Fault::NotJson) => "<html><body>Bad Gateway</body></html>".clone_into(&mut body),
        _ => {}
    }
    let Ok(response) = response.body(()) else { return };
    let Ok(mut stream) = respond.send_response(response, body.is_empty()) else { return };
    if shared.fault == Some(Fault::StallBody) {
        // Held until the connection ends.
        tokio::spawn(async move {
            let _ = stream.send_data(Bytes::from_static(b"{"), false);
            tokio::time::sleep(IDLE).await;
        });
    } else if !body.is_empty() {
        let _ = stream.send_data(body.into(), true);
    }
}

/// A random UUID (RFC 9562 section 5.4).
fn random_uuid() -> String {
    let mut bytes = [0; 16];
    // Without randomness the identifiers repeat, which harms nobody.
    let _ = getrandom::getrandom(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_uuids() {
        let first = random_uuid();
        assert!(is_uuid(&first) && first != random_uuid());
    }
}
