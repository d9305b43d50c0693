//! Asks gateways, stage by stage, whether they accept a certificate.

mod attempt;
pub(crate) mod conclusion;
mod describe;
pub(crate) mod expectation;
pub(crate) mod ground;
pub(crate) mod outcome;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod revocation;
pub(crate) mod stage;
pub(crate) mod token;
mod verdict;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use serde::Serialize;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::apns::notification::{self, PushType};
use crate::certificate::apple::Environment;
use crate::check::attempt::Attempt;
use crate::check::conclusion::{Advice, Conclusion, ProbeToken, TopicStatus};
use crate::check::expectation::Expectation;
use crate::check::ground::{Circumstances, Ground};
use crate::check::outcome::{Evidence, Outcome};
use crate::check::probe::{Probe, ProbeAnswer};
use crate::check::revocation::{Revocation, RevocationVerdict};
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::token::TokenIdentity;
use crate::finding::{Finding, Level};
use crate::net::descriptors;
use crate::net::dial;
use crate::net::endpoint::Endpoint;
use crate::net::http2::frames::{GoAway, Settings};
use crate::net::mask::Mask;
use crate::net::proxy::Proxy;
use crate::net::retry;
use crate::net::tls::{ClientIdentity, TlsReport};
use crate::net::trust::StoreReader;

/// A gateway to ask.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The environment, if it is known.
    pub(crate) environment: Option<Environment>,
    pub(crate) endpoint: Endpoint,
    pub(crate) proxy: Option<Proxy>,
    /// The address to connect to; `None` for any that answers.
    pub(crate) address: Option<SocketAddr>,
}

/// What is presented to a gateway.
pub(crate) enum Credential {
    Certificate(ClientIdentity),
    Token(TokenIdentity),
}

impl Credential {
    /// Returns the certificate, if it is one.
    fn certificate(&self) -> Option<&ClientIdentity> {
        match self {
            Self::Certificate(identity) => Some(identity),
            Self::Token(_) => None,
        }
    }
}

/// The way in which a provider authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Authentication {
    Certificate,
    Token,
}

/// The certificate or the provider token under test.
pub(crate) struct TestedIdentity {
    /// The certificate with its key, or the token; or the reason why there is no key.
    pub(crate) identity: Result<Credential, Ground>,
    /// The certificate's name in the report.
    pub(crate) title: String,
    /// Warnings that are known without asking a gateway.
    pub(crate) warnings: Vec<String>,
    /// The environments that the certificate is for.
    pub(crate) environments: Vec<Environment>,
    /// The findings of the policy of the run.
    pub(crate) findings: Vec<Finding>,
}

/// The options of a check.
pub(crate) struct CheckOptions {
    /// The limit of each stage.
    pub(crate) timeout: Duration,
    /// The number of retries after temporary failures.
    pub(crate) retries: u32,
    /// True to ask each address of a gateway.
    pub(crate) every_address: bool,
    /// The days left of the server's certificate below which there is a warning.
    pub(crate) server_warn: Option<i64>,
    /// True to send a notification.
    pub(crate) wants_probe: bool,
    /// The device token of the notification, instead of a random one.
    pub(crate) token: Option<Zeroizing<String>>,
    /// The topic of the notification.
    pub(crate) topic: Option<String>,
    /// The push type of the notification.
    pub(crate) push_type: Option<PushType>,
    /// The roots to trust.
    pub(crate) stores: Arc<StoreReader>,
    /// True if the user named the gateway.
    pub(crate) is_gateway_named: bool,
    /// The outcome that is expected.
    pub(crate) expectation: Option<Expectation>,
    /// The certificate whose issuer is to be asked about its revocation.
    pub(crate) revocation: Option<Revocation>,
    /// Hides the secrets of the run in the words of servers and proxies.
    pub(crate) mask: Mask,
    /// Returns the advice for a ground, which may name flags.
    pub(crate) advice: fn(Ground, Circumstances) -> &'static str,
}

impl CheckOptions {
    /// Returns whose token the notification has.
    fn probe_token(&self) -> ProbeToken {
        match &self.token {
            _ if !self.wants_probe => ProbeToken::None,
            Some(token) => ProbeToken::Named { digits: token.len() },
            None => ProbeToken::Random,
        }
    }

    fn advice_text(&self, advice: Advice, circumstances: Circumstances) -> &'static str {
        match advice {
            Advice::Text(text) => text,
            Advice::Ground(ground) => (self.advice)(ground, circumstances),
            Advice::Alert(alert) => alert.advice_of(circumstances.is_apples),
        }
    }
}

/// The report on one gateway.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GatewayCheck {
    pub(crate) environment: Option<Environment>,
    pub(crate) gateway: String,
    /// The address, if each was to be asked.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) authentication: Authentication,
    pub(crate) verdict: Outcome,
    pub(crate) reason: Option<String>,
    /// True if this is the outcome that the user expects; null if the user expects none.
    pub(crate) is_expected: Option<bool>,
    pub(crate) advice: Option<String>,
    pub(crate) topic: TopicReport,
    pub(crate) stages: Vec<Stage>,
    /// All attempts, the last of which the report is about.
    pub(crate) attempts: Vec<AttemptReport>,
    /// The days left of the server's certificate; null if it was not seen.
    pub(crate) server_days_left: Option<i64>,
    /// True if these are fewer than the user wants.
    pub(crate) server_expires_soon: bool,
    /// The TLS connection; null if it was not tried.
    pub(crate) tls: Option<TlsReport>,
    /// The HTTP/2 connection; null if there was no TLS connection.
    pub(crate) http2: Option<Http2Report>,
    /// The answer to the notification; null if there was none.
    pub(crate) probe: Option<ProbeAnswer>,
    /// The meaning of the reason.
    pub(crate) meaning: String,
}

/// One attempt to ask a gateway.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct AttemptReport {
    pub(crate) verdict: Outcome,
    pub(crate) reason: Option<String>,
    /// Its duration in milliseconds.
    pub(crate) ms: f64,
    /// The seconds that the server asked to wait.
    pub(crate) retry_after: Option<u64>,
    /// The pause after it in milliseconds; null if no other attempt followed.
    pub(crate) pause_ms: Option<f64>,
    /// True if another attempt would have followed, had the server not asked for too long a pause.
    pub(crate) is_wait_too_long: bool,
}

/// The last of several attempts, and the report on all.
struct Tried<'a> {
    attempt: Attempt<'a>,
    conclusion: Conclusion,
    attempts: Vec<AttemptReport>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TopicReport {
    pub(crate) topic: Option<String>,
    pub(crate) status: TopicStatus,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Http2Report {
    pub(crate) settings: Option<Settings>,
    pub(crate) goaway: Option<GoAway>,
}

/// Asks all gateways, side by side.
///
/// # Errors
/// If the system has no random numbers, or no network events.
pub(crate) fn run(
    subject: TestedIdentity,
    targets: Vec<Target>,
    options: CheckOptions,
) -> io::Result<Vec<GatewayCheck>> {
    let runtime = descriptors::build_runtime()?;
    let token = match &options.token {
        Some(token) => token.clone(),
        None => probe::random_token()?,
    };
    let check_run = CheckRun { subject, options, token, revocation: OnceCell::new() };
    let checks = runtime.block_on(check_run.check_all(targets));
    // Does not wait for a resolver that hangs.
    runtime.shutdown_background();
    checks
}

struct CheckRun {
    subject: TestedIdentity,
    options: CheckOptions,
    token: Zeroizing<String>,
    /// What the issuer said, for all gateways.
    revocation: OnceCell<Option<Asked>>,
}

/// What the issuer said, and the stage that shows it.
#[derive(Clone)]
struct Asked {
    found: RevocationVerdict,
    stage: Stage,
}

impl CheckRun {
    async fn check_all(self, targets: Vec<Target>) -> io::Result<Vec<GatewayCheck>> {
        let this = Arc::new(self);
        let mut tasks = Vec::new();
        for target in targets {
            let this = Arc::clone(&this);
            tasks.push(tokio::spawn(async move { this.check_target(target).await }));
        }
        let mut checks = Vec::new();
        for task in tasks {
            checks.append(&mut task.await??);
        }
        Ok(checks)
    }

    /// Asks a gateway, or each of its addresses, side by side.
    async fn check_target(self: Arc<Self>, target: Target) -> io::Result<Vec<GatewayCheck>> {
        let mut tasks = Vec::new();
        for target in self.addresses_of(target).await {
            let this = Arc::clone(&self);
            tasks.push(tokio::spawn(async move { this.check(&target).await }));
        }
        let mut checks = Vec::new();
        for task in tasks {
            checks.push(task.await?);
        }
        Ok(checks)
    }

    /// Returns the target once for each of its addresses, if each is to be asked and the resolver knows any.
    async fn addresses_of(&self, target: Target) -> Vec<Target> {
        if !self.options.every_address || self.subject.identity.is_err() {
            return vec![target];
        }
        let resolved = tokio::time::timeout(self.options.timeout, dial::resolve(&target.endpoint)).await;
        // Where this failed, the check itself tells why.
        let Ok(Ok(addresses)) = resolved else { return vec![target] };
        with_addresses(&target, &addresses)
    }

    /// Returns what the issuer says; it is asked once.
    async fn revocation_stage(&self) -> Option<Asked> {
        self.revocation.get_or_init(|| self.ask_issuer()).await.clone()
    }

    async fn ask_issuer(&self) -> Option<Asked> {
        let revocation = self.options.revocation.as_ref()?;
        let watch = Stopwatch::start(StageName::Revocation);
        let mut found = revocation.ask(self.options.timeout).await;
        self.options.mask.apply(&mut found.detail);
        let stage = watch.stop(found.status, &found.detail);
        Some(Asked { found, stage })
    }

    async fn check(&self, target: &Target) -> GatewayCheck {
        let mut stages = vec![self.identity_stage(target)];
        // The issuer is asked beside the gateway.
        let (tried, revocation) = tokio::join!(self.attempt(target), self.revocation_stage());
        let Tried { mut attempt, mut conclusion, mut attempts } = tried;
        if let Some(Asked { found, stage }) = revocation {
            conclusion = conclusion.with_revocation(&found);
            stages.push(stage);
        }
        // What only the policy refuses was not refused by the gateway.
        let is_gateways = self.is_expected(&conclusion);
        conclusion = conclusion.with_policy(&self.subject.findings);
        if let Some(last) = attempts.last_mut() {
            // What the issuer and the policy say counts for the attempt that the report is about.
            last.verdict = conclusion.verdict;
            last.reason.clone_from(&conclusion.reason);
        }
        let is_expected = match (is_gateways, self.is_expected(&conclusion)) {
            (Some(before), Some(after)) => Some(before && after),
            _ => None,
        };
        stages.append(&mut attempt.stages);
        let circumstances = attempt.circumstances();
        let advice = self.advice_after(&conclusion);
        let server_days_left = days_left(attempt.tls.as_ref(), OffsetDateTime::now_utc());
        GatewayCheck {
            environment: target.environment,
            gateway: target.endpoint.to_string(),
            address: target.address,
            authentication: self.authentication(),
            verdict: conclusion.verdict,
            reason: conclusion.reason,
            is_expected,
            advice: advice.map(|advice| self.options.advice_text(advice, circumstances).to_owned()),
            topic: TopicReport { topic: self.options.topic.clone(), status: conclusion.topic },
            stages,
            attempts,
            server_days_left,
            server_expires_soon: is_below(server_days_left, self.options.server_warn),
            tls: attempt.tls,
            http2: attempt.http2,
            probe: attempt.probe,
            meaning: conclusion.meaning,
        }
    }

    /// Returns whether this is what the user expects, if the user expects anything.
    fn is_expected(&self, conclusion: &Conclusion) -> Option<bool> {
        let expectation = self.options.expectation.as_ref()?;
        let revoked = Ground::Revoked.explanation().name;
        let is_revoked = conclusion.is_revoked && expectation.is_met(conclusion.verdict, Some(revoked));
        Some(is_revoked || expectation.is_met(conclusion.verdict, conclusion.reason.as_deref()))
    }

    /// Returns the advice, which for the topics of some services is another one than that of the reason.
    fn advice_after(&self, conclusion: &Conclusion) -> Option<Advice> {
        if conclusion.topic == TopicStatus::Refuted && self.needs_provider_token() {
            return Some(Advice::Ground(Ground::NeedsProviderToken));
        }
        conclusion.advice
    }

    fn authentication(&self) -> Authentication {
        match &self.subject.identity {
            Ok(Credential::Token(_)) => Authentication::Token,
            Ok(Credential::Certificate(_)) | Err(_) => Authentication::Certificate,
        }
    }

    fn authorization(&self) -> Option<HeaderValue> {
        match &self.subject.identity {
            Ok(Credential::Token(identity)) => identity.token.header_value(),
            Ok(Credential::Certificate(_)) | Err(_) => None,
        }
    }

    fn needs_provider_token(&self) -> bool {
        self.authentication() == Authentication::Certificate
            && self.options.topic.as_deref().is_some_and(notification::needs_provider_token)
    }

    /// Describes the certificate, and the warnings that are known without asking the gateway.
    fn identity_stage(&self, target: &Target) -> Stage {
        let watch = Stopwatch::start(StageName::Identity);
        let mut warnings = self.subject.warnings.clone();
        for finding in &self.subject.findings {
            warnings.push(finding.message.to_string());
        }
        if let Some(environment) = target.environment
            && !self.subject.environments.contains(&environment)
        {
            warnings.push(format!("is not for the {} environment", environment.name()));
        }
        if self.needs_provider_token() {
            warnings.push("its topic needs a provider token (.p8), and no certificate".to_owned());
        }
        let status = match &self.subject.identity {
            Err(_) => Status::Failed,
            Ok(_) if Level::worst(&self.subject.findings) == Level::Failure => Status::Failed,
            Ok(_) if warnings.is_empty() => Status::Ok,
            Ok(_) => Status::Warning,
        };
        let title = &self.subject.title;
        if warnings.is_empty() {
            return watch.stop(status, title);
        }
        watch.stop(status, format!("{title}: {}", warnings.join("; ")))
    }

    /// Asks the gateway, unless there is nothing to present to it.
    async fn attempt<'a>(&'a self, target: &'a Target) -> Tried<'a> {
        match &self.subject.identity {
            Ok(credential) => self.attempt_until_final(credential, target).await,
            Err(ground) => {
                let conclusion = Conclusion::from_ground(Evidence::NotPresented, *ground);
                Tried { attempt: Attempt::new(&self.options, target), conclusion, attempts: Vec::new() }
            }
        }
    }

    async fn attempt_until_final<'a>(&'a self, credential: &Credential, target: &'a Target) -> Tried<'a> {
        let notification = self.notification(target);
        let mut attempts = Vec::new();
        let mut retry = 0;
        loop {
            let mut attempt = Attempt::new(&self.options, target);
            let conclusion = attempt.run(credential, notification.as_ref()).await;
            let mut report = attempt.report(&conclusion);
            let is_last = retry == self.options.retries || !conclusion.is_retryable;
            let delay = retry::delay_before(retry, conclusion.retry_after, self.options.timeout, retry::jitter());
            match delay {
                Some(delay) if !is_last => {
                    report.pause_ms = Some(stage::milliseconds(delay));
                    attempts.push(report);
                    tokio::time::sleep(delay).await;
                    retry += 1;
                }
                _ => {
                    report.is_wait_too_long = !is_last;
                    attempts.push(report);
                    return Tried { attempt, conclusion, attempts };
                }
            }
        }
    }

    fn notification(&self, target: &Target) -> Option<Probe> {
        if !self.options.wants_probe {
            return None;
        }
        Some(Probe {
            authority: target.endpoint.to_string(),
            token: self.token.clone(),
            topic: self.options.topic.clone(),
            push_type: self.options.push_type,
            authorization: self.authorization(),
        })
    }
}

/// Returns the target once for each address.
fn with_addresses(target: &Target, addresses: &[SocketAddr]) -> Vec<Target> {
    let mut targets = Vec::new();
    for address in addresses {
        targets.push(Target { address: Some(*address), ..target.clone() });
    }
    targets
}

/// Returns the days left of the server's certificate; less than 0 once it has expired.
fn days_left(tls: Option<&TlsReport>, now: OffsetDateTime) -> Option<i64> {
    let leaf = tls?.server_chain.first()?;
    Some((leaf.not_after - now).whole_seconds().div_euclid(86_400))
}

fn is_below(days: Option<i64>, limit: Option<i64>) -> bool {
    match (days, limit) {
        (Some(days), Some(limit)) => days < limit,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;

    use super::*;
    use crate::gateway::GatewayOptions;
    use crate::gateway::acceptor::TlsVersions;
    use crate::gateway::running::RunningGateway;

    /// Returns an RSA key that is the given one to all who look at its public half, and that cannot sign: its first
    /// prime is even.
    fn unable_to_sign(key: &PKey<Private>) -> PKey<Private> {
        let copy = |number: &openssl::bn::BigNumRef| number.to_owned().unwrap();
        let rsa = key.rsa().unwrap();
        let mut even = copy(rsa.p().unwrap());
        even.sub_word(1).unwrap();
        let built = Rsa::from_private_components(
            copy(rsa.n()),
            copy(rsa.e()),
            copy(rsa.d()),
            even,
            copy(rsa.q().unwrap()),
            copy(rsa.dmp1().unwrap()),
            copy(rsa.dmq1().unwrap()),
            copy(rsa.iqmp().unwrap()),
        );
        PKey::from_rsa(built.unwrap()).unwrap()
    }

    fn check_against(gateway: &RunningGateway, key: PKey<Private>) -> GatewayCheck {
        let client = gateway.ready.client.as_ref().unwrap();
        let identity = ClientIdentity { leaf: client.certificate.clone(), authorities: vec![], key };
        let subject = TestedIdentity {
            identity: Ok(Credential::Certificate(identity)),
            title: "the certificate".to_owned(),
            warnings: vec![],
            environments: vec![],
            findings: vec![],
        };
        let endpoint = format!("localhost:{}", gateway.ready.address.port()).parse().unwrap();
        let options = CheckOptions {
            timeout: Duration::from_secs(20),
            retries: 0,
            every_address: false,
            server_warn: None,
            wants_probe: true,
            token: None,
            topic: None,
            push_type: None,
            stores: Arc::new(StoreReader::new(Some(vec![gateway.ready.authority.to_der().unwrap()]))),
            is_gateway_named: true,
            expectation: None,
            revocation: None,
            mask: Mask::default(),
            advice: |_, _| "an advice",
        };
        let target = Target { environment: None, endpoint, proxy: None, address: None };
        run(subject, vec![target], options).unwrap().remove(0)
    }

    #[test]
    fn a_key_that_cannot_sign_is_no_fault_of_the_network() {
        for tls in [TlsVersions::V12, TlsVersions::V13] {
            let gateway = RunningGateway::start(GatewayOptions { tls, ..GatewayOptions::default() }).unwrap();
            let client = gateway.ready.client.as_ref().unwrap();
            let good =
                ClientIdentity { leaf: client.certificate.clone(), authorities: vec![], key: client.key.clone() };
            assert!(good.try_out().is_ok());
            assert_eq!(check_against(&gateway, client.key.clone()).stages.last().unwrap().stage, StageName::Probe);
            let key = unable_to_sign(&client.key);
            let bad = ClientIdentity { leaf: client.certificate.clone(), authorities: vec![], key: key.clone() };
            assert!(bad.try_out().is_err());
            let checked = check_against(&gateway, key);
            let found = (checked.verdict, checked.reason.as_deref());
            assert_eq!(found, (Outcome::Unproven, Some("key-unusable")), "{:?}", checked.stages);
            let detail = &checked.stages.last().unwrap().detail;
            assert!(detail.starts_with("OpenSSL cannot sign with the private key: "), "{detail}");
        }
    }
}
