//! The connection of a simulated device: one line with what its app wants, then what comes for the app, and a receipt
//! for each of it.

use std::io;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};
use tokio::time::timeout;

use crate::gateway::devices::{Arrival, Receiver};
use crate::gateway::event_log::{Caller, Event};
use crate::gateway::fault_stream::ClientStream;
use crate::gateway::slots::{ConnectionState, Slot};
use crate::gateway::transport::{CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT, SharedState};
use crate::net::device_lines::{DeviceReceipt, DeviceRefusal, DeviceRequest, GatewayLine, MAX_LINE};

/// A connection after its TLS handshake.
struct DeviceSession<'a> {
    input: BufReader<ReadHalf<ClientStream>>,
    output: WriteHalf<ClientStream>,
    caller: &'a Caller,
    slot: &'a Slot,
    shared: &'a SharedState,
}

/// Serves a device until its app is removed, receives elsewhere or leaves, or the gateway stops.
pub(super) async fn serve(stream: ClientStream, caller: &Caller, slot: &Slot, shared: &SharedState) {
    let (input, output) = split(stream);
    let mut session = DeviceSession { input: BufReader::new(input), output, caller, slot, shared };
    // A device that has gone needs no answer.
    let _ = session.run().await;
    let _ = timeout(CLOSE_TIMEOUT, session.output.shutdown()).await;
}

impl DeviceSession<'_> {
    async fn run(&mut self) -> io::Result<()> {
        let Ok(line) = timeout(HANDSHAKE_TIMEOUT, self.read_line()).await else { return Ok(()) };
        let done = match serde_json::from_slice(&line?) {
            Ok(request) => self.carry_out(request).await,
            Err(_) => Ok(Err(DeviceRefusal::NotUnderstood)),
        };
        let Err(reason) = done? else { return Ok(()) };
        self.shared.log(self.caller, || Event::DeviceRefused { reason });
        self.send(&GatewayLine::Refused(reason)).await
    }

    async fn carry_out(&mut self, request: DeviceRequest) -> io::Result<Result<(), DeviceRefusal>> {
        let devices = &self.shared.policy.devices;
        let environment = self.shared.policy.environment;
        let (first, token, receiver) = match request {
            DeviceRequest::Register { topic } => match devices.register(&topic) {
                Ok((credentials, receiver)) => {
                    let token = credentials.token.clone();
                    self.shared.log(self.caller, || Event::DeviceRegistered { token: token.clone(), topic });
                    (GatewayLine::Registered { credentials, environment }, token, receiver)
                }
                Err(refusal) => return Ok(Err(refusal)),
            },
            DeviceRequest::Receive(credentials) => match devices.receive(&credentials) {
                Ok((topic, receiver)) => (GatewayLine::Receiving { topic, environment }, credentials.token, receiver),
                Err(refusal) => return Ok(Err(refusal)),
            },
            DeviceRequest::Uninstall(credentials) => match devices.uninstall(&credentials) {
                Ok(since) => {
                    self.shared.log(self.caller, || Event::DeviceUninstalled { token: credentials.token });
                    return self.send(&GatewayLine::Uninstalled { since }).await.map(Ok);
                }
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        // As a provider with an open request, it makes no room for others: devices have a limit of their own.
        self.slot.enter(ConnectionState::Busy);
        self.send(&first).await?;
        self.forward(&token, &receiver).await.map(Ok)
    }

    /// Writes what comes for the app, one after the other: each is kept until the device has confirmed it.
    async fn forward(&mut self, token: &str, receiver: &Receiver) -> io::Result<()> {
        let shared = self.shared;
        loop {
            let arrival = tokio::select! {
                biased;
                arrival = receiver.next() => arrival,
                () = end_of(&mut self.input) => return Ok(()),
                () = shared.stopped() => return Ok(()),
            };
            let line = match arrival {
                Arrival::Message(message) => GatewayLine::Message(message),
                Arrival::Missed(count) => GatewayLine::Missed { count },
                Arrival::Replaced => return self.send(&GatewayLine::Replaced).await,
                Arrival::Uninstalled(since) => return self.send(&GatewayLine::Uninstalled { since }).await,
            };
            self.send(&line).await?;
            tokio::select! {
                biased;
                receipt = self.read_receipt() => match receipt? {
                    Some(DeviceReceipt::Shown) => receiver.confirm(),
                    None => return Ok(()),
                },
                // The next arrival says why.
                () = receiver.ended() => continue,
                () = shared.stopped() => return Ok(()),
            }
            if let GatewayLine::Message(message) = line {
                let (token, apns_id) = (token.to_owned(), message.apns_id);
                shared.log(self.caller, || Event::DeviceReceived { token, apns_id });
            }
        }
    }

    /// Reads a receipt; `None` if the device has left, or writes something else.
    async fn read_receipt(&mut self) -> io::Result<Option<DeviceReceipt>> {
        let line = self.read_line().await?;
        Ok(serde_json::from_slice(&line).ok())
    }

    async fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut line).await?;
        Ok(line)
    }

    async fn send(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.output.write_all(&bytes).await?;
        self.output.flush().await
    }
}

/// Waits until a device has left. It has nothing to say before something comes for it.
async fn end_of(input: &mut BufReader<ReadHalf<ClientStream>>) {
    let _ = input.read_u8().await;
}
