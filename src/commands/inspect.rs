//! `pushcert inspect`.

use crate::cli::inspect::InspectArgs;
use crate::commands::shared::opening::{self, Opener};
use crate::container;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::inspect::{FileReport, InspectReport};
use crate::report::field::values;
use crate::report::style::Paint;
use crate::report::{human, json};
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::Location;
use time::OffsetDateTime;

pub(super) fn run(arguments: &InspectArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let now = arguments.at.unwrap_or(context.now);
    let inputs: Vec<_> = arguments.files.iter().collect();
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let mut files = Vec::new();
    for location in inputs {
        files.push(inspect(&opener, location, now, context));
    }
    let report = InspectReport { schema_version: SCHEMA_VERSION, files };
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else if let Some(field) = arguments.field {
        for file in &report.files {
            for value in values(field, file) {
                writeln!(context.stdout, "{}", printable(&value))?;
            }
        }
    } else {
        human::inspect::write(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    let mut worst: Option<ExitKind> = None;
    for file in &report.files {
        let Some(error) = &file.error else { continue };
        if !arguments.json {
            human::error(context.stderr, error, Paint::new(context.stderr_has_color))?;
        }
        if worst.is_none_or(|kind| kind.code() <= error.kind.code()) {
            worst = Some(error.kind);
        }
    }
    Ok(worst)
}

/// Reports on one file, and what is known of it if it does not open.
fn inspect(opener: &Opener, location: &Location, now: OffsetDateTime, context: &mut Context<'_>) -> FileReport {
    let name = location.to_string();
    let bytes = match opening::read(location, context) {
        Ok(bytes) => bytes,
        Err(error) => return FileReport::failed(name, error),
    };
    match opener.open_bytes(location, &bytes, context) {
        Ok(contents) => FileReport::of(name, &contents, now),
        Err(error) => {
            let facts = container::describe(&bytes);
            FileReport { container: facts.container, pkcs12: facts.pkcs12, ..FileReport::failed(name, error) }
        }
    }
}
