//! Opens many files, on all cores where there are many, and keeps only what the report needs.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::de::IgnoredAny;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::asn1::Malformed;
use crate::container::kubernetes::{KubernetesObject, OTHER_FIELDS, ObjectKind, YamlObjects};
use crate::container::profile::ProvisioningProfile;
use crate::container::{self, Container, Contents, OpenError, PasswordTarget, Passwords, Unread, kubernetes};
use crate::expiry::passwords::{
    EntryPassword, FailedRule, MatchingPasswords, PasswordCandidates, SourceProblem, entry_passwords, mounted_passwords,
};
use crate::expiry::relations::{self, KeyHash};
use crate::expiry::renewals;
use crate::expiry::report::{
    CheckedCertificate, DumpName, FileCounts, Origin, PolicyReport, SkipReason, SkippedFile, Source, check,
    check_profile,
};
use crate::expiry::sniff::{self, Skip, has_certificate_extension, is_suspiciously_empty};
use crate::finding::{Finding, FindingCode, Level};
use crate::key::KeyError;
use crate::pkcs12::Holds;
use crate::text::printable_name;
use crate::world::files::{self, Location, ReadError};
use crate::world::progress::Progress;
use crate::world::walk::{
    self, Beside, FilePart, Filter, FoundFile, MOUNTED, WalkError, WalkProblem, is_of_mounted_secret,
};

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
    /// The filter of folders, which reaches the entries of Secrets too.
    pub(crate) filter: &'a Filter,
}

/// The findings of a scan, in no order.
#[derive(Debug, Default)]
pub(crate) struct ScanTotals {
    pub(crate) certificates: Vec<CheckedCertificate>,
    pub(crate) unreadable: Vec<FileFailure>,
    pub(crate) skipped: Vec<SkippedFile>,
    pub(crate) counts: FileCounts,
    /// The keys of all files.
    keys: HashSet<KeyHash>,
    /// The files that were named and hold keys alone.
    key_files: Vec<KeyFile>,
}

/// A file that was named and holds keys alone: a failure, unless they are those of certificates of the run.
#[derive(Debug)]
struct KeyFile {
    file: String,
    source: Source,
    keys: Vec<KeyHash>,
}

/// A file whose certificates could not be checked.
#[derive(Debug)]
pub(crate) struct FileFailure {
    /// The file, or the name of the entry in a Kubernetes secret.
    pub(crate) file: String,
    pub(crate) source: Source,
    pub(crate) dump: DumpName,
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
    #[error("this is JSON without a certificate in it, and not that of `kubectl get secrets -o json`")]
    OtherJson,
    #[error("it is a link that leads nowhere")]
    DanglingLink,
    #[error(transparent)]
    Walk(WalkProblem),
    #[error("{error}, and line {line} of the file of passwords, which is for it, has none: {problem}")]
    NoPassword { error: OpenError, line: usize, problem: SourceProblem },
    #[error("{error}, and what is in {entries} does not open it")]
    WrongEntry { error: OpenError, entries: String },
    #[error("this is a provisioning profile that cannot be judged: {0}")]
    Profile(Malformed),
    #[error("there is no certificate in it")]
    NoCertificate,
    #[error("there is no certificate in it, only a private key")]
    OnlyKey,
    #[error("reading this file crashed pushcert (a bug)")]
    Crash,
}

impl ScanError {
    /// Returns whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Read(ReadError::Io(cause)) | Self::Walk(WalkProblem::Io(cause)) => {
                cause.kind() == io::ErrorKind::NotFound
            }
            _ => false,
        }
    }

    /// Returns the code of the finding that the file causes.
    pub(crate) const fn code(&self) -> FindingCode {
        match self {
            Self::Open(error) | Self::Part(Unread { error, .. }) if error.is_locked() => FindingCode::FileLocked,
            Self::Read(_)
            | Self::Open(_)
            | Self::Part(_)
            | Self::OtherJson
            | Self::DanglingLink
            | Self::Walk(_)
            | Self::Profile(_)
            | Self::NoCertificate
            | Self::OnlyKey => FindingCode::FileUnreadable,
            Self::NoPassword { .. } | Self::WrongEntry { .. } => FindingCode::FileLocked,
            Self::Crash => FindingCode::ReaderCrashed,
        }
    }
}

/// What came of opening a file.
enum Opened {
    Contents {
        contents: Box<Contents>,
        /// The entry of the Secret whose password opened it.
        opened_by: Option<String>,
    },
    Profile(Box<ProvisioningProfile>),
    /// The file is not for certificates.
    Skipped(Skip),
}

type FileResult = Result<Opened, ScanError>;

impl Opened {
    /// Returns whether parts of it are locked.
    fn is_locked(result: &FileResult) -> bool {
        match result {
            Ok(Self::Contents { contents, .. }) => contents.unread.iter().any(|unread| unread.error.is_locked()),
            Ok(Self::Profile(_) | Self::Skipped(_)) => false,
            Err(error) => error.code() == FindingCode::FileLocked,
        }
    }
}

impl ScanTotals {
    /// Returns both together.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.certificates.extend(other.certificates);
        self.unreadable.extend(other.unreadable);
        self.skipped.extend(other.skipped);
        self.keys.extend(other.keys);
        self.key_files.extend(other.key_files);
        self.counts.files += other.counts.files;
        self.counts.without_certificates += other.counts.without_certificates;
        self.counts.authorities += other.counts.authorities;
        for (kind, count) in other.counts.passed_over {
            *self.counts.passed_over.entry(kind).or_default() += count;
        }
        self
    }

    /// Takes the keys of a file that is not judged.
    fn add_keys(&mut self, opened: &FileResult) {
        if let Ok(Opened::Contents { contents, .. }) = opened {
            self.keys.extend(contents.keys.iter().map(|key| KeyHash::of(&key.item)));
        }
    }

    /// Judges what all files together tell.
    pub(crate) fn settle(mut self, scanner: &ExpiryScanner<'_>) -> Self {
        relations::find_keys(&mut self.certificates, &self.keys);
        let PolicyReport { leaf_only, renewals, .. } = scanner.policy;
        if *leaf_only {
            for authority in relations::take_authorities(&mut self.certificates) {
                let skip = Skip::new(SkipReason::Authority, "a certificate of an authority");
                self.skip(&authority.file, authority.source, authority.dump, skip);
            }
        }
        if *renewals {
            renewals::find_renewals(&mut self.certificates, scanner.now);
        }
        for KeyFile { file, source, keys } in std::mem::take(&mut self.key_files) {
            if keys.iter().all(|key| relations::belongs(*key, &self.certificates)) {
                let what = "the private key of another file's certificate";
                self.skip(&file, source, DumpName::default(), Skip::new(SkipReason::NoCertificate, what));
            } else {
                let (dump, error) = (DumpName::default(), ScanError::OnlyKey);
                self.unreadable.push(FileFailure { file, source, dump, level: scanner.failure(), error });
            }
        }
        if !scanner.policy.list_skipped {
            self.skipped.retain(|skipped| skipped.reason.is_always_named() || skipped.reason == SkipReason::Authority);
        }
        self.name_dumps(scanner.roots);
        self
    }

    /// Makes reports name the dump beside each entry, unless it is known.
    fn name_dumps(&mut self, roots: &[PathBuf]) {
        let mut dumps = Vec::new();
        dumps.extend(self.certificates.iter_mut().map(|one| &mut one.dump));
        dumps.extend(self.unreadable.iter_mut().map(|one| &mut one.dump));
        dumps.extend(self.skipped.iter_mut().map(|one| &mut one.dump));
        DumpName::show_unless_given(dumps, roots);
    }

    /// Counts what is not judged, and remembers its name.
    fn skip(&mut self, file: &str, source: Source, dump: DumpName, skip: Skip) {
        match skip.reason {
            SkipReason::NoCertificate => self.counts.without_certificates += 1,
            SkipReason::Part => {}
            SkipReason::Authority => self.counts.authorities += 1,
            SkipReason::Empty | SkipReason::KnownOther | SkipReason::OtherObject => self.pass_over(&skip.what),
        }
        let Skip { reason, what } = skip;
        self.skipped.push(SkippedFile { file: file.to_owned(), source, dump, reason, what });
    }

    /// Names the entries of an object, among those that were passed over from `first` on, which Kubernetes refuses: where
    /// there is no certificate that could be warned of, they are named in every report.
    fn name_misplaced(&mut self, object: &KubernetesObject, first: usize) {
        let names: Vec<String> = object.misplaced.iter().map(|key| object.entry_path(key)).collect();
        for skipped in &mut self.skipped[first..] {
            if skipped.reason == SkipReason::NoCertificate && names.contains(&skipped.file) {
                self.counts.without_certificates -= 1;
                skipped.reason = SkipReason::KnownOther;
                skipped.what += " as PEM under data: Kubernetes takes it under stringData alone";
                *self.counts.passed_over.entry(skipped.what.clone()).or_default() += 1;
            }
        }
    }

    fn pass_over(&mut self, what: &str) {
        *self.counts.passed_over.entry(what.to_owned()).or_default() += 1;
    }
}

/// A file, or an entry in a Kubernetes secret.
struct Item<'a> {
    name: &'a str,
    path: &'a Path,
    source: Source,
    part: FilePart,
    /// The dump whose entry it is.
    dump: Option<&'a str>,
}

impl<'a> Item<'a> {
    fn stdin() -> Self {
        Self { name: "-", path: Path::new("-"), source: Source::Stdin, part: FilePart::Named, dump: None }
    }

    fn secret_entry(name: &'a str, dump: &Item<'a>) -> Self {
        Self { name, path: Path::new(name), source: Source::Secret, part: FilePart::Judged, dump: Some(dump.name) }
    }

    fn dump_name(&self) -> DumpName {
        DumpName::new(self.dump)
    }

    /// Returns whether a file that was found has passed the filter by its own name, and not beside such files.
    fn is_chosen(&self) -> bool {
        self.part == FilePart::Judged
    }

    /// Returns whether the file was named itself: then it must hold certificates.
    fn is_named(&self) -> bool {
        self.part == FilePart::Named
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
                let item = Item { name: &name, path: &path, source: Source::File, part: FilePart::Judged, dump: None };
                let error = match error {
                    WalkProblem::Io(error) if walk::leads_nowhere(&path, &error) => ScanError::DanglingLink,
                    WalkProblem::Io(error) => ReadError::from(error).into(),
                    problem => ScanError::Walk(problem),
                };
                self.record(&item, Err(error), totals);
            }
        }
    }

    fn scan_file(&self, file: &FoundFile, totals: &mut ScanTotals) {
        let name = file.path.display().to_string();
        let item = Item { name: &name, path: &file.path, source: Source::File, part: file.part, dump: None };
        let before = totals.certificates.len();
        self.read_file(file, &item, totals);
        for one in &mut totals.certificates[before..] {
            one.identifiers.links.clone_from(&file.links);
            if let Some(leaf) = &mut one.as_leaf {
                leaf.identifiers.links.clone_from(&file.links);
            }
        }
    }

    fn read_file(&self, file: &FoundFile, item: &Item<'_>, totals: &mut ScanTotals) {
        match files::read(&Location::Path(file.path.clone()), &mut io::empty()) {
            Ok(bytes) if file.part == FilePart::Beside => self.scan_beside(item, &bytes, totals),
            Ok(bytes) => self.scan_bytes(item, &bytes, totals),
            Err(_) if file.part == FilePart::Beside => {}
            Err(ReadError::Io(error)) if walk::leads_nowhere(&file.path, &error) => {
                self.record(item, Err(ScanError::DanglingLink), totals);
            }
            Err(error) => self.record(item, Err(error.into()), totals),
        }
    }

    /// Checks the entries of a dump that is not included itself, and collects the keys of other files.
    fn scan_beside(&self, file: &Item<'_>, bytes: &[u8], totals: &mut ScanTotals) {
        match find_objects(bytes) {
            Objects::Of(objects) => self.scan_objects(file, &objects, totals),
            Objects::Damaged { .. } => self.scan_bytes(file, bytes, totals),
            Objects::None | Objects::Foreign if self.filter.beside == Beside::All => {
                totals.add_keys(&self.open(file, bytes));
            }
            Objects::None | Objects::Foreign => {}
        }
    }

    /// Checks standard input.
    pub(crate) fn scan_stdin(&self, bytes: Result<Zeroizing<Vec<u8>>, ReadError>) -> ScanTotals {
        let mut totals = ScanTotals::default();
        let item = Item::stdin();
        match bytes {
            Ok(bytes) => self.scan_bytes(&item, &bytes, &mut totals),
            Err(error) => self.record(&item, Err(error.into()), &mut totals),
        }
        totals
    }

    fn scan_bytes(&self, file: &Item<'_>, bytes: &[u8], totals: &mut ScanTotals) {
        match find_objects(bytes) {
            Objects::Of(objects) => self.scan_objects(file, &objects, totals),
            Objects::Damaged { objects, error } => {
                // What is left of it is judged all the same.
                if objects.is_empty() && file.part != FilePart::Beside {
                    self.scan_rest(file, bytes, totals);
                } else {
                    totals.counts.files += 1;
                    self.scan_objects(file, &objects, totals);
                }
                self.record_unreadable(file, OpenError::from(error).into(), totals);
            }
            Objects::Foreign if file.is_named() && is_json(bytes) => {
                self.record(file, Err(ScanError::OtherJson), totals)
            }
            Objects::None if is_empty_entry(file, bytes) => {
                totals.counts.files += 1;
                totals.skip(file.name, file.source, file.dump_name(), Skip::new(SkipReason::Empty, EMPTY_ENTRY));
            }
            Objects::None | Objects::Foreign => self.record(file, self.open_file(file, bytes), totals),
        }
    }

    /// Checks what can be read in a dump of Kubernetes that does not parse.
    fn scan_rest(&self, file: &Item<'_>, bytes: &[u8], totals: &mut ScanTotals) {
        match self.open(file, bytes) {
            Ok(opened @ (Opened::Contents { .. } | Opened::Profile(_))) => self.record(file, Ok(opened), totals),
            Ok(Opened::Skipped(_)) | Err(_) => totals.counts.files += 1,
        }
    }

    /// Checks the objects of Kubernetes in a file.
    fn scan_objects(&self, file: &Item<'_>, objects: &[KubernetesObject], totals: &mut ScanTotals) {
        let mut known = HashMap::new();
        for object in objects {
            // Dumps that were joined have an object twice. One that differs is judged too.
            let has_entries = !matches!(object.kind, ObjectKind::Other(_)) && !object.name.is_empty();
            if has_entries && known.insert(&object.name, object) == Some(object) {
                continue;
            }
            if let Some(rest) = &object.rest {
                self.scan_other_fields(file, object, rest, totals);
            }
            match &object.kind {
                ObjectKind::Other(_) if object.rest.is_some() || file.part == FilePart::Beside => {}
                ObjectKind::Other(kind) => {
                    totals.counts.files += 1;
                    let name = if object.name.is_empty() { kind } else { &object.name };
                    let skip = Skip::new(SkipReason::OtherObject, kind);
                    totals.skip(name, Source::Secret, DumpName::new(Some(file.name)), skip);
                }
                ObjectKind::Secret | ObjectKind::ConfigMap => self.scan_object(file, object, totals),
                ObjectKind::Missing(problem) => {
                    self.record_unreadable(file, OpenError::from(problem.clone()).into(), totals);
                }
            }
        }
    }

    /// Checks what stands in an object beside entries, such as an annotation or a `caBundle`.
    fn scan_other_fields(&self, file: &Item<'_>, object: &KubernetesObject, rest: &[u8], totals: &mut ScanTotals) {
        let name = match (&object.kind, object.name.as_str()) {
            (ObjectKind::Other(kind), "") => kind.clone(),
            (_, "") => OTHER_FIELDS.to_owned(),
            (_, name) => format!("{name}/{OTHER_FIELDS}"),
        };
        if self.filter.part_of_entry(&name, file.is_chosen()) == Some(FilePart::Judged) {
            let item = Item::secret_entry(&name, file);
            self.record(&item, self.open(&item, rest), totals);
        }
    }

    /// Checks the entries of a Secret or a ConfigMap. An entry without a key borrows those beside it: TLS secrets
    /// keep certificate and key apart (tls.crt and tls.key).
    fn scan_object(&self, file: &Item<'_>, object: &KubernetesObject, totals: &mut ScanTotals) {
        let passwords = entry_passwords(object);
        let mut keys = Vec::new();
        let mut results = Vec::with_capacity(object.entries.len());
        for (key, bytes) in &object.entries {
            let name = object.entry_path(key);
            let Some(part) = self.filter.part_of_entry(&name, file.is_chosen()) else { continue };
            let item = Item::secret_entry(&name, file);
            let result = match bytes {
                Ok(bytes) if bytes.trim_ascii().is_empty() => {
                    Ok(Opened::Skipped(Skip::new(SkipReason::Empty, EMPTY_ENTRY)))
                }
                Ok(bytes) => self.open_entry(&item, bytes, &passwords),
                Err(error) => Err(OpenError::from(error.clone()).into()),
            };
            if let Ok(Opened::Contents { contents, .. }) = &result {
                keys.extend_from_slice(&contents.keys);
            }
            if part == FilePart::Judged {
                results.push((key, result));
            } else {
                totals.add_keys(&result);
            }
        }
        let (first, first_skipped) = (totals.certificates.len(), totals.skipped.len());
        for (key, mut result) in results {
            let name = object.entry_path(key);
            if let Ok(Opened::Contents { contents, .. }) = &mut result
                && contents.keys.is_empty()
                && !contents.certificates.is_empty()
            {
                contents.keys.clone_from(&keys);
            }
            let before = totals.certificates.len();
            self.record(&Item::secret_entry(&name, file), result, totals);
            if let Some(finding) = misplaced_entry(object, key) {
                for certificate in &mut totals.certificates[before..] {
                    certificate.add(&finding);
                }
            }
        }
        if totals.certificates.len() == first {
            totals.name_misplaced(object, first_skipped);
        }
    }

    /// Opens an entry, with the passwords that stand beside it in the Secret where it is locked.
    fn open_entry(&self, item: &Item<'_>, bytes: &[u8], passwords: &[EntryPassword]) -> FileResult {
        let first = self.open(item, bytes);
        if Opened::is_locked(&first) { self.open_locked(item, bytes, first, passwords) } else { first }
    }

    /// Opens a file, with the passwords that stand beside it in a mounted Secret where it is locked.
    fn open_file(&self, item: &Item<'_>, bytes: &[u8]) -> FileResult {
        let first = self.open(item, bytes);
        if Opened::is_locked(&first) && is_mounted(item.path) {
            return self.open_locked(item, bytes, first, &mounted_passwords(item.path));
        }
        first
    }

    /// Tries the passwords of a Secret on what is locked without them.
    fn open_locked(&self, item: &Item<'_>, bytes: &[u8], first: FileResult, passwords: &[EntryPassword]) -> FileResult {
        let mut tried = Vec::new();
        for EntryPassword { entry, passwords } in passwords {
            if *entry == item.name {
                continue;
            }
            let mut result = self.open_with(item, bytes, &mut Passwords::AnyOf(passwords));
            if Opened::is_locked(&result) {
                tried.push(printable_name(entry));
                continue;
            }
            if let Ok(Opened::Contents { opened_by, .. }) = &mut result {
                *opened_by = Some(entry.clone());
            }
            return result;
        }
        match first {
            Err(ScanError::Open(error)) if !tried.is_empty() => {
                Err(ScanError::WrongEntry { error, entries: tried.join(", ") })
            }
            first => first,
        }
    }

    fn open(&self, item: &Item<'_>, bytes: &[u8]) -> FileResult {
        let MatchingPasswords { passwords, failed_rule } = self.passwords.matching(item.path, self.roots);
        let result = self.open_with(item, bytes, &mut self.passwords.as_passwords(&passwords));
        match (result, failed_rule) {
            (Err(ScanError::Open(error)), Some(FailedRule { line, problem })) if error.is_locked() => {
                Err(ScanError::NoPassword { error, line, problem })
            }
            (result, _) => result,
        }
    }

    fn open_with(&self, item: &Item<'_>, bytes: &[u8], passwords: &mut Passwords<'_>) -> FileResult {
        guarded(|| {
            let contents = match container::open(bytes, passwords, self.max_iterations) {
                Ok(contents) => contents,
                Err(OpenError::Profile(Ok(profile))) => return Ok(Opened::Profile(profile)),
                Err(OpenError::Profile(Err(problem))) => return Err(ScanError::Profile(problem)),
                Err(error) => {
                    return match sniff::skip(item.name, item.is_named(), bytes, &error) {
                        Some(skip) => Ok(Opened::Skipped(skip)),
                        None => Err(error.into()),
                    };
                }
            };
            if contents.container == Container::Pkcs7 && sniff::has_profile_extension(item.name) {
                return Err(ScanError::Profile(Malformed::new("property list", "is not that of a profile")));
            }
            if contents.certificates.is_empty()
                && contents.unread.is_empty()
                && (is_suspiciously_empty(item.name, &contents) || (item.is_named() && contents.keys.is_empty()))
            {
                return Err(ScanError::NoCertificate);
            }
            Ok(Opened::Contents { contents: Box::new(contents), opened_by: None })
        })
    }

    fn record(&self, item: &Item<'_>, result: FileResult, totals: &mut ScanTotals) {
        totals.counts.files += 1;
        let (contents, opened_by) = match result {
            Ok(Opened::Contents { contents, opened_by }) => (*contents, opened_by),
            Ok(Opened::Profile(profile)) => return self.record_profile(item, *profile, totals),
            Ok(Opened::Skipped(skip)) => return totals.skip(item.name, item.source, item.dump_name(), skip),
            Err(error) => return self.record_unreadable(item, error, totals),
        };
        let keys: Vec<KeyHash> = contents.keys.iter().map(|key| KeyHash::of(&key.item)).collect();
        totals.keys.extend(&keys);
        let is_for_certificates = item.is_named() || has_certificate_extension(item.name);
        let is_told = |unread: &Unread| is_for_certificates || !sniff::is_example(item.name, unread.substance);
        for text in contents.unread.iter().filter(|unread| !is_told(unread)) {
            totals.skip(item.name, item.source, item.dump_name(), Skip::new(SkipReason::Part, text.to_string()));
        }
        if contents.certificates.is_empty() && !contents.unread.iter().any(is_told) {
            let (file, source) = (item.name.to_owned(), item.source);
            if item.is_named() {
                totals.key_files.push(KeyFile { file, source, keys });
            } else {
                let skip = match (keys.is_empty(), contents.container) {
                    (true, _) => Skip::new(SkipReason::NoCertificate, "a certificate signing request"),
                    // It is meant to have the certificate too.
                    (false, Container::Pkcs12) => Skip::new(SkipReason::KnownOther, "a PKCS#12 file with a key alone"),
                    (false, _) => Skip::new(SkipReason::NoCertificate, "a private key"),
                };
                totals.skip(&file, source, item.dump_name(), skip);
            }
            return;
        }
        for other in &contents.others {
            totals.skip(item.name, item.source, item.dump_name(), Skip::new(SkipReason::Part, other));
        }
        let origin = Origin { file: item.name, source: item.source, dump: item.dump, opened_by: opened_by.as_deref() };
        totals.certificates.extend(check(origin, &contents, &self.policy.policy, self.now));
        for unread in contents.unread {
            if is_told(&unread) {
                self.record_unreadable(item, ScanError::Part(unread), totals);
            }
        }
    }

    fn record_profile(&self, item: &Item<'_>, profile: ProvisioningProfile, totals: &mut ScanTotals) {
        let origin = Origin { file: item.name, source: item.source, dump: item.dump, opened_by: None };
        totals.certificates.extend(check_profile(origin, &profile, &self.policy.policy, self.now));
        for unread in profile.unread {
            self.record_unreadable(item, ScanError::Part(unread), totals);
        }
    }

    fn record_unreadable(&self, item: &Item<'_>, error: ScanError, totals: &mut ScanTotals) {
        let level = match &error {
            error if self.is_mere_key(item, error) => Level::Ok,
            error if is_passed_over(item, error) => {
                totals.pass_over(match error {
                    ScanError::DanglingLink => "a link that leads nowhere",
                    ScanError::Walk(_) => "a pipe, a socket or a device",
                    _ => "a large file",
                });
                Level::Ok
            }
            ScanError::Crash => Level::Failure,
            _ => self.failure(),
        };
        let (file, dump) = (item.name.to_owned(), item.dump_name());
        totals.unreadable.push(FileFailure { file, source: item.source, dump, level, error });
    }

    /// Returns the level of a file that could not be checked.
    fn failure(&self) -> Level {
        if self.skip_unreadable { Level::Warning } else { Level::Failure }
    }
}

/// Returns a warning for an entry of an object that Kubernetes refuses, whichever of its entries is to blame.
fn misplaced_entry(object: &KubernetesObject, key: &str) -> Option<Finding> {
    let is_own = object.misplaced.contains(key);
    let entry = if is_own { key } else { object.misplaced.first()? };
    let message = match is_own {
        true => "is PEM where Base64 belongs: Kubernetes refuses the object".to_owned(),
        false => format!("is beside {entry}, which is PEM where Base64 belongs: Kubernetes refuses the object"),
    };
    let what = if is_own { "it" } else { entry };
    let hint = match has_lines(object, entry) {
        true => format!("put {what} under stringData (under data, in a ConfigMap), or encode it with base64"),
        false => format!(
            "{what} has lost its lines too: make the object of the file with kubectl create secret generic NAME \
             --from-file={entry}=FILE, or put the file's lines under stringData, as a block ({entry}: |)"
        ),
    };
    Some(Finding { hint: Some(hint.into()), ..Finding::warning(FindingCode::MisplacedEntry, message) })
}

/// Returns whether an entry has the lines of PEM.
fn has_lines(object: &KubernetesObject, key: &str) -> bool {
    match object.entries.get(key) {
        Some(Ok(bytes)) => bytes.trim_ascii().contains(&b'\n'),
        Some(Err(_)) | None => true,
    }
}

/// What an entry without bytes is called.
const EMPTY_ENTRY: &str = "an empty entry";

/// The objects of Kubernetes in a file.
enum Objects {
    Of(Vec<KubernetesObject>),
    /// There were some, before it was cut; some of them may be read.
    Damaged {
        objects: Vec<KubernetesObject>,
        error: Malformed,
    },
    /// It is JSON of another kind, or another text that begins as JSON does.
    Foreign,
    None,
}

/// Returns the objects of a file. One with no Secret and no ConfigMap in it that has certificates is read as any text.
fn find_objects(bytes: &[u8]) -> Objects {
    let decoded = container::as_utf8(bytes);
    let text = decoded.as_deref().map_or(bytes, Vec::as_slice);
    let objects = if kubernetes::looks_like_json(text) {
        match kubernetes::parse(text) {
            Ok(objects) => objects,
            Err(error) if kubernetes::looks_like_dump(text) => {
                return Objects::Damaged { objects: vec![], error };
            }
            Err(_) if container::has_text_parts(text) => return Objects::None,
            Err(_) => return Objects::Foreign,
        }
    } else {
        match kubernetes::parse_yaml(text) {
            Some(YamlObjects { objects, damage: None }) => objects,
            Some(YamlObjects { objects, damage: Some(error) }) => return Objects::Damaged { objects, error },
            None => return Objects::None,
        }
    };
    let has_entries = objects.iter().any(|object| !matches!(object.kind, ObjectKind::Other(_)));
    if !has_entries && container::has_text_parts(text) { Objects::None } else { Objects::Of(objects) }
}

/// Returns whether a file is whole JSON. One with comments is none, and neither is TOML.
fn is_json(bytes: &[u8]) -> bool {
    let decoded = container::as_utf8(bytes);
    serde_json::from_slice::<IgnoredAny>(decoded.as_deref().map_or(bytes, Vec::as_slice)).is_ok()
}

/// Returns whether a file is an empty entry of a mounted Secret: cert-manager leaves ca.crt empty.
fn is_empty_entry(file: &Item<'_>, bytes: &[u8]) -> bool {
    bytes.trim_ascii().is_empty() && is_mounted(file.path)
}

/// Returns whether a file is an entry of a mounted Secret, by the link to it or in the folder that it leads to.
fn is_mounted(path: &Path) -> bool {
    let is_link = std::fs::read_link(path).is_ok_and(|target| target.starts_with(MOUNTED));
    is_link || path.parent().is_some_and(is_of_mounted_secret)
}

impl ExpiryScanner<'_> {
    /// Returns whether only a private key is locked, or of a kind that is not read, which no certificate's expiry hangs on.
    fn is_mere_key(&self, item: &Item<'_>, error: &ScanError) -> bool {
        if self.policy.policy.expect.key {
            return false;
        }
        match error {
            ScanError::Part(unread) => {
                let is_whole = unread.error.is_locked()
                    || unread.error.is_unchecked()
                    || matches!(unread.error, OpenError::Lookalike(_) | OpenError::Key(KeyError::Unsupported(_)));
                is_whole && matches!(unread.holds, Holds::Key | Holds::Mac)
            }
            ScanError::Open(error) | ScanError::WrongEntry { error, .. } => {
                matches!(
                    error,
                    OpenError::PasswordNeeded(PasswordTarget::Key)
                        | OpenError::WrongPassword { protected: PasswordTarget::Key, .. }
                ) && !item.is_named()
            }
            _ => false,
        }
    }
}

/// Returns whether a file in a folder is rather not for certificates, by its name, although it was not read: no
/// certificate is larger than the limit, and links that lead nowhere are common (`/etc/ssl/certs`, locks of editors).
fn is_passed_over(item: &Item<'_>, error: &ScanError) -> bool {
    let is_unlikely = matches!(
        error,
        ScanError::Read(ReadError::TooLarge) | ScanError::DanglingLink | ScanError::Walk(WalkProblem::Special)
    );
    let is_dump = matches!(error, ScanError::Read(ReadError::TooLarge)) && begins_as_dump(item.path);
    is_unlikely && !item.is_named() && !has_certificate_extension(item.name) && !is_dump
}

/// Returns whether a file that is too large to be read is by its beginning a dump of Kubernetes.
fn begins_as_dump(path: &Path) -> bool {
    let Ok(start) = files::read_start(path) else { return false };
    let decoded = container::as_utf8(&start);
    kubernetes::may_begin_dump(decoded.as_deref().map_or(&start, Vec::as_slice))
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
