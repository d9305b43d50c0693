//! Conversations, with answers from a list.

use std::fs;

use super::*;
use crate::test_support::{TestWorld, fixture_path as fixture};

/// Talks with these answers; what was asked, what was told, and how it ended.
fn talk(answers: &[&str]) -> (Vec<String>, String, Result<u8, Error>) {
    let mut world = TestWorld::interactive(answers);
    // Whoever is asked over the network is asked through a port where nobody listens.
    world.variable = |name| (name == "HTTPS_PROXY").then(|| "http://127.0.0.1:9".into());
    let end = world.run(run);
    let told = String::from_utf8(world.stderr).unwrap();
    assert_eq!(world.stdout.is_empty(), !told.contains("$ pushcert check "), "only the check has a result");
    (world.terminal.asked, told, end)
}

/// Carries out a command that was told, and returns what it wrote to `file`.
fn carry_out(told: &str, name: &str, file: &Path) -> Vec<u8> {
    let start = format!("$ pushcert {name} ");
    let line = told.lines().find(|line| line.starts_with(&start)).unwrap();
    let before = fs::read(file).unwrap();
    fs::remove_file(file).unwrap();
    let words = line.split(' ').skip(1).map(|word| word.trim_matches('\''));
    let cli = Cli::try_parse_from(words).unwrap();
    TestWorld::new().run(|context| crate::commands::run(&cli, context)).unwrap();
    assert_eq!(fs::read(file).unwrap(), before, "{line} does what was done");
    before
}

#[test]
fn from_nothing_to_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, request) = (path("push.key"), path("request"));
    let (asked, told, end) = talk(&["Nothing", "jo", "jo@example.com", "Jo", "de", "DE", &key, &key, &request, "n"]);
    end.unwrap();
    assert!(asked.iter().any(|complaint| complaint.contains("such as jo@example.com")), "{asked:?}");
    assert!(asked.iter().any(|complaint| complaint == "another name than that of the key is expected"), "{asked:?}");
    let line = format!("\n$ pushcert csr --email jo@example.com --name Jo --country DE --key-out {key} -o {request}\n");
    assert!(told.contains(&line), "{told}");
    assert!(told.contains(&format!("pushcert convert aps.cer --key {key} -o push.pem")), "{told}");
    assert!(fs::read_to_string(&key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(fs::read_to_string(&request).unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
}

#[test]
fn from_a_certificate_and_its_key_to_pem() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("push.pem");
    let (certificate, other, key) =
        (fixture("der/universal.cer"), fixture("key/other.pem"), format!("'{}'", fixture("key/push.pem")));
    // Not there; not a certificate; the wrong key; not the one that was wanted; then all of it.
    let answers: &[&str] = &[
        "A .cer",
        "/missing",
        &fixture("key/push.pem"),
        &certificate,
        &other,
        &certificate,
        &key,
        "n",
        &certificate,
        &key,
        "y",
        "A PEM",
        &certificate,
        output.to_str().unwrap(),
        "y",
    ];
    let (asked, told, end) = talk(answers);
    assert_eq!(end.unwrap(), ExitKind::Network.code(), "{told}");
    assert!(told.contains(&format!("\n$ pushcert check {}\n", output.display())), "{told}");
    for complaint in
        ["there is no file /missing", &format!("{certificate}: already exists, and nothing is overwritten")]
    {
        assert!(asked.iter().any(|said| said == complaint), "{complaint}: {asked:?}");
    }
    for told_part in [
        "there is no certificate in it, only a private key",
        "the private key does not match the certificate",
        "Apple Push Services certificate (universal)",
        "$ pushcert inspect ",
    ] {
        assert!(told.contains(told_part), "{told_part}: {told}");
    }
    let pem = carry_out(&told, "convert", &output);
    assert!(pem.starts_with(b"-----BEGIN CERTIFICATE-----"));
}

#[test]
fn one_of_two_identities() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("push.p12");
    let answers: &[&str] = &[
        "A .p12",
        &fixture("p12/two-identities.p12"),
        "wrong",
        "push",
        "Apple Push Services: com.example.Other",
        "y",
        "A .p12 for Java",
        output.to_str().unwrap(),
        "pässword",
        "new",
        "other",
        "new",
        "new",
        "n",
    ];
    let (asked, told, end) = talk(answers);
    end.unwrap();
    assert!(asked.iter().any(|said| said.starts_with("--for java needs a password in ASCII")), "{asked:?}");
    assert!(asked.iter().any(|said| said.starts_with("the passwords do not match. ")), "{asked:?}");
    assert!(told.contains("$ pushcert pack --for java "), "{told}");
    assert!(told.contains(" --select aa66e3614677fff8 -o "), "{told}");
    let mut password = crate::container::Passwords::Given(crate::secret::Password::new("new".into()));
    let bytes = fs::read(&output).unwrap();
    let contents = crate::container::open(&bytes, &mut password, DEFAULT_MAX_ITERATIONS).unwrap();
    assert_eq!(contents.certificates[0].item.main_topic(), Some("com.example.Other"));
}

#[test]
fn an_identity_that_is_there_twice_is_not_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("push.pem");
    for file in [fixture("p12/keychain-doubled.p12"), fixture("pem/doubled.pem")] {
        let protected = file.ends_with(".p12").then_some("push");
        let mut answers = vec!["A .p12", &file];
        answers.extend(protected);
        answers.extend(["y", "A PEM", output.to_str().unwrap(), "n"]);
        let (asked, told, end) = talk(&answers);
        end.unwrap();
        assert!(!asked.iter().any(|question| question.starts_with("There are several")), "{asked:?}");
        let text = fs::read_to_string(&output).unwrap();
        assert_eq!(text.matches("-----BEGIN ").count(), 2, "{told}");
        fs::remove_file(&output).unwrap();
    }
}

#[test]
fn nobody_answers() {
    let (_, _, end) = talk(&["A .cer"]);
    assert_eq!(end.unwrap_err().kind, ExitKind::Usage);
}

#[test]
fn paths_as_they_are_dropped_on_a_terminal() {
    let home = Some(Path::new("/home/jo"));
    for (text, path) in [
        ("aps.cer", "aps.cer"),
        ("'/x/my aps.cer'", "/x/my aps.cer"),
        ("\"/x/my aps.cer\"", "/x/my aps.cer"),
        ("/x/my\\ aps.cer", "/x/my aps.cer"),
        ("~/aps.cer", "/home/jo/aps.cer"),
        ("-aps.cer", "./-aps.cer"),
    ] {
        assert_eq!(typed_path(text, home), Path::new(path), "{text}");
    }
}
