//! The proxy to use: `--proxy`, or else the environment variables.

use crate::cli::values::ProxyUrl;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::net::proxy::{Proxy, ProxyChoice};
use crate::world::context::Context;

/// The variables that name a proxy, each with its other spelling.
const VARIABLES: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];
const EXEMPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Finds the proxy; `NO_PROXY` and the exemption of the loopback do not apply to `--proxy`.
///
/// # Errors
/// When one of them is not the URL of a proxy.
pub(crate) fn find(given: Option<&ProxyUrl>, context: &Context<'_>) -> Result<ProxyChoice, Error> {
    if let Some(url) = given {
        return Ok(ProxyChoice::always(parse("--proxy", &url.0)?));
    }
    for names in VARIABLES {
        if let Some((name, url)) = first_variable(names, context) {
            let exempt = first_variable(EXEMPTIONS, context).unwrap_or_default().1;
            return Ok(ProxyChoice::unless_exempt(parse(name, &url)?, &exempt));
        }
    }
    Ok(ProxyChoice::default())
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
