//! A temporary folder for keys. It is removed with its owner, and if the owner was killed, by the next one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The name of the file that is locked as long as the owner of a folder lives.
const LOCK: &str = "lock";
/// Its name before it is locked.
const NEW_LOCK: &str = "new-lock";

/// A folder that only this user can read.
pub(crate) struct KeyFolder {
    folder: PathBuf,
    /// `None` once it is being removed.
    lock: Option<File>,
}

impl KeyFolder {
    /// Makes a folder whose name begins with `prefix`, and removes those that owners who were killed left behind.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn make(prefix: &str) -> io::Result<Self> {
        // What cannot be removed is not this owner's trouble.
        let _ = remove_abandoned(&std::env::temp_dir(), prefix);
        let folder = tempfile::Builder::new().prefix(prefix).tempdir()?.keep();
        let mut made = Self { folder, lock: None };
        // Locked before it has its name: nobody finds it without its lock.
        let unnamed = made.folder.join(NEW_LOCK);
        let lock = made.lock.insert(File::create(&unnamed)?);
        if !try_lock(lock) {
            return Err(io::Error::other("the folder cannot be locked"));
        }
        std::fs::rename(unnamed, made.folder.join(LOCK))?;
        Ok(made)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for KeyFolder {
    fn drop(&mut self) {
        // Looking into the folder takes a descriptor, and this may be the last one.
        self.lock = None;
        if std::fs::remove_dir_all(&self.folder).is_err() {
            for name in [LOCK, NEW_LOCK] {
                let _ = std::fs::remove_file(self.folder.join(name));
            }
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// Makes a folder that only this user can read, unless it is there.
///
/// # Errors
/// When it cannot be made, or something else has its name.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Lets only its owner read a folder.
///
/// # Errors
/// When its rights cannot be changed, as if it is another user's.
#[cfg(unix)]
pub(crate) fn restrict(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

#[cfg(not(unix))]
pub(crate) fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

fn remove_abandoned(parent: &Path, prefix: &str) -> io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if is_ours && entry.file_type()?.is_dir() && is_abandoned(&entry.path()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Returns whether the owner of a folder has gone: its lock is there and free.
fn is_abandoned(folder: &Path) -> bool {
    if !belongs_to_user(folder) {
        return false;
    }
    match File::open(folder.join(LOCK)) {
        Ok(lock) => try_lock(&lock),
        Err(_) => false,
    }
}

#[cfg(unix)]
fn belongs_to_user(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    std::fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == own)
}

#[cfg(unix)]
fn try_lock(file: &File) -> bool {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
}

/// Locks a file for this process, as long as it is open; true if another process has the lock.
#[cfg(unix)]
pub(crate) fn is_locked_by_another(file: &File) -> bool {
    let locked = rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive);
    locked == Err(rustix::io::Errno::WOULDBLOCK)
}

#[cfg(not(unix))]
pub(crate) fn is_locked_by_another(_: &File) -> bool {
    false
}

#[cfg(not(unix))]
fn belongs_to_user(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn try_lock(_: &File) -> bool {
    true
}
