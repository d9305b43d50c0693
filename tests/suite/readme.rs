//! The README's commands run as they stand, and print what it shows.

use std::fs;
use std::path::Path;

use crate::common::{Test, root};

/// What a block needs that a fresh clone does not have: a gateway, or files with dates around today.
const NEEDS_MORE: [&str; 10] = [
    "pushcert expiry certs",
    "pushcert compare push.pem renewed.pem",
    "pushcert check client.pem",
    "pushcert check push.pem --fail",
    "pushcert check --p8",
    "pushcert push push.pem",
    "pushcert database import",
    "pushcert gateway",
    "pushcert device",
    "pushcert rehearse",
];

/// A command, and what the README shows below it.
struct Shown {
    command: String,
    output: String,
}

/// Returns the commands of a block of the console.
fn commands(block: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push(Shown { command: command.to_owned(), output: String::new() }),
            (None, Some(shown)) => shown.output.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    found
}

fn blocks(readme: &str) -> Vec<Vec<Shown>> {
    let mut blocks = Vec::new();
    for part in readme.split("```console\n").skip(1) {
        let (block, _) = part.split_once("```").unwrap();
        blocks.push(commands(block));
    }
    blocks
}

/// Puts # in the place of every number, since days pass.
fn without_numbers(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if kept.ends_with('#') => {}
            '0'..='9' => kept.push('#'),
            _ => kept.push(c),
        }
    }
    kept
}

/// Runs a block as one script, and checks what each command prints.
fn run(block: &[Shown], folder: &Path) {
    let (mut script, mut expected) = ("exec 2>&1\n".to_owned(), String::new());
    for Shown { command, output } in block {
        script.push_str(&format!("{command}\n"));
        expected.push_str(output);
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_pushcert")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let ran = Test::shell(&script).folder(folder).env("PATH", path).env("NEW", "secret").any_status().run();
    assert_eq!(without_numbers(ran.text()), without_numbers(&expected), "{script}");
}

#[test]
fn the_commands_run_and_print_what_is_shown() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(root().join("fixtures"), folder.path().join("fixtures")).unwrap();
    let mut count = 0;
    for block in blocks(&readme) {
        let Some(first) = block.first() else { continue };
        if NEEDS_MORE.iter().any(|known| first.command.starts_with(known)) {
            continue;
        }
        count += 1;
        run(&block, folder.path());
    }
    assert!(count >= 6, "only {count} blocks ran");
}
