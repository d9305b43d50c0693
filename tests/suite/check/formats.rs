//! The report in every format.

use super::{Stage, fixture, pushcert};
use pushcert::testing::GatewayOptions;

fn print(stage: &Stage, format: &str) -> (i32, String) {
    let mut command = pushcert();
    command.arg("check").arg(stage.file("client.pem")).args(["--gateway", &stage.address(), "--format", format]);
    let output = command.arg("--ca-file").arg(stage.file("ca.pem")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_format_tells_the_verdict() {
    let accepted = Stage::new(GatewayOptions::default());
    let fault = Some("goaway:BadCertificateEnvironment".parse().unwrap());
    let rejected = Stage::new(GatewayOptions { fault, ..GatewayOptions::default() });
    let place = [accepted.address(), rejected.address()];
    for (format, yes, no) in [
        (
            "human",
            vec!["  accepted: the gateway accepts the certificate\n", "  topic: com.example.MyApp is supported\n"],
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
            vec!["::notice file=", "com.example.MyApp is supported"],
            vec!["::error file=", "title=APNs%3A rejected::", "; use the gateway of its environment"],
        ),
        (
            "nagios",
            vec!["APNS OK - accepted by 1 of 1 gateways | accepted=1"],
            vec!["APNS CRITICAL - accepted by 0 of 1 gateways | "],
        ),
        (
            "prometheus",
            vec!["verdict=\"accepted\"} 1\n", "verdict=\"rejected\"} 0\n"],
            vec!["verdict=\"accepted\"} 0\n", "verdict=\"rejected\"} 1\n"],
        ),
    ] {
        for (index, (stage, expected, code)) in [(&accepted, yes, 0), (&rejected, no, 1)].into_iter().enumerate() {
            let (found, text) = print(stage, format);
            assert_eq!(found, code, "{text}");
            assert!(text.contains(&place[index]), "{text}");
            for part in expected {
                assert!(text.contains(part), "{format}: {part:?} is not in {text}");
            }
        }
    }
}

#[test]
fn a_servers_words_cannot_drive_the_terminal_nor_break_a_format() {
    // As JSON in a GOAWAY may have it.
    let fault = Some("goaway:\u{1b}[31m<&\"\n::error::x|y".parse().unwrap());
    let stage = Stage::new(GatewayOptions { fault, ..GatewayOptions::default() });
    for format in ["human", "junit", "github", "nagios", "prometheus"] {
        let (_, text) = print(&stage, format);
        assert!(!text.contains('\u{1b}'), "{format}: {text:?}");
        let own = if format == "github" { 1 } else { 0 };
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
        let output = pushcert().arg("check").arg(fixture("p12/truncated.p12")).args(arguments).output().unwrap();
        let error: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), error["error"]["kind"].as_str()), (Some(3), Some("input")));
    }
}
