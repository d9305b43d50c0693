//! Mends the tips that clap adds to a wrong command line.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::error::Error;
use crate::exit::ExitKind;
use crate::run::habits;

/// The words by which people call the environment of builds from Xcode.
const SANDBOX_WORDS: [&str; 4] = ["development", "develop", "dev", "debug"];

/// The most letters by which an option is longer or shorter than what was mistyped for it.
const MAX_ADDED_LETTERS: usize = 2;

/// The letters that two options begin with, one of which may have been meant.
const MIN_BEGINNING: usize = 4;

/// Drops tips that do not help, and adds those that clap cannot know.
pub(super) fn mend(error: &mut clap::Error, typed: &[OsString]) {
    drop_value_tips(error);
    let argument = text_of(error, ContextKind::InvalidArg);
    drop_unlike_option(error, &argument);
    if error.kind() == ErrorKind::UnknownArgument
        && !argument.starts_with('-')
        && let Some(option) = habits::option_of_value(typed, &argument)
    {
        let tip = StyledStr::from(format!("the option for it is {option}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
        return;
    }
    if let (ErrorKind::UnknownArgument, Some(option)) = (error.kind(), habits::own_option(typed, &argument)) {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Usage);
        let tip = StyledStr::from(format!("the option for it is {option}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    let value = text_of(error, ContextKind::InvalidValue).to_lowercase();
    let is_of = |command: &str| typed.first().is_some_and(|name| name == command);
    if let Some(alike) = value_in_other_case(error, &value) {
        error.insert(ContextKind::SuggestedValue, ContextValue::String(alike));
    }
    let is_format = !is_of("convert") && option_name(&argument) == "format";
    match error.kind() {
        ErrorKind::InvalidValue if argument.starts_with("--environment ") && SANDBOX_WORDS.contains(&&*value) => {
            error.insert(ContextKind::SuggestedValue, ContextValue::String("sandbox".to_owned()));
        }
        ErrorKind::UnknownArgument if is_format && asks_for_json(typed) && habits::has_option(typed, "json") => {
            replace_tips(error, "the option for it is --json");
        }
        ErrorKind::MissingRequiredArgument if lacks_certificate(error) && has_key(typed) => {
            let name = typed[0].to_string_lossy();
            let tip = format!(
                "--key names the private key alone, and its certificate is missing: pushcert {name} aps.cer --key FILE"
            );
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        }
        ErrorKind::ArgumentConflict
            if is_of("convert") && option_name(&argument) == "output" && !has_other_argument(error, &argument) =>
        {
            replace_tips(error, "a certificate and its key go to two files with --cert-out FILE and --key-out FILE");
        }
        ErrorKind::UnknownArgument if is_of("convert") && argument == "--format" => {
            replace_tips(error, "convert writes PEM; for a .p12: pushcert pack");
        }
        ErrorKind::UnknownArgument if is_of("example") && argument == "--p8" => {
            replace_tips(
                error,
                "the examples send with a certificate, none with a token signing key; pushcert push --p8 FILE does",
            );
        }
        _ => {}
    }
}

/// Returns whether an argument conflicts with another, and not with itself.
fn has_other_argument(error: &clap::Error, argument: &str) -> bool {
    match error.get(ContextKind::PriorArg) {
        Some(ContextValue::String(prior)) => prior != argument,
        Some(_) => true,
        None => false,
    }
}

/// Returns whether the file that stands without an option is missing.
fn lacks_certificate(error: &clap::Error) -> bool {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else { return false };
    missing.iter().any(|argument| ["<FILE>...", "<INPUT>", "<CERT>"].contains(&argument.as_str()))
}

fn has_key(typed: &[OsString]) -> bool {
    typed.iter().any(|word| word == "--key" || word.to_string_lossy().starts_with("--key="))
}

/// Puts a tip in the place of those that clap has, and of the usage.
fn replace_tips(error: &mut clap::Error, tip: &'static str) {
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::Usage);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
}

/// Drops an option that is suggested for its letters, and is hardly what was mistyped or cut: --exit-zero for --ext.
fn drop_unlike_option(error: &mut clap::Error, argument: &str) {
    let suggested = text_of(error, ContextKind::SuggestedArg);
    let (typed, suggested) = (option_name(argument), option_name(&suggested));
    let is_part = suggested.contains(typed) || typed.contains(suggested);
    let begins_alike = typed.get(..MIN_BEGINNING).is_some_and(|beginning| suggested.starts_with(beginning));
    if !is_part && !begins_alike && typed.len().abs_diff(suggested.len()) > MAX_ADDED_LETTERS {
        error.remove(ContextKind::SuggestedArg);
    }
}

fn option_name(option: &str) -> &str {
    option.trim_start_matches('-').split(['=', ' ']).next().unwrap_or_default()
}

/// Drops the tip to give what was typed as a value, behind "--": it is true of every option, and never meant.
fn drop_value_tips(error: &mut clap::Error) {
    let Some(ContextValue::StyledStrs(tips)) = error.get(ContextKind::Suggested) else { return };
    let kept: Vec<StyledStr> = tips.iter().filter(|tip| !tip.to_string().starts_with("to pass ")).cloned().collect();
    error.remove(ContextKind::Suggested);
    if !kept.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(kept));
    }
}

/// Returns the value that is expected, where only capitals differ.
fn value_in_other_case(error: &clap::Error, value: &str) -> Option<String> {
    let Some(ContextValue::Strings(expected)) = error.get(ContextKind::ValidValue) else { return None };
    expected.iter().find(|known| known.eq_ignore_ascii_case(value)).cloned()
}

/// Returns whether JSON is asked for as expiry takes it: `--format json`.
fn asks_for_json(typed: &[OsString]) -> bool {
    let is_pair = |pair: &[OsString]| pair[0] == "--format" && pair[1] == "json";
    typed.windows(2).any(is_pair) || typed.iter().any(|word| word == "--format=json")
}

fn text_of(error: &clap::Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    }
}

/// Says which argument is not UTF-8. It is not repeated: it may be anything.
pub(super) fn not_utf8(typed: &[OsString]) -> Error {
    let mut found = Vec::new();
    for (index, argument) in typed.iter().enumerate() {
        if argument.to_str().is_none() {
            found.push((index, argument.to_string_lossy()));
        }
    }
    let what = match &found[..] {
        [(_, joined)] if joined.starts_with("--") && joined.contains('=') => {
            let option = joined.split('=').next().unwrap_or_default();
            format!("the value of {option}")
        }
        [(index @ 1.., _)] => match typed[index - 1].to_str() {
            Some(option) if option.starts_with("--") && !option.contains('=') => format!("the value of {option}"),
            _ => format!("argument {}", index + 1),
        },
        _ => "an argument".to_owned(),
    };
    Error::new(ExitKind::Usage, format!("{what} is not UTF-8, and only the name of a file may be so"))
        .hint("type it in UTF-8; a file may be given by a link with such a name")
}
