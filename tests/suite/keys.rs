//! The key of a certificate, found among others.

use std::fs;
use std::path::Path;

use super::common::{Test, fixture};

/// Copies fixtures into a folder, under other names.
fn copy(folder: &Path, files: &[(&str, &str)]) {
    for (from, to) in files {
        let to = folder.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(fixture(from), to).unwrap();
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path(), &[("der/universal.cer", "aps.cer"), ("key/other.pem", "keys/a.key"), ("key/ec.pem", "keys/b")]);
    fs::write(folder.path().join("keys/README"), "these are the keys").unwrap();
    folder
}

#[test]
fn convert_takes_the_key_that_fits_from_a_folder() {
    let folder = folder();
    copy(folder.path(), &[("key/pkcs8.der", "keys/old/push"), ("key/push.pem", "keys/z-copy.key")]);
    Test::new()
        .folder(folder.path())
        .args(["convert", "aps.cer", "--key", "keys", "-o", "push.pem"])
        .stderr_contains("the private key is from keys/old/push\n")
        .run();
    let pem = fs::read(folder.path().join("push.pem")).unwrap();
    openssl::pkey::PKey::private_key_from_pem(&pem).unwrap();
}

#[test]
fn convert_takes_the_key_that_fits_of_several_files() {
    let folder = folder();
    copy(folder.path(), &[("key/push.pem", "push.key")]);
    Test::new()
        .folder(folder.path())
        .args(["convert", "aps.cer", "--key", "keys/a.key", "--key", "push.key", "-o", "push.pem"])
        .stderr_contains("the private key is from push.key\n")
        .run();
}

#[test]
fn a_locked_key_is_tried_with_the_password() {
    let folder = folder();
    copy(folder.path(), &[("pem/encrypted-key.pem", "keys/locked.key")]);
    let convert = || Test::new().folder(folder.path()).args(["convert", "aps.cer", "--key", "keys", "-o", "push.pem"]);
    convert()
        .status(4)
        .stderr_contains("error: aps.cer: none of 2 keys fits\n")
        .stderr_contains("tried keys/a.key\ntried keys/b\nnot read: keys/locked.key: ")
        .run();
    assert!(!folder.path().join("push.pem").exists());
    convert().args(["--passin", "env:P"]).env("P", "push").stderr_contains("is from keys/locked.key\n").run();
}

#[test]
fn a_folder_without_keys_is_no_mismatch() {
    let folder = folder();
    fs::remove_dir_all(folder.path().join("keys")).unwrap();
    fs::create_dir(folder.path().join("keys")).unwrap();
    Test::new()
        .folder(folder.path())
        .args(["convert", "aps.cer", "--key", "keys", "-o", "push.pem"])
        .status(3)
        .stderr_contains("error: aps.cer: there is no private key to try with --key\n")
        .run();
}

#[test]
fn an_output_does_not_replace_the_found_key_s_file_without_its_other_keys() {
    let folder = folder();
    let both = [fs::read(fixture("key/push.pem")).unwrap(), fs::read(fixture("key/other.pem")).unwrap()].concat();
    fs::write(folder.path().join("keys/both.pem"), &both).unwrap();
    Test::new()
        .folder(folder.path())
        .args(["convert", "aps.cer", "--key", "keys", "-o", "keys/both.pem", "--force"])
        .any_status()
        .stderr_contains("a private key in it would be lost")
        .run();
    assert_eq!(fs::read(folder.path().join("keys/both.pem")).unwrap(), both);
}

#[test]
fn inspect_names_the_key_that_fits_and_those_it_could_not_read() {
    let folder = folder();
    copy(folder.path(), &[("key/push.pem", "keys/push.key"), ("pem/encrypted-key.pem", "keys/locked.key")]);
    let inspect = |file: &str, key: &str| Test::new().folder(folder.path()).args(["inspect", file, "--key", key]);
    inspect("aps.cer", "keys")
        .stdout_contains("the private key is in keys/push.key\n")
        .stderr_contains("not read: keys/locked.key: ")
        .stderr_contains("name the file of a locked key, or give its password with --passin")
        .run();
    inspect("aps.cer", "keys/push.key").stdout_contains("is in keys/push.key\n").stderr("").run();
    inspect("aps.cer", "keys/a.key")
        .status(1)
        .stdout_contains("the private key is not here; the one key that was tried does not fit\n")
        .run();
    copy(folder.path(), &[("der/ec.cer", "foreign.cer")]);
    fs::remove_file(folder.path().join("keys/b")).unwrap();
    inspect("foreign.cer", "keys")
        .status(4)
        .stdout_contains("the private key is not here; none of 2 keys fits\n")
        .run();
    let json = Test::new()
        .folder(folder.path())
        .args(["inspect", "aps.cer", "foreign.cer", "--key", "keys", "--json"])
        .status(4)
        .run()
        .json();
    assert_eq!(json["files"][0]["certificates"][0]["key_trial"]["file"], "keys/push.key");
    assert_eq!(json["files"][0]["certificates"][0]["key_trial"]["tried"], 2);
    assert!(json["files"][1]["certificates"][0]["key_trial"]["file"].is_null());
    assert_eq!(json["unread_keys"][0]["kind"], "password");
}

#[test]
fn nothing_is_proven_where_there_is_no_certificate() {
    let folder = folder();
    let inspect = Test::new().folder(folder.path()).args(["inspect", "keys/a.key", "--key", "keys"]);
    inspect.status(3).stderr_contains("no key belongs to it: there is only a private key in it").run();
}

/// The beginnings of files that may hold the key that is looked for.
const UNREAD: [(&str, &[u8], &str); 8] = [
    ("push.key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "an OpenSSH private key"),
    ("noname", b"PuTTY-User-Key-File-3: ssh-rsa\n", "a PuTTY private key"),
    ("keys.zip", b"PK\x03\x04and more", "a ZIP archive"),
    ("keys.tgz", b"\x1f\x8band more", "a gzip archive"),
    ("keys.xz", b"\xfd7zXZ\0and more", "an xz archive"),
    ("push.pvk", b"\x1e\xf1\xb5\xb0and more", "PVK"),
    ("push.blob", b"\x07\x02\0\0\0\xa4\0\0RSA2", "MSBLOB"),
    ("push.jwk", b"{\"kty\":\"RSA\",\"d\":\"AQ\"}", "JWK"),
];

#[test]
fn what_may_hold_the_key_and_is_not_read_is_no_proof_that_none_fits() {
    for (name, bytes, kind) in UNREAD {
        let folder = folder();
        fs::write(folder.path().join("keys").join(name), bytes).unwrap();
        let run = |command: &[&str]| Test::new().folder(folder.path()).args(command).args(["--key", "keys"]);
        let not_read = format!("not read: keys/{name}: ");
        let inspected = run(&["inspect", "aps.cer"]).status(3).stderr_contains(&not_read).stderr_contains(kind).run();
        assert!(inspected.text().contains("none of 2 keys fits"));
        run(&["convert", "aps.cer", "-o", "push.pem"]).status(3).stderr_contains(&not_read).run();
        fs::remove_file(folder.path().join("keys/a.key")).unwrap();
        fs::remove_file(folder.path().join("keys/b")).unwrap();
        run(&["convert", "aps.cer", "-o", "push.pem"]).status(3).stderr_contains(kind).run();
        // The key that fits is enough.
        copy(folder.path(), &[("key/push.pem", "keys/z.key")]);
        run(&["inspect", "aps.cer"]).stdout_contains("is in keys/z.key").run();
    }
}

#[test]
fn an_archive_that_is_too_large_to_be_read_may_hold_the_key() {
    let folder = folder();
    let inspect = || Test::new().folder(folder.path()).args(["inspect", "aps.cer", "--key", "keys"]);
    let large = |name: &str, start: &[u8]| {
        fs::write(folder.path().join("keys").join(name), start).unwrap();
        let file = fs::OpenOptions::new().write(true).open(folder.path().join("keys").join(name)).unwrap();
        file.set_len(65 << 20).unwrap();
    };
    large("film", b"anything");
    inspect().status(1).run();
    large("keys.zip", b"PK\x03\x04");
    inspect().status(3).stderr_contains("not read: keys/keys.zip: this is a ZIP archive").run();
}

#[test]
fn the_key_of_a_request_is_found_too() {
    let folder = folder();
    copy(folder.path(), &[("csr/request.der", "request"), ("key/push.pem", "keys/push.key")]);
    let inspect = |key: &str| Test::new().folder(folder.path()).args(["inspect", "request", "--key", key]);
    inspect("keys").stdout_contains("  Its key      is in keys/push.key\n").stderr("").run();
    inspect("keys/a.key").status(1).stdout_contains("  Its key      the one key that was tried does not fit\n").run();
    let json = inspect("keys").arg("--json").run().json();
    assert_eq!(json["files"][0]["requests"][0]["key_trial"]["file"], "keys/push.key");
}

#[test]
fn what_is_given_with_key_and_is_none_is_named() {
    let folder = folder();
    let key = openssl::pkey::PKey::private_key_from_pem(&fs::read(fixture("key/push.pem")).unwrap()).unwrap();
    fs::write(folder.path().join("public.pem"), key.public_key_to_pem().unwrap()).unwrap();
    let body = base64_of(b"openssh-key-v1\0\0\0\0\x04none");
    let openssh = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----\n");
    fs::write(folder.path().join("openssh"), openssh).unwrap();
    fs::write(folder.path().join("id_rsa.pub"), format!("ssh-rsa {body} jo@example.com\n")).unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing of interest\n").unwrap();
    let certificate = fixture("der/universal.cer");
    for (file, problem, hint) in [
        ("public.pem", "there is no private key in it, only a public key", "--key takes the private key"),
        ("openssh", "this is an OpenSSH private key, which is not read here", "ssh-keygen -p -m PEM -f COPY"),
        ("id_rsa.pub", "this is an SSH public key, not a private key", "--key takes the private key"),
        ("notes.txt", "this is not a private key", "--key takes the private key"),
        ("missing", "cannot read it", "check its name"),
    ] {
        for command in ["convert", "pack"] {
            let test = Test::new().folder(folder.path()).arg(command).arg(&certificate).args(["--key", file]);
            test.args(["-o", "/dev/null"]).status(3).stderr_contains(problem).stderr_contains(hint).run();
        }
        let request = ["csr", "--email", "jo@example.com", "--name", "Jo", "--country", "de", "--key", file];
        Test::new().folder(folder.path()).args(request).status(3).stderr_contains(problem).run();
    }
}

fn base64_of(bytes: &[u8]) -> String {
    openssl::base64::encode_block(bytes)
}

#[test]
fn standard_input_is_called_so() {
    let certificate = fs::read(fixture("der/universal.cer")).unwrap();
    for (arguments, stdin, problem) in [
        (&["convert", "-"][..], &b""[..], "error: standard input: the file is empty"),
        (&["convert", "-"], b"nothing\n", "error: standard input: this is not a certificate"),
        (&["convert", "-"], &certificate, "error: standard input: there is no private key in it"),
        (&["pack", "-", "-o", "/dev/null"], &certificate, "error: standard input: there is no private key in it"),
        (&["inspect", "-"], b"", "error: standard input: the file is empty"),
        (&["compare", "-", "x"], b"", "error: standard input: the file is empty"),
    ] {
        Test::new().args(arguments).stdin(stdin).status(3).stderr_contains(problem).run();
    }
    // What programs read stays the sign that was given.
    let json = Test::new().args(["inspect", "-", "--json"]).stdin(certificate).run().json();
    assert_eq!(json["files"][0]["file"], "-");
}

#[test]
fn folders_of_other_programs_are_not_searched_for_keys_and_named() {
    let folder = tempfile::tempdir().unwrap();
    for (place, name) in [(".git/objects", "a"), ("sub/node_modules/x", "b.pem"), (".hg", "c"), (".svn", "d.key")] {
        let place = folder.path().join("keys").join(place);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join(name), "no key").unwrap();
        fs::copy(fixture("key/ec.pem"), place.join("another.key")).unwrap();
    }
    copy(folder.path(), &[("der/universal.cer", "aps.cer"), ("key/other.pem", "keys/a.key")]);
    fs::write(folder.path().join("keys/sub/notes.txt"), "no key").unwrap();
    let test = Test::new().args(["convert", "aps.cer", "--key", "keys", "-o", "push.pem"]).folder(folder.path());
    let run = test.any_status().run();
    assert_ne!(run.code, Some(0), "{}", run.stderr);
    for name in [".git", "sub/node_modules", ".hg", ".svn"] {
        assert!(run.stderr.contains(&format!("not searched: keys/{name}, unless --key names it")), "{}", run.stderr);
        assert!(!run.stderr.contains(&format!("{name}/")), "{}", run.stderr);
    }
    // Where there is no key at all, too.
    fs::remove_file(folder.path().join("keys/a.key")).unwrap();
    let run = Test::new().args(["inspect", "aps.cer", "--key", "keys"]).folder(folder.path()).any_status().run();
    assert!(format!("{}{}", run.text(), run.stderr).contains("not searched: keys/.git,"), "{}", run.stderr);
}
