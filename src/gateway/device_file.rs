//! The file that keeps the simulated devices from one run of a gateway to the next: a line of JSON for each app that
//! registered, and for each that was removed. Their messages are not kept.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::certificate::apple::Environment;

/// What happened to an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum DeviceEntry {
    Registered {
        token: String,
        topic: String,
        environment: Environment,
        /// SHA-256 of the secret.
        secret_sha256: String,
    },
    /// Removed at this time, in milliseconds.
    Uninstalled { token: String, since: u64 },
}

/// The reason why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeviceFileError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("line {0} is not one that pushcert gateway has written")]
    Line(usize),
}

/// A longer line is none of a gateway.
const MAX_LINE: u64 = 64 * 1024;

/// Returns whether a last line without its end is one that a gateway was writing.
fn is_torn(line: &[u8]) -> bool {
    let starts = [&b"{\"registered\":"[..], b"{\"uninstalled\":"];
    starts.iter().any(|start| line.starts_with(start) || start.starts_with(line))
}

/// The open file.
#[derive(Debug)]
pub struct DeviceFile {
    file: Mutex<File>,
    /// What earlier runs have written.
    pub(super) entries: Vec<DeviceEntry>,
}

impl DeviceFile {
    /// Opens the file, which only its owner can read, or makes it. A torn last line goes.
    ///
    /// # Errors
    /// When it cannot be read and written, or is another one.
    pub(crate) fn open(path: &Path) -> Result<Self, DeviceFileError> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // A pipe would wait for whoever writes to it.
        if path.exists() && !path.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file").into());
        }
        let mut file = options.open(path)?;
        let mut entries = Vec::new();
        let mut length = 0;
        let mut reader = BufReader::new(&mut file);
        let mut line = Vec::new();
        while reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? > 0 {
            let is_whole = line.ends_with(b"\n");
            match serde_json::from_slice(&line) {
                Ok(entry) if is_whole => entries.push(entry),
                _ if !is_whole && is_torn(&line) => break,
                _ => return Err(DeviceFileError::Line(entries.len() + 1)),
            }
            length += line.len() as u64;
            line.clear();
        }
        if file.metadata()?.len() != length {
            file.set_len(length)?;
        }
        file.seek(SeekFrom::Start(length))?;
        Ok(Self { file: Mutex::new(file), entries })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&self, entry: &DeviceEntry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> DeviceEntry {
        DeviceEntry::Uninstalled { token: "ab".to_owned(), since: number }
    }

    #[test]
    fn what_is_added_is_read_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("devices.ndjson");
        let first = DeviceFile::open(&path).unwrap();
        assert!(first.entries.is_empty());
        first.add(&entry(1)).unwrap();
        drop(first);
        // A line that was cut short by the end of the machine.
        File::options().append(true).open(&path).unwrap().write_all(b"{\"uninstalled\":{\"tok").unwrap();
        let second = DeviceFile::open(&path).unwrap();
        assert_eq!(second.entries, [entry(1)]);
        second.add(&entry(2)).unwrap();
        assert_eq!(DeviceFile::open(&path).unwrap().entries, [entry(1), entry(2)]);
    }

    #[test]
    fn another_file_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("devices.ndjson");
        std::fs::write(&path, "{\"other\":1}\nx").unwrap();
        assert!(matches!(DeviceFile::open(&path), Err(DeviceFileError::Line(1))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"other\":1}\nx");
    }
}
