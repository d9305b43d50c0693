//! The faults that are played after the TLS handshake, frame by frame.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::gateway::fault::FrameFault;
use crate::gateway::raw_http2::RawHttp2;
use crate::net::http2::frames::kind;

/// The end of a connection with a fault.
enum FaultEnding {
    Close,
    Silence,
}

/// Plays a fault on a connection, to its end.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(fault: &FrameFault, stream: S) {
    let mut http2 = RawHttp2::new(stream);
    match play(fault, &mut http2).await {
        Ok(FaultEnding::Close) => http2.close().await,
        Ok(FaultEnding::Silence) => http2.stay_silent().await,
        // The client has gone.
        Err(_) => {}
    }
}

async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    fault: &FrameFault,
    http2: &mut RawHttp2<S>,
) -> io::Result<FaultEnding> {
    match fault {
        FrameFault::CloseTls => {}
        FrameFault::StallSettings => return Ok(FaultEnding::Silence),
        FrameFault::NoSettings => {
            http2.send_frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0xff, 0xff]).await?;
            // A client that closes without GOAWAY is answered in the same way.
            let _ = http2.wait_for(kind::GOAWAY).await;
        }
        FrameFault::Garbage => send_garbage(http2).await?,
        FrameFault::Http1 => {
            http2.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
        }
        FrameFault::GoAway(reason) => {
            http2.exchange_settings().await?;
            http2.send_goaway(0, reason).await?;
        }
    }
    Ok(FaultEnding::Close)
}

/// Sends HEADERS on stream 0, a frame that is larger than allowed, and noise.
async fn send_garbage<S: AsyncRead + AsyncWrite + Unpin>(http2: &mut RawHttp2<S>) -> io::Result<()> {
    http2.exchange_settings().await?;
    http2.send_frame(kind::HEADERS, 0xff, 0, &[0xff; 32]).await?;
    http2.send_frame(kind::SETTINGS, 0, 7, &vec![0x5a; 40_000]).await?;
    let mut noise = Vec::new();
    for number in 0..4096_u32 {
        noise.push(number.wrapping_mul(167).to_le_bytes()[0]);
    }
    http2.send(&noise).await
}
