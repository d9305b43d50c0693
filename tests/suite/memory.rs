//! Other processes and the memory of this one; what still works while they cannot look at it.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::common::fixture;

/// A user without privileges, where the tests are run by root.
const NOBODY: u32 = 65534;

/// A folder of an ordinary user, with the binary, a .p12 and its password in it.
fn ordinary_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    // A process that another test starts meanwhile would hold a copy that is written here open, and it could not be run.
    let copied = Command::new("cp").args([env!("CARGO_BIN_EXE_pushcert"), "pushcert"]).current_dir(&folder).status();
    assert!(copied.unwrap().success());
    fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("push.p12")).unwrap();
    fs::write(folder.path().join("password"), "push").unwrap();
    folder
}

fn is_root(folder: &Path) -> bool {
    fs::metadata(folder).unwrap().uid() == 0
}

/// Returns a command that an ordinary user runs in the folder.
fn by_ordinary_user(folder: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    if is_root(folder) {
        use std::os::unix::process::CommandExt;
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(folder);
    command
}

#[test]
fn no_other_process_of_the_user_reads_its_memory() {
    let folder = ordinary_folder();
    let fifo = folder.path().join("fifo");
    assert!(by_ordinary_user(folder.path(), "mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = by_ordinary_user(folder.path(), "./pushcert");
    command.args(["convert", "push.p12", "--passin", "file:fifo", "-o", "push.pem"]).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // It is open once pushcert reads the password.
    let mut password = File::options().write(true).open(&fifo).unwrap();
    let process = format!("/proc/{}", child.id());
    let owner = fs::metadata(format!("{process}/mem")).unwrap().uid();
    let copied = by_ordinary_user(folder.path(), "cat").arg(format!("{process}/mem")).output().unwrap();
    let limits = fs::read_to_string(format!("{process}/limits")).unwrap();
    password.write_all(b"push\n").unwrap();
    drop(password);
    assert!(child.wait().unwrap().success());
    assert_eq!(owner, 0, "what is not dumpable belongs to root");
    let complaint = String::from_utf8_lossy(&copied.stderr);
    assert!(complaint.contains("Permission denied"), "{complaint}");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"]);
}

#[test]
fn descriptors_have_their_names_for_an_ordinary_user() {
    for script in [
        "./pushcert convert push.p12 --passin file:/dev/stdin -o /dev/stdout <password | cat >out",
        "cat password | ./pushcert convert push.p12 --passin file:/dev/stdin -o /dev/fd/3 3>&1 | cat >out",
        "cat password | { ./pushcert convert push.p12 --passin file:/dev/fd/4 -o - 4<&0 </dev/null >out; }",
        "./pushcert convert push.p12 --passin fd:5 -o /proc/self/fd/6 5<password 6>&1 | cat >out",
        "cat push.p12 | ./pushcert convert /dev/stdin --passin file:password -o out",
        "./pushcert convert push.p12 --passin 'cmd:cat /dev/fd/7' -o out 7<password",
    ] {
        let folder = ordinary_folder();
        let output = by_ordinary_user(folder.path(), "sh").args(["-c", script]).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {complaint}");
        let pem = fs::read(folder.path().join("out")).unwrap();
        assert!(openssl::pkey::PKey::private_key_from_pem(&pem).is_ok(), "{script}: {complaint}");
    }
}

#[test]
fn a_process_substitution_works_for_an_ordinary_user() {
    let folder = ordinary_folder();
    let script =
        "./pushcert convert <(cat push.p12) --passin file:<(cat password) -o >(cat >out) && wait $! && cat out";
    let Ok(output) = by_ordinary_user(folder.path(), "bash").args(["-c", script]).output() else { return };
    assert!(openssl::pkey::PKey::private_key_from_pem(&output.stdout).is_ok(), "{output:?}");
}
