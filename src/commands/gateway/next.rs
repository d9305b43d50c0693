//! The commands that go on from a gateway that is ready, as they can be typed in any folder.

use std::net::SocketAddr;
use std::path::{Path, absolute};

use super::{ReadyReport, takes_devices};
use crate::certificate::apple::Environment;
use crate::cli::gateway::GatewayArgs;
use crate::report::shell::shell_word;

/// The database that the device's token goes to, in the gateway's folder.
const DATABASE_FILE: &str = "tokens.db";

/// Returns the commands, in order: a device, and a push to it, where the certificate for that is known. A gateway without
/// devices has its certificate checked.
pub(super) fn commands(
    address: SocketAddr,
    report: &ReadyReport,
    folder: &Path,
    arguments: &GatewayArgs,
) -> Vec<String> {
    let gateway = reachable(address);
    let ca_file = full_name(Path::new(&report.ca_file));
    let client_file = report.client_file.as_ref().map(|name| full_name(Path::new(name)));
    let way = ["--gateway", &gateway, "--ca-file", &ca_file];
    if !takes_devices(arguments) {
        return match client_file {
            Some(client) => vec![line(&["check", &client], &way, &[])],
            None => Vec::new(),
        };
    }
    let database = format!("sqlite:{}", full_name(&folder.join(DATABASE_FILE)));
    let mut rest = vec!["--register-with", &database];
    if let Some(topic) = arguments.topic.first() {
        rest.extend(["--app", topic]);
    }
    let mut commands = vec![line(&["device"], &way, &rest)];
    if let Some(client) = client_file {
        let environment = Environment::from(arguments.environment).name();
        let rest = ["--environment", environment, "--database", &database, "--alert", "Hello"];
        commands.push(line(&["push", &client], &way, &rest));
    }
    commands
}

/// Returns the address at which this machine reaches the gateway.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
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
