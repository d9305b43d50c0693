//! What is on the disk.

use std::fs;
use std::path::Path;

/// Whether the file system has files without a name, so that even a killed process leaves no temporary
/// file behind.
#[cfg(target_os = "linux")]
pub fn has_unnamed_files(folder: &Path) -> bool {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).unwrap();
    fs::OpenOptions::new().write(true).mode(0o600).custom_flags(flags).open(folder).is_ok()
}

/// Whether the file system has files without a name.
#[cfg(not(target_os = "linux"))]
pub fn has_unnamed_files(_: &Path) -> bool {
    false
}
