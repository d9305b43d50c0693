//! The help. What is made to be copied stands as it is, however narrow the terminal; all else is wrapped. `-h` is short:
//! the beginnings of what `--help` says, without the recipes.

use std::ffi::OsString;

use clap::builder::{PossibleValuesParser, StyledStr};
use clap::{Arg, Command, CommandFactory, ValueHint};

use crate::cli::Cli;

/// Stands for a space where a line is not broken.
const HARD_SPACE: &str = "\u{a0}";

/// The end of the short help.
const MORE: &str = "More, and examples: --help";

/// Returns the command line with the help as it is shown, whole.
pub(crate) fn documented_command() -> Command {
    let mut command = Cli::command();
    command.build();
    document(command)
}

fn document(mut command: Command) -> Command {
    let text = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    if let Some(text) = text {
        let text = unbroken(&text);
        command = command.after_long_help(&text).after_help(text);
    }
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, document);
    }
    command
}

/// Returns the command line as completion scripts know it, with what each option takes.
pub(crate) fn completed_command() -> Command {
    let mut command = Cli::command();
    command.build();
    with_hints(command)
}

fn with_hints(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let mut command = command.mut_args(with_hint);
    for name in names {
        command = command.mut_subcommand(name, with_hints);
    }
    command
}

/// The sources of passwords, as a shell completes them.
const SOURCES: [&str; 6] = ["env:", "file:", "fd:", "cmd:", "stdin", "prompt"];

/// Tells a shell what an option takes, by the name of its value. Nothing is completed where only the user knows it.
fn with_hint(argument: Arg) -> Arg {
    if !argument.get_action().takes_values() || !argument.get_possible_values().is_empty() {
        return argument;
    }
    let Some(name) = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string) else {
        return argument;
    };
    match name.as_str() {
        "SOURCE" => argument.value_parser(PossibleValuesParser::new(SOURCES)),
        "FILE" | "INPUT" | "OLD" | "NEW" | "PAYLOAD" => argument.value_hint(ValueHint::FilePath),
        "FOLDER" => argument.value_hint(ValueHint::DirPath),
        "FILE|FOLDER" | "PATH" => argument.value_hint(ValueHint::AnyPath),
        "ADDRESS" => argument.value_hint(ValueHint::EmailAddress),
        "HOST:PORT" => argument.value_hint(ValueHint::Hostname),
        "URL" => argument.value_hint(ValueHint::Url),
        _ => argument.value_hint(ValueHint::Other),
    }
}

/// Joins the lines of each paragraph, and keeps those that are set in: examples, recipes, lists.
fn unbroken(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut in_paragraph = false;
    for line in text.lines() {
        let is_set_in = line.starts_with("  ");
        match lines.last_mut() {
            Some(last) if in_paragraph && !is_set_in && !line.is_empty() => {
                last.push(' ');
                last.push_str(line);
            }
            _ if is_set_in => lines.push(line.replace(' ', HARD_SPACE)),
            _ => lines.push(line.to_owned()),
        }
        in_paragraph = !is_set_in && !line.is_empty() && !line.ends_with(':');
    }
    lines.join("\n")
}

/// Returns a text as it is printed.
pub(crate) fn printed(text: &str) -> String {
    text.replace(HARD_SPACE, " ")
}

/// Returns the help that the arguments ask for.
pub(crate) fn asked(arguments: &[OsString]) -> StyledStr {
    let is_long = arguments.iter().any(|argument| argument == "--help" || argument == "help");
    let mut command = documented_command();
    let mut is_root = true;
    for argument in arguments {
        let Some(name) = argument.to_str() else { break };
        if let Some(found) = command.find_subcommand(name)
            && name != "help"
        {
            command = found.clone();
            is_root = false;
        }
    }
    match (is_long, is_root) {
        (true, _) => render_long(&mut command),
        (false, true) => command.render_help(),
        (false, false) => shortened(command).render_help(),
    }
}

/// Renders all help, with a line for each option where that is enough.
fn render_long(command: &mut Command) -> StyledStr {
    if command.get_arguments().any(has_long_help) { command.render_long_help() } else { command.render_help() }
}

fn has_long_help(argument: &Arg) -> bool {
    argument.get_long_help().is_some() || argument.get_possible_values().iter().any(|value| value.get_help().is_some())
}

/// Returns a command whose short help is short.
fn shortened(command: Command) -> Command {
    let command = command.mut_args(|argument| match argument.get_help().map(ToString::to_string) {
        Some(text) => argument.help(beginning(&text).to_owned()),
        None => argument,
    });
    command.after_help(MORE)
}

/// The least that says something.
const LEAST_BEGINNING: usize = 15;

/// Returns the beginning of a sentence, up to the first pause after which it says more.
fn beginning(text: &str) -> &str {
    let mut end = text.len();
    for pause in [". ", "; ", ": ", " ("] {
        for (found, _) in text.match_indices(pause) {
            if found >= LEAST_BEGINNING {
                end = end.min(found);
            }
        }
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all subcommands, with their names.
    fn commands() -> Vec<Command> {
        let root = documented_command();
        root.get_subcommands()
            .filter(|command| command.get_name() != "help" && !command.is_hide_set())
            .cloned()
            .collect()
    }

    #[test]
    fn every_subcommand_shows_an_example() {
        for mut command in commands() {
            let name = format!("pushcert {}", command.get_name());
            let help = printed(&render_long(&mut command).to_string());
            assert!(help.lines().any(|line| line.starts_with("  ") && line.contains(&name)), "{help}");
        }
    }

    #[test]
    fn what_is_copied_is_not_wrapped_and_all_else_fits() {
        for command in commands() {
            let source = command.get_after_help().unwrap().to_string();
            let copied: Vec<String> = source.lines().filter(|line| line.starts_with(HARD_SPACE)).map(printed).collect();
            assert!(!copied.is_empty());
            for columns in [40, 80] {
                let help = printed(&render_long(&mut command.clone().term_width(columns)).to_string());
                for line in &copied {
                    assert!(help.lines().any(|shown| shown == line), "{columns}: {line}\n{help}");
                }
            }
            let help = printed(&render_long(&mut command.clone().term_width(80)).to_string());
            for line in help.lines().filter(|line| line.chars().count() > 80) {
                assert!(copied.iter().any(|copied| copied == line) || line.starts_with("Usage: "), "{line}");
            }
        }
    }

    #[test]
    fn the_short_help_is_shorter() {
        for command in commands() {
            let name = command.get_name().to_owned();
            let long = render_long(&mut command.clone().term_width(100)).to_string();
            let short = shortened(command).term_width(100).render_help().to_string();
            assert!(short.lines().count() <= 80, "{name}: {}", short.lines().count());
            assert!(short.len() < long.len(), "{name}");
        }
    }

    #[test]
    fn paragraphs_are_joined_and_what_is_set_in_stays() {
        let text = "One\ntwo.\n\nExamples:\n  a  b\n  c\nThree\nfour";
        let hard = "\u{a0}";
        let expected = format!("One two.\n\nExamples:\n{hard}{hard}a{hard}{hard}b\n{hard}{hard}c\nThree four");
        assert_eq!(unbroken(text), expected);
        assert_eq!(beginning("Trust only these (PEM). More"), "Trust only these");
        assert_eq!(beginning("Fail (exit 1) where there is one"), "Fail (exit 1) where there is one");
    }
}
