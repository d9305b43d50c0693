//! The proxy to use: `--proxy`, or else the environment variables.

use crate::cli::check::CheckArgs;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::net::proxy::{self, Proxy};
use crate::world::context::Context;

/// The proxy, and the value of `NO_PROXY`.
pub(super) struct ProxyChoice {
    proxy: Option<Proxy>,
    exempt: String,
}

impl ProxyChoice {
    pub(super) fn for_host(&self, host: &str) -> Option<Proxy> {
        if proxy::is_exempt(&self.exempt, host) { None } else { self.proxy.clone() }
    }
}

/// Finds the proxy; `NO_PROXY` does not apply to `--proxy`.
pub(super) fn find(arguments: &CheckArgs, context: &Context<'_>) -> Result<ProxyChoice, Error> {
    let mut choice = ProxyChoice { proxy: None, exempt: String::new() };
    if let Some(url) = &arguments.proxy {
        choice.proxy = Some(parse("--proxy", &url.0)?);
        return Ok(choice);
    }
    if let Some((name, url)) = first_variable(["HTTPS_PROXY", "https_proxy"], context) {
        choice.proxy = Some(parse(name, &url)?);
    }
    if let Some((_, hosts)) = first_variable(["NO_PROXY", "no_proxy"], context) {
        choice.exempt = hosts;
    }
    Ok(choice)
}

fn parse(name: &str, url: &str) -> Result<Proxy, Error> {
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
