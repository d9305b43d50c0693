//! Signals at many moments of a command: nothing that is temporary stays.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::common::{Test, entries, fixture};

/// The signals by which users and systems end a process, and their numbers.
const SIGNALS: [(&str, i32); 4] = [("-HUP", 1), ("-INT", 2), ("-QUIT", 3), ("-TERM", 15)];

/// The moments of a run at which each signal is sent.
const MOMENTS: u32 = 4;

/// The longest that a process may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a signal, and waits for the end. One that comes before the program has taken the place of its launcher is ignored
/// where the tests are started so: it is sent again.
fn end_by(child: &mut Child, signal: &str) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        send(child, signal);
        let next = Instant::now() + Duration::from_secs(2);
        while Instant::now() < next {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(2));
        }
    }
    panic!("it has not ended");
}

fn send(child: &Child, signal: &str) {
    // It may have ended.
    let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
}

/// Sends each signal at moments that are spread over the time that a command takes. Each run has a folder of its own
/// with a folder `temporary` in it; what is left beside what is allowed fails the test.
fn send_at_many_moments(allowed: &[&str], make: impl Fn(&Path) -> Test) {
    let prepare = || {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("temporary")).unwrap();
        let test = make(folder.path()).folder(folder.path()).env("TMPDIR", folder.path().join("temporary"));
        (folder, test)
    };
    let (_folder, whole) = prepare();
    let took = whole.run().took;
    for moment in 0..MOMENTS {
        for (index, (signal, number)) in (0..).zip(SIGNALS) {
            let (folder, test) = prepare();
            let mut command = test.into_command();
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let part = moment * SIGNALS.len() as u32 + index;
            sleep(took * part / (MOMENTS * SIGNALS.len() as u32));
            let status = end_by(&mut child, signal);
            // push, a step of a rehearsal, answers a signal with 1.
            let is_ended = matches!(status.code(), Some(0 | 1)) || status.signal() == Some(number);
            assert!(is_ended, "{signal}: {status}");
            let mut left = entries(folder.path());
            left.retain(|name| name != "temporary" && !allowed.contains(&name.as_str()));
            assert_eq!(left, [""; 0], "{signal}");
            assert_eq!(entries(&folder.path().join("temporary")), [""; 0], "{signal}");
        }
    }
}

#[test]
fn a_rehearsal_leaves_nothing() {
    send_at_many_moments(&[], |_| Test::heeding_signals().arg("rehearse"));
}

#[test]
fn a_new_database_has_its_name_or_is_not_there() {
    // A journal beside a database is read with it.
    send_at_many_moments(&["x.db", "x.db-journal"], |_| {
        let token = "ab".repeat(32);
        let options = ["--app", "com.example.MyApp", "--environment", "production"];
        Test::heeding_signals().args(["database", "add", "sqlite:x.db"]).args(options).arg(token)
    });
}

#[test]
fn outputs_are_there_or_not() {
    let subject = ["--email", "jo@example.com", "--name", "Jo Doe", "--country", "DE"];
    let request = "CertificateSigningRequest.certSigningRequest";
    send_at_many_moments(&["push.key", request], |_| Test::heeding_signals().arg("csr").args(subject));
    send_at_many_moments(&["push.pem"], |folder| {
        std::fs::write(folder.join("push.pem"), "").unwrap();
        let convert = Test::heeding_signals().arg("convert").arg(fixture("p12/keychain-password.p12"));
        convert.args(["--passin", "env:P12", "--force", "-o", "push.pem"]).env("P12", "push")
    });
}

/// A gateway that has announced itself, or is about to.
fn start_gateway(temporary: &TempDir) -> Child {
    let test = Test::heeding_signals().arg("gateway").env("TMPDIR", temporary.path());
    test.into_command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_gateway_leaves_nothing_as_it_starts() {
    let temporary = TempDir::new().unwrap();
    let start = Instant::now();
    let mut whole = start_gateway(&temporary);
    BufReader::new(whole.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let took = start.elapsed();
    assert!(end_by(&mut whole, "-TERM").success());
    let parts = MOMENTS * SIGNALS.len() as u32;
    for part in 0..parts {
        let (signal, number) = SIGNALS[part as usize % SIGNALS.len()];
        let mut child = start_gateway(&temporary);
        sleep(took * part / parts);
        let status = end_by(&mut child, signal);
        assert!(status.success() || status.signal() == Some(number), "{signal}: {status}");
        assert_eq!(entries(temporary.path()), [""; 0], "{signal}");
    }
}

#[test]
fn a_rehearsal_leaves_nothing_at_its_very_end() {
    for (signal, _) in SIGNALS {
        for _ in 0..4 {
            let temporary = TempDir::new().unwrap();
            let test = Test::heeding_signals().arg("rehearse").env("TMPDIR", temporary.path());
            let mut child = test.into_command().stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            while !lines.next().unwrap().unwrap().starts_with("the device has shown the message") {}
            end_by(&mut child, signal);
            assert_eq!(entries(temporary.path()), [""; 0], "{signal}");
        }
    }
}
