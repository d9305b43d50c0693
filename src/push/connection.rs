//! One HTTP/2 connection: requests up to the limit of the moment, and what becomes of them at each end.
//!
//! A request may be sent again only if the server cannot have processed it: REFUSED_STREAM, a stream above the last one
//! of a GOAWAY, or one that was never written. All else that is open when a connection breaks has the outcome unknown.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Ping, PingPong};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::apns::reason::{self, Reason};
use crate::net::http2::frames::{self, GoAway};
use crate::net::http2::tap::{FrameObserver, Processing};
use crate::net::retry;
use crate::push::answer::{self, Answer, Consequence};
use crate::push::connect::{ConnectError, RawConnection};
use crate::push::credential::{AfterExpiry, TokenNumber};
use crate::push::engine::Shared;
use crate::push::outcome::Verdict;
use crate::push::problem::Problem;
use crate::push::queue::Taken;
use crate::push::silence::LaneWait;
use crate::push::ticket::Ticket;
use crate::push::window::Window;
use crate::text::seconds;

/// The number of requests for one token that are answered, or may have been accepted, from which on it is not sent again.
const MAX_ATTEMPTS: u32 = 10;
/// The same for requests that the server has not processed.
const MAX_RESENDS: u32 = 60;
/// The number of those that are sent again at once.
const QUICK_RESENDS: u32 = 10;
/// The delay of the others.
const RESEND_DELAY: Duration = Duration::from_millis(100);
/// The longest delay before a token is sent again that no server asked for.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// The number of requests after which the connection gets its turn to write them.
const TURN: usize = 64;
/// The silence after which an idle connection is tried out with a PING.
const IDLE: Duration = Duration::from_secs(15);
/// The time in which a connection reads what lies in its socket, before a request is given up.
const GRACE: Duration = Duration::from_millis(100);
/// The most pauses of the process after the end of a request's time that are made up for.
const MAX_PAUSES: u32 = 10;
/// The time limit for the orderly end of a connection.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a connection is given up whose server allows no request for as long as it may take to answer one.
const SHUT: &str = "the server allows no requests: its limit of open streams is 0 (MAX_CONCURRENT_STREAMS)";

/// A connection that is ready for requests.
pub(super) struct OpenedConnection {
    pub(super) connection: Arc<Connection>,
    sender: SendRequest<Bytes>,
    ping: Option<PingPong>,
}

/// A connection, shared by the task that sends and those that wait for answers.
pub(super) struct Connection {
    shared: Arc<Shared>,
    /// The number of the task that keeps a connection open.
    lane: usize,
    observer: FrameObserver,
    window: Mutex<Window>,
    open: AtomicUsize,
    /// True if no more requests may go out.
    is_leaving: AtomicBool,
    /// True if the server takes no more provider tokens here.
    has_too_many_updates: AtomicBool,
    /// True after the first answer.
    has_answered: AtomicBool,
    /// The last stream with a request; 0 before the first.
    last_stream: AtomicU32,
    /// Answers have arrived, or the connection has ended.
    changed: Notify,
    /// How it ended.
    end: Mutex<Option<String>>,
    driver: Mutex<Option<JoinHandle<()>>>,
}

/// Why a connection sends no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// There is nothing more to send.
    Finished,
    /// Another connection takes its place. `was_useful` is true if it had answers.
    Replaced { was_useful: bool },
}

/// A request on its way.
struct Flight {
    ticket: Ticket,
    stream: u32,
    sent: Instant,
    token: Option<TokenNumber>,
}

impl Connection {
    /// Starts to drive a connection, and waits for its SETTINGS. `pauses` are those of the connection before.
    pub(super) async fn start(
        shared: &Arc<Shared>,
        raw: RawConnection,
        lane: usize,
        pauses: u32,
    ) -> Result<OpenedConnection, ConnectError> {
        let RawConnection { sender, mut driver, observer } = raw;
        let ping = driver.ping_pong();
        let connection = Arc::new(Self {
            shared: Arc::clone(shared),
            lane,
            observer,
            window: Mutex::new(Window::new(shared.job.tokens.is_some(), pauses)),
            open: AtomicUsize::new(0),
            is_leaving: AtomicBool::new(false),
            has_too_many_updates: AtomicBool::new(false),
            has_answered: AtomicBool::new(false),
            last_stream: AtomicU32::new(0),
            changed: Notify::new(),
            end: Mutex::new(None),
            driver: Mutex::new(None),
        });
        let driven = Arc::clone(&connection);
        let task = tokio::spawn(async move {
            let end = match driver.await {
                Ok(()) => "the server closed the connection".to_owned(),
                Err(error) => describe(&error),
            };
            *driven.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
            driven.changed.notify_one();
        });
        *connection.driver.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        match shared.job.dialer.wait_for_settings(&connection.observer).await {
            Ok(()) => Ok(OpenedConnection { connection, sender, ping }),
            Err(error) => {
                connection.abort();
                Err(error)
            }
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of pauses since the last good answer.
    pub(super) fn pauses(&self) -> u32 {
        self.window().pauses()
    }

    fn has_ended(&self) -> bool {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Stops driving the connection: what is open breaks.
    fn abort(&self) {
        self.abort_because("the connection was given up");
    }

    fn abort_because(&self, cause: &str) {
        if let Some(driver) = &*self.driver.lock().unwrap_or_else(PoisonError::into_inner) {
            driver.abort();
        }
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.is_none() {
            *end = Some(cause.to_owned());
        }
    }

    /// Sends until there is nothing more to send, or the connection takes no more.
    pub(super) async fn send_all(self: &Arc<Self>, opened: OpenedConnection) -> Leave {
        let OpenedConnection { mut sender, mut ping, .. } = opened;
        let mut turn = 0;
        let mut shut_until = None;
        loop {
            let queue_changed = self.shared.queue.changed();
            tokio::pin!(queue_changed);
            queue_changed.as_mut().enable();
            let now = Instant::now();
            let limit = self.limit(&sender);
            shut_until = self.watch_limit(limit, shut_until, now);
            if self.must_leave() {
                return Leave::Replaced { was_useful: self.was_useful() };
            }
            // Where nothing is left to send, no end of a pause is waited for.
            let pause = if self.shared.queue.is_finished() { None } else { self.window().pause(now) };
            if pause.is_none() && self.window().is_worn_out() {
                return Leave::Replaced { was_useful: true };
            }
            let is_full = self.open.load(Ordering::Relaxed) >= limit;
            let wake_at = match pause {
                Some(until) => Some(until),
                None if is_full => shut_until.filter(|until| *until > now),
                None => match self.shared.queue.take() {
                    Taken::Ticket(ticket) => {
                        self.send(&mut sender, ticket);
                        turn += 1;
                        if turn % TURN == 0 {
                            tokio::task::yield_now().await;
                        }
                        continue;
                    }
                    Taken::Later(time) => Some(time),
                    Taken::Nothing => None,
                    Taken::Finished if self.open.load(Ordering::Relaxed) == 0 => {
                        self.say_goodbye(sender).await;
                        return Leave::Finished;
                    }
                    Taken::Finished => None,
                },
            };
            let is_idle = self.open.load(Ordering::Relaxed) == 0;
            self.shared.silence.set_lane(
                self.lane,
                match pause {
                    Some(until) => LaneWait::Pause { until },
                    None if limit == 0 => LaneWait::Permission,
                    None => LaneWait::Work,
                },
            );
            let check_at = now + IDLE;
            // With no answer to wait for, the server's SETTINGS are what lets requests through again.
            let settings_changed = self.observer.changed();
            tokio::select! {
                () = self.changed.notified() => {}
                () = settings_changed, if is_full && is_idle => {}
                () = &mut queue_changed, if !is_full => {}
                () = sleep_until(wake_at.unwrap_or(check_at)), if wake_at.is_some() => {}
                () = sleep_until(check_at), if is_idle => self.try_out(&mut ping).await,
            }
        }
    }

    /// Gives the connection up where the server has allowed no request for too long; returns the end of its time while it
    /// allows none.
    fn watch_limit(&self, limit: usize, until: Option<Instant>, now: Instant) -> Option<Instant> {
        if limit > 0 {
            return None;
        }
        let end = until.unwrap_or(now + self.shared.job.timeout);
        if end <= now && self.open.load(Ordering::Relaxed) == 0 {
            self.abort_because(SHUT);
        }
        Some(end)
    }

    /// Returns how many requests may be open now.
    fn limit(&self, sender: &SendRequest<Bytes>) -> usize {
        self.window().limit(sender.current_max_send_streams())
    }

    /// Returns whether the connection takes no more requests.
    fn must_leave(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
            || self.has_ended()
            || self.observer.look(|frames| frames.goaway.is_some() || frames.is_closed)
    }

    /// Returns whether the server has taken a request.
    fn was_useful(&self) -> bool {
        // A GOAWAY may name a stream that there never was.
        let last_sent = self.last_stream.load(Ordering::Relaxed);
        let has_processed =
            self.observer.look(|frames| frames.last_processed.is_some_and(|last| last.min(last_sent) > 0));
        has_processed || self.has_answered.load(Ordering::Relaxed)
    }

    /// Sends a PING on an idle connection: one that has died in silence gets no request.
    async fn try_out(&self, ping: &mut Option<PingPong>) {
        let Some(ping) = ping else { return };
        if !matches!(timeout(self.shared.job.timeout, ping.ping(Ping::opaque())).await, Ok(Ok(_))) {
            self.abort();
        }
    }

    fn send(self: &Arc<Self>, sender: &mut SendRequest<Bytes>, mut ticket: Ticket) {
        let (authorization, token) = match &self.shared.job.tokens {
            Some(tokens) => {
                let (header, number) = tokens.authorization();
                (Some(header), Some(number))
            }
            None => (None, None),
        };
        let request = match self.shared.template.request(&ticket, authorization) {
            Ok(request) => request,
            Err(error) => {
                ticket.settle(Verdict::NotSent { cause: Cow::Owned(error.to_string()) });
                return self.shared.queue.count_settled();
            }
        };
        let (response, mut body) = match sender.send_request(request, false) {
            Ok(pair) => pair,
            Err(_) => {
                // The connection is at its end, or out of stream numbers.
                self.is_leaving.store(true, Ordering::Relaxed);
                return self.shared.queue.give_back(ticket, None);
            }
        };
        ticket.depart();
        // Where this fails, so does the answer.
        let _ = body.send_data(self.shared.template.payload.clone(), true);
        let flight = Flight { ticket, stream: response.stream_id().as_u32(), sent: Instant::now(), token };
        self.last_stream.store(flight.stream, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        let this = Arc::clone(self);
        tokio::spawn(async move { this.wait_for_answer(flight, response).await });
    }

    async fn wait_for_answer(&self, flight: Flight, response: ResponseFuture) {
        let mut answer = Answer::default();
        let result = self.read_in_time(flight.sent, answer::read(response, &mut answer)).await;
        match result {
            // The status of an answer whose end is missing counts.
            _ if answer.status != 0 => self.on_answer(flight, answer),
            Some(Err(error)) => self.on_error(flight, &error),
            Some(Ok(())) | None => self.on_timeout(flight),
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Reads an answer within its time; returns `None` if there is none. A process that stood still (Ctrl-Z, a machine that
    /// was stopped) finds its timers first: the answers that have come meanwhile are read before they are missed.
    async fn read_in_time(
        &self,
        sent: Instant,
        reading: impl Future<Output = Result<(), h2::Error>>,
    ) -> Option<Result<(), h2::Error>> {
        tokio::pin!(reading);
        let mut limit = sent + self.shared.job.timeout;
        for _ in 0..MAX_PAUSES {
            if let Ok(result) = timeout_at(limit, &mut reading).await {
                return Some(result);
            }
            let pause = limit.elapsed();
            limit = Instant::now() + pause.clamp(GRACE, GRACE.max(self.shared.job.timeout));
            if pause < GRACE {
                break;
            }
        }
        timeout_at(limit, &mut reading).await.ok()
    }

    fn on_answer(&self, flight: Flight, mut answer: Answer) {
        self.has_answered.store(true, Ordering::Relaxed);
        self.shared.count_answer();
        if answer.known_reason().is_none()
            && let Some(reason) = answer.reason.take()
        {
            answer.reason = Some(Cow::Owned(self.shared.job.dialer.masked_reason(reason.into_owned())));
        }
        let known = answer.known_reason();
        let name = answer.reason.clone().unwrap_or_default();
        if let Some(unique_id) = &mut answer.unique_id {
            self.shared.job.dialer.mask.apply(unique_id);
        }
        match answer.consequence() {
            Consequence::Settle(verdict) => {
                self.shared.health.note_good(flight.sent);
                self.window().count_good(flight.sent);
                self.settle(flight.ticket, verdict);
            }
            Consequence::Retry { verdict, retry_after, slows } => {
                if slows {
                    self.shared.health.note_trouble(verdict.answer_text(), Instant::now());
                    self.window().count_trouble(flight.sent, retry_after);
                } else {
                    self.shared.health.forget_trouble();
                }
                self.retry(flight.ticket, verdict, retry_after);
            }
            Consequence::RenewToken(verdict) => self.on_expired_token(flight, verdict),
            Consequence::Reconnect(verdict) => {
                self.is_leaving.store(true, Ordering::Relaxed);
                let is_known = self.has_too_many_updates.swap(true, Ordering::Relaxed);
                if is_known || self.shared.may_reconnect_for_updates() {
                    return self.send_again(flight.ticket, verdict);
                }
                self.stop_because(self.problem_of(&name, known));
                self.give_up(flight.ticket, verdict);
            }
            Consequence::Stop(verdict) => {
                if self.shared.health.note_refusal(flight.ticket, flight.sent, verdict) {
                    self.stop_because(self.problem_of(&name, known));
                }
                self.shared.queue.count_settled();
            }
            Consequence::Foreign(verdict) => {
                self.settle(flight.ticket, verdict);
                let detail = format!("{}: {}", self.shared.job.dialer.endpoint, answer::FOREIGN);
                self.shared.queue.stop(Problem::Unreachable { detail });
            }
        }
    }

    fn problem_of(&self, name: &str, known: Option<&Reason>) -> Problem {
        Problem::of_reason(name, known, self.shared.job.tokens.is_some())
    }

    /// Stops the run: the gateway will refuse every request, and has processed none that it has refused for that.
    fn stop_because(&self, problem: Problem) {
        self.shared.health.abandon_refused(&problem.cause());
        self.shared.queue.stop(problem);
    }

    /// Settles a token whose refusal has stopped the run as one that was not processed.
    fn give_up(&self, mut ticket: Ticket, verdict: Verdict) {
        ticket.come_back(verdict);
        self.shared.queue.give_back(ticket, None);
    }

    fn on_expired_token(&self, flight: Flight, verdict: Verdict) {
        let (Some(tokens), Some(number)) = (&self.shared.job.tokens, flight.token) else {
            let name = verdict.reason().unwrap_or_default().to_owned();
            self.stop_because(self.problem_of(&name, reason::find(&name)));
            return self.give_up(flight.ticket, verdict);
        };
        match tokens.after_expiry(number) {
            AfterExpiry::SendAgain => self.send_again(flight.ticket, verdict),
            AfterExpiry::Stop { clock } => {
                let meaning = format!(
                    "the provider token is not of the last hour, by the gateway's clock; by this machine's it was signed \
                     at {clock}"
                );
                let advice = Some("set this machine's clock".to_owned());
                let reason = "ExpiredProviderToken".to_owned();
                self.stop_because(Problem::Rejected { reason, meaning, advice });
                self.give_up(flight.ticket, verdict);
            }
        }
    }

    /// Decides about a request whose stream or connection broke.
    fn on_error(&self, flight: Flight, error: &h2::Error) {
        let is_refused = error.is_reset() && error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        let is_excluded = || self.observer.look(|frames| frames.processing_of(flight.stream)) == Processing::Excluded;
        let is_reset = error.is_reset() && error.is_remote();
        if is_refused {
            let cause = Cow::Borrowed("the server refused the stream (REFUSED_STREAM)");
            return self.send_again(flight.ticket, Verdict::NotSent { cause });
        }
        if !is_reset && is_excluded() {
            let cause = Cow::Borrowed("the connection ended before the server took the request");
            return self.send_again(flight.ticket, Verdict::NotSent { cause });
        }
        let cause = if is_reset {
            format!("the server reset the request ({})", reason_text(error))
        } else {
            format!("the connection broke before the answer: {}", self.end_text(error))
        };
        self.on_unknown(flight.ticket, Cow::Owned(cause));
    }

    fn end_text(&self, error: &h2::Error) -> String {
        let goaway = self.observer.look(|frames| frames.goaway.clone());
        match goaway {
            Some(GoAway { reason, code, .. }) => {
                let name = reason.unwrap_or(code);
                format!("GOAWAY ({})", self.shared.job.dialer.masked_reason(name))
            }
            None => describe(error),
        }
    }

    /// Gives up a request without an answer; a connection on which nothing was heard since then has died.
    fn on_timeout(&self, flight: Flight) {
        let is_silent = self.observer.look(|frames| frames.heard_at.is_none_or(|heard| heard < flight.sent));
        if is_silent {
            self.abort();
        }
        let cause = format!("no answer within {}", seconds(self.shared.job.timeout));
        self.on_unknown(flight.ticket, Cow::Owned(cause));
    }

    /// Settles a token whose request may have been accepted, or sends it again where the user wants that.
    fn on_unknown(&self, mut ticket: Ticket, cause: Cow<'static, str>) {
        if self.shared.job.resends_unknown && ticket.attempts - ticket.resends < MAX_ATTEMPTS {
            ticket.may_be_duplicate = true;
            return self.retry(ticket, Verdict::Unknown { cause }, None);
        }
        self.settle(ticket, Verdict::Unknown { cause });
    }

    fn settle(&self, ticket: Ticket, verdict: Verdict) {
        ticket.settle(verdict);
        self.shared.queue.count_settled();
    }

    /// Sends a token again at once: the server has not processed it.
    fn send_again(&self, mut ticket: Ticket, verdict: Verdict) {
        ticket.come_back(verdict);
        ticket.resends += 1;
        match ticket.resends {
            ..QUICK_RESENDS => self.shared.queue.give_back(ticket, None),
            QUICK_RESENDS..MAX_RESENDS => self.shared.queue.give_back(ticket, Some(Instant::now() + RESEND_DELAY)),
            _ => {
                ticket.abandon(format!("it was sent {MAX_RESENDS} times"));
                self.shared.queue.count_settled();
            }
        }
    }

    /// Sends a token again after a delay that grows.
    fn retry(&self, mut ticket: Ticket, verdict: Verdict, retry_after: Option<Duration>) {
        self.shared.silence.note_trouble(&verdict);
        ticket.come_back(verdict);
        match next_attempt(ticket.attempts - ticket.resends, retry_after) {
            Ok(delay) => self.shared.queue.give_back(ticket, Some(Instant::now() + delay)),
            Err(cause) => {
                ticket.abandon(cause);
                self.shared.queue.count_settled();
            }
        }
    }

    /// Returns the sentence about a GOAWAY, if the server sent one.
    pub(super) fn goaway_notice(&self) -> Option<String> {
        let goaway = self.observer.frames().goaway?;
        let reason = match goaway.reason {
            Some(reason) => self.shared.job.dialer.masked_reason(reason),
            None => "no reason given".to_owned(),
        };
        Some(format!(
            "the server closes the connection: {reason} (GOAWAY {}, last stream {})",
            goaway.code, goaway.last_stream
        ))
    }

    /// Returns why a connection ended that had no answers.
    pub(super) fn explain_end(&self) -> ConnectError {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = end.unwrap_or_else(|| "the server closed the connection".to_owned());
        self.shared.job.dialer.explain_start(&self.observer.frames(), &text)
    }

    async fn say_goodbye(&self, sender: SendRequest<Bytes>) {
        drop(sender);
        let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut driver) = driver
            && timeout(GOODBYE, &mut driver).await.is_err()
        {
            driver.abort();
        }
    }
}

/// Returns the delay before the next request for a token that had so many answers, or why there is none.
fn next_attempt(answered: u32, retry_after: Option<Duration>) -> Result<Duration, String> {
    if answered >= MAX_ATTEMPTS {
        return Err(format!("it was tried {answered} times"));
    }
    match retry::delay_before(answered.saturating_sub(1), retry_after, MAX_DELAY, retry::jitter()) {
        Some(delay) => Ok(delay),
        None => {
            let (asked, longest) = (seconds(retry_after.unwrap_or_default()), seconds(retry::MAX_RETRY_AFTER));
            Err(format!("the server asks for a wait of {asked}, and {longest} are the longest"))
        }
    }
}

fn reason_text(error: &h2::Error) -> String {
    match error.reason() {
        Some(reason) => frames::error_name(reason.into()),
        None => error.to_string(),
    }
}

fn describe(error: &h2::Error) -> String {
    match (error.is_io(), error.reason()) {
        (false, Some(reason)) => frames::error_name(reason.into()),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_tried_ten_times_and_no_wait_is_endless() {
        let second = Duration::from_secs(1);
        for answered in 1..MAX_ATTEMPTS {
            assert!(next_attempt(answered, None).is_ok() && next_attempt(answered, Some(120 * second)).is_ok());
        }
        assert_eq!(next_attempt(MAX_ATTEMPTS, None), Err("it was tried 10 times".to_owned()));
        let sentence = "the server asks for a wait of 300 s, and 120 s are the longest";
        assert_eq!(next_attempt(1, Some(300 * second)), Err(sentence.to_owned()));
    }
}
