//! What the user expects of the outcome and of the certificate, and reports in files.

use std::path::Path;

use super::{Checked, PASSWORD, Stage, fixture_gateway};
use crate::common::{Test, fixture};
use pushcert::testing::{Environment, GatewayOptions};

fn stage_with(fault: &str) -> Stage {
    let faults = if fault.is_empty() { vec![] } else { vec![fault.parse().unwrap()] };
    Stage::new(GatewayOptions { faults, ..GatewayOptions::default() })
}

/// A fault, what is expected, the verdict, and the exit codes: 0 where the expectation is met.
type Row = (&'static str, &'static str, &'static str, i32, i32);

const ROWS: &[Row] = &[
    ("alert:certificate_revoked", "rejected", "rejected", 0, 0),
    ("alert:certificate_revoked", "rejected:certificate_revoked", "rejected", 0, 0),
    ("alert:certificate_revoked", "rejected:certificate_expired", "rejected", 1, 2),
    ("alert:certificate_revoked", "accepted", "rejected", 1, 2),
    ("alert:certificate_revoked", "refused", "rejected", 1, 2),
    ("answer:TopicDisallowed", "refused:TopicDisallowed", "refused", 0, 0),
    ("answer:TopicDisallowed", "accepted", "refused", 1, 2),
    ("", "accepted", "accepted", 0, 0),
    ("", "accepted:BadDeviceToken", "accepted", 0, 0),
    ("", "rejected", "passed", 1, 2),
    ("", "refused", "passed", 1, 2),
    ("alert:internal_error", "rejected", "unproven", 1, 1),
    ("no-request", "rejected", "unproven", 1, 1),
    ("answer:TooManyRequests", "accepted", "unproven", 1, 1),
    ("close-tcp", "rejected", "unreachable", 5, 3),
];

#[test]
fn a_reason_that_is_never_given_is_refused_with_those_that_are() {
    for (wrong, known) in [
        ("rejected:certificate-revoked", "the reasons of rejected are revoked, bad_certificate, "),
        ("rejected:Revoked", " certificate_revoked, "),
        ("refused:certificate_revoked", "the reasons of refused are BadDeviceToken, BadTopic, "),
        ("accepted:Unregistered", "the reasons of accepted are BadDeviceToken, DeviceTokenNotForTopic\n"),
    ] {
        let test = Test::new().args(["check", "push.p12", "--expect", wrong]);
        test.status(2).stdout("").stderr_contains(known).run();
    }
}

#[test]
fn an_expected_outcome_ends_with_0_and_no_other_does() {
    for (fault, expected, verdict, code, _) in ROWS {
        let checked = stage_with(fault).check(&["--expect", expected]);
        assert_eq!((checked.text("/verdict"), checked.code), (*verdict, *code), "{fault} {expected}");
        assert_eq!(checked.first()["is_expected"], *code == 0, "{fault} {expected}");
        assert_eq!(checked.report["exit_code"], *code);
    }
}

#[test]
fn no_text_says_accepted_where_something_else_was_expected_or_found() {
    for (fault, expected, verdict, code, nagios) in ROWS {
        let stage = stage_with(fault);
        for format in ["human", "json", "junit", "github", "nagios", "prometheus"] {
            let test = Test::new().arg("check").arg(stage.file("client.pem")).args(["--expect", expected]);
            let test = test.args(["--gateway", &stage.address(), "--format", format, "--ca-file"]);
            let run = test.arg(stage.file("ca.pem")).any_status().run();
            let text = run.text();
            let is_good = *verdict == "accepted" && *code == 0;
            assert_eq!(text.contains("accepted"), is_good, "{fault} {expected} {format}: {text}");
            let end = if format == "nagios" { nagios } else { code };
            assert_eq!(run.code, Some(*end), "{fault} {expected} {format}: {text}");
            let says_unexpected = text.contains(" was expected") || matches!(format, "json" | "prometheus");
            assert_eq!(
                says_unexpected,
                *code != 0 || matches!(format, "json" | "prometheus"),
                "{fault} {expected} {format}: {text}"
            );
        }
    }
}

fn check_fixture(stage: &Stage, arguments: &[&str]) -> Checked {
    stage.check_file(&fixture("p12/keychain-password.p12"), &[&["--environment", "production"], arguments].concat())
}

fn codes(checked: &Checked) -> Vec<String> {
    let findings = checked.report["findings"].as_array().unwrap();
    let code = |finding: &serde_json::Value| format!("{} {}", finding["verdict"], finding["code"]).replace('"', "");
    findings.iter().map(code).collect()
}

#[test]
fn the_policy_is_that_of_expiry() {
    let stage = fixture_gateway(Environment::Production);
    for (arguments, expected) in [
        (&["--fail", "30d", "--at", "2026-11-24"][..], &[][..]),
        (&["--warn", "30d", "--at", "2099-12-20"], &["warning expires-soon"]),
        (&["--warn", "60d", "--fail", "30d", "--at", "2099-12-20"], &["failure expires-soon"]),
        (&["--fail", "30d", "--at", "2101-01-01"], &["failure expired"]),
        (&["--expect-topic", "com.example.Other", "--at", "2101-01-01"], &["failure expired", "failure topic-missing"]),
        (&["--expect-topic", "com.example.MyApp", "--at", "2101-01-01"], &["failure expired"]),
        (&["--expect-environment", "production", "--at", "2101-01-01"], &["failure expired"]),
        (&["--at", "2101-01-01"], &[]),
        (&["--expect-topic", "com.example.MyApp", "--expect-environment", "sandbox"], &[]),
        (&["--expect-team", "AAAAAAAAAA"], &["failure other-team"]),
    ] {
        let checked = check_fixture(&stage, arguments);
        assert_eq!(codes(&checked), expected, "{arguments:?}");
        let fails = expected.iter().any(|code| code.starts_with("failure"));
        let reason = match expected {
            [first, ..] if fails => first.split(' ').nth(1).unwrap(),
            _ => "BadDeviceToken",
        };
        let found = (checked.text("/verdict"), checked.text("/reason"), checked.code);
        let (verdict, code) = if fails { ("refused", 1) } else { ("accepted", 0) };
        assert_eq!(found, (verdict, reason, code), "{arguments:?} {:#}", checked.first());

        let mut expiry = Test::new().arg("expiry").arg(fixture("p12/keychain-password.p12")).env("PASSWORD", PASSWORD);
        expiry = expiry.args(["--passin", "env:PASSWORD", "--json", "--leaf-only"]).args(arguments);
        if !arguments.contains(&"--fail") && !arguments.contains(&"--warn") {
            continue;
        }
        let report = expiry.any_status().run().json();
        let mut alone = report["certificates"][0]["findings"].clone();
        if !arguments.contains(&"--fail") {
            assert!(alone[0].take()["message"].as_str().unwrap().contains("sooner than 30d"));
            continue;
        }
        assert_eq!(alone, checked.report["findings"], "{arguments:?}");
    }
}

#[test]
fn a_policy_that_is_not_met_fails_the_run_in_every_format() {
    let stage = fixture_gateway(Environment::Production);
    for (fail, code) in [("1d", 0), ("99999d", 1)] {
        for format in ["human", "json", "junit", "github", "nagios", "prometheus"] {
            let test = Test::new().arg("check").arg(fixture("p12/keychain-password.p12")).env("PASSWORD", PASSWORD);
            let test = test.args(["--passin", "env:PASSWORD", "--fail", fail, "--format", format]);
            let test = test.args(["--gateway", &stage.address(), "--ca-file"]).arg(stage.file("ca.pem"));
            let run = test.any_status().run();
            let text = run.text();
            assert_eq!(run.code, Some(if format == "nagios" { 2 * code } else { code }), "{text}");
            if code == 1 {
                assert!(!text.contains("accepted"), "{format}: {text}");
                let is_told = text.contains("sooner than 99999d") || format == "prometheus";
                assert!(is_told, "{format}: {text}");
            }
        }
    }
}

fn check_into(stage: &Stage, file: &Path, arguments: &[&str]) -> Test {
    let test = Test::new().arg("check").arg(stage.file("client.pem")).arg("-o").arg(file).args(arguments);
    test.args(["--gateway", &stage.address(), "--ca-file"]).arg(stage.file("ca.pem"))
}

/// The error is in the format of the report: on standard output for JSON and Nagios.
fn assert_refused(test: Test, words: &str) {
    let run = test.any_status().run();
    assert!(matches!(run.code, Some(3 | 6)), "{:?}", run.code);
    let all = run.text().to_owned() + &run.stderr;
    assert!(all.contains(words), "{all}");
}

#[test]
fn a_report_goes_into_a_file_which_only_an_earlier_report_gives_way_to() {
    let good = stage_with("");
    let bad = stage_with("answer:Forbidden");
    for format in ["human", "json", "junit", "github", "nagios", "prometheus"] {
        let file = good.file(&format!("report.{format}"));
        let arguments = ["--format", format];
        check_into(&good, &file, &arguments).status(0).stdout("").stderr("").run();
        let first = std::fs::read_to_string(&file).unwrap();
        assert!(first.contains("localhost:"), "{format}: {first}");
        let requests = good.gateway.ready.observer.requests();
        assert_refused(check_into(&good, &file, &arguments), "already exists");
        assert_eq!(good.gateway.ready.observer.requests(), requests, "the gateway is not asked in vain");
        let end = if format == "nagios" { 2 } else { 1 };
        let failed = check_into(&bad, &file, &["--format", format, "--force"]);
        failed.status(end).stdout("").stderr_contains("rejected: Forbidden").run();
        let second = std::fs::read_to_string(&file).unwrap();
        assert!(second.contains(&bad.address()) && !second.contains(&good.address()), "{format}: {second}");
        let key = good.file(&format!("key.{format}"));
        std::fs::copy(good.file("client.pem"), &key).unwrap();
        assert_refused(check_into(&good, &key, &["--format", format, "--force"]), "already exists");
        assert!(std::fs::read_to_string(&key).unwrap().contains("PRIVATE KEY"));
        check_into(&good, Path::new("-"), &arguments).status(0).stdout_contains("localhost:").run();
    }
}
