//! What a rehearsal takes from the certificate that was converted.

use std::path::Path;

use crate::certificate::Certificate;
use crate::certificate::apple::{CertificateKind, Environment};
use crate::certificate::chain::APPLE;
use crate::commands::shared::advice;
use crate::container::{self, Passwords};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::pem;
use crate::world::files::{self, Location};

/// A converted certificate.
pub(super) struct Converted {
    leaf: Certificate,
}

/// The authority that the gateway takes the certificate from.
pub(super) struct GatewayTrust {
    pub(super) pem: String,
    /// Says where it is from.
    pub(super) note: String,
}

impl Converted {
    /// Reads the file that `convert` has written.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        let name = file.display().to_string();
        let bytes = match files::read(&Location::Path(file.to_owned()), &mut std::io::empty()) {
            Ok(bytes) => bytes,
            Err(error) => return Err(advice::explain(&name, &error)),
        };
        let mut contents = match container::open(&bytes, &mut Passwords::None, DEFAULT_MAX_ITERATIONS) {
            Ok(contents) => contents,
            Err(error) => return Err(advice::explain(&name, &error)),
        };
        if contents.certificates.is_empty() {
            return Err(Error::new(ExitKind::Bug, format!("{name}: there is no certificate in it")));
        }
        Ok(Self { leaf: contents.certificates.swap_remove(0).item })
    }

    /// Returns its first topic.
    ///
    /// # Errors
    /// When it names none.
    pub(super) fn topic(&self) -> Result<&str, Error> {
        match self.leaf.main_topic() {
            Some(topic) => Ok(topic),
            None => Err(Error::new(ExitKind::Input, format!("{:?} names no topic", self.leaf.title()))
                .hint("name the app: --topic com.example.MyApp")),
        }
    }

    /// Returns the environment that it is rehearsed in: production, unless it is for the sandbox alone.
    pub(super) fn environment(&self) -> Environment {
        match self.leaf.environments[..] {
            [only] => only,
            _ => Environment::Production,
        }
    }

    pub(super) fn is_mdm(&self) -> bool {
        self.leaf.kind == CertificateKind::Mdm
    }

    /// Returns the authority of Apple's that issued it. For any other certificate the gateway trusts that itself.
    pub(super) fn trust(&self) -> GatewayTrust {
        match APPLE.issuer_of(&self.leaf) {
            Some((known, issuer)) => GatewayTrust {
                pem: pem::encode("CERTIFICATE", &issuer.der).to_string(),
                note: format!("authority.pem is Apple's {}, which issued the certificate", known.name),
            },
            None => GatewayTrust {
                pem: pem::encode("CERTIFICATE", &self.leaf.der).to_string(),
                note: "the certificate was not issued by Apple, whose gateways refuse it; this one is told to trust it"
                    .to_owned(),
            },
        }
    }
}
