//! What the names of files say.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::world::files;

/// Returns the place of the only file that is a key by its name, or else by what it holds.
pub(super) fn place_of_key(files: &[OsString]) -> Option<usize> {
    let has_name = files.iter().any(|file| is_key_name(file));
    only_place(files, if has_name { is_key_name } else { begins_as_key })
}

fn only_place(files: &[OsString], is_key: fn(&OsStr) -> bool) -> Option<usize> {
    let mut found = None;
    for (place, file) in files.iter().enumerate() {
        match (is_key(file), found) {
            (true, None) => found = Some(place),
            (true, Some(_)) => return None,
            (false, _) => {}
        }
    }
    found
}

/// Returns whether a name is that of a private key: `push.key`, `key.pem`, `push-key.pem`, `privkey.pem`.
fn is_key_name(file: &OsStr) -> bool {
    let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        if KEY_WORDS.contains(&word) {
            return true;
        }
    }
    false
}

/// Returns whether a file begins with a private key in PEM. A .p12 and a certificate with its key do not.
fn begins_as_key(file: &OsStr) -> bool {
    let path = Path::new(file);
    if !path.is_file() {
        return false;
    }
    let Ok(bytes) = files::read_start(path) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let Some((_, label)) = text.split_once("-----BEGIN ") else { return false };
    label.split("-----").next().is_some_and(|label| label.ends_with("PRIVATE KEY"))
}

/// The words in the names of private keys.
const KEY_WORDS: [&str; 4] = ["key", "privkey", "privatekey", "pkey"];

pub(super) fn is_pkcs12(file: &OsStr) -> bool {
    let name = file.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".p12") || name.ends_with(".pfx")
}
