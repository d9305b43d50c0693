//! Writing so that all outputs are whole, or none is there and what was there before is back.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::world::files::FileId;

use crate::world::ownership::{Adopted, OwnerChange, adopt, owner_change};
use crate::world::place::{self, Place, WriteError, folder};
#[cfg(unix)]
use crate::world::{descriptors, signals};

/// An output to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output<'a> {
    pub(crate) path: &'a Path,
    pub(crate) bytes: &'a [u8],
    /// Only the owner may read it (mode 0600), unless it replaces a file that a group may read and others may not;
    /// otherwise the umask decides.
    pub(crate) is_private: bool,
    /// It may replace a file.
    pub(crate) force: bool,
}

/// An output that failed, and why.
pub(crate) type Failure<'a> = (&'a Path, WriteError);

/// Writes all outputs or none: each to a temporary file beside it, synced if it is private, then given its name.
///
/// # Errors
/// With the output that failed.
pub(crate) fn write_all<'a>(outputs: &[Output<'a>]) -> Result<Vec<OwnerChange>, Failure<'a>> {
    let staged = stage_all(outputs)?;
    staged.write_in_place()?;
    staged.commit()
}

/// Outputs whose bytes are on the disk, but have no names yet.
pub(crate) struct StagedOutputs<'a> {
    files: Vec<StagedFile<'a>>,
    in_place: Vec<InPlace<'a>>,
}

/// An output that goes to a pipe, a device or an open descriptor.
struct InPlace<'a> {
    output: Output<'a>,
    file: File,
}

/// Prepares all outputs. Where the system can (Linux), a temporary file has no name at all, so that not even a killed
/// process leaves one.
///
/// # Errors
/// With the output that failed; nothing has changed then.
pub(crate) fn stage_all<'a>(outputs: &[Output<'a>]) -> Result<StagedOutputs<'a>, Failure<'a>> {
    let mut staged = StagedOutputs { files: Vec::new(), in_place: Vec::new() };
    for output in outputs {
        if let Err(error) = staged.add(*output) {
            return Err((output.path, error));
        }
    }
    // What is new comes first: it can be removed without a trace.
    staged.files.sort_by_key(|file| file.old.is_some());
    Ok(staged)
}

impl<'a> StagedOutputs<'a> {
    fn add(&mut self, output: Output<'a>) -> Result<(), WriteError> {
        match Place::find(output.path)? {
            Place::New(target) => self.files.push(StagedFile::create(output, target, None)?),
            Place::File(..) if !output.force => return Err(WriteError::Exists),
            Place::File(target, old) => self.files.push(StagedFile::create(output, target, Some(old))?),
            Place::Descriptor(number) => {
                place::check_descriptor(number)?;
                self.in_place.push(InPlace { output, file: open_descriptor(number)? });
            }
            Place::Special(path) => {
                self.in_place.push(InPlace { output, file: place::open_special(&path, output.is_private)? });
            }
        }
        Ok(())
    }

    /// Writes what cannot be taken back, before any file has its name.
    ///
    /// # Errors
    /// With the output that failed.
    pub(crate) fn write_in_place(&self) -> Result<(), Failure<'a>> {
        for InPlace { output, file } in &self.in_place {
            let mut file = file;
            if let Err(error) = file.write_all(output.bytes) {
                return Err((output.path, error.into()));
            }
        }
        Ok(())
    }

    /// Gives all files their names; signals wait so long. Returns the owners that could not be kept.
    ///
    /// # Errors
    /// With the output that failed. What had its name before is as it was.
    pub(crate) fn commit(self) -> Result<Vec<OwnerChange>, Failure<'a>> {
        // What went to standard output alone needs no guard, which costs a thread.
        if self.files.is_empty() {
            return Ok(vec![]);
        }
        let mut commit = Commit::default();
        let mut changes = Vec::new();
        let mut rest = self.files.into_iter();
        while let Some(file) = rest.next() {
            let (path, target, change) = (file.output.path, file.target.clone(), file.owner_change());
            // After the last one nothing can fail any more.
            let keeps_old = rest.len() > 0;
            if let Err(error) = commit.name(file, keeps_old) {
                return Err((path, add_left_file(error, commit.roll_back())));
            }
            sync_folder(&target);
            changes.extend(change);
        }
        commit.finish();
        Ok(changes)
    }
}

#[cfg(unix)]
fn open_descriptor(number: u32) -> Result<File, WriteError> {
    Ok(descriptors::duplicate(number)?.into())
}

#[cfg(not(unix))]
fn open_descriptor(_: u32) -> Result<File, WriteError> {
    Err(io::Error::from(io::ErrorKind::Unsupported).into())
}

/// A complete temporary file, and the name that it is to have.
struct StagedFile<'a> {
    output: Output<'a>,
    temporary: TemporaryFile,
    target: PathBuf,
    /// The file that it replaces.
    old: Option<fs::Metadata>,
    adopted: Adopted,
}

enum TemporaryFile {
    Named(NamedFile),
    #[cfg(target_os = "linux")]
    Unnamed(File),
}

impl<'a> StagedFile<'a> {
    fn create(output: Output<'a>, target: PathBuf, old: Option<fs::Metadata>) -> Result<Self, WriteError> {
        match fs::metadata(folder(&target)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(WriteError::NoFolder(folder(&target).to_owned()));
            }
            Err(error) => return Err(error.into()),
            Ok(metadata) if !metadata.is_dir() => return Err(io::Error::from(io::ErrorKind::NotADirectory).into()),
            Ok(_) => {}
        }
        if old.is_some() && place::is_append_only(folder(&target)) {
            return Err(WriteError::AppendOnlyFolder);
        }
        let temporary = match TemporaryFile::create(&output, &target) {
            // The folder is there, as /proc is.
            Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err(WriteError::Unfit("in a folder that takes no new files"));
            }
            created => created?,
        };
        let mut file = temporary.open()?;
        file.write_all(output.bytes)?;
        let adopted = match &old {
            Some(old) => adopt(&file, &target, old, output.is_private)?,
            None => Adopted::ALL,
        };
        // A key must outlast a power failure; what is not secret can be made again.
        if output.is_private {
            file.sync_all()?;
        }
        Ok(Self { output, temporary, target, old, adopted })
    }

    fn owner_change(&self) -> Option<OwnerChange> {
        match &self.old {
            Some(old) if self.adopted != Adopted::ALL => Some(owner_change(self.output.path, old, self.adopted)),
            _ => None,
        }
    }

    /// Gives the file its name, where there is none; `force` replaces what has the name.
    fn name(self) -> Result<(), WriteError> {
        let (target, replaces) = (&self.target, self.old.is_some());
        let file = match self.temporary {
            TemporaryFile::Named(file) => file,
            #[cfg(target_os = "linux")]
            TemporaryFile::Unnamed(file) if !replaces => match unnamed::link(&file, target) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(WriteError::Exists),
                Err(_) => return Self::copied(&self.output, target)?.persist(target, false),
            },
            // A name can be replaced by another name alone.
            #[cfg(target_os = "linux")]
            TemporaryFile::Unnamed(file) => NamedFile::link(&file, target)?,
        };
        file.persist(target, replaces)
    }

    /// Writes again, to a file with a name: some file systems make files without one, but cannot name them.
    #[cfg(target_os = "linux")]
    fn copied(output: &Output<'_>, target: &Path) -> Result<NamedFile, WriteError> {
        let named = NamedFile::create_unlisted(output, target)?;
        let mut file = named.open()?;
        file.write_all(output.bytes)?;
        file.sync_all()?;
        Ok(named)
    }
}

impl TemporaryFile {
    fn create(output: &Output<'_>, target: &Path) -> Result<Self, WriteError> {
        #[cfg(target_os = "linux")]
        if let Ok(file) = unnamed::create(folder(target), output.is_private) {
            return Ok(Self::Unnamed(file));
        }
        // A temporary name would stay for ever.
        if place::is_append_only(folder(target)) {
            return Err(WriteError::AppendOnlyFolder);
        }
        Ok(Self::Named(NamedFile::create(output, target)?))
    }

    fn open(&self) -> io::Result<File> {
        match self {
            Self::Named(file) => file.open(),
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => file.try_clone(),
        }
    }
}

/// The files that have their names already.
struct Commit {
    done: Vec<Done>,
    /// Held until the end.
    #[cfg(unix)]
    temporary: std::sync::MutexGuard<'static, signals::Temporary>,
}

/// A file that has its name, and what undoes that.
struct Done {
    target: PathBuf,
    id: Option<FileId>,
    /// The old file, under a temporary name.
    old: Option<PathBuf>,
}

impl Default for Commit {
    fn default() -> Self {
        Self {
            done: Vec::new(),
            #[cfg(unix)]
            temporary: signals::hold(),
        }
    }
}

impl Commit {
    fn name(&mut self, file: StagedFile<'_>, keeps_old: bool) -> Result<(), WriteError> {
        let target = file.target.clone();
        // File systems know more names for one file than can be compared: some fold case, some normalise Unicode.
        if FileId::of(&target).is_some_and(|id| self.done.iter().any(|done| done.id.as_ref() == Some(&id))) {
            return Err(WriteError::SameFile);
        }
        let old = if keeps_old && file.old.is_some() { Some(set_aside(&target)?) } else { None };
        let named = file.name();
        if let Err(error) = named {
            let left = old.and_then(|old| give_back(&old, &target));
            return Err(add_left_file(error, left));
        }
        self.done.push(Done { id: FileId::of(&target), target, old });
        Ok(())
    }

    /// Makes all as it was. Returns a file that should not be there any more, and still is.
    fn roll_back(&mut self) -> Option<PathBuf> {
        let mut left = None;
        for Done { target, id, old } in self.done.drain(..).rev() {
            match old {
                Some(old) => left = left.or(give_back(&old, &target)),
                // Nothing else is removed, whatever came to this name.
                None if FileId::of(&target) == id => left = left.or(remove(&target)),
                None => {}
            }
            sync_folder(&target);
        }
        left
    }

    fn finish(mut self) {
        for done in self.done.drain(..) {
            if let Some(old) = done.old {
                let _ = fs::remove_file(old);
            }
        }
        #[cfg(unix)]
        self.temporary.files.retain(|file| file.symlink_metadata().is_ok());
    }
}

/// Gives a file its name back. Where both are names of one file, renaming does nothing, and the other name goes.
/// Returns the other name where it stays.
fn give_back(old: &Path, target: &Path) -> Option<PathBuf> {
    if fs::rename(old, target).is_ok() { remove(old) } else { Some(old.to_owned()) }
}

/// Removes a file. Returns its name where it stays.
fn remove(file: &Path) -> Option<PathBuf> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Some(file.to_owned()),
        Ok(()) | Err(_) => None,
    }
}

fn add_left_file(error: WriteError, left: Option<PathBuf>) -> WriteError {
    match left {
        Some(file) => WriteError::LeftBehind { error: Box::new(error), file },
        None => error,
    }
}

/// Gives the old file a second name, which is temporary. Where there can be none, it has only that for a moment.
fn set_aside(target: &Path) -> Result<PathBuf, WriteError> {
    let linked = temporary_names().make_in(folder(target), |path| fs::hard_link(target, path));
    if let Ok(linked) = linked {
        return Ok(linked.into_temp_path().keep().map_err(|error| error.error)?);
    }
    let unused = temporary_names().tempfile_in(folder(target))?.into_temp_path();
    if let Err(error) = fs::rename(target, &unused) {
        return Err(naming_error(error));
    }
    Ok(unused.keep().map_err(|error| error.error)?)
}

fn temporary_names() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pushcert-");
    builder
}

/// A temporary file with a name, which is removed when this is dropped, or when a signal ends the process.
struct NamedFile(tempfile::TempPath);

impl NamedFile {
    /// Makes a file that is 0600 from its first moment, whatever the umask, if it is private.
    fn create(output: &Output<'_>, target: &Path) -> io::Result<Self> {
        // Signals wait until the name is in the list.
        #[cfg(unix)]
        let mut temporary = signals::hold();
        let named = Self::create_unlisted(output, target)?;
        #[cfg(unix)]
        temporary.files.push(named.0.to_path_buf());
        Ok(named)
    }

    /// Makes one that is in no list: signals must wait until it has its name, or is removed.
    fn create_unlisted(output: &Output<'_>, target: &Path) -> io::Result<Self> {
        let mut builder = temporary_names();
        #[cfg(unix)]
        if !output.is_private {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        #[cfg(not(unix))]
        let _ = output;
        match builder.tempfile_in(folder(target)) {
            Ok(file) => Ok(Self(file.into_temp_path())),
            // The library's own error names the temporary file.
            Err(error) => Err(error.kind().into()),
        }
    }

    #[cfg(target_os = "linux")]
    fn link(file: &File, target: &Path) -> io::Result<Self> {
        let linked = temporary_names().make_in(folder(target), |path| unnamed::link(file, path))?;
        Ok(Self(linked.into_temp_path()))
    }

    fn open(&self) -> io::Result<File> {
        File::options().write(true).open(&self.0)
    }

    fn persist(self, target: &Path, replaces: bool) -> Result<(), WriteError> {
        let persisted = if replaces { self.0.persist(target) } else { self.0.persist_noclobber(target) };
        match persisted {
            Ok(()) => Ok(()),
            Err(failed) => {
                let file = failed.path.to_path_buf();
                drop(failed.path);
                Err(add_left_file(naming_error(failed.error), remove(&file)))
            }
        }
    }
}

fn naming_error(error: io::Error) -> WriteError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => WriteError::Exists,
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => WriteError::Mounted(error),
        _ => WriteError::Io(error),
    }
}

/// Files without a name (open(2), O_TMPFILE).
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, OFlags};

    pub(super) fn create(folder: &Path, is_private: bool) -> io::Result<File> {
        let mode = if is_private { 0o600 } else { 0o666 };
        let flags = i32::try_from(OFlags::TMPFILE.bits()).map_err(io::Error::other)?;
        OpenOptions::new().write(true).mode(mode).custom_flags(flags).open(folder)
    }

    /// The way of open(2): /proc has a name for the descriptor, which needs no privilege.
    pub(super) fn link(file: &File, target: &Path) -> io::Result<()> {
        let source = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(rustix::fs::linkat(CWD, source, CWD, target, AtFlags::SYMLINK_FOLLOW)?)
    }
}

/// Syncs the folder, so that the name lasts; where folders cannot be synced it is left to the system.
fn sync_folder(path: &Path) {
    let _ = File::open(folder(path)).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output<'a>(path: &'a Path, force: bool) -> Output<'a> {
        Output { path, bytes: b"new", is_private: true, force }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            names.push(entry.unwrap().file_name().into_string().unwrap());
        }
        names.sort();
        names
    }

    #[test]
    fn what_was_just_written_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let paths = [root.path().join("a"), root.path().join("./a")];
        for force in [false, true] {
            let (path, error) = write_all(&[output(&paths[0], force), output(&paths[1], force)]).unwrap_err();
            assert_eq!(path, paths[1]);
            assert!(matches!(error, WriteError::SameFile), "{error}");
            assert!(names(root.path()).is_empty());
        }
    }

    #[test]
    fn where_the_last_file_fails_all_are_as_they_were() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for name in ["a", "b", "c"] {
            fs::write(path(name), "old").unwrap();
        }
        fs::hard_link(path("a"), path("also a")).unwrap();
        let (a, b, new, c) = (path("a"), path("b"), path("new"), path("c"));
        let outputs = [output(&a, true), output(&b, true), output(&new, true), output(&c, true)];
        let staged = stage_all(&outputs).unwrap();
        // A folder that comes to the name meanwhile cannot be replaced by a file.
        fs::remove_file(&c).unwrap();
        fs::create_dir(&c).unwrap();
        let (failed, _) = staged.commit().unwrap_err();
        assert_eq!(failed, c);
        assert_eq!(names(root.path()), ["a", "also a", "b", "c"]);
        assert_eq!(fs::read(&a).unwrap(), b"old");
        assert_eq!(fs::read(&b).unwrap(), b"old");
        assert_eq!(FileId::of(&a), FileId::of(&path("also a")), "it is the same file again");
        fs::remove_dir(&c).unwrap();
        fs::write(&c, "old").unwrap();
        write_all(&outputs).unwrap();
        assert_eq!(names(root.path()), ["a", "also a", "b", "c", "new"]);
        for path in [&a, &b, &new, &c] {
            assert_eq!(fs::read(path).unwrap(), b"new");
        }
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        let outputs = [output(&path, true)];
        let staged = stage_all(&outputs).unwrap();
        fs::write(&path, "mine").unwrap();
        assert!(matches!(staged.commit(), Err((_, WriteError::Exists))));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_removed_is_named() {
        let root = tempfile::tempdir().unwrap();
        let (a, b) = (root.path().join("a"), root.path().join("b"));
        let outputs = [output(&a, false), output(&b, false)];
        let staged = stage_all(&outputs).unwrap();
        fs::write(&b, "mine").unwrap();
        let set = |attribute: &str| {
            let status = std::process::Command::new("chattr").arg(attribute).arg(root.path()).status();
            status.is_ok_and(|status| status.success())
        };
        if !set("+a") {
            return;
        }
        let failed = staged.commit();
        assert!(set("-a"));
        let (path, error) = failed.unwrap_err();
        assert_eq!(path, b);
        let message = format!("already exists, and nothing is overwritten; {} could not be removed", a.display());
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn a_file_that_gets_its_name_back_has_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let (target, other) = (folder.path().join("push.key"), folder.path().join("other"));
        fs::write(&target, "key").unwrap();
        fs::hard_link(&target, &other).unwrap();
        assert_eq!(give_back(&other, &target), None);
        assert!(!other.exists() && fs::read_to_string(&target).unwrap() == "key");
        fs::rename(&target, &other).unwrap();
        give_back(&other, &target);
        assert!(!other.exists() && fs::read_to_string(&target).unwrap() == "key");
    }

    /// An ACL as Linux keeps it (posix_acl_xattr.h): the owner, one user, the group, the mask and the others.
    #[cfg(target_os = "linux")]
    fn acl_for_a_user() -> Vec<u8> {
        let mut acl = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in
            [(1_u16, 7_u16, u32::MAX), (2, 4, 65_534), (4, 5, u32::MAX), (16, 5, u32::MAX), (32, 0, u32::MAX)]
        {
            acl.extend(tag.to_le_bytes());
            acl.extend(rights.to_le_bytes());
            acl.extend(id.to_le_bytes());
        }
        acl
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_key_has_no_acl_of_its_folder() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("push.key");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(root.path(), "system.posix_acl_default", &acl_for_a_user(), flags).unwrap();
        fs::write(root.path().join("other"), "x").unwrap();
        let acl_of = |name: &str| {
            rustix::fs::getxattr(root.path().join(name), "system.posix_acl_access", &mut [0_u8; 256][..]).is_ok()
        };
        assert!(acl_of("other"), "the folder gives its ACL to new files");
        write_all(&[output(&path, true)]).unwrap();
        assert!(!acl_of("push.key"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
