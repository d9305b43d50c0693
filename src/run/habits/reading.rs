//! A command line as people type it for another program, while it is read and turned into one for pushcert.

mod gateway;
mod remark;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;

use crate::cli::password::os_string;
use crate::commands::shared::output_name::PromisedFormat;
use crate::report::shell::shell_os_word;
use crate::run::habits::alias::{Alias, AliasValue};
use crate::run::habits::names::{is_pkcs12, place_of_key};
use crate::run::habits::option::{self, Habit, Meaning};
use crate::run::habits::program::{Foreign, Nearest};
use crate::run::habits::value::{Subject, find_own, joined, source, threshold, with_scheme};
use crate::run::habits::word::{self, Meant, Synonyms};
use crate::run::stray;
use crate::world::place;

/// The variable that a password is to be given in.
pub(super) const OLD_PASSWORD: &str = "env:P12_PASSWORD";
pub(super) const NEW_PASSWORD: &str = "env:NEW_PASSWORD";
/// The empty password, as openssl takes it.
const NO_PASSWORD: &str = "pass:";

/// A command line while it is read.
pub(super) struct Reading<'a> {
    rest: std::slice::Iter<'a, OsString>,
    root: &'a Command,
    subcommand: String,
    /// The subcommand was not typed, and a flag may tell another.
    is_guessed: bool,
    /// A file was named with an option, as openssl takes it.
    has_named_input: bool,
    /// The subcommand of openssl, where it was typed.
    theirs: Option<&'static Foreign>,
    /// Another word was typed for the subcommand.
    is_synonym: bool,
    /// No language was typed, and one is needed.
    is_language_guessed: bool,
    /// A file stands where the subcommand belongs.
    is_file_first: bool,
    /// The first thing that pushcert does not take.
    pub(super) problem: Option<String>,
    inputs: Vec<OsString>,
    output: Option<OsString>,
    key: Option<OsString>,
    key_output: Option<OsString>,
    old_password: Option<OsString>,
    new_password: Option<OsString>,
    /// A password of which it is not known yet whether it is the old one: its source, if one was typed.
    password: Option<OsString>,
    /// The gateway's name and its port, which were typed apart.
    host: Option<String>,
    port: Option<String>,
    /// The name that the server is asked for.
    server_name: Option<String>,
    /// DER is to be written.
    makes_der: bool,
    /// The days before which pushcert is to warn.
    days: Option<u32>,
    /// A key is to be encrypted.
    encrypts: bool,
    has_intermediate: bool,
    /// No key is printed.
    is_at_terminal: bool,
    /// A flag asks for what a file holds.
    shows: bool,
    /// openssl is to write no certificate.
    has_noout: bool,
    /// openssl is to write what a file holds as text.
    has_text: bool,
    /// The options that pushcert has no equal for.
    left_out: Vec<String>,
    /// The flags that are not needed, or are so for keys alone.
    flags: Vec<String>,
    /// What flags ask for: the field, where there is one for it alone.
    asked: Vec<Option<&'static str>>,
    /// A new key is asked for.
    makes_new_key: bool,
    /// The encryption that was typed for a .p12.
    pbe: TypedPbe,
    /// What is to be said beside the line.
    remarks: Vec<String>,
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
            has_named_input: false,
            theirs: None,
            is_synonym: false,
            is_language_guessed: false,
            is_file_first: false,
            problem: None,
            inputs: Vec::new(),
            output: None,
            key: None,
            key_output: None,
            old_password: None,
            new_password: None,
            password: None,
            host: None,
            port: None,
            server_name: None,
            makes_der: false,
            days: None,
            encrypts: false,
            has_intermediate: false,
            is_at_terminal: false,
            shows: false,
            has_noout: false,
            has_text: false,
            left_out: Vec::new(),
            flags: Vec::new(),
            asked: Vec::new(),
            makes_new_key: false,
            pbe: TypedPbe::None,
            remarks: Vec::new(),
            time_left: None,
            own: Vec::new(),
        }
    }

    pub(super) fn start(arguments: &'a [OsString], root: &'a Command) -> Option<Self> {
        let argument = arguments.first()?;
        // What is not UTF-8 is a file at most.
        let first = argument.to_str().unwrap_or_default();
        let mut reading = Self::new(arguments, root);
        if root.find_subcommand(first).is_some() {
            (reading.subcommand, reading.is_guessed) = (first.to_owned(), false);
        } else if let Some(theirs) = Foreign::find(first) {
            theirs.subcommand()?.clone_into(&mut reading.subcommand);
            reading.theirs = Some(theirs);
            reading.note(theirs.problem());
        } else if let Some(synonyms) = Synonyms::find(first) {
            let Meant::Subcommand(name) = synonyms.meant else { return None };
            (reading.subcommand, reading.is_guessed, reading.is_synonym) = (name.to_owned(), false, true);
            reading.note(word::problem(first));
        } else if argument.as_encoded_bytes().starts_with(b"-") && first != "-" {
            return Some(reading);
        } else if stray::is_file(argument) {
            reading.is_file_first = true;
            reading.note(format!("{} is a file, not a command of pushcert", shell_os_word(argument)));
            return Some(reading);
        } else {
            return None;
        }
        reading.rest.next();
        Some(reading)
    }

    pub(super) fn next(&mut self) -> Option<&'a OsString> {
        self.rest.next()
    }

    /// Takes one argument, with its value; `None` where it is not understood.
    pub(super) fn take(&mut self, argument: &OsString) -> Option<()> {
        let is_option = argument.as_encoded_bytes().starts_with(b"-") && argument != "-";
        match argument.to_str() {
            Some(text) if !is_option => self.take_word(text),
            None if !is_option => self.take_file(argument),
            Some(text) => match text.split_once('=') {
                Some((option, value)) => self.take_option(option, Some(value.into())),
                None => self.take_option(text, None),
            },
            None => {
                let bytes = argument.as_encoded_bytes();
                let place = bytes.iter().position(|byte| *byte == b'=')?;
                let option = std::str::from_utf8(&bytes[..place]).ok()?;
                self.take_option(option, Some(os_string(&bytes[place + 1..])?))
            }
        }
    }

    /// Takes an option, which has its dashes, and what stands behind its sign of equality.
    fn take_option(&mut self, typed: &str, value: Option<OsString>) -> Option<()> {
        if self.take_own(typed, value.clone())? {
            return Some(());
        }
        let name = typed.trim_start_matches('-');
        let dashes = &typed[..typed.len() - name.len()];
        let subcommand = if self.is_guessed { String::new() } else { format!(" {}", self.subcommand) };
        self.note(format!("{dashes}{name} is not an option of pushcert{subcommand}"));
        let is_openssls = self.theirs.is_some();
        // It shows more; with two hyphens it is a word for the sandbox.
        if name == "debug" && dashes == "-" {
            return Some(());
        }
        let Some(known) = Habit::find(name, self.program()) else {
            let is_own = !is_openssls && dashes == "-" && self.take_own(&format!("-{typed}"), value.clone())?;
            return if is_own { Some(()) } else { self.take_alias(name, value) };
        };
        if known.meaning == Meaning::Nothing {
            self.flags.push(name.to_owned());
        }
        let asks = known.meaning == Meaning::Subcommand("inspect");
        self.has_noout |= asks && name == "noout";
        if asks && name != "noout" {
            self.ask(name);
        }
        if matches!(known.meaning, Meaning::LeftOut | Meaning::LeftOutWithValue) {
            self.left_out.push(format!("-{name}"));
        }
        self.mean(known.meaning, value)
    }

    /// Takes an option of pushcert that was typed by another name.
    fn take_alias(&mut self, name: &str, value: Option<OsString>) -> Option<()> {
        let alias = Alias::find(self.root.find_subcommand(&self.subcommand)?, name)?;
        self.own.push(alias.option.into());
        match alias.value {
            AliasValue::Shown(_) => return None,
            AliasValue::Known(known) => self.own.push(known.into()),
            AliasValue::Typed | AliasValue::Threshold => self.own.push(value.or_else(|| self.rest.next().cloned())?),
            AliasValue::None => {}
        }
        Some(())
    }

    /// Takes a word without an option before it: a file. Any other word may be a password.
    fn take_word(&mut self, text: &str) -> Option<()> {
        let is_key_size = self.makes_key() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_key_size {
            self.remark_other_key(text == "2048");
            return Some(());
        }
        if self.is_guessed && self.theirs.is_none() && self.root.find_subcommand(text).is_some() {
            self.note(format!("the command stands first: pushcert {text}"));
            (self.subcommand, self.is_guessed, self.is_file_first) = (text.to_owned(), false, false);
            return Some(());
        }
        if self.is_value(text) {
            self.inputs.insert(0, text.into());
            return Some(());
        }
        if self.take_server(text) {
            return Some(());
        }
        self.take_file(text.as_ref())
    }

    fn take_file(&mut self, name: &OsStr) -> Option<()> {
        if !stray::is_file(name) {
            return None;
        }
        self.inputs.push(name.to_owned());
        Some(())
    }

    /// Returns whether a word is one of those that the subcommand takes in the place of a file, such as a language.
    fn is_value(&self, text: &str) -> bool {
        let Some(subcommand) = self.root.find_subcommand(&self.subcommand) else { return false };
        for argument in subcommand.get_positionals() {
            if argument.get_possible_values().iter().any(|value| value.matches(text, false)) {
                return true;
            }
        }
        false
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

    pub(super) fn is_program(&self, name: &str) -> bool {
        match self.theirs {
            Some(theirs) => theirs.name == name,
            None => false,
        }
    }

    /// Returns whether the command of openssl takes a file with certificates and keys apart.
    fn opens_containers(&self) -> bool {
        self.theirs.is_some_and(Foreign::opens_containers)
    }

    /// Returns the program of openssl, or what stands for any; empty where the line is none for openssl.
    fn program(&self) -> &'static str {
        match self.theirs {
            Some(theirs) => theirs.name,
            None if self.is_guessed && !self.is_file_first => option::ANY,
            None => "",
        }
    }

    fn note(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// Takes an option of pushcert itself, but for passwords: what stands there may be one.
    fn take_own(&mut self, name: &str, value: Option<OsString>) -> Option<bool> {
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
        let takes_value = argument.get_action().takes_values() && !argument.is_require_equals_set();
        match value {
            Some(value) => self.own.push(joined(name, &value)),
            None if takes_value => self.own.extend([name.into(), self.rest.next()?.clone()]),
            None => self.own.push(name.into()),
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
            Meaning::Input => {
                let file = self.without_password(value);
                self.has_named_input = true;
                self.inputs.insert(0, file);
            }
            Meaning::Output => self.take_output(value)?,
            Meaning::Key => self.key = Some(self.without_password(value)),
            Meaning::KeyOutput => self.key_output = Some(value),
            Meaning::Password if value.to_string_lossy().contains(':') => {
                self.password = Some(if value == NO_PASSWORD { value } else { source(&value, "") });
            }
            Meaning::Password => self.password = Some(OsString::new()),
            // pushcert tries the empty one by itself.
            Meaning::InputPassword if value == NO_PASSWORD => {}
            Meaning::InputPassword => self.old_password = Some(source(&value, OLD_PASSWORD)),
            Meaning::OutputPassword if value == NO_PASSWORD => self.new_password = Some(value),
            Meaning::OutputPassword => self.new_password = Some(source(&value, NEW_PASSWORD)),
            Meaning::Name if value.is_empty() => self.remarks.push("without the empty name".to_owned()),
            Meaning::Name => self.own.extend(["--name".into(), value]),
            Meaning::Subject => self.name_subject(value.to_str()?)?,
            Meaning::ServerName => self.server_name = Some(value.to_str()?.to_owned()),
            Meaning::Curve => self.remark_other_key(false),
            Meaning::NewKey => {
                self.makes_new_key = true;
                self.remark_other_key(value.eq_ignore_ascii_case("rsa") || value.eq_ignore_ascii_case("rsa:2048"));
            }
            Meaning::KeyOption => self.remark_other_key(is_of_usual_key(value.to_str()?)),
            // pushcert encrypts every .p12.
            Meaning::Pbe if value.eq_ignore_ascii_case("none") => return None,
            Meaning::Pbe => self.pbe.add_cipher(value.to_str()?),
            Meaning::Mac => self.pbe.add_mac(value.to_str()?),
            Meaning::Gateway => self.own.extend(["--gateway".into(), value]),
            Meaning::Host => self.host = Some(value.to_str()?.to_owned()),
            Meaning::Port => self.port = Some(value.to_str()?.to_owned()),
            Meaning::Proxy => self.own.extend(["--proxy".into(), with_scheme(value.to_str()?).into()]),
            Meaning::OutputForm => self.makes_der = value.eq_ignore_ascii_case("DER"),
            Meaning::Authorities => self.trust(value),
            Meaning::Intermediate => self.has_intermediate = true,
            Meaning::Encrypt => self.encrypts = true,
            Meaning::Days => self.warn_before(value.to_str()?)?,
            Meaning::Seconds => self.limit_time_left(value.to_str()?)?,
            // A request for Apple has a key of RSA.
            Meaning::Algorithm if !value.eq_ignore_ascii_case("RSA") => return None,
            Meaning::Flag(words) => {
                for word in words {
                    self.own.push(word.into());
                }
            }
            Meaning::Subcommand(name) => self.turn_to(name),
            Meaning::Algorithm
            | Meaning::Nothing
            | Meaning::NothingWithValue
            | Meaning::LeftOut
            | Meaning::LeftOutWithValue => {}
        }
        Some(())
    }

    /// Returns the name of a file; a password behind it and a colon, as curl takes it, is one of the input.
    fn without_password(&mut self, file: OsString) -> OsString {
        let Some(name) = stray::file_before_password(&file) else { return file };
        self.old_password.get_or_insert(OLD_PASSWORD.into());
        name
    }

    /// Takes the name of an output. Of two, openssl takes the last; to pushcert they are a certificate and its key.
    fn take_output(&mut self, file: OsString) -> Option<()> {
        match self.output.take() {
            Some(first) if !self.is_openssls() => {
                let mut files = vec![first, file];
                let key = files.remove(place_of_key(&files)?);
                self.name_parts(files.pop()?, key);
            }
            _ => self.output = Some(file),
        }
        Some(())
    }

    /// Takes what csr has of a subject, and says what else there is.
    fn name_subject(&mut self, subject: &str) -> Option<()> {
        let subject = Subject::parse(subject)?;
        self.own.extend(subject.options);
        if !subject.left_out.is_empty() {
            let names = subject.left_out.join(", ");
            self.remarks.push(format!("without {names} of the subject, which pushcert csr does not take"));
        }
        Some(())
    }

    /// Takes a flag that asks for a report.
    fn ask(&mut self, flag: &str) {
        self.asked.push(match flag {
            // Or of SHA-256, where another flag says so.
            "fingerprint" => Some("sha1"),
            _ => field_of(flag),
        });
        match flag {
            "modulus" => self
                .remarks
                .push("without the modulus; the line SPKI is the same for a certificate and its key".to_owned()),
            "text" => self.has_text = true,
            "hash" | "purpose" | "subject_hash" | "subject_hash_old" | "issuer_hash" | "issuer_hash_old" | "alias"
            | "ocspid" | "ocsp_uri" => self.remarks.push(format!("without what -{flag} shows")),
            _ => {}
        }
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
            self.days = Some(days);
        }
        Some(())
    }

    /// Takes the seconds that must be left, and says what is judged, and to what they were rounded.
    fn limit_time_left(&mut self, seconds: &str) -> Option<()> {
        let (time, is_rounded) = threshold(seconds)?;
        let rounding = if is_rounded { "; the seconds were rounded up to hours" } else { "" };
        self.remarks.push(format!("it judges all certificates of the file, openssl the first alone{rounding}"));
        self.time_left = Some(time);
        Some(())
    }

    fn turn_to(&mut self, subcommand: &str) {
        self.shows |= subcommand == "inspect";
        if self.is_guessed || (subcommand == "pack" && self.subcommand == "convert") {
            subcommand.clone_into(&mut self.subcommand);
        }
    }

    /// Returns the command line for pushcert.
    pub(super) fn words(&mut self) -> Option<Vec<OsString>> {
        // It writes the parameters of a curve alone.
        if self.is_program("ecparam") && !self.has_flag("genkey") {
            return None;
        }
        self.drop_output_of_text();
        if self.is_theirs(Nearest::KeysAlone) && (self.output.is_some() || !self.shows) {
            self.write_key_alone();
        }
        let writes_certificate = self.is_program("x509") && !self.has_noout && self.time_left.is_none();
        let only_shows = self.shows && self.output.is_none() && !(writes_certificate && self.makes_der);
        if self.makes_der && !only_shows {
            return None;
        }
        let makes_new_key = self.makes_new_key || (self.is_program("req") && self.key.is_none());
        self.find_gateway()?;
        self.find_key();
        self.find_output()?;
        self.choose_subcommand();
        if writes_certificate {
            self.write_certificate();
        }
        self.write_all_certificates();
        self.write_without_key()?;
        self.drop_force();
        self.name_output();
        self.rename_output()?;
        self.name_file();
        self.place_password();
        self.place_empty_password();
        self.divide_source();
        // openssl's req encrypts a new key by itself.
        let is_in_clear = self.has_flag("nodes") || self.has_flag("noenc");
        self.encrypts |= makes_new_key && self.subcommand == "csr" && !is_in_clear;
        self.place_encryption();
        self.remark_clear_key(is_in_clear);
        self.remark_asked_password();
        self.remark_text();
        self.remark_left_out();
        self.remark_name();
        self.remark_verdict();
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

    /// Turns to the command that writes a key without its certificate. openssl's pkcs8 encrypts by itself.
    fn write_key_alone(&mut self) {
        "convert".clone_into(&mut self.subcommand);
        self.own.extend(["--certs".into(), "none".into()]);
        self.encrypts |= self.has_flag("topk8") && !self.has_flag("nocrypt");
        let is_encrypted = self.encrypts || self.new_password.is_some();
        // openssl's ec writes no other form.
        if (self.has_flag("traditional") || self.is_program("ec")) && !is_encrypted {
            self.own.extend(["--key-format".into(), "traditional".into()]);
        }
    }

    /// Turns to the command that writes a certificate as PEM, as openssl's x509 does without -noout. What else a flag asks
    /// for is shown, and the other command is said.
    fn write_certificate(&mut self) {
        if self.subcommand != "inspect" {
            return;
        }
        if self.shows {
            self.remarks.push("openssl writes the certificate too: pushcert convert FILE --no-key".to_owned());
            return;
        }
        "convert".clone_into(&mut self.subcommand);
        self.own.push("--no-key".into());
    }

    /// Asks for all certificates of a .p12, which openssl writes unless -clcerts or -cacerts chooses some.
    fn write_all_certificates(&mut self) {
        let writes_all = self.subcommand == "convert" && self.opens_containers() && !self.has_flag("clcerts");
        if writes_all && !self.own_has("--certs") {
            self.own.extend(["--certs".into(), "all".into()]);
        }
    }

    /// Leaves the key out where a .p12 is expected and the file is a certificate by its name, which has none.
    fn write_without_key(&mut self) -> Option<()> {
        let is_certificate = |file: &OsString| {
            let ending = Path::new(file).extension().unwrap_or_default().to_ascii_lowercase();
            ["cer", "crt", "der", "p7b"].iter().any(|known| ending == *known)
        };
        let has_key = self.inputs.is_empty() || !self.inputs.iter().all(is_certificate);
        if !self.is_program("pkcs12") || has_key || self.key.is_some() || self.own_has("--no-key") {
            return Some(());
        }
        if self.subcommand == "pack" {
            self.remarks.push("its key is missing: --key FILE".to_owned());
        }
        if self.subcommand == "convert" {
            if self.own_value("--certs").as_deref() == Some("none") {
                return None;
            }
            self.own.push("--no-key".into());
            self.remarks.push("a certificate has no key in it: --key FILE in the place of --no-key adds it".to_owned());
        }
        Some(())
    }

    /// Drops the name of an output that openssl would fill with text, which pushcert prints.
    fn drop_output_of_text(&mut self) {
        if self.is_openssls() && self.has_noout && !self.inputs.is_empty() && self.output.take().is_some() {
            self.remarks.push("> FILE behind it writes that to a file".to_owned());
        }
    }

    /// Drops the wish to overwrite where nothing is written.
    fn drop_force(&mut self) {
        let Some(command) = self.root.find_subcommand(&self.subcommand) else { return };
        if find_own(command, "--force").is_none() {
            self.own.retain(|word| word != "--force");
        }
    }

    /// Names another output where it is an input: neither program writes a file while it reads it.
    fn rename_output(&mut self) -> Option<()> {
        let outputs = [&self.output, &self.key_output];
        let mut inputs = self.inputs.iter().chain(&self.key);
        if !inputs.any(|input| outputs.into_iter().flatten().any(|output| is_same_file(input, output))) {
            return Some(());
        }
        let free = place::free_path(Path::new(self.output.as_ref()?)).into_os_string();
        if self.output.as_ref() == Some(&free) || self.key_output.is_some() {
            return None;
        }
        self.remarks.push("under another name: the output that was typed is the input".to_owned());
        self.output = Some(free);
        Some(())
    }

    /// Decides what an empty password of an output is: of the formats of a .p12 one takes it, and no key is encrypted with it.
    fn place_empty_password(&mut self) {
        if self.new_password.as_deref() != Some(OsStr::new(NO_PASSWORD)) {
            return;
        }
        if self.subcommand != "pack" {
            self.new_password = None;
            return;
        }
        match self.own_value("--for").as_deref() {
            None => self.own.extend(["--for".into(), "modern".into()]),
            Some("modern") => {}
            // Another one is asked for.
            Some(_) => self.new_password = None,
        }
        self.remarks.push("an empty password is for modern alone: keychain and java take none".to_owned());
    }

    /// Takes a variable for the new password where openssl reads both from one source, the new one from its second line.
    fn divide_source(&mut self) {
        let Some(new) = &self.new_password else { return };
        let is_read_once = ["file:", "fd:", "stdin"].iter().any(|kind| new.to_string_lossy().starts_with(kind));
        if self.is_openssls() && is_read_once && self.old_password.as_ref() == Some(new) {
            self.new_password = Some(NEW_PASSWORD.into());
            self.remarks.push("openssl takes the new password from the second line of that source".to_owned());
        }
    }

    /// Returns whether the line is one for openssl, of which the subcommand may be missing.
    fn is_openssls(&self) -> bool {
        self.theirs.is_some() || self.is_guessed
    }

    fn has_flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }

    /// Returns the place of an option of pushcert that was understood, and how many words it has.
    fn find_in_own(&self, option: &str) -> Option<(usize, usize)> {
        let joined = format!("{option}=");
        for (place, word) in self.own.iter().enumerate() {
            if word == option {
                return Some((place, 2));
            }
            if word.to_string_lossy().starts_with(&joined) {
                return Some((place, 1));
            }
        }
        None
    }

    fn own_value(&self, option: &str) -> Option<String> {
        let (place, count) = self.find_in_own(option)?;
        let last = self.own.get(place + count - 1)?.to_string_lossy();
        Some(if count == 1 { last[option.len() + 1..].to_owned() } else { last.into_owned() })
    }

    fn drop_own(&mut self, option: &str) {
        if let Some((place, count)) = self.find_in_own(option) {
            self.own.drain(place..(place + count).min(self.own.len()));
        }
    }

    /// Takes a second file for the key, where its name says that it is one.
    fn find_key(&mut self) {
        let most = match self.subcommand.as_str() {
            "convert" | "pack" => 3,
            "check" | "push" | "rehearse" => 2,
            "csr" => 1,
            _ => return,
        };
        let least = if self.subcommand == "csr" { 1 } else { 2 };
        if self.key.is_some() || self.theirs.is_some() || !(least..=most).contains(&self.inputs.len()) {
            return;
        }
        let Some(place) = place_of_key(&self.inputs) else { return };
        let writes_parts = self.subcommand == "convert" && self.output.is_none();
        if writes_parts && is_pkcs12(&self.inputs[0]) && !Path::new(&self.inputs[place]).exists() {
            return self.divide(place);
        }
        let key = self.inputs.remove(place);
        self.note(format!("{} is a key: keys are named with --key", shell_os_word(&key)));
        self.key = Some(key);
    }

    /// Takes the files after a .p12 for what is made of it: its key is in it, and the file that is named like a key is not
    /// there. One of them alone is found as any other output.
    fn divide(&mut self, place_of_key: usize) {
        if self.inputs.len() != 3 {
            return;
        }
        let key = self.inputs.remove(place_of_key);
        if let Some(certificate) = self.inputs.pop() {
            self.name_parts(certificate, key);
        }
    }

    fn name_parts(&mut self, certificate: OsString, key: OsString) {
        self.note("one file is expected: outputs are named with --cert-out and --key-out".to_owned());
        self.own.extend(["--cert-out".into(), certificate]);
        self.key_output = Some(key);
    }

    /// Gives the file to its option, where the subcommand takes none without one.
    fn name_file(&mut self) {
        let option = match self.subcommand.as_str() {
            "rehearse" | "example" => "--cert",
            "gateway" => "--client-ca",
            _ => return,
        };
        let mut values = Vec::new();
        let mut files = Vec::new();
        for input in &self.inputs {
            let is_value = input.to_str().is_some_and(|text| self.is_value(text));
            if is_value { values.push(input.clone()) } else { files.push(input.clone()) }
        }
        let [file] = &files[..] else { return };
        self.note(format!("{} is a file: {} takes it with {option}", shell_os_word(file), self.subcommand));
        self.own.extend([option.into(), file.clone()]);
        if self.subcommand == "example" && values.is_empty() {
            self.is_language_guessed = true;
            values.push("curl".into());
        }
        self.inputs = values;
    }

    /// Has a key go to a file.
    pub(super) fn needs_output(&mut self) {
        self.is_at_terminal = true;
    }

    /// Names a file for a key that would be printed on a terminal, where it is refused.
    fn name_output(&mut self) {
        let is_named = self.output.is_some()
            || self.key_output.is_some()
            || ["--key-out", "--cert-out", "--no-key"].iter().any(|option| self.own_has(option));
        if !self.is_at_terminal || is_named {
            return;
        }
        let name = match self.subcommand.as_str() {
            "pack" => "push.p12",
            "convert" if self.own_value("--certs").as_deref() == Some("none") => "push.key",
            "convert" => "push.pem",
            _ => return,
        };
        self.output = Some(place::free_name(name).into());
    }

    /// Decides what the files are.
    fn find_output(&mut self) -> Option<()> {
        if self.makes_key() {
            self.key_output = self.output.take();
        }
        // An export that is there is no output: it would be lost.
        if self.output.is_none()
            && let ("convert" | "pack", [certificate, export]) = (self.subcommand.as_str(), &self.inputs[..])
            && is_pkcs12(export)
            && Path::new(export).is_file()
            && (self.subcommand == "convert" || self.has_named_input)
        {
            let is_there = |file: &OsString| Path::new(file).exists();
            if self.subcommand == "pack" || is_there(certificate) || self.key.as_ref().is_some_and(is_there) {
                return None;
            }
            let certificate = self.inputs.remove(0);
            match self.key.take() {
                Some(key) => self.name_parts(certificate, key),
                None => {
                    let name = shell_os_word(&certificate);
                    self.note(format!("one file is expected, and {name} is not there: outputs are named with -o"));
                    self.output = Some(certificate);
                }
            }
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
        Some(())
    }

    /// Decides the subcommand, where it depends on what else was typed.
    fn choose_subcommand(&mut self) {
        let has_output = self.output.is_some() || self.key_output.is_some() || self.own_has("--cert-out");
        let is_report = self.is_file_first || self.own_has("--json");
        match self.subcommand.as_str() {
            "inspect" if self.output.is_some() => {
                "convert".clone_into(&mut self.subcommand);
                self.own.push("--no-key".into());
                if self.is_program("pkcs7") {
                    self.own.extend(["--certs".into(), "all".into()]);
                }
            }
            "convert" if is_report && !has_output => "inspect".clone_into(&mut self.subcommand),
            // People export to PEM, too.
            "pack" if self.is_synonym && self.has_pem_output() => "convert".clone_into(&mut self.subcommand),
            // openssl shows what is in the .p12.
            "convert" if self.opens_containers() && self.has_noout && !has_output => {
                "inspect".clone_into(&mut self.subcommand);
            }
            "convert" if self.writes_pkcs12() => {
                "pack".clone_into(&mut self.subcommand);
                if self.is_program("pkcs12") {
                    self.remarks.push(
                        "openssl would write PEM under that name; --passout gives the password of the .p12".to_owned(),
                    );
                }
            }
            "csr" if self.output.is_none() && !self.inputs.is_empty() => "inspect".clone_into(&mut self.subcommand),
            _ => {}
        }
        if self.subcommand == "pack" && self.promised() == Some(PromisedFormat::JavaKeystore) && !self.own_has("--for")
        {
            self.own.extend(["--for".into(), "java".into()]);
        }
        let is_own_choice = self.is_synonym || self.is_file_first;
        if self.subcommand == "inspect" && is_own_choice && self.inputs.iter().any(|input| Path::new(input).is_dir()) {
            "expiry".clone_into(&mut self.subcommand);
        }
        if let Some(time) = self.time_left.take() {
            "expiry".clone_into(&mut self.subcommand);
            self.own.extend(["--fail".into(), time.into()]);
        }
        if let ("inspect", [Some(field)]) = (self.subcommand.as_str(), &self.asked[..]) {
            let is_sha256 = *field == "sha1" && self.has_flag("sha256");
            self.own.extend(["--field".into(), if is_sha256 { "sha256" } else { *field }.into()]);
        }
        if self.subcommand == "pack" && self.pbe == TypedPbe::Modern && !self.own_has("--for") {
            self.own.extend(["--for".into(), "modern".into()]);
        }
        if self.has_intermediate && !self.own_has("--chain") {
            self.own.push("--chain".into());
        }
    }

    /// Returns the format that the name of the output promises, where that is not PEM.
    fn promised(&self) -> Option<PromisedFormat> {
        PromisedFormat::of(Path::new(self.output.as_ref()?))
    }

    /// Returns whether a certificate with its key goes to a file that is named like a .p12.
    fn writes_pkcs12(&self) -> bool {
        let is_named = matches!(self.promised(), Some(PromisedFormat::Pkcs12 | PromisedFormat::JavaKeystore));
        is_named && !["--no-key", "--certs", "--key-out", "--cert-out"].iter().any(|option| self.own_has(option))
    }

    fn has_pem_output(&self) -> bool {
        self.output.as_ref().is_some_and(|file| Path::new(file).extension() == Some(OsStr::new("pem")))
    }

    fn own_has(&self, option: &str) -> bool {
        self.own.contains(&option.into())
    }

    /// Decides what the password is of that openssl calls just so: of the file that is made, if one is.
    fn place_password(&mut self) {
        let Some(typed) = self.password.take() else { return };
        let is_new = match self.subcommand.as_str() {
            "csr" => true,
            "pack" => match self.inputs.first() {
                Some(input) => !is_pkcs12(input),
                None => true,
            },
            _ => false,
        };
        if typed == NO_PASSWORD && !is_new {
            return;
        }
        if is_new {
            self.new_password.get_or_insert(if typed.is_empty() { NEW_PASSWORD.into() } else { typed });
        } else {
            self.old_password.get_or_insert(if typed.is_empty() { OLD_PASSWORD.into() } else { typed });
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

/// The encryption of a .p12 that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypedPbe {
    None,
    /// A cipher that is not AES.
    Old,
    /// AES, or a MAC with SHA-2.
    Modern,
}

impl TypedPbe {
    fn add_cipher(&mut self, name: &str) {
        *self = if name.to_ascii_lowercase().starts_with("aes") { Self::Modern } else { Self::Old };
    }

    fn add_mac(&mut self, name: &str) {
        if *self == Self::None && !name.eq_ignore_ascii_case("sha1") {
            *self = Self::Modern;
        }
    }
}

/// Returns whether two names are those of one file, and not of standard input.
fn is_same_file(one: &OsStr, other: &OsStr) -> bool {
    let is_there =
        Path::new(one).canonicalize().is_ok_and(|one| Path::new(other).canonicalize().is_ok_and(|other| one == other));
    one != "-" && (one == other || is_there)
}

/// Returns the field of a certificate that a flag of openssl asks for.
fn field_of(flag: &str) -> Option<&'static str> {
    match flag {
        "startdate" => Some("not_before"),
        "enddate" => Some("not_after"),
        "subject" => Some("subject"),
        "issuer" => Some("issuer"),
        "serial" => Some("serial"),
        _ => None,
    }
}

/// Returns whether an option of a new key says no more than that it is RSA of 2048 bits.
fn is_of_usual_key(option: &str) -> bool {
    match option.split_once(':') {
        Some(("rsa_keygen_bits", bits)) => bits == "2048",
        Some((name, _)) => !name.starts_with("ec_"),
        None => true,
    }
}
