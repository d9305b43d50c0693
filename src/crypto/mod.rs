//! Password-based encryption: digests, key derivations, ciphers, and the schemes made of them.

pub mod cipher;
pub mod digest;
pub mod encrypt;
pub mod kdf;
pub mod pbe;
pub mod pkcs8;
