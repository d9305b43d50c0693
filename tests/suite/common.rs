//! What the tests share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file under fixtures/.
pub fn fixture(path: &str) -> PathBuf {
    root().join("fixtures").join(path)
}

/// The binary, in the root of the repository, without anything on standard input.
pub fn pushcert(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushcert"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Output {
    pushcert(arguments).output().unwrap()
}

/// What it wrote to standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
