//! Understands command lines as people type them for openssl and other programs, and writes the one for pushcert.
//! Passwords that stand in them are never repeated.

mod alias;
mod blanks;
mod names;
mod option;
mod program;
mod reading;
mod typography;
mod value;
mod word;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::commands;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::shell::shell_os_word;
use crate::run::habits::alias::Alias;
use crate::run::habits::option::Habit;
use crate::run::habits::program::Foreign;
use crate::run::habits::reading::Reading;
use crate::run::habits::word::Synonyms;
use crate::run::stray;

/// The place to which standard output leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Screen {
    /// No key is printed there.
    Terminal,
    Other,
}

/// A command line that was understood.
pub(super) struct Suggestion {
    /// What was found that pushcert does not take.
    pub(super) problem: String,
    pub(super) hint: String,
}

impl Suggestion {
    pub(super) fn to_error(&self) -> Error {
        Error::new(ExitKind::Usage, self.problem.as_str()).hint(self.hint.as_str())
    }
}

/// Returns the command line that was meant, where it was one for another program.
pub(super) fn understand(arguments: &[OsString], screen: Screen) -> Option<Suggestion> {
    let mut arguments = arguments;
    while let [first, rest @ ..] = arguments
        && (is_openssl(first) || PROMPTS.iter().any(|prompt| first == prompt))
    {
        arguments = rest;
    }
    if let Some(suggestion) =
        blanks::find(arguments).and_then(|found| translate(&found.arguments, Some(found.problem), screen))
    {
        return Some(suggestion);
    }
    if let Some(suggestion) = completions(arguments) {
        return Some(suggestion);
    }
    let Some(joined) = joined(arguments) else { return understand_words(arguments, screen) };
    let suggestion = understand_words(&joined, screen)?;
    // The problem begins with the two words, which were typed without a hyphen.
    Some(Suggestion { problem: suggestion.problem.replacen('-', " ", 1), ..suggestion })
}

/// What stands before a command where it was copied.
const PROMPTS: [&str; 4] = ["$", "#", "%", "sudo"];

/// Returns whether a word is the name of openssl's program, in a folder or not.
fn is_openssl(word: &OsStr) -> bool {
    let name = Path::new(word).file_stem().unwrap_or_default();
    name.eq_ignore_ascii_case("openssl")
}

fn understand_words(arguments: &[OsString], screen: Screen) -> Option<Suggestion> {
    if let Some(suggestion) = translate(arguments, None, screen) {
        return Some(suggestion);
    }
    // Not every command has it.
    if let Some(place) = arguments.iter().position(|argument| argument == "--json")
        && let Some(suggestion) = translate(&[&arguments[..place], &arguments[place + 1..]].concat(), None, screen)
    {
        return Some(suggestion);
    }
    let first = arguments.first()?.to_str()?;
    if let Some(theirs) = Foreign::find(first) {
        let der = if theirs.writes_certificates() { der_hint(arguments) } else { None };
        let hint = match der {
            Some(hint) => hint,
            None => theirs.hint(arguments),
        };
        return Some(Suggestion { problem: theirs.problem(), hint });
    }
    if let Some(hint) = der_hint(arguments) {
        return Some(Suggestion { problem: "-outform is not an option of pushcert".to_owned(), hint });
    }
    let synonyms = Synonyms::find(first)?;
    Some(Suggestion { problem: word::problem(first), hint: synonyms.hint() })
}

/// Says what makes DER, where that is to be written.
fn der_hint(arguments: &[OsString]) -> Option<String> {
    let mut before = "";
    for word in arguments {
        let text = word.to_str().unwrap_or_default();
        let name = text.trim_start_matches('-');
        let (option, value) = name.split_once('=').unwrap_or((before, text));
        if option == "outform" && value.eq_ignore_ascii_case("der") {
            let then = if arguments[0] == "req" { "pushcert csr, and then openssl req" } else { "openssl x509" };
            return Some(format!("pushcert writes PEM and .p12, and no DER: {then} -in FILE -outform der -out FILE"));
        }
        before = if name.len() < text.len() { name } else { "" };
    }
    None
}

/// Returns the command for the completions of a shell, where its name was typed behind another word for them.
fn completions(arguments: &[OsString]) -> Option<Suggestion> {
    let (shell, words) = arguments.split_last()?;
    let shell = Shell::from_str(shell.to_str()?, true).ok()?;
    let (word, before) = words.split_last()?;
    let word = word.to_str()?;
    let problem = match before {
        [] => word::problem(word),
        [generate] if generate == "generate" => word::problem(&format!("generate {word}")),
        _ => return None,
    };
    let hint = format!("type it so: pushcert generate completions {shell}");
    if word == "generate" && before.is_empty() {
        let problem = word::problem(&format!("generate {shell}"));
        return Some(Suggestion { problem, hint });
    }
    word::COMPLETIONS.contains(&word).then_some(Suggestion { problem, hint })
}

/// Makes one word of two that stand for a subcommand together, such as `generate csr`.
fn joined(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let [first, second, rest @ ..] = arguments else { return None };
    let word = format!("{}-{}", first.to_str()?, second.to_str()?);
    Synonyms::find(&word)?;
    Some([&[word.into()], rest].concat())
}

/// Refuses what a text editor has made of hyphens and quotation marks: `—environment`, `“cert.p12”`.
pub(super) fn refuse_typography(arguments: &[OsString], screen: Screen) -> Option<Suggestion> {
    let (first, rest) = arguments.split_first()?;
    // To build the options of all commands takes as long as many a command: most lines need it not.
    if !rest.iter().any(|argument| typography::is_suspicious(argument)) {
        return None;
    }
    let mut root = Cli::command();
    root.build();
    let mended = typography::mend(rest, root.find_subcommand(first)?)?;
    let line = [std::slice::from_ref(first), &mended.arguments[..]].concat();
    let suggestion = translate(&line, Some(mended.problem.clone()), screen);
    Some(suggestion.unwrap_or(Suggestion { problem: mended.problem, hint: mended.hint }))
}

/// Refuses a long option that was typed with one hyphen and that a short one would swallow: `-out=FILE` is `-o ut=FILE`.
pub(super) fn refuse_swallowed(arguments: &[OsString], screen: Screen) -> Option<Suggestion> {
    let (first, rest) = arguments.split_first()?;
    for argument in rest {
        if argument == "--" {
            return None;
        }
        let text = argument.to_string_lossy();
        let Some(name) = text.strip_prefix('-') else { continue };
        let name = name.split('=').next().unwrap_or_default();
        if name.len() < 2 || name.starts_with('-') {
            continue;
        }
        let mut root = Cli::command();
        root.build();
        let command = root.find_subcommand(first)?;
        let takes_rest = command.get_arguments().any(|known| {
            known.get_action().takes_values() && known.get_short().is_some_and(|short| name.starts_with(short))
        });
        let is_long = command.get_arguments().any(|known| known.get_long() == Some(name));
        if !takes_rest || !(is_long || Habit::find(name, "").is_some()) {
            continue;
        }
        let suggestion = understand(arguments, screen);
        return Some(suggestion.unwrap_or_else(|| Suggestion {
            problem: format!("-{name} is not an option of pushcert {}", command.get_name()),
            hint: "outputs are named with -o FILE".to_owned(),
        }));
    }
    None
}

/// Returns the option, with its value where that is known, that is meant by another name for it.
pub(super) fn own_option(arguments: &[OsString], typed: &str) -> Option<String> {
    let mut root = Cli::command();
    root.build();
    let command = root.find_subcommand(arguments.first()?)?;
    Some(Alias::find(command, typed.trim_start_matches('-'))?.to_string())
}

/// Returns whether the subcommand that was typed has an option with this long name.
pub(super) fn has_option(arguments: &[OsString], long: &str) -> bool {
    let mut root = Cli::command();
    root.build();
    let Some(command) = arguments.first().and_then(|name| root.find_subcommand(name)) else { return false };
    command.get_arguments().any(|argument| argument.get_long() == Some(long))
}

/// Returns the only option of the subcommand that was typed which takes such a value, in capitals or not, with it.
pub(super) fn option_of_value(arguments: &[OsString], value: &str) -> Option<String> {
    let mut root = Cli::command();
    root.build();
    let command = root.find_subcommand(arguments.first()?)?;
    let mut found = None;
    for argument in command.get_arguments() {
        for possible in argument.get_possible_values() {
            let (true, Some(long)) = (possible.matches(value, true), argument.get_long()) else { continue };
            if found.is_some() {
                return None;
            }
            found = Some(format!("--{long} {}", possible.get_name()));
        }
    }
    found
}

/// Returns the command line for pushcert, where all of it is understood.
fn translate(arguments: &[OsString], problem: Option<String>, screen: Screen) -> Option<Suggestion> {
    let mut root = Cli::command();
    root.build();
    let arguments = &typography::mend_foreign(arguments)[..];
    // Without a file nobody means what openssl does then: it waits for one on standard input.
    if let [only] = arguments
        && Foreign::find(only.to_str().unwrap_or_default()).is_some_and(Foreign::opens_containers)
    {
        return None;
    }
    let mut reading = Reading::start(arguments, &root)?;
    if let Some(problem) = problem {
        reading.problem = Some(problem);
    }
    while let Some(argument) = reading.next() {
        reading.take(argument)?;
    }
    if screen == Screen::Terminal {
        reading.needs_output();
    }
    let words = reading.words()?;
    // What is suggested must be taken.
    let cli = Cli::try_parse_from(&words).ok()?;
    let refused = commands::refuse_early(&cli).err();
    let problem = reading.problem.take()?;
    if let Some(refused) = refused {
        let advice = refused.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
        return Some(Suggestion { problem, hint: format!("what it comes to is refused, {}{advice}", refused.message) });
    }
    let mut line = Vec::new();
    for word in &words {
        line.push(shown(word));
    }
    let hint = format!("type it so: {}{}", line.join(" "), reading.remarks(&words));
    Some(Suggestion { problem, hint })
}

/// Returns a word as a shell takes it, without a secret in it.
fn shown(word: &OsStr) -> String {
    match word.to_str() {
        Some(text) => shell_os_word(stray::masked(text).as_ref()),
        None => {
            let readable = word.to_string_lossy();
            let masked = stray::masked(&readable);
            if masked == readable { shell_os_word(word) } else { shell_os_word(masked.as_ref()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let suggestion = understand(&arguments, Screen::Other)?;
        assert!(!suggestion.problem.contains("hunter2") && !suggestion.hint.contains("hunter2"), "{}", suggestion.hint);
        let hint = suggestion.hint.strip_prefix("type it so: pushcert ")?;
        Some(hint.split(" (").next()?.to_owned())
    }

    #[test]
    fn what_is_typed_for_openssl_is_understood() {
        for (typed, expected) in [
            ("-in a.p12 -out b.pem", "convert a.p12 -o b.pem"),
            ("-in a.p12 -out b.pem -nodes -clcerts", "convert a.p12 -o b.pem"),
            ("pkcs12 -in a.p12 -out b.pem -nodes", "convert a.p12 -o b.pem --certs all"),
            ("pkcs12 -in a.p12 -out b.pem -nodes -clcerts", "convert a.p12 -o b.pem"),
            ("pkcs12 -in a.p12 -out b.pem -nodes -cacerts -nokeys", "convert a.p12 -o b.pem --certs ca --no-key"),
            ("pkcs12 -in a.p12 -info -noout", "inspect a.p12"),
            ("convert -in a.p12 -out b.pem -nodes", "convert a.p12 -o b.pem"),
            ("convert a.p12 b.pem", "convert a.p12 -o b.pem"),
            ("convert a.p12 -nodes -o b.pem", "convert a.p12 -o b.pem"),
            ("convert a.p12 --in-place", ""),
            ("convert a.p12 --password hunter2 -o b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 --password=hunter2 -o b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 -p hunter2 b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 -passin pass:hunter2 -out b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.p12 --passin hunter2 b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            (
                "pkcs12 -in a.p12 -passin env:P -nokeys -out b.pem",
                "convert a.p12 --passin env:P -o b.pem --no-key --certs all",
            ),
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
            ("openssl pkcs12 -in a.p12 -out b.pem -nodes", "convert a.p12 -o b.pem --certs all"),
            ("pkcs12 -nodes", "convert - --certs all"),
            ("-in -d.p12 -out b.pem", "convert ./-d.p12 -o b.pem"),
            ("-in a.p12 --json", "inspect a.p12 --json"),
            ("pkcs12 -in a.p12 -des3 -out b.pem", "convert a.p12 --encrypt -o b.pem --certs all"),
            ("pkcs12 -in a.p12 -aes256 -nokeys -out b.pem", "convert a.p12 -o b.pem --no-key --certs all"),
            (
                "pkcs12 -in a.p12 -passin pass:hunter2 -passout pass:hunter2 -out b.pem",
                "convert a.p12 --passin env:P12_PASSWORD --encrypt --passout env:NEW_PASSWORD -o b.pem --certs all",
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
            ("rehearse cert.p12", "rehearse --cert cert.p12"),
            ("rehearse cert.p12 push.key", "rehearse --key push.key --cert cert.p12"),
            ("rehearse cert.p12 --password hunter2", "rehearse --passin env:P12_PASSWORD --cert cert.p12"),
            ("rehearse -in cert.p12 --keep new", "rehearse --keep new --cert cert.p12"),
            ("example push.pem", "example curl --cert push.pem"),
            ("example push.pem --json", "example curl --cert push.pem"),
            ("example php push.pem", "example php --cert push.pem"),
            ("example push.pem python --environment sandbox", "example python --environment sandbox --cert push.pem"),
            ("gateway push.pem", "gateway --client-ca push.pem"),
            ("info cert.p12", "inspect cert.p12"),
            ("show cert.p12 --json", "inspect cert.p12 --json"),
            ("view -in cert.p12", "inspect cert.p12"),
            ("export push.pem push.p12", "pack push.pem -o push.p12"),
            ("export cert.p12 push.pem", "convert cert.p12 -o push.pem"),
            (
                "export cert.p12 -out push.pem --password hunter2",
                "convert cert.p12 --passin env:P12_PASSWORD -o push.pem",
            ),
            ("pem cert.p12 push.pem", "convert cert.p12 -o push.pem"),
            ("test push.pem", "check push.pem"),
            ("test aps.cer push.key", "check aps.cer --key push.key"),
            ("send push.pem --token abcd --alert Hello", "push push.pem --token abcd --alert Hello"),
            ("generate-csr", "csr"),
            ("generate csr --email jo@example.com", "csr --email jo@example.com"),
            ("create csr push.key", "csr --key push.key"),
            ("expires certs.pem", "expiry certs.pem"),
            ("diff old.pem new.pem", "compare old.pem new.pem"),
            ("demo cert.p12", "rehearse --cert cert.p12"),
            ("push a.p12 --token 00 --body x --sandbox", "push a.p12 --token 00 --alert x --environment sandbox"),
            ("push a.p12 -t 00 --message=x --production", "push a.p12 --token 00 --alert x --environment production"),
            ("check a.p12 --dev", "check a.p12 --environment sandbox"),
            ("csr --email jo@example.com --cn Jo --country DE", "csr --email jo@example.com --name Jo --country DE"),
            ("pack a.pem --overwrite -o b.p12", "pack a.pem -o b.p12 --force"),
            ("x509 -enddate -noout -in a.pem", "inspect a.pem --field not_after"),
            ("x509 -in a.pem -noout -subject -enddate", "inspect a.pem"),
            ("setup", "wizard"),
            ("completion zsh", "generate completions zsh"),
            ("generate completion bash", "generate completions bash"),
            ("s_client -connect h:443 -cert a.p12:hunter2", "check a.p12 --passin env:P12_PASSWORD --gateway h:443"),
            (
                "s_client -connect h:443 -cert a.pem:hunter2 -key k.pem:hunter2",
                "check a.pem --key k.pem --passin env:P12_PASSWORD --gateway h:443",
            ),
            (
                "s_client -connect api.push.apple.com:443 -cert a.pem -debug",
                "check a.pem --gateway api.push.apple.com:443",
            ),
            ("s_client -connect h:443 -cert a.pem --debug", "check a.pem --gateway h:443"),
            (
                "check -connect api.push.apple.com:443 -cert a.pem -debug",
                "check a.pem --gateway api.push.apple.com:443",
            ),
            ("check a.pem --debug", "check a.pem --environment sandbox"),
            ("check a.pem --debug --gateway api.push.apple.com:443", ""),
            ("check a.pem --gateway api.sandbox.push.apple.com:2197 --prod", ""),
            ("push a.pem --token 00 --gateway api.push.apple.com:443 --sandbox", ""),
            ("expiry . --days 5", ""),
            ("expiry . --days 5 --fail 2d", "expiry . --warn 5d --fail 2d"),
            (
                "openssl s_client -connect gateway.sandbox.push.apple.com:2195 -cert a.pem -key k.pem -debug -showcerts -CAfile e.cer",
                "check a.pem --key k.pem --environment sandbox",
            ),
            (
                "s_client -CAfile e.cer -connect gateway.push.apple.com:2195 -cert a.pem",
                "check a.pem --environment production",
            ),
            ("s_client -connect feedback.push.apple.com:2196 -cert a.pem", "check a.pem --environment production"),
            ("s_client -connect feedback.sandbox.push.apple.com:443 -cert a.pem", "check a.pem --environment sandbox"),
            ("check a.pem --gateway=gateway.push.apple.com:2195 -showcerts", "check a.pem --environment production"),
            ("check -cert a.pem --gateway gateway.push.apple.com:2195 --sandbox", ""),
            (
                "push -cert a.pem --token 00 --gateway gateway.push.apple.com:2195",
                "push a.pem --token 00 --environment production",
            ),
            (
                "s_client -connect api.development.push.apple.com:2197 -cert a.pem -state -msg -certform PEM -CApath c",
                "check a.pem --gateway api.development.push.apple.com:2197",
            ),
            ("s_client -host h -port 443 -cert a.pem", "check a.pem --gateway h:443"),
            ("s_client -cert a.pem -port 2195 -host gateway.push.apple.com", "check a.pem --environment production"),
            ("s_client -host h -cert a.pem", ""),
            ("s_client -connect h:443 -proxy p:3128 -cert a.pem", "check a.pem --gateway h:443 --proxy http://p:3128"),
            ("pkcs12 -in a.p12 -provider legacy -provider default -out b.pem", "convert a.p12 -o b.pem --certs all"),
            ("pkcs12 -export -descert -in a.pem -inkey k.pem -caname x -out b.p12", "pack a.pem --key k.pem -o b.p12"),
            ("pkcs12 -in a.p12 -password env:PW -out b.pem", "convert a.p12 --passin env:PW -o b.pem --certs all"),
            ("pkcs12 -export -in a.pem -password env:PW -out b.p12", "pack a.pem --passout env:PW -o b.p12"),
            (
                "pkcs12 -in a.p12 -password pass:hunter2 -out b.pem",
                "convert a.p12 --passin env:P12_PASSWORD -o b.pem --certs all",
            ),
            ("pkcs7 -print_certs -in a.p7b", "inspect a.p7b"),
            ("pkcs7 -print_certs -in a.p7b -out b.pem", "convert a.p7b -o b.pem --no-key --certs all"),
            ("asn1parse -inform der -in a.cer", "inspect a.cer"),
            ("asn1parse -i -in a.cer", "inspect a.cer"),
            ("s_client -host ::1 -port 443 -cert a.pem", "check a.pem --gateway '[::1]:443'"),
            ("x509 -in a.pem -outform der -out a.cer", ""),
            ("x509 -in a.pem -outform pem -out a.cer", "convert a.pem -o a.cer --no-key"),
            ("x509 -in a.pem -noout -text -outform der", "inspect a.pem"),
            ("convert a.p12 -output b.pem", "convert a.p12 -o b.pem"),
            ("convert a.p12 -output=b.pem", "convert a.p12 -o b.pem"),
            ("convert a.p12 -force -output=b.pem", "convert a.p12 -o b.pem --force"),
            ("expiry a.pem -output b.html", "expiry a.pem -o b.html"),
            ("convert -in a.p12:hunter2 -out b.pem", "convert a.p12 --passin env:P12_PASSWORD -o b.pem"),
            ("convert a.pem --key k.pem:hunter2 b.pem", "convert a.pem --key k.pem --passin env:P12_PASSWORD -o b.pem"),
        ] {
            assert_eq!(hint(typed).unwrap_or_default(), expected, "{typed}");
        }
    }

    #[test]
    fn what_is_not_the_same_as_by_openssl_is_said() {
        const RSA: &str = "(the key is RSA of 2048 bits: Apple's portal takes no other)";
        const WRITES: &str = "(openssl writes the certificate too: pushcert convert FILE --no-key)";
        const VERDICT: &str =
            "(it judges against Apple's root, not against that of -CAfile, and its exit code is no verdict)";
        const EMPTY: &str = "(an empty password is for modern alone: keychain and java take none)";
        const ALL: &str = "(it judges all certificates of the file, openssl the first alone)";
        const ASKED: &str = "(it asks for the new password: in a script --passout env:NEW_PASSWORD gives it)";
        const TEXT: &str = "(without the text of -text above the PEM: pushcert inspect FILE shows it)";
        const CLEAR: &str = "(the key in it is not encrypted: with --encrypt it is, as by openssl without -nodes)";
        for (typed, expected, remark) in [
            ("req -new -newkey rsa:2048 -keyout k.pem -out a.csr", "csr --key-out k.pem --encrypt -o a.csr", ASKED),
            ("req -new -newkey rsa:2048 -noenc -keyout k.pem", "csr --key-out k.pem", ""),
            ("req -new -key k.pem -out a.csr", "csr --key k.pem -o a.csr", ""),
            ("req -new -newkey rsa:4096 -nodes -keyout k.pem", "csr --key-out k.pem", RSA),
            ("req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes", "csr", RSA),
            ("genrsa -out k.pem 4096", "csr --key-out k.pem", RSA),
            ("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out k.pem", "csr --key-out k.pem", RSA),
            (
                "req -new -nodes -subj /C=DE/ST=BY/O=X/CN=A\\/B/emailAddress=j@e.com",
                "csr --country DE --name A/B --email j@e.com",
                "(without ST, O of the subject, which pushcert csr does not take)",
            ),
            (
                "pkcs12 -export -in a.pem -keypbe AES-256-CBC -macalg sha256 -out b.p12",
                "pack a.pem -o b.p12 --for modern",
                "",
            ),
            ("pkcs12 -export -in a.pem -macalg sha256 -out b.p12", "pack a.pem -o b.p12 --for modern", ""),
            ("pkcs12 -export -in a.pem -keypbe PBE-SHA1-3DES -macalg sha1 -out b.p12", "pack a.pem -o b.p12", ""),
            (
                "pkcs12 -export -in a.pem -certpbe aes-128-cbc --for java -out b.p12",
                "pack a.pem -o b.p12 --for java",
                "",
            ),
            ("pkcs12 -in a.p12 -out b.pem", "convert a.p12 -o b.pem --certs all", CLEAR),
            ("pkcs12 -in a.p12 -noenc -out b.pem", "convert a.p12 -o b.pem --certs all", ""),
            ("pkcs12 -in a.p12 -nokeys -out b.pem", "convert a.p12 -o b.pem --no-key --certs all", ""),
            ("x509 -in a.cer -inform der", "convert a.cer --no-key", ""),
            ("x509 -in a.cer -inform der -outform PEM", "convert a.cer --no-key", ""),
            ("x509 -in a.cer -text", "inspect a.cer", WRITES),
            ("x509 -in a.cer -enddate", "inspect a.cer --field not_after", WRITES),
            ("x509 -in a.cer -text -out a.pem", "convert a.cer -o a.pem --no-key", TEXT),
            ("verify -CAfile ca.pem a.pem", "inspect a.pem", VERDICT),
            ("verify -CAfile ca.pem -untrusted b.pem a.pem", "inspect a.pem", VERDICT),
            ("pkcs12 -in a.p12 -passin pass: -nodes -clcerts -out b.pem", "convert a.p12 -o b.pem", ""),
            ("pkcs12 -in a.p12 -password pass: -nodes -clcerts -out b.pem", "convert a.p12 -o b.pem", ""),
            ("pkcs12 -in a.p12 -passin pass: -passout pass: -clcerts -out b.pem", "convert a.p12 -o b.pem", CLEAR),
            (
                "pkcs12 -export -in a.pem -out b.p12 -passout pass:",
                "pack a.pem --passout pass: -o b.p12 --for modern",
                EMPTY,
            ),
            (
                "pkcs12 -export -in a.pem -out b.p12 -password pass:",
                "pack a.pem --passout pass: -o b.p12 --for modern",
                EMPTY,
            ),
            ("pkcs12 -export -in a.pem -out b.jks -passout pass:", "pack a.pem -o b.jks --for java", EMPTY),
            (
                "pkcs12 -in a.p12 -passin file:/p -passout file:/p -clcerts -out b.pem",
                "convert a.p12 --passin file:/p --encrypt --passout env:NEW_PASSWORD -o b.pem",
                "(with the password in the variable NEW_PASSWORD; openssl takes the new password from the second line of that source)",
            ),
            (
                "rsa -aes256 -in a.key -passin stdin -passout stdin -out b.key",
                "convert a.key --passin stdin --encrypt --passout env:NEW_PASSWORD -o b.key --certs none",
                "(with the password in the variable NEW_PASSWORD; openssl takes the new password from the second line of that source)",
            ),
            (
                "pkcs12 -in a.p12 -passin env:A -passout env:A -clcerts -out b.pem",
                "convert a.p12 --passin env:A --encrypt --passout env:A -o b.pem",
                "",
            ),
            (
                "pkcs12 -in a.p12 -out b.p12 -nodes",
                "pack a.p12 -o b.p12",
                "(openssl would write PEM under that name; --passout gives the password of the .p12)",
            ),
            ("x509 -in a.pem -noout -checkend 86400", "expiry a.pem --fail 1d", ALL),
            ("x509 -in a.pem -checkend 3600", "expiry a.pem --fail 1h", ALL),
            (
                "x509 -in a.pem -noout -checkend 5000",
                "expiry a.pem --fail 2h",
                "(it judges all certificates of the file, openssl the first alone; the seconds were rounded up to hours)",
            ),
            ("ec -in a.key -out b.key", "convert a.key -o b.key --certs none --key-format traditional", ""),
            ("ec -in a.key -aes256 -out b.key", "convert a.key --encrypt -o b.key --certs none", ASKED),
            ("x509 -in a.pem -noout -subject -dates", "inspect a.pem", ""),
            ("x509 -in a.pem -noout -serial -fingerprint", "inspect a.pem", ""),
            ("x509 -in a.pem -noout -issuer -text", "inspect a.pem", ""),
            ("x509 -in a.pem -noout -serial", "inspect a.pem --field serial", ""),
            ("x509 -in a.pem -noout -fingerprint", "inspect a.pem --field sha1", ""),
            ("x509 -in a.pem -noout -fingerprint -sha256", "inspect a.pem --field sha256", ""),
            ("x509 -in a.pem -noout -hash", "inspect a.pem", "(without what -hash shows)"),
            (
                "rsa -in k.pem -noout -modulus",
                "inspect k.pem",
                "(without the modulus; the line SPKI is the same for a certificate and its key)",
            ),
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let hint = understand(&arguments, Screen::Other).unwrap().hint;
            assert_eq!(hint, format!("type it so: pushcert {expected} {remark}").trim_end(), "{typed}");
        }
        let none = ["pkcs12", "-export", "-in", "a.pem", "-keypbe", "NONE", "-out", "b.p12"].map(OsString::from);
        assert!(understand(&none, Screen::Other).unwrap().hint.starts_with("pushcert pack is the nearest"));
    }

    #[test]
    fn a_name_of_another_format_leads_to_pack() {
        for (typed, expected) in [
            ("convert a.pem x.p12", "pack a.pem -o x.p12"),
            ("convert a.cer push.key x.PFX", "pack a.cer --key push.key -o x.PFX"),
            ("convert -in old.p12 -out new.p12 -nodes", "pack old.p12 -o new.p12"),
            ("pkcs12 -in a.pem -out x.p12", "pack a.pem -o x.p12"),
            ("convert a.pem x.jks", "pack a.pem -o x.jks --for java"),
            ("pack a.pem x.keystore", "pack a.pem -o x.keystore --for java"),
            ("convert a.pem x.p12 --for modern", ""),
        ] {
            assert_eq!(hint(typed).unwrap_or_default(), expected, "{typed}");
        }
        for (typed, promised) in [
            ("convert a.pem x.der", "DER: openssl"),
            ("convert a.pem x.p7b", "PKCS#7: openssl"),
            ("convert a.pem x.p12 --no-key", "PKCS#12: pushcert pack"),
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let hint = understand(&arguments, Screen::Other).unwrap().hint;
            let expected = format!("(which writes PEM, though the name promises {promised}");
            assert!(hint.starts_with("type it so: pushcert convert ") && hint.contains(&expected), "{typed}: {hint}");
        }
    }

    #[test]
    fn the_names_of_openssl_and_its_commands_are_known_in_any_form() {
        for typed in ["/usr/bin/openssl pkcs12 -in a.p12 -out b.pem", "PKCS12 -in a.p12 -out b.pem"] {
            assert_eq!(hint(typed).unwrap(), "convert a.p12 -o b.pem --certs all", "{typed}");
        }
        assert_eq!(hint("OpenSSL.exe x509 -in a.cer -noout").unwrap(), "inspect a.cer");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_are_understood() {
        use std::os::unix::ffi::OsStringExt;
        for (typed, expected) in [
            (
                &b"convert caf\xe9.p12 --password hunter2 -o b.pem"[..],
                r"convert $'caf\351.p12' --passin env:P12_PASSWORD -o b.pem",
            ),
            (b"convert caf\xe9.p12 b.pem", r"convert $'caf\351.p12' -o b.pem"),
            (b"convert a.p12 caf\xe9.pem", r"convert a.p12 -o $'caf\351.pem'"),
            (b"convert -in caf\xe9.p12 -out x\xe9.pem", r"convert $'caf\351.p12' -o $'x\351.pem'"),
            (b"convert -in=caf\xe9.p12 -out=x\xe9.pem", r"convert $'caf\351.p12' -o $'x\351.pem'"),
            (
                b"convert -in caf\xe9.p12:hunter2 -out b.pem",
                r"convert $'caf\351.p12' --passin env:P12_PASSWORD -o b.pem",
            ),
            (
                b"convert -in a.cer --key-out=k\xe9.key --cert-out c.pem",
                r"convert a.cer $'--key-out=k\351.key' --cert-out c.pem",
            ),
            (
                b"pkcs12 -in a.p12 -passin pass:hunter2\xe9 -out b.pem",
                "convert a.p12 --passin env:P12_PASSWORD -o b.pem --certs all",
            ),
            (
                b"pkcs12 -in a.p12 -passin file:./p\xe9 -out b.pem",
                r"convert a.p12 --passin $'file:./p\351' -o b.pem --certs all",
            ),
            (b"caf\xe9.p12", r"inspect $'caf\351.p12'"),
            (b"caf\xe9.p12 -out b.pem", r"convert $'caf\351.p12' -o b.pem"),
            (b"-in caf\xe9.p12 -out b.pem", r"convert $'caf\351.p12' -o b.pem"),
            (b"convert a.cer caf\xe9.key", r"convert a.cer --key $'caf\351.key'"),
            // These may be passwords.
            (b"convert hunter2\xe9 -out b.pem", ""),
            (b"convert a.p12 pass:hunter2\xe9.pem", ""),
        ] {
            let mut arguments = Vec::new();
            for word in typed.split(|byte| *byte == b' ') {
                arguments.push(OsString::from_vec(word.to_vec()));
            }
            let hint = understand(&arguments, Screen::Other).map(|suggestion| suggestion.hint).unwrap_or_default();
            let line = hint.split(" (").next().unwrap_or_default();
            let line = line.strip_prefix("type it so: pushcert ").unwrap_or_default();
            assert_eq!(line, expected, "{}", String::from_utf8_lossy(typed));
            assert!(!hint.contains("hunter2"), "{hint}");
        }
        let words = [&b"convert"[..], b"caf\xe9.p12", b"-out", b"x\xe9.pem"];
        let arguments: Vec<OsString> = words.iter().map(|word| OsString::from_vec(word.to_vec())).collect();
        let hint = refuse_swallowed(&arguments, Screen::Other).unwrap().hint;
        assert_eq!(hint, r"type it so: pushcert convert $'caf\351.p12' -o $'x\351.pem'");
    }

    #[test]
    fn a_key_is_written_alone() {
        for (typed, expected) in [
            ("rsa -in enc.key -out x.key", "convert enc.key -o x.key --certs none"),
            (
                "openssl rsa -in e.key -out x.key -passin pass:hunter2",
                "convert e.key --passin env:P12_PASSWORD -o x.key --certs none",
            ),
            ("rsa -des3 -in push.key -out x.key", "convert push.key --encrypt -o x.key --certs none"),
            (
                "rsa -aes256 -passout pass:hunter2 -in push.key -out x.key",
                "convert push.key --encrypt --passout env:NEW_PASSWORD -o x.key --certs none",
            ),
            (
                "rsa -in push.key -traditional -out x.key",
                "convert push.key -o x.key --certs none --key-format traditional",
            ),
            ("rsa -des3 -in push.key -traditional -out x.key", "convert push.key --encrypt -o x.key --certs none"),
            ("pkey -in push.key -out x.key", "convert push.key -o x.key --certs none"),
            ("pkcs8 -topk8 -nocrypt -in push.key", "convert push.key --certs none"),
            ("pkcs8 -topk8 -in push.key -v2 aes256 -out x.key", "convert push.key --encrypt -o x.key --certs none"),
            ("pkcs8 -in x.p8 -out x.key", "convert x.p8 -o x.key --certs none"),
            ("ec -in AuthKey.p8 -out x.pem", "convert AuthKey.p8 -o x.pem --certs none --key-format traditional"),
        ] {
            assert_eq!(hint(typed).unwrap_or_default(), expected, "{typed}");
        }
    }

    #[test]
    fn no_output_is_the_input() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("a.p12");
        std::fs::write(&there, "").unwrap();
        let there = there.to_str().unwrap();
        let other = there.replace("a.p12", "a-2.p12");
        let typed = format!("pkcs12 -in {there} -nodes -clcerts -out {there}");
        assert_eq!(hint(&typed), Some(format!("pack {there} -o {other}")));
        // It is not there.
        assert_eq!(hint("pkcs12 -in no.p12 -nodes -out no.p12"), None);
        assert_eq!(hint("x509 -in no.pem -out no.pem"), None);
        assert_eq!(hint("rsa -in no.key -out no.key"), None);
    }

    #[test]
    fn no_key_is_printed_on_a_terminal() {
        for (typed, expected) in [
            ("export np.p12", "pack np.p12 -o push.p12"),
            ("to-pem np.p12", "convert np.p12 -o push.pem"),
            ("convert np.p12 -nodes", "convert np.p12 -o push.pem"),
            ("convert np.p12 -nodes -o a.pem", "convert np.p12 -o a.pem"),
            ("pkcs12 -in np.p12 -nocerts -nodes", "convert np.p12 -o push.key --certs none"),
            ("rsa -in enc.key", "convert enc.key -o push.key --certs none"),
            ("pkcs12 -in np.p12 -nokeys", "convert np.p12 --no-key --certs all"),
            ("np.p12", "inspect np.p12"),
            (
                "convert a.p12 --password hunter2 --key-out a.key --cert-out a.crt",
                "convert a.p12 --passin env:P12_PASSWORD --key-out a.key --cert-out a.crt",
            ),
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let hint = understand(&arguments, Screen::Terminal).unwrap().hint;
            let line = hint.split(" (").next().unwrap();
            assert_eq!(line, format!("type it so: pushcert {expected}"), "{typed}");
        }
    }

    #[test]
    fn words_in_another_order_are_understood() {
        for (typed, expected) in [
            ("-o a.pem convert np.p12", "convert np.p12 -o a.pem"),
            ("cert.p12 convert -o a.pem", "convert cert.p12 -o a.pem"),
            ("cert.p12 check --environment sandbox", "check cert.p12 --environment sandbox"),
            ("--json inspect cert.p12", "inspect cert.p12 --json"),
            ("list .", "expiry ."),
            ("ls . --json", "expiry . --json"),
            ("list cert.p12", "inspect cert.p12"),
            (".", "expiry ."),
            ("generate bash", "generate completions bash"),
        ] {
            assert_eq!(hint(typed).unwrap_or_default(), expected, "{typed}");
        }
    }

    #[test]
    fn no_long_option_is_taken_for_a_short_one_and_its_value() {
        for (typed, expected) in [
            ("convert a.p12 -out=b.pem", "type it so: pushcert convert a.p12 -o b.pem"),
            ("convert a.p12 -out", "outputs are named with -o FILE"),
            ("convert a.p12 -outfile=b.pem -f", "type it so: pushcert convert a.p12 -o b.pem --force"),
            ("csr --email jo@example.com -out=b.csr", "type it so: pushcert csr -o b.csr --email jo@example.com"),
            ("expiry a.pem -output b.html", "type it so: pushcert expiry a.pem -o b.html"),
            ("check a.pem -out b.html", "type it so: pushcert check a.pem -o b.html"),
            ("pack a.pem -output=b.p12", "type it so: pushcert pack a.pem -o b.p12"),
            ("convert a.p12 -outform", "outputs are named with -o FILE"),
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            assert_eq!(refuse_swallowed(&arguments, Screen::Other).unwrap().hint, expected, "{typed}");
        }
        for typed in
            ["convert a.p12 -ob.pem", "convert a.p12 -o=b.pem", "convert a.p12 -o b.pem", "convert a.p12 -- -out"]
        {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            assert!(refuse_swallowed(&arguments, Screen::Other).is_none(), "{typed}");
        }
    }

    #[test]
    fn two_words_are_repeated_as_they_were_typed() {
        for typed in ["generate csr", "create csr push.key", "generate completion zsh"] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let problem = understand(&arguments, Screen::Other).unwrap().problem;
            let words: Vec<&str> = typed.split(' ').take(2).collect();
            assert_eq!(problem, format!("{} is not a command of pushcert", words.join(" ")));
        }
    }

    #[test]
    fn openssl_keeps_what_pushcert_does_not_do() {
        for typed in [
            "rsa -in push.key -pubout -out x.pem",
            "pkey -in push.key -outform der -out x.key",
            "openssl rsa -in enc.key -out x.key -passin pass:hunter2 -frobnicate",
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let hint = understand(&arguments, Screen::Other).unwrap().hint;
            // What is asked for is no private key in PEM, or may be none.
            let is_told = match typed.contains("-frobnicate") {
                true => hint.contains("does it: pushcert convert KEY --certs none"),
                false => hint.ends_with("does it: pushcert writes no public key, and no key in DER"),
            };
            assert!(is_told && hint.starts_with("openssl ") && !hint.contains("hunter2"), "{typed}: {hint}");
        }
        let arguments = ["genpkey", "-algorithm", "ED25519"].map(OsString::from);
        assert!(understand(&arguments, Screen::Other).unwrap().hint.starts_with("pushcert csr is the nearest"));
    }

    #[test]
    fn a_word_without_the_rest_leads_to_its_command() {
        for (typed, expected) in [
            ("send", "pushcert push is the command for it"),
            ("send hunter2", "pushcert push is the command for it"),
            ("pkcs12 -export -nokeys -in a.pem -out b.p12 -passout pass:hunter2", "pushcert pack is the nearest"),
            ("smime -verify -in a.p7b", "pushcert makes and checks no signatures"),
            ("base64 -d -in a.txt -out a.p12", "every command of pushcert reads Base64"),
            ("openssl dgst -sha256 a.cer", "pushcert inspect FILE shows the SHA-256"),
            ("x509 -in a.pem -outform der -out a.cer", "pushcert writes PEM and .p12, and no DER"),
            ("x509 -in a.pem -outform=DER -out a.cer", "pushcert writes PEM and .p12, and no DER: openssl x509"),
            (
                "check a.pem --debug --gateway api.push.apple.com:443",
                "what it comes to is refused, --environment sandbox and",
            ),
            (
                "req -new -outform DER -out a.csr",
                "pushcert writes PEM and .p12, and no DER: pushcert csr, and then openssl req -in",
            ),
            ("convert a.pem -outform DER -out a.cer", "pushcert writes PEM and .p12, and no DER: openssl x509"),
            ("pkcs8 -topk8 -in a.pem -outform der -out a.key", "openssl pkcs8 does it"),
            ("info", "pushcert inspect is the command for it"),
            ("renew", "pushcert csr makes the request"),
            ("renew cert.p12 --password hunter2", "pushcert csr makes the request"),
            ("sign a.csr", "Apple signs the request"),
            ("keytool -list -keystore a.p12 -storepass hunter2", "pushcert inspect shows"),
            ("version", "pushcert --version"),
        ] {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            let suggestion = understand(&arguments, Screen::Other).unwrap();
            assert!(suggestion.hint.starts_with(expected), "{typed}: {}", suggestion.hint);
            assert!(!format!("{}{}", suggestion.problem, suggestion.hint).contains("hunter2"), "{typed}");
        }
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
}
