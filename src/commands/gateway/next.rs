//! The commands that go on from a gateway that is ready, as they can be typed in any folder.

use std::net::SocketAddr;
use std::path::{Path, absolute};

use time::OffsetDateTime;

use super::{ReadyReport, takes_devices};
use crate::apns::notification::push_type_of;
use crate::certificate::apple::Environment;
use crate::cli::gateway::GatewayArgs;
use crate::container::Contents;
use crate::report::shell::shell_word;
use crate::world::files::Location;

/// The database that the device's token goes to, in the gateway's folder.
const DATABASE_FILE: &str = "tokens.db";

/// A push certificate that was given as the only client's own.
pub(super) struct OwnClient {
    /// Its file, where its key is in it and it has not expired.
    file: Option<String>,
    topic: String,
    environments: Vec<Environment>,
}

impl OwnClient {
    /// Returns that of a file; `None` where it holds authorities, or several certificates for pushes.
    pub(super) fn of(location: &Location, contents: &Contents, now: OffsetDateTime) -> Option<Self> {
        let mut found = contents.certificates.iter().map(|entry| &entry.item).filter(|one| one.kind.is_push());
        let (Some(certificate), None) = (found.next(), found.next()) else { return None };
        let for_alerts = certificate.topics.iter().find(|topic| takes_alerts(&topic.topic));
        let topic = for_alerts.or(certificate.topics.first())?.topic.clone();
        let has_key = contents.keys.iter().any(|key| key.item.public().identity() == certificate.public_key.identity());
        let file = match location {
            Location::Path(path) if has_key && !certificate.is_expired(now) => path.to_str().map(|_| full_name(path)),
            _ => None,
        };
        Some(Self { file, topic, environments: certificate.environments.clone() })
    }
}

/// Returns the commands, in order: a device, and a push to it, where the certificate for that is known. A gateway without
/// devices has its certificate checked.
pub(super) fn commands(
    address: SocketAddr,
    report: &ReadyReport,
    folder: &Path,
    own: Option<&OwnClient>,
    arguments: &GatewayArgs,
) -> Vec<String> {
    let gateway = reachable(address);
    let ca_file = full_name(Path::new(&report.ca_file));
    let environment = Environment::from(arguments.environment);
    let (topic, client_file) = match own {
        Some(own) if own.environments.contains(&environment) => (Some(&own.topic), own.file.clone()),
        Some(own) => (Some(&own.topic), None),
        None => (arguments.topic.first(), report.client_file.as_ref().map(|name| full_name(Path::new(name)))),
    };
    let way = ["--gateway", &gateway, "--ca-file", &ca_file];
    if !takes_devices(arguments) {
        return match client_file {
            Some(client) => vec![line(&["check", &client], &way, &[])],
            None => Vec::new(),
        };
    }
    let file = full_name(&folder.join(DATABASE_FILE));
    let database = format!("sqlite:{file}");
    // A URL has its options after a question mark.
    let has_database = !file.contains('?');
    let mut rest = Vec::new();
    if has_database {
        rest.extend(["--register-with", &database]);
    }
    if let Some(topic) = topic {
        rest.extend(["--app", topic]);
    }
    let mut commands = vec![line(&["device"], &way, &rest)];
    if let Some(client) = client_file
        && has_database
        && topic.is_none_or(|topic| takes_alerts(topic))
    {
        let rest = ["--environment", environment.name(), "--database", &database, "--alert", "Hello"];
        commands.push(line(&["push", &client], &way, &rest));
    }
    commands
}

/// Returns whether a provider with a certificate sends alerts to a topic, without a payload of another form.
fn takes_alerts(topic: &str) -> bool {
    ["alert", "voip", "complication", "pushtotalk"].contains(&push_type_of(topic).name)
}

/// Returns the address at which this machine reaches the gateway. Not every machine calls ::1 localhost.
fn reachable(address: SocketAddr) -> String {
    let is_ipv6_alone = address.is_ipv6() && address.ip().is_loopback();
    if !is_ipv6_alone && (address.ip().is_loopback() || address.ip().is_unspecified()) {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

fn full_name(path: &Path) -> String {
    match absolute(path) {
        Ok(path) => path.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

fn line(command: &[&str], way: &[&str], rest: &[&str]) -> String {
    let mut line = "pushcert".to_owned();
    for word in [command, way, rest].concat() {
        line.push(' ');
        line.push_str(&shell_word(word));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_alone_is_not_called_localhost() {
        for (address, name) in [
            ("127.0.0.1:1", "localhost:1"),
            ("[::1]:1", "[::1]:1"),
            ("0.0.0.0:1", "localhost:1"),
            ("[::]:1", "localhost:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ] {
            assert_eq!(reachable(address.parse().unwrap()), name);
        }
    }
}
