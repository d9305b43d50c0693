//! Provider tokens instead of a certificate.

use pushcert::testing::GatewayOptions;

use super::{Pushed, Scene};
use crate::common::Test;
use crate::gateway::{Process, devices};
use crate::provider::TeamKey;

/// A gateway that knows a key, and devices.
struct KeyScene {
    gateway: Process,
    key: tempfile::NamedTempFile,
    _list: tempfile::NamedTempFile,
    tokens: Vec<String>,
}

impl KeyScene {
    fn new(faults: &[&str], count: usize) -> Self {
        let key = TeamKey::new().private_file();
        let tokens: Vec<String> = (1..=count).map(super::device).collect();
        let list = devices(&tokens.join("\n"));
        let team_key = format!("ABC123DEFG:TEAMID1234:{}", key.path().display());
        let mut arguments = vec!["--p8-key", &team_key, "--tokens", list.path().to_str().unwrap()];
        for fault in faults {
            arguments.extend(["--fault", fault]);
        }
        let gateway = Process::start(&arguments);
        Self { gateway, key, _list: list, tokens }
    }

    fn push(&self, arguments: &[&str]) -> Pushed {
        let gateway = format!("localhost:{}", self.gateway.address().port());
        let test = Test::new().args(["push", "--p8"]).arg(self.key.path());
        let test = test.args(["--key-id", "ABC123DEFG", "--team-id", "TEAMID1234", "--topic", "com.example.MyApp"]);
        let test = test.args(["--gateway", &gateway, "--ca-file", self.gateway.file("ca_file")]);
        let test = test.args(["--alert", "Hello", "--json", "--tokens", "-"]).stdin(self.tokens.join("\n"));
        Pushed::of(test.args(arguments).any_status().run())
    }
}

#[test]
fn a_key_sends_in_the_place_of_a_certificate() {
    let scene = KeyScene::new(&[], 300);
    let pushed = scene.push(&["--connections", "2"]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 300), "{}", pushed.summary());
    assert!(pushed.outcomes().values().all(|line| line["attempts"] == 1), "one stream until the first good answer");
}

#[test]
fn a_dry_run_shows_the_key_by_its_id() {
    let key = TeamKey::new().private_file();
    let test = Test::new().args(["push", "--p8"]).arg(key.path()).args(["--key-id", "ABC123DEFG"]);
    let test = test.args(["--team-id", "TEAMID1234", "--topic", "com.example.MyApp", "--environment", "sandbox"]);
    let run = test.args(["--token", "aabb", "--alert", "x", "--dry-run"]).hides("eyJ").run();
    assert!(run.text().contains("authorization: bearer ABC123DEFG\n"), "{}", run.text());
}

// Clients asked for a new token with every answer, until APNs refused them all.
#[test]
fn an_expired_token_is_renewed_once() {
    let scene = KeyScene::new(&["answer:ExpiredProviderToken@after=5,times=1"], 50);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 50), "{}", pushed.summary());
}

#[test]
fn a_token_that_stays_expired_stops_the_run_and_names_the_clock() {
    let scene = KeyScene::new(&["answer:ExpiredProviderToken"], 50);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("refused"), pushed.count("not_sent")), (1, 0, 50), "{}", pushed.summary());
    let meaning = pushed.summary()["problem"]["meaning"].as_str().unwrap();
    assert!(meaning.contains("signed at 20"), "{meaning}");
    assert!(pushed.summary()["problem"]["advice"].as_str().unwrap().contains("clock"));
}

#[test]
fn too_many_updates_open_one_new_connection() {
    let scene = KeyScene::new(&["answer:TooManyProviderTokenUpdates@after=5,times=1"], 50);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 50), "{}", pushed.summary());
    let scene = KeyScene::new(&["answer:TooManyProviderTokenUpdates@after=5"], 50);
    let pushed = scene.push(&[]);
    let (accepted, rest) = (pushed.count("accepted"), pushed.count("not_sent"));
    assert_eq!((pushed.code(), accepted, rest), (1, 5, 45), "{}", pushed.summary());
    let problem = &pushed.summary()["problem"];
    assert_eq!(problem["reason"], "TooManyProviderTokenUpdates");
    assert!(problem["advice"].as_str().unwrap().contains("APNs takes a new token every 20 minutes"), "{problem}");
}

#[test]
fn a_key_that_is_not_known_stops_after_one_request() {
    let scene = Scene::with(GatewayOptions::default(), &[], 20);
    let key = TeamKey::new().private_file();
    let test = Test::new().args(["push", "--p8"]).arg(key.path()).args(["--key-id", "ABC123DEFG"]);
    let test = test.args(["--team-id", "TEAMID1234", "--topic", "com.example.MyApp", "--alert", "x"]);
    let test = scene.aimed(test).args(["--tokens", "tokens.txt", "--json"]).hides("eyJ");
    let pushed = Pushed::of(test.any_status().run());
    assert_eq!((pushed.code(), pushed.count("refused"), pushed.count("not_sent")), (1, 0, 20), "{}", pushed.summary());
    let advice = pushed.summary()["problem"]["advice"].as_str().unwrap();
    assert!(advice.contains("its key ID and the team ID must belong together"), "{advice}");
}
