//! Tokens from a database: which are sent to, and which are marked.

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
        let test = self.command().args(["--environment", "production", "--database", "sqlite:tokens.db", "--json"]);
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
