//! The reasons with which APNs refuses a request or closes a connection: one table, for the client that
//! reads them and for the gateway that gives them.
//!
//! Source: Apple, "Handling notification responses from APNs", and what was seen on the wire.

/// What a reason speaks of, and so what it proves about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonSubject {
    /// Who the provider is: the certificate (or token) was refused.
    Provider,
    /// The topic. The provider was let in.
    Topic,
    /// The device token. The provider was let in.
    Device,
    /// Another part of the request. The provider was let in.
    Request,
    /// The state of the server or the connection: it proves nothing.
    Server,
}

/// One reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// As it stands in the JSON body.
    pub name: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// What it speaks of.
    pub subject: ReasonSubject,
    /// What it means.
    pub meaning: &'static str,
    /// What to do; empty where there is nothing to do.
    pub advice: &'static str,
}

const fn reason(
    name: &'static str,
    status: u16,
    subject: ReasonSubject,
    meaning: &'static str,
    advice: &'static str,
) -> Reason {
    Reason { name, status, subject, meaning, advice }
}

use ReasonSubject::{Device, Provider, Request, Server, Topic};

const NEW_CERTIFICATE: &str = "make a new certificate in Apple's developer portal, and export it with its key";
const RIGHT_TOPIC: &str = "use a topic of the certificate: pushcert inspect --field topic FILE";
const RIGHT_TOKEN: &str = "copy the device token again, or ask the gateway of the other environment";
const RIGHT_PAIR: &str = "use the topic of the device token; the topic of a VoIP token ends in .voip";
const TOKEN_AUTHENTICATION: &str =
    "this concerns provider tokens (.p8 keys), not certificates: leave out authorization";
const LATER: &str = "try again later, with growing delays";

/// All that is known. More appear over time: what is not here is kept as text.
pub const REASONS: [Reason; 33] = [
    reason("BadCollapseId", 400, Request, "the collapse identifier is longer than 64 bytes", "shorten it"),
    reason("BadDeviceToken", 400, Device, "the device token is not one of this environment", RIGHT_TOKEN),
    reason("BadExpirationDate", 400, Request, "apns-expiration is no number of seconds", "send UNIX seconds, or 0"),
    reason("BadMessageId", 400, Request, "apns-id is no UUID in lower case", "send a UUID, or none"),
    reason("BadPriority", 400, Request, "apns-priority is not 10, 5 or 1", "send 10, 5 or 1"),
    reason("BadTopic", 400, Topic, "the topic is not valid", RIGHT_TOPIC),
    reason("DeviceTokenNotForTopic", 400, Device, "the device token belongs to another topic", RIGHT_PAIR),
    reason("DuplicateHeaders", 400, Request, "a header is there twice", "send each header once"),
    reason("IdleTimeout", 400, Server, "the connection was idle for too long", "connect again"),
    reason(
        "InvalidPushType",
        400,
        Request,
        "apns-push-type is unknown or does not fit the topic",
        "send the push type of the topic",
    ),
    reason("MissingDeviceToken", 400, Request, "the path has no device token", "POST to /3/device/TOKEN"),
    reason(
        "MissingTopic",
        400,
        Topic,
        "the certificate has several topics and the request names none",
        "send apns-topic",
    ),
    reason("PayloadEmpty", 400, Request, "the request has no payload", "send a payload"),
    reason("TopicDisallowed", 400, Topic, "the certificate may not send to this topic", RIGHT_TOPIC),
    reason("BadCertificate", 403, Provider, "the certificate is not valid", NEW_CERTIFICATE),
    reason(
        "BadCertificateEnvironment",
        403,
        Provider,
        "the certificate is for the other environment",
        "use the gateway of its environment, or a certificate for this one",
    ),
    reason(
        "BadEnvironmentKeyIdInToken",
        403,
        Provider,
        "the provider token's key is for the other environment",
        TOKEN_AUTHENTICATION,
    ),
    reason(
        "BadEnvironmentKeyInToken",
        403,
        Provider,
        "the provider token's key is for the other environment",
        TOKEN_AUTHENTICATION,
    ),
    reason("ExpiredProviderToken", 403, Provider, "the provider token has expired", TOKEN_AUTHENTICATION),
    reason("Forbidden", 403, Provider, "the action is not allowed", NEW_CERTIFICATE),
    reason("InvalidProviderToken", 403, Provider, "the provider token is not valid", TOKEN_AUTHENTICATION),
    reason(
        "MissingProviderToken",
        403,
        Provider,
        "the gateway saw neither a certificate nor a provider token",
        "send the certificate; a proxy that opens TLS connections takes it away",
    ),
    reason(
        "UnrelatedKeyIdInToken",
        403,
        Provider,
        "the provider token's key does not go with the earlier one",
        TOKEN_AUTHENTICATION,
    ),
    reason("BadPath", 404, Request, "the path is not /3/device/TOKEN", "POST to /3/device/TOKEN"),
    reason("MethodNotAllowed", 405, Request, "the method is not POST", "use POST"),
    reason("ExpiredToken", 410, Device, "the device token has expired", "stop sending to it"),
    reason("Unregistered", 410, Device, "the device token is no longer active for the topic", "stop sending to it"),
    reason("PayloadTooLarge", 413, Request, "the payload is larger than 4096 bytes (VoIP: 5120)", "send less"),
    reason(
        "TooManyProviderTokenUpdates",
        429,
        Server,
        "the provider token changes too often",
        "keep a token for 20 minutes at least",
    ),
    reason("TooManyRequests", 429, Server, "too many requests to one device token", LATER),
    reason("InternalServerError", 500, Server, "the gateway has an internal error", LATER),
    reason("ServiceUnavailable", 503, Server, "the gateway is not available", LATER),
    reason("Shutdown", 503, Server, "the gateway is shutting down", "connect again"),
];

/// The reason of this name.
pub(crate) fn find(name: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| reason.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_by_status_and_name_and_each_once() {
        let keys: Vec<_> = REASONS.iter().map(|reason| (reason.status, reason.name)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    #[test]
    fn forbidden_is_what_speaks_of_the_provider() {
        for reason in REASONS {
            assert_eq!(reason.status == 403, reason.subject == Provider, "{}", reason.name);
            assert!(reason.status < 429 || reason.subject == Server, "{}", reason.name);
        }
    }
}
