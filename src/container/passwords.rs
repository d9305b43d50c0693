//! Tries passwords on what they protect.

use std::fmt;
use std::io;

use crate::container::OpenError;
use crate::limits::Limits;
use crate::secret::{Password, PasswordOddity};

/// The number of times that a person is asked for a password.
const TRIES: u32 = 3;

/// The source of the passwords. Unless one is given, the empty password is tried first.
pub enum Passwords<'a> {
    /// There is none.
    None,
    /// This one, and no other.
    Given(Password),
    /// This one; what opens without any is opened too.
    GivenOrNone(Password),
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

/// The passwords for a file, and the work that all its parts and all tries together may cost.
pub(super) struct Unlocker<'p, 'a> {
    passwords: &'p mut Passwords<'a>,
    limits: Limits,
    /// The files in one another that are being read.
    depth: u8,
}

/// The most files in one another: in what is signed, and after the values of PKCS#12 and PKCS#7.
const MAX_DEPTH: u8 = 3;

impl<'p, 'a> Unlocker<'p, 'a> {
    /// Returns whether there are several passwords to choose from.
    pub(super) fn has_several(&self) -> bool {
        matches!(self.passwords, Passwords::AnyOf(_))
    }

    pub(super) fn new(passwords: &'p mut Passwords<'a>, max_iterations: u64) -> Self {
        Self { passwords, limits: Limits::new(max_iterations), depth: 0 }
    }

    /// Begins to read what a file holds in another; `None` where too many are in one another.
    pub(super) fn enter(&mut self) -> Option<()> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        Some(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Calls `attempt` with each password until it returns something; `None` means that the password is wrong.
    pub(super) fn unlock<T>(
        &mut self,
        protected: PasswordTarget,
        has_mac: bool,
        mut attempt: impl FnMut(Option<&Password>, &Limits) -> Result<Option<T>, OpenError>,
    ) -> Result<T, OpenError> {
        let mut oddity = None;
        // Of those that were typed the last counts: the others were wrong by themselves.
        let is_asked = matches!(self.passwords, Passwords::Ask(_));
        for candidate in (Candidates { passwords: self.passwords, protected, tried: 0 }) {
            let candidate = candidate?;
            if let Some(opened) = attempt(candidate.as_ref(), &self.limits)? {
                return Ok(opened);
            }
            if let Some(password) = &candidate
                && (oddity.is_none() || is_asked)
            {
                oddity = password.oddity();
            }
        }
        let opens_without = match self.passwords {
            Passwords::None => return Err(OpenError::PasswordNeeded(protected)),
            Passwords::GivenOrNone(_) => {
                if let Ok(Some(opened)) = attempt(None, &self.limits) {
                    return Ok(opened);
                }
                false
            }
            Passwords::Given(_) => {
                let limits = self.limits.within(HINT_ITERATIONS);
                let opened = attempt(None, &limits);
                self.limits.spend(&limits);
                matches!(opened, Ok(Some(_)))
            }
            Passwords::AnyOf(_) | Passwords::Ask(_) => false,
        };
        // Who presses Enter knows it, and has no variable to fill.
        if is_asked && oddity == Some(PasswordOddity::Empty) {
            oddity = None;
        }
        Err(OpenError::WrongPassword { protected, has_mac, opens_without, oddity })
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
            (Passwords::Given(password) | Passwords::GivenOrNone(password), 0) => Some(Ok(Some(password.clone()))),
            (_, 0) => Some(Ok(None)),
            (Passwords::None | Passwords::Given(_) | Passwords::GivenOrNone(_), _) => None,
            (Passwords::AnyOf(all), _) => Some(Ok(Some(all.get(tried - 1)?.clone()))),
            (Passwords::Ask(ask), _) => {
                let number = u32::try_from(tried).ok().filter(|number| *number <= TRIES)?;
                Some(ask(self.protected, number).map(Some).map_err(|error| OpenError::Ask(error.to_string())))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container;
    use crate::key::PrivateKey;
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::test_support::fixture;

    fn encrypted_key(password: &str) -> Vec<u8> {
        let key = PrivateKey::from_pkcs8(&fixture("key/pkcs8.der")).unwrap();
        key.to_encrypted_pem(&Password::new(password.into())).unwrap().as_bytes().to_vec()
    }

    #[test]
    fn the_third_answer_at_a_terminal_opens_a_key_of_600_000_iterations() {
        let key = encrypted_key("pässwörd");
        let mut answers = vec!["pässwörd", "wröng", "wrong"];
        let mut ask = |_, _| Ok(Password::new(answers.pop().unwrap().into()));
        let contents = container::open(&key, &mut Passwords::Ask(&mut ask), DEFAULT_MAX_ITERATIONS).unwrap();
        assert_eq!(contents.keys.len(), 1);
    }

    #[test]
    fn of_the_answers_at_a_terminal_the_last_is_judged() {
        let key = encrypted_key("push");
        for (answers, expected) in [
            (["", "", "wrong"], None),
            (["wrong", "'wrong'", ""], None),
            (["", "wrong", "'wrong'"], Some(PasswordOddity::Quotes)),
        ] {
            let mut ask = |_, attempt| Ok(Password::new(answers[attempt as usize - 1].into()));
            let error = container::open(&key, &mut Passwords::Ask(&mut ask), DEFAULT_MAX_ITERATIONS).unwrap_err();
            let OpenError::WrongPassword { oddity, .. } = error else { panic!("{error}") };
            assert_eq!(oddity, expected, "{answers:?}");
        }
        let mut given = Passwords::Given(Password::new(Vec::new()));
        let error = container::open(&key, &mut given, DEFAULT_MAX_ITERATIONS).unwrap_err();
        assert!(matches!(error, OpenError::WrongPassword { oddity: Some(PasswordOddity::Empty), .. }), "{error}");
    }

    #[test]
    fn all_parts_of_a_file_share_the_limit() {
        let key = fixture("pem/encrypted-key.pem");
        let open = |copies: usize, limit| {
            let password = Passwords::Given(Password::new(b"push".to_vec()));
            container::open(&key.repeat(copies), &mut { password }, limit)
        };
        assert!(open(1, 4200).unwrap().unread.is_empty());
        assert!(open(2, 8400).unwrap().unread.is_empty());
        let unread = open(2, 8100).unwrap().unread;
        let errors: Vec<String> = unread.iter().map(|part| part.error.to_string()).collect();
        assert_eq!(errors, ["the file asks for more than 8100 iterations to derive its keys"]);
    }
}
