//! What is typed at a prompt, byte for byte; narrow terminals, and those that only print; the keys that stop, end and
//! complete.

use std::fs;
use std::process::Command;

use super::common::{Test, entries};
use super::terminal::{INTERRUPTED, Session, choose, fixture, start, start_in};

/// Types bytes that need not be UTF-8, and Enter.
fn type_bytes(session: &mut Session, bytes: &[u8]) {
    use std::io::Write;
    session.listening();
    let mut terminal = session.pty.process().get_file_handle().unwrap();
    terminal.write_all(bytes).unwrap();
    terminal.write_all(b"\n").unwrap();
}

/// "pässwörd" in Latin-1.
const LATIN_1: &[u8] = b"p\xe4ssw\xf6rd";

#[test]
fn a_new_password_that_is_not_utf8_is_refused_where_it_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("pack {} -o push.p12", fixture("p12/keychain.p12")));
    session.see("Password for the new .p12: ");
    type_bytes(&mut session, LATIN_1);
    session.answer(
        "the password is not UTF-8: other programs could not be given it. Password for the new .p12: ",
        "pässwörd",
    );
    session.answer("Confirm password: ", "pässwörd");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    let file = openssl::pkcs12::Pkcs12::from_der(&fs::read(folder.path().join("push.p12")).unwrap()).unwrap();
    assert!(file.parse2("pässwörd").is_ok());
}

#[test]
fn the_bytes_of_a_password_that_is_not_utf8_open_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("convert {} -o push.pem", fixture("p12/latin1-password.p12")));
    session.see("(PKCS#12 file): ");
    type_bytes(&mut session, "Pässwörd".chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<u8>>().as_slice());
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn a_name_that_is_not_utf8_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "csr --email jo@example.com --country DE");
    session.see("Name");
    type_bytes(&mut session, b"J\xf6rg");
    session.see("what was typed is not UTF-8");
    session.answer("Name", "张伟 Jörg");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    let request = fs::read(folder.path().join("CertificateSigningRequest.certSigningRequest")).unwrap();
    let request = openssl::x509::X509Req::from_pem(&request).unwrap();
    let name = request.subject_name().entries_by_nid(openssl::nid::Nid::COMMONNAME).next().unwrap();
    assert_eq!(name.data().as_slice(), "张伟 Jörg".as_bytes());
}

#[test]
fn an_arrow_key_in_a_password_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("convert {} -o push.pem", fixture("p12/keychain-password.p12")));
    session.see("(PKCS#12 file): ");
    type_bytes(&mut session, b"pus\x1b[Dh");
    session.answer("a key was pressed that types no character. Password for ", "push");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn after_ctrl_d_a_new_line_begins() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("p12/keychain-password.p12");
    for (command, question) in
        [(format!("convert {file} -o push.pem"), "(PKCS#12 file): "), ("csr".to_owned(), "E-mail address")]
    {
        let mut session = start(folder.path(), &command);
        session.asked(question);
        session.pty.send_control('d').unwrap();
        let (shown, code) = session.end();
        assert!(matches!(code, 2 | 4), "{shown}");
        assert!(shown.contains("\r\nerror: ") && shown.contains("the input has ended"), "{shown:?}");
    }
}

#[test]
fn three_wrong_passwords_end_with_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("convert {} -o push.pem", fixture("p12/keychain-password.p12")));
    session.answer("Password for ", "a");
    session.answer("wrong password. Password for ", "b");
    session.answer("wrong password. Password for ", "c");
    let (shown, code) = session.end();
    assert_eq!(code, 4, "{shown}");
    assert_eq!(shown.matches("error: ").count(), 1, "{shown}");
    assert!(!shown.contains("Password for"), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_z_stops_at_a_password_and_the_question_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file) = (env!("CARGO_BIN_EXE_pushcert"), fixture("p12/keychain-password.p12"));
    let command = format!("sh -c 'echo pid=$$.; exec \"$0\" convert \"$1\" -o push.pem' '{program}' {file}");
    let mut session = start_in(folder.path(), &command, "xterm");
    let pid = session.value("pid=");
    session.asked("(PKCS#12 file): ");
    // To the program alone, as a shell with job control would have it: the shell of the test has none.
    assert!(Command::new("kill").args(["-TSTP", &pid]).status().unwrap().success());
    wait_for_state(&pid, 'T');
    assert_eq!(session.settings(), session.before, "the terminal is as it was meanwhile");
    assert!(Command::new("kill").args(["-CONT", &pid]).status().unwrap().success());
    session.answer("(PKCS#12 file): ", "push");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
}

/// Waits until a process is in a state (proc(5)).
#[cfg(target_os = "linux")]
fn wait_for_state(pid: &str, state: char) {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, after_name) = status.rsplit_once(") ").unwrap();
        if after_name.starts_with(state) {
            return;
        }
        assert!(std::time::Instant::now() < limit, "{status}");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[test]
fn ctrl_c_in_the_wizard_prints_the_command_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    choose(&mut session, "What do you have?", 0);
    session.answer("E-mail address", "jo@example.com");
    session.answer("Name", "Jo Doe");
    session.asked("Country");
    session.ctrl_c();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
    assert!(shown.contains("so far:\r\n  pushcert csr --email jo@example.com --name 'Jo Doe'"), "{shown}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn escape_and_the_sign_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    choose(&mut session, "What do you have?", 0);
    session.answer("E-mail address", "jo@example.com");
    session.answer("Name", "<");
    session.asked("E-mail address [jo@example.com]");
    session.pty.send("\x1b").unwrap();
    session.pty.flush().unwrap();
    session.see("What do you have?");
    session.asked("Number, 1 to 3");
    session.pty.send("\x1b").unwrap();
    session.pty.flush().unwrap();
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("nothing was done"), "{shown}");
}

#[test]
fn the_tabulator_completes_paths() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("exports")).unwrap();
    let file = folder.path().join("exports/my cert.p12");
    fs::copy(super::common::fixture("p12/keychain.p12"), file).unwrap();
    let mut session = start(folder.path(), "wizard");
    choose(&mut session, "What do you have?", 1);
    session.asked("Where is it?");
    session.pty.send("exp\tmy\t\r").unwrap();
    session.pty.flush().unwrap();
    session.see("$ pushcert inspect 'exports/my cert.p12'");
    session.asked("Is this what you wanted?");
    session.ctrl_c();
    session.end();
}

/// Goes through the wizard in a terminal of this kind and width, and returns all that it showed. The first choice is made
/// with `first`, the second with `second`, where a question of these words shows.
fn prepare_in(kind: &str, columns: u16, first: [&str; 2], second: [&str; 2]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_pushcert");
    let command = format!("stty cols {columns} rows 24; '{program}' wizard");
    let mut session = start_in(folder.path(), &command, kind);
    let file = fixture("p12/keychain.p12").trim_matches('\'').to_owned();
    let mut shown = String::new();
    for [question, answer] in [
        first,
        ["Where is it? ", &file],
        ["[y/N]", "y"],
        second,
        ["Where to write it? [push.pem]:", ""],
        ["certificate? [y/N]", "n"],
    ] {
        shown += &session.see(question);
        if kind != "dumb" {
            session.listening();
        }
        session.type_line(answer);
    }
    let (end, code) = session.end();
    assert_eq!(code, 0, "{shown}{end}");
    assert_eq!(entries(folder.path()), ["push.pem"]);
    shown + &end
}

const ARROW_DOWN: &str = "\x1b[B";

#[test]
fn the_wizard_is_usable_in_a_narrow_terminal_and_in_one_that_only_prints() {
    let (first, second) = (["Number, 1 to 3 [1]: ", "2"], ["Number, 1 to 4 [1]: ", "1"]);
    let shown = prepare_in("xterm", 40, first, second);
    assert!(!shown.contains("\x1b[?25l") && !shown.contains("\x1b[1A\x1b[2K"), "{shown:?}");
    assert!(shown.contains("what was done:"), "{shown}");
    let shown = prepare_in("dumb", 40, first, second);
    assert!(!shown.contains('\x1b'), "{shown:?}");
    assert!(shown.contains("Ask APNs now whether it accepts the\r\n"), "{shown:?}");
}

#[test]
fn a_narrow_terminal_does_not_break_a_question_for_a_password_within_a_word() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(super::common::fixture("p12/keychain-password.p12"), folder.path().join("our old push.p12")).unwrap();
    let program = env!("CARGO_BIN_EXE_pushcert");
    let command = format!("stty cols 24 rows 24; '{program}' convert 'our old push.p12' -o push.pem");
    for kind in ["xterm", "dumb"] {
        let mut session = start_in(folder.path(), &command, kind);
        let shown = session.asked(": ");
        session.type_line("push");
        let (end, code) = session.end();
        assert_eq!(code, 0, "{shown}{end}");
        assert!(shown.contains("\r\n") && shown.lines().all(|line| line.len() < 24), "{shown:?}");
        fs::remove_file(folder.path().join("push.pem")).unwrap();
    }
}

#[test]
fn the_arrow_keys_count_in_a_list_and_nothing_above_is_drawn_over() {
    let shown = prepare_in("xterm", 80, ["Number, 1 to 3 [1]: ", ARROW_DOWN], ["Number, 1 to 4 [1]: ", ""]);
    for drawn_over in ["\x1b[?25l", "\x1b[1A", "\x1b[2A", "\x1b[3A"] {
        assert!(!shown.contains(drawn_over), "{shown:?}");
    }
}

#[test]
fn escape_and_ctrl_c_leave_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("stty cols 80 rows 24; '{}' wizard", env!("CARGO_BIN_EXE_pushcert"));
    for (key, expected) in [("\x1b", 0), ("\x03", INTERRUPTED)] {
        let mut session = start_in(folder.path(), &command, "xterm");
        session.asked("Number, 1 to 3 [1]: ");
        session.pty.send(key).unwrap();
        session.pty.flush().unwrap();
        let (shown, code) = session.end();
        assert_eq!(code, expected, "{shown}");
    }
}

#[test]
fn a_file_without_a_key_is_said_to_have_none_before_its_password_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("p12/certificate-only.p12");
    for command in [format!("convert {file} -o push.pem"), format!("pack {file} -o push.p12")] {
        let mut session = start(folder.path(), &command);
        session.see("no private key is to be seen in it");
        session.asked("(PKCS#12 file): ");
        session.ctrl_c();
        assert_eq!(session.end().1, INTERRUPTED);
    }
    for (command, answer) in
        [(format!("convert {file} --no-key -o push.pem"), "push"), (format!("inspect {file}"), "push")]
    {
        let mut session = start(folder.path(), &command);
        let shown = session.asked("(PKCS#12 file): ");
        assert!(!shown.contains("no private key"), "{shown}");
        session.type_line(answer);
        assert_eq!(session.end().1, 0);
    }
}

#[test]
fn a_terminal_that_becomes_narrow_keeps_what_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("stty cols 80 rows 24; '{}' csr --country DE --name Jo", env!("CARGO_BIN_EXE_pushcert"));
    let mut session = start_in(folder.path(), &command, "xterm");
    session.asked("E-mail address: ");
    session.pty.send("jo.with.a.long.name").unwrap();
    session.pty.flush().unwrap();
    session.see("name");
    let terminal = session.pty.process().get_file_handle().unwrap();
    assert!(Command::new("stty").args(["cols", "20"]).stdin(terminal).status().unwrap().success());
    session.type_line("@example.com");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("emailAddress=jo.with.a.long.name@example.com"), "{shown}");
}

// The editor draws its line again, and the terminal has broken it anew by then.
#[test]
fn a_terminal_that_becomes_narrow_shows_a_question_once() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("stty cols 80 rows 24; '{}' wizard", env!("CARGO_BIN_EXE_pushcert"));
    let mut session = start_in(folder.path(), &command, "xterm");
    session.answer("Number, 1 to 3 [1]: ", "2");
    session.answer("Where is it? ", fixture("p12/keychain.p12").trim_matches('\''));
    session.asked("Is this what you wanted? [y/N]");
    session.see("> ");
    let terminal = session.pty.process().get_file_handle().unwrap();
    assert!(Command::new("stty").args(["cols", "30"]).stdin(terminal).status().unwrap().success());
    session.type_line("y");
    let shown = session.asked("Number, 1 to 4 [1]: ");
    assert!(shown.contains('y') && !shown.contains("wanted"), "{shown:?}");
    session.ctrl_c();
    assert_eq!(session.end().1, INTERRUPTED);
}

#[test]
fn what_was_typed_is_erased_where_the_terminal_has_it_and_drawn_once() {
    let address = "jo.with.a.long.name@department.of.a.company.example.com";
    let command = format!("stty cols 80 rows 24; '{}' csr --country DE --name Jo", env!("CARGO_BIN_EXE_pushcert"));
    // Of 71 columns 31 are in the second row of a terminal that breaks the line anew; another one cuts it off.
    for (answer, way) in [("\x1b[7;32R", "\x1b[1A"), ("\x1b[7;40R", "")] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start_in(folder.path(), &command, "xterm");
        session.asked("E-mail address: ");
        session.pty.send(address).unwrap();
        session.pty.flush().unwrap();
        session.see("example.com");
        let terminal = session.pty.process().get_file_handle().unwrap();
        assert!(Command::new("stty").args(["cols", "40"]).stdin(terminal).status().unwrap().success());
        session.see("\x1b[6n");
        session.pty.send(answer).unwrap();
        session.pty.flush().unwrap();
        assert_eq!(session.see("\r\x1b[J"), way);
        assert!(!session.see("E-mail address: ").contains("\x1b[1A"));
        session.see("example.com");
        session.type_line("");
        let (shown, code) = session.end();
        assert_eq!(code, 0, "{shown}");
        assert!(shown.contains(&format!("emailAddress={address}")), "{shown}");
    }
}

#[test]
fn what_is_typed_while_the_terminal_is_asked_comes_with_the_next_key() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("stty cols 80 rows 24; '{}' csr --country DE --name Jo", env!("CARGO_BIN_EXE_pushcert"));
    let mut session = start_in(folder.path(), &command, "xterm");
    session.asked("E-mail address: ");
    session.pty.send("jo.with.a.long.name@department.of.a").unwrap();
    session.pty.flush().unwrap();
    session.see("department.of.a");
    let terminal = session.pty.process().get_file_handle().unwrap();
    assert!(Command::new("stty").args(["cols", "40"]).stdin(terminal).status().unwrap().success());
    session.see("\x1b[6n");
    session.pty.send(".compan\x1b[7;12R").unwrap();
    session.pty.flush().unwrap();
    session.see("\x1b[J");
    session.see("department.of.a");
    session.type_line("y.example.com");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("emailAddress=jo.with.a.long.name@department.of.a.company.example.com"), "{shown}");
}

#[test]
fn help_in_a_pipe_has_the_same_columns_at_every_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let command = format!("stty cols 45 rows 24; '{}' convert --help | cat > help", env!("CARGO_BIN_EXE_pushcert"));
    assert_eq!(start_in(folder.path(), &command, "xterm").end().1, 0);
    let help = fs::read_to_string(folder.path().join("help")).unwrap();
    assert_eq!(help, Test::new().args(["convert", "--help"]).run().text());
}

#[test]
fn a_password_is_asked_for_where_standard_input_is_a_pipe() {
    let pushcert = env!("CARGO_BIN_EXE_pushcert");
    let locked = fixture("p12/keychain-password.p12");
    for command in [
        format!("cat {locked} | '{pushcert}' convert - -o push.pem"),
        format!("'{pushcert}' convert {locked} -o push.pem <{locked}"),
        format!("echo {locked} | while read file; do '{pushcert}' convert \"$file\" -o push.pem; done"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start_in(folder.path(), &command, "xterm");
        session.answer("(PKCS#12 file): ", "push");
        let (shown, code) = session.end();
        assert_eq!(code, 0, "{command}: {shown}");
        assert_eq!(entries(folder.path()), ["push.pem"], "{command}");
    }
    let folder = tempfile::tempdir().unwrap();
    let command = format!("cat {} | '{pushcert}' pack - -o push.p12", fixture("p12/keychain.p12"));
    let mut session = start_in(folder.path(), &command, "xterm");
    session.answer("Password for the new .p12: ", "new");
    session.answer("Confirm password: ", "new");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn two_processes_at_one_terminal_ask_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (pushcert, locked) = (env!("CARGO_BIN_EXE_pushcert"), fixture("p12/keychain-password.p12"));
    // As make -j2 has it: the jobs have the group of their script, and one has no terminal for its input.
    let job = |output: &str| format!("echo | '{pushcert}' convert {locked} -o {output}");
    let command = format!("{{ {} & {}; wait $!; }}", job("a.pem"), job("b.pem"));
    let mut session = start_in(folder.path(), &command, "xterm");
    let mut shown = String::new();
    for _ in 0..2 {
        shown += &session.asked("(PKCS#12 file): ");
        session.type_line("push");
    }
    let (end, code) = session.end();
    shown += &end;
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("push\r\n"), "{shown:?}");
    assert_eq!(entries(folder.path()), ["a.pem", "b.pem"]);
}

#[test]
fn nobody_is_asked_without_a_terminal_or_in_its_background() {
    let pushcert = env!("CARGO_BIN_EXE_pushcert");
    let locked = fixture("p12/keychain-password.p12");
    for command in [
        // With job control a job has a group of its own.
        format!("bash -c 'set -m; \"{pushcert}\" convert {locked} -o push.pem </dev/null & wait $!'"),
        format!("setsid -w '{pushcert}' convert {locked} -o push.pem </dev/null"),
        format!("'{pushcert}' convert {locked} -o push.pem </dev/null"),
        format!("'{pushcert}' convert {locked} -o push.pem <&-"),
        // Without job control a job has the group of its script, and no input.
        format!("bash -c '\"{pushcert}\" convert {locked} -o push.pem & wait $!'"),
        format!("echo {locked} | xargs -n1 '{pushcert}' convert -o push.pem; test $? = 123 && (exit 4)"),
        format!("'{pushcert}' convert {locked} -o push.pem </dev/null 2>errors; result=$?; cat errors; (exit $result)"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (shown, code) = start_in(folder.path(), &command, "xterm").end();
        assert_eq!(code, 4, "{command}: {shown}");
        assert!(shown.contains("give the password with --passin"), "{command}: {shown}");
    }
}

#[test]
fn a_dumb_terminal_promises_no_keys_that_it_has_not() {
    for (kind, has_keys) in [("dumb", false), ("xterm", true)] {
        let folder = tempfile::tempdir().unwrap();
        let command = format!("stty columns 300; '{}' wizard", env!("CARGO_BIN_EXE_pushcert"));
        let mut session = start_in(folder.path(), &command, kind);
        let shown = session.see("Ctrl-C leaves)");
        assert_eq!((shown.contains("Tab"), shown.contains("arrow keys")), (has_keys, has_keys), "{kind}: {shown}");
        session.see("What do you have?");
        match has_keys {
            true => session.ctrl_c(),
            false => session.pty.send_control('c').unwrap(),
        }
        let (shown, code) = session.end();
        assert_eq!(code, INTERRUPTED, "{kind}: {shown}");
    }
}
