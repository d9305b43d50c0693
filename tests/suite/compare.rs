//! `pushcert compare` on certificates that no fixture is.

use std::path::Path;
use std::process::Output;

use super::certificates;
use super::common::run;

fn compare(folder: &Path, old: &[u8], new: &[u8]) -> (Output, String) {
    let (old_file, new_file) = (folder.join("old.pem"), folder.join("new.pem"));
    std::fs::write(&old_file, old).unwrap();
    std::fs::write(&new_file, new).unwrap();
    let files = [old_file.to_str().unwrap(), new_file.to_str().unwrap()];
    let output = run(&["compare", files[0], files[1], "--at", "2026-11-24"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

#[test]
fn a_renewal_in_time_is_a_drop_in() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::push("com.example.a", "a", "20251124", "20261224");
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (output, text) = compare(folder.path(), &old, &new);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("for 34 days both are valid"), "{text}");
    let (output, text) = compare(folder.path(), &new, &old);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("are they swapped?"), "{text}");
}

#[test]
fn mdm_with_another_uid_silences_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::mdm("com.apple.mgmt.External.one", "20251124", "20261224");
    let same = certificates::mdm("com.apple.mgmt.External.one", "20261120", "20271120");
    let other = certificates::mdm("com.apple.mgmt.External.two", "20261120", "20271120");
    let (output, text) = compare(folder.path(), &old, &same);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let (output, text) = compare(folder.path(), &old, &other);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let error = "error: the UID has changed from com.apple.mgmt.External.one to com.apple.mgmt.External.two: \
                 every enrolled device falls silent";
    assert!(text.contains(error), "{text}");
}
