//! The owner, the group and the mode of a file that takes the place of another.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::world::place;

/// A replaced file whose owner or group is now another, or whose ACL is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnerChange {
    pub(crate) path: PathBuf,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) adopted: Adopted,
}

/// What a file has of the one that it replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Adopted {
    pub(crate) owners: bool,
    /// False if the old file let others read it by an ACL.
    pub(crate) acl: bool,
    /// False if the mode of the old file let others read it, and that of the new one does not.
    pub(crate) readers: bool,
}

impl Adopted {
    pub(super) const ALL: Self = Self { owners: true, acl: true, readers: true };
}

#[cfg(unix)]
const WRITABLE_BY_GROUP: u32 = 0o020;
#[cfg(unix)]
const WRITABLE_BY_ALL: u32 = 0o002;
#[cfg(unix)]
const READABLE_BY_OTHERS: u32 = 0o044;

/// Gives a file the owner, the group and the mode of the one that it replaces, as far as that is allowed. A key is never
/// readable by more than the owner, and the group if it could read the old file and others could not. Returns what is kept.
#[cfg(unix)]
pub(super) fn adopt(file: &File, target: &Path, old: &fs::Metadata, is_private: bool) -> io::Result<Adopted> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let folder = place::folder(target);
    let new = file.metadata()?;
    let (mut has_owner, mut has_group) = (new.uid() == old.uid(), new.gid() == old.gid());
    let folder = fs::metadata(folder)?;
    let is_planted = !has_owner && may_be_planted(old, &folder);
    let is_kept = has_owner && has_group;
    if !is_kept && !is_planted && folder.mode() & WRITABLE_BY_ALL == 0 {
        if fchown(file, Some(old.uid()), Some(old.gid())).is_ok() {
            (has_owner, has_group) = (true, true);
        } else if has_group || fchown(file, None, Some(old.gid())).is_ok() {
            has_group = true;
        }
    }
    // With an ACL, the bits of the group are those of all whom the ACL names.
    let had_acl = is_private && has_acl(target);
    let is_open = is_private && (had_acl || keeps_inherited_acl(file));
    let keeps_group = has_group && !is_planted && !is_open && is_for_group(old);
    let group = if keeps_group { 0o060 } else { 0 };
    let mode = if is_private { old.mode() & (0o600 | group) } else { old.mode() & 0o777 };
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    let lost_readers = old.mode() & READABLE_BY_OTHERS & !mode;
    Ok(Adopted {
        owners: has_owner && has_group,
        acl: !had_acl,
        readers: had_acl || old.len() == 0 || lost_readers == 0,
    })
}

/// Returns whether somebody has chosen that the group may use a file: what all may read has the mode that any program
/// gives, and so does an empty file that a program left when it failed.
#[cfg(unix)]
fn is_for_group(old: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    old.len() > 0 && old.mode() & 0o007 == 0
}

/// Returns whether a file has an ACL.
#[cfg(target_os = "linux")]
fn has_acl(path: &Path) -> bool {
    rustix::fs::getxattr(path, ACL, &mut [0_u8; 0][..]).is_ok()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn has_acl(_: &Path) -> bool {
    false
}

/// Returns whether somebody may have put a file there so that a key becomes theirs: others can make files in its
/// folder, and the file is not the folder's owner's, who can do all with it anyway.
#[cfg(unix)]
fn may_be_planted(old: &fs::Metadata, folder: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let is_writable = |bits: u32| folder.mode() & bits != 0;
    is_writable(WRITABLE_BY_ALL) || (is_writable(WRITABLE_BY_GROUP) && old.uid() != folder.uid())
}

/// The attribute that holds a file's ACL.
#[cfg(target_os = "linux")]
const ACL: &str = "system.posix_acl_access";

/// Removes the ACL that a folder gives new files: with the rights of a group, all whom it names could read a key.
/// Returns whether there still is one.
#[cfg(target_os = "linux")]
fn keeps_inherited_acl(file: &File) -> bool {
    use rustix::fs::{fgetxattr, fremovexattr};
    let _ = fremovexattr(file, ACL);
    fgetxattr(file, ACL, &mut [0_u8; 0][..]).is_ok()
}

#[cfg(all(unix, not(target_os = "linux")))]
fn keeps_inherited_acl(_: &File) -> bool {
    false
}

#[cfg(unix)]
pub(super) fn owner_change(path: &Path, old: &fs::Metadata, adopted: Adopted) -> OwnerChange {
    use std::os::unix::fs::MetadataExt;
    OwnerChange { path: path.to_owned(), uid: old.uid(), gid: old.gid(), adopted }
}

#[cfg(not(unix))]
pub(super) fn adopt(_: &File, _: &Path, _: &fs::Metadata, _: bool) -> io::Result<Adopted> {
    Ok(Adopted::ALL)
}

#[cfg(not(unix))]
pub(super) fn owner_change(path: &Path, _: &fs::Metadata, adopted: Adopted) -> OwnerChange {
    OwnerChange { path: path.to_owned(), uid: 0, gid: 0, adopted }
}
