//! Token authentication: a provider token, signed by a .p8 key, instead of a certificate.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::apns::provider_token::ProviderToken;
use crate::apns::reason::{self, ReasonSubject};
use crate::check::ground::Ground;
use crate::check::outcome::{Evidence, Outcome};
use crate::check::verdict::{Advice, Conclusion};
use crate::net::alert;

/// A provider token, and the names of the key that signed it. One token is used for all gateways and attempts: APNs
/// wants no more than one in 20 minutes.
#[derive(Debug)]
pub(crate) struct TokenIdentity {
    pub(crate) token: ProviderToken,
    pub(crate) issued_at: OffsetDateTime,
    pub(crate) key_id: String,
    pub(crate) team_id: String,
    /// The key ID in the name of the key's file, as Apple names it.
    pub(crate) key_id_of_file: Option<String>,
}

impl TokenIdentity {
    /// Returns the name in the report.
    pub(crate) fn title(&self) -> String {
        format!("provider token of key {}, team {}", self.key_id, self.team_id)
    }

    /// Returns whether key ID and Team ID look swapped: the Team ID is the key ID in the file's name.
    fn looks_swapped(&self) -> bool {
        self.key_id != self.team_id && self.key_id_of_file.as_ref() == Some(&self.team_id)
    }

    /// Returns whether one ID was given for both.
    fn has_one_id(&self) -> bool {
        self.key_id == self.team_id
    }

    /// Returns what is odd about the names, without asking anyone.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        match &self.key_id_of_file {
            Some(id) if self.looks_swapped() => {
                warnings.push(format!("key ID and Team ID look swapped, for the file is named after the key {id}"));
            }
            _ if self.has_one_id() => warnings.push("key ID and Team ID are the same".to_owned()),
            Some(id) if *id != self.key_id => warnings.push(format!("the file is named after another key, {id}")),
            _ => {}
        }
        warnings
    }

    /// Returns this machine's time when the token was signed.
    fn clock(&self) -> String {
        let time = self.issued_at.replace_nanosecond(0).unwrap_or(self.issued_at);
        time.format(&Rfc3339).unwrap_or_default()
    }

    /// Restates a conclusion for a token: reasons about it decide, and no certificate was presented.
    pub(super) fn judge(&self, conclusion: Conclusion) -> Conclusion {
        let subject = match &conclusion.reason {
            Some(name) => reason::find(name).map(|reason| reason.subject),
            None => None,
        };
        let name = conclusion.reason.clone().unwrap_or_default();
        if alert::number(&name).is_some() {
            return after_alert(conclusion);
        }
        if conclusion.evidence == Evidence::OtherStatus {
            return conclusion;
        }
        match (conclusion.verdict, subject) {
            (Outcome::Unproven, Some(ReasonSubject::ProviderToken)) if name != "MissingProviderToken" => {
                self.restate(&name, Conclusion { is_retryable: false, ..conclusion }, Evidence::ProviderTokenRefused)
            }
            (Outcome::Rejected, Some(ReasonSubject::Certificate)) if name == "Forbidden" => {
                self.restate(&name, conclusion, Evidence::ProviderTokenRefused)
            }
            // A reason about a certificate says nothing of a token.
            (Outcome::Rejected, _) => about_no_certificate(conclusion),
            (Outcome::Accepted | Outcome::Passed, _) => {
                Conclusion { meaning: "the gateway accepts the provider token".to_owned(), ..conclusion }
            }
            (Outcome::Refused, subject) => {
                let what = if subject == Some(ReasonSubject::Topic) { "topic" } else { "device token" };
                let restated = self.restate(&name, conclusion, Evidence::TopicRefused);
                let meaning = format!("the provider token was judged good, the {what} was not: {}", restated.meaning);
                Conclusion { meaning, ..restated }
            }
            (Outcome::Unproven | Outcome::Unreachable, _) => {
                let outcome = conclusion.verdict;
                Conclusion { verdict: outcome, ..self.explain(&name, conclusion) }
            }
        }
    }

    fn restate(&self, name: &str, conclusion: Conclusion, evidence: Evidence) -> Conclusion {
        Conclusion { verdict: evidence.outcome(), ..self.explain(name, conclusion) }
    }

    /// Replaces meaning and advice of a reason that means something else for a certificate.
    fn explain(&self, name: &str, mut conclusion: Conclusion) -> Conclusion {
        if let Some(reason) = reason::find(name) {
            conclusion.meaning = reason.meaning.to_owned();
        }
        for known in &TOKEN_REASONS {
            if known.name == name {
                conclusion.meaning = known.meaning.to_owned();
                conclusion.advice = Some(Advice::Text(known.advice));
            }
        }
        if name == "ExpiredProviderToken" {
            conclusion.meaning.push_str(&format!("; by this machine's clock it was signed at {}", self.clock()));
        }
        if name == "InvalidProviderToken" {
            self.suspect_ids(&mut conclusion);
        }
        conclusion
    }

    /// Says what is wrong with the IDs, where it shows.
    fn suspect_ids(&self, conclusion: &mut Conclusion) {
        if self.looks_swapped() {
            conclusion.meaning.push_str("; key ID and Team ID look swapped");
            conclusion.advice = Some(Advice::Ground(Ground::SwappedIds));
        } else if self.has_one_id() {
            conclusion.meaning.push_str("; key ID and Team ID are the same");
            conclusion.advice = Some(Advice::Ground(Ground::SameIds));
        }
    }
}

/// Restates a conclusion from a reason about a certificate, which was never sent.
fn about_no_certificate(conclusion: Conclusion) -> Conclusion {
    Conclusion {
        verdict: Evidence::OtherAnswer.outcome(),
        meaning: "the server speaks of a certificate, and was sent a provider token".to_owned(),
        advice: Some(Advice::Text("check the address: APNs takes provider tokens without a certificate")),
        ..conclusion
    }
}

/// Restates a conclusion from an alert, which says nothing of a token, and of a certificate that was never sent.
fn after_alert(conclusion: Conclusion) -> Conclusion {
    let evidence = match conclusion.verdict {
        Outcome::Unreachable => Evidence::NotReached,
        _ => Evidence::OtherAlert,
    };
    Conclusion {
        verdict: evidence.outcome(),
        meaning: "the server ended the TLS connection before it saw the provider token".to_owned(),
        advice: Some(Advice::Text("check the address: APNs takes provider tokens without a certificate")),
        ..conclusion
    }
}

/// A row of [`TOKEN_REASONS`].
struct TokenReason {
    name: &'static str,
    meaning: &'static str,
    advice: &'static str,
}

const fn known(name: &'static str, meaning: &'static str, advice: &'static str) -> TokenReason {
    TokenReason { name, meaning, advice }
}

const RIGHT_APP: &str = "use a topic of one of the team's own apps: the bundle ID, with its suffix";
const OTHER_ENVIRONMENT: &str = "the key is for the other environment";
const RIGHT_ENVIRONMENT: &str = "ask the gateway of the key's environment, or use a key for both";

/// The reasons that mean something else for a token than for a certificate (Apple, "Handling notification responses
/// from APNs" and "Establishing a token-based connection to APNs").
const TOKEN_REASONS: [TokenReason; 11] = [
    known("BadTopic", "the topic is not valid", RIGHT_APP),
    known("MissingTopic", "the request names no topic", RIGHT_APP),
    known(
        "InvalidProviderToken",
        "key, key ID and Team ID do not belong together, or the key was revoked",
        "compare both IDs with Apple's developer portal (Keys, Membership): they may be swapped",
    ),
    known(
        "ExpiredProviderToken",
        "the provider token is not of the last hour, by the gateway's clock",
        "set this machine's clock",
    ),
    known(
        "MissingProviderToken",
        "the gateway saw no provider token",
        "check the address; a device that intercepts TLS connections may remove the token",
    ),
    known("BadEnvironmentKeyIdInToken", OTHER_ENVIRONMENT, RIGHT_ENVIRONMENT),
    known("BadEnvironmentKeyInToken", OTHER_ENVIRONMENT, RIGHT_ENVIRONMENT),
    known(
        "UnrelatedKeyIdInToken",
        "the key does not go with the one that the connection began with",
        "use one key on a connection",
    ),
    known(
        "Forbidden",
        "the action is not allowed",
        "check in Apple's developer portal that the key is enabled for APNs",
    ),
    known(
        "TopicDisallowed",
        "the team's key may not send to this topic",
        "use a topic of the team's own apps: the bundle ID, with its suffix; a key may be restricted to some",
    ),
    known(
        "TooManyProviderTokenUpdates",
        "the provider token changes too often",
        "wait 20 minutes; other programs with the same key may sign too many tokens",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_known_and_speaks_of_no_certificate() {
        for known in &TOKEN_REASONS {
            assert!(reason::find(known.name).is_some(), "{}", known.name);
            assert!(!known.meaning.contains("certificate") && !known.advice.contains("certificate"), "{}", known.name);
        }
    }
}
