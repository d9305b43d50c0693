//! Asks gateways, stage by stage, whether they accept a certificate.

mod attempt;
mod describe;
pub(crate) mod expectation;
pub(crate) mod ground;
pub(crate) mod outcome;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod revocation;
pub(crate) mod stage;
pub(crate) mod verdict;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::apns::notification::{self, PushType};
use crate::certificate::apple::Environment;
use crate::check::attempt::Attempt;
use crate::check::expectation::Expectation;
use crate::check::ground::{Circumstances, Ground};
use crate::check::outcome::{Evidence, Outcome};
use crate::check::probe::{Probe, ProbeAnswer};
use crate::check::revocation::Revocation;
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::verdict::{Advice, Conclusion, ProbeToken, TopicStatus};
use crate::finding::{Finding, Level};
use crate::net::endpoint::Endpoint;
use crate::net::http2::frames::{GoAway, Settings};
use crate::net::proxy::Proxy;
use crate::net::tls::{ClientIdentity, TlsReport};
use crate::net::trust::StoreReader;

/// The delay before the first retry; it doubles, up to [`MAX_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(60);

/// A gateway to ask.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The environment, if it is known.
    pub(crate) environment: Option<Environment>,
    pub(crate) endpoint: Endpoint,
    pub(crate) proxy: Option<Proxy>,
}

/// The certificate under test.
pub(crate) struct TestedIdentity {
    /// The certificate with its key, or the reason why there is no key.
    pub(crate) identity: Result<ClientIdentity, Ground>,
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
        }
    }
}

/// The report on one gateway.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GatewayCheck {
    pub(crate) environment: Option<Environment>,
    pub(crate) gateway: String,
    pub(crate) verdict: Outcome,
    pub(crate) reason: Option<String>,
    /// True if this is the outcome that the user expects; null if the user expects none.
    pub(crate) is_expected: Option<bool>,
    pub(crate) advice: Option<String>,
    pub(crate) topic: TopicReport,
    pub(crate) stages: Vec<Stage>,
    /// The TLS connection; null if it was not tried.
    pub(crate) tls: Option<TlsReport>,
    /// The HTTP/2 connection; null if there was no TLS connection.
    pub(crate) http2: Option<Http2Report>,
    /// The answer to the notification; null if there was none.
    pub(crate) probe: Option<ProbeAnswer>,
    /// The meaning of the reason.
    pub(crate) meaning: String,
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let token = match &options.token {
        Some(token) => token.clone(),
        None => probe::random_token()?,
    };
    let check_run = CheckRun { subject, options, token };
    let checks = runtime.block_on(check_run.check_all(targets));
    // Does not wait for a resolver that hangs.
    runtime.shutdown_background();
    checks
}

/// Returns the delay before a retry; the first retry is number 0.
fn delay_before(retry: u32) -> Duration {
    FIRST_DELAY.saturating_mul(2_u32.saturating_pow(retry)).min(MAX_DELAY)
}

/// Returns how long to wait before a retry: what the server asks for at least, and `limit` at most.
fn pause(retry: u32, requested: Duration, limit: Duration) -> Duration {
    delay_before(retry).max(requested).min(limit)
}

struct CheckRun {
    subject: TestedIdentity,
    options: CheckOptions,
    token: Zeroizing<String>,
}

impl CheckRun {
    async fn check_all(self, targets: Vec<Target>) -> io::Result<Vec<GatewayCheck>> {
        let this = Arc::new(self);
        let revocation = this.revocation_stage().await;
        let mut tasks = Vec::new();
        for target in targets {
            let (this, revocation) = (Arc::clone(&this), revocation.clone());
            tasks.push(tokio::spawn(async move { this.check(&target, revocation).await }));
        }
        let mut checks = Vec::new();
        for task in tasks {
            checks.push(task.await?);
        }
        Ok(checks)
    }

    async fn revocation_stage(&self) -> Option<Stage> {
        let revocation = self.options.revocation.as_ref()?;
        let watch = Stopwatch::start(StageName::Revocation);
        let (status, detail) = revocation.ask(self.options.timeout).await;
        Some(watch.stop(status, detail))
    }

    async fn check(&self, target: &Target, revocation: Option<Stage>) -> GatewayCheck {
        let mut stages = vec![self.identity_stage(target)];
        let (mut attempt, mut conclusion) = match &self.subject.identity {
            Ok(identity) => self.attempt_until_final(identity, target).await,
            Err(ground) => {
                let conclusion = Conclusion::from_ground(Evidence::NotPresented, *ground);
                (Attempt::new(&self.options, target), conclusion)
            }
        };
        if let Some(stage) = revocation {
            conclusion = conclusion.with_revocation(stage.status);
            stages.push(stage);
        }
        conclusion = conclusion.with_policy(&self.subject.findings);
        let is_expected = match &self.options.expectation {
            Some(expectation) => Some(expectation.is_met(conclusion.verdict, conclusion.reason.as_deref())),
            None => None,
        };
        stages.append(&mut attempt.stages);
        let circumstances = attempt.circumstances();
        let advice = self.advice_after(&conclusion);
        GatewayCheck {
            environment: target.environment,
            gateway: target.endpoint.to_string(),
            verdict: conclusion.verdict,
            reason: conclusion.reason,
            is_expected,
            advice: advice.map(|advice| self.options.advice_text(advice, circumstances).to_owned()),
            topic: TopicReport { topic: self.options.topic.clone(), status: conclusion.topic },
            stages,
            tls: attempt.tls,
            http2: attempt.http2,
            probe: attempt.probe,
            meaning: conclusion.meaning,
        }
    }

    /// Returns the advice, which for the topics of some services is another one than that of the reason.
    fn advice_after(&self, conclusion: &Conclusion) -> Option<Advice> {
        if conclusion.topic == TopicStatus::Refuted && self.needs_provider_token() {
            return Some(Advice::Ground(Ground::NeedsProviderToken));
        }
        conclusion.advice
    }

    fn needs_provider_token(&self) -> bool {
        self.options.topic.as_deref().is_some_and(notification::needs_provider_token)
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

    async fn attempt_until_final<'a>(
        &'a self,
        identity: &ClientIdentity,
        target: &'a Target,
    ) -> (Attempt<'a>, Conclusion) {
        let notification = self.notification(target);
        let mut retry = 0;
        loop {
            let mut attempt = Attempt::new(&self.options, target);
            let conclusion = attempt.run(identity, notification.as_ref()).await;
            if retry == self.options.retries || !conclusion.is_retryable {
                return (attempt, conclusion);
            }
            let requested = Duration::from_secs(conclusion.retry_after.unwrap_or_default());
            tokio::time::sleep(pause(retry, requested, self.options.timeout)).await;
            retry += 1;
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
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_long_as_the_server_asks_within_the_limit() {
        let second = Duration::from_secs(1);
        assert_eq!(pause(1, Duration::ZERO, 10 * second), second);
        assert_eq!(pause(1, 5 * second, 10 * second), 5 * second);
        assert_eq!(pause(1, 30 * second, 10 * second), 10 * second);
        assert_eq!(pause(80, Duration::ZERO, 10 * second), 10 * second);
    }

    #[test]
    fn delays_double_up_to_a_minute() {
        assert_eq!([0, 1, 2, 3].map(|retry| delay_before(retry).as_millis()), [500, 1000, 2000, 4000]);
        for retry in [7, 31, 32, 80, u32::MAX] {
            assert_eq!(delay_before(retry), MAX_DELAY, "{retry}");
        }
    }
}
