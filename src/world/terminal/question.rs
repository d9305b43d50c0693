//! Questions of three kinds: for a text, for yes or no, for one of several. All are lines, so that they look alike in
//! every terminal.

use std::io;

use crate::text::printable_name;
use crate::world::terminal::wrap::wrapped;
use crate::world::terminal::{Completion, InputCheck, Line, Terminal};

/// The sign that goes back to the question before.
pub(crate) const BACK: &str = "<";

const NOT_UTF8_NAME: &str = r"what was typed is not UTF-8: type it as a shell quotes it, such as $'caf\351.p12' (Tab completes it, but not in a dumb terminal)";
const LINES_IN_NAME: &str = r"several lines came at once, as they are pasted, and one is expected; a name with a line end in it is typed as a shell quotes it, such as $'a\nb.p12'";
const CONTROL_IN_NAME: &str = r"a key was pressed that types no character: type the name as a shell quotes it, such as $'a\tb.p12' (Tab completes it, but not in a dumb terminal)";

/// An answer, or the wish to go back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply<T> {
    Given(T),
    Back,
}

/// A question for a text.
#[derive(Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) text: &'a str,
    /// The answer of those who only press Enter.
    pub(crate) default: Option<&'a str>,
    pub(crate) completion: Completion,
    /// `<` and the escape key go back to the question before.
    pub(crate) has_way_back: bool,
}

impl Question<'_> {
    fn prompt(&self) -> String {
        let end = if self.text.ends_with('?') { "" } else { ":" };
        match self.default {
            Some(default) => format!("{} [{}]: ", self.text, printable_name(default)),
            None => format!("{}{end} ", self.text),
        }
    }
}

/// Asks until `check` takes the answer, which has no white space around it.
pub(crate) fn ask(
    question: &Question<'_>,
    check: &dyn Fn(&str) -> InputCheck,
    terminal: &mut dyn Terminal,
) -> io::Result<Reply<String>> {
    let prompt = question.prompt();
    loop {
        let Reply::Given(typed) = read_line(&prompt, question, terminal)? else { return Ok(Reply::Back) };
        let answer = match question.default {
            Some(default) if typed.is_empty() => default,
            _ => &typed,
        };
        match check(answer) {
            Ok(()) => return Ok(Reply::Given(answer.to_owned())),
            Err(expected) => tell(&expected, terminal)?,
        }
    }
}

/// Asks for yes or no.
pub(crate) fn confirm(
    text: &str,
    default: bool,
    has_way_back: bool,
    terminal: &mut dyn Terminal,
) -> io::Result<Reply<bool>> {
    let choices = if default { "[Y/n]" } else { "[y/N]" };
    let question = Question { text, default: None, completion: Completion::Nothing, has_way_back };
    loop {
        let Reply::Given(typed) = read_line(&format!("{text} {choices} "), &question, terminal)? else {
            return Ok(Reply::Back);
        };
        match typed.to_lowercase().as_str() {
            "" => return Ok(Reply::Given(default)),
            "y" | "yes" => return Ok(Reply::Given(true)),
            "n" | "no" => return Ok(Reply::Given(false)),
            _ => tell("y or n is expected", terminal)?,
        }
    }
}

/// Asks for one of `choices` by its number, and returns its index; `first` is the default.
pub(crate) fn select(
    text: &str,
    choices: &[&str],
    first: usize,
    terminal: &mut dyn Terminal,
) -> io::Result<Reply<usize>> {
    tell(text, terminal)?;
    for (index, choice) in choices.iter().enumerate() {
        let line = format!("  {}  {choice}", index + 1);
        tell(&line, terminal)?;
    }
    let label = format!("Number, 1 to {}", choices.len());
    let default = (first + 1).to_string();
    let completion = Completion::Numbers { first: first + 1, count: choices.len() };
    let question = Question { text: &label, default: Some(&default), completion, has_way_back: true };
    let expected = format!("a number from 1 to {} is expected", choices.len());
    let check = |typed: &str| match typed.parse::<usize>() {
        Ok(number) if (1..=choices.len()).contains(&number) => Ok(()),
        _ => Err(expected.clone()),
    };
    match ask(&question, &check, terminal)? {
        Reply::Given(number) => Ok(Reply::Given(number.parse().map_or(0, |number: usize| number - 1))),
        Reply::Back => Ok(Reply::Back),
    }
}

/// Says something, broken at words where the terminal would break it elsewhere.
fn tell(text: &str, terminal: &mut dyn Terminal) -> io::Result<()> {
    match terminal.columns() {
        Some(columns) => terminal.tell(&wrapped(text, columns)),
        None => terminal.tell(text),
    }
}

/// Returns a name without the blanks around it, but for one that a backslash quotes.
fn trimmed_name(text: &str) -> &str {
    let text = text.trim_start();
    let name = text.trim_end();
    let backslashes = name.len() - name.trim_end_matches('\\').len();
    match text[name.len()..].chars().next() {
        Some(blank) if backslashes % 2 == 1 => &text[..name.len() + blank.len_utf8()],
        _ => name,
    }
}

/// Reads a line that can be understood.
fn read_line(prompt: &str, question: &Question<'_>, terminal: &mut dyn Terminal) -> io::Result<Reply<String>> {
    loop {
        let text = match terminal.line(prompt, question.completion)? {
            Line::Text(text) => text,
            Line::Escape if question.has_way_back => return Ok(Reply::Back),
            Line::Escape => continue,
            Line::NotUtf8 => {
                let complaint = match question.completion {
                    Completion::Paths => NOT_UTF8_NAME,
                    _ => "what was typed is not UTF-8: type it again, in a terminal with that encoding",
                };
                tell(complaint, terminal)?;
                continue;
            }
        };
        let typed = match question.completion {
            Completion::Paths => trimmed_name(&text),
            _ => text.trim(),
        };
        if question.has_way_back && typed == BACK {
            return Ok(Reply::Back);
        }
        if !question.has_way_back && typed == BACK {
            tell("there is no question before this one: Ctrl-C leaves", terminal)?;
            continue;
        }
        if let Some(complaint) = complaint_about_control(typed, question.completion) {
            tell(complaint, terminal)?;
            continue;
        }
        return Ok(Reply::Given(typed.to_owned()));
    }
}

/// Says what came with an answer that is no character of a line.
fn complaint_about_control(typed: &str, completion: Completion) -> Option<&'static str> {
    let is_name = completion == Completion::Paths;
    if typed.contains(['\n', '\r']) {
        return Some(if is_name { LINES_IN_NAME } else { "several lines came at once, as they are pasted: type one" });
    }
    if typed.chars().any(char::is_control) {
        return Some(if is_name {
            CONTROL_IN_NAME
        } else {
            "a key was pressed that types no character: type it again"
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{LINES_IN_NAME, complaint_about_control, trimmed_name};
    use crate::world::terminal::Completion;

    #[test]
    fn pasted_lines_are_not_called_keys() {
        assert_eq!(complaint_about_control("a.p12\rb.p12", Completion::Paths), Some(LINES_IN_NAME));
        let complaint = complaint_about_control("jo@example.com\nJo", Completion::Nothing);
        assert!(complaint.is_some_and(|text| text.contains("several lines") && !text.contains("key")));
        assert!(complaint_about_control("a\tb", Completion::Nothing).is_some_and(|text| text.contains("a key")));
        assert_eq!(complaint_about_control("a b.p12", Completion::Paths), None);
    }

    #[test]
    fn a_blank_that_is_quoted_belongs_to_a_name() {
        for (text, name) in [
            (" a.p12 ", "a.p12"),
            ("a.p12\\  ", "a.p12\\ "),
            ("a.p12\\\\ ", "a.p12\\\\"),
            ("'a.p12 ' ", "'a.p12 '"),
            ("", ""),
        ] {
            assert_eq!(trimmed_name(text), name);
        }
    }
}
