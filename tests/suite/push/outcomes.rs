//! The six outcomes, the exit code, the files.

use std::io::Write;
use std::process::Stdio;

use pushcert::testing::TokenState;

use super::{Pushed, Scene, device};
use crate::check::servers::serve_h2;
use crate::common::Test;
use crate::provider::TeamKey;

#[test]
fn every_token_accepted_is_good() {
    let scene = Scene::new(&[], 300);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 300), "{}", pushed.run.stderr);
    scene.assert_agrees(&pushed);
    assert_eq!(pushed.lines[0]["results"], "pushcert push");
    assert_eq!(pushed.summary()["accepted"], 300);
    let mut ids: Vec<_> = pushed.outcomes().values().map(|line| line["apns_id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 300);
}

#[test]
fn each_token_has_the_outcome_that_apns_gave_it() {
    let scene = Scene::new(&[], 2);
    scene.stage.gateway.tokens.set(&device(2), TokenState::Unregistered(1_700_000_000_123));
    scene.stage.gateway.tokens.set(&device(4), TokenState::Expired(1_700_000_000_456));
    let list = format!("{}\n{}\n<{}>\nno token\n{}\n", device(1), device(2), device(3), device(4));
    std::fs::write(scene.stage.file("tokens.txt"), list).unwrap();
    let pushed = scene.push(&["--unregistered-out", "gone.csv"]);
    assert_eq!(pushed.code(), 1);
    let outcomes = pushed.outcomes();
    let shape = |token: &str| {
        let line = &outcomes[token];
        (
            line["position"].as_u64().unwrap(),
            line["outcome"].as_str().unwrap(),
            line["status"].as_u64(),
            line["reason"].as_str(),
        )
    };
    assert_eq!(shape(&device(1)), (1, "accepted", Some(200), None));
    assert_eq!(shape(&device(2)), (2, "unregistered", Some(410), Some("Unregistered")));
    assert_eq!(shape(&device(3)), (3, "refused", Some(400), Some("BadDeviceToken")));
    assert_eq!(shape("no token"), (4, "invalid", None, None));
    assert_eq!(shape(&device(4)), (5, "unregistered", Some(410), Some("ExpiredToken")));
    assert_eq!(outcomes[&device(2)]["since"], 1_700_000_000_123_u64);
    let gone = std::fs::read_to_string(scene.stage.file("gone.csv")).unwrap();
    let mut gone: Vec<&str> = gone.lines().collect();
    gone[1..].sort_unstable();
    let expected =
        [format!("{},2023-11-14T22:13:20.123Z", device(2)), format!("{},2023-11-14T22:13:20.456Z", device(4))];
    assert_eq!(gone, ["token,since", &expected[0], &expected[1]], "only 410 means remove");
    assert_eq!(pushed.summary()["reasons"]["BadDeviceToken"], 1);
}

#[test]
fn nothing_sent_is_not_green() {
    let scene = Scene::new(&["refuse-tcp"], 3);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("not_sent")), (5, 3));
    assert_eq!(pushed.summary()["problem"]["kind"], "unreachable");
    let human = scene.command().args(["--tokens", "tokens.txt"]).status(5).run();
    assert!(human.text().contains("stopped: localhost:"), "{}", human.text());
    assert!(human.text().contains("pushcert check"), "{}", human.text());
}

#[test]
fn a_refused_certificate_stops_the_run() {
    for fault in ["goaway:BadCertificate", "alert:certificate-expired", "alert:certificate-revoked"] {
        let scene = Scene::new(&[fault], 20);
        let pushed = scene.push(&[]);
        assert_eq!((pushed.code(), pushed.count("not_sent")), (5, 20), "{fault} {}", pushed.run.stderr);
        assert_eq!(pushed.summary()["problem"]["kind"], "rejected", "{fault}");
        assert!(scene.answers().is_empty(), "{fault}");
    }
}

#[test]
fn a_reason_that_all_would_get_stops_the_run() {
    for fault in ["answer:TopicDisallowed", "answer:BadCertificateEnvironment"] {
        let scene = Scene::new(&[&format!("{fault}@after=30")], 5000);
        let pushed = scene.push(&[]);
        let (accepted, rest) = (pushed.count("accepted"), pushed.count("not_sent"));
        assert_eq!((pushed.code(), accepted, rest), (1, 30, 4970), "{fault}: {}", pushed.summary());
        assert!(pushed.outcomes().values().any(|line| line["status"].is_null()), "{fault}: all were sent");
        scene.assert_agrees(&pushed);
    }
}

// What had been refused for the credentials was refused for good: no later run sent it, and each ended with 1.
#[test]
fn what_is_refused_for_the_credentials_is_sent_when_they_are_right() {
    let mut faults = Vec::new();
    for reason in ["InvalidProviderToken", "BadCertificate", "Forbidden", "TopicDisallowed"] {
        faults.extend([(reason, format!("answer:{reason}")), (reason, format!("answer:{reason}@after=100"))]);
    }
    for (reason, fault) in faults {
        let broken = Scene::new(&[&fault], 500);
        let results = broken.stage.file("r.ndjson");
        let results = ["--connections", "2", "--results", results.to_str().unwrap()];
        let pushed = broken.push(&results);
        assert_eq!((pushed.code(), pushed.count("refused")), (1, 0), "{fault}: {}", pushed.summary());
        let outcomes = pushed.outcomes();
        let answered = outcomes.values().filter(|line| line["reason"] == reason && line["status"].is_u64());
        assert_eq!(pushed.summary()["reasons"][reason], answered.count(), "{fault}");
        let mended = Scene::new(&[], 500);
        let resumed = mended.push(&["--resume", results[3]]);
        assert_eq!(
            (resumed.code(), &resumed.summary()["accepted"]),
            (0, &500.into()),
            "{fault}: {}",
            resumed.summary()
        );
        let (before, after) = (broken.answers(), mended.answers());
        let sent_twice = before.iter().filter(|(token, answers)| answers.contains(&200) && after.contains_key(*token));
        assert_eq!(sent_twice.count(), 0, "{fault}");
    }
}

// One answer of a machine of APNs that had no part in the others' knowledge ended a run of a million tokens.
#[test]
fn an_odd_refusal_among_good_answers_stops_nothing() {
    for reason in ["TopicDisallowed", "InvalidProviderToken", "Forbidden", "BadTopic"] {
        let scene = Scene::new(&[&format!("answer:{reason}@after=30,every=100")], 500);
        let pushed = scene.push(&[]);
        let (accepted, refused) = (pushed.count("accepted"), pushed.count("refused"));
        assert_eq!((pushed.code(), accepted + refused), (1, 500), "{reason}: {}", pushed.summary());
        assert!((1..10).contains(&refused) && pushed.summary()["problem"].is_null(), "{reason}: {refused}");
        scene.assert_agrees(&pushed);
    }
}

#[test]
fn tokens_of_the_other_environment_are_told() {
    let scene = Scene::new(&[], 0);
    std::fs::write(scene.stage.file("tokens.txt"), format!("{}\n{}\n", device(1), device(2))).unwrap();
    let run = scene.command().args(["--tokens", "tokens.txt", "--environment", "production"]).status(1).run();
    assert!(run.text().contains("--environment sandbox"), "{}", run.text());
}

#[test]
fn the_request_has_the_headers_that_were_shown() {
    let scene = Scene::new(&[], 1);
    let options = [
        "--token",
        &device(1),
        "--title",
        "News",
        "--priority",
        "5",
        "--collapse-id",
        "score",
        "--expiration",
        "1h",
        "--apns-id",
        "5F1B0C52-7A63-4F0E-9D5C-0D6F5F0C7A11",
    ];
    let shown = scene.command().args(options).args(["--dry-run", "--json"]).run().json();
    assert!(scene.log.lock().unwrap().is_empty(), "a dry run connects to nothing");
    scene.command().args(options).run();
    let log = scene.log.lock().unwrap();
    let headers = log[0]["headers"].as_object().unwrap();
    for header in shown["headers"].as_array().unwrap() {
        let (name, value) = (header["name"].as_str().unwrap(), &header["value"]);
        if name != "apns-expiration" {
            assert_eq!(headers.get(name), Some(value), "{name}");
        }
    }
    assert_eq!(headers["apns-id"], "5f1b0c52-7a63-4f0e-9d5c-0d6f5f0c7a11");
    assert_eq!(headers["apns-topic"], "com.example.MyApp");
    assert_eq!(log[0]["payload"]["size"], shown["payload_size"]);
    assert_eq!(log[0]["warnings"].as_array().unwrap().len(), 0, "{}", log[0]["warnings"]);
}

#[cfg(unix)]
#[test]
fn files_with_tokens_are_the_owners_alone_and_are_not_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new(&[], 2);
    let files = ["--tokens", "tokens.txt", "--results", "r.ndjson", "--unregistered-out", "gone.csv"];
    scene.command().args(files).run();
    for name in ["r.ndjson", "gone.csv"] {
        let mode = std::fs::metadata(scene.stage.file(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let before = std::fs::read(scene.stage.file("r.ndjson")).unwrap();
    scene.command().args(files).status(6).stderr_contains("--force").run();
    assert_eq!(std::fs::read(scene.stage.file("r.ndjson")).unwrap(), before);
    scene.command().args(files).arg("--force").run();
    let key = scene.stage.file("client.pem");
    let text = std::fs::read(&key).unwrap();
    let refused = scene.command().args(["--tokens", "tokens.txt", "--force", "--results"]).arg(&key);
    refused.status(2).stderr_contains("an input too").run();
    std::fs::write(scene.stage.file("other.pem"), &text).unwrap();
    let refused = scene.command().args(["--tokens", "tokens.txt", "--force", "--results", "other.pem"]);
    refused.status(6).stderr_contains("no earlier one").run();
    assert_eq!(std::fs::read(scene.stage.file("other.pem")).unwrap(), text);
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_stop_the_run() {
    let scene = Scene::new(&[], 5000);
    let run = scene.command().args(["--tokens", "tokens.txt", "--results", "/dev/full", "--force"]).status(6).run();
    assert!(run.stderr.contains("the results are not complete"), "{}", run.stderr);
    let sent = scene.answers().len();
    assert!(sent < 5000, "{sent} were sent although nobody would know");
}

#[test]
fn a_reader_that_goes_away_stops_the_run() {
    let scene = Scene::new(&[], 5000);
    let run = scene.command().args(["--tokens", "tokens.txt", "--json"]).closed_stdout().any_status().run();
    // As other commands it ends quietly, and not green.
    assert_eq!((run.code, &*run.stderr), (Some(1), ""));
    let sent = scene.answers().len();
    assert!(sent < 5000, "{sent} were sent although nobody would know");
}

#[test]
fn results_in_a_file_outlive_the_reader_of_standard_output() {
    let scene = Scene::new(&[], 500);
    let test = scene.command().args(["--tokens", "tokens.txt", "--json", "--results", "r.ndjson"]);
    assert_eq!(test.closed_stdout().any_status().run().code, Some(0));
    let text = std::fs::read_to_string(scene.stage.file("r.ndjson")).unwrap();
    assert_eq!((text.matches("\"accepted\"").count(), scene.answers().len()), (500, 500));
}

#[test]
fn a_gateway_of_ones_own_is_advised_about_as_such() {
    let scene = Scene::new(&[], 0);
    let test = scene.command().args(["--token", &device(1), "--environment", "production"]);
    test.status(1).stdout_contains("those of --tokens FILE").run();
    let key = TeamKey::new().private_file();
    let test = Test::new().args(["push", "--p8"]).arg(key.path()).args(["--key-id", "ABC123DEFG"]);
    let test = test.args(["--team-id", "TEAMID1234", "--topic", "com.example.MyApp", "--alert", "x"]);
    let run = scene.aimed(test).args(["--token", &device(1)]).status(1).hides("eyJ").run();
    assert!(run.text().contains("--p8-key KEYID:TEAMID:FILE"), "{}", run.text());
}

#[test]
fn what_a_server_repeats_of_a_provider_token_is_not_shown() {
    let key = TeamKey::new().private_file();
    let server = serve_h2(
        |request| {
            let token = request.headers()["authorization"].clone();
            http::Response::builder().status(200).header("apns-unique-id", token)
        },
        "",
    );
    let test = Test::new().args(["push", "--p8"]).arg(key.path()).args(["--key-id", "ABC123DEFG"]);
    let test = test.args(["--team-id", "TEAMID1234", "--topic", "com.example.MyApp", "--alert", "x", "--json"]);
    let gateway = format!("localhost:{}", server.port);
    let test = test.args(["--gateway", &gateway, "--ca-file"]).arg(server.ca()).args(["--token", "aabb"]);
    let pushed = Pushed::of(test.hides("eyJ").run());
    assert_eq!(pushed.outcomes()["aabb"]["apns_unique_id"], "bearer (not shown)");
}

// Invalid tokens were read faster than their outcomes were written: memory grew with the input.
#[cfg(target_os = "linux")]
#[test]
fn invalid_tokens_wait_until_their_outcomes_are_written() {
    let scene = Scene::new(&[], 0);
    let mut command = scene.command().args(["--tokens", "-", "--json"]).into_command();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let (told, written) = std::sync::mpsc::channel();
    // Nobody reads the outcomes: the input must stop long before its end.
    let feeder = std::thread::spawn(move || {
        let block = "xyz\n".repeat(16 << 10);
        for _ in 0..1000 {
            if input.write_all(block.as_bytes()).is_err() {
                return;
            }
            let _ = told.send(block.len());
        }
    });
    let mut total = 0;
    while let Ok(length) = written.recv_timeout(std::time::Duration::from_millis(1500)) {
        total += length;
        assert!(total < 8 << 20, "the input is read although nothing is written");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
}
