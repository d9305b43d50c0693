//! The passwords that are tried on the files of a run.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::container::Passwords;
use crate::container::kubernetes::KubernetesObject;
use crate::secret::{self, Password};
use crate::world::walk::Globs;

/// Passwords for the files of a run. Nobody is asked while it runs.
#[derive(Debug, Default)]
pub(crate) struct PasswordCandidates {
    /// For all files.
    pub(crate) common: Vec<Password>,
    /// The only candidate is the one password that was given for all files.
    pub(crate) is_given: bool,
    /// For the files that fit a glob; they are tried before the common ones.
    pub(crate) by_glob: Vec<GlobPassword>,
}

/// A password for the files that fit.
#[derive(Debug)]
pub(crate) struct GlobPassword {
    pub(crate) globs: Globs,
    pub(crate) password: Password,
}

impl PasswordCandidates {
    /// Returns the passwords to try on a file; `roots` are the paths that were named.
    pub(crate) fn matching(&self, path: &Path, roots: &[PathBuf]) -> Cow<'_, [Password]> {
        let path = path_below(path, roots);
        let mut passwords = Vec::new();
        for candidate in &self.by_glob {
            if candidate.globs.fit(path) {
                passwords.push(candidate.password.clone());
            }
        }
        if passwords.is_empty() {
            return Cow::Borrowed(&self.common);
        }
        passwords.extend_from_slice(&self.common);
        Cow::Owned(passwords)
    }

    /// Returns `matching` passwords in the form in which a container is opened.
    pub(crate) fn as_passwords<'a>(&self, matching: &'a [Password]) -> Passwords<'a> {
        match matching {
            [] => Passwords::None,
            [only] if self.is_given => Passwords::Given(only.clone()),
            _ => Passwords::AnyOf(matching),
        }
    }
}

/// The passwords that an entry of a Secret may be.
#[derive(Debug)]
pub(crate) struct EntryPassword {
    /// The entry's name, as reports have it.
    pub(crate) entry: String,
    /// Its bytes, and its first line where that is less.
    pub(crate) passwords: Vec<Password>,
}

/// The ends of the names of entries that are passwords.
const PASSWORD_NAMES: [&str; 4] = ["password", "passphrase", "passwd", "pass"];

/// The most entries of a Secret that are tried as passwords.
const MAX_ENTRY_PASSWORDS: usize = 8;

/// Returns the passwords in a Secret, for the other entries of it.
pub(crate) fn entry_passwords(object: &KubernetesObject) -> Vec<EntryPassword> {
    let mut found = Vec::new();
    for (key, bytes) in &object.entries {
        let name = key.to_ascii_lowercase();
        let stem = name.strip_suffix(".txt").unwrap_or(&name);
        let Ok(bytes) = bytes else { continue };
        if bytes.is_empty() || !PASSWORD_NAMES.iter().any(|end| stem.ends_with(end)) {
            continue;
        }
        let mut passwords = vec![Password::new(bytes.to_vec())];
        let line = secret::first_line(bytes);
        if line.len() < bytes.len() {
            passwords.push(Password::new(line.to_vec()));
        }
        let entry = if object.name.is_empty() { key.clone() } else { format!("{}/{key}", object.name) };
        found.push(EntryPassword { entry, passwords });
        if found.len() == MAX_ENTRY_PASSWORDS {
            break;
        }
    }
    found
}

/// Returns the path below the folder that was named, or that of a file that was named itself.
fn path_below<'a>(path: &'a Path, roots: &[PathBuf]) -> &'a Path {
    let mut below = path;
    for root in roots {
        if let Ok(rest) = path.strip_prefix(root) {
            if !rest.as_os_str().is_empty() {
                below = rest;
            }
            break;
        }
    }
    below.strip_prefix(".").unwrap_or(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_below_the_folder() {
        let below = |path: &str, root: &str| {
            path_below(Path::new(path), &[PathBuf::from("other"), PathBuf::from(root)]).display().to_string()
        };
        assert_eq!(below("certs/old/a.p12", "certs"), "old/a.p12");
        assert_eq!(below("certs/a.p12", "certs/a.p12"), "certs/a.p12");
        assert_eq!(below("./a.p12", "./a.p12"), "a.p12");
        assert_eq!(below("./certs/a.p12", "."), "certs/a.p12");
    }
}
