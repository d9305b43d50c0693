//! The listening socket, and the faults that keep clients from connecting.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::gateway::fault::ListenFault;

/// The number of connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1024;

/// The socket at the gateway's address.
pub(super) enum Listener {
    /// Accepts connections.
    Open(TcpListener),
    /// Bound, and not listening: the kernel refuses connections, and the port stays taken.
    Refusing { _socket: TcpSocket },
    /// Its queue is full: the kernel leaves further connections unanswered.
    Stalling { _listener: TcpListener, _queue: Vec<TcpStream> },
}

/// Binds a socket, which does not listen yet.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Listens on a bound socket, or plays the fault that keeps it from listening.
pub(super) async fn listen(socket: TcpSocket, fault: Option<ListenFault>) -> io::Result<Listener> {
    let Some(fault) = fault else {
        return Ok(Listener::Open(socket.listen(BACKLOG)?));
    };
    match fault {
        ListenFault::Refuse => Ok(Listener::Refusing { _socket: socket }),
        ListenFault::Stall => {
            let address = socket.local_addr()?;
            let listener = socket.listen(0)?;
            Ok(Listener::Stalling { _listener: listener, _queue: fill_queue(address).await })
        }
    }
}

/// Connects to a listener that accepts nobody, until its queue is full.
async fn fill_queue(address: SocketAddr) -> Vec<TcpStream> {
    let mut queue = Vec::new();
    for _ in 0..16 {
        match tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => queue.push(stream),
            Ok(Err(_)) | Err(_) => break,
        }
    }
    queue
}
