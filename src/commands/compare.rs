//! `pushcert compare`.

use crate::certificate::chain::APPLE;
use crate::certificate::renewal::{self, Side};
use crate::cli::compare::CompareArgs;
use crate::cli::password::PasswordSource;
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::unread;
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
    let (old, new) = open_both(arguments, context)?;
    let (old_side, old_report) = side(&arguments.old, &old, arguments, now)?;
    let (new_side, new_report) = side(&arguments.new, &new, arguments, now)?;
    let comparison = renewal::compare(old_side, new_side, now);
    let exit = if comparison.drop_in { None } else { Some(ExitKind::CheckFailed) };
    let report = CompareReport::new(now, comparison, old_report, new_report);
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        compare::write(context.stdout, &report, Paint::new(context.stdout_has_color))?;
    }
    Ok(exit)
}

fn open_both(arguments: &CompareArgs, context: &mut Context<'_>) -> Result<(Contents, Contents), Error> {
    let inputs = [&arguments.old, &arguments.new];
    let reads_stdin = takes_stdin(arguments.opening.passin.as_ref()) || inputs.contains(&&Location::Standard);
    if reads_stdin && takes_stdin(arguments.passin_new.as_ref()) {
        return Err(Error::new(ExitKind::Usage, "standard input can be read only once")
            .hint("give one of the passwords with env:, file: or fd:"));
    }
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let opener_of_new = match &arguments.passin_new {
        Some(source) => &opener.with_source("--passin-new", source, context)?,
        None => &opener,
    };
    let old = opener.open(&arguments.old, context)?;
    let new = opener_of_new.open(&arguments.new, context)?;
    Ok((old, new))
}

fn takes_stdin(source: Option<&PasswordSource>) -> bool {
    source.is_some_and(PasswordSource::takes_stdin)
}

/// Finds the one leaf of a file, and describes it.
fn side<'a>(
    location: &Location,
    contents: &'a Contents,
    arguments: &CompareArgs,
    now: time::OffsetDateTime,
) -> Result<(Side<'a>, SideReport), Error> {
    refuse_request(location, contents, false)?;
    let file = location.to_string();
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let entry = match collection.select(arguments.select.as_deref(), false) {
        Ok(entry) => entry,
        Err(error) => return Err(unread::explain_selection(location, contents, &error)),
    };
    let key = contents.key_state(&collection, &entry.item);
    let chain = APPLE.judge(&entry.item, &contents.authorities(), now);
    let certificate = ConvertReport::certificate(entry, key, chain, now);
    Ok((Side { certificate: &entry.item, key }, SideReport { file, certificate }))
}
