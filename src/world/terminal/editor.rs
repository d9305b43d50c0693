//! Lines with an editor, which completes the names of files and knows the width of characters.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::config::{Behavior, BellStyle, ColorMode, Configurer};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventContext, EventHandler, Helper, KeyCode,
    KeyEvent, Modifiers, RepeatCount,
};

use crate::world::terminal::{Completion, Line, input_ended};

/// Reads a line with an editor, which completes the names of files.
pub(super) fn edit(prompt: &str, completion: Completion) -> io::Result<Line> {
    let is_escaped = Arc::new(AtomicBool::new(false));
    let config = Config::builder()
        .behavior(Behavior::PreferTerm)
        .bell_style(BellStyle::None)
        .bracketed_paste(false)
        .color_mode(ColorMode::Disabled)
        .completion_type(CompletionType::List)
        .keyseq_timeout(Some(ESCAPE_LIMIT))
        .build();
    let mut editor = Editor::<Paths, DefaultHistory>::with_config(config).map_err(into_io)?;
    if completion == Completion::Paths {
        editor.set_helper(Some(Paths(FilenameCompleter::new())));
    }
    // Not every terminal passes over what it does not know.
    editor.enable_synchronized_output(false);
    let handler = EscapeKey(Arc::clone(&is_escaped));
    let escape = KeyEvent(KeyCode::Esc, Modifiers::NONE);
    editor.bind_sequence(escape, EventHandler::Conditional(Box::new(handler)));
    match editor.readline(prompt) {
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

/// Completes the names of files.
struct Paths(FilenameCompleter);

impl Completer for Paths {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &rustyline::Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        self.0.complete_path(line, pos)
    }
}

impl Hinter for Paths {
    type Hint = String;
}

impl Highlighter for Paths {}

impl Validator for Paths {}

impl Helper for Paths {}
