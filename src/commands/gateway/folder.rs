//! The folder of the files that clients need.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::inputs;
use crate::cli::gateway::GatewayArgs;
use crate::commands::shared::advice;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::gateway::authority::is_of_throwaway_authority;
use crate::gateway::device_file::{DeviceFile, DeviceFileError};
use crate::world::files::Location;
use crate::world::key_folder::{self, KeyFolder, KeyFolderKind};

/// The authority that clients must trust.
pub(super) const CA_FILE: &str = "ca.pem";

/// The push certificate of the throwaway authority, with its key.
pub(super) const CLIENT_FILE: &str = "client.pem";

/// The simulated devices.
const DEVICE_FILE: &str = "devices.ndjson";

/// The temporary folders of gateways.
const FOLDERS: KeyFolderKind = KeyFolderKind { prefix: "pushcert-gateway-", files: &[CA_FILE, CLIENT_FILE] };

/// The folder of the files that clients need.
pub(super) enum GatewayFolder {
    Temporary(KeyFolder),
    /// The folder of `--folder`, which stays, and the right to it.
    Named(NamedFolder),
}

/// A folder that stays.
pub(super) struct NamedFolder {
    path: PathBuf,
    _lock: File,
}

impl GatewayFolder {
    /// Makes the folder, or takes one that is there and that no other gateway has. A folder that stays has the file of the
    /// devices.
    pub(super) fn make(named: Option<&Path>) -> Result<(Self, Option<DeviceFile>), Error> {
        let Some(path) = named else {
            return match KeyFolder::make(&FOLDERS) {
                Ok(folder) => Ok((Self::Temporary(folder), None)),
                Err(error) => {
                    let folder = std::env::temp_dir().display().to_string();
                    Err(advice::unwritable(&folder, "cannot make a temporary folder in it", &error))
                }
            };
        };
        if let Err(error) = key_folder::make_private(path) {
            return Err(advice::unwritable(&path.display().to_string(), "cannot make the folder", &error));
        }
        let lock = lock_folder(path)?;
        let left = [CA_FILE, CLIENT_FILE].map(|name| path.join(name));
        for file in &left {
            check_left(file)?;
        }
        let device_file = open_device_file(path)?;
        for file in &left {
            remove_left(file)?;
        }
        Ok((Self::Named(NamedFolder { path: path.to_owned(), _lock: lock }), Some(device_file)))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Named(folder) => &folder.path,
        }
    }
}

/// Opens the file of the devices, in a folder that stays.
fn open_device_file(folder: &Path) -> Result<DeviceFile, Error> {
    let file = folder.join(DEVICE_FILE);
    match DeviceFile::open(&file) {
        Ok(opened) => Ok(opened),
        Err(DeviceFileError::Io(error)) => {
            Err(advice::unwritable(&file.display().to_string(), "cannot keep the devices", &error))
        }
        Err(error @ DeviceFileError::Line(_)) => {
            Err(Error::new(ExitKind::Input, format!("{}: {error}", file.display())).hint("choose another folder"))
        }
    }
}

/// Takes the folder for one gateway. Not every file system has locks.
fn lock_folder(folder: &Path) -> Result<File, Error> {
    let opened = match File::open(folder) {
        Ok(opened) => opened,
        Err(error) => {
            return Err(advice::unwritable(&folder.display().to_string(), "cannot open the folder", &error));
        }
    };
    if key_folder::is_locked_by_another(&opened) {
        return Err(Error::new(ExitKind::Write, format!("{}: another gateway uses the folder", folder.display()))
            .hint("each gateway needs a folder of its own: choose another one"));
    }
    Ok(opened)
}

/// Returns whether a file is one that a gateway has written.
fn is_ours(file: &Path) -> bool {
    file.is_file() && std::fs::read(file).is_ok_and(|pem| is_of_throwaway_authority(&Zeroizing::new(pem)))
}

/// Refuses a file that no gateway has written; one of a gateway that was killed makes room.
fn check_left(file: &Path) -> Result<(), Error> {
    if std::fs::symlink_metadata(file).is_err() || is_ours(file) {
        return Ok(());
    }
    let message = format!("{}: the file exists, and is not of a gateway", file.display());
    Err(Error::new(ExitKind::Write, message).hint("choose another folder"))
}

fn remove_left(file: &Path) -> Result<(), Error> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(advice::unwritable(&file.display().to_string(), "cannot remove it", &error))
        }
        _ => Ok(()),
    }
}

impl Drop for GatewayFolder {
    fn drop(&mut self) {
        let Self::Named(folder) = self else { return };
        for file in [CA_FILE, CLIENT_FILE].map(|name| folder.path.join(name)) {
            if is_ours(&file) {
                let _ = std::fs::remove_file(file);
            }
        }
    }
}

/// Refuses an input that the gateway would write over, or remove at its end.
pub(super) fn refuse_own_inputs(arguments: &GatewayArgs) -> Result<(), Error> {
    let Some(folder) = &arguments.folder else { return Ok(()) };
    for input in inputs(arguments) {
        if is_in_folder(input, folder) {
            return Err(Error::new(
                ExitKind::Usage,
                format!("{input}: the gateway writes this file of --folder itself"),
            )
            .hint("choose another folder, or give a copy of the file"));
        }
    }
    Ok(())
}

/// Returns whether a log is by its name one of the files that the gateway makes in the folder of `--folder`, which may not
/// be there.
pub(super) fn is_of_folder(log: &Path, arguments: &GatewayArgs) -> bool {
    let Some(folder) = &arguments.folder else { return false };
    let Ok(log) = std::path::absolute(log) else { return false };
    [CA_FILE, CLIENT_FILE, DEVICE_FILE]
        .iter()
        .any(|name| std::path::absolute(folder.join(name)).is_ok_and(|file| file == log))
}

/// Returns whether a log is one of the files that the gateway has made.
pub(super) fn is_in_folder(log: &Location, folder: &Path) -> bool {
    let files = [CA_FILE, CLIENT_FILE, DEVICE_FILE].map(|name| Location::Path(folder.join(name)));
    files.iter().any(|file| log.is_same_output(file))
}
