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
    assert!(text.contains("hint: keep the old one, and renew it at identity.apple.com/pushcert"), "{text}");
}

#[test]
fn a_universal_certificate_may_succeed_one_for_production() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::production("com.example.a", "20251124", "20261224");
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old, &new);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("which can send to the same topics") && text.contains("--allow-kind-change"), "{text}");
    let run = |arguments: &[&str]| {
        let names = ["old.pem", "new.pem", "--at", "2026-11-24", "--allow-kind-change"];
        let run = Test::new().arg("compare").args(names).args(arguments).folder(folder.path()).any_status().run();
        (run.code, run.text().to_owned())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("note: the kind has changed"), "{text}");
    assert!(run(&["--json"]).1.contains("\"possible_successor\": true"));
    // Not back again: the sandbox is lost.
    let back = certificates::production("com.example.a", "20261120", "20280101");
    compare(folder.path(), &new, &back);
    assert_eq!(run(&[]).0, Some(1));
}

#[test]
fn certificates_of_servers_are_compared_by_their_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::server(&["a.example", "b.example"], "20251124", "20261224");
    let pem = |server: &certificates::Server| [server.certificate.clone(), server.key.clone()].concat();
    for (hosts, expected, said) in [
        (&["a.example", "b.example"][..], 0, "can take the place"),
        (&["*.example"], 0, "the new one is also for *.example"),
        (&["a.example"], 1, "the new one is not for b.example"),
        (&["other.example"], 1, "the new one is not for a.example and b.example"),
    ] {
        let new = certificates::server(hosts, "20261120", "20271220");
        let (code, text) = compare(folder.path(), &pem(&old), &pem(&new));
        assert_eq!(code, Some(expected), "{hosts:?} {text}");
        assert!(text.contains(said), "{hosts:?} {text}");
    }
}

#[test]
fn the_command_that_joins_a_renewal_and_its_key_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let key = std::fs::read(super::common::fixture("key/push.pem")).unwrap();
    let old = [certificates::push("com.example.a", "a", "20251124", "20261224"), key].concat();
    let new = certificates::push("com.example.a", "a", "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old, &new);
    assert_eq!(code, Some(1), "{text}");
    assert!(!text.contains("both have the same key"), "{text}");
    let (_, command) = text.split_once("join them with: pushcert ").unwrap();
    let command = command.lines().next().unwrap();
    Test::shell(&format!("\"$0\" {command}")).folder(folder.path()).run();
    let joined = folder.path().join("new.joined.pem");
    let arguments = [folder.path().join("old.pem"), joined];
    Test::new().arg("compare").args(arguments).args(["--at", "2026-11-24"]).status(0).run();
}
