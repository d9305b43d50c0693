//! A stream that observes what the server sends: SETTINGS, GOAWAY, and the alert that ends the connection; and which
//! requests were written. The
//! `h2` crate shows the debug data of GOAWAY only inside a message, and with TLS 1.3 the alert comes with the
//! first read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::net::alert;
use crate::net::http2::frames::{self, ACK, Frame, GoAway, Scanner, Settings, kind};

/// The first bytes of a server that speaks HTTP/1.
const HTTP1: &[u8] = b"HTTP/1.";
/// The most reads after a failed write.
const MAX_LAST_READS: usize = 8;

/// The observations of a connection so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct ObservedFrames {
    /// Its first SETTINGS.
    pub(crate) settings: Option<Settings>,
    /// The time at which they arrived.
    pub(crate) settings_at: Option<Instant>,
    /// The first GOAWAY that has a reason, or else the last one.
    pub(crate) goaway: Option<GoAway>,
    /// The alert that ended the connection.
    pub(crate) alert: Option<u8>,
    /// The first bytes, enough to recognise HTTP/1.
    pub(crate) start: Vec<u8>,
    /// True if its first frame was neither SETTINGS (RFC 9113 section 3.4) nor GOAWAY.
    pub(crate) has_wrong_start: bool,
    /// True if the server has closed its side.
    pub(crate) is_closed: bool,
    /// The lowest last stream of its GOAWAYs: requests above it were not processed (RFC 9113 section 6.8).
    pub(crate) last_processed: Option<u32>,
    /// The last stream whose headers were handed to the transport whole.
    pub(crate) last_written: u32,
    /// The time of the last bytes from the server.
    pub(crate) heard_at: Option<Instant>,
}

/// Whether a server can have processed a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Processing {
    /// It has not: the request was not written whole, or is above the last stream of a GOAWAY.
    Excluded,
    Possible,
}

impl ObservedFrames {
    /// Returns whether the server speaks HTTP/1.
    pub(crate) fn is_http1(&self) -> bool {
        self.start.starts_with(HTTP1)
    }

    /// Returns whether SETTINGS have arrived, or something else in their place.
    pub(crate) fn has_begun(&self) -> bool {
        self.settings.is_some() || self.goaway.is_some() || self.has_wrong_start || self.is_closed || self.is_http1()
    }

    /// Returns whether the server can have processed the request on a stream, once the connection is over.
    pub(crate) fn processing_of(&self, stream: u32) -> Processing {
        let is_above_last = self.last_processed.is_some_and(|last| stream > last);
        if is_above_last || stream > self.last_written { Processing::Excluded } else { Processing::Possible }
    }

    fn add_frame(&mut self, frame: &Frame) {
        let is_valid_start = matches!(frame.kind, kind::SETTINGS | kind::GOAWAY);
        self.has_wrong_start |= self.settings.is_none() && !is_valid_start;
        match frame.kind {
            kind::SETTINGS if frame.flags & ACK == 0 => self.add_settings(&frame.payload),
            kind::GOAWAY => self.add_goaway(frames::parse_goaway(&frame.payload)),
            _ => {}
        }
    }

    fn add_settings(&mut self, payload: &[u8]) {
        if self.settings.is_none() && !self.is_http1() {
            self.settings = Some(frames::parse_settings(payload));
            self.settings_at = Some(Instant::now());
        }
    }

    fn add_goaway(&mut self, goaway: Option<GoAway>) {
        if let Some(goaway) = &goaway {
            let last = self.last_processed.unwrap_or(u32::MAX);
            self.last_processed = Some(last.min(goaway.last_stream));
        }
        let has_reason = matches!(&self.goaway, Some(GoAway { reason: Some(_), .. }));
        if goaway.is_some() && !has_reason {
            self.goaway = goaway;
        }
    }
}

/// The observed frames, shared between the [`Tap`] and the tasks that wait for frames.
#[derive(Debug, Clone, Default)]
pub(crate) struct FrameObserver {
    frames: Arc<Mutex<ObservedFrames>>,
    changed: Arc<Notify>,
}

impl FrameObserver {
    /// Returns a copy of what was observed so far.
    pub(crate) fn frames(&self) -> ObservedFrames {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `is_met` returns true.
    pub(crate) async fn wait(&self, is_met: impl Fn(&ObservedFrames) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_met(&self.frames()) {
                return;
            }
            changed.await;
        }
    }

    /// Waits for the next bytes of the server, or for its end.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Looks at what was observed, without a copy.
    pub(crate) fn look<T>(&self, read: impl FnOnce(&ObservedFrames) -> T) -> T {
        read(&self.frames.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn update(&self, change: impl FnOnce(&mut ObservedFrames)) {
        change(&mut self.frames.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }
}

/// A stream whose incoming frames are observed.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    inner: S,
    scanner: Scanner,
    /// Finds the frames that this side sends.
    own_scanner: Scanner,
    observer: FrameObserver,
}

impl<S> Tap<S> {
    pub(crate) fn new(inner: S, observer: FrameObserver) -> Self {
        Self { inner, scanner: Scanner::default(), own_scanner: Scanner::after_preface(), observer }
    }

    fn observe_written(&mut self, bytes: &[u8]) {
        let mut last = 0;
        self.own_scanner.feed(bytes, |frame| {
            if frame.kind == kind::HEADERS {
                last = frame.stream;
            }
        });
        if last > 0 {
            self.observer.frames.lock().unwrap_or_else(PoisonError::into_inner).last_written = last;
        }
    }

    fn observe_bytes(&mut self, bytes: &[u8]) {
        let scanner = &mut self.scanner;
        self.observer.update(|frames| {
            let room = HTTP1.len().saturating_sub(frames.start.len());
            frames.start.extend_from_slice(&bytes[..room.min(bytes.len())]);
            frames.is_closed |= bytes.is_empty();
            frames.heard_at = Some(Instant::now());
            scanner.feed(bytes, |frame| frames.add_frame(&frame));
        });
    }

    fn observe_error(&self, error: &io::Error) {
        self.observer.update(|frames| {
            frames.is_closed = true;
            if frames.alert.is_none() {
                frames.alert = alert::received_in(error);
            }
        });
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut this.inner).poll_read(cx, buffer));
        match &result {
            Ok(()) => this.observe_bytes(&buffer.filled()[before..]),
            Err(error) => this.observe_error(error),
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tap<S> {
    /// Reads what the server sent before a write failed: its GOAWAY or alert may still be unread.
    fn read_last_bytes(&mut self, cx: &mut Context<'_>) {
        let mut space = [0; 4096];
        for _ in 0..MAX_LAST_READS {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.observe_bytes(buffer.filled()),
                Poll::Ready(Err(error)) => return self.observe_error(&error),
                Poll::Ready(Ok(())) | Poll::Pending => return,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes));
        match &result {
            Ok(written) => this.observe_written(&bytes[..*written]),
            Err(_) => this.read_last_bytes(cx),
        }
        Poll::Ready(result)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
