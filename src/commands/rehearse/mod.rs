//! `pushcert rehearse`: the whole road on this machine.
//!
//! Each step is a command line, which is parsed and carried out as any other, so that what is shown is what is done. What
//! the command prints is kept back, and a part of it shown. [`folder`] is where all of it happens, [`mod@line`] makes the
//! command lines, [`stage`] shows them, [`portal`] stands in for Apple's developer portal, and [`own`] looks at the
//! certificate that was converted.

mod folder;
mod line;
mod own;
mod portal;
mod road;
mod stage;

use std::io;
use std::time::Instant;

use crate::cli::rehearse::RehearseArgs;
use crate::commands::rehearse::folder::RehearsalFolder;
use crate::commands::rehearse::road::Road;
use crate::commands::rehearse::stage::{Stage, Stop};
use crate::commands::shared::advice;
use crate::commands::shared::opening::check_stdin;
use crate::error::Error;
use crate::report::human::rehearse::{self as human, RehearsalReport};
use crate::report::json;
use crate::report::style::Paint;
use crate::world::context::Context;

/// Returns the exit code: 0 only if the device has shown the message.
pub(super) fn run(arguments: &RehearseArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let mut inputs = Vec::new();
    inputs.extend(&arguments.cert);
    inputs.extend(&arguments.key);
    check_stdin(&inputs, &[arguments.opening.passin.as_ref()])?;
    let folder = RehearsalFolder::make(arguments.keep.as_deref())?;
    match rehearse(arguments, &folder, context) {
        // Whether the device shows the message is not known: quiet, and not good.
        Err(error) if error.is_closed_pipe => Ok(error.exit_code),
        end => end,
    }
}

fn rehearse(arguments: &RehearseArgs, folder: &RehearsalFolder, context: &mut Context<'_>) -> Result<u8, Error> {
    let start = Instant::now();
    let certificate = arguments.cert.as_ref().map(|location| advice::without_password(&location.to_string()));
    let mut stage = Stage::new(folder.path(), certificate, arguments.json, context);
    stage.open(folder.is_kept())?;
    let mut road = Road { arguments, folder, stage };
    let (code, error) = match road.walk() {
        Ok(()) => (0, None),
        Err(Stop::Failed(code)) => (code, None),
        Err(Stop::Error(error)) if error.is_closed_pipe => return Err(error),
        Err(Stop::Error(error)) => (error.exit_code, Some(error)),
    };
    let mut stage = road.stage;
    stage.close(code);
    let Stage { mut report, context, .. } = stage;
    report.milliseconds = stage::milliseconds(start);
    if folder.is_kept() {
        report.folder = Some(folder.path().display().to_string());
        report.secrets = road::secrets_in(folder.path());
    }
    report.error = error;
    end(report, arguments.json, context).map(|()| code)
}

/// Writes the report of what was done. An error that ended it stands in the report as JSON; people are told after it.
fn end(report: RehearsalReport, is_json: bool, context: &mut Context<'_>) -> Result<(), Error> {
    let written = write(&report, is_json, context);
    match (report.error, written) {
        (Some(_), Ok(())) if is_json => Ok(()),
        (Some(error), _) => Err(error),
        (None, Err(failure)) => Err(failure.into()),
        (None, Ok(())) => Ok(()),
    }
}

fn write(report: &RehearsalReport, is_json: bool, context: &mut Context<'_>) -> io::Result<()> {
    if is_json {
        json::write(context.stdout, report)?;
    } else {
        human::write_end(context.stdout, report, Paint::new(context.stdout_has_color))?;
    }
    context.stdout.flush()
}
