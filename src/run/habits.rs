//! Understands command lines as people type them for openssl and other programs, and writes the one for pushcert.
//! Passwords that stand in them are never repeated.

use std::ffi::{OsStr, OsString};

use clap::{Command, CommandFactory, Parser};

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
    /// A flag that stands for one of pushcert's.
    Flag(&'static [&'static str]),
    /// A flag that stands for another subcommand.
    Subcommand(&'static str),
    /// A flag that is not needed.
    Nothing,
    /// An option with a value that is not needed.
    NothingWithValue,
}

struct Habit {
    /// Without dashes.
    option: &'static str,
    meaning: Meaning,
}

const fn habit(option: &'static str, meaning: Meaning) -> Habit {
    Habit { option, meaning }
}

const HABITS: [Habit; 55] = [
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
    habit("des3", Meaning::Nothing),
    habit("aes256", Meaning::Nothing),
    habit("new", Meaning::Nothing),
    habit("sha256", Meaning::Nothing),
    habit("f", Meaning::Flag(&["--force"])),
    habit("newkey", Meaning::NothingWithValue),
    habit("days", Meaning::NothingWithValue),
    habit("inform", Meaning::NothingWithValue),
    habit("outform", Meaning::NothingWithValue),
    habit("certfile", Meaning::NothingWithValue),
    habit("CAfile", Meaning::NothingWithValue),
    habit("macalg", Meaning::NothingWithValue),
    habit("keypbe", Meaning::NothingWithValue),
    habit("certpbe", Meaning::NothingWithValue),
];

/// Subcommands of openssl, and what is nearest to them.
const SUBCOMMANDS: [(&str, &str); 11] = [
    ("pkcs12", "convert"),
    ("pkcs8", "convert"),
    ("x509", "inspect"),
    ("rsa", "convert"),
    ("pkey", "convert"),
    ("ec", "convert"),
    ("req", "csr"),
    ("genrsa", "csr"),
    ("genpkey", "csr"),
    ("s_client", "check"),
    ("verify", "inspect"),
];

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
    let mut root = Cli::command();
    root.build();
    let mut reading = Reading::start(arguments, &root)?;
    while let Some(argument) = reading.next() {
        reading.take(argument)?;
    }
    let words = reading.words()?;
    // What is suggested must be taken.
    Cli::try_parse_from(&words).ok()?;
    let problem = reading.foreign?;
    let line: Vec<String> = words.iter().map(|word| shell_os_word(word)).collect();
    let mut hint = format!("type it so: {}", line.join(" "));
    for variable in [OLD_PASSWORD, NEW_PASSWORD] {
        if words.iter().any(|word| word == variable) {
            hint.push_str(&format!(" (with the password in the variable {})", variable.trim_start_matches("env:")));
            break;
        }
    }
    Some(Suggestion { problem, hint })
}

/// A command line while it is read.
struct Reading<'a> {
    rest: std::slice::Iter<'a, OsString>,
    root: &'a Command,
    subcommand: String,
    /// The subcommand was not typed, and a flag may tell another.
    is_guessed: bool,
    /// The first thing that pushcert does not take.
    foreign: Option<String>,
    inputs: Vec<OsString>,
    output: Option<OsString>,
    key: Option<OsString>,
    key_output: Option<OsString>,
    old_password: Option<OsString>,
    new_password: Option<OsString>,
    /// A password of which it is not known yet whether it is the old one.
    password: bool,
    /// Options of pushcert, with their values.
    own: Vec<OsString>,
}

impl<'a> Reading<'a> {
    fn start(arguments: &'a [OsString], root: &'a Command) -> Option<Self> {
        let mut rest = arguments.iter();
        let first = arguments.first()?.to_str()?;
        let mut reading = Self {
            rest: rest.clone(),
            root,
            subcommand: "convert".to_owned(),
            is_guessed: true,
            foreign: None,
            inputs: Vec::new(),
            output: None,
            key: None,
            key_output: None,
            old_password: None,
            new_password: None,
            password: false,
            own: Vec::new(),
        };
        if root.find_subcommand(first).is_some() {
            (reading.subcommand, reading.is_guessed) = (first.to_owned(), false);
        } else if let Some((theirs, ours)) = SUBCOMMANDS.iter().find(|(theirs, _)| *theirs == first) {
            reading.subcommand = (*ours).to_owned();
            reading.foreign = Some(format!("{theirs} is a command of openssl, not of pushcert"));
        } else if first.starts_with('-') {
            return Some(reading);
        } else {
            return None;
        }
        rest.next();
        reading.rest = rest;
        Some(reading)
    }

    fn next(&mut self) -> Option<&'a OsString> {
        self.rest.next()
    }

    /// Takes one argument, with its value; `None` where it is not understood.
    fn take(&mut self, argument: &OsString) -> Option<()> {
        let Some(text) = argument.to_str() else {
            self.inputs.push(argument.clone());
            return Some(());
        };
        let name = text.trim_start_matches('-');
        if name.len() == text.len() || text == "-" {
            self.inputs.push(argument.clone());
            return Some(());
        }
        if self.take_own(text)? {
            return Some(());
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(OsString::from(value))),
            None => (name, None),
        };
        let habit = HABITS.iter().find(|habit| habit.option == name)?;
        let dashes = &text[..text.len() - text.trim_start_matches('-').len()];
        let subcommand = if self.is_guessed { String::new() } else { format!(" {}", self.subcommand) };
        self.note(format!("{dashes}{name} is not an option of pushcert{subcommand}"));
        self.mean(habit.meaning, value)
    }

    fn note(&mut self, problem: String) {
        self.foreign.get_or_insert(problem);
    }

    /// Takes an option of pushcert itself, but for passwords: what stands there may be one.
    fn take_own(&mut self, text: &str) -> Option<bool> {
        let command = self.root.find_subcommand(&self.subcommand)?;
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        let argument = command.get_arguments().find(|argument| {
            argument.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
                || argument.get_short().is_some_and(|short| name.strip_prefix('-') == Some(short.to_string().as_str()))
        });
        let Some(argument) = argument else { return Some(false) };
        let takes_value = argument.get_action().takes_values() && !argument.is_require_equals_set();
        match argument.get_long() {
            Some("passin") => return self.mean(Meaning::InputPassword, value_of(text)).map(|()| true),
            Some("passout") => return self.mean(Meaning::OutputPassword, value_of(text)).map(|()| true),
            Some("output") => return self.mean(Meaning::Output, value_of(text)).map(|()| true),
            Some("key") if value_of(text).is_none() => return self.mean(Meaning::Key, None).map(|()| true),
            _ => {}
        }
        self.own.push(text.into());
        if takes_value && !text.contains('=') {
            self.own.push(self.rest.next()?.clone());
        }
        Some(true)
    }

    fn mean(&mut self, meaning: Meaning, value: Option<OsString>) -> Option<()> {
        let mut value_or_next = || value.clone().or_else(|| self.rest.next().cloned());
        match meaning {
            Meaning::Input => self.inputs.insert(0, value_or_next()?),
            Meaning::Output => self.output = Some(value_or_next()?),
            Meaning::Key => self.key = Some(value_or_next()?),
            Meaning::KeyOutput => self.key_output = Some(value_or_next()?),
            Meaning::Password => {
                value_or_next();
                self.password = true;
            }
            Meaning::InputPassword => self.old_password = Some(source(&value_or_next()?, OLD_PASSWORD)),
            Meaning::OutputPassword => self.new_password = Some(source(&value_or_next()?, NEW_PASSWORD)),
            Meaning::Name => self.own.extend(["--name".into(), value_or_next()?]),
            Meaning::Subject => {
                let subject = value_or_next()?;
                self.own.extend(subject_options(subject.to_str()?));
            }
            Meaning::Gateway => self.own.extend(["--gateway".into(), value_or_next()?]),
            Meaning::Flag(words) => self.own.extend(words.iter().map(OsString::from)),
            Meaning::Subcommand(name) => {
                if self.is_guessed || (name == "pack" && self.subcommand == "convert") {
                    name.clone_into(&mut self.subcommand);
                }
            }
            Meaning::Nothing => {}
            Meaning::NothingWithValue => drop(value_or_next()?),
        }
        Some(())
    }

    /// Returns the command line for pushcert.
    fn words(&mut self) -> Option<Vec<OsString>> {
        if self.output.is_none() && matches!(self.subcommand.as_str(), "convert" | "pack") && self.inputs.len() == 2 {
            self.output = self.inputs.pop();
            if let Some(output) = &self.output {
                let shown = shell_os_word(output);
                self.note(format!("one file is expected, and {shown} is a second: outputs are named with -o"));
            }
        }
        if self.subcommand == "inspect" && self.output.is_some() {
            "convert".clone_into(&mut self.subcommand);
            self.own.push("--no-key".into());
        }
        self.place_password();
        let mut words: Vec<OsString> = vec!["pushcert".into(), self.subcommand.as_str().into()];
        for input in &self.inputs {
            let is_option = input.as_encoded_bytes().starts_with(b"-") && input != "-";
            words.push(if is_option { std::path::Path::new(".").join(input).into() } else { input.clone() });
        }
        for (option, value) in [("--key", &self.key), ("--key-out", &self.key_output), ("--passin", &self.old_password)]
        {
            if let Some(value) = value {
                words.extend([option.into(), value.clone()]);
            }
        }
        if let Some(password) = &self.new_password {
            if self.subcommand != "pack" && !self.own.iter().any(|word| word == "--encrypt") {
                words.push("--encrypt".into());
            }
            words.extend(["--passout".into(), password.clone()]);
        }
        if let Some(output) = &self.output {
            words.extend(["-o".into(), output.clone()]);
        }
        words.extend(self.own.clone());
        Some(words)
    }

    /// Decides what the password is of that openssl calls just so: of the file that is made, if one is.
    fn place_password(&mut self) {
        if !self.password {
            return;
        }
        let is_new = match self.subcommand.as_str() {
            "csr" => true,
            "pack" => !self.inputs.first().is_some_and(|input| is_pkcs12(input)),
            _ => false,
        };
        if is_new {
            self.new_password.get_or_insert(NEW_PASSWORD.into());
        } else {
            self.old_password.get_or_insert(OLD_PASSWORD.into());
        }
    }
}

fn value_of(text: &str) -> Option<OsString> {
    let (_, value) = text.split_once('=')?;
    Some(value.into())
}

fn is_pkcs12(file: &OsStr) -> bool {
    let name = file.to_string_lossy().to_ascii_lowercase();
    name.ends_with(".p12") || name.ends_with(".pfx")
}

/// Returns the source of a password as pushcert writes it; a password itself is replaced by a variable.
fn source(typed: &OsStr, variable: &str) -> OsString {
    let text = typed.to_string_lossy();
    let is_source = match text.split_once(':') {
        Some(("env" | "file" | "fd" | "cmd", name)) => !name.is_empty(),
        Some(_) => false,
        None => matches!(&*text, "stdin" | "prompt"),
    };
    if is_source { typed.to_owned() } else { variable.into() }
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
        Some(hint.split(" (with the password").next()?.to_owned())
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
        ] {
            assert_eq!(hint(typed).unwrap_or_default(), expected, "{typed}");
        }
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for typed in
            ["convert", "convert --pasin env:A a.p12", "inspekt a.pem", "frob -in a", "convert a b c", "convert -in"]
        {
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
