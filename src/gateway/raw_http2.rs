//! HTTP/2 frames written by hand (RFC 9113 section 4.1), for what `h2` cannot send: the GOAWAY with which APNs
//! refuses a certificate of the other environment, and the faults.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::net::http2::frames::{ACK, Frame, Scanner, kind};

/// Time limit for reading after the last frame was sent. Unread bytes would reset the connection before
/// the client has read that frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Time limit for a frame from the client, and for silence towards it.
const WAIT_TIMEOUT: Duration = Duration::from_secs(600);
/// Limit for the bytes that are read while waiting for a frame.
const MAX_WAIT_BYTES: usize = 1 << 20;

/// The identifier of MAX_CONCURRENT_STREAMS (RFC 9113 section 6.5.2).
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// SETTINGS (RFC 9113 section 6.5.2).
pub(super) struct ServerSettings {
    pub(super) header_table_size: u32,
    pub(super) max_concurrent_streams: u32,
    pub(super) initial_window_size: u32,
    pub(super) max_frame_size: u32,
    pub(super) max_header_list_size: u32,
}

/// The SETTINGS that APNs was seen to send.
pub(super) const SETTINGS: ServerSettings = ServerSettings {
    header_table_size: 4096,
    max_concurrent_streams: 1000,
    initial_window_size: 65_535,
    max_frame_size: 16_384,
    max_header_list_size: 8000,
};

/// Encodes one frame. Payloads are shorter than 16 MiB.
pub(super) fn encode_frame(kind: u8, flags: u8, stream_id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream_id.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Encodes GOAWAY with NO_ERROR and a reason.
pub(super) fn encode_goaway(last_stream_id: u32, reason: &str) -> Vec<u8> {
    let mut payload = last_stream_id.to_be_bytes().to_vec();
    payload.extend([0; 4]);
    payload.extend(serde_json::json!({ "reason": reason }).to_string().into_bytes());
    encode_frame(kind::GOAWAY, 0, 0, &payload)
}

/// Encodes SETTINGS with a new MAX_CONCURRENT_STREAMS.
pub(super) fn encode_stream_limit(limit: u32) -> Vec<u8> {
    let mut payload = MAX_CONCURRENT_STREAMS.to_be_bytes().to_vec();
    payload.extend(limit.to_be_bytes());
    encode_frame(kind::SETTINGS, 0, 0, &payload)
}

/// An HTTP/2 connection whose frames are written one by one.
pub(super) struct RawHttp2<S> {
    stream: S,
    scanner: Scanner,
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawHttp2<S> {
    /// Takes a stream on which nothing was sent yet.
    pub(super) fn new(stream: S) -> Self {
        Self { stream, scanner: Scanner::after_preface() }
    }

    /// Sends bytes as they are.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends one frame.
    pub(super) async fn send_frame(&mut self, kind: u8, flags: u8, stream_id: u32, payload: &[u8]) -> io::Result<()> {
        self.send(&encode_frame(kind, flags, stream_id, payload)).await
    }

    /// Sends the gateway's SETTINGS.
    async fn send_settings(&mut self) -> io::Result<()> {
        let entries: [(u16, u32); 5] = [
            (1, SETTINGS.header_table_size),
            (MAX_CONCURRENT_STREAMS, SETTINGS.max_concurrent_streams),
            (4, SETTINGS.initial_window_size),
            (5, SETTINGS.max_frame_size),
            (6, SETTINGS.max_header_list_size),
        ];
        let mut payload = Vec::new();
        for (id, value) in entries {
            payload.extend(id.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        self.send_frame(kind::SETTINGS, 0, 0, &payload).await
    }

    /// Sends GOAWAY with NO_ERROR and a reason.
    pub(super) async fn send_goaway(&mut self, last_stream_id: u32, reason: &str) -> io::Result<()> {
        self.send(&encode_goaway(last_stream_id, reason)).await
    }

    /// Reads until the client has sent a frame of this kind.
    ///
    /// # Errors
    /// When the client closes, sends too much else, or takes too long.
    pub(super) async fn wait_for(&mut self, wanted: u8) -> io::Result<Frame> {
        timeout(WAIT_TIMEOUT, self.read_until(wanted)).await?
    }

    async fn read_until(&mut self, wanted: u8) -> io::Result<Frame> {
        let mut buffer = [0; 4096];
        let mut total = 0;
        while total <= MAX_WAIT_BYTES {
            let length = self.stream.read(&mut buffer).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            total += length;
            let mut first = None;
            self.scanner.feed(&buffer[..length], |frame| {
                if frame.kind == wanted && first.is_none() {
                    first = Some(frame);
                }
            });
            if let Some(frame) = first {
                return Ok(frame);
            }
        }
        Err(io::ErrorKind::QuotaExceeded.into())
    }

    /// Sends SETTINGS, waits for the client's and acknowledges them.
    pub(super) async fn exchange_settings(&mut self) -> io::Result<()> {
        self.send_settings().await?;
        self.wait_for(kind::SETTINGS).await?;
        self.send_frame(kind::SETTINGS, ACK, 0, &[]).await
    }

    /// Closes the connection, and gives the client time to read what was sent.
    pub(super) async fn close(mut self) {
        let _ = self.stream.shutdown().await;
        discard_input(&mut self.stream, CLOSE_TIMEOUT).await;
    }

    /// Sends nothing more until the client closes.
    pub(super) async fn stay_silent(mut self) {
        discard_input(&mut self.stream, WAIT_TIMEOUT).await;
    }
}

/// Reads and discards bytes until the client closes or the time is over.
pub(super) async fn discard_input(stream: &mut (impl AsyncRead + Unpin), limit: Duration) {
    let discard = async {
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
    };
    let _ = timeout(limit, discard).await;
}

/// Refuses a client as APNs does: exchanges SETTINGS, then sends GOAWAY with the reason.
pub(super) async fn refuse_client(stream: impl AsyncRead + AsyncWrite + Unpin, reason: &str) {
    let mut http2 = RawHttp2::new(stream);
    if http2.exchange_settings().await.is_ok() && http2.send_goaway(0, reason).await.is_ok() {
        http2.close().await;
    }
}
