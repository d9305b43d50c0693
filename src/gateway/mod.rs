//! A local APNs, for tests of this toolkit and of providers.
//!
//! [`transport`] is TCP, TLS and HTTP/2 (with [`acceptor`] judging certificates); [`policy`] says what a
//! request is answered with, by the tables of [`crate::apns`] and the devices in [`tokens`];
//! [`observer`] counts. [`authority`] makes the certificates, [`fault`] lists the ways to fail, and
//! [`frame_faults`] plays those that need frames made by hand, with [`raw_http2`].

pub(crate) mod acceptor;
pub(crate) mod authority;
pub(crate) mod fault;
mod frame_faults;
mod listener;
pub(crate) mod observer;
pub(crate) mod policy;
mod raw_http2;
mod responder;
pub(crate) mod tokens;
mod transport;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;

use openssl::ssl::SslContext;
use openssl::x509::X509;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};

use crate::certificate::apple::Environment;
use acceptor::TlsVersions;
use authority::{Issued, ThrowawayCa};
use fault::Fault;
use listener::Listener;
use observer::{Log, Observer};
use policy::RequestPolicy;
use tokens::Tokens;
use transport::SharedState;

/// The topics of the throwaway push certificate.
pub(crate) const DEFAULT_TOPICS: [&str; 3] =
    ["com.example.MyApp", "com.example.MyApp.voip", "com.example.MyApp.complication"];

/// How a gateway is set up.
pub struct GatewayOptions {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The environment that it stands for.
    pub environment: Environment,
    /// Which versions of TLS it speaks.
    pub tls: TlsVersions,
    /// Who issues the clients' certificates; `None` for the throwaway authority.
    pub client_authorities: Option<Vec<X509>>,
    /// The topics of the throwaway push certificate.
    pub topics: Vec<String>,
    /// The devices.
    pub tokens: Tokens,
    /// How to fail.
    pub fault: Option<Fault>,
    /// Is told of each request.
    pub log: Option<Log>,
}

impl Default for GatewayOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            environment: Environment::Production,
            tls: TlsVersions::Both,
            client_authorities: None,
            topics: DEFAULT_TOPICS.map(str::to_owned).to_vec(),
            tokens: Tokens::default(),
            fault: None,
            log: None,
        }
    }
}

/// A gateway that is ready.
pub struct Ready {
    /// Where it listens.
    pub address: SocketAddr,
    /// The authority of its certificate, and of [`Ready::client`].
    pub authority: X509,
    /// A push certificate that it takes; `None` where others issue them.
    pub client: Option<Issued>,
    /// What it sees.
    pub observer: Arc<Observer>,
}

/// A gateway that listens and does not serve yet.
pub(crate) struct Gateway {
    listener: Listener,
    tls: SslContext,
    policy: RequestPolicy,
    observer: Arc<Observer>,
    fault: Option<Fault>,
}

impl Gateway {
    /// Makes the certificates and listens.
    ///
    /// # Errors
    /// When OpenSSL fails, or the address cannot be listened on.
    pub(crate) async fn open(options: GatewayOptions) -> io::Result<(Self, Ready)> {
        let authority = ThrowawayCa::new()?;
        let tls = acceptor::build_context(&options, &authority)?;
        let client = match options.client_authorities {
            Some(_) => None,
            None => Some(authority.client(&options.topics)?),
        };
        let socket = listener::bind(options.listen)?;
        let address = socket.local_addr()?;
        let listener = listener::listen(socket, options.fault.as_ref()).await?;
        let observer = Arc::new(Observer::new(options.log));
        let policy = RequestPolicy { environment: options.environment, tokens: options.tokens };
        let certificate = authority.certificate().clone();
        let ready = Ready { address, authority: certificate, client, observer: Arc::clone(&observer) };
        Ok((Self { listener, tls, policy, observer, fault: options.fault }, ready))
    }

    /// Serves clients until `shutdown` is over.
    pub(crate) async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Listener::Open(listener) = &self.listener else { return shutdown.await };
        let (sender, stop) = watch::channel(false);
        let Self { tls, policy, observer, fault, .. } = self;
        let shared = SharedState { tls, policy, observer, fault, stop };
        let announce_stop = async {
            shutdown.await;
            let _ = sender.send(true);
        };
        tokio::join!(transport::serve(listener, Arc::new(shared)), announce_stop);
    }
}

/// A gateway in a thread of its own, for tests; dropping it stops it.
pub struct RunningGateway {
    pub ready: Ready,
    pub tokens: Tokens,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningGateway {
    /// Starts a gateway and waits until it listens.
    ///
    /// # Errors
    /// As [`Gateway::open`].
    pub fn start(options: GatewayOptions) -> io::Result<Self> {
        let tokens = options.tokens.clone();
        let runtime = build_runtime()?;
        let (gateway, ready) = runtime.block_on(Gateway::open(options))?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(gateway.serve(async {
                let _ = stopped.await;
            }));
            runtime.shutdown_background();
        });
        Ok(Self { ready, tokens, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for RunningGateway {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs a gateway in the foreground until a signal ends it: SIGINT, SIGTERM, SIGQUIT or SIGHUP.
///
/// # Errors
/// As [`Gateway::open`], or when `announce` fails.
pub(crate) fn run_until_signal(
    options: GatewayOptions,
    announce: impl FnOnce(&Ready) -> io::Result<()>,
) -> io::Result<()> {
    let runtime = build_runtime()?;
    let result = runtime.block_on(async {
        let signal = signal()?;
        let (gateway, ready) = Gateway::open(options).await?;
        announce(&ready)?;
        drop(ready);
        gateway.serve(signal).await;
        Ok(())
    });
    runtime.shutdown_background();
    result
}

fn build_runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

#[cfg(unix)]
fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = quit.recv() => {}
            Some(_) = async { hangup.as_mut()?.recv().await } => {}
        }
    })
}

/// Returns whether SIGHUP was ignored at the start, as under nohup. A handler would undo that. Only
/// Linux tells; elsewhere SIGHUP always ends the gateway.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(mask) = status.lines().find_map(|line| line.strip_prefix("SigIgn:")) else { return false };
    // SIGHUP is signal 1, the lowest bit.
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|ignored| ignored & 1 == 1)
}

#[cfg(not(unix))]
fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
