//! The values that `inspect --field` prints.

use crate::cli::inspect::Field;
use crate::inspect::{CertificateReport, FileReport, FileRole, KeyReport, KeyTrial, RequestReport};
use crate::schema::{rfc3339, text};

/// Returns the values of a field in a file, in order: of its certificates, or else of its requests, or else of its keys.
/// A file that holds none of those that have such a field has no answer: `None`. A certificate that lacks it has no value.
pub(crate) fn values(field: Field, file: &FileReport) -> Option<Vec<String>> {
    if !file.certificates.is_empty() {
        return Some(certificate_values(field, file));
    }
    let mut list = Vec::new();
    for request in &file.requests {
        list.extend(request_values(field, request)?);
    }
    if file.requests.is_empty() {
        for key in &file.keys {
            list.extend(key_values(field, key)?);
        }
    }
    if file.requests.is_empty() && file.keys.is_empty() { None } else { Some(list) }
}

fn request_values(field: Field, request: &RequestReport) -> Option<Vec<String>> {
    Some(match field {
        Field::Subject => vec![request.subject.clone()],
        Field::KeyAlgorithm => vec![request.key.algorithm.clone()],
        Field::KeyBits => vec![request.key.bits.to_string()],
        Field::SpkiSha256 => vec![request.spki_sha256.clone()],
        Field::KeyFile => found_key(request.key_trial.as_ref()),
        _ => return None,
    })
}

fn key_values(field: Field, key: &KeyReport) -> Option<Vec<String>> {
    Some(match field {
        Field::KeyAlgorithm => vec![key.kind.algorithm.clone()],
        Field::KeyBits => vec![key.kind.bits.to_string()],
        Field::SpkiSha256 => vec![key.spki_sha256.clone()],
        Field::FriendlyName => optional(&key.friendly_name),
        Field::LocalKeyId => optional(&key.local_key_id),
        _ => return None,
    })
}

fn certificate_values(field: Field, file: &FileReport) -> Vec<String> {
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
        Field::KeyFile => found_key(c.key_trial.as_ref()),
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

/// Returns the file of a key that was found among those of --key.
fn found_key(trial: Option<&KeyTrial>) -> Vec<String> {
    match trial {
        Some(trial) => optional(&trial.file),
        None => vec![],
    }
}

fn optional(value: &Option<String>) -> Vec<String> {
    value.iter().cloned().collect()
}
