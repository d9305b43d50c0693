//! The help. What is made to be copied stands as it is, however narrow the terminal; all else is wrapped. `-h` is short:
//! the beginnings of what `--help` says, without the recipes.

use std::ffi::OsString;

use clap::builder::{PossibleValue, PossibleValuesParser, StyledStr};
use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::Shell;

use crate::cli::{Cli, script};

/// Stands for a space where a line is not broken.
const HARD_SPACE: &str = "\u{a0}";

/// The end of the short help.
const MORE: &str = "More, and examples: --help";
const MORE_OPTIONS: &str = "More options, and examples: --help";

/// The columns of the help, where a terminal has as many.
const COLUMNS: usize = 80;

/// A terminal with fewer columns has no room for what options do beside their names.
const LEAST_COLUMNS: usize = 60;

/// The options of a subcommand that its short help leaves out: few need them.
struct Rare {
    command: &'static str,
    options: &'static [&'static str],
}

/// The subcommands with more options than fit a screen.
const RARE: [Rare; 4] = [
    Rare { command: "convert", options: &["max-iterations", "key-format", "bag-attributes", "strict", "at"] },
    Rare {
        command: "expiry",
        options: &[
            "max-iterations",
            "at",
            "expect-environment",
            "expect-team",
            "min-certificates",
            "no-renewals",
            "list-skipped",
            "skip-unreadable",
            "exit-zero",
            "force",
        ],
    },
    Rare {
        command: "check",
        options: &[
            "max-iterations",
            "select",
            "port",
            "no-probe",
            "token",
            "timeout",
            "retries",
            "every-address",
            "server-warn",
            "expect-topic",
            "expect-environment",
            "expect-team",
            "force",
            "at",
        ],
    },
    Rare {
        command: "push",
        options: &[
            "max-iterations",
            "select",
            "key-id",
            "port",
            "proxy",
            "tokens-format",
            "column",
            "shard",
            "shards",
            "subtitle",
            "badge",
            "sound",
            "push-type",
            "priority",
            "expiration",
            "collapse-id",
            "apns-id",
            "connections",
            "rate",
            "timeout",
            "give-up",
            "results",
            "resume",
            "resend-unknown",
            "unregistered-out",
            "force",
        ],
    },
];

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

/// Returns the command line as the manual describes it: pages stand in the place of the subcommand `help`.
pub(crate) fn manual_command() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    document(command)
}

/// Returns the command line as a completion script knows it, with what each option takes.
pub(crate) fn completed_command(shell: Shell) -> Command {
    let root = Cli::command().disable_help_subcommand(true);
    let names = subcommand_names(&root);
    // The subcommand that clap adds has itself in it, and is not completed in fish.
    let help = Command::new("help")
        .about("Print the help of a subcommand")
        .arg(Arg::new("subcommand").value_parser(PossibleValuesParser::new(kept(names))));
    let mut root = root.subcommand(help);
    root.build();
    let pages = PossibleValuesParser::new(kept(page_names(&root)));
    let root = root.mut_subcommand("generate", |generate| {
        generate.mut_subcommand("man", |man| man.mut_arg("subcommand", |page| page.value_parser(pages)))
    });
    with_hints(root, shell)
}

/// Keeps names as long as clap asks for: one script is printed, then the process ends.
fn kept(names: Vec<String>) -> Vec<&'static str> {
    names.into_iter().map(|name| &*name.leak()).collect()
}

fn subcommand_names(command: &Command) -> Vec<String> {
    command.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Returns the names of the pages of the manual, as `generate man` takes them.
fn page_names(root: &Command) -> Vec<String> {
    let mut names = Vec::new();
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        names.push(command.get_name().to_owned());
        for name in subcommand_names(command) {
            names.push(format!("{}-{name}", command.get_name()));
        }
    }
    names
}

fn with_hints(command: Command, shell: Shell) -> Command {
    let names = subcommand_names(&command);
    let mut command = command.mut_args(|argument| with_hint(argument, shell));
    for name in names {
        command = command.mut_subcommand(name, |command| with_hints(command, shell));
    }
    command
}

/// Tells a shell what an option takes, by the name of its value. Nothing is completed where only the user knows it.
fn with_hint(argument: Arg, shell: Shell) -> Arg {
    if !argument.get_action().takes_values() {
        return argument;
    }
    let Some(name) = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string) else {
        return argument;
    };
    let argument = match shell {
        // There a colon ends the name, and what follows is run as a command. clap_complete does not escape it.
        Shell::Zsh => argument.value_name(&*name.replace(':', "\\:").leak()),
        _ => argument,
    };
    let begun: Vec<String> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if !begun.is_empty() {
        let behind = script::values_behind(&argument);
        return if behind.is_empty() {
            argument
        } else {
            argument.value_parser(PossibleValuesParser::new(kept([begun, behind].concat())))
        };
    }
    match name.as_str() {
        "SOURCE" => argument.value_parser(PossibleValuesParser::new(script::SOURCES)),
        // In bash only the hint of files keeps blanks in names, and the slash after a folder.
        "FILE" | "INPUT" | "OLD" | "NEW" | "PAYLOAD" | "CERT" | "FILE|FOLDER" | "PATH" => {
            argument.value_hint(ValueHint::FilePath)
        }
        "FOLDER" => argument.value_hint(ValueHint::DirPath),
        // bash would complete files for all that it does not know.
        _ if shell == Shell::Bash => argument.value_hint(ValueHint::Other),
        // Its URL names a file or a database, and no page.
        _ if ["database", "register-with"].contains(&argument.get_long().unwrap_or_default()) => {
            argument.value_hint(ValueHint::Other)
        }
        "ADDRESS" => argument.value_hint(ValueHint::EmailAddress),
        "HOST:PORT" => argument.value_hint(ValueHint::Hostname),
        "URL" => argument.value_hint(ValueHint::Url),
        _ => argument.value_hint(ValueHint::Other),
    }
}

/// Returns the lines of a script for fish that complete what stands without an option, which clap_complete leaves out.
pub(crate) fn fish_words(root: &Command) -> String {
    let mut lines = String::new();
    for command in root.get_subcommands() {
        let using = format!("__fish_pushcert_using_subcommand {}", command.get_name());
        lines.push_str(&fish_line(command, &using));
        for inner in command.get_subcommands() {
            let using = format!("{using}; and __fish_seen_subcommand_from {}", inner.get_name());
            lines.push_str(&fish_line(inner, &using));
        }
    }
    lines
}

/// Returns the line for what a subcommand takes without an option: its words, nothing, or files, which need no line.
fn fish_line(command: &Command, using: &str) -> String {
    let Some(argument) = command.get_positionals().next() else { return String::new() };
    let values = argument.get_possible_values();
    if values.is_empty() {
        let takes_files = command.get_positionals().any(|argument| argument.get_value_hint() != ValueHint::Other);
        let line = format!("complete -c pushcert -n \"{using}\" -f\n");
        return if takes_files { String::new() } else { line };
    }
    let words: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
    format!("complete -c pushcert -n \"{using}\" -f -a \"{}\"\n", words.join(" "))
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
        in_paragraph = !is_set_in && !line.is_empty();
    }
    lines.join("\n")
}

/// Returns a text as it is printed.
pub(crate) fn printed(text: &str) -> String {
    text.replace(HARD_SPACE, " ")
}

/// Returns the help that the arguments ask for, for a terminal of so many columns.
pub(crate) fn asked(arguments: &[OsString], columns: Option<usize>) -> StyledStr {
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
    let mut command = fitted(command, columns);
    match (is_long, is_root) {
        (true, _) => render_long(&mut command),
        (false, true) => command.render_help(),
        (false, false) => shortened(command).render_help(),
    }
}

/// Breaks a usage that is too long, which clap does not. Puts what options do below their names where the terminal is
/// narrow; without a terminal it has the usual columns.
fn fitted(mut command: Command, columns: Option<usize>) -> Command {
    let usage = command.render_usage().to_string();
    if usage.chars().count() > COLUMNS {
        let broken = usage.replacen("[OPTIONS] ", "[OPTIONS]\n       ", 1);
        command = command.override_usage(broken.trim_start_matches("Usage: ").to_owned());
    }
    if columns.is_none() {
        // clap would take the width of the terminal that another stream is at.
        command = command.term_width(COLUMNS);
    }
    let is_narrow = columns.is_some_and(|columns| columns < LEAST_COLUMNS);
    command.next_line_help(is_narrow)
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
    let rare = RARE.iter().find(|rare| rare.command == command.get_name());
    let (left_out, more) = rare.map_or((&[][..], MORE), |rare| (rare.options, MORE_OPTIONS));
    let command = command.mut_args(|argument| {
        let is_rare = argument.get_long().is_some_and(|name| left_out.contains(&name));
        let argument = argument.hide(is_rare);
        match argument.get_help().map(ToString::to_string) {
            Some(text) => argument.help(beginning(&text).to_owned()),
            None => argument,
        }
    });
    command.after_help(more)
}

/// The least that says something.
const LEAST_BEGINNING: usize = 15;

/// The longest text that keeps its default, in bytes.
const LONGEST_WITH_DEFAULT: usize = 70;

/// Returns the beginning of a sentence, up to the first pause after which it says more. A bracket stays or goes whole.
fn beginning(text: &str) -> &str {
    let sentence = first_part(text);
    match sentence.find(" [default: ") {
        Some(end) if sentence.len() > LONGEST_WITH_DEFAULT => &sentence[..end],
        _ => sentence,
    }
}

fn first_part(text: &str) -> &str {
    let mut depth = 0_u32;
    for (index, character) in text.char_indices() {
        let rest = &text[index..];
        let is_pause = [". ", "; ", ": ", " ("].iter().any(|pause| rest.starts_with(pause));
        if is_pause && depth == 0 && index >= LEAST_BEGINNING {
            return &text[..index];
        }
        match character {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns all subcommands, with their names.
    fn commands() -> Vec<Command> {
        let root = documented_command();
        root.get_subcommands()
            .filter(|command| command.get_name() != "help" && !command.is_hide_set())
            .map(|command| fitted(command.clone(), None))
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
                // The faults of the gateway are a list, and nothing to copy.
                let is_list = command.get_name() == "gateway" && !line.starts_with("  pushcert ");
                let is_example = copied.iter().any(|copied| copied == line) && !is_list;
                assert!(is_example, "{line}");
            }
        }
    }

    #[test]
    fn the_examples_of_generate_fit() {
        let command = documented_command().find_subcommand("generate").unwrap().clone();
        for mut command in all_commands(command) {
            let help = printed(&render_long(&mut command).to_string());
            for line in help.lines().filter(|line| line.starts_with(' ')) {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }

    #[test]
    fn the_short_help_fits_a_screen() {
        for command in commands() {
            let name = command.get_name().to_owned();
            let long = render_long(&mut command.clone().term_width(80)).to_string();
            let short = shortened(command).term_width(80).render_help().to_string();
            assert!(short.lines().count() <= 50, "{name}: {}\n{short}", short.lines().count());
            assert!(short.len() < long.len(), "{name}");
            for line in short.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
            let mut open = 0;
            for character in short.chars() {
                match character {
                    '[' => open += 1,
                    ']' => open -= 1,
                    _ => {}
                }
            }
            assert_eq!(open, 0, "{name}: {short}");
        }
    }

    /// Returns a command and all below it.
    fn all_commands(command: Command) -> Vec<Command> {
        let mut found: Vec<Command> = command.get_subcommands().cloned().flat_map(all_commands).collect();
        found.push(command);
        found
    }

    #[test]
    fn every_usage_fits() {
        for command in all_commands(documented_command()) {
            let name = command.get_name();
            let usage = fitted(command.clone(), None).render_usage().to_string();
            assert!(usage.contains("pushcert"), "{name}: {usage}");
            for line in usage.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_has_the_help_of_an_option_below_its_name() {
        for command in commands() {
            let narrow = fitted(shortened(command).term_width(40), Some(40)).render_help().to_string();
            for line in narrow.lines() {
                assert!(line.len() - line.trim_start().len() <= 10, "{line}\n{narrow}");
            }
        }
    }

    #[test]
    fn what_the_short_help_leaves_out_exists() {
        let root = documented_command();
        for rare in RARE {
            let command = root.find_subcommand(rare.command).unwrap();
            for name in rare.options {
                assert!(command.get_arguments().any(|argument| argument.get_long() == Some(name)), "{name}");
            }
        }
    }

    fn completions(shell: Shell) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut completed_command(shell), "pushcert", &mut script);
        String::from_utf8(script).unwrap()
    }

    /// Returns all arguments of all subcommands.
    fn arguments(command: &Command) -> Vec<Arg> {
        let mut found: Vec<Arg> = command.get_arguments().cloned().collect();
        for inner in command.get_subcommands() {
            found.extend(arguments(inner));
        }
        found
    }

    #[test]
    fn no_name_of_a_value_is_run_in_zsh() {
        let script = completions(Shell::Zsh);
        let mut checked = 0;
        for argument in arguments(&documented_command()) {
            let Some(name) = argument.get_value_names().and_then(|names| names.first()) else { continue };
            let Some(long) = argument.get_long().filter(|_| name.contains(':')) else { continue };
            let escaped = name.replace(':', "\\:");
            let lines: Vec<&str> = script.lines().filter(|line| line.contains(&format!("--{long}=["))).collect();
            assert!(!lines.is_empty(), "{long}");
            assert!(lines.iter().any(|line| line.contains(&format!("]:{escaped}:"))), "{long}: {lines:?}");
            assert!(!script.contains(&format!("]:{name}:")), "{long}: {lines:?}");
            checked += 1;
        }
        assert!(checked > 5);
    }

    #[test]
    fn a_database_is_no_page() {
        let script = completions(Shell::Zsh);
        for option in ["--database=[", "--register-with=["] {
            let lines: Vec<&str> = script.lines().filter(|line| line.contains(option)).collect();
            assert!(!lines.is_empty() && lines.iter().all(|line| !line.contains(":_urls")), "{lines:?}");
        }
        assert!(script.lines().any(|line| line.contains("--proxy=[") && line.contains(":_urls")));
    }

    #[test]
    fn help_and_pages_are_completed() {
        let command = completed_command(Shell::Fish);
        let lines = fish_words(&command);
        for expected in [
            "using_subcommand help\" -f -a \"csr convert",
            "using_subcommand example\" -f -a \"php python",
            "using_subcommand generate; and __fish_seen_subcommand_from completions\" -f -a \"bash",
            "using_subcommand generate; and __fish_seen_subcommand_from man\" -f -a \"csr",
            " database-add ",
            "using_subcommand explain\" -f\n",
        ] {
            assert!(lines.contains(expected), "{expected}: {lines}");
        }
        assert!(!lines.contains("using_subcommand convert\" -f"), "{lines}");
    }

    #[test]
    fn paragraphs_are_joined_and_what_is_set_in_stays() {
        let text = "One:\ntwo.\n\nExamples:\n  a  b\n  c\nThree\nfour";
        let hard = "\u{a0}";
        let expected = format!("One: two.\n\nExamples:\n{hard}{hard}a{hard}{hard}b\n{hard}{hard}c\nThree four");
        assert_eq!(unbroken(text), expected);
        assert_eq!(beginning("Trust only these (PEM). More"), "Trust only these");
        assert_eq!(
            beginning("Key ID of --p8 [default: that of its name]"),
            "Key ID of --p8 [default: that of its name]"
        );
        assert_eq!(beginning("Go through this proxy: http://[USER@]HOST [default: none]"), "Go through this proxy");
        assert_eq!(beginning("Fail (exit 1) where there is one"), "Fail (exit 1) where there is one");
    }
}
