//! A double for tests: answers in order, and what was asked.

use std::collections::VecDeque;

use super::*;

/// Gives the answers it was made with; an answer that is not taken is followed by the next.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    answers: VecDeque<String>,
    /// Every question, and every complaint about an answer.
    pub(crate) asked: Vec<String>,
    /// True if there is a terminal although no stream leads to it.
    pub(crate) is_there: bool,
    /// What is printed when a signal ends the process.
    pub(crate) farewell: Option<String>,
    pub(crate) columns: Option<usize>,
}

impl Scripted {
    pub(crate) fn new(answers: &[&str]) -> Self {
        Self { answers: answers.iter().map(|answer| (*answer).to_owned()).collect(), ..Self::default() }
    }

    fn next(&mut self, question: &str) -> io::Result<String> {
        self.asked.push(question.to_owned());
        self.answers.pop_front().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Returns the number of a choice that was shown last, where an answer is its beginning.
    fn number(&self, answer: &str) -> Option<String> {
        let is_choice = |line: &&String| line.starts_with("  ");
        let shown: Vec<_> = self.asked.iter().rev().skip(1).take_while(is_choice).collect();
        let found = shown.iter().find(|line| line.get(5..).is_some_and(|choice| choice.starts_with(answer)))?;
        Some(found.trim().split(' ').next()?.to_owned())
    }
}

impl Terminal for Scripted {
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        Ok(Zeroizing::new(self.next(prompt)?.into_bytes()))
    }

    fn line(&mut self, prompt: &str, _: Completion) -> io::Result<Line> {
        let answer = self.next(prompt)?;
        if answer == "\u{1b}" {
            return Ok(Line::Escape);
        }
        if prompt.starts_with("Number") && answer.parse::<usize>().is_err() && answer != question::BACK {
            let number = self.number(&answer);
            return Ok(Line::Text(number.unwrap_or_else(|| panic!("no choice {answer:?} in {:?}", self.asked))));
        }
        Ok(Line::Text(answer))
    }

    fn is_there(&self) -> bool {
        self.is_there
    }

    fn tell(&mut self, text: &str) -> io::Result<()> {
        self.asked.push(text.to_owned());
        Ok(())
    }

    fn columns(&self) -> Option<usize> {
        self.columns
    }

    fn set_farewell(&mut self, text: Option<String>) {
        self.farewell = text;
    }
}
