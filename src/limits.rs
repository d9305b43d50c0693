//! How much work a file may ask for before it is refused.

use std::cell::Cell;

/// The largest file read, in bytes.
pub(crate) const MAX_FILE_SIZE: u64 = 64 << 20;

/// How many iterations a file may ask for where no other limit is given.
pub const DEFAULT_MAX_ITERATIONS: u64 = 10_000_000;

/// The memory that one scrypt derivation may take, in bytes; OpenSSL's own default is 32 MiB.
pub(crate) const MAX_SCRYPT_MEMORY: u64 = 256 << 20;

/// What a file asked for that is beyond the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Too many iterations of a key derivation.
    #[error("asks for more than {limit} iterations to derive its keys")]
    Iterations {
        /// The limit in force.
        limit: u64,
    },
    /// Too much memory for scrypt.
    #[error("asks for {needed} MiB of memory for scrypt, more than the {} MiB allowed", MAX_SCRYPT_MEMORY >> 20)]
    ScryptMemory {
        /// What it asks for, in MiB.
        needed: u64,
    },
}

/// The work still allowed for one file: every key derivation is charged to it, tries included.
#[derive(Debug)]
pub(crate) struct Limits {
    iterations: u64,
    left: Cell<u64>,
}

impl Limits {
    /// Allows `iterations` in all: calls of a hash function.
    pub(crate) fn new(iterations: u64) -> Self {
        Self { iterations, left: Cell::new(iterations) }
    }

    /// Charges a derivation before it is made.
    ///
    /// # Errors
    /// When the file would then have asked for more than is allowed.
    pub(crate) fn charge(&self, iterations: u64, memory: u64) -> Result<(), LimitError> {
        if memory > MAX_SCRYPT_MEMORY {
            return Err(LimitError::ScryptMemory { needed: memory >> 20 });
        }
        let left = self.left.get().checked_sub(iterations);
        self.left.set(left.ok_or(LimitError::Iterations { limit: self.iterations })?);
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_ITERATIONS)
    }
}
