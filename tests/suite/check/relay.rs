//! A relay between check and the gateway that cuts, holds back or damages what the server sends. Whatever is missing,
//! the certificate is not accepted, and check ends in time.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Checked, Stage, check};
use crate::common::in_parallel;
use pushcert::testing::GatewayOptions;
use pushcert::testing::TlsVersions::{self, V12, V13};

/// The limit of each stage, in milliseconds.
const LIMIT: u64 = 300;
/// The time that all stages with a limit may take together, on a machine that is busy.
const PATIENCE: Duration = Duration::from_millis(3 * LIMIT + 5000);
/// The server sends fewer bytes than this until its answer is whole.
const MOST_BYTES: usize = 3000;

/// The place of the minor version in the header of the server's first record, which comes before a version is agreed on.
/// Clients ignore it, as they must (RFC 8446 section 5.1), and nothing that the server says is changed with it.
const IGNORED_VERSION: usize = 2;

/// What happens to the server's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// The connection is closed after so many bytes.
    CloseAfter(usize),
    /// Nothing comes after so many bytes, and the connection stays open.
    HoldAfter(usize),
    /// A bit of the byte at this place is another one.
    Flip { place: usize, bit: u8 },
}

/// The state of one relayed connection.
#[derive(Debug, Default)]
struct Relayed {
    /// The client has closed its side.
    is_over: AtomicBool,
    /// The client was still there when a byte was withheld or changed.
    has_harmed: AtomicBool,
}

impl Relayed {
    fn harm(&self) {
        if !self.is_over.load(Ordering::SeqCst) {
            self.has_harmed.store(true, Ordering::SeqCst);
        }
    }
}

/// Copies what the client sends.
fn forward(mut client: TcpStream, mut server: TcpStream, relayed: &Relayed) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        if server.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    relayed.is_over.store(true, Ordering::SeqCst);
    let _ = server.shutdown(Shutdown::Write);
}

/// Copies what the server sends, with harm.
fn backward(mut server: TcpStream, mut client: TcpStream, harm: Harm, relayed: &Relayed) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut sent = 0;
    loop {
        let count = server.read(&mut buffer)?;
        if count == 0 {
            return client.shutdown(Shutdown::Write);
        }
        let bytes = &mut buffer[..count];
        match harm {
            Harm::Flip { place, bit } if (sent..sent + count).contains(&place) => {
                relayed.harm();
                bytes[place - sent] ^= 1 << bit;
                client.write_all(bytes)?;
            }
            Harm::CloseAfter(limit) | Harm::HoldAfter(limit) if sent + count > limit => {
                relayed.harm();
                client.write_all(&bytes[..limit.saturating_sub(sent)])?;
                if matches!(harm, Harm::CloseAfter(_)) {
                    return client.shutdown(Shutdown::Both);
                }
            }
            _ => client.write_all(bytes)?,
        }
        sent += count;
    }
}

/// Relays one connection to the gateway. Returns the port.
fn relay(gateway: u16, harm: Harm, relayed: &Arc<Relayed>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let relayed = Arc::clone(relayed);
    thread::spawn(move || {
        let (client, _) = listener.accept()?;
        let server = TcpStream::connect(("127.0.0.1", gateway))?;
        let (to_server, from_client, there) = (server.try_clone()?, client.try_clone()?, Arc::clone(&relayed));
        thread::spawn(move || forward(from_client, to_server, &there));
        backward(server, client, harm, &relayed)
    });
    port
}

fn check_through(stage: &Stage, harm: Harm, timeout: &str) -> (Checked, bool) {
    let relayed = Arc::new(Relayed::default());
    let port = relay(stage.gateway.ready.address.port(), harm, &relayed);
    let (address, ca) = (format!("localhost:{port}"), stage.file("ca.pem"));
    let arguments = ["--gateway", &address, "--ca-file", ca.to_str().unwrap(), "--timeout", timeout];
    let checked = check(&stage.file("client.pem"), &arguments);
    (checked, relayed.has_harmed.load(Ordering::SeqCst))
}

fn assert_never_accepted(stage: &Stage, harm: Harm) {
    let (checked, has_harmed) = check_through(stage, harm, &format!("{LIMIT}ms"));
    let verdict = checked.text("/verdict");
    if has_harmed {
        assert!(matches!(verdict, "unproven" | "unreachable"), "{harm:?}: {:#}", checked.first());
        assert!(matches!(checked.code, 1 | 5), "{harm:?}: {:#}", checked.first());
    }
    assert_eq!(verdict == "accepted", checked.code == 0, "{harm:?}");
    assert!(checked.took < PATIENCE, "{harm:?} took {:?}", checked.took);
}

fn harms(places: impl Iterator<Item = usize> + Clone) -> Vec<Harm> {
    let mut list = Vec::new();
    for place in places {
        list.push(Harm::CloseAfter(place));
        list.push(Harm::HoldAfter(place));
        if place != IGNORED_VERSION {
            list.push(Harm::Flip { place, bit: (place % 8) as u8 });
        }
    }
    list
}

fn stage(tls: TlsVersions) -> Stage {
    Stage::new(GatewayOptions { tls, ..GatewayOptions::default() })
}

/// Without harm the relay changes nothing, and after the last of the server's bytes there is nothing to harm.
fn assert_whole_is_accepted(stage: &Stage) {
    for harm in [Harm::CloseAfter(MOST_BYTES), Harm::HoldAfter(usize::MAX), Harm::Flip { place: usize::MAX, bit: 0 }] {
        let (checked, has_harmed) = check_through(stage, harm, "20s");
        let found = (checked.text("/verdict"), checked.code, has_harmed);
        assert_eq!(found, ("accepted", 0, false), "{harm:?}: {:#}", checked.first());
    }
    let (checked, has_harmed) = check_through(stage, Harm::Flip { place: IGNORED_VERSION, bit: 2 }, "20s");
    let found = (checked.text("/verdict"), checked.code, has_harmed);
    assert_eq!(found, ("accepted", 0, true), "{:#}", checked.first());
}

#[test]
fn a_server_whose_bytes_are_cut_or_changed_is_never_proof() {
    for tls in [V12, V13] {
        let stage = stage(tls);
        assert_whole_is_accepted(&stage);
        in_parallel(harms((0..MOST_BYTES).step_by(331).chain([1, 5, 6])), |harm| assert_never_accepted(&stage, harm));
    }
}

#[test]
#[ignore = "takes minutes: every byte"]
fn no_cut_and_no_change_of_any_byte_is_proof() {
    for tls in [V12, V13] {
        let stage = stage(tls);
        assert_whole_is_accepted(&stage);
        in_parallel(harms(0..MOST_BYTES), |harm| assert_never_accepted(&stage, harm));
    }
}
