//! The limits of the work that a file may ask for.

use std::cell::Cell;

/// The largest file read, in bytes.
pub(crate) const MAX_FILE_SIZE: u64 = 64 << 20;

/// The default limit of iterations for one file.
pub const DEFAULT_MAX_ITERATIONS: u64 = 10_000_000;

/// The memory that one scrypt derivation may take, in bytes; OpenSSL's own default is 32 MiB.
pub(crate) const MAX_SCRYPT_MEMORY: u64 = 256 << 20;

/// A file asks for more than the limits allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Too many iterations of a key derivation.
    #[error("asks for more than {limit} iterations to derive its keys")]
    Iterations {
        /// The limit in force.
        limit: u64,
    },
    /// Too many certificates, keys and requests.
    #[error("holds more than {limit} certificates and keys")]
    Parts {
        /// The limit in force.
        limit: usize,
    },
    /// Too many parts that cannot be read.
    #[error("has more than {limit} parts that cannot be read")]
    UnreadParts {
        /// The limit in force.
        limit: usize,
    },
    /// Too much memory for scrypt.
    #[error("asks for {needed} MiB of memory for scrypt, more than the {} MiB allowed", MAX_SCRYPT_MEMORY >> 20)]
    ScryptMemory {
        /// In MiB.
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
    /// Allows `iterations` in all, counted as calls of a hash function.
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
        let Some(left) = self.left.get().checked_sub(iterations) else {
            return Err(LimitError::Iterations { limit: self.iterations });
        };
        self.left.set(left);
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_ITERATIONS)
    }
}
