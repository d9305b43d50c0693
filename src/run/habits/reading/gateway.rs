//! The gateway of a command line.

use crate::apns::endpoint;
use crate::net::endpoint::Endpoint;
use crate::run::habits::reading::Reading;

impl Reading<'_> {
    /// Takes the server that openssl's s_client is given without an option.
    pub(super) fn take_server(&mut self, text: &str) -> bool {
        let is_server = self.is_program("s_client") && text.contains(':') && text.parse::<Endpoint>().is_ok();
        if is_server && self.own_value("--gateway").is_none() {
            self.own.extend(["--gateway".into(), text.into()]);
            return true;
        }
        false
    }

    /// Puts the gateway together, and turns from one that Apple has closed to the one that took its place.
    pub(super) fn find_gateway(&mut self) -> Option<()> {
        match (&self.host, &self.port) {
            (Some(host), Some(port)) => {
                let is_bare_address = host.contains(':') && !host.starts_with('[');
                let gateway = if is_bare_address { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
                self.own.extend(["--gateway".into(), gateway.into()]);
            }
            (None, None) => {}
            (None, Some(port)) => {
                let typed = self.own_value("--gateway")?;
                // openssl takes the port of -connect, where it has one.
                let has_port = typed.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
                if !has_port {
                    let gateway = format!("{typed}:{port}");
                    self.drop_own("--gateway");
                    self.own.extend(["--gateway".into(), gateway.into()]);
                }
            }
            (Some(_), None) => return None,
        }
        let Some(gateway) = self.own_value("--gateway") else { return Some(()) };
        let Ok(gateway) = gateway.parse::<Endpoint>() else { return Some(()) };
        if self.server_name.as_ref().is_some_and(|name| *name != gateway.host) {
            self.left_out.push("-servername".to_owned());
        }
        let Some(environment) = endpoint::retired_environment_of(&gateway) else { return Some(()) };
        self.remark_closed(&gateway.host);
        self.drop_own("--gateway");
        // The authority of the server that was closed.
        self.drop_own("--ca-file");
        match self.own_value("--environment") {
            Some(typed) if typed != environment.name() => return None,
            Some(_) => {}
            None => self.own.extend(["--environment".into(), environment.name().into()]),
        }
        Some(())
    }
}
