//! The folder of a rehearsal: a temporary one, which is gone at every end, or the one of `--keep`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::commands::shared::advice;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::world::key_folder::{self, KeyFolder, KeyFolderKind};

/// The temporary folders of rehearsals.
const TEMPORARY: KeyFolderKind = KeyFolderKind {
    prefix: "pushcert-rehearsal-",
    files: &[
        "push.key",
        "CertificateSigningRequest.certSigningRequest",
        "aps.cer",
        "authority.pem",
        "p12.password",
        "push.p12",
        "push.pem",
        "gateway/ca.pem",
        "gateway/client.pem",
        "gateway/devices.ndjson",
        "device.json",
        "mdm.json",
        "tokens.db",
        "tokens.db-journal",
    ],
};

const OTHER_TEMPORARY: &str =
    "name a folder that can be written to: TMPDIR=FOLDER for a temporary one in it, or --keep FOLDER";

/// The folder.
pub(super) enum RehearsalFolder {
    Temporary(KeyFolder),
    Kept(PathBuf),
}

impl RehearsalFolder {
    /// Makes the folder, which only this user can read.
    ///
    /// # Errors
    /// When it cannot be made, there is something in it, or a command could not name its files.
    pub(super) fn make(keep: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = keep else { return Self::make_temporary() };
        if let Some(problem) = problem_of_name(path) {
            return Err(Error::new(ExitKind::Usage, format!("--keep: {}: {problem}", path.display()))
                .hint("choose another name"));
        }
        if TEMPORARY.names(path) {
            let message = format!("--keep: {}: temporary folders have such names, and are removed", path.display());
            return Err(Error::new(ExitKind::Usage, message).hint("choose another name"));
        }
        let typed = path;
        let path = without_ambiguity(typed);
        match fs::read_dir(&path).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(Error::new(ExitKind::Write, format!("--keep: {} is not empty", path.display()))
                .hint("name a folder that is new or empty: nothing is overwritten")),
            Ok(false) => keep_existing(&path),
            Err(_) => keep_new(&path, typed),
        }
    }

    fn make_temporary() -> Result<Self, Error> {
        let folder = match KeyFolder::make(&TEMPORARY) {
            Ok(folder) => folder,
            Err(error) => {
                let message = format!("cannot make a temporary folder: {error}");
                return Err(Error::new(ExitKind::Write, message).hint(OTHER_TEMPORARY));
            }
        };
        match problem_of_name(folder.path()) {
            None => Ok(Self::Temporary(folder)),
            Some(problem) => {
                let message = format!("the temporary folder {}: {problem}", folder.path().display());
                Err(Error::new(ExitKind::Write, message).hint(OTHER_TEMPORARY))
            }
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

/// Returns why the commands of the rehearsal cannot name files in a folder.
fn problem_of_name(folder: &Path) -> Option<&'static str> {
    let has_question_mark = folder.as_os_str().as_encoded_bytes().contains(&b'?');
    has_question_mark.then_some("its name has a question mark, which the URL of a database cannot have")
}

/// Returns a name of a folder that begins as no option, no stream and no host does.
fn without_ambiguity(folder: &Path) -> PathBuf {
    let begins_plainly = |name: &str| name.starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '_');
    if folder.is_absolute() {
        // Two slashes at the beginning become one.
        folder.components().collect()
    } else if folder.to_str().is_some_and(begins_plainly) {
        folder.to_owned()
    } else {
        Path::new(".").join(folder)
    }
}

fn keep_new(path: &Path, typed: &Path) -> Result<RehearsalFolder, Error> {
    match key_folder::make_private(path) {
        Ok(()) => Ok(RehearsalFolder::Kept(path.to_owned())),
        Err(error) => {
            Err(advice::unwritable(&format!("--keep: {}", typed.display()), "cannot make the folder", &error))
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
