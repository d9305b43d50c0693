//! The README's commands run as they stand, and print what it shows.

use std::fs;
use std::path::Path;

use super::certificates;
use crate::common::{Test, fixture, root};

/// A block whose output is held by a test of its own.
const TESTED_ELSEWHERE: &str = "pushcert rehearse";

/// The address of the gateway in the README. A test has a port of its own.
const ADDRESS: &str = "127.0.0.1:2197";

/// A command, and what the README shows below it.
struct Shown {
    command: String,
    output: String,
    /// The exit code that the README says; 0 where it says none.
    code: i32,
}

/// Returns the commands of a block of the console.
fn commands(block: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push(Shown { command: command.to_owned(), output: String::new(), code: 0 }),
            (None, Some(shown)) => shown.output.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    found
}

/// Returns the lines of a block for a shell that are commands to be typed here, not a script for elsewhere.
fn silent_commands(block: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    for line in block.lines() {
        if !line.starts_with("pushcert ") && !line.starts_with("cp ") {
            return Vec::new();
        }
        found.push(Shown { command: line.to_owned(), output: String::new(), code: 0 });
    }
    found
}

/// The commands of a block, or of a table.
struct Block {
    commands: Vec<Shown>,
    /// It shows what they print. Others are to end well.
    has_output: bool,
    is_table: bool,
}

/// The heads of the tables with commands that go on in the same folder. They write files, or read them.
const TABLES: [&str; 2] = ["| you have, or want | command |", "| service | what it wants | command |"];

/// What stands in the README before an exit code.
const ENDS_WITH: &str = "ends with ";

/// Returns the exit code that a text says, and 0 where it says none.
fn code_in(text: &str) -> i32 {
    let Some((_, rest)) = text.split_once(ENDS_WITH) else { return 0 };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no exit code: {text}"))
}

/// Returns the commands of the tables in a text that need no server.
fn table_commands(text: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    for head in TABLES {
        let Some((_, table)) = text.split_once(head) else { continue };
        let rows = table.trim_start().lines().take_while(|line| line.starts_with('|'));
        for (quoted, row) in rows.flat_map(|row| row.split('`').skip(1).step_by(2).map(move |quoted| (quoted, row))) {
            let code = code_in(row);
            if !["pushcert convert ", "pushcert pack ", "pushcert inspect "].iter().any(|name| quoted.starts_with(name))
            {
                continue;
            }
            // At a terminal it is asked for.
            let needs_password = quoted.starts_with("pushcert pack ") && !quoted.contains("--passout");
            let password = if needs_password { " --passout env:NEW" } else { "" };
            found.push(Shown { command: format!("{quoted}{password}"), output: String::new(), code });
        }
    }
    found
}

/// Returns the blocks and tables with commands, in their order.
fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (index, part) in readme.split("```").enumerate() {
        if index % 2 == 0 {
            let commands = table_commands(part);
            if !commands.is_empty() {
                blocks.push(Block { commands, has_output: false, is_table: true });
            }
            continue;
        }
        let (language, block) = part.split_once('\n').unwrap();
        let has_output = language == "console";
        let commands = match language {
            "console" => commands(block),
            "sh" => silent_commands(block),
            _ => continue,
        };
        if !commands.is_empty() {
            blocks.push(Block { commands, has_output, is_table: false });
        }
    }
    blocks
}

/// Puts # in the place of every number and of long hexadecimal words, since days pass and tokens differ, and one blank in
/// the place of several.
fn without_what_varies(text: &str) -> String {
    let mut kept = String::new();
    for line in text.lines() {
        for word in line.split_whitespace() {
            let is_token = word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
            kept.push_str(&if is_token { "#".to_owned() } else { without_numbers(word) });
            kept.push(' ');
        }
        kept.push('\n');
    }
    kept
}

fn without_numbers(text: &str) -> String {
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' if kept.ends_with('#') => {}
            '0'..='9' => kept.push('#'),
            _ => kept.push(c),
        }
    }
    kept
}

/// Returns the day that is so many days from today, such as "20261124".
fn day(days: i64) -> String {
    let day = time::OffsetDateTime::now_utc() + time::Duration::days(days);
    day.date().to_string().replace('-', "")
}

/// Puts what a fresh clone or a team has into a folder, before the first command: none finds a file that another wrote.
fn prepare(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    std::os::unix::fs::symlink(root().join("fixtures"), folder.join("fixtures")).unwrap();
    fs::create_dir_all(folder.join("home/keys")).unwrap();
    fs::copy(fixture("key/push.pem"), folder.join("home/keys/aps.key")).unwrap();

    fs::create_dir(folder.join("certs")).unwrap();
    let push = |app: &str, from: i64, until: i64| {
        let (uid, name) = (format!("com.example.{app}"), format!("Apple Push Services: com.example.{app}"));
        certificates::push(&uid, &name, &day(from), &day(until))
    };
    write("devices.csv", format!("name,device_token\njo,{}\n", "a1".repeat(32)).as_bytes());
    write("certs/old.pem", &push("Expired", -377, -12));
    write("certs/watch.pem", &push("Soon", -345, 21));
    write("certs/app.pem", &push("Fresh", -10, 381));
    let p12 = fs::read(fixture("p12/keychain.p12")).unwrap();
    write("certs/truncated.p12", &p12[..p12.len() / 2]);

    fs::copy(fixture("der/mdm.cer"), folder.join("renamed.pem")).unwrap();
    fs::copy(fixture("der/mdm.cer"), folder.join("MDM_Certificate.pem")).unwrap();

    let key = fs::read(fixture("key/push.pem")).unwrap();
    write("old.pem", &[push("MyApp", -379, 16), key.clone()].concat());
    write("renewed.pem", &[push("MyApp", -5, 390), key].concat());
}

/// Returns the line of a script that runs a command. A gateway in the background is waited for.
fn script_line(command: &str) -> String {
    match command.strip_suffix(" &") {
        None => format!("{}\n", command.replace(ADDRESS, "$address")),
        Some(gateway) => {
            let gateway = gateway.replace(ADDRESS, "127.0.0.1:0");
            format!(
                "{gateway} >gateway.line & gateway=$!\ntrap 'kill $gateway; wait' EXIT\n\
                 until [ -s gateway.line ]; do kill -0 $gateway || exit; sleep 0.02; done\ncat gateway.line\n\
                 address=$(sed 's/.*\"address\":\"//; s/\".*//' gateway.line)\n"
            )
        }
    }
}

/// Runs a block as one script, and checks what each command prints.
fn run(block: &Block, folder: &Path) {
    let (mut script, mut expected) = ("exec 2>&1\n".to_owned(), String::new());
    if !block.has_output {
        script.push_str("set -e\n");
    }
    for Shown { command, output, code } in &block.commands {
        if *code != 0 {
            script.push_str(&format!("{command} && exit 9; [ $? = {code} ]\n"));
            continue;
        }
        script.push_str(&script_line(command));
        expected.push_str(output);
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_pushcert")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let test =
        Test::shell(&script).folder(folder).env("PATH", path).env("NEW", "secret").env("HOME", folder.join("home"));
    let test = test.env("P12_PASSWORD", "").env("PEM_PASSWORD", "secret");
    if !block.has_output {
        test.status(0).run();
        return;
    }
    let ran = test.any_status().run();
    assert_eq!(without_what_varies(ran.text()), without_what_varies(&expected), "{script}\n{}", ran.text());
}

/// Returns the commands beside error messages that need neither a server nor a file that is named for all, with the exit
/// code that the text above them says of those that write what is there already.
fn commands_of_messages(readme: &str) -> Block {
    let (above, table) = readme.split_once("| said by |").unwrap();
    let code = code_in(above.trim_end().lines().last().unwrap());
    let mut commands: Vec<Shown> = Vec::new();
    for row in table.lines().take_while(|line| !line.is_empty()) {
        let cell = row.rsplit(" | ").next().unwrap_or_default();
        for command in cell.split('`').skip(1).step_by(2) {
            let is_offline = ["convert", "pack", "inspect", "expiry", "example"]
                .iter()
                .any(|name| command.strip_prefix("pushcert ").is_some_and(|rest| rest.split(' ').next() == Some(name)));
            if !is_offline || command.contains("FILE") || commands.iter().any(|known| known.command == command) {
                continue;
            }
            let code = if command.ends_with("-o push.pem") { code } else { 0 };
            commands.push(Shown { command: command.to_owned(), output: String::new(), code });
        }
    }
    assert!(commands.len() >= 5 && commands.iter().any(|known| known.code == 6));
    Block { commands, has_output: false, is_table: true }
}

#[test]
fn the_commands_run_in_one_folder_and_print_what_is_shown() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let (mut count, mut in_tables) = (0, 0);
    for block in blocks(&readme) {
        if block.commands[0].command != TESTED_ELSEWHERE {
            run(&block, folder.path());
            count += 1;
            in_tables += if block.is_table { block.commands.len() } else { 0 };
        }
    }
    run(&commands_of_messages(&readme), folder.path());
    assert!(count >= 15, "only {count} blocks and tables ran");
    assert!(in_tables >= 17, "only {in_tables} commands of tables ran");
}

/// The options whose values are written. A folder of the gateway has more than one file.
const WRITES: [&str; 6] = ["-o", "--cert-out", "--key-out", "--folder", "--state", "--register-with"];

/// Returns the commands of the README, in blocks and in its text, in their order.
fn all_commands(readme: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (index, part) in readme.split("```").enumerate() {
        let pieces: Vec<&str> = match index % 2 {
            0 => part.split('`').skip(1).step_by(2).collect(),
            _ => part.lines().map(|line| line.strip_prefix("$ ").unwrap_or(line)).collect(),
        };
        found.extend(pieces.into_iter().filter(|piece| piece.starts_with("pushcert ") || piece.starts_with("cp ")));
    }
    found
}

/// Returns whether a word of a command is the name of a file that a reader would look for.
fn is_file(word: &str) -> bool {
    let (_, ending) = word.rsplit_once('.').unwrap_or_default();
    let known = ["pem", "p12", "cer", "crt", "key", "p8", "csv", "txt", "json", "ndjson", "db", "xml"];
    word.starts_with("~/") || known.contains(&ending)
}

#[test]
fn every_file_of_a_command_is_made_before_or_said_to_be_a_teams_own() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (above, _) = readme.split_once(" below are a team's own").unwrap();
    let (_, sentence) = above.rsplit_once("The files").unwrap();
    let own: Vec<&str> = sentence.split('`').skip(1).step_by(2).collect();
    let is_own = |file: &str| {
        own.iter().any(|name| match name.split_once('…') {
            Some((start, end)) => file.starts_with(start) && file.ends_with(end),
            None => file == *name,
        })
    };
    let (mut made, mut count) = (Vec::new(), 0);
    for command in all_commands(&readme) {
        let words: Vec<&str> = command.split(" #").next().unwrap().split_whitespace().collect();
        let mut written = Vec::new();
        for (index, word) in words.iter().enumerate().skip(1) {
            let file = word.trim_start_matches("sqlite:");
            let is_copy = words[0] == "cp" && index == words.len() - 1;
            let is_import = command.starts_with("pushcert database import ") && index == 3;
            if is_copy || is_import || WRITES.contains(&words[index - 1]) {
                written.push(file.to_owned());
            } else if is_file(file) {
                let is_made = made.iter().any(|made| file == made || file.starts_with(&format!("{made}/")));
                let is_fixture = file.starts_with("fixtures/") && root().join(file).exists();
                assert!(is_made || is_fixture || is_own(file), "{command}: nothing makes {file}");
                count += 1;
            }
        }
        if words[1] == "csr" {
            written.push("push.key".to_owned());
        }
        made.extend(written);
    }
    assert!(count > 50, "only {count} files");
}

#[test]
fn the_chinese_section_sends_as_it_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("`pushcert push push-zh.pem ").unwrap();
    let (arguments, _) = rest.split_once('`').unwrap();
    let push = format!("push push-zh.pem {}", arguments.replace("设备令牌", &"a1".repeat(32)));
    let script = format!("\"$0\" convert cert.p12 -o push-zh.pem && exec \"$0\" {push} --dry-run");
    Test::shell(&script).folder(folder.path()).stdout_contains("你好").run();
}
