//! Lists, CSV, NDJSON, standard input, parts of them.

use super::{Pushed, Scene, device};
use crate::common::Test;

#[test]
fn all_forms_yield_the_same_tokens() {
    let scene = Scene::new(&[], 3);
    let list = scene.tokens.join("\n");
    let csv = format!("id;device\n1;{}\n2;{}\n3;{}\n", device(1), device(2), device(3));
    let ndjson: String = scene.tokens.iter().map(|token| format!("{{\"token\":\"{token}\"}}\n")).collect();
    for (name, text, arguments) in [
        ("a.txt", &list, &[][..]),
        ("b.csv", &csv, &["--column", "device"]),
        ("c.ndjson", &ndjson, &[]),
        ("d.txt", &csv, &["--column", "device"]),
        ("e.txt", &ndjson, &["--tokens-format", "ndjson", "--column", "token"]),
    ] {
        std::fs::write(scene.stage.file(name), text).unwrap();
        let run = scene.command().args(["--json", "--tokens", name]).args(arguments).run();
        assert_eq!(Pushed::of(run).count("accepted"), 3, "{name}");
    }
    let piped = scene.command().args(["--json", "--tokens", "-"]).stdin(list).run();
    assert_eq!(Pushed::of(piped).count("accepted"), 3);
}

#[test]
fn a_list_without_a_token_is_refused() {
    let scene = Scene::new(&[], 0);
    for (name, text, words) in [
        ("empty.txt", "", "there is no device token in it"),
        ("blank.txt", "\n\n", "there is no device token in it"),
        ("words.txt", "hello\nworld\n", "and 2 texts that are none"),
        ("a.csv", "id,device\n1,aabb\n", "there is no column \"token\": its first line names id, device"),
        ("b.csv", "token\n", "there is no device token in it"),
    ] {
        std::fs::write(scene.stage.file(name), text).unwrap();
        scene.command().args(["--tokens", name]).status(3).stderr_contains(words).run();
    }
    assert!(scene.log.lock().unwrap().is_empty());
}

#[test]
fn shards_share_out_the_tokens() {
    let scene = Scene::new(&[], 200);
    let mut all = Vec::new();
    for index in 0..4 {
        let (shard, index) = (format!("{index}/4"), index.to_string());
        let shown = scene.command().args(["--tokens", "tokens.txt", "--shard", &shard, "--dry-run", "--json"]).run();
        let test = scene.command().args(["--tokens", "tokens.txt", "--json", "--shards", "4"]);
        let run = test.env("JOB_COMPLETION_INDEX", index).run();
        let pushed = Pushed::of(run);
        assert_eq!(pushed.lines[0]["shard"], shard);
        assert_eq!(shown.json()["tokens"], pushed.outcomes().len());
        all.extend(pushed.outcomes().into_keys());
    }
    all.sort();
    assert_eq!(all, scene.tokens);
    let answers = scene.answers();
    assert!(answers.values().all(|list| list == &[200]), "each once");
    scene
        .command()
        .args(["--tokens", "tokens.txt", "--shards", "4"])
        .status(2)
        .stderr_contains("JOB_COMPLETION_INDEX")
        .run();
}

#[test]
fn a_shard_without_tokens_of_its_own_is_done() {
    let scene = Scene::new(&[], 1);
    let words = |shard: &str| format!("no token of it belongs to the shard {shard}: there is nothing to send");
    let mut done = 0;
    for shard in ["0/2", "1/2"] {
        let list = scene.command().args(["--tokens", "tokens.txt", "--shard", shard, "--json"]);
        let pushed = Pushed::of(list.run());
        if pushed.summary()["accepted"] == 1 {
            continue;
        }
        done += 1;
        assert_eq!((&pushed.summary()["exit_code"], pushed.lines.len()), (&0.into(), 2));
        assert!(pushed.run.stderr.contains(&words(shard)), "{}", pushed.run.stderr);
        let piped = scene.command().args(["--tokens", "-", "--shard", shard]).stdin(&*scene.tokens[0]);
        piped.stderr_contains(&words(shard)).run();
        let dry = scene.command().args(["--tokens", "tokens.txt", "--shard", shard, "--dry-run"]);
        dry.stdout("").stderr_contains(&words(shard)).run();
        let empty = scene.command().args(["--tokens", "-", "--shard", shard]).stdin("\n");
        empty.status(3).stderr_contains("there is no device token in it").run();
    }
    assert_eq!(done, 1);
}

#[test]
fn payloads_that_would_do_nothing_are_named() {
    let scene = Scene::new(&[], 0);
    let deep = format!("{{\"aps\":{{\"alert\":\"a\"}},\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
    for (payload, code, words) in [
        (r#"{"mdm":"magic"}"#, 2, "hint: use the MDM push certificate"),
        (
            "\u{feff}{\"aps\":{\"alert\":\"a\"}}",
            3,
            "payload.json: the payload is not JSON: it begins with a byte order mark\n  hint: save it as UTF-8 without",
        ),
        (r#"{"aps":{"alert":"a"},"x":1e999}"#, 3, "JSON that not every device can read: number out of range"),
        (r#"{"aps":{"alert":"\ud800"}}"#, 3, "JSON that not every device can read: "),
        (&deep, 3, "recursion limit exceeded"),
        (r#"{"aps":{"alert":"a"},"aps":{"badge":1}}"#, 0, "warning: the payload has the key \"aps\" more than once"),
        (r#"{"aps":{"alert":""}}"#, 0, "warning: the push type is alert, and aps has no alert, badge or sound"),
    ] {
        std::fs::write(scene.stage.file("payload.json"), payload).unwrap();
        let test = Test::new().arg("push").arg(scene.stage.file("client.pem"));
        let test = scene.aimed(test).args(["--token", "aabb", "--payload", "payload.json", "--dry-run"]);
        test.status(code).stderr_contains(words).run();
    }
}

#[test]
fn repetitions_are_sent_and_counted() {
    let scene = Scene::new(&[], 2);
    let list = format!("{0}\n{1}\n<{0}>\n{0}\n", device(1), device(2));
    std::fs::write(scene.stage.file("twice.txt"), list).unwrap();
    let run = scene.command().args(["--tokens", "twice.txt", "--results", "r.ndjson"]).run();
    assert!(run.text().contains("2 tokens of the input are repetitions"), "{}", run.text());
    let results = std::fs::read_to_string(scene.stage.file("r.ndjson")).unwrap();
    assert_eq!(results.matches("\"accepted\"").count(), 4, "one outcome for each position");
    let dry = scene.command().args(["--tokens", "twice.txt", "--dry-run", "--json"]).run();
    assert_eq!((&dry.json()["tokens"], &dry.json()["repeated"]), (&4.into(), &2.into()));
    let json = Pushed::of(scene.command().args(["--tokens", "tokens.txt", "--json"]).run());
    assert_eq!(json.summary()["repeated"], 0);
}

#[test]
fn lists_of_powershell_are_read() {
    let scene = Scene::new(&[], 2);
    let mut bytes = vec![0xff, 0xfe];
    for unit in format!("id,token\r\n1,{}\r\n2,{}\r\n", device(1), device(2)).encode_utf16() {
        bytes.extend(unit.to_le_bytes());
    }
    std::fs::write(scene.stage.file("wide.csv"), bytes).unwrap();
    let run = scene.command().args(["--json", "--tokens", "wide.csv"]).run();
    assert_eq!(Pushed::of(run).count("accepted"), 2);
}

#[test]
fn csv_that_hides_rows_is_refused_before_anything_is_sent() {
    let scene = Scene::new(&[], 3);
    let open = format!("id,token\n1,{}\n2,\"{}\n3,{}\n", device(1), device(2), device(3));
    let hidden = format!("name,token\nA,{}\n\"B,{}\nC\",{}\n", device(1), device(2), device(3));
    for (text, words) in [
        (&open, "bad.csv: line 3: a quotation mark is opened there and not closed"),
        (&hidden, "bad.csv: record 3: a field of several lines has a device token in it"),
    ] {
        std::fs::write(scene.stage.file("bad.csv"), text).unwrap();
        let push = || scene.command().args(["--tokens", "bad.csv"]);
        push().args(["--results", "r.ndjson"]).status(3).stdout("").hides(&device(2)).stderr_contains(words).run();
        push().arg("--dry-run").status(3).stderr_contains(words).run();
        let group = ["--app", "com.example.MyApp", "--environment", "production"];
        let test = Test::new().folder(scene.stage.folder.path()).args(["database", "import", "sqlite:t.db", "bad.csv"]);
        test.args(group).status(3).stderr_contains(words).run();
    }
    assert!(scene.log.lock().unwrap().is_empty() && !scene.stage.file("r.ndjson").exists());
    // What comes from a pipe is sent as it comes.
    let piped = scene.command().args(["--tokens", "-", "--tokens-format", "csv"]).stdin(open);
    let run = piped.status(1).stderr_contains("line 3: a quotation mark").run();
    assert!(run.text().contains("accepted              1"), "{}", run.text());
}

#[test]
fn a_token_of_twice_the_length_is_told_by_its_line() {
    let scene = Scene::new(&[], 3);
    let joined = format!("{}\n{}{}\n", device(1), device(2), device(3));
    let csv = format!("id,token\n{}", joined.lines().map(|token| format!("7,{token}\n")).collect::<String>());
    std::fs::write(scene.stage.file("joined.txt"), &joined).unwrap();
    std::fs::write(scene.stage.file("joined.csv"), csv).unwrap();
    let group = ["--app", "com.example.MyApp", "--environment", "production"];
    for (file, place) in [("joined.txt", "line 2"), ("joined.csv", "record 3")] {
        let warning = format!("warning: {file}: {place}: its token is exactly twice as long as all others");
        let push = || scene.command().args(["--tokens", file]).any_status().stderr_contains(&warning);
        for run in [push().arg("--dry-run").run(), push().run()] {
            assert!(!run.stderr.contains(&device(2)), "{}", run.stderr);
        }
        let test = Test::new().folder(scene.stage.folder.path()).args(["database", "import", "sqlite:t.db", file]);
        test.args(group).stderr_contains(&warning).run();
    }
    assert!(!scene.command().args(["--tokens", "tokens.txt"]).run().stderr.contains("warning"));
}

#[test]
fn a_line_that_names_no_delimiter_is_refused_in_clear_words() {
    let scene = Scene::new(&[], 1);
    let excel = |line: &str| format!("{line}\r\nid;token\r\n1;{}\r\n", device(1));
    std::fs::write(scene.stage.file("good.csv"), excel("sep=;")).unwrap();
    scene.command().args(["--tokens", "good.csv"]).stdout_contains("accepted              1").run();
    std::fs::write(scene.stage.file("bad.csv"), excel("sep=;;")).unwrap();
    let words = "bad.csv: its first line, \"sep=;;\", names no delimiter: one character is expected, as in \"sep=;\"";
    scene.command().args(["--tokens", "bad.csv"]).status(3).stderr_contains(words).run();
}

#[test]
fn an_input_that_breaks_off_is_told() {
    let scene = Scene::new(&[], 2);
    let text = format!("{}\n{}\n{}", device(1), device(2), "a".repeat(100_000));
    std::fs::write(scene.stage.file("tokens.txt"), text).unwrap();
    // Not the code of an input with which nothing was sent.
    let run = scene.command().args(["--tokens", "tokens.txt"]).status(1).run();
    assert!(run.stderr.contains("line 3 has more than 64 KiB"), "{}", run.stderr);
    assert!(run.text().contains("accepted              2"), "{}", run.text());
}

/// The body of a key in PEM, in lines of 64 characters that would be device tokens in Base64.
fn key_lines(scene: &Scene) -> Vec<String> {
    let pem = std::fs::read_to_string(scene.stage.file("client.pem")).unwrap();
    let start = pem.find("PRIVATE KEY-----").unwrap();
    let end = start + pem[start..].find("-----END").unwrap();
    pem[start..end].lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_key_is_no_list_of_tokens() {
    let scene = Scene::new(&[], 1);
    let lines = key_lines(&scene);
    assert!(lines.len() > 2 && lines[0].len() == 64);
    let pem = std::fs::read_to_string(scene.stage.file("client.pem")).unwrap();
    let p12 = std::fs::read(crate::common::fixture("p12/keychain.p12")).unwrap();
    for (name, text) in [
        ("push.pem", pem.clone().into_bytes()),
        ("after-a-token.txt", format!("{}\n{pem}", device(1)).into_bytes()),
        ("body.txt", lines.join("\n").into_bytes()),
        ("tail.txt", lines[1..].join("\r\n").into_bytes()),
        ("key.csv", pem.clone().into_bytes()),
        ("body.csv", format!("token\n{}\n", lines.join("\n")).into_bytes()),
        ("key.ndjson", pem.into_bytes()),
        ("cert.p12", p12.clone()),
        ("base64.txt", data_encoding::BASE64_MIME.encode(&p12).into_bytes()),
        ("line.txt", data_encoding::BASE64.encode(&p12).into_bytes()),
    ] {
        std::fs::write(scene.stage.file(name), &text).unwrap();
        let words = "is a part of a key or a certificate: this is no list of device tokens";
        let hides = |test: Test| lines.iter().fold(test, |test, line| test.hides(line));
        let push = hides(scene.command().args(["--tokens", name, "--results", "r.ndjson"]));
        push.status(3).stdout("").stderr_contains(words).run();
        assert!(!scene.stage.file("r.ndjson").exists(), "{name}");
        let piped = hides(scene.command().args(["--tokens", "-", "--tokens-format", "lines"])).stdin(text);
        // A token before it is sent to.
        let code = if name == "after-a-token.txt" { 1 } else { 3 };
        piped.status(code).stderr_contains("is a part of a key").run();
        let group = ["--app", "com.example.MyApp", "--environment", "production"];
        for command in [&["import", "sqlite:t.db", name][..], &["remove", "sqlite:t.db", "--tokens", name]] {
            let test = Test::new().folder(scene.stage.folder.path()).arg("database").args(command).args(group);
            hides(test).status(3).stderr_contains(words).run();
        }
        assert!(!scene.stage.file("t.db").exists(), "{name}");
    }
    let option = scene.command().args(["--token", &lines[0]]).hides(&lines[0]);
    option.status(3).stderr_contains("is a part of a key or a certificate").run();
    for answers in scene.answers().keys() {
        assert_eq!(*answers, device(1), "what came from a pipe before the key");
    }
}

#[test]
fn other_columns_may_have_keys_and_lines_of_dashes_are_none() {
    let scene = Scene::new(&[], 2);
    let (one, two) = (device(1), device(2));
    let spki =
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg";
    for (name, text) in [
        (
            "a.ndjson",
            format!(
                "{{\"token\":\"{one}\",\"key\":\"-----BEGIN PUBLIC KEY-----\\n{spki}\"}}\n{{\"token\":\"{two}\"}}\n"
            ),
        ),
        ("b.csv", format!("key,token\n{spki},{one}\n{spki},{two}\n")),
        ("c.csv", format!("token,note\n{one},-----BEGIN PGP MESSAGE-----\n{two},\n")),
    ] {
        std::fs::write(scene.stage.file(name), &text).unwrap();
        let run = scene.command().args(["--json", "--tokens", name]).run();
        assert_eq!(Pushed::of(run).count("accepted"), 2, "{name}");
    }
    let list = format!("----- BEGIN LIST -----\n{one}\n{two}\n-----------ENDE-----------\n");
    std::fs::write(scene.stage.file("d.txt"), list).unwrap();
    let run = scene.command().args(["--json", "--tokens", "d.txt"]).status(1).run();
    assert_eq!(Pushed::of(run).count("accepted"), 2);
}

#[test]
fn people_are_told_why_a_text_is_no_token() {
    let scene = Scene::new(&[], 1);
    let secret = "{length = 32, bytes = 0x3f1a9c1d ... 9c1d3f1a }";
    let list = format!("{0}\n{secret}\nabc\n{1} {1}\nxyz\nxyz\nxyz\nxyz\n", device(1), device(2));
    std::fs::write(scene.stage.file("mixed.txt"), list).unwrap();
    let lines = [
        "mixed.txt: line 2 is no device token: the description of NSData leaves out the middle of the token",
        "mixed.txt: line 3 is no device token: it has an odd number of hexadecimal digits",
        "mixed.txt: line 4 is no device token: several tokens, or a token and more, stand where one is expected",
        "mixed.txt: line 5 is no device token: it is neither hexadecimal nor Base64",
        "mixed.txt: further texts are no device tokens",
    ];
    for arguments in [&[][..], &["--dry-run"]] {
        let test = scene.command().args(["--tokens", "mixed.txt"]).args(arguments).status(1).hides("3f1a9c1d");
        let run = lines.iter().fold(test, |test, line| test.stderr_contains(line)).run();
        assert_eq!(run.stderr.matches("no device token").count(), 6, "{}", run.stderr);
    }
}

#[test]
fn forms_that_people_have_are_read_or_refused_with_one_way_out() {
    let scene = Scene::new(&[], 2);
    let (one, two) = (device(1), device(2));
    for (name, text) in [
        ("tokens.json", format!("{{\"token\":\"{one}\"}}\n{{\"token\":\"{two}\"}}\n")),
        ("spaced.json", format!("{{ \"token\": \"{one}\" }}\n{{ \"token\": \"{two}\" }}\n")),
        ("of-jq.txt", format!("\"{one}\"\n\"{two}\"\n")),
        ("bytea.txt", format!("\\x{one}\n\\\\x{two}\n")),
    ] {
        std::fs::write(scene.stage.file(name), text).unwrap();
        let run = scene.command().args(["--json", "--tokens", name]).run();
        assert_eq!(Pushed::of(run).count("accepted"), 2, "{name}");
    }
    let piped = scene.command().args(["--json", "--tokens", "-"]).stdin(format!("{{\"token\":\"{one}\"}}\n"));
    assert_eq!(Pushed::of(piped.run()).count("accepted"), 1);
    let before = scene.log.lock().unwrap().len();
    for (text, words) in [
        (format!("[\"{one}\",\"{two}\"]"), "it is a JSON array"),
        (format!("[\n  {{\"token\": \"{one}\"}}\n]\n"), "jq -rc '.[]' FILE > tokens.txt"),
        (format!("{{\n  \"token\": \"{one}\"\n}}\n"), "jq -rc . FILE > tokens.txt"),
        (format!("{one},\n{two},\n"), "line 1 is no device token: a comma or a semicolon stands behind the token"),
    ] {
        for name in ["a.json", "a.txt", "a.ndjson"] {
            std::fs::write(scene.stage.file(name), &text).unwrap();
            let arguments = if name == "a.ndjson" { &["--tokens-format", "lines"][..] } else { &[] };
            let test = scene.command().args(["--tokens", name]).args(arguments);
            test.status(3).hides(&two).stderr_contains(words).run();
        }
    }
    std::fs::write(scene.stage.file("bare.csv"), format!("{one},x\n{two},y\n")).unwrap();
    let test = scene.command().args(["--tokens", "bare.csv"]).status(3).hides(&one);
    test.stderr_contains("its first line has a device token").run();
    assert_eq!(scene.log.lock().unwrap().len(), before);
}
