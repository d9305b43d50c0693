//! What a request is answered with: the rules of Apple's documentation, in one order. That order is not
//! documented: here the request is judged before the topic, and the topic before the token.

use crate::apns::notification::{
    self, DEVICE_PATH, Headers, MAX_PAYLOAD, MAX_VOIP_PAYLOAD, PUSH_TYPES, is_token, is_topic, push_type_of,
};
use crate::apns::reason::{self, Reason};
use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};

use crate::gateway::tokens::{TokenState, Tokens};

/// The headers that may be there once only.
const SINGLE: [&str; 6] =
    ["apns-id", "apns-expiration", "apns-priority", "apns-topic", "apns-collapse-id", "apns-push-type"];

/// The most of a payload that is worth reading: one byte more than the largest.
pub(crate) const MAX_READ: usize = MAX_VOIP_PAYLOAD + 1;

/// Who is asking, and of what.
pub(crate) struct RequestPolicy {
    /// The environment that the gateway stands for.
    pub(crate) environment: Environment,
    /// The devices.
    pub(crate) tokens: Tokens,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// The reason; `None` for a notification that was taken.
    pub(crate) reason: Option<String>,
    /// Since when a token is of no use, in milliseconds.
    pub(crate) timestamp: Option<u64>,
}

impl Reply {
    const TAKEN: Self = Self { status: 200, reason: None, timestamp: None };

    /// With a reason; one that is not in the table comes with status 400.
    pub(crate) fn refused(name: &str) -> Self {
        let status = reason::find(name).map_or(400, |reason: &Reason| reason.status);
        Self { status, reason: Some(name.to_owned()), timestamp: None }
    }

    /// The body.
    pub(crate) fn body(&self) -> String {
        let Some(reason) = &self.reason else { return String::new() };
        let mut body = serde_json::json!({ "reason": reason });
        if let Some(timestamp) = self.timestamp {
            body["timestamp"] = timestamp.into();
        }
        body.to_string()
    }
}

impl RequestPolicy {
    /// Whether a certificate may connect at all: by its extensions, not by its name.
    pub(crate) fn admits(&self, client: &Certificate) -> bool {
        client.environments.contains(&self.environment)
    }

    /// Answers a request of a client with this certificate; of `payload` no more than [`MAX_READ`] bytes
    /// need be there.
    pub(crate) fn answer(&self, client: &Certificate, request: &http::request::Parts, payload: &[u8]) -> Reply {
        self.judge(client, request, payload).map_or_else(|answer| answer, |()| Reply::TAKEN)
    }

    fn judge(&self, client: &Certificate, request: &http::request::Parts, payload: &[u8]) -> Result<(), Reply> {
        let refuse = |name: &str| Err(Reply::refused(name));
        if request.method != http::Method::POST {
            return refuse("MethodNotAllowed");
        }
        let Some(token) = request.uri.path().strip_prefix(DEVICE_PATH) else { return refuse("BadPath") };
        if token.is_empty() {
            return refuse("MissingDeviceToken");
        }
        if SINGLE.iter().any(|name| request.headers.get_all(*name).iter().nth(1).is_some()) {
            return refuse("DuplicateHeaders");
        }
        // What is not text breaks every rule that there is.
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap_or("\u{fffd}"));
        let headers = Headers {
            id: header("apns-id"),
            expiration: header("apns-expiration"),
            priority: header("apns-priority"),
            collapse_id: header("apns-collapse-id"),
            push_type: header("apns-push-type"),
        };
        if let Some(name) = headers.breach() {
            return refuse(name);
        }
        let topic = judge_topic(client, header("apns-topic"), headers.push_type)?;
        if payload.is_empty() {
            return refuse("PayloadEmpty");
        }
        let is_voip = push_type_of(&topic).name == "voip";
        if payload.len() > if is_voip { MAX_VOIP_PAYLOAD } else { MAX_PAYLOAD } {
            return refuse("PayloadTooLarge");
        }
        if !is_token(token) {
            return refuse("BadDeviceToken");
        }
        match self.tokens.get(token) {
            None => refuse("BadDeviceToken"),
            Some(TokenState::Active(Some(only))) if only != topic => refuse("DeviceTokenNotForTopic"),
            Some(TokenState::Active(_)) => Ok(()),
            Some(TokenState::Unregistered(at)) => Err(Reply { timestamp: Some(at), ..Reply::refused("Unregistered") }),
            Some(TokenState::Expired(at)) => Err(Reply { timestamp: Some(at), ..Reply::refused("ExpiredToken") }),
        }
    }
}

/// The topic that a request is for: the one named, or the certificate's only one.
fn judge_topic(client: &Certificate, named: Option<&str>, push_type: Option<&str>) -> Result<String, Reply> {
    let topic = match (named, &client.topics[..]) {
        (Some(topic), _) => topic,
        (None, [only]) => &only.topic,
        (None, _) => return Err(Reply::refused("MissingTopic")),
    };
    if !is_topic(topic) {
        return Err(Reply::refused("BadTopic"));
    }
    if !client.topics.iter().any(|known| known.topic == topic) {
        return Err(Reply::refused("TopicDisallowed"));
    }
    let kind = push_type.and_then(|name| PUSH_TYPES.iter().find(|kind| kind.name == name));
    let fits = |kind: &notification::PushType| match kind.name {
        "mdm" => client.kind == CertificateKind::Mdm,
        // Needs a provider token, whatever the topic.
        "location" => false,
        _ => {
            kind.suffix.is_empty() && push_type_of(topic).suffix.is_empty() || kind.suffix == push_type_of(topic).suffix
        }
    };
    if kind.is_some_and(|kind| !fits(kind)) {
        return Err(Reply::refused("InvalidPushType"));
    }
    Ok(topic.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support;

    const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

    fn fixture(name: &str) -> Certificate {
        test_support::certificate(&format!("der/{name}.cer"))
    }

    fn policy() -> RequestPolicy {
        let tokens = Tokens::default();
        tokens.set(TOKEN, TokenState::Active(None));
        tokens.set("aa", TokenState::Unregistered(5));
        tokens.set("bb", TokenState::Expired(6));
        tokens.set("cc", TokenState::Active(Some("com.example.Other".to_owned())));
        RequestPolicy { environment: Environment::Production, tokens }
    }

    fn ask(client: &str, method: &str, path: &str, headers: &[(&str, &str)], payload: &[u8]) -> Reply {
        let mut request = http::Request::builder().method(method).uri(format!("https://localhost{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        policy().answer(&fixture(client), &parts, payload)
    }

    #[test]
    fn every_rule_has_its_answer() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        let topic = ("apns-topic", "com.example.MyApp");
        let voip = ("apns-topic", "com.example.MyApp.voip");
        let large = vec![b'x'; MAX_PAYLOAD + 1];
        let larger = vec![b'x'; MAX_VOIP_PAYLOAD + 1];
        let long = "x".repeat(65);
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8], Option<&'a str>);
        let cases: &[Case<'_>] = &[
            ("POST", &path, &[topic], b"{}", None),
            ("POST", &path, &[topic, ("apns-push-type", "background"), ("apns-priority", "5")], b"{}", None),
            ("POST", &path, &[voip, ("apns-push-type", "voip")], &large, None),
            ("GET", &path, &[topic], b"{}", Some("MethodNotAllowed")),
            ("POST", "/3/devices/aa", &[topic], b"{}", Some("BadPath")),
            ("POST", "/", &[topic], b"{}", Some("BadPath")),
            ("POST", "/3/device/", &[topic], b"{}", Some("MissingDeviceToken")),
            ("POST", &path, &[topic, topic], b"{}", Some("DuplicateHeaders")),
            ("POST", &path, &[topic, ("apns-expiration", "soon")], b"{}", Some("BadExpirationDate")),
            ("POST", &path, &[topic, ("apns-priority", "11")], b"{}", Some("BadPriority")),
            ("POST", &path, &[topic, ("apns-id", "1")], b"{}", Some("BadMessageId")),
            ("POST", &path, &[topic, ("apns-collapse-id", &long)], b"{}", Some("BadCollapseId")),
            ("POST", &path, &[topic, ("apns-push-type", "shout")], b"{}", Some("InvalidPushType")),
            ("POST", &path, &[topic, ("apns-push-type", "voip")], b"{}", Some("InvalidPushType")),
            ("POST", &path, &[topic, ("apns-push-type", "location")], b"{}", Some("InvalidPushType")),
            ("POST", &path, &[topic, ("apns-push-type", "mdm")], b"{}", Some("InvalidPushType")),
            ("POST", &path, &[], b"{}", Some("MissingTopic")),
            ("POST", &path, &[("apns-topic", "a b")], b"{}", Some("BadTopic")),
            ("POST", &path, &[("apns-topic", "com.example.Other")], b"{}", Some("TopicDisallowed")),
            ("POST", &path, &[topic], b"", Some("PayloadEmpty")),
            ("POST", &path, &[topic], &large, Some("PayloadTooLarge")),
            ("POST", &path, &[voip], &larger, Some("PayloadTooLarge")),
            ("POST", "/3/device/xyz", &[topic], b"{}", Some("BadDeviceToken")),
            ("POST", "/3/device/ab", &[topic], b"{}", Some("BadDeviceToken")),
            ("POST", "/3/device/aa", &[topic], b"{}", Some("Unregistered")),
            ("POST", "/3/device/bb", &[topic], b"{}", Some("ExpiredToken")),
            ("POST", "/3/device/cc", &[topic], b"{}", Some("DeviceTokenNotForTopic")),
        ];
        for (method, path, headers, payload, expected) in cases {
            let answer = ask("universal", method, path, headers, payload);
            assert_eq!(answer.reason.as_deref(), *expected, "{method} {path} {headers:?}");
            let status = expected.map_or(200, |name| reason::find(name).unwrap().status);
            assert_eq!(answer.status, status);
        }
        assert_eq!(
            ask("universal", "POST", "/3/device/aa", &[topic], b"{}").body(),
            r#"{"reason":"Unregistered","timestamp":5}"#
        );
    }

    #[test]
    fn one_topic_need_not_be_named() {
        assert_eq!(ask("production", "POST", &format!("{DEVICE_PATH}{TOKEN}"), &[], b"{}"), Reply::TAKEN);
        assert_eq!(
            ask("mdm", "POST", &format!("{DEVICE_PATH}{TOKEN}"), &[("apns-push-type", "mdm")], b"{}"),
            Reply::TAKEN
        );
    }

    #[test]
    fn the_extensions_decide_who_may_connect() {
        assert!(policy().admits(&fixture("production")));
        assert!(!policy().admits(&fixture("sandbox")));
        assert!(policy().admits(&fixture("universal")));
        assert!(!policy().admits(&fixture("not-push")));
    }
}
