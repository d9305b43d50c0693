//! The progress bar of a long run. Rules: only on a terminal, on standard error, and not before half a second has
//! passed; nothing of it remains.

use std::fmt;
use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Shorter runs show no bar.
const DELAY: Duration = Duration::from_millis(500);

/// A bar that appears after [`DELAY`] and goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    /// `None` without a terminal.
    bar: Option<ProgressBar>,
    start: Instant,
    shown: Once,
}

impl Progress {
    /// Begins a run of so many files.
    pub(crate) fn new(files: usize, is_terminal: bool) -> Self {
        let bar = if is_terminal { Some(hidden_bar(files)) } else { None };
        Self { bar, start: Instant::now(), shown: Once::new() }
    }

    /// Counts one file.
    pub(crate) fn step(&self) {
        let Some(bar) = &self.bar else { return };
        if !self.shown.is_completed() && self.start.elapsed() > DELAY {
            self.shown.call_once(|| bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
        bar.inc(1);
    }
}

fn hidden_bar(files: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(files as u64), ProgressDrawTarget::hidden());
    match ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} files, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The bar of a run that sends, with rate and counts.
#[derive(Debug)]
pub(crate) struct SendProgress {
    /// `None` without a terminal.
    bar: Option<ProgressBar>,
    start: Instant,
    is_shown: bool,
}

impl SendProgress {
    /// Begins a run of so many tokens, where that is known.
    pub(crate) fn new(total: Option<u64>, is_terminal: bool) -> Self {
        let bar = if is_terminal { Some(hidden_send_bar(total)) } else { None };
        Self { bar, start: Instant::now(), is_shown: false }
    }

    /// Shows the counts so far.
    pub(crate) fn show(&mut self, done: u64, accepted: u64, other: u64) {
        let Some(bar) = &self.bar else { return };
        if !self.is_shown && self.start.elapsed() > DELAY {
            self.is_shown = true;
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_position(done);
        bar.set_message(format!("{accepted} accepted, {other} not"));
    }

    /// Lets others write to standard error.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

fn hidden_send_bar(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    let template = match total {
        Some(_) => "{wide_bar} {human_pos} of {human_len}, {rate}, {eta} left, {msg}",
        None => "{spinner} {human_pos}, {rate}, {msg}",
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.with_key("rate", write_rate)),
        Err(_) => bar,
    }
}

/// Writes the rate as a whole number, with one digit more only where it is small.
fn write_rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // The bar lives without it.
    let _ = out.write_str(&rate_text(state.per_sec()));
}

fn rate_text(rate: f64) -> String {
    if rate < 10.0 { format!("{rate:.1}/s") } else { format!("{rate:.0}/s") }
}

impl Drop for SendProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_short() {
        for (rate, text) in [(0.0, "0.0/s"), (1.2487, "1.2/s"), (999.6, "1000/s"), (41_234.567, "41235/s")] {
            assert_eq!(rate_text(rate), text);
        }
    }
}
