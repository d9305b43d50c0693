//! An answer of APNs: how it is read, and what follows from it.

use std::borrow::Cow;
use std::time::Duration;

use bytes::BytesMut;
use h2::client::ResponseFuture;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::apns::reason::{self, Reason, ReasonSubject};
use crate::net::retry;
use crate::push::outcome::Verdict;

/// The limit of an answer's body; APNs sends less than a hundred bytes.
const MAX_BODY: usize = 16 << 10;

/// The sentence about a server that is not APNs.
pub(super) const FOREIGN: &str = "the answer is not from APNs: its status is 200, and it has a body";

/// An answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: Option<Cow<'static, str>>,
    /// The time since which a token is no longer active, in milliseconds since 1970.
    since: Option<u64>,
    pub(super) unique_id: Option<String>,
    /// True if an answer of success has a body, which those of APNs have not.
    is_foreign: bool,
    retry_after: Option<Duration>,
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The token has its outcome.
    Settle(Verdict),
    /// The token is sent again later; the verdict is its outcome if it is not. `slows` is true if the server has trouble
    /// of its own, so that all requests go slower.
    Retry { verdict: Verdict, retry_after: Option<Duration>, slows: bool },
    /// The provider token has expired.
    RenewToken(Verdict),
    /// The connection takes no more provider tokens.
    Reconnect(Verdict),
    /// All requests will be refused.
    Stop(Verdict),
    /// The server is not APNs.
    Foreign(Verdict),
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Refusal {
    reason: String,
    /// A number of milliseconds, as a rule.
    #[serde(default)]
    timestamp: Value,
}

/// UTF-8's byte order mark, which no JSON should have.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Reads an answer into `answer`, which has a status as soon as one has arrived.
pub(super) async fn read(response: ResponseFuture, answer: &mut Answer) -> Result<(), h2::Error> {
    let (head, mut stream) = response.await?.into_parts();
    answer.status = head.status.as_u16();
    if answer.status == 200 {
        answer.unique_id = header_text(&head.headers, "apns-unique-id");
    } else {
        answer.retry_after = match header_text(&head.headers, "retry-after") {
            Some(text) => retry::parse_retry_after(&text, OffsetDateTime::now_utc()),
            None => None,
        };
    }
    let (mut body, mut has_body) = (BytesMut::new(), false);
    while let Some(data) = stream.data().await {
        let data = data?;
        stream.flow_control().release_capacity(data.len())?;
        if body.len() + data.len() > MAX_BODY {
            break;
        }
        if answer.status == 200 {
            has_body |= !data.is_empty();
        } else {
            body.extend_from_slice(&data);
        }
    }
    // An answer without an end counts by its status.
    answer.is_foreign = has_body;
    answer.take_refusal(&body);
    Ok(())
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

impl Answer {
    /// Takes the reason of a refusal from its body, and the time if it is a number.
    fn take_refusal(&mut self, body: &[u8]) {
        let Ok(refusal) = serde_json::from_slice::<Refusal>(body.strip_prefix(BOM).unwrap_or(body)) else { return };
        self.since = refusal.timestamp.as_u64();
        self.reason = Some(match reason::find(&refusal.reason) {
            Some(known) => Cow::Borrowed(known.name),
            None => Cow::Owned(refusal.reason),
        });
    }

    /// Returns the reason, if it is one of Apple's.
    pub(super) fn known_reason(&self) -> Option<&'static Reason> {
        reason::find(self.reason.as_deref()?)
    }

    /// Returns what follows from it.
    pub(super) fn consequence(self) -> Consequence {
        let subject = self.known_reason().map(|reason| reason.subject);
        let (status, retry_after) = (self.status, self.retry_after);
        let is_named = |name: &str| self.reason.as_deref() == Some(name);
        let is_too_many_updates = is_named("TooManyProviderTokenUpdates");
        let is_expired = is_named("ExpiredProviderToken");
        if self.is_foreign {
            return Consequence::Foreign(Verdict::Unknown { cause: Cow::Borrowed(FOREIGN) });
        }
        let verdict = self.into_verdict();
        match (status, subject) {
            (200 | 410, _) => Consequence::Settle(verdict),
            _ if is_too_many_updates => Consequence::Reconnect(verdict),
            _ if is_expired => Consequence::RenewToken(verdict),
            (429, _) => Consequence::Retry { verdict, retry_after, slows: false },
            (500..=599, _) => Consequence::Retry { verdict, retry_after, slows: true },
            (_, Some(ReasonSubject::Certificate | ReasonSubject::ProviderToken | ReasonSubject::Topic)) => {
                Consequence::Stop(verdict)
            }
            _ => Consequence::Settle(verdict),
        }
    }

    fn into_verdict(self) -> Verdict {
        let Self { status, reason, since, unique_id, .. } = self;
        match status {
            200 => Verdict::Accepted { status, unique_id },
            410 => Verdict::Unregistered { status, reason, since },
            _ => Verdict::Refused { status, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apns::reason::REASONS;

    fn after(status: u16, name: &'static str) -> Consequence {
        Answer { status, reason: Some(Cow::Borrowed(name)), ..Answer::default() }.consequence()
    }

    #[test]
    fn a_reason_is_read_whatever_stands_beside_it() {
        for (body, since) in [
            (&b"{\"reason\":\"Unregistered\",\"timestamp\":1700000000123}"[..], Some(1_700_000_000_123)),
            (b"{\"reason\":\"Unregistered\"}", None),
            (b"{\"reason\":\"Unregistered\",\"timestamp\":\"1700000000123\"}", None),
            (b"{\"reason\":\"Unregistered\",\"timestamp\":-1}", None),
            (b"{\"reason\":\"Unregistered\",\"timestamp\":1.5}", None),
            (b"{\"reason\":\"Unregistered\",\"timestamp\":null,\"more\":{}}", None),
            (b"\xef\xbb\xbf{\"reason\":\"Unregistered\",\"timestamp\":18446744073709551615}", Some(u64::MAX)),
        ] {
            let mut answer = Answer { status: 410, ..Answer::default() };
            answer.take_refusal(body);
            let expected = Verdict::Unregistered { status: 410, reason: Some(Cow::Borrowed("Unregistered")), since };
            assert_eq!(answer.consequence(), Consequence::Settle(expected), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn each_reason_has_its_consequence() {
        for known in REASONS {
            let found = after(known.status, known.name);
            let expected = match known.name {
                "TooManyProviderTokenUpdates" => matches!(found, Consequence::Reconnect(_)),
                "ExpiredProviderToken" => matches!(found, Consequence::RenewToken(_)),
                "TooManyRequests" => matches!(found, Consequence::Retry { slows: false, .. }),
                "InternalServerError" | "ServiceUnavailable" | "Shutdown" => {
                    matches!(found, Consequence::Retry { slows: true, .. })
                }
                "Unregistered" | "ExpiredToken" => {
                    matches!(found, Consequence::Settle(Verdict::Unregistered { .. }))
                }
                "BadTopic" | "MissingTopic" | "TopicDisallowed" => matches!(found, Consequence::Stop(_)),
                _ if known.status == 403 => matches!(found, Consequence::Stop(_)),
                _ => matches!(found, Consequence::Settle(Verdict::Refused { .. })),
            };
            assert!(expected, "{}: {found:?}", known.name);
        }
        assert!(matches!(after(200, ""), Consequence::Settle(Verdict::Accepted { .. })));
        let foreign = Answer { status: 200, is_foreign: true, ..Answer::default() };
        assert!(matches!(foreign.consequence(), Consequence::Foreign(Verdict::Unknown { .. })));
        assert!(matches!(after(418, "Novel"), Consequence::Settle(Verdict::Refused { .. })));
        assert!(matches!(after(502, "Novel"), Consequence::Retry { slows: true, .. }));
    }
}
