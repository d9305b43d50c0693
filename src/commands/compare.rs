//! `pushcert compare`.

use crate::certificate::chain::{APPLE, ChainStatus};
use crate::certificate::renewal::{self, Comparison, Rules, Side};
use crate::cli::compare::CompareArgs;
use crate::cli::password::PasswordSource;
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::unread;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::{Finding, FindingCode, Level};
use crate::identity::Collection;
use crate::report::human::compare::{self, CompareReport, SideReport};
use crate::report::human::convert::ConvertReport;
use crate::report::json;
use crate::report::shell::shell_path;
use crate::report::style::Paint;
use crate::world::context::Context;
use crate::world::files::Location;

pub(super) fn run(arguments: &CompareArgs, context: &mut Context<'_>) -> Result<Option<ExitKind>, Error> {
    let now = arguments.at.unwrap_or(context.now);
    let (old, new) = open_both(arguments, context)?;
    let (old_side, old_report) = side(&arguments.old, &old, arguments, now)?;
    let (new_side, new_report) = side(&arguments.new, &new, arguments, now)?;
    let rules =
        Rules { now, allows_kind_change: arguments.allow_kind_change, allows_self_issued: arguments.allow_self_signed };
    let mut comparison = renewal::compare(old_side, new_side, rules);
    add_hints(&mut comparison, arguments, old_side.certificate.kind.is_push());
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
    let mut inputs = vec![&arguments.old, &arguments.new];
    inputs.extend(&arguments.key);
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
    let new = opener_of_new.open_with_key(&arguments.new, arguments.key.as_ref(), context)?;
    Ok((old, new))
}

/// Adds what to do about the differences that an option or a command removes.
fn add_hints(comparison: &mut Comparison, arguments: &CompareArgs, is_push: bool) {
    let hint = join_hint(arguments);
    let accept = "if each notification has the header, accept the new kind with --allow-kind-change";
    let self_signed = "if all that connect are made to trust it, accept it with --allow-self-signed";
    for difference in &mut comparison.differences {
        let added = match difference.code {
            FindingCode::KeyMissing if comparison.key_reused => hint.as_str(),
            FindingCode::OtherKind if comparison.possible_successor && difference.level == Level::Failure => accept,
            FindingCode::OtherIssuer if difference.level == Level::Failure && !is_push => self_signed,
            _ => continue,
        };
        difference.hint = Some(added.to_owned().into());
    }
    if arguments.key.is_some() && !comparison.differences.iter().any(|one| one.code == FindingCode::KeyMismatch) {
        let note =
            Finding::new(Level::Ok, FindingCode::KeyElsewhere, "the private key of the new one is in another file");
        comparison.differences.push(Finding { hint: Some(hint.into()), ..note });
    }
}

/// Returns the command that joins the new certificate and its key.
fn join_hint(arguments: &CompareArgs) -> String {
    let word = |location: &Location| match location {
        Location::Path(path) => shell_path(path),
        Location::Standard => "FILE".to_owned(),
    };
    let key = arguments.key.as_ref().unwrap_or(&arguments.old);
    let output = match &arguments.new {
        Location::Path(path) if path.extension().is_none_or(|extension| extension != "pem") => {
            shell_path(&path.with_extension("pem"))
        }
        Location::Path(path) => shell_path(&path.with_extension("joined.pem")),
        Location::Standard => "FILE.pem".to_owned(),
    };
    let command = format!("pushcert convert {} --key {} -o {output}", word(&arguments.new), word(key));
    if arguments.key.is_some() {
        return format!("join them with: {command}");
    }
    format!("compare with --key {}, and join them with: {command}", word(key))
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
    let is_apples = matches!(chain.status, ChainStatus::Trusted | ChainStatus::Expired);
    let certificate = ConvertReport::certificate(entry, key, chain, now);
    Ok((Side { certificate: &entry.item, key, is_apples }, SideReport { file, certificate }))
}
