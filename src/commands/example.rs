//! `pushcert example`.

use crate::apns::endpoint;
use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::cli::example::ExampleArgs;
use crate::container::{self, Passwords};
use crate::error::Error;
use crate::example::{self, ExampleValues, Side};
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::report::style::Paint;
use crate::text::{printable, printable_name, text_list};
use crate::world::context::Context;
use crate::world::files::{self, Location};

pub(super) fn run(arguments: &ExampleArgs, context: &mut Context<'_>) -> Result<(), Error> {
    refuse_the_other_side(arguments)?;
    let file = arguments.cert.clone().unwrap_or_else(|| "push.pem".to_owned());
    let certificate = if arguments.language.side() == Side::Provider { read_certificate(&file) } else { None };
    if let Some(certificate) = &certificate {
        warn_of_others(arguments, &file, certificate, context)?;
    }
    let environment = match (arguments.environment, &certificate) {
        (Some(environment), _) => environment,
        (None, Some(Certificate { environments, .. })) if *environments == [Environment::Sandbox] => {
            Environment::Sandbox
        }
        (None, _) => Environment::Production,
    };
    let gateway = match &arguments.gateway {
        Some(gateway) => gateway.to_string(),
        None => endpoint::hosts(environment)[0].to_owned(),
    };
    let values = ExampleValues {
        topic: choose_topic(arguments, certificate.as_ref()),
        certificate: file,
        gateway,
        ca_file: arguments.ca_file.clone(),
        server: arguments.server.clone().unwrap_or_else(|| "https://example.com/tokens".to_owned()),
    };
    Ok(context.stdout.write_all(example::render(arguments.language, &values).as_bytes())?)
}

/// Reads the certificate that the program will send with, where it is there already.
fn read_certificate(file: &str) -> Option<Certificate> {
    let bytes = files::read(&Location::Path(file.into()), &mut std::io::empty()).ok()?;
    let contents = container::open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS).ok()?;
    let leaf = Collection::new(&contents.certificates, &contents.keys).select(None, false).ok()?;
    Some(leaf.item.clone())
}

fn choose_topic(arguments: &ExampleArgs, certificate: Option<&Certificate>) -> String {
    let own = certificate.and_then(|certificate| certificate.topics.first());
    match (&arguments.topic, own) {
        (Some(topic), _) => topic.clone(),
        (None, Some(first)) => first.topic.clone(),
        (None, None) => "com.example.MyApp".to_owned(),
    }
}

/// Warns of a topic and of an environment that the certificate is not for.
fn warn_of_others(
    arguments: &ExampleArgs,
    file: &str,
    certificate: &Certificate,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let (word, file) = (Paint::new(context.stderr_has_color).warning("warning:"), printable_name(file));
    let topics: Vec<&str> = certificate.topics.iter().map(|topic| topic.topic.as_str()).collect();
    if let Some(topic) = &arguments.topic
        && !topics.is_empty()
        && !topics.contains(&topic.as_str())
    {
        let sentence = format!(
            "{file}: the certificate is not for the topic {topic}, but for {}",
            text_list(topics.iter().copied())
        );
        writeln!(context.stderr, "{word} {}", printable(&sentence))?;
    }
    if let Some(environment) = arguments.environment
        && !certificate.environments.is_empty()
        && !certificate.environments.contains(&environment)
    {
        writeln!(context.stderr, "{word} {file}: the certificate is not for {}", environment.name())?;
    }
    Ok(())
}

/// Refuses what the program has no place for.
fn refuse_the_other_side(arguments: &ExampleArgs) -> Result<(), Error> {
    let (given, who) = match arguments.language.side() {
        Side::Provider => (vec![("--server", arguments.server.is_some())], "sends to APNs, and registers no device"),
        Side::App => (
            vec![
                ("--cert", arguments.cert.is_some()),
                ("--environment", arguments.environment.is_some()),
                ("--gateway", arguments.gateway.is_some()),
                ("--ca-file", arguments.ca_file.is_some()),
            ],
            "is the app's side, which does not send",
        ),
    };
    for (option, is_given) in given {
        if is_given {
            let language = arguments.language.name();
            return Err(Error::new(ExitKind::Usage, format!("{option} has no place: {language} {who}")));
        }
    }
    Ok(())
}
