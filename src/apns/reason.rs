//! The reasons with which APNs refuses a request or closes a connection: one table for the client that reads them
//! and the gateway that sends them.
//!
//! Source: Apple, "Handling notification responses from APNs", and observed connections.

/// The subject of a reason, which decides what it proves about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonSubject {
    /// The certificate: it was refused.
    Certificate,
    /// The provider token (a JSON Web Token), or its absence. It says nothing of a certificate.
    ProviderToken,
    /// The topic. The provider was accepted.
    Topic,
    /// The device token. The provider was accepted.
    Device,
    /// Another part of the request. The provider was accepted.
    Request,
    /// The state of the server or the connection, which proves nothing.
    Server,
}

/// One reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The `reason` in the JSON body.
    pub name: &'static str,
    /// The HTTP status of the response.
    pub status: u16,
    pub subject: ReasonSubject,
    pub meaning: &'static str,
    /// The advice; empty if nothing can be done.
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

use ReasonSubject::{Certificate, Device, ProviderToken, Request, Server, Topic};

const NEW_CERTIFICATE: &str = "make a new certificate in Apple's developer portal, and export it with its key";
const RIGHT_TOPIC: &str = "use a topic of the certificate: pushcert inspect FILE lists them";
const RIGHT_TOKEN: &str = "copy the device token again, or ask the gateway of the other environment";
const RIGHT_PAIR: &str = "use the topic of the device token; the topic of a VoIP token ends in .voip";
const TOKEN_AUTHENTICATION: &str =
    "no provider token was sent with the certificate: check the address; something on the way may add one";
const NOT_OURS: &str = "pushcert's request does not have this fault: check the address, for something on the way may change it; where \
     APNs itself answers so, report it to pushcert";
const LATER: &str = "try again later, with growing delays";

/// The known reasons. APNs may send others, which are kept as text.
pub const REASONS: [Reason; 33] = [
    reason("BadCollapseId", 400, Request, "the collapse identifier is longer than 64 bytes", NOT_OURS),
    reason("BadDeviceToken", 400, Device, "the device token is not one of this environment", RIGHT_TOKEN),
    reason("BadExpirationDate", 400, Request, "apns-expiration is not a number of seconds", NOT_OURS),
    reason("BadMessageId", 400, Request, "apns-id is not a UUID", NOT_OURS),
    reason("BadPriority", 400, Request, "apns-priority is not 10, 5 or 1", NOT_OURS),
    reason("BadTopic", 400, Topic, "the topic is not valid", RIGHT_TOPIC),
    reason("DeviceTokenNotForTopic", 400, Device, "the device token belongs to another topic", RIGHT_PAIR),
    reason("DuplicateHeaders", 400, Request, "a header is repeated", NOT_OURS),
    reason("IdleTimeout", 400, Server, "the connection was idle for too long", "connect again"),
    reason(
        "InvalidPushType",
        400,
        Request,
        "apns-push-type is unknown or does not fit the topic",
        "the push type follows from the topic: give the topic with its suffix",
    ),
    reason("MissingDeviceToken", 400, Request, "the path has no device token", NOT_OURS),
    reason(
        "MissingTopic",
        400,
        Topic,
        "the certificate has several topics and the request names none",
        "give one of them as the topic",
    ),
    reason("PayloadEmpty", 400, Request, "the request has no payload", NOT_OURS),
    reason("TopicDisallowed", 400, Topic, "the certificate may not send to this topic", RIGHT_TOPIC),
    reason("BadCertificate", 403, Certificate, "the certificate is not valid", NEW_CERTIFICATE),
    reason(
        "BadCertificateEnvironment",
        403,
        Certificate,
        "the certificate is for the other environment",
        "use the gateway of its environment, or a certificate for this one",
    ),
    reason(
        "BadEnvironmentKeyIdInToken",
        403,
        ProviderToken,
        "the provider token's key is for the other environment",
        TOKEN_AUTHENTICATION,
    ),
    reason(
        "BadEnvironmentKeyInToken",
        403,
        ProviderToken,
        "the provider token's key is for the other environment",
        TOKEN_AUTHENTICATION,
    ),
    reason("ExpiredProviderToken", 403, ProviderToken, "the provider token has expired", TOKEN_AUTHENTICATION),
    reason("Forbidden", 403, Certificate, "the action is not allowed", NEW_CERTIFICATE),
    reason("InvalidProviderToken", 403, ProviderToken, "the provider token is not valid", TOKEN_AUTHENTICATION),
    reason(
        "MissingProviderToken",
        403,
        ProviderToken,
        "the gateway saw neither a certificate nor a provider token",
        "a device on the way that intercepts TLS connections removes the certificate: it must exclude the gateway",
    ),
    reason(
        "UnrelatedKeyIdInToken",
        403,
        ProviderToken,
        "the provider token's key does not go with the earlier one",
        TOKEN_AUTHENTICATION,
    ),
    reason("BadPath", 404, Request, "the path is not /3/device/TOKEN", NOT_OURS),
    reason("MethodNotAllowed", 405, Request, "the method is not POST", NOT_OURS),
    reason("ExpiredToken", 410, Device, "the device token has expired", "stop sending to it"),
    reason("Unregistered", 410, Device, "the device token is no longer active for the topic", "stop sending to it"),
    reason("PayloadTooLarge", 413, Request, "the payload is larger than 4096 bytes (VoIP: 5120)", NOT_OURS),
    reason("TooManyProviderTokenUpdates", 429, Server, "the provider token changes too often", TOKEN_AUTHENTICATION),
    reason("TooManyRequests", 429, Server, "too many requests to one device token", LATER),
    reason("InternalServerError", 500, Server, "the gateway has an internal error", LATER),
    reason("ServiceUnavailable", 503, Server, "the gateway is not available", LATER),
    reason("Shutdown", 503, Server, "the gateway is shutting down", "connect again"),
];

/// A reason as it concerns a provider that authenticates with tokens, where it speaks of a certificate above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenReason {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) advice: &'static str,
}

const fn token_reason(name: &'static str, meaning: &'static str, advice: &'static str) -> TokenReason {
    TokenReason { name, meaning, advice }
}

const RIGHT_APP: &str = "use a topic of one of the team's own apps: the bundle ID, with its suffix";
const OTHER_ENVIRONMENT: &str = "the key is for the other environment";
const RIGHT_ENVIRONMENT: &str = "ask the gateway of the key's environment, or use a key for both";

/// The reasons that mean something else for a token than for a certificate (Apple, "Handling notification responses
/// from APNs" and "Establishing a token-based connection to APNs").
pub(crate) const TOKEN_REASONS: [TokenReason; 11] = [
    token_reason("BadTopic", "the topic is not valid", RIGHT_APP),
    token_reason("MissingTopic", "the request names no topic", RIGHT_APP),
    token_reason(
        "InvalidProviderToken",
        "key, key ID and Team ID do not belong together, or the key was revoked",
        "the key, its key ID and the team ID must belong together: compare both IDs with Apple's developer portal (Keys, Membership), they may be swapped",
    ),
    token_reason(
        "ExpiredProviderToken",
        "the provider token is not of the last hour, by the gateway's clock",
        "set this machine's clock",
    ),
    token_reason(
        "MissingProviderToken",
        "the gateway saw no provider token",
        "check the address; a device that intercepts TLS connections may remove the token",
    ),
    token_reason("BadEnvironmentKeyIdInToken", OTHER_ENVIRONMENT, RIGHT_ENVIRONMENT),
    token_reason("BadEnvironmentKeyInToken", OTHER_ENVIRONMENT, RIGHT_ENVIRONMENT),
    token_reason(
        "UnrelatedKeyIdInToken",
        "the key does not go with the one that the connection began with",
        "use one key on a connection",
    ),
    token_reason(
        "Forbidden",
        "the action is not allowed",
        "check in Apple's developer portal that the key is enabled for APNs",
    ),
    token_reason(
        "TopicDisallowed",
        "the team's key may not send to this topic",
        "use a topic of the team's own apps: the bundle ID, with its suffix; a key may be restricted to some",
    ),
    token_reason(
        "TooManyProviderTokenUpdates",
        "the provider token changes too often",
        "wait 20 minutes: APNs takes a new token every 20 minutes, and other programs may sign with the same key",
    ),
];

/// Returns what a reason means to a provider with tokens, if that is something else.
pub(crate) fn find_for_tokens(name: &str) -> Option<&'static TokenReason> {
    TOKEN_REASONS.iter().find(|reason| reason.name == name)
}

/// Returns the reason with this name.
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
    fn a_provider_with_tokens_reads_nothing_of_certificates() {
        for reason in REASONS {
            let concerns_provider = matches!(reason.subject, ProviderToken | Topic);
            if concerns_provider {
                assert!(find_for_tokens(reason.name).is_some(), "{}", reason.name);
            }
        }
        for reason in TOKEN_REASONS {
            assert!(find(reason.name).is_some(), "{}", reason.name);
            let text = format!("{} {}", reason.meaning, reason.advice);
            assert!(!text.contains("certificate") && !text.contains("--"), "{text}");
        }
    }

    #[test]
    fn forbidden_is_what_speaks_of_the_provider() {
        for reason in REASONS {
            let is_about_provider = matches!(reason.subject, Certificate | ProviderToken);
            assert_eq!(reason.status == 403, is_about_provider, "{}", reason.name);
            assert!(reason.status < 429 || reason.subject == Server, "{}", reason.name);
        }
    }

    #[test]
    fn no_advice_asks_for_what_pushcert_alone_can_do() {
        for reason in REASONS {
            if reason.subject == Request && reason.name != "InvalidPushType" {
                assert_eq!(reason.advice, NOT_OURS, "{}", reason.name);
            }
            for word in ["POST", "authorization", "header", "payload", "apns-", "send "] {
                let is_found = reason.advice.contains(word);
                assert!(!is_found, "{}: {}", reason.name, reason.advice);
            }
        }
    }
}
