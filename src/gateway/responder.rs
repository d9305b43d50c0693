//! One request: its payload, the reply of the policy, and the response, with the faults of responses.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use tokio::time::timeout;
use uuid::Uuid;

use crate::apns::notification::is_uuid;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::gateway::fault::{Fault, ResponseFault};
use crate::gateway::observer::RequestEvent;
use crate::gateway::policy::{MAX_READ, Reply};
use crate::gateway::transport::SharedState;

/// Time limit for the payload of a request.
const PAYLOAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit for a response that has no end.
const STALL_TIMEOUT: Duration = Duration::from_secs(3600);
/// Limit for the part of a path that is recorded, in characters.
const MAX_PATH: usize = 256;
/// Retry-After of responses with status 429 and 503, in seconds.
const RETRY_AFTER: &str = "2";
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

/// Answers one request. A client that goes away meanwhile gets no answer.
pub(super) async fn respond(
    request: Request<RecvStream>,
    mut sender: SendResponse<Bytes>,
    client: Option<&Certificate>,
    shared: &SharedState,
) {
    let (parts, body) = request.into_parts();
    let Ok(Some(payload)) = timeout(PAYLOAD_TIMEOUT, read_payload(body)).await else {
        return sender.send_reset(Reason::CANCEL);
    };
    let reply = match client {
        Some(client) => shared.policy.answer(client, &parts, &payload),
        // Only the fault NoRequest lets a client without a certificate in.
        None => Reply::refused("MissingProviderToken"),
    };
    let plan = if let Some(Fault::Response(fault)) = &shared.fault {
        ResponsePlan::with_fault(reply, fault)
    } else {
        ResponsePlan::new(reply)
    };
    let apns_id = choose_apns_id(&parts.headers);
    let response = build_response(&plan, &apns_id, shared.policy.environment);
    shared.observer.record(describe(&parts, &plan.reply, apns_id));
    if let Ok(response) = response {
        send(response, plan.body, &mut sender).await;
    }
}

/// Reads as much of the payload as the policy needs; returns `None` if the client breaks off.
async fn read_payload(mut body: RecvStream) -> Option<Vec<u8>> {
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

/// Returns the identifier that the client gave, or a new one.
fn choose_apns_id(headers: &HeaderMap) -> String {
    if let Some(given) = headers.get("apns-id")
        && let Ok(given) = given.to_str()
        && is_uuid(given)
    {
        return given.to_owned();
    }
    Uuid::new_v4().to_string()
}

fn build_response(plan: &ResponsePlan, apns_id: &str, environment: Environment) -> http::Result<Response<()>> {
    let status = plan.reply.status;
    let mut response = Response::builder().status(status).header("apns-id", apns_id);
    if environment == Environment::Sandbox && status == 200 {
        response = response.header("apns-unique-id", Uuid::new_v4().to_string());
    }
    if matches!(status, 429 | 503) {
        response = response.header("retry-after", RETRY_AFTER);
    }
    for number in 0..plan.extra_headers {
        response = response.header(format!("x-huge-{number}"), "x".repeat(HUGE_HEADER_SIZE));
    }
    response.body(())
}

fn describe(request: &Parts, reply: &Reply, apns_id: String) -> RequestEvent {
    let topic = request.headers.get("apns-topic");
    RequestEvent {
        method: request.method.to_string(),
        path: request.uri.path().chars().take(MAX_PATH).collect(),
        topic: topic.map(|topic| String::from_utf8_lossy(topic.as_bytes()).into_owned()),
        status: reply.status,
        reason: reply.reason.clone(),
        apns_id,
    }
}

/// Sends a response, unless the client has gone.
async fn send(response: Response<()>, body: PlannedBody, sender: &mut SendResponse<Bytes>) {
    match body {
        PlannedBody::Whole(text) => {
            let Ok(mut stream) = sender.send_response(response, text.is_empty()) else { return };
            if !text.is_empty() {
                let _ = stream.send_data(text.into(), true);
            }
        }
        PlannedBody::Endless => {
            let Ok(mut stream) = sender.send_response(response, false) else { return };
            let _ = stream.send_data(Bytes::from_static(b"{"), false);
            hold_open(stream).await;
        }
    }
}

/// Keeps a response unfinished until the client gives it up.
async fn hold_open(mut stream: SendStream<Bytes>) {
    let _ = timeout(STALL_TIMEOUT, poll_fn(|cx| stream.poll_reset(cx))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_identifier_comes_back_and_others_are_new() {
        let given = "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11";
        let mut headers = HeaderMap::new();
        headers.insert("apns-id", given.parse().unwrap());
        assert_eq!(choose_apns_id(&headers), given);
        headers.insert("apns-id", given.to_uppercase().parse().unwrap());
        let first = choose_apns_id(&headers);
        assert!(is_uuid(&first), "{first}");
        assert_ne!(first, choose_apns_id(&HeaderMap::new()));
    }

    #[test]
    fn the_sandbox_gives_unique_identifiers_and_busy_answers_a_delay() {
        let names = |status, environment| {
            let plan = ResponsePlan::new(Reply { status, reason: None, timestamp: None });
            let response = build_response(&plan, "id", environment).unwrap();
            ["apns-unique-id", "retry-after"].map(|name| response.headers().contains_key(name))
        };
        assert_eq!(names(200, Environment::Sandbox), [true, false]);
        assert_eq!(names(200, Environment::Production), [false, false]);
        assert_eq!(names(400, Environment::Sandbox), [false, false]);
        assert_eq!(names(429, Environment::Sandbox), [false, true]);
        assert_eq!(names(503, Environment::Production), [false, true]);
    }
}
