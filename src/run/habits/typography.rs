//! Dashes and quotation marks that text editors and web pages put in the place of those of a command line.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, Command};

use crate::report::shell::shell_word;
use crate::run::habits::option::{self, Habit};
use crate::run::stray;

/// The characters that stand in the place of hyphens.
const DASHES: [char; 10] = ['‐', '‑', '‒', '–', '—', '―', '−', '﹘', '﹣', '－'];

const QUOTES: [char; 8] = ['“', '”', '„', '«', '»', '‘', '’', '‚'];

/// Returns whether an argument begins with one of them.
pub(super) fn is_suspicious(argument: &OsStr) -> bool {
    let text = argument.to_str().unwrap_or_default().trim_start_matches('-');
    text.starts_with(DASHES) || text.starts_with(QUOTES)
}

/// Arguments with the characters that were meant.
pub(super) struct Mended {
    pub(super) arguments: Vec<OsString>,
    /// The first that was found.
    pub(super) problem: String,
    pub(super) hint: String,
}

/// Mends the options of other programs and the names of files, and drops what a line that was broken with backslashes leaves.
pub(super) fn mend_foreign(arguments: &[OsString]) -> Vec<OsString> {
    let mut mended = Vec::new();
    for argument in arguments {
        let Some(text) = argument.to_str() else {
            mended.push(argument.clone());
            continue;
        };
        if matches!(text.trim(), "" | "\\") && !text.is_empty() {
            continue;
        }
        mended.push(foreign_option(text).or_else(|| quoted(text)).map_or_else(|| argument.clone(), OsString::from));
    }
    mended
}

/// Returns an option of another program behind a dash, or behind the blank that a backslash kept.
fn foreign_option(text: &str) -> Option<String> {
    let typed = text.trim_start();
    let name = typed.trim_start_matches(|c: char| c == '-' || DASHES.contains(&c));
    let is_as_it_is = typed.len() == text.len() && !typed[..typed.len() - name.len()].contains(DASHES);
    if is_as_it_is || name.len() == typed.len() || Path::new(text).exists() {
        return None;
    }
    let option = name.split('=').next().unwrap_or_default();
    Habit::find(option, option::ANY)?;
    Some(format!("-{name}"))
}

/// Returns what stands between quotation marks that are none of a shell: the name of a file, or the source of a password.
fn quoted(text: &str) -> Option<String> {
    let name = text.strip_prefix(QUOTES)?.strip_suffix(QUOTES)?;
    let is_known = stray::is_file_name(name) || name.starts_with("pass:") || stray::is_source(name);
    (is_known && !Path::new(text).exists()).then(|| name.to_owned())
}

/// Mends the names of options that the subcommand has, and the names of files that are there. All else may be a text.
pub(super) fn mend(arguments: &[OsString], command: &Command) -> Option<Mended> {
    let mut mended = Vec::new();
    let mut found = None;
    let mut is_value = false;
    for argument in arguments {
        let text = argument.to_str().unwrap_or_default();
        if text == "--" {
            break;
        }
        let is_free = !is_value && !Path::new(argument).exists();
        let (written, note) = match (option_in(text, command), file_in(text)) {
            (Some(option), _) if is_free => {
                let name = option.split('=').next().unwrap_or_default().to_owned();
                let typed = text.split('=').next().unwrap_or_default();
                let note = (format!("the dash of {typed} is not a hyphen"), format!("write {name}"));
                (option, Some(note))
            }
            (None, Some(file)) if is_free => {
                let note = (
                    format!("the quotation marks of {text} are none of a shell"),
                    format!("write {}", shell_word(file)),
                );
                (file.to_owned(), Some(note))
            }
            _ => (String::new(), None),
        };
        if note.is_some() {
            found = found.or(note);
            is_value = takes_value(&written, command);
            mended.push(written.into());
        } else {
            is_value = takes_value(text, command);
            mended.push(argument.clone());
        }
    }
    mended.extend_from_slice(&arguments[mended.len()..]);
    let (problem, hint) = found?;
    Some(Mended { arguments: mended, problem, hint })
}

/// Returns the option that was meant, with its value behind a sign of equality: a dash stands for two hyphens, or one.
fn option_in(text: &str, command: &Command) -> Option<String> {
    let name = text.trim_start_matches(|c: char| c == '-' || DASHES.contains(&c));
    if !text[..text.len() - name.len()].contains(DASHES) {
        return None;
    }
    let option = if name.chars().count() == 1 { format!("-{name}") } else { format!("--{name}") };
    find(&option, command)?;
    Some(option)
}

/// Returns the name of a file that is there, in quotation marks.
fn file_in(text: &str) -> Option<&str> {
    let name = text.strip_prefix(QUOTES)?.strip_suffix(QUOTES)?;
    Path::new(name).is_file().then_some(name)
}

fn takes_value(text: &str, command: &Command) -> bool {
    if text.contains('=') {
        return false;
    }
    match find(text, command) {
        Some(argument) => argument.get_action().takes_values() && !argument.is_require_equals_set(),
        None => false,
    }
}

fn find<'c>(option: &str, command: &'c Command) -> Option<&'c Arg> {
    let name = option.split('=').next().unwrap_or_default();
    for argument in command.get_arguments() {
        let is_long = argument.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
        let is_short = argument.get_short().is_some_and(|short| name == format!("-{short}"));
        if is_long || is_short {
            return Some(argument);
        }
    }
    None
}
