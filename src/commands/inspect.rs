//! `pushcert inspect`.

use crate::cli::inspect::InspectArgs;
use crate::commands::shared::opening::Opener;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::inspect::{FileReport, InspectReport};
use crate::report::field::values;
use crate::report::style::Paint;
use crate::report::{human, json};
use crate::schema::SCHEMA_VERSION;
use crate::text::printable;
use crate::world::context::Context;

pub(super) fn run(arguments: &InspectArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let now = arguments.at.unwrap_or(context.now);
    let inputs: Vec<_> = arguments.files.iter().collect();
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let mut files = Vec::new();
    for location in inputs {
        files.push(match opener.open(location, context) {
            Ok(contents) => FileReport::of(location.to_string(), &contents, now),
            Err(failure) => FileReport {
                container: failure.container,
                pkcs12: failure.pkcs12.map(|info| *info),
                ..FileReport::failed(location.to_string(), failure.error)
            },
        });
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
        human::inspect::inspect(context.stdout, &report, Paint::new(context.stdout_has_color))?;
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
