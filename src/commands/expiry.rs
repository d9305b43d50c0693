//! `pushcert expiry`.

use std::path::PathBuf;

use crate::cli::expiry::ExpiryArgs;
use crate::cli::password::PasswordSource;
use crate::commands::shared::advice;
use crate::commands::shared::candidates::Candidates;
use crate::commands::shared::printing;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::policy::{Expectations, ExpiryPolicy};
use crate::expiry::report::{ExpiryReport, PolicyReport};
use crate::expiry::scanner::{ExpiryScanner, ScanTotals};
use crate::finding::Level;
use crate::report::style::Paint;
use crate::report::{Report, human};
use crate::world::context::Context;
use crate::world::files::{self, Location, Output};
use crate::world::progress::Progress;
use crate::world::walk::{self, Filter, Globs};

/// Returns the exit code, which is not always one of the table: Nagios has its own.
pub(super) fn run(arguments: &ExpiryArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let report = report(arguments, context)?;
    finish(arguments, &report, context)
}

fn report(arguments: &ExpiryArgs, context: &mut Context<'_>) -> Result<ExpiryReport, Error> {
    let reads_stdin = arguments.paths.iter().filter(|path| **path == Location::Standard).count();
    let takes_stdin = arguments.opening.passin.as_ref().is_some_and(PasswordSource::takes_stdin);
    if reads_stdin + usize::from(takes_stdin) > 1 {
        return Err(Error::new(ExitKind::Usage, "standard input can be read only once")
            .hint("name a file, or give the password with env:, file: or fd:"));
    }
    let globs = |option: &str, patterns: &[String]| {
        Globs::new(patterns).map_err(|error| {
            Error::new(ExitKind::Usage, format!("{option}: {error}")).hint("a glob such as *.pem or old/** is expected")
        })
    };
    let filter =
        Filter { include: globs("--include", &arguments.include)?, exclude: globs("--exclude", &arguments.exclude)? };
    let candidates = Candidates::read(&arguments.opening, arguments.passwords.as_deref(), context)?;
    let policy = policy(arguments);
    let roots: Vec<PathBuf> = arguments.paths.iter().filter_map(path).collect();
    let survey = ExpiryScanner {
        policy: &policy,
        candidates: &candidates,
        max_iterations: arguments.opening.max_iterations,
        skip_unreadable: arguments.skip_unreadable,
        now: arguments.at.unwrap_or(context.now),
        roots: &roots,
    };
    let mut tally = ScanTotals::default();
    if reads_stdin > 0 {
        survey.standard_input(files::read(&Location::Standard, context.stdin), &mut tally);
    }
    // To count costs a walk of its own: only for who watches.
    let progress = Progress::new(context.stderr_is_terminal.then(|| walk::find(&roots, &filter).count()));
    survey.files(walk::find(&roots, &filter), &mut tally, &progress);
    drop(progress);
    let now = survey.now;
    let ScanTotals { certificates, unreadable, files, without_certificates } = tally;
    Ok(ExpiryReport::new(now, policy, certificates, unreadable, files, without_certificates))
}

fn path(location: &Location) -> Option<PathBuf> {
    match location {
        Location::Standard => None,
        Location::Path(path) => Some(path.clone()),
    }
}

fn policy(arguments: &ExpiryArgs) -> PolicyReport {
    let expect = Expectations {
        topics: arguments.expect_topic.clone(),
        environments: arguments.expect_environment.clone(),
        team_id: arguments.expect_team.clone(),
        key: arguments.expect_key,
        apple: arguments.expect_apple,
    };
    PolicyReport {
        policy: ExpiryPolicy { warn: arguments.warn, fail: arguments.fail, expect },
        leaf_only: arguments.leaf_only,
        min_certificates: arguments.min_certificates,
    }
}

/// Writes the report, and returns the exit code.
fn finish(arguments: &ExpiryArgs, report: &ExpiryReport, context: &mut Context<'_>) -> Result<u8, Error> {
    let format = arguments.format();
    match &arguments.output {
        None | Some(Location::Standard) => printing::print(Report::Expiry(report), format, context)?,
        Some(Location::Path(path)) => {
            let mut bytes = Vec::new();
            Report::Expiry(report).write(format, &mut bytes, Paint::new(false))?;
            let output = Output { path, bytes: &bytes, is_private: false };
            files::write_all(&[output], arguments.force)
                .map_err(|(path, error)| advice::explain(&path.display().to_string(), &error))?;
            // A log that says nothing of a failure helps nobody; a cron job that is fine says nothing.
            if report.verdict != Level::Ok {
                human::expiry::write_brief(context.stderr, report, Paint::new(context.stderr_has_color))?;
            }
        }
    }
    if arguments.exit_zero && report.exit_code != ExitKind::Bug.code() {
        return Ok(0);
    }
    Ok(Report::Expiry(report).exit_code(format))
}
