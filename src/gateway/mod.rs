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
pub(crate) mod observer;
pub(crate) mod policy;
mod raw_http2;
pub(crate) mod tokens;
mod transport;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::x509::X509;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use crate::certificate::apple::Environment;
use acceptor::TlsVersions;
use authority::{Issued, ThrowawayCa};
use fault::Fault;
use observer::{Log, Observer};
use policy::RequestPolicy;
use tokens::Tokens;
use transport::Shared;

/// What APNs was seen to say for MAX_HEADER_LIST_SIZE.
const MAX_HEADER_LIST: u32 = 8000;

/// What APNs was seen to say in SETTINGS, by identifier from 1 (RFC 9113 section 6.5.2): table size, (no
/// word on push), streams, window, frame size, header list.
const SETTINGS: [Option<u32>; 6] = [Some(4096), None, Some(1000), Some(65_535), Some(16_384), Some(MAX_HEADER_LIST)];

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

/// Runs a gateway until `stop` turns true; `ready` is called once it listens.
///
/// # Errors
/// When it cannot listen, OpenSSL fails, or `ready` does.
pub(crate) async fn run(
    options: GatewayOptions,
    stop: watch::Receiver<bool>,
    ready: impl FnOnce(Ready) -> io::Result<()>,
) -> io::Result<()> {
    let authority = ThrowawayCa::new()?;
    let context = acceptor::prepare(&options, &authority)?;
    let client = match options.client_authorities {
        Some(_) => None,
        None => Some(authority.client(&options.topics)?),
    };
    let socket = if options.listen.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(options.listen)?;
    let address = socket.local_addr()?;
    let observer = Arc::new(Observer::new(options.log));
    let announce = || {
        let authority = authority.certificate().clone();
        ready(Ready { address, authority, client, observer: Arc::clone(&observer) })
    };
    let mut over = stop.clone();
    match options.fault {
        Some(Fault::RefuseTcp) => {
            // A socket that is bound and does not listen refuses, and keeps its port.
            announce()?;
            let _ = over.wait_for(|is_over| *is_over).await;
        }
        Some(Fault::StallTcp) => {
            let listener = socket.listen(0)?;
            let _queue = fill(address).await;
            announce()?;
            let _ = over.wait_for(|is_over| *is_over).await;
            drop(listener);
        }
        fault => {
            let listener: TcpListener = socket.listen(1024)?;
            announce()?;
            let policy = RequestPolicy { environment: options.environment, tokens: options.tokens };
            let shared = Shared { context, policy, observer, fault, stop };
            transport::serve(listener, Arc::new(shared)).await;
        }
    }
    Ok(())
}

/// Fills the queue of a listener that accepts nobody, so that the kernel lets further ones wait.
async fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut queue = Vec::new();
    for _ in 0..16 {
        match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => queue.push(stream),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    queue
}

/// A gateway in a thread of its own, for tests; dropping it stops it.
pub struct Running {
    /// What it is and sees.
    pub ready: Ready,
    /// The devices.
    pub tokens: Tokens,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Starts it, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(options: GatewayOptions) -> io::Result<Self> {
        let tokens = options.tokens.clone();
        let (stop, stopped) = watch::channel(false);
        let (tell, told) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::spawn(move || {
            let ready = |ready| tell.send(ready).map_err(io::Error::other);
            let result = runtime.block_on(run(options, stopped, ready));
            runtime.shutdown_background();
            result
        });
        match told.recv() {
            Ok(ready) => Ok(Self { ready, tokens, stop, thread: Some(thread) }),
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error,
                _ => io::Error::other("the gateway did not start"),
            }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Runs a gateway in the foreground until a signal ends it: SIGINT, SIGTERM, SIGQUIT or SIGHUP.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_until_signal(options: GatewayOptions, ready: impl FnOnce(Ready) -> io::Result<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let signal = signal()?;
        let (stop, stopped) = watch::channel(false);
        let run = run(options, stopped, ready);
        tokio::pin!(run);
        tokio::select! {
            result = &mut run => result,
            () = signal => {
                let _ = stop.send(true);
                run.await
            }
        }
    });
    runtime.shutdown_background();
    result
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
