//! `pushcert inspect`.

use crate::cli::inspect::{Field, InspectArgs};
use crate::commands::shared::advice;
use crate::commands::shared::key_search::KeySearch;
use crate::commands::shared::opening::{self, Opener};
use crate::commands::shared::unread;
use crate::container::{self, Contents};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::inspect::{FileReport, InspectReport, KeyTrial, UnreadReport};
use crate::pkcs12::Holds;
use crate::report::field::values;
use crate::report::style::Paint;
use crate::report::{human, json};
use crate::schema::SCHEMA_VERSION;
use crate::text::{printable, printable_name};
use crate::world::context::Context;
use crate::world::files::{self, Location};
use time::OffsetDateTime;

pub(super) fn run(arguments: &InspectArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let now = arguments.at.unwrap_or(context.now);
    let mut inputs: Vec<_> = arguments.files.iter().collect();
    inputs.extend(&arguments.key);
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let search = KeySearch::read(&arguments.key, &opener, context);
    let inspection = Inspection { arguments, opener, search: &search, now };
    let mut files = Vec::new();
    for location in &arguments.files {
        files.push(inspection.inspect(location, context));
    }
    let unread_keys = search.unread.clone();
    let mut report = InspectReport { schema_version: SCHEMA_VERSION, files, unread_keys };
    if arguments.key.is_empty() {
        report.find_keys_among_files();
    }
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else if let Some(field) = arguments.field {
        for file in &report.files {
            for value in values(field, file).unwrap_or_default() {
                writeln!(context.stdout, "{}", printable(&value))?;
            }
        }
    } else {
        human::inspect::write(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    let mut worst: Option<ExitKind> = None;
    for file in &report.files {
        let Some(error) = failure(file, arguments.field) else { continue };
        if !arguments.json {
            human::error(context.stderr, error, Paint::new(context.stderr_has_color))?;
        }
        if worst.is_none_or(|kind| kind.code() <= error.kind.code()) {
            worst = Some(error.kind);
        }
    }
    if !arguments.json {
        for line in search.unread_lines() {
            writeln!(context.stderr, "{line}")?;
        }
    }
    if worst.is_none() && !arguments.key.is_empty() && !report.has_every_key() {
        worst = Some(search.exit_of_none());
    }
    Ok(worst)
}

/// Returns what ends the run for a file: why it was not read, or a part of it that was asked for.
fn failure(file: &FileReport, field: Option<Field>) -> Option<&Error> {
    if file.error.is_some() {
        return file.error.as_ref();
    }
    let mut worst: Option<&Error> = None;
    for unread in &file.unread {
        let is_asked_for = match (field, unread.holds) {
            (Some(field), Holds::Key) => field.needs_key(),
            (Some(_), Holds::Mac) => unread.error.kind != ExitKind::Password,
            _ => true,
        };
        if is_asked_for && worst.is_none_or(|known| known.kind == ExitKind::Password) {
            worst = Some(&unread.error);
        }
    }
    worst
}

/// Reports on what was read in a file, and what was not.
pub(super) fn report(location: &Location, contents: &Contents, now: OffsetDateTime) -> FileReport {
    let name = location.to_string();
    let mut unread = Vec::new();
    for part in &contents.unread {
        let error = unread::explain(&name, part);
        unread.push(UnreadReport { place: part.place.clone(), holds: part.holds, error });
    }
    FileReport { unread, ..FileReport::of(name, contents, now) }
}

/// What is asked of every file.
struct Inspection<'a> {
    arguments: &'a InspectArgs,
    opener: Opener,
    search: &'a KeySearch,
    now: OffsetDateTime,
}

impl Inspection<'_> {
    /// Reports on one file, and what is known of it if it does not open.
    fn inspect(&self, location: &Location, context: &mut Context<'_>) -> FileReport {
        let name = location.to_string();
        let bytes = match opening::read(location, context) {
            Ok(bytes) => bytes,
            Err(error) => return FileReport::failed(advice::without_password(&name), error),
        };
        match self.opener.open_bytes(location, &bytes, context) {
            Ok(contents) => self.report(location, &contents),
            Err(error) => {
                let facts = container::describe_beginning(&bytes);
                FileReport { container: facts.container, pkcs12: facts.pkcs12, ..FileReport::failed(name, error) }
            }
        }
    }

    fn report(&self, location: &Location, contents: &Contents) -> FileReport {
        let mut file = report(location, contents, self.now);
        if self.arguments.full {
            file.add_extensions(contents);
        }
        if !self.arguments.key.is_empty() {
            let tried = self.search.count();
            file.add_key_trials(contents, |public| KeyTrial {
                tried,
                file: self.search.key_of(public).map(|found| found.file.to_string()),
            });
        }
        if file.unread.is_empty() {
            file.error = self.unanswerable(&file);
        }
        file
    }

    /// Explains that a file holds nothing of what was asked about.
    fn unanswerable(&self, report: &FileReport) -> Option<Error> {
        let (file, held) = (printable_name(files::input_name(&report.file)), report.describe_contents());
        if let Some(field) = self.arguments.field
            && values(field, report).is_none()
        {
            let name = field.name();
            let error = Error::new(ExitKind::Input, format!("{file}: no {name} to print: there is {held} in it"));
            return Some(error.hint("--field NAME asks about a certificate; of a request there are subject, key_algorithm, key_bits and spki_sha256, of a key the last three"));
        }
        if !self.arguments.key.is_empty() && report.key_trials().is_empty() {
            let error = Error::new(ExitKind::Input, format!("{file}: no key belongs to it: there is {held} in it"));
            return Some(
                error.hint("--key asks which key belongs to a certificate or a request: name one as the FILE"),
            );
        }
        None
    }
}
