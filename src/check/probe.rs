//! The conversation in HTTP/2: SETTINGS, and a notification to a device that does not exist.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderValue, Request, Response};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::apns::notification::{DEVICE_PATH, push_type_of};
use crate::net::alert;
use crate::net::http2::frames;
use crate::net::http2::tap::{FrameObserver, ObservedFrames, Tap};
use crate::text::seconds;

/// A notification that shows nothing.
const PAYLOAD: &[u8] = br#"{"aps":{}}"#;
/// What is read of an answer's body; APNs sends less than a hundred bytes.
const MAX_BODY: usize = 16 << 10;
/// What this client takes of headers.
const MAX_HEADERS: u32 = 16 << 10;

/// What is asked.
#[derive(Clone)]
pub(crate) struct Probe {
    /// The host, for `:authority`.
    pub(crate) authority: String,
    /// The device token.
    pub(crate) token: Zeroizing<String>,
    /// The topic, where the certificate has one.
    pub(crate) topic: Option<String>,
}

/// A device token that belongs to nobody: random, of the usual length.
///
/// # Errors
/// When the system has no randomness to give.
pub(crate) fn random_token() -> io::Result<Zeroizing<String>> {
    let mut bytes = [0; 32];
    getrandom::getrandom(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Zeroizing::new(data_encoding::HEXLOWER.encode(&bytes)))
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct ProbeAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The reason in the body.
    pub(crate) reason: Option<String>,
    /// The header apns-id.
    pub(crate) apns_id: Option<String>,
    /// Whether the body was JSON, or empty.
    #[serde(skip)]
    pub(crate) is_json: bool,
    /// The header retry-after.
    #[serde(skip)]
    pub(crate) retry_after: Option<String>,
}

/// What ended the conversation before there was an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing came in time.
    Timeout(Duration),
    /// The server closed the connection.
    Closed,
    /// The server reset the request.
    Reset(String),
    /// The server speaks HTTP/1.
    Http1,
    /// The server broke the rules of HTTP/2.
    Protocol(String),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(limit) => write!(f, "nothing came within {}", seconds(*limit)),
            Self::Closed => f.write_str("the server closed the connection"),
            Self::Reset(code) => write!(f, "the server reset the request ({code})"),
            Self::Http1 => f.write_str("the server answered in HTTP/1, not in HTTP/2"),
            Self::Protocol(what) => write!(f, "the server broke the rules of HTTP/2 ({what})"),
        }
    }
}

/// All that was said.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    /// What went by on the wire.
    pub(crate) seen: ObservedFrames,
    /// The answer to the probe.
    pub(crate) answer: Option<ProbeAnswer>,
    /// Whether a PING was answered, where there was no probe.
    pub(crate) is_alive: bool,
    /// What ended it.
    pub(crate) ended_by: Option<Break>,
}

/// Speaks with the server; without a probe, only a PING is to be answered. SETTINGS and the answer have
/// `timeout` each. The request goes out with the first flight, before SETTINGS are there.
pub(crate) async fn converse<S>(stream: S, probe: Option<&Probe>, timeout: Duration) -> Conversation
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let notes = FrameObserver::default();
    let end = Instant::now() + timeout;
    let result = match timeout_at(end, open(Tap::new(stream, notes.clone()))).await {
        Ok(Ok((sender, connection))) => {
            let mut connection = connection;
            let ping = connection.ping_pong();
            let driver = tokio::spawn(connection);
            let result = talk(sender, ping, probe, &notes, timeout).await;
            driver.abort();
            result
        }
        Ok(Err(error)) => Err(cause(&error, &notes)),
        Err(_) => Err(Break::Timeout(timeout)),
    };
    let seen = notes.frames();
    let (answer, is_alive, ended_by) = match result {
        Ok(Some(answer)) => (Some(answer), true, None),
        Ok(None) => (None, true, None),
        Err(_) if seen.is_http1() => (None, false, Some(Break::Http1)),
        Err(broken) => (None, false, Some(broken)),
    };
    Conversation { seen, answer, is_alive, ended_by }
}

type Opened<S> = (SendRequest<Bytes>, h2::client::Connection<Tap<S>, Bytes>);

async fn open<S>(stream: Tap<S>) -> Result<Opened<S>, h2::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    h2::client::Builder::new().enable_push(false).max_header_list_size(MAX_HEADERS).handshake(stream).await
}

async fn talk(
    mut sender: SendRequest<Bytes>,
    ping: Option<h2::PingPong>,
    probe: Option<&Probe>,
    notes: &FrameObserver,
    timeout: Duration,
) -> Result<Option<ProbeAnswer>, Break> {
    let request = match probe {
        Some(probe) => Some(send(&mut sender, probe).map_err(|error| cause(&error, notes))?),
        None => None,
    };
    let first = Instant::now() + timeout;
    // SETTINGS come first, or the end.
    let settings = notes.wait(ObservedFrames::has_begun);
    timeout_at(first, settings).await.map_err(|_| Break::Timeout(timeout))?;
    if notes.frames().has_wrong_start {
        return Err(Break::Protocol("it began with another frame than SETTINGS".to_owned()));
    }
    let end = Instant::now() + timeout;
    let answered = match (request, ping) {
        (Some(response), _) => timeout_at(end, read(response)).await.map(|result| result.map(Some)),
        (None, Some(mut ping)) => timeout_at(end, ping.ping(h2::Ping::opaque())).await.map(|r| r.map(|_| None)),
        (None, None) => Ok(Ok(None)),
    };
    answered.map_err(|_| Break::Timeout(timeout))?.map_err(|error| cause(&error, notes))
}

fn send(sender: &mut SendRequest<Bytes>, probe: &Probe) -> Result<ResponseFuture, h2::Error> {
    let uri = format!("https://{}{DEVICE_PATH}{}", probe.authority, probe.token.as_str());
    let mut request = Request::post(uri).header("apns-expiration", "0");
    if let Some(topic) = probe.topic.as_deref().and_then(|topic| HeaderValue::try_from(topic).ok()) {
        let kind = push_type_of(probe.topic.as_deref().unwrap_or_default());
        request = request.header("apns-topic", topic).header("apns-push-type", kind.name);
    }
    let request = request.body(()).map_err(|_| h2::Error::from(h2::Reason::INTERNAL_ERROR))?;
    let (response, mut body) = sender.send_request(request, false)?;
    body.send_data(Bytes::from_static(PAYLOAD), true)?;
    Ok(response)
}

async fn read(response: ResponseFuture) -> Result<ProbeAnswer, h2::Error> {
    let response: Response<h2::RecvStream> = response.await?;
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let (apns_id, retry_after) = (header("apns-id"), header("retry-after"));
    let status = response.status().as_u16();
    let mut stream = response.into_body();
    let mut body = BytesMut::new();
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
        if body.len() > MAX_BODY {
            break;
        }
    }
    let is_json = body.is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
    Ok(ProbeAnswer { status, reason: frames::parse_reason(&body), apns_id, is_json, retry_after })
}

/// What an error of the library stands for.
fn cause(error: &h2::Error, notes: &FrameObserver) -> Break {
    let seen = notes.frames();
    if error.is_reset() && error.is_remote() {
        return Break::Reset(error.reason().map_or_else(String::new, |reason| frames::error_name(reason.into())));
    }
    if seen.alert.is_some() || error.get_io().is_some_and(|error| alert::received_in(error).is_some()) {
        return Break::Closed;
    }
    if error.is_io() || (error.is_go_away() && error.is_remote()) || seen.is_closed {
        return Break::Closed;
    }
    Break::Protocol(error.reason().map_or_else(|| error.to_string(), |reason| frames::error_name(reason.into())))
}
