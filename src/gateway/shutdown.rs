//! The signals that stop a gateway, or make it read its list of devices again.

use std::io;
#[cfg(unix)]
use std::sync::Arc;

#[cfg(unix)]
use tokio::signal::unix::{self, Signal, SignalKind};
#[cfg(unix)]
use tokio::task::{JoinHandle, spawn_blocking};

use crate::gateway::AfterHangup;

/// The signals, caught from the time on at which this is made.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    /// `None` if the signal is ignored.
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Catches SIGINT, SIGTERM, SIGQUIT and SIGHUP.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            quit: unix::signal(SignalKind::quit())?,
            hangup: if ignores_hangup() { None } else { Some(unix::signal(SignalKind::hangup())?) },
        })
    }

    /// Waits for the first signal that ends the gateway. `on_hangup` runs in a thread of its own: neither clients nor
    /// other signals wait for it.
    pub(super) async fn wait_for_end(mut self, on_hangup: impl Fn() -> AfterHangup + Send + Sync + 'static) {
        let on_hangup = Arc::new(on_hangup);
        let mut running = None;
        let mut is_due = false;
        loop {
            if is_due && running.is_none() {
                let on_hangup = Arc::clone(&on_hangup);
                running = Some(spawn_blocking(move || on_hangup()));
                is_due = false;
            }
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.quit.recv() => return,
                () = receive(&mut self.hangup) => is_due = true,
                after = finish(&mut running) => if after == AfterHangup::Stop {
                    return;
                },
            }
        }
    }
}

/// Waits for the end of what SIGHUP has started, or for ever if nothing runs.
#[cfg(unix)]
async fn finish(running: &mut Option<JoinHandle<AfterHangup>>) -> AfterHangup {
    let Some(task) = running else { return std::future::pending().await };
    let after = task.await;
    *running = None;
    after.unwrap_or(AfterHangup::Serve)
}

/// Waits for a signal, or for ever if it is not caught.
#[cfg(unix)]
async fn receive(caught: &mut Option<Signal>) {
    match caught {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns whether SIGHUP was ignored at the start, as under nohup. A handler would undo that. Only
/// Linux tells; elsewhere SIGHUP is always caught.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(mask) = status.lines().find_map(|line| line.strip_prefix("SigIgn:")) else { return false };
    // SIGHUP is signal 1, the lowest bit.
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|ignored| ignored & 1 == 1)
}

/// The signals, where there is but Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) async fn wait_for_end(self, _: impl Fn() -> AfterHangup + Send + Sync + 'static) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
