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

/// Every room with its place in the tour: (number of the step, place among all rooms).
fn places() -> BTreeMap<String, (usize, usize)> {
    let mut places = BTreeMap::new();
    for (step, rooms) in tour().into_iter().enumerate() {
        for room in rooms {
            let place = (step, places.len());
            assert!(places.insert(room.clone(), place).is_none(), "the tour names `{room}` twice");
        }
    }
    places
}

/// The step whose rooms are capabilities: they never use one another.
const CAPABILITIES: [&str; 3] = ["check", "expiry", "gateway"];

/// Returns the arrow's fault, if it has one.
fn fault(from: &str, to: &str, places: &BTreeMap<String, (usize, usize)>) -> Option<String> {
    if from == to {
        return None;
    }
    let (Some(own), Some(other)) = (places.get(from), places.get(to)) else {
        return Some(format!("`{from}` or `{to}` is no room of the tour in src/lib.rs"));
    };
    if CAPABILITIES.contains(&from) && CAPABILITIES.contains(&to) {
        return Some(format!("`{from}` uses `{to}`: capabilities do not use one another"));
    }
    (other.1 > own.1).then(|| format!("`{from}` uses `{to}`, which stands after it in the tour"))
}

/// The code of a file without comments and unit tests, which may use any room.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that code names after `crate::`.
fn rooms_used(code: &str) -> Vec<String> {
    let names = code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    });
    names.filter(|name| !name.is_empty()).collect()
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
        for to in rooms_used(&code(&path)) {
            arrows += 1;
            if let Some(fault) = fault(&from, &to, &places) {
                faults.push(format!("{}: {fault}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(arrows > 300, "only {arrows} arrows were found");
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{} arrows lead the wrong way:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_room_is_in_the_tour() {
    let places = places();
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
    let planted =
        rooms_used("use crate::commands::run;\nlet x = crate::text::printable(y); use crate::expiry::scanner;");
    assert_eq!(planted, ["commands", "text", "expiry"]);
    assert!(fault("pkcs12", "commands", &places).is_some_and(|fault| fault.contains("stands after it")));
    assert!(fault("gateway", "expiry", &places).is_some_and(|fault| fault.contains("capabilities")));
    assert!(fault("pkcs12", "nowhere", &places).is_some_and(|fault| fault.contains("no room")));
    assert_eq!(fault("commands", "text", &places), None);
}
