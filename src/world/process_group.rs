//! The process groups of commands that run, and the terminal that one of them has.

#![cfg(unix)]

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{SigSet, Signal as BlockedSignal};
use rustix::process::{Pid, Signal, getpgrp, kill_process_group};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp};

static RUNNING: Mutex<Vec<Running>> = Mutex::new(Vec::new());

/// A command that runs.
pub(super) struct Running {
    group: Pid,
    terminal: Option<LentTerminal>,
}

/// A group that is stopped when this is dropped.
pub(super) struct Group(Pid);

impl Group {
    /// Starts a command that leads a group, and lends it the terminal.
    pub(super) fn spawn(command: &mut Command) -> io::Result<(Child, Self)> {
        with_running(|running| {
            let child = command.process_group(0).spawn()?;
            let group = Pid::from_child(&child);
            running.push(Running { group, terminal: LentTerminal::lend(group) });
            Ok((child, Self(group)))
        })
    }

    pub(super) fn has_terminal(&self) -> bool {
        with_running(|running| running.iter().any(|one| one.group == self.0 && one.terminal.is_some()))
    }

    /// Gives up the group: what a command left in the background is not pushcert's.
    pub(super) fn leave_running(&self) {
        with_running(|running| running.retain(|one| one.group != self.0));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        with_running(|running| {
            if running.iter().any(|one| one.group == self.0) {
                stop(self.0);
            }
        });
        self.leave_running();
    }
}

fn with_running<T>(act: impl FnOnce(&mut Vec<Running>) -> T) -> T {
    act(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

fn stop(group: Pid) {
    // A group that has ended already is as good.
    let _ = kill_process_group(group, Signal::KILL);
}

/// Stops all commands, and lets no other start until the guard is dropped.
pub(super) fn stop_all() -> MutexGuard<'static, Vec<Running>> {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    for one in running.drain(..) {
        stop(one.group);
    }
    running
}

/// The terminal that a command has while it runs. In the background it would be halted by its first
/// question, as under `timeout` without `--foreground`.
struct LentTerminal {
    terminal: File,
    owner: Pid,
    settings: Termios,
}

impl LentTerminal {
    /// Makes `group` the terminal's foreground group; `None` where pushcert has no terminal to lend.
    fn lend(group: Pid) -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let owner = getpgrp();
        if tcgetpgrp(&terminal).ok()? != owner {
            return None;
        }
        let settings = tcgetattr(&terminal).ok()?;
        tcsetpgrp(&terminal, group).ok()?;
        // It may have asked before it had the terminal.
        let _ = kill_process_group(group, Signal::CONT);
        Some(Self { terminal, owner, settings })
    }
}

impl Drop for LentTerminal {
    /// Takes the terminal back, with the settings that it had.
    fn drop(&mut self) {
        // A process in the background that does this is halted by SIGTTOU, unless it blocks it.
        let blocked = SigSet::from(BlockedSignal::SIGTTOU);
        let was_blocked = blocked.thread_block().is_ok();
        let _ = tcsetpgrp(&self.terminal, self.owner);
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.settings);
        if was_blocked {
            let _ = blocked.thread_unblock();
        }
    }
}
