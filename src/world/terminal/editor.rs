//! Lines with an editor, which completes the names of files, counts with the arrow keys, and knows the width of characters.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use console::{Term, measure_text_width};
use rustyline::completion::{Completer, Pair};
use rustyline::config::{Behavior, BellStyle, ColorMode, Configurer};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::DefaultHistory;
use rustyline::line_buffer::LineBuffer;
use rustyline::validate::Validator;
use rustyline::{
    Changeset, Cmd, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventContext, EventHandler, Helper,
    KeyCode, KeyEvent, Modifiers, RepeatCount,
};

use crate::text::printable_name;
use crate::world::terminal::guard;
use crate::world::terminal::resize::{Drawing, Typed};
use crate::world::terminal::word::{self, Word};
use crate::world::terminal::wrap::wrapped;
use crate::world::terminal::{Completion, Line, input_ended};

/// Reads a line with an editor.
pub(super) fn edit(prompt: &str, completion: Completion) -> io::Result<Line> {
    let is_escaped = Arc::new(AtomicBool::new(false));
    let config = Config::builder()
        .behavior(Behavior::PreferTerm)
        .bell_style(BellStyle::None)
        .bracketed_paste(false)
        .color_mode(ColorMode::Disabled)
        .completion_type(CompletionType::List)
        .completion_prompt_limit(usize::MAX)
        .keyseq_timeout(Some(ESCAPE_LIMIT))
        .build();
    let mut editor = Editor::<Assistant, DefaultHistory>::with_config(config).map_err(into_io)?;
    let filling = match completion {
        Completion::Nothing => Filling::Nothing,
        Completion::Paths => Filling::Path,
        Completion::Numbers { first, count } => {
            let pressed = Arc::new(AtomicUsize::new(0));
            for (key, step) in [(KeyCode::Down, 1), (KeyCode::Up, count.saturating_sub(1))] {
                let handler = Box::new(ArrowKey { step, pressed: Arc::clone(&pressed) });
                editor.bind_sequence(KeyEvent(key, Modifiers::NONE), EventHandler::Conditional(handler));
            }
            Filling::Number(Circle { first, count, pressed })
        }
    };
    let prompt = short_prompt(prompt)?;
    let typed = Typed::default();
    editor.set_helper(Some(Assistant { filling, drawing: Drawing::new(&prompt, typed.clone()) }));
    editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(NextKey(typed))));
    // Not every terminal passes over what it does not know.
    editor.enable_synchronized_output(false);
    let handler = EscapeKey(Arc::clone(&is_escaped));
    let escape = KeyEvent(KeyCode::Esc, Modifiers::NONE);
    editor.bind_sequence(escape, EventHandler::Conditional(Box::new(handler)));
    let answer = editor.readline(&prompt);
    guard::set_edited(None);
    match answer {
        Ok(line) => Ok(Line::Text(line)),
        Err(ReadlineError::Interrupted) if is_escaped.load(Ordering::Relaxed) => Ok(Line::Escape),
        Err(ReadlineError::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
        // It ends at the first byte that it cannot read.
        Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            discard_rest();
            Ok(Line::NotUtf8)
        }
        Err(error) => Err(into_io(error)),
    }
}

/// Prints a long prompt as a line of its own, and returns what the editor draws before the answer: the less of it, the less
/// is drawn again when the window is resized.
fn short_prompt(prompt: &str) -> io::Result<String> {
    let terminal = Term::stderr();
    let Some((_, columns)) = terminal.size_checked() else { return Ok(prompt.to_owned()) };
    if measure_text_width(prompt) <= SHORT {
        return Ok(prompt.to_owned());
    }
    terminal.write_line(&wrapped(prompt.trim_end(), columns.into()))?;
    Ok("> ".to_owned())
}

/// The most columns of a prompt before an answer: fewer than windows have that people make narrow.
const SHORT: usize = 24;

/// Discards what follows in a line that was pasted: it would answer the next question.
fn discard_rest() {
    std::thread::sleep(std::time::Duration::from_millis(ESCAPE_LIMIT.into()));
    if let Ok(terminal) = std::fs::File::open("/dev/tty") {
        let _ = rustix::termios::tcflush(&terminal, rustix::termios::QueueSelector::IFlush);
    }
}

/// The longest that the bytes of one key take to arrive after the escape character, in milliseconds.
const ESCAPE_LIMIT: u16 = 200;

fn into_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Eof => input_ended(),
        ReadlineError::Io(error) => error,
        error => io::Error::other(error),
    }
}

/// Ends the question, and notes that it was this key.
struct EscapeKey(Arc<AtomicBool>);

impl ConditionalEventHandler for EscapeKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::Interrupt)
    }
}

/// Types what the editor has not seen before the key that comes next. Another key than a character waits until it is seen:
/// it is pressed again.
struct NextKey(Typed);

impl ConditionalEventHandler for NextKey {
    fn handle(&self, event: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        let mut text = self.0.take();
        if text.is_empty() {
            return None;
        }
        if let Some(KeyEvent(KeyCode::Char(character), Modifiers::NONE)) = event.get(0) {
            text.push(*character);
        }
        Some(Cmd::Insert(1, text))
    }
}

/// Notes how many steps a key goes, which the [`Circle`] then does: only a completion leaves the cursor behind what it
/// fills in.
struct ArrowKey {
    step: usize,
    pressed: Arc<AtomicUsize>,
}

impl ConditionalEventHandler for ArrowKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.pressed.store(self.step, Ordering::Relaxed);
        Some(Cmd::Complete)
    }
}

/// The numbers of a list, through which the arrow keys go.
struct Circle {
    first: usize,
    count: usize,
    /// The steps of the key that was pressed last; 0 where it was none of them.
    pressed: Arc<AtomicUsize>,
}

impl Circle {
    /// Returns the number that the key leads to.
    fn next(&self, line: &str) -> Option<Pair> {
        let step = match self.pressed.swap(0, Ordering::Relaxed) {
            0 => return None,
            step => step,
        };
        let typed = match line.trim().parse() {
            Ok(number) if (1..=self.count).contains(&number) => number,
            _ => self.first,
        };
        let next = (typed - 1 + step) % self.count + 1;
        Some(Pair { display: next.to_string(), replacement: next.to_string() })
    }
}

/// What the editor asks while a line is typed.
struct Assistant {
    filling: Filling,
    drawing: Drawing,
}

/// What keys fill in.
enum Filling {
    Nothing,
    /// The line is the name of a file, as a shell quotes it.
    Path,
    Number(Circle),
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &rustyline::Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        match &self.filling {
            Filling::Nothing => Ok((0, Vec::new())),
            Filling::Path => {
                let typed = Word::read(line[..pos].trim_start()).bytes;
                Ok((0, shortened(candidates(&typed), Term::stderr().size())))
            }
            Filling::Number(circle) => Ok((0, circle.next(line).into_iter().collect())),
        }
    }

    fn update(&self, line: &mut LineBuffer, start: usize, elected: &str, changes: &mut Changeset) {
        let end = match self.filling {
            Filling::Nothing | Filling::Path => line.pos(),
            Filling::Number(_) => line.len(),
        };
        line.replace(start..end, elected, changes);
    }
}

/// Returns the files whose names begin with what was typed after the last slash.
fn candidates(typed: &[u8]) -> Vec<Pair> {
    let start = match typed.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => slash + 1,
        None => 0,
    };
    let (folder, beginning) = typed.split_at(start);
    let Ok(entries) = std::fs::read_dir(folder_path(folder)) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let bytes = name.as_bytes();
        let is_hidden = bytes.starts_with(b".") && !beginning.starts_with(b".");
        if is_hidden || !bytes.starts_with(beginning) {
            continue;
        }
        let end = if entry.path().is_dir() { "/" } else { "" };
        let replacement = format!("{}{}{end}", word::quoted(folder), word::quoted(bytes));
        found.push(Pair { display: printable_name(&name.to_string_lossy()) + end, replacement });
    }
    found.sort_by(|one, other| one.replacement.cmp(&other.replacement));
    found
}

/// Shortens a list to what a screen of so many rows and columns shows: the editor would ask for each page, and no key leads
/// out of that. The last one stays for what all begin with, and one before it, so that it is not the only one.
fn shortened(mut found: Vec<Pair>, (rows, columns): (u16, u16)) -> Vec<Pair> {
    let widest = found.iter().map(|pair| measure_text_width(&pair.display)).max().unwrap_or_default();
    let room = |width: usize| {
        let across = usize::from(columns) / (width + COLUMN_GAP);
        (usize::from(rows.saturating_sub(2)) * across.max(1)).max(2)
    };
    if found.len() <= room(widest) {
        return found;
    }
    let most = room(widest.max("… and 10000 more".len()));
    let Some(last) = found.pop() else { return found };
    let more = found.len() + 2 - most;
    found.truncate(most - 1);
    found.push(Pair { display: format!("… and {more} more"), replacement: last.replacement });
    found
}

/// The blanks between the columns of a list.
const COLUMN_GAP: usize = 2;

/// Returns the folder that was typed; `~` is the user's.
fn folder_path(typed: &[u8]) -> PathBuf {
    let path = Path::new(OsStr::from_bytes(typed));
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        _ if typed.is_empty() => PathBuf::from("."),
        (Ok(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.to_owned(),
    }
}

// The editor asks for a hint before it draws the line.
impl Hinter for Assistant {
    type Hint = Nothing;

    fn hint(&self, line: &str, pos: usize, _: &rustyline::Context<'_>) -> Option<Nothing> {
        self.drawing.prepare(line, pos).then_some(Nothing)
    }
}

/// A hint that does not show: with one the editor draws all of the line.
struct Nothing;

impl Hint for Nothing {
    fn display(&self) -> &str {
        "\x1b[m"
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Highlighter for Assistant {}

impl Validator for Assistant {}

impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_a_shell_quotes_them() {
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"my own.p12"[..], b"my\nown.p12", b"caf.p12", b".hidden"] {
            std::fs::write(folder.path().join(OsStr::from_bytes(name)), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("my keys")).unwrap();
        let base = folder.path().to_str().unwrap();
        let completed = |typed: &str| -> Vec<String> {
            let found = candidates(&Word::read(&format!("{base}/{typed}")).bytes);
            found.iter().map(|pair| pair.replacement.replace(base, "")).collect()
        };
        assert_eq!(completed("my"), [r"/$'my\012own.p12'", r"/my\ keys/", r"/my\ own.p12"]);
        assert_eq!(completed("'my o"), [r"/my\ own.p12"]);
        assert_eq!(completed(r"$'my\n"), [r"/$'my\012own.p12'"]);
        assert_eq!(completed(".h"), ["/.hidden"]);
        assert_eq!(completed("").len(), 4);
        assert!(completed("none").is_empty());
    }

    #[test]
    fn a_list_fits_on_the_screen_and_keeps_what_all_begin_with() {
        let pair = |name: String| Pair { display: name.clone(), replacement: name };
        let names = |count: usize| (0..count).map(|number| pair(format!("file{number:03}"))).collect::<Vec<_>>();
        for (count, size, shown) in [
            (0, (24, 80), 0),
            (22, (24, 10), 22),
            (23, (24, 10), 22),
            (176, (24, 80), 176),
            (70_000, (24, 80), 88),
            (5, (2, 80), 2),
            (3, (0, 0), 2),
        ] {
            let found = shortened(names(count), size);
            assert_eq!(found.len(), shown, "{count}");
            if count > shown {
                let last = found.last().unwrap();
                assert_eq!(last.display, format!("… and {} more", count - shown + 1));
                assert_eq!(last.replacement, format!("file{:03}", count - 1));
            }
        }
    }
}
