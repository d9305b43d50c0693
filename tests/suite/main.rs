//! The tests of the library and of the binary that a case file cannot hold.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod certificates;
mod common;
mod compare;
mod expiry;
mod files;
mod fixtures;
mod robustness;
mod roundtrip;
