//! `pushcert expiry`.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::certificate::policy::{Expectations, ExpiryPolicy};
use crate::certificate::threshold::Threshold;
use crate::cli::expiry::{DEFAULT_WARN, ExpiryArgs};
use crate::cli::format::ReportFormat;
use crate::commands::shared::advice;
use crate::commands::shared::candidates;
use crate::commands::shared::opening::check_stdin;
use crate::commands::shared::report_file::ReportFile;
use crate::commands::shared::thresholds;
use crate::container::lookalike::Lookalike;
use crate::container::{OpenError, Unread};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::expiry::report::{CheckedCertificate, ExpiryReport, PolicyReport, RunFiles, Source, UnreadableFile};
use crate::expiry::scanner::{ExpiryScanner, FileFailure, ScanError, ScanTotals};
use crate::expiry::sniff::has_certificate_extension;
use crate::finding::{Finding, FindingCode, Level};
use crate::report::earlier::is_expiry_report;
use crate::report::medium::Medium;
use crate::report::shell::{shell_os_word, shell_path};
use crate::report::style::Paint;
use crate::report::{Report, human};
use crate::text::printable_name;
use crate::world::context::Context;
use crate::world::files::{self, Location, ReadError};
use crate::world::progress::Progress;
use crate::world::walk::{self, Beside, Filter, Globs};

/// Returns the exit code, which is not always one of the table: Nagios has its own.
pub(super) fn run(arguments: &ExpiryArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    refuse_early(arguments)?;
    report_file(arguments).check_replaceable()?;
    let report = scan(arguments, context)?;
    finish(arguments, &report, context)
}

/// Refuses what the arguments alone show to be wrong.
pub(super) fn refuse_early(arguments: &ExpiryArgs) -> Result<(), Error> {
    if let Some(warn) = arguments.warn {
        thresholds::check_order(warn, arguments.fail)?;
    }
    ReportFile::refuse_format_name(arguments.output.as_ref(), ReportFormat::value_variants())
}

fn report_file(arguments: &ExpiryArgs) -> ReportFile<'_> {
    ReportFile { output: arguments.output.as_ref(), force: arguments.force, is_earlier: is_expiry_report }
}

fn scan(arguments: &ExpiryArgs, context: &mut Context<'_>) -> Result<ExpiryReport, Error> {
    let inputs: Vec<&Location> = arguments.paths.iter().collect();
    check_stdin(&inputs, &[arguments.opening.passin.as_ref()])?;
    let include = globs("--include", &arguments.include)?;
    let beside = match (include.is_empty(), arguments.expect_key) {
        (true, _) => Beside::None,
        (false, true) => Beside::All,
        (false, false) => Beside::Dumps,
    };
    let filter = Filter { include, exclude: globs("--exclude", &arguments.exclude)?, beside };
    let passwords = candidates::read(&arguments.opening, arguments.passwords.as_deref(), context)?;
    let policy = read_policy(arguments);
    let roots: Vec<PathBuf> = arguments.paths.iter().filter_map(path).collect();
    let now = arguments.at.unwrap_or(context.now);
    let scanner = ExpiryScanner {
        policy: &policy,
        passwords: &passwords,
        max_iterations: arguments.opening.max_iterations,
        skip_unreadable: arguments.skip_unreadable,
        now,
        roots: &roots,
        filter: &filter,
    };
    let mut totals = ScanTotals::default();
    if arguments.paths.contains(&Location::Standard) {
        totals = scanner.scan_stdin(files::read(&Location::Standard, context.stdin));
    }
    let found = walk::find(&roots, &filter);
    let progress = Progress::new(found.len(), context.stderr_is_terminal);
    let totals = totals.merge(scanner.scan_files(found, &progress)).settle(&scanner);
    let ScanTotals { mut certificates, unreadable, skipped, counts, .. } = totals;
    if let Some(file) = &arguments.passwords {
        candidates::warn_of_unused(file, &passwords, context)?;
    }
    warn_of_unused(&filter.exclude, context)?;
    let hints = PasswordHints { arguments, files: counts.files };
    let mut explained = Vec::with_capacity(unreadable.len());
    for failure in unreadable {
        explained.push(explain(failure, &hints));
    }
    let unreadable = explained;
    hint_at_folders(&mut certificates, &roots);
    let mut report = ExpiryReport::new(now, policy, certificates, RunFiles { unreadable, skipped, counts });
    if !filter.include.is_empty() && report.summary.files == 0 {
        hint(&mut report.findings, FindingCode::TooFewCertificates, NOTHING_INCLUDED);
    }
    Ok(report)
}

/// What to do where no glob of --include fits anything.
const NOTHING_INCLUDED: &str = "--include let nothing through: a glob without a slash fits the name of a file, wherever it is, \
     and one with a slash the whole path below the folder: server/** for all that is in server";

/// What to do where the key of a file that was named is in none.
const NAME_THE_FOLDER: &str = "only files that are named are looked at: name its folder, or the file of its key too";

/// Tells of each file that was named and has no key that others may have it.
fn hint_at_folders(certificates: &mut [CheckedCertificate], roots: &[PathBuf]) {
    let named: HashSet<String> = roots.iter().map(|root| root.display().to_string()).collect();
    for certificate in certificates {
        if certificate.source == Source::File && named.contains(&certificate.file) {
            hint(&mut certificate.findings, FindingCode::KeyMissing, NAME_THE_FOLDER);
        }
    }
}

fn hint(findings: &mut [Finding], code: FindingCode, hint: &str) {
    for finding in findings {
        if finding.code == code {
            finding.hint = Some(hint.into());
        }
    }
}

/// Warns of the globs of --exclude that left out nothing.
fn warn_of_unused(exclude: &Globs, context: &mut Context<'_>) -> Result<(), Error> {
    let warning = Paint::new(context.stderr_has_color).warning("warning:");
    for pattern in exclude.unused() {
        writeln!(context.stderr, "{warning} --exclude {}: it left out nothing", printable_name(&pattern))?;
    }
    Ok(())
}

fn globs(option: &str, patterns: &[OsString]) -> Result<Globs, Error> {
    match Globs::new(patterns) {
        Ok(globs) => Ok(globs),
        Err(error) => Err(Error::new(ExitKind::Usage, format!("{option}: {error}"))
            .hint("a glob such as *.pem or old/** is expected")),
    }
}

fn explain(failure: FileFailure, hints: &PasswordHints<'_>) -> UnreadableFile {
    let FileFailure { file, source, dump, level, error } = failure;
    let (code, explained) = (error.code(), advice::explain(&dump.place(&file), &error));
    let hint = match &error {
        ScanError::Read(ReadError::TooLarge) if level != Level::Ok => Some(SPLIT_DUMP.to_owned()),
        ScanError::Open(OpenError::Lookalike(Lookalike::Jks)) if source == Source::Secret => Some(exclude_entry(&file)),
        ScanError::OtherJson | ScanError::Open(OpenError::Unrecognized)
            if hints.is_named(&file) && !has_certificate_extension(&file) =>
        {
            Some(NAME_CERTIFICATES.to_owned())
        }
        error if error.is_missing() && file.contains(GLOB_SIGNS) => Some(glob_hint(&file)),
        error => hints.of(&file, error),
    };
    let error = match hint {
        Some(hint) => explained.hint(hint),
        None => explained,
    };
    UnreadableFile { file: advice::without_password(&file), source, dump, level, code, error }
}

/// What to do about a file of another kind that was named: `git ls-files | xargs` names all.
const NAME_CERTIFICATES: &str =
    "name files that hold a certificate, or their folder, in which files of other kinds are passed over";

/// The signs by which a shell knows a glob.
const GLOB_SIGNS: [char; 3] = ['*', '?', '['];

/// Says how the files that fit a glob are chosen without a shell that expands it.
fn glob_hint(glob: &str) -> String {
    let (folder, name) = match glob.rsplit_once('/') {
        Some(("", name)) => ("/", name),
        Some(parts) => parts,
        None => (".", glob),
    };
    let choice = format!("--include {} chooses its files", shell_os_word(name.as_ref()));
    if folder.contains(GLOB_SIGNS) {
        return format!("no shell has expanded this glob: name a folder, with all below it; {choice}");
    }
    let folder = shell_path(Path::new(folder));
    format!("no shell has expanded this glob: name the folder, {folder}, with all below it; {choice}")
}

/// What to do about a file that is too large to be read.
const SPLIT_DUMP: &str = "no certificate is so large; of Secrets, leave out those of Helm: kubectl get secrets \
     --field-selector type!=helm.sh/release.v1 -o json, or give one namespace a call";

/// Returns what to do about a keystore in a Secret: cert-manager writes one beside the certificate.
fn exclude_entry(entry: &str) -> String {
    // The names that Kubernetes takes need no quotes in a shell.
    let is_plain = entry.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    let entry = if is_plain { entry } else { "NAMESPACE/NAME/KEY" };
    format!("where its certificate is in another entry too, such as tls.crt, leave it out with --exclude {entry}")
}

/// What to do about the files of a run that are locked.
struct PasswordHints<'a> {
    arguments: &'a ExpiryArgs,
    /// The number of files of the run.
    files: u64,
}

impl PasswordHints<'_> {
    /// Returns whether a file was named itself.
    fn is_named(&self, file: &str) -> bool {
        self.arguments
            .paths
            .iter()
            .any(|location| path(location).is_some_and(|path| path.display().to_string() == file))
    }

    /// Returns the hint for a locked file, where it is another than that for a single file.
    fn of(&self, file: &str, error: &ScanError) -> Option<String> {
        let open_error = match error {
            ScanError::Open(error) | ScanError::Part(Unread { error, .. }) => error,
            _ => return None,
        };
        let is_odd = matches!(open_error, OpenError::WrongPassword { oddity: Some(_), .. });
        let is_known = matches!(open_error, OpenError::PasswordNeeded(_) | OpenError::WrongPassword { .. });
        if !is_known || is_odd {
            return None;
        }
        let line = format!("{} = env:VARIABLE", printable_name(&as_glob(file)));
        match (&self.arguments.passwords, &self.arguments.opening.passin) {
            (Some(_), _) => Some(format!("no password in the file of --passwords opens it: add a line {line}")),
            (None, Some(_)) if self.files > 1 => Some(format!(
                "--passin is tried on every file: give this one its own password in a file for --passwords, with a line {line}"
            )),
            (None, None) if self.files > 1 => Some(format!(
                "give one password for all files with --passin SOURCE, or each its own in a file for --passwords, with a line {line}"
            )),
            (None, _) => None,
        }
    }
}

/// Returns the glob that fits a name alone, and that begins a line as no comment does. Blanks at its ends would be lost.
fn as_glob(name: &str) -> String {
    let mut glob = String::with_capacity(name.len());
    for (index, character) in name.char_indices() {
        let is_end = index == 0 || index + character.len_utf8() == name.len();
        match character {
            ' ' if is_end => glob.push('?'),
            '#' | '!' if index == 0 => glob.extend(['\\', character]),
            '[' | ']' | '{' | '}' | '*' | '?' | '\\' => glob.extend(['\\', character]),
            _ => glob.push(character),
        }
    }
    glob
}

fn path(location: &Location) -> Option<PathBuf> {
    match location {
        Location::Standard => None,
        Location::Path(path) => Some(path.clone()),
    }
}

/// Warnings come no later than failures.
fn warn_threshold(arguments: &ExpiryArgs) -> Threshold {
    match arguments.warn {
        Some(warn) => warn,
        None if DEFAULT_WARN.is_shorter_than(arguments.fail) => arguments.fail,
        None => DEFAULT_WARN,
    }
}

fn read_policy(arguments: &ExpiryArgs) -> PolicyReport {
    let expect = Expectations {
        topics: arguments.expect_topic.clone(),
        environments: arguments.expect_environment.clone(),
        team_id: arguments.expect_team.clone(),
        key: arguments.expect_key,
        apple: arguments.expect_apple,
    };
    PolicyReport {
        policy: ExpiryPolicy { warn: warn_threshold(arguments), fail: arguments.fail, expect },
        leaf_only: arguments.leaf_only,
        min_certificates: arguments.min_certificates,
        renewals: !arguments.no_renewals,
        list_skipped: arguments.list_skipped,
    }
}

/// Writes the report, and returns the exit code.
fn finish(arguments: &ExpiryArgs, report: &ExpiryReport, context: &mut Context<'_>) -> Result<u8, Error> {
    let format = arguments.format();
    let is_in_file = report_file(arguments).write(Report::Expiry(report), format, context)?;
    // A log that says nothing of a failure helps nobody; a cron job that is fine says nothing.
    if is_in_file && report.level != Level::Ok {
        let medium = Medium::stderr(context);
        human::expiry::write_brief(context.stderr, report, &medium)?;
    }
    if arguments.exit_zero && report.exit_code != ExitKind::Bug.code() {
        return Ok(0);
    }
    Ok(Report::Expiry(report).exit_code(format))
}
