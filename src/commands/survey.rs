//! Opening many files, on all cores where there are many, and keeping only what the report needs.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::candidates::{Candidates, below};
use crate::certificate::expiry::Verdict;
use crate::container::{self, Contents, Passwords, kubernetes, likeness};
use crate::error::Error;
use crate::exit::Kind;
use crate::files::{self, Location};
use crate::progress::Progress;
use crate::report::expiry::{CheckedCertificate, PolicyReport, UnreadableFile, check};
use crate::walk::{Found, Lost};

/// Fewer files are opened before threads would have started.
const FEW: usize = 16;

/// How files are opened and judged.
pub(super) struct Survey<'a> {
    pub(super) policy: &'a PolicyReport,
    pub(super) candidates: &'a Candidates,
    pub(super) max_iterations: u64,
    pub(super) skip_unreadable: bool,
    pub(super) now: OffsetDateTime,
    /// The paths that were named.
    pub(super) roots: &'a [PathBuf],
}

/// What came of it.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) certificates: Vec<Box<CheckedCertificate>>,
    pub(super) unreadable: Vec<UnreadableFile>,
    pub(super) files: u64,
    pub(super) without_certificates: u64,
}

impl Tally {
    pub(super) fn merge(mut self, other: Self) -> Self {
        self.certificates.extend(other.certificates);
        self.unreadable.extend(other.unreadable);
        self.files += other.files;
        self.without_certificates += other.without_certificates;
        self
    }
}

/// A name, and whether it is that of a file that was named, or may be something else.
struct Source<'a> {
    name: &'a str,
    path: &'a Path,
    is_named: bool,
    is_file: bool,
}

/// What became of one file.
enum Opened {
    Contents(Box<Contents>),
    Nothing,
    Error(Error),
}

impl Survey<'_> {
    /// Opens all files.
    pub(super) fn files(&self, found: Vec<Found>, lost: Vec<Lost>, progress: &Progress) -> Tally {
        let file = |mut tally: Tally, found: Found| {
            self.file(&mut tally, found);
            progress.step();
            tally
        };
        let mut tally = if found.len() <= FEW {
            found.into_iter().fold(Tally::default(), file)
        } else {
            found.into_par_iter().fold(Tally::default, file).reduce(Tally::default, Tally::merge)
        };
        for Lost { path, error } in lost {
            let name = path.display().to_string();
            let error = Error::in_file(&name, &files::ReadError::from(error));
            tally.files += 1;
            self.cannot(&mut tally, name, true, error);
        }
        tally
    }

    fn file(&self, tally: &mut Tally, Found { path, is_named }: Found) {
        let name = path.display().to_string();
        let source = Source { name: &name, path: below(&path, self.roots), is_named, is_file: true };
        let location = Location::Path(path.clone());
        let opened = match files::read(&location, &mut io::empty()) {
            Ok(bytes) if is_named && kubernetes::is_it(&bytes) => return self.secrets(tally, &name, &bytes),
            Ok(bytes) => self.open(&source, &bytes),
            // No certificate is so large, and what lies about in folders may be.
            Err(files::ReadError::TooLarge) if !is_named && !likeness::promises_certificate(&name) => Opened::Nothing,
            Err(error) => Opened::Error(Error::in_file(&name, &error)),
        };
        self.take(tally, &source, opened);
    }

    /// Opens standard input.
    pub(super) fn standard_input(&self, bytes: Result<Zeroizing<Vec<u8>>, files::ReadError>) -> Tally {
        let mut tally = Tally::default();
        let source = Source { name: "-", path: Path::new("-"), is_named: true, is_file: false };
        match bytes {
            Ok(bytes) if kubernetes::is_it(&bytes) => self.secrets(&mut tally, "-", &bytes),
            Ok(bytes) => {
                let opened = self.open(&source, &bytes);
                self.take(&mut tally, &source, opened);
            }
            Err(error) => self.take(&mut tally, &source, Opened::Error(Error::in_file("-", &error))),
        }
        tally
    }

    /// Opens the entries of Kubernetes secrets. An entry without a key borrows those beside it: so do
    /// secrets for TLS keep them (tls.crt and tls.key).
    fn secrets(&self, tally: &mut Tally, file: &str, json: &[u8]) {
        let secrets = match kubernetes::parse(json) {
            Ok(secrets) => secrets,
            Err(error) => {
                let error = Error::in_file(file, &container::OpenError::Malformed(error));
                tally.files += 1;
                return self.cannot(tally, file.to_owned(), true, error);
            }
        };
        for secret in secrets {
            let open = |(key, bytes): (&String, &Zeroizing<Vec<u8>>)| {
                let name = format!("{}/{key}", secret.name);
                let source = Source { name: &name, path: Path::new(&name), is_named: false, is_file: false };
                let opened = self.open(&source, bytes);
                (name, opened)
            };
            let mut opened: Vec<(String, Opened)> = secret.entries.iter().map(open).collect();
            let contents = |(_, opened): &(String, Opened)| match opened {
                Opened::Contents(contents) => contents.keys.clone(),
                Opened::Nothing | Opened::Error(_) => vec![],
            };
            let keys: Vec<_> = opened.iter().flat_map(contents).collect();
            for (name, opened) in &mut opened {
                if let Opened::Contents(contents) = opened
                    && contents.keys.is_empty()
                {
                    contents.keys.clone_from(&keys);
                }
                let source = Source { name, path: Path::new(name), is_named: false, is_file: false };
                self.take(tally, &source, std::mem::replace(opened, Opened::Nothing));
            }
        }
    }

    /// Opens one file. A bug that a file brings to light does not hide what the others hold.
    fn open(&self, source: &Source<'_>, bytes: &[u8]) -> Opened {
        guarded(source.name, || {
            let open = |passwords: &mut Passwords<'_>| container::open(bytes, passwords, self.max_iterations);
            match self.candidates.with(source.path, open) {
                Ok(contents) if !contents.certificates.is_empty() => Opened::Contents(Box::new(contents)),
                Ok(contents) if source.is_named || likeness::is_hollow(source.name, &contents) => {
                    let what = if contents.keys.is_empty() { "" } else { ", only a private key" };
                    let message = format!("{}: there is no certificate in it{what}", source.name);
                    Opened::Error(Error::new(Kind::Input, message).hint("name files that hold a certificate"))
                }
                Ok(contents) if contents.keys.is_empty() => Opened::Nothing,
                Ok(contents) => Opened::Contents(Box::new(contents)),
                Err(unopened) if !source.is_named && likeness::is_something_else(source.name, bytes, &unopened) => {
                    Opened::Nothing
                }
                Err(unopened) => Opened::Error(Error::in_file(source.name, &unopened.error)),
            }
        })
    }

    fn take(&self, tally: &mut Tally, source: &Source<'_>, opened: Opened) {
        tally.files += 1;
        match opened {
            Opened::Error(error) => self.cannot(tally, source.name.to_owned(), source.is_file, error),
            Opened::Contents(contents) if !contents.certificates.is_empty() => {
                tally.certificates.extend(check(source.name, source.is_file, &contents, self.policy, self.now));
            }
            Opened::Nothing | Opened::Contents(_) => tally.without_certificates += 1,
        }
    }

    fn cannot(&self, tally: &mut Tally, file: String, is_file: bool, error: Error) {
        let may_be_skipped = self.skip_unreadable && error.kind != Kind::Bug;
        let verdict = if may_be_skipped { Verdict::Warning } else { Verdict::Failure };
        tally.unreadable.push(UnreadableFile { file, is_file, verdict, error });
    }
}

/// Runs `open`; a panic becomes an error of this file.
fn guarded(file: &str, open: impl FnOnce() -> Opened) -> Opened {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        let error = Error::new(Kind::Bug, format!("{file}: this file brings to light a bug in pushcert"));
        Opened::Error(error.hint("please report it, without the certificate's key"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_an_error_of_the_file() {
        let opened = guarded("a.pem", || panic!("as a bug would"));
        assert!(matches!(opened, Opened::Error(Error { kind: Kind::Bug, exit_code: 70, .. })));
    }
}
