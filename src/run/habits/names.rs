//! What the names of files say.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Returns the place of the only file whose name says that it is a key.
pub(super) fn place_of_key(files: &[OsString]) -> Option<usize> {
    let mut found = None;
    for (place, file) in files.iter().enumerate() {
        match (is_key_name(file), found) {
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

/// The words in the names of private keys.
const KEY_WORDS: [&str; 4] = ["key", "privkey", "privatekey", "pkey"];

pub(super) fn is_pkcs12(file: &OsStr) -> bool {
    let name = file.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".p12") || name.ends_with(".pfx")
}
