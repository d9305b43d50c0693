//! `pushcert gateway`.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::x509::X509;
use serde::Serialize;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::gateway::{GatewayArgs, TeamKeyFile};
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::{self, Opener, check_stdin};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::authority::IssuedCertificate;
use crate::gateway::observer::{RequestEvent, RequestLog};
use crate::gateway::team_key::TeamKey;
use crate::gateway::tokens::{TokenListError, Tokens};
use crate::gateway::{self, AfterHangup, DEFAULT_TOPICS, GatewayOptions, Ready, acceptor};
use crate::report::shell::shell_word;
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::key_folder::KeyFolder;
use crate::world::log_file::{self, LogError, LogFile};
use crate::world::outputs::{self, Output};

/// The line that announces a gateway.
#[derive(Serialize)]
struct ReadyReport {
    schema_version: u32,
    address: String,
    ca_file: String,
    client_file: Option<String>,
}

pub(super) fn run(arguments: &GatewayArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let mut options = read_options(arguments, context)?;
    let listen = options.listen;
    let log_file = match &arguments.log {
        Some(location) => Some(Arc::new(open_log(location, arguments.force)?)),
        None => None,
    };
    if let Some(log_file) = log_file.clone() {
        options.event_log = Some(Box::new(move |line| log_file.write_line(line)));
    }
    // A signal stops the gateway, and the folder goes with it.
    #[cfg(unix)]
    crate::world::signals::leave_to_caller(&[SIGHUP, SIGINT, SIGTERM]);
    // The folder is removed when this function returns, with or without an error.
    let folder = make_folder()?;
    let reload = TokenReload::new(arguments, &options);
    let mut is_announcing = false;
    let announce_ready = |ready: &Ready| {
        is_announcing = true;
        let report = announce(ready, folder.path(), context.stdout)?;
        if context.stdout_is_terminal {
            writeln!(context.stderr, "next: {}", check_command(ready.address, &report))?;
        }
        is_announcing = false;
        Ok(())
    };
    let end = gateway::run_until_signal(options, announce_ready, || reload.on_hangup());
    drop(folder);
    if let Err(error) = end {
        return Err(explain_end(error, is_announcing, listen));
    }
    match (log_file, &arguments.log) {
        (Some(log_file), Some(location)) => log_file.finish().map_err(|error| explain_log(location, &error)),
        _ => Ok(()),
    }
}

/// Explains why the gateway has ended.
fn explain_end(error: io::Error, is_announcing: bool, listen: SocketAddr) -> Error {
    if is_announcing {
        // A gateway that nobody can find serves nobody: a closed pipe is an error here.
        return Error { is_closed_pipe: false, ..Error::from(error) };
    }
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ExitKind::Write,
        _ => ExitKind::Network,
    };
    Error::new(kind, format!("the gateway on {listen} cannot run: {error}"))
}

/// Returns the command that checks the certificate of a gateway that is ready.
fn check_command(address: SocketAddr, report: &ReadyReport) -> String {
    let gateway = if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    };
    let client_file = report.client_file.as_deref().unwrap_or("CERTIFICATE");
    let words = ["pushcert", "check", client_file, "--gateway", &gateway, "--ca-file", &report.ca_file];
    words.map(shell_word).join(" ")
}

/// Opens the log, and starts its writer.
fn open_log(location: &Location, force: bool) -> Result<LogFile, Error> {
    let target: Box<dyn Write + Send> = match location {
        Location::Standard => match log_file::duplicate_stdout() {
            Ok(file) => Box::new(file),
            Err(error) => return Err(Error::new(ExitKind::Write, format!("standard output: {error}"))),
        },
        Location::Path(path) => match log_file::create(path, force) {
            Ok(file) => Box::new(file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(
                    Error::new(ExitKind::Write, format!("{location}: the file exists")).hint("--force empties it")
                );
            }
            Err(error) => return Err(Error::new(ExitKind::Write, format!("{location}: it cannot be made: {error}"))),
        },
    };
    let name = location.to_string();
    let warn = move |error: &io::Error| {
        let line = format!("warning: {name}: the log ends here, it cannot be written: {error}");
        let _ = writeln!(io::stderr(), "{}", printable(&line));
    };
    LogFile::start(target, warn).map_err(|error| Error::new(ExitKind::Write, format!("{location}: {error}")))
}

fn explain_log(location: &Location, error: &LogError) -> Error {
    Error::new(ExitKind::Write, format!("{location}: the log is not complete: {error}"))
}

fn read_options(arguments: &GatewayArgs, context: &mut Context<'_>) -> Result<GatewayOptions, Error> {
    let mut inputs: Vec<&Location> = arguments.tokens.iter().chain(&arguments.client_ca).collect();
    for key in &arguments.p8_key {
        inputs.push(&key.file);
    }
    check_stdin(&inputs, &[])?;
    let client_authorities = match &arguments.client_ca {
        Some(location) => Some(read_client_authorities(location, context)?),
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
    let request_log: RequestLog = Box::new(log);
    Ok(GatewayOptions {
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
        log: arguments.verbose.then_some(request_log),
        event_log: None,
        keeps_requests: false,
        max_streams: arguments.max_streams,
        takes_devices: arguments.devices || arguments.listen.ip().is_loopback(),
    })
}

fn read_client_authorities(location: &Location, context: &mut Context<'_>) -> Result<Vec<X509>, Error> {
    let hint = "--client-ca takes the authorities that issue the clients' certificates";
    let certificates = read_authorities(&Opener::without_password(), location, hint, context)?;
    acceptor::parse_authorities(&certificates)
        .map_err(|error| Error::new(ExitKind::Input, format!("{location}: OpenSSL cannot read it: {error}")))
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
    Error::new(ExitKind::Input, format!("{file}: {problem}"))
        .hint("--p8-key takes a token signing key (AuthKey_KEYID.p8), or its public half")
}

fn read_tokens(location: &Location, context: &mut Context<'_>) -> Result<Tokens, Error> {
    let parsed = match location {
        Location::Standard => Tokens::parse(BufReader::new(&mut *context.stdin), now()),
        Location::Path(path) => read_token_file(path),
    };
    match parsed {
        Ok(tokens) => Ok(tokens),
        Err(error) => Err(Error::new(ExitKind::Input, format!("{location}: {error}"))),
    }
}

fn read_token_file(path: &Path) -> Result<Tokens, TokenListError> {
    Tokens::parse(BufReader::new(File::open(path)?), now())
}

/// Returns the time in milliseconds since 1970.
fn now() -> u64 {
    let milliseconds = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    u64::try_from(milliseconds).unwrap_or_default()
}

/// The list of devices as SIGHUP finds it.
struct TokenReload {
    tokens: Tokens,
    /// The file; `None` if there is none to read again.
    file: Option<PathBuf>,
    had_terminal: bool,
}

impl TokenReload {
    fn new(arguments: &GatewayArgs, options: &GatewayOptions) -> Self {
        let file = match &arguments.tokens {
            Some(Location::Path(path)) => Some(path.clone()),
            Some(Location::Standard) | None => None,
        };
        Self { tokens: options.tokens.clone(), file, had_terminal: has_terminal() }
    }

    /// Reads the list again, or ends the gateway: a terminal that is closed sends SIGHUP too. A list that cannot be read
    /// leaves the old one in force.
    fn on_hangup(&self) -> AfterHangup {
        let Some(file) = &self.file else { return AfterHangup::Stop };
        if self.had_terminal && !has_terminal() {
            return AfterHangup::Stop;
        }
        let line = match read_token_file(file) {
            Ok(tokens) => {
                self.tokens.replace(tokens);
                format!("{}: read again, {} device tokens", file.display(), self.tokens.count())
            }
            Err(error) => format!("warning: {}: {error}; the tokens are as before", file.display()),
        };
        let _ = writeln!(io::stderr(), "{}", printable(&line));
        AfterHangup::Serve
    }
}

/// Returns whether the process has a terminal, which its name leads to.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

fn make_folder() -> Result<KeyFolder, Error> {
    let made = KeyFolder::make("pushcert-gateway-");
    made.map_err(|error| Error::new(ExitKind::Write, format!("cannot make a temporary folder: {error}")))
}

/// Writes the files that clients need, then prints the line that names them.
fn announce(ready: &Ready, folder: &Path, out: &mut dyn Write) -> io::Result<ReadyReport> {
    let ca_file = write_file(&folder.join("ca.pem"), &ready.authority.to_pem()?, false)?;
    let client_file = match &ready.client {
        Some(client) => Some(write_file(&folder.join("client.pem"), &encode_client(client)?, true)?),
        None => None,
    };
    let address = ready.address.to_string();
    let report = ReadyReport { schema_version: SCHEMA_VERSION, address, ca_file, client_file };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)?;
    out.flush()?;
    Ok(report)
}

fn encode_client(client: &IssuedCertificate) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut pem = Zeroizing::new(client.certificate.to_pem()?);
    pem.extend_from_slice(&Zeroizing::new(client.key.private_key_to_pem_pkcs8()?));
    Ok(pem)
}

/// Writes one file and returns its name.
fn write_file(path: &Path, bytes: &[u8], is_private: bool) -> io::Result<String> {
    match outputs::write_all(&[Output { path, bytes, is_private, force: false }]) {
        Ok(_) => Ok(path.display().to_string()),
        Err((_, error)) => Err(io::Error::other(error.to_string())),
    }
}

/// Logs a request as one line. Of a device token it shows the beginning.
fn log(event: &RequestEvent) {
    let path = shorten_token(&event.path);
    let topic = event.topic.as_deref().unwrap_or("-");
    let reason = event.reason.as_deref().unwrap_or("-");
    let line = format!("{} {path} {topic} {} {reason} {}", event.method, event.status, event.apns_id);
    let _ = writeln!(io::stderr(), "{}", printable(&line));
    if let Some(warning) = event.warning {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
}

fn shorten_token(path: &str) -> String {
    let Some((start, token)) = path.rsplit_once('/') else { return path.to_owned() };
    match token.char_indices().nth(8) {
        Some((end, _)) => format!("{start}/{}…", &token[..end]),
        None => path.to_owned(),
    }
}
