//! Signals that end the process wait while files get their names, and remove what is temporary first.

#![cfg(unix)]

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::world::folder_removal::remove_folder;
use crate::world::process_group;

/// The signals by which users and systems end a process.
pub(crate) const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// What goes with the process.
pub(crate) struct Temporary {
    /// The files that have names.
    pub(crate) files: Vec<PathBuf>,
    /// The folders, with all that is in them.
    pub(crate) folders: Vec<PathBuf>,
}

static TEMPORARY: Mutex<Temporary> = Mutex::new(Temporary { files: Vec::new(), folders: Vec::new() });

/// The kind of error that kept the signals from being watched, or `None`.
static WATCHED: OnceLock<Option<io::ErrorKind>> = OnceLock::new();

/// The signals for which something else waits that has more to do then, a bit each.
static LEFT_TO_OTHERS: AtomicU64 = AtomicU64::new(0);

/// Lets a write beyond the limit for the size of files (`ulimit -f`) fail, as one to a full disk does. By itself the system
/// ends the process.
pub(crate) fn outlive_size_limit() {
    // Without the handler the process ends, as it would anyway.
    let _ = signal_hook::flag::register(Signal::SIGXFSZ as i32, Arc::default());
}

/// Holds signals back until the guard is dropped, and gives the list of what is temporary. From the first call on, a
/// signal removes what is in the list before it ends the process.
pub(crate) fn hold() -> MutexGuard<'static, Temporary> {
    // Without a watcher a signal ends the process at once, as it would anyway.
    let _ = watch_once();
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sees to it that signals stop what runs, and remove what is temporary, before they end the process.
///
/// # Errors
/// When they cannot be watched.
fn watch_once() -> io::Result<()> {
    once(&WATCHED, || watch(heeded(&ENDING)))
}

/// The signals that end a command at a terminal, and whoever waits for it.
const STOPPING: [i32; 3] = [SIGINT, SIGQUIT, SIGTERM];

/// Watches the signals, and those that stop a command where they were ignored at the start, too, as a job in the
/// background ignores the keys of a terminal: whom a command asks, he presses them all the same.
///
/// # Errors
/// When they cannot be watched.
pub(super) fn watch_for_command() -> io::Result<()> {
    static STOPPING_WATCHED: OnceLock<Option<io::ErrorKind>> = OnceLock::new();
    watch_once()?;
    once(&STOPPING_WATCHED, || {
        let watched = heeded(&STOPPING);
        let mut others = STOPPING.to_vec();
        others.retain(|signal| !watched.contains(signal));
        watch(others)
    })
}

/// Watches once, and returns each time whether that has succeeded.
fn once(watched: &OnceLock<Option<io::ErrorKind>>, watch: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let failure = watched.get_or_init(|| match watch() {
        Ok(()) => None,
        Err(error) => Some(error.kind()),
    });
    match failure {
        None => Ok(()),
        Some(kind) => Err((*kind).into()),
    }
}

/// Leaves these signals to the caller, which waits for them already, and ends the process in order, or with [`end_by`].
/// One that came before ends the process: the watcher may be late, and would leave it to the caller too.
pub(crate) fn leave_to_caller(signals: &[i32]) {
    for signal in signals {
        LEFT_TO_OTHERS.fetch_or(bit(*signal), Ordering::SeqCst);
    }
    for (signal, has_come) in &*come() {
        if signals.contains(signal) && has_come.load(Ordering::SeqCst) {
            end_by(*signal);
        }
    }
}

/// The watched signals, and whether each has come.
static COME: Mutex<Vec<(i32, Arc<AtomicBool>)>> = Mutex::new(Vec::new());

fn come() -> MutexGuard<'static, Vec<(i32, Arc<AtomicBool>)>> {
    COME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The signals that the caller has taken over: whoever else waits for them does nothing.
static TAKEN_OVER: AtomicU64 = AtomicU64::new(0);

/// Takes signals over from all others who wait for them, to the end of the process.
pub(crate) fn take_over(signals: &[i32]) {
    leave_to_caller(signals);
    for signal in signals {
        TAKEN_OVER.fetch_or(bit(*signal), Ordering::SeqCst);
    }
}

/// Gives back signals that were left to others or taken over: whoever has done so has ended.
pub(crate) fn give_back(signals: &[i32]) {
    for signal in signals {
        LEFT_TO_OTHERS.fetch_and(!bit(*signal), Ordering::SeqCst);
        TAKEN_OVER.fetch_and(!bit(*signal), Ordering::SeqCst);
    }
    for (signal, has_come) in &*come() {
        if signals.contains(signal) {
            has_come.store(false, Ordering::SeqCst);
        }
    }
}

/// Returns whether a signal was taken over.
pub(crate) fn is_taken_over(signal: i32) -> bool {
    TAKEN_OVER.load(Ordering::SeqCst) & bit(signal) != 0
}

const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Ends the process as the signal would have, once no files are being named. What runs and what is temporary goes first.
pub(crate) fn end_by(signal: i32) {
    // To the end under its lock, so that pushcert does not report first that its command was stopped.
    let _running = process_group::stop_all();
    let mut temporary = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
    for file in temporary.files.drain(..) {
        let _ = std::fs::remove_file(file);
    }
    for folder in temporary.folders.drain(..) {
        remove_folder(&folder);
    }
    let _ = emulate_default_handler(signal);
}

fn watch(watched: Vec<i32>) -> io::Result<()> {
    for signal in &watched {
        let has_come = Arc::<AtomicBool>::default();
        signal_hook::flag::register(*signal, Arc::clone(&has_come))?;
        come().push((*signal, has_come));
    }
    let mut signals = Signals::new(watched)?;
    std::thread::Builder::new().name("file guard".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if LEFT_TO_OTHERS.load(Ordering::SeqCst) & bit(signal) == 0 {
                end_by(signal);
            }
        }
    })?;
    Ok(())
}

/// Returns those of these signals that were not ignored at the start.
pub(crate) fn heeded(signals: &[i32]) -> Vec<i32> {
    let ignored = ignored();
    signals.iter().copied().filter(|signal| ignored & bit(*signal) == 0).collect()
}

/// Returns the signals that were ignored at the start, as under nohup, a bit each: a handler would undo that. Only Linux
/// tells.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(mask) = status.lines().find_map(|line| line.strip_prefix("SigIgn:")) else { return 0 };
    u64::from_str_radix(mask.trim(), 16).unwrap_or(0)
}
