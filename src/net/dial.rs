//! From a name to a TCP connection: all addresses, tried as RFC 8305 (Happy Eyeballs) describes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::net::descriptors::{explain_resolver, is_out_of_descriptors};
use crate::net::endpoint::Endpoint;
use crate::text::seconds;

/// The delay after which the next address is tried as well (RFC 8305 section 8).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A connection to a server, direct or through a proxy.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Returns all addresses of a host, IPv6 and IPv4 in turn (RFC 8305 section 4).
///
/// # Errors
/// If the resolver finds none.
pub(crate) async fn resolve(endpoint: &Endpoint) -> io::Result<Vec<SocketAddr>> {
    if let Some(address) = endpoint.address() {
        return Ok(vec![SocketAddr::new(address, endpoint.port)]);
    }
    let found = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await;
    let addresses: Vec<_> = match found {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Err(explain_resolver(error)),
    };
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no addresses"));
    }
    Ok(interleave(&addresses))
}

/// Takes the address families in turn, beginning with that of the first address.
fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut preferred = Vec::new();
    let mut others = Vec::new();
    for address in addresses {
        let is_preferred = address.is_ipv6() == addresses[0].is_ipv6();
        let family = if is_preferred { &mut preferred } else { &mut others };
        if !family.contains(address) {
            family.push(*address);
        }
    }
    let mut turns = Vec::new();
    for index in 0..preferred.len().max(others.len()) {
        turns.extend(preferred.get(index));
        turns.extend(others.get(index));
    }
    turns
}

/// The reason why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// Every address failed.
    #[error("{}", list_failures(.0))]
    Failed(Vec<DialFailure>),
    #[error("no answer from {} within {}", list(.0), seconds(*.1))]
    Timeout(Vec<SocketAddr>, Duration),
}

/// The error of one address.
#[derive(Debug)]
pub(crate) struct DialFailure {
    address: SocketAddr,
    error: io::Error,
}

/// The kinds of errors, the most telling first: an answer from afar tells more than what this machine did not try.
const TELLING_KINDS: [io::ErrorKind; 5] = [
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::ConnectionReset,
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::TimedOut,
    io::ErrorKind::HostUnreachable,
];

impl DialError {
    /// Returns whether the cause is that there are no file descriptors left.
    pub(crate) fn lacks_descriptors(&self) -> bool {
        let Self::Failed(failures) = self else { return false };
        failures.iter().any(|failure| is_out_of_descriptors(&failure.error))
    }

    /// Returns the most telling kind of the errors.
    pub(crate) fn kind(&self) -> io::ErrorKind {
        let Self::Failed(failures) = self else { return io::ErrorKind::TimedOut };
        for kind in TELLING_KINDS {
            if failures.iter().any(|failure| failure.error.kind() == kind) {
                return kind;
            }
        }
        failures.first().map_or(io::ErrorKind::Other, |failure| failure.error.kind())
    }
}

fn list_failures(failures: &[DialFailure]) -> String {
    let mut lines = Vec::new();
    for DialFailure { address, error } in failures {
        lines.push(format!("{address}: {}", without_number(error)));
    }
    lines.join("; ")
}

/// Formats a system error without its number.
fn without_number(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

/// Lists addresses without ports.
pub(crate) fn list(addresses: &[SocketAddr]) -> String {
    let mut items = Vec::new();
    for address in addresses {
        items.push(address.ip().to_string());
    }
    items.join(", ")
}

/// Connects to the first address that answers; tries the next when one fails, or has not answered after
/// [`ATTEMPT_DELAY`].
///
/// # Errors
/// If none answers within `timeout`.
pub(crate) async fn connect(addresses: &[SocketAddr], timeout: Duration) -> Result<(TcpStream, SocketAddr), DialError> {
    let end = Instant::now() + timeout;
    let mut waiting = addresses.iter().copied();
    let mut attempts = JoinSet::new();
    let mut failures = Vec::new();
    let mut next_at = Instant::now();
    loop {
        if next_at <= Instant::now()
            && let Some(address) = waiting.next()
        {
            attempts.spawn(async move { (address, TcpStream::connect(address).await) });
            next_at = Instant::now() + ATTEMPT_DELAY;
        }
        if attempts.is_empty() && waiting.len() == 0 {
            return Err(DialError::Failed(failures));
        }
        tokio::select! {
            Some(Ok((address, result))) = attempts.join_next() => match result {
                Ok(stream) => {
                    let _ = stream.set_nodelay(true);
                    return Ok((stream, address));
                }
                Err(error) => {
                    failures.push(DialFailure { address, error });
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
        assert_eq!(interleave(&found), turns);
        assert_eq!(interleave(&[]), []);
    }

    #[test]
    fn the_most_telling_error_is_taken() {
        use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, PermissionDenied};
        for (kinds, expected) in [
            (vec![NetworkUnreachable, ConnectionRefused], ConnectionRefused),
            (vec![NetworkUnreachable, HostUnreachable], HostUnreachable),
            (vec![PermissionDenied, HostUnreachable], PermissionDenied),
            (vec![NetworkUnreachable], NetworkUnreachable),
        ] {
            let failure = |kind: &io::ErrorKind| DialFailure {
                address: "127.0.0.1:1".parse().unwrap(),
                error: io::Error::from(*kind),
            };
            assert_eq!(DialError::Failed(kinds.iter().map(failure).collect()).kind(), expected);
        }
        assert_eq!(DialError::Timeout(vec![], ATTEMPT_DELAY).kind(), io::ErrorKind::TimedOut);
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
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains("connection refused"), "{error}");
    }
}
