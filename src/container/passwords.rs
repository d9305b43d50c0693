//! Tries passwords on what they protect.

use std::fmt;
use std::io;

use crate::container::OpenError;
use crate::limits::Limits;
use crate::secret::Password;

/// The number of times that a person is asked for a password.
const TRIES: u32 = 3;

/// The source of the passwords. Unless one is given, the empty password is tried first.
pub enum Passwords<'a> {
    /// There is none.
    None,
    /// This one, and no other.
    Given(Password),
    /// Each of these in turn.
    AnyOf(&'a [Password]),
    /// A person is asked; the function takes what the password is for and the number of the try, from 1.
    Ask(&'a mut dyn FnMut(PasswordTarget, u32) -> io::Result<Password>),
}

impl fmt::Debug for Passwords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(…)")
    }
}

/// The thing that a password protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordTarget {
    Pkcs12,
    Key,
}

impl fmt::Display for PasswordTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs12 => "PKCS#12 file",
            Self::Key => "private key",
        })
    }
}

/// Iteration limit for testing the empty password; only improves the hint.
const HINT_ITERATIONS: u64 = 100_000;

/// The passwords for a file, and the work that one try may cost.
pub(super) struct Unlocker<'p, 'a> {
    pub(super) passwords: &'p mut Passwords<'a>,
    pub(super) max_iterations: u64,
}

impl Unlocker<'_, '_> {
    /// Calls `attempt` with each password until it returns something; `None` means that the password is wrong.
    pub(super) fn unlock<T>(
        &mut self,
        protected: PasswordTarget,
        has_mac: bool,
        mut attempt: impl FnMut(Option<&Password>, &Limits) -> Result<Option<T>, OpenError>,
    ) -> Result<T, OpenError> {
        let max_iterations = self.max_iterations;
        for candidate in (Candidates { passwords: self.passwords, protected, tried: 0 }) {
            let Some(opened) = attempt(candidate?.as_ref(), &Limits::new(max_iterations))? else { continue };
            return Ok(opened);
        }
        let opens_without = match self.passwords {
            Passwords::None => return Err(OpenError::PasswordNeeded(protected)),
            Passwords::Given(_) => {
                let limits = Limits::new(HINT_ITERATIONS.min(max_iterations));
                matches!(attempt(None, &limits), Ok(Some(_)))
            }
            Passwords::AnyOf(_) | Passwords::Ask(_) => false,
        };
        Err(OpenError::WrongPassword { protected, has_mac, opens_without })
    }
}

/// The passwords to be tried, one after the other; `None` stands for "there is none".
struct Candidates<'p, 'a> {
    passwords: &'p mut Passwords<'a>,
    protected: PasswordTarget,
    tried: usize,
}

impl Iterator for Candidates<'_, '_> {
    type Item = Result<Option<Password>, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        let tried = self.tried;
        self.tried += 1;
        match (&mut *self.passwords, tried) {
            (Passwords::Given(password), 0) => Some(Ok(Some(password.clone()))),
            (_, 0) => Some(Ok(None)),
            (Passwords::None | Passwords::Given(_), _) => None,
            (Passwords::AnyOf(all), _) => Some(Ok(Some(all.get(tried - 1)?.clone()))),
            (Passwords::Ask(ask), _) => {
                let number = u32::try_from(tried).ok().filter(|number| *number <= TRIES)?;
                Some(ask(self.protected, number).map(Some).map_err(|error| OpenError::Ask(error.to_string())))
            }
        }
    }
}
