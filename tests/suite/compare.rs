//! `pushcert compare` on certificates that no fixture is.

use std::path::Path;

use super::certificates::{self, Shape};
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
    let old = certificates::server(&["a.c.example", "b.c.example"], "20251124", "20261224");
    let pem = |server: &certificates::Server| [server.certificate.clone(), server.key.clone()].concat();
    for (hosts, expected, said) in [
        (&["a.c.example", "b.c.example"][..], 0, "can take the place"),
        (&["*.c.example"], 0, "the new one is also for *.c.example"),
        (&["a.c.example"], 1, "the new one is not for b.c.example"),
        (&["other.example"], 1, "the new one is not for a.c.example and b.c.example"),
    ] {
        let new = certificates::server(hosts, "20261120", "20271220");
        let (code, text) = compare(folder.path(), &pem(&old), &pem(&new));
        assert_eq!(code, Some(expected), "{hosts:?} {text}");
        assert!(text.contains(said), "{hosts:?} {text}");
    }
}

#[test]
fn a_top_level_domain_has_no_wildcard() {
    let folder = tempfile::tempdir().unwrap();
    let old = certificates::server(&["c.example"], "20251124", "20261224");
    let new = certificates::server(&["*.example"], "20261120", "20271220");
    let (code, text) = compare(folder.path(), &old.certificate, &new.certificate);
    assert!(code == Some(1) && text.contains("error: the new one is not for c.example"), "{text}");
}

#[test]
fn a_server_that_vouches_for_itself_takes_the_place_of_none_that_an_authority_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape { hosts: &["a.c.example"], from: "20251124", until: "20261224", ..Shape::default() };
    let old = certificates::shaped(&certificates::ec_key(), &Shape { issuer: "ca", ..shape });
    let new = certificates::shaped(&certificates::ec_key(), &Shape { from: "20261120", until: "20271220", ..shape });
    let (code, text) = compare(folder.path(), &old, &new);
    assert!(code == Some(1) && text.contains("accept it with --allow-self-signed"), "{text}");
    let names = ["old.pem", "new.pem", "--at", "2026-11-24", "--allow-self-signed"];
    let run = Test::new().arg("compare").args(names).folder(folder.path()).status(0).run();
    assert!(run.text().contains("note: the new one is issued by itself, the old one by CN=ca"), "{}", run.text());
}

#[test]
fn a_server_that_is_no_client_any_more_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let both = ["serverAuth", "clientAuth"];
    let shape =
        Shape { issuer: "ca", hosts: &["a.c.example"], from: "20251124", until: "20261224", ..Shape::default() };
    let old = certificates::shaped(&certificates::ec_key(), &Shape { usages: &both, ..shape });
    let new = Shape { usages: &both[..1], from: "20261120", until: "20271220", ..shape };
    let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
    assert!(
        code == Some(0) && text.contains("note: the new one may be used for serverAuth only, and not for clientAuth"),
        "{text}"
    );
}

#[test]
fn what_is_made_for_something_else_takes_the_place_of_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let shape =
        Shape { issuer: "ca", hosts: &["a.c.example"], from: "20251124", until: "20261224", ..Shape::default() };
    let old = certificates::shaped(&certificates::ec_key(), &shape);
    let shape = Shape { from: "20261120", until: "20271220", ..shape };
    for (new, said) in [
        (Shape { key_usages: &["keyCertSign", "cRLSign"], ..shape }, "lacks digitalSignature"),
        (Shape { has_unknown_critical: true, ..shape }, "a critical extension that is not known here"),
        (Shape { is_ca: true, ..shape }, "is that of an authority"),
    ] {
        let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
        assert!(code == Some(1) && text.contains(said), "{text}");
    }
    let authority = Shape { issuer: "server", hosts: &[], is_ca: true, from: "20251124", until: "20261224", ..shape };
    let old = certificates::shaped(&certificates::ec_key(), &authority);
    let new = Shape { from: "20261120", until: "20271220", ..authority };
    let (code, text) = compare(folder.path(), &old, &certificates::shaped(&certificates::ec_key(), &new));
    assert!(code == Some(0) && text.contains("warning: the new one is an authority with a new key"), "{text}");
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
