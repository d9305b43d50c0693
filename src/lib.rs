//! pushcert, the certificate preparation toolkit for Apple push notifications.
//!
//! The tour, in the order in which data flows:
//!
//! 1. [`files`]: bounded reads, "-", and writes that leave a whole file or none.
//! 2. [`container`]: what a file is, told by content, and what it holds: certificates, keys, requests.
//!    Under it [`pkcs12`] (bags, MAC, attributes), [`pbe`] (password-based encryption, also of PKCS#8),
//!    [`digest`], [`secret`] (passwords and the byte strings writers made of them), [`limits`] (the work
//!    that a file may ask for) and [`asn1`] (one window on BER).
//! 3. [`identity`]: a leaf certificate with its key, paired by public key; selection.
//! 4. [`certificate`]: the facts: names, Apple's extensions, the chain to Apple's root, warnings.
//! 5. [`apns`]: Apple's push service: its gateways, its reasons, and how a certificate is put to it.
//!    [`gateway`] stands in for it in tests, by the same tables.
//! 6. [`report`]: what a command found, as data, and its renderers: for people, and JSON.
//!
//! Around them, [`cli`] is the command line, [`commands`] lead from arguments through the domain to a
//! report, [`context`] and [`terminal`] are the world as commands see it, [`error`] and [`exit`] how a
//! run ends. The domain (1 to 5) knows neither clap nor the terminal nor a renderer.

pub mod apns;
pub mod asn1;
pub mod certificate;
pub mod cli;
pub mod commands;
pub mod container;
pub mod context;
pub mod digest;
pub mod error;
pub mod exit;
pub mod files;
pub mod gateway;
pub mod identity;
pub mod limits;
pub mod pbe;
pub mod pkcs12;
pub mod report;
pub mod secret;
pub mod terminal;
