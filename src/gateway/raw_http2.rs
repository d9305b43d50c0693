//! What `h2` cannot be made to say: frames by hand (RFC 9113 section 4.1), for the GOAWAY with which
//! APNs refuses a certificate of the other environment, and for faults.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Sleep, sleep, timeout};

use crate::gateway::SETTINGS;
use crate::net::frames::{ACK, Frame, Scanner, kind};

/// How long a client is listened to that is told goodbye, so that its last bytes do not reset the
/// connection before it has read.
const LINGER: Duration = Duration::from_secs(2);
/// How long and how much a fault listens.
const PATIENCE: Duration = Duration::from_secs(600);
const MAX_HEARD: usize = 1 << 20;
/// Between two bytes of the slow fault.
const SLOWNESS: Duration = Duration::from_millis(100);

/// A frame's bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The gateway's SETTINGS.
pub(super) fn settings() -> Vec<u8> {
    let entry = |(id, value): (u16, u32)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let payload: Vec<u8> = (1..).zip(SETTINGS).filter_map(|(id, value)| Some((id, value?))).flat_map(entry).collect();
    frame(kind::SETTINGS, 0, 0, &payload)
}

/// GOAWAY with NO_ERROR and a reason.
pub(super) fn goaway(last_stream: u32, reason: &str) -> Vec<u8> {
    let mut payload = last_stream.to_be_bytes().to_vec();
    payload.extend([0; 4]);
    payload.extend(serde_json::json!({ "reason": reason }).to_string().into_bytes());
    frame(kind::GOAWAY, 0, 0, &payload)
}

/// Speaks frame by frame.
pub(super) struct ByHand<S> {
    stream: S,
    scanner: Scanner,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByHand<S> {
    /// On a stream that nobody has spoken on yet.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, scanner: Scanner::after_preface() }
    }

    /// The stream, as it was where nothing was said.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// Says this.
    ///
    /// # Errors
    /// When the client has gone.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Listens until a frame of this kind has come; `None` when the client has gone or says too much.
    pub(super) async fn hear(&mut self, wanted: u8) -> Option<Frame> {
        let listen = async {
            let mut space = [0; 4096];
            let mut heard = 0;
            loop {
                let length = self.stream.read(&mut space).await.ok().filter(|length| *length > 0)?;
                let mut found = None;
                self.scanner.feed(&space[..length], |frame| {
                    if frame.kind == wanted && found.is_none() {
                        found = Some(frame);
                    }
                });
                heard += length;
                if found.is_some() || heard > MAX_HEARD {
                    return found;
                }
            }
        };
        timeout(PATIENCE, listen).await.ok().flatten()
    }

    /// SETTINGS, both ways.
    pub(super) async fn greet(&mut self) -> io::Result<()> {
        self.say(&settings()).await?;
        if self.hear(kind::SETTINGS).await.is_none() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.say(&frame(kind::SETTINGS, ACK, 0, &[])).await
    }

    /// Closes, and listens on for a while.
    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
        linger(&mut self.stream, LINGER).await;
    }

    /// Says nothing more.
    pub(super) async fn stall(mut self) {
        linger(&mut self.stream, PATIENCE).await;
    }
}

/// Reads what comes, and forgets it, until the client closes.
pub(super) async fn linger(stream: &mut (impl AsyncRead + Unpin), limit: Duration) {
    let drain = async {
        let mut space = [0; 4096];
        while stream.read(&mut space).await.is_ok_and(|length| length > 0) {}
    };
    let _ = timeout(limit, drain).await;
}

/// Refuses a client as APNs does one of the other environment: TLS and SETTINGS, then GOAWAY.
pub(super) async fn dismiss(stream: impl AsyncRead + AsyncWrite + Unpin, reason: &str) {
    let mut hand = ByHand::new(stream);
    if hand.greet().await.is_ok() && hand.say(&goaway(0, reason)).await.is_ok() {
        hand.close().await;
    }
}

/// A stream that writes a byte at a time, and waits.
pub(super) struct Slow<S> {
    inner: S,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Slow<S> {
    /// Slows `inner` down, or not.
    pub(super) fn new(inner: S, is_slow: bool) -> Self {
        Self { inner, pause: is_slow.then(|| Box::pin(sleep(SLOWNESS))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Slow<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Slow<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let Some(pause) = &mut this.pause else { return Pin::new(&mut this.inner).poll_write(cx, bytes) };
        ready!(pause.as_mut().poll(cx));
        pause.set(sleep(SLOWNESS));
        Pin::new(&mut this.inner).poll_write(cx, &bytes[..bytes.len().min(1)])
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
