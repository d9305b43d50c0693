//! `pushcert check`.

use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::x509::{X509, X509VerifyResult};

use crate::apns::endpoint;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::certificate::chain::APPLE;
use crate::certificate::warning::{self, KeyState};
use crate::check::report::CheckReport;
use crate::check::revocation::Revocation;
use crate::check::{self, CheckOptions, Target, TestedIdentity};
use crate::cli::check::CheckArgs;
use crate::commands::shared::advice;
use crate::commands::shared::authorities::read_authorities;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::printing;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::FindingCode;
use crate::identity::{Collection, SelectError};
use crate::net::endpoint::Endpoint;
use crate::net::proxy::{self, Proxy};
use crate::net::tls::ClientIdentity;
use crate::net::trust::Stores;
use crate::report::Report;
use crate::world::context::Context;
use crate::world::files::Location;

/// Returns the exit code, which is not always one of the table: Nagios has its own.
pub(super) fn run(arguments: &CheckArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let report = report(arguments, context)?;
    let (report, format) = (Report::Check(&report), arguments.format());
    printing::print(report, format, context)?;
    Ok(report.exit_code(format))
}

fn report(arguments: &CheckArgs, context: &mut Context<'_>) -> Result<CheckReport, Error> {
    refuse_retired(arguments.gateway.as_ref())?;
    let proxy = find_proxy(arguments, context)?;
    let inputs = [Some(&arguments.input), arguments.key.as_ref(), arguments.ca_file.as_ref()];
    let inputs: Vec<_> = inputs.into_iter().flatten().collect();
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let contents = opener.open_with_key(&arguments.input, arguments.key.as_ref(), context)?;
    let roots = match &arguments.ca_file {
        Some(location) => {
            let hint = "--ca-file takes the authority that issued the server's certificate";
            Some(read_authorities(&opener, location, hint, context)?)
        }
        None => None,
    };
    let found = find(arguments, &contents)?;
    let leaf = found.leaf;
    let targets = targets(arguments, leaf, |host| proxy.for_host(host));
    let revocation = arguments.revocation.then(|| revocation(&arguments.input, leaf, &contents)).transpose()?;
    let options = CheckOptions {
        timeout: arguments.timeout,
        retries: arguments.retries,
        wants_probe: !arguments.no_probe,
        token: arguments.token.clone(),
        topic: arguments.topic.clone().or_else(|| leaf.main_topic().map(str::to_owned)),
        stores: Arc::new(Stores::new(roots)),
        revocation,
    };
    let subject = subject(arguments, found, &contents, arguments.at.unwrap_or(context.now))?;
    let checks = check::run(subject, targets, options)
        .map_err(|error| Error::new(ExitKind::Network, format!("the network cannot be used: {error}")))?;
    let path = match &arguments.input {
        Location::Standard => None,
        Location::Path(path) => Some(path.display().to_string()),
    };
    Ok(CheckReport::new(checks, path, context.now))
}

fn refuse_retired(gateway: Option<&Endpoint>) -> Result<(), Error> {
    let Some((gateway, environment)) =
        gateway.and_then(|gateway| Some((gateway, endpoint::retired_environment_of(gateway)?)))
    else {
        return Ok(());
    };
    let message = format!("{gateway}: Apple closed this gateway of the binary protocol on 2021-03-31");
    let now = endpoint::gateway(environment, endpoint::PORTS[0]);
    let name = environment.name();
    Err(Error::new(ExitKind::Usage, message).hint(format!("{now} took its place, with HTTP/2: --environment {name}")))
}

/// The proxy, and the value of `NO_PROXY`.
struct ProxyChoice {
    proxy: Option<Proxy>,
    exempt: String,
}

impl ProxyChoice {
    fn for_host(&self, host: &str) -> Option<Proxy> {
        if proxy::is_exempt(&self.exempt, host) { None } else { self.proxy.clone() }
    }
}

fn find_proxy(arguments: &CheckArgs, context: &Context<'_>) -> Result<ProxyChoice, Error> {
    if let Some(url) = &arguments.proxy {
        return Ok(ProxyChoice { proxy: Some(parse_proxy("--proxy", &url.0)?), exempt: String::new() });
    }
    let mut choice = ProxyChoice { proxy: None, exempt: String::new() };
    if let Some((name, url)) = first_variable(["HTTPS_PROXY", "https_proxy"], context) {
        choice.proxy = Some(parse_proxy(name, &url)?);
    }
    if let Some((_, hosts)) = first_variable(["NO_PROXY", "no_proxy"], context) {
        choice.exempt = hosts;
    }
    Ok(choice)
}

fn parse_proxy(name: &str, url: &str) -> Result<Proxy, Error> {
    match url.parse() {
        Ok(proxy) => Ok(proxy),
        Err(error) => Err(Error::new(ExitKind::Usage, format!("{name} is not the URL of a proxy: {error}"))),
    }
}

/// Returns name and value of the first variable that is set; an empty value counts as none.
fn first_variable<'a>(names: [&'a str; 2], context: &Context<'_>) -> Option<(&'a str, String)> {
    for name in names {
        if let Some(value) = (context.variable)(name) {
            let value = value.to_string_lossy().into_owned();
            return if value.is_empty() { None } else { Some((name, value)) };
        }
    }
    None
}

fn targets(arguments: &CheckArgs, leaf: &Certificate, proxy_of: impl Fn(&str) -> Option<Proxy>) -> Vec<Target> {
    let chosen = arguments.environment.map(|choice| choice.list().to_vec());
    if let Some(gateway) = &arguments.gateway {
        let only = chosen.as_deref().and_then(|list| <[Environment; 1]>::try_from(list).ok());
        let environment = endpoint::environment_of(gateway).or(only.map(|[environment]| environment));
        return vec![Target { environment, endpoint: gateway.clone(), proxy: proxy_of(&gateway.host) }];
    }
    let all = vec![Environment::Production, Environment::Sandbox];
    let by_certificate = || Some(leaf.environments.clone()).filter(|list| !list.is_empty()).unwrap_or(all);
    let mut environments = chosen.unwrap_or_else(by_certificate);
    environments.sort_by_key(|environment| environment.name());
    let target = |(environment, port): (Environment, u16)| {
        let gateway = endpoint::gateway(environment, port);
        Target { environment: Some(environment), proxy: proxy_of(&gateway.host), endpoint: gateway }
    };
    let ports = arguments.port.list();
    environments.into_iter().flat_map(|e| ports.iter().map(move |port| (e, *port))).map(target).collect()
}

/// The certificate, and the ground on which it has no key.
struct SelectedLeaf<'a> {
    leaf: &'a Certificate,
    ground: Option<&'static str>,
}

fn find<'a>(arguments: &CheckArgs, contents: &'a Contents) -> Result<SelectedLeaf<'a>, Error> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let wanted = arguments.select.as_deref();
    let describe = |error| advice::explain(&arguments.input.to_string(), &error);
    let (leaf, ground) = match collection.select(wanted, true) {
        Ok(leaf) => (leaf, None),
        Err(SelectError::NoKey(_)) => (collection.select(wanted, false).map_err(describe)?, Some("key-missing")),
        Err(SelectError::Mismatch(_)) => (collection.select(wanted, false).map_err(describe)?, Some("key-mismatch")),
        Err(error) => return Err(describe(error)),
    };
    Ok(SelectedLeaf { leaf: &leaf.item, ground })
}

fn subject(
    arguments: &CheckArgs,
    found: SelectedLeaf<'_>,
    contents: &Contents,
    now: time::OffsetDateTime,
) -> Result<TestedIdentity, Error> {
    let SelectedLeaf { leaf, ground } = found;
    let others: Vec<&Certificate> = contents.certificates.iter().map(|entry| &entry.item).collect();
    let chain = APPLE.judge(leaf, &others, now);
    // The environment is judged for each gateway, the key is this stage's own matter.
    let mut warnings = warning::judge(leaf, &chain, Some(KeyState::Matches), now);
    warnings.retain(|warning| warning.code != FindingCode::SandboxOnly);
    let mut warnings: Vec<String> = warnings.into_iter().map(|warning| warning.message).collect();
    let identity = match ground {
        Some(ground) => {
            warnings.insert(
                0,
                if ground == "key-missing" {
                    "has no private key beside it"
                } else {
                    "does not match the private key beside it"
                }
                .to_owned(),
            );
            Err(ground)
        }
        None => Ok(client_identity(&arguments.input, leaf, contents)?),
    };
    Ok(TestedIdentity { identity, title: leaf.title().to_owned(), warnings, environments: leaf.environments.clone() })
}

fn client_identity(file: &Location, leaf: &Certificate, contents: &Contents) -> Result<ClientIdentity, Error> {
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let unusable = |error| Error::new(ExitKind::Input, format!("{file}: OpenSSL cannot use it for TLS: {error}"));
    let key = collection.key_of(leaf).map(|entry| entry.item.pkcs8()).unwrap_or_default();
    let mut authorities = Vec::new();
    let mut current = leaf;
    // The way up, as far as the file has it; a root that signs itself ends it.
    while let Some(issuer) = issuer_in(contents, current).filter(|_| authorities.len() < contents.certificates.len()) {
        authorities.push(X509::from_der(&issuer.der).map_err(unusable)?);
        current = issuer;
    }
    Ok(ClientIdentity {
        leaf: X509::from_der(&leaf.der).map_err(unusable)?,
        authorities,
        key: PKey::private_key_from_pkcs8(key).map_err(unusable)?,
    })
}

fn issuer_in<'a>(contents: &'a Contents, certificate: &Certificate) -> Option<&'a Certificate> {
    let mut all = contents.certificates.iter().map(|entry| &entry.item);
    all.find(|other| other.is_ca && other.subject == certificate.issuer && other.der != certificate.der)
}

fn revocation(file: &Location, leaf: &Certificate, contents: &Contents) -> Result<Revocation, Error> {
    let unusable = |error| Error::new(ExitKind::Input, format!("{file}: OpenSSL cannot read it: {error}"));
    let x509 = X509::from_der(&leaf.der).map_err(unusable)?;
    let known = APPLE.issuer_of(leaf).map(|(_, issuer)| issuer);
    let issuer = known.or_else(|| issuer_in(contents, leaf)).map(|issuer| X509::from_der(&issuer.der)).transpose();
    let issuer = issuer.map_err(unusable)?.filter(|issuer| issuer.issued(&x509) == X509VerifyResult::OK);
    Ok(Revocation { leaf: x509, issuer })
}
