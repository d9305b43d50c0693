//! What is written, and what is not after a failure.

use std::fs;

use crate::common::{Test, entries, fixture, root};

/// Runs it in the root of the repository.
fn pushcert(arguments: &[&str]) -> Test {
    Test::new().args(arguments).folder(root())
}

#[test]
fn after_any_failure_no_file_exists_and_an_existing_one_is_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let (fresh, existing) = (folder.path().join("fresh.pem"), folder.path().join("existing.pem"));
    fs::write(&existing, "mine").unwrap();
    let failures: [&[&str]; 8] = [
        &["fixtures/p12/mismatch.p12", "--passin", "pass:push"],
        &["fixtures/p12/keychain-password.p12"],
        &["fixtures/p12/keychain-password.p12", "--passin", "pass:wrong"],
        &["fixtures/p12/truncated.p12", "--passin", "pass:push"],
        &["fixtures/p12/two-identities.p12", "--passin", "pass:push"],
        &["fixtures/p12/expired.p12", "--passin", "pass:push", "--strict"],
        &["fixtures/der/universal.cer"],
        &["fixtures/key/push.pem"],
    ];
    for arguments in failures {
        for (target, force) in [(&fresh, false), (&existing, true)] {
            let test = pushcert(&["convert"]).args(arguments).arg("-o").arg(target);
            let run = test.args(force.then_some("--force")).any_status().stdout("").run();
            assert_ne!(run.code, Some(0), "{arguments:?}");
        }
        assert_eq!(entries(folder.path()), ["existing.pem"], "{arguments:?}");
        assert_eq!(fs::read_to_string(&existing).unwrap(), "mine");
    }
}

#[test]
fn two_names_of_one_output_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("out");
    fs::create_dir(&folder).unwrap();
    fs::create_dir(folder.join("x")).unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("way")).unwrap();
    let convert = |outputs: [&str; 2], force: bool| {
        let input = parent.path().join("input.p12");
        fs::copy(fixture("p12/keychain.p12"), &input).unwrap();
        let test = Test::new().arg("convert").arg(&input).args(["--cert-out", outputs[0], "--key-out", outputs[1]]);
        test.args(force.then_some("--force")).folder(&folder)
    };
    let new = [["a", "./a"], ["a", "x/../a"], ["way/a", "a"], ["-", "/dev/stdout"], ["/dev/fd/1", "-"]];
    for outputs in new {
        for force in [false, true] {
            let test = convert(outputs, force).status(2);
            test.stdout("").stderr_contains("two outputs have the same name").run();
            assert_eq!(entries(&folder), ["way", "x"]);
        }
    }
    fs::write(folder.join("a"), "mine").unwrap();
    fs::hard_link(folder.join("a"), folder.join("hard")).unwrap();
    std::os::unix::fs::symlink("a", folder.join("soft")).unwrap();
    for outputs in [["a", "soft"], ["hard", "a"], ["soft", "hard"]] {
        convert(outputs, true).status(2).run();
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "mine");
    }
    convert(["b", "x/b"], false).run();
    convert(["-", "/dev/null"], false).run();
    for command in ["convert", "pack"] {
        let output = pushcert(&[command, "fixtures/p12/keychain.p12", "--json", "-o", "/dev/stdout"]).status(2).run();
        let report = output.json();
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("--json reports on standard output"), "{message}");
    }
}

#[test]
fn an_input_is_replaced_only_where_its_keys_stay() {
    let folder = tempfile::tempdir().unwrap();
    let reset = || {
        for (name, from) in [
            ("id.pem", "pem/identity.pem"),
            ("two.pem", "pem/two-identities.pem"),
            ("mismatch.pem", "pem/mismatch.pem"),
            ("two.p12", "p12/two-identities.p12"),
            ("aps.cer", "der/universal.cer"),
            ("push.key", "key/push.pem"),
        ] {
            fs::copy(fixture(from), folder.path().join(name)).unwrap();
        }
        let _ = fs::remove_file(folder.path().join("new.key"));
    };
    let test = |arguments: &str| {
        reset();
        Test::new().args(arguments.split(' ')).arg("--force").folder(folder.path())
    };
    for (arguments, name) in [
        ("convert id.pem -o id.pem --no-key", "id.pem"),
        ("convert id.pem -o ./id.pem --no-key", "id.pem"),
        ("convert two.pem --select com.example.Other -o two.pem", "two.pem"),
        ("convert mismatch.pem --key push.key -o mismatch.pem", "mismatch.pem"),
        ("convert two.p12 --passin pass:push --select com.example.Other --bag-attributes -o two.p12", "two.p12"),
        ("pack two.pem --select com.example.Other -o two.pem --passout pass:push", "two.pem"),
        ("pack mismatch.pem --key push.key -o mismatch.pem --passout pass:push", "mismatch.pem"),
    ] {
        let refused = test(arguments).status(6);
        let before = fs::read(folder.path().join(name)).unwrap();
        refused.stderr_contains("a private key in it would be lost").run();
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), before, "{arguments}");
    }
    for (arguments, kept) in [
        ("convert id.pem -o id.pem", "id.pem"),
        ("convert id.pem --cert-out id.pem --key-out new.key", "new.key"),
        ("convert aps.cer --key push.key -o push.key", "push.key"),
        ("convert aps.cer --key push.key -o aps.cer", "aps.cer"),
        ("convert aps.cer --key push.key --cert-out push.key --key-out new.key", "new.key"),
        ("convert two.p12 --passin pass:push --bag-attributes -o two.p12", "two.p12"),
        ("pack id.pem -o id.pem --passout pass:push", "id.pem"),
    ] {
        test(arguments).run();
        let report = Test::new().args(["inspect", "--json", "--passin", "pass:push", kept]).folder(folder.path()).run();
        assert!(!report.json()["files"][0]["keys"].as_array().unwrap().is_empty(), "{arguments}");
    }
}

/// `--force` is advice only where it helps.
#[test]
fn no_hint_names_an_option_that_is_refused_then() {
    let folder = tempfile::tempdir().unwrap();
    for (name, from) in [("id.pem", "pem/identity.pem"), ("push.key", "key/push.pem"), ("aps.cer", "der/universal.cer")]
    {
        fs::copy(fixture(from), folder.path().join(name)).unwrap();
    }
    for arguments in [
        "expiry id.pem --format html -o push.key",
        "csr --email jo@example.com --name Jo --country DE --key push.key -o id.pem",
        "convert id.pem -o id.pem --no-key",
        "convert aps.cer --key push.key --cert-out push.key --key-out /dev/null",
        "pack id.pem -o push.key --passout pass:geheim99 --key push.key --select com.example.MyApp",
        "pack id.pem -o id.pem --passout pass:geheim99",
    ] {
        let test = || Test::new().args(arguments.split(' ')).folder(folder.path());
        let before = ["id.pem", "push.key"].map(|name| fs::read(folder.path().join(name)).unwrap());
        let refused = test().status(6).run();
        let hint = refused.stderr.lines().find(|line| line.contains("hint:")).unwrap_or_default();
        let advises_force = hint.contains("with --force");
        let forced = test().arg("--force").any_status().run();
        assert_eq!(advises_force, forced.code == Some(0), "{arguments}: {} {}", refused.stderr, forced.stderr);
        for (name, bytes) in ["id.pem", "push.key"].into_iter().zip(before) {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
    }
    // It would be taken, and the only key for a certificate that is at Apple may be lost: it is not advised.
    let typed = || Test::new().args(["convert", "aps.cer", "-o", "push.key", "--no-key"]).folder(folder.path());
    let refused = typed().status(6).run();
    let hint = "it holds a private key that no input has: choose another name";
    assert!(refused.stderr.contains(hint) && !refused.stderr.contains("--force"), "{}", refused.stderr);
    typed().arg("--force").run();
}

#[test]
fn the_next_command_names_files_that_are_there() {
    let pack = "pack id.pem --passout pass:geheim99 -o";
    for (command, next) in [
        ("convert id.pem -o push.pem".to_owned(), Some("next: pushcert check push.pem\n")),
        (
            "convert id.pem --cert-out push.crt --key-out push.key".to_owned(),
            Some("next: pushcert check push.crt --key push.key\n"),
        ),
        ("convert id.pem --no-key -o push.crt".to_owned(), Some("next: pushcert inspect push.crt\n")),
        (
            "convert id.pem --cert-out push.crt --key-out /dev/null".to_owned(),
            Some("next: pushcert inspect push.crt\n"),
        ),
        ("convert id.pem --cert-out /dev/null --key-out push.key".to_owned(), None),
        (format!("{pack} push.p12"), Some("security import push.p12 -f pkcs12 -k ")),
        (format!("{pack} push.p12 --for modern"), Some("openssl pkcs12 -in push.p12 -nodes\n")),
        (format!("{pack} push.p12 --for java"), Some("keytool -list -v -storetype PKCS12 -keystore push.p12\n")),
        (format!("{pack} /dev/null"), None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(fixture("pem/identity.pem"), folder.path().join("id.pem")).unwrap();
        let run = Test::new().args(command.split(' ')).folder(folder.path()).run();
        match next {
            Some(next) => assert!(run.stderr.contains(next), "{command}: {}", run.stderr),
            None => assert!(!run.stderr.contains("next"), "{command}: {}", run.stderr),
        }
    }
}

#[test]
fn where_the_report_cannot_be_printed_the_files_are_named() {
    let csr = "csr --email jo@example.com --name Jo --country DE";
    for (command, written) in [
        (format!("{csr} -o a.csr"), "push.key and a.csr were written"),
        (format!("{csr} --key \"$1\" -o a.csr"), "a.csr were written"),
        ("convert \"$1\" -o push.pem".to_owned(), "push.pem was written"),
        ("convert \"$1\" --cert-out push.crt --key-out push.key".to_owned(), "push.crt and push.key were written"),
        ("convert \"$1\" -o /dev/null".to_owned(), "cannot write the output: No space left on device (os error 28)\","),
        ("pack \"$1\" --passout pass:geheim99 -o push.p12".to_owned(), "push.p12 was written"),
    ] {
        let test = Test::shell(&format!("\"$0\" {command} --json >/dev/full")).arg(fixture("pem/identity.pem"));
        let run = test.status(6).run();
        assert!(run.stderr.contains(written.trim_end_matches("\",")), "{command}: {}", run.stderr);
    }
}

#[test]
fn an_existing_file_is_overwritten_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("push.pem");
    fs::write(&target, "mine").unwrap();
    let target = target.to_str().unwrap();
    pushcert(&["convert", "fixtures/p12/keychain.p12", "-o", target]).status(6).run();
    assert_eq!(fs::read_to_string(target).unwrap(), "mine");
    pushcert(&["convert", "fixtures/p12/keychain.p12", "-o", target, "--force"]).run();
    assert!(fs::read_to_string(target).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(entries(folder.path()), ["push.pem"]);
}

#[test]
fn two_outputs_are_written_both_or_neither() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("push.crt"), folder.path().join("push.key"));
    let convert = || {
        let test = pushcert(&["convert", "fixtures/p12/keychain.p12", "--cert-out"]);
        test.arg(&certificate).arg("--key-out").arg(&key)
    };
    fs::write(&key, "mine").unwrap();
    convert().status(6).run();
    assert_eq!(entries(folder.path()), ["push.key"]);
    fs::remove_file(&key).unwrap();
    convert().run();
    assert!(fs::read_to_string(&certificate).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert!(fs::read_to_string(&key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[cfg(unix)]
#[test]
fn a_key_is_private_and_a_certificate_as_the_umask_has_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let script = "umask 000; \"$0\" convert fixtures/p12/keychain.p12 -o \"$1/push.pem\" && \
                  \"$0\" convert fixtures/p12/keychain.p12 --cert-out \"$1/push.crt\" --key-out \"$1/push.key\"";
    Test::shell(script).arg(folder.path()).folder(root()).run();
    let mode = |name| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode("push.pem"), mode("push.key"), mode("push.crt")], [0o600, 0o600, 0o666]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target.pem"), folder.path().join("link.pem"));
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    pushcert(&["convert", "fixtures/p12/keychain.p12", "--force", "-o", link.to_str().unwrap()]).run();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("PRIVATE KEY"));
}

#[test]
fn standard_input_and_output() {
    let bytes = fs::read(fixture("p12/keychain.p12")).unwrap();
    let piped = pushcert(&["convert", "-", "-o", "-"]).stdin(bytes).run();
    assert_eq!(piped.stdout, pushcert(&["convert", "fixtures/p12/keychain.p12"]).run().stdout);
}

#[test]
fn passwords_from_every_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "push\r\nsecond line\n").unwrap();
    let from_file = format!("file:{}", file.display());
    for source in [&*from_file, "env:P12_PASSWORD", "stdin"] {
        let test = pushcert(&["convert", "fixtures/p12/keychain-password.p12", "--passin", source]);
        let test = if source == "stdin" { test.stdin("push\n") } else { test };
        let test = if source.starts_with("env") { test.env("P12_PASSWORD", "push") } else { test };
        test.stdout_contains("PRIVATE KEY").run();
    }
}

#[cfg(unix)]
#[test]
fn a_password_from_a_file_descriptor() {
    let script = "\"$0\" convert fixtures/p12/keychain-password.p12 --passin fd:3 3<<EOF\npush\nEOF";
    Test::shell(script).folder(root()).run();
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let files = std::iter::repeat_n("fixtures/der/universal.cer", 100);
    pushcert(&["inspect"]).args(files).closed_stdout().stderr("").run();
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.p12");
    // Sparse: it takes no room.
    fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    pushcert(&["convert", path.to_str().unwrap()]).status(3).stderr_contains("larger than 64 MiB").run();
}

#[test]
fn no_secret_is_shown() {
    let test = pushcert(&["convert", "fixtures/p12/keychain-password.p12", "--passin", "pass:hunter2"]);
    test.status(4).hides("hunter2").run();
}

/// A push that goes nowhere.
const PUSH: [&str; 8] = ["push", "cert.p12", "--environment", "sandbox", "--alert", "x", "--gateway", "127.0.0.1:1"];

#[test]
fn an_error_of_the_system_has_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dir")).unwrap();
    fs::copy(fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let token = "00".repeat(32);
    let push = |arguments: &[&str]| [&PUSH[..], arguments].concat().iter().map(|&word| word.to_owned()).collect();
    let mut lines: Vec<Vec<String>> = Vec::new();
    for file in ["dir", "missing/x", "cert.p12/x"] {
        lines.push(push(&["--tokens", file]));
        lines.push(push(&["--token", &token, "--results", file]));
        lines.push(push(&["--token", &token, "--unregistered-out", file]));
        lines.push(push(&["--database", &format!("sqlite:{file}")]));
        for line in [
            &["gateway", "--listen", "127.0.0.1:0", "--tokens", file][..],
            &["database", "import", "sqlite:tokens.db", file, "--app", "com.example.MyApp", "--environment", "sandbox"],
            &["inspect", "cert.p12", "--key", file],
        ] {
            lines.push(line.iter().map(|&word| word.to_owned()).collect());
        }
    }
    for file in ["missing/x", "cert.p12/x"] {
        lines.push(push(&["--token", &token, "--resume", file]));
        for line in [
            &["gateway", "--listen", "127.0.0.1:0", "--folder", file][..],
            &["gateway", "--listen", "127.0.0.1:0", "--log", file],
            &["rehearse", "--keep", file],
        ] {
            lines.push(line.iter().map(|&word| word.to_owned()).collect());
        }
    }
    lines.push(vec!["gateway".to_owned(), "--listen".to_owned(), "192.0.2.1:5555".to_owned()]);
    for line in lines {
        let run = Test::new().args(&line).folder(folder.path()).any_status().run();
        let is_of_system = run.stderr.contains("os error") || run.stderr.contains("is a directory");
        assert!(!is_of_system || run.stderr.contains("hint: "), "{line:?}: {}", run.stderr);
        assert!(line[0] == "inspect" || run.code != Some(0), "{line:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_another() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let test = Test::new().args(["gateway", "--listen", &address]).status(5);
    test.stderr_contains("hint: another program listens there: choose another port, or --listen 127.0.0.1:0").run();
}

#[test]
fn standard_input_is_not_called_a_dash() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let token = "00".repeat(32);
    let push = |arguments: &[&str]| [&PUSH[..4], &PUSH[6..], arguments].concat().join(" ");
    for line in [
        push(&["--alert", "x", "--tokens", "-"]),
        push(&["--alert", "x", "--tokens", "-", "--tokens-format", "csv"]),
        push(&["--token", &token, "--payload", "-"]),
        "gateway --listen 127.0.0.1:0 --tokens -".to_owned(),
        "gateway --listen 127.0.0.1:0 --client-ca -".to_owned(),
        "gateway --listen 127.0.0.1:0 --p8-key KEYID12345:TEAMID1234:-".to_owned(),
        "database import sqlite:tokens.db - --app com.example.MyApp --environment sandbox".to_owned(),
    ] {
        let test = Test::new().args(line.split(' ')).folder(folder.path()).stdin("no token").any_status();
        let run = test.stderr_contains("standard input: ").hides(" -: ").run();
        assert_ne!(run.code, Some(0), "{line}");
    }
}

#[test]
fn a_tilde_that_no_shell_expands_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let token = "00".repeat(32);
    let push = ["push", "cert.p12", "--environment", "sandbox", "--alert", "x", "--gateway", "127.0.0.1:1"];
    let push = |arguments: &[&'static str]| [&push[..], arguments].concat();
    for (line, path) in [
        (vec!["convert", "cert.p12", "--output=~/push.pem"], "\"$HOME/push.pem\""),
        (vec!["convert", "cert.p12", "--output=~/a b/$x.pem"], "\"$HOME/a b/\\$x.pem\""),
        (vec!["convert", "~/cert.p12"], "\"$HOME/cert.p12\""),
        (vec!["convert", "cert.p12", "--key=~/keys"], "\"$HOME/keys\""),
        (vec!["convert", "cert.p12", "--passin=file:~/pw"], "file:\"$HOME/pw\""),
        (vec!["inspect", "cert.p12", "--key=~/keys"], "\"$HOME/keys\""),
        (vec!["expiry", "~/certs"], "\"$HOME/certs\""),
        (vec!["database", "list", "sqlite:~/tokens.db"], "sqlite:\"$HOME/tokens.db\""),
        (push(&["--tokens=~/tokens.txt"]), "\"$HOME/tokens.txt\""),
        (vec!["gateway", "--listen=127.0.0.1:0", "--log=~/gateway.log"], "\"$HOME/gateway.log\""),
        (vec!["gateway", "--listen=127.0.0.1:0", "--folder=~/gateway"], "\"$HOME/gateway\""),
        (vec!["rehearse", "--keep=~/x"], "\"$HOME/x\""),
    ] {
        let run = Test::new().args(&line).folder(folder.path()).any_status().run();
        let hint = format!("the shell has not expanded ~ there: give {path}");
        // The report of expiry is its output.
        let told = format!("{}{}", run.text(), run.stderr);
        assert!(told.contains(&hint), "{line:?}: {told}");
    }
    let line = push(&["--results=~/results.ndjson", "--token"]);
    let test = Test::new().args(line).arg(token).folder(folder.path()).status(6);
    test.stderr_contains("give \"$HOME/results.ndjson\"").run();
    assert_eq!(entries(folder.path()), ["cert.p12"]);
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf8_is_refused_in_plain_words() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let bad = |text: &[u8]| OsString::from_vec(text.to_vec());
    for (before, name, what) in [
        (&["pack", "a.pem", "--name"][..], bad(b"p\xfc"), "the value of --name is not UTF-8"),
        (&["check", "a.pem", "--expect-team"], bad(b"p\xfc"), "the value of --expect-team is not UTF-8"),
        (&["pack", "a.pem"], bad(b"--name=p\xfc"), "the value of --name is not UTF-8"),
        (&["explain"], bad(b"p\xfc"), "argument 2 is not UTF-8"),
    ] {
        let test = Test::new().args(before).arg(&name).status(2).hides("p\u{fffd}");
        test.stderr_contains(what).stderr_contains("hint: type it in UTF-8").run();
        let run = Test::new().args(before).arg(&name).arg("--json").any_status().run();
        assert!(!run.stderr.contains("invalid UTF-8"), "{}", run.stderr);
    }
}

/// The name of a file in the place of a text, and a source of a password that is text.
#[cfg(unix)]
#[test]
fn what_is_not_utf8_and_no_value_is_named_for_what_it_is() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(OsStr::from_bytes(b"a\xff.log")), "Mac verify error").unwrap();
    for (before, name) in [(&[][..], &b"a\xff.log"[..]), (&["-f"], b"a\xff.log"), (&[], b"@a\xff.log")] {
        let test = Test::new().arg("explain").args(before).arg(OsStr::from_bytes(name)).folder(folder.path()).status(2);
        test.stderr_contains("is the name of a file").stderr_contains("pushcert explain < $'a\\377.log' takes").run();
    }
    for (source, what) in
        [(&b"cmd:echo p\xff"[..], "the command behind cmd:"), (b"env:P\xff", "the name of the variable")]
    {
        let line = Test::new().arg("convert").arg(fixture("p12/keychain-password.p12")).arg("--passin");
        let test = line.arg(OsStr::from_bytes(source)).status(2).hides("p\u{fffd}");
        test.stderr_contains(&format!("--passin: {what}")).stderr_contains("is not UTF-8\n").run();
    }
}

/// The names of files, alone and in the values of options.
#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_one_in_every_value() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let bytes = |text: &'static [u8]| OsStr::from_bytes(text);
    let test = |words: &[&str], last: &'static [u8]| Test::new().args(words).arg(bytes(last)).folder(folder.path());
    let group = ["--app", "com.example.MyApp", "--environment", "sandbox"];
    test(&["database", "add"], b"sqlite:t\xff.db").arg("aabb").args(group).run();
    assert!(folder.path().join(bytes(b"t\xff.db")).is_file());
    let url = bytes(b"sqlite:t\xff.db");
    Test::new().args(["database", "list", "env:DB"]).env("DB", url).folder(folder.path()).stdout_contains("aabb").run();
    let push = ["push", "gone.pem", "--alert", "x", "--environment", "sandbox", "--database"];
    test(&push, b"sqlite:t\xff.db").status(3).stderr_contains("gone.pem").run();
    let register = ["device", "--gateway", "localhost:1", "--ca-file", "gone.pem", "--register-with"];
    test(&register, b"sqlite:t\xff.db").status(3).stderr_contains("gone.pem").run();
    let refused = test(&["database", "list"], b"postgres://jo:im99\xff@localhost/x").status(2).hides("im99");
    refused.stderr_contains("only the name of a file after sqlite: may be so").run();

    fs::copy(fixture("pem/identity.pem"), folder.path().join(bytes(b"a\xff.pem"))).unwrap();
    fs::copy(fixture("pem/identity.pem"), folder.path().join("b.pem")).unwrap();
    let run = test(&["expiry", ".", "--include"], b"a\xff.*").run();
    assert!(run.text().contains("./a\u{fffd}.pem") && !run.text().contains("b.pem"), "{}", run.text());
    let run = test(&["expiry", ".", "--exclude"], b"./a\xff.pem").run();
    assert!(!run.text().contains("a\u{fffd}") && run.text().contains("b.pem"), "{}", run.text());
    test(&["expiry", ".", "--exclude"], b"x\xff").stderr_contains("--exclude x\u{fffd}: it left out nothing").run();
    test(&["expiry", ".", "--include"], b"a\xff[").status(2).stderr_contains("'a\u{fffd}[' is not a glob").run();

    let key = test(&["gateway", "--p8-key"], b"ABC123DEFG:TEAMID1234:k\xff.p8").status(3);
    key.stderr_contains("k\u{fffd}.p8: cannot read it").run();
    for (language, option, link) in [("node", "--cert", "push.pem"), ("curl", "--ca-file", "ca.pem")] {
        let test = test(&["example", language, option], b"a\xff.pem").status(2).stdout("");
        test.stderr_contains(&format!("with: ln -s $'a\\377.pem' {link}")).run();
    }
}

/// The words of a name that was typed without its quotes.
#[test]
fn a_name_with_blanks_that_was_typed_without_quotes_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("pem/identity.pem"), folder.path().join("my push cert.pem")).unwrap();
    fs::create_dir(folder.path().join("my folder")).unwrap();
    let test = |words: &[&str]| Test::new().args(words).folder(folder.path());
    let quoted = "hint: a name with blanks stands in quotes: 'my push cert.pem'";
    for command in ["inspect", "expiry"] {
        let run = test(&[command, "my", "push", "cert.pem"]).any_status().run();
        // The findings of expiry are its result.
        let told = format!("{}{}", run.text(), run.stderr);
        assert_eq!(told.matches(quoted).count(), 3, "{told}");
    }
    test(&["expiry", "my", "folder"]).any_status().stdout_contains("quotes: 'my folder'").run();
    fs::copy(fixture("pem/identity.pem"), folder.path().join("my cert.pem")).unwrap();
    test(&["compare", "my", "cert.pem"]).status(3).stderr_contains("quotes: 'my cert.pem'").run();
    test(&["inspect", "my", "other.pem"]).any_status().stderr_contains("hint: check its name").run();
}

/// What follows the colon behind the name of a file, whether that is there or not.
#[test]
fn what_may_be_a_password_behind_the_name_of_a_file_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.key", "a.p12", "a.p8"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let tail = ["--token", "aabb", "--alert", "x", "--environment", "sandbox"];
    for words in [
        &["push", "gone.pem:im99"][..],
        &["push", "a.p12:im99"],
        &["push", "--p8", "a.p8:im99", "--team-id", "TEAMID1234", "--topic", "a.b"],
    ] {
        Test::new().args(words).args(tail).folder(folder.path()).any_status().hides("im99").run();
    }
    for words in [
        "inspect gone.p12:im99",
        "expiry gone.p12:im99",
        "compare gone.key:im99 a.p12",
        "convert gone.p12:im99",
        "database list sqlite:a.p12:im99",
        "database list sqlite:gone.p12:im99",
        "database list a.p12:im99",
        "database import sqlite:t.db a.p12:im99 --app a.b --environment sandbox",
        "gateway --tokens a.p12:im99",
        "gateway --client-ca gone.pem:im99",
    ] {
        let test = Test::new().args(words.split(' ')).folder(folder.path()).any_status();
        let run = test.hides("im99").run();
        assert_ne!(run.code, Some(0), "{words}");
    }
}

#[test]
fn the_folder_of_manual_pages_is_made() {
    let folder = tempfile::tempdir().unwrap();
    Test::new().args(["generate", "man", "--folder", "share/man/man1"]).folder(folder.path()).run();
    assert!(folder.path().join("share/man/man1/pushcert-convert.1").is_file());
    fs::write(folder.path().join("file"), "").unwrap();
    let test = Test::new().args(["generate", "man", "--folder", "file/man1"]).folder(folder.path()).status(6);
    test.stderr_contains("file/man1: cannot make the folder")
        .stderr_contains("hint: a part of its path is a file")
        .run();
}
