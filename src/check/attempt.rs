//! One attempt to reach a gateway: DNS, TCP, proxy, TLS, HTTP/2, notification.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::apns::endpoint::environment_of;
use crate::check::conclusion::Conclusion;
use crate::check::describe::{conversation_stages, tls_conclusion, tls_failure, tls_stage};
use crate::check::ground::{Circumstances, Ground};
use crate::check::outcome::Evidence;
use crate::check::probe::{self, Probe, ProbeAnswer};
use crate::check::stage::{Stage, StageName, Status, Stopwatch};
use crate::check::verdict;
use crate::check::{AttemptReport, CheckOptions, Credential, Http2Report, Target};
use crate::net::descriptors::is_out_of_descriptors;
use crate::net::dial::{self, Stream};
use crate::net::endpoint::Endpoint;
use crate::net::proxy::{Proxy, ProxyError, RefusalCause};
use crate::net::tls::{self, Application, ExpectedServer, TlsReport, TlsStream};
use crate::net::trust::{Stores, TrustPolicy};
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

/// The end of a TCP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    Gateway,
    Proxy,
}

/// Returns the ground of a TCP connection to the gateway that failed.
fn tcp_ground(kind: ErrorKind) -> Ground {
    match kind {
        ErrorKind::ConnectionRefused => Ground::ConnectionRefused,
        ErrorKind::ConnectionReset => Ground::ConnectionReset,
        ErrorKind::PermissionDenied => Ground::ConnectionForbidden,
        ErrorKind::TimedOut => Ground::ConnectionTimeout,
        ErrorKind::HostUnreachable => Ground::HostUnreachable,
        ErrorKind::NetworkUnreachable => Ground::NoRoute,
        _ => Ground::Network,
    }
}

fn proxy_ground(error: &ProxyError) -> Ground {
    match error {
        ProxyError::Refused { cause, .. } => match cause {
            RefusalCause::Credentials => Ground::ProxyCredentials,
            RefusalCause::Dns => Ground::ProxyDns,
            RefusalCause::Server => Ground::ProxyServer,
            RefusalCause::Rule => Ground::Proxy,
        },
        ProxyError::Timeout(_) => Ground::ProxyTimeout,
        ProxyError::NotSocks5 => Ground::NotProxy,
        ProxyError::Http(error) if error.is_parse() => Ground::NotProxy,
        _ => Ground::Proxy,
    }
}

impl<'a> Attempt<'a> {
    pub(super) fn new(options: &'a CheckOptions, target: &'a Target) -> Self {
        Self { options, target, stages: Vec::new(), tls: None, http2: None, probe: None }
    }

    /// Runs all stages; `notification` is sent unless it is `None`.
    pub(super) async fn run(&mut self, credential: &Credential, notification: Option<&Probe>) -> Conclusion {
        // The stores are read beside DNS and TCP, so that the TLS handshake need not wait for them.
        let options = self.options;
        let (reached, stores) = tokio::join!(self.reach(), options.stores.stores());
        let transport = match reached {
            Ok(transport) => transport,
            Err(conclusion) => return conclusion,
        };
        let conclusion = match self.shake_hands(transport, credential, stores).await {
            Ok(stream) => self.converse(stream, credential, notification).await,
            Err(conclusion) => conclusion,
        };
        match credential {
            Credential::Certificate(_) => conclusion,
            Credential::Token(identity) => identity.judge(conclusion),
        }
    }

    /// Returns the report on this attempt.
    pub(super) fn report(&self, conclusion: &Conclusion) -> AttemptReport {
        let mut ms = 0.0;
        for stage in &self.stages {
            ms += stage.ms;
        }
        AttemptReport {
            verdict: conclusion.verdict,
            reason: conclusion.reason.clone(),
            ms,
            retry_after: conclusion.retry_after.map(|wait| wait.as_secs()),
            pause_ms: None,
            is_wait_too_long: false,
        }
    }

    /// Returns what the advice for a ground depends on, as far as this attempt has come.
    pub(super) fn circumstances(&self) -> Circumstances {
        Circumstances {
            is_apples: environment_of(&self.target.endpoint).is_some(),
            is_named: self.options.is_gateway_named,
            has_given_roots: self.options.stores.has_given_roots(),
            has_proxy: self.target.proxy.is_some(),
            has_proxy_credentials: self.target.proxy.as_ref().is_some_and(Proxy::has_credentials),
            is_certificate_sent: self.tls.as_ref().is_some_and(|tls| tls.is_certificate_sent),
        }
    }

    /// Connects to the gateway, or to the proxy and through it.
    async fn reach(&mut self) -> StageResult<Box<dyn Stream>> {
        let Some(proxy) = &self.target.proxy else {
            let stream = match self.target.address {
                Some(address) => self.connect(&[address], Hop::Gateway).await?,
                None => self.dial(&self.target.endpoint, Hop::Gateway).await?,
            };
            return Ok(Box::new(stream));
        };
        let stream = self.dial(&proxy.endpoint, Hop::Proxy).await?;
        let watch = Stopwatch::start(StageName::Proxy);
        match proxy.tunnel(stream, &self.target.endpoint, self.options.timeout).await {
            Ok(tunnel) => {
                self.stages.push(watch.stop(Status::Ok, proxy.to_string()));
                Ok(tunnel)
            }
            Err(error) => {
                self.push_masked(watch.stop(Status::Failed, format!("{proxy}: {error}")));
                Err(unreachable(proxy_ground(&error)))
            }
        }
    }

    /// Adds a stage whose detail has the words of a server or a proxy in it.
    fn push_masked(&mut self, mut stage: Stage) {
        self.options.mask.apply(&mut stage.detail);
        self.stages.push(stage);
    }

    async fn dial(&mut self, server: &Endpoint, hop: Hop) -> StageResult<TcpStream> {
        let timeout = self.options.timeout;
        let watch = Stopwatch::start(StageName::Dns);
        let (failure, ground) = match tokio::time::timeout(timeout, dial::resolve(server)).await {
            Ok(Ok(addresses)) => {
                self.stages.push(watch.stop(Status::Ok, dial::list(&addresses)));
                return self.connect(&addresses, hop).await;
            }
            Ok(Err(error)) if is_out_of_descriptors(&error) => (error.to_string(), Ground::OpenFiles),
            Ok(Err(error)) => (error.to_string(), if hop == Hop::Proxy { Ground::ProxyName } else { Ground::Dns }),
            Err(_) => (format!("the resolver did not answer within {}", seconds(timeout)), Ground::DnsTimeout),
        };
        self.stages.push(watch.stop(Status::Failed, format!("{}: {failure}", server.host)));
        Err(unreachable(ground))
    }

    async fn connect(&mut self, addresses: &[SocketAddr], hop: Hop) -> StageResult<TcpStream> {
        let watch = Stopwatch::start(StageName::Tcp);
        match dial::connect(addresses, self.options.timeout).await {
            Ok((stream, address)) => {
                self.stages.push(watch.stop(Status::Ok, address.to_string()));
                Ok(stream)
            }
            Err(error) => {
                self.stages.push(watch.stop(Status::Failed, error.to_string()));
                Err(unreachable(match hop {
                    _ if error.lacks_descriptors() => Ground::OpenFiles,
                    Hop::Proxy => Ground::ProxyUnreachable,
                    Hop::Gateway => tcp_ground(error.kind()),
                }))
            }
        }
    }

    async fn shake_hands(
        &mut self,
        transport: Box<dyn Stream>,
        credential: &Credential,
        stores: Arc<Stores>,
    ) -> StageResult<TlsStream> {
        let is_apple = environment_of(&self.target.endpoint).is_some();
        let server = ExpectedServer {
            host: self.target.endpoint.host.clone(),
            application: Application::Http2,
            policy: if is_apple { TrustPolicy::PublicRoot } else { TrustPolicy::AnyRoot },
            stores,
        };
        let watch = Stopwatch::start(StageName::Tls);
        let handshake = tls::connect(transport, credential.certificate(), &server, self.options.timeout).await;
        let report = self.tls.insert(handshake.report);
        let (stage, result) = match handshake.result {
            Ok(stream) => (tls_stage(watch, report, credential.certificate().is_some()), Ok(stream)),
            Err(error) => {
                let stage = watch.stop(Status::Failed, tls_failure(&error, report));
                (stage, Err(tls_conclusion(&error, report, &server)))
            }
        };
        report.mask(&self.options.mask);
        self.push_masked(stage);
        result
    }

    async fn converse(
        &mut self,
        stream: TlsStream,
        credential: &Credential,
        notification: Option<&Probe>,
    ) -> Conclusion {
        // A token is judged whether a certificate was requested or not.
        let is_requested = match credential {
            Credential::Certificate(_) => self.tls.as_ref().is_some_and(TlsReport::is_certificate_requested),
            Credential::Token(_) => true,
        };
        let watch = Stopwatch::start(StageName::Http2);
        let mut conversation = probe::converse(stream, notification, self.options.timeout).await;
        conversation.mask(&self.options.mask);
        let is_withheld = self.tls.as_ref().is_some_and(|tls| tls.is_certificate_withheld);
        let conclusion = if is_withheld {
            // Whatever the server says, it has not seen the certificate.
            Conclusion::withheld()
        } else {
            verdict::judge(&conversation, is_requested, self.options.probe_token())
        };
        let stages = conversation_stages(watch, &conversation, conclusion.verdict, notification.is_some());
        self.stages.extend(stages);
        self.http2 = Some(Http2Report { settings: conversation.frames.settings, goaway: conversation.frames.goaway });
        self.probe = conversation.answer;
        conclusion
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_of_tcp_has_its_ground() {
        for (kind, ground) in [
            (ErrorKind::ConnectionRefused, Ground::ConnectionRefused),
            (ErrorKind::ConnectionReset, Ground::ConnectionReset),
            (ErrorKind::PermissionDenied, Ground::ConnectionForbidden),
            (ErrorKind::TimedOut, Ground::ConnectionTimeout),
            (ErrorKind::HostUnreachable, Ground::HostUnreachable),
            (ErrorKind::NetworkUnreachable, Ground::NoRoute),
            (ErrorKind::AddrNotAvailable, Ground::Network),
        ] {
            assert_eq!(tcp_ground(kind), ground);
        }
    }
}
