//! The documents name files that exist.

use crate::common::{Test, root};

/// Returns what stands between backticks, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether a quotation is a path in the repository: it begins with a folder of it, and has no placeholder.
fn is_path(text: &str) -> bool {
    let Some((folder, _)) = text.split_once('/') else { return false };
    let has_placeholder = text.contains(|c: char| c.is_ascii_uppercase() || c.is_whitespace() || c == '*');
    root().join(folder).is_dir() && (!has_placeholder || text.ends_with("README.md"))
}

fn missing(document: &str) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let (mut count, mut missing) = (0, Vec::new());
    for path in quoted(&text).into_iter().filter(|text| is_path(text)) {
        count += 1;
        if !root().join(path).exists() {
            missing.push(format!("{document} names {path}"));
        }
    }
    (count, missing)
}

#[test]
fn every_path_in_a_document_exists() {
    for (document, at_least) in [("CONTRIBUTING.md", 40), ("tests/README.md", 10)] {
        let (count, missing) = missing(document);
        assert!(count >= at_least, "{document} names only {count} paths");
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// The rows of the README's table of messages, from what `explain` lists.
fn rows_of_messages() -> Vec<String> {
    let listed = Test::new().args(["explain", "--json"]).status(0).run();
    let report: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let mut rows = Vec::new();
    for message in report["messages"].as_array().unwrap() {
        let [from, text, meaning] = ["from", "text", "meaning"].map(|name| message[name].as_str().unwrap());
        let commands = message["commands"].as_array().unwrap();
        let mut cell = String::new();
        for command in commands {
            let between = if cell.is_empty() { "" } else { "<br>" };
            cell.push_str(&format!("{between}`{}`", command.as_str().unwrap()));
        }
        rows.push(format!("| {from} | `{text}` | {meaning} | {cell} |"));
    }
    rows
}

#[test]
fn the_readme_has_every_message_that_is_explained() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rows = rows_of_messages();
    let known = rows.iter().map(String::as_str);
    let shown: Vec<&str> =
        readme.lines().skip_while(|line| !line.starts_with("| said by |")).skip(2).take(rows.len()).collect();
    assert_eq!(shown, known.collect::<Vec<_>>(), "the rows are:\n{}", rows.join("\n"));
}

#[test]
fn explain_repeats_nothing_of_the_text() {
    let pasted = "-passin pass:hunter2secret\nMac verify error: invalid password?\nBadDeviceToken abcdef0123456789";
    for (text, code) in [(pasted, 0), ("hunter2secret abcdef0123456789", 1)] {
        for format in [&["-"][..], &["-", "--json"]] {
            let test = Test::new().arg("explain").args(format).stdin(text).status(code);
            test.hides("hunter2secret").hides("abcdef0123456789").run();
        }
    }
}
