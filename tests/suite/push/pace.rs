//! How fast, and how often: retries, rate, an interruption.

use std::time::{Duration, Instant};

use super::database::wait_for_requests;
use super::{Pushed, Scene};
use crate::check::servers::serve_h2;
use crate::common::{Test, in_parallel};

#[test]
fn trouble_of_the_server_is_waited_out() {
    let scene = Scene::new(&["answer:InternalServerError@every=20"], 200);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 200), "{}", pushed.summary());
    scene.assert_agrees(&pushed);
    assert!(pushed.outcomes().values().any(|line| line["attempts"] == 2));
}

#[test]
fn a_connection_that_has_nothing_but_trouble_is_replaced() {
    let scene = Scene::new(&["answer:InternalServerError@connections=1"], 3);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 3), "{}", pushed.summary());
    scene.assert_agrees(&pushed);
    assert!(scene.answers().values().all(|list| list.len() > 1 && list[0] == 500));
}

// A run against a gateway that answered with nothing but 503 went on for hours.
pub(crate) fn an_outage_ends_the_run_and_the_next_one_goes_on() {
    for (fault, code, accepted) in [("answer:ServiceUnavailable", 5, 0), ("answer:ServiceUnavailable@after=4", 1, 4)] {
        let scene = Scene::new(&[fault], 20);
        let start = Instant::now();
        let pushed = scene.push(&["--give-up", "2s", "--results", "r.ndjson"]);
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        let (good, not_sent) = (pushed.count("accepted"), pushed.count("not_sent"));
        assert_eq!((pushed.code(), good, not_sent), (code, accepted, 20 - accepted), "{}", pushed.summary());
        let detail = pushed.summary()["problem"]["detail"].as_str().unwrap();
        assert!(detail.contains("nothing but trouble for 2 s; the last: 503 ServiceUnavailable"), "{detail}");
        let next = Scene::new(&[], 20);
        std::fs::copy(scene.stage.file("r.ndjson"), next.stage.file("r.ndjson")).unwrap();
        let rest = next.push(&["--resume", "r.ndjson"]);
        assert_eq!((rest.code(), next.answers().len()), (0, 20 - accepted), "{}", rest.summary());
    }
}

// It ended while it waited by its own rate, and blamed the gateway.
pub(crate) fn a_slow_rate_is_no_trouble_of_the_gateway() {
    let scene = Scene::new(&["answer:InternalServerError@times=1"], 2);
    let pushed = scene.push(&["--give-up", "1s", "--rate", "0.4"]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 2), "{}", pushed.summary());
}

// Such tokens were called refused, and --resume never sent them.
#[test]
fn a_token_that_is_to_wait_too_long_is_sent_by_the_next_run() {
    for status in [503, 429, 500] {
        let scene = Scene::new(&[], 4);
        let busy = scene.tokens[2].clone();
        let answer = move |request: &http::Request<h2::RecvStream>| {
            let is_busy = request.uri().path().ends_with(&busy);
            let response = http::Response::builder().status(if is_busy { status } else { 200 });
            if is_busy { response.header("retry-after", "300") } else { response }
        };
        let server = serve_h2(answer, "");
        let test = Test::new().arg("push").arg(scene.stage.file("client.pem")).args(["--alert", "Hello", "--gateway"]);
        let test = test.arg(format!("localhost:{}", server.port)).arg("--ca-file").arg(server.ca());
        let test = test.args(["--tokens", "tokens.txt", "--json", "--results", "r.ndjson"]);
        let pushed = Pushed::of(test.folder(scene.stage.folder.path()).any_status().run());
        assert_eq!((pushed.code(), pushed.count("accepted"), pushed.count("not_sent")), (1, 3, 1), "{status}");
        let detail = pushed.outcomes()[&scene.tokens[2]]["detail"].to_string();
        assert!(detail.contains("a wait of 300 s") && detail.contains(&status.to_string()), "{detail}");
        let rest = scene.push(&["--resume", "r.ndjson"]);
        assert_eq!((rest.code(), scene.answers().len()), (0, 1), "{}", rest.summary());
    }
}

#[test]
fn too_many_requests_delay_that_token_alone() {
    let scene = Scene::new(&["answer:TooManyRequests@after=3,times=1"], 50);
    let start = Instant::now();
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 50));
    assert!(start.elapsed() >= Duration::from_secs(2), "Retry-After is obeyed");
    let outcomes = pushed.outcomes();
    let late = outcomes.values().filter(|line| line["ms"].as_f64().unwrap() >= 2000.0).count();
    assert_eq!(late, 1);
}

#[test]
fn the_rate_is_kept() {
    let scene = Scene::new(&[], 60);
    let start = Instant::now();
    let pushed = scene.push(&["--rate", "50", "--connections", "3"]);
    let took = start.elapsed();
    assert_eq!((pushed.code(), pushed.count("accepted")), (0, 60));
    assert!(took >= Duration::from_millis(1000), "{took:?}");
}

/// Runs it until it has said something on standard error, and ends it; returns that line.
fn first_notice(test: Test) -> String {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let mut child = test.into_command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    // The run has an end of its own.
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    for result in String::from_utf8(output.stdout).unwrap().lines() {
        let value: serde_json::Value = serde_json::from_str(result).unwrap();
        assert!(value["started"].is_u64() || value["results"].is_string(), "it has no outcome yet: {result}");
    }
    line
}

pub(crate) fn a_wait_is_told_with_its_reason() {
    let waits = [
        ("answer:InternalServerError", "the last answer is 500 InternalServerError; ", "the next request is in "),
        ("answer:TooManyRequests", "the last answer is 429 TooManyRequests; ", "the next request is in "),
        ("stall-answer", "no answer to one request for ", " s; each has up to 60 s"),
        ("stall-tls", "no connection for ", " s; each step of it has up to 60 s"),
        ("stall-settings", "no connection for ", " s; each step of it has up to 60 s"),
    ];
    in_parallel(waits, |(fault, reason, limit)| {
        let scene = Scene::new(&[fault], 1);
        let notice = first_notice(scene.command().args(["--tokens", "tokens.txt", "--json", "--timeout", "60s"]));
        assert!(notice.contains(reason) && notice.contains(limit), "{fault}: {notice}");
        assert!(notice.ends_with("; Ctrl-C ends the run\n"), "{fault}: {notice}");
    });
}

// A window that was closed, or a connection that was lost, ended the run at once: what was under way was unknown.
#[cfg(unix)]
#[test]
fn an_interruption_waits_for_answers_and_says_what_was_not_sent() {
    in_parallel(["-INT", "-TERM", "-HUP", "-QUIT"], assert_drains);
}

/// Starts a run, and sends it a signal when its first token was accepted; returns it with all that it has printed.
#[cfg(unix)]
fn signalled_while_it_sends(test: Test, signal: &str) -> (std::process::Child, String) {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let mut child = test.into_command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("accepted") {
        assert!(stdout.read_line(&mut text).unwrap() > 0, "it has ended");
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    stdout.read_to_string(&mut text).unwrap();
    (child, text)
}

#[cfg(unix)]
fn assert_drains(signal: &str) {
    use std::io::Read;

    let scene = Scene::new(&[], 3000);
    let test = scene.aimed(Test::heeding_signals().arg("push").arg(scene.stage.file("client.pem")));
    let test = test.args(["--alert", "x", "--tokens", "tokens.txt", "--json", "--rate", "300"]);
    let (mut child, text) = signalled_while_it_sends(test, signal);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{signal}: {stderr}");
    assert!(stderr.contains("interrupted"), "{stderr}");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |outcome: &str| lines.iter().filter(|line| line["outcome"] == outcome).count();
    let (accepted, not_sent) = (count("accepted"), count("not_sent"));
    assert_eq!(accepted + not_sent, 3000, "each token of a file has its outcome");
    assert!(accepted > 0 && not_sent > 1000, "{accepted} {not_sent}");
    assert_eq!(lines.last().unwrap()["summary"]["problem"]["kind"], "interrupted");
}

#[cfg(unix)]
#[test]
fn a_run_under_nohup_outlives_its_window() {
    let scene = Scene::new(&[], 100);
    let test =
        scene.aimed(Test::shell(r#"trap '' HUP; exec "$0" "$@""#).arg("push").arg(scene.stage.file("client.pem")));
    let test = test.args(["--alert", "x", "--tokens", "tokens.txt", "--json", "--rate", "200"]);
    let (mut child, text) = signalled_while_it_sends(test, "-HUP");
    assert_eq!((child.wait().unwrap().code(), text.matches("\"accepted\"").count()), (Some(0), 101));
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_it_at_once() {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};

    let scene = Scene::new(&["stall-answer"], 3);
    let test = scene.command().args(["--tokens", "tokens.txt", "--json", "--timeout", "60s"]);
    let mut child = test.into_command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("started\":3") {
        line.clear();
        assert!(stdout.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    // A run that has not sent anything yet ends at the first signal.
    wait_for_requests(&scene, 1);
    let id = child.id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    signal("-TERM");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut notice = String::new();
    // It may have said before that it waits for an answer.
    while notice.is_empty() || notice.ends_with("; Ctrl-C ends the run\n") {
        notice.clear();
        assert!(stderr.read_line(&mut notice).unwrap() > 0, "it has ended");
    }
    assert!(notice.contains("interrupted"), "{notice}");
    let start = Instant::now();
    // A window that is closed sends SIGHUP twice, which is no haste.
    signal("-HUP");
    signal("-TERM");
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}
