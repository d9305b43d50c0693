//! The hosts and ports of APNs, and the hosts that it has retired.

use crate::certificate::apple::Environment;
use crate::net::endpoint::Endpoint;

/// The ports of APNs: the second is for networks that reserve the first (Apple, "Sending notification
/// requests to APNs").
pub(crate) const PORTS: [u16; 2] = [443, 2197];

/// Returns the hosts of an environment; the first is the one to use.
pub(crate) const fn hosts(environment: Environment) -> &'static [&'static str] {
    match environment {
        Environment::Production => &["api.push.apple.com"],
        Environment::Sandbox => &["api.sandbox.push.apple.com", "api.development.push.apple.com"],
    }
}

struct RetiredHost {
    host: &'static str,
    environment: Environment,
}

/// The hosts of the binary protocol, closed on 2021-03-31.
const RETIRED: [RetiredHost; 4] = [
    RetiredHost { host: "gateway.push.apple.com", environment: Environment::Production },
    RetiredHost { host: "gateway.sandbox.push.apple.com", environment: Environment::Sandbox },
    RetiredHost { host: "feedback.push.apple.com", environment: Environment::Production },
    RetiredHost { host: "feedback.sandbox.push.apple.com", environment: Environment::Sandbox },
];

/// Returns Apple's gateway for an environment.
pub(crate) fn gateway(environment: Environment, port: u16) -> Endpoint {
    Endpoint { host: hosts(environment)[0].to_owned(), port }
}

/// Returns the environment that one of Apple's gateways serves.
pub(crate) fn environment_of(endpoint: &Endpoint) -> Option<Environment> {
    let mut all = [Environment::Production, Environment::Sandbox].into_iter();
    all.find(|environment| hosts(*environment).contains(&endpoint.host.as_str()))
}

/// Returns the environment that a gateway of the retired binary protocol served.
pub(crate) fn retired_environment_of(endpoint: &Endpoint) -> Option<Environment> {
    for retired in &RETIRED {
        if retired.host == endpoint.host {
            return Some(retired.environment);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retired_gateways_are_known() {
        let retired = |text: &str| retired_environment_of(&text.parse().unwrap());
        assert_eq!(retired("gateway.sandbox.push.apple.com:2195"), Some(Environment::Sandbox));
        assert_eq!(retired("feedback.push.apple.com:2196"), Some(Environment::Production));
        assert_eq!(retired("api.push.apple.com:443"), None);
        assert_eq!(environment_of(&gateway(Environment::Sandbox, 443)), Some(Environment::Sandbox));
    }
}
