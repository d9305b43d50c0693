//! Runs the command that prints a password. Rules: its standard input is empty; its standard output never
//! enters a message; it has a process group of its own, so that all it started can be stopped; a group that
//! runs at a terminal has that terminal meanwhile, for it may ask a person; nothing of it outlives a signal
//! that ends pushcert.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use crate::secret::Password;
use crate::text;

/// The longest that a command may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// A password longer than this is rather some other output.
const MAX_PASSWORD: usize = 64 << 10;

/// The reason why a command gave no password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("cannot run the command: {0}")]
    Run(#[from] io::Error),
    #[error("the command had not ended after {}, and was stopped", text::seconds(*.0))]
    TimedOut(Duration),
    #[error("the command {0}")]
    Failed(Failure),
    #[error("the command printed no password")]
    NoPassword,
    #[error("the command printed a line of more than {} KiB, which is no password", MAX_PASSWORD >> 10)]
    TooLong,
    #[error("the command printed a NUL, which no password has")]
    Nul,
    #[cfg(not(unix))]
    #[error("a command can be run on Unix only")]
    Unsupported,
}

impl CommandError {
    /// Returns whether the shell itself refused the command, which may be no command but the password.
    pub(crate) fn is_of_shell(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.refusal().is_some())
    }
}

/// The end of a command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: ExitStatus,
    /// The last line of its standard error, printable; empty where there is none to show.
    complaint: String,
    /// The command is one word, which may be the password itself.
    is_word: bool,
}

impl Failure {
    /// Returns what the shell itself says against the command, in our words: its own repeat it, and it may be a password.
    fn refusal(&self) -> Option<&'static str> {
        if !self.is_word || !self.complaint.starts_with("sh:") {
            return None;
        }
        match self.status.code() {
            Some(2) => Some("was not understood by sh"),
            Some(126) => Some("cannot be run"),
            Some(127) => Some("was not found"),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(refusal), Some(code)) = (self.refusal(), self.status.code()) {
            return write!(f, "{refusal} (status {code})");
        }
        match self.status.code() {
            Some(code) => write!(f, "ended with status {code}")?,
            None => write!(f, "was ended by a signal ({})", self.status)?,
        }
        if self.complaint.is_empty() { Ok(()) } else { write!(f, ": {}", self.complaint) }
    }
}

/// Runs `sh -c command` and returns the first line that it prints, without the line end.
///
/// # Errors
/// When it prints none within the limit, or fails.
#[cfg(unix)]
pub(crate) fn first_line(command: &str, limit: Duration) -> Result<Password, CommandError> {
    match unix::first_line(command, limit) {
        Err(CommandError::Failed(failure)) => {
            let is_word = !command.contains(char::is_whitespace);
            Err(CommandError::Failed(Failure { is_word, ..failure }))
        }
        ended => ended,
    }
}

#[cfg(not(unix))]
pub(crate) fn first_line(_command: &str, _limit: Duration) -> Result<Password, CommandError> {
    Err(CommandError::Unsupported)
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, Stdio};
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;
    use std::time::Instant;

    use signal_hook::consts::{SIGINT, SIGQUIT};
    use zeroize::{Zeroize, Zeroizing};

    use super::*;
    use crate::secret;
    use crate::world::process_group::Group;
    use crate::world::signals;

    /// The longest that an ended command's complaint is waited for: what it started may keep the pipe open.
    const COMPLAINT_LIMIT: Duration = Duration::from_secs(1);

    /// The longest that a command may go on after its first line: its status still tells whether it failed.
    const END_LIMIT: Duration = Duration::from_secs(1);

    /// The part of a line of standard error that is kept and shown, in bytes.
    const MAX_COMPLAINT: usize = 200;

    /// The first line of standard output.
    enum Line {
        Whole(Zeroizing<Vec<u8>>),
        TooLong,
    }

    enum Event {
        Printed(io::Result<Line>),
        Complained(Vec<u8>),
        Ended(io::Result<ExitStatus>),
    }

    pub(super) fn first_line(command: &str, limit: Duration) -> Result<Password, CommandError> {
        let deadline = Instant::now() + limit;
        let (group, events) = start(command)?;
        let mut heard = Heard::default();
        while !heard.is_all() {
            let wait = heard.wait(deadline);
            let Ok(event) = events.recv_timeout(wait) else { break };
            heard.note(event)?;
        }
        let Some(status) = heard.status else { return heard.password_of_running(limit) };
        let key = if group.has_terminal() { status.signal() } else { None };
        if heard.is_all() || !status.success() {
            group.leave_running();
        }
        if let Some(signal @ (SIGINT | SIGQUIT)) = key {
            // The terminal's Ctrl-C reached the command alone; a shell is to see that pushcert was meant too.
            signals::end_by(signal);
        }
        heard.password(status, limit)
    }

    /// Starts the command and the threads that tell of it.
    fn start(command: &str) -> io::Result<(Group, Receiver<Event>)> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]);
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        signals::watch_for_command()?;
        let (mut child, group) = Group::spawn(&mut shell)?;
        let (sender, events) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            let sender = sender.clone();
            thread::spawn(move || tell_first_line(pipe, &sender));
        }
        if let Some(pipe) = child.stderr.take() {
            let sender = sender.clone();
            thread::spawn(move || tell(&sender, Event::Complained(read_last_line(pipe))));
        }
        thread::spawn(move || tell(&sender, Event::Ended(child.wait())));
        Ok((group, events))
    }

    fn tell(sender: &Sender<Event>, event: Event) {
        // After a time-out nobody listens.
        let _ = sender.send(event);
    }

    /// What is known of a command.
    #[derive(Default)]
    struct Heard {
        line: Option<Zeroizing<Vec<u8>>>,
        complaint: Option<Vec<u8>>,
        status: Option<ExitStatus>,
        ended: Option<Instant>,
        printed: Option<Instant>,
    }

    impl Heard {
        fn note(&mut self, event: Event) -> Result<(), CommandError> {
            match event {
                Event::Printed(line) => match line? {
                    Line::Whole(line) => {
                        self.line = Some(line);
                        self.printed = Some(Instant::now());
                    }
                    Line::TooLong => return Err(CommandError::TooLong),
                },
                Event::Complained(complaint) => self.complaint = Some(complaint),
                Event::Ended(status) => {
                    self.status = Some(status?);
                    self.ended = Some(Instant::now());
                }
            }
            Ok(())
        }

        fn is_all(&self) -> bool {
            match self.status {
                Some(status) if status.success() => self.line.is_some(),
                Some(_) => self.line.is_some() && self.complaint.is_some(),
                None => false,
            }
        }

        /// Returns how long the next event may take.
        fn wait(&self, deadline: Instant) -> Duration {
            let has_failed = self.status.is_some_and(|status| !status.success());
            let last = match (self.ended, self.printed) {
                (Some(ended), _) if has_failed => deadline.min(ended + COMPLAINT_LIMIT),
                (None, Some(printed)) => deadline.min(printed + END_LIMIT),
                _ => deadline,
            };
            last.saturating_duration_since(Instant::now())
        }

        fn password(self, status: ExitStatus, limit: Duration) -> Result<Password, CommandError> {
            if !status.success() {
                return Err(CommandError::Failed(Failure {
                    status,
                    complaint: self.printable_complaint(),
                    is_word: false,
                }));
            }
            self.password_of_running(limit)
        }

        /// Returns the password of a command that has not ended: its first line is all that is needed of it.
        fn password_of_running(self, limit: Duration) -> Result<Password, CommandError> {
            match self.line {
                None => Err(CommandError::TimedOut(limit)),
                Some(line) if line.is_empty() => Err(CommandError::NoPassword),
                Some(line) if line.contains(&0) => Err(CommandError::Nul),
                Some(line) => Ok(Password::new(line.to_vec())),
            }
        }

        /// Returns the complaint, unless it repeats the password.
        fn printable_complaint(&self) -> String {
            let complaint = self.complaint.as_deref().unwrap_or_default();
            let password = self.line.as_deref().map_or(&[][..], Vec::as_slice);
            if !password.is_empty() && memchr::memmem::find(complaint, password).is_some() {
                return String::new();
            }
            let shown = complaint.get(..MAX_COMPLAINT).unwrap_or(complaint);
            let end = if shown.len() < complaint.len() { "…" } else { "" };
            format!("{}{end}", text::printable(String::from_utf8_lossy(shown).trim()))
        }
    }

    /// Reads all that a command prints, so that no pipe breaks, and tells of the first line as soon as it is there.
    fn tell_first_line(mut pipe: impl Read, sender: &Sender<Event>) {
        tell(sender, Event::Printed(read_first_line(&mut pipe)));
        let mut rest = Zeroizing::new([0; 4096]);
        while let Ok(1..) = pipe.read(&mut *rest) {}
    }

    fn read_first_line(mut pipe: impl Read) -> io::Result<Line> {
        // Its size is fixed: a buffer that grows leaves copies behind.
        let mut buffer = Zeroizing::new(vec![0; MAX_PASSWORD + 2]);
        let mut length = 0;
        while length < buffer.len() {
            let count = pipe.read(&mut buffer[length..])?;
            length += count;
            if count == 0 || buffer[..length].contains(&b'\n') {
                break;
            }
        }
        let line = secret::first_line(&buffer[..length]);
        Ok(if line.len() > MAX_PASSWORD { Line::TooLong } else { Line::Whole(Zeroizing::new(line.to_vec())) })
    }

    /// Reads all complaints; returns the last line that is not empty, or the beginning of it.
    fn read_last_line(mut pipe: impl Read) -> Vec<u8> {
        let mut line = LastLine::default();
        let mut bytes = [0; 4096];
        // A complaint that cannot be read is not worth an error of its own.
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            line.read(&bytes[..count]);
        }
        bytes.zeroize();
        line.last()
    }

    #[derive(Default)]
    struct LastLine {
        current: Vec<u8>,
        complete: Vec<u8>,
    }

    impl LastLine {
        /// More is kept than is shown, so that a password in it is found.
        const KEPT: usize = MAX_PASSWORD;

        fn read(&mut self, bytes: &[u8]) {
            for byte in bytes {
                if *byte == b'\n' {
                    self.end_line();
                } else if self.current.len() < Self::KEPT {
                    self.current.push(*byte);
                }
            }
        }

        fn end_line(&mut self) {
            let line = std::mem::take(&mut self.current);
            if !line.trim_ascii().is_empty() {
                self.complete = line;
            }
        }

        fn last(mut self) -> Vec<u8> {
            self.end_line();
            self.complete
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Long enough for any command that ends.
    const ENOUGH: Duration = Duration::from_secs(60);

    fn password(command: &str) -> Vec<u8> {
        first_line(command, ENOUGH).unwrap().as_bytes().to_vec()
    }

    fn problem(command: &str) -> String {
        first_line(command, ENOUGH).unwrap_err().to_string()
    }

    #[test]
    fn the_first_line_is_the_password() {
        assert_eq!(password("printf 'a b \\r\\nsecond\\n'"), b"a b ");
        assert_eq!(password("printf x"), b"x");
        assert_eq!(password("echo noise >&2; echo y"), b"y");
        assert_eq!(password("cat; echo empty input"), b"empty input");
        assert_eq!(password("head -c 65536 /dev/zero | tr '\\0' a").len(), 65536);
        assert_eq!(password("echo z; head -c 1000000 /dev/zero"), b"z", "the rest is read and dropped");
    }

    #[test]
    fn what_is_no_password_is_refused() {
        assert_eq!(problem(":"), "the command printed no password");
        assert_eq!(problem("printf '\\nsecond'"), "the command printed no password");
        assert_eq!(problem("printf 'a\\000b\\n'"), "the command printed a NUL, which no password has");
        let too_long = "the command printed a line of more than 64 KiB, which is no password";
        assert_eq!(problem("head -c 65537 /dev/zero | tr '\\0' a"), too_long);
        assert_eq!(problem("tr '\\0' a </dev/zero"), too_long, "without an end");
    }

    #[test]
    fn a_failure_is_told_with_its_status_and_last_complaint() {
        assert_eq!(problem("exit 3"), "the command ended with status 3");
        assert_eq!(problem("echo hunter2; exit 3"), "the command ended with status 3");
        let complaint = "the command ended with status 1: b\\u{1b}[31m";
        assert_eq!(problem("echo hunter2; printf 'a\\nb\\033[31m\\n\\n' >&2; exit 1"), complaint);
        let repeated = problem("echo hunter2; echo '+ echo hunter2' >&2; exit 1");
        assert_eq!(repeated, "the command ended with status 1", "the password is not shown");
        assert!(problem("kill -9 $$").starts_with("the command was ended by a signal"));
        let long = problem("head -c 5000 /dev/zero | tr '\\0' a >&2; exit 1");
        assert_eq!(long.len(), "the command ended with status 1: ".len() + 200 + "…".len());
    }

    #[test]
    fn what_the_shell_says_of_a_command_does_not_repeat_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Gehe1mnis");
        std::fs::write(&file, "").unwrap();
        assert_eq!(problem("Gehe1mnis"), "the command was not found (status 127)");
        assert_eq!(problem(file.to_str().unwrap()), "the command cannot be run (status 126)");
        assert_eq!(problem("Gehe1mnis(77"), "the command was not understood by sh (status 2)");
        assert!(first_line("Gehe1mnis", ENOUGH).unwrap_err().is_of_shell());
        let missing = problem("no-such-program read 'op://a/b'");
        assert!(missing.contains("no-such-program") && missing.contains("not found"), "{missing}");
        assert_eq!(problem("echo 'op: not found' >&2; exit 127"), "the command ended with status 127: op: not found");
    }

    #[test]
    fn all_of_a_command_is_stopped_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let fifo_name = fifo.to_str().unwrap();
        // The inner shell holds the only writing end of the FIFO: its end shows there.
        let command = format!("mkfifo {fifo_name}; sh -c 'exec sleep 600 3<>{fifo_name}' & wait");
        let start = Instant::now();
        let error = first_line(&command, Duration::from_secs(2)).unwrap_err();
        assert_eq!(error.to_string(), "the command had not ended after 2 s, and was stopped");
        assert!(start.elapsed() < ENOUGH);
        assert!(fifo.exists(), "the command had begun");
        // Opening a FIFO to write, without waiting, fails once nobody has it open to read.
        wait_until_nobody_reads(&fifo);
    }

    fn wait_until_nobody_reads(fifo: &std::path::Path) {
        use std::os::unix::fs::OpenOptionsExt;
        let limit = Instant::now() + ENOUGH;
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().try_into().unwrap();
        while std::fs::File::options().write(true).custom_flags(nonblock).open(fifo).is_ok() {
            assert!(Instant::now() < limit, "a process of the command still runs");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_command_that_goes_on_is_stopped_after_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        let name = fifo.to_str().unwrap();
        let start = Instant::now();
        assert_eq!(password("yes x"), b"x");
        assert_eq!(password("yes x | cat"), b"x");
        assert_eq!(password(&format!("mkfifo {name}; echo x; exec sleep 600 3<>{name}")), b"x");
        wait_until_nobody_reads(&fifo);
        assert_eq!(problem("echo; exec sleep 600"), "the command printed no password");
        assert!(start.elapsed() < Duration::from_secs(20));
        // One that ends within a second still tells how.
        assert_eq!(problem("echo x; sleep 0.1; exit 3"), "the command ended with status 3");
    }

    #[test]
    fn what_stays_in_the_background_delays_nothing() {
        let start = Instant::now();
        assert_eq!(password("(sleep 5) & echo x"), b"x", "it keeps both pipes open");
        assert_eq!(problem("(sleep 5) & exit 2"), "the command ended with status 2");
        assert!(start.elapsed() < Duration::from_secs(5));
    }
}
