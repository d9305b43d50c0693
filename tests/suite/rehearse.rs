//! `pushcert rehearse`: the whole road, what is kept of it, and that nothing stays of it else, however it ends.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Test, entries, fixture, root};

/// The words of the steps, with a throwaway certificate.
const STEPS: [&str; 10] =
    ["csr", "sign", "pack", "convert", "inspect", "gateway", "check", "register", "push", "receive"];

/// The longest that a process may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A rehearsal whose temporary folder is made in `temporary`.
fn rehearse(temporary: &TempDir) -> Test {
    Test::new().arg("rehearse").env("TMPDIR", temporary.path())
}

/// A rehearsal with a certificate of the fixtures.
fn with_certificate(temporary: &TempDir, file: &str) -> Test {
    rehearse(temporary).arg("--cert").arg(fixture(file)).args(["--passin", "env:P12"]).env("P12", "push")
}

#[track_caller]
fn assert_empty(folder: &TempDir) {
    assert_eq!(entries(folder.path()), [""; 0]);
}

fn words_of(report: &Value) -> Vec<&str> {
    report["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn the_device_shows_the_message_and_nothing_stays() {
    let temporary = TempDir::new().unwrap();
    let run = rehearse(&temporary)
        .args(["--title=-7 °C", "--alert", "it's 5 o'clock"])
        // There is nobody at this proxy, and no home.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("HOME", "/nonexistent")
        .stderr("")
        .run();
    let text = run.text();
    for expected in ["nothing is sent to Apple", "   title        -7 °C\n", "   body         it's 5 o'clock\n"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(text.trim_end().lines().last().unwrap().starts_with("the device has shown the message, after "), "{text}");
    assert_empty(&temporary);
}

#[test]
fn json_has_every_step() {
    let temporary = TempDir::new().unwrap();
    let report = rehearse(&temporary).args(["--json", "--topic", "com.example.Other"]).stderr("").run().json();
    assert_eq!(words_of(&report), STEPS);
    for step in report["steps"].as_array().unwrap() {
        assert_eq!(step["exit_code"], 0, "{step}");
        assert!(
            !step["output"].as_array().unwrap().is_empty() && !step["title"].as_str().unwrap().is_empty(),
            "{step}"
        );
        assert!(step["milliseconds"].is_u64(), "{step}");
        // Either a command does it, or it is said who does.
        assert_ne!(step["command"].is_string(), step["note"].is_string(), "{step}");
    }
    assert_eq!((&report["schema_version"], &report["shown"]), (&1.into(), &true.into()));
    assert_eq!((&report["topic"], &report["environment"]), (&"com.example.Other".into(), &"production".into()));
    assert_eq!((&report["certificate"], &report["folder"]), (&Value::Null, &Value::Null));
    assert!(report["secrets"].as_array().unwrap().is_empty());
    assert_empty(&temporary);
}

/// A process that ends with the test.
struct Background(Child);

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a line of a shell, where `pushcert` is the binary, to its end.
#[track_caller]
fn run_line(line: &str, folder: &Path) {
    let binary = Path::new(env!("CARGO_BIN_EXE_pushcert")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    Test::shell(line).env("PATH", path).folder(folder).run();
}

#[test]
fn every_command_runs_by_itself_in_the_folder_that_is_kept() {
    let temporary = TempDir::new().unwrap();
    let folder = temporary.path().join("my rehearsal");
    let report = rehearse(&temporary).arg("--json").arg("--keep").arg(&folder).run().json();
    assert_eq!(report["folder"], folder.to_str().unwrap());
    assert_eq!(entries(temporary.path()), ["my rehearsal"]);
    assert_eq!(mode(&folder), 0o700);
    let mut named: Vec<_> =
        report["secrets"].as_array().unwrap().iter().map(|secret| secret["file"].as_str().unwrap()).collect();
    named.sort_unstable();
    let mut private = Vec::new();
    for name in entries(&folder) {
        let path = folder.join(&name);
        if path.is_file() && mode(&path) == 0o600 {
            private.push(name);
        } else if path.is_file() {
            let text = std::fs::read(&path).unwrap();
            assert!(!String::from_utf8_lossy(&text).contains("PRIVATE KEY"), "{name}");
        }
    }
    assert_eq!(named, private);
    let state: Value = serde_json::from_slice(&std::fs::read(folder.join("device.json")).unwrap()).unwrap();
    let list = Test::new().args(["database", "list", "sqlite:tokens.db"]).folder(&folder).run();
    assert!(list.text().contains(state["credentials"]["token"].as_str().unwrap()), "{}", list.text());
    let before = std::fs::read(folder.join("push.key")).unwrap();
    let mut gateway = None;
    let mut count = 0;
    for step in report["steps"].as_array().unwrap() {
        let Some(line) = step["command"].as_str() else { continue };
        count += 1;
        match line.strip_suffix(" &") {
            Some(line) => gateway = Some(start_gateway(line, &folder)),
            None => run_line(line, &folder),
        }
    }
    assert_eq!((count, gateway.is_some()), (STEPS.len() - 1, true));
    assert_eq!(std::fs::read(folder.join("push.key")).unwrap(), before, "the key stays");
}

/// Starts the gateway, and waits until it serves.
fn start_gateway(line: &str, folder: &Path) -> Background {
    let mut command = Command::new("sh");
    let binary = env!("CARGO_BIN_EXE_pushcert");
    let line = line.replacen("pushcert", "exec \"$0\"", 1);
    let child = command.args(["-c", &line, binary]).current_dir(folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut gateway = Background(child);
    let mut ready = String::new();
    BufReader::new(gateway.0.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("\"ca_file\":\"gateway/ca.pem\""), "{ready}");
    gateway
}

#[test]
fn a_folder_that_is_kept_is_new_or_empty() {
    let temporary = TempDir::new().unwrap();
    let empty = temporary.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    rehearse(&temporary).arg("--keep").arg(&empty).stdout_contains("not for others: push.key (the private key)").run();
    assert_eq!(mode(&empty), 0o700);
    let full = temporary.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("mine"), "mine").unwrap();
    let rights = mode(&full);
    rehearse(&temporary).arg("--keep").arg(&full).status(6).stdout("").stderr_contains("is not empty").run();
    assert_eq!((entries(&full), mode(&full)), (vec!["mine".to_owned()], rights));
    let file = full.join("mine");
    rehearse(&temporary).arg("--keep").arg(&file).status(6).stdout("").stderr_contains("mine").run();
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    let nowhere = temporary.path().join("no/such/folder");
    rehearse(&temporary)
        .arg("--keep")
        .arg(&nowhere)
        .status(6)
        .stdout("")
        .stderr_contains("cannot make the folder")
        .run();
    assert_eq!(entries(temporary.path()), ["empty", "full"]);
}

#[test]
fn without_a_place_for_temporary_folders_it_says_so() {
    let run = Test::new().arg("rehearse").env("TMPDIR", "/nonexistent/folder").status(6).stdout("").run();
    assert!(
        run.stderr.contains("cannot make a temporary folder") && run.stderr.contains("--keep FOLDER"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_machine_that_does_not_reach_itself_is_told_why() {
    let temporary = TempDir::new().unwrap();
    // Linux lets a process have a network of its own, in which nothing is up; not everywhere.
    let allowed = Command::new("unshare").args(["-rn", "true"]).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return;
    }
    let test = Test::shell("exec unshare -rn \"$0\" rehearse").env("TMPDIR", temporary.path());
    let run = test.status(5).stderr_contains("hint: its loopback interface is down: ip link set lo up").run();
    assert!(run.stderr.contains("this machine does not reach itself"), "{}", run.stderr);
    assert_empty(&temporary);
}

#[test]
fn own_certificates_of_every_kind_are_rehearsed() {
    for (file, topic, environment, payload) in [
        ("p12/keychain-password.p12", "com.example.MyApp", "production", "body         It works"),
        ("p12/sandbox.p12", "com.example.MyApp", "sandbox", "body         It works"),
        ("p12/voip.p12", "com.example.MyApp.voip", "production", "body         It works"),
        ("p12/website.p12", "web.com.example", "production", "body         It works"),
        ("p12/pass.p12", "pass.com.example.ticket", "production", "apns-id      "),
        ("p12/mdm.p12", "com.apple.mgmt.External.5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11", "production", "mdm          "),
    ] {
        let temporary = TempDir::new().unwrap();
        let report = with_certificate(&temporary, file).arg("--json").run().json();
        assert_eq!(words_of(&report), STEPS[3..], "{file}");
        assert_eq!((&report["shown"], &report["topic"]), (&true.into(), &topic.into()), "{file}");
        assert_eq!(report["environment"], environment, "{file}");
        let shown = report["steps"].as_array().unwrap().last().unwrap()["output"].to_string();
        assert!(shown.contains(payload), "{file}: {shown}");
        assert!(report["certificate"].as_str().unwrap().ends_with(file));
        assert!(report["steps"][2]["note"].as_str().unwrap().contains("was not issued by Apple"), "{file}");
        assert_empty(&temporary);
    }
}

#[test]
fn an_own_certificate_comes_in_any_form() {
    let temporary = TempDir::new().unwrap();
    let bytes = std::fs::read(fixture("p12/keychain.p12")).unwrap();
    let run = rehearse(&temporary).args(["--cert", "-"]).stdin(bytes).run();
    assert!(run.text().contains("which the gateway on this machine alone sees"), "{}", run.text());
    let own = temporary.path().join("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::copy(fixture("der/universal.cer"), own.join("aps.cer")).unwrap();
    std::fs::copy(fixture("key/push.pem"), own.join("-key.pem")).unwrap();
    // From its own folder, by names that lead elsewhere from any other.
    let report = rehearse(&temporary)
        .args(["--cert", "aps.cer", "--key=-key.pem", "--json", "--keep", "kept"])
        .folder(&own)
        .run()
        .json();
    let folder = own.join("kept");
    run_line(report["steps"][0]["command"].as_str().unwrap(), &folder);
    let files: Vec<_> = report["secrets"].as_array().unwrap().iter().map(|secret| &secret["file"]).collect();
    assert!(files.contains(&&"push.pem".into()) && !files.contains(&&"push.key".into()), "{files:?}");
}

#[test]
fn what_is_wrong_with_an_own_certificate_is_said_as_it_is() {
    let temporary = TempDir::new().unwrap();
    let run = with_certificate(&temporary, "p12/expired.p12").status(1).run();
    for expected in ["expired on 2024-01-31", "rejected: certificate_expired", "step 4, check, ended with 1"] {
        assert!(run.text().contains(expected), "{expected}: {}", run.text());
    }
    let report = with_certificate(&temporary, "p12/expired.p12").arg("--json").status(1).run().json();
    assert_eq!((&report["shown"], &report["steps"][3]["exit_code"]), (&false.into(), &1.into()));
    for (file, code, expected) in [
        ("der/universal.cer", 3, "there is no private key in it"),
        ("p12/certificate-only.p12", 3, "there is no private key in it"),
        ("p12/not-push.p12", 3, "names no topic"),
        ("p12/truncated.p12", 3, "cut short"),
        ("p12/mismatch.p12", 1, "does not match"),
        ("p12/two-identities.p12", 2, "--select"),
        ("p12/no-such-file.p12", 3, "no-such-file.p12"),
    ] {
        with_certificate(&temporary, file).status(code).stderr_contains(expected).run();
    }
    with_certificate(&temporary, "p12/sandbox.p12")
        .args(["--environment", "production"])
        .status(1)
        .stdout_contains("rejected: BadCertificateEnvironment")
        .run();
    let wrong = rehearse(&temporary).arg("--cert").arg(fixture("p12/keychain-password.p12"));
    wrong.args(["--passin", "pass:hunter2"]).hides("hunter2").status(4).stderr_contains("wrong password").run();
    rehearse(&temporary).args(["--key", "push.key"]).status(2).stderr_contains("--cert").run();
    assert_empty(&temporary);
}

#[test]
fn a_closed_pipe_ends_it_and_is_not_good() {
    let temporary = TempDir::new().unwrap();
    rehearse(&temporary).closed_stdout().stderr("").status(6).run();
    assert_empty(&temporary);
}

/// Sends a signal, and waits for the end. Returns the signal that ended the process.
fn end_by(child: &mut Child, signal: &str) -> Option<i32> {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.signal();
        }
        assert!(Instant::now() < deadline, "it has not ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn signals_leave_nothing_behind() {
    for (signal, number) in [("-TERM", 15), ("-INT", 2), ("-HUP", 1), ("-QUIT", 3)] {
        let temporary = TempDir::new().unwrap();
        let pipe = temporary.path().join("cert.p12");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let test = Test::heeding_signals().arg("rehearse").env("TMPDIR", temporary.path()).arg("--cert").arg(&pipe);
        let mut child = test.into_command().stdout(Stdio::piped()).spawn().unwrap();
        // The command of the step is shown, and waits for the certificate.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !lines.next().unwrap().unwrap().contains("$ pushcert convert") {}
        let names = entries(temporary.path());
        assert_eq!((names.len(), mode(&temporary.path().join(&names[1]))), (2, 0o700), "{names:?}");
        assert_eq!(end_by(&mut child, signal), Some(number));
        assert_eq!(entries(temporary.path()), ["cert.p12"], "{signal}");
    }
}

#[test]
fn the_next_rehearsal_removes_what_a_killed_one_has_left() {
    let temporary = TempDir::new().unwrap();
    let pipe = temporary.path().join("cert.p12");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut child =
        rehearse(&temporary).arg("--cert").arg(&pipe).into_command().stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines.next().unwrap().unwrap().contains("$ pushcert convert") {}
    // One that still runs stays.
    rehearse(&temporary).run();
    assert_eq!(entries(temporary.path()).len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(entries(temporary.path()).len(), 2);
    rehearse(&temporary).run();
    assert_eq!(entries(temporary.path()), ["cert.p12"]);
}

#[test]
fn an_error_is_told_after_what_was_done_and_what_is_kept() {
    let temporary = TempDir::new().unwrap();
    let (human, json) = (temporary.path().join("human"), temporary.path().join("json"));
    let with_key = |keep: &Path| {
        let test = rehearse(&temporary).arg("--keep").arg(keep).arg("--cert").arg(fixture("der/not-push.cer"));
        test.arg("--key").arg(fixture("key/push.pem")).status(3)
    };
    let run = with_key(&human).stderr_contains("names no topic").run();
    let kept = format!("kept in {}; not for others: push.pem (the private key)", human.display());
    assert!(run.text().contains("the rehearsal ends here, after step 2, inspect"), "{}", run.text());
    assert_eq!(run.text().lines().last(), Some(&*kept), "the commands that follow do not run");
    let report = with_key(&json).arg("--json").stderr("").run().json();
    assert_eq!(words_of(&report), ["convert", "inspect"]);
    assert_eq!((&report["error"]["exit_code"], &report["shown"]), (&3.into(), &false.into()));
    assert_eq!((&report["folder"], &report["secrets"][0]["file"]), (&json.to_str().into(), &"push.pem".into()));
    // The payload is too large.
    let long = rehearse(&temporary).args(["--json", "--alert", &"x".repeat(5000)]).any_status().run();
    let report = long.json();
    assert_eq!(report["error"]["exit_code"], long.code.unwrap());
    assert_eq!(words_of(&report).last(), Some(&"push"));
    assert_eq!(report["steps"][8]["exit_code"], report["error"]["exit_code"]);
    assert_eq!(entries(temporary.path()), ["human", "json"]);
}

#[test]
fn a_folder_may_have_any_name_that_the_commands_can_have() {
    let temporary = TempDir::new().unwrap();
    let bytes = OsStr::from_bytes(b"k\xff");
    for name in ["-", "-x", ":memory:", "it's \"5\" o'clock", "ü", "%3f#"].map(OsStr::new).into_iter().chain([bytes]) {
        let keep = [OsStr::new("--keep="), name].map(OsStrExt::as_bytes).concat();
        let test = rehearse(&temporary).arg(OsStr::from_bytes(&keep)).arg("--json").folder(temporary.path());
        assert_eq!(test.run().json()["shown"], true, "{}", name.display());
        assert!(temporary.path().join(name).join("push.pem").exists(), "{}", name.display());
    }
    let slashes = format!("/{}/slashes", temporary.path().display());
    rehearse(&temporary).arg("--keep").arg(slashes).run();
    for place in [OsStr::new("-"), bytes] {
        Test::new().arg("rehearse").env("TMPDIR", place).folder(temporary.path()).run();
    }
}

/// README lets people try it in a clone.
#[test]
fn what_is_kept_in_a_clone_is_ignored_by_git() {
    let temporary = TempDir::new().unwrap();
    rehearse(&temporary).args(["--keep", "kept"]).folder(temporary.path()).run();
    let rules = std::fs::read_to_string(root().join(".gitignore")).unwrap();
    let fits = |name: &str, rule: &str| match (rule.strip_prefix('*'), rule.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == rule,
    };
    let kept = temporary.path().join("kept");
    let mut count = 0;
    for folder in [&kept, &kept.join("gateway")] {
        for name in entries(folder).iter().filter(|name| *name != "gateway") {
            assert!(rules.lines().any(|rule| fits(name, rule)), "{name}");
            count += 1;
        }
    }
    assert!(count >= 10, "{count}");
}

#[test]
fn a_name_that_the_commands_cannot_have_is_refused_before_anything_is_done() {
    let temporary = TempDir::new().unwrap();
    for (name, expected) in
        [("what?mode=ro", "question mark"), ("pushcert-rehearsal-abc123", "temporary folders have such names")]
    {
        let test = rehearse(&temporary).arg("--keep").arg(name).folder(temporary.path());
        test.status(2).stdout("").stderr_contains(expected).run();
        assert_empty(&temporary);
    }
    let place = temporary.path().join("what?");
    std::fs::create_dir(&place).unwrap();
    let test = Test::new().arg("rehearse").env("TMPDIR", &place);
    test.status(6).stdout("").stderr_contains("TMPDIR=FOLDER").run();
    assert!(entries(&place).is_empty());
}

#[test]
fn without_a_variable_that_names_a_folder_it_works_in_the_systems() {
    let temporary = TempDir::new().unwrap();
    let run = Test::new().arg("rehearse").env("TMPDIR", "").folder(temporary.path()).run();
    assert!(run.text().contains("\nin /tmp/pushcert-rehearsal-"), "{}", run.text());
}

#[test]
fn what_applies_to_an_own_certificate_alone_needs_one_and_is_shown() {
    let temporary = TempDir::new().unwrap();
    rehearse(&temporary).args(["--passin", "env:P12"]).status(2).stderr_contains("--cert").run();
    rehearse(&temporary).args(["--max-iterations", "100"]).status(2).stderr_contains("--cert").run();
    let test = with_certificate(&temporary, "p12/keychain-password.p12").args(["--max-iterations", "7000000"]);
    let report = test.arg("--json").run().json();
    let line = report["steps"][0]["command"].as_str().unwrap();
    assert!(line.contains(" --passin env:P12 --max-iterations 7000000 "), "{line}");
    let few = with_certificate(&temporary, "p12/keychain-password.p12").args(["--max-iterations", "1"]);
    few.status(3).run();
    let mdm = with_certificate(&temporary, "p12/mdm.p12").args(["--alert", "Hello"]);
    mdm.status(2).stderr_contains("leave out --title and --alert").run();
    let pass = with_certificate(&temporary, "p12/pass.p12").args(["--alert", "Hello"]);
    pass.status(2).stderr_contains("the notification of a pass shows nothing").run();
    assert_empty(&temporary);
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    // Nothing can be written but what is empty.
    let run = Test::shell("ulimit -f 0; exec \"$0\" gateway 2>&1 | cat").run();
    assert!(run.text().contains("ca.pem: "), "{}", run.text());
}

/// The last line, which is written at once.
const LAST_LINE: &str = "\nthe device has shown the message, after 0.0 s\n";

/// Returns the bytes that a pipe takes before its writer waits.
fn pipe_capacity() -> usize {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let mut capacity = 0;
    while let Ok(count) = writer.write(&[b'.'; 4096]) {
        capacity += count;
    }
    capacity
}

#[test]
fn a_signal_after_the_push_ends_it_too() {
    let temporary = TempDir::new().unwrap();
    let length = rehearse(&temporary).run().stdout.len();
    let capacity = pipe_capacity();
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // The last line does not fit: push, which waits for signals itself, has ended by then.
    writer.write_all(&vec![b'.'; capacity - length + LAST_LINE.len() / 2]).unwrap();
    let mut child = rehearse(&temporary).into_command().stdout(writer).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while rustix::io::ioctl_fionread(&reader).unwrap() < (capacity - LAST_LINE.len()) as u64 {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "it does not wait for the reader");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(end_by(&mut child, "-TERM"), Some(15));
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.contains("accepted              1"), "{text}");
    assert_empty(&temporary);
}

/// Returns a text without what varies: blanks, and words with digits in them or with the random name of the folder.
fn without_what_varies(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words = Vec::new();
        for word in line.split_whitespace() {
            let varies = word.contains(|c: char| c.is_ascii_digit()) || word.contains("pushcert-rehearsal-");
            words.push(if varies { "#" } else { word });
        }
        lines.push(words.join(" "));
    }
    lines.join("\n")
}

#[test]
fn the_readme_shows_it() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```console\n$ pushcert rehearse\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let temporary = TempDir::new().unwrap();
    let run = rehearse(&temporary).run();
    let text = without_what_varies(run.text());
    let mut rest = text.as_str();
    // An ellipsis stands for steps that are left out.
    let parts: Vec<&str> = shown.split("…\n").collect();
    assert!(parts.len() >= 3 && shown.lines().count() > 15, "{shown}");
    for part in parts {
        let part = without_what_varies(part);
        let place = rest.find(&part);
        assert!(place.is_some(), "README.md shows this, and the output has it not, or not here:\n{part}\n\n{text}");
        rest = &rest[place.unwrap() + part.len()..];
    }
    assert_eq!(rest, "", "the end is not shown");
}
