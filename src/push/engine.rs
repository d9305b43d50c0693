//! The run of the sending thread: connections, the input that feeds the queue, signals.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::push::connect::{Dialer, Failures};
use crate::push::connection::{Connection, Leave};
use crate::push::credential::ProviderTokens;
use crate::push::earlier::{self, EarlierRun, Known};
use crate::push::event::Event;
use crate::push::health::Health;
use crate::push::message::Message;
use crate::push::outcome::{Settled, Verdict};
use crate::push::pace;
use crate::push::problem::Problem;
use crate::push::queue::Queue;
use crate::push::recipient::DeviceToken;
use crate::push::request::{RequestIds, RequestTemplate};
use crate::push::silence::{LaneWait, Silence};
use crate::push::source::{Batch, Entry};
use crate::push::ticket::Ticket;
use crate::push::token_hash::TokenHash;

/// The time that answers have after an interruption.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
/// The time between two looks at whether anything happens.
const LOOK: Duration = Duration::from_secs(1);
/// The number of requests in whose time a run does not give up: one may do better than the one before.
const REQUESTS_IN_TROUBLE: u32 = 2;
/// The most GOAWAYs that are told one by one.
const MAX_NOTICES: u64 = 10;

/// What is to be sent, and how.
pub(crate) struct Job {
    pub(crate) dialer: Dialer,
    /// `None` with a certificate.
    pub(crate) tokens: Option<ProviderTokens>,
    pub(crate) message: Message,
    pub(crate) ids: RequestIds,
    pub(crate) connections: usize,
    /// Requests a second.
    pub(crate) rate: Option<f64>,
    /// The limit of each request.
    pub(crate) timeout: Duration,
    /// The time of nothing but trouble after which the run ends.
    pub(crate) give_up: Duration,
    pub(crate) resends_unknown: bool,
    /// What is known of an earlier run that is resumed.
    pub(crate) earlier: EarlierRun,
    /// True if the rows of the input may change, and the results are to tell which tokens were about to be sent.
    pub(crate) names_started: bool,
}

/// What all tasks of a run share.
pub(super) struct Shared {
    pub(super) job: Job,
    pub(super) template: RequestTemplate,
    pub(super) queue: Queue,
    pub(super) silence: Silence,
    pub(super) health: Health,
    events: UnboundedSender<Event>,
    /// There was an answer.
    answered: Notify,
    has_answer: AtomicBool,
    /// The input ended with an error: what was read before is sent.
    input_problem: Mutex<Option<Problem>>,
    goaways: AtomicU64,
    /// The number of connections that were replaced because they took no more provider tokens.
    reconnections: AtomicUsize,
    /// True once there was a connection.
    has_connected: AtomicBool,
    counts: FeedCounts,
}

/// The counts of what this run has begun, or left as it was.
#[derive(Default)]
struct FeedCounts {
    repeated: AtomicU64,
    moved: AtomicU64,
    vanished: AtomicU64,
}

/// The end of the sending.
pub(super) struct EngineEnd {
    /// The problem that has stopped the run.
    pub(super) problem: Option<Problem>,
    /// The tokens of this run that have come before in the input.
    pub(super) repeated: u64,
    /// The tokens that have their outcome under an ID that they no longer have in the database.
    pub(super) moved: u64,
    /// The tokens that were under way when the earlier run ended, and that the input no longer has.
    pub(super) vanished: u64,
}

impl Shared {
    /// Notes that the gateway answers requests.
    pub(super) fn count_answer(&self) {
        if !self.has_answer.swap(true, Ordering::Relaxed) {
            self.answered.notify_waiters();
        }
    }

    /// Returns whether a new connection may take the place of one that takes no more provider tokens: once for each.
    pub(super) fn may_reconnect_for_updates(&self) -> bool {
        self.reconnections.fetch_add(1, Ordering::Relaxed) < self.job.connections
    }

    fn notify(&self, notice: String) {
        let _ = self.events.send(Event::Notice(notice));
    }

    fn notify_goaway(&self, notice: String) {
        match self.goaways.fetch_add(1, Ordering::Relaxed) {
            count if count < MAX_NOTICES => self.notify(notice),
            MAX_NOTICES => self.notify("the server closes further connections; they are replaced".to_owned()),
            _ => {}
        }
    }

    fn interrupt(&self) {
        let limit = DRAIN.as_secs();
        self.notify(format!(
            "interrupted: nothing more is sent, answers are waited for up to {limit} s; again: end at once"
        ));
        self.queue.stop(Problem::Interrupted);
    }

    /// Makes the ticket of a token. `origin` is the position under which it was sent first.
    fn ticket(&self, position: u64, origin: u64, token: DeviceToken) -> Ticket {
        Ticket::new(position, token, self.job.ids.at(origin), self.events.clone()).with_origin(origin)
    }
}

/// Sends everything.
///
/// # Errors
/// When the message does not fit into headers.
pub(super) async fn run(
    job: Job,
    input: Receiver<Batch>,
    is_endless: bool,
    events: UnboundedSender<Event>,
) -> std::io::Result<EngineEnd> {
    let template = match RequestTemplate::new(&job.dialer.endpoint, &job.message) {
        Ok(template) => template,
        Err(error) => return Err(std::io::Error::other(error)),
    };
    let queue = Queue::new(job.rate);
    let shared = Arc::new(Shared {
        silence: Silence::new(job.connections),
        health: Health::default(),
        job,
        template,
        queue,
        events,
        answered: Notify::new(),
        has_answer: AtomicBool::new(false),
        input_problem: Mutex::new(None),
        goaways: AtomicU64::new(0),
        reconnections: AtomicUsize::new(0),
        has_connected: AtomicBool::new(false),
        counts: FeedCounts::default(),
    });
    let signals = tokio::spawn(interrupt::watch(Arc::clone(&shared)));
    let work = run_all(&shared, input, is_endless);
    tokio::select! {
        () = work => {}
        () = wait_for_deadline(&shared) => {}
        () = watch_silence(&shared) => {}
        () = watch_outage(&shared) => {}
    }
    signals.abort();
    let input_problem = shared.input_problem.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(EngineEnd {
        problem: shared.queue.stopped_by().or(input_problem),
        repeated: shared.counts.repeated.load(Ordering::Relaxed),
        moved: shared.counts.moved.load(Ordering::Relaxed),
        vanished: shared.counts.vanished.load(Ordering::Relaxed),
    })
}

/// Runs the connections and the input to their end.
async fn run_all(shared: &Arc<Shared>, input: Receiver<Batch>, is_endless: bool) {
    let mut tasks = JoinSet::new();
    tasks.spawn(feed(Arc::clone(shared), input, is_endless));
    for number in 0..shared.job.connections {
        tasks.spawn(run_lane(Arc::clone(shared), number));
    }
    while tasks.join_next().await.is_some() {}
    shared.queue.wait_until_landed().await;
}

/// Waits until the answers after an interruption have had their time.
async fn wait_for_deadline(shared: &Shared) {
    shared.queue.wait_for_stop().await;
    match shared.queue.stopped_by() {
        Some(Problem::Interrupted) => sleep(DRAIN).await,
        // Requests have a limit of their own.
        _ => std::future::pending().await,
    }
}

/// Tells people why nothing happens. It has no end.
async fn watch_silence(shared: &Shared) {
    let (endpoint, limit) = (&shared.job.dialer.endpoint, shared.job.timeout);
    loop {
        sleep(LOOK).await;
        if let Some(queue) = shared.queue.state()
            && let Some(notice) = shared.silence.notice(queue, endpoint, limit, Instant::now())
        {
            shared.notify(notice);
        }
    }
}

/// Ends the run when the server has had nothing but trouble for too long, and for the time of a further request at least.
async fn watch_outage(shared: &Shared) {
    let limit = shared.job.give_up.max(pace::time_of(REQUESTS_IN_TROUBLE, shared.job.rate));
    loop {
        sleep(LOOK.min(limit)).await;
        match shared.queue.state() {
            Some(queue) if !queue.has_work => shared.health.forget_trouble(),
            Some(_) => {
                if let Some(sentence) = shared.health.outage(limit, Instant::now()) {
                    let detail = format!("{}: {sentence}", shared.job.dialer.endpoint);
                    shared.queue.stop(Problem::Unreachable { detail });
                }
            }
            None => {}
        }
    }
}

/// Keeps one connection at a time until nothing is left to send.
async fn run_lane(shared: Arc<Shared>, number: usize) {
    if number > 0 && !wait_for_answer(&shared).await {
        return;
    }
    let mut failures = Failures::default();
    let mut pauses = 0;
    while shared.queue.wait_for_work(number > 0).await {
        shared.silence.set_lane(number, LaneWait::Connection);
        let opened = match shared.job.dialer.connect().await {
            Ok(raw) => Connection::start(&shared, raw, number, pauses).await,
            Err(error) => Err(error),
        };
        shared.silence.set_lane(number, LaneWait::Work);
        let error = match opened {
            Ok(opened) => {
                shared.has_connected.store(true, Ordering::Relaxed);
                let connection = Arc::clone(&opened.connection);
                let leave = connection.send_all(opened).await;
                shared.silence.set_lane(number, LaneWait::Work);
                pauses = connection.pauses();
                if leave == Leave::Finished {
                    return;
                }
                if let Some(notice) = connection.goaway_notice() {
                    shared.notify_goaway(notice);
                }
                if leave == (Leave::Replaced { was_useful: true }) {
                    failures.forget();
                    continue;
                }
                connection.explain_end()
            }
            Err(error) => error,
        };
        let next = failures.next_attempt(shared.has_connected.load(Ordering::Relaxed));
        match next {
            Some(time) if error.is_temporary => {
                shared.health.note_trouble(error.problem.sentence(), Instant::now());
                let wait = LaneWait::NextAttempt { problem: error.problem.sentence(), until: time };
                shared.silence.set_lane(number, wait);
                tokio::select! {
                    () = sleep_until(time) => {}
                    () = shared.queue.wait_for_stop() => return,
                }
            }
            // Other connections may have done all of it.
            _ if shared.queue.is_finished() => return,
            _ => return shared.queue.stop(error.problem),
        }
    }
}

/// Waits until the gateway has answered a request; returns false if the run ends before.
async fn wait_for_answer(shared: &Shared) -> bool {
    loop {
        let (answered, changed) = (shared.answered.notified(), shared.queue.changed());
        tokio::pin!(answered, changed);
        answered.as_mut().enable();
        changed.as_mut().enable();
        if shared.has_answer.load(Ordering::Relaxed) {
            return true;
        }
        if shared.queue.is_finished() {
            return false;
        }
        tokio::select! {
            () = answered => {}
            () = changed => {}
        }
    }
}

/// Feeds the queue from the input. After a stop the rest of a file is read too, so that each token has its outcome; an
/// input that may have no end is not.
async fn feed(shared: Arc<Shared>, mut input: Receiver<Batch>, is_endless: bool) {
    let mut open = shared.job.earlier.open();
    loop {
        let batch = if is_endless {
            tokio::select! {
                batch = input.recv() => batch,
                () = shared.queue.wait_for_stop() => input.try_recv().ok(),
            }
        } else {
            input.recv().await
        };
        match batch {
            Some(Ok(mut entries)) => {
                while !entries.is_empty() {
                    shared.queue.wait_for_room().await;
                    let size = shared.queue.batch_size().min(entries.len());
                    feed_batch(&shared, entries.drain(..size).collect(), &mut open).await;
                }
            }
            Some(Err(error)) => {
                let problem = Problem::of_input(&error);
                *shared.input_problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
                break;
            }
            None => {
                shared.counts.vanished.store(open.len() as u64, Ordering::Relaxed);
                break;
            }
        }
    }
    shared.queue.end_input();
}

/// Starts what is left to do of some entries, and removes from `open` what was under way when the earlier run ended.
async fn feed_batch(shared: &Shared, entries: Vec<Entry>, open: &mut HashSet<u64>) {
    let mut tickets = Vec::with_capacity(entries.len());
    let mut tokens = if shared.job.names_started { Some(BTreeMap::new()) } else { None };
    let mut resent = 0;
    let (mut first, mut last) = (None, 0);
    for Entry { position, token, is_repeated, .. } in entries {
        let origin = shared.job.earlier.origin(position, token.as_ref().ok());
        open.remove(&origin);
        let known = shared.job.earlier.known(origin);
        if known == Known::Settled {
            shared.counts.moved.fetch_add(u64::from(earlier::is_another_row(origin, position)), Ordering::Relaxed);
            continue;
        }
        shared.counts.repeated.fetch_add(u64::from(is_repeated), Ordering::Relaxed);
        first = first.or(Some(position));
        last = position;
        let token = match token {
            Ok(token) => token,
            Err(invalid) => {
                let settled = Settled::invalid(position, invalid);
                let _ = shared.events.send(Event::Settled(Box::new(settled)));
                continue;
            }
        };
        let mut ticket = shared.ticket(position, origin, token);
        if known == Known::Doubtful {
            if !shared.job.resends_unknown {
                let cause = "the earlier run ended before its answer".into();
                ticket.settle(Verdict::Unknown { cause });
                continue;
            }
            ticket.may_be_duplicate = true;
            resent += u64::from(shared.job.earlier.is_unknown(origin));
        }
        if let Some(tokens) = &mut tokens {
            tokens.insert(origin, TokenHash::of(ticket.token.digits()));
        }
        tickets.push(ticket);
    }
    // Nothing of it is left to do, or to write.
    let Some(from) = first else { return };
    // Where no token is left to send, it still waits until the outcomes are written: the input is no faster than they are.
    let (written, confirmation) = oneshot::channel();
    let _ = shared.events.send(Event::Started { from, position: last, tokens, resent, written });
    if confirmation.await.is_err() {
        shared.queue.stop(Problem::ResultsLost);
    }
    shared.queue.load(tickets);
}

#[cfg(unix)]
mod interrupt {
    use std::future::poll_fn;
    use std::task::Poll;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    use super::*;
    use crate::world::signals;

    /// Stops the run on the first signal, and ends the process on the second. SIGHUP is never the second one: a window that
    /// is closed sends it twice, and a service manager with SIGTERM.
    pub(super) async fn watch(shared: Arc<Shared>) {
        let mut watched = vec![SIGINT, SIGTERM];
        watched.extend(signals::heeded(&[SIGHUP, SIGQUIT]));
        let mut caught = Vec::new();
        for &number in &watched {
            let Ok(signal) = signal(SignalKind::from_raw(number)) else { return };
            caught.push((number, signal));
        }
        signals::take_over(&watched);
        next(&mut caught).await;
        shared.interrupt();
        loop {
            match next(&mut caught).await {
                SIGHUP => {}
                number => signals::end_by(number),
            }
        }
    }

    /// Waits for one of the signals, and returns its number.
    async fn next(caught: &mut [(i32, Signal)]) -> i32 {
        poll_fn(|context| {
            for (number, signal) in &mut *caught {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*number);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(not(unix))]
mod interrupt {
    use super::*;

    /// Stops the run on the first Ctrl-C.
    pub(super) async fn watch(shared: Arc<Shared>) {
        if tokio::signal::ctrl_c().await.is_ok() {
            shared.interrupt();
        }
    }
}
