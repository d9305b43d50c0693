//! Reading with a bound, and writing so that there is a whole file or none.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::limits::MAX_FILE_SIZE;
use crate::text::printable_name;

/// A file, or "-" for a standard stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// Standard input or output.
    Standard,
    /// A file.
    Path(PathBuf),
}

impl Location {
    /// Returns whether both are one output, however they are spelt: by a link, by another way to the folder, or as
    /// `/dev/stdout`.
    pub(crate) fn is_same_output(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        match (OutputId::of(self), OutputId::of(other)) {
            (Some(own), Some(other)) => own == other,
            _ => false,
        }
    }
}

/// The links in a row that are followed, as many as Linux follows.
const MAX_LINKS: usize = 40;

/// The identity of an output, shared by all its names.
#[derive(Debug, PartialEq, Eq)]
enum OutputId {
    /// A file, device or pipe that exists.
    Existing(FileId),
    /// A file that is not there yet: its folder, without links, and its name.
    New(PathBuf, OsString),
}

impl OutputId {
    /// Identifies an output; `None` if nothing can be said, and for the null device, which many outputs may share.
    fn of(location: &Location) -> Option<Self> {
        let path = match location {
            Location::Standard => return FileId::of_standard_output().map(Self::Existing),
            Location::Path(path) => path,
        };
        if path.exists() {
            return FileId::of(path).map(Self::Existing);
        }
        let path = link_end(path)?;
        let real_folder = fs::canonicalize(folder(&path)).ok()?;
        Some(Self::New(real_folder, path.file_name()?.to_owned()))
    }
}

/// Follows links to a file that is not there yet; `None` where they go round in a circle.
fn link_end(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder(&path).join(target),
            Err(_) => return Some(path),
        }
    }
    None
}

/// Device and inode.
#[cfg(unix)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    inode: u64,
}

#[cfg(unix)]
impl FileId {
    fn of(path: &Path) -> Option<Self> {
        Self::unless_null(&fs::metadata(path).ok()?)
    }

    fn of_standard_output() -> Option<Self> {
        use std::os::fd::AsFd;
        let descriptor = io::stdout().as_fd().try_clone_to_owned().ok()?;
        Self::unless_null(&File::from(descriptor).metadata().ok()?)
    }

    fn unless_null(metadata: &fs::Metadata) -> Option<Self> {
        let id = Self::from(metadata);
        match fs::metadata("/dev/null") {
            Ok(null) if Self::from(&null) == id => None,
            _ => Some(id),
        }
    }
}

#[cfg(unix)]
impl From<&fs::Metadata> for FileId {
    fn from(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// The path without links.
#[cfg(not(unix))]
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileId(PathBuf);

#[cfg(not(unix))]
impl FileId {
    fn of(path: &Path) -> Option<Self> {
        fs::canonicalize(path).ok().map(Self)
    }

    fn of_standard_output() -> Option<Self> {
        None
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("a file name is expected".to_owned()),
            "-" => Ok(Self::Standard),
            path => Ok(Self::Path(path.into())),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard => f.write_str("-"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// The reasons why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is larger than any certificate file.
    #[error("is larger than {} MiB, the most that is read", MAX_FILE_SIZE >> 20)]
    TooLarge,
}

/// Reads all of an input, wiped when dropped.
///
/// # Errors
/// When it cannot be read, or is larger than [`MAX_FILE_SIZE`].
pub(crate) fn read(location: &Location, stdin: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    match location {
        Location::Standard => read_bounded(stdin, 0),
        Location::Path(path) => {
            let file = File::open(path)?;
            let size = file.metadata()?.len();
            if size > MAX_FILE_SIZE {
                return Err(ReadError::TooLarge);
            }
            read_bounded(file, usize::try_from(size).unwrap_or(0))
        }
    }
}

fn read_bounded(reader: impl Read, expected: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
    reader.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(ReadError::TooLarge);
    }
    Ok(bytes)
}

/// A file to be written.
pub(crate) struct Output<'a> {
    pub(crate) path: &'a Path,
    pub(crate) bytes: &'a [u8],
    /// Only the owner may read it (mode 0600); otherwise the umask decides.
    pub(crate) is_private: bool,
}

/// The reasons why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("already exists, and nothing is overwritten")]
    Exists,
    /// It is a file that was written just before.
    #[error("cannot write it: it is the same file as another output")]
    SameFile,
    #[error("cannot write it: the folder {} does not exist", printable_name(&.0.display().to_string()))]
    NoFolder(PathBuf),
    #[error("cannot write it: {0}")]
    Io(#[from] io::Error),
}

impl WriteError {
    fn from_persisting(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::AlreadyExists { Self::Exists } else { Self::Io(error) }
    }
}

/// Checks that a new file can have this name: there is none yet, or it is a device or a pipe.
///
/// # Errors
/// When there is a file, or a folder.
pub(crate) fn check_free(path: &Path) -> Result<(), WriteError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory).into()),
        Ok(metadata) if metadata.is_file() => Err(WriteError::Exists),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Writes all outputs or none: each to a temporary file, synced if it is private, then given its name.
/// Where the system can (Linux), the temporary file has no name at all, so that not even a killed
/// process leaves one; where it replaces a file it has one for the moment of the renaming. What is not a regular file (a device, a pipe) is written in place.
/// Where giving a name fails, new files are removed again; a file that was replaced before stays replaced.
///
/// # Errors
/// With the output that failed. Unless `force`, an existing file is one that fails.
pub(crate) fn write_all<'a>(outputs: &[Output<'a>], force: bool) -> Result<(), (&'a Path, WriteError)> {
    let mut staged = Vec::new();
    for output in outputs {
        match stage(output, force) {
            Ok(Some(file)) => staged.push((output, file)),
            Ok(None) => {}
            Err(error) => return Err((output.path, error)),
        }
    }
    let mut written = Written::default();
    for (output, file) in staged {
        if let Err(error) = written.persist(output, file, force) {
            written.undo();
            return Err((output.path, error));
        }
    }
    Ok(())
}

/// The outputs that have their names already.
#[derive(Default)]
struct Written {
    /// The files that were not there before.
    new: Vec<PathBuf>,
    ids: Vec<FileId>,
}

impl Written {
    fn persist(&mut self, output: &Output<'_>, staged: Staged, force: bool) -> Result<(), WriteError> {
        let target = staged.target.clone();
        let is_new = !target.exists();
        // File systems know more names for one file than can be compared: some fold case, some normalise Unicode.
        if FileId::of(&target).is_some_and(|id| self.ids.contains(&id)) {
            return Err(WriteError::SameFile);
        }
        staged.persist(output, force).map_err(WriteError::from_persisting)?;
        self.ids.extend(FileId::of(&target));
        if output.is_private {
            sync_folder(&target);
        }
        if is_new {
            self.new.push(target);
        }
        Ok(())
    }

    fn undo(&self) {
        for path in &self.new {
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes the temporary file; `None` when the output was written in place.
fn stage(output: &Output<'_>, force: bool) -> Result<Option<Staged>, WriteError> {
    let target = match fs::metadata(output.path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory).into()),
        Ok(metadata) if !metadata.is_file() => {
            fs::OpenOptions::new().write(true).open(output.path)?.write_all(output.bytes)?;
            return Ok(None);
        }
        Ok(_) if !force => return Err(WriteError::Exists),
        // What a link points to is replaced, not the link.
        Ok(_) => fs::canonicalize(output.path)?,
        Err(_) => output.path.to_owned(),
    };
    if !folder(&target).is_dir() {
        return Err(WriteError::NoFolder(folder(&target).to_owned()));
    }
    let file = TemporaryFile::create(output, &target)?;
    Ok(Some(Staged { file, target }))
}

/// A complete temporary file, and the name that it is to have.
struct Staged {
    file: TemporaryFile,
    target: PathBuf,
}

enum TemporaryFile {
    Named(NamedTempFile),
    #[cfg(target_os = "linux")]
    Unnamed(File),
}

impl TemporaryFile {
    fn create(output: &Output<'_>, target: &Path) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Ok(file) = unnamed::create(folder(target), output) {
            return Ok(Self::Unnamed(file));
        }
        Ok(Self::Named(named(output, target)?))
    }
}

impl Staged {
    /// Gives the file its name.
    fn persist(self, output: &Output<'_>, force: bool) -> io::Result<()> {
        let target = &self.target;
        let file = match self.file {
            TemporaryFile::Named(file) => file.into_temp_path(),
            #[cfg(target_os = "linux")]
            TemporaryFile::Unnamed(file) => match unnamed::link(&file, target) {
                Ok(()) => return Ok(()),
                // A name can be replaced by another name alone.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    if !force {
                        return Err(error);
                    }
                    temporary_names().make_in(folder(target), |path| unnamed::link(&file, path))?.into_temp_path()
                }
                Err(_) => named(output, target)?.into_temp_path(),
            },
        };
        let persisted = if force { file.persist(target) } else { file.persist_noclobber(target) };
        match persisted {
            Ok(()) => Ok(()),
            Err(failed) => Err(failed.error),
        }
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

    pub(super) fn create(folder: &Path, output: &super::Output<'_>) -> io::Result<File> {
        let mode = if output.is_private { 0o600 } else { 0o666 };
        let flags = i32::try_from(OFlags::TMPFILE.bits()).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).mode(mode).custom_flags(flags).open(folder)?;
        super::fill(&mut file, output)?;
        Ok(file)
    }

    /// The way of open(2): /proc has a name for the descriptor, which needs no privilege.
    pub(super) fn link(file: &File, target: &Path) -> io::Result<()> {
        let source = format!("/proc/self/fd/{}", file.as_raw_fd());
        Ok(rustix::fs::linkat(CWD, source, CWD, target, AtFlags::SYMLINK_FOLLOW)?)
    }
}

fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn temporary_names() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pushcert-");
    builder
}

fn named(output: &Output<'_>, target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = temporary_names();
    #[cfg(unix)]
    if !output.is_private {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    // A temporary file is 0600 from its first moment, whatever the umask.
    let mut file = builder.tempfile_in(folder(target)).map_err(|error| io::Error::from(error.kind()))?;
    fill(file.as_file_mut(), output)?;
    Ok(file)
}

/// A key must outlast a power failure; what is not secret can be made again, and need not wait for the
/// disk.
fn fill(file: &mut File, output: &Output<'_>) -> io::Result<()> {
    file.write_all(output.bytes)?;
    if output.is_private { file.sync_all() } else { Ok(()) }
}

/// Syncs the folder, so that the name lasts; where folders cannot be synced it is left to the system.
fn sync_folder(path: &Path) {
    let _ = File::open(folder(path)).and_then(|folder| folder.sync_all());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn all_names_of_one_output_are_one() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| Location::Path(root.path().join(name));
        let is_one = |a: &str, b: &str| at(a).is_same_output(&at(b));
        fs::create_dir(root.path().join("x")).unwrap();
        std::os::unix::fs::symlink("x", root.path().join("way")).unwrap();
        for (a, b) in [("a", "a"), ("a", "./a"), ("a", "x/../a"), ("x/a", "way/a")] {
            assert!(is_one(a, b), "{a} {b}");
        }
        for (a, b) in [("a", "b"), ("a", "x/a"), ("a", "missing/../a")] {
            assert!(!is_one(a, b), "{a} {b}");
        }
        fs::write(root.path().join("a"), "").unwrap();
        fs::write(root.path().join("b"), "").unwrap();
        std::os::unix::fs::symlink("a", root.path().join("soft")).unwrap();
        fs::hard_link(root.path().join("a"), root.path().join("hard")).unwrap();
        for (a, b) in [("a", "soft"), ("a", "hard"), ("hard", "soft"), ("a", "x/../a")] {
            assert!(is_one(a, b), "{a} {b}");
        }
        assert!(!is_one("a", "b"));
        std::os::unix::fs::symlink("new", root.path().join("first")).unwrap();
        std::os::unix::fs::symlink("x/../first", root.path().join("second")).unwrap();
        std::os::unix::fs::symlink("circle", root.path().join("circle")).unwrap();
        assert!(is_one("first", "new") && is_one("second", "x/../new") && is_one("first", "second"));
        assert!(!is_one("first", "other") && !is_one("circle", "new"));
        let null = Location::Path("/dev/null".into());
        assert!(null.is_same_output(&null) && !null.is_same_output(&Location::Path("/dev/../dev/null".into())));
    }

    #[test]
    fn what_was_just_written_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let paths = [root.path().join("a"), root.path().join("./a")];
        let output = |path| Output { path, bytes: b"x", is_private: true };
        for force in [false, true] {
            let (path, error) = write_all(&[output(&paths[0]), output(&paths[1])], force).unwrap_err();
            assert_eq!(path, paths[1]);
            assert!(matches!(error, WriteError::SameFile), "{error}");
            assert!(!paths[0].exists());
        }
    }
}
