//! `pushcert gateway`.

mod next;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use openssl::pkey::PKey;
use openssl::x509::X509;
use serde::Serialize;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::gateway::{GatewayArgs, TeamKeyFile};
use crate::commands::shared::advice::RAISE_OPEN_FILES;
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::{self, Opener, check_stdin};
use crate::commands::shared::writing;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::authority::{IssuedCertificate, is_of_throwaway_authority};
use crate::gateway::device_file::{DeviceFile, DeviceFileError};
use crate::gateway::event_log::LineSink;
use crate::gateway::observer::{RequestEvent, RequestLog};
use crate::gateway::running::RunningGateway;
use crate::gateway::team_key::TeamKey;
use crate::gateway::tokens::{TokenListError, Tokens};
use crate::gateway::{self, AfterHangup, DEFAULT_TOPICS, GatewayOptions, Ready, acceptor};
use crate::net::descriptors::is_out_of_descriptors;
use crate::report::shell::shell_word;
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::Location;
use crate::world::key_folder::{self, KeyFolder, KeyFolderKind};
use crate::world::log_file::{self, CreateError, CreatedLog, LogFile};
use crate::world::outputs::{self, Output};
#[cfg(unix)]
use crate::world::signals;
use crate::world::terminal::has_controlling_terminal;

/// The authority that clients must trust.
const CA_FILE: &str = "ca.pem";
/// The push certificate of the throwaway authority, with its key.
const CLIENT_FILE: &str = "client.pem";

/// The simulated devices.
const DEVICE_FILE: &str = "devices.ndjson";

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
        announce(ready, folder.path(), event_file.as_ref(), arguments, context)
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
    let mut options = read_options(arguments, context)?;
    let listen = options.listen;
    refuse_own_inputs(arguments)?;
    let (folder, device_file) = GatewayFolder::make(arguments.folder.as_deref())?;
    options.device_file = device_file;
    let gateway = match RunningGateway::start(options) {
        Ok(gateway) => gateway,
        Err(error) => return Err(explain_end(&error, listen)),
    };
    match announce(&gateway.ready, folder.path(), None, arguments, context) {
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
    advise(Error::new(kind, format!("the gateway on {listen} cannot run: {error}")), error)
}

/// Adds what to do if no descriptor is left.
fn advise(error: Error, cause: &io::Error) -> Error {
    if is_out_of_descriptors(cause) { error.hint(RAISE_OPEN_FILES) } else { error }
}

/// The file of `--log`.
struct EventFile {
    location: Location,
    force: bool,
    /// What is no regular file is opened before the gateway waits for signals: a pipe waits for its reader.
    special: Mutex<Option<File>>,
    writer: Arc<OnceLock<LogFile>>,
}

impl EventFile {
    /// Refuses a file that is an input too. Nothing is emptied yet: the address may be in use.
    fn prepare(location: &Location, arguments: &GatewayArgs) -> Result<Self, Error> {
        let mut special = None;
        if let Location::Path(path) = location {
            let is_input = inputs(arguments).into_iter().any(|input| is_same_file(location, input));
            if is_input || is_of_folder(path, arguments) {
                return Err(refuse_log(location, if is_input { "an input too" } else { OWN_FILE }));
            }
            if arguments.force {
                special = log_file::open_special(path).map_err(|error| explain_create(location, &error.into()))?;
            }
        }
        let writer = Arc::new(OnceLock::new());
        Ok(Self { location: location.clone(), force: arguments.force, special: Mutex::new(special), writer })
    }

    /// Returns the function that takes lines, from the opening on.
    fn sink(&self) -> LineSink {
        let writer = Arc::clone(&self.writer);
        Box::new(move |line| {
            if let Some(writer) = writer.get() {
                writer.write_line(line);
            }
        })
    }

    /// Opens the log, and starts its writer. Returns the file if it was not there before.
    fn open(&self) -> Result<Option<&Path>, Error> {
        let special = self.special.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (file, new) = match (&self.location, special) {
            (_, Some(file)) => (file, None),
            (Location::Standard, None) => match log_file::duplicate(&io::stdout()) {
                Ok(file) => (file, None),
                Err(error) => return Err(explain_create(&self.location, &error.into())),
            },
            (Location::Path(path), None) => match log_file::create(path, self.force, &log_file::is_log) {
                Ok(CreatedLog { file, is_new }) => (file, is_new.then_some(path.as_path())),
                Err(error) => return Err(explain_create(&self.location, &error)),
            },
        };
        let name = self.location.to_string();
        let warn = move |error: &io::Error| {
            let line = format!("warning: {name}: the log ends here, it cannot be written: {error}");
            let _ = writeln!(io::stderr(), "{}", printable(&line));
        };
        match LogFile::start(Box::new(file), warn) {
            Ok(writer) => {
                let _ = self.writer.set(writer);
                Ok(new)
            }
            Err(error) => Err(explain_create(&self.location, &error.into())),
        }
    }

    fn finish(&self) -> Result<(), Error> {
        let Some(writer) = self.writer.get() else { return Ok(()) };
        let location = &self.location;
        writer
            .finish()
            .map_err(|error| Error::new(ExitKind::Write, format!("{location}: the log is not complete: {error}")))
    }
}

/// Explains why the file of a log cannot be had.
fn explain_create(location: &Location, error: &CreateError) -> Error {
    let explained = Error::new(ExitKind::Write, format!("{location}: {error}"));
    match error {
        CreateError::Exists => explained.hint("--force empties it if it is an earlier log"),
        CreateError::NoEarlierLog => {
            explained.hint("--force empties an earlier log, and this file may hold a key: choose another name")
        }
        CreateError::InUse => explained.hint("each gateway needs a log of its own: choose another name"),
        CreateError::NoFile => explained,
        CreateError::Io(cause) => advise(explained, cause),
    }
}

/// Returns whether the log and an input are one file.
fn is_same_file(log: &Location, input: &Location) -> bool {
    let stdin = Location::Path("/dev/stdin".into());
    let input = if *input == Location::Standard { &stdin } else { input };
    let is_regular = |location: &Location| matches!(location, Location::Path(path) if path.is_file());
    is_regular(log) && log.is_same_output(input)
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

/// What a log is that would overwrite a file of the gateway.
const OWN_FILE: &str = "one of --folder's own";

fn refuse_log(location: &Location, what: &str) -> Error {
    Error::new(ExitKind::Usage, format!("{location}: the file of --log is {what}"))
        .hint("choose another name for the log")
}

/// Returns whether a log is by its name one of the files that the gateway makes in the folder of `--folder`, which may not
/// be there.
fn is_of_folder(log: &Path, arguments: &GatewayArgs) -> bool {
    let Some(folder) = &arguments.folder else { return false };
    let Ok(log) = std::path::absolute(log) else { return false };
    [CA_FILE, CLIENT_FILE, DEVICE_FILE]
        .iter()
        .any(|name| std::path::absolute(folder.join(name)).is_ok_and(|file| file == log))
}

/// Refuses an input that the gateway would write over, or remove at its end.
fn refuse_own_inputs(arguments: &GatewayArgs) -> Result<(), Error> {
    let Some(folder) = &arguments.folder else { return Ok(()) };
    for input in inputs(arguments) {
        if is_in_folder(input, folder) {
            return Err(Error::new(
                ExitKind::Usage,
                format!("{input}: the gateway writes this file of --folder itself"),
            )
            .hint("choose another folder, or give a copy of the file"));
        }
    }
    Ok(())
}

/// Returns whether a log is one of the files that the gateway has made.
fn is_in_folder(log: &Location, folder: &Path) -> bool {
    let files = [CA_FILE, CLIENT_FILE, DEVICE_FILE].map(|name| Location::Path(folder.join(name)));
    files.iter().any(|file| log.is_same_output(file))
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

fn read_options(arguments: &GatewayArgs, context: &mut Context<'_>) -> Result<GatewayOptions, Error> {
    check_stdin(&inputs(arguments), &[])?;
    check_stream_limits(arguments)?;
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
        log: None,
        event_log: None,
        keeps_requests: false,
        max_streams: arguments.max_streams,
        takes_devices: takes_devices(arguments),
        device_file: None,
    })
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

/// Reads the file of tokens again.
fn reopen_token_file(path: &Path) -> Result<Tokens, TokenListError> {
    let mut options = File::options();
    options.read(true);
    // A pipe would keep the gateway waiting for whoever writes to it.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file any more").into());
    }
    Tokens::parse(BufReader::new(file), now())
}

/// The list of devices as SIGHUP finds it.
struct TokenReload {
    tokens: Tokens,
    /// The file; `None` if there is none to read again, such as a pipe.
    file: Option<PathBuf>,
    had_terminal: bool,
}

impl TokenReload {
    fn new(arguments: &GatewayArgs, options: &GatewayOptions) -> Self {
        let file = match &arguments.tokens {
            Some(Location::Path(path)) if path.is_file() => Some(path.clone()),
            Some(_) | None => None,
        };
        Self { tokens: options.tokens.clone(), file, had_terminal: has_controlling_terminal() }
    }

    /// Reads the list again, or ends the gateway: a terminal that is closed sends SIGHUP too. A list that cannot be read
    /// leaves the old one in force.
    fn on_hangup(&self) -> AfterHangup {
        let Some(file) = &self.file else { return AfterHangup::Stop };
        if self.had_terminal && !has_controlling_terminal() {
            return AfterHangup::Stop;
        }
        let line = match reopen_token_file(file) {
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

/// The temporary folders of gateways.
const FOLDERS: KeyFolderKind = KeyFolderKind { prefix: "pushcert-gateway-", files: &[CA_FILE, CLIENT_FILE] };

/// The folder of the files that clients need.
enum GatewayFolder {
    Temporary(KeyFolder),
    /// The folder of `--folder`, which stays, and the right to it.
    Named(NamedFolder),
}

/// A folder that stays.
struct NamedFolder {
    path: PathBuf,
    _lock: File,
}

impl GatewayFolder {
    /// Makes the folder, or takes one that is there and that no other gateway has. A folder that stays has the file of the
    /// devices.
    fn make(named: Option<&Path>) -> Result<(Self, Option<DeviceFile>), Error> {
        let Some(path) = named else {
            return match KeyFolder::make(&FOLDERS) {
                Ok(folder) => Ok((Self::Temporary(folder), None)),
                Err(error) => {
                    let explained = Error::new(ExitKind::Write, format!("cannot make a temporary folder: {error}"));
                    Err(advise(explained, &error))
                }
            };
        };
        if let Err(error) = key_folder::make_private(path) {
            return Err(Error::new(ExitKind::Write, format!("{}: cannot make the folder: {error}", path.display())));
        }
        let lock = lock_folder(path)?;
        let left = [CA_FILE, CLIENT_FILE].map(|name| path.join(name));
        for file in &left {
            check_left(file)?;
        }
        let device_file = open_device_file(path)?;
        for file in &left {
            remove_left(file)?;
        }
        Ok((Self::Named(NamedFolder { path: path.to_owned(), _lock: lock }), Some(device_file)))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Named(folder) => &folder.path,
        }
    }
}

/// Opens the file of the devices, in a folder that stays.
fn open_device_file(folder: &Path) -> Result<DeviceFile, Error> {
    let file = folder.join(DEVICE_FILE);
    match DeviceFile::open(&file) {
        Ok(opened) => Ok(opened),
        Err(DeviceFileError::Io(error)) => {
            Err(Error::new(ExitKind::Write, format!("{}: cannot keep the devices: {error}", file.display())))
        }
        Err(error @ DeviceFileError::Line(_)) => {
            Err(Error::new(ExitKind::Input, format!("{}: {error}", file.display())).hint("choose another folder"))
        }
    }
}

/// Takes the folder for one gateway. Not every file system has locks.
fn lock_folder(folder: &Path) -> Result<File, Error> {
    let opened = match File::open(folder) {
        Ok(opened) => opened,
        Err(error) => {
            let message = format!("{}: cannot open the folder: {error}", folder.display());
            return Err(advise(Error::new(ExitKind::Write, message), &error));
        }
    };
    if key_folder::is_locked_by_another(&opened) {
        return Err(Error::new(ExitKind::Write, format!("{}: another gateway uses the folder", folder.display()))
            .hint("each gateway needs a folder of its own: choose another one"));
    }
    Ok(opened)
}

/// Returns whether a file is one that a gateway has written.
fn is_ours(file: &Path) -> bool {
    file.is_file() && std::fs::read(file).is_ok_and(|pem| is_of_throwaway_authority(&Zeroizing::new(pem)))
}

/// Refuses a file that no gateway has written; one of a gateway that was killed makes room.
fn check_left(file: &Path) -> Result<(), Error> {
    if std::fs::symlink_metadata(file).is_err() || is_ours(file) {
        return Ok(());
    }
    let message = format!("{}: the file exists, and is not of a gateway", file.display());
    Err(Error::new(ExitKind::Write, message).hint("choose another folder"))
}

fn remove_left(file: &Path) -> Result<(), Error> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::new(ExitKind::Write, format!("{}: cannot remove it: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

impl Drop for GatewayFolder {
    fn drop(&mut self) {
        let Self::Named(folder) = self else { return };
        for file in [CA_FILE, CLIENT_FILE].map(|name| folder.path.join(name)) {
            if is_ours(&file) {
                let _ = std::fs::remove_file(file);
            }
        }
    }
}

/// Writes the files that clients need, opens the log, then prints the line that names the files.
fn announce(
    ready: &Ready,
    folder: &Path,
    log: Option<&EventFile>,
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
    let next = next::commands(ready.address, &report, folder, arguments);
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
