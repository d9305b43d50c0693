//! A stream that takes note of what goes by: SETTINGS, GOAWAY, and the alert that ends it. `h2` shows
//! the debug data of a GOAWAY only inside a message, and an alert of TLS 1.3 comes with the first read.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::net::frames::{self, ACK, Frame, GoAway, Scanner, Settings, kind};

/// The reasons of OpenSSL's errors that stand for alerts received begin here (SSL_AD_REASON_OFFSET).
const ALERT_OFFSET: i32 = 1000;

/// What a server that speaks HTTP/1 begins with.
const HTTP1: &[u8] = b"HTTP/1.";

/// What went by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// The server's first SETTINGS.
    pub(crate) settings: Option<Settings>,
    /// When they came.
    pub(crate) settings_at: Option<Instant>,
    /// Whether it has acknowledged ours, and so has read what came after our certificate.
    pub(crate) is_acknowledged: bool,
    /// The last GOAWAY that has a reason, or else the last.
    pub(crate) goaway: Option<GoAway>,
    /// The alert that ended the stream.
    pub(crate) alert: Option<u8>,
    /// The first bytes of the stream.
    pub(crate) start: Vec<u8>,
    /// Whether its first frame was another than SETTINGS (RFC 9113 section 3.4), or GOAWAY.
    pub(crate) begins_otherwise: bool,
    /// Whether the server has closed its side.
    pub(crate) is_closed: bool,
}

impl Seen {
    /// Whether the server speaks HTTP/1.
    pub(crate) fn is_http1(&self) -> bool {
        self.start.starts_with(HTTP1)
    }

    /// Whether SETTINGS have come, or what comes instead.
    pub(crate) fn has_begun(&self) -> bool {
        self.settings.is_some() || self.goaway.is_some() || self.begins_otherwise || self.is_closed || self.is_http1()
    }

    fn note_frame(&mut self, frame: &Frame) {
        let is_greeting = matches!(frame.kind, kind::SETTINGS | kind::GOAWAY);
        self.begins_otherwise |= self.settings.is_none() && !is_greeting;
        match frame.kind {
            kind::SETTINGS if frame.flags & ACK != 0 => self.is_acknowledged = true,
            kind::SETTINGS if self.settings.is_none() && !self.is_http1() => {
                self.settings = Some(frames::parse_settings(&frame.payload));
                self.settings_at = Some(Instant::now());
            }
            kind::GOAWAY => {
                let goaway = frames::parse_goaway(&frame.payload);
                if self.goaway.as_ref().is_none_or(|known| known.reason.is_none()) {
                    self.goaway = goaway.or(self.goaway.take());
                }
            }
            _ => {}
        }
    }
}

/// What is seen, shared between the stream and whoever waits for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    seen: Arc<Mutex<Seen>>,
    changed: Arc<Notify>,
}

impl Notes {
    /// A copy of what was seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `is_met`.
    pub(crate) async fn wait(&self, is_met: impl Fn(&Seen) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_met(&self.seen()) {
                return;
            }
            changed.await;
        }
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
    }
}

/// The stream.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    inner: S,
    scanner: Scanner,
    notes: Notes,
}

impl<S> Tap<S> {
    /// Listens to `inner`.
    pub(crate) fn new(inner: S, notes: Notes) -> Self {
        Self { inner, scanner: Scanner::default(), notes }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let scanner = &mut self.scanner;
        self.notes.note(|seen| {
            let room = HTTP1.len().saturating_sub(seen.start.len());
            seen.start.extend_from_slice(&bytes[..room.min(bytes.len())]);
            seen.is_closed |= bytes.is_empty();
            scanner.feed(bytes, |frame| seen.note_frame(&frame));
        });
    }

    fn fail(&self, error: &io::Error) {
        self.notes.note(|seen| {
            seen.is_closed = true;
            seen.alert = seen.alert.or_else(|| alert_in(error));
        });
    }
}

/// The alert inside an error of a TLS stream.
pub(crate) fn alert_in(error: &io::Error) -> Option<u8> {
    let error = error.get_ref()?.downcast_ref::<openssl::ssl::Error>()?;
    alert_received(error)
}

/// The alert that an error of OpenSSL stands for.
pub(crate) fn alert_received(error: &openssl::ssl::Error) -> Option<u8> {
    let codes = error.ssl_error()?.errors().iter().map(openssl::error::Error::reason_code);
    codes.filter_map(|code| u8::try_from(code - ALERT_OFFSET).ok()).next()
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut this.inner).poll_read(cx, buffer));
        match &result {
            Ok(()) => this.hear(&buffer.filled()[before..]),
            Err(error) => this.fail(error),
        }
        Poll::Ready(result)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Tap<S> {
    /// After a write has failed the server's last words may still wait to be read.
    fn listen_once_more(&mut self, cx: &mut Context<'_>) {
        let mut space = [0; 4096];
        for _ in 0..8 {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.hear(buffer.filled()),
                Poll::Ready(Err(error)) => return self.fail(&error),
                Poll::Ready(Ok(())) | Poll::Pending => return,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = ready!(Pin::new(&mut this.inner).poll_write(cx, bytes));
        if result.is_err() {
            this.listen_once_more(cx);
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
