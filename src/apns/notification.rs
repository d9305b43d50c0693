//! The rules of a notification request (Apple, "Sending notification requests to APNs"), and the reason that APNs
//! gives when a request violates one.

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

/// A push type and the suffix of its topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PushType {
    /// The value of apns-push-type.
    pub(crate) name: &'static str,
    /// The part of the topic after the bundle ID.
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

/// The push type of topics without a suffix.
const ALERT: PushType = PUSH_TYPES[0];
const MDM: PushType = PUSH_TYPES[PUSH_TYPES.len() - 1];

/// Returns the push type of a topic, from its prefix or suffix.
pub(crate) fn push_type_of(topic: &str) -> PushType {
    if topic.starts_with("com.apple.mgmt.") {
        return MDM;
    }
    for known in PUSH_TYPES {
        if !known.suffix.is_empty() && topic.ends_with(known.suffix) {
            return known;
        }
    }
    ALERT
}

/// Returns whether a topic is that of Wallet's passes: their pass type ID.
pub(crate) fn is_pass_topic(topic: &str) -> bool {
    topic.starts_with("pass.")
}

/// Returns whether the payload of a push type is handed to the app, or to an extension of it, as it is: the system needs no
/// aps in it (Apple, "Responding to VoIP Notifications from PushKit", "Using push notifications to signal changes",
/// `didReceiveLocationPushPayload`).
pub(crate) fn has_payload_of_app(push_type: &str) -> bool {
    matches!(push_type, "voip" | "complication" | "fileprovider" | "pushtotalk" | "location")
}

/// Returns whether a topic takes provider tokens alone: Live Activities and location (Apple, "Starting and updating Live
/// Activities with ActivityKit push notifications", "Creating a location push service extension").
pub(crate) fn needs_provider_token(topic: &str) -> bool {
    [".push-type.liveactivity", ".location-query"].iter().any(|suffix| topic.ends_with(suffix))
}

/// A label that certificates give to a topic, and the push type of its notifications.
struct TopicLabel {
    label: &'static str,
    push_type: &'static str,
}

/// The labels that have been seen in certificates.
const TOPIC_LABELS: [TopicLabel; 6] = [
    TopicLabel { label: "app", push_type: "alert" },
    TopicLabel { label: "topic", push_type: "alert" },
    TopicLabel { label: "voip", push_type: "voip" },
    TopicLabel { label: "complication", push_type: "complication" },
    TopicLabel { label: "voip-ptt", push_type: "pushtotalk" },
    TopicLabel { label: ".voip-ptt", push_type: "pushtotalk" },
];

/// Returns the push type of a topic that the certificate labels: an app's bundle ID may end as another topic's suffix
/// does. A label that is not known leaves it to the topic.
pub(crate) fn push_type_labelled(topic: &str, label: Option<&str>) -> PushType {
    for known in &TOPIC_LABELS {
        if label == Some(known.label)
            && let Some(push_type) = find_push_type(known.push_type)
        {
            return push_type;
        }
    }
    push_type_of(topic)
}

fn find_push_type(name: &str) -> Option<PushType> {
    PUSH_TYPES.into_iter().find(|known| known.name == name)
}

/// The headers of a request that have rules.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Headers<'a> {
    pub(crate) id: Option<&'a str>,
    pub(crate) expiration: Option<&'a str>,
    pub(crate) priority: Option<&'a str>,
    pub(crate) collapse_id: Option<&'a str>,
    pub(crate) push_type: Option<&'a str>,
}

impl Headers<'_> {
    /// Returns the name of the reason for the first violated rule.
    pub(crate) fn breach(&self) -> Option<&'static str> {
        if violates(self.expiration, is_number) {
            Some("BadExpirationDate")
        } else if violates(self.priority, is_priority) {
            Some("BadPriority")
        } else if violates(self.id, is_uuid) {
            Some("BadMessageId")
        } else if violates(self.collapse_id, is_collapse_id) {
            Some("BadCollapseId")
        } else if violates(self.push_type, is_push_type) {
            Some("InvalidPushType")
        } else {
            None
        }
    }
}

fn violates(header: Option<&str>, rule: fn(&str) -> bool) -> bool {
    header.is_some_and(|value| !rule(value))
}

fn is_number(text: &str) -> bool {
    // Unlike Rust, APNs allows no sign.
    !text.starts_with('+') && text.parse::<u64>().is_ok()
}

fn is_priority(text: &str) -> bool {
    PRIORITIES.contains(&text)
}

fn is_collapse_id(text: &str) -> bool {
    (1..=MAX_COLLAPSE_ID).contains(&text.len())
}

fn is_push_type(text: &str) -> bool {
    PUSH_TYPES.iter().any(|known| known.name == text)
}

/// Returns whether the text is a UUID, in lower case or in capital letters.
pub(crate) fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Returns whether the text has the form of a device token: hexadecimal digits, an even number of them.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The digits of a device token that is whole. Longer ones occur.
pub(crate) const TOKEN_DIGITS: usize = 64;

/// Returns a device token in the form of the path, from the forms in which people paste it: in either case, with blanks,
/// hyphens (.NET's BitConverter), colons, quotes or the angle brackets of NSData's description.
pub(crate) fn parse_token(text: &str) -> Option<String> {
    let mut token = String::new();
    let inner = unwrapped(text);
    for c in inner.chars() {
        if !c.is_whitespace() && !matches!(c, '-' | ':') {
            token.push(c.to_ascii_lowercase());
        }
    }
    if is_token(&token) && (inner.len() == token.len() || !is_several_tokens(inner)) { Some(token) } else { None }
}

/// Returns whether the text has several groups of hexadecimal digits, of which one is a whole token: what stands beside it
/// is another one, or no part of it.
pub(crate) fn is_several_tokens(text: &str) -> bool {
    let (mut groups, mut longest) = (0, 0);
    for group in text.split(|c: char| !c.is_ascii_hexdigit()) {
        groups += usize::from(!group.is_empty());
        longest = longest.max(group.len());
    }
    groups > 1 && longest >= TOKEN_DIGITS
}

/// The brackets and quotes around a token.
const WRAPPERS: [(char, char); 3] = [('"', '"'), ('\'', '\''), ('<', '>')];

fn unwrapped(text: &str) -> &str {
    let mut inner = text.trim();
    for (open, close) in WRAPPERS {
        if let Some(rest) = inner.strip_prefix(open)
            && let Some(rest) = rest.strip_suffix(close)
        {
            inner = rest.trim();
        }
    }
    // C writes hexadecimal so, PostgreSQL a bytea, and its COPY that.
    for prefix in ["0x", "\\x", "\\\\x"] {
        if let Some(digits) = inner.strip_prefix(prefix) {
            return digits;
        }
    }
    inner
}

/// Returns whether the text is NSData's description since iOS 13, which leaves out the middle of the token.
pub(crate) fn is_shortened_token(text: &str) -> bool {
    text.contains("length =") || text.contains("...") || text.contains('…')
}

/// Returns whether the text has the form of a topic: letters, digits, hyphens, dots and underscores.
pub(crate) fn is_topic(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
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
            (Headers { id: Some("5F1B0C52-7A63-4F0E-9D5C-0D6F5F0C7A1"), ..none }, Some("BadMessageId")),
            (Headers { id: Some("5F1B0C52-7A63-4F0E-9D5C-0D6F5F0C7A11"), ..none }, None),
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
        for (topic, label, kind) in [
            ("com.example.voip", Some("app"), "alert"),
            ("com.example.voip", Some("topic"), "alert"),
            ("com.example.MyApp", Some("voip"), "voip"),
            ("com.example.MyApp.complication", Some("complication"), "complication"),
            ("com.example.MyApp", Some(".voip-ptt"), "pushtotalk"),
            ("com.example.MyApp.voip", Some("novel"), "voip"),
            ("com.apple.mgmt.External.5f1b", Some("uid"), "mdm"),
            ("com.example.MyApp.voip", None, "voip"),
        ] {
            assert_eq!(push_type_labelled(topic, label).name, kind, "{topic} {label:?}");
        }
        for known in &TOPIC_LABELS {
            assert!(find_push_type(known.push_type).is_some(), "{}", known.label);
        }
        assert!(is_token("ab") && !is_token("abc") && !is_token("") && !is_token("xy"));
        assert!(is_topic("web.com.example") && !is_topic("") && !is_topic("a b"));
    }

    #[test]
    fn a_token_is_taken_as_it_is_pasted() {
        for text in [
            "aabbccdd",
            "AABBCCDD",
            "<aabbccdd>",
            "<aabb ccdd>",
            " aabb\tccdd\n",
            "\"<AABB CCDD>\"",
            "'aabbccdd'",
            "0xaabbccdd",
            "\\xaabbccdd",
            "\"\\\\xaabbccdd\"",
            "AA-BB-CC-DD",
            "aa:bb:cc:dd",
        ] {
            assert_eq!(parse_token(text).as_deref(), Some("aabbccdd"), "{text}");
        }
        for text in ["", "<>", "abc", "<aabb", "aabb>", "token", "{length = 32, bytes = 0x3f1a ... 9c1d }"] {
            assert_eq!(parse_token(text), None, "{text}");
        }
        let whole = "ab".repeat(32);
        assert_eq!(parse_token(&format!(" <0x{whole}>\u{a0}")), Some(whole.clone()));
        for between in [" ", "\t", "\u{2028}", "\u{85}", "\u{b}", "\u{c}", "-", ":", "\n"] {
            let both = format!("{whole}{between}{whole}");
            assert!(is_several_tokens(&both) && parse_token(&both).is_none(), "{between:?}");
        }
        let groups = ["aabbccdd"; 20].join(" ");
        assert_eq!(parse_token(&groups).map(|token| token.len()), Some(160));
        assert!(is_shortened_token("{length = 32, bytes = 0x3f1a ... 9c1d }") && !is_shortened_token("aabb"));
    }
}
