//! Where an output goes: judged before anything is written there.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::text::printable_name;
#[cfg(unix)]
use crate::world::descriptors;

/// The links in a row that are followed, as many as Linux follows.
pub(super) const MAX_LINKS: usize = 40;

/// The number of standard output.
const STANDARD_OUTPUT: u32 = 1;

/// Time limit for a reader to open a pipe.
const READER_LIMIT: Duration = Duration::from_secs(10);

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
    /// It is neither a file nor anything else that is written to.
    #[error("cannot write it: it is {0}")]
    Unfit(&'static str),
    /// Its target is not the user's to choose.
    #[error("cannot write it: it is a link that another user made, or can replace")]
    ForeignLink,
    #[error("cannot write it: it is a link to a file of another user")]
    ForeignTarget,
    /// It is an open descriptor of a file, and does not stand at the file's end.
    #[error("cannot write it: bytes that are in the open file would be overwritten")]
    WouldOverwrite,
    /// Nothing in it can be renamed or removed.
    #[error("cannot write it: its folder only takes new files (chattr +a), and a file in it cannot be replaced")]
    AppendOnlyFolder,
    /// It failed, and left a file behind.
    #[error("{error}; {} could not be removed", printable_name(&file.display().to_string()))]
    LeftBehind { error: Box<Self>, file: PathBuf },
    #[error("cannot write it: a private key is not written to a pipe that others can read")]
    SharedPipe,
    #[error("cannot write it: nothing opened the pipe for reading within {} seconds", READER_LIMIT.as_secs())]
    NoReader,
    /// It is mounted itself, so that no other file can take its name.
    #[error("cannot replace it: it is a mount point, or its folder is on another file system ({0})")]
    Mounted(io::Error),
    #[error("cannot write it: {0}")]
    Io(#[from] io::Error),
}

/// The place of an output.
#[derive(Debug)]
pub(crate) enum Place {
    /// A file that is not there yet, in a folder that may be missing.
    New(PathBuf),
    /// A file that is there.
    File(PathBuf, fs::Metadata),
    /// A descriptor that is open in this process.
    Descriptor(u32),
    /// A pipe or a device.
    Special(PathBuf),
}

impl Place {
    /// Finds where a path leads. Links are followed only where they and their target are the user's own.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(crate) fn find(path: &Path) -> Result<Self, WriteError> {
        let mut target = path.to_owned();
        for followed in 0..MAX_LINKS {
            if let Some(number) = descriptor(&target) {
                return Ok(Self::Descriptor(number));
            }
            let metadata = match fs::symlink_metadata(&target) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound && names_folder(&target) => {
                    return Err(WriteError::Unfit("the name of a folder, which is not there"));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::New(target)),
                Err(error) => return Err(error.into()),
            };
            if !metadata.is_symlink() {
                return Self::judge(target, metadata, followed > 0);
            }
            if !owner::is_trusted_link(&metadata, folder(&target)) {
                return Err(WriteError::ForeignLink);
            }
            target = folder(&target).join(fs::read_link(&target)?);
        }
        Err(WriteError::Unfit("a link in a circle"))
    }

    fn judge(target: PathBuf, metadata: fs::Metadata, is_linked: bool) -> Result<Self, WriteError> {
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory).into());
        }
        if metadata.is_file() {
            return match is_linked && !owner::is_own(&metadata) {
                true => Err(WriteError::ForeignTarget),
                false => Ok(Self::File(target, metadata)),
            };
        }
        match owner::unfit_kind(&metadata) {
            Some(kind) => Err(WriteError::Unfit(kind)),
            None => Ok(Self::Special(target)),
        }
    }
}

/// Checks that a new file can have this name: there is none yet, or it is written in place.
///
/// # Errors
/// When there is a file, or nothing can be written there.
pub(crate) fn check_free(path: &Path) -> Result<(), WriteError> {
    match Place::find(path)? {
        Place::File(..) => Err(WriteError::Exists),
        Place::Descriptor(number) => check_descriptor(number),
        Place::New(_) | Place::Special(_) => Ok(()),
    }
}

/// Returns a name that is free: `name`, or that with a number.
pub(crate) fn free_name(name: &str) -> String {
    free_path(Path::new(name)).to_string_lossy().into_owned()
}

/// As [`free_name`], for a name that need not be UTF-8.
pub(crate) fn free_path(path: &Path) -> PathBuf {
    let mut free = path.to_owned();
    for number in 2..100 {
        if check_free(&free).is_ok() {
            break;
        }
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        free.set_file_name(name);
        if let Some(extension) = path.extension() {
            free.as_mut_os_string().push(".");
            free.as_mut_os_string().push(extension);
        }
    }
    free
}

/// Returns whether a path ends as that of a folder does.
fn names_folder(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().last().is_some_and(|end| std::path::is_separator(char::from(*end)))
}

/// Returns whether a path leads to an empty file of the user's own, which has nothing to lose.
pub(crate) fn is_own_empty_file(path: &Path) -> bool {
    match Place::find(path) {
        Ok(Place::File(_, metadata)) => metadata.len() == 0 && owner::is_own(&metadata),
        _ => false,
    }
}

/// Checks that writing to an open descriptor overwrites nothing. One that is not open fails when it is written to.
///
/// # Errors
/// When bytes of a file are behind the position of the descriptor.
#[cfg(unix)]
pub(crate) fn check_descriptor(number: u32) -> Result<(), WriteError> {
    match descriptors::would_overwrite(number) {
        Ok(true) => Err(WriteError::WouldOverwrite),
        Ok(false) | Err(_) => Ok(()),
    }
}

#[cfg(not(unix))]
pub(crate) fn check_descriptor(_: u32) -> Result<(), WriteError> {
    Ok(())
}

/// Checks that writing to standard output overwrites nothing.
///
/// # Errors
/// When it is a file that was opened to be written over.
pub(crate) fn check_standard_output() -> Result<(), WriteError> {
    check_descriptor(STANDARD_OUTPUT)
}

/// Returns whether a path leads to a device, which may keep nothing of what is written.
pub(crate) fn is_device(path: &Path) -> bool {
    match Place::find(path) {
        Ok(Place::Special(path)) => fs::metadata(path).is_ok_and(|metadata| owner::is_device(&metadata)),
        _ => false,
    }
}

/// Returns whether a path leads to an open descriptor, whatever is behind it.
pub(crate) fn is_descriptor(path: &Path) -> bool {
    matches!(Place::find(path), Ok(Place::Descriptor(_)))
}

/// Returns whether a folder takes new files alone (chattr +a).
#[cfg(target_os = "linux")]
pub(super) fn is_append_only(folder: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    match statx(CWD, folder, AtFlags::empty(), StatxFlags::empty()) {
        Ok(status) => status.stx_attributes.contains(StatxAttributes::APPEND),
        Err(_) => false,
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_append_only(_: &Path) -> bool {
    false
}

/// Returns the folder of a file.
pub(crate) fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the number of the descriptor that a path stands for.
fn descriptor(path: &Path) -> Option<u32> {
    for (name, number) in [("/dev/stdin", 0), ("/dev/stdout", 1), ("/dev/stderr", 2)] {
        if path == Path::new(name) {
            return Some(number);
        }
    }
    let number = path.file_name()?.to_str()?.parse().ok()?;
    let real_folder = fs::canonicalize(folder(path)).ok()?;
    for known in ["/proc/self/fd", "/dev/fd"] {
        if fs::canonicalize(known).is_ok_and(|known| known == real_folder) {
            return Some(number);
        }
    }
    None
}

/// Opens a pipe or a device, and judges what was opened.
///
/// # Errors
/// When nobody reads from a pipe, or what is private would be read by others.
pub(crate) fn open_special(path: &Path, is_private: bool) -> Result<File, WriteError> {
    let deadline = Instant::now() + READER_LIMIT;
    let file = loop {
        match owner::open_without_waiting(path) {
            Ok(file) => break file,
            Err(error) if !owner::lacks_reader(&error) => return Err(error.into()),
            Err(_) if Instant::now() >= deadline => return Err(WriteError::NoReader),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    owner::judge_special(&file, is_private)?;
    Ok(file)
}

/// Owners, modes and kinds of files, as Unix has them.
#[cfg(unix)]
mod owner {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io::{self, IsTerminal};
    use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    use rustix::io::Errno;
    use rustix::process::geteuid;

    use super::WriteError;

    const WRITABLE_BY_OTHERS: u32 = 0o002;
    const READABLE_BY_OTHERS: u32 = 0o044;
    const STICKY: u32 = 0o1000;

    /// The devices that keep nothing of what is written, or show it to the user.
    const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"];

    pub(super) fn is_own(metadata: &Metadata) -> bool {
        metadata.uid() == geteuid().as_raw()
    }

    /// Returns whether a link is the user's or root's, and nobody else can put another in its place.
    pub(super) fn is_trusted_link(link: &Metadata, folder: &Path) -> bool {
        let Ok(folder) = std::fs::metadata(folder) else { return false };
        let is_open = folder.mode() & WRITABLE_BY_OTHERS != 0 && folder.mode() & STICKY == 0;
        !is_open && (is_own(link) || link.uid() == 0)
    }

    pub(super) fn is_device(metadata: &Metadata) -> bool {
        metadata.file_type().is_char_device()
    }

    pub(super) fn unfit_kind(metadata: &Metadata) -> Option<&'static str> {
        let kind = metadata.file_type();
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_block_device() { Some("a block device") } else { None }
    }

    /// Opens for writing. A pipe without a reader does not make it wait, and a link is not followed.
    pub(super) fn open_without_waiting(path: &Path) -> io::Result<File> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
        let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
        OpenOptions::new().write(true).custom_flags(flags).open(path)
    }

    pub(super) fn lacks_reader(error: &io::Error) -> bool {
        Errno::from_io_error(error) == Some(Errno::NXIO)
    }

    /// Judges what was opened, and lets writing wait for the reader.
    pub(super) fn judge_special(file: &File, is_private: bool) -> Result<(), WriteError> {
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            if is_private && (!is_own(&metadata) || metadata.mode() & READABLE_BY_OTHERS != 0) {
                return Err(WriteError::SharedPipe);
            }
        } else if kind.is_file() {
            // It came to this name meanwhile.
            return Err(WriteError::Exists);
        } else if !kind.is_char_device() || !is_allowed_device(file, &metadata) {
            return Err(WriteError::Unfit("a device"));
        }
        let flags = fcntl_getfl(file).map_err(io::Error::from)?;
        fcntl_setfl(file, flags - OFlags::NONBLOCK).map_err(io::Error::from)?;
        Ok(())
    }

    fn is_allowed_device(file: &File, metadata: &Metadata) -> bool {
        let is_known = |path: &&str| std::fs::metadata(path).is_ok_and(|known| known.rdev() == metadata.rdev());
        DEVICES.iter().any(is_known) || (file.is_terminal() && is_own(metadata))
    }
}

#[cfg(not(unix))]
mod owner {
    use std::fs::{File, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use super::WriteError;

    pub(super) fn is_own(_: &Metadata) -> bool {
        true
    }

    pub(super) fn is_trusted_link(_: &Metadata, _: &Path) -> bool {
        true
    }

    pub(super) fn is_device(_: &Metadata) -> bool {
        false
    }

    pub(super) fn unfit_kind(_: &Metadata) -> Option<&'static str> {
        None
    }

    pub(super) fn open_without_waiting(path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).open(path)
    }

    pub(super) fn lacks_reader(_: &io::Error) -> bool {
        false
    }

    pub(super) fn judge_special(_: &File, _: bool) -> Result<(), WriteError> {
        Ok(())
    }
}
