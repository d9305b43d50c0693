//! Tells by the names of files whether one may be the next version of another, or whether both are in use.

use std::path::Path;

/// The words that tell versions of a file apart, or what it holds. Numbers and dates do so too.
const VERSION_WORDS: [&str; 20] = [
    "new",
    "old",
    "renewed",
    "renewal",
    "next",
    "current",
    "live",
    "previous",
    "prev",
    "last",
    "updated",
    "backup",
    "bak",
    "orig",
    "pem",
    "crt",
    "cer",
    "cert",
    "certificate",
    "fullchain",
];

/// Returns whether two files lie in the same folder under different names: `peer.crt` and `server.crt` are both in use.
pub(super) fn are_beside_each_other(file: &str, other: &str) -> bool {
    let (file, other) = (Path::new(file), Path::new(other));
    file != other && file.parent() == other.parent()
}

/// Returns whether only numbers and such words tell two paths apart: `cert1.pem` and `cert2.pem`, `push.pem` and
/// `renewed.pem`, `2025/tls.crt` and `2026/tls.crt`.
pub(super) fn are_versions(file: &str, other: &str) -> bool {
    let (file, other) = (Path::new(file), Path::new(other));
    file != other && folder_words(file) == folder_words(other) && are_alike(&name_words(file), &name_words(other))
}

/// Returns whether names have the same words. Without any, the name tells nothing.
fn are_alike(words: &[String], others: &[String]) -> bool {
    words == others || words.is_empty() || others.is_empty()
}

fn folder_words(file: &Path) -> Vec<String> {
    file.parent().map(|folder| words(&folder.to_string_lossy())).unwrap_or_default()
}

fn name_words(file: &Path) -> Vec<String> {
    file.file_stem().map(|name| words(&name.to_string_lossy())).unwrap_or_default()
}

/// Returns the words of a text but those that tell versions apart.
fn words(text: &str) -> Vec<String> {
    let mut kept = Vec::new();
    for word in text.to_lowercase().split(|letter: char| !letter.is_alphabetic()) {
        if !word.is_empty() && !VERSION_WORDS.contains(&word) {
            kept.push(word.to_owned());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_by_numbers_and_a_few_words() {
        for (file, other) in [
            ("archive/ex/cert1.pem", "archive/ex/cert2.pem"),
            ("archive/ex/cert1.pem", "archive/ex/fullchain2.pem"),
            ("push.pem", "renewed.p12"),
            ("old.crt", "new.crt"),
            ("site.pem", "site-2026-11.pem"),
            ("site.pem", "site.pem.bak"),
            ("1/tls.crt", "2/tls.crt"),
            ("2025/tls.crt", "2026/tls.crt"),
            ("kubelet-client-2025-11-01.pem", "kubelet-client-current.pem"),
        ] {
            assert!(are_versions(file, other) && are_versions(other, file), "{file} {other}");
        }
        for (file, other) in [
            ("etcd/peer.crt", "etcd/server.crt"),
            ("a.pem", "b.pem"),
            ("ex.com/fullchain.cer", "ex.com_ecc/fullchain.cer"),
            ("rsa/tls.crt", "ecdsa/tls.crt"),
            ("both.pem", "both.pem"),
        ] {
            assert!(!are_versions(file, other) && !are_versions(other, file), "{file} {other}");
        }
    }

    #[test]
    fn files_beside_each_other_have_other_names_in_one_folder() {
        assert!(are_beside_each_other("etcd/peer.crt", "etcd/server.crt"));
        assert!(!are_beside_each_other("1/tls.crt", "2/tls.crt"));
        assert!(!are_beside_each_other("both.pem", "both.pem"));
    }
}
