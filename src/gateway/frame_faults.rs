//! The faults that are played after the TLS handshake, frame by frame.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::gateway::fault::Fault;
use crate::gateway::raw_http2::{ByHand, frame, goaway, settings};
use crate::net::frames::kind;

/// INTERNAL_ERROR (RFC 9113 section 7).
const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];

/// Plays a fault that is one of the wire; gives the stream back where it is none.
pub(super) async fn play<S: AsyncRead + AsyncWrite + Unpin>(fault: &Fault, stream: S) -> Option<S> {
    let mut hand = ByHand::new(stream);
    let result = match fault {
        Fault::CloseTls => Ok(()),
        Fault::StallSettings => return stall(hand).await,
        Fault::NoSettings => no_settings(&mut hand).await,
        Fault::Http1 => http1(&mut hand).await,
        Fault::Garbage => garbage(&mut hand).await,
        Fault::GoAway(reason) => farewell(&mut hand, reason).await,
        Fault::GoAwayMidway(reason) => farewell_midway(&mut hand, reason).await,
        Fault::CloseMidway => request(&mut hand).await.map(|_| ()),
        Fault::Reset => reset(&mut hand).await,
        Fault::StallAnswer => {
            return match request(&mut hand).await {
                Ok(_) => stall(hand).await,
                Err(_) => None,
            };
        }
        _ => return Some(hand.into_inner()),
    };
    if result.is_ok() {
        hand.close().await;
    }
    None
}

async fn stall<S: AsyncRead + AsyncWrite + Unpin>(hand: ByHand<S>) -> Option<S> {
    hand.stall().await;
    None
}

/// Greets, and waits for a request; gives its stream.
async fn request<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>) -> io::Result<u32> {
    // Both may come in one flight: SETTINGS are said without waiting for the client's.
    hand.say(&settings()).await?;
    let headers = hand.hear(kind::HEADERS).await.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(headers.stream)
}

async fn no_settings<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>) -> io::Result<()> {
    hand.say(&frame(kind::WINDOW_UPDATE, 0, 0, &[0, 0, 0xff, 0xff])).await?;
    hand.hear(kind::GOAWAY).await;
    Ok(())
}

async fn http1<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>) -> io::Result<()> {
    hand.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await
}

async fn garbage<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>) -> io::Result<()> {
    hand.greet().await?;
    // HEADERS on stream 0, a frame larger than allowed, and noise.
    hand.say(&frame(kind::HEADERS, 0xff, 0, &[0xff; 32])).await?;
    hand.say(&frame(kind::SETTINGS, 0, 7, &vec![0x5a; 40_000])).await?;
    let noise: Vec<u8> = (0..4096_u32).map(|n| n.wrapping_mul(167).to_le_bytes()[0]).collect();
    hand.say(&noise).await
}

async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>, reason: &str) -> io::Result<()> {
    hand.greet().await?;
    hand.say(&goaway(0, reason)).await
}

async fn farewell_midway<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>, reason: &str) -> io::Result<()> {
    let stream = request(hand).await?;
    hand.say(&goaway(stream, reason)).await
}

async fn reset<S: AsyncRead + AsyncWrite + Unpin>(hand: &mut ByHand<S>) -> io::Result<()> {
    let stream = request(hand).await?;
    hand.say(&frame(kind::RST_STREAM, 0, stream, &INTERNAL_ERROR)).await
}
