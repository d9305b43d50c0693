//! A temporary folder for keys. It is removed with its owner, and if the owner was killed, by the next one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::world::folder_removal::{LOCK, NEW_LOCK, REMOVED, remove_folder};
#[cfg(unix)]
use crate::world::signals;
use crate::world::temporary::temporary_folder;

/// The random characters at the end of a folder's name.
const RANDOM_LENGTH: usize = 6;

/// The beginning of the names of files that are being written.
const UNFINISHED: &str = ".pushcert-";

/// A folder without a lock that has not changed for so long has no owner: an owner makes its lock at once.
const OLD: Duration = Duration::from_secs(60 * 60);

/// The temporary folders of one command.
pub(crate) struct KeyFolderKind {
    /// The beginning of their names.
    pub(crate) prefix: &'static str,
    /// The files that the command makes there; those in folders of the folder have their name too.
    pub(crate) files: &'static [&'static str],
}

impl KeyFolderKind {
    /// Returns whether a folder has the name of one of these.
    pub(crate) fn names(&self, folder: &Path) -> bool {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return false };
        let Some(rest) = name.strip_prefix(self.prefix) else { return false };
        let random = rest.strip_suffix(REMOVED).unwrap_or(rest);
        random.len() == RANDOM_LENGTH && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }
}

/// A folder that only this user can read.
pub(crate) struct KeyFolder {
    folder: PathBuf,
    /// `None` once it is being removed.
    lock: Option<File>,
}

impl KeyFolder {
    /// Makes a folder, and removes those that owners who were killed left behind.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn make(kind: &KeyFolderKind) -> io::Result<Self> {
        let parent = temporary_folder();
        // What cannot be removed is not this owner's trouble.
        let _ = remove_abandoned(&parent, kind);
        let mut made = Self { folder: make_listed(&parent, kind.prefix)?, lock: None };
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
        // A signal waits until it is gone.
        #[cfg(unix)]
        let mut temporary = signals::hold();
        // Looking into the folder takes a descriptor, and this may be the last one.
        self.lock = None;
        remove_folder(&self.folder);
        #[cfg(unix)]
        temporary.folders.retain(|known| *known != self.folder);
    }
}

/// Makes a folder. Signals wait until it is in the list of what goes with the process.
fn make_listed(parent: &Path, prefix: &str) -> io::Result<PathBuf> {
    #[cfg(unix)]
    let mut temporary = signals::hold();
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).rand_bytes(RANDOM_LENGTH);
    // By itself the umask decides.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let folder = builder.tempdir_in(parent)?.keep();
    #[cfg(unix)]
    temporary.folders.push(folder.clone());
    Ok(folder)
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

fn remove_abandoned(parent: &Path, kind: &KeyFolderKind) -> io::Result<()> {
    for entry in std::fs::read_dir(parent)? {
        let folder = entry?.path();
        if !kind.names(&folder) || !belongs_to_user(&folder) {
            continue;
        }
        match lock_of(&folder) {
            FolderLock::Free => remove_folder(&folder),
            FolderLock::Taken => {}
            FolderLock::None => remove_if_old(&folder, kind),
        }
    }
    Ok(())
}

/// The lock of a folder that is there.
enum FolderLock {
    None,
    /// The owner of the folder has gone.
    Free,
    Taken,
}

fn lock_of(folder: &Path) -> FolderLock {
    let path = folder.join(LOCK);
    match path.symlink_metadata() {
        Ok(found) if found.is_file() && found.len() == 0 => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return FolderLock::None,
        Ok(_) | Err(_) => return FolderLock::Taken,
    }
    match File::open(path) {
        Ok(lock) if try_lock(&lock) => FolderLock::Free,
        Ok(_) | Err(_) => FolderLock::Taken,
    }
}

/// Removes a folder without a lock that is old, and in which there is nothing but what the command makes.
fn remove_if_old(folder: &Path, kind: &KeyFolderKind) {
    if is_old(folder) && is_known(folder, "", kind).is_ok_and(|is_known| is_known) {
        remove_folder(folder);
    }
}

fn is_old(folder: &Path) -> bool {
    let Ok(changed) = folder.symlink_metadata().and_then(|found| found.modified()) else { return false };
    SystemTime::now().duration_since(changed).is_ok_and(|age| age >= OLD)
}

/// Returns whether the command has made all that is in a folder, which is not empty. `within` is the way to it.
fn is_known(folder: &Path, within: &str, kind: &KeyFolderKind) -> io::Result<bool> {
    let mut is_empty = true;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        is_empty = false;
        let Ok(name) = entry.file_name().into_string() else { return Ok(false) };
        let found = entry.file_type()?;
        let is_one_of_them = if found.is_dir() && within.is_empty() {
            is_known(&entry.path(), &format!("{name}/"), kind)?
        } else {
            found.is_file() && is_known_file(within, &name, kind)
        };
        if !is_one_of_them {
            return Ok(false);
        }
    }
    let is_made = !is_empty || kind.files.iter().any(|file| !within.is_empty() && file.starts_with(within));
    Ok(is_made)
}

fn is_known_file(within: &str, name: &str, kind: &KeyFolderKind) -> bool {
    if within.is_empty() && (name == NEW_LOCK || name.starts_with(UNFINISHED)) {
        return true;
    }
    let path = format!("{within}{name}");
    kind.files.contains(&path.as_str())
}

#[cfg(unix)]
fn belongs_to_user(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::geteuid().as_raw();
    folder.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == own)
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

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    const KIND: KeyFolderKind =
        KeyFolderKind { prefix: "pushcert-test-", files: &["push.pem", "tokens.db", "gateway/ca.pem"] };

    /// A folder for temporary ones.
    struct Parent(TempDir);

    impl Parent {
        fn new() -> Self {
            Self(TempDir::new().unwrap())
        }

        /// Makes a folder with these files, that has not changed for a day.
        fn make(&self, name: &str, files: &[&str]) -> PathBuf {
            let folder = self.0.path().join(name);
            make_private(&folder).unwrap();
            for file in files {
                let path = folder.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            age(&folder, 24 * OLD);
            folder
        }

        fn is_removed(&self, folder: &Path) -> bool {
            remove_abandoned(self.0.path(), &KIND).unwrap();
            !folder.exists()
        }
    }

    fn age(folder: &Path, age: Duration) {
        let times = fs::FileTimes::new().set_modified(SystemTime::now() - age);
        File::open(folder).unwrap().set_times(times).unwrap();
    }

    #[test]
    fn a_folder_without_an_owner_is_removed() {
        for (name, files) in [
            ("pushcert-test-abc123", &["lock"][..]),
            ("pushcert-test-abc123", &["lock", "push.pem", "gateway/ca.pem", "notes"]),
            ("pushcert-test-abc123", &["push.pem"]),
            ("pushcert-test-abc123-removed", &["push.pem", "gateway/ca.pem", ".pushcert-x3f2a1"]),
            ("pushcert-test-abc123", &["new-lock"]),
        ] {
            let parent = Parent::new();
            let folder = parent.make(name, files);
            assert!(parent.is_removed(&folder), "{name} {files:?}");
        }
    }

    #[test]
    fn what_may_be_something_else_stays() {
        for (name, files) in [
            ("pushcert-test-abc123", &[][..]),
            ("pushcert-test-abc123", &["push.pem", "notes"]),
            ("pushcert-test-abc123", &["push.pem", "gateway/notes"]),
            ("pushcert-test-abc123", &["push.pem", "notes/ca.pem"]),
            ("pushcert-test-abc123", &["push.pem", "gateway/inner/ca.pem"]),
            ("pushcert-test-mine", &["push.pem", "lock"]),
            ("pushcert-test-my-own", &["push.pem"]),
            ("pushcert-tests-abc123", &["push.pem", "lock"]),
        ] {
            let parent = Parent::new();
            let folder = parent.make(name, files);
            assert!(!parent.is_removed(&folder), "{name} {files:?}");
            for file in files {
                assert!(folder.join(file).exists(), "{name} {file}");
            }
        }
    }

    #[test]
    fn a_folder_that_is_young_or_has_a_link_stays() {
        let parent = Parent::new();
        let young = parent.make("pushcert-test-young1", &["push.pem"]);
        age(&young, OLD / 2);
        let linked = parent.make("pushcert-test-linked", &[]);
        std::os::unix::fs::symlink(young.join("push.pem"), linked.join("push.pem")).unwrap();
        age(&linked, 24 * OLD);
        let target = parent.make("elsewhere", &["push.pem"]);
        let link = parent.0.path().join("pushcert-test-link12");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        for folder in [&young, &linked, &link, &target] {
            assert!(!parent.is_removed(folder), "{}", folder.display());
        }
    }

    #[test]
    fn it_is_private_listed_and_removed_with_its_lock_last() {
        use std::os::unix::fs::PermissionsExt;
        let folder = KeyFolder::make(&KIND).unwrap();
        let path = folder.path().to_owned();
        assert!(path.is_absolute() && KIND.names(&path));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(signals::hold().folders.contains(&path));
        drop(folder);
        assert!(!path.exists() && !signals::hold().folders.contains(&path));
    }

    #[test]
    fn what_cannot_be_emptied_keeps_its_lock() {
        let parent = Parent::new();
        let folder = parent.make("pushcert-test-abc123", &["lock", "push.pem", "gateway/ca.pem"]);
        let inner = folder.join("gateway");
        fs::set_permissions(&inner, std::os::unix::fs::PermissionsExt::from_mode(0o500)).unwrap();
        remove_folder(&folder);
        let left = parent.0.path().join("pushcert-test-abc123-removed");
        // The superuser empties it all the same.
        assert_eq!(left.join(LOCK).exists(), left.exists());
        if left.exists() {
            fs::set_permissions(left.join("gateway"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
            assert!(parent.is_removed(&left));
        }
    }

    #[test]
    fn a_folder_with_an_owner_stays() {
        let parent = Parent::new();
        let folder = parent.make("pushcert-test-abc123", &["lock", "push.pem"]);
        let lock = File::open(folder.join(LOCK)).unwrap();
        assert!(try_lock(&lock));
        assert!(!parent.is_removed(&folder));
        drop(lock);
        assert!(parent.is_removed(&folder));
    }
}
