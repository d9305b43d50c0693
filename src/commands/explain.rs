//! `pushcert explain`.

use std::ffi::OsStr;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;

use crate::cli::explain::ExplainArgs;
use crate::cli::password::os_string;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::explain;
use crate::report::human::explain::{self as human, ExplainReport};
use crate::report::json;
use crate::report::shell::shell_path;
use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::{encoding, files};

/// The bytes that are searched at the beginning of a text on standard input, and as many at its end. Even, so that no
/// character of UTF-16 is cut.
const MAX_PART: usize = 1 << 20;

/// A text to explain.
struct Text {
    text: String,
    /// The beginning and the end of a longer text.
    is_cut: bool,
}

pub(super) fn run(arguments: &ExplainArgs, context: &mut Context<'_>) -> Result<(), Error> {
    let text = read(arguments, context)?;
    let explanations = match &text {
        Some(text) => explain::find(&text.text),
        None => explain::all(),
    };
    if explanations.is_empty() {
        if let Some(refused) = refuse_file(arguments.words()) {
            return Err(refused);
        }
        return Err(nothing_known(text.is_some_and(|text| text.is_cut)));
    }
    let report = ExplainReport::new(explanations);
    if arguments.is_json() {
        json::write(context.stdout, &report)?;
    } else {
        human::write(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    Ok(())
}

fn nothing_known(is_cut: bool) -> Error {
    if is_cut {
        return Error::new(
            ExitKind::CheckFailed,
            "no message that is known is in the first MiB or in the last MiB of this text; what is between them was not searched",
        )
        .hint("give the message alone: pushcert explain 'MESSAGE'");
    }
    Error::new(ExitKind::CheckFailed, "no message that is known is in this text").hint(
        "pushcert inspect FILE says what a file is, pushcert check push.pem what APNs says to it; pushcert explain lists the \
         messages that are known",
    )
}

/// Returns the text to explain; `None` where there is none. Without arguments, what is piped is the text. An empty
/// argument comes from a variable that was not set, and an empty pipe from a program that printed its error elsewhere:
/// neither asks for all that is known.
fn read(arguments: &ExplainArgs, context: &mut Context<'_>) -> Result<Option<Text>, Error> {
    match arguments.words() {
        [] if context.stdin_is_terminal || files::is_standard_input_null() => Ok(None),
        [] => Ok(Some(read_standard_input(context)?)),
        [dash] if dash == "-" => Ok(Some(read_standard_input(context)?)),
        words if words.iter().all(|word| word.trim().is_empty()) => {
            Err(Error::new(ExitKind::Usage, "the text to explain is empty").hint(
                "give the message as it was printed: pushcert explain 'MESSAGE'; pushcert explain lists the messages that are known",
            ))
        }
        words => Ok(Some(Text { text: words.join(" "), is_cut: false })),
    }
}

/// Refuses a file that was given in the place of a text: `err.txt`, `@err.txt`, `-f err.txt`. Its name need not be UTF-8.
pub(crate) fn refuse_file<W: AsRef<OsStr>>(words: &[W]) -> Option<Error> {
    let name = match words {
        [option, name] if option.as_ref().as_encoded_bytes().starts_with(b"-") => name.as_ref(),
        [name] => name.as_ref(),
        _ => return None,
    };
    let after_sign = name.as_encoded_bytes().strip_prefix(b"@").and_then(os_string);
    let named = [Some(name.to_owned()), after_sign];
    let file = named.into_iter().flatten().map(PathBuf::from).find(|path| path.is_file())?;
    let hint = format!("pushcert explain < {} takes what is in it", shell_path(&file));
    Some(Error::new(ExitKind::Usage, "the text to explain is the name of a file").hint(hint))
}

fn read_standard_input(context: &mut Context<'_>) -> Result<Text, Error> {
    match read_ends(&mut *context.stdin) {
        Ok(text) if text.text.trim().is_empty() => {
            Err(Error::new(ExitKind::Usage, "there is nothing on standard input to explain").hint(
                "programs print errors on standard error: COMMAND 2>&1 | pushcert explain; pushcert explain < /dev/null lists the \
                 messages that are known",
            ))
        }
        Ok(text) => Ok(text),
        Err(error) => Err(Error::new(ExitKind::Input, format!("standard input cannot be read: {error}"))
            .hint("give the message as an argument, or pipe it: pushcert explain < build.log")),
    }
}

/// Reads a text to its end, so that no program that writes it is stopped, and keeps its beginning and its end.
fn read_ends(input: &mut dyn Read) -> io::Result<Text> {
    let mut kept = Vec::new();
    let mut end = Vec::new();
    let mut is_cut = false;
    Read::take(&mut *input, MAX_PART as u64).read_to_end(&mut kept)?;
    while Read::take(&mut *input, MAX_PART as u64).read_to_end(&mut end)? > 0 {
        if end.len() > MAX_PART {
            let surplus = (end.len() - MAX_PART).next_multiple_of(2);
            end.drain(..surplus);
            is_cut = true;
        }
    }
    kept.extend(end);
    let mut bytes = Vec::new();
    encoding::open(Box::new(Cursor::new(kept)))?.read_to_end(&mut bytes)?;
    Ok(Text { text: String::from_utf8_lossy(&bytes).into_owned(), is_cut })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_that_is_advised_can_be_typed() {
        for explanation in explain::all() {
            for command in explanation.commands {
                let parsed = Cli::try_parse_from(command.replace("TOKEN", "abcd").split(' '));
                assert!(parsed.is_ok(), "{command}: {:?}", parsed.err());
            }
        }
    }
}
