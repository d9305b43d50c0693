//! What people see of a run: a progress bar on a terminal, and notices.

use std::io::Write;

use crate::commands::shared::token_list::InvalidTexts;
use crate::push::Viewer;
use crate::push::outcome::Outcome;
use crate::push::recipient::InvalidToken;
use crate::push::summary::Summary;
use crate::text::printable;
use crate::world::progress::SendProgress;

/// Shows a run on standard error.
pub(super) struct TerminalViewer<'a> {
    stderr: &'a mut (dyn Write + 'a),
    progress: SendProgress,
    invalid: InvalidTexts,
}

impl<'a> TerminalViewer<'a> {
    pub(super) fn new(
        stderr: &'a mut (dyn Write + 'a),
        is_terminal: bool,
        total: Option<u64>,
        invalid: InvalidTexts,
    ) -> Self {
        Self { stderr, progress: SendProgress::new(total, is_terminal), invalid }
    }
}

impl Viewer for TerminalViewer<'_> {
    fn show(&mut self, summary: &Summary) {
        let accepted = summary.of(Outcome::Accepted);
        let other = summary.total() - accepted;
        self.progress.show(summary.total(), accepted, other);
    }

    fn tell(&mut self, notice: &str) {
        let line = printable(notice);
        self.progress.suspend(|| {
            // A terminal that has gone takes nothing from the run.
            let _ = writeln!(self.stderr, "{line}");
        });
    }

    fn tell_invalid(&mut self, position: u64, invalid: &InvalidToken) {
        if let Some(line) = self.invalid.next(position, invalid) {
            self.tell(&line);
        }
    }
}
