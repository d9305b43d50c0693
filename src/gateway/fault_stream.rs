//! A stream between TLS and `h2` that can do what `h2` cannot: send SETTINGS and GOAWAY of its own between the
//! frames of `h2`, fall silent, and reset the TCP connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use crate::gateway::throttle::ThrottledStream;
use crate::net::http2::frames::{ACK, PREFACE, kind};

/// A client's connection after the TLS handshake.
pub(super) type ClientStream = SslStream<ThrottledStream<TcpStream>>;

/// The size of a frame's header.
const HEADER: usize = 9;

/// The state of a connection with faults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum LinkState {
    #[default]
    Open,
    /// What is written and read is thrown away.
    Silent,
    Closed,
    /// Closed, so that the client sees RST.
    Reset,
}

/// The part that the connection's loop shares with its stream.
#[derive(Default)]
struct LinkData {
    state: LinkState,
    /// Whether bytes of `h2` wait for the client to read.
    is_blocked: bool,
    /// Frames to send before the next one of `h2`.
    injected: Vec<u8>,
    /// For each of the injected SETTINGS that the client has acknowledged, its highest stream before that.
    acknowledged: Vec<u32>,
}

/// The handle by which the connection's loop acts on the stream.
#[derive(Clone, Default)]
pub(super) struct Link(Arc<Mutex<LinkData>>);

impl Link {
    fn lock(&self) -> MutexGuard<'_, LinkData> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame as soon as `h2` is between two of its own.
    pub(super) fn inject(&self, frame: &[u8]) {
        self.lock().injected.extend_from_slice(frame);
    }

    /// Enters another state, for good.
    pub(super) fn enter(&self, state: LinkState) {
        self.lock().state = state;
    }

    /// Returns whether `h2` could not write all that it has.
    pub(super) fn is_blocked(&self) -> bool {
        self.lock().is_blocked
    }

    /// Returns how many of the injected SETTINGS were acknowledged before the client opened a stream.
    pub(super) fn acknowledged_before(&self, stream_id: u32) -> usize {
        self.lock().acknowledged.iter().filter(|highest| **highest < stream_id).count()
    }
}

/// The stream, for `h2`.
pub(super) struct FaultStream {
    inner: ClientStream,
    link: Link,
    written: FrameCursor,
    /// Injected frames on their way.
    outgoing: Vec<u8>,
    filter: AckFilter,
    /// Bytes that passed the filter.
    incoming: BytesMut,
}

impl FaultStream {
    pub(super) fn new(inner: ClientStream, link: Link) -> Self {
        Self {
            inner,
            link,
            written: FrameCursor::default(),
            outgoing: Vec::new(),
            filter: AckFilter::default(),
            incoming: BytesMut::new(),
        }
    }

    /// Writes what was injected, if `h2` is between two frames. Returns whether more waits for the end of a frame.
    fn poll_injected(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let is_between = self.written.is_between_frames();
        {
            let mut link = self.link.lock();
            if !is_between && self.outgoing.is_empty() {
                return Poll::Ready(Ok(!link.injected.is_empty()));
            }
            self.outgoing.append(&mut link.injected);
        }
        while !self.outgoing.is_empty() {
            let length = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.outgoing))?;
            self.outgoing.drain(..length);
        }
        Poll::Ready(Ok(false))
    }

    /// Reads from the client until bytes for `h2` are there. Returns false at the end.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut bytes = [0; 16_384];
        while self.incoming.is_empty() {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(false));
            }
            let mut link = self.link.lock();
            if link.state == LinkState::Open {
                self.filter.pass(buffer.filled(), &mut self.incoming, &mut link.acknowledged);
            }
        }
        Poll::Ready(Ok(true))
    }
}

impl AsyncRead for FaultStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let state = this.link.lock().state;
        match state {
            LinkState::Open | LinkState::Silent => {}
            LinkState::Closed => return Poll::Ready(Ok(())),
            LinkState::Reset => {
                this.inner.get_ref().reset_on_close();
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        if ready!(this.poll_incoming(cx))? {
            let length = buffer.remaining().min(this.incoming.len());
            buffer.put_slice(&this.incoming.split_to(length));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FaultStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.link.lock().state != LinkState::Open {
            return Poll::Ready(Ok(bytes.len()));
        }
        let waits_for_end = ready!(this.poll_injected(cx))?;
        let limit = if waits_for_end { this.written.clone().step(bytes) } else { bytes.len() };
        let written = Pin::new(&mut this.inner).poll_write(cx, &bytes[..limit]);
        this.link.lock().is_blocked = written.is_pending();
        let length = ready!(written)?;
        this.written.advance(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.link.lock().state == LinkState::Open {
            ready!(this.poll_injected(cx))?;
        }
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// The place in a sequence of frames that is written or read in pieces.
#[derive(Debug, Clone, Default)]
struct FrameCursor {
    /// The bytes of a header that is not complete.
    header: Vec<u8>,
    /// The rest of the frame's payload.
    left: usize,
}

impl FrameCursor {
    fn is_between_frames(&self) -> bool {
        self.header.is_empty() && self.left == 0
    }

    fn advance(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = &bytes[self.step(bytes)..];
        }
    }

    /// Goes to the end of a frame, or of the bytes; returns the number of bytes up to there.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        if self.left == 0 {
            taken = (HEADER - self.header.len()).min(bytes.len());
            self.header.extend_from_slice(&bytes[..taken]);
            let &[a, b, c, _, _, _, _, _, _] = self.header.as_slice() else { return taken };
            self.left = u32::from_be_bytes([0, a, b, c]) as usize;
            self.header.clear();
        }
        let payload = self.left.min(bytes.len() - taken);
        self.left -= payload;
        taken + payload
    }
}

/// Keeps the acknowledgements of injected SETTINGS from `h2`, which has not sent these.
#[derive(Debug, Default)]
struct AckFilter {
    /// The bytes of the preface that have passed.
    preface: usize,
    header: Vec<u8>,
    left: usize,
    /// The client has acknowledged the SETTINGS of `h2`, which came first.
    saw_first: bool,
    highest_stream: u32,
}

impl AckFilter {
    /// Appends what `h2` may see to `passed`.
    fn pass(&mut self, bytes: &[u8], passed: &mut BytesMut, acknowledged: &mut Vec<u32>) {
        let (preface, mut rest) = bytes.split_at((PREFACE.len() - self.preface).min(bytes.len()));
        self.preface += preface.len();
        passed.extend_from_slice(preface);
        while !rest.is_empty() {
            if self.left > 0 {
                let (payload, after) = rest.split_at(self.left.min(rest.len()));
                self.left -= payload.len();
                passed.extend_from_slice(payload);
                rest = after;
                continue;
            }
            let (header, after) = rest.split_at((HEADER - self.header.len()).min(rest.len()));
            self.header.extend_from_slice(header);
            rest = after;
            self.end_header(passed, acknowledged);
        }
    }

    /// Lets a complete header pass, or records an acknowledgement.
    fn end_header(&mut self, passed: &mut BytesMut, acknowledged: &mut Vec<u32>) {
        let &[a, b, c, kind, flags, s, t, u, v] = self.header.as_slice() else { return };
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        let is_ack = kind == kind::SETTINGS && flags & ACK != 0 && self.left == 0;
        if kind == kind::HEADERS {
            self.highest_stream = self.highest_stream.max(u32::from_be_bytes([s, t, u, v]) & 0x7fff_ffff);
        }
        if is_ack && self.saw_first {
            acknowledged.push(self.highest_stream);
        } else {
            self.saw_first |= is_ack;
            passed.extend_from_slice(&self.header);
        }
        self.header.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::raw_http2::encode_frame;

    #[test]
    fn the_end_of_a_frame_is_found_in_pieces_of_any_size() {
        let frames = [encode_frame(0, 0, 1, &[7; 20]), encode_frame(4, 1, 0, &[]), encode_frame(6, 0, 0, &[1; 8])];
        let bytes = frames.concat();
        for size in 1..bytes.len() {
            let mut cursor = FrameCursor::default();
            let (mut ends, mut place) = (Vec::new(), 0);
            for mut piece in bytes.chunks(size) {
                while !piece.is_empty() {
                    let length = cursor.step(piece);
                    piece = &piece[length..];
                    place += length;
                    if cursor.is_between_frames() {
                        ends.push(place);
                    }
                }
            }
            assert_eq!(ends, [29, 38, 55], "{size}");
        }
    }

    #[test]
    fn only_the_first_acknowledgement_reaches_h2() {
        let ack = encode_frame(4, 1, 0, &[]);
        let (first, second) = (encode_frame(1, 4, 1, &[5; 9]), encode_frame(1, 4, 3, &[5; 9]));
        let own = encode_frame(4, 0, 0, &[0, 3, 0, 0, 0, 9]);
        let sent = [PREFACE, &own, &ack, &first, &ack, &second, &ack].concat();
        let expected = [PREFACE, &own, &ack, &first, &second].concat();
        for size in 1..sent.len() {
            let (mut passed, mut acknowledged) = (BytesMut::new(), Vec::new());
            let mut filter = AckFilter::default();
            for piece in sent.chunks(size) {
                filter.pass(piece, &mut passed, &mut acknowledged);
            }
            assert_eq!((passed.as_ref(), acknowledged), (expected.as_slice(), vec![1, 3]), "{size}");
        }
    }
}
