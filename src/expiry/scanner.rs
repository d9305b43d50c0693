//! Opens many files, on all cores where there are many, and keeps only what the report needs.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::container::kubernetes::Secret;
use crate::container::{self, Contents, OpenError, PasswordTarget, Unread, kubernetes};
use crate::expiry::passwords::PasswordCandidates;
use crate::expiry::report::{CheckedCertificate, FileCounts, PolicyReport, Source, check};
use crate::expiry::sniff::{has_certificate_extension, is_suspiciously_empty, is_unrelated_file};
use crate::finding::{FindingCode, Level};
use crate::pkcs12::Holds;
use crate::world::files::{self, Location, ReadError};
use crate::world::progress::Progress;
use crate::world::walk::{FoundFile, WalkError};

/// So many files or fewer are opened on one core: threads take longer to start.
const PARALLEL_THRESHOLD: usize = 16;

/// Opens files and holds their certificates to the policy.
pub(crate) struct ExpiryScanner<'a> {
    pub(crate) policy: &'a PolicyReport,
    pub(crate) passwords: &'a PasswordCandidates,
    pub(crate) max_iterations: u64,
    pub(crate) skip_unreadable: bool,
    pub(crate) now: OffsetDateTime,
    /// The paths that were named.
    pub(crate) roots: &'a [PathBuf],
}

/// The findings of a scan, in no order.
#[derive(Debug, Default)]
pub(crate) struct ScanTotals {
    pub(crate) certificates: Vec<CheckedCertificate>,
    pub(crate) unreadable: Vec<FileFailure>,
    pub(crate) counts: FileCounts,
}

/// A file whose certificates could not be checked.
#[derive(Debug)]
pub(crate) struct FileFailure {
    /// The file, or the name of the entry in a Kubernetes secret.
    pub(crate) file: String,
    pub(crate) source: Source,
    /// A failure, or a warning if unreadable files are to be skipped.
    pub(crate) level: Level,
    pub(crate) error: ScanError,
}

/// The reasons why the certificates of a file could not be checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{0}")]
    Part(Unread),
    #[error("it is a link that leads nowhere")]
    DanglingLink,
    #[error("there is no certificate in it")]
    NoCertificate,
    #[error("there is no certificate in it, only a private key")]
    OnlyKey,
    #[error("reading this file crashed pushcert (a bug)")]
    Crash,
}

impl ScanError {
    /// Returns the code of the finding that the file causes.
    pub(crate) const fn code(&self) -> FindingCode {
        match self {
            Self::Open(error) | Self::Part(Unread { error, .. }) if error.is_locked() => FindingCode::FileLocked,
            Self::Read(_)
            | Self::Open(_)
            | Self::Part(_)
            | Self::DanglingLink
            | Self::NoCertificate
            | Self::OnlyKey => FindingCode::FileUnreadable,
            Self::Crash => FindingCode::ReaderCrashed,
        }
    }
}

/// The contents of a file; `None` if the file is not for certificates.
type FileResult = Result<Option<Contents>, ScanError>;

impl ScanTotals {
    /// Returns both together.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.certificates.extend(other.certificates);
        self.unreadable.extend(other.unreadable);
        self.counts.files += other.counts.files;
        self.counts.without_certificates += other.counts.without_certificates;
        self.counts.passed_over += other.counts.passed_over;
        self
    }
}

/// A file, or an entry in a Kubernetes secret.
struct Item<'a> {
    name: &'a str,
    path: &'a Path,
    source: Source,
    /// The file was named itself: then it must hold certificates.
    is_named: bool,
}

impl<'a> Item<'a> {
    fn stdin() -> Self {
        Self { name: "-", path: Path::new("-"), source: Source::Stdin, is_named: true }
    }

    fn secret_entry(name: &'a str) -> Self {
        Self { name, path: Path::new(name), source: Source::Secret, is_named: false }
    }
}

impl ExpiryScanner<'_> {
    /// Checks all files that were found.
    pub(crate) fn scan_files(&self, found: Vec<Result<FoundFile, WalkError>>, progress: &Progress) -> ScanTotals {
        let scan = |mut totals: ScanTotals, file| {
            self.scan_found(file, &mut totals);
            progress.step();
            totals
        };
        if found.len() <= PARALLEL_THRESHOLD {
            return found.into_iter().fold(ScanTotals::default(), scan);
        }
        found.into_par_iter().fold(ScanTotals::default, scan).reduce(ScanTotals::default, ScanTotals::merge)
    }

    fn scan_found(&self, found: Result<FoundFile, WalkError>, totals: &mut ScanTotals) {
        match found {
            Ok(file) => self.scan_file(&file, totals),
            Err(WalkError { path, error }) => {
                let name = path.display().to_string();
                let item = Item { name: &name, path: &path, source: Source::File, is_named: false };
                let error = match error.kind() {
                    io::ErrorKind::NotFound if path.is_symlink() => ScanError::DanglingLink,
                    _ => ReadError::from(error).into(),
                };
                self.record(&item, Err(error), totals);
            }
        }
    }

    fn scan_file(&self, file: &FoundFile, totals: &mut ScanTotals) {
        let name = file.path.display().to_string();
        let item = Item { name: &name, path: &file.path, source: Source::File, is_named: file.is_named };
        let result = match files::read(&Location::Path(file.path.clone()), &mut io::empty()) {
            Ok(bytes) if self.scan_secrets(&item, &bytes, totals) => return,
            Ok(bytes) => self.open(&item, &bytes),
            Err(error) => Err(error.into()),
        };
        self.record(&item, result, totals);
    }

    /// Checks standard input.
    pub(crate) fn scan_stdin(&self, bytes: Result<Zeroizing<Vec<u8>>, ReadError>) -> ScanTotals {
        let mut totals = ScanTotals::default();
        let item = Item::stdin();
        match bytes {
            Ok(bytes) if self.scan_secrets(&item, &bytes, &mut totals) => {}
            Ok(bytes) => self.record(&item, self.open(&item, &bytes), &mut totals),
            Err(error) => self.record(&item, Err(error.into()), &mut totals),
        }
        totals
    }

    /// Checks the entries of Kubernetes secrets. An entry without a key borrows those beside it: TLS secrets
    /// keep certificate and key apart (tls.crt and tls.key).
    ///
    /// Returns whether the file is theirs. JSON of another kind may still have certificates in it.
    fn scan_secrets(&self, file: &Item<'_>, json: &[u8], totals: &mut ScanTotals) -> bool {
        let decoded = container::as_utf8(json);
        let json = decoded.as_deref().map_or(json, Vec::as_slice);
        if !kubernetes::looks_like_json(json) {
            return false;
        }
        let secrets = match kubernetes::parse(json) {
            Ok(secrets) => secrets,
            Err(_) if !file.is_named || container::has_text_parts(json) => return false,
            Err(error) => {
                let file = Item { source: Source::File, ..*file };
                self.record(&file, Err(OpenError::from(error).into()), totals);
                return true;
            }
        };
        let known = totals.certificates.len() + totals.unreadable.len();
        let are_all_others = !secrets.is_empty() && secrets.iter().all(Secret::is_other_kind);
        for secret in secrets {
            let mut keys = Vec::new();
            let mut entries = Vec::with_capacity(secret.entries.len());
            for (key, bytes) in &secret.entries {
                let name = format!("{}/{key}", secret.name);
                let result = match bytes {
                    Ok(bytes) => self.open(&Item::secret_entry(&name), bytes),
                    Err(error) => Err(OpenError::from(error.clone()).into()),
                };
                if let Ok(Some(contents)) = &result {
                    keys.extend_from_slice(&contents.keys);
                }
                entries.push((name, result));
            }
            for (name, mut result) in entries {
                if let Ok(Some(contents)) = &mut result
                    && contents.keys.is_empty()
                {
                    contents.keys.clone_from(&keys);
                }
                self.record(&Item::secret_entry(&name), result, totals);
            }
        }
        if are_all_others && file.is_named && totals.certificates.len() + totals.unreadable.len() == known {
            self.record(&Item { source: Source::File, ..*file }, Err(ScanError::NoCertificate), totals);
        }
        true
    }

    fn open(&self, item: &Item<'_>, bytes: &[u8]) -> FileResult {
        guarded(|| {
            let candidates = self.passwords.matching(item.path, self.roots);
            let mut passwords = self.passwords.as_passwords(&candidates);
            let contents = match container::open(bytes, &mut passwords, self.max_iterations) {
                Ok(contents) => contents,
                Err(error) if !item.is_named && is_unrelated_file(item.name, bytes, &error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            if contents.certificates.is_empty()
                && contents.unread.is_empty()
                && (item.is_named || is_suspiciously_empty(item.name, &contents))
            {
                return Err(if contents.keys.is_empty() { ScanError::NoCertificate } else { ScanError::OnlyKey });
            }
            Ok(Some(contents))
        })
    }

    fn record(&self, item: &Item<'_>, result: FileResult, totals: &mut ScanTotals) {
        totals.counts.files += 1;
        let contents = match result {
            Ok(Some(contents)) => contents,
            Ok(None) => {
                totals.counts.without_certificates += 1;
                return;
            }
            Err(error) => return self.record_unreadable(item, error, totals),
        };
        if contents.certificates.is_empty() && contents.unread.is_empty() {
            totals.counts.without_certificates += 1;
            return;
        }
        totals.certificates.extend(check(item.name, item.source, &contents, self.policy, self.now));
        for unread in contents.unread {
            if item.is_named || has_certificate_extension(item.name) || !unread.is_mere_text {
                self.record_unreadable(item, ScanError::Part(unread), totals);
            }
        }
    }

    fn record_unreadable(&self, item: &Item<'_>, error: ScanError, totals: &mut ScanTotals) {
        let level = match &error {
            error if self.is_mere_key(item, error) => Level::Ok,
            error if is_passed_over(item, error) => {
                totals.counts.passed_over += 1;
                Level::Ok
            }
            ScanError::Crash => Level::Failure,
            _ if self.skip_unreadable => Level::Warning,
            _ => Level::Failure,
        };
        totals.unreadable.push(FileFailure { file: item.name.to_owned(), source: item.source, level, error });
    }
}

impl ExpiryScanner<'_> {
    /// Returns whether only a private key is locked, which no certificate's expiry hangs on.
    fn is_mere_key(&self, item: &Item<'_>, error: &ScanError) -> bool {
        if self.policy.policy.expect.key {
            return false;
        }
        match error {
            ScanError::Part(unread) => unread.error.is_locked() && matches!(unread.holds, Holds::Key | Holds::Mac),
            ScanError::Open(OpenError::PasswordNeeded(target) | OpenError::WrongPassword { protected: target, .. }) => {
                *target == PasswordTarget::Key && !item.is_named
            }
            _ => false,
        }
    }
}

/// Returns whether a file in a folder is rather not for certificates, by its name, although it was not read: no
/// certificate is larger than the limit, and links that lead nowhere are common (`/etc/ssl/certs`, locks of editors).
fn is_passed_over(item: &Item<'_>, error: &ScanError) -> bool {
    let is_unlikely = matches!(error, ScanError::Read(ReadError::TooLarge) | ScanError::DanglingLink);
    is_unlikely && !item.is_named && !has_certificate_extension(item.name)
}

/// Runs `open`; a panic becomes an error of this file, so that the other files are checked.
fn guarded(open: impl FnOnce() -> FileResult) -> FileResult {
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(result) => result,
        Err(_) => Err(ScanError::Crash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_an_error_of_the_file() {
        assert!(matches!(guarded(|| panic!("as a bug would")), Err(ScanError::Crash)));
    }
}
