//! An app on a simulated device: it registers with a gateway of pushcert, hands its token to the provider, and receives
//! notifications. Apple's service is not asked for anything here.

pub(crate) mod alert;
pub(crate) mod report;

use std::io;
use std::time::Duration;

use http::StatusCode;
use http::uri::{Authority, Scheme, Uri};
use serde::Serialize;
use time::OffsetDateTime;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout, timeout_at};

use crate::certificate::apple::Environment;
use crate::database::address::DatabaseAddress;
use crate::database::problem::DatabaseError;
use crate::database::{Access, Database, RegistrationTime, TokenGroup};
use crate::net::descriptors;
use crate::net::device_lines::{
    DeviceCredentials, DeviceMessage, DeviceReceipt, DeviceRefusal, DeviceRequest, GatewayLine, MAX_LINE,
};
use crate::net::dial::{self, DialError};
use crate::net::endpoint::Endpoint;
use crate::net::fetch::{self, FetchError, Post};
use crate::net::tls::{self, Application, ExpectedServer, TlsError, TlsStream};
use crate::net::trust::{StoreReader, TrustPolicy};
use crate::text::seconds;

/// Limit for each step of a connection.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// The time after which people are told that something is waited for.
const SILENCE: Duration = Duration::from_secs(5);

/// Limit for the gateway's end of a connection that the device has ended.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The gateway.
pub(crate) struct DeviceGateway {
    pub(crate) endpoint: Endpoint,
    pub(crate) stores: StoreReader,
}

/// What the app does at its start.
pub(crate) enum Launch {
    /// It was installed for this topic.
    Register { topic: String },
    /// It runs again.
    Receive(DeviceCredentials),
}

/// The provider's address for device tokens: http to this machine, or https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProviderAddress(Uri);

/// An app that is registered.
#[derive(Debug)]
pub(crate) struct RegisteredApp {
    pub(crate) credentials: DeviceCredentials,
    pub(crate) topic: String,
    pub(crate) environment: Environment,
    /// The token is new.
    pub(crate) is_new: bool,
}

/// The provider's answer to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandOver {
    Answered(StatusCode),
    /// The token is in the database.
    Stored,
}

/// What happens to an app.
pub(crate) enum DeviceEvent<'a> {
    Started(&'a RegisteredApp),
    /// The provider has the token.
    HandedOver(&'a Provider, HandOver),
    Message(&'a DeviceMessage),
    /// The gateway did not keep so many messages.
    Missed(u64),
    /// A step has taken so long, and goes on.
    Waits(Step, Duration),
}

/// What an app does before it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It connects, and tells the gateway what it wants.
    Connect,
    /// It hands its token over.
    HandOver,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Awaited {
    /// The number of messages; without it there is no end.
    pub(crate) count: Option<u64>,
    pub(crate) time: Option<Duration>,
}

/// The reason why an app stops to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceEnd {
    /// What was waited for has come.
    AllReceived,
    /// The time was over first; so many messages came.
    TimeOver(u64),
    /// The app receives through another connection.
    Replaced,
    /// The app was removed.
    Uninstalled,
}

/// The reason why an app cannot receive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceError {
    #[error("{host} is not found: {error}")]
    Resolve { host: String, error: io::Error },
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the gateway refuses: {0}")]
    Refused(DeviceRefusal),
    #[error("the gateway did not answer within {}", seconds(STEP_TIMEOUT))]
    Silence,
    #[error("the gateway has closed the connection")]
    Closed,
    #[error("the connection to the gateway broke: {0}")]
    Broken(io::Error),
    #[error("the answer is not one of the device protocol")]
    NotUnderstood,
    #[error("{0} has not taken the token: {1}")]
    Provider(ProviderAddress, Box<ProviderProblem>),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// An event could not be reported.
    #[error(transparent)]
    Report(io::Error),
    #[error("the network cannot be used: {0}")]
    Runtime(io::Error),
}

/// The reason why a provider has not taken a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderProblem {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("it answered {}, and 200 to 299 was expected", describe_status(.0))]
    Status(StatusCode),
    #[error("it did not answer within {}", seconds(STEP_TIMEOUT))]
    Silence,
}

/// Returns a status as a server sends it, with its phrase if it has one.
pub(crate) fn describe_status(status: &StatusCode) -> String {
    match status.canonical_reason() {
        Some(phrase) => format!("{} {phrase}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

impl ProviderAddress {
    /// Parses a URL.
    ///
    /// # Errors
    /// A sentence for the user, which does not repeat a password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = "a URL is expected, such as http://127.0.0.1:8000/tokens or https://example.com/tokens";
        let Ok(url) = text.parse::<Uri>() else { return Err(expected.to_owned()) };
        let Some(authority) = url.authority() else { return Err(expected.to_owned()) };
        if authority.as_str().contains('@') {
            return Err("credentials in the URL are not supported".to_owned());
        }
        if url.scheme() == Some(&Scheme::HTTPS) {
            return Ok(Self(url));
        }
        if url.scheme() != Some(&Scheme::HTTP) {
            return Err(expected.to_owned());
        }
        let Some(endpoint) = Endpoint::from_authority(authority, 80) else {
            return Err("its port is not one from 1 to 65535".to_owned());
        };
        if is_this_machine(&endpoint) {
            Ok(Self(url))
        } else {
            Err("http is for this machine alone (localhost, 127.0.0.1, [::1]): use https".to_owned())
        }
    }
}

fn is_this_machine(endpoint: &Endpoint) -> bool {
    endpoint.host == "localhost" || endpoint.address().is_some_and(|address| address.is_loopback())
}

impl std::fmt::Display for ProviderAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the query: there may be a key in it.
        let (scheme, authority) = (self.0.scheme_str().unwrap_or_default(), self.0.authority());
        write!(f, "{scheme}://{}{}", authority.map_or("", Authority::as_str), self.0.path())
    }
}

/// A function that reports what happens.
pub(crate) type Reporter<'a> = &'a mut dyn FnMut(DeviceEvent<'_>) -> io::Result<()>;

/// The provider that gets the token.
pub(crate) enum Provider {
    /// It is asked without a proxy.
    Web { address: ProviderAddress, stores: StoreReader },
    /// The token goes into its database.
    Database(DatabaseAddress),
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Web { address, .. } => address.fmt(f),
            Self::Database(address) => address.fmt(f),
        }
    }
}

/// Lets an app receive until what is awaited has come.
///
/// # Errors
/// When it cannot receive, or `report` fails.
pub(crate) fn receive(
    gateway: &DeviceGateway,
    launch: Launch,
    provider: Option<&Provider>,
    awaited: Awaited,
    report: Reporter<'_>,
) -> Result<DeviceEnd, DeviceError> {
    let runtime = descriptors::build_runtime().map_err(DeviceError::Runtime)?;
    let end = runtime.block_on(async {
        let launched = patiently(Connection::launch(gateway, launch), Step::Connect, report).await?;
        let (mut connection, app) = launched?;
        report(DeviceEvent::Started(&app)).map_err(DeviceError::Report)?;
        if let Some(provider) = provider {
            let end = patiently(hand_over(&app, provider), Step::HandOver, report).await??;
            report(DeviceEvent::HandedOver(provider, end)).map_err(DeviceError::Report)?;
        }
        let end = connection.receive(awaited, report).await?;
        connection.close().await;
        Ok(end)
    });
    // The resolver may still wait for an answer.
    runtime.shutdown_background();
    end
}

/// Removes an app from its device. Returns the time, in milliseconds since 1970.
///
/// # Errors
/// When the gateway does not do it.
pub(crate) fn uninstall(
    gateway: &DeviceGateway,
    credentials: DeviceCredentials,
    report: Reporter<'_>,
) -> Result<u64, DeviceError> {
    let runtime = descriptors::build_runtime().map_err(DeviceError::Runtime)?;
    let work = async {
        let mut connection = Connection::open(gateway).await?;
        match connection.ask(&DeviceRequest::Uninstall(credentials)).await? {
            GatewayLine::Uninstalled { since } => Ok(since),
            _ => Err(DeviceError::NotUnderstood),
        }
    };
    let end = runtime.block_on(async { patiently(work, Step::Connect, report).await? });
    runtime.shutdown_background();
    end
}

/// Waits for something, and tells people from time to time that it does.
async fn patiently<T>(work: impl Future<Output = T>, step: Step, report: Reporter<'_>) -> Result<T, DeviceError> {
    tokio::pin!(work);
    let start = Instant::now();
    loop {
        match timeout(SILENCE, &mut work).await {
            Ok(end) => return Ok(end),
            Err(_) => report(DeviceEvent::Waits(step, start.elapsed())).map_err(DeviceError::Report)?,
        }
    }
}

/// A connection to the gateway.
struct Connection(BufReader<TlsStream>);

impl Connection {
    async fn open(gateway: &DeviceGateway) -> Result<Self, DeviceError> {
        let DeviceGateway { endpoint, stores } = gateway;
        let resolved = timeout(STEP_TIMEOUT, dial::resolve(endpoint)).await.map_err(|_| DeviceError::Silence)?;
        let addresses = match resolved {
            Ok(addresses) => addresses,
            Err(error) => return Err(DeviceError::Resolve { host: endpoint.host.clone(), error }),
        };
        let (stream, _) = dial::connect(&addresses, STEP_TIMEOUT).await?;
        let server = ExpectedServer {
            host: endpoint.host.clone(),
            application: Application::Device,
            policy: TrustPolicy::AnyRoot,
            stores: stores.stores().await,
        };
        let stream = tls::connect(Box::new(stream), None, &server, STEP_TIMEOUT).await.result?;
        Ok(Self(BufReader::new(stream)))
    }

    async fn launch(gateway: &DeviceGateway, launch: Launch) -> Result<(Self, RegisteredApp), DeviceError> {
        let mut connection = Self::open(gateway).await?;
        let app = match launch {
            Launch::Register { topic } => {
                match connection.ask(&DeviceRequest::Register { topic: topic.clone() }).await? {
                    GatewayLine::Registered { credentials, environment } => {
                        RegisteredApp { credentials, topic, environment, is_new: true }
                    }
                    _ => return Err(DeviceError::NotUnderstood),
                }
            }
            Launch::Receive(credentials) => match connection.ask(&DeviceRequest::Receive(credentials.clone())).await? {
                GatewayLine::Receiving { topic, environment } => {
                    RegisteredApp { credentials, topic, environment, is_new: false }
                }
                _ => return Err(DeviceError::NotUnderstood),
            },
        };
        Ok((connection, app))
    }

    async fn send(&mut self, value: &impl Serialize) -> Result<(), DeviceError> {
        let mut line = serde_json::to_vec(value).map_err(|error| DeviceError::Broken(error.into()))?;
        line.push(b'\n');
        self.0.write_all(&line).await.map_err(DeviceError::Broken)?;
        self.0.flush().await.map_err(DeviceError::Broken)
    }

    /// Ends the connection in order: the gateway has read the last receipt when it ends its side.
    async fn close(&mut self) {
        let end = async {
            self.0.shutdown().await?;
            while self.0.read_until(b'\n', &mut Vec::new()).await? > 0 {}
            io::Result::Ok(())
        };
        // The gateway may have gone.
        let _ = timeout(CLOSE_TIMEOUT, end).await;
    }

    /// Sends the first line of this side, and returns the answer.
    async fn ask(&mut self, request: &DeviceRequest) -> Result<GatewayLine, DeviceError> {
        self.send(request).await?;
        match timeout(STEP_TIMEOUT, self.read()).await {
            Ok(Ok(GatewayLine::Refused(reason))) => Err(DeviceError::Refused(reason)),
            Ok(answer) => answer,
            Err(_) => Err(DeviceError::Silence),
        }
    }

    async fn receive(&mut self, awaited: Awaited, report: Reporter<'_>) -> Result<DeviceEnd, DeviceError> {
        let end = awaited.time.map(|time| Instant::now() + time);
        let mut count = 0;
        while awaited.count != Some(count) {
            let line = match end {
                Some(end) => match timeout_at(end, self.read()).await {
                    Ok(line) => line?,
                    Err(_) => return Ok(DeviceEnd::TimeOver(count)),
                },
                None => self.read().await?,
            };
            let event = match &line {
                GatewayLine::Message(message) => {
                    count += 1;
                    DeviceEvent::Message(message)
                }
                GatewayLine::Missed { count } => DeviceEvent::Missed(*count),
                GatewayLine::Replaced => return Ok(DeviceEnd::Replaced),
                GatewayLine::Uninstalled { .. } => return Ok(DeviceEnd::Uninstalled),
                GatewayLine::Registered { .. } | GatewayLine::Receiving { .. } | GatewayLine::Refused(_) => {
                    return Err(DeviceError::NotUnderstood);
                }
            };
            report(event).map_err(DeviceError::Report)?;
            // The gateway may have ended: what it has written before is shown all the same.
            let _ = self.send(&DeviceReceipt::Shown).await;
        }
        Ok(DeviceEnd::AllReceived)
    }

    async fn read(&mut self) -> Result<GatewayLine, DeviceError> {
        let mut line = Vec::new();
        let read = (&mut self.0).take(MAX_LINE).read_until(b'\n', &mut line).await;
        match read.map_err(DeviceError::Broken)? {
            0 => Err(DeviceError::Closed),
            _ => serde_json::from_slice(&line).map_err(|_| DeviceError::NotUnderstood),
        }
    }
}

/// The document that a provider gets.
#[derive(Serialize)]
struct Registration<'a> {
    app: &'a str,
    environment: Environment,
    token: &'a str,
}

async fn hand_over(app: &RegisteredApp, provider: &Provider) -> Result<HandOver, DeviceError> {
    match provider {
        Provider::Web { address, stores } => Ok(HandOver::Answered(post(app, address, stores).await?)),
        Provider::Database(address) => {
            store(app, address.clone()).await?;
            Ok(HandOver::Stored)
        }
    }
}

/// Registers the token in the database, in a thread that may wait.
async fn store(app: &RegisteredApp, address: DatabaseAddress) -> Result<(), DeviceError> {
    let group = TokenGroup { app: app.topic.clone(), environment: app.environment };
    let tokens = [app.credentials.token.clone()];
    let work = tokio::task::spawn_blocking(move || {
        let time = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let time = RegistrationTime::Now(u64::try_from(time).unwrap_or_default());
        Database::open(&address, Access::Create)?.register(&group, &tokens, time)
    });
    match work.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(DeviceError::Runtime(error.into())),
    }
}

async fn post(app: &RegisteredApp, address: &ProviderAddress, stores: &StoreReader) -> Result<StatusCode, DeviceError> {
    let registration = Registration { app: &app.topic, environment: app.environment, token: &app.credentials.token };
    let body = serde_json::to_vec(&registration).map_err(|error| DeviceError::Report(error.into()))?;
    let document = Post { content_type: "application/json", body };
    let posted = fetch::post(&address.0, document, stores);
    let problem = match timeout(STEP_TIMEOUT, posted).await {
        Ok(Ok(status)) if status.is_success() => return Ok(status),
        Ok(Ok(status)) => ProviderProblem::Status(status),
        Ok(Err(error)) => error.into(),
        Err(_) => ProviderProblem::Silence,
    };
    Err(DeviceError::Provider(address.clone(), Box::new(problem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_this_machine_alone() {
        for good in [
            "http://127.0.0.1:8000/tokens",
            "http://localhost/tokens",
            "http://[::1]:8000/",
            "https://example.com/tokens",
        ] {
            assert_eq!(ProviderAddress::parse(good).unwrap().to_string(), good);
        }
        for (wrong, expected) in [
            ("http://example.com/tokens", "use https"),
            ("http://127.0.0.1.example.com/", "use https"),
            ("ftp://localhost/", "a URL is expected"),
            ("localhost:8000", "a URL is expected"),
            ("/tokens", "a URL is expected"),
            ("https://user:geheim@example.com/", "credentials in the URL are not supported"),
        ] {
            let refusal = ProviderAddress::parse(wrong).unwrap_err();
            assert!(refusal.contains(expected) && !refusal.contains("geheim"), "{wrong}: {refusal}");
        }
    }
}
