//! The report in every format.

use super::Stage;
use super::faults::FAULTS;
use crate::common::{Test, fixture, in_parallel};
use pushcert::testing::GatewayOptions;

fn print(stage: &Stage, format: &str) -> (i32, String) {
    print_with(stage, format, &[])
}

fn print_with(stage: &Stage, format: &str, arguments: &[&str]) -> (i32, String) {
    let test = Test::new().arg("check").args(arguments).arg(stage.file("client.pem"));
    let test = test.args(["--gateway", &stage.address(), "--format", format, "--ca-file"]).arg(stage.file("ca.pem"));
    let run = test.any_status().stderr("").run();
    (run.code.unwrap(), run.text().to_owned())
}

#[test]
fn every_format_tells_the_verdict() {
    let accepted = Stage::new(GatewayOptions::default());
    let faults = vec!["goaway:BadCertificateEnvironment".parse().unwrap()];
    let rejected = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    let place = [accepted.address(), rejected.address()];
    for (format, yes, no) in [
        (
            "human",
            vec!["  accepted: the gateway accepts the certificate\n", "  topic: com.example.MyApp was not judged\n"],
            vec!["  rejected: BadCertificateEnvironment: the certificate is for the other environment\n", "hint: "],
        ),
        (
            "json",
            vec!["\"verdict\": \"accepted\""],
            vec!["\"verdict\": \"rejected\"", "\"reason\": \"BadCertificateEnvironment\""],
        ),
        (
            "junit",
            vec!["tests=\"1\"", "failures=\"0\"", "errors=\"0\"", "<testcase "],
            vec!["failures=\"1\"", "<failure type=\"BadCertificateEnvironment\" message=\"rejected: "],
        ),
        (
            "github",
            vec!["::notice file=", "com.example.MyApp was not judged"],
            vec!["::error file=", "title=APNs%3A rejected::", "; use the gateway of its environment"],
        ),
        (
            "nagios",
            vec!["APNS OK - 1 of 1 gateways good | good=1;;;0;1 "],
            vec!["APNS CRITICAL - 0 of 1 gateways good | good=0;;;0;1 "],
        ),
        ("prometheus", vec!["verdict=\"accepted\"} 1\n"], vec!["verdict=\"rejected\"} 1\n"]),
    ] {
        for (index, (stage, expected, code)) in [(&accepted, yes, 0), (&rejected, no, 1)].into_iter().enumerate() {
            let (found, text) = print(stage, format);
            let code = if format == "nagios" { 2 * code } else { code };
            assert_eq!(found, code, "{text}");
            assert!(text.contains(&place[index]), "{text}");
            for part in expected {
                assert!(text.contains(part), "{format}: {part:?} is not in {text}");
            }
        }
    }
}

const FORMATS: [&str; 7] = ["human", "json", "junit", "github", "markdown", "nagios", "prometheus"];

/// A fault of the gateway, the arguments, the verdict, the exit code, and Nagios' own.
struct Case(&'static str, &'static [&'static str], &'static str, i32, i32);

const CASES: &[Case] = &[
    Case("", &[], "accepted", 0, 0),
    Case("answer:DeviceTokenNotForTopic", &[], "accepted", 0, 0),
    Case("", &["--topic", "com.example.Other"], "refused", 1, 2),
    Case("", &["--token", "22ff"], "refused", 1, 2),
    Case("answer:DeviceTokenNotForTopic", &["--token", "22ff"], "refused", 1, 2),
    Case("answer:BadPriority", &[], "unproven", 1, 1),
    Case("no-request", &["--no-probe"], "unproven", 1, 1),
    Case("", &["--no-probe"], "unproven", 1, 1),
    Case("alert:certificate_unknown", &[], "rejected", 1, 2),
    Case("wrong-host", &[], "unreachable", 5, 3),
];

#[test]
fn accepted_never_stands_beside_another_exit_code_than_0() {
    for Case(fault, arguments, verdict, code, nagios) in CASES {
        let faults = Some(*fault).filter(|fault| !fault.is_empty()).map(|fault| fault.parse().unwrap());
        let faults = faults.into_iter().collect();
        let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
        for format in FORMATS {
            let (found, text) = print_with(&stage, format, arguments);
            let expected = if format == "nagios" { nagios } else { code };
            assert_eq!(found, *expected, "{format}: {text}");
            assert_eq!(text.contains("accepted"), *verdict == "accepted", "{format}: {text}");
            assert!(text.contains(verdict), "{format}: {text}");
        }
    }
}

/// What a run is asked beside the gateway's judgement, which is good; the exit code, Nagios' own, and what else is said.
struct Situation(&'static [&'static str], i32, i32, &'static str);

const SITUATIONS: &[Situation] = &[
    Situation(&["--server-warn", "100000"], 0, 1, ""),
    Situation(&["--expect", "rejected"], 1, 2, "rejected was expected"),
    Situation(&["--expect", "refused"], 1, 2, "refused was expected"),
    Situation(&["--expect", "accepted:DeviceTokenNotForTopic"], 1, 2, "acceptance:DeviceTokenNotForTopic was expected"),
    Situation(&["--expect", "accepted"], 0, 0, "as expected"),
    Situation(&["--expect", "accepted", "--expect-topic", "zzz"], 1, 2, "acceptance was expected"),
    Situation(&["--expect", "refused", "--expect-topic", "zzz"], 1, 2, "refused was expected"),
    Situation(&["--expect-topic", "zzz"], 1, 2, ""),
    Situation(&["--warn", "99999d"], 0, 1, ""),
];

#[test]
fn a_good_gateway_in_a_run_that_fails_has_passed() {
    let stage = Stage::new(GatewayOptions::default());
    for Situation(arguments, code, nagios, words) in SITUATIONS {
        for format in FORMATS {
            let (found, text) = print_with(&stage, format, arguments);
            let expected = if format == "nagios" { *nagios } else { *code };
            assert_eq!(found, expected, "{arguments:?} {format}: {text}");
            let is_said = text.contains("accepted");
            assert_eq!(is_said, expected == 0, "{arguments:?} {format}: {text}");
            let is_refused = arguments.contains(&"--expect-topic");
            let word = if is_refused { "refused" } else { "passed" };
            let is_told = expected == 0 || text.contains(word);
            assert!(is_told, "{arguments:?} {format}: {text}");
            let has_words = !matches!(format, "json" | "prometheus");
            assert!(!has_words || text.contains(words), "{arguments:?} {format}: {text}");
            let is_contradictory = format == "nagios" && expected == 2 && text.contains("1 of 1");
            assert!(!is_contradictory, "{arguments:?}: {text}");
        }
    }
}

#[test]
fn no_fault_in_any_format_says_accepted_beside_another_exit_code_than_0() {
    in_parallel(FAULTS, |(fault, tls, _, _, verdict, reason, code)| {
        let options = GatewayOptions { faults: vec![fault.parse().unwrap()], tls: *tls, ..GatewayOptions::default() };
        let stage = Stage::new(options);
        let is_timed = reason.ends_with("timeout");
        let limit = if is_timed { "300ms" } else { "20s" };
        for format in FORMATS {
            let (found, text) = print_with(&stage, format, &["--timeout", limit]);
            assert_eq!(text.contains("accepted"), *verdict == "accepted", "{fault} {format}: {text}");
            assert_eq!(found == 0, *verdict == "accepted", "{fault} {format}: {text}");
            // A machine that is busy may not get as far as the stage that is slow.
            if !is_timed {
                let nagios = match *verdict {
                    "accepted" => 0,
                    "unproven" => 1,
                    "unreachable" => 3,
                    _ => 2,
                };
                assert_eq!(found, if format == "nagios" { nagios } else { *code }, "{fault} {format}: {text}");
                assert!(text.contains(verdict), "{fault} {format}: {text}");
            }
        }
    });
}

#[test]
fn a_refused_topic_is_a_failure_in_every_format() {
    let stage = Stage::new(GatewayOptions::default());
    let sentence = "TopicDisallowed: the certificate was judged good, the topic was not: \
                    the certificate may not send to this topic";
    let other = "--topic=com.example.Other";
    for (format, expected) in [
        ("human", &[&format!("  refused: {sentence}\n"), "  topic: com.example.Other is REFUSED\n", "hint: "][..]),
        ("json", &["\"verdict\": \"refused\"", "\"reason\": \"TopicDisallowed\"", "\"status\": \"refuted\""]),
        ("junit", &["failures=\"1\"", "<failure type=\"TopicDisallowed\" message=\"refused: "]),
        ("github", &["::error file=", "title=APNs%3A refused::", "; com.example.Other is REFUSED"]),
        (
            "nagios",
            &[
                "APNS CRITICAL - 0 of 1 gateways good | ",
                &format!(" refused: {sentence}; com.example.Other is REFUSED\n"),
            ],
        ),
        ("prometheus", &["verdict=\"refused\"} 1\n"]),
    ] {
        let (_, text) = print_with(&stage, format, &[other]);
        for part in expected {
            assert!(text.contains(part), "{format}: {part:?} is not in {text}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn nagios_ends_with_6_where_the_output_cannot_be_written() {
    let test = Test::shell("\"$0\" \"$@\" >/dev/full").arg("check").arg(fixture("der/universal.cer"));
    test.args(["--environment", "production", "--format", "nagios"]).status(6).run();
}

#[test]
fn a_servers_words_cannot_drive_the_terminal_nor_break_a_format() {
    // As JSON in a GOAWAY may have it.
    let faults = vec!["goaway:\u{1b}[31m<&\"\n::error::x|y".parse().unwrap()];
    let stage = Stage::new(GatewayOptions { faults, ..GatewayOptions::default() });
    for format in ["human", "junit", "github", "nagios", "prometheus"] {
        let (_, text) = print(&stage, format);
        assert!(!text.contains('\u{1b}'), "{format}: {text:?}");
        let own = if format == "github" { 2 } else { 0 };
        assert_eq!(text.lines().filter(|line| line.starts_with("::")).count(), own, "{text:?}");
        if format == "nagios" {
            assert!(!text.lines().nth(1).unwrap().contains('|'), "{text:?}");
        }
        if format == "junit" {
            assert!(!text.contains("<&"), "{text:?}");
        }
    }
}

#[test]
fn an_error_is_json_where_json_is_wanted() {
    for arguments in [["--format", "json"], ["--json", "--no-probe"]] {
        let test = Test::new().arg("check").arg(fixture("p12/truncated.p12")).args(arguments);
        assert_eq!(test.status(3).run().json()["error"]["kind"], "input");
    }
}
