//! Which files a run looks at: those that are named, and all in the folders that are named.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::{DirEntry, WalkDir};

/// Patterns for paths: one without a slash is for the name, wherever the file lies; one with a slash is
/// for the path below the folder that was named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Globs(GlobSet);

impl Globs {
    /// Takes the patterns.
    ///
    /// # Errors
    /// When one is no pattern.
    pub(crate) fn new<T: AsRef<str>>(patterns: &[T]) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let pattern = pattern.as_ref().trim_end_matches('/');
            let pattern = match pattern.trim_start_matches("./").strip_prefix('/') {
                Some(rooted) => rooted.to_owned(),
                None if pattern.contains('/') => pattern.trim_start_matches("./").to_owned(),
                None => format!("**/{pattern}"),
            };
            set.add(GlobBuilder::new(&pattern).literal_separator(true).build()?);
        }
        Ok(Self(set.build()?))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one fits the path.
    pub(crate) fn fit(&self, path: &Path) -> bool {
        self.0.is_match(path)
    }
}

/// What is looked at in folders. Files that are named themselves are always looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only files that fit one of these, unless there are none.
    pub(crate) include: Globs,
    /// Neither files nor folders that fit one of these.
    pub(crate) exclude: Globs,
}

/// A file to look at.
#[derive(Debug)]
pub(crate) struct FoundFile {
    /// Where it is, beginning with the path that was named.
    pub(crate) path: PathBuf,
    /// Whether it was named itself.
    pub(crate) is_named: bool,
}

/// A path that cannot be followed.
#[derive(Debug)]
pub(crate) struct WalkError {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) error: io::Error,
}

/// Finds all files, one after the other, in the order in which the system has them. Links are followed,
/// each folder is visited once, and what is neither file nor folder is passed over (to open a pipe is to
/// wait).
///
/// Names that begin with two dots are passed over too: so are the folders called in which Kubernetes
/// keeps a mounted secret, whose entries are links into them.
pub(crate) fn find<'a>(
    paths: &'a [PathBuf],
    filter: &'a Filter,
) -> impl Iterator<Item = Result<FoundFile, WalkError>> + 'a {
    let visited = Rc::new(RefCell::new(HashSet::new()));
    let below = move |root: &'a PathBuf| -> Box<dyn Iterator<Item = Result<FoundFile, WalkError>> + 'a> {
        if !root.is_dir() {
            return Box::new(std::iter::once(Ok(FoundFile { path: root.clone(), is_named: true })));
        }
        let visited = Rc::clone(&visited);
        let is_wanted = move |entry: &DirEntry| is_wanted(entry, root, filter, &mut visited.borrow_mut());
        let entries = WalkDir::new(root).follow_links(true).into_iter().filter_entry(is_wanted);
        Box::new(entries.filter_map(move |entry| match entry {
            Ok(entry) if entry.file_type().is_file() => {
                Some(Ok(FoundFile { path: entry.into_path(), is_named: false }))
            }
            Ok(_) => None,
            // A loop leads to what is looked at anyway.
            Err(error) if error.loop_ancestor().is_some() => None,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                Some(Err(WalkError { path, error: error.into() }))
            }
        }))
    };
    paths.iter().flat_map(below)
}

fn is_wanted(entry: &DirEntry, root: &Path, filter: &Filter, visited: &mut HashSet<PathBuf>) -> bool {
    let is_folder = entry.file_type().is_dir();
    if entry.depth() > 0 {
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let is_left_out = entry.file_name().as_encoded_bytes().starts_with(b"..") || filter.exclude.fit(path);
        let is_chosen = is_folder || filter.include.is_empty() || filter.include.fit(path);
        if is_left_out || !is_chosen {
            return false;
        }
    }
    // Links across each other could be followed in more ways than there are files. A folder that does not
    // resolve is walked all the same, so that the error is told.
    !is_folder || entry.path().canonicalize().map_or(true, |path| visited.insert(path))
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
        let mut names: Vec<String> = find(&[root.to_owned()], &filter).map(name).collect();
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
    fn a_dangling_link_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("gone.pem", folder.path().join("link.pem")).unwrap();
        let paths = [folder.path().to_owned()];
        let found: Vec<bool> = find(&paths, &Filter::default()).map(|found| found.is_err()).collect();
        assert_eq!(found, [true]);
    }
}
