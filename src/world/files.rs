//! Names of inputs and outputs, and reading with a bound.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::limits::MAX_FILE_SIZE;
use crate::text::printable_name;
#[cfg(unix)]
use crate::world::descriptors::{self, ClosedStream};
use crate::world::place::{MAX_LINKS, folder};

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

impl Location {
    /// Returns whether standard input is read from this file.
    #[cfg(unix)]
    pub(crate) fn is_standard_input(&self) -> bool {
        use std::os::fd::AsFd;
        let Self::Path(path) = self else { return true };
        let Ok(descriptor) = io::stdin().as_fd().try_clone_to_owned() else { return false };
        match File::from(descriptor).metadata() {
            Ok(metadata) => FileId::unless_null(&metadata).is_some_and(|id| FileId::of(path) == Some(id)),
            Err(_) => false,
        }
    }

    /// Returns whether standard input is read from this file.
    #[cfg(not(unix))]
    pub(crate) fn is_standard_input(&self) -> bool {
        *self == Self::Standard
    }
}

/// Returns whether standard input is the null device.
#[cfg(unix)]
pub(crate) fn is_standard_input_null() -> bool {
    use std::os::fd::AsFd;
    let Ok(descriptor) = io::stdin().as_fd().try_clone_to_owned() else { return false };
    File::from(descriptor).metadata().is_ok_and(|metadata| FileId::unless_null(&metadata).is_none())
}

/// Returns whether standard input is the null device.
#[cfg(not(unix))]
pub(crate) fn is_standard_input_null() -> bool {
    false
}

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
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

#[cfg(unix)]
impl FileId {
    pub(crate) fn of(path: &Path) -> Option<Self> {
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
pub(crate) struct FileId(PathBuf);

#[cfg(not(unix))]
impl FileId {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::canonicalize(path).ok().map(Self)
    }

    fn of_standard_output() -> Option<Self> {
        None
    }
}

impl Location {
    /// Reads a name, which need not be UTF-8.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(crate) fn parse(name: OsString) -> Result<Self, String> {
        match name.as_encoded_bytes() {
            b"" => Err("a file name is expected".to_owned()),
            b"-" => Ok(Self::Standard),
            _ => Ok(Self::Path(name.into())),
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

impl Location {
    /// Returns the name of an input in a sentence.
    pub(crate) fn input_name(&self) -> String {
        printable_name(input_name(&self.to_string()))
    }
}

/// Returns the name of an input in a sentence, where `file` is what stands for it in a report.
pub(crate) fn input_name(file: &str) -> &str {
    if file == "-" { "standard input" } else { file }
}

/// The reasons why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is larger than any certificate file.
    #[error("is larger than {} MiB, the most that is read", MAX_FILE_SIZE >> 20)]
    TooLarge,
    #[error("is not a plain file")]
    NotPlain,
}

/// Reads all of an input, wiped when dropped.
///
/// # Errors
/// When it cannot be read, or is larger than [`MAX_FILE_SIZE`].
pub(crate) fn read(location: &Location, stdin: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    match location {
        Location::Standard => read_bounded(stdin, 0),
        Location::Path(path) => read_file(path),
    }
}

/// Reads all of a file, wiped when dropped. A pipe, whose writer may never come, and a device are refused unread.
///
/// # Errors
/// When it is not a plain file, cannot be read, or is larger than [`MAX_FILE_SIZE`].
pub(crate) fn read_plain(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    if fs::metadata(path)?.is_file() { read_file(path) } else { Err(ReadError::NotPlain) }
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE_SIZE {
        return Err(ReadError::TooLarge);
    }
    read_bounded(file, usize::try_from(size).unwrap_or(0))
}

/// Opens standard input without the buffer of the library, which is never freed, and so never wiped.
#[cfg(unix)]
pub(crate) fn open_standard_input() -> Box<dyn Read + Send> {
    use std::os::fd::AsFd;
    if descriptors::was_closed(descriptors::INPUT) {
        return Box::new(ClosedStream);
    }
    match io::stdin().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stdin()),
    }
}

#[cfg(not(unix))]
pub(crate) fn open_standard_input() -> Box<dyn Read + Send> {
    Box::new(io::stdin())
}

/// The bytes that tell what a file is: a tar archive shows it in the last of them.
const START: u64 = 512;

/// Reads the beginning of a file of any size.
pub(crate) fn read_start(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(512));
    File::open(path)?.take(START).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_bounded(reader: impl Read, expected: usize) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
    reader.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_SIZE {
        return Err(ReadError::TooLarge);
    }
    Ok(bytes)
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
}
