//! What clap_complete leaves out of the completion scripts: values with a colon in them, which say more behind it.

use clap::builder::PossibleValue;
use clap::{Arg, Command, ValueHint};

use crate::check::expectation::Expectation;
use crate::gateway::fault;

/// The sources of passwords, as a shell completes them.
pub(super) const SOURCES: [&str; 6] = ["env:", "file:", "fd:", "cmd:", "stdin", "prompt"];

/// Returns the values of an option that begin with one of its words, a colon, and what stands behind it.
pub(super) fn values_behind(argument: &Arg) -> Vec<String> {
    let name = argument.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    // In the script for zsh its colons are escaped.
    match name.map(|name| name.replace('\\', "")).as_deref() {
        Some("OUTCOME[:REASON]") => Expectation::texts(),
        Some("NAME[:ARGUMENT][@COURSE]") => fault::texts(),
        _ => Vec::new(),
    }
}

/// Mends the script for fish: what stands behind a source, a colon or a short option is completed too.
pub(crate) fn mend_fish(script: &str, root: &Command) -> String {
    let mut mended = script.replace(&fish_list(&SOURCES), "\"(__fish_pushcert_sources)\"");
    for argument in root.get_subcommands().flat_map(Command::get_arguments) {
        if values_behind(argument).is_empty() {
            continue;
        }
        let values = argument.get_possible_values();
        let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        mended = mended.replace(&fish_list(&values), &format!("\"(__fish_pushcert_behind {})\"", values.join(" ")));
    }
    let mut text = FISH_WORDS.to_owned();
    for line in mended.lines() {
        match line.strip_suffix(" -r -F") {
            // fish completes no file that stands behind a short option without a blank.
            Some(option) if option.contains(" -s o ") => {
                text.push_str(&format!("{option} -r -f -a \"(__fish_pushcert_files)\"\n"));
            }
            _ => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

/// Returns a list of values as clap_complete writes it.
fn fish_list(values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value}\\t''")).collect();
    format!("\"{}\"", values.join("\n"))
}

const FISH_WORDS: &str = r"function __fish_pushcert_value
    string replace -r -- '^(--[a-z-]+=|-o)' '' (commandline -ct)
end

function __fish_pushcert_files
    __fish_complete_path (__fish_pushcert_value)
end

function __fish_pushcert_sources
    set -l word (__fish_pushcert_value)
    switch $word
        case 'file:*'
            for path in (__fish_complete_path (string replace -- file: '' $word))
                echo file:$path
            end
        case 'env:*'
            for name in (set -xn)
                echo env:$name
            end
        case 'fd:*' 'cmd:*'
        case '*'
            printf '%s\n' env: file: fd: cmd: stdin prompt
    end
end

function __fish_pushcert_behind
    if string match -q -- '*:*' (__fish_pushcert_value)
        printf '%s\n' $argv
    else
        string match -v -- '*:*' $argv
    end
end

";

/// Mends the script for zsh: no blank follows the colon of a source, what stands behind a colon is completed, and without
/// compinit it says what to do.
pub(crate) fn mend_zsh(script: &str) -> String {
    let sources = format!(":({})", SOURCES.join(" ").replace(':', "\\:"));
    let mut mended = String::new();
    for line in script.replace(&sources, ":_pushcert_sources").lines() {
        mended.push_str(&zsh_line(line));
        mended.push('\n');
    }
    mended
        .replace("\nif [ \"$funcstack[1]\"", &format!("{ZSH_WORDS}\nif [ \"$funcstack[1]\""))
        .replace("\nelse\n    compdef _pushcert pushcert\n", ZSH_REGISTRATION)
}

/// Gives the values of an option to a function, where some have a colon in them.
fn zsh_line(line: &str) -> String {
    let Some((option, values)) = line.rsplit_once(":(") else { return line.to_owned() };
    match values.rsplit_once(')') {
        Some((values, end)) if values.contains("\\:") => format!("{option}: _pushcert_behind {values}{end}"),
        _ => line.to_owned(),
    }
}

const ZSH_WORDS: &str = r#"
_pushcert_sources() {
    local found=1
    if compset -P 'file:'; then
        _files
        return
    fi
    if compset -P 'env:'; then
        compadd -- ${${(f)"$(env)"}%%=*}
        return
    fi
    if compset -P '(fd|cmd):'; then
        return 1
    fi
    compadd -S '' -- env: file: fd: cmd: && found=0
    compadd -- stdin prompt && found=0
    return found
}

_pushcert_behind() {
    local value
    local -a kept
    for value in "$@"; do
        if [[ $PREFIX == *:* || $value != *:?* ]]; then
            kept+=("$value")
        fi
    done
    compadd -a kept
}
"#;

const ZSH_REGISTRATION: &str = r#"
elif (( $+functions[compdef] )); then
    compdef _pushcert pushcert
else
    print -u2 'pushcert: the completions need compinit: source them after "autoload -U compinit; compinit"'
"#;

/// Completes the script for bash, in which clap_complete leaves out files that stand without an option (clap's issue 5244),
/// a blank that must not follow, and the parts of a value, of which bash makes words at `=` and `:`.
pub(crate) fn bash_words(root: &Command) -> String {
    let (mut files, mut others, mut outputs, mut inner_names) = (Vec::new(), Vec::new(), Vec::new(), String::new());
    for command in root.get_subcommands() {
        let name = command.get_name();
        match bash_kind(command) {
            Some(ValueHint::FilePath) => files.push(format!("\"{name} \"*")),
            Some(_) => others.push(format!("\"{name} \"*")),
            None => {}
        }
        if command.get_arguments().any(|argument| argument.get_short() == Some('o')) {
            outputs.push(name);
        }
        let mut names = Vec::new();
        for inner in command.get_subcommands() {
            let words = format!("\"{name} {}\"", inner.get_name());
            names.push(inner.get_name());
            match bash_kind(inner) {
                Some(ValueHint::FilePath) => files.push(words),
                Some(_) => others.push(words),
                None => {}
            }
        }
        if !names.is_empty() {
            inner_names.push_str(&format!("            {name}) inner=\"{}\" ;;\n", names.join(" ")));
        }
    }
    BASH_WORDS
        .replace("FILES", &files.join("|"))
        .replace("OTHERS", &others.join("|"))
        .replace("OUTPUTS", &outputs.join("|"))
        .replace("            INNER\n", &inner_names)
}

/// Returns what stands without an option: files, if any of it is one.
fn bash_kind(command: &Command) -> Option<ValueHint> {
    let mut kind = None;
    for argument in command.get_positionals() {
        match argument.get_value_hint() {
            ValueHint::FilePath => return Some(ValueHint::FilePath),
            other => kind = Some(other),
        }
    }
    kind
}

const BASH_WORDS: &str = r#"
_pushcert_nothing() {
    COMPREPLY=()
    if [[ ${BASH_VERSINFO[0]} -ge 4 ]]; then
        compopt +o default +o bashdefault
    fi
}

# Completes what stands behind the colon of a value, of which bash makes a word of its own. Fails where no option knows it.
_pushcert_behind_colon() {
    local at=$COMP_CWORD begin="$2" kind option value kept=()
    if [[ ${COMP_WORDS[at]} == ":" ]]; then
        begin=""
        at=$((at + 1))
    fi
    if [[ $at -lt 4 || ${COMP_WORDS[at - 1]} != ":" ]]; then
        return 1
    fi
    kind="${COMP_WORDS[at - 2]}"
    option="${COMP_WORDS[at - 3]}"
    if [[ $option == "=" ]]; then
        option="${COMP_WORDS[at - 4]}"
    fi
    if [[ $option != -* ]]; then
        return 1
    fi
    _pushcert "$1" "" "$option"
    case " ${COMPREPLY[*]} " in
        *" env: "*)
            case $kind in
                env)
                    COMPREPLY=($(compgen -e -- "$begin"))
                    ;;
                file)
                    # With no word left, bash completes files.
                    COMPREPLY=()
                    ;;
                *)
                    _pushcert_nothing
                    ;;
            esac
            return 0
            ;;
        *" $kind:"*)
            for value in "${COMPREPLY[@]}"; do
                if [[ $value == "$kind:$begin"* ]]; then
                    kept+=("${value#"$kind:"}")
                fi
            done
            _pushcert_nothing
            COMPREPLY=("${kept[@]}")
            return 0
            ;;
    esac
    return 1
}

_pushcert_words() {
    local IFS=$' \t\n' previous="$3" after="" word index inner="" kept=()
    if _pushcert_behind_colon "$@"; then
        return
    fi
    # The file of -oFILE.
    if [[ $2 == -o?* ]]; then
        case "${COMP_WORDS[1]}" in
            OUTPUTS)
                while IFS= read -r word; do
                    if [[ -d $word ]]; then
                        word+="/"
                    fi
                    kept+=("-o$word")
                done < <(compgen -f -- "${2#-o}")
                _pushcert_nothing
                COMPREPLY=("${kept[@]}")
                if [[ ${BASH_VERSINFO[0]} -ge 4 ]]; then
                    compopt -o filenames
                    if [[ ${#kept[@]} -eq 1 && ${kept[0]} == */ ]]; then
                        compopt -o nospace
                    fi
                fi
                return
                ;;
        esac
    fi
    if [[ ${COMP_WORDS[1]} == "help" && $COMP_CWORD -eq 3 ]]; then
        _pushcert_nothing
        case "${COMP_WORDS[2]}" in
            INNER
        esac
        COMPREPLY=($(compgen -W "$inner" -- "$2"))
        return
    fi
    # bash makes three words of --option=value.
    if [[ $previous == "=" ]]; then
        previous="${COMP_WORDS[COMP_CWORD - 2]}"
    fi
    _pushcert "$1" "$2" "$previous"
    # What stands behind a colon is offered behind it.
    for word in "${COMPREPLY[@]}"; do
        if [[ $word != *:?* ]]; then
            kept+=("$word")
        fi
    done
    if [[ ${#kept[@]} -gt 0 ]]; then
        COMPREPLY=("${kept[@]}")
        kept=()
    fi
    # More follows after the colon of a source.
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: && ${BASH_VERSINFO[0]} -ge 4 ]]; then
        compopt -o nospace
    fi
    for ((index = 1; index < COMP_CWORD; index++)); do
        if [[ ${COMP_WORDS[index]} == "--" ]]; then
            after=1
        fi
    done
    # Where something stands without an option, options are offered after a dash alone, and never after "--".
    if [[ -z $after && ( $2 == -* || " ${COMPREPLY[*]} " != *" --help "* ) ]]; then
        return
    fi
    for word in "${COMPREPLY[@]}"; do
        if [[ $word != -* ]]; then
            kept+=("$word")
        fi
    done
    if [[ ${#kept[@]} -gt 0 ]]; then
        COMPREPLY=("${kept[@]}")
        return
    fi
    case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in
        # With no word left, bash completes files.
        FILES)
            COMPREPLY=()
            ;;
        OTHERS)
            _pushcert_nothing
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _pushcert_words -o nosort -o bashdefault -o default pushcert
else
    complete -F _pushcert_words -o bashdefault -o default pushcert
fi
"#;

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory};
    use clap_complete::Shell;

    use super::*;
    use crate::cli::{Cli, help};

    #[test]
    fn every_shell_knows_what_stands_behind_a_colon() {
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            let mut command = help::completed_command(shell);
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command, "pushcert", &mut text);
            let text = String::from_utf8(text).unwrap();
            let text = match shell {
                Shell::Fish => mend_fish(&text, &command),
                Shell::Zsh => mend_zsh(&text),
                _ => text,
            };
            for value in
                ["rejected:certificate_revoked", "refused:TopicDisallowed", "alert:unknown_ca", "answer:BadDeviceToken"]
            {
                assert!(text.replace("\\:", ":").contains(&format!(" {value}")), "{shell}: {value}");
            }
            let listed = |function: &str| text.matches(function).count() > 1;
            assert!(shell == Shell::Bash || listed("_pushcert_behind "), "{shell}");
            assert!(shell == Shell::Bash || listed("_pushcert_sources"), "{shell}");
        }
    }

    /// The script for bash knows no other that a value may be attached to.
    #[test]
    fn the_only_short_option_with_a_value_is_that_of_an_output() {
        let root = Cli::command();
        for command in root.get_subcommands() {
            for argument in command.get_arguments() {
                let Some(short) = argument.get_short().filter(|_| argument.get_action().takes_values()) else {
                    continue;
                };
                let is_file = argument.get_value_names().is_some_and(|names| names[0] == "FILE");
                assert!(short == 'o' && is_file && !matches!(argument.get_action(), ArgAction::Append), "-{short}");
            }
        }
    }
}
