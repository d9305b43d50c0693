//! Token authentication: a provider token, signed by a .p8 key, instead of a certificate.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::apns::provider_token::ProviderToken;
use crate::apns::reason::{self, ReasonSubject};
use crate::check::conclusion::{Advice, Conclusion};
use crate::check::ground::Ground;
use crate::check::outcome::{Evidence, Outcome};
use crate::net::alert;

/// The advice where a server wants or judges a certificate.
const NO_CERTIFICATE: &str = "check the address: APNs takes provider tokens without a certificate";

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
        if let Some(known) = reason::find_for_tokens(name) {
            conclusion.meaning = known.meaning.to_owned();
            conclusion.advice = Some(Advice::Text(known.advice));
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
        advice: Some(Advice::Text(NO_CERTIFICATE)),
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
        advice: Some(Advice::Text(NO_CERTIFICATE)),
        ..conclusion
    }
}
