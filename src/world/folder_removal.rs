//! Removes a temporary folder so that whatever is left of it, by whatever end, is still known as one that nobody needs.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The name of the file that is locked as long as the owner of a folder lives.
pub(super) const LOCK: &str = "lock";
/// Its name before it is locked.
pub(super) const NEW_LOCK: &str = "new-lock";

/// The end of the name of a folder that is being removed.
pub(super) const REMOVED: &str = "-removed";

/// The number of tries: another thread may have a file of the folder open, and write a second one beside it.
const TRIES: usize = 5;

/// Removes a folder with all that is in it, its lock last.
pub(super) fn remove_folder(folder: &Path) {
    let folder = rename(folder);
    for _ in 0..TRIES {
        match empty(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(_) => continue,
        }
        let _ = std::fs::remove_file(folder.join(LOCK));
        if std::fs::remove_dir(&folder).is_ok() {
            return;
        }
    }
    // Looking into a folder takes a descriptor, and there may be none. Then there is nothing in it but this.
    let _ = std::fs::remove_file(folder.join(NEW_LOCK));
    let _ = std::fs::remove_dir(folder);
}

/// Gives the folder another name, so that nobody else adds a file to it. Returns the name that it has.
fn rename(folder: &Path) -> PathBuf {
    // Whoever began to remove it was killed.
    if folder.as_os_str().as_encoded_bytes().ends_with(REMOVED.as_bytes()) {
        return folder.to_owned();
    }
    let mut name = OsString::from(folder);
    name.push(REMOVED);
    let renamed = PathBuf::from(name);
    match std::fs::rename(folder, &renamed) {
        Ok(()) => renamed,
        Err(_) => folder.to_owned(),
    }
}

/// Removes all but the lock.
fn empty(folder: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        let path = entry.path();
        let removed =
            if entry.file_type()?.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => result = Err(error),
            _ => {}
        }
    }
    result
}
