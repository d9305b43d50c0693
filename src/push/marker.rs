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
pub(crate) struct Marker {
    notes: SyncSender<Note>,
    thread: JoinHandle<Marking>,
}

impl Marker {
    /// Starts the thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(database: Database, group: TokenGroup) -> io::Result<Self> {
        let (notes, received) = sync_channel(CAPACITY);
        let work = MarkerThread { database, group, pending: Vec::new(), marking: Marking::default() };
        let thread = thread::Builder::new().name("push database".to_owned()).spawn(move || work.run(&received))?;
        Ok(Self { notes, thread })
    }

    /// Notes a token that is unregistered, as an earlier run may have found it.
    pub(crate) fn note_token(&self, digits: &str, since: Option<u64>) {
        // The thread ends after this side alone.
        let _ = self.notes.send(Note { token: digits.to_owned(), since });
    }

    /// Notes an outcome, if it is one of a token that is unregistered.
    pub(super) fn note(&self, settled: &Settled) {
        if let (Verdict::Unregistered { since, .. }, Some(token)) = (&settled.verdict, &settled.token) {
            self.note_token(token.digits(), *since);
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::certificate::apple::Environment;
    use crate::database::address::DatabaseAddress;
    use crate::database::{Access, RegistrationTime};
    use crate::push::recipient;

    const TIME: u64 = 1_700_000_000_000;

    fn gone(token: &str, since: Option<u64>) -> Settled {
        Settled {
            position: 1,
            origin: 1,
            token: recipient::parse(token).ok(),
            verdict: Verdict::Unregistered { status: 410, reason: None, since },
            apns_id: None,
            attempts: 1,
            may_be_duplicate: false,
            elapsed: Duration::ZERO,
        }
    }

    /// Marks in a database with three tokens, after `act` has changed it.
    fn mark(settled: &[Settled], act: impl FnOnce(&rusqlite::Connection)) -> Marking {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tokens.db");
        let group = TokenGroup { app: "com.example.MyApp".to_owned(), environment: Environment::Sandbox };
        let mut database = Database::open(&DatabaseAddress::Sqlite(path.clone()), Access::Create).unwrap();
        database.register(&group, &["aa", "bb", "cc"].map(str::to_owned), RegistrationTime::Past(TIME)).unwrap();
        act(&rusqlite::Connection::open(path).unwrap());
        let marker = Marker::start(database, group).unwrap();
        for one in settled {
            marker.note(one);
        }
        marker.finish()
    }

    #[test]
    fn what_stays_registered_is_listed() {
        let mut other = gone("aa", Some(TIME + 1));
        other.verdict = Verdict::Refused { status: 410, reason: None };
        let settled = [gone("aa", None), gone("bb", Some(TIME)), gone("cc", Some(TIME + 1)), other];
        let marking = mark(&settled, |_| {});
        assert_eq!((marking.marked, marking.kept, marking.unmarked), (1, 2, 0));
        assert!(marking.error.is_none());
        let times = Some(MarkTimes { since: TIME, registered: TIME });
        let still = |token: &str, times| StillRegistered { token: token.to_owned(), times };
        assert_eq!(marking.listed, [still("aa", None), still("bb", times)]);
    }

    #[test]
    fn a_database_that_fails_is_told_and_holds_up_nobody() {
        let many: Vec<Settled> = (0..CAPACITY + 5000).map(|_| gone("cc", Some(TIME + 1))).collect();
        let drop_table = |connection: &rusqlite::Connection| {
            connection.execute_batch("DROP TABLE pushcert_token").unwrap();
        };
        let marking = mark(&many, drop_table);
        assert_eq!((marking.marked, marking.unmarked), (0, many.len() as u64));
        assert!(marking.error.unwrap().to_string().contains("no such table"));
    }
}
