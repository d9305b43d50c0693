//! A certificate is put to a gateway, stage by stage.

mod describe;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod revocation;
pub(crate) mod stage;
pub(crate) mod verdict;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::apns::endpoint::environment_of;
use crate::certificate::apple::Environment;
use crate::check::describe::{conversation_stages, tls_conclusion, tls_failure, tls_stage};
use crate::check::probe::{Probe, ProbeAnswer};
use crate::check::revocation::Revocation;
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::verdict::{Conclusion, Outcome, ProbeToken, TopicStatus};
use crate::net::dial::{self, DialError, Stream};
use crate::net::endpoint::Endpoint;
use crate::net::http2::frames::{GoAway, Settings};
use crate::net::proxy::Proxy;
use crate::net::tls::{self, ClientIdentity, ExpectedServer, TlsReport};
use crate::net::trust::{Stores, TrustPolicy};
use crate::text::seconds;

/// The first delay before a new try; it doubles, up to [`MAX_DELAY`].
const FIRST_DELAY: Duration = Duration::from_millis(500);
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Where the certificate is put.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The environment, where it is known.
    pub(crate) environment: Option<Environment>,
    /// The gateway.
    pub(crate) endpoint: Endpoint,
    /// The proxy on the way.
    pub(crate) proxy: Option<Proxy>,
}

/// What is put.
pub(crate) struct TestedIdentity {
    /// The certificate with its key; or the ground in [`verdict::GROUNDS`] on which there is none.
    pub(crate) identity: Result<ClientIdentity, &'static str>,
    /// Who it is, in words.
    pub(crate) title: String,
    /// What is worth knowing of it before anyone is asked.
    pub(crate) warnings: Vec<String>,
    /// The environments that it says it is for.
    pub(crate) environments: Vec<Environment>,
}

/// How.
pub(crate) struct CheckOptions {
    /// The limit of each stage.
    pub(crate) timeout: Duration,
    /// How often to try again what may pass.
    pub(crate) retries: u32,
    /// Whether to send a notification.
    pub(crate) wants_probe: bool,
    /// The device token to send it to, instead of one that belongs to nobody.
    pub(crate) token: Option<Zeroizing<String>>,
    /// The topic to send it to.
    pub(crate) topic: Option<String>,
    /// Who vouches for servers.
    pub(crate) stores: Arc<Stores>,
    /// The issuer's word, where it is wanted.
    pub(crate) revocation: Option<Revocation>,
}

impl CheckOptions {
    /// Returns whose token the notification has.
    fn probe_token(&self) -> ProbeToken {
        match &self.token {
            _ if !self.wants_probe => ProbeToken::None,
            Some(_) => ProbeToken::Named,
            None => ProbeToken::Random,
        }
    }
}

/// What was found at one gateway.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct GatewayCheck {
    /// The environment.
    pub(crate) environment: Option<Environment>,
    /// The gateway.
    pub(crate) gateway: String,
    /// The verdict.
    pub(crate) verdict: Outcome,
    /// Why.
    pub(crate) reason: Option<String>,
    /// What to do.
    pub(crate) advice: Option<String>,
    /// What is known of the topic.
    pub(crate) topic: TopicReport,
    /// How far it went.
    pub(crate) stages: Vec<Stage>,
    /// The TLS connection; null where it was not tried.
    pub(crate) tls: Option<TlsReport>,
    /// The HTTP/2 connection; null where there was no TLS connection.
    pub(crate) http2: Option<Http2Report>,
    /// The answer to the notification; null where there was none.
    pub(crate) probe: Option<ProbeAnswer>,
    /// What the reason means, for people.
    #[serde(skip)]
    pub(crate) meaning: String,
}

/// The topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TopicReport {
    /// Its name.
    pub(crate) topic: Option<String>,
    /// What is known of it.
    pub(crate) status: TopicStatus,
}

/// What was seen of HTTP/2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Http2Report {
    /// The server's SETTINGS.
    pub(crate) settings: Option<Settings>,
    /// Its GOAWAY.
    pub(crate) goaway: Option<GoAway>,
}

/// Puts the certificate to all targets, side by side.
///
/// # Errors
/// When the system does not allow for it: no randomness, no way to wait for the network.
pub(crate) fn run(
    subject: TestedIdentity,
    targets: Vec<Target>,
    options: CheckOptions,
) -> io::Result<Vec<GatewayCheck>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // While the network is waited for, the machine's store is read.
    let stores = Arc::clone(&options.stores);
    if subject.identity.is_ok() {
        std::thread::spawn(move || {
            stores.system();
        });
    }
    let token = match &options.token {
        Some(token) => token.clone(),
        None => probe::random_token()?,
    };
    let plan = Arc::new(CheckRun { subject, options, token });
    let checks = runtime.block_on(async {
        let revocation = plan.revocation().await;
        let mut tasks = Vec::new();
        for target in targets {
            let (plan, revocation) = (Arc::clone(&plan), revocation.clone());
            tasks.push(tokio::spawn(async move { plan.check(&target, revocation).await }));
        }
        let mut checks = Vec::new();
        for task in tasks {
            checks.push(task.await.map_err(io::Error::other)?);
        }
        Ok(checks)
    });
    // A resolver that hangs is left behind.
    runtime.shutdown_background();
    checks
}

/// Returns the delay before a retry; the first retry is number 0.
fn delay_before(retry: u32) -> Duration {
    FIRST_DELAY.saturating_mul(2_u32.saturating_pow(retry)).min(MAX_DELAY)
}

struct CheckRun {
    subject: TestedIdentity,
    options: CheckOptions,
    token: Zeroizing<String>,
}

/// What one try found.
#[derive(Default)]
struct Attempt {
    stages: Vec<Stage>,
    tls: Option<TlsReport>,
    http2: Option<Http2Report>,
    probe: Option<ProbeAnswer>,
}

impl CheckRun {
    async fn revocation(&self) -> Option<Stage> {
        let revocation = self.options.revocation.as_ref()?;
        let watch = Stopwatch::start(StageName::Revocation);
        let (status, detail) = revocation.ask(self.options.timeout).await;
        Some(watch.stop(status, detail))
    }

    async fn check(&self, target: &Target, revocation: Option<Stage>) -> GatewayCheck {
        let mut stages = vec![self.identity_stage(target)];
        stages.extend(revocation);
        let (mut attempt, conclusion) = match &self.subject.identity {
            Err(ground) => (Attempt::default(), Conclusion::on(Outcome::Unproven, ground)),
            Ok(identity) => self.try_until_clear(identity, target).await,
        };
        stages.append(&mut attempt.stages);
        GatewayCheck {
            environment: target.environment,
            gateway: target.endpoint.to_string(),
            verdict: conclusion.verdict,
            reason: conclusion.reason,
            advice: conclusion.advice,
            topic: TopicReport { topic: self.options.topic.clone(), status: conclusion.topic },
            stages,
            tls: attempt.tls,
            http2: attempt.http2,
            probe: attempt.probe,
            meaning: conclusion.meaning,
        }
    }

    /// Who the certificate is, and what is wrong with it before anyone is asked.
    fn identity_stage(&self, target: &Target) -> Stage {
        let watch = Stopwatch::start(StageName::Identity);
        let mut found = self.subject.warnings.clone();
        if let Some(environment) = target.environment
            && !self.subject.environments.contains(&environment)
        {
            found.push(format!("is not for the {} environment", environment.name()));
        }
        let status = match (&self.subject.identity, found.is_empty()) {
            (Err(_), _) => Status::Failed,
            (Ok(_), false) => Status::Warning,
            (Ok(_), true) => Status::Ok,
        };
        let title = &self.subject.title;
        let detail = if found.is_empty() { title.clone() } else { format!("{title}: {}", found.join("; ")) };
        watch.stop(status, detail)
    }

    async fn try_until_clear(&self, identity: &ClientIdentity, target: &Target) -> (Attempt, Conclusion) {
        for retry in 0..self.options.retries {
            let mut attempt = Attempt::default();
            let conclusion = self.attempt(identity, target, &mut attempt).await;
            if !conclusion.is_passing {
                return (attempt, conclusion);
            }
            let asked = conclusion.retry_after.map(Duration::from_secs).unwrap_or_default();
            tokio::time::sleep(delay_before(retry).max(asked).min(self.options.timeout)).await;
        }
        let mut attempt = Attempt::default();
        let conclusion = self.attempt(identity, target, &mut attempt).await;
        (attempt, conclusion)
    }

    async fn attempt(&self, identity: &ClientIdentity, target: &Target, attempt: &mut Attempt) -> Conclusion {
        let transport = match self.reach(target, &mut attempt.stages).await {
            Ok(transport) => transport,
            Err(ground) => return Conclusion::on(Outcome::Unreachable, ground),
        };
        let watch = Stopwatch::start(StageName::Tls);
        let is_apple = environment_of(&target.endpoint).is_some();
        let server = ExpectedServer {
            host: target.endpoint.host.clone(),
            policy: if is_apple { TrustPolicy::PublicRoot } else { TrustPolicy::AnyRoot },
            stores: Arc::clone(&self.options.stores),
        };
        let handshake = tls::connect(transport, identity, &server, self.options.timeout).await;
        let is_requested = Some(handshake.report.is_certificate_requested());
        let stage = match &handshake.result {
            Ok(_) => tls_stage(watch, &handshake.report),
            Err(error) => watch.stop(Status::Failed, tls_failure(error, &handshake.report)),
        };
        attempt.stages.push(stage);
        let report = attempt.tls.insert(handshake.report);
        let stream = match handshake.result {
            Ok(stream) => stream,
            Err(error) => return tls_conclusion(&error, report, is_apple),
        };
        self.converse(stream, target, is_requested, attempt).await
    }

    /// DNS, TCP, proxy.
    async fn reach(&self, target: &Target, stages: &mut Vec<Stage>) -> Result<Box<dyn Stream>, &'static str> {
        let timeout = self.options.timeout;
        let first = target.proxy.as_ref().map_or(&target.endpoint, |proxy| &proxy.endpoint);
        let watch = Stopwatch::start(StageName::Dns);
        let addresses = match tokio::time::timeout(timeout, dial::resolve(first)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => {
                stages.push(watch.stop(Status::Failed, format!("{}: {error}", first.host)));
                return Err("dns");
            }
            Err(_) => {
                let detail = format!("{}: the resolver did not answer within {}", first.host, seconds(timeout));
                stages.push(watch.stop(Status::Failed, detail));
                return Err("dns");
            }
        };
        stages.push(watch.stop(Status::Ok, dial::list(&addresses)));
        let watch = Stopwatch::start(StageName::Tcp);
        let (stream, address) = match dial::connect(&addresses, timeout).await {
            Ok(connected) => connected,
            Err(error) => {
                stages.push(watch.stop(Status::Failed, error.to_string()));
                return Err(match error {
                    DialError::Timeout(..) => "timeout",
                    _ if error.is_refused() => "connection-refused",
                    DialError::Failed(_) => "network",
                });
            }
        };
        stages.push(watch.stop(Status::Ok, address.to_string()));
        match &target.proxy {
            Some(proxy) => self.tunnel(proxy, stream, &target.endpoint, stages).await,
            None => Ok(Box::new(stream)),
        }
    }

    async fn tunnel(
        &self,
        proxy: &Proxy,
        stream: TcpStream,
        endpoint: &Endpoint,
        stages: &mut Vec<Stage>,
    ) -> Result<Box<dyn Stream>, &'static str> {
        let watch = Stopwatch::start(StageName::Proxy);
        match proxy.tunnel(stream, endpoint, self.options.timeout).await {
            Ok(tunnel) => {
                stages.push(watch.stop(Status::Ok, proxy.to_string()));
                Ok(tunnel)
            }
            Err(error) => {
                stages.push(watch.stop(Status::Failed, format!("{proxy}: {error}")));
                Err("proxy")
            }
        }
    }

    /// HTTP/2 and the probe.
    async fn converse<S>(
        &self,
        stream: S,
        target: &Target,
        is_requested: Option<bool>,
        attempt: &mut Attempt,
    ) -> Conclusion
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let timeout = self.options.timeout;
        let sent = self.options.probe_token();
        let wants_probe = self.options.wants_probe;
        let probe = wants_probe.then(|| Probe {
            authority: target.endpoint.to_string(),
            token: self.token.clone(),
            topic: self.options.topic.clone(),
        });
        let watch = Stopwatch::start(StageName::Http2);
        let conversation = probe::converse(stream, probe.as_ref(), timeout).await;
        let conclusion = verdict::judge(&conversation, is_requested, sent);
        attempt.stages.extend(conversation_stages(watch, &conversation, &conclusion, wants_probe));
        attempt.http2 = Some(Http2Report {
            settings: conversation.seen.settings.clone(),
            goaway: conversation.seen.goaway.clone(),
        });
        attempt.probe = conversation.answer;
        conclusion
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute() {
        assert_eq!([0, 1, 2, 3].map(|retry| delay_before(retry).as_millis()), [500, 1000, 2000, 4000]);
        for retry in [7, 31, 32, 80, u32::MAX] {
            assert_eq!(delay_before(retry), MAX_DELAY, "{retry}");
        }
    }
}
