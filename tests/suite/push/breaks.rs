//! Connections and streams that end before their time. What the server has certainly not processed is sent again;
//! everything else that is open then is unknown, and nothing is sent twice unsaid.

use std::time::Duration;

use pushcert::testing::GatewayOptions;

use super::{Pushed, Scene};
#[cfg(unix)]
use crate::check::servers::serve_h2;
#[cfg(unix)]
use crate::common::Test;
use crate::common::in_parallel;

#[track_caller]
fn assert_all_accepted(scene: &Scene, pushed: &Pushed) {
    let total = scene.tokens.len();
    assert_eq!(pushed.count("accepted"), total, "{}\n{}", pushed.summary(), pushed.run.stderr);
    assert_eq!(pushed.code(), 0);
    scene.assert_agrees(pushed);
}

// Clients that went on to use a connection after GOAWAY lost one notification in a hundred.
#[test]
fn goaway_loses_nothing() {
    for fault in ["goaway:Shutdown@every=100", "goaway-open:Shutdown@every=100", "goaway:IdleTimeout@rate=2%,seed=7"] {
        let scene = Scene::new(&[fault], 1000);
        let pushed = scene.push(&[]);
        assert_all_accepted(&scene, &pushed);
        assert!(pushed.run.stderr.contains("GOAWAY NO_ERROR"), "{}", pushed.run.stderr);
    }
}

#[test]
fn goaway_over_several_connections_loses_nothing() {
    let scene = Scene::new(&["goaway:Shutdown@every=100"], 2000);
    assert_all_accepted(&scene, &scene.push(&["--connections", "4"]));
}

// A GOAWAY before SETTINGS left promises that never ended.
pub(crate) fn a_gateway_that_always_says_goaway_is_given_up() {
    let scene = Scene::new(&["goaway:Shutdown"], 10);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("not_sent")), (5, 10));
}

#[test]
fn what_a_goaway_counts_as_processed_is_unknown() {
    let scene = Scene::new(&["goaway-midway:Shutdown@after=100,times=1"], 500);
    let pushed = scene.push(&[]);
    let (accepted, unknown) = (pushed.count("accepted"), pushed.count("unknown"));
    assert_eq!((pushed.code(), accepted + unknown), (1, 500));
    assert_eq!(unknown, 1, "{}", pushed.summary());
    scene.assert_agrees(&pushed);
}

// Retries after a cut delivered notifications up to three times.
#[test]
fn a_cut_connection_leaves_what_was_open_unknown() {
    for fault in ["close-midway@after=200,times=1", "reset-tcp@after=200,times=1"] {
        let scene = Scene::new(&[fault], 1500);
        let pushed = scene.push(&[]);
        let (accepted, unknown) = (pushed.count("accepted"), pushed.count("unknown"));
        assert_eq!((pushed.code(), accepted + unknown), (1, 1500), "{fault} {}", pushed.summary());
        assert!(unknown > 0 && accepted >= 400, "{fault}: {unknown}");
        scene.assert_agrees(&pushed);
        for line in pushed.outcomes().values() {
            assert!(line["outcome"] != "unknown" || line["detail"].as_str().unwrap().contains("broke"), "{line}");
        }
    }
}

#[test]
fn what_is_unknown_is_sent_again_only_on_demand_with_the_same_id() {
    let scene = Scene::new(&["close-midway@after=100,times=1"], 300);
    let pushed = scene.push(&["--resend-unknown"]);
    assert_all_accepted(&scene, &pushed);
    let again = pushed.outcomes().values().filter(|line| line["may_be_duplicate"] == true).count();
    assert!(again > 0);
    assert_eq!(pushed.summary()["resent_in_doubt"], again);
    let log = scene.log.lock().unwrap();
    for line in log.iter().filter(|line| line["event"] == "request") {
        let outcome = &pushed.outcomes()[line["token"].as_str().unwrap()];
        assert_eq!(line["headers"]["apns-id"], outcome["apns_id"]);
    }
}

#[test]
fn a_refused_stream_is_sent_again() {
    let scene = Scene::new(&["refuse-stream@every=7"], 700);
    assert_all_accepted(&scene, &scene.push(&[]));
}

pub(crate) fn a_stream_that_is_always_refused_ends_as_not_sent() {
    let scene = Scene::new(&["refuse-stream"], 3);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("not_sent")), (5, 3), "{}", pushed.summary());
    let shown = scene.command().args(["--tokens", "tokens.txt"]).status(5).run();
    let reason = "not sent, the first: the server refused the stream (REFUSED_STREAM)";
    assert!(shown.text().contains(reason), "{}", shown.text());
}

#[test]
fn a_reset_stream_is_unknown() {
    let scene = Scene::new(&["reset@every=10"], 100);
    let pushed = scene.push(&[]);
    assert_eq!((pushed.code(), pushed.count("unknown"), pushed.count("accepted")), (1, 10, 90));
    scene.assert_agrees(&pushed);
}

// The limit falls to 1 when something goes wrong, and back; clients that did not follow had their streams refused,
// others waited for ever.
#[test]
fn the_stream_limit_may_fall_and_rise() {
    for fault in ["limit-streams:1@after=100,times=1,for=300ms", "limit-streams:0@after=100,times=1,for=300ms"] {
        let scene = Scene::new(&[fault], 1000);
        assert_all_accepted(&scene, &scene.push(&[]));
    }
}

pub(crate) fn a_server_that_allows_no_stream_is_given_up() {
    in_parallel([&["--timeout", "300ms"][..], &["--timeout", "300ms", "--connections", "2"]], |arguments| {
        let scene = Scene::with(GatewayOptions { max_streams: 0, ..GatewayOptions::default() }, &[], 3);
        let pushed = scene.push(arguments);
        assert_eq!((pushed.code(), pushed.count("not_sent")), (5, 3), "{}", pushed.run.text());
        assert!(pushed.run.text().contains("MAX_CONCURRENT_STREAMS"), "{}", pushed.run.text());
        scene.assert_agrees(&pushed);
    });
}

#[test]
fn the_stream_limit_is_never_exceeded() {
    let scene = Scene::with(GatewayOptions { max_streams: 3, ..GatewayOptions::default() }, &[], 200);
    let pushed = scene.push(&[]);
    assert_all_accepted(&scene, &pushed);
    assert!(pushed.outcomes().values().all(|line| line["attempts"] == 1));
}

// Pushes hung for minutes on connections that had died in silence.
#[test]
fn a_connection_that_falls_silent_is_replaced() {
    let scene = Scene::new(&["silence@after=50,times=1"], 200);
    let pushed = scene.push(&["--timeout", "500ms"]);
    let (accepted, unknown) = (pushed.count("accepted"), pushed.count("unknown"));
    assert_eq!((pushed.code(), accepted + unknown), (1, 200));
    assert!(unknown > 0 && accepted >= 50, "{unknown}");
    assert!(pushed.run.took < Duration::from_secs(20), "{:?}", pushed.run.took);
    scene.assert_agrees(&pushed);
}

#[test]
fn an_answer_that_never_comes_is_unknown_and_holds_nothing_up() {
    let scene = Scene::new(&["stall-answer@after=20,times=2"], 200);
    let pushed = scene.push(&["--timeout", "600ms"]);
    assert_eq!((pushed.code(), pushed.count("unknown"), pushed.count("accepted")), (1, 2, 198), "{}", pushed.summary());
    assert!(pushed.run.took < Duration::from_secs(20));
}

#[test]
fn an_answer_without_an_end_counts_by_its_status() {
    let scene = Scene::new(&["stall-body@times=1"], 3);
    let pushed = scene.push(&["--timeout", "600ms"]);
    assert_eq!(pushed.outcomes().len(), 3);
    assert_eq!(pushed.count("unknown"), 0, "{}", pushed.summary());
}

pub(crate) fn servers_that_do_not_begin_are_given_up_in_time() {
    let faults = ["stall-settings", "close-tls", "close-tcp", "stall-tls", "no-settings", "http1", "no-alpn"];
    in_parallel(faults, |fault| {
        let scene = Scene::new(&[fault], 5);
        let pushed = scene.push(&["--timeout", "300ms"]);
        assert_eq!(pushed.code(), 5, "{fault}");
        assert_eq!(pushed.count("not_sent"), 5, "{fault} {}", pushed.summary());
        assert!(pushed.run.took < Duration::from_secs(20), "{fault}");
    });
}

#[test]
fn frames_that_are_none_end_the_run() {
    let scene = Scene::new(&["garbage"], 5);
    let pushed = scene.push(&[]);
    assert!([1, 5].contains(&pushed.code()), "{}", pushed.summary());
    assert_eq!(pushed.count("not_sent") + pushed.count("unknown"), 5, "{}", pushed.summary());
}

#[test]
fn all_at_once_loses_nothing() {
    let faults = [
        "goaway:Shutdown@every=400",
        "close-midway@after=1000,every=2000",
        "limit-streams:1@every=900,for=50ms",
        "answer:InternalServerError@rate=1%,seed=1",
        "refuse-stream@rate=1%,seed=2",
    ];
    let scene = Scene::new(&faults, 4000);
    let pushed = scene.push(&["--connections", "2"]);
    let (accepted, unknown) = (pushed.count("accepted"), pushed.count("unknown"));
    assert_eq!(accepted + unknown, 4000, "{}", pushed.summary());
    assert!(accepted > 1000, "{}", pushed.summary());
    scene.assert_agrees(&pushed);
}

// After Ctrl-Z and fg the timer was looked at before the socket, in which the answer had been for long.
#[cfg(unix)]
#[test]
fn what_was_answered_while_the_process_stood_still_is_known() {
    use std::process::{Command, Stdio};
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    let (come, has_come) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let server = serve_h2(
        move |_| {
            let _ = come.send(());
            let _ = released.lock().unwrap().recv();
            http::Response::builder().status(200)
        },
        "",
    );
    let scene = Scene::new(&[], 1);
    let gateway = format!("localhost:{}", server.port);
    let test = Test::new().arg("push").arg(scene.stage.file("client.pem")).args(["--gateway", &gateway, "--ca-file"]);
    let test = test.arg(server.ca()).args(["--token", "aabb", "--alert", "x", "--timeout", "1s"]);
    let child = test.into_command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let signal =
        |name: &str| assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    has_come.recv_timeout(Duration::from_secs(60)).unwrap();
    signal("-STOP");
    release.send(()).unwrap();
    // Longer than the limit of a request.
    std::thread::sleep(Duration::from_millis(1300));
    signal("-CONT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
