//! What `pack` writes, and what it leaves on the disk, whatever happens. That others read it is shown by
//! tests/interop/pack.py.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Instant;

use super::common::{Test, entries, fixture, root};
use super::disk::has_unnamed_files;
use pushcert::testing::{Contents, DEFAULT_MAX_ITERATIONS, Password, Passwords};

const CERTIFICATE: &str = "fixtures/der/universal.cer";
const KEY: &str = "fixtures/key/push.pem";

/// Runs it in the root of the repository.
fn pack(arguments: &[&str]) -> Test {
    Test::new().arg("pack").args(arguments).folder(root()).env("NEW", "new password").env("OLD", "push")
}

fn open(bytes: &[u8], password: &str) -> Contents {
    let password = Password::new(password.into());
    pushcert::testing::open(bytes, &mut Passwords::Given(password), DEFAULT_MAX_ITERATIONS).unwrap()
}

/// Certificates and key, as DER, and their names.
type Facts = (Vec<(Vec<u8>, Option<String>)>, Vec<(Vec<u8>, Option<String>)>);

fn facts(contents: &Contents) -> Facts {
    let certificates = contents.certificates.iter().map(|entry| (entry.item.der.clone(), entry.friendly_name.clone()));
    let keys = contents.keys.iter().map(|entry| (entry.item.pkcs8().to_vec(), entry.friendly_name.clone()));
    (certificates.collect(), keys.collect())
}

#[test]
fn every_way_in_comes_to_the_same_identity() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let pem = path("both.pem");
    Test::new().args(["convert", CERTIFICATE, "--key", KEY, "-o", &pem]).folder(root()).run();
    let first = path("first.p12");
    let ways: [(&str, &[&str]); 4] = [
        ("first.p12", &[CERTIFICATE, "--key", KEY]),
        ("pem.p12", &[&pem]),
        ("again.p12", &[&first, "--passin", "env:NEW"]),
        ("key-in-p12.p12", &[CERTIFICATE, "--key", &first, "--passin", "env:NEW"]),
    ];
    for reader in ["keychain", "modern", "java"] {
        for (name, arguments) in ways {
            let target = path(name);
            let test = pack(arguments).args(["--for", reader, "--passout", "env:NEW", "-o", &target]);
            test.hides("new password").run();
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
            let contents = open(&fs::read(&target).unwrap(), "new password");
            let (certificates, keys) = facts(&contents);
            assert_eq!((certificates.len(), keys.len()), (1, 1));
            assert_eq!(certificates[0].0, fs::read(root().join(CERTIFICATE)).unwrap());
            assert_eq!(certificates[0].1.as_deref(), Some("Apple Push Services: com.example.MyApp"));
            assert_eq!(keys[0].1, certificates[0].1);
            assert_eq!(contents.certificates[0].local_key_id, contents.keys[0].local_key_id);
            assert!(contents.keys[0].item.public().is_same_key(&contents.certificates[0].item.public_key));
        }
        for (name, _) in ways {
            fs::remove_file(path(name)).unwrap();
        }
    }
}

#[test]
fn a_re_encoded_file_holds_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    // Old algorithms, BER, other names, authorities, other kinds of key.
    let files = ["keychain", "keychain-password", "ber", "pbmac1", "scrypt", "ca-first", "ec", "mdm", "unicode-name"];
    for file in files {
        let input = format!("fixtures/p12/{file}.p12");
        let bytes = fs::read(root().join(&input)).unwrap();
        let password = Passwords::Given(Password::new("push".into()));
        let (password, passin) = match pushcert::testing::open(&bytes, &mut { password }, DEFAULT_MAX_ITERATIONS) {
            Ok(_) => ("push", "env:OLD"),
            Err(_) => ("", "pass:"),
        };
        let (mut certificates, keys) = facts(&open(&bytes, password));
        certificates.sort();
        for reader in ["keychain", "modern"] {
            let target = folder.path().join(format!("{file}-{reader}.p12"));
            let target = target.to_str().unwrap();
            pack(&[&input, "--passin", passin, "--for", reader, "--passout", "env:NEW", "-o", target]).run();
            let (mut written, written_keys) = facts(&open(&fs::read(target).unwrap(), "new password"));
            written.sort();
            let der = |list: &[(Vec<u8>, _)]| list.iter().map(|(der, _)| der.clone()).collect::<Vec<_>>();
            assert_eq!(der(&written), der(&certificates), "{file}");
            assert_eq!(der(&written_keys), der(&keys), "{file}");
            for ((_, before), (_, after)) in certificates.iter().chain(&keys).zip(written.iter().chain(&written_keys)) {
                assert!(after.is_some() && (before.is_none() || before == after), "{file}: {before:?} {after:?}");
            }
        }
    }
}

#[test]
fn after_any_failure_no_file_exists_and_an_existing_one_is_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let (fresh, existing) = (folder.path().join("fresh.p12"), folder.path().join("existing.p12"));
    fs::write(&existing, "mine").unwrap();
    let failures: [(&[&str], i32); 8] = [
        (&[CERTIFICATE, "--key", "fixtures/key/other.pem", "--passout", "env:NEW"], 1),
        (&["fixtures/p12/mismatch.p12", "--passin", "env:OLD", "--passout", "env:NEW"], 1),
        (&[CERTIFICATE, "--passout", "env:NEW"], 3),
        (&[CERTIFICATE, "--key", KEY, "--passout", "env:NOT_SET"], 4),
        (&[CERTIFICATE, "--key", KEY], 4),
        (&[CERTIFICATE, "--key", KEY, "--passout", "env:NEW", "--chain"], 1),
        (&["fixtures/p12/expired.p12", "--passin", "env:OLD", "--passout", "env:NEW", "--strict"], 1),
        (&["fixtures/p12/truncated.p12", "--passin", "env:OLD", "--passout", "env:NEW"], 3),
    ];
    for (arguments, code) in failures {
        for (target, force) in [(&fresh, false), (&existing, true)] {
            let test = pack(arguments).arg("-o").arg(target).args(force.then_some("--force"));
            test.status(code).stdout("").run();
        }
        assert_eq!(entries(folder.path()), ["existing.p12"], "{arguments:?}");
        assert_eq!(fs::read_to_string(&existing).unwrap(), "mine");
    }
}

#[test]
fn a_password_that_others_could_not_be_given_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    fs::write(&password, b"caf\xe9\n").unwrap();
    let source = format!("file:{}", password.display());
    let test = pack(&[CERTIFICATE, "--key", KEY, "--passout", &source]).status(4).stdout("");
    test.stderr_contains("the new password is not UTF-8").run();
}

#[test]
fn through_pipes() {
    let input = fs::read(fixture("p12/keychain-password.p12")).unwrap();
    let test = pack(&["-", "--passin", "env:OLD", "--passout", "env:NEW", "--name", "piped"]);
    let output = test.stdin(input.clone()).run();
    let (certificates, keys) = facts(&open(&output.stdout, "new password"));
    let named = [&certificates[0].1, &keys[0].1].map(|name| name.as_deref());
    assert_eq!(named, [Some("piped"); 2]);
    assert_eq!((certificates[0].0.clone(), keys[0].0.clone()), {
        let (certificates, keys) = facts(&open(&input, "push"));
        (certificates[0].0.clone(), keys[0].0.clone())
    });
}

#[test]
fn killed_at_any_moment_it_leaves_no_file_or_a_whole_one() {
    let parent = tempfile::tempdir().unwrap();
    let arguments = [CERTIFICATE, "--key", KEY, "--for", "java", "--passout", "env:NEW", "--force", "-o"];
    let start = Instant::now();
    pack(&arguments).arg("/dev/null").run();
    let run_time = start.elapsed();
    let (before, after) = (Cell::new(0), Cell::new(0));
    // In steps from nothing to twice the time that it takes; further where the machine has become slower.
    for (n, existing) in (0..400).map(|n| (n, n % 2 == 1)).take_while(|(n, _)| *n < 80 || after.get() == 0) {
        let folder = parent.path().join(n.to_string());
        fs::create_dir(&folder).unwrap();
        let target = folder.join("push.p12");
        if existing {
            fs::write(&target, "mine").unwrap();
        }
        let mut child = pack(&arguments).arg(&target).into_command().stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(run_time.mul_f64(f64::from(n) / 40.0));
        let _ = child.kill();
        child.wait().unwrap();
        let left: Vec<String> = entries(&folder).into_iter().filter(|name| name != "push.p12").collect();
        // What is to replace a file has a name of its own until it does.
        let may_stay = existing || !has_unnamed_files(&folder);
        assert!(left.iter().all(|name| may_stay && name.starts_with(".pushcert-")), "{left:?}");
        match fs::read(&target) {
            Ok(bytes) if bytes == b"mine" && existing => before.set(before.get() + 1),
            Ok(bytes) => {
                assert_eq!(open(&bytes, "new password").keys.len(), 1);
                after.set(after.get() + 1);
            }
            Err(_) => {
                assert!(!existing, "the old file is gone");
                before.set(before.get() + 1);
            }
        }
    }
    assert!(before.get() > 0 && after.get() > 0, "died before: {before:?}, after: {after:?}");
}
