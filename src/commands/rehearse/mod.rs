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

use std::time::Instant;

use crate::cli::rehearse::RehearseArgs;
use crate::commands::rehearse::folder::RehearsalFolder;
use crate::commands::rehearse::road::Road;
use crate::commands::rehearse::stage::{Stage, Stop};
use crate::commands::shared::opening::check_stdin;
use crate::error::Error;
use crate::report::human::rehearse;
use crate::report::json;
use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::files::Location;

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
    let certificate = arguments.cert.as_ref().map(Location::to_string);
    let mut stage = Stage::new(folder.path(), certificate, arguments.json, context);
    stage.open(folder.is_kept())?;
    let mut road = Road { arguments, folder, stage };
    let code = match road.walk() {
        Ok(()) => 0,
        Err(Stop::Failed(code)) => code,
        Err(Stop::Error(error)) => return Err(error),
    };
    let Stage { mut report, context, .. } = road.stage;
    report.milliseconds = stage::milliseconds(start);
    if folder.is_kept() {
        report.folder = Some(folder.path().display().to_string());
        report.secrets = road::secrets_in(folder.path());
    }
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        rehearse::write_end(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    context.stdout.flush()?;
    Ok(code)
}
