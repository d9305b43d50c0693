//! The notification that every token gets: payload and headers, checked before a connection is made.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::apns::document;
use crate::apns::notification::{
    Headers, MAX_PAYLOAD, MAX_VOIP_PAYLOAD, PUSH_TYPES, PushType, is_pass_topic, needs_provider_token,
    push_type_labelled, push_type_of,
};
use crate::apns::payload::{self, Notification, RequestWarning};
use crate::text::printable_name;

/// What the command line says of the notification.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageOptions {
    pub(crate) alert: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) subtitle: Option<String>,
    pub(crate) badge: Option<u32>,
    pub(crate) sound: Option<String>,
    /// The whole payload, in the place of the above.
    pub(crate) payload: Option<Vec<u8>>,
    pub(crate) push_type: Option<PushType>,
    pub(crate) topic: Option<String>,
    pub(crate) priority: Option<String>,
    /// UNIX seconds.
    pub(crate) expiration: Option<u64>,
    pub(crate) collapse_id: Option<String>,
}

/// A topic of the certificate, and its label.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelledTopic<'a> {
    pub(crate) topic: &'a str,
    pub(crate) label: Option<&'a str>,
}

/// The sender, as far as the message depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sender<'a> {
    /// A certificate with these topics, its own first.
    Certificate(&'a [LabelledTopic<'a>]),
    ProviderToken,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) push_type: PushType,
    pub(crate) priority: Option<String>,
    pub(crate) expiration: Option<u64>,
    pub(crate) collapse_id: Option<String>,
    pub(crate) payload: Bytes,
    /// What APNs takes, and devices may ignore.
    pub(crate) warnings: Vec<String>,
}

/// The reason why a notification is refused before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageError {
    #[error("there is nothing to send: neither a payload nor an alert, a badge or a sound was given")]
    Nothing,
    #[error("the payload has {size} bytes, and a notification of the type {push_type} may have {limit}")]
    TooLarge { size: usize, limit: usize, push_type: &'static str },
    #[error("{0}")]
    Payload(String),
    #[error("the payload is not JSON: it begins with a byte order mark")]
    ByteOrderMark,
    #[error("a background notification has no alert, badge or sound")]
    AlertInBackground,
    #[error("a background notification cannot have priority 10: APNs calls it an error")]
    BackgroundPriority,
    #[error("a notification of the type {push_type} does not go to {topic}, the topic of the type {topic_type}")]
    TypeOfTopic { push_type: &'static str, topic: String, topic_type: &'static str },
    #[error("notifications to {0} need a provider token: APNs takes no certificate for them")]
    NeedsProviderToken(String),
    #[error("MDM notifications need the MDM push certificate: APNs takes no provider token for them")]
    NeedsCertificate,
    #[error("an MDM notification does not go to {0}: its topic is that of an MDM push certificate, com.apple.mgmt.…")]
    MdmToApp(String),
    #[error("{0} is the topic of an MDM push certificate, and the payload has no mdm")]
    NoMdm(String),
    #[error("Wallet shows no alert, badge or sound of a notification to {0}, the topic of a pass")]
    AlertToPass(String),
    #[error("the topic is not known: {0}")]
    NoTopic(&'static str),
    #[error("the collapse identifier has more than 64 bytes, or none")]
    CollapseId,
}

impl MessageError {
    /// Returns whether the payload is to blame, and not the other options.
    pub(crate) fn is_about_payload(&self) -> bool {
        matches!(self, Self::Payload(_) | Self::ByteOrderMark | Self::TooLarge { .. })
    }
}

impl Message {
    /// Puts a notification together, with the defaults of Apple's documentation.
    ///
    /// # Errors
    /// When APNs would refuse it, or no device would show it.
    pub(crate) fn new(options: &MessageOptions, sender: Sender<'_>) -> Result<Self, MessageError> {
        let payload = match payload_of(options) {
            Err(MessageError::Nothing) if is_for_pass(options, sender) => EMPTY_PAYLOAD.to_vec(),
            payload => payload?,
        };
        let push_type = choose_type(options, &payload, sender);
        let topic = choose_topic(options, push_type, sender)?;
        check_sender(&topic, push_type, sender)?;
        check_mdm(&topic, push_type, &payload)?;
        if is_pass_topic(&topic) && options.payload.is_none() && payload != EMPTY_PAYLOAD {
            return Err(MessageError::AlertToPass(topic));
        }
        let is_background = push_type.name == "background";
        let priority = match &options.priority {
            Some(priority) if is_background && priority == "10" => return Err(MessageError::BackgroundPriority),
            Some(priority) => Some(priority.clone()),
            None if is_background => Some("5".to_owned()),
            None => None,
        };
        if is_background && options.payload.is_none() {
            return Err(MessageError::AlertInBackground);
        }
        let headers = Headers { collapse_id: options.collapse_id.as_deref(), ..Headers::default() };
        if headers.breach().is_some() {
            return Err(MessageError::CollapseId);
        }
        let expiration_text = options.expiration.map(|seconds| seconds.to_string());
        let warnings = check_payload(&Notification {
            topic: Some(&topic),
            push_type: Some(push_type.name),
            priority: priority.as_deref(),
            expiration: expiration_text.as_deref(),
            payload: &payload,
        })?;
        let payload = fit(payload, push_type)?;
        Ok(Self {
            topic,
            push_type,
            priority,
            expiration: options.expiration,
            collapse_id: options.collapse_id.clone(),
            payload: payload.into(),
            warnings,
        })
    }

    /// Returns the headers that all requests have, in the order in which they are shown.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("apns-topic", self.topic.clone()), ("apns-push-type", self.push_type.name.to_owned())];
        if let Some(priority) = &self.priority {
            headers.push(("apns-priority", priority.clone()));
        }
        if let Some(expiration) = self.expiration {
            headers.push(("apns-expiration", expiration.to_string()));
        }
        if let Some(collapse_id) = &self.collapse_id {
            headers.push(("apns-collapse-id", collapse_id.clone()));
        }
        headers
    }

    /// Returns the SHA-256 of all that APNs sees of it but the topic, and the time of expiration, which a run that goes on
    /// may count from another moment.
    pub(crate) fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (name, value) in &self.headers()[1..] {
            if *name != "apns-expiration" {
                hash.update(format!("{name}: {value}\n"));
            }
        }
        hash.update(&self.payload);
        data_encoding::HEXLOWER.encode(&hash.finalize())
    }

    /// Returns the text that a person sees, if there is one.
    pub(crate) fn text(&self) -> Option<String> {
        let payload: Value = serde_json::from_slice(&self.payload).ok()?;
        let alert = payload.get("aps")?.get("alert")?;
        if let Some(text) = alert.as_str() {
            return Some(text.to_owned());
        }
        let mut parts = Vec::new();
        for key in ["title", "subtitle", "body"] {
            parts.extend(alert.get(key).and_then(Value::as_str));
        }
        if parts.is_empty() { None } else { Some(parts.join(" / ")) }
    }
}

/// The payload for a pass, which tells Wallet to ask for the updated one.
const EMPTY_PAYLOAD: &[u8] = b"{}";

/// Returns whether the notification is for a pass in Wallet.
fn is_for_pass(options: &MessageOptions, sender: Sender<'_>) -> bool {
    match (&options.topic, sender) {
        (Some(topic), _) => is_pass_topic(topic),
        (None, Sender::Certificate([first, ..])) => is_pass_topic(first.topic),
        (None, _) => false,
    }
}

fn payload_of(options: &MessageOptions) -> Result<Vec<u8>, MessageError> {
    if let Some(payload) = &options.payload {
        return Ok(payload.trim_ascii().to_vec());
    }
    let mut aps = Map::new();
    let has_titles = options.title.is_some() || options.subtitle.is_some();
    match &options.alert {
        Some(text) if !has_titles => {
            aps.insert("alert".to_owned(), json!(text));
        }
        _ if has_titles => {
            let mut alert = Map::new();
            for (key, value) in [("title", &options.title), ("subtitle", &options.subtitle), ("body", &options.alert)] {
                if let Some(value) = value {
                    alert.insert(key.to_owned(), json!(value));
                }
            }
            aps.insert("alert".to_owned(), Value::Object(alert));
        }
        _ => {}
    }
    if let Some(badge) = options.badge {
        aps.insert("badge".to_owned(), json!(badge));
    }
    if let Some(sound) = &options.sound {
        aps.insert("sound".to_owned(), json!(sound));
    }
    if aps.is_empty() {
        return Err(MessageError::Nothing);
    }
    Ok(json!({ "aps": aps }).to_string().into_bytes())
}

fn find_type(name: &str) -> PushType {
    PUSH_TYPES.into_iter().find(|known| known.name == name).unwrap_or(PUSH_TYPES[0])
}

/// Returns the push type: the one that is given, or that of the payload, or that of the topic.
fn choose_type(options: &MessageOptions, payload: &[u8], sender: Sender<'_>) -> PushType {
    if let Some(push_type) = options.push_type {
        return push_type;
    }
    if is_mdm(payload) {
        return find_type("mdm");
    }
    if let Some(topic) = &options.topic {
        let push_type = type_of_topic(topic, sender);
        if push_type.name != "alert" {
            return push_type;
        }
    } else if let Some(push_type) = only_type(sender) {
        return push_type;
    }
    find_type(if payload::is_background_only(payload) { "background" } else { "alert" })
}

/// Returns the type of a certificate whose topics all have a suffix, as that of VoIP: no alert goes to them.
fn only_type(sender: Sender<'_>) -> Option<PushType> {
    let Sender::Certificate(topics) = sender else { return None };
    let mut first = None;
    for listed in topics {
        let push_type = push_type_labelled(listed.topic, listed.label);
        if push_type.suffix.is_empty() {
            return None;
        }
        first.get_or_insert(push_type);
    }
    first
}

fn is_mdm(payload: &[u8]) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_slice(payload) else { return false };
    members.contains_key("mdm") && !members.contains_key("aps")
}

/// Returns whether mdm has a text, which the device compares with its own.
fn has_magic(payload: &[u8]) -> bool {
    match serde_json::from_slice::<Value>(payload) {
        Ok(payload) => payload["mdm"].as_str().is_some_and(|magic| !magic.is_empty()),
        Err(_) => false,
    }
}

/// Refuses an MDM notification to an app, and another one to an MDM topic: both may be accepted, and nothing happens.
fn check_mdm(topic: &str, push_type: PushType, payload: &[u8]) -> Result<(), MessageError> {
    let is_mdm_topic = push_type_of(topic).name == "mdm";
    let has_mdm = is_mdm(payload);
    if has_mdm && !has_magic(payload) {
        return Err(MessageError::Payload("mdm in the payload is not a text: PushMagic is expected".to_owned()));
    }
    if (has_mdm || push_type.name == "mdm") && !is_mdm_topic {
        Err(MessageError::MdmToApp(topic.to_owned()))
    } else if is_mdm_topic && !has_mdm {
        Err(MessageError::NoMdm(topic.to_owned()))
    } else {
        Ok(())
    }
}

fn type_of_topic(topic: &str, sender: Sender<'_>) -> PushType {
    push_type_labelled(topic, label_of(topic, sender))
}

fn label_of<'a>(topic: &str, sender: Sender<'a>) -> Option<&'a str> {
    let Sender::Certificate(topics) = sender else { return None };
    topics.iter().find(|listed| listed.topic == topic)?.label
}

/// Returns the topic: the one that is given, or that of the certificate; the suffix of the type is added if it is
/// missing.
fn choose_topic(options: &MessageOptions, push_type: PushType, sender: Sender<'_>) -> Result<String, MessageError> {
    let Some(given) = &options.topic else { return topic_of_certificate(push_type, sender) };
    let topic_type = type_of_topic(given, sender);
    if topic_type.suffix == push_type.suffix {
        return Ok(given.clone());
    }
    if topic_type.suffix.is_empty() {
        return Ok(with_suffix(given, push_type));
    }
    Err(MessageError::TypeOfTopic { push_type: push_type.name, topic: given.clone(), topic_type: topic_type.name })
}

fn topic_of_certificate(push_type: PushType, sender: Sender<'_>) -> Result<String, MessageError> {
    let Sender::Certificate(topics) = sender else {
        return Err(MessageError::NoTopic("a provider token has none of its own"));
    };
    for listed in topics {
        if push_type_labelled(listed.topic, listed.label).suffix == push_type.suffix {
            return Ok(listed.topic.to_owned());
        }
    }
    match topics.first() {
        Some(first) => Ok(with_suffix(first.topic, push_type)),
        None => Err(MessageError::NoTopic("the certificate names none")),
    }
}

fn with_suffix(topic: &str, push_type: PushType) -> String {
    format!("{topic}{}", push_type.suffix)
}

fn check_sender(topic: &str, push_type: PushType, sender: Sender<'_>) -> Result<(), MessageError> {
    match sender {
        Sender::Certificate(_) if needs_provider_token(topic) => {
            Err(MessageError::NeedsProviderToken(topic.to_owned()))
        }
        Sender::ProviderToken if push_type.name == "mdm" => Err(MessageError::NeedsCertificate),
        Sender::Certificate(_) | Sender::ProviderToken => Ok(()),
    }
}

/// Returns the payload as it fits: one that is too large as it was written is shortened. Python and PHP write six bytes for
/// each character that is not ASCII.
fn fit(mut payload: Vec<u8>, push_type: PushType) -> Result<Vec<u8>, MessageError> {
    let limit = if push_type.name == "voip" { MAX_VOIP_PAYLOAD } else { MAX_PAYLOAD };
    if payload.len() > limit
        && let Ok(short) = document::shorten(&payload)
    {
        payload = short;
    }
    if payload.len() > limit {
        return Err(MessageError::TooLarge { size: payload.len(), limit, push_type: push_type.name });
    }
    Ok(payload)
}

/// Returns the sentences about what may be meant so; refuses the rest.
fn check_payload(notification: &Notification<'_>) -> Result<Vec<String>, MessageError> {
    if notification.payload.is_empty() {
        return Err(MessageError::Payload("the payload is empty".to_owned()));
    }
    let mut sentences = Vec::new();
    for key in document::doubled_keys(notification.payload) {
        let name = printable_name(&key);
        sentences
            .push(format!("the payload has the key {name:?} more than once: which one a device takes is not known"));
    }
    for warning in notification.warnings() {
        let message = warning.text().message;
        match warning {
            RequestWarning::NothingToShow
            | RequestWarning::LiveActivityIncomplete
            | RequestWarning::PassWithContent
            | RequestWarning::NoContainerIdentifier
            | RequestWarning::NoContentChanged
            | RequestWarning::Underscores(_)
            | RequestWarning::InsideAlert(_)
            | RequestWarning::InterruptionLevel => sentences.push(message),
            RequestWarning::NoPushType | RequestWarning::BackgroundPriority => {}
            RequestWarning::NotJson if notification.payload.starts_with("\u{feff}".as_bytes()) => {
                return Err(MessageError::ByteOrderMark);
            }
            RequestWarning::NotJson => {
                return Err(MessageError::Payload(document::explain_json(notification.payload)));
            }
            _ => return Err(MessageError::Payload(message)),
        }
    }
    Ok(sentences)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPICS: [LabelledTopic<'static>; 3] = [
        LabelledTopic { topic: "com.example.MyApp", label: Some("app") },
        LabelledTopic { topic: "com.example.MyApp.voip", label: Some("voip") },
        LabelledTopic { topic: "com.example.MyApp.complication", label: Some("complication") },
    ];
    const CERTIFICATE: Sender<'static> = Sender::Certificate(&TOPICS);
    const MDM_TOPIC: [LabelledTopic<'static>; 1] =
        [LabelledTopic { topic: "com.apple.mgmt.External.5f1b", label: Some("uid") }];

    fn alert() -> MessageOptions {
        MessageOptions { alert: Some("Hello".to_owned()), ..MessageOptions::default() }
    }

    fn with_payload(json: &str) -> MessageOptions {
        MessageOptions { payload: Some(json.as_bytes().to_vec()), ..MessageOptions::default() }
    }

    fn with_type(name: &str, options: MessageOptions) -> MessageOptions {
        MessageOptions { push_type: Some(find_type(name)), ..options }
    }

    fn with_topic(topic: &str, options: MessageOptions) -> MessageOptions {
        MessageOptions { topic: Some(topic.to_owned()), ..options }
    }

    #[test]
    fn payloads_from_options() {
        let payload = |options: &MessageOptions| {
            String::from_utf8(Message::new(options, CERTIFICATE).unwrap().payload.to_vec()).unwrap()
        };
        assert_eq!(payload(&alert()), r#"{"aps":{"alert":"Hello"}}"#);
        let options = MessageOptions {
            title: Some("T".to_owned()),
            badge: Some(3),
            sound: Some("default".to_owned()),
            ..alert()
        };
        let expected = r#"{"aps":{"alert":{"body":"Hello","title":"T"},"badge":3,"sound":"default"}}"#;
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parse(&payload(&options)), parse(expected));
        assert_eq!(Message::new(&MessageOptions::default(), CERTIFICATE), Err(MessageError::Nothing));
        assert_eq!(payload(&with_payload(" {\"aps\":{\"badge\":1}}\n")), r#"{"aps":{"badge":1}}"#);
    }

    #[test]
    fn the_hash_leaves_out_the_expiration_alone() {
        let hash = |options: &MessageOptions| Message::new(options, CERTIFICATE).unwrap().sha256();
        let plain = hash(&alert());
        assert_eq!(plain, hash(&MessageOptions { expiration: Some(1_800_000_000), ..alert() }));
        assert_ne!(plain, hash(&MessageOptions { collapse_id: Some("a".to_owned()), ..alert() }));
        assert_ne!(plain, hash(&MessageOptions { badge: Some(1), ..alert() }));
    }

    #[test]
    fn types_and_topics() {
        let shape = |options: MessageOptions, sender| {
            let message = Message::new(&options, sender).unwrap();
            (message.push_type.name, message.topic, message.priority)
        };
        let background = r#"{"aps":{"content-available":1}}"#;
        for (options, sender, name, topic, priority) in [
            (alert(), CERTIFICATE, "alert", "com.example.MyApp", None),
            (
                alert(),
                Sender::Certificate(&[LabelledTopic { topic: "com.example.MyApp.voip", label: Some("voip") }]),
                "voip",
                "com.example.MyApp.voip",
                None,
            ),
            (with_payload(background), CERTIFICATE, "background", "com.example.MyApp", Some("5")),
            (with_type("voip", alert()), CERTIFICATE, "voip", "com.example.MyApp.voip", None),
            (with_topic("com.example.MyApp.voip", alert()), CERTIFICATE, "voip", "com.example.MyApp.voip", None),
            (
                with_type("voip", with_topic("com.example.MyApp.voip", alert())),
                CERTIFICATE,
                "voip",
                "com.example.MyApp.voip",
                None,
            ),
            (
                with_type("widgets", with_topic("com.a", alert())),
                Sender::ProviderToken,
                "widgets",
                "com.a.push-type.widgets",
                None,
            ),
            (
                with_type(
                    "liveactivity",
                    with_topic("com.a", with_payload(r#"{"aps":{"timestamp":1,"event":"update","content-state":{}}}"#)),
                ),
                Sender::ProviderToken,
                "liveactivity",
                "com.a.push-type.liveactivity",
                None,
            ),
            (
                with_payload(r#"{"mdm":"magic"}"#),
                Sender::Certificate(&[LabelledTopic { topic: "com.apple.mgmt.External.5f1b", label: None }]),
                "mdm",
                "com.apple.mgmt.External.5f1b",
                None,
            ),
        ] {
            assert_eq!(shape(options, sender), (name, topic.to_owned(), priority.map(str::to_owned)));
        }
    }

    #[test]
    fn a_bundle_id_that_ends_as_a_suffix_does_has_its_label() {
        let topics = [
            LabelledTopic { topic: "com.acme.voip", label: Some("topic") },
            LabelledTopic { topic: "com.acme.voip.voip", label: Some("voip") },
        ];
        let sender = Sender::Certificate(&topics);
        assert_eq!(Message::new(&alert(), sender).unwrap().topic, "com.acme.voip");
        assert_eq!(Message::new(&with_type("voip", alert()), sender).unwrap().topic, "com.acme.voip.voip");
        assert_eq!(Message::new(&with_topic("com.acme.voip", alert()), sender).unwrap().push_type.name, "alert");
    }

    #[test]
    fn contradictions_are_refused() {
        let priority_10 =
            MessageOptions { priority: Some("10".to_owned()), ..with_payload(r#"{"aps":{"content-available":1}}"#) };
        let collapse = MessageOptions { collapse_id: Some("x".repeat(65)), ..alert() };
        let live = with_topic("com.example.MyApp.push-type.liveactivity", alert());
        for (options, sender, words) in [
            (priority_10, CERTIFICATE, "cannot have priority 10"),
            (with_type("alert", with_topic("com.example.MyApp.voip", alert())), CERTIFICATE, "does not go to"),
            (live, CERTIFICATE, "need a provider token"),
            (with_topic("com.example.MyApp.location-query", alert()), CERTIFICATE, "need a provider token"),
            (
                with_topic("com.a", with_payload(r#"{"mdm":"m"}"#)),
                Sender::ProviderToken,
                "need the MDM push certificate",
            ),
            (
                with_payload(r#"{"mdm":"m"}"#),
                CERTIFICATE,
                "does not go to com.example.MyApp: its topic is that of an MDM",
            ),
            (with_payload(r#"{"mdm":null}"#), Sender::Certificate(&MDM_TOPIC), "PushMagic is expected"),
            (with_payload(r#"{"mdm":5}"#), Sender::Certificate(&MDM_TOPIC), "PushMagic is expected"),
            (with_payload(r#"{"mdm":""}"#), Sender::Certificate(&MDM_TOPIC), "PushMagic is expected"),
            (with_type("mdm", alert()), CERTIFICATE, "does not go to com.example.MyApp"),
            (alert(), Sender::Certificate(&MDM_TOPIC), "the payload has no mdm"),
            (with_type("mdm", alert()), Sender::Certificate(&MDM_TOPIC), "the payload has no mdm"),
            (alert(), Sender::ProviderToken, "a provider token has none"),
            (alert(), Sender::Certificate(&[]), "the certificate names none"),
            (collapse, CERTIFICATE, "collapse identifier"),
            (with_type("background", alert()), CERTIFICATE, "background"),
        ] {
            let message = Message::new(&options, sender).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn payloads_are_checked_before_they_are_sent() {
        let aps = |size: usize| {
            let frame = r#"{"aps":{"alert":""}}"#.len();
            format!(r#"{{"aps":{{"alert":"{}"}}}}"#, "x".repeat(size - frame))
        };
        let refused = |options: MessageOptions| {
            let error = Message::new(&options, CERTIFICATE).unwrap_err();
            assert!(error.is_about_payload(), "{error}");
            error.to_string()
        };
        assert!(Message::new(&with_payload(&aps(4096)), CERTIFICATE).is_ok());
        assert!(refused(with_payload(&aps(4097))).contains("4097 bytes"));
        assert!(Message::new(&with_type("voip", with_payload(&aps(5120))), CERTIFICATE).is_ok());
        assert!(refused(with_type("voip", with_payload(&aps(5121)))).contains("may have 5120"));
        // What Python and PHP write of a text that fits was refused; numbers stay as they are.
        let escaped = format!(r#"{{ "n": 1.50, "aps": {{"alert": "{}"}} }}"#, "\\u4f60".repeat(1000));
        let message = Message::new(&with_payload(&escaped), CERTIFICATE).unwrap();
        assert_eq!(message.payload, format!(r#"{{"n":1.50,"aps":{{"alert":"{}"}}}}"#, "你".repeat(1000)));
        assert!(
            refused(with_payload(&escaped.replace("4f60", "0007"))).contains("bytes"),
            "controls have no other form"
        );
        // Bytes count, not characters.
        let umlauts = format!(r#"{{"aps":{{"alert":"{}"}}}}"#, "ä".repeat(2040));
        assert!(refused(with_payload(&umlauts)).contains("may have 4096"));
        for (json, words) in [
            ("{", "not JSON"),
            ("", "empty"),
            ("[]", "not an object"),
            ("{}", "no aps"),
            (r#"{"aps":1}"#, "aps is not an object"),
            (r#"{"aps":{"alert":"x"},"badge":1}"#, "badge stands beside aps"),
            (r#"{"aps":{"badge":"1"}}"#, "wrong type"),
        ] {
            let message = refused(with_payload(json));
            assert!(message.contains(words), "{json}: {message}");
        }
        let warning = |json: &str| Message::new(&with_payload(json), CERTIFICATE).unwrap().warnings.join("; ");
        assert!(warning(r#"{"aps":{"alert":""}}"#).contains("no alert, badge or sound"));
        assert!(warning(r#"{"aps":{},"aps":{"alert":"a"}}"#).contains("the key \"aps\" more than once"));
        assert_eq!(warning(r#"{"aps":{"alert":"a"},"mdm":"custom"}"#), "");
        let silent = Message::new(&with_payload(r#"{"aps":{"category":"x"}}"#), CERTIFICATE).unwrap();
        assert!(silent.warnings[0].contains("no alert, badge or sound"));
    }

    #[test]
    fn a_pass_gets_an_empty_payload() {
        const PASS: [LabelledTopic<'static>; 1] =
            [LabelledTopic { topic: "pass.com.example.boarding", label: Some("uid") }];
        let pass = Sender::Certificate(&PASS);
        let message = Message::new(&MessageOptions::default(), pass).unwrap();
        assert_eq!((&*message.payload, message.warnings.len()), (&b"{}"[..], 0));
        for json in ["{}", r#"{"aps":{}}"#] {
            assert_eq!(Message::new(&with_payload(json), pass).unwrap().warnings, [""; 0], "{json}");
        }
        let warned = Message::new(&with_payload(r#"{"aps":{"alert":"a"}}"#), pass).unwrap().warnings;
        assert!(warned[0].contains("Wallet reads nothing"), "{warned:?}");
        let by_key = with_topic(PASS[0].topic, alert());
        for (options, sender) in [(alert(), pass), (by_key, Sender::ProviderToken)] {
            let message = Message::new(&options, sender).unwrap_err().to_string();
            assert!(message.contains("Wallet shows no alert"), "{message}");
        }
        assert_eq!(Message::new(&MessageOptions::default(), CERTIFICATE), Err(MessageError::Nothing));
    }

    #[test]
    fn payloads_without_aps_go_to_extensions() {
        let json = r#"{"container-identifier":"NSFileProviderRootContainerItemIdentifier","domain":"a"}"#;
        let options = with_topic("com.example.MyApp", with_type("fileprovider", with_payload(json)));
        let message = Message::new(&options, Sender::ProviderToken).unwrap();
        assert_eq!((&*message.topic, message.warnings.len()), ("com.example.MyApp.pushkit.fileprovider", 0));
        let level = with_payload(r#"{"aps":{"alert":"a","interruption-level":"urgent"}}"#);
        assert!(Message::new(&level, CERTIFICATE).unwrap().warnings[0].contains("time-sensitive"));
    }

    #[test]
    fn an_alert_of_the_options_is_not_for_the_background() {
        let refusal = Message::new(&with_type("background", alert()), CERTIFICATE).unwrap_err();
        assert_eq!(refusal, MessageError::AlertInBackground);
        assert!(!refusal.is_about_payload());
    }

    #[test]
    fn the_hash_is_of_what_is_sent() {
        let message = Message::new(&alert(), CERTIFICATE).unwrap();
        let other = Message::new(&MessageOptions { priority: Some("5".to_owned()), ..alert() }, CERTIFICATE).unwrap();
        assert_ne!(message.sha256(), other.sha256());
        assert_eq!(message.sha256(), message.clone().sha256());
        assert_eq!(message.text().as_deref(), Some("Hello"));
    }
}
