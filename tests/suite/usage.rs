//! Wrong command lines: what stands where nothing belongs may be a password, and is not repeated.

use super::common::{Test, fixture};

/// What is looked for in the output: a password as people have it.
const MARK: &str = "Hunter2Mark";

/// A command line that lacks nothing, as far as it is parsed.
struct Line {
    words: &'static str,
    /// It takes one word more, which is then no stray one.
    takes_more: bool,
}

const fn line(words: &'static str) -> Line {
    Line { words, takes_more: false }
}

const LINES: [Line; 20] = [
    line(""),
    line("csr"),
    line("convert a.p12 -o b.pem"),
    line("pack a.pem -o b.p12"),
    Line { words: "inspect a.pem", takes_more: true },
    line("compare a.pem b.pem"),
    Line { words: "expiry a.pem", takes_more: true },
    line("check a.pem"),
    line("push a.pem --token 00 --alert x"),
    line("database"),
    line("database list sqlite:a.db"),
    line("database import sqlite:a.db a.txt --app com.example.MyApp --environment sandbox"),
    line("gateway --listen 127.0.0.1:0"),
    line("device --gateway localhost:1"),
    line("rehearse"),
    line("example php"),
    Line { words: "explain a", takes_more: true },
    line("wizard"),
    line("generate man"),
    line("generate completions bash"),
];

/// What is typed in a stray place; MARK is the secret.
const STRAYS: [&str; 14] = [
    "MARK",
    "pass:MARK",
    "password=MARK",
    "postgres://u:MARK@localhost/x",
    "u:MARK@localhost:1",
    "--passw:MARK",
    "--pwd:MARK",
    "--passwordMARK",
    "-pMARK",
    "-p MARK",
    "--password MARK",
    "--pasword=MARK",
    "-nodes MARK",
    "--help=MARK",
];

/// The forms of the output.
const FORMS: [&str; 2] = ["", " --json"];

/// Runs a command line that is wrong, which ends with this code, and looks for the secret in what is printed.
fn assert_not_repeated(words: &str, forms: &[&str], code: i32) {
    for form in forms {
        let typed = format!("{words}{form}");
        let run = Test::new().args(typed.split_whitespace()).any_status().run();
        assert_eq!(run.code, Some(code), "{typed}: {}", run.stderr);
        let stdout = String::from_utf8_lossy(&run.stdout);
        assert!(!stdout.contains(MARK) && !run.stderr.contains(MARK), "{typed}: {stdout}{}", run.stderr);
    }
}

#[test]
fn no_stray_password_is_repeated() {
    for line in &LINES {
        for (index, stray) in STRAYS.into_iter().enumerate() {
            if line.takes_more && !stray.starts_with('-') {
                continue;
            }
            // What follows the first word of a message is text, and no message is known with it.
            let code = if line.words == "explain a" { 1 } else { 2 };
            // Both forms have the same message: each is tried for every second word.
            assert_not_repeated(&format!("{} {}", line.words, stray.replace("MARK", MARK)), &[FORMS[index % 2]], code);
        }
    }
}

#[test]
fn no_refused_value_with_a_password_is_repeated() {
    for typed in [
        "gateway --p8-key MARK",
        "gateway --p8-key ABC123DEFG:TEAM:MARK",
        "check a.pem --gateway https://u:MARK@localhost",
        "check a.pem --gateway pass:MARK",
        "push a.pem --token 00 --gateway u:MARK@localhost",
        "convert a.p12 --json=MARK",
        "convert a.p12 --at password:MARK",
        "gateway --listen u:MARK@localhost:1",
        "example MARK",
        "generate completions MARK",
        "help MARK",
        "-in a.p12 MARK -nodes",
        "pkcs12 -in a.p12 -passin MARK -frob",
        "rsa -in a.key -out b.key -passin pass:MARK",
        "openssl pkcs12 -in a.p12 -out b.pem -password pass:MARK",
        "check -cert a.pem --proxy http://u:MARK@localhost:1",
        "push -cert a.pem --database postgres://u:MARK@localhost/x",
    ] {
        assert_not_repeated(&typed.replace("MARK", MARK), &FORMS, 2);
    }
}

#[test]
fn what_can_be_no_password_is_repeated() {
    for (typed, shown) in [
        ("covnert", "covnert"),
        ("convert a.p12 b.pem c.pem", "b.pem"),
        ("convert a.p12 --no-such-flag", "--no-such-flag"),
        ("convert a.p12 --at yesterday", "yesterday"),
        ("example java", "java"),
    ] {
        Test::new().args(typed.split(' ')).status(2).stderr_contains(shown).run();
    }
    Test::new().args(["convert", "a.p12", MARK]).status(2).stderr_contains("--passin env:VARIABLE").run();
}

#[test]
fn a_password_behind_the_name_of_a_file_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("a.p12")).unwrap();
    std::fs::copy(fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let long = format!("a.p12:Geheim99{}", "x".repeat(300));
    for file in ["a.p12:Geheim99", "a.p12:Geheim99/b:c", "./a.p12:Geheim99", &long] {
        for line in [
            &["convert", file, "-o", "push.pem"][..],
            &["convert", "cert.p12", "--key", file],
            &["pack", file, "-o", "push.p12"],
            &["check", file],
            &["compare", "a.p12", file, "--passin", "pass:push"],
            &["inspect", file],
            &["expiry", file],
        ] {
            let run = Test::new().args(line).folder(folder.path()).any_status().hides("eheim99").run();
            // The report of expiry is its output.
            let told = format!("{}{}", run.text(), run.stderr);
            assert!(told.contains("a.p12:…: there is no such file"), "{line:?}: {told}");
            assert!(told.contains("commands that take one have --passin"), "{line:?}: {told}");
            assert_ne!(run.code, Some(0), "{line:?}");
        }
        for line in [
            &["expiry", file, "--json"][..],
            &["expiry", file, "--format", "html"],
            &["rehearse", "--cert", file],
            &["rehearse", "--cert", file, "--json"],
            &["rehearse", "--cert", "cert.p12", "--key", file],
        ] {
            let run = Test::new().args(line).folder(folder.path()).any_status().hides("eheim99").run();
            let told = format!("{}{}", run.text(), run.stderr);
            assert!(told.contains("a.p12:…") && run.code != Some(0), "{line:?}: {told}");
        }
    }
    Test::new()
        .args(["s_client", "-connect", "localhost:443", "-cert", "a.p12:Geheim99"])
        .folder(folder.path())
        .status(2)
        .hides("eheim99")
        .stderr_contains("pushcert check a.p12 --passin env:P12_PASSWORD --gateway localhost:443")
        .run();
}

#[test]
fn no_tip_says_to_pass_an_option_as_a_value() {
    for line in ["convert a.p12 --x", "check --y=1", "push --zz", "expiry --no-such", "csr --xx"] {
        let run = Test::new().args(line.split(' ')).status(2).run();
        assert!(!run.stderr.contains("as a value"), "{line}: {}", run.stderr);
    }
}

#[test]
fn tips_that_clap_cannot_know() {
    for line in
        ["push a.p12 --environment development", "example php --environment Dev", "push a.p12 --environment=debug"]
    {
        Test::new().args(line.split(' ')).status(2).stderr_contains("a similar value exists: 'sandbox'").run();
    }
    let test = Test::new().args(["convert", "--format", "pem", "a.p12"]).status(2).hides("--key-format");
    test.stderr_contains("convert writes PEM; for a .p12: pushcert pack").run();
}

#[test]
fn the_value_of_a_variable_is_not_repeated_as_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture("p12/keychain-password.p12"), folder.path().join("a.p12")).unwrap();
    for line in [
        "convert a.p12 --passin env:MARK -o b.pem",
        "convert a.p12 --passin env:A=MARK -o b.pem",
        "convert a.p12 --passin file:MARK -o b.pem",
        "convert a.p12 --passin cmd:MARK -o b.pem",
        "convert a.p12 --passin pass:push --encrypt --passout env:MARK -o b.pem",
        "pack a.p12 --passin pass:push --passout file:MARK -o b.p12",
        "inspect a.p12 --passin env:MARK",
        "expiry a.p12 --passin env:MARK",
        "expiry a.p12 --passwords MARK",
        "check a.p12 --passin env:MARK --gateway 127.0.0.1:1",
        "compare a.p12 a.p12 --passin env:MARK",
        "compare a.p12 a.p12 --passin pass:push --passin-new env:MARK",
        "push a.p12 --passin env:MARK --token 00 --alert x",
        "push a.p12 --passin pass:push --database env:MARK --alert x",
        "rehearse --cert a.p12 --passin env:MARK",
        "rehearse --cert a.p12 --passin file:MARK",
        "database list env:MARK",
        "database list env:postgres://u:MARK@localhost/x",
        "pkcs12 -in a.p12 -passin env:A=MARK -out b.pem",
        "pkcs12 -in a.p12 -passin file:MARK -out b.pem",
        "convert a.p12 --passin cmd:MARK -nodes -out b.pem",
        "convert a.p12 --passin fd:MARK -nodes -out b.pem",
        "convert a.p12 --frob --passin=env:MARK",
    ] {
        for form in ["", " --json"] {
            let typed = format!("{}{form}", line.replace("MARK", "Hunter2Mark"));
            let run = Test::new().args(typed.split(' ')).folder(folder.path()).any_status().hides("unter2Mark").run();
            assert_ne!(run.code, Some(0), "{typed}");
        }
    }
    let convert = |source: &str| {
        Test::new().args(["convert", "a.p12", "--passin", source]).folder(folder.path()).status(4).run().stderr
    };
    let told = convert("env:Hunter2Mark");
    assert!(told.contains("--passin: the environment variable is not set"), "{told}");
    assert!(told.contains("hint: export it first, and write its name, such as env:P12_PASSWORD, without $"), "{told}");
    assert!(convert("env:PUSHCERT_UNSET").contains("the environment variable PUSHCERT_UNSET is not set"));
    assert!(convert("file:no.txt").contains("cannot read no.txt:"));
    let told = convert("cmd:Hunter2Mark");
    assert!(told.contains("--passin: the command was not found (status 127)"), "{told}");
    let told = Test::new().args(["database", "list", "env:hunter2"]).status(2).hides("hunter2").run().stderr;
    assert!(told.contains("such as env:DATABASE_URL, without $"), "{told}");
}

#[test]
fn a_forgotten_quote_is_told() {
    const QUOTES: &str = "a value or a name with blanks stands in quotes";
    for line in [
        "csr --email jo@example.com --name Jo Doe",
        "csr --email jo@example.com --name=Jo Doe",
        "push cert.p12 --token 00 --alert Hello World",
        "convert Apple Push Services com.example.p12",
        "pack my cert.p12 -o b.p12",
    ] {
        for form in ["", " --json"] {
            let run = Test::new().args(format!("{line}{form}").split(' ')).status(2).run();
            let told = format!("{}{}", run.text(), run.stderr);
            assert!(told.contains(QUOTES), "{line}: {told}");
            assert!(!told.contains("Doe'") && !told.contains("World"), "{line}: {told}");
        }
    }
    for line in ["csr Doe", "csr --force Doe", "convert a.p12 b.pem c.pem", "convert a.p12 --no-such-flag"] {
        let run = Test::new().args(line.split(' ')).status(2).run();
        assert!(!run.stderr.contains(QUOTES), "{line}: {}", run.stderr);
    }
}

#[test]
fn the_name_of_a_file_with_blanks_is_quoted_in_the_hint() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["my cert.p12", "the push key.pem", "a - b.p12"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    for (typed, expected) in [
        ("convert my cert.p12 -o x.pem", "pushcert convert 'my cert.p12' -o x.pem"),
        ("convert a - b.p12 -o x.pem", "pushcert convert 'a - b.p12' -o x.pem"),
        ("pack my cert.p12 --key the push key.pem", "pushcert pack 'my cert.p12' --key 'the push key.pem'"),
        ("check my cert.p12 --environment sandbox", "pushcert check 'my cert.p12' --environment sandbox"),
        ("push my cert.p12 --token 00 --alert x", "pushcert push 'my cert.p12' --token 00 --alert x"),
        ("convert my cert.p12 --passin Hunter2Mark", "pushcert convert 'my cert.p12' --passin env:P12_PASSWORD"),
    ] {
        let run = Test::new().args(typed.split(' ')).folder(folder.path()).status(2).hides(MARK).run();
        assert!(run.stderr.contains(expected), "{typed}: {}", run.stderr);
        let name = "is one file: a name with blanks stands in quotes";
        assert!(run.stderr.contains(name), "{typed}: {}", run.stderr);
    }
}

#[test]
fn other_names_lead_to_the_option() {
    for (line, option) in [
        ("push --production", "--environment production"),
        ("push --sandbox", "--environment sandbox"),
        ("check --dev", "--environment sandbox"),
        ("push --body x", "--alert"),
        ("push --device 00", "--token"),
        ("expiry --days 30", "--warn, such as --warn 30d; --fail 30d fails the run too"),
        ("convert --overwrite", "--force"),
    ] {
        let run = Test::new().args(line.split(' ')).status(2).run();
        assert!(run.stderr.contains(&format!("the option for it is {option}\n")), "{line}: {}", run.stderr);
        assert!(!run.stderr.contains("--port"), "{line}: {}", run.stderr);
    }
    // Nothing is missing, as far as it is parsed.
    Test::new()
        .args(["csr", "--cn", "Jo"])
        .status(2)
        .stderr_contains("hint: type it so: pushcert csr --name Jo\n")
        .run();
    // It agrees to what is asked, and does not say what may be lost.
    let agreed = Test::new().args(["convert", "a.p12", "-y", "-o", "b.key"]).status(2).run();
    assert!(!agreed.stderr.contains("--force"), "{}", agreed.stderr);
}

#[test]
fn no_program_is_written_with_a_password_in_it() {
    for language in ["curl", "php", "node", "python"] {
        let test = Test::new().args(["example", language, "--cert", "a.p12:Geheim99"]).status(2).hides("eheim99");
        test.stderr_contains("pushcert convert a.p12 --passin env:P12_PASSWORD -o push.pem").run();
    }
    // A folder that is there has its colon in its name.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a.pem:x")).unwrap();
    let example = |file: &str| Test::new().args(["example", "node", "--cert", file]).folder(folder.path());
    example("a.pem:x/push.pem").stdout_contains("readFileSync(\"a.pem:x/push.pem\")").run();
    example("a.pem:x/push.pem:Geheim99").status(2).hides("eheim99").run();
    example("b.pem:x/Geheim99").status(2).hides("eheim99").run();
}

#[test]
fn what_apples_portal_gives_needs_its_key_first() {
    let file = fixture("der/universal.cer");
    for line in
        ["push --token 00aa --alert x --environment sandbox", "pack -o a.p12 --passout pass:x", "convert -o a.pem"]
    {
        let run = Test::new().args(line.split(' ')).arg(&file).any_status().run();
        let hint = "hint: give the key that its request was made with: --key FILE";
        assert!(run.stderr.contains(hint), "{line}: {}", run.stderr);
    }
    let check = Test::new().arg("check").arg(&file).args(["--gateway", "127.0.0.1:1"]).any_status().run();
    assert!(check.text().contains("hint: give the key with --key FILE, or export"), "{}", check.text());
}

/// Runs a line in a folder with some files, and returns what it says.
fn said(line: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::copy(fixture("p12/openssl-nomac.p12"), folder.path().join("cert.p12")).unwrap();
    std::fs::copy(fixture("pem/identity.pem"), folder.path().join("push.pem")).unwrap();
    let token = "1a".repeat(32);
    write("tokens.txt", &token);
    write("t.csv", &format!("id,Token\n1,{token}\n"));
    write("two.csv", &format!("id,device\n1,{token}\n"));
    write("o.ndjson", &format!("{{\"device\":\"{token}\"}}\n"));
    write("app.db", "");
    std::fs::copy(fixture("key/push.pem"), folder.path().join("there.key")).unwrap();
    let words = line.replace("TOKEN", &token);
    let run = Test::new().args(words.split(' ')).folder(folder.path()).any_status().hides("unter2").run();
    assert_ne!(run.code, Some(0), "{line}");
    format!("{}{}", run.text(), run.stderr)
}

#[test]
fn dashes_and_quotation_marks_of_text_editors_are_named() {
    for (line, expected) in [
        (
            "convert cert.p12 —o new.pem",
            "the dash of —o is not a hyphen\n  hint: type it so: pushcert convert cert.p12 -o new.pem\n",
        ),
        ("inspect push.pem –field topic", "type it so: pushcert inspect push.pem --field topic\n"),
        ("inspect push.pem −−field=topic", "type it so: pushcert inspect push.pem --field=topic\n"),
        (
            "push push.pem —environment production --token TOKEN",
            "type it so: pushcert push push.pem --environment production --token",
        ),
        ("convert cert.p12 —passin pass:hunter2", "type it so: pushcert convert cert.p12 --passin env:P12_PASSWORD"),
        ("convert cert.p12 —passin hunter2", "--passin env:P12_PASSWORD"),
        ("expiry . —fail", "the dash of —fail is not a hyphen\n  hint: write --fail\n"),
        ("inspect “cert.p12”", "type it so: pushcert inspect cert.p12\n"),
    ] {
        let said = said(line);
        assert!(said.contains(expected), "{line}: {said}");
    }
    // What may be a text or a password is left alone.
    for line in ["inspect –gone", "push push.pem --alert —yes --frobnicate", "inspect “gone”"] {
        let said = said(line);
        assert!(!said.contains("hyphen") && !said.contains("none of a shell"), "{line}: {said}");
    }
}

#[test]
fn an_export_that_is_there_is_no_output_and_a_key_that_is_not_is_no_input() {
    for (line, expected) in [
        ("convert cert.p12 --cert c.pem --key k.pem", "convert cert.p12 --key-out k.pem --cert-out c.pem"),
        ("convert cert.p12 --cert c.pem", "convert cert.p12 -o c.pem"),
        ("convert c.pem cert.p12", "convert cert.p12 -o c.pem"),
        ("pack push.pem cert.p12", "pack push.pem -o cert.p12"),
        ("convert cert.p12 typo.key -o n.pem", "convert cert.p12 --key typo.key -o n.pem"),
        ("convert cert.p12 key.pem", "convert cert.p12 -o key.pem"),
        ("convert cert.p12 c.pem key.pem", "convert cert.p12 --key-out key.pem --cert-out c.pem"),
        ("convert cert.p12 push.key push.crt", "convert cert.p12 --key-out push.key --cert-out push.crt"),
        ("convert cert.p12 -nocerts key.pem", "convert cert.p12 -o key.pem --certs none"),
        ("convert cert.p12 there.key", "convert cert.p12 --key there.key"),
        ("convert aps.cer gone.key", "convert aps.cer --key gone.key"),
    ] {
        let said = said(line);
        assert!(said.contains(&format!("type it so: pushcert {expected}\n")), "{line}: {said}");
    }
    for line in
        ["pack cert.p12 --cert c.pem --key k.pem", "convert push.pem cert.p12", "convert c.pem there.key cert.p12"]
    {
        let said = said(line);
        assert!(!said.contains("-o cert.p12") && !said.contains("-out"), "{line}: {said}");
    }
}

#[test]
fn the_other_option_is_named() {
    for (line, expected) in [
        (
            "push push.pem --environment sandbox --alert x --token tokens.txt",
            "a list of tokens is given with --tokens tokens.txt",
        ),
        ("push push.pem --environment sandbox --alert x --tokens TOKEN", "one token is given with --token, or added"),
        (
            "push push.pem --environment sandbox --alert x --token TOKEN,TOKEN",
            "repeat the option for each: --token A --token B",
        ),
        ("push push.pem --database app.db --alert x", "a file is named with sqlite: before it: sqlite:app.db"),
        ("database list app.db", "sqlite:app.db"),
        (
            "database list mysql://u:hunter2@h/x",
            "mysql -N -e 'select device_token from users' DATABASE | pushcert push",
        ),
        (
            "push push.pem --environment sandbox --alert x --tokens t.csv",
            "name the column as it is written: --column Token\n",
        ),
        (
            "push push.pem --environment sandbox --alert x --tokens two.csv",
            "name the column that has the tokens: --column NAME",
        ),
        (
            "push push.pem --environment sandbox --alert x --tokens o.ndjson --dry-run",
            "no key token (--column NAME names another)",
        ),
        ("push --bundle-id com.a", "the option for it is --topic\n"),
        ("push --voip", "the option for it is --push-type voip\n"),
        ("gateway --port 2197", "the option for it is --listen 127.0.0.1:PORT\n"),
        ("expiry . --ext pem", "the option for it is --include '*.pem'\n"),
        ("csr --format json", "the option for it is --json"),
        ("push push.pem --badge one", "'--badge <N>': a whole number is expected\n"),
        ("inspect push.pem --format json", "the option for it is --json"),
        (
            "check push.pem sandbox",
            "unexpected argument 'sandbox' found\n\n  tip: the option for it is --environment sandbox\n",
        ),
        ("push push.pem Production", "the option for it is --environment production\n"),
        ("example PHP", "a similar value exists: 'php'"),
        ("check push.pem --environment Sandbox", "a similar value exists: 'sandbox'"),
        ("help convrt", "a similar subcommand exists: 'convert'"),
    ] {
        let said = said(line);
        assert!(said.contains(expected), "{line}: {said}");
    }
    for line in ["expiry . --exi", "push --titel x", "csr --force-it"] {
        assert!(said(line).contains("similar"), "{line}");
    }
    assert!(!said("expiry . --exec pem").contains("--exit-zero"));
    for (line, option) in [
        ("expiry . --environment production", "--expect-environment"),
        ("convert cert.p12 --iterations 5", "--max-iterations"),
        ("push push.pem --expiry 5", "--expiration"),
    ] {
        assert!(said(line).contains(option), "{line}: {}", said(line));
    }
    for line in ["check push.pem hunter2", "check push.pem Hunter", "push push.pem TOKEN", "example Hunter"] {
        assert!(said(line).contains("(not shown: it may be a password)"), "{line}");
    }
}

#[test]
fn a_json_document_on_standard_input_has_the_hint_of_a_file() {
    let push = || {
        Test::new()
            .args(["push", "--environment", "sandbox", "--alert", "x", "--tokens", "-"])
            .arg(fixture("pem/identity.pem"))
    };
    push()
        .stdin("[\"00aa\",\"00bb\"]")
        .status(3)
        .stderr_contains("make lines of it: jq -rc '.[]' FILE > tokens.txt")
        .run();
    // What jq makes of an array of objects.
    push().arg("--dry-run").stdin("{\"token\":\"00aa\"}\n{\"token\":\"00bb\"}\n").status(0).run();
}

#[test]
fn check_takes_a_token_as_push_does() {
    for token in ["<00aa 11bb>", "00:aa", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", "\"00aa\""] {
        let check = Test::new().arg("check").arg(fixture("pem/identity.pem")).args([
            "--token",
            token,
            "--gateway",
            "127.0.0.1:1",
        ]);
        let run = check.any_status().run();
        assert_ne!(run.code, Some(2), "{token}: {}", run.stderr);
    }
}

#[test]
fn readers_and_forms_of_keys_have_the_names_that_people_use() {
    let identity = fixture("pem/identity.pem");
    for (name, form) in [("pkcs1", "traditional"), ("sec1", "traditional")] {
        let key = |form| {
            let test = Test::new().arg("convert").arg(&identity).args(["--certs", "none", "--key-format", form]);
            test.status(0).run().stdout
        };
        assert!(key(name) == key(form), "{name}");
    }
    for (name, mac) in [("mac", "MAC HMAC-SHA1"), ("macos", "MAC HMAC-SHA1"), ("openssl", "MAC HMAC-SHA256")] {
        let test =
            Test::new().arg("pack").arg(&identity).args(["--passout", "env:NEW", "--for", name, "-o", "push.p12"]);
        let run = test.env("NEW", "twelve letters").status(0).run();
        assert!(run.stderr.contains(mac), "{name}: {}", run.stderr);
    }
}
