//! A log that is written beside the work: lines go through a bounded buffer to a thread, so that neither a full disk nor
//! a slow reader stops whoever logs.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(unix)]
use crate::world::descriptors;

/// The limit of the buffer, in bytes.
const CAPACITY: usize = 8 << 20;
/// Time limit for a line to wait for room. After one has waited in vain, others do not wait until there is room again.
const ROOM_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit for the end: the buffer is written, or given up.
const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// Time limit for the reader of a named pipe to open it, and the time between two looks.
#[cfg(unix)]
const READER_TIMEOUT: Duration = Duration::from_secs(10);
#[cfg(unix)]
const READER_STEP: Duration = Duration::from_millis(20);

/// The end of a log that is not complete.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("it cannot be written: {0}")]
    Write(io::Error),
    #[error("its reader is too slow: {0} lines were left out")]
    Slow(u64),
}

/// The writing end of a log.
pub(crate) struct LogFile(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or the end.
    filled: Condvar,
    /// There is room, or all is written.
    emptied: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    is_writing: bool,
    is_ending: bool,
    is_stuck: bool,
    left_out: u64,
    failure: Option<io::Error>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what comes until the end. `on_failure` is called once, when the first write fails.
    fn write_all(&self, target: &mut dyn Write, on_failure: &dyn Fn(&io::Error)) {
        let mut batch = Vec::new();
        loop {
            let mut state = self.lock();
            state.is_writing = false;
            self.emptied.notify_all();
            while state.buffer.is_empty() && !state.is_ending {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.buffer.is_empty() {
                return;
            }
            std::mem::swap(&mut batch, &mut state.buffer);
            state.is_writing = true;
            state.is_stuck = false;
            self.emptied.notify_all();
            drop(state);
            let written = target.write_all(&batch).and_then(|()| target.flush());
            batch.clear();
            if let Err(error) = written {
                on_failure(&error);
                return self.fail(error);
            }
        }
    }

    fn fail(&self, error: io::Error) {
        let mut state = self.lock();
        state.failure = Some(error);
        state.is_writing = false;
        state.buffer = Vec::new();
        self.emptied.notify_all();
    }
}

impl LogFile {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub(crate) fn start(
        mut target: Box<dyn Write + Send>,
        on_failure: impl Fn(&io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), filled: Condvar::new(), emptied: Condvar::new() });
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_all(&mut *target, &on_failure))?;
        Ok(Self(shared))
    }

    /// Adds a line, without its end.
    pub(crate) fn write_line(&self, line: &[u8]) {
        let mut state = self.0.lock();
        if state.buffer.len() + line.len() >= CAPACITY && !state.is_stuck && state.failure.is_none() {
            state = self.wait_for_room(state, line.len());
        }
        if state.failure.is_some() {
            return;
        }
        if state.buffer.len() + line.len() >= CAPACITY {
            state.is_stuck = true;
            state.left_out += 1;
            return;
        }
        state.buffer.extend_from_slice(line);
        state.buffer.push(b'\n');
        self.0.filled.notify_one();
    }

    fn wait_for_room<'a>(&self, state: MutexGuard<'a, State>, length: usize) -> MutexGuard<'a, State> {
        let is_full = |state: &mut State| state.buffer.len() + length >= CAPACITY && state.failure.is_none();
        match self.0.emptied.wait_timeout_while(state, ROOM_TIMEOUT, is_full) {
            Ok((state, _)) => state,
            Err(poisoned) => poisoned.into_inner().0,
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// When a line is missing.
    pub(crate) fn finish(&self) -> Result<(), LogError> {
        let end = Instant::now() + FINISH_TIMEOUT;
        let mut state = self.0.lock();
        state.is_ending = true;
        self.0.filled.notify_one();
        while (state.is_writing || !state.buffer.is_empty()) && state.failure.is_none() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(LogError::Slow(state.left_out + count_lines(&state.buffer).max(1)));
            }
            state = match self.0.emptied.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        match state.failure.take() {
            Some(error) => Err(LogError::Write(error)),
            None if state.left_out > 0 => Err(LogError::Slow(state.left_out)),
            None => Ok(()),
        }
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Returns a standard stream as a file of its own, which another thread can write to.
///
/// # Errors
/// When the system has no further descriptor.
#[cfg(unix)]
pub(crate) fn duplicate(stream: &impl std::os::fd::AsFd) -> io::Result<File> {
    Ok(File::from(stream.as_fd().try_clone_to_owned()?))
}

/// Returns a standard stream as a file of its own, which another thread can write to.
///
/// # Errors
/// When the system has no further handle.
#[cfg(windows)]
pub(crate) fn duplicate(stream: &impl std::os::windows::io::AsHandle) -> io::Result<File> {
    Ok(File::from(stream.as_handle().try_clone_to_owned()?))
}

/// The reasons why the file of a log cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    #[error("the file exists")]
    Exists,
    #[error("the file is no earlier log")]
    NoEarlierLog,
    #[error("another process writes a log to it")]
    InUse,
    #[error("it is no file")]
    NoFile,
    #[error("it cannot be made: {0}")]
    Io(#[from] io::Error),
}

/// The file of a log.
pub(crate) struct CreatedLog {
    pub(crate) file: File,
    /// It was not there before.
    pub(crate) is_new: bool,
}

/// Opens what is there and is not a regular file, such as a device or a pipe: there is nothing in it to lose. A regular
/// file that standard output or standard error goes to is shared with them, so that neither overwrites the other.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn open_special(path: &Path) -> io::Result<Option<File>> {
    let Ok(metadata) = path.metadata() else { return Ok(None) };
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type()) {
        return open_pipe(path).map(Some);
    }
    if !metadata.is_file() {
        return File::options().write(true).open(path).map(Some);
    }
    shared_with_output(&metadata)
}

#[cfg(unix)]
fn shared_with_output(file: &Metadata) -> io::Result<Option<File>> {
    for number in [1, 2] {
        if descriptors::leads_to(number, file) && !descriptors::would_overwrite(number)? {
            return Ok(Some(descriptors::duplicate(number)?.into()));
        }
    }
    Ok(None)
}

#[cfg(not(unix))]
fn shared_with_output(_: &Metadata) -> io::Result<Option<File>> {
    Ok(None)
}

/// Opens a named pipe, whose reader may come a little later.
#[cfg(unix)]
fn open_pipe(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    use rustix::io::Errno;

    let end = Instant::now() + READER_TIMEOUT;
    let mut options = File::options();
    options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    loop {
        match options.open(path) {
            Ok(file) => {
                let flags = rustix::fs::fcntl_getfl(&file)?;
                rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
                return Ok(file);
            }
            Err(error) if error.raw_os_error() != Some(Errno::NXIO.raw_os_error()) => return Err(error),
            Err(_) if Instant::now() >= end => {
                return Err(io::Error::other("nothing reads from this pipe; it was waited for 10 s"));
            }
            Err(_) => thread::sleep(READER_STEP),
        }
    }
}

/// Tells whether a file is an earlier one of the kind that is to be written.
pub(crate) type IsEarlier<'a> = &'a dyn Fn(&mut dyn BufRead) -> io::Result<bool>;

/// Creates a file that only its owner may read. With `force` an existing one is emptied, if it is empty or an earlier one.
///
/// # Errors
/// When it exists, holds something else, is another's log, or cannot be created.
pub(crate) fn create(path: &Path, force: bool, is_earlier: IsEarlier<'_>) -> Result<CreatedLog, CreateError> {
    let created = claim(path, force, is_earlier)?;
    if !created.is_new {
        empty(&created.file)?;
    }
    Ok(created)
}

/// Opens an earlier log, to read it and to append to it.
///
/// # Errors
/// When it is not there, is no file, or is another's log.
pub(crate) fn reopen(path: &Path) -> Result<File, CreateError> {
    // A pipe would wait for a writer.
    if !path.metadata()?.is_file() {
        return Err(CreateError::NoFile);
    }
    let mut options = File::options();
    options.read(true).write(cfg!(not(unix))).append(cfg!(unix));
    let file = options.open(path)?;
    lock(&file)?;
    Ok(file)
}

/// Does what [`create`] does, but leaves an earlier file as it is.
///
/// # Errors
/// When it exists, holds something else, is another's log, or cannot be created.
pub(crate) fn claim(path: &Path, force: bool, is_earlier: IsEarlier<'_>) -> Result<CreatedLog, CreateError> {
    let mut options = File::options();
    // What another program adds to the file is not overwritten.
    options.read(true).append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let created = match options.open(path) {
        Ok(file) => CreatedLog { file, is_new: true },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && force => {
            // The end of a link need not be there.
            options.create_new(false).create(true);
            CreatedLog { file: options.open(path)?, is_new: false }
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(CreateError::Exists),
        Err(error) => return Err(error.into()),
    };
    lock(&created.file)?;
    if !created.is_new && !is_earlier(&mut BufReader::new(&created.file))? {
        return Err(CreateError::NoEarlierLog);
    }
    Ok(created)
}

/// Empties a file.
///
/// # Errors
/// When it cannot be changed.
pub(crate) fn empty(mut file: &File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    restrict(file)
}

/// Lets only its owner read a file.
///
/// # Errors
/// When it cannot be changed.
pub(crate) fn restrict(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Keeps others from emptying the file as long as it is open.
#[cfg(unix)]
fn lock(file: &File) -> Result<(), CreateError> {
    match rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(CreateError::InUse),
        // Not every file system has locks.
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(not(unix))]
fn lock(_: &File) -> Result<(), CreateError> {
    Ok(())
}

/// The beginning of each line of a log, and what else each has.
const LINE_START: &[u8] = b"{\"schema_version\":";
const LINE_PARTS: [&[u8]; 2] = [b",\"connection\":", b",\"event\":\""];
/// Limit for a line of a log.
const MAX_LOG_LINE: u64 = 1 << 20;

/// Returns whether there are lines of a log alone. The last one may be cut off.
pub(crate) fn is_log(input: &mut dyn BufRead) -> io::Result<bool> {
    let mut line = Vec::new();
    loop {
        line.clear();
        Read::take(&mut *input, MAX_LOG_LINE).read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            let is_cut_off = (line.len() as u64) < MAX_LOG_LINE;
            return Ok(is_cut_off && (line.starts_with(LINE_START) || LINE_START.starts_with(&line)));
        }
        for part in LINE_PARTS {
            if !line.starts_with(LINE_START) || memchr::memmem::find(&line, part).is_none() {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Hands on what is written, and waits for leave before each write.
    struct Gate {
        leave: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.leave.recv().map_err(io::Error::other)?;
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_arrive_in_order_and_the_end_waits_for_them() {
        let (permit, leave) = mpsc::channel();
        let (written, seen) = mpsc::channel();
        let log = LogFile::start(Box::new(Gate { leave, written }), |_| {}).unwrap();
        for number in 0..100 {
            log.write_line(number.to_string().as_bytes());
        }
        for _ in 0..100 {
            permit.send(()).unwrap();
        }
        log.finish().unwrap();
        let text = String::from_utf8(seen.try_iter().flatten().collect()).unwrap();
        let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_log_is_told_from_other_files() {
        let line = r#"{"schema_version":1,"time":"t","connection":1,"client":"c","certificate":null,"event":"no_h2"}"#;
        let report = r#"{"schema_version":1,"time":"t"}"#;
        for (text, expected) in [
            (String::new(), true),
            (format!("{line}\n{line}\n"), true),
            (format!("{line}\n{}", &line[..40]), true),
            (format!("{line}\n{}", &line[..4]), true),
            ("aabb\n".to_owned(), false),
            ("aabb".to_owned(), false),
            (format!("{line}\naabb\n"), false),
            (format!("{line}\naabb"), false),
            (format!("{line}\n\n"), false),
            (format!("{report}\n"), false),
            ("-----BEGIN PRIVATE KEY-----\n".to_owned(), false),
        ] {
            assert_eq!(is_log(&mut text.as_bytes()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_reader_that_stops_costs_lines_and_not_memory() {
        let (_permit, leave) = mpsc::channel();
        let (written, _seen) = mpsc::channel();
        let log = LogFile::start(Box::new(Gate { leave, written }), |_| {}).unwrap();
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            log.write_line(&line);
        }
        assert!(log.0.lock().buffer.len() <= CAPACITY);
        assert!(matches!(log.finish(), Err(LogError::Slow(lines)) if lines >= 20));
    }

    #[test]
    fn the_first_failure_is_told_at_once_and_at_the_end() {
        let (permit, leave) = mpsc::channel();
        let (written, seen) = mpsc::channel();
        drop(seen);
        let (told, failures) = mpsc::channel();
        let on_failure = move |error: &io::Error| told.send(error.to_string()).unwrap();
        let log = LogFile::start(Box::new(Gate { leave, written }), on_failure).unwrap();
        log.write_line(b"a");
        permit.send(()).unwrap();
        assert!(failures.recv().is_ok());
        for _ in 0..1000 {
            log.write_line(&[b'x'; 100_000]);
        }
        assert!(matches!(log.finish(), Err(LogError::Write(_))));
        assert!(failures.try_recv().is_err(), "once");
    }
}
