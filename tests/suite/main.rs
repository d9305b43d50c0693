//! The tests of the library and of the binary that a case file cannot hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
#[cfg(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))]
mod binary;
mod bounds;
mod certificates;
mod check;
mod common;
mod compare;
mod convert;
mod corpus;
mod csr;
mod database;
mod device;
mod disk;
mod documents;
mod expiry;
mod expiry_formats;
mod expiry_runs;
mod files;
mod fixtures;
mod gateway;
mod gateway_faults;
mod gateway_log;
#[cfg(target_os = "linux")]
mod hints;
mod keys;
mod limits;
#[cfg(target_os = "linux")]
mod memory;
mod named;
mod names;
mod outputs;
mod pack;
#[cfg(unix)]
mod password_command;
mod passwords;
#[cfg(unix)]
mod prompts;
mod provider;
mod push;
mod reading;
#[cfg(unix)]
mod readme;
#[cfg(unix)]
mod rehearse;
mod robustness;
mod roundtrip;
mod secrets;
#[cfg(unix)]
mod signals;
mod structures;
#[cfg(unix)]
mod terminal;
mod usage;
