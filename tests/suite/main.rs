//! The tests of the library and of the binary that a case file cannot hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod certificates;
mod check;
mod common;
mod compare;
mod csr;
mod disk;
mod documents;
mod expiry;
mod files;
mod fixtures;
mod gateway;
mod names;
mod pack;
#[cfg(unix)]
mod password_command;
mod reading;
mod robustness;
mod roundtrip;
#[cfg(unix)]
mod terminal;
