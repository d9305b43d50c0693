//! `pushcert gateway`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::gateway::GatewayArgs;
use crate::commands::shared::advice;
use crate::container::{self, Passwords};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::observer::RequestEvent;
use crate::gateway::tokens::Tokens;
use crate::gateway::{self, DEFAULT_TOPICS, GatewayOptions, Ready, acceptor};
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::{self, Location, Output};

/// What is printed once it is ready.
#[derive(Serialize)]
struct ReadyReport {
    schema_version: u32,
    address: String,
    ca_file: String,
    client_file: Option<String>,
}

pub(super) fn run(arguments: &GatewayArgs, context: &mut Context<'_>) -> Result<(), Error> {
    if arguments.tokens == Some(Location::Standard) && arguments.client_ca == Some(Location::Standard) {
        return Err(Error::new(ExitKind::Usage, "standard input can be read only once"));
    }
    let client_authorities = match &arguments.client_ca {
        Some(location) => Some(read_authorities(location, context)?),
        None => None,
    };
    let tokens = match &arguments.tokens {
        Some(location) => read_tokens(location, context)?,
        None => Tokens::default(),
    };
    let topics = match &arguments.topic[..] {
        [] => DEFAULT_TOPICS.map(str::to_owned).to_vec(),
        topics => topics.to_vec(),
    };
    let options = GatewayOptions {
        listen: arguments.listen,
        environment: arguments.environment.into(),
        tls: arguments.tls.into(),
        client_authorities,
        topics,
        tokens,
        fault: arguments.fault.clone(),
        log: arguments.verbose.then(|| Box::new(log) as gateway::observer::Log),
    };
    // Removed when this function returns, whatever it returns.
    let folder = tempfile::Builder::new().prefix("pushcert-gateway-").tempdir();
    let folder =
        folder.map_err(|error| Error::new(ExitKind::Write, format!("cannot make a temporary folder: {error}")))?;
    let listen = arguments.listen;
    gateway::run_until_signal(options, |ready| announce(ready, folder.path(), context.stdout))
        .map_err(|error| Error::new(ExitKind::Network, format!("the gateway on {listen} cannot run: {error}")))
}

fn read_authorities(location: &Location, context: &mut Context<'_>) -> Result<Vec<openssl::x509::X509>, Error> {
    let name = location.to_string();
    let bytes = files::read(location, context.stdin).map_err(|error| advice::explain(&name, &error))?;
    let contents = container::open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS)
        .map_err(|unopened| advice::explain(&name, &unopened.error))?;
    if contents.certificates.is_empty() {
        return Err(Error::new(ExitKind::Input, format!("{name}: there is no certificate in it"))
            .hint("--client-ca takes the authorities that issue the clients' certificates"));
    }
    acceptor::parse_authorities(contents.certificates.iter().map(|entry| entry.item.der.as_slice()))
        .map_err(|error| Error::new(ExitKind::Input, format!("{name}: OpenSSL cannot read it: {error}")))
}

fn read_tokens(location: &Location, context: &mut Context<'_>) -> Result<Tokens, Error> {
    let bytes = files::read(location, context.stdin).map_err(|error| advice::explain(&location.to_string(), &error))?;
    let wrong = |what: String| Error::new(ExitKind::Input, format!("{location}: {what}"));
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("a list of device tokens is expected".to_owned()))?;
    Tokens::parse(text).map_err(wrong)
}

fn announce(ready: &Ready, folder: &Path, out: &mut dyn Write) -> io::Result<()> {
    let write = |name: &str, bytes: &[u8], is_private: bool| -> io::Result<String> {
        let path = folder.join(name);
        let output = Output { path: &path, bytes, is_private };
        files::write_all(&[output], false).map_err(|(_, error)| io::Error::other(error.to_string()))?;
        Ok(path.display().to_string())
    };
    let ca_file = write("ca.pem", &ready.authority.to_pem()?, false)?;
    let client_file = match &ready.client {
        Some(client) => {
            let mut pem = Zeroizing::new(client.certificate.to_pem()?);
            pem.extend_from_slice(&Zeroizing::new(client.key.private_key_to_pem_pkcs8()?));
            Some(write("client.pem", &pem, true)?)
        }
        None => None,
    };
    let report =
        ReadyReport { schema_version: SCHEMA_VERSION, address: ready.address.to_string(), ca_file, client_file };
    serde_json::to_writer(&mut *out, &report)?;
    writeln!(out)?;
    out.flush()
}

/// One line a request. Of a device token only the beginning is shown.
fn log(event: &RequestEvent) {
    let path = match event.path.rsplit_once('/') {
        Some((start, token)) if token.chars().count() > 8 => {
            format!("{start}/{}…", token.chars().take(8).collect::<String>())
        }
        _ => event.path.clone(),
    };
    let topic = event.topic.as_deref().unwrap_or("-");
    let reason = event.reason.as_deref().unwrap_or("-");
    let line = format!("{} {path} {topic} {} {reason} {}", event.method, event.status, event.apns_id);
    let _ = writeln!(io::stderr(), "{}", printable(&line));
}
