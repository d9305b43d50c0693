//! Commands that print a password: what is left of them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::common::{Test, fixture};

/// The longest wait for a process to end.
const PATIENCE: Duration = Duration::from_secs(60);

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Waits until no process has the FIFO open: only then writing to it fails at once.
fn wait_until_nobody_holds(fifo: &Path) {
    let limit = Instant::now() + PATIENCE;
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
    while File::options().write(true).custom_flags(flags).open(fifo).is_ok() {
        assert!(Instant::now() < limit, "a process of the command still runs");
        std::thread::yield_now();
    }
}

#[test]
fn a_signal_ends_the_command_and_all_that_it_started() {
    for signal in ["-INT", "-TERM", "-HUP", "-QUIT"] {
        let folder = tempfile::tempdir().unwrap();
        let (held, ready) = (folder.path().join("held"), folder.path().join("ready"));
        fifo(&held);
        fifo(&ready);
        let source = "cmd:sh -c 'exec 3<>held; echo ready >ready; exec sleep 600' & wait";
        let convert = Test::heeding_signals().arg("convert").arg(fixture("p12/keychain-password.p12"));
        let test = convert.args(["--passin", source]);
        let mut child = test.folder(folder.path()).into_command().stderr(Stdio::null()).spawn().unwrap();
        let mut word = String::new();
        File::open(&ready).unwrap().read_to_string(&mut word).unwrap();
        assert_eq!(word, "ready\n");
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), None, "it dies of the signal");
        wait_until_nobody_holds(&held);
    }
}

#[test]
fn a_command_has_what_pushcert_was_given_and_nothing_on_its_input() {
    let script = "exec 3<<X\npush\nX\nprintf kept | \"$0\" convert \"$FILE\" --passin 'cmd:cat; cat <&3' -o -";
    Test::shell(script).env("FILE", fixture("p12/keychain-password.p12")).stdout_contains("BEGIN PRIVATE KEY").run();
}
