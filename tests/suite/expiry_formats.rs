//! The formats of `pushcert expiry` and `check`: what they show first, what fits, where they go.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::certificates::push;
use super::common::{Run, Test, fixture, root};

const FORMATS: [&str; 9] = ["human", "json", "junit", "github", "markdown", "nagios", "prometheus", "ics", "html"];

/// Writes a certificate of an app that ends on a day; today is 2026-11-24.
fn write(folder: &Path, file: &str, app: &str, until: &str) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let name = format!("Apple Push Services: com.example.{app}");
    fs::write(path, push(&format!("com.example.{app}"), &name, "20251101", until)).unwrap();
}

fn expiry(folder: &Path, arguments: &[&str]) -> Test {
    Test::new().arg("expiry").args(arguments).args(["--at", "2026-11-24"]).folder(folder).any_status()
}

/// Returns a folder with 14 expired certificates, 12 that expire soon, and a good one that comes first by name.
fn many() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "certs/0.pem", "good", "20271101");
    for day in 1..=14 {
        write(folder.path(), &format!("certs/expired-{day}.pem"), &format!("expired{day}"), &format!("202610{day:02}"));
    }
    for day in 1..=12 {
        write(folder.path(), &format!("certs/{day}.pem"), &format!("soon{day}"), &format!("202612{day:02}"));
    }
    folder
}

#[test]
fn github_shows_the_first_ten_so_the_worst_come_first() {
    let folder = many();
    let run = expiry(folder.path(), &["certs", "--format", "github", "--fail", "1d"]).run();
    let lines: Vec<&str> = run.text().lines().collect();
    assert_eq!(lines.len(), 27, "{}", run.text());
    for (index, line) in lines[..26].iter().enumerate() {
        let command = if index < 14 { "::error file=certs/expired-" } else { "::warning file=certs/" };
        assert!(line.starts_with(command), "{index}: {line}");
    }
    // Within a level the first to expire comes first.
    assert!(lines[0].contains("expired-1.pem") && lines[13].contains("expired-14.pem"), "{}", run.text());
    assert_eq!(
        lines[26],
        "::notice title=Certificate expiry%3A 14 expired%2C 12 within 30 days::27 certificates in 27 files: 14 failures, \
         12 warnings, 1 ok; GitHub shows 10 of 14 errors and 10 of 12 warnings, the log has all"
    );
}

#[test]
fn what_expired_long_ago_takes_no_place_from_what_expires_tomorrow() {
    let folder = tempfile::tempdir().unwrap();
    for day in 10..=21 {
        write(folder.path(), &format!("certs/old-{day}.pem"), &format!("old{day}"), &format!("202601{day}"));
    }
    write(folder.path(), "certs/lately.pem", "lately", "20261120");
    write(folder.path(), "certs/tomorrow.pem", "tomorrow", "20261125");
    write(folder.path(), "certs/soon.pem", "soon", "20261210");
    fs::write(folder.path().join("certs/cut.cer"), &fs::read(fixture("der/universal.cer")).unwrap()[..400]).unwrap();
    let run = expiry(folder.path(), &["certs", "--format", "github", "--fail", "2d"]).run();
    let lines: Vec<&str> = run.text().lines().collect();
    let mut expected = vec!["lately.pem".to_owned(), "tomorrow.pem".to_owned(), "cut.cer".to_owned()];
    expected.extend((10..=21).rev().map(|day| format!("old-{day}.pem")));
    for (line, file) in lines.iter().zip(&expected) {
        assert!(line.starts_with(&format!("::error file=certs/{file},")), "{file}: {}", run.text());
    }
    // All failures, and then the warnings.
    assert!(lines[15].starts_with("::warning file=certs/soon.pem,"), "{}", run.text());
    assert!(lines[16].starts_with("::notice ") && lines[16].contains("10 of 15 errors"), "{}", run.text());
}

#[test]
fn a_certificate_takes_one_annotation_of_a_level() {
    let file = fixture("der/expired.cer");
    let arguments = [file.to_str().unwrap(), "--format", "github", "--expect-topic", "a", "--expect-team", "b"];
    let run = expiry(root(), &arguments).status(1).run();
    let errors: Vec<&str> = run.text().lines().filter(|line| line.starts_with("::error ")).collect();
    assert_eq!(errors.len(), 1, "{}", run.text());
    for part in ["expired on 2024-01-31", "; may not send to the topic a", "; belongs to the team"] {
        assert!(errors[0].contains(part), "{part}: {}", errors[0]);
    }
}

#[test]
fn annotations_name_files_as_the_repository_does() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ios/certs/a.pem", "a", "20261101");
    let absolute = folder.path().join("ios/certs/a.pem");
    for (place, path) in [
        ("ios", "./certs"),
        ("ios", "certs/a.pem"),
        ("ios/certs", "../certs/a.pem"),
        ("ios", absolute.to_str().unwrap()),
    ] {
        let test = expiry(&folder.path().join(place), &[path, "--format", "github"]);
        test.env("GITHUB_WORKSPACE", folder.path()).stdout_contains("::error file=ios/certs/a.pem,title=").run();
    }
    expiry(folder.path(), &["./ios", "--format", "github"]).stdout_contains("::error file=ios/certs/a.pem,").run();
}

fn with_summary(folder: &Path, path: &Path) -> Run {
    expiry(folder, &["certs", "--format", "github"]).env("GITHUB_STEP_SUMMARY", path).run()
}

#[test]
fn the_summary_of_the_step_gets_a_table() {
    let folder = many();
    let path = folder.path().join("summary.md");
    fs::write(&path, "before\n").unwrap();
    let run = with_summary(folder.path(), &path);
    assert_eq!(run.code, Some(1));
    let summary = fs::read_to_string(&path).unwrap();
    let table = summary.strip_prefix("before\n").unwrap();
    let printed = expiry(folder.path(), &["certs", "--format", "markdown"]).run();
    assert_eq!(table, printed.text());
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ❌") || line.starts_with("| ⚠️")).collect();
    assert_eq!(rows.len(), 26, "{table}");
    assert_eq!(
        rows[0],
        "| ❌ | `Apple Push Services: com.example.expired1` | 54 days ago, 2026-10-01 | `certs/expired-1.pem` |"
    );
    assert!(table.contains("<details><summary>1 good</summary>"), "{table}");
    // Only this format is for GitHub.
    let other = folder.path().join("other.md");
    expiry(folder.path(), &["certs", "--format", "junit"]).env("GITHUB_STEP_SUMMARY", &other).run();
    assert!(!other.exists());
    // A gateway's outcome goes there too.
    let test = Test::new().arg("check").arg(fixture("der/universal.cer")).args(["--environment", "sandbox"]);
    test.args(["--format", "github"]).env("GITHUB_STEP_SUMMARY", &other).status(1).run();
    assert!(fs::read_to_string(&other).unwrap().starts_with("### APNs check: 0 of 1 gateways good\n"));
}

#[test]
fn the_summary_stays_below_what_github_drops_whole() {
    let folder = many();
    let path = folder.path().join("summary.md");
    for (room, expected) in [(6000, "more are left out"), (8000, "`certs/12.pem`"), (100, "")] {
        fs::write(&path, "x".repeat((1 << 20) - room)).unwrap();
        let run = with_summary(folder.path(), &path);
        assert_eq!(run.stderr.contains("the summary of the step is full"), expected.is_empty(), "{}", run.stderr);
        let summary = fs::read_to_string(&path).unwrap();
        assert!(summary.len() <= 1 << 20, "{room}: {}", summary.len());
        assert!(summary.ends_with('x') == expected.is_empty() && summary.contains(expected), "{room}");
    }
}

#[test]
fn a_summary_that_cannot_be_written_is_an_error_after_the_annotations() {
    let folder = many();
    let run = with_summary(folder.path(), &folder.path().join("no/such/folder"));
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(
        run.text().contains("::error ") && run.stderr.contains("cannot write the summary of the step"),
        "{}",
        run.stderr
    );
}

#[test]
fn rows_fit_into_80_columns_and_are_aligned() {
    let folder = tempfile::tempdir().unwrap();
    let long = "production/customers/of-the-north/example-incorporated/push.pem";
    write(folder.path(), long, "a-long-name-that-nobody-wants", "20271101");
    write(folder.path(), "a.pem", "株式会社", "20271101");
    write(folder.path(), &format!("failed/{long}"), "b", "20261101");
    let run = expiry(folder.path(), &["."]).run();
    let rows: Vec<&str> = run.text().lines().filter(|line| line.contains(" days")).collect();
    assert_eq!(rows.len(), 3, "{}", run.text());
    for row in rows {
        let wide = row.chars().filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).count();
        assert!(row.chars().count() + wide <= 80, "{row}");
        assert!(!row.contains("Apple Push Services"), "{row}");
    }
    // The last name of a path stays, and what failed is named whole.
    assert!(run.text().contains("…/push.pem\n"), "{}", run.text());
    assert!(run.text().contains(&format!("\n      ./failed/{long}\n")), "{}", run.text());
    let names: Vec<usize> = run.text().lines().filter_map(|line| line.find("com.exam")).collect();
    assert!(names.iter().all(|place| *place == names[0]), "{}", run.text());
}

#[test]
fn without_utf8_the_rows_are_ascii() {
    let folder = many();
    for (locale, is_ascii) in [("C", true), ("POSIX", true), ("de_DE.ISO-8859-1", true), ("de_DE.UTF-8", false)] {
        let run = expiry(folder.path(), &["certs"]).env("LC_ALL", locale).run();
        assert_eq!(run.text().is_ascii(), is_ascii, "{locale}: {}", run.text());
        assert!(run.text().contains(if is_ascii { "  #----  " } else { "  █░░░░  " }), "{locale}: {}", run.text());
    }
}

#[test]
fn every_format_tells_the_name_that_the_file_gives() {
    for format in FORMATS {
        let arguments = ["fixtures/p12/unicode-name.p12", "--passin", "env:PASSWORD", "--fail", "99999d"];
        let test = expiry(root(), &arguments).args(["--format", format]).env("PASSWORD", "push");
        let run = test.run();
        assert!(run.text().replace("\r\n ", "").contains("会社"), "{format}: {}", run.text());
    }
    // A name that tells nothing more is not told twice.
    let arguments = ["fixtures/p12/keychain.p12", "--fail", "99999d", "--format", "github"];
    let run = expiry(root(), &arguments).run();
    assert!(!run.text().contains('"'), "{}", run.text());
}

#[test]
fn test_cases_of_junit_differ_in_class_or_name() {
    let folder = tempfile::tempdir().unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let good = push("com.example.a", "a", "20251101", "20271101");
    fs::write(folder.path().join("a.pem"), [&good, broken.as_bytes(), broken.as_bytes()].concat()).unwrap();
    let run = expiry(folder.path(), &["a.pem", "a.pem", "--format", "junit"]).run();
    let mut cases: Vec<&str> = run.text().split("<testcase ").skip(1).collect();
    for case in &mut cases {
        *case = case.split('>').next().unwrap();
    }
    let count = cases.len();
    assert!(count >= 4, "{}", run.text());
    cases.sort_unstable();
    cases.dedup();
    assert_eq!(cases.len(), count, "{}", run.text());
}

#[test]
fn a_report_of_every_format_goes_to_a_file_and_replaces_the_last() {
    for (command, file, formats) in [
        ("expiry", "der/universal.cer", &FORMATS[..]),
        ("expiry", "der/expired.cer", &FORMATS),
        ("expiry", "p12/truncated.p12", &FORMATS),
        ("check", "der/universal.cer", &FORMATS[..7]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let run = |format: &str, force: &[&str]| {
            let test = Test::new().arg(command).arg(fixture(file)).args(["--format", format, "-o", "report"]);
            let test = if command == "check" { test.args(["--environment", "sandbox"]) } else { test };
            test.args(force).folder(folder.path()).any_status().run()
        };
        for format in formats {
            let first = run(format, &["--force"]);
            assert!(first.stdout.is_empty() && first.code != Some(6), "{command} {file} {format}: {}", first.stderr);
            assert!(folder.path().join("report").metadata().unwrap().len() > 0, "{command} {file} {format}");
            assert_eq!(run(format, &[]).code, Some(6), "{command} {file} {format}");
        }
    }
}

#[test]
fn the_page_says_what_failed_and_folds_the_good_ones() {
    let folder = many();
    let page = expiry(folder.path(), &["certs", "--format", "html", "--fail", "1d"]).run();
    let page = page.text();
    for part in [
        "<title>Certificate expiry: 14 expired, 12 within 30 days</title>",
        "<p class=\"state failure\">14 expired, 12 within 30 days</p>",
        "<a class=\"failure\" href=\"#failures\">14 failures</a>, <a class=\"warning\" href=\"#warnings\">12 warnings</a>",
        "<section id=\"failures\">",
        "<details id=\"good\">\n<summary class=\"ok\">1 ok</summary>",
        ">today</b>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // Each part has the labels of its ticks, which a phone shows too.
    assert_eq!(page.matches("<div class=\"axis\">").count(), 3);
    let few = expiry(folder.path(), &["certs/0.pem", "certs/1.pem", "--format", "html"]).run();
    assert!(few.text().contains("<section id=\"good\">") && !few.text().contains("<details"), "{}", few.text());
}

#[test]
fn a_row_of_the_page_says_nothing_twice_and_shows_what_goes_beyond() {
    let page = expiry(root(), &["fixtures/der/expired.cer", "fixtures/der/universal.cer", "--format", "html"]).run();
    let rows: Vec<&str> = page.text().lines().filter(|line| line.starts_with("<tr><td>")).collect();
    let (expired, universal) = (rows[0], rows[1]);
    assert_eq!(expired.matches("1028 days ago").count(), 1, "{expired}");
    assert_eq!(expired.matches("com.example.MyApp<").count(), 1, "{expired}");
    let classes = |row: &str| row.rsplit("<td class=\"").next().unwrap().split('"').next().unwrap().to_owned();
    let drawn: Vec<String> = page.text().lines().filter(|line| line.starts_with("<tr><td>")).map(classes).collect();
    assert_eq!(drawn, ["failure before", "ok after"], "{universal}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [
        &["--version"][..],
        &["--help"],
        &["help", "expiry"],
        &["expiry", "fixtures/der", "--format", "html"],
        &["expiry", "fixtures/der", "--format", "github"],
        &["expiry", "fixtures/der", "--format", "markdown"],
        &["inspect", "fixtures/der/universal.cer"],
        &["completions", "bash"],
    ] {
        let run = Test::new().args(arguments).folder(root()).closed_stdout().any_status().stderr("").run();
        let code = if arguments[0] == "expiry" { 1 } else { 0 };
        assert_eq!(run.code, Some(code), "{arguments:?}");
    }
}
