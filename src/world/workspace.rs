//! The checkout of a GitHub workflow: the files of annotations are named from there.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The variable that names the checkout.
const VARIABLE: &str = "GITHUB_WORKSPACE";

/// The root of a checkout, and the folder of the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Workspace {
    /// The root, by each of its names: links may lead to it.
    roots: Vec<PathBuf>,
    folder: PathBuf,
}

impl Workspace {
    /// Finds the checkout; without a variable that names it, it is the folder of the run.
    pub(crate) fn find(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let folder = env::current_dir().unwrap_or_default();
        let named = variable(VARIABLE).filter(|root| !root.is_empty());
        let Some(root) = named.map(PathBuf::from) else { return Self { roots: vec![folder.clone()], folder } };
        let mut roots = vec![root.clone()];
        roots.extend(fs::canonicalize(root));
        Self { roots, folder }
    }

    /// Returns the name of a file as seen from the root, with slashes. A file elsewhere keeps its name.
    pub(crate) fn name_of(&self, file: &str) -> String {
        let path = without_dots(&self.folder.join(file));
        for root in &self.roots {
            if let Ok(inside) = path.strip_prefix(without_dots(root)) {
                return with_slashes(inside);
            }
        }
        with_slashes(&without_dots(Path::new(file)))
    }
}

/// Removes `.` and `..` from a path without a look at the disk.
fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if clean.file_name().is_some() => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}

fn with_slashes(path: &Path) -> String {
    let text = path.to_string_lossy();
    if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root() {
        let workspace = Workspace {
            roots: vec!["/home/runner/work/app".into(), "/data/app".into()],
            folder: "/home/runner/work/app/ios".into(),
        };
        for (file, expected) in [
            ("certs/a.pem", "ios/certs/a.pem"),
            ("./certs/./a.pem", "ios/certs/a.pem"),
            ("../certs/a.pem", "certs/a.pem"),
            ("/home/runner/work/app/a.pem", "a.pem"),
            ("/data/app/b/a.pem", "b/a.pem"),
            ("/etc/push/a.pem", "/etc/push/a.pem"),
            ("../../../../../a.pem", "../../../../../a.pem"),
        ] {
            assert_eq!(workspace.name_of(file), expected);
        }
        assert_eq!(Workspace::default().name_of("./a.pem"), "a.pem");
    }

    #[test]
    fn without_the_variable_it_is_the_folder_of_the_run() {
        let here = env::current_dir().unwrap();
        let workspace = Workspace::find(&|_| None);
        assert_eq!(workspace.name_of(here.join("x/a.pem").to_str().unwrap()), "x/a.pem");
        let workspace = Workspace::find(&|_| Some("/".into()));
        assert!(format!("/{}", workspace.name_of("a.pem")).starts_with(here.to_str().unwrap()));
    }
}
