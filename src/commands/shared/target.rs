//! The gateway that the command line names.

use crate::apns::endpoint;
use crate::certificate::apple::Environment;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::net::endpoint::Endpoint;

/// Refuses a gateway of the binary protocol.
///
/// # Errors
/// When it is one.
pub(crate) fn refuse_retired(gateway: &Endpoint) -> Result<(), Error> {
    let Some(environment) = endpoint::retired_environment_of(gateway) else { return Ok(()) };
    let message = format!("{gateway}: Apple closed this gateway of the binary protocol on 2021-03-31");
    let now = endpoint::gateway(environment, endpoint::PORTS[0]);
    let name = environment.name();
    Err(Error::new(ExitKind::Usage, message).hint(format!("{now} took its place, with HTTP/2: --environment {name}")))
}

/// Refuses a gateway of Apple's that serves another environment than the one that is given.
///
/// # Errors
/// When it does.
pub(crate) fn refuse_contradiction(gateway: &Endpoint, given: Environment) -> Result<(), Error> {
    match endpoint::environment_of(gateway) {
        Some(known) if known != given => {
            let message = format!("--environment {} and --gateway contradict each other", given.name());
            Err(Error::new(ExitKind::Usage, message).hint("leave one of them out"))
        }
        Some(_) | None => Ok(()),
    }
}
