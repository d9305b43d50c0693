//! From a name to a connection: all addresses, tried as RFC 8305 (Happy Eyeballs) has it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::apns::endpoint::Endpoint;

/// How long one address is given before the next is tried beside it (RFC 8305 section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// All addresses of a host, IPv6 and IPv4 in turn (RFC 8305 section 4).
///
/// # Errors
/// When the resolver has none.
pub(crate) async fn resolve(endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
    if let Some(address) = endpoint.address() {
        return Ok(vec![SocketAddr::new(address, endpoint.port)]);
    }
    let found: Vec<SocketAddr> = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await?.collect();
    if found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no addresses"));
    }
    Ok(interleave(found))
}

/// Takes families in turn, beginning with that of the first.
fn interleave(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = Vec::new();
    addresses.retain(|address| {
        !seen.contains(address) && {
            seen.push(*address);
            true
        }
    });
    let is_first_family = |address: &SocketAddr| address.is_ipv6() == seen[0].is_ipv6();
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(is_first_family);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    loop {
        let turn = [first.next(), second.next()];
        if turn == [None, None] {
            return turns;
        }
        turns.extend(turn.into_iter().flatten());
    }
}

/// Why no address answers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// Each address gave an error; the first of them.
    #[error("{}", .0.iter().map(|(address, error)| format!("{address}: {}", sentence(error))).collect::<Vec<_>>().join("; "))]
    Failed(Vec<(SocketAddr, io::Error)>),
    /// None answered in time.
    #[error("no answer from {} within {}", list(.0), crate::check::stage::seconds(*.1))]
    Timeout(Vec<SocketAddr>, Duration),
}

impl DialError {
    /// Whether there was somebody who refused.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Failed(errors) if errors.iter().any(|(_, error)| error.kind() == io::ErrorKind::ConnectionRefused))
    }
}

/// The error without its number.
fn sentence(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(text, _)| text.to_lowercase())
}

/// Addresses in a row.
pub(crate) fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

/// Connects to the first address that answers; the next is tried when one fails, or keeps silent for
/// [`ATTEMPT_DELAY`].
///
/// # Errors
/// When none answers within `timeout`.
pub(crate) async fn connect(addresses: &[SocketAddr], timeout: Duration) -> Result<(TcpStream, SocketAddr), DialError> {
    let end = Instant::now() + timeout;
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut errors = Vec::new();
    let mut next_at = Instant::now();
    loop {
        if next_at <= Instant::now()
            && let Some(address) = waiting.next()
        {
            attempts.spawn(async move { (address, TcpStream::connect(address).await) });
            next_at = Instant::now() + ATTEMPT_DELAY;
        }
        if attempts.is_empty() && waiting.len() == 0 {
            return Err(DialError::Failed(errors));
        }
        tokio::select! {
            Some(Ok((address, result))) = attempts.join_next() => match result {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Err(error) => {
                    errors.push((address, error));
                    next_at = Instant::now();
                }
            },
            () = sleep_until(next_at), if waiting.len() > 0 => {}
            () = sleep_until(end) => return Err(DialError::Timeout(addresses.to_vec(), timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let all = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = all(&["[::1]:1", "[::2]:1", "[::1]:1", "1.1.1.1:1", "1.1.1.2:1", "1.1.1.3:1"]);
        let turns = all(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "1.1.1.2:1", "1.1.1.3:1"]);
        assert_eq!(interleave(found), turns);
        assert_eq!(interleave(vec![]), []);
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn the_next_address_is_tried_when_one_refuses() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let open = listener.local_addr().unwrap();
        let timeout = Duration::from_secs(5);
        let started = Instant::now();
        let (_, address) = block_on(connect(&[closed, open], timeout)).unwrap();
        assert_eq!(address, open);
        assert!(started.elapsed() < ATTEMPT_DELAY, "a refusal is not waited out");
        let error = block_on(connect(&[closed], timeout)).unwrap_err();
        assert!(error.is_refused() && error.to_string().contains("connection refused"), "{error}");
    }
}
