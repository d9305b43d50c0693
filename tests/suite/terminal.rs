//! A person at a terminal: a pseudo-terminal with a shell in it that runs pushcert, so that what is left
//! of the terminal can be looked at afterwards. Every wait is bounded.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pushcert::testing::{Environment, GatewayOptions, ThrowawayCa, TokenState};
use rexpect::session::{PtySession, spawn_command};
use rustix::termios::{LocalModes, tcgetattr};

use super::check::Stage;
use super::common::{Test, entries};

/// The longest wait for any one thing to show, in milliseconds.
const PATIENCE: u64 = 30_000;

const KEY: &str = "push.key";
const REQUEST: &str = "CertificateSigningRequest.certSigningRequest";

/// Runs `pushcert ARGUMENTS` in `folder`.
pub(super) fn start(folder: &Path, arguments: &str) -> Session {
    start_command(folder, &format!("'{}' {arguments}", env!("CARGO_BIN_EXE_pushcert")))
}

/// Runs a command of the shell, between two looks at the terminal's settings.
fn start_command(folder: &Path, command: &str) -> Session {
    start_in(folder, command, "xterm")
}

/// Runs a command of the shell in a terminal of this kind.
pub(super) fn start_in(folder: &Path, command: &str, kind: &str) -> Session {
    // The terminal of the test has no echo; a person's has.
    let script = format!(
        "stty echo; trap : INT; printf 'before=%s.\n' \"$(stty -g)\"; {command}; \
         printf 'code=%s.\n' $?; printf 'after=%s.\n' \"$(stty -g)\""
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(folder).env("TERM", kind).env("NO_COLOR", "1");
    let mut session = Session { pty: spawn_command(command, Some(PATIENCE)).unwrap(), before: String::new() };
    session.before = session.value("before=");
    session
}

pub(super) struct Session {
    pub(super) pty: PtySession,
    pub(super) before: String,
}

impl Session {
    /// Waits until `text` shows; returns what showed before it.
    pub(super) fn see(&mut self, text: &str) -> String {
        self.pty.exp_string(text).unwrap_or_else(|error| panic!("{text:?} does not show: {error}"))
    }

    pub(super) fn type_line(&mut self, text: &str) {
        self.pty.send_line(text).unwrap();
    }

    /// Waits until the question that shows reads keys: the terminal's own echo is off. What is typed before
    /// would show, or interrupt something else. Nothing tells of a change of these settings, so they are polled.
    pub(super) fn listening(&mut self) {
        let terminal = self.pty.process().get_file_handle().unwrap();
        let limit = Instant::now() + Duration::from_millis(PATIENCE);
        while tcgetattr(&terminal).unwrap().local_modes.contains(LocalModes::ECHO) {
            assert!(Instant::now() < limit, "the question does not listen");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until a question shows and listens; returns what showed before it.
    pub(super) fn asked(&mut self, question: &str) -> String {
        let shown = self.see(question);
        self.listening();
        shown
    }

    pub(super) fn answer(&mut self, question: &str, text: &str) {
        self.asked(question);
        self.type_line(text);
    }

    /// Returns the settings of the terminal, as `stty -g` prints them.
    pub(super) fn settings(&self) -> String {
        let terminal = self.pty.process().get_file_handle().unwrap();
        let output = Command::new("stty").arg("-g").stdin(terminal).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(super) fn value(&mut self, label: &str) -> String {
        self.see(label);
        self.see(".\r\n")
    }

    pub(super) fn ctrl_c(&mut self) {
        self.listening();
        self.pty.send_control('c').unwrap();
    }

    /// Waits for the end: what showed until then, and the exit code as the shell saw it.
    pub(super) fn end(mut self) -> (String, i32) {
        let shown = self.see("code=");
        let code = self.see(".\r\n").parse().unwrap();
        let after = self.value("after=");
        assert_eq!(after, self.before, "the terminal is as it was");
        (shown, code)
    }
}

/// How a shell reports death by SIGINT.
pub(super) const INTERRUPTED: i32 = 128 + 2;

#[test]
fn csr_asks_for_what_is_missing_and_wrong_answers_are_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "csr --name 'Jo Doe'");
    session.answer("E-mail address", "jo.example.com");
    session.see("an e-mail address such as jo@example.com is expected");
    session.answer("E-mail address", "  jo@example.com ");
    session.answer("Country", "deu");
    session.answer("two letters are expected, such as DE", "de");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("(emailAddress=jo@example.com, CN=Jo Doe, C=DE)"), "{shown}");
    assert_eq!(entries(folder.path()), [REQUEST, KEY]);
}

#[test]
fn ctrl_c_at_a_question_leaves_nothing_behind() {
    for question in ["E-mail address", "Country"] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start(folder.path(), "csr --name 'Jo Doe'");
        if question == "Country" {
            session.answer("E-mail address", "jo@example.com");
        }
        session.see(question);
        session.ctrl_c();
        let (shown, code) = session.end();
        assert_eq!(code, INTERRUPTED, "{shown}");
        assert!(!shown.contains("error"), "{shown}");
        assert!(entries(folder.path()).is_empty());
    }
}

const SUBJECT: &str = "--email jo@example.com --name Jo --country DE";

#[test]
fn ctrl_c_at_a_hidden_question_restores_the_terminal() {
    for again in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start(folder.path(), &format!("csr {SUBJECT} --encrypt"));
        session.see("Password to encrypt the private key with: ");
        if again {
            session.listening();
            session.type_line("secret");
            session.see("Confirm password: ");
        }
        session.ctrl_c();
        let (shown, code) = session.end();
        assert_eq!(code, INTERRUPTED, "{shown}");
        assert!(!shown.contains("error") && !shown.contains("secret"), "{shown}");
        assert!(entries(folder.path()).is_empty());
    }
}

#[test]
fn a_new_password_is_asked_twice_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("csr {SUBJECT} --encrypt"));
    session.answer("Password to encrypt the private key with: ", "");
    session
        .answer("--encrypt needs a password that is not empty. Password to encrypt the private key with: ", "sesame");
    session.answer("Confirm password: ", "open");
    session.answer("the passwords do not match. Password to encrypt the private key with: ", "sesame");
    session.answer("Confirm password: ", "sesame");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
    let pem = fs::read(folder.path().join(KEY)).unwrap();
    openssl::pkey::PKey::private_key_from_pem_passphrase(&pem, b"sesame").unwrap();
}

#[test]
fn a_new_password_that_is_never_repeated_makes_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("csr {SUBJECT} --encrypt"));
    for (first, second) in [("a", "b"), ("b", "c"), ("c", "d")] {
        session.answer("Password to encrypt the private key with: ", first);
        session.answer("Confirm password: ", second);
    }
    let (shown, code) = session.end();
    assert_eq!(code, 4, "{shown}");
    assert!(shown.contains("no password was entered twice in 3 tries"), "{shown}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn what_is_wrong_with_a_new_password_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("csr {SUBJECT} --encrypt"));
    let mut all = String::new();
    for _ in 0..3 {
        all += &session.asked("Password to encrypt the private key with: ");
        session.type_line("");
    }
    let (shown, code) = session.end();
    all += &shown;
    assert_eq!(code, 4, "{all}");
    assert_eq!(all.matches("needs a password that is not empty").count(), 1, "{all}");
}

#[test]
fn neither_a_key_nor_a_p12_is_printed_on_a_terminal_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("p12/keychain.p12");
    for (command, refusal) in [
        (format!("convert {file}"), "a private key is not printed on a terminal"),
        (format!("pack {file} --passout pass:new"), "a .p12 is not printed on a terminal"),
    ] {
        let (shown, code) = start(folder.path(), &command).end();
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains(refusal) && !shown.contains("BEGIN"), "{shown}");
    }
    let (shown, code) = start(folder.path(), &format!("convert {file} -o -")).end();
    assert!(code == 0 && shown.contains("BEGIN PRIVATE KEY"), "{shown}");
}

/// Returns the path of a fixture, quoted for the shell.
pub(super) fn fixture(path: &str) -> String {
    format!("'{}'", super::common::fixture(path).display())
}

#[test]
fn pack_asks_for_the_old_password_and_twice_for_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), &format!("pack {} -o push.p12", fixture("p12/keychain-password.p12")));
    session.answer("(PKCS#12 file): ", "wrong");
    session.answer("wrong password. Password for", "push");
    session.answer("Password for the new .p12: ", "");
    session.answer("--for keychain needs a password that is not empty", "sesame");
    session.answer("Confirm password: ", "sesame");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("security import push.p12 -f pkcs12 -k ~/Library/Keychains/login.keychain-db"), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
    let file = openssl::pkcs12::Pkcs12::from_der(&fs::read(folder.path().join("push.p12")).unwrap()).unwrap();
    assert!(file.parse2("sesame").unwrap().pkey.is_some());
}

#[test]
fn ctrl_c_at_any_password_of_pack_leaves_nothing_behind() {
    for questions in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start(folder.path(), &format!("pack {} -o push.p12", fixture("p12/keychain-password.p12")));
        let asked = [("(PKCS#12 file): ", "push"), ("Password for the new .p12: ", "new"), ("Confirm password: ", "")];
        for (question, answer) in &asked[..questions] {
            session.answer(question, answer);
        }
        session.see(asked[questions].0);
        session.ctrl_c();
        let (shown, code) = session.end();
        assert_eq!(code, INTERRUPTED, "{shown}");
        assert!(!shown.contains("error"), "{shown}");
        assert!(entries(folder.path()).is_empty());
    }
}

#[test]
fn a_signal_from_elsewhere_restores_the_terminal_too() {
    let program = env!("CARGO_BIN_EXE_pushcert");
    for (signal, number) in [("-TERM", 15), ("-HUP", 1), ("-QUIT", 3)] {
        for (arguments, question) in [
            (format!("csr {SUBJECT} --encrypt"), "Password to encrypt the private key with: "),
            ("wizard".to_owned(), "Number, 1 to 3"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            // Whoever runs the tests may have signals ignored, as nohup has.
            let reset = "$SIG{$_} = \"DEFAULT\" for qw(HUP QUIT TERM); $| = 1; print \"pid=$$.\\n\"; exec @ARGV";
            let command = format!("perl -e '{reset}' '{program}' {arguments}");
            let mut session = start_command(folder.path(), &command);
            let pid = session.value("pid=");
            session.asked(question);
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            let (shown, code) = session.end();
            assert_eq!(code, 128 + number, "{signal} {arguments}: {shown}");
            assert!(entries(folder.path()).is_empty());
        }
    }
}

#[test]
fn ctrl_c_at_the_command_that_prints_a_password_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file) = (env!("CARGO_BIN_EXE_pushcert"), fixture("p12/keychain-password.p12"));
    let command = format!("TMPDIR=. '{program}' rehearse --cert {file} --passin {ASKING}");
    let mut session = start_command(folder.path(), &command);
    session.see("PIN:");
    assert_eq!(entries(folder.path()).len(), 1);
    session.pty.send_control('c').unwrap();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
    assert!(entries(folder.path()).is_empty());
}

/// Takes the choice with this index.
pub(super) fn choose(session: &mut Session, question: &str, index: usize) {
    session.see(question);
    session.answer("Number, 1 to ", &(index + 1).to_string());
}

/// A certificate for a request, signed by its own key.
fn sign(request: &Path, key: &Path) -> Vec<u8> {
    let request = openssl::x509::X509Req::from_pem(&fs::read(request).unwrap()).unwrap();
    let key = openssl::pkey::PKey::private_key_from_pem(&fs::read(key).unwrap()).unwrap();
    let mut builder = openssl::x509::X509::builder().unwrap();
    builder.set_subject_name(request.subject_name()).unwrap();
    builder.set_issuer_name(request.subject_name()).unwrap();
    builder.set_pubkey(&request.public_key().unwrap()).unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::days_from_now(30).unwrap()).unwrap();
    builder.sign(&key, openssl::hash::MessageDigest::sha256()).unwrap();
    builder.build().to_der().unwrap()
}

#[test]
fn the_wizard_from_nothing_to_a_request_to_a_p12_that_a_mac_imports() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    choose(&mut session, "What do you have?", 0);
    session.answer("E-mail address", "jo@example.com");
    session.answer("Name", "Jo Doe");
    session.answer("Country", "DEU");
    session.answer("two letters are expected", "DE");
    session.answer("Where to write the private key? [push.key]", "");
    session.answer("Where to write the request? [CertificateSigningRequest.certSigningRequest]", "");
    session.answer("Protect the key with a password? [y/N]", "n");
    session.see("$ pushcert csr --email jo@example.com --name 'Jo Doe' --country DE\r\n");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(entries(folder.path()), [REQUEST, KEY]);

    // What Apple does with the request.
    fs::write(folder.path().join("aps.cer"), sign(&folder.path().join(REQUEST), &folder.path().join(KEY))).unwrap();

    let mut session = start(folder.path(), "wizard");
    choose(&mut session, "What do you have?", 2);
    session.answer("Where is it? [aps.cer]", "nowhere.cer");
    session.answer("there is no file nowhere.cer", "");
    session.see("$ pushcert inspect aps.cer\r\n");
    session.see("Jo Doe");
    session.answer("Its private key is in push.key. Use that? [Y/n]", "");
    session.answer("Is this what you wanted? [y/N]", "y");
    choose(&mut session, "What is it to become?", 1);
    session.answer("Where to write it? [push.p12]", "aps.cer");
    session.answer("aps.cer: already exists", "push.p12");
    session.see("$ pushcert pack --for keychain aps.cer --key push.key -o push.p12\r\n");
    session.answer("Password for the new .p12: ", "sesame");
    session.answer("Confirm password: ", "sesame");
    session.see("security import push.p12 ");
    session.answer("Ask APNs now whether it accepts the certificate? [y/N]", "n");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    let file = openssl::pkcs12::Pkcs12::from_der(&fs::read(folder.path().join("push.p12")).unwrap()).unwrap();
    assert!(file.parse2("sesame").unwrap().pkey.is_some());
}

#[test]
fn the_wizard_from_a_keychain_export_to_pem() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    choose(&mut session, "What do you have?", 1);
    // As a terminal quotes what is dropped on it.
    session.answer("Where is it?", &fixture("p12/keychain-password.p12"));
    session.answer("(PKCS#12 file): ", "wrong");
    session.answer("wrong password. Password for", "push");
    session.see("Apple Push Services certificate (universal)");
    session.answer("Is this what you wanted? [y/N]", "y");
    choose(&mut session, "What is it to become?", 0);
    session.answer("Where to write it? [push.pem]", "");
    session.see("-o push.pem\r\n");
    session.answer("Ask APNs now whether it accepts the certificate? [y/N]", "n");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    let pem = fs::read(folder.path().join("push.pem")).unwrap();
    openssl::x509::X509::from_pem(&pem).unwrap();
    openssl::pkey::PKey::private_key_from_pem(&pem).unwrap();
    assert_eq!(entries(folder.path()), ["push.pem"]);
}

#[test]
fn ctrl_c_at_a_choice_leaves_the_cursor_to_be_seen() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    let asked = session.see("Number, 1 to 3");
    session.ctrl_c();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
    let shown = asked + &shown;
    let (hidden, visible) = (shown.rfind("\x1b[?25l"), shown.rfind("\x1b[?25h"));
    assert!(hidden.is_none() || visible > hidden, "{shown:?}");
    assert!(entries(folder.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn arrow_keys_count_tab_quotes_names_and_ctrl_d_leaves_with_the_commands() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"caf\xe9\n.p12 ");
    fs::copy(super::common::fixture("p12/keychain.p12"), folder.path().join(name)).unwrap();
    let mut session = start(folder.path(), "wizard");
    session.asked("Number, 1 to 3");
    session.pty.send("\x1b[A\x1b[A").unwrap();
    session.type_line("");
    session.asked("Where is it?");
    session.pty.send("ca\t").unwrap();
    session.type_line("");
    let quoted = r"$'caf\351\012.p12 '";
    session.see(&format!("$ pushcert inspect {quoted}\r\n"));
    session.answer("Is this what you wanted? [y/N]", "y");
    session.asked("Number, 1 to 4");
    session.pty.send_control('d').unwrap();
    let (shown, code) = session.end();
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("so far:") && shown.contains(&format!("pushcert inspect {quoted}")), "{shown}");
}

#[test]
fn the_wizard_knows_where_the_key_of_an_mdm_certificate_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    session.answer("Number, 1 to 3", "2");
    session.answer("Where is it?", super::common::fixture("der/mdm.cer").to_str().unwrap());
    session.answer("Where is the private key?", "?");
    let shown = session.asked("Make a new key and request now?");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in ["in the MDM server", "with Renew at identity.apple.com/pushcert", "every enrolled device falls silent"]
    {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("Keychain Access"), "{shown}");
    session.ctrl_c();
    session.end();
}

#[test]
fn an_expired_certificate_leads_to_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [("der/expired.cer", "aps.cer"), ("key/push.pem", KEY)] {
        fs::copy(super::common::fixture(from), folder.path().join(to)).unwrap();
    }
    let mut session = start(folder.path(), "wizard");
    session.answer("Number, 1 to 3", "2");
    session.answer("Where is it?", "aps.cer");
    session.answer("Its private key is in push.key. Use that? [Y/n]", "");
    session.answer("Is this what you wanted? [y/N]", "n");
    let shown = session.asked("Where is it?");
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("for the next certificate, pushcert csr makes the request"), "{shown}");
    session.ctrl_c();
    session.end();
}

#[test]
fn lines_that_are_pasted_are_not_called_keys() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    session.answer("Number, 1 to 3", "2");
    session.asked("Where is it?");
    // As a terminal marks what is pasted.
    session.pty.send("\u{1b}[200~a.p12\nb.p12\u{1b}[201~").unwrap();
    session.type_line("");
    session.see("several lines came at once");
    session.asked("Where is it?");
    session.ctrl_c();
    let (_, code) = session.end();
    assert_eq!(code, INTERRUPTED);
}

#[test]
fn an_empty_key_file_is_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(KEY), "").unwrap();
    let mut session = start(folder.path(), "wizard");
    session.answer("Number, 1 to 3", "1");
    session.answer("E-mail address", "jo@example.com");
    session.answer("Name", "Jo");
    session.answer("Country", "DE");
    session.asked("Where to write the private key? [push-2.key]");
    session.ctrl_c();
    session.end();
}

#[test]
fn what_an_arrow_key_fills_in_is_edited_at_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = start(folder.path(), "wizard");
    session.asked("Number, 1 to 3");
    // 2, which a digit follows, is no number of the list.
    session.pty.send("\x1b[B3").unwrap();
    session.type_line("");
    session.asked("Number, 1 to 3");
    session.pty.send("\x1b[B\x7f3").unwrap();
    session.type_line("");
    session.answer("Where is it?", "<");
    session.asked("Number, 1 to 3");
    // Wherever the cursor stands, the whole line is replaced; the key for names fills in no number.
    session.pty.send("12\x1b[D\t\x1b[A").unwrap();
    session.type_line("");
    session.asked("Where is it?");
    session.ctrl_c();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
}

#[cfg(unix)]
#[test]
fn names_are_completed_without_what_turns_the_line_around() {
    let folder = tempfile::tempdir().unwrap();
    let name = "push\u{202e}21p.p12";
    fs::copy(super::common::fixture("p12/keychain.p12"), folder.path().join(name)).unwrap();
    let mut session = start(folder.path(), "wizard");
    session.answer("Number, 1 to 3", "2");
    session.asked("Where is it?");
    session.pty.send("pu\t").unwrap();
    session.type_line("");
    let shown = session.see(r"$ pushcert inspect $'push\342\200\25621p.p12'");
    assert!(!shown.contains('\u{202e}'), "{shown:?}");
    session.asked("Is this what you wanted?");
    session.ctrl_c();
    session.end();
}

/// The question of a command that prints a password.
const ASKING: &str =
    "'cmd:stty -echo </dev/tty; printf PIN: >/dev/tty; read pin </dev/tty; stty echo </dev/tty; echo $pin'";

#[test]
fn a_command_that_prints_the_password_can_ask_at_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("p12/keychain-password.p12");
    let mut session = start(folder.path(), &format!("convert {file} --passin {ASKING} -o push.pem"));
    session.see("PIN:");
    session.type_line("push");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
    assert_eq!(entries(folder.path()), ["push.pem"]);
}

#[test]
fn after_a_command_has_had_the_terminal_pushcert_asks_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("p12/keychain-password.p12");
    let arguments = format!("pack {file} --passin {ASKING} --passout prompt -o push.p12");
    let mut session = start(folder.path(), &arguments);
    session.see("PIN:");
    session.type_line("push");
    session.answer("Password for the new .p12: ", "sesame");
    session.answer("Confirm password: ", "sesame");
    let (shown, code) = session.end();
    assert_eq!(code, 0, "{shown}");
}

#[test]
fn ctrl_c_ends_a_command_that_asks_and_pushcert_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = fixture("p12/keychain-password.p12");
    let mut session = start(folder.path(), &format!("convert {file} --passin {ASKING} -o push.pem"));
    session.see("PIN:");
    session.pty.send_control('c').unwrap();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
    assert!(!shown.contains("error"), "{shown}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_file_name_cannot_pass_for_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\nPassword for b\u{202e}\u{1b}[31m.p12";
    fs::copy(super::common::fixture("p12/keychain-password.p12"), folder.path().join(name)).unwrap();
    let mut session = start(folder.path(), "inspect *.p12");
    session.asked("Password for a\\nPassword for b\\u{202e}\\u{1b}[31m.p12 (");
    session.type_line("push");
    assert_eq!(session.value("code="), "0");
}

#[test]
fn the_gateway_shows_the_commands_that_go_on_from_it() {
    for arguments in [
        "gateway",
        "gateway --environment sandbox --topic com.example.Other --folder 'my gateway'",
        "gateway --topic com.example.MyApp.voip",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start(folder.path(), arguments);
        session.see("next, in another terminal: pushcert ");
        let device = session.see("\r\n");
        session.see("then: pushcert ");
        let push = session.see("\r\n");
        // In another folder, as they stand, but that the device ends.
        Test::shell(&format!("exec \"$0\" {device} --count 0")).stdout_contains("device token").run();
        Test::shell(&format!("exec \"$0\" {push}")).stdout_contains("accepted              1").run();
        session.pty.send_control('c').unwrap();
        session.see("code=0.");
    }
}

#[test]
fn a_gateway_for_ones_own_certificate_shows_commands_that_run() {
    let folder = tempfile::tempdir().unwrap();
    let name = "Apple Push Services: com.example.Other";
    let mut own = super::certificates::push("com.example.Other", name, "20260101", "20991231");
    own.extend(fs::read(super::common::fixture("key/push.pem")).unwrap());
    fs::write(folder.path().join("own one.pem"), own).unwrap();
    let mut session = start(folder.path(), "gateway --client-ca 'own one.pem'");
    session.see("next, in another terminal: pushcert ");
    let device = session.see("\r\n");
    assert!(device.contains(" --app com.example.Other"), "{device}");
    session.see("then: pushcert ");
    let push = session.see("\r\n");
    Test::shell(&format!("exec \"$0\" {device} --count 0")).stdout_contains("device token").run();
    Test::shell(&format!("exec \"$0\" {push}")).stdout_contains("accepted              1").run();
    session.pty.send_control('c').unwrap();
    session.see("code=0.");
}

#[test]
fn a_gateway_for_ones_own_certificate_that_cannot_send_shows_the_device_alone() {
    let own = |from, until| super::certificates::push("com.example.Other", "Apple Push Services: a", from, until);
    let key = fs::read(super::common::fixture("key/push.pem")).unwrap();
    let sandbox = fs::read(super::common::fixture("der/sandbox.cer")).unwrap();
    for (own, app) in [
        ([own("20240101", "20250101"), key].concat(), "com.example.Other"),
        (own("20260101", "20991231"), "com.example.Other"),
        (sandbox, "com.example.MyApp"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("own.pem"), own).unwrap();
        let mut session = start(folder.path(), "gateway --client-ca own.pem");
        session.see("next, in another terminal: pushcert ");
        let device = session.see("\r\n");
        assert!(device.contains(&format!(" --app {app}")), "{device}");
        session.pty.send_control('c').unwrap();
        let (shown, code) = session.end();
        assert!(code == 0 && !shown.contains("then:"), "{shown}");
    }
}

#[test]
fn a_gateway_for_certificates_of_others_shows_no_command_with_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), ThrowawayCa::new().unwrap().certificate().to_pem().unwrap()).unwrap();
    let mut session = start(folder.path(), "gateway --client-ca ca.pem");
    session.see("next, in another terminal: pushcert ");
    let device = session.see("\r\n");
    assert!(device.starts_with("device --gateway localhost:"), "{device}");
    Test::shell(&format!("exec \"$0\" {device} --count 0")).stdout_contains("device token").run();
    session.pty.send_control('c').unwrap();
    let (shown, code) = session.end();
    assert!(code == 0 && !shown.contains("then:") && !shown.contains("CERTIFICATE"), "{shown}");
}

#[test]
fn a_gateway_shows_no_push_that_would_be_refused() {
    for arguments in [
        "--topic com.apple.mgmt.External.0",
        "--topic com.example.MyApp.push-type.liveactivity",
        "--topic com.example.MyApp.location-query",
        "--folder 'what?'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut session = start(folder.path(), &format!("gateway {arguments}"));
        session.see("next, in another terminal: pushcert ");
        let device = session.see("\r\n");
        Test::shell(&format!("exec \"$0\" {device} --count 0")).stdout_contains("device token").run();
        session.pty.send_control('c').unwrap();
        let (shown, code) = session.end();
        assert!(code == 0 && !shown.contains("then:"), "{shown}");
    }
}

/// A gateway that knows so many devices, whose tokens are in tokens.txt.
fn stage_with_devices(count: usize) -> Stage {
    let stage = Stage::new(GatewayOptions::default());
    let mut tokens = String::new();
    for number in 1..=count {
        let token = format!("{number:064x}");
        stage.gateway.tokens.set(&token, TokenState::Active(None));
        tokens.push_str(&token);
        tokens.push('\n');
    }
    fs::write(stage.file("tokens.txt"), tokens).unwrap();
    stage
}

/// Returns the arguments of a push to the gateway.
fn push_to(stage: &Stage, arguments: &str) -> String {
    let gateway = stage.address();
    format!("push client.pem --gateway {gateway} --ca-file ca.pem --title News --alert 'Read more' {arguments}")
}

#[test]
fn several_devices_of_production_are_asked_for_and_a_no_sends_nothing() {
    let stage = stage_with_devices(3);
    let arguments = push_to(&stage, "--environment production --tokens tokens.txt");
    for (answer, code, requests) in [("n", 1, 0), ("", 1, 0), ("y", 0, 3)] {
        let mut session = start(stage.folder.path(), &arguments);
        session.answer("Send to 3 devices of com.example.MyApp in production: \"News / Read more\"?", answer);
        let (shown, ended) = session.end();
        assert_eq!(ended, code, "{answer:?}: {shown}");
        assert_eq!(shown.contains("not confirmed: nothing was sent"), code == 1, "{answer:?}: {shown}");
        assert_eq!(stage.gateway.ready.observer.requests(), requests, "{answer:?}");
    }
}

#[test]
fn where_nobody_can_be_asked_at_a_terminal_yes_is_demanded() {
    let stage = stage_with_devices(3);
    for (tokens, cause) in [
        ("- < tokens.txt", "its tokens come from a pipe"),
        ("tokens.txt < /dev/null", "it is for 3 devices"),
        ("tokens.txt < /dev/null > out 2>&1; code=$?; cat out; (exit $code)", "it is for 3 devices"),
        ("- < tokens.txt > out 2>&1; code=$?; cat out; (exit $code)", "its tokens come from a pipe"),
    ] {
        let arguments = push_to(&stage, &format!("--environment production --tokens {tokens}"));
        let (shown, code) = start(stage.folder.path(), &arguments).end();
        assert!(code == 2 && shown.contains(cause) && shown.contains("--yes"), "{code}: {shown}");
        assert_eq!(stage.gateway.ready.observer.requests(), 0);
    }
    let arguments = push_to(&stage, "--yes --environment production --tokens - < tokens.txt");
    let (shown, code) = start(stage.folder.path(), &arguments).end();
    assert_eq!((code, stage.gateway.ready.observer.requests()), (0, 3), "{shown}");
}

#[test]
fn ctrl_c_at_the_question_sends_nothing() {
    let stage = stage_with_devices(2);
    let arguments = push_to(&stage, "--environment production --tokens tokens.txt --results results.ndjson");
    let mut session = start(stage.folder.path(), &arguments);
    session.see("Send to 2 devices");
    session.ctrl_c();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
    assert_eq!(stage.gateway.ready.observer.requests(), 0);
    assert!(!stage.file("results.ndjson").exists());
}

#[test]
fn one_device_the_sandbox_and_yes_need_no_question() {
    let stage = stage_with_devices(2);
    let token = format!("{:064x}", 1);
    let sandbox = Stage::new(GatewayOptions { environment: Environment::Sandbox, ..GatewayOptions::default() });
    fs::copy(stage.file("tokens.txt"), sandbox.file("tokens.txt")).unwrap();
    for (stage, arguments, code) in [
        (&stage, "--environment production --tokens tokens.txt --yes".to_owned(), 0),
        (&stage, format!("--environment production --token {token}"), 0),
        (&stage, "--environment production --tokens tokens.txt --dry-run".to_owned(), 0),
        // This gateway does not know the devices.
        (&sandbox, "--environment sandbox --tokens tokens.txt".to_owned(), 1),
    ] {
        let (shown, ended) = start(stage.folder.path(), &push_to(stage, &arguments)).end();
        assert_eq!(ended, code, "{arguments}: {shown}");
        assert!(!shown.contains("Send to"), "{arguments}: {shown}");
    }
    assert_eq!((stage.gateway.ready.observer.requests(), sandbox.gateway.ready.observer.requests()), (3, 2));
}

/// The rate that lets a run last longer than the bar waits before it shows.
const SLOW: &str = "--environment production --tokens tokens.txt --rate 40 --yes";

#[test]
fn a_terminal_has_a_progress_bar_with_rate_and_counts() {
    let stage = stage_with_devices(60);
    let line = push_to(&stage, SLOW);
    let mut session =
        start_command(stage.folder.path(), &format!("stty cols 120; '{}' {line}", env!("CARGO_BIN_EXE_pushcert")));
    let before = session.see(" of 60, ");
    assert!(!before.contains("60 of"), "{before}");
    let rate = session.see("/s, ");
    assert!(rate.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').is_empty(), "{rate}");
    session.see(" left, ");
    let counts = session.see(" accepted, 0 not");
    let accepted: u64 = counts.parse().unwrap();
    assert!((1..=60).contains(&accepted), "{counts}");
    let (shown, code) = session.end();
    assert!(code == 0 && shown.contains("60 requests in"), "{shown}");
    // The bar is gone when the summary shows.
    assert!(!shown[shown.find("60 requests in").unwrap()..].contains(" of 60"), "{shown}");
}

#[test]
fn a_pipe_has_no_progress_bar() {
    let stage = stage_with_devices(60);
    let line = push_to(&stage, SLOW);
    let run = super::common::Test::shell(&format!("exec \"$0\" {line}")).folder(stage.folder.path()).stderr("").run();
    assert!(run.text().contains("60 requests in") && !run.text().contains("of 60"), "{}", run.text());
}

#[test]
fn ctrl_c_at_the_password_of_a_rehearsal_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = fixture("p12/keychain-password.p12");
    let binary = env!("CARGO_BIN_EXE_pushcert");
    let command = format!("TMPDIR=\"$PWD\" '{binary}' rehearse --cert {certificate}");
    let mut session = start_command(folder.path(), &command);
    session.see("Password for ");
    assert_eq!(entries(folder.path()).len(), 1);
    session.pty.send_control('c').unwrap();
    let (shown, code) = session.end();
    assert_eq!(code, INTERRUPTED, "{shown}");
    assert!(entries(folder.path()).is_empty());
    let mut session = start_command(folder.path(), &command);
    session.answer("Password for ", "push");
    let (shown, code) = session.end();
    assert!(code == 0 && shown.contains("the device has shown the message"), "{shown}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_certificate_alone_lacks_its_key_before_an_output() {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(super::common::fixture("der/expired.cer"), folder.path().join("expired.cer")).unwrap();
    fs::copy(super::common::fixture("p12/keychain.p12"), folder.path().join("cert.p12")).unwrap();
    let (shown, code) = start(folder.path(), "convert expired.cer").end();
    assert!(code == 3 && shown.contains("there is no private key in it") && !shown.contains("-o push.pem"), "{shown}");
    let (shown, code) = start(folder.path(), "convert cert.p12").end();
    assert!(code == 2 && shown.contains("a private key is not printed on a terminal"), "{shown}");
}
