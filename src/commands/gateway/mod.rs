//! `pushcert gateway`.

mod event_file;
mod folder;
mod next;
mod token_file;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::x509::X509;
use serde::Serialize;
use zeroize::Zeroizing;

use self::event_file::{EventFile, OWN_FILE, refuse_log};
use self::folder::{CA_FILE, CLIENT_FILE, GatewayFolder, is_in_folder, refuse_own_inputs};
use self::next::OwnClient;
use self::token_file::{TokenReload, read_tokens};
use crate::cli::gateway::{GatewayArgs, TeamKeyFile};
use crate::commands::shared::advice::RAISE_OPEN_FILES;
use crate::commands::shared::authorities::certificates_of;
use crate::commands::shared::opening::{self, Opener, check_stdin};
use crate::commands::shared::writing;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::authority::IssuedCertificate;
use crate::gateway::observer::{RequestEvent, RequestLog};
use crate::gateway::running::RunningGateway;
use crate::gateway::team_key::TeamKey;
use crate::gateway::tokens::Tokens;
use crate::gateway::{self, DEFAULT_TOPICS, GatewayOptions, Ready, acceptor};
use crate::net::descriptors::is_out_of_descriptors;
use crate::report::shell::shell_word;
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::log_file::{self, LogFile};
use crate::world::outputs::{self, Output};
#[cfg(unix)]
use crate::world::signals;

/// The line that announces a gateway.
#[derive(Serialize)]
struct ReadyReport {
    schema_version: u32,
    address: String,
    ca_file: String,
    client_file: Option<String>,
}

pub(super) fn run(arguments: &GatewayArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let (mut options, own) = read_options(arguments, context)?;
    let listen = options.listen;
    let event_file = match &arguments.log {
        Some(location) => Some(EventFile::prepare(location, arguments)?),
        None => None,
    };
    options.event_log = event_file.as_ref().map(EventFile::sink);
    let request_lines = if arguments.verbose { Some(start_request_lines()?) } else { None };
    options.log = request_lines.clone().map(request_log);
    // What is in the folder is removed when this function returns, with or without an error.
    refuse_own_inputs(arguments)?;
    let (folder, device_file) = GatewayFolder::make(arguments.folder.as_deref())?;
    options.device_file = device_file;
    let reload = TokenReload::new(arguments, &options);
    let announce_ready = |ready: &Ready| {
        // From now on a signal stops the gateway in order. Before, it ended the process, and what is temporary with it.
        #[cfg(unix)]
        signals::take_over(&signals::ENDING);
        announce(ready, folder.path(), event_file.as_ref(), own.as_ref(), arguments, context)
    };
    let end = gateway::run_until_signal(options, announce_ready, move || reload.on_hangup());
    drop(folder);
    if let Some(lines) = request_lines {
        // Whoever does not read them has no further use for them.
        let _ = lines.finish();
    }
    match (end, event_file) {
        (Err(error), _) => Err(error.explain(listen)),
        (Ok(()), Some(log)) => log.finish(),
        (Ok(()), None) => Ok(()),
    }
}

/// A gateway in a thread of its own, with the files that clients need.
pub(super) struct StartedGateway {
    pub(super) address: SocketAddr,
    _gateway: RunningGateway,
    _folder: GatewayFolder,
}

/// Starts a gateway that serves until it is dropped, and announces it as [`run`] does. It has no log.
pub(super) fn start(arguments: &GatewayArgs, context: &mut Context<'_>) -> Result<StartedGateway, Error> {
    let (mut options, own) = read_options(arguments, context)?;
    let listen = options.listen;
    refuse_own_inputs(arguments)?;
    let (folder, device_file) = GatewayFolder::make(arguments.folder.as_deref())?;
    options.device_file = device_file;
    let gateway = match RunningGateway::start(options) {
        Ok(gateway) => gateway,
        Err(error) => return Err(explain_end(&error, listen)),
    };
    match announce(&gateway.ready, folder.path(), None, own.as_ref(), arguments, context) {
        Ok(()) => Ok(StartedGateway { address: gateway.ready.address, _gateway: gateway, _folder: folder }),
        Err(error) => Err(error.explain(listen)),
    }
}

/// The reasons why a gateway ends without a signal.
enum StartError {
    Run(io::Error),
    /// The line that names the files cannot be written.
    Announce(io::Error),
    /// The log, or a file that clients need, cannot be written.
    File(Error),
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Run(error)
    }
}

impl StartError {
    fn explain(self, listen: SocketAddr) -> Error {
        match self {
            Self::Run(error) => explain_end(&error, listen),
            // A gateway that nobody can find serves nobody: a closed pipe is an error here.
            Self::Announce(error) => Error { is_closed_pipe: false, ..Error::from(error) },
            Self::File(error) => error,
        }
    }
}

/// Explains why the gateway cannot run.
fn explain_end(error: &io::Error, listen: SocketAddr) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ExitKind::Write,
        _ => ExitKind::Network,
    };
    let failure = Error::new(kind, format!("the gateway on {listen} cannot run: {error}"));
    match error.kind() {
        io::ErrorKind::AddrInUse => failure.hint(format!(
            "another program listens there: choose another port, or --listen {} for a free one",
            SocketAddr::new(listen.ip(), 0)
        )),
        io::ErrorKind::PermissionDenied if (1..1024).contains(&listen.port()) => failure
            .hint("ports below 1024 are for root, or a program with CAP_NET_BIND_SERVICE: choose one from 1024 on"),
        io::ErrorKind::AddrNotAvailable => {
            failure.hint("name an address of this machine: 127.0.0.1 for its own programs, 0.0.0.0 for all networks")
        }
        _ => advise(failure, error),
    }
}

/// Adds what to do if no descriptor is left.
fn advise(error: Error, cause: &io::Error) -> Error {
    if is_out_of_descriptors(cause) { error.hint(RAISE_OPEN_FILES) } else { error }
}

fn inputs(arguments: &GatewayArgs) -> Vec<&Location> {
    let mut files = Vec::new();
    files.extend(&arguments.tokens);
    files.extend(&arguments.client_ca);
    for key in &arguments.p8_key {
        files.push(&key.file);
    }
    files
}

/// Starts the writer of the lines of `-v`: nobody waits for whoever reads them.
fn start_request_lines() -> Result<Arc<LogFile>, Error> {
    let started = match log_file::duplicate(&io::stderr()) {
        Ok(file) => LogFile::start(Box::new(file), |_| {}),
        Err(error) => Err(error),
    };
    match started {
        Ok(lines) => Ok(Arc::new(lines)),
        Err(error) => Err(advise(Error::new(ExitKind::Write, format!("standard error: {error}")), &error)),
    }
}

fn request_log(lines: Arc<LogFile>) -> RequestLog {
    Box::new(move |event| log(event, &lines))
}

/// Returns the options of the gateway, and the certificate of --client-ca where that is a client's own.
fn read_options(
    arguments: &GatewayArgs,
    context: &mut Context<'_>,
) -> Result<(GatewayOptions, Option<OwnClient>), Error> {
    check_stdin(&inputs(arguments), &[])?;
    check_stream_limits(arguments)?;
    let mut own = None;
    let client_authorities = match &arguments.client_ca {
        Some(location) => Some(read_client_authorities(location, &mut own, context)?),
        None => None,
    };
    let tokens = match &arguments.tokens {
        Some(location) => read_tokens(location, context)?,
        None => Tokens::default(),
    };
    let mut team_keys = Vec::new();
    for key in &arguments.p8_key {
        team_keys.push(read_team_key(key, context)?);
    }
    let topics = match &arguments.topic[..] {
        [] => DEFAULT_TOPICS.map(str::to_owned).to_vec(),
        topics => topics.to_vec(),
    };
    let options = GatewayOptions {
        listen: arguments.listen,
        environment: arguments.environment.into(),
        tls: arguments.tls.into(),
        server_names: arguments.name.clone(),
        client_authorities,
        topics,
        tokens,
        team_keys,
        is_strict: arguments.strict,
        faults: arguments.fault.clone(),
        log: None,
        event_log: None,
        keeps_requests: false,
        max_streams: arguments.max_streams,
        takes_devices: takes_devices(arguments),
        device_file: None,
    };
    Ok((options, own))
}

/// Returns whether simulated devices may connect.
fn takes_devices(arguments: &GatewayArgs) -> bool {
    arguments.devices || arguments.listen.ip().is_loopback()
}

/// Refuses a fault that would raise the limit that it is to lower.
fn check_stream_limits(arguments: &GatewayArgs) -> Result<(), Error> {
    let max_streams = arguments.max_streams;
    for fault in &arguments.fault {
        if fault.stream_limit().is_some_and(|limit| limit > max_streams) {
            let problem =
                format!("--fault {}: a number from 0 to --max-streams is expected, {max_streams}", fault.text());
            return Err(Error::new(ExitKind::Usage, problem));
        }
    }
    Ok(())
}

fn read_client_authorities(
    location: &Location,
    own: &mut Option<OwnClient>,
    context: &mut Context<'_>,
) -> Result<Vec<X509>, Error> {
    let hint = "--client-ca takes the authorities that issue the clients' certificates";
    let contents = Opener::without_password().open(location, context)?;
    *own = OwnClient::of(location, &contents, context.now);
    let certificates = certificates_of(contents, location, hint)?;
    acceptor::parse_authorities(&certificates).map_err(|error| {
        Error::new(ExitKind::Input, format!("{}: OpenSSL cannot read it: {error}", location.input_name()))
    })
}

fn read_team_key(argument: &TeamKeyFile, context: &mut Context<'_>) -> Result<TeamKey, Error> {
    let TeamKeyFile { key_id, team_id, file } = argument;
    let bytes = opening::read(file, context)?;
    let parsed = match PKey::public_key_from_pem(&bytes).or_else(|_| PKey::public_key_from_der(&bytes)) {
        Ok(public) => TeamKey::from_public(key_id, team_id, public),
        Err(_) => {
            let contents = match Opener::without_password().open_bytes(file, &bytes, context) {
                Ok(contents) => contents,
                Err(error) if error.kind == ExitKind::Password => return Err(error.hint(decrypt_hint(file))),
                Err(error) => return Err(error),
            };
            let [key] = &contents.keys[..] else {
                let found = contents.keys.len();
                return Err(refuse_team_key(file, &format!("one key is expected, and there are {found}")));
            };
            match TeamKey::from_private(key_id, team_id, &key.item) {
                Ok(parsed) => parsed,
                Err(error) => return Err(refuse_team_key(file, &format!("OpenSSL cannot read it: {error}"))),
            }
        }
    };
    parsed.ok_or_else(|| refuse_team_key(file, "the key is not an EC key on P-256, as token signing keys are"))
}

/// Returns the way to a key that needs no password.
fn decrypt_hint(file: &Location) -> String {
    let file = shell_word(&file.to_string());
    format!("decrypt it first (openssl pkey -in {file} -out DECRYPTED.p8), and give DECRYPTED.p8 to --p8-key")
}

fn refuse_team_key(file: &Location, problem: &str) -> Error {
    Error::new(ExitKind::Input, format!("{}: {problem}", file.input_name()))
        .hint("--p8-key takes a token signing key (AuthKey_KEYID.p8), or its public half")
}

/// Writes the files that clients need, opens the log, then prints the line that names the files.
fn announce(
    ready: &Ready,
    folder: &Path,
    log: Option<&EventFile>,
    own: Option<&OwnClient>,
    arguments: &GatewayArgs,
    context: &mut Context<'_>,
) -> Result<(), StartError> {
    let report = write_files(ready, folder)?;
    let new_log = match log {
        Some(log) if is_in_folder(&log.location, folder) => {
            return Err(StartError::File(refuse_log(&log.location, OWN_FILE)));
        }
        Some(log) => log.open().map_err(StartError::File)?,
        None => None,
    };
    let next = next::commands(ready.address, &report, folder, own, arguments);
    let printed = print_ready(&report, &next, context);
    if let (Err(_), Some(path)) = (&printed, new_log) {
        let _ = std::fs::remove_file(path);
    }
    printed.map_err(StartError::Announce)
}

/// Prints the line that announces the gateway, and at a terminal the commands that go on from there.
fn print_ready(report: &ReadyReport, next: &[String], context: &mut Context<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *context.stdout, report)?;
    writeln!(context.stdout)?;
    context.stdout.flush()?;
    if !context.stdout_is_terminal {
        return Ok(());
    }
    let mut label = "next, in another terminal:";
    for command in next {
        writeln!(context.stderr, "{label} {command}")?;
        label = "then:";
    }
    Ok(())
}

fn write_files(ready: &Ready, folder: &Path) -> Result<ReadyReport, StartError> {
    let authority = ready.authority.to_pem().map_err(io::Error::other)?;
    let ca_file = write_file(&folder.join(CA_FILE), &authority, false)?;
    let client_file = match &ready.client {
        Some(client) => Some(write_file(&folder.join(CLIENT_FILE), &encode_client(client)?, true)?),
        None => None,
    };
    let address = ready.address.to_string();
    Ok(ReadyReport { schema_version: SCHEMA_VERSION, address, ca_file, client_file })
}

fn encode_client(client: &IssuedCertificate) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut pem = Zeroizing::new(client.certificate.to_pem()?);
    pem.extend_from_slice(&Zeroizing::new(client.key.private_key_to_pem_pkcs8()?));
    Ok(pem)
}

/// Writes one file and returns its name.
fn write_file(path: &Path, bytes: &[u8], is_private: bool) -> Result<String, StartError> {
    match outputs::write_all(&[Output { path, bytes, is_private, force: false }]) {
        Ok(_) => Ok(path.display().to_string()),
        Err(failure) => Err(StartError::File(writing::explain(failure))),
    }
}

/// Logs a request as one line. Of a device token it shows the beginning.
fn log(event: &RequestEvent, lines: &LogFile) {
    let path = shorten_segments(&event.path);
    let topic = event.topic.as_deref().unwrap_or("-");
    let reason = event.reason.as_deref().unwrap_or("-");
    let line = format!("{} {path} {topic} {} {reason} {}", event.method, event.status, event.apns_id);
    lines.write_line(printable(&line).as_bytes());
    if let Some(warning) = event.warning {
        lines.write_line(format!("warning: {warning}").as_bytes());
    }
}

/// Shortens each part of a path that may be a device token, wherever it stands.
fn shorten_segments(path: &str) -> String {
    let mut shortened = Vec::new();
    for segment in path.split('/') {
        match segment.char_indices().nth(8) {
            Some((end, _)) => shortened.push(format!("{}…", &segment[..end])),
            None => shortened.push(segment.to_owned()),
        }
    }
    shortened.join("/")
}
