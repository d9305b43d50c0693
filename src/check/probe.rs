//! The HTTP/2 conversation: SETTINGS, and a notification to a device that does not exist.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinError;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::apns::notification::{DEVICE_PATH, PushType};
use crate::apns::reason;
use crate::net::http2::frames;
use crate::net::http2::tap::{FrameObserver, ObservedFrames, Tap};
use crate::net::mask::Mask;
use crate::text::seconds;

/// A notification that shows nothing.
const PAYLOAD: &[u8] = br#"{"aps":{}}"#;
/// The limit of an answer's body; APNs sends less than a hundred bytes.
const MAX_BODY: usize = 16 << 10;
/// The limit of an answer's headers.
const MAX_HEADERS: u32 = 16 << 10;

/// The notification to send.
#[derive(Clone)]
pub(crate) struct Probe {
    /// The host, for `:authority`.
    pub(crate) authority: String,
    pub(crate) token: Zeroizing<String>,
    /// The topic, if the certificate has one.
    pub(crate) topic: Option<String>,
    /// The header with the provider token; it is marked as sensitive.
    pub(crate) authorization: Option<HeaderValue>,
    /// The push type that belongs to the topic.
    pub(crate) push_type: Option<PushType>,
}

/// Returns a device token that belongs to no device: random, of the usual length.
///
/// # Errors
/// If the system has no random numbers.
pub(crate) fn random_token() -> io::Result<Zeroizing<String>> {
    let mut bytes = [0; 32];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(Zeroizing::new(data_encoding::HEXLOWER.encode(&bytes))),
        Err(error) => Err(io::Error::other(error.to_string())),
    }
}

/// The answer to the notification.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct ProbeAnswer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The reason in the body.
    pub(crate) reason: Option<String>,
    /// The header apns-id.
    pub(crate) apns_id: Option<String>,
    /// What the body is.
    #[serde(skip)]
    pub(crate) body: BodyForm,
    /// The header retry-after.
    #[serde(skip)]
    pub(crate) retry_after: Option<String>,
}

/// The form of an answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BodyForm {
    /// There is none, as in APNs' answer to a notification that it takes.
    #[default]
    Empty,
    /// A JSON object with one `reason`, as in APNs' refusals.
    Refusal,
    /// Other JSON, or with what APNs does not send: another type in the header, trailers.
    Foreign,
    /// No JSON.
    NotJson,
    /// More than was read.
    TooLong,
}

impl ProbeAnswer {
    /// Returns whether it has the form in which APNs takes a notification: no body, and a UUID.
    pub(crate) fn is_delivery(&self) -> bool {
        self.body == BodyForm::Empty && self.apns_id.as_deref().is_some_and(is_uuid)
    }
}

impl Conversation {
    /// Hides this side's own secrets in the server's words, but not in those that any APNs would say.
    pub(crate) fn mask(&mut self, mask: &Mask) {
        if let Some(goaway) = &mut self.frames.goaway {
            mask.apply(&mut goaway.debug_data);
            mask_reason(&mut goaway.reason, mask);
        }
        if let Some(answer) = &mut self.answer {
            mask_reason(&mut answer.reason, mask);
            if !answer.apns_id.as_deref().is_some_and(is_uuid) {
                mask.apply_to(&mut answer.apns_id);
            }
        }
    }
}

fn mask_reason(reason: &mut Option<String>, mask: &Mask) {
    let is_known = reason.as_deref().is_some_and(|name| reason::find(name).is_some());
    if !is_known {
        mask.apply_to(reason);
    }
}

/// Returns whether a text is a UUID with its hyphens, in either case.
fn is_uuid(text: &str) -> bool {
    const LENGTH: usize = 36;
    text.len() == LENGTH && uuid::Uuid::try_parse(text).is_ok()
}

/// The end of a conversation without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Break {
    Timeout(Duration),
    /// The server closed the connection.
    Closed,
    /// The server reset the request.
    Reset(String),
    /// The server speaks HTTP/1.
    Http1,
    /// The server violated HTTP/2.
    Protocol(String),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(limit) => write!(f, "the server did not respond within {}", seconds(*limit)),
            Self::Closed => f.write_str("the server closed the connection"),
            Self::Reset(code) => write!(f, "the server reset the request ({code})"),
            Self::Http1 => f.write_str("the server answered in HTTP/1, not in HTTP/2"),
            Self::Protocol(detail) => write!(f, "the server violated HTTP/2 ({detail})"),
        }
    }
}

/// The result of a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    /// The frames that the server sent.
    pub(crate) frames: ObservedFrames,
    /// The answer to the probe.
    pub(crate) answer: Option<ProbeAnswer>,
    /// True if the server answered the probe, or a PING if there was no probe.
    pub(crate) is_alive: bool,
    pub(crate) ended_by: Option<Break>,
}

/// The reason why there was no answer.
#[derive(Debug, thiserror::Error)]
enum TalkError {
    #[error(transparent)]
    Http2(#[from] h2::Error),
    #[error(transparent)]
    Timeout(#[from] Elapsed),
    #[error("it began with a frame other than SETTINGS")]
    WrongStart,
    #[error("the connection ended")]
    Ended,
}

/// Sends the probe and waits for the answer; without a probe, sends a PING. SETTINGS and the answer may take
/// `timeout` each. The request goes out with the first flight, before SETTINGS arrive.
pub(crate) async fn converse<S>(stream: S, probe: Option<&Probe>, timeout: Duration) -> Conversation
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let observer = FrameObserver::default();
    let result = talk(Tap::new(stream, observer.clone()), probe, &observer, timeout).await;
    let frames = observer.frames();
    let (answer, is_alive, ended_by) = match result {
        Ok(answer) => (answer, true, None),
        Err(_) if frames.is_http1() => (None, false, Some(Break::Http1)),
        Err(error) => (None, false, Some(break_of(&error, &frames, timeout))),
    };
    Conversation { frames, answer, is_alive, ended_by }
}

async fn talk<S>(
    stream: Tap<S>,
    probe: Option<&Probe>,
    observer: &FrameObserver,
    timeout: Duration,
) -> Result<Option<ProbeAnswer>, TalkError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let end = Instant::now() + timeout;
    let (mut sender, mut connection): (SendRequest<Bytes>, Connection<Tap<S>, Bytes>) =
        timeout_at(end, open(stream)).await??;
    let ping = connection.ping_pong();
    let mut driver = tokio::spawn(connection);
    let result = tokio::select! {
        biased;
        result = exchange(&mut sender, ping, probe, observer, timeout) => result,
        ended = &mut driver => Err(driver_error(ended)),
    };
    driver.abort();
    result
}

/// Returns why the driver of a connection ended, although the exchange still waits.
fn driver_error(ended: Result<Result<(), h2::Error>, JoinError>) -> TalkError {
    match ended {
        Ok(Err(error)) => TalkError::Http2(error),
        Ok(Ok(())) | Err(_) => TalkError::Ended,
    }
}

async fn open<S>(stream: Tap<S>) -> Result<(SendRequest<Bytes>, Connection<Tap<S>, Bytes>), h2::Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    h2::client::Builder::new().enable_push(false).max_header_list_size(MAX_HEADERS).handshake(stream).await
}

async fn exchange(
    sender: &mut SendRequest<Bytes>,
    ping: Option<PingPong>,
    probe: Option<&Probe>,
    observer: &FrameObserver,
    timeout: Duration,
) -> Result<Option<ProbeAnswer>, TalkError> {
    let response = match probe {
        Some(probe) => Some(send(sender, probe)?),
        None => None,
    };
    timeout_at(Instant::now() + timeout, observer.wait(ObservedFrames::has_begun)).await?;
    if observer.frames().has_wrong_start {
        return Err(TalkError::WrongStart);
    }
    let end = Instant::now() + timeout;
    match (response, ping) {
        (Some(response), _) => Ok(Some(timeout_at(end, read(response)).await??)),
        (None, Some(mut ping)) => {
            timeout_at(end, ping.ping(Ping::opaque())).await??;
            Ok(None)
        }
        (None, None) => Ok(None),
    }
}

fn send(sender: &mut SendRequest<Bytes>, probe: &Probe) -> Result<ResponseFuture, h2::Error> {
    let uri = format!("https://{}{DEVICE_PATH}{}", probe.authority, probe.token.as_str());
    let mut builder = Request::post(uri).header("apns-expiration", "0");
    if let Some(topic) = &probe.topic
        && let Ok(value) = HeaderValue::try_from(topic)
    {
        builder = builder.header("apns-topic", value);
    }
    if let Some(push_type) = probe.push_type {
        builder = builder.header("apns-push-type", push_type.name);
    }
    if let Some(authorization) = &probe.authorization {
        builder = builder.header("authorization", authorization);
    }
    let Ok(request) = builder.body(()) else { return Err(h2::Reason::INTERNAL_ERROR.into()) };
    let (response, mut body) = sender.send_request(request, false)?;
    body.send_data(Bytes::from_static(PAYLOAD), true)?;
    Ok(response)
}

async fn read(response: ResponseFuture) -> Result<ProbeAnswer, h2::Error> {
    let (head, mut stream) = response.await?.into_parts();
    let (mut body, mut is_whole) = (BytesMut::new(), true);
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        body.extend_from_slice(&data);
        if body.len() > MAX_BODY {
            is_whole = false;
            break;
        }
    }
    // What was not read to its end proves nothing.
    let has_trailers = is_whole && stream.trailers().await?.is_some();
    let form = if is_whole { form_of(&body) } else { BodyForm::TooLong };
    Ok(ProbeAnswer {
        status: head.status.as_u16(),
        reason: if is_whole { frames::parse_reason(&body) } else { None },
        apns_id: header_text(&head.headers, "apns-id"),
        body: match form {
            BodyForm::Empty | BodyForm::Refusal if has_trailers || !may_be_json(&head.headers) => BodyForm::Foreign,
            _ => form,
        },
        retry_after: header_text(&head.headers, "retry-after"),
    })
}

/// The body of a refusal. More than one `reason` is an error.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "reason")]
    _reason: String,
}

fn form_of(body: &[u8]) -> BodyForm {
    // A sequence is not taken for the struct.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    match serde_json::from_slice::<IgnoredAny>(body) {
        _ if body.is_empty() => BodyForm::Empty,
        Ok(_) if is_object && serde_json::from_slice::<Refusal>(body).is_ok() => BodyForm::Refusal,
        Ok(_) => BodyForm::Foreign,
        Err(_) => BodyForm::NotJson,
    }
}

/// Returns whether the headers name JSON as the type of the body, or none, and no encoding.
fn may_be_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    types.all(is_json) && !headers.contains_key(CONTENT_ENCODING)
}

fn is_json(value: &HeaderValue) -> bool {
    let text = String::from_utf8_lossy(value.as_bytes());
    let kind = text.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// Returns a header as text; what is there more than once is joined (RFC 9110 section 5.3).
fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = Vec::new();
    for value in headers.get_all(name) {
        values.push(String::from_utf8_lossy(value.as_bytes()));
    }
    if values.is_empty() { None } else { Some(values.join(", ")) }
}

/// Returns what an error means for the conversation.
fn break_of(error: &TalkError, frames: &ObservedFrames, timeout: Duration) -> Break {
    match error {
        TalkError::Timeout(_) => Break::Timeout(timeout),
        TalkError::Ended => Break::Closed,
        TalkError::WrongStart => Break::Protocol(error.to_string()),
        TalkError::Http2(error) if error.is_reset() && error.is_remote() => Break::Reset(reason_text(error)),
        TalkError::Http2(error) if is_close(error, frames) => Break::Closed,
        TalkError::Http2(error) => Break::Protocol(reason_text(error)),
    }
}

/// Returns whether the server closed the connection, if need be with an alert or GOAWAY.
fn is_close(error: &h2::Error, frames: &ObservedFrames) -> bool {
    let is_goaway = error.is_go_away() && error.is_remote();
    error.is_io() || is_goaway || frames.alert.is_some() || frames.is_closed
}

fn reason_text(error: &h2::Error) -> String {
    match error.reason() {
        Some(reason) => frames::error_name(reason.into()),
        None => error.to_string(),
    }
}
