//! The kept corpus of the fuzz targets holds with stable Rust.

#[path = "../fuzz/targets.rs"]
mod targets;

use std::panic::catch_unwind;

use crate::common::{entries, root};
use targets::{TARGETS, Target};

/// The fewest files of a corpus.
const MIN_FILES: usize = 20;

fn replay(target: &Target) {
    let folder = root().join("tests/fuzz/corpus").join(target.name);
    let names = entries(&folder);
    assert!(names.len() >= MIN_FILES, "the corpus {} has only {} files", target.name, names.len());
    for name in names {
        let bytes = std::fs::read(folder.join(&name)).unwrap();
        let run = target.run;
        assert!(catch_unwind(|| run(&bytes)).is_ok(), "tests/fuzz/corpus/{}/{name} breaks a promise", target.name);
    }
}

#[test]
fn the_kept_corpus_holds() {
    for target in &TARGETS {
        replay(target);
    }
}

#[test]
fn every_fuzz_target_has_a_corpus() {
    let mut names = Vec::new();
    for target in &TARGETS {
        names.push(format!("{}.rs", target.name));
    }
    names.sort();
    assert_eq!(entries(&root().join("tests/fuzz/fuzz_targets")), names);
    let manifest = std::fs::read_to_string(root().join("tests/fuzz/Cargo.toml")).unwrap();
    for target in &TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
    }
}
