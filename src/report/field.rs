//! The facts that `inspect --field` prints.

use clap::ValueEnum;

use crate::inspect::{CertificateReport, FileReport, FileRole};
use crate::schema::{rfc3339, text};

/// A fact that `inspect --field` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Field {
    Role,
    Kind,
    BundleId,
    Topic,
    Environment,
    TeamId,
    Organization,
    Subject,
    Issuer,
    Serial,
    NotBefore,
    NotAfter,
    DaysLeft,
    Expired,
    KeyAlgorithm,
    KeyBits,
    KeyPresent,
    KeyMatches,
    AppleChain,
    Intermediate,
    Sha1,
    Sha256,
    SpkiSha256,
    FriendlyName,
    LocalKeyId,
    Warning,
}

impl Field {
    /// The values of this field in a file, in order.
    pub(crate) fn values(self, file: &FileReport) -> Vec<String> {
        if self == Self::Warning {
            return file.warnings.iter().map(|warning| text(&warning.code)).collect();
        }
        let has_leaf = file.certificates.iter().any(|certificate| certificate.role == FileRole::Leaf);
        let wanted = file.certificates.iter().filter(|certificate| !has_leaf || certificate.role == FileRole::Leaf);
        wanted.flat_map(|certificate| self.of(certificate)).collect()
    }

    fn of(self, c: &CertificateReport) -> Vec<String> {
        let one = |value: &dyn ToString| vec![value.to_string()];
        let some = |value: &Option<String>| value.iter().cloned().collect();
        match self {
            Self::Role => vec![text(&c.role)],
            Self::Kind => vec![text(&c.kind)],
            Self::BundleId => some(&c.bundle_id),
            Self::Topic => c.topics.iter().map(|topic| topic.topic.clone()).collect(),
            Self::Environment => c.environments.iter().map(text).collect(),
            Self::TeamId => some(&c.team_id),
            Self::Organization => some(&c.organization),
            Self::Subject => one(&c.subject),
            Self::Issuer => one(&c.issuer),
            Self::Serial => one(&c.serial),
            Self::NotBefore => vec![rfc3339(c.not_before)],
            Self::NotAfter => vec![rfc3339(c.not_after)],
            Self::DaysLeft => one(&c.days_left),
            Self::Expired => one(&c.expired),
            Self::KeyAlgorithm => one(&c.key.algorithm),
            Self::KeyBits => one(&c.key.bits),
            Self::KeyPresent => one(&c.key.present),
            Self::KeyMatches => c.key.matches.iter().map(ToString::to_string).collect(),
            Self::AppleChain => vec![text(&c.apple_chain.status)],
            Self::Intermediate => some(&c.apple_chain.intermediate),
            Self::Sha1 => one(&c.sha1),
            Self::Sha256 => one(&c.sha256),
            Self::SpkiSha256 => one(&c.spki_sha256),
            Self::FriendlyName => some(&c.friendly_name),
            Self::LocalKeyId => some(&c.local_key_id),
            Self::Warning => vec![],
        }
    }
}
