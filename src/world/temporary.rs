//! The folder for temporary files, and a file there that goes with the process.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

#[cfg(unix)]
use crate::world::signals;

/// The folder, where the environment names none.
const DEFAULT: &str = "/tmp";

/// Returns the folder for temporary files. An empty variable names none, as for mktemp: the folder of the run is no place
/// for them.
pub(crate) fn temporary_folder() -> PathBuf {
    let named = env::temp_dir();
    let folder = if named.as_os_str().is_empty() { PathBuf::from(DEFAULT) } else { named };
    match std::path::absolute(&folder) {
        // Two slashes at the beginning become one.
        Ok(absolute) => absolute.components().collect(),
        Err(_) => folder,
    }
}

/// A file that is removed when this is dropped, or when a signal ends the process.
pub(crate) struct TemporaryFile {
    /// `None` once it is being removed.
    path: Option<TempPath>,
}

impl TemporaryFile {
    /// Makes a file with these bytes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn with(bytes: &[u8]) -> io::Result<Self> {
        let (mut file, path) = Self::create()?;
        file.write_all(bytes)?;
        Ok(path)
    }

    /// Makes an empty one. Signals wait until it is in the list of what goes with the process.
    fn create() -> io::Result<(std::fs::File, Self)> {
        #[cfg(unix)]
        let mut temporary = signals::hold();
        let (file, path) = NamedTempFile::new_in(temporary_folder())?.into_parts();
        #[cfg(unix)]
        temporary.files.push(path.to_path_buf());
        Ok((file, Self { path: Some(path) }))
    }

    pub(crate) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let Some(path) = self.path.take() else { return };
        #[cfg(unix)]
        let mut temporary = signals::hold();
        #[cfg(unix)]
        temporary.files.retain(|known| *known != *path);
        drop(path);
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_listed_as_long_as_it_is_there() {
        let file = TemporaryFile::with(b"list").unwrap();
        let path = file.path().to_owned();
        assert_eq!(std::fs::read(&path).unwrap(), b"list");
        assert!(signals::hold().files.contains(&path));
        drop(file);
        assert!(!path.exists() && !signals::hold().files.contains(&path));
    }
}
