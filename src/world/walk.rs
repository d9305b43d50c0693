//! Finds the files of a run: those that are named, and those in the folders that are named.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fast_glob::ErrorKind;
use walkdir::{DirEntry, WalkDir};

/// Patterns for paths: one without a slash fits the name, wherever the file lies; one with a slash fits
/// the path below the folder that was named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Globs(Vec<Glob>);

/// A glob for the whole path below the folder that was named.
#[derive(Debug, Clone)]
struct Glob {
    text: Vec<u8>,
    /// The pattern as it was given. As the name of a file, it need not be UTF-8.
    pattern: Vec<u8>,
    /// It has fitted something.
    is_used: Arc<AtomicBool>,
}

/// The beginning of a glob that fits a name wherever it is.
const ANYWHERE: &[u8] = b"**/";

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{pattern}' is not a glob: {problem}")]
pub(crate) struct GlobError {
    pattern: String,
    problem: &'static str,
}

impl Globs {
    /// Takes the patterns.
    ///
    /// # Errors
    /// When one is not a glob.
    pub(crate) fn new<T: AsRef<OsStr>>(patterns: &[T]) -> Result<Self, GlobError> {
        let mut globs = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let pattern = pattern.as_ref().as_encoded_bytes();
            let text = parse_glob(without_end(pattern))?;
            globs.push(Glob { text, pattern: pattern.to_owned(), is_used: Arc::default() });
        }
        Ok(Self(globs))
    }

    /// Returns the patterns that have fitted nothing.
    pub(crate) fn unused(&self) -> Vec<Cow<'_, str>> {
        let unused = self.0.iter().filter(|glob| !glob.is_used.load(Ordering::Relaxed));
        unused.map(|glob| String::from_utf8_lossy(&glob.pattern)).collect()
    }

    /// Returns those that begin with the path of a folder, as it was named or from the root of the file system, as globs
    /// for the paths below it.
    fn below(&self, folder: &Path) -> Self {
        let mut names = vec![folder.to_owned()];
        names.extend(std::path::absolute(folder));
        names.extend(folder.canonicalize());
        let mut globs = Vec::new();
        for glob in &self.0 {
            if let Some(text) = names.iter().find_map(|name| strip_folder(&glob.pattern, name)) {
                globs.push(Glob { text: text.to_owned(), ..glob.clone() });
            }
        }
        Self(globs)
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether one has a slash: then what it fits depends on the way to a file.
    fn depend_on_folders(&self) -> bool {
        self.0.iter().any(|glob| glob.text.strip_prefix(ANYWHERE).is_none_or(|name| name.contains(&b'/')))
    }

    /// Returns whether one fits the path.
    pub(crate) fn fit(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_encoded_bytes();
        let mut is_fitted = false;
        // All of them: each that fits is used.
        for glob in &self.0 {
            if fast_glob::glob_match(&glob.text, path) {
                glob.is_used.store(true, Ordering::Relaxed);
                is_fitted = true;
            }
        }
        is_fitted
    }
}

/// Returns what follows the path of a folder in a pattern that begins with it, unless the library would negate that.
fn strip_folder<'a>(pattern: &'a [u8], folder: &Path) -> Option<&'a [u8]> {
    let folder = without_end(folder.as_os_str().as_encoded_bytes());
    let below = without_end(without_start(pattern)).strip_prefix(without_start(folder))?.strip_prefix(b"/")?;
    (!below.is_empty() && !folder.is_empty() && !below.starts_with(b"!")).then_some(below)
}

/// Returns a path without `./` at its beginning.
fn without_start(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    path
}

/// Returns a path without slashes at its end.
fn without_end(mut path: &[u8]) -> &[u8] {
    while let Some(rest) = path.strip_suffix(b"/") {
        path = rest;
    }
    path
}

/// Turns a pattern into a glob for the whole path below the folder.
fn parse_glob(pattern: &[u8]) -> Result<Vec<u8>, GlobError> {
    if let Some(problem) = glob_problem(pattern) {
        return Err(GlobError { pattern: String::from_utf8_lossy(pattern).into_owned(), problem });
    }
    let relative = without_start(pattern);
    Ok(match relative.strip_prefix(b"/") {
        Some(rooted) => rooted.to_owned(),
        None if !pattern.contains(&b'/') => [ANYWHERE, pattern].concat(),
        // The library would negate the glob.
        None if relative.starts_with(b"!") => [b"\\", relative].concat(),
        None => relative.to_owned(),
    })
}

/// Returns what is wrong with a pattern.
fn glob_problem(pattern: &[u8]) -> Option<&'static str> {
    match fast_glob::validate(pattern) {
        Ok(()) if has_reversed_range(pattern) => Some("a range ends before it begins"),
        Ok(()) => None,
        Err(error) => Some(match error.kind {
            ErrorKind::UnclosedBrace => "a { is not closed",
            ErrorKind::UnclosedBracket => "a [ is not closed",
            ErrorKind::TrailingBackslash => "it ends with a backslash",
            ErrorKind::BraceNestingTooDeep | ErrorKind::TooManyBraceGroups => "it has more than 10 groups in braces",
            _ => "it does not parse",
        }),
    }
}

/// Returns whether a character class has a range such as `z-a`, which fits nothing.
fn has_reversed_range(pattern: &[u8]) -> bool {
    let mut is_in_class = false;
    let mut index = 0;
    while index < pattern.len() {
        match pattern[index..] {
            [b'\\', ..] => index += 1,
            [first, b'-', last, ..] if is_in_class && last != b']' => {
                if first > last {
                    return true;
                }
                index += 2;
            }
            [b'[', ..] if !is_in_class => {
                is_in_class = true;
                index += literal_length(&pattern[index + 1..]);
            }
            [b']', ..] => is_in_class = false,
            _ => {}
        }
        index += 1;
    }
    false
}

/// Returns the length of what begins a character class and is neither a range nor its end.
fn literal_length(class: &[u8]) -> usize {
    match class {
        [b'!' | b'^', b']', ..] => 2,
        [b'!' | b'^' | b']', ..] => 1,
        _ => 0,
    }
}

/// The files that are read in folders. Files that are named themselves are always read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only files that fit one of these, unless there are none.
    pub(crate) include: Globs,
    /// Neither files nor folders that fit one of these.
    pub(crate) exclude: Globs,
    /// The files that are found beside those that are included.
    pub(crate) beside: Beside,
}

/// The files that are found although no glob includes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Beside {
    #[default]
    None,
    /// Those that may hold entries with names of their own.
    Dumps,
    /// All: a key may be anywhere.
    All,
}

impl Beside {
    fn takes(self, path: &Path) -> bool {
        let is_dump =
            |extension: &OsStr| ["json", "yaml", "yml"].iter().any(|dump| extension.eq_ignore_ascii_case(dump));
        match self {
            Self::None => false,
            Self::Dumps => path.extension().is_some_and(is_dump) || begins_as_dump(path),
            Self::All => true,
        }
    }
}

/// The most bytes in which a dump says that it is one.
const DUMP_BEGINNING: u64 = 4096;

/// The field that each object of Kubernetes has near its beginning.
const DUMP_FIELD: &[u8] = b"apiVersion";

/// Returns whether a file begins as a dump of Kubernetes, whatever its name: `secrets.txt`, `all.json.bak`.
fn begins_as_dump(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let Ok(file) = File::open(path) else { return false };
    if file.take(DUMP_BEGINNING).read_to_end(&mut beginning).is_err() {
        return false;
    }
    // PowerShell writes UTF-16.
    beginning.retain(|byte| *byte != 0);
    memchr::memmem::find(&beginning, DUMP_FIELD).is_some()
}

impl Filter {
    /// Returns the part that an entry of a file has in the run, by its name, which has slashes as a path has; `None` if
    /// it is excluded. The entries of a file that was itself chosen by its name are judged unless they are excluded.
    pub(crate) fn part_of_entry(&self, name: &str, is_file_chosen: bool) -> Option<FilePart> {
        for (end, _) in name.match_indices('/') {
            if self.exclude.fit(Path::new(&name[..end])) {
                return None;
            }
        }
        let path = Path::new(name);
        if self.exclude.fit(path) {
            return None;
        }
        let is_wanted = is_file_chosen || self.include.is_empty() || self.include.fit(path);
        Some(if is_wanted { FilePart::Judged } else { FilePart::Beside })
    }

    /// Returns whether another way to a folder may lead to other files of it.
    fn depends_on_folders(&self) -> bool {
        self.include.depend_on_folders() || self.exclude.depend_on_folders()
    }
}

/// The part that a file has in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilePart {
    /// It was named itself.
    Named,
    /// It was found, and is to be judged.
    Judged,
    /// It is not included by its name; but an entry in it may be, or its key may belong to what is judged.
    Beside,
}

/// The links that lead to one file or folder. All files in a folder share those to it.
pub(crate) type Links = Arc<Vec<PathBuf>>;

/// A file to look at.
#[derive(Debug)]
pub(crate) struct FoundFile {
    /// The path, which begins with the one that was named.
    pub(crate) path: PathBuf,
    pub(crate) part: FilePart,
    /// The links that lead to it, and those to each folder that it is in, beside its own path.
    pub(crate) links: Vec<Links>,
}

impl FoundFile {
    fn new(path: PathBuf, part: FilePart) -> Self {
        Self { path, part, links: Vec::new() }
    }
}

/// A path that cannot be followed.
#[derive(Debug)]
pub(crate) struct WalkError {
    pub(crate) path: PathBuf,
    pub(crate) error: WalkProblem,
}

/// The reason why a path cannot be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WalkProblem {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// To open it could wait for ever.
    #[error("it is a pipe, a socket or a device, which is opened only where it is named itself")]
    Special,
    #[error("{MAX_VISITS} links or more lead to this folder, and the globs may be for any of them")]
    TooManyWays,
}

/// The most ways to one folder that are followed: links across each other could be followed in more ways than there are
/// files.
const MAX_VISITS: u32 = 32;

/// The most entries of excluded folders that are looked at for links.
const MAX_EXCLUDED: usize = 10_000;

/// The depth to which they are: certbot's `live` has a folder for each lineage.
const MAX_EXCLUDED_DEPTH: usize = 3;

/// Finds all files, in the order in which the system has them. Links are followed, and each file is found once. What is
/// neither file nor folder is an error: opening a pipe would wait.
///
/// The folders in which Kubernetes keeps a mounted secret are skipped: its entries are links into them.
pub(crate) fn find(paths: &[PathBuf], filter: &Filter) -> Vec<Result<FoundFile, WalkError>> {
    let mut walk = Walk {
        filter,
        below: Filter::default(),
        follows_all_ways: filter.depends_on_folders(),
        visits: HashMap::new(),
        folders: HashMap::new(),
        known: HashSet::new(),
        linked: HashMap::new(),
        marked: HashSet::new(),
        links: Vec::new(),
        other_links: Vec::new(),
        entries_left: MAX_EXCLUDED,
        beside: Vec::new(),
        found: Vec::new(),
    };
    let mut folders = Vec::new();
    for path in paths {
        if path.is_dir() {
            folders.push(path);
        } else {
            walk.found.push(Ok(FoundFile::new(path.clone(), FilePart::Named)));
        }
    }
    if folders.is_empty() {
        return walk.found;
    }
    walk.know_named();
    for folder in folders {
        walk.add_folder(folder);
    }
    walk.add_links();
    walk.follow_other_links();
    walk.add_beside();
    walk.mark_linked();
    walk.found
}

struct Walk<'a> {
    filter: &'a Filter,
    /// What of the filter has the path of the folder in it that is walked.
    below: Filter,
    /// A folder is visited on every way to it.
    follows_all_ways: bool,
    /// How often each folder was visited, by its canonical path.
    visits: HashMap<PathBuf, u32>,
    /// The canonical paths of the folders that were visited, by the path they were visited on.
    folders: HashMap<PathBuf, PathBuf>,
    /// The canonical paths of the files that were found.
    known: HashSet<PathBuf>,
    /// The links that lead to files and folders of the walk, by the canonical paths of these.
    linked: HashMap<PathBuf, Links>,
    /// The links whose targets are marked.
    marked: HashSet<PathBuf>,
    /// The links to files, which are looked at when all files are known.
    links: Vec<PathBuf>,
    /// The links to folders, and those that are named, excluded or not included: they too tell what is in use.
    other_links: Vec<PathBuf>,
    /// So many entries of excluded folders are looked at yet.
    entries_left: usize,
    /// The files that are not included, likewise.
    beside: Vec<PathBuf>,
    found: Vec<Result<FoundFile, WalkError>>,
}

impl Walk<'_> {
    fn add_folder(&mut self, root: &Path) {
        let (include, exclude) = (self.filter.include.below(root), self.filter.exclude.below(root));
        self.below = Filter { include, exclude, beside: Beside::None };
        let mut entries = WalkDir::new(root).follow_links(true).into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {
                    if !self.enter(&entry, root) {
                        entries.skip_current_dir();
                    }
                }
                Ok(entry) => self.add_file(entry, root),
                // A loop leads to a folder that is visited anyway.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    if path.is_symlink() && self.part_of(&path, root) != Some(FilePart::Judged) {
                        continue;
                    }
                    // The library's own error repeats the path.
                    let error = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    self.found.push(Err(WalkError { path, error: error.into() }));
                }
            }
        }
    }

    /// Returns whether the files of a folder are to be found.
    fn enter(&mut self, folder: &DirEntry, root: &Path) -> bool {
        if folder.path_is_symlink() {
            self.other_links.push(folder.path().to_owned());
        }
        if self.is_wanted_folder(folder, root) {
            return self.is_to_be_visited(folder);
        }
        if !folder.path_is_symlink() && !is_of_mounted_secret(folder.path()) {
            self.note_excluded_links(folder.path());
        }
        false
    }

    /// Remembers the links in an excluded folder, as in certbot's `live`. What cannot be read there is nobody's loss.
    fn note_excluded_links(&mut self, folder: &Path) {
        for entry in WalkDir::new(folder).max_depth(MAX_EXCLUDED_DEPTH) {
            let Some(left) = self.entries_left.checked_sub(1) else { return };
            self.entries_left = left;
            if let Ok(entry) = entry
                && entry.path_is_symlink()
            {
                self.other_links.push(entry.into_path());
            }
        }
    }

    /// Remembers the files that were named.
    fn know_named(&mut self) {
        for found in &self.found {
            if let Ok(FoundFile { path, .. }) = found
                && let Ok(canonical) = path.canonicalize()
            {
                self.known.insert(canonical);
                if path.is_symlink() {
                    self.other_links.push(path.clone());
                }
            }
        }
    }

    fn add_file(&mut self, entry: DirEntry, root: &Path) {
        let part = self.part_of(entry.path(), root);
        let (is_link, is_file) = (entry.path_is_symlink(), entry.file_type().is_file());
        let path = entry.into_path();
        if is_link && part != Some(FilePart::Judged) {
            self.other_links.push(path.clone());
        }
        match part {
            Some(FilePart::Beside) if is_file && self.filter.beside.takes(&path) => self.beside.push(path),
            Some(FilePart::Beside) | None => {}
            Some(_) if !is_file => self.found.push(Err(WalkError { path, error: WalkProblem::Special })),
            Some(_) if is_link => self.links.push(path),
            Some(part) if self.is_first(&path) => self.found.push(Ok(FoundFile::new(path, part))),
            Some(_) => {}
        }
    }

    /// Adds the links to files that were not found themselves: of several, one that is no hash, and the first by name.
    fn add_links(&mut self) {
        let mut links = std::mem::take(&mut self.links);
        links.sort_by(|a, b| (is_hash_name(a), a).cmp(&(is_hash_name(b), b)));
        for path in links {
            if let Ok(target) = path.canonicalize()
                && self.known.contains(&target)
            {
                self.mark(path, target);
            } else {
                self.add_unless_known(path, FilePart::Judged);
            }
        }
    }

    /// Marks what the other links lead to, where that lies in a folder of the walk: what is found by a link alone is not
    /// marked by it.
    fn follow_other_links(&mut self) {
        for path in std::mem::take(&mut self.other_links) {
            if let Ok(target) = path.canonicalize()
                && target.parent().is_some_and(|folder| self.visits.contains_key(folder))
            {
                self.mark(path, target);
            }
        }
    }

    /// Marks what a link leads to as in use. The links by which OpenSSL finds certificates are there for all of them, and
    /// those of a mounted Secret for all entries.
    fn mark(&mut self, link: PathBuf, target: PathBuf) {
        let is_of_mount = link.read_link().is_ok_and(|path| path.starts_with(MOUNTED));
        if !is_hash_name(&link) && !is_of_mount && self.marked.insert(link.clone()) {
            Arc::make_mut(self.linked.entry(target).or_default()).push(link);
        }
    }

    /// Tells each file the links that lead to it and to the folders that it is in.
    fn mark_linked(&mut self) {
        if self.linked.is_empty() {
            return;
        }
        let mut found = std::mem::take(&mut self.found);
        for file in found.iter_mut().flatten() {
            let Some(path) = self.resolve(&file.path) else { continue };
            for place in path.ancestors() {
                file.links.extend(self.linked.get(place).cloned());
            }
        }
        self.found = found;
    }

    /// Returns the canonical path of a file. Where that of its folder is known, only a link is resolved.
    fn resolve(&self, path: &Path) -> Option<PathBuf> {
        match (path.parent().and_then(|folder| self.folders.get(folder)), path.file_name()) {
            (Some(folder), Some(name)) if !path.is_symlink() => Some(folder.join(name)),
            _ => path.canonicalize().ok(),
        }
    }

    fn add_beside(&mut self) {
        for path in std::mem::take(&mut self.beside) {
            self.add_unless_known(path, FilePart::Beside);
        }
    }

    fn add_unless_known(&mut self, path: PathBuf, part: FilePart) {
        let is_new = match path.canonicalize() {
            Ok(target) => self.known.insert(target),
            Err(_) => true,
        };
        if is_new {
            self.found.push(Ok(FoundFile::new(path, part)));
        }
    }

    /// Returns whether a file in a folder was not found before.
    fn is_first(&mut self, path: &Path) -> bool {
        match (path.parent().and_then(|folder| self.folders.get(folder)), path.file_name()) {
            (Some(folder), Some(name)) => self.known.insert(folder.join(name)),
            _ => true,
        }
    }

    fn is_wanted_folder(&self, entry: &DirEntry, root: &Path) -> bool {
        entry.depth() == 0 || !self.is_excluded(entry.path(), root)
    }

    /// Returns the part of a file that was found; `None` if it is excluded.
    fn part_of(&self, path: &Path, root: &Path) -> Option<FilePart> {
        let relative = path.strip_prefix(root).unwrap_or(path);
        if self.is_excluded(path, root) {
            return None;
        }
        let include = &self.filter.include;
        let is_included = include.is_empty() || include.fit(relative) || self.below.include.fit(relative);
        Some(if is_included { FilePart::Judged } else { FilePart::Beside })
    }

    fn is_excluded(&self, path: &Path, root: &Path) -> bool {
        let relative = path.strip_prefix(root).unwrap_or(path);
        self.filter.exclude.fit(relative) || self.below.exclude.fit(relative) || is_of_mounted_secret(path)
    }

    /// Returns the canonical path of a folder. Only links and what was named are resolved: the system walks the whole path
    /// for each, which takes long in deep folders.
    fn canonical(&self, folder: &DirEntry) -> Option<PathBuf> {
        if folder.depth() > 0
            && !folder.path_is_symlink()
            && let Some(parent) = folder.path().parent()
            && let Some(canonical) = self.folders.get(parent)
        {
            return Some(canonical.join(folder.file_name()));
        }
        folder.path().canonicalize().ok()
    }

    /// Returns whether a folder is to be visited: once, unless another way to it may lead to other files of it. A
    /// folder that does not resolve is visited, so that its error is reported.
    fn is_to_be_visited(&mut self, folder: &DirEntry) -> bool {
        let Some(canonical) = self.canonical(folder) else { return true };
        let visits = self.visits.entry(canonical.clone()).or_default();
        *visits += 1;
        match *visits {
            1 => {}
            2..MAX_VISITS if self.follows_all_ways => {}
            MAX_VISITS if self.follows_all_ways => {
                let path = folder.path().to_owned();
                self.found.push(Err(WalkError { path, error: WalkProblem::TooManyWays }));
                return false;
            }
            _ => return false,
        }
        self.folders.insert(folder.path().to_owned(), canonical);
        true
    }
}

/// Returns whether a path cannot be opened because it is a link to what does not exist, or to itself.
pub(crate) fn leads_nowhere(path: &Path, error: &io::Error) -> bool {
    path.is_symlink() && (error.kind() == io::ErrorKind::NotFound || is_link_loop(error))
}

#[cfg(unix)]
fn is_link_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_link_loop(_: &io::Error) -> bool {
    false
}

/// The link of a mounted Secret to the folder with its entries, which is replaced when they change.
pub(crate) const MOUNTED: &str = "..data";

/// Returns whether a path is a folder in which Kubernetes keeps the entries of a mounted Secret, such as
/// `..2026_11_24_10_00_00.123`, or the link to it.
pub(crate) fn is_of_mounted_secret(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_named_so = matches!(name, b"..data" | b"..data_tmp") || matches!(name, [b'.', b'.', b'0'..=b'9', ..]);
    is_named_so && path.is_dir() && path.with_file_name(MOUNTED).is_symlink()
}

/// Returns whether a name is one of those that OpenSSL looks certificates up by: `3e44d2f7.0`.
fn is_hash_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.as_encoded_bytes().iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(root: &Path, include: &[&str], exclude: &[&str]) -> Vec<String> {
        let filter = Filter {
            include: Globs::new(include).unwrap(),
            exclude: Globs::new(exclude).unwrap(),
            ..Filter::default()
        };
        let name = |found: Result<FoundFile, WalkError>| {
            found.unwrap().path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/")
        };
        let mut names: Vec<String> = find(&[root.to_owned()], &filter).into_iter().map(name).collect();
        names.sort();
        names
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.pem", "b.p12", ".c.pem", "old/a.pem", "old/d.cer", "new/old/e.pem"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn globs_are_for_names_or_for_paths() {
        let folder = folder();
        let names = |include: &[&str], exclude: &[&str]| names(folder.path(), include, exclude).join(" ");
        assert_eq!(names(&[], &[]), ".c.pem a.pem b.p12 new/old/e.pem old/a.pem old/d.cer");
        assert_eq!(names(&["*.pem"], &[]), ".c.pem a.pem new/old/e.pem old/a.pem");
        assert_eq!(names(&["*.{p12,cer}"], &[]), "b.p12 old/d.cer");
        assert_eq!(names(&[], &["old"]), ".c.pem a.pem b.p12");
        assert_eq!(names(&[], &["/old/"]), ".c.pem a.pem b.p12 new/old/e.pem");
        assert_eq!(names(&["old/*"], &[]), "old/a.pem old/d.cer");
        assert_eq!(names(&["**/old/*.pem"], &["./new/old/*"]), "old/a.pem");
    }

    #[test]
    fn entries_are_filtered_as_paths_are() {
        let admits = |include: &[&str], exclude: &[&str], is_file_chosen| {
            let filter = Filter {
                include: Globs::new(include).unwrap(),
                exclude: Globs::new(exclude).unwrap(),
                ..Filter::default()
            };
            filter.part_of_entry("prod/push/tls.crt", is_file_chosen) == Some(FilePart::Judged)
        };
        assert!(admits(&[], &[], false));
        for fitting in ["*.crt", "prod/*/tls.crt", "prod/push/*", "prod/**"] {
            assert!(admits(&[fitting], &[], false) && !admits(&[], &[fitting], true), "{fitting}");
        }
        assert!(!admits(&["*.json"], &[], false) && admits(&["*.json"], &[], true));
        for folder in ["prod", "prod/push", "push"] {
            assert!(!admits(&[], &[folder], true), "{folder}");
        }
    }

    #[test]
    fn globs_mean_what_they_meant() {
        let cases: [(&str, &[&str], &[&str]); 16] = [
            ("*.pem", &["a.pem", "x/.c.pem", "株.pem"], &["a.cer", "a.pem/b"]),
            ("*.{p12,cer}", &["a.p12", "old/d.cer"], &["a.pem"]),
            ("?.pem", &["a.pem"], &[".pem", "ab.pem"]),
            ("[ab].pem", &["a.pem"], &["c.pem"]),
            ("[!a].pem", &["b.pem"], &["a.pem", "/.pem"]),
            ("[^a-c].pem", &["d.pem"], &["b.pem"]),
            ("[]-].pem", &["].pem", "-.pem"], &["a.pem"]),
            ("old", &["old", "new/old"], &["old/a"]),
            ("old/*", &["old/a"], &["old", "old/a/b", "new/old/a"]),
            ("./old/**", &["old/a", "old/a/b"], &["old", "new/old/a"]),
            ("/a.pem", &["a.pem"], &["old/a.pem"]),
            ("**/old/*.pem", &["old/a.pem", "new/old/a.pem"], &["old/new/a.pem"]),
            ("old/**/a.pem", &["old/a.pem", "old/x/y/a.pem"], &["a.pem"]),
            ("{old,new/**}/a.pem", &["old/a.pem", "new/x/a.pem"], &["x/a.pem"]),
            ("!old/*", &["!old/a"], &["old/a", "new/a"]),
            ("[[]x]", &["[x]"], &["x"]),
        ];
        for (glob, fitting, others) in cases {
            let globs = Globs::new(&[glob]).unwrap();
            for path in fitting {
                assert!(globs.fit(Path::new(path)), "{glob} fits {path}");
            }
            for path in others {
                assert!(!globs.fit(Path::new(path)), "{glob} does not fit {path}");
            }
        }
    }

    #[test]
    fn what_is_not_a_glob_is_refused() {
        let many_groups = "{a,b}".repeat(11);
        for (wrong, problem) in [
            ("[", "a [ is not closed"),
            ("[a-", "a [ is not closed"),
            ("old/[", "a [ is not closed"),
            ("a{b", "a { is not closed"),
            ("{a,{b}", "a { is not closed"),
            ("a\\", "it ends with a backslash"),
            ("[z-a]", "a range ends before it begins"),
            ("x/[!0-9b-a].pem", "a range ends before it begins"),
            ("[]a-Z]", "a range ends before it begins"),
            (&many_groups, "it has more than 10 groups in braces"),
        ] {
            let message = Globs::new(&[wrong]).unwrap_err().to_string();
            assert_eq!(message, format!("'{wrong}' is not a glob: {problem}"));
        }
        for good in ["[a-z]", "[z-]", "[-a]", "\\[z-a]", "z-a", "[a-a][0-9]", "[]-a]", "[!-a]"] {
            Globs::new(&[good]).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_loops_are_harmless() {
        use std::os::unix::fs::symlink;
        let folder = folder();
        let root = folder.path();
        symlink("..", root.join("old/up")).unwrap();
        symlink("../new", root.join("old/across")).unwrap();
        symlink("../old", root.join("new/back")).unwrap();
        symlink("a.pem", root.join("link.pem")).unwrap();
        let paths = names(root, &[], &[]);
        let count = |name: &str| paths.iter().filter(|path| path.ends_with(name)).count();
        assert_eq!((count("d.cer"), count("e.pem"), count("link.pem"), paths.len()), (1, 1, 0, 6), "{paths:?}");
        let counts = |include: &str| names(root, &[include], &[]).len();
        assert_eq!((counts("old/across/old/*"), counts("new/back/*"), counts("*/*/*/*/*/*.pem")), (1, 2, 0));
    }

    #[cfg(unix)]
    #[test]
    fn folders_below_a_link_are_those_that_it_leads_to() {
        use std::os::unix::fs::symlink;
        let folder = folder();
        let root = folder.path();
        let deep = root.join("real/a/b/c/d");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("deep.pem"), "x").unwrap();
        symlink("real/a", root.join("0")).unwrap();
        symlink("../../../../..", deep.join("up")).unwrap();
        assert_eq!(names(root, &["deep.pem"], &[]).len(), 1);
        assert_eq!(names(root, &["0/b/c/d/*"], &[]), ["0/b/c/d/deep.pem"]);
        assert_eq!(names(&root.join("real/a"), &["b/c/d/*"], &[]), ["b/c/d/deep.pem"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_is_looked_at_on_every_way_that_a_glob_may_be_for() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/a.pem"), "x").unwrap();
        for link in ["0", "alias"] {
            symlink("real", root.join(link)).unwrap();
        }
        for way in ["0", "alias", "real"] {
            let file = format!("{way}/a.pem");
            assert_eq!(names(root, &[&file], &[]), [file.as_str()]);
            let others: Vec<String> = ["0", "alias", "real"]
                .into_iter()
                .filter(|other| *other != way)
                .map(|other| format!("{other}/*"))
                .collect();
            let others: Vec<&str> = others.iter().map(String::as_str).collect();
            assert_eq!(names(root, &[], &others), [file]);
        }
        assert_eq!(names(root, &["*.pem"], &[]).len(), 1);
        // Two folders that are named, one in the other.
        let filter = Filter { include: Globs::new(&["real/*"]).unwrap(), ..Filter::default() };
        assert_eq!(find(&[root.join("real"), root.to_owned()], &filter).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn links_across_each_other_end() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        for own in 0..7 {
            fs::create_dir(folder.path().join(own.to_string())).unwrap();
        }
        for own in 0..7 {
            for other in 0..7 {
                symlink(format!("../{other}"), folder.path().join(format!("{own}/to{other}"))).unwrap();
            }
        }
        let filter = Filter { include: Globs::new(&["0/**"]).unwrap(), ..Filter::default() };
        let found = find(&[folder.path().to_owned()], &filter);
        assert!(found.len() <= 7 && matches!(&found[0], Err(WalkError { error: WalkProblem::TooManyWays, .. })));
        assert_eq!(find(&[folder.path().to_owned()], &Filter::default()).len(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_mounted_secret_is_seen_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("..2026_11_24")).unwrap();
        fs::write(root.join("..2026_11_24/tls.crt"), "x").unwrap();
        symlink("..2026_11_24", root.join("..data")).unwrap();
        symlink("..data/tls.crt", root.join("tls.crt")).unwrap();
        assert_eq!(names(root, &[], &[]), ["tls.crt"]);
        for other in ["..old/a.pem", "..b.pem", "c/..2026_11_24/d.pem"] {
            let path = root.join(other);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        assert_eq!(names(root, &[], &[]), ["..b.pem", "..old/a.pem", "c/..2026_11_24/d.pem", "tls.crt"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_found_where_its_file_is_not() {
        use std::os::unix::fs::symlink;
        let (folder, other) = (folder(), tempfile::tempdir().unwrap());
        fs::write(other.path().join("x.pem"), "x").unwrap();
        symlink("../a.pem", folder.path().join("old/0-link.pem")).unwrap();
        for name in ["3e44d2f7.0", "Root_CA.pem"] {
            symlink(other.path().join("x.pem"), folder.path().join(format!("old/{name}"))).unwrap();
        }
        assert_eq!(names(&folder.path().join("old"), &[], &[]), ["0-link.pem", "Root_CA.pem", "a.pem", "d.cer"]);
        let both = [folder.path().to_owned(), folder.path().join("a.pem")];
        let found = find(&both, &Filter::default());
        let named: Vec<bool> = found.iter().map(|found| found.as_ref().unwrap().part == FilePart::Named).collect();
        assert_eq!((found.len(), named.iter().filter(|is_named| **is_named).count()), (7, 1));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_a_link_leads_to_is_marked() {
        let folder = folder();
        std::os::unix::fs::symlink("../a.pem", folder.path().join("old/live.pem")).unwrap();
        let mut linked = Vec::new();
        for file in find(&[folder.path().to_owned()], &Filter::default()).into_iter().flatten() {
            if !file.links.is_empty() {
                linked.push(file.path);
            }
        }
        assert_eq!(linked, [folder.path().join("a.pem")]);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_neither_file_nor_folder_is_an_error() {
        let folder = folder();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("push.sock")).unwrap();
        std::os::unix::fs::symlink("/dev/null", folder.path().join("push.pem")).unwrap();
        let count = |include: &[&str]| {
            let filter = Filter { include: Globs::new(include).unwrap(), ..Filter::default() };
            let found = find(&[folder.path().to_owned()], &filter);
            let is_special = |found: &&Result<FoundFile, WalkError>| {
                matches!(found, Err(WalkError { error: WalkProblem::Special, .. }))
            };
            found.iter().filter(is_special).count()
        };
        assert_eq!((count(&[]), count(&["*.pem"]), count(&["*.cer"])), (2, 1, 0));
    }

    #[cfg(unix)]
    #[test]
    fn a_dangling_link_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("gone.pem", folder.path().join("link.pem")).unwrap();
        let paths = [folder.path().to_owned()];
        let found: Vec<bool> = find(&paths, &Filter::default()).iter().map(Result::is_err).collect();
        assert_eq!(found, [true]);
        for (include, exclude, count) in [("*.pem", "old", 1), ("*.cer", "old", 0), ("*", "link.*", 0)] {
            let filter = Filter {
                include: Globs::new(&[include]).unwrap(),
                exclude: Globs::new(&[exclude]).unwrap(),
                ..Filter::default()
            };
            assert_eq!(find(&paths, &filter).len(), count, "{include} {exclude}");
        }
    }
}
