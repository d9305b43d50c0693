//! The limit of one stream that holds until a provider has shown a valid token. `h2` cannot change its limit later, so
//! that the number is changed on its way: first in the SETTINGS of `h2`, then in SETTINGS that `h2` sends without need.
//! And the last stream of GOAWAY, which must not rise after a fault has sent one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::http2::frames::{ACK, kind};

/// The size of a parameter of SETTINGS: its identifier, and its value.
const PARAMETER: usize = 6;
/// MAX_CONCURRENT_STREAMS and INITIAL_WINDOW_SIZE (RFC 9113 section 6.5.2).
const MAX_CONCURRENT_STREAMS: u8 = 3;
const INITIAL_WINDOW_SIZE: u8 = 4;

/// The size of the last stream in GOAWAY.
const LAST_STREAM: usize = 4;

/// The last stream of the GOAWAY that a fault has sent. Those of `h2` must not name a higher one (RFC 9113 section 6.8).
#[derive(Clone)]
pub(super) struct LastStream(Arc<AtomicU32>);

impl Default for LastStream {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(u32::MAX)))
    }
}

impl LastStream {
    pub(super) fn set(&self, stream: u32) {
        self.0.store(stream, Ordering::Relaxed);
    }

    fn get(&self) -> Option<u32> {
        match self.0.load(Ordering::Relaxed) {
            u32::MAX => None,
            stream => Some(stream),
        }
    }
}

/// The change that the next SETTINGS needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// MAX_CONCURRENT_STREAMS becomes 1.
    Lower,
    /// INITIAL_WINDOW_SIZE becomes MAX_CONCURRENT_STREAMS.
    Raise(u32),
    Nothing,
}

/// A stream between TLS and `h2`.
pub(super) struct LimitedStream<S> {
    inner: S,
    change: Change,
    max_streams: u32,
    /// `None` if no fault sends GOAWAY.
    last_stream: Option<LastStream>,
    place: FramePlace,
    /// Bytes of `h2`, changed, on their way.
    outgoing: Vec<u8>,
}

/// The place in the frames that are written.
#[derive(Default)]
struct FramePlace {
    header: Vec<u8>,
    is_settings: bool,
    /// The last stream that a GOAWAY gets.
    goaway_stream: Option<u32>,
    /// The bytes of the payload that have passed, and the rest of it.
    passed: usize,
    left: usize,
    /// The identifier of the parameter, before its change.
    identifier: u8,
}

impl<S> LimitedStream<S> {
    /// Leaves a stream as it is.
    pub(super) fn unlimited(inner: S) -> Self {
        Self::with_change(inner, Change::Nothing, 0)
    }

    /// Lowers the limit to one stream until `h2` sends SETTINGS for a second time.
    pub(super) fn until_second_settings(inner: S, max_streams: u32) -> Self {
        Self::with_change(inner, Change::Lower, max_streams)
    }

    fn with_change(inner: S, change: Change, max_streams: u32) -> Self {
        Self { inner, change, max_streams, last_stream: None, place: FramePlace::default(), outgoing: Vec::new() }
    }

    /// Keeps the last stream in GOAWAY from rising.
    pub(super) fn with_last_stream(self, last_stream: LastStream) -> Self {
        Self { last_stream: Some(last_stream), ..self }
    }

    /// Changes bytes on their way.
    fn rewrite(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.place.left == 0 {
                self.place.take_header(*byte, self.last_stream.as_ref());
                continue;
            }
            if self.place.is_settings {
                *byte = self.change.apply(&mut self.place, *byte);
            }
            if let Some(stream) = self.place.goaway_stream
                && self.place.passed < LAST_STREAM
            {
                *byte = stream.to_be_bytes()[self.place.passed];
            }
            self.place.passed += 1;
            self.place.left -= 1;
            if self.place.left == 0 && self.place.is_settings {
                self.change = self.change.next(self.max_streams);
            }
        }
    }
}

impl FramePlace {
    fn take_header(&mut self, byte: u8, last_stream: Option<&LastStream>) {
        self.header.push(byte);
        let &[a, b, c, kind, flags, _, _, _, _] = self.header.as_slice() else { return };
        self.header.clear();
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        self.passed = 0;
        self.is_settings = kind == kind::SETTINGS && flags & ACK == 0;
        self.goaway_stream = if kind == kind::GOAWAY { last_stream.and_then(LastStream::get) } else { None };
    }
}

impl Change {
    /// Returns a byte of SETTINGS after the change.
    fn apply(self, place: &mut FramePlace, byte: u8) -> u8 {
        let offset = place.passed % PARAMETER;
        if offset == 1 {
            place.identifier = byte;
        }
        match (self, offset) {
            (Self::Raise(_), 1) if byte == INITIAL_WINDOW_SIZE => MAX_CONCURRENT_STREAMS,
            (Self::Lower, 2..) if place.identifier == MAX_CONCURRENT_STREAMS => 1_u32.to_be_bytes()[offset - 2],
            (Self::Raise(limit), 2..) if place.identifier == INITIAL_WINDOW_SIZE => limit.to_be_bytes()[offset - 2],
            _ => byte,
        }
    }

    fn next(self, max_streams: u32) -> Self {
        match self {
            Self::Lower => Self::Raise(max_streams),
            Self::Raise(_) | Self::Nothing => Self::Nothing,
        }
    }
}

impl<S: AsyncWrite + Unpin> LimitedStream<S> {
    fn poll_outgoing(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let length = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.outgoing))?;
            self.outgoing.drain(..length);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LimitedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LimitedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        if this.change == Change::Nothing && this.last_stream.is_none() {
            return Pin::new(&mut this.inner).poll_write(cx, bytes);
        }
        let mut changed = bytes.to_vec();
        this.rewrite(&mut changed);
        this.outgoing = changed;
        match this.poll_outgoing(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What is left is written by the next write, or the next flush.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_outgoing(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 0], payload].concat()
    }

    #[test]
    fn the_first_settings_lower_the_limit_and_the_second_raise_it() {
        let first = [0, 1, 0, 0, 16, 0, 0, 3, 0, 0, 3, 232, 0, 4, 0, 0, 255, 255];
        let window = [0, 4, 0, 0, 255, 255];
        let lowered = [0, 1, 0, 0, 16, 0, 0, 3, 0, 0, 0, 1, 0, 4, 0, 0, 255, 255];
        let raised = [0, 3, 0, 0, 3, 232];
        let others = [frame(4, ACK, &[]), frame(1, 4, &[3; 30])].concat();
        let sent = [frame(4, 0, &first), others.clone(), frame(4, 0, &window), others.clone()].concat();
        let expected = [frame(4, 0, &lowered), others.clone(), frame(4, 0, &raised), others].concat();
        for size in 1..sent.len() {
            let mut stream = LimitedStream::until_second_settings((), 1000);
            let mut changed = sent.clone();
            for piece in changed.chunks_mut(size) {
                stream.rewrite(piece);
            }
            assert_eq!(changed, expected, "{size}");
            assert_eq!(stream.change, Change::Nothing);
        }
    }

    #[test]
    fn the_last_stream_of_goaway_does_not_rise() {
        let goaway = |last: u32| frame(7, 0, &[last.to_be_bytes(), [0; 4]].concat());
        let data = frame(0, 0, &[9; 20]);
        let sent = [data.clone(), goaway(0x7fff_ffff), data.clone(), goaway(19)].concat();
        let expected = [data.clone(), goaway(9), data, goaway(9)].concat();
        for size in 1..sent.len() {
            let last_stream = LastStream::default();
            let mut stream = LimitedStream::unlimited(()).with_last_stream(last_stream.clone());
            let mut unchanged = sent.clone();
            stream.rewrite(&mut unchanged);
            assert_eq!(unchanged, sent, "before the fault");
            last_stream.set(9);
            let mut changed = sent.clone();
            for piece in changed.chunks_mut(size) {
                stream.rewrite(piece);
            }
            assert_eq!(changed, expected, "{size}");
        }
    }
}
