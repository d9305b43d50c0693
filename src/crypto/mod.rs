//! Password-based encryption: digests, key derivations, ciphers, and the schemes made of them.

pub(crate) mod cipher;
pub(crate) mod dek;
pub(crate) mod digest;
pub(crate) mod encrypt;
mod error;
pub(crate) mod kdf;
pub(crate) mod names;
pub(crate) mod pbe;
pub(crate) mod pkcs8;

pub(crate) use error::DecodeError;
pub(crate) use names::Remedy;
