//! Wrong command lines: what stands where nothing belongs may be a password, and is not repeated.

use super::common::{Test, fixture};

/// What is looked for in the output: a password as people have it.
const MARK: &str = "Hunter2Mark";

/// A command line that lacks nothing, as far as it is parsed.
struct Line {
    words: &'static str,
    /// It takes one word more, which is then no stray one.
    takes_more: bool,
}

const fn line(words: &'static str) -> Line {
    Line { words, takes_more: false }
}

const LINES: [Line; 20] = [
    line(""),
    line("csr"),
    line("convert a.p12 -o b.pem"),
    line("pack a.pem -o b.p12"),
    Line { words: "inspect a.pem", takes_more: true },
    line("compare a.pem b.pem"),
    Line { words: "expiry a.pem", takes_more: true },
    line("check a.pem"),
    line("push a.pem --token 00 --alert x"),
    line("database"),
    line("database list sqlite:a.db"),
    line("database import sqlite:a.db a.txt --app com.example.MyApp --environment sandbox"),
    line("gateway --listen 127.0.0.1:0"),
    line("device --gateway localhost:1"),
    line("rehearse"),
    line("example php"),
    Line { words: "explain a", takes_more: true },
    line("wizard"),
    line("generate man"),
    line("generate completions bash"),
];

/// What is typed in a stray place; MARK is the secret.
const STRAYS: [&str; 14] = [
    "MARK",
    "pass:MARK",
    "password=MARK",
    "postgres://u:MARK@localhost/x",
    "u:MARK@localhost:1",
    "--passw:MARK",
    "--pwd:MARK",
    "--passwordMARK",
    "-pMARK",
    "-p MARK",
    "--password MARK",
    "--pasword=MARK",
    "-nodes MARK",
    "--help=MARK",
];

/// The forms of the output.
const FORMS: [&str; 2] = ["", " --json"];

/// Runs a command line that is wrong, which ends with this code, and looks for the secret in what is printed.
fn assert_not_repeated(words: &str, forms: &[&str], code: i32) {
    for form in forms {
        let typed = format!("{words}{form}");
        let run = Test::new().args(typed.split_whitespace()).any_status().run();
        assert_eq!(run.code, Some(code), "{typed}: {}", run.stderr);
        let stdout = String::from_utf8_lossy(&run.stdout);
        assert!(!stdout.contains(MARK) && !run.stderr.contains(MARK), "{typed}: {stdout}{}", run.stderr);
    }
}

#[test]
fn no_stray_password_is_repeated() {
    for line in &LINES {
        for (index, stray) in STRAYS.into_iter().enumerate() {
            if line.takes_more && !stray.starts_with('-') {
                continue;
            }
            // What follows the first word of a message is text, and no message is known with it.
            let code = if line.words == "explain a" { 1 } else { 2 };
            // Both forms have the same message: each is tried for every second word.
            assert_not_repeated(&format!("{} {}", line.words, stray.replace("MARK", MARK)), &[FORMS[index % 2]], code);
        }
    }
}

#[test]
fn no_refused_value_with_a_password_is_repeated() {
    for typed in [
        "gateway --p8-key MARK",
        "gateway --p8-key ABC123DEFG:TEAM:MARK",
        "check a.pem --gateway https://u:MARK@localhost",
        "check a.pem --gateway pass:MARK",
        "push a.pem --token 00 --gateway u:MARK@localhost",
        "convert a.p12 --json=MARK",
        "convert a.p12 --at password:MARK",
        "gateway --listen u:MARK@localhost:1",
        "example MARK",
        "generate completions MARK",
        "help MARK",
        "-in a.p12 MARK -nodes",
        "pkcs12 -in a.p12 -passin MARK -frob",
        "rsa -in a.key -out b.key -passin pass:MARK",
        "openssl pkcs12 -in a.p12 -out b.pem -password pass:MARK",
        "check -cert a.pem --proxy http://u:MARK@localhost:1",
        "push -cert a.pem --database postgres://u:MARK@localhost/x",
    ] {
        assert_not_repeated(&typed.replace("MARK", MARK), &FORMS, 2);
    }
}

#[test]
fn what_can_be_no_password_is_repeated() {
    for (typed, shown) in [
        ("covnert", "covnert"),
        ("convert a.p12 b.pem c.pem", "b.pem"),
        ("convert a.p12 --no-such-flag", "--no-such-flag"),
        ("convert a.p12 --at yesterday", "yesterday"),
        ("example java", "java"),
    ] {
        Test::new().args(typed.split(' ')).status(2).stderr_contains(shown).run();
    }
    Test::new().args(["convert", "a.p12", MARK]).status(2).stderr_contains("--passin env:VARIABLE").run();
}

#[test]
fn a_password_behind_the_name_of_a_file_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("a.p12")).unwrap();
    std::fs::copy(fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let long = format!("a.p12:Geheim99{}", "x".repeat(300));
    for file in ["a.p12:Geheim99", "a.p12:Geheim99/b:c", "./a.p12:Geheim99", &long] {
        for line in [
            &["convert", file, "-o", "push.pem"][..],
            &["convert", "cert.p12", "--key", file],
            &["pack", file, "-o", "push.p12"],
            &["check", file],
            &["compare", "a.p12", file, "--passin", "pass:push"],
            &["inspect", file],
            &["expiry", file],
        ] {
            let run = Test::new().args(line).folder(folder.path()).any_status().hides("eheim99").run();
            // The report of expiry is its output.
            let told = format!("{}{}", run.text(), run.stderr);
            assert!(told.contains("a.p12:…: there is no such file"), "{line:?}: {told}");
            assert!(told.contains("commands that take one have --passin"), "{line:?}: {told}");
            assert_ne!(run.code, Some(0), "{line:?}");
        }
        for line in [
            &["expiry", file, "--json"][..],
            &["expiry", file, "--format", "html"],
            &["rehearse", "--cert", file],
            &["rehearse", "--cert", file, "--json"],
            &["rehearse", "--cert", "cert.p12", "--key", file],
        ] {
            let run = Test::new().args(line).folder(folder.path()).any_status().hides("eheim99").run();
            let told = format!("{}{}", run.text(), run.stderr);
            assert!(told.contains("a.p12:…") && run.code != Some(0), "{line:?}: {told}");
        }
    }
    Test::new()
        .args(["s_client", "-connect", "localhost:443", "-cert", "a.p12:Geheim99"])
        .folder(folder.path())
        .status(2)
        .hides("eheim99")
        .stderr_contains("pushcert check a.p12 --passin env:P12_PASSWORD --gateway localhost:443")
        .run();
}

#[test]
fn no_tip_says_to_pass_an_option_as_a_value() {
    for line in ["convert a.p12 --x", "check --y=1", "push --zz", "expiry --no-such", "csr --xx"] {
        let run = Test::new().args(line.split(' ')).status(2).run();
        assert!(!run.stderr.contains("as a value"), "{line}: {}", run.stderr);
    }
}

#[test]
fn tips_that_clap_cannot_know() {
    for line in
        ["push a.p12 --environment development", "example php --environment Dev", "push a.p12 --environment=debug"]
    {
        Test::new().args(line.split(' ')).status(2).stderr_contains("a similar value exists: 'sandbox'").run();
    }
    let test = Test::new().args(["convert", "--format", "pem", "a.p12"]).status(2).hides("--key-format");
    test.stderr_contains("convert writes PEM; for a .p12: pushcert pack").run();
}
