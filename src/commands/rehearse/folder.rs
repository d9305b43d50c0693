//! The folder of a rehearsal: a temporary one, which is gone at every end, or the one of `--keep`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::exit::ExitKind;
use crate::world::key_folder::{self, KeyFolder};
#[cfg(unix)]
use crate::world::signals;

/// The beginning of the name of a temporary folder.
const PREFIX: &str = "pushcert-rehearsal-";

/// The folder.
pub(super) enum RehearsalFolder {
    Temporary(KeyFolder),
    Kept(PathBuf),
}

impl RehearsalFolder {
    /// Makes the folder, which only this user can read.
    ///
    /// # Errors
    /// When it cannot be made, or there is something in it.
    pub(super) fn make(keep: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = keep else { return Self::make_temporary() };
        match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(Error::new(ExitKind::Write, format!("--keep: {} is not empty", path.display()))
                .hint("name a folder that is new or empty: nothing is overwritten")),
            Ok(false) => keep_existing(path),
            Err(_) => keep_new(path),
        }
    }

    fn make_temporary() -> Result<Self, Error> {
        match KeyFolder::make(PREFIX) {
            Ok(folder) => {
                #[cfg(unix)]
                signals::guard_folder(folder.path().to_owned());
                Ok(Self::Temporary(folder))
            }
            Err(error) => Err(Error::new(ExitKind::Write, format!("cannot make a temporary folder: {error}")).hint(
                "name a folder that can be written to: TMPDIR=FOLDER for a temporary one in it, or --keep FOLDER",
            )),
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

impl Drop for RehearsalFolder {
    fn drop(&mut self) {
        #[cfg(unix)]
        signals::forget_folder(self.path());
    }
}

fn keep_new(path: &Path) -> Result<RehearsalFolder, Error> {
    match key_folder::make_private(path) {
        Ok(()) => Ok(RehearsalFolder::Kept(path.to_owned())),
        Err(error) => {
            Err(Error::new(ExitKind::Write, format!("--keep: {}: cannot make the folder: {error}", path.display())))
        }
    }
}

/// Takes a folder that is there and empty; from now on only its owner can read it.
fn keep_existing(path: &Path) -> Result<RehearsalFolder, Error> {
    match key_folder::restrict(path) {
        Ok(()) => Ok(RehearsalFolder::Kept(path.to_owned())),
        Err(error) => {
            let message = format!("--keep: {}: cannot keep others from reading it: {error}", path.display());
            Err(Error::new(ExitKind::Write, message).hint("name a new folder"))
        }
    }
}
