//! A run that was killed, and goes on.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use pushcert::testing::TokenState;
use serde_json::Value;

use super::{Scene, device};

/// The lines of tokens in a file of results, by position; the last counts.
fn read(scene: &Scene) -> BTreeMap<u64, Value> {
    let mut lines = BTreeMap::new();
    let text = std::fs::read_to_string(scene.stage.file("r.ndjson")).unwrap();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        if let Some(position) = value["position"].as_u64() {
            lines.insert(position, value);
        }
    }
    lines
}

/// Runs it until the gateway has answered so many requests, and kills it.
fn kill_after(scene: &Scene, requests: usize, arguments: &[&str]) {
    let test = scene.command().args(["--tokens", "tokens.txt", "--rate", "1000"]).args(arguments);
    let mut child = test.into_command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while scene.log.lock().unwrap().len() < requests && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    let mut rest = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut rest).unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_run_goes_on_and_sends_nothing_twice() {
    let scene = Scene::new(&[], 4000);
    kill_after(&scene, 100, &["--results", "r.ndjson"]);
    kill_after(&scene, 700, &["--resume", "r.ndjson"]);
    kill_after(&scene, 1300, &["--resume", "r.ndjson"]);
    let before = read(&scene);
    assert!(before.len() < 4000);
    let run = scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson"]).any_status().run();
    let lines = read(&scene);
    assert_eq!(lines.len(), 4000, "{}", run.stderr);
    let answers = scene.answers();
    assert!(answers.values().all(|list| list.len() == 1), "nothing was sent twice");
    let mut unknown = 0;
    for line in lines.values() {
        let was_sent = answers.contains_key(line["token"].as_str().unwrap());
        match line["outcome"].as_str().unwrap() {
            "accepted" => assert!(was_sent, "{line}"),
            "unknown" => unknown += 1,
            other => panic!("{other}: {line}"),
        }
    }
    assert!(unknown < 2000, "no more than what waited or was open: {unknown}");
    assert_eq!(run.code, Some(i32::from(unknown > 0)), "{}", run.text());
    assert!(run.text().contains(&format!("accepted      {:>9}", 4000 - unknown)), "{}", run.text());
}

#[test]
fn what_is_unknown_after_a_kill_is_sent_again_on_demand() {
    let scene = Scene::new(&[], 1000);
    kill_after(&scene, 300, &["--results", "r.ndjson"]);
    let run = scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson", "--resend-unknown"]).run();
    assert!(run.text().contains("accepted           1000"), "{}", run.text());
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for line in scene.log.lock().unwrap().iter().filter(|line| line["event"] == "request") {
        let (token, id) = (line["token"].as_str().unwrap().to_owned(), line["headers"]["apns-id"].to_string());
        let earlier = ids.insert(token, id.clone());
        assert!(earlier.is_none_or(|earlier| earlier == id), "the same apns-id");
    }
    let again = scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson"]).run();
    assert!(again.text().contains("accepted           1000"), "{}", again.text());
    assert!(again.text().contains("0 requests"), "{}", again.text());
}

#[test]
fn repetitions_count_where_they_are_sent() {
    let scene = Scene::new(&[], 2);
    std::fs::write(scene.stage.file("twice.txt"), [device(1), device(2), device(1)].join("\n")).unwrap();
    let push = |arguments: &[&str]| scene.command().args(["--tokens", "twice.txt"]).args(arguments).run();
    let words = "one token of the input is a repetition";
    assert!(push(&["--results", "r.ndjson"]).text().contains(words));
    let again = push(&["--resume", "r.ndjson"]);
    assert!(again.text().contains("accepted              3") && !again.text().contains(words), "{}", again.text());
}

#[test]
fn results_may_go_to_a_pipe_whose_reader_comes_later() {
    let scene = Scene::new(&[], 2);
    let pipe = scene.stage.file("pipe");
    crate::gateway::make_pipe(&pipe);
    let test = scene.command().args(["--tokens", "tokens.txt", "--results", "pipe"]);
    let child = test.into_command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let results = std::fs::read_to_string(&pipe).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(results.matches("\"accepted\"").count(), 2, "{results}");
}

// A run that is killed in its first instant leaves an empty file, or the beginning of its first line.
#[test]
fn results_without_a_whole_first_line_are_begun() {
    let scene = Scene::new(&[], 3);
    scene.command().args(["--tokens", "tokens.txt", "--results", "r.ndjson"]).run();
    let path = scene.stage.file("r.ndjson");
    let first = std::fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    for length in [0, 1, 20, first.len() - 1, first.len()] {
        std::fs::write(&path, &first[..length]).unwrap();
        scene.log.lock().unwrap().clear();
        scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson"]).run();
        assert_eq!((scene.answers().len(), read(&scene).len()), (3, 3), "{length}");
        let again = scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson"]).run();
        assert!(again.text().contains("0 requests"), "{}", again.text());
    }
    std::fs::write(&path, "my notes").unwrap();
    let other = scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson"]).status(3);
    other.stderr_contains("is not that of results").run();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "my notes");
}

#[test]
fn the_list_of_an_earlier_run_is_replaced_and_no_other_file() {
    let scene = Scene::new(&[], 6);
    for token in &scene.tokens[..4] {
        scene.stage.gateway.tokens.set(token, TokenState::Unregistered(1_700_000_000_000));
    }
    let push = |arguments: &[&str]| {
        let test = scene.command().args(["--tokens", "tokens.txt", "--unregistered-out", "gone.csv"]);
        test.args(arguments).any_status().run()
    };
    push(&["--results", "r.ndjson"]);
    let list = scene.stage.file("gone.csv");
    let whole = std::fs::read_to_string(&list).unwrap();
    assert_eq!(whole.lines().count(), 5);
    // As it is after a run that was killed, too.
    for length in [whole.len(), whole.len() - 7, 40, 6, 0] {
        std::fs::write(&list, &whole[..length]).unwrap();
        let resumed = push(&["--resume", "r.ndjson"]);
        assert_eq!(resumed.code, Some(1), "{}", resumed.stderr);
        assert_eq!(std::fs::read_to_string(&list).unwrap(), whole, "{length}");
    }
    let foreign = format!("{whole}{},2023-01-01T00:00:00Z\n", device(77));
    for text in [foreign.as_str(), "my notes\n", "token,since\nmy notes\n"] {
        std::fs::write(&list, text).unwrap();
        let refused = push(&["--resume", "r.ndjson"]);
        assert_eq!(refused.code, Some(6), "{}", refused.stderr);
        assert!(refused.stderr.contains("has lines that are not in the results"), "{}", refused.stderr);
        assert_eq!(std::fs::read_to_string(&list).unwrap(), text);
    }
    std::fs::write(&list, foreign).unwrap();
    assert_eq!(push(&["--resume", "r.ndjson", "--force"]).code, Some(1));
    assert_eq!(std::fs::read_to_string(&list).unwrap(), whole);
    assert_eq!(push(&["--results", "other.ndjson"]).code, Some(6), "a new run overwrites nothing");
}

#[test]
fn another_run_is_not_continued() {
    let scene = Scene::new(&[], 3);
    scene.command().args(["--tokens", "tokens.txt", "--results", "r.ndjson"]).run();
    let results = std::fs::read(scene.stage.file("r.ndjson")).unwrap();
    let resumed = |arguments: &[&str]| scene.command().args(["--resume", "r.ndjson"]).args(arguments).status(2);
    resumed(&["--tokens", "tokens.txt", "--badge", "1"]).stderr_contains("the message differs").run();
    resumed(&["--token", "aabb"]).stderr_contains("the input differs").run();
    resumed(&["--tokens", "tokens.txt", "--shard", "0/2"]).stderr_contains("the shard differs").run();
    resumed(&["--tokens", "tokens.txt", "--topic", "com.example.MyApp.voip"]).stderr_contains("differs").run();
    resumed(&["--tokens", "tokens.txt", "--environment", "sandbox"]).stderr_contains("the environment differs").run();
    resumed(&["--tokens", "-"]).stdin("aabb").stderr_contains("from a pipe").run();
    assert_eq!(std::fs::read(scene.stage.file("r.ndjson")).unwrap(), results, "it is as it was");
    let other = scene.command().args(["--tokens", "tokens.txt", "--resume", "tokens.txt"]).status(3);
    other.stderr_contains("is not that of results").run();
}

#[test]
fn records_of_csv_are_settled_one_by_one_whatever_ends_them() {
    for (name, ends) in [("cr", ["\r", "\r"]), ("crlf", ["\r\n", "\r\n"]), ("mixed", ["\r\n", "\n"])] {
        let scene = Scene::new(&[], 20);
        let mut csv = format!("id,token{}", ends[0]);
        for number in 1..=20 {
            csv += &format!("{number},{}{}", device(number), ends[number % 2]);
        }
        std::fs::write(scene.stage.file("devices.csv"), csv).unwrap();
        let push = |arguments: &[&str]| scene.command().args(["--tokens", "devices.csv"]).args(arguments).run();
        push(&["--results", "r.ndjson"]);
        let text = std::fs::read_to_string(scene.stage.file("r.ndjson")).unwrap();
        // As if it had been killed after seven answers.
        let mut kept: Vec<&str> = text.lines().take(1).collect();
        kept.extend(text.lines().filter(|line| line.contains("\"position\"")).take(7));
        std::fs::write(scene.stage.file("r.ndjson"), kept.join("\n") + "\n").unwrap();
        scene.log.lock().unwrap().clear();
        let run = push(&["--resume", "r.ndjson"]);
        assert!(run.text().contains("accepted             20"), "{name}: {}", run.text());
        assert_eq!(scene.answers().len(), 13, "{name}");
        assert_eq!(read(&scene).len(), 20, "{name}");
    }
}

#[test]
fn results_are_locked_and_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let scene = Scene::new(&[], 2000);
    let running = scene.command().args(["--tokens", "tokens.txt", "--rate", "500", "--results", "r.ndjson"]);
    let mut child = running.into_command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while scene.log.lock().unwrap().len() < 10 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let resume = || scene.command().args(["--tokens", "tokens.txt", "--resume", "r.ndjson"]);
    resume().status(6).stderr_contains("another process writes to it").run();
    child.kill().unwrap();
    child.wait().unwrap();
    let path = scene.stage.file("r.ndjson");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    resume().any_status().run();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_list_of_unregistered_tokens_is_kept_and_complete() {
    let scene = Scene::new(&[], 6);
    for number in [1, 2, 5] {
        scene.stage.gateway.tokens.set(&device(number), TokenState::Unregistered(1_700_000_000_000));
    }
    let push = |arguments: &[&str]| scene.command().args(["--tokens", "tokens.txt"]).args(arguments).any_status().run();
    push(&["--results", "r.ndjson", "--unregistered-out", "gone.csv"]);
    let gone = || std::fs::read_to_string(scene.stage.file("gone.csv")).unwrap();
    let complete = gone();
    assert_eq!(complete.lines().count(), 4, "{complete}");
    let refused = ["--badge", "7", "--resume", "r.ndjson", "--unregistered-out", "gone.csv", "--force"];
    assert_eq!(push(&refused).code, Some(2));
    assert_eq!(gone(), complete, "a refused run empties nothing");
    std::fs::write(scene.stage.file("other.ndjson"), "no results").unwrap();
    let refused = ["--results", "other.ndjson", "--unregistered-out", "gone.csv", "--force"];
    assert_eq!(push(&refused).code, Some(6));
    assert_eq!(gone(), complete, "a refused run empties nothing");
    let text = std::fs::read_to_string(scene.stage.file("r.ndjson")).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains(&device(5)) && !line.contains("started")).collect();
    std::fs::write(scene.stage.file("r.ndjson"), kept.join("\n") + "\n").unwrap();
    push(&["--resume", "r.ndjson", "--unregistered-out", "again.csv"]);
    let again = std::fs::read_to_string(scene.stage.file("again.csv")).unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&again), sorted(&complete));
    let both = ["--results", "both", "--unregistered-out", "both"];
    assert_eq!(push(&both).code, Some(2));
    assert!(!scene.stage.file("both").exists());
}

#[test]
fn a_span_until_expiration_can_be_resumed() {
    let scene = Scene::new(&[], 3);
    let push = |arguments: &[&str]| scene.command().args(["--tokens", "tokens.txt"]).args(arguments).run();
    push(&["--expiration", "1h", "--results", "r.ndjson"]);
    push(&["--expiration", "2h", "--resume", "r.ndjson"]);
}

#[test]
fn what_standard_input_reads_is_not_overwritten() {
    let scene = Scene::new(&[], 3);
    scene.command().args(["--tokens", "tokens.txt", "--results", "r.ndjson"]).run();
    let results = std::fs::read(scene.stage.file("r.ndjson")).unwrap();
    let again = ["--tokens", "-", "--tokens-format", "ndjson", "--results", "r.ndjson", "--force"];
    let input = std::fs::File::open(scene.stage.file("r.ndjson")).unwrap();
    let output = scene.command().args(again).into_command().stdin(input).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read(scene.stage.file("r.ndjson")).unwrap(), results);
}
