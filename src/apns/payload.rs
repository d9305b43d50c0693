//! What APNs takes and devices then ignore or show wrongly: mistakes in payloads and in headers beside them.
//!
//! Sources: Apple, "Generating a remote notification" (the keys of `aps` and their types), "Sending notification
//! requests to APNs" (the headers), "Updating a Pass" (an empty dictionary), "Using push notifications to signal changes"
//! (File Provider), "Updating widgets with WidgetKit push notifications", "Updating controls locally and remotely".

use memchr::{memchr, memmem};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::apns::notification::{has_payload_of_app, is_pass_topic};

/// A mistake in a notification that may be accepted all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestWarning {
    NotJson,
    NotAnObject,
    NoAps,
    ApsIsNoObject,
    /// A key of `aps` stands beside it.
    OutsideAps(&'static str),
    /// A key of `aps` stands in its alert.
    InsideAlert(&'static str),
    /// The value of a key of `aps` has another type than Apple's table says.
    WrongType(&'static str),
    /// A key of `aps` is written with underscores, as in no table of Apple's.
    Underscores(&'static str),
    NothingToShow,
    BackgroundPriority,
    BackgroundWithoutContentAvailable,
    BackgroundWithAlert,
    NoPushType,
    ExpirationInMilliseconds,
    LiveActivityIncomplete,
    /// Wallet reads nothing of the payload.
    PassWithContent,
    NoContainerIdentifier,
    NoContentChanged,
    InterruptionLevel,
}

/// A warning in the form of a document.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct WarningText {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl RequestWarning {
    /// Returns its name and the sentence that explains it.
    pub(crate) fn text(self) -> WarningText {
        let (code, message) = match self {
            Self::NotJson => ("payload_not_json", "the payload is not JSON"),
            Self::NotAnObject => ("payload_not_object", "the payload is JSON, but not an object"),
            Self::NoAps => ("aps_missing", "the payload has no aps"),
            Self::ApsIsNoObject => ("aps_not_object", "aps is not an object"),
            Self::OutsideAps(key) => return keyed("key_outside_aps", key, "stands beside aps instead of in it"),
            Self::InsideAlert(key) => {
                return keyed("key_inside_alert", key, "stands in alert instead of beside it, and means nothing there");
            }
            Self::WrongType(key) => return keyed("key_of_wrong_type", key, "in aps has a value of the wrong type"),
            Self::Underscores(key) => {
                return keyed("key_with_underscores", key, "in aps is written with underscores, and means nothing so");
            }
            Self::NothingToShow => ("alert_empty", "the push type is alert, and aps has no alert, badge or sound"),
            Self::BackgroundPriority => (
                "background_priority",
                "a background notification must have apns-priority 5, or 1; without one it is 10",
            ),
            Self::BackgroundWithoutContentAvailable => {
                ("background_content_available", "a background notification needs content-available: 1 in aps")
            }
            Self::BackgroundWithAlert => {
                ("background_alert", "a background notification must not have alert, badge or sound")
            }
            Self::NoPushType => ("push_type_missing", "apns-push-type is missing; watchOS 6 and later require it"),
            Self::ExpirationInMilliseconds => (
                "expiration_milliseconds",
                "apns-expiration lies far in the future: it counts seconds, not milliseconds",
            ),
            Self::LiveActivityIncomplete => {
                ("live_activity_incomplete", "a Live Activity needs timestamp, event and content-state in aps")
            }
            Self::PassWithContent => (
                "pass_with_content",
                "Wallet reads nothing of the payload, for which {} is enough: what it shows is the changeMessage in the updated pass",
            ),
            Self::NoContainerIdentifier => (
                "container_identifier_missing",
                "a File Provider notification needs container-identifier, and the domain if the app has several",
            ),
            Self::NoContentChanged => {
                ("content_changed_missing", "a notification for widgets or controls needs content-changed: true in aps")
            }
            Self::InterruptionLevel => (
                "interruption_level_unknown",
                "interruption-level in aps is none of passive, active, time-sensitive and critical",
            ),
        };
        WarningText { code, message: message.to_owned() }
    }
}

fn keyed(code: &'static str, key: &str, problem: &str) -> WarningText {
    WarningText { code, message: format!("{key} {problem}") }
}

/// The parts of a notification in which mistakes are looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Notification<'a> {
    pub(crate) topic: Option<&'a str>,
    pub(crate) push_type: Option<&'a str>,
    pub(crate) priority: Option<&'a str>,
    pub(crate) expiration: Option<&'a str>,
    pub(crate) payload: &'a [u8],
}

/// The type of a value in `aps`.
#[derive(Clone, Copy)]
enum ValueType {
    Text,
    Number,
    /// The number 1.
    One,
    TextOrObject,
}

/// A key of `aps`.
struct ApsKey {
    name: &'static str,
    value: ValueType,
}

const fn key(name: &'static str, value: ValueType) -> ApsKey {
    ApsKey { name, value }
}

/// The keys of `aps` that cannot be meant for the app where they stand outside of it.
const APS_KEYS: [ApsKey; 11] = [
    key("alert", ValueType::TextOrObject),
    key("badge", ValueType::Number),
    key("sound", ValueType::TextOrObject),
    key("thread-id", ValueType::Text),
    key("category", ValueType::Text),
    key("content-available", ValueType::One),
    key("mutable-content", ValueType::One),
    key("target-content-id", ValueType::Text),
    key("interruption-level", ValueType::Text),
    key("relevance-score", ValueType::Number),
    key("filter-criteria", ValueType::Text),
];

/// The values of interruption-level.
const INTERRUPTION_LEVELS: [&str; 4] = ["passive", "active", "time-sensitive", "critical"];

/// Returns whether a payload has nothing: an empty dictionary, with an empty aps or without one.
fn is_empty_notification(payload: &Map<String, Value>) -> bool {
    payload.iter().all(|(key, value)| key == "aps" && (value.as_object().is_some_and(Map::is_empty) || *value == ""))
}

/// Seconds since 1970 that nobody means: the year 5138.
const FAR_FUTURE: u64 = 100_000_000_000;

/// Returns whether `aps` has content-available and nothing else, so that the notification is for the background
/// whatever its push type is.
pub(crate) fn is_background_only(payload: &[u8]) -> bool {
    // Most payloads need not be parsed: without the word, or an escape that may hide it, there is no such key.
    if memmem::find(payload, b"content-available").is_none() && memchr(b'\\', payload).is_none() {
        return false;
    }
    let Ok(Value::Object(payload)) = serde_json::from_slice(payload) else { return false };
    let Some(Value::Object(aps)) = payload.get("aps") else { return false };
    aps.len() == 1 && aps.get("content-available") == Some(&Value::from(1))
}

impl Notification<'_> {
    /// Finds the mistakes.
    pub(crate) fn warnings(&self) -> Vec<RequestWarning> {
        let mut found = Vec::new();
        if self.push_type.is_none() {
            found.push(RequestWarning::NoPushType);
        }
        let is_background = match self.push_type {
            Some(push_type) => push_type == "background",
            None => is_background_only(self.payload),
        };
        if is_background && matches!(self.priority, None | Some("10")) {
            found.push(RequestWarning::BackgroundPriority);
        }
        if let Some(Ok(seconds)) = self.expiration.map(str::parse::<u64>)
            && seconds > FAR_FUTURE
        {
            found.push(RequestWarning::ExpirationInMilliseconds);
        }
        match serde_json::from_slice(self.payload) {
            // The empty payload has an answer of its own.
            Err(_) if self.payload.is_empty() => {}
            Err(_) => found.push(RequestWarning::NotJson),
            Ok(Value::Object(payload)) => self.check_payload(&payload, &mut found),
            Ok(_) => found.push(RequestWarning::NotAnObject),
        }
        found
    }

    fn check_payload(&self, payload: &Map<String, Value>, found: &mut Vec<RequestWarning>) {
        if self.push_type == Some("mdm") || (self.push_type.is_none() && payload.contains_key("mdm")) {
            return;
        }
        if self.topic.is_some_and(is_pass_topic) {
            if !is_empty_notification(payload) {
                found.push(RequestWarning::PassWithContent);
            }
            return;
        }
        if self.push_type == Some("fileprovider") && !payload.contains_key("container-identifier") {
            found.push(RequestWarning::NoContainerIdentifier);
        }
        if !payload.contains_key("aps") && self.push_type.is_some_and(has_payload_of_app) {
            return;
        }
        for key in APS_KEYS {
            if payload.contains_key(key.name) {
                found.push(RequestWarning::OutsideAps(key.name));
            }
        }
        match payload.get("aps") {
            None => found.push(RequestWarning::NoAps),
            Some(Value::Object(aps)) => self.check_aps(aps, found),
            Some(_) => found.push(RequestWarning::ApsIsNoObject),
        }
    }

    fn check_aps(&self, aps: &Map<String, Value>, found: &mut Vec<RequestWarning>) {
        for key in APS_KEYS {
            if let Some(value) = aps.get(key.name)
                && !fits(value, key.value)
            {
                found.push(RequestWarning::WrongType(key.name));
            }
            if key.name.contains('-') && aps.contains_key(&key.name.replace('-', "_")) {
                found.push(RequestWarning::Underscores(key.name));
            }
        }
        if let Some(Value::Object(alert)) = aps.get("alert") {
            for key in APS_KEYS {
                // The alert of a Live Activity has a sound.
                let is_own = key.name == "sound" && self.push_type == Some("liveactivity");
                if alert.contains_key(key.name) && !is_own {
                    found.push(RequestWarning::InsideAlert(key.name));
                }
            }
        }
        let shows_something = ["alert", "badge", "sound"].iter().any(|name| aps.contains_key(*name));
        let is_noticed = aps.get("alert").is_some_and(has_text)
            || aps.contains_key("badge")
            || aps.get("sound").is_some_and(|sound| *sound != "");
        match self.push_type {
            Some("alert") if !is_noticed => found.push(RequestWarning::NothingToShow),
            Some("background") => {
                if aps.get("content-available") != Some(&Value::from(1)) {
                    found.push(RequestWarning::BackgroundWithoutContentAvailable);
                }
                if shows_something {
                    found.push(RequestWarning::BackgroundWithAlert);
                }
            }
            Some("liveactivity") if !has_all(aps, &["timestamp", "event", "content-state"]) => {
                found.push(RequestWarning::LiveActivityIncomplete);
            }
            Some("widgets" | "controls") if aps.get("content-changed") != Some(&Value::Bool(true)) => {
                found.push(RequestWarning::NoContentChanged);
            }
            Some(_) | None => {}
        }
        if let Some(Value::String(level)) = aps.get("interruption-level")
            && !INTERRUPTION_LEVELS.contains(&level.as_str())
        {
            found.push(RequestWarning::InterruptionLevel);
        }
    }
}

fn fits(value: &Value, wanted: ValueType) -> bool {
    match wanted {
        ValueType::Text => value.is_string(),
        ValueType::Number => value.is_number(),
        ValueType::One => *value == 1 || *value == 0,
        ValueType::TextOrObject => value.is_string() || value.is_object(),
    }
}

/// The members of an alert that a person sees.
const ALERT_TEXTS: [&str; 6] = ["title", "subtitle", "body", "title-loc-key", "subtitle-loc-key", "loc-key"];

/// Returns whether an alert has anything to show.
fn has_text(alert: &Value) -> bool {
    match alert {
        Value::Object(members) => {
            ALERT_TEXTS.iter().any(|name| members.get(*name).is_some_and(|text| *text != "" && !text.is_null()))
        }
        alert => *alert != "",
    }
}

fn has_all(aps: &Map<String, Value>, names: &[&str]) -> bool {
    // An end needs no content.
    let is_end = aps.get("event") == Some(&Value::from("end"));
    names.iter().all(|name| aps.contains_key(*name) || (is_end && *name == "content-state"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(push_type: Option<&str>, priority: Option<&str>, payload: &str) -> Vec<String> {
        let payload = payload.as_bytes();
        codes_of(&Notification { push_type, priority, payload, ..Notification::default() })
    }

    fn codes_of(notification: &Notification<'_>) -> Vec<String> {
        let mut codes = Vec::new();
        for warning in notification.warnings() {
            codes.push(warning.text().code.to_owned());
        }
        codes
    }

    #[test]
    fn each_warning_has_its_sentence() {
        use RequestWarning as W;
        for (warning, sentence) in [
            (W::NotJson, "the payload is not JSON"),
            (W::NotAnObject, "the payload is JSON, but not an object"),
            (W::NoAps, "the payload has no aps"),
            (W::ApsIsNoObject, "aps is not an object"),
            (W::OutsideAps("sound"), "sound stands beside aps instead of in it"),
            (W::InsideAlert("badge"), "badge stands in alert instead of beside it, and means nothing there"),
            (W::WrongType("badge"), "badge in aps has a value of the wrong type"),
            (
                W::Underscores("mutable-content"),
                "mutable-content in aps is written with underscores, and means nothing so",
            ),
            (W::NothingToShow, "the push type is alert, and aps has no alert, badge or sound"),
            (W::BackgroundPriority, "a background notification must have apns-priority 5, or 1; without one it is 10"),
            (W::BackgroundWithoutContentAvailable, "a background notification needs content-available: 1 in aps"),
            (W::BackgroundWithAlert, "a background notification must not have alert, badge or sound"),
            (W::NoPushType, "apns-push-type is missing; watchOS 6 and later require it"),
            (
                W::ExpirationInMilliseconds,
                "apns-expiration lies far in the future: it counts seconds, not milliseconds",
            ),
            (W::LiveActivityIncomplete, "a Live Activity needs timestamp, event and content-state in aps"),
            (
                W::PassWithContent,
                "Wallet reads nothing of the payload, for which {} is enough: what it shows is the changeMessage in the updated pass",
            ),
            (
                W::NoContainerIdentifier,
                "a File Provider notification needs container-identifier, and the domain if the app has several",
            ),
            (W::NoContentChanged, "a notification for widgets or controls needs content-changed: true in aps"),
            (W::InterruptionLevel, "interruption-level in aps is none of passive, active, time-sensitive and critical"),
        ] {
            assert_eq!(warning.text().message, sentence);
        }
    }

    #[test]
    fn what_is_read_of_a_payload_depends_on_the_type() {
        for (push_type, payload, expected) in [
            ("fileprovider", r#"{"container-identifier":"a","domain":"b"}"#, &[][..]),
            ("fileprovider", r#"{"aps":{}}"#, &["container_identifier_missing"]),
            ("fileprovider", "{}", &["container_identifier_missing"]),
            ("voip", r#"{"alert":"of the app","handle":"x"}"#, &[]),
            ("voip", r#"{"aps":{"badge":"1"}}"#, &["key_of_wrong_type"]),
            ("complication", r#"{"steps":1}"#, &[]),
            ("location", "{}", &[]),
            ("pushtotalk", r#"{"activeSpeaker":"x"}"#, &[]),
            ("widgets", r#"{"aps":{"content-changed":true}}"#, &[]),
            ("controls", r#"{"aps":{}}"#, &["content_changed_missing"]),
            ("widgets", "{}", &["aps_missing"]),
            ("alert", r#"{"aps":{"alert":"a","interruption-level":"urgent"}}"#, &["interruption_level_unknown"]),
            ("alert", r#"{"aps":{"alert":"a","interruption-level":"time-sensitive"}}"#, &[]),
            ("alert", r#"{"aps":{"alert":"a","interruption-level":1}}"#, &["key_of_wrong_type"]),
        ] {
            assert_eq!(codes(Some(push_type), None, payload), expected, "{push_type}: {payload}");
        }
        for (payload, expected) in [
            ("{}", &[][..]),
            (r#"{"aps":{}}"#, &[]),
            (r#"{"aps":{"alert":"a"}}"#, &["pass_with_content"]),
            (r#"{"serial":1}"#, &["pass_with_content"]),
            ("[]", &["payload_not_object"]),
        ] {
            let topic = Some("pass.com.example.boarding");
            let (push_type, payload) = (Some("alert"), payload.as_bytes());
            let notification = Notification { topic, push_type, payload, ..Notification::default() };
            assert_eq!(codes_of(&notification), expected);
        }
    }

    #[test]
    fn each_mistake_has_its_warning() {
        let alert = Some("alert");
        let background = Some("background");
        for (push_type, priority, payload, expected) in [
            (alert, None, r#"{"aps":{"alert":"hi"}}"#, &[][..]),
            (alert, None, r#"{"aps":{"badge":0,"sound":"a","mutable-content":1},"mine":{"sound":1}}"#, &[]),
            (background, Some("5"), r#"{"aps":{"content-available":1}}"#, &[]),
            (Some("mdm"), None, r#"{"mdm":"x"}"#, &[]),
            (Some("voip"), None, r#"{"aps":{}}"#, &[]),
            (alert, None, "", &[]),
            (alert, None, "hello", &["payload_not_json"]),
            (alert, None, "\u{feff}{\"aps\":{\"alert\":\"hi\"}}", &["payload_not_json"]),
            (alert, None, "[]", &["payload_not_object"]),
            (alert, None, "{}", &["aps_missing"]),
            (alert, None, r#"{"aps":"hi"}"#, &["aps_not_object"]),
            (alert, None, r#"{"aps":{"alert":"hi"},"sound":"default"}"#, &["key_outside_aps"]),
            (alert, None, r#"{"aps":{"alert":"hi","badge":"1"}}"#, &["key_of_wrong_type"]),
            (alert, None, r#"{"aps":{"alert":"hi","content-available":true}}"#, &["key_of_wrong_type"]),
            (alert, None, r#"{"aps":{"alert":"hi","mutable_content":1}}"#, &["key_with_underscores"]),
            (alert, None, r#"{"aps":{"alert":"hi","thread_id":"a","my_own":1}}"#, &["key_with_underscores"]),
            (alert, None, r#"{"aps":{"alert":"hi","mutable-content":1},"mutable_content":1}"#, &[]),
            (alert, None, r#"{"aps":{"alert":{"body":"a","mutable-content":1}}}"#, &["key_inside_alert"]),
            (alert, None, r#"{"aps":{"alert":{"body":"a","sound":"b"},"badge":1}}"#, &["key_inside_alert"]),
            (
                Some("liveactivity"),
                None,
                r#"{"aps":{"event":"end","timestamp":1,"alert":{"title":"a","body":"b","sound":"c"}}}"#,
                &[],
            ),
            (alert, None, r#"{"aps":{}}"#, &["alert_empty"]),
            (alert, None, r#"{"aps":{"alert":{}}}"#, &["alert_empty"]),
            (alert, None, r#"{"aps":{"alert":{"title":"","body":null,"launch-image":"a"}}}"#, &["alert_empty"]),
            (alert, None, r#"{"aps":{"alert":{},"badge":0}}"#, &[]),
            (alert, None, r#"{"aps":{"alert":{"loc-key":"k"}}}"#, &[]),
            (background, Some("10"), r#"{"aps":{"content-available":1}}"#, &["background_priority"]),
            (background, None, r#"{"aps":{"content-available":1}}"#, &["background_priority"]),
            (background, Some("5"), r#"{"aps":{}}"#, &["background_content_available"]),
            (background, Some("5"), r#"{"aps":{"content-available":1,"sound":""}}"#, &["background_alert"]),
            (None, None, r#"{"aps":{"alert":"hi"}}"#, &["push_type_missing"]),
            (Some("liveactivity"), None, r#"{"aps":{"event":"update","timestamp":1}}"#, &["live_activity_incomplete"]),
            (Some("liveactivity"), None, r#"{"aps":{"event":"end","timestamp":1}}"#, &[]),
        ] {
            assert_eq!(codes(push_type, priority, payload), expected, "{payload}");
        }
        let late = Notification { push_type: alert, expiration: Some("1764274423000"), ..Notification::default() };
        assert_eq!(late.warnings(), [RequestWarning::ExpirationInMilliseconds]);
    }
}
