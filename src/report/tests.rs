//! The table of outcomes: what each means in every format, and for the exit code.

use clap::ValueEnum;
use time::OffsetDateTime;
use time::macros::datetime;

use super::*;
use crate::certificate::policy::{Expectations, ExpiryPolicy};
use crate::check::conclusion::TopicStatus;
use crate::check::outcome::Outcome;
use crate::check::report::RunFacts;
use crate::check::{Authentication, GatewayCheck, TopicReport};
use crate::cli::format;
use crate::container::{Passwords, open};
use crate::error::Error;
use crate::expiry::report::{DumpName, FileCounts, Origin, PolicyReport, RunFiles, Source, UnreadableFile, check};
use crate::finding::{FindingCode, Level};
use crate::limits::DEFAULT_MAX_ITERATIONS;
use crate::test_support::{TestWorld, fixture};

/// An outcome of a run. The words of GitHub and JUnit are those of all findings, the worst first.
struct Row<Part: 'static> {
    parts: &'static [Part],
    exit: u8,
    nagios: (u8, &'static str),
    github: &'static [&'static str],
    junit: &'static [&'static str],
}

const CHECK: [Row<Outcome>; 9] = [
    Row { parts: &[Outcome::Accepted], exit: 0, nagios: (0, "OK"), github: &["notice"], junit: &[] },
    Row { parts: &[Outcome::Refused], exit: 1, nagios: (2, "CRITICAL"), github: &["error"], junit: &["failure"] },
    Row { parts: &[Outcome::Rejected], exit: 1, nagios: (2, "CRITICAL"), github: &["error"], junit: &["failure"] },
    Row { parts: &[Outcome::Unproven], exit: 1, nagios: (1, "WARNING"), github: &["error"], junit: &["error"] },
    Row { parts: &[Outcome::Unreachable], exit: 5, nagios: (3, "UNKNOWN"), github: &["error"], junit: &["error"] },
    Row {
        parts: &[Outcome::Accepted, Outcome::Unproven],
        exit: 1,
        nagios: (1, "WARNING"),
        github: &["error", "notice"],
        junit: &["error"],
    },
    Row {
        parts: &[Outcome::Accepted, Outcome::Unreachable],
        exit: 5,
        nagios: (3, "UNKNOWN"),
        github: &["error", "notice"],
        junit: &["error"],
    },
    Row {
        parts: &[Outcome::Unreachable, Outcome::Unproven],
        exit: 1,
        nagios: (3, "UNKNOWN"),
        github: &["error", "error"],
        junit: &["error", "error"],
    },
    Row {
        parts: &[Outcome::Unreachable, Outcome::Rejected],
        exit: 1,
        nagios: (2, "CRITICAL"),
        github: &["error", "error"],
        junit: &["failure", "error"],
    },
];

#[derive(Clone, Copy)]
enum ExpiryPart {
    Good,
    ExpiresSoon,
    Expired,
    Unreadable(Level, FindingCode),
}

const LOCKED: ExpiryPart = ExpiryPart::Unreadable(Level::Failure, FindingCode::FileLocked);
const CRASHED: ExpiryPart = ExpiryPart::Unreadable(Level::Failure, FindingCode::ReaderCrashed);

const EXPIRY: [Row<ExpiryPart>; 11] = [
    Row { parts: &[ExpiryPart::Good], exit: 0, nagios: (0, "OK"), github: &[], junit: &[] },
    Row { parts: &[ExpiryPart::ExpiresSoon], exit: 0, nagios: (1, "WARNING"), github: &["warning"], junit: &[] },
    Row { parts: &[ExpiryPart::Expired], exit: 1, nagios: (2, "CRITICAL"), github: &["error"], junit: &["failure"] },
    // There are fewer certificates than expected.
    Row { parts: &[], exit: 1, nagios: (2, "CRITICAL"), github: &["error"], junit: &["failure"] },
    Row {
        parts: &[ExpiryPart::Good, ExpiryPart::Unreadable(Level::Failure, FindingCode::FileUnreadable)],
        exit: 3,
        nagios: (3, "UNKNOWN"),
        github: &["error"],
        junit: &["error"],
    },
    Row {
        parts: &[ExpiryPart::Good, ExpiryPart::Unreadable(Level::Warning, FindingCode::FileUnreadable)],
        exit: 0,
        nagios: (1, "WARNING"),
        github: &["warning"],
        junit: &["skipped"],
    },
    Row { parts: &[ExpiryPart::Good, LOCKED], exit: 4, nagios: (3, "UNKNOWN"), github: &["error"], junit: &["error"] },
    Row {
        parts: &[ExpiryPart::Good, CRASHED],
        exit: 70,
        nagios: (3, "UNKNOWN"),
        github: &["error"],
        junit: &["error"],
    },
    Row {
        parts: &[ExpiryPart::ExpiresSoon, LOCKED],
        exit: 4,
        nagios: (3, "UNKNOWN"),
        github: &["error", "warning"],
        junit: &["error"],
    },
    Row {
        parts: &[ExpiryPart::Expired, LOCKED],
        exit: 1,
        nagios: (2, "CRITICAL"),
        github: &["error", "error"],
        junit: &["failure", "error"],
    },
    Row {
        parts: &[ExpiryPart::Expired, CRASHED],
        exit: 70,
        nagios: (2, "CRITICAL"),
        github: &["error", "error"],
        junit: &["failure", "error"],
    },
];

const NOW: OffsetDateTime = datetime!(2026-11-24 0:00 UTC);

fn check_report(outcomes: &[Outcome]) -> CheckReport {
    let mut checks = Vec::new();
    for outcome in outcomes {
        checks.push(GatewayCheck {
            environment: None,
            gateway: "localhost:2197".to_owned(),
            verdict: *outcome,
            reason: Some("a-reason".to_owned()),
            is_expected: None,
            advice: Some("an advice".to_owned()),
            topic: TopicReport { topic: None, status: TopicStatus::Unknown },
            stages: vec![],
            address: None,
            authentication: Authentication::Certificate,
            attempts: vec![],
            server_days_left: None,
            server_expires_soon: false,
            tls: None,
            http2: None,
            probe: None,
            meaning: "a meaning".to_owned(),
        });
    }
    let run = RunFacts {
        path: Some("push.pem".to_owned()),
        title: "push".to_owned(),
        has_policy: false,
        expectation: None,
        warnings_count: false,
        at: NOW,
    };
    CheckReport::new(checks, vec![], run)
}

fn expiry_report(parts: &[ExpiryPart]) -> ExpiryReport {
    let policy = PolicyReport {
        policy: ExpiryPolicy {
            warn: "30d".parse().unwrap(),
            fail: "7d".parse().unwrap(),
            expect: Expectations::default(),
        },
        leaf_only: false,
        min_certificates: 1,
        renewals: true,
        list_skipped: false,
    };
    let contents = open(&fixture("der/universal.cer"), &mut Passwords::None, DEFAULT_MAX_ITERATIONS).unwrap();
    let (mut certificates, mut unreadable) = (Vec::new(), Vec::new());
    let origin = Origin { file: "push.cer", source: Source::File, dump: None, opened_by: None };
    for part in parts {
        let at = match part {
            ExpiryPart::Good => NOW,
            ExpiryPart::ExpiresSoon => datetime!(2099-12-10 0:00 UTC),
            ExpiryPart::Expired => datetime!(2100-01-10 0:00 UTC),
            ExpiryPart::Unreadable(level, code) => {
                let (file, error) = ("a.p12".to_owned(), Error::new(code.exit_kind(), "a.p12: damaged"));
                let (source, dump) = (Source::File, DumpName::default());
                unreadable.push(UnreadableFile { file, source, dump, level: *level, code: *code, error });
                continue;
            }
        };
        certificates.append(&mut check(origin, &contents, &policy.policy, at));
    }
    let counts = FileCounts { files: 1, ..FileCounts::default() };
    ExpiryReport::new(NOW, policy, certificates, RunFiles { unreadable, counts, ..RunFiles::default() })
}

fn written(report: Report<'_>, format: ReportFormat) -> String {
    let mut out = Vec::new();
    let medium = TestWorld::new().run(|context| Medium::file(context));
    report.write(format, &mut out, &medium).unwrap();
    String::from_utf8(out).unwrap()
}

fn assert_row<Part>(row: &Row<Part>, report: Report<'_>, formats: &[ReportFormat]) {
    for format in formats {
        let expected = if *format == ReportFormat::Nagios { row.nagios.0 } else { row.exit };
        assert_eq!(report.exit_code(*format), expected, "{format:?}");
    }
    let nagios = written(report, ReportFormat::Nagios);
    assert_eq!(nagios.split(' ').nth(1), Some(row.nagios.1), "{nagios}");

    let github = written(report, ReportFormat::Github);
    // The summary is a notice where anything is wrong.
    let is_summary = |line: &str| {
        line.starts_with("::notice title=APNs check") || line.starts_with("::notice title=Certificate exp")
    };
    let is_good = row.github.iter().all(|word| *word == "notice");
    assert_eq!(github.lines().filter(|line| is_summary(line)).count(), usize::from(!is_good), "{github}");
    let mut commands: Vec<&str> = github
        .lines()
        .filter(|line| !is_summary(line))
        .filter_map(|line| Some(line.strip_prefix("::")?.split_once(' ')?.0))
        .collect();
    commands.sort_by_key(|command| ["error", "warning", "notice"].iter().position(|word| word == command));
    assert_eq!(commands, row.github, "{github}");

    let junit = written(report, ReportFormat::Junit);
    for element in ["failure", "error", "skipped"] {
        let expected = row.junit.iter().filter(|word| **word == element).count();
        assert_eq!(junit.matches(&format!("<{element} ")).count(), expected, "{junit}");
        if element != "skipped" {
            assert!(junit.contains(&format!(" {element}s=\"{expected}\"")), "{junit}");
        }
    }
}

#[test]
fn an_outcome_of_check_is_the_same_in_every_format() {
    for row in &CHECK {
        assert_row(row, Report::Check(&check_report(row.parts)), &format::check_formats());
    }
}

#[test]
fn an_outcome_of_expiry_is_the_same_in_every_format() {
    for row in &EXPIRY {
        let report = expiry_report(row.parts);
        assert_row(row, Report::Expiry(&report), ReportFormat::value_variants());
        assert_eq!(report.exit_code, row.exit);
        let levels = [("failure", "2"), ("warning", "1"), ("ok", "0")];
        let (word, number) = match (row.exit, row.nagios.0) {
            (0, 0) => levels[2],
            (0, _) => levels[1],
            _ => levels[0],
        };
        let prometheus = written(Report::Expiry(&report), ReportFormat::Prometheus);
        assert!(prometheus.contains(&format!("pushcert_run_verdict {number}\n")), "{prometheus}");
        let html = written(Report::Expiry(&report), ReportFormat::Html);
        assert!(html.contains(&format!("<p class=\"state {word}\">")), "{html}");
    }
}
