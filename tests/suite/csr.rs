//! What `csr` leaves on the disk, whatever happens.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use openssl::pkey::PKey;
use openssl::x509::X509Req;

use super::common::{Test, entries, fixture};
use super::disk::has_unnamed_files;

const KEY: &str = "push.key";
const REQUEST: &str = "CertificateSigningRequest.certSigningRequest";
const SUBJECT: [&str; 6] = ["--email", "jo@example.com", "--name", "Jo Doe", "--country", "DE"];

fn csr(folder: &Path, arguments: &[&str]) -> Test {
    Test::new().arg("csr").args(SUBJECT).args(arguments).folder(folder)
}

/// The key of a file, which must be whole and its owner's alone.
fn whole_key(path: &Path) -> PKey<openssl::pkey::Private> {
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let key = PKey::private_key_from_pem(&fs::read(path).unwrap()).unwrap();
    assert!(key.rsa().unwrap().check_key().unwrap());
    assert_eq!(key.bits(), 2048);
    key
}

/// The request of a file, which must be whole and signed by `key`.
fn whole_request(path: &Path, key: &PKey<openssl::pkey::Private>) {
    let request = X509Req::from_pem(&fs::read(path).unwrap()).unwrap();
    assert!(request.verify(key).unwrap());
    assert!(request.public_key().unwrap().public_eq(key));
}

#[test]
fn key_and_request_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let run = csr(folder.path(), &[]).stdout("").run();
    assert_eq!(entries(folder.path()), [REQUEST, KEY]);
    let key = whole_key(&folder.path().join(KEY));
    whole_request(&folder.path().join(REQUEST), &key);
    let said = run.stderr;
    for words in [
        "Certificates, Identifiers & Profiles",
        "explicit App ID",
        "Apple Push Notification service SSL",
        "upload CertificateSigningRequest.certSigningRequest",
        "pushcert convert aps.cer --key push.key -o push.pem\n",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let other = tempfile::tempdir().unwrap();
    csr(other.path(), &[]).run();
    assert!(!whole_key(&other.path().join(KEY)).public_eq(&key), "every key is another");
}

#[test]
fn an_existing_key_or_request_stays_as_it_was_and_nothing_is_added() {
    for (existing, force) in [(KEY, false), (KEY, true), (REQUEST, false)] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(existing), "mine").unwrap();
        csr(folder.path(), if force { &["--force"] } else { &[] }).status(6).run();
        assert_eq!(entries(folder.path()), [existing]);
        assert_eq!(fs::read_to_string(folder.path().join(existing)).unwrap(), "mine");
    }
}

#[test]
fn what_is_no_key_was_not_signed_by_apple() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["to be done\n", " \n"] {
        fs::write(folder.path().join(KEY), text).unwrap();
        let run = csr(folder.path(), &[]).status(6).run();
        assert!(
            run.stderr.contains("there is no private key in it: remove it, or choose another name with --key-out\n"),
            "{text:?}: {}",
            run.stderr
        );
        assert!(!run.stderr.contains("Apple"), "{text:?}: {}", run.stderr);
        assert_eq!(fs::read_to_string(folder.path().join(KEY)).unwrap(), text);
    }
}

#[test]
fn an_empty_file_is_no_key_and_is_replaced() {
    for name in [KEY, REQUEST] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "").unwrap();
        csr(folder.path(), &[]).stderr_contains(&format!("{name} was there already, and was empty\n")).run();
        whole_key(&folder.path().join(KEY));
        assert!(fs::metadata(folder.path().join(REQUEST)).unwrap().len() > 0);
    }
}

#[test]
fn a_link_of_ones_own_that_leads_nowhere_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join(KEY)).unwrap();
    csr(folder.path(), &[]).run();
    assert_eq!(entries(folder.path()), [REQUEST, "elsewhere", KEY]);
    assert!(fs::symlink_metadata(folder.path().join(KEY)).unwrap().is_symlink());
    whole_key(&folder.path().join("elsewhere"));
}

#[test]
fn with_force_a_request_is_made_again_for_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    csr(folder.path(), &[]).run();
    let before = fs::read(folder.path().join(KEY)).unwrap();
    fs::copy(fixture("csr/request.certSigningRequest"), folder.path().join(REQUEST)).unwrap();
    csr(folder.path(), &["--key", KEY, "--force"]).run();
    assert_eq!(fs::read(folder.path().join(KEY)).unwrap(), before);
    whole_request(&folder.path().join(REQUEST), &whole_key(&folder.path().join(KEY)));
    assert_eq!(entries(folder.path()), [REQUEST, KEY]);
}

#[test]
fn not_even_force_puts_a_request_in_the_place_of_a_key() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("protected.p12")).unwrap();
    csr(folder.path(), &[]).run();
    for arguments in
        [["--key", KEY, "-o", KEY], ["--key-out", "new.key", "-o", KEY], ["--key", KEY, "-o", "protected.p12"]]
    {
        let target = folder.path().join(arguments[3]);
        let before = fs::read(&target).unwrap();
        csr(folder.path(), &arguments).arg("--force").status(6).run();
        assert_eq!(fs::read(&target).unwrap(), before, "{arguments:?}");
        assert_eq!(entries(folder.path()), [REQUEST, "protected.p12", KEY]);
    }
}

#[test]
fn force_replaces_only_what_was_read_and_holds_no_key() {
    let read = |name: &str| fs::read(fixture(name)).unwrap();
    let [request, key, certificate] =
        ["csr/request.certSigningRequest", "key/push.pem", "pem/certificate-only.pem"].map(read);
    let four_dashes = String::from_utf8(key.clone()).unwrap().replace("-----BEGIN", "----BEGIN").into_bytes();
    let other_label =
        String::from_utf8(key.clone()).unwrap().replace("PRIVATE KEY", "OPENSSH PRIVATE KEY").into_bytes();
    let one_line = String::from_utf8(key.clone()).unwrap().replace('\n', " ").into_bytes();
    let joined = |parts: [&[u8]; 2]| parts.concat();
    let refused: Vec<(&str, Vec<u8>)> = vec![
        ("text", b"old".to_vec()),
        ("a damaged key", key[..key.len() / 2].to_vec()),
        ("a damaged request", request[..request.len() / 2].to_vec()),
        ("a JKS", read("p12/java-keystore.jks")),
        ("a ZIP", read("p12/not-pkcs12.p12")),
        ("half a .p12", read("p12/truncated.p12")),
        ("an unsupported .p12", read("p12/unsupported-aria.p12")),
        ("a .p12 that asks for too much", read("p12/huge-iterations.p12")),
        ("a .p12 signed by a key", read("p12/signed-integrity.p12")),
        ("a .p12 without a key", read("p12/empty.p12")),
        ("a key of a kind that is not read", other_label.clone()),
        ("a certificate and such a key", joined([&certificate, &other_label])),
        ("a request and a key with four dashes", joined([&request, &four_dashes])),
        ("a certificate and a key on one line", joined([&certificate, &one_line])),
        ("a request and bytes that are no text", joined([&request, b"\xff\xfe\x00"])),
        ("a certificate in DER and a key after it", joined([&read("der/universal.cer"), &read("key/pkcs8.der")])),
        ("a certificate and its key", joined([&certificate, &key])),
    ];
    let replaced: Vec<(&str, Vec<u8>)> = vec![
        ("a request", request.clone()),
        ("a request in DER", read("csr/request.der")),
        ("a certificate", certificate.clone()),
        ("a certificate in DER", read("der/universal.cer")),
        ("a request and a certificate", joined([&certificate, &request])),
        ("UTF-8 with its mark", joined([b"\xef\xbb\xbf", &request])),
        ("nothing", vec![]),
        ("white space", b" \n".to_vec()),
    ];
    for (cases, code) in [(refused, 6), (replaced, 0)] {
        for (what, bytes) in cases {
            let folder = tempfile::tempdir().unwrap();
            let target = folder.path().join(REQUEST);
            fs::write(&target, &bytes).unwrap();
            let run = csr(folder.path(), &["--force", "--key"]).arg(fixture("key/push.pem")).any_status().run();
            assert_eq!(run.code, Some(code), "{what}: {}", run.stderr);
            assert_eq!(fs::read(&target).unwrap() == bytes, code == 6, "{what}");
            assert_eq!(run.stderr.contains("already exists, and nothing is overwritten"), code == 6, "{what}");
            let advice = [
                "this file may hold a key: choose another name",
                "choose another name for the request",
                "requests and certificates alone: choose another name",
            ];
            assert_eq!(advice.iter().any(|text| run.stderr.contains(text)), code == 6, "{what}: {}", run.stderr);
            assert_eq!(entries(folder.path()), [REQUEST], "{what}");
        }
    }
}

#[test]
fn key_and_request_under_two_names_of_one_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("x")).unwrap();
    for output in ["./new.key", "x/../new.key"] {
        let test = csr(folder.path(), &["--key-out", "new.key", "-o", output, "--force"]).status(2);
        test.stderr_contains("the key and the request have the same name").run();
        assert_eq!(entries(folder.path()), ["x"]);
    }
    for output in ["/dev/stdout", "/dev/fd/1"] {
        // A key goes to a file.
        csr(folder.path(), &["--key-out", output]).status(2).stdout("").run();
        csr(folder.path(), &["-o", output, "--json"]).status(2).run();
    }
    // A link to a key that is not there yet.
    std::os::unix::fs::symlink("new.key", folder.path().join("request")).unwrap();
    let test = csr(folder.path(), &["--key-out", "new.key", "-o", "request", "--force"]).status(2);
    test.stderr_contains("the key and the request have the same name").run();
    assert_eq!(entries(folder.path()), ["request", "x"]);
    csr(folder.path(), &["--key-out", "new.key"]).run();
    whole_key(&folder.path().join("new.key"));
    // Two names of a key that is there.
    let before = fs::read(folder.path().join("new.key")).unwrap();
    for output in ["./new.key", "request", "x/../new.key"] {
        csr(folder.path(), &["--key", "new.key", "-o", output, "--force"]).status(6).run();
        assert_eq!(fs::read(folder.path().join("new.key")).unwrap(), before);
    }
}

#[test]
fn where_the_request_cannot_be_written_there_is_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(300);
    for output in ["missing/request", &long] {
        csr(folder.path(), &["-o", output]).status(6).run();
        assert!(entries(folder.path()).is_empty(), "{output}");
    }
}

#[test]
fn where_the_request_cannot_be_printed_the_key_stays_and_is_of_use() {
    let folder = tempfile::tempdir().unwrap();
    for output in ["-", "/dev/full"] {
        let script = format!("\"$0\" csr {} -o {output} >/dev/full", "--email jo@example.com --name Jo --country DE");
        let test = Test::shell(&script).folder(folder.path()).status(6);
        let run = test.stderr_contains("stays in push.key").stderr_contains("pushcert csr --key push.key").run();
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.stderr);
        assert_eq!(entries(folder.path()), [KEY]);
        csr(folder.path(), &["--key", KEY, "--force"]).run();
        whole_request(&folder.path().join(REQUEST), &whole_key(&folder.path().join(KEY)));
        fs::remove_file(folder.path().join(KEY)).unwrap();
        fs::remove_file(folder.path().join(REQUEST)).unwrap();
    }
}

#[test]
fn advice_on_a_file_with_keys_can_be_followed() {
    let folder = tempfile::tempdir().unwrap();
    let both = [fs::read(fixture("key/push.pem")).unwrap(), fs::read(fixture("key/other.pem")).unwrap()].concat();
    fs::write(folder.path().join("two.key"), both).unwrap();
    fs::copy(fixture("key/push.pem"), folder.path().join("ok.key")).unwrap();
    let run = csr(folder.path(), &["--key", "two.key"]).status(3).stderr_contains("a file of its own").run();
    assert!(!run.stderr.contains("--select"), "{}", run.stderr);
    let run = csr(folder.path(), &["--key", "ok.key", "-o", "ok.key", "--force"]).status(6).run();
    assert!(
        run.stderr.contains("another name for the request") && !run.stderr.contains("--key ok.key"),
        "{}",
        run.stderr
    );
    assert_eq!(entries(folder.path()), ["ok.key", "two.key"]);
}

#[test]
fn a_path_in_a_command_is_no_option() {
    let folder = tempfile::tempdir().unwrap();
    let convert = Test::new().folder(folder.path()).arg("convert").arg(fixture("pem/identity.pem"));
    convert.args(["-o", "./-dash.pem"]).stderr_contains("next: pushcert check ./-dash.pem\n").run();
    csr(folder.path(), &["--key-out=-dash.key", "-o", "./-dash.req"]).stderr_contains("--key ./-dash.key -o").run();
    Test::new().folder(folder.path()).args(["inspect", "./-dash.pem"]).run();
}

#[test]
fn a_new_key_does_not_go_where_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    csr(folder.path(), &["--key-out", "/dev/null"]).status(2).stderr_contains("/dev/null is a device").run();
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn where_the_key_cannot_be_written_there_is_no_request() {
    let folder = tempfile::tempdir().unwrap();
    csr(folder.path(), &["--key-out", "missing/push.key"]).status(6).run();
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn an_encrypted_key_opens_with_its_password_alone() {
    let folder = tempfile::tempdir().unwrap();
    csr(folder.path(), &["--encrypt", "--passout", "env:SECRET"]).env("SECRET", "sésame").hides("sésame").run();
    let pem = fs::read_to_string(folder.path().join(KEY)).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    PKey::private_key_from_pem_passphrase(pem.as_bytes(), b"sesame").unwrap_err();
    let key = PKey::private_key_from_pem_passphrase(pem.as_bytes(), "sésame".as_bytes()).unwrap();
    whole_request(&folder.path().join(REQUEST), &key);
    // The same file, given back.
    csr(folder.path(), &["--key", KEY, "--passin", "env:SECRET", "-o", "again"]).env("SECRET", "sésame").run();
    assert_eq!(fs::read(folder.path().join(REQUEST)).unwrap(), fs::read(folder.path().join("again")).unwrap());
}

/// A child that is killed after `delay`, or once `sign` shows.
fn killed(mut command: Command, delay: Duration, sign: impl Fn() -> bool) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    while !sign() && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < limit, "it neither wrote nor ended");
    }
    let end = Instant::now() + delay;
    while Instant::now() < end && child.try_wait().unwrap().is_none() {}
    let _ = child.kill();
    child.wait().unwrap();
}

/// Whatever was there at the moment of death is whole, and nothing else is there (on Linux not even a
/// temporary file, where the file system has files without a name).
fn assert_whole(folder: &Path, names: [&str; 2]) {
    let left: Vec<String> = entries(folder).into_iter().filter(|name| !names.contains(&name.as_str())).collect();
    assert!(left.iter().all(|name| name.starts_with(".pushcert-") && !has_unnamed_files(folder)), "{left:?}");
    let [key, request] = names.map(|name| folder.join(name));
    if key.exists() {
        let key = whole_key(&key);
        if request.exists() {
            whole_request(&request, &key);
        }
    } else {
        assert!(!request.exists(), "the key is written before the request");
    }
}

#[test]
fn killed_at_any_moment_it_leaves_no_file_or_a_whole_one() {
    let parent = tempfile::tempdir().unwrap();
    let whole = |folder: PathBuf, delay, at_first_file: bool| {
        fs::create_dir(&folder).unwrap();
        let sign = || !at_first_file || !entries(&folder).is_empty();
        killed(csr(&folder, &[]).into_command(), delay, sign);
        assert_whole(&folder, [KEY, REQUEST]);
        (folder.join(KEY).exists(), folder.join(REQUEST).exists())
    };
    // From the start, in steps over the time that a run takes; then in small steps from the first file.
    let start = Instant::now();
    whole(parent.path().join("a whole run"), Duration::from_secs(60), false);
    let step = start.elapsed() / 20;
    let early = (0..24).map(|n| whole(parent.path().join(format!("early {n}")), step * n, false)).collect::<Vec<_>>();
    let late = (0..40).map(|n| {
        let delay = Duration::from_micros(60) * n;
        whole(parent.path().join(format!("late {n}")), delay, true)
    });
    let late = late.collect::<Vec<_>>();
    assert!(early.contains(&(false, false)), "some died before the key");
    assert!(late.iter().any(|(key, _)| *key), "some died after the key");
}

#[test]
fn a_new_key_does_not_go_to_an_open_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let old = fs::read(fixture("key/push.pem")).unwrap();
    fs::write(folder.path().join("k"), &old).unwrap();
    let line = "\"$0\" csr --email jo@example.com --name Jo --country DE --key-out /dev/fd/3 -o r 3<>k";
    Test::shell(line).folder(folder.path()).status(2).stderr_contains("is an open descriptor").run();
    assert!(fs::read(folder.path().join("k")).unwrap() == old);
    assert_eq!(entries(folder.path()), ["k"]);
}

#[test]
fn the_certificate_to_come_gets_a_name_that_is_free() {
    let folder = tempfile::tempdir().unwrap();
    // The file in use, which has the key and its certificate.
    fs::copy(fixture("pem/identity.pem"), folder.path().join("push.pem")).unwrap();
    let renewed = csr(folder.path(), &["--key", "push.pem", "-o", "a.csr"]);
    renewed.stderr_contains("pushcert convert aps.cer --key push.pem -o push-2.pem\n").run();
    fs::write(folder.path().join("push-2.pem"), "x").unwrap();
    let renewed = csr(folder.path(), &["--key", "push.pem", "-o", "b.csr"]);
    renewed.stderr_contains("pushcert convert aps.cer --key push.pem -o push-3.pem\n").run();
}
