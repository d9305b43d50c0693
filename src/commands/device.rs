//! `pushcert device`.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::certificate::apple::Environment;
use crate::cli::device::DeviceArgs;
use crate::cli::values::DatabaseUrl;
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::{advice, database, writing};
use crate::database::address::DatabaseAddress;
use crate::device::report::DeviceLine;
use crate::device::{
    self, Awaited, DeviceEnd, DeviceError, DeviceEvent, DeviceGateway, Launch, Provider, ProviderAddress,
    ProviderProblem, RegisteredApp,
};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::DEFAULT_TOPICS;
use crate::net::device_lines::{DeviceCredentials, DeviceRefusal};
use crate::net::tls::TlsError;
use crate::net::trust::StoreReader;
use crate::report::human;
use crate::report::shell::shell_location;
use crate::report::style::Paint;
use crate::schema::SCHEMA_VERSION;
use crate::text::{printable, printable_name};
use crate::world::context::Context;
use crate::world::files::{self, Location, ReadError};
use crate::world::outputs::Output;

/// The file of `--state`.
#[derive(Serialize, Deserialize)]
struct AppState {
    schema_version: u32,
    topic: String,
    environment: Environment,
    credentials: DeviceCredentials,
}

/// The alert of a server that speaks none of the offered protocols (RFC 7301 section 3.2).
const NO_APPLICATION_PROTOCOL: u8 = 120;

/// The hint for a file of `--state` that cannot be one.
const NEW_STATE_FILE: &str = "name a file that is not there yet: the app registers, and keeps its token in it";

pub(super) fn run(arguments: &DeviceArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    run_watched(arguments, &mut |_| {}, context)
}

/// Runs the command, and shows each event to `watch` too.
pub(super) fn run_watched(
    arguments: &DeviceArgs,
    watch: &mut dyn FnMut(&DeviceEvent<'_>),
    context: &mut Context<'_>,
) -> Result<Option<ExitKind>, Error> {
    let roots = read_roots(arguments, context)?;
    let gateway = DeviceGateway { endpoint: arguments.gateway.clone(), stores: StoreReader::new(roots.clone()) };
    let state_file = find_state_file(arguments)?;
    let earlier = match state_file {
        Some(path) => read_state(path, context)?,
        None => None,
    };
    if arguments.uninstall {
        return uninstall(arguments, &gateway, earlier, context);
    }
    let launch = match earlier {
        Some(state) => launch_again(arguments, state)?,
        None => Launch::Register { topic: arguments.app.clone().unwrap_or_else(|| DEFAULT_TOPICS[0].to_owned()) },
    };
    let provider = match &arguments.register_with {
        Some(url) => Some(find_provider(url, roots, context)?),
        None => None,
    };
    let awaited = Awaited { count: arguments.count, time: arguments.wait };
    let mut reporter = EventReporter { arguments, state_file, number: 0, failure: None, watch, context };
    let end = device::receive(&gateway, launch, provider.as_ref(), awaited, &mut |event| reporter.report(&event));
    match reporter.failure {
        // The reader wants no more; that all has come is not shown.
        Some(failure) if failure.is_closed_pipe => return Ok(Some(ExitKind::CheckFailed)),
        Some(failure) => return Err(failure),
        None => {}
    }
    let end = end.map_err(|error| explain(&error, arguments))?;
    report_end(arguments, end, context)?;
    Ok(if end == DeviceEnd::AllReceived { None } else { Some(ExitKind::CheckFailed) })
}

/// Reports events as they come, and keeps the state of a new app.
struct EventReporter<'a, 'c> {
    arguments: &'a DeviceArgs,
    state_file: Option<&'a Path>,
    /// The number of messages.
    number: u64,
    failure: Option<Error>,
    watch: &'a mut dyn FnMut(&DeviceEvent<'_>),
    context: &'a mut Context<'c>,
}

impl EventReporter<'_, '_> {
    fn report(&mut self, event: &DeviceEvent<'_>) -> io::Result<()> {
        (self.watch)(event);
        match self.try_report(event) {
            Ok(()) => Ok(()),
            Err(error) => {
                self.failure = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn try_report(&mut self, event: &DeviceEvent<'_>) -> Result<(), Error> {
        match (event, self.state_file) {
            (DeviceEvent::Started(app), Some(path)) if app.is_new => write_state(path, app, self.context)?,
            (DeviceEvent::Message(_), _) => self.number += 1,
            (DeviceEvent::Waits(step, time), _) => {
                return Ok(human::device::write_wait(self.context.stderr, *step, *time)?);
            }
            _ => {}
        }
        if self.arguments.json {
            return match DeviceLine::of(event) {
                Some(line) => print_line(&line, self.context),
                None => Ok(()),
            };
        }
        let paint = Paint::new(self.context.stdout_has_color);
        human::device::write(self.context.stdout, event, self.number, paint)?;
        Ok(self.context.stdout.flush()?)
    }
}

fn print_line(line: &DeviceLine<'_>, context: &mut Context<'_>) -> Result<(), Error> {
    let text = serde_json::to_string(line).map_err(io::Error::from)?;
    writeln!(context.stdout, "{text}")?;
    Ok(context.stdout.flush()?)
}

fn report_end(arguments: &DeviceArgs, end: DeviceEnd, context: &mut Context<'_>) -> Result<(), Error> {
    if arguments.json {
        return print_line(&DeviceLine::end(end), context);
    }
    Ok(human::device::write_end(context.stderr, end)?)
}

fn read_roots(arguments: &DeviceArgs, context: &mut Context<'_>) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let Some(location) = &arguments.ca_file else { return Ok(None) };
    let hint = "--ca-file takes the CA certificate that issued the gateway's certificate: ca_file in the line that \
                pushcert gateway prints";
    Ok(Some(read_authorities(&Opener::without_password(), location, hint, context)?))
}

/// Finds the provider of `--register-with`: a database, or an address of the web.
fn find_provider(url: &DatabaseUrl, roots: Option<Vec<Vec<u8>>>, context: &mut Context<'_>) -> Result<Provider, Error> {
    const OPTION: &str = "--register-with";
    let text = match url {
        DatabaseUrl::Text(text) if !DatabaseAddress::is_meant_by(text) && !text.starts_with("env:") => text,
        _ => return Ok(Provider::Database(database::find(url, OPTION, context)?)),
    };
    match ProviderAddress::parse(text) {
        Ok(address) => Ok(Provider::Web { address, stores: StoreReader::with_added(roots) }),
        Err(problem) => {
            let failure = Error::new(ExitKind::Usage, format!("{OPTION}: {problem}"));
            Err(match database::hint_at_file(text) {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

fn find_state_file(arguments: &DeviceArgs) -> Result<Option<&Path>, Error> {
    match &arguments.state {
        None => Ok(None),
        Some(Location::Path(path)) => Ok(Some(path)),
        Some(Location::Standard) => Err(Error::new(ExitKind::Usage, "--state takes a file that stays, not a stream")),
    }
}

/// Reads the state of an app; `None` if there is no file.
fn read_state(path: &Path, context: &mut Context<'_>) -> Result<Option<AppState>, Error> {
    let location = Location::Path(path.to_owned());
    if let Err(error) = path.metadata()
        && error.kind() == io::ErrorKind::NotFound
    {
        return Ok(None);
    }
    let bytes = match files::read_plain(path) {
        Ok(bytes) => bytes,
        Err(error @ ReadError::NotPlain) => {
            return Err(advice::explain(&location.to_string(), &error).hint(NEW_STATE_FILE));
        }
        Err(error) => return Err(advice::explain(&location.to_string(), &error)),
    };
    let name = printable_name(&location.to_string());
    match serde_json::from_slice::<AppState>(&bytes) {
        Ok(state) if state.schema_version > SCHEMA_VERSION => {
            let version = state.schema_version;
            let message = format!(
                "{name}: a newer pushcert has written it (version {version} of its form; this one knows {SCHEMA_VERSION})"
            );
            Err(Error::new(ExitKind::Input, message).hint("use the newer pushcert, or name another file"))
        }
        Ok(state) => {
            if is_open_to_others(path) {
                let (note, file) = ("others can read the secret of the app in it", shell_location(&location));
                writeln!(context.stderr, "warning: {name}: {note}: chmod 600 {file}")?;
            }
            Ok(Some(state))
        }
        Err(_) => Err(Error::new(ExitKind::Input, format!("{name}: this is not a file that --state has written"))
            .hint(NEW_STATE_FILE)),
    }
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

fn write_state(path: &Path, app: &RegisteredApp, context: &mut Context<'_>) -> Result<(), Error> {
    let state = AppState {
        schema_version: SCHEMA_VERSION,
        topic: app.topic.clone(),
        environment: app.environment,
        credentials: app.credentials.clone(),
    };
    let mut bytes = Zeroizing::new(serde_json::to_vec(&state).map_err(io::Error::from)?);
    bytes.push(b'\n');
    writing::write_all(&[Output { path, bytes: &bytes, is_private: true, force: false }], context)
}

fn launch_again(arguments: &DeviceArgs, state: AppState) -> Result<Launch, Error> {
    match &arguments.app {
        Some(app) if *app != state.topic => {
            let message = format!("--state has the app {}, and --app is {app}", state.topic);
            Err(Error::new(ExitKind::Usage, message).hint("take another file for another app"))
        }
        Some(_) | None => Ok(Launch::Receive(state.credentials)),
    }
}

fn uninstall(
    arguments: &DeviceArgs,
    gateway: &DeviceGateway,
    state: Option<AppState>,
    context: &mut Context<'_>,
) -> Result<Option<ExitKind>, Error> {
    let Some(state) = state else {
        return Err(Error::new(
            ExitKind::Input,
            "the file of --state is not there: no app is known that could be removed",
        ));
    };
    let since = device::uninstall(gateway, state.credentials, &mut |event| match event {
        DeviceEvent::Waits(step, time) => human::device::write_wait(context.stderr, step, time),
        _ => Ok(()),
    });
    let since = since.map_err(|error| explain(&error, arguments))?;
    if arguments.json {
        print_line(&DeviceLine::uninstalled(since), context)?;
    } else {
        writeln!(context.stdout, "{} is removed: its token is unregistered", printable(&state.topic))?;
    }
    Ok(None)
}

/// Returns the error for the user.
fn explain(error: &DeviceError, arguments: &DeviceArgs) -> Error {
    if let DeviceError::Database(error) = error {
        return database::explain(error);
    }
    let kind = match error {
        DeviceError::Refused(_) => ExitKind::CheckFailed,
        DeviceError::Provider(_, problem) if is_answer(problem) => ExitKind::CheckFailed,
        _ => ExitKind::Network,
    };
    let message = match error {
        DeviceError::Provider(..) | DeviceError::Runtime(_) => error.to_string(),
        _ => about_gateway(&arguments.gateway.to_string(), &error.to_string()),
    };
    let failure = Error::new(kind, message);
    match hint(error, arguments) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Names the gateway before a problem, unless it begins with the same address.
fn about_gateway(gateway: &str, problem: &str) -> String {
    if problem.starts_with(&format!("{gateway}: ")) { problem.to_owned() } else { format!("{gateway}: {problem}") }
}

fn is_answer(problem: &ProviderProblem) -> bool {
    matches!(problem, ProviderProblem::Status(_))
}

fn hint(error: &DeviceError, arguments: &DeviceArgs) -> Option<String> {
    match error {
        DeviceError::Tls(TlsError::Untrusted(_)) if arguments.ca_file.is_none() => {
            Some("add --ca-file with the ca_file that pushcert gateway prints".to_owned())
        }
        DeviceError::Tls(TlsError::NotOffered(..) | TlsError::Alert(NO_APPLICATION_PROTOCOL)) => Some(
            "only pushcert gateway has simulated devices; where it does not listen on this machine alone, it needs --devices"
                .to_owned(),
        ),
        DeviceError::Refused(DeviceRefusal::Unknown | DeviceRefusal::Uninstalled) => {
            let file = arguments.state.as_ref()?;
            Some(format!("to register anew, remove the file: rm {}", shell_location(file)))
        }
        DeviceError::Resolve { .. } => Some("check the name; pushcert gateway prints the address of its devices".to_owned()),
        DeviceError::Dial(_) => Some("start it with pushcert gateway, which prints its address".to_owned()),
        DeviceError::Provider(_, problem) if is_answer(problem) => {
            Some("the provider gets POST with JSON: app, environment and token".to_owned())
        }
        _ => None,
    }
}
