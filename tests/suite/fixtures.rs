//! Every fixture converts, or is refused, as its row in fixtures/README.md says; every fixture has a row.

use std::collections::BTreeSet;

use crate::common::{Test, root};

/// File, arguments, expectation of every row.
fn rows() -> Vec<(String, Vec<String>, String)> {
    let readme = std::fs::read_to_string(root().join("fixtures/README.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        match cells[..] {
            [file, _, arguments, expected] if file.starts_with('`') => Some((
                file.trim_matches('`').to_owned(),
                arguments.trim_matches('`').split_whitespace().map(str::to_owned).collect(),
                expected.to_owned(),
            )),
            _ => None,
        }
    };
    readme.lines().filter_map(row).collect()
}

#[test]
fn every_fixture_has_a_row() {
    let known: BTreeSet<String> = rows().into_iter().map(|(file, ..)| file).collect();
    let mut there = BTreeSet::new();
    for folder in ["ca", "csr", "der", "key", "p12", "p7b", "pem", "profile"] {
        for entry in std::fs::read_dir(root().join("fixtures").join(folder)).unwrap() {
            there.insert(format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    assert_eq!(known, there);
}

#[test]
fn every_row_is_true() {
    let rows = rows();
    assert!(rows.len() > 100, "only {} rows", rows.len());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("push.pem");
    let mut wrong = Vec::new();
    for (file, arguments, expected) in rows {
        let test = Test::new().args(["convert", &format!("fixtures/{file}"), "-o"]).arg(&target).args(&arguments);
        let run = test.folder(root()).any_status().run();
        let (code, message) = match expected.strip_prefix("exit ").and_then(|rest| rest.split_once(": ")) {
            Some((code, fragment)) => (code.parse().unwrap(), fragment),
            None => (0, "wrote "),
        };
        let is_as_said = run.code == Some(code)
            && run.stderr.contains(message)
            && target.exists() == (code == 0)
            && (code != 0 || std::fs::read_to_string(&target).unwrap().starts_with("-----BEGIN "));
        if !is_as_said {
            wrong.push(format!("{file} {}: {expected}: {:?} {}", arguments.join(" "), run.code, run.stderr));
        }
        let _ = std::fs::remove_file(&target);
    }
    assert!(wrong.is_empty(), "{} rows are not true:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn bag_attributes_has_every_bag_of_a_doubled_export_as_openssl_does() {
    let arguments = ["convert", "fixtures/p12/keychain-doubled.p12", "--passin", "pass:push", "--bag-attributes"];
    let run = Test::new().args(arguments).folder(root()).run();
    for part in [
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----",
        "friendlyName: Apple Push Services: com.example.MyApp\n",
        "friendlyName: Push Key\n",
    ] {
        assert_eq!(run.text().matches(part).count(), 2, "{part}");
    }
}

/// As `openssl pkcs12 -nodes` prints them.
#[test]
fn bag_attributes_names_the_attributes_of_windows_and_leaves_out_the_nul() {
    let arguments = ["convert", "fixtures/p12/windows.p12", "--passin", "pass:push", "--bag-attributes"];
    let run = Test::new().args(arguments).folder(root()).run();
    let key = "Bag Attributes\n    Microsoft Local Key set: <No Values>\n    localKeyID: 01 00 00 00 \n    \
               friendlyName: Push Key\n    Microsoft CSP Name: Microsoft Software Key Storage Provider\n";
    assert!(run.text().contains(key), "{}", run.text());
    assert!(run.text().contains("    friendlyName: Push Certificate\nsubject="), "{}", run.text());
}
