//! Keeps secrets out of what is said about a wrong command line. What stands where nothing belongs may be a password, so
//! only what can be none is repeated: names of files, and of options.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory};

use crate::cli::Cli;
use crate::cli::password::{may_be_named, os_string};
use crate::text::{is_variable_name, may_be_key};

/// Stands for a word that may be a password.
const NOT_SHOWN: &str = "(not shown: it may be a password)";

/// The endings of files that pushcert reads and writes.
const ENDINGS: [&str; 29] = [
    "pem",
    "p12",
    "pfx",
    "cer",
    "crt",
    "der",
    "jks",
    "keystore",
    "key",
    "p8",
    "p7b",
    "p7c",
    "csr",
    "certsigningrequest",
    "json",
    "ndjson",
    "jsonl",
    "csv",
    "txt",
    "html",
    "ics",
    "prom",
    "xml",
    "md",
    "yaml",
    "yml",
    "db",
    "mobileprovision",
    "mobileconfig",
];

/// The options whose value is never repeated, even where it is refused: a key stands beside its names.
const UNREPEATED: [&str; 1] = ["--p8-key"];

/// The beginnings of words after which a secret stands.
const SECRET_NAMES: [&str; 3] = ["pass", "pwd", "secret"];

/// The names of options that begin as that of a password does.
const PASSWORD_OPTIONS: [&str; 8] =
    ["pass", "passin", "passin-new", "passout", "passwd", "password", "passwords", "passphrase"];

/// The most letters of a subcommand.
const MAX_SUBCOMMAND: usize = 16;

/// Returns whether a word is the name of a file: by its ending, or because there is such a file.
pub(super) fn is_file_name(word: &str) -> bool {
    if matches!(word, "-" | "." | "..") {
        return true;
    }
    if masked(word) != word {
        return false;
    }
    let path = Path::new(word);
    has_file_ending(path) || path.symlink_metadata().is_ok()
}

/// As [`is_file_name`], for a word that need not be UTF-8.
pub(super) fn is_file(word: &OsStr) -> bool {
    if let Some(text) = word.to_str() {
        return is_file_name(text);
    }
    let readable = word.to_string_lossy();
    let path = Path::new(word);
    masked(&readable) == readable && (has_file_ending(path) || path.symlink_metadata().is_ok())
}

fn has_file_ending(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// Returns the file that stands before a colon, and what may be its password, in the place of a file.
pub(super) fn file_before_password(word: &OsStr) -> Option<OsString> {
    if Path::new(word).symlink_metadata().is_ok() {
        return None;
    }
    let bytes = word.as_encoded_bytes();
    for (place, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b':') {
        let name = match std::str::from_utf8(&bytes[..place]) {
            Ok(name) => name.into(),
            Err(_) => os_string(&bytes[..place])?,
        };
        if has_file_ending(Path::new(&name)) {
            return Some(name);
        }
    }
    None
}

/// Returns a word without the secret in it: what follows `pass:` and its like, the password of a URL, a key.
pub(super) fn masked(word: &str) -> String {
    if may_be_key(word) {
        return NOT_SHOWN.to_owned();
    }
    without_url_password(&without_named_secret(word))
}

/// Cuts a word after `pass:`, `--password=` and the like, unless a source of a password follows.
fn without_named_secret(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    for name in SECRET_NAMES {
        let Some(start) = lower.find(name) else { continue };
        let Some(length) = lower[start..].find([':', '=']) else { continue };
        let end = start + length + 1;
        let is_name = lower[start..end - 1].bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte));
        if is_name && end < word.len() && !is_source(&word[end..]) {
            return format!("{}…", &word[..end]);
        }
    }
    word.to_owned()
}

/// Returns whether a text names a place from which a password is read, and not the password itself behind `env:`, where
/// the shell has put a variable's value, or behind `file:` or `cmd:`.
pub(super) fn is_source(text: &str) -> bool {
    match text.split_once(':') {
        Some(("env", name)) => is_variable_name(name),
        Some(("file", name)) => !name.is_empty() && may_be_named(Path::new(name)),
        Some(("fd", number)) => number.parse::<u32>().is_ok(),
        Some(("cmd", command)) => command.trim().contains([' ', '/']),
        Some(_) => false,
        None => matches!(text, "stdin" | "prompt"),
    }
}

/// As [`is_source`], for a text that need not be UTF-8.
pub(super) fn is_source_os(text: &OsStr) -> bool {
    if let Some(text) = text.to_str() {
        return is_source(text);
    }
    let path = text.as_encoded_bytes().strip_prefix(b"file:").and_then(os_string);
    path.is_some_and(|path| may_be_named(Path::new(&path)))
}

/// Replaces the password of `USER:PASSWORD@HOST`, with a scheme before it or without.
fn without_url_password(word: &str) -> String {
    let Some(at) = word.rfind('@') else { return word.to_owned() };
    let start = match word.find("://") {
        Some(found) => found + 3,
        None => 0,
    };
    let Some(user) = word.get(start..at) else { return word.to_owned() };
    let Some(colon) = user.find(':') else { return word.to_owned() };
    if start == 0 && is_course(&word[at + 1..]) {
        return word.to_owned();
    }
    format!("{}…{}", &word[..=start + colon], &word[at..])
}

/// Returns whether a text is the course of a fault (`every=2`), which follows an `@` too.
fn is_course(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Hides what may be a password in an error of the command line. `has_passin` tells whether the command takes passwords.
pub(super) fn hide(error: &mut clap::Error, typed: &[OsString], has_passin: bool) {
    let mut is_hidden = false;
    let may_lack_quotes = may_lack_quotes(error, typed);
    let subcommand = typed.first().map(|word| word.to_string_lossy()).unwrap_or_default();
    for kind in [ContextKind::InvalidSubcommand, ContextKind::InvalidArg, ContextKind::InvalidValue] {
        let Some(ContextValue::String(typed)) = error.get(kind) else { continue };
        let said = shown(error, kind, typed, &subcommand);
        if said != *typed {
            is_hidden = true;
            drop_tips(error);
            error.insert(kind, ContextValue::String(said));
        }
    }
    let tip = match (may_lack_quotes, is_hidden && has_passin) {
        (true, true) => format!("{QUOTES}; {SOURCE}"),
        (true, false) => QUOTES.to_owned(),
        (false, true) => SOURCE.to_owned(),
        (false, false) => return,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
}

const QUOTES: &str = "a value or a name with blanks stands in quotes, such as \"Jo Doe\"";
const SOURCE: &str = "a password is read from where --passin says, such as --passin env:VARIABLE";

/// Returns whether the word that is too many may be a part of the value, or of the word, before it.
fn may_lack_quotes(error: &clap::Error, typed: &[OsString]) -> bool {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(stray))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return false;
    };
    let Some(place) = typed.iter().position(|word| word == stray.as_str()) else { return false };
    // The first word is the subcommand.
    let (false, Some(before)) = (stray.starts_with('-') || place < 2, typed.get(place.saturating_sub(1))) else {
        return false;
    };
    let before = before.to_string_lossy();
    let is_value_or_word = !before.starts_with('-') || before.contains('=');
    is_value_or_word && !(is_file_name(stray) && is_file_name(&before))
}

/// Returns whether a word is the value of an option of the subcommand, or one of its words, in capitals or not: it stands in
/// the help, and is no secret.
fn is_public(word: &str, subcommand: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let mut root = Cli::command();
    root.build();
    let Some(command) = root.find_subcommand(subcommand) else { return false };
    let mut values = command.get_arguments().flat_map(Arg::get_possible_values);
    values.any(|value| value.matches(word, true))
}

/// Removes what clap suggests: it repeats the word, or was found by it.
fn drop_tips(error: &mut clap::Error) {
    for kind in [ContextKind::Suggested, ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        error.remove(kind);
    }
}

/// Returns what is said of a word.
fn shown(error: &clap::Error, kind: ContextKind, typed: &str, subcommand: &str) -> String {
    match (kind, error.kind()) {
        (ContextKind::InvalidSubcommand, _) => shown_word(typed, subcommand),
        (ContextKind::InvalidArg, ErrorKind::UnknownArgument) if typed.starts_with('-') => shown_option(typed),
        (ContextKind::InvalidArg, ErrorKind::UnknownArgument)
            if !is_file_name(typed) && !is_public(typed, subcommand) =>
        {
            NOT_SHOWN.to_owned()
        }
        (ContextKind::InvalidValue, ErrorKind::TooManyValues) => NOT_SHOWN.to_owned(),
        (ContextKind::InvalidValue, _) => shown_value(error, typed, subcommand),
        _ => typed.to_owned(),
    }
}

/// Shows a word that is no longer than the name of a subcommand and made as such.
fn shown_word(typed: &str, subcommand: &str) -> String {
    let is_like_name = typed.bytes().all(|byte| byte.is_ascii_lowercase() || b"-_".contains(&byte));
    if (is_like_name && typed.len() <= MAX_SUBCOMMAND) || is_file_name(typed) || is_public(typed, subcommand) {
        return typed.to_owned();
    }
    NOT_SHOWN.to_owned()
}

/// Shows the name of an option alone.
fn shown_option(typed: &str) -> String {
    let is_of_name = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let end = typed.find(|c| !is_of_name(c)).unwrap_or(typed.len());
    let name = typed[..end].trim_start_matches('-');
    if name.starts_with("pass") && !PASSWORD_OPTIONS.contains(&name) {
        return "--pass…".to_owned();
    }
    if end < typed.len() { format!("{}…", &typed[..end]) } else { typed.to_owned() }
}

/// Shows the value of an option without the secret in it. What stands without an option is shown as a word.
fn shown_value(error: &clap::Error, typed: &str, subcommand: &str) -> String {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return NOT_SHOWN.to_owned();
    };
    if UNREPEATED.iter().any(|option| argument.starts_with(option)) {
        return NOT_SHOWN.to_owned();
    }
    if argument.starts_with("--fault") {
        // A course stands after its @, and no host.
        return without_named_secret(typed);
    }
    if argument.starts_with('-') { masked(typed) } else { shown_word(typed, subcommand) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_all_else_stays() {
        for (typed, expected) in [
            ("pass:hunter2", "pass:…"),
            ("--passw:hunter2", "--passw:…"),
            ("PASSWORD=hunter2", "PASSWORD=…"),
            ("--passin=pass:hunter2", "--passin=…"),
            ("postgres://u:hunter2@localhost/x?a=b", "postgres://u:…@localhost/x?a=b"),
            ("http://u:hun@ter2@proxy:3128", "http://u:…@proxy:3128"),
            ("u:hunter2@proxy:3128", "u:…@proxy:3128"),
            ("--passin=env:HUNTER", "--passin=env:HUNTER"),
            ("postgres://u@localhost/x", "postgres://u@localhost/x"),
            ("goaway:Shutdown@after=2", "goaway:Shutdown@after=2"),
            ("jo@example.com", "jo@example.com"),
            ("localhost:2197", "localhost:2197"),
            ("pass.pem", "pass.pem"),
        ] {
            assert_eq!(masked(typed), expected, "{typed}");
        }
    }

    #[test]
    fn only_files_have_names_of_files() {
        for name in ["cert.p12", "a/b.PEM", "x.certSigningRequest", "-", "."] {
            assert!(is_file_name(name), "{name}");
        }
        for word in ["hunter2", "hunter.2", "pass:hunter2.pem", "u:hunter2@host.pem", "", "a.pem/hunter2"] {
            assert!(!is_file_name(word), "{word}");
        }
    }

    #[test]
    fn of_options_the_name_is_shown() {
        for (typed, expected) in [
            ("--no-such-flag", "--no-such-flag"),
            ("--password", "--password"),
            ("--passw:hunter2", "--pass…"),
            ("--passwordhunter2", "--pass…"),
            ("--key:hunter2", "--key…"),
            ("-----BEGIN PRIVATE", "-----BEGIN…"),
        ] {
            assert_eq!(shown_option(typed), expected, "{typed}");
        }
    }
}
