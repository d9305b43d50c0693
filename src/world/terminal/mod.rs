//! Questions to a person. Rules: every question goes to the terminal itself, never to stdout; a secret
//! is not echoed; what is typed arrives as it was typed, or is asked for again; a wrong answer is answered
//! with what is expected, and asked again; what is asked can always be given as a flag; a signal that ends
//! or stops a question finds the terminal as it was before. Nothing above the line that is typed is drawn over,
//! and no question stands there twice, however narrow the terminal is or becomes.

#[cfg(unix)]
mod editor;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod hidden;
pub(crate) mod question;
#[cfg(unix)]
mod resize;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(unix)]
mod turn;
pub(crate) mod word;
pub(crate) mod wrap;

use std::io;
use std::sync::{Mutex, PoisonError};

use console::Term;
use zeroize::Zeroizing;

/// A terminal with someone to ask. All methods fail where there is no terminal, or it is closed.
pub(crate) trait Terminal {
    /// Asks for a secret, which need not be UTF-8.
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<Vec<u8>>>;

    /// Asks for a line.
    fn line(&mut self, prompt: &str, completion: Completion) -> io::Result<Line>;

    /// Returns whether there is such a terminal, wherever the standard streams lead.
    fn is_there(&self) -> bool {
        false
    }

    /// Returns whether it has an editor: Tab, the arrow keys and the escape key do something.
    fn edits(&self) -> bool {
        true
    }

    /// Says something between two questions.
    fn tell(&mut self, text: &str) -> io::Result<()>;

    /// Returns its columns, where they are known.
    fn columns(&self) -> Option<usize> {
        None
    }

    /// Sets what is printed when Ctrl-C, or another signal, ends the process.
    fn set_farewell(&mut self, text: Option<String>);
}

/// A line that was typed.
pub(crate) enum Line {
    Text(String),
    /// There are bytes in it that are not UTF-8.
    NotUtf8,
    /// The escape key.
    Escape,
}

/// What a key completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    Nothing,
    /// The tabulator key completes the name of a file.
    Paths,
    /// The arrow keys go from number to number, from 1 to `count`, beginning at `first`.
    Numbers {
        first: usize,
        count: usize,
    },
}

/// The result of checking an answer; the error says what is expected.
pub(crate) type InputCheck = Result<(), String>;

/// What is printed when a signal ends the process.
static FAREWELL: Mutex<Option<String>> = Mutex::new(None);

/// The terminal that controls the process.
#[derive(Debug, Default)]
pub(crate) struct ControllingTerminal;

impl Terminal for ControllingTerminal {
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        guarded(|| read_hidden(prompt))
    }

    fn line(&mut self, prompt: &str, completion: Completion) -> io::Result<Line> {
        guarded(|| read_shown(prompt, completion))
    }

    fn is_there(&self) -> bool {
        has_controlling_terminal()
    }

    fn edits(&self) -> bool {
        cfg!(unix) && !is_dumb()
    }

    fn tell(&mut self, text: &str) -> io::Result<()> {
        Term::stderr().write_line(text)
    }

    fn columns(&self) -> Option<usize> {
        let (_, columns) = Term::stderr().size_checked()?;
        Some(columns.into())
    }

    fn set_farewell(&mut self, text: Option<String>) {
        *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

/// Returns whether the process has a terminal, which its name leads to.
pub(crate) fn has_controlling_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Returns whether someone at the terminal can answer: there is one, and this process is not in its background, where a
/// question would stop it. Without an input (`</dev/null`) nobody is asked: shells give none to what a script leaves
/// behind, and xargs none to what runs side by side.
#[cfg(unix)]
pub(crate) fn answers() -> bool {
    if !has_input() {
        return false;
    }
    let Ok(terminal) = std::fs::File::open("/dev/tty") else { return false };
    // A group that cannot be seen from here is that of whoever started the container.
    rustix::termios::tcgetpgrp(&terminal).map_or(true, |foreground| foreground == rustix::process::getpgrp())
}

/// Returns whether standard input is a terminal, a pipe, a socket or a file, and not the null device.
#[cfg(unix)]
fn has_input() -> bool {
    use std::io::IsTerminal;
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    let stdin = io::stdin();
    let Ok(copy) = stdin.as_fd().try_clone_to_owned() else { return false };
    let kind = std::fs::File::from(copy).metadata().map(|metadata| metadata.file_type());
    stdin.is_terminal() || kind.is_ok_and(|kind| !kind.is_char_device())
}

#[cfg(not(unix))]
pub(crate) fn answers() -> bool {
    std::io::IsTerminal::is_terminal(&io::stdin())
}

/// Returns the columns of the terminal at standard output; `None` where there is no terminal.
pub(crate) fn stdout_columns() -> Option<usize> {
    let (_, columns) = Term::stdout().size_checked()?;
    Some(columns.into())
}

#[cfg(unix)]
fn input_ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the input has ended")
}

/// Returns whether the terminal only prints, and does not edit.
fn is_dumb() -> bool {
    match std::env::var("TERM") {
        Ok(name) => matches!(name.as_str(), "" | "dumb" | "cons25" | "emacs"),
        Err(_) => true,
    }
}

#[cfg(unix)]
fn read_hidden(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    hidden::ask(prompt)
}

#[cfg(not(unix))]
fn read_hidden(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    Ok(Zeroizing::new(rpassword::prompt_password(prompt)?.into_bytes()))
}

/// Reads a line with an editor, or as the terminal itself edits it.
#[cfg(unix)]
fn read_shown(prompt: &str, completion: Completion) -> io::Result<Line> {
    if !is_dumb() {
        return editor::edit(prompt, completion);
    }
    let bytes = hidden::read_line(prompt)?;
    Ok(match std::str::from_utf8(&bytes) {
        Ok(text) if text.trim() == "\u{1b}" => Line::Escape,
        Ok(text) => Line::Text(text.to_owned()),
        Err(_) => Line::NotUtf8,
    })
}

#[cfg(not(unix))]
fn read_shown(prompt: &str, _: Completion) -> io::Result<Line> {
    let terminal = Term::stderr();
    terminal.write_str(prompt)?;
    Ok(Line::Text(terminal.read_line()?))
}

#[cfg(not(unix))]
fn guarded<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    ask()
}

/// Asks with a guard over the terminal, which no other process asks at meanwhile.
#[cfg(unix)]
fn guarded<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let _turn = turn::Turn::wait();
    guard::install();
    let answer = ask();
    if matches!(&answer, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
        // A signal ends the process as itself. The editor takes Ctrl-C for a key: then there was none.
        std::thread::sleep(guard::HEADSTART);
        signal_hook::low_level::raise(signal_hook::consts::SIGINT)?;
        std::thread::sleep(guard::PATIENCE);
    }
    answer
}
