//! Opening many files, on all cores where there are many, and keeping only what the report needs.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::commands::shared::advice;
use crate::commands::shared::candidates::Candidates;
use crate::container::{self, Contents, Passwords, kubernetes};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::likeness;
use crate::expiry::report::{CheckedCertificate, PolicyReport, Source, UnreadableFile, check};
use crate::finding::Level;
use crate::world::files::{self, Location};
use crate::world::progress::Progress;
use crate::world::walk::{FoundFile, WalkError};

/// Fewer files are opened before threads would have started.
const FEW: usize = 16;

/// So many files are found before they are opened.
const SOME: usize = 1024;

/// How files are opened and judged.
pub(crate) struct ExpiryScanner<'a> {
    pub(crate) policy: &'a PolicyReport,
    pub(crate) candidates: &'a Candidates,
    pub(crate) max_iterations: u64,
    pub(crate) skip_unreadable: bool,
    pub(crate) now: OffsetDateTime,
    /// The paths that were named.
    pub(crate) roots: &'a [PathBuf],
}

/// What came of one file, or of the entries in it.
#[derive(Default)]
struct FileResult {
    certificates: Vec<CheckedCertificate>,
    unreadable: Vec<UnreadableFile>,
    files: u64,
    without_certificates: u64,
}

/// What came of all.
#[derive(Default)]
pub(crate) struct ScanTotals {
    pub(crate) certificates: Vec<CheckedCertificate>,
    pub(crate) unreadable: Vec<UnreadableFile>,
    pub(crate) files: u64,
    pub(crate) without_certificates: u64,
}

impl ScanTotals {
    fn take(&mut self, outcome: FileResult) {
        self.certificates.extend(outcome.certificates);
        self.unreadable.extend(outcome.unreadable);
        self.files += outcome.files;
        self.without_certificates += outcome.without_certificates;
    }
}

/// A name, and whether it is that of a file that was named, or may be something else.
struct Item<'a> {
    name: &'a str,
    path: &'a Path,
    is_named: bool,
    source: Source,
}

/// What became of one file.
enum Opened {
    Contents(Box<Contents>),
    Nothing,
    Error(Error),
}

impl ExpiryScanner<'_> {
    /// Opens all files, some at a time: so the list of a large folder is never whole in memory.
    pub(crate) fn files(
        &self,
        mut found: impl Iterator<Item = Result<FoundFile, WalkError>>,
        tally: &mut ScanTotals,
        progress: &Progress,
    ) {
        let open = |found: Result<FoundFile, WalkError>| {
            let outcome = self.found(found);
            progress.step();
            outcome
        };
        loop {
            let some: Vec<_> = found.by_ref().take(SOME).collect();
            let outcomes: Vec<FileResult> = match some.len() {
                0 => return,
                1..=FEW => some.into_iter().map(open).collect(),
                _ => some.into_par_iter().map(open).collect(),
            };
            for outcome in outcomes {
                tally.take(outcome);
            }
        }
    }

    fn found(&self, found: Result<FoundFile, WalkError>) -> FileResult {
        let mut outcome = FileResult::default();
        match found {
            Ok(found) => self.file(&mut outcome, found),
            Err(WalkError { path, error }) => {
                let name = path.display().to_string();
                let error = advice::explain(&name, &files::ReadError::from(error));
                outcome.files += 1;
                self.cannot(&mut outcome, name, Source::File, error);
            }
        }
        outcome
    }

    fn file(&self, outcome: &mut FileResult, FoundFile { path, is_named }: FoundFile) {
        let name = path.display().to_string();
        let item = Item { name: &name, path: &path, is_named, source: Source::File };
        let location = Location::Path(path.clone());
        let opened = match files::read(&location, &mut io::empty()) {
            Ok(bytes) if is_named && kubernetes::looks_like_json(&bytes) => {
                return self.secrets(outcome, &name, &bytes);
            }
            Ok(bytes) => self.open(&item, &bytes),
            // No certificate is so large, and what lies about in folders may be.
            Err(files::ReadError::TooLarge) if !is_named && !likeness::promises_certificate(&name) => Opened::Nothing,
            Err(error) => Opened::Error(advice::explain(&name, &error)),
        };
        self.take(outcome, &item, opened);
    }

    /// Opens standard input.
    pub(crate) fn standard_input(&self, bytes: Result<Zeroizing<Vec<u8>>, files::ReadError>, tally: &mut ScanTotals) {
        let mut outcome = FileResult::default();
        let item = Item { name: "-", path: Path::new("-"), is_named: true, source: Source::Stdin };
        match bytes {
            Ok(bytes) if kubernetes::looks_like_json(&bytes) => self.secrets(&mut outcome, "-", &bytes),
            Ok(bytes) => {
                let opened = self.open(&item, &bytes);
                self.take(&mut outcome, &item, opened);
            }
            Err(error) => self.take(&mut outcome, &item, Opened::Error(advice::explain("-", &error))),
        }
        tally.take(outcome);
    }

    /// Opens the entries of Kubernetes secrets. An entry without a key borrows those beside it: so do
    /// secrets for TLS keep them (tls.crt and tls.key).
    fn secrets(&self, outcome: &mut FileResult, file: &str, json: &[u8]) {
        let secrets = match kubernetes::parse(json) {
            Ok(secrets) => secrets,
            Err(error) => {
                let error = advice::explain(file, &container::OpenError::from(error));
                outcome.files += 1;
                return self.cannot(outcome, file.to_owned(), Source::File, error);
            }
        };
        for secret in secrets {
            let open = |(key, bytes): (&String, &Zeroizing<Vec<u8>>)| {
                let name = format!("{}/{key}", secret.name);
                let item = Item { name: &name, path: Path::new(&name), is_named: false, source: Source::Secret };
                let opened = self.open(&item, bytes);
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
                let item = Item { name, path: Path::new(name), is_named: false, source: Source::Secret };
                self.take(outcome, &item, std::mem::replace(opened, Opened::Nothing));
            }
        }
    }

    /// Opens one file. A bug that a file brings to light does not hide what the others hold.
    fn open(&self, item: &Item<'_>, bytes: &[u8]) -> Opened {
        guarded(item.name, || {
            let open = |passwords: &mut Passwords<'_>| container::open(bytes, passwords, self.max_iterations);
            match self.candidates.with(item.path, self.roots, open) {
                Ok(contents) if !contents.certificates.is_empty() => Opened::Contents(Box::new(contents)),
                Ok(contents) if item.is_named || likeness::is_hollow(item.name, &contents) => {
                    let what = if contents.keys.is_empty() { "" } else { ", only a private key" };
                    let message = format!("{}: there is no certificate in it{what}", item.name);
                    Opened::Error(Error::new(ExitKind::Input, message).hint("name files that hold a certificate"))
                }
                Ok(contents) if contents.keys.is_empty() => Opened::Nothing,
                Ok(contents) => Opened::Contents(Box::new(contents)),
                Err(error) if !item.is_named && likeness::is_something_else(item.name, bytes, &error) => {
                    Opened::Nothing
                }
                Err(error) => Opened::Error(advice::explain(item.name, &error)),
            }
        })
    }

    fn take(&self, outcome: &mut FileResult, item: &Item<'_>, opened: Opened) {
        outcome.files += 1;
        match opened {
            Opened::Error(error) => self.cannot(outcome, item.name.to_owned(), item.source, error),
            Opened::Contents(contents) if !contents.certificates.is_empty() => {
                outcome.certificates.extend(check(item.name, item.source, &contents, self.policy, self.now));
            }
            Opened::Nothing | Opened::Contents(_) => outcome.without_certificates += 1,
        }
    }

    fn cannot(&self, outcome: &mut FileResult, file: String, source: Source, error: Error) {
        let may_be_skipped = self.skip_unreadable && error.kind != ExitKind::Bug;
        let verdict = if may_be_skipped { Level::Warning } else { Level::Failure };
        outcome.unreadable.push(UnreadableFile { file, source, verdict, error });
    }
}

/// Runs `open`; a panic becomes an error of this file.
fn guarded(file: &str, open: impl FnOnce() -> Opened) -> Opened {
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| {
        let error = Error::new(ExitKind::Bug, format!("{file}: this file brings to light a bug in pushcert"));
        Opened::Error(error.hint("please report it, without the certificate's key"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_an_error_of_the_file() {
        let opened = guarded("a.pem", || panic!("as a bug would"));
        assert!(matches!(opened, Opened::Error(Error { kind: ExitKind::Bug, exit_code: 70, .. })));
    }
}
