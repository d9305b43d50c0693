//! `pushcert compare`.

use crate::certificate::chain::APPLE;
use crate::certificate::renewal::{self, Side};
use crate::cli::compare::CompareArgs;
use crate::cli::password::PasswordSource;
use crate::commands::shared::opening::Opener;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::report::human::compare::{self, CompareReport, SideReport};
use crate::report::human::convert::ConvertReport;
use crate::report::json;
use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::files::Location;

pub(super) fn run(arguments: &CompareArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let now = arguments.at.unwrap_or(context.now);
    let inputs = [&arguments.old, &arguments.new];
    let takes_stdin = |source: &Option<PasswordSource>| source.as_ref().is_some_and(PasswordSource::takes_stdin);
    let is_taken = takes_stdin(&arguments.opening.passin) || inputs.contains(&&Location::Standard);
    if is_taken && takes_stdin(&arguments.passin_new) {
        return Err(Error::new(ExitKind::Usage, "standard input can be read only once")
            .hint("give one of the passwords with env:, file: or fd:"));
    }
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let opener_of_new = match &arguments.passin_new {
        Some(source) => Some(opener.with_source("--passin-new", source, context)?),
        None => None,
    };
    let open = |opener: &Opener, location: &Location, context: &mut Context<'_>| {
        opener.open(location, context).map_err(|failure| failure.error)
    };
    let old = open(&opener, &arguments.old, context)?;
    let new = open(opener_of_new.as_ref().unwrap_or(&opener), &arguments.new, context)?;
    let (old_side, old_report) = side(&arguments.old, &old, arguments, now)?;
    let (new_side, new_report) = side(&arguments.new, &new, arguments, now)?;
    let comparison = renewal::compare(old_side, new_side, now);
    let end = (!comparison.drop_in).then_some(ExitKind::CheckFailed);
    let report = CompareReport::new(now, comparison, old_report, new_report);
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        compare::write(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    Ok(end)
}

/// The one leaf of a file.
fn side<'a>(
    location: &Location,
    contents: &'a Contents,
    arguments: &CompareArgs,
    now: time::OffsetDateTime,
) -> Result<(Side<'a>, SideReport), Error> {
    let file = location.to_string();
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let entry = collection.select(arguments.select.as_deref(), false).map_err(|error| Error::in_file(&file, &error))?;
    let key = collection.key_state(&entry.item);
    let others: Vec<_> = contents.certificates.iter().map(|other| &other.item).collect();
    let chain = APPLE.judge(&entry.item, &others, now);
    let certificate = ConvertReport::certificate(entry, key, chain, now);
    Ok((Side { certificate: &entry.item, key }, SideReport { file, certificate }))
}
