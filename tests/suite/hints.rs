//! The commands of hints, which run as they stand in the folder where the hint was given.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::common::{Test, entries, fixture};

/// Copies fixtures into a folder under names of its own.
fn copy(folder: &Path, files: &[(&str, &str)]) {
    for (name, source) in files {
        fs::copy(fixture(source), folder.join(name)).unwrap();
    }
}

/// Runs what a hint says behind `sign`, as a shell does. It must end well, and write a file that was not there.
fn run_hint(folder: &Path, said: &str, sign: &str) -> String {
    let (_, rest) = said.split_once(sign).unwrap_or_else(|| panic!("no {sign:?} in {said}"));
    let command = rest.lines().next().unwrap();
    let before = entries(folder).len();
    let script = match command.strip_prefix("pushcert ") {
        Some(arguments) => format!("\"$0\" {arguments}"),
        None => command.to_owned(),
    };
    Test::shell(&script).folder(folder).env("P12_PASSWORD", "push").run();
    assert!(entries(folder).len() > before, "{command}");
    command.to_owned()
}

#[test]
fn the_pem_file_of_an_example_is_made_of_what_is_there() {
    for (file, source, expected) in [
        ("aps.key", "key/push.pem", "convert aps.cer --key aps.key -o push"),
        ("aps.p8", "key/pkcs8.der", "convert aps.cer --key aps.p8 -o push"),
        ("other.cer", "der/universal.cer", "convert other.cer --key push.key -o push"),
        ("cert.p12", "p12/keychain.p12", "convert cert.p12 -o push"),
        ("push.pem", "key/push.pem", "convert aps.cer --key push.pem -o p"),
    ] {
        for taken in [&[][..], &["push.pem"], &["push.pem", "plain.pem"]] {
            let folder = tempfile::tempdir().unwrap();
            copy(folder.path(), &[("aps.cer", "der/universal.cer"), ("push.key", "key/push.pem")]);
            for name in taken {
                fs::write(folder.path().join(name), "taken").unwrap();
            }
            copy(folder.path(), &[(file, source)]);
            let run = Test::new().args(["example", "php", "--cert", file]).folder(folder.path()).run();
            let command = run_hint(folder.path(), &run.stderr, "to make one: ");
            assert!(command.contains(expected), "{command}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), &[("enc.key", "key/encrypted-pkcs8.der"), ("AuthKey.p8", "pem/AuthKey_ABC123DEFG.p8")]);
    for (file, expected) in [
        ("enc.key", "convert aps.cer --key enc.key -o push.pem"),
        ("AuthKey.p8", "may sign tokens: pushcert push --p8 AuthKey.p8 "),
    ] {
        let run = Test::new().args(["example", "php", "--cert", file]).folder(folder.path()).run();
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn names_of_files_that_are_made_are_free() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), &[("cert.p12", "p12/keychain-password.p12"), ("push.pem", "pem/crlf.pem")]);
    let run = Test::new().args(["example", "curl", "--cert", "cert.p12:x"]).folder(folder.path()).status(2).run();
    assert!(run_hint(folder.path(), &run.stderr, "make it with: ").ends_with(" -o push-2.pem"));
    for (option, link) in [("--cert", "push-3.pem"), ("--ca-file", "ca-2.pem")] {
        fs::write(folder.path().join("ca.pem"), "taken").unwrap();
        let name = OsStr::from_bytes(b"a\xff.pem");
        let run = Test::new().args(["example", "curl", option]).arg(name).folder(folder.path()).status(2).run();
        assert!(run_hint(folder.path(), &run.stderr, "made with: ").ends_with(link), "{}", run.stderr);
    }
}

#[test]
fn a_key_of_several_is_taken_out_under_a_free_name() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), &[("two.pem", "pem/two-identities.pem")]);
    for name in ["push.key", "push.crt"] {
        fs::write(folder.path().join(name), "taken").unwrap();
    }
    let subject = ["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "DE", "--key", "two.pem"];
    let run = Test::new().args(subject).folder(folder.path()).status(3).run();
    let said = run.stderr.replace("TOPIC", "com.example.MyApp");
    let command = run_hint(folder.path(), &said, "take one out first: ");
    assert!(command.ends_with("--cert-out push-2.crt --key-out push-2.key"), "{command}");
}

#[test]
fn a_request_that_was_not_written_is_made_again_with_the_same_subject() {
    for (options, expected) in [("", ""), (" --encrypt --passout env:P12_PASSWORD", " --passin env:P12_PASSWORD")] {
        for taken in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let request = "CertificateSigningRequest.certSigningRequest";
            if taken {
                fs::write(folder.path().join(request), "taken").unwrap();
            }
            let subject = "--email jo@example.com --name 'Jo Doe' --country DE";
            let script = format!("\"$0\" csr {subject} --key-out kk.key{options} -o - >/dev/full");
            let test = Test::shell(&script).folder(folder.path()).env("P12_PASSWORD", "push").status(6);
            let command = run_hint(folder.path(), &test.run().stderr, "make the request for it with: ");
            let start = format!("pushcert csr --key kk.key{expected} {subject}");
            assert!(command.starts_with(&start), "{command}");
        }
    }
}

#[test]
fn a_database_is_named_with_its_scheme_before_it_is_there() {
    const GROUP: &str = "--app com.example.MyApp --environment sandbox";
    let token = "a1".repeat(32);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("list.txt"), &token).unwrap();
    for (line, name) in [
        (format!("database add tokens.db {GROUP} {token}"), "tokens.db"),
        (format!("database import data/tokens.sqlite3 list.txt {GROUP}"), "data/tokens.sqlite3"),
        ("database list TOKENS.SQLITE".to_owned(), "TOKENS.SQLITE"),
        (format!("database remove tokens.db {GROUP} {token}"), "tokens.db"),
        (
            format!("push {} --environment sandbox --alert x --database tokens.db", fixture("pem/crlf.pem").display()),
            "tokens.db",
        ),
        ("device --gateway localhost:1 --register-with tokens.db".to_owned(), "tokens.db"),
    ] {
        let run = Test::new().args(line.split(' ')).folder(folder.path()).status(2).run();
        let hint = format!("hint: a file is named with sqlite: before it: sqlite:{name}\n");
        assert!(run.stderr.contains(&hint), "{line}: {}", run.stderr);
    }
    // It may be a password.
    let run = Test::new().args(["database", "list", "hunter2"]).status(2).hides("hunter2").run();
    assert!(run.stderr.contains("such as sqlite:tokens.db\n"), "{}", run.stderr);
}

#[test]
fn a_name_that_begins_with_a_dash_is_given_with_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    copy(
        folder.path(),
        &[("-dash.p12", "p12/keychain.p12"), ("-k.key", "key/push.pem"), ("-hello.cer", "der/universal.cer")],
    );
    copy(
        folder.path(),
        &[("--all.p12", "p12/keychain.p12"), ("-Voice.p12", "p12/keychain.p12"), ("-o.p12", "p12/keychain.p12")],
    );
    for (line, name) in [
        ("convert -dash.p12", "-dash.p12"),
        ("convert --force -dash.p12 -o push.pem", "-dash.p12"),
        ("inspect -dash.p12 cert.p12", "-dash.p12"),
        ("expiry --all.p12", "--all.p12"),
        ("inspect -hello.cer", "-hello.cer"),
        ("inspect -Voice.p12", "-Voice.p12"),
        ("pack -o.p12", "-o.p12"),
        ("convert -hello.cer --key -k.key", "-hello.cer"),
        ("convert a.cer --key -k.key", "-k.key"),
        ("convert a.cer --key -o.p12", "-o.p12"),
        // What is not there yet.
        ("convert cert.p12 --cert-out -a.crt --key-out a.key", "-a.crt"),
        ("convert cert.p12 -o -push.pem", "-push.pem"),
        ("csr --key-out -new.key", "-new.key"),
        ("check push.pem -o -check.xml", "-check.xml"),
        ("push push.pem --token 00 --alert x --results -r.ndjson", "-r.ndjson"),
        ("database remove sqlite:a.db --tokens -gone.csv", "-gone.csv"),
    ] {
        let hint = format!("a file of that name is given as ./{name}");
        let run = Test::new().args(line.split(' ')).folder(folder.path()).status(2).run();
        assert!(run.stderr.contains(&hint), "{line}: {}", run.stderr);
        let run = Test::new().args(line.split(' ')).arg("--json").folder(folder.path()).status(2).run();
        assert!(run.json()["error"]["hint"].as_str().unwrap() == hint, "{line}: {}", run.text());
    }
    let run = Test::new().args(["convert", "cert.p12", "-o", "-Secret99"]).status(2).hides("Secret99").run();
    assert!(run.stderr.contains("is given with ./ before it"), "{}", run.stderr);
    // Neither is such a file there, nor is one expected.
    let run = Test::new().args(["convert", "-dash.p12"]).status(2).run();
    assert!(!run.stderr.contains("./"), "{}", run.stderr);
    Test::new().args(["convert", "--help"]).folder(folder.path()).run();
}
