//! The limits of the work that a file may ask for.

use std::cell::Cell;

/// The largest file read, in bytes.
pub(crate) const MAX_FILE_SIZE: u64 = 64 << 20;

/// The most certificates, keys and requests of one file, or bags. The bundles of all public authorities have some
/// thousands.
pub(crate) const MAX_PARTS: usize = 10_000;

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
    /// Too many keys and requests, each of which is checked.
    #[error("holds more than {limit} keys and requests")]
    Keys {
        /// The limit in force.
        limit: usize,
    },
    /// Too many parts that cannot be read.
    #[error("has more than {limit} parts that cannot be read")]
    UnreadParts {
        /// The limit in force.
        limit: usize,
    },
    /// The file itself is within the limit, and the passwords that were tried are too many for it.
    #[error("takes more than {limit} iterations to try so many passwords")]
    Tries {
        /// The limit in force.
        limit: u64,
    },
    /// Safes inside one another, too many.
    #[error("nests its safes deeper than {limit}")]
    Nesting {
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

/// Returns the work of passing over `length` bytes once, counted as calls of a hash function, which take 64 bytes.
pub(crate) fn work_over(length: usize) -> u64 {
    u64::try_from(length / 64).unwrap_or(u64::MAX)
}

/// The work still allowed for one file: every key derivation is charged to it, all parts and all tries together.
#[derive(Debug)]
pub(crate) struct Limits {
    iterations: u64,
    left: Cell<u64>,
    /// The part of the work that went into passwords that did not fit.
    failed: Cell<u64>,
}

/// The state of the limits before a password is tried.
pub(crate) struct Attempt {
    left: u64,
}

impl Limits {
    /// Allows `iterations` in all, counted as calls of a hash function.
    pub(crate) fn new(iterations: u64) -> Self {
        Self { iterations, left: Cell::new(iterations), failed: Cell::new(0) }
    }

    /// Returns limits within these, for something that is worth no more than `iterations`; [`Limits::spend`] takes them
    /// back.
    pub(crate) fn within(&self, iterations: u64) -> Self {
        Self::new(self.left.get().min(iterations))
    }

    /// Charges what was charged to limits within these, which was for a password that does not fit.
    pub(crate) fn spend(&self, within: &Self) {
        let attempt = self.attempt();
        let spent = within.iterations - within.left.get();
        self.left.set(self.left.get().saturating_sub(spent));
        self.record_failure(attempt);
    }

    /// Charges a derivation before it is made.
    ///
    /// # Errors
    /// When the file would then have asked for more than is allowed.
    pub(crate) fn charge(&self, iterations: u64, memory: u64) -> Result<(), LimitError> {
        if memory > MAX_SCRYPT_MEMORY {
            return Err(LimitError::ScryptMemory { needed: memory >> 20 });
        }
        let limit = self.iterations;
        match self.left.get().checked_sub(iterations) {
            Some(left) => self.left.set(left),
            None if self.left.get().saturating_add(self.failed.get()) >= iterations => {
                return Err(LimitError::Tries { limit });
            }
            None => return Err(LimitError::Iterations { limit }),
        }
        Ok(())
    }

    /// Returns what [`Limits::record_failure`] takes if the password does not fit.
    pub(crate) fn attempt(&self) -> Attempt {
        Attempt { left: self.left.get() }
    }

    /// Records that what was charged since then was for a password that does not fit.
    pub(crate) fn record_failure(&self, attempt: Attempt) {
        let spent = attempt.left.saturating_sub(self.left.get());
        self.failed.set(self.failed.get().saturating_add(spent));
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(DEFAULT_MAX_ITERATIONS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_that_do_not_fit_are_told_from_a_file_that_asks_for_too_much() {
        let limits = Limits::new(10);
        limits.charge(4, 0).unwrap();
        let attempt = limits.attempt();
        limits.charge(4, 0).unwrap();
        limits.record_failure(attempt);
        assert_eq!(limits.charge(7, 0), Err(LimitError::Iterations { limit: 10 }));
        assert_eq!(limits.charge(6, 0), Err(LimitError::Tries { limit: 10 }));
        assert_eq!(limits.charge(2, 0), Ok(()));
        assert_eq!(limits.charge(1, 0), Err(LimitError::Tries { limit: 10 }));
    }

    #[test]
    fn limits_within_others_are_no_wider() {
        let limits = Limits::new(10);
        limits.charge(7, 0).unwrap();
        assert_eq!(limits.within(100).charge(4, 0), Err(LimitError::Iterations { limit: 3 }));
        let within = limits.within(2);
        assert_eq!(within.charge(3, 0), Err(LimitError::Iterations { limit: 2 }));
        within.charge(2, 0).unwrap();
        limits.spend(&within);
        assert_eq!(limits.charge(2, 0), Err(LimitError::Tries { limit: 10 }));
        assert_eq!(limits.charge(1, 0), Ok(()));
    }
}
