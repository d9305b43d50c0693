//! One request: its payload, the reply of the policy, and the response, with the faults of responses.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::{Builder, Uuid};

use crate::apns::notification::is_uuid;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::gateway::event_log::{Caller, Event, LoggedRequest, PayloadFacts};
use crate::gateway::fault::ResponseFault;
use crate::gateway::observer::RequestEvent;
use crate::gateway::policy::{MAX_KEPT, Provider, Reply};
use crate::gateway::running_faults::StruckResponse;
use crate::gateway::team_key::{TeamKey, TokenSession};
use crate::gateway::transport::SharedState;

/// Time limit for the payload of a request.
const PAYLOAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Limit for the part of a payload that is read and discarded, so that a client that sends too much sees 413: curl and
/// httpx do not read an answer before they have sent everything. A client that sends more gets the answer, then
/// RST_STREAM with NO_ERROR (RFC 9113 section 8.1).
const MAX_DISCARDED: usize = 4 << 20;
/// Time limit for a response that has no end.
const STALL_TIMEOUT: Duration = Duration::from_secs(3600);
/// Limit for the part of a path that is recorded, in characters.
const MAX_PATH: usize = 256;
/// Retry-After of responses with status 429 and 503.
const RETRY_SECONDS: &str = "2";
const APNS_ID: HeaderName = HeaderName::from_static("apns-id");
const APNS_UNIQUE_ID: HeaderName = HeaderName::from_static("apns-unique-id");
/// The size of each header of the fault `HugeHeaders`, and their number: a megabyte together.
const HUGE_HEADER_SIZE: usize = 4096;
const HUGE_HEADERS: usize = 256;

/// A response before it is sent.
struct ResponsePlan {
    reply: Reply,
    extra_headers: usize,
    body: PlannedBody,
}

enum PlannedBody {
    Whole(String),
    Endless,
}

impl ResponsePlan {
    fn new(reply: Reply) -> Self {
        let body = PlannedBody::Whole(reply.body());
        Self { reply, extra_headers: 0, body }
    }

    fn with_fault(reply: Reply, fault: &ResponseFault) -> Self {
        match fault {
            ResponseFault::StallBody => Self { body: PlannedBody::Endless, ..Self::new(reply) },
            ResponseFault::HugeHeaders => Self { extra_headers: HUGE_HEADERS, ..Self::new(reply) },
            ResponseFault::NotJson => {
                let html = "<html><body>Bad Gateway</body></html>".to_owned();
                Self { body: PlannedBody::Whole(html), ..Self::new(reply) }
            }
            ResponseFault::Answer(reason) => Self::new(Reply::refused(reason)),
        }
    }
}

/// The cause for which a request gets no answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unfinished {
    BrokenOff,
    Malformed,
    Late,
    Refused,
    /// The connection ended first.
    Cut,
    /// The gateway stopped first.
    Stopped,
}

impl Unfinished {
    /// Returns the entry of the log.
    pub(super) fn event(self, stream: u32) -> Event {
        let problem = match self {
            Self::BrokenOff => "the client broke it off",
            Self::Malformed => "its payload breaks a rule of HTTP/2, such as its content-length",
            Self::Late => "its payload did not come in time",
            Self::Refused => "it is one more than the client may have open: REFUSED_STREAM",
            Self::Cut => "the connection ended before it did",
            Self::Stopped => "the gateway stopped before it ended",
        };
        Event::RequestUnfinished { stream, problem }
    }
}

/// The log of a request that is in a task of its own: if the task ends before its answer, the log tells.
struct EndLog {
    shared: Arc<SharedState>,
    caller: Caller,
    stream: u32,
    is_answered: bool,
    /// `None` if the task was ended.
    unfinished: Option<Unfinished>,
}

impl Drop for EndLog {
    fn drop(&mut self) {
        if self.is_answered {
            return;
        }
        let unfinished = match self.unfinished {
            Some(unfinished) => unfinished,
            None if self.shared.is_stopping() => Unfinished::Stopped,
            None => Unfinished::Cut,
        };
        self.shared.log(&self.caller, || unfinished.event(self.stream));
    }
}

/// A request whose payload is being read.
pub(super) struct IncomingRequest {
    parts: Parts,
    body: RecvStream,
    sender: SendResponse<Bytes>,
    payload: Payload,
    end_log: Option<Box<EndLog>>,
}

/// The payload of a request, as much of it as the policy needs.
#[derive(Default)]
struct Payload {
    kept: Bytes,
    /// The number of bytes that have arrived.
    length: usize,
    /// For the log.
    hash: Option<Box<Sha256>>,
}

impl Payload {
    fn add(&mut self, data: Bytes) {
        self.length += data.len();
        if let Some(hash) = &mut self.hash {
            hash.update(&data);
        }
        let room = MAX_KEPT - self.kept.len();
        if self.kept.is_empty() {
            self.kept = data.slice(..room.min(data.len()));
        } else if room > 0 {
            self.kept = [&self.kept, &data[..room.min(data.len())]].concat().into();
        }
    }
}

impl Payload {
    fn facts(&self) -> PayloadFacts {
        let is_whole = self.length <= MAX_DISCARDED;
        let sha256 = match &self.hash {
            Some(hash) if is_whole => Some(HEXLOWER.encode(&Sha256::clone(hash).finalize())),
            Some(_) | None => None,
        };
        PayloadFacts { size: self.length, sha256 }
    }
}

impl IncomingRequest {
    /// Hashes the payload while it is read.
    pub(super) fn hash_payload(&mut self) {
        self.payload.hash = Some(Box::default());
    }

    pub(super) fn new(request: Request<RecvStream>, sender: SendResponse<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        Self { parts, body, sender, payload: Payload::default(), end_log: None }
    }

    /// Reads the part of the payload that has arrived. It is ready at the end of the payload, or when more of it was
    /// discarded than a client may send.
    pub(super) fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unfinished>> {
        while self.payload.length <= MAX_DISCARDED {
            let arrived = pin!(self.body.data()).poll(cx);
            match arrived {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => break,
                Poll::Ready(Some(Err(error))) if error.is_library() => return Poll::Ready(Err(Unfinished::Malformed)),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Err(Unfinished::BrokenOff)),
                Poll::Ready(Some(Ok(data))) => {
                    if self.body.flow_control().release_capacity(data.len()).is_err() {
                        return Poll::Ready(Err(Unfinished::BrokenOff));
                    }
                    self.payload.add(data);
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn stream_id(&self) -> u32 {
        self.sender.stream_id().as_u32()
    }

    /// Returns whether the request has no `:path`, which every method but CONNECT needs.
    pub(super) fn lacks_path(&self) -> bool {
        self.parts.method != Method::CONNECT && self.parts.uri.path().is_empty()
    }

    /// Ends the stream of a request that is malformed (RFC 9113 section 8.1.1).
    pub(super) fn reject(mut self) {
        self.sender.send_reset(Reason::PROTOCOL_ERROR);
    }

    /// Refuses a stream that the client may not open yet.
    pub(super) fn refuse(mut self) {
        self.sender.send_reset(Reason::REFUSED_STREAM);
    }

    /// Logs the end of the request if it comes without an answer, from now on.
    pub(super) fn log_end(&mut self, shared: &Arc<SharedState>, caller: &Caller) {
        if shared.event_log.is_some() {
            let (shared, caller, stream) = (Arc::clone(shared), caller.clone(), self.stream_id());
            self.end_log = Some(Box::new(EndLog { shared, caller, stream, is_answered: false, unfinished: None }));
        }
    }

    /// Waits for the payload; returns `None` if it does not come.
    pub(super) async fn read_payload(mut self) -> Option<Self> {
        let unfinished = match timeout(PAYLOAD_TIMEOUT, poll_fn(|cx| self.poll_payload(cx))).await {
            Ok(Ok(())) => return Some(self),
            Ok(Err(unfinished)) => unfinished,
            Err(_) => {
                self.sender.send_reset(Reason::CANCEL);
                Unfinished::Late
            }
        };
        if let Some(log) = &mut self.end_log {
            log.unfinished = Some(unfinished);
        }
        None
    }
}

/// The client of a connection.
pub(super) struct ClientSession {
    certificate: Option<Certificate>,
    tokens: TokenSession,
    identifiers: IdentifierSource,
    caller: Caller,
}

impl ClientSession {
    pub(super) fn new(certificate: Option<Certificate>, caller: Caller) -> Self {
        Self { certificate, tokens: TokenSession::default(), identifiers: IdentifierSource::default(), caller }
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns whether it has shown a certificate or a valid provider token.
    pub(super) fn is_authenticated(&self) -> bool {
        self.certificate.is_some() || self.tokens.is_authenticated()
    }

    /// Returns the provider of a request that was accepted.
    fn provider(&self) -> Provider<'_> {
        self.certificate.as_ref().map_or(Provider::Team, Provider::Certificate)
    }

    /// Returns the provider that sends a request. A client with a certificate needs no token, and the one that it may
    /// send all the same is not looked at [?].
    fn authenticate(&mut self, keys: &[TeamKey], headers: &HeaderMap) -> Result<Provider<'_>, &'static str> {
        if let Some(certificate) = &self.certificate {
            return Ok(Provider::Certificate(certificate));
        }
        if headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
            return Err("DuplicateHeaders");
        }
        let now = OffsetDateTime::now_utc().unix_timestamp();
        self.tokens.authenticate(keys, headers.get(AUTHORIZATION), now)?;
        Ok(Provider::Team)
    }
}

/// Makes identifiers. It asks the system for the randomness of many at a time.
struct IdentifierSource {
    random: [u8; 1024],
    used: usize,
}

impl Default for IdentifierSource {
    fn default() -> Self {
        Self { random: [0; 1024], used: 1024 }
    }
}

impl IdentifierSource {
    fn next(&mut self) -> Uuid {
        if self.used == self.random.len() {
            if getrandom::fill(&mut self.random).is_err() {
                return Uuid::new_v4();
            }
            self.used = 0;
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.random[self.used..self.used + 16]);
        self.used += 16;
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Makes an identifier in capital letters, as APNs does.
    fn next_text(&mut self) -> String {
        let mut buffer = Uuid::encode_buffer();
        self.next().hyphenated().encode_upper(&mut buffer).to_owned()
    }
}

/// Answers one request. A client that has gone gets no answer. Returns a response that is not to end.
pub(super) fn respond(
    request: IncomingRequest,
    session: &mut ClientSession,
    fault: Option<&StruckResponse>,
    shared: &SharedState,
) -> Option<HeldResponse> {
    let IncomingRequest { parts, payload, mut sender, body: _body, end_log } = request;
    let reply = match session.authenticate(&shared.policy.team_keys, &parts.headers) {
        Ok(provider) => shared.policy.answer(provider, &parts, &payload.kept),
        Err(reason) => Reply::refused(reason),
    };
    let mut plan = match fault {
        Some(struck) => ResponsePlan::with_fault(reply, &struck.fault),
        None => ResponsePlan::new(reply),
    };
    // RFC 9110 section 9.3.2: the answer to HEAD has no body.
    if parts.method == Method::HEAD {
        plan.body = PlannedBody::Whole(String::new());
    }
    let apns_id = choose_apns_id(&parts.headers, &mut session.identifiers);
    let response = build_response(&plan, &apns_id, shared.policy.environment, &mut session.identifiers);
    shared.log(&session.caller, || {
        let (stream, facts) = (sender.stream_id().as_u32(), payload.facts());
        let fault = fault.map(|struck| struck.text.as_str());
        let request = LoggedRequest { stream, parts: &parts, payload: &payload.kept, facts, fault };
        Event::request(request, plan.reply.logged(&apns_id))
    });
    if let Some(mut log) = end_log {
        log.is_answered = true;
    }
    if plan.reply.reason.is_none() {
        shared.policy.deliver(session.provider(), &parts, &payload.kept, &apns_id);
    }
    shared.observer.record(|| describe(&parts, &plan.reply, apns_id));
    match response {
        Ok(response) => send(response, plan.body, &mut sender),
        Err(_) => None,
    }
}

/// Returns the identifier that the client gave, as it was given, or a new one. Apple asks for lower case; several clients
/// send capital letters without complaint, and APNs itself answers with them.
fn choose_apns_id(headers: &HeaderMap, identifiers: &mut IdentifierSource) -> String {
    if let Some(given) = headers.get(APNS_ID)
        && let Ok(given) = given.to_str()
        && is_uuid(given)
    {
        return given.to_owned();
    }
    identifiers.next_text()
}

/// Builds the head of a response. `apns-unique-id` comes in the sandbox only, with status 200 (Apple, "Handling
/// notification responses from APNs").
fn build_response(
    plan: &ResponsePlan,
    apns_id: &str,
    environment: Environment,
    identifiers: &mut IdentifierSource,
) -> http::Result<Response<()>> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(plan.reply.status)?;
    let is_sandbox_success = environment == Environment::Sandbox && plan.reply.status == 200;
    let headers = response.headers_mut();
    headers.insert(APNS_ID, id_header(apns_id)?);
    if is_sandbox_success {
        headers.insert(APNS_UNIQUE_ID, id_header(&identifiers.next_text())?);
    }
    if matches!(plan.reply.status, 429 | 503) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    for number in 0..plan.extra_headers {
        let name = HeaderName::try_from(format!("x-huge-{number}"))?;
        headers.insert(name, HeaderValue::try_from("x".repeat(HUGE_HEADER_SIZE))?);
    }
    Ok(response)
}

/// Returns the header of an ID. It is marked so that HPACK keeps it out of its table: no other response has it.
fn id_header(id: &str) -> http::Result<HeaderValue> {
    let mut value = HeaderValue::try_from(id)?;
    value.set_sensitive(true);
    Ok(value)
}

fn describe(request: &Parts, reply: &Reply, apns_id: String) -> RequestEvent {
    let topic = request.headers.get("apns-topic");
    RequestEvent {
        method: request.method.to_string(),
        path: request.uri.path().chars().take(MAX_PATH).collect(),
        topic: topic.map(|topic| String::from_utf8_lossy(topic.as_bytes()).into_owned()),
        status: reply.status,
        reason: reply.reason.as_deref().map(str::to_owned),
        warning: reply.warning,
        apns_id,
    }
}

/// A response that a fault leaves without an end.
pub(super) struct HeldResponse(SendStream<Bytes>);

impl HeldResponse {
    /// Waits until the client gives the response up.
    pub(super) async fn wait(mut self) {
        let _ = timeout(STALL_TIMEOUT, poll_fn(|cx| self.0.poll_reset(cx))).await;
    }
}

/// Sends a response, unless the client has gone.
fn send(response: Response<()>, body: PlannedBody, sender: &mut SendResponse<Bytes>) -> Option<HeldResponse> {
    match body {
        PlannedBody::Whole(text) => {
            let mut stream = sender.send_response(response, text.is_empty()).ok()?;
            if !text.is_empty() {
                stream.send_data(text.into(), true).ok()?;
            }
            None
        }
        PlannedBody::Endless => {
            let mut stream = sender.send_response(response, false).ok()?;
            stream.send_data(Bytes::from_static(b"{"), false).ok()?;
            Some(HeldResponse(stream))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_identifier_comes_back_and_others_are_new() {
        let mut identifiers = IdentifierSource::default();
        let mut choose = |headers: &HeaderMap| choose_apns_id(headers, &mut identifiers);
        let given = "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11";
        let mut headers = HeaderMap::new();
        headers.insert("apns-id", given.parse().unwrap());
        assert_eq!(choose(&headers), given);
        headers.insert("apns-id", given.to_uppercase().parse().unwrap());
        assert_eq!(choose(&headers), given.to_uppercase());
        headers.insert("apns-id", "5f1b".parse().unwrap());
        let mut made = std::collections::HashSet::new();
        for _ in 0..200 {
            let new = choose(&headers);
            assert!(is_uuid(&new) && new == new.to_uppercase(), "{new}");
            assert!(made.insert(new));
        }
    }

    #[test]
    fn the_sandbox_gives_unique_identifiers_and_busy_answers_a_delay() {
        let names = |status, environment| {
            let plan = ResponsePlan::new(Reply { status, ..Reply::ACCEPTED });
            let response = build_response(&plan, "id", environment, &mut IdentifierSource::default()).unwrap();
            ["apns-unique-id", "retry-after"].map(|name| response.headers().contains_key(name))
        };
        assert_eq!(names(200, Environment::Sandbox), [true, false]);
        assert_eq!(names(200, Environment::Production), [false, false]);
        assert_eq!(names(400, Environment::Sandbox), [false, false]);
        assert_eq!(names(429, Environment::Sandbox), [false, true]);
        assert_eq!(names(503, Environment::Production), [false, true]);
    }
}
