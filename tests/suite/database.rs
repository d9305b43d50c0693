//! `pushcert database`: device tokens in SQLite, as people and other programs see them.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::Test;

const GROUP: [&str; 4] = ["--app", "com.example.MyApp", "--environment", "production"];

fn database(folder: &Path, arguments: &[&str]) -> Test {
    Test::new().arg("database").args(arguments).folder(folder)
}

/// The lines of a list.
fn rows(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let run = database(folder, &["list", "sqlite:tokens.db", "--json"]).args(arguments).run();
    run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn tokens_are_kept_in_one_form() {
    let folder = TempDir::new().unwrap();
    let add = |tokens: &[&str]| database(folder.path(), &["add", "sqlite:tokens.db"]).args(GROUP).args(tokens);
    add(&["<AABB CC>", "aabbcc", "0xDD"]).stdout_contains("tokens.db: 2 tokens added").run();
    add(&["AABBCC"]).stdout_contains("0 tokens added, 1 registered anew").run();
    let found = rows(folder.path(), &[]);
    assert_eq!(found.iter().map(|row| &row["token"]).collect::<Vec<_>>(), ["aabbcc", "dd"]);
    assert_eq!((&found[0]["app"], &found[0]["environment"]), (&json!("com.example.MyApp"), &json!("production")));
    let run = add(&["xyz", "ee"]).arg("--json").status(1).stderr_contains("TOKEN: 1: \"xyz\"").run();
    assert_eq!((&run.json()["added"], &run.json()["invalid"]), (&json!(1), &json!(1)));
    add(&["xyz"]).status(3).stderr_contains("no device token").run();
    assert!(rows(folder.path(), &["--environment", "sandbox"]).is_empty());
    let removed = database(folder.path(), &["remove", "sqlite:tokens.db", "DD", "1234"]).args(GROUP).run();
    assert!(removed.text().contains("1 token removed, 1 were not there"), "{}", removed.text());
}

#[test]
fn lists_come_from_files_and_pipes() {
    let folder = TempDir::new().unwrap();
    let import =
        |arguments: &[&str]| database(folder.path(), &["import", "sqlite:tokens.db"]).args(GROUP).args(arguments);
    std::fs::write(folder.path().join("d.csv"), "id,device\n1,AA\n2,bb\n3,nonsense\n").unwrap();
    import(&["d.csv", "--column", "device", "--registered", "2026-01-01"]).status(1).stdout_contains("2 tokens").run();
    assert_eq!(rows(folder.path(), &[])[0]["registered"], 1_767_225_600_000_u64);
    import(&["-"]).stdin("cc\nAA\n").stdout_contains("1 token added, 1 registered anew").run();
    assert!(rows(folder.path(), &[])[0]["registered"].as_u64().unwrap() > 1_767_225_600_000, "the later one counts");
    let json = database(folder.path(), &["list", "sqlite:tokens.db", "--json"]).run();
    let copy = ["import", "sqlite:copy.db", "-", "--tokens-format", "ndjson"];
    database(folder.path(), &copy).args(GROUP).stdin(json.stdout).stdout_contains("3 tokens added").run();
    let remove = ["remove", "sqlite:tokens.db", "--tokens", "d.csv", "--column", "device"];
    database(folder.path(), &remove).args(GROUP).status(1).stdout_contains("2 tokens removed").run();
    import(&["missing.txt"]).status(3).stderr_contains("missing.txt: cannot read it").run();
    import(&["d.csv"]).status(3).stderr_contains("there is no column \"token\"").run();
    assert_eq!(rows(folder.path(), &[]).len(), 1);
}

#[test]
fn what_an_import_of_the_past_leaves_is_told() {
    let folder = TempDir::new().unwrap();
    let import = |registered: &str| {
        let import = database(folder.path(), &["import", "sqlite:tokens.db", "-", "--registered", registered]);
        import.args(GROUP).stdin("aa\nbb\n")
    };
    import("2022-01-01").stdout_contains("tokens.db: 2 tokens added (").run();
    import("2023-01-01").stdout_contains(": 0 tokens added, 2 registered anew (").run();
    import("2020-01-01").stdout_contains(": 0 tokens added, 2 unchanged (registered then, or later) (").run();
    let run = import("2023-01-01").arg("--json").run().json();
    assert_eq!((&run["renewed"], &run["unchanged"], &run["still_unregistered"]), (&json!(0), &json!(2), &json!(0)));
    assert_eq!(rows(folder.path(), &[])[0]["registered"], 1_672_531_200_000_u64);
}

#[test]
fn a_file_for_all_to_read_is_warned_of() {
    let folder = TempDir::new().unwrap();
    let add = || database(folder.path(), &["add", "sqlite:tokens.db", "aabb"]).args(GROUP);
    add().stderr("").run();
    for (mode, is_warned) in [(0o640, false), (0o644, true), (0o602, true)] {
        std::fs::set_permissions(folder.path().join("tokens.db"), Permissions::from_mode(mode)).unwrap();
        let warning =
            "warning: tokens.db: every user of this machine can read or change the tokens in it: chmod o= tokens.db\n";
        add().stderr(if is_warned { warning } else { "" }).run();
    }
}

#[test]
fn nothing_is_created_for_nothing() {
    let folder = TempDir::new().unwrap();
    let import = database(folder.path(), &["import", "sqlite:tokens.db", "-"]).args(GROUP).stdin("nonsense\n");
    import.status(3).stderr_contains("there is no device token").run();
    let list = database(folder.path(), &["list", "sqlite:tokens.db"]);
    list.status(3).stderr_contains("error: tokens.db: there is no such file").run();
    let remove = database(folder.path(), &["remove", "sqlite:tokens.db", "aa"]).args(GROUP);
    remove.status(3).stderr_contains("there is no such file").run();
    let add = database(folder.path(), &["add", "sqlite:no/such/folder/tokens.db", "aa"]).args(GROUP);
    add.status(6)
        .stderr_contains("no/such/folder/tokens.db: its folder is not there\n  hint: make the folder first")
        .run();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_url_may_stand_in_a_variable_and_is_not_repeated() {
    let folder = TempDir::new().unwrap();
    let list = |url: &str| database(folder.path(), &["list", url]);
    database(folder.path(), &["add", "env:TOKENS", "aa"]).args(GROUP).env("TOKENS", "sqlite:tokens.db").run();
    list("sqlite:tokens.db").stdout_contains("aa\n1 token\n").run();
    list("env:TOKENS").status(2).stderr_contains("the variable TOKENS is not set\n  hint: export TOKENS first\n").run();
    for wrong in ["mysql://root:geheim@localhost/x", "postgres:geheim", "geheim"] {
        list(wrong).status(2).stderr_contains("sqlite:FILE or postgres://").hides("geheim").run();
        list("env:TOKENS").env("TOKENS", wrong).status(2).stderr_contains("variable TOKENS").hides("geheim").run();
    }
    list("postgres://jo:geheim@127.0.0.1:1/x?sslmode=disable").any_status().hides("geheim").run();
    let push = Test::new().args(["push", "x.pem", "--alert", "a", "--database", "mysql://root:geheim@localhost/x"]);
    push.status(3).hides("geheim").run();
}

#[test]
fn an_empty_file_is_filled_and_another_program_s_is_not() {
    let folder = TempDir::new().unwrap();
    let add = |url: &str| database(folder.path(), &["add", url, "aa"]).args(GROUP);
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    add("sqlite:empty.db").stdout_contains("1 token added").run();
    let fixture = std::fs::read(folder.path().join("empty.db")).unwrap();
    let mut foreign = fixture;
    // The ID of the application in the header of an SQLite file.
    foreign[68..72].copy_from_slice(b"mine");
    std::fs::write(folder.path().join("foreign.db"), &foreign).unwrap();
    add("sqlite:foreign.db").status(3).stderr_contains("not a database of pushcert").run();
    assert_eq!(std::fs::read(folder.path().join("foreign.db")).unwrap(), foreign);
    add("sqlite:file:x.db").stdout_contains("file:x.db: 1 token").run();
    assert!(folder.path().join("file:x.db").exists());
}

#[cfg(unix)]
#[test]
fn a_limit_for_the_size_of_files_is_an_error_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let list: String = (0..20_000).map(|number| format!("{number:064x}\n")).collect();
    std::fs::write(folder.path().join("list"), list).unwrap();
    let test = Test::shell(
        "ulimit -f 200 && \"$0\" database import sqlite:tokens.db list --app com.example.MyApp --environment production",
    );
    test.folder(folder.path()).status(6).stderr_contains("tokens.db").run();
    let listed = Test::new().folder(folder.path()).args(["database", "list", "sqlite:tokens.db", "--json"]);
    listed.status(0).run();
}

#[cfg(unix)]
#[test]
fn an_empty_file_that_all_may_read_becomes_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let words = "database add sqlite:tokens.db abcd --app com.example.MyApp --environment production";
    Test::new().folder(folder.path()).args(words.split(' ')).status(0).stderr("").run();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

// The help's own example removed devices that had registered again.
#[test]
fn a_list_of_unregistered_tokens_removes_none_that_has_registered_since() {
    let folder = TempDir::new().unwrap();
    let run = |arguments: &[&str]| database(folder.path(), arguments).args(GROUP);
    for (token, time) in [("aa", "2022-01-01"), ("bb", "2024-01-01"), ("cc", "2022-01-01"), ("dd", "2022-01-01")] {
        std::fs::write(folder.path().join("list"), token).unwrap();
        run(&["import", "sqlite:tokens.db", "list", "--registered", time]).run();
    }
    let gone = "token,since\naa,2023-11-14T22:13:20.123Z\nbb,2023-11-14T22:13:20Z\ncc,\nee,2023-11-14T22:13:20Z\n";
    std::fs::write(folder.path().join("gone.csv"), gone).unwrap();
    let removed = run(&["remove", "sqlite:tokens.db", "--tokens", "gone.csv"]).run();
    assert!(removed.text().contains("1 token removed, 1 were not there, 2 kept"), "{}", removed.text());
    for words in [
        "bb stays: it is registered in the database since 2024-01-01T00:00:00Z",
        "cc stays: no time that can be read",
        "removed by a list of the tokens alone",
    ] {
        assert!(removed.stderr.contains(words), "{}", removed.stderr);
    }
    let json = run(&["remove", "sqlite:tokens.db", "--tokens", "gone.csv", "--json"]).run().json();
    assert_eq!((&json["removed"], &json["missing"], &json["kept"]), (&json!(0), &json!(2), &json!(2)));
    let left: Vec<Value> = rows(folder.path(), &[]).into_iter().map(|row| row["token"].clone()).collect();
    assert_eq!(left, ["bb", "cc", "dd"]);
    std::fs::write(folder.path().join("gone.csv"), "token,since\n").unwrap();
    run(&["remove", "sqlite:tokens.db", "--tokens", "gone.csv"]).stdout_contains("nothing to remove").run();
    std::fs::write(folder.path().join("other.csv"), "token,name\n").unwrap();
    run(&["remove", "sqlite:tokens.db", "--tokens", "other.csv"]).status(3).stderr_contains("no device token").run();
    std::fs::write(folder.path().join("gone.csv"), gone).unwrap();
    run(&["import", "sqlite:tokens.db", "gone.csv"]).stdout_contains("2 tokens added, 2 registered anew").run();
    run(&["remove", "sqlite:tokens.db", "bb"]).stdout_contains("1 token removed").run();
}
