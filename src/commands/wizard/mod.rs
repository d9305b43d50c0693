//! `pushcert wizard`: the whole road as a conversation.
//!
//! Each step is a command line, printed before it is carried out. It is parsed as any other and goes
//! the way of the subcommand, so that what is printed is what is done; only the input, which is asked
//! about several times, is opened once. From every question a way leads back to the one before it.

mod line;
mod path;
mod prepare;
mod request;

use std::io::Write;

use crate::commands::shared::{advice, passout};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::human;
use crate::report::style::Paint;
use crate::text::Printable;
use crate::world::context::Context;
use crate::world::terminal::InputCheck;
use crate::world::terminal::question::{self, Question, Reply};
use crate::world::terminal::wrap::{WrappedLines, wrapped};

const STARTS: [&str; 3] = [
    "Nothing yet: make a key and the request for Apple's portal",
    "A .p12, exported from Keychain Access",
    "A .cer, downloaded from Apple's portal",
];

/// The keys, named once.
const WAY_BACK: &str = "(Tab completes names of files, arrow keys go through lists; < and Enter, or Esc, goes back, but at a password Ctrl-D; Ctrl-C leaves)";
/// The same for a terminal that does not edit.
const WAY_BACK_UNEDITED: &str =
    "(lists take numbers; < and Enter, or Esc and Enter, goes back, but at a password Ctrl-D; Ctrl-C leaves)";

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Error> {
    if !context.is_interactive {
        return Err(Error::new(ExitKind::Usage, "the wizard is a conversation, and there is no terminal to talk at")
            .hint("in a script: pushcert csr, then pushcert convert or pushcert pack; each has --help"));
    }
    let mut talk = Talk { context, done: Vec::new(), so_far: Vec::new() };
    let keys = if talk.context.terminal.edits() { WAY_BACK } else { WAY_BACK_UNEDITED };
    talk.tell(keys)?;
    let mut start = 0;
    let code = loop {
        match talk.select("What do you have?", &STARTS, start)? {
            Reply::Given(chosen) => start = chosen,
            Reply::Back => break 0,
        }
        let ended = match start {
            0 => request::make(&mut talk)?,
            1 => prepare::prepare(None, &mut talk)?,
            _ => prepare::prepare(Some("aps.cer"), &mut talk)?,
        };
        if let Reply::Given(code) = ended {
            break code;
        }
    };
    talk.sum_up()?;
    Ok(code)
}

/// The conversation.
struct Talk<'t, 'c> {
    context: &'t mut Context<'c>,
    /// The commands that were carried out.
    done: Vec<String>,
    /// These, and the one that the answers make.
    so_far: Vec<String>,
}

impl Talk<'_, '_> {
    fn tell(&mut self, text: &str) -> Result<(), Error> {
        let text = self.wrapped(text);
        match self.context.terminal.tell(&text) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    /// Breaks a text at words, where the terminal would break it elsewhere.
    fn wrapped(&self, text: &str) -> String {
        match self.context.terminal.columns() {
            Some(columns) => wrapped(text, columns),
            None => text.to_owned(),
        }
    }

    /// Writes what was made for people.
    fn write(&mut self, text: &[u8]) -> Result<(), Error> {
        let text = self.wrapped(&String::from_utf8_lossy(text));
        Ok(self.context.stderr.write_all(text.as_bytes())?)
    }

    /// Runs a command, and breaks what it writes to a terminal at words.
    fn run<T>(&mut self, command: impl FnOnce(&mut Context<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let columns = self.context.terminal.columns();
        let stdout_columns = if self.context.stdout_is_terminal { columns } else { None };
        let mut stdout = WrappedLines::new(&mut *self.context.stdout, stdout_columns);
        let mut stderr = WrappedLines::new(&mut *self.context.stderr, columns);
        let result = command(&mut Context {
            stdin: &mut *self.context.stdin,
            stdout: &mut stdout,
            stderr: &mut stderr,
            terminal: &mut *self.context.terminal,
            ..*self.context
        });
        stdout.flush()?;
        stderr.flush()?;
        result
    }

    fn ask(&mut self, question: &Question<'_>, check: &dyn Fn(&str) -> InputCheck) -> Result<Reply<String>, Error> {
        match question::ask(question, check, self.context.terminal) {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    fn confirm(&mut self, text: &str, default: bool) -> Result<Reply<bool>, Error> {
        match question::confirm(text, default, true, self.context.terminal) {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    fn select(&mut self, text: &str, choices: &[&str], first: usize) -> Result<Reply<usize>, Error> {
        match question::select(text, choices, first, self.context.terminal) {
            Ok(reply) => Ok(reply),
            Err(error) => Err(self.unanswered(&error)),
        }
    }

    /// Explains that nobody answers any more, as after Ctrl-D: the commands so far are not lost.
    fn unanswered(&self, error: &std::io::Error) -> Error {
        let message = format!("a question was not answered: {error}");
        let mut lines = vec!["so far:".to_owned()];
        lines.extend(self.so_far.iter().map(|line| format!("  {line}")));
        match &self.so_far[..] {
            [] => Error::new(ExitKind::Usage, message).hint("nothing was done"),
            _ => Error::new(ExitKind::Usage, message).hint(Printable::lines(&lines)),
        }
    }

    /// Prints why a step failed, which is asked about again.
    fn complain(&mut self, error: &Error) -> Result<(), Error> {
        let mut error = error.clone();
        error.hint = error.hint.map(in_conversation);
        let mut text = Vec::new();
        human::error(&mut text, &error, Paint::new(self.context.stderr_has_color))?;
        self.write(&text)
    }

    /// Sets what Ctrl-C prints: the commands so far, and the one that the answers make.
    fn note(&mut self, unfinished: Option<String>) {
        let mut lines = self.done.clone();
        lines.extend(unfinished);
        let farewell = if lines.is_empty() { None } else { Some(format!("so far:\n  {}", lines.join("\n  "))) };
        self.so_far = lines;
        self.context.terminal.set_farewell(farewell);
    }

    /// Ends with the commands that were carried out.
    fn sum_up(&mut self) -> Result<(), Error> {
        self.context.terminal.set_farewell(None);
        let paint = Paint::new(self.context.stderr_has_color);
        if self.done.is_empty() {
            return Ok(writeln!(self.context.stderr, "\nnothing was done")?);
        }
        writeln!(self.context.stderr, "\nwhat was done:")?;
        for line in &self.done {
            writeln!(self.context.stderr, "  {}", paint.strong(line))?;
        }
        Ok(())
    }
}

/// Returns what to do at the terminal, where a hint names an option for a password: the wizard has none.
fn in_conversation(hint: Printable) -> Printable {
    if hint == advice::ASK_FOR_PASSWORD {
        "it is of no use without its password: name another file, or this one again".into()
    } else if hint == passout::GIVE_IT || hint == passout::TRY_AGAIN {
        "what needs it was not written: try again, or answer otherwise".into()
    } else {
        hint
    }
}

/// The end of one step.
enum Progress {
    /// A question was answered, to which a way leads back.
    Answered,
    /// There was nothing to ask.
    Passed,
    /// To the question before.
    Back,
    /// To the step with this number: its answer did not serve.
    To(usize),
    /// Out of the steps: a request was made instead.
    End,
}

/// The end of all steps.
enum End {
    All,
    Back,
}

/// Goes through `count` steps, forward and back.
fn walk(
    count: usize,
    talk: &mut Talk<'_, '_>,
    step: &mut dyn FnMut(usize, &mut Talk<'_, '_>) -> Result<Progress, Error>,
) -> Result<End, Error> {
    let mut answered: Vec<usize> = Vec::new();
    let mut number = 0;
    while number < count {
        match step(number, talk)? {
            Progress::Answered => {
                answered.push(number);
                number += 1;
            }
            Progress::Passed => number += 1,
            Progress::Back => match answered.pop() {
                Some(before) => number = before,
                None => return Ok(End::Back),
            },
            Progress::To(other) => {
                answered.retain(|before| *before < other);
                number = other;
            }
            Progress::End => return Ok(End::All),
        }
    }
    Ok(End::All)
}

#[cfg(test)]
mod tests;
