//! The faults that come with a request. A connection of a gateway with such faults is served here, request by
//! request; the others never come this way.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::gateway::connection::{self, Accepted, NoRequest, Watched};
use crate::gateway::event_log::{Caller, Event};
use crate::gateway::fault::{GoAway, RequestFault};
use crate::gateway::fault_stream::{ClientStream, FaultStream, Link, LinkState};
use crate::gateway::http2_trace::NO_PATH;
use crate::gateway::raw_http2::{encode_goaway, encode_stream_limit};
use crate::gateway::responder::{self, ClientSession, IncomingRequest, Unfinished};
use crate::gateway::running_faults::{RequestStrike, StruckRequest, StruckResponse};
use crate::gateway::slots::{ConnectionState, Slot};
use crate::gateway::stream_limit::{LastStream, LimitedStream};
use crate::gateway::transport::{CLOSE_TIMEOUT, IDLE_TIMEOUT, SharedState};
use crate::gateway::watched_stream::{Watch, WatchedStream};

/// The pause after which a connection that ends is looked at again while the client does not read.
const BLOCKED_PAUSE: Duration = Duration::from_millis(10);

/// The streams of `h2` in which faults act.
type FaultyHttp2 = Connection<LimitedStream<WatchedStream<FaultStream>>, Bytes>;

/// A request with the handle of its response.
struct Exchange {
    request: Request<RecvStream>,
    sender: SendResponse<Bytes>,
    stream_id: u32,
}

/// The course of a connection towards its end.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Serving,
    /// A fault strikes as soon as the answers before it are written, or at this time. Requests from now on are not
    /// processed.
    Ending {
        end: FaultEnd,
        deadline: Instant,
    },
    /// The fault has struck.
    Leaving {
        stays_open: bool,
    },
}

/// The end of a connection by a fault.
#[derive(Debug, PartialEq, Eq)]
enum FaultEnd {
    Enter(LinkState),
    GoAway { last_stream: u32, goaway: GoAway },
}

/// A connection that faults may strike.
struct FaultyConnection<'a> {
    caller: Caller,
    session: Arc<Mutex<ClientSession>>,
    slot: &'a Slot,
    shared: &'a Arc<SharedState>,
    link: Link,
    watch: Watch,
    /// The last stream of the GOAWAY that was sent.
    goaway_stream: LastStream,
    phase: Phase,
    /// The fault that struck last.
    last_fault: String,
    has_answered: bool,
    /// Requests that are being answered.
    answering: JoinSet<()>,
    /// Requests that get no answer.
    unanswered: JoinSet<()>,
    /// The values of MAX_CONCURRENT_STREAMS, from the first SETTINGS on.
    stream_limits: Vec<u32>,
    /// The limit of the fault that is in force.
    fault_limit: Option<u32>,
    /// The time at which the limit rises again.
    limit_ends: Option<Instant>,
    /// The stream of the last request that was taken.
    last_stream: u32,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: ClientStream, session: ClientSession, slot: &Slot, shared: &Arc<SharedState>) {
    let link = Link::default();
    let goaway_stream = LastStream::default();
    let (stream, watch) = WatchedStream::new(FaultStream::new(stream, link.clone()), shared.event_log.is_some());
    let (stream, first_limit) = if session.is_authenticated() {
        (LimitedStream::unlimited(stream), shared.max_streams)
    } else {
        (LimitedStream::until_second_settings(stream, shared.max_streams), 1)
    };
    let stream = stream.with_last_stream(goaway_stream.clone());
    let Some(http2) = connection::start(stream, session.caller(), shared).await else { return };
    watch.guard_end();
    let faulty = FaultyConnection {
        caller: session.caller().clone(),
        session: Arc::new(Mutex::new(session)),
        slot,
        shared,
        link,
        watch,
        goaway_stream,
        phase: Phase::Serving,
        last_fault: String::new(),
        has_answered: false,
        answering: JoinSet::new(),
        unanswered: JoinSet::new(),
        stream_limits: vec![first_limit],
        fault_limit: None,
        limit_ends: None,
        last_stream: 0,
    };
    faulty.run(http2).await;
}

impl FaultyConnection<'_> {
    async fn run(mut self, mut http2: FaultyHttp2) {
        let mut ends_at = Instant::now() + IDLE_TIMEOUT;
        let mut is_stopping = false;
        loop {
            self.record_state();
            self.end_if_written(&mut http2).await;
            let limit_ends = self.limit_ends;
            let is_ending = matches!(self.phase, Phase::Ending { .. });
            tokio::select! {
                accepted = poll_fn(|cx| {
                    let (watch, caller, shared) = (&self.watch, &self.caller, self.shared);
                    connection::poll_accept(&mut http2, &Watched { watch, caller, shared }, true, cx)
                }) => match accepted {
                    Ok((request, sender)) => {
                        let stream_id = sender.stream_id().as_u32();
                        self.take(Exchange { request, sender, stream_id });
                        if self.phase == Phase::Serving {
                            ends_at = Instant::now() + IDLE_TIMEOUT;
                        }
                    }
                    Err(NoRequest::Draining) => self.take_last_answers().await,
                    Err(NoRequest::Failed(error)) => return self.shared.log(&self.caller, || Event::failure(&error)),
                    Err(NoRequest::Closed) => return,
                },
                Some(_) = self.answering.join_next() => {
                    self.note_answer();
                    if self.phase == (Phase::Leaving { stays_open: false }) && self.answering.is_empty() {
                        ends_at = ends_at.min(Instant::now() + CLOSE_TIMEOUT);
                    }
                }
                Some(_) = self.unanswered.join_next() => {}
                () = sleep_until(limit_ends.unwrap_or(ends_at)), if limit_ends.is_some() => self.raise_limit(),
                () = sleep(BLOCKED_PAUSE), if is_ending => {}
                () = sleep_until(ends_at) => self.link.enter(LinkState::Closed),
                () = self.shared.stopped(), if !is_stopping => {
                    is_stopping = true;
                    if self.phase == Phase::Serving {
                        http2.graceful_shutdown();
                    } else if self.answering.is_empty() {
                        ends_at = Instant::now();
                    }
                }
            }
        }
    }

    fn poll_accept(&self, http2: &mut FaultyHttp2, cx: &mut Context<'_>) -> Poll<Result<Accepted, NoRequest>> {
        let watched = Watched { watch: &self.watch, caller: &self.caller, shared: self.shared };
        connection::poll_accept(http2, &watched, true, cx)
    }

    /// Lets the requests be answered that came with the end of the connection.
    async fn take_last_answers(&mut self) {
        // Their tasks were woken before this one goes on.
        yield_now().await;
        while self.answering.try_join_next().is_some() {
            self.note_answer();
        }
    }

    fn is_authenticated(&self) -> bool {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).is_authenticated()
    }

    fn record_state(&self) {
        self.slot.enter(if !self.is_authenticated() {
            ConnectionState::Anonymous
        } else if self.answering.is_empty() && self.unanswered.is_empty() {
            ConnectionState::Idle
        } else {
            ConnectionState::Busy
        });
    }

    /// Raises the limit of one stream after the first valid provider token.
    fn note_answer(&mut self) {
        self.has_answered = true;
        self.update_limit();
    }

    /// Ends the connection by the fault that struck it, if the answers to the requests before are written.
    async fn end_if_written(&mut self, http2: &mut FaultyHttp2) {
        while let Phase::Ending { deadline, .. } = self.phase {
            if !self.answering.is_empty() && Instant::now() < deadline {
                return;
            }
            // In one poll `h2` writes what is queued, unless the client does not read.
            match poll_fn(|cx| Poll::Ready(self.poll_accept(http2, cx))).await {
                Poll::Ready(Ok((request, sender))) => {
                    let stream_id = sender.stream_id().as_u32();
                    self.take(Exchange { request, sender, stream_id });
                    continue;
                }
                Poll::Pending if self.link.is_blocked() && Instant::now() < deadline => return,
                Poll::Ready(_) | Poll::Pending => {}
            }
            if let Phase::Ending { end, .. } = std::mem::replace(&mut self.phase, Phase::Leaving { stays_open: true }) {
                self.leave(end);
            }
        }
    }

    fn leave(&mut self, end: FaultEnd) {
        match end {
            FaultEnd::Enter(state) => {
                self.answering.abort_all();
                self.link.enter(state);
            }
            FaultEnd::GoAway { last_stream, goaway } => {
                self.goaway_stream.set(last_stream);
                self.link.inject(&encode_goaway(last_stream, &goaway.reason));
                self.phase = Phase::Leaving { stays_open: goaway.stays_open };
                if self.answering.is_empty() {
                    // Its end starts the time in which the client may close first.
                    self.answering.spawn(async {});
                }
            }
        }
    }

    /// Takes a request, with the fault that strikes it.
    fn take(&mut self, exchange: Exchange) {
        if self.phase != Phase::Serving {
            self.shared.log(&self.caller, || Event::fault(&self.last_fault, Some(exchange.stream_id)));
            return self.leave_unanswered(exchange);
        }
        let shared = self.shared;
        let request = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let previous = std::mem::replace(&mut self.last_stream, exchange.stream_id);
        match shared.faults.request(self.caller.connection, request) {
            Some(RequestStrike::Request(struck)) => {
                shared.log(&self.caller, || Event::fault(struck.text, Some(exchange.stream_id)));
                self.last_fault = struck.text.to_owned();
                self.play(&struck, previous, exchange);
            }
            Some(RequestStrike::Response(struck)) => self.answer(exchange, Some(struck)),
            None => self.answer(exchange, None),
        }
    }

    /// Plays a fault. `previous` is the stream of the request before.
    fn play(&mut self, struck: &StruckRequest<'_>, previous: u32, mut exchange: Exchange) {
        match struck.fault {
            RequestFault::GoAway(goaway) => {
                self.end(FaultEnd::GoAway { last_stream: previous, goaway: goaway.clone() }, exchange)
            }
            RequestFault::GoAwayMidway(reason) => {
                let goaway = GoAway { reason: reason.clone(), stays_open: false };
                self.end(FaultEnd::GoAway { last_stream: exchange.stream_id, goaway }, exchange);
            }
            RequestFault::Close => self.end(FaultEnd::Enter(LinkState::Closed), exchange),
            RequestFault::ResetTcp => self.end(FaultEnd::Enter(LinkState::Reset), exchange),
            RequestFault::Silence => self.end(FaultEnd::Enter(LinkState::Silent), exchange),
            RequestFault::Reset => exchange.sender.send_reset(Reason::INTERNAL_ERROR),
            RequestFault::RefuseStream => self.refuse(exchange),
            RequestFault::StallAnswer => self.leave_unanswered(exchange),
            RequestFault::LimitStreams(limit) => {
                self.lower_limit(*limit, struck.lasting);
                self.answer(exchange, None);
            }
        }
    }

    /// Ends the connection after the answers to the requests before.
    fn end(&mut self, end: FaultEnd, exchange: Exchange) {
        self.phase = Phase::Ending { end, deadline: Instant::now() + CLOSE_TIMEOUT };
        self.leave_unanswered(exchange);
    }

    fn refuse(&self, mut exchange: Exchange) {
        self.watch.expect_refusal(exchange.stream_id);
        exchange.sender.send_reset(Reason::REFUSED_STREAM);
    }

    /// Answers a request, unless it is one more than the client may have open.
    fn answer(&mut self, exchange: Exchange, struck: Option<StruckResponse>) {
        while self.answering.try_join_next().is_some() {
            self.note_answer();
        }
        let open = self.answering.len() + self.unanswered.len();
        if open >= self.stream_limit(exchange.stream_id) as usize {
            self.shared.log(&self.caller, || Unfinished::Refused.event(exchange.stream_id));
            return self.refuse(exchange);
        }
        let (shared, session) = (Arc::clone(self.shared), Arc::clone(&self.session));
        let mut request = IncomingRequest::new(exchange.request, exchange.sender);
        if request.lacks_path() {
            self.shared.log(&self.caller, || Event::MalformedRequest { rule: NO_PATH });
            return request.reject();
        }
        request.log_end(&shared, &self.caller);
        self.answering.spawn(async move {
            if shared.event_log.is_some() {
                request.hash_payload();
            }
            let Some(request) = request.read_payload().await else { return };
            let held = {
                let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
                responder::respond(request, &mut session, struck.as_ref(), &shared)
            };
            if let Some(held) = held {
                held.wait().await;
            }
        });
    }

    /// Keeps a request open until the client gives it up.
    fn leave_unanswered(&mut self, mut exchange: Exchange) {
        self.unanswered.spawn(async move {
            let _ = timeout(IDLE_TIMEOUT, poll_fn(|cx| exchange.sender.poll_reset(cx))).await;
            drop(exchange.request);
        });
    }

    /// Returns the limit that the client knew when it opened a stream.
    fn stream_limit(&self, stream_id: u32) -> u32 {
        let known = self.link.acknowledged_before(stream_id);
        // The first SETTINGS came before the first answer: until then the client need not know its limit.
        if known == 0 && !self.has_answered {
            return self.shared.max_streams;
        }
        self.stream_limits.get(known).copied().unwrap_or(self.shared.max_streams)
    }

    fn lower_limit(&mut self, limit: u32, lasting: Option<Duration>) {
        if self.fault_limit == Some(limit) {
            return;
        }
        self.fault_limit = Some(limit);
        if let Some(lasting) = lasting {
            self.limit_ends = Some(Instant::now() + lasting);
        }
        self.update_limit();
    }

    fn raise_limit(&mut self) {
        self.limit_ends = None;
        self.fault_limit = None;
        self.update_limit();
    }

    /// Sends the limit if it has changed: one stream until the first valid provider token, and no more than a fault allows.
    fn update_limit(&mut self) {
        let own = if self.is_authenticated() { self.shared.max_streams } else { 1 };
        let limit = own.min(self.fault_limit.unwrap_or(own));
        if self.stream_limits.last() != Some(&limit) {
            self.stream_limits.push(limit);
            self.link.inject(&encode_stream_limit(limit));
        }
    }
}
