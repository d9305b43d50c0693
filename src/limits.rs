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

/// The most bytes of one file that are searched: values of indefinite length for their ends, at each level and each time
/// they are parsed, [`SEARCH_STEP`] for each place where a value might begin, and more for one where a BEGIN or END might
/// stand. Real files take a few times their size.
const MAX_SEARCHED: usize = 256 << 20;

/// The bytes that a look at a place where a value might begin counts for.
pub(crate) const SEARCH_STEP: usize = 64;

/// The most arithmetic with the keys of one file, in units of about a millisecond. To check an RSA key or a signature
/// of usual size takes less, and counts as one.
pub(crate) const MAX_ARITHMETIC: u64 = 2_500;

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
    /// Too much to search.
    #[error("takes too long to search for the beginnings and the ends of its parts")]
    Search,
    /// Too much arithmetic.
    #[error("takes too long to check its keys and its signatures")]
    Arithmetic,
    /// Too much memory for scrypt.
    #[error("asks for {needed} MiB of memory for scrypt, more than the {} MiB allowed", MAX_SCRYPT_MEMORY >> 20)]
    ScryptMemory {
        /// In MiB, rounded up.
        needed: u64,
    },
}

/// Returns the work of passing over `length` bytes once, counted as calls of a hash function, which take 64 bytes.
pub(crate) fn work_over(length: usize) -> u64 {
    u64::try_from(length / 64).unwrap_or(u64::MAX)
}

/// The work of reading a file that no password asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadingWork {
    /// The bytes that may still be searched.
    pub(crate) searched: usize,
    /// The arithmetic that may still be done.
    pub(crate) arithmetic: u64,
    /// Something was not searched.
    is_search_over: bool,
}

impl ReadingWork {
    /// The most for one file.
    pub(crate) const MAX: Self = Self::new(MAX_SEARCHED, MAX_ARITHMETIC);

    pub(crate) const fn new(searched: usize, arithmetic: u64) -> Self {
        Self { searched, arithmetic, is_search_over: false }
    }

    /// Returns a part of it, for a second look at a file.
    pub(crate) const fn quarter(self) -> Self {
        Self { searched: self.searched / 4, arithmetic: self.arithmetic / 4, ..self }
    }
}

thread_local! {
    /// The work left for the file that this thread reads. Without one, nothing is counted.
    static WORK: Cell<Option<ReadingWork>> = const { Cell::new(None) };
}

/// The reading of one file by this thread: until it is dropped, the work is counted.
pub(crate) struct Reading(());

impl Reading {
    pub(crate) fn begin(work: ReadingWork) -> Self {
        WORK.set(Some(work));
        Self(())
    }

    /// Returns whether something was not searched.
    pub(crate) fn is_search_over(&self) -> bool {
        WORK.get().is_some_and(|work| work.is_search_over)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        WORK.set(None);
    }
}

/// Counts bytes that are searched. The last search may go beyond the limit.
///
/// # Errors
/// When nothing more may be searched.
pub(crate) fn charge_search(bytes: usize) -> Result<(), LimitError> {
    let Some(work) = WORK.get() else { return Ok(()) };
    let is_over = work.searched == 0;
    WORK.set(Some(ReadingWork {
        searched: work.searched.saturating_sub(bytes),
        is_search_over: work.is_search_over || is_over,
        ..work
    }));
    if is_over { Err(LimitError::Search) } else { Ok(()) }
}

/// Returns the arithmetic of raising a number of so many bits to a power of so many bits.
pub(crate) fn exponentiation(bits: u64, exponent_bits: u64) -> u64 {
    bits.saturating_mul(bits).saturating_mul(exponent_bits) / 4_000_000_000
}

/// Returns the arithmetic of verifying a signature on a curve of so many bits.
pub(crate) fn curve_work(bits: u64) -> u64 {
    bits.saturating_mul(bits).saturating_mul(bits) / 100_000_000
}

/// Counts arithmetic before it is done.
///
/// # Errors
/// When it goes beyond the limit.
pub(crate) fn charge_arithmetic(units: u64) -> Result<(), LimitError> {
    let Some(work) = WORK.get() else { return Ok(()) };
    match work.arithmetic.checked_sub(units) {
        Some(arithmetic) => {
            WORK.set(Some(ReadingWork { arithmetic, ..work }));
            Ok(())
        }
        None => Err(LimitError::Arithmetic),
    }
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
            return Err(LimitError::ScryptMemory { needed: memory.div_ceil(1 << 20) });
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
    fn the_last_search_may_go_beyond_the_limit_and_no_other() {
        let reading = Reading::begin(ReadingWork::new(10, 0));
        assert_eq!(charge_search(9), Ok(()));
        assert_eq!(charge_search(9), Ok(()));
        assert!(!reading.is_search_over());
        assert_eq!(charge_search(0), Err(LimitError::Search));
        assert!(reading.is_search_over());
        drop(reading);
        assert_eq!(charge_search(0), Ok(()));
    }

    #[test]
    fn arithmetic_is_counted_before_it_is_done() {
        assert_eq!(charge_arithmetic(u64::MAX), Ok(()));
        let _reading = Reading::begin(ReadingWork::new(0, 10));
        assert_eq!(charge_arithmetic(11), Err(LimitError::Arithmetic));
        assert_eq!(charge_arithmetic(10), Ok(()));
        assert_eq!(charge_arithmetic(1), Err(LimitError::Arithmetic));
    }

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
