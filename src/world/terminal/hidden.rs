//! Lines as the terminal itself edits them, byte for byte: secrets, which are not shown, and what is typed at a
//! terminal without an editor.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rpassword::ConfigBuilder;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcgetwinsize, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

use crate::world::terminal::wrap::wrapped;
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
    let prompt = &wrapped_prompt(&terminal, prompt);
    let before = tcgetattr(&terminal)?;
    let mut hidden = before.clone();
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL;
    hidden.local_modes |= LocalModes::ICANON | LocalModes::ISIG;
    guard::set_hidden_prompt(Some(prompt));
    tcsetattr(&terminal, OptionalActions::Drain, &hidden)?;
    let line = read_secret_of(&terminal, prompt);
    tcsetattr(&terminal, OptionalActions::Drain, &before)?;
    guard::set_hidden_prompt(None);
    // The line end that was typed is not shown, and after Ctrl-D there is none.
    (&terminal).write_all(b"\n")?;
    line
}

fn read_secret_of(mut terminal: &File, prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    terminal.write_all(prompt.as_bytes())?;
    let is_at_end = Arc::new(AtomicBool::new(false));
    let reader = ByteCharacters { terminal: terminal.try_clone()?, second: None, is_at_end: Arc::clone(&is_at_end) };
    let config = ConfigBuilder::new().input_reader(reader).output_discard().build();
    let typed = Zeroizing::new(rpassword::read_password_with_config(config)?);
    if typed.is_empty() && is_at_end.load(Ordering::Relaxed) {
        return Err(input_ended());
    }
    let mut line = Zeroizing::new(Vec::with_capacity(typed.len()));
    for character in typed.chars() {
        line.push(u32::from(character).to_le_bytes()[0]);
    }
    Ok(line)
}

/// The bytes of a terminal, each as the letter whose number is greater by 0x100: rpassword takes text
/// alone, leaves out control characters, and what is typed need not be text.
struct ByteCharacters {
    terminal: File,
    /// The second byte of a character.
    second: Option<u8>,
    is_at_end: Arc<AtomicBool>,
}

impl Read for ByteCharacters {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(place) = buffer.first_mut() else { return Ok(0) };
        if let Some(second) = self.second.take() {
            *place = second;
            return Ok(1);
        }
        let mut byte = [0];
        if self.terminal.read(&mut byte)? == 0 {
            self.is_at_end.store(true, Ordering::Relaxed);
            return Ok(0);
        }
        if byte == *b"\n" {
            *place = b'\n';
            return Ok(1);
        }
        // Two bytes in UTF-8: the number is 0x100 to 0x1ff.
        *place = 0xc4 | byte[0] >> 6;
        self.second = Some(0x80 | byte[0] & 0x3f);
        byte.zeroize();
        Ok(1)
    }
}

/// Asks with echo.
pub(super) fn read_line(prompt: &str) -> io::Result<Zeroizing<Vec<u8>>> {
    let terminal = open()?;
    let line = read_line_of(&terminal, &wrapped_prompt(&terminal, prompt));
    if line.is_err() {
        (&terminal).write_all(b"\n")?;
    }
    line
}

/// Breaks a prompt at words, where the terminal would break it elsewhere. One column stays for the blank at its end.
fn wrapped_prompt(terminal: &File, prompt: &str) -> String {
    let columns = match tcgetwinsize(terminal) {
        Ok(size) if size.ws_col > 1 => usize::from(size.ws_col) - 1,
        Ok(_) | Err(_) => return prompt.to_owned(),
    };
    let text = prompt.trim_end();
    wrapped(text, columns) + &prompt[text.len()..]
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
