//! What becomes of a line that is being typed when the window has other columns. Most terminals break it anew by
//! themselves, and then the editor draws it again, but counts the rows that it had: it would stand there twice, or over
//! what is above it. So the line is erased before, and the cursor led to where the editor takes it to be.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use console::{measure_text_width, strip_ansi_codes};
use nix::errno::Errno;
use nix::libc::_POSIX_VDISABLE;
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};

use crate::world::terminal::guard;

/// The line that is being typed, as it is on the screen.
pub(super) struct Drawing {
    terminal: Option<File>,
    prompt: String,
    typed: Typed,
    /// What the editor drew last; nothing yet before it begins.
    drawn: RefCell<Option<Drawn>>,
}

struct Drawn {
    line: String,
    /// The columns that the editor counts with.
    columns: usize,
    /// The columns of the terminal, which others have followed where the window is resized all the time.
    terminal_columns: usize,
}

/// A place on the screen, from where the prompt begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

impl Drawing {
    pub(super) fn new(prompt: &str, typed: Typed) -> Self {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok();
        Self { terminal, prompt: prompt.to_owned(), typed, drawn: RefCell::new(None) }
    }

    /// Makes the screen what the editor takes it for, which is about to draw the line. Returns whether it must draw all
    /// of it, and not only what has changed.
    pub(super) fn prepare(&self, line: &str, cursor: usize) -> bool {
        guard::set_edited((cursor == line.len()).then(|| format!("{}{line}", self.prompt)));
        let Some(terminal) = &self.terminal else { return false };
        let Some(columns) = columns_of(terminal) else { return false };
        let mut now = Drawn { line: line.to_owned(), columns, terminal_columns: columns };
        let Some(before) = self.drawn.take() else {
            self.drawn.replace(Some(now));
            return false;
        };
        let end = self.place(&before.line, before.columns);
        if columns != before.columns {
            let is_drawn_anew = end.row > 0 || end.column >= columns;
            if is_drawn_anew && line == before.line {
                let row =
                    self.cursor_row(&line[..cursor], cursor == line.len(), before.terminal_columns, columns, terminal);
                erase(row, end.row, self.place(&line[..cursor], before.columns).row, terminal);
            } else if is_drawn_anew {
                // A key came first: the editor still counts with the columns of before.
                now.columns = before.columns;
            }
            signal_again();
            now.terminal_columns = columns_of(terminal).unwrap_or(columns);
        }
        self.drawn.replace(Some(now));
        // Behind a full row it has ended the line: the terminal would not break anew what is typed from there.
        line != before.line && end.row > 0 && end.column == 0
    }

    /// Returns the row in which the terminal has the cursor, behind a text that was drawn with other columns.
    fn cursor_row(&self, text: &str, is_at_end: bool, before: usize, now: usize, terminal: &File) -> usize {
        let anew = self.place(text, now);
        if before == now {
            return anew.row;
        }
        let kept = self.place(text, before);
        let mut places = vec![anew];
        if is_at_end && anew.column == 0 {
            // Some stay in the last column of a full row.
            places.push(Place { row: anew.row.saturating_sub(1), column: now - 1 });
        } else if is_at_end && kept.row > 0 && kept.column == 0 {
            // The editor has ended the line there.
            places[0] = Place { row: anew.row + 1, column: 0 };
        }
        let kept = Place { column: kept.column.min(now - 1), ..kept };
        let Some(column) = self.cursor_column(terminal) else { return kept.row };
        // Behind a full row some say that it is in a column that is not there.
        let column = column.min(now - 1);
        let is_broken_anew = places.iter().find(|place| place.column == column);
        match (is_broken_anew, kept.column == column) {
            (Some(place), false) => {
                KEEPS_ROWS.store(false, Ordering::Relaxed);
                place.row
            }
            (None, true) => {
                KEEPS_ROWS.store(true, Ordering::Relaxed);
                kept.row
            }
            (Some(place), true) if !KEEPS_ROWS.load(Ordering::Relaxed) => place.row,
            (Some(_), true) => kept.row,
            (None, false) => places[0].row,
        }
    }

    /// Asks the terminal for the column of the cursor, from 0. One that has not answered in time is not asked again: its
    /// answer would be taken for what is typed.
    fn cursor_column(&self, terminal: &File) -> Option<usize> {
        if IS_SILENT.load(Ordering::Relaxed) {
            return None;
        }
        let settings = tcgetattr(terminal).ok()?;
        tcsetattr(terminal, OptionalActions::Now, &settings_for_answer(&settings)).ok()?;
        // A line that is there by now was typed.
        let text = if has_line(terminal, Duration::ZERO) { None } else { Some(ask(terminal)) };
        let _ = tcsetattr(terminal, OptionalActions::Now, &settings);
        let text = text?;
        IS_SILENT.store(text.is_none(), Ordering::Relaxed);
        let text = text?;
        let answer = Answer::read(&text);
        self.typed.add(answer.as_ref().map_or(&text, |answer| answer.typed_before));
        answer?.column.checked_sub(1)
    }

    /// Returns where a text ends, as the editor counts: behind a full row the next one begins.
    fn place(&self, text: &str, columns: usize) -> Place {
        let mut place = Place { row: 0, column: 0 };
        for character in self.prompt.chars().chain(text.chars()) {
            let width = measure_text_width(character.encode_utf8(&mut [0; 4]));
            if place.column + width > columns {
                place = Place { row: place.row + 1, column: 0 };
            }
            place.column += width;
        }
        if place.column == columns { Place { row: place.row + 1, column: 0 } } else { place }
    }
}

/// What the terminal answered, when it was asked where the cursor is.
struct Answer<'a> {
    typed_before: &'a str,
    /// From 1.
    column: usize,
}

impl<'a> Answer<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (typed_before, place) = text.rsplit_once("\x1b[")?;
        let (_, column) = place.strip_suffix('R')?.split_once(';')?;
        Some(Self { typed_before, column: column.parse().ok()? })
    }
}

/// What was typed while the terminal was asked, for the editor, which has not seen it.
#[derive(Clone, Default)]
pub(super) struct Typed(Arc<Mutex<String>>);

impl Typed {
    /// Adds the characters of a text. Of other keys there is no sequence that may be typed.
    fn add(&self, text: &str) {
        let text: String = strip_ansi_codes(text).chars().filter(|character| !character.is_control()).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
    }

    pub(super) fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The terminal does not answer.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

/// The terminal cuts lines off, as it was seen to do, and does not break them anew.
static KEEPS_ROWS: LazyLock<AtomicBool> = LazyLock::new(|| {
    let is_vs_code = std::env::var_os("TERM_PROGRAM").is_some_and(|name| name == "vscode");
    let is_known = KEEPERS_OF_ROWS.iter().any(|variable| std::env::var_os(variable).is_some());
    AtomicBool::new(is_vs_code || is_known)
});

/// The variables of terminals that cut lines off: xterm and GNU screen.
const KEEPERS_OF_ROWS: [&str; 2] = ["XTERM_VERSION", "STY"];

/// Returns the columns of a terminal; one that does not know them has those that the editor supposes.
fn columns_of(terminal: &File) -> Option<usize> {
    let size = tcgetwinsize(terminal).ok()?;
    Some(if size.ws_col == 0 { 80 } else { size.ws_col.into() })
}

/// Erases a line whose cursor is in `row`. The editor takes it to have `rows` more than one, with the cursor in
/// `editor_row`: it has that room afterwards, and its cursor.
fn erase(row: usize, rows: usize, editor_row: usize, mut terminal: &File) {
    let text = format!("{}\r\x1b[J{}{}", up(row), "\n".repeat(rows), up(rows - editor_row));
    let _ = terminal.write_all(text.as_bytes());
}

fn up(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\x1b[{rows}A") }
}

/// Lets the editor look at the columns once more: it does not see a change that comes while it draws.
fn signal_again() {
    std::thread::spawn(|| {
        std::thread::sleep(DRAWING_LIMIT);
        let _ = kill_process(getpid(), Signal::WINCH);
    });
}

/// The longest that the editor takes to draw a line.
const DRAWING_LIMIT: Duration = Duration::from_millis(100);

/// The settings with which lines end at the last letter of an answer, and nothing else has a meaning.
fn settings_for_answer(settings: &Termios) -> Termios {
    let mut changed = settings.clone();
    changed.local_modes |= LocalModes::ICANON;
    changed.input_modes |= InputModes::INLCR;
    for code in [SpecialCodeIndex::VEOF, SpecialCodeIndex::VERASE, SpecialCodeIndex::VKILL] {
        changed.special_codes[code] = _POSIX_VDISABLE;
    }
    changed.special_codes[SpecialCodeIndex::VEOL] = b'R';
    changed
}

/// Asks where the cursor is, and returns the line that comes.
fn ask(mut terminal: &File) -> Option<String> {
    terminal.write_all(b"\x1b[6n").ok()?;
    if !has_line(terminal, ANSWER_LIMIT) {
        return None;
    }
    let mut line = [0; 1024];
    let length = terminal.read(&mut line).ok()?;
    Some(String::from_utf8_lossy(&line[..length]).into_owned())
}

/// The longest that a terminal takes to answer, far away as it may be.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);

/// Waits for a line of the terminal.
fn has_line(terminal: &File, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    loop {
        let rest = end.saturating_duration_since(Instant::now());
        let mut readable = FdSet::new();
        readable.insert(terminal.as_fd());
        let mut rest = TimeVal::microseconds(rest.as_micros().try_into().unwrap_or(i64::MAX));
        match select(None, &mut readable, None, None, &mut rest) {
            Err(Errno::EINTR) => {}
            result => return result.is_ok_and(|count| count > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_was_typed_the_characters_are_kept() {
        let typed = Typed::default();
        typed.add("jo@\x1b[Dx\x1b[3;17;1R\x03\r两\x7f");
        assert_eq!(typed.take(), "jo@x两");
        assert_eq!(typed.take(), "");
    }

    #[test]
    fn places_are_counted_as_the_editor_counts_them() {
        for (text, columns, row, column) in [
            ("", 80, 0, 2),
            ("abc", 5, 1, 0),
            ("abcd", 5, 1, 1),
            ("abcdefgh", 5, 2, 0),
            ("两个字", 5, 1, 4),
            ("a两个字", 5, 1, 4),
            ("e\u{301}", 4, 0, 3),
        ] {
            let drawing =
                Drawing { terminal: None, prompt: "> ".to_owned(), typed: Typed::default(), drawn: RefCell::new(None) };
            assert_eq!(drawing.place(text, columns), Place { row, column }, "{text} in {columns}");
        }
    }
}
