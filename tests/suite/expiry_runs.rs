//! `pushcert expiry` over files that belong together: Secrets, keys and renewals, and a folder with one of everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::certificates::{self, Shape, push, server};
use super::common::{Test, fixture, root};

const NOW: [&str; 2] = ["--at", "2026-11-24"];

/// A folder with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            folder.write(name, bytes);
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn test(&self, arguments: &[&str]) -> Test {
        Test::new().arg("expiry").args(arguments).args(NOW).folder(self.0.path()).any_status()
    }

    /// Returns the exit code and the report.
    fn report(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let run = self.test(arguments).arg("--json").run();
        (run.code, run.json())
    }
}

fn secret(namespace: &str, name: &str, entries: &[(&str, &[u8])]) -> Value {
    let mut data = BTreeMap::new();
    for (key, bytes) in entries {
        data.insert(*key, BASE64.encode(bytes));
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": name}, "data": data})
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn files(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["file"].as_str().unwrap()).collect()
}

fn ends_soon(uid: &str) -> Vec<u8> {
    push(uid, "a", "20251101", "20261127")
}

fn read(name: &str) -> Vec<u8> {
    fs::read(fixture(name)).unwrap()
}

#[test]
fn other_kinds_are_counted_and_lists_of_the_api_are_read() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let mut item = secret("prod", "push", &[("tls.crt", &good)]);
    item.as_object_mut().unwrap().remove("kind");
    let pod = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"note": BASE64.encode(b"no certificate")}});
    for list in [
        json!({"kind": "List", "items": [pod, pod, {"kind": "Job"}, secret("prod", "push", &[("tls.crt", &good)])]}),
        json!([pod, pod, {"apiVersion": "batch/v1", "kind": "Job"}, {"kind": "SecretList", "items": [item]}]),
    ] {
        let (code, report) = Folder::new(&[("all.json", &text(&list))]).report(&["all.json"]);
        assert_eq!((code, files(&report["certificates"])), (Some(0), vec!["prod/push/tls.crt"]), "{report}");
        assert_eq!(report["summary"]["passed_over_kinds"], json!({"Job": 1, "Pod": 2}));
        assert_eq!((&report["summary"]["passed_over"], &report["summary"]["files"]), (&json!(3), &json!(4)));
    }
    // What stands in an object of another kind is judged all the same.
    let pod = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"note": BASE64.encode(&ends_soon("x"))}});
    let list = json!({"kind": "List", "items": [pod, secret("prod", "push", &[("tls.crt", &good)])]});
    let (code, report) = Folder::new(&[("all.json", &text(&list))]).report(&["all.json"]);
    assert_eq!(
        (code, files(&report["certificates"])),
        (Some(1), vec!["p/(other fields)", "prod/push/tls.crt"]),
        "{report}"
    );
    // A list of ConfigMaps has no Base64.
    let maps = json!({"kind": "ConfigMapList", "items": [{"metadata": {"name": "ca"},
                      "data": {"ca.crt": String::from_utf8(good).unwrap()}}]});
    let (code, report) = Folder::new(&[("maps.json", &text(&maps))]).report(&["."]);
    assert_eq!((code, files(&report["certificates"])), (Some(0), vec!["ca/ca.crt"]), "{report}");
    // None at all is no certificate, and no file that cannot be read.
    let none = json!({"kind": "SecretList", "apiVersion": "v1", "items": null});
    assert_eq!(Folder::new(&[("none.json", &text(&none))]).report(&["none.json"]).0, Some(1));
}

#[test]
fn a_pkcs12_file_with_a_key_alone_is_passed_over_by_name() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let folder = Folder::new(&[("good.pem", &good), ("key.p12", &read("p12/key-only.p12"))]);
    let run = folder.test(&[".", "--passin", "pass:push"]).run();
    assert!(run.text().contains("a PKCS#12 file with a key alone"), "{}", run.text());
}

#[test]
fn a_random_password_is_no_damaged_file() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let password: &[u8] = b"MIH2MczX8mYuhLNSMBqxsO9nKUhj2m9ur1IYUefxM+w=";
    for key in ["password", "token"] {
        let dump = text(&secret("prod", "push", &[("tls.crt", &good), (key, password)]));
        let (code, report) = Folder::new(&[("all.json", &dump)]).report(&["all.json"]);
        assert_eq!(code, Some(0), "{report}");
    }
}

#[test]
fn what_is_valid_within_a_day_has_its_hours_in_every_format() {
    let soon = push("com.example.a", "a", "20261124", "20271231");
    let folder = Folder::new(&[("soon.pem", &soon)]);
    for format in ["human", "github", "markdown", "html", "junit", "nagios"] {
        let arguments = ["soon.pem", "--format", format, "--at", "2026-11-23T22:48:00Z"];
        let run = Test::new().arg("expiry").args(arguments).folder(folder.0.path()).any_status().run();
        assert!(run.text().contains("is not valid before 2026-11-24, in 1 hour"), "{format}: {}", run.text());
    }
    let later = Test::new().arg("expiry").args(["soon.pem", "--json", "--at", "2026-11-22"]);
    let run = later.folder(folder.0.path()).any_status().run();
    assert!(run.text().contains("is not valid before 2026-11-24\""), "{}", run.text());
}

#[test]
fn the_line_that_a_hint_has_fits_the_file() {
    let locked = read("p12/keychain-password.p12");
    for name in ["push[1].p12", "#push.p12", " lead.p12", "a{b,c}.p12", "!push.p12", "what?.p12"] {
        let folder = Folder::new(&[(name, &locked), ("good.pem", &push("com.example.a", "a", "20260101", "20271231"))]);
        for path in [".", name] {
            let (_, report) = folder.report(&[path, "good.pem", "--exclude", "passwords"]);
            let hint = report["unreadable"][0]["error"]["hint"].as_str().unwrap();
            let (_, line) = hint.split_once("with a line ").unwrap();
            folder.write("passwords", line.replace("env:VARIABLE", "pass:push").as_bytes());
            let arguments = [path, "good.pem", "--exclude", "passwords", "--passwords", "passwords"];
            folder.test(&arguments).status(0).run();
        }
    }
}

/// Returns JSON as YAML, as far as these tests write it.
fn yaml(value: &Value) -> Vec<u8> {
    let Value::Object(fields) = value else { panic!("{value}") };
    let mut text = String::new();
    for (name, field) in fields {
        text.push_str(&format!("{name}: {field}\n"));
    }
    text.into_bytes()
}

#[test]
fn what_the_server_did_not_give_is_a_failure() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let item = secret("prod", "push", &[("tls.crt", &good)]);
    let list = |kind: &str, metadata: Value, items: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": metadata, "items": items});
    let page = json!({"continue": "eyJ2Ijoi", "remainingItemCount": 500});
    let refusal =
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "secrets is \u{1b}[1mforbidden"});
    let bare = json!({"kind": "Status", "status": "Failure", "reason": "Forbidden"});
    let (goes_on, refused) = ("the list: goes on", "the server refused: secrets is \\u{1b}[1mforbidden");
    for (dump, problem) in [
        (list("SecretList", page.clone(), json!([item])), "the list: goes on: 500 more items are on the server"),
        (list("List", json!({"continue": "x", "remainingItemCount": 1}), json!([item])), "one more item is"),
        (list("ConfigMapList", json!({"continue": "x"}), json!([])), goes_on),
        (list("List", json!({}), json!([item, refusal])), refused),
        (refusal.clone(), refused),
        (bare.clone(), "the server refused: Forbidden"),
    ] {
        for (name, bytes) in [("all.json", text(&dump)), ("all.yaml", yaml(&dump))] {
            if name == "all.yaml" && dump.get("apiVersion").is_none() {
                continue;
            }
            for arguments in [&[name][..], &["."], &[".", "--include", "*/tls.crt"]] {
                let folder = Folder::new(&[(name, &bytes), ("good.pem", &good)]);
                let (code, report) = folder.report(arguments);
                let unreadable = &report["unreadable"][0];
                assert_eq!(code, Some(3), "{arguments:?}: {report}");
                let message = unreadable["error"]["message"].as_str().unwrap_or_default();
                assert!(message.contains(problem) && message.contains(name), "{arguments:?}: {report}");
            }
        }
    }
    // What goes on and has no entries, and what went well, are no failures.
    let pods = list("PodList", page, json!([{"metadata": {"name": "p"}}]));
    let done = json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
    let whole = list("SecretList", json!({"continue": "", "resourceVersion": "1"}), json!([item]));
    for (name, dump) in [("pods.json", pods), ("done.json", done), ("whole.json", whole)] {
        let (code, report) = Folder::new(&[(name, &text(&dump)), ("good.pem", &good)]).report(&["."]);
        assert_eq!(code, Some(0), "{name}: {report}");
    }
}

#[test]
fn yaml_is_judged_entry_by_entry_and_not_by_what_was_applied_last() {
    let (good, old) = (push("com.example.a", "a", "20260101", "20271231"), ends_soon("com.example.a"));
    let object = |bytes: &[u8]| {
        let applied = secret("prod", "push", &[("tls.crt", &old)]).to_string();
        let (encoded, entry) = (BASE64.encode(bytes), "tls.crt");
        format!(
            "apiVersion: v1\ndata:\n  ca.crt: \"\"\n  {entry}: {encoded}\nkind: Secret\nmetadata:\n  annotations:\n    \
             kubectl.kubernetes.io/last-applied-configuration: |\n      {applied}\n  name: push\n  namespace: prod\n"
        )
    };
    let list = format!("apiVersion: v1\nitems:\n- {}kind: List\n", object(&good).replace('\n', "\n  "));
    let twice = object(BASE64.encode(&good).as_bytes());
    for yaml in
        [object(&good), list.replace("\n  kind: List", "\nkind: List"), twice, format!("---\n{}", object(&good))]
    {
        let (code, report) = Folder::new(&[("all.yaml", yaml.as_bytes())]).report(&["."]);
        assert_eq!((code, files(&report["certificates"])), (Some(0), vec!["prod/push/tls.crt"]), "{yaml} {report}");
    }
    let both = format!("{}---\n{}", object(&good), object(&old).replace("name: push", "name: old"));
    let (code, report) = Folder::new(&[("all.yaml", both.as_bytes())]).report(&["."]);
    assert_eq!((code, files(&report["certificates"])), (Some(1), vec!["prod/old/tls.crt", "prod/push/tls.crt"]));
}

#[test]
fn empty_entries_are_no_failure_and_damaged_dumps_are() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let dump = text(&json!({"apiVersion": "v1", "kind": "List", "items": [
        secret("a", "empty", &[("ca.crt", b""), ("tls.crt", b"\n"), ("tls.key", b"")]),
        secret("a", "good", &[("ca.crt", b""), ("tls.crt", &good)])]}));
    let folder = Folder::new(&[("secrets.json", &dump)]);
    let (code, report) = folder.report(&["."]);
    assert_eq!((code, &report["summary"]["passed_over_kinds"]), (Some(0), &json!({"an empty entry": 4})), "{report}");
    for cut in [dump.len() - 1, dump.len() - 20, 90, 45] {
        folder.write("secrets.json", &dump[..cut]);
        let (code, report) = folder.report(&[".", "--min-certificates", "0"]);
        assert_eq!((code, files(&report["unreadable"])[0]), (Some(3), "./secrets.json"), "{cut} {report}");
    }
    let wrong = json!({"kind": "Secret", "metadata": {"name": "s"}, "data": ["x"]});
    folder.write("secrets.json", &text(&wrong));
    assert_eq!(folder.report(&[".", "--min-certificates", "0"]).0, Some(3));
}

#[cfg(unix)]
#[test]
fn an_empty_entry_of_a_mounted_secret_is_no_failure() {
    let folder = Folder::new(&[
        ("..2026/tls.crt", &push("com.example.a", "a", "20260101", "20271231")[..]),
        ("..2026/ca.crt", b""),
    ]);
    std::os::unix::fs::symlink("..2026", folder.path("..data")).unwrap();
    for name in ["tls.crt", "ca.crt"] {
        std::os::unix::fs::symlink(format!("..data/{name}"), folder.path(name)).unwrap();
    }
    assert_eq!(folder.report(&["."]).0, Some(0));
    folder.write("other.crt", b"");
    assert_eq!(folder.report(&["."]).0, Some(3));
}

#[test]
fn globs_reach_entries() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let old = push("com.example.old", "old", "20240101", "20250101");
    let dump = json!({"kind": "List", "items": [secret("prod", "push", &[("tls.crt", &good), ("old.pem", &old)]),
                      secret("test", "push", &[("tls.crt", &old)])]});
    let folder = Folder::new(&[("secrets.json", &text(&dump))]);
    let judged = |arguments: &[&str]| {
        let (_, report) = folder.report(arguments);
        files(&report["certificates"]).join(" ")
    };
    let all = "prod/push/old.pem test/push/tls.crt prod/push/tls.crt";
    assert_eq!(judged(&["secrets.json"]), all);
    assert_eq!(judged(&["secrets.json", "--exclude", "test", "--exclude", "old.pem"]), "prod/push/tls.crt");
    assert_eq!(judged(&["secrets.json", "--include", "prod/push/*"]), "prod/push/old.pem prod/push/tls.crt");
    assert_eq!(judged(&["secrets.json", "--include", "prod/*/tls.crt"]), "prod/push/tls.crt");
    assert_eq!(
        judged(&[".", "--include", "*.json", "--exclude", "prod/push/old.pem"]),
        &all["prod/push/old.pem ".len()..]
    );
    assert_eq!(judged(&[".", "--include", "*.crt"]), "test/push/tls.crt prod/push/tls.crt");
    assert_eq!(judged(&[".", "--include", "prod/push/tls.crt"]), "prod/push/tls.crt");
    assert_eq!(judged(&[".", "--include", "*.pem", "--exclude", "secrets.json"]), "");
    // What is not included cannot fail, unless it was a dump and may have entries that are.
    folder.write("package.json", b"{");
    folder.write("damaged.p12", b"0");
    assert_eq!(folder.report(&[".", "--include", "prod/push/tls.crt"]).0, Some(0));
    folder.write("cut.json", &text(&dump)[..200]);
    assert_eq!(folder.report(&[".", "--include", "prod/push/tls.crt"]).0, Some(3));
}

#[test]
fn a_glob_that_leaves_out_nothing_is_named() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let dump = text(&secret("prod", "push", &[("tls.crt", &good), ("old.pem", &good)]));
    let folder = Folder::new(&[("a.pem", &good), ("old/b.pem", &good), ("all.json", &dump)]);
    let warnings = |arguments: &[&str]| folder.test(arguments).run().stderr;
    assert_eq!(warnings(&[".", "--exclude", "odl"]), "warning: --exclude odl: it left out nothing\n");
    assert_eq!(warnings(&["a.pem", "--exclude", "a.*"]), "warning: --exclude a.*: it left out nothing\n");
    // Two that fit the same file, a folder, an entry of a dump, and what --include leaves out too.
    for globs in [["a.*", "*.pem"], ["old", "old/"], ["prod/push/old.pem", "old.pem"], ["prod", "a.pem"]] {
        for include in [&["--include", "*"][..], &["--include", "*.crt"], &[]] {
            let arguments = [&[".", "--exclude", globs[0], "--exclude", globs[1]], include].concat();
            assert_eq!(warnings(&arguments), "", "{arguments:?}");
        }
    }
}

#[test]
fn a_glob_may_be_a_path_as_reports_print_it() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let names = ["certs/a.pem", "certs/old/b.pem", "certs/old/x/c.pem", "certs/new/old/d.pem"];
    let folder = Folder::new(&names.map(|name| (name, &good[..])));
    let absolute = folder.path("certs").display().to_string();
    let judged = |root: &str, option: &str, glob: &str| {
        let run = folder.test(&[root, option, glob, "--json"]).run();
        assert_eq!(run.stderr, "", "{root} {glob}");
        let report = run.json();
        let mut found = Vec::new();
        for file in files(&report["certificates"]) {
            found.push(file.split_once("certs/").unwrap().1.to_owned());
        }
        found.sort_unstable();
        found.join(" ")
    };
    for root in ["certs", "certs/", "./certs", &absolute] {
        let below = format!("{absolute}/old");
        let as_printed = format!("{}/old", root.trim_end_matches('/'));
        for glob in ["old/**", "/old", &below, &format!("{below}/"), &format!("{below}/**"), &as_printed] {
            assert_eq!(judged(root, "--exclude", glob), "a.pem new/old/d.pem", "{root} {glob}");
        }
        for glob in [format!("{below}/*"), format!("{as_printed}/*")] {
            assert_eq!(judged(root, "--include", &glob), "old/b.pem", "{root} {glob}");
        }
    }
    assert_eq!(judged(".", "--exclude", "./certs/old"), "a.pem new/old/d.pem");
    // What stands above the folder that is named is nothing to a glob that does not begin with its path.
    let (parent, _) = absolute.rsplit_once('/').unwrap();
    let parent = parent.rsplit_once('/').unwrap().1;
    for glob in ["**/certs/**", "*/old", &format!("**/{parent}/**")] {
        let (_, report) = folder.report(&["certs", "--exclude", glob]);
        assert!(report["summary"]["certificates"].as_u64() >= Some(3), "{glob}: {report}");
    }
}

#[test]
fn an_include_that_lets_nothing_through_is_told() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let dump = text(&secret("prod", "push", &[("tls.crt", &good)]));
    let folder = Folder::new(&[("certs/a.pem", &good), ("all.json", &dump)]);
    for (path, glob) in [("certs", "*.crt"), ("all.json", "test/**"), (".", "*.cer")] {
        for format in ["human", "json", "github", "markdown", "html", "junit"] {
            let run = folder.test(&[path, "--include", glob, "--format", format]).run();
            assert_eq!(run.code, Some(1));
            assert!(run.text().contains("--include let nothing through"), "{format}: {}", run.text());
            assert!(run.text().contains(" for all that is in server"), "{format}: {}", run.text());
        }
    }
    folder.write("notes/a.crt", b"a note");
    for arguments in [["notes", "--include", "*"], ["certs", "--exclude", "*.pem"]] {
        assert!(!folder.test(&arguments).run().text().contains("--include let"), "{arguments:?}");
    }
}

#[test]
fn a_file_that_is_named_alone_is_told_where_its_key_may_be() {
    let server = server(&["a.example"], "20260101", "20271231");
    let folder = Folder::new(&[("mnt/tls.crt", &server.certificate[..]), ("mnt/tls.key", &server.key)]);
    for format in ["human", "json", "github", "markdown", "html", "junit"] {
        let run = folder.test(&["mnt/tls.crt", "--expect-key", "--format", format]).run();
        let text = run.text();
        assert!(text.contains("only files that are named are looked at: name its folder"), "{format}: {text}");
    }
    assert_eq!(folder.report(&["mnt", "--expect-key"]).0, Some(0));
    assert_eq!(folder.report(&["mnt/tls.crt", "mnt/tls.key", "--expect-key"]).0, Some(0));
    // The folder was named.
    fs::remove_file(folder.path("mnt/tls.key")).unwrap();
    let (code, report) = folder.report(&["mnt", "--expect-key"]);
    assert_eq!((code, &report["certificates"][0]["findings"][0]["hint"]), (Some(1), &Value::Null), "{report}");
}

#[test]
fn keys_are_found_in_what_is_not_included() {
    let server = server(&["a.example"], "20260101", "20271231");
    let folder = Folder::new(&[("tls.crt", &server.certificate[..]), ("tls.key", &server.key), ("cut.p12", b"0")]);
    let arguments = [".", "--include", "*.crt", "--expect-key"];
    let (code, report) = folder.report(&arguments);
    assert_eq!((code, &report["summary"]["files"]), (Some(0), &json!(1)), "{report}");
    assert_eq!(folder.report(&[&arguments[..], &["--exclude", "*.key"]].concat()).0, Some(1));
    let entries = [("tls.crt", &server.certificate[..]), ("tls.key", &server.key)];
    let folder = Folder::new(&[("s.json", &text(&secret("prod", "push", &entries)))]);
    for path in ["s.json", "."] {
        assert_eq!(folder.report(&[path, "--include", "*.crt", "--expect-key"]).0, Some(0), "{path}");
    }
}

#[test]
fn a_cut_dump_in_yaml_is_a_failure_and_its_whole_entries_are_judged() {
    let encoded = BASE64.encode(&push("com.example.a", "a", "20260101", "20271231"));
    let item = |name: &str| {
        format!(
            "- apiVersion: v1\n  data:\n    tls.crt: {encoded}\n  kind: Secret\n  metadata:\n    name: {name}\n    namespace: n\n"
        )
    };
    let list = format!("apiVersion: v1\nitems:\n{}{}kind: List\n", item("a"), item("b"));
    let second = list.rfind("tls.crt").unwrap();
    for (cut, judged) in [(second, vec!["n/a/tls.crt"]), (second - 10, vec!["n/a/tls.crt"]), (60, vec![])] {
        let folder = Folder::new(&[("all.yaml", &list.as_bytes()[..cut])]);
        let (code, report) = folder.report(&[".", "--min-certificates", "0"]);
        assert_eq!((code, files(&report["certificates"])), (Some(3), judged), "{cut} {report}");
        assert_eq!(files(&report["unreadable"]), ["./all.yaml"], "{cut}");
    }
    // A template is no dump.
    let template = format!("apiVersion: v1\nkind: Secret\ndata:\n  {{{{- range .Values.x }}}}\n  tls.crt: {encoded}\n");
    assert_eq!(Folder::new(&[("secret.yaml", template.as_bytes())]).report(&["."]).0, Some(0));
}

#[test]
fn a_renewal_stays_in_its_namespace() {
    let (old, new) = (server(&["a.example"], "20251101", "20261127"), server(&["a.example"], "20261101", "20271231"));
    let code = |namespace: &str| {
        let new = secret(namespace, "new", &[("tls.crt", &new.certificate), ("tls.key", &new.key)]);
        let list = json!([secret("prod", "old", &[("tls.crt", &old.certificate)]), new]);
        Folder::new(&[("all.json", &text(&list))]).report(&["."]).0
    };
    assert_eq!((code("prod"), code("staging")), (Some(0), Some(1)));
}

#[test]
fn a_renewal_stays_in_its_dump_and_in_its_secret() {
    let (old, new) = (server(&["a.example"], "20251101", "20261127"), server(&["a.example"], "20261101", "20271231"));
    let new = [("tls.crt", &new.certificate[..]), ("tls.key", &new.key)];
    let old = secret("prod", "old", &[("tls.crt", &old.certificate)]);
    let (one, other) = (text(&old), text(&secret("prod", "new", &new)));
    assert_eq!(Folder::new(&[("east.json", &one), ("west.json", &other)]).report(&["."]).0, Some(1));
    let without_namespace = |mut secret: Value| {
        secret["metadata"].as_object_mut().unwrap().remove("namespace");
        secret
    };
    let code = |name: &str| {
        let list = json!([without_namespace(old.clone()), without_namespace(secret("", name, &new))]);
        Folder::new(&[("all.json", &text(&list))]).report(&["."]).0
    };
    assert_eq!((code("old"), code("new")), (Some(0), Some(1)));
}

#[test]
fn two_dumps_are_told_apart_in_every_format() {
    let (old, new) = (server(&["a.example"], "20251101", "20261127"), server(&["a.example"], "20261101", "20271231"));
    let dump =
        |certificate: &[u8]| text(&secret("prod", "web", &[("tls.crt", certificate), ("cut.crt", &old.key[..40])]));
    let folder = Folder::new(&[("east.json", &dump(&old.certificate)), ("west.json", &dump(&new.certificate))]);
    let (_, report) = folder.report(&["east.json", "west.json"]);
    for list in [&report["certificates"], &report["unreadable"]] {
        let places: Vec<_> = list.as_array().unwrap().iter().map(|one| (&one["file"], &one["dump"])).collect();
        assert_eq!((places[0].0, places.len()), (places[1].0, 2), "{report}");
        assert_eq!((places[0].1, places[1].1), (&json!("east.json"), &json!("west.json")), "{report}");
    }
    assert_eq!(report["summary"]["unreadable"], 2);
    for format in ["human", "html", "github", "junit", "nagios", "markdown", "prometheus", "ics"] {
        let run = folder.test(&["east.json", "west.json", "--format", format]).run();
        let printed = run.text().replace("\r\n ", "");
        for place in ["east.json: prod/web/tls.crt", "east.json: prod/web/cut.crt", "west.json: prod/web/cut.crt"] {
            assert!(printed.contains(place), "{format} {place}: {printed}");
        }
    }
    // One alone needs no name.
    assert!(!folder.test(&["east.json"]).run().text().contains("east.json"));
}

#[test]
fn a_doubled_key_is_refused_by_name() {
    let (old, good) = (server(&["a.example"], "20251101", "20261120"), server(&["b.example"], "20260101", "20271231"));
    let [old, good] = [BASE64.encode(&old.certificate), BASE64.encode(&good.certificate)];
    let json = format!(
        r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"x"}},"data":{{"tls.crt":"{old}","tls.crt":"{good}","b.crt":"{good}"}}}}"#
    );
    let yaml = format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  tls.crt: {old}\n  tls.crt: {good}\n  b.crt: {good}\n"
    );
    for (name, dump) in [("x.json", json), ("x.yaml", yaml)] {
        let (code, report) = Folder::new(&[(name, dump.as_bytes())]).report(&["."]);
        assert_eq!((code, files(&report["unreadable"])), (Some(3), vec!["x/tls.crt"]), "{report}");
        assert_eq!(files(&report["certificates"]), ["x/b.crt"], "{report}");
        assert_eq!(report["unreadable"][0]["error"]["hint"], "keep one of the two, and remove the other");
    }
}

#[test]
fn what_is_shorter_than_the_threshold_all_its_life_is_told_how_to_be_judged() {
    let brief = server(&["a.example"], "20261123", "20261125");
    let month = server(&["a.example"], "20261120", "20261215");
    let folder = Folder::new(&[("brief.pem", &brief.certificate), ("month.pem", &month.certificate)]);
    for format in ["human", "html", "github", "junit", "nagios", "markdown", "json"] {
        let run = folder.test(&[".", "--format", format]).status(if format == "nagios" { 2 } else { 1 }).run();
        for whole in
            ["its whole lifetime (2 days) is no longer than 7d", "its whole lifetime (25 days) is no longer than 30d"]
        {
            assert!(run.text().contains(whole), "{format} {}", run.text());
        }
    }
    let (code, report) = folder.report(&[".", "--warn", "20%", "--fail", "10%"]);
    assert_eq!((code, &report["summary"]["ok"]), (Some(0), &json!(2)), "{report}");
    // What has had a longer life is not told so.
    let old = Folder::new(&[("old.pem", &server(&["a.example"], "20261101", "20261127").certificate)]);
    assert!(!old.test(&["."]).run().text().contains("whole lifetime"));
}

#[test]
fn entries_of_a_dump_are_included_whatever_its_name() {
    let expired = server(&["a.example"], "20251101", "20261120");
    let dump = secret("prod", "web", &[("tls.crt", &expired.certificate)]);
    for name in ["dump.txt", "all.json.bak", "dump"] {
        let folder = Folder::new(&[(name, &text(&dump)), ("notes.txt", b"of another kind")]);
        let (code, report) = folder.report(&[".", "--include", "*.crt"]);
        assert_eq!((code, files(&report["certificates"])), (Some(1), vec!["prod/web/tls.crt"]), "{name}");
    }
}

#[test]
fn leaves_are_servers_that_call_themselves_authorities_too() {
    let own = certificates::server_with(&certificates::ec_key(), "own", &["a.example"], "20251101", "20261120", true);
    let authority = certificates::server_with(&certificates::ec_key(), "ca", &[], "20251101", "20271231", true);
    let issued =
        certificates::server_of(&certificates::ec_key(), ["b", "ca"], &["b.example"], "20260101", "20271231", false);
    let folder = Folder::new(&[("own.pem", &own), ("ca.pem", &authority), ("issued.pem", &issued)]);
    let (code, report) = folder.report(&[".", "--leaf-only", "--list-skipped"]);
    assert_eq!((code, &report["summary"]["certificates"]), (Some(1), &json!(2)), "{report}");
    // What is left out is counted, and named where that is asked for.
    assert_eq!(
        (&report["summary"]["authorities"], &report["summary"]["passed_over"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
    folder.test(&[".", "--leaf-only"]).stdout_contains("; 1 certificate of an authority left out (./ca.pem)").run();
    assert_eq!(report["skipped"][0]["reason"], "authority");
    // The certificate of an authority that issued another of the run is none of a server.
    let leaf =
        certificates::server_of(&certificates::ec_key(), ["b", "own"], &["b.example"], "20260101", "20271231", false);
    let folder = Folder::new(&[("own.pem", &own), ("leaf.pem", &leaf)]);
    assert_eq!(folder.report(&[".", "--leaf-only"]).0, Some(0));
}

#[test]
fn a_cut_block_at_the_end_of_a_long_text_is_told() {
    let block = String::from_utf8(server(&["a.example"], "20260101", "20271231").certificate).unwrap();
    let cut = block.split("-----END").next().unwrap().to_owned();
    let folder = Folder::new(&[("build.log", ("a line of a log\n".repeat(200_000) + &cut).as_bytes())]);
    let (code, report) = folder.report(&["."]);
    assert_eq!((code, &report["unreadable"][0]["file"]), (Some(3), &json!("./build.log")), "{report}");
}

/// Its name alone makes no certificate one of an authority.
#[test]
fn a_leaf_with_the_name_of_an_issuer_is_judged() {
    let [root_key, other_key] = [certificates::ec_key(), certificates::ec_key()];
    let shape = |subject, issuer, hosts| Shape { subject, issuer, hosts, ..Shape::default() };
    let root = certificates::shaped(&root_key, &Shape { is_ca: true, ..shape("localhost", "localhost", &[]) });
    let issued = |shape: &Shape<'_>| certificates::shaped_by(&root_key, &certificates::ec_key(), shape);
    let late = Shape { until: "20271231", ..shape("client", "localhost", &[]) };
    let client = issued(&late);
    // Others signed what names this one as its issuer, and it says nothing of its use.
    let stray = certificates::shaped_by(&other_key, &certificates::ec_key(), &shape("stray", "localhost", &[]));
    let of_stray = certificates::shaped_by(&other_key, &certificates::ec_key(), &Shape { issuer: "stray", ..late });
    // A server's that wrongly calls itself an authority's.
    let wrong = Shape { is_ca: true, key_usages: &["digitalSignature"], ..shape("b", "localhost", &["b.example"]) };
    for (bundle, leaves) in [
        ([issued(&shape("localhost", "localhost", &["localhost"])), client.clone(), root.clone()].concat(), 2),
        ([stray, of_stray, root.clone()].concat(), 2),
        ([issued(&wrong), client, root].concat(), 2),
    ] {
        let folder = Folder::new(&[("bundle.pem", &bundle)]);
        let (_, report) = folder.report(&[".", "--leaf-only"]);
        assert_eq!(report["summary"]["certificates"], leaves, "{report}");
        assert_eq!(report["summary"]["authorities"], 1, "{report}");
    }
}

fn apples_root() -> Vec<u8> {
    fs::read(root().join("src/certificate/apple-ca/apple-root-ca.cer")).unwrap()
}

/// As `openssl req -x509` makes it: CA:TRUE, no names of hosts and no word of what it is for.
#[test]
fn a_certificate_that_signed_itself_and_does_not_say_that_it_signs_others_is_a_leaf() {
    let own = certificates::server_with(&certificates::ec_key(), "intern", &[], "20260101", "20261213", true);
    let folder =
        Folder::new(&[("own.pem", &own), ("good.pem", &server(&["a.example"], "20260101", "20271231").certificate)]);
    let (code, report) = folder.report(&[".", "--leaf-only", "--fail", "20d"]);
    assert_eq!((code, files(&report["certificates"])), (Some(1), vec!["./own.pem", "./good.pem"]), "{report}");
    // Alone it is rather the authority of what is missing.
    assert_eq!(Folder::new(&[("own.pem", &own)]).report(&[".", "--leaf-only"]).0, Some(1));
    // Such as does say so is left out, and its file is told in every format.
    let good = server(&["a.example"], "20260101", "20271231").certificate;
    let folder = Folder::new(&[("root.cer", &apples_root()), ("good.pem", &good)]);
    let (code, report) = folder.report(&[".", "--leaf-only"]);
    assert_eq!((code, files(&report["certificates"])), (Some(0), vec!["./good.pem"]), "{report}");
    assert!(report["skipped"].as_array().unwrap().is_empty(), "{report}");
    for format in ["human", "github", "markdown", "html", "nagios"] {
        let run = folder.test(&[".", "--leaf-only", "--format", format]).run();
        assert!(run.text().contains("1 certificate of an authority left out (./root.cer)"), "{format}: {}", run.text());
    }
}

#[test]
fn many_files_with_authorities_are_told_shortly() {
    let good = server(&["a.example"], "20260101", "20271231").certificate;
    let folder = Folder::new(&[("good.pem", &good)]);
    for number in 1..=7 {
        folder.write(&format!("{number}.cer"), &apples_root());
    }
    let told = "7 certificates of authorities left out (./1.cer, ./2.cer, ./3.cer, ./4.cer, ./5.cer and 2 more files)";
    folder.test(&[".", "--leaf-only"]).stdout_contains(told).run();
}

/// As `git ls-files | xargs pushcert expiry` names them.
#[test]
fn a_text_of_another_kind_that_is_named_is_not_called_damaged() {
    let good = server(&["a.example"], "20260101", "20271231").certificate;
    let hint = "or their folder, in which files of other kinds are passed over";
    for (name, text) in [
        ("package.json", &b"{\n  \"name\": \"app\",\n  \"version\": \"1.0.0\"\n}\n"[..]),
        ("list.json", b"[1, 2, 3]"),
        ("schema.json", b"{\"type\": \"object\", \"properties\": {}}"),
        ("tsconfig.json", b"{\n  // for node\n  \"strict\": true,\n}\n"),
        ("Cargo.toml", b"[package]\nname = \"app\"\n"),
        ("compose.yaml", b"services:\n  app:\n    image: app\n"),
        ("README.md", b"# app\n\nSends pushes.\n"),
        ("main.py", b"print('hello')\n"),
    ] {
        let folder = Folder::new(&[(name, text), ("good.pem", &good)]);
        let run = folder.test(&[name, "good.pem"]).run();
        let told = run.text();
        assert!(run.code == Some(3) && !told.contains("damaged") && told.contains(hint), "{name}: {told}");
        assert!(told.contains("this is JSON without") || told.contains("this is not a certificate"), "{name}: {told}");
        assert_eq!(folder.report(&["."]).0, Some(0), "{name}");
    }
}

#[test]
fn a_manifest_in_a_folder_is_named_in_every_format() {
    let old = server(&["a.example"], "20251101", "20261120").certificate;
    let manifest = text(&secret("tls", "web", &[("tls.crt", &old)]));
    let folder = Folder::new(&[("infra/secret.yaml", &manifest)]);
    for format in ["human", "github", "junit", "markdown", "html", "prometheus", "ics"] {
        for paths in [&["."][..], &["infra", "--no-renewals"], &["infra/secret.yaml", "."]] {
            let run = folder.test(paths).args(["--format", format]).run();
            assert!(
                run.text().replace("\r\n ", "").contains("infra/secret.yaml: tls/web/tls.crt"),
                "{format}: {}",
                run.text()
            );
        }
    }
    // The path that was given alone is known to who reads it, but not to GitHub.
    for paths in [&["."][..], &["infra/secret.yaml"]] {
        let run = folder.test(paths).args(["--format", "github"]).run();
        let lines = ["::error file=infra/secret.yaml,", "::error file=./infra/secret.yaml,"];
        assert!(lines.iter().any(|line| run.text().contains(line)), "{}", run.text());
    }
    folder.test(&["infra/secret.yaml"]).stdout_contains("  tls/web/tls.crt").run();
    // Two, and what cannot be read of one.
    folder
        .write("east.yaml", &text(&secret("tls", "web", &[("tls.crt", &old), ("b.p12", &read("p12/truncated.p12"))])));
    let run = folder.test(&["."]).args(["--format", "github"]).run();
    let told = run.text();
    assert!(told.lines().filter(|line| line.starts_with("::error ")).all(|line| line.contains("file=")), "{told}");
}

#[test]
fn what_is_signed_is_judged() {
    use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
    let key = openssl::pkey::PKey::private_key_from_pem(&read("key/push.pem")).unwrap();
    let signer = push("com.example.a", "a", "20260101", "20271231");
    let signer = openssl::x509::X509::from_pem(&signer).unwrap();
    let sign = |text: &[u8]| {
        let certificates = openssl::stack::Stack::new().unwrap();
        Pkcs7::sign(&signer, &key, &certificates, text, Pkcs7Flags::BINARY).unwrap().to_der().unwrap()
    };
    let old = openssl::x509::X509::from_pem(&ends_soon("com.example.b")).unwrap().to_der().unwrap();
    let list = format!("<plist><dict><key>PayloadContent</key><data>{}</data></dict></plist>", BASE64.encode(&old));
    let config = sign(list.as_bytes());
    let (code, report) = Folder::new(&[("mdm.mobileconfig", &config)]).report(&["."]);
    assert_eq!((code, &report["summary"]["certificates"]), (Some(1), &json!(2)), "{report}");
    let p12 = read("p12/keychain-password.p12");
    let locked = list.replace(&BASE64.encode(&old), &BASE64.encode(&p12));
    assert_eq!(Folder::new(&[("mdm.mobileconfig", &sign(locked.as_bytes()))]).report(&["."]).0, Some(4));
    for (name, text, code) in [
        ("a.mobileconfig", &b"bplist00\xd1\x01"[..], 3),
        ("a.mobileprovision", b"hello", 3),
        ("a.provisionprofile", b"bplist00_DeveloperCertificates", 3),
        ("a.eml.p7m", b"Dear all,", 0),
    ] {
        let (ended, report) = Folder::new(&[(name, &sign(text))]).report(&["."]);
        assert_eq!(ended, Some(code), "{name} {report}");
    }
    // Signed again and again.
    let mut again = config;
    for _ in 0..4 {
        again = sign(&again);
    }
    assert_eq!(Folder::new(&[("mdm.mobileconfig", &again)]).report(&["."]).0, Some(3));
}

#[cfg(unix)]
#[test]
fn the_password_in_a_mounted_secret_opens_its_file() {
    use std::os::unix::fs::symlink;
    let folder =
        Folder::new(&[("..2026/push.p12", &read("p12/keychain-password.p12")), ("..2026/push.password", b"push\n")]);
    symlink("..2026", folder.path("..data")).unwrap();
    for name in ["push.p12", "push.password"] {
        symlink(format!("..data/{name}"), folder.path(name)).unwrap();
    }
    for path in [".", "push.p12"] {
        let (code, report) = folder.report(&[path]);
        assert_eq!(code, Some(0), "{report}");
        assert!(report["certificates"][0]["opened_by"].as_str().unwrap().ends_with("push.password"), "{report}");
    }
    folder.write("..2026/push.password", b"wrong");
    let (code, report) = folder.report(&["."]);
    assert_eq!(code, Some(4));
    let message = report["unreadable"][0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("what is in ./push.password does not open it"), "{message}");
    // Beside other files nothing is tried.
    let folder = Folder::new(&[("push.p12", &read("p12/keychain-password.p12")), ("push.password", b"push")]);
    assert_eq!(folder.report(&["."]).0, Some(4));
}

#[cfg(unix)]
#[test]
fn what_is_neither_file_nor_folder_is_named_and_never_opened() {
    use std::os::unix::fs::symlink;
    let good = push("com.example.a", "a", "20260101", "20271231");
    let folder = Folder::new(&[("good.pem", &good)]);
    symlink("/dev/zero", folder.path("zero")).unwrap();
    folder.test(&["."]).status(0).stdout_contains("zero: it is a pipe, a socket or a device").run();
    symlink("/dev/zero", folder.path("push.pem")).unwrap();
    let (code, report) = folder.report(&["."]);
    assert_eq!((code, &report["summary"]["unreadable"]), (Some(3), &json!(1)), "{report}");
    assert_eq!(folder.report(&[".", "--exclude", "push.pem"]).0, Some(0));
}

#[cfg(unix)]
#[test]
fn the_folder_of_a_mounted_secret_may_be_named_itself() {
    use std::os::unix::fs::symlink;
    let good = server(&["a.example"], "20260101", "20271231");
    let folder = Folder::new(&[
        ("m/..2026/tls.crt", &good.certificate),
        ("m/..2026/tls.key", &good.key),
        ("m/..2026/ca.crt", b""),
    ]);
    symlink("..2026", folder.path("m/..data")).unwrap();
    for named in ["m/..data", "m/..2026"] {
        let (code, report) = folder.report(&[named, "--expect-key"]);
        assert_eq!((code, &report["unreadable"]), (Some(0), &json!([])), "{named} {report}");
    }
    // Elsewhere what is empty was meant to be read.
    folder.write("other/ca.crt", b"");
    assert_eq!(folder.report(&["m/..data", "other"]).0, Some(3));
}

#[cfg(unix)]
#[test]
fn a_link_to_itself_leads_nowhere() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new(&[("good.cer", &read("der/universal.cer"))]);
    symlink("loop", folder.path("loop")).unwrap();
    let (code, report) = folder.report(&["."]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["summary"]["passed_over_kinds"], json!({"a link that leads nowhere": 1}), "{report}");
    let named = folder.test(&["loop"]).status(3).run();
    assert!(named.text().contains("it is a link that leads nowhere"), "{}", named.text());
    symlink("loop.pem", folder.path("loop.pem")).unwrap();
    assert_eq!(folder.report(&["."]).0, Some(3));
}

#[cfg(unix)]
#[test]
fn a_rule_calls_a_file_by_a_path_through_a_link_or_by_where_that_leads() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new(&[("archive/2026/push.p12", &read("p12/keychain-password.p12"))]);
    symlink("archive/2026", folder.path("live")).unwrap();
    let whole = folder.0.path().canonicalize().unwrap();
    for (named, rule) in [
        ("live", "live/push.p12".to_owned()),
        ("live", "archive/2026/push.p12".to_owned()),
        ("live", "push.p12".to_owned()),
        ("live/../2026", "archive/2026/*.p12".to_owned()),
        ("live", whole.join("archive/2026/push.p12").display().to_string()),
        ("live", whole.join("live/push.p12").display().to_string()),
    ] {
        folder.write("passwords.txt", format!("{rule} = pass:push\n").as_bytes());
        let run = folder.test(&[named, "--passwords", "passwords.txt"]).run();
        assert_eq!(run.code, Some(0), "{named} {rule}: {}", run.text());
        assert_eq!(run.stderr, "", "{named} {rule}");
    }
}

#[test]
fn what_is_renewed_alarms_nobody() {
    let new = [push("com.example.a", "a", "20261101", "20271231"), read("key/push.pem")].concat();
    let folder = Folder::new(&[("old.pem", &ends_soon("com.example.a")), ("new.pem", &new)]);
    let calendar = String::from_utf8(folder.test(&[".", "--format", "ics"]).run().stdout).unwrap();
    let calendar = calendar.replace("\r\n ", "");
    assert_eq!((calendar.matches("BEGIN:VEVENT").count(), calendar.matches("BEGIN:VALARM").count()), (2, 1));
    assert!(calendar.contains("Renewed by ./new.pem until 2027-12-31"), "{calendar}");
    folder.test(&[".", "--format", "nagios"]).stdout_contains("days_left=402;30:;7:").run();
    let metrics = folder.test(&[".", "--format", "prometheus"]).run();
    let renewed = metrics.text().lines().filter(|line| line.starts_with("pushcert_certificate_renewed{"));
    let mut values: Vec<_> = renewed.map(|line| (line.contains("./old.pem"), line.ends_with("} 1"))).collect();
    values.sort_unstable();
    assert_eq!(values, [(false, false), (true, true)]);
}

#[test]
fn the_password_in_the_secret_opens_its_file_and_is_named() {
    let p12 = read("p12/keychain-password.p12");
    for entry in [
        "password",
        "push.password",
        "p12-password",
        "passphrase",
        "P12_PASSWORD",
        "pwd",
        "push.p12.pwd",
        "KEYSTORE_PWD",
    ] {
        for password in [&b"push"[..], b"push\n", b"push\r\n"] {
            let all = [("push.p12", &p12[..]), ("a-password", b"wrong"), (entry, password)];
            let folder = Folder::new(&[("s.json", &text(&secret("prod", "push", &all)))]);
            let (code, report) = folder.report(&["s.json", "--expect-key"]);
            assert_eq!(code, Some(0), "{entry} {report}");
            assert_eq!(report["certificates"][0]["opened_by"], format!("prod/push/{entry}"));
            let opened = format!("opened with {}", format_args!("prod/push/{entry}"));
            let marked = format!("opened with `prod/push/{entry}`");
            folder.test(&["s.json", "--format", "markdown"]).stdout_contains(&marked).status(0).run();
            for format in ["human", "html", "github", "junit", "nagios"] {
                folder.test(&["s.json", "--format", format]).stdout_contains(&opened).status(0).run();
            }
        }
    }
    // One of another Secret is not tried, and neither is anything but a password.
    let dump = json!([
        secret("prod", "push", &[("push.p12", &p12), ("note", b"push")]),
        secret("prod", "other", &[("password", b"push")])
    ]);
    assert_eq!(Folder::new(&[("s.json", &text(&dump))]).report(&["s.json"]).0, Some(4));
}

#[test]
fn a_password_is_undone_as_often_as_the_file_that_it_opens() {
    let twice = |bytes: &[u8]| BASE64.encode(bytes).into_bytes();
    let p12 = twice(&read("p12/keychain-password.p12"));
    for password in [twice(b"push"), twice(b"push\n"), [&twice(b"push")[..], b"\n"].concat(), b"push".to_vec()] {
        let dump = text(&secret("ns", "s", &[("push.p12", &p12), ("password", &password)]));
        let (code, report) = Folder::new(&[("s.json", &dump)]).report(&["s.json"]);
        assert_eq!((code, &report["certificates"][0]["opened_by"]), (Some(0), &json!("ns/s/password")), "{report}");
    }
}

#[test]
fn keys_are_found_by_what_they_are() {
    let (one, two) = (server(&["a.example"], "20260101", "20271231"), server(&["b.example"], "20260101", "20271231"));
    let folder = Folder::new(&[
        ("a/tls.crt", &one.certificate),
        ("a/tls.key", &one.key),
        ("live/b/cert.pem", &two.certificate),
        ("live/b/privkey.pem", &two.key),
    ]);
    let (code, report) = folder.report(&[".", "--expect-key"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(report["certificates"].as_array().unwrap().iter().all(|one| one["key_matches"] == true), "{report}");
    // The key of the one beside the other is no match.
    fs::remove_file(folder.path("live/b/privkey.pem")).unwrap();
    let (code, report) = folder.report(&[".", "--expect-key"]);
    assert_eq!((code, &report["summary"]["failures"]), (Some(1), &json!(1)), "{report}");
    // Files that are named belong together too, and a key that belongs to none is still named.
    let named = ["a/tls.crt", "a/tls.key", "--expect-key"];
    assert_eq!(folder.report(&named).0, Some(0));
    folder.write("other.key", &two.key);
    assert_eq!(folder.report(&["a/tls.crt", "other.key"]).0, Some(3));
}

#[test]
fn a_self_made_authority_with_its_key_in_another_file_is_a_leaf() {
    let key = certificates::ec_key();
    let certificate = certificates::server_with(&key, "self", &["a.example"], "20251101", "20261127", true);
    let folder = Folder::new(&[("tls.crt", &certificate), ("tls.key", &key.private_key_to_pem_pkcs8().unwrap())]);
    let (code, report) = folder.report(&[".", "--leaf-only", "--expect-key"]);
    assert_eq!((code, &report["certificates"][0]["role"]), (Some(1), &json!("leaf")), "{report}");
    assert_eq!(report["summary"]["failures"], 1);
    fs::remove_file(folder.path("tls.key")).unwrap();
    let (_, report) = folder.report(&["."]);
    assert_eq!(report["certificates"][0]["role"], "root");
}

#[test]
fn a_renewal_that_is_there_keeps_the_old_one_from_failing_until_it_expires() {
    let old = ends_soon("com.example.a");
    let new = [push("com.example.a", "a", "20261101", "20271231"), read("key/push.pem")].concat();
    let folder = Folder::new(&[("old.pem", &old), ("new/push.pem", &new)]);
    let (code, report) = folder.report(&["."]);
    let renewed = &report["certificates"][0];
    assert_eq!((code, &renewed["verdict"], &renewed["file"]), (Some(0), &json!("ok"), &json!("./old.pem")), "{report}");
    assert_eq!(renewed["renewed_by"]["file"], "./new/push.pem");
    assert_eq!(renewed["findings"][0]["code"], "renewed");
    assert_eq!((&report["summary"]["renewed"], &report["summary"]["ok"]), (&json!(1), &json!(2)));
    for format in ["human", "html", "github", "nagios", "junit"] {
        folder.test(&[".", "--format", format]).status(0).stdout_contains("2 ok (1 renewed)").run();
    }
    folder.test(&["."]).stdout_contains("is renewed by ./new/push.pem until 2027-12-31").run();
    assert_eq!(folder.report(&[".", "--no-renewals"]).0, Some(1));
    folder.write("old.pem", &push("com.example.a", "a", "20251101", "20261123"));
    assert_eq!(folder.report(&["."]).0, Some(1), "what has expired may still be served");
}

#[test]
fn only_a_renewal_for_the_same_that_can_be_used_now_counts() {
    let key = read("key/push.pem");
    let old = ends_soon("com.example.a");
    let with_key = |certificate: Vec<u8>| [certificate, key.clone()].concat();
    for (what, new) in [
        ("without its key", push("com.example.a", "a", "20261101", "20271231")),
        ("of another app", with_key(push("com.example.b", "a", "20261101", "20271231"))),
        ("not valid yet", with_key(push("com.example.a", "a", "20261125", "20271231"))),
        ("no later", with_key(ends_soon("com.example.a"))),
    ] {
        assert_eq!(Folder::new(&[("old.pem", &old), ("new.pem", &new)]).report(&["."]).0, Some(1), "{what}");
    }
    let pair = |old: &[&str], new: &[&str]| {
        let old = server(old, "20251101", "20261127");
        let new = server(new, "20261101", "20271231");
        let files = [
            ("archive/cert1.pem", &old.certificate[..]),
            ("archive/cert2.pem", &new.certificate),
            ("key2.pem", &new.key),
        ];
        Folder::new(&files).report(&["."]).0
    };
    assert_eq!(pair(&["a.example", "b.example"], &["B.example", "a.example"]), Some(0));
    assert_eq!(pair(&["a.example"], &["a.example", "b.example"]), Some(0), "it may be for more");
    assert_eq!(pair(&["a.example", "b.example"], &["a.example"]), Some(1), "one name is lost");
    assert_eq!(pair(&["a.c.example"], &["*.c.example"]), Some(0));
    assert_eq!(pair(&["c.example"], &["*.example"]), Some(1), "there is no wildcard for a top-level domain");
    // Servers have a certificate for each kind of key; what is numbered is the next version.
    let other_kind = {
        let rsa = openssl::pkey::PKey::private_key_from_pem(&key).unwrap();
        with_key(certificates::server_with(&rsa, "server", &["a.example"], "20261101", "20271231", false))
    };
    let old = server(&["a.example"], "20251101", "20261127").certificate;
    let code =
        |old_name: &str, new_name: &str| Folder::new(&[(old_name, &old), (new_name, &other_kind)]).report(&["."]).0;
    assert_eq!((code("cert1.pem", "cert2.pem"), code("a/tls.crt", "a_rsa/tls.crt")), (Some(0), Some(1)));
}

#[test]
fn in_one_file_the_first_counts() {
    let key = read("key/push.pem");
    let (old, new) = (ends_soon("com.example.a"), push("com.example.a", "a", "20261101", "20271231"));
    let hosts = server(&["a.example"], "20251101", "20261127");
    let later = server(&["a.example"], "20261101", "20271231");
    let servers = [[&hosts.certificate[..], &hosts.key].concat(), [&later.certificate[..], &later.key].concat()];
    for (what, first, second, keys) in
        [("one key", &old, &new, &key[..]), ("keys of their own", &servers[0], &servers[1], b"")]
    {
        for (order, code) in [([first, second], Some(1)), ([second, first], Some(0))] {
            let both = [order[0], order[1], keys].concat();
            let certificates = [&order[0][..], order[1]].concat();
            let entries: &[(&str, &[u8])] =
                if keys.is_empty() { &[("tls.pem", &both)] } else { &[("tls.crt", &certificates), ("tls.key", keys)] };
            let dump = text(&secret("ns", "tls", entries));
            for folder in [
                Folder::new(&[("site.pem", &both)]),
                Folder::new(&[("s.json", &dump)]),
                // A copy elsewhere changes nothing of the file that is served.
                Folder::new(&[("site.pem", &both), ("new.pem", &[second, keys].concat())]),
            ] {
                let (found, report) = folder.report(&["."]);
                assert_eq!(found, code, "{what}: {report}");
                let hint = report["certificates"][0]["findings"][0]["hint"].as_str().unwrap_or_default();
                let told = hint.starts_with("its renewal until 2027-12-31 stands behind it in the file, and programs that read the file as a whole take the first");
                assert_eq!(told, code == Some(1), "{what}: {hint}");
            }
            if !keys.is_empty() {
                let folder = Folder::new(&[("site.p12", &two_in_pkcs12(order[0], order[1], keys))]);
                assert_eq!(folder.report(&[".", "--passin", "pass:push"]).0, code, "{what}");
            }
        }
    }
    // What stands before both is what programs take.
    let middle = push("com.example.a", "b", "20261101", "20271201");
    let folder = Folder::new(&[("site.pem", &[&middle[..], &old, &new, &key].concat())]);
    assert_eq!(folder.report(&["."]).0, Some(0));
}

/// Returns a PKCS#12 file of two certificates and the key of both.
fn two_in_pkcs12(first: &[u8], second: &[u8], key: &[u8]) -> Vec<u8> {
    let mut others = openssl::stack::Stack::new().unwrap();
    others.push(openssl::x509::X509::from_pem(second).unwrap()).unwrap();
    let mut builder = openssl::pkcs12::Pkcs12::builder();
    builder.pkey(&openssl::pkey::PKey::private_key_from_pem(key).unwrap());
    builder.cert(&openssl::x509::X509::from_pem(first).unwrap()).ca(others);
    builder.build2("push").unwrap().to_der().unwrap()
}

/// Returns what becomes of an old certificate where a new one with its key is in another folder.
fn renewed(old: &Shape<'_>, new: &Shape<'_>) -> (Option<i32>, Value) {
    renewed_in("1/tls.pem", "2/tls.pem", old, new)
}

fn renewed_in(old_name: &str, new_name: &str, old: &Shape<'_>, new: &Shape<'_>) -> (Option<i32>, Value) {
    let key = certificates::ec_key();
    let old = certificates::shaped(&certificates::ec_key(), &Shape { from: "20251101", until: "20261127", ..*old });
    let new = certificates::shaped(&key, &Shape { from: "20261101", until: "20271231", ..*new });
    let new = [new, key.private_key_to_pem_pkcs8().unwrap()].concat();
    Folder::new(&[(old_name, &old), (new_name, &new)]).report(&["."])
}

#[test]
fn what_has_no_host_is_renewed_by_the_same_name() {
    let client = Shape { subject: "kubelet-client", issuer: "kubernetes", usages: &["clientAuth"], ..Shape::default() };
    assert_eq!(renewed(&client, &client).0, Some(0));
    assert_eq!(renewed(&client, &Shape { subject: "admin", ..client }).0, Some(1));
    assert_eq!(renewed(&client, &Shape { issuer: "other", ..client }).0, Some(1));
    assert_eq!(renewed(&client, &Shape { usages: &["serverAuth"], ..client }).0, Some(1));
    let workload = Shape { subject: "", uris: &["spiffe://a/ns/b"], ..client };
    assert_eq!(renewed(&workload, &workload).0, Some(0));
    assert_eq!(renewed(&workload, &Shape { uris: &["spiffe://a/ns/c"], ..workload }).0, Some(1));
    let nameless = Shape { uris: &[], ..workload };
    assert_eq!(renewed(&nameless, &nameless).0, Some(1));
}

#[test]
fn what_compare_refuses_or_warns_of_renews_nothing() {
    let server = Shape { issuer: "ca", hosts: &["a.example"], ..Shape::default() };
    assert_eq!(renewed(&server, &server).0, Some(0));
    for other in [
        Shape { key_usages: &["keyCertSign"], ..server },
        Shape { has_unknown_critical: true, ..server },
        Shape { is_ca: true, ..server },
        Shape { issuer: "server", ..server },
    ] {
        assert_eq!(renewed(&server, &other).0, Some(1));
    }
    // An authority that has issued something else is no leaf; one that has not is renewed with its own key alone.
    let authority = Shape { hosts: &[], is_ca: true, ..server };
    assert_eq!(renewed(&authority, &authority).0, Some(1));
}

#[test]
fn a_server_that_is_no_client_any_more_is_renewed_with_a_note() {
    let both = Shape { issuer: "ca", hosts: &["a.example"], usages: &["serverAuth", "clientAuth"], ..Shape::default() };
    let server = Shape { usages: &["serverAuth"], ..both };
    assert_eq!(renewed(&both, &server).0, Some(1), "peers have an authority of their own");
    let (code, report) = renewed(&both, &Shape { is_public: true, ..server });
    let renewal = &report["certificates"][0];
    let message = renewal["findings"][0]["message"].as_str().unwrap();
    assert!(code == Some(0) && message.contains("and not for clientAuth: enough for a server"), "{report}");
    assert!(renewal["renewed_by"]["note"].is_string(), "{report}");
}

#[test]
fn two_that_are_in_use_beside_each_other_are_no_renewal() {
    let both = Shape { issuer: "ca", hosts: &["node1.example"], ..Shape::default() };
    let code = |old: &str, new: &str| renewed_in(old, new, &both, &both).0;
    assert_eq!((code("etcd/peer.crt", "etcd/server.crt"), code("etcd/peer.crt", "new/peer.crt")), (Some(1), Some(0)));
    assert_eq!((code("peer-1.crt", "peer-2.crt"), code("peer.crt", "renewed.crt")), (Some(0), Some(0)));
    let (_, report) = renewed_in("etcd/peer.crt", "etcd/server.crt", &both, &both);
    let hint = report["certificates"][0]["findings"][0]["hint"].as_str().unwrap();
    assert!(hint.starts_with("./etcd/server.crt is for the same, but seems to be in use beside it"), "{report}");
}

#[cfg(unix)]
#[test]
fn what_a_link_still_leads_to_is_not_renewed() {
    let (old, new) = (server(&["a.example"], "20251101", "20261127"), server(&["a.example"], "20261101", "20271231"));
    let folder = Folder::new(&[
        ("archive/cert1.pem", &old.certificate),
        ("archive/cert2.pem", &new.certificate),
        ("archive/privkey2.pem", &new.key),
        ("live/README", b"of certbot"),
    ]);
    assert_eq!(folder.report(&["."]).0, Some(0));
    for (target, expected) in [("cert1.pem", 1), ("cert2.pem", 0)] {
        let _ = fs::remove_file(folder.path("live/cert.pem"));
        std::os::unix::fs::symlink(format!("../archive/{target}"), folder.path("live/cert.pem")).unwrap();
        let run = folder.test(&["."]).status(expected).run();
        assert_eq!(run.text().contains("but a link leads to this one still"), expected == 1, "{}", run.text());
    }
}

/// Returns the hint of the first certificate that is not renewed, or its renewal's note.
fn first_hint(report: &Value) -> &str {
    report["certificates"][0]["findings"][0]["hint"].as_str().unwrap_or_default()
}

#[cfg(unix)]
#[test]
fn links_count_whether_they_are_named_excluded_or_lead_to_folders() {
    use std::os::unix::fs::symlink;
    let (old, new) = (server(&["a.example"], "20251101", "20261127"), server(&["a.example"], "20261101", "20271231"));
    let folder = Folder::new(&[
        ("releases/1/cert.pem", &old.certificate),
        ("releases/2/cert.pem", &new.certificate),
        ("releases/2/privkey.pem", &new.key),
        ("live/README", b"of certbot"),
        ("links/README", b"of a service"),
    ]);
    let point = |name: &str, target: &str| {
        let _ = fs::remove_file(folder.path(name));
        if !target.is_empty() {
            symlink(target, folder.path(name)).unwrap();
        }
    };
    assert_eq!(folder.report(&["."]).0, Some(0));
    for (arguments, link, target) in [
        (&["."][..], "live/a.pem", "../releases/1/cert.pem"),
        (&[".", "--exclude", "live"], "live/a.pem", "../releases/1/cert.pem"),
        (&[".", "--exclude", "a.pem"], "live/a.pem", "../releases/1/cert.pem"),
        (&[".", "--include", "{cert,privkey}.pem"], "live/a.pem", "../releases/1/cert.pem"),
        (&["live/a.pem", "releases"], "live/a.pem", "../releases/1/cert.pem"),
        (&["releases", "live/a.pem"], "live/a.pem", "../releases/1/cert.pem"),
        (&["."], "current", "releases/1"),
        (&["current", "releases"], "current", "releases/1"),
        (&["releases"], "releases/current", "1"),
        (&["releases", "--exclude", "current"], "releases/current", "1"),
    ] {
        point(link, target);
        let (code, report) = folder.report(arguments);
        assert_eq!(code, Some(1), "{arguments:?} {link}: {report}");
        let hint = first_hint(&report);
        assert!(hint.contains("but a link leads to this one still: ") && hint.ends_with(link), "{hint}");
        point(link, &target.replace('1', "2"));
        assert_eq!(folder.report(arguments).0, Some(0), "{arguments:?} {link}");
        point(link, "");
    }
    // What a link calls the previous one is not in use, and neither is what OpenSSL finds by its hash.
    for link in ["links/previous.pem", "links/3e44d2f7.0"] {
        point(link, "../releases/1/cert.pem");
        assert_eq!(folder.report(&["."]).0, Some(0), "{link}");
    }
    // Unless that is a part of a name. A folder so called counts beside a link to the new one.
    for link in ["links/backup-server.pem", "legacy-shop", "previous/push.pem"] {
        fs::create_dir_all(folder.path("previous")).unwrap();
        fs::create_dir_all(folder.path("current")).unwrap();
        point(link, if link.contains('/') { "../releases/1/cert.pem" } else { "releases/1" });
        assert_eq!(folder.report(&["."]).0, Some(1), "{link}");
        if link.contains("previous") {
            point("current/push.pem", "../releases/2/cert.pem");
            assert_eq!(folder.report(&["."]).0, Some(0), "{link}");
        }
        point(link, "");
    }
    point("current/push.pem", "");
    point("links/nginx.pem", "../releases/1/cert.pem");
    point("links/haproxy.pem", "../releases/2/cert.pem");
    let (code, report) = folder.report(&["."]);
    assert!(code == Some(1) && first_hint(&report).contains("in use beside it: a link leads to each"), "{report}");
}

#[test]
fn two_objects_of_a_cluster_are_both_in_use() {
    let (old, new) = (server(&["a.example"], "20251101", "20261127"), server(&["a.example"], "20261101", "20271231"));
    let report = |old_name: &str, new_name: &str| {
        let new = secret("prod", new_name, &[("tls.crt", &new.certificate), ("tls.key", &new.key)]);
        let list = json!([secret("prod", old_name, &[("tls.crt", &old.certificate)]), new]);
        Folder::new(&[("all.json", &text(&list))]).report(&["."])
    };
    assert_eq!((report("ex-v1", "ex-v2").0, report("ex", "ex-renewed").0), (Some(0), Some(0)));
    assert_eq!(report("web-1", "web-2").0, Some(1));
    let (code, report) = report("shop-tls", "mail-tls");
    let hint = first_hint(&report);
    assert_eq!(code, Some(1));
    assert!(hint.starts_with("prod/mail-tls/tls.crt is for the same, but seems to be in use beside it: "), "{hint}");
}

#[test]
fn a_format_that_was_not_made_anew_is_not_renewed() {
    let key = read("key/push.pem");
    let new = [push("com.example.a", "a", "20261101", "20271231"), key].concat();
    let code = |old: &str| Folder::new(&[(old, &ends_soon("com.example.a")), ("push.pem", &new)]).report(&["."]);
    let (status, report) = code("push.cer");
    assert_eq!((status, code("aps.cer").0, code("push.pem.old").0), (Some(1), Some(0), Some(0)));
    let expected =
        "./push.pem is for the same, and this one has its name in another format: make it anew from that, or remove it";
    assert_eq!(first_hint(&report), expected);
}

#[test]
fn services_that_share_names_of_one_machine_are_told_apart_by_their_subjects() {
    for (hosts, addresses) in
        [(&["localhost"][..], &[][..]), (&["localhost"], &["127.0.0.1"]), (&[], &["10.0.0.7"]), (&["db"], &["::1"])]
    {
        let redis = Shape { subject: "redis", issuer: "ca", hosts, addresses, ..Shape::default() };
        assert_eq!(renewed(&redis, &redis).0, Some(0), "{hosts:?}");
        assert_eq!(renewed(&redis, &Shape { subject: "postgres", ..redis }).0, Some(1), "{hosts:?}");
    }
    let site = Shape { subject: "a", issuer: "ca", hosts: &["localhost", "a.example"], ..Shape::default() };
    assert_eq!(renewed(&site, &Shape { subject: "b", ..site }).0, Some(0));
}

#[test]
fn a_dot_at_the_end_of_a_host_renews_nothing_that_has_none() {
    let dotted = Shape { issuer: "ca", hosts: &["a.example."], ..Shape::default() };
    let plain = Shape { hosts: &["a.example"], ..dotted };
    assert_eq!((renewed(&dotted, &plain).0, renewed(&plain, &dotted).0), (Some(0), Some(1)));
}

#[test]
fn another_issuer_of_a_renewal_is_told() {
    let old = Shape { issuer: "R10", hosts: &["a.example"], ..Shape::default() };
    let (code, report) = renewed(&old, &Shape { issuer: "(STAGING) Riddling Rhubarb R12", ..old });
    let expected = "the issuer has changed from CN=R10 to CN=(STAGING) Riddling Rhubarb R12";
    let renewed_by = &report["certificates"][0]["renewed_by"];
    assert_eq!((code, &renewed_by["note"]), (Some(0), &json!(expected)), "{report}");
    let message = report["certificates"][0]["findings"][0]["message"].as_str().unwrap();
    assert!(message.ends_with(&format!("; {expected}")), "{message}");
    let (_, report) = renewed(&old, &old);
    assert_eq!(report["certificates"][0]["renewed_by"].get("note"), None, "{report}");
}

#[test]
fn a_renewal_is_found_among_very_many_of_one_name() {
    let folder = Folder::new(&[]);
    for number in 0..120 {
        let host = format!("node{number}.example");
        let one = server(&["all.example", &host], "20261101", "20281231");
        folder.write(&format!("node{number}/tls.pem"), &[one.certificate, one.key].concat());
    }
    let old = server(&["all.example", "node500.example"], "20251101", "20261127");
    let new = server(&["all.example", "node500.example"], "20261101", "20271231");
    folder.write("node500/1/tls.pem", &old.certificate);
    folder.write("node500/2/tls.pem", &[new.certificate, new.key].concat());
    let (code, report) = folder.report(&["."]);
    let found = &report["certificates"][0]["renewed_by"]["file"];
    assert_eq!((code, found), (Some(0), &json!("./node500/2/tls.pem")));
}

#[test]
fn an_object_that_a_dump_has_twice_is_judged_once_unless_the_two_differ() {
    let good = push("com.example.a", "a", "20260101", "20271231");
    let dump = |items: Value| text(&json!({"apiVersion": "v1", "kind": "List", "items": items}));
    let (one, other) = (secret("prod", "push", &[("tls.crt", &good)]), secret("test", "push", &[("tls.crt", &good)]));
    let joined = [text(&one), text(&one)].concat();
    for (dump, expected) in [
        (dump(json!([one, one])), vec!["prod/push/tls.crt"]),
        (dump(json!([one, other, one])), vec!["prod/push/tls.crt", "test/push/tls.crt"]),
        (joined, vec!["prod/push/tls.crt"]),
    ] {
        let (code, report) = Folder::new(&[("all.json", &dump)]).report(&["."]);
        assert_eq!((code, files(&report["certificates"])), (Some(0), expected), "{report}");
    }
    // Both are judged: nothing tells that the one took the place of the other.
    let key = read("key/push.pem");
    let of = |from, until| [push("com.example.a", "a", from, until), key.clone()].concat();
    let (old, new) = (of("20251101", "20261127"), of("20261101", "20271231"));
    let items = json!([secret("prod", "push", &[("push.pem", &old)]), secret("prod", "push", &[("push.pem", &new)])]);
    let (code, report) = Folder::new(&[("all.json", &dump(items))]).report(&["."]);
    assert_eq!((code, files(&report["certificates"])), (Some(1), vec!["prod/push/push.pem"; 2]), "{report}");
    assert!(report.to_string().contains("both have this name in a dump"), "{report}");
    // Without a namespace they may be two versions of one object.
    let mut items = json!([secret("", "push", &[("push.pem", &old)]), secret("", "push", &[("push.pem", &new)])]);
    for item in items.as_array_mut().unwrap() {
        item["metadata"].as_object_mut().unwrap().remove("namespace");
    }
    assert_eq!(Folder::new(&[("all.json", &dump(items))]).report(&["."]).0, Some(0));
}

#[test]
fn what_yaml_says_by_aliases_and_merge_keys_is_not_passed_over() {
    let cert = BASE64.encode(&ends_soon("com.example.a"));
    let head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\n";
    for dump in [
        format!("base: &base\n  tls.crt: {cert}\n{head}data:\n  <<: *base\n"),
        format!("base: &base\n  tls.crt: {cert}\n{head}data: *base\n"),
        format!("{head}<<:\n  data:\n    tls.crt: {cert}\n"),
    ] {
        let (code, report) = Folder::new(&[("x.yaml", dump.as_bytes())]).report(&[".", "--min-certificates", "0"]);
        let error =
            "./x.yaml: the file is not read to its end: YAML: has an alias, a merge key (<<) or a key that is no text";
        // What is found in the base is judged all the same.
        let expected = if files(&report["certificates"]).is_empty() { Some(3) } else { Some(1) };
        assert_eq!((code, &report["unreadable"][0]["error"]["message"]), (expected, &json!(error)), "{report}");
    }
    for other in [
        "x: &a 1\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: *a\n",
        // Objects and programs that name a Secret and have none in them.
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  valuesFrom:\n    - kind: Secret\n  values: &v\n    a: 1\n  b: *v\n",
        "apiVersion: v1\nx: &x\n  script:\n    - |\n      kind: Secret\njob:\n  <<: *x\n",
        // Ansible: a playbook, tasks, and tasks in one line; other lists.
        "- hosts: all\n  vars: &v\n    a: 1\n  environment: *v\n  tasks:\n  - kubernetes.core.k8s:\n      definition:\n        apiVersion: v1\n        kind: Secret\n",
        "---\n- name: a Secret\n  k8s: &k\n    resource_definition:\n      apiVersion: v1\n      kind: Secret\n      data: *d\n",
        "- k8s: {definition: {apiVersion: v1, kind: Secret, data: *d}}\n",
        "- k8s_info:\n    apiVersion: v1\n    kind: Secret\n    x: &x 1\n    y: *x\n",
        "items:\n  - env: &e\n      apiVersion: v1\n      kind: Secret\n  - env: *e\n",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\na: &a x\nb: *a\npatches:\n- target:\n    kind: Secret\n",
    ] {
        let report = Folder::new(&[("x.yaml", other.as_bytes())]).report(&[".", "--min-certificates", "0"]);
        assert_eq!(report.0, Some(0), "{other}");
    }
    for list in [
        "x: &x\n  a: 1\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data:\n    <<: *x\n    b: CERT\n",
        "- apiVersion: v1\n  kind: Secret\n  data: &d\n    b: CERT\n- apiVersion: v1\n  kind: Secret\n  data: *d\n",
        "-   kind: Secret\n    apiVersion: v1\n    data: &d {b: CERT}\n    x: *d\n",
        "-   apiVersion: v1\n    kind: Secret\n    data: &d {b: CERT}\n    x: *d\n",
        "-\n  apiVersion: v1\n  'kind': Secret\n  data: &d {b: CERT}\n  x: *d\n",
        "- &s\n  apiVersion: v1\n  kind: Secret\n  data: {b: CERT}\n- *s\n",
        "- {apiVersion: v1, kind: Secret, data: &d {b: CERT}, x: *d}\n",
    ] {
        let list = list.replace("CERT", &cert);
        let (code, report) = Folder::new(&[("x.yaml", list.as_bytes())]).report(&[".", "--min-certificates", "0"]);
        assert_eq!(report["summary"]["unreadable"], 1, "{list}: {report}");
        assert_ne!(code, Some(0), "{list}");
    }
}

#[test]
fn a_field_that_stands_twice_is_no_damage() {
    let cert = BASE64.encode(&server(&["a.example"], "20260101", "20271231").certificate);
    let dump = format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ndata:\n  a: {cert}\ndata:\n  a: {cert}\n");
    let (code, report) = Folder::new(&[("x.yaml", dump.as_bytes())]).report(&["."]);
    let error = &report["unreadable"][0]["error"];
    let message = error["message"].as_str().unwrap();
    assert_eq!((code, &error["hint"]), (Some(3), &json!("keep one of the two, and remove the other")), "{report}");
    assert!(
        message.ends_with("the file can be read in two ways: the field data of an object: stands there twice"),
        "{message}"
    );
}

#[test]
fn a_renewal_is_of_the_same_service_and_not_made_by_itself() {
    let code = |old: [&str; 2], new: [&str; 2], host: &str| {
        let key = certificates::ec_key();
        let old = certificates::server_of(&certificates::ec_key(), old, &[host], "20251101", "20261127", false);
        let new = certificates::server_of(&key, new, &[host], "20261101", "20271231", false);
        let new = [new, key.private_key_to_pem_pkcs8().unwrap()].concat();
        Folder::new(&[("old.pem", &old), ("new.pem", &new)]).report(&["."]).0
    };
    assert_eq!(code(["postgres", "ca"], ["postgres", "ca"], "localhost"), Some(0));
    assert_eq!(code(["postgres", "ca"], ["redis", "ca"], "localhost"), Some(1));
    assert_eq!(code(["a", "ca"], ["b", "other ca"], "a.example"), Some(0));
    assert_eq!(code(["a", "ca"], ["a", "a"], "a.example"), Some(1));
    assert_eq!(code(["a", "a"], ["a", "ca"], "a.example"), Some(0));
    assert_eq!(code(["a", "a"], ["a", "a"], "a.example"), Some(0));
}

#[test]
fn an_authority_renews_no_leaf() {
    let old = server(&["a.example"], "20251101", "20261127");
    let code = |is_ca: bool| {
        let key = certificates::ec_key();
        let new = certificates::server_with(&key, "server", &["a.example"], "20261101", "20271231", is_ca);
        let new = [new, key.private_key_to_pem_pkcs8().unwrap()].concat();
        Folder::new(&[("old.pem", &old.certificate), ("new.pem", &new)]).report(&["."]).0
    };
    assert_eq!((code(false), code(true)), (Some(0), Some(1)));
}

#[test]
fn what_is_packed_in_an_unknown_way_is_not_passed_over() {
    for name in ["push.p12.gpg", "expired.pem.zst", "certs.pfx.enc"] {
        let folder =
            Folder::new(&[("good.cer", &read("der/universal.cer")), (name, b"\x8c\r\x04\t\x03\x02\xff\xfe\x00")]);
        let (code, report) = folder.report(&["."]);
        assert_eq!((code, &report["summary"]["unreadable"]), (Some(3), &json!(1)), "{name}: {report}");
    }
    let folder = Folder::new(&[("good.cer", &read("der/universal.cer")), ("push.p12.sha256", b"e3b0c442  push.p12\n")]);
    assert_eq!(folder.report(&["."]).0, Some(0));
}

/// What is left of a certificate that a template, a script or a person has blanked.
const BLANKED: [&str; 7] = ["", "\n", "$CERT\n", "<no value>\n", "null\n", "[REDACTED]\n", "MIIF\n"];

#[test]
fn a_certificate_that_was_blanked_is_a_failure_beside_a_key_and_alone() {
    let (good, key) = (push("com.example.b", "b", "20260101", "20271231"), read("key/push.pem"));
    let key = String::from_utf8(key).unwrap();
    let request = String::from_utf8(read("csr/request.certSigningRequest")).unwrap();
    let indented = key.replace('\n', "\n    ");
    let blocks = BLANKED.map(|body| format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"));
    let cut = ["-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMIIF\n", "-----BEGIN CERTIFICATE-----"];
    let mut files = Vec::new();
    for block in blocks.iter().map(String::as_str).chain(cut) {
        let yaml = block.replace('\n', "\n    ");
        files.push(("apns.txt", format!("{key}{block}")));
        files.push(("apns.txt", format!("{key}\n# the certificate\n{block}")));
        files.push(("haproxy-site", format!("{}{block}", String::from_utf8(good.clone()).unwrap())));
        files.push(("request.txt", format!("{request}{block}")));
        files.push(("values.yaml", format!("apns:\n  key: |\n    {indented}\n  cert: |\n    {yaml}\n")));
        files.push(("client.ovpn", format!("client\n<key>\n{key}</key>\n<cert>\n{block}\n</cert>\n")));
        files.push(("site.conf", block.to_owned()));
        files.push(("site.conf", format!("# the certificate\n{block}")));
    }
    files.push(("apns.txt", format!("{key}-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n")));
    files.push(("keys.json", json!({"key": key, "cert": blocks[0]}).to_string()));
    for (name, bytes) in &files {
        let folder = Folder::new(&[("good.pem", &good), (name, bytes.as_bytes())]);
        let (code, report) = folder.report(&["."]);
        assert_eq!((code, &report["summary"]["unreadable"]), (Some(3), &json!(1)), "{name}: {bytes}\n{report}");
        let message = report["unreadable"][0]["error"]["message"].as_str().unwrap();
        assert!(message.contains(name) && message.contains("PEM block \"CERTIFICATE\" at line"), "{message}");
    }
    for block in &blocks {
        for key_name in ["cert", "certificate", "apns"] {
            let dump =
                text(&secret("ns", "s", &[(key_name, block.as_bytes()), ("tls.crt", &good), ("key", key.as_bytes())]));
            let (code, report) = Folder::new(&[("s.json", &dump)]).report(&["."]);
            assert_eq!((code, &report["summary"]["unreadable"]), (Some(3), &json!(1)), "{key_name}: {block}\n{report}");
        }
    }
}

#[test]
fn a_text_about_certificates_is_no_failure_and_is_listed() {
    let (good, key) =
        (push("com.example.b", "b", "20260101", "20271231"), String::from_utf8(read("key/push.pem")).unwrap());
    let block = "-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n";
    for text in [
        format!("# Certificates\n\nThey look so:\n\n{block}"),
        format!("Copy all from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.\n\n{key}"),
        format!(
            "PEM_HEADER = \"-----BEGIN CERTIFICATE-----\"\nPEM_FOOTER = \"-----END CERTIFICATE-----\"\nKEY = \"\"\"{key}\"\"\"\n"
        ),
        format!("{key}# -----BEGIN CERTIFICATE-----\n# ...\n# -----END CERTIFICATE-----\n"),
        format!("{}\nA file begins with -----BEGIN CERTIFICATE-----", String::from_utf8(good.clone()).unwrap()),
    ] {
        let folder = Folder::new(&[("good.pem", &good), ("README.md", text.as_bytes())]);
        let (code, report) = folder.report(&[".", "--list-skipped"]);
        assert_eq!((code, &report["summary"]["unreadable"]), (Some(0), &json!(0)), "{text}\n{report}");
        assert!(files(&report["skipped"]).contains(&"./README.md"), "{text}\n{report}");
    }
}

#[test]
fn a_dump_that_is_too_large_is_a_failure_by_its_beginning() {
    let good = push("com.example.b", "b", "20260101", "20271231");
    for (start, code) in [
        ("{\n    \"apiVersion\": \"v1\",\n    \"items\": [", 3),
        ("{\"kind\":\"SecretList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[", 3),
        ("[{\"apiVersion\":\"v1\",\"kind\":\"Secret\"", 3),
        ("{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\"}\n", 0),
        ("---\n# all\napiVersion: v1\nitems:\n- apiVersion: v1\n", 3),
        ("{\"name\": \"x\", \"items\": [", 0),
        ("see apiVersion: v1", 0),
    ] {
        let folder = Folder::new(&[("good.pem", &good), ("all", start.as_bytes())]);
        fs::File::options().write(true).open(folder.path("all")).unwrap().set_len((64 << 20) + 1).unwrap();
        let (found, report) = folder.report(&["."]);
        assert_eq!(found, Some(code), "{start}: {report}");
        let hint = report["unreadable"][0]["error"]["hint"].as_str().unwrap_or_default();
        assert_eq!(hint.contains("--field-selector type!=helm.sh/release.v1"), code == 3, "{hint}");
    }
    // Standard input may be one too.
    let mut large = b"{\"apiVersion\": \"v1\"".to_vec();
    large.resize((64 << 20) + 1, b' ');
    let hint = "of Secrets, leave out those of Helm: kubectl get secrets --field-selector type!=helm.sh/release.v1";
    Test::new().args(["expiry", "-"]).stdin(large).status(3).stdout_contains(hint).run();
}

#[test]
fn a_block_without_data_in_a_document_is_an_example_beside_a_certificate() {
    let good = String::from_utf8(push("com.example.b", "b", "20260101", "20271231")).unwrap();
    let cut = good.replacen("MII", "M!!", 1);
    let run = |name: &str, text: &str| {
        let folder = Folder::new(&[("good.pem", good.as_bytes()), (name, text.as_bytes())]);
        let (code, report) = folder.report(&[".", "--list-skipped"]);
        let is_told = files(&report["skipped"]).contains(&format!("./{name}").as_str());
        (code, report["summary"]["unreadable"].as_u64(), is_told)
    };
    for body in BLANKED.into_iter().chain([
        "...\n",
        "MIIC...\n",
        "MIIC\u{2026}\n",
        "MIIC\n[...]\n",
        "XXXXXXXX\n",
        "MIIC&hellip;\n",
    ]) {
        let block = format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n");
        for name in ["README", "README.txt", "usage.md", "usage.RST", "usage.html", "usage.adoc"] {
            for text in [format!("So:\n\n{block}\nFor example:\n\n{good}"), format!("{good}\nSo:\n```\n{block}```\n")] {
                assert_eq!(run(name, &text), (Some(0), Some(0), true), "{name}: {text}");
            }
        }
        let has_dots = body.contains("...") || body.contains('\u{2026}') || body.contains('&');
        let text = format!("So:\n\n{block}\nFor example:\n\n{good}");
        assert_eq!(run("usage.txt", &text).0, Some(if has_dots { 0 } else { 3 }), "{text}");
        // Without a word between them it is no document.
        assert_eq!(run("usage.txt", &format!("{good}{block}")).0, Some(3), "{body}");
        assert_eq!(run("values.yaml", &text).0, Some(3), "{body}");
        assert_eq!(run("README.pem", &text).0, Some(3), "{body}");
    }
    // What holds data and is not read is no example.
    for name in ["README", "usage.md", "usage.html", "usage.txt"] {
        assert_eq!(run(name, &format!("So:\n\n{cut}\nFor example:\n\n{good}")), (Some(3), Some(1), false), "{name}");
    }
}

#[test]
fn a_keystore_in_a_secret_is_to_be_left_out() {
    let good = push("com.example.b", "b", "20260101", "20271231");
    let store = read("p12/java-keystore.jks");
    let dump = text(&secret("ns", "s", &[("keystore.jks", &store), ("tls.crt", &good)]));
    let folder = Folder::new(&[("s.json", &dump), ("keystore.jks", &store)]);
    let exclude = "leave it out with --exclude ns/s/keystore.jks";
    folder.test(&["s.json"]).status(3).stdout_contains(exclude).hides("keytool").run();
    assert_eq!(folder.report(&["s.json", "--exclude", "**/keystore.jks"]).0, Some(0));
    folder.test(&["keystore.jks"]).status(3).stdout_contains("keytool").run();
}

/// Returns all files below a folder.
fn all_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

/// One of everything that inspect opens or refuses: all fixtures, the fuzzers' seeds of forms, and what is packed.
fn one_of_everything() -> Folder {
    let folder = Folder(tempfile::tempdir().unwrap());
    let mut paths = Vec::new();
    all_files(&root().join("fixtures"), &mut paths);
    for path in paths {
        let name = path.strip_prefix(root().join("fixtures")).unwrap();
        folder.write(name.to_str().unwrap(), &fs::read(&path).unwrap());
    }
    let good = push("com.example.a", "a", "20260101", "20271231");
    let dump = json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod", "metadata": {"name": "pod"}},
        secret("ns", "s", &[("tls.crt", &good), ("ca.crt", b""), ("note", b"x"), ("cut.pem", &good[..200])])]});
    let blank = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let key = String::from_utf8(read("key/push.pem")).unwrap();
    let texts = [
        ("other/blanked", format!("{key}{blank}")),
        ("other/blanked.conf", blank.to_owned()),
        ("other/values.yaml", format!("key: |\n{key}cert: |\n{blank}").replace('\n', "\n  ").replace("  cert", "cert")),
        ("other/cut-behind", format!("{}-----BEGIN CERTIFICATE-----\n", String::from_utf8(good.clone()).unwrap())),
        ("other/PEM.md", format!("From -----BEGIN CERTIFICATE----- on.\n\n{key}")),
        ("other/FORM.md", format!("So:\n\n{blank}")),
        ("other/copy.cert.txt", blank.replace("\n--", "\n$CERT\n--")),
    ];
    for (name, text) in texts {
        folder.write(name, text.as_bytes());
    }
    let others: [(&str, &[u8]); 22] = [
        ("other/secrets.json", &text(&dump)),
        ("other/cut.json", &text(&dump)[..text(&dump).len() - 4]),
        ("other/README.md", b"# read me"),
        ("other/empty", b""),
        ("other/empty.crt", b""),
        ("other/logo.png", b"\x89PNG\r\n"),
        ("other/backup.zip", b"PK\x03\x04 and more"),
        ("other/push.p12.gpg", b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n"),
        ("other/notes.gpg", b"-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n"),
        ("other/vault.yml", b"$ANSIBLE_VAULT;1.1;AES256\n6162"),
        ("other/login.cer", b"<!DOCTYPE html><title>Sign in</title>"),
        ("other/index.html", b"<!DOCTYPE html><title>Sign in</title>"),
        (
            "other/id_rsa",
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        ),
        ("other/id_rsa.pub", b"ssh-rsa AAAAB3NzaC1yc2E user@host"),
        ("other/trust.jceks", b"\xce\xce\xce\xce and more"),
        ("other/public.pem", b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"),
        ("other/dh.pem", b"-----BEGIN DH PARAMETERS-----\nMIIB\n-----END DH PARAMETERS-----\n"),
        ("other/list.crl", b"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"),
        ("other/lfs.p12", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
        ("other/doc.pdf", b"%PDF-1.7"),
        ("other/deployment.yaml", b"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\n"),
        ("other/package.json", b"{\"name\": \"x\"}"),
    ];
    for (name, bytes) in others {
        folder.write(name, bytes);
    }
    folder
}

#[test]
fn nothing_is_passed_over_in_silence() {
    let folder = one_of_everything();
    let (code, report) = folder.report(&[".", "--list-skipped", "--passin", "pass:push", "--max-iterations", "20000"]);
    assert_eq!(code, Some(1));
    let mut told = BTreeSet::new();
    for list in ["certificates", "unreadable", "skipped"] {
        told.extend(files(&report[list]));
    }
    let mut paths = Vec::new();
    all_files(folder.0.path(), &mut paths);
    for path in &paths {
        let name = format!("./{}", path.strip_prefix(folder.0.path()).unwrap().display());
        let is_dump = ["./other/secrets.json", "./other/deployment.yaml"].contains(&name.as_str());
        assert!(is_dump || told.contains(name.as_str()), "{name} is not told of");
    }
    for entry in ["ns/s/tls.crt", "ns/s/ca.crt", "ns/s/note", "ns/s/cut.pem", "pod", "x"] {
        assert!(told.contains(entry), "{entry} is not told of");
    }
    // What inspect refuses by name and may hold certificates is a failure here, and never a file without certificates.
    for list in ["unreadable", "skipped"] {
        for one in report[list].as_array().unwrap() {
            let (file, is_failure) = (one["file"].as_str().unwrap(), list == "unreadable");
            match file.rsplit('/').next().unwrap() {
                "java-keystore.jks" | "trust.jceks" | "push.p12.gpg" | "login.cer" | "lfs.p12" | "cut.json"
                | "cut.pem" | "blanked" | "blanked.conf" | "values.yaml" | "cut-behind" | "copy.cert.txt" => {
                    assert!(is_failure, "{one}");
                }
                "backup.zip" | "notes.gpg" | "vault.yml" | "list.crl" | "dh.pem" | "public.pem" => {
                    assert_eq!(one["reason"], "known-other", "{one}");
                }
                _ => {}
            }
        }
    }
    // The counts add up: each file is in one of them.
    let summary = &report["summary"];
    let count = |name: &str| summary[name].as_u64().unwrap();
    let judged: BTreeSet<&str> = files(&report["certificates"]).into_iter().collect();
    let mut unreadable = BTreeSet::new();
    for one in report["unreadable"].as_array().unwrap() {
        unreadable.insert(one["file"].as_str().unwrap());
    }
    let judged_alone = judged.union(&unreadable).count() as u64;
    assert_eq!(count("files"), judged_alone + count("without_certificates") + count("passed_over"), "{summary}");
    assert_eq!(
        summary["passed_over_kinds"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>(),
        count("passed_over")
    );
}

#[test]
fn every_format_tells_of_what_was_not_judged() {
    let folder = Folder::new(&[
        ("good.pem", &push("com.example.a", "a", "20260101", "20271231")),
        ("list.crl", b"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"),
        ("README.md", b"# read me"),
        ("cut.p12", &read("p12/truncated.p12")[..500]),
    ]);
    for format in ["human", "json", "github", "junit", "nagios", "prometheus", "ics", "html"] {
        let run = folder.test(&[".", "--format", format]).run();
        let out = run.text().replace("\r\n ", "");
        for told in ["revocation list", "cut.p12"] {
            assert!(out.contains(told), "{format} does not tell of {told}: {out}");
        }
        assert!(!out.contains("README"), "{format}: {out}");
        if !["json", "prometheus"].contains(&format) {
            assert!(out.contains("1 file without certificates"), "{format}: {out}");
        }
        assert!(out.contains("list.crl"), "{format}: {out}");
        if ["human", "json", "github", "junit", "nagios", "prometheus", "ics", "html"].contains(&format) {
            folder.test(&[".", "--format", format, "--list-skipped"]).stdout_contains("README").run();
        }
    }
}

#[test]
fn passwords_are_named_by_the_paths_of_the_report() {
    let p12 = read("p12/keychain-password.p12");
    let secrets = text(&secret("prod", "push", &[("push.p12", &p12)]));
    let folder = Folder::new(&[("certs/old/a.p12", &p12), ("s.json", &secrets)]);
    let absolute = folder.path("certs").canonicalize().unwrap();
    for (rule, path) in [
        ("certs/old/a.p12=pass:push".to_owned(), "certs"),
        ("./certs/old/*.p12 = pass:push".to_owned(), "./certs"),
        ("old/a.p12=pass:push".to_owned(), "certs"),
        (format!("{}/old/a.p12 = pass:push", absolute.display()), "certs"),
        (format!("{}/**=pass:push", absolute.display()), absolute.to_str().unwrap()),
        ("prod/push/push.p12 = pass:push".to_owned(), "s.json"),
    ] {
        folder.write("passwords", format!("# none\n{rule}\n").as_bytes());
        folder.test(&[path, "--passwords", "passwords"]).status(0).stderr("").hides("pass:").run();
    }
    // The rules of other files fail nothing.
    folder.write("passwords", b"certs/**=pass:push\nother/** = env:PUSHCERT_TEST_UNSET\n");
    folder
        .test(&["certs", "--passwords", "passwords"])
        .status(0)
        .stderr_contains("warning: --passwords passwords, line 2: its files have no password: the variable is not set")
        .stderr_contains("warning: --passwords passwords, line 2: no file fits the rule")
        .hides("PUSHCERT_TEST_UNSET")
        .run();
}

#[test]
fn a_rule_without_a_password_fails_its_files_alone() {
    let (locked, open) = (read("p12/keychain-password.p12"), read("p12/openssl-empty-password.p12"));
    let folder = Folder::new(&[("a/locked.p12", &locked[..]), ("a/open.p12", &open), ("b/locked.p12", &locked)]);
    for value in [None, Some("")] {
        folder.write("passwords", b"a/*.p12=env:PUSHCERT_TEST_RULE\nb/*.p12 = pass:push\n");
        let mut test = folder.test(&["a", "b", "--passwords", "passwords", "--json"]);
        if let Some(value) = value {
            test = test.env("PUSHCERT_TEST_RULE", value);
        }
        let run = test.status(4).hides("PUSHCERT_TEST_RULE").run();
        let report = run.json();
        assert_eq!(files(&report["unreadable"]), ["a/locked.p12"], "{report}");
        assert_eq!(report["certificates"].as_array().unwrap().len(), 2);
        let message = report["unreadable"][0]["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("line 1 of the file of passwords, which is for it, has none: the variable"),
            "{message}"
        );
    }
}

#[test]
fn a_profile_that_cannot_be_judged_is_a_failure() {
    let profile = read("profile/good.mobileprovision");
    let folder = Folder::new(&[("a", &profile[..]), ("b.mobileprovision", &BASE64.encode(&profile).into_bytes())]);
    let (code, report) = folder.report(&[".", "--list-skipped"]);
    assert_eq!((code, &report["summary"]["certificates"]), (Some(0), &json!(4)), "{report}");
    let position = memchr::memmem::find(&profile, b"ExpirationDate").unwrap();
    let mut damaged = profile.clone();
    damaged[position] = b'X';
    let folder = Folder::new(&[("a", &damaged[..])]);
    folder.test(&["."]).status(3).stdout_contains("cannot be judged: property list: has no ExpirationDate").run();
    let folder = Folder::new(&[("a", &profile[..profile.len() / 2])]);
    assert_eq!(folder.report(&["."]).0, Some(3));
}
