//! The file descriptors that pushcert was started with.
//!
//! Before `main`, Rust's runtime opens a missing standard descriptor on the null device, so that no file gets its
//! number. What is written there is lost without an error; so what was closed is noted before the runtime starts.
//!
//! This module has `unsafe` for two things that safe Rust has no words for. Why they are sound:
//! - A function in `.init_array` (on Apple's systems `__mod_init_func`) is called once by the loader, before `main` and
//!   while there is one thread. It calls nothing of the runtime: it asks the system for the flags of three descriptors.
//! - A number that the user gave is borrowed for as long as one call takes, which fails where nothing is open there.

#![cfg(unix)]
#![expect(unsafe_code, reason = "a look before `main`, and a descriptor that only its number names")]

use std::fs::{File, Metadata};
use std::io::{self, Seek};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{Errno, fcntl_dupfd_cloexec, fcntl_getfd};

/// Standard output and input, by number.
pub(crate) const INPUT: u32 = 0;
pub(crate) const OUTPUT: u32 = 1;

/// A bit for each standard descriptor that was closed at the start.
static CLOSED: AtomicU8 = AtomicU8::new(0);

#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = note_closed;

extern "C" fn note_closed() {
    for number in 0..3 {
        // SAFETY: borrowed for one call; see above.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        if fcntl_getfd(descriptor) == Err(Errno::BADF) {
            CLOSED.fetch_or(1 << number, Ordering::Relaxed);
        }
    }
}

/// Returns whether a standard descriptor was closed at the start.
pub(crate) fn was_closed(number: u32) -> bool {
    number < 3 && CLOSED.load(Ordering::Relaxed) >> number & 1 == 1
}

/// Duplicates an open descriptor: what is written goes where its next byte would have gone.
pub(crate) fn duplicate(number: u32) -> io::Result<OwnedFd> {
    let Ok(raw) = i32::try_from(number) else { return Err(Errno::BADF.into()) };
    if was_closed(number) || raw < 0 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: borrowed for one call; see above.
    let descriptor = unsafe { BorrowedFd::borrow_raw(raw) };
    Ok(fcntl_dupfd_cloexec(descriptor, 3)?)
}

/// Returns whether an open descriptor leads to a file.
pub(crate) fn leads_to(number: u32, file: &Metadata) -> bool {
    let Ok(descriptor) = duplicate(number) else { return false };
    let Ok(found) = File::from(descriptor).metadata() else { return false };
    (found.dev(), found.ino()) == (file.dev(), file.ino())
}

/// Returns whether writing to an open descriptor would overwrite bytes of a file: it was opened neither empty nor to
/// append, and does not stand at its end.
///
/// # Errors
/// When nothing is open there.
pub(crate) fn would_overwrite(number: u32) -> io::Result<bool> {
    let mut file = File::from(duplicate(number)?);
    let metadata = file.metadata()?;
    if !metadata.is_file() || fcntl_getfl(&file)?.contains(OFlags::APPEND) {
        return Ok(false);
    }
    // A duplicate shares the position.
    Ok(file.stream_position()? < metadata.len())
}

/// A standard stream that was closed at the start.
pub(crate) struct ClosedStream;

impl ClosedStream {
    fn error() -> io::Error {
        io::Error::other("it was closed when pushcert started")
    }
}

impl io::Read for ClosedStream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(Self::error())
    }
}

impl io::Write for ClosedStream {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(Self::error())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
