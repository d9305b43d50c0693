//! Passwords as they come: with line ends, in quotes, in another form of Unicode, and very many.

use std::fs;

use super::common::{Test, fixture};

fn convert(file: &str) -> Test {
    Test::new().args(["convert", "--passin", "env:PASSWORD"]).arg(fixture(file))
}

#[test]
fn a_password_that_has_something_by_mistake_is_pointed_out_and_not_shown() {
    for (password, hint) in [
        ("push\n", "hint: the password that was given ends in a line end"),
        ("push\r\n", "hint: the password that was given ends in a line end"),
        ("push\r", "hint: the password that was given ends in a line end"),
        ("\u{feff}push", "hint: the password that was given begins with a byte order mark"),
        ("push ", "hint: the password that was given begins or ends with a space"),
        ("\u{a0}push", "hint: the password that was given begins or ends with a space"),
        ("\"push\"", "hint: the password that was given stands in quotes"),
        ("", "hint: the password that was given is empty"),
        ("pusch", "hint: it is the password that was chosen"),
    ] {
        for file in ["p12/keychain-password.p12", "pem/encrypted-key.pem", "pem/dek-info-des.pem"] {
            convert(file)
                .env("PASSWORD", password)
                .status(4)
                .stderr_contains(hint)
                .hides("push\"")
                .hides("pusch")
                .run();
        }
    }
}

#[test]
fn a_password_file_in_utf16_is_pointed_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password.txt");
    fs::write(&file, b"\xff\xfep\0u\0s\0h\0\r\0\n\0").unwrap();
    let source = format!("file:{}", file.display());
    let test = Test::new().args(["convert", "--passin", &source]).arg(fixture("p12/keychain-password.p12"));
    test.status(4).stderr_contains("the password that was given is in UTF-16").run();
}

#[test]
fn a_list_of_passwords_points_out_the_odd_one() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("passwords.txt");
    fs::write(&list, "wrong\n\"push\"\n").unwrap();
    let test = Test::new().args(["expiry", "--passwords"]).arg(list).arg(fixture("p12/keychain-password.p12"));
    test.status(4).stdout_contains("stands in quotes").run();
}

#[test]
fn every_normal_form_of_a_password_opens() {
    for password in ["Pässwörd", "Pa\u{308}sswo\u{308}rd"] {
        for file in ["p12/decomposed-password.p12", "p12/latin1-password.p12", "p12/pbmac1-utf8.p12"] {
            convert(file).env("PASSWORD", password).run();
        }
    }
}

#[test]
fn all_tries_of_passwords_on_a_file_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("passwords.txt");
    let run = |passwords: &str, limit: &str| {
        fs::write(&list, passwords).unwrap();
        let arguments = ["expiry", "--at", "2026-11-24", "--max-iterations", limit, "--passwords"];
        Test::new().args(arguments).arg(&list).arg(fixture("p12/openssl-3-default.p12")).any_status().run()
    };
    // The MAC takes 2048 for each encoding of a password, of which the absent one has two; each of the two things that it
    // covers takes 4096, and one of them is tried with a password that does not fit.
    let enough = run("wrong\nalso wrong\npush\n", "27000");
    assert_eq!(enough.code, Some(0), "{}", enough.text());
    let too_few = run("wrong\nalso wrong\npush\n", "17000");
    assert_eq!(too_few.code, Some(4), "{}", too_few.text());
    assert!(too_few.text().contains("takes more than 17000 iterations to try so many passwords"));
}

#[test]
fn a_file_that_asks_for_too_much_with_the_right_password_is_told_from_one_with_many() {
    let test = convert("p12/openssl-3-default.p12").env("PASSWORD", "push").args(["--max-iterations", "8000"]);
    test.status(3).stderr_contains("asks for more than 8000 iterations").run();
}

#[test]
fn two_wrong_passwords_and_then_the_right_one_open_a_file_of_600_000_iterations() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("passwords.txt");
    fs::write(&list, "wrong\nwröng\npush\n").unwrap();
    Test::new().args(["expiry", "--at", "2026-11-24", "--passwords"]).arg(&list).arg(fixture("p12/nss.p12")).run();
}

#[test]
fn a_new_password_that_other_programs_could_not_be_given_is_refused_from_every_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    for (password, problem) in [
        ("secret\n", "ends in a line end"),
        ("secret\r", "ends in a line end"),
        ("sec\nret", "has a line end in it"),
        ("\u{feff}secret", "begins with a byte order mark"),
    ] {
        fs::write(&file, password).unwrap();
        let cat = format!("cmd:cat '{}'", file.display());
        let sources = ["env:NEW".to_owned(), format!("file:{}", file.display()), format!("pass:{password}"), cat];
        for source in sources {
            // Of a file, and of what a command prints, the first line counts.
            let is_cut = password.contains('\n') && (source.starts_with("file:") || source.starts_with("cmd:"));
            for command in ["pack", "convert"] {
                let test = Test::new().arg(command).arg(fixture("p12/keychain.p12")).env("NEW", password);
                let test = test.args(["-o", "/dev/null", "--passout", &source]);
                let test = if command == "convert" { test.arg("--encrypt") } else { test };
                if is_cut {
                    test.run();
                } else {
                    test.status(4).stderr_contains(problem).stderr_contains("choose another").hides("secret").run();
                }
            }
        }
    }
}

#[test]
fn an_empty_password_is_named_in_every_format() {
    let file = fixture("p12/keychain-password.p12");
    for format in ["human", "github", "junit", "json", "markdown", "nagios"] {
        let test = Test::new().arg("expiry").arg(&file).args(["--passin", "env:P12_PASSWORD", "--format", format]);
        let run = test.env("P12_PASSWORD", "").any_status().run();
        let told = format!("{}{}", run.text(), run.stderr);
        assert!(told.contains("the one that was given is empty"), "{format}: {told}");
    }
}

#[test]
fn a_password_that_is_not_utf_8_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("password"), b"\xc3\xdc\xc2\xeb\n").unwrap();
    let test = Test::new().arg("inspect").arg(fixture("p12/keychain-password.p12")).args(["--passin", "file:password"]);
    test.folder(folder.path()).status(4).stderr_contains("is not UTF-8 (GBK or Latin-1, perhaps)").run();
}

#[cfg(unix)]
#[test]
fn a_source_of_a_password_that_is_not_utf_8_says_what_to_do() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    for (source, what) in [
        (&b"cmd:print pr\xe9nom"[..], "the command behind cmd: is not UTF-8"),
        (b"env:PR\xc9NOM", "the name of the variable behind env: is not UTF-8"),
    ] {
        let test = Test::new().arg("inspect").arg(fixture("p12/keychain-password.p12")).arg("--passin");
        let run = test.arg(OsString::from_vec(source.to_vec())).status(2).stderr_contains(what).run();
        assert!(run.stderr.contains("hint: type it in UTF-8; file: takes a file with the password"), "{}", run.stderr);
        assert!(!run.stderr.contains("nom") && !run.stderr.contains("NOM"), "{}", run.stderr);
    }
}
