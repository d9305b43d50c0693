//! Links what unwinds panics into the binary, where the C compiler has it as an archive: as a library of its own it takes the
//! loader a twentieth of the time in which a file is converted.

use std::env;
use std::path::Path;
use std::process::Command;

const ARCHIVE: &str = "libgcc_eh.a";

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_glibc && has_archive() {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Asks the program that links. GCC and Clang print a path where they find the file, and its bare name where they do not.
fn has_archive() -> bool {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let Ok(output) = Command::new(linker).arg(format!("-print-file-name={ARCHIVE}")).output() else { return false };
    let answer = String::from_utf8_lossy(&output.stdout);
    Path::new(answer.trim()).is_file()
}
