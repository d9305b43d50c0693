//! Understands command lines as people type them for openssl and other programs, and writes the one for pushcert.
//! Passwords that stand in them are never repeated.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, Command, CommandFactory, Parser};

use super::stray;
use crate::cli::Cli;
use crate::report::shell::shell_os_word;

/// The place of an option of another program in pushcert's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Input,
    Output,
    Key,
    KeyOutput,
    /// The password of the input, or, where a file is made, of that.
    Password,
    InputPassword,
    OutputPassword,
    Name,
    Subject,
    Gateway,
    /// The file with the authorities that are trusted.
    Authorities,
    /// A file with the intermediate, which pushcert has itself.
    Intermediate,
    /// The cipher of a key that is written.
    Encrypt,
    /// The days that are left, where a certificate is checked; no part of a request.
    Days,
    /// The seconds that are left.
    Seconds,
    /// The algorithm of a new key.
    Algorithm,
    /// A flag that stands for one of pushcert's.
    Flag(&'static [&'static str]),
    /// A flag that stands for another subcommand.
    Subcommand(&'static str),
    /// A flag that is not needed.
    Nothing,
    /// An option with a value that is not needed.
    NothingWithValue,
}

impl Meaning {
    const fn takes_value(self) -> bool {
        !matches!(self, Self::Encrypt | Self::Flag(_) | Self::Subcommand(_) | Self::Nothing)
    }
}

struct Habit {
    /// Without dashes.
    option: &'static str,
    meaning: Meaning,
}

const fn habit(option: &'static str, meaning: Meaning) -> Habit {
    Habit { option, meaning }
}

const HABITS: [Habit; 92] = [
    habit("in", Meaning::Input),
    habit("input", Meaning::Input),
    habit("infile", Meaning::Input),
    habit("cert", Meaning::Input),
    habit("out", Meaning::Output),
    habit("outfile", Meaning::Output),
    habit("output-file", Meaning::Output),
    habit("inkey", Meaning::Key),
    habit("key", Meaning::Key),
    habit("keyout", Meaning::KeyOutput),
    habit("passin", Meaning::InputPassword),
    habit("passout", Meaning::OutputPassword),
    habit("password", Meaning::Password),
    habit("pass", Meaning::Password),
    habit("passphrase", Meaning::Password),
    habit("pwd", Meaning::Password),
    habit("p", Meaning::Password),
    habit("P", Meaning::Password),
    habit("name", Meaning::Name),
    habit("subj", Meaning::Subject),
    habit("connect", Meaning::Gateway),
    habit("nokeys", Meaning::Flag(&["--no-key"])),
    habit("nocerts", Meaning::Flag(&["--certs", "none"])),
    habit("cacerts", Meaning::Flag(&["--certs", "ca"])),
    habit("chain", Meaning::Flag(&["--chain"])),
    habit("export", Meaning::Subcommand("pack")),
    habit("noout", Meaning::Subcommand("inspect")),
    habit("text", Meaning::Subcommand("inspect")),
    habit("subject", Meaning::Subcommand("inspect")),
    habit("issuer", Meaning::Subcommand("inspect")),
    habit("serial", Meaning::Subcommand("inspect")),
    habit("dates", Meaning::Subcommand("inspect")),
    habit("enddate", Meaning::Subcommand("inspect")),
    habit("fingerprint", Meaning::Subcommand("inspect")),
    habit("info", Meaning::Subcommand("inspect")),
    habit("nodes", Meaning::Nothing),
    habit("noenc", Meaning::Nothing),
    habit("clcerts", Meaning::Nothing),
    habit("legacy", Meaning::Nothing),
    habit("nomac", Meaning::Nothing),
    habit("nomacver", Meaning::Nothing),
    habit("new", Meaning::Nothing),
    habit("sha256", Meaning::Nothing),
    habit("f", Meaning::Flag(&["--force"])),
    habit("newkey", Meaning::NothingWithValue),
    habit("inform", Meaning::NothingWithValue),
    habit("outform", Meaning::NothingWithValue),
    habit("macalg", Meaning::NothingWithValue),
    habit("keypbe", Meaning::NothingWithValue),
    habit("certpbe", Meaning::NothingWithValue),
    habit("des3", Meaning::Encrypt),
    habit("des", Meaning::Encrypt),
    habit("aes128", Meaning::Encrypt),
    habit("aes192", Meaning::Encrypt),
    habit("aes256", Meaning::Encrypt),
    habit("aes-128-cbc", Meaning::Encrypt),
    habit("aes-256-cbc", Meaning::Encrypt),
    habit("days", Meaning::Days),
    habit("checkend", Meaning::Seconds),
    habit("CAfile", Meaning::Authorities),
    habit("certfile", Meaning::Intermediate),
    habit("algorithm", Meaning::Algorithm),
    habit("i", Meaning::Input),
    habit("k", Meaning::Key),
    habit("passwd", Meaning::Password),
    habit("pw", Meaning::Password),
    habit("startdate", Meaning::Subcommand("inspect")),
    habit("purpose", Meaning::Subcommand("inspect")),
    habit("hash", Meaning::Subcommand("inspect")),
    habit("email", Meaning::Subcommand("inspect")),
    habit("check", Meaning::Subcommand("inspect")),
    habit("verify", Meaning::Subcommand("inspect")),
    habit("modulus", Meaning::Subcommand("inspect")),
    habit("nocrypt", Meaning::Nothing),
    habit("topk8", Meaning::Nothing),
    habit("showcerts", Meaning::Nothing),
    habit("quiet", Meaning::Nothing),
    habit("brief", Meaning::Nothing),
    habit("tls1_2", Meaning::Nothing),
    habit("tls1_3", Meaning::Nothing),
    habit("batch", Meaning::Nothing),
    habit("utf8", Meaning::Nothing),
    habit("keysig", Meaning::Nothing),
    habit("keyex", Meaning::Nothing),
    habit("traditional", Meaning::Nothing),
    habit("prexit", Meaning::Nothing),
    habit("servername", Meaning::NothingWithValue),
    habit("alpn", Meaning::NothingWithValue),
    habit("pkeyopt", Meaning::NothingWithValue),
    habit("nameopt", Meaning::NothingWithValue),
    habit("iter", Meaning::NothingWithValue),
    habit("verify_return_error", Meaning::Nothing),
];

/// What a subcommand of openssl is to pushcert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nearest {
    Subcommand(&'static str),
    /// It makes a key, which `csr` does, with its request.
    NewKey,
    /// It reads and writes keys without their certificates, which pushcert does not.
    KeysAlone,
}

struct Foreign {
    name: &'static str,
    nearest: Nearest,
}

const fn foreign(name: &'static str, nearest: Nearest) -> Foreign {
    Foreign { name, nearest }
}

/// Subcommands of openssl, and what is nearest to them.
const FOREIGN: [Foreign; 11] = [
    foreign("pkcs12", Nearest::Subcommand("convert")),
    foreign("x509", Nearest::Subcommand("inspect")),
    foreign("req", Nearest::Subcommand("csr")),
    foreign("s_client", Nearest::Subcommand("check")),
    foreign("verify", Nearest::Subcommand("inspect")),
    foreign("genrsa", Nearest::NewKey),
    foreign("genpkey", Nearest::NewKey),
    foreign("pkcs8", Nearest::KeysAlone),
    foreign("rsa", Nearest::KeysAlone),
    foreign("pkey", Nearest::KeysAlone),
    foreign("ec", Nearest::KeysAlone),
];

impl Foreign {
    fn find(name: &str) -> Option<&'static Self> {
        FOREIGN.iter().find(|known| known.name == name)
    }

    fn problem(&self) -> String {
        format!("{} is a command of openssl, not of pushcert", self.name)
    }

    /// Returns the subcommand of pushcert.
    const fn subcommand(&self) -> &'static str {
        match self.nearest {
            Nearest::Subcommand(name) => name,
            Nearest::NewKey => "csr",
            Nearest::KeysAlone => "inspect",
        }
    }

    /// Says what does the like, where the rest of the line was not understood or has no equal.
    fn hint(&self) -> String {
        let Self { name, nearest } = self;
        match nearest {
            Nearest::KeysAlone => format!(
                "openssl {name} does it: pushcert writes no key without its certificate; pushcert inspect shows what a key is"
            ),
            Nearest::NewKey | Nearest::Subcommand(_) => {
                let subcommand = self.subcommand();
                format!("pushcert {subcommand} is the nearest to it: pushcert {subcommand} --help")
            }
        }
    }
}

/// The variable that a password is to be given in.
const OLD_PASSWORD: &str = "env:P12_PASSWORD";
const NEW_PASSWORD: &str = "env:NEW_PASSWORD";

/// A command line that was understood.
pub(super) struct Suggestion {
    /// What was found that pushcert does not take.
    pub(super) problem: String,
    pub(super) hint: String,
}

/// Returns the command line that was meant, where it was one for another program.
pub(super) fn understand(arguments: &[OsString]) -> Option<Suggestion> {
    let arguments = match arguments {
        [program, rest @ ..] if program == "openssl" => rest,
        all => all,
    };
    if let Some(suggestion) = translate(arguments) {
        return Some(suggestion);
    }
    let theirs = Foreign::find(arguments.first()?.to_str()?)?;
    Some(Suggestion { problem: theirs.problem(), hint: theirs.hint() })
}

/// Returns the command line for pushcert, where all of it is understood.
fn translate(arguments: &[OsString]) -> Option<Suggestion> {
    let mut root = Cli::command();
    root.build();
    let mut reading = Reading::start(arguments, &root)?;
    while let Some(argument) = reading.next() {
        reading.take(argument)?;
    }
    let words = reading.words()?;
    // What is suggested must be taken.
    Cli::try_parse_from(&words).ok()?;
    let problem = reading.problem?;
    let mut line = Vec::new();
    for word in &words {
        line.push(shown(word));
    }
    let hint = format!("type it so: {}{}", line.join(" "), remarks(&words, reading.has_intermediate));
    Some(Suggestion { problem, hint })
}

/// Returns a word as a shell takes it, without a secret in it.
fn shown(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) => shell_os_word(stray::masked(text).as_ref()),
        None => shell_os_word(word),
    }
}

/// Returns what is to be said beside a line: where its passwords stand, and what stands for an intermediate.
fn remarks(words: &[OsString], has_intermediate: bool) -> String {
    let mut text = match (words.contains(&OLD_PASSWORD.into()), words.contains(&NEW_PASSWORD.into())) {
        (true, true) => {
            " (with the passwords in the variables P12_PASSWORD, for the old file, and NEW_PASSWORD, for the new one)"
        }
        (true, false) => " (with the password in the variable P12_PASSWORD)",
        (false, true) => " (with the password in the variable NEW_PASSWORD)",
        (false, false) => "",
    }
    .to_owned();
    if has_intermediate {
        text.push_str(" (--chain adds Apple's intermediate, which pushcert has)");
    }
    text
}

/// A command line while it is read.
struct Reading<'a> {
    rest: std::slice::Iter<'a, OsString>,
    root: &'a Command,
    subcommand: String,
    /// The subcommand was not typed, and a flag may tell another.
    is_guessed: bool,
    /// The subcommand of openssl, where it was typed.
    theirs: Option<&'static Foreign>,
    /// A file stands where the subcommand belongs.
    is_file_first: bool,
    /// The first thing that pushcert does not take.
    problem: Option<String>,
    inputs: Vec<OsString>,
    output: Option<OsString>,
    key: Option<OsString>,
    key_output: Option<OsString>,
    old_password: Option<OsString>,
    new_password: Option<OsString>,
    /// A password of which it is not known yet whether it is the old one.
    has_password: bool,
    /// A key is to be encrypted.
    encrypts: bool,
    has_intermediate: bool,
    /// A flag asks for what a file holds.
    shows: bool,
    /// The time that must be left, as `--fail` takes it.
    time_left: Option<String>,
    /// Options of pushcert, with their values.
    own: Vec<OsString>,
}

impl<'a> Reading<'a> {
    fn new(arguments: &'a [OsString], root: &'a Command) -> Self {
        Self {
            rest: arguments.iter(),
            root,
            subcommand: "convert".to_owned(),
            is_guessed: true,
            theirs: None,
            is_file_first: false,
            problem: None,
            inputs: Vec::new(),
            output: None,
            key: None,
            key_output: None,
            old_password: None,
            new_password: None,
            has_password: false,
            encrypts: false,
            has_intermediate: false,
            shows: false,
            time_left: None,
            own: Vec::new(),
        }
    }

    fn start(arguments: &'a [OsString], root: &'a Command) -> Option<Self> {
        let first = arguments.first()?.to_str()?;
        let mut reading = Self::new(arguments, root);
        if root.find_subcommand(first).is_some() {
            (reading.subcommand, reading.is_guessed) = (first.to_owned(), false);
        } else if let Some(theirs) = Foreign::find(first) {
            theirs.subcommand().clone_into(&mut reading.subcommand);
            reading.theirs = Some(theirs);
            reading.note(theirs.problem());
        } else if first.starts_with('-') && first != "-" {
            return Some(reading);
        } else if stray::is_file_name(first) {
            reading.is_file_first = true;
            reading.note(format!("{} is a file, not a command of pushcert", shell_os_word(first.as_ref())));
            return Some(reading);
        } else {
            return None;
        }
        reading.rest.next();
        Some(reading)
    }

    fn next(&mut self) -> Option<&'a OsString> {
        self.rest.next()
    }

    /// Takes one argument, with its value; `None` where it is not understood.
    fn take(&mut self, argument: &OsString) -> Option<()> {
        let text = argument.to_str()?;
        let name = text.trim_start_matches('-');
        if name.len() == text.len() || text == "-" {
            return self.take_word(text);
        }
        if self.take_own(text)? {
            return Some(());
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (name, None),
        };
        let known = HABITS.iter().find(|known| known.option == name)?;
        let dashes = &text[..text.len() - text.trim_start_matches('-').len()];
        let subcommand = if self.is_guessed { String::new() } else { format!(" {}", self.subcommand) };
        self.note(format!("{dashes}{name} is not an option of pushcert{subcommand}"));
        self.mean(known.meaning, value)
    }

    /// Takes a word without an option before it: a file. Any other word may be a password.
    fn take_word(&mut self, text: &str) -> Option<()> {
        let is_key_size = self.makes_key() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_key_size {
            return Some(());
        }
        if !stray::is_file_name(text) {
            return None;
        }
        self.inputs.push(text.into());
        Some(())
    }

    /// Returns whether the command of openssl makes a key, without a request.
    fn makes_key(&self) -> bool {
        self.is_theirs(Nearest::NewKey)
    }

    fn is_theirs(&self, nearest: Nearest) -> bool {
        match self.theirs {
            Some(theirs) => theirs.nearest == nearest,
            None => false,
        }
    }

    fn note(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Takes an option of pushcert itself, but for passwords: what stands there may be one.
    fn take_own(&mut self, text: &str) -> Option<bool> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (text, None),
        };
        let Some(argument) = find_own(self.root.find_subcommand(&self.subcommand)?, name) else { return Some(false) };
        let meaning = match (argument.get_long(), &value) {
            (Some("passin"), _) => Some(Meaning::InputPassword),
            (Some("passout"), _) => Some(Meaning::OutputPassword),
            (Some("output"), _) => Some(Meaning::Output),
            (Some("key"), None) => Some(Meaning::Key),
            _ => None,
        };
        if let Some(meaning) = meaning {
            self.mean(meaning, value)?;
            return Some(true);
        }
        self.own.push(text.into());
        let takes_value = argument.get_action().takes_values() && !argument.is_require_equals_set();
        if takes_value && value.is_none() {
            self.own.push(self.rest.next()?.clone());
        }
        Some(true)
    }

    fn mean(&mut self, meaning: Meaning, value: Option<OsString>) -> Option<()> {
        let value = match value {
            _ if !meaning.takes_value() => OsString::new(),
            Some(value) => value,
            None => match self.rest.next() {
                Some(next) => next.clone(),
                // It is asked for.
                None if meaning == Meaning::Password => OsString::new(),
                None => return None,
            },
        };
        match meaning {
            Meaning::Input => self.inputs.insert(0, value),
            Meaning::Output => self.output = Some(value),
            Meaning::Key => self.key = Some(value),
            Meaning::KeyOutput => self.key_output = Some(value),
            Meaning::Password => self.has_password = true,
            Meaning::InputPassword => self.old_password = Some(source(&value, OLD_PASSWORD)),
            Meaning::OutputPassword => self.new_password = Some(source(&value, NEW_PASSWORD)),
            Meaning::Name => self.own.extend(["--name".into(), value]),
            Meaning::Subject => self.own.extend(subject_options(value.to_str()?)),
            Meaning::Gateway => self.own.extend(["--gateway".into(), value]),
            Meaning::Authorities => self.trust(value),
            Meaning::Intermediate => self.has_intermediate = true,
            Meaning::Encrypt => self.encrypts = true,
            Meaning::Days => self.warn_before(value.to_str()?)?,
            Meaning::Seconds => self.time_left = Some(threshold(value.to_str()?)?),
            // A request for Apple has a key of RSA.
            Meaning::Algorithm if !value.eq_ignore_ascii_case("RSA") => return None,
            Meaning::Flag(words) => {
                for word in words {
                    self.own.push(word.into());
                }
            }
            Meaning::Subcommand(name) => self.turn_to(name),
            Meaning::Algorithm | Meaning::Nothing | Meaning::NothingWithValue => {}
        }
        Some(())
    }

    /// Trusts these authorities for the server. Apple's own are known where a file is inspected.
    fn trust(&mut self, file: OsString) {
        if self.subcommand == "check" {
            self.own.extend(["--ca-file".into(), file]);
        }
    }

    fn warn_before(&mut self, days: &str) -> Option<()> {
        let days: u32 = days.parse().ok()?;
        if matches!(self.subcommand.as_str(), "expiry" | "check") {
            self.own.extend(["--warn".into(), format!("{days}d").into()]);
        }
        Some(())
    }

    fn turn_to(&mut self, subcommand: &str) {
        self.shows |= subcommand == "inspect";
        if self.is_guessed || (subcommand == "pack" && self.subcommand == "convert") {
            subcommand.clone_into(&mut self.subcommand);
        }
    }

    /// Returns the command line for pushcert.
    fn words(&mut self) -> Option<Vec<OsString>> {
        if self.is_theirs(Nearest::KeysAlone) && (self.output.is_some() || !self.shows) {
            return None;
        }
        self.find_key();
        self.find_output();
        self.choose_subcommand();
        self.place_password();
        self.place_encryption();
        let mut words: Vec<OsString> = vec!["pushcert".into(), self.subcommand.as_str().into()];
        for input in &self.inputs {
            let is_option = input.as_encoded_bytes().starts_with(b"-") && input != "-";
            words.push(if is_option { Path::new(".").join(input).into() } else { input.clone() });
        }
        for (option, value) in [("--key", &self.key), ("--key-out", &self.key_output), ("--passin", &self.old_password)]
        {
            if let Some(value) = value {
                words.extend([option.into(), value.clone()]);
            }
        }
        if self.encrypts {
            words.push("--encrypt".into());
        }
        for (option, value) in [("--passout", &self.new_password), ("-o", &self.output)] {
            if let Some(value) = value {
                words.extend([option.into(), value.clone()]);
            }
        }
        words.extend(self.own.clone());
        Some(words)
    }

    /// Takes a second file for the key, where its name says that it is one.
    fn find_key(&mut self) {
        let most = match self.subcommand.as_str() {
            "convert" | "pack" => 3,
            "check" | "push" => 2,
            "csr" => 1,
            _ => return,
        };
        let least = if self.subcommand == "csr" { 1 } else { 2 };
        if self.key.is_some() || self.theirs.is_some() || !(least..=most).contains(&self.inputs.len()) {
            return;
        }
        let Some(place) = place_of_key(&self.inputs) else { return };
        let key = self.inputs.remove(place);
        self.note(format!("{} is a key: keys are named with --key", shell_os_word(&key)));
        self.key = Some(key);
    }

    /// Decides what the files are.
    fn find_output(&mut self) {
        if self.makes_key() {
            self.key_output = self.output.take();
        }
        if self.output.is_none() && matches!(self.subcommand.as_str(), "convert" | "pack") && self.inputs.len() == 2 {
            self.output = self.inputs.pop();
            if let Some(output) = &self.output {
                let name = shell_os_word(output);
                self.note(format!("one file is expected, and {name} is a second: outputs are named with -o"));
            }
        }
        // Standard input, as for openssl.
        if self.theirs.is_some() && self.inputs.is_empty() && matches!(self.subcommand.as_str(), "convert" | "inspect")
        {
            self.inputs.push("-".into());
        }
    }

    /// Decides the subcommand, where it depends on what else was typed.
    fn choose_subcommand(&mut self) {
        let has_output = self.output.is_some() || self.key_output.is_some() || self.own_has("--cert-out");
        let is_report = self.is_file_first || self.own_has("--json");
        match self.subcommand.as_str() {
            "inspect" if self.output.is_some() => {
                "convert".clone_into(&mut self.subcommand);
                self.own.push("--no-key".into());
            }
            "convert" if is_report && !has_output => "inspect".clone_into(&mut self.subcommand),
            "csr" if self.output.is_none() && !self.inputs.is_empty() => "inspect".clone_into(&mut self.subcommand),
            _ => {}
        }
        if let Some(time) = self.time_left.take() {
            "expiry".clone_into(&mut self.subcommand);
            self.own.extend(["--fail".into(), time.into()]);
        }
        if self.has_intermediate && !self.own_has("--chain") {
            self.own.push("--chain".into());
        }
    }

    fn own_has(&self, option: &str) -> bool {
        self.own.contains(&option.into())
    }

    /// Decides what the password is of that openssl calls just so: of the file that is made, if one is.
    fn place_password(&mut self) {
        if !self.has_password {
            return;
        }
        let is_new = match self.subcommand.as_str() {
            "csr" => true,
            "pack" => match self.inputs.first() {
                Some(input) => !is_pkcs12(input),
                None => true,
            },
            _ => false,
        };
        if is_new {
            self.new_password.get_or_insert(NEW_PASSWORD.into());
        } else {
            self.old_password.get_or_insert(OLD_PASSWORD.into());
        }
    }

    /// Decides whether the key is encrypted: never is one in clear that a cipher or a password was typed for. A .p12
    /// always is, and without a key there is nothing to encrypt.
    fn place_encryption(&mut self) {
        let is_for_key = matches!(self.subcommand.as_str(), "convert" | "csr") && !self.own_has("--no-key");
        let is_wanted = self.encrypts || self.new_password.is_some();
        self.encrypts = is_for_key && is_wanted && !self.own_has("--encrypt");
    }
}

/// Returns the option of a subcommand with this name, which has its dashes.
fn find_own<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    for argument in command.get_arguments() {
        let is_long = match argument.get_long() {
            Some(long) => name.strip_prefix("--") == Some(long),
            None => false,
        };
        let is_short = match argument.get_short() {
            Some(short) => name == format!("-{short}"),
            None => false,
        };
        if is_long || is_short {
            return Some(argument);
        }
    }
    None
}

/// Returns the place of the only file whose name says that it is a key.
fn place_of_key(files: &[OsString]) -> Option<usize> {
    let mut found = None;
    for (place, file) in files.iter().enumerate() {
        match (is_key_name(file), found) {
            (true, None) => found = Some(place),
            (true, Some(_)) => return None,
            (false, _) => {}
        }
    }
    found
}

/// Returns whether a name is that of a private key: `push.key`, `key.pem`, `push-key.pem`, `privkey.pem`.
fn is_key_name(file: &OsStr) -> bool {
    let name = Path::new(file).file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()) {
        if KEY_WORDS.contains(&word) {
            return true;
        }
    }
    false
}

/// The words in the names of private keys.
const KEY_WORDS: [&str; 4] = ["key", "privkey", "privatekey", "pkey"];

fn is_pkcs12(file: &OsStr) -> bool {
    let name = file.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".p12") || name.ends_with(".pfx")
}

/// Returns the source of a password as pushcert writes it; a password itself is replaced by a variable.
fn source(typed: &OsStr, variable: &str) -> OsString {
    if stray::is_source(&typed.to_string_lossy()) { typed.to_owned() } else { variable.into() }
}

/// Returns seconds as a threshold, in whole days or in hours.
fn threshold(seconds: &str) -> Option<String> {
    let seconds: u32 = seconds.parse().ok()?;
    Some(match seconds % 86_400 {
        0 => format!("{}d", seconds / 86_400),
        _ => format!("{}h", seconds.div_ceil(3600)),
    })
}

/// Returns the options for a subject as openssl writes it: /emailAddress=jo@example.com/CN=Jo/C=DE.
fn subject_options(subject: &str) -> Vec<OsString> {
    let mut options = Vec::new();
    for part in subject.split('/') {
        let Some((name, value)) = part.split_once('=') else { continue };
        let option = match name.trim() {
            "emailAddress" => "--email",
            "CN" => "--name",
            "C" => "--country",
            _ => continue,
        };
        options.extend([option.into(), value.into()]);
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let suggestion = understand(&arguments)?;
        assert!(!suggestion.problem.contains("hunter2") && !suggestion.hint.contains("hunter2"), "{}", suggestion.hint);
        let hint = suggestion.hint.strip_prefix("type it so: pushcert ")?;
        Some(hint.split(" (").next()?.to_owned())
    }

    #[test]
    fn what_is_typed_for_openssl_is_understood() {
        for (typed, expected) in [
            ("-in a.p12 -out b.pem", "convert a.p12 -o b.pem"),
            ("-in a.p12 -out b.pem -nodes -clcerts", "convert a.p12 -o b.pem"),
            ("pkcs12 -in a.p12 -out b.pem -nodes", "convert a.p12 -o b.pem"),
            ("convert -in a.p12 -out b.pem -nodes", "convert a.p12 -o b.pem"),
            ("convert a.p12 b.pem", "convert a.p12 -o b.pem"),
            ("convert a.p12 -nodes -o b.pem", "convert a.p12 -o b.pem"),
            ("convert a.p12 --in-place", ""),
            ("convert a.p12 --password hunter2 -o b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 --password=hunter2 -o b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 -p hunter2 b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 -passin pass:hunter2 -out b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 --passin hunter2 b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("pkcs12 -in a.p12 -passin env:P -nokeys -out b.pem", "convert a.p12 --passin env:P -o b.pem --no-key"),
            ("pkcs12 -in a.p12 -nocerts -out b.key", "convert a.p12 -o b.key --certs none"),
            (
                "pkcs12 -export -in a.pem -inkey k.pem -out b.p12 -passout pass:hunter2 -name Push",
                "pack a.pem --key k.pem --passout env:NEW_PASSWORD -o b.p12 --name Push",
            ),
            ("pack a.pem b.p12", "pack a.pem -o b.p12"),
            ("pack a.pem --password hunter2 -o b.p12", "pack a.pem --passout env:NEW_PASSWORD -o b.p12"),
            ("x509 -in a.cer -inform der -noout -text", "inspect a.cer"),
            ("x509 -in a.cer -inform der -out a.pem", "convert a.cer -o a.pem --no-key"),
            ("inspect -in a.cer -noout", "inspect a.cer"),
            ("req -new -newkey rsa:2048 -nodes -keyout p.key -out p.csr", "csr --key-out p.key -o p.csr"),
            (
                "s_client -connect api.push.apple.com:443 -cert a.pem -key k.pem",
                "check a.pem --key k.pem --gateway api.push.apple.com:443",
            ),
            ("convert a.p12 -chain -out b.pem", "convert a.p12 -o b.pem --chain"),
            ("openssl pkcs12 -in a.p12 -out b.pem -nodes", "convert a.p12 -o b.pem"),
            ("pkcs12 -nodes", "convert -"),
            ("-in -d.p12 -out b.pem", "convert ./-d.p12 -o b.pem"),
            ("-in a.p12 --json", "inspect a.p12 --json"),
            ("pkcs12 -in a.p12 -des3 -out b.pem", "convert a.p12 --encrypt -o b.pem"),
            ("pkcs12 -in a.p12 -aes256 -nokeys -out b.pem", "convert a.p12 -o b.pem --no-key"),
            (
                "pkcs12 -in a.p12 -passin pass:hunter2 -passout pass:hunter2 -out b.pem",
                "convert a.p12 --passin env:P12_PASSWORD --encrypt --passout env:NEW_PASSWORD -o b.pem",
            ),
            ("pkcs12 -export -in a.pem -certfile ca.pem -out b.p12", "pack a.pem -o b.p12 --chain"),
            ("genrsa -out k.key 2048", "csr --key-out k.key"),
            ("genrsa -des3 -out k.key 2048", "csr --key-out k.key --encrypt"),
            ("genpkey -algorithm RSA -out k.key -pkeyopt rsa_keygen_bits:2048", "csr --key-out k.key"),
            ("s_client -connect h:443 -cert a.pem -servername h -showcerts", "check a.pem --gateway h:443"),
            ("s_client -connect h:443 -cert a.pem -CAfile ca.pem", "check a.pem --gateway h:443 --ca-file ca.pem"),
            ("x509 -in a.cer -noout -checkend 86400", "expiry a.cer --fail 1d"),
            ("x509 -in a.cer -noout -checkend 5000", "expiry a.cer --fail 2h"),
            ("req -in a.csr -noout -verify", "inspect a.csr"),
            ("rsa -in a.key -noout -check", "inspect a.key"),
            ("expiry . -days 30", "expiry . --warn 30d"),
            ("expiry . --days 30", "expiry . --warn 30d"),
            ("convert a.cer push.key", "convert a.cer --key push.key"),
            ("convert push.key a.cer", "convert a.cer --key push.key"),
            ("convert a.crt key.pem", "convert a.crt --key key.pem"),
            ("convert a.pem privkey.pem -o b.pem", "convert a.pem --key privkey.pem -o b.pem"),
            ("convert a.cer push.key b.pem", "convert a.cer --key push.key -o b.pem"),
            ("pack push.key a.cer", "pack a.cer --key push.key"),
            ("pack a.pem push-key.pem b.p12", "pack a.pem --key push-key.pem -o b.p12"),
            ("pack a.cer push.key --password hunter2", "pack a.cer --key push.key --passout env:NEW_PASSWORD"),
            ("check a.cer push.key", "check a.cer --key push.key"),
            ("push a.cer push.key --token abcd", "push a.cer --key push.key --token abcd"),
            ("a.cer push.key", "inspect a.cer --key push.key"),
            ("csr push.key", "csr --key push.key"),
            ("convert monkey.pem b.pem", "convert monkey.pem -o b.pem"),
            ("cert.p12", "inspect cert.p12"),
            ("cert.p12 -out b.pem", "convert cert.p12 -o b.pem"),
            ("check -cert a.pem --proxy http://u:hunter2@p:1", "check a.pem --proxy 'http://u:…@p:1'"),
        ] {
            assert_eq!(hint(typed).unwrap_or_default(), expected, "{typed}");
        }
    }

    #[test]
    fn openssl_keeps_what_pushcert_does_not_do() {
        for typed in [
            "rsa -in push.key -out x.key",
            "rsa -des3 -in push.key -out x.key",
            "rsa -aes256 -passout pass:hunter2 -in push.key -out x.key",
            "pkey -in push.key -out x.key",
            "pkcs8 -topk8 -nocrypt -in push.key",
            "ec -in AuthKey.p8 -out x.pem",
            "openssl rsa -in enc.key -out x.key -passin pass:hunter2",
            "rsa -in push.key -frobnicate",
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let hint = understand(&arguments).unwrap().hint;
            assert!(hint.contains("no key without its certificate") && !hint.contains("hunter2"), "{typed}: {hint}");
        }
        let arguments = ["genpkey", "-algorithm", "ED25519"].map(OsString::from);
        assert!(understand(&arguments).unwrap().hint.starts_with("pushcert csr is the nearest"));
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for typed in [
            "convert",
            "convert --pasin env:A a.p12",
            "inspekt a.pem",
            "frob -in a",
            "convert a b c",
            "convert -in",
            "convert a.p12 hunter2",
            "convert hunter2 -out b.pem",
            "inspect a.p12 hunter2 -noout",
        ] {
            assert_eq!(hint(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_subject_is_taken_apart() {
        let words: Vec<String> = subject_options("/emailAddress=jo@example.com/CN=Jo Doe/O=X/C=DE")
            .iter()
            .map(|word| shell_os_word(word))
            .collect();
        assert_eq!(words.join(" "), "--email jo@example.com --name 'Jo Doe' --country DE");
    }
}
