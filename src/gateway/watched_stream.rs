//! A stream between TLS and `h2` that makes up for two things. At the client's end `h2` forgets the requests that it has
//! read and not handed out: the end is held back until they are answered. And `h2` tells nobody but the client which
//! streams it refuses: they are noted for the log.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use h2::Reason;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::http2::frames::{Frame, Scanner, kind};

/// The way of the client's end, or of its failure, to `h2`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum ClientEnd {
    /// It has not come, and `h2` will see it at once.
    #[default]
    Unguarded,
    /// It has not come, and will be held back.
    Guarded,
    /// It has come, and `h2` may have requests.
    Held,
    /// `h2` has no further requests, and payloads may be in their tasks.
    Draining,
    Released,
}

/// The step that follows when `h2` has nothing to hand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuietStep {
    Wait,
    /// The payloads that have arrived are taken first.
    Drain,
    /// `h2` is asked again, and sees the end.
    AskAgain,
}

#[derive(Default)]
struct WatchData {
    end: ClientEnd,
    is_logged: bool,
    /// Streams that `h2` has refused.
    refused: Vec<u32>,
    /// Streams that the gateway refuses, with a line of their own in the log.
    own_refusals: Vec<u32>,
}

/// The handle by which the connection's loop acts on the stream.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<Mutex<WatchData>>);

impl Watch {
    fn lock(&self) -> MutexGuard<'_, WatchData> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the end back from now on.
    pub(super) fn guard_end(&self) {
        self.lock().end = ClientEnd::Guarded;
    }

    /// Brings an end that is held back one step further.
    pub(super) fn on_quiet(&self) -> QuietStep {
        let mut data = self.lock();
        let (end, step) = match data.end {
            ClientEnd::Held => (ClientEnd::Draining, QuietStep::Drain),
            ClientEnd::Draining => (ClientEnd::Released, QuietStep::AskAgain),
            other => (other, QuietStep::Wait),
        };
        data.end = end;
        step
    }

    /// Keeps a stream that the gateway refuses from being noted.
    pub(super) fn expect_refusal(&self, stream: u32) {
        let mut data = self.lock();
        if data.is_logged {
            data.own_refusals.push(stream);
        }
    }

    /// Takes the streams that were refused since the last call.
    pub(super) fn take_refused(&self) -> Vec<u32> {
        std::mem::take(&mut self.lock().refused)
    }

    fn note(&self, frame: &Frame) {
        if frame.kind != kind::RST_STREAM || frame.payload != u32::from(Reason::REFUSED_STREAM).to_be_bytes() {
            return;
        }
        let mut data = self.lock();
        match data.own_refusals.iter().position(|own| *own == frame.stream) {
            Some(place) => drop(data.own_refusals.swap_remove(place)),
            None => data.refused.push(frame.stream),
        }
    }
}

/// The stream, for `h2`.
pub(super) struct WatchedStream<S> {
    inner: S,
    watch: Watch,
    /// Finds the frames that are sent; `None` without a log.
    sent: Option<Scanner>,
    /// The failure that is held back.
    failure: Option<io::Error>,
    /// Nothing reaches the client any more.
    is_broken: bool,
}

impl<S> WatchedStream<S> {
    pub(super) fn new(inner: S, is_logged: bool) -> (Self, Watch) {
        let watch = Watch::default();
        watch.lock().is_logged = is_logged;
        let sent = if is_logged { Some(Scanner::default()) } else { None };
        (Self { inner, watch: watch.clone(), sent, failure: None, is_broken: false }, watch)
    }

    /// Takes note of a failure to write. What the client had sent before is still read.
    fn break_off(&mut self, error: io::Error, cx: &Context<'_>) -> io::Result<()> {
        if matches!(self.watch.lock().end, ClientEnd::Unguarded | ClientEnd::Released) {
            return Err(error);
        }
        self.is_broken = true;
        self.failure.get_or_insert(error);
        // Nothing else may wake the reader.
        cx.waker().wake_by_ref();
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WatchedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let end = this.watch.lock().end;
        match end {
            ClientEnd::Unguarded => return Pin::new(&mut this.inner).poll_read(cx, buffer),
            ClientEnd::Guarded => {}
            ClientEnd::Held | ClientEnd::Draining => return Poll::Pending,
            ClientEnd::Released => return Poll::Ready(this.failure.take().map_or(Ok(()), Err)),
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Pending if !this.is_broken => return Poll::Pending,
            Poll::Ready(Ok(())) if buffer.filled().len() > before => return Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => drop(this.failure.get_or_insert(error)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        this.watch.lock().end = ClientEnd::Held;
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WatchedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let mut length = bytes.len();
        if !this.is_broken {
            match Pin::new(&mut this.inner).poll_write(cx, bytes) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(written)) => length = written,
                Poll::Ready(Err(error)) => this.break_off(error, cx)?,
            }
        }
        if let Some(scanner) = &mut this.sent {
            scanner.feed(&bytes[..length], |frame| this.watch.note(&frame));
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_broken {
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut this.inner).poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(this.break_off(error, cx)),
            other => other,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_broken {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}
