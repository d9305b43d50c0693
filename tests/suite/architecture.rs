//! The direction of the arrows between the rooms of `src`, as the tour in src/lib.rs tells it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::root;

/// The tour's numbered list: one entry for each number, with its rooms in order.
fn tour() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut steps: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        let Some(line) = line.strip_prefix("//!") else { break };
        let is_numbered = line.trim_start().chars().next().is_some_and(|c| c.is_ascii_digit());
        if is_numbered {
            steps.push(Vec::new());
        }
        if let Some(step) = steps.last_mut() {
            step.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    steps
}

/// The place of a room in the tour: its step, and its number among all rooms.
#[derive(Clone, Copy)]
struct Place {
    step: usize,
    number: usize,
}

fn places() -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    for (step, rooms) in tour().into_iter().enumerate() {
        for room in rooms {
            let place = Place { step, number: places.len() };
            assert!(places.insert(room.clone(), place).is_none(), "the tour names `{room}` twice");
        }
    }
    places
}

/// Returns whether both rooms are capabilities: the step of the tour whose rooms never use one another.
fn are_capabilities(from: Place, to: Place) -> bool {
    let step = places()["gateway"].step;
    from.step == step && to.step == step
}

/// Returns the arrow's fault, if it has one.
fn fault(from: &str, to: &str, places: &BTreeMap<String, Place>) -> Option<String> {
    if from == to {
        return None;
    }
    let (Some(own), Some(other)) = (places.get(from), places.get(to)) else {
        return Some(format!("`{from}` or `{to}` is no room of the tour in src/lib.rs"));
    };
    if are_capabilities(*own, *other) {
        return Some(format!("`{from}` uses `{to}`: capabilities do not use one another"));
    }
    (other.number > own.number).then(|| format!("`{from}` uses `{to}`, which stands after it in the tour"))
}

/// The code of a file without strings, comments and unit tests, which may use any room.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(['"', '/', '\'']) {
        code.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with('"') {
            string_length(rest)
        } else if rest.starts_with("'\"'") {
            3
        } else {
            code.push_str(&rest[..1]);
            1
        };
        rest = &rest[length..];
    }
    code.push_str(rest);
    code.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned()
}

/// The bytes of the string literal that `text` begins with.
fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// The rooms that code names after `crate::`.
fn rooms_used(code: &str) -> Vec<String> {
    let names = code.split("crate::").skip(1).map(|rest| {
        let rest = rest.trim_start_matches("r#");
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    });
    names.collect()
}

/// Paths by which an arrow could not be seen: rooms are named as `crate::ROOM`, one at a time. Inside of a room,
/// `super::` leads no further than to its `mod.rs`.
fn hidden_paths(path: &Path, code: &str) -> Vec<&'static str> {
    let inner = path.strip_prefix(root().join("src")).unwrap();
    let is_room_itself =
        inner.components().count() == 1 || (inner.components().count() == 2 && path.ends_with("mod.rs"));
    let mut hidden = Vec::new();
    for form in ["crate::{", "crate as ", "crate :: ", "pushcert::", "#[path", "super::super::"] {
        if code.contains(form) {
            hidden.push(form);
        }
    }
    // In a nested module `super::` leads to the file's own items.
    let top_level = code.lines().filter(|line| !line.starts_with(' '));
    if is_room_itself && top_level.clone().any(|line| line.contains("super::")) {
        hidden.push("super::");
    }
    hidden
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The room of a file: its folder in src, or its own name.
fn room(path: &Path) -> String {
    let inner = path.strip_prefix(root().join("src")).unwrap();
    let first = inner.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn arrows_lead_to_the_ground() {
    let places = places();
    let mut all = Vec::new();
    files(&root().join("src"), &mut all);
    let (mut arrows, mut faults) = (0, Vec::new());
    for path in all {
        let from = room(&path);
        // Unit tests in files of their own, and what only builds or starts.
        if path.ends_with("tests.rs") || ["lib", "main", "build", "test_support"].contains(&from.as_str()) {
            continue;
        }
        let name = path.strip_prefix(root()).unwrap().display();
        let code = code(&std::fs::read_to_string(&path).unwrap());
        for form in hidden_paths(&path, &code) {
            faults.push(format!("{name}: `{form}` hides an arrow: write `crate::ROOM`"));
        }
        for to in rooms_used(&code) {
            arrows += 1;
            if let Some(fault) = fault(&from, &to, &places) {
                faults.push(format!("{name}: {fault}"));
            }
        }
    }
    assert!(arrows > 300, "only {arrows} arrows were found");
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{} arrows lead the wrong way:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_room_is_in_the_tour_and_there_is_no_other() {
    let places = places();
    for room in places.keys() {
        let path = root().join("src").join(room);
        assert!(path.is_dir() || path.with_extension("rs").is_file(), "there is no room {room}");
    }
    for entry in std::fs::read_dir(root().join("src")).unwrap() {
        let room = room(&entry.unwrap().path());
        if !["lib", "main", "build", "test_support"].contains(&room.as_str()) {
            assert!(places.contains_key(&room), "src/lib.rs does not tell of `{room}`");
        }
    }
}

#[test]
fn a_planted_arrow_is_found() {
    let places = places();
    let planted = r#"use crate::commands::run; // crate::cli
        let url = "http://x"; let x = crate::text::printable(y); $crate::report::x; let quote = '"'; crate::r#expiry::scanner"#;
    assert_eq!(rooms_used(&code(planted)), ["commands", "text", "report", "expiry"]);
    assert_eq!(rooms_used(&code("a\n#[cfg(test)]\nmod tests {\nuse crate::cli;\n}")), [""; 0]);
    assert!(fault("pkcs12", "commands", &places).is_some_and(|fault| fault.contains("stands after it")));
    assert!(fault("gateway", "expiry", &places).is_some_and(|fault| fault.contains("capabilities")));
    assert!(fault("pkcs12", "nowhere", &places).is_some_and(|fault| fault.contains("no room")));
    assert_eq!(fault("commands", "text", &places), None);
}

#[test]
fn an_arrow_that_hides_is_found() {
    let (room, inside) = (root().join("src/pkcs12/mod.rs"), root().join("src/pkcs12/bag.rs"));
    for hidden in [
        "use crate::{report::json, text::printable};",
        "use crate as root;",
        "use super::report::json;",
        "use super::super::report::json;",
        "#[path = \"../report/json.rs\"]\nmod x;",
        "pushcert::testing::open();",
    ] {
        assert!(!hidden_paths(&room, &code(hidden)).is_empty(), "{hidden}");
    }
    for hidden in ["use super::super::report::json;", "use crate :: report;"] {
        assert!(!hidden_paths(&inside, hidden).is_empty(), "{hidden}");
    }
    assert_eq!(hidden_paths(&inside, "use super::wrapped_octets;"), [""; 0]);
}
