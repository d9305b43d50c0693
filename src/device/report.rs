//! What happens to an app, as lines for programs.

use serde::Serialize;
use serde_json::Value;

use crate::certificate::apple::Environment;
use crate::device::{DeviceEnd, DeviceEvent, HandOver};
use crate::net::device_lines::DeviceMessage;
use crate::schema::SCHEMA_VERSION;

/// One event, as a document of a line.
#[derive(Debug, Serialize)]
pub(crate) struct DeviceLine<'a> {
    schema_version: u32,
    #[serde(flatten)]
    event: LineEvent<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum LineEvent<'a> {
    Registered(AppLine<'a>),
    Receiving(AppLine<'a>),
    HandedOver {
        provider: String,
        /// The status of an HTTP answer; a database gives none.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    Message(MessageLine<'a>),
    Missed {
        count: u64,
    },
    End {
        end: &'static str,
    },
    Uninstalled {
        since: u64,
    },
}

#[derive(Debug, Serialize)]
struct AppLine<'a> {
    token: &'a str,
    topic: &'a str,
    environment: Environment,
    /// Always true: no token of Apple's begins here.
    simulated: bool,
}

#[derive(Debug, Serialize)]
struct MessageLine<'a> {
    apns_id: &'a str,
    topic: &'a str,
    push_type: Option<&'a str>,
    priority: Option<&'a str>,
    expiration: Option<&'a str>,
    collapse_id: Option<&'a str>,
    /// Null if it is not JSON.
    payload: Option<Value>,
    /// The payload if it is not JSON.
    payload_text: Option<&'a str>,
}

impl<'a> DeviceLine<'a> {
    /// Returns the line of an event, if it has one.
    pub(crate) fn of(event: &DeviceEvent<'a>) -> Option<Self> {
        let event = match event {
            DeviceEvent::Waits(..) => return None,
            DeviceEvent::Started(app) => {
                let line = AppLine {
                    token: &app.credentials.token,
                    topic: &app.topic,
                    environment: app.environment,
                    simulated: true,
                };
                if app.is_new { LineEvent::Registered(line) } else { LineEvent::Receiving(line) }
            }
            DeviceEvent::HandedOver(provider, end) => {
                let status = match end {
                    HandOver::Answered(status) => Some(status.as_u16()),
                    HandOver::Stored => None,
                };
                LineEvent::HandedOver { provider: provider.to_string(), status }
            }
            DeviceEvent::Message(message) => LineEvent::Message(MessageLine::of(message)),
            DeviceEvent::Missed(count) => LineEvent::Missed { count: *count },
        };
        Some(Self { schema_version: SCHEMA_VERSION, event })
    }

    pub(crate) fn end(end: DeviceEnd) -> Self {
        let end = match end {
            DeviceEnd::AllReceived => "all_received",
            DeviceEnd::TimeOver(_) => "time_over",
            DeviceEnd::Replaced => "replaced",
            DeviceEnd::Uninstalled => "uninstalled",
        };
        Self { schema_version: SCHEMA_VERSION, event: LineEvent::End { end } }
    }

    pub(crate) fn uninstalled(since: u64) -> Self {
        Self { schema_version: SCHEMA_VERSION, event: LineEvent::Uninstalled { since } }
    }
}

impl<'a> MessageLine<'a> {
    fn of(message: &'a DeviceMessage) -> Self {
        let payload: Option<Value> = serde_json::from_str(&message.payload).ok();
        Self {
            apns_id: &message.apns_id,
            topic: &message.topic,
            push_type: message.push_type.as_deref(),
            priority: message.priority.as_deref(),
            expiration: message.expiration.as_deref(),
            collapse_id: message.collapse_id.as_deref(),
            payload_text: if payload.is_none() { Some(&message.payload) } else { None },
            payload,
        }
    }
}
