//! From the gateway's name to an HTTP/2 connection whose SETTINGS have arrived: DNS, TCP, proxy, TLS, HTTP/2.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{self, Connection, SendRequest};
use tokio::time::{Instant, timeout};

use crate::apns::alert::{self as alert_meanings, AlertCause};
use crate::apns::endpoint::environment_of;
use crate::apns::reason::{self, ReasonSubject};
use crate::net::alert;
use crate::net::dial::{self, Stream};
use crate::net::endpoint::Endpoint;
use crate::net::http2::tap::{FrameObserver, ObservedFrames, Tap};
use crate::net::mask::Mask;
use crate::net::proxy::Proxy;
use crate::net::retry;
use crate::net::tls::{self, Application, ClientIdentity, ExpectedServer, TlsError, TlsStream};
use crate::net::trust::{StoreReader, TrustPolicy};
use crate::push::problem::Problem;
use crate::text::{printable_name, seconds};

/// The limit of an answer's headers, in bytes.
const MAX_HEADERS: u32 = 16 << 10;

/// The way to a gateway.
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    pub(crate) proxy: Option<Proxy>,
    /// The certificate to present; `None` with provider tokens.
    pub(crate) certificate: Option<ClientIdentity>,
    pub(crate) stores: Arc<StoreReader>,
    /// The limit of each stage.
    pub(crate) timeout: Duration,
    /// Hides own secrets in the words of servers and proxies.
    pub(crate) mask: Mask,
}

/// The reason why there is no connection.
#[derive(Debug)]
pub(super) struct ConnectError {
    pub(super) problem: Problem,
    /// True if another attempt may succeed.
    pub(super) is_temporary: bool,
}

/// An HTTP/2 connection that nobody drives yet.
pub(super) struct RawConnection {
    pub(super) sender: SendRequest<Bytes>,
    pub(super) driver: Connection<Tap<TlsStream>, Bytes>,
    pub(super) observer: FrameObserver,
}

impl Dialer {
    fn fail(&self, is_temporary: bool, text: &str) -> ConnectError {
        let mut detail = format!("{}: {text}", self.endpoint);
        self.mask.apply(&mut detail);
        ConnectError { problem: Problem::Unreachable { detail: printable_name(&detail) }, is_temporary }
    }

    /// Connects. The caller drives the connection, and waits for SETTINGS with [`Self::wait_for_settings`].
    pub(super) async fn connect(&self) -> Result<RawConnection, ConnectError> {
        let stores = self.stores.stores().await;
        let transport = self.reach().await?;
        let is_apple = environment_of(&self.endpoint).is_some();
        let server = ExpectedServer {
            host: self.endpoint.host.clone(),
            application: Application::Http2,
            policy: if is_apple { TrustPolicy::PublicRoot } else { TrustPolicy::AnyRoot },
            stores,
        };
        let handshake = tls::connect(transport, self.certificate.as_ref(), &server, self.timeout).await;
        let stream = match handshake.result {
            Ok(stream) => stream,
            Err(error) => return Err(self.explain_tls(&error)),
        };
        let observer = FrameObserver::default();
        let mut builder = client::Builder::new();
        builder.initial_max_send_streams(1).enable_push(false).max_header_list_size(MAX_HEADERS);
        let opening = builder.handshake(Tap::new(stream, observer.clone()));
        match timeout(self.timeout, opening).await {
            Ok(Ok((sender, driver))) => Ok(RawConnection { sender, driver, observer }),
            Ok(Err(error)) => Err(self.explain_start(&observer.frames(), &error.to_string())),
            Err(_) => Err(self.fail(true, &format!("HTTP/2 did not begin within {}", seconds(self.timeout)))),
        }
    }

    /// Opens TCP to the gateway, or a tunnel through the proxy.
    async fn reach(&self) -> Result<Box<dyn Stream>, ConnectError> {
        let server = self.proxy.as_ref().map_or(&self.endpoint, |proxy| &proxy.endpoint);
        let addresses = match timeout(self.timeout, dial::resolve(server)).await {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(error)) => return Err(self.fail(true, &format!("{} has no address: {error}", server.host))),
            Err(_) => {
                let text = format!("the resolver did not answer within {}", seconds(self.timeout));
                return Err(self.fail(true, &text));
            }
        };
        let stream = match dial::connect(&addresses, self.timeout).await {
            Ok((stream, _)) => stream,
            Err(error) => return Err(self.fail(true, &format!("cannot connect: {error}"))),
        };
        let Some(proxy) = &self.proxy else { return Ok(Box::new(stream)) };
        match proxy.tunnel(stream, &self.endpoint, self.timeout).await {
            Ok(tunnel) => Ok(tunnel),
            Err(error) => Err(self.fail(true, &format!("{proxy}: {error}"))),
        }
    }

    fn explain_tls(&self, error: &TlsError) -> ConnectError {
        match error {
            TlsError::Alert(number) => self.explain_alert(*number),
            TlsError::Untrusted(_) | TlsError::NotTls | TlsError::NotOffered(..) | TlsError::Signing(_) => {
                self.fail(false, &error.to_string())
            }
            TlsError::HungUp
            | TlsError::Closed
            | TlsError::Reset
            | TlsError::Silence(_)
            | TlsError::Timeout(_)
            | TlsError::Other(_) => self.fail(true, &error.to_string()),
        }
    }

    fn explain_alert(&self, number: u8) -> ConnectError {
        let name = alert::name(number);
        match alert_meanings::find(number) {
            Some(known) if known.cause == AlertCause::Certificate => ConnectError {
                problem: Problem::Rejected {
                    reason: name,
                    meaning: known.meaning.to_owned(),
                    advice: Some(known.advice_of(environment_of(&self.endpoint).is_some()).to_owned()),
                },
                is_temporary: false,
            },
            _ => self.fail(false, &format!("the server sent the TLS alert {name} ({number})")),
        }
    }

    /// Waits for the server's SETTINGS: what refuses the certificate comes in their place, or with them.
    pub(super) async fn wait_for_settings(&self, observer: &FrameObserver) -> Result<(), ConnectError> {
        let has_begun = timeout(self.timeout, observer.wait(ObservedFrames::has_begun)).await;
        if has_begun.is_err() {
            let text = format!("the server did not begin HTTP/2 within {}", seconds(self.timeout));
            return Err(self.fail(true, &text));
        }
        let frames = observer.frames();
        let is_good = frames.settings.is_some() && frames.goaway.is_none() && !frames.is_closed;
        if is_good { Ok(()) } else { Err(self.explain_start(&frames, "the server closed the connection")) }
    }

    /// Explains a connection that ended before a request.
    pub(super) fn explain_start(&self, frames: &ObservedFrames, otherwise: &str) -> ConnectError {
        if let Some(number) = frames.alert {
            return self.explain_alert(number);
        }
        if let Some(goaway) = &frames.goaway {
            let name = goaway.reason.clone().unwrap_or_else(|| goaway.code.clone());
            let known = reason::find(&name);
            if let Some(reason) = known
                && matches!(reason.subject, ReasonSubject::Certificate | ReasonSubject::ProviderToken)
            {
                let has_tokens = self.certificate.is_none();
                return ConnectError { problem: Problem::of_reason(&name, known, has_tokens), is_temporary: false };
            }
            return self.fail(true, &format!("the server closed the connection with GOAWAY ({name})"));
        }
        if frames.is_http1() {
            return self.fail(false, "the server answered in HTTP/1, not in HTTP/2");
        }
        self.fail(!frames.has_wrong_start, otherwise)
    }

    /// Hides own secrets in a reason that is not one of Apple's.
    pub(super) fn masked_reason(&self, mut name: String) -> String {
        self.mask.apply(&mut name);
        printable_name(&name)
    }
}

/// The growing delay between failed attempts to connect.
#[derive(Debug, Default)]
pub(super) struct Failures {
    count: u32,
}

/// The number of failed attempts in a row after which the gateway counts as unreachable.
const MAX_FAILURES: u32 = 6;
/// The same before there was any connection: a wrong address is told soon.
const MAX_FIRST_FAILURES: u32 = 3;
/// The longest delay before the next attempt.
const MAX_DELAY: Duration = Duration::from_secs(10);

impl Failures {
    /// Counts a failure, and returns the time of the next attempt; `None` if there is to be none.
    pub(super) fn next_attempt(&mut self, has_connected: bool) -> Option<Instant> {
        self.count += 1;
        let limit = if has_connected { MAX_FAILURES } else { MAX_FIRST_FAILURES };
        if self.count >= limit {
            return None;
        }
        let delay = retry::delay_before(self.count - 1, None, MAX_DELAY, retry::jitter())?;
        Some(Instant::now() + delay)
    }

    pub(super) fn forget(&mut self) {
        self.count = 0;
    }
}
