//! The rules of a notification request (Apple, "Sending notification requests to APNs"), each with the
//! reason that its breach is answered with.

/// The largest payload, in bytes.
pub(crate) const MAX_PAYLOAD: usize = 4096;
/// The largest payload of a VoIP notification, in bytes.
pub(crate) const MAX_VOIP_PAYLOAD: usize = 5120;
/// The longest collapse identifier, in bytes.
pub(crate) const MAX_COLLAPSE_ID: usize = 64;
/// The path of the API, before the device token.
pub(crate) const DEVICE_PATH: &str = "/3/device/";
/// The values of apns-priority.
pub(crate) const PRIORITIES: [&str; 3] = ["10", "5", "1"];

/// A push type and the end that its topics have after the bundle ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PushType {
    /// The value of apns-push-type.
    pub(crate) name: &'static str,
    /// What follows the bundle ID in the topic.
    pub(crate) suffix: &'static str,
}

const fn push_type(name: &'static str, suffix: &'static str) -> PushType {
    PushType { name, suffix }
}

/// All push types. "mdm" has the certificate's UID as its topic; "location" needs provider tokens.
pub(crate) const PUSH_TYPES: [PushType; 11] = [
    push_type("alert", ""),
    push_type("background", ""),
    push_type("voip", ".voip"),
    push_type("complication", ".complication"),
    push_type("fileprovider", ".pushkit.fileprovider"),
    push_type("pushtotalk", ".voip-ptt"),
    push_type("liveactivity", ".push-type.liveactivity"),
    push_type("widgets", ".push-type.widgets"),
    push_type("controls", ".push-type.controls"),
    push_type("location", ".location-query"),
    push_type("mdm", ""),
];

/// The push type that a topic is for, told by its end.
pub(crate) fn push_type_of(topic: &str) -> &'static PushType {
    let fits = |kind: &&PushType| !kind.suffix.is_empty() && topic.ends_with(kind.suffix);
    if topic.starts_with("com.apple.mgmt.") {
        return &PUSH_TYPES[PUSH_TYPES.len() - 1];
    }
    PUSH_TYPES.iter().find(fits).unwrap_or(&PUSH_TYPES[0])
}

/// The headers of a request that have rules.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Headers<'a> {
    /// apns-id.
    pub(crate) id: Option<&'a str>,
    /// apns-expiration.
    pub(crate) expiration: Option<&'a str>,
    /// apns-priority.
    pub(crate) priority: Option<&'a str>,
    /// apns-collapse-id.
    pub(crate) collapse_id: Option<&'a str>,
    /// apns-push-type.
    pub(crate) push_type: Option<&'a str>,
}

impl Headers<'_> {
    /// The name of the reason that the first breach is answered with.
    pub(crate) fn breach(&self) -> Option<&'static str> {
        let breaks = |value: Option<&str>, rule: fn(&str) -> bool| value.is_some_and(|value| !rule(value));
        if breaks(self.expiration, |v| {
            !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()) && v.parse::<u64>().is_ok()
        }) {
            Some("BadExpirationDate")
        } else if breaks(self.priority, |v| PRIORITIES.contains(&v)) {
            Some("BadPriority")
        } else if breaks(self.id, is_uuid) {
            Some("BadMessageId")
        } else if breaks(self.collapse_id, |v| !v.is_empty() && v.len() <= MAX_COLLAPSE_ID) {
            Some("BadCollapseId")
        } else if breaks(self.push_type, |v| PUSH_TYPES.iter().any(|known| known.name == v)) {
            Some("InvalidPushType")
        } else {
            None
        }
    }
}

/// Whether it is a UUID in lower case.
pub(crate) fn is_uuid(text: &str) -> bool {
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| is_digits(part))
}

/// Whether it has the form of a device token: hexadecimal digits, an even number of them.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether it has the form of a topic: letters, digits, hyphens and dots.
pub(crate) fn is_topic(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !text.is_empty() && text.len() <= 255 && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_breach_has_its_reason() {
        let none = Headers::default();
        for (headers, expected) in [
            (none, None),
            (Headers { expiration: Some("0"), priority: Some("5"), ..none }, None),
            (Headers { expiration: Some("-1"), ..none }, Some("BadExpirationDate")),
            (Headers { expiration: Some("99999999999999999999"), ..none }, Some("BadExpirationDate")),
            (Headers { priority: Some("7"), ..none }, Some("BadPriority")),
            (Headers { id: Some("5F1B0C52-7A63-4F0E-9D5C-0D6F5F0C7A11"), ..none }, Some("BadMessageId")),
            (Headers { id: Some("5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11"), ..none }, None),
            (Headers { collapse_id: Some(&"x".repeat(65)), ..none }, Some("BadCollapseId")),
            (Headers { collapse_id: Some(&"x".repeat(64)), ..none }, None),
            (Headers { push_type: Some("alerts"), ..none }, Some("InvalidPushType")),
        ] {
            assert_eq!(headers.breach(), expected, "{headers:?}");
            assert!(expected.is_none_or(|name| crate::apns::reason::find(name).is_some()));
        }
    }

    #[test]
    fn topics_tell_their_push_type() {
        for (topic, kind) in [
            ("com.example.MyApp", "alert"),
            ("com.example.MyApp.voip", "voip"),
            ("com.example.MyApp.voip-ptt", "pushtotalk"),
            ("com.example.MyApp.push-type.liveactivity", "liveactivity"),
            ("com.apple.mgmt.External.5f1b", "mdm"),
        ] {
            assert_eq!(push_type_of(topic).name, kind);
        }
        assert!(is_token("ab") && !is_token("abc") && !is_token("") && !is_token("xy"));
        assert!(is_topic("web.com.example") && !is_topic("") && !is_topic("a b"));
    }
}
