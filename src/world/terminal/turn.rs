//! One question at a time: of two processes at one terminal (`make -j2`) either would read what is typed for the other,
//! and keep the settings of its question for those of before.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::unistd::ttyname;
use rustix::fs::{FlockOperation, flock};
use rustix::io::retry_on_intr;

/// The terminal, locked while a question is asked.
static LOCKED: Mutex<Option<File>> = Mutex::new(None);

/// The time of one question.
pub(super) struct Turn;

impl Turn {
    /// Waits until no other process asks. Where the terminal has no name, or cannot be locked, all ask at once.
    pub(super) fn wait() -> Self {
        if let Some(terminal) = terminal_name().and_then(|name| File::open(name).ok()) {
            let _ = retry_on_intr(|| flock(&terminal, FlockOperation::LockExclusive));
            *locked() = Some(terminal);
        }
        Self
    }

    /// Lets others ask while this process is stopped.
    pub(super) fn pause() {
        relock(FlockOperation::Unlock);
    }

    pub(super) fn resume() {
        relock(FlockOperation::LockExclusive);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *locked() = None;
    }
}

/// Returns the name that the terminal has for all processes: `/dev/tty` is another one for each.
fn terminal_name() -> Option<PathBuf> {
    ttyname(io::stderr()).or_else(|_| ttyname(io::stdout())).or_else(|_| ttyname(io::stdin())).ok()
}

fn locked() -> MutexGuard<'static, Option<File>> {
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn relock(operation: FlockOperation) {
    if let Some(terminal) = &*locked() {
        let _ = retry_on_intr(|| flock(terminal, operation));
    }
}
