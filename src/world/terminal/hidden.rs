//! Lines as the terminal itself edits them, byte for byte: secrets, which are not shown, and what is typed at a
//! terminal without an editor.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use crate::world::terminal::{guard, input_ended};

/// The most bytes of a line: some systems drop what is typed beyond 1024 (MAX_CANON), without a word.
const MAX_LINE: usize = 1000;

/// Asks without echo, until the line has no control character in it: an arrow key types some, which nobody sees.
pub(super) fn ask(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut prompt = prompt.to_owned();
    loop {
        let line = read_hidden(&prompt)?;
        let complaint = if line.len() > MAX_LINE {
            "it is too long to be typed: give it with env: or file:. "
        } else if line.iter().any(u8::is_ascii_control) {
            "a key was pressed that types no character. "
        } else {
            return Ok(line);
        };
        if !prompt.starts_with(complaint) {
            prompt.insert_str(0, complaint);
        }
    }
}

fn read_hidden(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let terminal = open()?;
    let before = tcgetattr(&terminal)?;
    let mut hidden = before.clone();
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
    hidden.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
    guard::set_hidden_prompt(Some(prompt));
    tcsetattr(&terminal, OptionalActions::Drain, &hidden)?;
    let line = read_line_of(&terminal, prompt);
    tcsetattr(&terminal, OptionalActions::Drain, &before)?;
    guard::set_hidden_prompt(None);
    // The line end that was typed is not shown, and after Ctrl-D there is none.
    (&terminal).write_all(b"\n")?;
    line
}

/// Asks with echo.
pub(super) fn read_line(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let terminal = open()?;
    let line = read_line_of(&terminal, prompt);
    if line.is_err() {
        (&terminal).write_all(b"\n")?;
    }
    line
}

fn open() -> io::Result<File> {
    File::options().read(true).write(true).open("/dev/tty")
}

fn read_line_of(mut terminal: &File, prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    terminal.write_all(prompt.as_bytes())?;
    // It has its full size at once: a vector that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(2 * MAX_LINE));
    let mut byte = [0];
    let line = loop {
        match terminal.read(&mut byte) {
            Ok(0) if line.is_empty() => return Err(input_ended()),
            Ok(0) => break line,
            Ok(_) if byte == *b"\n" => break line,
            Ok(_) if line.len() > MAX_LINE => {}
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    };
    byte.zeroize();
    Ok(line)
}
