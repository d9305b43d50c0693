//! The stream below TLS: it can be slowed down for the fault `slow`, and sees the alerts that are not encrypted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The content type of alerts (RFC 8446 section 5.1).
const ALERT: u8 = 21;
const MAJOR_VERSION: u8 = 3;
/// The time between two bytes of a slowed stream.
const BYTE_INTERVAL: Duration = Duration::from_millis(100);

/// A stream that can be slowed down to one byte an interval when it writes.
pub(super) struct ThrottledStream<S> {
    inner: S,
    pause: Option<Pin<Box<Sleep>>>,
    sent_alert: Option<u8>,
}

impl<S> ThrottledStream<S> {
    /// Leaves a stream as fast as it is.
    pub(super) fn at_full_speed(inner: S) -> Self {
        Self { inner, pause: None, sent_alert: None }
    }

    /// Slows a stream down.
    pub(super) fn slowed(inner: S) -> Self {
        Self { inner, pause: Some(Box::pin(sleep(BYTE_INTERVAL))), sent_alert: None }
    }

    /// Returns the last alert that was sent, unless it was encrypted.
    pub(super) fn sent_alert(&self) -> Option<u8> {
        self.sent_alert
    }

    /// Notes an alert among the records that are written together.
    fn note_alert(&mut self, mut records: &[u8]) {
        while let &[kind, MAJOR_VERSION, _, high, low, ref rest @ ..] = records {
            if let (ALERT, [_, description]) = (kind, rest) {
                self.sent_alert = Some(*description);
            }
            records = rest.get(usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default();
        }
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
        this.note_alert(bytes);
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
