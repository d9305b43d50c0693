//! Questions to a person. Rules: every question goes to the terminal itself, never to stdout; a secret
//! is not echoed; a wrong answer is answered with what is expected, and asked again; what is asked can
//! always be given as a flag; a signal that ends a question finds the terminal as it was before.

use std::fmt;
use std::io;

use dialoguer::console::Term;
use dialoguer::theme::Theme;
use dialoguer::{Confirm, Input, Select};
use zeroize::Zeroizing;

/// A terminal with someone to ask. All methods fail where there is no terminal, or it is closed.
pub(crate) trait Terminal {
    /// Asks for a secret.
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<String>>;

    /// Asks for a line until `check` takes it; the answer has no white space around it. `default` is
    /// the answer of those who only press Enter.
    fn input(
        &mut self,
        question: &str,
        default: Option<&str>,
        check: &dyn Fn(&str) -> InputCheck,
    ) -> io::Result<String>;

    /// Asks for yes or no.
    fn confirm(&mut self, question: &str, default: bool) -> io::Result<bool>;

    /// Asks for one of `choices`, and returns its index; the first is the default.
    fn select(&mut self, question: &str, choices: &[&str]) -> io::Result<usize>;
}

/// The result of checking an answer; the error says what is expected.
pub(crate) type InputCheck = Result<(), String>;

/// The terminal that controls the process.
#[derive(Debug, Default)]
pub(crate) struct ControllingTerminal;

impl Terminal for ControllingTerminal {
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
        guarded(|| rpassword::prompt_password(prompt)).map(Zeroizing::new)
    }

    fn input(
        &mut self,
        question: &str,
        default: Option<&str>,
        check: &dyn Fn(&str) -> InputCheck,
    ) -> io::Result<String> {
        guarded(|| {
            let input = Input::<String>::with_theme(&Plain).with_prompt(question);
            let input = input.validate_with(|text: &String| check(text.trim()));
            let input = match default {
                Some(default) => input.default(default.to_owned()),
                None => input,
            };
            Ok(input.interact_text()?.trim().to_owned())
        })
    }

    fn confirm(&mut self, question: &str, default: bool) -> io::Result<bool> {
        // Without the wait, the Enter that people type after y would answer the next question.
        let confirm = Confirm::with_theme(&Plain).with_prompt(question).default(default).wait_for_newline(true);
        guarded(|| Ok(confirm.interact()?))
    }

    fn select(&mut self, question: &str, choices: &[&str]) -> io::Result<usize> {
        let select = Select::with_theme(&Plain).with_prompt(question).items(choices).default(0).report(true);
        guarded(|| Ok(select.interact()?))
    }
}

/// Returns the columns of the terminal at standard output; `None` where there is no terminal.
pub(crate) fn stdout_columns() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(columns.into())
}

/// dialoguer's simple theme, without a colon after a question mark.
struct Plain;

impl Plain {
    fn end(prompt: &str) -> &'static str {
        if prompt.ends_with('?') { "" } else { ":" }
    }
}

impl Theme for Plain {
    fn format_prompt(&self, f: &mut dyn fmt::Write, prompt: &str) -> fmt::Result {
        write!(f, "{prompt}{}", Self::end(prompt))
    }

    fn format_input_prompt(&self, f: &mut dyn fmt::Write, prompt: &str, default: Option<&str>) -> fmt::Result {
        match default {
            Some(default) => write!(f, "{prompt} [{default}]: "),
            None => write!(f, "{prompt}{} ", Self::end(prompt)),
        }
    }

    fn format_input_prompt_selection(&self, f: &mut dyn fmt::Write, prompt: &str, answer: &str) -> fmt::Result {
        write!(f, "{prompt}{} {answer}", Self::end(prompt))
    }
}

#[cfg(not(unix))]
fn guarded<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    ask()
}

/// Asks with a guard over the terminal.
#[cfg(unix)]
fn guarded<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    guard::install();
    let answer = ask();
    if matches!(&answer, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
        // The guard is ending the process; there is no error to be told.
        std::thread::sleep(guard::PATIENCE);
    }
    answer
}

/// rpassword and dialoguer turn echo and line editing off, and the cursor, and the signal that Ctrl-C
/// raises then would end the process before they are on again. So the settings are kept from before
/// the first question, and a thread that waits for the signal restores them, then dies of it as the
/// process would have: a shell sees that it was interrupted.
#[cfg(unix)]
mod guard {
    use std::fs::File;
    use std::io;
    use std::sync::Once;
    use std::time::Duration;

    use dialoguer::console::Term;
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::world::signals;

    /// Time limit for the end of an interrupted question.
    pub(super) const PATIENCE: Duration = Duration::from_secs(2);

    static INSTALLED: Once = Once::new();

    pub(super) fn install() {
        // Without a terminal there is nothing to guard, and the question itself will say so.
        INSTALLED.call_once(|| drop(start()));
    }

    fn start() -> io::Result<()> {
        let terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let settings = tcgetattr(&terminal)?;
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        signals::leave_to_caller(&[SIGINT, SIGTERM]);
        std::thread::Builder::new().name("terminal guard".to_owned()).spawn(move || {
            for signal in signals.forever() {
                if signals::is_taken_over(signal) {
                    continue;
                }
                let _ = tcsetattr(&terminal, OptionalActions::Now, &settings);
                let screen = Term::stderr();
                let _ = screen.show_cursor().and_then(|()| screen.write_line(""));
                signals::end_by(signal);
            }
        })?;
        Ok(())
    }
}

/// A double for tests: answers in order, and what was asked.
#[cfg(test)]
pub(crate) mod scripted {
    use std::collections::VecDeque;

    use super::*;

    /// Gives the answers it was made with; an answer that is not taken is followed by the next.
    #[derive(Debug, Default)]
    pub(crate) struct Scripted {
        answers: VecDeque<String>,
        /// Every question, and every complaint about an answer.
        pub(crate) asked: Vec<String>,
    }

    impl Scripted {
        pub(crate) fn new(answers: &[&str]) -> Self {
            Self { answers: answers.iter().map(|answer| (*answer).to_owned()).collect(), asked: vec![] }
        }

        fn next(&mut self, question: &str) -> io::Result<String> {
            self.asked.push(question.to_owned());
            self.answers.pop_front().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        }
    }

    impl Terminal for Scripted {
        fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
            self.next(prompt).map(Zeroizing::new)
        }

        fn input(
            &mut self,
            question: &str,
            default: Option<&str>,
            check: &dyn Fn(&str) -> InputCheck,
        ) -> io::Result<String> {
            loop {
                let answer = self.next(question)?;
                let answer = match (answer.as_str(), default) {
                    ("", Some(default)) => default.to_owned(),
                    (answer, _) => answer.trim().to_owned(),
                };
                match check(&answer) {
                    Ok(()) => return Ok(answer),
                    Err(complaint) => self.asked.push(complaint),
                }
            }
        }

        fn confirm(&mut self, question: &str, default: bool) -> io::Result<bool> {
            Ok(match self.next(question)?.as_str() {
                "" => default,
                answer => answer == "y",
            })
        }

        fn select(&mut self, question: &str, choices: &[&str]) -> io::Result<usize> {
            let answer = self.next(question)?;
            let found = choices.iter().position(|choice| choice.starts_with(&answer));
            found.ok_or_else(|| io::Error::other(format!("no choice {answer:?} in {choices:?}")))
        }
    }
}
