//! The documents name files that exist.

use crate::common::root;

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
