//! What is written, and what is not after a failure.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{pushcert, root, run, stderr};

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
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
            let mut command = pushcert(&["convert"]);
            command.args(arguments).arg("-o").arg(target);
            if force {
                command.arg("--force");
            }
            let output = command.output().unwrap();
            assert!(!output.status.success(), "{arguments:?}");
            assert!(output.stdout.is_empty(), "{arguments:?}");
        }
        assert_eq!(entries(folder.path()), ["existing.pem"], "{arguments:?}");
        assert_eq!(fs::read_to_string(&existing).unwrap(), "mine");
    }
}

#[test]
fn two_names_of_one_output_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    fs::create_dir(&folder).unwrap();
    fs::create_dir(folder.join("x")).unwrap();
    std::os::unix::fs::symlink(&folder, folder.join("way")).unwrap();
    let convert = |outputs: [&str; 2], force: bool| {
        let input = root.path().join("input.p12");
        fs::copy(crate::common::fixture("p12/keychain.p12"), &input).unwrap();
        let mut command = pushcert(&["convert"]);
        command.current_dir(&folder).arg(&input).args(["--cert-out", outputs[0], "--key-out", outputs[1]]);
        command.args(force.then_some("--force")).output().unwrap()
    };
    let new = [["a", "./a"], ["a", "x/../a"], ["way/a", "a"], ["-", "/dev/stdout"], ["/dev/fd/1", "-"]];
    for outputs in new {
        for force in [false, true] {
            let output = convert(outputs, force);
            assert_eq!(output.status.code(), Some(2), "{outputs:?}: {}", stderr(&output));
            assert!(stderr(&output).contains("two outputs have the same name"), "{outputs:?}");
            assert!(output.stdout.is_empty());
            assert_eq!(entries(&folder), ["way", "x"]);
        }
    }
    fs::write(folder.join("a"), "mine").unwrap();
    fs::hard_link(folder.join("a"), folder.join("hard")).unwrap();
    std::os::unix::fs::symlink("a", folder.join("soft")).unwrap();
    for outputs in [["a", "soft"], ["hard", "a"], ["soft", "hard"]] {
        let output = convert(outputs, true);
        assert_eq!(output.status.code(), Some(2), "{outputs:?}: {}", stderr(&output));
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "mine");
    }
    let others = convert(["b", "x/b"], false);
    assert!(others.status.success(), "{}", stderr(&others));
    let nowhere = convert(["-", "/dev/null"], false);
    assert!(nowhere.status.success(), "{}", stderr(&nowhere));
    for command in ["convert", "pack"] {
        let output = run(&[command, "fixtures/p12/keychain.p12", "--json", "-o", "/dev/stdout"]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("--json reports on standard output"), "{message}");
    }
}

#[test]
fn an_input_is_replaced_only_where_its_keys_stay() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = |name: &str| fs::read(crate::common::fixture(name)).unwrap();
    let reset = || {
        for (name, from) in [
            ("id.pem", "pem/identity.pem"),
            ("two.pem", "pem/two-identities.pem"),
            ("mismatch.pem", "pem/mismatch.pem"),
            ("two.p12", "p12/two-identities.p12"),
            ("aps.cer", "der/universal.cer"),
            ("push.key", "key/push.pem"),
        ] {
            fs::write(folder.path().join(name), fixture(from)).unwrap();
        }
        let _ = fs::remove_file(folder.path().join("new.key"));
    };
    let run = |arguments: &str| {
        reset();
        let mut command = pushcert(&[]);
        command.current_dir(folder.path()).args(arguments.split(' ')).arg("--force").output().unwrap()
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
        reset();
        let before = fs::read(folder.path().join(name)).unwrap();
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(6), "{arguments}: {}", stderr(&output));
        assert!(stderr(&output).contains("a private key in it would be lost"), "{arguments}: {}", stderr(&output));
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), before, "{arguments}");
    }
    for arguments in [
        "convert id.pem -o id.pem",
        "convert id.pem --cert-out id.pem --key-out new.key",
        "convert aps.cer --key push.key -o push.key",
        "convert aps.cer --key push.key -o aps.cer",
        "convert aps.cer --key push.key --cert-out push.key --key-out new.key",
        "convert two.p12 --passin pass:push --bag-attributes -o two.p12",
        "pack id.pem -o id.pem --passout pass:push",
    ] {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments}: {}", stderr(&output));
    }
}

#[test]
fn an_existing_file_is_overwritten_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("push.pem");
    fs::write(&target, "mine").unwrap();
    let target = target.to_str().unwrap();
    let refused = run(&["convert", "fixtures/p12/keychain.p12", "-o", target]);
    assert_eq!((refused.status.code(), fs::read_to_string(target).unwrap()), (Some(6), "mine".to_owned()));
    let forced = run(&["convert", "fixtures/p12/keychain.p12", "-o", target, "--force"]);
    assert!(forced.status.success(), "{}", stderr(&forced));
    assert!(fs::read_to_string(target).unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(entries(folder.path()), ["push.pem"]);
}

#[test]
fn two_outputs_are_written_both_or_neither() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("push.crt"), folder.path().join("push.key"));
    let convert = || {
        let mut command = pushcert(&["convert", "fixtures/p12/keychain.p12", "--cert-out"]);
        command.arg(&certificate).arg("--key-out").arg(&key).output().unwrap()
    };
    fs::write(&key, "mine").unwrap();
    assert_eq!(convert().status.code(), Some(6));
    assert_eq!(entries(folder.path()), ["push.key"]);
    fs::remove_file(&key).unwrap();
    assert!(convert().status.success());
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
    let status = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_pushcert"), folder.path().to_str().unwrap()])
        .current_dir(root())
        .status()
        .unwrap();
    assert!(status.success());
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
    let output = run(&["convert", "fixtures/p12/keychain.p12", "--force", "-o", link.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&target).unwrap().contains("PRIVATE KEY"));
}

#[test]
fn standard_input_and_output() {
    let mut child =
        pushcert(&["convert", "-", "-o", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let bytes = fs::read(crate::common::fixture("p12/keychain.p12")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, run(&["convert", "fixtures/p12/keychain.p12"]).stdout);
}

#[test]
fn passwords_from_every_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "push\r\nsecond line\n").unwrap();
    let from_file = format!("file:{}", file.display());
    let mut command = pushcert(&["convert", "fixtures/p12/keychain-password.p12", "--passin", &from_file]);
    assert!(command.output().unwrap().status.success());

    let mut command = pushcert(&["convert", "fixtures/p12/keychain-password.p12", "--passin", "env:P12_PASSWORD"]);
    assert!(command.env("P12_PASSWORD", "push").output().unwrap().status.success());

    let mut command = pushcert(&["convert", "fixtures/p12/keychain-password.p12", "--passin", "stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"push\n").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

#[cfg(unix)]
#[test]
fn a_password_from_a_file_descriptor() {
    let script = "\"$0\" convert fixtures/p12/keychain-password.p12 --passin fd:3 3<<EOF\npush\nEOF";
    let output =
        Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_pushcert")]).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let mut command = pushcert(&["inspect"]);
    command.args(std::iter::repeat_n("fixtures/der/universal.cer", 100));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.p12");
    // Sparse: it takes no room.
    fs::File::create(&path).unwrap().set_len((64 << 20) + 1).unwrap();
    let output = run(&["convert", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("larger than 64 MiB"), "{}", stderr(&output));
}

#[test]
fn no_secret_is_shown() {
    let output = run(&["convert", "fixtures/p12/keychain-password.p12", "--passin", "pass:hunter2"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(!stderr(&output).contains("hunter2"));
}
