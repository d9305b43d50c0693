//! Sends one notification to many device tokens, and gives each token one outcome.
//!
//! On the way of a token: [`source`] reads the input, [`recipient`] parses a token, [`shard`] chooses; a [`ticket`]
//! carries it through the [`queue`], at the rate of [`pace`], to a [`connection`] that [`connect`] has opened, within its
//! [`window`]. [`message`] is what is sent, [`request`] how, [`credential`] by whom; [`answer`] reads what comes back.
//! [`engine`] runs all of this in a thread of its own, and tells by [`event`]s what happens. [`outcome`] is what becomes
//! of a token, [`results`] writes it down, [`earlier`] reads what a run before has written, [`summary`] counts, and
//! [`problem`] is what ends a run early.

mod answer;
pub(crate) mod connect;
mod connection;
pub(crate) mod credential;
pub(crate) mod earlier;
pub(crate) mod engine;
mod event;
pub(crate) mod message;
pub(crate) mod outcome;
mod pace;
pub(crate) mod problem;
mod queue;
mod recipient;
pub(crate) mod request;
pub(crate) mod results;
pub(crate) mod shard;
pub(crate) mod source;
pub(crate) mod summary;
mod ticket;
mod window;

use std::io;
use std::thread;

use tokio::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::net::descriptors;
use crate::push::engine::Job;
use crate::push::event::Event;
use crate::push::problem::Problem;
use crate::push::results::ResultsWriter;
use crate::push::shard::Shard;
use crate::push::source::{Batch, Input};
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
}

/// The end of a run.
pub(crate) struct RunEnd {
    pub(crate) summary: Summary,
    pub(crate) problem: Option<Problem>,
    /// The error of the results, which are not complete then.
    pub(crate) write_error: Option<io::Error>,
}

/// Sends to all tokens of the input. The sending has a thread of its own, and so has the reading; this one writes the
/// results.
///
/// # Errors
/// When the network cannot be used at all.
pub(crate) fn run(
    job: Job,
    input: Input,
    shard: Option<Shard>,
    results: &mut ResultsWriter<'_>,
    viewer: &mut dyn Viewer,
) -> io::Result<RunEnd> {
    let summary = job.earlier.summary.clone();
    let (batches, received) = mpsc::channel(READ_AHEAD);
    let (events, mut happened) = mpsc::unbounded_channel();
    let is_endless = input.is_endless();
    // It may wait for its input for ever: nobody waits for it.
    thread::Builder::new().name("push input".to_owned()).spawn(move || read_input(input, shard, &batches))?;
    let sender = thread::Builder::new().name("push sender".to_owned()).spawn(move || {
        let runtime = descriptors::build_runtime()?;
        let end = runtime.block_on(engine::run(job, received, is_endless, events));
        // Does not wait for a resolver that hangs. The tickets that are left settle themselves.
        runtime.shutdown_background();
        end
    })?;
    let (summary, write_error) = write_results(&mut happened, summary, results, viewer);
    match sender.join() {
        Ok(end) => Ok(RunEnd { summary, problem: end?, write_error }),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn read_input(input: Input, shard: Option<Shard>, batches: &mpsc::Sender<Batch>) {
    let result = input.read(shard, &mut |entries| batches.blocking_send(Ok(entries)).is_ok());
    if let Err(error) = result {
        let _ = batches.blocking_send(Err(error));
    }
}

/// Writes what happens until the run is over. After an error nothing more is written, and nothing more is started.
fn write_results(
    happened: &mut UnboundedReceiver<Event>,
    mut summary: Summary,
    results: &mut ResultsWriter<'_>,
    viewer: &mut dyn Viewer,
) -> (Summary, Option<io::Error>) {
    let mut error = None;
    let mut events = Vec::with_capacity(MAX_EVENTS);
    while happened.blocking_recv_many(&mut events, MAX_EVENTS) > 0 {
        for event in events.drain(..) {
            if let Err(failure) = handle(event, &mut summary, results, viewer, error.is_some()) {
                error = Some(failure);
            }
        }
        viewer.show(&summary);
        if happened.is_empty()
            && error.is_none()
            && let Err(failure) = results.flush()
        {
            error = Some(failure);
        }
    }
    (summary, error)
}

fn handle(
    event: Event,
    summary: &mut Summary,
    results: &mut ResultsWriter<'_>,
    viewer: &mut dyn Viewer,
    has_failed: bool,
) -> io::Result<()> {
    match event {
        Event::Started { position, written } if !has_failed => {
            results.started(position)?;
            // The sender has ended where nobody waits.
            let _ = written.send(());
        }
        // Without a word the sender knows that nothing more is written.
        Event::Started { .. } => {}
        Event::Settled(settled) => {
            summary.count_settled(&settled);
            if !has_failed {
                results.settled(&settled)?;
            }
        }
        Event::Notice(notice) => viewer.tell(&notice),
    }
    Ok(())
}
