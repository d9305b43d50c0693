//! File descriptors, of which a process has a limited number (`ulimit -n`): files and connections take one each.

use std::fs::File;
use std::io;

use tokio::runtime::{Builder, Runtime};

/// What the runtime and a first connection hold at once: tokio panics if it gets no descriptor for its signals.
const RUNTIME_DESCRIPTORS: usize = 8;
/// What a resolver holds at once: its configuration, its socket.
const RESOLVER_DESCRIPTORS: usize = 4;

/// Returns whether the cause is that this process (EMFILE) or this machine (ENFILE) has no descriptor left.
#[cfg(unix)]
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(not(unix))]
pub(crate) fn is_out_of_descriptors(_: &io::Error) -> bool {
    false
}

/// Takes as many descriptors as are needed, and gives them back.
fn try_to_take(count: usize) -> io::Result<()> {
    let mut held = Vec::new();
    for _ in 0..count {
        match File::open("/dev/null") {
            Ok(file) => held.push(file),
            Err(error) if is_out_of_descriptors(&error) => return Err(error),
            // Where there is no such file, nothing is known.
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

/// Returns the error of a resolver that has no descriptors left: it then says that it does not know the name.
pub(crate) fn explain_resolver(error: io::Error) -> io::Error {
    match try_to_take(RESOLVER_DESCRIPTORS) {
        Ok(()) => error,
        Err(cause) => cause,
    }
}

/// Builds the runtime of a command.
///
/// # Errors
/// If it cannot be had, or there are no descriptors left for it and a connection.
pub(crate) fn build_runtime() -> io::Result<Runtime> {
    try_to_take(RUNTIME_DESCRIPTORS)?;
    Builder::new_current_thread().enable_all().build()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn both_limits_are_known() {
        use rustix::io::Errno;
        for (error, expected) in [(Errno::MFILE, true), (Errno::NFILE, true), (Errno::NOENT, false)] {
            assert_eq!(is_out_of_descriptors(&error.into()), expected, "{error}");
        }
        assert!(!is_out_of_descriptors(&io::Error::other("too many open files")));
    }
}
