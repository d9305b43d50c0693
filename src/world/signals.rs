//! Signals that end the process wait while files get their names, and remove temporary files first.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use nix::sys::signal::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// The temporary files that have names.
static TEMPORARY: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

static WATCHED: Once = Once::new();

/// The folders that are removed with all that is in them.
static TEMPORARY_FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The number of tries to remove a folder: another thread may write to it meanwhile.
const REMOVALS: usize = 5;

/// The signals for which something else waits that has more to do then, a bit each.
static LEFT_TO_OTHERS: AtomicU64 = AtomicU64::new(0);

/// Lets a write beyond the limit for the size of files (`ulimit -f`) fail, as one to a full disk does. By itself the system
/// ends the process.
pub(crate) fn outlive_size_limit() {
    // Without the handler the process ends, as it would anyway.
    let _ = signal_hook::flag::register(Signal::SIGXFSZ as i32, Arc::default());
}

/// Holds signals back until the guard is dropped, and gives the list of temporary files. From the first call on, a
/// signal removes the files in the list before it ends the process.
pub(crate) fn hold() -> MutexGuard<'static, Vec<PathBuf>> {
    // Without a watcher a signal ends the process at once, as it would anyway.
    WATCHED.call_once(|| drop(watch()));
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a folder removed before a signal ends the process.
pub(crate) fn guard_folder(path: PathBuf) {
    drop(hold());
    TEMPORARY_FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).push(path);
}

/// Takes back [`guard_folder`]: the caller has removed the folder.
pub(crate) fn forget_folder(path: &Path) {
    TEMPORARY_FOLDERS.lock().unwrap_or_else(PoisonError::into_inner).retain(|known| known != path);
}

/// Leaves these signals to the caller, which ends the process in order, or with [`end_by`].
pub(crate) fn leave_to_caller(signals: &[i32]) {
    for signal in signals {
        LEFT_TO_OTHERS.fetch_or(bit(*signal), Ordering::SeqCst);
    }
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
}

/// Returns whether a signal was taken over.
pub(crate) fn is_taken_over(signal: i32) -> bool {
    TAKEN_OVER.load(Ordering::SeqCst) & bit(signal) != 0
}

const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// Ends the process as the signal would have, once no files are being named.
pub(crate) fn end_by(signal: i32) {
    let mut temporary = TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner);
    for path in temporary.drain(..) {
        let _ = std::fs::remove_file(path);
    }
    let mut folders = TEMPORARY_FOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    for path in folders.drain(..) {
        remove_folder(&path);
    }
    let _ = emulate_default_handler(signal);
}

fn remove_folder(path: &Path) {
    for _ in 0..REMOVALS {
        match std::fs::remove_dir_all(path) {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(_) => {}
        }
    }
}

fn watch() -> std::io::Result<()> {
    let mut signals = Signals::new(heeded(&[SIGHUP, SIGINT, SIGTERM]))?;
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
