//! `pushcert check`.

mod advice;
mod policy;
mod proxy;
mod subject;

use std::sync::Arc;

use crate::apns::endpoint;
use crate::apns::notification::push_type_labelled;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::check::report::{CheckReport, RunFacts};
use crate::check::{self, CheckOptions, Target};
use crate::cli::check::CheckArgs;
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::report_file::ReportFile;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::net::endpoint::Endpoint;
use crate::net::proxy::ProxyChoice;
use crate::net::trust::StoreReader;
use crate::report::earlier::is_check_report;
use crate::report::style::Paint;
use crate::report::{Report, human};
use crate::world::context::Context;
use crate::world::files::Location;

/// Returns the exit code, which is not always one of the table: Nagios has its own.
pub(super) fn run(arguments: &CheckArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let file = ReportFile { output: arguments.output.as_ref(), force: arguments.force, is_earlier: is_check_report };
    file.check_replaceable()?;
    let report = check_all(arguments, context)?;
    let format = arguments.format();
    let is_in_file = file.write(Report::Check(&report), format, context)?;
    // A log that says nothing of a failure helps nobody.
    if is_in_file && report.exit_code != 0 {
        human::check::write(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(Report::Check(&report).exit_code(format))
}

fn check_all(arguments: &CheckArgs, context: &mut Context<'_>) -> Result<CheckReport, Error> {
    if let Some(gateway) = &arguments.gateway {
        refuse_retired(gateway)?;
    }
    let proxy = proxy::find(arguments, context)?;
    let mut inputs = vec![&arguments.input];
    inputs.extend(&arguments.key);
    inputs.extend(&arguments.ca_file);
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let contents = opener.open_with_key(&arguments.input, arguments.key.as_ref(), context)?;
    let roots = match &arguments.ca_file {
        Some(location) => {
            let hint = "--ca-file takes the CA certificate that issued the server's certificate";
            Some(read_authorities(&opener, location, hint, context)?)
        }
        None => None,
    };
    let selected = subject::select(arguments, &contents)?;
    let gateways = targets(arguments, selected.leaf, &proxy);
    refuse_proxied_addresses(arguments, &gateways)?;
    let mut check_options = options(arguments, selected.leaf, StoreReader::new(roots));
    if arguments.revocation {
        check_options.revocation =
            Some(subject::revocation(&arguments.input, selected.leaf, &contents, proxy.clone())?);
    }
    let run = RunFacts {
        path: path(&arguments.input),
        title: selected.leaf.title().to_owned(),
        has_policy: policy::is_given(arguments),
        expectation: arguments.expect.clone(),
        at: context.now,
    };
    let identity = subject::prepare(arguments, selected, &contents, arguments.at.unwrap_or(context.now))?;
    let findings = identity.findings.clone();
    match check::run(identity, gateways, check_options) {
        Ok(checks) => Ok(CheckReport::new(checks, findings, run)),
        Err(error) => Err(Error::new(ExitKind::Network, format!("the network cannot be used: {error}"))),
    }
}

fn path(location: &Location) -> Option<String> {
    match location {
        Location::Standard => None,
        Location::Path(path) => Some(path.display().to_string()),
    }
}

fn options(arguments: &CheckArgs, leaf: &Certificate, stores: StoreReader) -> CheckOptions {
    let topic = match &arguments.topic {
        Some(topic) => Some(topic.as_str()),
        None => leaf.main_topic(),
    };
    let push_type = topic.map(|topic| push_type_labelled(topic, leaf.label_of(topic)));
    CheckOptions {
        timeout: arguments.timeout,
        retries: arguments.retries,
        every_address: arguments.every_address,
        server_warn: arguments.server_warn,
        wants_probe: !arguments.no_probe,
        token: arguments.token.clone(),
        topic: topic.map(str::to_owned),
        push_type,
        stores: Arc::new(stores),
        is_gateway_named: arguments.gateway.is_some(),
        expectation: arguments.expect.clone(),
        revocation: None,
        advice: advice::for_ground,
    }
}

fn refuse_retired(gateway: &Endpoint) -> Result<(), Error> {
    let Some(environment) = endpoint::retired_environment_of(gateway) else { return Ok(()) };
    let message = format!("{gateway}: Apple closed this gateway of the binary protocol on 2021-03-31");
    let now = endpoint::gateway(environment, endpoint::PORTS[0]);
    let name = environment.name();
    Err(Error::new(ExitKind::Usage, message).hint(format!("{now} took its place, with HTTP/2: --environment {name}")))
}

/// Refuses to ask every address through a proxy, which chooses the address itself.
fn refuse_proxied_addresses(arguments: &CheckArgs, gateways: &[Target]) -> Result<(), Error> {
    if !arguments.every_address {
        return Ok(());
    }
    for Target { endpoint, proxy, .. } in gateways {
        if let Some(proxy) = proxy {
            let message = format!("--every-address: {endpoint} is reached through {proxy}, which chooses the address");
            let hint = format!("connect directly: NO_PROXY={}", endpoint.host);
            return Err(Error::new(ExitKind::Usage, message).hint(hint));
        }
    }
    Ok(())
}

/// Returns the gateways to ask: the one that is named, or Apple's for each environment and port.
fn targets(arguments: &CheckArgs, leaf: &Certificate, proxy: &ProxyChoice) -> Vec<Target> {
    if let Some(gateway) = &arguments.gateway {
        let environment = match arguments.environment.map(|choice| choice.list()) {
            Some([only]) => endpoint::environment_of(gateway).or(Some(*only)),
            _ => endpoint::environment_of(gateway),
        };
        return vec![Target {
            environment,
            endpoint: gateway.clone(),
            proxy: proxy.for_host(&gateway.host),
            address: None,
        }];
    }
    let mut list = Vec::new();
    for environment in environments(arguments, leaf) {
        for port in arguments.port.list() {
            let gateway = endpoint::gateway(environment, *port);
            let proxy = proxy.for_host(&gateway.host);
            list.push(Target { environment: Some(environment), endpoint: gateway, proxy, address: None });
        }
    }
    list
}

/// Returns the environments that the user chose, or else those of the certificate, or else all; sorted by name.
fn environments(arguments: &CheckArgs, leaf: &Certificate) -> Vec<Environment> {
    let mut chosen = match arguments.environment {
        Some(choice) => choice.list().to_vec(),
        None => leaf.environments.clone(),
    };
    if chosen.is_empty() {
        chosen = vec![Environment::Production, Environment::Sandbox];
    }
    chosen.sort_by_key(|environment| environment.name());
    chosen
}
