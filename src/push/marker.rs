//! Marks the tokens in the database that APNs calls unregistered, in a thread of its own, so that sending does not wait for
//! it.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::database::problem::DatabaseError;
use crate::database::{Database, Mark, TokenGroup};
use crate::push::outcome::{Settled, Verdict};

/// The number of marks that wait at most; further ones stop the run until there is room.
const CAPACITY: usize = 16 << 10;
/// The number of marks that are written together.
const BATCH: usize = 1000;
/// The limit of the wait for more marks.
const LINGER: Duration = Duration::from_millis(200);
/// The most marks that are kept for a last attempt after a failure.
const MAX_PENDING: usize = 100_000;
/// The most tokens that are listed.
const MAX_LISTED: usize = 100;

/// A token that stays registered although APNs calls it unregistered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StillRegistered {
    pub(crate) token: String,
    /// The time of APNs, if it has named one, and that of the registration in the database.
    pub(crate) times: Option<MarkTimes>,
}

/// Times in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MarkTimes {
    pub(crate) since: u64,
    pub(crate) registered: u64,
}

/// What a run has changed in the database.
#[derive(Debug, Default)]
pub(crate) struct Marking {
    pub(crate) marked: u64,
    /// The number of tokens that stay registered, and the first of them.
    pub(crate) kept: u64,
    pub(crate) listed: Vec<StillRegistered>,
    /// The number of tokens that could not be marked.
    pub(crate) unmarked: u64,
    pub(crate) error: Option<DatabaseError>,
}

/// A token that APNs calls unregistered.
struct Note {
    token: String,
    since: Option<u64>,
}

/// The thread that marks.
pub(super) struct Marker {
    notes: SyncSender<Note>,
    thread: JoinHandle<Marking>,
}

impl Marker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(database: Database, group: TokenGroup) -> io::Result<Self> {
        let (notes, received) = sync_channel(CAPACITY);
        let work = MarkerThread { database, group, pending: Vec::new(), marking: Marking::default() };
        let thread = thread::Builder::new().name("push database".to_owned()).spawn(move || work.run(&received))?;
        Ok(Self { notes, thread })
    }

    /// Notes an outcome, if it is one of a token that is unregistered.
    pub(super) fn note(&self, settled: &Settled) {
        if let (Verdict::Unregistered { since, .. }, Some(token)) = (&settled.verdict, &settled.token) {
            let note = Note { token: token.digits().to_owned(), since: *since };
            // The thread ends after this side alone.
            let _ = self.notes.send(note);
        }
    }

    /// Waits until all is written.
    pub(super) fn finish(self) -> Marking {
        drop(self.notes);
        match self.thread.join() {
            Ok(marking) => marking,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

struct MarkerThread {
    database: Database,
    group: TokenGroup,
    pending: Vec<Mark>,
    marking: Marking,
}

impl MarkerThread {
    fn run(mut self, notes: &Receiver<Note>) -> Marking {
        while let Ok(first) = notes.recv() {
            self.collect(first, notes);
            // After a failure the rest waits for the end: sending does not wait for a database that is locked.
            if self.marking.error.is_none() {
                self.write();
            }
        }
        if self.marking.error.take().is_some() {
            self.write();
        }
        self.marking.unmarked += self.pending.len() as u64;
        self.marking
    }

    /// Takes notes until there are enough for a batch, or none has come for long.
    fn collect(&mut self, first: Note, notes: &Receiver<Note>) {
        let end = Instant::now() + LINGER;
        let mut count = 1;
        self.take(first);
        while count < BATCH {
            match notes.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(note) => self.take(note),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
            }
            count += 1;
        }
    }

    fn take(&mut self, Note { token, since }: Note) {
        match since {
            Some(since) if self.pending.len() < MAX_PENDING => self.pending.push(Mark { token, since }),
            Some(_) => self.marking.unmarked += 1,
            None => self.list(StillRegistered { token, times: None }),
        }
    }

    fn list(&mut self, still: StillRegistered) {
        self.marking.kept += 1;
        if self.marking.listed.len() < MAX_LISTED {
            self.marking.listed.push(still);
        }
    }

    /// Writes what is pending; after an error it stays so.
    fn write(&mut self) {
        while !self.pending.is_empty() {
            let size = self.pending.len().min(BATCH);
            let marked = match self.database.mark_unregistered(&self.group, &self.pending[..size]) {
                Ok(marked) => marked,
                Err(error) => {
                    self.marking.error = Some(error);
                    return;
                }
            };
            self.pending.drain(..size);
            self.marking.marked += marked.marked;
            for kept in marked.kept {
                let times = MarkTimes { since: kept.since, registered: kept.registered };
                self.list(StillRegistered { token: kept.token, times: Some(times) });
            }
        }
    }
}
