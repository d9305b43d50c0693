//! The values that `inspect --field` prints.

use crate::cli::inspect::Field;
use crate::inspect::{CertificateReport, FileReport, FileRole};
use crate::schema::{rfc3339, text};

/// Returns the values of a field in a file, in order.
pub(crate) fn values(field: Field, file: &FileReport) -> Vec<String> {
    if field == Field::Warning {
        return file.warnings.iter().map(|warning| text(&warning.code)).collect();
    }
    let has_leaf = file.certificates.iter().any(|certificate| certificate.role == FileRole::Leaf);
    let mut list = Vec::new();
    for certificate in &file.certificates {
        if certificate.role == FileRole::Leaf || !has_leaf {
            list.extend(values_of(field, certificate));
        }
    }
    list
}

fn values_of(field: Field, c: &CertificateReport) -> Vec<String> {
    match field {
        Field::Role => vec![text(&c.role)],
        Field::Kind => vec![text(&c.kind)],
        Field::BundleId => optional(&c.bundle_id),
        Field::Topic => c.topics.iter().map(|topic| topic.topic.clone()).collect(),
        Field::Environment => c.environments.iter().map(text).collect(),
        Field::TeamId => optional(&c.team_id),
        Field::Organization => optional(&c.organization),
        Field::Subject => vec![c.subject.clone()],
        Field::Issuer => vec![c.issuer.clone()],
        Field::Serial => vec![c.serial.clone()],
        Field::NotBefore => vec![rfc3339(c.not_before)],
        Field::NotAfter => vec![rfc3339(c.not_after)],
        Field::DaysLeft => vec![c.days_left.to_string()],
        Field::SecondsLeft => vec![c.seconds_left.to_string()],
        Field::Expired => vec![c.expired.to_string()],
        Field::KeyAlgorithm => vec![c.key.algorithm.clone()],
        Field::KeyBits => vec![c.key.bits.to_string()],
        Field::KeyPresent => vec![c.key.present.to_string()],
        Field::KeyMatches => c.key.matches.iter().map(ToString::to_string).collect(),
        Field::AppleChain => vec![text(&c.apple_chain.status)],
        Field::Intermediate => optional(&c.apple_chain.intermediate),
        Field::Sha1 => vec![c.sha1.clone()],
        Field::Sha256 => vec![c.sha256.clone()],
        Field::SpkiSha256 => vec![c.spki_sha256.clone()],
        Field::FriendlyName => optional(&c.friendly_name),
        Field::LocalKeyId => optional(&c.local_key_id),
        Field::Warning => vec![],
    }
}

fn optional(value: &Option<String>) -> Vec<String> {
    value.iter().cloned().collect()
}
