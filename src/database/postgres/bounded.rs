//! A bound for what a server may send before it says that an answer is complete: the driver keeps whatever comes.

use std::future::{self, Ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

/// The most bytes of an answer. A page of tokens has less than one MiB.
const MAX_ANSWER: u64 = 16 << 20;
/// The length of a message's head: its tag, and the length of the rest, which counts itself (PostgreSQL, "Message Formats").
const HEAD: usize = 5;
/// The tag of the message that ends an answer: the server is ready for a query.
const READY: u8 = b'Z';

/// A stream of messages, which is bounded.
pub(super) struct BoundedStream<S> {
    stream: S,
    bound: Bound,
}

impl<S> BoundedStream<S> {
    /// Bounds a stream that stands before its first message.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, bound: Bound::default() }
    }
}

/// Counts the bytes of an answer.
#[derive(Default)]
struct Bound {
    head: [u8; HEAD],
    /// The bytes of the head that have come.
    filled: usize,
    /// The bytes of the message that have not come.
    missing: usize,
    /// The bytes of the answer, with all of the message.
    answer: u64,
}

impl Bound {
    fn count(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while let Some((first, others)) = rest.split_first() {
            if self.missing > 0 {
                let taken = self.missing.min(rest.len());
                self.missing -= taken;
                rest = &rest[taken..];
                continue;
            }
            self.head[self.filled] = *first;
            self.filled += 1;
            rest = others;
            if self.filled == HEAD {
                self.begin_message()?;
            }
        }
        Ok(())
    }

    fn begin_message(&mut self) -> io::Result<()> {
        let [tag, length @ ..] = self.head;
        let length = u32::from_be_bytes(length);
        self.filled = 0;
        self.missing = usize::try_from(length.saturating_sub(4)).unwrap_or(usize::MAX);
        self.answer = if tag == READY { 0 } else { self.answer + u64::from(length) + 1 };
        if self.answer > MAX_ANSWER {
            let words = format!("it is not PostgreSQL, or its answer is larger than {} MiB", MAX_ANSWER >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for BoundedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let start = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        Poll::Ready(self.bound.count(&buffer.filled()[start..]))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for BoundedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for BoundedStream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Takes a connection as it is, and bounds it. The driver calls it where others begin TLS.
#[derive(Clone)]
pub(super) struct BoundedClear;

impl<S: AsyncRead + AsyncWrite + Unpin> MakeTlsConnect<S> for BoundedClear {
    type Stream = BoundedStream<S>;
    type TlsConnect = Self;
    type Error = io::Error;

    fn make_tls_connect(&mut self, _: &str) -> io::Result<Self> {
        Ok(Self)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsConnect<S> for BoundedClear {
    type Stream = BoundedStream<S>;
    type Error = io::Error;
    type Future = Ready<io::Result<BoundedStream<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        future::ready(Ok(BoundedStream::new(stream)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tag: u8, length: u32) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend((length + 4).to_be_bytes());
        bytes.resize(HEAD + length as usize, 0);
        bytes
    }

    #[test]
    fn an_answer_ends_before_it_is_too_large() {
        let row = message(b'D', 1 << 20);
        for size in [1, 3, 5, 4096, 1 << 21] {
            let mut bound = Bound::default();
            for _ in 0..3 {
                for part in [row.repeat(3), message(READY, 1)].concat().chunks(size) {
                    bound.count(part).unwrap();
                }
            }
            assert_eq!((bound.filled, bound.missing, bound.answer), (0, 0, 0), "{size}");
        }
        let mut bound = Bound::default();
        for _ in 0..15 {
            bound.count(&row).unwrap();
        }
        assert!(bound.count(&row).is_err(), "many messages");
        assert!(Bound::default().count(&[b'E', 0x7f, 0xff, 0xff, 0xff]).is_err(), "one message, unread");
    }
}
