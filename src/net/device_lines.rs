//! What a simulated device and the gateway tell one another: lines of JSON, under a protocol of their own in ALPN, so
//! that the HTTP/2 surface stays Apple's alone. The device sends one [`DeviceRequest`]; the gateway answers with
//! [`GatewayLine`]s, and the device confirms what it has shown with a [`DeviceReceipt`]. How a real device speaks with
//! APNs is not public.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::certificate::apple::Environment;

/// The protocol in ALPN (RFC 7301).
pub(crate) const DEVICE_PROTOCOL: &[u8] = b"pushcert-device/1";

/// The longest line, in bytes: the largest payload, each byte of it escaped, and its headers.
pub(crate) const MAX_LINE: u64 = 64 << 10;

/// The first line of a device.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum DeviceRequest {
    /// The app registers for a topic; it receives what comes from then on.
    Register { topic: String },
    /// The app starts again: it receives what was kept for it, and what comes from then on.
    Receive(DeviceCredentials),
    /// The app is removed.
    Uninstall(DeviceCredentials),
}

/// The line with which a device confirms a message, or the number of those that it has missed. The gateway sends one at
/// a time, and keeps it until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeviceReceipt {
    Shown,
}

/// What an app on a simulated device proves itself with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceCredentials {
    /// The device token, 64 digits in lower case.
    pub(crate) token: String,
    /// Known to the app and the gateway alone, 64 digits in lower case.
    pub(crate) secret: String,
}

impl fmt::Debug for DeviceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCredentials").finish_non_exhaustive()
    }
}

/// A line of the gateway.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GatewayLine {
    Registered {
        credentials: DeviceCredentials,
        environment: Environment,
    },
    Receiving {
        topic: String,
        environment: Environment,
    },
    /// The token has been unregistered since this time, in milliseconds.
    Uninstalled {
        since: u64,
    },
    Message(Box<DeviceMessage>),
    /// So many messages were not kept, because there were too many.
    Missed {
        count: u64,
    },
    /// The app receives through another connection from now on.
    Replaced,
    Refused(DeviceRefusal),
}

/// The reason why the gateway does not do what a device asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeviceRefusal {
    #[error("the line is not one of the device protocol")]
    NotUnderstood,
    #[error("that is no topic")]
    NoTopic,
    #[error("it does not know this token with this secret")]
    Unknown,
    #[error("the app was removed from this device")]
    Uninstalled,
    #[error("it has as many simulated devices as it takes")]
    TooManyDevices,
    #[error("as many devices receive as it takes")]
    TooManyConnections,
    #[error("it has no random numbers for a token")]
    NoRandomness,
    #[error("it cannot write down the device")]
    NotWritten,
}

/// A notification as it arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceMessage {
    pub(crate) apns_id: String,
    pub(crate) topic: String,
    pub(crate) push_type: Option<String>,
    pub(crate) priority: Option<String>,
    /// UNIX seconds, as they were sent.
    pub(crate) expiration: Option<String>,
    pub(crate) collapse_id: Option<String>,
    /// The payload as it was sent; bytes that are no UTF-8 are replaced.
    pub(crate) payload: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_message_fits_into_a_line() {
        let message = DeviceMessage {
            apns_id: "0".repeat(36),
            topic: "t".repeat(256),
            push_type: Some("alert".to_owned()),
            priority: Some("10".to_owned()),
            expiration: Some("1".repeat(20)),
            collapse_id: Some("\u{1}".repeat(64)),
            payload: "\u{1}".repeat(5120),
        };
        let line = serde_json::to_vec(&GatewayLine::Message(Box::new(message))).unwrap();
        assert!((line.len() as u64) < MAX_LINE, "{}", line.len());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let credentials = DeviceCredentials { token: "ab".to_owned(), secret: "5ec3e7".to_owned() };
        assert!(!format!("{:?}", DeviceRequest::Receive(credentials)).contains("5ec3e7"));
    }
}
