//! The faults of a running gateway: which of them strikes a connection or a request.

use std::time::Duration;

use crate::gateway::course::RunningCourse;
use crate::gateway::fault::{Fault, FrameFault, PlannedFault, RequestFault, ResponseFault, TcpFault, TlsFault};

/// The faults of a running gateway.
#[derive(Default)]
pub(super) struct Faults(Vec<RunningFault>);

struct RunningFault {
    text: String,
    fault: Fault,
    course: RunningCourse,
    lasting: Option<Duration>,
}

/// A fault that strikes a request.
pub(super) enum RequestStrike<'a> {
    Request(StruckRequest<'a>),
    Response(StruckResponse),
}

/// A fault that strikes a request or its connection.
pub(super) struct StruckRequest<'a> {
    pub(super) fault: &'a RequestFault,
    pub(super) text: &'a str,
    /// The time after which it is over.
    pub(super) lasting: Option<Duration>,
}

/// A fault that strikes a response.
#[derive(Debug, Clone)]
pub(super) struct StruckResponse {
    pub(super) fault: ResponseFault,
    pub(super) text: String,
}

impl Faults {
    pub(super) fn new(planned: &[PlannedFault]) -> Self {
        let mut faults = Vec::new();
        for (salt, PlannedFault { text, fault, course }) in (0..).zip(planned) {
            let running = RunningCourse::new(*course, salt);
            let (text, fault) = (text.clone(), fault.clone());
            faults.push(RunningFault { text, fault, course: running, lasting: course.lasting });
        }
        Self(faults)
    }

    /// Returns the fault that strikes a connection before its TLS handshake, and its text.
    pub(super) fn tcp(&self, connection: u64) -> Option<(TcpFault, &str)> {
        self.of_connection(connection, |fault| match fault {
            Fault::Tcp(fault) => Some(*fault),
            _ => None,
        })
    }

    /// Returns the fault that strikes the TLS handshake of a connection, and its text.
    pub(super) fn tls(&self, connection: u64) -> Option<(TlsFault, &str)> {
        self.of_connection(connection, |fault| match fault {
            Fault::Tls(fault) => Some(*fault),
            _ => None,
        })
    }

    /// Returns the fault that strikes a connection after its TLS handshake, and its text.
    pub(super) fn frame(&self, connection: u64) -> Option<(&FrameFault, &str)> {
        self.of_connection(connection, |fault| match fault {
            Fault::Frame(fault) => Some(fault),
            _ => None,
        })
    }

    /// Returns the first fault of a kind that strikes a connection, and its text.
    fn of_connection<'a, T>(&'a self, connection: u64, pick: fn(&'a Fault) -> Option<T>) -> Option<(T, &'a str)> {
        for running in &self.0 {
            if let Some(fault) = pick(&running.fault)
                && running.course.strikes(connection, connection)
            {
                return Some((fault, &running.text));
            }
        }
        None
    }

    /// Returns whether a fault may strike requests.
    pub(super) fn concern_requests(&self) -> bool {
        self.0.iter().any(|running| matches!(running.fault, Fault::Request(_) | Fault::Response(_)))
    }

    /// Returns the fault that strikes a request, by its number in the life of the gateway.
    pub(super) fn request(&self, connection: u64, request: u64) -> Option<RequestStrike<'_>> {
        for running in &self.0 {
            let strike = match &running.fault {
                Fault::Request(fault) => {
                    RequestStrike::Request(StruckRequest { fault, text: &running.text, lasting: running.lasting })
                }
                Fault::Response(fault) => {
                    RequestStrike::Response(StruckResponse { fault: fault.clone(), text: running.text.clone() })
                }
                Fault::Listen(_) | Fault::Tcp(_) | Fault::Tls(_) | Fault::Frame(_) => continue,
            };
            if running.course.strikes(connection, request) {
                return Some(strike);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_that_strikes_is_played() {
        let planned = ["answer:Shutdown@every=2", "answer:TooManyRequests@every=3"].map(|text| text.parse().unwrap());
        let faults = Faults::new(&planned);
        let mut played = Vec::new();
        for number in 1..=6 {
            let reason = match faults.request(1, number) {
                Some(RequestStrike::Response(struck)) => struck.text,
                _ => String::new(),
            };
            played.push(reason);
        }
        let (second, third) = ("answer:Shutdown@every=2", "answer:TooManyRequests@every=3");
        assert_eq!(played, ["", second, third, second, "", second]);
    }
}
