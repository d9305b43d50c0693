//! The faults that come with a request. A connection of a gateway with such faults is served here, request by
//! request; the others never come this way.

use std::future::poll_fn;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::gateway::connection;
use crate::gateway::event_log::{Caller, Event};
use crate::gateway::fault::{GoAway, RequestFault, RequestStrike, StruckRequest, StruckResponse};
use crate::gateway::fault_stream::{ClientStream, FaultStream, Link};
use crate::gateway::raw_http2::{encode_goaway, encode_stream_limit};
use crate::gateway::responder::{self, ClientSession, IncomingRequest};
use crate::gateway::transport::{CLOSE_TIMEOUT, IDLE_TIMEOUT, SharedState};

/// A request with the handle of its response.
struct Exchange {
    request: Request<RecvStream>,
    sender: SendResponse<Bytes>,
    stream_id: u32,
}

/// The course of a connection towards its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// GOAWAY was sent. Requests from now on are not processed.
    Leaving {
        stays_open: bool,
    },
}

/// A connection that faults may strike.
struct FaultyConnection<'a> {
    caller: Caller,
    session: Arc<Mutex<ClientSession>>,
    shared: &'a Arc<SharedState>,
    link: Link,
    phase: Phase,
    /// Requests that are being answered.
    answering: JoinSet<()>,
    /// Requests that get no answer.
    unanswered: JoinSet<()>,
    /// The values of MAX_CONCURRENT_STREAMS, from the first SETTINGS on.
    stream_limits: Vec<u32>,
    /// The time at which the limit rises again.
    limit_ends: Option<Instant>,
    /// The stream of the last request that was taken.
    last_stream: u32,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: ClientStream, session: ClientSession, shared: &Arc<SharedState>) {
    let link = Link::default();
    let Some(http2) = connection::start(FaultStream::new(stream, link.clone()), shared.max_streams).await else {
        return;
    };
    let faulty = FaultyConnection {
        caller: session.caller().clone(),
        session: Arc::new(Mutex::new(session)),
        shared,
        link,
        phase: Phase::Serving,
        answering: JoinSet::new(),
        unanswered: JoinSet::new(),
        stream_limits: vec![shared.max_streams],
        limit_ends: None,
        last_stream: 0,
    };
    faulty.run(http2).await;
}

impl FaultyConnection<'_> {
    async fn run(mut self, mut http2: Connection<FaultStream, Bytes>) {
        let mut ends_at = Instant::now() + IDLE_TIMEOUT;
        let mut is_stopping = false;
        loop {
            let limit_ends = self.limit_ends;
            tokio::select! {
                request = http2.accept() => match request {
                    Some(Ok((request, sender))) => {
                        let stream_id = sender.stream_id().as_u32();
                        self.take(Exchange { request, sender, stream_id });
                        if self.phase == Phase::Serving {
                            ends_at = Instant::now() + IDLE_TIMEOUT;
                        }
                    }
                    Some(Err(error)) => return self.shared.log(&self.caller, || Event::failure(&error)),
                    None => return,
                },
                Some(_) = self.answering.join_next() => {
                    if self.phase == (Phase::Leaving { stays_open: false }) && self.answering.is_empty() {
                        ends_at = ends_at.min(Instant::now() + CLOSE_TIMEOUT);
                    }
                }
                Some(_) = self.unanswered.join_next() => {}
                () = sleep_until(limit_ends.unwrap_or(ends_at)), if limit_ends.is_some() => self.raise_limit(),
                () = sleep_until(ends_at) => self.link.close(),
                () = self.shared.stopped(), if !is_stopping => {
                    is_stopping = true;
                    http2.graceful_shutdown();
                }
            }
        }
    }

    /// Takes a request, with the fault that strikes it.
    fn take(&mut self, exchange: Exchange) {
        if matches!(self.phase, Phase::Leaving { .. }) {
            return self.leave_unanswered(exchange);
        }
        let shared = self.shared;
        let request = shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let previous = std::mem::replace(&mut self.last_stream, exchange.stream_id);
        match shared.faults.request(self.caller.connection, request) {
            Some(RequestStrike::Request(struck)) => {
                shared.log(&self.caller, || Event::fault(struck.text, Some(exchange.stream_id)));
                self.play(&struck, previous, exchange);
            }
            Some(RequestStrike::Response(struck)) => self.answer(exchange, Some(struck)),
            None => self.answer(exchange, None),
        }
    }

    /// Plays a fault. `previous` is the stream of the request before.
    fn play(&mut self, struck: &StruckRequest<'_>, previous: u32, mut exchange: Exchange) {
        match struck.fault {
            RequestFault::GoAway(goaway) => self.send_goaway(goaway, previous, exchange),
            RequestFault::GoAwayMidway(reason) => {
                let goaway = GoAway { reason: reason.clone(), stays_open: false };
                self.send_goaway(&goaway, exchange.stream_id, exchange);
            }
            RequestFault::Close => self.link.close(),
            RequestFault::ResetTcp => self.link.reset(),
            RequestFault::Silence => {
                self.link.fall_silent();
                self.leave_unanswered(exchange);
            }
            RequestFault::Reset => exchange.sender.send_reset(Reason::INTERNAL_ERROR),
            RequestFault::RefuseStream => exchange.sender.send_reset(Reason::REFUSED_STREAM),
            RequestFault::StallAnswer => self.leave_unanswered(exchange),
            RequestFault::LimitStreams(limit) => {
                self.lower_limit(*limit, struck.lasting);
                self.answer(exchange, None);
            }
        }
    }

    fn send_goaway(&mut self, goaway: &GoAway, last_stream: u32, exchange: Exchange) {
        self.link.inject(&encode_goaway(last_stream, &goaway.reason));
        self.phase = Phase::Leaving { stays_open: goaway.stays_open };
        if self.answering.is_empty() {
            // Its end starts the time in which the client may close first.
            self.answering.spawn(async {});
        }
        self.leave_unanswered(exchange);
    }

    /// Answers a request, unless it is one more than the client may have open.
    fn answer(&mut self, mut exchange: Exchange, struck: Option<StruckResponse>) {
        while self.answering.try_join_next().is_some() {}
        let open = self.answering.len() + self.unanswered.len();
        if open >= self.stream_limit(exchange.stream_id) as usize {
            return exchange.sender.send_reset(Reason::REFUSED_STREAM);
        }
        let (shared, session) = (Arc::clone(self.shared), Arc::clone(&self.session));
        self.answering.spawn(async move {
            let mut request = IncomingRequest::new(exchange.request, exchange.sender);
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
        self.stream_limits.get(known).copied().unwrap_or(self.shared.max_streams)
    }

    fn lower_limit(&mut self, limit: u32, lasting: Option<Duration>) {
        if self.stream_limits.last() == Some(&limit) {
            return;
        }
        self.send_limit(limit);
        if let Some(lasting) = lasting {
            self.limit_ends = Some(Instant::now() + lasting);
        }
    }

    fn raise_limit(&mut self) {
        self.limit_ends = None;
        self.send_limit(self.shared.max_streams);
    }

    fn send_limit(&mut self, limit: u32) {
        self.stream_limits.push(limit);
        self.link.inject(&encode_stream_limit(limit));
    }
}
