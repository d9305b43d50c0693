//! A question turns echo and line editing off, and the signal that Ctrl-C raises then would end the process
//! before they are on again. So the settings are kept from before the first question, and a thread that waits
//! for the signal restores them, then dies of it as the process would have: a shell sees that it was
//! interrupted. Where Ctrl-Z stops a question, the settings are those of before meanwhile.

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::world::signals;
use crate::world::terminal::FAREWELL;
use crate::world::terminal::turn::Turn;

/// The time in which a signal that interrupted a question ends the process.
pub(super) const HEADSTART: Duration = Duration::from_millis(100);

/// Time limit for the editor to set its own settings again.
const SETTLING: Duration = Duration::from_millis(200);

/// Time limit for the end of an interrupted question.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

static INSTALLED: Once = Once::new();

/// The question that is asked just now, if it is one without echo.
static HIDDEN_PROMPT: Mutex<Option<String>> = Mutex::new(None);

/// The line that is edited just now, with its prompt, where the cursor is behind it.
static EDITED: Mutex<Option<String>> = Mutex::new(None);

pub(super) fn install() {
    // Without a terminal there is nothing to guard, and the question itself will say so.
    INSTALLED.call_once(|| drop(start()));
}

/// Sets the question that is asked again after a stop.
pub(super) fn set_hidden_prompt(prompt: Option<&str>) {
    *HIDDEN_PROMPT.lock().unwrap_or_else(PoisonError::into_inner) = prompt.map(str::to_owned);
}

/// Sets the line that is shown again after a stop: the editor has drawn it before it stops.
pub(super) fn set_edited(line: Option<String>) {
    *EDITED.lock().unwrap_or_else(PoisonError::into_inner) = line;
}

fn start() -> io::Result<()> {
    let terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let settings = tcgetattr(&terminal)?;
    // A job in the background ignores the keys of a terminal. Who is asked a question presses them all the same.
    let mut guarded = vec![SIGINT, SIGQUIT, SIGTERM];
    guarded.extend(signals::heeded(&[SIGHUP]));
    let mut signals = Signals::new(&guarded)?;
    signals.add_signal(SIGTSTP)?;
    signals::leave_to_caller(&guarded);
    std::thread::Builder::new().name("terminal guard".to_owned()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGTSTP => stop(&terminal, &settings),
                signal if signals::is_taken_over(signal) => {}
                signal => end(&terminal, &settings, signal),
            }
        }
    })?;
    Ok(())
}

fn end(mut terminal: &File, settings: &Termios, signal: i32) {
    let _ = tcsetattr(terminal, OptionalActions::Now, settings);
    let farewell = FAREWELL.lock().unwrap_or_else(PoisonError::into_inner).take();
    let _ = writeln!(terminal, "\n{}", farewell.as_deref().unwrap_or_default().trim_end());
    signals::end_by(signal);
}

/// Stops the process, and goes on with the question when the shell continues it.
fn stop(mut terminal: &File, before: &Termios) {
    let asking = settings_of_question(terminal, before);
    let _ = tcsetattr(terminal, OptionalActions::Now, before);
    let _ = terminal.write_all(b"\n");
    Turn::pause();
    let _ = emulate_default_handler(SIGTSTP);
    Turn::resume();
    let Ok(asking) = asking else { return };
    let _ = tcsetattr(terminal, OptionalActions::Now, &asking);
    if let Some(prompt) = &*HIDDEN_PROMPT.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = terminal.write_all(prompt.as_bytes());
    } else if let Some(line) = &*EDITED.lock().unwrap_or_else(PoisonError::into_inner) {
        let _ = terminal.write_all(line.as_bytes());
    }
}

/// Reads the settings of the question that is stopped. The editor takes its own back, stops, and sets them again without
/// a wait, in a thread of its own: those of before are not the question's.
fn settings_of_question(terminal: &File, before: &Termios) -> io::Result<Termios> {
    let end = Instant::now() + SETTLING;
    loop {
        let settings = tcgetattr(terminal)?;
        if settings.local_modes != before.local_modes || Instant::now() > end {
            return Ok(settings);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
