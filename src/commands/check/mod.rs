//! `pushcert check`.

mod advice;
mod policy;
mod subject;

use std::io;
use std::sync::Arc;

use crate::apns::endpoint;
use crate::apns::notification::{PushType, push_type_labelled, push_type_of};
use crate::certificate::apple::Environment;
use crate::check::ground::{Circumstances, Ground};
use crate::check::report::{CheckReport, RunFacts};
use crate::check::revocation::Revocation;
use crate::check::token::TokenIdentity;
use crate::check::{self, CheckOptions, Credential, Target, TestedIdentity};
use crate::cli::check::{CheckArgs, Environments};
use crate::cli::format::{ReportFormat, check_formats};
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::proxy;
use crate::commands::shared::report_file::ReportFile;
use crate::commands::shared::signing_key::{self, TokenNames};
use crate::commands::shared::target;
use crate::commands::shared::thresholds;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::net::descriptors::is_out_of_descriptors;
use crate::net::mask::Mask;
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
    refuse_early(arguments)?;
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

/// Refuses what the arguments alone show to be wrong.
pub(super) fn refuse_early(arguments: &CheckArgs) -> Result<(), Error> {
    if let (Some(warn), Some(fail)) = (arguments.warn, arguments.fail) {
        thresholds::check_order(warn, fail)?;
    }
    ReportFile::refuse_format_name(arguments.output.as_ref(), &check_formats())?;
    let Some(gateway) = &arguments.gateway else { return Ok(()) };
    target::refuse_retired(gateway)?;
    match arguments.environment.map(Environments::list) {
        Some([only]) => target::refuse_contradiction(gateway, *only),
        Some(_) => {
            let message = format!("--environment both asks Apple's two environments, and --gateway names {gateway}");
            Err(Error::new(ExitKind::Usage, message).hint("leave one of them out"))
        }
        None => Ok(()),
    }
}

fn check_all(arguments: &CheckArgs, context: &mut Context<'_>) -> Result<CheckReport, Error> {
    let proxy = proxy::find(arguments.proxy.as_ref(), context)?;
    let mut inputs = vec![arguments.input()];
    inputs.extend(&arguments.key);
    inputs.extend(&arguments.ca_file);
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let subject = match &arguments.p8 {
        Some(file) => token_subject(arguments, file, &opener, context)?,
        None => certificate_subject(arguments, &opener, &proxy, context)?,
    };
    let roots = match &arguments.ca_file {
        Some(location) => {
            let hint = "--ca-file takes the CA certificate that issued the server's certificate";
            Some(read_authorities(&opener, location, hint, context)?)
        }
        None => None,
    };
    let gateways = targets(arguments, &subject.identity.environments, &proxy);
    refuse_proxied_addresses(arguments, &gateways)?;
    let run = RunFacts {
        path: path(arguments.input()),
        title: subject.identity.title.clone(),
        has_policy: policy::is_given(arguments),
        expectation: arguments.expect.clone(),
        warnings_count: arguments.format() == ReportFormat::Nagios,
        at: context.now,
    };
    let findings = subject.identity.findings.clone();
    let mask = secrets(arguments, &subject.identity, &proxy);
    let check_options = options(arguments, subject.request, StoreReader::new(roots), mask);
    match check::run(subject.identity, gateways, check_options) {
        Ok(checks) => Ok(CheckReport::new(checks, findings, run)),
        Err(error) => Err(unusable_network(&error)),
    }
}

fn unusable_network(error: &io::Error) -> Error {
    let failure = Error::new(ExitKind::Network, format!("the network cannot be used: {error}"));
    if is_out_of_descriptors(error) {
        return failure.hint(advice::for_ground(Ground::OpenFiles, Circumstances::default()));
    }
    failure
}

/// What is under test, and what is asked about it.
struct Subject {
    identity: TestedIdentity,
    request: RequestFacts,
}

/// What a request takes from what is under test.
struct RequestFacts {
    topic: Option<String>,
    push_type: Option<PushType>,
    revocation: Option<Revocation>,
}

fn certificate_subject(
    arguments: &CheckArgs,
    opener: &Opener,
    proxy: &ProxyChoice,
    context: &mut Context<'_>,
) -> Result<Subject, Error> {
    let contents = opener.open_with_key(arguments.input(), arguments.key.as_ref(), context)?;
    let selected = subject::select(arguments, &contents)?;
    let leaf = selected.leaf;
    let topic = match &arguments.topic {
        Some(topic) => Some(topic.as_str()),
        None => leaf.main_topic(),
    };
    let push_type = topic.map(|topic| push_type_labelled(topic, leaf.label_of(topic)));
    let mut request = RequestFacts { topic: topic.map(str::to_owned), push_type, revocation: None };
    if arguments.revocation {
        request.revocation = Some(subject::revocation(arguments.input(), leaf, &contents, proxy.clone())?);
    }
    let identity = subject::prepare(arguments, selected, &contents, arguments.at.unwrap_or(context.now))?;
    Ok(Subject { identity, request })
}

fn token_subject(
    arguments: &CheckArgs,
    file: &Location,
    opener: &Opener,
    context: &mut Context<'_>,
) -> Result<Subject, Error> {
    let team_id = arguments.team_id.as_deref().unwrap_or_default();
    let names = TokenNames { key_id: arguments.key_id.as_deref(), team_id };
    let key = signing_key::read(file, &names, opener, context)?;
    let issued_at = context.now;
    let token = match key.signer.sign(issued_at.unix_timestamp()) {
        Ok(token) => TokenIdentity {
            token,
            issued_at,
            key_id: key.key_id,
            team_id: team_id.to_owned(),
            key_id_of_file: key.key_id_of_file,
        },
        Err(error) => return Err(signing_key::unusable(file, &error)),
    };
    let push_type = arguments.topic.as_deref().map(push_type_of);
    let request = RequestFacts { topic: arguments.topic.clone(), push_type, revocation: None };
    let identity = TestedIdentity {
        title: token.title(),
        warnings: token.warnings(),
        identity: Ok(Credential::Token(token)),
        environments: Environments::Both.list().to_vec(),
        findings: Vec::new(),
    };
    Ok(Subject { identity, request })
}

fn path(location: &Location) -> Option<String> {
    match location {
        Location::Standard => None,
        Location::Path(path) => Some(path.display().to_string()),
    }
}

/// Returns the secrets that are sent to others, who may repeat them.
fn secrets(arguments: &CheckArgs, identity: &TestedIdentity, proxy: &ProxyChoice) -> Mask {
    let mut mask = Mask::default();
    if let Ok(Credential::Token(identity)) = &identity.identity {
        mask.add(identity.token.expose());
    }
    if let Some(token) = &arguments.token {
        mask.add(token);
    }
    proxy.add_secrets(&mut mask);
    mask
}

fn options(arguments: &CheckArgs, request: RequestFacts, stores: StoreReader, mask: Mask) -> CheckOptions {
    CheckOptions {
        timeout: arguments.timeout,
        retries: arguments.retries,
        every_address: arguments.every_address,
        server_warn: arguments.server_warn,
        wants_probe: !arguments.no_probe,
        token: arguments.token.clone(),
        topic: request.topic,
        push_type: request.push_type,
        stores: Arc::new(stores),
        is_gateway_named: arguments.gateway.is_some(),
        expectation: arguments.expect.clone(),
        revocation: request.revocation,
        mask,
        advice: advice::for_ground,
    }
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
fn targets(arguments: &CheckArgs, own: &[Environment], proxy: &ProxyChoice) -> Vec<Target> {
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
    for environment in environments(arguments, own) {
        for port in arguments.port.list() {
            let gateway = endpoint::gateway(environment, *port);
            let proxy = proxy.for_host(&gateway.host);
            list.push(Target { environment: Some(environment), endpoint: gateway, proxy, address: None });
        }
    }
    list
}

/// Returns the environments that the user chose, or else those of the certificate or key, or else all; sorted by name.
fn environments(arguments: &CheckArgs, own: &[Environment]) -> Vec<Environment> {
    let mut chosen = match arguments.environment {
        Some(choice) => choice.list().to_vec(),
        None => own.to_vec(),
    };
    if chosen.is_empty() {
        chosen = vec![Environment::Production, Environment::Sandbox];
    }
    chosen.sort_by_key(|environment| environment.name());
    chosen
}
