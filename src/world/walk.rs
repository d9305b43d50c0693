//! Finds the files of a run: those that are named, and those in the folders that are named.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use fast_glob::ErrorKind;
use walkdir::{DirEntry, WalkDir};

/// Patterns for paths: one without a slash fits the name, wherever the file lies; one with a slash fits
/// the path below the folder that was named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Globs(Vec<String>);

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
    pub(crate) fn new<T: AsRef<str>>(patterns: &[T]) -> Result<Self, GlobError> {
        let mut globs = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            globs.push(parse_glob(pattern.as_ref().trim_end_matches('/'))?);
        }
        Ok(Self(globs))
    }

    /// Returns whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether one fits the path.
    pub(crate) fn fit(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_encoded_bytes();
        self.0.iter().any(|glob| fast_glob::glob_match(glob, path))
    }
}

/// Turns a pattern into a glob for the whole path below the folder.
fn parse_glob(pattern: &str) -> Result<String, GlobError> {
    if let Some(problem) = glob_problem(pattern) {
        return Err(GlobError { pattern: pattern.to_owned(), problem });
    }
    let relative = pattern.trim_start_matches("./");
    Ok(match relative.strip_prefix('/') {
        Some(rooted) => rooted.to_owned(),
        None if !pattern.contains('/') => format!("**/{pattern}"),
        // The library would negate the glob.
        None if relative.starts_with('!') => format!("\\{relative}"),
        None => relative.to_owned(),
    })
}

/// Returns what is wrong with a pattern.
fn glob_problem(pattern: &str) -> Option<&'static str> {
    match fast_glob::validate(pattern) {
        Ok(()) if has_reversed_range(pattern.as_bytes()) => Some("a range ends before it begins"),
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
}

impl Filter {
    /// Returns whether an entry of a file is wanted, by its name, which has slashes as a path has. The entries of a
    /// file that was itself chosen by its name are wanted unless they are excluded.
    pub(crate) fn admits_entry(&self, name: &str, is_file_chosen: bool) -> bool {
        for (end, _) in name.match_indices('/') {
            if self.exclude.fit(Path::new(&name[..end])) {
                return false;
            }
        }
        let path = Path::new(name);
        !self.exclude.fit(path) && (is_file_chosen || self.include.is_empty() || self.include.fit(path))
    }
}

/// A file to look at.
#[derive(Debug)]
pub(crate) struct FoundFile {
    /// The path, which begins with the one that was named.
    pub(crate) path: PathBuf,
    /// The file was named itself.
    pub(crate) is_named: bool,
}

/// A path that cannot be followed.
#[derive(Debug)]
pub(crate) struct WalkError {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

/// Finds all files, in the order in which the system has them. Links are followed, and each folder is
/// visited once. Skips what is neither file nor folder: opening a pipe would wait.
///
/// Names that begin with two dots are skipped too: Kubernetes keeps a mounted secret in such folders, and
/// the entries of the secret are links into them.
pub(crate) fn find(paths: &[PathBuf], filter: &Filter) -> Vec<Result<FoundFile, WalkError>> {
    let mut walk = Walk { filter, visited: HashSet::new(), found: Vec::new() };
    for path in paths {
        if path.is_dir() {
            walk.add_folder(path);
        } else {
            walk.found.push(Ok(FoundFile { path: path.clone(), is_named: true }));
        }
    }
    walk.found
}

struct Walk<'a> {
    filter: &'a Filter,
    /// The folders, by their canonical paths.
    visited: HashSet<PathBuf>,
    found: Vec<Result<FoundFile, WalkError>>,
}

impl Walk<'_> {
    fn add_folder(&mut self, root: &Path) {
        let mut entries = WalkDir::new(root).follow_links(true).into_iter();
        while let Some(entry) = entries.next() {
            match entry {
                Ok(entry) if entry.file_type().is_dir() => {
                    if !self.is_wanted(&entry, root) || !self.is_first_visit(&entry) {
                        entries.skip_current_dir();
                    }
                }
                Ok(entry) if entry.file_type().is_file() => {
                    if self.is_wanted(&entry, root) {
                        self.found.push(Ok(FoundFile { path: entry.into_path(), is_named: false }));
                    }
                }
                Ok(_) => {}
                // A loop leads to a folder that is visited anyway.
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(root).to_owned();
                    if path.is_symlink() && !self.is_wanted_path(&path, error.depth(), root) {
                        continue;
                    }
                    // The library's own error repeats the path.
                    let error = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    self.found.push(Err(WalkError { path, error }));
                }
            }
        }
    }

    fn is_wanted(&self, entry: &DirEntry, root: &Path) -> bool {
        if entry.file_type().is_dir() {
            return entry.depth() == 0 || !self.is_excluded(entry.path(), root);
        }
        self.is_wanted_path(entry.path(), entry.depth(), root)
    }

    fn is_wanted_path(&self, path: &Path, depth: usize, root: &Path) -> bool {
        if depth == 0 {
            return true;
        }
        let relative = path.strip_prefix(root).unwrap_or(path);
        !self.is_excluded(path, root) && (self.filter.include.is_empty() || self.filter.include.fit(relative))
    }

    fn is_excluded(&self, path: &Path, root: &Path) -> bool {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let name = path.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b"..") || self.filter.exclude.fit(relative)
    }

    /// Returns whether a folder was not visited before: links across each other could be followed in more
    /// ways than there are files. A folder that does not resolve is visited, so that its error is reported.
    fn is_first_visit(&mut self, folder: &DirEntry) -> bool {
        match folder.path().canonicalize() {
            Ok(path) => self.visited.insert(path),
            Err(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(root: &Path, include: &[&str], exclude: &[&str]) -> Vec<String> {
        let filter = Filter { include: Globs::new(include).unwrap(), exclude: Globs::new(exclude).unwrap() };
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
            let filter = Filter { include: Globs::new(include).unwrap(), exclude: Globs::new(exclude).unwrap() };
            filter.admits_entry("prod/push/tls.crt", is_file_chosen)
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
        assert_eq!((count("d.cer"), count("e.pem"), count("link.pem"), paths.len()), (1, 1, 1, 7), "{paths:?}");
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
            let filter = Filter { include: Globs::new(&[include]).unwrap(), exclude: Globs::new(&[exclude]).unwrap() };
            assert_eq!(find(&paths, &filter).len(), count, "{include} {exclude}");
        }
    }
}
