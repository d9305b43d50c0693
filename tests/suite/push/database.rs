//! Tokens from a database: which are sent to, and which are marked, also after a kill and where the database fails.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Pushed, Scene, TokenState, device};
use crate::common::{Run, Test};

const TOPIC: &str = "com.example.MyApp";
/// A time in 2023, in milliseconds.
const SINCE: u64 = 1_700_000_000_000;

impl Scene {
    fn database(&self, arguments: &[&str]) -> Test {
        Test::new().arg("database").args(arguments).folder(self.stage.folder.path())
    }

    /// Imports the tokens of a list as registered at a time.
    fn import(&self, list: &str, environment: &str, registered: &str) -> Run {
        let group = ["--app", TOPIC, "--environment", environment, "--registered", registered];
        self.database(&["import", "sqlite:tokens.db", "-"]).args(group).stdin(list).run()
    }

    fn push_database(&self, arguments: &[&str]) -> Pushed {
        let test = self.command().args(["--yes", "--environment", "production"]);
        let test = test.args(["--database", "sqlite:tokens.db", "--json"]);
        Pushed::of(test.args(arguments).any_status().run())
    }

    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let run = self.database(&["list", "sqlite:tokens.db", "--json"]).args(arguments).run();
        run.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A scene whose database has its tokens, registered in 2022.
fn scene(faults: &[&str], count: usize) -> Scene {
    let scene = Scene::new(faults, count);
    scene.import(&scene.tokens.join("\n"), "production", "2022-01-01");
    scene
}

#[test]
fn the_tokens_of_topic_and_environment_are_sent_to() {
    let scene = scene(&[], 300);
    scene.import(&device(7000), "sandbox", "2022-01-01");
    let other = ["--app", "com.example.MyApp.voip", "--environment", "production"];
    scene.database(&["add", "sqlite:tokens.db", &device(8000)]).args(other).run();
    let pushed = scene.push_database(&[]);
    assert_eq!((pushed.count("accepted"), pushed.code()), (300, 0), "{}", pushed.run.stderr);
    scene.assert_agrees(&pushed);
    assert_eq!(pushed.summary()["database"]["marked"], 0);
    let mut shards = 0;
    for shard in ["0/3", "1/3", "2/3"] {
        shards += scene.push_database(&["--shard", shard]).count("accepted");
    }
    assert_eq!(shards, 300);
    let dry = scene.command().args(["--environment", "production", "--database", "sqlite:tokens.db", "--dry-run"]);
    dry.stdout_contains("to 300 tokens").run();
    let none = scene.command().args(["--environment", "sandbox", "--topic", "com.example.MyApp.complication"]);
    none.args(["--database", "sqlite:tokens.db"])
        .status(3)
        .stderr_contains("no device token of com.example.MyApp.co")
        .run();
}

#[test]
fn a_410_marks_what_has_not_registered_since() {
    let scene = scene(&[], 4);
    let [gone, back, timeless, _] = &scene.tokens[..] else { panic!() };
    for token in [gone, back, timeless] {
        scene.stage.gateway.tokens.set(token, TokenState::Unregistered(SINCE));
    }
    scene.import(back, "production", "2024-01-01");
    let pushed = scene.push_database(&[]);
    assert_eq!((pushed.count("unregistered"), pushed.code()), (3, 1));
    let database = &pushed.summary()["database"];
    assert_eq!(
        (&database["marked"], &database["still_registered"], &database["failed"]),
        (&2.into(), &1.into(), &0.into())
    );
    assert_eq!(
        (&database["tokens"][0]["token"], &database["tokens"][0]["since"]),
        (&Value::from(&**back), &SINCE.into())
    );
    let marked = scene.rows(&["--unregistered"]);
    assert_eq!(marked.iter().map(|row| row["token"].as_str().unwrap()).collect::<Vec<_>>(), [gone, timeless]);
    assert!(marked.iter().all(|row| row["unregistered"] == SINCE));
    let again = scene.push_database(&[]);
    assert_eq!((again.count("unregistered"), again.count("accepted")), (1, 1), "the others are not sent to");
    scene.database(&["add", "sqlite:tokens.db", gone]).args(["--app", TOPIC, "--environment", "production"]).run();
    assert_eq!(scene.rows(&[]).len(), 3, "it has registered anew");
}

#[test]
fn a_410_without_a_time_marks_nothing() {
    let scene = scene(&["answer:Unregistered"], 12);
    let test = scene.command().args(["--yes", "--environment", "production", "--database", "sqlite:tokens.db"]);
    let run = test.status(1).run();
    let shown = run.text();
    assert!(shown.contains("still registered                  12"), "{shown}");
    assert!(shown.contains(&scene.tokens[9]) && shown.contains("and 2 more"), "{shown}");
    assert_eq!(scene.rows(&[]).len(), 12);
}

/// Waits until the gateway has answered so many requests, or noted that it leaves them without an answer.
pub(super) fn wait_for_requests(scene: &Scene, count: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    while scene.log.lock().unwrap().len() < count {
        assert!(Instant::now() < end, "{count} requests do not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts a run of so many requests a second.
fn start_slowly(scene: &Scene, rate: &str, arguments: &[&str]) -> std::process::Child {
    let test = scene.command().args(["--yes", "--environment", "production", "--database", "sqlite:tokens.db"]);
    let test = test.args(["--rate", rate]);
    test.args(arguments).into_command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_killed_run_goes_on_by_the_ids() {
    let scene = scene(&[], 1500);
    let mut child = start_slowly(&scene, "500", &["--results", "r.ndjson"]);
    wait_for_requests(&scene, 200);
    child.kill().unwrap();
    child.wait().unwrap();
    // The order of lines would be another one now.
    let group = ["--app", TOPIC, "--environment", "production"];
    scene.database(&["remove", "sqlite:tokens.db", &scene.tokens[0], &scene.tokens[1400]]).args(group).run();
    scene.stage.gateway.tokens.set(&device(9999), TokenState::Active(None));
    scene.import(&device(9999), "production", "2026-01-01");
    let resumed = scene.push_database(&["--resume", "r.ndjson"]);
    let answers = scene.answers();
    assert!(answers.values().all(|list| list.len() == 1), "nothing was sent twice");
    assert!(answers.contains_key(&device(9999)), "what has registered meanwhile is sent to");
    assert!(!answers.contains_key(&scene.tokens[1400]));
    let summary = resumed.summary();
    let total = |name: &str| summary[name].as_u64().unwrap();
    assert!(total("unknown") < 1000, "{summary}");
    assert!((1499..=1500).contains(&(total("accepted") + total("unknown"))), "{summary}");
    let other = scene.database(&["add", "sqlite:other.db", &device(1)]).args(group);
    other.run();
    let wrong = ["--environment", "production", "--database", "sqlite:other.db", "--resume", "r.ndjson"];
    scene.command().args(wrong).status(2).stderr_contains("the input differs").run();
}

#[test]
fn what_an_earlier_run_has_found_is_marked() {
    let scene = scene(&[], 4);
    for token in &scene.tokens[..2] {
        scene.stage.gateway.tokens.set(token, TokenState::Unregistered(SINCE));
    }
    // As it is after a run that was killed before it marked what it had found.
    let (file, before) = (scene.stage.file("tokens.db"), scene.stage.file("before.db"));
    std::fs::copy(&file, &before).unwrap();
    assert_eq!(scene.push_database(&["--results", "r.ndjson"]).count("unregistered"), 2);
    std::fs::rename(&before, &file).unwrap();
    scene.import(&scene.tokens[1], "production", "2024-01-01");
    let resumed = scene.push_database(&["--resume", "r.ndjson", "--unregistered-out", "gone.csv"]);
    let database = &resumed.summary()["database"];
    assert_eq!((&database["marked"], &database["still_registered"]), (&1.into(), &1.into()), "{database}");
    assert_eq!(scene.rows(&["--unregistered"])[0]["token"], *scene.tokens[0]);
    let gone = std::fs::read_to_string(scene.stage.file("gone.csv")).unwrap();
    assert!(gone.contains(&scene.tokens[0]) && gone.contains(&scene.tokens[1]), "{gone}");
    assert_eq!(scene.answers().values().map(Vec::len).sum::<usize>(), 4, "nothing was sent again");
}

#[test]
fn a_database_that_fails_in_the_middle_loses_no_outcome() {
    let scene = scene(&[], 3000);
    let last = &scene.tokens[700];
    scene.stage.gateway.tokens.set(last, TokenState::Unregistered(SINCE));
    let child = start_slowly(&scene, "1500", &["--json"]);
    wait_for_requests(&scene, 50);
    let other = rusqlite::Connection::open(scene.stage.file("tokens.db")).unwrap();
    other.busy_timeout(Duration::from_secs(20)).unwrap();
    other.execute_batch("DROP TABLE pushcert_token").unwrap();
    let output = child.wait_with_output().unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map_while(|line| serde_json::from_str(line).ok()).collect();
    let answers = scene.answers();
    let settled = lines.iter().filter(|line| line["token"].is_string()).count();
    assert!(settled >= 1000 && settled == answers.len(), "{settled} of {}", answers.len());
    let summary = &lines.iter().find(|line| line["summary"].is_object()).unwrap()["summary"];
    assert_eq!((&summary["database"]["failed"], &summary["unregistered"]), (&1.into(), &1.into()), "{summary}");
    assert_eq!(summary["problem"]["kind"], "input", "{summary}");
    assert_eq!((output.status.code(), &summary["exit_code"]), (Some(6), &6.into()), "marks are missing");
}

// A script took the codes of unusable input and of the network for runs that had sent nothing, and sent all again.
#[test]
fn a_database_that_fails_in_the_middle_does_not_end_as_one_that_fails_before() {
    let middle = |arguments: &[&str]| {
        let scene = scene(&[], 5000);
        let child = start_slowly(&scene, "1500", arguments);
        wait_for_requests(&scene, 50);
        let other = rusqlite::Connection::open(scene.stage.file("tokens.db")).unwrap();
        other.busy_timeout(Duration::from_secs(20)).unwrap();
        other.execute_batch("DROP TABLE pushcert_token").unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, shown) = middle(&["--json"]);
    let last: Value = serde_json::from_str(shown.lines().last().unwrap()).unwrap();
    assert_eq!((code, &last["summary"]["exit_code"]), (Some(1), &1.into()), "the last line is the summary: {last}");
    let (code, shown) = middle(&["--results", "r.ndjson"]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.contains("stopped: tokens.db: "), "{shown}");
    let none = Scene::new(&[], 1);
    std::fs::write(none.stage.file("tokens.db"), "no database").unwrap();
    assert_eq!(none.push_database(&[]).code(), 3);
}

pub(crate) fn a_row_that_is_replaced_while_a_run_reads_comes_a_second_time() {
    let scene = scene(&[], 3000);
    let child = start_slowly(&scene, "500", &["--json"]);
    wait_for_requests(&scene, 50);
    let other = rusqlite::Connection::open(scene.stage.file("tokens.db")).unwrap();
    other.busy_timeout(Duration::from_secs(20)).unwrap();
    let replace = "REPLACE INTO pushcert_token (app, environment, token, registered)
        SELECT app, environment, token, registered FROM pushcert_token WHERE token = ?";
    // One was sent to, the other will be.
    for token in [&scene.tokens[0], &scene.tokens[2900]] {
        assert_eq!(other.execute(replace, [token]).unwrap(), 1);
    }
    let output = child.wait_with_output().unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!((&summary["accepted"], &summary["repeated"]), (&3001.into(), &1.into()), "{summary}");
    let answers = scene.answers();
    assert_eq!((answers[&scene.tokens[0]].len(), answers[&scene.tokens[2900]].len()), (2, 1));
}

pub(crate) fn a_locked_database_ends_with_6_after_all_was_sent() {
    let scene = scene(&[], 300);
    scene.stage.gateway.tokens.set(&scene.tokens[299], TokenState::Unregistered(SINCE));
    let mut other = rusqlite::Connection::open(scene.stage.file("tokens.db")).unwrap();
    let child = start_slowly(&scene, "300", &["--json"]);
    wait_for_requests(&scene, 20);
    let locked = other.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let pushed = child.wait_with_output().unwrap();
    drop(locked);
    let last: Value = serde_json::from_str(String::from_utf8(pushed.stdout).unwrap().lines().last().unwrap()).unwrap();
    let summary = &last["summary"];
    assert_eq!((pushed.status.code(), &summary["exit_code"]), (Some(6), &6.into()), "{summary}");
    assert_eq!((&summary["accepted"], &summary["database"]["failed"]), (&299.into(), &1.into()), "{summary}");
    assert!(summary["database"]["error"].as_str().unwrap().contains("another process has locked it"), "{summary}");
    let again = scene.push_database(&[]);
    assert_eq!(again.summary()["database"]["marked"], 1, "the next run marks it");
}

#[test]
fn a_token_that_was_removed_and_added_again_keeps_its_outcome() {
    let scene = scene(&[], 6);
    scene.stage.gateway.tokens.set(&device(3), TokenState::Unregistered(SINCE));
    assert_eq!(scene.push_database(&["--results", "r.ndjson"]).code(), 1);
    let group = ["--app", TOPIC, "--environment", "production"];
    for number in [2, 3, 4] {
        scene.database(&["remove", "sqlite:tokens.db", &device(number)]).args(group).run();
    }
    scene.import(&[device(2), device(3), device(7)].join("\n"), "production", "2024-01-01");
    scene.stage.gateway.tokens.set(&device(7), TokenState::Active(None));
    let before = scene.answers();
    let resumed = scene.push_database(&["--resume", "r.ndjson"]);
    let after = scene.answers();
    assert_eq!((before.len(), after.len(), after[&device(7)].len()), (6, 7, 1));
    assert!(after.values().all(|list| list.len() == 1), "nothing was sent twice: {after:?}");
    let summary = resumed.summary();
    assert_eq!(
        (&summary["added_again"], &summary["accepted"], &summary["requests"]),
        (&2.into(), &6.into(), &1.into())
    );
    let again = scene.push_database(&["--resume", "r.ndjson"]);
    let summary = again.summary();
    assert_eq!((&summary["added_again"], &summary["requests"], &summary["unknown"]), (&2.into(), &0.into(), &0.into()));
}

#[test]
fn a_token_in_doubt_that_was_added_again_is_sent_with_the_same_id() {
    let scene = scene(&["reset@times=1"], 3);
    let first = scene.push_database(&["--results", "r.ndjson"]);
    assert_eq!(first.count("unknown"), 1, "{}", first.summary());
    let (token, line) = first.outcomes().into_iter().find(|(_, line)| line["outcome"] == "unknown").unwrap();
    let group = ["--app", TOPIC, "--environment", "production"];
    scene.database(&["remove", "sqlite:tokens.db", &token]).args(group).run();
    scene.import(&token, "production", "2024-01-01");
    assert_eq!(scene.push_database(&["--resume", "r.ndjson"]).summary()["requests"], 0);
    let resent = scene.push_database(&["--resume", "r.ndjson", "--resend-unknown"]);
    let outcomes = resent.outcomes();
    let resent_line = &outcomes[&token];
    assert_eq!((&resent_line["outcome"], &resent_line["may_be_duplicate"]), (&"accepted".into(), &true.into()));
    assert_eq!(resent_line["apns_id"], line["apns_id"]);
    assert_ne!(resent_line["position"], line["position"]);
    assert_eq!(scene.push_database(&["--resume", "r.ndjson", "--resend-unknown"]).summary()["requests"], 0);
}

/// Removes the outcomes of tokens from the results, as if the run had been killed before their answers.
fn forget_outcomes(scene: &Scene, tokens: &[String]) {
    let path = scene.stage.file("r.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let is_kept = |line: &&str| !tokens.iter().any(|token| line.contains(token.as_str()));
    let kept: Vec<&str> = text.lines().filter(is_kept).collect();
    assert_eq!(text.lines().count(), kept.len() + tokens.len());
    std::fs::write(&path, kept.join("\n") + "\n").unwrap();
}

/// The IDs that requests for each token had.
fn request_ids(scene: &Scene) -> BTreeMap<String, Vec<String>> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in scene.log.lock().unwrap().iter().filter(|line| line["event"] == "request") {
        let token = line["token"].as_str().unwrap().to_owned();
        ids.entry(token).or_default().push(line["headers"]["apns-id"].to_string());
    }
    ids
}

#[test]
fn what_was_under_way_at_a_kill_is_known_by_its_token_and_not_by_its_row() {
    let scene = scene(&[], 6);
    assert_eq!(scene.push_database(&["--results", "r.ndjson"]).code(), 0);
    forget_outcomes(&scene, &scene.tokens[..4]);
    for number in [30, 50] {
        scene.stage.gateway.tokens.set(&device(number), TokenState::Active(None));
    }
    let change = |statement: &str, values: &[String]| {
        let other = rusqlite::Connection::open(scene.stage.file("tokens.db")).unwrap();
        assert_eq!(other.execute(statement, rusqlite::params_from_iter(values)).unwrap(), 1);
    };
    change("DELETE FROM pushcert_token WHERE token = ?", &[device(1)]);
    let replace = "REPLACE INTO pushcert_token (app, environment, token, registered)
        SELECT app, environment, token, registered FROM pushcert_token WHERE token = ?";
    change(replace, &[device(2)]);
    // One was under way, the other was accepted.
    for (before, after) in [(3, 30), (5, 50)] {
        change("UPDATE pushcert_token SET token = ?2 WHERE token = ?1", &[device(before), device(after)]);
    }
    let resumed = |arguments: &[&str]| scene.push_database(&[&["--resume", "r.ndjson"], arguments].concat());
    let counts = |pushed: &Pushed| {
        ["accepted", "unknown", "no_longer_registered", "requests", "added_again"]
            .map(|name| pushed.summary()[name].as_u64().unwrap_or_default())
    };
    let first = resumed(&[]);
    let answers = scene.answers();
    assert!(answers.values().all(|list| list.len() == 1), "nothing was sent twice: {answers:?}");
    assert!(answers.contains_key(&device(30)) && answers.contains_key(&device(50)), "{answers:?}");
    assert_eq!((counts(&first), first.code()), ([4, 4, 2, 2, 0], 1), "{}", first.summary());
    assert_eq!(counts(&resumed(&[])), [4, 4, 2, 0, 1]);
    let people = scene.command().args(["--yes", "--environment", "production", "--database", "sqlite:tokens.db"]);
    people.args(["--resume", "r.ndjson"]).status(1).stdout_contains("2 tokens that were under way when").run();
    scene.import(&[device(1), device(3), device(5)].join("\n"), "production", "2024-01-01");
    assert_eq!(counts(&resumed(&[])), [4, 4, 0, 0, 2], "the one that was accepted is not sent again either");
    let resent = resumed(&["--resend-unknown"]);
    assert_eq!(resent.outcomes().values().filter(|line| line["may_be_duplicate"] == true).count(), 4);
    for (token, ids) in request_ids(&scene) {
        let is_again = (1..=4).any(|number| token == device(number));
        assert_eq!(ids.len(), if is_again { 2 } else { 1 }, "{token}");
        assert!(ids.iter().all(|id| *id == ids[0]), "the same apns-id: {ids:?}");
    }
    assert_eq!(resent.summary()["accepted"], 8, "{}", resent.summary());
    let last = resumed(&[]);
    assert_eq!(counts(&last)[..4], [8, 0, 0, 0], "each has one outcome: {}", last.summary());
}

#[test]
fn a_token_that_comes_back_into_its_row_keeps_its_outcome() {
    let scene = scene(&[], 2);
    let update = |before: usize, after: usize| {
        let other = rusqlite::Connection::open(scene.stage.file("tokens.db")).unwrap();
        let statement = "UPDATE pushcert_token SET token = ? WHERE token = ?";
        assert_eq!(other.execute(statement, [device(after), device(before)]).unwrap(), 1);
    };
    scene.stage.gateway.tokens.set(&device(10), TokenState::Active(None));
    scene.push_database(&["--results", "r.ndjson"]);
    update(1, 10);
    assert_eq!(scene.push_database(&["--resume", "r.ndjson"]).summary()["requests"], 1);
    update(10, 1);
    let back = scene.push_database(&["--resume", "r.ndjson"]);
    assert_eq!((&back.summary()["requests"], &back.summary()["accepted"]), (&0.into(), &3.into()));
}

#[test]
fn results_that_do_not_name_what_was_started_are_resumed() {
    let scene = scene(&[], 4);
    scene.push_database(&["--results", "r.ndjson"]);
    forget_outcomes(&scene, &scene.tokens[..1]);
    let path = scene.stage.file("r.ndjson");
    let mut older = String::new();
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("tokens");
        older += &format!("{value}\n");
    }
    std::fs::write(&path, older).unwrap();
    let resumed = scene.push_database(&["--resume", "r.ndjson"]);
    let summary = resumed.summary();
    assert_eq!((&summary["accepted"], &summary["unknown"], &summary["requests"]), (&3.into(), &1.into(), &0.into()));
}

#[test]
fn an_unknown_token_whose_row_is_gone_is_not_forgotten() {
    let scene = scene(&["reset@times=1"], 3);
    let first = scene.push_database(&["--results", "r.ndjson"]);
    let (token, _) = first.outcomes().into_iter().find(|(_, line)| line["outcome"] == "unknown").unwrap();
    let group = ["--app", TOPIC, "--environment", "production"];
    scene.database(&["remove", "sqlite:tokens.db", &token]).args(group).run();
    let resumed = |arguments: &[&str]| {
        let pushed = scene.push_database(&[&["--resume", "r.ndjson"], arguments].concat());
        let summary = pushed.summary();
        (summary["accepted"].as_u64().unwrap(), summary["unknown"].as_u64().unwrap(), pushed.code())
    };
    assert_eq!(resumed(&["--resend-unknown"]), (2, 1, 1));
    scene.import(&token, "production", "2024-01-01");
    assert_eq!(resumed(&["--resend-unknown"]), (3, 0, 0));
    assert_eq!(resumed(&[]), (3, 0, 0), "it has one outcome");
}

#[test]
fn a_device_that_comes_back_is_registered_whatever_clock_apns_has() {
    let scene = scene(&[], 2);
    let [gone, _] = &scene.tokens[..] else { panic!() };
    // In 2100: this machine's clock is behind.
    scene.stage.gateway.tokens.set(gone, TokenState::Unregistered(4_102_444_800_000));
    scene.push_database(&[]);
    let earlier = scene.import(gone, "production", "2024-01-01");
    assert!(earlier.text().contains("1 still unregistered (since then, or later)"), "{}", earlier.text());
    let add = scene.database(&["add", "sqlite:tokens.db", gone]).args(["--app", TOPIC, "--environment", "production"]);
    add.stdout_contains("0 tokens added, 1 registered anew (").run();
    assert_eq!((scene.rows(&[]).len(), scene.rows(&["--unregistered"]).len()), (2, 0));
}
