//! The passwords that are tried on the files of a run.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use data_encoding::BASE64;
use zeroize::Zeroizing;

use crate::container::Passwords;
use crate::container::kubernetes::KubernetesObject;
use crate::secret::{self, Password};
use crate::world::files::{self, Location};
use crate::world::walk::Globs;

/// Passwords for the files of a run. Nobody is asked while it runs.
#[derive(Debug, Default)]
pub(crate) struct PasswordCandidates {
    /// For all files.
    pub(crate) common: Vec<Password>,
    /// The only candidate is the one password that was given for all files.
    pub(crate) is_given: bool,
    /// For the files that fit a glob; they are tried before the common ones.
    pub(crate) rules: Vec<PasswordRule>,
}

/// A password for the files that fit.
#[derive(Debug)]
pub(crate) struct PasswordRule {
    pub(crate) globs: Globs,
    /// The line of the file of passwords, from 1.
    pub(crate) line: usize,
    /// The password, or why there is none: then the files of the rule fail, unless they open without it.
    pub(crate) password: Result<Password, SourceProblem>,
    /// A file fitted.
    pub(crate) is_used: AtomicBool,
}

/// The reason why a source has no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceProblem {
    #[error("the variable is not set")]
    NotSet,
    #[error("the variable, or the file, is empty")]
    Empty,
    #[error("the file cannot be read")]
    Unreadable,
}

/// A rule that fits a file and has no password for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailedRule {
    pub(crate) line: usize,
    pub(crate) problem: SourceProblem,
}

/// The passwords to try on a file.
#[derive(Debug)]
pub(crate) struct MatchingPasswords<'a> {
    pub(crate) passwords: Cow<'a, [Password]>,
    pub(crate) failed_rule: Option<FailedRule>,
}

impl PasswordCandidates {
    /// Returns the passwords to try on a file; `roots` are the paths that were named.
    pub(crate) fn matching(&self, path: &Path, roots: &[PathBuf]) -> MatchingPasswords<'_> {
        let mut matching = MatchingPasswords { passwords: Cow::Borrowed(&self.common), failed_rule: None };
        if self.rules.is_empty() {
            return matching;
        }
        let names = names_of(path, roots);
        let mut passwords = Vec::new();
        for rule in &self.rules {
            if !names.iter().any(|name| rule.globs.fit(name)) {
                continue;
            }
            rule.is_used.store(true, Ordering::Relaxed);
            match &rule.password {
                Ok(password) => passwords.push(password.clone()),
                Err(problem) => matching.failed_rule = Some(FailedRule { line: rule.line, problem: *problem }),
            }
        }
        if !passwords.is_empty() {
            passwords.extend_from_slice(&self.common);
            matching.passwords = Cow::Owned(passwords);
        }
        matching
    }

    /// Returns `matching` passwords in the form in which a container is opened.
    pub(crate) fn as_passwords<'a>(&self, matching: &'a [Password]) -> Passwords<'a> {
        match matching {
            [] => Passwords::None,
            [only] if self.is_given => Passwords::GivenOrNone(only.clone()),
            _ => Passwords::AnyOf(matching),
        }
    }

    /// Returns the lines of the rules that fitted no file.
    pub(crate) fn unused_lines(&self) -> Vec<usize> {
        let mut lines = Vec::new();
        for rule in &self.rules {
            if !rule.is_used.load(Ordering::Relaxed) {
                lines.push(rule.line);
            }
        }
        lines
    }
}

/// Returns the names by which a rule may call a file: the path as reports print it, from the root of the file system,
/// with and without links, below the folder that was named, and below the working directory.
fn names_of(path: &Path, roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut names = vec![path_below(path, roots).to_owned()];
    let printed = path.strip_prefix(".").unwrap_or(path).to_owned();
    let mut absolute = Vec::from_iter(std::path::absolute(path).ok());
    absolute.extend(canonical_folder(path));
    let mut others = vec![printed];
    for name in absolute {
        for working in working_directories() {
            others.extend(name.strip_prefix(working).ok().map(Path::to_owned));
        }
        others.push(name);
    }
    for name in others {
        // Globs have no slash before the first name.
        let name = name.strip_prefix("/").map_or(name.clone(), Path::to_owned);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Returns the path in its folder without links; it may be a link itself, with a name of its own.
fn canonical_folder(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?))
}

/// Returns the working directory as it is called, and without links.
fn working_directories() -> Vec<PathBuf> {
    let Ok(named) = std::env::current_dir() else { return vec![] };
    let mut all = Vec::from_iter(named.canonicalize());
    all.push(named);
    all
}

/// The passwords that an entry of a Secret may be.
#[derive(Debug)]
pub(crate) struct EntryPassword {
    /// The entry's name, as reports have it.
    pub(crate) entry: String,
    /// Its bytes, and its first line where that is less; the same of what they are in Base64.
    pub(crate) passwords: Vec<Password>,
}

/// The ends of the names of entries that are passwords.
const PASSWORD_NAMES: [&str; 5] = ["password", "passphrase", "passwd", "pass", "pwd"];

/// The most entries of a Secret that are tried as passwords.
const MAX_ENTRY_PASSWORDS: usize = 8;

/// Returns the passwords in a Secret, for the other entries of it.
pub(crate) fn entry_passwords(object: &KubernetesObject) -> Vec<EntryPassword> {
    let mut found = Vec::new();
    for (key, bytes) in &object.entries {
        if let Ok(bytes) = bytes
            && is_password_name(key)
            && found.len() < MAX_ENTRY_PASSWORDS
        {
            found.extend(EntryPassword::of(object.entry_path(key), bytes));
        }
    }
    found
}

/// Returns the passwords beside an entry of a mounted Secret.
pub(crate) fn mounted_passwords(path: &Path) -> Vec<EntryPassword> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let Ok(files) = folder.read_dir() else { return vec![] };
    let mut names = Vec::new();
    for file in files.flatten() {
        if let Some(name) = file.file_name().to_str()
            && is_password_name(name)
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names.iter().take(MAX_ENTRY_PASSWORDS) {
        let file = path.with_file_name(name);
        if file.is_file()
            && let Ok(bytes) = files::read(&Location::Path(file.clone()), &mut io::empty())
        {
            found.extend(EntryPassword::of(file.display().to_string(), &bytes));
        }
    }
    found
}

fn is_password_name(key: &str) -> bool {
    let name = key.to_ascii_lowercase();
    let stem = name.strip_suffix(".txt").unwrap_or(&name);
    PASSWORD_NAMES.iter().any(|end| stem.ends_with(end))
}

impl EntryPassword {
    fn of(entry: String, bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let mut passwords = Vec::new();
        add_both(bytes, &mut passwords);
        // What went into Base64 twice, as the files beside it did.
        if let Ok(decoded) = BASE64.decode(bytes.trim_ascii()) {
            add_both(&Zeroizing::new(decoded), &mut passwords);
        }
        Some(Self { entry, passwords })
    }
}

/// Adds a password, and its first line where that is less.
fn add_both(bytes: &[u8], passwords: &mut Vec<Password>) {
    passwords.push(Password::new(bytes.to_vec()));
    let line = secret::first_line(bytes);
    if line.len() < bytes.len() {
        passwords.push(Password::new(line.to_vec()));
    }
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

    #[test]
    fn a_rule_calls_a_file_as_reports_do_or_from_the_root_or_from_the_folder() {
        let fits = |glob: &str, path: &str, root: &str| {
            let globs = Globs::new(&[glob]).unwrap();
            names_of(Path::new(path), &[PathBuf::from(root)]).iter().any(|name| globs.fit(name))
        };
        for glob in ["a.p12", "*.p12", "old/a.p12", "certs/old/a.p12", "./certs/old/a.p12", "certs/**"] {
            assert!(fits(glob, "certs/old/a.p12", "certs"), "{glob}");
            assert!(fits(glob, "./certs/old/a.p12", "./certs"), "{glob}");
        }
        for glob in ["/srv/certs/old/a.p12", "/srv/**/*.p12", "old/*"] {
            assert!(fits(glob, "/srv/certs/old/a.p12", "/srv/certs"), "{glob}");
        }
        let absolute = std::env::current_dir().unwrap().join("certs/old/a.p12");
        assert!(fits(&absolute.display().to_string(), "certs/old/a.p12", "certs"));
        assert!(fits("prod/push/*.p12", "prod/push/push.p12", "."));
        assert!(fits("certs/old/a.p12", &absolute.display().to_string(), "/"));
        for glob in ["other/a.p12", "old/a.pem", "/old/b.p12"] {
            assert!(!fits(glob, "certs/old/a.p12", "certs"), "{glob}");
        }
    }
}
