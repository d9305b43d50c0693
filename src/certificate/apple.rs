//! Apple's extensions and what they say: one table of object identifiers.
//!
//! Sources: Apple's Certification Practice Statements for WWDR, and decoded certificates; the topics'
//! encoding is known from certificates alone.

use serde::Serialize;
use x509_parser::asn1_rs::{Oid, Tag, oid};

use crate::asn1::{Malformed, Value};

/// The certificate may be used with the sandbox; the value is NULL.
pub(crate) const SANDBOX: Oid<'static> = oid!(1.2.840.113635.100.6.3.1);
/// The certificate may be used in production; the value is NULL.
pub(crate) const PRODUCTION: Oid<'static> = oid!(1.2.840.113635.100.6.3.2);
/// Older extensions of VoIP certificates. Their exact encoding is not known, only that they are there.
const VOIP: [Oid<'static>; 3] =
    [oid!(1.2.840.113635.100.6.3.3), oid!(1.2.840.113635.100.6.3.4), oid!(1.2.840.113635.100.6.3.5)];
/// The list of topics.
pub(crate) const TOPICS: Oid<'static> = oid!(1.2.840.113635.100.6.3.6);
/// The certificate signs Wallet passes.
const PASS_TYPE: Oid<'static> = oid!(1.2.840.113635.100.6.1.16);
/// The certificate signs website push packages.
const WEBSITE_PUSH: Oid<'static> = oid!(1.2.840.113635.100.6.1.17);
/// Everything of Apple's.
const APPLE: Oid<'static> = oid!(1.2.840.113635.100);
/// Apple's certificate policy, on every leaf.
pub(super) const POLICY: Oid<'static> = oid!(1.2.840.113635.100.5.1);

/// The UID of MDM certificates begins so.
const MDM_UID: &str = "com.apple.mgmt.";

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// App push, sandbox and production.
    Apns,
    /// App push, sandbox only.
    ApnsSandbox,
    /// App push, production only.
    ApnsProduction,
    /// VoIP push.
    Voip,
    /// watchOS complications.
    Watchkit,
    /// Safari website push.
    WebsitePush,
    /// Wallet passes.
    PassType,
    /// Mobile device management.
    Mdm,
    /// Another certificate of Apple's.
    AppleOther,
    /// None of Apple's.
    Other,
}

impl CertificateKind {
    /// Whether APNs takes it.
    pub fn is_push(self) -> bool {
        !matches!(self, Self::AppleOther | Self::Other)
    }

    /// In words, for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Apns => "Apple Push Services certificate (universal)",
            Self::ApnsSandbox => "Apple push certificate for the sandbox",
            Self::ApnsProduction => "Apple push certificate for production",
            Self::Voip => "VoIP Services certificate",
            Self::Watchkit => "WatchKit Services certificate",
            Self::WebsitePush => "Website Push ID certificate",
            Self::PassType => "Pass Type ID certificate",
            Self::Mdm => "MDM push certificate",
            Self::AppleOther => "Apple certificate, not for push",
            Self::Other => "certificate, not for Apple push",
        }
    }
}

/// One of APNs' two environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// For development builds.
    Sandbox,
    /// For everything else.
    Production,
}

impl Environment {
    /// "sandbox" or "production".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// A topic that the certificate may send to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Topic {
    /// The value of the header apns-topic.
    pub topic: String,
    /// The label that the certificate gives it, such as "app", "topic" or "voip"; "uid" where the
    /// certificate lists no topics and the topic is the subject's UID.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What the extensions of a certificate say.
#[derive(Debug, Clone, Default)]
pub(super) struct Extensions {
    sandbox: bool,
    production: bool,
    voip: bool,
    pass_type: bool,
    website_push: bool,
    any: bool,
    topics: Option<Result<Vec<Topic>, Malformed>>,
}

impl Extensions {
    /// Takes note of one extension.
    pub(super) fn note(&mut self, oid: &Oid<'_>, value: &[u8]) {
        self.any |= oid.starts_with(&APPLE);
        self.sandbox |= *oid == SANDBOX;
        self.production |= *oid == PRODUCTION;
        self.voip |= VOIP.contains(oid);
        self.pass_type |= *oid == PASS_TYPE;
        self.website_push |= *oid == WEBSITE_PUSH;
        if *oid == TOPICS {
            self.topics = Some(parse_topics(value));
        }
    }

    /// Takes note of Apple's certificate policy.
    pub(super) fn note_policy(&mut self) {
        self.any = true;
    }

    pub(super) fn environments(&self) -> Vec<Environment> {
        let found = [(self.sandbox, Environment::Sandbox), (self.production, Environment::Production)];
        found.into_iter().filter_map(|(is_there, environment)| is_there.then_some(environment)).collect()
    }

    /// The topics, and what is wrong with the list if it does not decode.
    pub(super) fn topics(&self, uid: Option<&str>) -> (Vec<Topic>, Option<Malformed>) {
        let default =
            uid.filter(|_| self.sandbox || self.production).map(|uid| Topic { topic: uid.into(), kind: "uid".into() });
        match &self.topics {
            Some(Ok(topics)) => (topics.clone(), None),
            Some(Err(problem)) => (vec![], Some(problem.clone())),
            None => (default.into_iter().collect(), None),
        }
    }

    /// Decides by the extensions; the UID tells MDM from the rest, the common name nothing.
    pub(super) fn kind(&self, uid: Option<&str>) -> CertificateKind {
        let all = |label: &str| match &self.topics {
            Some(Ok(topics)) => !topics.is_empty() && topics.iter().all(|topic| topic.kind == label),
            _ => false,
        };
        let is_mdm = uid.is_some_and(|uid| uid.starts_with(MDM_UID));
        match (self.sandbox, self.production) {
            _ if self.pass_type => CertificateKind::PassType,
            _ if self.website_push => CertificateKind::WebsitePush,
            (false, false) if self.any => CertificateKind::AppleOther,
            (false, false) => CertificateKind::Other,
            _ if all("voip") || (self.topics.is_none() && self.voip) => CertificateKind::Voip,
            _ if all("complication") => CertificateKind::Watchkit,
            (_, true) if is_mdm => CertificateKind::Mdm,
            (true, true) => CertificateKind::Apns,
            (true, false) => CertificateKind::ApnsSandbox,
            (false, true) => CertificateKind::ApnsProduction,
        }
    }
}

/// Reads the list of topics: topic, labels, topic, labels, … in one flat sequence.
fn parse_topics(extension: &[u8]) -> Result<Vec<Topic>, Malformed> {
    let (list, rest) = Value::parse(extension, "list of topics")?;
    if !list.is(Tag::Sequence) || !rest.is_empty() {
        return Err(Malformed::new("list of topics", "is not one sequence"));
    }
    let mut list = list.reader("list of topics");
    let mut topics = Vec::new();
    while let Some(topic) = list.try_next()? {
        let labels = list.expect(Tag::Sequence, "the label of a topic")?;
        let label = labels.reader("label of a topic").try_next()?.map(|label| text(&label)).transpose()?;
        topics.push(Topic { topic: text(&topic)?, kind: label.unwrap_or_default() });
    }
    Ok(topics)
}

fn text(value: &Value<'_>) -> Result<String, Malformed> {
    if !value.is(Tag::Utf8String) {
        return Err(Malformed::new("list of topics", "holds something that is not a UTF8String"));
    }
    let octets = value.octets()?;
    std::str::from_utf8(&octets).map(str::to_owned).map_err(|_| Malformed::new("list of topics", "is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a certificate of an app with VoIP and a complication.
    const VECTOR: &str = "306c0c11636f6d2e6578616d706c652e4d7941707030070c05746f7069630c16636f6d2e6578616d706c652e4d79\
                          4170702e766f697030060c04766f69700c1e636f6d2e6578616d706c652e4d794170702e636f6d706c69636174696f\
                          6e300e0c0c636f6d706c69636174696f6e";

    #[test]
    fn topics_of_a_real_certificate() {
        let bytes = data_encoding::HEXLOWER.decode(VECTOR.as_bytes()).unwrap();
        let topics: Vec<_> = parse_topics(&bytes).unwrap().into_iter().map(|t| (t.topic, t.kind)).collect();
        let expected = [
            ("com.example.MyApp", "topic"),
            ("com.example.MyApp.voip", "voip"),
            ("com.example.MyApp.complication", "complication"),
        ];
        assert_eq!(topics, expected.map(|(topic, kind)| (topic.to_owned(), kind.to_owned())));
        for cut in 0..bytes.len() {
            parse_topics(&bytes[..cut]).unwrap_err();
        }
    }
}
