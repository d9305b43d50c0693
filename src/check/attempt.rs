//! One attempt to reach a gateway: DNS, TCP, proxy, TLS, HTTP/2, notification.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::apns::endpoint::environment_of;
use crate::check::describe::{conversation_stages, tls_conclusion, tls_failure, tls_stage};
use crate::check::ground::Ground;
use crate::check::outcome::Evidence;
use crate::check::probe::{self, Probe, ProbeAnswer};
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::verdict::{self, Conclusion};
use crate::check::{CheckOptions, Http2Report, Target};
use crate::net::dial::{self, DialError, Stream};
use crate::net::endpoint::Endpoint;
use crate::net::tls::{self, ClientIdentity, ExpectedServer, TlsReport, TlsStream};
use crate::net::trust::TrustPolicy;
use crate::text::seconds;

/// One attempt, and what it has found so far.
pub(super) struct Attempt<'a> {
    options: &'a CheckOptions,
    target: &'a Target,
    pub(super) stages: Vec<Stage>,
    pub(super) tls: Option<TlsReport>,
    pub(super) http2: Option<Http2Report>,
    pub(super) probe: Option<ProbeAnswer>,
}

/// A failed stage has been recorded; the conclusion follows from it.
type StageResult<T> = Result<T, Conclusion>;

fn unreachable(ground: Ground) -> Conclusion {
    Conclusion::from_ground(Evidence::NotReached, ground)
}

impl<'a> Attempt<'a> {
    pub(super) fn new(options: &'a CheckOptions, target: &'a Target) -> Self {
        Self { options, target, stages: Vec::new(), tls: None, http2: None, probe: None }
    }

    /// Runs all stages; `notification` is sent unless it is `None`.
    pub(super) async fn run(&mut self, identity: &ClientIdentity, notification: Option<&Probe>) -> Conclusion {
        let transport = match self.reach().await {
            Ok(transport) => transport,
            Err(conclusion) => return conclusion,
        };
        match self.shake_hands(transport, identity).await {
            Ok(stream) => self.converse(stream, notification).await,
            Err(conclusion) => conclusion,
        }
    }

    /// Connects to the gateway, or to the proxy and through it.
    async fn reach(&mut self) -> StageResult<Box<dyn Stream>> {
        let Some(proxy) = &self.target.proxy else {
            return Ok(Box::new(self.dial(&self.target.endpoint).await?));
        };
        let stream = self.dial(&proxy.endpoint).await?;
        let watch = Stopwatch::start(StageName::Proxy);
        match proxy.tunnel(stream, &self.target.endpoint, self.options.timeout).await {
            Ok(tunnel) => {
                self.stages.push(watch.stop(Status::Ok, proxy.to_string()));
                Ok(tunnel)
            }
            Err(error) => {
                self.stages.push(watch.stop(Status::Failed, format!("{proxy}: {error}")));
                Err(unreachable(Ground::Proxy))
            }
        }
    }

    async fn dial(&mut self, server: &Endpoint) -> StageResult<TcpStream> {
        let timeout = self.options.timeout;
        let watch = Stopwatch::start(StageName::Dns);
        let failure = match tokio::time::timeout(timeout, dial::resolve(server)).await {
            Ok(Ok(addresses)) => {
                self.stages.push(watch.stop(Status::Ok, dial::list(&addresses)));
                return self.connect(&addresses).await;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("the resolver did not answer within {}", seconds(timeout)),
        };
        self.stages.push(watch.stop(Status::Failed, format!("{}: {failure}", server.host)));
        Err(unreachable(Ground::Dns))
    }

    async fn connect(&mut self, addresses: &[SocketAddr]) -> StageResult<TcpStream> {
        let watch = Stopwatch::start(StageName::Tcp);
        match dial::connect(addresses, self.options.timeout).await {
            Ok((stream, address)) => {
                self.stages.push(watch.stop(Status::Ok, address.to_string()));
                Ok(stream)
            }
            Err(error) => {
                self.stages.push(watch.stop(Status::Failed, error.to_string()));
                Err(unreachable(match error {
                    DialError::Timeout(..) => Ground::Timeout,
                    DialError::Failed(_) if error.is_refused() => Ground::ConnectionRefused,
                    DialError::Failed(_) => Ground::Network,
                }))
            }
        }
    }

    async fn shake_hands(&mut self, transport: Box<dyn Stream>, identity: &ClientIdentity) -> StageResult<TlsStream> {
        let is_apple = environment_of(&self.target.endpoint).is_some();
        let server = ExpectedServer {
            host: self.target.endpoint.host.clone(),
            policy: if is_apple { TrustPolicy::PublicRoot } else { TrustPolicy::AnyRoot },
            stores: Arc::clone(&self.options.stores),
        };
        let watch = Stopwatch::start(StageName::Tls);
        let handshake = tls::connect(transport, identity, &server, self.options.timeout).await;
        let report = self.tls.insert(handshake.report);
        match handshake.result {
            Ok(stream) => {
                self.stages.push(tls_stage(watch, report));
                Ok(stream)
            }
            Err(error) => {
                self.stages.push(watch.stop(Status::Failed, tls_failure(&error, report)));
                Err(tls_conclusion(&error, report, server.policy))
            }
        }
    }

    async fn converse(&mut self, stream: TlsStream, notification: Option<&Probe>) -> Conclusion {
        let is_requested = self.tls.as_ref().is_some_and(TlsReport::is_certificate_requested);
        let watch = Stopwatch::start(StageName::Http2);
        let conversation = probe::converse(stream, notification, self.options.timeout).await;
        let conclusion = verdict::judge(&conversation, is_requested, self.options.probe_token());
        let stages = conversation_stages(watch, &conversation, conclusion.verdict, notification.is_some());
        self.stages.extend(stages);
        self.http2 = Some(Http2Report { settings: conversation.frames.settings, goaway: conversation.frames.goaway });
        self.probe = conversation.answer;
        conclusion
    }
}
