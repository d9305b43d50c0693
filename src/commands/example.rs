//! `pushcert example`.

use crate::apns::endpoint;
use crate::certificate::apple::Environment;
use crate::cli::example::ExampleArgs;
use crate::error::Error;
use crate::example::{self, ExampleValues, Side};
use crate::exit::ExitKind;
use crate::world::context::Context;

pub(super) fn run(arguments: &ExampleArgs, context: &mut Context<'_>) -> Result<(), Error> {
    refuse_the_other_side(arguments)?;
    let environment = arguments.environment.unwrap_or(Environment::Production);
    let gateway = match &arguments.gateway {
        Some(gateway) => gateway.to_string(),
        None => endpoint::hosts(environment)[0].to_owned(),
    };
    let values = ExampleValues {
        topic: arguments.topic.clone(),
        certificate: arguments.cert.clone().unwrap_or_else(|| "push.pem".to_owned()),
        gateway,
        ca_file: arguments.ca_file.clone(),
        server: arguments.server.clone().unwrap_or_else(|| "https://example.com/tokens".to_owned()),
    };
    Ok(context.stdout.write_all(example::render(arguments.language, &values).as_bytes())?)
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
