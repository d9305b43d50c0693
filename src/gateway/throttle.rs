//! A stream for the fault `slow`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The time between two bytes of a slowed stream.
const BYTE_INTERVAL: Duration = Duration::from_millis(100);

/// A stream that can be slowed down to one byte an interval when it writes.
pub(super) struct ThrottledStream<S> {
    inner: S,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> ThrottledStream<S> {
    /// Leaves a stream as fast as it is.
    pub(super) fn at_full_speed(inner: S) -> Self {
        Self { inner, pause: None }
    }

    /// Slows a stream down.
    pub(super) fn slowed(inner: S) -> Self {
        Self { inner, pause: Some(Box::pin(sleep(BYTE_INTERVAL))) }
    }
}

impl ThrottledStream<TcpStream> {
    /// Makes the end of the connection a reset (RST).
    pub(super) fn reset_on_close(&self) {
        let _ = self.inner.set_zero_linger();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ThrottledStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ThrottledStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(pause) = &mut this.pause else { return Pin::new(&mut this.inner).poll_write(cx, bytes) };
        ready!(pause.as_mut().poll(cx));
        pause.set(sleep(BYTE_INTERVAL));
        Pin::new(&mut this.inner).poll_write(cx, &bytes[..bytes.len().min(1)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
