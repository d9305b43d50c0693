//! pushcert, the certificate preparation toolkit for Apple push notifications.
//!
//! The tour goes from the ground up. A room uses only rooms that stand before it, and capabilities (8) do not use one
//! another: `tests/suite/architecture.rs` holds the code to that.
//!
//! 1. `exit`, `text`, `error`, `finding`, `schema`: exit codes, text made printable, the error that ends a run, what a
//!    capability finds, what JSON documents share. `limits`, `asn1`, `secret`, `attribute`, `pem`: the work that a
//!    file may ask for, the one window on BER, passwords, PKCS#9 attributes, PEM blocks.
//! 2. `crypto`: digests, key derivations, ciphers, password-based encryption, PKCS#8. `rsa`: the numbers of an RSA key,
//!    checked and completed. `public_key` and `key`: public and private keys.
//! 3. `pkcs12`: bags, MAC, attributes, read and written.
//! 4. `certificate`: the facts of one certificate, its chain, its warnings, its renewal.
//! 5. `request`: a new key and the request to certify it. `container`: detects what a file is and reads it.
//!    `identity`: pairs certificates and keys. `inspect`: the report on a file.
//! 6. `world`: streams, files, folders, the terminal.
//! 7. `net`: the way to a server. `apns`: the tables of Apple's service, without I/O. `database`: the provider's device
//!    tokens, in SQLite or PostgreSQL.
//! 8. `check`, `expiry`, `gateway`, `device`, `push`, `example`, `explain`: one capability each, with the data that it
//!    reports.
//! 9. `cli`: the command line. `report`: renderers. `commands`: arguments in, one call of the domain, one renderer.
//!    `run`: parse, build the context, run, exit code. `docs`: the manual that the README leads to, without code.

#![warn(unreachable_pub)]

mod apns;
mod asn1;
mod attribute;
mod certificate;
mod check;
mod cli;
mod commands;
mod container;
mod crypto;
mod database;
mod device;
mod error;
mod example;
mod exit;
mod expiry;
mod explain;
mod finding;
mod gateway;
mod identity;
mod inspect;
mod key;
mod limits;
mod net;
mod pem;
mod pkcs12;
mod public_key;
mod push;
mod report;
mod request;
mod rsa;
mod run;
mod schema;
mod secret;
#[cfg(test)]
mod test_support;
mod text;
mod world;

pub use run::main;

/// The items that the tests and benchmarks outside the crate use.
#[doc(hidden)]
pub mod testing {
    pub use crate::apns::reason::{REASONS, ReasonSubject};
    pub use crate::certificate::Certificate;
    pub use crate::certificate::apple::{Environment, parse_topics};
    pub use crate::container::kubernetes::parse as parse_secrets;
    pub use crate::container::{Contents, Entry, OpenError, Passwords, open};
    pub use crate::gateway::GatewayOptions;
    pub use crate::gateway::acceptor::TlsVersions;
    pub use crate::gateway::authority::ThrowawayCa;
    pub use crate::gateway::device_file::DeviceFile;
    pub use crate::gateway::fault::{FAULTS, PlannedFault};
    pub use crate::gateway::running::RunningGateway;
    pub use crate::gateway::tokens::TokenState;
    pub use crate::identity::Collection;
    pub use crate::inspect::FileReport;
    pub use crate::key::PrivateKey;
    pub use crate::limits::DEFAULT_MAX_ITERATIONS;
    pub use crate::pem::{encode as encode_pem, parse as parse_pem};
    pub use crate::secret::Password;
}
