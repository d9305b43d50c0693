//! Where the steps are shown: the command before it is carried out, and a part of what it prints after it.

use std::path::Path;
use std::time::Instant;

use crate::cli::Command;
use crate::commands::rehearse::line::CommandLine;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::report::human::rehearse::{self, RehearsalReport, StepReport};
use crate::report::style::Paint;
use crate::text::{Printable, printable_name};
use crate::world::context::Context;

/// The beginning of lines that are always shown.
const WARNING: &str = "warning:";

/// The reasons why a rehearsal ends early.
pub(super) enum Stop {
    /// The command of a step has ended with this code, and has said why.
    Failed(u8),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// What is said of a step before it is done.
pub(super) struct StepText {
    pub(super) step: &'static str,
    pub(super) title: &'static str,
    pub(super) note: Option<String>,
}

/// What a command printed, and how it ended.
pub(super) struct Captured<T> {
    pub(super) printed: String,
    pub(super) result: Result<T, Error>,
}

/// The lines of an output that are shown.
pub(super) enum Excerpt {
    First(usize),
    /// The lines that begin with one of these words.
    Labelled(&'static [&'static str]),
}

impl Excerpt {
    pub(super) fn take(&self, printed: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut count = 0;
        for line in printed.lines() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let is_shown = match self {
                Self::First(limit) => count < *limit,
                Self::Labelled(labels) => labels.iter().any(|label| line.starts_with(label)),
            };
            if line.starts_with(WARNING) {
                lines.push(line.to_owned());
            } else {
                count += 1;
                if is_shown {
                    lines.push(line.to_owned());
                }
            }
        }
        lines
    }
}

/// Shows the steps, and keeps the report.
pub(super) struct Stage<'a, 'c> {
    folder: &'a Path,
    is_json: bool,
    /// The step that was begun last has not ended.
    is_in_step: bool,
    pub(super) report: RehearsalReport,
    pub(super) context: &'a mut Context<'c>,
}

impl<'a, 'c> Stage<'a, 'c> {
    pub(super) fn new(
        folder: &'a Path,
        certificate: Option<String>,
        is_json: bool,
        context: &'a mut Context<'c>,
    ) -> Self {
        Self { folder, is_json, is_in_step: false, report: RehearsalReport::new(certificate), context }
    }

    /// Says what is about to happen.
    pub(super) fn open(&mut self, is_kept: bool) -> Result<(), Error> {
        if self.is_json {
            return Ok(());
        }
        let folder = self.folder.display().to_string();
        rehearse::write_start(self.context.stdout, self.report.certificate.as_deref(), &folder, is_kept)?;
        Ok(self.context.stdout.flush()?)
    }

    /// Begins a step.
    pub(super) fn begin(&mut self, text: StepText, command: Option<String>) -> Result<(), Error> {
        let StepText { step, title, note } = text;
        let report = StepReport { step, title, note, command, output: Vec::new(), exit_code: 0, milliseconds: 0 };
        if !self.is_json {
            let paint = Paint::new(self.context.stdout_has_color);
            rehearse::write_step(self.context.stdout, self.report.steps.len() + 1, &report, paint)?;
            self.context.stdout.flush()?;
        }
        self.report.steps.push(report);
        self.is_in_step = true;
        Ok(())
    }

    /// Ends the step that was begun last.
    pub(super) fn end(&mut self, output: Vec<String>, exit_code: u8, start: Instant) -> Result<(), Error> {
        self.is_in_step = false;
        let Some(step) = self.report.steps.last_mut() else { return Ok(()) };
        step.output = output;
        step.exit_code = exit_code;
        step.milliseconds = milliseconds(start);
        if !self.is_json {
            rehearse::write_output(self.context.stdout, step)?;
            self.context.stdout.flush()?;
        }
        Ok(())
    }

    /// Gives a step that an error has cut short its exit code.
    pub(super) fn close(&mut self, exit_code: u8) {
        if let Some(step) = self.report.steps.last_mut()
            && self.is_in_step
        {
            step.exit_code = exit_code;
        }
    }

    /// Shows a command, carries it out, and shows what came of it.
    pub(super) fn carry_out(
        &mut self,
        text: StepText,
        line: &CommandLine,
        excerpt: &Excerpt,
        run: impl FnOnce(Command, &mut Context<'_>) -> Result<u8, Error>,
    ) -> Result<(), Stop> {
        self.begin(text, Some(line.text()))?;
        let start = Instant::now();
        let command = line.parse()?;
        let Captured { printed, result } = self.capture(|context| run(command, context));
        match result {
            Ok(0) => Ok(self.end(excerpt.take(&printed), 0, start)?),
            Ok(code) => {
                self.end(Excerpt::First(usize::MAX).take(&printed), code, start)?;
                Err(Stop::Failed(code))
            }
            Err(error) => {
                self.end(Excerpt::First(usize::MAX).take(&printed), error.exit_code, start)?;
                Err(Stop::Error(error))
            }
        }
    }

    /// Runs a command, and keeps back what it prints.
    pub(super) fn capture<T>(&mut self, run: impl FnOnce(&mut Context<'_>) -> Result<T, Error>) -> Captured<T> {
        let (mut printed, mut told) = (Vec::new(), Vec::new());
        let mut context = Context {
            stdin: &mut *self.context.stdin,
            stdout: &mut printed,
            stderr: &mut told,
            terminal: &mut *self.context.terminal,
            stdin_is_terminal: self.context.stdin_is_terminal,
            stdout_is_terminal: false,
            stdout_has_color: false,
            stdout_columns: None,
            stderr_is_terminal: false,
            stderr_has_color: false,
            now: self.context.now,
            is_interactive: self.context.is_interactive,
            asks_for_passwords: self.context.asks_for_passwords,
            variable: self.context.variable,
        };
        let result = match run(&mut context) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.localize_error(error)),
        };
        told.extend_from_slice(&printed);
        Captured { printed: self.localize(&String::from_utf8_lossy(&told)), result }
    }

    /// Names the files of the folder as a command that runs there does.
    fn localize(&self, text: &str) -> String {
        let folder = self.folder.display().to_string();
        let text = text.replace(&format!("{folder}/"), "");
        text.replace(&format!("{}/", printable_name(&folder)), "")
    }

    fn localize_error(&self, error: Error) -> Error {
        let message = self.localize_lines(&error.message);
        let hint = error.hint.as_ref().map(|hint| self.localize_lines(hint));
        Error { message, hint, ..error }
    }

    /// Names files in a text that may have several lines.
    fn localize_lines(&self, text: &Printable) -> Printable {
        let mut lines = Vec::new();
        for line in text.lines() {
            lines.push(self.localize(line));
        }
        Printable::lines(&lines)
    }
}

/// Returns the milliseconds since a moment.
pub(super) fn milliseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Returns the exit code of a command that either succeeds or answers no.
pub(super) fn code_of(end: Option<ExitKind>) -> u8 {
    match end {
        Some(kind) => kind.code(),
        None => 0,
    }
}
