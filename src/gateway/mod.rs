//! A local APNs gateway, for tests of this toolkit and of providers.
//!
//! On the way of a connection: [`listener`] binds the address, [`transport`] accepts TCP (while [`slots`] has room), TLS (set up by
//! [`acceptor`]), [`connection`] HTTP/2, [`responder`] answers single requests by the rules of [`policy`], which uses the tables
//! of [`crate::apns`] and the devices in [`tokens`]. [`observer`] counts requests,
//! [`event_log`] writes them down, with what [`http2_trace`] hears of those that `h2` refuses. [`team_key`]
//! verifies provider tokens, and [`stream_limit`] tells a client to open one stream until it has sent one. [`watched_stream`] holds
//! the client's end back from `h2` until its requests are answered.
//!
//! [`authority`] makes the certificates. [`fault`] lists the faults, [`course`] and [`running_faults`] say when they strike; [`throttle`]
//! slows a stream down, [`frame_faults`] plays the faults that need frames written by hand, with [`raw_http2`], and
//! [`request_faults`] those that come with a request, through a [`fault_stream`] below `h2`. [`running`] is a gateway
//! in a thread, for rehearsals and tests; [`shutdown`] waits for signals.
//!
//! [`devices`] keeps the simulated devices, each of which [`device_session`] serves; [`device_file`] keeps them for the
//! next run.

pub(crate) mod acceptor;
pub(crate) mod authority;
mod connection;
pub(crate) mod course;
pub(crate) mod device_file;
mod device_session;
mod devices;
pub(crate) mod event_log;
pub(crate) mod fault;
mod fault_stream;
mod frame_faults;
mod http2_trace;
mod listener;
pub(crate) mod observer;
mod policy;
mod raw_http2;
mod request_faults;
mod responder;
pub(crate) mod running;
mod running_faults;
mod shutdown;
mod slots;
mod stream_limit;
pub(crate) mod team_key;
mod throttle;
pub(crate) mod tokens;
mod transport;
mod watched_stream;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use openssl::x509::X509;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::certificate::apple::Environment;
use crate::net::descriptors;
use acceptor::{TlsContexts, TlsVersions};
use authority::{IssuedCertificate, ThrowawayCa};
use device_file::DeviceFile;
use devices::Devices;
use event_log::{EventLog, LineSink};
use fault::PlannedFault;
use listener::Listener;
use observer::{Observer, RequestLog};
use policy::RequestPolicy;
use running_faults::Faults;
use shutdown::Signals;
use team_key::TeamKey;
use tokens::Tokens;
use transport::SharedState;

/// The topics of the throwaway push certificate.
pub(crate) const DEFAULT_TOPICS: [&str; 3] =
    ["com.example.MyApp", "com.example.MyApp.voip", "com.example.MyApp.complication"];

/// The limit for concurrent streams that APNs was seen to send.
pub(crate) const DEFAULT_MAX_STREAMS: u32 = raw_http2::SETTINGS.max_concurrent_streams;

/// The options of a gateway.
pub struct GatewayOptions {
    /// The address to listen on. With port 0 the system chooses one.
    pub listen: SocketAddr,
    pub environment: Environment,
    pub tls: TlsVersions,
    /// Further names and addresses in the server's certificate.
    pub server_names: Vec<String>,
    /// The authorities that issue the clients' certificates; `None` for the throwaway authority.
    pub client_authorities: Option<Vec<X509>>,
    /// The topics of the throwaway push certificate.
    pub topics: Vec<String>,
    pub tokens: Tokens,
    /// The keys with which provider tokens may be signed.
    pub team_keys: Vec<TeamKey>,
    /// Whether what Apple documents as an error is refused, although nobody has seen the answer of APNs.
    pub is_strict: bool,
    /// The faults; where several strike, the first is played.
    pub faults: Vec<PlannedFault>,
    pub log: Option<RequestLog>,
    /// Takes a line of JSON for each request, and for what never became one.
    pub event_log: Option<LineSink>,
    /// Whether the last requests are kept, for `Observer::recent`.
    pub keeps_requests: bool,
    /// The limit for concurrent streams of a connection.
    pub max_streams: u32,
    /// Whether simulated devices may connect.
    pub takes_devices: bool,
    /// Keeps the simulated devices for the next run.
    pub device_file: Option<DeviceFile>,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            environment: Environment::Production,
            tls: TlsVersions::Both,
            server_names: Vec::new(),
            client_authorities: None,
            topics: DEFAULT_TOPICS.map(str::to_owned).to_vec(),
            tokens: Tokens::default(),
            team_keys: Vec::new(),
            is_strict: false,
            faults: Vec::new(),
            log: None,
            event_log: None,
            keeps_requests: true,
            max_streams: DEFAULT_MAX_STREAMS,
            takes_devices: true,
            device_file: None,
        }
    }
}

/// A gateway as its clients need to know it.
pub struct Ready {
    pub address: SocketAddr,
    /// The authority that issued the certificates of the server and of `client`.
    pub authority: X509,
    /// A push certificate that the gateway accepts; `None` if other authorities issue them.
    pub client: Option<IssuedCertificate>,
    pub observer: Arc<Observer>,
}

/// A gateway that listens and does not serve yet.
pub(crate) struct Gateway {
    listener: Listener,
    tls: TlsContexts,
    policy: RequestPolicy,
    observer: Arc<Observer>,
    faults: Faults,
    event_log: Option<EventLog>,
    max_streams: u32,
}

impl Gateway {
    /// Makes the certificates and listens.
    ///
    /// # Errors
    /// When OpenSSL fails, or the address cannot be listened on.
    pub(crate) async fn open(mut options: GatewayOptions) -> io::Result<(Self, Ready)> {
        let authority = ThrowawayCa::new()?.with_server_names(std::mem::take(&mut options.server_names));
        let tls = TlsContexts::build(&options, &authority)?;
        let (client, team_topics) = match options.client_authorities {
            Some(_) => (None, None),
            None => (Some(authority.client(&options.topics)?), Some(options.topics)),
        };
        let socket = listener::bind(options.listen)?;
        let address = socket.local_addr()?;
        let listener = listener::listen(socket, fault::find_listen(&options.faults)).await?;
        let observer = Arc::new(Observer::new(options.log, options.keeps_requests));
        let policy = RequestPolicy {
            environment: options.environment,
            tokens: options.tokens,
            devices: Arc::new(Devices::new(options.environment, options.device_file)),
            team_keys: options.team_keys,
            team_topics,
            is_strict: options.is_strict,
        };
        let certificate = authority.certificate().clone();
        let ready = Ready { address, authority: certificate, client, observer: Arc::clone(&observer) };
        let faults = Faults::new(&options.faults);
        let event_log = options.event_log.map(EventLog::new);
        if event_log.is_some() {
            http2_trace::listen();
        }
        Ok((Self { listener, tls, policy, observer, faults, event_log, max_streams: options.max_streams }, ready))
    }

    /// Serves clients until `shutdown` is over.
    pub(crate) async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Listener::Open(listener) = &self.listener else { return shutdown.await };
        let (sender, stop) = watch::channel(false);
        let Self { tls, policy, observer, faults, event_log, max_streams, .. } = self;
        let requests = AtomicU64::new(0);
        let shared = SharedState { tls, policy, observer, faults, event_log, requests, max_streams, stop };
        let announce_stop = async {
            shutdown.await;
            let _ = sender.send(true);
        };
        tokio::join!(transport::serve(listener, Arc::new(shared)), announce_stop);
    }
}

/// The way on after SIGHUP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterHangup {
    Serve,
    Stop,
}

/// Runs a gateway in the foreground until a signal ends it: SIGINT, SIGTERM, SIGQUIT, or SIGHUP, unless `on_hangup`
/// decides otherwise. `announce` is called when the address is bound, and before anybody is served.
///
/// # Errors
/// As [`Gateway::open`], or when `announce` fails.
pub(crate) fn run_until_signal<E: From<io::Error>>(
    options: GatewayOptions,
    announce: impl FnOnce(&Ready) -> Result<(), E>,
    on_hangup: impl Fn() -> AfterHangup + Send + Sync + 'static,
) -> Result<(), E> {
    let runtime = build_runtime()?;
    let result = runtime.block_on(async {
        let signals = Signals::catch()?;
        let (gateway, ready) = Gateway::open(options).await?;
        announce(&ready)?;
        drop(ready);
        gateway.serve(signals.wait_for_end(on_hangup)).await;
        Ok(())
    });
    runtime.shutdown_background();
    result
}

fn build_runtime() -> io::Result<Runtime> {
    descriptors::build_runtime()
}
