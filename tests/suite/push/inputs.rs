//! Lists, CSV, NDJSON, standard input, parts of them.

use super::{Pushed, Scene, device};

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
fn an_input_that_breaks_off_is_told() {
    let scene = Scene::new(&[], 2);
    let text = format!("{}\n{}\n{}", device(1), device(2), "a".repeat(100_000));
    std::fs::write(scene.stage.file("tokens.txt"), text).unwrap();
    let run = scene.command().args(["--tokens", "tokens.txt"]).status(3).run();
    assert!(run.stderr.contains("line 3 has more than 64 KiB"), "{}", run.stderr);
    assert!(run.text().contains("accepted              2"), "{}", run.text());
}
