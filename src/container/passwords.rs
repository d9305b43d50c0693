//! Where passwords come from, and how they are tried.

use std::fmt;
use std::io;

use crate::container::{OpenError, OpenFailure};
use crate::secret::Password;

/// How often a person is asked for a password.
const TRIES: u32 = 3;

/// Where passwords come from. That there is none is always tried first, but for one that is given.
pub enum Passwords<'a> {
    /// There is none.
    None,
    /// This one, and no other.
    Given(Password),
    /// Each of these in turn.
    AnyOf(&'a [Password]),
    /// A person is asked, with what it is for and the number of the try, from 1.
    Ask(&'a mut dyn FnMut(PasswordTarget, u32) -> io::Result<Password>),
}

impl fmt::Debug for Passwords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(…)")
    }
}

/// What a password protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordTarget {
    /// A PKCS#12 file.
    Pkcs12,
    /// An encrypted private key.
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

/// How much work the question is worth whether a file with a wrong password opens without one.
const HINT_ITERATIONS: u64 = 100_000;

/// Tries that there is no password, then what `passwords` gives. `attempt` takes a password and the
/// iterations it may spend.
pub(super) fn with_password<T, E: Into<OpenFailure>>(
    passwords: &mut Passwords<'_>,
    protected: PasswordTarget,
    max_iterations: u64,
    mut attempt: impl FnMut(Option<&Password>, u64) -> Result<T, E>,
) -> Result<T, OpenFailure> {
    let mut attempt = |password: Option<&Password>, limit| attempt(password, limit).map_err(Into::into);
    let is_wrong = |unopened: &OpenFailure| matches!(unopened.error, OpenError::WrongPassword { .. });
    match passwords {
        Passwords::None => attempt(None, max_iterations).map_err(|unopened| match unopened.error {
            OpenError::WrongPassword { .. } => OpenFailure { error: OpenError::PasswordNeeded(protected), ..unopened },
            _ => unopened,
        }),
        Passwords::Given(password) => attempt(Some(password), max_iterations).map_err(|mut unopened| {
            if let OpenError::WrongPassword { opens_without, .. } = &mut unopened.error {
                *opens_without = attempt(None, HINT_ITERATIONS.min(max_iterations)).is_ok();
            }
            unopened
        }),
        Passwords::AnyOf(candidates) => {
            let mut result = attempt(None, max_iterations);
            for candidate in candidates.iter() {
                if !result.as_ref().is_err_and(is_wrong) {
                    break;
                }
                result = attempt(Some(candidate), max_iterations);
            }
            result
        }
        Passwords::Ask(ask) => {
            let mut result = attempt(None, max_iterations);
            for number in 1..=TRIES {
                if !result.as_ref().is_err_and(is_wrong) {
                    break;
                }
                let password = ask(protected, number).map_err(OpenError::Ask)?;
                result = attempt(Some(&password), max_iterations);
            }
            result
        }
    }
}
