//! The signals that stop a gateway.

use std::io;

/// Catches SIGINT, SIGTERM, SIGQUIT and SIGHUP from now on. The future ends with the first of them.
#[cfg(unix)]
pub(super) fn signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{self, SignalKind};
    let mut interrupt = unix::signal(SignalKind::interrupt())?;
    let mut terminate = unix::signal(SignalKind::terminate())?;
    let mut quit = unix::signal(SignalKind::quit())?;
    let hangup = if ignores_hangup() { None } else { Some(unix::signal(SignalKind::hangup())?) };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = quit.recv() => {}
            () = receive(hangup) => {}
        }
    })
}

/// Waits for a signal, or for ever if it is not caught.
#[cfg(unix)]
async fn receive(caught: Option<tokio::signal::unix::Signal>) {
    match caught {
        Some(mut signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Returns whether SIGHUP was ignored at the start, as under nohup. A handler would undo that. Only
/// Linux tells; elsewhere SIGHUP always ends the gateway.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(mask) = status.lines().find_map(|line| line.strip_prefix("SigIgn:")) else { return false };
    // SIGHUP is signal 1, the lowest bit.
    u64::from_str_radix(mask.trim(), 16).is_ok_and(|ignored| ignored & 1 == 1)
}

#[cfg(not(unix))]
pub(super) fn signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
