//! One client's HTTP/2 connection. What a client sends at once is answered at once, in the task of the connection:
//! only a payload that is still on its way, and a response that a fault holds open, have tasks and timers of their own.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection, SendResponse};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

use crate::gateway::event_log::{Caller, Event};
use crate::gateway::http2_trace::NO_PATH;
use crate::gateway::policy::MAX_KEPT;
use crate::gateway::raw_http2::SETTINGS;
use crate::gateway::responder::{self, ClientSession, HeldResponse, IncomingRequest, Unfinished};
use crate::gateway::slots::{ConnectionState, Slot};
use crate::gateway::stream_limit::LimitedStream;
use crate::gateway::transport::{CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT, IDLE_TIMEOUT, SharedState};
use crate::gateway::watched_stream::{QuietStep, Watch, WatchedStream};

/// The budget of `h2` for DATA frames that arrive faster than they are read, for each stream. A frame of n bytes, which
/// does not end its stream, takes 256 - n. Providers send a payload in one to three frames, and Node.js ends the
/// stream in another; the default of `h2` is 100 frames for all streams of a connection together.
const DATA_FRAME_BUDGET: usize = 4 * 256;
/// The further budget of a connection, whatever its number of streams: two of the largest payloads, each byte in a frame
/// of its own.
const DATA_FRAME_FLOOR: usize = 2 * MAX_KEPT * 256;

/// A request, and the handle of its response.
pub(super) type Accepted = (Request<RecvStream>, SendResponse<Bytes>);

/// The cause for which a wait for a request ends without one.
pub(super) enum NoRequest {
    /// The client has ended the connection. What it has sent before is in the tasks of its requests.
    Draining,
    Closed,
    Failed(h2::Error),
}

/// The end of a wait for requests.
enum Arrival {
    Requests,
    Draining,
    Closed,
    Failed(h2::Error),
}

/// The limit for concurrent streams that the client was told.
#[derive(PartialEq, Eq)]
enum ToldLimit {
    /// One, until a valid provider token was seen.
    One,
    /// One, although a valid token was seen: `h2` sends SETTINGS when the client has acknowledged the last ones.
    StillOne,
    All,
}

/// A connection after its HTTP/2 handshake.
struct ClientConnection<'a, S> {
    http2: Connection<LimitedStream<WatchedStream<S>>, Bytes>,
    watch: Watch,
    session: ClientSession,
    slot: &'a Slot,
    limit: ToldLimit,
    has_answered: bool,
    shared: &'a Arc<SharedState>,
    /// Requests whose payload is still on its way.
    arriving: JoinSet<Option<IncomingRequest>>,
    /// Responses without an end.
    held: JoinSet<()>,
}

/// Answers requests until the client closes, sends none for too long, or the gateway stops.
pub(super) async fn serve<S>(stream: S, session: ClientSession, slot: &Slot, shared: &Arc<SharedState>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (stream, watch) = WatchedStream::new(stream, shared.event_log.is_some());
    let (stream, limit) = if session.is_authenticated() {
        (LimitedStream::unlimited(stream), ToldLimit::All)
    } else {
        (LimitedStream::until_second_settings(stream, shared.max_streams), ToldLimit::One)
    };
    let Some(http2) = start(stream, session.caller(), shared).await else { return };
    watch.guard_end();
    let (arriving, held) = (JoinSet::new(), JoinSet::new());
    ClientConnection { http2, watch, session, slot, limit, has_answered: false, shared, arriving, held }.run().await;
}

/// Exchanges the prefaces of HTTP/2. What the client sends in the place of one is logged; that it left is not.
pub(super) async fn start<S>(stream: S, caller: &Caller, shared: &SharedState) -> Option<Connection<S, Bytes>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = h2::server::Builder::new();
    builder
        .header_table_size(SETTINGS.header_table_size)
        .max_concurrent_streams(shared.max_streams)
        .initial_window_size(SETTINGS.initial_window_size)
        .max_frame_size(SETTINGS.max_frame_size)
        .max_header_list_size(SETTINGS.max_header_list_size)
        .data_frame_budget(DATA_FRAME_FLOOR + DATA_FRAME_BUDGET * shared.max_streams as usize);
    match timeout(HANDSHAKE_TIMEOUT, builder.handshake(stream)).await {
        Ok(Ok(http2)) => return Some(http2),
        Ok(Err(error)) if error.is_io() => {}
        Ok(Err(error)) => shared.log(caller, || Event::failure(&error)),
        Err(_) => shared.log(caller, Event::silence),
    }
    None
}

impl<S: AsyncRead + AsyncWrite + Unpin> ClientConnection<'_, S> {
    async fn run(mut self) {
        let mut last_request = Instant::now();
        let mut idle = pin!(sleep(IDLE_TIMEOUT));
        let mut stop = pin!(self.shared.stopped());
        let slot = self.slot;
        let mut goodbye = pin!(slot.is_to_say_goodbye());
        let (mut is_stopping, mut is_leaving) = (false, false);
        let mut requests = Vec::new();
        loop {
            tokio::select! {
                biased;
                arrival = next_requests(&mut self.http2, &mut self.limit, watched(&self.watch, &self.session, self.shared), &mut requests) => {
                    match arrival {
                        Arrival::Requests => {}
                        Arrival::Draining => self.take_last_payloads().await,
                        Arrival::Closed => return,
                        Arrival::Failed(error) => {
                            return self.shared.log(self.session.caller(), || Event::failure(&error));
                        }
                    }
                    last_request = Instant::now();
                    for request in requests.drain(..) {
                        self.take(request).await;
                    }
                    self.record_state();
                }
                Some(arrived) = self.arriving.join_next() => {
                    if let Ok(Some(request)) = arrived {
                        self.answer(request);
                    }
                    self.record_state();
                }
                Some(_) = self.held.join_next() => {}
                () = &mut idle => {
                    if last_request.elapsed() >= IDLE_TIMEOUT {
                        return self.close().await;
                    }
                    idle.as_mut().reset(last_request + IDLE_TIMEOUT);
                }
                () = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    self.http2.graceful_shutdown();
                }
                () = &mut goodbye, if !is_leaving => {
                    is_leaving = true;
                    self.http2.graceful_shutdown();
                }
            }
        }
    }

    /// Answers the requests whose payload came with the end of the connection.
    async fn take_last_payloads(&mut self) {
        // Their tasks were woken before this one goes on.
        yield_now().await;
        while let Some(arrived) = self.arriving.try_join_next() {
            if let Ok(Some(request)) = arrived {
                self.answer(request);
            }
        }
    }

    async fn close(mut self) {
        self.http2.graceful_shutdown();
        let watched = watched(&self.watch, &self.session, self.shared);
        let end = poll_fn(|cx| {
            loop {
                match poll_accept(&mut self.http2, &watched, true, cx) {
                    Poll::Ready(Ok(_) | Err(NoRequest::Draining)) => {}
                    Poll::Ready(Err(NoRequest::Closed | NoRequest::Failed(_))) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        let _ = timeout(CLOSE_TIMEOUT, end).await;
    }

    fn record_state(&self) {
        self.slot.enter(if !self.session.is_authenticated() {
            ConnectionState::Anonymous
        } else if self.arriving.is_empty() {
            ConnectionState::Idle
        } else {
            ConnectionState::Busy
        });
    }

    /// Answers a request whose payload is there, and waits for it otherwise.
    async fn take(&mut self, mut request: IncomingRequest) {
        // SETTINGS came before the first answer: from then on the client knows its limit.
        if self.limit == ToldLimit::One && self.has_answered && !self.arriving.is_empty() {
            self.log_unfinished(&request, Unfinished::Refused);
            self.watch.expect_refusal(request.stream_id());
            return request.refuse();
        }
        if request.lacks_path() {
            self.shared.log(self.session.caller(), || Event::MalformedRequest { rule: NO_PATH });
            return request.reject();
        }
        if self.shared.event_log.is_some() {
            request.hash_payload();
        }
        match poll_fn(|cx| Poll::Ready(request.poll_payload(cx))).await {
            Poll::Ready(Ok(())) => self.answer(request),
            Poll::Ready(Err(unfinished)) => self.log_unfinished(&request, unfinished),
            Poll::Pending => {
                request.log_end(self.shared, self.session.caller());
                self.arriving.spawn(request.read_payload());
            }
        }
    }

    fn log_unfinished(&self, request: &IncomingRequest, unfinished: Unfinished) {
        self.shared.log(self.session.caller(), || unfinished.event(request.stream_id()));
    }

    fn answer(&mut self, request: IncomingRequest) {
        self.has_answered = true;
        if let Some(held) = responder::respond(request, &mut self.session, None, self.shared) {
            self.held.spawn(HeldResponse::wait(held));
        }
        if self.limit == ToldLimit::One && self.session.is_authenticated() {
            self.limit = ToldLimit::StillOne;
        }
    }
}

/// The stream of a connection, with what its log needs.
pub(super) struct Watched<'a> {
    pub(super) watch: &'a Watch,
    pub(super) caller: &'a Caller,
    pub(super) shared: &'a SharedState,
}

fn watched<'a>(watch: &'a Watch, session: &'a ClientSession, shared: &'a SharedState) -> Watched<'a> {
    Watched { watch, caller: session.caller(), shared }
}

/// Asks `h2` for a request, and logs the streams that it has refused. `is_quiet` tells that all requests before are
/// answered.
pub(super) fn poll_accept<S>(
    http2: &mut Connection<S, Bytes>,
    watched: &Watched<'_>,
    is_quiet: bool,
    cx: &mut Context<'_>,
) -> Poll<Result<Accepted, NoRequest>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let accepted = pin!(http2.accept()).poll(cx);
        for stream in watched.watch.take_refused() {
            watched.shared.log(watched.caller, || Unfinished::Refused.event(stream));
        }
        match accepted {
            Poll::Ready(Some(Ok((request, sender)))) => return Poll::Ready(Ok((request, sender))),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(NoRequest::Failed(error))),
            Poll::Ready(None) => return Poll::Ready(Err(NoRequest::Closed)),
            Poll::Pending if !is_quiet => return Poll::Pending,
            Poll::Pending => match watched.watch.on_quiet() {
                QuietStep::Wait => return Poll::Pending,
                QuietStep::Drain => return Poll::Ready(Err(NoRequest::Draining)),
                QuietStep::AskAgain => {}
            },
        }
    }
}

/// Waits for requests, and takes all that are there. The responses to them leave together.
async fn next_requests<S>(
    http2: &mut Connection<S, Bytes>,
    limit: &mut ToldLimit,
    watched: Watched<'_>,
    requests: &mut Vec<IncomingRequest>,
) -> Arrival
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|cx| {
        loop {
            let is_quiet = requests.is_empty();
            match poll_accept(http2, &watched, is_quiet, cx) {
                Poll::Ready(Ok((request, sender))) => requests.push(IncomingRequest::new(request, sender)),
                Poll::Ready(Err(NoRequest::Draining)) => return Poll::Ready(Arrival::Draining),
                Poll::Ready(Err(NoRequest::Failed(error))) if is_quiet => return Poll::Ready(Arrival::Failed(error)),
                Poll::Ready(Err(NoRequest::Closed)) if is_quiet => return Poll::Ready(Arrival::Closed),
                Poll::Pending if is_quiet => {
                    if !raise_limit(http2, limit) {
                        return Poll::Pending;
                    }
                }
                // The next wait ends at once.
                Poll::Ready(Err(NoRequest::Failed(_) | NoRequest::Closed)) | Poll::Pending => {
                    return Poll::Ready(Arrival::Requests);
                }
            }
        }
    })
    .await
}

/// Makes `h2` send the SETTINGS that [`LimitedStream`] changes. Returns whether there is something to send.
fn raise_limit<S>(http2: &mut Connection<S, Bytes>, limit: &mut ToldLimit) -> bool
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if *limit != ToldLimit::StillOne || http2.set_initial_window_size(SETTINGS.initial_window_size).is_err() {
        return false;
    }
    *limit = ToldLimit::All;
    true
}
