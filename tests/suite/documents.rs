//! The documents name files that exist.

use crate::common::{Test, root};

/// Returns what stands between backticks, in order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Whether a quotation is a path in the repository: it begins with a folder of it, and has no placeholder.
fn is_path(text: &str) -> bool {
    let Some((folder, _)) = text.split_once('/') else { return false };
    let has_placeholder = text.contains(|c: char| c.is_ascii_uppercase() || c.is_whitespace() || c == '*');
    root().join(folder).is_dir() && (!has_placeholder || text.ends_with("README.md"))
}

fn missing(document: &str) -> (usize, Vec<String>) {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let (mut count, mut missing) = (0, Vec::new());
    for path in quoted(&text).into_iter().filter(|text| is_path(text)) {
        count += 1;
        if !root().join(path).exists() {
            missing.push(format!("{document} names {path}"));
        }
    }
    (count, missing)
}

#[test]
fn every_path_in_a_document_exists() {
    for (document, at_least) in [("CONTRIBUTING.md", 40), ("tests/README.md", 10), ("SECURITY.md", 2)] {
        let (count, missing) = missing(document);
        assert!(count >= at_least, "{document} names only {count} paths");
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// Returns the rows of the table of messages, from what `explain` lists.
fn rows_of_messages() -> Vec<String> {
    let listed = Test::new().args(["explain", "--json"]).status(0).run();
    let report: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    let mut rows = Vec::new();
    for message in report["messages"].as_array().unwrap() {
        let [from, text, meaning] = ["from", "text", "meaning"].map(|name| message[name].as_str().unwrap());
        let commands = message["commands"].as_array().unwrap();
        let mut cell = String::new();
        for command in commands {
            let between = if cell.is_empty() { "" } else { "<br>" };
            cell.push_str(&format!("{between}`{}`", command.as_str().unwrap()));
        }
        rows.push(format!("| {from} | `{text}` | {meaning} | {cell} |"));
    }
    rows
}

/// Returns the rows of the table of messages in a document.
fn shown_rows(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let table = text.lines().skip_while(|line| !line.starts_with("| said by |")).skip(2);
    table.take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
}

#[test]
fn the_documents_have_every_message_that_is_explained() {
    let rows = rows_of_messages();
    assert_eq!(shown_rows("src/docs/messages.md"), rows, "the rows are:\n{}", rows.join("\n"));
    let shown = shown_rows("README.md");
    assert!(shown.len() >= 10, "{shown:?}");
    for row in shown {
        assert!(rows.contains(&row), "README.md has another row: {row}");
    }
}

/// Returns the targets of a document's links to this repository, from its folder.
fn targets(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let mut targets = Vec::new();
    for part in text.split("](").skip(1) {
        let Some((target, _)) = part.split_once(')') else { continue };
        if !target.contains("://") {
            targets.push(target.to_owned());
        }
    }
    targets
}

/// Returns the anchors of a document's headings, as GitHub makes them.
fn anchors(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let mut anchors = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        anchors.push(heading.replace(' ', "-").replace(['.', ',', ':', '\''], ""));
    }
    anchors
}

#[test]
fn every_link_leads_somewhere() {
    let found = targets("README.md");
    assert!(found.len() >= 8, "{found:?}");
    for target in found {
        let (file, anchor) = target.split_once('#').unwrap_or((target.as_str(), ""));
        let file = if file.is_empty() { "README.md" } else { file };
        assert!(root().join(file).is_file(), "README.md leads to {target}");
        assert!(anchor.is_empty() || anchors(file).iter().any(|known| known == anchor), "README.md leads to {target}");
    }
}

#[test]
fn explain_reads_what_is_piped_to_it() {
    let message = "curl: (58) unable to set private key file: 'push.pem' type PEM\n";
    let test = Test::new().arg("explain").stdin(message).status(0);
    let run = test.run();
    let text = run.text();
    assert!(text.starts_with("unable to set private key file") && text.contains("pushcert inspect push.pem"), "{text}");
    let test = Test::new().arg("explain").stdin("all is well\n").status(1);
    test.stderr_contains("no message that is known is in this text").run();
}

#[test]
fn explain_finds_an_error_at_the_end_of_a_long_log_and_stops_no_program() {
    let message = "Mac verify error: invalid password?";
    for lines in ["10000", "40000", "100000"] {
        let script =
            format!("{{ yes 'INFO a step of the deployment' | head -{lines}; echo '{message}'; }} | \"$0\" explain");
        Test::shell(&script).stdout_contains(message).run();
    }
    let script = "{ yes 'INFO a step of the deployment' | head -200000; touch done; } | \"$0\" explain; code=$?; rm done; exit $code";
    let test = Test::shell(script).status(1).stderr_contains(
        "no message that is known is in the first MiB or in the last MiB of this text; what is between them was not searched",
    );
    let run = test.stderr_contains("give the message alone: pushcert explain 'MESSAGE'").run();
    assert!(!run.stderr.contains("done"), "the program was stopped: {}", run.stderr);
}

#[test]
fn explain_reads_what_power_shell_writes() {
    let lines = "INFO a step\r\n".repeat(120_000) + "Mac verify error: invalid password?\r\n";
    for text in ["Mac verify error: invalid password?\r\n", &lines] {
        for mark in ["\u{feff}", ""] {
            let mut bytes = Vec::new();
            for unit in [mark, text].concat().encode_utf16() {
                bytes.extend(unit.to_le_bytes());
            }
            Test::new().arg("explain").stdin(bytes).stdout_contains("the password is wrong").run();
        }
    }
}

#[test]
fn explain_tells_what_to_do_where_nothing_can_be_read() {
    let run = Test::shell("\"$0\" explain < /").status(3).stderr_contains("standard input cannot be read: ").run();
    let hint = "hint: give the message as an argument, or pipe it: pushcert explain < build.log\n";
    assert!(run.stderr.ends_with(hint), "{}", run.stderr);
}

#[test]
fn explain_says_that_nothing_was_piped() {
    for script in [
        ": | \"$0\" explain",
        "echo | \"$0\" explain",
        ": | \"$0\" explain -",
        "\"$0\" explain - < /dev/null",
        "\"$0\" explain < empty",
    ] {
        let script = format!(": > empty; {script}");
        let test = Test::shell(&script).status(2).stdout("");
        test.stderr_contains("there is nothing on standard input to explain").stderr_contains("2>&1 |").run();
    }
    Test::shell("\"$0\" explain < /dev/null").stdout_contains("Mac verify error").run();
}

#[test]
fn explain_repeats_nothing_of_the_text() {
    let pasted = "-passin pass:hunter2secret\nMac verify error: invalid password?\nBadDeviceToken abcdef0123456789";
    for (text, code) in [(pasted, 0), ("hunter2secret abcdef0123456789", 1)] {
        for format in [&["-"][..], &["-", "--json"]] {
            let test = Test::new().arg("explain").args(format).stdin(text).status(code);
            test.hides("hunter2secret").hides("abcdef0123456789").run();
        }
    }
}

#[test]
fn every_action_of_the_workflow_is_pinned_to_a_commit() {
    let workflow = std::fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    let action = std::fs::read_to_string(root().join("action.yml")).unwrap();
    let mut count = 0;
    for line in workflow.lines().chain(action.lines()) {
        let Some((_, used)) = line.split_once("uses: ") else { continue };
        let (_, pin) = used.split_once('@').unwrap();
        let (commit, version) = pin.split_once(" # v").unwrap_or((pin, ""));
        assert!(commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{used}");
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{used} does not tell its version");
        count += 1;
    }
    assert!(count >= 8, "only {count} actions are used");
}

/// Returns the part of a text between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} after {start:?}")).0
}

#[test]
fn the_readme_shows_the_action_with_inputs_that_it_has_and_a_schedule() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (readme, action) = (read("README.md"), read("action.yml"));
    let workflow = between(&readme, "```yaml\n# .github/workflows/", "```");
    assert!(workflow.contains("\n  schedule: [{ cron: "), "{workflow}");
    assert!(workflow.contains(concat!("uses: OWNER/pushcert@v", env!("CARGO_PKG_VERSION"), "\n")), "{workflow}");
    let inputs: Vec<&str> = between(&action, "\ninputs:\n", "\nruns:").lines().collect();
    let (_, given) = workflow.split_once("with:\n").unwrap();
    let mut names = Vec::new();
    for line in given.lines() {
        let (name, _) = line.trim().split_once(':').unwrap();
        assert!(inputs.contains(&format!("  {name}:").as_str()), "the action has no input {name}");
        names.push(name);
    }
    assert!(names.contains(&"paths"), "{names:?}");
}

#[test]
fn the_readme_says_of_windows_what_the_releases_have() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    assert!(!read(".github/workflows/release.yml").contains("windows"));
    assert!(read("README.md").contains("There is none for\nWindows, where WSL takes those for Linux."));
}

#[test]
fn the_documents_say_who_can_read_what_has_mode_0600() {
    for (document, words) in [("README.md", "mode 0600, and"), ("src/docs/files.md", "mode 0600, and")] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let (_, rest) = text.split_once(words).unwrap();
        let paragraph = rest.split("\n\n").next().unwrap();
        assert!(
            paragraph.contains("`sudo install -o www-data -m 400 push.pem /etc/push.pem`"),
            "{document}: {paragraph}"
        );
    }
}

/// Fields of reports of the first `schema_version`. More may be added here, and none goes.
const FIELDS: [(&[&str], &[&str]); 4] = [
    (
        &["expiry", "pem/identity.pem", "--list-skipped"],
        &[
            "/schema_version",
            "/at",
            "/verdict",
            "/summary/ok",
            "/exit_code",
            "/policy",
            "/summary/files",
            "/summary/passed_over",
            "/summary/passed_over_kinds",
            "/certificates/0/file",
            "/certificates/0/verdict",
            "/certificates/0/not_after",
            "/certificates/0/days_left",
            "/findings",
            "/skipped",
        ],
    ),
    (
        &["inspect", "pem/identity.pem"],
        &["/schema_version", "/files/0/file", "/files/0/container", "/files/0/certificates", "/files/0/keys"],
    ),
    (&["compare", "pem/identity.pem", "pem/identity.pem"], &["/schema_version", "/differences", "/old", "/new"]),
    (&["explain"], &["/schema_version", "/messages/0/from", "/messages/0/text", "/messages/0/meaning"]),
];

#[test]
fn the_readme_states_the_policy_of_json_and_reports_keep_it() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let policy = "Every report in JSON has `schema_version`, which is 1. Fields are added; nothing is renamed, goes or \
                  changes its meaning without a new `schema_version`.";
    assert!(readme.contains(policy));
    for (arguments, fields) in FIELDS {
        let run = Test::new().args(arguments).arg("--json").folder(&root().join("fixtures")).any_status().run();
        let report = run.json();
        assert_eq!(report["schema_version"], 1, "{arguments:?}");
        for field in fields {
            assert!(report.pointer(field).is_some(), "{arguments:?} has no {field}: {report}");
        }
    }
    let run = Test::new().args(["inspect", "--json", "nothing.pem"]).status(3).run();
    assert_eq!(run.json()["schema_version"], 1);
}
