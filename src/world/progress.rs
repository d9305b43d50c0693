//! How far a long run is. Rules: only on a terminal, on standard error, and not before half a second has
//! passed; nothing of it remains.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less time needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that may appear. It goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    start: Instant,
    shown: Once,
}

impl Progress {
    /// A bar of so many steps; `None` where nobody watches.
    pub(crate) fn new(steps: Option<usize>) -> Self {
        let bar = |steps| {
            let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
            let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} files, {eta} left");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        };
        Self { bar: steps.map(bar), start: Instant::now(), shown: Once::new() }
    }

    /// One step is done.
    pub(crate) fn step(&self) {
        let Some(bar) = &self.bar else { return };
        if !self.shown.is_completed() && self.start.elapsed() > PATIENCE {
            self.shown.call_once(|| bar.set_draw_target(ProgressDrawTarget::stderr()));
        }
        bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
