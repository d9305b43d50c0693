//! pushcert, the certificate preparation toolkit for Apple push notifications.
//!
//! The tour, in the order in which data flows:
//!
//! 1. [`files`]: bounded reads, "-", and writes that leave a whole file or none; [`walk`]: which files a
//!    folder stands for.
//! 2. [`container`]: what a file is, told by content, and what it holds: certificates, keys, requests.
//!    Under it [`pkcs12`] (bags, MAC, attributes, read and written), [`pbe`] (password-based encryption,
//!    also of PKCS#8), [`digest`], [`secret`] (passwords and the byte strings writers made of them),
//!    [`limits`] (the work that a file may ask for) and [`asn1`] (one window on BER).
//! 3. [`identity`]: a leaf certificate with its key, paired by public key; selection.
//! 4. [`certificate`]: the facts: names, Apple's extensions, the chain to Apple's root, warnings; the
//!    verdicts on expiry and renewal.
//! 5. [`request`]: the other end of the road, a new key and the request to certify it.
//! 6. [`apns`]: Apple's push service: its gateways, its reasons, and how a certificate is put to it.
//!    [`gateway`] stands in for it in tests, by the same tables.
//! 7. [`report`]: what a command found, as data, and its renderers: for people, JSON, and every format
//!    that a monitor or a CI system reads.
//!
//! Around them, [`cli`] is the command line, [`commands`] lead from arguments through the domain to a
//! report, [`context`], [`terminal`] and [`progress`] are the world as commands see it, [`error`] and
//! [`exit`] how a run ends. The domain (1 to 6) knows neither clap nor the terminal nor a renderer.

mod apns;
mod asn1;
mod attribute;
mod certificate;
mod check;
mod cli;
mod commands;
mod container;
mod crypto;
mod error;
mod exit;
mod expiry;
mod gateway;
mod identity;
mod inspect;
mod key;
mod limits;
mod net;
mod pem;
mod pkcs12;
mod public_key;
mod report;
mod request;
mod run;
mod schema;
mod secret;
mod text;
mod world;

pub use run::main;

/// What the tests and benchmarks outside the crate use.
#[doc(hidden)]
pub mod testing {
    pub use crate::apns::reason::{REASONS, ReasonSubject};
    pub use crate::certificate::Certificate;
    pub use crate::certificate::apple::Environment;
    pub use crate::container::{Contents, Entry, OpenError, Passwords, open};
    pub use crate::gateway::acceptor::TlsVersions;
    pub use crate::gateway::authority::ThrowawayCa;
    pub use crate::gateway::fault::FAULTS;
    pub use crate::gateway::tokens::TokenState;
    pub use crate::gateway::{GatewayOptions, Running};
    pub use crate::identity::Collection;
    pub use crate::inspect::FileReport;
    pub use crate::key::PrivateKey;
    pub use crate::limits::DEFAULT_MAX_ITERATIONS;
    pub use crate::pem::{encode as encode_pem, parse as parse_pem};
    pub use crate::secret::Password;
}
