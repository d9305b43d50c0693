//! Sends one notification to many device tokens, and gives each token one outcome.
//!
//! On the way of a token: [`source`] reads the input, with the [`quotes`] of CSV, [`key_watch`] finds keys in it, [`recipient`]
//! parses a token, [`shard`] chooses by its [`token_hash`], [`repeats`] finds those that have come before, [`lengths`] those that were joined; a [`ticket`]
//! carries it through the [`queue`], at the rate of [`pace`], to a [`connection`] that [`connect`] has opened, within its
//! [`window`]. [`message`] is what is sent, [`request`] how, [`credential`] by whom; [`answer`] reads what comes back.
//! [`engine`] runs all of this in a thread of its own, and tells by [`event`]s what happens, and in [`silence`] why nothing
//! does; [`health`] is what the answers tell of the server. [`outcome`] is what becomes
//! of a token, [`results`] writes it down, [`earlier`] reads what a run before has written, [`summary`] counts,
//! [`marker`] tells the database which tokens are no longer active, and [`problem`] is what ends a run early.

mod answer;
pub(crate) mod connect;
mod connection;
pub(crate) mod credential;
pub(crate) mod earlier;
pub(crate) mod engine;
mod event;
mod health;
mod key_watch;
pub(crate) mod lengths;
pub(crate) mod marker;
pub(crate) mod message;
pub(crate) mod outcome;
mod pace;
pub(crate) mod problem;
mod queue;
mod quotes;
pub(crate) mod recipient;
mod repeats;
pub(crate) mod request;
pub(crate) mod results;
pub(crate) mod shard;
mod silence;
pub(crate) mod source;
pub(crate) mod summary;
mod ticket;
mod token_hash;
mod window;

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::exit::ExitKind;
use crate::net::descriptors;
use crate::push::engine::{EngineEnd, Job};
use crate::push::event::Event;
use crate::push::marker::{Marker, Marking};
use crate::push::outcome::Verdict;
use crate::push::problem::Problem;
use crate::push::recipient::InvalidToken;
use crate::push::results::ResultsWriter;
use crate::push::shard::Shard;
use crate::push::source::{Batch, Input, InputCounts};
use crate::push::summary::Summary;

/// The number of batches that are read ahead.
const READ_AHEAD: usize = 8;
/// The number of events that are handled together.
const MAX_EVENTS: usize = 512;

/// Who watches a run.
pub(crate) trait Viewer {
    /// Shows the counts so far.
    fn show(&mut self, summary: &Summary);

    /// Tells people what has happened.
    fn tell(&mut self, notice: &str);

    /// Tells people why a text of the input is no device token.
    fn tell_invalid(&mut self, position: u64, invalid: &InvalidToken);
}

/// The end of a run.
pub(crate) struct RunEnd {
    pub(crate) summary: Summary,
    /// The counts of the input; of one that has not ended they are not known.
    pub(crate) input: InputCounts,
    /// The tokens of this run that have come before in the input.
    pub(crate) repeated: u64,
    /// The tokens that were removed from the database and added again, and have an outcome of the earlier run.
    pub(crate) moved: u64,
    /// The tokens that were under way when the earlier run ended, and are no longer in the database.
    pub(crate) vanished: u64,
    pub(crate) problem: Option<Problem>,
    /// The error of the results, which are not complete then.
    pub(crate) write_error: Option<io::Error>,
    /// What was changed in the database, if there is one.
    pub(crate) marking: Option<Marking>,
}

impl RunEnd {
    /// Returns the end of the run: good only if every token was accepted, and nothing has stopped it. The kinds of what
    /// stops a command before it sends (input, network, password) are those of runs that have sent nothing: a script takes
    /// them for that, and begins anew. After an interruption nobody knows what the input still had. A shard for which an
    /// input has nothing is done. A gateway that refuses is no failure of the network.
    pub(crate) fn ending(&self) -> Option<ExitKind> {
        if self.marking.as_ref().is_some_and(|marking| marking.error.is_some()) {
            return Some(ExitKind::Write);
        }
        match (&self.problem, self.summary.ending()) {
            (Some(Problem::Input { kind, .. }), _) if !self.summary.has_sent() => Some(*kind),
            (Some(Problem::Interrupted | Problem::ResultsLost | Problem::Input { .. }), _) | (Some(_), None) => {
                Some(ExitKind::CheckFailed)
            }
            (Some(Problem::Rejected { .. }), _) if self.summary.has_answers() => Some(ExitKind::CheckFailed),
            (None, _) if self.has_nothing_to_do() => None,
            (_, ending) => ending,
        }
    }

    /// Returns whether all tokens of the input belong to other shards.
    pub(crate) fn has_nothing_to_do(&self) -> bool {
        self.summary.total() == 0 && self.input.is_nothing_for_shard()
    }
}

/// The tokens of a run.
pub(crate) struct Source {
    pub(crate) input: Input,
    pub(crate) shard: Option<Shard>,
    /// Marks tokens in the database, if they are in one.
    pub(crate) marker: Option<Marker>,
}

/// Sends to all tokens of the input. The sending has a thread of its own, and so has the reading; this one writes the
/// results.
///
/// # Errors
/// When the network cannot be used at all.
pub(crate) fn run(
    job: Job,
    source: Source,
    results: &mut ResultsWriter<'_>,
    viewer: &mut dyn Viewer,
) -> io::Result<RunEnd> {
    let Source { mut input, shard, marker } = source;
    let summary = job.earlier.summary.clone();
    let (batches, received) = mpsc::channel(READ_AHEAD);
    let (events, mut happened) = mpsc::unbounded_channel();
    let is_endless = input.is_endless();
    // The run is over when nobody can tell anything any more, and its input may wait for ever.
    let listener = events.downgrade();
    input.report_waits(Box::new(move |sentence| {
        if let Some(events) = listener.upgrade() {
            let _ = events.send(Event::Notice(sentence));
        }
    }));
    let (counts, counted) = channel();
    // It may wait for its input for ever: nobody waits for it.
    thread::Builder::new().name("push input".to_owned()).spawn(move || read_input(input, shard, &batches, &counts))?;
    let sender = thread::Builder::new().name("push sender".to_owned()).spawn(move || {
        let runtime = descriptors::build_runtime()?;
        let end = runtime.block_on(engine::run(job, received, is_endless, events));
        // Does not wait for a resolver that hangs. The tickets that are left settle themselves.
        runtime.shutdown_background();
        end
    })?;
    let mut recorder = Recorder { summary, results, viewer, marker: marker.as_ref(), error: None };
    recorder.record(&mut happened);
    let Recorder { mut summary, error: write_error, .. } = recorder;
    let marking = marker.map(Marker::finish);
    match sender.join() {
        Ok(end) => {
            let EngineEnd { problem, repeated, moved, vanished } = end?;
            summary.count_vanished(vanished);
            // An input that has ended has sent its counts before.
            let input = counted.try_recv().unwrap_or_default();
            Ok(RunEnd { summary, input, repeated, moved, vanished, problem, write_error, marking })
        }
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn read_input(input: Input, shard: Option<Shard>, batches: &mpsc::Sender<Batch>, counts: &Sender<InputCounts>) {
    let end = input.read(shard, &mut |entries| batches.blocking_send(Ok(entries)).is_ok());
    // The run may have ended before.
    let _ = counts.send(end.counts);
    if let Some(error) = end.error {
        let _ = batches.blocking_send(Err(error));
    }
}

/// Records what happens.
struct Recorder<'a, 'b> {
    summary: Summary,
    results: &'a mut ResultsWriter<'b>,
    viewer: &'a mut dyn Viewer,
    marker: Option<&'a Marker>,
    /// The first error of the results. After it nothing more is written, and nothing more is started.
    error: Option<io::Error>,
}

impl Recorder<'_, '_> {
    /// Records what happens until the run is over.
    fn record(&mut self, happened: &mut UnboundedReceiver<Event>) {
        let mut events = Vec::with_capacity(MAX_EVENTS);
        while happened.blocking_recv_many(&mut events, MAX_EVENTS) > 0 {
            for event in events.drain(..) {
                if let Err(failure) = self.handle(event) {
                    self.error = Some(failure);
                }
            }
            self.viewer.show(&self.summary);
            if happened.is_empty()
                && self.error.is_none()
                && let Err(failure) = self.results.flush()
            {
                self.error = Some(failure);
            }
        }
    }

    fn handle(&mut self, event: Event) -> io::Result<()> {
        let has_failed = self.error.is_some();
        match event {
            Event::Started { from, position, tokens, resent, written } => {
                self.summary.discount_unknown(resent);
                // Without a word the sender knows that nothing more is written.
                if !has_failed {
                    self.results.started(from, position, tokens.as_ref())?;
                    // The sender has ended where nobody waits.
                    let _ = written.send(());
                }
            }
            Event::Settled(settled) => {
                self.summary.count_settled(&settled);
                if let Verdict::Invalid(invalid) = &settled.verdict {
                    self.viewer.tell_invalid(settled.position, invalid);
                }
                if let Some(marker) = self.marker {
                    marker.note(&settled);
                }
                if !has_failed {
                    self.results.settled(&settled)?;
                }
            }
            Event::Notice(notice) => self.viewer.tell(&notice),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Access;
    use crate::database::problem::{DatabaseError, DatabaseProblem};
    use crate::push::outcome::{OUTCOMES, Outcome};

    #[test]
    fn what_has_stopped_a_run_is_never_green() {
        let end = |outcome: Option<Outcome>, problem| {
            let mut summary = Summary::default();
            if let Some(outcome) = outcome {
                summary.count(outcome, None);
            }
            let input = InputCounts::default();
            RunEnd { summary, input, repeated: 0, moved: 0, vanished: 0, problem, write_error: None, marking: None }
                .ending()
        };
        let unreachable = || Some(Problem::Unreachable { detail: String::new() });
        let failed = Some(ExitKind::CheckFailed);
        assert_eq!(end(Some(Outcome::Accepted), None), None);
        assert_eq!(end(Some(Outcome::Accepted), Some(Problem::Interrupted)), failed);
        assert_eq!(end(Some(Outcome::NotSent), Some(Problem::Interrupted)), failed, "not that of the network");
        assert_eq!(end(None, Some(Problem::Interrupted)), failed);
        assert_eq!(end(Some(Outcome::NotSent), Some(Problem::ResultsLost)), failed);
        assert_eq!(end(Some(Outcome::Accepted), unreachable()), failed);
        assert_eq!(end(Some(Outcome::NotSent), unreachable()), Some(ExitKind::Network));
    }

    #[test]
    fn a_run_that_has_sent_does_not_end_as_one_that_has_not() {
        let problems = || {
            let (detail, reason) = (String::new(), "BadTopic".to_owned());
            let inputs = [ExitKind::Input, ExitKind::Network, ExitKind::Password, ExitKind::Write];
            let mut problems: Vec<Option<Problem>> = inputs
                .into_iter()
                .map(|kind| Some(Problem::Input { detail: detail.clone(), kind, json_filter: None }))
                .collect();
            problems.extend([
                None,
                Some(Problem::Interrupted),
                Some(Problem::ResultsLost),
                Some(Problem::Unreachable { detail: detail.clone() }),
                Some(Problem::Rejected { reason, meaning: detail, advice: None }),
            ]);
            problems
        };
        let failures = || {
            let failure = |problem| DatabaseError { database: String::new(), problem, access: Access::Write };
            let mut failures = vec![None, Some(failure(DatabaseProblem::Failed(String::new())))];
            failures.push(Some(failure(DatabaseProblem::Damaged(String::new()))));
            #[cfg(feature = "postgres")]
            failures.extend([
                Some(failure(DatabaseProblem::Unreachable(String::new()))),
                Some(failure(DatabaseProblem::Password(String::new()))),
            ]);
            failures
        };
        for outcome in OUTCOMES {
            for problem in problems() {
                for error in failures() {
                    let is_unmarked = error.is_some();
                    let mut summary = Summary::default();
                    summary.count(outcome, None);
                    summary.count(Outcome::NotSent, None);
                    let (input, marking) = (InputCounts::default(), Some(Marking { error, ..Marking::default() }));
                    let has_sent = !matches!(outcome, Outcome::NotSent | Outcome::Invalid);
                    let end = RunEnd {
                        summary,
                        input,
                        repeated: 0,
                        moved: 0,
                        vanished: 0,
                        problem: problem.clone(),
                        write_error: None,
                        marking,
                    };
                    let ending = end.ending();
                    let case = format!("{outcome:?} {problem:?} {is_unmarked}");
                    if is_unmarked {
                        assert_eq!(ending, Some(ExitKind::Write), "{case}");
                    } else if has_sent {
                        assert_eq!(ending, Some(ExitKind::CheckFailed), "{case}");
                    } else if let Some(Problem::Input { kind, .. }) = problem {
                        assert_eq!(ending, Some(kind), "{case}");
                    }
                }
            }
        }
    }
}
