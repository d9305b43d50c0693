//! How long the slowest damaged file takes: every truncation of every fixture, and thousands of single
//! bytes changed. Run with `cargo bench --bench damage`; it prints, and asserts nothing.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and ends where it cannot go on")]

use pushcert::testing::{DEFAULT_MAX_ITERATIONS, Password, Passwords, open};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Single-byte changes tried in each file, spread over it, as far as the time below goes.
const CHANGES: usize = 2_000;
const SECONDS_A_FILE: u64 = 2;

fn main() {
    let (mut runs, mut slowest, mut total) = (0_u64, (Duration::ZERO, String::new()), Duration::ZERO);
    let mut measure = |bytes: &[u8], what: &dyn Fn() -> String| {
        let start = Instant::now();
        let mut passwords = Passwords::Given(Password::new(b"push".to_vec()));
        // Whether it opens is not the question.
        let _ = open(bytes, &mut passwords, DEFAULT_MAX_ITERATIONS);
        let took = start.elapsed();
        runs += 1;
        total += took;
        if took > slowest.0 {
            slowest = (took, what());
        }
    };
    for folder in ["ca", "csr", "der", "key", "p12", "p7b", "pem"] {
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            for end in 0..bytes.len() {
                measure(&bytes[..end], &|| format!("{name} cut at {end}"));
            }
            let begin = Instant::now();
            for change in 0..CHANGES.min(bytes.len() * 255) {
                if begin.elapsed() > Duration::from_secs(SECONDS_A_FILE) {
                    break;
                }
                // A step that is coprime to most lengths visits the whole file; the value follows it.
                let place = change * 7_919 % bytes.len();
                let value = (change * 31 % 255 + 1) as u8;
                let mut bytes = bytes.clone();
                bytes[place] ^= value;
                measure(&bytes, &|| format!("{name} with byte {place} changed by {value:#04x}"));
            }
        }
    }
    println!(
        "{runs} damaged files, {:.1} s in all; the slowest took {:.3} s: {}",
        total.as_secs_f64(),
        slowest.0.as_secs_f64(),
        slowest.1
    );
}
