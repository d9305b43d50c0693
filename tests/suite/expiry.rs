//! `pushcert expiry` where a case file cannot go: standard input, folders, names that attack.

use std::fs;
use std::path::Path;

use super::certificates::push;
use super::common::{Test, fixture, root};

const NOW: [&str; 2] = ["--at", "2026-11-24"];

fn test(arguments: &[&str]) -> Test {
    Test::new().arg("expiry").args(arguments).args(NOW).folder(root()).any_status()
}

fn expiry(arguments: &[&str]) -> (Option<i32>, String) {
    let run = test(arguments).run();
    (run.code, run.text().to_owned())
}

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&expiry(&[arguments, &["--json"]].concat()).1).unwrap()
}

fn good(name: &str) -> Vec<u8> {
    push(&format!("com.example.{name}"), name, "20260101", "20271231")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_second_certificate_of_a_bundle_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.pem");
    fs::write(&file, [good("first"), push("com.example.second", "second", "20251101", "20261125")].concat()).unwrap();
    let (code, out) = expiry(&[text(&file)]);
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("FAIL") && out.contains("second") && out.contains("ok") && out.contains("first"), "{out}");
}

#[test]
fn a_key_of_a_kind_that_is_not_read_fails_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle.pem");
    // X25519 with an octet too few is damaged, and 1.2.643.7.1.1.1.1 (GOST R 34.10-2012) is a kind of its own.
    let key = |oid: &[u8]| {
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                writer.next().write_sequence(|writer| writer.next().write_der(oid));
                writer.next().write_bytes(&[4; 33]);
            });
        });
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", data_encoding::BASE64.encode(&der))
    };
    for (oid, code) in [(&b"\x06\x08\x2a\x85\x03\x07\x01\x01\x01\x01"[..], 0), (b"\x06\x03\x2b\x65\x6e", 3)] {
        fs::write(&file, [good("one"), key(oid).into_bytes()].concat()).unwrap();
        let (found, out) = expiry(&[text(&file)]);
        assert_eq!(found, Some(code), "{out}");
        assert_eq!(expiry(&[text(&file), "--expect-key"]).0, Some(3), "a run that asks for keys");
    }
}

#[test]
fn each_of_these_fails_a_run_that_is_otherwise_good() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.pem"), good("good")).unwrap();
    let run = |name: &str, bytes: &[u8], options: &[&str]| {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let code = expiry(&[&[text(folder.path())], options].concat()).0;
        fs::remove_file(file).unwrap();
        code
    };
    let p12 = fs::read(fixture("p12/keychain-password.p12")).unwrap();
    let pem = good("cut");
    assert_eq!(run("a.pem", &pem, &[]), Some(0));
    assert_eq!(run("a.p12", &p12, &["--passin", "pass:push"]), Some(0));
    assert_eq!(run("a.p12", &p12, &["--passin", "pass:wrong"]), Some(4));
    assert_eq!(run("a.p12", &p12, &[]), Some(4));
    assert_eq!(run("a.p12", &p12[..p12.len() / 2], &["--passin", "pass:push"]), Some(3));
    for cut in [1, 16, 200, pem.len() - 40] {
        assert_eq!(run("a.pem", &pem[..cut], &[]), Some(3), "{cut}");
    }
    assert_eq!(run("a.pem", b"", &[]), Some(3));
    assert_eq!(run("a.pem", b"see the wiki", &[]), Some(3));
    // And these are plainly no certificates.
    assert_eq!(run("README.md", b"see the wiki", &[]), Some(0));
    assert_eq!(run(".gitkeep", b"", &[]), Some(0));
    assert_eq!(run("key.pem", &fs::read(fixture("key/push.pem")).unwrap(), &[]), Some(0));
}

#[test]
fn a_folder_counts_what_is_no_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for (name, bytes) in [("notes.txt", &b"0123"[..]), ("logo.png", b"\x89PNG"), ("a.pem", &good("a"))] {
        fs::write(path(name), bytes).unwrap();
    }
    #[cfg(unix)]
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    let report = json(&[text(folder.path())]);
    assert_eq!(report["summary"]["files"], 3 + u8::from(cfg!(unix)));
    #[cfg(unix)]
    assert_eq!(report["summary"]["passed_over_kinds"]["a pipe, a socket or a device"], 1);
    assert_eq!(report["summary"]["without_certificates"], 2);
    assert_eq!(report["verdict"], "ok");
}

#[cfg(unix)]
#[test]
fn what_is_passed_over_in_a_folder_is_counted_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.pem"), good("a")).unwrap();
    fs::File::create(path("disk.img")).unwrap().set_len((64 << 20) + 1).unwrap();
    std::os::unix::fs::symlink("gone", path("5ed36f99.0")).unwrap();
    let report = json(&[text(folder.path())]);
    assert_eq!((&report["verdict"], report["exit_code"].as_u64()), (&"ok".into(), Some(0)));
    assert_eq!(report["summary"]["files"], 3);
    assert_eq!(report["summary"]["passed_over"], 2);
    assert_eq!((&report["summary"]["unreadable"], &report["summary"]["without_certificates"]), (&0.into(), &0.into()));
    let test = test(&[text(folder.path())]).stdout_contains("5ed36f99.0: it is a link that leads nowhere");
    test.stdout_contains("disk.img: is larger than 64 MiB").stdout_contains("1 ok; 2 files passed over").run();
    // These may well have been certificates.
    for name in ["live.pem", "disk.p12"] {
        if name == "live.pem" {
            std::os::unix::fs::symlink("../archive/live.pem", path(name)).unwrap();
        } else {
            fs::rename(path("disk.img"), path(name)).unwrap();
        }
        let report = json(&[text(folder.path())]);
        assert_eq!((&report["verdict"], report["exit_code"].as_u64()), (&"failure".into(), Some(3)), "{name}");
        assert_eq!(json(&[text(folder.path()), "--skip-unreadable"])["exit_code"], 0, "{name}");
        assert_eq!(json(&[text(folder.path()), "--exclude", "*.p12", "--exclude", "live.*"])["exit_code"], 0);
    }
}

#[test]
fn standard_input_is_any_container_or_secrets() {
    let with_input = |input: &[u8], options: &[&str]| {
        let run = test(&["-", "--format", "github"]).args(options).stdin(input).env("PASSWORD", "push").run();
        (run.code, run.text().to_owned())
    };
    let password = ["--passin", "env:PASSWORD"];
    for (file, options) in [("der/universal.cer", &[][..]), ("ca/root.pem", &[]), ("p12/ec.p12", &password)] {
        let (code, out) = with_input(&fs::read(fixture(file)).unwrap(), options);
        assert_eq!((code, out.contains("1 certificate in 1 file")), (Some(0), true), "{file}: {out}");
    }
    let secrets = fs::read(root().join("tests/cmd/expiry/in/secrets.json")).unwrap();
    let (code, out) = with_input(&secrets, &password);
    assert_eq!(code, Some(1));
    assert!(out.contains("::prod/old/push.p12: ") && out.contains("2 certificates in 4 files"), "{out}");
    // Without the password the entry is unreadable, and that is no silence.
    let (code, out) = with_input(&secrets, &[]);
    assert_eq!(code, Some(4), "{out}");
    assert!(out.contains("prod/old/push.p12: the PKCS#12 file needs a password"), "{out}");
    assert_eq!(with_input(b"{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}", &[]).0, Some(1));
    assert_eq!(with_input(b"{\"kind\":\"List\",\"items\":[]}", &[]).0, Some(1));
}

#[test]
fn standard_input_is_named_for_people() {
    let input = fs::read(fixture("der/expired.cer")).unwrap();
    for (format, expected) in [
        ("human", "  standard input\n"),
        ("github", "::standard input: "),
        ("junit", "classname=\"standard input\""),
        ("markdown", " `standard input` |"),
        ("html", "<small>standard input</small>"),
        ("json", "\"file\": \"-\""),
        ("prometheus", "file=\"-\""),
    ] {
        let run = test(&["-", "--format", format]).stdin(&*input).run();
        assert!(run.text().contains(expected), "{format}: {}", run.text());
        assert!(!run.text().contains("::-: ") && !run.text().contains("  -\n"), "{format}: {}", run.text());
    }
}

/// Everything that ends a line, a quote, an element or a field somewhere.
const EVIL: &str = "\"'\\<script>x</script>&|%,;:]]>{}\n::error::y\r\u{1b}[31m\u{202e}\u{fffe}\tz";

#[test]
fn names_cannot_break_out_of_a_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evil,name:%.pem");
    fs::write(&file, push(EVIL, EVIL, "20251101", "20261125")).unwrap();
    for format in ["human", "json", "junit", "github", "markdown", "nagios", "prometheus", "ics", "html"] {
        let (_, out) = expiry(&[text(&file), "--format", format]);
        assert!(out.contains("script"), "{format} shows the name: {out}");
        let is_bad =
            |c: &char| c.is_control() && *c != '\n' || *c == '\u{202e}' || *c == '\u{fffe}' && format == "junit";
        let bad: Vec<char> = out.replace("\r\n", "\n").chars().filter(is_bad).collect();
        // JSON escapes what it must, and leaves the rest as it is: its readers are programs.
        assert!(bad.is_empty() || format == "json", "{format}: {bad:?}");
        match format {
            "json" => assert_eq!(json(&[text(&file)])["certificates"][0]["name"], EVIL),
            "github" => {
                let commands: Vec<&str> = out.lines().filter(|line| line.starts_with("::")).collect();
                assert_eq!((commands.len(), out.lines().count()), (2, 2), "{out}");
                assert_eq!(commands[0].matches(",title=").count(), 1, "{out}");
            }
            "nagios" => assert_eq!(out.matches('|').count(), 1, "{out}"),
            "html" | "junit" => assert!(!out.contains("<script"), "{out}"),
            "ics" => assert_eq!(out.lines().filter(|line| line.starts_with("SUMMARY")).count(), 1, "{out}"),
            _ => {}
        }
    }
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for index in 0..40 {
        fs::write(folder.path().join(format!("{index}.pem")), good(&index.to_string())).unwrap();
    }
    fs::write(folder.path().join("cut.pem"), b"-----BEGIN CERTIFICATE-----\nMIIB").unwrap();
    let report = |threads: &str| {
        test(&[text(folder.path()), "--json"]).env("RAYON_NUM_THREADS", threads).run().text().to_owned()
    };
    let one = report("1");
    assert_eq!(one, report("3"));
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(one["certificates"].as_array().unwrap().len(), 40);
    assert_eq!(one["exit_code"], 3);
}

#[test]
fn a_report_replaces_the_last_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pushcert.prom");
    let certificate = fixture("der/universal.cer");
    let arguments = [text(&certificate), "--format", "prometheus", "-o", text(&out)];
    assert_eq!(expiry(&arguments), (Some(0), String::new()));
    let first = fs::read_to_string(&out).unwrap();
    assert!(first.ends_with('\n') && first.contains("pushcert_certificates 1"));
    assert_eq!(expiry(&arguments).0, Some(6));
    // A run that cannot be made leaves the last report, and one that fails replaces it.
    assert_eq!(expiry(&[&arguments[..], &["--force", "--passin", "env:PUSHCERT_UNSET"]].concat()).0, Some(4));
    assert_eq!(fs::read_to_string(&out).unwrap(), first);
    assert_eq!(expiry(&[&arguments[..], &["--force", "--fail", "99999d"]].concat()).0, Some(1));
    assert!(fs::read_to_string(&out).unwrap().contains("pushcert_run_verdict 2"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
}

#[test]
fn a_report_replaces_nothing_that_may_hold_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let certificate = fixture("der/universal.cer");
    let run = |format: &str, bytes: &[u8]| {
        fs::write(&out, bytes).unwrap();
        let code = expiry(&[text(&certificate), "--format", format, "--force", "-o", text(&out)]).0;
        (code, fs::read(&out).unwrap())
    };
    for name in [
        "key/push.pem",
        "key/pkcs8.der",
        "key/pkcs1.der",
        "key/encrypted-pkcs8.der",
        "pem/identity.pem",
        "pem/encrypted-key.pem",
        "pem/AuthKey_ABC123DEFG.p8",
        "pem/utf16.pem",
        "pem/one-line.pem",
        "pem/truncated.pem",
        "p12/keychain.p12",
        "der/universal.cer",
    ] {
        let bytes = fs::read(fixture(name)).unwrap();
        assert_eq!(run("human", &bytes), (Some(6), bytes), "{name}");
    }
    let truncated = &fs::read(fixture("p12/keychain.p12")).unwrap()[..400];
    let others: [&[u8]; 9] = [
        truncated,
        b"a list of passwords",
        b"    Private-Key: (2048 bit, 2 primes)\n",
        b"-\0-\0-\0-\0-\0B\0E\0G\0I\0N\0",
        b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
        b"PuTTY-User-Key-File-3: ssh-rsa\n",
        b"{\"kty\":\"EC\",\"d\":\"AA\"}",
        b"PUSH_KEY=LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t\n",
        b"{\"kind\":\"Secret\",\"data\":{\"push.p12\":\"AAAA\"}}",
    ];
    for bytes in others {
        assert_eq!(run("human", bytes), (Some(6), bytes.to_vec()), "{}", String::from_utf8_lossy(bytes));
    }
    // The names in a report may be of any kind.
    let certificate = folder.path().join("-----BEGIN PRIVATE KEY-----.cer");
    fs::copy(fixture("der/universal.cer"), &certificate).unwrap();
    let run = |format: &str, bytes: &[u8]| {
        fs::write(&out, bytes).unwrap();
        let code = expiry(&[text(&certificate), "--format", format, "--force", "-o", text(&out)]).0;
        (code, fs::read(&out).unwrap())
    };
    let mut earlier = Vec::new();
    for format in ["human", "json", "github", "markdown", "junit", "prometheus", "nagios", "ics", "html", "human"] {
        let (code, report) = run(format, &earlier);
        assert_eq!(code, Some(0), "{format}");
        assert_ne!(report, earlier, "{format}");
        earlier = report;
    }
    // A key that somebody has put before a report or after it is not lost.
    let key = fs::read(fixture("key/push.pem")).unwrap();
    for both in [[&key[..], &earlier].concat(), [&earlier, &key[..]].concat()] {
        fs::write(&out, &both).unwrap();
        assert_eq!(expiry(&[text(&certificate), "--force", "-o", text(&out)]).0, Some(6));
        assert_eq!(fs::read(&out).unwrap(), both);
    }
    // What is too large to be read is not replaced.
    fs::File::create(&out).unwrap().set_len((64 << 20) + 1).unwrap();
    assert_eq!(expiry(&[text(&certificate), "--force", "-o", text(&out)]).0, Some(6));
    assert_eq!(fs::metadata(&out).unwrap().len(), (64 << 20) + 1);
    // Its own input is no exception.
    let identity = folder.path().join("push.pem");
    fs::copy(fixture("pem/identity.pem"), &identity).unwrap();
    let hint = "--force replaces an earlier report, and this file may hold a key: choose another name";
    test(&[text(&identity), "--force", "-o", text(&identity)]).status(6).stderr_contains(hint).run();
    assert_eq!(fs::read(&identity).unwrap(), fs::read(fixture("pem/identity.pem")).unwrap());
}

#[test]
fn whoever_stops_reading_does_not_change_the_verdict() {
    test(&["fixtures/der"]).closed_stdout().status(1).stderr("").run();
}
