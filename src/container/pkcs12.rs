//! Reads a PKCS#12 file.

use crate::certificate::Certificate;
use crate::container::lookalike::Lookalike;
use crate::container::passwords::{PasswordTarget, Unlocker};
use crate::container::{Container, Contents, Entry, OpenError, Unread, open_inner};
use crate::key::PrivateKey;
use crate::pkcs12::{Bag, BagContent, Holds, Opened, OtherBag, PartProblem, Pfx, Rest, Unlocked, UnreadPart};

/// Reads what the passwords open, and without any of them what is not encrypted.
pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let pfx = Pfx::parse(bytes)?;
    let safes = pfx.safes()?;
    let info = safes.info();
    // A password that opens a part is better than none; one that opens all ends the search.
    let mut best: Option<Opened> = None;
    let has_others = unlocker.has_several();
    let mut is_of_key = false;
    let unlocked = unlocker.unlock(PasswordTarget::Pkcs12, pfx.has_mac(), |password, limits| {
        let opened = match safes.open(password, limits)? {
            Unlocked::Opened(opened) => opened,
            Unlocked::KeyPassword => {
                is_of_key = true;
                return Ok(None);
            }
            Unlocked::WrongPassword => {
                is_of_key &= password.is_none();
                return Ok(None);
            }
        };
        if !has_others || opened.unread.is_empty() {
            return Ok(Some(opened));
        }
        if best.as_ref().is_none_or(|known| opened.unread.len() < known.unread.len()) {
            best = Some(opened);
        }
        Ok(None)
    });
    let (opened, lock) = match (unlocked, best) {
        (Ok(opened), _) | (Err(_), Some(opened)) => (opened, None),
        (Err(OpenError::WrongPassword { .. }), None) if is_of_key && !has_others => {
            (safes.open_plain(), Some(OpenError::KeyPassword))
        }
        (Err(error), None) if error.is_locked() => (safes.open_plain(), Some(lock_of(&pfx, error))),
        (Err(error), None) => return Err(error),
    };
    drop(safes);
    let mut contents = Contents { pkcs12: Some(info), ..Contents::new(Container::Pkcs12) };
    contents.add_opened(opened, lock, unlocker)?;
    Ok(contents)
}

/// Returns why a file stays locked. Where its MAC cannot be checked, no password is to blame.
fn lock_of(pfx: &Pfx<'_>, error: OpenError) -> OpenError {
    match pfx.mac_problem() {
        Some(problem) => OpenError::Decode(problem.clone()),
        None => error,
    }
}

impl Contents {
    /// Adds bags. `lock` is the reason why what is locked stays so.
    fn add_opened(
        &mut self,
        opened: Opened,
        lock: Option<OpenError>,
        unlocker: &mut Unlocker<'_, '_>,
    ) -> Result<(), OpenError> {
        for bag in &opened.bags {
            self.add_bag(bag, unlocker)?;
            self.check_bounds()?;
        }
        for UnreadPart { place, holds, problem } in opened.unread {
            let error = match (problem, &lock) {
                (PartProblem::Decode(error), _) => OpenError::Decode(error),
                (PartProblem::Locked, Some(lock)) => lock.clone(),
                (PartProblem::Locked | PartProblem::OtherPassword, _) if holds == Holds::Key => {
                    OpenError::OtherKeyPassword
                }
                (PartProblem::Locked | PartProblem::OtherPassword, _) => OpenError::OtherPartPassword,
            };
            self.unread.push(Unread::new(place, holds, error));
        }
        for Rest { place, bytes } in &opened.rests {
            self.add_rest(place, bytes, unlocker)?;
        }
        self.bags = opened.bags;
        Ok(())
    }

    fn add_bag(&mut self, bag: &Bag, unlocker: &mut Unlocker<'_, '_>) -> Result<(), OpenError> {
        let (friendly_name, local_key_id) = (bag.friendly_name(), bag.local_key_id());
        match &bag.content {
            BagContent::Certificate(der) => match Certificate::parse(der) {
                Ok(item) => self.certificates.push(Entry { item, friendly_name, local_key_id }),
                Err(error) => match read_certificates(der, unlocker) {
                    Some(read) => self.add(read)?,
                    None => self.unread.push(Unread::new(bag.place(), Holds::Certificate, error.into())),
                },
            },
            BagContent::Key(der) => match PrivateKey::from_pkcs8(der) {
                Ok(item) => self.keys.push(Entry { item, friendly_name, local_key_id }),
                Err(error) => self.unread.push(Unread::new(bag.place(), Holds::Key, error.into())),
            },
            BagContent::Safe => {}
            BagContent::Secret(_) => {
                self.may_hide_key = true;
                self.others.push(format!("a secret of another application ({})", bag.place()));
            }
            BagContent::Other(OtherBag::RevocationList) => self.add_other(Lookalike::RevocationList, &bag.place()),
            BagContent::Other(OtherBag::ForeignCertificate) => {
                self.others.push(format!("a certificate that is not X.509 ({})", bag.place()));
            }
        }
        Ok(())
    }
}

/// Reads what stands in the place of a certificate where it has certificates: a list of them, PEM, Base64.
fn read_certificates(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Option<Contents> {
    unlocker.enter()?;
    let read = open_inner(bytes, unlocker);
    unlocker.leave();
    read.ok().filter(|read| !read.certificates.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Value;
    use crate::container::{Passwords, open};
    use crate::limits::DEFAULT_MAX_ITERATIONS;
    use crate::secret::Password;
    use crate::test_support::fixture;

    /// Returns a file whose key comes before its certificates, as Java writes it; its MAC fails with any password.
    fn with_key_first(bytes: &[u8]) -> Vec<u8> {
        let position = |part: &[u8]| memchr::memmem::find(bytes, part).unwrap();
        let data = position(b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06");
        let start = (0..data).rev().find(|start| bytes[*start..].starts_with(b"\x30\x82")).unwrap();
        let (certificates, rest) = Value::parse_prefix(&bytes[start..]).unwrap();
        let (key, rest) = Value::parse_prefix(rest).unwrap();
        [&bytes[..start], key.encoded(), certificates.encoded(), rest].concat()
    }

    #[test]
    fn the_password_of_the_key_alone_is_no_damage() {
        let file = with_key_first(&fixture("p12/different-key-password.p12"));
        let error = |password: &str| {
            let mut passwords = Passwords::Given(Password::new(password.into()));
            open(&file, &mut passwords, DEFAULT_MAX_ITERATIONS).unwrap_err()
        };
        let found = error("other");
        assert!(matches!(found, OpenError::KeyPassword) && found.is_locked(), "{found}");
        assert!(matches!(error("wrong"), OpenError::WrongPassword { .. }), "{}", error("wrong"));
    }
}
