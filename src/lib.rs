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

pub mod apns;
pub mod asn1;
pub mod attribute;
pub mod certificate;
pub mod check;
pub mod cli;
pub mod commands;
pub mod container;
pub mod crypto;
pub mod error;
pub mod exit;
pub mod expiry;
pub mod gateway;
pub mod identity;
pub mod inspect;
pub mod key;
pub mod limits;
pub mod net;
pub mod pem;
pub mod pkcs12;
pub mod public_key;
pub mod report;
pub mod request;
pub mod schema;
pub mod secret;
pub mod text;
pub mod world;
