//! Conversations, with answers from a list.

use std::fs;
use std::path::Path;

use clap::Parser;
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::X509;
use openssl::x509::extension::BasicConstraints;

use super::path::{check_output, typed_path};
use super::*;
use crate::cli::Cli;
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::test_support::{TestWorld, fixture_path as fixture};
use crate::world::place::free_name;

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
    let (asked, told, end) = talk(&["Nothing", "jo", "jo@example.com", "Jo", "deu", "de", &key, &key, &request, "n"]);
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
fn a_password_behind_the_name_of_a_file_is_not_repeated() {
    let file = fixture("p12/keychain-password.p12");
    let (asked, told, end) = talk(&["A .p12", &format!("{file}:hunter2")]);
    end.unwrap_err();
    assert!(asked.contains(&format!("there is no file {file}:…")), "{asked:?}");
    assert!(!asked.concat().contains("hunter2") && !told.contains("hunter2"), "{asked:?} {told}");
}

#[test]
fn a_password_that_is_not_given_leads_back_to_the_file_and_names_no_option() {
    // The end of the input is Ctrl-D.
    let (asked, told, end) = talk(&["A .p12", &fixture("p12/keychain-password.p12")]);
    end.unwrap_err();
    assert!(asked.last().is_some_and(|question| question.starts_with("Where is it?")), "{asked:?}");
    assert!(told.contains("no password was entered") && told.contains("name another file"), "{told}");
    let (_, wrong, end) = talk(&["A .p12", &fixture("p12/keychain-password.p12"), "a", "b", "", "<", "<"]);
    end.unwrap();
    assert!(wrong.contains("wrong password") && wrong.contains("chosen when the file was exported"), "{wrong}");
    for text in [told, wrong] {
        assert!(!text.contains("--pass"), "{text}");
    }
    let (asked, _, _) = talk(&["<"]);
    assert!(asked[0].contains("at a password Ctrl-D"), "{asked:?}");
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
        "the one key that was tried does not fit",
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
        ("'~/my aps.cer'", "/home/jo/my aps.cer"),
        ("-aps.cer", "./-aps.cer"),
        ("../aps.cer", "../aps.cer"),
    ] {
        assert_eq!(typed_path(text, home).as_deref(), Ok(Path::new(path)), "{text}");
    }
    // Path takes "new" and "new/" for the same; the slash says that a folder is meant.
    for folder in ["~/new/", "new/", "/x/new/"] {
        assert!(typed_path(folder, home).unwrap().as_os_str().as_encoded_bytes().ends_with(b"/"), "{folder}");
    }
    assert_eq!(typed_path("~/aps.cer", None).unwrap_err(), "HOME is not set: the whole path is expected");
    assert_eq!(typed_path("-", home).unwrap_err(), "the name of a file is expected");
}

#[test]
fn an_output_is_asked_for_again_with_a_reason_that_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.pem");
    std::fs::write(&file, "").unwrap();
    let long = folder.path().join("a".repeat(300));
    assert_eq!(check_output(&long).unwrap_err(), "the name is too long: a shorter one is expected");
    let below = check_output(&file.join("b.pem")).unwrap_err();
    assert_eq!(below, format!("{} is not a folder", file.display()));
    if cfg!(target_os = "linux") {
        let error = check_output(Path::new("/proc/a.pem")).unwrap_err();
        // Who is not root may not even try.
        let is_told = error.starts_with("the folder /proc takes no new files:");
        assert!(is_told || error == "you may not make files in the folder /proc", "{error}");
    }
}

/// Talks with these answers, as [`talk`], and returns what Ctrl-C would have printed at the end too.
fn talk_until(answers: &[&str]) -> (Vec<String>, String, Option<String>) {
    let mut world = TestWorld::interactive(answers);
    let end = world.run(run);
    assert_eq!(end.unwrap_err().kind, ExitKind::Usage, "{:?}", world.terminal.asked);
    (world.terminal.asked, String::from_utf8(world.stderr).unwrap(), world.terminal.farewell)
}

#[test]
fn a_way_leads_back_from_every_question_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (key, request) = (path("push.key"), path("request"));
    let answers: &[&str] = &[
        "Nothing",
        "<",
        "Nothing",
        "jo@example.com",
        "Jo",
        "de",
        &key,
        &request,
        "<",
        "<",
        "<",
        "<",
        "<",
        "<",
        "Nothing",
        "jo@example.com",
        "\u{1b}",
        "",
        "Jo",
        "de",
        &key,
        &request,
        "n",
    ];
    let (asked, told, end) = talk(answers);
    end.unwrap();
    // What was answered is the default.
    assert!(asked.iter().any(|question| question == "E-mail address [jo@example.com]: "), "{asked:?}");
    assert!(told.contains("$ pushcert csr --email jo@example.com --name Jo --country DE --key-out"), "{told}");

    let output = path("push.pem");
    let file = fixture("p12/keychain.p12");
    let answers: &[&str] = &[
        "A .p12",
        "<",
        "A .p12",
        &file,
        "<",
        &file,
        "y",
        "<",
        "y",
        "A PEM",
        "<",
        "A PEM",
        &output,
        "<",
        &path("push-2.pem"),
        "n",
    ];
    let (_, told, end) = talk(answers);
    end.unwrap();
    assert!(Path::new(&output).exists() && Path::new(&path("push-2.pem")).exists(), "{told}");
    let lines: Vec<&str> = told.lines().rev().take(3).collect();
    assert!(
        lines[0].ends_with("push-2.pem") && lines[1].ends_with("push.pem") && lines[2] == "what was done:",
        "{told}"
    );

    let (_, told, end) = talk(&["<"]);
    assert_eq!(end, Ok(0));
    assert!(told.ends_with("nothing was done\n"), "{told}");
}

#[test]
fn ctrl_c_tells_the_command_so_far() {
    let (_, _, farewell) = talk_until(&["Nothing"]);
    assert_eq!(farewell, None);
    let (_, _, farewell) = talk_until(&["Nothing", "jo@example.com", "Jo Doe"]);
    assert_eq!(farewell.unwrap(), "so far:\n  pushcert csr --email jo@example.com --name 'Jo Doe'");
    let file = fixture("p12/keychain.p12");
    let (_, _, farewell) = talk_until(&["A .p12", &file, "y", "A .p12 for Java"]);
    assert_eq!(farewell.unwrap(), format!("so far:\n  pushcert pack --for java {file}"));
}

#[test]
fn an_output_that_cannot_be_written_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (missing, output) = (path("missing/push.pem"), path("push.pem"));
    let answers: &[&str] = &["A .p12", &fixture("p12/keychain.p12"), "y", "A PEM", &missing, &path(""), &output, "n"];
    let (asked, _, end) = talk(answers);
    end.unwrap();
    assert!(asked.contains(&format!("there is no folder {}", path("missing"))), "{asked:?}");
    assert!(asked.iter().any(|said| said.contains("is a directory")), "{asked:?}");
    assert!(Path::new(&output).exists());
}

#[test]
fn who_does_not_have_the_key_is_told_where_it_may_be() {
    let certificate = fixture("der/universal.cer");
    let (asked, _, farewell) = talk_until(&["A .cer", &certificate, "?", "y"]);
    assert!(asked.iter().any(|said| said.contains("in Keychain Access on the Mac")), "{asked:?}");
    assert_eq!(asked.last().unwrap(), "E-mail address: ");
    assert_eq!(farewell, None);
    let (asked, _, _) = talk_until(&["A .cer", &certificate, "?", "n"]);
    assert!(asked.last().unwrap().starts_with("Where is the private key?"), "{asked:?}");
}

#[test]
fn the_key_is_found_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("push.pem");
    let answers: &[&str] =
        &["A .cer", &fixture("der/universal.cer"), &fixture("key"), "y", "A PEM", output.to_str().unwrap(), "n"];
    let (_, told, end) = talk(answers);
    end.unwrap();
    assert!(told.contains(&format!("--key {} -o", fixture("key/pkcs1.der"))), "{told}");
}

#[test]
fn a_key_beside_the_certificate_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::copy(fixture("der/universal.cer"), path("aps.cer")).unwrap();
    fs::copy(fixture("key/push.pem"), path("push.key")).unwrap();
    let (asked, told, end) = talk(&["A .cer", &path("aps.cer"), "", "y", "A PEM", &path("push.pem"), "n"]);
    end.unwrap();
    assert!(asked.contains(&format!("Its private key is in {}. Use that? [Y/n] ", path("push.key"))), "{asked:?}");
    assert!(told.contains(&format!("--key {} -o", path("push.key"))), "{told}");
    // Another key is none that is offered.
    fs::copy(fixture("key/other.pem"), path("push.key")).unwrap();
    let (asked, _, _) = talk_until(&["A .cer", &path("aps.cer")]);
    assert!(asked.last().unwrap().starts_with("Where is the private key?"), "{asked:?}");
}

#[test]
fn who_only_presses_enter_at_a_certificate_that_will_not_work_says_no() {
    for (file, doubt) in [
        ("p12/expired.p12", "It expired on"),
        ("p12/not-push.p12", "It is not an Apple push certificate"),
        ("p12/keychain.p12", "It was not issued by Apple"),
    ] {
        let mut answers = vec!["A .p12".to_owned(), fixture(file)];
        if file != "p12/keychain.p12" {
            answers.push("push".to_owned());
        }
        let answers: Vec<&str> = answers.iter().map(String::as_str).chain([""]).collect();
        let (asked, _, _) = talk_until(&answers);
        let mut before = asked[..asked.len() - 1].to_vec();
        if file == "p12/expired.p12" {
            let way = before.pop().unwrap();
            assert!(way.starts_with("for the next certificate, pushcert csr "), "{way}");
        }
        let question = before.last().unwrap();
        assert!(question.starts_with(doubt) && question.ends_with("[y/N] "), "{file}: {asked:?}");
        assert_eq!(asked.last().unwrap(), "Where is it? ");
    }
}

#[test]
fn a_certificate_that_calls_itself_an_authority_is_doubted_as_any_other() {
    // As `openssl req -x509` makes it.
    let key = PKey::generate_ed25519().unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_not_before(&Asn1Time::from_str("20200101000000Z").unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_str("20991231000000Z").unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
    builder.sign(&key, MessageDigest::null()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.pem");
    let pem = [builder.build().to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap()].concat();
    fs::write(&path, pem).unwrap();
    let (asked, _, _) = talk_until(&["A .p12", path.to_str().unwrap(), ""]);
    let question = &asked[asked.len() - 2];
    assert!(question.starts_with("It is not an Apple push certificate"), "{asked:?}");
}

#[test]
fn a_free_name_is_offered() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("push.pem").to_str().unwrap().to_owned();
    assert_eq!(free_name(&name), name);
    fs::write(&name, "").unwrap();
    assert_eq!(free_name(&name), name.replace("push.pem", "push-2.pem"));
    fs::write(name.replace("push.pem", "push-2.pem"), "").unwrap();
    assert_eq!(free_name(&name), name.replace("push.pem", "push-3.pem"));
}

#[test]
fn an_answer_is_offered_again_where_it_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (file, output) = (fixture("p12/keychain.p12"), path("my own.p12"));
    let mismatch: &[&str] = &["A .p12", &file, "y", "A .p12 that", &output, "one", "two", "one", "two", "one", "two"];
    let (asked, _, _) = talk_until(mismatch);
    assert_eq!(asked.last().unwrap(), &format!("Where to write it? [{output}]: "), "{asked:?}");
    let back: Vec<&str> = mismatch.iter().copied().chain(["<"]).collect();
    let (asked, _, _) = talk_until(&back);
    assert_eq!(asked.last().unwrap(), "Number, 1 to 4 [2]: ", "{asked:?}");
    let certificate = fixture("der/universal.cer");
    let (asked, _, _) = talk_until(&["A .cer", &certificate, "<"]);
    assert_eq!(asked.last().unwrap(), &format!("Where is it? [{certificate}]: "));
    let (asked, _, _) = talk_until(&["A .cer", &certificate, "?", "y", "<"]);
    assert!(asked.last().unwrap().starts_with("Where is the private key?"), "{asked:?}");
}

#[test]
fn where_the_answers_end_the_commands_so_far_are_told() {
    let file = fixture("p12/keychain.p12");
    let mut world = TestWorld::interactive(&["A .p12", &file, "y", "A .p12 for Java"]);
    let error = world.run(run).unwrap_err();
    let hint = error.hint.unwrap().to_string();
    assert!(hint.contains("so far:") && hint.contains(&format!("\n  pushcert pack --for java {file}")), "{hint}");
}

#[test]
fn a_key_that_does_not_fit_is_not_offered_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::copy(fixture("der/universal.cer"), path("app.cer")).unwrap();
    let (asked, _, _) = talk_until(&["A .cer", &path("app.cer"), &fixture("key/other.pem")]);
    assert_eq!(asked.last().unwrap(), "Where is the private key? ", "{asked:?}");
}

#[test]
fn what_decides_is_shown_before_a_question() {
    let (_, told, _) = talk_until(&["A .p12", &fixture("p12/keychain.p12")]);
    for label in ["Kind", "Topics", "Environments", "Valid", "Key", "warning: was not issued by Apple"] {
        assert!(told.contains(label), "{label}: {told}");
    }
    for label in ["SHA-256", "Serial", "Iterations"] {
        assert!(!told.contains(label), "{label}: {told}");
    }
}

#[test]
fn the_weightiest_doubt_is_asked_about() {
    let (asked, _, _) = talk_until(&["A .p12", &fixture("p12/expired.p12"), "push"]);
    assert!(asked.last().unwrap().starts_with("It expired on"), "{asked:?}");
    let sandbox = [&fixture("der/sandbox.cer"), &fixture("key/push.pem")];
    let (asked, _, _) = talk_until(&["A .cer", sandbox[0], sandbox[1]]);
    assert_eq!(asked.last().unwrap(), "It was not issued by Apple. Is this what you wanted? [y/N] ");
}

#[test]
fn names_are_read_as_a_shell_reads_them() {
    let home = Some(Path::new("/home/jo"));
    for (text, path) in [
        (r"'it'\''s.p12'", "it's.p12"),
        (r#"'it'"'"'s.p12'"#, "it's.p12"),
        (r"back\\slash.p12", r"back\slash.p12"),
        (r#""my \"own\".p12""#, r#"my "own".p12"#),
        ("it's.p12", "it's.p12"),
        ("~", "/home/jo"),
        ("~/push.p12", "/home/jo/push.p12"),
        ("~jo.p12", "~jo.p12"),
    ] {
        assert_eq!(typed_path(text, home).as_deref(), Ok(Path::new(path)), "{text}");
    }
}

#[test]
fn a_narrow_terminal_breaks_words_nowhere_and_commands_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("my push.pem").to_str().unwrap().to_owned();
    let (p12, quoted) = (fixture("p12/keychain.p12"), format!("'{output}'"));
    let mut world = TestWorld::interactive(&["A .p12", &p12, "y", "A PEM file", &quoted, "n"]);
    world.terminal.columns = Some(40);
    world.run(run).unwrap();
    let told = String::from_utf8(world.stderr).unwrap();
    let command = format!("pushcert convert {p12} -o {quoted}");
    assert!(told.contains(&format!("\n$ {command}\n")) && told.contains(&format!("\n  {command}\n")), "{told}");
    assert!(told.contains(&format!("\nnext: pushcert check {quoted}\n")), "{told}");
    for line in told.lines() {
        let is_one_word = !line.trim().contains(' ');
        assert!(line.chars().count() < 40 || line.contains("pushcert ") || is_one_word, "{line}\n{told}");
    }
}
