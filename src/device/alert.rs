//! What an app sees of a payload (Apple, "Generating a remote notification").

use serde_json::{Map, Value};

/// A payload as an app receives it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ShownAlert {
    pub(crate) title: Option<String>,
    pub(crate) subtitle: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) badge: Option<Value>,
    pub(crate) sound: Option<Value>,
    /// The other keys of `aps`, and of its `alert` with that name before them.
    pub(crate) other: Vec<Entry>,
    /// The keys beside `aps`, which are the app's own.
    pub(crate) custom: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) value: Value,
}

impl ShownAlert {
    /// Reads a payload; `None` if it is no JSON object, of which a device shows nothing.
    pub(crate) fn of(payload: &str) -> Option<Self> {
        let Ok(Value::Object(payload)) = serde_json::from_str(payload) else { return None };
        let mut shown = Self::default();
        for (key, value) in payload {
            match (key.as_str(), value) {
                ("aps", Value::Object(aps)) => shown.add_aps(aps),
                (_, value) => shown.custom.push(Entry { key, value }),
            }
        }
        Some(shown)
    }

    /// Returns whether the user sees or hears something.
    pub(crate) fn is_noticed(&self) -> bool {
        let is_alert = self.title.is_some() || self.subtitle.is_some() || self.body.is_some();
        is_alert || self.badge.is_some() || self.sound.is_some()
    }

    fn add_aps(&mut self, aps: Map<String, Value>) {
        for (key, value) in aps {
            match (key.as_str(), value) {
                ("alert", Value::String(text)) => self.body = Some(text),
                ("alert", Value::Object(alert)) => self.add_alert(alert),
                ("badge", value) => self.badge = Some(value),
                ("sound", value) => self.sound = Some(value),
                (_, value) => self.other.push(Entry { key, value }),
            }
        }
    }

    fn add_alert(&mut self, alert: Map<String, Value>) {
        for (key, value) in alert {
            match (key.as_str(), value) {
                ("title", Value::String(text)) => self.title = Some(text),
                ("subtitle", Value::String(text)) => self.subtitle = Some(text),
                ("body", Value::String(text)) => self.body = Some(text),
                (_, value) => self.other.push(Entry { key: format!("alert.{key}"), value }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_alert_are_told_apart() {
        let payload = r#"{"aps":{"alert":{"title":"T","body":"B","loc-key":"L"},"badge":3,"sound":"default",
            "mutable-content":1},"gameID":"12"}"#;
        let shown = ShownAlert::of(payload).unwrap();
        assert_eq!((shown.title.as_deref(), shown.body.as_deref()), (Some("T"), Some("B")));
        assert_eq!((shown.badge.clone(), shown.sound.clone()), (Some(3.into()), Some("default".into())));
        assert_eq!(shown.other[0], Entry { key: "alert.loc-key".to_owned(), value: "L".into() });
        assert_eq!(shown.other[1], Entry { key: "mutable-content".to_owned(), value: 1.into() });
        assert_eq!(shown.custom, [Entry { key: "gameID".to_owned(), value: "12".into() }]);
        assert!(shown.is_noticed());
    }

    #[test]
    fn what_is_no_alert_is_not_noticed() {
        assert!(!ShownAlert::of(r#"{"aps":{"content-available":1}}"#).unwrap().is_noticed());
        assert_eq!(ShownAlert::of(r#"{"aps":{"alert":"hi"}}"#).unwrap().body.as_deref(), Some("hi"));
        assert_eq!(ShownAlert::of("hello"), None);
        assert_eq!(ShownAlert::of("[1]"), None);
        assert_eq!(ShownAlert::of(r#"{"aps":"x"}"#).unwrap().custom[0].key, "aps");
    }
}
