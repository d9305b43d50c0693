//! Compares what push certificates are for: kinds, topics, environments and teams.

use crate::certificate::apple::CertificateKind;
use crate::certificate::renewal::{Comparable, missing, or_none};
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{printable_name, text_list};

pub(super) fn compare_purpose(
    old: &Comparable<'_>,
    new: &Comparable<'_>,
    allows_several_topics: bool,
    differences: &mut Vec<Finding>,
) {
    // Devices are enrolled for the UID, which is the topic: the topics would say the same again.
    if old.kind == CertificateKind::Mdm && old.traits.uid != new.traits.uid {
        let message = format!(
            "the UID has changed from {} to {}: every enrolled device falls silent, and each must be enrolled again",
            or_none(old.traits.uid.as_deref()),
            or_none(new.traits.uid.as_deref())
        );
        let finding = Finding::failure(FindingCode::OtherMdmUid, message);
        differences.push(Finding { hint: Some(format!("keep the old one, and {RENEW_MDM}").into()), ..finding });
        return;
    }
    for topic in missing(&old.topics, &new.topics) {
        let message = format!("the new one may not send to the topic {}", printable_name(topic));
        differences.push(Finding::failure(FindingCode::TopicLost, message));
    }
    for topic in missing(&new.topics, &old.topics) {
        let message = format!("the new one may also send to the topic {}", printable_name(topic));
        differences.push(Finding::new(Level::Ok, FindingCode::TopicGained, message));
    }
    // Of another kind it is said with that.
    if old.kind == new.kind && needs_topic_header(old, new) {
        let message = format!("the old one has one topic, the new one {}: {MANDATORY_HEADER}", new.topics.len());
        let level = if allows_several_topics { Level::Ok } else { Level::Failure };
        differences.push(Finding::new(level, FindingCode::TopicHeader, message));
    }
}

const MANDATORY_HEADER: &str = "with several topics, the header apns-topic is mandatory in each notification";

/// Returns whether notifications without the header apns-topic, of which APNs takes the only topic, fail with the new one.
fn needs_topic_header(old: &Comparable<'_>, new: &Comparable<'_>) -> bool {
    old.topics.len() == 1 && new.topics.len() > 1
}

/// What keeps the UID of an MDM certificate.
pub(crate) const RENEW_MDM: &str = "renew it at identity.apple.com/pushcert with Renew on its own line, not with Create a \
                         Certificate, signed in with the Apple Account that made it: a renewal keeps the UID. Who has lost that \
                         account asks Apple to move the certificate to another";

/// Returns whether a push certificate of another kind can do all that the old one can: send to its topics in its
/// environments.
pub(super) fn is_possible_successor(old: &Comparable<'_>, new: &Comparable<'_>) -> bool {
    let has_all = |old: &[&str], new: &[&str]| !old.is_empty() && missing(old, new).is_empty();
    old.kind != new.kind
        && old.kind.is_push()
        && new.kind.is_push()
        && has_all(&old.topics, &new.topics)
        && has_all(&environments(old), &environments(new))
}

pub(super) fn describe_kinds(
    old: &Comparable<'_>,
    new: &Comparable<'_>,
    is_successor: bool,
    is_accepted: bool,
) -> Finding {
    let mut message = format!("the kind has changed from {} to {}", old.kind.describe(), new.kind.describe());
    if is_successor {
        message.push_str(", which can send to the same topics");
    }
    if is_successor && needs_topic_header(old, new) {
        message.push_str(": ");
        message.push_str(MANDATORY_HEADER);
    }
    let level = if is_accepted { Level::Ok } else { Level::Failure };
    Finding::new(level, FindingCode::OtherKind, message)
}

pub(super) fn compare_environments(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    let lost = missing(&environments(old), &environments(new));
    if !lost.is_empty() {
        let message = format!("the new one may not be used in {}", text_list(lost.into_iter()));
        differences.push(Finding::failure(FindingCode::EnvironmentLost, message));
    }
    let gained = missing(&environments(new), &environments(old));
    if !gained.is_empty() {
        let message = format!("the new one may also be used in {}", text_list(gained.into_iter()));
        differences.push(Finding::new(Level::Ok, FindingCode::EnvironmentGained, message));
    }
}

pub(super) fn compare_teams(old: &Comparable<'_>, new: &Comparable<'_>, differences: &mut Vec<Finding>) {
    // An authority's has no team, and that it is one is said.
    if old.team_id != new.team_id && (old.traits.is_ca || !new.traits.is_ca) {
        let message = format!("the team has changed from {} to {}", or_none(old.team_id), or_none(new.team_id));
        differences.push(Finding::failure(FindingCode::OtherTeam, message));
    }
}

fn environments(one: &Comparable<'_>) -> Vec<&'static str> {
    one.environments.iter().map(|environment| environment.name()).collect()
}
