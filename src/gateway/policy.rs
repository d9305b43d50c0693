//! The rules by which requests are answered, from Apple's documentation. The order of the rules is not documented:
//! here the form of the request comes before the topic, and the topic before the device token.

use std::borrow::Cow;
use std::sync::Arc;

use http::HeaderMap;
use http::request::Parts;

use crate::apns::notification::{
    DEVICE_PATH, Headers, MAX_PAYLOAD, MAX_VOIP_PAYLOAD, PUSH_TYPES, PushType, is_token, is_topic, push_type_labelled,
    push_type_of,
};
use crate::apns::payload::is_background_only;
use crate::apns::reason;
use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::gateway::authority::topic_label;
use crate::gateway::devices::Devices;
use crate::gateway::event_log::Answer;
use crate::gateway::team_key::TeamKey;
use crate::gateway::tokens::{TokenState, Tokens};
use crate::net::device_lines::DeviceMessage;

/// Limit for the part of a payload that is kept: one byte more than the largest payload.
pub(super) const MAX_KEPT: usize = MAX_VOIP_PAYLOAD + 1;

/// The policy of one environment.
pub(super) struct RequestPolicy {
    pub(super) environment: Environment,
    pub(super) tokens: Tokens,
    pub(super) devices: Arc<Devices>,
    /// The keys with which provider tokens may be signed.
    pub(super) team_keys: Vec<TeamKey>,
    /// The topics of their teams, without the suffixes of push types; `None` if they have every topic.
    pub(super) team_topics: Option<Vec<String>>,
    /// What Apple documents as an error is refused, although nobody has seen the answer of APNs.
    pub(super) is_strict: bool,
}

/// The provider that sends a request.
#[derive(Clone, Copy)]
pub(super) enum Provider<'a> {
    Certificate(&'a Certificate),
    /// It has shown a valid provider token.
    Team,
}

/// The reply to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// `None` if the notification was accepted.
    pub(super) reason: Option<Cow<'static, str>>,
    /// The time at which the device token became invalid, in milliseconds.
    pub(super) timestamp: Option<u64>,
    /// A fault of the request that APNs may accept.
    pub(super) warning: Option<&'static str>,
}

impl Reply {
    pub(super) const ACCEPTED: Self = Self { status: 200, reason: None, timestamp: None, warning: None };

    /// Refuses a request. A reason that is not in Apple's table has status 400.
    pub(super) fn refused(name: &str) -> Self {
        match reason::find(name) {
            Some(known) => Self { status: known.status, reason: Some(known.name.into()), ..Self::ACCEPTED },
            None => Self { status: 400, reason: Some(name.to_owned().into()), ..Self::ACCEPTED },
        }
    }

    fn refused_since(name: &str, timestamp: u64) -> Self {
        Self { timestamp: Some(timestamp), ..Self::refused(name) }
    }

    /// Returns the answer as it is logged.
    pub(super) fn logged(&self, apns_id: &str) -> Answer {
        let reason = self.reason.as_deref().map(str::to_owned);
        Answer { status: self.status, reason, timestamp: self.timestamp, apns_id: apns_id.to_owned() }
    }

    /// Formats the body of the response.
    pub(super) fn body(&self) -> String {
        let Some(reason) = &self.reason else { return String::new() };
        let mut body = serde_json::json!({ "reason": reason });
        if let Some(timestamp) = self.timestamp {
            body["timestamp"] = timestamp.into();
        }
        body.to_string()
    }
}

impl RequestPolicy {
    /// Returns whether a client may connect, by the extensions of its certificate.
    pub(super) fn admits(&self, client: &Certificate) -> bool {
        client.environments.contains(&self.environment)
    }

    /// Answers a request. `payload` may be cut after [`MAX_KEPT`] bytes.
    pub(super) fn answer(&self, provider: Provider<'_>, request: &Parts, payload: &[u8]) -> Reply {
        match self.check(provider, request, payload) {
            Ok(warning) => Reply { warning, ..Reply::ACCEPTED },
            Err(refusal) => refusal,
        }
    }

    /// Delivers a notification that was accepted, if its token is a simulated device's.
    pub(super) fn deliver(&self, provider: Provider<'_>, request: &Parts, payload: &[u8], apns_id: &str) {
        let Some(token) = request.uri.path().strip_prefix(DEVICE_PATH) else { return };
        let Ok(headers) = RequestHeaders::read(&request.headers) else { return };
        let Ok(topic) = headers.topic(provider) else { return };
        let ruled = headers.ruled;
        self.devices.deliver(token, || DeviceMessage {
            apns_id: apns_id.to_owned(),
            topic: topic.to_owned(),
            push_type: ruled.push_type.map(str::to_owned),
            priority: ruled.priority.map(str::to_owned),
            expiration: ruled.expiration.map(str::to_owned),
            collapse_id: ruled.collapse_id.map(str::to_owned),
            payload: String::from_utf8_lossy(payload).into_owned(),
        });
    }

    /// Checks a request; returns a warning.
    fn check(&self, provider: Provider<'_>, request: &Parts, payload: &[u8]) -> Result<Option<&'static str>, Reply> {
        let token = device_token(request)?;
        let headers = RequestHeaders::read(&request.headers)?;
        if let Some(reason) = headers.ruled.breach() {
            return Err(Reply::refused(reason));
        }
        let warning = check_background(&headers.ruled, payload);
        if self.is_strict && warning.is_some() {
            return Err(Reply { warning, ..Reply::refused("BadPriority") });
        }
        let topic = headers.topic(provider)?;
        self.check_topic(provider, topic, headers.ruled.push_type)?;
        check_payload(payload, self.push_type_of(provider, topic))?;
        self.check_token(token, topic)?;
        Ok(warning)
    }

    fn check_topic(&self, provider: Provider<'_>, topic: &str, push_type: Option<&str>) -> Result<(), Reply> {
        if !is_topic(topic) {
            return Err(Reply::refused("BadTopic"));
        }
        if !self.may_send_to(provider, topic) {
            return Err(Reply::refused("TopicDisallowed"));
        }
        let push_type = PUSH_TYPES.iter().find(|known| Some(known.name) == push_type);
        match push_type {
            Some(push_type) if !fits_topic(push_type, self.push_type_of(provider, topic), provider) => {
                Err(Reply::refused("InvalidPushType"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns whether a provider may send to a topic. A certificate lists its topics; a team may use those of all
    /// push types of its apps.
    fn may_send_to(&self, provider: Provider<'_>, topic: &str) -> bool {
        match (provider, &self.team_topics) {
            (Provider::Certificate(certificate), _) => certificate.topics.iter().any(|known| known.topic == topic),
            (Provider::Team, None) => true,
            (Provider::Team, Some(topics)) => topics.iter().any(|known| is_of_app(topic, known, &topics[0])),
        }
    }

    /// Returns the push type of a topic. An app's bundle ID may end as another topic's suffix does, so that the label
    /// in the certificate decides, or the one that the topic of a team would have there.
    fn push_type_of(&self, provider: Provider<'_>, topic: &str) -> PushType {
        match (provider, &self.team_topics) {
            (Provider::Certificate(certificate), _) => push_type_labelled(topic, certificate.label_of(topic)),
            (Provider::Team, Some(topics)) if topics.iter().any(|known| known == topic) => {
                push_type_labelled(topic, Some(topic_label(topic, &topics[0])))
            }
            (Provider::Team, _) => push_type_of(topic),
        }
    }

    /// Checks a device token. One of the other environment is `BadDeviceToken`, as one that nobody has (Apple, "Handling
    /// notification responses from APNs": "Verify that the request contains a valid token and that the token matches the
    /// environment").
    fn check_token(&self, token: &str, topic: &str) -> Result<(), Reply> {
        if !is_token(token) {
            return Err(Reply::refused("BadDeviceToken"));
        }
        if let Some(state) = self.devices.state_of(token) {
            return check_state(state, false, topic);
        }
        let Some(found) = self.tokens.find(token) else { return Err(Reply::refused("BadDeviceToken")) };
        if found.environment.is_some_and(|own| own != self.environment) {
            return Err(Reply::refused("BadDeviceToken"));
        }
        check_state(found.state, found.is_over_limit, topic)
    }
}

fn check_state(state: TokenState, is_over_limit: bool, topic: &str) -> Result<(), Reply> {
    match state {
        TokenState::Active(Some(only)) if only != topic => Err(Reply::refused("DeviceTokenNotForTopic")),
        // Apple: "The server received too many requests for the same device token."
        TokenState::Active(_) if is_over_limit => Err(Reply::refused("TooManyRequests")),
        TokenState::Active(_) => Ok(()),
        TokenState::Unregistered(since) => Err(Reply::refused_since("Unregistered", since)),
        TokenState::Expired(since) => Err(Reply::refused_since("ExpiredToken", since)),
    }
}

/// Returns the device token in the path of a request.
fn device_token(request: &Parts) -> Result<&str, Reply> {
    if request.method != http::Method::POST {
        return Err(Reply::refused("MethodNotAllowed"));
    }
    match request.uri.path().strip_prefix(DEVICE_PATH) {
        None => Err(Reply::refused("BadPath")),
        Some("") => Err(Reply::refused("MissingDeviceToken")),
        Some(token) => Ok(token),
    }
}

/// The headers that the policy looks at. A request may have each of them only once.
#[derive(Default)]
struct RequestHeaders<'a> {
    ruled: Headers<'a>,
    topic: Option<&'a str>,
    authorization: Option<&'a str>,
}

impl<'a> RequestHeaders<'a> {
    /// Reads all in one pass. A value that is not text becomes the empty one, which breaks every rule.
    fn read(headers: &'a HeaderMap) -> Result<Self, Reply> {
        let mut read = Self::default();
        for (name, value) in headers {
            let place = match name.as_str() {
                "apns-id" => &mut read.ruled.id,
                "apns-expiration" => &mut read.ruled.expiration,
                "apns-priority" => &mut read.ruled.priority,
                "apns-topic" => &mut read.topic,
                "apns-collapse-id" => &mut read.ruled.collapse_id,
                "apns-push-type" => &mut read.ruled.push_type,
                "authorization" => &mut read.authorization,
                _ => continue,
            };
            let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
            if place.replace(text).is_some() {
                return Err(Reply::refused("DuplicateHeaders"));
            }
        }
        Ok(read)
    }

    /// Returns the topic: the one that is named, or the only one of the provider's certificate.
    fn topic(&self, provider: Provider<'a>) -> Result<&'a str, Reply> {
        match self.topic {
            Some(named) => Ok(named),
            None => default_topic(provider),
        }
    }
}

/// Checks the priority of a background notification. Apple: "it's an error to use this priority" (10) "for a push
/// notification that contains only the content-available key" (Apple, "Sending notification requests to APNs"); an absent
/// priority counts as 10, and the push type may be absent. APNs answered 200 in 2016; its answer today [?].
fn check_background(headers: &Headers<'_>, payload: &[u8]) -> Option<&'static str> {
    match headers.push_type {
        Some("background") => {}
        None if is_background_only(payload) => {}
        Some(_) | None => return None,
    }
    match headers.priority {
        Some("10") => Some("a background notification has priority 10, which Apple calls an error: 5 is expected"),
        None => Some("a background notification has no priority, which counts as 10: 5 is expected"),
        Some(_) => None,
    }
}

/// Returns the topic of a request that names none: the certificate's, if it has only one. With a provider token
/// apns-topic is required.
fn default_topic(provider: Provider<'_>) -> Result<&str, Reply> {
    if let Provider::Certificate(certificate) = provider
        && let [only] = &certificate.topics[..]
    {
        return Ok(&only.topic);
    }
    Err(Reply::refused("MissingTopic"))
}

/// Returns whether a topic belongs to the app of a topic that is known, where the first of them is `first`: it is the
/// bundle ID, with the suffix of a push type or none.
fn is_of_app(topic: &str, known: &str, first: &str) -> bool {
    let known_type = push_type_labelled(known, Some(topic_label(known, first)));
    let bundle_id = known.strip_suffix(known_type.suffix).unwrap_or(known);
    let Some(suffix) = topic.strip_prefix(bundle_id) else { return false };
    PUSH_TYPES.iter().any(|push_type| push_type.suffix == suffix)
}

/// Returns whether a push type fits a topic. "mdm" needs a certificate, "location" a provider token (Apple, "Sending
/// notification requests to APNs").
fn fits_topic(push_type: &PushType, topic_type: PushType, provider: Provider<'_>) -> bool {
    match (push_type.name, provider) {
        ("mdm", Provider::Certificate(certificate)) => certificate.kind == CertificateKind::Mdm,
        ("mdm", Provider::Team) | ("location", Provider::Certificate(_)) => false,
        _ => push_type.suffix == topic_type.suffix,
    }
}

fn check_payload(payload: &[u8], topic_type: PushType) -> Result<(), Reply> {
    let limit = if topic_type.name == "voip" { MAX_VOIP_PAYLOAD } else { MAX_PAYLOAD };
    if payload.is_empty() {
        Err(Reply::refused("PayloadEmpty"))
    } else if payload.len() > limit {
        Err(Reply::refused("PayloadTooLarge"))
    } else {
        Ok(())
    }
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
        let team_topics = Some(vec!["com.example.MyApp".to_owned()]);
        let environment = Environment::Production;
        RequestPolicy {
            environment,
            tokens,
            devices: Arc::default(),
            team_keys: Vec::new(),
            team_topics,
            is_strict: false,
        }
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method).uri(format!("https://localhost{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn ask(client: &str, method: &str, path: &str, headers: &[(&str, &str)], payload: &[u8]) -> Reply {
        policy().answer(Provider::Certificate(&fixture(client)), &request(method, path, headers), payload)
    }

    #[test]
    fn a_team_sends_to_the_topics_of_its_apps() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        for (topic, push_type, expected) in [
            (Some("com.example.MyApp"), "alert", None),
            (Some("com.example.MyApp.push-type.liveactivity"), "liveactivity", None),
            (Some("com.example.MyApp.location-query"), "location", None),
            (Some("com.example.MyApp.voip"), "alert", Some("InvalidPushType")),
            (Some("com.example.MyApp"), "mdm", Some("InvalidPushType")),
            (Some("com.example.Other"), "alert", Some("TopicDisallowed")),
            (None, "alert", Some("MissingTopic")),
        ] {
            let mut headers = vec![("apns-push-type", push_type)];
            headers.extend(topic.map(|topic| ("apns-topic", topic)));
            let reply = policy().answer(Provider::Team, &request("POST", &path, &headers), b"{}");
            assert_eq!(reply.reason.as_deref(), expected, "{topic:?} {push_type}");
        }
        let any = RequestPolicy { team_topics: None, ..policy() };
        let elsewhere = request("POST", &path, &[("apns-topic", "com.example.Other")]);
        assert_eq!(any.answer(Provider::Team, &elsewhere, b"{}"), Reply::ACCEPTED);
    }

    #[test]
    fn a_background_notification_of_high_priority_is_warned_of_or_refused() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        for (push_type, priority, is_wrong) in [
            ("background", Some("10"), true),
            ("background", None, true),
            ("background", Some("5"), false),
            ("background", Some("1"), false),
            ("alert", Some("10"), false),
            ("alert", None, false),
        ] {
            let mut headers = vec![("apns-topic", "com.example.MyApp"), ("apns-push-type", push_type)];
            headers.extend(priority.map(|priority| ("apns-priority", priority)));
            let request = request("POST", &path, &headers);
            for is_strict in [false, true] {
                let policy = RequestPolicy { is_strict, ..policy() };
                let reply = policy.answer(Provider::Team, &request, b"{}");
                assert_eq!(reply.warning.is_some(), is_wrong, "{headers:?}");
                assert_eq!(reply.reason.as_deref(), (is_wrong && is_strict).then_some("BadPriority"), "{headers:?}");
            }
        }
    }

    #[test]
    fn every_rule_has_its_answer() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        let topic = ("apns-topic", "com.example.MyApp");
        let voip = ("apns-topic", "com.example.MyApp.voip");
        let large = vec![b'x'; MAX_PAYLOAD + 1];
        let larger = vec![b'x'; MAX_VOIP_PAYLOAD + 1];
        let long = "x".repeat(65);
        let accents = "é".repeat(33);
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
            ("POST", &path, &[topic, ("apns-collapse-id", &accents)], b"{}", Some("BadCollapseId")),
            ("POST", &path, &[topic, ("apns-collapse-id", "réservation")], b"{}", None),
            ("POST", &path, &[topic, ("apns-id", &accents)], b"{}", Some("BadMessageId")),
            ("POST", &path, &[topic, ("apns-priority", "é")], b"{}", Some("BadPriority")),
            ("POST", &path, &[topic, ("apns-expiration", "é")], b"{}", Some("BadExpirationDate")),
            ("POST", &path, &[topic, ("apns-push-type", "é")], b"{}", Some("InvalidPushType")),
            ("POST", &path, &[("apns-topic", "com.é")], b"{}", Some("BadTopic")),
            ("POST", &path, &[topic, ("authorization", "a"), ("authorization", "b")], b"{}", Some("DuplicateHeaders")),
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
    fn a_value_that_is_no_text_breaks_every_rule() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        for (name, reason) in [
            ("apns-id", "BadMessageId"),
            ("apns-expiration", "BadExpirationDate"),
            ("apns-priority", "BadPriority"),
            ("apns-collapse-id", "BadCollapseId"),
            ("apns-push-type", "InvalidPushType"),
            ("apns-topic", "BadTopic"),
        ] {
            let mut request = request("POST", &path, &[("apns-topic", "com.example.MyApp")]);
            request.headers.insert(name, http::HeaderValue::from_bytes(&[0xe9; 20]).unwrap());
            let answer = policy().answer(Provider::Team, &request, b"{}");
            assert_eq!(answer.reason.as_deref(), Some(reason), "{name}");
        }
    }

    #[test]
    fn a_bundle_id_may_end_as_a_suffix_does() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        for bundle_id in ["com.acme.voip", "com.acme.complication", "com.acme.my.voip-ptt"] {
            let policy = RequestPolicy { team_topics: Some(vec![bundle_id.to_owned()]), ..policy() };
            let voip = format!("{bundle_id}.voip");
            for (topic, push_type, expected) in [
                (bundle_id, "alert", None),
                (bundle_id, "voip", Some("InvalidPushType")),
                (bundle_id, "complication", Some("InvalidPushType")),
                (&voip, "voip", None),
                (&voip, "alert", Some("InvalidPushType")),
                ("com.acme", "alert", Some("TopicDisallowed")),
            ] {
                let headers = [("apns-topic", topic), ("apns-push-type", push_type)];
                let answer = policy.answer(Provider::Team, &request("POST", &path, &headers), b"{}");
                assert_eq!(answer.reason.as_deref(), expected, "{topic} {push_type}");
            }
            let headers = [("apns-topic", bundle_id)];
            let large = vec![b'x'; MAX_PAYLOAD + 1];
            let answer = policy.answer(Provider::Team, &request("POST", &path, &headers), &large);
            assert_eq!(answer.reason.as_deref(), Some("PayloadTooLarge"), "{bundle_id} has the limit of alerts");
        }
    }

    #[test]
    fn a_payload_for_the_background_alone_needs_no_push_type_to_be_warned_of() {
        let path = format!("{DEVICE_PATH}{TOKEN}");
        let strict = RequestPolicy { is_strict: true, ..policy() };
        let topic = ("apns-topic", "com.example.MyApp");
        let five = ("apns-priority", "5");
        let only: &[u8] = br#"{"aps":{"content-available":1},"id":7}"#;
        let escaped: &[u8] = br#"{"\u0061ps":{"content\u002davailable":1}}"#;
        let shown: &[u8] = br#"{"aps":{"content-available":1,"alert":"hi"}}"#;
        for (headers, payload, expected) in [
            (&[topic][..], only, Some("BadPriority")),
            (&[topic], escaped, Some("BadPriority")),
            (&[topic, five], only, None),
            (&[topic], shown, None),
        ] {
            let answer = strict.answer(Provider::Team, &request("POST", &path, headers), payload);
            assert_eq!(answer.reason.as_deref(), expected, "{headers:?}");
        }
    }

    #[test]
    fn one_topic_need_not_be_named() {
        assert_eq!(ask("production", "POST", &format!("{DEVICE_PATH}{TOKEN}"), &[], b"{}"), Reply::ACCEPTED);
        assert_eq!(
            ask("mdm", "POST", &format!("{DEVICE_PATH}{TOKEN}"), &[("apns-push-type", "mdm")], b"{}"),
            Reply::ACCEPTED
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
