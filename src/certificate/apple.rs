//! The extensions of a certificate, Apple's above all: one table of object identifiers.
//!
//! Sources: Apple's Certification Practice Statements for WWDR, and decoded certificates; the topics'
//! encoding is known from certificates alone.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use x509_parser::asn1_rs::{Oid, Tag, oid};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;

use crate::asn1::{Malformed, Value};
use crate::certificate::extension::{self, ExtensionFault, NetscapeType};
use crate::certificate::general_name;

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
const POLICY: Oid<'static> = oid!(1.2.840.113635.100.5.1);

/// The UID of MDM certificates begins so.
const MDM_UID: &str = "com.apple.mgmt.";

/// The most topics of a certificate; Apple lists fewer than ten.
const MAX_TOPICS: usize = 50;

/// The purpose of a certificate.
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
    /// Another certificate from Apple.
    AppleOther,
    /// Not a certificate from Apple.
    Other,
}

impl CertificateKind {
    /// Returns whether APNs accepts it.
    pub fn is_push(self) -> bool {
        !matches!(self, Self::AppleOther | Self::Other)
    }

    /// Describes it for people.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// For development builds.
    Sandbox,
    /// For everything else.
    Production,
}

impl Environment {
    /// Returns "sandbox" or "production".
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

/// The facts in the extensions of a certificate.
#[derive(Debug, Clone, Default)]
pub(super) struct Extensions {
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) is_ca: bool,
    /// There are basic constraints.
    pub(super) has_constraints: bool,
    pub(super) path_length: Option<u32>,
    /// There is a key usage with keyCertSign.
    pub(super) has_cert_sign: bool,
    /// There is a key usage without keyCertSign.
    pub(super) lacks_cert_sign: bool,
    /// There is one without digitalSignature.
    pub(super) lacks_signature: bool,
    /// There is one with neither keyEncipherment nor keyAgreement.
    pub(super) lacks_encryption: bool,
    pub(super) has_unknown_critical: bool,
    /// What is wrong with one that OpenSSL reads in every certificate.
    pub(super) fault: Option<ExtensionFault>,
    pub(super) netscape_type: Option<NetscapeType>,
    pub(super) is_public: bool,
    pub(super) must_staple: bool,
    /// The name to call it by, of subjectAltName.
    pub(super) first_name: Option<String>,
    pub(super) dns_names: Vec<String>,
    pub(super) other_names: Vec<String>,
    pub(super) misplaced_addresses: Vec<String>,
    /// By their names; empty where there is no restriction.
    pub(super) usages: Vec<String>,
    sandbox: bool,
    production: bool,
    voip: bool,
    pass_type: bool,
    website_push: bool,
    is_apple: bool,
    topics: Option<Result<Vec<Topic>, Malformed>>,
}

impl Extensions {
    pub(super) fn read(x509: &X509Certificate<'_>) -> Self {
        let mut extensions = Self::default();
        let mut known = HashSet::new();
        for extension in x509.extensions() {
            let is_new = known.insert(&extension.oid);
            if extension::is_read_by_openssl(&extension.oid) {
                extensions.note_fault(is_new, extension.parsed_extension());
            }
            extensions.note_apple(&extension.oid, extension.value);
            extensions.note_standard(extension.parsed_extension());
            extensions.must_staple |= extension::must_staple(&extension.oid, extension.value);
            let is_understood = extension::is_understood(&extension.oid) || extension.oid.starts_with(&APPLE);
            extensions.has_unknown_critical |= extension.critical && !is_understood;
        }
        extensions
    }

    fn note_fault(&mut self, is_new: bool, extension: &ParsedExtension<'_>) {
        if !is_new {
            self.fault = Some(ExtensionFault::Repeated);
        } else if matches!(extension, ParsedExtension::ParseError { .. }) {
            self.fault = self.fault.or(Some(ExtensionFault::Damaged));
        }
    }

    fn note_apple(&mut self, oid: &Oid<'_>, value: &[u8]) {
        self.is_apple |= oid.starts_with(&APPLE);
        self.sandbox |= *oid == SANDBOX;
        self.production |= *oid == PRODUCTION;
        self.voip |= VOIP.contains(oid);
        self.pass_type |= *oid == PASS_TYPE;
        self.website_push |= *oid == WEBSITE_PUSH;
        if *oid == TOPICS {
            self.topics = Some(parse_topics(value));
        }
    }

    fn note_standard(&mut self, extension: &ParsedExtension<'_>) {
        match extension {
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.is_ca = constraints.ca;
                self.has_constraints = true;
                self.path_length = constraints.path_len_constraint;
            }
            ParsedExtension::KeyUsage(usage) => {
                self.has_cert_sign = usage.key_cert_sign();
                self.lacks_cert_sign = !usage.key_cert_sign();
                self.lacks_signature = !usage.digital_signature();
                self.lacks_encryption = !usage.key_encipherment() && !usage.key_agreement();
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                self.first_name = general_name::first_name(&names.general_names);
                self.dns_names = general_name::host_names(&names.general_names);
                self.other_names = general_name::other_names(&names.general_names);
                self.misplaced_addresses = general_name::misplaced_addresses(&names.general_names);
            }
            ParsedExtension::ExtendedKeyUsage(usage) => self.usages = extension::extended_key_usages(usage),
            ParsedExtension::CertificatePolicies(policies) => {
                self.is_apple |= policies.iter().any(|policy| policy.policy_id == POLICY);
                self.is_public |= policies.iter().any(|policy| extension::is_public_policy(&policy.policy_id));
            }
            ParsedExtension::SCT(_) => self.is_public = true,
            ParsedExtension::NSCertType(kind) => {
                self.netscape_type = Some(NetscapeType { is_server: kind.ssl_server(), is_client: kind.ssl_client() });
            }
            _ => {}
        }
    }

    pub(super) fn environments(&self) -> Vec<Environment> {
        let mut environments = Vec::new();
        if self.sandbox {
            environments.push(Environment::Sandbox);
        }
        if self.production {
            environments.push(Environment::Production);
        }
        environments
    }

    /// Returns the topics, and what is wrong with the list if it does not decode.
    pub(super) fn topics(&self, uid: Option<&str>) -> (Vec<Topic>, Option<Malformed>) {
        match (&self.topics, uid) {
            (Some(Ok(topics)), _) => (topics.clone(), None),
            (Some(Err(problem)), _) => (vec![], Some(problem.clone())),
            (None, Some(uid)) if self.sandbox || self.production => {
                (vec![Topic { topic: uid.to_owned(), kind: "uid".to_owned() }], None)
            }
            (None, _) => (vec![], None),
        }
    }

    /// Decides by the extensions. The UID tells MDM from the rest; the common name decides nothing.
    pub(super) fn kind(&self, uid: Option<&str>) -> CertificateKind {
        let is_mdm = uid.is_some_and(|uid| uid.starts_with(MDM_UID));
        match (self.sandbox, self.production) {
            _ if self.pass_type => CertificateKind::PassType,
            _ if self.website_push => CertificateKind::WebsitePush,
            (false, false) if self.is_apple => CertificateKind::AppleOther,
            (false, false) => CertificateKind::Other,
            _ if self.all_topics_are("voip") || (self.topics.is_none() && self.voip) => CertificateKind::Voip,
            _ if self.all_topics_are("complication") => CertificateKind::Watchkit,
            (_, true) if is_mdm => CertificateKind::Mdm,
            (true, true) => CertificateKind::Apns,
            (true, false) => CertificateKind::ApnsSandbox,
            (false, true) => CertificateKind::ApnsProduction,
        }
    }

    fn all_topics_are(&self, label: &str) -> bool {
        match &self.topics {
            Some(Ok(topics)) => !topics.is_empty() && topics.iter().all(|topic| topic.kind == label),
            _ => false,
        }
    }
}

/// Reads the list of topics: topic, labels, topic, labels, … in one flat sequence.
///
/// # Errors
/// When it is no such list.
pub fn parse_topics(extension: &[u8]) -> Result<Vec<Topic>, Malformed> {
    let (list, rest) = Value::parse(extension, "list of topics")?;
    if !list.is(Tag::Sequence) || !rest.is_empty() {
        return Err(Malformed::new("list of topics", "is not one sequence"));
    }
    let mut list = list.reader("list of topics");
    let mut topics = Vec::new();
    while let Some(topic) = list.try_next()? {
        if topics.len() == MAX_TOPICS {
            return Err(list.malformed(format!("has more than {MAX_TOPICS} topics")));
        }
        let labels = list.expect(Tag::Sequence, "the label of a topic")?;
        let kind = match labels.reader("label of a topic").try_next()? {
            Some(label) => text(&label)?,
            None => String::new(),
        };
        topics.push(Topic { topic: text(&topic)?, kind });
    }
    Ok(topics)
}

fn text(value: &Value<'_>) -> Result<String, Malformed> {
    if !value.is(Tag::Utf8String) {
        return Err(Malformed::new("list of topics", "holds something that is not a UTF8String"));
    }
    match std::str::from_utf8(&value.octets()?) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Malformed::new("list of topics", "is not UTF-8")),
    }
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
