//! `pushcert compare` on certificates that no fixture is.

use std::path::Path;

use super::certificates;
use super::common::Test;

fn compare(folder: &Path, old: &[u8], new: &[u8]) -> (Option<i32>, String) {
    let (old_file, new_file) = (folder.join("old.pem"), folder.join("new.pem"));
    std::fs::write(&old_file, old).unwrap();
    std::fs::write(&new_file, new).unwrap();
    let run = Test::new().arg("compare").args([old_file, new_file]).args(["--at", "2026-11-24"]).any_status().run();
    (run.code, run.text().to_owned())
}

#[test]
fn a_renewal_in_time_is_a_drop_in() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::push("com.example.a", "a", "20251124", "20261224");
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old, &new);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("for 34 days both are valid"), "{text}");
    let (code, text) = compare(folder.path(), &new, &old);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("are they swapped?"), "{text}");
}

#[test]
fn mdm_with_another_uid_silences_every_device() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::mdm("com.apple.mgmt.External.one", "20251124", "20261224");
    let same = certificates::mdm("com.apple.mgmt.External.one", "20261120", "20271120");
    let other = certificates::mdm("com.apple.mgmt.External.two", "20261120", "20271120");
    let (code, text) = compare(folder.path(), &old, &same);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = compare(folder.path(), &old, &other);
    assert_eq!(code, Some(1), "{text}");
    let error = "error: the UID has changed from com.apple.mgmt.External.one to com.apple.mgmt.External.two: \
                 every enrolled device falls silent";
    assert!(text.contains(error), "{text}");
}
