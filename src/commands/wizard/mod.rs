//! `pushcert wizard`: the whole road as a conversation.
//!
//! Each step is a command line, printed before it is carried out. It is parsed as any other and goes
//! the way of the subcommand, so that what is printed is what is done; only the input, which is asked
//! about several times, is opened once. From every question a way leads back to the one before it.

mod line;
mod path;
mod prepare;
mod request;

use crate::commands::unanswered;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::human;
use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::terminal::InputCheck;
use crate::world::terminal::question::{self, Question, Reply};

const STARTS: [&str; 3] = [
    "Nothing yet: make a key and the request for Apple's portal",
    "A .p12, exported from Keychain Access",
    "A .cer, downloaded from Apple's portal",
];

/// The way back, named once.
const WAY_BACK: &str = "(< and Enter, or Esc, goes back; Ctrl-C leaves)";

pub(super) fn run(context: &mut Context<'_>) -> Result<u8, Error> {
    if !context.is_interactive {
        return Err(Error::new(ExitKind::Usage, "the wizard is a conversation, and there is no terminal to talk at")
            .hint("in a script: pushcert csr, then pushcert convert or pushcert pack; each has --help"));
    }
    let mut talk = Talk { context, done: Vec::new() };
    talk.tell(WAY_BACK)?;
    let code = loop {
        let ended = match talk.select("What do you have?", &STARTS)? {
            Reply::Given(0) => request::make(&mut talk)?,
            Reply::Given(1) => prepare::prepare(None, &mut talk)?,
            Reply::Given(_) => prepare::prepare(Some("aps.cer"), &mut talk)?,
            Reply::Back => break 0,
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
}

impl Talk<'_, '_> {
    fn tell(&mut self, text: &str) -> Result<(), Error> {
        self.context.terminal.tell(text).map_err(unanswered)
    }

    fn ask(&mut self, question: &Question<'_>, check: &dyn Fn(&str) -> InputCheck) -> Result<Reply<String>, Error> {
        question::ask(question, check, self.context.terminal).map_err(unanswered)
    }

    fn confirm(&mut self, text: &str, default: bool) -> Result<Reply<bool>, Error> {
        question::confirm(text, default, true, self.context.terminal).map_err(unanswered)
    }

    fn select(&mut self, text: &str, choices: &[&str]) -> Result<Reply<usize>, Error> {
        question::select(text, choices, true, self.context.terminal).map_err(unanswered)
    }

    /// Prints why a step failed, which is asked about again.
    fn complain(&mut self, error: &Error) -> Result<(), Error> {
        let paint = Paint::new(self.context.stderr_has_color);
        Ok(human::error(self.context.stderr, error, paint)?)
    }

    /// Sets what Ctrl-C prints: the commands so far, and the one that the answers make.
    fn note(&mut self, unfinished: Option<String>) {
        let mut lines = self.done.clone();
        lines.extend(unfinished);
        let farewell = if lines.is_empty() { None } else { Some(format!("so far:\n  {}", lines.join("\n  "))) };
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
    /// Out of the steps, to those that make a request.
    Request,
}

/// The end of all steps.
enum End {
    All,
    Back,
    Request,
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
            Progress::Request => return Ok(End::Request),
        }
    }
    Ok(End::All)
}

#[cfg(test)]
mod tests;
