//! The tests of the library and of the binary that a case file cannot hold.

mod common;
mod files;
mod robustness;
mod roundtrip;
