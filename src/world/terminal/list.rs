//! Lists that the arrow keys move through.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::{Term, measure_text_width};
use dialoguer::Select;
use dialoguer::theme::Theme;

use crate::world::terminal::is_dumb;
use crate::world::terminal::question::Reply;

/// What the keys do.
const KEYS: &str = "(arrow keys, then Enter)";

/// The columns before a choice, and one that stays free.
const MARGIN: usize = 3;

/// A list is shown, and the cursor is not.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

pub(super) fn is_open() -> bool {
    IS_OPEN.load(Ordering::Relaxed)
}

/// Asks for one of `choices`; the escape key goes back. `None` where each does not fit into a line of its own: what is
/// drawn over a line that was broken leaves parts of it.
pub(super) fn choose(text: &str, choices: &[&str], first: usize) -> io::Result<Option<Reply<usize>>> {
    let terminal = Term::stderr();
    if is_dumb() || !has_room(&terminal, text, choices) {
        return Ok(None);
    }
    IS_OPEN.store(true, Ordering::Relaxed);
    let select = Select::with_theme(&Plain).with_prompt(text).items(choices).default(first).report(true);
    // After Ctrl-C the guard shows the cursor.
    let chosen = select.interact_on_opt(&terminal)?;
    IS_OPEN.store(false, Ordering::Relaxed);
    match chosen {
        Some(index) => Ok(Some(Reply::Given(index))),
        None => Ok(Some(Reply::Back)),
    }
}

fn has_room(terminal: &Term, text: &str, choices: &[&str]) -> bool {
    let Some((rows, columns)) = terminal.size_checked() else { return false };
    let mut widest = measure_text_width(text) + KEYS.len() + 2;
    for choice in choices {
        widest = widest.max(measure_text_width(choice) + MARGIN);
    }
    widest < usize::from(columns) && choices.len() + 2 < usize::from(rows)
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
        write!(f, "{prompt}{} {KEYS}", Self::end(prompt))
    }

    fn format_input_prompt_selection(&self, f: &mut dyn fmt::Write, prompt: &str, answer: &str) -> fmt::Result {
        write!(f, "{prompt}{} {answer}", Self::end(prompt))
    }
}
