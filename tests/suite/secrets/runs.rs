//! Every way to give a file to pushcert, in every format.

use crate::common::{Test, fixture};

/// A command line that reads the damaged file.
pub(super) struct Run {
    /// FILE is the damaged file. `< FILE` at the end gives it to standard input.
    pub(super) line: String,
    /// It prints the key on standard output, as it was asked to.
    pub(super) prints_key: bool,
    /// The exit code for an undamaged file in PEM.
    pub(super) code: i32,
}

/// The words of [`RUNS`] that stand for arguments; the others are arguments.
const WORDS: [(&str, &[&str]); 11] = [
    ("PASS", &["--passin", "env:PASSWORD"]),
    ("TO", &["--passout", "env:LONG_PASSWORD"]),
    ("WHO", &["--email", "jo@example.com", "--name", "Jo", "--country", "DE"]),
    // Nobody listens on the port of tcpmux, least of all to TLS.
    ("CLOSED", &["--gateway", "127.0.0.1:1", "--timeout", "1s"]),
    // An address of nobody (RFC 5737): the gateway cannot run.
    ("NOWHERE", &["--listen", "192.0.2.1:1"]),
    ("TEAM", &["--key-id", "ABC123DEFG", "--team-id", "TEAMID1234", "--topic", "com.example.MyApp"]),
    ("NEVER", &["--at", "2030-01-01"]),
    ("TOKEN", &["--environment", "sandbox", "--token", DEVICE]),
    ("ALERT", &["--environment", "sandbox", "--alert", "x", "--dry-run"]),
    ("APP", &["--environment", "sandbox", "--app", "com.example.MyApp"]),
    ("PHONE", &["--gateway", "127.0.0.1:1", "--count", "1", "--wait", "1s"]),
];

const DEVICE: &str = "abababababababababababababababababababababababababababababababab";

/// The files that are as they should be.
const FILES: [(&str, &str); 3] =
    [("CERT", "der/universal.cer"), ("IDENTITY", "pem/identity.pem"), ("P12", "p12/keychain-password.p12")];

#[rustfmt::skip]
const RUNS: [(&str, i32); 116] = [
    ("convert FILE PASS -o out.pem", 0),
    ("convert FILE PASS --json -o out.pem", 0),
    ("convert FILE PASS --json --bag-attributes --key-out out.key --cert-out out.crt", 2),
    ("convert FILE PASS --no-key --certs all -o -", 0),
    ("convert FILE PASS --no-key --chain -o -", 1),
    ("convert FILE PASS --encrypt TO", 0),
    ("convert FILE PASS --key-format traditional --strict --json -o out.pem", 1),
    ("convert FILE PASS --select com.example.Nobody -o out.pem", 1),
    ("convert FILE -o out.pem", 0),
    ("convert FILE --passin file:FILE -o out.pem", 0),
    ("convert FILE --passin env:LONG_PASSWORD -o out.pem", 0),
    ("convert FILE --passin cmd:cat<long -o out.pem", 0),
    ("convert P12 --passin cmd:cat<long;exit\t3 -o out.pem", 4),
    ("inspect P12 --passin cmd:cat<FILE", 4),
    ("convert - PASS --json -o out.pem < FILE", 0),
    ("convert CERT PASS --key FILE -o out.pem", 0),
    ("convert CERT PASS --key FILE --json -o out.pem", 0),
    ("convert P12 --passin file:FILE -o out.pem", 4),
    ("convert P12 --passin env:INPUT -o out.pem", 4),
    ("convert P12 --passin fd:0 -o out.pem < FILE", 4),
    ("convert P12 --passin stdin --json -o out.pem < FILE", 4),
    ("convert IDENTITY --encrypt --passout file:FILE --no-key -o out.pem", 2),
    ("convert IDENTITY --encrypt --passout file:FILE", 0),
    ("inspect FILE PASS", 0),
    ("inspect FILE PASS --json", 0),
    ("inspect FILE", 0),
    ("inspect FILE --passin env:LONG_PASSWORD --json", 0),
    ("inspect - PASS < FILE", 0),
    ("inspect CERT FILE FILE PASS", 0),
    ("inspect P12 --passin file:FILE", 4),
    ("inspect FILE PASS --full", 0),
    ("inspect FILE PASS --full --json", 0),
    ("inspect CERT --key FILE PASS", 0),
    ("inspect CERT --key . PASS --json", 0),
    ("convert CERT PASS --key . -o out.pem", 0),
    ("convert CERT PASS --key FILE --key IDENTITY --json -o out.pem", 0),
    ("csr WHO --key FILE PASS -o -", 0),
    ("csr WHO --key FILE PASS --any-key --json -o out.csr", 0),
    ("csr WHO --key-out FILE -o out.csr", 6),
    ("csr WHO --key FILE --passin file:FILE -o - --force", 0),
    ("csr WHO --encrypt --passout file:FILE --key-out out.key -o out.csr", 0),
    ("pack FILE PASS TO -o out.p12", 0),
    ("pack FILE PASS TO -o -", 0),
    ("pack FILE PASS TO --for modern --json -o out.p12", 0),
    ("pack FILE PASS TO --for java --strict --name push -o out.p12", 1),
    ("pack CERT PASS --key FILE TO -o out.p12", 0),
    ("pack CERT PASS --key FILE TO --json -o out.p12", 0),
    ("pack FILE --passin file:FILE TO -o out.p12", 0),
    ("pack IDENTITY --passout file:FILE -o out.p12", 0),
    ("expiry FILE PASS --expect-key --expect-apple --expect-topic com.example.None", 1),
    ("expiry FILE PASS --json --leaf-only", 0),
    ("expiry . PASS --json", 0),
    ("expiry . PASS --format html", 0),
    ("expiry FILE PASS --format html -o out.html", 0),
    ("expiry FILE PASS --exit-zero NEVER", 0),
    ("expiry FILE --skip-unreadable", 0),
    ("expiry - PASS < FILE", 0),
    ("expiry - PASS --json < FILE", 0),
    ("expiry P12 --passwords FILE", 4),
    ("expiry P12 --passwords FILE --json", 4),
    ("expiry P12 --passwords FILE --format github", 4),
    ("expiry P12 --passin file:FILE --format junit", 4),
    ("expiry FILE --passwords two-lines", 0),
    ("expiry FILE --passwords wrong-source", 0),
    ("expiry FILE --passwords wrong-variable --json", 0),
    ("expiry FILE --passwords wrong-glob --format nagios", 0),
    ("compare FILE FILE PASS", 1),
    ("compare FILE FILE PASS --json", 1),
    ("compare CERT FILE PASS --passin-new env:LONG_PASSWORD", 1),
    ("compare P12 FILE --passin file:FILE --json", 4),
    ("compare IDENTITY P12 --passin-new file:FILE", 4),
    ("compare - CERT PASS < FILE", 1),
    ("compare P12 CERT PASS --key FILE", 1),
    ("check FILE PASS CLOSED", 5),
    ("check FILE PASS CLOSED --json", 5),
    ("check - PASS CLOSED --retries 1 --revocation < FILE", 5),
    ("check CERT PASS --key FILE CLOSED", 5),
    ("check IDENTITY --ca-file FILE CLOSED", 5),
    ("check P12 --passin file:FILE CLOSED", 4),
    ("check --p8 FILE TEAM PASS CLOSED", 3),
    ("check --p8 FILE TEAM CLOSED --json", 3),
    ("gateway --p8-key ABC123DEFG:TEAMID1234:FILE NOWHERE", 3),
    ("gateway --client-ca FILE NOWHERE", 5),
    ("gateway --client-ca - NOWHERE < FILE", 5),
    ("gateway --tokens FILE NOWHERE", 3),
    ("gateway --tokens - NOWHERE < FILE", 3),
    ("push FILE PASS TOKEN --alert x --dry-run", 0),
    ("push FILE PASS TOKEN --alert x --dry-run --json", 0),
    ("push - PASS TOKEN --alert x --dry-run < FILE", 0),
    ("push CERT --key FILE PASS TOKEN --alert x --dry-run", 0),
    ("push P12 --passin file:FILE TOKEN --alert x --dry-run", 4),
    ("push --p8 FILE TEAM PASS TOKEN --alert x --dry-run", 3),
    ("push IDENTITY --ca-file FILE TOKEN --alert x CLOSED", 5),
    ("push IDENTITY --resume FILE TOKEN --alert x CLOSED", 3),
    ("push IDENTITY --payload FILE TOKEN --dry-run", 3),
    ("push IDENTITY --payload - TOKEN --dry-run --json < FILE", 3),
    ("push IDENTITY --database sqlite:FILE ALERT", 3),
    ("push IDENTITY --tokens FILE ALERT", 3),
    ("push IDENTITY --tokens - ALERT --json < FILE", 3),
    ("push IDENTITY --tokens FILE --column token ALERT", 3),
    ("push IDENTITY --tokens FILE --tokens-format ndjson ALERT", 3),
    ("database import sqlite:tokens.db FILE APP", 3),
    ("database import sqlite:tokens.db - APP --json < FILE", 3),
    ("database import sqlite:tokens.db FILE APP --tokens-format csv", 3),
    ("database list sqlite:FILE", 3),
    ("database list sqlite:FILE --json", 3),
    ("device --state FILE PHONE", 3),
    ("device --ca-file FILE PHONE", 5),
    ("device --register-with sqlite:FILE PHONE --json", 5),
    ("example php --cert FILE", 0),
    ("example node --cert FILE --topic com.example.MyApp", 0),
    ("example python --ca-file FILE --topic com.example.MyApp", 0),
    ("explain < FILE", 1),
    ("explain --json < FILE", 1),
    ("wizard", 2),
    ("wizard < FILE", 2),
];

/// Runs that print the key because that was asked for.
const PRINTING_RUNS: [(&str, i32); 3] =
    [("convert FILE PASS -o -", 0), ("convert FILE PASS --bag-attributes=3.2", 2), ("convert CERT PASS --key FILE", 0)];

/// Returns all of them.
pub(super) fn all() -> Vec<Run> {
    let mut runs = Vec::new();
    for (line, code) in RUNS {
        runs.push(Run { line: line.to_owned(), prints_key: false, code });
    }
    for (line, code) in PRINTING_RUNS {
        runs.push(Run { line: line.to_owned(), prints_key: true, code });
    }
    for field in possible_values(&["inspect", "FILE", "--field", "?"]) {
        runs.push(Run { line: format!("inspect FILE PASS --field {field}"), prints_key: false, code: 0 });
    }
    for format in possible_values(&["expiry", "FILE", "--format", "?"]) {
        runs.push(Run { line: format!("expiry FILE PASS --format {format}"), prints_key: false, code: 0 });
        let code = if format == "nagios" { 3 } else { 4 };
        runs.push(Run { line: format!("expiry P12 --passwords FILE --format {format}"), prints_key: false, code });
    }
    for format in possible_values(&["check", "FILE", "--format", "?"]) {
        let code = if format == "nagios" { 3 } else { 5 };
        runs.push(Run { line: format!("check FILE PASS CLOSED --format {format}"), prints_key: false, code });
    }
    runs
}

/// Returns the values that an option takes, which the refusal of another one lists.
fn possible_values(arguments: &[&str]) -> Vec<String> {
    let run = Test::new().args(arguments).status(2).run();
    let (_, values) = run.stderr.split_once("[possible values: ").unwrap();
    let (values, _) = values.split_once(']').unwrap();
    values.split(',').map(|value| value.trim().to_owned()).collect()
}

impl Run {
    /// Returns the arguments, and whether the file is the input.
    pub(super) fn arguments(&self, file: &str) -> (Vec<String>, bool) {
        let (line, takes_stdin) = match self.line.strip_suffix(" < FILE") {
            Some(line) => (line, true),
            None => (&*self.line, false),
        };
        let mut arguments = Vec::new();
        for word in line.split(' ') {
            if let Some((_, expanded)) = WORDS.iter().find(|(name, _)| *name == word) {
                arguments.extend(expanded.iter().map(|argument| (*argument).to_owned()));
            } else if let Some((_, path)) = FILES.iter().find(|(name, _)| *name == word) {
                arguments.push(fixture(path).display().to_string());
            } else {
                arguments.push(word.replace("FILE", file));
            }
        }
        (arguments, takes_stdin)
    }
}

/// Placeholders of values that are a file, or a source of a password.
const FILE_VALUES: [&str; 3] = ["<FILE>", "<FILE|FOLDER>", "<SOURCE>"];

/// Options that only name a new file.
const OUTPUTS: [&str; 6] = ["--output", "--cert-out", "--key-out", "--log", "--results", "--unregistered-out"];

#[test]
fn every_option_that_takes_a_file_is_given_the_damaged_one() {
    let mut missing = Vec::new();
    let commands =
        ["convert", "inspect", "csr", "pack", "expiry", "compare", "check", "gateway", "device", "example", "push"];
    let runs = all();
    for command in commands {
        let help = Test::new().args([command, "--help"]).run();
        for line in help.text().lines() {
            let Some((before, _)) = FILE_VALUES.iter().find_map(|value| line.split_once(value)) else { continue };
            let Some(option) = before.split_whitespace().last().filter(|word| word.starts_with("--")) else { continue };
            let given =
                [format!("{option} FILE"), format!("{option} file:FILE"), format!("{option} env:LONG_PASSWORD")];
            let is_given =
                |run: &&Run| run.line.starts_with(command) && given.iter().any(|given| run.line.contains(given));
            if !OUTPUTS.contains(&option) && runs.iter().find(is_given).is_none() {
                missing.push(format!("{command} {option}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "no run of tests/suite/secrets/runs.rs gives the damaged file to {}",
        missing.join(", ")
    );
}
