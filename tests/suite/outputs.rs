//! Where outputs go: nothing is lost, a key comes to nobody else, and after a failure all is as it was.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::common::{Test, entries, fixture};

/// An account that is not the tests' own.
const OTHER: u32 = 65534;

const MISSING_FOLDER: &str = "missing/push.pem";

/// Converts to `output`, in `folder`.
fn convert(folder: &Path, output: &str) -> Test {
    Test::new().arg("convert").arg(fixture("pem/identity.pem")).args(["-o", output]).folder(folder)
}

/// Runs a script of the shell in `folder`; `$0` is the binary, `$1` an identity.
fn shell(folder: &Path, script: &str) -> Test {
    Test::shell(script).arg(fixture("pem/identity.pem")).folder(folder)
}

/// Returns whether tests may give files to others.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a script with mounts of its own; `None` where that is not allowed.
fn with_mounts(folder: &Path, script: &str) -> Option<Test> {
    let allowed = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !allowed.is_ok_and(|status| status.success()) {
        return None;
    }
    fs::write(folder.join("script"), script).unwrap();
    Some(shell(folder, "exec unshare -rm sh -e ./script \"$0\" \"$1\""))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn make_fifo(path: &Path, mode: u32) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn has_key(path: &Path) -> bool {
    String::from_utf8_lossy(&fs::read(path).unwrap()).contains("PRIVATE KEY")
}

#[test]
fn a_replaced_file_keeps_the_bits_of_its_group_if_others_had_none() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("live.pem");
    for (before, after) in
        [(0o600, 0o600), (0o640, 0o640), (0o660, 0o660), (0o644, 0o600), (0o664, 0o600), (0o400, 0o400)]
    {
        let _ = fs::remove_file(&target);
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(before)).unwrap();
        let output = convert(folder.path(), "live.pem").arg("--force").run();
        assert_eq!(mode(&target), after, "{before:o}");
        let is_warned = output.stderr.contains("chmod 640 live.pem");
        assert_eq!(is_warned, before & 0o044 & !after != 0, "{before:o}: {}", output.stderr);
    }
    // An empty file is left by a program that failed: nobody has chosen its mode.
    for before in [0o644, 0o640, 0o660] {
        fs::write(&target, "").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(before)).unwrap();
        convert(folder.path(), "live.pem").run();
        assert!(has_key(&target));
        assert_eq!(mode(&target), 0o600, "{before:o}");
    }
    // A certificate is no secret.
    fs::write(folder.path().join("live.crt"), "old").unwrap();
    fs::set_permissions(folder.path().join("live.crt"), fs::Permissions::from_mode(0o664)).unwrap();
    convert(folder.path(), "live.crt").args(["--force", "--no-key"]).run();
    assert_eq!(mode(&folder.path().join("live.crt")), 0o664);
}

#[test]
fn force_is_not_advised_over_a_key_that_no_input_has() {
    let folder = tempfile::tempdir().unwrap();
    let hint_over = |old: &str, input: &str| {
        let target = folder.path().join("push.key");
        fs::copy(fixture(old), &target).unwrap();
        let test = Test::new().arg("convert").arg(fixture(input)).folder(folder.path());
        let run = test.args(["--cert-out", "push.crt", "--key-out", "push.key"]).status(6).run();
        assert_eq!(fs::read(target).unwrap(), fs::read(fixture(old)).unwrap());
        run.stderr
    };
    let told = hint_over("key/other.pem", "pem/identity.pem");
    assert!(told.contains("it holds a private key that no input has: choose another name\n"), "{told}");
    assert!(!told.contains("--force"), "{told}");
    for (old, input) in [("key/other.pem", "p12/keychain-password.p12"), ("pem/encrypted-key.pem", "pem/identity.pem")]
    {
        let told = hint_over(old, input);
        assert!(told.contains("it may hold a private key that no input has: choose another name;"), "{told}");
    }
    // Its own output, and what is no key.
    for old in ["pem/identity.pem", "der/universal.cer"] {
        let told = hint_over(old, "pem/identity.pem");
        assert!(told.contains("choose another name, or overwrite it with --force"), "{told}");
    }
}

#[test]
fn a_replaced_file_keeps_its_owner_and_group() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("live");
    let identity = fixture("pem/identity.pem");
    let commands: [&[&str]; 2] = [&["convert"], &["pack", "--passout", "pass:geheim99"]];
    for command in commands {
        fs::copy(&identity, &target).unwrap();
        chown(&target, Some(OTHER), Some(OTHER)).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        let test = Test::new().args(command).arg(&identity).args(["--force", "-o", "live"]);
        let run = test.folder(folder.path()).run();
        let new = fs::metadata(&target).unwrap();
        assert_eq!((new.uid(), new.gid(), mode(&target)), (OTHER, OTHER, 0o640), "{command:?}");
        assert!(!run.stderr.contains("were not kept"), "{}", run.stderr);
    }
    // Where all may make files, the owner of one may be anybody.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let test = convert(folder.path(), "live").arg("--force");
    test.stderr_contains("live: the owner and group of the replaced file, 65534 and 65534, were not kept").run();
    let new = fs::metadata(&target).unwrap();
    assert_eq!((new.uid(), mode(&target)), (0, 0o600));
}

#[test]
fn a_link_of_ones_own_that_leads_nowhere_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("x")).unwrap();
    for force in [false, true] {
        symlink("x/target.pem", folder.path().join("link.pem")).unwrap();
        convert(folder.path(), "link.pem").args(force.then_some("--force")).run();
        assert!(fs::symlink_metadata(folder.path().join("link.pem")).unwrap().is_symlink());
        assert!(has_key(&folder.path().join("x/target.pem")));
        fs::remove_file(folder.path().join("x/target.pem")).unwrap();
        fs::remove_file(folder.path().join("link.pem")).unwrap();
    }
    symlink("circle", folder.path().join("circle")).unwrap();
    convert(folder.path(), "circle").status(6).stderr_contains("circle: cannot write it").run();
}

#[test]
fn a_link_that_others_made_or_can_replace_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("link.pem"), folder.path().join("target.pem"));
    let refused = |message: &str| {
        for force in [false, true] {
            let test = convert(folder.path(), "link.pem").args(force.then_some("--force")).status(6);
            test.stderr_contains(message).run();
        }
    };
    symlink("target.pem", &link).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    refused("link.pem: cannot write it: it is a link that another user made, or can replace");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        lchown(&link, Some(OTHER), Some(OTHER)).unwrap();
        refused("link.pem: cannot write it: it is a link that another user made, or can replace");
        lchown(&link, Some(0), Some(0)).unwrap();
        fs::write(&target, "theirs").unwrap();
        chown(&target, Some(OTHER), None).unwrap();
        refused("link.pem: cannot write it: it is a link to a file of another user");
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
        fs::remove_file(&target).unwrap();
    }
    assert_eq!(entries(folder.path()), ["link.pem"]);
}

#[test]
fn a_key_goes_only_into_a_pipe_that_nobody_else_reads() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    make_fifo(&pipe, 0o644);
    let read = "cat pipe >got & \"$0\" convert \"$1\" -o pipe; code=$?; wait; exit $code";
    shell(folder.path(), read).status(6).stderr_contains("not written to a pipe that others can read").run();
    assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"");
    fs::set_permissions(&pipe, fs::Permissions::from_mode(0o600)).unwrap();
    shell(folder.path(), "cat pipe >got & \"$0\" convert \"$1\" -o pipe && wait").run();
    assert!(has_key(&folder.path().join("got")));
    if is_root() {
        chown(&pipe, Some(OTHER), Some(OTHER)).unwrap();
        shell(folder.path(), read).status(6).run();
        assert_eq!(fs::read(folder.path().join("got")).unwrap(), b"");
    }
    // What is no secret may be read by all.
    shell(folder.path(), "cat pipe >got & \"$0\" convert \"$1\" --no-key -o pipe && wait").run();
    assert!(!has_key(&folder.path().join("got")) && !fs::read(folder.path().join("got")).unwrap().is_empty());
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

pub(crate) fn a_pipe_that_nobody_reads_is_not_waited_for_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    make_fifo(&folder.path().join("pipe"), 0o600);
    convert(folder.path(), "pipe").status(6).stderr_contains("pipe: cannot write it: nothing opened the pipe").run();
}

#[test]
fn sockets_and_devices_that_keep_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    convert(folder.path(), "socket").status(6).stderr_contains("socket: cannot write it: it is a socket").run();
    convert(folder.path(), "/dev/null").run();
    convert(folder.path(), "/dev/full").status(6).stderr_contains("/dev/full: cannot write it").run();
    if Path::new("/dev/random").exists() {
        convert(folder.path(), "/dev/random").status(6).stderr_contains("it is a device").run();
    }
    assert_eq!(entries(folder.path()), ["socket"]);
}

#[test]
fn an_open_descriptor_is_written_to_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    for output in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"] {
        let script = format!("{{ echo head; \"$0\" convert \"$1\" -o {output}; echo tail; }} >got 2>/dev/null");
        shell(folder.path(), &script).run();
        let got = fs::read_to_string(folder.path().join("got")).unwrap();
        assert!(got.starts_with("head\n-----BEGIN CERT") && got.ends_with("KEY-----\ntail\n"), "{output}: {got}");
    }
    symlink("/dev/fd/3", folder.path().join("link")).unwrap();
    for output in ["/dev/fd/3", "/proc/self/fd/3", "link"] {
        let script = format!("{{ echo head >&3; \"$0\" convert \"$1\" -o {output}; echo tail >&3; }} 3>got");
        shell(folder.path(), &script).run();
        let got = fs::read_to_string(folder.path().join("got")).unwrap();
        assert!(got.starts_with("head\n-----BEGIN CERT") && got.ends_with("KEY-----\ntail\n"), "{output}: {got}");
    }
    shell(folder.path(), "\"$0\" convert \"$1\" -o /dev/fd/9").status(6).stderr_contains("/dev/fd/9").run();
    assert_eq!(entries(folder.path()), ["got", "link"]);
}

#[test]
fn nothing_behind_an_open_descriptor_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let key = fs::read(fixture("key/push.pem")).unwrap();
    let csr = "csr --email jo@example.com --name Jo --country DE --key \"$1\"";
    let commands = [
        "convert \"$1\" -o OUT --force".to_owned(),
        "convert \"$1\" --cert-out push.crt --key-out OUT".to_owned(),
        "pack \"$1\" --passout pass:geheim99 -o OUT".to_owned(),
        "pack \"$1\" --passout pass:geheim99 -o OUT --force".to_owned(),
        format!("{csr} -o OUT"),
        format!("{csr} -o OUT --force"),
        "expiry \"$1\" --format html -o OUT".to_owned(),
    ];
    for (output, redirection) in [("/dev/fd/3", "3<>k"), ("/dev/stdout", "1<>k"), ("-", "1<>k")] {
        for command in &commands {
            if output == "-" && command.starts_with("expiry") {
                continue;
            }
            fs::write(folder.path().join("k"), &key).unwrap();
            let script = format!("\"$0\" {} {redirection}", command.replace("OUT", output));
            let test = shell(folder.path(), &script).status(6);
            test.stderr_contains("bytes that are in the open file would be overwritten")
                .stderr_contains("hint: give the file's name, or append to it with >>")
                .run();
            assert!(fs::read(folder.path().join("k")).unwrap() == key, "{script}");
            assert_eq!(entries(folder.path()), ["k"], "{script}");
        }
    }
    // A file that is empty, or written to at its end.
    for redirection in ["3>k", "3>>k", "3<>k"] {
        fs::write(folder.path().join("k"), "").unwrap();
        shell(folder.path(), &format!("\"$0\" convert \"$1\" -o /dev/fd/3 {redirection}")).run();
        assert!(has_key(&folder.path().join("k")), "{redirection}");
    }
    fs::write(folder.path().join("k"), &key).unwrap();
    shell(folder.path(), "\"$0\" convert \"$1\" -o /dev/fd/3 3>>k").run();
    assert!(fs::read(folder.path().join("k")).unwrap().starts_with(&key));
}

/// Gives a file an ACL that lets one user more read it; false where the file system has none.
#[cfg(target_os = "linux")]
fn let_another_read(path: &Path) -> bool {
    const NOBODY: u32 = u32::MAX;
    let mut acl = 2_u32.to_le_bytes().to_vec();
    // The owner, user 65534, the group, the mask, others (acl(5), include/uapi/linux/posix_acl_xattr.h).
    for (tag, rights, id) in [(1_u16, 6_u16, NOBODY), (2, 4, 65534), (4, 0, NOBODY), (16, 4, NOBODY), (32, 0, NOBODY)] {
        acl.extend(tag.to_le_bytes());
        acl.extend(rights.to_le_bytes());
        acl.extend(id.to_le_bytes());
    }
    rustix::fs::setxattr(path, "system.posix_acl_access", &acl, rustix::fs::XattrFlags::empty()).is_ok()
}

#[cfg(target_os = "linux")]
#[test]
fn the_mask_of_an_acl_is_no_right_of_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("live.pem");
    fs::write(&target, "old").unwrap();
    if !let_another_read(&target) {
        return;
    }
    assert_eq!(mode(&target), 0o640, "the mask stands in the place of the group");
    let test = convert(folder.path(), "live.pem").arg("--force");
    test.stderr_contains("live.pem: the ACL of the replaced file was not kept").run();
    assert_eq!(mode(&target), 0o600);
    assert!(has_key(&target));
}

#[test]
fn a_file_that_a_group_may_have_planted_does_not_get_a_key() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("live.pem");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o775)).unwrap();
    let plant = || {
        fs::write(&target, "theirs").unwrap();
        chown(&target, Some(OTHER), Some(OTHER)).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o660)).unwrap();
    };
    plant();
    let test = convert(folder.path(), "live.pem").arg("--force");
    test.stderr_contains("live.pem: the owner and group of the replaced file, 65534 and 65534, were not kept").run();
    let new = fs::metadata(&target).unwrap();
    assert_eq!((new.uid(), mode(&target)), (0, 0o600));
    // The owner of the folder can do all with what is in it.
    chown(folder.path(), Some(OTHER), Some(OTHER)).unwrap();
    plant();
    convert(folder.path(), "live.pem").arg("--force").run();
    let new = fs::metadata(&target).unwrap();
    assert_eq!((new.uid(), new.gid(), mode(&target)), (OTHER, OTHER, 0o660));
}

/// Makes a folder take new files alone, as long as this is there.
struct AppendOnly<'a>(&'a Path);

impl<'a> AppendOnly<'a> {
    fn new(folder: &'a Path) -> Option<Self> {
        let made = Command::new("chattr").arg("+a").arg(folder).stderr(Stdio::null()).status();
        made.is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for AppendOnly<'_> {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg("-a").arg(self.0).status();
    }
}

#[test]
fn a_folder_that_only_takes_new_files_gets_no_others() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.pem"), "old").unwrap();
    let Some(_append_only) = AppendOnly::new(folder.path()) else { return };
    for outputs in [&["-o", "old.pem"][..], &["--cert-out", "new.crt", "--key-out", "old.pem"]] {
        let test = Test::new().arg("convert").arg(fixture("pem/identity.pem")).args(outputs).arg("--force");
        let test = test.folder(folder.path()).status(6);
        test.stderr_contains("old.pem: cannot write it: its folder only takes new files (chattr +a)")
            .stderr_contains("hint: name a file in another folder")
            .run();
        assert_eq!(entries(folder.path()), ["old.pem"]);
    }
    convert(folder.path(), "new.pem").run();
    assert_eq!(entries(folder.path()), ["new.pem", "old.pem"]);
    assert_eq!(fs::read(folder.path().join("old.pem")).unwrap(), b"old");
}

#[test]
fn a_closed_standard_output_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        "convert \"$1\" -o -",
        "convert \"$1\" -o /dev/stdout",
        "convert \"$1\" -o push.pem --json",
        "convert \"$1\" --cert-out - --key-out push.key",
        "pack \"$1\" --passout pass:geheim99",
        "inspect \"$1\"",
        "inspect \"$1\" --field topic",
        "expiry \"$1\" --format html",
        "completions bash",
        "--version",
        "--help",
        "help convert",
        "expiry -h",
        "expiry \"$1\" --format human",
        "expiry \"$1\" --format json",
        "expiry \"$1\" --format junit",
        "expiry \"$1\" --format github",
        "expiry \"$1\" --format markdown",
        "expiry \"$1\" --format nagios",
        "expiry \"$1\" --format prometheus",
        "expiry \"$1\" --format ics",
        "expiry nothing --format nagios",
        "expiry --json",
        "expiry --format nagios",
        "inspect nothing --json",
        "compare \"$1\" \"$1\"",
        "compare \"$1\" \"$1\" --json",
        "csr --email a@b.example --name a --country DE --key-out push.key -o -",
    ] {
        for target in ["&-", "/dev/full"] {
            if command.contains("/dev/stdout") && target == "/dev/full" {
                continue;
            }
            let run = shell(folder.path(), &format!("\"$0\" {command} >{target}")).status(6).run();
            assert!(run.stderr.contains("cannot write"), "{command} >{target}: {}", run.stderr);
            // The key of a request stays, and the message says so.
            let _ = fs::remove_file(folder.path().join("push.key"));
            if !command.contains("--json") {
                assert!(entries(folder.path()).is_empty(), "{command} >{target}");
            }
            let _ = fs::remove_file(folder.path().join("push.pem"));
        }
    }
    shell(folder.path(), "\"$0\" inspect - <&-").status(3).stderr_contains("it was closed").run();
}

#[test]
fn no_file_takes_the_number_of_a_closed_stream() {
    let folder = tempfile::tempdir().unwrap();
    convert(folder.path(), "wanted.pem").run();
    let wanted = fs::read(folder.path().join("wanted.pem")).unwrap();
    for closed in [">&-", "2>&-", "<&-", ">&- 2>&- <&-"] {
        shell(folder.path(), &format!("\"$0\" convert \"$1\" -o push.pem --force {closed}")).run();
        assert_eq!(fs::read(folder.path().join("push.pem")).unwrap(), wanted, "{closed}");
    }
}

#[test]
fn a_failing_standard_output_leaves_replaced_files_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("push.key"), "old").unwrap();
    for target in ["&-", "/dev/full"] {
        let script = format!("\"$0\" convert \"$1\" --cert-out - --key-out push.key --force >{target}");
        shell(folder.path(), &script).status(6).run();
        assert_eq!(fs::read(folder.path().join("push.key")).unwrap(), b"old");
        assert_eq!(entries(folder.path()), ["push.key"]);
    }
}

#[test]
fn where_the_second_file_cannot_be_replaced_the_first_is_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.crt", "b.key", "other"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let convert = "\"$0\" convert \"$1\" --cert-out a.crt --key-out b.key --force";
    for mounted in ["a.crt", "b.key"] {
        let script = format!("mount --bind other {mounted}; {}", convert.replace("$1", "$2").replace("$0", "$1"));
        let Some(test) = with_mounts(folder.path(), &script) else { return };
        let test = test.status(6).stderr_contains("it is a mount point");
        test.stderr_contains("hint: mount its folder instead of the file, or write into the file with -o - >FILE")
            .run();
        assert_eq!(entries(folder.path()), ["a.crt", "b.key", "other", "script"]);
        for name in ["a.crt", "b.key", "other"] {
            assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), name, "{mounted}");
        }
    }
}

#[test]
fn a_full_disk_leaves_all_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let script = "mount -t tmpfs -o size=8k none disk; echo old >disk/push.pem; head -c 4096 /dev/zero >disk/rest; \
                  \"$1\" convert \"$2\" --force -o disk/push.pem || code=$?; \
                  test \"$(cat disk/push.pem)\" = old; test \"$(ls -A disk | tr '\\n' ' ')\" = 'push.pem rest '; \
                  exit $code";
    let Some(test) = with_mounts(folder.path(), script) else { return };
    test.status(6).stderr_contains("disk/push.pem: cannot write it: No space left").run();
}

#[test]
fn an_output_that_cannot_be_named_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    let long = "x".repeat(300);
    for (output, message) in [
        (MISSING_FOLDER, "missing/push.pem: cannot write it: the folder missing does not exist"),
        ("file/push.pem", "file/push.pem: cannot write it: Not a directory"),
        ("folder", "folder: cannot write it: is a directory"),
        (&long, "cannot write it: File name too long"),
    ] {
        for force in [false, true] {
            let test = convert(folder.path(), output).args(force.then_some("--force")).status(6);
            test.stderr_contains(message).run();
            assert_eq!(entries(folder.path()), ["file", "folder"]);
        }
    }
    let gone = "mkdir gone; cd gone; rmdir ../gone; \"$0\" convert \"$1\" -o push.pem";
    shell(folder.path(), gone).status(6).stderr_contains("push.pem: cannot write it").run();
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("push.pem"), "old").unwrap();
    let script = "mount -t tmpfs none /mnt; echo old >/mnt/push.pem; mount -o remount,ro /mnt; \
                  \"$1\" convert \"$2\" --force -o /mnt/push.pem || code=$?; test \"$(cat /mnt/push.pem)\" = old; exit $code";
    let Some(test) = with_mounts(folder.path(), script) else { return };
    test.status(6).stderr_contains("/mnt/push.pem: cannot write it: read-only").run();
}

#[test]
fn a_replaced_key_that_no_input_has_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("other.pem");
    let told = "the private key that was in it is replaced, and no input has it";
    for (old, is_told) in [("key/other.pem", true), ("key/push.pem", false), ("der/universal.cer", false)] {
        fs::copy(fixture(old), &target).unwrap();
        let run = convert(folder.path(), "other.pem").arg("--force").run();
        assert_eq!(run.stderr.contains(told), is_told, "{old}: {}", run.stderr);
    }
    fs::copy(fixture("p12/keychain-password.p12"), &target).unwrap();
    let test = convert(folder.path(), "other.pem").arg("--force");
    test.stderr_contains("was not read, and may have held a private key").run();
    // Its own input loses nothing.
    fs::copy(fixture("pem/identity.pem"), &target).unwrap();
    let test = Test::new().args(["convert", "other.pem", "-o", "other.pem", "--force"]).folder(folder.path());
    let run = test.run();
    assert!(!run.stderr.contains("warning: other.pem: the private key"), "{}", run.stderr);
}

#[test]
fn a_signal_at_any_moment_leaves_the_old_files_or_the_new_ones() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    let command = || {
        let test = Test::new().arg("convert").arg(fixture("pem/identity.pem"));
        let test = test.args(["--cert-out", "push.crt", "--key-out", "push.key", "--force"]).folder(folder);
        let mut command = test.into_command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let reset = || {
        fs::write(folder.join("push.crt"), "old").unwrap();
        fs::write(folder.join("push.key"), "old").unwrap();
    };
    reset();
    let start = Instant::now();
    assert!(command().status().unwrap().success());
    let run_time = start.elapsed();
    let (mut old, mut new) = (0, 0);
    for n in 0..160 {
        reset();
        let mut child = command().spawn().unwrap();
        let end = Instant::now() + run_time.mul_f64(f64::from(n) / 100.0);
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_micros(50));
        }
        let signal = if n % 2 == 0 { rustix::process::Signal::INT } else { rustix::process::Signal::TERM };
        if child.try_wait().unwrap().is_none() {
            rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        }
        child.wait().unwrap();
        assert_eq!(entries(folder), ["push.crt", "push.key"]);
        let is_old = ["push.crt", "push.key"].map(|name| fs::read(folder.join(name)).unwrap() == b"old");
        match is_old {
            [true, true] => old += 1,
            [false, false] => new += 1,
            mixed => panic!("one file is old, the other is new: {mixed:?}"),
        }
    }
    assert!(old > 0 && new > 0, "old: {old}, new: {new}");
}

#[test]
fn an_output_that_is_there_is_refused_before_a_password_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("push.pem"), "something").unwrap();
    for command in ["convert", "pack"] {
        let test = Test::new().arg(command).arg(fixture("p12/keychain-password.p12"));
        let test = test.args(["--passin", "file:missing", "-o", "push.pem"]).folder(folder.path());
        test.status(6).stderr_contains("push.pem: already exists, and nothing is overwritten").run();
    }
}

#[test]
fn an_empty_output_that_a_failed_program_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    for (command, extra) in [("convert", &[][..]), ("pack", &["--passout", "pass:new"][..])] {
        let output = folder.path().join(command);
        fs::write(&output, "").unwrap();
        let test = Test::new().arg(command).arg(fixture("p12/keychain.p12")).args(["-o", command]).args(extra);
        test.folder(folder.path()).stderr_contains("was there already, and was empty").run();
        assert!(fs::metadata(&output).unwrap().len() > 0);
    }
    fs::write(folder.path().join("push.key"), "").unwrap();
    let arguments = ["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "DE"];
    let test = Test::new().args(arguments).folder(folder.path());
    test.stderr_contains("push.key was there already, and was empty").run();
    assert!(fs::metadata(folder.path().join("push.key")).unwrap().len() > 0);
}

#[cfg(unix)]
#[test]
fn not_even_force_replaces_the_file_of_a_password() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("cert.p12")).unwrap();
    let write = |name: &str| fs::write(folder.path().join(name), "pushcert-test\nsecond\n").unwrap();
    std::os::unix::fs::symlink("pw", folder.path().join("link")).unwrap();
    for (command, redirection) in [
        ("pack cert.p12 --passin pass:pushcert-test --passout file:pw -o pw", ""),
        ("pack cert.p12 --passin file:pw --passout pass:new -o link", ""),
        ("pack cert.p12 --passin pass:pushcert-test --passout fd:3 -o ./pw", "3<pw"),
        ("pack cert.p12 --passin pass:pushcert-test --passout stdin -o pw", "<pw"),
        ("convert cert.p12 --passin pass:pushcert-test --encrypt --passout file:./pw -o pw", ""),
        ("convert cert.p12 --passin file:pw --no-key -o link", ""),
        ("convert cert.p12 --passin file:pw --cert-out pw --key-out new.key", ""),
        ("convert cert.p12 --passin fd:3 --cert-out new.crt --key-out pw", "3<pw"),
        ("convert cert.p12 --passin stdin -o pw", "<pw"),
        ("convert cert.p12 --passin file:pw", ">>pw"),
    ] {
        write("pw");
        let script = format!("\"$0\" {command} --force {redirection}");
        let test = Test::shell(&script).folder(folder.path()).status(2);
        test.stderr_contains("a password is read from this file").run();
        assert_eq!(fs::read(folder.path().join("pw")).unwrap(), b"pushcert-test\nsecond\n", "{command}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "{command}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_no_name_of_an_output() {
    let test = Test::new().arg("convert").arg(fixture("p12/keychain.p12")).args(["-o", "nosuch/"]);
    test.status(6).stderr_contains("nosuch/: cannot write it: it is the name of a folder, which is not there").run();
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_new_files_is_named_as_such() {
    let test = Test::new().arg("convert").arg(fixture("p12/keychain.p12")).args(["-o", "/proc/push.pem"]).status(6);
    let told = test.stderr_contains("/proc/push.pem: cannot write it: it is in a folder that takes no new files").run();
    assert!(!told.stderr.contains("make the folder"), "{}", told.stderr);
}

#[test]
fn a_name_that_promises_another_format_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    for (name, promised) in [
        ("x.p12", "PKCS#12; pushcert pack writes a .p12"),
        ("x.PFX", "PKCS#12; pushcert pack"),
        ("x.jks", "a keystore of Java; pushcert pack --for java"),
        ("x.der", "DER; openssl"),
        ("x.p7b", "PKCS#7; openssl"),
    ] {
        let warning = format!("warning: {name}: this is PEM, though its name promises {promised}");
        convert(folder.path(), name).stderr_contains(&warning).run();
    }
    for name in ["x.pem", "x.cer", "x.crt", "x"] {
        let run = convert(folder.path(), name).run();
        assert!(!run.stderr.contains("promises"), "{}", run.stderr);
    }
    let parts = Test::new().arg("convert").arg(fixture("pem/identity.pem")).folder(folder.path());
    let parts = parts.args(["--cert-out", "c.der", "--key-out", "k.p12"]);
    parts.stderr_contains("c.der: this is PEM").stderr_contains("k.p12: this is PEM").run();
    let csr = Test::new().args(["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "DE"]);
    let csr = csr.args(["--key-out", "new.p12", "-o", "new.csr"]).folder(folder.path());
    csr.stderr_contains("new.p12: this is PEM").run();
}

#[test]
fn a_p12_whose_name_promises_another_format_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let pack = |name: &str| {
        let test =
            Test::new().arg("pack").arg(fixture("p12/keychain.p12")).args(["--passout", "pass:secret", "-o", name]);
        test.folder(folder.path())
    };
    for (name, promised) in [
        ("x.pem", "PEM; pushcert convert"),
        ("x.CRT", "PEM; pushcert convert"),
        ("x.key", "PEM; pushcert convert"),
        ("x.csr", "a request; pushcert csr"),
        ("x.der", "DER; pushcert writes none"),
        ("x.p7b", "PKCS#7; pushcert writes none"),
    ] {
        pack(name)
            .stderr_contains(&format!("warning: {name}: this is a .p12, though its name promises {promised}"))
            .run();
    }
    for name in ["x.p12", "x.pfx", "x.jks", "x"] {
        let run = pack(name).run();
        assert!(!run.stderr.contains("promises"), "{}", run.stderr);
    }
}

#[test]
fn a_key_that_stays_under_another_name_is_warned_of() {
    const WARNING: &str = "another name too (a hard link)";
    let folder = tempfile::tempdir().unwrap();
    convert(folder.path(), "push.pem").run();
    fs::hard_link(folder.path().join("push.pem"), folder.path().join("backup.pem")).unwrap();
    convert(folder.path(), "push.pem").arg("--force").stderr_contains(WARNING).run();
    assert!(has_key(&folder.path().join("backup.pem")));
    let run = convert(folder.path(), "push.pem").arg("--force").run();
    assert!(!run.stderr.contains(WARNING), "{}", run.stderr);
}
